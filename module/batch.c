// SPDX-License-Identifier: GPL-2.0
/*
 * Batches: many operations in one call.
 *
 * Entries are copied in, run and reported a chunk at a time, because the
 * session's mutex, under which they run, is never held where the caller's memory
 * is touched. What each entry made is kept until the end of the call: later
 * entries refer to it, and it is what there is to take back.
 */
#include "batch.h"

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "words.h"

/*
 * In place of a handle, which is never so small a number, for entries that have
 * none. 0 is what an entry made that found no object.
 */
#define MADE_FAILED	1	/* the entry failed */
#define MADE_NOTHING	2	/* the entry makes no handle */

static_assert(REFSLAB_OP_ALLOC == _IOC_NR(REFSLAB_ALLOC));
static_assert(REFSLAB_OP_DUP == _IOC_NR(REFSLAB_DUP));
static_assert(REFSLAB_OP_CLOSE == _IOC_NR(REFSLAB_CLOSE));
static_assert(REFSLAB_OP_WEAK == _IOC_NR(REFSLAB_WEAK));
static_assert(REFSLAB_OP_UPGRADE == _IOC_NR(REFSLAB_UPGRADE));
static_assert(REFSLAB_OP_SLOT_SET == _IOC_NR(REFSLAB_SLOT_SET));
static_assert(REFSLAB_OP_SLOT_LOAD == _IOC_NR(REFSLAB_SLOT_LOAD));
static_assert(REFSLAB_OP_SLOT_MOVE == _IOC_NR(REFSLAB_SLOT_MOVE));
static_assert(REFSLAB_OP_SLOT_CMPXCHG == _IOC_NR(REFSLAB_SLOT_CMPXCHG));
static_assert(REFSLAB_OP_READ == _IOC_NR(REFSLAB_READ));
static_assert(REFSLAB_OP_WRITE == _IOC_NR(REFSLAB_WRITE));

/**
 * struct batch - a batch under way, by the task that runs it
 * @ops: of the chunk under way
 * @results: likewise
 * @room: entries that @made has room for
 * @made: per entry of the batch: the handle it made, 0, or one of MADE_*
 */
struct batch {
	struct refslab_op ops[BATCH_CHUNK];
	struct refslab_result results[BATCH_CHUNK];
	u32	room;
	u64	made[];
};

void batch_free(struct batch *batch)
{
	kvfree(batch);
}

/* Room for @count entries, that of the last batch if it is large enough. */
static struct batch *batch_get(struct session *session, u32 count)
{
	struct batch *batch = xchg(&session->batch, NULL);
	u32 room = ALIGN(count, 256);

	if (batch && batch->room >= count)
		return batch;
	batch_free(batch);
	batch = kvmalloc(struct_size(batch, made, room), GFP_PROGRAM);
	if (batch)
		batch->room = room;
	return batch;
}

static void batch_put(struct session *session, struct batch *batch)
{
	batch_free(xchg(&session->batch, batch));
}

/* Puts the handle that an earlier entry made in place of a reference to it. */
static int resolve(const struct batch *batch, u32 at, u64 *handle)
{
	u64 i = *handle - 1, made;

	/* a handle, or 0 */
	if (likely(i >= REFSLAB_BATCH_MAX))
		return 0;
	if (i >= at)
		return -EINVAL;
	made = batch->made[array_index_nospec(i, at)];
	if (made == MADE_FAILED)
		return -ECANCELED;
	if (made == MADE_NOTHING)
		return -EINVAL;
	*handle = made;
	return 0;
}

/* Entries after which we look whether a signal has come. */
#define SIGNAL_EVERY	8

/* Which fields an entry uses; what it does not use must be zero. */
#define USES_FLAGS	BIT(0)
#define USES_INDEX	BIT(1)
#define USES_HANDLE	BIT(2)
#define USES_TARGET	BIT(3)
#define USES_EXPECTED	BIT(4)
#define USES_LENGTH	BIT(5)
#define USES_OTHER	BIT(6)

static __always_inline bool unused_zero(const struct refslab_op *op, u32 uses)
{
	u64 unused = 0;

	unused |= uses & USES_FLAGS ? 0 : op->flags;
	unused |= uses & USES_INDEX ? 0 : op->index;
	unused |= uses & USES_HANDLE ? 0 : op->handle;
	unused |= uses & USES_TARGET ? 0 : op->target;
	unused |= uses & USES_EXPECTED ? 0 : op->expected;
	unused |= uses & USES_LENGTH ? 0 : op->length;
	unused |= uses & USES_OTHER ? 0 : op->other;
	return !unused;
}

static int run_read(struct session *session, const struct refslab_op *op,
		    struct refslab_result *result)
{
	u32 length = op->length;

	if (!length || length > REFSLAB_BATCH_DATA)
		return -EINVAL;
	length = array_index_nospec(length, REFSLAB_BATCH_DATA + 1);
	return op_read(session, op->handle, op->index, length, result->data);
}

static int run_write(struct session *session, const struct refslab_op *op)
{
	u32 length = op->length;

	if (!length || length > REFSLAB_BATCH_DATA)
		return -EINVAL;
	length = array_index_nospec(length, REFSLAB_BATCH_DATA + 1);
	if (memchr_inv(op->data + length, 0, REFSLAB_BATCH_DATA - length))
		return -EINVAL;
	return op_write(session, op->handle, op->index, length, op->data);
}

/* The entries that are not about the life of handles. */
static noinline int run_other(struct session *session, const struct batch *batch, u32 at,
			      struct refslab_op *op, struct refslab_result *result,
			      u64 *made)
{
	int err;

	switch (op->code) {
	case REFSLAB_OP_SLOT_SET:
		if (!unused_zero(op, USES_HANDLE | USES_INDEX | USES_TARGET))
			return -EINVAL;
		err = resolve(batch, at, &op->target);
		return err ?: op_slot_set(session, op->handle, op->index, op->target);
	case REFSLAB_OP_SLOT_LOAD:
		if (!unused_zero(op, USES_HANDLE | USES_INDEX))
			return -EINVAL;
		return op_slot_load(session, op->handle, op->index, made);
	case REFSLAB_OP_SLOT_MOVE:
		if (!unused_zero(op, USES_HANDLE | USES_INDEX | USES_TARGET |
				     USES_OTHER))
			return -EINVAL;
		err = resolve(batch, at, &op->target);
		return err ?: op_slot_move(session, op->handle, op->index,
					   op->target, op->other);
	case REFSLAB_OP_SLOT_CMPXCHG:
		if (!unused_zero(op, USES_HANDLE | USES_INDEX | USES_TARGET |
				     USES_EXPECTED))
			return -EINVAL;
		err = resolve(batch, at, &op->target) ?:
		      resolve(batch, at, &op->expected);
		return err ?: op_slot_cmpxchg(session, op->handle, op->index,
					      op->expected, op->target);
	case REFSLAB_OP_READ:
		if (!unused_zero(op, USES_HANDLE | USES_INDEX | USES_LENGTH))
			return -EINVAL;
		return run_read(session, op, result);
	case REFSLAB_OP_WRITE:
		if (!unused_zero(op, USES_HANDLE | USES_INDEX | USES_TARGET |
				     USES_EXPECTED | USES_LENGTH))
			return -EINVAL;
		return run_write(session, op);
	default:
		return -EINVAL;
	}
}

static __always_inline int run_op(struct session *session,
				  const struct batch *batch, u32 at,
				  struct refslab_op *op,
				  struct refslab_result *result, u64 *made)
{
	int err;

	/* alone in having no use for a handle: one must not become zero before that is seen */
	if (op->code == REFSLAB_OP_ALLOC)
		return unused_zero(op, USES_INDEX) ?
		       op_alloc(session, op->index, made) : -EINVAL;
	err = resolve(batch, at, &op->handle);
	if (err)
		return err;
	switch (op->code) {
	case REFSLAB_OP_CLOSE:
		if (!unused_zero(op, USES_HANDLE))
			return -EINVAL;
		return op_close(session, op->handle);
	case REFSLAB_OP_DUP:
		if (!unused_zero(op, USES_HANDLE | USES_FLAGS) ||
		    op->flags & ~REFSLAB_READ_ONLY)
			return -EINVAL;
		return op_dup(session, op->handle, op->flags, made);
	case REFSLAB_OP_WEAK:
		if (!unused_zero(op, USES_HANDLE))
			return -EINVAL;
		return op_weak(session, op->handle, made);
	case REFSLAB_OP_UPGRADE:
		if (!unused_zero(op, USES_HANDLE))
			return -EINVAL;
		return op_upgrade(session, op->handle, made);
	default:
		return run_other(session, batch, at, op, result, made);
	}
}

/*
 * Runs @n entries, the first of which is entry @first of the batch. Returns how
 * many: less, if one failed and the others are not to follow, or a signal came.
 */
static u32 run_chunk(struct session *session, struct batch *batch, u32 first,
		     u32 n, bool stop)
{
	struct refslab_result *result;
	u64 made;
	u32 i;
	int err;

	for (i = 0; i < n; i++) {
		/* always some, so that there is something to report */
		if (unlikely(i % SIGNAL_EVERY == SIGNAL_EVERY - 1)) {
			if (signal_pending(current))
				break;
			cond_resched();
		}
		made = MADE_NOTHING;
		result = &batch->results[i];
		memset(result, 0, sizeof(*result));
		err = run_op(session, batch, first + i, &batch->ops[i], result, &made);
		if (unlikely(err)) {
			result->error = -err;
			batch->made[first + i] = MADE_FAILED;
			if (!stop)
				continue;
			i++;
			break;
		}
		if (made > REFSLAB_BATCH_MAX)
			result->handle = made;
		batch->made[first + i] = made;
	}
	return i;
}

static int run_locked(struct session *session, struct batch *batch, u32 first,
		      u32 n, bool stop)
{
	struct user_heap *heap = session_user_heap(session);
	int err = session_lock(session);

	if (err)
		return err;
	err = down_read_interruptible(&heap->types) ? -ERESTARTSYS : 0;
	if (!err) {
		err = run_chunk(session, batch, first, n, stop);
		up_read(&heap->types);
	}
	mutex_unlock(&session->mutex);
	return err;
}

/* Closes what entries made, those of the handles that are open still. */
static void take_back(struct session *session, const struct batch *batch,
		      u32 first, u32 n)
{
	u32 i;

	mutex_lock(&session->mutex);
	for (i = first; i < first + n; i++) {
		if (batch->made[i] > REFSLAB_BATCH_MAX)
			session_drop(session, batch->made[i]);
		cond_resched();
	}
	mutex_unlock(&session->mutex);
}

#define OP_WORDS	(sizeof(struct refslab_op) / sizeof(u64))
#define RESULT_WORDS	(sizeof(struct refslab_result) / sizeof(u64))

static bool chunk_in(struct batch *batch, const struct refslab_op __user *ops, u32 n)
{
	return words_from_user((u64 *)batch->ops, (const u64 __user *)ops, n, OP_WORDS);
}

static bool chunk_out(const struct batch *batch,
		      struct refslab_result __user *results, u32 n)
{
	return words_to_user((u64 __user *)results, (const u64 *)batch->results, n,
			     RESULT_WORDS);
}

/* REFSLAB_BATCH */
int batch_run(struct session *session, union session_data *data)
{
	struct refslab_batch *arg = &data->batch.arg;
	struct refslab_result __user *results = u64_to_user_ptr(arg->results);
	const struct refslab_op __user *ops = u64_to_user_ptr(arg->ops);
	u32 count = arg->count, done = 0, n;
	struct batch *batch;
	int ran;

	if (!count || count > REFSLAB_BATCH_MAX)
		return -EINVAL;
	batch = batch_get(session, count);
	if (!batch)
		return -ENOMEM;
	do {
		n = min_t(u32, count - done, BATCH_CHUNK);
		ran = -EFAULT;
		if (chunk_in(batch, ops + done, n))
			ran = run_locked(session, batch, done, n,
					 arg->flags & REFSLAB_BATCH_STOP);
		if (ran > 0 && !chunk_out(batch, results + done, ran)) {
			take_back(session, batch, done, ran);
			ran = -EFAULT;
		}
		if (ran < 0)
			break;
		done += ran;
	} while (ran == n && done < count &&
		 (!(arg->flags & REFSLAB_BATCH_STOP) ||
		  batch->made[done - 1] != MADE_FAILED));
	if (!done) {
		batch_put(session, batch);
		return ran;
	}
	arg->done = done;
	data->batch.batch = batch;
	return 0;
}

void batch_finish(struct session *session, union session_data *data, bool copied)
{
	struct batch *batch = data->batch.batch;

	if (!copied)
		take_back(session, batch, 0, data->batch.arg.done);
	batch_put(session, batch);
}
