// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: allocation, the rare paths of get and put, release.
 *
 * Who takes a count to zero empties the slots, calls release, and ends with one
 * step on the word: the object is GATHERED by a sweep, and its memory is left
 * to that (RELEASED), or it is not, and the memory is free. Nothing recurses:
 * what dies because of a release joins a chain, linked through the halves of
 * the words that a count of zero leaves unused. Of a chain, the caller of put
 * does RELEASE_BUDGET objects and the workqueue the rest.
 */
#include "object.h"

#include <linux/mm.h>
#include <linux/percpu.h>

#include "delay.h"
#include "heap.h"
#include "report.h"
#include "trace.h"

/* Objects that a put releases itself, and slots that it looks at, together. */
#define RELEASE_BUDGET	2048

/* Releases under way on this CPU, of any heap; preemption off while not 0. */
static DEFINE_PER_CPU(unsigned int, releasing);

/* --- allocation --- */

static __always_inline void object_publish(struct refslab_type *type,
					   struct refslab_object *obj, gfp_t gfp)
{
	u32 clear = want_init_on_alloc(gfp) ? type->clear_init : type->clear;

	refslab_kasan_unpoison(obj, type->layout.size);
	if (clear)
		memset((void *)obj + type->header, 0, clear);
	if (!type->leaf)
		WRITE_ONCE(*object_note(obj), 0);
	if (unlikely(type->ctor))
		type->ctor(obj);
	trace_refslab_alloc(type, obj);
	/*
	 * Who finds the object by a CAS on its word, in a hint or a slot, finds
	 * it initialised; pairs with the acquire of refslab_tryget() and of the
	 * sweep's gathering. Leaf objects are born LISTED: put takes no detour
	 * to list them and no sweep ever looks.
	 */
	atomic64_set_release(&obj->word, type->leaf ?
			     REFSLAB_COUNT_ONE | REFSLAB_LISTED : REFSLAB_COUNT_ONE);
}

/* A free object's word is 0. Another was put or got after its death: it leaks. */
static __always_inline bool object_taken(struct refslab_type *type,
					 struct refslab_object *obj)
{
	if (likely(!atomic64_read(&obj->word)))
		return true;
	report_bad_word(type, obj);
	return false;
}

/* refslab_alloc() that tells why: -ENOSPC at the heap's limit, -ENOMEM. */
struct refslab_object *object_alloc(struct refslab_type *type, gfp_t gfp)
{
	struct refslab_object *obj;

	do {
		obj = magazine_alloc(type, gfp);
		if (IS_ERR(obj))
			return obj;
	} while (unlikely(!object_taken(type, obj)));
	object_publish(type, obj, gfp);
	return obj;
}

/**
 * refslab_alloc - allocate an object
 * @type: its type
 * @gfp: as for kmalloc(); __GFP_ZERO clears the payload
 *
 * The caller has the one reference. Slots are empty; the payload is zero if the
 * type or the kernel's init_on_alloc says so, else undefined. At the heap's
 * limit, an allocation with GFP_KERNEL first waits for memory on its way back
 * and runs a sweep, and with it releases: then no lock may be held that these
 * take. Not so within a release.
 *
 * Context: Any context that @gfp allows.
 * Return: the object; NULL if there is no memory, or the heap's limit is
 *	reached.
 */
struct refslab_object *refslab_alloc(struct refslab_type *type, gfp_t gfp)
{
	struct refslab_object *obj = object_alloc(type, gfp);

	return IS_ERR(obj) ? NULL : obj;
}
EXPORT_SYMBOL_GPL(refslab_alloc);

/**
 * refslab_alloc_bulk - allocate several objects
 * @type: their type
 * @gfp: as for kmalloc()
 * @n: how many
 * @objs: filled in
 *
 * Context: Any context that @gfp allows.
 * Return: @n; or, when memory or the heap's limit ran out, how many were
 *	allocated: they are the caller's.
 */
unsigned int refslab_alloc_bulk(struct refslab_type *type, gfp_t gfp,
				unsigned int n, struct refslab_object **objs)
{
	unsigned int got, kept = 0, i;

	got = magazine_alloc_bulk(type, n, (void **)objs);
	for (i = 0; i < got; i++) {
		if (unlikely(!object_taken(type, objs[i])))
			continue;
		objs[kept] = objs[i];
		object_publish(type, objs[kept++], gfp);
	}
	while (kept < n) {
		struct refslab_object *obj = object_alloc(type, gfp);

		if (IS_ERR(obj))
			break;
		objs[kept++] = obj;
	}
	return kept;
}
EXPORT_SYMBOL_GPL(refslab_alloc_bulk);

/* The word says free, and nobody else knows the object any more. */
void object_free(struct refslab_type *type, struct refslab_object *obj)
{
	void *payload = (void *)obj + type->header;

	trace_refslab_free(type, obj);
	if (want_init_on_free())
		memset(payload, 0, type->size - type->header);
	refslab_kasan_poison(payload, type->layout.size - type->header);
	magazine_free(type, obj);
}

/* --- the word --- */

/**
 * object_pin - put a count that is wrong where it stays
 * @obj: an object whose count overflowed or was used after zero, or that
 *	somebody had when a sweep knew it dead; it leaks until its heap goes
 * @versions: taken off: a dead object may be in a chain, and its version half
 *	a link
 *
 * Context: Any context.
 */
void object_pin(struct refslab_object *obj, u64 versions)
{
	u64 old = atomic64_read(&obj->word);

	while (!atomic64_try_cmpxchg_relaxed(&obj->word, (s64 *)&old,
					     ((old - versions) & ~REFSLAB_COUNT_MASK) |
					     REFSLAB_COUNT_PINNED))
		;
}

static bool word_pinned(u64 word)
{
	return (word & REFSLAB_COUNT_PINNED) == REFSLAB_COUNT_PINNED;
}

/**
 * __refslab_get_slow - the rare cases of refslab_get()
 * @obj: the object
 * @old: its word before the addition
 *
 * Context: Any context.
 */
void __refslab_get_slow(struct refslab_object *obj, u64 old)
{
	bool dead = !(old & REFSLAB_COUNT_MASK);

	if (dead)
		report_dead_get(obj);
	else if (!word_pinned(old))
		report_overflow(obj);
	object_pin(obj, dead ? REFSLAB_VERSION_ONE : 0);
}
EXPORT_SYMBOL_GPL(__refslab_get_slow);

/*
 * The version's top bit is set: brings it back to 1, so that a touched object
 * never looks untouched. Only while it is still set: the sweep may have cleared
 * the version meanwhile.
 */
static void version_fold(struct refslab_object *obj)
{
	u64 old = atomic64_read(&obj->word);

	while ((old & REFSLAB_VERSION_TOP) && (old & REFSLAB_COUNT_MASK) &&
	       !atomic64_try_cmpxchg_relaxed(&obj->word, (s64 *)&old,
					     (old & ~REFSLAB_VERSION_MASK) |
					     REFSLAB_VERSION_ONE))
		;
}

/* The rare cases of a put but for the last one, which it tells. */
static bool put_rest(struct refslab_object *obj, u64 old)
{
	if (unlikely((s32)old < (s32)(2 * REFSLAB_COUNT_ONE))) {
		if (old & REFSLAB_SATURATED) {
			if (!word_pinned(old))
				report_overflow(obj);
			object_pin(obj, 0);
			return false;
		}
		if (!(old & REFSLAB_COUNT_MASK)) {
			report_dead_put(obj);
			/* the borrow has taken off what was added */
			object_pin(obj, 0);
			return false;
		}
		/* what others did before their puts comes before our release */
		smp_acquire__after_ctrl_dep();
		return true;
	}
	if ((s64)old < 0)
		version_fold(obj);
	if (!(old & (REFSLAB_LISTED | REFSLAB_GATHERED)))
		candidate_list(obj);
	return false;
}

/**
 * __refslab_tryget_slow - the rare cases of refslab_tryget()
 * @obj: the object
 *
 * A CLAIMED object is about to die with all that the sweep has claimed, if the
 * sweep's commit comes first; we see to it that it does not. The commit state is
 * read before and after the word: equal, it is that claim's. An aborted claim
 * may be overtaken by the next one with the same bits, but for the grace period
 * between them.
 *
 * Context: Any context.
 * Return: true if the caller has a reference now.
 */
bool __refslab_tryget_slow(struct refslab_object *obj)
{
	struct sweep *sweep = &slab_of(obj)->heap->sweep;
	bool ok = false;
	u64 state, old;

	rcu_read_lock();
	for (;; cpu_relax()) {
		state = atomic64_read_acquire(&sweep->commit);
		old = atomic64_read_acquire(&obj->word);
		if (!(old & REFSLAB_COUNT_MASK))
			break;
		if (old & REFSLAB_SATURATED) {
			ok = true;
			break;
		}
		if (old & REFSLAB_CLAIMED) {
			if (atomic64_read(&sweep->commit) != state)
				continue;
			if ((state & COMMIT_STATE) == COMMIT_COMMITTED)
				break;
			if ((state & COMMIT_STATE) == COMMIT_PENDING) {
				/* pairs with the commit in sweep_commit() */
				atomic64_cmpxchg(&sweep->commit, state,
						 (state & ~COMMIT_STATE) | COMMIT_ABORTED);
				continue;
			}
			if ((state & COMMIT_STATE) == COMMIT_IDLE)
				continue;
		}
		delay_at(DELAY_TRYGET);
		if (atomic64_try_cmpxchg_acquire(&obj->word, (s64 *)&old,
						 old + REFSLAB_VERSION_ONE +
						 REFSLAB_COUNT_ONE)) {
			ok = true;
			break;
		}
	}
	rcu_read_unlock();
	return ok;
}
EXPORT_SYMBOL_GPL(__refslab_tryget_slow);

/* --- chains --- */

static void set_next(struct refslab_object *obj, u32 number)
{
	u64 old = atomic64_read(&obj->word);

	/* a sweep that gathered the object may clear flags meanwhile */
	while (!atomic64_try_cmpxchg_relaxed(&obj->word, (s64 *)&old,
					     (old & ~REFSLAB_VERSION_MASK) |
					     (u64)number << 32))
		;
}

static struct refslab_object *next_of(struct refslab_heap *heap,
				      struct refslab_object *obj)
{
	u32 number = (u64)atomic64_read(&obj->word) >> 32;

	return number ? slab_numbered(&heap->pool, number) : NULL;
}

static void chain_push(struct chain *chain, struct refslab_object *obj)
{
	set_next(obj, chain->head ? slab_number(chain->head) : 0);
	if (!chain->head)
		chain->tail = obj;
	chain->head = obj;
}

static struct refslab_object *chain_pop(struct refslab_heap *heap,
					struct chain *chain)
{
	struct refslab_object *obj = chain->head;

	if (obj)
		chain->head = next_of(heap, obj);
	return obj;
}

/* Leaves a chain to the workqueue. Any context. */
static void chain_defer(struct refslab_heap *heap, struct chain *chain)
{
	struct releaser *releaser = &heap->releaser;
	int old = atomic_read(&releaser->deferred);
	u32 number;

	if (!chain->head)
		return;
	number = slab_number(chain->head);
	do {
		set_next(chain->tail, old);
		/* release: the links; pairs with the xchg in releaser_work() */
	} while (!atomic_try_cmpxchg_release(&releaser->deferred, &old, number));
	chain->head = NULL;
	queue_work(refslab_wq, &releaser->work);
}

/**
 * object_put_edge - put what a slot referred to that is being emptied for good
 * @obj: the object
 * @chain: where it goes if that was its last reference
 *
 * Context: Any context.
 */
void object_put_edge(struct refslab_object *obj, struct chain *chain)
{
	u64 old;

	/* see refslab_put() */
	preempt_disable();
	old = atomic64_fetch_add_release(REFSLAB_VERSION_ONE -
					 REFSLAB_COUNT_ONE, &obj->word);
	if (put_rest(obj, old))
		chain_push(chain, obj);
	preempt_enable();
}

/* --- release --- */

static bool release_in_work(struct refslab_type *type)
{
	/*
	 * On PREEMPT_RT what a release calls may take sleeping locks, so that
	 * it cannot run with preemption off.
	 */
	return type->release && (type->flags & REFSLAB_TYPE_RELEASE_WORK ||
				 IS_ENABLED(CONFIG_PREEMPT_RT));
}

/**
 * object_call_release - tell who wants to know that an object has died
 * @type: its type
 * @obj: a dead object with empty slots
 *
 * Context: As release_in_work() says.
 */
void object_call_release(struct refslab_type *type, struct refslab_object *obj)
{
	if (type->flags & REFSLAB_TYPE_WEAK)
		weak_dead(type, obj);
	if (!type->release)
		return;
	/* in an interrupt lockdep would see what no allocation that sleeps is in */
	if (in_task())
		lock_map_acquire(&type->heap->release_map);
	if (release_in_work(type)) {
		type->release(obj);
	} else {
		preempt_disable();
		this_cpu_inc(releasing);
		type->release(obj);
		this_cpu_dec(releasing);
		preempt_enable();
	}
	if (in_task())
		lock_map_release(&type->heap->release_map);
}

/* The last step of a life. True if the memory is the caller's to free. */
static bool object_finish(struct refslab_object *obj)
{
	u64 old = atomic64_read(&obj->word), new;

	/* with the count 0 nobody sets GATHERED any more */
	if (!(old & REFSLAB_GATHERED)) {
		atomic64_set_release(&obj->word, 0);
		return true;
	}
	do {
		new = old & REFSLAB_GATHERED ?
		      REFSLAB_GATHERED | REFSLAB_RELEASED : 0;
		/* pairs with sweep_let_go(): one of us sees the other */
	} while (!atomic64_try_cmpxchg(&obj->word, (s64 *)&old, new));
	return !new;
}

/*
 * One dead object. False if it has to be left to the workqueue. What dies with
 * it joins @chain; what it took is added to @done.
 */
static bool release_one(struct refslab_object *obj, struct chain *chain, bool in_work,
			unsigned int *done)
{
	struct refslab_type *type = slab_of(obj)->type;
	struct refslab_object *target;
	struct refslab_slot *slot;
	unsigned long cursor = 0;

	if (!in_work && release_in_work(type))
		return false;
	++*done;
	while ((slot = type_next_slot(type, obj, &cursor))) {
		++*done;
		if (!READ_ONCE(slot->target))
			continue;
		target = xchg(&slot->target, NULL);
		if (target)
			object_put_edge(target, chain);
	}
	object_call_release(type, obj);
	delay_at(DELAY_FINISH);
	if (object_finish(obj))
		object_free(type, obj);
	return true;
}

static bool release_or_defer(struct refslab_heap *heap, struct refslab_object *obj,
			     struct chain *chain, unsigned int *done)
{
	struct chain one = { };

	if (release_one(obj, chain, false, done))
		return true;
	chain_push(&one, obj);
	chain_defer(heap, &one);
	return false;
}

/* Everything that has died on this CPU since, in one chain. */
static void take_nested(struct refslab_heap *heap, struct chain *chain)
{
	u32 number = this_cpu_xchg(heap->releaser.cpu->head, 0);
	struct refslab_object *obj, *next;

	for (obj = number ? slab_numbered(&heap->pool, number) : NULL; obj; obj = next) {
		next = next_of(heap, obj);
		chain_push(chain, obj);
	}
}

/*
 * A count went to zero. With preemption off; perhaps in an interrupt, perhaps
 * in a release.
 */
static void release_start(struct refslab_heap *heap, struct refslab_object *obj)
{
	struct release_cpu *cpu = this_cpu_ptr(heap->releaser.cpu);
	struct chain chain = { };
	unsigned int done = 0;
	u32 head;

	if (cpu->busy) {
		do {
			head = READ_ONCE(cpu->head);
			set_next(obj, head);
		} while (this_cpu_cmpxchg(heap->releaser.cpu->head, head,
					  slab_number(obj)) != head);
		return;
	}
	chain_push(&chain, obj);
	/*
	 * Called by a release of another heap, the workqueue or a sweep: that
	 * may hold locks which the release of this one takes.
	 */
	if (object_in_release(heap)) {
		chain_defer(heap, &chain);
		return;
	}
	do {
		cpu->busy = 1;
		barrier();
		while ((obj = chain_pop(heap, &chain))) {
			release_or_defer(heap, obj, &chain, &done);
			if (READ_ONCE(cpu->head))
				take_nested(heap, &chain);
			if (done >= RELEASE_BUDGET)
				chain_defer(heap, &chain);
		}
		take_nested(heap, &chain);
		barrier();
		cpu->busy = 0;
		barrier();
		/* an interrupt before busy was 0 left its object here */
	} while (READ_ONCE(cpu->head) || chain.head);
}

/**
 * __refslab_put_slow - the rare cases of refslab_put()
 * @obj: the object
 * @old: its word before the subtraction
 *
 * Context: As refslab_put(), preemption off.
 */
void __refslab_put_slow(struct refslab_object *obj, u64 old)
{
	struct refslab_type *type;
	struct slab *slab;

	delay_at(DELAY_PUT);
	if (!put_rest(obj, old))
		return;
	slab = slab_of(obj);
	type = slab->type;
	if (type->leaf && !type->release && !(type->flags & REFSLAB_TYPE_WEAK)) {
		atomic64_set_release(&obj->word, 0);
		object_free(type, obj);
		return;
	}
	release_start(slab->heap, obj);
}
EXPORT_SYMBOL_GPL(__refslab_put_slow);

/**
 * refslab_put_bulk - give several references back
 * @n: how many
 * @objs: objects, of any types and heaps
 *
 * Context: As refslab_put().
 */
void refslab_put_bulk(unsigned int n, struct refslab_object **objs)
{
	while (n--)
		refslab_put(*objs++);
}
EXPORT_SYMBOL_GPL(refslab_put_bulk);

/**
 * object_release_chain - release a chain and all that dies with it
 * @heap: their heap
 * @chain: dead objects; empty afterwards
 *
 * Context: May sleep.
 * Return: how many objects were released; not those left to the workqueue.
 */
unsigned long object_release_chain(struct refslab_heap *heap, struct chain *chain)
{
	struct refslab_object *obj;
	unsigned int done = 0;
	unsigned long n = 0;

	while ((obj = chain_pop(heap, chain))) {
		n += release_or_defer(heap, obj, chain, &done);
		if (done >= RELEASE_BUDGET) {
			done = 0;
			cond_resched();
		}
	}
	return n;
}

static void releaser_work(struct work_struct *work)
{
	struct releaser *releaser = container_of(work, struct releaser, work);
	struct refslab_heap *heap = container_of(releaser, struct refslab_heap, releaser);
	struct refslab_object *obj;
	struct chain chain = { };
	unsigned int done = 0;
	u32 number;

	WRITE_ONCE(releaser->worker, current);
	/* acquire: pairs with the release in chain_defer() */
	while ((number = atomic_xchg_acquire(&releaser->deferred, 0))) {
		chain.head = slab_numbered(&heap->pool, number);
		while ((obj = chain_pop(heap, &chain))) {
			release_one(obj, &chain, true, &done);
			if (done >= RELEASE_BUDGET) {
				done = 0;
				cond_resched();
			}
		}
	}
	WRITE_ONCE(releaser->worker, NULL);
}

/**
 * object_in_release - whether the caller is called by a release, or a sweep
 * @heap: of this heap
 *
 * Context: Any context.
 */
bool object_in_release(struct refslab_heap *heap)
{
	return this_cpu_read(heap->releaser.cpu->busy) ||
	       this_cpu_read(releasing) ||
	       READ_ONCE(heap->releaser.worker) == current ||
	       READ_ONCE(heap->sweep.task) == current;
}

/**
 * object_sane - check what can be checked of an object
 * @obj: an object of a slab in use
 *
 * Return: false if its word says what no word may.
 */
bool object_sane(struct refslab_object *obj)
{
	u64 word = atomic64_read(&obj->word);
	struct slab *slab = slab_of(obj);

	if (slab_is_free(slab, slab_index(slab, obj)))
		return !word;
	if (slab->type->leaf && word & (REFSLAB_GATHERED | REFSLAB_CLAIMED |
					REFSLAB_RELEASED))
		return false;
	if (word & (REFSLAB_CLAIMED | REFSLAB_RELEASED) && !(word & REFSLAB_GATHERED))
		return false;
	return !(word & REFSLAB_RELEASED && word & REFSLAB_COUNT_MASK);
}

int releaser_init(struct releaser *releaser, gfp_t gfp)
{
	INIT_WORK(&releaser->work, releaser_work);
	atomic_set(&releaser->deferred, 0);
	releaser->cpu = alloc_percpu_gfp(struct release_cpu, gfp);
	return releaser->cpu ? 0 : -ENOMEM;
}

/**
 * releaser_flush - wait until the workqueue has released what was left to it
 * @releaser: a heap's
 *
 * Context: May sleep.
 */
void releaser_flush(struct releaser *releaser)
{
	/* a release can leave more to the work that runs it */
	do {
		flush_work(&releaser->work);
	} while (atomic_read(&releaser->deferred));
	flush_work(&releaser->work);
}

void releaser_destroy(struct releaser *releaser)
{
	free_percpu(releaser->cpu);
}
