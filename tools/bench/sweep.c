// SPDX-License-Identifier: GPL-2.0
/* What a full sweep costs: of garbage, and of what lives. */
#include <linux/err.h>
#include <linux/sched.h>

#include "figures.h"
#include "harness.h"
#include "shape.h"

#define OBJECTS		1000000U
#define GROWN_FROM	10000U
#define GROWN_TO	10000000U

static s64 sweep_garbage(void *arg)
{
	struct graph *graph = arg;
	int err = graph_build(graph, false);

	return err ?: graph_sweep(graph, 2, graph->n);
}

/* The first sweep after the graph was built: every object is a candidate. */
static s64 sweep_live(void *arg)
{
	struct graph *graph = arg;
	int err = graph_build(graph, true);
	s64 took, gone;

	if (err)
		return err;
	took = graph_sweep(graph, 2, 0);
	graph_drop(graph);
	gone = graph_sweep(graph, 2, graph->n);
	return took < 0 || gone >= 0 ? took : gone;
}

static s64 sweep(const struct shape *shape, unsigned int n, bench_fn once,
		 unsigned int times)
{
	struct graph graph;
	s64 per;

	per = graph_create(&graph, shape, n);
	if (!per)
		per = bench_measure_times(once, &graph, n, times);
	graph_destroy(&graph);
	bench_settle();
	return per;
}

static void sweep_shapes(const char *figure, bench_fn once)
{
	unsigned int i, n;

	for (i = 0; i < shapes_count; i++)
		for (n = GROWN_FROM; n <= OBJECTS; n *= 10)
			bench_report_number(figure, shapes[i].name, n, BENCH_UNIT,
					    sweep(&shapes[i], n, once, BENCH_REPETITIONS),
					    BENCH_NO_PEER);
}

void figure_garbage(const char *figure)
{
	sweep_shapes(figure, sweep_garbage);
}

void figure_live(const char *figure)
{
	sweep_shapes(figure, sweep_live);
}

/* Repeated less often the longer it takes; instructions repeat anyway. */
void figure_growth(const char *figure)
{
	const struct shape *list = shape_find("list");
	unsigned int n, times;

	for (n = GROWN_FROM; n <= GROWN_TO; n *= 10) {
		times = clamp(3 * OBJECTS / n, 1U, (unsigned int)BENCH_REPETITIONS);
		bench_report_number(figure, "garbage", n, BENCH_UNIT,
				    sweep(list, n, sweep_garbage, times), BENCH_NO_PEER);
		bench_report_number(figure, "live", n, BENCH_UNIT,
				    sweep(list, n, sweep_live, times), BENCH_NO_PEER);
	}
}
