// SPDX-License-Identifier: GPL-2.0
/*
 * What calls are to be refused whatever heap they are about, and whether what
 * others did was theirs to do.
 */
#include <string.h>

#include "grammar.h"

/* What the header says of alignments. */
enum { ALIGN_MAX = 4096 };

/* Whether a name has no end, or what no name has. */
static bool name_invalid(const char *name)
{
	const char *end = memchr(name, 0, REFSLAB_NAME_MAX);

	return !end || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") !=
		       (size_t)(end - name);
}

/* Whether a field is what no heap can take. */
static bool field_invalid(const struct shape *shape, const struct attempt *attempt,
			  const struct field *field)
{
	const char *name = (const char *)attempt->arg + field->offset;
	uint64_t value = field_get(attempt, field);
	uint32_t flags;

	memcpy(&flags, attempt->arg + sizeof(uint32_t), sizeof(flags));
	switch (field->meaning) {
	case FLAGS:
		return value & ~(uint64_t)field->detail;
	case RESERVED:
		return value;
	case BITS:
		return flags && value & ~(uint64_t)field->detail;
	case FD:
		return attempt->stranger > 0 && (int)value == attempt->stranger;
	case NUMBER:
		return value >= field->detail && (flags || shape->request != REFSLAB_ENABLE);
	case SLOTS:
		return value > REFSLAB_SLOTS_MAX;
	case PAYLOAD:
		if (flags & REFSLAB_TYPE_MAPPED)
			return !value || value > REFSLAB_MAPPED_MAX;
		return value > REFSLAB_PAYLOAD_MAX;
	case ALIGN:
		return value > ALIGN_MAX || value & (value - 1);
	case COUNT:
		return !value || value > REFSLAB_INSPECT_MAX;
	case GENERATION:
		return value > REFSLAB_GENERATION_FROZEN && value != REFSLAB_GENERATION_ANY;
	case ROOM:
		return flags ? value == 1 || value > REFSLAB_EVENTS_MAX : value;
	case THRESHOLDS:
		return flags && (value & 0x8000000080000000ull);
	case NAME:
		/* what the next name is asked for after may be any */
		return shape->request == REFSLAB_ROOT_NEXT ? !memchr(name, 0, REFSLAB_NAME_MAX) :
							     name_invalid(name);
	default:
		return false;
	}
}

bool check_invalid(const struct shape *shape, const struct attempt *attempt)
{
	unsigned int i, n = fields_of(shape);

	for (i = 0; i < n; i++)
		if (field_invalid(shape, attempt, &shape->fields[i]))
			return true;
	return false;
}

/* Whether a call changes the objects of its handles. */
static bool changes(unsigned long request)
{
	return request == REFSLAB_SLOT_SET || request == REFSLAB_SLOT_MOVE ||
	       request == REFSLAB_SLOT_CMPXCHG || request == REFSLAB_WRITE;
}

/* Whether all that a call did was within the object that it did it to, and allowed. */
static void check_range(struct thread *thread, const struct shape *shape,
			const struct attempt *attempt)
{
	struct refslab_object_info info = { .size = sizeof(info) };
	unsigned int i, n = fields_of(shape);
	const struct field *field;
	uint64_t offset = 0;

	for (i = 0; i < n; i++) {
		field = &shape->fields[i];
		if (field->meaning == HANDLE) {
			info.handle = field_get(attempt, field);
			if (call(thread, attempt->session->fd, REFSLAB_OBJECT_INFO, &info))
				return;
			if (changes(shape->request) && info.object_flags & REFSLAB_OBJECT_READ_ONLY)
				mistake("process %lu: %s by a read-only handle",
					thread->process->number, shape->name);
		} else if (field->meaning == SLOT && field_get(attempt, field) >= info.slots) {
			mistake("process %lu: %s of slot %lu, of %u", thread->process->number,
				shape->name, field_get(attempt, field), info.slots);
		} else if (field->meaning == OFFSET) {
			offset = field_get(attempt, field);
		} else if (field->meaning == LENGTH && offset + field_get(attempt, field) > info.payload) {
			mistake("process %lu: %s of %lu bytes from %lu on, of %u", thread->process->number,
				shape->name, field_get(attempt, field), offset, info.payload);
		}
	}
}

/* What went well is looked at by those who share with nobody. */
void check_done(struct thread *thread, const struct shape *shape,
		       const struct attempt *attempt, bool wrong)
{
	struct random *random = &thread->random;
	const struct refslab_io *io = (const void *)attempt->arg;
	const struct refslab_alloc *alloc = (const void *)attempt->arg;
	const struct refslab_close *closed = (const void *)attempt->arg;

	/* a batch under way is another who changes things */
	if (!thread->process->alone || uring_busy(thread))
		return;
	if (wrong || one_in(random, 16))
		check_range(thread, shape, attempt);
	if (shape->request == REFSLAB_WRITE && attempt->buffer.good && one_in(random, 4))
		oracle_written(thread, attempt->session, io, attempt->buffer.set);
	if (shape->request == REFSLAB_ALLOC && one_in(random, 8))
		oracle_fresh(thread, attempt->session, alloc->handle);
	if (shape->request == REFSLAB_CLOSE && one_in(random, 8))
		oracle_closed(thread, attempt->session, closed->handle);
}
