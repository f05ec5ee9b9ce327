// SPDX-License-Identifier: GPL-2.0
/*
 * Slots: each operation's counts, and loads while others store.
 */
#include <linux/prandom.h>
#include <linux/slab.h>

#include "fixture.h"

static struct refslab_object *obj_of(struct knot *knot)
{
	return &knot->link.object;
}

static void test_set_and_clear(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);
	struct knot *c = knot_make(test, f->knot);

	refslab_slot_set(&a->slot[0], obj_of(b));
	KUNIT_EXPECT_PTR_EQ(test, a->slot[0].target, obj_of(b));
	KUNIT_EXPECT_EQ(test, knot_count(b), 2);
	/* the same again */
	refslab_slot_set(&a->slot[0], obj_of(b));
	KUNIT_EXPECT_EQ(test, knot_count(b), 2);
	refslab_slot_set(&a->slot[0], obj_of(c));
	KUNIT_EXPECT_EQ(test, knot_count(b), 1);
	KUNIT_EXPECT_EQ(test, knot_count(c), 2);
	refslab_slot_set(&a->slot[0], NULL);
	KUNIT_EXPECT_NULL(test, a->slot[0].target);
	KUNIT_EXPECT_EQ(test, knot_count(c), 1);
	refslab_slot_clear(&a->slot[0]);
	KUNIT_EXPECT_NULL(test, a->slot[0].target);

	/* the slot's is the last reference */
	refslab_slot_set(&a->slot[1], obj_of(c));
	knot_put(c);
	EXPECT_OBJECTS(test, f->knot, 3);
	refslab_slot_clear(&a->slot[1]);
	EXPECT_OBJECTS(test, f->knot, 2);
	knot_put(a);
	knot_put(b);
}

static void test_load(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);

	KUNIT_EXPECT_NULL(test, refslab_slot_load(&a->slot[0]));
	knot_edge(a, 0, b);
	KUNIT_EXPECT_PTR_EQ(test, refslab_slot_load(&a->slot[0]), obj_of(b));
	KUNIT_EXPECT_EQ(test, knot_count(b), 3);
	KUNIT_EXPECT_PTR_EQ(test, a->slot[0].target, obj_of(b));
	knot_put(b);
	knot_put(b);
	/* of itself */
	knot_edge(a, 1, a);
	KUNIT_EXPECT_PTR_EQ(test, refslab_slot_load(&a->slot[1]), obj_of(a));
	KUNIT_EXPECT_EQ(test, knot_count(a), 3);
	knot_put(a);
	knot_edge(a, 1, NULL);
	knot_put(a);
	EXPECT_OBJECTS(test, f->knot, 0);
}

static void test_move(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);
	struct knot *c = knot_make(test, f->knot);
	u64 before;

	knot_edge(a, 0, b);
	before = atomic64_read(&obj_of(b)->word) >> 32;
	refslab_slot_move(&c->slot[1], &a->slot[0]);
	KUNIT_EXPECT_NULL(test, a->slot[0].target);
	KUNIT_EXPECT_PTR_EQ(test, c->slot[1].target, obj_of(b));
	KUNIT_EXPECT_EQ(test, knot_count(b), 2);
	/* a sweep sees that the edge was touched */
	KUNIT_EXPECT_GT(test, atomic64_read(&obj_of(b)->word) >> 32, before);

	/* onto a filled one, onto itself, of nothing */
	knot_edge(a, 0, a);
	refslab_slot_move(&a->slot[0], &c->slot[1]);
	KUNIT_EXPECT_EQ(test, knot_count(a), 1);
	KUNIT_EXPECT_EQ(test, knot_count(b), 2);
	KUNIT_EXPECT_PTR_EQ(test, a->slot[0].target, obj_of(b));
	refslab_slot_move(&a->slot[0], &a->slot[0]);
	KUNIT_EXPECT_PTR_EQ(test, a->slot[0].target, obj_of(b));
	KUNIT_EXPECT_EQ(test, knot_count(b), 2);
	refslab_slot_move(&a->slot[0], &c->slot[0]);
	KUNIT_EXPECT_NULL(test, a->slot[0].target);
	KUNIT_EXPECT_EQ(test, knot_count(b), 1);

	/* the same target in both */
	knot_edge(a, 0, b);
	knot_edge(c, 0, b);
	refslab_slot_move(&a->slot[0], &c->slot[0]);
	KUNIT_EXPECT_EQ(test, knot_count(b), 2);
	knot_put(a);
	knot_put(c);
	KUNIT_EXPECT_EQ(test, knot_count(b), 1);
	knot_put(b);
}

static void test_cmpxchg(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);
	struct knot *c = knot_make(test, f->knot);
	struct refslab_slot *slot = &a->slot[0];

	KUNIT_EXPECT_FALSE(test, refslab_slot_cmpxchg(slot, obj_of(b), obj_of(c)));
	KUNIT_EXPECT_NULL(test, slot->target);
	KUNIT_EXPECT_EQ(test, knot_count(b), 1);
	KUNIT_EXPECT_EQ(test, knot_count(c), 1);
	KUNIT_EXPECT_TRUE(test, refslab_slot_cmpxchg(slot, NULL, obj_of(b)));
	KUNIT_EXPECT_EQ(test, knot_count(b), 2);
	KUNIT_EXPECT_FALSE(test, refslab_slot_cmpxchg(slot, NULL, obj_of(c)));
	KUNIT_EXPECT_EQ(test, knot_count(c), 1);
	KUNIT_EXPECT_TRUE(test, refslab_slot_cmpxchg(slot, obj_of(b), obj_of(b)));
	KUNIT_EXPECT_EQ(test, knot_count(b), 2);
	KUNIT_EXPECT_TRUE(test, refslab_slot_cmpxchg(slot, obj_of(b), obj_of(c)));
	KUNIT_EXPECT_EQ(test, knot_count(b), 1);
	KUNIT_EXPECT_EQ(test, knot_count(c), 2);
	KUNIT_EXPECT_TRUE(test, refslab_slot_cmpxchg(slot, obj_of(c), NULL));
	KUNIT_EXPECT_FALSE(test, refslab_slot_cmpxchg(slot, obj_of(c), NULL));
	KUNIT_EXPECT_TRUE(test, refslab_slot_cmpxchg(slot, NULL, NULL));
	KUNIT_EXPECT_EQ(test, knot_count(c), 1);
	knot_put(a);
	knot_put(b);
	knot_put(c);
}

/* --- loads while others store --- */

enum { SLOTS = 4, RACERS = 3, RACE_MS = 1000 };

struct race {
	struct refslab_type *type;
	struct knot *board[SLOTS];
	atomic_t made, released, wrong;
};

struct racer {
	struct race *race;
	struct rnd_state random;
	struct task_struct *task;
	unsigned long loads, swaps;
};

static void race_release(struct refslab_object *obj)
{
	struct race *race = refslab_type_priv(refslab_type_of(obj));

	if (knot_of(obj)->canary != KNOT_CANARY)
		atomic_inc(&race->wrong);
	knot_of(obj)->canary = KNOT_DEAD;
	atomic_inc(&race->released);
}

static struct refslab_object *race_make(struct race *race)
{
	struct refslab_object *obj = refslab_alloc(race->type, GFP_KERNEL);

	if (obj)
		atomic_inc(&race->made);
	return obj;
}

static void race_one(struct racer *r)
{
	u32 random = prandom_u32_state(&r->random);
	struct refslab_slot *slot = &r->race->board[random % SLOTS]->slot[(random >> 8) & 1];
	struct refslab_slot *other = &r->race->board[(random >> 10) % SLOTS]->slot[0];
	struct refslab_object *obj, *new;

	switch ((random >> 16) % 8) {
	case 0:
		new = race_make(r->race);
		refslab_slot_set(slot, new);
		if (new)
			refslab_put(new);
		break;
	case 1:
		refslab_slot_clear(slot);
		break;
	case 2:
		refslab_slot_move(slot, other);
		break;
	case 3:
		obj = refslab_slot_load(slot);
		new = race_make(r->race);
		if (refslab_slot_cmpxchg(slot, obj, new))
			WRITE_ONCE(r->swaps, r->swaps + 1);
		if (obj)
			refslab_put(obj);
		if (new)
			refslab_put(new);
		break;
	default:
		obj = refslab_slot_load(slot);
		if (!obj)
			break;
		WRITE_ONCE(r->loads, r->loads + 1);
		if (READ_ONCE(knot_of(obj)->canary) != KNOT_CANARY || !refslab_count(obj))
			atomic_inc(&r->race->wrong);
		refslab_put(obj);
		break;
	}
}

static int racer_main(void *arg)
{
	struct racer *r = arg;

	while (!kthread_should_stop()) {
		race_one(r);
		cond_resched();
	}
	return 0;
}

static bool all_raced(const struct racer *racers)
{
	int i;

	for (i = 0; i < RACERS; i++)
		if (!IS_ERR(racers[i].task) &&
		    (!READ_ONCE(racers[i].loads) || !READ_ONCE(racers[i].swaps)))
			return false;
	return true;
}

static void test_race(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type_args args = {
		.name = "race", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = knot_ctor,
		.release = race_release,
	};
	struct racer *racers;
	struct race *race;
	int i;

	race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	racers = kunit_kcalloc(test, RACERS, sizeof(*racers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, race);
	KUNIT_ASSERT_NOT_NULL(test, racers);
	args.priv = race;
	race->type = fixture_type(test, f->heap, &args);
	for (i = 0; i < SLOTS; i++)
		race->board[i] = knot_make(test, f->knot);
	for (i = 0; i < RACERS; i++) {
		racers[i].race = race;
		prandom_seed_state(&racers[i].random, i + 100);
		racers[i].task = kthread_run(racer_main, &racers[i], "racer/%d", i);
		KUNIT_EXPECT_FALSE(test, IS_ERR(racers[i].task));
	}
	msleep(RACE_MS);
	/* on a busy machine one may not have run at all by then */
	for (i = 0; i < 1000 && !all_raced(racers); i++)
		msleep(20);
	for (i = 0; i < RACERS; i++) {
		if (IS_ERR(racers[i].task))
			continue;
		kthread_stop(racers[i].task);
		KUNIT_EXPECT_GT(test, racers[i].loads, 0);
		KUNIT_EXPECT_GT(test, racers[i].swaps, 0);
	}
	for (i = 0; i < SLOTS; i++) {
		KUNIT_EXPECT_EQ(test, knot_count(race->board[i]), 1);
		knot_put(race->board[i]);
	}
	/* no count was lost, none was given twice */
	EXPECT_OBJECTS(test, race->type, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&race->made), atomic_read(&race->released));
	KUNIT_EXPECT_EQ(test, atomic_read(&race->wrong), 0);
}

static struct kunit_case slot_cases[] = {
	KUNIT_CASE(test_set_and_clear),
	KUNIT_CASE(test_load),
	KUNIT_CASE(test_move),
	KUNIT_CASE(test_cmpxchg),
	KUNIT_CASE(test_race),
	{}
};

static struct kunit_suite slot_suite = {
	.name = "refslab_slot",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = slot_cases,
};

kunit_test_suites(&slot_suite);
