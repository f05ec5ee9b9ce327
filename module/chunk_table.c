// SPDX-License-Identifier: GPL-2.0
/*
 * The chunk table: numbers for chunks, and chunks for numbers.
 *
 * Two levels, so that a small heap has a small table. Leaves stay once they are
 * there: who looks a number up takes no lock.
 */
#include "chunk_table.h"

#include <linux/slab.h>

#include "payer.h"

/**
 * chunk_table_prepare - make sure that a number can be had without allocating
 * @pool: the pool
 * @gfp: how hard to try
 *
 * Context: As @gfp allows; no raw spinlock held.
 * Return: 0; -ENOMEM.
 */
int chunk_table_prepare(struct pool *pool, gfp_t gfp)
{
	unsigned long flags;
	void **leaf;
	u32 i;

	/* a caller that loses the number to another comes back */
	if (READ_ONCE(pool->free_number) < CHUNKS_MAX ||
	    READ_ONCE(pool->next_number) % CHUNKS_LEAF)
		return 0;

	leaf = payer_zalloc(pool, CHUNKS_LEAF * sizeof(*leaf),
			    gfp & ~(__GFP_ZERO | __GFP_THISNODE));
	if (!leaf)
		return -ENOMEM;

	raw_spin_lock_irqsave(&pool->lock, flags);
	i = pool->next_number / CHUNKS_LEAF;
	if (pool->next_number < CHUNKS_MAX && !pool->table[i]) {
		/* pairs with the smp_load_acquire() in pool_find_chunk() */
		smp_store_release(&pool->table[i], leaf);
		leaf = NULL;
	}
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	kfree(leaf);
	return 0;
}

/**
 * chunk_table_insert - give a chunk a number
 * @pool: the pool
 * @chunk: a chunk without one
 *
 * Context: Any context; pool->lock held.
 * Return: false if chunk_table_prepare() has to come first, again.
 */
bool chunk_table_insert(struct pool *pool, struct chunk *chunk)
{
	u32 number = pool->free_number;
	void **entry;

	lockdep_assert_held(&pool->lock);

	if (number < CHUNKS_MAX) {
		entry = &pool->table[number / CHUNKS_LEAF][number % CHUNKS_LEAF];
		/* pairs with the READ_ONCE() in chunk_table_prepare() */
		WRITE_ONCE(pool->free_number, (unsigned long)*entry >> 1);
	} else {
		number = pool->next_number;
		if (number >= CHUNKS_MAX || !pool->table[number / CHUNKS_LEAF])
			return false;
		entry = &pool->table[number / CHUNKS_LEAF][number % CHUNKS_LEAF];
		/* pairs with the READ_ONCE() of those who walk the table */
		WRITE_ONCE(pool->next_number, number + 1);
	}
	chunk->number = number;
	/* pairs with the READ_ONCE() in pool_find_chunk() */
	WRITE_ONCE(*entry, chunk);
	return true;
}

/**
 * chunk_table_remove - take a chunk's number away
 * @pool: the pool
 * @chunk: a chunk with one
 *
 * Context: Any context; pool->lock held.
 */
void chunk_table_remove(struct pool *pool, struct chunk *chunk)
{
	void **entry = &pool->table[chunk->number / CHUNKS_LEAF]
				   [chunk->number % CHUNKS_LEAF];

	lockdep_assert_held(&pool->lock);
	/* pairs with the READ_ONCE() in pool_find_chunk() */
	WRITE_ONCE(*entry, (void *)((unsigned long)pool->free_number << 1 | 1));
	/* pairs with the READ_ONCE() in chunk_table_prepare() */
	WRITE_ONCE(pool->free_number, chunk->number);
}

/**
 * pool_find_chunk - the chunk that has a number
 * @pool: the pool
 * @number: any number
 *
 * Context: Any context. The chunk stays only while the caller keeps it.
 * Return: the chunk, or NULL.
 */
struct chunk *pool_find_chunk(struct pool *pool, u32 number)
{
	void **leaf, *entry;

	if (number >= CHUNKS_MAX)
		return NULL;
	/* pairs with the smp_store_release() in chunk_table_prepare() */
	leaf = smp_load_acquire(&pool->table[number / CHUNKS_LEAF]);
	if (!leaf)
		return NULL;
	entry = READ_ONCE(leaf[number % CHUNKS_LEAF]);
	return (unsigned long)entry & 1 ? NULL : entry;
}

/**
 * pool_walk_chunk - the chunk that has a number, if it is carved
 * @pool: the pool
 * @number: any number
 *
 * Context: Any context, in an RCU read section: as long as that lasts the chunk
 *	stays what it is.
 * Return: the chunk, or NULL.
 */
struct chunk *pool_walk_chunk(struct pool *pool, u32 number)
{
	struct chunk *chunk;
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	chunk = pool_find_chunk(pool, number);
	if (chunk && !chunk_is_carved(chunk))
		chunk = NULL;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	return chunk;
}
