// SPDX-License-Identifier: GPL-2.0
/*
 * Tenants: what all heaps of a user may take together, and whose turn it is.
 */
#include <linux/slab.h>

#include "fixture.h"
#include "tenant.h"

/* Nobody's, as far as heaps of the machine that runs this go. */
#define USER	KUIDT_INIT(0x7e570001)
#define OTHER	KUIDT_INIT(0x7e570002)

static int tenant_test_init(struct kunit *test)
{
	tenant_heaps_max = 128;
	tenant_memory_max = 0;
	return 0;
}

static void tenant_test_exit(struct kunit *test)
{
	tenant_test_init(test);
}

static struct tenant *join(struct kunit *test, kuid_t uid)
{
	struct tenant *tenant = tenant_join(uid);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(tenant));
	return tenant;
}

/* A user who has not been one before, nor has to rest. */
static struct tenant *fresh(struct kunit *test)
{
	static u32 id = 0x7e580000;

	return join(test, KUIDT_INIT(id++));
}

static void expect_full(struct kunit *test, kuid_t uid)
{
	KUNIT_EXPECT_PTR_EQ(test, tenant_join(uid), ERR_PTR(-EDQUOT));
}

static void test_heaps(struct kunit *test)
{
	struct tenant *tenant, *other;

	tenant_heaps_max = 0;
	expect_full(test, USER);
	tenant_heaps_max = 2;
	tenant = join(test, USER);
	KUNIT_EXPECT_PTR_EQ(test, join(test, USER), tenant);
	expect_full(test, USER);
	KUNIT_EXPECT_EQ(test, tenant->heaps, 2);
	/* another has as many */
	other = join(test, OTHER);
	KUNIT_EXPECT_PTR_NE(test, other, tenant);
	KUNIT_EXPECT_PTR_EQ(test, join(test, OTHER), other);
	expect_full(test, OTHER);
	tenant_leave(tenant);
	KUNIT_EXPECT_PTR_EQ(test, join(test, USER), tenant);
	expect_full(test, USER);
	/* changed meanwhile */
	tenant_heaps_max = 1;
	tenant_leave(tenant);
	expect_full(test, USER);
	tenant_heaps_max = 3;
	KUNIT_EXPECT_PTR_EQ(test, join(test, USER), tenant);
	KUNIT_EXPECT_PTR_EQ(test, join(test, USER), tenant);
	expect_full(test, USER);
	tenant_leave(tenant);
	tenant_leave(tenant);
	tenant_leave(tenant);
	tenant_leave(other);
	tenant_leave(other);
	tenant_leave(NULL);
}

static void test_memory(struct kunit *test)
{
	struct tenant *tenant = fresh(test);

	tenant_memory_max = 10 * PAGE_SIZE + 1;
	KUNIT_EXPECT_TRUE(test, tenant_charge(tenant, 6));
	KUNIT_EXPECT_FALSE(test, tenant_charge(tenant, 5));
	KUNIT_EXPECT_FALSE(test, tenant_charge(tenant, LONG_MAX));
	KUNIT_EXPECT_TRUE(test, tenant_charge(tenant, 4));
	KUNIT_EXPECT_FALSE(test, tenant_charge(tenant, 1));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&tenant->pages), 10);
	KUNIT_EXPECT_FALSE(test, tenant_is_over(tenant));
	tenant_memory_max = 5 * PAGE_SIZE;
	KUNIT_EXPECT_TRUE(test, tenant_is_over(tenant));
	tenant_uncharge(tenant, 5);
	KUNIT_EXPECT_FALSE(test, tenant_is_over(tenant));
	KUNIT_EXPECT_FALSE(test, tenant_charge(tenant, 1));
	/* half the machine's */
	tenant_memory_max = 0;
	KUNIT_EXPECT_FALSE(test, tenant_charge(tenant, totalram_pages() / 2));
	KUNIT_EXPECT_TRUE(test, tenant_charge(tenant, totalram_pages() / 2 - 5));
	KUNIT_EXPECT_FALSE(test, tenant_charge(tenant, 1));
	/* more than a long has pages for */
	tenant_memory_max = ULONG_MAX;
	KUNIT_EXPECT_TRUE(test, tenant_charge(tenant, 1));
	tenant_uncharge(tenant, atomic_long_read(&tenant->pages));
	tenant_leave(tenant);
	/* nobody's: not counted */
	tenant_memory_max = PAGE_SIZE;
	KUNIT_EXPECT_TRUE(test, tenant_charge(NULL, 100));
	KUNIT_EXPECT_FALSE(test, tenant_is_over(NULL));
	tenant_uncharge(NULL, 100);
}

/* What pools hold is what is charged, in whatever way it comes and goes. */
static void test_pools(struct kunit *test)
{
	const struct refslab_heap_args args = { .name = "kunit-tenant" };
	const struct refslab_type_args large = { .name = "large", .size = 8000 };
	const unsigned long chunk = REFSLAB_CHUNK_SIZE / PAGE_SIZE;
	u64 bytes[POOL_LIMITS] = { };
	struct tenant *tenant = fresh(test);
	struct refslab_object *objs[32];
	struct refslab_heap *heap;
	struct refslab_type *type;
	struct pool *pool;
	unsigned long base;
	unsigned int n;

	heap = heap_create(&args, tenant);
	KUNIT_ASSERT_FALSE(test, IS_ERR(heap));
	pool = &heap->pool;
	type = fixture_type(test, heap, &large);
	/* a type's files and magazines */
	base = atomic_long_read(&tenant->pages);
	KUNIT_EXPECT_GT(test, base, 0);
	tenant_memory_max = 4 * REFSLAB_CHUNK_SIZE + base * PAGE_SIZE;
	for (n = 0; n < ARRAY_SIZE(objs); n++) {
		objs[n] = object_alloc(type, GFP_KERNEL);
		if (IS_ERR(objs[n]))
			break;
	}
	KUNIT_ASSERT_LT(test, n, ARRAY_SIZE(objs));
	KUNIT_EXPECT_PTR_EQ(test, objs[n], ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_EQ(test, pool->held, 4);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&tenant->pages), base + 4 * chunk);
	KUNIT_EXPECT_EQ(test, pool_charge(pool, 1), -ENOSPC);
	bytes[POOL_RESERVE] = 5 * REFSLAB_CHUNK_SIZE;
	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, BIT(POOL_RESERVE), bytes), -ENOSPC);
	KUNIT_EXPECT_EQ(test, pool->reserve, 0);
	/* it is as full for who must not sleep */
	KUNIT_EXPECT_NULL(test, refslab_alloc(type, GFP_NOWAIT | __GFP_NOWARN));
	tenant_memory_max = 6 * REFSLAB_CHUNK_SIZE + base * PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, BIT(POOL_RESERVE), bytes), 0);
	KUNIT_EXPECT_EQ(test, pool->held, 5);
	KUNIT_EXPECT_EQ(test, pool_charge(pool, chunk + 1), -ENOSPC);
	KUNIT_EXPECT_EQ(test, pool_charge(pool, chunk), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&tenant->pages), base + 6 * chunk);
	pool_uncharge(pool, chunk);
	bytes[POOL_RESERVE] = 0;
	bytes[POOL_HIGH] = 0;
	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, BIT(POOL_RESERVE) | BIT(POOL_HIGH),
					      bytes), 0);
	KUNIT_EXPECT_EQ(test, pool->held, 4);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&tenant->pages), base + 4 * chunk);
	while (n)
		refslab_put(objs[--n]);
	magazine_drain(type);
	pool_drain(pool);
	flush_work(&pool->work);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&tenant->pages), base + pool->held * chunk);
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);
	/* what is there still goes with the heap */
	obj_make(test, type);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&tenant->pages), 0);
	tenant_leave(tenant);
}

/* --- turns --- */

/**
 * struct worker - somebody who has background work
 * @turn: his turn
 * @work: what he does in it
 * @takes_ns: as long as he says it takes
 * @leaves: when it is his turn he has nothing to do
 * @place: how many had their turn before him, 0 for he had none
 * @calls: how often he was called
 */
struct worker {
	struct tenant_turn turn;
	struct delayed_work work;
	u64		takes_ns;
	bool		leaves;
	int		place;
	atomic_t	calls;
};

static atomic_t turns_had;

static void worker_work(struct work_struct *work)
{
	struct worker *worker = container_of(to_delayed_work(work), struct worker, work);
	int place;

	atomic_inc(&worker->calls);
	tenant_turn_came(&worker->turn);
	if (worker->leaves) {
		tenant_turn_leave(&worker->turn);
	} else if (tenant_turn_begin(&worker->turn)) {
		place = atomic_inc_return(&turns_had);
		tenant_turn_end(&worker->turn, worker->takes_ns);
		/* who sees it sees a turn that is over */
		WRITE_ONCE(worker->place, place);
	}
}

static struct worker *workers_make(struct kunit *test, int n, struct tenant *tenant)
{
	struct worker *workers = kunit_kcalloc(test, n, sizeof(*workers), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, workers);
	atomic_set(&turns_had, 0);
	while (n--) {
		INIT_DELAYED_WORK(&workers[n].work, worker_work);
		tenant_turn_init(&workers[n].turn, tenant, &workers[n].work);
	}
	return workers;
}

static void workers_end(struct worker *workers, int n)
{
	while (n--) {
		tenant_turn_close(&workers[n].turn);
		cancel_delayed_work_sync(&workers[n].work);
	}
}

static void expect_place(struct kunit *test, struct worker *worker, int place)
{
	int i;

	for (i = 0; i < 500 && !READ_ONCE(worker->place); i++)
		msleep(20);
	KUNIT_EXPECT_EQ(test, READ_ONCE(worker->place), place);
}

/* Those who wait come in the order they came, and nobody without a rest before. */
static void test_order(struct kunit *test)
{
	enum { N = 5 };
	struct tenant *tenant = fresh(test);
	struct worker *workers = workers_make(test, N, tenant);
	u64 start;
	int i;

	KUNIT_ASSERT_TRUE(test, tenant_turn_begin(&workers[0].turn));
	for (i = 1; i < N; i++) {
		workers[i].takes_ns = 10 * NSEC_PER_MSEC;
		KUNIT_EXPECT_FALSE(test, tenant_turn_waits(&workers[i].turn));
		KUNIT_EXPECT_FALSE(test, tenant_turn_begin(&workers[i].turn));
		KUNIT_EXPECT_TRUE(test, tenant_turn_waits(&workers[i].turn));
	}
	/* to ask again does not change one's place */
	KUNIT_EXPECT_FALSE(test, tenant_turn_begin(&workers[1].turn));
	msleep(50);
	for (i = 1; i < N; i++)
		KUNIT_EXPECT_EQ(test, atomic_read(&workers[i].calls), 0);
	start = ktime_get_ns();
	tenant_turn_end(&workers[0].turn, 10 * NSEC_PER_MSEC);
	for (i = 1; i < N; i++)
		expect_place(test, &workers[i], i);
	KUNIT_EXPECT_GE(test, ktime_get_ns() - start,
			(u64)(N - 1) * REST_FACTOR * 10 * NSEC_PER_MSEC);
	for (i = 1; i < N; i++) {
		KUNIT_EXPECT_LE(test, atomic_read(&workers[i].calls), 2);
		KUNIT_EXPECT_FALSE(test, tenant_turn_waits(&workers[i].turn));
	}
	workers_end(workers, N);
	tenant_leave(tenant);
}

/* Who has nothing to do, or goes, does not keep those behind him. */
static void test_gone(struct kunit *test)
{
	enum { N = 5 };
	struct tenant *tenant = fresh(test);
	struct worker *workers = workers_make(test, N, tenant);
	int i;

	KUNIT_ASSERT_TRUE(test, tenant_turn_begin(&workers[0].turn));
	for (i = 1; i < N; i++)
		KUNIT_EXPECT_FALSE(test, tenant_turn_begin(&workers[i].turn));
	workers[1].leaves = true;
	/* one in the middle before it is its turn, one when it is called */
	tenant_turn_close(&workers[2].turn);
	KUNIT_EXPECT_FALSE(test, tenant_turn_begin(&workers[2].turn));
	tenant_turn_end(&workers[0].turn, 100 * NSEC_PER_MSEC);
	expect_place(test, &workers[3], 1);
	expect_place(test, &workers[4], 2);
	KUNIT_EXPECT_EQ(test, workers[1].place, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&workers[1].calls), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&workers[2].calls), 0);

	/* the first, while it is called */
	KUNIT_ASSERT_TRUE(test, tenant_turn_begin(&workers[0].turn));
	workers[3].place = 0;
	workers[4].place = 0;
	atomic_set(&turns_had, 0);
	KUNIT_EXPECT_FALSE(test, tenant_turn_begin(&workers[3].turn));
	KUNIT_EXPECT_FALSE(test, tenant_turn_begin(&workers[4].turn));
	tenant_turn_end(&workers[0].turn, 50 * NSEC_PER_MSEC);
	tenant_turn_close(&workers[3].turn);
	cancel_delayed_work_sync(&workers[3].work);
	expect_place(test, &workers[4], 1);
	KUNIT_EXPECT_EQ(test, workers[3].place, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&tenant->turns));
	KUNIT_EXPECT_NULL(test, tenant->now);
	workers_end(workers, N);
	tenant_leave(tenant);
}

/* Tenants do not wait for each other, and who is nobody's for none. */
static void test_others(struct kunit *test)
{
	struct tenant *tenant = fresh(test), *other = fresh(test);
	struct worker *one = workers_make(test, 1, tenant);
	struct worker *two = workers_make(test, 1, other);
	struct worker *nobody = workers_make(test, 1, NULL);

	KUNIT_EXPECT_TRUE(test, tenant_turn_begin(&one->turn));
	KUNIT_EXPECT_TRUE(test, tenant_turn_begin(&two->turn));
	KUNIT_EXPECT_TRUE(test, tenant_turn_begin(&nobody->turn));
	KUNIT_EXPECT_TRUE(test, tenant_turn_begin(&nobody->turn));
	tenant_turn_end(&nobody->turn, NSEC_PER_SEC);
	KUNIT_EXPECT_TRUE(test, tenant_turn_begin(&nobody->turn));
	tenant_turn_end(&one->turn, NSEC_PER_SEC);
	tenant_turn_end(&two->turn, 0);
	KUNIT_EXPECT_FALSE(test, tenant_turn_begin(&one->turn));
	KUNIT_EXPECT_TRUE(test, tenant_turn_begin(&two->turn));
	tenant_turn_end(&two->turn, 0);
	tenant_turn_leave(&nobody->turn);
	workers_end(one, 1);
	workers_end(two, 1);
	workers_end(nobody, 1);
	tenant_leave(tenant);
	tenant_leave(other);
}

/* Who ends his last heap and makes another has to rest all the same. */
static void test_rest_stays(struct kunit *test)
{
	struct tenant *tenant = join(test, USER);
	struct worker *worker = workers_make(test, 1, tenant);
	int i;

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, tenant_turn_begin(&worker->turn));
		tenant_turn_end(&worker->turn, 50 * NSEC_PER_MSEC);
		tenant_leave(tenant);
		KUNIT_EXPECT_PTR_EQ(test, join(test, USER), tenant);
		KUNIT_EXPECT_FALSE(test, tenant_turn_begin(&worker->turn));
		tenant_turn_leave(&worker->turn);
		cancel_delayed_work_sync(&worker->work);
		/* what was to free it, a minute early, finds that it is used */
		flush_delayed_work(&tenant->end);
		msleep(REST_FACTOR * 50 + 50);
	}
	KUNIT_EXPECT_TRUE(test, tenant_turn_begin(&worker->turn));
	tenant_turn_end(&worker->turn, 0);
	workers_end(worker, 1);
	tenant_leave(tenant);
}

/* --- sweeps --- */

enum { HEAPS = 6 };

struct swept {
	struct refslab_heap *heap[HEAPS];
	struct refslab_type *type[HEAPS];
};

static void garbage(struct kunit *test, struct refslab_type *type, int n)
{
	struct knot *knot;

	while (n--) {
		knot = knot_make(test, type);
		knot_edge(knot, 0, knot);
		knot_put(knot);
	}
}

static void swept_init(struct kunit *test, struct swept *swept, struct tenant *tenant)
{
	const u32 lowest[3] = { 1, 0, 0 };
	const struct refslab_type_args args = {
		.name = "knot", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = knot_ctor,
	};
	struct refslab_heap_args heap_args = { .flags = REFSLAB_HEAP_ACCOUNT };
	int i;

	for (i = 0; i < HEAPS; i++) {
		swept->heap[i] = heap_create(&heap_args, tenant);
		KUNIT_ASSERT_FALSE(test, IS_ERR(swept->heap[i]));
		swept->type[i] = fixture_type(test, swept->heap[i], &args);
		KUNIT_EXPECT_EQ(test, refslab_set_thresholds(swept->heap[i], lowest), 0);
	}
}

static u64 runs(struct refslab_heap *heap)
{
	return READ_ONCE(heap->sweep.stats[0].runs) + READ_ONCE(heap->sweep.stats[1].runs) +
	       READ_ONCE(heap->sweep.stats[2].runs);
}

/* Waits until there are no objects; then no sweep is under way. */
static bool clean(struct refslab_heap *heap)
{
	int i;

	for (i = 0; i < 1000 && heap_objects(heap); i++)
		msleep(20);
	/* the sweep that took the last may not have been counted yet */
	mutex_lock(&heap->sweep.mutex);
	mutex_unlock(&heap->sweep.mutex);
	return !heap_objects(heap);
}

/* It waits on the list, and not in the workqueue. */
static bool waits(struct refslab_heap *heap)
{
	struct trigger *trigger = &heap->trigger;
	int i;

	for (i = 0; i < 500; i++) {
		if (tenant_turn_waits(&trigger->turn) && !work_busy(&trigger->work.work))
			return true;
		msleep(20);
	}
	return false;
}

/* All wait while it is another's turn; then each comes to its own. */
static void test_sweeps(struct kunit *test)
{
	struct tenant *tenant = fresh(test);
	struct worker *worker = workers_make(test, 1, tenant);
	struct swept swept;
	int i;

	swept_init(test, &swept, tenant);
	KUNIT_ASSERT_TRUE(test, tenant_turn_begin(&worker->turn));
	for (i = 0; i < HEAPS; i++)
		garbage(test, swept.type[i], 1000);
	msleep(200);
	for (i = 0; i < HEAPS; i++) {
		KUNIT_EXPECT_TRUE(test, waits(swept.heap[i]));
		KUNIT_EXPECT_EQ(test, runs(swept.heap[i]), 0);
	}
	/* by request they run */
	KUNIT_EXPECT_EQ(test, refslab_collect(swept.heap[1], 2, NULL), 0);
	EXPECT_OBJECTS(test, swept.type[1], 0);
	/* one ends while it waits, another while it is called */
	refslab_heap_destroy(swept.heap[2]);
	tenant_turn_end(&worker->turn, 50 * NSEC_PER_MSEC);
	refslab_heap_destroy(swept.heap[0]);
	for (i = 3; i < HEAPS; i++) {
		KUNIT_EXPECT_TRUE(test, clean(swept.heap[i]));
		KUNIT_EXPECT_GE(test, runs(swept.heap[i]), 1);
	}
	workers_end(worker, 1);
	for (i = 1; i < HEAPS; i++)
		if (i != 2)
			refslab_heap_destroy(swept.heap[i]);
	KUNIT_EXPECT_TRUE(test, list_empty(&tenant->turns));
	KUNIT_EXPECT_NULL(test, tenant->now);
	tenant_leave(tenant);
}

/* However much there is to do, it is a quarter of the time. */
static void test_quarter(struct kunit *test)
{
	struct tenant *tenant = fresh(test);
	u64 start = ktime_get_ns(), took = 0, longest = 0;
	struct swept swept;
	int i, gen;

	swept_init(test, &swept, tenant);
	while (ktime_get_ns() - start < 3 * NSEC_PER_SEC) {
		for (i = 0; i < HEAPS; i++)
			garbage(test, swept.type[i], 200);
		cond_resched();
	}
	start = ktime_get_ns() - start;
	for (i = 0; i < HEAPS; i++) {
		KUNIT_EXPECT_GE(test, runs(swept.heap[i]), 1);
		for (gen = 0; gen < GENERATIONS; gen++) {
			took += READ_ONCE(swept.heap[i]->sweep.stats[gen].time_ns);
			longest = max(longest,
				      READ_ONCE(swept.heap[i]->sweep.stats[gen].longest_ns));
		}
	}
	kunit_info(test, "%d heaps: swept for %llu of %llu ms, at most %llu at a time\n",
		   HEAPS, took / NSEC_PER_MSEC, start / NSEC_PER_MSEC,
		   longest / NSEC_PER_MSEC);
	/* after the last it has not rested yet */
	KUNIT_EXPECT_LE(test, (took - min(took, longest)) * (1 + REST_FACTOR), start);
	for (i = 0; i < HEAPS; i++) {
		KUNIT_EXPECT_TRUE(test, clean(swept.heap[i]));
		refslab_heap_destroy(swept.heap[i]);
	}
	tenant_leave(tenant);
}

/* A work that finds nothing due has counted what lives, and rests for that. */
static void test_counted(struct kunit *test)
{
	const u32 high[3] = { 1000, 10, 10 };
	struct tenant *tenant = fresh(test);
	u64 start = ktime_get_ns();
	struct trigger *trigger;
	struct swept swept;
	int i;

	swept_init(test, &swept, tenant);
	trigger = &swept.heap[0]->trigger;
	KUNIT_EXPECT_EQ(test, refslab_set_thresholds(swept.heap[0], high), 0);
	garbage(test, swept.type[0], 10);
	/* as if 2000 more had come into magazines: at a glance it is due */
	WRITE_ONCE(trigger->base_out, -2000);
	trigger_taken(swept.heap[0], 0);
	flush_delayed_work(&trigger->work);
	KUNIT_EXPECT_EQ(test, runs(swept.heap[0]), 0);
	/* by a clock that may have no more than ticks */
	KUNIT_EXPECT_GE(test, READ_ONCE(trigger->rest_until), start);
	KUNIT_EXPECT_GE(test, READ_ONCE(tenant->rest_until), start);
	for (i = 0; i < HEAPS; i++)
		refslab_heap_destroy(swept.heap[i]);
	tenant_leave(tenant);
}

/* Idle heaps take turns, too; and memory that is short is no reason not to. */
static void test_idle(struct kunit *test)
{
	const u32 high[3] = { INT_MAX, 10, 10 };
	struct tenant *tenant = fresh(test);
	struct worker *worker = workers_make(test, 1, tenant);
	struct swept swept;
	int i;

	swept_init(test, &swept, tenant);
	KUNIT_ASSERT_TRUE(test, tenant_turn_begin(&worker->turn));
	for (i = 0; i < HEAPS; i++) {
		KUNIT_EXPECT_EQ(test, refslab_set_thresholds(swept.heap[i], high), 0);
		garbage(test, swept.type[i], 100);
		if (i < HEAPS / 2)
			trigger_pressure(swept.heap[i]);
	}
	/* an idle heap is looked at twice, two seconds apart */
	msleep(8000);
	for (i = 0; i < HEAPS; i++) {
		KUNIT_EXPECT_EQ(test, runs(swept.heap[i]), 0);
		KUNIT_EXPECT_FALSE(test, list_empty(&swept.heap[i]->trigger.idle_turn.link));
	}
	tenant_turn_end(&worker->turn, NSEC_PER_MSEC);
	for (i = 0; i < HEAPS; i++) {
		KUNIT_EXPECT_TRUE(test, clean(swept.heap[i]));
		/* the full ones were not forgotten while they waited */
		KUNIT_EXPECT_EQ(test, swept.heap[i]->sweep.stats[2].runs, i < HEAPS / 2);
	}
	workers_end(worker, 1);
	for (i = 0; i < HEAPS; i++)
		refslab_heap_destroy(swept.heap[i]);
	tenant_leave(tenant);
}

static struct kunit_case tenant_cases[] = {
	KUNIT_CASE(test_heaps),
	KUNIT_CASE(test_memory),
	KUNIT_CASE(test_pools),
	KUNIT_CASE(test_order),
	KUNIT_CASE(test_gone),
	KUNIT_CASE(test_others),
	KUNIT_CASE(test_rest_stays),
	KUNIT_CASE(test_sweeps),
	KUNIT_CASE(test_quarter),
	KUNIT_CASE(test_counted),
	KUNIT_CASE(test_idle),
	{}
};

static struct kunit_suite tenant_suite = {
	.name = "refslab_tenant",
	.init = tenant_test_init,
	.exit = tenant_test_exit,
	.test_cases = tenant_cases,
};

kunit_test_suites(&tenant_suite);
