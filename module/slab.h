/* SPDX-License-Identifier: GPL-2.0 */
/* Slabs: chunks carved into objects of one type, and the lists they are on. */
#ifndef _REFSLAB_SLAB_H
#define _REFSLAB_SLAB_H

#include <linux/refslab.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#include "pool.h"

struct depot;

#define GENERATIONS	3
#define GENERATION_FROZEN REFSLAB_FROZEN_GENERATION

/**
 * struct slab_layout - how a type's slabs are carved; fixed
 * @size: bytes from one object to the next
 * @first: byte of the first object
 * @objects: how many
 * @inverse: 2^32 / @size, rounded up, to divide by multiplication
 * @words: longs of a bitmap with a bit per object
 * @bitmaps: how many: the free ones; with slots, a hint per generation; last,
 *	where the type allows weak references, the objects that have some
 */
struct slab_layout {
	u32 size;
	u32 first;
	u32 objects;
	u32 inverse;
	u32 words;
	u32 bitmaps;
};

/**
 * struct slab - at the start of its chunk
 * @chunk: the pool's part
 * @type: whose objects these are; stays until the chunk is handed out anew
 * @heap: likewise
 * @layout: type's
 * @list: node->partial, if it has free objects; node->lock
 * @free: objects in the slab, neither with users nor in a magazine or depot;
 *	node->lock
 * @start: objects are handed out from this one on; node->lock
 * @retired: on its way back to the pool: not to be put on a dirty list;
 *	heap's dirty lock
 * @dirty: the heap's dirty list of each generation, or empty; heap's dirty lock
 * @bits: the free bitmap, node->lock; the others, atomic
 */
struct slab {
	struct chunk	chunk;
	struct refslab_type *type;
	struct refslab_heap *heap;
	const struct slab_layout *layout;
	struct list_head list;
	u32		free;
	bool		retired;
	u16		start;
	struct list_head dirty[GENERATIONS];
	unsigned long	bits[];
};

/**
 * struct slab_node - a type's slabs on one NUMA node
 * @lock: raw and irqsave, because puts reach it. Within it: the heap's dirty
 *	lock, the pool's lock
 * @partial: slabs with free objects, emptied ones last; @lock
 * @slabs: with free objects and without; @lock
 * @partial_count: on @partial; @lock, or a guess
 * @empty: slabs on @partial with all objects free; @lock
 * @out: objects with users, in magazines or in depots; @lock
 * @depot: free objects at hand, or NULL: the node had no memory when the type
 *	was made; fixed
 */
struct slab_node {
	raw_spinlock_t	lock;
	struct list_head partial;
	unsigned long	slabs;
	unsigned long	partial_count;
	unsigned long	empty;
	unsigned long	out;
	struct depot	*depot;
};

/* A chunk is naturally aligned, so its slab is found from any address in it. */
static inline struct slab *slab_of(const void *object)
{
	return (struct slab *)((unsigned long)object & ~(REFSLAB_CHUNK_SIZE - 1));
}

/*
 * The slab at an address whose memory may be anybody's, or NULL; in an RCU read
 * section, for as long as that lasts.
 */
static inline struct slab *slab_find(const void *address)
{
	struct chunk *chunk = chunk_find(address);

	return chunk ? container_of(chunk, struct slab, chunk) : NULL;
}

static inline u32 slab_index(const struct slab *slab, const void *object)
{
	u32 offset = (unsigned long)object - (unsigned long)slab -
		     slab->layout->first;

	return ((u64)offset * slab->layout->inverse) >> 32;
}

static inline struct refslab_object *slab_object(const struct slab *slab, u32 i)
{
	return (void *)slab + slab->layout->first + i * slab->layout->size;
}

/* Whether an object of the slab begins at an address. */
static inline bool slab_has(const struct slab *slab, const void *address)
{
	u32 i = slab_index(slab, address);

	return address >= (void *)slab_object(slab, 0) &&
	       i < slab->layout->objects && slab_object(slab, i) == address;
}

static inline unsigned long *slab_hints(struct slab *slab, unsigned int gen)
{
	return slab->bits + (gen + 1) * slab->layout->words;
}

/* Which objects have weak references; of a type that allows them. Atomic. */
static inline unsigned long *slab_weak(struct slab *slab)
{
	return slab->bits + (slab->layout->bitmaps - 1) * slab->layout->words;
}

/* The number of an object in its heap: chunk and granule. Never 0. */
static inline u32 slab_number(const struct refslab_object *object)
{
	const struct slab *slab = slab_of(object);

	return slab->chunk.number << CHUNK_GRANULES_SHIFT |
	       ((unsigned long)object - (unsigned long)slab) >> GRANULE_SHIFT;
}

static inline struct refslab_object *slab_numbered(const struct pool *pool,
						   u32 number)
{
	return (void *)pool_chunk(pool, number >> CHUNK_GRANULES_SHIFT) +
	       ((number & (BIT(CHUNK_GRANULES_SHIFT) - 1)) << GRANULE_SHIFT);
}

/*
 * The slab of a chunk number, or NULL. In an RCU read section, for as long as
 * that lasts.
 */
static inline struct slab *slab_walk(struct pool *pool, u32 number)
{
	struct chunk *chunk = pool_walk_chunk(pool, number);

	return chunk ? container_of(chunk, struct slab, chunk) : NULL;
}

int slab_layout(struct slab_layout *layout, size_t size, size_t align,
		size_t align_offset, bool slots, bool weak);
void slab_node_init(struct slab_node *node);

unsigned int slab_take(struct refslab_type *type, int nid, unsigned int n,
		       void **objects);
unsigned int slab_return(struct refslab_type *type, unsigned int n, void **objects);
void slab_give(struct refslab_type *type, unsigned int n, void **objects);
int slab_grow(struct refslab_type *type, int nid, gfp_t gfp);
void slab_shrink(struct refslab_type *type);
bool slab_is_free(struct slab *slab, u32 index);
bool slab_is_out(struct refslab_type *type, struct refslab_object *object);
int slab_validate(struct slab *slab);
int slabs_validate(struct refslab_heap *heap);

#endif /* _REFSLAB_SLAB_H */
