// SPDX-License-Identifier: GPL-2.0
/*
 * Types: what is refused, where slots may be, what a fresh object looks like.
 */
#include <linux/slab.h>

#include "fixture.h"

static struct refslab_slot *no_slots(struct refslab_object *obj, unsigned long *cursor)
{
	return NULL;
}

/* --- what is refused --- */

static const u16 offsets_good[] = { 16, 40 };
static const u16 offsets_in_header[] = { 16, 8 };
static const u16 offsets_odd[] = { 16, 28 };
static const u16 offsets_beyond[] = { 16, 64 };
static const u16 offsets_twice[] = { 24, 24 };

static const struct refslab_type_args refused[] = {
	{ .name = NULL, .size = 64 },
	{ .name = "", .size = 64 },
	{ .name = ".hidden", .size = 64 },
	{ .name = "a/b", .size = 64 },
	{ .name = "a b", .size = 64 },
	{ .name = "a\n", .size = 64 },
	{ .name = "\303\244", .size = 64 },
	{ .name = "a-name-of-32-letters-is-one-more", .size = 64 },
	{ .name = "bad", .size = 64, .flags = REFSLAB_TYPE_FLAGS + 1 },
	{ .name = "bad", .size = 64, .flags = BIT(31) },
	/* size */
	{ .name = "bad", .size = 0 },
	{ .name = "bad", .size = 7 },
	{ .name = "bad", .size = REFSLAB_OBJECT_MAX + 1 },
	{ .name = "bad", .size = SIZE_MAX },
	{ .name = "bad", .size = 8, .traverse = no_slots },
	{ .name = "bad", .size = 23, .slots = 1 },
	{ .name = "bad", .size = 39, .slots = 3 },
	/* alignment */
	{ .name = "bad", .size = 64, .align = 24 },
	{ .name = "bad", .size = 64, .align = PAGE_SIZE * 2 },
	{ .name = "bad", .size = 64, .align = SIZE_MAX },
	{ .name = "bad", .size = 64, .align = 64, .align_offset = 4 },
	{ .name = "bad", .size = 64, .align = 64, .align_offset = 8 },
	{ .name = "bad", .size = 64, .align = 64, .align_offset = REFSLAB_OBJECT_MAX + 8 },
	{ .name = "bad", .size = 64, .align = 64, .align_offset = SIZE_MAX - 7 },
	/* slots */
	{ .name = "bad", .size = 64, .slots = 1, .slot_offset = 8 },
	{ .name = "bad", .size = 64, .slots = 1, .slot_offset = 20 },
	{ .name = "bad", .size = 64, .slots = 1, .slot_offset = 64 },
	{ .name = "bad", .size = 64, .slots = 2, .slot_offset = 56 },
	{ .name = "bad", .size = 64, .slots = 7 },
	{ .name = "bad", .size = 64, .slots = 1, .slot_offset = U32_MAX - 7 },
	{ .name = "bad", .size = 64, .slots = U32_MAX },
	{ .name = "bad", .size = 64, .slots = BIT(29) },
	{ .name = "bad", .size = 64, .slots = 2, .slot_offsets = offsets_in_header },
	{ .name = "bad", .size = 64, .slots = 2, .slot_offsets = offsets_odd },
	{ .name = "bad", .size = 64, .slots = 2, .slot_offsets = offsets_beyond },
	{ .name = "bad", .size = 64, .slots = 2, .slot_offsets = offsets_twice },
	{ .name = "bad", .size = 64, .slot_offsets = offsets_good },
	{ .name = "bad", .size = 64, .slots = 2, .slot_offsets = offsets_good, .slot_offset = 16 },
	{ .name = "bad", .size = 64, .traverse = no_slots, .slots = 1 },
	{ .name = "bad", .size = 64, .traverse = no_slots, .slot_offset = 16 },
	{ .name = "bad", .size = 64, .traverse = no_slots, .slot_offsets = offsets_good },
};

static void test_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type;
	int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		type = refslab_type_create(f->heap, &refused[i]);
		KUNIT_EXPECT_PTR_EQ_MSG(test, type, ERR_PTR(-EINVAL), "refused[%d]", i);
	}
	KUNIT_EXPECT_EQ(test, f->heap->type_count, 2);
}

static void test_accepted(struct kunit *test)
{
	static const struct refslab_type_args accepted[] = {
		{ .name = "a-name-of-31-letters.is_the-most", .size = 8 },
		{ .name = "least-linked", .size = 16, .traverse = no_slots },
		{ .name = "least-slot", .size = 24, .slots = 1 },
		{ .name = "most", .size = REFSLAB_OBJECT_MAX, .slots = 1998 },
		{ .name = "odd", .size = 4095 },
		{ .name = "last-slot", .size = 64, .slots = 1, .slot_offset = 56 },
		{ .name = "offsets", .size = 64, .slots = 2, .slot_offsets = offsets_good },
		{ .name = "page", .size = 64, .align = PAGE_SIZE },
	};
	struct fixture *f = test->priv;
	struct refslab_object *obj;
	struct refslab_type *type;
	char name[32];
	int i;

	for (i = 0; i < ARRAY_SIZE(accepted); i++) {
		struct refslab_type_args args = accepted[i];

		strscpy(name, args.name, sizeof(name));
		args.name = name;
		type = refslab_type_create(f->heap, &args);
		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(type), "accepted[%d]", i);
		obj = obj_make(test, type);
		memset((void *)obj + type->header, 0,
		       type->size - type->header);
		KUNIT_EXPECT_PTR_EQ(test, refslab_type_of(obj), type);
		KUNIT_EXPECT_PTR_EQ(test, refslab_heap_of(obj), f->heap);
		refslab_put(obj);
		KUNIT_EXPECT_EQ(test, type_validate(type), 0);
		KUNIT_EXPECT_EQ(test, refslab_type_destroy(type), 0);
	}
}

static void test_name_taken(struct kunit *test)
{
	const struct refslab_type_args args = { .name = "leaf", .size = 32 };
	struct fixture *f = test->priv;

	KUNIT_EXPECT_PTR_EQ(test, refslab_type_create(f->heap, &args), ERR_PTR(-EEXIST));
	/* once it is gone its name is free */
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(f->leaf), 0);
	f->leaf = fixture_type(test, f->heap, &args);
	KUNIT_EXPECT_EQ(test, f->leaf->size, 32);
}

static void test_too_many(struct kunit *test)
{
	struct refslab_type_args args = { .name = "last", .size = 16 };
	struct fixture *f = test->priv;
	u32 count = f->heap->type_count;
	struct refslab_type *last;

	/* as if so many had been made, which takes its time */
	f->heap->type_count = TYPES_MAX - 1;
	last = fixture_type(test, f->heap, &args);
	KUNIT_EXPECT_EQ(test, f->heap->type_count, TYPES_MAX);
	args.name = "more";
	KUNIT_EXPECT_PTR_EQ(test, refslab_type_create(f->heap, &args), ERR_PTR(-ENOSPC));
	KUNIT_EXPECT_EQ(test, f->heap->type_count, TYPES_MAX);
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(last), 0);
	fixture_type(test, f->heap, &args);
	KUNIT_EXPECT_EQ(test, f->heap->type_count, TYPES_MAX);
	f->heap->type_count = count + 1;
}

static void test_busy(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->leaf);

	KUNIT_EXPECT_EQ(test, refslab_type_destroy(f->leaf), -EBUSY);
	/* it goes on as before */
	KUNIT_EXPECT_PTR_EQ(test, type_find(f->heap, f->leaf->id), f->leaf);
	refslab_put(obj_make(test, f->leaf));
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(f->leaf), 0);
	KUNIT_EXPECT_EQ(test, f->heap->pool.used, 0);
}

static void test_numbers(struct kunit *test)
{
	struct fixture *f = test->priv;
	u32 first = f->knot->id, second = f->leaf->id;

	KUNIT_EXPECT_EQ(test, first, 1);
	KUNIT_EXPECT_EQ(test, second, 2);
	mutex_lock(&f->heap->lock);
	KUNIT_EXPECT_PTR_EQ(test, type_find(f->heap, 1), f->knot);
	KUNIT_EXPECT_PTR_EQ(test, type_find(f->heap, 2), f->leaf);
	KUNIT_EXPECT_NULL(test, type_find(f->heap, 0));
	KUNIT_EXPECT_NULL(test, type_find(f->heap, 3));
	KUNIT_EXPECT_PTR_EQ(test, type_next(f->heap, 0), f->knot);
	KUNIT_EXPECT_PTR_EQ(test, type_next(f->heap, 1), f->leaf);
	KUNIT_EXPECT_NULL(test, type_next(f->heap, 2));
	KUNIT_EXPECT_NULL(test, type_next(f->heap, U32_MAX));
	mutex_unlock(&f->heap->lock);
}

/* --- slots --- */

/* Room for slots wherever a layout has them. */
struct scattered {
	struct refslab_linked	link;
	u64			payload;
	struct refslab_slot	first;
	u64			more;
	u32			count, unused;
	struct refslab_slot	rest[3];
};

static const u16 scattered_offsets[] = {
	offsetof(struct scattered, rest[2]), offsetof(struct scattered, first),
	offsetof(struct scattered, rest[0]),
};

/* The first, and so many of the rest as the ctor said. */
static struct refslab_slot *scattered_traverse(struct refslab_object *obj,
					       unsigned long *cursor)
{
	struct scattered *s = container_of(obj, struct scattered, link.object);
	unsigned long i = (*cursor)++;

	if (!i)
		return &s->first;
	return i <= s->count ? &s->rest[i - 1] : NULL;
}

static void scattered_ctor(struct refslab_object *obj)
{
	struct scattered *s = container_of(obj, struct scattered, link.object);

	s->payload = ~0ULL;
	s->more = ~0ULL;
	s->count = 3;
	s->unused = U32_MAX;
}

/* Each slot of a type in turn closes a cycle, and holds a leaf that must go. */
static void slots_try(struct kunit *test, const struct refslab_type_args *args,
		      const u16 *offsets, unsigned int n)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_type(test, f->heap, args);
	struct refslab_object *a, *b, *leaf;
	unsigned long cursor = 0;
	unsigned int i, seen = 0;

	KUNIT_EXPECT_FALSE(test, type->leaf);
	for (i = 0; i < n; i++) {
		a = obj_make(test, type);
		b = obj_make(test, type);
		leaf = obj_make(test, f->leaf);
		KUNIT_EXPECT_NULL(test, *(void **)((void *)a + offsets[i]));
		refslab_slot_set((void *)a + offsets[i], b);
		refslab_slot_set((void *)b + offsets[i], a);
		refslab_slot_set((void *)b + offsets[(i + 1) % n], leaf);
		refslab_put(leaf);
		refslab_put(a);
		refslab_put(b);
		KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 3);
		EXPECT_OBJECTS(test, type, 0);

		/* and by count */
		a = obj_make(test, type);
		leaf = obj_make(test, f->leaf);
		refslab_slot_set((void *)a + offsets[i], leaf);
		refslab_put(leaf);
		refslab_put(a);
		EXPECT_OBJECTS(test, f->leaf, 0);
	}

	a = obj_make(test, type);
	while (type_next_slot(type, a, &cursor))
		seen++;
	KUNIT_EXPECT_EQ(test, seen, n);
	KUNIT_EXPECT_NULL(test, type_next_slot(type, a, &cursor));
	refslab_put(a);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
}

static void test_slots_array(struct kunit *test)
{
	const u16 offsets[] = { offsetof(struct scattered, rest[0]),
				offsetof(struct scattered, rest[1]),
				offsetof(struct scattered, rest[2]) };
	const struct refslab_type_args args = {
		.name = "array", .size = sizeof(struct scattered), .slots = 3,
		.slot_offset = offsetof(struct scattered, rest),
		.ctor = scattered_ctor,
	};

	slots_try(test, &args, offsets, ARRAY_SIZE(offsets));
}

static void test_slots_behind_header(struct kunit *test)
{
	const u16 offsets[] = { 16, 24 };
	const struct refslab_type_args args = { .name = "behind", .size = 32, .slots = 2 };

	slots_try(test, &args, offsets, ARRAY_SIZE(offsets));
}

static void test_slots_offsets(struct kunit *test)
{
	u16 given[ARRAY_SIZE(scattered_offsets)];
	const struct refslab_type_args args = {
		.name = "offsets", .size = sizeof(struct scattered),
		.slots = ARRAY_SIZE(given), .slot_offsets = given,
		.ctor = scattered_ctor,
	};
	struct refslab_type *type;
	struct fixture *f = test->priv;

	memcpy(given, scattered_offsets, sizeof(given));
	slots_try(test, &args, scattered_offsets, ARRAY_SIZE(given));
	/* copied, so that the caller's may go */
	KUNIT_EXPECT_NOT_NULL(test, type_find(f->heap, 3));
	type = type_find(f->heap, 3);
	memset(given, 0xff, sizeof(given));
	KUNIT_EXPECT_EQ(test, 0, memcmp(type->slot_offsets, scattered_offsets, sizeof(given)));
}

static void test_slots_traverse(struct kunit *test)
{
	const u16 offsets[] = { offsetof(struct scattered, first),
				offsetof(struct scattered, rest[0]),
				offsetof(struct scattered, rest[1]),
				offsetof(struct scattered, rest[2]) };
	const struct refslab_type_args args = {
		.name = "traverse", .size = sizeof(struct scattered),
		.traverse = scattered_traverse, .ctor = scattered_ctor,
	};

	slots_try(test, &args, offsets, ARRAY_SIZE(offsets));
}

/* --- fresh objects --- */

static void ctor_of_used(struct refslab_object *obj)
{
	struct knot *knot = knot_of(obj);
	atomic_t *wrong = refslab_type_priv(refslab_type_of(obj));

	/* whatever its last life left: slots are empty */
	if (knot->slot[0].target || knot->slot[1].target)
		atomic_inc(wrong);
	knot->canary++;
	knot->id = 1;
}

static void test_ctor(struct kunit *test)
{
	atomic_t wrong = ATOMIC_INIT(0);
	const struct refslab_type_args args = {
		.name = "used", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = ctor_of_used,
		.priv = &wrong,
	};
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	struct knot *a, *b;
	int i;

	KUNIT_EXPECT_PTR_EQ(test, refslab_type_priv(type), &wrong);
	for (i = 0; i < 10; i++) {
		a = knot_make(test, type);
		b = knot_make(test, type);
		KUNIT_EXPECT_EQ(test, a->id, 1);
		knot_edge(a, 0, b);
		knot_edge(a, 1, b);
		a->id = 7;
		knot_put(b);
		knot_put(a);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&wrong), 0);
}

static void zero_try(struct kunit *test, struct refslab_type *type, gfp_t gfp)
{
	unsigned int n = 2 * type->path.magazine_size, i, round, wrong = 0;
	struct refslab_object **objs;
	void *payload;

	objs = kunit_kcalloc(test, n, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	for (round = 0; round < 3; round++) {
		KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(type, gfp, n, objs), n);
		for (i = 0; i < n; i++) {
			payload = (void *)objs[i] + type->header;
			wrong += !!memchr_inv(payload, 0, type->size - type->header);
			memset(payload, 0xa5, type->size - type->header);
		}
		refslab_put_bulk(n, objs);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
}

static void test_zero(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "zero", .size = 100, .flags = REFSLAB_TYPE_ZERO,
	};
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_type(test, f->heap, &args);

	/* init_on_alloc clears too: see that it is not needed for it */
	KUNIT_EXPECT_EQ(test, type->path.clear + REFSLAB_CLEAR_LEAST,
			ALIGN(100, 8) - type->header);
	zero_try(test, type, GFP_KERNEL);
	/* asked for by the allocation */
	KUNIT_EXPECT_EQ(test, f->leaf->path.clear,
			want_init_on_alloc(0) ? f->leaf->path.clear_all : -REFSLAB_CLEAR_LEAST);
	zero_try(test, f->leaf, GFP_KERNEL | __GFP_ZERO);
}

static void test_alignment(struct kunit *test)
{
	static const struct {
		size_t size, align, align_offset;
	} cases[] = {
		{ 24, 0, 0 }, { 24, 8, 0 }, { 40, 32, 0 }, { 100, 64, 16 },
		{ 100, 64, 32 }, { 300, 256, 16 }, { 500, 4096, 0 }, { 500, 4096, 16 },
		{ 16000, 1024, 64 },
	};
	struct fixture *f = test->priv;
	struct refslab_object *objs[8];
	struct refslab_type *type;
	unsigned int i, j, wrong;
	char name[16];

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct refslab_type_args args = {
			.name = name, .size = cases[i].size, .align = cases[i].align,
			.align_offset = cases[i].align_offset,
		};

		snprintf(name, sizeof(name), "align%u", i);
		type = fixture_type(test, f->heap, &args);
		wrong = 0;
		for (j = 0; j < ARRAY_SIZE(objs); j++) {
			objs[j] = obj_make(test, type);
			wrong += !IS_ALIGNED((unsigned long)objs[j] + args.align_offset,
					     max_t(size_t, args.align, 16));
		}
		KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "cases[%u]", i);
		KUNIT_EXPECT_EQ(test, type_validate(type), 0);
		refslab_put_bulk(ARRAY_SIZE(objs), objs);
	}
}

/* The validator must be able to fail, or its other uses mean nothing. */
static void test_validator_notices(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->leaf);
	struct slab_node *node = &f->leaf->nodes[slab_of(obj)->chunk.nid];

	node->out--;
	expect_in_log("refslab: heap kunit: the cache of type leaf is not as its books say");
	KUNIT_EXPECT_EQ(test, type_validate(f->leaf), -EUCLEAN);
	unexpect_in_log();
	node->out++;
	KUNIT_EXPECT_EQ(test, type_validate(f->leaf), 0);
	refslab_put(obj);
}

static struct kunit_case type_cases[] = {
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_accepted),
	KUNIT_CASE(test_name_taken),
	KUNIT_CASE(test_too_many),
	KUNIT_CASE(test_busy),
	KUNIT_CASE(test_numbers),
	KUNIT_CASE(test_slots_array),
	KUNIT_CASE(test_slots_behind_header),
	KUNIT_CASE(test_slots_offsets),
	KUNIT_CASE(test_slots_traverse),
	KUNIT_CASE(test_ctor),
	KUNIT_CASE(test_zero),
	KUNIT_CASE(test_alignment),
	KUNIT_CASE(test_validator_notices),
	{}
};

static struct kunit_suite type_suite = {
	.name = "refslab_type",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = type_cases,
};

kunit_test_suites(&type_suite);
