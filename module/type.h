/* SPDX-License-Identifier: GPL-2.0 */
/* Types: what objects are of. */
#ifndef _REFSLAB_TYPE_H
#define _REFSLAB_TYPE_H

#include <linux/kobject.h>
#include <linux/refslab.h>

#include "counter.h"
#include "debug.h"
#include "magazine.h"
#include "slab.h"

/**
 * struct refslab_type - a type and its cache
 * @path: what allocations and releases need; first
 * @heap: the heap it belongs to; fixed, as all that has no lock named
 * @going: a call destroys it, and calls do not find it any more; WRITE_ONCE, set
 *	with its user heap's types held for writing
 * @charged: its files and magazines count for the heap's tenant, if it has one
 * @magazine_room: objects a magazine has room for; path.magazine_size is any
 *	value up to it at any time
 * @header: bytes of the header
 * @size: bytes of an object as asked for
 * @slots: number of slots, if the type does not traverse
 * @slot_offset: byte of the first slot
 * @slot_offsets: byte of each slot, or NULL
 * @leaf: has no slots
 * @scattered: its slots do not lie side by side: it traverses, or has offsets
 * @tells: there may be somebody to tell of deaths: a release, weak references
 * @flags: REFSLAB_TYPE_*
 * @layout: of its slabs
 * @debug: what lies behind its objects
 * @nodes: the cache, per NUMA node
 * @counters: per CPU
 * @reserves: that there are: the type stays as long; atomic
 * @reserved: objects that they have; atomic
 * @cpu_node: among those told of CPUs that go; the CPU hotplug core's
 * @id: number in the heap, from 1
 * @kobj: in sysfs; its release frees the type
 * @args: as given, with copies in place of what was pointed to
 */
struct refslab_type {
	struct refslab_path path;
	struct refslab_heap *heap;
	bool		going;
	bool		charged;
	u32		magazine_room;
	u32		header;
	u32		size;
	u32		slots;
	u32		slot_offset;
	const u16	*slot_offsets;
	struct refslab_slot *(*traverse)(struct refslab_object *obj,
					 unsigned long *cursor);
	void		(*ctor)(struct refslab_object *obj);
	void		(*release)(struct refslab_object *obj);
	void		(*finalize)(struct refslab_object *obj);
	void		*priv;
	bool		leaf;
	bool		scattered;
	bool		tells;
	unsigned int	flags;
	struct slab_layout layout;
	struct debug_layout debug;
	struct slab_node *nodes;
	struct counters __percpu *counters;
	atomic_t	reserves;
	atomic_long_t	reserved;
	struct hlist_node cpu_node;

	u32		id;
	struct kobject	kobj;
	char		name[32];
};

/* refslab_alloc() takes the one for the other. */
static_assert(offsetof(struct refslab_type, path) == 0);

/* A field of struct slab_node, summed up over the nodes. */
#define type_sum(type, field) ({					\
	unsigned long _sum = 0;						\
	int _nid;							\
									\
	for_each_node_state(_nid, N_MEMORY)				\
		/* for information: not worth the node's lock */	\
		_sum += data_race(READ_ONCE((type)->nodes[_nid].field)); \
	_sum;								\
})

/*
 * The slots of an object one after the other: *cursor starts as 0, NULL is the
 * end. Bounded, lies within the object, works after its release.
 */
static inline struct refslab_slot *type_next_slot(const struct refslab_type *type,
						  struct refslab_object *obj,
						  unsigned long *cursor)
{
	unsigned long i = *cursor;

	if (unlikely(type->traverse))
		return type->traverse(obj, cursor);
	if (i >= type->slots)
		return NULL;
	*cursor = i + 1;
	if (unlikely(type->slot_offsets))
		return (void *)obj + type->slot_offsets[i];
	return (struct refslab_slot *)((void *)obj + type->slot_offset) + i;
}

struct refslab_type *type_find(struct refslab_heap *heap, u32 id);
struct refslab_type *type_next(struct refslab_heap *heap, u32 id);
void type_free(struct refslab_type *type);
int type_settle(struct refslab_heap *heap);
int type_destroy(struct refslab_type *type, bool killable);
void type_put(struct refslab_type *type);
int type_validate(struct refslab_type *type);

#endif /* _REFSLAB_TYPE_H */
