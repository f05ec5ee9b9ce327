// SPDX-License-Identifier: GPL-2.0
/*
 * Slots: counted references between objects of a heap.
 *
 * No operation moves an edge without touching the word of its target: that is
 * what lets a sweep trust a word that did not change. Storing is get, then
 * store; clearing is clear, then put; moving is both. Slots change by xchg and
 * cmpxchg only.
 */
#include <linux/export.h>
#include <linux/refslab.h>

#include "delay.h"
#include "report.h"
#include "slab.h"

/*
 * How often a slot is looked at whose target is dead. While it refers to an object
 * that object lives: what is seen dead is what the slot referred to before, and it
 * has changed by the next look, or another has the same address by then.
 */
#define LOAD_TRIES	1000

/* Somebody has put once too often what the slot still counts on; that may be anything by now. */
static noinline struct refslab_object *slot_stale(struct refslab_object *target)
{
	struct chunk *chunk;

	rcu_read_lock();
	chunk = chunk_find(target);
	report_stale_slot(chunk && slab_has(container_of(chunk, struct slab, chunk), target) ?
			  target : NULL);
	rcu_read_unlock();
	return NULL;
}

/**
 * refslab_slot_load - take a reference to what a slot refers to
 * @slot: a slot of an object the caller holds a reference to
 *
 * May put, where the slot changed meanwhile: so it is a place where releases
 * run.
 *
 * Context: As refslab_put().
 * Return: the object, with a reference for the caller; NULL if the slot is
 *	empty, or refers to what somebody put once too often, which is reported.
 */
struct refslab_object *refslab_slot_load(struct refslab_slot *slot)
{
	struct refslab_object *target;
	unsigned int dead = 0;
	bool got;

	for (;;) {
		rcu_read_lock();
		/* acquire: pairs with the xchg that stored the target */
		target = smp_load_acquire(&slot->target);
		delay_at(DELAY_LOAD);
		got = target && refslab_tryget(target);
		rcu_read_unlock();
		if (!target)
			return NULL;
		if (got && likely(READ_ONCE(slot->target) == target))
			return target;
		/*
		 * The slot has changed: it does not keep the target alive any
		 * more, or what we got is the next object at that address.
		 */
		if (got)
			refslab_put(target);
		/* who put it once too often has left the slot as it was */
		else if (unlikely(++dead >= LOAD_TRIES && READ_ONCE(slot->target) == target))
			return slot_stale(target);
		cpu_relax();
	}
}
EXPORT_SYMBOL_GPL(refslab_slot_load);

/**
 * refslab_slot_set - let a slot refer to an object
 * @slot: a slot of an object the caller holds a reference to
 * @target: an object of the same heap the caller holds a reference to, or NULL
 *
 * The slot takes a reference of its own; what it referred to loses one.
 *
 * Context: As refslab_put().
 */
void refslab_slot_set(struct refslab_slot *slot, struct refslab_object *target)
{
	struct refslab_object *old;

	if (target)
		refslab_get(target);
	old = xchg(&slot->target, target);
	delay_at(DELAY_SLOT);
	if (old)
		refslab_put(old);
}
EXPORT_SYMBOL_GPL(refslab_slot_set);

/**
 * refslab_slot_clear - empty a slot
 * @slot: a slot of an object the caller holds a reference to
 *
 * Context: As refslab_put().
 */
void refslab_slot_clear(struct refslab_slot *slot)
{
	refslab_slot_set(slot, NULL);
}
EXPORT_SYMBOL_GPL(refslab_slot_clear);

/**
 * refslab_slot_move - move a reference from one slot to another
 * @to: a slot of an object the caller holds a reference to; what it referred to
 *	loses a reference
 * @from: another, in an object of the same heap; empty afterwards
 *
 * Two steps: for an instant the reference is in neither slot.
 *
 * Context: As refslab_put().
 */
void refslab_slot_move(struct refslab_slot *to, struct refslab_slot *from)
{
	struct refslab_object *target, *old;

	if (to == from)
		return;
	target = xchg(&from->target, NULL);
	delay_at(DELAY_SLOT);
	if (target)
		refslab_get(target);
	old = xchg(&to->target, target);
	if (target)
		refslab_put(target);
	if (old)
		refslab_put(old);
}
EXPORT_SYMBOL_GPL(refslab_slot_move);

/**
 * refslab_slot_cmpxchg - let a slot refer to another object if it is unchanged
 * @slot: a slot of an object the caller holds a reference to
 * @old: what it is expected to refer to, or NULL; the caller holds a reference
 * @target: what it is to refer to, or NULL; the caller holds a reference
 *
 * Context: As refslab_put().
 * Return: true if it did and now refers to @target.
 */
bool refslab_slot_cmpxchg(struct refslab_slot *slot, struct refslab_object *old,
			  struct refslab_object *target)
{
	if (target)
		refslab_get(target);
	if (cmpxchg(&slot->target, old, target) != old) {
		if (target)
			refslab_put(target);
		return false;
	}
	delay_at(DELAY_SLOT);
	if (old)
		refslab_put(old);
	return true;
}
EXPORT_SYMBOL_GPL(refslab_slot_cmpxchg);
