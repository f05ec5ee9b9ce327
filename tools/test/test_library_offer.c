// SPDX-License-Identifier: GPL-2.0
/* A heap on offer, and who takes it. */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sharing.h"

#define PATH	"/tmp/test-library-offer"

static bool deaf;

/* Goes before the C library's, also for librefslab. */
int listen(int fd, int waiting)
{
	if (deaf) {
		errno = ENOBUFS;
		return -1;
	}
	return syscall(SYS_listen, fd, waiting);
}

static int offer(void)
{
	int fd;

	unlink(PATH);
	fd = refslab_offer(PATH);
	assert_true(fd >= 0);
	return fd;
}

/* Waits for somebody, as a program's loop does. */
static int serve(int offer, int session, uint32_t flags, uint64_t limit)
{
	struct pollfd asked = { .fd = offer, .events = POLLIN };

	assert_int_equal(poll(&asked, 1, 10000), 1);
	return refslab_offer_serve(offer, session, flags, limit);
}

/* In a process of its own: takes what is offered; 0, or what went wrong. */
static pid_t taker(int (*use)(int session))
{
	pid_t child = fork();
	int invitation, session, err;

	assert_true(child >= 0);
	if (child)
		return child;
	invitation = refslab_offer_take(PATH);
	if (invitation < 0)
		_exit(-invitation);
	session = refslab_open(0);
	err = refslab_join(session, invitation);
	_exit(err ? -err : -use(session));
}

static int status_of(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int find_root(int session)
{
	uint64_t handle, target;
	int err = refslab_root_get(session, "here", &handle);

	return err ? err : refslab_slot_load(session, handle, 0, &target);
}

static int change(int session)
{
	uint64_t handle;
	int err = refslab_root_get(session, "here", &handle);

	return err ? err : refslab_slot_set(session, handle, 0, handle);
}

static int limited(int session)
{
	struct refslab_heap_info info;
	int err = refslab_heap_info(session, &info);

	return err ? err : info.session_limit == 4096 ? 0 : -ERANGE;
}

static void test_offer(void **state)
{
	struct client *client = *state;
	int fd = offer(), i;
	unsigned int before = open_fds();
	struct stat file;
	pid_t child[3];

	works(refslab_root_set(client->fd, "here", make(client->fd, client->one), 0));
	works(stat(PATH, &file));
	assert_int_equal(file.st_mode, S_IFSOCK | 0600);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	fails(EAGAIN, refslab_offer_serve(fd, client->fd, 0, 0));

	/* As often as somebody comes, and for each what is wanted. */
	child[0] = taker(find_root);
	works(serve(fd, client->fd, REFSLAB_READ_ONLY, 0));
	assert_int_equal(status_of(child[0]), 0);
	child[0] = taker(change);
	works(serve(fd, client->fd, REFSLAB_READ_ONLY, 0));
	assert_int_equal(status_of(child[0]), EACCES);
	child[0] = taker(change);
	works(serve(fd, client->fd, 0, 0));
	assert_int_equal(status_of(child[0]), 0);
	child[0] = taker(limited);
	works(serve(fd, client->fd, 0, 4096));
	assert_int_equal(status_of(child[0]), 0);
	for (i = 0; i < 3; i++)
		child[i] = taker(find_root);
	for (i = 0; i < 3; i++)
		works(serve(fd, client->fd, REFSLAB_READ_ONLY, 0));
	for (i = 0; i < 3; i++)
		assert_int_equal(status_of(child[i]), 0);
	fails(EAGAIN, refslab_offer_serve(fd, client->fd, 0, 0));
	/* Nothing of it stays open here. */
	assert_int_equal(open_fds(), before);
	close(fd);
	unlink(PATH);
}

/* Who does not get one is told, and does not wait. */
static void test_refused(void **state)
{
	struct client *client = *state;
	int fd = offer(), bare = session(), reader = session(), invitation;
	pid_t child;

	invitation = refslab_invite(client->fd, REFSLAB_READ_ONLY, 0);
	works(refslab_join(reader, invitation));
	child = taker(find_root);
	fails(EACCES, serve(fd, reader, 0, 0));
	assert_int_equal(status_of(child), ECONNRESET);
	child = taker(find_root);
	fails(ENXIO, serve(fd, bare, 0, 0));
	assert_int_equal(status_of(child), ECONNRESET);
	child = taker(find_root);
	fails(EINVAL, serve(fd, client->fd, 1U << 31, 0));
	assert_int_equal(status_of(child), ECONNRESET);
	child = taker(find_root);
	works(serve(fd, reader, REFSLAB_READ_ONLY, 0));
	assert_int_equal(status_of(child), ENOENT);
	close(fd);
	assert_int_equal(refslab_offer_take(PATH), -ECONNREFUSED);
	unlink(PATH);
	close(invitation);
	close(reader);
	close(bare);
}

static void test_mistakes(void **state)
{
	struct client *client = *state;
	char path[200];
	int fd = offer();

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	fails(EADDRINUSE, refslab_offer(PATH));
	fails(ENAMETOOLONG, refslab_offer(path));
	fails(ENOENT, refslab_offer("/tmp/nowhere/socket"));
	fails(ENOENT, refslab_offer(""));
	fails(ENAMETOOLONG, refslab_offer_take(path));
	fails(ENOENT, refslab_offer_take("/tmp/nowhere/socket"));
	fails(ENOENT, refslab_offer_take(""));
	fails(ECONNREFUSED, refslab_offer_take("/dev/null"));
	fails(EBADF, refslab_offer_serve(-1, client->fd, 0, 0));
	fails(ENOTSOCK, refslab_offer_serve(client->fd, client->fd, 0, 0));
	close(fd);
	unlink(PATH);
	/* No file is left of what did not come to be. */
	deaf = true;
	fails(ENOBUFS, refslab_offer(PATH));
	deaf = false;
	assert_int_equal(access(PATH, F_OK), -1);
	/* A path that just fits. */
	memcpy(path, "/tmp/", 5);
	path[107] = '\0';
	fd = refslab_offer(path);
	assert_true(fd >= 0);
	close(fd);
	works(unlink(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_offer),
		client_test(test_refused),
		client_test(test_mistakes),
	};

	return run_as_tap(tests);
}
