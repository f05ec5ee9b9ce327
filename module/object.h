/* SPDX-License-Identifier: GPL-2.0 */
/* Objects: allocation, the rare paths of get and put, release. */
#ifndef _REFSLAB_OBJECT_H
#define _REFSLAB_OBJECT_H

#include <linux/mm.h>
#include <linux/refslab.h>
#include <linux/tracepoint-defs.h>

#include "slab.h"
#include "type.h"
#include "weak.h"

/*
 * What a sweep notes about an object with slots, in its header.
 *
 *	bits  0 - 28	link: number of the next object on a list of the sweep
 *	bits 29 - 57	scratch: edges counted, or the mark stack's link
 *	bits 58 - 59	generation, or frozen
 *	bits 60 - 63	state, below
 *
 * Written by the sweep alone, while the word says GATHERED; put reads the
 * generation at any time.
 */
#define NUMBER_BITS	29
#define NUMBER_MASK	GENMASK_ULL(NUMBER_BITS - 1, 0)
#define NOTE_SCRATCH_SHIFT	NUMBER_BITS
#define NOTE_SCRATCH	(NUMBER_MASK << NOTE_SCRATCH_SHIFT)
#define NOTE_GEN_SHIFT	58
#define NOTE_GEN	GENMASK_ULL(59, 58)
#define NOTE_CANDIDATE	BIT_ULL(60)	/* was LISTED when gathered */
#define NOTE_LIVE	BIT_ULL(61)	/* found not to be garbage */
#define NOTE_QUARANTINED BIT_ULL(62)	/* frozen in place of being freed */
#define NOTE_FINALIZED	BIT_ULL(63)	/* finalize was called; for good */

static inline u64 *object_note(struct refslab_object *obj)
{
	return &container_of(obj, struct refslab_linked, object)->sweep;
}

static inline unsigned int object_generation(struct refslab_object *obj)
{
	return (READ_ONCE(*object_note(obj)) & NOTE_GEN) >> NOTE_GEN_SHIFT;
}

/* A sweep would have freed it; may be old when the caller reads it. */
static inline bool object_quarantined(struct refslab_object *obj)
{
	return READ_ONCE(*object_note(obj)) & NOTE_QUARANTINED;
}

/**
 * struct chain - objects that wait for their release, linked by object number
 *	through the version half of their words
 * @head: first, or NULL
 * @tail: last
 */
struct chain {
	struct refslab_object *head, *tail;
};

/**
 * struct release_cpu - releases under way on one CPU, for one heap
 * @busy: one is; by its own CPU, with preemption off; WRITE_ONCE, for interrupts
 * @head: number of the first object that has died meanwhile, in a release or
 *	an interrupt; this_cpu cmpxchg and xchg
 */
struct release_cpu {
	u32	busy;
	u32	head;
};

/**
 * struct releaser - a heap's releases
 * @cpu: per CPU
 * @deferred: number of the first object left to @work; xchg and cmpxchg
 * @work: releases them
 * @worker: the task that runs @work, or NULL; written by itself
 * @turns: how often @work has run to its end; written by itself
 */
struct releaser {
	struct release_cpu __percpu *cpu;
	atomic_t	deferred;
	struct work_struct work;
	struct task_struct *worker;
	unsigned int	turns;
};

DECLARE_TRACEPOINT(refslab_free);

/*
 * Whether there is more to do to an object that is free now; to one of a type
 * that is not plain also if debug_key is on.
 */
static __always_inline bool object_undress_wanted(void)
{
	return REFSLAB_HOOKS_ALWAYS || tracepoint_enabled(refslab_free) ||
	       want_init_on_free();
}

/*
 * Whether nothing follows from a death: it refers to nothing, nobody refers to it
 * weakly, and no sweep has it on a list. With the count 0 none puts it on one.
 */
static __always_inline bool object_dies_alone(struct refslab_type *type,
					      struct refslab_object *obj)
{
	struct refslab_slot *slot = (void *)obj + type->slot_offset;
	u32 i;

	for (i = 0; i < type->slots; i++)
		if (READ_ONCE(slot[i].target))
			return false;
	return !(type->flags & REFSLAB_TYPE_WEAK && weak_referred(obj)) &&
	       !(atomic64_read(&obj->word) & REFSLAB_GATHERED);
}

int releaser_init(struct releaser *releaser, gfp_t gfp);
int releaser_wait(struct releaser *releaser);
void releaser_flush(struct releaser *releaser);
void releaser_destroy(struct releaser *releaser);
bool object_in_release(struct refslab_heap *heap);

struct refslab_object *object_alloc(struct refslab_type *type, gfp_t gfp);
bool object_make(struct refslab_type *type, struct refslab_object *obj, gfp_t gfp);
void object_put_edge(struct refslab_object *obj, struct chain *chain);
unsigned long object_release_chain(struct refslab_heap *heap, struct chain *chain);
unsigned int object_call_release(struct refslab_type *type, struct refslab_object *obj);
void object_undress(struct refslab_type *type, struct refslab_object *obj);
void object_free(struct refslab_type *type, struct refslab_object *obj);
void object_pin(struct refslab_object *obj, u64 versions, u64 released);
bool object_sane(struct refslab_object *obj);

#endif /* _REFSLAB_OBJECT_H */
