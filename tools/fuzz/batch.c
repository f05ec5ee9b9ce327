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

/* A batch under way; the last that made something of each kind. */
struct making {
	struct session *session;
	uint32_t made, made_weak;	/* REFSLAB_RESULT(i), or 0 */
	const struct known_type *made_of;
};

const char *op_name(unsigned int code)
{
	return code < ARRAY_SIZE(ops) ? ops[code].name : NULL;
}

static unsigned int some_code(struct random *random)
{
	static unsigned int sum;
	unsigned int code, total = 0, at;

	if (!sum) {
		for (code = 0; code < ARRAY_SIZE(ops); code++)
			total += ops[code].weight;
		sum = total;
	}
	at = random_below(random, sum);
	for (code = 0; at >= ops[code].weight; code++)
		at -= ops[code].weight;
	return code;
}

/* What an entry is about: what an earlier one made, or what is remembered. */
static uint64_t some_object(struct thread *thread, struct making *making,
			    const struct known_type **type)
{
	const struct known *known;

	if (making->made && !one_in(&thread->random, 3)) {
		*type = making->made_of;
		return making->made;
	}
	known = some_handle(thread, making->session);
	*type = &known->type;
	return known->handle;
}

/* The same to be closed, and so forgotten. */
static uint64_t some_closed(struct thread *thread, struct making *making)
{
	uint64_t made = making->made, handle;
	struct known *known;

	if (made && !one_in(&thread->random, 4)) {
		if (!one_in(&thread->random, 8))
			making->made = 0;
		return made;
	}
	known = some_handle(thread, making->session);
	handle = known->handle;
	if (!one_in(&thread->random, 8))
		known->handle = 0;
	return handle;
}

static uint64_t some_weak(struct thread *thread, struct making *making)
{
	if (making->made_weak && one_in(&thread->random, 2))
		return making->made_weak;
	return making->session->weaks[random_below(&thread->random, WEAKS)];
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
		memset(op->data, random_next(random), op->length);
}

static void fill_op(struct thread *thread, struct making *making, uint32_t at,
		    struct refslab_op *op)
{
	struct random *random = &thread->random;
	const struct known_type *type, *other;
	unsigned int uses;

	memset(op, 0, sizeof(*op));
	op->code = some_code(random);
	uses = ops[op->code].uses;
	type = some_type(thread, making->session);
	if (ops[op->code].weak)
		op->handle = some_weak(thread, making);
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
	if (op->code == REFSLAB_OP_WEAK) {
		making->made_weak = REFSLAB_RESULT(at);
	} else if (uses & MAKES) {
		making->made = REFSLAB_RESULT(at);
		making->made_of = type;
	}
}

static void spoil_op(struct random *random, struct refslab_op *op)
{
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
}

static uint32_t some_count(struct random *random)
{
	static const uint32_t counts[] = {
		0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 256, 257, 4095, 4096, 4097, UINT32_MAX,
	};

	if (one_in(random, 64))
		return counts[random_below(random, ARRAY_SIZE(counts))];
	return 1 + random_below(random, 24);
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
		fill_op(thread, &making, i, &op);
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

static void learn_result(struct thread *thread, struct session *session,
			 unsigned int code, const struct refslab_result *result)
{
	if (!op_name(code))
		return;
	count(thread->counts, KIND_OP + code, result->error);
	if (result->error || !(ops[code].uses & MAKES) || !one_in(&thread->random, 3))
		return;
	if (code == REFSLAB_OP_WEAK)
		remember_weak(thread, session, result->handle);
	else
		remember(thread, session, result->handle, NULL);
}

void batch_learn(struct thread *thread, struct session *session,
		 const struct place *results, uint32_t done)
{
	const struct refslab_result *result = results->set;
	struct memory *memory = &thread->memory[MEMORY_OPS];
	const struct refslab_op *op;
	uint32_t i;

	/* where they are depends on what was chosen, and the structure says it */
	op = (void *)(memory->all + (thread->ops_address - (uintptr_t)memory->view));
	if (!results->good || (char *)op < memory->all || (char *)op >= memory->all + memory->part)
		return;
	for (i = 0; i < done && i < REFSLAB_BATCH_MAX; i++)
		/* other threads may have changed the entry since, and may again */
		learn_result(thread, session, *(volatile uint16_t *)&op[i].code, &result[i]);
}

void fuzz_batch(struct thread *thread, struct session *session)
{
	struct refslab_heap_info before;
	struct place place, results;
	struct refslab_batch *batch;
	bool looked, fails;
	int err;

	memory_place(thread, MEMORY_ARG, sizeof(*batch), !one_in(&thread->random, 32), &place);
	batch = place.set;
	batch_fill(thread, session, batch, &results);
	thread->ops_address = batch->ops;
	memory_settle(thread, MEMORY_ARG, &place, sizeof(*batch));
	fails = one_in(&thread->random, 24);
	looked = (fails || !place.good || !results.good) && oracle_look(thread, session, &before);
	if (fails)
		fault_arm(thread);
	err = call(thread, session->fd, REFSLAB_BATCH, (void *)(uintptr_t)place.address);
	if (fails)
		fault_disarm(thread);
	if (looked && err)
		oracle_compare(thread, session, REFSLAB_BATCH, err, &before);
	if (!err)
		batch_learn(thread, session, &results, batch->done);
}
