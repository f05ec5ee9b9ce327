// SPDX-License-Identifier: GPL-2.0
/*
 * Kernels: whether refslab is tested on the one that runs.
 */
#include "kernel.h"

#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/utsname.h>

/* Who has built it for another kernel has been told. */
static bool any_kernel = __is_defined(REFSLAB_ANY_KERNEL);
module_param(any_kernel, bool, 0444);
MODULE_PARM_DESC(any_kernel, "load on a kernel that refslab is not tested on");

/**
 * kernel_is_tested - whether refslab is tested on a kernel
 * @release: what uname(1) calls its release
 *
 * Context: Any context.
 */
bool kernel_is_tested(const char *release)
{
	unsigned int major, minor;

	return sscanf(release, "%u.%u", &major, &minor) == 2 && minor < 256 &&
	       REFSLAB_KERNEL_TESTED(KERNEL_VERSION(major, minor, 0));
}

/**
 * kernel_check - refuse a kernel that refslab is not tested on
 *
 * Context: Process context.
 * Return: 0; -ENODEV, which the log explains, unless any_kernel says so.
 */
int kernel_check(void)
{
	const char *release = init_utsname()->release;

	if (kernel_is_tested(release))
		return 0;
	if (!any_kernel) {
		pr_err("refslab: for Linux " REFSLAB_KERNELS_TESTED
		       ", not for %s; any_kernel=1 loads it all the same\n", release);
		return -ENODEV;
	}
	pr_warn("refslab: not tested on Linux %s\n", release);
	return 0;
}
