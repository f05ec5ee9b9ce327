// SPDX-License-Identifier: GPL-2.0
/*
 * Building graphs. When one is built, the references by which it was built are
 * put: so every object is a candidate, be it garbage or held.
 */
#include "shape.h"

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "harness.h"

static void point(struct graph *g, unsigned int from, unsigned int slot, unsigned int to)
{
	refslab_slot_set(&g->nodes[from]->slot[slot], &g->nodes[to]->link.object);
}

static void join_pairs(struct graph *g)
{
	unsigned int i;

	for (i = 0; i < g->n; i += 2) {
		point(g, i, 0, i + 1);
		point(g, i + 1, 0, i);
	}
}

static void join_ring(struct graph *g)
{
	unsigned int i;

	for (i = 0; i < g->n; i++)
		point(g, i, 0, i + 1 < g->n ? i + 1 : 0);
}

static void join_list(struct graph *g)
{
	unsigned int i;

	for (i = 0; i + 1 < g->n; i++) {
		point(g, i, 0, i + 1);
		point(g, i + 1, 1, i);
	}
}

static void join_tree(struct graph *g)
{
	unsigned int i, parent;

	for (i = 1; i < g->n; i++) {
		parent = (i - 1) / 2;
		point(g, parent, (i - 1) % 2, i);
		point(g, i, 2, parent);
	}
}

const struct shape shapes[] = {
	{ "pairs", 2, 2, join_pairs },
	{ "ring", 2, 0, join_ring },
	{ "list", 2, 0, join_list },
	{ "tree", 3, 0, join_tree },
};

const unsigned int shapes_count = ARRAY_SIZE(shapes);

const struct shape *shape_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < shapes_count; i++)
		if (!strcmp(shapes[i].name, name))
			return &shapes[i];
	return NULL;
}

/* 0 or an errno; graph_destroy() is right in either case. */
int graph_create(struct graph *graph, const struct shape *shape, unsigned int n)
{
	const struct refslab_type_args args = {
		.name = "node", .slots = shape->slots,
		.size = offsetof(struct node, slot) +
			shape->slots * sizeof(struct refslab_slot),
		.slot_offset = offsetof(struct node, slot),
	};

	*graph = (struct graph){ .shape = shape, .n = n };
	graph->heap = bench_heap(SZ_1G);
	if (IS_ERR(graph->heap))
		return PTR_ERR(graph->heap);
	graph->type = refslab_type_create(graph->heap, &args);
	if (IS_ERR(graph->type))
		return PTR_ERR(graph->type);
	graph->nodes = kvmalloc_array(n, sizeof(*graph->nodes), GFP_KERNEL);
	return graph->nodes ? 0 : -ENOMEM;
}

static bool is_root(const struct graph *graph, unsigned int i)
{
	return graph->shape->roots ? i % graph->shape->roots == 0 : i == 0;
}

/**
 * graph_build - allocate and link the objects
 * @graph: without any
 * @hold: whether to keep the roots; else all is garbage
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int graph_build(struct graph *graph, bool hold)
{
	struct refslab_object *obj;
	unsigned int i;

	for (i = 0; i < graph->n; i++) {
		obj = refslab_alloc(graph->type, GFP_KERNEL);
		if (!obj) {
			while (i)
				refslab_put(&graph->nodes[--i]->link.object);
			return -ENOMEM;
		}
		graph->nodes[i] = container_of(obj, struct node, link.object);
	}
	graph->shape->join(graph);
	for (i = 0; i < graph->n; i++) {
		obj = &graph->nodes[i]->link.object;
		if (hold && is_root(graph, i))
			refslab_get(obj);
		refslab_put(obj);
	}
	graph->held = hold;
	return 0;
}

void graph_drop(struct graph *graph)
{
	unsigned int i;

	for (i = 0; graph->held && i < graph->n; i++)
		if (is_root(graph, i))
			refslab_put(&graph->nodes[i]->link.object);
	graph->held = false;
}

/**
 * graph_sweep - time a sweep
 * @graph: the graph
 * @generation: which and all younger
 * @freed: how many objects it must free
 *
 * Context: May sleep.
 * Return: what it took, or an errno; -EIO if it freed other than @freed.
 */
s64 graph_sweep(struct graph *graph, unsigned int generation, u64 freed)
{
	struct refslab_sweep_result result;
	u64 start, took;
	int err;

	start = bench_clock();
	err = refslab_collect(graph->heap, generation, &result);
	took = bench_clock() - start;
	if (err)
		return err;
	if (result.freed != freed) {
		pr_err("refslab_bench: a sweep of a %s of %u freed %llu objects, not %llu\n",
		       graph->shape->name, graph->n, result.freed, freed);
		return -EIO;
	}
	return took;
}

void graph_destroy(struct graph *graph)
{
	if (!IS_ERR_OR_NULL(graph->heap))
		refslab_heap_destroy(graph->heap);
	kvfree(graph->nodes);
}
