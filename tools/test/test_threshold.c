// SPDX-License-Identifier: GPL-2.0
/* When a heap sweeps by itself: thresholds, the switch, and what is counted. */
#include "client.h"

/*
 * Allocations are counted as processors take stocks of objects from slabs, so a
 * sweep may come this many allocations late, not more.
 */
#define LATE	2000

/*
 * A heap with candidates that is idle for some seconds sweeps below its
 * thresholds, too. Where no sweep must come, we look sooner than that.
 */

static void set(int fd, uint32_t t0, uint32_t t1, uint32_t t2)
{
	const uint32_t threshold[REFSLAB_GENERATIONS] = { t0, t1, t2 };

	works(refslab_thresholds_set(fd, threshold));
}

static void garbage(struct client *client, unsigned int objects)
{
	while (objects) {
		drop(client->fd, ring(client->fd, client->one, 2));
		objects -= 2;
	}
}

static void test_get_set(void **state)
{
	uint32_t now[REFSLAB_GENERATIONS];
	struct client *client = *state;

	works(refslab_thresholds_get(client->fd, now));
	assert_int_equal(now[0], 700);
	assert_int_equal(now[1], 10);
	assert_int_equal(now[2], 10);
	set(client->fd, 5, 0, 1 << 30);
	works(refslab_thresholds_get(client->fd, now));
	assert_int_equal(now[0], 5);
	assert_int_equal(now[1], 0);
	assert_int_equal(now[2], 1 << 30);
	set(client->fd, 0, 0, 0);
	works(refslab_thresholds_get(client->fd, now));
	assert_int_equal(now[0] | now[1] | now[2], 0);
}

static void test_out_of_range(void **state)
{
	static const uint32_t bad[][REFSLAB_GENERATIONS] = {
		{ UINT32_MAX, 1, 1 }, { 1, UINT32_MAX, 1 }, { 1, 1, UINT32_MAX },
	};
	uint32_t now[REFSLAB_GENERATIONS];
	struct client *client = *state;
	size_t i;

	set(client->fd, 77, 88, 99);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		fails(EINVAL, refslab_thresholds_set(client->fd, bad[i]));
		works(refslab_thresholds_get(client->fd, now));
		assert_int_equal(now[0], 77);
		assert_int_equal(now[1], 88);
		assert_int_equal(now[2], 99);
	}
}

static void test_enable(void **state)
{
	struct client *client = *state;
	uint32_t enabled = 7;
	int fd = session();

	works(refslab_heap_create(fd, "", 0));
	works(refslab_enable_get(fd, &enabled));
	/* A heap begins with it on; the fixture has switched it off. */
	assert_int_equal(enabled, 1);
	close(fd);
	works(refslab_enable_get(client->fd, &enabled));
	assert_int_equal(enabled, 0);
	works(refslab_enable_set(client->fd, 1));
	works(refslab_enable_get(client->fd, &enabled));
	assert_int_equal(enabled, 1);
	fails(EINVAL, refslab_enable_set(client->fd, 2));
	fails(EINVAL, refslab_enable_set(client->fd, UINT32_MAX));
	works(refslab_enable_get(client->fd, &enabled));
	assert_int_equal(enabled, 1);
}

static void test_counts(void **state)
{
	int64_t count[REFSLAB_GENERATIONS];
	struct client *client = *state;
	uint64_t handle[10];
	int i;

	works(refslab_counts(client->fd, count));
	assert_int_equal(count[0], 0);
	assert_int_equal(count[1], 0);
	assert_int_equal(count[2], 0);
	for (i = 0; i < 10; i++)
		handle[i] = make(client->fd, client->one);
	works(refslab_counts(client->fd, count));
	assert_int_equal(count[0], 10);
	for (i = 0; i < 4; i++)
		drop(client->fd, handle[i]);
	works(refslab_counts(client->fd, count));
	assert_int_equal(count[0], 6);
	/* Leaves can be in no cycle. */
	make(client->fd, client->leaf);
	works(refslab_counts(client->fd, count));
	assert_int_equal(count[0], 6);
	sweep(client->fd, 0);
	works(refslab_counts(client->fd, count));
	assert_int_equal(count[0], 0);
	assert_int_equal(count[1], 1);
	assert_int_equal(count[2], 0);
	sweep(client->fd, 0);
	sweep(client->fd, 1);
	works(refslab_counts(client->fd, count));
	assert_int_equal(count[1], 0);
	assert_int_equal(count[2], 1);
	sweep(client->fd, 0);
	works(refslab_counts(client->fd, count));
	assert_int_equal(count[1], 1);
	assert_int_equal(count[2], 1);
	sweep(client->fd, 2);
	works(refslab_counts(client->fd, count));
	assert_int_equal(count[0], 0);
	assert_int_equal(count[1], 0);
	assert_int_equal(count[2], 0);
}

static void below(struct client *client)
{
	garbage(client, 1000);
}

/*
 * What @make makes is not swept, and leaves so many objects. On a machine so busy
 * that the heap was idle for long before we look, it is done again.
 */
static void not_swept(struct client *client, void (*make)(struct client *client),
		      uint64_t objects)
{
	uint64_t runs, start;
	int tries = 10;

	set(client->fd, 1000, 10, 10);
	works(refslab_enable_set(client->fd, 1));
	for (;;) {
		runs = runs_of(client->fd);
		start = now_ns();
		make(client);
		sleep_ms(300);
		if (runs_of(client->fd) == runs)
			break;
		assert_true(now_ns() - start > 2 * SECOND && --tries);
		sweep(client->fd, 2);
	}
	assert_objects(client->fd, objects);
}

static void test_below(void **state)
{
	not_swept(*state, below, 1000);
}

static void test_beyond(void **state)
{
	struct client *client = *state;

	set(client->fd, 1000, 10, 10);
	works(refslab_enable_set(client->fd, 1));
	garbage(client, 1000 + LATE);
	assert_true(eventually(stats_of(client->fd, 0).runs > 0));
	assert_true(eventually(stats_of(client->fd, 0).freed >= 1000));
	assert_true(info_of(client->fd).objects <= LATE);
}

static void much_freed(struct client *client)
{
	int i;

	/* Something to find, so that a sweep would not be for nothing. */
	garbage(client, 100);
	for (i = 0; i < 1000 + LATE; i++)
		drop(client->fd, make(client->fd, client->one));
}

/* It is the difference that counts, not what was allocated in all. */
static void test_frees_count(void **state)
{
	not_swept(*state, much_freed, 100);
}

static void test_zero_is_never(void **state)
{
	struct client *client = *state;

	set(client->fd, 0, 0, 0);
	works(refslab_enable_set(client->fd, 1));
	garbage(client, 2 * LATE);
	sleep_ms(300);
	assert_int_equal(runs_of(client->fd), 0);
	assert_objects(client->fd, 2 * LATE);
	assert_int_equal(sweep(client->fd, 0), 2 * LATE);
}

static void test_disabled(void **state)
{
	struct client *client = *state;

	set(client->fd, 1, 1, 1);
	works(refslab_enable_set(client->fd, 0));
	garbage(client, LATE);
	sleep_ms(300);
	assert_int_equal(runs_of(client->fd), 0);
	/* By hand it works. */
	assert_int_equal(sweep(client->fd, 0), LATE);
	assert_objects(client->fd, 0);
	/* And by itself again once it is switched on. */
	works(refslab_enable_set(client->fd, 1));
	garbage(client, LATE);
	assert_true(eventually(runs_of(client->fd) > 1));
}

/* Sweeps of generation 0 make one of generation 1 due, and these a full one. */
static void test_older_generations(void **state)
{
	struct client *client = *state;
	bool done = false;
	uint64_t held;
	int i;

	set(client->fd, 50, 2, 2);
	works(refslab_enable_set(client->fd, 1));
	/* What survives grows, too: else no full sweep is worth its while. */
	for (i = 0; i < 2000 && !done; i++) {
		held = ring(client->fd, client->one, 2);
		drop(client->fd, dup_of(client->fd, held));
		garbage(client, 200);
		sleep_ms(2);
		done = stats_of(client->fd, 2).runs > 0;
	}
	assert_true(done);
	assert_true(stats_of(client->fd, 1).runs >= 3);
	assert_true(stats_of(client->fd, 0).runs > stats_of(client->fd, 1).runs);
}

/* Thresholds that were out of reach are in reach as soon as they are lowered. */
static void test_lowered(void **state)
{
	struct client *client = *state;

	set(client->fd, 1 << 30, 10, 10);
	works(refslab_enable_set(client->fd, 1));
	garbage(client, LATE);
	sleep_ms(200);
	assert_int_equal(runs_of(client->fd), 0);
	set(client->fd, 10, 10, 10);
	/* It is looked at when objects are made. */
	garbage(client, LATE);
	assert_true(eventually(runs_of(client->fd) > 0));
	assert_true(eventually(info_of(client->fd).objects <= LATE));
}

/* What the thresholds would leave for ever goes when nothing else happens. */
static void test_idle(void **state)
{
	struct client *client = *state;

	set(client->fd, 1000, 10, 10);
	works(refslab_enable_set(client->fd, 1));
	garbage(client, 100);
	assert_true(eventually(runs_of(client->fd) > 0));
	assert_true(eventually(info_of(client->fd).objects == 0));
}

/* Candidates from before it was switched on are as good as later ones. */
static void test_idle_once_enabled(void **state)
{
	struct client *client = *state;

	set(client->fd, 1000, 10, 10);
	garbage(client, 100);
	/* Long enough for an idle sweep, were it on. */
	sleep_ms(5000);
	assert_int_equal(runs_of(client->fd), 0);
	works(refslab_enable_set(client->fd, 1));
	assert_true(eventually(info_of(client->fd).objects == 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_get_set),
		client_test(test_out_of_range),
		client_test(test_enable),
		client_test(test_counts),
		client_test(test_below),
		client_test(test_beyond),
		client_test(test_frees_count),
		client_test(test_zero_is_never),
		client_test(test_disabled),
		client_test(test_older_generations),
		client_test(test_lowered),
		client_test(test_idle),
		client_test(test_idle_once_enabled),
	};

	return run_as_tap(tests);
}
