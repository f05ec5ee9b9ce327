// SPDX-License-Identifier: GPL-2.0
/* Many objects at a time: refslab_alloc_bulk(), refslab_put_bulk(). */
#include "fixture.h"
#include "type.h"

static void test_many(struct kunit *test)
{
	enum { N = 1000 };
	struct fixture *f = test->priv;
	struct refslab_object **objs;
	unsigned int i, wrong = 0;

	objs = kunit_kcalloc(test, N, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	KUNIT_EXPECT_EQ(test, refslab_alloc_bulk(f->knot, GFP_KERNEL, 0, objs), 0);
	KUNIT_EXPECT_NULL(test, objs[0]);
	KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(f->knot, GFP_KERNEL, N, objs), N);
	for (i = 0; i < N; i++) {
		struct knot *knot = knot_of(objs[i]);

		wrong += knot_count(knot) != 1 || knot->canary != KNOT_CANARY ||
			 knot->slot[0].target || knot->slot[1].target || knot->id;
		knot->id = i;
	}
	/* each is there once */
	for (i = 0; i < N; i++)
		wrong += knot_of(objs[i])->id != i;
	KUNIT_EXPECT_EQ(test, wrong, 0);
	EXPECT_OBJECTS(test, f->knot, N);
	refslab_put_bulk(N, objs);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* Nothing but slots to be done to it when it dies: what dies alone dies quietly. */
static struct refslab_type *quiet_type(struct kunit *test, unsigned int flags)
{
	const struct refslab_type_args args = {
		.name = "quiet", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .flags = flags,
	};
	struct fixture *f = test->priv;

	return fixture_type(test, f->heap, &args);
}

static void test_more_than_a_magazine(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int n = 5 * type->path.magazine_size + 1, i, wrong = 0;
	struct refslab_object **objs = kunit_kcalloc(test, n, sizeof(*objs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, objs);
	KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(type, GFP_KERNEL | __GFP_ZERO, n, objs), n);
	for (i = 0; i < n; i++)
		wrong += refslab_count(objs[i]) != 1 ||
			 memchr_inv(objs[i] + 1, 0, 64 - sizeof(struct refslab_object));
	KUNIT_EXPECT_EQ(test, wrong, 0);
	EXPECT_OBJECTS(test, type, n);
	refslab_put_bulk(n, objs);
	EXPECT_OBJECTS(test, type, 0);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	/* what a payload held before does not come back */
	KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(type, GFP_KERNEL, n, objs), n);
	for (i = 0; i < n; i++)
		memset(objs[i] + 1, 0xaa, 64 - sizeof(struct refslab_object));
	refslab_put_bulk(n, objs);
	KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(type, GFP_KERNEL | __GFP_ZERO, n, objs), n);
	for (i = 0; i < n; i++)
		wrong += !!memchr_inv(objs[i] + 1, 0, 64 - sizeof(struct refslab_object));
	KUNIT_EXPECT_EQ(test, wrong, 0);
	refslab_put_bulk(n, objs);
}

/* One after the other of three types, one with a ctor, of two heaps. */
static void test_mixed(struct kunit *test)
{
	enum { N = 300 };
	const struct refslab_heap_args heap_args = { .name = "kunit-other" };
	const struct refslab_type_args leaf_args = { .name = "leaf", .size = 200 };
	struct fixture *f = test->priv;
	struct refslab_heap *heap = fixture_heap(test, &heap_args);
	struct refslab_type *types[3] = { f->leaf, f->knot, fixture_type(test, heap, &leaf_args) };
	struct refslab_object **objs = kunit_kcalloc(test, N, sizeof(*objs), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, objs);
	for (i = 0; i < N; i++)
		objs[i] = obj_make(test, types[i % 3]);
	refslab_put_bulk(N, objs);
	for (i = 0; i < 3; i++) {
		EXPECT_OBJECTS(test, types[i], 0);
		KUNIT_EXPECT_EQ(test, type_validate(types[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 0);
}

/* Held by others, and the same object more than once. */
static void test_shared(struct kunit *test)
{
	struct refslab_type *type = quiet_type(test, 0);
	struct refslab_object *objs[9];
	unsigned int i;

	KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(type, GFP_KERNEL, 3, objs), 3);
	for (i = 3; i < 9; i++) {
		refslab_get(objs[i % 3]);
		objs[i] = objs[i % 3];
	}
	refslab_get(objs[1]);
	refslab_put_bulk(9, objs);
	EXPECT_OBJECTS(test, type, 1);
	KUNIT_EXPECT_EQ(test, refslab_count(objs[1]), 1U);
	/* and is a candidate, as after any put that was not the last */
	KUNIT_EXPECT_FALSE(test, atomic64_read(&objs[1]->word) & REFSLAB_UNLISTED);
	refslab_put_bulk(1, objs + 1);
	EXPECT_OBJECTS(test, type, 0);
}

/* What slots refer to goes with its owner, by one put or by many. */
static void test_quiet_with_edges(struct kunit *test)
{
	enum { N = 50 };
	struct refslab_type *type = quiet_type(test, 0);
	struct fixture *f = test->priv;
	struct refslab_object **objs = kunit_kcalloc(test, N, sizeof(*objs), GFP_KERNEL);
	struct knot *target;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, objs);
	KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(type, GFP_KERNEL, N, objs), N);
	target = knot_make(test, f->knot);
	for (i = 0; i < N; i++)
		if (i % 3)
			knot_edge(knot_of(objs[i]), i % 2, target);
	knot_put(target);
	EXPECT_OBJECTS(test, f->knot, 1);
	refslab_put(objs[0]);
	refslab_put(objs[1]);
	EXPECT_OBJECTS(test, type, N - 2);
	EXPECT_OBJECTS(test, f->knot, 1);
	refslab_put_bulk(N - 2, objs + 2);
	EXPECT_OBJECTS(test, type, 0);
	EXPECT_OBJECTS(test, f->knot, 0);
}

static unsigned int deaths;

static void count_death(struct refslab_weak *weak)
{
	deaths++;
}

/* Who refers weakly is told, by one put or by many. */
static void test_quiet_with_weak(struct kunit *test)
{
	struct refslab_type *type = quiet_type(test, REFSLAB_TYPE_WEAK);
	struct refslab_object *objs[4];
	struct refslab_weak weak[2];

	deaths = 0;
	KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(type, GFP_KERNEL, 4, objs), 4);
	refslab_weak_init(&weak[0], count_death);
	refslab_weak_init(&weak[1], count_death);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak[0], objs[1]), 0);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak[1], objs[3]), 0);
	refslab_put(objs[0]);
	KUNIT_EXPECT_EQ(test, deaths, 0);
	refslab_put(objs[1]);
	KUNIT_EXPECT_EQ(test, deaths, 1);
	refslab_put_bulk(2, objs + 2);
	KUNIT_EXPECT_EQ(test, deaths, 2);
	KUNIT_EXPECT_NULL(test, refslab_weak_get(&weak[0]));
	KUNIT_EXPECT_NULL(test, refslab_weak_get(&weak[1]));
	EXPECT_OBJECTS(test, type, 0);
	refslab_weak_clear(&weak[0]);
	refslab_weak_clear(&weak[1]);
}

/* Garbage that a put frees while a sweep has it on its lists is the sweep's to free. */
static void test_quiet_and_gathered(struct kunit *test)
{
	struct refslab_type *type = quiet_type(test, 0);
	struct refslab_object *obj = obj_make(test, type);
	struct fixture *f = test->priv;

	/* as a sweep leaves it that has it on a list */
	atomic64_or(REFSLAB_GATHERED, &obj->word);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&obj->word),
			(u64)(REFSLAB_GATHERED | REFSLAB_RELEASED));
	EXPECT_OBJECTS(test, type, 1);
	/* and as it lets go */
	atomic64_set(&obj->word, 0);
	object_free(type, obj);
	EXPECT_OBJECTS(test, type, 0);
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);
}

/* Somebody below us on this CPU has the magazine: the slabs serve. */
static void test_busy(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	struct refslab_object *objs[8];
	struct refslab_magazine *m;
	u32 count;

	refslab_put(obj_make(test, type));
	preempt_disable();
	m = this_cpu_ptr(type->path.magazines);
	KUNIT_EXPECT_FALSE(test, __refslab_magazine_mark(m));
	count = m->count;
	KUNIT_EXPECT_EQ(test, refslab_alloc_bulk(type, GFP_ATOMIC, 8, objs), 8);
	KUNIT_EXPECT_EQ(test, m->count, count);
	refslab_put_bulk(8, objs);
	KUNIT_EXPECT_EQ(test, m->count, count);
	__refslab_magazine_done(m, count);
	preempt_enable();
	EXPECT_OBJECTS(test, type, 0);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
}

/* One in the middle was put after its death: it is reported, and not handed out. */
static void test_bad_word(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	struct refslab_object *objs[8], *bad;
	unsigned int i, wrong = 0;

	migrate_disable();
	KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(type, GFP_KERNEL, 8, objs), 8);
	bad = objs[4];
	refslab_put_bulk(8, objs);
	atomic64_set(&bad->word, REFSLAB_VERSION_ONE);
	expect_in_log("refslab: a free object's word is 0x.*: used after its release, leaked: heap kunit, type leaf, object");
	KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(type, GFP_KERNEL, 8, objs), 8);
	unexpect_in_log();
	migrate_enable();
	for (i = 0; i < 8; i++)
		wrong += objs[i] == bad || refslab_count(objs[i]) != 1;
	KUNIT_EXPECT_EQ(test, wrong, 0);
	refslab_put_bulk(8, objs);
	f->left = 1;
}

static struct kunit_case bulk_cases[] = {
	KUNIT_CASE(test_many),
	KUNIT_CASE(test_more_than_a_magazine),
	KUNIT_CASE(test_mixed),
	KUNIT_CASE(test_shared),
	KUNIT_CASE(test_quiet_with_edges),
	KUNIT_CASE(test_quiet_with_weak),
	KUNIT_CASE(test_quiet_and_gathered),
	KUNIT_CASE(test_busy),
	KUNIT_CASE(test_bad_word),
	{}
};

static struct kunit_suite bulk_suite = {
	.name = "refslab_bulk",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = bulk_cases,
};

kunit_test_suites(&bulk_suite);
