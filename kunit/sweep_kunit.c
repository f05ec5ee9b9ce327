// SPDX-License-Identifier: GPL-2.0
/*
 * The sweep: shapes that break collectors, with exact counts; generations.
 */
#include <linux/slab.h>

#include "fixture.h"

#define note_gen(knot)	object_generation(&(knot)->link.object)

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

/* The ring's first, with one reference; the others hang on it. */
static struct knot *ring_make(struct kunit *test, struct refslab_type *type,
			      unsigned int n)
{
	struct knot *first = knot_make(test, type), *last = first, *next;

	while (--n) {
		next = knot_make(test, type);
		knot_edge(last, 0, next);
		knot_put(next);
		last = next;
	}
	knot_edge(last, 0, first);
	return first;
}

/* --- shapes --- */

static void test_nothing(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_sweep_result result;
	unsigned int gen;

	for (gen = 0; gen < GENERATIONS; gen++) {
		memset(&result, 0xff, sizeof(result));
		KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, gen, &result), 0);
		KUNIT_EXPECT_EQ(test, result.examined, 0);
		KUNIT_EXPECT_EQ(test, result.freed, 0);
		KUNIT_EXPECT_EQ(test, result.unfreed, 0);
		KUNIT_EXPECT_EQ(test, result.aborts, 0);
		KUNIT_EXPECT_EQ(test, f->heap->sweep.stats[gen].runs, 1);
	}
}

static void test_self_loop(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot);

	knot_edge(a, 0, a);
	knot_put(a);
	EXPECT_OBJECTS(test, f->knot, 1);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 1);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* Two slots that refer to the same object, and to their own. */
static void test_parallel_edges(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);
	struct knot *c = knot_make(test, f->knot);

	knot_edge(a, 0, b);
	knot_edge(a, 1, b);
	knot_edge(b, 0, a);
	knot_edge(b, 1, a);
	knot_edge(c, 0, c);
	knot_edge(c, 1, c);
	knot_put(b);
	knot_put(c);
	KUNIT_EXPECT_EQ(test, knot_count(a), 3);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 1);
	EXPECT_OBJECTS(test, f->knot, 2);
	knot_put(a);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 2);
	EXPECT_OBJECTS(test, f->knot, 0);
}

static void test_two_cycle_held(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);

	knot_edge(a, 0, b);
	knot_edge(b, 0, a);
	knot_put(b);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	EXPECT_OBJECTS(test, f->knot, 2);
	KUNIT_EXPECT_EQ(test, knot_count(a), 2);
	KUNIT_EXPECT_EQ(test, knot_count(b), 1);
	knot_put(a);
	EXPECT_OBJECTS(test, f->knot, 2);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 2);
	EXPECT_OBJECTS(test, f->knot, 0);
}

static void test_long_ring(struct kunit *test)
{
	enum { N = 100000 };
	struct fixture *f = test->priv;
	struct knot *first = ring_make(test, f->knot, N);

	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	EXPECT_OBJECTS(test, f->knot, N);
	knot_put(first);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N);
	EXPECT_OBJECTS(test, f->knot, 0);
}

static void test_doubly_linked(struct kunit *test)
{
	enum { N = 1000 };
	struct fixture *f = test->priv;
	struct knot **knots = knots_make(test, f->knot, N);
	int i;

	for (i = 0; i + 1 < N; i++) {
		knot_edge(knots[i], 0, knots[i + 1]);
		knot_edge(knots[i + 1], 1, knots[i]);
	}
	/* one reference anywhere holds all */
	knots_put(knots, N / 2);
	knots_put(knots + N / 2 + 1, N - N / 2 - 1);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	knot_put(knots[N / 2]);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* Two rings that share an object. */
static void test_figure_eight(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot **k = knots_make(test, f->knot, 5);

	knot_edge(k[0], 0, k[1]);
	knot_edge(k[1], 0, k[2]);
	knot_edge(k[2], 0, k[0]);
	knot_edge(k[0], 1, k[3]);
	knot_edge(k[3], 0, k[4]);
	knot_edge(k[4], 0, k[0]);
	knots_put(k, 4);
	/* held by the far end of one */
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	knot_put(k[4]);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 5);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* What hangs on a cycle dies with it, and is counted: slots, leaves. */
static void test_cycle_with_tail(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *told = fixture_knots(test, f->heap, "told", &f->releases, 0);
	struct knot **k = knots_make(test, told, 6);
	struct refslab_object *leaf = obj_make(test, f->leaf);
	struct refslab_object *held = obj_make(test, f->leaf);
	int i;

	knot_edge(k[0], 0, k[1]);
	knot_edge(k[1], 0, k[0]);
	for (i = 1; i < 5; i++)
		knot_edge(k[i], 1, k[i + 1]);
	refslab_slot_set(&k[5]->slot[0], leaf);
	refslab_slot_set(&k[0]->slot[1], held);
	refslab_put(leaf);
	knots_put(k, 6);
	EXPECT_OBJECTS(test, told, 6);
	KUNIT_EXPECT_EQ(test, refslab_count(held), 2);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 7);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 6);
	EXPECT_OBJECTS(test, told, 0);
	EXPECT_OBJECTS(test, f->leaf, 1);
	KUNIT_EXPECT_EQ(test, refslab_count(held), 1);
	refslab_put(held);
}

struct tree_knot {
	struct refslab_linked	link;
	struct refslab_slot	parent, child[2];
};

static void tree_edge(struct refslab_slot *slot, struct tree_knot *to)
{
	refslab_slot_set(slot, &to->link.object);
}

static void test_tree_with_parents(struct kunit *test)
{
	enum { N = 1023 };
	const struct refslab_type_args args = {
		.name = "tree", .size = sizeof(struct tree_knot), .slots = 3,
	};
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	struct tree_knot **t = kunit_kcalloc(test, N, sizeof(*t), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (i = 0; i < N; i++) {
		t[i] = container_of(obj_make(test, type), struct tree_knot, link.object);
		if (!i)
			continue;
		tree_edge(&t[i]->parent, t[(i - 1) / 2]);
		tree_edge(&t[(i - 1) / 2]->child[(i - 1) % 2], t[i]);
	}
	for (i = 0; i < N - 1; i++)
		refslab_put(&t[i]->link.object);
	/* the last leaf of the tree holds its root, and that the rest */
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	EXPECT_OBJECTS(test, type, N);
	refslab_put(&t[N - 1]->link.object);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N);
	EXPECT_OBJECTS(test, type, 0);
}

/* A ring hangs from a live chain until that lets it go. */
static void test_ring_on_live_chain(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot **chain = knots_make(test, f->knot, 10);
	struct knot *ring = ring_make(test, f->knot, 10);
	int i;

	for (i = 0; i < 9; i++)
		knot_edge(chain[i], 0, chain[i + 1]);
	knots_put(chain + 1, 9);
	knot_edge(chain[9], 1, ring);
	knot_put(ring);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, fixture_collect(test, i), 0);
	EXPECT_OBJECTS(test, f->knot, 20);
	knot_edge(chain[9], 1, NULL);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 10);
	EXPECT_OBJECTS(test, f->knot, 10);
	knot_put(chain[0]);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* Garbage that refers to what lives takes its own counts along, no more. */
static void test_ring_points_at_live(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *ring = ring_make(test, f->knot, 10);
	struct knot *live = knot_make(test, f->knot), *at = ring;
	struct knot *behind = knot_make(test, f->knot);
	int i;

	knot_edge(live, 0, behind);
	knot_put(behind);
	refslab_get(&live->link.object);
	for (i = 0; i < 3; i++) {
		knot_edge(at, 1, live);
		at = knot_of(at->slot[0].target);
	}
	KUNIT_EXPECT_EQ(test, knot_count(live), 5);
	knot_put(ring);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 10);
	KUNIT_EXPECT_EQ(test, knot_count(live), 2);
	KUNIT_EXPECT_EQ(test, knot_count(behind), 1);
	EXPECT_OBJECTS(test, f->knot, 2);
	knot_put(live);
	knot_put(live);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* Each two-cycle refers to the next: all at once, and all but a held end. */
static void test_chained_cycles(struct kunit *test)
{
	enum { N = 4000 };
	struct fixture *f = test->priv;
	struct knot **k = knots_make(test, f->knot, 2 * N);
	struct knot *middle = k[N];
	int i;

	for (i = 0; i < N; i++) {
		knot_edge(k[2 * i], 0, k[2 * i + 1]);
		knot_edge(k[2 * i + 1], 0, k[2 * i]);
		if (i + 1 < N)
			knot_edge(k[2 * i + 1], 1, k[2 * i + 2]);
	}
	refslab_get(&middle->link.object);
	knots_put(k, 2 * N);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), N);
	EXPECT_OBJECTS(test, f->knot, N);
	knot_put(middle);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* Which of a cycle's members died last in the mutator's eyes does not matter. */
static void test_every_last_put(struct kunit *test)
{
	struct fixture *f = test->priv;
	int last, i, n = 7;

	for (last = 0; last < n; last++) {
		struct knot **k = knots_make(test, f->knot, n);

		for (i = 0; i < n; i++)
			knot_edge(k[i], i & 1, k[(i + 1) % n]);
		for (i = 0; i < n; i++)
			if (i != last)
				knot_put(k[i]);
		KUNIT_EXPECT_EQ(test, fixture_collect(test, last % 3), 0);
		knot_put(k[last]);
		KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), n);
	}
	EXPECT_OBJECTS(test, f->knot, 0);
}

static void test_saturated_in_cycle(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot **k = knots_make(test, f->knot, 4);

	/* k0 <-> k1 -> k2 <-> k3, and k1 is pinned */
	knot_edge(k[0], 0, k[1]);
	knot_edge(k[1], 0, k[0]);
	knot_edge(k[1], 1, k[2]);
	knot_edge(k[2], 0, k[3]);
	knot_edge(k[3], 0, k[2]);
	atomic64_set(&k[1]->link.object.word, PINNED_WORD);
	knots_put(k, 4);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	EXPECT_OBJECTS(test, f->knot, 4);
	/* what it lets go is garbage like any other */
	knot_edge(k[1], 1, NULL);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 2);
	EXPECT_OBJECTS(test, f->knot, 2);
	f->left = 2;
}

/* Releases of a swept cycle: each once, slots empty, whatever they put. */
static void test_released_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *now = fixture_knots(test, f->heap, "now", &f->releases, 0);
	struct refslab_type *work = fixture_knots(test, f->heap, "work", &f->releases,
						  REFSLAB_TYPE_RELEASE_WORK);
	struct knot *a = knot_make(test, now), *b = knot_make(test, work);
	struct knot *c = knot_make(test, now), *d = knot_make(test, work);

	knot_edge(a, 0, b);
	knot_edge(b, 0, a);
	knot_edge(a, 1, c);
	knot_edge(b, 1, d);
	knot_put(a);
	knot_put(b);
	knot_put(c);
	knot_put(d);
	/* all are of the sweep: by it, in the caller */
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 4);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 4);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.here), 4);
	EXPECT_OBJECTS(test, now, 0);
	EXPECT_OBJECTS(test, work, 0);
}

/* What only the workqueue may release and no sweep looks at is left to it. */
static void test_leaf_left_to_work(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type_args args = {
		.name = "leafwork", .size = sizeof(struct knot), .ctor = knot_ctor,
		.release = knot_release, .priv = &f->releases,
		.flags = REFSLAB_TYPE_RELEASE_WORK,
	};
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	struct refslab_object *leaf = obj_make(test, type);
	struct knot *a = knot_make(test, f->knot);

	memset(knot_of(leaf)->slot, 0, sizeof(knot_of(leaf)->slot));
	knot_edge(a, 0, a);
	refslab_slot_set(&a->slot[1], leaf);
	refslab_put(leaf);
	knot_put(a);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 1);
	releaser_flush(&f->heap->releaser);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.here), 0);
	EXPECT_OBJECTS(test, type, 0);
}

/* --- generations --- */

static void test_survivors_age(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);
	struct knot *apart = knot_make(test, f->knot);
	int i;

	knot_edge(a, 0, b);
	knot_edge(b, 0, a);
	knot_put(b);
	KUNIT_EXPECT_EQ(test, note_gen(a), 0);
	fixture_collect(test, 0);
	KUNIT_EXPECT_EQ(test, note_gen(a), 1);
	KUNIT_EXPECT_EQ(test, note_gen(b), 1);
	/* a generation 0 sweep does not look at them any more */
	fixture_collect(test, 0);
	KUNIT_EXPECT_EQ(test, note_gen(a), 1);
	fixture_collect(test, 1);
	KUNIT_EXPECT_EQ(test, note_gen(a), 2);
	KUNIT_EXPECT_EQ(test, note_gen(b), 2);
	for (i = 0; i < 3; i++)
		fixture_collect(test, 2);
	KUNIT_EXPECT_EQ(test, note_gen(a), 2);
	/* no candidate reaches it, so nobody looked */
	KUNIT_EXPECT_EQ(test, note_gen(apart), 0);
	knot_put(apart);
	knot_put(a);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 1), 0);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 2);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* The next life of an object's memory starts in generation 0. */
static void test_age_ends_with_life(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;
	struct knot *a;

	fixture_stay(test);
	a = knot_make(test, f->knot);
	for (i = 0; i < 3; i++) {
		refslab_get(&a->link.object);
		knot_put(a);
		fixture_collect(test, 2);
	}
	KUNIT_EXPECT_EQ(test, note_gen(a), 2);
	knot_put(a);
	KUNIT_EXPECT_PTR_EQ(test, knot_make(test, f->knot), a);
	KUNIT_EXPECT_EQ(test, note_gen(a), 0);
	/* its hint in the bitmap of the old is none of this life */
	knot_edge(a, 0, a);
	knot_put(a);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 1);
}

/* A young sweep leaves what is old alone, dead or not. */
static void test_older_cycle_left_alone(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *old = ring_make(test, f->knot, 5), *young;
	struct refslab_sweep_result result;

	fixture_collect(test, 0);
	KUNIT_EXPECT_EQ(test, note_gen(old), 1);
	knot_put(old);
	young = ring_make(test, f->knot, 3);
	knot_put(young);
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 0, &result), 0);
	KUNIT_EXPECT_EQ(test, result.examined, 3);
	KUNIT_EXPECT_EQ(test, result.freed, 3);
	EXPECT_OBJECTS(test, f->knot, 5);
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 1, &result), 0);
	KUNIT_EXPECT_EQ(test, result.examined, 5);
	KUNIT_EXPECT_EQ(test, result.freed, 5);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* Half of a cycle is old: only a sweep that sees all of it can tell. */
static void test_cycle_across_generations(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *old = knot_make(test, f->knot), *young;

	refslab_get(&old->link.object);
	knot_put(old);
	fixture_collect(test, 0);
	fixture_collect(test, 1);
	KUNIT_EXPECT_EQ(test, note_gen(old), 2);
	young = knot_make(test, f->knot);
	knot_edge(old, 0, young);
	knot_edge(young, 0, old);
	knot_put(old);
	knot_put(young);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 1), 0);
	EXPECT_OBJECTS(test, f->knot, 2);
	/* though it has aged meanwhile, and is listed for nobody but a full one */
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 2);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* As above, with candidates on the young side alone, which outlive their sweeps. */
static void test_young_candidate_of_old_cycle(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *old = knot_make(test, f->knot), *young;

	refslab_get(&old->link.object);
	knot_put(old);
	fixture_collect(test, 0);
	fixture_collect(test, 1);
	fixture_collect(test, 2);
	KUNIT_EXPECT_EQ(test, note_gen(old), 2);
	KUNIT_EXPECT_TRUE(test, atomic64_read(&old->link.object.word) & REFSLAB_UNLISTED);
	young = knot_make(test, f->knot);
	/* old's one reference moves to young's slot: no put of old at all */
	WRITE_ONCE(young->slot[0].target, &old->link.object);
	knot_edge(old, 0, young);
	knot_put(young);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 1), 0);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 2);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* What generation 0 costs is what its candidates reach among the young. */
static void test_young_sweep_is_small(struct kunit *test)
{
	enum { N = 5000 };
	struct fixture *f = test->priv;
	struct knot *live = ring_make(test, f->knot, N), *young;
	struct refslab_sweep_result result;

	fixture_collect(test, 0);
	fixture_collect(test, 1);
	young = knot_make(test, f->knot);
	knot_edge(young, 0, live);
	refslab_get(&young->link.object);
	knot_put(young);
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 0, &result), 0);
	KUNIT_EXPECT_EQ(test, result.examined, 1);
	knot_put(young);
	knot_put(live);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), N);
}

/* The validator must be able to fail, or its other uses mean nothing. */
static void test_validator_notices(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot);

	refslab_get(&a->link.object);
	knot_put(a);
	mutex_lock(&f->heap->sweep.mutex);
	KUNIT_EXPECT_EQ(test, candidate_validate(f->heap), 0);
	/* a candidate that nobody would find */
	clear_bit(slab_index(slab_of(a), a), slab_hints(slab_of(a), 0));
	expect_in_log("refslab: heap kunit: 1 objects are not as a sweep leaves them");
	KUNIT_EXPECT_EQ(test, candidate_validate(f->heap), -EUCLEAN);
	unexpect_in_log();
	set_bit(slab_index(slab_of(a), a), slab_hints(slab_of(a), 0));
	KUNIT_EXPECT_EQ(test, candidate_validate(f->heap), 0);
	mutex_unlock(&f->heap->sweep.mutex);
	knot_put(a);
}

static struct kunit_case sweep_cases[] = {
	KUNIT_CASE(test_nothing),
	KUNIT_CASE(test_self_loop),
	KUNIT_CASE(test_parallel_edges),
	KUNIT_CASE(test_two_cycle_held),
	KUNIT_CASE(test_long_ring),
	KUNIT_CASE(test_doubly_linked),
	KUNIT_CASE(test_figure_eight),
	KUNIT_CASE(test_cycle_with_tail),
	KUNIT_CASE(test_tree_with_parents),
	KUNIT_CASE(test_ring_on_live_chain),
	KUNIT_CASE(test_ring_points_at_live),
	KUNIT_CASE(test_chained_cycles),
	KUNIT_CASE(test_every_last_put),
	KUNIT_CASE(test_saturated_in_cycle),
	KUNIT_CASE(test_released_once),
	KUNIT_CASE(test_leaf_left_to_work),
	KUNIT_CASE(test_survivors_age),
	KUNIT_CASE(test_age_ends_with_life),
	KUNIT_CASE(test_older_cycle_left_alone),
	KUNIT_CASE(test_cycle_across_generations),
	KUNIT_CASE(test_young_candidate_of_old_cycle),
	KUNIT_CASE(test_young_sweep_is_small),
	KUNIT_CASE(test_validator_notices),
	{}
};

static struct kunit_suite sweep_suite = {
	.name = "refslab_sweep",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = sweep_cases,
};

kunit_test_suites(&sweep_suite);
