// SPDX-License-Identifier: GPL-2.0
/* Tests of introspection: each object once, in bounded calls, and who refers to it. */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fixture.h"

#define ROOM	64

/* A whole walk that gives back what it finds at once; how many, of type @type. */
static unsigned int walk_objects(struct kunit *test, const struct refslab_type *type,
				 unsigned int generation, unsigned int room)
{
	struct fixture *f = test->priv;
	struct refslab_object *objs[ROOM];
	unsigned int n, i, found = 0;
	u64 cursor = 0;

	do {
		n = refslab_inspect_objects(f->heap, type, generation, &cursor,
					    objs, room);
		KUNIT_ASSERT_LE(test, n, room);
		for (i = 0; i < n; i++) {
			KUNIT_EXPECT_TRUE(test, !type || refslab_type_of(objs[i]) == type);
			if (refslab_type_of(objs[i]) == f->knot)
				knot_of(objs[i])->id++;
			refslab_put(objs[i]);
		}
		found += n;
	} while (cursor);
	return found;
}

static unsigned int walk_referrers(struct kunit *test, struct refslab_object *obj,
				   unsigned int room)
{
	struct refslab_object *objs[ROOM];
	unsigned int n, i, found = 0;
	u64 cursor = 0;

	do {
		n = refslab_inspect_referrers(obj, &cursor, objs, room);
		KUNIT_ASSERT_LE(test, n, room);
		for (i = 0; i < n; i++)
			refslab_put(objs[i]);
		found += n;
	} while (cursor);
	return found;
}

static void test_each_once(struct kunit *test)
{
	static const unsigned int rooms[] = { 1, 3, ROOM };
	const unsigned int n = 700;
	struct fixture *f = test->priv;
	unsigned int i, wrong = 0;
	struct knot **knots;

	knots = kunit_kcalloc(test, n, sizeof(*knots), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, knots);
	for (i = 0; i < n; i++)
		knots[i] = knot_make(test, f->knot);
	for (i = 0; i < ARRAY_SIZE(rooms); i++)
		KUNIT_EXPECT_EQ(test, walk_objects(test, NULL, REFSLAB_ANY_GENERATION,
						   rooms[i]), n);
	for (i = 0; i < n; i++) {
		wrong += knots[i]->id != ARRAY_SIZE(rooms);
		wrong += knot_count(knots[i]) != 1;
		knot_put(knots[i]);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, walk_objects(test, NULL, REFSLAB_ANY_GENERATION, ROOM), 0);
}

static void test_by_type_and_generation(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *leaf = obj_make(test, f->leaf);
	struct knot *old = knot_make(test, f->knot), *young;
	const unsigned int any = REFSLAB_ANY_GENERATION;

	/* a candidate, so that a sweep looks at it */
	refslab_get(&old->link.object);
	knot_put(old);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	KUNIT_EXPECT_EQ(test, object_generation(&old->link.object), 1);
	young = knot_make(test, f->knot);
	KUNIT_EXPECT_EQ(test, walk_objects(test, NULL, any, ROOM), 3);
	KUNIT_EXPECT_EQ(test, walk_objects(test, f->knot, any, ROOM), 2);
	KUNIT_EXPECT_EQ(test, walk_objects(test, f->leaf, any, ROOM), 1);
	KUNIT_EXPECT_EQ(test, walk_objects(test, NULL, 0, ROOM), 2);
	KUNIT_EXPECT_EQ(test, walk_objects(test, f->leaf, 0, ROOM), 1);
	KUNIT_EXPECT_EQ(test, walk_objects(test, f->leaf, 1, ROOM), 0);
	KUNIT_EXPECT_EQ(test, walk_objects(test, f->knot, 1, ROOM), 1);
	KUNIT_EXPECT_EQ(test, walk_objects(test, NULL, GENERATION_FROZEN, ROOM), 0);
	KUNIT_EXPECT_EQ(test, refslab_freeze(f->heap), 2L);
	KUNIT_EXPECT_EQ(test, walk_objects(test, NULL, GENERATION_FROZEN, ROOM), 2);
	knot_put(young);
	knot_put(old);
	refslab_put(leaf);
}

/* What is found has a reference: it does not die with its last other one. */
static void test_found_is_kept(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *found = NULL;
	struct knot *knot = knot_make(test, f->knot);
	u64 cursor = 0;

	knot_edge(knot, 0, knot);
	knot_put(knot);
	KUNIT_ASSERT_EQ(test, refslab_inspect_objects(f->heap, NULL,
						      REFSLAB_ANY_GENERATION,
						      &cursor, &found, 1), 1);
	KUNIT_EXPECT_PTR_EQ(test, found, &knot->link.object);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	refslab_put(found);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 1);
}

static void test_referrers(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);
	struct knot *c = knot_make(test, f->knot);
	struct refslab_object *leaf = obj_make(test, f->leaf), *found = NULL;
	u64 cursor = 0;

	KUNIT_EXPECT_EQ(test, walk_referrers(test, &c->link.object, ROOM), 0);
	knot_edge(a, 0, c);
	knot_edge(a, 1, c);
	knot_edge(b, 1, c);
	knot_edge(c, 0, c);
	KUNIT_EXPECT_EQ(test, walk_referrers(test, &c->link.object, ROOM), 3);
	KUNIT_EXPECT_EQ(test, walk_referrers(test, &c->link.object, 1), 3);
	KUNIT_EXPECT_EQ(test, knot_count(c), 5);
	knot_edge(a, 0, NULL);
	knot_edge(a, 1, NULL);
	knot_edge(c, 0, NULL);
	KUNIT_ASSERT_EQ(test, refslab_inspect_referrers(&c->link.object, &cursor,
							&found, 1), 1);
	KUNIT_EXPECT_PTR_EQ(test, found, &b->link.object);
	refslab_put(found);

	refslab_slot_set(&a->slot[0], leaf);
	KUNIT_EXPECT_EQ(test, walk_referrers(test, leaf, ROOM), 1);
	refslab_put(leaf);
	knot_put(a);
	knot_put(b);
	knot_put(c);
}

static struct refslab_slot *second_only(struct refslab_object *obj,
					unsigned long *cursor)
{
	return (*cursor)++ ? NULL : &knot_of(obj)->slot[1];
}

/* Of types that know themselves where their slots are. */
static void test_referrers_by_traverse(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "traverse", .size = sizeof(struct knot),
		.traverse = second_only, .ctor = knot_ctor,
	};
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	struct knot *a = knot_make(test, type), *b = knot_make(test, type);

	knot_edge(a, 1, b);
	KUNIT_EXPECT_EQ(test, walk_referrers(test, &b->link.object, ROOM), 1);
	knot_edge(a, 1, NULL);
	KUNIT_EXPECT_EQ(test, walk_referrers(test, &b->link.object, ROOM), 0);
	knot_put(a);
	knot_put(b);
}

/* A whole walk over what @obj refers to, @room at a time; ids in @ids. */
static unsigned int walk_referents(struct kunit *test, struct refslab_object *obj,
				   unsigned int room, u64 *ids)
{
	struct refslab_object *objs[ROOM];
	unsigned int n, i, found = 0;
	u64 cursor = 0;

	do {
		n = refslab_inspect_referents(obj, &cursor, objs, room);
		KUNIT_ASSERT_LE(test, n, room);
		for (i = 0; i < n; i++) {
			ids[found++] = knot_of(objs[i])->id;
			refslab_put(objs[i]);
		}
	} while (cursor);
	return found;
}

static void test_referents(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);
	struct refslab_object *leaf = obj_make(test, f->leaf), *found;
	unsigned int room;
	u64 ids[2], cursor;

	a->id = 1;
	b->id = 2;
	KUNIT_EXPECT_EQ(test, walk_referents(test, &a->link.object, ROOM, ids), 0);
	knot_edge(a, 1, b);
	KUNIT_EXPECT_EQ(test, walk_referents(test, &a->link.object, 1, ids), 1);
	KUNIT_EXPECT_EQ(test, ids[0], 2);
	knot_edge(a, 0, a);
	for (room = 1; room <= 3; room++) {
		KUNIT_EXPECT_EQ(test, walk_referents(test, &a->link.object, room, ids), 2);
		KUNIT_EXPECT_EQ(test, ids[0], 1);
		KUNIT_EXPECT_EQ(test, ids[1], 2);
	}
	KUNIT_EXPECT_EQ(test, knot_count(a), 2);
	KUNIT_EXPECT_EQ(test, knot_count(b), 2);
	/* there is nothing there, and no such slot */
	cursor = 0;
	KUNIT_EXPECT_EQ(test, refslab_inspect_referents(leaf, &cursor, &found, 1), 0);
	cursor = U64_MAX;
	KUNIT_EXPECT_EQ(test, refslab_inspect_referents(&a->link.object, &cursor,
							&found, 1), 0);
	KUNIT_EXPECT_EQ(test, cursor, 0);
	knot_edge(a, 0, NULL);
	knot_put(a);
	knot_put(b);
	refslab_put(leaf);
}

static struct refslab_slot *both(struct refslab_object *obj, unsigned long *cursor)
{
	return *cursor < 2 ? &knot_of(obj)->slot[(*cursor)++] : NULL;
}

static void test_referents_by_traverse(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "traverse", .size = sizeof(struct knot),
		.traverse = both, .ctor = knot_ctor,
	};
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	struct knot *a = knot_make(test, type), *b = knot_make(test, type);
	unsigned int room;
	u64 ids[2];

	b->id = 2;
	knot_edge(a, 0, b);
	knot_edge(a, 1, b);
	for (room = 1; room <= 3; room++)
		KUNIT_EXPECT_EQ(test, walk_referents(test, &a->link.object, room, ids), 2);
	KUNIT_EXPECT_EQ(test, knot_count(b), 3);
	knot_put(a);
	knot_put(b);
}

static void test_tracked(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *leaf = obj_make(test, f->leaf);
	struct knot *knot = knot_make(test, f->knot);

	KUNIT_EXPECT_TRUE(test, refslab_is_tracked(&knot->link.object));
	KUNIT_EXPECT_FALSE(test, refslab_is_tracked(leaf));
	KUNIT_EXPECT_EQ(test, refslab_freeze(f->heap), 1L);
	KUNIT_EXPECT_FALSE(test, refslab_is_tracked(&knot->link.object));
	KUNIT_EXPECT_EQ(test, refslab_unfreeze(f->heap), 1L);
	KUNIT_EXPECT_TRUE(test, refslab_is_tracked(&knot->link.object));
	KUNIT_EXPECT_FALSE(test, refslab_is_finalized(&knot->link.object));
	KUNIT_EXPECT_FALSE(test, refslab_is_finalized(leaf));
	knot_put(knot);
	refslab_put(leaf);
}

/* A call looks at so many slabs and no more, found or not. */
static void test_bounded(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "large", .size = 8000, .slots = 1,
	};
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	struct refslab_object *objs[ROOM], *leaf;
	unsigned int n, calls = 0, found = 0, i, large = 300;
	struct refslab_object **all;
	u64 cursor = 0, last = 0;

	all = kunit_kcalloc(test, large, sizeof(*all), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, all);
	for (i = 0; i < large; i++)
		all[i] = obj_make(test, type);
	leaf = obj_make(test, f->leaf);
	do {
		n = refslab_inspect_objects(f->heap, f->leaf, REFSLAB_ANY_GENERATION,
					    &cursor, objs, ROOM);
		for (i = 0; i < n; i++)
			refslab_put(objs[i]);
		found += n;
		calls++;
		KUNIT_EXPECT_TRUE(test, !cursor || cursor > last);
		last = cursor;
	} while (cursor && calls < 1000);
	KUNIT_EXPECT_EQ(test, found, 1);
	/* at most four of them in a slab, 64 slabs in a call */
	KUNIT_EXPECT_GE(test, calls, 2);
	KUNIT_EXPECT_LE(test, calls, 16);
	for (i = 0; i < large; i++)
		refslab_put(all[i]);
	refslab_put(leaf);
}

/* Cursors come from anywhere. */
static void test_any_cursor(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *knot = knot_make(test, f->knot);
	struct refslab_object *objs[ROOM];
	unsigned int bit, n, calls;
	u64 cursor;

	for (bit = 0; bit < 64; bit++) {
		cursor = BIT_ULL(bit) | (bit % 3 ? 0 : U32_MAX);
		for (calls = 0; calls < 3; calls++) {
			n = refslab_inspect_objects(f->heap, NULL,
						    REFSLAB_ANY_GENERATION,
						    &cursor, objs, ROOM);
			KUNIT_EXPECT_LE(test, n, 1);
			if (n)
				refslab_put(objs[0]);
			if (!cursor)
				break;
		}
		KUNIT_EXPECT_EQ(test, cursor, 0);
	}
	knot_put(knot);
}

struct churn {
	struct fixture *f;
	bool failed;
};

static int churn(void *data)
{
	struct churn *churn = data;
	struct refslab_sweep_result result;
	struct refslab_object *a, *b;
	unsigned int i = 0;

	while (!kthread_should_stop()) {
		a = refslab_alloc(churn->f->knot, GFP_KERNEL);
		b = refslab_alloc(churn->f->knot, GFP_KERNEL);
		if (!a || !b) {
			churn->failed = true;
			usleep_range(100, 200);
			continue;
		}
		refslab_slot_set(&knot_of(a)->slot[0], b);
		if (i++ % 2)
			refslab_slot_set(&knot_of(b)->slot[0], a);
		refslab_put(a);
		refslab_put(b);
		if (i % 256 == 0)
			refslab_collect(churn->f->heap, 2, &result);
		cond_resched();
	}
	return 0;
}

/* What stays is found each time, whatever comes and goes around it. */
static void test_against_churn(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct churn data = { .f = f };
	struct refslab_object *leaf = obj_make(test, f->leaf);
	struct task_struct *thread;
	struct knot *kept[20];
	unsigned int i, wrong = 0;

	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		kept[i] = knot_make(test, f->knot);
		refslab_slot_set(&kept[i]->slot[1], leaf);
	}
	thread = kthread_run(churn, &data, "refslab-inspect");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	for (i = 0; i < 300; i++) {
		wrong += walk_referrers(test, leaf, 8) != ARRAY_SIZE(kept);
		wrong += walk_objects(test, f->knot, REFSLAB_ANY_GENERATION, 8) <
			 ARRAY_SIZE(kept);
		cond_resched();
	}
	kthread_stop(thread);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_FALSE(test, data.failed);
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		knot_put(kept[i]);
	refslab_put(leaf);
	fixture_collect(test, 2);
	EXPECT_OBJECTS(test, f->knot, 0);
}

static struct kunit_case inspect_cases[] = {
	KUNIT_CASE(test_each_once),
	KUNIT_CASE(test_by_type_and_generation),
	KUNIT_CASE(test_found_is_kept),
	KUNIT_CASE(test_referrers),
	KUNIT_CASE(test_referrers_by_traverse),
	KUNIT_CASE(test_referents),
	KUNIT_CASE(test_referents_by_traverse),
	KUNIT_CASE(test_tracked),
	KUNIT_CASE(test_bounded),
	KUNIT_CASE(test_any_cursor),
	KUNIT_CASE(test_against_churn),
	{}
};

static struct kunit_suite inspect_suite = {
	.name = "refslab_inspect",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = inspect_cases,
};

kunit_test_suites(&inspect_suite);
