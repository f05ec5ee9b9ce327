// SPDX-License-Identifier: GPL-2.0
/*
 * Whether a life costs more the more objects are alive: of one that comes and
 * goes beside N others; and when random ones of the N are replaced, in bursts
 * that a magazine does not hold.
 */
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "figures.h"
#include "harness.h"
#include "subject.h"

#define SIZE		64
#define BURST		500
#define BURSTS		20
#define ALIVE_MAX	10000000U

/**
 * struct alive - N objects
 * @s: of what
 * @n: how many
 * @objects: they
 * @random: which are replaced next
 * @chosen: a burst of those
 */
struct alive {
	struct subject	s;
	unsigned int	n;
	void		**objects;
	struct rnd_state random;
	unsigned int	chosen[BURST];
};

/* Different ones, so that none is put twice: neighbours of a random start. */
static void choose(struct alive *alive)
{
	unsigned int stride = alive->n / BURST, i;

	for (i = 0; i < BURST; i++)
		alive->chosen[i] = i * stride +
				   prandom_u32_state(&alive->random) % stride;
}

static s64 replace_ours(void *arg)
{
	struct alive *alive = arg;
	u64 start, took = 0;
	unsigned int i, j;

	for (j = 0; j < BURSTS; j++) {
		choose(alive);
		start = bench_clock();
		for (i = 0; i < BURST; i++)
			refslab_put(alive->objects[alive->chosen[i]]);
		for (i = 0; i < BURST; i++)
			alive->objects[alive->chosen[i]] =
				refslab_alloc(alive->s.type, GFP_KERNEL);
		took += bench_clock() - start;
		for (i = 0; i < BURST; i++)
			if (!alive->objects[alive->chosen[i]])
				return -ENOMEM;
	}
	return took;
}

static s64 replace_peer(void *arg)
{
	struct alive *alive = arg;
	u64 start, took = 0;
	unsigned int i, j;

	for (j = 0; j < BURSTS; j++) {
		choose(alive);
		start = bench_clock();
		for (i = 0; i < BURST; i++)
			peer_put(alive->objects[alive->chosen[i]]);
		for (i = 0; i < BURST; i++)
			alive->objects[alive->chosen[i]] = peer_alloc();
		took += bench_clock() - start;
		for (i = 0; i < BURST; i++)
			if (!alive->objects[alive->chosen[i]])
				return -ENOMEM;
	}
	return took;
}

/* What one and the same object costs that comes and goes beside the others. */
static s64 one_ours(void *arg)
{
	struct alive *alive = arg;
	struct refslab_object *obj;
	unsigned int i;
	u64 start;

	start = bench_clock();
	for (i = 0; i < BURST * BURSTS; i++) {
		obj = refslab_alloc(alive->s.type, GFP_KERNEL);
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
	for (i = 0; i < BURST * BURSTS; i++) {
		peer = peer_alloc();
		if (unlikely(!peer))
			return -ENOMEM;
		peer_put(peer);
	}
	return bench_clock() - start;
}

static void among_ours(struct alive *alive, s64 *one, s64 *replaced)
{
	unsigned int i;

	for (i = 0; i < alive->n; i++) {
		alive->objects[i] = refslab_alloc(alive->s.type, GFP_KERNEL);
		if (!alive->objects[i])
			break;
	}
	if (i == alive->n) {
		*one = bench_measure(one_ours, alive, BURST * BURSTS);
		*replaced = bench_measure(replace_ours, alive, BURST * BURSTS);
	}
	while (i--)
		if (alive->objects[i])
			refslab_put(alive->objects[i]);
}

static void among_peers(struct alive *alive, s64 *one, s64 *replaced)
{
	unsigned int i;

	for (i = 0; i < alive->n; i++) {
		alive->objects[i] = peer_alloc();
		if (!alive->objects[i])
			break;
	}
	if (i == alive->n) {
		*one = bench_measure(one_peer, alive, BURST * BURSTS);
		*replaced = bench_measure(replace_peer, alive, BURST * BURSTS);
	}
	while (i--)
		if (alive->objects[i])
			peer_put(alive->objects[i]);
}

/* Ours and the peer's, or errnos. */
static void among(struct alive *alive, s64 *one, s64 *replaced)
{
	int err = subject_create(&alive->s, SIZE, 0, SZ_1G);
	unsigned int i;

	alive->objects = kvmalloc_array(alive->n, sizeof(void *), GFP_KERNEL);
	if (!err && !alive->objects)
		err = -ENOMEM;
	for (i = 0; i < 2; i++) {
		one[i] = err ?: -ENOMEM;
		replaced[i] = err ?: -ENOMEM;
	}
	if (!err) {
		prandom_seed_state(&alive->random, alive->n);
		among_ours(alive, &one[0], &replaced[0]);
		bench_settle();
		prandom_seed_state(&alive->random, alive->n);
		among_peers(alive, &one[1], &replaced[1]);
	}
	subject_destroy(&alive->s);
	kvfree(alive->objects);
}

void figure_alive(const char *figure)
{
	struct alive *alive = kvzalloc(sizeof(*alive), GFP_KERNEL);
	s64 one[2], replaced[2];

	if (!alive) {
		bench_report(figure, "alive", -ENOMEM, BENCH_NO_PEER);
		return;
	}
	for (alive->n = 1000; alive->n <= ALIVE_MAX; alive->n *= 10) {
		among(alive, one, replaced);
		bench_report_number(figure, "one", alive->n, BENCH_UNIT, one[0], one[1]);
		bench_report_number(figure, "replaced", alive->n, BENCH_UNIT,
				    replaced[0], replaced[1]);
	}
	kvfree(alive);
}
