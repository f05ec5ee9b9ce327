/* SPDX-License-Identifier: GPL-2.0 */
/* /sys/kernel/refslab */
#ifndef _REFSLAB_SYSFS_H
#define _REFSLAB_SYSFS_H

#include <linux/types.h>

struct refslab_heap;
struct refslab_type;

int sysfs_add_heap(struct refslab_heap *heap);
void sysfs_remove_heap(struct refslab_heap *heap);
int sysfs_add_type(struct refslab_type *type);
void sysfs_remove_type(struct refslab_type *type);
int sysfs_parse(const char *buf, u64 max, u64 *value);

int sysfs_init(void);
void sysfs_exit(void);

#endif /* _REFSLAB_SYSFS_H */
