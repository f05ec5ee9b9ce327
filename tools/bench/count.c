// SPDX-License-Identifier: GPL-2.0
/* A reference more and one less, on a live object. */
#include "figures.h"
#include "harness.h"
#include "subject.h"

#define LOOPS	100000
#define SIZE	64

static s64 count_ours(void *arg)
{
	struct refslab_object *obj = arg;
	unsigned int i;
	u64 start;

	start = bench_clock();
	for (i = 0; i < LOOPS; i++) {
		refslab_get(obj);
		refslab_put(obj);
	}
	return bench_clock() - start;
}

static s64 count_peer(void *arg)
{
	struct peer *peer = arg;
	unsigned int i;
	u64 start;

	start = bench_clock();
	for (i = 0; i < LOOPS; i++) {
		kref_get(&peer->ref);
		peer_put(peer);
	}
	return bench_clock() - start;
}

static void count(const char *figure, const char *what, unsigned int slots)
{
	struct refslab_object *obj;
	struct peer *peer_obj;
	struct subject s;
	s64 ours, peer;

	ours = subject_create(&s, SIZE, slots, 0);
	peer = ours;
	if (!ours) {
		obj = refslab_alloc(s.type, GFP_KERNEL);
		ours = obj ? bench_measure(count_ours, obj, LOOPS) : -ENOMEM;
		if (obj)
			refslab_put(obj);
		peer_obj = peer_alloc();
		peer = peer_obj ? bench_measure(count_peer, peer_obj, LOOPS) : -ENOMEM;
		if (peer_obj)
			peer_put(peer_obj);
	}
	subject_destroy(&s);
	bench_report(figure, what, ours, peer);
}

void figure_count(const char *figure)
{
	count(figure, "leaf", 0);
	count(figure, "slots", 2);
}
