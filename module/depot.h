/* SPDX-License-Identifier: GPL-2.0 */
/* Depots: a node's larger stack of free objects, between magazines and slabs. */
#ifndef _REFSLAB_DEPOT_H
#define _REFSLAB_DEPOT_H

#include <linux/refslab.h>
#include <linux/spinlock.h>

/**
 * struct depot - of one type and NUMA node
 * @lock: raw and irqsave, because puts reach it. Within it: the node's lock
 * @count: how many objects it has; @lock
 * @room: how many it can have; fixed
 * @objects: they; @lock
 */
struct depot {
	raw_spinlock_t	lock;
	u32		count;
	u32		room;
	void		*objects[];
};

int depot_create(struct refslab_type *type, gfp_t gfp);
void depot_destroy(struct refslab_type *type);

unsigned int depot_take(struct refslab_type *type, int nid, unsigned int n, void **objects);
unsigned int depot_give(struct refslab_type *type, unsigned int n, void **objects);
void depot_pour(struct refslab_type *type);
void depot_settle(struct refslab_type *type);
unsigned long depot_objects(const struct refslab_type *type);
int depot_validate(struct refslab_type *type);

/*
 * Moves objects, towards the beginning if the two overlap. Four at a time: as
 * quick as memmove() for so few, and counted by the instruction.
 */
static inline void move_objects(void **to, void **from, unsigned int n)
{
	for (; n >= 4; n -= 4, to += 4, from += 4) {
		void *a = from[0], *b = from[1], *c = from[2], *d = from[3];

		to[0] = a;
		to[1] = b;
		to[2] = c;
		to[3] = d;
	}
	while (n--)
		*to++ = *from++;
}

#endif /* _REFSLAB_DEPOT_H */
