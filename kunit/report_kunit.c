// SPDX-License-Identifier: GPL-2.0
/*
 * Reports: the texts that have no mistake of a caller behind them; those that
 * have are told where the mistake is made, in the suites of objects and slabs.
 * What is told is looked for in the kernel's log after the run.
 */
#include "fixture.h"
#include "report.h"

/* Told once; the heap goes on by reference counts alone. */
static void test_sweep_broken(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);

	knot_edge(a, 0, a);
	expect_in_log("refslab: heap kunit stops sweeping and goes on by reference counts: object [0-9]+ of type knot, committed, has the word 0x123");
	report_sweep_broken(f->heap, &a->link.object, 0x123);
	unexpect_in_log();
	report_sweep_broken(f->heap, &a->link.object, 0x456);

	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 2, NULL), -EOPNOTSUPP);
	knot_edge(b, 0, a);
	knot_put(b);
	EXPECT_OBJECTS(test, f->knot, 1);
	knot_put(a);
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 0, NULL), -EOPNOTSUPP);
	EXPECT_OBJECTS(test, f->knot, 1);
	f->left = 1;
}

/* Another heap is none the worse for it, and is told of itself. */
static void test_sweep_broken_elsewhere(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot);

	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 2, NULL), 0);
	expect_in_log("refslab: heap kunit stops sweeping");
	report_sweep_broken(f->heap, &a->link.object, 0);
	unexpect_in_log();
	knot_put(a);
}

/* Many live, some are shown; the kernel is not tainted by a -EBUSY. */
static void test_survivors(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *objs[20];
	int i;

	for (i = 0; i < ARRAY_SIZE(objs); i++)
		objs[i] = obj_make(test, f->leaf);
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(f->leaf), -EBUSY);
	refslab_put_bulk(ARRAY_SIZE(objs) - 1, objs);
	atomic64_set(&objs[19]->word, PINNED_WORD);
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(f->leaf), -EBUSY);
	f->left = 1;
}

/* The line itself is read by a test of user space. */
static void test_logging(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot);

	KUNIT_EXPECT_FALSE(test, refslab_get_logging(f->heap));
	knot_edge(a, 0, a);
	knot_put(a);
	refslab_set_logging(f->heap, true);
	KUNIT_EXPECT_TRUE(test, refslab_get_logging(f->heap));
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 1);
	refslab_set_logging(f->heap, false);
	KUNIT_EXPECT_FALSE(test, refslab_get_logging(f->heap));
}

static struct kunit_case report_cases[] = {
	KUNIT_CASE(test_sweep_broken),
	KUNIT_CASE(test_sweep_broken_elsewhere),
	KUNIT_CASE(test_survivors),
	KUNIT_CASE(test_logging),
	{}
};

static struct kunit_suite report_suite = {
	.name = "refslab_report",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = report_cases,
};

kunit_test_suites(&report_suite);
