// SPDX-License-Identifier: GPL-2.0
/*
 * Roots: references that a user heap holds itself, by name.
 *
 * They let who joins a heap find what is in it, and let that outlive the program
 * that built it. They are external references like any handle's.
 */
#include "root.h"

#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/refslab.h>

/**
 * struct root - a root
 * @node: in the table's tree; its lock, as for @object
 * @object: with a reference
 * @name: fixed
 */
struct root {
	struct rb_node	node;
	struct refslab_object *object;
	char		name[REFSLAB_NAME_MAX];
};

/* The root of that name, or NULL and where it would be. */
static struct root *find(struct root_table *table, const char *name,
			 struct rb_node **parent, struct rb_node ***link)
{
	struct rb_node **at = &table->tree.rb_node;
	struct root *root;
	int order;

	*parent = NULL;
	while (*at) {
		root = rb_entry(*at, struct root, node);
		order = strcmp(name, root->name);
		if (!order)
			return root;
		*parent = *at;
		at = order < 0 ? &(*at)->rb_left : &(*at)->rb_right;
	}
	*link = at;
	return NULL;
}

/*
 * Set, with the lock held. *@object becomes what loses its reference, if
 * anything does.
 */
static int set_locked(struct root_table *table, const char *name, bool new,
		      struct root *fresh, struct refslab_object **object)
{
	struct rb_node *parent, **link;
	struct root *root = find(table, name, &parent, &link);

	if (root && new)
		return -EEXIST;
	if (root) {
		swap(root->object, *object);
		return 0;
	}
	if (table->count >= REFSLAB_ROOTS_MAX)
		return -ENOSPC;
	fresh->object = *object;
	*object = NULL;
	strscpy(fresh->name, name, sizeof(fresh->name));
	rb_link_node(&fresh->node, parent, link);
	rb_insert_color(&fresh->node, &table->tree);
	table->count++;
	return 0;
}

static int root_remove(struct root_table *table, const char *name)
{
	struct rb_node *parent, **link;
	struct root *root;

	mutex_lock(&table->lock);
	root = find(table, name, &parent, &link);
	if (root) {
		rb_erase(&root->node, &table->tree);
		table->count--;
	}
	mutex_unlock(&table->lock);
	if (!root)
		return -ENOENT;
	refslab_put(root->object);
	kfree(root);
	return 0;
}

/**
 * root_set - keep an object under a name, or no longer
 * @table: the heap's roots
 * @name: the name
 * @object: the object, which the caller holds a reference to, or NULL
 * @new: not if there is a root of that name
 *
 * Context: May sleep.
 * Return: 0; -EEXIST, -ENOSPC if there are as many as there may be, -ENOMEM;
 *	-ENOENT if there is none to be taken away.
 */
int root_set(struct root_table *table, const char *name,
	     struct refslab_object *object, bool new)
{
	struct root *fresh;
	int err;

	if (!object)
		return root_remove(table, name);
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return -ENOMEM;
	refslab_get(object);
	mutex_lock(&table->lock);
	err = set_locked(table, name, new, fresh, &object);
	mutex_unlock(&table->lock);
	/* what was there before, or what could not be put there */
	if (object) {
		refslab_put(object);
		kfree(fresh);
	}
	return err;
}

/**
 * root_get - take a reference to what a name keeps
 * @table: the heap's roots
 * @name: the name
 *
 * Context: May sleep.
 * Return: the object with a reference for the caller, or NULL.
 */
struct refslab_object *root_get(struct root_table *table, const char *name)
{
	struct refslab_object *object = NULL;
	struct rb_node *parent, **link;
	struct root *root;

	mutex_lock(&table->lock);
	root = find(table, name, &parent, &link);
	if (root) {
		object = root->object;
		refslab_get(object);
	}
	mutex_unlock(&table->lock);
	return object;
}

/**
 * root_next - the next name
 * @table: the heap's roots
 * @name: any; becomes the name of the first root above it
 * @size: bytes at @name
 *
 * Context: May sleep.
 * Return: 0; -ENOENT if there is none above.
 */
int root_next(struct root_table *table, char *name, size_t size)
{
	struct rb_node *at;
	struct root *root, *above = NULL;

	mutex_lock(&table->lock);
	for (at = table->tree.rb_node; at;) {
		root = rb_entry(at, struct root, node);
		if (strcmp(name, root->name) < 0) {
			above = root;
			at = at->rb_left;
		} else {
			at = at->rb_right;
		}
	}
	if (above) {
		memset(name, 0, size);
		strscpy(name, above->name, size);
	}
	mutex_unlock(&table->lock);
	return above ? 0 : -ENOENT;
}

void root_init(struct root_table *table)
{
	mutex_init(&table->lock);
	table->tree = RB_ROOT;
}

/* The heap goes with its objects: references need not be given back. */
void root_destroy(struct root_table *table)
{
	struct root *root, *next;

	rbtree_postorder_for_each_entry_safe(root, next, &table->tree, node)
		kfree(root);
	mutex_destroy(&table->lock);
}

/**
 * root_validate - check the roots
 * @table: a heap's
 *
 * Context: May sleep.
 * Return: 0, or -EUCLEAN after a WARN.
 */
int root_validate(struct root_table *table)
{
	struct root *root, *last = NULL;
	struct rb_node *node;
	bool bad = false;
	u32 n = 0;

	mutex_lock(&table->lock);
	for (node = rb_first(&table->tree); node; node = rb_next(node), n++) {
		root = rb_entry(node, struct root, node);
		bad |= last && strcmp(last->name, root->name) >= 0;
		bad |= !root->name[0] || !refslab_count(root->object);
		last = root;
	}
	bad |= n != table->count || n > REFSLAB_ROOTS_MAX;
	mutex_unlock(&table->lock);
	return WARN(bad, "refslab: %u roots found, %u in the books\n", n,
		    table->count) ? -EUCLEAN : 0;
}
