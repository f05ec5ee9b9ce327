// SPDX-License-Identifier: GPL-2.0
/*
 * Candidates: objects that may be part of a cycle cut loose, and where they are.
 *
 * The word says LISTED; a bit in the slab, the hint, says where to look, and the
 * slab is on the heap's dirty list of that generation. The word is the truth: a
 * candidate that dies by its count leaves a stale hint behind and is freed at
 * once.
 */
#include "candidate.h"

#include <linux/rcupdate.h>

#include "delay.h"
#include "heap.h"

/*
 * Puts a slab with a hint on its dirty list, unless it is there. The lock is that
 * of all the heap: a slab that has been told of needs none.
 */
static void mark_dirty(struct slab *slab, unsigned int generation)
{
	struct refslab_heap *heap = slab->heap;
	struct list_head *list = &heap->sweep.dirty[generation];
	unsigned long flags;
	bool first = false;

	/*
	 * Pairs with the barrier in gather_slab(), which comes after
	 * list_del_init(). Who links it just now, with the list's plain stores,
	 * holds the lock, and sweeps take it off after.
	 */
	if (!data_race(list_empty(&slab->dirty[generation])))
		return;
	raw_spin_lock_irqsave(&heap->sweep.dirty_lock, flags);
	/* a slab that has emptied since has no candidates */
	if (!slab->retired && list_empty(&slab->dirty[generation])) {
		first = list_empty(list);
		list_add_tail(&slab->dirty[generation], list);
	}
	raw_spin_unlock_irqrestore(&heap->sweep.dirty_lock, flags);
	if (first)
		trigger_candidates(heap);
}

/**
 * candidate_hint - tell sweeps where a LISTED object is
 * @slab: its slab
 * @obj: the object; the caller's read section began when it lived
 * @generation: its generation
 *
 * Context: Any context.
 */
void candidate_hint(struct slab *slab, struct refslab_object *obj,
		    unsigned int generation)
{
	/* out of the sweeper's sight; thawing lists it */
	if (generation == GENERATION_FROZEN)
		return;
	set_bit(slab_index(slab, obj), slab_hints(slab, generation));
	/*
	 * Either we see the slab off its dirty list and put it back, or the
	 * sweep, which takes it off first, sees the hint. Pairs with the
	 * barrier in gather_slab().
	 */
	smp_mb__after_atomic();
	delay_at(DELAY_HINT);
	mark_dirty(slab, generation);
}

/**
 * candidate_list - make an object a candidate
 * @obj: an object whose memory stays one for the time of the call: the caller
 *	has a reference, or is in the read section in which it learnt of it
 *
 * Context: Any context.
 */
void candidate_list(struct refslab_object *obj)
{
	u64 old = atomic64_read(&obj->word);

	do {
		if (!(old & REFSLAB_COUNT_MASK) || !(old & REFSLAB_UNLISTED) ||
		    old & (REFSLAB_PINNED | REFSLAB_CLAIMED))
			return;
		/*
		 * Full barrier: the generation below is that of this life or
		 * later, and who takes the hint finds the object LISTED.
		 */
	} while (!atomic64_try_cmpxchg(&obj->word, (s64 *)&old,
				       old & ~REFSLAB_UNLISTED));
	/* the sweep that has it lets it go as touched, and sets the hint */
	if (old & REFSLAB_GATHERED)
		return;
	delay_at(DELAY_LIST);
	candidate_hint(slab_of(obj), obj, object_generation(obj));
}

/**
 * candidate_list_late - make an object a candidate that may be gone
 * @obj: an object whose count went down without reaching zero some time ago
 *
 * Nothing has kept the object since. In a read section begun now we ask whether
 * its page belongs to a slab: if it does, it stays that slab to the end of the
 * section, and what is at the address is the object, the next one there, which
 * becomes a candidate for nothing, or none. If it does not, the object is dead,
 * and needs no sweep.
 *
 * Context: Any context.
 */
void candidate_list_late(struct refslab_object *obj)
{
	struct slab *slab;

	rcu_read_lock();
	slab = slab_find(obj);
	if (slab && !slab->type->leaf && slab_has(slab, obj))
		candidate_list(obj);
	rcu_read_unlock();
}

/**
 * candidate_retire - a slab goes back to the pool, and no sweep is to find it
 * @slab: the slab, all its objects free
 *
 * Context: Any context, its node's lock held.
 */
void candidate_retire(struct slab *slab)
{
	struct sweep *sweep = &slab->heap->sweep;
	unsigned int gen;

	raw_spin_lock(&sweep->dirty_lock);
	slab->retired = true;
	for (gen = 0; gen < GENERATIONS; gen++)
		list_del_init(&slab->dirty[gen]);
	raw_spin_unlock(&sweep->dirty_lock);
}

/**
 * candidate_any - whether a sweep would have anything to look at
 * @sweep: the sweeper
 * @generation: of this generation or younger
 *
 * Context: Any context.
 */
bool candidate_any(struct sweep *sweep, unsigned int generation)
{
	unsigned int gen;

	for (gen = 0; gen <= generation; gen++)
		/* unlike its prev its next is marked; who fills the list tells of it after */
		if (!list_empty(&sweep->dirty[gen]))
			return true;
	return false;
}

/**
 * candidate_validate - check that no candidate is lost and nothing is left over
 * @heap: a heap that nobody uses meanwhile; its sweep.mutex held
 *
 * Return: 0, or -EUCLEAN after a WARN.
 */
int candidate_validate(struct refslab_heap *heap)
{
	struct sweep *sweep = &heap->sweep;
	u32 number, i, bad = 0;

	if (atomic64_read(&sweep->commit) & COMMIT_STATE)
		bad++;
	for (number = 0; number < READ_ONCE(heap->pool.next_number); number++) {
		struct slab *slab;

		rcu_read_lock();
		slab = slab_walk(&heap->pool, number);
		for (i = 0; slab && i < slab->layout->objects; i++) {
			struct refslab_object *obj = slab_object(slab, i);
			u64 word = atomic64_read(&obj->word);
			unsigned int gen;

			if (!object_sane(obj) || word & REFSLAB_GATHERED)
				bad++;
			if (slab->type->leaf || !(word & REFSLAB_COUNT_MASK) ||
			    word & REFSLAB_UNLISTED)
				continue;
			gen = object_generation(obj);
			if (gen == GENERATION_FROZEN)
				continue;
			if (!test_bit(i, slab_hints(slab, gen)) ||
			    list_empty(&slab->dirty[gen]))
				bad++;
		}
		rcu_read_unlock();
	}
	WARN(bad, "refslab: heap %s: %u objects are not as a sweep leaves them\n",
	     heap->name, bad);
	return bad ? -EUCLEAN : 0;
}
