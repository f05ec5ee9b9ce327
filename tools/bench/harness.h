/* SPDX-License-Identifier: GPL-2.0 */
/* How a figure is measured and reported. */
#ifndef _BENCH_HARNESS_H
#define _BENCH_HARNESS_H

#include <linux/ktime.h>
#include <linux/refslab.h>
#include <linux/types.h>

/* Median of so many repetitions. */
#define BENCH_REPETITIONS	9

/* In place of a figure of the peer's where there is no peer. */
#define BENCH_NO_PEER		S64_MAX

/**
 * bench_fn - one repetition
 * @arg: what bench_measure() was given
 *
 * Return: what the part that counts took, by bench_clock(); or an errno.
 */
typedef s64 (*bench_fn)(void *arg);

/* Nanoseconds in user-mode Linux, instructions elsewhere. */
#ifdef CONFIG_UML
#define BENCH_UNIT	"ns"

static inline u64 bench_clock(void)
{
	return ktime_get_ns();
}
#else
#include <asm/msr.h>

#define BENCH_UNIT	"insns"

static __always_inline u64 bench_clock(void)
{
	u64 now;

	barrier();
	now = rdtsc();
	barrier();
	return now;
}
#endif

int bench_calibrate(void);
s64 bench_measure(bench_fn once, void *arg, u64 ops);
s64 bench_measure_times(bench_fn once, void *arg, u64 ops, unsigned int times);
s64 bench_per(u64 took, u64 ops);
s64 bench_median(s64 *values, unsigned int n);
void bench_settle(void);

void bench_report(const char *figure, const char *what, s64 ours, s64 peer);
void bench_report_unit(const char *figure, const char *what, const char *unit,
		       s64 ours, s64 peer);
void bench_report_number(const char *figure, const char *what, u64 number,
			 const char *unit, s64 ours, s64 peer);
unsigned int bench_failures(void);

struct refslab_heap *bench_heap(u64 limit);

#endif /* _BENCH_HARNESS_H */
