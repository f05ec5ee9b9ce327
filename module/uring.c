// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that io_uring brings: batches, without a system call for each.
 *
 * A batch takes mutexes and touches the caller's memory, so it always sleeps or
 * may: where that is not allowed io_uring is asked to come again, by a worker
 * thread of the caller's process.
 *
 * By then the caller may have another entry in the place of this one, and Linux
 * 6.12 looks there again and not at the copy that it has made. So we make one.
 */
#include "uring.h"

#include <linux/errno.h>
#include <linux/fs.h>

#include "call.h"

/* As much as there is in an entry of the usual size. */
static_assert(sizeof(struct refslab_batch_cmd) == 16);
static_assert(sizeof(struct refslab_batch_cmd) <=
	      sizeof_field(struct io_uring_cmd, pdu));

/* Ours, from one call to the next. */
static struct refslab_batch_cmd *copy_of(struct io_uring_cmd *cmd)
{
	return (struct refslab_batch_cmd *)cmd->pdu;
}

static void copy(struct io_uring_cmd *cmd)
{
	const struct refslab_batch_cmd *from = refslab_uring_payload(cmd);

	/* the caller can write there */
	copy_of(cmd)->batch = READ_ONCE(from->batch);
	copy_of(cmd)->reserved = READ_ONCE(from->reserved);
}

static long run(struct session *session, const struct refslab_batch_cmd *cmd)
{
	long done;

	if (cmd->reserved)
		return -EINVAL;
	done = session_batch_user(session, u64_to_user_ptr(cmd->batch));
	/* nobody would start it again */
	return done == -ERESTARTSYS ? -EINTR : done;
}

/**
 * uring_cmd - IORING_OP_URING_CMD on a session
 * @cmd: the command
 * @issue_flags: io_uring's
 *
 * Context: May sleep, unless @issue_flags say no.
 * Return: -EAGAIN to be called where it may; an error; -EIOCBQUEUED if io_uring
 *	has been told how it went.
 */
int uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct session *session = cmd->file->private_data;

	/* by its number alone, like any call */
	if (session_find_call(cmd->cmd_op) != session_find_call(REFSLAB_BATCH))
		return -ENOTTY;
	/* not set yet, whoever called: the flags are io_uring's to begin with */
	if (!(cmd->flags & REFSLAB_URING_AGAIN))
		copy(cmd);
	if (issue_flags & IO_URING_F_NONBLOCK) {
		cmd->flags |= REFSLAB_URING_AGAIN;
		return -EAGAIN;
	}
	/* not returned: 6.1 completes no request by what is above 0 */
	io_uring_cmd_done(cmd, run(session, copy_of(cmd)), 0, issue_flags);
	return -EIOCBQUEUED;
}
