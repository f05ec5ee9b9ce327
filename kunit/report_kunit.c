// SPDX-License-Identifier: GPL-2.0
/*
 * Reports: the texts that have no mistake of a caller behind them, and what is
 * told besides the first line; those first lines that have a mistake behind them
 * are told where it is made, in the suites of objects and slabs.
 */
#include "fixture.h"
#include "listen.h"
#include "report.h"

/* Told once; the heap goes on by reference counts alone. */
static void test_sweep_broken(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);

	knot_edge(a, 0, a);
	listen("refslab: heap kunit stops sweeping and goes on by reference counts: object [0-9]+ of type knot, committed, has the word 0x123");
	report_sweep_broken(f->heap, &a->link.object, 0x123);
	EXPECT_SAID(test, "heap kunit stops sweeping", "\nrefslab: Cycles stay until the heap goes. Somebody got the object without a reference, or overwrote it. ",
		    "Traces (debug=U,kunit/knot) tell who allocated and freed it.\n");
	listen(NULL);
	report_sweep_broken(f->heap, &a->link.object, 0x456);
	EXPECT_SAID(test, "");
	KUNIT_EXPECT_FALSE(test, was_said("stops sweeping"));

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

/* With traces it is said whose the object is. */
static void test_sweep_broken_traced(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_knots(test, f->heap, "traced", &f->releases,
						  REFSLAB_TYPE_TRACE);
	struct knot *a = knot_make(test, type);

	listen("refslab: heap kunit stops sweeping");
	report_sweep_broken(f->heap, &a->link.object, 0);
	EXPECT_SAID(test, "of type traced, committed, has the word 0", "\nallocated ",
		    BY("test_sweep_broken_traced"), "\nrefslab: Cycles stay until the heap goes.");
	KUNIT_EXPECT_FALSE(test, was_said("debug=U"));
	knot_put(a);
}

/* What may be an address of the kernel's is not shown; what a put too many leaves is. */
static void test_word_shown(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->leaf);

	listen("a free object's word is 0x10: used after its release, leaked: heap kunit, type leaf");
	report_bad_word(f->leaf, obj);
	EXPECT_SAID(test, "a free object's word is 0x10: used after its release, leaked: heap kunit, type leaf, object ",
		    "\nrefslab: Somebody got or put it after its release. Traces (debug=U,kunit/leaf) tell");
	atomic64_set(&obj->word, -REFSLAB_COUNT_ONE);
	expect_in_log("a free object's word is 0xfffffffffffffff0: used");
	report_bad_word(f->leaf, obj);
	unexpect_in_log();
	atomic64_set(&obj->word, (unsigned long)test_word_shown);
	expect_in_log("a free object's word is .perhaps an address.: used");
	report_bad_word(f->leaf, obj);
	unexpect_in_log();
	atomic64_set(&obj->word, REFSLAB_COUNT_ONE);
	refslab_put(obj);
}

/* A slot is left with an object that somebody has put once too often. */
static void test_stale_slot(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "stale", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = knot_ctor,
		/* so that it is told each time */
		.flags = REFSLAB_TYPE_TRACE,
	};
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	struct knot *a = knot_make(test, type), *b = knot_make(test, type);

	knot_edge(a, 0, b);
	knot_put(b);
	migrate_disable();
	/* the slot's, which is not ours to give */
	knot_put(b);
	expect_in_log("BUG: refslab: a slot refers to a dead object: heap kunit, type stale");
	KUNIT_EXPECT_NULL(test, refslab_slot_load(&a->slot[0]));
	unexpect_in_log();
	migrate_enable();
	/* as it should have been */
	KUNIT_EXPECT_PTR_EQ(test, xchg(&a->slot[0].target, NULL), &b->link.object);
	knot_put(a);
	EXPECT_OBJECTS(test, type, 0);

	listen("refslab: a slot refers to what was an object");
	report_stale_slot(NULL);
	EXPECT_SAID(test, "a slot refers to what was an object\n", "Call Trace:");
}

/* The first of a kind has a stack; the next is another's, and has what there is to say. */
static void test_first_and_next(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *a = obj_make(test, f->leaf), *b = obj_make(test, f->knot);
	char line[96];

	listen("refslab: a slot refers to a dead object: heap kunit, type leaf, object");
	report_stale_slot(a);
	EXPECT_SAID(test, "a slot refers to a dead object: heap kunit, type leaf, object ",
		    "Call Trace:",
		    "\nrefslab: Somebody has put once too often what the slot counts on. Traces (debug=U,kunit/leaf) tell who allocated and freed it.\n");
	listen("refslab: a slot refers to a dead object: heap kunit, type knot, object");
	report_stale_slot(b);
	snprintf(line, sizeof(line),
		 "\nrefslab: a slot refers to a dead object: heap kunit, type knot, object %u\n",
		 slab_number(b));
	EXPECT_SAID(test, line, "refslab: Somebody has put", "(debug=U,kunit/knot)");
	KUNIT_EXPECT_FALSE(test, was_said("Call Trace:"));
	refslab_put(a);
	refslab_put(b);
}

/**
 * struct meddling - a leaf whose release does what nobody may
 * @object: header
 * @victim: gets a reference from somebody who has none
 */
struct meddling {
	struct refslab_object	object;
	struct refslab_object	*victim;
};

static void meddle(struct refslab_object *obj)
{
	struct meddling *leaf = container_of(obj, struct meddling, object);

	if (leaf->victim)
		refslab_get(leaf->victim);
}

/* @a and @b refer to each other and are garbage; of @type. */
static void garbage_pair(struct knot *a, struct knot *b)
{
	knot_edge(a, 0, b);
	knot_edge(b, 0, a);
	knot_put(a);
	knot_put(b);
}

/*
 * An object is got by somebody without a reference, when a sweep has committed
 * its death. The sweep tells and is the last; what was got is not freed; counts
 * go on working, and so do the sweeps of other heaps.
 *
 * It is the object that the sweep comes to first or last, and the reference is
 * taken when the sweep has been there, or not yet.
 */
static void got_after_commit(struct kunit *test, unsigned int holder, unsigned int victim)
{
	const struct refslab_type_args leaf_args = {
		.name = "meddling", .size = sizeof(struct meddling),
		.flags = REFSLAB_TYPE_ZERO, .release = meddle,
	};
	const struct refslab_heap_args other_args = { .name = "kunit-other" };
	struct fixture *f = test->priv;
	struct refslab_type *told = fixture_knots(test, f->heap, "told", &f->releases, 0);
	struct refslab_type *meddling = fixture_type(test, f->heap, &leaf_args);
	struct refslab_heap *other = fixture_heap(test, &other_args);
	struct refslab_type *others = fixture_knots(test, other, "knot", &f->releases, 0);
	struct knot *pair[] = { knot_make(test, told), knot_make(test, told) };
	struct knot *a = pair[holder], *b = pair[victim];
	struct refslab_object *leaf = obj_make(test, meddling);
	struct refslab_sweep_result result;
	struct knot *c;
	int i;

	container_of(leaf, struct meddling, object)->victim = &b->link.object;
	refslab_slot_set(&a->slot[1], leaf);
	refslab_put(leaf);
	garbage_pair(pair[0], pair[1]);

	expect_in_log("refslab: heap kunit stops sweeping and goes on by reference counts: object [0-9]+ of type told, committed, has the word 0x");
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 2, &result), 0);
	unexpect_in_log();
	/* one of the pair and the leaf; b is kept by whoever has it, and is as he knew it */
	KUNIT_EXPECT_EQ(test, result.freed, 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 1);
	EXPECT_OBJECTS(test, told, 1);
	EXPECT_OBJECTS(test, meddling, 0);
	KUNIT_EXPECT_EQ(test, knot_count(b), U32_MAX);
	KUNIT_EXPECT_EQ(test, b->canary, KNOT_CANARY);
	knot_put(b);
	EXPECT_OBJECTS(test, told, 1);
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);

	/* refused from now on, also at the limit and by thresholds */
	for (i = 0; i < GENERATIONS; i++)
		KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, i, NULL), -EOPNOTSUPP);
	garbage_pair(knot_make(test, told), knot_make(test, told));
	refslab_set_enabled(f->heap, true);
	trigger_pressure(f->heap);
	flush_delayed_work(&f->heap->trigger.idle);
	KUNIT_EXPECT_TRUE(test, trigger_pressed(f->heap));
	refslab_set_enabled(f->heap, false);
	EXPECT_OBJECTS(test, told, 3);

	/* alloc, get, put, slots go on */
	c = knot_make(test, told);
	knot_edge(c, 0, knot_of(obj_make(test, told)));
	knot_put(knot_of(c->slot[0].target));
	EXPECT_OBJECTS(test, told, 5);
	knot_put(c);
	EXPECT_OBJECTS(test, told, 3);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 3);

	garbage_pair(knot_make(test, others), knot_make(test, others));
	KUNIT_EXPECT_EQ(test, refslab_collect(other, 0, &result), 0);
	KUNIT_EXPECT_EQ(test, result.freed, 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 5);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(other), 0);
	/* the heap takes all along when it goes */
	f->left = 3;
}

static void test_got_after_commit(struct kunit *test)
{
	got_after_commit(test, 0, 1);
}

static void test_got_before(struct kunit *test)
{
	got_after_commit(test, 1, 0);
}

static void test_got_by_what_it_holds(struct kunit *test)
{
	got_after_commit(test, 0, 0);
}

/* Many live, some are shown; the kernel is not tainted by a -EBUSY. */
static void test_survivors(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *objs[20];
	int i;

	for (i = 0; i < ARRAY_SIZE(objs); i++)
		objs[i] = obj_make(test, f->leaf);
	listen(NULL);
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(f->leaf), -EBUSY);
	EXPECT_SAID(test, "\nrefslab: heap kunit: type leaf stays, 20 of its objects live, 0 are in 0 reserves\n",
		    "\nrefslab:   object ", ", count 1\n",
		    "\nrefslab: traces (debug=U,kunit/leaf) tell who allocated them\n");
	KUNIT_EXPECT_EQ(test, times_said("refslab:   object "), 8);
	refslab_put_bulk(ARRAY_SIZE(objs) - 1, objs);
	atomic64_set(&objs[19]->word, PINNED_WORD);
	listen(NULL);
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(f->leaf), -EBUSY);
	EXPECT_SAID(test, "type leaf stays, 1 of its objects live", ", count 4294967295\n");
	f->left = 1;
}

static void test_survivors_traced(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_knots(test, f->heap, "traced", &f->releases,
						  REFSLAB_TYPE_TRACE);
	struct knot *a = knot_make(test, type);

	listen(NULL);
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(type), -EBUSY);
	EXPECT_SAID(test, "type traced stays, 1 of its objects live", "\nrefslab:   object ",
		    "\nrefslab:   allocated ", BY("test_survivors_traced"));
	KUNIT_EXPECT_FALSE(test, was_said("debug=U"));
	knot_put(a);
}

/* What is said of a heap that a module ends while @n objects live. */
static void end_with(struct kunit *test, unsigned int n)
{
	const struct refslab_heap_args args = { .name = "kunit-left" };
	const struct refslab_type_args type_args = { .name = "forgotten", .size = 64 };
	struct refslab_heap *heap = fixture_heap(test, &args);
	struct refslab_type *type = fixture_type(test, heap, &type_args);
	unsigned int i;

	for (i = 0; i < n; i++)
		obj_make(test, type);
	listen(NULL);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), n);
	EXPECT_SAID(test, "");
}

/* The same while an object of each of @n types lives. */
static void end_with_types(struct kunit *test, unsigned int n)
{
	const struct refslab_heap_args args = { .name = "kunit-types" };
	struct refslab_heap *heap = fixture_heap(test, &args);
	char name[] = "type-0";
	unsigned int i;

	for (i = 0; i < n; i++, name[sizeof(name) - 2]++)
		obj_make(test, fixture_type(test, heap, &(struct refslab_type_args){
			.name = name, .size = 64 }));
	listen(NULL);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), n);
	EXPECT_SAID(test, "");
}

/* Some heaps are told of, and not all. */
static void test_left(struct kunit *test)
{
	unsigned long start = jiffies;
	unsigned int i, n = 0;

	for (i = 0; i < 20; i++) {
		end_with(test, 1);
		n += was_said("kunit-left ends while 1 objects");
	}
	/* five in five seconds, however long it takes */
	KUNIT_EXPECT_LE(test, n, 5 * (2 + (jiffies - start) / (5 * HZ)));
	if (jiffies - start < 15 * HZ)
		KUNIT_EXPECT_LT(test, n, 20);
	msleep(5100);
	end_with(test, 3);
	EXPECT_SAID(test, "\nrefslab: heap kunit-left ends while 3 objects of its type forgotten live\n",
		    "\nrefslab:   object ", ", count 1\n", "debug=U,kunit-left/forgotten");
	KUNIT_EXPECT_EQ(test, times_said("refslab:   object "), 3);
	end_with_types(test, 10);
	EXPECT_SAID(test, "\nrefslab: heap kunit-types ends while 1 objects of its type type-0 live\n",
		    "\nrefslab: heap kunit-types ends while objects of 2 more types live\n");
	KUNIT_EXPECT_EQ(test, times_said("ends while 1 objects of its type"), 8);
	end_with(test, 0);
	KUNIT_EXPECT_FALSE(test, was_said("refslab: heap"));
}

/* At a heap's limit: once, and not to who does not want to hear it. */
static void test_refused(struct kunit *test)
{
	const struct refslab_heap_args args = { .name = "kunit-full", .limit = SZ_64K };
	const struct refslab_type_args type_args = { .name = "large", .size = 8000 };
	struct refslab_heap *heap = fixture_heap(test, &args);
	struct refslab_type *type = fixture_type(test, heap, &type_args);

	listen(NULL);
	while (refslab_alloc(type, GFP_KERNEL | __GFP_NOWARN))
		;
	EXPECT_SAID(test, "");
	KUNIT_EXPECT_FALSE(test, was_said("pool/limit"));
	listen(NULL);
	KUNIT_EXPECT_NULL(test, refslab_alloc(type, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, refslab_alloc(type, GFP_KERNEL));
	EXPECT_SAID(test, "\nrefslab: heap kunit-full has all that its pool/limit allows, 64 KiB: an object of type large was refused. Raise it, or see in debugfs refslab/types what has the memory.\n");
	KUNIT_EXPECT_EQ(test, times_said("pool/limit"), 1);
	KUNIT_EXPECT_GT(test, refslab_heap_destroy(heap), 0);
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

	/* what a program asks for ends with that, and ends nothing */
	report_program_asks(f->heap, true);
	KUNIT_EXPECT_TRUE(test, refslab_get_logging(f->heap));
	refslab_set_logging(f->heap, true);
	report_program_asks(f->heap, false);
	KUNIT_EXPECT_TRUE(test, refslab_get_logging(f->heap));
	report_program_asks(f->heap, true);
	refslab_set_logging(f->heap, false);
	KUNIT_EXPECT_FALSE(test, refslab_get_logging(f->heap));
}

/* That one heap has much to tell keeps no other from it, and there is an end to it. */
static void test_limits(struct kunit *test)
{
	const struct refslab_heap_args other_args = { .name = "kunit-other" };
	struct fixture *f = test->priv;
	struct refslab_heap *other = fixture_heap(test, &other_args);
	const struct refslab_sweep_result result = {};
	int i;

	refslab_set_logging(f->heap, true);
	refslab_set_logging(other, true);
	for (i = 0; i < 200; i++)
		report_sweep(f->heap, 0, &result);
	KUNIT_EXPECT_GT(test, f->heap->reports.sweeps.missed, 0);
	report_sweep(other, 0, &result);
	KUNIT_EXPECT_EQ(test, other->reports.sweeps.printed, 1);
	KUNIT_EXPECT_EQ(test, other->reports.sweeps.missed, 0);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(other), 0);
}

static int report_init(struct kunit *test)
{
	int err = listen_init();

	return err ?: fixture_init(test);
}

static void report_exit(struct kunit *test)
{
	fixture_exit(test);
	listen_exit();
}

static struct kunit_case report_cases[] = {
	KUNIT_CASE(test_sweep_broken),
	KUNIT_CASE(test_sweep_broken_elsewhere),
	KUNIT_CASE(test_sweep_broken_traced),
	KUNIT_CASE(test_word_shown),
	KUNIT_CASE(test_stale_slot),
	KUNIT_CASE(test_first_and_next),
	KUNIT_CASE(test_got_after_commit),
	KUNIT_CASE(test_got_before),
	KUNIT_CASE(test_got_by_what_it_holds),
	KUNIT_CASE(test_survivors),
	KUNIT_CASE(test_survivors_traced),
	KUNIT_CASE(test_left),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_logging),
	KUNIT_CASE(test_limits),
	{}
};

static struct kunit_suite report_suite = {
	.name = "refslab_report",
	.init = report_init,
	.exit = report_exit,
	.test_cases = report_cases,
};

kunit_test_suites(&report_suite);
