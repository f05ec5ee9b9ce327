// SPDX-License-Identifier: GPL-2.0
/*
 * The pool: what it holds, when it takes more and gives back, and that nobody
 * gets a chunk that somebody may still look at.
 */
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "fixture.h"
#include "pages.h"

#define CHUNK		REFSLAB_CHUNK_SIZE
#define PAGES		((long)BIT(REFSLAB_CHUNK_ORDER))	/* of a chunk */

/* A pool without a heap, test->priv; its background work waits to be called. */
struct pool_test {
	struct pool pool;
	int kicks;
};

static void test_kick(struct pool *pool)
{
	container_of(pool, struct pool_test, pool)->kicks++;
}

static void run_work(struct pool *pool)
{
	queue_work(refslab_wq, &pool->work);
	flush_work(&pool->work);
}

/* Sizes in chunks. */
static struct pool *pool_make(struct kunit *test, u64 limit, u64 reserve, u64 low,
			      u64 high)
{
	const struct refslab_heap_args args = {
		.limit = limit * CHUNK, .reserve = reserve * CHUNK,
		.low = low * CHUNK, .high = high * CHUNK,
	};
	struct pool_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	fixture_stay(test);
	KUNIT_ASSERT_EQ(test, pool_init(&t->pool, "kunit-pool", &args), 0);
	flush_work(&t->pool.work);
	t->pool.kick = test_kick;
	test->priv = t;
	return &t->pool;
}

static void pool_test_exit(struct kunit *test)
{
	struct pool_test *t = test->priv;

	if (!t)
		return;
	KUNIT_EXPECT_EQ(test, pool_validate(&t->pool), 0);
	pool_close(&t->pool);
	pool_destroy(&t->pool);
}

static struct chunk *chunk_get(struct kunit *test, struct pool *pool)
{
	struct chunk *chunk = pool_get_chunk(pool, NUMA_NO_NODE, GFP_KERNEL);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(chunk));
	return chunk;
}

static struct chunk **chunks_get(struct kunit *test, struct pool *pool, int n)
{
	struct chunk **chunks = kunit_kcalloc(test, n, sizeof(*chunks), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, chunks);
	for (i = 0; i < n; i++)
		chunks[i] = chunk_get(test, pool);
	return chunks;
}

static void chunks_put(struct pool *pool, struct chunk **chunks, int n)
{
	while (n--)
		pool_put_chunk(pool, chunks[n]);
}

/* Counts in chunks, as the outside is told them. */
static void expect_usage(struct kunit *test, struct pool *pool, u64 held, u64 used,
			 u64 waiting)
{
	struct pool_usage usage;

	pool_usage(pool, &usage);
	KUNIT_EXPECT_EQ(test, usage.held, held * CHUNK);
	KUNIT_EXPECT_EQ(test, usage.used, used * CHUNK);
	KUNIT_EXPECT_EQ(test, usage.waiting, waiting * CHUNK);
	KUNIT_EXPECT_EQ(test, usage.cached, (held - used - waiting) * CHUNK);
	KUNIT_EXPECT_EQ(test, pool_validate(pool), 0);
}

/* --- limits --- */

static void test_limit(struct kunit *test)
{
	struct pool *pool = pool_make(test, 4, 0, 0, 1);
	struct chunk **chunks = chunks_get(test, pool, 4), *chunk;
	struct pool_usage usage;

	KUNIT_EXPECT_PTR_EQ(test, pool_get_chunk(pool, NUMA_NO_NODE, GFP_KERNEL),
			    ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_PTR_EQ(test, pool_get_chunk(pool, NUMA_NO_NODE, GFP_NOWAIT),
			    ERR_PTR(-ENOSPC));
	expect_usage(test, pool, 4, 4, 0);

	/* what comes back is there again: at once for who can wait for it */
	rcu_read_lock();
	pool_put_chunk(pool, chunks[0]);
	KUNIT_EXPECT_PTR_EQ(test, pool_get_chunk(pool, NUMA_NO_NODE, GFP_NOWAIT),
			    ERR_PTR(-ENOSPC));
	rcu_read_unlock();
	chunk = pool_get_chunk(pool, NUMA_NO_NODE, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, chunk, chunks[0]);
	expect_usage(test, pool, 4, 4, 0);
	chunks_put(pool, chunks, 4);
	expect_usage(test, pool, 4, 0, 4);
	pool_usage(pool, &usage);
	KUNIT_EXPECT_EQ(test, usage.peak, 4 * CHUNK);
}

static void test_limit_lowered(struct kunit *test)
{
	struct pool *pool = pool_make(test, 8, 0, 0, 0);
	struct chunk **chunks = chunks_get(test, pool, 6);
	u64 bytes[POOL_LIMITS] = { [POOL_LIMIT] = 3 * CHUNK };

	/* nobody loses what it has; nobody gets more */
	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, BIT(POOL_LIMIT), bytes), 0);
	expect_usage(test, pool, 6, 6, 0);
	KUNIT_EXPECT_PTR_EQ(test, pool_get_chunk(pool, NUMA_NO_NODE, GFP_KERNEL),
			    ERR_PTR(-ENOSPC));
	chunks_put(pool, chunks, 4);
	run_work(pool);
	pool_drain(pool);
	expect_usage(test, pool, 2, 2, 0);
	chunk_get(test, pool);
	KUNIT_EXPECT_PTR_EQ(test, pool_get_chunk(pool, NUMA_NO_NODE, GFP_KERNEL),
			    ERR_PTR(-ENOSPC));
	expect_usage(test, pool, 3, 3, 0);
}

/* What is cached goes as far as the limit wants it, before the call is over. */
static void test_limit_below_cached(struct kunit *test)
{
	struct pool *pool = pool_make(test, 8, 0, 0, 8);
	struct chunk **chunks = chunks_get(test, pool, 6);
	u64 bytes[POOL_LIMITS] = { [POOL_LIMIT] = 3 * CHUNK };

	chunks_put(pool, chunks, 4);
	run_work(pool);
	expect_usage(test, pool, 6, 2, 0);
	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, BIT(POOL_LIMIT), bytes), 0);
	expect_usage(test, pool, 3, 2, 0);
	bytes[POOL_LIMIT] = CHUNK;
	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, BIT(POOL_LIMIT), bytes), 0);
	expect_usage(test, pool, 2, 2, 0);
}

static void test_reserve(struct kunit *test)
{
	struct pool *pool = pool_make(test, 16, 5, 0, 16);
	u64 bytes[POOL_LIMITS] = { [POOL_RESERVE] = 8 * CHUNK };
	struct chunk **chunks;

	expect_usage(test, pool, 5, 0, 0);
	KUNIT_EXPECT_EQ(test, pool_drain(pool), 0);
	expect_usage(test, pool, 5, 0, 0);
	/* also with what is used counted */
	chunks = chunks_get(test, pool, 7);
	expect_usage(test, pool, 7, 7, 0);
	chunks_put(pool, chunks, 7);
	KUNIT_EXPECT_EQ(test, pool_drain(pool), 2);
	expect_usage(test, pool, 5, 0, 0);

	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, BIT(POOL_RESERVE), bytes), 0);
	expect_usage(test, pool, 8, 0, 0);
	bytes[POOL_RESERVE] = 1;
	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, BIT(POOL_RESERVE), bytes), 0);
	KUNIT_EXPECT_EQ(test, pool_drain(pool), 7);
	expect_usage(test, pool, 1, 0, 0);

	/* pages beside the chunks leave room for 6, and are no chunks */
	KUNIT_ASSERT_EQ(test, pool_charge(pool, 10 * BIT(REFSLAB_CHUNK_ORDER)), 0);
	bytes[POOL_RESERVE] = 7 * CHUNK;
	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, BIT(POOL_RESERVE), bytes), -ENOSPC);
	bytes[POOL_RESERVE] = 6 * CHUNK;
	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, BIT(POOL_RESERVE), bytes), 0);
	pool_uncharge(pool, 10 * BIT(REFSLAB_CHUNK_ORDER));
	expect_usage(test, pool, 6, 0, 0);
}

static void test_low_filled(struct kunit *test)
{
	struct pool *pool = pool_make(test, 16, 0, 4, 8);
	struct pool_test *t = test->priv;
	struct chunk **chunks, **chunk;
	int kicks;

	expect_usage(test, pool, 4, 0, 0);
	kicks = t->kicks;
	chunks = chunks_get(test, pool, 3);
	KUNIT_EXPECT_GT(test, t->kicks, kicks);
	expect_usage(test, pool, 4, 3, 0);
	run_work(pool);
	expect_usage(test, pool, 7, 3, 0);
	/* however it came that there are none */
	KUNIT_EXPECT_EQ(test, pool_drain(pool), 4);
	kicks = t->kicks;
	chunk = chunks_get(test, pool, 1);
	KUNIT_EXPECT_GT(test, t->kicks, kicks);
	chunks_put(pool, chunk, 1);
	run_work(pool);
	/* the limit goes before comfort */
	chunks_get(test, pool, 11);
	run_work(pool);
	expect_usage(test, pool, 16, 14, 0);
	chunks_put(pool, chunks, 3);
}

static void test_high_trimmed(struct kunit *test)
{
	struct pool *pool = pool_make(test, 64, 0, 0, 3);
	struct pool_test *t = test->priv;
	struct chunk **chunks = chunks_get(test, pool, 20);
	int kicks = t->kicks;

	chunks_put(pool, chunks, 20);
	KUNIT_EXPECT_GT(test, t->kicks, kicks);
	expect_usage(test, pool, 20, 0, 20);
	run_work(pool);
	expect_usage(test, pool, 3, 0, 0);
}

static void test_bad_limits(struct kunit *test)
{
	struct pool *pool = pool_make(test, 16, 2, 1, 8);
	static const struct {
		unsigned int which;
		u64 bytes[POOL_LIMITS];	/* limit, reserve, low, high */
	} bad[] = {
		{ BIT(POOL_LIMIT), { 0 } },
		{ BIT(POOL_LIMIT), { REFSLAB_HEAP_MAX + 1 } },
		{ BIT(POOL_LIMIT), { U64_MAX } },
		{ BIT(POOL_LIMIT), { CHUNK } },
		{ BIT(POOL_RESERVE), { 0, 16 * CHUNK + 1 } },
		{ BIT(POOL_RESERVE), { 0, U64_MAX } },
		{ BIT(POOL_RESERVE), { 0, U64_MAX - CHUNK } },
		{ BIT(POOL_LOW), { 0, 0, 8 * CHUNK + 1 } },
		{ BIT(POOL_LOW), { 0, 0, U64_MAX } },
		{ BIT(POOL_HIGH), { 0, 0, 0, 0 } },
		{ BIT(POOL_HIGH), { 0, 0, 0, REFSLAB_HEAP_MAX + CHUNK } },
		{ BIT(POOL_HIGH), { 0, 0, 0, U64_MAX } },
		{ BIT(POOL_LIMIT) | BIT(POOL_RESERVE), { 4 * CHUNK, 5 * CHUNK } },
		{ BIT(POOL_LOW) | BIT(POOL_HIGH), { 0, 0, 3 * CHUNK, 2 * CHUNK } },
	};
	struct pool_usage before, after;
	int i;

	pool_usage(pool, &before);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    pool_set_limits(pool, bad[i].which, bad[i].bytes),
				    "bad[%d]", i);
		pool_usage(pool, &after);
		KUNIT_EXPECT_EQ_MSG(test, 0, memcmp(&before, &after, sizeof(before)),
				    "bad[%d]", i);
	}
}

static void test_good_limits(struct kunit *test)
{
	struct pool *pool = pool_make(test, 16, 2, 1, 8);
	/* rounded up; high may be above the limit */
	const u64 bytes[POOL_LIMITS] = { 1, 1, CHUNK + 1, REFSLAB_HEAP_MAX };
	struct pool_usage usage;

	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, 0, bytes), 0);
	pool_usage(pool, &usage);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_LIMIT], 16 * CHUNK);
	KUNIT_EXPECT_EQ(test, pool_set_limits(pool, BIT(POOL_LIMITS) - 1, bytes), 0);
	pool_usage(pool, &usage);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_LIMIT], CHUNK);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_RESERVE], CHUNK);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_LOW], 2 * CHUNK);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_HIGH], REFSLAB_HEAP_MAX);
}

static void test_bad_args(struct kunit *test)
{
	static const struct refslab_heap_args bad[] = {
		{ .limit = REFSLAB_HEAP_MAX + 1 },
		{ .limit = CHUNK, .reserve = CHUNK + 1 },
		{ .reserve = U64_MAX },
		{ .low = 2 * CHUNK, .high = CHUNK },
		{ .low = U64_MAX },
	};
	struct pool *pool = kunit_kzalloc(test, sizeof(*pool), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, pool);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(pool, 0, sizeof(*pool));
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, pool_init(pool, "kunit-pool", &bad[i]),
				    "bad[%d]", i);
	}
}

/* --- waiting --- */

static void test_waits_for_readers(struct kunit *test)
{
	struct pool *pool = pool_make(test, 16, 0, 0, 16);
	struct chunk *chunk = chunk_get(test, pool), *other;

	KUNIT_EXPECT_FALSE(test, pool_wait(pool));
	rcu_read_lock();
	pool_put_chunk(pool, chunk);
	KUNIT_EXPECT_EQ(test, chunk->state, CHUNK_WAITING);
	/* a reader may look at it: another one it is */
	other = pool_get_chunk(pool, NUMA_NO_NODE, GFP_ATOMIC);
	KUNIT_EXPECT_FALSE(test, IS_ERR(other));
	KUNIT_EXPECT_PTR_NE(test, other, chunk);
	KUNIT_EXPECT_EQ(test, chunk->state, CHUNK_WAITING);
	expect_usage(test, pool, 2, 1, 1);
	rcu_read_unlock();
	KUNIT_EXPECT_TRUE(test, pool_wait(pool));
	KUNIT_EXPECT_EQ(test, chunk->state, CHUNK_CACHED);
	expect_usage(test, pool, 2, 1, 0);
	KUNIT_EXPECT_PTR_EQ(test, chunk_get(test, pool), chunk);
}

static bool is_chunk(struct chunk *chunk, void *arg)
{
	return chunk == arg;
}

/* As pool_set_limits(), which may sleep. */
static void set_limit(struct pool *pool, unsigned long chunks)
{
	raw_spin_lock_irq(&pool->lock);
	pool->limit = chunks;
	raw_spin_unlock_irq(&pool->lock);
}

static void test_take_back(struct kunit *test)
{
	struct pool *pool = pool_make(test, 32, 0, 0, 32);
	struct chunk **chunks = chunks_get(test, pool, 20);
	int i;

	KUNIT_EXPECT_NULL(test, pool_take_back(pool, is_chunk, chunks[0]));
	rcu_read_lock();
	for (i = 0; i < 20; i++)
		pool_put_chunk(pool, chunks[i]);
	/* the same purpose need not wait */
	KUNIT_EXPECT_PTR_EQ(test, pool_take_back(pool, is_chunk, chunks[19]), chunks[19]);
	KUNIT_EXPECT_EQ(test, chunks[19]->state, CHUNK_USED);
	expect_usage(test, pool, 20, 1, 19);
	KUNIT_EXPECT_NULL(test, pool_take_back(pool, is_chunk, chunks[19]));
	KUNIT_EXPECT_PTR_EQ(test, pool_take_back(pool, is_chunk, chunks[15]), chunks[15]);
	/* nor does it search for ever */
	KUNIT_EXPECT_NULL(test, pool_take_back(pool, is_chunk, chunks[0]));
	/* above a limit that was lowered it goes instead */
	set_limit(pool, 19);
	KUNIT_EXPECT_NULL(test, pool_take_back(pool, is_chunk, chunks[18]));
	set_limit(pool, 20);
	KUNIT_EXPECT_PTR_EQ(test, pool_take_back(pool, is_chunk, chunks[18]), chunks[18]);
	rcu_read_unlock();
	expect_usage(test, pool, 20, 3, 17);
}

/* --- numbers --- */

static void test_numbers(struct kunit *test)
{
	enum { N = CHUNKS_LEAF + 88 };
	struct pool *pool = pool_make(test, 2 * N, 0, 0, 2 * N);
	struct chunk **chunks = chunks_get(test, pool, N);
	int i, wrong = 0;
	u32 lost;

	for (i = 0; i < N; i++)
		wrong += chunks[i]->number != i || pool_chunk(pool, i) != chunks[i] ||
			 pool_find_chunk(pool, i) != chunks[i] ||
			 !IS_ALIGNED((unsigned long)chunks[i], CHUNK) ||
			 chunks[i]->nid != page_to_nid(virt_to_page(chunks[i]));
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_NULL(test, pool_find_chunk(pool, N));
	KUNIT_EXPECT_NULL(test, pool_find_chunk(pool, 2 * CHUNKS_LEAF));
	KUNIT_EXPECT_NULL(test, pool_find_chunk(pool, CHUNKS_MAX));
	KUNIT_EXPECT_NULL(test, pool_find_chunk(pool, U32_MAX));

	/* numbers come back only with their chunks */
	chunks_put(pool, chunks + 100, N - 100);
	pool_wait(pool);
	KUNIT_EXPECT_PTR_EQ(test, pool_find_chunk(pool, N - 1), chunks[N - 1]);
	KUNIT_EXPECT_EQ(test, pool_drain(pool), N - 100);
	for (i = 100; i < N; i++)
		wrong += !!pool_find_chunk(pool, i);
	KUNIT_EXPECT_EQ(test, wrong, 0);
	expect_usage(test, pool, 100, 100, 0);

	/* and are used again before new ones */
	for (i = 100; i < N; i++) {
		chunks[i] = chunk_get(test, pool);
		lost = chunks[i]->number;
		wrong += lost < 100 || lost >= N || pool_chunk(pool, lost) != chunks[i];
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, pool->next_number, N);
	KUNIT_EXPECT_EQ(test, chunk_get(test, pool)->number, N);
	expect_usage(test, pool, N + 1, N + 1, 0);
}

/* --- pressure --- */

static void test_shrinker(struct kunit *test)
{
	struct pool *pool = pool_make(test, 32, 2, 0, 32);
	struct chunk **chunks = chunks_get(test, pool, 10);
	struct shrink_control sc = { .gfp_mask = GFP_KERNEL, .nr_to_scan = 128 };
	struct shrinker *shrinker = pool->shrinker;
	struct reclaim_state state = { }, *old = current->reclaim_state;
	struct pool_usage usage;

	sc.nid = chunks[0]->nid;
	KUNIT_EXPECT_EQ(test, shrinker->count_objects(shrinker, &sc), 0);
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc), SHRINK_STOP);
	chunks_put(pool, chunks, 7);
	/* who waits is not counted: the shrinker does not wait */
	rcu_read_lock();
	expect_usage(test, pool, 10, 3, 7);
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc), SHRINK_STOP);
	rcu_read_unlock();
	pool_wait(pool);
	KUNIT_EXPECT_EQ(test, shrinker->count_objects(shrinker, &sc), 7 * PAGES);

	/* part of a chunk is a chunk; reclaim is told */
	sc.nr_to_scan = PAGES + 1;
	current->reclaim_state = &state;
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc), 2 * PAGES);
	current->reclaim_state = old;
	KUNIT_EXPECT_EQ(test, state.reclaimed, 2 * PAGES);
	expect_usage(test, pool, 8, 3, 0);
	pool_usage(pool, &usage);
	KUNIT_EXPECT_EQ(test, usage.shrunk, 2 * CHUNK);

	/* the rest goes, but for the reserve */
	chunks_put(pool, chunks + 7, 3);
	pool_wait(pool);
	KUNIT_EXPECT_EQ(test, shrinker->count_objects(shrinker, &sc), 6 * PAGES);
	sc.nr_to_scan = 1000;
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc), 6 * PAGES);
	KUNIT_EXPECT_EQ(test, shrinker->count_objects(shrinker, &sc), 0);
	KUNIT_EXPECT_EQ(test, shrinker->scan_objects(shrinker, &sc), SHRINK_STOP);
	expect_usage(test, pool, 2, 0, 0);
}

static long reclaimable(void)
{
	return global_node_page_state(NR_KERNEL_MISC_RECLAIMABLE);
}

/* What is cached and only that counts as reclaimable, and stops when it goes. */
static void test_reclaimable(struct kunit *test)
{
	enum { N = 300 };
	struct pool *pool = pool_make(test, N, 0, 0, N);
	/* per-CPU parts of the sum */
	const long slack = 125 * num_possible_cpus();
	struct chunk **chunks;
	long before = reclaimable(), now;

	chunks = chunks_get(test, pool, N);
	KUNIT_EXPECT_LE(test, reclaimable() - before, slack);
	chunks_put(pool, chunks, N);
	pool_wait(pool);
	now = reclaimable() - before;
	KUNIT_EXPECT_GE(test, now, N * PAGES - slack);
	KUNIT_EXPECT_LE(test, now, N * PAGES + slack);
	chunks_get(test, pool, N / 2);
	now = reclaimable() - before;
	KUNIT_EXPECT_LE(test, now, N / 2 * PAGES + slack);
	pool_drain(pool);
	now = reclaimable() - before;
	KUNIT_EXPECT_GE(test, now, -slack);
	KUNIT_EXPECT_LE(test, now, slack);
}

/* What a pool that ends has in its cache goes out of the sum too. */
static void test_reclaimable_of_destroyed(struct kunit *test)
{
	enum { N = 300 };
	const struct refslab_heap_args args = { .low = N * CHUNK, .high = N * CHUNK };
	const long slack = 125 * num_possible_cpus();
	struct pool *pool = kunit_kzalloc(test, sizeof(*pool), GFP_KERNEL);
	long before = reclaimable();

	KUNIT_ASSERT_NOT_NULL(test, pool);
	KUNIT_ASSERT_EQ(test, pool_init(pool, "kunit-pool", &args), 0);
	KUNIT_EXPECT_GE(test, reclaimable() - before, N * PAGES - slack);
	pool_close(pool);
	pool_destroy(pool);
	KUNIT_EXPECT_LE(test, reclaimable() - before, slack);
	KUNIT_EXPECT_GE(test, reclaimable() - before, -slack);
}

/* --- others --- */

static void test_nodes(struct kunit *test)
{
	struct pool *pool = pool_make(test, 32, 0, 0, 32);
	struct chunk *chunk;
	int nid;

	if (num_node_state(N_MEMORY) < 2)
		kunit_skip(test, "one memory node");
	for_each_node_state(nid, N_MEMORY) {
		chunk = pool_get_chunk(pool, nid, GFP_KERNEL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(chunk));
		KUNIT_EXPECT_EQ(test, chunk->nid, nid);
		pool_put_chunk(pool, chunk);
	}
	pool_wait(pool);
	for_each_node_state(nid, N_MEMORY) {
		KUNIT_EXPECT_FALSE(test, list_empty(&pool->nodes[nid].cached));
		chunk = pool_get_chunk(pool, nid, GFP_KERNEL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(chunk));
		KUNIT_EXPECT_EQ(test, chunk->nid, nid);
	}
}

struct pool_user {
	struct pool *pool;
	struct rnd_state random;
	struct task_struct *task;
	unsigned long got, full, wrong;
};

static int pool_user_main(void *arg)
{
	struct pool_user *user = arg;
	struct chunk *held[12] = { }, *chunk;
	unsigned int i;

	while (!kthread_should_stop()) {
		i = prandom_u32_state(&user->random) % ARRAY_SIZE(held);
		if (held[i]) {
			/* nobody else has it */
			user->wrong += *(u64 *)(held[i] + 1) != (unsigned long)&held[i];
			pool_put_chunk(user->pool, held[i]);
			held[i] = NULL;
			continue;
		}
		chunk = pool_get_chunk(user->pool, NUMA_NO_NODE,
				       i % 4 ? GFP_NOWAIT | __GFP_NOWARN : GFP_KERNEL);
		if (IS_ERR(chunk)) {
			user->full++;
			user->wrong += PTR_ERR(chunk) != -ENOSPC && !(i % 4);
		} else {
			WRITE_ONCE(user->got, user->got + 1);
			*(u64 *)(chunk + 1) = (unsigned long)&held[i];
			held[i] = chunk;
		}
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i])
			pool_put_chunk(user->pool, held[i]);
	return 0;
}

enum { USERS = 3 };

static bool all_got(const struct pool_user *users)
{
	unsigned int i;

	for (i = 0; i < USERS; i++)
		if (!READ_ONCE(users[i].got))
			return false;
	return true;
}

static void test_concurrent(struct kunit *test)
{
	enum { LIMIT = 16 };
	struct pool *pool = pool_make(test, LIMIT, 2, 2, 4);
	struct pool_user *users;
	int i;

	users = kunit_kcalloc(test, USERS, sizeof(*users), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, users);
	for (i = 0; i < USERS; i++) {
		users[i].pool = pool;
		prandom_seed_state(&users[i].random, i + 1);
		users[i].task = kthread_run(pool_user_main, &users[i], "pool-user/%d", i);
		KUNIT_EXPECT_FALSE(test, IS_ERR(users[i].task));
	}
	/* on a busy machine one may not have run at all by then */
	for (i = 0; i < 30 || (i < 1000 && !all_got(users)); i++) {
		msleep(20);
		run_work(pool);
	}
	for (i = 0; i < USERS; i++) {
		if (IS_ERR(users[i].task))
			continue;
		kthread_stop(users[i].task);
		KUNIT_EXPECT_EQ(test, users[i].wrong, 0);
		KUNIT_EXPECT_GT(test, users[i].got, 0);
	}
	KUNIT_EXPECT_EQ(test, pool->used, 0);
	KUNIT_EXPECT_LE(test, pool->peak, LIMIT);
	run_work(pool);
	KUNIT_EXPECT_LE(test, pool->cached_count, 4);
	KUNIT_EXPECT_EQ(test, pool_validate(pool), 0);
}

/* The validator must be able to fail, or its other uses mean nothing. */
static void test_validator_notices(struct kunit *test)
{
	struct pool *pool = pool_make(test, 8, 2, 0, 8);
	struct chunk *chunk = chunk_get(test, pool);

	pool->used--;
	expect_in_log("refslab: pool of kunit-pool: 1 cached, 0 waiting, 1 used found; 1, 0, 0 of 2 in the books");
	KUNIT_EXPECT_EQ(test, pool_validate(pool), -EUCLEAN);
	unexpect_in_log();
	pool->used++;
	chunk->number++;
	expect_in_log("refslab: pool of kunit-pool: ");
	KUNIT_EXPECT_EQ(test, pool_validate(pool), -EUCLEAN);
	unexpect_in_log();
	chunk->number--;
	pool->nodes[chunk->nid].count++;
	expect_in_log("refslab: pool of kunit-pool: ");
	KUNIT_EXPECT_EQ(test, pool_validate(pool), -EUCLEAN);
	unexpect_in_log();
	pool->nodes[chunk->nid].count--;
}

/* Pages beside the chunks count against the limit, by the chunk begun. */
static void test_pages_beside(struct kunit *test)
{
	struct pool *pool = pool_make(test, 4, 0, 0, 4);
	struct pool_usage usage;
	struct chunk *chunks[2];
	struct page *page;

	KUNIT_EXPECT_EQ(test, pool_charge(pool, 4 * PAGES + 1), -ENOSPC);
	KUNIT_EXPECT_EQ(test, pool_charge(pool, PAGES + 1), 0);
	chunks[0] = chunk_get(test, pool);
	chunks[1] = chunk_get(test, pool);
	KUNIT_EXPECT_PTR_EQ(test, pool_get_chunk(pool, NUMA_NO_NODE, GFP_KERNEL),
			    ERR_PTR(-ENOSPC));
	pool_usage(pool, &usage);
	KUNIT_EXPECT_EQ(test, usage.held, 2 * CHUNK + (PAGES + 1) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, usage.peak, 4 * CHUNK);
	KUNIT_EXPECT_EQ(test, pool_charge(pool, PAGES - 1), 0);
	KUNIT_EXPECT_EQ(test, pool_charge(pool, 1), -ENOSPC);
	pool_uncharge(pool, 2 * PAGES);
	page = pool_page(pool);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_NULL(test, memchr_inv(page_address(page), 0, PAGE_SIZE));
	pages_put(page, 0);
	pool_put_chunk(pool, chunk_get(test, pool));
	pool_put_chunk(pool, chunks[0]);
	pool_put_chunk(pool, chunks[1]);
}

/* Nobody can have a reserve back: the kernel must not believe that it can. */
static void test_reserve_is_not_reclaimable(struct kunit *test)
{
	enum { N = 300 };
	const long slack = 125 * num_possible_cpus();
	struct pool *pool = pool_make(test, 2 * N, 0, 0, N);
	u64 bytes[POOL_LIMITS] = { [POOL_RESERVE] = N * CHUNK };
	long before = reclaimable();

	KUNIT_ASSERT_EQ(test, pool_set_limits(pool, BIT(POOL_RESERVE), bytes), 0);
	expect_usage(test, pool, N, 0, 0);
	KUNIT_EXPECT_LE(test, reclaimable() - before, slack);
	bytes[POOL_RESERVE] = 0;
	KUNIT_ASSERT_EQ(test, pool_set_limits(pool, BIT(POOL_RESERVE), bytes), 0);
	expect_usage(test, pool, N, 0, 0);
	KUNIT_EXPECT_GE(test, reclaimable() - before, N * PAGES - slack);
	pool_drain(pool);
	KUNIT_EXPECT_LE(test, reclaimable() - before, slack);
	KUNIT_EXPECT_GE(test, reclaimable() - before, -slack);
}

static struct kunit_case pool_cases[] = {
	KUNIT_CASE(test_pages_beside),
	KUNIT_CASE(test_limit),
	KUNIT_CASE(test_limit_lowered),
	KUNIT_CASE(test_limit_below_cached),
	KUNIT_CASE(test_reserve),
	KUNIT_CASE(test_low_filled),
	KUNIT_CASE(test_high_trimmed),
	KUNIT_CASE(test_bad_limits),
	KUNIT_CASE(test_good_limits),
	KUNIT_CASE(test_bad_args),
	KUNIT_CASE(test_waits_for_readers),
	KUNIT_CASE(test_take_back),
	KUNIT_CASE(test_numbers),
	KUNIT_CASE(test_shrinker),
	KUNIT_CASE(test_reclaimable),
	KUNIT_CASE(test_reserve_is_not_reclaimable),
	KUNIT_CASE(test_reclaimable_of_destroyed),
	KUNIT_CASE(test_nodes),
	KUNIT_CASE(test_concurrent),
	KUNIT_CASE(test_validator_notices),
	{}
};

static struct kunit_suite pool_suite = {
	.name = "refslab_pool",
	.exit = pool_test_exit,
	.test_cases = pool_cases,
};

kunit_test_suites(&pool_suite);
