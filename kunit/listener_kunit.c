// SPDX-License-Identifier: GPL-2.0
/* Tests of listeners: told of each sweep, in the sweep, and no more afterwards. */
#include <kunit/test.h>

#include "fixture.h"

/**
 * struct ear - a listener that remembers
 * @listener: itself
 * @starts: sweeps that began
 * @ends: sweeps that were over
 * @freed: by these
 * @generation: of the last one
 * @heap: to be asked for a sweep, where that must fail
 * @err: the answer
 */
struct ear {
	struct refslab_listener listener;
	unsigned int	starts;
	unsigned int	ends;
	u64		freed;
	unsigned int	generation;
	struct refslab_heap *heap;
	int		err;
};

static void on_sweep(struct refslab_listener *listener, unsigned int generation,
		     const struct refslab_sweep_result *result)
{
	struct ear *ear = container_of(listener, struct ear, listener);

	ear->generation = generation;
	if (!result) {
		ear->starts++;
	} else {
		ear->ends++;
		ear->freed += result->freed;
	}
	if (ear->heap)
		ear->err = refslab_collect(ear->heap, 2, NULL);
}

static void test_told(struct kunit *test)
{
	struct ear a = { .listener.sweep = on_sweep }, b = a;
	struct fixture *f = test->priv;
	struct knot *knot = knot_make(test, f->knot);

	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	refslab_listen(f->heap, &a.listener);
	refslab_listen(f->heap, &b.listener);
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);
	knot_edge(knot, 0, knot);
	knot_put(knot);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 1), 1);
	KUNIT_EXPECT_EQ(test, a.starts, 1);
	KUNIT_EXPECT_EQ(test, a.ends, 1);
	KUNIT_EXPECT_EQ(test, a.freed, 1);
	KUNIT_EXPECT_EQ(test, a.generation, 1);
	KUNIT_EXPECT_EQ(test, b.ends, 1);

	refslab_unlisten(f->heap, &a.listener);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	KUNIT_EXPECT_EQ(test, a.starts, 1);
	KUNIT_EXPECT_EQ(test, a.ends, 1);
	KUNIT_EXPECT_EQ(test, b.starts, 2);
	KUNIT_EXPECT_EQ(test, b.generation, 2);
	refslab_unlisten(f->heap, &b.listener);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	KUNIT_EXPECT_EQ(test, b.starts, 2);
}

/* It is called in a sweep, so it can ask for none. */
static void test_no_sweep_within(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ear ear = { .listener.sweep = on_sweep, .heap = f->heap };

	refslab_listen(f->heap, &ear.listener);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 0);
	KUNIT_EXPECT_EQ(test, ear.starts, 1);
	KUNIT_EXPECT_EQ(test, ear.ends, 1);
	KUNIT_EXPECT_EQ(test, ear.err, -EDEADLK);
	refslab_unlisten(f->heap, &ear.listener);
}

static void test_validator_notices(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ear ear = { };

	refslab_listen(f->heap, &ear.listener);
	expect_in_log("refslab: heap kunit: 1 listeners are not as they should be");
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), -EUCLEAN);
	unexpect_in_log();
	refslab_unlisten(f->heap, &ear.listener);
}

static struct kunit_case listener_cases[] = {
	KUNIT_CASE(test_told),
	KUNIT_CASE(test_no_sweep_within),
	KUNIT_CASE(test_validator_notices),
	{}
};

static struct kunit_suite listener_suite = {
	.name = "refslab_listener",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = listener_cases,
};

kunit_test_suites(&listener_suite);
