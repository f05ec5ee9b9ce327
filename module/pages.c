// SPDX-License-Identifier: GPL-2.0
/*
 * Pages from the system: paid for by who pays for a pool, and counted.
 *
 * The count limits nothing. It tells at the module's end that none was lost, and
 * nobody else would: the kernel's detector of leaks knows no pages, and a pool
 * can say no more than what is in its own books.
 */
#include "pages.h"

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/gfp.h>

#include "payer.h"

/* How many there are, of all pools; ordered with nothing. */
static atomic_long_t count;

/**
 * pages_get - take pages from the system
 * @pool: who pays for it pays for them
 * @nid: a node, or one near it; NUMA_NO_NODE for any
 * @gfp: how, and whether zeroed
 * @order: as many as 2 to the power of this
 *
 * Context: As @gfp says; no raw lock is held.
 * Return: the first of the pages, for pages_put(), or NULL.
 */
struct page *pages_get(const struct pool *pool, int nid, gfp_t gfp,
		       unsigned int order)
{
	struct mem_cgroup *old = payer_begin(pool, &gfp);
	struct page *page = alloc_pages_node(nid, gfp, order);

	payer_end(pool, old);
	if (page)
		atomic_long_add(BIT(order), &count);
	return page;
}

/**
 * pages_put - give pages back
 * @page: the first, as pages_get() returned it; a single page may be pinned by
 *	somebody, who keeps it then
 * @order: likewise
 *
 * Context: Any context but NMI; no raw lock is held.
 */
void pages_put(struct page *page, unsigned int order)
{
	atomic_long_sub(BIT(order), &count);
	__free_pages(page, order);
}

/* How many pages all pools have of the system's; any context. */
long pages_count(void)
{
	return atomic_long_read(&count);
}

/**
 * pages_validate - check that all pages were given back
 *
 * Context: Any context; no heap is left.
 * Return: 0, or -EUCLEAN after a WARN.
 */
int pages_validate(void)
{
	long n = pages_count();

	return WARN(n, "refslab: all heaps are gone, and %ld pages of theirs are not\n", n) ?
	       -EUCLEAN : 0;
}
