// SPDX-License-Identifier: GPL-2.0
/* Pages from the system: all that are given back, and those that are not, are known. */
#include <linux/mm.h>

#include "fixture.h"
#include "pages.h"

static void test_counted(struct kunit *test)
{
	const struct pool pool = {};
	long before = pages_count();
	struct page *pages, *page;

	pages = pages_get(&pool, numa_mem_id(), GFP_KERNEL | __GFP_COMP, 3);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	page = pages_get(&pool, numa_mem_id(), GFP_KERNEL | __GFP_ZERO, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_NULL(test, memchr_inv(page_address(page), 0, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, pages_count(), before + 9);
	pages_put(pages, 3);
	KUNIT_EXPECT_EQ(test, pages_count(), before + 1);
	/* whoever pins it keeps it, and it counts no more */
	get_page(page);
	pages_put(page, 0);
	KUNIT_EXPECT_EQ(test, pages_count(), before);
	KUNIT_EXPECT_EQ(test, page_count(page), 1);
	put_page(page);
}

static void test_lost(struct kunit *test)
{
	const struct pool pool = {};
	struct page *page;

	/* no suite before has left any */
	KUNIT_ASSERT_EQ(test, pages_validate(), 0);
	page = pages_get(&pool, numa_mem_id(), GFP_KERNEL, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	expect_in_log("refslab: all heaps are gone, and 1 pages of theirs are not");
	KUNIT_EXPECT_EQ(test, pages_validate(), -EUCLEAN);
	unexpect_in_log();
	pages_put(page, 0);
	KUNIT_EXPECT_EQ(test, pages_validate(), 0);
}

static struct kunit_case pages_cases[] = {
	KUNIT_CASE(test_counted),
	KUNIT_CASE(test_lost),
	{}
};

static struct kunit_suite pages_suite = {
	.name = "refslab_pages",
	.test_cases = pages_cases,
};

kunit_test_suite(pages_suite);
