// SPDX-License-Identifier: GPL-2.0
/*
 * Measures refslab and what it is compared with, in one run:
 *
 *	insmod refslab_bench.ko [only=B1,B3]
 *
 * Where instructions are counted (tools/vm/run --icount), or in user-mode Linux,
 * where it is time. The figures are those of tools/bench/report, which reads
 * the log. The last line says how it went:
 *
 *	refslab_bench: done, 0 failed
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "figures.h"
#include "harness.h"

static char *only = "";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "names of figures, with commas between them (default: all that this kernel can measure)");

/**
 * struct figure - something to measure
 * @name: in the table of targets
 * @run: measures and reports; is given the name
 * @time: whether user-mode Linux measures it, in ns
 * @insns: whether others do, in instructions
 */
static const struct figure {
	const char	*name;
	void		(*run)(const char *name);
	bool		time;
	bool		insns;
} figures[] = {
	{ "B1", figure_lifecycle, .insns = true },
	{ "B2", figure_crowd, .insns = true, .time = true },
	{ "B3", figure_count, .insns = true },
	{ "B4", figure_bulk, .insns = true },
	{ "B5", figure_layout, .insns = true },
	{ "B13", figure_slowpath, .insns = true },
	{ "B14", figure_alive, .insns = true },
};

static bool wanted(const char *name)
{
	const char *p = only;
	size_t n;

	for (; *p; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (n == strlen(name) && !strncmp(p, name, n))
			return true;
	}
	return !*only;
}

static void measure(void)
{
	const struct figure *f;

	if (bench_calibrate()) {
		bench_report("all", "figures", -ENODEV, BENCH_NO_PEER);
		return;
	}
	for (f = figures; f < figures + ARRAY_SIZE(figures); f++) {
		if (!(IS_ENABLED(CONFIG_UML) ? f->time : f->insns) || !wanted(f->name))
			continue;
		pr_info("refslab_bench: measuring %s\n", f->name);
		f->run(f->name);
	}
}

/* Ahead of everything else that runs: the kernel has its own work to do. */
static int measure_thread(void *done)
{
	sched_set_fifo(current);
	measure();
	/* our code may go as soon as it is complete */
	kthread_complete_and_exit(done, 0);
}

static int __init bench_init(void)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct task_struct *task = kthread_run(measure_thread, &done, "refslab_bench");

	if (IS_ERR(task))
		return PTR_ERR(task);
	/* takes minutes, which is no reason to call us hung */
	wait_for_completion_state(&done, TASK_IDLE);
	pr_info("refslab_bench: done, %u failed\n", bench_failures());
	return 0;
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Benchmark of refslab");
