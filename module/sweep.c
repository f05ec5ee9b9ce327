// SPDX-License-Identifier: GPL-2.0
/*
 * The sweep: which objects are garbage, and their end.
 *
 * Trial deletion (Lins 1992; Bacon and Rajan 2001) that stops nobody: no lock
 * is shared with get, put and slot operations, and nothing is allocated. All
 * that a sweep knows is in words, headers and slabs. The numbers of the steps
 * are those of Documentation/design.rst, which also argues why it is right.
 *
 *	gathered	word says GATHERED: the object's note and its memory are
 *			the sweep's; its word, slots and payload are not
 *	touched		its word's version is not 0, or it is LISTED: somebody
 *			got, put or listed it since it was gathered
 *	tentative, T	gathered and not found to be live
 *
 * Gathered objects are on lists through the link of their notes: first all in
 * the order they were gathered, then T, and the live ones apart.
 */
#include "sweep.h"

#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "delay.h"
#include "depot.h"
#include "gathered.h"
#include "heap.h"
#include "report.h"
#include "trace.h"

/* Objects and slots read in one RCU read section, about. */
#define SECTION_STEPS	128
/* Recounts (4) and commits (6) before T is given up for this time. */
#define RECOUNTS_MAX	8
#define ROUNDS_MAX	4

/**
 * struct run - one sweep
 * @heap: of this heap
 * @sweep: its sweeper
 * @gen: generations up to this one
 * @all: what was gathered; empty once it is split
 * @t: the tentative ones
 * @live: the others
 * @finder: objects by their numbers
 * @steps: objects and slots read in this read section
 * @dead: objects that died in T
 * @given_up: T was, and goes on as it is
 * @quarantined: T was, in place of being freed
 * @finalized: finalizers have run, and this is the second round
 * @result: for the caller
 */
struct run {
	struct refslab_heap *heap;
	struct sweep	*sweep;
	unsigned int	gen;
	struct gathered	all, t, live;
	struct finder	finder;
	unsigned int	steps;
	unsigned long	dead;
	bool		given_up;
	bool		quarantined;
	bool		finalized;
	struct refslab_sweep_result *result;
};

/* --- words --- */

static bool is_gathered(struct refslab_object *obj)
{
	/* acquire: the note is ours only after we have seen our flag */
	return atomic64_read_acquire(&obj->word) & REFSLAB_GATHERED;
}

static u64 word_count(u64 word)
{
	return (word & REFSLAB_COUNT_MASK) >> REFSLAB_COUNT_SHIFT;
}

static bool word_touched(u64 word)
{
	return word & REFSLAB_VERSION_MASK || !(word & REFSLAB_UNLISTED);
}

static bool wants_finalize(struct refslab_object *obj)
{
	return slab_of(obj)->type->finalize && !(note(obj) & NOTE_FINALIZED);
}

/* With the count's top bit a tryget pins it, claimed or not. */
#define COUNT_OF_DEAD	(REFSLAB_COUNT_MASK & ~REFSLAB_COUNT_TOP)

/* Untouched, and all its references, of which there are some, are edges counted. */
static __always_inline bool looks_dead(struct run *run, struct refslab_object *obj, u64 was)
{
	u64 word = atomic64_read_acquire(&obj->word);
	u64 scratch = (was & NOTE_SCRATCH) >> NOTE_SCRATCH_SHIFT;

	/* came in after the finalizers had run: its turn is next time */
	if (unlikely(run->finalized) && wants_finalize(obj))
		return false;
	return (word & ~COUNT_OF_DEAD) == (REFSLAB_GATHERED | REFSLAB_UNLISTED) &&
	       scratch && word_count(word) == scratch;
}

/* --- reading slots --- */

/*
 * Whatever a slot refers to may be let go and freed any moment; its memory
 * stays what it is as long as the read section lasts. So a section covers a
 * bounded number of slots, SECTION_STEPS and those of one object, and no target
 * is remembered beyond it unless it was gathered.
 */
static void section_begin(struct run *run)
	__acquires(RCU)
{
	run->steps = 0;
	rcu_read_lock();
}

/* What is to be read next are so many objects and slots. */
static __always_inline void section_step(struct run *run, unsigned int n)
{
	run->steps += n;
	if (likely(run->steps < SECTION_STEPS))
		return;
	run->steps = 0;
	rcu_read_unlock();
	cond_resched();
	rcu_read_lock();
}

static void section_end(struct run *run)
	__releases(RCU)
{
	rcu_read_unlock();
}

/* The slots of @obj, a gathered object; the section may be another afterwards. */
static __always_inline void read_slots(struct run *run, struct edges *edges,
				       struct refslab_object *obj)
{
	section_step(run, 1 + edges_begin(edges, obj));
}

/* The next slot that is filled, and what it refers to; or NULL. */
static __always_inline struct refslab_slot *next_edge(struct edges *edges,
						      struct refslab_object **target)
{
	struct refslab_slot *slot;

	while ((slot = edges_next(edges))) {
		/* acquire: pairs with the xchg that stored it; the target is whole */
		*target = smp_load_acquire(&slot->target);
		if (*target)
			break;
	}
	return slot;
}

/* What the next slot refers to that is gathered, or NULL. */
static __always_inline struct refslab_object *next_gathered(struct edges *edges)
{
	struct refslab_object *target;

	/* leaf objects never are */
	while (next_edge(edges, &target))
		if (is_gathered(target))
			return target;
	return NULL;
}

/* --- 1. gather, 2. count --- */

/* Gathers one object, see sweep_own(). Its word before; 0 if it is not to be had. */
static __always_inline u64 own(struct refslab_object *obj, u64 unwanted)
{
	u64 old = atomic64_read(&obj->word);

	do {
		if (!(old & REFSLAB_COUNT_MASK) ||
		    old & (REFSLAB_GATHERED | REFSLAB_PINNED | unwanted))
			return 0;
		/*
		 * Full barrier: what we read of slots from here on is not older
		 * than the moment from which on a touch shows.
		 */
	} while (!atomic64_try_cmpxchg(&obj->word, (s64 *)&old,
				       (old & REFSLAB_COUNT_MASK) | REFSLAB_GATHERED |
				       REFSLAB_UNLISTED));
	return old;
}

/**
 * sweep_own - gather one object
 * @obj: an object with slots, in a read section
 * @unwanted: REFSLAB_UNLISTED if it must be a candidate, or 0
 *
 * Context: sweep.mutex held.
 * Return: its word before, and its note and its memory are ours now; or 0.
 */
u64 sweep_own(struct refslab_object *obj, u64 unwanted)
{
	return own(obj, unwanted);
}

/**
 * sweep_disown - let go of one object, or give its memory back if it has died
 * @obj: an object that sweep_own() got
 * @note: what its note becomes
 * @list: make it a candidate; otherwise only if it was touched
 *
 * Context: sweep.mutex held, in a read section.
 */
void sweep_disown(struct refslab_object *obj, u64 note, bool list)
{
	bool listed;
	u64 old, new;

	/* before GATHERED goes, and with it our right to write here */
	set_note(obj, note);
	old = atomic64_read_acquire(&obj->word);
	do {
		listed = old & REFSLAB_COUNT_MASK && !(old & REFSLAB_PINNED) &&
			 (list || word_touched(old));
		new = (old & ~REFSLAB_GATHERED) | REFSLAB_UNLISTED;
		if (listed)
			new &= ~REFSLAB_UNLISTED;
		/* the releaser's last step came first: nobody but us has it */
		if (old & REFSLAB_RELEASED && !(old & REFSLAB_PINNED))
			new = 0;
		/* with a count of 0 its releaser frees it; pairs with object_finish() */
	} while (!atomic64_try_cmpxchg(&obj->word, (s64 *)&old, new));
	if (listed)
		candidate_hint(slab_of(obj), obj, (note & NOTE_GEN) >> NOTE_GEN_SHIFT);
	if (!new)
		object_free(slab_of(obj)->type, obj);
}

static __always_inline bool gather(struct run *run, struct refslab_object *obj, u64 unwanted)
{
	u64 old = own(obj, unwanted);

	if (!old)
		return false;
	gathered_append(&run->all, obj, (note(obj) & (NOTE_GEN | NOTE_FINALIZED)) |
					(old & REFSLAB_UNLISTED ? 0 : NOTE_CANDIDATE));
	return true;
}

/* In a read section, the slab off its dirty list. */
static void gather_slab(struct run *run, struct slab *slab, unsigned int gen)
{
	unsigned long *hints = slab_hints(slab, gen);
	struct refslab_object *obj;
	unsigned long bits;
	unsigned int w;

	/*
	 * Who sets a hint after we have read it finds the slab off the list;
	 * pairs with the barrier in candidate_hint().
	 */
	smp_mb();
	for (w = 0; w < slab->layout->words; w++) {
		bits = READ_ONCE(hints[w]) ? xchg(&hints[w], 0) : 0;
		for (; bits; bits &= bits - 1) {
			obj = slab_object(slab, w * BITS_PER_LONG + __ffs(bits));
			/* the object has aged, or had another life */
			if (object_generation(obj) > run->gen)
				candidate_hint(slab, obj, object_generation(obj));
			else
				gather(run, obj, REFSLAB_UNLISTED);
		}
	}
}

static void gather_hinted(struct run *run)
{
	struct sweep *sweep = run->sweep;
	struct slab *slab;
	unsigned int gen;
	LIST_HEAD(slabs);

	for (gen = 0; gen <= run->gen; gen++) {
		/* as the list stands now: what comes later is for the next sweep */
		raw_spin_lock_irq(&sweep->dirty_lock);
		list_splice_init(&sweep->dirty[gen], &slabs);
		raw_spin_unlock_irq(&sweep->dirty_lock);
		for (;;) {
			rcu_read_lock();
			raw_spin_lock_irq(&sweep->dirty_lock);
			slab = list_first_entry_or_null(&slabs, struct slab, dirty[gen]);
			if (slab)
				list_del_init(&slab->dirty[gen]);
			raw_spin_unlock_irq(&sweep->dirty_lock);
			if (slab)
				gather_slab(run, slab, gen);
			rcu_read_unlock();
			if (!slab)
				break;
			cond_resched();
		}
	}
}

/*
 * Gathers what is reached, and counts the edges to it. An edge counts if its
 * slot was seen filled after the version of its target had been cleared: so a
 * target gathered just now is looked at again, one gathered before need not be.
 */
static void gather_reached(struct run *run)
{
	struct refslab_object *obj, *target;
	struct refslab_slot *slot;
	struct edges edges;

	section_begin(run);
	for_each_gathered(obj, &run->all, &run->finder) {
		read_slots(run, &edges, obj);
		while ((slot = next_edge(&edges, &target))) {
			if (is_gathered(target) ||
			    (!READ_ONCE(slab_of(target)->type)->leaf &&
			     object_generation(target) <= run->gen &&
			     gather(run, target, 0) &&
			     READ_ONCE(slot->target) == target))
				scratch_add(target);
		}
	}
	section_end(run);
}

/* --- 3. scan --- */

/*
 * Live, and so is everything gathered that it reaches. In a read section. Returns
 * how many.
 */
static unsigned long mark_live(struct run *run, struct refslab_object *obj)
{
	struct refslab_object *target, *marks = NULL;
	unsigned long n = 0;
	struct edges edges;
	u64 was;

	set_note(obj, note(obj) | NOTE_LIVE);
	do {
		n++;
		read_slots(run, &edges, obj);
		while ((target = next_gathered(&edges))) {
			was = note(target);
			if (was & NOTE_LIVE)
				continue;
			/* the stack runs through scratch, which a live object needs no more */
			set_note(target, note_with(was | NOTE_LIVE,
						   marks ? slab_number(marks) : 0));
			marks = target;
		}
		obj = marks;
		if (obj)
			marks = numbered(&run->finder, scratch_of(obj));
	} while (obj);
	return n;
}

/* Finds out who of @list is live. Returns how many are that were not before. */
static unsigned long mark_touched(struct run *run, struct gathered *list)
{
	struct refslab_object *obj;
	unsigned long n = 0;
	u64 was;

	section_begin(run);
	for_each_gathered(obj, list, &run->finder) {
		section_step(run, 1);
		was = note(obj);
		if (!(was & NOTE_LIVE) && !looks_dead(run, obj, was))
			n += mark_live(run, obj);
	}
	section_end(run);
	return n;
}

/* Splits @list, of which @live are live: they go to run->live, the rest is T. */
static void split(struct run *run, struct gathered *list, unsigned long live)
{
	struct gathered from = *list, t = { };
	struct refslab_object *obj, *next;
	unsigned long n = 0;

	memset(list, 0, sizeof(*list));
	if (!live) {
		run->t = from;
		return;
	}
	if (live == from.count && !run->live.count) {
		run->live = from;
		memset(&run->t, 0, sizeof(run->t));
		return;
	}
	for (obj = from.head; obj; obj = next) {
		next = link_of(&run->finder, obj);
		gathered_append(note(obj) & NOTE_LIVE ? &run->live : &t, obj, note(obj));
		if (!(++n % 1024))
			cond_resched();
	}
	run->t = t;
}

/* --- 4. recount --- */

/* Counts edges that start in T, and only these. */
static void recount_edges(struct run *run)
{
	struct refslab_object *obj, *target;
	struct edges edges;

	section_begin(run);
	for_each_gathered(obj, &run->t, &run->finder) {
		section_step(run, 1);
		set_note(obj, note_with(note(obj), 0));
	}
	for_each_gathered(obj, &run->t, &run->finder) {
		read_slots(run, &edges, obj);
		while ((target = next_gathered(&edges)))
			if (!(note(target) & NOTE_LIVE))
				scratch_add(target);
	}
	section_end(run);
}

/* False if T would not settle. */
static bool recount(struct run *run)
{
	unsigned long live;
	int i;

	for (i = 0; i < RECOUNTS_MAX && run->t.count; i++) {
		recount_edges(run);
		live = mark_touched(run, &run->t);
		split(run, &run->t, live);
		delay_at(DELAY_RECOUNT);
		if (!live)
			return true;
	}
	return !run->t.count;
}

/* --- 5. claim, 6. commit --- */

static u64 claim_word(struct refslab_object *obj)
{
	return REFSLAB_GATHERED | REFSLAB_UNLISTED |
	       scratch_of(obj) << REFSLAB_COUNT_SHIFT;
}

/* Returns the first object that could not be claimed, or NULL. */
static struct refslab_object *claim(struct run *run)
{
	struct refslab_object *obj;
	unsigned long n = 0;

	for_each_gathered(obj, &run->t, &run->finder) {
		u64 old = claim_word(obj);

		/* fully ordered: after PENDING was set, before the commit */
		if (!atomic64_try_cmpxchg(&obj->word, (s64 *)&old,
					  old | REFSLAB_CLAIMED))
			return obj;
		if (!(++n % 1024))
			cond_resched();
	}
	return NULL;
}

static void unclaim(struct run *run, struct refslab_object *end)
{
	struct refslab_object *obj;
	unsigned long n = 0;

	for (obj = run->t.head; obj != end; obj = link_of(&run->finder, obj)) {
		atomic64_andnot(REFSLAB_CLAIMED, &obj->word);
		if (!(++n % 1024))
			cond_resched();
	}
}

/*
 * True if T was garbage at one instant: the one at which it dies, if the state
 * becomes COMMITTED. With @end ABORTED it lives on, its words still claimed.
 */
static bool commit(struct run *run, u64 end)
{
	struct sweep *sweep = run->sweep;
	struct refslab_object *failed;
	u64 number, pending;

	number = (atomic64_read(&sweep->commit) & ~COMMIT_STATE) + COMMIT_NUMBER;
	pending = number | COMMIT_PENDING;
	atomic64_set(&sweep->commit, pending);

	delay_at(DELAY_CLAIM);
	failed = claim(run);
	delay_at(DELAY_COMMIT);
	/* pairs with the cmpxchg to ABORTED in __refslab_tryget_slow() */
	if (!failed && atomic64_cmpxchg(&sweep->commit, pending,
					number | end) == pending)
		return true;

	atomic64_set(&sweep->commit, number | COMMIT_ABORTED);
	/* ABORTED before a word is let go: pairs with a tryget's acquires, state before word */
	smp_mb();
	delay_at(DELAY_ABORT);
	unclaim(run, failed);
	/*
	 * A tryget may have read a claimed word and this state, and be about to
	 * raise the count by CAS; that must not meet the next claim of the same
	 * object, whose word may have the same bits.
	 */
	synchronize_rcu();
	run->result->aborts++;
	return false;
}

/*
 * Steps 4 to 6. True if T is garbage, with @end COMMITTED dead; else it is in
 * run->live, or given up.
 */
static bool decide(struct run *run, u64 end)
{
	bool settled = !run->live.count;
	int i;

	for (i = 0; i < ROUNDS_MAX; i++) {
		if (!settled && !recount(run))
			break;
		if (!run->t.count)
			return false;
		if (READ_ONCE(run->sweep->quarantine)) {
			run->quarantined = true;
			return false;
		}
		if (commit(run, end))
			return true;
		settled = false;
	}
	run->given_up = true;
	return false;
}

/* --- 7. free --- */

/*
 * Empties the slots of a member of T; what is no member goes on @chain if it dies.
 * Returns how many slots there are, at most.
 */
static __always_inline unsigned int empty_slots(struct refslab_object *obj,
						struct chain *chain)
{
	struct refslab_object *target;
	struct refslab_slot *slot;
	struct edges edges;
	unsigned int n = edges_begin(&edges, obj);

	while ((slot = edges_next(&edges))) {
		target = READ_ONCE(slot->target);
		if (!target)
			continue;
		WRITE_ONCE(slot->target, NULL);
		/* the counts within T die with it */
		if (unlikely(!(atomic64_read(&target->word) & REFSLAB_CLAIMED)))
			object_put_edge(target, chain);
	}
	return n;
}

/* Objects of one type that go back to their slabs together. */
struct outgoing {
	struct refslab_type *type;
	unsigned int n;
	void *objects[32];
};

static void outgoing_flush(struct outgoing *out)
{
	if (!out->n)
		return;
	slab_give(out->type, out->n, out->objects);
	depot_settle(out->type);
	out->n = 0;
}

/* Somebody has a member of T, by a mistake, and may go on to use it: it stays. */
static void leave(struct run *run, struct refslab_object *obj, u64 word)
{
	report_sweep_broken(run->heap, obj, word);
	object_pin(obj, 0, 0);
	atomic64_andnot(REFSLAB_CLAIMED, &obj->word);
	sweep_disown(obj, note(obj) & (NOTE_GEN | NOTE_FINALIZED), false);
	run->t.count--;
}

static void free_t(struct run *run)
{
	struct sweep *sweep = run->sweep;
	struct refslab_object *obj, *next;
	struct outgoing out = { };
	struct refslab_type *type;
	struct chain chain = { };
	unsigned long n = 0;
	u64 old;

	delay_at(DELAY_FREE);
	for_each_gathered(obj, &run->t, &run->finder) {
		n += 1 + empty_slots(obj, &chain);
		if (unlikely(chain.head))
			run->result->freed += object_release_chain(run->heap, &chain);
		if (n >= SECTION_STEPS) {
			n = 0;
			cond_resched();
		}
	}
	n = 0;
	for (obj = run->t.head; obj; obj = next) {
		next = link_of(&run->finder, obj);
		/* since the commit it is ours alone, or somebody breaks the rules */
		old = claim_word(obj) | REFSLAB_CLAIMED;
		if (unlikely(!atomic64_try_cmpxchg(&obj->word, (s64 *)&old,
						   REFSLAB_GATHERED | REFSLAB_RELEASED))) {
			leave(run, obj, old);
			continue;
		}
		type = slab_of(obj)->type;
		if (unlikely(type->tells)) {
			n += object_call_release(type, obj);
			/* kept by its release, which was told: it leaks */
			if (unlikely(atomic64_read(&obj->word) & REFSLAB_PINNED)) {
				atomic64_andnot(REFSLAB_GATHERED, &obj->word);
				run->t.count--;
				continue;
			}
		}
		if (type != out.type || out.n == ARRAY_SIZE(out.objects)) {
			outgoing_flush(&out);
			out.type = type;
		}
		atomic64_set_release(&obj->word, 0);
		if (object_undress_wanted() || static_branch_unlikely(&debug_key))
			object_undress(type, obj);
		out.objects[out.n++] = obj;
		if (++n >= SECTION_STEPS) {
			n = 0;
			cond_resched();
		}
	}
	outgoing_flush(&out);
	/* release: who finds IDLE finds no claimed word */
	atomic64_set_release(&sweep->commit, atomic64_read(&sweep->commit) & ~COMMIT_STATE);
	run->result->freed += run->t.count;
	run->dead = run->t.count;
	memset(&run->t, 0, sizeof(run->t));
}

/* --- 8. let go --- */

/* The end of this sweep for @obj, which is in T given up with @again. */
static void let_go(struct run *run, struct refslab_object *obj, bool again)
{
	u64 was = note(obj), count = atomic64_read(&obj->word) & REFSLAB_COUNT_MASK;
	unsigned int gen = (was & NOTE_GEN) >> NOTE_GEN_SHIFT;

	if (again && run->quarantined) {
		sweep_disown(obj, (u64)GENERATION_FROZEN << NOTE_GEN_SHIFT |
				  NOTE_QUARANTINED | (was & NOTE_FINALIZED), false);
		return;
	}
	if (gen < GENERATIONS - 1 && count && ++gen == GENERATIONS - 1)
		run->sweep->aged++;
	sweep_disown(obj, (u64)gen << NOTE_GEN_SHIFT | (was & NOTE_FINALIZED), again ||
		     (was & NOTE_CANDIDATE && run->gen < GENERATIONS - 1) ||
		     (run->finalized && wants_finalize(obj)));
}

static void let_go_list(struct run *run, struct gathered *list, bool again)
{
	struct refslab_object *obj, *next;

	section_begin(run);
	for (obj = list->head; obj; obj = next) {
		next = link_of(&run->finder, obj);
		let_go(run, obj, again);
		section_step(run, 1);
	}
	section_end(run);
}

/* --- finalizers --- */

static bool t_wants_finalize(struct run *run)
{
	struct refslab_object *obj;
	unsigned long n = 0;

	if (!READ_ONCE(run->sweep->finalizers))
		return false;
	for_each_gathered(obj, &run->t, &run->finder) {
		if (wants_finalize(obj))
			return true;
		if (!(++n % 1024))
			cond_resched();
	}
	return false;
}

/*
 * Takes CLAIMED off, and a reference to keep the object while its finalizer
 * runs. A tryget may have touched it meanwhile; it may even have died.
 */
static bool unclaim_and_get(struct refslab_object *obj, bool get)
{
	u64 old = atomic64_read(&obj->word), new;

	do {
		new = old & ~REFSLAB_CLAIMED;
		if (get && old & REFSLAB_COUNT_MASK)
			new += REFSLAB_VERSION_ONE + REFSLAB_COUNT_ONE;
	} while (!atomic64_try_cmpxchg(&obj->word, (s64 *)&old, new));
	return get && old & REFSLAB_COUNT_MASK;
}

/* Still gathered; as if gathered just now. */
static void gather_again(struct refslab_object *obj)
{
	u64 old = atomic64_read(&obj->word);

	while (old & REFSLAB_COUNT_MASK && !(old & REFSLAB_PINNED) &&
	       /* full barrier, as in sweep_own() */
	       !atomic64_try_cmpxchg(&obj->word, (s64 *)&old,
				     (old & REFSLAB_COUNT_MASK) | REFSLAB_GATHERED |
				     REFSLAB_UNLISTED))
		;
	set_note(obj, (note(obj) & (NOTE_GEN | NOTE_FINALIZED | NUMBER_MASK)) |
		      NOTE_CANDIDATE);
}

/*
 * T is garbage and has members whose finalizers have not run. They run while
 * all T is alive, tryget included, and may do what they like with it; what is
 * garbage still is found by a second round over T and what it reaches now.
 * LIVE marks those that have a reference of ours.
 */
static void finalize_t(struct run *run)
{
	struct refslab_object *obj, *next;
	struct chain chain = { };
	unsigned long n = 0;

	let_go_list(run, &run->live, false);
	memset(&run->live, 0, sizeof(run->live));

	for_each_gathered(obj, &run->t, &run->finder) {
		if (unclaim_and_get(obj, wants_finalize(obj)))
			set_note(obj, note(obj) | NOTE_FINALIZED | NOTE_LIVE);
		if (!(++n % 1024))
			cond_resched();
	}
	/* as after an abort */
	synchronize_rcu();
	delay_at(DELAY_FINALIZE);

	for_each_gathered(obj, &run->t, &run->finder) {
		if (note(obj) & NOTE_LIVE)
			slab_of(obj)->type->finalize(obj);
		cond_resched();
	}
	for (obj = run->t.head; obj; obj = next) {
		next = link_of(&run->finder, obj);
		if (note(obj) & NOTE_LIVE)
			object_put_edge(obj, &chain);
		/* here, not by the workqueue: it is of this sweep's doing */
		run->result->freed += object_release_chain(run->heap, &chain);
		cond_resched();
	}
	for_each_gathered(obj, &run->t, &run->finder) {
		gather_again(obj);
		if (!(++n % 1024))
			cond_resched();
	}
	/* what finalizers let go may have taken its chunk along, and another its number */
	run->finder.number = NO_CHUNK;
	run->all = run->t;
	memset(&run->t, 0, sizeof(run->t));
	run->finalized = true;
}

/**
 * sweep_lock - wait for a sweep under way, and keep others away
 * @heap: the heap
 *
 * Context: May sleep.
 * Return: 0; -EDEADLK within a release, a finalizer or a listener, -EINTR if the
 *	caller was killed while it waited.
 */
int sweep_lock(struct refslab_heap *heap)
{
	if (object_in_release(heap))
		return -EDEADLK;
	return mutex_lock_killable(&heap->sweep.mutex) ? -EINTR : 0;
}

/* Steps 1 to 3, for what has been gathered so far. */
static void find(struct run *run)
{
	unsigned long live;

	gather_reached(run);
	delay_at(DELAY_GATHER);
	live = mark_touched(run, &run->all);
	delay_at(DELAY_SCAN);
	run->result->examined = max_t(u64, run->result->examined, run->all.count);
	split(run, &run->all, live);
}

/**
 * sweep_run - find and free garbage
 * @heap: the heap
 * @generation: candidates of this generation and younger
 * @result: filled in
 *
 * Context: May sleep; heap's sweep.mutex held.
 */
void sweep_run(struct refslab_heap *heap, unsigned int generation,
	       struct refslab_sweep_result *result)
{
	struct sweep *sweep = &heap->sweep;
	struct sweep_stats *stats = &sweep->stats[generation];
	struct run run = {
		.heap = heap,
		.sweep = sweep,
		.gen = generation,
		.finder = { .pool = &heap->pool, .number = NO_CHUNK },
		.result = result,
	};
	u64 start = ktime_get_ns();

	lockdep_assert_held(&sweep->mutex);
	memset(result, 0, sizeof(*result));
	WRITE_ONCE(sweep->task, current);
	trace_refslab_sweep_start(heap, generation);
	listeners_tell(&heap->listeners, generation, NULL);

	gather_hinted(&run);
	result->candidates = run.all.count;
	find(&run);
	if (t_wants_finalize(&run) && decide(&run, COMMIT_ABORTED)) {
		finalize_t(&run);
		find(&run);
	}
	if (!run.given_up && !run.quarantined && run.t.count &&
	    decide(&run, COMMIT_COMMITTED)) {
		free_t(&run);
	} else {
		if (run.given_up || run.quarantined)
			result->unfreed = run.t.count;
		/* after an abort, or as it was */
		atomic64_set_release(&sweep->commit,
				     atomic64_read(&sweep->commit) & ~COMMIT_STATE);
	}
	delay_at(DELAY_LET_GO);
	let_go_list(&run, &run.live, false);
	let_go_list(&run, &run.t, true);
	if (generation == GENERATIONS - 1) {
		sweep->old = result->examined - run.dead;
		sweep->aged = 0;
	}

	result->time_ns = ktime_get_ns() - start;
	WRITE_ONCE(stats->runs, stats->runs + 1);
	WRITE_ONCE(stats->candidates, stats->candidates + result->candidates);
	WRITE_ONCE(stats->examined, stats->examined + result->examined);
	WRITE_ONCE(stats->freed, stats->freed + result->freed);
	WRITE_ONCE(stats->unfreed, stats->unfreed + result->unfreed);
	WRITE_ONCE(stats->aborts, stats->aborts + result->aborts);
	WRITE_ONCE(stats->time_ns, stats->time_ns + result->time_ns);
	WRITE_ONCE(stats->longest_ns, max(stats->longest_ns, result->time_ns));
	trace_refslab_sweep_end(heap, generation, result);
	report_sweep(heap, generation, result);
	listeners_tell(&heap->listeners, generation, result);
	WRITE_ONCE(sweep->task, NULL);
}

void sweep_init(struct sweep *sweep)
{
	unsigned int gen;

	mutex_init(&sweep->mutex);
	raw_spin_lock_init(&sweep->dirty_lock);
	for (gen = 0; gen < GENERATIONS; gen++)
		INIT_LIST_HEAD(&sweep->dirty[gen]);
}
