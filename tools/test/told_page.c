// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/syscall.h>

#include "told_page.h"

static struct uffdio_range range_of(const struct told_page *told)
{
	return (struct uffdio_range){ told->page, sysconf(_SC_PAGESIZE) };
}

/* Who faulted goes on. */
static void serve(const struct told_page *told)
{
	struct uffdio_zeropage zeroes = { .range = range_of(told) };
	struct uffdio_writeprotect writable = { .range = range_of(told) };

	if (told->what == TOLD_MISSING)
		ioctl(told->fd, UFFDIO_ZEROPAGE, &zeroes);
	else
		ioctl(told->fd, UFFDIO_WRITEPROTECT, &writable);
}

static void *serve_faults(void *argument)
{
	struct told_page *told = argument;
	struct pollfd wait = { .fd = told->fd, .events = POLLIN };
	struct uffd_msg message;

	while (!told->end) {
		poll(&wait, 1, 10);
		if (read(told->fd, &message, sizeof(message)) != sizeof(message))
			continue;
		told->faults++;
		if (told->late)
			told->late(told->argument);
		serve(told);
	}
	return NULL;
}

static int told_page_make(struct told_page *told)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register how = {
		.range = range_of(told),
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_writeprotect protect = {
		.range = range_of(told),
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	if (told->what == TOLD_WRITTEN) {
		api.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP;
		how.mode = UFFDIO_REGISTER_MODE_WP;
	}
	return call(told->fd, UFFDIO_API, &api) ?: call(told->fd, UFFDIO_REGISTER, &how) ?:
	       (told->what == TOLD_WRITTEN ?
		call(told->fd, UFFDIO_WRITEPROTECT, &protect) : 0);
}

int told_page_begin(struct told_page *told, void *page, enum told what,
		    void (*late)(void *argument), void *argument)
{
	int err;

	*told = (struct told_page){
		.fd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK),
		.page = (unsigned long)page,
		.what = what,
		.late = late,
		.argument = argument,
	};
	if (told->fd < 0)
		return -errno;
	err = told_page_make(told) ?:
	      -pthread_create(&told->thread, NULL, serve_faults, told);
	if (err)
		close(told->fd);
	return err;
}

void told_page_end(struct told_page *told)
{
	told->end = true;
	pthread_join(told->thread, NULL);
	close(told->fd);
}
