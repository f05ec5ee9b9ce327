// SPDX-License-Identifier: GPL-2.0
/*
 * Depots: bursts that are longer than a magazine come and go without the slabs,
 * and yet memory goes back.
 */
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "depot.h"
#include "fixture.h"

/* This node's, of a test that stays on its CPU. */
static struct depot *mine(struct refslab_type *type)
{
	return type->nodes[numa_mem_id()].depot;
}

static unsigned long slabs_free(struct refslab_type *type)
{
	unsigned long n = 0, flags;
	struct slab *slab;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		raw_spin_lock_irqsave(&type->nodes[nid].lock, flags);
		list_for_each_entry(slab, &type->nodes[nid].partial, list)
			n += slab->free;
		raw_spin_unlock_irqrestore(&type->nodes[nid].lock, flags);
	}
	return n;
}

static struct refslab_object **room_for(struct kunit *test, unsigned int n)
{
	struct refslab_object **objs = kvcalloc(n, sizeof(*objs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, objs);
	return objs;
}

static void make(struct kunit *test, struct refslab_type *type, unsigned int n,
		 struct refslab_object **objs)
{
	while (n--)
		objs[n] = obj_make(test, type);
}

static void put(unsigned int n, struct refslab_object **objs)
{
	while (n--)
		refslab_put(objs[n]);
}

/* A burst that fits takes nothing out of slabs, and puts nothing there. */
static void test_burst(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int full = type->path.magazine_size, n = 4 * full, i, round;
	struct refslab_object **objs = room_for(test, 2 * n);
	unsigned long there;

	migrate_disable();
	make(test, type, 2 * n, objs);
	EXPECT_OBJECTS(test, type, 2 * n);
	there = slabs_free(type);
	for (round = 0; round < 10; round++) {
		put(n, objs);
		KUNIT_EXPECT_GT(test, mine(type)->count, 2 * full);
		KUNIT_EXPECT_EQ(test, slabs_free(type), there);
		EXPECT_OBJECTS(test, type, n);
		for (i = 0; i < n; i++) {
			objs[i] = obj_make(test, type);
			KUNIT_EXPECT_EQ(test, refslab_count(objs[i]), 1);
		}
		KUNIT_EXPECT_EQ(test, slabs_free(type), there);
		EXPECT_OBJECTS(test, type, 2 * n);
		KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	}
	put(2 * n, objs);
	migrate_enable();
	kvfree(objs);
}

/* Four magazines and no more, of the size they have now. */
static void test_room(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int full = type->path.magazine_size, n = 12 * full;
	struct refslab_object **objs = room_for(test, n);
	struct depot *depot;

	migrate_disable();
	depot = mine(type);
	KUNIT_EXPECT_LE(test, depot->room, 4 * full);
	KUNIT_EXPECT_GT(test, depot->room, 3 * full);
	make(test, type, n, objs);
	put(7 * full, objs);
	KUNIT_EXPECT_EQ(test, depot->count, depot->room);
	EXPECT_OBJECTS(test, type, 5 * full);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	migrate_enable();

	/* smaller: poured at once */
	KUNIT_EXPECT_EQ(test, magazine_set_size(type, 8), 0);
	KUNIT_EXPECT_EQ(test, depot_objects(type), 0);
	migrate_disable();
	put(2 * full, objs + 7 * full);
	KUNIT_EXPECT_LE(test, depot_objects(type), 32);
	migrate_enable();
	put(3 * full, objs + 9 * full);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	EXPECT_OBJECTS(test, type, 0);
	kvfree(objs);
}

/* A depot has no more than is elsewhere, but for half a magazine that came since. */
static void expect_settled(struct kunit *test, struct refslab_type *type)
{
	KUNIT_EXPECT_LE(test, depot_objects(type), refslab_type_objects(type) +
			magazine_objects(type) + type->path.magazine_size / 2);
}

#define CROWD	40000U

/* In whatever order a crowd goes, its memory does, too. */
static void test_crowd_goes(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	struct refslab_object **objs = room_for(test, CROWD);
	struct rnd_state random;
	unsigned int n, i;

	fixture_stay(test);
	prandom_seed_state(&random, 1);
	make(test, type, CROWD, objs);
	KUNIT_EXPECT_GT(test, type_sum(type, slabs), 50);
	for (n = CROWD; n; ) {
		i = prandom_u32_state(&random) % n;
		refslab_put(objs[i]);
		objs[i] = objs[--n];
	}
	/* a slab is kept, a magazine is on each CPU, the depot has no more than these */
	kunit_info(test, "%lu slabs, %lu in depots, %lu in magazines\n", type_sum(type, slabs),
		   depot_objects(type), magazine_objects(type));
	expect_settled(test, type);
	magazine_drain(type);
	KUNIT_EXPECT_EQ(test, depot_objects(type), 0);
	KUNIT_EXPECT_LE(test, type_sum(type, slabs), num_node_state(N_MEMORY));
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	kvfree(objs);
}

/* Also where the others die by a sweep, which does not come by the depot. */
static void test_sweep_takes(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->knot;
	struct refslab_object **objs = room_for(test, CROWD);
	unsigned int n, half = CROWD / 2;

	fixture_stay(test);
	make(test, type, CROWD, objs);
	for (n = 0; n < half; n++)
		knot_edge(knot_of(objs[n]), 0, knot_of(objs[n]));
	/* the depot gets some of all slabs of the second half */
	for (n = half; n < CROWD; n += 30)
		refslab_put(objs[n]);
	KUNIT_EXPECT_GT(test, depot_objects(type), 300);
	for (n = half; n < CROWD; n++)
		if ((n - half) % 30)
			knot_edge(knot_of(objs[n]), 0, knot_of(objs[n]));
	for (n = 0; n < CROWD; n++)
		if (n < half || (n - half) % 30)
			refslab_put(objs[n]);
	KUNIT_EXPECT_GT(test, depot_objects(type), 300);
	KUNIT_EXPECT_GT(test, fixture_collect(test, 2), 30000);
	EXPECT_OBJECTS(test, type, 0);
	expect_settled(test, type);
	kvfree(objs);
}

/* When memory is short, magazines and depots are emptied, garbage or not. */
static void test_pressure(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int n = 4 * type->path.magazine_size;
	struct refslab_object **objs = room_for(test, 2 * n);

	migrate_disable();
	make(test, type, 2 * n, objs);
	put(n, objs);
	KUNIT_EXPECT_GT(test, depot_objects(type), 0);
	KUNIT_EXPECT_GT(test, magazine_objects(type), 0);
	migrate_enable();
	trigger_pressure(f->heap);
	flush_delayed_work(&f->heap->trigger.idle);
	KUNIT_EXPECT_EQ(test, depot_objects(type), 0);
	KUNIT_EXPECT_EQ(test, magazine_objects(type), 0);
	put(n, objs + n);
	kvfree(objs);
}

/* An interrupt that finds the magazine in use is served from the depot, too. */
static void test_busy(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int n = 4 * type->path.magazine_size;
	struct refslab_object **objs = room_for(test, 2 * n), *obj;
	struct refslab_magazine *m;
	unsigned int had;

	fixture_stay(test);
	make(test, type, 2 * n, objs);
	put(n, objs);
	had = mine(type)->count;
	KUNIT_EXPECT_GT(test, had, 0);
	preempt_disable();
	m = raw_cpu_ptr(type->path.magazines);
	KUNIT_EXPECT_FALSE(test, __refslab_magazine_mark(m));
	obj = refslab_alloc(type, GFP_ATOMIC);
	KUNIT_EXPECT_EQ(test, mine(type)->count, had - 1);
	__refslab_magazine_done(m, m->count);
	preempt_enable();
	KUNIT_ASSERT_NOT_NULL(test, obj);
	refslab_put(obj);
	put(n, objs + n);
	kvfree(objs);
}

/* At the heap's limit what is in a depot is in the way. */
static void test_limit(struct kunit *test)
{
	const struct refslab_heap_args args = {
		.name = "kunit-depot", .limit = 8 * REFSLAB_CHUNK_SIZE,
	};
	struct refslab_heap *heap = fixture_heap(test, &args);
	const struct refslab_type_args one = { .name = "one", .size = 64 };
	const struct refslab_type_args two = { .name = "two", .size = REFSLAB_CHUNK_SIZE / 4 };
	struct refslab_type *small = fixture_type(test, heap, &one);
	struct refslab_type *large = fixture_type(test, heap, &two);
	unsigned int per = small->layout.objects, n = 7 * per, i, kept = 0;
	struct refslab_object **objs = room_for(test, n);
	struct refslab_object *obj;

	fixture_stay(test);
	make(test, small, n, objs);
	/* a depot of objects of all slabs: none is empty without it */
	for (i = 0; i < n; i += n / 300)
		refslab_put(objs[i]);
	KUNIT_EXPECT_GT(test, depot_objects(small), 100);
	/* what is left of three slabs is more than the depot has */
	for (i = 0; i < n - 3 * per; i++)
		if (i % (n / 300))
			refslab_put(objs[i]);
	KUNIT_EXPECT_GT(test, depot_objects(small), 100);
	while (kept < n - 3 * per) {
		obj = refslab_alloc(large, GFP_KERNEL);
		if (!obj)
			break;
		objs[kept++] = obj;
	}
	/* all there is but a slab that somebody keeps and one that is in part used */
	KUNIT_EXPECT_GE(test, kept, 3 * large->layout.objects);
	KUNIT_EXPECT_EQ(test, depot_objects(small), 0);
	put(kept, objs);
	for (i = n - 3 * per; i < n; i++)
		if (i % (n / 300))
			refslab_put(objs[i]);
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 0);
	kvfree(objs);
}

/**
 * struct crowd - objects that another CPU allocates and puts
 * @type: their type
 * @objs: they, or NULL
 * @n: how many
 */
struct crowd {
	struct refslab_type *type;
	struct refslab_object **objs;
	unsigned int n;
};

static long crowd_alloc(void *arg)
{
	struct crowd *crowd = arg;
	unsigned int i;

	for (i = 0; i < crowd->n; i++)
		crowd->objs[i] = refslab_alloc(crowd->type, GFP_KERNEL);
	return 0;
}

static long crowd_put(void *arg)
{
	struct crowd *crowd = arg;
	unsigned int i;

	for (i = 0; i < crowd->n; i++)
		if (crowd->objs[i])
			refslab_put(crowd->objs[i]);
	return 0;
}

/* What one CPU frees another allocates. */
static void test_other_cpu(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int n = 4 * type->path.magazine_size, i;
	struct refslab_object **objs = room_for(test, 2 * n);
	struct crowd crowd = { .type = type, .objs = objs, .n = n };
	unsigned long before, had;
	int cpu;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one CPU");
	fixture_stay(test);
	make(test, type, 2 * n, objs);
	put(n, objs);
	had = depot_objects(type);
	KUNIT_EXPECT_GT(test, had, 0);
	cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	before = type_sum(type, out);
	/* in a task: with a node to itself it takes pages, which a hard interrupt may not */
	work_on_cpu(cpu, crowd_alloc, &crowd);
	if (num_node_state(N_MEMORY) == 1) {
		KUNIT_EXPECT_LT(test, depot_objects(type), had);
		/* only what the depot did not have came out of slabs, by half magazines */
		KUNIT_EXPECT_LT(test, type_sum(type, out),
				before + n - had + type->path.magazine_size);
	}
	/* each CPU has some of them in its node's depot, and all are emptied */
	for (i = n; i < 2 * n; i++)
		refslab_put(objs[i]);
	had = depot_objects(type);
	work_on_cpu(cpu, crowd_put, &crowd);
	KUNIT_EXPECT_GT(test, depot_objects(type), 0);
	if (num_node_state(N_MEMORY) > 1)
		KUNIT_EXPECT_GT(test, depot_objects(type), had);
	EXPECT_OBJECTS(test, type, 0);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	magazine_drain(type);
	KUNIT_EXPECT_EQ(test, depot_objects(type), 0);
	kvfree(objs);
}

/* To thresholds what is in a depot is no more alive than what is in a slab. */
static void test_does_not_count(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int n = 4 * f->knot->path.magazine_size;
	struct refslab_object **objs = room_for(test, 2 * n);
	s64 before = atomic64_read(&f->heap->trigger.out), with;

	migrate_disable();
	make(test, f->knot, 2 * n, objs);
	with = atomic64_read(&f->heap->trigger.out);
	KUNIT_EXPECT_GE(test, with - before, (s64)(2 * n));
	put(n, objs);
	KUNIT_EXPECT_GT(test, depot_objects(f->knot), 0);
	KUNIT_EXPECT_LE(test, atomic64_read(&f->heap->trigger.out),
			with - (s64)depot_objects(f->knot));
	migrate_enable();
	put(n, objs + n);
	magazine_drain(f->knot);
	KUNIT_EXPECT_EQ(test, atomic64_read(&f->heap->trigger.out), before);
	kvfree(objs);
}

/* The validator must be able to fail. */
static void test_validator_notices(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int n = 4 * type->path.magazine_size;
	struct refslab_object **objs = room_for(test, 2 * n), *obj;

	fixture_stay(test);
	make(test, type, 2 * n, objs);
	put(n, objs);
	KUNIT_ASSERT_GT(test, mine(type)->count, 0);
	obj = mine(type)->objects[0];
	KUNIT_EXPECT_EQ(test, depot_validate(type), 0);
	atomic64_set(&obj->word, REFSLAB_COUNT_ONE);
	expect_in_log("refslab: heap kunit: a depot of type leaf holds what it should not");
	KUNIT_EXPECT_EQ(test, depot_validate(type), -EUCLEAN);
	unexpect_in_log();
	atomic64_set(&obj->word, 0);
	put(n, objs + n);
	kvfree(objs);
}

static struct kunit_case depot_cases[] = {
	KUNIT_CASE(test_burst),
	KUNIT_CASE(test_room),
	KUNIT_CASE(test_crowd_goes),
	KUNIT_CASE(test_sweep_takes),
	KUNIT_CASE(test_pressure),
	KUNIT_CASE(test_busy),
	KUNIT_CASE(test_limit),
	KUNIT_CASE(test_other_cpu),
	KUNIT_CASE(test_does_not_count),
	KUNIT_CASE(test_validator_notices),
	{}
};

static struct kunit_suite depot_suite = {
	.name = "refslab_depot",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = depot_cases,
};

kunit_test_suites(&depot_suite);
