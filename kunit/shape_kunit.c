// SPDX-License-Identifier: GPL-2.0
/*
 * Shapes of garbage beyond those that every collector knows: wide, deep, dense,
 * of several types, heaps and ages, and at random; with exact counts.
 */
#include <linux/bitmap.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "fixture.h"

/* --- an object with many slots --- */

#define WIDE_SLOTS	1000

struct wide {
	struct refslab_linked	link;
	struct refslab_slot	slot[WIDE_SLOTS];
};

static struct refslab_type *wide_type(struct kunit *test, unsigned int slots)
{
	struct fixture *f = test->priv;
	const struct refslab_type_args args = {
		.name = "wide", .slots = slots, .slot_offset = offsetof(struct wide, slot),
		.size = offsetof(struct wide, slot[slots]),
	};

	return fixture_type(test, f->heap, &args);
}

static struct wide *wide_make(struct kunit *test, struct refslab_type *type)
{
	return container_of(obj_make(test, type), struct wide, link.object);
}

static struct knot **knots_make(struct kunit *test, struct refslab_type *type,
				unsigned int n)
{
	struct knot **knots = kunit_kcalloc(test, n, sizeof(*knots), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, knots);
	for (i = 0; i < n; i++)
		knots[i] = knot_make(test, type);
	return knots;
}

static void knots_put(struct knot **knots, unsigned int n)
{
	while (n--)
		knot_put(knots[n]);
}

/* All refer to the hub, and the hub to the first of them. */
static void test_hub(struct kunit *test)
{
	enum { N = 20000 };
	struct fixture *f = test->priv;
	struct knot *hub = knot_make(test, f->knot), **k = knots_make(test, f->knot, N);
	int i;

	for (i = 0; i < N; i++) {
		knot_edge(k[i], 0, hub);
		if (i)
			knot_edge(k[i - 1], 1, k[i]);
	}
	knot_edge(hub, 0, k[0]);
	knot_put(hub);
	KUNIT_EXPECT_EQ(test, knot_count(hub), N);
	knots_put(k, N - 1);
	/* one of so many is held, and holds it all by the hub */
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	EXPECT_OBJECTS(test, f->knot, N + 1);
	KUNIT_EXPECT_EQ(test, knot_count(hub), N);
	knot_put(k[N - 1]);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N + 1);
	EXPECT_OBJECTS(test, f->knot, 0);
}

static void test_wide(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = wide_type(test, WIDE_SLOTS);
	struct wide *self = wide_make(test, type), *all = wide_make(test, type);
	struct wide *one = wide_make(test, type);
	struct knot **k = knots_make(test, f->knot, WIDE_SLOTS);
	struct knot *target = knot_make(test, f->knot);
	int i;

	for (i = 0; i < WIDE_SLOTS; i++) {
		refslab_slot_set(&self->slot[i], &self->link.object);
		refslab_slot_set(&all->slot[i], &k[i]->link.object);
		refslab_slot_set(&k[i]->slot[0], &all->link.object);
		refslab_slot_set(&one->slot[i], &target->link.object);
	}
	refslab_slot_set(&target->slot[0], &one->link.object);
	refslab_put(&self->link.object);
	refslab_put(&all->link.object);
	refslab_put(&one->link.object);
	knots_put(k, WIDE_SLOTS);
	/* what holds the one with a thousand edges to it */
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 1 + 1 + WIDE_SLOTS);
	KUNIT_EXPECT_EQ(test, knot_count(target), WIDE_SLOTS + 1);
	knot_put(target);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 2);
	EXPECT_OBJECTS(test, type, 0);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* Everyone refers to everyone. */
static void test_complete_graph(struct kunit *test)
{
	enum { N = 64 };
	struct refslab_type *type = wide_type(test, N);
	struct wide *w[N];
	int i, j;

	for (i = 0; i < N; i++)
		w[i] = wide_make(test, type);
	for (i = 0; i < N; i++)
		for (j = 0; j < N; j++)
			refslab_slot_set(&w[i]->slot[j], &w[j]->link.object);
	for (i = 1; i < N; i++)
		refslab_put(&w[i]->link.object);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	EXPECT_OBJECTS(test, type, N);
	/* a last member without edges to it but from itself dies like the others */
	for (i = 0; i < N - 1; i++)
		refslab_slot_clear(&w[i]->slot[N - 1]);
	KUNIT_EXPECT_EQ(test, refslab_count(&w[N - 1]->link.object), 1);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 1);
	refslab_put(&w[0]->link.object);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N - 1);
	EXPECT_OBJECTS(test, type, 0);
}

/* Deep and branching: what is marked live goes a long way, and waits on a stack. */
static void test_comb(struct kunit *test)
{
	enum { N = 30000 };
	struct fixture *f = test->priv;
	struct knot **spine = knots_make(test, f->knot, N);
	struct knot **tooth = knots_make(test, f->knot, N);
	int i;

	for (i = 0; i < N; i++) {
		knot_edge(spine[i], 0, spine[(i + 1) % N]);
		knot_edge(spine[i], 1, tooth[i]);
		/* a tooth that is a cycle of its own */
		knot_edge(tooth[i], 0, tooth[i]);
	}
	knots_put(tooth, N);
	knots_put(spine + 1, N - 1);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	/* every other tooth falls out */
	for (i = 0; i < N; i += 2)
		knot_edge(spine[i], 1, NULL);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N / 2);
	knot_put(spine[0]);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N + N / 2);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* Each refers to the right and downwards, round the edges. */
static void test_torus(struct kunit *test)
{
	enum { N = 50 };
	struct fixture *f = test->priv;
	struct knot **k = knots_make(test, f->knot, N * N);
	int x, y;

	for (y = 0; y < N; y++) {
		for (x = 0; x < N; x++) {
			knot_edge(k[y * N + x], 0, k[y * N + (x + 1) % N]);
			knot_edge(k[y * N + x], 1, k[(y + 1) % N * N + x]);
		}
	}
	knots_put(k + 1, N * N - 1);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	/* without the edges downwards, rows: only the first is held */
	for (x = 0; x < N * N; x++)
		knot_edge(k[x], 1, NULL);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N * (N - 1));
	knot_put(k[0]);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* A chain leads into a ring: the one dies by its count, the other by a sweep. */
static void test_lollipop(struct kunit *test)
{
	enum { N = 500 };
	struct fixture *f = test->priv;
	struct knot **k = knots_make(test, f->knot, 2 * N);
	int i;

	for (i = 0; i + 1 < 2 * N; i++)
		knot_edge(k[i], 0, k[i + 1]);
	knot_edge(k[2 * N - 1], 0, k[N]);
	knots_put(k, 2 * N);
	releaser_flush(&f->heap->releaser);
	EXPECT_OBJECTS(test, f->knot, N);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), N);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* What is downstream of what lives, lives; not what is upstream. */
static void test_stream(struct kunit *test)
{
	enum { RINGS = 20, N = 10 };
	struct fixture *f = test->priv;
	struct knot **k = knots_make(test, f->knot, RINGS * N);
	struct knot *held = k[RINGS / 2 * N + 3];
	int r, i;

	for (r = 0; r < RINGS; r++) {
		for (i = 0; i < N; i++)
			knot_edge(k[r * N + i], 0, k[r * N + (i + 1) % N]);
		if (r)
			knot_edge(k[(r - 1) * N + 5], 1, k[r * N]);
	}
	refslab_get(&held->link.object);
	knots_put(k, RINGS * N);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), RINGS / 2 * N);
	/* the edge from upstream has gone with it */
	KUNIT_EXPECT_EQ(test, knot_count(k[RINGS / 2 * N]), 1);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	EXPECT_OBJECTS(test, f->knot, RINGS / 2 * N);
	knot_put(held);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), RINGS / 2 * N);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* Old garbage holds young: a young sweep cannot know, a full one does. */
static void test_old_holds_young(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot **old = knots_make(test, f->knot, 2), **young;

	knot_edge(old[0], 0, old[1]);
	knot_edge(old[1], 0, old[0]);
	knot_put(old[1]);
	fixture_collect(test, 0);
	fixture_collect(test, 1);
	KUNIT_EXPECT_EQ(test, object_generation(&old[0]->link.object), 2);
	young = knots_make(test, f->knot, 2);
	knot_edge(young[0], 0, young[1]);
	knot_edge(young[1], 0, young[0]);
	knot_edge(old[1], 1, young[0]);
	knots_put(young, 2);
	knot_put(old[0]);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 1), 0);
	EXPECT_OBJECTS(test, f->knot, 4);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 4);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* --- several types, several heaps --- */

/* Rings through types of three sizes, one of them released by the workqueue. */
static void test_mixed_types(struct kunit *test)
{
	enum { N = 300 };
	struct fixture *f = test->priv;
	const struct refslab_type_args large_args = {
		.name = "large", .size = 6000, .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = knot_ctor,
	};
	struct refslab_type *types[] = {
		f->knot, fixture_type(test, f->heap, &large_args),
		fixture_knots(test, f->heap, "work", &f->releases,
			      REFSLAB_TYPE_RELEASE_WORK),
	};
	struct refslab_object *shared = obj_make(test, f->leaf);
	struct knot **k = kunit_kcalloc(test, N, sizeof(*k), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, k);
	for (i = 0; i < N; i++)
		k[i] = knot_make(test, types[i % 3]);
	for (i = 0; i < N; i++) {
		knot_edge(k[i], 0, k[(i + 1) % N]);
		refslab_slot_set(&k[i]->slot[1], shared);
	}
	knots_put(k, N - 1);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	KUNIT_EXPECT_EQ(test, refslab_count(shared), N + 1);
	knot_put(k[N - 1]);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), N / 3);
	KUNIT_EXPECT_EQ(test, refslab_count(shared), 1);
	for (i = 0; i < 3; i++)
		EXPECT_OBJECTS(test, types[i], 0);
	/* shared among garbage alone: it dies with the last of them */
	for (i = 0; i < N; i++) {
		k[i] = knot_make(test, f->knot);
		knot_edge(k[i], 0, k[i]);
		refslab_slot_set(&k[i]->slot[1], shared);
	}
	refslab_put(shared);
	knots_put(k, N);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), N + 1);
	EXPECT_OBJECTS(test, f->leaf, 0);
}

struct vary {
	struct refslab_linked	link;
	u32			n;	/* slots in use; fixed before published */
	struct refslab_slot	slot[30];
};

static struct refslab_slot *vary_traverse(struct refslab_object *obj,
					  unsigned long *cursor)
{
	struct vary *vary = container_of(obj, struct vary, link.object);

	return *cursor < vary->n ? &vary->slot[(*cursor)++] : NULL;
}

static unsigned int vary_next;

static void vary_ctor(struct refslab_object *obj)
{
	container_of(obj, struct vary, link.object)->n = vary_next;
}

static struct vary *vary_make(struct kunit *test, struct refslab_type *type,
			      unsigned int n)
{
	vary_next = n;
	return container_of(obj_make(test, type), struct vary, link.object);
}

/* Of one type, with none to thirty slots each. */
static void test_variable_slots(struct kunit *test)
{
	enum { N = 310 };
	const struct refslab_type_args args = {
		.name = "vary", .size = sizeof(struct vary), .traverse = vary_traverse,
		.ctor = vary_ctor, .flags = REFSLAB_TYPE_ZERO,
	};
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	struct refslab_object *target;
	struct vary **v = kunit_kcalloc(test, N, sizeof(*v), GFP_KERNEL);
	unsigned int i, s, none = 0;

	KUNIT_ASSERT_NOT_NULL(test, v);
	for (i = 0; i < N; i++) {
		v[i] = vary_make(test, type, i % 31);
		none += !(i % 31);
	}
	/* the last slot leads on to the next that has any, the others anywhere */
	for (i = 0; i < N; i++) {
		for (s = 0; s + 1 < v[i]->n; s++)
			refslab_slot_set(&v[i]->slot[s], &v[(i * 7 + s * 13) % N]->link.object);
		if (!v[i]->n)
			continue;
		target = &v[v[(i + 1) % N]->n ? (i + 1) % N : (i + 2) % N]->link.object;
		refslab_slot_set(&v[i]->slot[s], target);
	}
	for (i = 0; i < N; i++)
		if (i != 1)
			refslab_put(&v[i]->link.object);
	/* those without slots die by their count unless somebody refers to them */
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	EXPECT_OBJECTS(test, type, N);
	refslab_put(&v[1]->link.object);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N);
	KUNIT_EXPECT_GT(test, none, 0);
	EXPECT_OBJECTS(test, type, 0);
}

/* Nothing crosses heaps, garbage of the same shape in both. */
static void test_two_heaps(struct kunit *test)
{
	const struct refslab_heap_args other_args = { .name = "kunit-other" };
	struct fixture *f = test->priv;
	struct refslab_heap *heaps[] = { f->heap, fixture_heap(test, &other_args) };
	struct refslab_type *types[2];
	struct refslab_sweep_result result;
	int h, i;

	for (h = 0; h < 2; h++) {
		types[h] = fixture_knots(test, heaps[h], "same", &f->releases, 0);
		for (i = 0; i < 100; i++) {
			struct knot *a = knot_make(test, types[h]);
			struct knot *b = knot_make(test, types[h]);

			knot_edge(a, 0, b);
			knot_edge(b, 1, a);
			knot_put(a);
			knot_put(b);
		}
	}
	KUNIT_EXPECT_EQ(test, refslab_collect(heaps[1], 0, &result), 0);
	KUNIT_EXPECT_EQ(test, result.freed, 200);
	EXPECT_OBJECTS(test, types[0], 200);
	EXPECT_OBJECTS(test, types[1], 0);
	KUNIT_EXPECT_EQ(test, refslab_collect(heaps[1], 2, &result), 0);
	KUNIT_EXPECT_EQ(test, result.examined, 0);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 200);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 400);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heaps[1]), 0);
}

/* --- at random, against a search from what is held --- */

/* Edges stay within a cluster, mostly: so that much dies that is not alone. */
enum { GRAPH = 1500, CLUSTER = 30, GRAPH_ROUNDS = 12 };

/**
 * struct graph - objects of which it is known what lives
 * @random: choices
 * @knot: the objects, or NULL for those known to be dead
 * @to: what their slots refer to, -1 for nothing
 * @held: of which the test has a reference
 * @live: what these reach
 * @todo: for the search
 */
struct graph {
	struct rnd_state random;
	struct knot	*knot[GRAPH];
	int		to[GRAPH][2];
	DECLARE_BITMAP(held, GRAPH);
	DECLARE_BITMAP(live, GRAPH);
	int		todo[GRAPH];
};

static u32 pick(struct graph *g, u32 n)
{
	return prandom_u32_state(&g->random) % n;
}

static void search(struct graph *g)
{
	int n = 0, i, s, to;

	bitmap_copy(g->live, g->held, GRAPH);
	for_each_set_bit(i, g->held, GRAPH)
		g->todo[n++] = i;
	while (n) {
		i = g->todo[--n];
		for (s = 0; s < 2; s++) {
			to = g->to[i][s];
			if (to < 0 || test_and_set_bit(to, g->live))
				continue;
			g->todo[n++] = to;
		}
	}
}

/* Makes what is missing, changes edges between what is held, lets some go. */
static void graph_change(struct kunit *test, struct graph *g)
{
	struct fixture *f = test->priv;
	int i, s, to;

	for (i = 0; i < GRAPH; i++) {
		if (g->knot[i])
			continue;
		g->knot[i] = knot_make(test, f->knot);
		g->to[i][0] = -1;
		g->to[i][1] = -1;
		set_bit(i, g->held);
	}
	for_each_set_bit(i, g->held, GRAPH) {
		for (s = 0; s < 2; s++) {
			do {
				to = pick(g, 50) ? (int)(i - i % CLUSTER + pick(g, CLUSTER)) :
				     (int)pick(g, GRAPH);
			} while (!test_bit(to, g->held));
			if (!pick(g, 8))
				to = -1;
			knot_edge(g->knot[i], s, to < 0 ? NULL : g->knot[to]);
			g->to[i][s] = to;
		}
	}
	for_each_set_bit(i, g->held, GRAPH) {
		if (!pick(g, 40))
			continue;
		clear_bit(i, g->held);
		knot_put(g->knot[i]);
	}
}

static void graph_check(struct kunit *test, struct graph *g)
{
	struct fixture *f = test->priv;
	u32 *count = kcalloc(GRAPH, sizeof(*count), GFP_KERNEL);
	unsigned int i, s, wrong = 0;

	KUNIT_ASSERT_NOT_NULL(test, count);
	EXPECT_OBJECTS(test, f->knot, bitmap_weight(g->live, GRAPH));
	for_each_set_bit(i, g->live, GRAPH)
		for (s = 0; s < 2; s++)
			if (g->to[i][s] >= 0)
				count[g->to[i][s]]++;
	for_each_set_bit(i, g->live, GRAPH) {
		if (g->knot[i]->canary != KNOT_CANARY ||
		    knot_count(g->knot[i]) != count[i] + test_bit(i, g->held))
			wrong++;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	for (i = 0; i < GRAPH; i++)
		if (!test_bit(i, g->live))
			g->knot[i] = NULL;
	kfree(count);
}

static void test_random_graphs(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct graph *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);
	u64 freed = 0;
	unsigned int seed, round, i;

	KUNIT_ASSERT_NOT_NULL(test, g);
	for (seed = 0; seed < 4; seed++) {
		prandom_seed_state(&g->random, 99 + seed);
		for (round = 0; round < GRAPH_ROUNDS; round++) {
			graph_change(test, g);
			search(g);
			/* young sweeps on the way must not take what lives either */
			for (i = pick(g, 3); i; i--)
				freed += fixture_collect(test, pick(g, 2));
			freed += fixture_collect(test, 2);
			graph_check(test, g);
		}
		for_each_set_bit(i, g->held, GRAPH) {
			knot_put(g->knot[i]);
			clear_bit(i, g->held);
		}
		search(g);
		freed += fixture_collect(test, 2);
		graph_check(test, g);
	}
	EXPECT_OBJECTS(test, f->knot, 0);
	/* it was the sweeps that freed them, not counts alone */
	KUNIT_EXPECT_GT(test, freed, 4 * GRAPH);
}

static struct kunit_case shape_cases[] = {
	KUNIT_CASE(test_hub),
	KUNIT_CASE(test_wide),
	KUNIT_CASE(test_complete_graph),
	KUNIT_CASE(test_comb),
	KUNIT_CASE(test_torus),
	KUNIT_CASE(test_lollipop),
	KUNIT_CASE(test_stream),
	KUNIT_CASE(test_old_holds_young),
	KUNIT_CASE(test_mixed_types),
	KUNIT_CASE(test_variable_slots),
	KUNIT_CASE(test_two_heaps),
	KUNIT_CASE(test_random_graphs),
	{}
};

static struct kunit_suite shape_suite = {
	.name = "refslab_shape",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = shape_cases,
};

kunit_test_suites(&shape_suite);
