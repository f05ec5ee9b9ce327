/* SPDX-License-Identifier: GPL-2.0 */
/* Listeners: who is told of a heap's sweeps. */
#ifndef _REFSLAB_LISTENER_H
#define _REFSLAB_LISTENER_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refslab.h>

/**
 * struct listeners - those of a heap
 * @mutex: held while they are told, which tells those who leave when that is
 *	over; within it none of refslab's is taken
 * @list: of struct refslab_listener; @mutex, and read without to see that there
 *	are none
 */
struct listeners {
	struct mutex	mutex;	/* the list, and who is being told */
	struct list_head list;
};

void listeners_init(struct listeners *listeners);
void listeners_tell(struct listeners *listeners, unsigned int generation,
		    const struct refslab_sweep_result *result);
int listeners_validate(struct refslab_heap *heap);

#endif /* _REFSLAB_LISTENER_H */
