// SPDX-License-Identifier: GPL-2.0
/*
 * Repetitions, their median, and the lines in the log that tools/bench/report
 * reads:
 *
 *	refslab_bench: B1 leaf unit=insns ours=66.000 peer=237.000
 *
 * Instructions are counted by an emulator whose time stamp counter is its
 * instruction count: one more a tick. Whether it is, is tried first. In
 * user-mode Linux time is measured, on a host that does other things as well: a
 * repetition counts only if a loop of known length took what it takes at best,
 * before it and after it.
 */
#include "harness.h"

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/sort.h>

/* What a repetition may be delayed by and still count, in percent. */
#define QUIET_PERCENT	10
/* Repetitions for each one that is to count, before noise is accepted. */
#define QUIET_TRIES	5
#define SPIN_LOOPS	200000

static unsigned int failures;

#ifdef CONFIG_UML
/* The shortest spin so far: an undisturbed one, at the host's higher speed. */
static u64 spin_best = U64_MAX;
#endif

/* Two instructions a loop. */
static noinline u64 spin(unsigned long loops)
{
	u64 start = bench_clock();

	asm volatile("1:	dec	%0\n"
		     "	jnz	1b\n"
		     : "+r" (loops) : : "cc");
	return bench_clock() - start;
}

/**
 * bench_calibrate - learn what the clock counts
 *
 * Context: May sleep.
 * Return: 0; -ENODEV if it should count instructions and does not.
 */
int bench_calibrate(void)
{
#ifdef CONFIG_UML
	unsigned int i;

	for (i = 0; i < 1000; i++)
		spin_best = min(spin_best, spin(SPIN_LOOPS));
	return 0;
#else
	unsigned int i;
	u64 took;

	for (i = 0; i < 10; i++) {
		took = spin(SPIN_LOOPS);
		if (took >= 2 * SPIN_LOOPS && took < 2 * SPIN_LOOPS + 16)
			return 0;
	}
	pr_err("refslab_bench: %u instructions are %llu ticks: this processor does not count instructions\n",
	       2 * SPIN_LOOPS, took);
	return -ENODEV;
#endif
}

static bool quiet(void)
{
#ifdef CONFIG_UML
	u64 took = spin(SPIN_LOOPS);

	spin_best = min(spin_best, took);
	return took * 100 <= spin_best * (100 + QUIET_PERCENT);
#else
	return true;
#endif
}

/* Grace periods pass, chunks come back to their pools. */
void bench_settle(void)
{
	schedule_timeout_idle(msecs_to_jiffies(20));
}

/* Thousandths for each of @ops. */
s64 bench_per(u64 took, u64 ops)
{
	return mul_u64_u64_div_u64(took, 1000, ops);
}

static int compare(const void *a, const void *b)
{
	const s64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

s64 bench_median(s64 *values, unsigned int n)
{
	sort(values, n, sizeof(*values), compare, NULL);
	return values[n / 2];
}

/**
 * bench_measure_times - measure
 * @once: does a repetition
 * @arg: for it
 * @ops: operations in a repetition
 * @times: repetitions, at most BENCH_REPETITIONS
 *
 * Where the host stayed noisy the quickest repetitions count, since noise only
 * adds; the log tells.
 *
 * Context: May sleep.
 * Return: the median per operation, in thousandths; or an errno.
 */
s64 bench_measure_times(bench_fn once, void *arg, u64 ops, unsigned int times)
{
	s64 took[BENCH_REPETITIONS * QUIET_TRIES];
	unsigned int good = 0, tried = 0;
	bool before, after;
	s64 t;

	while (good < times && tried < times * QUIET_TRIES) {
		bench_settle();
		before = quiet();
		t = once(arg);
		if (t < 0)
			return t;
		after = quiet();
		/* the good ones at the front */
		took[tried] = t;
		if (before && after) {
			swap(took[tried], took[good]);
			good++;
		}
		tried++;
	}
	if (good < times) {
		pr_info("refslab_bench: noise: %u of %u repetitions were quiet\n",
			good, tried);
		sort(took, tried, sizeof(*took), compare, NULL);
	}
	return bench_per(bench_median(took, times), ops);
}

s64 bench_measure(bench_fn once, void *arg, u64 ops)
{
	return bench_measure_times(once, arg, ops, BENCH_REPETITIONS);
}

static void thousandths(char *buf, size_t size, s64 value)
{
	u32 rest;
	u64 whole = div_u64_rem(value, 1000, &rest);

	snprintf(buf, size, "%llu.%03u", whole, rest);
}

/**
 * bench_report_unit - write a figure to the log
 * @figure: its name in the table of targets
 * @what: which of its cases
 * @unit: of what
 * @ours: ours in thousandths, or an errno
 * @peer: the peer's, or an errno, or BENCH_NO_PEER
 */
void bench_report_unit(const char *figure, const char *what, const char *unit,
		       s64 ours, s64 peer)
{
	char a[32], b[32];

	if (ours < 0 || peer < 0) {
		failures++;
		pr_err("refslab_bench: %s %s could not be measured: ours %lld, peer %lld\n",
		       figure, what, min(ours, 0LL), min(peer, 0LL));
		return;
	}
	thousandths(a, sizeof(a), ours);
	if (peer == BENCH_NO_PEER) {
		pr_info("refslab_bench: %s %s unit=%s ours=%s\n", figure, what, unit, a);
		return;
	}
	thousandths(b, sizeof(b), peer);
	pr_info("refslab_bench: %s %s unit=%s ours=%s peer=%s\n", figure, what, unit, a, b);
}

/* The same, for what bench_measure() returned. */
void bench_report(const char *figure, const char *what, s64 ours, s64 peer)
{
	bench_report_unit(figure, what, BENCH_UNIT, ours, peer);
}

/* The same, for a case that goes by a number. */
void bench_report_number(const char *figure, const char *what, u64 number,
			 const char *unit, s64 ours, s64 peer)
{
	char name[48];

	snprintf(name, sizeof(name), "%s-%llu", what, number);
	bench_report_unit(figure, name, unit, ours, peer);
}

unsigned int bench_failures(void)
{
	return failures;
}

/* A heap that is swept when we say so. */
struct refslab_heap *bench_heap(u64 limit)
{
	const struct refslab_heap_args args = { .name = "bench", .limit = limit };
	struct refslab_heap *heap = refslab_heap_create(&args);

	if (!IS_ERR(heap))
		refslab_set_enabled(heap, false);
	return heap;
}
