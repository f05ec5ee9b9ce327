/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a sweep keeps in the objects it has gathered: notes, lists that run
 * through these, and how it finds an object by its number. All of it is for who
 * holds sweep.mutex.
 */
#ifndef _REFSLAB_GATHERED_H
#define _REFSLAB_GATHERED_H

#include <linux/refslab.h>

#include "object.h"
#include "slab.h"

/* --- notes --- */

static __always_inline u64 note(struct refslab_object *obj)
{
	return READ_ONCE(*object_note(obj));
}

/* Pairs with the READ_ONCE() of the generation in candidate_list(). */
static __always_inline void set_note(struct refslab_object *obj, u64 value)
{
	WRITE_ONCE(*object_note(obj), value);
}

/* @was with another scratch. */
static __always_inline u64 note_with(u64 was, u64 scratch)
{
	return (was & ~NOTE_SCRATCH) | scratch << NOTE_SCRATCH_SHIFT;
}

static __always_inline u64 scratch_of(struct refslab_object *obj)
{
	return (note(obj) & NOTE_SCRATCH) >> NOTE_SCRATCH_SHIFT;
}

/* At its maximum it stays, which no count equals: such an object is live. */
static __always_inline void scratch_add(struct refslab_object *obj)
{
	u64 old = note(obj);

	if ((old & NOTE_SCRATCH) != NOTE_SCRATCH)
		set_note(obj, old + BIT_ULL(NOTE_SCRATCH_SHIFT));
}

/* --- numbers --- */

#define NO_CHUNK	U32_MAX

/**
 * struct finder - objects by their numbers
 * @pool: their heap's
 * @chunk: the chunk looked up last: objects next to each other on a list lie next
 *	to each other in memory as a rule
 * @number: its number, or NO_CHUNK
 */
struct finder {
	const struct pool *pool;
	void		*chunk;
	u32		number;
};

static __always_inline struct refslab_object *numbered(struct finder *finder, u32 number)
{
	u32 chunk = number >> CHUNK_GRANULES_SHIFT;

	if (!number)
		return NULL;
	if (unlikely(chunk != finder->number)) {
		finder->number = chunk;
		finder->chunk = pool_chunk(finder->pool, chunk);
	}
	return finder->chunk + ((number & (BIT(CHUNK_GRANULES_SHIFT) - 1)) << GRANULE_SHIFT);
}

/* --- lists --- */

/**
 * struct gathered - a list of gathered objects, through the links of their notes
 * @head: the first, or NULL
 * @tail: the last
 * @count: how many
 */
struct gathered {
	struct refslab_object *head, *tail;
	unsigned long count;
};

static __always_inline struct refslab_object *link_of(struct finder *finder,
						      struct refslab_object *obj)
{
	return numbered(finder, note(obj) & NUMBER_MASK);
}

#define for_each_gathered(obj, list, finder)				\
	for ((obj) = (list)->head; (obj); (obj) = link_of(finder, obj))

/* @note_new is what the object's note becomes; nothing is linked behind it. */
static __always_inline void gathered_append(struct gathered *list, struct refslab_object *obj,
					    u64 note_new)
{
	set_note(obj, note_new & ~NUMBER_MASK);
	if (list->tail)
		set_note(list->tail, note(list->tail) | slab_number(obj));
	else
		list->head = obj;
	list->tail = obj;
	list->count++;
}

/* --- slots --- */

/**
 * struct edges - slots of an object that are still to be read
 * @slot: the next, of a type whose slots lie side by side
 * @end: where these end
 * @obj: the object, if its slots do not lie so; else NULL
 * @cursor: then, of type_next_slot()
 */
struct edges {
	struct refslab_slot *slot, *end;
	struct refslab_object *obj;
	unsigned long	cursor;
};

/* How many slots the object has, at most. */
static __always_inline unsigned int edges_begin(struct edges *edges, struct refslab_object *obj)
{
	const struct refslab_type *type = slab_of(obj)->type;

	if (unlikely(type->scattered)) {
		*edges = (struct edges){ .obj = obj };
		return type->slots ?: type->size / sizeof(struct refslab_slot);
	}
	edges->slot = (void *)obj + type->slot_offset;
	edges->end = edges->slot + type->slots;
	edges->obj = NULL;
	return type->slots;
}

/* By value, so that those of the usual types stay in registers. */
struct edges_step {
	struct refslab_slot *slot;
	unsigned long	cursor;
};

static noinline struct edges_step edges_scattered(struct refslab_object *obj,
						  unsigned long cursor)
{
	struct refslab_slot *slot = type_next_slot(slab_of(obj)->type, obj, &cursor);

	return (struct edges_step){ .slot = slot, .cursor = cursor };
}

static __always_inline struct refslab_slot *edges_next(struct edges *edges)
{
	struct refslab_slot *slot = edges->slot;
	struct edges_step step;

	if (slot != edges->end) {
		edges->slot++;
		/* never so: it takes the caller's test for NULL away */
		if (!slot)
			__builtin_unreachable();
		return slot;
	}
	if (likely(!edges->obj))
		return NULL;
	step = edges_scattered(edges->obj, edges->cursor);
	edges->cursor = step.cursor;
	return step.slot;
}

#endif /* _REFSLAB_GATHERED_H */
