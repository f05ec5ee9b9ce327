// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "call.h"

passed_by_callers(refslab_op, 40);
passed_by_callers(refslab_result, 24);

/* Entries and, behind them in the same memory, room for their results. */
struct refslab_builder {
	unsigned int room;
	unsigned int count;
	unsigned int done;		/* results that are written */
	int error;			/* why an entry could not be added */
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
	builder->count = 0;
	builder->done = 0;
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
	if (builder->count == builder->room)
		return refuse(builder, -ENOBUFS);
	builder->ops[builder->count] = *op;
	return REFSLAB_RESULT(builder->count++);
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

int refslab_builder_submit(struct refslab_builder *builder, int session,
			   uint32_t flags)
{
	int done;

	builder->done = 0;
	if (builder->error)
		return builder->error;
	done = refslab_batch(session, builder->ops, builder->results,
			     builder->count, flags);
	if (done > 0)
		builder->done = done;
	return done;
}

const struct refslab_result *refslab_result(const struct refslab_builder *builder,
					    uint64_t entry)
{
	/* Entry 0, which is none, becomes the largest number. */
	uint64_t i = entry - REFSLAB_RESULT(0);

	return i < builder->done ? &builder->results[i] : NULL;
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
