// SPDX-License-Identifier: GPL-2.0
#include "subject.h"

#include "harness.h"

struct kmem_cache *peer_cache;

/**
 * subject_create - make what is measured
 * @s: filled in
 * @size: bytes of an object, header and count included
 * @slots: slots of an object of ours; the peer has none, it has no such thing
 * @limit: of the heap, in bytes
 *
 * Context: May sleep.
 * Return: 0 or an errno; subject_destroy() is right in either case.
 */
int subject_create(struct subject *s, size_t size, unsigned int slots, u64 limit)
{
	const struct refslab_type_args args = {
		.name = "subject", .size = size, .slots = slots,
	};

	s->type = NULL;
	s->cache = NULL;
	s->heap = bench_heap(limit);
	if (IS_ERR(s->heap))
		return PTR_ERR(s->heap);
	s->type = refslab_type_create(s->heap, &args);
	if (IS_ERR(s->type))
		return PTR_ERR(s->type);
	s->cache = kmem_cache_create("refslab_bench_peer", size, 0, 0, NULL);
	if (!s->cache)
		return -ENOMEM;
	peer_cache = s->cache;
	return 0;
}

void subject_destroy(struct subject *s)
{
	if (!IS_ERR(s->heap))
		refslab_heap_destroy(s->heap);
	kmem_cache_destroy(s->cache);
	peer_cache = NULL;
}
