/* SPDX-License-Identifier: GPL-2.0 */
/* Pages from the system: paid for by who pays for a pool, and counted. */
#ifndef _REFSLAB_PAGES_H
#define _REFSLAB_PAGES_H

#include <linux/mm_types.h>

struct pool;

struct page *pages_get(const struct pool *pool, int nid, gfp_t gfp,
		       unsigned int order);
void pages_put(struct page *page, unsigned int order);
long pages_count(void);
int pages_validate(void);

#endif /* _REFSLAB_PAGES_H */
