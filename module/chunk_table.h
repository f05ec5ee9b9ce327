/* SPDX-License-Identifier: GPL-2.0 */
/* The chunk table: numbers for chunks, and chunks for numbers. */
#ifndef _REFSLAB_CHUNK_TABLE_H
#define _REFSLAB_CHUNK_TABLE_H

#include <linux/types.h>

struct chunk;
struct pool;

int chunk_table_prepare(struct pool *pool, gfp_t gfp);
bool chunk_table_insert(struct pool *pool, struct chunk *chunk);
void chunk_table_remove(struct pool *pool, struct chunk *chunk);

#endif /* _REFSLAB_CHUNK_TABLE_H */
