// SPDX-License-Identifier: GPL-2.0
/*
 * Finalizers: only of garbage, once, with everything alive around them.
 */
#include "fixture.h"

struct mortal {
	struct refslab_linked	link;
	struct refslab_slot	next;
	u32			id;
};

#define MORTALS 64

static struct refslab_heap *heap;
static struct refslab_type *type, *plain;
static unsigned int finalized[MORTALS], released[MORTALS];
/* what the finalizer does with an object */
static struct refslab_object *rescued;
static u32 rescue;
static bool drop_cycle, next_seen;

static struct mortal *mortal(struct refslab_object *obj)
{
	return container_of(obj, struct mortal, link.object);
}

static void on_finalize(struct refslab_object *obj)
{
	struct mortal *m = mortal(obj);

	finalized[m->id]++;
	next_seen |= !!m->next.target;
	if (m->id == rescue) {
		refslab_get(obj);
		rescued = obj;
	}
	if (drop_cycle)
		refslab_slot_clear(&m->next);
}

static void on_release(struct refslab_object *obj)
{
	released[mortal(obj)->id]++;
}

static int finalize_test_init(struct kunit *test)
{
	const struct refslab_heap_args heap_args = { .name = "kunit-finalize" };
	struct refslab_type_args args = {
		.name = "mortal", .size = sizeof(struct mortal), .slots = 1,
		.finalize = on_finalize, .release = on_release,
	};

	memset(finalized, 0, sizeof(finalized));
	memset(released, 0, sizeof(released));
	rescue = U32_MAX;
	rescued = NULL;
	drop_cycle = false;
	next_seen = false;
	heap = refslab_heap_create(&heap_args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, heap);
	refslab_set_enabled(heap, false);
	type = refslab_type_create(heap, &args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, type);
	args.name = "plain";
	args.finalize = NULL;
	plain = refslab_type_create(heap, &args);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, plain);
	return 0;
}

static void finalize_test_exit(struct kunit *test)
{
	if (IS_ERR_OR_NULL(heap))
		return;
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 0UL);
	heap = NULL;
}

static struct refslab_object *make(struct kunit *test, struct refslab_type *of,
				   u32 id)
{
	struct refslab_object *obj = refslab_alloc(of, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	mortal(obj)->id = id;
	return obj;
}

/* A ring of ids @from to @end - 1, with a reference to the first. */
static struct refslab_object *ring(struct kunit *test, u32 from, u32 end)
{
	struct refslab_object *first = make(test, type, from), *last = first, *obj;
	u32 id;

	for (id = from + 1; id < end; id++) {
		obj = make(test, type, id);
		refslab_slot_set(&mortal(last)->next, obj);
		if (last != first)
			refslab_put(last);
		last = obj;
	}
	refslab_slot_set(&mortal(last)->next, first);
	if (last != first)
		refslab_put(last);
	return first;
}

static u64 collect(struct kunit *test)
{
	struct refslab_sweep_result result;

	KUNIT_EXPECT_EQ(test, refslab_collect(heap, 2, &result), 0);
	return result.freed;
}

static void test_garbage_is_finalized_and_freed(struct kunit *test)
{
	struct refslab_object *first = ring(test, 0, 10);
	u32 i;

	KUNIT_EXPECT_EQ(test, collect(test), 0ULL);
	KUNIT_EXPECT_EQ(test, finalized[0], 0U);
	refslab_put(first);
	/* in the same sweep */
	KUNIT_EXPECT_EQ(test, collect(test), 10ULL);
	KUNIT_EXPECT_TRUE(test, next_seen);
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_EQ(test, finalized[i], 1U);
		KUNIT_EXPECT_EQ(test, released[i], 1U);
	}
}

static void test_count_does_not_finalize(struct kunit *test)
{
	refslab_put(make(test, type, 3));
	KUNIT_EXPECT_EQ(test, finalized[3], 0U);
	KUNIT_EXPECT_EQ(test, released[3], 1U);
}

static void test_resurrection_once(struct kunit *test)
{
	rescue = 2;
	refslab_put(ring(test, 0, 5));
	KUNIT_EXPECT_EQ(test, collect(test), 0ULL);
	KUNIT_EXPECT_NOT_NULL(test, rescued);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 5UL);
	KUNIT_EXPECT_EQ(test, refslab_count(rescued), 2U);
	KUNIT_EXPECT_TRUE(test, refslab_is_finalized(rescued));
	KUNIT_EXPECT_EQ(test, finalized[2], 1U);
	KUNIT_EXPECT_EQ(test, collect(test), 0ULL);
	/* and again garbage: nobody asks a second time */
	refslab_put(rescued);
	KUNIT_EXPECT_EQ(test, collect(test), 5ULL);
	KUNIT_EXPECT_EQ(test, finalized[2], 1U);
	KUNIT_EXPECT_EQ(test, released[2], 1U);
}

static void test_the_rest_goes(struct kunit *test)
{
	rescue = 2;
	refslab_put(ring(test, 0, 5));
	refslab_put(ring(test, 10, 17));
	/* unrelated garbage of the same sweep dies in it */
	KUNIT_EXPECT_EQ(test, collect(test), 7ULL);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 5UL);
	refslab_put(rescued);
	KUNIT_EXPECT_EQ(test, collect(test), 5ULL);
}

static void test_finalizer_breaks_the_cycle(struct kunit *test)
{
	u32 i;

	drop_cycle = true;
	refslab_put(ring(test, 0, 20));
	/* they die by the counts that the sweep has lent them */
	KUNIT_EXPECT_EQ(test, collect(test), 20ULL);
	KUNIT_EXPECT_EQ(test, refslab_type_objects(type), 0UL);
	for (i = 0; i < 20; i++) {
		KUNIT_EXPECT_EQ(test, finalized[i], 1U);
		KUNIT_EXPECT_EQ(test, released[i], 1U);
	}
}

static void test_mixed_with_plain(struct kunit *test)
{
	struct refslab_object *a = make(test, type, 1), *b = make(test, plain, 2);

	refslab_slot_set(&mortal(a)->next, b);
	refslab_slot_set(&mortal(b)->next, a);
	refslab_put(a);
	refslab_put(b);
	KUNIT_EXPECT_EQ(test, collect(test), 2ULL);
	KUNIT_EXPECT_EQ(test, finalized[1], 1U);
	KUNIT_EXPECT_EQ(test, finalized[2], 0U);
	KUNIT_EXPECT_EQ(test, released[2], 1U);
}

static void test_leaf_cannot(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "leaf", .size = 32, .finalize = on_finalize,
	};

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(refslab_type_create(heap, &args)), -EINVAL);
}

/* --- finalizers that do more --- */

/**
 * struct deed - what finalizers of a type of struct knot do
 * @of: called for each, may be NULL
 * @type: of the objects
 * @other: something to do it with
 * @other_type: types to do it with
 * @pages: room for chunks taken from the system
 * @calls: finalizers that ran
 * @again: of these, for an object that had its turn
 * @flag: something to tell the test
 * @began: a thread of it has begun
 */
struct deed {
	void (*of)(struct deed *deed, struct knot *knot);
	struct refslab_type *type;
	struct knot *other;
	struct refslab_type *other_type[2];
	struct page **pages;
	unsigned int calls, again;
	bool flag, began;
};

#define DEED_DONE	BIT_ULL(40)

static void deed_finalize(struct refslab_object *obj)
{
	struct deed *deed = refslab_type_priv(refslab_type_of(obj));
	struct knot *knot = knot_of(obj);

	deed->calls++;
	if (knot->id & DEED_DONE)
		deed->again++;
	knot->id |= DEED_DONE;
	if (deed->of)
		deed->of(deed, knot);
}

static void deed_type(struct kunit *test, struct deed *deed)
{
	const struct refslab_type_args args = {
		.name = "deed", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = knot_ctor,
		.finalize = deed_finalize, .priv = deed,
	};

	deed->type = fixture_type(test, heap, &args);
}

/* Garbage of two of @of. */
static void deed_pair(struct kunit *test, struct refslab_type *of)
{
	struct knot *a = knot_make(test, of), *b = knot_make(test, of);

	knot_edge(a, 0, b);
	knot_edge(b, 0, a);
	knot_put(a);
	knot_put(b);
}

static void leave_pair(struct deed *deed, struct knot *knot)
{
	struct refslab_object *a = refslab_alloc(deed->type, GFP_KERNEL);
	struct refslab_object *b = refslab_alloc(deed->type, GFP_KERNEL);

	refslab_slot_set(&knot_of(a)->slot[0], b);
	refslab_slot_set(&knot_of(b)->slot[0], a);
	refslab_put(a);
	refslab_put(b);
}

/* Garbage that leaves garbage when it goes: no more of it, sweep after sweep. */
static void test_garbage_leaves_garbage(struct kunit *test)
{
	struct deed deed = { .of = leave_pair };
	unsigned int i;

	deed_type(test, &deed);
	deed_pair(test, deed.type);
	for (i = 0; i < 6; i++) {
		KUNIT_EXPECT_EQ(test, collect(test), 2ULL << i);
		EXPECT_OBJECTS(test, deed.type, 4U << i);
	}
	deed.of = NULL;
	KUNIT_EXPECT_EQ(test, collect(test), 2ULL << i);
	EXPECT_OBJECTS(test, deed.type, 0);
	KUNIT_EXPECT_EQ(test, deed.calls, (4U << i) - 2);
	KUNIT_EXPECT_EQ(test, deed.again, 0U);
}

/* What must not be done in a sweep is refused, not done and not waited for. */
static void ask_for_sweeps(struct deed *deed, struct knot *knot)
{
	unsigned int gen;

	for (gen = 0; gen < GENERATIONS; gen++)
		deed->flag |= refslab_collect(heap, gen, NULL) != -EDEADLK;
	deed->flag |= refslab_freeze(heap) != -EDEADLK;
	deed->flag |= refslab_unfreeze(heap) != -EDEADLK;
	deed->flag |= refslab_drain_quarantine(heap) != -EDEADLK;
}

static void test_no_sweep_from_a_finalizer(struct kunit *test)
{
	struct deed deed = { .of = ask_for_sweeps };

	deed_type(test, &deed);
	deed_pair(test, deed.type);
	KUNIT_EXPECT_EQ(test, collect(test), 2ULL);
	KUNIT_EXPECT_EQ(test, deed.calls, 2U);
	KUNIT_EXPECT_FALSE(test, deed.flag);
	KUNIT_EXPECT_EQ(test, heap->sweep.stats[2].runs, 1ULL);
	KUNIT_EXPECT_EQ(test, heap->sweep.stats[0].runs + heap->sweep.stats[1].runs, 0ULL);
}

/* Takes all that the heap's limit allows, and gives it back. */
static void allocate_to_limit(struct deed *deed, struct knot *knot)
{
	struct refslab_object *obj, *head = NULL;

	while ((obj = refslab_alloc(deed->type, GFP_KERNEL))) {
		if (head) {
			refslab_slot_set(&knot_of(obj)->slot[0], head);
			refslab_put(head);
		}
		head = obj;
	}
	if (head)
		refslab_put(head);
}

/* At the limit an allocation sweeps, but none that a sweep makes. */
static void test_allocation_does_not_nest(struct kunit *test)
{
	u64 bytes[POOL_LIMITS] = { [POOL_LIMIT] = 8 * REFSLAB_CHUNK_SIZE };
	struct deed deed = { .of = allocate_to_limit };

	KUNIT_ASSERT_EQ(test, pool_set_limits(&heap->pool, BIT(POOL_LIMIT), bytes), 0);
	deed_type(test, &deed);
	deed_pair(test, deed.type);
	KUNIT_EXPECT_EQ(test, collect(test), 2ULL);
	KUNIT_EXPECT_EQ(test, heap->sweep.stats[2].runs, 1ULL);
	releaser_flush(&heap->releaser);
	EXPECT_OBJECTS(test, deed.type, 0);
	/* outside of one it does */
	deed.of = NULL;
	deed_pair(test, deed.type);
	allocate_to_limit(&deed, NULL);
	KUNIT_EXPECT_GT(test, heap->sweep.stats[2].runs, 1ULL);
	releaser_flush(&heap->releaser);
	collect(test);
	EXPECT_OBJECTS(test, deed.type, 0);
}

/* The first of a ring gives what lives an edge to the last but one. */
static void link_from_live(struct deed *deed, struct knot *knot)
{
	struct refslab_object *next;

	if ((knot->id & ~DEED_DONE) != 1)
		return;
	next = refslab_slot_load(&knot->slot[1]);
	refslab_slot_set(&deed->other->slot[0], next);
	refslab_put(next);
}

/* A slot of a live object is enough to live on, without a reference taken. */
static void test_resurrection_by_a_slot(struct kunit *test)
{
	struct deed deed = { .of = link_from_live };
	struct knot *k[6], *live;
	int i;

	deed_type(test, &deed);
	live = knot_make(test, deed.type);
	deed.other = live;
	for (i = 0; i < 6; i++) {
		k[i] = knot_make(test, deed.type);
		k[i]->id = i;
	}
	/* 0 -> 1 -> 2 -> 0, 1 -> 3 -> 4 -> 5 -> 3 */
	for (i = 0; i < 3; i++) {
		knot_edge(k[i], 0, k[(i + 1) % 3]);
		knot_edge(k[3 + i], 0, k[3 + (i + 1) % 3]);
	}
	knot_edge(k[1], 1, k[3]);
	for (i = 0; i < 6; i++)
		knot_put(k[i]);
	KUNIT_EXPECT_EQ(test, collect(test), 3ULL);
	KUNIT_EXPECT_EQ(test, deed.calls, 6U);
	EXPECT_OBJECTS(test, deed.type, 4);
	for (i = 4; i < 6; i++)
		KUNIT_EXPECT_EQ(test, knot_count(k[i]), 1U);
	/* live and the ring refer to it, the first ring not any more */
	KUNIT_EXPECT_EQ(test, knot_count(k[3]), 2U);
	KUNIT_EXPECT_EQ(test, collect(test), 0ULL);
	knot_put(live);
	KUNIT_EXPECT_EQ(test, collect(test), 3ULL);
	KUNIT_EXPECT_EQ(test, deed.calls, 6U);
	KUNIT_EXPECT_EQ(test, deed.again, 0U);
}

/* Each cuts the ring open behind its next but one, which is another's slot. */
static void cut_others(struct deed *deed, struct knot *knot)
{
	struct refslab_object *next = refslab_slot_load(&knot->slot[0]);

	if (!next)
		return;
	refslab_slot_clear(&knot_of(next)->slot[0]);
	refslab_put(next);
}

static void test_finalizers_change_others(struct kunit *test)
{
	enum { N = 100 };
	struct deed deed = { .of = cut_others };
	struct knot *k[N];
	int i;

	deed_type(test, &deed);
	for (i = 0; i < N; i++)
		k[i] = knot_make(test, deed.type);
	for (i = 0; i < N; i++)
		knot_edge(k[i], 0, k[(i + 1) % N]);
	for (i = 0; i < N; i++)
		knot_put(k[i]);
	KUNIT_EXPECT_EQ(test, collect(test), (u64)N);
	KUNIT_EXPECT_EQ(test, deed.calls, (unsigned int)N);
	KUNIT_EXPECT_EQ(test, deed.again, 0U);
	EXPECT_OBJECTS(test, deed.type, 0);
}

/* A new object, with a finalizer of its own, becomes part of the garbage. */
static void join_new(struct deed *deed, struct knot *knot)
{
	struct refslab_object *obj;

	if (knot->id & ~DEED_DONE)
		return;
	obj = refslab_alloc(deed->type, GFP_KERNEL);
	knot_of(obj)->id = 1;
	refslab_slot_set(&knot_of(obj)->slot[0], &knot->link.object);
	refslab_slot_set(&knot->slot[1], obj);
	refslab_put(obj);
}

/* Its turn is the next sweep's, which is asked by nobody's put. */
static void test_joins_late(struct kunit *test)
{
	struct deed deed = { .of = join_new };
	struct knot *a;

	deed_type(test, &deed);
	a = knot_make(test, deed.type);
	knot_edge(a, 0, a);
	knot_put(a);
	KUNIT_EXPECT_EQ(test, collect(test), 0ULL);
	KUNIT_EXPECT_EQ(test, deed.calls, 1U);
	EXPECT_OBJECTS(test, deed.type, 2);
	KUNIT_EXPECT_EQ(test, collect(test), 2ULL);
	KUNIT_EXPECT_EQ(test, deed.calls, 2U);
	KUNIT_EXPECT_EQ(test, deed.again, 0U);
	EXPECT_OBJECTS(test, deed.type, 0);
}

/* One in three takes itself a reference, on the list of deed->other. */
static void rescue_third(struct deed *deed, struct knot *knot)
{
	if ((knot->id & ~DEED_DONE) % 3)
		return;
	/* the list holds it, and it what was first on the list */
	refslab_slot_move(&knot->slot[1], &deed->other->slot[0]);
	refslab_slot_set(&deed->other->slot[0], &knot->link.object);
}

/* Thousands at once, some of which come back to life. */
static void test_storm(struct kunit *test)
{
	enum { N = 3000 };
	struct deed deed = { .of = rescue_third };
	struct knot *a, *b;
	int i;

	deed_type(test, &deed);
	deed.other = knot_make(test, deed.type);
	for (i = 0; i < N; i++) {
		a = knot_make(test, deed.type);
		b = knot_make(test, deed.type);
		a->id = i;
		b->id = 1;
		knot_edge(a, 0, b);
		knot_edge(b, 0, a);
		knot_put(a);
		knot_put(b);
	}
	KUNIT_EXPECT_EQ(test, collect(test), (u64)2 * N / 3 * 2);
	KUNIT_EXPECT_EQ(test, deed.calls, 2U * N);
	EXPECT_OBJECTS(test, deed.type, 1 + 2 * N / 3);
	KUNIT_EXPECT_EQ(test, collect(test), 0ULL);
	knot_put(deed.other);
	KUNIT_EXPECT_EQ(test, collect(test), (u64)2 * N / 3);
	KUNIT_EXPECT_EQ(test, deed.calls, 2U * N);
	KUNIT_EXPECT_EQ(test, deed.again, 0U);
	EXPECT_OBJECTS(test, deed.type, 0);
}

/* Others' requests wait for the finalizers of the sweep under way. */
static void wait_for_request(struct deed *deed, struct knot *knot)
{
	int i;

	for (i = 0; i < 100 && !READ_ONCE(deed->flag); i++)
		usleep_range(1000, 2000);
}

static int request(void *arg)
{
	struct deed *deed = arg;
	struct refslab_sweep_result result;
	int err;

	WRITE_ONCE(deed->began, true);
	err = refslab_collect(heap, 2, &result);
	WRITE_ONCE(deed->flag, true);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return err ?: result.freed;
}

static void test_request_waits(struct kunit *test)
{
	struct deed deed = { .of = wait_for_request };
	struct task_struct *task;
	u64 freed;
	int i;

	deed_type(test, &deed);
	deed_pair(test, deed.type);
	/* one that asks while we sweep, once a finalizer of ours runs */
	mutex_lock(&heap->sweep.mutex);
	task = kthread_run(request, &deed, "refslab_request");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < 1000 && !READ_ONCE(deed.began); i++)
		msleep(20);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(deed.began));
	msleep(50);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(deed.flag));
	KUNIT_EXPECT_EQ(test, heap->sweep.stats[2].runs, 0ULL);
	mutex_unlock(&heap->sweep.mutex);
	/* both have their sweep, one after the other; one finds all */
	freed = collect(test);
	freed += kthread_stop(task);
	KUNIT_EXPECT_EQ(test, freed, 2ULL);
	KUNIT_EXPECT_TRUE(test, deed.flag);
	KUNIT_EXPECT_EQ(test, deed.calls, 2U);
	KUNIT_EXPECT_EQ(test, heap->sweep.stats[2].runs, 2ULL);
}

/* --- a chunk that goes while finalizers run --- */

#define CHUNKS_TAKEN 64

/* Takes chunks from the system until it has the one at @wanted, and wipes it. */
static bool take_pages(struct page **pages, const void *wanted)
{
	int i;

	for (i = 0; i < CHUNKS_TAKEN; i++) {
		pages[i] = alloc_pages(GFP_KERNEL | __GFP_COMP, REFSLAB_CHUNK_ORDER);
		if (!pages[i])
			return false;
		if (page_address(pages[i]) == wanted) {
			memset(page_address(pages[i]), 0, REFSLAB_CHUNK_SIZE);
			return true;
		}
	}
	return false;
}

/*
 * What was gathered beside the garbage dies, its chunk goes to the system, and
 * the next one has its number. There an object that the garbage refers to now.
 */
static void swap_chunks(struct deed *deed, struct knot *knot)
{
	struct refslab_type *gone = deed->other_type[0], *next = deed->other_type[1];
	struct slab *slab = slab_of(deed->other);
	u32 number = slab->chunk.number;
	struct refslab_object *obj;

	refslab_slot_clear(&knot->slot[1]);
	refslab_put(&deed->other->link.object);
	releaser_flush(&heap->releaser);
	magazine_drain(gone);
	slab_shrink(gone);
	pool_drain(&heap->pool);
	deed->flag = take_pages(deed->pages, slab);

	obj = refslab_alloc(next, GFP_KERNEL);
	if (!obj)
		return;
	deed->flag &= slab_of(obj)->chunk.number == number && slab_of(obj) != slab;
	refslab_slot_set(&knot->slot[1], obj);
	refslab_put(obj);
}

static void test_chunk_number_again(struct kunit *test)
{
	struct deed deed = { .of = swap_chunks };
	struct releases releases = { };
	struct knot *knot;
	int i;

	/* the pages that are taken are of one node */
	fixture_stay(test);
	deed_type(test, &deed);
	deed.pages = kunit_kcalloc(test, CHUNKS_TAKEN, sizeof(*deed.pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, deed.pages);
	deed.other_type[0] = fixture_knots(test, heap, "gone", &releases, 0);
	deed.other_type[1] = fixture_knots(test, heap, "next", &releases, 0);
	knot = knot_make(test, deed.type);
	deed.other = knot_make(test, deed.other_type[0]);
	knot_edge(knot, 0, knot);
	knot_edge(knot, 1, deed.other);
	knot_put(knot);
	/* it and what it refers to */
	KUNIT_EXPECT_EQ(test, collect(test), 2ULL);
	KUNIT_EXPECT_EQ(test, deed.calls, 1U);
	KUNIT_EXPECT_TRUE(test, deed.flag);
	for (i = 0; i < CHUNKS_TAKEN && deed.pages[i]; i++)
		__free_pages(deed.pages[i], REFSLAB_CHUNK_ORDER);
}

static struct kunit_case finalize_cases[] = {
	KUNIT_CASE(test_garbage_is_finalized_and_freed),
	KUNIT_CASE(test_count_does_not_finalize),
	KUNIT_CASE(test_resurrection_once),
	KUNIT_CASE(test_the_rest_goes),
	KUNIT_CASE(test_finalizer_breaks_the_cycle),
	KUNIT_CASE(test_mixed_with_plain),
	KUNIT_CASE(test_leaf_cannot),
	KUNIT_CASE(test_garbage_leaves_garbage),
	KUNIT_CASE(test_no_sweep_from_a_finalizer),
	KUNIT_CASE(test_allocation_does_not_nest),
	KUNIT_CASE(test_resurrection_by_a_slot),
	KUNIT_CASE(test_finalizers_change_others),
	KUNIT_CASE(test_joins_late),
	KUNIT_CASE(test_storm),
	KUNIT_CASE(test_request_waits),
	KUNIT_CASE(test_chunk_number_again),
	{ }
};

static struct kunit_suite finalize_suite = {
	.name = "refslab_finalize",
	.init = finalize_test_init,
	.exit = finalize_test_exit,
	.test_cases = finalize_cases,
};

kunit_test_suites(&finalize_suite);
