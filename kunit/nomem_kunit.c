// SPDX-License-Identifier: GPL-2.0
/*
 * Sweeps without memory: every allocation of the task that sweeps fails, from
 * slabs and of pages, and nothing is the worse for it. Failing is armed by who
 * loads the module, for tasks that ask for it (tools/vm/kunit); that it is armed
 * is seen first.
 */
#include <linux/slab.h>

#include "fixture.h"

/**
 * struct nomem - test->priv
 * @fixture: must be the first
 * @mortal: type of struct knot with finalizer, release and weak references
 * @finalized: finalizers that ran
 * @deaths: weak references that died
 */
struct nomem {
	struct fixture fixture;
	struct refslab_type *mortal;
	unsigned int finalized;
	unsigned int deaths;
};

static struct nomem *current_nomem;

static void on_finalize(struct refslab_object *obj)
{
	current_nomem->finalized++;
}

static void on_death(struct refslab_weak *weak)
{
	current_nomem->deaths++;
}

static void fail(bool on)
{
#ifdef CONFIG_FAULT_INJECTION
	current->make_it_fail = on;
#endif
}

/* What follows would prove nothing if this could be had. */
static void expect_armed(struct kunit *test)
{
	struct page *page;
	void *memory;

	fail(true);
	memory = kmalloc(64, GFP_KERNEL | __GFP_NOWARN);
	page = alloc_page(GFP_KERNEL | __GFP_NOWARN);
	fail(false);
	KUNIT_EXPECT_NULL_MSG(test, memory, "failslab is not armed");
	KUNIT_EXPECT_NULL_MSG(test, page, "fail_page_alloc is not armed");
	kfree(memory);
	if (page)
		__free_page(page);
}

static int nomem_init(struct kunit *test)
{
	struct nomem *n;
	int err;

	if (!IS_ENABLED(CONFIG_FAILSLAB) || !IS_ENABLED(CONFIG_FAIL_PAGE_ALLOC))
		kunit_skip(test, "the kernel has no fault injection");
	err = fixture_init(test);
	if (err)
		return err;
	n = kunit_kzalloc(test, sizeof(*n), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, n);
	n->fixture = *(struct fixture *)test->priv;
	test->priv = n;
	current_nomem = n;
	{
		const struct refslab_type_args args = {
			.name = "mortal", .size = sizeof(struct knot), .slots = 2,
			.slot_offset = offsetof(struct knot, slot),
			.ctor = knot_ctor, .release = knot_release,
			.finalize = on_finalize, .priv = &n->fixture.releases,
			.flags = REFSLAB_TYPE_WEAK | REFSLAB_TYPE_RELEASE_WORK,
		};

		n->mortal = fixture_type(test, n->fixture.heap, &args);
	}
	expect_armed(test);
	return 0;
}

static void pairs(struct kunit *test, struct refslab_type *type, unsigned int n)
{
	struct knot *a, *b;

	while (n--) {
		a = knot_make(test, type);
		b = knot_make(test, type);
		knot_edge(a, 0, b);
		knot_edge(b, 0, a);
		knot_put(a);
		knot_put(b);
	}
}

/* Much garbage, with all that types can ask for, and all of it goes. */
static void test_sweep(struct kunit *test)
{
	enum { PAIRS = 5000, MORTALS = 500, LEAVES = 100, LIVE = 1000 };
	struct nomem *n = test->priv;
	struct fixture *f = &n->fixture;
	struct refslab_weak *weak = kunit_kcalloc(test, MORTALS, sizeof(*weak), GFP_KERNEL);
	struct knot *live = NULL, *first = NULL, *last = NULL, *knot;
	struct refslab_sweep_result result[3] = { };
	int i, err[3];

	KUNIT_ASSERT_NOT_NULL(test, weak);
	pairs(test, f->knot, PAIRS);
	for (i = 0; i < LIVE; i++) {
		knot = knot_make(test, f->knot);
		knot_edge(knot, 0, live);
		if (live) {
			knot_edge(live, 1, knot);
			knot_put(live);
		}
		live = knot;
	}
	for (i = 0; i < MORTALS; i++) {
		knot = knot_make(test, n->mortal);
		refslab_weak_init(&weak[i], on_death);
		KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak[i], &knot->link.object), 0);
		if (i % (MORTALS / LEAVES) == 0) {
			struct refslab_object *leaf = obj_make(test, f->leaf);

			refslab_slot_set(&knot->slot[1], leaf);
			refslab_put(leaf);
		}
		if (last)
			knot_edge(last, 0, knot);
		if (last && last != first)
			knot_put(last);
		last = knot;
		first = first ?: knot;
	}
	knot_edge(last, 0, first);
	knot_put(last);
	knot_put(first);

	fail(true);
	for (i = 0; i < 3; i++)
		err[i] = refslab_collect(f->heap, i, &result[i]);
	fail(false);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, err[i], 0);
	KUNIT_EXPECT_EQ(test, result[0].freed, 2 * PAIRS + MORTALS + LEAVES);
	KUNIT_EXPECT_EQ(test, result[1].freed + result[2].freed, 0);
	KUNIT_EXPECT_EQ(test, result[0].unfreed, 0);
	KUNIT_EXPECT_EQ(test, n->finalized, MORTALS);
	KUNIT_EXPECT_EQ(test, n->deaths, MORTALS);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), MORTALS);
	EXPECT_OBJECTS(test, f->knot, LIVE);
	EXPECT_OBJECTS(test, n->mortal, 0);
	EXPECT_OBJECTS(test, f->leaf, 0);
	expect_armed(test);
	knot_put(live);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), LIVE);
}

static void test_freeze_and_quarantine(struct kunit *test)
{
	enum { PAIRS = 1000 };
	struct nomem *n = test->priv;
	struct fixture *f = &n->fixture;
	struct refslab_sweep_result kept, freed;
	long frozen, thawed, drained;

	pairs(test, f->knot, PAIRS);
	fail(true);
	frozen = refslab_freeze(f->heap);
	thawed = refslab_unfreeze(f->heap);
	refslab_set_quarantine(f->heap, true);
	refslab_collect(f->heap, 2, &kept);
	refslab_set_quarantine(f->heap, false);
	drained = refslab_drain_quarantine(f->heap);
	refslab_collect(f->heap, 2, &freed);
	fail(false);
	KUNIT_EXPECT_EQ(test, frozen, 2 * PAIRS);
	KUNIT_EXPECT_EQ(test, thawed, 2 * PAIRS);
	KUNIT_EXPECT_EQ(test, kept.unfreed, 2 * PAIRS);
	KUNIT_EXPECT_EQ(test, drained, 2 * PAIRS);
	KUNIT_EXPECT_EQ(test, freed.freed, 2 * PAIRS);
	EXPECT_OBJECTS(test, f->knot, 0);
}

/*
 * The heap is full of garbage and the system has no page: what garbage leaves is
 * enough for those who allocate.
 */
static void test_allocation_at_the_limit(struct kunit *test)
{
	enum { CHUNKS = 8 };
	u64 bytes[POOL_LIMITS] = { [POOL_LIMIT] = CHUNKS * REFSLAB_CHUNK_SIZE };
	struct nomem *n = test->priv;
	struct fixture *f = &n->fixture;
	struct refslab_object *obj, *other;

	KUNIT_ASSERT_EQ(test, pool_set_limits(&f->heap->pool, BIT(POOL_LIMIT), bytes), 0);
	while ((obj = refslab_alloc(f->knot, GFP_NOWAIT | __GFP_NOWARN))) {
		refslab_slot_set(&knot_of(obj)->slot[0], obj);
		refslab_put(obj);
	}
	KUNIT_EXPECT_GE(test, refslab_type_objects(f->knot),
			(CHUNKS - 1) * f->knot->layout.objects);
	KUNIT_EXPECT_EQ(test, f->heap->sweep.stats[2].runs, 0);
	fail(true);
	obj = refslab_alloc(f->knot, GFP_KERNEL);
	/* another type needs a chunk of its own */
	other = refslab_alloc(f->leaf, GFP_KERNEL);
	fail(false);
	KUNIT_EXPECT_NOT_NULL(test, obj);
	KUNIT_EXPECT_NOT_NULL(test, other);
	KUNIT_EXPECT_GE(test, f->heap->sweep.stats[2].runs, 1);
	if (obj)
		refslab_put(obj);
	if (other)
		refslab_put(other);
}

static struct kunit_case nomem_cases[] = {
	KUNIT_CASE(test_sweep),
	KUNIT_CASE(test_freeze_and_quarantine),
	KUNIT_CASE(test_allocation_at_the_limit),
	{}
};

static struct kunit_suite nomem_suite = {
	.name = "refslab_nomem",
	.init = nomem_init,
	.exit = fixture_exit,
	.test_cases = nomem_cases,
};

kunit_test_suites(&nomem_suite);
