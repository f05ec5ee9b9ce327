// SPDX-License-Identifier: GPL-2.0
/* Which kernels are let in, by their names. */
#include <kunit/test.h>

#include "kernel.h"

static void test_tested(struct kunit *test)
{
	static const char * const names[] = {
		"6.1.0-56-amd64", "6.1.0", "6.1", "6.12.117+deb12-rt-amd64", "6.12.0",
		"6.12-rc1", "6.6.9", "6.9",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		KUNIT_EXPECT_TRUE_MSG(test, kernel_is_tested(names[i]), "%s", names[i]);
}

static void test_not_tested(struct kunit *test)
{
	static const char * const names[] = {
		"6.0.19", "6.13.0", "6.13-rc1", "6.120.1", "6.256.0", "6.257", "5.10.0-1-amd64",
		"7.1.0", "61.2", "6", "6.", "", "v6.1", "linux",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		KUNIT_EXPECT_FALSE_MSG(test, kernel_is_tested(names[i]), "%s", names[i]);
}

static struct kunit_case kernel_cases[] = {
	KUNIT_CASE(test_tested),
	KUNIT_CASE(test_not_tested),
	{}
};

static struct kunit_suite kernel_suite = {
	.name = "refslab_kernel",
	.test_cases = kernel_cases,
};

kunit_test_suites(&kernel_suite);
