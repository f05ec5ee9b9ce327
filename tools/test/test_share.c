// SPDX-License-Identifier: GPL-2.0
/* Sharing: invitations, exported objects, roots, and what read-only means. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "sharing.h"

/* What a test with sharers in other processes says instead of failing there. */
#define child_must(condition) do {					\
	if (!(condition)) {						\
		fprintf(stderr, "%s:%d: %s\n", __func__, __LINE__, #condition); \
		_exit(1);						\
	}								\
} while (0)

static void assert_child_ok(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- joining --- */

static void joiner(int socket)
{
	int invitation = refslab_receive(socket), fd = refslab_open(0);
	uint64_t handle, next;
	uint32_t number;

	child_must(invitation >= 0 && fd >= 0);
	child_must(!refslab_join(fd, invitation));
	close(invitation);
	child_must(info_of(fd).handles == 0);
	child_must(info_of(fd).sessions == 2);
	child_must(!refslab_root_get(fd, "list", &handle));
	child_must(!refslab_read(fd, handle, 0, &number, sizeof(number)));
	child_must(number == 4711);
	child_must(!refslab_slot_load(fd, handle, 0, &next) && next);
	number = 4712;
	child_must(!refslab_write(fd, next, 0, &number, sizeof(number)));
	/* Left to the end of the process. */
	_exit(0);
}

/* By a socket, as it is meant. */
static void test_join(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one), b = make(client->fd, client->one);
	uint32_t number = 4711;
	int sockets[2], invitation;
	pid_t pid;

	works(refslab_write(client->fd, a, 0, &number, sizeof(number)));
	fill(client->fd, a, 0, b);
	works(refslab_root_set(client->fd, "list", a, 0));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pid = fork();
	if (!pid) {
		close(sockets[0]);
		close(client->fd);
		joiner(sockets[1]);
	}
	close(sockets[1]);
	invitation = refslab_invite(client->fd, 0, 0);
	assert_true(invitation >= 0);
	works(send_fds(sockets[0], &invitation, 1));
	close(invitation);
	assert_child_ok(pid);
	close(sockets[0]);
	works(refslab_read(client->fd, b, 0, &number, sizeof(number)));
	assert_int_equal(number, 4712);
	/* Of what the joiner had nothing is left. */
	assert_true(eventually(info_of(client->fd).sessions == 1));
	assert_int_equal(count_of(client->fd, a), 2);
	assert_int_equal(count_of(client->fd, b), 2);
	assert_objects(client->fd, 2);
}

static void test_join_refused(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one);
	int invitation = refslab_invite(client->fd, 0, 0), fd = session(), other = session();
	int exported = refslab_export(client->fd, a, 0), file = open("/dev/null", O_RDWR);
	struct refslab_join arg = { .size = sizeof(arg) };

	assert_true(invitation >= 0 && exported >= 0 && file >= 0);
	fails(EBADF, refslab_join(fd, -1));
	fails(EBADF, refslab_join(fd, 1 << 20));
	fails(EBADF, refslab_join(fd, file));
	fails(EBADF, refslab_join(fd, fd));
	/* Neither a session nor an object lets anybody in. */
	fails(EBADF, refslab_join(fd, client->fd));
	fails(EBADF, refslab_join(fd, exported));
	arg.fd = invitation;
	arg.reserved = 1;
	fails(EINVAL, call(fd, REFSLAB_JOIN, &arg));
	arg.reserved = 0;
	arg.flags = 1;
	fails(EINVAL, call(fd, REFSLAB_JOIN, &arg));
	fails(EBUSY, refslab_join(client->fd, invitation));
	/* It is no session itself. */
	assert_int_equal(ioctl(invitation, REFSLAB_HEAP_INFO, &arg), -1);
	assert_int_equal(errno, ENOTTY);
	works(refslab_join(fd, invitation));
	fails(EBUSY, refslab_join(fd, invitation));
	fails(EBUSY, refslab_heap_create(fd, "", 0));
	works(refslab_join(other, invitation));
	assert_int_equal(info_of(client->fd).sessions, 3);
	close(other);
	close(fd);
	close(file);
	close(exported);
	close(invitation);
	assert_true(eventually(info_of(client->fd).sessions == 1));
}

/* A descriptor is closed on exec, and cannot be opened anew. */
static void test_descriptors(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one);
	char path[64];
	int fds[2], i;

	fds[0] = refslab_invite(client->fd, 0, 0);
	fds[1] = refslab_export(client->fd, a, 0);
	for (i = 0; i < 2; i++) {
		assert_true(fds[i] >= 0);
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
		assert_int_equal(open(path, O_RDWR), -1);
		assert_int_equal(read(fds[i], path, 1), -1);
		assert_int_equal(write(fds[i], path, 1), -1);
		close(fds[i]);
	}
}

/* Where there is no descriptor to be had, nothing is left of the attempt. */
static void test_no_descriptors(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one);
	struct rlimit old, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	fails(EMFILE, refslab_invite(client->fd, 0, 0));
	fails(EMFILE, refslab_export(client->fd, a, 0));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(count_of(client->fd, a), 1);
}

/* Handles of one session are nothing in another of the same heap. */
static void test_own_handles(void **state)
{
	struct client *client = *state;
	int fd = joined(client->fd, 0, 0);
	uint64_t a = make(client->fd, client->one), b, delta;

	for (delta = 0; delta < 1000; delta++) {
		struct refslab_object_info info;

		fails(EBADF, refslab_object_info(fd, a + delta, &info));
		fails(EBADF, refslab_object_info(fd, delta, &info));
	}
	b = make(fd, client->one);
	assert_objects(client->fd, 2);
	assert_int_equal(info_of(fd).handles, 1);
	assert_int_equal(info_of(client->fd).handles, 1);
	if (a != b)
		fails(EBADF, refslab_close(client->fd, b));
	close(fd);
	assert_objects(client->fd, 1);
}

/* Who joined may do all but raise what the creator pays for. */
static void test_joined_rights(void **state)
{
	struct client *client = *state;
	int fd = joined(client->fd, 0, 0);
	struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_LIMIT,
		.limit = 64 << 20,
	};
	uint32_t number;
	uint64_t freed;

	assert_int_equal(info_of(client->fd).session_flags, 0);
	assert_int_equal(info_of(fd).session_flags, REFSLAB_SESSION_JOINED);
	fails(EACCES, refslab_heap_limits(fd, &limits));
	works(refslab_heap_limits(client->fd, &limits));
	number = type(fd, 1, 8);
	drop(fd, ring(fd, number, 3));
	freed = sweep(fd, 2);
	assert_int_equal(freed, 3);
	works(refslab_type_destroy(fd, number));
	close(fd);
}

/* A heap without sessions lives by an invitation, or an object, alone. */
static void test_what_keeps_a_heap(void **state)
{
	uint64_t a;
	uint32_t t, number = 1;
	int fd, again, keeper, way;

	(void)state;
	for (way = 0; way < 2; way++) {
		fd = session();
		works(refslab_heap_create(fd, "test-share", 0));
		t = type(fd, 0, 8);
		a = make(fd, t);
		works(refslab_write(fd, a, 0, &number, sizeof(number)));
		works(refslab_root_set(fd, "a", a, 0));
		keeper = way ? refslab_export(fd, a, REFSLAB_READ_ONLY) : refslab_invite(fd, 0, 0);
		assert_true(keeper >= 0);
		close(fd);
		assert_true(heap_exists("test-share"));
		if (!way) {
			again = session();
			works(refslab_join(again, keeper));
			number = 0;
			works(refslab_read(again, root(again, "a"), 0, &number,
					  sizeof(number)));
			assert_int_equal(number, 1);
			assert_objects(again, 1);
			close(again);
		}
		assert_true(heap_exists("test-share"));
		close(keeper);
		assert_true(eventually(!heap_exists("test-share")));
	}
}

/* --- descriptors on their way --- */

static void test_in_flight(void **state)
{
	int fd = session(), sockets[2], keeper, fds[3], i;

	(void)state;
	works(refslab_heap_create(fd, "test-flight", 0));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	/* The only descriptor of the heap is in no process. */
	keeper = refslab_invite(fd, 0, 0);
	works(send_fds(sockets[0], &keeper, 1));
	close(keeper);
	close(fd);
	assert_true(heap_exists("test-flight"));
	keeper = refslab_receive(sockets[1]);
	assert_true(keeper >= 0);
	fd = session();
	works(refslab_join(fd, keeper));
	/* Sent, and never received. */
	for (i = 0; i < 10; i++)
		works(send_fds(sockets[0], &keeper, 1));
	close(keeper);
	close(fd);
	assert_true(heap_exists("test-flight"));
	close(sockets[0]);
	close(sockets[1]);
	assert_true(eventually(!heap_exists("test-flight")));

	/* Together with the socket's own ends: a circle that the kernel finds. */
	fd = session();
	works(refslab_heap_create(fd, "test-flight", 0));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	fds[0] = refslab_invite(fd, 0, 0);
	fds[1] = sockets[0];
	fds[2] = sockets[1];
	works(send_fds(sockets[0], fds, 3));
	works(send_fds(sockets[1], fds, 3));
	close(fds[0]);
	close(fd);
	close(sockets[0]);
	close(sockets[1]);
	/* It looks when another one is closed. */
	assert_true(eventually(({
		socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
		close(sockets[0]);
		close(sockets[1]);
		!heap_exists("test-flight");
	})));
}

/* --- objects --- */

static void test_export(void **state)
{
	struct client *client = *state;
	int fd = joined(client->fd, 0, 0), other = session_with_heap(0);
	uint64_t a = make(client->fd, client->one), b, c;
	uint64_t weak = weak_of(client->fd, a);
	int exported = refslab_export(client->fd, a, 0), unbound = session();

	assert_true(exported >= 0);
	assert_int_equal(count_of(client->fd, a), 2);
	fails(EXDEV, refslab_import(other, exported, &b));
	fails(ENXIO, refslab_import(unbound, exported, &b));
	fails(EBADF, refslab_import(fd, -1, &b));
	fails(EBADF, refslab_import(fd, fd, &b));
	b = imported(fd, exported);
	assert_int_equal(count_of(client->fd, a), 3);
	assert_false(is_read_only(fd, b));
	fill(fd, b, 0, b);
	fill(fd, b, 0, 0);
	drop(client->fd, a);
	drop(fd, b);
	/* The descriptor alone keeps it. */
	b = upgrade(client->fd, weak);
	assert_true(b != 0);
	drop(client->fd, b);
	c = imported(client->fd, exported);
	close(exported);
	assert_true(eventually(count_of(client->fd, c) == 1));
	drop(client->fd, c);
	assert_true(upgrade(client->fd, weak) == 0);
	/* What is no handle, or a weak one. */
	fails(EBADF, refslab_export(client->fd, a, 0));
	fails(EBADF, refslab_export(client->fd, weak, 0));
	fails(EBADF, refslab_export(client->fd, 0, 0));
	close(unbound);
	close(other);
	close(fd);
}

/* A garbage cycle that an exported object is in is none. */
static void test_export_and_sweeps(void **state)
{
	struct client *client = *state;
	uint64_t a = ring(client->fd, client->one, 5);
	int exported = refslab_export(client->fd, a, REFSLAB_READ_ONLY);

	drop(client->fd, a);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, 5);
	close(exported);
	assert_true(eventually(sweep(client->fd, 2) == 5));
	assert_objects(client->fd, 0);
}

/* --- roots --- */

static void test_roots(void **state)
{
	static const char *const names[] = { "A", "a", "a.b", "a_b", "b-1" };
	static const char *const wrong[] = {
		"", ".", "..", ".a", "a/b", "a b", "\xff",
		"0123456789012345678901234567890123",
	};
	struct client *client = *state;
	uint64_t a = make(client->fd, client->leaf), b = make(client->fd, client->leaf), c;
	char name[REFSLAB_NAME_MAX] = "";
	size_t i;

	fails(ENOENT, refslab_root_get(client->fd, "a", &c));
	fails(ENOENT, refslab_root_set(client->fd, "a", 0, 0));
	fails(ENOENT, refslab_root_next(client->fd, name));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		fails(EINVAL, refslab_root_set(client->fd, wrong[i], a, 0));
		fails(EINVAL, refslab_root_set(client->fd, wrong[i], 0, 0));
		fails(EINVAL, refslab_root_get(client->fd, wrong[i], &c));
	}
	fails(EBADF, refslab_root_set(client->fd, "a", 4711, 0));
	fails(EINVAL, refslab_root_set(client->fd, "a", 0, REFSLAB_ROOT_NEW));
	fails(EINVAL, refslab_root_set(client->fd, "a", a, 2));
	for (i = ARRAY_SIZE(names); i--;)
		works(refslab_root_set(client->fd, names[i], a, REFSLAB_ROOT_NEW));
	assert_int_equal(count_of(client->fd, a), 1 + ARRAY_SIZE(names));
	fails(EEXIST, refslab_root_set(client->fd, "a", b, REFSLAB_ROOT_NEW));
	assert_int_equal(count_of(client->fd, b), 1);
	works(refslab_root_set(client->fd, "a", b, 0));
	assert_int_equal(count_of(client->fd, b), 2);
	assert_int_equal(count_of(client->fd, a), ARRAY_SIZE(names));
	c = root(client->fd, "a");
	assert_int_equal(count_of(client->fd, b), 3);
	drop(client->fd, c);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		works(refslab_root_next(client->fd, name));
		assert_string_equal(name, names[i]);
	}
	fails(ENOENT, refslab_root_next(client->fd, name));
	strcpy(name, "a.");
	works(refslab_root_next(client->fd, name));
	assert_string_equal(name, "a.b");
	memset(name, 'x', sizeof(name));
	fails(EINVAL, refslab_root_next(client->fd, name));
	drop(client->fd, a);
	drop(client->fd, b);
	assert_objects(client->fd, 2);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		works(refslab_root_set(client->fd, names[i], 0, 0));
	assert_objects(client->fd, 0);
}

static void test_roots_limit(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->leaf);
	char name[REFSLAB_NAME_MAX];
	int i;

	for (i = 0; i < REFSLAB_ROOTS_MAX; i++) {
		snprintf(name, sizeof(name), "root-%d", i);
		works(refslab_root_set(client->fd, name, a, 0));
	}
	fails(ENOSPC, refslab_root_set(client->fd, "another", a, 0));
	/* One that is there can be set. */
	works(refslab_root_set(client->fd, "root-7", a, 0));
	works(refslab_root_set(client->fd, "root-8", 0, 0));
	works(refslab_root_set(client->fd, "another", a, 0));
	assert_int_equal(count_of(client->fd, a), 1 + REFSLAB_ROOTS_MAX);
}

/* Roots are external references: what they reach no sweep takes. */
static void test_roots_and_sweeps(void **state)
{
	struct client *client = *state;
	uint64_t a = ring(client->fd, client->one, 4);

	works(refslab_root_set(client->fd, "ring", a, 0));
	drop(client->fd, a);
	assert_int_equal(sweep(client->fd, 2), 0);
	works(refslab_root_set(client->fd, "ring", 0, 0));
	assert_int_equal(sweep(client->fd, 2), 4);
}

/* --- read-only --- */

static void test_read_only_session(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two), b = make(client->fd, client->two);
	uint64_t handle, next, weak, copy;
	uint32_t number = 5, enabled, n = 1;
	uint64_t cursor = 0, frozen;
	struct refslab_collect collect;
	const uint32_t threshold[REFSLAB_GENERATIONS] = { 1, 1, 1 };
	struct refslab_heap_limits limits = { .flags = REFSLAB_LIMITS_LIMIT, .limit = 1 << 24 };
	struct refslab_batch batch = { .size = sizeof(batch), .count = 2 };
	struct refslab_op ops[2] = {
		{ .code = REFSLAB_OP_ALLOC, .index = client->two },
		{ .code = REFSLAB_OP_WRITE, .length = 1 },
	};
	struct refslab_result results[2] = { 0 };
	int fd = joined(client->fd, REFSLAB_READ_ONLY, 1 << 20), exported;

	fill(client->fd, a, 0, b);
	works(refslab_write(client->fd, b, 0, &number, sizeof(number)));
	works(refslab_root_set(client->fd, "a", a, 0));
	assert_int_equal(info_of(fd).session_flags,
			 REFSLAB_SESSION_JOINED | REFSLAB_SESSION_READ_ONLY);
	assert_true(info_of(fd).session_limit == 1 << 20);

	/* It looks at all it likes. */
	handle = root(fd, "a");
	next = load(fd, handle, 0);
	assert_true(is_read_only(fd, handle) && is_read_only(fd, next));
	number = 0;
	works(refslab_read(fd, next, 0, &number, sizeof(number)));
	assert_int_equal(number, 5);
	weak = weak_of(fd, next);
	copy = upgrade(fd, weak);
	assert_true(is_read_only(fd, copy));
	drop(fd, copy);
	copy = dup_of(fd, next);
	assert_true(is_read_only(fd, copy));
	works(refslab_enable_get(fd, &enabled));
	works(refslab_freeze_count(fd, &frozen));
	works(refslab_objects(fd, 0, REFSLAB_GENERATION_ANY, &cursor, &copy, &n));
	assert_int_equal(n, 1);
	assert_true(is_read_only(fd, copy));

	/* And changes nothing. */
	fails(EACCES, refslab_alloc(fd, client->two, &copy));
	fails(EACCES, refslab_alloc(fd, 4711, &copy));
	fails(EACCES, refslab_type_create(fd, "x", 1, 0, 0, &number));
	fails(EACCES, refslab_type_destroy(fd, client->two));
	fails(EACCES, refslab_slot_set(fd, handle, 0, 0));
	fails(EACCES, refslab_slot_set(fd, handle, 1, next));
	fails(EACCES, refslab_slot_move(fd, handle, 0, handle, 1));
	fails(EACCES, refslab_slot_cmpxchg(fd, handle, 0, next, 0));
	fails(EACCES, refslab_write(fd, next, 0, &number, 1));
	fails(EACCES, refslab_root_set(fd, "b", handle, 0));
	fails(EACCES, refslab_root_set(fd, "a", 0, 0));
	fails(EACCES, refslab_export(fd, handle, 0));
	fails(EACCES, refslab_invite(fd, 0, 0));
	fails(EACCES, refslab_thresholds_set(fd, threshold));
	fails(EACCES, refslab_enable_set(fd, 1));
	fails(EACCES, refslab_collect(fd, 0, &collect));
	fails(EACCES, refslab_freeze(fd, &frozen));
	fails(EACCES, refslab_unfreeze(fd, &frozen));
	fails(EACCES, refslab_quarantine_set(fd, 0));
	fails(EACCES, refslab_quarantine_drain(fd, &frozen));
	works(refslab_debug_get(fd, &enabled));
	fails(EACCES, refslab_debug_set(fd, 0));
	fails(EACCES, refslab_heap_limits(fd, &limits));
	batch.ops = (uintptr_t)ops;
	batch.results = (uintptr_t)results;
	ops[1].handle = next;
	works(call(fd, REFSLAB_BATCH, &batch));
	assert_int_equal(batch.done, 2);
	assert_int_equal(results[0].error, EACCES);
	assert_int_equal(results[1].error, EACCES);

	/* What it hands on is no more than it has. */
	exported = refslab_export(fd, handle, REFSLAB_READ_ONLY);
	assert_true(exported >= 0);
	copy = imported(client->fd, exported);
	assert_true(is_read_only(client->fd, copy));
	close(exported);
	drop(client->fd, copy);
	exported = refslab_export(client->fd, a, 0);
	assert_true(is_read_only(fd, imported(fd, exported)));
	close(exported);
	exported = joined(fd, REFSLAB_READ_ONLY, 0);
	fails(EACCES, refslab_alloc(exported, client->two, &copy));
	assert_true(info_of(exported).session_limit == 1 << 20);
	close(exported);
	close(fd);
	assert_objects(client->fd, 2);
}

/* A handle of the first object that one refers to. */
static uint64_t referent(int fd, uint64_t handle)
{
	uint64_t cursor = 0, found;
	uint32_t n = 1;

	works(refslab_referents(fd, handle, &cursor, &found, &n));
	assert_int_equal(n, 1);
	return found;
}

/* A read-only handle in a session that has others too. */
static void test_read_only_handle(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two), b = make(client->fd, client->two);
	uint64_t ro, copy, next, weak;
	struct refslab_batch batch = { .size = sizeof(batch), .count = 5 };
	struct refslab_op ops[5] = { 0 };
	const uint32_t errors[5] = { 0, EACCES, EACCES, EINVAL, 0 };
	struct refslab_result results[5];
	int exported, i;

	fill(client->fd, a, 0, b);
	fails(EINVAL, refslab_dup(client->fd, a, 2, &copy));
	works(refslab_dup(client->fd, a, REFSLAB_READ_ONLY, &ro));
	assert_true(is_read_only(client->fd, ro));
	assert_false(is_read_only(client->fd, a));

	fails(EACCES, refslab_slot_set(client->fd, ro, 1, b));
	fails(EACCES, refslab_slot_set(client->fd, ro, 0, 0));
	fails(EACCES, refslab_slot_move(client->fd, ro, 0, b, 0));
	fails(EACCES, refslab_slot_move(client->fd, b, 0, ro, 0));
	fails(EACCES, refslab_slot_cmpxchg(client->fd, ro, 0, b, 0));
	fails(EACCES, refslab_write(client->fd, ro, 0, "x", 1));
	/* Stored, it would come out with all rights. */
	fails(EACCES, refslab_slot_set(client->fd, b, 0, ro));
	fails(EACCES, refslab_slot_cmpxchg(client->fd, b, 0, 0, ro));
	fails(EACCES, refslab_root_set(client->fd, "ro", ro, 0));
	fails(EACCES, refslab_export(client->fd, ro, 0));
	/* To compare with it may serve. */
	fill(client->fd, b, 1, a);
	works(refslab_slot_cmpxchg(client->fd, b, 1, ro, 0));

	/* All that comes from it is as it is. */
	next = load(client->fd, ro, 0);
	assert_true(is_read_only(client->fd, next));
	assert_true(is_read_only(client->fd, referent(client->fd, ro)));
	assert_false(is_read_only(client->fd, referent(client->fd, a)));
	copy = dup_of(client->fd, ro);
	assert_true(is_read_only(client->fd, copy));
	weak = weak_of(client->fd, ro);
	copy = upgrade(client->fd, weak);
	assert_true(is_read_only(client->fd, copy));
	exported = refslab_export(client->fd, ro, REFSLAB_READ_ONLY);
	assert_true(exported >= 0);
	assert_true(is_read_only(client->fd, imported(client->fd, exported)));
	close(exported);

	ops[0] = (struct refslab_op){ .code = REFSLAB_OP_DUP, .handle = a,
				      .flags = REFSLAB_READ_ONLY };
	ops[1] = (struct refslab_op){ .code = REFSLAB_OP_WRITE, .length = 1,
				      .handle = REFSLAB_RESULT(0) };
	ops[2] = (struct refslab_op){ .code = REFSLAB_OP_SLOT_SET, .handle = b,
				      .target = REFSLAB_RESULT(0) };
	ops[3] = (struct refslab_op){ .code = REFSLAB_OP_DUP, .handle = a, .flags = 2 };
	ops[4] = (struct refslab_op){ .code = REFSLAB_OP_CLOSE,
				      .handle = REFSLAB_RESULT(0) };
	batch.ops = (uintptr_t)ops;
	batch.results = (uintptr_t)results;
	works(call(client->fd, REFSLAB_BATCH, &batch));
	for (i = 0; i < 5; i++)
		assert_int_equal(results[i].error, errors[i]);

	/* An entry that was a read-only handle is none when it is used again. */
	drop(client->fd, ro);
	assert_false(is_read_only(client->fd, dup_of(client->fd, a)));
}

/* What one finds is one's own only in a heap that one made. */
static void test_found(void **state)
{
	struct client *client = *state;
	int fd = joined(client->fd, 0, 0);
	uint64_t cursor = 0, found[4], a = make(client->fd, client->one);
	uint32_t n = 4;

	fill(client->fd, a, 0, a);
	works(refslab_objects(client->fd, 0, REFSLAB_GENERATION_ANY, &cursor, found, &n));
	assert_int_equal(n, 1);
	assert_false(is_read_only(client->fd, found[0]));
	cursor = 0;
	n = 4;
	works(refslab_objects(fd, 0, REFSLAB_GENERATION_ANY, &cursor, found, &n));
	assert_int_equal(n, 1);
	assert_true(is_read_only(fd, found[0]));
	cursor = 0;
	n = 3;
	works(refslab_referrers(fd, found[0], &cursor, found + 1, &n));
	assert_int_equal(n, 1);
	assert_true(is_read_only(fd, found[1]));
	/* What one is led to is as the handle that leads there. */
	cursor = 0;
	n = 2;
	works(refslab_referents(fd, found[0], &cursor, found + 2, &n));
	assert_int_equal(n, 1);
	assert_true(is_read_only(fd, found[2]));
	works(refslab_root_set(client->fd, "a", a, 0));
	cursor = 0;
	n = 2;
	works(refslab_referents(fd, root(fd, "a"), &cursor, found + 2, &n));
	assert_int_equal(n, 1);
	assert_false(is_read_only(fd, found[2]));
	close(fd);
}

/* Who may join reads all there is, though he was never passed it. */
static void test_found_by_reader(void **state)
{
	struct client *client = *state;
	int fd = joined(client->fd, REFSLAB_READ_ONLY, 0);
	uint64_t cursor = 0, found, a = make(client->fd, client->leaf);
	uint32_t n = 1, number = 4711;

	works(refslab_write(client->fd, a, 0, &number, sizeof(number)));
	works(refslab_objects(fd, 0, REFSLAB_GENERATION_ANY, &cursor, &found, &n));
	assert_int_equal(n, 1);
	number = 0;
	works(refslab_read(fd, found, 0, &number, sizeof(number)));
	assert_int_equal(number, 4711);
	fails(EACCES, refslab_write(fd, found, 0, &number, sizeof(number)));
	close(fd);
}

/* --- limits --- */

static void test_limit(void **state)
{
	struct client *client = *state;
	struct refslab_type_info info;
	uint64_t handles[8], more, one;
	int fd, other, i;

	works(refslab_type_info(client->fd, client->two, &info));
	one = info.object_size;
	fd = joined(client->fd, 0, 8 * one + one / 2);
	assert_true(info_of(fd).session_limit == 8 * one + one / 2);
	assert_true(info_of(fd).session_bytes == 0);
	for (i = 0; i < 8; i++)
		handles[i] = make(fd, client->two);
	assert_true(info_of(fd).session_bytes == 8 * one);
	fails(ENOSPC, refslab_alloc(fd, client->two, &more));
	assert_int_equal(info_of(fd).handles, 8);
	/* Others have theirs. */
	other = joined(client->fd, 0, one);
	more = make(other, client->two);
	drop(client->fd, make(client->fd, client->two));

	/* It is the object's life that counts, not the handle's. */
	works(refslab_root_set(fd, "kept", handles[0], 0));
	drop(fd, handles[0]);
	fails(ENOSPC, refslab_alloc(fd, client->two, &handles[0]));
	works(refslab_root_set(other, "kept", more, 0));
	assert_true(info_of(fd).session_bytes == 7 * one);
	handles[0] = make(fd, client->two);
	works(refslab_root_set(client->fd, "kept", 0, 0));

	/* Weak handles see the end of counted objects as of any. */
	more = weak_of(client->fd, make(client->fd, client->two));
	drop(fd, handles[0]);
	handles[0] = make(fd, client->two);
	more = weak_of(fd, handles[0]);
	drop(fd, handles[0]);
	assert_true(upgrade(fd, more) == 0);
	assert_true(info_of(fd).session_bytes == 7 * one);

	/* A garbage cycle counts until it is swept. */
	fill(fd, handles[1], 0, handles[2]);
	fill(fd, handles[2], 0, handles[1]);
	drop(fd, handles[1]);
	drop(fd, handles[2]);
	assert_true(info_of(fd).session_bytes == 7 * one);
	assert_int_equal(sweep(fd, 2), 2);
	assert_true(info_of(fd).session_bytes == 5 * one);

	/* Who has a limit hands on no more. */
	close(other);
	other = joined(fd, 0, 0);
	assert_true(info_of(other).session_limit == 8 * one + one / 2);
	close(other);
	other = joined(fd, 0, 1ull << 40);
	assert_true(info_of(other).session_limit == 8 * one + one / 2);
	close(other);
	other = joined(fd, 0, one);
	assert_true(info_of(other).session_limit == one);
	close(other);
	close(fd);
	assert_objects(client->fd, 1);
}

/* Who has garbage has not reached his limit, no more than a heap has. */
static void test_limit_and_garbage(void **state)
{
	struct client *client = *state;
	struct refslab_type_info info;
	uint32_t mapped = mapped_type(client->fd, 0, 4 * 4096);
	uint64_t kept, more, runs;
	int fd, i;

	works(refslab_type_info(client->fd, client->two, &info));
	fd = joined(client->fd, 0, 8 * info.object_size);
	kept = make(fd, client->two);
	for (i = 0; i < 50; i++)
		drop(fd, ring(fd, client->two, 4));
	assert_true(info_of(fd).session_bytes <= 8 * info.object_size);
	runs = runs_of(fd);
	assert_true(runs > 0);
	/* What no sweep would help is not worth one. */
	fails(ENOSPC, refslab_alloc(fd, mapped, &more));
	assert_int_equal(runs_of(fd), runs);
	drop(fd, kept);
	close(fd);

	/* What waits for the workqueue has gone: one for one, without waiting. */
	fd = joined(client->fd, 0, 6 * 4096);
	for (i = 0; i < 200; i++)
		drop(fd, make(fd, mapped));
	close(fd);
}

/* Batches count, and accounts are there for as many as it says. */
static void test_limit_of_many(void **state)
{
	struct client *client = *state;
	int invitation = refslab_invite(client->fd, 0, 1 << 16), fd;
	struct refslab_batch batch = { .size = sizeof(batch), .count = 64 };
	struct refslab_op ops[64];
	struct refslab_result results[64];
	struct rlimit limit = { 4096, 4096 };
	struct refslab_type_info info;
	int fds[1100], i, n;
	uint64_t x;

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(invitation >= 0);
	for (i = 0; i < 64; i++)
		ops[i] = (struct refslab_op){ .code = REFSLAB_OP_ALLOC,
					      .index = client->wide };
	batch.ops = (uintptr_t)ops;
	batch.results = (uintptr_t)results;
	works(refslab_type_info(client->fd, client->wide, &info));
	fd = session();
	works(refslab_join(fd, invitation));
	for (n = 0; n < 65536; n += 64 * info.object_size) {
		works(call(fd, REFSLAB_BATCH, &batch));
		assert_int_equal(batch.done, 64);
	}
	assert_int_equal(results[63].error, ENOSPC);
	assert_int_equal(info_of(fd).handles, 65536 / info.object_size);

	/* Each that has objects takes one, and it comes back with the last. */
	for (n = 0; n < (int)ARRAY_SIZE(fds); n++) {
		fds[n] = session();
		if (refslab_join(fds[n], invitation))
			break;
		make(fds[n], client->leaf);
	}
	assert_true(n >= 1000 && n < (int)ARRAY_SIZE(fds));
	fails(ENOSPC, refslab_join(fds[n], invitation));
	assert_int_equal(info_of(client->fd).sessions, n + 2);
	/* The others find no room, but are bound to nothing. */
	fails(ENXIO, refslab_alloc(fds[n], client->leaf, &x));
	close(fds[0]);
	works(refslab_join(fds[n], invitation));
	for (i = 1; i <= n; i++)
		close(fds[i]);
	close(fd);
	close(invitation);
	assert_objects(client->fd, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_join),
		client_test(test_join_refused),
		client_test(test_descriptors),
		client_test(test_no_descriptors),
		client_test(test_own_handles),
		client_test(test_joined_rights),
		cmocka_unit_test(test_what_keeps_a_heap),
		cmocka_unit_test(test_in_flight),
		client_test(test_export),
		client_test(test_export_and_sweeps),
		client_test(test_roots),
		client_test(test_roots_limit),
		client_test(test_roots_and_sweeps),
		client_test(test_read_only_session),
		client_test(test_read_only_handle),
		client_test(test_found),
		client_test(test_found_by_reader),
		client_test(test_limit),
		client_test(test_limit_and_garbage),
		client_test(test_limit_of_many),
	};

	return run_as_tap(tests);
}
