// SPDX-License-Identifier: GPL-2.0
/*
 * refslab: typed object heaps with reference counts and a cycle collector.
 *
 * The layers, bottom up, a file each, which its first comment explains:
 *
 *	tenant		users who have heaps, and what all heaps of one may take
 *	pages		from the system, paid for and counted
 *	chunk_table	numbers for chunks
 *	pool		a heap's private pages, handed out as chunks
 *	slab, depot,	chunks carved into objects; a node's and a CPU's stack of
 *	magazine	free ones
 *	type		what objects are of, each with a cache of its own
 *	object, bulk	allocation, the rare paths of get and put, release; of many
 *	slot, weak	references: edges, and those that keep nothing alive
 *	reserve		allocations that cannot fail
 *	candidate	what sweeps begin with
 *	sweep, trigger	what is garbage, and when to look
 *	freeze		what no sweep is to look at
 *	inspect		which objects there are, and what refers to what
 *	listener	who is told of sweeps
 *	heap		all these together
 *	account, park	whose objects are, where sessions have limits; pages
 *			that are pinned when their object dies
 *	user_heap	heaps of programs, and what keeps them
 *	session, handle	/dev/refslab: open files and their names for objects
 *	session_file	the other descriptors that calls make
 *	share, root,	what sessions of one heap do together: invitations,
 *	mapped		exported objects, names, memory that is mapped
 *	payload		the bytes of objects, copied
 *	event		what can be read from sessions
 *	call, *_call,	what they can be asked to do, by ioctl, by many at a time
 *	batch, uring	and by io_uring
 *	sysfs, debugfs,	what people see
 *	trace, report
 *	debug		poison, red zones, who allocated what
 *	kernel		whether refslab is for the one that runs
 *	delay		windows of the protocol made wide, for tests
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/utsname.h>

#include "debugfs.h"
#include "heap.h"
#include "kernel.h"
#include "session.h"
#include "sysfs.h"
#include "user_heap.h"

static int __init refslab_init(void)
{
	int err;

	err = kernel_check(init_utsname()->release);
	if (err)
		return err;
	err = magazine_init();
	if (err)
		return err;
	err = heap_init();
	if (err)
		goto err_magazine;
	err = sysfs_init();
	if (err)
		goto err_heap;
	debugfs_init();
	err = user_heap_init();
	if (err)
		goto err_debugfs;
	err = session_init();
	if (err)
		goto err_user_heap;
	pr_info("refslab " REFSLAB_VERSION " loaded\n");
	return 0;

err_user_heap:
	user_heap_exit();
err_debugfs:
	debugfs_exit();
	sysfs_exit();
err_heap:
	heap_exit();
err_magazine:
	magazine_exit();
	return err;
}

static void __exit refslab_exit(void)
{
	session_exit();
	user_heap_exit();
	debugfs_exit();
	sysfs_exit();
	heap_exit();
	magazine_exit();
}

module_init(refslab_init);
module_exit(refslab_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Typed object heaps with reference counts and a cycle collector");
MODULE_VERSION(REFSLAB_VERSION);
