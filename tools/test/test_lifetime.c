// SPDX-License-Identifier: GPL-2.0
/* Processes that die, descriptors that are shared, the module that goes. */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "module.h"
#include "storm.h"

#define SYSFS	"/sys/kernel/refslab/"
#define ANY	"/sys/module/refslab/parameters/any_kernel"

static void assert_exit(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("a child ended with status 0x%x", status);
}

/* cmocka's asserts jump in the parent only: a child says it by its exit. */
#define child_wants(condition) do {					\
	if (!(condition)) {						\
		fprintf(stderr, "%s:%d: child: %s\n", __FILE__, __LINE__, #condition); \
		_exit(1);						\
	}								\
} while (0)

/* Lets a child do something and tell, then waits to be killed. */
static pid_t start_child(void (*work)(void *), void *argument)
{
	int ready[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		work(argument);
		child_wants(write(ready[1], "", 1) == 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

static void kill_child(pid_t child)
{
	int status;

	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void make_many(void *argument)
{
	uint32_t one, leaf;
	int fd = session(), i;

	(void)argument;
	child_wants(!refslab_heap_create(fd, "killed", 0));
	one = type(fd, 1, 100);
	leaf = type(fd, 0, 1000);
	for (i = 0; i < 3000; i++) {
		/* held, in a live ring, garbage; a bit of each */
		make(fd, leaf);
		ring(fd, one, 3);
		drop(fd, ring(fd, one, 3));
	}
}

static void test_killed(void **state)
{
	int fd = session(), round;

	(void)state;
	for (round = 0; round < 3; round++) {
		pid_t child = start_child(make_many, NULL);

		assert_int_equal(access(SYSFS "killed", F_OK), 0);
		fails(EEXIST, refslab_heap_create(fd, "killed", 0));
		kill_child(child);
		assert_true(eventually(access(SYSFS "killed", F_OK) == -1));
	}
	assert_true(eventually(!refslab_heap_create(fd, "killed", 0)));
	close(fd);
}

/* At whatever point of its work. */
static void test_killed_at_work(void **state)
{
	int round, status;
	pid_t child;

	(void)state;
	for (round = 0; round < 20; round++) {
		child = fork();
		assert_true(child >= 0);
		if (!child) {
			int fd = session_with_heap(0);
			uint32_t one = type(fd, 1, 16);

			refslab_enable_set(fd, 1);
			for (;;) {
				struct refslab_collect collect;

				drop(fd, ring(fd, one, 100));
				refslab_collect(fd, 2, &collect);
			}
		}
		sleep_ms(20 + 13 * round);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFSIGNALED(status))
			fail_msg("a child ended by itself, with status 0x%x", status);
	}
}

static void test_fork(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two), b;
	int go[2];
	char name[REFSLAB_NAME_MAX], path[128], byte;
	pid_t child;

	strcpy(name, info_of(client->fd).name);
	snprintf(path, sizeof(path), SYSFS "%s", name);
	assert_int_equal(pipe(go), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		/* The same session: its handles, and what it makes is shared. */
		struct refslab_object_info info;
		struct refslab_heap_info heap;

		close(go[1]);
		child_wants(!refslab_object_info(client->fd, a, &info));
		child_wants(!refslab_alloc(client->fd, client->two, &b));
		child_wants(!refslab_slot_set(client->fd, a, 0, b));
		child_wants(read(go[0], &byte, 1) == 1);
		/* The parent has closed its descriptor. */
		child_wants(!refslab_object_info(client->fd, a, &info));
		child_wants(!refslab_heap_info(client->fd, &heap));
		child_wants(heap.objects == 2);
		_exit(0);
	}
	close(go[0]);
	assert_true(eventually(info_of(client->fd).objects == 2));
	close(client->fd);
	sleep_ms(50);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_exit(child);
	close(go[1]);
	assert_true(eventually(access(path, F_OK) == -1));
	client->fd = session();
}

/* A descriptor in flight keeps the session, and arrives as the same one. */
static void test_passed(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two);
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &client->fd, sizeof(int));
	assert_int_equal(sendmsg(pair[0], &message, 0), 1);
	close(client->fd);
	assert_int_equal(recvmsg(pair[1], &message, 0), 1);
	memcpy(&client->fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	assert_int_equal(count_of(client->fd, a), 1);
	assert_objects(client->fd, 1);
	close(pair[0]);
	close(pair[1]);
}

struct allocator {
	int fd;
	uint32_t type;
	int err;
};

static void *allocate(void *argument)
{
	struct allocator *allocator = argument;
	uint64_t handle;

	do {
		allocator->err = refslab_alloc(allocator->fd, allocator->type,
					       &handle);
	} while (!allocator->err);
	return NULL;
}

static void test_close_under_threads(void **state)
{
	enum { THREADS = 3 };
	int round, i;

	(void)state;
	for (round = 0; round < 30; round++) {
		struct allocator allocator[THREADS];
		pthread_t thread[THREADS];
		int fd = session_with_heap(0);
		uint32_t two = type(fd, 2, 64);

		for (i = 0; i < THREADS; i++) {
			allocator[i] = (struct allocator){ fd, two, 0 };
			works(pthread_create(&thread[i], NULL, allocate, &allocator[i]));
		}
		sleep_ms(1 + round);
		close(fd);
		for (i = 0; i < THREADS; i++) {
			works(pthread_join(thread[i], NULL));
			/* The descriptor's EBADF: the call after the last one. */
			assert_int_equal(allocator[i].err, -EBADF);
		}
	}
}

/* Each in a heap of its own; none sees the others'. */
static void test_processes(void **state)
{
	enum { PROCESSES = 6, ROUNDS = 40 };
	pid_t child[PROCESSES];
	int i;

	(void)state;
	for (i = 0; i < PROCESSES; i++) {
		child[i] = fork();
		assert_true(child[i] >= 0);
		if (!child[i]) {
			int fd = session_with_heap(0), round;
			uint32_t two = type(fd, 2, sizeof(uint64_t));
			uint64_t live = make(fd, two), seen;
			uint64_t mark = 0x1234567890abcdefull * (i + 1);

			child_wants(!refslab_write(fd, live, 0, &mark, sizeof(mark)));
			for (round = 0; round < ROUNDS; round++) {
				struct refslab_heap_info info;
				struct refslab_collect collect;

				drop(fd, ring(fd, two, 50 + i));
				child_wants(!refslab_collect(fd, 2, &collect));
				child_wants(collect.freed == 50u + i);
				child_wants(!refslab_heap_info(fd, &info));
				child_wants(info.objects == 1);
				child_wants(!refslab_read(fd, live, 0, &seen, sizeof(seen)));
				child_wants(seen == mark);
			}
			_exit(0);
		}
	}
	for (i = 0; i < PROCESSES; i++)
		assert_exit(child[i]);
}

/* --- the module itself --- */

static void test_unload_refused(void **state)
{
	int fd;

	(void)state;
	if (!module_file())
		skip();
	fd = session();
	/* An open file is enough; what rmmod(8) calls busy is EAGAIN here. */
	fails(EAGAIN, module_unload());
	works(refslab_heap_create(fd, "", 0));
	fails(EAGAIN, module_unload());
	drop(fd, make(fd, type(fd, 1, 8)));
	close(fd);
}

static void test_unload_load(void **state)
{
	int fd, i;

	(void)state;
	if (!module_file())
		skip();
	for (i = 0; i < 5; i++) {
		fd = session_with_heap(0);
		drop(fd, ring(fd, type(fd, 1, 8), 1000));
		close(fd);
		assert_true(eventually(!module_unload()));
		assert_int_equal(access(SYSFS, F_OK), -1);
		assert_int_equal(access(REFSLAB_DEVICE, F_OK), -1);
		works(module_load());
		assert_true(eventually(access(REFSLAB_DEVICE, R_OK) == 0));
	}
}

static void assert_any_kernel(const char *wanted)
{
	char text[16];

	works(storm_read(ANY, text, sizeof(text)));
	assert_string_equal(text, wanted);
}

/*
 * On a kernel that it is tested on the parameter changes nothing, and nothing is
 * said; what it does on others kunit/kernel_kunit.c knows.
 */
static void test_any_kernel(void **state)
{
	int log;

	(void)state;
	if (!module_file())
		skip();
	log = log_open();
	assert_any_kernel("N");
	assert_true(eventually(!module_unload()));
	fails(EINVAL, module_load_with("any_kernel=perhaps"));
	assert_int_equal(access(REFSLAB_DEVICE, F_OK), -1);
	works(module_load_with("any_kernel=1"));
	assert_true(eventually(access(REFSLAB_DEVICE, R_OK) == 0));
	assert_any_kernel("Y");
	/* it is asked once, when it is loaded */
	fails(EACCES, storm_write(ANY, "N"));
	close(session_with_heap(0));
	assert_true(eventually(!module_unload()));
	works(module_load());
	assert_true(eventually(access(REFSLAB_DEVICE, R_OK) == 0));
	assert_any_kernel("N");
	assert_int_equal(logged(log, "not tested on Linux"), 0);
	close(log);
}

/* Whatever the clients left behind, the system has it back. */
static void test_pages_come_back(void **state)
{
	enum { ROUNDS = 4, OBJECTS = 8000 };	/* of a page: 32 MiB a round */
	long before = 0, after;
	int round;

	(void)state;
	if (!module_file())
		skip();
	for (round = 0; round < ROUNDS; round++) {
		int fd = session_with_heap(0);

		ring(fd, type(fd, 1, 4000), OBJECTS / 2);
		drop(fd, ring(fd, type(fd, 1, 4000), OBJECTS / 2));
		close(fd);
		assert_true(eventually(!module_unload()));
		/* The first round pays for what is only ever made once. */
		if (!round)
			before = free_pages();
		works(module_load());
		assert_true(eventually(access(REFSLAB_DEVICE, R_OK) == 0));
	}
	assert_true(eventually(!module_unload()));
	after = free_pages();
	works(module_load());
	if (after < before - OBJECTS / 2)
		fail_msg("%ld pages are missing", before - after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_killed_at_work),
		client_test(test_fork),
		client_test(test_passed),
		cmocka_unit_test(test_close_under_threads),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_unload_refused),
		cmocka_unit_test(test_unload_load),
		cmocka_unit_test(test_any_kernel),
		cmocka_unit_test(test_pages_come_back),
	};

	return run_as_tap(tests);
}
