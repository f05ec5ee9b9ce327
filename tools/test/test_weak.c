// SPDX-License-Identifier: GPL-2.0
/* Weak handles: names that keep nothing alive, and tell when it is dead. */
#include <pthread.h>
#include <stdatomic.h>

#include "client.h"

#define WEAK_MAX	1024	/* weak handles that an object may have */

static void test_upgrade(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two), weak, again;
	uint32_t canary = 4711, found = 0;

	works(refslab_write(client->fd, a, 0, &canary, sizeof(canary)));
	weak = weak_of(client->fd, a);
	assert_int_equal(count_of(client->fd, a), 1);
	assert_int_equal(info_of(client->fd).handles, 2);
	again = upgrade(client->fd, weak);
	assert_true(again != 0 && again != a && again != weak);
	assert_int_equal(count_of(client->fd, a), 2);
	works(refslab_read(client->fd, again, 0, &found, sizeof(found)));
	assert_int_equal(found, canary);
	drop(client->fd, a);
	drop(client->fd, again);
	assert_objects(client->fd, 0);
	/* Dead, and open still. */
	assert_true(upgrade(client->fd, weak) == 0);
	assert_true(upgrade(client->fd, weak) == 0);
	assert_int_equal(info_of(client->fd).handles, 1);
	drop(client->fd, weak);
	assert_int_equal(info_of(client->fd).handles, 0);
}

/* What comes after at the same place is not what was named. */
static void test_place_used_again(void **state)
{
	struct client *client = *state;
	uint64_t a, weak, other[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(other); i++) {
		a = make(client->fd, client->leaf);
		weak = weak_of(client->fd, a);
		drop(client->fd, a);
		other[i] = make(client->fd, client->leaf);
		assert_true(upgrade(client->fd, weak) == 0);
		drop(client->fd, weak);
	}
	assert_objects(client->fd, ARRAY_SIZE(other));
}

/* An object that only a slot keeps is alive. */
static void test_kept_by_slot(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one), b = make(client->fd, client->one);
	uint64_t weak = weak_of(client->fd, b), again;

	fill(client->fd, a, 0, b);
	drop(client->fd, b);
	again = upgrade(client->fd, weak);
	assert_true(again != 0);
	drop(client->fd, again);
	fill(client->fd, a, 0, 0);
	assert_true(upgrade(client->fd, weak) == 0);
}

static void test_cycle(void **state)
{
	struct client *client = *state;
	uint64_t a = ring(client->fd, client->two, 3), weak, again;

	weak = weak_of(client->fd, a);
	drop(client->fd, a);
	/* Garbage, and alive until a sweep has found it. */
	again = upgrade(client->fd, weak);
	assert_true(again != 0);
	assert_int_equal(sweep(client->fd, 2), 0);
	drop(client->fd, again);
	assert_int_equal(sweep(client->fd, 2), 3);
	assert_true(upgrade(client->fd, weak) == 0);
	assert_objects(client->fd, 0);
}

/* Each call takes handles of one kind. */
static void test_kinds(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two), out = 0;
	uint64_t weak = weak_of(client->fd, a), gone;
	struct refslab_object_info info;
	char bytes[PAYLOAD] = "";

	fails(EBADF, refslab_dup(client->fd, weak, 0, &out));
	fails(EBADF, refslab_weak(client->fd, weak, &out));
	fails(EBADF, refslab_upgrade(client->fd, a, &out));
	fails(EBADF, refslab_slot_set(client->fd, weak, 0, a));
	fails(EBADF, refslab_slot_set(client->fd, a, 0, weak));
	fails(EBADF, refslab_slot_load(client->fd, weak, 0, &out));
	fails(EBADF, refslab_slot_move(client->fd, weak, 0, a, 0));
	fails(EBADF, refslab_slot_move(client->fd, a, 0, weak, 0));
	fails(EBADF, refslab_read(client->fd, weak, 0, bytes, 1));
	fails(EBADF, refslab_read(client->fd, weak, 0, bytes, sizeof(bytes)));
	fails(EBADF, refslab_write(client->fd, weak, 0, bytes, 1));
	fails(EBADF, refslab_write(client->fd, weak, 0, bytes, sizeof(bytes)));
	fails(EBADF, refslab_object_info(client->fd, weak, &info));
	fails(EBADF, refslab_weak(client->fd, 0, &out));
	fails(EBADF, refslab_upgrade(client->fd, 0, &out));
	gone = weak_of(client->fd, a);
	drop(client->fd, gone);
	fails(EBADF, refslab_upgrade(client->fd, gone, &out));
	fails(EBADF, refslab_close(client->fd, gone));
	assert_true(out == 0);
	assert_int_equal(count_of(client->fd, a), 1);
	assert_int_equal(info_of(client->fd).handles, 2);
}

/* A place in the table that had a weak handle takes another, and back. */
static void test_places(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one), weak, copy, out = 0;
	int i;

	for (i = 0; i < 1000; i++) {
		weak = weak_of(client->fd, a);
		drop(client->fd, weak);
		copy = dup_of(client->fd, a);
		assert_int_equal((uint32_t)copy, (uint32_t)weak);
		fails(EBADF, refslab_upgrade(client->fd, weak, &out));
		fails(EBADF, refslab_upgrade(client->fd, copy, &out));
		drop(client->fd, copy);
	}
	assert_int_equal(count_of(client->fd, a), 1);
}

static void test_many_of_one(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one), weak[WEAK_MAX], out = 0;
	uint64_t b = make(client->fd, client->one), c = make(client->fd, client->one);
	int i;

	for (i = 0; i < WEAK_MAX; i++)
		weak[i] = weak_of(client->fd, a);
	fails(EOVERFLOW, refslab_weak(client->fd, a, &out));
	assert_int_equal(info_of(client->fd).handles, WEAK_MAX + 3);
	/* one in 16384 shares the other's place; both do not */
	if (refslab_weak(client->fd, b, &out))
		weak_of(client->fd, c);
	drop(client->fd, c);
	drop(client->fd, weak[7]);
	weak[7] = weak_of(client->fd, a);
	drop(client->fd, a);
	for (i = 0; i < WEAK_MAX; i++)
		assert_true(upgrade(client->fd, weak[i]) == 0);
	assert_objects(client->fd, 1);
}

/* Weak handles count against the limit of handles. */
static void test_limit(void **state)
{
	struct client *client = *state;
	uint64_t max = info_of(client->fd).handles_max, n, out = 0, last = 0;
	uint64_t a = make(client->fd, client->one), weak = weak_of(client->fd, a);

	if (max > 1 << 21)
		skip();
	for (n = 2; n < max; n++)
		works(refslab_dup(client->fd, a, 0, &last));
	fails(ENOSPC, refslab_weak(client->fd, a, &out));
	fails(ENOSPC, refslab_upgrade(client->fd, weak, &out));
	assert_int_equal(count_of(client->fd, a), max - 1);
	drop(client->fd, last);
	works(refslab_weak(client->fd, a, &out));
	fails(ENOSPC, refslab_upgrade(client->fd, weak, &last));
	drop(client->fd, out);
	assert_true(upgrade(client->fd, weak) != 0);
}

static void test_another_session(void **state)
{
	struct client *client = *state;
	uint64_t weak = weak_of(client->fd, make(client->fd, client->one)), out = 0;
	int other = session_with_heap(0);

	fails(EBADF, refslab_upgrade(other, weak, &out));
	fails(EBADF, refslab_close(other, weak));
	close(other);
	assert_true(upgrade(client->fd, weak) != 0);
}

/* A session that ends with weak handles of every fate. */
static void test_end(void **state)
{
	int fd = session_with_heap(0), i;
	uint32_t one = type(fd, 1, 8);
	uint64_t handle;

	(void)state;
	for (i = 0; i < 3000; i++) {
		handle = make(fd, one);
		weak_of(fd, handle);
		if (i % 3 == 0)
			fill(fd, handle, 0, handle);
		if (i % 2)
			drop(fd, handle);
		if (i == 1500)
			sweep(fd, 2);
	}
	close(fd);
}

enum { RINGS = 64 };

struct contest {
	struct client *client;
	_Atomic uint64_t weak[RINGS];
	atomic_bool stop;
	_Atomic uint64_t found, whole, torn, errors;
};

/* Upgrades what it finds: an object got is a whole ring, or nothing. */
static void *upgrader(void *argument)
{
	struct contest *contest = argument;
	int fd = contest->client->fd, i, step;
	uint64_t handle, next, at;

	for (i = 0; !atomic_load(&contest->stop); i = (i + 1) % RINGS) {
		handle = 0;
		if (!atomic_load(&contest->weak[i]) ||
		    refslab_upgrade(fd, atomic_load(&contest->weak[i]), &handle) ||
		    !handle)
			continue;
		contest->found++;
		for (step = 0, at = handle; step < 4; step++) {
			if (refslab_slot_load(fd, at, 0, &next))
				contest->errors++;
			refslab_close(fd, at);
			if (!next)
				break;
			at = next;
		}
		*(step == 4 ? &contest->whole : &contest->torn) += 1;
		if (step == 4)
			refslab_close(fd, at);
	}
	return NULL;
}

static void test_against_sweeps(void **state)
{
	struct client *client = *state;
	struct contest contest = { .client = client };
	uint64_t end = now_ns() + 3 * SECOND, handle, freed = 0;
	struct refslab_collect collect;
	pthread_t thread[2];
	int i;

	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, upgrader, &contest), 0);
	while (now_ns() < end) {
		for (i = 0; i < RINGS; i++) {
			if (contest.weak[i])
				drop(client->fd, contest.weak[i]);
			handle = ring(client->fd, client->two, 4);
			contest.weak[i] = weak_of(client->fd, handle);
			drop(client->fd, handle);
		}
		works(refslab_collect(client->fd, 2, &collect));
		freed += collect.freed;
	}
	atomic_store(&contest.stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	printf("# %llu freed, %llu upgraded\n", (unsigned long long)freed,
	       (unsigned long long)contest.found);
	assert_int_equal(contest.torn, 0);
	assert_int_equal(contest.errors, 0);
	assert_int_equal(contest.whole, contest.found);
	assert_true(freed > 0);
	for (i = 0; i < RINGS; i++)
		drop(client->fd, contest.weak[i]);
	sweep(client->fd, 2);
	assert_objects(client->fd, 0);
	assert_int_equal(info_of(client->fd).handles, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_upgrade),
		client_test(test_place_used_again),
		client_test(test_kept_by_slot),
		client_test(test_cycle),
		client_test(test_kinds),
		client_test(test_places),
		client_test(test_many_of_one),
		client_test(test_limit),
		client_test(test_another_session),
		cmocka_unit_test(test_end),
		client_test(test_against_sweeps),
	};

	return run_as_tap(tests);
}
