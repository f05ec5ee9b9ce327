// SPDX-License-Identifier: GPL-2.0
/*
 * Candidates: that each is found, by the sweeps that are to find it, and that
 * what a candidate leaves behind misleads nobody.
 */
#include "fixture.h"

static u64 word(struct knot *knot)
{
	return atomic64_read(&knot->link.object.word);
}

static bool hinted(struct knot *knot, unsigned int gen)
{
	struct slab *slab = slab_of(knot);

	return test_bit(slab_index(slab, knot), slab_hints(slab, gen));
}

static bool dirty(struct knot *knot, unsigned int gen)
{
	return !list_empty(&slab_of(knot)->dirty[gen]);
}

static bool any(struct kunit *test, unsigned int gen)
{
	struct fixture *f = test->priv;

	return candidate_any(&f->heap->sweep, gen);
}

static struct knot *listed(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *knot = knot_make(test, f->knot);

	refslab_get(&knot->link.object);
	knot_put(knot);
	return knot;
}

static void test_listed(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot);

	KUNIT_EXPECT_FALSE(test, any(test, 2));
	candidate_list(&a->link.object);
	KUNIT_EXPECT_EQ(test, word(a), REFSLAB_COUNT_ONE);
	KUNIT_EXPECT_TRUE(test, hinted(a, 0));
	KUNIT_EXPECT_FALSE(test, hinted(a, 1));
	KUNIT_EXPECT_TRUE(test, dirty(a, 0));
	KUNIT_EXPECT_FALSE(test, dirty(a, 1));
	KUNIT_EXPECT_TRUE(test, any(test, 0));
	KUNIT_EXPECT_TRUE(test, any(test, 2));

	/* once is enough */
	clear_bit(slab_index(slab_of(a), a), slab_hints(slab_of(a), 0));
	candidate_list(&a->link.object);
	KUNIT_EXPECT_FALSE(test, hinted(a, 0));
	set_bit(slab_index(slab_of(a), a), slab_hints(slab_of(a), 0));
	knot_put(a);
}

/* Who cannot be in a cycle cut loose, or is looked at anyhow. */
static void test_not_listed(struct kunit *test)
{
	static const u64 words[] = {
		0, REFSLAB_GATHERED, REFSLAB_UNLISTED | REFSLAB_GATHERED,
		REFSLAB_PINNED | REFSLAB_UNLISTED | REFSLAB_COUNT_TOP,
		REFSLAB_UNLISTED | REFSLAB_COUNT_ONE | REFSLAB_GATHERED | REFSLAB_CLAIMED,
		REFSLAB_GATHERED | REFSLAB_RELEASED,
	};
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot);
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		atomic64_set(&a->link.object.word, words[i]);
		candidate_list(&a->link.object);
		KUNIT_EXPECT_EQ_MSG(test, word(a), words[i], "words[%d]", i);
		KUNIT_EXPECT_FALSE_MSG(test, any(test, 2), "words[%d]", i);
	}
	/* one that is only gathered is: so the sweep looks again, and sets the hint */
	atomic64_set(&a->link.object.word,
		     REFSLAB_UNLISTED | REFSLAB_COUNT_ONE | REFSLAB_GATHERED);
	candidate_list(&a->link.object);
	KUNIT_EXPECT_EQ(test, word(a), REFSLAB_COUNT_ONE | REFSLAB_GATHERED);
	KUNIT_EXPECT_FALSE(test, hinted(a, 0));
	atomic64_set(&a->link.object.word, REFSLAB_COUNT_ONE | REFSLAB_UNLISTED);
	knot_put(a);
}

/* The hint is that of its generation; a sweep lists on as one older. */
static void test_generations(struct kunit *test)
{
	struct knot *a = listed(test);

	fixture_collect(test, 0);
	KUNIT_EXPECT_FALSE(test, word(a) & REFSLAB_UNLISTED);
	KUNIT_EXPECT_FALSE(test, hinted(a, 0));
	KUNIT_EXPECT_TRUE(test, hinted(a, 1));
	KUNIT_EXPECT_FALSE(test, any(test, 0));
	KUNIT_EXPECT_TRUE(test, any(test, 1));
	fixture_collect(test, 0);
	KUNIT_EXPECT_TRUE(test, hinted(a, 1));
	fixture_collect(test, 1);
	KUNIT_EXPECT_FALSE(test, hinted(a, 1));
	KUNIT_EXPECT_TRUE(test, hinted(a, 2));
	KUNIT_EXPECT_FALSE(test, any(test, 1));
	/* after a full sweep there is nobody left to ask */
	fixture_collect(test, 2);
	KUNIT_EXPECT_TRUE(test, word(a) & REFSLAB_UNLISTED);
	KUNIT_EXPECT_FALSE(test, any(test, 2));
	/* until it is put again */
	refslab_get(&a->link.object);
	knot_put(a);
	KUNIT_EXPECT_FALSE(test, hinted(a, 0));
	KUNIT_EXPECT_TRUE(test, hinted(a, 2));
	knot_put(a);
}

/* A hint outlives its candidate and is dropped, or moved where it belongs. */
static void test_stale_hints(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_sweep_result result;
	struct knot *a, *b;

	fixture_stay(test);
	a = listed(test);
	knot_put(a);
	KUNIT_EXPECT_TRUE(test, hinted(a, 0));
	/* of a free object */
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 0, &result), 0);
	KUNIT_EXPECT_EQ(test, result.examined, 0);
	KUNIT_EXPECT_FALSE(test, hinted(a, 0));
	KUNIT_EXPECT_FALSE(test, any(test, 2));

	/* of an object in its next life, that nobody put */
	a = listed(test);
	knot_put(a);
	b = knot_make(test, f->knot);
	KUNIT_EXPECT_PTR_EQ(test, a, b);
	KUNIT_EXPECT_TRUE(test, hinted(b, 0));
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 2, &result), 0);
	KUNIT_EXPECT_EQ(test, result.examined, 0);

	/* too young: moved to where the object is */
	refslab_get(&b->link.object);
	knot_put(b);
	fixture_collect(test, 0);
	KUNIT_EXPECT_TRUE(test, hinted(b, 1));
	rcu_read_lock();
	candidate_hint(slab_of(b), &b->link.object, 0);
	rcu_read_unlock();
	clear_bit(slab_index(slab_of(b), b), slab_hints(slab_of(b), 1));
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 0, &result), 0);
	KUNIT_EXPECT_EQ(test, result.examined, 0);
	KUNIT_EXPECT_FALSE(test, hinted(b, 0));
	KUNIT_EXPECT_TRUE(test, hinted(b, 1));
	knot_put(b);
}

/* All of many, wherever they lie in their slabs, and each once. */
static void test_all_found(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int n = 3 * f->knot->layout.objects, i;
	struct knot **knots = kunit_kcalloc(test, n, sizeof(*knots), GFP_KERNEL);
	struct refslab_sweep_result result;
	unsigned int gone = 0;

	KUNIT_ASSERT_NOT_NULL(test, knots);
	for (i = 0; i < n; i++)
		knots[i] = knot_make(test, f->knot);
	for (i = 0; i < n; i++) {
		if (i % 3)
			knot_edge(knots[i], i & 1, knots[i]);
		if (i % 7 && i % 3)
			continue;
		refslab_get(&knots[i]->link.object);
		knot_put(knots[i]);
	}
	for (i = 0; i < n; i++) {
		if (i % 3) {
			knot_put(knots[i]);
			gone++;
		}
	}
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 0, &result), 0);
	KUNIT_EXPECT_EQ(test, result.examined, n);
	KUNIT_EXPECT_EQ(test, result.freed, gone);
	EXPECT_OBJECTS(test, f->knot, n - gone);
	for (i = 0; i < n; i += 3)
		knot_put(knots[i]);
}

/* A slab that goes to the pool and comes back is dirty again when it should be. */
static void test_retired(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = listed(test), *b;
	struct slab *slab = slab_of(a);

	knot_put(a);
	magazine_drain(f->knot);
	rcu_read_lock();
	slab_shrink(f->knot);
	KUNIT_EXPECT_TRUE(test, slab->retired);
	KUNIT_EXPECT_FALSE(test, dirty(a, 0));
	KUNIT_EXPECT_FALSE(test, any(test, 2));
	candidate_hint(slab, &a->link.object, 0);
	KUNIT_EXPECT_FALSE(test, dirty(a, 0));
	/* readers are about, so it comes back as it went */
	KUNIT_EXPECT_EQ(test, slab_grow(f->knot, slab->chunk.nid, GFP_ATOMIC), slab->chunk.nid);
	KUNIT_EXPECT_FALSE(test, slab->retired);
	rcu_read_unlock();
	b = listed(test);
	if (num_node_state(N_MEMORY) == 1)
		KUNIT_EXPECT_PTR_EQ(test, slab_of(b), slab);
	KUNIT_EXPECT_TRUE(test, dirty(b, 0));
	knot_edge(b, 0, b);
	knot_put(b);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 1);
}

/* A reference taken is one that will be given back. */
static void test_get_lists(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot);

	KUNIT_EXPECT_TRUE(test, word(a) & REFSLAB_UNLISTED);
	refslab_get(&a->link.object);
	KUNIT_EXPECT_FALSE(test, word(a) & REFSLAB_UNLISTED);
	KUNIT_EXPECT_TRUE(test, hinted(a, 0));
	KUNIT_EXPECT_TRUE(test, dirty(a, 0));
	knot_put(a);
	knot_put(a);
	KUNIT_EXPECT_EQ(test, word(a), 0);
}

/* Who comes late finds the object, another one, or that nothing is there. */
static void test_late(struct kunit *test)
{
	const struct refslab_type_args other_args = {
		.name = "other", .size = 1040, .slots = 1,
	};
	struct fixture *f = test->priv;
	struct refslab_type *other = fixture_type(test, f->heap, &other_args);
	struct refslab_object *b;
	struct slab *slab;
	unsigned int i, n;
	struct knot *a;

	/* the chunk of one is the next one's */
	fixture_stay(test);
	a = knot_make(test, f->knot);
	slab = slab_of(a);
	candidate_list_late(&a->link.object);
	KUNIT_EXPECT_TRUE(test, hinted(a, 0));
	knot_put(a);
	KUNIT_EXPECT_EQ(test, word(a), 0);

	/* dead, and its slab on the way to the pool */
	fixture_collect(test, 2);
	magazine_drain(f->knot);
	slab_shrink(f->knot);
	KUNIT_EXPECT_FALSE(test, chunk_is_carved(&slab->chunk));
	candidate_list_late(&a->link.object);
	KUNIT_EXPECT_FALSE(test, any(test, 2));

	/* its memory is another type's */
	pool_wait(&f->heap->pool);
	b = obj_make(test, other);
	KUNIT_ASSERT_PTR_EQ(test, slab_of(b), slab);
	KUNIT_EXPECT_TRUE(test, chunk_is_carved(&slab->chunk));
	for (i = 0, n = 0; i < REFSLAB_CHUNK_SIZE; i += BIT(GRANULE_SHIFT)) {
		if (slab_has(slab, (void *)slab + i))
			n++;
		else
			candidate_list_late((void *)slab + i);
	}
	KUNIT_EXPECT_EQ(test, n, slab->layout->objects);
	KUNIT_EXPECT_FALSE(test, any(test, 2));
	candidate_list_late(b);
	KUNIT_EXPECT_TRUE(test, any(test, 0));
	refslab_put(b);

	/* and then nobody's */
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(other), 0);
	pool_drain(&f->heap->pool);
	candidate_list_late(&a->link.object);
	KUNIT_EXPECT_FALSE(test, any(test, 2));
}

static void hint(struct knot *knot)
{
	struct refslab_object *obj = &knot->link.object;

	rcu_read_lock();
	candidate_hint(slab_of(obj), obj, object_generation(obj));
	rcu_read_unlock();
}

/**
 * struct hinter - a thread that tells of a candidate
 * @knot: the candidate
 * @hints: how often it has; WRITE_ONCE
 */
struct hinter {
	struct knot *knot;
	unsigned int hints;
};

static int hint_main(void *arg)
{
	struct hinter *hinter = arg;

	while (!kthread_should_stop()) {
		hint(hinter->knot);
		candidate_any(&slab_of(hinter->knot)->heap->sweep, 0);
		WRITE_ONCE(hinter->hints, hinter->hints + 1);
		cond_resched();
	}
	return 0;
}

/*
 * One slab is told of by two processors while sweeps take it off its list: KCSAN
 * has nothing to say, and no hint is lost.
 */
static void test_hints_race(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned long end = jiffies + 20 * HZ;
	struct hinter hinter = { };
	struct task_struct *task;
	struct knot *a, *b;
	bool both = false;

	fixture_stay(test);
	a = knot_make(test, f->knot);
	b = knot_make(test, f->knot);
	KUNIT_ASSERT_PTR_EQ(test, slab_of(a), slab_of(b));
	hinter.knot = a;
	task = kthread_run(hint_main, &hinter, "refslab-kunit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	do {
		hint(b);
		KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
		KUNIT_EXPECT_FALSE(test, hinted(b, 0));
		cond_resched();
		/* from when both are at it */
		if (!both && READ_ONCE(hinter.hints)) {
			both = true;
			end = jiffies + 3 * HZ / 4;
		}
	} while (time_before(jiffies, end));
	KUNIT_EXPECT_EQ(test, kthread_stop(task), 0);
	KUNIT_EXPECT_GT(test, hinter.hints, 0);
	knot_put(a);
	knot_put(b);
}

static struct kunit_case candidate_cases[] = {
	KUNIT_CASE(test_hints_race),
	KUNIT_CASE(test_listed),
	KUNIT_CASE(test_get_lists),
	KUNIT_CASE(test_late),
	KUNIT_CASE(test_not_listed),
	KUNIT_CASE(test_generations),
	KUNIT_CASE(test_stale_hints),
	KUNIT_CASE(test_all_found),
	KUNIT_CASE(test_retired),
	{}
};

static struct kunit_suite candidate_suite = {
	.name = "refslab_candidate",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = candidate_cases,
};

kunit_test_suites(&candidate_suite);
