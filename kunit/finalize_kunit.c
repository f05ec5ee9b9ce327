// SPDX-License-Identifier: GPL-2.0
/*
 * Finalizers: only of garbage, once, with everything alive around them.
 */
#include <kunit/test.h>

#include "heap.h"

struct mortal {
	struct refslab_linked	link;
	struct refslab_slot	next;
	u32			id;
};

#define MORTALS 64

static struct refslab_heap *heap;
static struct refslab_type *type, *plain;
static unsigned int finalized[MORTALS], released[MORTALS];
/* what the finalizer does with an object */
static struct refslab_object *rescued;
static u32 rescue;
static bool drop_cycle, next_seen;

static struct mortal *mortal(struct refslab_object *obj)
{
	return container_of(obj, struct mortal, link.object);
}

static void on_finalize(struct refslab_object *obj)
{
	struct mortal *m = mortal(obj);

	finalized[m->id]++;
	next_seen |= !!m->next.target;
	if (m->id == rescue) {
		refslab_get(obj);
		rescued = obj;
	}
	if (drop_cycle)
		refslab_slot_clear(&m->next);
}

static void on_release(struct refslab_object *obj)
{
	released[mortal(obj)->id]++;
}

static int finalize_test_init(struct kunit *test)
{
	const struct refslab_heap_args heap_args = { .name = "kunit-finalize" };
	struct refslab_type_args args = {
		.name = "mortal", .size = sizeof(struct mortal), .slots = 1,
		.finalize = on_finalize, .release = on_release,
	};

	memset(finalized, 0, sizeof(finalized));
	memset(released, 0, sizeof(released));
	rescue = U32_MAX;
	rescued = NULL;
	drop_cycle = false;
	next_seen = false;
	heap = refslab_heap_create(&heap_args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, heap);
	refslab_set_enabled(heap, false);
	type = refslab_type_create(heap, &args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	args.name = "plain";
	args.finalize = NULL;
	plain = refslab_type_create(heap, &args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, plain);
	return 0;
}

static void finalize_test_exit(struct kunit *test)
{
	if (IS_ERR_OR_NULL(heap))
		return;
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 0UL);
	heap = NULL;
}

static struct refslab_object *make(struct kunit *test, struct refslab_type *of,
				   u32 id)
{
	struct refslab_object *obj = refslab_alloc(of, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	mortal(obj)->id = id;
	return obj;
}

/* A ring of ids @from to @end - 1, with a reference to the first. */
static struct refslab_object *ring(struct kunit *test, u32 from, u32 end)
{
	struct refslab_object *first = make(test, type, from), *last = first, *obj;
	u32 id;

	for (id = from + 1; id < end; id++) {
		obj = make(test, type, id);
		refslab_slot_set(&mortal(last)->next, obj);
		if (last != first)
			refslab_put(last);
		last = obj;
	}
	refslab_slot_set(&mortal(last)->next, first);
	if (last != first)
		refslab_put(last);
	return first;
}

static u64 collect(struct kunit *test)
{
	struct refslab_sweep_result result;

	KUNIT_EXPECT_EQ(test, refslab_collect(heap, 2, &result), 0);
	return result.freed;
}

static void test_garbage_is_finalized_and_freed(struct kunit *test)
{
	struct refslab_object *first = ring(test, 0, 10);
	u32 i;

	KUNIT_EXPECT_EQ(test, collect(test), 0ULL);
	KUNIT_EXPECT_EQ(test, finalized[0], 0U);
	refslab_put(first);
	/* in the same sweep */
	KUNIT_EXPECT_EQ(test, collect(test), 10ULL);
	KUNIT_EXPECT_TRUE(test, next_seen);
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_EQ(test, finalized[i], 1U);
		KUNIT_EXPECT_EQ(test, released[i], 1U);
	}
}

static void test_count_does_not_finalize(struct kunit *test)
{
	refslab_put(make(test, type, 3));
	KUNIT_EXPECT_EQ(test, finalized[3], 0U);
	KUNIT_EXPECT_EQ(test, released[3], 1U);
}

static void test_resurrection_once(struct kunit *test)
{
	rescue = 2;
	refslab_put(ring(test, 0, 5));
	KUNIT_EXPECT_EQ(test, collect(test), 0ULL);
	KUNIT_EXPECT_NOT_NULL(test, rescued);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 5UL);
	KUNIT_EXPECT_EQ(test, refslab_count(rescued), 2U);
	KUNIT_EXPECT_TRUE(test, refslab_is_finalized(rescued));
	KUNIT_EXPECT_EQ(test, finalized[2], 1U);
	KUNIT_EXPECT_EQ(test, collect(test), 0ULL);
	/* and again garbage: nobody asks a second time */
	refslab_put(rescued);
	KUNIT_EXPECT_EQ(test, collect(test), 5ULL);
	KUNIT_EXPECT_EQ(test, finalized[2], 1U);
	KUNIT_EXPECT_EQ(test, released[2], 1U);
}

static void test_the_rest_goes(struct kunit *test)
{
	rescue = 2;
	refslab_put(ring(test, 0, 5));
	refslab_put(ring(test, 10, 17));
	/* unrelated garbage of the same sweep dies in it */
	KUNIT_EXPECT_EQ(test, collect(test), 7ULL);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 5UL);
	refslab_put(rescued);
	KUNIT_EXPECT_EQ(test, collect(test), 5ULL);
}

static void test_finalizer_breaks_the_cycle(struct kunit *test)
{
	u32 i;

	drop_cycle = true;
	refslab_put(ring(test, 0, 20));
	/* they die by the counts that the sweep has lent them */
	KUNIT_EXPECT_EQ(test, collect(test), 20ULL);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 0UL);
	for (i = 0; i < 20; i++) {
		KUNIT_EXPECT_EQ(test, finalized[i], 1U);
		KUNIT_EXPECT_EQ(test, released[i], 1U);
	}
}

static void test_mixed_with_plain(struct kunit *test)
{
	struct refslab_object *a = make(test, type, 1), *b = make(test, plain, 2);

	refslab_slot_set(&mortal(a)->next, b);
	refslab_slot_set(&mortal(b)->next, a);
	refslab_put(a);
	refslab_put(b);
	KUNIT_EXPECT_EQ(test, collect(test), 2ULL);
	KUNIT_EXPECT_EQ(test, finalized[1], 1U);
	KUNIT_EXPECT_EQ(test, finalized[2], 0U);
	KUNIT_EXPECT_EQ(test, released[2], 1U);
}

static void test_leaf_cannot(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "leaf", .size = 32, .finalize = on_finalize,
	};

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(refslab_type_create(heap, &args)), -EINVAL);
}

static struct kunit_case finalize_cases[] = {
	KUNIT_CASE(test_garbage_is_finalized_and_freed),
	KUNIT_CASE(test_count_does_not_finalize),
	KUNIT_CASE(test_resurrection_once),
	KUNIT_CASE(test_the_rest_goes),
	KUNIT_CASE(test_finalizer_breaks_the_cycle),
	KUNIT_CASE(test_mixed_with_plain),
	KUNIT_CASE(test_leaf_cannot),
	{ }
};

static struct kunit_suite finalize_suite = {
	.name = "refslab_finalize",
	.init = finalize_test_init,
	.exit = finalize_test_exit,
	.test_cases = finalize_cases,
};

kunit_test_suites(&finalize_suite);
