// SPDX-License-Identifier: GPL-2.0
/* Freezing and quarantine: what sweeps leave, and find again afterwards. */
#include "client.h"

/* What a function that answers with a number of objects says. */
static uint64_t number(int (*of)(int fd, uint64_t *objects), int fd)
{
	uint64_t objects = -1;

	works(of(fd, &objects));
	return objects;
}

static void test_frozen_garbage_stays(void **state)
{
	struct client *client = *state;
	uint64_t a = ring(client->fd, client->two, 3), b;

	assert_int_equal(number(refslab_freeze_count, client->fd), 0);
	assert_int_equal(number(refslab_freeze, client->fd), 3);
	assert_int_equal(number(refslab_freeze_count, client->fd), 3);
	assert_int_equal(generation_of(client->fd, a), REFSLAB_GENERATION_FROZEN);
	/* Those that are frozen are not frozen again. */
	assert_int_equal(number(refslab_freeze, client->fd), 0);
	drop(client->fd, a);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, 3);

	/* What comes later is swept. */
	b = ring(client->fd, client->two, 5);
	assert_int_equal(generation_of(client->fd, b), 0);
	drop(client->fd, b);
	assert_int_equal(sweep(client->fd, 2), 5);

	assert_int_equal(number(refslab_unfreeze, client->fd), 3);
	assert_int_equal(number(refslab_unfreeze, client->fd), 0);
	assert_int_equal(sweep(client->fd, 2), 3);
	assert_objects(client->fd, 0);
}

static void test_counts_go_on(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one), b = make(client->fd, client->one);

	fill(client->fd, a, 0, b);
	drop(client->fd, b);
	assert_int_equal(number(refslab_freeze, client->fd), 2);
	drop(client->fd, a);
	assert_objects(client->fd, 0);
	assert_int_equal(number(refslab_freeze_count, client->fd), 0);
}

/* What a frozen object refers to is alive. */
static void test_keeps_the_young(void **state)
{
	struct client *client = *state;
	uint64_t old = make(client->fd, client->one), young;

	assert_int_equal(number(refslab_freeze, client->fd), 1);
	young = ring(client->fd, client->two, 2);
	fill(client->fd, old, 0, young);
	drop(client->fd, young);
	assert_int_equal(sweep(client->fd, 2), 0);
	fill(client->fd, old, 0, 0);
	assert_int_equal(sweep(client->fd, 2), 2);
}

/* Leaf objects are in no sweep's sight anyway. */
static void test_leaves(void **state)
{
	struct client *client = *state;
	uint64_t leaf = make(client->fd, client->leaf);

	assert_int_equal(number(refslab_freeze, client->fd), 0);
	assert_int_equal(generation_of(client->fd, leaf), 0);
}

static void test_both_ways(void **state)
{
	struct client *client = *state;
	struct refslab_freeze both = {
		.size = sizeof(both),
		.flags = REFSLAB_FREEZE_ON | REFSLAB_FREEZE_OFF,
	};

	make(client->fd, client->one);
	assert_int_equal(ioctl(client->fd, REFSLAB_FREEZE, &both), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(number(refslab_freeze_count, client->fd), 0);
}

/* Another heap's objects are no concern of ours. */
static void test_another_heap(void **state)
{
	struct client *client = *state;
	int other = session_with_heap(0);

	make(client->fd, client->one);
	make(other, type(other, 1, 8));
	assert_int_equal(number(refslab_freeze, client->fd), 1);
	assert_int_equal(number(refslab_freeze_count, other), 0);
	close(other);
}

static void test_many(void **state)
{
	enum { RINGS = 3000, LENGTH = 4 };
	struct client *client = *state;
	int i;

	for (i = 0; i < RINGS; i++)
		drop(client->fd, ring(client->fd, i % 2 ? client->two : client->wide,
				      LENGTH));
	assert_int_equal(number(refslab_freeze, client->fd), RINGS * LENGTH);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_int_equal(number(refslab_unfreeze, client->fd), RINGS * LENGTH);
	assert_int_equal(sweep(client->fd, 1), 0);
	assert_int_equal(sweep(client->fd, 2), RINGS * LENGTH);
}

static void assert_quarantine(int fd, uint32_t enabled, uint64_t objects)
{
	uint32_t is = -1;
	uint64_t n = -1;

	works(refslab_quarantine_get(fd, &is, &n));
	assert_int_equal(is, enabled);
	assert_int_equal(n, objects);
}

static void test_quarantine(void **state)
{
	struct client *client = *state;
	uint64_t a = ring(client->fd, client->two, 3), weak = weak_of(client->fd, a);

	assert_quarantine(client->fd, 0, 0);
	works(refslab_quarantine_set(client->fd, 1));
	assert_quarantine(client->fd, 1, 0);
	drop(client->fd, a);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_int_equal(stats_of(client->fd, 2).unfreed, 3);
	assert_quarantine(client->fd, 1, 3);
	assert_int_equal(number(refslab_freeze_count, client->fd), 0);
	assert_int_equal(number(refslab_unfreeze, client->fd), 0);

	/* There to be looked at, and once more garbage afterwards. */
	a = upgrade(client->fd, weak);
	assert_true(a != 0);
	assert_int_equal(generation_of(client->fd, a), REFSLAB_GENERATION_FROZEN);
	drop(client->fd, load(client->fd, a, 0));
	drop(client->fd, a);
	works(refslab_quarantine_set(client->fd, 0));
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_int_equal(number(refslab_quarantine_drain, client->fd), 3);
	assert_quarantine(client->fd, 0, 0);
	assert_int_equal(sweep(client->fd, 2), 3);
	assert_true(upgrade(client->fd, weak) == 0);
	assert_objects(client->fd, 0);
}

static void test_quarantine_mistakes(void **state)
{
	struct client *client = *state;
	struct refslab_quarantine both = {
		.size = sizeof(both),
		.flags = REFSLAB_QUARANTINE_SET | REFSLAB_QUARANTINE_DRAIN,
		.enabled = 1,
	};

	assert_int_equal(ioctl(client->fd, REFSLAB_QUARANTINE, &both), -1);
	assert_int_equal(errno, EINVAL);
	fails(EINVAL, refslab_quarantine_set(client->fd, 2));
	assert_quarantine(client->fd, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_frozen_garbage_stays),
		client_test(test_counts_go_on),
		client_test(test_keeps_the_young),
		client_test(test_leaves),
		client_test(test_both_ways),
		client_test(test_another_heap),
		client_test(test_many),
		client_test(test_quarantine),
		client_test(test_quarantine_mistakes),
	};

	return run_as_tap(tests);
}
