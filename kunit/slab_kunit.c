// SPDX-License-Identifier: GPL-2.0
/*
 * Slabs: how chunks are carved, and where objects and emptied slabs go.
 */
#include <linux/slab.h>

#include "fixture.h"

/* --- layouts --- */

static unsigned int layout_wrong(const struct slab_layout *l, size_t size, size_t align,
				 size_t align_offset, bool slots, bool weak)
{
	unsigned int bitmaps = 1 + (slots ? GENERATIONS : 0) + weak;
	size_t header = sizeof(struct slab) + bitmaps * l->words * sizeof(long);
	unsigned int wrong = 0;
	u32 i;

	align = max_t(size_t, align, 16);
	wrong += l->size < size || l->size % align || l->bitmaps != bitmaps;
	wrong += l->first < header || l->first % 16;
	wrong += (l->first + align_offset) % align != 0;
	wrong += !l->objects || l->words < BITS_TO_LONGS(l->objects);
	wrong += l->first + l->objects * l->size > REFSLAB_CHUNK_SIZE;
	/* not an object less than fits, but for what its bits would take */
	wrong += REFSLAB_CHUNK_SIZE - (l->first + l->objects * l->size) >=
		 l->size + bitmaps * sizeof(long) + align;
	for (i = 0; i < l->objects; i++)
		wrong += ((u64)(i * l->size) * l->inverse) >> 32 != i;
	return wrong;
}

static void test_layouts(struct kunit *test)
{
	unsigned int wrong = 0, layouts = 0;
	size_t size, align, offset;
	struct slab_layout l;
	bool slots, weak;

	for (size = 8; size <= REFSLAB_OBJECT_MAX; size += size < 512 ? 8 : 488) {
		for (align = 0; align <= PAGE_SIZE; align = align ? 2 * align : 8) {
			for (offset = 0; offset < 4096; offset = offset ? 4 * offset : 16) {
				slots = (size ^ offset) & 16;
				weak = (size ^ align) & 8;
				wrong += slab_layout(&l, size, align, offset, slots, weak) != 0;
				wrong += layout_wrong(&l, size, align, offset, slots, weak);
				layouts++;
			}
		}
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_GT(test, layouts, 1000);
}

static void test_layout_edges(struct kunit *test)
{
	struct slab_layout l;

	/* two of the largest to a slab, whatever they are */
	KUNIT_EXPECT_EQ(test, slab_layout(&l, REFSLAB_OBJECT_MAX, 0, 0, true, false), 0);
	KUNIT_EXPECT_EQ(test, l.objects, 2);
	KUNIT_EXPECT_EQ(test, layout_wrong(&l, REFSLAB_OBJECT_MAX, 0, 0, true, false), 0);
	KUNIT_EXPECT_EQ(test, slab_layout(&l, REFSLAB_OBJECT_MAX, PAGE_SIZE, 0, true, false), 0);
	KUNIT_EXPECT_GE(test, l.objects, 1);
	/* the smallest: many, all found by their index */
	KUNIT_EXPECT_EQ(test, slab_layout(&l, 8, 0, 0, false, false), 0);
	KUNIT_EXPECT_EQ(test, l.size, 16);
	KUNIT_EXPECT_GT(test, l.objects, 1900);
	KUNIT_EXPECT_EQ(test, layout_wrong(&l, 8, 0, 0, false, false), 0);
	KUNIT_EXPECT_EQ(test, slab_layout(&l, REFSLAB_CHUNK_SIZE, 0, 0, false, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, slab_layout(&l, 64, 64, 16, true, false), 0);
	KUNIT_EXPECT_EQ(test, (l.first + 16) % 64, 0);
}

/* --- to and fro --- */

/* The node of these tests, wherever they run. */
static int nid(void)
{
	return first_node(node_states[N_MEMORY]);
}

static struct slab_node *node_of(struct refslab_type *type, void *object)
{
	return &type->nodes[slab_of(object)->chunk.nid];
}

/* Takes @n out of slabs that are made as needed. */
static void **take(struct kunit *test, struct refslab_type *type, unsigned int n)
{
	void **objects = kunit_kcalloc(test, n, sizeof(*objects), GFP_KERNEL);
	unsigned int got = 0;

	KUNIT_ASSERT_NOT_NULL(test, objects);
	while (got < n) {
		unsigned int more = slab_take(type, nid(), n - got, objects + got);

		got += more;
		if (!more)
			KUNIT_ASSERT_EQ(test, slab_grow(type, nid(), GFP_KERNEL), nid());
	}
	return objects;
}

static void test_take_and_give(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->knot;
	unsigned int per = type->layout.objects, n = 2 * per + 3, i, j, wrong = 0;
	void **objects = take(test, type, n);
	struct slab_node *node = node_of(type, objects[0]);

	KUNIT_EXPECT_EQ(test, node->out, n);
	KUNIT_EXPECT_EQ(test, node->slabs, 3);
	KUNIT_EXPECT_EQ(test, node->partial_count, 1);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	for (i = 0; i < n; i++) {
		struct slab *slab = slab_of(objects[i]);
		u32 number = slab_number(objects[i]);

		wrong += slab->type != type || slab->heap != f->heap;
		wrong += slab_is_free(slab, slab_index(slab, objects[i]));
		wrong += slab_object(slab, slab_index(slab, objects[i])) != objects[i];
		wrong += !number || (void *)slab_numbered(&f->heap->pool, number) != objects[i];
		wrong += atomic64_read(&((struct refslab_object *)objects[i])->word) != 0;
		for (j = i > 4 ? i - 4 : 0; j < i; j++)
			wrong += abs(objects[i] - objects[j]) < (long)type->layout.size;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);

	/* a full one with one back is partial */
	slab_give(type, 1, objects);
	KUNIT_EXPECT_EQ(test, node->partial_count, 2);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	slab_give(type, n - 1, objects + 1);
	KUNIT_EXPECT_EQ(test, node->out, 0);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
}

/*
 * Whatever object a slab starts from, each is handed out once, round from there,
 * also if the slab is asked again and again.
 */
static void test_order(struct kunit *test)
{
	struct fixture *f = test->priv;
	const struct refslab_type_args args = { .name = "one-word", .size = 1000 };
	struct refslab_type *types[] = { f->leaf, fixture_type(test, f->heap, &args) };
	unsigned int t, i, start, per, wrong = 0;

	for (t = 0; t < ARRAY_SIZE(types); t++) {
		struct refslab_type *type = types[t];
		void **objects = take(test, type, 1);
		struct slab *slab = slab_of(objects[0]);

		per = type->layout.objects;
		objects = kunit_kcalloc(test, per, sizeof(*objects), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objects);
		objects[0] = slab_object(slab, slab->start);
		slab_give(type, 1, objects);
		for (start = 0; start < per; start += 1 + per / 40) {
			slab->start = start;
			for (i = 0; i < per; i += min(7U, per - i))
				wrong += slab_take(type, nid(), min(7U, per - i),
						   objects + i) != min(7U, per - i);
			for (i = 0; i < per; i++)
				wrong += slab_index(slab, objects[i]) != (start + i) % per;
			wrong += slab->free != 0;
			slab_give(type, per, objects);
			KUNIT_EXPECT_EQ(test, type_validate(type), 0);
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* One emptied slab stays with its node, the others go back to the pool. */
static void test_emptied(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int n = 5 * type->layout.objects;
	void **objects = take(test, type, n);
	struct slab_node *node = node_of(type, objects[0]);
	struct pool *pool = &f->heap->pool;

	KUNIT_EXPECT_EQ(test, node->slabs, 5);
	KUNIT_EXPECT_EQ(test, pool->used, 5);
	slab_give(type, n, objects);
	KUNIT_EXPECT_EQ(test, node->slabs, 1);
	KUNIT_EXPECT_EQ(test, node->empty, 1);
	KUNIT_EXPECT_EQ(test, pool->used, 1);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	slab_shrink(type);
	KUNIT_EXPECT_EQ(test, node->slabs, 0);
	KUNIT_EXPECT_EQ(test, node->empty, 0);
	KUNIT_EXPECT_EQ(test, pool->used, 0);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	KUNIT_EXPECT_EQ(test, slab_take(type, nid(), 1, objects), 0);
}

/* slab_shrink() leaves what is in use. */
static void test_shrink_partial(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	unsigned int n = 2 * type->layout.objects;
	void **objects = take(test, type, n);

	slab_give(type, n - 1, objects + 1);
	slab_shrink(type);
	KUNIT_EXPECT_EQ(test, node_of(type, objects[0])->slabs, 1);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	slab_give(type, 1, objects);
}

/* A chunk that waits for readers comes back to its type alone. */
static void test_taken_back(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->knot;
	void **objects = take(test, type, 1), *other;
	struct slab *slab = slab_of(objects[0]);
	unsigned long held;

	slab_give(type, 1, objects);
	rcu_read_lock();
	slab_shrink(type);
	KUNIT_EXPECT_EQ(test, slab->chunk.state, CHUNK_WAITING);
	KUNIT_EXPECT_TRUE(test, slab->retired);
	KUNIT_EXPECT_EQ(test, slab_grow(f->leaf, nid(), GFP_ATOMIC), nid());
	KUNIT_EXPECT_EQ(test, slab->chunk.state, CHUNK_WAITING);
	held = f->heap->pool.held;
	KUNIT_EXPECT_EQ(test, slab_grow(type, nid(), GFP_ATOMIC), nid());
	KUNIT_EXPECT_EQ(test, slab->chunk.state, CHUNK_USED);
	KUNIT_EXPECT_FALSE(test, slab->retired);
	KUNIT_EXPECT_EQ(test, f->heap->pool.held, held);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, slab_take(type, nid(), 1, &other), 1);
	KUNIT_EXPECT_PTR_EQ(test, slab_of(other), slab);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	slab_give(type, 1, &other);
}

/* In another type's hands a chunk is as new: words, notes, hints. */
static void test_other_type(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	struct refslab_object *obj;
	struct chunk *chunk;
	struct slab *slab;
	unsigned int i, wrong = 0;

	obj = obj_make(test, type);
	slab = slab_of(obj);
	chunk = &slab->chunk;
	/* all that a user may write to */
	memset((void *)obj + type->header, 0xff, type->size - type->header);
	memset(slab_hints(slab, -1) + type->layout.words, 0xff,
	       slab->layout->first - sizeof(*slab) - type->layout.words * sizeof(long));
	refslab_put(obj);
	magazine_drain(type);
	slab_shrink(type);
	pool_wait(&f->heap->pool);
	KUNIT_EXPECT_EQ(test, chunk->state, CHUNK_CACHED);

	KUNIT_EXPECT_EQ(test, slab_grow(f->knot, chunk->nid, GFP_KERNEL), chunk->nid);
	KUNIT_ASSERT_PTR_EQ(test, slab->type, f->knot);
	for (i = 0; i < slab->layout->objects; i++) {
		obj = slab_object(slab, i);
		wrong += atomic64_read(&obj->word) != 0 || *object_note(obj) != 0;
		wrong += !slab_is_free(slab, i);
	}
	for (i = 0; i < GENERATIONS * slab->layout->words; i++)
		wrong += slab_hints(slab, 0)[i] != 0;
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, type_validate(f->knot), 0);
}

/* A slab that goes takes its candidates' hints off the dirty lists. */
static void test_retired_is_not_dirty(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->knot);

	refslab_get(obj);
	refslab_put(obj);
	KUNIT_EXPECT_TRUE(test, candidate_any(&f->heap->sweep, GENERATIONS - 1));
	refslab_put(obj);
	magazine_drain(f->knot);
	slab_shrink(f->knot);
	KUNIT_EXPECT_FALSE(test, candidate_any(&f->heap->sweep, GENERATIONS - 1));
	/* and one that is on its way adds nothing */
	candidate_hint(slab_of(obj), obj, 0);
	KUNIT_EXPECT_FALSE(test, candidate_any(&f->heap->sweep, GENERATIONS - 1));
}

static void test_grow_to_limit(struct kunit *test)
{
	struct fixture *f = test->priv;
	u64 bytes[POOL_LIMITS] = { [POOL_LIMIT] = 3 * REFSLAB_CHUNK_SIZE };
	int i;

	KUNIT_EXPECT_EQ(test, pool_set_limits(&f->heap->pool, BIT(POOL_LIMIT), bytes), 0);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, slab_grow(f->knot, nid(), GFP_KERNEL), nid());
	KUNIT_EXPECT_EQ(test, slab_grow(f->knot, nid(), GFP_KERNEL), -ENOSPC);
	KUNIT_EXPECT_EQ(test, type_validate(f->knot), 0);
}

/* --- misuse --- */

static void test_double_give(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = f->leaf;
	void **objects = take(test, type, 2);
	struct slab_node *node = node_of(type, objects[0]);

	slab_give(type, 1, objects);
	expect_in_log("refslab: double free: heap kunit, type leaf, object");
	slab_give(type, 1, objects);
	unexpect_in_log();
	KUNIT_EXPECT_EQ(test, node->out, 1);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);

	/* into the wrong type: nothing happens to either */
	expect_in_log("refslab: free into the wrong type: heap kunit, type leaf, object");
	slab_give(f->knot, 1, objects + 1);
	unexpect_in_log();
	KUNIT_EXPECT_EQ(test, node->out, 1);
	KUNIT_EXPECT_EQ(test, type_validate(type), 0);
	KUNIT_EXPECT_EQ(test, type_validate(f->knot), 0);
	slab_give(type, 1, objects + 1);
}

/* The validator must be able to fail, or its other uses mean nothing. */
static void test_validator_notices(struct kunit *test)
{
	struct fixture *f = test->priv;
	void **objects = take(test, f->leaf, 1);
	struct slab *slab = slab_of(objects[0]);

	KUNIT_EXPECT_EQ(test, slab_validate(slab), 0);
	slab->free++;
	expect_in_log("refslab: heap kunit: slab [0-9]* of type leaf: [0-9]* free found, [0-9]* in the books");
	KUNIT_EXPECT_EQ(test, slab_validate(slab), -EUCLEAN);
	unexpect_in_log();
	slab->free--;
	KUNIT_EXPECT_EQ(test, slab_validate(slab), 0);
	slab_give(f->leaf, 1, objects);
}

/* Books that are wrong cost what they are about, and not the whole heap. */
static void test_empty_bitmap(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj, *other;
	unsigned long chunks;
	struct slab *slab;

	fixture_stay(test);
	obj = obj_make(test, f->leaf);
	slab = slab_of(obj);
	refslab_put(obj);
	magazine_drain(f->leaf);
	KUNIT_ASSERT_EQ(test, slab->free, slab->layout->objects);
	chunks = f->heap->pool.used;
	bitmap_zero(slab->bits, slab->layout->objects);
	expect_in_log("slab_take|take_from");
	other = refslab_alloc(f->leaf, GFP_KERNEL);
	unexpect_in_log();
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_EXPECT_LE(test, f->heap->pool.used, chunks + 1);
	KUNIT_EXPECT_PTR_NE(test, slab_of(other), slab);
	refslab_put(other);
	f->left = slab->layout->objects;
}

static struct kunit_case slab_cases[] = {
	KUNIT_CASE(test_layouts),
	KUNIT_CASE(test_layout_edges),
	KUNIT_CASE(test_take_and_give),
	KUNIT_CASE(test_order),
	KUNIT_CASE(test_emptied),
	KUNIT_CASE(test_shrink_partial),
	KUNIT_CASE(test_taken_back),
	KUNIT_CASE(test_other_type),
	KUNIT_CASE(test_retired_is_not_dirty),
	KUNIT_CASE(test_grow_to_limit),
	KUNIT_CASE(test_double_give),
	KUNIT_CASE(test_empty_bitmap),
	KUNIT_CASE(test_validator_notices),
	{}
};

static struct kunit_suite slab_suite = {
	.name = "refslab_slab",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = slab_cases,
};

kunit_test_suites(&slab_suite);
