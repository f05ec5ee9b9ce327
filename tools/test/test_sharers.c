// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that share a heap, and kill each other at random points.
 *
 * Each keeps storing and loading in a graph that hangs on roots, passes objects
 * and invitations to the others over sockets, closes what it has just sent, and
 * now and then kills one of them in the middle of whatever it does. A new one
 * joins in its place. Whole objects must be found all the time, and in the end
 * nobody's references may be left.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "sharing.h"

enum { SHARERS = 3, ROOTS = 8, SECONDS = 6 };

/* In memory that all have. */
struct arena {
	_Atomic pid_t pids[SHARERS];
	_Atomic uint64_t operations, kills;
	_Atomic unsigned int failed_line;
	_Atomic bool stop;
};

struct sharer {
	struct arena *arena;
	unsigned int me;
	uint64_t random;
	int fd, in, out;	/* the session; sockets, from and to others */
	uint32_t type;
	uint64_t own[8];
};

static unsigned int random_below(struct sharer *sharer, unsigned int n)
{
	sharer->random ^= sharer->random << 13;
	sharer->random ^= sharer->random >> 7;
	sharer->random ^= sharer->random << 17;
	return (sharer->random >> 16) % n;
}

/* Only the first is told; and who fails ends, which ends the others' waiting. */
#define must(condition) do {						\
	if (!(condition)) {						\
		unsigned int _none = 0;					\
		int _err = errno;					\
		if (__atomic_compare_exchange_n((unsigned int *)&sharer->arena->failed_line, \
						&_none, __LINE__, 0, 5, 5)) \
			fprintf(stderr, "# %d: %s (errno %d)\n", __LINE__, #condition, _err); \
		_exit(1);						\
	}								\
} while (0)

struct canary {
	uint64_t number, check;
};

#define CHECK	0x9e3779b97f4a7c15ull

static uint64_t new_one(struct sharer *sharer)
{
	struct canary canary = { .number = sharer->random };
	uint64_t handle;

	canary.check = canary.number * CHECK;
	must(!device_alloc(sharer->fd, sharer->type, &handle));
	must(!device_write(sharer->fd, handle, 0, &canary, sizeof(canary)));
	return handle;
}

static void check(struct sharer *sharer, uint64_t handle)
{
	struct canary canary;

	must(!device_read(sharer->fd, handle, 0, &canary, sizeof(canary)));
	must(canary.check == canary.number * CHECK);
}

static void root_name(struct sharer *sharer, char name[16])
{
	snprintf(name, 16, "root-%u", random_below(sharer, ROOTS));
}

static void play_root(struct sharer *sharer)
{
	uint64_t *own = &sharer->own[random_below(sharer, 8)], handle;
	char name[16];
	int err;

	root_name(sharer, name);
	switch (random_below(sharer, 3)) {
	case 0:
		must(!root_set(sharer->fd, name, *own, 0));
		break;
	case 1:
		err = root_set(sharer->fd, name, 0, 0);
		must(!err || err == -ENOENT);
		break;
	default:
		err = root_get(sharer->fd, name, &handle);
		must(!err || err == -ENOENT);
		if (err)
			break;
		check(sharer, handle);
		must(!device_close(sharer->fd, *own));
		*own = handle;
	}
}

static void play_slot(struct sharer *sharer)
{
	uint64_t a = sharer->own[random_below(sharer, 8)];
	uint64_t b = sharer->own[random_below(sharer, 8)], old;
	unsigned int slot = random_below(sharer, 2);
	int err;

	switch (random_below(sharer, 4)) {
	case 0:
		must(!device_slot_set(sharer->fd, a, slot, b));
		break;
	case 1:
		must(!device_slot_move(sharer->fd, a, 0, b, slot));
		break;
	default:
		must(!device_slot_load(sharer->fd, a, slot, &old));
		if (old)
			check(sharer, old);
		err = cmpxchg(sharer->fd, a, slot, old, b);
		must(!err || err == -EAGAIN);
		if (old)
			must(!device_close(sharer->fd, old));
	}
}

/* Sends an object, and takes what others sent. */
static void play_socket(struct sharer *sharer)
{
	uint64_t *own = &sharer->own[random_below(sharer, 8)], handle;
	struct pollfd ready = { .fd = sharer->in, .events = POLLIN };
	int fd, err;

	if (random_below(sharer, 2)) {
		fd = random_below(sharer, 4) ?
		     export_of(sharer->fd, *own, random_below(sharer, 2)) :
		     invite(sharer->fd, random_below(sharer, 2), 0);
		/* It may have become read-only on its way here. */
		if (fd == -EACCES)
			return;
		must(fd >= 0);
		/* The socket may be full, or its end dead. */
		send_fds(sharer->out, &fd, 1);
		close(fd);
		return;
	}
	if (poll(&ready, 1, 0) != 1)
		return;
	fd = receive_fd(sharer->in);
	if (fd < 0)
		return;
	err = import(sharer->fd, fd, &handle);
	if (!err) {
		check(sharer, handle);
		must(!device_close(sharer->fd, handle));
	} else {
		int other = device_open();

		must(err == -EBADF && other >= 0);
		must(!join(other, fd));
		close(fd);
		if (!root_get(other, "root-0", &handle) && random_below(sharer, 2))
			must(!device_close(other, handle));
		fd = other;
	}
	close(fd);
}

static void play(struct sharer *sharer)
{
	uint64_t *own = &sharer->own[random_below(sharer, 8)];
	struct refslab_collect collect;
	pid_t other;

	switch (random_below(sharer, 200)) {
	case 0 ... 79:
		play_slot(sharer);
		break;
	case 80 ... 119:
		play_root(sharer);
		break;
	case 120 ... 159:
		play_socket(sharer);
		break;
	case 160:
		must(!device_collect(sharer->fd, 2, &collect));
		break;
	case 161:
		if (random_below(sharer, 2))
			break;
		other = sharer->arena->pids[(sharer->me + 1) % SHARERS];
		if (other > 0 && !kill(other, SIGKILL))
			sharer->arena->kills++;
		break;
	default:
		must(!device_close(sharer->fd, *own));
		*own = new_one(sharer);
	}
	sharer->arena->operations++;
}

static void sharer_run(struct arena *arena, unsigned int me, uint64_t seed,
		       int invitation, uint32_t type, int in, int out)
{
	struct sharer it = {
		.arena = arena,
		.me = me,
		.random = seed * CHECK | 1,
		.fd = device_open(),
		.in = in,
		.out = out,
		.type = type,
	}, *sharer = &it;
	int i;

	must(it.fd >= 0);
	must(!join(it.fd, invitation));
	for (i = 0; i < 8; i++)
		it.own[i] = new_one(sharer);
	while (!arena->stop)
		play(sharer);
	_exit(0);
}

static void test_kill_each_other(void **state)
{
	int socket[SHARERS][2], invitation, status, i, err;
	struct client *client = *state;
	uint64_t seed = 0, end, freed;
	struct arena *arena;
	char name[16];
	pid_t pid;

	arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(arena, MAP_FAILED);
	memset(arena, 0, sizeof(*arena));
	works(device_enable_set(client->fd, 1));
	invitation = invite(client->fd, 0, 4 << 20);
	assert_true(invitation >= 0);
	for (i = 0; i < SHARERS; i++)
		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0,
					    socket[i]), 0);
	end = now_ns() + SECONDS * SECOND;
	while (now_ns() < end && !arena->failed_line) {
		for (i = 0; i < SHARERS; i++) {
			if (arena->pids[i])
				continue;
			seed++;
			pid = fork();
			assert_true(pid >= 0);
			if (!pid) {
				close(client->fd);
				sharer_run(arena, i, seed, invitation, client->two,
					   socket[i][0],
					   socket[(i + 1) % SHARERS][1]);
			}
			arena->pids[i] = pid;
		}
		pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0) {
			sleep_ms(1);
			continue;
		}
		if (WIFEXITED(status))
			break;
		for (i = 0; i < SHARERS; i++)
			if (arena->pids[i] == pid)
				arena->pids[i] = 0;
	}
	arena->stop = true;
	while (waitpid(-1, &status, 0) > 0)
		;
	assert_int_equal(arena->failed_line, 0);
	print_message("# %lu operations, %lu kills\n",
		      (unsigned long)arena->operations, (unsigned long)arena->kills);
	assert_true(arena->kills > 2);
	assert_true(arena->operations > 500);

	/* What is in flight still goes with the sockets. */
	for (i = 0; i < SHARERS; i++) {
		close(socket[i][0]);
		close(socket[i][1]);
	}
	close(invitation);
	assert_true(eventually(info_of(client->fd).sessions == 1));
	for (i = 0; i < ROOTS; i++) {
		snprintf(name, sizeof(name), "root-%d", i);
		err = root_set(client->fd, name, 0, 0);
		assert_true(!err || err == -ENOENT);
	}
	assert_true(eventually(({
		freed = sweep(client->fd, 2);
		(void)freed;
		info_of(client->fd).objects == 0;
	})));
	munmap(arena, sizeof(*arena));
}

/* --- a stack that needs no lock --- */

enum { PUSHERS = 3, PUSHES = 400 };

/* The top hangs in slot 0 of a root; each element's next one in its slot 0. */
static int push(int fd, uint64_t top, uint64_t element)
{
	uint64_t old;
	int err;

	do {
		err = device_slot_load(fd, top, 0, &old);
		err = err ? err : device_slot_set(fd, element, 0, old);
		err = err ? err : cmpxchg(fd, top, 0, old, element);
		if (old)
			device_close(fd, old);
	} while (err == -EAGAIN);
	return err;
}

static int pop(int fd, uint64_t top, uint64_t *element)
{
	uint64_t next;
	int err;

	do {
		err = device_slot_load(fd, top, 0, element);
		if (err || !*element)
			return err;
		err = device_slot_load(fd, *element, 0, &next);
		if (!err) {
			/* It cannot have gone and come back: we have a handle. */
			err = cmpxchg(fd, top, 0, *element, next);
			if (next)
				device_close(fd, next);
		}
		if (err)
			device_close(fd, *element);
	} while (err == -EAGAIN);
	return err;
}

static void pusher(int invitation, uint32_t type, uint32_t me)
{
	uint64_t top, element;
	int fd = device_open();
	uint32_t i, number;

	if (fd < 0 || join(fd, invitation) || root_get(fd, "stack", &top))
		_exit(1);
	for (i = 0; i < PUSHES; i++) {
		number = me * PUSHES + i;
		if (device_alloc(fd, type, &element) ||
		    device_write(fd, element, 0, &number, sizeof(number)) ||
		    push(fd, top, element) || device_close(fd, element))
			_exit(2);
		/* Pops what may be another's, and puts it back. */
		if (i % 3)
			continue;
		if (pop(fd, top, &element))
			_exit(3);
		if (element && (push(fd, top, element) || device_close(fd, element)))
			_exit(4);
	}
	_exit(0);
}

static void test_lock_free_stack(void **state)
{
	struct client *client = *state;
	int invitation = invite(client->fd, 0, 0), status;
	uint64_t top = make(client->fd, client->one), element;
	unsigned char seen[PUSHERS * PUSHES] = { 0 };
	uint32_t i, number;
	pid_t pid;

	works(root_set(client->fd, "stack", top, 0));
	for (i = 0; i < PUSHERS; i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			pusher(invitation, client->one, i);
	}
	for (i = 0; i < PUSHERS; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	for (i = 0; i < PUSHERS * PUSHES; i++) {
		works(pop(client->fd, top, &element));
		assert_true(element != 0);
		works(device_read(client->fd, element, 0, &number, sizeof(number)));
		assert_in_range(number, 0, PUSHERS * PUSHES - 1);
		assert_int_equal(seen[number]++, 0);
		drop(client->fd, element);
	}
	works(pop(client->fd, top, &element));
	assert_true(element == 0);
	works(root_set(client->fd, "stack", 0, 0));
	drop(client->fd, top);
	assert_objects(client->fd, 0);
	close(invitation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_kill_each_other),
		client_test(test_lock_free_stack),
	};

	return run_as_tap(tests);
}
