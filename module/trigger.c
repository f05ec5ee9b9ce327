// SPDX-License-Identifier: GPL-2.0
/*
 * Triggers: when to sweep.
 *
 * As in Python: allocations minus frees since the last sweep, of objects that
 * can be in cycles, strictly greater than threshold0, start one of generation
 * 0; so many of these one of generation 1, so many of those a full one, unless
 * little has become old since the last. The slabs tell when objects leave and
 * come back, so that the usual path of neither pays for it; what magazines hold
 * is taken off when it matters. A sweep by threshold is therefore late by at
 * most a magazine a CPU; and early by as much if the one before ended while a CPU
 * emptied its magazine.
 */
#include "trigger.h"

#include <linux/ktime.h>
#include <linux/nospec.h>

#include "depot.h"
#include "heap.h"

static const u32 default_threshold[GENERATIONS] = { 700, 10, 10 };

/* Magazines are not emptied for want of memory more often than this. */
#define DRAIN_REST	(HZ / 10)

/* A heap with candidates that did nothing for so long is idle. */
#define IDLE_DELAY	(2 * HZ)
/*
 * A work that finds a sweep under way comes again, rather than wait for it: it
 * may be long, and there are only so many workers.
 */
#define AGAIN_DELAY	max(HZ / 20, 1)

/* Idle sweeps take at most one part in so many of a CPU. */
#define IDLE_FACTOR	20

/* Objects with slots that have users. */
static s64 live_objects(struct refslab_heap *heap)
{
	s64 n = atomic64_read(&heap->trigger.out);
	struct refslab_type *type;
	unsigned long id;

	/* pairs with trigger_taken(): what it counted is seen in its magazine */
	smp_rmb();
	rcu_read_lock();
	xa_for_each(&heap->types, id, type)
		if (!type->leaf)
			n -= magazine_objects(type) + atomic_long_read(&type->reserved);
	rcu_read_unlock();
	return n;
}

/* Jiffies until an automatic sweep of an accounted heap may start. */
static unsigned long rest_delay(struct trigger *trigger)
{
	return jiffies_until(READ_ONCE(trigger->rest_until));
}

/* The same for a sweep of an idle heap. */
static unsigned long idle_delay(struct trigger *trigger)
{
	return max(rest_delay(trigger), jiffies_until(READ_ONCE(trigger->idle_until)));
}

static void queue_idle(struct trigger *trigger)
{
	queue_delayed_work(refslab_wq, &trigger->idle,
			   max_t(unsigned long, IDLE_DELAY, idle_delay(trigger)));
}

/*
 * What was done for a heap that user programs fill took @ns; nothing is done by
 * itself for three times that. sweep.mutex held.
 */
static void rest(struct refslab_heap *heap, u64 ns)
{
	if (heap->flags & REFSLAB_HEAP_ACCOUNT)
		WRITE_ONCE(heap->trigger.rest_until, ktime_get_ns() + REST_FACTOR * ns);
}

/* Returns the ns that it took, with the counting. sweep.mutex held. */
static u64 sweep_counted(struct refslab_heap *heap, unsigned int generation,
			 struct refslab_sweep_result *result)
{
	struct trigger *trigger = &heap->trigger;
	u64 ns, begin = ktime_get_ns();
	unsigned int gen;

	sweep_run(heap, generation, result);

	WRITE_ONCE(trigger->base, live_objects(heap));
	WRITE_ONCE(trigger->base_out, atomic64_read(&trigger->out));
	for (gen = 1; gen <= generation; gen++)
		WRITE_ONCE(trigger->count[gen], 0);
	if (generation < GENERATIONS - 1)
		WRITE_ONCE(trigger->count[generation + 1],
			   trigger->count[generation + 1] + 1);
	ns = ktime_get_ns() - begin;
	rest(heap, ns);
	return ns;
}

static unsigned int due_generation(struct refslab_heap *heap)
{
	struct trigger *trigger = &heap->trigger;
	struct sweep *sweep = &heap->sweep;

	/*
	 * Full sweeps whenever their turn comes would make building one large
	 * live structure cost the square of its size.
	 */
	if (trigger->count[2] > READ_ONCE(trigger->threshold[2]) &&
	    sweep->aged > sweep->old / 4)
		return 2;
	if (trigger->count[1] > READ_ONCE(trigger->threshold[1]))
		return 1;
	return 0;
}

/* Sweeps may start by themselves. */
static bool automatic(struct refslab_heap *heap)
{
	struct trigger *trigger = &heap->trigger;

	return READ_ONCE(trigger->threshold[0]) && READ_ONCE(trigger->enabled) &&
	       !READ_ONCE(trigger->closing) && !READ_ONCE(heap->sweep.broken);
}

static bool due(struct refslab_heap *heap, s64 count)
{
	return count > READ_ONCE(heap->trigger.threshold[0]) && automatic(heap) &&
	       candidate_any(&heap->sweep, GENERATIONS - 1);
}

static void trigger_work(struct work_struct *work)
{
	struct trigger *trigger = container_of(to_delayed_work(work),
					       struct trigger, work);
	struct refslab_heap *heap = container_of(trigger, struct refslab_heap, trigger);
	struct refslab_sweep_result result;
	unsigned long delay;
	u64 begin, ns;

	tenant_turn_came(&trigger->turn);
	if (!mutex_trylock(&heap->sweep.mutex)) {
		tenant_turn_leave(&trigger->turn);
		queue_delayed_work(refslab_wq, &trigger->work, AGAIN_DELAY);
		return;
	}
	delay = rest_delay(trigger);
	if (delay) {
		/* queued during the sweep after which this one has to rest */
		tenant_turn_leave(&trigger->turn);
		queue_delayed_work(refslab_wq, &trigger->work, delay);
	} else if (tenant_turn_begin(&trigger->turn)) {
		/* to count is work, too: of many types on many processors more than a sweep */
		begin = ktime_get_ns();
		if (due(heap, live_objects(heap) - READ_ONCE(trigger->base)))
			sweep_counted(heap, due_generation(heap), &result);
		ns = ktime_get_ns() - begin;
		rest(heap, ns);
		tenant_turn_end(&trigger->turn, ns);
	}
	mutex_unlock(&heap->sweep.mutex);
}

/*
 * Chunks that are free but for what magazines and depots hold, and emptied slabs
 * that were kept. Emptying magazines interrupts CPUs: not more often than is good
 * for those who have nothing to do with the heap. heap->lock or sweep.mutex held:
 * with either of them types stay.
 */
static void drain(struct refslab_heap *heap)
{
	struct trigger *trigger = &heap->trigger;
	struct refslab_type *type;
	unsigned long id;
	unsigned long last = READ_ONCE(trigger->drained_at);
	bool magazines, emptied = false;

	magazines = !last || time_after(jiffies, last + DRAIN_REST);
	xa_for_each(&heap->types, id, type) {
		/* only where it helps: CPUs are interrupted for each */
		if (!magazine_objects(type))
			depot_pour(type);
		else if (magazines && magazine_try_drain(type))
			emptied = true;
		else
			magazine_drain_local(type);
		slab_shrink(type);
	}
	if (emptied)
		WRITE_ONCE(trigger->drained_at, jiffies | 1);
}

/*
 * Garbage that the thresholds would leave until somebody allocates: when the
 * heap is idle, or memory is short.
 */
static void trigger_idle(struct work_struct *work)
{
	struct trigger *trigger = container_of(to_delayed_work(work),
					       struct trigger, idle);
	struct refslab_heap *heap = container_of(trigger, struct refslab_heap, trigger);
	s64 out = atomic64_read(&trigger->out);
	struct refslab_sweep_result result;
	bool urgent, some, sweeps;
	unsigned int gen;
	u64 ns = 0;

	if (!mutex_trylock(&heap->sweep.mutex)) {
		tenant_turn_leave(&trigger->idle_turn);
		queue_delayed_work(refslab_wq, &trigger->idle, AGAIN_DELAY);
		return;
	}
	urgent = xchg(&trigger->urgent, false);
	some = automatic(heap) && candidate_any(&heap->sweep, GENERATIONS - 1);
	sweeps = some && (urgent ? !rest_delay(trigger) :
			  out == trigger->idle_out && !idle_delay(trigger));
	if (!sweeps) {
		tenant_turn_leave(&trigger->idle_turn);
	} else if (!tenant_turn_begin(&trigger->idle_turn)) {
		sweeps = false;
		/* what can be done without is; when the turn comes it is for the sweep */
		if (urgent)
			WRITE_ONCE(trigger->urgent, true);
	}
	if (sweeps) {
		gen = urgent ? GENERATIONS - 1 : 0;
		/* slabs that empty meanwhile take their candidates along */
		while (gen < GENERATIONS - 1 && !candidate_any(&heap->sweep, gen))
			gen++;
		ns = sweep_counted(heap, gen, &result);
		tenant_turn_end(&trigger->idle_turn, ns);
		out = atomic64_read(&trigger->out);
	}
	if (urgent) {
		drain(heap);
		out = atomic64_read(&trigger->out);
		/* a second from now, however long it took */
		WRITE_ONCE(trigger->pressed_at, jiffies | 1);
	}
	if (!some) {
		mutex_unlock(&heap->sweep.mutex);
		return;
	}
	/* whatever the sweep was for */
	if (ns)
		WRITE_ONCE(trigger->idle_until, ktime_get_ns() + IDLE_FACTOR * ns);
	/* survivors go on as candidates of the next generation, up to the last */
	trigger->idle_out = out;
	if (candidate_any(&heap->sweep, GENERATIONS - 1) &&
	    !READ_ONCE(trigger->closing))
		queue_idle(trigger);
	mutex_unlock(&heap->sweep.mutex);
}

/**
 * trigger_candidates - there may be candidates where there were none, or they
 *	may be looked at where they might not
 * @heap: the heap
 *
 * Context: Any context.
 */
void trigger_candidates(struct refslab_heap *heap)
{
	struct trigger *trigger = &heap->trigger;

	/*
	 * Who makes sweeps automatic finds the candidate, or who lists one finds
	 * that they are: both have stored before they come here.
	 */
	smp_mb();
	/*
	 * Not asked first whether it is pending: that it is not any more must
	 * not be missed, and to queue it is a full barrier, which pairs with the
	 * one between pending and trigger_idle().
	 */
	if (automatic(heap) && candidate_any(&heap->sweep, GENERATIONS - 1))
		queue_idle(trigger);
}

/**
 * trigger_pressure - memory is short
 * @heap: the heap
 *
 * Starts a full sweep in the background, and then empties magazines and depots, at
 * most once a second.
 *
 * Context: Any context; does not wait.
 */
void trigger_pressure(struct refslab_heap *heap)
{
	struct trigger *trigger = &heap->trigger;
	unsigned long last = READ_ONCE(trigger->pressed_at);

	if (READ_ONCE(trigger->closing) || (last && time_before(jiffies, last + HZ)))
		return;
	WRITE_ONCE(trigger->pressed_at, jiffies | 1);
	WRITE_ONCE(trigger->urgent, true);
	mod_delayed_work(refslab_wq, &trigger->idle, 0);
}

/**
 * trigger_taken - objects with slots have left their slabs or a depot
 * @heap: their heap
 * @n: how many
 *
 * Context: Any context.
 */
void trigger_taken(struct refslab_heap *heap, unsigned int n)
{
	struct trigger *trigger = &heap->trigger;

	/* about; the work counts exactly */
	if (!due(heap, atomic64_add_return(n, &trigger->out) -
		       READ_ONCE(trigger->base_out)) ||
	    delayed_work_pending(&trigger->work) || tenant_turn_waits(&trigger->turn))
		return;
	queue_delayed_work(refslab_wq, &trigger->work, rest_delay(trigger));
}

/**
 * trigger_given - objects with slots are back in their slabs or a depot
 * @heap: their heap
 * @n: how many
 *
 * Context: Any context.
 */
void trigger_given(struct refslab_heap *heap, unsigned int n)
{
	struct trigger *trigger = &heap->trigger;
	s64 out = atomic64_sub_return(n, &trigger->out);

	/* frees do not save up for later: the count is never far below 0 */
	if (out < READ_ONCE(trigger->base))
		WRITE_ONCE(trigger->base, out);
	if (out < READ_ONCE(trigger->base_out))
		WRITE_ONCE(trigger->base_out, out);
}

/**
 * trigger_garbage - objects are in the way: those that nobody has go
 * @heap: the heap
 *
 * Context: May sleep.
 * Return: false where that cannot be.
 */
bool trigger_garbage(struct refslab_heap *heap)
{
	struct refslab_sweep_result result;

	if (object_in_release(heap))
		return false;
	/* whatever releases take must not be held here */
	lock_map_acquire(&heap->release_map);
	lock_map_release(&heap->release_map);

	/* what died already waits for the workqueue */
	if (releaser_wait(&heap->releaser))
		return false;
	/* sharers may sweep one after the other */
	if (mutex_lock_killable(&heap->sweep.mutex))
		return false;
	if (!heap->sweep.broken && candidate_any(&heap->sweep, GENERATIONS - 1))
		sweep_counted(heap, GENERATIONS - 1, &result);
	mutex_unlock(&heap->sweep.mutex);
	/* and so may what hung on the garbage */
	return !releaser_wait(&heap->releaser);
}

/**
 * trigger_pressed - the pool is about to refuse an allocation
 * @heap: the heap
 *
 * Context: May sleep.
 * Return: true if it is worth trying again.
 */
bool trigger_pressed(struct refslab_heap *heap)
{
	if (!trigger_garbage(heap))
		return false;
	park_reap(&heap->park);
	if (mutex_lock_killable(&heap->lock))
		return false;
	drain(heap);
	mutex_unlock(&heap->lock);
	pool_wait(&heap->pool);
	return true;
}

/**
 * refslab_collect - sweep now
 * @heap: the heap
 * @generation: 0, 1 or 2: candidates of this generation and younger
 * @result: what the sweep did; may be NULL
 *
 * A sweep under way is waited for first. Releases of what is found run here,
 * those of types flagged REFSLAB_TYPE_RELEASE_WORK too.
 *
 * Context: May sleep. No lock may be held that a release takes.
 * Return: 0; -EINVAL if there is no such generation, -EDEADLK within a release,
 *	a finalizer or a listener, -EINTR if the caller was killed while it
 *	waited, -EOPNOTSUPP if the heap's sweeper has stopped after an internal
 *	error.
 */
int refslab_collect(struct refslab_heap *heap, unsigned int generation,
		    struct refslab_sweep_result *result)
{
	struct refslab_sweep_result unused;
	int err;

	if (generation >= GENERATIONS)
		return -EINVAL;
	/* it may come from a user program */
	generation = array_index_nospec(generation, GENERATIONS);
	err = sweep_lock(heap);
	if (err)
		return err;
	if (heap->sweep.broken)
		err = -EOPNOTSUPP;
	else
		sweep_counted(heap, generation, result ?: &unused);
	mutex_unlock(&heap->sweep.mutex);
	return err;
}
EXPORT_SYMBOL_GPL(refslab_collect);

/**
 * refslab_set_thresholds - say when sweeps start by themselves
 * @heap: the heap
 * @threshold: [0] allocations minus frees, 0 for never; [1], [2] sweeps of the
 *	next younger generation; each is to be exceeded
 *
 * Context: Any context.
 * Return: 0; -EINVAL if one is larger than INT_MAX, and then none is set.
 */
int refslab_set_thresholds(struct refslab_heap *heap, const u32 threshold[3])
{
	unsigned int gen;

	for (gen = 0; gen < GENERATIONS; gen++)
		if (threshold[gen] > INT_MAX)
			return -EINVAL;
	for (gen = 0; gen < GENERATIONS; gen++)
		WRITE_ONCE(heap->trigger.threshold[gen], threshold[gen]);
	trigger_candidates(heap);
	return 0;
}
EXPORT_SYMBOL_GPL(refslab_set_thresholds);

/**
 * refslab_get_thresholds - when sweeps start by themselves
 * @heap: the heap
 * @threshold: filled in
 *
 * Context: Any context.
 */
void refslab_get_thresholds(struct refslab_heap *heap, u32 threshold[3])
{
	unsigned int gen;

	for (gen = 0; gen < GENERATIONS; gen++)
		threshold[gen] = READ_ONCE(heap->trigger.threshold[gen]);
}
EXPORT_SYMBOL_GPL(refslab_get_thresholds);

/**
 * refslab_get_counts - what the thresholds are compared with
 * @heap: the heap
 * @count: filled in
 *
 * Context: Any context.
 */
void refslab_get_counts(struct refslab_heap *heap, s64 count[3])
{
	count[0] = live_objects(heap) - READ_ONCE(heap->trigger.base);
	count[1] = READ_ONCE(heap->trigger.count[1]);
	count[2] = READ_ONCE(heap->trigger.count[2]);
}
EXPORT_SYMBOL_GPL(refslab_get_counts);

/**
 * refslab_set_enabled - switch automatic sweeps on or off
 * @heap: the heap
 * @enabled: on
 *
 * refslab_collect() and sweeps at the heap's limit go on either way.
 *
 * Context: Any context.
 */
void refslab_set_enabled(struct refslab_heap *heap, bool enabled)
{
	WRITE_ONCE(heap->trigger.enabled, enabled);
	trigger_candidates(heap);
}
EXPORT_SYMBOL_GPL(refslab_set_enabled);

/**
 * refslab_is_enabled - whether sweeps start by themselves
 * @heap: the heap
 *
 * Context: Any context.
 * Return: true if they do.
 */
bool refslab_is_enabled(struct refslab_heap *heap)
{
	return READ_ONCE(heap->trigger.enabled);
}
EXPORT_SYMBOL_GPL(refslab_is_enabled);

void trigger_init(struct trigger *trigger, struct tenant *tenant)
{
	memcpy(trigger->threshold, default_threshold, sizeof(default_threshold));
	trigger->enabled = true;
	INIT_DELAYED_WORK(&trigger->work, trigger_work);
	INIT_DELAYED_WORK(&trigger->idle, trigger_idle);
	tenant_turn_init(&trigger->turn, tenant, &trigger->work);
	tenant_turn_init(&trigger->idle_turn, tenant, &trigger->idle);
}

/**
 * trigger_close - no more automatic sweeps
 * @trigger: a heap's; nobody allocates any more
 *
 * Context: May sleep.
 */
void trigger_close(struct trigger *trigger)
{
	WRITE_ONCE(trigger->closing, true);
	/* first: a turn that comes queues the work */
	tenant_turn_close(&trigger->turn);
	tenant_turn_close(&trigger->idle_turn);
	cancel_delayed_work_sync(&trigger->work);
	cancel_delayed_work_sync(&trigger->idle);
}
