// SPDX-License-Identifier: GPL-2.0
/* Objects by 64 at a time. */
#include "figures.h"
#include "harness.h"
#include "subject.h"

#define BULK	64
#define ROUNDS	200
#define SIZE	64

static s64 bulk_ours(void *arg)
{
	struct refslab_object *objs[BULK];
	struct subject *s = arg;
	unsigned int i, n;
	u64 start;

	start = bench_clock();
	for (i = 0; i < ROUNDS; i++) {
		n = refslab_alloc_bulk(s->type, GFP_KERNEL, BULK, objs);
		refslab_put_bulk(n, objs);
		if (unlikely(n != BULK))
			return -ENOMEM;
	}
	return bench_clock() - start;
}

static s64 bulk_peer(void *arg)
{
	struct subject *s = arg;
	void *objs[BULK];
	unsigned int i;
	u64 start;

	start = bench_clock();
	for (i = 0; i < ROUNDS; i++) {
		if (unlikely(!kmem_cache_alloc_bulk(s->cache, GFP_KERNEL, BULK, objs)))
			return -ENOMEM;
		kmem_cache_free_bulk(s->cache, BULK, objs);
	}
	return bench_clock() - start;
}

static void bulk(const char *figure, const char *what, unsigned int slots)
{
	struct subject s;
	s64 ours, peer;

	ours = subject_create(&s, SIZE, slots, 0);
	peer = ours;
	if (!ours) {
		ours = bench_measure(bulk_ours, &s, BULK * ROUNDS);
		peer = bench_measure(bulk_peer, &s, BULK * ROUNDS);
	}
	subject_destroy(&s);
	bench_report(figure, what, ours, peer);
}

void figure_bulk(const char *figure)
{
	bulk(figure, "leaf", 0);
	bulk(figure, "slots", 2);
}
