// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <linux/io_uring.h>

#include "call.h"

passed_by_callers(refslab_op, 40);
passed_by_callers(refslab_result, 24);

/* Entries and, behind them in the same memory, room for their results. */
struct refslab_builder {
	unsigned int room;
	int error;			/* why an entry could not be added */
	/*
	 * What the kernel is given, also by io_uring, and writes: of its entries
	 * so many are done, and have results.
	 */
	struct refslab_batch batch;
	struct refslab_result *results;
	struct refslab_op ops[];
};

int refslab_batch(int session, const struct refslab_op *ops,
		  struct refslab_result *results, unsigned int count,
		  uint32_t flags)
{
	struct refslab_batch batch = {
		.size = sizeof(batch),
		.flags = flags,
		.count = count,
		.ops = (uintptr_t)ops,
		.results = (uintptr_t)results,
	};
	int err = call(session, REFSLAB_BATCH, &batch);

	return err ? err : (int)batch.done;
}

/* An entry that does nothing, whatever it did before. */
static void clear_entry(struct io_uring_sqe *sqe)
{
	const __u64 user_data = sqe->user_data;

	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = user_data;
}

void refslab_batch_prepare(struct io_uring_sqe *sqe, int session,
			   struct refslab_batch *batch)
{
	const struct refslab_batch_cmd cmd = { .batch = (uintptr_t)batch };

	clear_entry(sqe);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = session;
	sqe->cmd_op = REFSLAB_BATCH;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
}

int refslab_builder_new(unsigned int room, struct refslab_builder **builder)
{
	struct refslab_builder *new;

	if (!room || room > REFSLAB_BATCH_MAX)
		return -EINVAL;
	new = malloc(sizeof(*new) +
		     room * (sizeof(new->ops[0]) + sizeof(new->results[0])));
	if (!new)
		return -ENOMEM;
	new->room = room;
	new->results = (struct refslab_result *)&new->ops[room];
	new->batch = (struct refslab_batch) {
		.size = sizeof(new->batch),
		.ops = (uintptr_t)new->ops,
		.results = (uintptr_t)new->results,
	};
	refslab_builder_clear(new);
	*builder = new;
	return 0;
}

void refslab_builder_free(struct refslab_builder *builder)
{
	free(builder);
}

void refslab_builder_clear(struct refslab_builder *builder)
{
	builder->batch.count = 0;
	builder->batch.done = 0;
	builder->error = 0;
}

/* What goes wrong first is what is told. */
static uint64_t refuse(struct refslab_builder *builder, int error)
{
	if (!builder->error)
		builder->error = error;
	return 0;
}

static uint64_t add(struct refslab_builder *builder, const struct refslab_op *op)
{
	if (builder->batch.count == builder->room)
		return refuse(builder, -ENOBUFS);
	builder->ops[builder->batch.count] = *op;
	return REFSLAB_RESULT(builder->batch.count++);
}

uint64_t refslab_add_alloc(struct refslab_builder *builder, uint32_t type)
{
	return add(builder, &(struct refslab_op) {
			.code = REFSLAB_OP_ALLOC,
			.index = type,
		});
}

uint64_t refslab_add_dup(struct refslab_builder *builder, uint64_t handle,
			 uint32_t flags)
{
	/* An entry has less room for flags than the call. */
	if (flags > UINT16_MAX)
		return refuse(builder, -EINVAL);
	return add(builder, &(struct refslab_op) {
			.code = REFSLAB_OP_DUP,
			.flags = flags,
			.handle = handle,
		});
}

/* The codes that take a handle and nothing else. */
static uint64_t add_plain(struct refslab_builder *builder, uint16_t code,
			  uint64_t handle)
{
	return add(builder, &(struct refslab_op) {
			.code = code,
			.handle = handle,
		});
}

uint64_t refslab_add_close(struct refslab_builder *builder, uint64_t handle)
{
	return add_plain(builder, REFSLAB_OP_CLOSE, handle);
}

uint64_t refslab_add_weak(struct refslab_builder *builder, uint64_t handle)
{
	return add_plain(builder, REFSLAB_OP_WEAK, handle);
}

uint64_t refslab_add_upgrade(struct refslab_builder *builder, uint64_t weak)
{
	return add_plain(builder, REFSLAB_OP_UPGRADE, weak);
}

uint64_t refslab_add_slot_set(struct refslab_builder *builder, uint64_t handle,
			      uint32_t slot, uint64_t target)
{
	return add(builder, &(struct refslab_op) {
			.code = REFSLAB_OP_SLOT_SET,
			.index = slot,
			.handle = handle,
			.target = target,
		});
}

uint64_t refslab_add_slot_load(struct refslab_builder *builder, uint64_t handle,
			       uint32_t slot)
{
	return add(builder, &(struct refslab_op) {
			.code = REFSLAB_OP_SLOT_LOAD,
			.index = slot,
			.handle = handle,
		});
}

uint64_t refslab_add_slot_move(struct refslab_builder *builder, uint64_t from,
			       uint32_t from_slot, uint64_t to, uint32_t to_slot)
{
	return add(builder, &(struct refslab_op) {
			.code = REFSLAB_OP_SLOT_MOVE,
			.index = from_slot,
			.handle = from,
			.target = to,
			.other = to_slot,
		});
}

uint64_t refslab_add_slot_cmpxchg(struct refslab_builder *builder,
				  uint64_t handle, uint32_t slot,
				  uint64_t expected, uint64_t target)
{
	return add(builder, &(struct refslab_op) {
			.code = REFSLAB_OP_SLOT_CMPXCHG,
			.index = slot,
			.handle = handle,
			.target = target,
			.expected = expected,
		});
}

uint64_t refslab_add_read(struct refslab_builder *builder, uint64_t handle,
			  uint32_t offset, uint32_t length)
{
	return add(builder, &(struct refslab_op) {
			.code = REFSLAB_OP_READ,
			.index = offset,
			.handle = handle,
			.length = length,
		});
}

uint64_t refslab_add_write(struct refslab_builder *builder, uint64_t handle,
			   uint32_t offset, const void *data, uint32_t length)
{
	struct refslab_op op = {
		.code = REFSLAB_OP_WRITE,
		.index = offset,
		.handle = handle,
		.length = length,
	};

	if (length > sizeof(op.data))
		return refuse(builder, -EINVAL);
	memcpy(op.data, data, length);
	return add(builder, &op);
}

/* Nothing is done yet, of this submission. */
static int begin(struct refslab_builder *builder, uint32_t flags)
{
	builder->batch.flags = flags;
	builder->batch.done = 0;
	return builder->error;
}

int refslab_builder_submit(struct refslab_builder *builder, int session,
			   uint32_t flags)
{
	int err = begin(builder, flags);

	if (!err)
		err = call(session, REFSLAB_BATCH, &builder->batch);
	return err ? err : (int)builder->batch.done;
}

int refslab_builder_prepare(struct refslab_builder *builder,
			    struct io_uring_sqe *sqe, int session,
			    uint32_t flags)
{
	int err = begin(builder, flags);

	/* Who submits it all the same submits nothing. */
	if (err)
		clear_entry(sqe);
	else
		refslab_batch_prepare(sqe, session, &builder->batch);
	return err;
}

const struct refslab_result *refslab_result(const struct refslab_builder *builder,
					    uint64_t entry)
{
	/* Entry 0, which is none, becomes the largest number. */
	uint64_t i = entry - REFSLAB_RESULT(0);

	return i < builder->batch.done ? &builder->results[i] : NULL;
}

uint64_t refslab_result_handle(const struct refslab_builder *builder,
			       uint64_t entry)
{
	const struct refslab_result *result = refslab_result(builder, entry);
	uint64_t i = entry - REFSLAB_RESULT(0);

	if (!result || result->error || builder->ops[i].code == REFSLAB_OP_READ)
		return 0;
	return result->handle;
}
