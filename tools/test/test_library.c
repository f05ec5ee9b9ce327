// SPDX-License-Identifier: GPL-2.0
/* What librefslab has beside the calls: words, scopes, descriptors on sockets. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "client.h"

static void test_open(void **state)
{
	int fd = refslab_open(O_NONBLOCK), plain = session();

	(void)state;
	assert_in_range(fd, 0, INT32_MAX);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(plain, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(refslab_open(O_APPEND), -EINVAL);
	assert_int_equal(refslab_open(O_RDONLY | O_TRUNC), -EINVAL);
	close(fd);
	close(plain);
}

static void test_names(void **state)
{
	const char *longest = "1234567890123456789012345678901";
	const char *too_long = "12345678901234567890123456789012";
	int fd = session();
	uint32_t type;

	(void)state;
	fails(EINVAL, refslab_heap_create(fd, too_long, 0));
	works(refslab_heap_create(fd, NULL, 0));
	assert_true(info_of(fd).name[0]);
	fails(EINVAL, refslab_type_create(fd, too_long, 1, 0, 0, &type));
	fails(EINVAL, refslab_type_create(fd, NULL, 1, 0, 0, &type));
	works(refslab_type_create(fd, longest, 1, 0, 0, &type));
	close(fd);
}

/* Whatever goes wrong, where an answer was to come nothing has changed. */
static void test_answers_left_alone(void **state)
{
	struct refslab_object_info object, before_object;
	struct refslab_heap_info info, before_info;
	struct refslab_type_info type, before_type;
	struct refslab_collect collect, before_collect;
	struct refslab_stats stats, before_stats;
	uint32_t number = 4711, count = 1;
	uint64_t handle = 4711, cursor = 0;
	int fd = session();

	(void)state;
	memset(&info, 0x5a, sizeof(info));
	memset(&type, 0x5a, sizeof(type));
	memset(&object, 0x5a, sizeof(object));
	memset(&stats, 0x5a, sizeof(stats));
	memset(&collect, 0x5a, sizeof(collect));
	before_info = info;
	before_type = type;
	before_object = object;
	before_stats = stats;
	before_collect = collect;
	fails(ENXIO, refslab_heap_info(fd, &info));
	fails(ENXIO, refslab_type_create(fd, "a", 1, 0, 0, &number));
	fails(ENXIO, refslab_type_info(fd, 1, &type));
	fails(ENXIO, refslab_type_next(fd, 0, &type));
	fails(ENXIO, refslab_object_info(fd, 1, &object));
	fails(ENXIO, refslab_stats(fd, 0, &stats));
	fails(ENXIO, refslab_collect(fd, 0, &collect));
	fails(ENXIO, refslab_alloc(fd, 1, &handle));
	fails(ENXIO, refslab_dup(fd, 1, 0, &handle));
	fails(ENXIO, refslab_weak(fd, 1, &handle));
	fails(ENXIO, refslab_upgrade(fd, 1, &handle));
	fails(ENXIO, refslab_slot_load(fd, 1, 0, &handle));
	fails(ENXIO, refslab_freeze(fd, &handle));
	fails(ENXIO, refslab_unfreeze(fd, &handle));
	fails(ENXIO, refslab_freeze_count(fd, &handle));
	fails(ENXIO, refslab_enable_get(fd, &number));
	fails(ENXIO, refslab_quarantine_get(fd, &number, &handle));
	fails(ENXIO, refslab_quarantine_drain(fd, &handle));
	fails(ENXIO, refslab_objects(fd, 0, 0, &cursor, &handle, &count));
	fails(ENXIO, refslab_referrers(fd, 1, &cursor, &handle, &count));
	assert_true(handle == 4711 && number == 4711 && cursor == 0 && count == 1);
	assert_memory_equal(&info, &before_info, sizeof(info));
	assert_memory_equal(&type, &before_type, sizeof(type));
	assert_memory_equal(&object, &before_object, sizeof(object));
	assert_memory_equal(&stats, &before_stats, sizeof(stats));
	assert_memory_equal(&collect, &before_collect, sizeof(collect));
	close(fd);
}

static void test_words(void **state)
{
	int error;

	(void)state;
	assert_string_equal(refslab_strerror(-ENXIO), "the session has no heap");
	/* What the library has no words for the C library has. */
	assert_string_equal(refslab_strerror(-EPERM), strerror(EPERM));
	for (error = -200; error < 200; error++)
		assert_true(refslab_strerror(error)[0]);
	assert_true(refslab_strerror(INT32_MIN)[0]);
	assert_true(refslab_strerror(INT32_MAX)[0]);
}

static void test_scopes(void **state)
{
	struct client *client = *state;
	uint64_t kept, dropped;
	int fd;

	{
		refslab_auto_ref none = { client->fd, 0 };
		refslab_auto_ref a = { client->fd, make(client->fd, client->one) };
		refslab_auto_ref b = { client->fd, make(client->fd, client->one) };
		refslab_auto_ref c = { client->fd, make(client->fd, client->one) };

		kept = refslab_ref_take(&b);
		dropped = c.handle;
		works(refslab_ref_drop(&c));
		fails(EBADF, refslab_close(client->fd, dropped));
		assert_true(a.handle != 0 && none.handle == 0);
		assert_objects(client->fd, 2);
	}
	assert_objects(client->fd, 1);
	drop(client->fd, kept);
	{
		refslab_auto_fd inner = session(), not_open = -1;

		fd = inner;
		assert_int_equal(not_open, -1);
		assert_true(fcntl(fd, F_GETFD) >= 0);
	}
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
}

static void pair(int sockets[2], int kind)
{
	assert_int_equal(socketpair(AF_UNIX, kind | SOCK_CLOEXEC, 0, sockets), 0);
}

static void test_send_receive(void **state)
{
	int sockets[2], pipes[2], fd, again;
	char byte = 0;

	(void)state;
	pair(sockets, SOCK_STREAM);
	assert_int_equal(pipe(pipes), 0);
	/* Two in a row are two. */
	works(refslab_send(sockets[0], pipes[1]));
	works(refslab_send(sockets[0], pipes[0]));
	close(pipes[1]);
	fd = refslab_receive(sockets[1]);
	again = refslab_receive(sockets[1]);
	assert_true(fd >= 0 && again >= 0 && fd != again);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(again, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(fd);
	close(again);
	/* Data without a descriptor, the end, and nobody at the other end. */
	assert_int_equal(write(sockets[0], "y", 1), 1);
	assert_int_equal(refslab_receive(sockets[1]), -EBADMSG);
	assert_int_equal(refslab_send(sockets[0], -1), -EBADF);
	shutdown(sockets[0], SHUT_WR);
	assert_int_equal(refslab_receive(sockets[1]), -ECONNRESET);
	close(sockets[1]);
	assert_int_equal(refslab_send(sockets[0], pipes[0]), -EPIPE);
	assert_int_equal(refslab_receive(pipes[0]), -ENOTSOCK);
	close(sockets[0]);
	close(pipes[0]);
}

static int open_files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Of several at once none stays open that nobody knows. */
static void test_receive_too_many(void **state)
{
	struct iovec data = { "z", 1 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = { 0 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int sockets[2], before, n, four[4] = { 0, 0, 0, 0 };

	(void)state;
	pair(sockets, SOCK_DGRAM);
	before = open_files();
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.header), four, sizeof(four));
	for (n = 2; n <= 4; n++) {
		control.header.cmsg_len = CMSG_LEN(n * sizeof(four[0]));
		assert_int_equal(sendmsg(sockets[0], &message, 0), 1);
		assert_int_equal(refslab_receive(sockets[1]), -EBADMSG);
		assert_int_equal(open_files(), before);
	}
	close(sockets[0]);
	close(sockets[1]);
}

/* A message of no bytes is not the end, if it has one. */
static void test_receive_empty(void **state)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = {
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int sockets[2], before;

	(void)state;
	pair(sockets, SOCK_SEQPACKET);
	before = open_files();
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &sockets[0], sizeof(int));
	assert_int_equal(sendmsg(sockets[0], &message, 0), 0);
	assert_int_equal(refslab_receive(sockets[1]), -EBADMSG);
	assert_int_equal(open_files(), before);
	close(sockets[0]);
	assert_int_equal(refslab_receive(sockets[1]), -ECONNRESET);
	close(sockets[1]);
}

/* One that there is no number for. */
static void test_receive_too_many_open(void **state)
{
	struct rlimit limit, none;
	int sockets[2];

	(void)state;
	pair(sockets, SOCK_STREAM);
	works(refslab_send(sockets[0], sockets[0]));
	works(getrlimit(RLIMIT_NOFILE, &limit));
	none = (struct rlimit) { .rlim_cur = 0, .rlim_max = limit.rlim_max };
	works(setrlimit(RLIMIT_NOFILE, &none));
	assert_int_equal(refslab_receive(sockets[1]), -EMFILE);
	works(setrlimit(RLIMIT_NOFILE, &limit));
	close(sockets[0]);
	close(sockets[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_answers_left_alone),
		cmocka_unit_test(test_words),
		client_test(test_scopes),
		cmocka_unit_test(test_send_receive),
		cmocka_unit_test(test_receive_too_many),
		cmocka_unit_test(test_receive_empty),
		cmocka_unit_test(test_receive_too_many_open),
	};

	return run_as_tap(tests);
}
