// SPDX-License-Identifier: GPL-2.0
/*
 * Whether a life costs more the more objects are alive: random ones of N are
 * replaced, in bursts that a magazine does not hold.
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

static s64 among_ours(struct alive *alive)
{
	s64 per = -ENOMEM;
	unsigned int i;

	for (i = 0; i < alive->n; i++) {
		alive->objects[i] = refslab_alloc(alive->s.type, GFP_KERNEL);
		if (!alive->objects[i])
			break;
	}
	if (i == alive->n)
		per = bench_measure(replace_ours, alive, BURST * BURSTS);
	while (i--)
		if (alive->objects[i])
			refslab_put(alive->objects[i]);
	return per;
}

static s64 among_peers(struct alive *alive)
{
	s64 per = -ENOMEM;
	unsigned int i;

	for (i = 0; i < alive->n; i++) {
		alive->objects[i] = peer_alloc();
		if (!alive->objects[i])
			break;
	}
	if (i == alive->n)
		per = bench_measure(replace_peer, alive, BURST * BURSTS);
	while (i--)
		if (alive->objects[i])
			peer_put(alive->objects[i]);
	return per;
}

void figure_alive(const char *figure)
{
	struct alive *alive;
	s64 ours, peer;

	alive = kvzalloc(sizeof(*alive), GFP_KERNEL);
	if (!alive) {
		bench_report(figure, "alive", -ENOMEM, BENCH_NO_PEER);
		return;
	}
	for (alive->n = 1000; alive->n <= ALIVE_MAX; alive->n *= 10) {
		ours = subject_create(&alive->s, SIZE, 0, SZ_1G);
		alive->objects = kvmalloc_array(alive->n, sizeof(void *), GFP_KERNEL);
		if (!ours && !alive->objects)
			ours = -ENOMEM;
		peer = ours;
		if (!ours) {
			prandom_seed_state(&alive->random, alive->n);
			ours = among_ours(alive);
			bench_settle();
			prandom_seed_state(&alive->random, alive->n);
			peer = among_peers(alive);
		}
		subject_destroy(&alive->s);
		kvfree(alive->objects);
		bench_report_number(figure, "alive", alive->n, BENCH_UNIT, ours, peer);
	}
	kvfree(alive);
}
