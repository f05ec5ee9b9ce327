/* SPDX-License-Identifier: GPL-2.0 */
/* debugfs: tables and dumps for people who look for a mistake. */
#ifndef _REFSLAB_DEBUGFS_H
#define _REFSLAB_DEBUGFS_H

struct refslab_heap;

void debugfs_add_heap(struct refslab_heap *heap);
void debugfs_remove_heap(struct refslab_heap *heap);
void debugfs_init(void);
void debugfs_exit(void);

#endif /* _REFSLAB_DEBUGFS_H */
