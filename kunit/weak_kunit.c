// SPDX-License-Identifier: GPL-2.0
/*
 * Weak references: dead from the instant of death on, by count or by sweep.
 */
#include <kunit/test.h>

#include "heap.h"

struct knot {
	struct refslab_linked	link;
	struct refslab_slot	next;
};

static struct refslab_heap *heap;
static struct refslab_type *type, *leaf;
static unsigned int deaths;

static void count_death(struct refslab_weak *weak)
{
	deaths++;
}

static int weak_test_init(struct kunit *test)
{
	const struct refslab_heap_args heap_args = { .name = "kunit-weak" };
	const struct refslab_type_args knot_args = {
		.name = "knot", .size = sizeof(struct knot), .slots = 1,
		.flags = REFSLAB_TYPE_WEAK,
	};
	const struct refslab_type_args leaf_args = {
		.name = "leaf", .size = 48, .flags = REFSLAB_TYPE_WEAK,
	};

	deaths = 0;
	heap = refslab_heap_create(&heap_args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, heap);
	refslab_set_enabled(heap, false);
	type = refslab_type_create(heap, &knot_args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	leaf = refslab_type_create(heap, &leaf_args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, leaf);
	return 0;
}

static void weak_test_exit(struct kunit *test)
{
	if (IS_ERR_OR_NULL(heap))
		return;
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);
	refslab_heap_destroy(heap);
	heap = NULL;
}

static void test_upgrade_counts(struct kunit *test)
{
	struct refslab_object *obj = refslab_alloc(leaf, GFP_KERNEL);
	struct refslab_weak weak;

	KUNIT_ASSERT_NOT_NULL(test, obj);
	refslab_weak_init(&weak, count_death);
	KUNIT_EXPECT_NULL(test, refslab_weak_get(&weak));
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak, obj), 0);
	KUNIT_EXPECT_EQ(test, refslab_weak_set(&weak, obj), -EBUSY);
	KUNIT_EXPECT_EQ(test, refslab_count(obj), 1U);
	KUNIT_EXPECT_PTR_EQ(test, refslab_weak_get(&weak), obj);
	KUNIT_EXPECT_EQ(test, refslab_count(obj), 2U);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, deaths, 0U);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, deaths, 1U);
	KUNIT_EXPECT_NULL(test, refslab_weak_get(&weak));
	refslab_weak_clear(&weak);
}

static void test_next_life_is_another(struct kunit *test)
{
	struct refslab_object *obj = refslab_alloc(leaf, GFP_KERNEL), *again;
	struct refslab_weak weak;

	refslab_weak_init(&weak, NULL);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak, obj), 0);
	preempt_disable();
	refslab_put(obj);
	again = refslab_alloc(leaf, GFP_ATOMIC);
	preempt_enable();
	/* the magazine gives back what came last */
	KUNIT_EXPECT_PTR_EQ(test, again, obj);
	KUNIT_EXPECT_NULL(test, refslab_weak_get(&weak));
	KUNIT_EXPECT_EQ(test, refslab_count(again), 1U);
	refslab_put(again);
}

static void test_cleared_hears_nothing(struct kunit *test)
{
	struct refslab_object *obj = refslab_alloc(leaf, GFP_KERNEL);
	struct refslab_weak a, b;

	refslab_weak_init(&a, count_death);
	refslab_weak_init(&b, count_death);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&a, obj), 0);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&b, obj), 0);
	KUNIT_EXPECT_EQ(test, weak_validate(heap), 0);
	refslab_weak_clear(&a);
	refslab_weak_clear(&a);
	KUNIT_EXPECT_NULL(test, refslab_weak_get(&a));
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, deaths, 1U);
}

static void test_dies_with_its_cycle(struct kunit *test)
{
	struct refslab_object *obj = refslab_alloc(type, GFP_KERNEL);
	struct refslab_sweep_result result;
	struct refslab_weak weak;

	KUNIT_ASSERT_NOT_NULL(test, obj);
	refslab_slot_set(&container_of(obj, struct knot, link.object)->next, obj);
	refslab_weak_init(&weak, count_death);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak, obj), 0);
	refslab_put(obj);
	/* garbage that nobody has found yet can be had back */
	KUNIT_EXPECT_PTR_EQ(test, refslab_weak_get(&weak), obj);
	KUNIT_EXPECT_EQ(test, refslab_collect(heap, 2, &result), 0);
	KUNIT_EXPECT_EQ(test, result.freed, 0ULL);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, refslab_collect(heap, 2, &result), 0);
	KUNIT_EXPECT_EQ(test, result.freed, 1ULL);
	KUNIT_EXPECT_EQ(test, deaths, 1U);
	KUNIT_EXPECT_NULL(test, refslab_weak_get(&weak));
}

static void test_type_must_allow(struct kunit *test)
{
	const struct refslab_type_args args = { .name = "plain", .size = 32 };
	struct refslab_type *plain = refslab_type_create(heap, &args);
	struct refslab_object *obj;
	struct refslab_weak weak;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, plain);
	obj = refslab_alloc(plain, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	refslab_weak_init(&weak, NULL);
	KUNIT_EXPECT_EQ(test, refslab_weak_set(&weak, obj), -EINVAL);
	refslab_put(obj);
}

static void test_heap_goes_first(struct kunit *test)
{
	struct refslab_object *obj = refslab_alloc(type, GFP_KERNEL);
	struct refslab_weak weak;

	refslab_weak_init(&weak, count_death);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak, obj), 0);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 1UL);
	heap = NULL;
	KUNIT_EXPECT_EQ(test, deaths, 1U);
	KUNIT_EXPECT_NULL(test, refslab_weak_get(&weak));
	refslab_weak_clear(&weak);
}

static struct kunit_case weak_cases[] = {
	KUNIT_CASE(test_upgrade_counts),
	KUNIT_CASE(test_next_life_is_another),
	KUNIT_CASE(test_cleared_hears_nothing),
	KUNIT_CASE(test_dies_with_its_cycle),
	KUNIT_CASE(test_type_must_allow),
	KUNIT_CASE(test_heap_goes_first),
	{ }
};

static struct kunit_suite weak_suite = {
	.name = "refslab_weak",
	.init = weak_test_init,
	.exit = weak_test_exit,
	.test_cases = weak_cases,
};

kunit_test_suites(&weak_suite);
