// SPDX-License-Identifier: GPL-2.0
/*
 * The sweep: shapes that break collectors, with exact counts.
 */
#include <kunit/test.h>

#include "heap.h"

struct knot {
	struct refslab_linked	link;
	struct refslab_slot	slot[2];
	u64			canary;
};

static struct refslab_heap *heap;
static struct refslab_type *type;

static int sweep_test_init(struct kunit *test)
{
	const struct refslab_heap_args heap_args = { .name = "kunit-sweep" };
	const struct refslab_type_args type_args = {
		.name = "node", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot),
	};

	heap = refslab_heap_create(&heap_args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, heap);
	refslab_set_enabled(heap, false);
	type = refslab_type_create(heap, &type_args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	return 0;
}

static void sweep_test_exit(struct kunit *test)
{
	if (IS_ERR_OR_NULL(heap))
		return;
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);
	refslab_heap_destroy(heap);
	heap = NULL;
}

static struct knot *make(struct kunit *test)
{
	struct refslab_object *obj = refslab_alloc(type, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	return container_of(obj, struct knot, link.object);
}

static void edge(struct knot *from, int slot, struct knot *to)
{
	refslab_slot_set(&from->slot[slot], to ? &to->link.object : NULL);
}

static void drop(struct knot *node)
{
	refslab_put(&node->link.object);
}

static u64 collect(struct kunit *test, unsigned int generation)
{
	struct refslab_sweep_result result;

	KUNIT_EXPECT_EQ(test, refslab_collect(heap, generation, &result), 0);
	KUNIT_EXPECT_EQ(test, result.unfreed, 0ULL);
	return result.freed;
}

#define EXPECT_ALIVE(n) \
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), (unsigned long)(n))

static void test_self_loop(struct kunit *test)
{
	struct knot *a = make(test);

	edge(a, 0, a);
	drop(a);
	EXPECT_ALIVE(1);
	KUNIT_EXPECT_EQ(test, collect(test, 0), 1ULL);
	EXPECT_ALIVE(0);
}

static void test_two_cycle_held(struct kunit *test)
{
	struct knot *a = make(test), *b = make(test);

	edge(a, 0, b);
	edge(b, 0, a);
	drop(b);
	KUNIT_EXPECT_EQ(test, collect(test, 2), 0ULL);
	EXPECT_ALIVE(2);
	drop(a);
	EXPECT_ALIVE(2);
	KUNIT_EXPECT_EQ(test, collect(test, 2), 2ULL);
	EXPECT_ALIVE(0);
}

static void test_ring(struct kunit *test)
{
	struct knot *first = make(test), *last = first, *next;
	int i;

	for (i = 1; i < 100000; i++) {
		next = make(test);
		edge(last, 0, next);
		if (last != first)
			drop(last);
		last = next;
	}
	edge(last, 0, first);
	drop(last);
	KUNIT_EXPECT_EQ(test, collect(test, 2), 0ULL);
	EXPECT_ALIVE(100000);
	drop(first);
	KUNIT_EXPECT_EQ(test, collect(test, 2), 100000ULL);
	EXPECT_ALIVE(0);
}

static void test_chain_dropped(struct kunit *test)
{
	struct knot *head = NULL, *node;
	int i;

	for (i = 0; i < 100000; i++) {
		node = make(test);
		edge(node, 1, head);
		if (head)
			drop(head);
		head = node;
	}
	drop(head);
	flush_work(&heap->releaser.work);
	EXPECT_ALIVE(0);
}

static struct kunit_case sweep_cases[] = {
	KUNIT_CASE(test_self_loop),
	KUNIT_CASE(test_two_cycle_held),
	KUNIT_CASE(test_ring),
	KUNIT_CASE(test_chain_dropped),
	{ }
};

static struct kunit_suite sweep_suite = {
	.name = "refslab_sweep",
	.init = sweep_test_init,
	.exit = sweep_test_exit,
	.test_cases = sweep_cases,
};

kunit_test_suites(&sweep_suite);
