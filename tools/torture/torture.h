/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the torture test share; main.c begins with what it is. */
#ifndef _REFSLAB_TORTURE_H
#define _REFSLAB_TORTURE_H

#include <linux/irq_work.h>
#include <linux/prandom.h>
#include <linux/refslab.h>
#include <linux/spinlock.h>

#define SLOTS		3
#define HELD		64U	/* references a mutator can hold */
#define BOARD		16	/* objects by which mutators meet */
#define WEAK		4096	/* weak references */
#define RESCUED		64	/* by which finalizers hand objects over */
#define ALIVE		0x6c696e6b65642121ULL
#define DEAD		0xdeaddeaddeaddeadULL

/* What objects are made of; see the parameter kinds. */
enum { KIND_PLAIN, KIND_WORK, KIND_MORTAL, KINDS };

/* What a mutator does; see the parameter mix. */
enum {
	OP_SET, OP_CLEAR, OP_MOVE, OP_CMPXCHG, OP_LOAD, OP_LOOKUP, OP_MAKE,
	OP_GET, OP_DROP, OP_ADOPT, OPS
};

/**
 * struct thing - what the mutators play with
 * @link: header
 * @slot: all three
 * @canary: ALIVE ^ @id, DEAD after release
 * @id: fixed
 * @weak: index of the weak reference that may refer to it, fixed
 * @finalized: its finalizer has run; by sweeps, of which there is one at a time
 * @external: references that mutators hold: the oracle
 */
struct thing {
	struct refslab_linked	link;
	struct refslab_slot	slot[SLOTS];
	u64			canary;
	u64			id;
	u32			weak;
	bool			finalized;
	atomic_t		external;
};

/* The same without slots. */
struct leaf {
	struct refslab_object	object;
	u64			canary;
};

/**
 * struct name - a weak reference for whoever it is given to
 * @weak: the reference
 * @busy: somebody sets or clears it; test_and_set
 */
struct name {
	struct refslab_weak	weak;
	unsigned long		busy;
};

/**
 * struct mutator - a thread that changes the graph
 * @task: the thread
 * @random: its choices
 * @held: a reference each, of which the oracle knows
 * @count: how many
 * @ops: operations; written by @task, read by others for information
 * @lock: held by @task around some of what it does, which must be possible
 *	under a raw lock, on PREEMPT_RT too
 * @irq: puts @irq_put in an interrupt
 * @irq_put: the last one left to it
 */
struct mutator {
	struct task_struct	*task;
	struct rnd_state	random;
	struct thing		*held[HELD];
	unsigned int		count;
	unsigned long		ops;
	raw_spinlock_t		lock;
	struct irq_work		irq;
	struct refslab_object	*irq_put;
};

/**
 * struct counts - what has happened; atomic
 * @made: objects
 * @released: of these
 * @finalized: finalizers that ran
 * @resurrected: of these, that brought their objects back to life
 * @upgraded: weak references that led to a live object
 * @weak_deaths: weak references that were told of a death
 * @cold: objects frozen
 * @early: deaths of what was in use
 * @mistakes: whatever else must never be
 */
struct counts {
	atomic64_t	made, released, finalized, resurrected, upgraded;
	atomic64_t	weak_deaths, cold;
	atomic_t	early, mistakes;
};

/* main.c */
extern unsigned int objects_max, local, held, mix[OPS];
extern struct refslab_heap *heap;
extern struct counts counts;

void mistake(const char *what);

/* thing.c */
extern unsigned int kinds[KINDS];
extern struct refslab_type *thing_type[KINDS], *leaf_type;
extern struct thing *board[BOARD];
extern struct name *names;
extern bool draining;

static inline struct thing *to_thing(struct refslab_object *obj)
{
	return container_of(obj, struct thing, link.object);
}

u32 pick(struct rnd_state *random, u32 below);
unsigned int weighted(struct rnd_state *random, const unsigned int *weights,
		      unsigned int n);
long things_live(void);
void check(struct thing *thing, const char *where);
void forget(struct thing *thing);
struct thing *thing_new(struct rnd_state *random);
struct refslab_object *leaf_new(void);
struct thing *rescued_take(unsigned int i);
int things_set_up(unsigned long seed);
unsigned long things_left(void);
void things_drop(void);
void things_tear_down(void);

/* mutator.c */
int mutate(void *arg);
void mutator_init(struct mutator *m, unsigned long seed);

#endif /* _REFSLAB_TORTURE_H */
