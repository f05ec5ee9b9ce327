// SPDX-License-Identifier: GPL-2.0
/*
 * Slabs: chunks carved into objects of one type, and the lists they are on.
 *
 * Which objects a slab has to give is told by a bitmap in its header, not by a
 * list through the objects: the words of free objects must stay readable for
 * those who look without a reference, and a free touches one line of the header
 * in place of one of each object. Objects leave and come back by half
 * magazines.
 */
#include "slab.h"

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/math.h>
#include <linux/siphash.h>
#include <linux/timekeeping.h>

#include "heap.h"
#include "report.h"
#include "trace.h"

/* Emptied slabs a node keeps, so that one object to and fro moves no chunk. */
#define KEEP_EMPTY	1

/* Objects that leave their slabs while interrupts are off. */
#define TAKE_BATCH	128U

/**
 * slab_layout - how a chunk is carved into objects
 * @layout: filled in
 * @size: bytes of an object with its header
 * @align: power of two
 * @align_offset: byte of the object that is to be aligned so, a multiple of 16
 * @slots: the objects have slots, so that the slab needs hints
 * @weak: there may be weak references to them
 *
 * Return: 0, or -EINVAL if not one object fits.
 */
int slab_layout(struct slab_layout *layout, size_t size, size_t align,
		size_t align_offset, bool slots, bool weak)
{
	u32 header, n;

	align = max_t(size_t, align, BIT(GRANULE_SHIFT));
	layout->size = ALIGN(size, align);
	layout->bitmaps = 1 + (slots ? GENERATIONS : 0) + weak;
	for (n = REFSLAB_CHUNK_SIZE / layout->size; n; n--) {
		layout->words = BITS_TO_LONGS(n);
		header = sizeof(struct slab) +
			 layout->bitmaps * layout->words * sizeof(long);
		layout->first = ALIGN(header + align_offset, align) - align_offset;
		if (layout->first + n * layout->size <= REFSLAB_CHUNK_SIZE)
			break;
	}
	if (!n)
		return -EINVAL;
	layout->objects = n;
	layout->inverse = DIV_ROUND_UP_ULL(BIT_ULL(32), layout->size);
	return 0;
}

void slab_node_init(struct slab_node *node)
{
	raw_spin_lock_init(&node->lock);
	INIT_LIST_HEAD(&node->partial);
}

/*
 * Where CONFIG_SLAB_FREELIST_RANDOM asks for it, nobody is to know which object
 * of a fresh slab comes next. One place to start from, and round from there: what
 * is allocated together still lies together, for caches and sweeps. By a hash
 * with a secret, because the random generator's locks sleep on PREEMPT_RT and a
 * slab can be set up in any context.
 */
static u32 random_start(const struct slab *slab)
{
	if (!IS_ENABLED(CONFIG_SLAB_FREELIST_RANDOM))
		return 0;
	return reciprocal_scale(siphash_2u64(ktime_get_mono_fast_ns(), slab->chunk.number,
					     &slab->heap->pool.random),
				slab->layout->objects);
}

/* What those expect that look at a free object, or take it. */
static void setup_objects(const struct slab *slab, struct refslab_type *type)
{
	const u32 size = type->layout.size;
	void *first = slab_object(slab, 0), *end = first + type->layout.objects * size;
	void *object;

	refslab_kasan_unpoison(first, end - first);
	for (object = first; object < end; object += size)
		atomic64_set(&((struct refslab_object *)object)->word, 0);
	if (!type->leaf)
		for (object = first; object < end; object += size)
			WRITE_ONCE(*object_note(object), 0);
	if (IS_ENABLED(CONFIG_KASAN))
		for (object = first; object < end; object += size)
			refslab_kasan_poison(object + type->header, size - type->header);
	if (debug_on(type))
		for (object = first; object < end; object += size)
			debug_setup(type, object);
}

static void slab_setup(struct slab *slab, struct refslab_type *type)
{
	const struct slab_layout *layout = &type->layout;
	unsigned int i;

	/* the bitmaps may lie where the type before had a payload */
	refslab_kasan_unpoison(slab, layout->first);
	refslab_kmsan_poison(&slab->chunk + 1, REFSLAB_CHUNK_SIZE - sizeof(slab->chunk));
	slab->type = type;
	slab->heap = type->heap;
	slab->layout = layout;
	slab->free = layout->objects;
	slab->retired = false;
	slab->start = random_start(slab);
	INIT_LIST_HEAD(&slab->list);
	for (i = 0; i < GENERATIONS; i++)
		INIT_LIST_HEAD(&slab->dirty[i]);
	memset(slab->bits, 0, layout->bitmaps * layout->words * sizeof(long));
	bitmap_set(slab->bits, 0, layout->objects);
	setup_objects(slab, type);
	trace_refslab_slab_create(type, slab);
}

struct wanted {
	struct refslab_type *type;
	int		nid;	/* or NUMA_NO_NODE */
};

/* The slab of the type waits in the pool, so its readers expect that type. */
static bool is_wanted(struct chunk *chunk, void *arg)
{
	struct wanted *wanted = arg;

	return container_of(chunk, struct slab, chunk)->type == wanted->type &&
	       (wanted->nid == NUMA_NO_NODE || wanted->nid == chunk->nid);
}

/*
 * Readers may look at a slab that is taken back: type, heap, layout and words
 * are as they were. Its objects are all free, their words 0.
 */
static void slab_revive(struct slab *slab, struct slab_node *node)
{
	struct sweep *sweep = &slab->heap->sweep;

	raw_spin_lock(&sweep->dirty_lock);
	slab->retired = false;
	raw_spin_unlock(&sweep->dirty_lock);
	chunk_set_carved(&slab->chunk, true);
	list_add_tail(&slab->list, &node->partial);
	node->partial_count++;
	node->slabs++;
	node->empty++;
}

/**
 * slab_grow - one more slab for a type
 * @type: the type
 * @nid: preferred NUMA node
 * @gfp: how hard to try; with __GFP_THISNODE on no other node
 *
 * Context: As @gfp allows; no raw spinlock held.
 * Return: the node that has it, which may be another; -ENOSPC at the pool's
 *	limit, or -ENOMEM.
 */
int slab_grow(struct refslab_type *type, int nid, gfp_t gfp)
{
	struct wanted wanted = {
		.type = type,
		.nid = gfp & __GFP_THISNODE ? nid : NUMA_NO_NODE,
	};
	struct pool *pool = &type->heap->pool;
	struct slab_node *node;
	struct chunk *chunk;
	struct slab *slab;
	unsigned long flags;

	chunk = pool_take_back(pool, is_wanted, &wanted);
	if (!chunk) {
		chunk = pool_get_chunk(pool, nid, gfp);
		if (IS_ERR(chunk))
			return PTR_ERR(chunk);
		slab = container_of(chunk, struct slab, chunk);
		slab_setup(slab, type);
	}
	slab = container_of(chunk, struct slab, chunk);
	counter_inc(type, ALLOC_SLAB);
	node = &type->nodes[chunk->nid];
	raw_spin_lock_irqsave(&node->lock, flags);
	slab_revive(slab, node);
	raw_spin_unlock_irqrestore(&node->lock, flags);
	return slab->chunk.nid;
}

static void slab_retire(struct refslab_type *type, struct slab_node *node,
			struct slab *slab)
{
	lockdep_assert_held(&node->lock);
	list_del_init(&slab->list);
	node->partial_count--;
	node->slabs--;
	node->empty--;
	counter_inc(type, FREE_SLAB);
	trace_refslab_slab_retire(type, slab);
	candidate_retire(slab);
	chunk_set_carved(&slab->chunk, false);
	pool_put_chunk(&type->heap->pool, &slab->chunk);
}

/* Objects of a word of the bitmap, the first of which is @object; what is left of it. */
static unsigned long take_word(unsigned long bits, void *object, u32 size,
			       void **objects, unsigned int n)
{
	unsigned int first = __ffs(bits), i;

	if (bits + BIT(first)) {
		for (i = 0; i < n && bits; i++, bits &= bits - 1)
			objects[i] = object + __ffs(bits) * size;
		return bits;
	}
	/* all that follow are there, as in a fresh slab */
	n = min(n, BITS_PER_LONG - first);
	object += first * size;
	for (i = 0; i < n; i++, object += size)
		objects[i] = object;
	return first + n < BITS_PER_LONG ? bits & (~0UL << (first + n)) : 0;
}

/* Objects of one slab, from its start on and round; their bits are cleared. */
static unsigned int take_bits(struct slab *slab, unsigned int n, void **objects)
{
	const struct slab_layout *layout = slab->layout;
	unsigned int w = slab->start / BITS_PER_LONG, got = 0, i;
	unsigned long bits, left, mask = ~0UL << (slab->start % BITS_PER_LONG);

	n = min(n, slab->free);
	/* the first word perhaps twice: from the start on, and in the end up to it */
	for (i = 0; i <= layout->words && got < n; i++) {
		bits = slab->bits[w] & mask;
		if (bits) {
			left = take_word(bits, slab_object(slab, w * BITS_PER_LONG), layout->size,
					 objects + got, n - got);
			slab->bits[w] ^= bits ^ left;
			got += hweight_long(bits ^ left);
		}
		mask = ~0UL;
		if (++w == layout->words)
			w = 0;
	}
	return got;
}

static unsigned int take_from(struct slab_node *node, unsigned int n,
			      void **objects)
{
	unsigned int got = 0, more;
	struct slab *slab;

	lockdep_assert_held(&node->lock);
	while (got < n) {
		slab = list_first_entry_or_null(&node->partial, struct slab, list);
		if (!slab)
			break;
		if (slab->free == slab->layout->objects)
			node->empty--;
		more = take_bits(slab, n - got, objects + got);
		/* books that are wrong: what it had leaks, and others are asked */
		if (WARN_ON_ONCE(!more)) {
			list_del_init(&slab->list);
			node->partial_count--;
			node->out += slab->free;
			slab->free = 0;
			continue;
		}
		slab->free -= more;
		got += more;
		if (!slab->free) {
			list_del_init(&slab->list);
			node->partial_count--;
		}
	}
	node->out += got;
	return got;
}

/**
 * slab_take - take free objects out of a type's slabs
 * @type: the type
 * @nid: node to take them from; others if it has none and cannot get any
 * @n: how many at most
 * @objects: filled in; their words are 0 if nobody misused them
 *
 * Does not grow the cache, and leaves it to the caller to tell trigger_taken().
 *
 * Context: Any context; takes the node's raw lock.
 * Return: how many.
 */
unsigned int slab_take(struct refslab_type *type, int nid, unsigned int n,
		       void **objects)
{
	struct slab_node *node = &type->nodes[nid];
	unsigned int got = 0, batch;
	unsigned long flags;

	/* without the lock it is a guess: too few means a new slab, too many a look */
	while (got < n && data_race(READ_ONCE(node->partial_count))) {
		raw_spin_lock_irqsave(&node->lock, flags);
		batch = take_from(node, min(n - got, TAKE_BATCH), objects + got);
		raw_spin_unlock_irqrestore(&node->lock, flags);
		if (!batch)
			break;
		got += batch;
	}
	return got;
}

/* What follows from @n objects that came back into a slab, @last among them. */
static __always_inline void slab_given(struct refslab_type *type, struct slab_node *node,
				       struct slab *slab, unsigned int n, void *last)
{
	node->out -= n;
	if (!slab->free) {
		/* the next search begins where there is one */
		slab->start = slab_index(slab, last);
		list_add(&slab->list, &node->partial);
		node->partial_count++;
	}
	slab->free += n;
	if (likely(slab->free < type->layout.objects))
		return;
	node->empty++;
	if (node->empty > KEEP_EMPTY)
		slab_retire(type, node, slab);
	else
		list_move_tail(&slab->list, &node->partial);
}

/*
 * Objects of one node back into their slabs; where the first one of another node
 * is, or the end. What comes from one slab often lies side by side.
 */
static void **give_here(struct refslab_type *type, struct slab_node *node,
			void **objects, void **end, unsigned int *bad)
{
	const int nid = node - type->nodes;
	struct slab *slab;
	unsigned int n;
	void *first;

	lockdep_assert_held(&node->lock);
	do {
		slab = slab_of(*objects);
		if (slab->chunk.nid != nid)
			break;
		if (unlikely(slab->type != type)) {
			report_bad_free(type, *objects++);
			++*bad;
			continue;
		}
		first = slab_object(slab, 0);
		n = 0;
		do {
			/* slab_index(), with what is the same for all */
			u32 i = ((u64)(u32)(*objects - first) * type->layout.inverse) >> 32;

			if (likely(!__test_and_set_bit(i, slab->bits))) {
				n++;
			} else {
				/* it was there */
				report_bad_free(type, *objects);
				++*bad;
			}
		} while (++objects < end && slab_of(*objects) == slab);
		if (likely(n))
			slab_given(type, node, slab, n, objects[-1]);
	} while (objects < end);
	return objects;
}

/**
 * slab_return - put free objects back into their slabs
 * @type: their type
 * @n: how many
 * @objects: objects of any slabs of the type
 *
 * Slabs that empty, but for one a node, go back to the pool. Leaves it to the
 * caller to tell trigger_given().
 *
 * Context: Any context; takes raw locks.
 * Return: how many; the others are none of the type's, or were there.
 */
unsigned int slab_return(struct refslab_type *type, unsigned int n, void **objects)
{
	void **end = objects + n;
	struct slab_node *node;
	unsigned int bad = 0;
	unsigned long flags;

	while (objects < end) {
		/* objects of a magazine are of one node, as a rule */
		node = &type->nodes[slab_of(*objects)->chunk.nid];
		raw_spin_lock_irqsave(&node->lock, flags);
		objects = give_here(type, node, objects, end, &bad);
		raw_spin_unlock_irqrestore(&node->lock, flags);
	}
	return n - bad;
}

/**
 * slab_give - the same, and tell it
 * @type: their type
 * @n: how many
 * @objects: objects of any slabs of the type
 *
 * Context: Any context; takes raw locks.
 */
void slab_give(struct refslab_type *type, unsigned int n, void **objects)
{
	n = slab_return(type, n, objects);
	if (n && !type->leaf)
		trigger_given(type->heap, n);
}

/**
 * slab_shrink - give a type's empty slabs back to the pool
 * @type: the type
 *
 * Context: Any context; takes raw locks.
 */
void slab_shrink(struct refslab_type *type)
{
	struct slab *slab, *next;
	struct slab_node *node;
	unsigned long flags;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		node = &type->nodes[nid];
		raw_spin_lock_irqsave(&node->lock, flags);
		/* emptied ones are last */
		list_for_each_entry_safe_reverse(slab, next, &node->partial, list) {
			if (slab->free < slab->layout->objects)
				break;
			slab_retire(type, node, slab);
		}
		raw_spin_unlock_irqrestore(&node->lock, flags);
	}
}

/**
 * slab_is_free - whether an object is in its slab, with nobody's hands on it
 * @slab: the slab
 * @index: the object's
 *
 * For information, or with the node's lock held.
 */
bool slab_is_free(struct slab *slab, u32 index)
{
	/* without the lock it may change as one looks */
	return data_race(test_bit(index, slab->bits));
}

/**
 * slab_is_out - whether an object is what magazines and depots may hold
 * @type: the type
 * @object: the object
 *
 * For validators: nobody uses it meanwhile.
 */
bool slab_is_out(struct refslab_type *type, struct refslab_object *object)
{
	struct slab *slab = slab_of(object);

	return slab->type == type && !atomic64_read(&object->word) &&
	       !slab_is_free(slab, slab_index(slab, object));
}

/**
 * slab_validate - check a slab's books
 * @slab: a slab in use, its node's lock held
 *
 * Return: 0, or -EUCLEAN after a WARN.
 */
int slab_validate(struct slab *slab)
{
	const struct slab_layout *layout = slab->layout;
	u32 i, free = bitmap_weight(slab->bits, layout->objects);
	int err = 0;

	if (debug_on(slab->type))
		err = debug_validate(slab);
	if (free != slab->free || slab->retired || slab->start >= layout->objects)
		err = -EUCLEAN;
	if (bitmap_weight(slab->bits, layout->words * BITS_PER_LONG) != free)
		err = -EUCLEAN;
	for (i = 0; i < layout->objects; i++) {
		struct refslab_object *object = slab_object(slab, i);

		if (slab_index(slab, object) != i || slab_of(object) != slab)
			err = -EUCLEAN;
		if (slab_is_free(slab, i) && atomic64_read(&object->word))
			err = -EUCLEAN;
	}
	WARN(err, "refslab: heap %s: slab %u of type %s: %u free found, %u in the books\n",
	     slab->type->heap->name, slab->chunk.number, slab->type->name, free, slab->free);
	return err;
}

/*
 * What is true of a slab at any time while its node's lock is held. The other
 * books are only while nobody uses the heap.
 */
static int validate_number(struct pool *pool, u32 number)
{
	struct slab_node *node;
	unsigned long flags;
	struct slab *slab;
	int err = 0;

	rcu_read_lock();
	slab = slab_walk(pool, number);
	if (slab) {
		node = &slab->type->nodes[slab->chunk.nid];
		raw_spin_lock_irqsave(&node->lock, flags);
		/* else on its way to the pool, or from there */
		if (chunk_is_carved(&slab->chunk))
			err = slab_validate(slab);
		raw_spin_unlock_irqrestore(&node->lock, flags);
	}
	rcu_read_unlock();
	return err;
}

/**
 * slabs_validate - check the books of all slabs of a heap, which may be in use
 * @heap: the heap
 *
 * Context: May sleep.
 * Return: 0, or -EUCLEAN after a WARN for each that is not right.
 */
int slabs_validate(struct refslab_heap *heap)
{
	u32 number;
	int err = 0;

	for (number = 0; number < READ_ONCE(heap->pool.next_number); number++) {
		err = validate_number(&heap->pool, number) ?: err;
		cond_resched();
	}
	return err;
}
