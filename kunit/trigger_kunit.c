// SPDX-License-Identifier: GPL-2.0
/*
 * Triggers: that sweeps start when they should and not before.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "fixture.h"

/* Two to a magazine's half: what the counting leaves open is small. */
#define LARGE	8000

static int trigger_test_init(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "large", .size = LARGE, .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = knot_ctor,
	};
	struct fixture *f;
	int err = fixture_init(test);

	if (err)
		return err;
	f = test->priv;
	/* the fixture's knot is small: this suite's is not */
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(f->knot), 0);
	f->knot = fixture_type(test, f->heap, &args);
	KUNIT_EXPECT_EQ(test, f->knot->path.magazine_size, 4);
	return 0;
}

static u64 runs(struct fixture *f, unsigned int gen)
{
	return f->heap->sweep.stats[gen].runs;
}

static u64 all_runs(struct fixture *f)
{
	return runs(f, 0) + runs(f, 1) + runs(f, 2);
}

/* What is due now has happened when this returns. */
static void settle(struct fixture *f)
{
	flush_delayed_work(&f->heap->trigger.work);
}

/*
 * One object to and fro through the slabs, so that the count is looked at. If
 * the sweep that this starts has counted it, it is taken off again. What is due
 * before comes before: a sweep that counts what lives while magazines are filled
 * or drained beside it counts about.
 */
static void look(struct kunit *test)
{
	struct fixture *f = test->priv;

	settle(f);
	magazine_drain(f->knot);
	refslab_put(obj_make(test, f->knot));
	settle(f);
	magazine_drain(f->knot);
}

/* A candidate, or no sweep has anything to do. */
static struct knot *candidate(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *knot = knot_make(test, f->knot);

	refslab_get(&knot->link.object);
	knot_put(knot);
	return knot;
}

/* Makes candidates that live until there are @n. */
static void hold(struct kunit *test, struct knot **knots, unsigned int from, unsigned int n)
{
	for (; from < n; from++)
		knots[from] = candidate(test);
}

static void let_go(struct knot **knots, unsigned int n)
{
	while (n--)
		knot_put(knots[n]);
}

static void set_thresholds(struct kunit *test, u32 zero, u32 one, u32 two)
{
	struct fixture *f = test->priv;
	const u32 threshold[3] = { zero, one, two };

	KUNIT_EXPECT_EQ(test, refslab_set_thresholds(f->heap, threshold), 0);
}

static void expect_counts(struct kunit *test, s64 zero, s64 one, s64 two)
{
	struct fixture *f = test->priv;
	s64 count[3];

	refslab_get_counts(f->heap, count);
	KUNIT_EXPECT_EQ(test, count[0], zero);
	KUNIT_EXPECT_EQ(test, count[1], one);
	KUNIT_EXPECT_EQ(test, count[2], two);
}

static void test_thresholds(struct kunit *test)
{
	struct fixture *f = test->priv;
	static const u32 bad[][3] = {
		{ (u32)INT_MAX + 1, 1, 1 }, { 1, U32_MAX, 1 }, { 1, 1, (u32)INT_MAX + 1 },
	};
	u32 got[3];
	int i;

	refslab_get_thresholds(f->heap, got);
	KUNIT_EXPECT_EQ(test, got[0], 700);
	KUNIT_EXPECT_EQ(test, got[1], 10);
	KUNIT_EXPECT_EQ(test, got[2], 10);
	set_thresholds(test, INT_MAX, 0, 3);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ(test, refslab_set_thresholds(f->heap, bad[i]), -EINVAL);
	refslab_get_thresholds(f->heap, got);
	KUNIT_EXPECT_EQ(test, got[0], INT_MAX);
	KUNIT_EXPECT_EQ(test, got[1], 0);
	KUNIT_EXPECT_EQ(test, got[2], 3);
}

static void test_collect_bad_generation(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 3, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, UINT_MAX, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, all_runs(f), 0);
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, runs(f, 1), 1);
	KUNIT_EXPECT_EQ(test, all_runs(f), 1);
}

/* Allocations minus frees, less what magazines hold; leaves do not count. */
static void test_counts(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *leaf = obj_make(test, f->leaf);
	struct knot *knots[10];

	expect_counts(test, 0, 0, 0);
	hold(test, knots, 0, 10);
	expect_counts(test, 10, 0, 0);
	let_go(knots + 6, 4);
	expect_counts(test, 6, 0, 0);
	fixture_collect(test, 0);
	expect_counts(test, 0, 1, 0);
	hold(test, knots, 6, 9);
	expect_counts(test, 3, 1, 0);
	fixture_collect(test, 0);
	expect_counts(test, 0, 2, 0);
	fixture_collect(test, 1);
	expect_counts(test, 0, 0, 1);
	fixture_collect(test, 0);
	fixture_collect(test, 2);
	expect_counts(test, 0, 0, 0);
	let_go(knots, 9);
	refslab_put(leaf);
	/* frees are not saved up: but for what magazines hide */
	magazine_drain(f->knot);
	expect_counts(test, 0, 0, 0);
}

static void test_strictly_greater(struct kunit *test)
{
	enum { THRESHOLD = 20 };
	struct fixture *f = test->priv;
	struct knot *knots[THRESHOLD + 1];

	set_thresholds(test, THRESHOLD, 100, 100);
	refslab_set_enabled(f->heap, true);
	hold(test, knots, 0, THRESHOLD - 1);
	settle(f);
	/* one more for a moment makes it as many as the threshold, not more */
	look(test);
	KUNIT_EXPECT_EQ(test, runs(f, 0), 0);
	hold(test, knots, THRESHOLD - 1, THRESHOLD);
	settle(f);
	KUNIT_EXPECT_EQ(test, runs(f, 0), 0);
	expect_counts(test, THRESHOLD, 0, 0);
	hold(test, knots, THRESHOLD, THRESHOLD + 1);
	look(test);
	KUNIT_EXPECT_EQ(test, runs(f, 0), 1);
	KUNIT_EXPECT_EQ(test, all_runs(f), 1);
	expect_counts(test, 0, 1, 0);
	/* counted anew from here */
	look(test);
	KUNIT_EXPECT_EQ(test, all_runs(f), 1);
	let_go(knots, THRESHOLD + 1);
}

static void test_disabled(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *knots[40];

	/* threshold 0: never; nothing for the others to count */
	set_thresholds(test, 0, 0, 0);
	refslab_set_enabled(f->heap, true);
	KUNIT_EXPECT_TRUE(test, refslab_is_enabled(f->heap));
	hold(test, knots, 0, 20);
	look(test);
	KUNIT_EXPECT_EQ(test, all_runs(f), 0);

	set_thresholds(test, 5, 100, 100);
	refslab_set_enabled(f->heap, false);
	KUNIT_EXPECT_FALSE(test, refslab_is_enabled(f->heap));
	hold(test, knots, 20, 40);
	look(test);
	KUNIT_EXPECT_EQ(test, all_runs(f), 0);
	refslab_set_enabled(f->heap, true);
	look(test);
	KUNIT_EXPECT_EQ(test, runs(f, 0), 1);
	let_go(knots, 40);
}

/* Without candidates there is nothing to sweep, whatever was allocated. */
static void test_no_candidates(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *knots[20];
	int i;

	set_thresholds(test, 5, 100, 100);
	refslab_set_enabled(f->heap, true);
	for (i = 0; i < ARRAY_SIZE(knots); i++)
		knots[i] = knot_make(test, f->knot);
	look(test);
	KUNIT_EXPECT_EQ(test, all_runs(f), 0);
	expect_counts(test, 20, 0, 0);
	let_go(knots, 20);
}

/* Makes enough that live for one automatic sweep. */
static void one_sweep(struct kunit *test, struct knot **knots, unsigned int *n)
{
	struct fixture *f = test->priv;
	u64 before = all_runs(f);

	hold(test, knots, *n, *n + 6);
	*n += 6;
	look(test);
	KUNIT_EXPECT_EQ(test, all_runs(f), before + 1);
}

static void test_second_generation(struct kunit *test)
{
	struct knot **knots = kunit_kcalloc(test, 200, sizeof(*knots), GFP_KERNEL);
	struct fixture *f = test->priv;
	unsigned int n = 0, i;

	KUNIT_ASSERT_NOT_NULL(test, knots);
	set_thresholds(test, 5, 3, 1000);
	refslab_set_enabled(f->heap, true);
	/* more than three of the young, then one of generation 1 */
	for (i = 0; i < 4; i++)
		one_sweep(test, knots, &n);
	KUNIT_EXPECT_EQ(test, runs(f, 0), 4);
	KUNIT_EXPECT_EQ(test, runs(f, 1), 0);
	one_sweep(test, knots, &n);
	KUNIT_EXPECT_EQ(test, runs(f, 0), 4);
	KUNIT_EXPECT_EQ(test, runs(f, 1), 1);
	expect_counts(test, 0, 0, 1);
	for (i = 0; i < 5; i++)
		one_sweep(test, knots, &n);
	KUNIT_EXPECT_EQ(test, runs(f, 0), 8);
	KUNIT_EXPECT_EQ(test, runs(f, 1), 2);
	KUNIT_EXPECT_EQ(test, runs(f, 2), 0);
	expect_counts(test, 0, 0, 2);
	let_go(knots, n);
}

/* A full sweep waits until a quarter has become old since the last. */
static void test_quarter(struct kunit *test)
{
	struct knot **knots = kunit_kcalloc(test, 600, sizeof(*knots), GFP_KERNEL);
	struct fixture *f = test->priv;
	unsigned int n = 0, sweeps;

	KUNIT_ASSERT_NOT_NULL(test, knots);
	set_thresholds(test, 5, 0, 0);
	/* 120 survive a full sweep */
	hold(test, knots, 0, 120);
	n = 120;
	fixture_collect(test, 0);
	fixture_collect(test, 2);
	KUNIT_EXPECT_EQ(test, f->heap->sweep.old, 120);
	KUNIT_EXPECT_EQ(test, f->heap->sweep.aged, 0);

	/* its turn comes with every third sweep: not before 30 have aged */
	refslab_set_enabled(f->heap, true);
	for (sweeps = 0; runs(f, 2) == 1 && sweeps < 60; sweeps++) {
		KUNIT_EXPECT_LE(test, f->heap->sweep.aged, 30 + 12);
		one_sweep(test, knots, &n);
	}
	KUNIT_EXPECT_EQ(test, runs(f, 2), 2);
	KUNIT_EXPECT_GE(test, n, 120 + 30);
	KUNIT_EXPECT_LE(test, n, 120 + 60);
	let_go(knots, n);
}

/*
 * Builds @n objects that live and are all linked both ways, so that each sweep
 * could follow them all. How many all sweeps together have examined.
 */
static u64 build(struct kunit *test, struct refslab_type *type, unsigned int n)
{
	struct fixture *f = test->priv;
	struct knot *head = NULL, *knot;
	u64 examined = 0, before[GENERATIONS];
	unsigned int i;

	for (i = 0; i < GENERATIONS; i++) {
		examined -= f->heap->sweep.stats[i].examined;
		before[i] = runs(f, i);
	}
	refslab_set_enabled(f->heap, true);
	for (i = 0; i < n; i++) {
		knot = knot_make(test, type);
		if (head) {
			knot_edge(knot, 0, head);
			knot_edge(head, 1, knot);
			knot_put(head);
		}
		head = knot;
		if (!(i % 100))
			settle(f);
	}
	settle(f);
	refslab_set_enabled(f->heap, false);
	for (i = 0; i < GENERATIONS; i++)
		examined += f->heap->sweep.stats[i].examined;
	EXPECT_OBJECTS(test, type, n);
	kunit_info(test, "%u objects: %llu, %llu, %llu sweeps examined %llu\n", n,
		   runs(f, 0) - before[0], runs(f, 1) - before[1],
		   runs(f, 2) - before[2], examined);
	/* there was something to see */
	KUNIT_EXPECT_GT(test, runs(f, 0) - before[0], n / 1000);
	KUNIT_EXPECT_GT(test, runs(f, 2) - before[2], 1);
	knot_put(head);
	fixture_collect(test, 2);
	EXPECT_OBJECTS(test, type, 0);
	return examined;
}

/*
 * Building what lives costs time that grows with its size, not with the square:
 * each object is looked at a bounded number of times, however many there are.
 */
static void test_building_is_linear(struct kunit *test)
{
	enum { N = 10000 };
	struct fixture *f = test->priv;
	const struct refslab_type_args args = {
		.name = "small", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = knot_ctor,
	};
	struct refslab_type *small = fixture_type(test, f->heap, &args);
	u64 once, four;

	set_thresholds(test, 100, 2, 2);
	once = build(test, small, N);
	four = build(test, small, 4 * N);
	KUNIT_EXPECT_LE(test, once, 8 * N);
	KUNIT_EXPECT_LE(test, four, 8 * 4 * N);
}

/*
 * Garbage beside much that lives is held within bounds, for ever: what it takes
 * beyond the live is what the thresholds and a late sweep let come together,
 * not a part of a million pairs.
 */
static void test_bounded(struct kunit *test)
{
	enum { LIVE = 100000, PAIRS = 1000000 };
	struct fixture *f = test->priv;
	const struct refslab_type_args args = {
		.name = "small", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = knot_ctor,
	};
	struct refslab_type *small = fixture_type(test, f->heap, &args);
	struct knot *head = NULL, *knot, *other;
	unsigned long most = 0, chunks, most_chunks = 0;
	int i;

	for (i = 0; i < LIVE; i++) {
		knot = knot_make(test, small);
		knot_edge(knot, 0, head);
		if (head)
			knot_put(head);
		head = knot;
	}
	chunks = READ_ONCE(f->heap->pool.held);
	/* the default thresholds */
	refslab_set_enabled(f->heap, true);
	for (i = 0; i < PAIRS; i++) {
		knot = knot_make(test, small);
		other = knot_make(test, small);
		knot_edge(knot, 0, other);
		knot_edge(other, 0, knot);
		knot_edge(knot, 1, head);
		knot_put(other);
		knot_put(knot);
		if (!(i % 64)) {
			/* the sweep may be late, not absent */
			if (i % 1024 == 0)
				settle(f);
			most = max(most, refslab_type_objects(small));
			most_chunks = max(most_chunks, READ_ONCE(f->heap->pool.held));
		}
	}
	settle(f);
	kunit_info(test, "%d pairs beside %d objects: at most %lu objects in %lu chunks, %lu of them before; %llu, %llu, %llu sweeps\n",
		   PAIRS, LIVE, most, most_chunks, chunks,
		   runs(f, 0), runs(f, 1), runs(f, 2));
	KUNIT_EXPECT_LE(test, most, LIVE + 8000);
	KUNIT_EXPECT_LE(test, most_chunks, chunks + chunks / 4);
	KUNIT_EXPECT_GT(test, runs(f, 0), 10);
	refslab_set_enabled(f->heap, false);
	fixture_collect(test, 2);
	EXPECT_OBJECTS(test, small, LIVE);
	knot_put(head);
	releaser_flush(&f->heap->releaser);
	EXPECT_OBJECTS(test, small, 0);
}

static void set_limit(struct kunit *test, u64 chunks)
{
	struct fixture *f = test->priv;
	u64 bytes[POOL_LIMITS] = { [POOL_LIMIT] = chunks * REFSLAB_CHUNK_SIZE };

	KUNIT_EXPECT_EQ(test, pool_set_limits(&f->heap->pool, BIT(POOL_LIMIT), bytes), 0);
}

/* Before an allocation is refused, what is garbage goes. */
static void test_sweeps_at_limit(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, n = 8 * f->knot->layout.objects;
	struct knot *knot, *ring;

	fixture_stay(test);
	set_limit(test, 8);
	for (i = 0; i < n; i++) {
		knot = knot_make(test, f->knot);
		knot_edge(knot, 0, knot);
		knot_put(knot);
	}
	magazine_drain(f->knot);
	EXPECT_OBJECTS(test, f->knot, n);
	/* who must not sleep is told no */
	KUNIT_EXPECT_NULL(test, refslab_alloc(f->knot, GFP_NOWAIT | __GFP_NOWARN));
	KUNIT_EXPECT_EQ(test, all_runs(f), 0);
	/* whether or not sweeps may start by themselves */
	knot = knot_make(test, f->knot);
	KUNIT_EXPECT_EQ(test, runs(f, 2), 1);
	EXPECT_OBJECTS(test, f->knot, 1);
	/* for another type too: its chunks come from the first's */
	for (i = 1; i < n; i++) {
		ring = knot_make(test, f->knot);
		knot_edge(ring, 0, ring);
		knot_put(ring);
	}
	refslab_put(obj_make(test, f->leaf));
	KUNIT_EXPECT_EQ(test, runs(f, 2), 2);
	EXPECT_OBJECTS(test, f->knot, 1);
	knot_put(knot);
}

static void test_refused_at_limit(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, n = 4 * f->knot->layout.objects;
	struct knot **knots = kunit_kcalloc(test, n, sizeof(*knots), GFP_KERNEL);
	struct refslab_object *obj;

	KUNIT_ASSERT_NOT_NULL(test, knots);
	fixture_stay(test);
	set_limit(test, 4);
	for (i = 0; i < n; i++)
		knots[i] = candidate(test);
	/* all of it lives: looked at, and refused with the reason */
	KUNIT_EXPECT_NULL(test, refslab_alloc(f->knot, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, runs(f, 2), 1);
	obj = object_alloc(f->knot, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, obj, ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_EQ(test, refslab_alloc_bulk(f->leaf, GFP_KERNEL, 1, &obj), 0);
	/* and it goes on when there is room */
	knot_put(knots[--n]);
	knots[n++] = knot_make(test, f->knot);
	let_go(knots, n);
	refslab_put(obj_make(test, f->leaf));
}

/* A heap where nothing happens any more is swept all the same. */
static void test_idle(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *knot;
	int i;

	refslab_set_enabled(f->heap, true);
	knot = knot_make(test, f->knot);
	knot_edge(knot, 0, knot);
	knot_put(knot);
	EXPECT_OBJECTS(test, f->knot, 1);
	for (i = 0; i < 100 && refslab_type_objects(f->knot); i++)
		msleep(100);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* --- rests --- */

/**
 * struct slow - makes sweeps take long
 * @listener: told of the heap's sweeps
 * @ms: how long a sweep takes
 * @starts: sweeps begun
 * @ended: when the last was over, by ktime_get()
 * @rested: how long after that the next began
 */
struct slow {
	struct refslab_listener listener;
	unsigned int ms, starts;
	ktime_t ended, rested;
};

static void slow_sweep(struct refslab_listener *listener, unsigned int generation,
		       const struct refslab_sweep_result *result)
{
	struct slow *slow = container_of(listener, struct slow, listener);

	if (result) {
		slow->ended = ktime_get();
		return;
	}
	slow->rested = ktime_sub(ktime_get(), slow->ended);
	msleep(slow->ms);
	/* pairs with the acquire of who waits for it */
	smp_store_release(&slow->starts, slow->starts + 1);
}

static bool begun(struct slow *slow, unsigned int starts)
{
	int i;

	/* 20 times what a sweep took, which on a busy machine is more */
	for (i = 0; i < 1000; i++) {
		/* pairs with the release in slow_sweep() */
		if (smp_load_acquire(&slow->starts) >= starts)
			return true;
		msleep(100);
	}
	return false;
}

/*
 * A heap that is idle may be told of a candidate while it is swept for being
 * idle: not even then is the next such sweep sooner than 20 times its length.
 */
static void test_idle_rests(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct slow *slow = kunit_kzalloc(test, sizeof(*slow), GFP_KERNEL);
	struct knot *knot = candidate(test);

	KUNIT_ASSERT_NOT_NULL(test, slow);
	slow->listener.sweep = slow_sweep;
	slow->ms = 500;
	refslab_listen(f->heap, &slow->listener);
	refslab_set_enabled(f->heap, true);
	/* it lives, and goes on as a candidate */
	KUNIT_EXPECT_TRUE(test, begun(slow, 2));
	refslab_set_enabled(f->heap, false);
	refslab_unlisten(f->heap, &slow->listener);
	KUNIT_EXPECT_GE(test, ktime_to_ms(slow->rested), 9500);
	knot_put(knot);
}

/*
 * A sweep asked for during the one before it, when nobody knew how long that
 * would take, rests as long as any other.
 */
static void test_threshold_rests(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct trigger *trigger = &f->heap->trigger;
	struct knot *knots[16];
	u64 until;
	int i;

	set_thresholds(test, 8, 1000, 1000);
	hold(test, knots, 0, ARRAY_SIZE(knots));
	refslab_set_enabled(f->heap, true);
	/* not as a heap that is idle */
	cancel_delayed_work_sync(&trigger->idle);
	until = ktime_get_ns() + NSEC_PER_SEC;
	WRITE_ONCE(trigger->rest_until, until);
	mod_delayed_work(refslab_wq, &trigger->work, 0);
	/* the work has come, and come again if it came late */
	settle(f);
	if (all_runs(f))
		KUNIT_EXPECT_GE(test, ktime_get_ns(), until);
	for (i = 0; i < 1000 && !all_runs(f); i++)
		msleep(20);
	KUNIT_EXPECT_GE(test, ktime_get_ns(), until);
	KUNIT_EXPECT_EQ(test, all_runs(f), 1);
	refslab_set_enabled(f->heap, false);
	let_go(knots, ARRAY_SIZE(knots));
}

/* --- requests beside a sweep --- */

/**
 * struct request - a sweep that a thread asks for
 * @heap: of this heap
 * @started: it can be killed
 * @done: it has its answer
 * @err: the answer
 */
struct request {
	struct refslab_heap *heap;
	bool started, done;
	int err;
};

static int request_main(void *arg)
{
	struct request *request = arg;

	allow_signal(SIGKILL);
	WRITE_ONCE(request->started, true);
	request->err = refslab_collect(request->heap, 2, NULL);
	/* pairs with the acquire in answered() */
	smp_store_release(&request->done, true);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return 0;
}

static bool answered(const struct request *request)
{
	/* pairs with the release in request_main() */
	return smp_load_acquire(&request->done);
}

/* Who asks beside a sweep waits for it, unless killed; then nothing is swept. */
static void test_request_beside_sweep(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct request request[2] = { { .heap = f->heap }, { .heap = f->heap } };
	struct task_struct *task[2];
	struct knot *knot = knot_make(test, f->knot);
	int i;

	knot_edge(knot, 0, knot);
	knot_put(knot);
	/* as if a sweep were under way */
	mutex_lock(&f->heap->sweep.mutex);
	for (i = 0; i < 2; i++) {
		task[i] = kthread_run(request_main, &request[i], "refslab_request/%d", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(task[i]));
	}
	for (i = 0; i < 1000 && !(READ_ONCE(request[0].started) &&
				  READ_ONCE(request[1].started)); i++)
		msleep(20);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(request[0].started));
	KUNIT_EXPECT_TRUE(test, READ_ONCE(request[1].started));
	msleep(100);
	KUNIT_EXPECT_FALSE(test, answered(&request[0]));
	KUNIT_EXPECT_FALSE(test, answered(&request[1]));
	send_sig(SIGKILL, task[1], 1);
	for (i = 0; i < 500 && !answered(&request[1]); i++)
		msleep(20);
	KUNIT_EXPECT_TRUE(test, request[1].done);
	KUNIT_EXPECT_EQ(test, request[1].err, -EINTR);
	KUNIT_EXPECT_FALSE(test, answered(&request[0]));
	KUNIT_EXPECT_EQ(test, all_runs(f), 0);
	mutex_unlock(&f->heap->sweep.mutex);
	for (i = 0; i < 500 && !answered(&request[0]); i++)
		msleep(20);
	for (i = 0; i < 2; i++)
		kthread_stop(task[i]);
	KUNIT_EXPECT_EQ(test, request[0].err, 0);
	KUNIT_EXPECT_EQ(test, all_runs(f), 1);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/* Many ask at once: each has a sweep, one at a time, and all is freed once. */
static void test_many_requests(struct kunit *test)
{
	enum { THREADS = 6, CYCLES = 200 };
	struct fixture *f = test->priv;
	struct refslab_type *told = fixture_knots(test, f->heap, "told", &f->releases, 0);
	struct request request[THREADS];
	struct task_struct *task[THREADS];
	struct knot *knot;
	int i;

	for (i = 0; i < CYCLES; i++) {
		knot = knot_make(test, told);
		knot_edge(knot, 0, knot);
		knot_put(knot);
	}
	for (i = 0; i < THREADS; i++) {
		request[i] = (struct request){ .heap = f->heap };
		task[i] = kthread_run(request_main, &request[i], "refslab_request/%d", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(task[i]));
	}
	for (i = 0; i < THREADS; i++) {
		while (!answered(&request[i]))
			usleep_range(1000, 2000);
		kthread_stop(task[i]);
		KUNIT_EXPECT_EQ(test, request[i].err, 0);
	}
	KUNIT_EXPECT_EQ(test, all_runs(f), THREADS);
	KUNIT_EXPECT_EQ(test, f->heap->sweep.stats[2].freed, CYCLES);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), CYCLES);
	EXPECT_OBJECTS(test, told, 0);
}

static struct kunit_case trigger_cases[] = {
	KUNIT_CASE(test_thresholds),
	KUNIT_CASE(test_collect_bad_generation),
	KUNIT_CASE(test_counts),
	KUNIT_CASE(test_strictly_greater),
	KUNIT_CASE(test_disabled),
	KUNIT_CASE(test_no_candidates),
	KUNIT_CASE(test_second_generation),
	KUNIT_CASE(test_quarter),
	KUNIT_CASE(test_building_is_linear),
	KUNIT_CASE(test_bounded),
	KUNIT_CASE(test_sweeps_at_limit),
	KUNIT_CASE(test_refused_at_limit),
	KUNIT_CASE(test_idle),
	KUNIT_CASE(test_idle_rests),
	KUNIT_CASE(test_threshold_rests),
	KUNIT_CASE(test_request_beside_sweep),
	KUNIT_CASE(test_many_requests),
	{}
};

static struct kunit_suite trigger_suite = {
	.name = "refslab_trigger",
	.init = trigger_test_init,
	.exit = fixture_exit,
	.test_cases = trigger_cases,
};

kunit_test_suites(&trigger_suite);
