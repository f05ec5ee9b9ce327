/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Delays at the steps of the protocol, for torture: windows of one instruction
 * become milliseconds. Nothing at all unless built with REFSLAB_DELAYS=1.
 */
#ifndef _REFSLAB_DELAY_H
#define _REFSLAB_DELAY_H

/* Each has a name in delay.c. */
enum delay_point {
	/* mutators */
	DELAY_SLOT,	/* a slot has changed; its target's count has not */
	DELAY_LOAD,	/* a slot is read; what it refers to has not been got */
	DELAY_GET,	/* a count went up; the object is not listed yet */
	DELAY_PUT,	/* a count went down; the object is not listed yet */
	DELAY_LIST,	/* LISTED; no hint yet */
	DELAY_HINT,	/* a hint; the slab is not dirty yet */
	DELAY_FINISH,	/* released; the word does not tell yet */
	DELAY_TRYGET,	/* word and commit state read; no count yet */
	/* the sweep, between its steps */
	DELAY_GATHER,	/* 1 and 2 done: gathered, and edges counted */
	DELAY_SCAN,	/* 3 done */
	DELAY_RECOUNT,	/* 4 done, once */
	DELAY_CLAIM,	/* 5 begins: the state is PENDING */
	DELAY_COMMIT,	/* 5 done */
	DELAY_FINALIZE,	/* what is to be finalized is alive to everybody */
	DELAY_ABORT,	/* ABORTED; words still claimed */
	DELAY_FREE,	/* 6 done: COMMITTED; 7 begins */
	DELAY_LET_GO,	/* 7 done; 8 begins */
	DELAY_POINTS
};

#ifdef REFSLAB_DELAYS
void delay_at(enum delay_point point);
#else
static inline void delay_at(enum delay_point point)
{
}
#endif

#endif /* _REFSLAB_DELAY_H */
