/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Delays at the steps of the protocol, for torture: windows of one instruction
 * become milliseconds. Nothing at all unless built with REFSLAB_DELAYS=1.
 */
#ifndef _REFSLAB_DELAY_H
#define _REFSLAB_DELAY_H

#include <linux/bits.h>

enum delay_point {
	/* mutators */
	DELAY_SLOT,	/* a slot has changed; its target's count has not */
	DELAY_PUT,	/* a count went down; the object is not listed yet */
	DELAY_LIST,	/* LISTED; no hint yet */
	DELAY_HINT,	/* a hint; the slab is not dirty yet */
	DELAY_FINISH,	/* released; the word does not tell yet */
	DELAY_TRYGET,	/* word and commit state read; no count yet */
	/* the sweep, between its steps */
	DELAY_GATHER,
	DELAY_COUNT,
	DELAY_SCAN,
	DELAY_RECOUNT,
	DELAY_CLAIM,
	DELAY_COMMIT,
	DELAY_ABORT,
	DELAY_FREE,
	DELAY_LET_GO,
};

#ifdef REFSLAB_DELAYS
void delay_at(enum delay_point point);
#else
static inline void delay_at(enum delay_point point)
{
}
#endif

#endif /* _REFSLAB_DELAY_H */
