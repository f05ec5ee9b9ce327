// SPDX-License-Identifier: GPL-2.0
/*
 * An object's life, from allocation to the put that frees it: one at a time, or
 * many allocated and then freed.
 */
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "figures.h"
#include "harness.h"
#include "subject.h"

#define LIVES		10000
#define SIZE		64

static s64 one_ours(void *arg)
{
	struct subject *s = arg;
	struct refslab_object *obj;
	unsigned int i;
	u64 start;

	start = bench_clock();
	for (i = 0; i < LIVES; i++) {
		obj = refslab_alloc(s->type, GFP_KERNEL);
		if (unlikely(!obj))
			return -ENOMEM;
		refslab_put(obj);
	}
	return bench_clock() - start;
}

static s64 one_peer(void *arg)
{
	struct peer *peer;
	unsigned int i;
	u64 start;

	start = bench_clock();
	for (i = 0; i < LIVES; i++) {
		peer = peer_alloc();
		if (unlikely(!peer))
			return -ENOMEM;
		peer_put(peer);
	}
	return bench_clock() - start;
}

static void one(const char *figure, const char *what, size_t size, unsigned int slots)
{
	struct subject s;
	s64 ours, peer;

	ours = subject_create(&s, size, slots, 0);
	peer = ours;
	if (!ours) {
		ours = bench_measure(one_ours, &s, LIVES);
		peer = bench_measure(one_peer, &s, LIVES);
	}
	subject_destroy(&s);
	bench_report(figure, what, ours, peer);
}

void figure_lifecycle(const char *figure)
{
	one(figure, "leaf", SIZE, 0);
	one(figure, "slots", SIZE, 2);
	one(figure, "leaf-256", 256, 0);
}

/**
 * struct crowd - many alive
 * @s: of what
 * @n: how many
 * @shuffle: whether they are freed in random order
 * @objects: room for them
 */
struct crowd {
	struct subject	s;
	unsigned int	n;
	bool		shuffle;
	void		**objects;
};

/* The same order for us and for the peer, each time. */
static void crowd_shuffle(struct crowd *crowd)
{
	struct rnd_state random;
	unsigned int i, j;

	if (!crowd->shuffle)
		return;
	prandom_seed_state(&random, crowd->n);
	for (i = crowd->n - 1; i; i--) {
		j = prandom_u32_state(&random) % (i + 1);
		swap(crowd->objects[i], crowd->objects[j]);
	}
}

static s64 crowd_ours(void *arg)
{
	struct crowd *crowd = arg;
	u64 start, took;
	unsigned int i;

	start = bench_clock();
	for (i = 0; i < crowd->n; i++) {
		crowd->objects[i] = refslab_alloc(crowd->s.type, GFP_KERNEL);
		if (unlikely(!crowd->objects[i]))
			break;
	}
	took = bench_clock() - start;
	if (i < crowd->n) {
		while (i)
			refslab_put(crowd->objects[--i]);
		return -ENOMEM;
	}
	crowd_shuffle(crowd);
	start = bench_clock();
	for (i = 0; i < crowd->n; i++)
		refslab_put(crowd->objects[i]);
	return took + bench_clock() - start;
}

static s64 crowd_peer(void *arg)
{
	struct crowd *crowd = arg;
	u64 start, took;
	unsigned int i;

	start = bench_clock();
	for (i = 0; i < crowd->n; i++) {
		crowd->objects[i] = peer_alloc();
		if (unlikely(!crowd->objects[i]))
			break;
	}
	took = bench_clock() - start;
	if (i < crowd->n) {
		while (i)
			peer_put(crowd->objects[--i]);
		return -ENOMEM;
	}
	crowd_shuffle(crowd);
	start = bench_clock();
	for (i = 0; i < crowd->n; i++)
		peer_put(crowd->objects[i]);
	return took + bench_clock() - start;
}

static void many(const char *figure, const char *what, unsigned int n, bool shuffle)
{
	struct crowd crowd = { .n = n, .shuffle = shuffle };
	s64 ours, peer;

	ours = subject_create(&crowd.s, SIZE, 0, SZ_512M);
	crowd.objects = kvmalloc_array(n, sizeof(void *), GFP_KERNEL);
	if (!ours && !crowd.objects)
		ours = -ENOMEM;
	peer = ours;
	if (!ours) {
		ours = bench_measure(crowd_ours, &crowd, n);
		peer = bench_measure(crowd_peer, &crowd, n);
	}
	kvfree(crowd.objects);
	subject_destroy(&crowd.s);
	bench_report(figure, what, ours, peer);
}

void figure_crowd(const char *figure)
{
	many(figure, "alive-10000", 10000, false);
	many(figure, "random-1000000", 1000000, true);
}
