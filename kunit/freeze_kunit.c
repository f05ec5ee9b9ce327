// SPDX-License-Identifier: GPL-2.0
/*
 * Freezing and quarantine: garbage that sweeps leave, until they may not.
 */
#include <kunit/test.h>

#include "heap.h"

struct knot {
	struct refslab_linked	link;
	struct refslab_slot	next;
};

static struct refslab_heap *heap;
static struct refslab_type *type;

static int freeze_test_init(struct kunit *test)
{
	const struct refslab_heap_args heap_args = { .name = "kunit-freeze" };
	const struct refslab_type_args args = {
		.name = "knot", .size = sizeof(struct knot), .slots = 1,
	};

	heap = refslab_heap_create(&heap_args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, heap);
	refslab_set_enabled(heap, false);
	type = refslab_type_create(heap, &args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	return 0;
}

static void freeze_test_exit(struct kunit *test)
{
	if (IS_ERR_OR_NULL(heap))
		return;
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);
	refslab_heap_destroy(heap);
	heap = NULL;
}

/* A cycle of two with a reference to one of them. */
static struct refslab_object *make_cycle(struct kunit *test)
{
	struct refslab_object *a = refslab_alloc(type, GFP_KERNEL);
	struct refslab_object *b = refslab_alloc(type, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	refslab_slot_set(&container_of(a, struct knot, link.object)->next, b);
	refslab_slot_set(&container_of(b, struct knot, link.object)->next, a);
	refslab_put(b);
	return a;
}

static u64 collect(struct kunit *test, u64 *unfreed)
{
	struct refslab_sweep_result result;

	KUNIT_EXPECT_EQ(test, refslab_collect(heap, 2, &result), 0);
	if (unfreed)
		*unfreed = result.unfreed;
	return result.freed;
}

static void test_frozen_garbage_stays(struct kunit *test)
{
	struct refslab_object *a = make_cycle(test), *b;

	KUNIT_EXPECT_EQ(test, refslab_freeze(heap), 2L);
	KUNIT_EXPECT_EQ(test, refslab_frozen(heap), 2UL);
	KUNIT_EXPECT_EQ(test, object_generation(a), (unsigned int)GENERATION_FROZEN);
	refslab_put(a);
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 0ULL);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 2UL);

	/* what comes later is not frozen */
	b = make_cycle(test);
	refslab_put(b);
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 2ULL);

	KUNIT_EXPECT_EQ(test, refslab_freeze(heap), 0L);
	KUNIT_EXPECT_EQ(test, refslab_unfreeze(heap), 2L);
	KUNIT_EXPECT_EQ(test, refslab_frozen(heap), 0UL);
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 2ULL);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 0UL);
}

static void test_frozen_counts_work(struct kunit *test)
{
	struct refslab_object *obj = refslab_alloc(type, GFP_KERNEL);

	KUNIT_EXPECT_EQ(test, refslab_freeze(heap), 1L);
	refslab_get(obj);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 1UL);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 0UL);
}

static void test_frozen_keeps_the_young(struct kunit *test)
{
	struct refslab_object *old = refslab_alloc(type, GFP_KERNEL);
	struct refslab_object *young;

	KUNIT_EXPECT_EQ(test, refslab_freeze(heap), 1L);
	young = make_cycle(test);
	refslab_slot_set(&container_of(old, struct knot, link.object)->next, young);
	refslab_put(young);
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 0ULL);
	refslab_slot_clear(&container_of(old, struct knot, link.object)->next);
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 2ULL);
	refslab_put(old);
}

static void test_quarantine(struct kunit *test)
{
	u64 unfreed;

	refslab_set_quarantine(heap, true);
	refslab_put(make_cycle(test));
	KUNIT_EXPECT_EQ(test, collect(test, &unfreed), 0ULL);
	KUNIT_EXPECT_EQ(test, unfreed, 2ULL);
	KUNIT_EXPECT_EQ(test, refslab_quarantined(heap), 2UL);
	KUNIT_EXPECT_EQ(test, refslab_frozen(heap), 0UL);
	KUNIT_EXPECT_EQ(test, refslab_unfreeze(heap), 0L);
	KUNIT_EXPECT_EQ(test, collect(test, &unfreed), 0ULL);
	KUNIT_EXPECT_EQ(test, unfreed, 0ULL);
	refslab_set_quarantine(heap, false);
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 0ULL);
	KUNIT_EXPECT_EQ(test, refslab_drain_quarantine(heap), 2L);
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 2ULL);
}

/* Frozen is a life, not the memory: the next one there is young. */
static void test_frozen_ends_with_life(struct kunit *test)
{
	struct refslab_object *obj = refslab_alloc(type, GFP_KERNEL), *next;

	KUNIT_EXPECT_EQ(test, refslab_freeze(heap), 1L);
	preempt_disable();
	refslab_put(obj);
	next = refslab_alloc(type, GFP_ATOMIC);
	preempt_enable();
	KUNIT_ASSERT_PTR_EQ(test, next, obj);
	KUNIT_EXPECT_EQ(test, object_generation(next), 0U);
	KUNIT_EXPECT_EQ(test, refslab_frozen(heap), 0UL);
	refslab_slot_set(&container_of(next, struct knot, link.object)->next, next);
	refslab_put(next);
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 1ULL);
}

/* A cycle half frozen is not collected, whole it is, however it was let go. */
static void test_cycle_half_frozen(struct kunit *test)
{
	struct refslab_object *old = refslab_alloc(type, GFP_KERNEL);
	struct refslab_object *young;

	KUNIT_EXPECT_EQ(test, refslab_freeze(heap), 1L);
	young = refslab_alloc(type, GFP_KERNEL);
	refslab_slot_set(&container_of(old, struct knot, link.object)->next, young);
	refslab_slot_set(&container_of(young, struct knot, link.object)->next, old);
	refslab_put(young);
	refslab_put(old);
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 0ULL);
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 0ULL);
	KUNIT_EXPECT_EQ(test, refslab_unfreeze(heap), 1L);
	/* old is the only candidate, and reaches young */
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 2ULL);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 0UL);
}

static long froze;

static void freeze_from_release(struct refslab_object *obj)
{
	froze = refslab_freeze(heap);
}

static void test_not_from_a_release(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "freezer", .size = 64, .release = freeze_from_release,
	};
	struct refslab_type *freezer = refslab_type_create(heap, &args);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, freezer);
	froze = 0;
	refslab_put(refslab_alloc(freezer, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, froze, (long)-EDEADLK);
}

/* Quarantine keeps what a finalizer has seen, and asks it no second time. */
static unsigned int finalized;

static void count_finalize(struct refslab_object *obj)
{
	finalized++;
}

static void test_quarantine_and_finalizer(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "mortal", .size = sizeof(struct knot), .slots = 1,
		.finalize = count_finalize,
	};
	struct refslab_type *mortal = refslab_type_create(heap, &args);
	struct refslab_object *obj;
	u64 unfreed;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mortal);
	finalized = 0;
	refslab_set_quarantine(heap, true);
	obj = refslab_alloc(mortal, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	refslab_slot_set(&container_of(obj, struct knot, link.object)->next, obj);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, collect(test, &unfreed), 0ULL);
	KUNIT_EXPECT_EQ(test, unfreed, 1ULL);
	KUNIT_EXPECT_EQ(test, refslab_quarantined(heap), 1UL);
	refslab_set_quarantine(heap, false);
	KUNIT_EXPECT_EQ(test, refslab_drain_quarantine(heap), 1L);
	KUNIT_EXPECT_EQ(test, refslab_quarantined(heap), 0UL);
	KUNIT_EXPECT_EQ(test, collect(test, NULL), 1ULL);
	KUNIT_EXPECT_EQ(test, finalized, 1U);
}

static struct kunit_case freeze_cases[] = {
	KUNIT_CASE(test_frozen_garbage_stays),
	KUNIT_CASE(test_frozen_counts_work),
	KUNIT_CASE(test_frozen_keeps_the_young),
	KUNIT_CASE(test_quarantine),
	KUNIT_CASE(test_frozen_ends_with_life),
	KUNIT_CASE(test_cycle_half_frozen),
	KUNIT_CASE(test_not_from_a_release),
	KUNIT_CASE(test_quarantine_and_finalizer),
	{ }
};

static struct kunit_suite freeze_suite = {
	.name = "refslab_freeze",
	.init = freeze_test_init,
	.exit = freeze_test_exit,
	.test_cases = freeze_cases,
};

kunit_test_suites(&freeze_suite);
