// SPDX-License-Identifier: GPL-2.0
/*
 * Delays at the steps of the protocol; part of the module only when built with
 * REFSLAB_DELAYS=1.
 */
#include "delay.h"

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/math.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>

/* Points go by their names: a number would go on to mean another point one day. */
static const char * const delay_names[DELAY_POINTS] = {
	[DELAY_SLOT] = "slot",
	[DELAY_LOAD] = "load",
	[DELAY_GET] = "get",
	[DELAY_PUT] = "put",
	[DELAY_LIST] = "list",
	[DELAY_HINT] = "hint",
	[DELAY_FINISH] = "finish",
	[DELAY_TRYGET] = "tryget",
	[DELAY_GATHER] = "gather",
	[DELAY_SCAN] = "scan",
	[DELAY_RECOUNT] = "recount",
	[DELAY_CLAIM] = "claim",
	[DELAY_COMMIT] = "commit",
	[DELAY_FINALIZE] = "finalize",
	[DELAY_ABORT] = "abort",
	[DELAY_FREE] = "free",
	[DELAY_LET_GO] = "let_go",
};

static unsigned long delay_points = BIT(DELAY_POINTS) - 1; /* a bit each */
static atomic_t delay_hits[DELAY_POINTS]; /* since delay_points was written */

static int points_set(const char *value, const struct kernel_param *kp)
{
	unsigned long points = 0;
	char *copy, *rest, *name;
	int i, err = 0;

	copy = kstrdup(value, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	rest = strim(copy);
	while (!err && (name = strsep(&rest, ","))) {
		if (!strcmp(name, "all")) {
			points = BIT(DELAY_POINTS) - 1;
			continue;
		}
		i = match_string(delay_names, DELAY_POINTS, name);
		if (i < 0)
			err = i;
		else
			points |= BIT(i);
	}
	kfree(copy);
	if (err)
		return err;
	for (i = 0; i < DELAY_POINTS; i++)
		atomic_set(&delay_hits[i], 0);
	WRITE_ONCE(delay_points, points);
	return 0;
}

/* The points in use, one a line, and how often somebody waited there. */
static int points_get(char *buffer, const struct kernel_param *kp)
{
	unsigned long points = READ_ONCE(delay_points);
	int i, n = 0;

	for (i = 0; i < DELAY_POINTS; i++)
		if (points & BIT(i))
			n += sysfs_emit_at(buffer, n, "%s %d\n", delay_names[i],
					   atomic_read(&delay_hits[i]));
	return n;
}

static const struct kernel_param_ops points_ops = {
	.set = points_set,
	.get = points_get,
};

module_param_cb(delay_points, &points_ops, NULL, 0644);
MODULE_PARM_DESC(delay_points, "where to wait: names of delay.c with commas between them, or all; read: how often that was done");
static unsigned int delay_sweep_us = 100;
module_param(delay_sweep_us, uint, 0644);
MODULE_PARM_DESC(delay_sweep_us, "how long a sweep waits at most, in microseconds");
static unsigned int delay_us = 3000;
module_param(delay_us, uint, 0644);
MODULE_PARM_DESC(delay_us, "how long a mutator waits at most, in microseconds: longer than sweeps take");
static unsigned int delay_one_in = 1000;
module_param(delay_one_in, uint, 0644);
MODULE_PARM_DESC(delay_one_in, "mutators wait one time in so many; sweeps always");

#define DELAY_MAX_US	10000U

/* 0 to @below less 1. The kernel's own numbers take a lock that sleeps on PREEMPT_RT. */
static unsigned int chance(unsigned int below)
{
	static atomic_t turn;

	return reciprocal_scale(hash_64(ktime_get_mono_fast_ns() + atomic_inc_return(&turn), 32),
				below);
}

static unsigned int parameter(const unsigned int *value)
{
	/* kstrtouint() stores it plainly */
	return data_race(READ_ONCE(*value));
}

/**
 * delay_at - wait a while, perhaps
 * @point: where we are
 *
 * Context: Any context. Does not sleep, and so keeps read sections open.
 */
void delay_at(enum delay_point point)
{
	bool sweep = point >= DELAY_GATHER;
	unsigned int us = parameter(&delay_us), one_in = parameter(&delay_one_in);

	if (!(READ_ONCE(delay_points) & BIT(point)))
		return;
	if (sweep)
		us = parameter(&delay_sweep_us);
	else if (one_in && chance(one_in))
		return;
	if (!us)
		return;
	atomic_inc(&delay_hits[point]);
	us = chance(min(us, DELAY_MAX_US)) + 1;
	/* udelay() takes no more than a few milliseconds at a time */
	for (; us > 500; us -= 500)
		udelay(500);
	udelay(us);
}
