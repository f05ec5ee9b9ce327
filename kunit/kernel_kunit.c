// SPDX-License-Identifier: GPL-2.0
/* Which kernels are let in, by their names, and what the log says of them. */
#include <linux/string.h>

#include "kernel.h"
#include "listen.h"

static const char * const tested[] = {
	"6.1.0-56-amd64", "6.1.0", "6.1", "6.12.117+deb12-rt-amd64", "6.12.0", "6.12-rc1",
};

/* Between those that are tested. */
static const char * const taken[] = {
	"6.2", "6.2.0-rc1", "6.6.9", "6.9", "6.11.10-amd64",
};

static const char * const refused[] = {
	"6.0.19", "6.13.0", "6.13-rc1", "6.120.1", "6.256.0", "6.257", "5.10.0-1-amd64",
	"7.1.0", "61.2", "6", "6.", "", "v6.1", "linux",
};

/* How the parameter was before. */
static bool any_before;

static int check(const char *release, bool any)
{
	int err;

	any_kernel = any;
	listen(NULL);
	err = kernel_check(release);
	listen_set(false);
	return err;
}

/* Of the last check, and nothing else. */
static void expect_line(struct kunit *test, const char *format, const char *release)
{
	char line[128];

	line[0] = '\n';
	snprintf(line + 1, sizeof(line) - 1, format, release);
	strlcat(line, "\n", sizeof(line));
	KUNIT_EXPECT_TRUE_MSG(test, was_said(line), "%s", said.text);
	KUNIT_EXPECT_EQ(test, times_said("refslab: "), 1);
}

static int kernel_init(struct kunit *test)
{
	any_before = any_kernel;
	return listen_init();
}

static void kernel_exit(struct kunit *test)
{
	listen_exit();
	any_kernel = any_before;
}

static void test_tested(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tested); i++) {
		KUNIT_EXPECT_TRUE_MSG(test, kernel_is_tested(tested[i]), "%s", tested[i]);
		KUNIT_EXPECT_TRUE_MSG(test, kernel_is_taken(tested[i]), "%s", tested[i]);
		/* nothing to say, whatever the parameter */
		KUNIT_EXPECT_EQ(test, check(tested[i], false), 0);
		KUNIT_EXPECT_FALSE(test, was_said("refslab: "));
		KUNIT_EXPECT_EQ(test, check(tested[i], true), 0);
		KUNIT_EXPECT_FALSE(test, was_said("refslab: "));
	}
}

static void test_taken(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(taken); i++) {
		KUNIT_EXPECT_FALSE_MSG(test, kernel_is_tested(taken[i]), "%s", taken[i]);
		KUNIT_EXPECT_TRUE_MSG(test, kernel_is_taken(taken[i]), "%s", taken[i]);
		KUNIT_EXPECT_EQ(test, check(taken[i], false), 0);
		expect_line(test, "refslab: not tested on Linux %s", taken[i]);
	}
}

static void test_refused(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		KUNIT_EXPECT_FALSE_MSG(test, kernel_is_tested(refused[i]), "%s", refused[i]);
		KUNIT_EXPECT_FALSE_MSG(test, kernel_is_taken(refused[i]), "%s", refused[i]);
		KUNIT_EXPECT_EQ(test, check(refused[i], false), -ENODEV);
		expect_line(test, "refslab: for Linux 6.1 to 6.12, not for %s; any_kernel=1 loads it all the same",
			    refused[i]);
	}
}

static void test_any(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		KUNIT_EXPECT_EQ(test, check(refused[i], true), 0);
		expect_line(test, "refslab: not tested on Linux %s", refused[i]);
	}
}

static struct kunit_case kernel_cases[] = {
	KUNIT_CASE(test_tested),
	KUNIT_CASE(test_taken),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_any),
	{}
};

static struct kunit_suite kernel_suite = {
	.name = "refslab_kernel",
	.init = kernel_init,
	.exit = kernel_exit,
	.test_cases = kernel_cases,
};

kunit_test_suites(&kernel_suite);
