// SPDX-License-Identifier: GPL-2.0
/*
 * Batches. Entries refer to what earlier ones made, and mostly close it, since
 * few of the handles that a batch makes are remembered.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "fuzz.h"

enum { USES_FLAGS = 1, USES_HANDLE = 2, USES_TARGET = 4, USES_EXPECTED = 8, USES_OTHER = 16,
       USES_DATA = 32, MAKES = 64 };
enum index { INDEX_NONE, INDEX_TYPE, INDEX_SLOT, INDEX_OFFSET };

static const struct {
	const char *name;
	uint8_t weight, uses, index;
	bool weak;
} ops[] = {
	[REFSLAB_OP_ALLOC]	= { "ALLOC in a BATCH", 20, MAKES, INDEX_TYPE },
	[REFSLAB_OP_DUP]	= { "DUP in a BATCH", 6, USES_FLAGS | USES_HANDLE | MAKES },
	[REFSLAB_OP_CLOSE]	= { "CLOSE in a BATCH", 24, USES_HANDLE },
	[REFSLAB_OP_WEAK]	= { "WEAK in a BATCH", 5, USES_HANDLE | MAKES },
	[REFSLAB_OP_UPGRADE]	= { "UPGRADE in a BATCH", 5, USES_HANDLE | MAKES, .weak = true },
	[REFSLAB_OP_SLOT_SET]	= { "SLOT_SET in a BATCH", 20, USES_HANDLE | USES_TARGET, INDEX_SLOT },
	[REFSLAB_OP_SLOT_LOAD]	= { "SLOT_LOAD in a BATCH", 8, USES_HANDLE | MAKES, INDEX_SLOT },
	[REFSLAB_OP_SLOT_MOVE]	= { "SLOT_MOVE in a BATCH", 5, USES_HANDLE | USES_TARGET | USES_OTHER,
				    INDEX_SLOT },
	[REFSLAB_OP_SLOT_CMPXCHG] = { "SLOT_CMPXCHG in a BATCH", 5,
				      USES_HANDLE | USES_TARGET | USES_EXPECTED, INDEX_SLOT },
	[REFSLAB_OP_READ]	= { "READ in a BATCH", 4, USES_HANDLE, INDEX_OFFSET },
	[REFSLAB_OP_WRITE]	= { "WRITE in a BATCH", 4, USES_HANDLE | USES_DATA, INDEX_OFFSET },
};

enum { MADE_MAX = 16 };

/* A batch under way, and what its entries made and did not close. */
struct making {
	struct session *session;
	unsigned int count, weak_count;
	uint64_t made[MADE_MAX], made_weak[MADE_MAX];	/* REFSLAB_RESULT(i) */
	const struct known_type *made_of[MADE_MAX];
};

const char *op_name(unsigned int code)
{
	return code < ARRAY_SIZE(ops) ? ops[code].name : NULL;
}

/* What an entry is about: what an earlier one made, or what is remembered. */
static uint64_t some_object(struct thread *thread, struct making *making,
			    const struct known_type **type)
{
	struct random *random = &thread->random;
	const struct known *known;
	unsigned int i;

	if (making->count && !one_in(random, 3)) {
		/* mostly the last */
		i = one_in(random, 2) ? making->count - 1 : random_below(random, making->count);
		*type = making->made_of[i];
		return making->made[i];
	}
	known = some_handle(thread, making->session);
	*type = &known->type;
	return known->handle;
}

/* The same to be closed, and so forgotten. */
static uint64_t some_closed(struct thread *thread, struct making *making)
{
	struct random *random = &thread->random;
	struct known *known;
	uint64_t handle;
	unsigned int i;

	if (making->weak_count && one_in(random, 3))
		return making->made_weak[one_in(random, 16) ? 0 : --making->weak_count];
	if (making->count && !one_in(random, 8)) {
		i = random_below(random, making->count);
		handle = making->made[i];
		if (one_in(random, 16))
			return handle;
		making->made[i] = making->made[--making->count];
		making->made_of[i] = making->made_of[making->count];
		return handle;
	}
	known = some_handle(thread, making->session);
	handle = known->handle;
	if (!one_in(random, 8))
		known->handle = 0;
	return handle;
}

static uint64_t some_upgraded(struct thread *thread, struct making *making)
{
	if (making->weak_count && one_in(&thread->random, 2))
		return making->made_weak[random_below(&thread->random, making->weak_count)];
	return some_weak(thread, making->session);
}

/* What there is no room for stays open, unless it is learnt. */
static void made(struct making *making, uint32_t at, const struct refslab_op *op,
		 const struct known_type *type)
{
	if (op->code == REFSLAB_OP_WEAK) {
		if (making->weak_count < MADE_MAX)
			making->made_weak[making->weak_count++] = REFSLAB_RESULT(at);
	} else if (making->count < MADE_MAX) {
		making->made_of[making->count] = type;
		making->made[making->count++] = REFSLAB_RESULT(at);
	}
}

static void fill_index(struct thread *thread, struct making *making, struct refslab_op *op,
		       const struct known_type *type)
{
	struct random *random = &thread->random;
	const struct known known = { .type = *type };

	switch (ops[op->code].index) {
	case INDEX_TYPE:
		op->index = type->type;
		break;
	case INDEX_SLOT:
		op->index = some_slot(random, &known);
		op->other = ops[op->code].uses & USES_OTHER ? some_slot(random, &known) : 0;
		break;
	case INDEX_OFFSET:
		op->index = 8 * random_below(random, 1 + type->payload / 16);
		op->length = 1 + random_below(random, REFSLAB_BATCH_DATA);
		break;
	}
	if (ops[op->code].uses & USES_DATA)
		/* as fill_buffer() has it */
		memset(op->data, random_next(random) & 0x7f, op->length);
}

static void fill_op(struct thread *thread, struct making *making, uint32_t at, uint32_t n,
		    struct refslab_op *op)
{
	struct random *random = &thread->random;
	struct known_type *fresh = some_type(thread, making->session);
	const struct known_type *type = fresh, *other;
	unsigned int open = making->count + making->weak_count, uses;

	memset(op, 0, sizeof(*op));
	op->code = some_weighted(thread, &ops[0].weight, sizeof(ops[0]), ARRAY_SIZE(ops));
	/* few are remembered: the last entries mostly close what is left */
	if (open && (n - at <= open || open > MADE_MAX) && !one_in(random, 8))
		op->code = REFSLAB_OP_CLOSE;
	uses = ops[op->code].uses;
	if (op->code == REFSLAB_OP_ALLOC)
		fresh->used = true;
	if (ops[op->code].weak)
		op->handle = some_upgraded(thread, making);
	else if (op->code == REFSLAB_OP_CLOSE)
		op->handle = some_closed(thread, making);
	else if (uses & USES_HANDLE)
		op->handle = some_object(thread, making, &type);
	if (uses & USES_TARGET)
		op->target = one_in(random, 4) ? 0 : some_object(thread, making, &other);
	if (uses & USES_EXPECTED)
		op->expected = one_in(random, 2) ? 0 : some_object(thread, making, &other);
	if (uses & USES_FLAGS)
		op->flags = one_in(random, 4);
	fill_index(thread, making, op, type);
	if (uses & MAKES)
		made(making, at, op, type);
}

static void spoil_op(struct random *random, struct refslab_op *op)
{
	unsigned int i;

	switch (random_below(random, 8)) {
	case 0:
		op->code = random_next(random);
		break;
	case 1:
		op->flags = random_next(random);
		break;
	case 2:
		op->index = hostile(random, op->index);
		break;
	case 3:
		op->handle = hostile(random, op->handle);
		break;
	case 4:
		op->target = hostile(random, op->target);
		break;
	case 5:
		op->expected = hostile(random, op->expected);
		break;
	case 6:
		op->length = hostile(random, op->length);
		break;
	default:
		op->other = hostile(random, op->other);
		break;
	}
	if (op->code == REFSLAB_OP_WRITE)
		for (i = 0; i < REFSLAB_BATCH_DATA; i++)
			op->data[i] &= 0x7f;
}

static uint32_t some_count(struct random *random)
{
	static const uint32_t counts[] = {
		0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 256, 257, 4095, 4096, 4097, UINT32_MAX,
	};

	if (one_in(random, 64))
		return counts[random_below(random, ARRAY_SIZE(counts))];
	return 1 + random_below(random, 4u << random_below(random, 7));
}

/* Makes a batch. Returns how many entries there are. */
uint32_t batch_fill(struct thread *thread, struct session *session,
		    struct refslab_batch *batch, struct place *results)
{
	struct random *random = &thread->random;
	struct making making = { .session = session };
	uint32_t i, count = some_count(random), n = count > REFSLAB_BATCH_MAX ? 1 : count;
	struct refslab_op op, *set;
	struct place entries;

	memory_place(thread, MEMORY_OPS, n * sizeof(struct refslab_op), !one_in(random, 32), &entries);
	memory_place(thread, MEMORY_RESULTS, n * sizeof(struct refslab_result),
		     !one_in(random, 32), results);
	set = entries.set;
	for (i = 0; i < n; i++) {
		/* in memory that no other thread changes */
		fill_op(thread, &making, i, n, &op);
		if (one_in(random, 48))
			spoil_op(random, &op);
		set[i] = op;
	}
	memory_settle(thread, MEMORY_OPS, &entries, n * sizeof(struct refslab_op));
	*batch = (struct refslab_batch){
		.size = sizeof(*batch),
		.flags = one_in(random, 4) ? REFSLAB_BATCH_STOP : 0,
		.count = count,
		.ops = entries.address,
		.results = results->address,
	};
	if (!one_in(random, 48))
		return n;
	if (one_in(random, 2))
		batch->flags = hostile(random, batch->flags);
	else
		batch->size = hostile(random, batch->size);
	return n;
}

/* Whether an entry is one that must fail: it says something where it has nothing to say. */
static bool op_invalid(const struct refslab_op *op)
{
	bool data = op->code == REFSLAB_OP_READ || op->code == REFSLAB_OP_WRITE;
	unsigned int uses, i;

	if (!op_name(op->code))
		return true;
	uses = ops[op->code].uses;
	if (op->flags & ~(uses & USES_FLAGS ? REFSLAB_READ_ONLY : 0) ||
	    (op->index && ops[op->code].index == INDEX_NONE) ||
	    (op->handle && !(uses & USES_HANDLE)) || (op->other && !(uses & USES_OTHER)))
		return true;
	if (data ? !op->length || op->length > REFSLAB_BATCH_DATA : op->length)
		return true;
	if (!(uses & USES_DATA))
		return (op->target && !(uses & USES_TARGET)) ||
		       (op->expected && !(uses & USES_EXPECTED));
	for (i = op->length; i < REFSLAB_BATCH_DATA; i++)
		if (op->data[i])
			return true;
	return false;
}

/* What an entry did not make or read is zero. */
static void check_result(struct thread *thread, const struct refslab_op *op,
			 const struct refslab_result *result)
{
	unsigned int i = 0;

	if (!result->error && op_invalid(op))
		mistake("process %lu: entry %u was to be refused", thread->process->number, op->code);
	if (!result->error && op_name(op->code)) {
		if (ops[op->code].uses & MAKES)
			i = sizeof(result->handle);
		else if (op->code == REFSLAB_OP_READ)
			i = op->length;
	}
	for (; i < REFSLAB_BATCH_DATA; i++)
		if (result->data[i] || result->reserved)
			break;
	if (i < REFSLAB_BATCH_DATA)
		mistake("process %lu: entry %u, error %u, has byte %u of a result", thread->process->number,
			op->code, result->error, i);
}

static void learn_result(struct thread *thread, struct session *session,
			 unsigned int code, uint32_t index, const struct refslab_result *result)
{
	if (!op_name(code))
		return;
	count(thread->counts, KIND_OP + code, result->error);
	if (result->error || !(ops[code].uses & MAKES) || !one_in(&thread->random, 12))
		return;
	if (code == REFSLAB_OP_WEAK)
		remember_weak(thread, session, result->handle);
	else
		remember(thread, session, result->handle,
			 code == REFSLAB_OP_ALLOC ? known_type(session, index) : NULL);
}

/* What came of a batch; @checked: nobody else has written there meanwhile. */
void batch_learn(struct thread *thread, struct session *session,
		 const struct place *results, uint32_t done, bool checked)
{
	const struct refslab_result *result = results->set;
	struct memory *memory = &thread->memory[MEMORY_OPS];
	const struct refslab_op *op;
	uint32_t i;

	/* where they are depends on what was chosen, and the structure says it */
	op = (void *)(memory->all + (thread->ops_address - (uintptr_t)memory->view));
	if (!results->good || (char *)op < memory->all || (char *)op >= memory->all + memory->part)
		return;
	if (done > REFSLAB_BATCH_MAX)
		done = REFSLAB_BATCH_MAX;
	oracle_secret(thread, "BATCH", result, NULL, done * sizeof(*result));
	for (i = 0; i < done; i++) {
		if (checked)
			check_result(thread, &op[i], &result[i]);
		/* other threads may have changed the entry since, and may again */
		learn_result(thread, session, *(volatile uint16_t *)&op[i].code, op[i].index, &result[i]);
	}
}

/* Many handles at a time. */
void batch_close(struct thread *thread, struct session *session, const uint64_t *handles,
		 uint32_t n)
{
	struct memory *memory = thread->memory;
	struct refslab_op *op = (void *)memory[MEMORY_OPS].all;
	const struct refslab_result *result = (void *)memory[MEMORY_RESULTS].all;
	struct refslab_batch batch = {
		.size = sizeof(batch), .count = n,
		.ops = (uintptr_t)memory[MEMORY_OPS].view,
		.results = (uintptr_t)memory[MEMORY_RESULTS].view,
	};
	uint32_t i;

	for (i = 0; i < n; i++)
		op[i] = (struct refslab_op){ .code = REFSLAB_OP_CLOSE, .handle = handles[i] };
	if (call(thread, session->fd, REFSLAB_BATCH, &batch))
		return;
	for (i = 0; i < batch.done && i < n; i++)
		count(thread->counts, KIND_OP + REFSLAB_OP_CLOSE, result[i].error);
}

void fuzz_batch(struct thread *thread, struct session *session)
{
	struct place place, results;
	struct look before;
	struct refslab_batch *batch;
	/* else a batch under way by io_uring may write its results over ours */
	bool checked = thread->process->alone && !uring_busy(thread), looked, fails;
	int err;

	memory_place(thread, MEMORY_ARG, sizeof(*batch), !one_in(&thread->random, 32), &place);
	batch = place.set;
	batch_fill(thread, session, batch, &results);
	thread->ops_address = batch->ops;
	memory_settle(thread, MEMORY_ARG, &place, sizeof(*batch));
	fails = one_in(&thread->random, 24);
	looked = (fails || !place.good || !results.good) &&
		 oracle_look(thread, session, 0, 0, &before);
	if (fails)
		fault_arm(thread);
	err = call(thread, session->fd, REFSLAB_BATCH, (void *)(uintptr_t)place.address);
	if (fails)
		fault_disarm(thread);
	if (looked && err)
		oracle_compare(thread, session, REFSLAB_BATCH, err, &before);
	if (!err)
		batch_learn(thread, session, &results, batch->done, checked);
}
