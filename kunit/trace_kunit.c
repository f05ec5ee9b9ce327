// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints: that each fires, where and as often as what it tells of happens.
 */
#include "fixture.h"
#include "trace.h"

/* Of the fixture's heap; others may be at work. */
struct seen {
	struct refslab_heap *heap;
	atomic_t alloc, free, slab_create, slab_retire, chunk_alloc, chunk_free;
	atomic_t start, end;
	unsigned int generation;
	struct refslab_sweep_result result;
};

static void on_alloc(void *data, const struct refslab_type *type, const void *obj)
{
	struct seen *seen = data;

	if (type->heap == seen->heap)
		atomic_inc(&seen->alloc);
}

static void on_free(void *data, const struct refslab_type *type, const void *obj)
{
	struct seen *seen = data;

	if (type->heap == seen->heap)
		atomic_inc(&seen->free);
}

static void on_slab_create(void *data, const struct refslab_type *type,
			   const struct slab *slab)
{
	struct seen *seen = data;

	if (type->heap == seen->heap && slab->heap == seen->heap)
		atomic_inc(&seen->slab_create);
}

static void on_slab_retire(void *data, const struct refslab_type *type,
			   const struct slab *slab)
{
	struct seen *seen = data;

	if (type->heap == seen->heap)
		atomic_inc(&seen->slab_retire);
}

static void on_chunk_alloc(void *data, const struct pool *pool, const struct chunk *chunk)
{
	struct seen *seen = data;

	if (pool == &seen->heap->pool)
		atomic_inc(&seen->chunk_alloc);
}

static void on_chunk_free(void *data, const struct pool *pool, const struct chunk *chunk)
{
	struct seen *seen = data;

	if (pool == &seen->heap->pool)
		atomic_inc(&seen->chunk_free);
}

static void on_start(void *data, const struct refslab_heap *heap, unsigned int generation)
{
	struct seen *seen = data;

	if (heap != seen->heap)
		return;
	atomic_inc(&seen->start);
	seen->generation = generation;
}

static void on_end(void *data, const struct refslab_heap *heap, unsigned int generation,
		   const struct refslab_sweep_result *result)
{
	struct seen *seen = data;

	if (heap != seen->heap || generation != seen->generation)
		return;
	atomic_inc(&seen->end);
	seen->result = *result;
}

static void watch(struct kunit *test, struct seen *seen)
{
	int err = 0;

	err = register_trace_refslab_alloc(on_alloc, seen) ?: err;
	err = register_trace_refslab_free(on_free, seen) ?: err;
	err = register_trace_refslab_slab_create(on_slab_create, seen) ?: err;
	err = register_trace_refslab_slab_retire(on_slab_retire, seen) ?: err;
	err = register_trace_refslab_chunk_alloc(on_chunk_alloc, seen) ?: err;
	err = register_trace_refslab_chunk_free(on_chunk_free, seen) ?: err;
	err = register_trace_refslab_sweep_start(on_start, seen) ?: err;
	err = register_trace_refslab_sweep_end(on_end, seen) ?: err;
	KUNIT_EXPECT_EQ(test, err, 0);
}

static void unwatch(struct seen *seen)
{
	unregister_trace_refslab_alloc(on_alloc, seen);
	unregister_trace_refslab_free(on_free, seen);
	unregister_trace_refslab_slab_create(on_slab_create, seen);
	unregister_trace_refslab_slab_retire(on_slab_retire, seen);
	unregister_trace_refslab_chunk_alloc(on_chunk_alloc, seen);
	unregister_trace_refslab_chunk_free(on_chunk_free, seen);
	unregister_trace_refslab_sweep_start(on_start, seen);
	unregister_trace_refslab_sweep_end(on_end, seen);
	tracepoint_synchronize_unregister();
}

static void test_events(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct seen *seen = kunit_kzalloc(test, sizeof(*seen), GFP_KERNEL);
	struct knot *a, *b;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	seen->heap = f->heap;
	fixture_stay(test);
	watch(test, seen);
	for (i = 0; i < 10; i++)
		refslab_put(obj_make(test, f->leaf));
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->alloc), 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->free), 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->slab_create), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->chunk_alloc), 1);

	a = knot_make(test, f->knot);
	b = knot_make(test, f->knot);
	knot_edge(a, 0, b);
	knot_edge(b, 0, a);
	knot_put(a);
	knot_put(b);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->free), 10);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 1), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->free), 12);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->start), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->end), 1);
	KUNIT_EXPECT_EQ(test, seen->generation, 1);
	KUNIT_EXPECT_EQ(test, seen->result.examined, 2);
	KUNIT_EXPECT_EQ(test, seen->result.freed, 2);

	KUNIT_EXPECT_EQ(test, atomic_read(&seen->slab_retire), 0);
	magazine_drain(f->knot);
	magazine_drain(f->leaf);
	slab_shrink(f->knot);
	slab_shrink(f->leaf);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->slab_retire), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->chunk_free), 0);
	KUNIT_EXPECT_EQ(test, pool_drain(&f->heap->pool), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->chunk_free), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->chunk_alloc), 2);
	unwatch(seen);

	/* and then no more */
	refslab_put(obj_make(test, f->leaf));
	KUNIT_EXPECT_EQ(test, atomic_read(&seen->alloc), 12);
}

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(test_events),
	{}
};

static struct kunit_suite trace_suite = {
	.name = "refslab_trace",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = trace_cases,
};

kunit_test_suites(&trace_suite);
