// SPDX-License-Identifier: GPL-2.0
/* Which kernels are let in, by their names, and what the log says of them. */
#include <kunit/test.h>
#include <trace/events/printk.h>

#include "kernel.h"

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

/* What the log was told in the last check, and how the parameter was before. */
static struct {
	struct task_struct *task;
	unsigned int	lines;
	char		line[128];
	bool		any;
} said;

static void hear(void *ignore, const char *text, size_t length)
{
	if (!in_task() || READ_ONCE(said.task) != current)
		return;
	said.lines++;
	length = min(length, sizeof(said.line) - 1);
	memcpy(said.line, text, length);
	said.line[length] = '\0';
}

static int check(const char *release, bool any)
{
	int err;

	any_kernel = any;
	said.lines = 0;
	said.line[0] = '\0';
	WRITE_ONCE(said.task, current);
	err = kernel_check(release);
	WRITE_ONCE(said.task, NULL);
	return err;
}

static void expect_said(struct kunit *test, const char *format, const char *release)
{
	char line[128];

	snprintf(line, sizeof(line), format, release);
	KUNIT_EXPECT_EQ(test, said.lines, 1);
	KUNIT_EXPECT_STREQ(test, said.line, line);
}

static int kernel_init(struct kunit *test)
{
	said.any = any_kernel;
	return register_trace_console(hear, NULL);
}

static void kernel_exit(struct kunit *test)
{
	unregister_trace_console(hear, NULL);
	tracepoint_synchronize_unregister();
	any_kernel = said.any;
}

static void test_tested(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tested); i++) {
		KUNIT_EXPECT_TRUE_MSG(test, kernel_is_tested(tested[i]), "%s", tested[i]);
		KUNIT_EXPECT_TRUE_MSG(test, kernel_is_taken(tested[i]), "%s", tested[i]);
		/* nothing to say, whatever the parameter */
		KUNIT_EXPECT_EQ(test, check(tested[i], false), 0);
		KUNIT_EXPECT_EQ(test, said.lines, 0);
		KUNIT_EXPECT_EQ(test, check(tested[i], true), 0);
		KUNIT_EXPECT_EQ(test, said.lines, 0);
	}
}

static void test_taken(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(taken); i++) {
		KUNIT_EXPECT_FALSE_MSG(test, kernel_is_tested(taken[i]), "%s", taken[i]);
		KUNIT_EXPECT_TRUE_MSG(test, kernel_is_taken(taken[i]), "%s", taken[i]);
		KUNIT_EXPECT_EQ(test, check(taken[i], false), 0);
		expect_said(test, "refslab: not tested on Linux %s", taken[i]);
	}
}

static void test_refused(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		KUNIT_EXPECT_FALSE_MSG(test, kernel_is_tested(refused[i]), "%s", refused[i]);
		KUNIT_EXPECT_FALSE_MSG(test, kernel_is_taken(refused[i]), "%s", refused[i]);
		KUNIT_EXPECT_EQ(test, check(refused[i], false), -ENODEV);
		expect_said(test, "refslab: for Linux 6.1 to 6.12, not for %s; any_kernel=1 loads it all the same",
			    refused[i]);
	}
}

static void test_any(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		KUNIT_EXPECT_EQ(test, check(refused[i], true), 0);
		expect_said(test, "refslab: not tested on Linux %s", refused[i]);
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
