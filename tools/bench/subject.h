/* SPDX-License-Identifier: GPL-2.0 */
/* What is allocated and freed: an object of ours, and one of SLUB's with a kref. */
#ifndef _BENCH_SUBJECT_H
#define _BENCH_SUBJECT_H

#include <linux/err.h>
#include <linux/kref.h>
#include <linux/refslab.h>
#include <linux/slab.h>

/**
 * struct peer - an object of the peer's
 * @ref: what it is counted by
 *
 * The rest of its cache's object size is payload.
 */
struct peer {
	struct kref ref;
};

/**
 * struct subject - a type of ours and a cache of the peer's, of equal size
 * @heap: a heap of its own
 * @type: leaf, or with two slots
 * @cache: of struct peer
 */
struct subject {
	struct refslab_heap	*heap;
	struct refslab_type	*type;
	struct kmem_cache	*cache;
};

int subject_create(struct subject *s, size_t size, unsigned int slots, u64 limit);
void subject_destroy(struct subject *s);

/* The cache that peer_put() frees to; one subject at a time is measured. */
extern struct kmem_cache *peer_cache;

static __always_inline struct peer *peer_alloc(void)
{
	struct peer *peer = kmem_cache_alloc(peer_cache, GFP_KERNEL);

	if (likely(peer))
		kref_init(&peer->ref);
	return peer;
}

static inline void peer_release(struct kref *ref)
{
	kmem_cache_free(peer_cache, container_of(ref, struct peer, ref));
}

static __always_inline void peer_put(struct peer *peer)
{
	kref_put(&peer->ref, peer_release);
}

#endif /* _BENCH_SUBJECT_H */
