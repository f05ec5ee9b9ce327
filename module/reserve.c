// SPDX-License-Identifier: GPL-2.0
/*
 * Reserves: allocations that have happened before they are needed.
 *
 * A reserve has free objects, with their words 0, that have left the magazines
 * for it alone. Nobody else can take them, so that the next n allocations from
 * it are a step down in an array, whatever the pool, the page allocator and the
 * other users of the type are at.
 */
#include "reserve.h"

#include <linux/err.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "heap.h"
#include "report.h"

/**
 * refslab_prefill - set objects aside for allocations that must not fail
 * @type: their type, which cannot be destroyed as long as the reserve is there, be
 *	it used up
 * @n: how many, from 1 to 2^20
 * @gfp: as for refslab_alloc()
 *
 * Context: As refslab_alloc(); more than a page of pointers only with
 *	GFP_KERNEL.
 * Return: the reserve, or an ERR_PTR(): -EINVAL for @n, -ENOSPC at the heap's
 *	limit, -ENOMEM. With an error nothing is set aside.
 */
struct refslab_reserve *refslab_prefill(struct refslab_type *type, unsigned int n,
					gfp_t gfp)
{
	gfp_t account = type->heap->flags & REFSLAB_HEAP_ACCOUNT ? __GFP_ACCOUNT : 0;
	struct refslab_reserve *reserve;
	int err;

	if (!n || n > RESERVE_MAX)
		return ERR_PTR(-EINVAL);
	reserve = kvzalloc(struct_size(reserve, objects, n), gfp | account);
	if (!reserve)
		return ERR_PTR(-ENOMEM);
	reserve->type = type;
	atomic_inc(&type->reserves);
	reserve->size = n;
	raw_spin_lock_init(&reserve->lock);
	err = refslab_reserve_refill(reserve, gfp);
	if (err) {
		refslab_reserve_destroy(reserve);
		return ERR_PTR(err);
	}
	return reserve;
}
EXPORT_SYMBOL_GPL(refslab_prefill);

/* False if it is full. */
static bool reserve_push(struct refslab_reserve *reserve, struct refslab_object *obj)
{
	unsigned long flags;
	bool room;

	raw_spin_lock_irqsave(&reserve->lock, flags);
	room = reserve->count < reserve->size;
	if (room) {
		reserve->objects[reserve->count] = obj;
		/* pairs with the READ_ONCE() in refill and left */
		WRITE_ONCE(reserve->count, reserve->count + 1);
		atomic_long_inc(&reserve->type->reserved);
	}
	raw_spin_unlock_irqrestore(&reserve->lock, flags);
	return room;
}

static struct refslab_object *reserve_pop(struct refslab_reserve *reserve)
{
	struct refslab_object *obj = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&reserve->lock, flags);
	if (reserve->count) {
		obj = reserve->objects[reserve->count - 1];
		/* pairs with the READ_ONCE() in refill and left */
		WRITE_ONCE(reserve->count, reserve->count - 1);
		atomic_long_dec(&reserve->type->reserved);
	}
	raw_spin_unlock_irqrestore(&reserve->lock, flags);
	return obj;
}

/**
 * refslab_reserve_refill - bring a reserve up to its size again
 * @reserve: the reserve; others may allocate from it meanwhile
 * @gfp: as for refslab_alloc()
 *
 * Context: As refslab_alloc().
 * Return: 0; -ENOSPC at the heap's limit, -ENOMEM: then it has as many as could
 *	be had.
 */
int refslab_reserve_refill(struct refslab_reserve *reserve, gfp_t gfp)
{
	struct refslab_object *obj;

	while (refslab_reserve_left(reserve) < reserve->size) {
		obj = magazine_take(reserve->type) ?:
		      magazine_alloc_slow(reserve->type, gfp);
		if (IS_ERR(obj))
			return PTR_ERR(obj);
		/* what was misused is found now, and not when it is needed */
		if (atomic64_read(&obj->word)) {
			report_bad_word(reserve->type, obj);
			continue;
		}
		if (!reserve_push(reserve, obj)) {
			magazine_free(reserve->type, obj);
			break;
		}
		if (gfpflags_allow_blocking(gfp))
			cond_resched();
	}
	return 0;
}
EXPORT_SYMBOL_GPL(refslab_reserve_refill);

/**
 * refslab_alloc_reserved - allocate an object that was set aside
 * @reserve: the reserve
 *
 * As refslab_alloc(), for the objects of the reserve, until it is empty. It does
 * not fail before, in no context and with no memory left; unless somebody writes
 * to an object of the reserve after its release, which is reported.
 *
 * Context: Any context but NMI.
 * Return: the object, or NULL if the reserve is empty.
 */
struct refslab_object *refslab_alloc_reserved(struct refslab_reserve *reserve)
{
	struct refslab_object *obj;

	do {
		obj = reserve_pop(reserve);
	} while (obj && unlikely(!object_make(reserve->type, obj, 0)));
	return obj;
}
EXPORT_SYMBOL_GPL(refslab_alloc_reserved);

/**
 * refslab_reserve_left - how many allocations a reserve still guarantees
 * @reserve: the reserve
 *
 * Context: Any context.
 * Return: the number; others may allocate from it meanwhile.
 */
unsigned int refslab_reserve_left(struct refslab_reserve *reserve)
{
	return READ_ONCE(reserve->count);
}
EXPORT_SYMBOL_GPL(refslab_reserve_left);

/**
 * refslab_reserve_destroy - give back what is left of a reserve
 * @reserve: the reserve, which nobody uses any more; before its type and heap go
 *
 * Context: Any context that kvfree() can be called in.
 */
void refslab_reserve_destroy(struct refslab_reserve *reserve)
{
	struct refslab_object *obj;

	while ((obj = reserve_pop(reserve)))
		magazine_free(reserve->type, obj);
	/* release: the type may go; pairs with type_destroy() */
	(void)atomic_dec_return_release(&reserve->type->reserves);
	kvfree(reserve);
}
EXPORT_SYMBOL_GPL(refslab_reserve_destroy);

/**
 * reserve_validate - check what a reserve has
 * @reserve: the reserve, which nobody uses meanwhile
 *
 * Return: 0, or -EUCLEAN after a WARN.
 */
int reserve_validate(struct refslab_reserve *reserve)
{
	int err = reserve->count > reserve->size ? -EUCLEAN : 0;
	unsigned int i;

	for (i = 0; !err && i < reserve->count; i++) {
		struct refslab_object *obj = reserve->objects[i];
		struct slab *slab = slab_of(obj);

		if (slab->type != reserve->type || atomic64_read(&obj->word) ||
		    slab_is_free(slab, slab_index(slab, obj)))
			err = -EUCLEAN;
	}
	WARN(err, "refslab: heap %s: a reserve of type %s has what it should not\n",
	     reserve->type->heap->name, reserve->type->name);
	return err;
}
