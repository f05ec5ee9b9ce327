// SPDX-License-Identifier: GPL-2.0
/*
 * Whether a life costs more the more objects are alive: of one that comes and
 * goes beside N others; and when random ones of the N are replaced, in bursts
 * that a magazine does not hold, and in floods that a depot does not.
 */
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "figures.h"
#include "harness.h"
#include "subject.h"

#define SIZE		64
#define BURST		500
#define FLOOD		5000
#define REPLACED	10000	/* in all: so many of either */
#define ALIVE_MAX	10000000U

/**
 * struct alive - N objects
 * @s: of what
 * @n: how many
 * @objects: they
 * @random: which are replaced next
 * @burst: how many at a time
 * @chosen: they
 */
struct alive {
	struct subject	s;
	unsigned int	n;
	void		**objects;
	struct rnd_state random;
	unsigned int	burst;
	unsigned int	chosen[FLOOD];
};

/* Different ones, so that none is put twice: neighbours of a random start. */
static void choose(struct alive *alive)
{
	unsigned int stride = alive->n / alive->burst, i;

	for (i = 0; i < alive->burst; i++)
		alive->chosen[i] = i * stride +
				   prandom_u32_state(&alive->random) % stride;
}

static s64 replace_ours(void *arg)
{
	struct alive *alive = arg;
	u64 start, took = 0;
	unsigned int i, j;

	for (j = 0; j < REPLACED; j += alive->burst) {
		choose(alive);
		start = bench_clock();
		for (i = 0; i < alive->burst; i++)
			refslab_put(alive->objects[alive->chosen[i]]);
		for (i = 0; i < alive->burst; i++)
			alive->objects[alive->chosen[i]] =
				refslab_alloc(alive->s.type, GFP_KERNEL);
		took += bench_clock() - start;
		for (i = 0; i < alive->burst; i++)
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

	for (j = 0; j < REPLACED; j += alive->burst) {
		choose(alive);
		start = bench_clock();
		for (i = 0; i < alive->burst; i++)
			peer_put(alive->objects[alive->chosen[i]]);
		for (i = 0; i < alive->burst; i++)
			alive->objects[alive->chosen[i]] = peer_alloc();
		took += bench_clock() - start;
		for (i = 0; i < alive->burst; i++)
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
	for (i = 0; i < REPLACED; i++) {
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
	for (i = 0; i < REPLACED; i++) {
		peer = peer_alloc();
		if (unlikely(!peer))
			return -ENOMEM;
		peer_put(peer);
	}
	return bench_clock() - start;
}

static s64 measure_bursts(struct alive *alive, bench_fn replace, unsigned int burst)
{
	alive->burst = burst;
	return alive->n < burst ? -ENOENT : bench_measure(replace, alive, REPLACED);
}

/**
 * struct lives - what a life costs among others, or an errno
 * @one: of one at a time
 * @burst: of BURST random ones at a time
 * @flood: of FLOOD; -ENOENT where there are fewer
 */
struct lives {
	s64 one, burst, flood;
};

static void among_ours(struct alive *alive, struct lives *lives)
{
	unsigned int i;

	for (i = 0; i < alive->n; i++) {
		alive->objects[i] = refslab_alloc(alive->s.type, GFP_KERNEL);
		if (!alive->objects[i])
			break;
	}
	if (i == alive->n) {
		lives->one = bench_measure(one_ours, alive, REPLACED);
		lives->burst = measure_bursts(alive, replace_ours, BURST);
		lives->flood = measure_bursts(alive, replace_ours, FLOOD);
	}
	while (i--)
		if (alive->objects[i])
			refslab_put(alive->objects[i]);
}

static void among_peers(struct alive *alive, struct lives *lives)
{
	unsigned int i;

	for (i = 0; i < alive->n; i++) {
		alive->objects[i] = peer_alloc();
		if (!alive->objects[i])
			break;
	}
	if (i == alive->n) {
		lives->one = bench_measure(one_peer, alive, REPLACED);
		lives->burst = measure_bursts(alive, replace_peer, BURST);
		lives->flood = measure_bursts(alive, replace_peer, FLOOD);
	}
	while (i--)
		if (alive->objects[i])
			peer_put(alive->objects[i]);
}

static void among(struct alive *alive, struct lives *ours, struct lives *peers)
{
	int err = subject_create(&alive->s, SIZE, 0, SZ_1G);

	alive->objects = kvmalloc_array(alive->n, sizeof(void *), GFP_KERNEL);
	if (!err && !alive->objects)
		err = -ENOMEM;
	ours->one = err ?: -ENOMEM;
	ours->burst = ours->one;
	ours->flood = ours->one;
	*peers = *ours;
	if (!err) {
		prandom_seed_state(&alive->random, alive->n);
		among_ours(alive, ours);
		bench_settle();
		prandom_seed_state(&alive->random, alive->n);
		among_peers(alive, peers);
	}
	subject_destroy(&alive->s);
	kvfree(alive->objects);
}

void figure_alive(const char *figure)
{
	struct alive *alive = kvzalloc(sizeof(*alive), GFP_KERNEL);
	struct lives ours, peers;

	if (!alive) {
		bench_report(figure, "alive", -ENOMEM, BENCH_NO_PEER);
		return;
	}
	for (alive->n = 1000; alive->n <= ALIVE_MAX; alive->n *= 10) {
		among(alive, &ours, &peers);
		bench_report_number(figure, "one", alive->n, BENCH_UNIT, ours.one, peers.one);
		bench_report_number(figure, "replaced", alive->n, BENCH_UNIT,
				    ours.burst, peers.burst);
		if (alive->n >= FLOOD)
			bench_report_number(figure, "flood", alive->n, BENCH_UNIT,
					    ours.flood, peers.flood);
	}
	kvfree(alive);
}
