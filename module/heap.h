/* SPDX-License-Identifier: GPL-2.0 */
/* Heaps: pool, types and sweeper together. */
#ifndef _REFSLAB_HEAP_H
#define _REFSLAB_HEAP_H

#include <linux/kobject.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/refslab.h>
#include <linux/xarray.h>

#include "candidate.h"
#include "listener.h"
#include "object.h"
#include "park.h"
#include "pool.h"
#include "report.h"
#include "sweep.h"
#include "trigger.h"
#include "type.h"
#include "weak.h"

struct account_book;

#define TYPES_MAX	1024	/* of one heap */

/**
 * struct refslab_heap - a heap
 * @pool: its pages
 * @sweep: its sweeper
 * @trigger: when that runs
 * @releaser: releases under way, and left to the workqueue
 * @weak: weak references to its objects
 * @accounts: of those who have limits, or NULL; cmpxchg, then fixed
 * @listeners: who is told of its sweeps
 * @park: pages of dead objects
 * @reports: how often the log is told of it
 * @release_key: class of @release_map
 * @sweep_key: class of @sweep's mutex
 * @lock_key: class of @lock
 * @listen_key: class of @listeners' mutex
 * @release_map: "within a release": taken around releases, and where an
 *	allocation may run them, so that lockdep sees locks that are held there
 *	and taken here
 * @lock: creating and destroying types
 * @types: id -> type; @lock to change, RCU to look
 * @type_count: types in it; @lock
 * @kobj: in sysfs; its release frees the heap
 * @types_kobj: the directory of the types
 * @link: heaps; heaps_lock
 * @debugfs: the directory there; fixed
 * @debugfs_object: the object that is to be shown there; WRITE_ONCE
 * @flags: REFSLAB_HEAP_*; fixed
 * @name: fixed
 */
struct refslab_heap {
	struct pool	pool;
	struct sweep	sweep;
	struct trigger	trigger;
	struct releaser	releaser;
	struct weak_table weak;
	struct account_book *accounts;
	struct listeners listeners;
	struct park	park;
	struct reports	reports;
	struct lock_class_key release_key;
	struct lock_class_key sweep_key;
	struct lock_class_key lock_key;
	struct lock_class_key listen_key;
	struct lockdep_map release_map;

	struct mutex	lock;	/* creating and destroying types */
	struct xarray	types;
	u32		type_count;
	struct kobject	kobj;
	struct kobject	*types_kobj;
	struct list_head link;
	struct dentry	*debugfs;
	u32		debugfs_object;
	unsigned int	flags;
	char		name[32];
};

extern struct workqueue_struct *refslab_wq;

struct refslab_heap *heap_create(const struct refslab_heap_args *args,
				 struct tenant *tenant);
bool heap_name_valid(const char *name);
void heap_for_each(void (*fn)(struct refslab_heap *heap, void *arg), void *arg);
unsigned long heap_objects(struct refslab_heap *heap);
int heap_validate(struct refslab_heap *heap);
void heap_free(struct refslab_heap *heap);

int heap_init(void);
void heap_exit(void);

#endif /* _REFSLAB_HEAP_H */
