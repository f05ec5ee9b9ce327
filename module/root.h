/* SPDX-License-Identifier: GPL-2.0 */
/* Roots: references that a user heap holds itself, by name. */
#ifndef _REFSLAB_ROOT_H
#define _REFSLAB_ROOT_H

#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/refslab.h>

/**
 * struct root_table - a heap's roots
 * @lock: of all of it; within a session's mutex
 * @tree: by name; @lock
 * @count: how many; @lock
 */
struct root_table {
	struct mutex	lock;	/* the roots */
	struct rb_root	tree;
	u32		count;
};

void root_init(struct root_table *table);
void root_destroy(struct root_table *table);
int root_set(struct root_table *table, const char *name,
	     struct refslab_object *object, bool new);
struct refslab_object *root_get(struct root_table *table, const char *name);
int root_next(struct root_table *table, char *name, size_t size);
int root_validate(struct root_table *table);

#endif /* _REFSLAB_ROOT_H */
