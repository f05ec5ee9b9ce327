// SPDX-License-Identifier: GPL-2.0
/*
 * Kernels: whether refslab is for the one that runs, and tested on it.
 */
#include "kernel.h"

#include <linux/kernel.h>
#include <linux/moduleparam.h>

/* Who has built it for another kernel has been told. */
bool any_kernel = __is_defined(REFSLAB_ANY_KERNEL);
module_param(any_kernel, bool, 0444);
MODULE_PARM_DESC(any_kernel, "load on a kernel that refslab is not for");

/* None: 0, which is no kernel that refslab is for. */
static u32 version_of(const char *release)
{
	unsigned int major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2 || minor > 255)
		return 0;
	return KERNEL_VERSION(major, minor, 0);
}

/**
 * kernel_is_taken - whether refslab is for a kernel
 * @release: what uname(1) calls its release
 *
 * Context: Any context.
 */
bool kernel_is_taken(const char *release)
{
	return REFSLAB_KERNEL_TAKEN(version_of(release));
}

/**
 * kernel_is_tested - whether refslab is tested on a kernel
 * @release: what uname(1) calls its release
 *
 * Context: Any context.
 */
bool kernel_is_tested(const char *release)
{
	return REFSLAB_KERNEL_TESTED(version_of(release));
}

/**
 * kernel_check - refuse a kernel that refslab is not for
 * @release: what uname(1) calls its release
 *
 * Of one that it is for and that it is not tested on it tells the log.
 *
 * Context: Process context.
 * Return: 0; -ENODEV, which the log explains, unless any_kernel says so.
 */
int kernel_check(const char *release)
{
	if (kernel_is_tested(release))
		return 0;
	if (!kernel_is_taken(release) && !any_kernel) {
		pr_err("refslab: for Linux " REFSLAB_KERNELS_TAKEN
		       ", not for %s; any_kernel=1 loads it all the same\n", release);
		return -ENODEV;
	}
	pr_warn("refslab: not tested on Linux %s\n", release);
	return 0;
}
