// SPDX-License-Identifier: GPL-2.0
/*
 * Debugging: what writes where they should not is found, and what the log says.
 */
#include <linux/poison.h>
#include <linux/string.h>

#include "fixture.h"
#include "listen.h"
#include "slab.h"

static char headline[128];

static const char *naming(const char *what, struct refslab_type *type,
			  struct refslab_object *obj)
{
	snprintf(headline, sizeof(headline), "BUG: refslab: %s: heap kunit, type %s, object %u\n",
		 what, type->name, slab_number(obj));
	return headline;
}

/* --- fixture --- */

static struct refslab_type *debug_type(struct kunit *test, const char *name, size_t size,
				       unsigned int flags)
{
	struct fixture *f = test->priv;
	const struct refslab_type_args args = {
		.name = name, .size = size, .flags = flags,
	};

	return fixture_type(test, f->heap, &args);
}

/* A write that KASAN does not see. */
static void poke(struct refslab_object *obj, u32 offset, u8 value, bool closed)
{
	void *at = (void *)obj + offset, *word = PTR_ALIGN_DOWN(at, 8);

	refslab_kasan_unpoison(word, 8);
	WRITE_ONCE(*(u8 *)at, value);
	if (closed)
		refslab_kasan_poison(word, 8);
}

static int debug_init(struct kunit *test)
{
	int err = listen_init();

	return err ?: fixture_init(test);
}

static void debug_exit(struct kunit *test)
{
	fixture_exit(test);
	listen_exit();
	KUNIT_EXPECT_FALSE(test, static_key_enabled(&debug_key));
}

/* --- the tests --- */

/* The key is on for as long as there is a type that wants it. */
static void test_off(struct kunit *test)
{
	struct refslab_type *a, *b;

	KUNIT_EXPECT_FALSE(test, static_key_enabled(&debug_key));
	a = debug_type(test, "a", 64, REFSLAB_TYPE_POISON);
	b = debug_type(test, "b", 64, REFSLAB_TYPE_RED_ZONE);
	KUNIT_EXPECT_TRUE(test, static_key_enabled(&debug_key));
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(a), 0);
	KUNIT_EXPECT_TRUE(test, static_key_enabled(&debug_key));
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(b), 0);
	KUNIT_EXPECT_FALSE(test, static_key_enabled(&debug_key));
}

/* All sizes with all flags: nobody finds anything where nobody did anything. */
static void test_layouts(struct kunit *test)
{
	static const u16 sizes[] = { 8, 9, 15, 16, 17, 24, 63, 64, 65, 1000, REFSLAB_OBJECT_MAX };
	struct refslab_object *objs[5];
	struct refslab_type *type;
	unsigned int flags, i, k, n, wrong = 0;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (flags = 0; flags < 8; flags++) {
			type = debug_type(test, "any", sizes[i],
					  flags * REFSLAB_TYPE_POISON);
			for (k = 0; k < 2; k++) {
				n = refslab_alloc_bulk(type,
						       GFP_KERNEL | (k ? __GFP_ZERO : 0),
						       ARRAY_SIZE(objs), objs);
				KUNIT_ASSERT_EQ(test, n, ARRAY_SIZE(objs));
				while (n--) {
					wrong += k && memchr_inv((void *)objs[n] + 8, 0,
								 sizes[i] - 8);
					memset((void *)objs[n] + 8, 0xff, sizes[i] - 8);
				}
				KUNIT_EXPECT_EQ(test, type_validate(type), 0);
				refslab_put_bulk(ARRAY_SIZE(objs), objs);
				KUNIT_EXPECT_EQ(test, type_validate(type), 0);
				magazine_drain(type);
				KUNIT_EXPECT_EQ(test, type_validate(type), 0);
			}
			KUNIT_EXPECT_EQ(test, type->debug.tracks % 8, 0);
			if (type->debug.tracks)
				KUNIT_EXPECT_LE(test, type->debug.tracks + 2 * sizeof(struct track),
						type->layout.size);
			if (flags & 2)
				KUNIT_EXPECT_GE(test, type->layout.size,
						sizes[i] + 8 + (type->debug.tracks ? 56 : 0));
			KUNIT_EXPECT_EQ(test, refslab_type_destroy(type), 0);
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

static void test_use_after_free(struct kunit *test)
{
	struct refslab_type *type = debug_type(test, "late", 64, REFSLAB_TYPE_POISON |
					       REFSLAB_TYPE_TRACE);
	struct refslab_object *obj = obj_make(test, type), *other;
	struct fixture *f = test->priv;

	migrate_disable();
	refslab_put(obj);
	poke(obj, 24, 0x41, true);
	poke(obj, 26, 0x42, true);
	listen("BUG: refslab: written to after its release: heap kunit, type late, object");
	other = obj_make(test, type);
	EXPECT_SAID(test, "====", naming("written to after its release", type, obj),
		    "2 wrong from byte 24 on, where 0x6b was left:\n",
		    "  byte 20: . . . . ! . ! . . . . . . . . .\n",
		    "allocated ", " ms ago by task ", " on CPU ", ":\n", BY("test_use_after_free"),
		    "freed ", " ms ago by task ", " on CPU ", ":\n", BY("test_use_after_free"),
		    "Somebody kept its address beyond the last put. It is not used again.\n",
		    "====");
	migrate_enable();
	/* not handed out, now or later */
	KUNIT_EXPECT_PTR_NE(test, other, obj);
	refslab_put(other);
	other = obj_make(test, type);
	KUNIT_EXPECT_PTR_NE(test, other, obj);
	refslab_put(other);
	EXPECT_OBJECTS(test, type, 1);
	f->left = 1;
}

static void test_red_zone(struct kunit *test)
{
	struct refslab_type *type = debug_type(test, "wide", 61, REFSLAB_TYPE_RED_ZONE);
	struct refslab_object *obj = obj_make(test, type), *again;

	/* one byte is enough, and the last that is its own is not one */
	poke(obj, 60, 0, false);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	poke(obj, 61, 0, false);
	listen("BUG: refslab: written to beyond its end: heap kunit, type wide, object");
	migrate_disable();
	refslab_put(obj);
	EXPECT_SAID(test, "====", naming("written to beyond its end", type, obj),
		    "It has 61 bytes.\n",
		    "1 wrong from byte 61 on, where 0xcc was left:\n",
		    "  byte 61: ! . .", "Call Trace:", "test_red_zone",
		    "With traces (debug=U,kunit/wide) this would say who allocated and freed it.\n",
		    "Its owner has used a size or an index that is too large, or the owner of the next object one below 0.\n",
		    "====");
	/* told once; the object is as good as before */
	again = obj_make(test, type);
	migrate_enable();
	KUNIT_EXPECT_PTR_EQ(test, again, obj);
	refslab_put(again);
	EXPECT_OBJECTS(test, type, 0);
}

/* Behind the tracks: what is below an object's beginning is its neighbour's. */
static void test_below(struct kunit *test)
{
	struct refslab_type *type = debug_type(test, "below", 64, REFSLAB_TYPE_RED_ZONE |
					       REFSLAB_TYPE_TRACE);
	struct refslab_object *obj = obj_make(test, type);

	poke(obj, type->layout.size - 1, 0, false);
	listen("BUG: refslab: written to beyond its end: heap kunit, type below, object");
	KUNIT_EXPECT_EQ(test, debug_validate(slab_of(obj)), -EUCLEAN);
	EXPECT_SAID(test, naming("written to beyond its end", type, obj), "allocated ");
	poke(obj, type->layout.size - 1, SLUB_RED_ACTIVE, false);
	refslab_put(obj);
}

/* Validators find it where it is, live or free, before anybody trips over it. */
static void test_validator_notices(struct kunit *test)
{
	struct refslab_type *type = debug_type(test, "both", 64, REFSLAB_TYPE_RED_ZONE |
					       REFSLAB_TYPE_POISON);
	struct refslab_object *obj = obj_make(test, type);

	poke(obj, 64, 0, false);
	listen("BUG: refslab: written to beyond its end: heap kunit, type both, object");
	expect_in_log("refslab: heap kunit: slab [0-9]+ of type both");
	expect_in_log("refslab: heap kunit: the cache of type both is not as its books say");
	KUNIT_EXPECT_EQ(test, type_validate(type), -EUCLEAN);
	EXPECT_SAID(test, naming("written to beyond its end", type, obj));
	poke(obj, 64, SLUB_RED_ACTIVE, false);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);

	refslab_put(obj);
	magazine_drain(type);
	poke(obj, 8, 0, true);
	listen("BUG: refslab: written to after its release: heap kunit, type both, object");
	expect_in_log("refslab: heap kunit: slab [0-9]+ of type both");
	expect_in_log("refslab: heap kunit: the cache of type both is not as its books say");
	KUNIT_EXPECT_EQ(test, type_validate(type), -EUCLEAN);
	EXPECT_SAID(test, naming("written to after its release", type, obj));
	poke(obj, 8, POISON_FREE, true);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
}

/* Full slabs are on no list, and are looked at all the same while the heap is used. */
static void test_full_slab(struct kunit *test)
{
	struct refslab_type *type = debug_type(test, "full", 64, REFSLAB_TYPE_RED_ZONE);
	struct fixture *f = test->priv;
	struct refslab_object **objects;
	unsigned int max = 4 * type->layout.objects, n = 0, i;

	objects = kunit_kcalloc(test, max, sizeof(*objects), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objects);
	do {
		objects[n] = obj_make(test, type);
	} while (slab_of(objects[n++])->free && n < max);
	KUNIT_ASSERT_EQ(test, slab_of(objects[n - 1])->free, 0);
	KUNIT_EXPECT_EQ(test, slabs_validate(f->heap), 0);

	poke(objects[n - 1], 64, 0, false);
	listen("BUG: refslab: written to beyond its end: heap kunit, type full, object");
	expect_in_log("refslab: heap kunit: slab [0-9]+ of type full");
	KUNIT_EXPECT_EQ(test, slabs_validate(f->heap), -EUCLEAN);
	EXPECT_SAID(test, naming("written to beyond its end", type, objects[n - 1]));
	poke(objects[n - 1], 64, SLUB_RED_ACTIVE, false);
	for (i = 0; i < n; i++)
		refslab_put(objects[i]);
}

/* Mistakes that are found anyway: with traces the log says whose they are. */
static void test_owners(struct kunit *test)
{
	struct refslab_type *type = debug_type(test, "owned", 64, REFSLAB_TYPE_TRACE);
	struct refslab_object *obj = obj_make(test, type);
	struct fixture *f = test->priv;
	void *one = obj;

	refslab_put(obj);
	listen("BUG: refslab: put of a dead object; leaked: heap kunit, type owned, object");
	refslab_put(obj);
	EXPECT_SAID(test, naming("put of a dead object; leaked", type, obj), "Call Trace:",
		    "allocated ", BY("test_owners"), "freed ", BY("test_owners"),
		    "The caller, or somebody before, has put once too often.\n");
	atomic64_set(&obj->word, 0);

	listen("BUG: refslab: get of a dead object; leaked: heap kunit, type owned, object");
	refslab_get(obj);
	EXPECT_SAID(test, naming("get of a dead object; leaked", type, obj),
		    "allocated ", "freed ",
		    "The caller has no reference: refslab_tryget() is for that.\n");
	atomic64_set(&obj->word, 0);

	atomic64_set(&obj->word, REFSLAB_UNLISTED | REFSLAB_COUNT_TOP);
	listen("BUG: refslab: reference count overflow; leaked: heap kunit, type owned, object");
	refslab_get(obj);
	EXPECT_SAID(test, naming("reference count overflow; leaked", type, obj), "Call Trace:",
		    "allocated ", BY("test_owners"),
		    "Somebody gets it again and again, and does not put it.\n");
	atomic64_set(&obj->word, 0);

	magazine_drain(type);
	listen("BUG: refslab: double free: heap kunit, type owned, object");
	slab_give(type, 1, &one);
	EXPECT_SAID(test, naming("double free", type, obj), "allocated ", "freed ",
		    "It was free already. Nothing has happened to it.\n");
	listen("BUG: refslab: free into the wrong type: heap kunit, type owned, object");
	slab_give(f->leaf, 1, &one);
	EXPECT_SAID(test, naming("free into the wrong type", type, obj), "allocated ",
		    "It was freed as one of type leaf. Nothing has happened to it.\n");
	EXPECT_OBJECTS(test, type, 0);
}

/* Cycles that a sweep frees go the same way, and come back whole. */
static void test_cycles(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "ring", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = knot_ctor,
		.flags = DEBUG_FLAGS,
	};
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	unsigned int round, i, wrong = 0;
	struct knot *first, *last, *knot;
	struct track track;

	for (round = 0; round < 3; round++) {
		first = knot_make(test, type);
		last = first;
		for (i = 0; i < 500; i++) {
			knot = knot_make(test, type);
			wrong += knot->slot[0].target || knot->slot[1].target ||
				 knot->canary != KNOT_CANARY;
			knot_edge(last, 0, knot);
			if (last != first)
				knot_put(last);
			last = knot;
		}
		knot_edge(last, 0, first);
		knot_put(last);
		wrong += !debug_track(type, &first->link.object, TRACK_ALLOC, &track) ||
			 track.pid != current->pid;
		knot_put(first);
		KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 501);
		EXPECT_OBJECTS(test, type, 0);
		KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

static void test_parameter(struct kunit *test)
{
	const unsigned int z = REFSLAB_TYPE_RED_ZONE, p = REFSLAB_TYPE_POISON,
			   u = REFSLAB_TYPE_TRACE;
	struct refslab_type *type;

	KUNIT_EXPECT_EQ(test, debug_set_rules("ZPU\n"), 0);
	KUNIT_EXPECT_EQ(test, debug_type_flags("kunit", "any"), z | p | u);
	KUNIT_EXPECT_EQ(test, debug_set_rules("Z,kunit/*;P,*/leaf"), 0);
	KUNIT_EXPECT_EQ(test, debug_type_flags("kunit", "knot"), z);
	KUNIT_EXPECT_EQ(test, debug_type_flags("kunit", "leaf"), z | p);
	KUNIT_EXPECT_EQ(test, debug_type_flags("other", "leaf"), p);
	KUNIT_EXPECT_EQ(test, debug_type_flags("other", "knot"), 0);
	/* no letters: all of them */
	KUNIT_EXPECT_EQ(test, debug_set_rules(",a/b"), 0);
	KUNIT_EXPECT_EQ(test, debug_type_flags("a", "b"), z | p | u);
	/* what makes no sense changes nothing */
	listen(NULL);
	KUNIT_EXPECT_EQ(test, debug_set_rules("X"), -EINVAL);
	EXPECT_SAID(test, "refslab: debug=X: not [ZPU][,heap/type][;...]\n");
	KUNIT_EXPECT_EQ(test, debug_set_rules("Z;Z;Z;Z;Z;Z;Z;Z;Z"), -EINVAL);
	KUNIT_EXPECT_EQ(test, debug_type_flags("a", "b"), z | p | u);

	KUNIT_EXPECT_EQ(test, debug_set_rules("U,kunit/forced"), 0);
	type = debug_type(test, "forced", 64, REFSLAB_TYPE_ZERO);
	KUNIT_EXPECT_EQ(test, type->flags, u | REFSLAB_TYPE_ZERO);
	KUNIT_EXPECT_EQ(test, debug_set_rules(""), 0);
	KUNIT_EXPECT_EQ(test, debug_type_flags("kunit", "forced"), 0);
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(type), 0);
}

#ifdef CONFIG_KMSAN
/* What a copy to a program would be: a report where one byte is not initialised. */
static noinline void give_away(const struct refslab_object *obj, u32 from, u32 to)
{
	kmsan_check_memory((const void *)obj + from, to - from);
	/* stays to be named in the report */
	barrier();
}

static void expect_undefined(const struct refslab_object *obj, u32 from, u32 to)
{
	expect_in_log("BUG: KMSAN: uninit-value in give_away");
	give_away(obj, from, to);
	unexpect_in_log();
}

/* To KMSAN each life of an object begins with nothing, though its memory goes round. */
static void test_lives_begin_undefined(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	struct refslab_object *obj, *objs[2];
	const gfp_t zero = GFP_KERNEL | __GFP_ZERO;
	const u32 size = type->size;
	unsigned int i, round;

	for (round = 0; round < 2; round++) {
		obj = obj_make(test, type);
		give_away(obj, 0, type->header);
		expect_undefined(obj, type->header, type->header + 1);
		expect_undefined(obj, size - 1, size);
		memset((void *)obj + type->header, 1, size - type->header);
		give_away(obj, 0, size);
		refslab_put(obj);
		/* who looks without a reference reads the header */
		give_away(obj, 0, type->header);
		expect_undefined(obj, type->header, type->header + 1);
		expect_undefined(obj, size - 1, size);

		obj = refslab_alloc(type, zero);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		give_away(obj, 0, size);
		refslab_put(obj);

		KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(type, GFP_KERNEL, 2, objs), 2);
		for (i = 0; i < 2; i++) {
			expect_undefined(objs[i], type->header, size);
			memset((void *)objs[i] + type->header, 1, size - type->header);
		}
		refslab_put_bulk(2, objs);
		for (i = 0; i < 2; i++)
			expect_undefined(objs[i], type->header, size);
		KUNIT_ASSERT_EQ(test, refslab_alloc_bulk(type, zero, 2, objs), 2);
		for (i = 0; i < 2; i++)
			give_away(objs[i], 0, size);
		refslab_put_bulk(2, objs);
	}
}

/* A slot is empty, and poison is no value. */
static void test_slots_begin_defined(struct kunit *test)
{
	struct refslab_type *type = debug_type(test, "poisoned", 100,
					       REFSLAB_TYPE_POISON | REFSLAB_TYPE_RED_ZONE);
	struct fixture *f = test->priv;
	struct knot *knot = knot_make(test, f->knot);
	struct refslab_object *obj = obj_make(test, type);

	give_away(&knot->link.object, 0, offsetofend(struct knot, slot));
	knot_put(knot);
	expect_undefined(&knot->link.object, offsetof(struct knot, slot[0]),
			 offsetofend(struct knot, slot));

	expect_undefined(obj, type->header, type->size);
	refslab_put(obj);
	expect_undefined(obj, type->header, type->header + 1);
	expect_undefined(obj, type->size - 1, type->size);
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);
	expect_undefined(obj, type->header, type->header + 1);
	obj = refslab_alloc(type, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	give_away(obj, 0, type->size);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(type), 0);
}

/* Where one type had its words, another has payload. */
static void test_chunks_begin_undefined(struct kunit *test)
{
	struct refslab_type *type = debug_type(test, "words", 8, 0);
	struct refslab_object *obj = obj_make(test, type), *other;
	struct fixture *f = test->priv;
	struct slab *slab = slab_of(obj);

	refslab_put(obj);
	KUNIT_ASSERT_EQ(test, refslab_type_destroy(type), 0);
	pool_wait(&f->heap->pool);
	type = debug_type(test, "bytes", 1000, 0);
	obj = obj_make(test, type);
	KUNIT_ASSERT_PTR_EQ(test, slab_of(obj), slab);
	/* one that nobody had yet */
	other = slab_object(slab, slab_index(slab, obj) == 1 ? 2 : 1);
	give_away(other, 0, type->header);
	expect_undefined(other, 16, 24);
	refslab_put(obj);
}
#endif

static struct kunit_case debug_cases[] = {
	KUNIT_CASE(test_off),
	KUNIT_CASE(test_layouts),
	KUNIT_CASE(test_use_after_free),
	KUNIT_CASE(test_red_zone),
	KUNIT_CASE(test_below),
	KUNIT_CASE(test_validator_notices),
	KUNIT_CASE(test_full_slab),
	KUNIT_CASE(test_owners),
	KUNIT_CASE(test_cycles),
	KUNIT_CASE(test_parameter),
#ifdef CONFIG_KMSAN
	KUNIT_CASE(test_lives_begin_undefined),
	KUNIT_CASE(test_slots_begin_defined),
	KUNIT_CASE(test_chunks_begin_undefined),
#endif
	{}
};

static struct kunit_suite debug_suite = {
	.name = "refslab_debug",
	.init = debug_init,
	.exit = debug_exit,
	.test_cases = debug_cases,
};

kunit_test_suites(&debug_suite);
