// SPDX-License-Identifier: GPL-2.0
/*
 * Freezing: objects out of the sweeper's sight.
 *
 * A frozen object is of a generation that no sweep looks at: it is neither
 * gathered nor a candidate, and counts as an external reference of what it
 * refers to. Its own count works as ever. A quarantined object is a frozen one
 * that a sweep would have freed.
 *
 * The note of an object is the sweep's while the object is GATHERED; so that is
 * what we make it, one at a time, holding the sweep's mutex.
 */
#include <linux/export.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "heap.h"

/* Objects looked at in one RCU read section. */
#define SECTION_OBJECTS	64

#define FROZEN		((u64)GENERATION_FROZEN << NOTE_GEN_SHIFT)
#define OLDEST		((u64)(GENERATIONS - 1) << NOTE_GEN_SHIFT)

static bool is_frozen(u64 note)
{
	return (note & NOTE_GEN) == FROZEN;
}

static bool want_free(u64 note)
{
	return !is_frozen(note);
}

static bool want_frozen(u64 note)
{
	return is_frozen(note) && !(note & NOTE_QUARANTINED);
}

static bool want_quarantined(u64 note)
{
	return is_frozen(note) && note & NOTE_QUARANTINED;
}

/*
 * Looks at every object with slots that lives, and gives those that @want the
 * note @note, unless that is 0. Objects made meanwhile may be missed.
 */
static unsigned long walk(struct refslab_heap *heap, bool (*want)(u64 note),
			  u64 note, bool list)
{
	struct refslab_object *obj;
	unsigned long n = 0;
	u32 number, i, from, end;
	struct slab *slab;

	for (number = 0; number < READ_ONCE(heap->pool.next_number); number++) {
		for (from = 0, end = 1; from < end; from += SECTION_OBJECTS) {
			rcu_read_lock();
			/* perhaps another than a moment ago: as good */
			slab = slab_walk(&heap->pool, number);
			end = slab && !slab->type->leaf ? slab->layout->objects : 0;
			for (i = from; i < min(end, from + SECTION_OBJECTS); i++) {
				obj = slab_object(slab, i);
				if (!(atomic64_read(&obj->word) & REFSLAB_COUNT_MASK) ||
				    !want(READ_ONCE(*object_note(obj))))
					continue;
				if (note) {
					if (!sweep_own(obj, 0))
						continue;
					sweep_disown(obj, note | (READ_ONCE(*object_note(obj)) &
								  NOTE_FINALIZED), list);
				}
				n++;
			}
			rcu_read_unlock();
			cond_resched();
		}
	}
	return n;
}

static long walk_locked(struct refslab_heap *heap, bool (*want)(u64 note),
			u64 note, bool list)
{
	int err = sweep_lock(heap);
	long n;

	if (err)
		return err;
	n = walk(heap, want, note, list);
	mutex_unlock(&heap->sweep.mutex);
	return n;
}

/**
 * refslab_freeze - put all objects out of the sweeper's sight
 * @heap: the heap
 *
 * For what is built once and stays: sweeps do not look at it again. A cycle
 * through a frozen object is not collected; counts go on working.
 *
 * Context: May sleep.
 * Return: how many objects with slots were frozen; -EDEADLK within a release, a
 *	finalizer or a listener, -EINTR if the caller was killed while it waited
 *	for a sweep.
 */
long refslab_freeze(struct refslab_heap *heap)
{
	return walk_locked(heap, want_free, FROZEN, false);
}
EXPORT_SYMBOL_GPL(refslab_freeze);

/**
 * refslab_unfreeze - make all frozen objects candidates of the oldest generation
 * @heap: the heap
 *
 * Context: May sleep.
 * Return: how many there were; errors as refslab_freeze().
 */
long refslab_unfreeze(struct refslab_heap *heap)
{
	return walk_locked(heap, want_frozen, OLDEST, true);
}
EXPORT_SYMBOL_GPL(refslab_unfreeze);

/**
 * refslab_frozen - how many objects are frozen
 * @heap: the heap
 *
 * Looks at every object.
 *
 * Context: May sleep.
 * Return: the number; approximate while others work.
 */
unsigned long refslab_frozen(struct refslab_heap *heap)
{
	return walk(heap, want_frozen, 0, false);
}
EXPORT_SYMBOL_GPL(refslab_frozen);

/**
 * refslab_set_quarantine - keep what sweeps would free, for debugging
 * @heap: the heap
 * @on: from now on
 *
 * What a sweep finds to be garbage is frozen and marked in place of being freed,
 * and counted as unfreed. It can be looked at until refslab_drain_quarantine().
 *
 * Context: Any context.
 */
void refslab_set_quarantine(struct refslab_heap *heap, bool on)
{
	WRITE_ONCE(heap->sweep.quarantine, on);
}
EXPORT_SYMBOL_GPL(refslab_set_quarantine);

/**
 * refslab_get_quarantine - whether what sweeps would free is kept
 * @heap: the heap
 *
 * Context: Any context.
 * Return: as it was set last; false in a new heap.
 */
bool refslab_get_quarantine(struct refslab_heap *heap)
{
	return READ_ONCE(heap->sweep.quarantine);
}
EXPORT_SYMBOL_GPL(refslab_get_quarantine);

/**
 * refslab_drain_quarantine - make quarantined objects candidates again
 * @heap: the heap
 *
 * With the quarantine off the next full sweep frees those that are garbage
 * still.
 *
 * Context: May sleep.
 * Return: how many there were; errors as refslab_freeze().
 */
long refslab_drain_quarantine(struct refslab_heap *heap)
{
	return walk_locked(heap, want_quarantined, OLDEST, true);
}
EXPORT_SYMBOL_GPL(refslab_drain_quarantine);

/**
 * refslab_quarantined - how many objects are in quarantine
 * @heap: the heap
 *
 * Looks at every object.
 *
 * Context: May sleep.
 * Return: the number; approximate while others work.
 */
unsigned long refslab_quarantined(struct refslab_heap *heap)
{
	return walk(heap, want_quarantined, 0, false);
}
EXPORT_SYMBOL_GPL(refslab_quarantined);
