/* SPDX-License-Identifier: GPL-2.0 */
/* Reserves: allocations that have happened before they are needed. */
#ifndef _REFSLAB_RESERVE_H
#define _REFSLAB_RESERVE_H

#include <linux/bits.h>
#include <linux/refslab.h>
#include <linux/spinlock.h>

#define RESERVE_MAX	BIT(20)

/**
 * struct refslab_reserve - free objects set aside
 * @type: theirs; fixed
 * @lock: raw and irqsave, since who takes may be in any context
 * @size: how many there are to be; fixed
 * @count: how many there are; @lock
 * @objects: of these; @lock
 */
struct refslab_reserve {
	struct refslab_type *type;
	raw_spinlock_t	lock;
	unsigned int	size;
	unsigned int	count;
	struct refslab_object *objects[];
};

int reserve_validate(struct refslab_reserve *reserve);

#endif /* _REFSLAB_RESERVE_H */
