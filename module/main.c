// SPDX-License-Identifier: GPL-2.0
/*
 * refslab: typed object heaps with reference counts and a cycle collector.
 *
 * The layers, bottom up, a file each:
 *
 *	pool		a heap's private pages, handed out as chunks
 *	slab, magazine	chunks carved into objects; a CPU's stack of free ones
 *	type		what objects are of, each with a cache of its own
 *	object, slot	allocation, the rare paths of get and put, release; edges
 *	sweep, trigger	what is garbage, and when to look
 *	listener	who is told of sweeps
 *	heap		all these together
 *	session, handle	/dev/refslab: open files and their names for objects
 *	event		what can be read from these
 *	call, uring	what these can be asked to do, by ioctl and io_uring
 *	sysfs, trace,	what people see
 *	report
 */
#include <linux/init.h>
#include <linux/module.h>

#include "heap.h"
#include "session.h"
#include "sysfs.h"

static int __init refslab_init(void)
{
	int err;

	err = heap_init();
	if (err)
		return err;
	err = sysfs_init();
	if (err)
		goto err_heap;
	err = session_init();
	if (err)
		goto err_sysfs;
	pr_info("refslab " REFSLAB_VERSION " loaded\n");
	return 0;

err_sysfs:
	sysfs_exit();
err_heap:
	heap_exit();
	return err;
}

static void __exit refslab_exit(void)
{
	session_exit();
	sysfs_exit();
	heap_exit();
	/* callbacks of ours that RCU still has to run */
	rcu_barrier();
}

module_init(refslab_init);
module_exit(refslab_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Typed object heaps with reference counts and a cycle collector");
MODULE_VERSION(REFSLAB_VERSION);
