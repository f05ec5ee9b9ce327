// SPDX-License-Identifier: GPL-2.0
/* Limits of a heap's memory: set, kept, and room again after something went. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "sharing.h"

static int set(int fd, uint32_t flags, uint64_t limit, uint64_t reserve,
	       uint64_t low, uint64_t high)
{
	struct refslab_heap_limits limits = {
		.flags = flags,
		.limit = limit,
		.reserve = reserve,
		.low = low,
		.high = high,
	};

	return refslab_heap_limits(fd, &limits);
}

#define LIMIT	REFSLAB_LIMITS_LIMIT
#define RESERVE	REFSLAB_LIMITS_RESERVE
#define LOW	REFSLAB_LIMITS_LOW
#define HIGH	REFSLAB_LIMITS_HIGH

static void test_set(void **state)
{
	struct client *client = *state;
	uint64_t chunk = info_of(client->fd).chunk_bytes;
	struct refslab_heap_info info;

	works(set(client->fd, LIMIT | RESERVE | LOW | HIGH, 100 * chunk,
		  4 * chunk, 2 * chunk, 8 * chunk));
	info = info_of(client->fd);
	assert_int_equal(info.limit, 100 * chunk);
	assert_int_equal(info.reserve, 4 * chunk);
	assert_int_equal(info.low, 2 * chunk);
	assert_int_equal(info.high, 8 * chunk);
	/* One alone leaves the others. */
	works(set(client->fd, HIGH, 0, 0, 0, 9 * chunk));
	info = info_of(client->fd);
	assert_int_equal(info.limit, 100 * chunk);
	assert_int_equal(info.reserve, 4 * chunk);
	assert_int_equal(info.low, 2 * chunk);
	assert_int_equal(info.high, 9 * chunk);
	/* None at all is no fault. */
	works(set(client->fd, 0, 0, 0, 0, 0));
}

static void test_refused(void **state)
{
	struct client *client = *state;
	uint64_t chunk = info_of(client->fd).chunk_bytes;
	struct refslab_heap_info before, after;
	const struct {
		uint32_t flags;
		uint64_t limit, reserve, low, high;
	} bad[] = {
		{ 1u << 4, 0, 0, 0, 0 }, { 1u << 31, 0, 0, 0, 0 },
		/* A value without its flag. */
		{ LIMIT, 100 * chunk, chunk, 0, 0 },
		{ 0, 100 * chunk, 0, 0, 0 }, { LIMIT, 100 * chunk, 0, 0, 1 },
		{ HIGH, 0, 0, 1, 9 * chunk },
		/* Values that do not go together. */
		{ LIMIT | RESERVE, 2 * chunk, 3 * chunk, 0, 0 },
		{ LOW | HIGH, 0, 0, 3 * chunk, 2 * chunk },
		{ RESERVE, 0, UINT64_MAX, 0, 0 },
		{ LOW, 0, 0, UINT64_MAX, 0 },
		{ LIMIT, UINT64_MAX, 0, 0, 0 }, { LIMIT, 1ull << 60, 0, 0, 0 },
		{ HIGH, 0, 0, 0, UINT64_MAX },
		{ LIMIT, 0, 0, 0, 0 },
	};
	size_t i;

	works(set(client->fd, LIMIT | RESERVE | LOW | HIGH, 50 * chunk, 0, chunk,
		  8 * chunk));
	before = info_of(client->fd);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (set(client->fd, bad[i].flags, bad[i].limit, bad[i].reserve,
			bad[i].low, bad[i].high) != -EINVAL)
			fail_msg("limits %zu were not refused", i);
		after = info_of(client->fd);
		assert_int_equal(after.limit, before.limit);
		assert_int_equal(after.reserve, before.reserve);
		assert_int_equal(after.low, before.low);
		assert_int_equal(after.high, before.high);
	}
}

static void test_create_refused(void **state)
{
	struct refslab_heap_info info;
	int fd = session();

	(void)state;
	fails(EINVAL, refslab_heap_create(fd, "", UINT64_MAX));
	fails(EINVAL, refslab_heap_create(fd, "", 1ull << 60));
	fails(ENXIO, refslab_heap_info(fd, &info));
	works(refslab_heap_create(fd, "", 1 << 20));
	close(fd);
}

/* Allocates until it is refused; returns how many there were. */
static unsigned int fill_up(int fd, uint32_t type, uint64_t *handle,
			    unsigned int room)
{
	unsigned int n;
	int err = 0;

	for (n = 0; n < room && !err; n++) {
		err = refslab_alloc(fd, type, &handle[n]);
		if (err)
			break;
	}
	assert_int_equal(err, -ENOSPC);
	return n;
}

enum { ROOM = 4096 };

static void test_full(void **state)
{
	uint64_t *handle = calloc(ROOM, sizeof(*handle)), more = 0;
	int fd = session_with_heap(1 << 20);
	uint32_t big = type(fd, 0, 4000);
	unsigned int first, second, i;
	struct refslab_heap_info info;

	(void)state;
	assert_non_null(handle);
	first = fill_up(fd, big, handle, ROOM);
	info = info_of(fd);
	assert_true(info.bytes <= info.limit);
	assert_int_equal(info.objects, first);
	assert_int_equal(info.handles, first);
	/* Slabs waste some of a chunk, not half of it. */
	assert_true(first >= (1 << 20) / 4000 / 2);
	assert_true(first <= (1 << 20) / 4000);
	fails(ENOSPC, refslab_alloc(fd, big, &more));
	assert_true(more == 0);
	/* One goes, one comes. */
	drop(fd, handle[first / 2]);
	handle[first / 2] = make(fd, big);
	fails(ENOSPC, refslab_alloc(fd, big, &more));
	/* All go, as many come, and another type may have the memory. */
	for (i = 0; i < first; i++)
		drop(fd, handle[i]);
	assert_objects(fd, 0);
	second = fill_up(fd, big, handle, ROOM);
	assert_int_equal(second, first);
	for (i = 0; i < second; i++)
		drop(fd, handle[i]);
	big = type(fd, 2, 2000);
	second = fill_up(fd, big, handle, ROOM);
	assert_true(second > first);
	assert_true(info_of(fd).bytes <= info.limit);
	close(fd);
	free(handle);
}

/* Whoever has garbage is not full: a sweep comes before a refusal. */
static void test_garbage_makes_room(void **state)
{
	int fd = session_with_heap(1 << 20), i;
	uint32_t big = type(fd, 1, 4000);

	(void)state;
	/* Eight times what fits. */
	for (i = 0; i < 2048; i++)
		drop(fd, ring(fd, big, 1));
	assert_true(runs_of(fd) > 0);
	assert_true(info_of(fd).objects <= (1 << 20) / 4000);
	close(fd);
}

static void test_lowered(void **state)
{
	uint64_t *handle = calloc(ROOM, sizeof(*handle)), more;
	int fd = session_with_heap(2 << 20);
	uint32_t big = type(fd, 0, 4000);
	unsigned int n, i;

	(void)state;
	assert_non_null(handle);
	n = fill_up(fd, big, handle, ROOM);
	/* Below what is in use: nothing is freed, nothing more is given. */
	works(set(fd, LIMIT, 1 << 20, 0, 0, 0));
	assert_int_equal(info_of(fd).limit, 1 << 20);
	assert_int_equal(info_of(fd).objects, n);
	fails(ENOSPC, refslab_alloc(fd, big, &more));
	for (i = 0; i < n; i++)
		drop(fd, handle[i]);
	assert_true(eventually(info_of(fd).bytes <= 1 << 20));
	assert_true(fill_up(fd, big, handle, ROOM) < n);
	works(set(fd, LIMIT, 4 << 20, 0, 0, 0));
	works(refslab_alloc(fd, big, &more));
	close(fd);
	free(handle);
}

static void test_reserve(void **state)
{
	struct client *client = *state;
	uint64_t chunk = info_of(client->fd).chunk_bytes;

	works(set(client->fd, RESERVE, 0, 16 * chunk, 0, 0));
	assert_true(info_of(client->fd).bytes >= 16 * chunk);
	drop(client->fd, make(client->fd, client->one));
	sleep_ms(200);
	assert_true(info_of(client->fd).bytes >= 16 * chunk);
	works(set(client->fd, RESERVE | HIGH, 0, 0, 0, 0));
	assert_true(eventually(info_of(client->fd).cached == 0));
}

/* The pool keeps between low and high in store, once it had time for it. */
static void test_watermarks(void **state)
{
	struct client *client = *state;
	uint64_t chunk = info_of(client->fd).chunk_bytes, handle[200];
	uint32_t big = type(client->fd, 0, 8000);
	size_t i;

	works(set(client->fd, LOW | HIGH, 0, 0, 4 * chunk, 8 * chunk));
	assert_true(eventually(info_of(client->fd).cached >= 4 * chunk));
	for (i = 0; i < ARRAY_SIZE(handle); i++)
		handle[i] = make(client->fd, big);
	assert_true(info_of(client->fd).bytes >= ARRAY_SIZE(handle) * 8000);
	for (i = 0; i < ARRAY_SIZE(handle); i++)
		drop(client->fd, handle[i]);
	assert_true(eventually(info_of(client->fd).bytes <= 16 * chunk));
	assert_true(eventually(info_of(client->fd).cached <= 8 * chunk));
	assert_true(eventually(info_of(client->fd).cached >= 4 * chunk));
}

/* Memory goes back to the system without anybody asking. */
static void test_gives_back(void **state)
{
	struct client *client = *state;
	uint32_t big = type(client->fd, 1, 4000);
	uint64_t peak, high = info_of(client->fd).high;

	drop(client->fd, ring(client->fd, big, 4000));
	peak = info_of(client->fd).bytes;
	assert_true(peak >= 4000 * 4000);
	assert_int_equal(sweep(client->fd, 2), 4000);
	assert_true(eventually(info_of(client->fd).bytes <= high + (1 << 20)));
	assert_true(info_of(client->fd).bytes < peak / 2);
}

static atomic_bool short_of_memory;

/* Before all that the workqueue has to do. */
static void before_others(int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	assert_int_equal(sched_setscheduler(0, SCHED_FIFO, &param), 0);
}

static void *shrink(void *arg)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	(void)arg;
	before_others(1);
	while (atomic_load(&short_of_memory))
		assert_int_equal(pwrite(fd, "2", 1, 0), 1);
	close(fd);
	return NULL;
}

/* What asks all heaps for memory meets those that do not come to be, too. */
static void test_refused_under_pressure(void **state)
{
	const struct sched_param usual = { };
	uint64_t end = now_ns() + 2000000000ull;
	int fd = refslab_open(0);
	pthread_t other;

	(void)state;
	atomic_store(&short_of_memory, true);
	assert_int_equal(pthread_create(&other, NULL, shrink, NULL), 0);
	before_others(2);
	while (now_ns() < end)
		fails(EINVAL, refslab_heap_create(fd, "", UINT64_MAX));
	atomic_store(&short_of_memory, false);
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &usual), 0);
	pthread_join(other, NULL);
	close(fd);
}

/* How long it takes until a child that is killed is gone. */
static uint64_t end_of(pid_t child)
{
	uint64_t start = now_ns();
	int status;

	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	return now_ns() - start;
}

struct sweeper {
	int fd;
	uint64_t ring;
	atomic_bool *stop;
	_Atomic uint64_t sweeps, longest;
};

static void *sweep_on(void *arg)
{
	struct sweeper *sweeper = arg;
	struct refslab_collect collect;

	while (!*sweeper->stop) {
		/* A candidate, through which the sweep comes to all of them. */
		drop(sweeper->fd, dup_of(sweeper->fd, sweeper->ring));
		works(refslab_collect(sweeper->fd, 2, &collect));
		sweeper->sweeps++;
		if (collect.time_ns > sweeper->longest)
			sweeper->longest = collect.time_ns;
	}
	return NULL;
}

/* Who is killed where he waits for the sweeps of others need not wait for them. */
static void test_killed_behind_sweeps(void **state)
{
	enum { SWEEPERS = 16 };
	int fd = session_with_heap(32 << 20), pipes[2], i, err;
	uint32_t one = type(fd, 1, 8), big = type(fd, 0, 8000);
	struct sweeper sweepers[SWEEPERS] = { 0 };
	uint64_t more, longest = 0, sweep = 0, took[5];
	unsigned int soon = 0;
	pthread_t threads[SWEEPERS];
	atomic_bool stop = false;
	pid_t child;
	char byte;

	(void)state;
	works(refslab_root_set(fd, "ring", ring(fd, one, 20000), 0));
	works(set(fd, LIMIT, 1 << 20, 0, 0, 0));
	do {
		err = refslab_alloc(fd, big, &more);
	} while (!err);
	assert_int_equal(err, -ENOSPC);
	for (i = 0; i < SWEEPERS; i++) {
		sweepers[i].fd = joined(fd, 0, 0);
		sweepers[i].ring = root(sweepers[i].fd, "ring");
		sweepers[i].stop = &stop;
		assert_int_equal(pthread_create(&threads[i], NULL, sweep_on, &sweepers[i]), 0);
	}
	for (i = 0; i < (int)ARRAY_SIZE(took); i++) {
		assert_int_equal(pipe(pipes), 0);
		child = fork();
		if (!child) {
			for (;;) {
				if (write(pipes[1], "x", 1) != 1 ||
				    refslab_alloc(fd, big, &more) != -ENOSPC)
					_exit(1);
			}
		}
		assert_int_equal(read(pipes[0], &byte, 1), 1);
		sleep_ms(100);
		took[i] = end_of(child);
		longest = took[i] > longest ? took[i] : longest;
		close(pipes[0]);
		close(pipes[1]);
	}
	stop = true;
	for (i = 0; i < SWEEPERS; i++) {
		pthread_join(threads[i], NULL);
		close(sweepers[i].fd);
		sweep = sweepers[i].longest > sweep ? sweepers[i].longest : sweep;
	}
	print_message("# gone after %lu ms at most; the longest sweep took %lu ms\n",
		      (unsigned long)(longest / 1000000), (unsigned long)(sweep / 1000000));
	/* who waits for all of them would each time */
	for (i = 0; i < (int)ARRAY_SIZE(took); i++)
		soon += took[i] < 4 * sweep;
	assert_true(soon >= 3);
	close(fd);
}

/*
 * How long a child takes to be gone that is killed in the midst of taking a reserve
 * of @size, which takes @whole; UINT64_MAX if it was nearly done before we came to it.
 */
static uint64_t killed_in_reserve(uint64_t size, uint64_t whole)
{
	int fd, pipes[2], status;
	uint64_t killed, began;
	pid_t child;
	char byte;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (!child) {
		fd = session_with_heap(size);
		if (write(pipes[1], "x", 1) == 1)
			set(fd, RESERVE, 0, size, 0, 0);
		_exit(1);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	began = now_ns();
	sleep_ms(whole / 1000000 / 10);
	killed = now_ns();
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(pipes[0]);
	close(pipes[1]);
	if (!WIFSIGNALED(status) || killed - began > whole / 4)
		return UINT64_MAX;
	return now_ns() - killed;
}

/* Nor who is killed where he takes a large reserve. */
static void test_killed_in_reserve(void **state)
{
	const uint64_t size = 256 << 20;
	uint64_t whole = 0, killed;
	unsigned int tries = 0, soon = 0;
	int fd, i;

	(void)state;
	/* The first time it may be memory that the machine has yet to get. */
	for (i = 0; i < 2; i++) {
		fd = session_with_heap(size);
		whole = now_ns();
		works(set(fd, RESERVE, 0, size, 0, 0));
		whole = now_ns() - whole;
		close(fd);
	}

	/* who had to take all of it would have to each time */
	for (i = 0; i < 30 && tries < 5; i++) {
		killed = killed_in_reserve(size, whole);
		if (killed == UINT64_MAX)
			continue;
		print_message("# taken in %lu ms, killed in %lu\n",
			      (unsigned long)(whole / 1000000), (unsigned long)(killed / 1000000));
		tries++;
		soon += killed < whole / 2;
	}
	assert_true(soon >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_set),
		client_test(test_refused),
		cmocka_unit_test(test_create_refused),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_garbage_makes_room),
		cmocka_unit_test(test_lowered),
		client_test(test_reserve),
		client_test(test_watermarks),
		client_test(test_gives_back),
		cmocka_unit_test(test_refused_under_pressure),
		cmocka_unit_test(test_killed_behind_sweeps),
		cmocka_unit_test(test_killed_in_reserve),
	};

	return run_as_tap(tests);
}
