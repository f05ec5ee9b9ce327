// SPDX-License-Identifier: GPL-2.0
/* Slots: each filled one is a reference; storing, loading, moving, emptying. */
#include <pthread.h>

#include "client.h"

static void test_set_load(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two);
	uint64_t b = make(client->fd, client->leaf), copy;
	uint32_t mark = 0x5eed, seen = 0;

	works(refslab_write(client->fd, b, 0, &mark, sizeof(mark)));
	assert_true(load(client->fd, a, 0) == 0);
	fill(client->fd, a, 0, b);
	assert_int_equal(count_of(client->fd, b), 2);
	assert_true(load(client->fd, a, 1) == 0);
	copy = load(client->fd, a, 0);
	assert_true(copy != 0 && copy != b && copy != a);
	assert_int_equal(count_of(client->fd, b), 3);
	assert_int_equal(info_of(client->fd).handles, 3);
	/* It is the same object. */
	works(refslab_read(client->fd, copy, 0, &seen, sizeof(seen)));
	assert_int_equal(seen, mark);
	/* The slot alone keeps it alive. */
	drop(client->fd, b);
	drop(client->fd, copy);
	assert_objects(client->fd, 2);
	copy = load(client->fd, a, 0);
	seen = 0;
	works(refslab_read(client->fd, copy, 0, &seen, sizeof(seen)));
	assert_int_equal(seen, mark);
	assert_int_equal(count_of(client->fd, copy), 2);
}

static void test_empty_frees(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two);
	uint64_t b = make(client->fd, client->leaf);

	fill(client->fd, a, 0, b);
	drop(client->fd, b);
	assert_objects(client->fd, 2);
	fill(client->fd, a, 0, 0);
	assert_int_equal(info_of(client->fd).objects, 1);
	assert_true(load(client->fd, a, 0) == 0);
	/* Emptying an empty one is no fault. */
	fill(client->fd, a, 0, 0);
	assert_int_equal(runs_of(client->fd), 0);
}

static void test_overwrite_frees(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two);
	uint64_t b = make(client->fd, client->leaf);
	uint64_t c = make(client->fd, client->leaf);

	fill(client->fd, a, 0, b);
	drop(client->fd, b);
	fill(client->fd, a, 0, c);
	assert_int_equal(info_of(client->fd).objects, 2);
	assert_int_equal(count_of(client->fd, c), 2);
	/* With itself: nothing gained, nothing lost. */
	fill(client->fd, a, 0, c);
	assert_int_equal(count_of(client->fd, c), 2);
	drop(client->fd, c);
	c = load(client->fd, a, 0);
	fill(client->fd, a, 0, c);
	assert_int_equal(count_of(client->fd, c), 2);
	assert_objects(client->fd, 2);
}

/* An object that goes takes what its slots alone held with it. */
static void test_owner_goes(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->wide), b;
	uint64_t shared = make(client->fd, client->leaf);
	uint32_t slot;

	for (slot = 0; slot < 64; slot++) {
		if (slot % 2) {
			fill(client->fd, a, slot, shared);
			continue;
		}
		b = make(client->fd, client->leaf);
		fill(client->fd, a, slot, b);
		drop(client->fd, b);
	}
	assert_objects(client->fd, 1 + 1 + 32);
	assert_int_equal(count_of(client->fd, shared), 33);
	drop(client->fd, a);
	assert_objects(client->fd, 1);
	assert_int_equal(count_of(client->fd, shared), 1);
	assert_int_equal(runs_of(client->fd), 0);
}

static void test_parallel(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->four);
	uint64_t b = make(client->fd, client->leaf);
	uint32_t slot;

	for (slot = 0; slot < 4; slot++)
		fill(client->fd, a, slot, b);
	assert_int_equal(count_of(client->fd, b), 5);
	drop(client->fd, b);
	for (slot = 0; slot < 3; slot++)
		fill(client->fd, a, slot, 0);
	assert_objects(client->fd, 2);
	fill(client->fd, a, 3, 0);
	assert_objects(client->fd, 1);
}

static void test_to_itself(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two);

	fill(client->fd, a, 0, a);
	assert_int_equal(count_of(client->fd, a), 2);
	fill(client->fd, a, 0, 0);
	assert_int_equal(count_of(client->fd, a), 1);
	drop(client->fd, a);
	assert_objects(client->fd, 0);
}

static void test_out_of_range(void **state)
{
	static const uint32_t beyond[] = { 2, 3, 1024, 1u << 31, UINT32_MAX };
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two);
	uint64_t leaf = make(client->fd, client->leaf), out = 0;
	size_t i;

	fill(client->fd, a, 0, leaf);
	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		fails(EINVAL, refslab_slot_set(client->fd, a, beyond[i], leaf));
		fails(EINVAL, refslab_slot_set(client->fd, a, beyond[i], 0));
		fails(EINVAL, refslab_slot_load(client->fd, a, beyond[i], &out));
		fails(EINVAL, refslab_slot_move(client->fd, a, beyond[i], a, 0));
		fails(EINVAL, refslab_slot_move(client->fd, a, 0, a, beyond[i]));
	}
	/* A leaf has none at all. */
	fails(EINVAL, refslab_slot_set(client->fd, leaf, 0, a));
	fails(EINVAL, refslab_slot_load(client->fd, leaf, 0, &out));
	fails(EINVAL, refslab_slot_move(client->fd, leaf, 0, a, 0));
	fails(EINVAL, refslab_slot_move(client->fd, a, 0, leaf, 0));
	assert_true(out == 0);
	assert_int_equal(count_of(client->fd, leaf), 2);
	assert_int_equal(count_of(client->fd, a), 1);
	assert_int_equal(info_of(client->fd).handles, 2);
}

static void test_every_slot(void **state)
{
	struct client *client = *state;
	uint32_t most = type(client->fd, REFSLAB_SLOTS_MAX, 8), slot, seen;
	uint64_t a = make(client->fd, most), b;

	for (slot = 0; slot < REFSLAB_SLOTS_MAX; slot++) {
		b = make(client->fd, client->leaf);
		works(refslab_write(client->fd, b, 0, &slot, sizeof(slot)));
		fill(client->fd, a, slot, b);
		drop(client->fd, b);
	}
	assert_objects(client->fd, REFSLAB_SLOTS_MAX + 1);
	for (slot = 0; slot < REFSLAB_SLOTS_MAX; slot++) {
		b = load(client->fd, a, slot);
		works(refslab_read(client->fd, b, 0, &seen, sizeof(seen)));
		assert_int_equal(seen, slot);
		drop(client->fd, b);
	}
	drop(client->fd, a);
	assert_objects(client->fd, 0);
}

static void test_move(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two);
	uint64_t b = make(client->fd, client->two);
	uint64_t x = make(client->fd, client->leaf);
	uint64_t y = make(client->fd, client->leaf);

	fill(client->fd, a, 0, x);
	works(refslab_slot_move(client->fd, a, 0, b, 1));
	assert_true(load(client->fd, a, 0) == 0);
	assert_int_equal(count_of(client->fd, x), 2);
	/* Within one object. */
	works(refslab_slot_move(client->fd, b, 1, b, 0));
	assert_true(load(client->fd, b, 1) == 0);
	assert_int_equal(count_of(client->fd, x), 2);
	/* To itself. */
	works(refslab_slot_move(client->fd, b, 0, b, 0));
	assert_int_equal(count_of(client->fd, x), 2);
	drop(client->fd, x);
	assert_objects(client->fd, 4);
	/* What was there before loses its reference. */
	fill(client->fd, a, 1, y);
	drop(client->fd, y);
	works(refslab_slot_move(client->fd, a, 1, b, 0));
	assert_objects(client->fd, 3);
	/* Nothing is moved, too. */
	works(refslab_slot_move(client->fd, a, 0, b, 0));
	assert_objects(client->fd, 2);
	assert_true(load(client->fd, b, 0) == 0);
	works(refslab_slot_move(client->fd, a, 0, b, 0));
	assert_objects(client->fd, 2);
	assert_int_equal(runs_of(client->fd), 0);
}

/* Two names for one object are one object. */
static void test_move_by_two_handles(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two), same;
	uint64_t x = make(client->fd, client->leaf);

	same = dup_of(client->fd, a);
	fill(client->fd, a, 0, x);
	works(refslab_slot_move(client->fd, a, 0, same, 0));
	assert_int_equal(count_of(client->fd, x), 2);
	works(refslab_slot_move(client->fd, a, 0, same, 1));
	assert_true(load(client->fd, same, 0) == 0);
	drop(client->fd, x);
	x = load(client->fd, a, 1);
	assert_int_equal(count_of(client->fd, x), 2);
}

/* It changes what is as expected, whichever handle says so, and nothing else. */
static void test_cmpxchg(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two), b = make(client->fd, client->one);
	uint64_t c = make(client->fd, client->one), other = dup_of(client->fd, b);
	int fd = client->fd;

	fails(EAGAIN, refslab_slot_cmpxchg(fd, a, 0, b, c));
	works(refslab_slot_cmpxchg(fd, a, 0, 0, b));
	assert_int_equal(count_of(fd, b), 3);
	fails(EAGAIN, refslab_slot_cmpxchg(fd, a, 0, 0, c));
	fails(EAGAIN, refslab_slot_cmpxchg(fd, a, 0, c, 0));
	assert_int_equal(count_of(fd, b), 3);
	assert_int_equal(count_of(fd, c), 1);
	works(refslab_slot_cmpxchg(fd, a, 0, other, c));
	assert_int_equal(count_of(fd, b), 2);
	assert_int_equal(count_of(fd, c), 2);
	works(refslab_slot_cmpxchg(fd, a, 0, c, c));
	assert_int_equal(count_of(fd, c), 2);
	works(refslab_slot_cmpxchg(fd, a, 0, c, 0));
	works(refslab_slot_cmpxchg(fd, a, 0, 0, 0));
	assert_int_equal(count_of(fd, c), 1);
	assert_true(load(fd, a, 0) == 0);
}

static void test_cmpxchg_mistakes(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two), b = make(client->fd, client->one);
	uint64_t weak = weak_of(client->fd, b);
	struct refslab_slot_cmpxchg arg = {
		.size = sizeof(arg), .handle = a, .target = b, .reserved = 1,
	};
	int fd = client->fd;

	fails(EBADF, refslab_slot_cmpxchg(fd, 0, 0, 0, b));
	fails(EBADF, refslab_slot_cmpxchg(fd, weak, 0, 0, b));
	fails(EBADF, refslab_slot_cmpxchg(fd, a, 0, weak, b));
	fails(EBADF, refslab_slot_cmpxchg(fd, a, 0, 0, weak));
	fails(EBADF, refslab_slot_cmpxchg(fd, a, 0, 4711, b));
	fails(EINVAL, refslab_slot_cmpxchg(fd, a, 2, 0, b));
	fails(EINVAL, refslab_slot_cmpxchg(fd, a, UINT32_MAX, 0, b));
	fails(EINVAL, call(fd, REFSLAB_SLOT_CMPXCHG, &arg));
	assert_true(load(fd, a, 0) == 0);
	assert_int_equal(count_of(fd, b), 1);
}

#define PUSHERS	4
#define PUSHES	500

struct pusher {
	struct client *client;
	uint64_t list;
};

/* Puts objects in front of a list that others change too. */
static void *push(void *data)
{
	struct pusher *pusher = data;
	int fd = pusher->client->fd, i, err;
	uint64_t node, first;

	for (i = 0; i < PUSHES; i++) {
		if (refslab_alloc(fd, pusher->client->one, &node))
			return "no node";
		do {
			err = refslab_slot_load(fd, pusher->list, 0, &first);
			if (err)
				break;
			err = refslab_slot_set(fd, node, 0, first);
			if (!err)
				err = refslab_slot_cmpxchg(fd, pusher->list, 0,
							   first, node);
			if (first)
				refslab_close(fd, first);
		} while (err == -EAGAIN);
		if (err || refslab_close(fd, node))
			return "not pushed";
	}
	return NULL;
}

static void test_cmpxchg_threads(void **state)
{
	struct client *client = *state;
	struct pusher pusher = { client, make(client->fd, client->one) };
	pthread_t threads[PUSHERS];
	void *wrong;
	int i;

	for (i = 0; i < PUSHERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, push, &pusher), 0);
	for (i = 0; i < PUSHERS; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	/* None has been lost, and nobody else has any. */
	assert_objects(client->fd, 1 + PUSHERS * PUSHES);
	assert_int_equal(info_of(client->fd).handles, 1);
	fill(client->fd, pusher.list, 0, 0);
	assert_objects(client->fd, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_set_load),
		client_test(test_empty_frees),
		client_test(test_overwrite_frees),
		client_test(test_owner_goes),
		client_test(test_parallel),
		client_test(test_to_itself),
		client_test(test_out_of_range),
		client_test(test_every_slot),
		client_test(test_move),
		client_test(test_move_by_two_handles),
		client_test(test_cmpxchg),
		client_test(test_cmpxchg_mistakes),
		client_test(test_cmpxchg_threads),
	};

	return run_as_tap(tests);
}
