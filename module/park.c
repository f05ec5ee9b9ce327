// SPDX-License-Identifier: GPL-2.0
/*
 * The park: pages that somebody pins still, of objects that have died.
 *
 * A page that was mapped may have been pinned (get_user_pages, vmsplice), and
 * then outlives mapping and object. That nobody else gets it is the page
 * allocator's care: our reference is given back like any other, and a page is
 * free when its last one is gone, whoever's that is. What pages are parked for
 * is the bill. As long as they are there for the heap's sake they count against
 * its limit; else a program could have as much memory as it can pin.
 *
 * Nobody tells when a pin ends, so it is looked after now and then, and before
 * an allocation is refused.
 */
#include "park.h"

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "account.h"
#include "heap.h"
#include "pages.h"

#define DELAY_FIRST	(HZ / 4)
#define DELAY_MAX	(8 * HZ)

/* The reference is ours alone: nobody can pin what he does not reach any more. */
static bool unpinned(struct page *page)
{
	return page_count(page) == 1;
}

static struct refslab_heap *heap_of(struct park *park)
{
	return container_of(park, struct refslab_heap, park);
}

static void park_work(struct work_struct *work)
{
	struct park *park = container_of(to_delayed_work(work), struct park, work);

	park_reap(park);
	mutex_lock(&park->lock);
	if (park->count) {
		park->delay = min_t(unsigned long, 2 * park->delay, DELAY_MAX);
		/* if not who parks pages has just asked for it sooner */
		if (queue_delayed_work(refslab_wq, &park->work, park->delay))
			park->due = jiffies + park->delay;
	}
	mutex_unlock(&park->lock);
}

void park_init(struct park *park, struct pool *pool)
{
	mutex_init(&park->lock);
	INIT_LIST_HEAD(&park->pages);
	INIT_DELAYED_WORK(&park->work, park_work);
	park->pool = pool;
}

/**
 * park_pages - give an object's pages back, now or when nobody pins them
 * @park: the heap's
 * @pages: pages that pool_page() gave, each with our reference; mapped no more
 * @n: how many
 * @account: what they count on, or 0
 *
 * Context: May sleep.
 */
void park_pages(struct park *park, struct page **pages, u32 n, u32 account)
{
	unsigned long parked = 0;
	u32 i;

	for (i = 0; i < n; i++) {
		if (unpinned(pages[i])) {
			pages_put(pages[i], 0);
			continue;
		}
		set_page_private(pages[i], account);
		mutex_lock(&park->lock);
		list_add(&pages[i]->lru, &park->pages);
		park->count++;
		mutex_unlock(&park->lock);
		parked++;
	}
	pool_uncharge(park->pool, n - parked);
	account_give(heap_of(park), account, (u64)(n - parked) << PAGE_SHIFT);
	if (!parked)
		return;
	mutex_lock(&park->lock);
	park->delay = DELAY_FIRST;
	/* sooner, perhaps, but never put off: who parks pages all the time is looked after, too */
	if (!delayed_work_pending(&park->work) ||
	    time_after(park->due, jiffies + DELAY_FIRST)) {
		park->due = jiffies + DELAY_FIRST;
		mod_delayed_work(refslab_wq, &park->work, DELAY_FIRST);
	}
	mutex_unlock(&park->lock);
}

/**
 * park_reap - give back what nobody pins any more
 * @park: the heap's
 *
 * Context: May sleep.
 */
void park_reap(struct park *park)
{
	struct page *page, *next;
	unsigned long n = 0;

	mutex_lock(&park->lock);
	list_for_each_entry_safe(page, next, &park->pages, lru) {
		if (unpinned(page)) {
			list_del(&page->lru);
			account_give(heap_of(park), page_private(page), PAGE_SIZE);
			set_page_private(page, 0);
			pages_put(page, 0);
			n++;
		}
		cond_resched();
	}
	park->count -= n;
	mutex_unlock(&park->lock);
	pool_uncharge(park->pool, n);
}

/* The heap goes; who pins pages keeps these, and nothing else. */
void park_destroy(struct park *park)
{
	struct page *page, *next;

	cancel_delayed_work_sync(&park->work);
	list_for_each_entry_safe(page, next, &park->pages, lru) {
		list_del(&page->lru);
		set_page_private(page, 0);
		pages_put(page, 0);
		cond_resched();
	}
	pool_uncharge(park->pool, park->count);
	mutex_destroy(&park->lock);
}

/**
 * park_validate - check the park's books
 * @park: a heap's
 *
 * Context: May sleep.
 * Return: 0, or -EUCLEAN after a WARN.
 */
int park_validate(struct park *park)
{
	unsigned long n = 0;
	struct page *page;
	bool bad;

	mutex_lock(&park->lock);
	list_for_each_entry(page, &park->pages, lru)
		n++;
	bad = n != park->count || (n && !work_busy(&park->work.work));
	mutex_unlock(&park->lock);
	return WARN(bad, "refslab: heap %s: %lu pages parked, %lu in the books\n",
		    park->pool->name, n, park->count) ? -EUCLEAN : 0;
}
