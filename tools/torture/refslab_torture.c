// SPDX-License-Identifier: GPL-2.0
/*
 * Torture: mutators on all CPUs build, link, relink, drop and weakly look up
 * objects, while sweeps of all generations run back to back.
 *
 *	insmod refslab_torture.ko seconds=60 threads=8 seed=1
 *
 * Every object has a canary and counts, apart from its word, the references
 * that mutators hold (the oracle). A release that finds the oracle above zero
 * is an early death; so is a canary that is wrong under a held reference. What
 * is left after all was dropped and swept is a leak. The module's init runs the
 * whole test; a signal to insmod ends it early. The last line tells:
 *
 *	refslab_torture: OPS operations, ... early deaths, ... leaks: PASS
 */
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/refslab.h>
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
static unsigned int objects_max = 20000;
module_param_named(objects, objects_max, uint, 0444);
MODULE_PARM_DESC(objects, "about how many live at a time, at most");
static unsigned int local = 50;
module_param(local, uint, 0444);
MODULE_PARM_DESC(local, "percent of links among what a thread made itself");

static unsigned int held = 16;
module_param(held, uint, 0444);
MODULE_PARM_DESC(held, "references a mutator holds, at most 64: with few, more hangs from slots alone");

static unsigned int chain;
module_param(chain, uint, 0444);
MODULE_PARM_DESC(chain, "first drop a chain of so many by its head (default: none)");

#define SLOTS		3
#define HELD		64U	/* references a mutator can hold */
#define BOARD		16	/* objects by which mutators meet */
#define WEAK		4096	/* weak entries */
#define ALIVE		0x6c696e6b65642121ULL
#define DEAD		0xdeaddeaddeaddeadULL

/**
 * struct thing - what the mutators play with
 * @link: header
 * @slot: all three
 * @canary: ALIVE ^ @id, DEAD after release
 * @id: fixed
 * @weak: index of the weak entry, fixed
 * @external: references that mutators hold: the oracle
 */
struct thing {
	struct refslab_linked	link;
	struct refslab_slot	slot[SLOTS];
	u64			canary;
	u64			id;
	u32			weak;
	atomic_t		external;
};

/* The same without slots. */
struct leaf {
	struct refslab_object	object;
	u64			canary;
};

struct mutator {
	struct task_struct	*task;
	struct rnd_state	random;
	struct thing		*held[HELD];
	unsigned int		count;
	unsigned long		ops;
	struct irq_work		irq;
	struct refslab_object	*irq_put;
};

static struct refslab_heap *heap;
static struct refslab_type *thing_type, *leaf_type;
static struct thing *board[BOARD];
static struct thing __rcu *weak_table[WEAK];
static struct mutator *mutators;
static struct task_struct *sweeper;

static atomic64_t next_id = ATOMIC64_INIT(0);
static atomic64_t made = ATOMIC64_INIT(0);
static atomic64_t released = ATOMIC64_INIT(0);
static atomic_t early = ATOMIC_INIT(0);
static u64 sweeps, aborts, swept;

static struct thing *to_thing(struct refslab_object *obj)
{
	return container_of(obj, struct thing, link.object);
}

static void early_death(struct thing *thing, const char *where)
{
	if (atomic_inc_return(&early) <= 5)
		pr_err("refslab_torture: early death seen by %s: id %llu, canary %#llx, %d held\n",
		       where, thing->id, READ_ONCE(thing->canary),
		       atomic_read(&thing->external));
}

static void check(struct thing *thing, const char *where)
{
	if (READ_ONCE(thing->canary) != (ALIVE ^ thing->id))
		early_death(thing, where);
}

static void thing_release(struct refslab_object *obj)
{
	struct thing *thing = to_thing(obj);

	check(thing, "release");
	if (atomic_read(&thing->external))
		early_death(thing, "release with references held");
	cmpxchg((struct thing **)&weak_table[thing->weak], thing, NULL);
	WRITE_ONCE(thing->canary, DEAD);
	atomic64_inc(&released);
}

static void leaf_release(struct refslab_object *obj)
{
	struct leaf *leaf = container_of(obj, struct leaf, object);

	if (READ_ONCE(leaf->canary) != ALIVE)
		atomic_inc(&early);
	WRITE_ONCE(leaf->canary, DEAD);
	atomic64_inc(&released);
}

/* --- a mutator --- */

static u32 pick(struct mutator *m, u32 below)
{
	return prandom_u32_state(&m->random) % below;
}

static void hold(struct mutator *m, struct thing *thing)
{
	atomic_inc(&thing->external);
	check(thing, "hold");
	m->held[m->count++] = thing;
}

static void put_in_irq(struct irq_work *work)
{
	struct mutator *m = container_of(work, struct mutator, irq);

	refslab_put(m->irq_put);
}

static void let_go(struct mutator *m, unsigned int i)
{
	struct thing *thing = m->held[i];

	check(thing, "put");
	m->held[i] = m->held[--m->count];
	atomic_dec(&thing->external);
	if (pick(m, 16)) {
		refslab_put(&thing->link.object);
		return;
	}
	irq_work_sync(&m->irq);
	m->irq_put = &thing->link.object;
	irq_work_queue(&m->irq);
}

static void make(struct mutator *m)
{
	struct refslab_object *obj;
	struct thing *thing, *none = NULL;
	struct leaf *leaf;

	if (atomic64_read(&made) - atomic64_read(&released) > objects_max) {
		/* garbage is the sweeper's to free: give it the CPU */
		cond_resched();
		return;
	}
	obj = refslab_alloc(thing_type, GFP_KERNEL);
	if (!obj)
		return;
	thing = to_thing(obj);
	atomic_set(&thing->external, 0);
	thing->id = atomic64_inc_return(&next_id);
	thing->weak = pick(m, WEAK);
	WRITE_ONCE(thing->canary, ALIVE ^ thing->id);
	atomic64_inc(&made);
	hold(m, thing);
	/* release: who finds it there finds it whole */
	cmpxchg((struct thing **)&weak_table[thing->weak], none, thing);

	if (pick(m, 4))
		return;
	obj = refslab_alloc(leaf_type, GFP_KERNEL);
	if (!obj)
		return;
	leaf = container_of(obj, struct leaf, object);
	WRITE_ONCE(leaf->canary, ALIVE);
	atomic64_inc(&made);
	/* the last slot is the one for leaves */
	refslab_slot_set(&thing->slot[SLOTS - 1], obj);
	refslab_put(obj);
}

static void look_up(struct mutator *m)
{
	struct thing __rcu **entry = &weak_table[pick(m, WEAK)];
	struct thing *thing;
	bool got = false;

	rcu_read_lock();
	thing = rcu_dereference(*entry);
	if (thing)
		got = refslab_tryget(&thing->link.object);
	rcu_read_unlock();
	if (!got)
		return;
	if (rcu_access_pointer(*entry) != thing) {
		refslab_put(&thing->link.object);
		return;
	}
	hold(m, thing);
}

static void step(struct mutator *m)
{
	struct refslab_slot *slot;
	struct refslab_object *obj;
	struct thing *a, *b;

	m->ops++;
	if (m->count < 2) {
		make(m);
		if (m->count < held)
			look_up(m);
		return;
	}
	a = m->held[pick(m, m->count)];
	b = m->held[pick(m, m->count)];
	if (pick(m, 100) >= local)
		a = board[pick(m, BOARD)];
	check(a, "use");
	slot = &a->slot[pick(m, SLOTS - 1)];
	switch (pick(m, 16)) {
	case 0 ... 3:
		refslab_slot_set(slot, &b->link.object);
		break;
	case 4:
		refslab_slot_clear(slot);
		break;
	case 5:
		refslab_slot_move(slot, &b->slot[pick(m, SLOTS - 1)]);
		break;
	case 6 ... 7:
		if (m->count >= held)
			break;
		obj = refslab_slot_load(slot);
		if (obj)
			hold(m, to_thing(obj));
		break;
	case 8:
		if (m->count < held)
			look_up(m);
		break;
	case 9 ... 11:
		if (m->count < held)
			make(m);
		break;
	case 12:
		if (m->count >= held)
			break;
		refslab_get(&b->link.object);
		hold(m, b);
		break;
	default:
		let_go(m, pick(m, m->count));
	}
}

static int mutate(void *arg)
{
	struct mutator *m = arg;

	while (!kthread_should_stop()) {
		step(m);
		if (!(m->ops % 64))
			cond_resched();
	}
	irq_work_sync(&m->irq);
	while (m->count)
		let_go(m, m->count - 1);
	irq_work_sync(&m->irq);
	return 0;
}

static int sweep(void *arg)
{
	struct refslab_sweep_result result;
	unsigned int gen = 0;

	while (!kthread_should_stop()) {
		if (!refslab_collect(heap, gen++ % 3, &result)) {
			sweeps++;
			aborts += result.aborts;
			swept += result.freed;
		}
		cond_resched();
	}
	return 0;
}

/* --- the whole --- */

static int set_up(void)
{
	const struct refslab_heap_args heap_args = {
		.name = "torture", .limit = SZ_2G, .low = SZ_64K,
	};
	const struct refslab_type_args thing_args = {
		.name = "thing", .size = sizeof(struct thing), .slots = SLOTS,
		.slot_offset = offsetof(struct thing, slot),
		.release = thing_release,
	};
	const struct refslab_type_args leaf_args = {
		.name = "leaf", .size = sizeof(struct leaf),
		.release = leaf_release,
	};
	unsigned int i;

	heap = refslab_heap_create(&heap_args);
	if (IS_ERR(heap))
		return PTR_ERR(heap);
	thing_type = refslab_type_create(heap, &thing_args);
	leaf_type = refslab_type_create(heap, &leaf_args);
	mutators = kcalloc(threads, sizeof(*mutators), GFP_KERNEL);
	if (IS_ERR(thing_type) || IS_ERR(leaf_type) || !mutators)
		return -ENOMEM;
	for (i = 0; i < BOARD; i++) {
		struct refslab_object *obj = refslab_alloc(thing_type, GFP_KERNEL);

		if (!obj)
			return -ENOMEM;
		board[i] = to_thing(obj);
		atomic_set(&board[i]->external, 1);
		board[i]->id = atomic64_inc_return(&next_id);
		board[i]->weak = 0;
		board[i]->canary = ALIVE ^ board[i]->id;
		atomic64_inc(&made);
	}
	return 0;
}

static int start(void)
{
	unsigned int i;

	for (i = 0; i < threads; i++) {
		struct mutator *m = &mutators[i];

		prandom_seed_state(&m->random, seed * 1000 + i);
		init_irq_work(&m->irq, put_in_irq);
		m->task = kthread_run(mutate, m, "refslab_mutate/%u", i);
		if (IS_ERR(m->task))
			return PTR_ERR(m->task);
	}
	sweeper = kthread_run(sweep, NULL, "refslab_sweep");
	return PTR_ERR_OR_ZERO(sweeper);
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
	if (!IS_ERR_OR_NULL(sweeper))
		kthread_stop(sweeper);
	return ops;
}

/* Everything was dropped: what a few full sweeps leave has leaked. */
static unsigned long drain(void)
{
	struct refslab_sweep_result result;
	unsigned int i;

	for (i = 0; i < BOARD; i++) {
		if (!board[i])
			continue;
		atomic_dec(&board[i]->external);
		refslab_put(&board[i]->link.object);
	}
	for (i = 0; i < 5; i++)
		refslab_collect(heap, 2, &result);
	/* chains left to the workqueue */
	for (i = 0; i < 100 && (refslab_type_objects(thing_type) ||
				refslab_type_objects(leaf_type)); i++)
		msleep(20);
	return refslab_type_objects(thing_type) + refslab_type_objects(leaf_type);
}

static void report(unsigned long left)
{
	unsigned long ops = 0;
	unsigned int i;

	for (i = 0; i < threads; i++)
		ops += READ_ONCE(mutators[i].ops);
	pr_info("refslab_torture: %lu s left: %lu operations, %lld objects, %lld live, %llu sweeps, %llu aborts, %d early deaths\n",
		left, ops, atomic64_read(&made),
		atomic64_read(&made) - atomic64_read(&released), READ_ONCE(sweeps),
		READ_ONCE(aborts), atomic_read(&early));
}

/* The caller of the last put must get away soon, and need no stack. */
static int drop_chain(void)
{
	struct refslab_object *head = NULL, *obj;
	u64 start, put, gone;
	unsigned int i;

	for (i = 0; i < chain; i++) {
		obj = refslab_alloc(thing_type, GFP_KERNEL);
		if (!obj)
			break;
		atomic_set(&to_thing(obj)->external, 0);
		to_thing(obj)->id = 0;
		to_thing(obj)->weak = 0;
		to_thing(obj)->canary = ALIVE;
		atomic64_inc(&made);
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
	while (atomic64_read(&made) - atomic64_read(&released) > BOARD &&
	       ktime_get_ns() - put < 60ULL * NSEC_PER_SEC)
		msleep(20);
	gone = ktime_get_ns();
	pr_info("refslab_torture: chain of %u: the last put took %llu us, all was gone after %llu ms\n",
		i, div_u64(put - start, NSEC_PER_USEC), div_u64(gone - start, NSEC_PER_MSEC));
	return i == chain ? 0 : -ENOMEM;
}

static int __init torture_init(void)
{
	unsigned long ops = 0, leaks = 0, s;
	int err;

	if (!threads)
		threads = 2 * num_online_cpus();
	held = clamp(held, 2U, HELD);
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
	if (err)
		return err;
	pr_info("refslab_torture: %lu operations, %lld objects, %llu sweeps, %llu swept, %llu aborts, %d early deaths, %lu leaks: %s\n",
		ops, atomic64_read(&made), sweeps, swept, aborts,
		atomic_read(&early), leaks,
		atomic_read(&early) || leaks ? "FAIL" : "PASS");
	return 0;
}

static void __exit torture_exit(void)
{
}

module_init(torture_init);
module_exit(torture_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Torture test of refslab");
