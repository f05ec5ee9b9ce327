/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading and writing /sys/kernel/refslab. REFSLAB_SYSFS in the environment
 * names another place for it, for tests and for trees copied from elsewhere.
 * Functions that return int return 0 or a negative errno.
 */
#ifndef REFSLAB_SYSFS_H
#define REFSLAB_SYSFS_H

#include <stddef.h>
#include <stdint.h>
#include <linux/refslab.h>

const char *sysfs_root(void);

/* One number from the file that the format names, below the root. */
int sysfs_read(int64_t *value, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int sysfs_write(int64_t value, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The names of the directories in the directory that the format names, sorted,
 * ended by NULL. *@names is for sysfs_names_free().
 */
int sysfs_names(char ***names, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sysfs_names_free(char **names);

/*
 * All heaps, or the one called @heap if that is not NULL, as sysfs_names() has
 * them. Says what is wrong, if something is.
 */
int sysfs_heaps(char ***names, const char *heap);

/* Whether there is a heap of this name; says so when there is none. */
int sysfs_heap_check(const char *heap);

/* generationN/ of a heap, in the ABI's structure. */
int sysfs_stats(const char *heap, unsigned int generation,
		struct refslab_stats *stats);

#endif
