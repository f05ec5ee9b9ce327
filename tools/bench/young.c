// SPDX-License-Identifier: GPL-2.0
/*
 * A sweep of generation 0 that finds a thousand pairs, in a heap in which much
 * lives: what is old must not cost anything. Each pair refers to an old object.
 */
#include <linux/err.h>
#include <linux/prandom.h>

#include "figures.h"
#include "harness.h"
#include "shape.h"

#define PAIRS	1000

/**
 * struct nursery - where the pairs are born
 * @old: what lives there
 * @random: which of them the pairs refer to
 */
struct nursery {
	struct graph		old;
	struct rnd_state	random;
};

static struct node *bear(struct nursery *nursery)
{
	struct refslab_object *obj = refslab_alloc(nursery->old.type, GFP_KERNEL);

	return obj ? container_of(obj, struct node, link.object) : NULL;
}

static int make_pair(struct nursery *nursery)
{
	struct node *a = bear(nursery), *b = bear(nursery);
	struct node *old = nursery->old.nodes[prandom_u32_state(&nursery->random) %
					      nursery->old.n];

	if (a && b) {
		refslab_slot_set(&a->slot[0], &b->link.object);
		refslab_slot_set(&b->slot[0], &a->link.object);
		refslab_slot_set(&a->slot[1], &old->link.object);
	}
	if (a)
		refslab_put(&a->link.object);
	if (b)
		refslab_put(&b->link.object);
	return a && b ? 0 : -ENOMEM;
}

static s64 sweep_young(void *arg)
{
	struct nursery *nursery = arg;
	unsigned int i;

	for (i = 0; i < PAIRS; i++)
		if (make_pair(nursery))
			return -ENOMEM;
	return graph_sweep(&nursery->old, 0, 2 * PAIRS);
}

static s64 among(unsigned int n)
{
	struct nursery nursery;
	unsigned int i;
	s64 per;

	prandom_seed_state(&nursery.random, 1);
	per = graph_create(&nursery.old, shape_find("list"), n);
	if (!per)
		per = graph_build(&nursery.old, true);
	/* into generation 2 */
	for (i = 0; i < 2 && per >= 0; i++)
		per = graph_sweep(&nursery.old, 2, 0);
	if (per >= 0)
		per = bench_measure(sweep_young, &nursery, 2 * PAIRS);
	graph_destroy(&nursery.old);
	bench_settle();
	return per;
}

void figure_young(const char *figure)
{
	unsigned int n;

	for (n = 10000; n <= 1000000; n *= 10)
		bench_report_number(figure, "live", n, BENCH_UNIT, among(n),
				    BENCH_NO_PEER);
}
