// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that cannot be had and copies that fail, on kernels that inject faults:
 * one of the next few of a thread does.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz.h"

/* Of this thread; its signal handler looks at it. */
static __thread volatile sig_atomic_t armed;

static void set_knob(const char *kind, const char *knob, const char *value)
{
	char path[128];
	int fd, n;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kind, knob);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return;
	n = write(fd, value, 1);
	(void)n;
	close(fd);
}

/* For all: allocations that may sleep too, and no trace of each in the log. */
void fault_set_up(void)
{
	set_knob("failslab", "ignore-gfp-wait", "N");
	set_knob("fail_page_alloc", "ignore-gfp-wait", "N");
	/* those of vmalloc() */
	set_knob("fail_page_alloc", "ignore-gfp-highmem", "N");
	set_knob("fail_page_alloc", "min-order", "0");
	set_knob("failslab", "verbose", "0");
	set_knob("fail_page_alloc", "verbose", "0");
	set_knob("fail_usercopy", "verbose", "0");
	arena->absent[KIND_FAULT] = access("/proc/self/fail-nth", W_OK);
}

void fault_begin(struct thread *thread)
{
	int fd = own_fd(open("/proc/thread-self/fail-nth", O_RDWR));

	thread->fault_fd = fd < 0 ? 0 : fd;
}

static void set(struct thread *thread, unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	/* what fails may be this */
	while (pwrite(thread->fault_fd, text, length, 0) != length && errno == EFAULT)
		;
}

/* A signal that cannot be delivered, since that is what fails, would be the end. */
static void set_alarms(int how)
{
	sigset_t alarms;

	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	pthread_sigmask(how, &alarms, NULL);
}

/*
 * The kernel writes a thread's CPU where the C library wants to read it (rseq),
 * whenever the thread comes back from another's turn. Since a fork the page may be
 * shared and have to be copied; if the memory for that is what fails, the thread is
 * sent SIGSEGV by nobody and for no address. Once each time, since one fault is armed.
 */
bool fault_was_rseq(const siginfo_t *info)
{
	bool was = armed && info->si_signo == SIGSEGV && info->si_code == SI_KERNEL &&
		   !info->si_addr;

	if (was)
		armed = 0;
	return was;
}

void fault_arm(struct thread *thread)
{
	if (!thread->fault_fd)
		return;
	set_alarms(SIG_BLOCK);
	armed = 1;
	set(thread, 1 + random_below(&thread->random, 1u << random_below(&thread->random, 5)));
}

void fault_disarm(struct thread *thread)
{
	char text[16] = "";
	bool failed;

	if (!thread->fault_fd)
		return;
	failed = pread(thread->fault_fd, text, sizeof(text) - 1, 0) > 0 && !atoi(text);
	set(thread, 0);
	armed = 0;
	set_alarms(SIG_UNBLOCK);
	/* or the call made fewer */
	count(thread->counts, KIND_FAULT, failed ? 0 : EAGAIN);
}
