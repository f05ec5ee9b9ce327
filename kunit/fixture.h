/* SPDX-License-Identifier: GPL-2.0 */
/* What the suites share: a heap per test, objects to knot, who was released. */
#ifndef _REFSLAB_KUNIT_FIXTURE_H
#define _REFSLAB_KUNIT_FIXTURE_H

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>

#include "heap.h"

/* A word whose count is pinned. */
#define PINNED_WORD	(REFSLAB_PINNED | REFSLAB_UNLISTED | REFSLAB_COUNT_TOP)

#define KNOT_CANARY	0x6b6e6f746b6e6f74ULL
#define KNOT_DEAD	0xdeadULL

/**
 * struct knot - an object with two slots
 * @link: header
 * @slot: slots
 * @canary: KNOT_CANARY ^ @id while it lives
 * @id: whatever a test wants to tell it by
 */
struct knot {
	struct refslab_linked	link;
	struct refslab_slot	slot[2];
	u64			canary;
	u64			id;
};

/**
 * struct releases - what became of objects
 * @count: releases called
 * @wrong: of these, with a filled slot, a wrong canary or called twice
 * @here: of these, called in @task
 * @task: the test's
 */
struct releases {
	atomic_t	count;
	atomic_t	wrong;
	atomic_t	here;
	struct task_struct *task;
};

/**
 * struct fixture - test->priv
 * @heap: automatic sweeps are off
 * @knot: type of struct knot
 * @leaf: type of 64 bytes without slots
 * @left: objects that the test leaves behind, on purpose
 * @books: the books are in order, heap_validate() is to agree
 * @releases: of objects whose type has fixture_release()
 */
struct fixture {
	struct refslab_heap *heap;
	struct refslab_type *knot;
	struct refslab_type *leaf;
	unsigned long	left;
	bool		books;
	struct releases	releases;
};

static inline struct knot *knot_of(struct refslab_object *obj)
{
	return container_of(obj, struct knot, link.object);
}

static inline void knot_ctor(struct refslab_object *obj)
{
	knot_of(obj)->canary = KNOT_CANARY;
	knot_of(obj)->id = 0;
}

/* For types of struct knot, their priv the struct releases. */
static inline void knot_release(struct refslab_object *obj)
{
	struct releases *releases = refslab_type_priv(refslab_type_of(obj));
	struct knot *knot = knot_of(obj);

	if (knot->canary != (KNOT_CANARY ^ knot->id) ||
	    knot->slot[0].target || knot->slot[1].target)
		atomic_inc(&releases->wrong);
	knot->canary = KNOT_DEAD;
	atomic_inc(&releases->count);
	if (current == releases->task)
		atomic_inc(&releases->here);
}

static inline struct refslab_heap *
fixture_heap(struct kunit *test, const struct refslab_heap_args *args)
{
	struct refslab_heap *heap = refslab_heap_create(args);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(heap));
	refslab_set_enabled(heap, false);
	return heap;
}

static inline struct refslab_type *
fixture_type(struct kunit *test, struct refslab_heap *heap,
	     const struct refslab_type_args *args)
{
	struct refslab_type *type = refslab_type_create(heap, args);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(type));
	return type;
}

/* A type of struct knot that tells @releases. */
static inline struct refslab_type *
fixture_knots(struct kunit *test, struct refslab_heap *heap, const char *name,
	      struct releases *releases, unsigned int flags)
{
	const struct refslab_type_args args = {
		.name = name, .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot),
		.ctor = knot_ctor, .release = knot_release,
		.priv = releases, .flags = flags,
	};

	return fixture_type(test, heap, &args);
}

static inline int fixture_init(struct kunit *test)
{
	const struct refslab_heap_args heap_args = { .name = "kunit" };
	const struct refslab_type_args knot_args = {
		.name = "knot", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot),
		.ctor = knot_ctor,
	};
	const struct refslab_type_args leaf_args = { .name = "leaf", .size = 64 };
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	f->books = true;
	f->releases.task = current;
	f->heap = fixture_heap(test, &heap_args);
	f->knot = fixture_type(test, f->heap, &knot_args);
	f->leaf = fixture_type(test, f->heap, &leaf_args);
	return 0;
}

static inline void fixture_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f || !f->heap)
		return;
	if (f->books)
		KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(f->heap), f->left);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.wrong), 0);
}

/*
 * From here on the test stays on its CPU: what it frees lies where it allocates
 * next, and memory is of one node.
 */
static inline void fixture_stay(struct kunit *test)
{
	const struct cpumask *here = cpumask_of(raw_smp_processor_id());

	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, here), 0);
}

static inline struct refslab_object *obj_make(struct kunit *test,
					      struct refslab_type *type)
{
	struct refslab_object *obj = refslab_alloc(type, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	return obj;
}

static inline struct knot *knot_make(struct kunit *test, struct refslab_type *type)
{
	return knot_of(obj_make(test, type));
}

static inline void knot_edge(struct knot *from, unsigned int slot, struct knot *to)
{
	refslab_slot_set(&from->slot[slot], to ? &to->link.object : NULL);
}

static inline void knot_put(struct knot *knot)
{
	refslab_put(&knot->link.object);
}

static inline u32 knot_count(struct knot *knot)
{
	return refslab_count(&knot->link.object);
}

/* A sweep that nothing is to get in the way of; how many it freed. */
static inline u64 fixture_collect(struct kunit *test, unsigned int generation)
{
	struct fixture *f = test->priv;
	struct refslab_sweep_result result = { };

	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, generation, &result), 0);
	KUNIT_EXPECT_EQ(test, result.unfreed, 0);
	KUNIT_EXPECT_EQ(test, result.aborts, 0);
	return result.freed;
}

#define EXPECT_OBJECTS(test, type, n) \
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), (unsigned long)(n))

/* The kernel log is read afterwards: what is announced must come. */
static inline void expect_in_log(const char *regex)
{
	pr_info("refslab-test: expect %s\n", regex);
}

static inline void unexpect_in_log(void)
{
	pr_info("refslab-test: unexpect\n");
}

#endif /* _REFSLAB_KUNIT_FIXTURE_H */
