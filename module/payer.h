/* SPDX-License-Identifier: GPL-2.0 */
/* Who pays for the memory of a heap: the memory cgroup of its creator. */
#ifndef _REFSLAB_PAYER_H
#define _REFSLAB_PAYER_H

#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "pool.h"

/*
 * From here to payer_end(), whoever allocates, the heap's creator pays; and
 * whoever joins gets an error rather than the creator the OOM killer. Nobody
 * pays for a heap without REFSLAB_HEAP_ACCOUNT.
 */
static inline struct mem_cgroup *payer_begin(const struct pool *pool, gfp_t *gfp)
{
	*gfp |= __GFP_NOWARN;
	if (!pool->memcg)
		return NULL;
	*gfp |= __GFP_ACCOUNT;
	if (gfpflags_allow_blocking(*gfp) && !(*gfp & __GFP_NORETRY))
		*gfp |= __GFP_RETRY_MAYFAIL;
	return set_active_memcg(pool->memcg);
}

static inline void payer_end(const struct pool *pool, struct mem_cgroup *old)
{
	if (pool->memcg)
		set_active_memcg(old);
}

/* Zeroed memory for kvfree(), or kfree() if it is a page at most; or NULL. */
static inline void *payer_zalloc(const struct pool *pool, size_t size, gfp_t gfp)
{
	struct mem_cgroup *old = payer_begin(pool, &gfp);
	void *memory = kvzalloc(size, gfp);

	payer_end(pool, old);
	return memory;
}

#endif /* _REFSLAB_PAYER_H */
