// SPDX-License-Identifier: GPL-2.0
/* Handles: each is one reference, and means nothing elsewhere or afterwards. */
#include "client.h"

static void test_alloc_close(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two), b;
	struct refslab_object_info info;

	works(refslab_object_info(client->fd, a, &info));
	assert_int_equal(info.type, client->two);
	assert_int_equal(info.generation, 0);
	assert_int_equal(info.count, 1);
	assert_int_equal(info.slots, 2);
	assert_int_equal(info.payload, PAYLOAD);
	b = make(client->fd, client->leaf);
	assert_true(a != b);
	drop(client->fd, a);
	/* Freed at once, no sweep needed. */
	assert_int_equal(info_of(client->fd).objects, 1);
	drop(client->fd, b);
	assert_int_equal(info_of(client->fd).objects, 0);
	assert_int_equal(runs_of(client->fd), 0);
}

static void test_dup(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one), b, c;

	b = dup_of(client->fd, a);
	assert_int_equal(count_of(client->fd, a), 2);
	c = dup_of(client->fd, b);
	assert_true(c != a);
	assert_int_equal(count_of(client->fd, b), 3);
	drop(client->fd, a);
	assert_int_equal(count_of(client->fd, c), 2);
	drop(client->fd, c);
	assert_int_equal(count_of(client->fd, b), 1);
	assert_objects(client->fd, 1);
	drop(client->fd, b);
	assert_objects(client->fd, 0);
}

/* The same in batches, where numbers up to REFSLAB_BATCH_MAX are entries, not handles. */
static void assert_unknown_in_batch(int fd, uint64_t good, uint64_t bad)
{
	const struct refslab_op ops[] = {
		{ .code = REFSLAB_OP_CLOSE, .handle = bad },
		{ .code = REFSLAB_OP_DUP, .handle = bad },
		{ .code = REFSLAB_OP_WEAK, .handle = bad },
		{ .code = REFSLAB_OP_UPGRADE, .handle = bad },
		{ .code = REFSLAB_OP_SLOT_SET, .handle = bad, .target = good },
		{ .code = REFSLAB_OP_SLOT_LOAD, .handle = bad },
		{ .code = REFSLAB_OP_SLOT_MOVE, .handle = bad, .target = good },
		{ .code = REFSLAB_OP_SLOT_MOVE, .handle = good, .target = bad },
		{ .code = REFSLAB_OP_SLOT_CMPXCHG, .handle = bad, .target = good },
		{ .code = REFSLAB_OP_READ, .handle = bad, .length = 1 },
		{ .code = REFSLAB_OP_WRITE, .handle = bad, .length = 1 },
		/* here zero is "no object" */
		{ .code = REFSLAB_OP_SLOT_SET, .handle = good, .target = bad },
		{ .code = REFSLAB_OP_SLOT_CMPXCHG, .handle = good, .target = bad },
		{ .code = REFSLAB_OP_SLOT_CMPXCHG, .handle = good, .expected = bad },
	};
	struct refslab_result results[ARRAY_SIZE(ops)];
	unsigned int n = bad ? ARRAY_SIZE(ops) : ARRAY_SIZE(ops) - 3, i;

	if (bad && bad <= REFSLAB_BATCH_MAX)
		return;
	memset(results, 0xa5, sizeof(results));
	assert_int_equal(refslab_batch(fd, ops, results, n, 0), n);
	for (i = 0; i < n; i++) {
		assert_int_equal(results[i].error, EBADF);
		assert_true(results[i].handle == 0);
	}
}

/* Everything that takes a handle must refuse these. */
static void assert_unknown(int fd, uint64_t good, uint64_t bad)
{
	uint64_t out = 0, cursor = 0, found;
	struct refslab_object_info info;
	uint32_t count = 1;
	char byte = 0;

	fails(EBADF, refslab_close(fd, bad));
	fails(EBADF, refslab_dup(fd, bad, 0, &out));
	fails(EBADF, refslab_weak(fd, bad, &out));
	fails(EBADF, refslab_upgrade(fd, bad, &out));
	fails(EBADF, refslab_export(fd, bad, 0));
	fails(EBADF, refslab_map(fd, bad, 0, &out));
	fails(EBADF, refslab_slot_set(fd, bad, 0, good));
	fails(EBADF, refslab_slot_load(fd, bad, 0, &out));
	fails(EBADF, refslab_slot_move(fd, bad, 0, good, 0));
	fails(EBADF, refslab_slot_move(fd, good, 0, bad, 0));
	fails(EBADF, refslab_slot_cmpxchg(fd, bad, 0, 0, good));
	fails(EBADF, refslab_read(fd, bad, 0, &byte, 1));
	fails(EBADF, refslab_write(fd, bad, 0, &byte, 1));
	fails(EBADF, refslab_object_info(fd, bad, &info));
	fails(EBADF, refslab_referrers(fd, bad, &cursor, &found, &count));
	fails(EBADF, refslab_referents(fd, bad, &cursor, &found, &count));
	/* Zero is not a handle here but "no object", or that a root is to go. */
	if (bad) {
		fails(EBADF, refslab_slot_set(fd, good, 0, bad));
		fails(EBADF, refslab_slot_cmpxchg(fd, good, 0, bad, 0));
		fails(EBADF, refslab_slot_cmpxchg(fd, good, 0, 0, bad));
		fails(EBADF, refslab_root_set(fd, "root", bad, 0));
	}
	assert_true(out == 0);
	assert_unknown_in_batch(fd, good, bad);
}

static void test_unknown(void **state)
{
	static const uint64_t bad[] = {
		0, 1ull << 63, UINT64_MAX, UINT32_MAX, 1ull << 32, 123456789,
	};
	struct client *client = *state;
	uint64_t good = make(client->fd, client->two);
	size_t i;

	fill(client->fd, good, 0, good);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_unknown(client->fd, good, bad[i]);
	/* Neighbours of a good one, in whatever part of it. */
	for (i = 0; i < 64; i++)
		assert_unknown(client->fd, good, good ^ 1ull << i);
	assert_int_equal(count_of(client->fd, good), 2);
	assert_int_equal(info_of(client->fd).handles, 1);
}

static void test_stale(void **state)
{
	struct client *client = *state;
	uint64_t good = make(client->fd, client->two);
	uint64_t stale = make(client->fd, client->two), fresh;
	int i;

	drop(client->fd, stale);
	assert_unknown(client->fd, good, stale);
	/* Whoever has its place now, the old name is not theirs. */
	for (i = 0; i < 5000; i++) {
		fresh = make(client->fd, client->two);
		assert_true(fresh != stale);
		if (i % 1000 == 0)
			assert_unknown(client->fd, good, stale);
		drop(client->fd, fresh);
	}
	assert_int_equal(info_of(client->fd).objects, 1);
}

/* An object that lives on through a slot is not reached by its closed handle. */
static void test_stale_but_alive(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two);
	uint64_t b = make(client->fd, client->two);

	fill(client->fd, a, 1, b);
	drop(client->fd, b);
	assert_objects(client->fd, 2);
	assert_unknown(client->fd, a, b);
	assert_objects(client->fd, 2);
}

static void test_foreign(void **state)
{
	struct client *client = *state;
	int other = session_with_heap(0);
	uint32_t two = type(other, 2, 8);
	uint64_t mine, theirs;
	int i;

	/* So that handles of the same place and age meet. */
	for (i = 0; i < 100; i++) {
		mine = make(client->fd, client->two);
		theirs = make(other, two);
		/* both drew the same number, once in 2^32 runs */
		assert_true(mine != theirs);
		assert_unknown(client->fd, mine, theirs);
	}
	assert_int_equal(info_of(client->fd).objects, 100);
	assert_int_equal(info_of(other).objects, 100);
	fill(other, theirs, 0, theirs);
	assert_int_equal(count_of(client->fd, mine), 1);
	close(other);
}

/* Where handles begin cannot be guessed: no two alike, and no bit that all have. */
static void test_seeds(void **state)
{
	enum { SESSIONS = 64 };
	uint32_t tag[SESSIONS], ones = 0, zeroes = 0;
	unsigned int i, j, alike = 0;
	int fd[SESSIONS];

	(void)state;
	for (i = 0; i < SESSIONS; i++) {
		fd[i] = session_with_heap(0);
		tag[i] = make(fd[i], type(fd[i], 0, 8)) >> 32;
		ones |= tag[i];
		zeroes |= ~tag[i];
		for (j = 0; j < i; j++)
			alike += tag[i] == tag[j];
	}
	/* chance makes a pair once in 2,000,000 runs */
	assert_true(alike <= 1);
	assert_int_equal(ones, UINT32_MAX);
	assert_int_equal(zeroes, UINT32_MAX);
	for (i = 0; i < SESSIONS; i++)
		close(fd[i]);
}

static void test_many(void **state)
{
	enum { MANY = 20000 };
	uint64_t *handle = calloc(MANY, sizeof(*handle));
	struct client *client = *state;
	int i, place;

	assert_non_null(handle);
	for (i = 0; i < MANY; i++) {
		handle[i] = make(client->fd, client->leaf);
		works(refslab_write(client->fd, handle[i], 0, &i, sizeof(i)));
	}
	assert_int_equal(info_of(client->fd).handles, MANY);
	assert_int_equal(info_of(client->fd).objects, MANY);
	/* Every third goes, in an order that is not that of making. */
	for (i = 0; i < MANY; i++) {
		place = (long)i * 7919 % MANY;
		if (place % 3 == 0)
			drop(client->fd, handle[place]);
	}
	for (i = 0; i < MANY; i++) {
		if (i % 3 == 0)
			continue;
		works(refslab_read(client->fd, handle[i], 0, &place, sizeof(place)));
		assert_int_equal(place, i);
	}
	assert_int_equal(info_of(client->fd).handles, MANY - (MANY + 2) / 3);
	free(handle);
}

/* As many as the session may have, then ENOSPC, then again as many as went. */
static void test_too_many(void **state)
{
	struct client *client = *state;
	uint64_t max = info_of(client->fd).handles_max, n, copy = 0, last = 0;
	uint64_t a = make(client->fd, client->two);
	int err = 0;

	/* A full table takes a while to fill in an emulated machine. */
	if (max > 1 << 21)
		skip();
	fill(client->fd, a, 0, a);
	for (n = 1; n <= max; n++) {
		err = refslab_dup(client->fd, a, 0, &copy);
		if (err)
			break;
		last = copy;
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(n, max);
	assert_int_equal(count_of(client->fd, a), max + 1);
	/* Nobody gets one, and nothing leaks where none could be had. */
	fails(ENOSPC, refslab_alloc(client->fd, client->leaf, &copy));
	fails(ENOSPC, refslab_slot_load(client->fd, a, 0, &copy));
	assert_int_equal(count_of(client->fd, a), max + 1);
	assert_int_equal(info_of(client->fd).objects, 1);
	drop(client->fd, last);
	works(refslab_slot_load(client->fd, a, 0, &copy));
	fails(ENOSPC, refslab_dup(client->fd, a, 0, &copy));
	assert_int_equal(info_of(client->fd).handles, max);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_alloc_close),
		client_test(test_dup),
		client_test(test_unknown),
		client_test(test_stale),
		client_test(test_stale_but_alive),
		client_test(test_foreign),
		cmocka_unit_test(test_seeds),
		client_test(test_many),
		client_test(test_too_many),
	};

	return run_as_tap(tests);
}
