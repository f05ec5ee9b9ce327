/* SPDX-License-Identifier: GPL-2.0 */
/* The park: pages that somebody pins still, of objects that have died. */
#ifndef _REFSLAB_PARK_H
#define _REFSLAB_PARK_H

#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

struct pool;

/**
 * struct park - a heap's
 * @lock: of @pages, @count and @delay
 * @pages: linked by their lru, which is ours while nothing maps them; their
 *	private is the account that they count on, or 0
 * @count: how many
 * @delay: until @work looks again, in jiffies
 * @work: gives back what nobody pins any more
 * @due: jiffies when @work is; @lock
 * @pool: whose limit they count against; fixed
 */
struct park {
	struct mutex	lock;	/* the list */
	struct list_head pages;
	unsigned long	count;
	unsigned long	delay;
	unsigned long	due;
	struct delayed_work work;
	struct pool	*pool;
};

void park_init(struct park *park, struct pool *pool);
void park_destroy(struct park *park);
void park_pages(struct park *park, struct page **pages, u32 n, u32 account);
void park_reap(struct park *park);
int park_validate(struct park *park);

#endif /* _REFSLAB_PARK_H */
