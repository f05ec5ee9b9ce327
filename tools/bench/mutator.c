// SPDX-License-Identifier: GPL-2.0
/*
 * What a sweep costs those who use the objects meanwhile. A timer's interrupt
 * comes in the midst of a sweep, wherever that is, picks an object and uses it:
 * first as one that nobody has used since the last sweep, then again and again.
 * Then the same while no sweep runs; but for one half-way, so that here, too,
 * either use is once the first to tell of a candidate. With one processor nobody can wait for a
 * lock; what is counted is all that a mutator executes.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/prandom.h>

#include "figures.h"
#include "harness.h"
#include "shape.h"

#define OBJECTS		1000000U
#define INTERVAL	(50 * NSEC_PER_USEC)
#define AGAIN		8
#define SAMPLES		20000U

enum use {
	GET_PUT,
	STORE,
	USES,
};

static const char * const use_name[USES] = { "get-put", "store" };

/**
 * struct cost - of one use, as seen so far
 * @first: sum over the first times
 * @again: sum over the times after
 * @worst: the most that one time took
 */
struct cost {
	u64	first;
	u64	again;
	u64	worst;
};

/**
 * struct mutator - the timer and what it saw
 * @timer: comes every INTERVAL
 * @graph: whose objects it uses
 * @random: which
 * @turn: which use comes first this time
 * @cost: of each use
 * @samples: times it came
 */
struct mutator {
	struct hrtimer		timer;
	struct graph		graph;
	struct rnd_state	random;
	unsigned int		turn;
	struct cost		cost[USES];
	unsigned int		samples;
};

static __always_inline void use(enum use what, struct node *node)
{
	struct refslab_object *obj = &node->link.object;

	if (what == GET_PUT) {
		refslab_get(obj);
		refslab_put(obj);
	} else {
		/* no other can change the slot: its target stays */
		refslab_slot_set(&node->slot[0], node->slot[0].target);
	}
}

static __always_inline void sample(struct mutator *m, enum use what)
{
	/* not the last one, whose first slot is empty */
	struct node *node = m->graph.nodes[prandom_u32_state(&m->random) %
					   (m->graph.n - 1)];
	struct cost *cost = &m->cost[what];
	unsigned int i;
	u64 took;

	for (i = 0; i <= AGAIN; i++) {
		u64 start = bench_clock();

		use(what, node);
		took = bench_clock() - start;
		*(i ? &cost->again : &cost->first) += took;
		cost->worst = max(cost->worst, took);
	}
}

static enum hrtimer_restart mutate(struct hrtimer *timer)
{
	struct mutator *m = container_of(timer, struct mutator, timer);

	if (m->turn++ % 2) {
		sample(m, STORE);
		sample(m, GET_PUT);
	} else {
		sample(m, GET_PUT);
		sample(m, STORE);
	}
	m->samples++;
	hrtimer_forward_now(timer, ns_to_ktime(INTERVAL));
	return HRTIMER_RESTART;
}

static void mutator_reset(struct mutator *m)
{
	memset(m->cost, 0, sizeof(m->cost));
	m->samples = 0;
	prandom_seed_state(&m->random, 1);
}

static void mutator_start(struct mutator *m, unsigned int turn)
{
	m->turn = turn;
	hrtimer_start(&m->timer, ns_to_ktime(INTERVAL), HRTIMER_MODE_REL_HARD);
}

static int mutator_create(struct mutator *m)
{
	int err = graph_create(&m->graph, shape_find("list"), OBJECTS);
	s64 took;

	if (!err)
		err = graph_build(&m->graph, true);
	if (err)
		return err;
	took = graph_sweep(&m->graph, 2, 0);
	hrtimer_init(&m->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	m->timer.function = mutate;
	return took < 0 ? took : 0;
}

/* Sweeps one after the other. */
static int mutate_beside(struct mutator *m)
{
	s64 took = 0;

	mutator_reset(m);
	mutator_start(m, 0);
	while (took >= 0 && READ_ONCE(m->samples) < SAMPLES)
		took = graph_sweep(&m->graph, 2, 0);
	hrtimer_cancel(&m->timer);
	return took < 0 ? took : 0;
}

/* No sweep, but one before each half. */
static int mutate_idle(struct mutator *m)
{
	unsigned int half;

	mutator_reset(m);
	for (half = 0; half < 2; half++) {
		if (graph_sweep(&m->graph, 2, 0) < 0)
			return -EIO;
		mutator_start(m, half);
		while (READ_ONCE(m->samples) < (half + 1) * SAMPLES / 2)
			usleep_range(100, 200);
		hrtimer_cancel(&m->timer);
	}
	return 0;
}

static void report(const char *figure, const struct mutator *beside,
		   const struct mutator *idle, int err)
{
	const struct cost *a, *b;
	char name[32];
	enum use use;

	for (use = 0; use < USES; use++) {
		a = &beside->cost[use];
		b = &idle->cost[use];
		bench_report(figure, use_name[use],
			     err ?: bench_per(a->again, (u64)AGAIN * beside->samples),
			     err ?: bench_per(b->again, (u64)AGAIN * idle->samples));
		snprintf(name, sizeof(name), "%s-first", use_name[use]);
		bench_report(figure, name, err ?: bench_per(a->first, beside->samples),
			     err ?: bench_per(b->first, idle->samples));
		snprintf(name, sizeof(name), "%s-worst", use_name[use]);
		bench_report(figure, name, err ?: 1000 * a->worst, err ?: 1000 * b->worst);
	}
}

void figure_mutator(const char *figure)
{
	struct mutator *m, *beside;
	int err = -ENOMEM;

	m = kvzalloc(sizeof(*m), GFP_KERNEL);
	beside = kvzalloc(sizeof(*beside), GFP_KERNEL);
	if (m && beside) {
		err = mutator_create(m);
		if (!err)
			err = mutate_beside(m);
		*beside = *m;
		if (!err)
			err = mutate_idle(m);
		graph_destroy(&m->graph);
		report(figure, beside, m, err);
	} else {
		bench_report(figure, "use", err, BENCH_NO_PEER);
	}
	kvfree(beside);
	kvfree(m);
}
