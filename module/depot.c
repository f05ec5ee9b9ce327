// SPDX-License-Identifier: GPL-2.0
/*
 * Depots: a node's larger stack of free objects, between magazines and slabs.
 *
 * What half a magazine costs that goes to the slabs depends on how many slabs it
 * is from, and in a large heap each object is from another. What goes to the depot
 * is copied, and comes back so. Bursts that are longer than a magazine, and
 * objects that one CPU allocates and another frees, move that way.
 *
 * An object in a depot keeps its slab from being given back, as one in a magazine
 * does. So the depot is poured into the slabs when memory is short, when somebody
 * asks for it, and when it would have more than is elsewhere: a type whose objects
 * have gone keeps little.
 */
#include "depot.h"

#include <linux/nodemask.h>
#include <linux/slab.h>

#include "heap.h"

/* Magazines that a depot holds as much as; of the size they had at first at most. */
#define DEPOT_MAGAZINES	4U

/* With what goes before them a page. */
#define DEPOT_MOST	((PAGE_SIZE - sizeof(struct depot)) / sizeof(void *))

/* Objects that go to the slabs while interrupts are off. */
#define POUR_BATCH	64U

/**
 * depot_create - make a type's depots
 * @type: the type, its nodes made
 * @gfp: for memory
 *
 * Context: As @gfp allows.
 * Return: 0, or -ENOMEM; depot_destroy() is right in either case.
 */
int depot_create(struct refslab_type *type, gfp_t gfp)
{
	unsigned int room = min(DEPOT_MAGAZINES * magazine_size(type->layout.size), DEPOT_MOST);
	struct depot *depot;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		depot = kmalloc_node(struct_size(depot, objects, room), gfp, nid);
		if (!depot)
			return -ENOMEM;
		raw_spin_lock_init(&depot->lock);
		depot->count = 0;
		depot->room = room;
		type->nodes[nid].depot = depot;
	}
	return 0;
}

/* What is still in them goes with the heap's pages. */
void depot_destroy(struct refslab_type *type)
{
	int nid;

	for_each_node(nid)
		kfree(type->nodes[nid].depot);
}

/**
 * depot_take - take free objects out of a node's depot
 * @type: their type
 * @nid: the node
 * @n: how many at most
 * @objects: filled in
 *
 * Leaves it to the caller to tell trigger_taken().
 *
 * Context: Any context; takes the depot's raw lock.
 * Return: how many.
 */
unsigned int depot_take(struct refslab_type *type, int nid, unsigned int n, void **objects)
{
	struct depot *depot = type->nodes[nid].depot;
	unsigned long flags;

	/* may be old: then it is as if we had come before */
	if (!depot || !READ_ONCE(depot->count))
		return 0;
	raw_spin_lock_irqsave(&depot->lock, flags);
	n = min(n, depot->count);
	move_objects(objects, depot->objects + depot->count - n, n);
	WRITE_ONCE(depot->count, depot->count - n);
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	return n;
}

/* No more than @most, since others may be filling it. */
static void pour(struct refslab_type *type, struct depot *depot, unsigned int most)
{
	unsigned long flags;
	unsigned int n;

	for (; most; most -= n) {
		raw_spin_lock_irqsave(&depot->lock, flags);
		n = min3(depot->count, most, POUR_BATCH);
		if (n)
			slab_return(type, n, depot->objects + depot->count - n);
		WRITE_ONCE(depot->count, depot->count - n);
		raw_spin_unlock_irqrestore(&depot->lock, flags);
		if (!n)
			break;
	}
}

/*
 * What is of the node outside its slabs, but for the depot. About: others go on,
 * and some of the depot may be of another node.
 */
static long elsewhere(struct slab_node *node, unsigned int count)
{
	/* not worth the node's lock */
	return data_race(READ_ONCE(node->out)) - count;
}

/**
 * depot_settle - see to it that a depot has no more than is elsewhere
 * @type: objects of which have died without depot_give()
 *
 * Context: Any context; takes raw locks.
 */
void depot_settle(struct refslab_type *type)
{
	struct depot *depot;
	u32 count;
	int nid;

	for_each_node(nid) {
		depot = type->nodes[nid].depot;
		count = depot ? READ_ONCE(depot->count) : 0;
		if (unlikely(elsewhere(&type->nodes[nid], count) < (long)count))
			pour(type, depot, count);
	}
}

/**
 * depot_give - put free objects into their node's depot
 * @type: their type
 * @n: how many
 * @objects: they; of one node, as a rule
 *
 * Where that would have more than is elsewhere, as much and twice goes from it
 * to the slabs.
 *
 * Context: Any context; takes raw locks.
 * Return: how many of the first of them; there may have been no room for more.
 */
unsigned int depot_give(struct refslab_type *type, unsigned int n, void **objects)
{
	struct slab_node *node = &type->nodes[slab_of(*objects)->chunk.nid];
	struct depot *depot = node->depot;
	unsigned int most;
	unsigned long flags;

	if (!depot)
		return 0;
	/* a magazine that was made smaller is meant to have less lie idle */
	most = min(depot->room, DEPOT_MAGAZINES * READ_ONCE(type->path.magazine_size));
	raw_spin_lock_irqsave(&depot->lock, flags);
	if (unlikely(elsewhere(node, depot->count) < (long)depot->count + n)) {
		raw_spin_unlock_irqrestore(&depot->lock, flags);
		pour(type, depot, max(2 * n, POUR_BATCH));
		return 0;
	}
	n = depot->count < most ? min(n, most - depot->count) : 0;
	move_objects(depot->objects + depot->count, objects, n);
	WRITE_ONCE(depot->count, depot->count + n);
	raw_spin_unlock_irqrestore(&depot->lock, flags);
	if (n && !type->leaf)
		trigger_given(type->heap, n);
	return n;
}

/**
 * depot_pour - empty a type's depots into its slabs
 * @type: the type
 *
 * Context: Any context; takes raw locks.
 */
void depot_pour(struct refslab_type *type)
{
	struct depot *depot;
	int nid;

	for_each_node(nid) {
		depot = type->nodes[nid].depot;
		if (depot)
			pour(type, depot, READ_ONCE(depot->count));
	}
}

/**
 * depot_objects - how many free objects the depots of a type hold
 * @type: the type
 *
 * For information: others go on meanwhile.
 *
 * Context: Any context.
 */
unsigned long depot_objects(const struct refslab_type *type)
{
	unsigned long n = 0;
	int nid;

	for_each_node(nid)
		if (type->nodes[nid].depot)
			n += READ_ONCE(type->nodes[nid].depot->count);
	return n;
}

/**
 * depot_validate - check the depots of a type that nobody uses meanwhile
 * @type: the type
 *
 * Return: 0, or -EUCLEAN after a WARN.
 */
int depot_validate(struct refslab_type *type)
{
	int nid, err = 0;
	u32 i;

	for_each_node(nid) {
		struct depot *depot = type->nodes[nid].depot;

		if (!depot)
			continue;
		if (depot->count > depot->room)
			err = -EUCLEAN;
		for (i = 0; i < depot->count && !err; i++)
			if (!slab_is_out(type, depot->objects[i]))
				err = -EUCLEAN;
	}
	WARN(err, "refslab: heap %s: a depot of type %s holds what it should not\n",
	     type->heap->name, type->name);
	return err;
}
