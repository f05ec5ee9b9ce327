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

static struct kunit_case freeze_cases[] = {
	KUNIT_CASE(test_frozen_garbage_stays),
	KUNIT_CASE(test_frozen_counts_work),
	KUNIT_CASE(test_frozen_keeps_the_young),
	KUNIT_CASE(test_quarantine),
	{ }
};

static struct kunit_suite freeze_suite = {
	.name = "refslab_freeze",
	.init = freeze_test_init,
	.exit = freeze_test_exit,
	.test_cases = freeze_cases,
};

kunit_test_suites(&freeze_suite);
