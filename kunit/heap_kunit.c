// SPDX-License-Identifier: GPL-2.0
/*
 * Heaps: names, and that their end is the end of all that is in them.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "fixture.h"

static void test_names_refused(struct kunit *test)
{
	static const char * const bad[] = {
		"", ".", "..", ".hidden", "a/b", "a b", "a\tb", "\303\244", "a\n", "a:b",
		"a-name-of-32-letters-is-one-more",
	};
	struct refslab_heap_args args = { };
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		args.name = bad[i];
		KUNIT_EXPECT_PTR_EQ_MSG(test, refslab_heap_create(&args),
					ERR_PTR(-EINVAL), "bad[%d]", i);
	}
}

static void test_args_refused(struct kunit *test)
{
	static const struct refslab_heap_args bad[] = {
		{ .name = "bad", .flags = REFSLAB_HEAP_FLAGS + 1 },
		{ .name = "bad", .flags = BIT(31) },
		{ .name = "bad", .limit = REFSLAB_HEAP_MAX + 1 },
		{ .name = "bad", .limit = U64_MAX },
		{ .name = "bad", .limit = REFSLAB_CHUNK_SIZE, .reserve = REFSLAB_CHUNK_SIZE + 1 },
		{ .name = "bad", .reserve = U64_MAX },
		{ .name = "bad", .low = 2 * REFSLAB_CHUNK_SIZE, .high = REFSLAB_CHUNK_SIZE },
	};
	struct refslab_heap *heap;
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_PTR_EQ_MSG(test, refslab_heap_create(&bad[i]),
					ERR_PTR(-EINVAL), "bad[%d]", i);
	/* none of them has left the name behind */
	heap = fixture_heap(test, &(struct refslab_heap_args){ .name = "bad" });
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 0);
}

static void test_names(struct kunit *test)
{
	struct refslab_heap_args args = { .name = "kunit-a.name_of-31-letters-yes_" };
	struct refslab_heap *a, *b, *unnamed, *other;

	a = fixture_heap(test, &args);
	KUNIT_EXPECT_STREQ(test, a->name, args.name);
	KUNIT_EXPECT_PTR_EQ(test, refslab_heap_create(&args), ERR_PTR(-EEXIST));
	args.name = "version";
	KUNIT_EXPECT_PTR_EQ(test, refslab_heap_create(&args), ERR_PTR(-EEXIST));

	/* made-up names differ, and cannot be given */
	args.name = "heap-1";
	KUNIT_EXPECT_PTR_EQ(test, refslab_heap_create(&args), ERR_PTR(-EEXIST));
	args.name = NULL;
	unnamed = fixture_heap(test, &args);
	other = fixture_heap(test, &args);
	KUNIT_EXPECT_NE(test, strcmp(unnamed->name, other->name), 0);
	KUNIT_EXPECT_TRUE(test, heap_name_valid(unnamed->name));
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(unnamed), 0);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(other), 0);

	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(a), 0);
	args.name = "kunit-a.name_of-31-letters-yes_";
	b = fixture_heap(test, &args);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(b), 0);
}

/* Nothing of one heap shows in another. */
static void test_heaps_differ(struct kunit *test)
{
	const struct refslab_type_args args = { .name = "leaf", .size = 64 };
	struct fixture *f = test->priv;
	struct refslab_heap *heap = fixture_heap(test, &(struct refslab_heap_args){ });
	struct refslab_type *type = fixture_type(test, heap, &args);
	struct refslab_object *a = obj_make(test, f->leaf), *b = obj_make(test, type);

	KUNIT_EXPECT_PTR_EQ(test, refslab_heap_of(a), f->heap);
	KUNIT_EXPECT_PTR_EQ(test, refslab_heap_of(b), heap);
	KUNIT_EXPECT_EQ(test, heap_objects(f->heap), 1);
	KUNIT_EXPECT_EQ(test, heap_objects(heap), 1);
	KUNIT_EXPECT_EQ(test, f->heap->pool.used, 1);
	refslab_put(a);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 1);
	KUNIT_EXPECT_EQ(test, heap_objects(f->heap), 0);
}

/* --- the end --- */

/* A heap of its own, destroyed by the test. */
static struct refslab_heap *doomed(struct kunit *test)
{
	return fixture_heap(test, &(struct refslab_heap_args){ .name = "doomed" });
}

static void test_destroy_empty(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(doomed(test)), 0);
}

/* All shapes at once: held, garbage, cyclic, pinned. Each is released once. */
static void test_destroy_releases(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_heap *heap = doomed(test);
	struct refslab_type *now = fixture_knots(test, heap, "now", &f->releases, 0);
	struct refslab_type *work = fixture_knots(test, heap, "work", &f->releases,
						  REFSLAB_TYPE_RELEASE_WORK);
	struct knot *k[9];
	int i;

	for (i = 0; i < ARRAY_SIZE(k); i++)
		k[i] = knot_make(test, i % 2 ? work : now);
	/* a ring, garbage; a chain, held; one that is its own; one pinned */
	knot_edge(k[0], 0, k[1]);
	knot_edge(k[1], 0, k[2]);
	knot_edge(k[2], 0, k[0]);
	knot_edge(k[2], 1, k[3]);
	knot_edge(k[3], 0, k[4]);
	knot_edge(k[5], 0, k[5]);
	knot_edge(k[5], 1, k[7]);
	knot_edge(k[6], 0, k[0]);
	for (i = 0; i < 3; i++)
		knot_put(k[i]);
	knot_put(k[5]);
	atomic64_set(&k[7]->link.object.word, PINNED_WORD);
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 0);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 9);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 9);
}

/* What leaks because it was put after its death has had its release. */
static void test_destroy_releases_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_heap *heap = doomed(test);
	struct refslab_type *type = fixture_knots(test, heap, "knot", &f->releases, 0);
	struct knot *dead = knot_make(test, type), *alive = knot_make(test, type);

	knot_put(dead);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 1);
	/* as a put does, which tells the log as well */
	object_pin(&dead->link.object, 0, REFSLAB_RELEASED);
	KUNIT_EXPECT_EQ(test, refslab_count(&alive->link.object), 1);
	/* it lies among the free ones, where it does not count */
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 2);
}

static void test_destroy_waits_for_work(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_heap *heap = doomed(test);
	struct refslab_type *work = fixture_knots(test, heap, "work", &f->releases,
						  REFSLAB_TYPE_RELEASE_WORK);
	int i;

	for (i = 0; i < 100; i++)
		knot_put(knot_make(test, work));
	/* these had died before */
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 100);
}

/* An object that holds references in its payload, and a wish. */
struct keeper {
	struct refslab_object	object;
	struct refslab_object	*kept[2];
};

struct keepers {
	struct refslab_heap *heap;
	struct refslab_type *make;	/* one of these, by each release */
	struct releases releases;
	int collect;
	int made;
};

static void keeper_release(struct refslab_object *obj)
{
	struct keepers *keepers = refslab_type_priv(refslab_type_of(obj));
	struct keeper *keeper = container_of(obj, struct keeper, object);
	int i;

	atomic_inc(&keepers->releases.count);
	for (i = 0; i < ARRAY_SIZE(keeper->kept); i++)
		if (keeper->kept[i])
			refslab_put(keeper->kept[i]);
	keepers->collect = refslab_collect(keepers->heap, 2, NULL);
	if (keepers->make) {
		struct refslab_object *made = refslab_alloc(keepers->make, GFP_ATOMIC);

		if (made) {
			memset(container_of(made, struct keeper, object)->kept, 0,
			       sizeof(keeper->kept));
			keepers->made++;
		}
	}
}

static struct keepers *keepers_make(struct kunit *test, struct refslab_type **type)
{
	struct keepers *keepers = kunit_kzalloc(test, sizeof(*keepers), GFP_KERNEL);
	struct refslab_type_args args = {
		.name = "keeper", .size = sizeof(struct keeper),
		.flags = REFSLAB_TYPE_ZERO, .release = keeper_release,
	};

	KUNIT_ASSERT_NOT_NULL(test, keepers);
	keepers->heap = doomed(test);
	args.priv = keepers;
	*type = fixture_type(test, keepers->heap, &args);
	return keepers;
}

/* Releases that put others end nobody before, or after, its turn. */
static void test_destroy_with_puts(struct kunit *test)
{
	enum { N = 100 };
	struct refslab_object *objs[N];
	struct refslab_type *type;
	struct keepers *keepers = keepers_make(test, &type);
	struct keeper *keeper;
	int i;

	for (i = 0; i < N; i++)
		objs[i] = obj_make(test, type);
	/* each has references of its own to the one before and the one behind */
	for (i = 0; i < N; i++) {
		keeper = container_of(objs[i], struct keeper, object);
		keeper->kept[0] = objs[(i + 1) % N];
		keeper->kept[1] = objs[(i + N - 1) % N];
		refslab_get(keeper->kept[0]);
		refslab_get(keeper->kept[1]);
	}
	for (i = 0; i < N; i++)
		refslab_put(objs[i]);
	KUNIT_EXPECT_EQ(test, atomic_read(&keepers->releases.count), 0);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(keepers->heap), N);
	KUNIT_EXPECT_EQ(test, atomic_read(&keepers->releases.count), N);
	/* a sweep in it is a sweep in a release */
	KUNIT_EXPECT_EQ(test, keepers->collect, -EDEADLK);
}

/* What releases make at the end goes with the heap, and makes no more. */
static void test_destroy_with_allocations(struct kunit *test)
{
	struct refslab_type *type;
	struct keepers *keepers = keepers_make(test, &type);
	int i;

	keepers->make = type;
	for (i = 0; i < 10; i++)
		obj_make(test, type);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(keepers->heap), 10);
	KUNIT_EXPECT_LE(test, keepers->made, 10);
	KUNIT_EXPECT_EQ(test, atomic_read(&keepers->releases.count), 10);
}

static void test_destroy_many(struct kunit *test)
{
	enum { N = 50000 };
	struct fixture *f = test->priv;
	struct refslab_heap *heap = doomed(test);
	struct refslab_type *type = fixture_knots(test, heap, "now", &f->releases, 0);
	struct knot *last = NULL, *knot;
	int i;

	for (i = 0; i < N; i++) {
		knot = knot_make(test, type);
		knot_edge(knot, 0, last);
		if (last)
			knot_edge(last, 1, knot);
		last = knot;
	}
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), N);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), N);
}

/* Whoever sweeps by itself when the heap goes is waited for. */
static void test_destroy_while_sweeping(struct kunit *test)
{
	const u32 threshold[3] = { 10, 1, 1 };
	struct fixture *f = test->priv;
	struct refslab_heap *heap;
	struct refslab_type *type;
	struct knot *knot;
	int round, i;

	for (round = 0; round < 10; round++) {
		heap = doomed(test);
		type = fixture_knots(test, heap, "now", &f->releases, 0);
		refslab_set_thresholds(heap, threshold);
		refslab_set_enabled(heap, true);
		atomic_set(&f->releases.count, 0);
		for (i = 0; i < 1000; i++) {
			knot = knot_make(test, type);
			knot_edge(knot, 0, knot);
			knot_put(knot);
		}
		i = refslab_heap_destroy(heap);
		KUNIT_EXPECT_LE(test, i, 1000);
		KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 1000);
	}
}

/* The validator asks all the others. */
static void test_validator_notices(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->knot);

	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);
	atomic64_or(REFSLAB_GATHERED, &obj->word);
	expect_in_log("refslab: heap kunit: 1 objects are not as a sweep leaves them");
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), -EUCLEAN);
	unexpect_in_log();
	atomic64_andnot(REFSLAB_GATHERED, &obj->word);

	f->heap->pool.used++;
	expect_in_log("refslab: pool of kunit");
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), -EUCLEAN);
	unexpect_in_log();
	f->heap->pool.used--;
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);
	refslab_put(obj);
}

/* Counts of what lives may be wrong for a moment; what lives is released all the same. */
static void test_destroy_miscounted(struct kunit *test)
{
	struct fixture *f = test->priv;
	const struct refslab_heap_args args = { .name = "kunit-2" };
	struct refslab_heap *heap = fixture_heap(test, &args);
	struct refslab_type *told = fixture_knots(test, heap, "told", &f->releases, 0);

	knot_make(test, told);
	knot_make(test, told);
	atomic_long_add(1000, &told->reserved);
	KUNIT_EXPECT_EQ(test, heap_objects(heap), 0);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 2);
}

/* A file system that allocates with a lock of its own says so by a scope, perhaps. */
static void test_scope(struct kunit *test)
{
	const struct refslab_heap_args args = { .name = "kunit-2", .limit = SZ_64K };
	const struct refslab_type_args type_args = { .name = "leaf", .size = 8000 };
	struct refslab_heap *heap = fixture_heap(test, &args);
	struct refslab_type *type = fixture_type(test, heap, &type_args);
	unsigned int scope;

	while (refslab_alloc(type, GFP_KERNEL))
		;
	/* who holds it may wait for that file system */
	mutex_lock(&heap->lock);
	mutex_lock(&heap->sweep.mutex);
	scope = memalloc_nofs_save();
	KUNIT_EXPECT_NULL(test, refslab_alloc(type, GFP_KERNEL));
	memalloc_nofs_restore(scope);
	mutex_unlock(&heap->sweep.mutex);
	mutex_unlock(&heap->lock);
	refslab_heap_destroy(heap);
}

/* Pages that were pinned and are not any more make room before anybody is refused. */
static void test_parked_make_room(struct kunit *test)
{
	const struct refslab_heap_args args = { .name = "kunit-2", .limit = SZ_128K };
	const struct refslab_type_args type_args = { .name = "leaf", .size = 8000 };
	struct refslab_heap *heap = fixture_heap(test, &args);
	struct refslab_type *type = fixture_type(test, heap, &type_args);
	struct page *pages[BIT(REFSLAB_CHUNK_ORDER)];
	unsigned int i;

	KUNIT_ASSERT_EQ(test, pool_charge(&heap->pool, ARRAY_SIZE(pages)), 0);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = pool_page(&heap->pool);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
		get_page(pages[i]);
	}
	park_pages(&heap->park, pages, ARRAY_SIZE(pages), 0);
	/* looked at by itself, later than this takes */
	cancel_delayed_work_sync(&heap->park.work);
	while (refslab_alloc(type, GFP_KERNEL))
		;
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		put_page(pages[i]);
	KUNIT_EXPECT_NOT_NULL(test, refslab_alloc(type, GFP_KERNEL));
	refslab_heap_destroy(heap);
}

static unsigned long parked(struct park *park)
{
	unsigned long n;

	mutex_lock(&park->lock);
	n = park->count;
	mutex_unlock(&park->lock);
	return n;
}

/* However pages came there, somebody will look whether they are pinned still. */
static void test_parked_are_looked_after(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct park *park = &f->heap->park;
	struct page *pages[3];
	unsigned int i;

	KUNIT_ASSERT_EQ(test, pool_charge(&f->heap->pool, ARRAY_SIZE(pages)), 0);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = pool_page(&f->heap->pool);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
		get_page(pages[i]);
	}
	/* as when another has parked some, and not come to say so yet */
	park_pages(park, pages, 2, 0);
	cancel_delayed_work_sync(&park->work);
	park_pages(park, pages + 2, 1, 0);
	KUNIT_EXPECT_TRUE(test, work_busy(&park->work.work));
	KUNIT_EXPECT_EQ(test, park_validate(park), 0);
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		put_page(pages[i]);
	for (i = 0; i < 100 && parked(park); i++)
		msleep(100);
	KUNIT_EXPECT_EQ(test, parked(park), 0);
}

static struct kunit_case heap_cases[] = {
	KUNIT_CASE(test_names_refused),
	KUNIT_CASE(test_args_refused),
	KUNIT_CASE(test_names),
	KUNIT_CASE(test_heaps_differ),
	KUNIT_CASE(test_destroy_empty),
	KUNIT_CASE(test_destroy_releases),
	KUNIT_CASE(test_destroy_releases_once),
	KUNIT_CASE(test_destroy_waits_for_work),
	KUNIT_CASE(test_destroy_with_puts),
	KUNIT_CASE(test_destroy_with_allocations),
	KUNIT_CASE(test_destroy_many),
	KUNIT_CASE(test_destroy_while_sweeping),
	KUNIT_CASE(test_destroy_miscounted),
	KUNIT_CASE(test_scope),
	KUNIT_CASE(test_parked_make_room),
	KUNIT_CASE(test_parked_are_looked_after),
	KUNIT_CASE(test_validator_notices),
	{}
};

static struct kunit_suite heap_suite = {
	.name = "refslab_heap",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = heap_cases,
};

kunit_test_suites(&heap_suite);
