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

#include <linux/delay.h>
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

/*
 * What is done to a fresh object beyond the usual. NULL if it is not as it was
 * freed: its word is 0 then, and another was put or got after its death; nor was
 * its payload written to, as far as that is looked at. It leaks.
 */
static struct refslab_object *object_dress(struct refslab_type *type,
					   struct refslab_object *obj, gfp_t gfp)
{
	long clear = gfp & __GFP_ZERO ? type->path.clear_all : type->path.clear;

	if (unlikely(atomic64_read(&obj->word))) {
		report_bad_word(type, obj);
		return NULL;
	}
	if (debug_on(type) && !debug_alloc(type, obj))
		return NULL;
	refslab_kasan_unpoison(obj, type->layout.size);
	refslab_kmsan_poison((void *)obj + type->header, type->size - type->header);
	__refslab_zero(obj + 1, clear);
	if (debug_on(type) && clear == type->path.clear_all)
		debug_clear_tail(type, obj);
	if (type->ctor)
		type->ctor(obj);
	trace_refslab_alloc(type, obj);
	/* see __refslab_publish() */
	atomic64_set_release(&obj->word, type->path.born);
	return obj;
}

/* Makes a free object that the caller has a live one; false if it leaks. */
bool object_make(struct refslab_type *type, struct refslab_object *obj, gfp_t gfp)
{
	return object_dress(type, obj, gfp);
}

/* refslab_alloc() that tells why: -ENOSPC at the heap's limit, -ENOMEM. */
static struct refslab_object *alloc_slow(struct refslab_type *type, gfp_t gfp)
{
	struct refslab_object *obj;

	do {
		obj = magazine_alloc_slow(type, gfp);
		if (IS_ERR(obj))
			return obj;
		obj = object_dress(type, obj, gfp);
	} while (unlikely(!obj));
	return obj;
}

/* The same, from where it did not have to be slow. */
struct refslab_object *object_alloc(struct refslab_type *type, gfp_t gfp)
{
	return __refslab_alloc_fast(type, gfp) ?: alloc_slow(type, gfp);
}

/**
 * __refslab_alloc_slow - the rare cases of refslab_alloc()
 * @type: the type
 * @gfp: as for refslab_alloc()
 *
 * Context: As refslab_alloc().
 * Return: as refslab_alloc().
 */
struct refslab_object *__refslab_alloc_slow(struct refslab_type *type, gfp_t gfp)
{
	struct refslab_object *obj = alloc_slow(type, gfp);

	return IS_ERR(obj) ? NULL : obj;
}
EXPORT_SYMBOL_GPL(__refslab_alloc_slow);

/**
 * __refslab_alloc_hooks - make a taken object a fresh one, with all that may be
 *	asked for, or take another if somebody misused it
 * @type: its type
 * @obj: the object
 * @gfp: as for refslab_alloc()
 *
 * Context: As refslab_alloc().
 * Return: as refslab_alloc().
 */
struct refslab_object *__refslab_alloc_hooks(struct refslab_type *type,
					     struct refslab_object *obj, gfp_t gfp)
{
	return object_dress(type, obj, gfp) ?: __refslab_alloc_slow(type, gfp);
}
EXPORT_SYMBOL_GPL(__refslab_alloc_hooks);
EXPORT_TRACEPOINT_SYMBOL_GPL(refslab_alloc);

/* What is done to the payload of an object that is free now. */
noinline void object_undress(struct refslab_type *type, struct refslab_object *obj)
{
	void *payload = (void *)obj + type->header;

	trace_refslab_free(type, obj);
	if (want_init_on_free())
		memset(payload, 0, type->size - type->header);
	refslab_kasan_poison(payload, type->layout.size - type->header);
	refslab_kmsan_poison(payload, type->size - type->header);
	if (debug_on(type))
		debug_free(type, obj);
}

/* The word says free, and nobody else knows the object any more. */
noinline void object_free(struct refslab_type *type, struct refslab_object *obj)
{
	if (unlikely(object_undress_wanted() || static_branch_unlikely(&debug_key)))
		object_undress(type, obj);
	magazine_free(type, obj);
}

/* --- the word --- */

/**
 * object_pin - put a count that is wrong where it stays
 * @obj: an object whose count overflowed or was used after zero, or that
 *	somebody had when a sweep knew it dead; it leaks until its heap goes
 * @versions: taken off: a dead object may be in a chain, and its version half
 *	a link
 * @released: %REFSLAB_RELEASED if its release has run, or will, so that the end of
 *	the heap does not call it again; 0
 *
 * It is 2^26 gets or puts away from either edge; UNLISTED sends whoever gets or
 * puts it to here again.
 *
 * Context: Any context.
 */
void object_pin(struct refslab_object *obj, u64 versions, u64 released)
{
	u64 old = atomic64_read(&obj->word);

	while (!atomic64_try_cmpxchg_relaxed(&obj->word, (s64 *)&old,
					     ((old - versions) & ~REFSLAB_COUNT_MASK) |
					     REFSLAB_PINNED | REFSLAB_UNLISTED |
					     REFSLAB_COUNT_TOP | released))
		;
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

	if (likely(!(old & (REFSLAB_PINNED | REFSLAB_COUNT_TOP)) && !dead)) {
		delay_at(DELAY_GET);
		candidate_list(obj);
		return;
	}
	/* first: to tell the log takes long, and the word is wrong until then */
	object_pin(obj, REFSLAB_VERSION_ONE, dead ? REFSLAB_RELEASED : 0);
	if (dead)
		report_dead_get(obj);
	else if (!(old & REFSLAB_PINNED))
		report_overflow(obj);
}
EXPORT_SYMBOL_GPL(__refslab_get_slow);

/*
 * The rare cases of a put but for the last reference, which it tells: then the
 * object is the caller's. Otherwise it may be gone.
 */
static bool put_rest(struct refslab_object *obj, u64 old)
{
	bool pinned = old & REFSLAB_PINNED;

	if ((old & (REFSLAB_COUNT_MASK | REFSLAB_PINNED)) == REFSLAB_COUNT_ONE)
		return true;
	if (likely(!pinned && old & REFSLAB_COUNT_MASK)) {
		candidate_list_late(obj);
		return false;
	}
	/* a borrow that did not end at UNLISTED has taken off what was added */
	object_pin(obj, old & REFSLAB_UNLISTED ? REFSLAB_VERSION_ONE : 0,
		   pinned ? 0 : REFSLAB_RELEASED);
	if (!pinned)
		report_dead_put(obj);
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
		if (old & REFSLAB_COUNT_TOP) {
			object_pin(obj, 0, 0);
			if (!(old & REFSLAB_PINNED))
				report_overflow(obj);
			ok = true;
			break;
		}
		if (old & REFSLAB_CLAIMED) {
			if (atomic64_read(&sweep->commit) != state)
				continue;
			if ((state & COMMIT_STATE) == COMMIT_COMMITTED)
				break;
			if ((state & COMMIT_STATE) == COMMIT_PENDING) {
				/* pairs with commit() */
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
	u64 old = atomic64_fetch_add_release(REFSLAB_VERSION_ONE -
					     REFSLAB_COUNT_ONE, &obj->word);

	if ((s32)old >= (s32)(2 * REFSLAB_COUNT_ONE) || !put_rest(obj, old))
		return;
	/* what others did before their puts comes before our release */
	smp_acquire__after_ctrl_dep();
	chain_push(chain, obj);
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
 * Return: to how many weak references; there may be 1024 of them.
 */
unsigned int object_call_release(struct refslab_type *type, struct refslab_object *obj)
{
	unsigned int n = type->flags & REFSLAB_TYPE_WEAK ? weak_dead(type, obj) : 0;

	if (!type->release)
		return n;
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
	return n;
}

/* The last step of a life. True if the memory is the caller's to free. */
static bool object_finish(struct refslab_object *obj)
{
	u64 old = atomic64_read(&obj->word), new;

	/* kept by its release, which was told: it leaks */
	if (unlikely(old & REFSLAB_PINNED))
		return false;
	/* with the count 0 nobody sets GATHERED any more */
	if (!(old & REFSLAB_GATHERED)) {
		atomic64_set_release(&obj->word, 0);
		return true;
	}
	do {
		new = old & REFSLAB_GATHERED ?
		      REFSLAB_GATHERED | REFSLAB_RELEASED : 0;
		/* pairs with sweep_disown(): one of us sees the other */
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
	*done += object_call_release(type, obj);
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

/* A count went to zero; perhaps in an interrupt, perhaps in a release. */
static noinline void release_start(struct refslab_heap *heap, struct refslab_object *obj)
{
	struct release_cpu *cpu;
	struct chain chain = { };
	unsigned int done = 0;
	u32 head;

	preempt_disable();
	cpu = this_cpu_ptr(heap->releaser.cpu);
	/* an interrupt that comes in between leaves it as it was */
	if (READ_ONCE(cpu->busy)) {
		do {
			head = READ_ONCE(cpu->head);
			set_next(obj, head);
		} while (this_cpu_cmpxchg(heap->releaser.cpu->head, head,
					  slab_number(obj)) != head);
		goto out;
	}
	chain_push(&chain, obj);
	/*
	 * Called by a release of another heap, the workqueue or a sweep: that
	 * may hold locks which the release of this one takes.
	 */
	if (object_in_release(heap)) {
		chain_defer(heap, &chain);
		goto out;
	}
	do {
		WRITE_ONCE(cpu->busy, 1);
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
		WRITE_ONCE(cpu->busy, 0);
		barrier();
		/* an interrupt before busy was 0 left its object here */
	} while (READ_ONCE(cpu->head) || chain.head);
out:
	preempt_enable();
}

/*
 * The last reference is gone. Nothing but jumps to other functions at the end,
 * so that nothing has to be saved.
 */
static __always_inline void put_last(struct refslab_object *obj)
{
	struct refslab_type *type = slab_of(obj)->type;

	/* what others did before their puts comes before our release */
	smp_acquire__after_ctrl_dep();
	if (unlikely(!type->path.plain) &&
	    !(type->path.quiet && object_dies_alone(type, obj))) {
		release_start(type->heap, obj);
		return;
	}
	atomic64_set_release(&obj->word, 0);
	/* init_on_free keeps a type from being quiet */
	if (REFSLAB_HOOKS_ALWAYS || trace_refslab_free_enabled())
		object_free(type, obj);
	else
		magazine_free(type, obj);
}

static noinline void put_rare(struct refslab_object *obj, u64 old)
{
	if (put_rest(obj, old))
		put_last(obj);
}

/**
 * __refslab_put_slow - the rare cases of refslab_put(), and the last reference
 * @obj: the object
 * @old: its word before the subtraction
 *
 * Context: As refslab_put().
 */
void __refslab_put_slow(struct refslab_object *obj, u64 old)
{
	delay_at(DELAY_PUT);
	/* what is LISTED and has a count at all has a count of 1, or we were not here */
	if (likely((s32)old >= (s32)REFSLAB_COUNT_ONE))
		put_last(obj);
	else
		put_rare(obj, old);
}
EXPORT_SYMBOL_GPL(__refslab_put_slow);

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
	/*
	 * What comes from now on is for the next time: else who waits for us would
	 * wait for as long as others let objects die.
	 * acquire: pairs with the release in chain_defer()
	 */
	number = atomic_xchg_acquire(&releaser->deferred, 0);
	chain.head = number ? slab_numbered(&heap->pool, number) : NULL;
	while ((obj = chain_pop(heap, &chain))) {
		release_one(obj, &chain, true, &done);
		if (done >= RELEASE_BUDGET) {
			done = 0;
			cond_resched();
		}
	}
	WRITE_ONCE(releaser->worker, NULL);
	/* release: what was released; pairs with releaser_wait() */
	smp_store_release(&releaser->turns, releaser->turns + 1);
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

	if (word & REFSLAB_PINNED && !(word & REFSLAB_UNLISTED))
		return false;
	if (slab_is_free(slab, slab_index(slab, obj)))
		return !word;
	/* dead, and used since */
	if (word & REFSLAB_PINNED)
		word &= ~REFSLAB_RELEASED;
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
	releaser->cpu = alloc_percpu_gfp(struct release_cpu, gfp | __GFP_NOWARN);
	return releaser->cpu ? 0 : -ENOMEM;
}

/**
 * releaser_wait - wait until the workqueue has released what is left to it now
 * @releaser: a heap's
 *
 * It may be as much as others have, who are not to keep us when we are to die; and
 * to wait for a work no signal ends. So it is looked at, less and less often.
 *
 * Context: May sleep.
 * Return: 0; -EINTR if the caller was killed.
 */
int releaser_wait(struct releaser *releaser)
{
	unsigned int turns = READ_ONCE(releaser->turns), us = 20;

	/*
	 * The turn that is under way, and the one that is queued behind it.
	 * acquire: pairs with the end of releaser_work()
	 */
	while (work_busy(&releaser->work) && smp_load_acquire(&releaser->turns) - turns < 2) {
		if (fatal_signal_pending(current))
			return -EINTR;
		usleep_range(us, 2 * us);
		us = min(2 * us, 5000u);
	}
	return 0;
}

/* Something is left to the workqueue; who left it may not have come to say so yet. */
static bool releaser_has_more(struct releaser *releaser)
{
	if (!atomic_read(&releaser->deferred))
		return false;
	queue_work(refslab_wq, &releaser->work);
	return true;
}

/**
 * releaser_flush - wait until nothing is left to the workqueue
 * @releaser: a heap's
 *
 * Context: May sleep; for as long as others leave objects to it.
 */
void releaser_flush(struct releaser *releaser)
{
	/* a release can leave more to the next time */
	while (flush_work(&releaser->work) || releaser_has_more(releaser))
		;
}

void releaser_destroy(struct releaser *releaser)
{
	free_percpu(releaser->cpu);
}
