// SPDX-License-Identifier: GPL-2.0
/*
 * Magazines: halves to and from the slabs, and interrupts that come in between.
 */
#include <linux/cpu.h>
#include <linux/hrtimer.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "depot.h"
#include "fixture.h"

/* This CPU's, of a test that stays on it. */
static struct refslab_magazine *mine(struct refslab_type *type)
{
	return raw_cpu_ptr(type->path.magazines);
}

/* With users, or in magazines. */
static unsigned long type_out(struct refslab_type *type)
{
	return type_sum(type, out) - depot_objects(type);
}

static void test_size(struct kunit *test)
{
	size_t size;
	unsigned int n, wrong = 0;

	for (size = 16; size <= REFSLAB_OBJECT_MAX; size += 16) {
		n = magazine_size(size);
		/* halves are whole; a CPU sits on less than two chunks, or on 4 */
		wrong += n & 1 || n < 4 || n > 128 ||
			 (n > 4 && n * size >= 2 * REFSLAB_CHUNK_SIZE);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	for (size = 16; size <= REFSLAB_OBJECT_MAX; size += 16)
		wrong += magazine_room(size) < magazine_size(size) ||
			 magazine_room(size) > 256;
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, magazine_size(64), 128);
	KUNIT_EXPECT_EQ(test, magazine_size(REFSLAB_OBJECT_MAX), 4);
}

static void test_refill_and_flush(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int full = type->path.magazine_size, half = full / 2, i;
	struct refslab_object **objs;

	objs = kunit_kcalloc(test, 2 * full, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	migrate_disable();
	/* empty: half of it comes, one goes on */
	objs[0] = obj_make(test, type);
	KUNIT_EXPECT_EQ(test, mine(type)->count, half - 1);
	KUNIT_EXPECT_EQ(test, type_out(type), half);
	for (i = 1; i < half; i++)
		objs[i] = obj_make(test, type);
	KUNIT_EXPECT_EQ(test, mine(type)->count, 0);
	KUNIT_EXPECT_EQ(test, type_out(type), half);
	for (; i < 2 * full; i++)
		objs[i] = obj_make(test, type);
	KUNIT_EXPECT_EQ(test, type_out(type), 2 * full);
	KUNIT_EXPECT_EQ(test, mine(type)->count, 0);

	/* full: half of it goes */
	for (i = 0; i < full; i++)
		refslab_put(objs[i]);
	KUNIT_EXPECT_EQ(test, mine(type)->count, full);
	KUNIT_EXPECT_EQ(test, type_out(type), 2 * full);
	EXPECT_OBJECTS(test, type, full);
	refslab_put(objs[full]);
	KUNIT_EXPECT_EQ(test, mine(type)->count, half + 1);
	KUNIT_EXPECT_EQ(test, type_out(type), 2 * full - half);
	EXPECT_OBJECTS(test, type, full - 1);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);

	/* the last freed comes first: it is still in the CPU's cache */
	KUNIT_EXPECT_PTR_EQ(test, obj_make(test, type), objs[full]);
	migrate_enable();
	for (i = full; i < 2 * full; i++)
		refslab_put(objs[i]);
	EXPECT_OBJECTS(test, type, 0);
}

static void test_drain(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->knot;
	struct refslab_object *objs[40];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(objs); i++)
		objs[i] = obj_make(test, type);
	refslab_put_bulk(20, objs);
	KUNIT_EXPECT_GT(test, magazine_objects(type), 0);
	magazine_drain(type);
	KUNIT_EXPECT_EQ(test, magazine_objects(type), 0);
	KUNIT_EXPECT_EQ(test, type_out(type), 20);
	EXPECT_OBJECTS(test, type, 20);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	refslab_put_bulk(20, objs + 20);
	magazine_drain(type);
	KUNIT_EXPECT_EQ(test, type_out(type), 0);
	EXPECT_OBJECTS(test, type, 0);
}

/**
 * struct drainer - a thread that drains a type
 * @type: the type
 * @task: the thread
 * @drains: how often it has tried; WRITE_ONCE
 * @not_done: in vain
 */
struct drainer {
	struct refslab_type *type;
	struct task_struct *task;
	unsigned int	drains;
	unsigned int	not_done;
};

static int drainer_main(void *data)
{
	struct drainer *drainer = data;

	while (!kthread_should_stop()) {
		drainer->not_done += !magazine_try_drain(drainer->type);
		WRITE_ONCE(drainer->drains, drainer->drains + 1);
		cond_resched();
	}
	return 0;
}

/* Who drains one heap's type does not keep those of another from it. */
static void test_drains_of_heaps(struct kunit *test)
{
	struct fixture *f = test->priv;
	const struct refslab_heap_args heap_args = { .name = "beside" };
	const struct refslab_type_args args = { .name = "other", .size = 64 };
	struct refslab_heap *heap = fixture_heap(test, &heap_args);
	struct refslab_type *other = fixture_type(test, heap, &args);
	struct drainer drainers[] = { { .type = f->leaf }, { .type = other } }, *drainer;
	unsigned int i, wait;

	for (i = 0; i < ARRAY_SIZE(drainers); i++) {
		drainer = &drainers[i];
		drainer->task = kthread_run(drainer_main, drainer, "drainer/%u", i);
		KUNIT_EXPECT_FALSE(test, IS_ERR(drainer->task));
	}
	msleep(200);
	for (i = 0; i < ARRAY_SIZE(drainers); i++) {
		drainer = &drainers[i];
		if (IS_ERR(drainer->task))
			continue;
		for (wait = 0; wait < 1000 && READ_ONCE(drainer->drains) < 100; wait++)
			msleep(10);
		KUNIT_EXPECT_EQ(test, kthread_stop(drainer->task), 0);
		KUNIT_EXPECT_GE(test, drainer->drains, 100);
		KUNIT_EXPECT_EQ(test, drainer->not_done, 0);
	}
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 0);
}

/* A busy magazine is left alone: its CPU is at it, below us. */
static void test_busy(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	struct refslab_object *a = obj_make(test, type), *b;
	struct refslab_magazine *m;
	unsigned long out;
	u32 count;

	preempt_disable();
	m = mine(type);
	KUNIT_EXPECT_FALSE(test, __refslab_magazine_mark(m));
	KUNIT_EXPECT_TRUE(test, __refslab_magazine_mark(m));
	count = m->count;
	out = type_out(type);
	b = refslab_alloc(type, GFP_ATOMIC);
	KUNIT_EXPECT_NOT_NULL(test, b);
	KUNIT_EXPECT_EQ(test, m->count, count);
	KUNIT_EXPECT_EQ(test, type_out(type), out + 1);
	refslab_put(a);
	KUNIT_EXPECT_EQ(test, m->count, count);
	KUNIT_EXPECT_EQ(test, type_out(type), out);
	__refslab_magazine_done(m, count);
	preempt_enable();
	refslab_put(b);
	EXPECT_OBJECTS(test, type, 0);
}

/* A size is a number: what is above it goes, what is below it may come. */
static void test_set_size(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int room = type->magazine_room, i;
	struct refslab_object **objs;

	objs = kunit_kcalloc(test, room, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	KUNIT_EXPECT_EQ(test, magazine_set_size(type, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, magazine_set_size(type, MAGAZINE_LEAST - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, magazine_set_size(type, room + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, type->path.magazine_size, magazine_size(64));

	KUNIT_EXPECT_EQ(test, magazine_set_size(type, room), 0);
	migrate_disable();
	for (i = 0; i < room; i++)
		objs[i] = obj_make(test, type);
	magazine_drain_local(type);
	for (i = 0; i < room; i++)
		refslab_put(objs[i]);
	KUNIT_EXPECT_EQ(test, mine(type)->count, room);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);

	/* smaller: emptied at once, by 1 at a time from now on */
	KUNIT_EXPECT_EQ(test, magazine_set_size(type, MAGAZINE_LEAST), 0);
	KUNIT_EXPECT_EQ(test, magazine_objects(type), 0);
	migrate_disable();
	for (i = 0; i < 10; i++)
		objs[i] = obj_make(test, type);
	KUNIT_EXPECT_EQ(test, mine(type)->count, 0);
	for (i = 0; i < 10; i++) {
		refslab_put(objs[i]);
		KUNIT_EXPECT_LE(test, mine(type)->count, MAGAZINE_LEAST);
	}
	migrate_enable();
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	EXPECT_OBJECTS(test, type, 0);
}

static unsigned long counter(struct refslab_type *type, enum counter counter)
{
	return counter_sum(type->counters, counter);
}

/* What leaves the fast path is counted, and nothing that does not. */
static void test_counters(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int full = type->path.magazine_size, n = 2 * full, i;
	struct refslab_object **objs;
	struct refslab_magazine *m;

	objs = kunit_kcalloc(test, n, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	migrate_disable();
	for (i = 0; i < n; i++)
		objs[i] = obj_make(test, type);
	KUNIT_EXPECT_EQ(test, counter(type, ALLOC_SLOWPATH), 4);
	KUNIT_EXPECT_EQ(test, counter(type, ALLOC_REFILL), 4);
	KUNIT_EXPECT_EQ(test, counter(type, ALLOC_SLAB), 1);
	KUNIT_EXPECT_EQ(test, counter(type, ALLOC_BUSY), 0);
	for (i = 0; i < n - 1; i++)
		refslab_put(objs[i]);
	KUNIT_EXPECT_EQ(test, counter(type, FREE_SLOWPATH), 2);
	KUNIT_EXPECT_EQ(test, counter(type, FREE_FLUSH), 2);
	KUNIT_EXPECT_EQ(test, counter(type, FREE_BUSY), 0);

	preempt_disable();
	m = mine(type);
	KUNIT_EXPECT_FALSE(test, __refslab_magazine_mark(m));
	objs[0] = refslab_alloc(type, GFP_ATOMIC);
	KUNIT_EXPECT_NOT_NULL(test, objs[0]);
	refslab_put(objs[0]);
	__refslab_magazine_done(m, m->count);
	preempt_enable();
	migrate_enable();
	KUNIT_EXPECT_EQ(test, counter(type, ALLOC_SLOWPATH), 5);
	KUNIT_EXPECT_EQ(test, counter(type, ALLOC_BUSY), 1);
	KUNIT_EXPECT_EQ(test, counter(type, FREE_SLOWPATH), 3);
	KUNIT_EXPECT_EQ(test, counter(type, FREE_BUSY), 1);

	refslab_put(objs[n - 1]);
	magazine_drain(type);
	slab_shrink(type);
	KUNIT_EXPECT_EQ(test, counter(type, FREE_SLAB), 1);
}

#define STEADY_ALIVE	2000U
#define STEADY_OPS	40000U

/* With about as many alive all the time, of 32 operations one leaves the fast path. */
static void test_steady(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	struct refslab_object **objs;
	unsigned long before, slow;
	struct rnd_state random;
	unsigned int n, i, k;

	objs = kunit_kcalloc(test, 2 * STEADY_ALIVE, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	prandom_seed_state(&random, 1);
	for (n = 0; n < STEADY_ALIVE; n++)
		objs[n] = obj_make(test, type);
	before = counter(type, ALLOC_SLOWPATH) + counter(type, FREE_SLOWPATH);
	for (i = 0; i < STEADY_OPS; i++) {
		u32 r = prandom_u32_state(&random);

		if (!n || (n < 2 * STEADY_ALIVE && r & BIT(31))) {
			objs[n++] = obj_make(test, type);
		} else {
			/* a random one: what is freed was not allocated last */
			k = r % n;
			refslab_put(objs[k]);
			objs[k] = objs[--n];
		}
		if (!(i % 1000))
			cond_resched();
	}
	slow = counter(type, ALLOC_SLOWPATH) + counter(type, FREE_SLOWPATH) - before;
	kunit_info(test, "%lu of %u left the fast path\n", slow, STEADY_OPS);
	KUNIT_EXPECT_LE(test, 32 * slow, STEADY_OPS);
	while (n)
		refslab_put(objs[--n]);
	EXPECT_OBJECTS(test, type, 0);
}

static long alloc_and_put(void *type)
{
	struct refslab_object *obj = refslab_alloc(type, GFP_KERNEL);

	if (!obj)
		return -ENOMEM;
	refslab_put(obj);
	return 0;
}

/* A CPU that goes off takes no objects along. */
static void test_cpu_goes(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	int cpu = cpumask_last(cpu_online_mask);
	u32 count;

	if (!cpu)
		kunit_skip(test, "one CPU");
	/* in a task: a hard interrupt may not ask for pages */
	KUNIT_EXPECT_EQ(test, work_on_cpu(cpu, alloc_and_put, type), 0);
	count = per_cpu_ptr(type->path.magazines, cpu)->count;
	KUNIT_EXPECT_GT(test, count, 0);
	KUNIT_EXPECT_EQ(test, type_out(type), count);
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	KUNIT_EXPECT_EQ(test, per_cpu_ptr(type->path.magazines, cpu)->count, 0);
	KUNIT_EXPECT_EQ(test, type_out(type), 0);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	KUNIT_EXPECT_EQ(test, work_on_cpu(cpu, alloc_and_put, type), 0);
	KUNIT_EXPECT_EQ(test, per_cpu_ptr(type->path.magazines, cpu)->count, count);
}

/* The validator must be able to fail, or its other uses mean nothing. */
static void test_validator_notices(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->leaf);
	struct refslab_magazine *m;

	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, magazine_validate(f->leaf), 0);
	atomic64_set(&obj->word, REFSLAB_COUNT_ONE);
	expect_in_log("refslab: heap kunit: a magazine of type leaf holds what it should not");
	KUNIT_EXPECT_EQ(test, magazine_validate(f->leaf), -EUCLEAN);
	unexpect_in_log();
	atomic64_set(&obj->word, 0);

	migrate_disable();
	m = mine(f->leaf);
	KUNIT_EXPECT_FALSE(test, __refslab_magazine_mark(m));
	expect_in_log("refslab: heap kunit: a magazine of type leaf holds what it should not");
	KUNIT_EXPECT_EQ(test, magazine_validate(f->leaf), -EUCLEAN);
	unexpect_in_log();
	__refslab_magazine_done(m, m->count);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, magazine_validate(f->leaf), 0);
}

/* --- interrupts --- */

enum { HELD = 24, HAMMER_MS = 1500 };

#define PERIOD	ns_to_ktime(100 * NSEC_PER_USEC)

/* One context that allocates and frees, checks that what it has is its own. */
struct hammer {
	struct refslab_type *type;
	struct rnd_state random;
	struct knot *held[HELD];
	unsigned long made, failed, wrong;
};

static void hammer_init(struct hammer *h, struct refslab_type *type, u32 seed)
{
	h->type = type;
	prandom_seed_state(&h->random, seed);
}

static void hammer_one(struct hammer *h, gfp_t gfp)
{
	u32 i = prandom_u32_state(&h->random) % HELD;
	struct refslab_object *obj;
	struct knot *knot = h->held[i];

	h->held[i] = NULL;
	if (knot) {
		if (knot->id != (unsigned long)&h->held[i] || knot_count(knot) != 1)
			h->wrong++;
		knot_put(knot);
		return;
	}
	obj = refslab_alloc(h->type, gfp);
	if (!obj) {
		h->failed++;
		return;
	}
	WRITE_ONCE(h->made, h->made + 1);
	knot = knot_of(obj);
	if (knot->canary != KNOT_CANARY || knot->id || knot->slot[0].target)
		h->wrong++;
	knot->id = (unsigned long)&h->held[i];
	h->held[i] = knot;
}

static void hammer_end(struct kunit *test, struct hammer *h, const char *where)
{
	int i;

	for (i = 0; i < HELD; i++)
		if (h->held[i])
			knot_put(h->held[i]);
	kunit_info(test, "%s: %lu made\n", where, h->made);
	KUNIT_EXPECT_EQ(test, h->wrong, 0);
	KUNIT_EXPECT_EQ(test, h->failed, 0);
	KUNIT_EXPECT_GT(test, h->made, 0);
}

struct anvil {
	struct hammer hard, soft, process;
	struct hrtimer hard_timer, soft_timer;
	struct task_struct *task;
	bool stop;
};

static enum hrtimer_restart anvil_fires(struct hrtimer *timer, struct anvil *anvil,
					struct hammer *hammer)
{
	int i;

	for (i = 0; i < 8; i++)
		hammer_one(hammer, GFP_ATOMIC);
	if (READ_ONCE(anvil->stop))
		return HRTIMER_NORESTART;
	/* after what is done is done: a slow machine is not drowned */
	hrtimer_forward_now(timer, PERIOD);
	return HRTIMER_RESTART;
}

static enum hrtimer_restart hard_fires(struct hrtimer *timer)
{
	struct anvil *anvil = container_of(timer, struct anvil, hard_timer);

	return anvil_fires(timer, anvil, &anvil->hard);
}

static enum hrtimer_restart soft_fires(struct hrtimer *timer)
{
	struct anvil *anvil = container_of(timer, struct anvil, soft_timer);

	return anvil_fires(timer, anvil, &anvil->soft);
}

static void timer_init(struct hrtimer *timer, enum hrtimer_restart (*fires)(struct hrtimer *),
		       enum hrtimer_mode mode)
{
	hrtimer_init(timer, CLOCK_MONOTONIC, mode);
	timer->function = fires;
}

/* Pinned to a CPU, and so are its timers. */
static int anvil_main(void *arg)
{
	struct anvil *anvil = arg;

	hrtimer_start(&anvil->hard_timer, PERIOD, HRTIMER_MODE_REL_PINNED);
	hrtimer_start(&anvil->soft_timer, PERIOD, HRTIMER_MODE_REL_PINNED_SOFT);
	while (!READ_ONCE(anvil->stop)) {
		hammer_one(&anvil->process, GFP_KERNEL);
		cond_resched();
	}
	hrtimer_cancel(&anvil->hard_timer);
	hrtimer_cancel(&anvil->soft_timer);
	while (!kthread_should_stop())
		msleep(1);
	return 0;
}

static bool all_hammered(const struct anvil *anvils)
{
	const struct anvil *anvil;
	int cpu;

	for_each_online_cpu(cpu) {
		anvil = &anvils[cpu];
		if (!READ_ONCE(anvil->hard.made) || !READ_ONCE(anvil->soft.made) ||
		    !READ_ONCE(anvil->process.made))
			return false;
	}
	return true;
}

/*
 * On each CPU a process, a hard and a soft interrupt, all at the same type,
 * and magazines that are drained meanwhile.
 */
static void hammer_type(struct kunit *test, struct refslab_type *type)
{
	struct anvil *anvils, *anvil;
	unsigned int rounds;
	int cpu;

	anvils = kunit_kcalloc(test, nr_cpu_ids, sizeof(*anvils), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, anvils);
	for_each_online_cpu(cpu) {
		anvil = &anvils[cpu];
		hammer_init(&anvil->hard, type, 3 * cpu);
		hammer_init(&anvil->soft, type, 3 * cpu + 1);
		hammer_init(&anvil->process, type, 3 * cpu + 2);
		timer_init(&anvil->hard_timer, hard_fires, HRTIMER_MODE_REL_PINNED);
		timer_init(&anvil->soft_timer, soft_fires, HRTIMER_MODE_REL_PINNED_SOFT);
		anvil->task = kthread_create(anvil_main, anvil, "anvil/%d", cpu);
		KUNIT_ASSERT_FALSE(test, IS_ERR(anvil->task));
		kthread_bind(anvil->task, cpu);
	}
	for_each_online_cpu(cpu)
		wake_up_process(anvils[cpu].task);
	/* on a busy machine one may not have run at all by then */
	for (rounds = 0; rounds < 10 || (rounds < 200 && !all_hammered(anvils)); rounds++) {
		msleep(HAMMER_MS / 10);
		magazine_drain(type);
	}
	for_each_online_cpu(cpu) {
		anvil = &anvils[cpu];
		WRITE_ONCE(anvil->stop, true);
		kthread_stop(anvil->task);
		hammer_end(test, &anvil->hard, "hard interrupt");
		hammer_end(test, &anvil->soft, "soft interrupt");
		hammer_end(test, &anvil->process, "process");
	}
	EXPECT_OBJECTS(test, type, 0);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	magazine_drain(type);
	KUNIT_EXPECT_EQ(test, type_out(type), 0);
}

static void test_interrupts(struct kunit *test)
{
	struct fixture *f = test->priv;

	hammer_type(test, f->knot);
}

/* Large objects: a few to a magazine, so that most go to the slabs. */
static void test_interrupts_large(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "large", .size = 8000, .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = knot_ctor,
	};
	struct fixture *f = test->priv;

	hammer_type(test, fixture_type(test, f->heap, &args));
}

static struct kunit_case magazine_cases[] = {
	KUNIT_CASE(test_size),
	KUNIT_CASE(test_refill_and_flush),
	KUNIT_CASE(test_drain),
	KUNIT_CASE(test_drains_of_heaps),
	KUNIT_CASE(test_busy),
	KUNIT_CASE(test_set_size),
	KUNIT_CASE(test_counters),
	KUNIT_CASE(test_steady),
	KUNIT_CASE(test_cpu_goes),
	KUNIT_CASE(test_validator_notices),
	KUNIT_CASE(test_interrupts),
	KUNIT_CASE(test_interrupts_large),
	{}
};

static struct kunit_suite magazine_suite = {
	.name = "refslab_magazine",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = magazine_cases,
};

kunit_test_suites(&magazine_suite);
