// SPDX-License-Identifier: GPL-2.0
/*
 * Delays at the steps of the protocol; part of the module only when built with
 * REFSLAB_DELAYS=1.
 */
#include "delay.h"

#include <linux/delay.h>
#include <linux/moduleparam.h>
#include <linux/random.h>

static unsigned long delay_points = ~0UL;
module_param(delay_points, ulong, 0644);
MODULE_PARM_DESC(delay_points, "where to wait, a bit for each point of delay.h");
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

/**
 * delay_at - wait a while, perhaps
 * @point: where we are
 *
 * Context: Any context. Does not sleep, and so keeps read sections open.
 */
void delay_at(enum delay_point point)
{
	bool sweep = point >= DELAY_GATHER;
	unsigned int us = READ_ONCE(delay_us), one_in = READ_ONCE(delay_one_in);

	if (!(READ_ONCE(delay_points) & BIT(point)))
		return;
	if (sweep)
		us = READ_ONCE(delay_sweep_us);
	else if (one_in && get_random_u32_below(one_in))
		return;
	if (!us)
		return;
	us = get_random_u32_below(min(us, DELAY_MAX_US)) + 1;
	/* udelay() takes no more than a few milliseconds at a time */
	for (; us > 500; us -= 500)
		udelay(500);
	udelay(us);
}
