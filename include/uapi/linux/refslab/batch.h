/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * refslab: many operations in one call. Included by <linux/refslab.h>.
 *
 * The entries of a batch do what the calls with their numbers do, in order,
 * with the same errors. An entry may use what an earlier one made: where a
 * handle is wanted, REFSLAB_RESULT(i) stands for the handle that entry i got.
 *
 *	code		uses				result
 *	ALLOC		index: type			handle
 *	DUP		handle; flags as DUP's		handle
 *	CLOSE		handle
 *	WEAK		handle				handle
 *	UPGRADE		handle, a weak one		handle, or 0
 *	SLOT_SET	handle, index: slot, target
 *	SLOT_LOAD	handle, index: slot		handle, or 0
 *	SLOT_MOVE	handle, index: slot to empty,
 *			target, other: slot to fill
 *	SLOT_CMPXCHG	handle, index: slot,
 *			expected, target
 *	READ		handle, index: offset, length	data
 *	WRITE		handle, index: offset, length, data
 *
 * What a code does not use must be zero: EINVAL. So is the error of an entry
 * whose code is none of these, and of one that refers to itself, to a later
 * entry, or to one that makes no handle. An entry that refers to a failed one
 * fails with ECANCELED. Where the entry referred to found no object (UPGRADE,
 * SLOT_LOAD), its result is handle 0, and means what 0 means there.
 */
#ifndef _UAPI_LINUX_REFSLAB_BATCH_H
#define _UAPI_LINUX_REFSLAB_BATCH_H

#include <linux/types.h>

/* The numbers of the calls of the same names. */
#define REFSLAB_OP_ALLOC	0x20
#define REFSLAB_OP_DUP		0x21
#define REFSLAB_OP_CLOSE	0x22
#define REFSLAB_OP_WEAK		0x23
#define REFSLAB_OP_UPGRADE	0x24
#define REFSLAB_OP_SLOT_SET	0x30
#define REFSLAB_OP_SLOT_LOAD	0x31
#define REFSLAB_OP_SLOT_MOVE	0x32
#define REFSLAB_OP_SLOT_CMPXCHG	0x33
#define REFSLAB_OP_READ		0x40
#define REFSLAB_OP_WRITE	0x41

#define REFSLAB_BATCH_MAX	4096	/* entries of one batch */
#define REFSLAB_BATCH_DATA	16	/* bytes that an entry reads or writes */

/* No handle is so small a number. */
#define REFSLAB_RESULT(i)	((__u64)(i) + 1)

/**
 * struct refslab_op - an entry of a batch
 * @code: REFSLAB_OP_*
 * @flags: those of the call
 * @index: type, slot or offset
 * @handle: the object, or for SLOT_MOVE that whose slot is emptied
 * @target: what a slot is to refer to, 0 for nothing; for SLOT_MOVE the object
 *	whose slot is filled
 * @expected: what SLOT_CMPXCHG expects the slot to refer to, 0 for nothing
 * @data: of WRITE, in place of @target and @expected; bytes from @length on are
 *	zero
 * @length: of READ and WRITE, 1 to REFSLAB_BATCH_DATA
 * @other: of SLOT_MOVE, the slot that is filled
 */
struct refslab_op {
	__u16	code;
	__u16	flags;
	__u32	index;
	__u64	handle;
	union {
		struct {
			__u64	target;
			__u64	expected;
		};
		__u8	data[REFSLAB_BATCH_DATA];
	};
	__u32	length;
	__u32	other;
};

/**
 * struct refslab_result - what came of an entry
 * @error: 0, or the error, as errno(3) numbers them
 * @reserved: zero
 * @handle: new handle, if the entry makes one; else 0
 * @data: of READ, in place of @handle; bytes from length on are zero
 */
struct refslab_result {
	__u32	error;
	__u32	reserved;
	union {
		__u64	handle;
		__u8	data[REFSLAB_BATCH_DATA];
	};
};

#define REFSLAB_BATCH_STOP	(1U << 0)

/**
 * struct refslab_batch - do many operations
 * @size: sizeof(struct refslab_batch)
 * @flags: REFSLAB_BATCH_STOP: end with the first entry that fails; without it
 *	the others are done all the same
 * @count: entries, 1 to REFSLAB_BATCH_MAX
 * @done: out: entries that were done or failed, whose results are written; the
 *	others have had no effect
 * @ops: array of &struct refslab_op in the caller's memory, not written
 * @results: array of &struct refslab_result in the caller's memory, for as many
 *
 * @done is less than @count after a failed entry with REFSLAB_BATCH_STOP, when
 * a signal came, and where @ops cannot be read or @results cannot be written.
 * If it would be 0, the call fails: EINTR, EFAULT.
 *
 * Entries are read and results are written some at a time. Where results cannot
 * be written, those entries have been done: the handles that they made are
 * closed again, for nobody knows them, but what was closed, stored or written
 * stays so; @done does not count them. Where @done itself cannot be written the
 * call fails with EFAULT, and all handles that the batch made are closed.
 *
 * Other threads' calls may come between entries.
 *
 * The same by io_uring: IORING_OP_URING_CMD on a session's descriptor with
 * cmd_op REFSLAB_BATCH and &struct refslab_batch_cmd as the command. The
 * completion's result is @done, or a negative error; ENOTTY for another cmd_op.
 * A worker thread of io_uring does it, so batches submitted together run in any
 * order, unless they are linked. In a chain of links, Linux 6.12 looks at an
 * entry when its turn comes: there it has to stay as it is until then.
 */
struct refslab_batch {
	__u32	size;
	__u32	flags;
	__u32	count;
	__u32	done;
	__u64	ops;
	__u64	results;
};

/**
 * struct refslab_batch_cmd - a batch as io_uring takes it
 * @batch: address of a &struct refslab_batch, which has to stay until the
 *	completion
 * @reserved: zero
 */
struct refslab_batch_cmd {
	__u64	batch;
	__u64	reserved;
};

#endif /* _UAPI_LINUX_REFSLAB_BATCH_H */
