/* SPDX-License-Identifier: GPL-2.0 */
/* The objects of a heap and what they refer to, as a session finds them. */
#ifndef REFSLAB_WALK_H
#define REFSLAB_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/refslab.h>

struct walk_node {
	char *label;		/* what the payload begins with, or type and number */
	const char *type;
	uint64_t handle;
	uint32_t object;	/* its number in the heap */
	uint32_t generation, slots;
	uint64_t count;		/* references, without the handle above */
	size_t first;		/* of its edges; they are in a row */
	uint64_t referred;	/* references that are edges */
	uint32_t cycle;		/* from 1, 0 for none */
	bool held;		/* by references that are no edges */
	bool garbage;		/* reached from nothing that is held */
};

struct walk_edge {
	uint32_t slot;
	size_t to;		/* the node */
};

struct walk_root {
	char name[REFSLAB_NAME_MAX];
	size_t to;		/* the node */
};

struct walk_type {
	uint32_t number;
	char name[REFSLAB_NAME_MAX];
};

struct walk {
	int fd;
	const volatile int *stop;	/* ends the walk when it becomes non-zero */
	struct walk_node *node;	/* by label and number; one more, for @first */
	struct walk_edge *edge;
	struct walk_root *root;	/* by name */
	struct walk_type *type;
	size_t nodes, edges, roots, types;
	uint32_t cycles;
	bool complete;		/* all objects; else nothing is said of held and garbage */
};

/*
 * Walks the heap of a session, @max objects of it at most. @numbers: labels are
 * type and number always. Says what is wrong and returns false, if something is
 * or when stopped.
 */
bool walk_heap(struct walk *walk, int fd, size_t max, bool numbers,
	       const volatile int *stop);
void walk_free(struct walk *walk);

#endif
