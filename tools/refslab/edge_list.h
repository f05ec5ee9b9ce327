/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A directed graph read from a text of edges, and what must become of it when
 * each node is an object, each edge a reference, and all but the roots are let
 * go.
 */
#ifndef REFSLAB_EDGE_LIST_H
#define REFSLAB_EDGE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#define GRAPH_NAME_MAX	255	/* bytes of a node's name */

struct graph {
	const char *file;	/* its name, for messages */
	char **name;		/* of each node */
	uint32_t nodes;
	uint64_t edges;
	/* The targets of node n are target[first[n]] to target[first[n + 1] - 1]. */
	uint64_t *first;
	uint32_t *target;
	uint32_t *indegree;
	void *index;		/* tsearch(3) tree by name */
};

/*
 * Reads the graph in a file, or on stdin if its name is "-". Names on stderr
 * what it does not understand and returns false if there is anything. @stop
 * ends the reading when it becomes non-zero.
 */
bool graph_read(struct graph *graph, const char *file,
		const volatile int *stop);
void graph_free(struct graph *graph);

/* Finds a node by its name. */
bool graph_find(const struct graph *graph, const char *name, uint32_t *node);

static inline uint64_t graph_outdegree(const struct graph *graph, uint32_t node)
{
	return graph->first[node + 1] - graph->first[node];
}

/* How many nodes end in which way. */
struct graph_fate {
	uint32_t kept;		/* reached from a root */
	uint32_t counted;	/* freed by the counts alone */
	uint32_t swept;		/* in a cycle without a root, or reached from one */
};

/* @root says for each node whether it is one. Returns false without memory. */
bool graph_predict(const struct graph *graph, const bool *root,
		   struct graph_fate *fate);

#endif
