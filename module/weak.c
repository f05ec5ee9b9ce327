// SPDX-License-Identifier: GPL-2.0
/*
 * Weak references: names that do not keep an object alive.
 *
 * They are in a table by the number of their object. A bit in the slab tells
 * the object's death, by count or by sweep, that there are any; it clears them
 * before the memory goes back. An upgrade is a tryget, which knows the instant
 * of a commit, and reads the reference again afterwards: if the object died in
 * between and what we got is the next one at that address, it has been cleared.
 */
#include "weak.h"

#include <linux/mm.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#include "account.h"
#include "heap.h"
#include "payer.h"

/*
 * By the object's number and a secret. Who can tell that two of his objects have
 * the same bucket, and a full one tells it, would from a hash of their addresses
 * learn the addresses; and without the secret could fill one bucket on purpose.
 */
static u32 bucket_of(struct refslab_object *obj)
{
	return siphash_1u32(slab_number(obj), &slab_of(obj)->heap->pool.random) &
	       (BIT(WEAK_BUCKETS_BITS) - 1);
}

static struct weak_bucket *weak_buckets(struct refslab_heap *heap)
{
	struct weak_table *table = &heap->weak;
	struct weak_bucket *buckets = READ_ONCE(table->buckets), *other;
	u32 i;

	if (buckets)
		return buckets;
	buckets = payer_zalloc(&heap->pool, sizeof(*buckets) << WEAK_BUCKETS_BITS,
			       GFP_KERNEL);
	if (!buckets)
		return NULL;
	for (i = 0; i < BIT(WEAK_BUCKETS_BITS); i++)
		raw_spin_lock_init(&buckets[i].lock);
	/* full barrier: who finds them finds them initialised */
	other = cmpxchg(&table->buckets, NULL, buckets);
	if (!other)
		return buckets;
	kvfree(buckets);
	return other;
}

/**
 * refslab_weak_set - let a weak reference refer to an object
 * @weak: a cleared or dead one, or one that refslab_weak_init() made; setting
 *	and clearing it is for one at a time
 * @obj: the object, of a type with REFSLAB_TYPE_WEAK; the caller holds a
 *	reference
 *
 * Context: May sleep.
 * Return: 0; -EINVAL if the object's type does not allow it, -EBUSY if @weak
 *	refers to something already, -EOVERFLOW if the object, with those
 *	that share its place in the table, has 1024 weak references, -ENOMEM.
 */
int refslab_weak_set(struct refslab_weak *weak, struct refslab_object *obj)
{
	struct slab *slab = slab_of(obj);
	struct refslab_heap *heap = slab->heap;
	struct weak_bucket *bucket;
	struct refslab_weak *other;
	unsigned long flags;
	u32 n = 0;

	if (!(slab->type->flags & REFSLAB_TYPE_WEAK))
		return -EINVAL;
	/* until dead() has returned it is not ours; pairs with weak_dead() */
	if (smp_load_acquire(&weak->heap))
		return -EBUSY;
	bucket = weak_buckets(heap);
	if (!bucket)
		return -ENOMEM;
	bucket += bucket_of(obj);
	raw_spin_lock_irqsave(&bucket->lock, flags);
	/* weak_dead() goes through all of the bucket with interrupts off */
	hlist_for_each_entry(other, &bucket->list, node)
		n++;
	if (n >= WEAK_MAX) {
		raw_spin_unlock_irqrestore(&bucket->lock, flags);
		return -EOVERFLOW;
	}
	weak->bucket = bucket_of(obj);
	weak->heap = heap;
	hlist_add_head(&weak->node, &bucket->list);
	set_bit(slab_index(slab, obj), slab_weak(slab));
	/* pairs with the smp_load_acquire() in refslab_weak_get() */
	smp_store_release(&weak->target, obj);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return 0;
}
EXPORT_SYMBOL_GPL(refslab_weak_set);

/**
 * refslab_weak_get - take a reference to what a weak reference refers to
 * @weak: the weak reference
 *
 * Linearizable against the sweep: from the instant of its commit on, the object
 * is dead.
 *
 * May put, where the object died meanwhile: so it is a place where releases run.
 *
 * Context: As refslab_put().
 * Return: the object with a reference for the caller; NULL if it is dead.
 */
struct refslab_object *refslab_weak_get(struct refslab_weak *weak)
{
	struct refslab_object *obj;
	bool got;

	rcu_read_lock();
	/* pairs with the smp_store_release() in refslab_weak_set() */
	obj = smp_load_acquire(&weak->target);
	got = obj && refslab_tryget(obj);
	rcu_read_unlock();
	if (!got)
		return NULL;
	/*
	 * It was cleared before the memory was free, and the memory was free
	 * before the next object got the count that our tryget acquired.
	 */
	if (READ_ONCE(weak->target) == obj)
		return obj;
	refslab_put(obj);
	return NULL;
}
EXPORT_SYMBOL_GPL(refslab_weak_get);

static void weak_end(struct refslab_weak *weak)
{
	hlist_del_init(&weak->node);
	WRITE_ONCE(weak->target, NULL);
}

/**
 * refslab_weak_clear - let a weak reference refer to nothing
 * @weak: the weak reference; set, dead or never set
 *
 * Afterwards its dead() is not running and will not, so that its memory can go
 * once an RCU grace period has passed, or at once if nobody else uses it.
 *
 * Context: Any context, but not from a dead().
 */
void refslab_weak_clear(struct refslab_weak *weak)
{
	/* pairs with the smp_store_release() of those who called dead() */
	struct refslab_heap *heap = smp_load_acquire(&weak->heap);
	struct weak_bucket *bucket;
	unsigned long flags;

	if (!heap)
		return;
	/* there are some; who wanted to make them too finds that out by a cmpxchg() */
	bucket = &READ_ONCE(heap->weak.buckets)[weak->bucket];
	raw_spin_lock_irqsave(&bucket->lock, flags);
	if (!hlist_unhashed(&weak->node))
		weak_end(weak);
	/* read next by the same owner, but marked wherever it is read */
	WRITE_ONCE(weak->heap, NULL);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
}
EXPORT_SYMBOL_GPL(refslab_weak_clear);

/**
 * weak_dead - an object has died
 * @type: its type, with REFSLAB_TYPE_WEAK
 * @obj: the object, whose memory has not been given back
 *
 * Context: Any context.
 * Return: how many weak references there were.
 */
unsigned int weak_dead(struct refslab_type *type, struct refslab_object *obj)
{
	struct slab *slab = slab_of(obj);
	u32 index = slab_index(slab, obj);
	struct weak_bucket *bucket;
	struct refslab_weak *weak;
	struct hlist_node *next;
	unsigned int n = 0;
	unsigned long flags;

	if (!weak_referred(obj))
		return 0;
	account_dead(type, obj);
	/* pairs with the cmpxchg in weak_buckets() */
	bucket = smp_load_acquire(&type->heap->weak.buckets);
	if (!bucket) {
		/* it was there for the account alone */
		clear_bit(index, slab_weak(slab));
		return 0;
	}
	bucket += bucket_of(obj);
	raw_spin_lock_irqsave(&bucket->lock, flags);
	hlist_for_each_entry_safe(weak, next, &bucket->list, node) {
		if (weak->target != obj)
			continue;
		weak_end(weak);
		if (weak->dead)
			weak->dead(weak);
		/* after dead(): who finds none need not wait for us */
		smp_store_release(&weak->heap, NULL);
		n++;
	}
	clear_bit(index, slab_weak(slab));
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return n;
}

/**
 * weak_destroy - the heap goes, and all weak references with it
 * @heap: a heap that nobody uses any more
 *
 * Context: May sleep.
 */
void weak_destroy(struct refslab_heap *heap)
{
	struct weak_bucket *bucket = heap->weak.buckets;
	struct refslab_weak *weak;
	struct hlist_node *next;
	u32 i;

	if (!bucket)
		return;
	for (i = 0; i < BIT(WEAK_BUCKETS_BITS); i++, bucket++) {
		raw_spin_lock_irq(&bucket->lock);
		hlist_for_each_entry_safe(weak, next, &bucket->list, node) {
			weak_end(weak);
			if (weak->dead)
				weak->dead(weak);
			/* as in weak_dead() */
			smp_store_release(&weak->heap, NULL);
		}
		raw_spin_unlock_irq(&bucket->lock);
		cond_resched();
	}
	kvfree(heap->weak.buckets);
}

/**
 * weak_validate - check the table of weak references
 * @heap: a heap that nobody uses meanwhile
 *
 * Return: 0, or -EUCLEAN after a WARN.
 */
int weak_validate(struct refslab_heap *heap)
{
	struct weak_bucket *bucket = heap->weak.buckets;
	struct refslab_weak *weak;
	u32 i, bad = 0;

	for (i = 0; bucket && i < BIT(WEAK_BUCKETS_BITS); i++, bucket++) {
		raw_spin_lock_irq(&bucket->lock);
		hlist_for_each_entry(weak, &bucket->list, node) {
			struct refslab_object *obj = weak->target;
			struct slab *slab = slab_of(obj);

			if (weak->heap != heap || weak->bucket != i ||
			    bucket_of(obj) != i || slab->heap != heap ||
			    !refslab_count(obj) ||
			    !test_bit(slab_index(slab, obj), slab_weak(slab)))
				bad++;
		}
		raw_spin_unlock_irq(&bucket->lock);
	}
	WARN(bad, "refslab: heap %s: %u weak references are not as they should be\n",
	     heap->name, bad);
	return bad ? -EUCLEAN : 0;
}
