/* SPDX-License-Identifier: GPL-2.0 */
/* Weak references: names that do not keep an object alive. */
#ifndef _REFSLAB_WEAK_H
#define _REFSLAB_WEAK_H

#include <linux/refslab.h>
#include <linux/spinlock.h>

#include "slab.h"

#define WEAK_BUCKETS_BITS	14
#define WEAK_MAX		1024	/* of one bucket: a death goes through it */

/**
 * struct weak_bucket - weak references by their objects' numbers, hashed with a secret
 * @lock: raw and irqsave, because puts reach it; nothing is called under it but
 *	the dead() of references
 * @list: of struct refslab_weak; @lock
 */
struct weak_bucket {
	raw_spinlock_t		lock;
	struct hlist_head	list;
};

/**
 * struct weak_table - a heap's weak references
 * @buckets: allocated with the first one; cmpxchg, then fixed
 */
struct weak_table {
	struct weak_bucket	*buckets;
};

/*
 * Whether a dead object of a type that allows them had weak references, or is on
 * somebody's account: the bit was set while a reference was held, all of which
 * are gone.
 */
static inline bool weak_referred(struct refslab_object *obj)
{
	struct slab *slab = slab_of(obj);

	return test_bit(slab_index(slab, obj), slab_weak(slab));
}

unsigned int weak_dead(struct refslab_type *type, struct refslab_object *obj);
void weak_destroy(struct refslab_heap *heap);
int weak_validate(struct refslab_heap *heap);

#endif /* _REFSLAB_WEAK_H */
