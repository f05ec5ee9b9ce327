// SPDX-License-Identifier: GPL-2.0
/*
 * A heap that is held up: by a long sweep, by its end. Who has nothing to do with
 * what holds it goes on, and who waits for it can be killed.
 */
#include <grp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sharing.h"
#include "storm.h"

enum { USER = 2001, LEAST_MS = 600 };

struct scene {
	_Atomic uint64_t sweeps, shortest_sweep, longest_alloc;
	_Atomic bool destroying, done;
	int fd;
	uint32_t leaf;
};

/* A sweep takes at least LEAST_MS: a ring that is kept, as long as needed for that. */
static uint64_t long_sweep(int fd, uint32_t knot)
{
	unsigned int n = 20000, most = 1000000;
	uint64_t begin, took;

	for (;;) {
		uint64_t head = ring(fd, knot, n);

		begin = now_ns();
		sweep(fd, 2);
		took = now_ns() - begin;
		if (took > LEAST_MS * 1000000ull || n == most)
			return took;
		drop(fd, head);
		n = took < 1000000 ? 10 * n : n * (LEAST_MS * 1500000ull / took + 1);
		if (n > most)
			n = most;
	}
}

static void keep_sweeping(void *argument)
{
	struct scene *scene = argument;
	struct refslab_collect collect;
	uint64_t begin, took, n;

	for (;;) {
		/* what was frozen is looked at again, all of it */
		child_must(!refslab_freeze(scene->fd, &n));
		child_must(!refslab_unfreeze(scene->fd, &n));
		begin = now_ns();
		child_must(!refslab_collect(scene->fd, 2, &collect));
		took = now_ns() - begin;
		if (!scene->sweeps || took < scene->shortest_sweep)
			scene->shortest_sweep = took;
		scene->sweeps++;
	}
}

/* Types without objects come and go all the time. */
static void keep_destroying(void *argument)
{
	struct scene *scene = argument;
	uint32_t type;

	for (;;) {
		child_must(!refslab_type_create(scene->fd, "passing", 1, 8, 0, &type));
		scene->destroying = true;
		child_must(!refslab_type_destroy(scene->fd, type));
		scene->destroying = false;
	}
}

/* Each has a session of its own: within one, calls of its threads may wait for each other. */
static struct scene *scene_of(struct scene *common, int invitation)
{
	struct scene *scene = storm_shared(sizeof(*scene));

	scene->fd = session();
	works(refslab_join(scene->fd, invitation));
	scene->leaf = common->leaf;
	return scene;
}

static void test_destroy_stops_nobody(void **state)
{
	struct client *client = *state;
	struct scene common = { .leaf = client->leaf }, *sweeper, *destroyer;
	uint64_t begin, took, longest, calls, sweeps, handle;
	unsigned int attempt = 0;
	int invitation = refslab_invite(client->fd, 0, 0);
	pid_t pid[2];

	assert_true(invitation >= 0);
	sweeper = scene_of(&common, invitation);
	destroyer = scene_of(&common, invitation);
	long_sweep(client->fd, client->two);
	pid[0] = storm_fork(keep_sweeping, sweeper);
	assert_true(eventually(sweeper->sweeps));
	pid[1] = storm_fork(keep_destroying, destroyer);
	assert_true(eventually(destroyer->destroying));
	/* who has to wait for a sweep has to each time, who has no processor by chance */
	do {
		longest = calls = 0;
		for (sweeps = sweeper->sweeps; sweeper->sweeps < sweeps + 3; calls++) {
			begin = now_ns();
			works(refslab_alloc(client->fd, client->leaf, &handle));
			took = now_ns() - begin;
			drop(client->fd, handle);
			if (took > longest)
				longest = took;
		}
		print_message("# %llu allocations beside sweeps of %llu ms and more and types that go, the longest %llu us\n",
			      (unsigned long long)calls,
			      (unsigned long long)(sweeper->shortest_sweep / 1000000),
			      (unsigned long long)(longest / 1000));
	} while (longest >= 3 * sweeper->shortest_sweep / 4 && ++attempt < 10);
	storm_kill(pid[0]);
	storm_kill(pid[1]);
	assert_true(longest < 3 * sweeper->shortest_sweep / 4);
	close(invitation);
}

static void destroy_once(void *argument)
{
	struct scene *scene = argument;

	refslab_type_destroy(scene->fd, scene->leaf);
	scene->done = true;
}

static void create_once(void *argument)
{
	struct scene *scene = argument;
	uint32_t type;

	refslab_type_create(scene->fd, "late", 1, 8, 0, &type);
	scene->done = true;
}

static bool is_gone(int fd, uint32_t type)
{
	struct refslab_type_info info;

	return refslab_type_info(fd, type, &info) == -ENOENT;
}

/**
 * struct deaths - of those who are killed while they wait for a sweep
 * @waits: how many
 * @early: of these, who were dead while that sweep went on still
 * @least: how long it took at least, in nanoseconds
 */
struct deaths {
	unsigned int waits, early;
	uint64_t least;
};

/* Whether it waited when it was killed. */
static bool dies_waiting(void (*work)(void *), struct scene *waiter, bool *early, uint64_t *took)
{
	bool waited;
	uint64_t runs;
	pid_t pid;

	waiter->done = false;
	pid = storm_fork(work, waiter);
	sleep_ms(30);
	waited = !waiter->done;
	runs = runs_of(waiter->fd);
	*took = now_ns();
	storm_kill(pid);
	*took = now_ns() - *took;
	*early = runs_of(waiter->fd) == runs;
	return waited;
}

static void count_death(struct deaths *deaths, bool early, uint64_t took)
{
	deaths->waits++;
	deaths->early += early;
	if (!deaths->least || took < deaths->least)
		deaths->least = took;
}

/* Waits that are looked at, and how many end early at least: a busy machine makes some late. */
enum { WAITS = 8, EARLY = 3 };

/* Killed in the middle of a sweep that they wait for, they are gone before its end. */
static void test_waits_end(void **state)
{
	struct client *client = *state;
	struct scene common = { .leaf = client->leaf }, *sweeper, *waiter, *ahead;
	int invitation = refslab_invite(client->fd, 0, 0);
	struct deaths destroy = { 0 }, create = { 0 };
	uint64_t sweep, took;
	unsigned int tries;
	bool waited, early;
	pid_t pid, first;
	char name[16];

	assert_true(invitation >= 0);
	sweep = long_sweep(client->fd, client->two);
	sweeper = scene_of(&common, invitation);
	waiter = scene_of(&common, invitation);
	ahead = scene_of(&common, invitation);
	pid = storm_fork(keep_sweeping, sweeper);
	for (tries = 0; tries < 100 && (destroy.waits < WAITS || create.waits < WAITS); tries++) {
		snprintf(name, sizeof(name), "passing%u", tries);
		works(refslab_type_create(client->fd, name, 1, 8, 0, &waiter->leaf));
		waited = dies_waiting(destroy_once, waiter, &early, &took);
		/* then its turn had come, and it waited for a grace period, which nobody ends */
		if (is_gone(client->fd, waiter->leaf))
			continue;
		if (waited)
			count_death(&destroy, early, took);
		/* who makes a type waits behind who removes one, who waits for the sweep */
		ahead->leaf = waiter->leaf;
		first = storm_fork(destroy_once, ahead);
		while (!is_gone(client->fd, ahead->leaf))
			;
		if (dies_waiting(create_once, waiter, &early, &took))
			count_death(&create, early, took);
		storm_kill(first);
	}
	storm_kill(pid);
	print_message("# %u tries; of a sweep of %llu ms; who removes a type was dead before its end %u times of %u, at best %llu us after it was killed, who makes one %u of %u, %llu us\n",
		      tries, (unsigned long long)(sweep / 1000000), destroy.early, destroy.waits,
		      (unsigned long long)(destroy.least / 1000), create.early, create.waits,
		      (unsigned long long)(create.least / 1000));
	assert_true(destroy.early >= EARLY);
	assert_true(create.early >= EARLY);
	close(invitation);
}

static int pair[2];

static void fill_heap(int fd)
{
	uint64_t handle;
	uint32_t big, i;

	child_must(!refslab_heap_create(fd, "handed", 256 << 20));
	child_must(!refslab_type_create(fd, "big", 0, 8000, 0, &big));
	for (i = 0; i < 10000; i++)
		child_must(!refslab_alloc(fd, big, &handle));
}

/* With an invitation before it, if @shared is anything. */
static void hand_over(void *shared)
{
	int fd;

	child_must(!setgroups(0, NULL) && !setresgid(USER, USER, USER) &&
		   !setresuid(USER, USER, USER));
	fd = refslab_open(0);
	child_must(fd >= 0);
	fill_heap(fd);
	if (shared)
		child_must(!refslab_send(pair[1], refslab_invite(fd, 0, 0)));
	child_must(!refslab_send(pair[1], fd));
}

static uint64_t close_ns(int fd)
{
	uint64_t begin = now_ns();

	close(fd);
	return now_ns() - begin;
}

static int handed_over(int *invitation)
{
	int fd, status;
	pid_t pid;

	pid = storm_fork(hand_over, invitation);
	if (invitation)
		*invitation = refslab_receive(pair[0]);
	fd = refslab_receive(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(fd >= 0);
	return fd;
}

static void begin_handing(void)
{
	works(chmod(REFSLAB_DEVICE, 0666));
	works(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
}

static void end_handing(const char *what, uint64_t ours, uint64_t handed)
{
	works(chmod(REFSLAB_DEVICE, 0600));
	print_message("# %s ended in %llu us by who made it, and left to others in %llu\n", what,
		      (unsigned long long)(ours / 1000), (unsigned long long)(handed / 1000));
	close(pair[0]);
	close(pair[1]);
	assert_true(handed < ours / 2);
}

/* Who is handed a heap's last descriptor and drops it does not have to end the heap. */
static void test_last_descriptor(void **state)
{
	uint64_t took, ours = UINT64_MAX, handed = UINT64_MAX;
	unsigned int i;
	int fd;

	(void)state;
	begin_handing();
	/* the least of some: what others on the machine do is in none of them, perhaps */
	for (i = 0; i < 3 || (handed >= ours / 2 && i < 10); i++) {
		fd = session();
		fill_heap(fd);
		took = close_ns(fd);
		ours = took < ours ? took : ours;
		assert_false(heap_exists("handed"));
		took = close_ns(handed_over(NULL));
		handed = took < handed ? took : handed;
		assert_true(eventually(!heap_exists("handed")));
	}
	end_handing("a heap of 80 MB", ours, handed);
}

/* Nor to put all handles of a session, where the heap stays. */
static void test_last_descriptor_of_a_session(void **state)
{
	uint64_t took, ours = UINT64_MAX, handed = UINT64_MAX;
	int fd, invitation, joined;
	unsigned int i;

	(void)state;
	begin_handing();
	for (i = 0; i < 3 || (handed >= ours / 2 && i < 10); i++) {
		fd = session();
		fill_heap(fd);
		invitation = refslab_invite(fd, 0, 0);
		assert_true(invitation >= 0);
		took = close_ns(fd);
		ours = took < ours ? took : ours;
		close(invitation);
		fd = handed_over(&invitation);
		assert_true(invitation >= 0);
		took = close_ns(fd);
		handed = took < handed ? took : handed;
		joined = session();
		works(refslab_join(joined, invitation));
		assert_true(eventually(!info_of(joined).objects));
		close(joined);
		close(invitation);
		assert_true(eventually(!heap_exists("handed")));
	}
	end_handing("a session of 10000 handles", ours, handed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_destroy_stops_nobody),
		client_test(test_waits_end),
		client_test(test_last_descriptor),
		client_test(test_last_descriptor_of_a_session),
	};

	return run_as_tap(tests);
}
