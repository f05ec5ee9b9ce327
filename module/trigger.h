/* SPDX-License-Identifier: GPL-2.0 */
/* Triggers: when to sweep. */
#ifndef _REFSLAB_TRIGGER_H
#define _REFSLAB_TRIGGER_H

#include <linux/refslab.h>
#include <linux/workqueue.h>

#include "slab.h"
#include "tenant.h"

/**
 * struct trigger - a heap's thresholds, and what they are compared with
 * @threshold: as in sysfs; WRITE_ONCE
 * @enabled: automatic sweeps run; WRITE_ONCE
 * @out: objects with slots outside slabs and depots: with users, in magazines,
 *	or in reserves; atomic
 * @base: what @out was, less magazines, at the last sweep; never above @out
 *	since; WRITE_ONCE, a lost update makes a sweep come late
 * @base_out: the same with magazines
 * @count: sweeps of the next younger generation since the last of this, [0]
 *	unused; sweep.mutex
 * @work: an automatic sweep
 * @turn: its turn among what is done for the tenant
 * @rest_until: no automatic sweep of an accounted heap before; ns of
 *	ktime_get(); sweep.mutex to write
 * @idle: a sweep because nothing happens, or memory is short
 * @idle_turn: its turn
 * @idle_until: no sweep of an idle heap before; ns of ktime_get(); sweep.mutex to
 *	write
 * @idle_out: what @out was when @idle ran last; sweep.mutex
 * @urgent: memory is short; xchg
 * @pressed_at: jiffies when it was said so last, never 0; WRITE_ONCE
 * @drained_at: jiffies when magazines were emptied for want of memory, never 0;
 *	WRITE_ONCE
 * @closing: no more automatic sweeps; WRITE_ONCE
 */
struct trigger {
	u32		threshold[GENERATIONS];
	bool		enabled;
	atomic64_t	out;
	s64		base;
	s64		base_out;
	u32		count[GENERATIONS];
	struct delayed_work work;
	struct tenant_turn turn;
	u64		rest_until;
	struct delayed_work idle;
	struct tenant_turn idle_turn;
	u64		idle_until;
	s64		idle_out;
	bool		urgent;
	unsigned long	pressed_at;
	unsigned long	drained_at;
	bool		closing;
};

void trigger_init(struct trigger *trigger, struct tenant *tenant);
void trigger_close(struct trigger *trigger);
void trigger_taken(struct refslab_heap *heap, unsigned int n);
void trigger_given(struct refslab_heap *heap, unsigned int n);
void trigger_candidates(struct refslab_heap *heap);
void trigger_pressure(struct refslab_heap *heap);
bool trigger_garbage(struct refslab_heap *heap);
bool trigger_pressed(struct refslab_heap *heap);

#endif /* _REFSLAB_TRIGGER_H */
