// SPDX-License-Identifier: GPL-2.0
/*
 * Churn: sweeps back to back while mutators build, link, find and drop objects,
 * each of which knows whether it lives.
 */
#include <linux/prandom.h>
#include <linux/slab.h>

#include "fixture.h"

enum { ROOTS = 16, HELD = 16, WEAK = 256, MUTATORS = 3, CHURN_MS = 2000 };

/**
 * struct churn - what mutators share
 * @type: of their objects
 * @rings: one in so many of their steps leaves a ring
 * @roots: a reference each, of all of them
 * @weak: found without a reference; cleared by the release of what is in it
 * @made: objects
 * @released: objects
 * @wrong: what must never happen
 * @got: found in @weak alive
 * @dead: found in @weak dead
 * @stop: enough
 */
struct churn {
	struct refslab_type *type;
	u32 rings;
	struct knot *roots[ROOTS];
	struct knot *weak[WEAK];
	atomic_t made, released, wrong, got, dead;
	bool stop;
};

struct mutator {
	struct churn *churn;
	struct task_struct *task;
	struct rnd_state random;
	struct knot *held[HELD];	/* a reference each */
};

static void churn_release(struct refslab_object *obj)
{
	struct churn *churn = refslab_type_priv(refslab_type_of(obj));
	struct knot *knot = knot_of(obj);

	if (READ_ONCE(knot->canary) != KNOT_CANARY ||
	    knot->slot[0].target || knot->slot[1].target)
		atomic_inc(&churn->wrong);
	WRITE_ONCE(knot->canary, KNOT_DEAD);
	cmpxchg(&churn->weak[knot->id], knot, NULL);
	atomic_inc(&churn->released);
}

static void churn_check(struct churn *churn, struct knot *knot)
{
	if (READ_ONCE(knot->canary) != KNOT_CANARY || !knot_count(knot))
		atomic_inc(&churn->wrong);
}

static u32 pick(struct mutator *m, u32 n)
{
	return prandom_u32_state(&m->random) % n;
}

static void hold(struct mutator *m, struct knot *knot)
{
	struct knot **held = &m->held[pick(m, HELD)];

	if (*held)
		knot_put(*held);
	*held = knot;
}

static struct knot *churn_make(struct mutator *m)
{
	struct churn *churn = m->churn;
	struct refslab_object *obj = refslab_alloc(churn->type, GFP_KERNEL);
	struct knot *knot;

	if (!obj)
		return NULL;
	atomic_inc(&churn->made);
	knot = knot_of(obj);
	knot->id = pick(m, WEAK);
	cmpxchg(&churn->weak[knot->id], NULL, knot);
	return knot;
}

static struct knot *churn_lookup(struct mutator *m)
{
	struct churn *churn = m->churn;
	struct knot *knot;

	rcu_read_lock();
	knot = READ_ONCE(churn->weak[pick(m, WEAK)]);
	if (knot && !refslab_tryget(&knot->link.object)) {
		atomic_inc(&churn->dead);
		knot = NULL;
	}
	rcu_read_unlock();
	if (knot)
		atomic_inc(&churn->got);
	return knot;
}

/* A ring that others may find, or garbage at once. */
static struct knot *churn_ring(struct mutator *m)
{
	struct knot *first = churn_make(m), *last = first, *next;
	u32 n = pick(m, 50);

	if (!first)
		return NULL;
	while (n--) {
		next = churn_make(m);
		if (!next)
			break;
		knot_edge(last, 0, next);
		if (pick(m, 2))
			knot_edge(next, 1, last);
		/* others may have found the last one, and cut it off */
		if (last != first)
			knot_put(last);
		last = next;
	}
	knot_edge(last, 0, first);
	if (last != first)
		knot_put(last);
	return first;
}

/* Something with a reference of its own for the caller, or NULL. */
static struct knot *churn_any(struct mutator *m)
{
	struct knot *knot = NULL;

	switch (pick(m, 4)) {
	case 0:
		knot = m->held[pick(m, HELD)];
		break;
	case 1:
		knot = m->churn->roots[pick(m, ROOTS)];
		break;
	case 2:
		return churn_lookup(m);
	case 3:
		return churn_make(m);
	}
	if (knot)
		refslab_get(&knot->link.object);
	return knot;
}

static void mutate(struct mutator *m)
{
	struct knot *a = churn_any(m), *b, *from;
	struct refslab_object *obj;

	if (!a)
		return;
	churn_check(m->churn, a);
	switch (pick(m, 16)) {
	default:
		b = churn_any(m);
		knot_edge(a, pick(m, 2), b);
		if (b)
			hold(m, b);
		break;
	case 2:
		refslab_slot_clear(&a->slot[pick(m, 2)]);
		break;
	case 3:
	case 4:
		/* two steps along the edges, which others change */
		from = a;
		obj = refslab_slot_load(&from->slot[pick(m, 2)]);
		if (obj) {
			churn_check(m->churn, knot_of(obj));
			hold(m, knot_of(obj));
		}
		break;
	case 5:
		b = m->held[pick(m, HELD)];
		if (b)
			refslab_slot_move(&b->slot[pick(m, 2)], &a->slot[pick(m, 2)]);
		break;
	case 6:
		obj = refslab_slot_load(&a->slot[0]);
		b = m->held[pick(m, HELD)];
		refslab_slot_cmpxchg(&a->slot[0], obj, b ? &b->link.object : NULL);
		if (obj)
			refslab_put(obj);
		break;
	case 7:
		hold(m, NULL);
		break;
	}
	if (!pick(m, m->churn->rings)) {
		b = churn_ring(m);
		if (b)
			knot_put(b);
	}
	hold(m, a);
}

static int mutator_main(void *arg)
{
	struct mutator *m = arg;
	int i;

	while (!READ_ONCE(m->churn->stop)) {
		for (i = 0; i < 64; i++)
			mutate(m);
		for (i = 0; i < HELD; i++)
			if (m->held[i])
				churn_check(m->churn, m->held[i]);
		cond_resched();
	}
	for (i = 0; i < HELD; i++)
		if (m->held[i])
			knot_put(m->held[i]);
	while (!kthread_should_stop())
		msleep(1);
	return 0;
}

static void churn_run(struct kunit *test, u32 rings)
{
	struct fixture *f = test->priv;
	struct refslab_sweep_result result, total = { };
	struct mutator *mutators;
	struct churn *churn;
	struct refslab_type_args args = {
		.name = "churn", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot),
		.ctor = knot_ctor, .release = churn_release,
	};
	unsigned long end;
	int i, sweeps;

	churn = kunit_kzalloc(test, sizeof(*churn), GFP_KERNEL);
	mutators = kunit_kcalloc(test, MUTATORS, sizeof(*mutators), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, churn);
	KUNIT_ASSERT_NOT_NULL(test, mutators);
	args.priv = churn;
	churn->rings = rings;
	churn->type = fixture_type(test, f->heap, &args);
	for (i = 0; i < ROOTS; i++) {
		churn->roots[i] = knot_make(test, churn->type);
		atomic_inc(&churn->made);
	}
	for (i = 0; i < MUTATORS; i++) {
		mutators[i].churn = churn;
		prandom_seed_state(&mutators[i].random, 4711 + i);
		mutators[i].task = kthread_run(mutator_main, &mutators[i],
					       "mutator/%d", i);
		KUNIT_EXPECT_FALSE(test, IS_ERR(mutators[i].task));
	}

	end = jiffies + msecs_to_jiffies(CHURN_MS);
	for (sweeps = 0; time_before(jiffies, end); sweeps++) {
		KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, sweeps % GENERATIONS,
						      &result), 0);
		total.examined += result.examined;
		total.freed += result.freed;
		total.unfreed += result.unfreed;
		total.aborts += result.aborts;
	}
	WRITE_ONCE(churn->stop, true);
	for (i = 0; i < MUTATORS; i++)
		if (!IS_ERR(mutators[i].task))
			kthread_stop(mutators[i].task);
	kunit_info(test, "%d sweeps examined %llu, freed %llu, left %llu, aborted %llu; %d made, %d got, %d found dead\n",
		   sweeps, total.examined, total.freed, total.unfreed,
		   total.aborts, atomic_read(&churn->made),
		   atomic_read(&churn->got), atomic_read(&churn->dead));
	KUNIT_EXPECT_EQ(test, atomic_read(&churn->wrong), 0);
	KUNIT_EXPECT_GT(test, total.freed, 0);
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);

	for (i = 0; i < ROOTS; i++) {
		churn_check(churn, churn->roots[i]);
		knot_put(churn->roots[i]);
	}
	/* without mutators one full sweep has to do */
	releaser_flush(&f->heap->releaser);
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 2, &result), 0);
	KUNIT_EXPECT_EQ(test, result.aborts, 0);
	releaser_flush(&f->heap->releaser);
	EXPECT_OBJECTS(test, churn->type, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&churn->released), atomic_read(&churn->made));
	KUNIT_EXPECT_EQ(test, atomic_read(&churn->wrong), 0);
	for (i = 0; i < WEAK; i++)
		KUNIT_EXPECT_NULL(test, churn->weak[i]);
}

/* Many short sweeps: the mutators' steps hit all of theirs. */
static void test_churn(struct kunit *test)
{
	churn_run(test, 500);
}

/* Long ones, with so much garbage that lookups find it claimed. */
static void test_churn_of_rings(struct kunit *test)
{
	churn_run(test, 60);
}

static struct kunit_case churn_cases[] = {
	KUNIT_CASE(test_churn),
	KUNIT_CASE(test_churn_of_rings),
	{}
};

static struct kunit_suite churn_suite = {
	.name = "refslab_churn",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = churn_cases,
};

kunit_test_suites(&churn_suite);
