// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation of each in-kernel call fails once, and then all of them. The
 * call fails then and has left nothing behind, or did without; and it works when
 * it is called again. That slabs and pages can fail is armed by who loads the
 * module (tools/vm/kunit).
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "account.h"
#include "fixture.h"
#include "pages.h"

#define ALL	UINT_MAX

/* From here on the n-th allocation of this task fails, or @ALL do; 0 for none. */
static void set_fail(unsigned int n)
{
#ifdef CONFIG_FAULT_INJECTION
	WRITE_ONCE(current->fail_nth, n == ALL ? 0 : n);
	current->make_it_fail = n == ALL;
#endif
}

/* Whether it has come to that; none fails afterwards. */
static bool has_failed(void)
{
	bool failed = true;

#ifdef CONFIG_FAULT_INJECTION
	failed = !READ_ONCE(current->fail_nth);
#endif
	set_fail(0);
	return failed;
}

/**
 * struct scene - what calls are tried on, and what they made
 * @fixture: must be the first
 * @home: the heap that is looked at: the fixture's, or @heap
 * @heap: a heap they made
 * @type: a type; NULL or an error for none
 * @reserve: a reserve
 * @object: an object
 * @objects: several
 * @weak: a weak reference
 */
struct scene {
	struct fixture		fixture;
	struct refslab_heap	*home;
	struct refslab_heap	*heap;
	struct refslab_type	*type;
	struct refslab_reserve	*reserve;
	struct refslab_object	*object;
	struct refslab_object	*objects[64];
	struct refslab_weak	weak;
};

static void weak_died(struct refslab_weak *weak)
{
}

static int scene_init(struct kunit *test)
{
	struct scene *scene;
	int err;

	if (!IS_ENABLED(CONFIG_FAILSLAB) || !IS_ENABLED(CONFIG_FAIL_PAGE_ALLOC))
		kunit_skip(test, "the kernel has no fault injection");
	err = fixture_init(test);
	if (err)
		return err;
	scene = kunit_kzalloc(test, sizeof(*scene), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, scene);
	scene->fixture = *(struct fixture *)test->priv;
	scene->home = scene->fixture.heap;
	test->priv = scene;
	return 0;
}

static int create_heap(struct scene *scene)
{
	const struct refslab_heap_args args = { .name = "new", .reserve = SZ_256K };

	scene->heap = refslab_heap_create(&args);
	return PTR_ERR_OR_ZERO(scene->heap);
}

static void destroy_heap(struct scene *scene)
{
	refslab_heap_destroy(scene->heap);
}

static int create_type(struct scene *scene)
{
	static const u16 offsets[] = {
		offsetof(struct knot, slot[0]), offsetof(struct knot, slot[1]),
	};
	const struct refslab_type_args args = {
		.name = "new", .size = sizeof(struct knot), .slots = ARRAY_SIZE(offsets),
		.slot_offsets = offsets, .ctor = knot_ctor,
		.flags = REFSLAB_TYPE_WEAK | REFSLAB_TYPE_TRACE | REFSLAB_TYPE_RED_ZONE,
	};

	scene->type = refslab_type_create(scene->fixture.heap, &args);
	return PTR_ERR_OR_ZERO(scene->type);
}

static void destroy_type(struct scene *scene)
{
	refslab_type_destroy(scene->type);
	scene->type = NULL;
}

static int end_heap(struct scene *scene)
{
	return refslab_heap_destroy(scene->heap);
}

static int end_type(struct scene *scene)
{
	struct refslab_type *type = scene->type;

	scene->type = NULL;
	return refslab_type_destroy(type);
}

/* A type in a heap that has no page yet. With weak references: their table is the heap's. */
static int create_home(struct scene *scene)
{
	const struct refslab_heap_args heap_args = { .name = "home" };
	const struct refslab_type_args type_args = {
		.name = "large", .size = 8000, .flags = REFSLAB_TYPE_WEAK,
	};

	scene->heap = refslab_heap_create(&heap_args);
	if (IS_ERR(scene->heap))
		return PTR_ERR(scene->heap);
	scene->home = scene->heap;
	scene->type = refslab_type_create(scene->heap, &type_args);
	return PTR_ERR_OR_ZERO(scene->type);
}

static void destroy_home(struct scene *scene)
{
	scene->home = scene->fixture.heap;
	scene->type = NULL;
	destroy_heap(scene);
}

static int alloc(struct scene *scene)
{
	scene->object = refslab_alloc(scene->type, GFP_KERNEL);
	return scene->object ? 0 : -ENOMEM;
}

static void put(struct scene *scene)
{
	refslab_put(scene->object);
	destroy_home(scene);
}

static int alloc_bulk(struct scene *scene)
{
	unsigned int n = refslab_alloc_bulk(scene->type, GFP_KERNEL,
					    ARRAY_SIZE(scene->objects), scene->objects);

	if (n == ARRAY_SIZE(scene->objects))
		return 0;
	/* some are better than none */
	refslab_put_bulk(n, scene->objects);
	return -ENOMEM;
}

static void put_bulk(struct scene *scene)
{
	refslab_put_bulk(ARRAY_SIZE(scene->objects), scene->objects);
	destroy_home(scene);
}

static int prefill(struct scene *scene)
{
	/* what vmalloc() has to say is not what is looked for */
	scene->reserve = refslab_prefill(scene->type, ARRAY_SIZE(scene->objects),
					 GFP_KERNEL | __GFP_NOWARN);
	return PTR_ERR_OR_ZERO(scene->reserve);
}

static void destroy_reserve(struct scene *scene)
{
	refslab_reserve_destroy(scene->reserve);
	destroy_home(scene);
}

/* A reserve that is used up. */
static int use_reserve(struct scene *scene)
{
	int i, err = create_home(scene) ?: prefill(scene);

	for (i = 0; !err && i < ARRAY_SIZE(scene->objects); i++)
		scene->objects[i] = refslab_alloc_reserved(scene->reserve);
	return err;
}

static int refill(struct scene *scene)
{
	return refslab_reserve_refill(scene->reserve, GFP_KERNEL);
}

static void put_reserve(struct scene *scene)
{
	refslab_put_bulk(ARRAY_SIZE(scene->objects), scene->objects);
	destroy_reserve(scene);
}

static int create_object(struct scene *scene)
{
	return create_home(scene) ?: alloc(scene);
}

static int set_weak(struct scene *scene)
{
	refslab_weak_init(&scene->weak, weak_died);
	return refslab_weak_set(&scene->weak, scene->object);
}

static void clear_weak(struct scene *scene)
{
	refslab_weak_clear(&scene->weak);
	put(scene);
}

static int collect(struct scene *scene)
{
	return refslab_collect(scene->fixture.heap, 2, NULL);
}

static void nothing(struct scene *scene)
{
}

static void heard(struct refslab_listener *listener, unsigned int generation,
		  const struct refslab_sweep_result *result)
{
}

static int make_knots(struct scene *scene)
{
	int err = create_type(scene) ?: alloc(scene) ?: set_weak(scene);

	if (!err && refslab_alloc_bulk(scene->type, GFP_KERNEL, 2, scene->objects) != 2)
		err = -ENOMEM;
	return err;
}

/* All that cannot say that it had no memory: none of it wants any. */
static int use_the_rest(struct scene *scene)
{
	struct refslab_heap *heap = scene->fixture.heap;
	struct knot *a = knot_of(scene->objects[0]), *b = knot_of(scene->objects[1]);
	struct refslab_listener listener = { .sweep = heard };
	struct refslab_object *found[4], *obj;
	u32 threshold[3];
	u64 cursor = 0;
	s64 count[3];
	int wrong = 0;

	refslab_listen(heap, &listener);
	refslab_get(&a->link.object);
	refslab_put(&a->link.object);
	wrong += !refslab_tryget(&a->link.object);
	refslab_put(&a->link.object);
	refslab_slot_set(&a->slot[0], &b->link.object);
	refslab_slot_move(&a->slot[1], &a->slot[0]);
	wrong += !refslab_slot_cmpxchg(&a->slot[1], &b->link.object, &a->link.object);
	obj = refslab_slot_load(&a->slot[1]);
	wrong += obj != &a->link.object;
	refslab_put(obj);
	refslab_slot_clear(&a->slot[1]);
	obj = refslab_weak_get(&scene->weak);
	wrong += obj != scene->object;
	refslab_put(obj);
	refslab_get_thresholds(heap, threshold);
	wrong += refslab_set_thresholds(heap, threshold) != 0;
	refslab_get_counts(heap, count);
	refslab_set_enabled(heap, refslab_is_enabled(heap));
	refslab_set_logging(heap, refslab_get_logging(heap));
	refslab_put_bulk(refslab_inspect_objects(heap, scene->type, REFSLAB_ANY_GENERATION,
						 &cursor, found, ARRAY_SIZE(found)), found);
	cursor = 0;
	refslab_put_bulk(refslab_inspect_referrers(&a->link.object, &cursor, found,
						   ARRAY_SIZE(found)), found);
	cursor = 0;
	refslab_put_bulk(refslab_inspect_referents(&a->link.object, &cursor, found,
						   ARRAY_SIZE(found)), found);
	wrong += refslab_freeze(heap) < 0;
	wrong += !refslab_frozen(heap);
	wrong += refslab_unfreeze(heap) < 0;
	refslab_set_quarantine(heap, true);
	wrong += refslab_quarantined(heap) || !refslab_get_quarantine(heap);
	wrong += refslab_drain_quarantine(heap) < 0;
	refslab_set_quarantine(heap, false);
	wrong += refslab_collect(heap, 2, NULL) != 0;
	refslab_unlisten(heap, &listener);
	return wrong ? -EIO : 0;
}

static void drop_knots(struct scene *scene)
{
	refslab_put_bulk(2, scene->objects);
	refslab_weak_clear(&scene->weak);
	refslab_put(scene->object);
	destroy_type(scene);
}

struct try {
	const char	*name;
	int		(*prepare)(struct scene *scene);
	int		(*call)(struct scene *scene);
	void		(*undo)(struct scene *scene);
	unsigned int	least;	/* allocations that it cannot do without */
	bool		wants;	/* memory: it fails where there is none at all */
};

static const struct try tries[] = {
	{ "heap_create", NULL, create_heap, destroy_heap, 8, true },
	{ "heap_destroy", create_heap, end_heap, nothing, 0, false },
	{ "type_create", NULL, create_type, destroy_type, 5, true },
	{ "type_destroy", create_type, end_type, nothing, 0, false },
	/* a chunk is asked for twice, from near and from anywhere */
	{ "alloc", create_home, alloc, put, 0, true },
	{ "alloc_bulk", create_home, alloc_bulk, put_bulk, 0, true },
	{ "prefill", create_home, prefill, destroy_reserve, 1, true },
	{ "reserve_refill", use_reserve, refill, put_reserve, 0, true },
	/* its table can be had in two ways */
	{ "weak_set", create_object, set_weak, clear_weak, 0, true },
	{ "collect", NULL, collect, nothing, 0, false },
	{ "the rest", make_knots, use_the_rest, drop_knots, 0, false },
};

/**
 * struct books - what a call that failed has left as it was
 * @types: types of the heap
 * @objects: objects of the heap
 * @chunks: chunks that slabs have
 */
struct books {
	unsigned long types;
	unsigned long objects;
	unsigned long chunks;
};

static struct books books_of(struct scene *scene)
{
	struct refslab_heap *heap = scene->home;
	struct books books = { .objects = heap_objects(heap) };
	struct refslab_type *type;
	unsigned long id;

	/* empty slabs are no loss */
	if (!IS_ERR_OR_NULL(scene->type))
		slab_shrink(scene->type);
	books.chunks = READ_ONCE(heap->pool.used);
	xa_for_each(&heap->types, id, type)
		books.types++;
	return books;
}

/* A heap that could not be made has left none; another's pool may have more for a moment. */
static bool none_left(long before)
{
	unsigned int i;

	for (i = 0; i < 50 && pages_count() > before; i++)
		msleep(20);
	return pages_count() <= before;
}

/* Calls with one fault, or with nothing but faults. Whether any came, and died of it. */
static bool try_fault(struct kunit *test, const struct try *try, unsigned int n, bool *died)
{
	struct scene *scene = test->priv;
	struct books before, after;
	long pages;
	bool hit;
	int err;

	if (try->prepare)
		KUNIT_ASSERT_EQ(test, try->prepare(scene), 0);
	before = books_of(scene);
	pages = pages_count();
	set_fail(n);
	err = try->call(scene);
	hit = has_failed();
	*died = err;
	if (err) {
		KUNIT_EXPECT_TRUE_MSG(test, hit, "%s failed by itself: %d", try->name, err);
		KUNIT_EXPECT_EQ_MSG(test, err, -ENOMEM, "%s, allocation %u", try->name, n);
		if (try->call == create_heap)
			KUNIT_EXPECT_TRUE_MSG(test, none_left(pages), "%s, allocation %u",
					      try->name, n);
		after = books_of(scene);
		KUNIT_EXPECT_EQ_MSG(test, after.types, before.types, "%s, allocation %u",
				    try->name, n);
		KUNIT_EXPECT_EQ_MSG(test, after.objects, before.objects, "%s, allocation %u",
				    try->name, n);
		/* a reserve keeps what could be had */
		if (try->call != refill)
			KUNIT_EXPECT_EQ_MSG(test, after.chunks, before.chunks,
					    "%s, allocation %u", try->name, n);
		KUNIT_EXPECT_EQ_MSG(test, heap_validate(scene->home), 0, "%s, allocation %u",
				    try->name, n);
		err = try->call(scene);
		KUNIT_ASSERT_EQ_MSG(test, err, 0, "%s again", try->name);
	}
	try->undo(scene);
	return hit;
}

static void try_one(struct kunit *test, const struct try *try)
{
	unsigned int n, failed = 0;
	bool died;

	for (n = 1; try_fault(test, try, n, &died); n++) {
		failed += died;
		KUNIT_ASSERT_LT_MSG(test, n, 1000, "%s goes on allocating", try->name);
	}
	KUNIT_EXPECT_GE_MSG(test, failed, try->least, "%s", try->name);
	kunit_info(test, "%s: %u of %u allocations were its end\n", try->name, failed, n - 1);
	try_fault(test, try, ALL, &died);
	KUNIT_EXPECT_EQ_MSG(test, died, try->wants, "%s without any memory", try->name);
}

/* In two: a case may not take as long as it likes. */
static void test_calls(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i += 2)
		try_one(test, &tries[i]);
}

static void test_other_calls(struct kunit *test)
{
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(tries); i += 2)
		try_one(test, &tries[i]);
}

/* As what empties magazines for want of memory: nothing but the sweep's lock keeps types. */
static int look_at_types(void *data)
{
	struct refslab_heap *heap = data;
	struct refslab_type *type;
	unsigned long id;

	while (!kthread_should_stop()) {
		mutex_lock(&heap->sweep.mutex);
		xa_for_each(&heap->types, id, type) {
			msleep(20);
			WRITE_ONCE(type->magazine_room, READ_ONCE(type->magazine_room));
		}
		mutex_unlock(&heap->sweep.mutex);
		msleep(20);
	}
	return 0;
}

/* A type that cannot be made is not found by anybody before it is gone; KASAN tells. */
static void test_types_stay(struct kunit *test)
{
	struct scene *scene = test->priv;
	struct task_struct *task;
	unsigned int n;

	task = kthread_run(look_at_types, scene->fixture.heap, "refslab-kunit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (n = 1; n < 1000; n++) {
		set_fail(n);
		create_type(scene);
		if (!has_failed())
			break;
		if (!IS_ERR(scene->type))
			destroy_type(scene);
	}
	kthread_stop(task);
	KUNIT_EXPECT_LT(test, n, 1000U);
	KUNIT_ASSERT_FALSE(test, IS_ERR(scene->type));
	destroy_type(scene);
}

static unsigned int made;

static void count_made(struct refslab_object *obj)
{
	made++;
}

/* An object that cannot be put on its account has not been seen by anybody. */
static void test_uncounted(struct kunit *test)
{
	const struct refslab_heap_args heap_args = { .name = "accounts" };
	const struct refslab_type_args args = {
		.name = "counted", .size = 64, .ctor = count_made, .flags = REFSLAB_TYPE_WEAK,
	};
	struct refslab_heap *heap = fixture_heap(test, &heap_args);
	struct refslab_type *type = fixture_type(test, heap, &args);
	int account = account_open(heap);
	struct refslab_object *obj;

	KUNIT_ASSERT_GT(test, account, 0);
	/* one that is not counted brings the memory, but not that of the account */
	refslab_put(obj_make(test, type));
	made = 0;
	set_fail(ALL);
	obj = account_alloc(type, account, SZ_1M);
	set_fail(0);
	KUNIT_EXPECT_PTR_EQ(test, obj, ERR_PTR(-ENOMEM));
	KUNIT_EXPECT_EQ(test, made, 0U);
	KUNIT_EXPECT_EQ(test, account_bytes(heap, account), 0);
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);

	obj = account_alloc(type, account, SZ_1M);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	KUNIT_EXPECT_EQ(test, made, 1U);
	KUNIT_EXPECT_EQ(test, account_bytes(heap, account), type->layout.size);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, account_bytes(heap, account), 0);
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);
	refslab_heap_destroy(heap);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE_SLOW(test_calls),
	KUNIT_CASE_SLOW(test_other_calls),
	KUNIT_CASE_SLOW(test_types_stay),
	KUNIT_CASE(test_uncounted),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "refslab_fault",
	.init = scene_init,
	.exit = fixture_exit,
	.test_cases = fault_cases,
};

kunit_test_suites(&fault_suite);
