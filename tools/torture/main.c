// SPDX-License-Identifier: GPL-2.0
/*
 * Torture: mutators on all CPUs build, link, relink, drop and weakly look up
 * objects, while sweeps of all generations run back to back, finalizers bring
 * objects back to life, and the heap is frozen, thawed and quarantined.
 *
 *	insmod refslab_torture.ko seconds=60 threads=8 seed=1
 *
 * Every object has a canary and counts, apart from its word, the references
 * that mutators hold (the oracle). A release that finds the oracle above zero
 * is an early death; so is a canary that is wrong under a held reference. What
 * is left after all was dropped and swept is a leak. Everything else that must
 * never be, a finalizer called twice, say, is a mistake. The module's init runs
 * the whole test; a signal to insmod ends it early. The last line tells:
 *
 *	refslab_torture: OPS operations, ... early deaths, ... leaks: PASS
 */
#include "torture.h"

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

static unsigned int seconds = 10;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "how long");
static unsigned int threads;
module_param(threads, uint, 0444);
MODULE_PARM_DESC(threads, "mutators (default: two a CPU)");
static unsigned long seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "of the random choices");
unsigned int objects_max = 20000;
module_param_named(objects, objects_max, uint, 0444);
MODULE_PARM_DESC(objects, "about how many live at a time, at most");
unsigned int local = 50;
module_param(local, uint, 0444);
MODULE_PARM_DESC(local, "percent of links among what a thread made itself");
unsigned int held = 32;
module_param(held, uint, 0444);
MODULE_PARM_DESC(held, "references a mutator holds, at most 64: with few, more hangs from slots alone");
static unsigned int chain;
module_param(chain, uint, 0444);
MODULE_PARM_DESC(chain, "first drop a chain of so many by its head (default: none)");
static unsigned int freeze_ms = 500;
module_param(freeze_ms, uint, 0444);
MODULE_PARM_DESC(freeze_ms, "freeze and thaw, or quarantine, so often; 0 for never");

unsigned int mix[OPS] = { 40, 4, 8, 8, 16, 8, 24, 8, 20, 4 };
module_param_array(mix, uint, NULL, 0444);
MODULE_PARM_DESC(mix, "weights: set, clear, move, cmpxchg a slot, load it, weak look-up, make, get, drop, adopt what was finalized");

module_param_array(kinds, uint, NULL, 0444);
MODULE_PARM_DESC(kinds, "weights: plain, released by the workqueue, with a finalizer");

struct refslab_heap *heap;
struct counts counts;

static struct mutator *mutators;
static struct task_struct *sweeper, *warden;
static u64 sweeps, aborts, swept;

/* What must never be, apart from early deaths and leaks. */
void mistake(const char *what)
{
	if (atomic_inc_return(&counts.mistakes) <= 5)
		pr_err("refslab_torture: %s\n", what);
}

static int sweep(void *arg)
{
	struct refslab_sweep_result result;
	unsigned int gen = 0;

	while (!kthread_should_stop()) {
		if (!refslab_collect(heap, gen++ % 3, &result)) {
			WRITE_ONCE(sweeps, sweeps + 1);
			WRITE_ONCE(aborts, aborts + result.aborts);
			swept += result.freed;
		}
		cond_resched();
	}
	return 0;
}

static void thaw(void)
{
	refslab_set_quarantine(heap, false);
	if (refslab_unfreeze(heap) < 0 || refslab_drain_quarantine(heap) < 0)
		mistake("what is frozen cannot be thawed");
}

static int freeze_and_thaw(void *arg)
{
	bool quarantine = false;
	long n;

	while (!kthread_should_stop()) {
		schedule_timeout_interruptible(msecs_to_jiffies(freeze_ms));
		if (quarantine) {
			refslab_set_quarantine(heap, true);
		} else {
			n = refslab_freeze(heap);
			if (n < 0)
				mistake("the heap cannot be frozen");
			else
				atomic64_add(n, &counts.cold);
		}
		/* not for long: what is frozen or kept does not make room */
		schedule_timeout_interruptible(msecs_to_jiffies(freeze_ms / 10 + 1));
		thaw();
		quarantine = !quarantine;
	}
	return 0;
}

/* --- the whole --- */

#ifdef CONFIG_KCSAN
/* Changed by two threads that do not care about each other. */
static unsigned long raced;

static int race(void *arg)
{
	while (!kthread_should_stop()) {
		raced++;
		if (!(raced % 1024))
			cond_resched();
	}
	return 0;
}

/* That KCSAN sees no race would say nothing if it did not see this one. */
static void race_for_kcsan(void)
{
	struct task_struct *task[2];
	unsigned int i;

	pr_info("refslab-test: expect KCSAN: data-race in race.*refslab_torture\n");
	for (i = 0; i < ARRAY_SIZE(task); i++)
		task[i] = kthread_run(race, NULL, "refslab_race/%u", i);
	msleep(500);
	for (i = 0; i < ARRAY_SIZE(task); i++)
		if (!IS_ERR(task[i]))
			kthread_stop(task[i]);
	pr_info("refslab-test: unexpect\n");
}
#else
static void race_for_kcsan(void)
{
}
#endif

static int set_up(void)
{
	const struct refslab_heap_args heap_args = {
		.name = "torture", .limit = SZ_2G, .low = SZ_64K,
	};

	mutators = kcalloc(threads, sizeof(*mutators), GFP_KERNEL);
	if (!mutators)
		return -ENOMEM;
	heap = refslab_heap_create(&heap_args);
	if (IS_ERR(heap))
		return PTR_ERR(heap);
	return things_set_up(seed);
}

static int start(void)
{
	unsigned int i;

	for (i = 0; i < threads; i++) {
		struct mutator *m = &mutators[i];

		mutator_init(m, seed * 1000 + i);
		m->task = kthread_run(mutate, m, "refslab_mutate/%u", i);
		if (IS_ERR(m->task))
			return PTR_ERR(m->task);
	}
	sweeper = kthread_run(sweep, NULL, "refslab_sweep");
	if (IS_ERR(sweeper) || !freeze_ms)
		return PTR_ERR_OR_ZERO(sweeper);
	warden = kthread_run(freeze_and_thaw, NULL, "refslab_freeze");
	return PTR_ERR_OR_ZERO(warden);
}

static unsigned long stop(void)
{
	unsigned long ops = 0;
	unsigned int i;

	for (i = 0; i < threads; i++) {
		if (!IS_ERR_OR_NULL(mutators[i].task))
			kthread_stop(mutators[i].task);
		ops += mutators[i].ops;
	}
	if (!IS_ERR_OR_NULL(warden))
		kthread_stop(warden);
	if (!IS_ERR_OR_NULL(sweeper))
		kthread_stop(sweeper);
	return ops;
}

/* Everything was dropped: what a few full sweeps leave has leaked. */
static unsigned long drain(void)
{
	struct refslab_sweep_result result;
	unsigned long left = 0, least = ULONG_MAX;
	unsigned int i;

	WRITE_ONCE(draining, true);
	/* waits for a sweep that has started by itself, and its finalizers */
	thaw();
	things_drop();
	for (i = 0; i < 5; i++)
		refslab_collect(heap, 2, &result);
	/*
	 * Chains are left to the workqueue, and may have kept cycles until now. One
	 * look each: what a CPU that goes leaves is counted late.
	 */
	for (i = 0; i < 100; i++) {
		left = things_left();
		if (!left)
			break;
		/* so long as it goes on */
		if (left < least)
			i = 0;
		least = min(left, least);
		msleep(20);
		refslab_collect(heap, 2, &result);
	}
	return left;
}

static void report(unsigned long left)
{
	unsigned long ops = 0;
	unsigned int i;

	for (i = 0; i < threads; i++)
		ops += READ_ONCE(mutators[i].ops);
	pr_info("refslab_torture: %lu s left: %lu operations, %lld objects, %ld live, %llu sweeps, %llu aborts, %d early deaths\n",
		left, ops, atomic64_read(&counts.made),
		things_live(), READ_ONCE(sweeps),
		READ_ONCE(aborts), atomic_read(&counts.early));
}

/* The caller of the last put must get away soon, and need no stack. */
static int drop_chain(void)
{
	struct refslab_object *head = NULL, *obj;
	u64 start, put, gone;
	unsigned int i;

	for (i = 0; i < chain; i++) {
		obj = refslab_alloc(thing_type[KIND_PLAIN], GFP_KERNEL);
		if (!obj)
			break;
		atomic_set(&to_thing(obj)->external, 0);
		/* not asked for its name */
		to_thing(obj)->id = 1;
		to_thing(obj)->weak = 0;
		to_thing(obj)->canary = ALIVE ^ 1;
		atomic64_inc(&counts.made);
		if (head) {
			refslab_slot_set(&to_thing(obj)->slot[0], head);
			refslab_put(head);
		}
		head = obj;
		if (!(i % 1024))
			cond_resched();
	}
	start = ktime_get_ns();
	if (head)
		refslab_put(head);
	put = ktime_get_ns();
	while (things_live() > BOARD &&
	       ktime_get_ns() - put < 60ULL * NSEC_PER_SEC)
		msleep(20);
	gone = ktime_get_ns();
	pr_info("refslab_torture: chain of %u: the last put took %llu us, all was gone after %llu ms\n",
		i, div_u64(put - start, NSEC_PER_USEC), div_u64(gone - start, NSEC_PER_MSEC));
	return i == chain ? 0 : -ENOMEM;
}

/* All that must be told, and whether it is as it must be. */
static void verdict(unsigned long ops, unsigned long leaks)
{
	pr_info("refslab_torture: %lld finalized, %lld of them resurrected, %lld weak references upgraded, %lld died, %lld objects frozen, %d mistakes\n",
		atomic64_read(&counts.finalized), atomic64_read(&counts.resurrected),
		atomic64_read(&counts.upgraded), atomic64_read(&counts.weak_deaths),
		atomic64_read(&counts.cold), atomic_read(&counts.mistakes));
	pr_info("refslab_torture: %lu operations, %lld objects, %llu sweeps, %llu swept, %llu aborts, %d early deaths, %lu leaks: %s\n",
		ops, atomic64_read(&counts.made), sweeps, swept, aborts,
		atomic_read(&counts.early), leaks,
		atomic_read(&counts.early) || atomic_read(&counts.mistakes) || leaks ? "FAIL" : "PASS");
}

static int __init torture_init(void)
{
	unsigned long ops = 0, leaks = 0, s;
	int err;

	if (!threads)
		threads = 2 * num_online_cpus();
	held = clamp(held, 2U, HELD);
	race_for_kcsan();
	err = set_up();
	if (!err && chain)
		err = drop_chain();
	if (!err)
		err = start();
	for (s = seconds; !err && s && !signal_pending(current); s--) {
		if (s % 15 == 0)
			report(s);
		schedule_timeout_interruptible(HZ);
	}
	if (mutators)
		ops = stop();
	if (!err)
		leaks = drain();
	if (!IS_ERR_OR_NULL(heap))
		leaks = max(leaks, refslab_heap_destroy(heap));
	kfree(mutators);
	things_tear_down();
	if (err)
		return err;
	verdict(ops, leaks);
	return 0;
}

static void __exit torture_exit(void)
{
}

module_init(torture_init);
module_exit(torture_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Torture test of refslab");
