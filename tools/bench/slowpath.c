// SPDX-License-Identifier: GPL-2.0
/*
 * How many allocations and frees leave the fast path. Each operation is timed
 * alone, which counting instructions allows: a slow one is one that takes more
 * than twice what the same takes when an object comes and goes.
 */
#include <linux/prandom.h>

#include "figures.h"
#include "harness.h"
#include "subject.h"

#define SIZE	64
#define ALIVE	10000U		/* objects alive, about */
#define OPS	200000U

/**
 * struct usage - operations timed, and what they are done to
 * @s: of what
 * @random: which operation is next
 * @alive: objects alive
 * @objects: they
 * @alloc_fast: what an allocation takes that does nothing special
 * @free_fast: and a free
 * @ops: operations timed
 * @slow: of these, slow ones
 * @lacking: allocations that failed
 */
struct usage {
	struct subject	s;
	struct rnd_state random;
	unsigned int	alive;
	void		*objects[2 * ALIVE];
	u64		alloc_fast;
	u64		free_fast;
	u64		ops;
	u64		slow;
	u64		lacking;
};

/**
 * struct side - us, or the peer
 * @alloc: allocates, returns what that took
 * @free: frees the object, likewise
 */
struct side {
	u64	(*alloc)(struct usage *u, void **object);
	u64	(*free)(struct usage *u, void *object);
};

static u64 alloc_ours(struct usage *u, void **object)
{
	u64 start = bench_clock();

	*object = refslab_alloc(u->s.type, GFP_KERNEL);
	return bench_clock() - start;
}

static u64 free_ours(struct usage *u, void *object)
{
	u64 start = bench_clock();

	refslab_put(object);
	return bench_clock() - start;
}

static u64 alloc_peer(struct usage *u, void **object)
{
	u64 start = bench_clock();

	*object = peer_alloc();
	return bench_clock() - start;
}

static u64 free_peer(struct usage *u, void *object)
{
	u64 start = bench_clock();

	peer_put(object);
	return bench_clock() - start;
}

static const struct side ours = { alloc_ours, free_ours };
static const struct side peers = { alloc_peer, free_peer };

static void one_more(struct usage *u, const struct side *side)
{
	u64 took = side->alloc(u, &u->objects[u->alive]);

	if (u->objects[u->alive])
		u->alive++;
	else
		u->lacking++;
	u->ops++;
	u->slow += took > 2 * u->alloc_fast;
}

/* A random one: what is freed was not allocated last. */
static void one_less(struct usage *u, const struct side *side)
{
	unsigned int i = prandom_u32_state(&u->random) % u->alive;
	void *object = u->objects[i];
	u64 took;

	u->objects[i] = u->objects[--u->alive];
	took = side->free(u, object);
	u->ops++;
	u->slow += took > 2 * u->free_fast;
}

/* What the two take when an object comes and goes: the least of some. */
static int learn(struct usage *u, const struct side *side)
{
	unsigned int i;
	void *object;

	u->alloc_fast = U64_MAX / 4;
	u->free_fast = U64_MAX / 4;
	for (i = 0; i < 1000; i++) {
		u->alloc_fast = min(u->alloc_fast, side->alloc(u, &object));
		if (!object)
			return -ENOMEM;
		u->free_fast = min(u->free_fast, side->free(u, object));
	}
	return 0;
}

/* As many as there were are there again in the end, none of them the same. */
static void tide(struct usage *u, const struct side *side)
{
	unsigned int i;

	while (u->ops < OPS) {
		for (i = 0; i < ALIVE / 2; i++)
			one_more(u, side);
		for (i = 0; i < ALIVE / 2 && u->alive; i++)
			one_less(u, side);
	}
}

static void walk(struct usage *u, const struct side *side)
{
	while (u->ops < OPS) {
		if (!u->alive || (u->alive < 2 * ALIVE &&
				  (prandom_u32_state(&u->random) & BIT(16))))
			one_more(u, side);
		else
			one_less(u, side);
	}
}

/* Thousandths of a slow one an operation. */
static s64 share(struct usage *u, const struct side *side,
		 void (*use)(struct usage *u, const struct side *side))
{
	int err = learn(u, side);

	if (err)
		return err;
	prandom_seed_state(&u->random, 1);
	u->lacking = 0;
	while (u->alive < ALIVE && !u->lacking)
		one_more(u, side);
	/* two rounds: the first is not yet the steady state */
	u->ops = 0;
	use(u, side);
	u->ops = 0;
	u->slow = 0;
	use(u, side);
	while (u->alive)
		side->free(u, u->objects[--u->alive]);
	return u->lacking ? -ENOMEM : bench_per(u->slow, u->ops);
}

static void usage(const char *figure, const char *what,
		  void (*use)(struct usage *u, const struct side *side))
{
	s64 share_ours, share_peer;
	struct usage *u;
	int err;

	u = kvzalloc(sizeof(*u), GFP_KERNEL);
	if (!u) {
		bench_report(figure, what, -ENOMEM, BENCH_NO_PEER);
		return;
	}
	err = subject_create(&u->s, SIZE, 0, 0);
	share_ours = err ?: share(u, &ours, use);
	share_peer = err ?: share(u, &peers, use);
	subject_destroy(&u->s);
	kvfree(u);
	bench_report_unit(figure, what, "share", share_ours, share_peer);
}

void figure_slowpath(const char *figure)
{
	usage(figure, "walk", walk);
	usage(figure, "tide", tide);
}
