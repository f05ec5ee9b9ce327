/* SPDX-License-Identifier: GPL-2.0 */
/* Graphs of many objects, of the same shapes as tools/bench/peers builds. */
#ifndef _BENCH_SHAPE_H
#define _BENCH_SHAPE_H

#include <linux/refslab.h>

#define NODE_SLOTS	3	/* at most */

/**
 * struct node - an object of a graph
 * @link: header
 * @slot: as many as the shape needs
 */
struct node {
	struct refslab_linked	link;
	struct refslab_slot	slot[NODE_SLOTS];
};

struct graph;

/**
 * struct shape - how a graph's objects refer to each other
 * @name: in reports
 * @slots: of each object
 * @roots: one in how many is held when the graph is to live; 0: only the first
 * @join: fills the slots
 */
struct shape {
	const char	*name;
	unsigned int	slots;
	unsigned int	roots;
	void		(*join)(struct graph *graph);
};

/**
 * struct graph - objects of a type of their own, in a heap of their own
 * @shape: how they refer to each other
 * @heap: swept by request only
 * @type: theirs
 * @n: how many
 * @nodes: they, in the order of their allocation
 * @held: whether the roots are held
 */
struct graph {
	const struct shape	*shape;
	struct refslab_heap	*heap;
	struct refslab_type	*type;
	unsigned int		n;
	struct node		**nodes;
	bool			held;
};

extern const struct shape shapes[];
extern const unsigned int shapes_count;

const struct shape *shape_find(const char *name);

int graph_create(struct graph *graph, const struct shape *shape, unsigned int n);
int graph_build(struct graph *graph, bool hold);
void graph_drop(struct graph *graph);
s64 graph_sweep(struct graph *graph, unsigned int generation, u64 freed);
void graph_destroy(struct graph *graph);

#endif /* _BENCH_SHAPE_H */
