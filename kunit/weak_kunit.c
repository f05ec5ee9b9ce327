// SPDX-License-Identifier: GPL-2.0
/*
 * Weak references: dead from the instant of death on, by count or by sweep.
 */
#include <kunit/test.h>
#include <linux/hash.h>
#include <linux/mm.h>

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

/* The validator must be able to fail, or its other uses mean nothing. */
static void test_validator_notices(struct kunit *test)
{
	struct refslab_object *obj = refslab_alloc(leaf, GFP_KERNEL);
	struct refslab_weak weak;

	KUNIT_ASSERT_NOT_NULL(test, obj);
	refslab_weak_init(&weak, NULL);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak, obj), 0);
	KUNIT_EXPECT_EQ(test, weak_validate(heap), 0);
	weak.bucket ^= 1;
	pr_info("refslab-test: expect refslab: heap .*: 1 weak references are not as they should be\n");
	KUNIT_EXPECT_EQ(test, weak_validate(heap), -EUCLEAN);
	pr_info("refslab-test: unexpect\n");
	weak.bucket ^= 1;
	refslab_weak_clear(&weak);
	refslab_put(obj);
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

/* --- in the callback, in the release, in numbers --- */

static struct refslab_weak *second;
static bool upgraded;

static void try_second(struct refslab_weak *weak)
{
	upgraded |= !!refslab_weak_get(weak) || !!refslab_weak_get(second);
	deaths++;
}

/* Told of a death nobody can undo it, by this name or another. */
static void test_no_upgrade_when_told(struct kunit *test)
{
	struct refslab_object *obj = refslab_alloc(leaf, GFP_KERNEL);
	struct refslab_object *knot = refslab_alloc(type, GFP_KERNEL);
	struct refslab_weak weak[2], of_knot[2];
	struct refslab_sweep_result result;

	upgraded = false;
	/* the later set is told first */
	refslab_weak_init(&weak[0], NULL);
	refslab_weak_init(&weak[1], try_second);
	second = &weak[0];
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak[0], obj), 0);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak[1], obj), 0);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, deaths, 1U);

	refslab_weak_init(&of_knot[0], NULL);
	refslab_weak_init(&of_knot[1], try_second);
	second = &of_knot[0];
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&of_knot[0], knot), 0);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&of_knot[1], knot), 0);
	refslab_slot_set(&container_of(knot, struct knot, link.object)->next, knot);
	refslab_put(knot);
	KUNIT_EXPECT_EQ(test, refslab_collect(heap, 0, &result), 0);
	KUNIT_EXPECT_EQ(test, result.freed, 1ULL);
	KUNIT_EXPECT_EQ(test, deaths, 2U);
	KUNIT_EXPECT_FALSE(test, upgraded);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 0UL);
}

/* What the members of a dying cycle find of each other: nothing. */
static struct refslab_weak members[50];
static unsigned int released, found;

static void look_round(struct refslab_object *obj)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(members); i++)
		found += !!refslab_weak_get(&members[i]);
	released++;
}

static void test_dead_all_at_once(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "member", .size = sizeof(struct knot), .slots = 1,
		.flags = REFSLAB_TYPE_WEAK, .release = look_round,
	};
	struct refslab_type *member = refslab_type_create(heap, &args);
	struct refslab_object *objs[ARRAY_SIZE(members)];
	struct refslab_sweep_result result;
	unsigned int n = ARRAY_SIZE(members), i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, member);
	released = 0;
	found = 0;
	for (i = 0; i < n; i++) {
		objs[i] = refslab_alloc(member, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objs[i]);
		refslab_weak_init(&members[i], count_death);
		KUNIT_ASSERT_EQ(test, refslab_weak_set(&members[i], objs[i]), 0);
	}
	for (i = 0; i < n; i++)
		refslab_slot_set(&container_of(objs[i], struct knot, link.object)->next,
				 objs[(i + 1) % n]);
	for (i = 0; i < n; i++)
		refslab_put(objs[i]);
	/* brought back from garbage by any name, as long as no sweep has been there */
	KUNIT_EXPECT_PTR_EQ(test, refslab_weak_get(&members[n / 2]), objs[n / 2]);
	KUNIT_EXPECT_EQ(test, refslab_collect(heap, 2, &result), 0);
	KUNIT_EXPECT_EQ(test, result.freed, 0ULL);
	KUNIT_EXPECT_EQ(test, deaths, 0U);
	refslab_put(objs[n / 2]);
	KUNIT_EXPECT_EQ(test, refslab_collect(heap, 2, &result), 0);
	KUNIT_EXPECT_EQ(test, result.freed, (u64)n);
	KUNIT_EXPECT_EQ(test, released, n);
	KUNIT_EXPECT_EQ(test, deaths, n);
	/* the commit was their death, before the first release ran */
	KUNIT_EXPECT_EQ(test, found, 0U);
}

/* As many as there may be to one object, all told, and one too many. */
static void test_many_to_one(struct kunit *test)
{
	struct refslab_object *obj = refslab_alloc(leaf, GFP_KERNEL);
	struct refslab_weak *weak;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, obj);
	weak = kunit_kcalloc(test, WEAK_MAX + 1, sizeof(*weak), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, weak);
	for (i = 0; i <= WEAK_MAX; i++)
		refslab_weak_init(&weak[i], count_death);
	for (i = 0; i < WEAK_MAX; i++)
		KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak[i], obj), 0);
	KUNIT_EXPECT_EQ(test, refslab_weak_set(&weak[i], obj), -EOVERFLOW);
	refslab_weak_clear(&weak[7]);
	KUNIT_EXPECT_EQ(test, refslab_weak_set(&weak[i], obj), 0);
	KUNIT_EXPECT_EQ(test, weak_validate(heap), 0);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, deaths, (unsigned int)WEAK_MAX);
	/* a name that has died can be given again */
	obj = refslab_alloc(leaf, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	KUNIT_EXPECT_EQ(test, refslab_weak_set(&weak[3], obj), 0);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, deaths, WEAK_MAX + 1U);
}

/* A finalizer finds its object by its weak name, and keeps it. */
static struct refslab_object *kept;

static void keep_by_name(struct refslab_object *obj)
{
	kept = refslab_weak_get(&members[0]);
}

static void test_upgrade_in_finalizer(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "mortal", .size = sizeof(struct knot), .slots = 1,
		.flags = REFSLAB_TYPE_WEAK, .finalize = keep_by_name,
	};
	struct refslab_type *mortal = refslab_type_create(heap, &args);
	struct refslab_sweep_result result;
	struct refslab_object *obj;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mortal);
	obj = refslab_alloc(mortal, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	refslab_weak_init(&members[0], count_death);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&members[0], obj), 0);
	refslab_slot_set(&container_of(obj, struct knot, link.object)->next, obj);
	refslab_put(obj);
	kept = NULL;
	KUNIT_EXPECT_EQ(test, refslab_collect(heap, 2, &result), 0);
	KUNIT_EXPECT_EQ(test, result.freed, 0ULL);
	KUNIT_EXPECT_PTR_EQ(test, kept, obj);
	KUNIT_EXPECT_EQ(test, deaths, 0U);
	KUNIT_EXPECT_EQ(test, refslab_count(obj), 2U);
	refslab_put(kept);
	KUNIT_EXPECT_EQ(test, refslab_collect(heap, 2, &result), 0);
	KUNIT_EXPECT_EQ(test, result.freed, 1ULL);
	KUNIT_EXPECT_EQ(test, deaths, 1U);
}

/* In which bucket an object is tells nothing of its address, nor of its number. */
static void test_buckets_are_secret(struct kunit *test)
{
	enum { N = 400 };
	const struct refslab_heap_args args = { .name = "kunit-weak-2" };
	const struct refslab_type_args leaf_args = {
		.name = "leaf", .size = 48, .flags = REFSLAB_TYPE_WEAK,
	};
	unsigned int by_address = 0, by_number = 0, i, j;
	struct refslab_object **objs[2];
	struct refslab_weak *weak[2];
	struct refslab_heap *other;
	struct refslab_type *types[2] = { leaf };

	other = refslab_heap_create(&args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	types[1] = refslab_type_create(other, &leaf_args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, types[1]);
	for (i = 0; i < 2; i++) {
		objs[i] = kunit_kcalloc(test, N, sizeof(**objs), GFP_KERNEL);
		weak[i] = kunit_kcalloc(test, N, sizeof(**weak), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objs[i]);
		KUNIT_ASSERT_NOT_NULL(test, weak[i]);
		for (j = 0; j < N; j++) {
			objs[i][j] = refslab_alloc(types[i], GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, objs[i][j]);
			refslab_weak_init(&weak[i][j], NULL);
			KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak[i][j], objs[i][j]), 0);
			by_address += weak[i][j].bucket == hash_ptr(objs[i][j], WEAK_BUCKETS_BITS);
		}
	}
	for (i = 0; i < N; i++)
		for (j = 0; j < N; j++)
			if (slab_number(objs[0][i]) == slab_number(objs[1][j]))
				by_number += weak[0][i].bucket == weak[1][j].bucket;
	KUNIT_EXPECT_LT(test, by_address, 10U);
	KUNIT_EXPECT_LT(test, by_number, 10U);
	for (i = 0; i < 2; i++)
		for (j = 0; j < N; j++)
			refslab_put(objs[i][j]);
	refslab_heap_destroy(other);
}

static struct task_struct *putter;
static unsigned int deaths_here;

static void count_death_here(struct refslab_weak *weak)
{
	if (current == putter)
		deaths_here++;
}

/* A put does so much itself, and weak references that die by it are of that. */
static void test_deaths_in_a_put(struct kunit *test)
{
	/* three that share a bucket would be too many for it: two in a million runs */
	enum { N = 16, EACH = 500, MOST = 2048 + EACH + 2 * N };
	struct refslab_object *obj, *head = NULL;
	struct refslab_weak *weak;
	unsigned int i, j;

	weak = kvcalloc(N * EACH, sizeof(*weak), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, weak);
	for (i = 0; i < N; i++) {
		obj = refslab_alloc(type, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		for (j = 0; j < EACH; j++) {
			refslab_weak_init(&weak[i * EACH + j], count_death_here);
			KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak[i * EACH + j], obj), 0);
		}
		if (head) {
			refslab_slot_set(&container_of(obj, struct knot, link.object)->next, head);
			refslab_put(head);
		}
		head = obj;
	}
	putter = current;
	deaths_here = 0;
	refslab_put(head);
	putter = NULL;
	KUNIT_EXPECT_GE(test, deaths_here, (unsigned int)EACH);
	KUNIT_EXPECT_LE(test, deaths_here, (unsigned int)MOST);
	releaser_flush(&heap->releaser);
	KUNIT_EXPECT_EQ(test, heap_objects(heap), 0UL);
	for (i = 0; i < N * EACH; i++)
		KUNIT_ASSERT_NULL(test, refslab_weak_get(&weak[i]));
	kvfree(weak);
}

static struct kunit_case weak_cases[] = {
	KUNIT_CASE(test_validator_notices),
	KUNIT_CASE(test_upgrade_counts),
	KUNIT_CASE(test_next_life_is_another),
	KUNIT_CASE(test_cleared_hears_nothing),
	KUNIT_CASE(test_dies_with_its_cycle),
	KUNIT_CASE(test_type_must_allow),
	KUNIT_CASE(test_heap_goes_first),
	KUNIT_CASE(test_no_upgrade_when_told),
	KUNIT_CASE(test_dead_all_at_once),
	KUNIT_CASE(test_many_to_one),
	KUNIT_CASE(test_upgrade_in_finalizer),
	KUNIT_CASE(test_buckets_are_secret),
	KUNIT_CASE(test_deaths_in_a_put),
	{ }
};

static struct kunit_suite weak_suite = {
	.name = "refslab_weak",
	.init = weak_test_init,
	.exit = weak_test_exit,
	.test_cases = weak_cases,
};

kunit_test_suites(&weak_suite);
