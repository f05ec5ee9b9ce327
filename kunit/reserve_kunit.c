// SPDX-License-Identifier: GPL-2.0
/*
 * Reserves: what was set aside is there, when nothing else is and wherever it is
 * wanted.
 */
#include <linux/irq_work.h>

#include "fixture.h"
#include "reserve.h"

static struct refslab_reserve *prefill(struct kunit *test, struct refslab_type *type,
				       unsigned int n)
{
	struct refslab_reserve *reserve = refslab_prefill(type, n, GFP_KERNEL);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(reserve));
	KUNIT_EXPECT_EQ(test, refslab_reserve_left(reserve), n);
	KUNIT_EXPECT_EQ(test, reserve_validate(reserve), 0);
	return reserve;
}

/* Allocates until there is nothing: all pages, all that is in slabs. */
static struct refslab_object **exhaust(struct kunit *test, struct refslab_type *type,
				       unsigned int *n)
{
	u64 bytes[POOL_LIMITS] = { [POOL_LIMIT] = REFSLAB_CHUNK_SIZE };
	unsigned int room = 8 * type->layout.objects;
	struct refslab_object **objs;

	objs = kunit_kcalloc(test, room, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	/* below what it holds: not a page more */
	KUNIT_ASSERT_EQ(test, pool_set_limits(&type->heap->pool, BIT(POOL_LIMIT), bytes), 0);
	*n = refslab_alloc_bulk(type, GFP_KERNEL, room, objs);
	KUNIT_EXPECT_LT(test, *n, room);
	KUNIT_EXPECT_NULL(test, refslab_alloc(type, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, refslab_alloc(type, GFP_ATOMIC));
	return objs;
}

/* What nobody has allocated yet is no reason to sweep. */
static void test_does_not_count(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_reserve *reserve = prefill(test, f->knot, 300);
	struct refslab_object *obj;
	s64 count[3];

	refslab_get_counts(f->heap, count);
	KUNIT_EXPECT_EQ(test, count[0], 0);
	obj = refslab_alloc_reserved(reserve);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	refslab_get_counts(f->heap, count);
	KUNIT_EXPECT_EQ(test, count[0], 1);
	refslab_put(obj);
	refslab_reserve_destroy(reserve);
	refslab_get_counts(f->heap, count);
	KUNIT_EXPECT_EQ(test, count[0], 0);
}

static void test_guarantee(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object **others, **objs;
	struct refslab_reserve *reserve;
	unsigned int n, i, wrong = 0;

	fixture_stay(test);
	reserve = prefill(test, f->knot, 300);
	objs = kunit_kcalloc(test, 300, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	EXPECT_OBJECTS(test, f->knot, 0);
	others = exhaust(test, f->knot, &n);
	for (i = 0; i < 300; i++) {
		objs[i] = refslab_alloc_reserved(reserve);
		KUNIT_ASSERT_NOT_NULL(test, objs[i]);
		wrong += refslab_count(objs[i]) != 1 ||
			 knot_of(objs[i])->canary != KNOT_CANARY ||
			 knot_of(objs[i])->slot[0].target;
		knot_of(objs[i])->canary ^= i;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	EXPECT_OBJECTS(test, f->knot, n + 300);
	/* and not one more */
	KUNIT_EXPECT_EQ(test, refslab_reserve_left(reserve), 0);
	KUNIT_EXPECT_NULL(test, refslab_alloc_reserved(reserve));
	KUNIT_EXPECT_EQ(test, refslab_reserve_refill(reserve, GFP_KERNEL), -ENOSPC);
	for (i = 0; i < 300; i++)
		wrong += knot_of(objs[i])->canary != (KNOT_CANARY ^ i);
	KUNIT_EXPECT_EQ(test, wrong, 0);

	/* what comes back is for all, and a refill takes it */
	refslab_put_bulk(300, objs);
	KUNIT_EXPECT_EQ(test, refslab_reserve_refill(reserve, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, refslab_reserve_left(reserve), 300);
	KUNIT_EXPECT_NULL(test, refslab_alloc(f->knot, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, reserve_validate(reserve), 0);
	refslab_put_bulk(n, others);
	refslab_reserve_destroy(reserve);
	EXPECT_OBJECTS(test, f->knot, 0);
}

struct in_interrupt {
	struct irq_work work;
	struct refslab_reserve *reserve;
	struct refslab_object *objs[64];
	unsigned int got;
	bool hard;
};

static void interrupt(struct irq_work *work)
{
	struct in_interrupt *in = container_of(work, struct in_interrupt, work);

	in->hard = in_hardirq();
	while (in->got < ARRAY_SIZE(in->objs)) {
		in->objs[in->got] = refslab_alloc_reserved(in->reserve);
		if (!in->objs[in->got])
			break;
		in->got++;
	}
}

/* In a hard interrupt, with raw locks checked by lockdep: no page allocator. */
static void test_interrupt(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object **others;
	struct in_interrupt *in = kunit_kzalloc(test, sizeof(*in), GFP_KERNEL);
	unsigned int n;

	KUNIT_ASSERT_NOT_NULL(test, in);
	in->reserve = prefill(test, f->leaf, ARRAY_SIZE(in->objs));
	others = exhaust(test, f->leaf, &n);
	in->work = IRQ_WORK_INIT_HARD(interrupt);
	irq_work_queue(&in->work);
	irq_work_sync(&in->work);
	KUNIT_EXPECT_TRUE(test, in->hard);
	KUNIT_EXPECT_EQ(test, in->got, ARRAY_SIZE(in->objs));
	refslab_put_bulk(in->got, in->objs);
	refslab_put_bulk(n, others);
	refslab_reserve_destroy(in->reserve);
	EXPECT_OBJECTS(test, f->leaf, 0);
}

struct taker {
	struct refslab_reserve *reserve;
	unsigned int got, wrong;
};

static int taker_main(void *arg)
{
	struct taker *taker = arg;
	struct refslab_object *obj;

	while ((obj = refslab_alloc_reserved(taker->reserve))) {
		/* nobody else has it */
		taker->wrong += knot_of(obj)->id != 0 || refslab_count(obj) != 1;
		knot_of(obj)->id = (uintptr_t)taker;
		taker->got++;
		cond_resched();
		taker->wrong += knot_of(obj)->id != (uintptr_t)taker;
		refslab_put(obj);
	}
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return 0;
}

/* Several who take: together they get what there is. */
static void test_takers(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct taker takers[3] = { };
	struct task_struct *tasks[3];
	struct refslab_reserve *reserve = prefill(test, f->knot, 5000);
	unsigned int i, got = 0;

	for (i = 0; i < 3; i++) {
		takers[i].reserve = reserve;
		tasks[i] = kthread_run(taker_main, &takers[i], "refslab_taker");
		KUNIT_ASSERT_FALSE(test, IS_ERR(tasks[i]));
	}
	for (i = 0; i < 3; i++) {
		while (refslab_reserve_left(reserve))
			usleep_range(1000, 2000);
		kthread_stop(tasks[i]);
		got += takers[i].got;
		KUNIT_EXPECT_EQ(test, takers[i].wrong, 0);
	}
	KUNIT_EXPECT_EQ(test, got, 5000);
	refslab_reserve_destroy(reserve);
	EXPECT_OBJECTS(test, f->knot, 0);
}

static void test_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	u64 bytes[POOL_LIMITS] = { [POOL_LIMIT] = REFSLAB_CHUNK_SIZE };
	struct refslab_reserve *reserve;

	KUNIT_EXPECT_EQ(test, PTR_ERR(refslab_prefill(f->leaf, 0, GFP_KERNEL)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(refslab_prefill(f->leaf, RESERVE_MAX + 1, GFP_KERNEL)),
			-EINVAL);
	/* more than there is: nothing stays set aside */
	KUNIT_ASSERT_EQ(test, pool_set_limits(&f->heap->pool, BIT(POOL_LIMIT), bytes), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(refslab_prefill(f->leaf, 4000, GFP_KERNEL)), -ENOSPC);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&f->leaf->reserved), 0);
	EXPECT_OBJECTS(test, f->leaf, 0);

	/* its type stays as long as the reserve, which may be filled again */
	reserve = prefill(test, f->leaf, 1);
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(f->leaf), -EBUSY);
	refslab_put(refslab_alloc_reserved(reserve));
	KUNIT_EXPECT_EQ(test, refslab_reserve_left(reserve), 0);
	KUNIT_ASSERT_EQ(test, refslab_type_destroy(f->leaf), -EBUSY);
	KUNIT_EXPECT_EQ(test, refslab_reserve_refill(reserve, GFP_KERNEL), 0);
	refslab_reserve_destroy(reserve);
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(f->leaf), 0);
}

/* Misused while it was set aside: reported, and the next one is given. */
static void test_misused(struct kunit *test)
{
	struct fixture *f = test->priv;
	const struct refslab_type_args args = {
		.name = "traced", .size = 64, .flags = REFSLAB_TYPE_TRACE,
	};
	struct refslab_reserve *reserve;
	struct refslab_object *obj, *bad;

	reserve = prefill(test, fixture_type(test, f->heap, &args), 2);
	bad = reserve->objects[1];
	atomic64_set(&bad->word, REFSLAB_COUNT_ONE);
	expect_in_log("refslab: heap kunit: a reserve of type traced has what it should not");
	KUNIT_EXPECT_EQ(test, reserve_validate(reserve), -EUCLEAN);
	unexpect_in_log();
	expect_in_log("BUG: refslab: a free object's word has changed; leaked: heap kunit, type traced, object");
	obj = refslab_alloc_reserved(reserve);
	unexpect_in_log();
	KUNIT_ASSERT_NOT_NULL(test, obj);
	KUNIT_EXPECT_PTR_NE(test, obj, bad);
	KUNIT_EXPECT_NULL(test, refslab_alloc_reserved(reserve));
	refslab_put(obj);
	refslab_reserve_destroy(reserve);
	f->left = 1;
}

static struct kunit_case reserve_cases[] = {
	KUNIT_CASE(test_does_not_count),
	KUNIT_CASE(test_guarantee),
	KUNIT_CASE(test_interrupt),
	KUNIT_CASE(test_takers),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_misused),
	{}
};

static struct kunit_suite reserve_suite = {
	.name = "refslab_reserve",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = reserve_cases,
};

kunit_test_suites(&reserve_suite);
