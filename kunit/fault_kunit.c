// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation of each in-kernel call fails once. The call fails then and has
 * left nothing behind, or did without; and it works when it is called again.
 * That slabs and pages can fail is armed by who loads the module (tools/vm/kunit).
 */
#include <linux/sched.h>

#include "fixture.h"

/* From here on the n-th allocation of this task fails; 0 for none. */
static void set_fail(unsigned int n)
{
#ifdef CONFIG_FAULT_INJECTION
	WRITE_ONCE(current->fail_nth, n);
#endif
}

/* Whether it has come to that; none fails afterwards. */
static bool has_failed(void)
{
	bool failed = true;

#ifdef CONFIG_FAULT_INJECTION
	failed = !READ_ONCE(current->fail_nth);
	WRITE_ONCE(current->fail_nth, 0);
#endif
	return failed;
}

/**
 * struct scene - what calls are tried on, and what they made
 * @fixture: must be the first
 * @heap: a heap they made
 * @type: a type
 * @reserve: a reserve
 * @object: an object
 * @objects: several
 * @weak: a weak reference
 */
struct scene {
	struct fixture		fixture;
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
}

/* The first of its type, for which there is no slab. */
static int alloc(struct scene *scene)
{
	scene->object = refslab_alloc(scene->type, GFP_KERNEL);
	return scene->object ? 0 : -ENOMEM;
}

static void put(struct scene *scene)
{
	refslab_put(scene->object);
	destroy_type(scene);
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
	destroy_type(scene);
}

static int prefill(struct scene *scene)
{
	scene->reserve = refslab_prefill(scene->type, 1000, GFP_KERNEL);
	return PTR_ERR_OR_ZERO(scene->reserve);
}

static void destroy_reserve(struct scene *scene)
{
	refslab_reserve_destroy(scene->reserve);
	destroy_type(scene);
}

/* In a heap of its own: the table of weak references stays with the heap. */
static int create_object(struct scene *scene)
{
	const struct refslab_type_args args = {
		.name = "weak", .size = 64, .flags = REFSLAB_TYPE_WEAK,
	};
	int err = create_heap(scene);

	if (err)
		return err;
	scene->type = refslab_type_create(scene->heap, &args);
	return PTR_ERR_OR_ZERO(scene->type) ?: alloc(scene);
}

static int set_weak(struct scene *scene)
{
	refslab_weak_init(&scene->weak, weak_died);
	return refslab_weak_set(&scene->weak, scene->object);
}

static void clear_weak(struct scene *scene)
{
	refslab_weak_clear(&scene->weak);
	refslab_put(scene->object);
	destroy_heap(scene);
}

static int collect(struct scene *scene)
{
	return refslab_collect(scene->fixture.heap, 2, NULL);
}

static void nothing(struct scene *scene)
{
}

struct try {
	const char	*name;
	int		(*prepare)(struct scene *scene);
	int		(*call)(struct scene *scene);
	void		(*undo)(struct scene *scene);
	unsigned int	least;	/* allocations without which it cannot do */
	bool		logged;	/* the kernel names the file that cannot be made */
};

static const struct try tries[] = {
	{ "heap_create", NULL, create_heap, destroy_heap, 8, true },
	{ "type_create", NULL, create_type, destroy_type, 5, true },
	{ "alloc", create_type, alloc, put, 1, false },
	{ "alloc_bulk", create_type, alloc_bulk, put_bulk, 1, false },
	{ "prefill", create_type, prefill, destroy_reserve, 2, false },
	/* its table can be had in two ways */
	{ "weak_set", create_object, set_weak, clear_weak, 0, false },
	{ "collect", NULL, collect, nothing, 0, false },
};

/* That a call which failed has left no type, no object and no wrong book. */
static void expect_unchanged(struct kunit *test, const struct try *try, unsigned int n,
			     unsigned long types)
{
	struct scene *scene = test->priv;
	struct refslab_heap *heap = scene->fixture.heap;
	struct refslab_type *type;
	unsigned long id, now = 0;

	xa_for_each(&heap->types, id, type)
		now++;
	KUNIT_EXPECT_EQ_MSG(test, now, types, "%s, allocation %u", try->name, n);
	KUNIT_EXPECT_EQ_MSG(test, heap_objects(heap), 0, "%s, allocation %u", try->name, n);
	KUNIT_EXPECT_EQ_MSG(test, heap_validate(heap), 0, "%s, allocation %u", try->name, n);
}

static void try_one(struct kunit *test, const struct try *try)
{
	struct scene *scene = test->priv;
	struct refslab_heap *heap = scene->fixture.heap;
	unsigned int n, failed = 0;
	struct refslab_type *type;
	unsigned long id;
	bool hit = true;
	int err;

	if (try->logged)
		expect_in_log("kobject_add_internal failed");
	for (n = 1; hit && n < 1000; n++) {
		unsigned long types = 0, used = heap->pool.used;

		if (try->prepare)
			KUNIT_ASSERT_EQ(test, try->prepare(scene), 0);
		xa_for_each(&heap->types, id, type)
			types++;
		set_fail(n);
		err = try->call(scene);
		hit = has_failed();
		if (err) {
			failed++;
			KUNIT_EXPECT_TRUE_MSG(test, hit, "%s failed by itself: %d", try->name, err);
			KUNIT_EXPECT_EQ_MSG(test, err, -ENOMEM, "%s, allocation %u", try->name, n);
			expect_unchanged(test, try, n, types);
			err = try->call(scene);
			KUNIT_ASSERT_EQ_MSG(test, err, 0, "%s again", try->name);
		}
		try->undo(scene);
		KUNIT_EXPECT_EQ_MSG(test, heap->pool.used, used, "%s, allocation %u", try->name, n);
	}
	if (try->logged)
		unexpect_in_log();
	KUNIT_EXPECT_FALSE_MSG(test, hit, "%s goes on allocating", try->name);
	KUNIT_EXPECT_GE_MSG(test, failed, try->least, "%s", try->name);
	kunit_info(test, "%s: %u of %u allocations were its end\n", try->name, failed, n - 2);
}

static void test_calls(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++)
		try_one(test, &tries[i]);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(test_calls),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "refslab_fault",
	.init = scene_init,
	.exit = fixture_exit,
	.test_cases = fault_cases,
};

kunit_test_suites(&fault_suite);
