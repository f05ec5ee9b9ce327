// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <time.h>

#include "client.h"

int session(void)
{
	int fd = refslab_open(0);

	if (fd < 0)
		fail_msg("%s: %s", REFSLAB_DEVICE, strerror(-fd));
	return fd;
}

int session_with_heap(uint64_t limit)
{
	int fd = session();

	works(refslab_heap_create(fd, "", limit));
	works(refslab_enable_set(fd, 0));
	return fd;
}

uint32_t type(int fd, uint32_t slots, uint32_t payload)
{
	static unsigned int number;
	char name[REFSLAB_NAME_MAX];
	uint32_t type = 0;

	snprintf(name, sizeof(name), "type-%u", number++);
	works(refslab_type_create(fd, name, slots, payload, 0, &type));
	assert_int_not_equal(type, 0);
	return type;
}

int client_setup(void **state)
{
	struct client *client = calloc(1, sizeof(*client));

	assert_non_null(client);
	client->fd = session_with_heap(0);
	client->leaf = type(client->fd, 0, PAYLOAD);
	client->one = type(client->fd, 1, PAYLOAD);
	client->two = type(client->fd, 2, PAYLOAD);
	client->four = type(client->fd, 4, PAYLOAD);
	client->wide = type(client->fd, 64, PAYLOAD);
	*state = client;
	return 0;
}

int client_teardown(void **state)
{
	struct client *client = *state;

	close(client->fd);
	free(client);
	return 0;
}

uint64_t make(int fd, uint32_t type)
{
	uint64_t handle = 0;

	works(refslab_alloc(fd, type, &handle));
	assert_true(handle != 0);
	return handle;
}

uint64_t dup_of(int fd, uint64_t handle)
{
	uint64_t copy = 0;

	works(refslab_dup(fd, handle, 0, &copy));
	assert_true(copy != 0 && copy != handle);
	return copy;
}

uint64_t weak_of(int fd, uint64_t handle)
{
	uint64_t weak = 0;

	works(refslab_weak(fd, handle, &weak));
	assert_true(weak != 0 && weak != handle);
	return weak;
}

uint64_t upgrade(int fd, uint64_t weak)
{
	uint64_t handle = -1;

	works(refslab_upgrade(fd, weak, &handle));
	return handle;
}

void drop(int fd, uint64_t handle)
{
	works(refslab_close(fd, handle));
}

void fill(int fd, uint64_t handle, uint32_t slot, uint64_t target)
{
	works(refslab_slot_set(fd, handle, slot, target));
}

uint64_t load(int fd, uint64_t handle, uint32_t slot)
{
	uint64_t target = -1;

	works(refslab_slot_load(fd, handle, slot, &target));
	return target;
}

static struct refslab_object_info object_info(int fd, uint64_t handle)
{
	struct refslab_object_info info;

	works(refslab_object_info(fd, handle, &info));
	return info;
}

uint64_t count_of(int fd, uint64_t handle)
{
	return object_info(fd, handle).count;
}

uint32_t generation_of(int fd, uint64_t handle)
{
	return object_info(fd, handle).generation;
}

struct refslab_heap_info info_of(int fd)
{
	struct refslab_heap_info info;

	works(refslab_heap_info(fd, &info));
	return info;
}

struct refslab_stats stats_of(int fd, uint32_t generation)
{
	struct refslab_stats stats;

	works(refslab_stats(fd, generation, &stats));
	return stats;
}

uint64_t runs_of(int fd)
{
	uint64_t runs = 0;
	uint32_t generation;

	for (generation = 0; generation < REFSLAB_GENERATIONS; generation++)
		runs += stats_of(fd, generation).runs;
	return runs;
}

uint64_t sweep(int fd, uint32_t generation)
{
	struct refslab_collect collect;

	works(refslab_collect(fd, generation, &collect));
	return collect.freed;
}

void _assert_objects(int fd, uint64_t wanted, const char *file, int line)
{
	uint64_t end = now_ns() + 10 * SECOND, least = UINT64_MAX, objects;

	/* on a busy machine a million take their time; so long as it goes on */
	while ((objects = info_of(fd).objects) > wanted && now_ns() < end) {
		if (objects < least) {
			least = objects;
			end = now_ns() + 10 * SECOND;
		}
		sleep_ms(1);
	}
	_assert_int_equal(objects, wanted, file, line);
}

uint64_t ring(int fd, uint32_t type, unsigned int n)
{
	uint64_t first = make(fd, type), last = first, next;

	while (--n) {
		next = make(fd, type);
		fill(fd, last, 0, next);
		if (last != first)
			drop(fd, last);
		last = next;
	}
	fill(fd, last, 0, first);
	if (last != first)
		drop(fd, last);
	return first;
}

int log_open(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	assert_true(log >= 0);
	assert_true(lseek(log, 0, SEEK_END) == 0);
	return log;
}

unsigned int logged(int log, const char *text)
{
	char record[8192];
	unsigned int n = 0;
	ssize_t length;

	for (;;) {
		length = read(log, record, sizeof(record) - 1);
		/* some were lost */
		if (length < 0 && errno == EPIPE)
			continue;
		if (length < 0) {
			assert_int_equal(errno, EAGAIN);
			return n;
		}
		record[length] = '\0';
		n += !!strstr(record, text);
	}
}

void count_root(bool count)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t mask = CAP_TO_MASK(CAP_SYS_RESOURCE);
	__u32 *effective = &data[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective;

	/* a fault may be injected just now */
	while (syscall(SYS_capget, &header, data))
		assert_true(errno == ENOMEM || errno == EFAULT);
	*effective = count ? *effective & ~mask : *effective | mask;
	while (syscall(SYS_capset, &header, data))
		assert_true(errno == ENOMEM || errno == EFAULT);
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

void sleep_ms(unsigned int ms)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&pause, NULL);
}
