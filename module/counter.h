/* SPDX-License-Identifier: GPL-2.0 */
/* Counters: what a type's allocations and frees did beyond the magazine. */
#ifndef _REFSLAB_COUNTER_H
#define _REFSLAB_COUNTER_H

#include <linux/percpu.h>

/*
 * Counted where the fast path has been left already: that one counts nothing.
 * Named as SLUB's are, where the meaning is the same.
 */
enum counter {
	ALLOC_SLOWPATH,	/* allocations that the magazine did not serve */
	ALLOC_REFILL,	/* half a magazine, or less, came from depot or slabs */
	ALLOC_BUSY,	/* of the slow ones: an interrupt found the magazine in use */
	ALLOC_SLAB,	/* slabs that came from the pool */
	FREE_SLOWPATH,	/* frees that the magazine did not take as it was */
	FREE_FLUSH,	/* half a magazine went to depot or slabs to make room */
	FREE_BUSY,	/* of the slow ones: an interrupt found the magazine in use */
	FREE_SLAB,	/* slabs that went back to the pool */
	COUNTERS
};

/**
 * struct counters - of one CPU and type
 * @n: this_cpu operations
 */
struct counters {
	unsigned long n[COUNTERS];
};

#define counter_add(type, counter, by) \
	this_cpu_add((type)->counters->n[counter], by)
#define counter_inc(type, counter) counter_add(type, counter, 1)

/* For information: others go on meanwhile. */
static inline unsigned long counter_sum(const struct counters __percpu *counters,
					enum counter counter)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		/* nothing but the sum is wanted, and it is old when it is read */
		sum += data_race(READ_ONCE(per_cpu_ptr(counters, cpu)->n[counter]));
	return sum;
}

#endif /* _REFSLAB_COUNTER_H */
