// SPDX-License-Identifier: GPL-2.0
/*
 * A chain, each object referring to the next, dropped by its head: what the put
 * of the head costs who calls it, and how deep the stack gets, there and in the
 * workqueue that does the rest.
 */
#include <linux/err.h>
#include <linux/preempt.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>

#include "figures.h"
#include "harness.h"
#include "shape.h"

#define CHAIN_FROM	10000U
#define CHAIN_TO	10000000U

/* Bytes of stack in use when a release was called; written by one at a time. */
static unsigned long deepest;

static void chain_release(struct refslab_object *obj)
{
	unsigned long top = (unsigned long)task_stack_page(current) + THREAD_SIZE;
	unsigned long here = (unsigned long)__builtin_frame_address(0);

	deepest = max(deepest, top - here);
}

/**
 * struct chain - objects that hang from each other
 * @heap: theirs alone
 * @type: theirs
 * @n: how many
 */
struct chain {
	struct refslab_heap	*heap;
	struct refslab_type	*type;
	unsigned int		n;
};

/* 0 or an errno; chain_destroy() is right in either case. */
static int chain_create(struct chain *chain, bool release)
{
	const struct refslab_type_args args = {
		.name = "link", .slots = 1,
		.size = offsetof(struct node, slot) + sizeof(struct refslab_slot),
		.slot_offset = offsetof(struct node, slot),
		.release = release ? chain_release : NULL,
	};

	chain->heap = bench_heap(SZ_1G);
	if (IS_ERR(chain->heap))
		return PTR_ERR(chain->heap);
	chain->type = refslab_type_create(chain->heap, &args);
	return PTR_ERR_OR_ZERO(chain->type);
}

static void chain_destroy(struct chain *chain)
{
	if (!IS_ERR(chain->heap))
		refslab_heap_destroy(chain->heap);
}

/* From its end to its head, which is returned. */
static struct refslab_object *chain_build(struct chain *chain)
{
	struct refslab_object *head = NULL, *obj;
	struct node *node;
	unsigned int i;

	for (i = 0; i < chain->n; i++) {
		obj = refslab_alloc(chain->type, GFP_KERNEL);
		if (!obj) {
			if (head)
				refslab_put(head);
			return NULL;
		}
		node = container_of(obj, struct node, link.object);
		refslab_slot_set(&node->slot[0], head);
		if (head)
			refslab_put(head);
		head = obj;
	}
	return head;
}

/* Its put; then waits until all are gone. */
static s64 chain_drop(void *arg)
{
	struct chain *chain = arg;
	struct refslab_object *head = chain_build(chain);
	u64 start, took;

	if (!head)
		return -ENOMEM;
	start = bench_clock();
	refslab_put(head);
	took = bench_clock() - start;
	while (refslab_type_objects(chain->type))
		bench_settle();
	return took;
}

static s64 drop(unsigned int n, bool release)
{
	struct chain chain = { .n = n };
	s64 took = chain_create(&chain, release);

	if (!took)
		took = bench_measure_times(chain_drop, &chain, 1, 3);
	chain_destroy(&chain);
	return took;
}

void figure_chain(const char *figure)
{
	unsigned int n;
	s64 took;

	for (n = CHAIN_FROM; n <= CHAIN_TO; n *= 10) {
		bench_report_number(figure, "put", n, BENCH_UNIT, drop(n, false),
				    BENCH_NO_PEER);
		deepest = 0;
		took = drop(n, true);
		bench_report_number(figure, "stack", n, "bytes",
				    took < 0 ? took : 1000 * (s64)deepest, BENCH_NO_PEER);
	}
}
