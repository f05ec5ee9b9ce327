/* SPDX-License-Identifier: GPL-2.0 */
/* The sweep: which objects are garbage, and their end. */
#ifndef _REFSLAB_SWEEP_H
#define _REFSLAB_SWEEP_H

#include <linux/mutex.h>
#include <linux/refslab.h>

#include "slab.h"

/* The commit state: a sweep's number above, one of these in the low bits. */
#define COMMIT_IDLE		0ULL
#define COMMIT_PENDING		1ULL
#define COMMIT_COMMITTED	2ULL
#define COMMIT_ABORTED		3ULL
#define COMMIT_STATE		3ULL
#define COMMIT_NUMBER		4ULL

/* What the sweeps of one generation have done; see struct refslab_stats. */
struct sweep_stats {
	u64 runs, candidates, examined, freed, unfreed, aborts, time_ns, longest_ns;
};

/**
 * struct sweep - a heap's sweeper
 * @mutex: held by the sweep under way
 * @task: that holds it, to refuse a sweep within a sweep; written by itself
 * @commit: the commit state; atomic
 * @dirty_lock: raw and irqsave, because puts reach it; the innermost but the
 *	pool's
 * @dirty: slabs with hints, per generation; @dirty_lock
 * @stats: per generation; @mutex to write
 * @aged: objects that came into generation 2 since the last full sweep; @mutex
 * @old: objects that survived the last full sweep; @mutex
 * @quarantine: what would be freed is frozen instead, to be looked at;
 *	WRITE_ONCE
 * @log: the kernel's log is told of each; WRITE_ONCE
 * @log_few: the same for a program, which may not fill the log; WRITE_ONCE
 * @finalizers: a type has finalize(); set once
 * @broken: an invariant failed: no more sweeps of this heap; set once
 */
struct sweep {
	struct mutex	mutex;	/* the sweep under way */
	struct task_struct *task;
	atomic64_t	commit;
	raw_spinlock_t	dirty_lock;
	struct list_head dirty[GENERATIONS];
	struct sweep_stats stats[GENERATIONS];
	u64		aged;
	u64		old;
	bool		quarantine;
	bool		log;
	bool		log_few;
	bool		finalizers;
	bool		broken;
};

void sweep_init(struct sweep *sweep);
int sweep_lock(struct refslab_heap *heap);
void sweep_run(struct refslab_heap *heap, unsigned int generation,
	       struct refslab_sweep_result *result);
u64 sweep_own(struct refslab_object *obj, u64 unwanted);
void sweep_disown(struct refslab_object *obj, u64 note, bool list);

#endif /* _REFSLAB_SWEEP_H */
