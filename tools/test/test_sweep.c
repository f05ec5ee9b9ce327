// SPDX-License-Identifier: GPL-2.0
/*
 * Sweeps: what they free of each shape, exactly, and what they leave alone.
 * Nothing sweeps by itself here.
 */
#include "client.h"

static void test_nothing(void **state)
{
	struct client *client = *state;
	struct refslab_collect collect;
	uint32_t generation;
	uint64_t a;

	for (generation = 0; generation < REFSLAB_GENERATIONS; generation++) {
		works(refslab_collect(client->fd, generation, &collect));
		assert_int_equal(collect.freed, 0);
		assert_int_equal(collect.unfreed, 0);
	}
	a = make(client->fd, client->one);
	fill(client->fd, a, 0, a);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_int_equal(count_of(client->fd, a), 2);
	fails(EINVAL, refslab_collect(client->fd, REFSLAB_GENERATIONS, &collect));
	fails(EINVAL, refslab_collect(client->fd, UINT32_MAX, &collect));
}

static void test_self_loop(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one);

	fill(client->fd, a, 0, a);
	drop(client->fd, a);
	assert_objects(client->fd, 1);
	assert_int_equal(sweep(client->fd, 0), 1);
	assert_objects(client->fd, 0);
}

static void test_two_cycle(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one);
	uint64_t b = make(client->fd, client->one);

	fill(client->fd, a, 0, b);
	fill(client->fd, b, 0, a);
	drop(client->fd, a);
	/* Half let go is not let go. */
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, 2);
	assert_int_equal(count_of(client->fd, b), 2);
	drop(client->fd, b);
	assert_objects(client->fd, 2);
	assert_int_equal(sweep(client->fd, 2), 2);
	assert_objects(client->fd, 0);
	assert_int_equal(info_of(client->fd).handles, 0);
}

static void test_ring(void **state)
{
	struct client *client = *state;
	uint64_t a = ring(client->fd, client->one, 1000);

	assert_objects(client->fd, 1000);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, 1000);
	drop(client->fd, a);
	assert_objects(client->fd, 1000);
	assert_int_equal(sweep(client->fd, 2), 1000);
	assert_objects(client->fd, 0);
}

static void test_doubly_linked(void **state)
{
	enum { NODES = 500 };
	struct client *client = *state;
	uint64_t node[NODES];
	int i;

	for (i = 0; i < NODES; i++) {
		node[i] = make(client->fd, client->two);
		if (!i)
			continue;
		fill(client->fd, node[i - 1], 0, node[i]);
		fill(client->fd, node[i], 1, node[i - 1]);
	}
	for (i = 0; i < NODES; i++)
		drop(client->fd, node[i]);
	assert_objects(client->fd, NODES);
	assert_int_equal(sweep(client->fd, 2), NODES);
	assert_objects(client->fd, 0);
}

/* Two rings through one object. */
static void test_figure_eight(void **state)
{
	struct client *client = *state;
	uint64_t middle = make(client->fd, client->two), last, next;
	uint32_t side;
	int i;

	for (side = 0; side < 2; side++) {
		last = middle;
		for (i = 0; i < 5; i++) {
			next = make(client->fd, client->one);
			fill(client->fd, last, last == middle ? side : 0, next);
			if (last != middle)
				drop(client->fd, last);
			last = next;
		}
		fill(client->fd, last, 0, middle);
		drop(client->fd, last);
	}
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, 11);
	drop(client->fd, middle);
	assert_int_equal(sweep(client->fd, 2), 11);
	assert_objects(client->fd, 0);
}

/* a <-> b -> c -> d: the tail goes with the cycle. */
static void test_cycle_with_tail(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two);
	uint64_t b = make(client->fd, client->two);
	uint64_t c = make(client->fd, client->two);
	uint64_t d = make(client->fd, client->two);

	fill(client->fd, a, 0, b);
	fill(client->fd, b, 0, a);
	fill(client->fd, b, 1, c);
	fill(client->fd, c, 0, d);
	drop(client->fd, c);
	drop(client->fd, d);
	drop(client->fd, a);
	drop(client->fd, b);
	assert_objects(client->fd, 4);
	assert_int_equal(sweep(client->fd, 2), 4);
	assert_objects(client->fd, 0);
}

/* The same with a tail of leaves, which no sweep looks at. */
static void test_cycle_with_leaves(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->four);
	uint64_t held = make(client->fd, client->leaf), leaf;
	uint32_t slot;

	fill(client->fd, a, 0, a);
	for (slot = 1; slot < 3; slot++) {
		leaf = make(client->fd, client->leaf);
		fill(client->fd, a, slot, leaf);
		drop(client->fd, leaf);
	}
	fill(client->fd, a, 3, held);
	drop(client->fd, a);
	assert_objects(client->fd, 4);
	/* What only garbage reached counts as freed by the sweep. */
	assert_int_equal(sweep(client->fd, 2), 3);
	assert_objects(client->fd, 1);
	assert_int_equal(count_of(client->fd, held), 1);
}

/* A tail in front does not hold the cycle once it is gone. */
static void test_cycle_with_lead(void **state)
{
	struct client *client = *state;
	uint64_t lead = make(client->fd, client->one);
	uint64_t a = ring(client->fd, client->one, 3);

	fill(client->fd, lead, 0, a);
	drop(client->fd, a);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, 4);
	drop(client->fd, lead);
	/* The lead by its count, the ring not. */
	assert_objects(client->fd, 3);
	assert_int_equal(sweep(client->fd, 2), 3);
	assert_objects(client->fd, 0);
}

/* A binary tree in which each node refers to its parent. */
static void test_tree_with_parents(void **state)
{
	enum { NODES = 1023 };
	struct client *client = *state;
	uint32_t three = type(client->fd, 3, 8);
	uint64_t *node = calloc(NODES, sizeof(*node));
	int i;

	assert_non_null(node);
	for (i = 0; i < NODES; i++) {
		node[i] = make(client->fd, three);
		if (!i)
			continue;
		fill(client->fd, node[(i - 1) / 2], (i - 1) % 2, node[i]);
		fill(client->fd, node[i], 2, node[(i - 1) / 2]);
	}
	for (i = 0; i < NODES - 1; i++)
		drop(client->fd, node[i]);
	/* Held by its last leaf, all of it. */
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, NODES);
	drop(client->fd, node[NODES - 1]);
	assert_int_equal(sweep(client->fd, 2), NODES);
	assert_objects(client->fd, 0);
	free(node);
}

static void test_ring_on_live_object(void **state)
{
	struct client *client = *state;
	uint64_t live = make(client->fd, client->two);
	uint64_t a = ring(client->fd, client->one, 20);

	fill(client->fd, live, 1, a);
	drop(client->fd, a);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, 21);
	fill(client->fd, live, 1, 0);
	assert_objects(client->fd, 21);
	assert_int_equal(sweep(client->fd, 2), 20);
	assert_objects(client->fd, 1);
	assert_int_equal(count_of(client->fd, live), 1);
}

static void test_garbage_on_live_object(void **state)
{
	struct client *client = *state;
	uint64_t live = make(client->fd, client->one), node[10], below;
	int i;

	below = make(client->fd, client->leaf);
	fill(client->fd, live, 0, below);
	drop(client->fd, below);
	for (i = 0; i < 10; i++) {
		node[i] = make(client->fd, client->two);
		fill(client->fd, node[i], 1, live);
		if (i)
			fill(client->fd, node[i - 1], 0, node[i]);
	}
	fill(client->fd, node[9], 0, node[0]);
	for (i = 0; i < 10; i++)
		drop(client->fd, node[i]);
	assert_int_equal(count_of(client->fd, live), 11);
	assert_int_equal(sweep(client->fd, 2), 10);
	assert_objects(client->fd, 2);
	assert_int_equal(count_of(client->fd, live), 1);
	below = load(client->fd, live, 0);
	assert_true(below != 0);
}

static void test_parallel_edges(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->wide);
	uint64_t b = make(client->fd, client->wide);
	uint32_t slot;

	for (slot = 0; slot < 64; slot++) {
		fill(client->fd, a, slot, slot % 2 ? a : b);
		fill(client->fd, b, slot, slot % 3 ? a : b);
	}
	drop(client->fd, a);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, 2);
	drop(client->fd, b);
	assert_int_equal(sweep(client->fd, 2), 2);
	assert_objects(client->fd, 0);
}

/*
 * A chain long enough to overflow any stack that recurses, and to outlast any budget.
 * Whether closing its head took less than half the time in which it went.
 */
static bool long_chain_goes(int fd, uint32_t link)
{
	enum { LENGTH = 1000000 };
	uint64_t head, next, begin, took, left, now;
	int i;

	head = make(fd, link);
	for (i = 1; i < LENGTH; i++) {
		next = make(fd, link);
		fill(fd, next, 0, head);
		drop(fd, head);
		head = next;
	}
	assert_objects(fd, LENGTH);
	begin = now_ns();
	drop(fd, head);
	took = now_ns() - begin;
	/* On a busy machine it takes its time, but goes on. */
	for (left = LENGTH; left; left = now)
		assert_true(eventually((now = info_of(fd).objects) < left));
	return took < (now_ns() - begin) / 2;
}

static void test_long_chain(void **state)
{
	int fd = session_with_heap(256 << 20);
	uint32_t link = type(fd, 1, 0);

	(void)state;
	/* All but a little is done for the caller, not by it; he may have no processor by chance. */
	assert_true(long_chain_goes(fd, link) || long_chain_goes(fd, link) ||
		    long_chain_goes(fd, link));
	assert_int_equal(runs_of(fd), 0);
	close(fd);
}

static void test_complete_graph(void **state)
{
	enum { NODES = 60 };
	struct client *client = *state;
	uint64_t node[NODES];
	int i, j;

	for (i = 0; i < NODES; i++)
		node[i] = make(client->fd, client->wide);
	for (i = 0; i < NODES; i++)
		for (j = 0; j < NODES; j++)
			fill(client->fd, node[i], j, node[j]);
	for (i = 0; i < NODES; i++) {
		assert_int_equal(count_of(client->fd, node[i]), NODES + 1);
		if (i)
			drop(client->fd, node[i]);
	}
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, NODES);
	drop(client->fd, node[0]);
	assert_int_equal(sweep(client->fd, 2), NODES);
	assert_objects(client->fd, 0);
}

/* Each cycle hangs on the one before; all hang on the first. */
static void test_chained_cycles(void **state)
{
	enum { CYCLES = 5000 };
	struct client *client = *state;
	uint64_t first = 0, last = 0, a, b;
	int i;

	for (i = 0; i < CYCLES; i++) {
		a = make(client->fd, client->two);
		b = make(client->fd, client->one);
		fill(client->fd, a, 0, b);
		fill(client->fd, b, 0, a);
		drop(client->fd, b);
		if (last) {
			fill(client->fd, last, 1, a);
			if (last != first)
				drop(client->fd, last);
		} else {
			first = a;
		}
		last = a;
	}
	drop(client->fd, last);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, 2 * CYCLES);
	drop(client->fd, first);
	assert_int_equal(sweep(client->fd, 2), 2 * CYCLES);
	assert_objects(client->fd, 0);
}

static void test_many_cycles(void **state)
{
	enum { CYCLES = 5000 };
	struct client *client = *state;
	uint64_t kept[CYCLES / 10];
	int i;

	for (i = 0; i < CYCLES; i++) {
		uint64_t a = ring(client->fd, client->one, 3);

		if (i % 10)
			drop(client->fd, a);
		else
			kept[i / 10] = a;
	}
	assert_int_equal(sweep(client->fd, 2), 3 * (CYCLES - CYCLES / 10));
	assert_objects(client->fd, 3 * CYCLES / 10);
	for (i = 0; i < CYCLES / 10; i++) {
		assert_int_equal(count_of(client->fd, kept[i]), 2);
		drop(client->fd, kept[i]);
	}
	assert_int_equal(sweep(client->fd, 2), 3 * CYCLES / 10);
	assert_objects(client->fd, 0);
}

/* A load makes what is loaded live again, however it hangs. */
static void test_held_inside(void **state)
{
	struct client *client = *state;
	uint64_t a = ring(client->fd, client->one, 50), inside, next;
	int i;

	inside = load(client->fd, a, 0);
	for (i = 0; i < 20; i++) {
		next = load(client->fd, inside, 0);
		drop(client->fd, inside);
		inside = next;
	}
	drop(client->fd, a);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_objects(client->fd, 50);
	drop(client->fd, inside);
	assert_int_equal(sweep(client->fd, 2), 50);
	assert_objects(client->fd, 0);
}

/* A cycle that is cut in time is freed by its counts. */
static void test_cut_cycle(void **state)
{
	struct client *client = *state;
	uint64_t a = ring(client->fd, client->one, 100);

	fill(client->fd, a, 0, 0);
	assert_objects(client->fd, 1);
	drop(client->fd, a);
	assert_objects(client->fd, 0);
	assert_int_equal(sweep(client->fd, 2), 0);
}

/* What is moved out of a cycle that goes stays. */
static void test_moved_out(void **state)
{
	struct client *client = *state;
	uint64_t live = make(client->fd, client->one);
	uint64_t a = make(client->fd, client->two);
	uint64_t b = make(client->fd, client->one);

	fill(client->fd, a, 0, a);
	fill(client->fd, a, 1, b);
	drop(client->fd, b);
	works(refslab_slot_move(client->fd, a, 1, live, 0));
	drop(client->fd, a);
	assert_int_equal(sweep(client->fd, 2), 1);
	assert_objects(client->fd, 2);
	b = load(client->fd, live, 0);
	assert_int_equal(count_of(client->fd, b), 2);
}

/* Memory of swept objects is used again, and clean. */
static void test_again_and_again(void **state)
{
	struct client *client = *state;
	uint64_t bytes = 0;
	int round;

	for (round = 0; round < 50; round++) {
		drop(client->fd, ring(client->fd, client->four, 200));
		assert_int_equal(sweep(client->fd, 2), 200);
		assert_objects(client->fd, 0);
		if (round == 10)
			bytes = info_of(client->fd).bytes;
	}
	/* Some chunks may be on their way back, not forty rounds of them. */
	assert_true(info_of(client->fd).bytes <=
		    bytes + 8 * info_of(client->fd).chunk_bytes);
}

static void test_generations(void **state)
{
	struct client *client = *state;
	uint64_t a = ring(client->fd, client->two, 3), keep, young;
	uint64_t leaf = make(client->fd, client->leaf);
	uint32_t i;

	/* Touched, so that sweeps look at it; held, so that it survives. */
	assert_int_equal(generation_of(client->fd, a), 0);
	for (i = 1; i <= 4; i++) {
		keep = dup_of(client->fd, a);
		drop(client->fd, keep);
		assert_int_equal(sweep(client->fd, 2), 0);
		assert_int_equal(generation_of(client->fd, a), i < 2 ? i : 2);
	}
	keep = dup_of(client->fd, leaf);
	drop(client->fd, keep);
	sweep(client->fd, 2);
	assert_int_equal(generation_of(client->fd, leaf), 0);

	/* Let go in generation 2, it is not for a young sweep to find. */
	young = ring(client->fd, client->one, 5);
	drop(client->fd, a);
	drop(client->fd, young);
	assert_int_equal(sweep(client->fd, 0), 5);
	assert_objects(client->fd, 3 + 1);
	assert_int_equal(sweep(client->fd, 1), 0);
	assert_objects(client->fd, 3 + 1);
	assert_int_equal(sweep(client->fd, 2), 3);
	assert_objects(client->fd, 1);
}

static void test_generation_one(void **state)
{
	struct client *client = *state;
	uint64_t a = ring(client->fd, client->one, 4);

	drop(client->fd, dup_of(client->fd, a));
	assert_int_equal(sweep(client->fd, 0), 0);
	assert_int_equal(generation_of(client->fd, a), 1);
	drop(client->fd, a);
	assert_int_equal(sweep(client->fd, 0), 0);
	assert_objects(client->fd, 4);
	assert_int_equal(sweep(client->fd, 1), 4);
	assert_objects(client->fd, 0);
}

/* A young cycle that an old object holds lives, also when only the young are swept. */
static void test_old_holds_young(void **state)
{
	struct client *client = *state;
	uint64_t old = ring(client->fd, client->two, 2), young;
	int i;

	for (i = 0; i < 3; i++) {
		drop(client->fd, dup_of(client->fd, old));
		sweep(client->fd, 2);
	}
	assert_int_equal(generation_of(client->fd, old), 2);
	young = ring(client->fd, client->one, 3);
	fill(client->fd, old, 1, young);
	drop(client->fd, young);
	assert_int_equal(sweep(client->fd, 0), 0);
	assert_int_equal(sweep(client->fd, 1), 0);
	assert_objects(client->fd, 5);
	/* And falls with it. */
	drop(client->fd, old);
	assert_int_equal(sweep(client->fd, 2), 5);
	assert_objects(client->fd, 0);
}

static void test_stats(void **state)
{
	struct client *client = *state;
	struct refslab_collect collect;
	struct refslab_stats stats, before;
	uint32_t generation;

	for (generation = 0; generation < REFSLAB_GENERATIONS; generation++) {
		before = stats_of(client->fd, generation);
		assert_int_equal(before.runs, 0);
		assert_int_equal(before.freed, 0);
		drop(client->fd, ring(client->fd, client->one, 7));
		works(refslab_collect(client->fd, generation, &collect));
		assert_int_equal(collect.freed, 7);
		assert_true(collect.examined >= 7);
		assert_true(collect.time_ns > 0);
		stats = stats_of(client->fd, generation);
		assert_int_equal(stats.runs, 1);
		assert_int_equal(stats.freed, 7);
		assert_int_equal(stats.examined, collect.examined);
		assert_int_equal(stats.unfreed, 0);
		assert_int_equal(stats.time_ns, collect.time_ns);
		assert_int_equal(stats.longest_ns, collect.time_ns);
		drop(client->fd, ring(client->fd, client->one, 9));
		works(refslab_collect(client->fd, generation, &collect));
		stats = stats_of(client->fd, generation);
		assert_int_equal(stats.runs, 2);
		assert_int_equal(stats.freed, 16);
		assert_true(stats.longest_ns >= collect.time_ns);
		assert_true(stats.longest_ns < stats.time_ns);
	}
	fails(EINVAL, refslab_stats(client->fd, REFSLAB_GENERATIONS, &stats));
	fails(EINVAL, refslab_stats(client->fd, UINT32_MAX, &stats));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_nothing),
		client_test(test_self_loop),
		client_test(test_two_cycle),
		client_test(test_ring),
		client_test(test_doubly_linked),
		client_test(test_figure_eight),
		client_test(test_cycle_with_tail),
		client_test(test_cycle_with_leaves),
		client_test(test_cycle_with_lead),
		client_test(test_tree_with_parents),
		client_test(test_ring_on_live_object),
		client_test(test_garbage_on_live_object),
		client_test(test_parallel_edges),
		cmocka_unit_test(test_long_chain),
		client_test(test_complete_graph),
		client_test(test_chained_cycles),
		client_test(test_many_cycles),
		client_test(test_held_inside),
		client_test(test_cut_cycle),
		client_test(test_moved_out),
		client_test(test_again_and_again),
		client_test(test_generations),
		client_test(test_generation_one),
		client_test(test_old_holds_young),
		client_test(test_stats),
	};

	return run_as_tap(tests);
}
