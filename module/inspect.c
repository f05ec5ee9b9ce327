// SPDX-License-Identifier: GPL-2.0
/*
 * Introspection: which objects there are, and which refer to one, or one refers
 * to.
 *
 * A walk over the slabs by chunk number, a bounded piece of it in each call; the
 * cursor says where the next one goes on. Nothing is stopped meanwhile: what is
 * there from beginning to end is found once, what comes or goes may be.
 *
 * A reference taken makes a sweep under way believe the object to be in use, so
 * only those are taken that are given to the caller. For referrers that means
 * to look into objects that may die any time. What is read there is a guess,
 * which is checked with a reference held.
 */
#include <linux/compiler.h>
#include <linux/export.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "heap.h"

#define CALL_SLABS	64	/* looked at in one call */
#define SECTION_STEPS	1024	/* objects and slots in one RCU read section */

/*
 * A cursor has the chunk's number in its upper half and in the lower one that of
 * the object in it. Where a walk goes on there is something behind it, so that
 * it is not 0.
 */
#define CURSOR_SHIFT	32

/**
 * struct walk - one call
 * @heap: the heap
 * @type: only objects of this type, or NULL
 * @generation: only objects of this generation, or %REFSLAB_ANY_GENERATION
 * @target: only objects with a slot that refers to this one, or NULL
 * @objs: what was found, with a reference each
 * @n: room in @objs
 * @found: in @objs
 * @steps: left of the read section
 */
struct walk {
	struct refslab_heap *heap;
	const struct refslab_type *type;
	unsigned int	generation;
	const struct refslab_object *target;
	struct refslab_object **objs;
	unsigned int	n;
	unsigned int	found;
	int		steps;
};

static bool want_slab(const struct walk *walk, const struct slab *slab)
{
	if (walk->type && slab->type != walk->type)
		return false;
	if (!slab->type->leaf)
		return true;
	/* leaves refer to nothing, and are of generation 0 */
	return !walk->target && (walk->generation == REFSLAB_ANY_GENERATION ||
				 walk->generation == 0);
}

static bool want_generation(const struct walk *walk, const struct slab *slab,
			    struct refslab_object *obj)
{
	return walk->generation == REFSLAB_ANY_GENERATION || slab->type->leaf ||
	       object_generation(obj) == walk->generation;
}

/* Whether a slot refers to the target, and did not just while it was empty. */
static bool refers(struct walk *walk, const struct slab *slab,
		   struct refslab_object *obj)
{
	struct refslab_slot *slot;
	unsigned long cursor = 0;

	while ((slot = type_next_slot(slab->type, obj, &cursor))) {
		walk->steps--;
		/* not looked at; and the object may be free by now: no checks */
		if (READ_ONCE_NOCHECK(slot->target) == walk->target)
			return true;
	}
	return false;
}

/* In a read section. True if the object is one to be told, with a reference. */
static bool take(struct walk *walk, const struct slab *slab,
		 struct refslab_object *obj)
{
	walk->steps--;
	if (!(atomic64_read(&obj->word) & REFSLAB_COUNT_MASK) ||
	    !want_generation(walk, slab, obj))
		return false;
	/* of an object that is being made anew traverse() may not be asked */
	if (walk->target && !slab->type->traverse && !refers(walk, slab, obj))
		return false;
	if (!refslab_tryget(obj))
		return false;
	if (want_generation(walk, slab, obj) &&
	    (!walk->target || refers(walk, slab, obj)))
		return true;
	refslab_put(obj);
	return false;
}

/*
 * One read section's worth of a slab, from object @from on. Returns where to go
 * on, or 0 if the slab is done, or not there.
 */
static u32 walk_section(struct walk *walk, u32 number, u32 from)
{
	struct refslab_object *obj;
	struct slab *slab;
	u32 i = 0, end;

	walk->steps = SECTION_STEPS;
	rcu_read_lock();
	/* perhaps another than a moment ago: as good */
	slab = slab_walk(&walk->heap->pool, number);
	end = slab && want_slab(walk, slab) ? slab->layout->objects : 0;
	if (from < end) {
		i = array_index_nospec(from, end);
		for (; i < end && walk->steps > 0 && walk->found < walk->n; i++) {
			obj = slab_object(slab, i);
			if (take(walk, slab, obj))
				walk->objs[walk->found++] = obj;
		}
	}
	rcu_read_unlock();
	cond_resched();
	return i < end ? i : 0;
}

static unsigned int walk_run(struct walk *walk, u64 *cursor)
{
	u32 number = *cursor >> CURSOR_SHIFT, from = *cursor, slabs = 0, end;

	*cursor = 0;
	end = READ_ONCE(walk->heap->pool.next_number);
	if (number >= end)
		return 0;
	number = array_index_nospec(number, end);
	while (number < end) {
		if (slabs == CALL_SLABS || walk->found == walk->n) {
			*cursor = (u64)number << CURSOR_SHIFT | from;
			break;
		}
		from = walk_section(walk, number, from);
		if (from)
			continue;
		number++;
		slabs++;
	}
	return walk->found;
}

/**
 * refslab_inspect_objects - which objects live
 * @heap: the heap
 * @type: only objects of this type, which is not destroyed meanwhile; or NULL
 * @generation: only objects of this generation, %REFSLAB_FROZEN_GENERATION
 *	included, leaf objects counting as generation 0; or
 *	%REFSLAB_ANY_GENERATION
 * @cursor: 0 to begin; set to what the next call is to be given, 0 at the end
 * @objs: filled with objects, each with a reference for the caller
 * @n: how many there is room for, at least 1
 *
 * Looks at 64 slabs and no more: it may well find nothing and not be at the end.
 * Objects that live from the first call to the last and do not change their
 * generation are found, once each; for others that is chance. Garbage that no
 * sweep has found yet lives, and finding it keeps it for as long as the caller
 * has the reference.
 *
 * Context: May sleep. May put, so it is a place where releases run.
 * Return: how many it found.
 */
unsigned int refslab_inspect_objects(struct refslab_heap *heap,
				     const struct refslab_type *type,
				     unsigned int generation, u64 *cursor,
				     struct refslab_object **objs, unsigned int n)
{
	struct walk walk = {
		.heap = heap,
		.type = type,
		.generation = generation,
		.objs = objs,
		.n = n,
	};

	return walk_run(&walk, cursor);
}
EXPORT_SYMBOL_GPL(refslab_inspect_objects);

/**
 * refslab_inspect_referrers - which objects have a slot that refers to one
 * @obj: the object; the caller holds a reference
 * @cursor: 0 to begin; set to what the next call is to be given, 0 at the end
 * @objs: filled with objects, each with a reference for the caller
 * @n: how many there is room for, at least 1
 *
 * As refslab_inspect_objects(), for all objects of the heap that have a slot
 * that refers to @obj from the first call to the last. One that has several is
 * found once; @obj may be one itself.
 *
 * Context: May sleep. May put, so it is a place where releases run.
 * Return: how many it found.
 */
unsigned int refslab_inspect_referrers(struct refslab_object *obj, u64 *cursor,
				       struct refslab_object **objs,
				       unsigned int n)
{
	struct walk walk = {
		.heap = refslab_heap_of(obj),
		.generation = REFSLAB_ANY_GENERATION,
		.target = obj,
		.objs = objs,
		.n = n,
	};

	return walk_run(&walk, cursor);
}
EXPORT_SYMBOL_GPL(refslab_inspect_referrers);

/**
 * refslab_inspect_referents - which objects one refers to
 * @obj: the object; the caller holds a reference
 * @cursor: 0 to begin; set to what the next call is to be given, 0 at the end
 * @objs: filled with objects, each with a reference for the caller, in the order
 *	of the slots
 * @n: how many there is room for, at least 1
 *
 * An object that several slots refer to is found as often. Slots that change
 * between the calls may be missed, or what they held be found twice.
 *
 * Context: As refslab_slot_load().
 * Return: how many it found.
 */
unsigned int refslab_inspect_referents(struct refslab_object *obj, u64 *cursor,
				       struct refslab_object **objs,
				       unsigned int n)
{
	const struct refslab_type *type = refslab_type_of(obj);
	u64 from = *cursor, at = 0;
	struct refslab_slot *slot;
	unsigned int found = 0;
	unsigned long i = 0;

	*cursor = 0;
	if (type->leaf)
		return 0;
	/* traverse() has a cursor of its own, and begins at the beginning */
	if (!type->traverse) {
		if (from >= type->slots)
			return 0;
		i = array_index_nospec(from, type->slots);
		at = from;
	}
	while ((slot = type_next_slot(type, obj, &i))) {
		if (at++ < from)
			continue;
		if (found == n) {
			*cursor = at - 1;
			break;
		}
		objs[found] = refslab_slot_load(slot);
		if (objs[found])
			found++;
	}
	return found;
}
EXPORT_SYMBOL_GPL(refslab_inspect_referents);

/**
 * refslab_is_tracked - whether sweeps look at an object
 * @obj: the object; the caller holds a reference
 *
 * Not at those of leaf types, nor at what is frozen or in quarantine.
 *
 * Context: Any context.
 * Return: true if they do.
 */
bool refslab_is_tracked(struct refslab_object *obj)
{
	return !refslab_type_of(obj)->leaf && object_generation(obj) < GENERATIONS;
}
EXPORT_SYMBOL_GPL(refslab_is_tracked);

/**
 * refslab_is_finalized - whether an object's finalize() has been called
 * @obj: the object; the caller holds a reference
 *
 * It is not called again.
 *
 * Context: Any context.
 * Return: true if it has, or is being.
 */
bool refslab_is_finalized(struct refslab_object *obj)
{
	/* pairs with the WRITE_ONCE() of the sweep that calls it */
	return !refslab_type_of(obj)->leaf &&
	       READ_ONCE(*object_note(obj)) & NOTE_FINALIZED;
}
EXPORT_SYMBOL_GPL(refslab_is_finalized);
