/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which kernels refslab is for, and which of them it is tested on. Asked twice:
 * where it is built, of the headers, and where it is loaded, of the kernel that
 * runs. These differ when a module is forced in, or stays behind when its kernel
 * goes on.
 */
#ifndef _REFSLAB_KERNEL_H
#define _REFSLAB_KERNEL_H

#include <linux/types.h>

/* KERNEL_VERSION() of 6.1, and of 6.13: from the first on, and before the second. */
#define REFSLAB_KERNEL_TAKEN(version) \
	((version) >= 0x060100 && (version) < 0x060d00)
#define REFSLAB_KERNELS_TAKEN	"6.1 to 6.12"

/* The series 6.1 and 6.12; none in between is tried by anybody. */
#define REFSLAB_KERNEL_TESTED(version) \
	((version) >> 8 == 0x0601 || (version) >> 8 == 0x060c)

extern bool any_kernel;

bool kernel_is_taken(const char *release);
bool kernel_is_tested(const char *release);
int kernel_check(const char *release);

#endif /* _REFSLAB_KERNEL_H */
