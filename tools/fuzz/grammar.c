// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of /dev/refslab: what each field means, what it may be set to, and
 * what is learnt from the answer. One table; what is wrong on purpose is made so
 * after all has been set right, so that it is the only thing wrong.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fuzz.h"

enum meaning {
	END,
	FLAGS,			/* of those in detail */
	RESERVED,
	OUT,			/* ignored on entry */
	HANDLE,
	TARGET,			/* a handle, or 0 */
	WEAK,
	TYPE,
	SLOT,			/* of the last HANDLE before it */
	OFFSET,			/* likewise */
	LENGTH,			/* bytes of the next BUFFER */
	BUFFER,
	NUMBER,			/* below detail */
	MOSTLY_ZERO,		/* below detail, and mostly 0 */
	LIMIT,
	RESERVE,
	THRESHOLDS,
	SLOTS,
	PAYLOAD,
	ALIGN,
	CURSOR,
	COUNT,			/* handles in the next BUFFER */
	GENERATION,
	ROOM,
	NAME,			/* of what detail says */
	FD,			/* of the kind in detail */
	NEW_HANDLE,		/* out */
	NEW_WEAK,		/* out */
	NEW_TYPE,		/* out */
	NEW_FD,			/* out, of the kind in detail */
	NEW_HANDLES,		/* out: the BUFFER is full of them */
};

enum name { NAME_HEAP, NAME_TYPE, NAME_ROOT };

struct field {
	uint8_t	meaning, offset, bytes, detail;
};

struct shape {
	const char *name;
	unsigned long request;
	unsigned int weight;
	struct field fields[9];
};

#define FIELD(type, member, meaning, detail) \
	{ meaning, offsetof(struct type, member), sizeof(((struct type *)0)->member), detail }
#define CALL(name, weight, ...) \
	[_IOC_NR(REFSLAB_##name)] = { #name, REFSLAB_##name, weight, { __VA_ARGS__ } }

static const struct shape shapes[] = {
	CALL(HEAP_CREATE, 1,
	     FIELD(refslab_heap_create, flags, RESERVED, 0),
	     FIELD(refslab_heap_create, limit, LIMIT, 0),
	     FIELD(refslab_heap_create, name, NAME, NAME_HEAP)),
	CALL(HEAP_INFO, 10,
	     FIELD(refslab_heap_info, flags, RESERVED, 0),
	     FIELD(refslab_heap_info, session_bytes, OUT, 0)),
	CALL(HEAP_LIMITS, 6,
	     FIELD(refslab_heap_limits, flags, FLAGS, 15),
	     FIELD(refslab_heap_limits, limit, LIMIT, 0),
	     FIELD(refslab_heap_limits, reserve, RESERVE, 0),
	     FIELD(refslab_heap_limits, low, RESERVE, 0),
	     FIELD(refslab_heap_limits, high, RESERVE, 0)),
	CALL(INVITE, 8,
	     FIELD(refslab_invite, flags, FLAGS, REFSLAB_READ_ONLY),
	     FIELD(refslab_invite, limit, LIMIT, 0),
	     FIELD(refslab_invite, reserved, RESERVED, 0),
	     FIELD(refslab_invite, fd, NEW_FD, FILE_INVITATION)),
	CALL(JOIN, 2,
	     FIELD(refslab_join, flags, RESERVED, 0),
	     FIELD(refslab_join, fd, FD, FILE_INVITATION),
	     FIELD(refslab_join, reserved, RESERVED, 0)),
	CALL(ROOT_SET, 14,
	     FIELD(refslab_root_set, flags, FLAGS, REFSLAB_ROOT_NEW),
	     FIELD(refslab_root_set, handle, TARGET, 0),
	     FIELD(refslab_root_set, name, NAME, NAME_ROOT)),
	CALL(ROOT_GET, 14,
	     FIELD(refslab_root_get, flags, RESERVED, 0),
	     FIELD(refslab_root_get, name, NAME, NAME_ROOT),
	     FIELD(refslab_root_get, handle, NEW_HANDLE, 0)),
	CALL(ROOT_NEXT, 4,
	     FIELD(refslab_root_next, flags, RESERVED, 0),
	     FIELD(refslab_root_next, name, NAME, NAME_ROOT)),
	CALL(TYPE_CREATE, 2,
	     FIELD(refslab_type_create, flags, FLAGS, REFSLAB_TYPE_MAPPED),
	     FIELD(refslab_type_create, slots, SLOTS, 0),
	     FIELD(refslab_type_create, payload, PAYLOAD, 0),
	     FIELD(refslab_type_create, align, ALIGN, 0),
	     FIELD(refslab_type_create, name, NAME, NAME_TYPE),
	     FIELD(refslab_type_create, type, NEW_TYPE, 0)),
	CALL(TYPE_DESTROY, 2,
	     FIELD(refslab_type_destroy, flags, RESERVED, 0),
	     FIELD(refslab_type_destroy, type, TYPE, 0),
	     FIELD(refslab_type_destroy, reserved, RESERVED, 0)),
	CALL(TYPE_INFO, 6,
	     FIELD(refslab_type_info, flags, FLAGS, REFSLAB_TYPE_INFO_NEXT),
	     FIELD(refslab_type_info, type, TYPE, 0),
	     FIELD(refslab_type_info, slabs, OUT, 0)),
	CALL(ALLOC, 60,
	     FIELD(refslab_alloc, flags, RESERVED, 0),
	     FIELD(refslab_alloc, type, TYPE, 0),
	     FIELD(refslab_alloc, reserved, RESERVED, 0),
	     FIELD(refslab_alloc, handle, NEW_HANDLE, 0)),
	CALL(DUP, 16,
	     FIELD(refslab_dup, flags, FLAGS, REFSLAB_READ_ONLY),
	     FIELD(refslab_dup, handle, HANDLE, 0),
	     FIELD(refslab_dup, copy, NEW_HANDLE, 0)),
	CALL(CLOSE, 16,
	     FIELD(refslab_close, flags, RESERVED, 0),
	     FIELD(refslab_close, handle, HANDLE, 0)),
	CALL(WEAK, 16,
	     FIELD(refslab_weak_create, flags, RESERVED, 0),
	     FIELD(refslab_weak_create, handle, HANDLE, 0),
	     FIELD(refslab_weak_create, weak, NEW_WEAK, 0)),
	CALL(UPGRADE, 20,
	     FIELD(refslab_upgrade, flags, RESERVED, 0),
	     FIELD(refslab_upgrade, weak, WEAK, 0),
	     FIELD(refslab_upgrade, handle, NEW_HANDLE, 0)),
	CALL(EXPORT, 10,
	     FIELD(refslab_export, flags, FLAGS, REFSLAB_READ_ONLY),
	     FIELD(refslab_export, handle, HANDLE, 0),
	     FIELD(refslab_export, reserved, RESERVED, 0),
	     FIELD(refslab_export, fd, NEW_FD, FILE_OBJECT)),
	CALL(IMPORT, 16,
	     FIELD(refslab_import, flags, RESERVED, 0),
	     FIELD(refslab_import, fd, FD, FILE_OBJECT),
	     FIELD(refslab_import, reserved, RESERVED, 0),
	     FIELD(refslab_import, handle, NEW_HANDLE, 0)),
	CALL(SLOT_SET, 60,
	     FIELD(refslab_slot_set, flags, RESERVED, 0),
	     FIELD(refslab_slot_set, handle, HANDLE, 0),
	     FIELD(refslab_slot_set, slot, SLOT, 0),
	     FIELD(refslab_slot_set, reserved, RESERVED, 0),
	     FIELD(refslab_slot_set, target, TARGET, 0)),
	CALL(SLOT_LOAD, 40,
	     FIELD(refslab_slot_load, flags, RESERVED, 0),
	     FIELD(refslab_slot_load, handle, HANDLE, 0),
	     FIELD(refslab_slot_load, slot, SLOT, 0),
	     FIELD(refslab_slot_load, reserved, RESERVED, 0),
	     FIELD(refslab_slot_load, target, NEW_HANDLE, 0)),
	CALL(SLOT_MOVE, 20,
	     FIELD(refslab_slot_move, flags, RESERVED, 0),
	     FIELD(refslab_slot_move, from, HANDLE, 0),
	     FIELD(refslab_slot_move, from_slot, SLOT, 0),
	     FIELD(refslab_slot_move, to, HANDLE, 0),
	     FIELD(refslab_slot_move, to_slot, SLOT, 0)),
	CALL(SLOT_CMPXCHG, 20,
	     FIELD(refslab_slot_cmpxchg, flags, RESERVED, 0),
	     FIELD(refslab_slot_cmpxchg, handle, HANDLE, 0),
	     FIELD(refslab_slot_cmpxchg, slot, SLOT, 0),
	     FIELD(refslab_slot_cmpxchg, reserved, RESERVED, 0),
	     FIELD(refslab_slot_cmpxchg, expected, TARGET, 0),
	     FIELD(refslab_slot_cmpxchg, target, TARGET, 0)),
	CALL(READ, 20,
	     FIELD(refslab_io, flags, RESERVED, 0),
	     FIELD(refslab_io, handle, HANDLE, 0),
	     FIELD(refslab_io, offset, OFFSET, 0),
	     FIELD(refslab_io, length, LENGTH, 0),
	     FIELD(refslab_io, buffer, BUFFER, 0)),
	CALL(WRITE, 20,
	     FIELD(refslab_io, flags, RESERVED, 0),
	     FIELD(refslab_io, handle, HANDLE, 0),
	     FIELD(refslab_io, offset, OFFSET, 0),
	     FIELD(refslab_io, length, LENGTH, 0),
	     FIELD(refslab_io, buffer, BUFFER, 0)),
	CALL(OBJECT_INFO, 16,
	     FIELD(refslab_object_info, flags, RESERVED, 0),
	     FIELD(refslab_object_info, handle, HANDLE, 0),
	     FIELD(refslab_object_info, object, OUT, 0)),
	CALL(OBJECTS, 6,
	     FIELD(refslab_objects, flags, RESERVED, 0),
	     FIELD(refslab_objects, type, TYPE, 0),
	     FIELD(refslab_objects, generation, GENERATION, 0),
	     FIELD(refslab_objects, cursor, CURSOR, 0),
	     FIELD(refslab_objects, count, COUNT, 0),
	     FIELD(refslab_objects, reserved, RESERVED, 0),
	     FIELD(refslab_objects, handles, NEW_HANDLES, 0)),
	CALL(REFERRERS, 5,
	     FIELD(refslab_referrers, flags, RESERVED, 0),
	     FIELD(refslab_referrers, handle, HANDLE, 0),
	     FIELD(refslab_referrers, cursor, CURSOR, 0),
	     FIELD(refslab_referrers, count, COUNT, 0),
	     FIELD(refslab_referrers, reserved, RESERVED, 0),
	     FIELD(refslab_referrers, handles, NEW_HANDLES, 0)),
	CALL(REFERENTS, 6,
	     FIELD(refslab_referents, flags, RESERVED, 0),
	     FIELD(refslab_referents, handle, HANDLE, 0),
	     FIELD(refslab_referents, cursor, CURSOR, 0),
	     FIELD(refslab_referents, count, COUNT, 0),
	     FIELD(refslab_referents, reserved, RESERVED, 0),
	     FIELD(refslab_referents, handles, NEW_HANDLES, 0)),
	CALL(MAP, 14,
	     FIELD(refslab_map, flags, FLAGS, REFSLAB_READ_ONLY),
	     FIELD(refslab_map, handle, HANDLE, 1),
	     FIELD(refslab_map, reserved, RESERVED, 0),
	     FIELD(refslab_map, fd, NEW_FD, FILE_MAP)),
	CALL(THRESHOLDS, 6,
	     FIELD(refslab_thresholds, flags, FLAGS, REFSLAB_THRESHOLDS_SET),
	     FIELD(refslab_thresholds, threshold, THRESHOLDS, 0),
	     FIELD(refslab_thresholds, reserved, RESERVED, 0)),
	CALL(ENABLE, 4,
	     FIELD(refslab_enable, flags, FLAGS, REFSLAB_ENABLE_SET),
	     FIELD(refslab_enable, enabled, NUMBER, 2),
	     FIELD(refslab_enable, reserved, RESERVED, 0)),
	CALL(COUNTS, 3,
	     FIELD(refslab_counts, flags, RESERVED, 0),
	     FIELD(refslab_counts, count, OUT, 0)),
	CALL(STATS, 3,
	     FIELD(refslab_stats, flags, RESERVED, 0),
	     FIELD(refslab_stats, generation, NUMBER, 3),
	     FIELD(refslab_stats, reserved, RESERVED, 0),
	     FIELD(refslab_stats, candidates, OUT, 0)),
	CALL(COLLECT, 6,
	     FIELD(refslab_collect, flags, RESERVED, 0),
	     FIELD(refslab_collect, generation, NUMBER, 3),
	     FIELD(refslab_collect, reserved, RESERVED, 0),
	     FIELD(refslab_collect, time_ns, OUT, 0)),
	CALL(FREEZE, 3,
	     FIELD(refslab_freeze, flags, FLAGS, 3),
	     FIELD(refslab_freeze, objects, OUT, 0)),
	CALL(QUARANTINE, 3,
	     FIELD(refslab_quarantine, flags, FLAGS, 3),
	     FIELD(refslab_quarantine, enabled, MOSTLY_ZERO, 2),
	     FIELD(refslab_quarantine, reserved, RESERVED, 0)),
	CALL(DEBUG, 2,
	     FIELD(refslab_debug, flags, FLAGS, REFSLAB_DEBUG_SET),
	     FIELD(refslab_debug, debug, MOSTLY_ZERO, 2),
	     FIELD(refslab_debug, reserved, RESERVED, 0)),
	CALL(EVENTS, 6,
	     FIELD(refslab_events, flags, FLAGS, 7),
	     FIELD(refslab_events, room, ROOM, 0),
	     FIELD(refslab_events, eventfd, FD, FILE_EVENTFD)),
	CALL(BATCH, 0, { 0 }),
};

enum { ARG_MAX = 256 };		/* larger than any structure */

/* A call under way. */
struct attempt {
	struct session *session;
	struct known *object;		/* the last HANDLE */
	const struct known_type *type;
	uint32_t flags, length;
	struct place buffer;
	uint8_t arg[ARG_MAX] __attribute__((aligned(8)));
};

const char *call_name(unsigned int nr)
{
	return nr < ARRAY_SIZE(shapes) ? shapes[nr].name : NULL;
}

unsigned long call_request(unsigned int nr)
{
	return nr < ARRAY_SIZE(shapes) ? shapes[nr].request : 0;
}

int call(struct thread *thread, int fd, unsigned long request, void *arg)
{
	int err = ioctl(fd, request, arg) < 0 ? errno : 0;

	count(thread->counts, KIND_OF(request), err);
	oracle_errno(thread, request, err);
	return err;
}

static uint64_t get(const struct attempt *attempt, const struct field *field)
{
	uint64_t value = 0;

	memcpy(&value, attempt->arg + field->offset, field->bytes < 8 ? field->bytes : 8);
	return value;
}

static void set(struct attempt *attempt, const struct field *field, uint64_t value)
{
	memcpy(attempt->arg + field->offset, &value, field->bytes < 8 ? field->bytes : 8);
}

static uint32_t some_flags(struct random *random, uint32_t known)
{
	switch (random_below(random, 3)) {
	case 0:
		return 0;
	case 1:
		return known & 1u << random_below(random, 4);
	default:
		return known & random_next(random);
	}
}

static uint64_t some_object(struct thread *thread, struct attempt *attempt, bool mapped)
{
	unsigned int tries = mapped ? 8 : 1;

	do {
		attempt->object = some_handle(thread, attempt->session);
	} while (mapped && !attempt->object->type.mapped && --tries);
	return attempt->object->handle;
}

static void some_thresholds(struct random *random, struct attempt *attempt,
			    const struct field *field)
{
	uint32_t threshold[REFSLAB_GENERATIONS];

	threshold[0] = random_below(random, 1u << random_below(random, 12));
	threshold[1] = random_below(random, 8);
	threshold[2] = random_below(random, 8);
	memcpy(attempt->arg + field->offset, threshold, sizeof(threshold));
}

static uint32_t some_payload(struct random *random, const struct attempt *attempt)
{
	uint32_t payload = random_below(random, 1u << random_below(random, 14));

	if (!(attempt->flags & REFSLAB_TYPE_MAPPED))
		return payload > REFSLAB_PAYLOAD_MAX ? REFSLAB_PAYLOAD_MAX : payload;
	return 1 + payload * (one_in(random, 16) ? 64 : 2);
}

/* Bytes that the next BUFFER must have. */
static uint32_t some_length(struct random *random, struct attempt *attempt)
{
	uint32_t payload = attempt->object ? attempt->object->type.payload : 0;

	attempt->length = some_bytes(random, payload ? payload : 16);
	return attempt->length;
}

static uint64_t some_buffer(struct thread *thread, struct attempt *attempt, uint32_t bytes)
{
	memory_place(thread, MEMORY_DATA, bytes, !one_in(&thread->random, 16),
		     &attempt->buffer);
	return attempt->buffer.address;
}

static uint64_t some_value(struct thread *thread, struct attempt *attempt,
			   const struct field *field)
{
	struct random *random = &thread->random;
	static const char * const names[] = { "fuzz", "type", "root" };

	switch (field->meaning) {
	case FLAGS:
		attempt->flags = some_flags(random, field->detail);
		return attempt->flags;
	case HANDLE:
		return some_object(thread, attempt, field->detail);
	case TARGET:
		return one_in(random, 4) ? 0 : some_handle(thread, attempt->session)->handle;
	case WEAK:
		return attempt->session->weaks[random_below(random, WEAKS)];
	case TYPE:
		attempt->type = some_type(thread, attempt->session);
		return attempt->type->type;
	case SLOT:
		return some_slot(random, attempt->object);
	case OFFSET:
		return one_in(random, 2) ? 0 : some_bytes(random, attempt->object->type.payload);
	case LENGTH:
		return some_length(random, attempt);
	case BUFFER:
		return some_buffer(thread, attempt, attempt->length);
	case NUMBER:
		return random_below(random, field->detail);
	case MOSTLY_ZERO:
		return one_in(random, 8) ? random_below(random, field->detail) : 0;
	case LIMIT:
		return (1ull + random_below(random, one_in(random, 16) ? 8 : 512)) << 15;
	case RESERVE:
		return random_below(random, 8) << 15;
	case SLOTS:
		return one_in(random, 4) ? 0 : random_below(random, 1u << random_below(random, 7));
	case PAYLOAD:
		return some_payload(random, attempt);
	case ALIGN:
		return one_in(random, 2) ? 0 : 1u << random_below(random, 13);
	case CURSOR:
		return one_in(random, 4) ? attempt->session->cursor : 0;
	case COUNT:
		attempt->length = 1 + some_bytes(random, REFSLAB_INSPECT_MAX - 1) / 16;
		return attempt->length;
	case NEW_HANDLES:
		return some_buffer(thread, attempt, attempt->length * sizeof(uint64_t));
	case GENERATION:
		return one_in(random, 2) ? REFSLAB_GENERATION_ANY : random_below(random, 4);
	case ROOM:
		return attempt->flags ? 2 + some_bytes(random, 4096) : 0;
	case FD:
		return some_file(thread, field->detail);
	case THRESHOLDS:
		some_thresholds(random, attempt, field);
		return get(attempt, field);
	case NAME:
		some_name(random, (char *)attempt->arg + field->offset, names[field->detail], false);
		return get(attempt, field);
	case RESERVED:
		return 0;
	default:
		return random_next(random);
	}
}

/* What depends on several fields at a time. */
static void agree(unsigned long request, struct attempt *attempt)
{
	struct refslab_heap_limits *limits = (void *)attempt->arg;
	struct refslab_objects *objects = (void *)attempt->arg;
	struct refslab_events *events = (void *)attempt->arg;
	struct refslab_root_set *root = (void *)attempt->arg;
	struct refslab_freeze *freeze = (void *)attempt->arg;

	switch (request) {
	case REFSLAB_HEAP_LIMITS:
		limits->limit = limits->flags & REFSLAB_LIMITS_LIMIT ? limits->limit : 0;
		limits->reserve = limits->flags & REFSLAB_LIMITS_RESERVE ? limits->reserve : 0;
		limits->low = limits->flags & REFSLAB_LIMITS_LOW ? limits->low : 0;
		limits->high = limits->flags & REFSLAB_LIMITS_HIGH ? limits->high : 0;
		break;
	case REFSLAB_OBJECTS:
		if (objects->count & 1)
			objects->type = 0;
		break;
	case REFSLAB_EVENTS:
		if (events->flags == REFSLAB_EVENTS_FD)
			events->flags |= REFSLAB_EVENTS_SWEEPS;
		if (!(events->flags & REFSLAB_EVENTS_FD))
			events->eventfd = 0;
		break;
	case REFSLAB_ROOT_SET:
		root->flags = root->handle ? root->flags : 0;
		break;
	case REFSLAB_FREEZE:
	case REFSLAB_QUARANTINE:
		if (freeze->flags == 3)
			freeze->flags = 0;
		break;
	}
}

static unsigned int fields_of(const struct shape *shape)
{
	unsigned int n = 0;

	while (n < ARRAY_SIZE(shape->fields) && shape->fields[n].meaning)
		n++;
	return n;
}

static void fill(struct thread *thread, const struct shape *shape, struct attempt *attempt)
{
	unsigned int i, n = fields_of(shape);
	const struct field *field;

	for (i = 0; i < n; i++) {
		field = &shape->fields[i];
		set(attempt, field, some_value(thread, attempt, field));
	}
	agree(shape->request, attempt);
}

/* One field goes wrong, or two. */
static void spoil(struct thread *thread, const struct shape *shape, struct attempt *attempt)
{
	struct random *random = &thread->random;
	unsigned int n = fields_of(shape), times = 1 + one_in(random, 4);
	const struct field *field;
	uint64_t value;

	while (n && times--) {
		field = &shape->fields[random_below(random, n)];
		value = hostile(random, get(attempt, field));
		/* more memory than the guest has is no mistake of the heap's */
		if (field->meaning == LIMIT && value - 1 < 1ull << 36)
			value = 1;
		if (field->meaning == BUFFER || field->meaning == NEW_HANDLES)
			value = no_address(random);
		if (field->meaning == NAME)
			some_name(random, (char *)attempt->arg + field->offset, "", true);
		else
			set(attempt, field, value);
	}
}

/* The size goes wrong, or what is beyond what the kernel knows. */
static size_t resize(struct random *random, struct attempt *attempt, size_t size)
{
	static const uint32_t sizes[] = {
		0, 4, 8, 12, 15, 16, 20, 24, 4095, 4096, 4097, 8192, 0x80000000, 0xffffffff,
	};
	uint32_t wrong = size;

	switch (random_below(random, 4)) {
	case 0:
		wrong = sizes[random_below(random, ARRAY_SIZE(sizes))];
		break;
	case 1:
		wrong = size - 1 - random_below(random, 8);
		break;
	case 2:
		wrong = size + 8 * (1 + random_below(random, 8));
		break;
	default:
		wrong = random_below(random, 4200);
		break;
	}
	memcpy(attempt->arg, &wrong, sizeof(wrong));
	return wrong <= 4096 && wrong > size ? wrong : size;
}

static void learn_file(struct thread *thread, const struct field *field, int fd)
{
	/* with a structure cut short nobody knows it, and it stays open */
	if (fd >= 0 && fd < OWN_FDS)
		remember_file(thread, field->detail, fd);
}

static void learn_type(struct thread *thread, struct attempt *attempt, uint32_t type)
{
	const struct refslab_type_create *arg = (void *)attempt->arg;
	const struct known_type known = {
		.type = type,
		.slots = arg->slots,
		.payload = arg->payload,
		.mapped = arg->flags & REFSLAB_TYPE_MAPPED,
	};

	remember_type(thread, attempt->session, &known);
}

static void learn_handles(struct thread *thread, struct attempt *attempt)
{
	const struct refslab_objects *arg = (void *)attempt->arg;
	struct session *session = attempt->session;
	struct refslab_close closing = { .size = sizeof(closing) };
	const uint64_t *handles = attempt->buffer.set;
	uint32_t i;

	session->cursor = arg->cursor;
	if (!attempt->buffer.good || arg->count > REFSLAB_INSPECT_MAX)
		return;
	for (i = 0; i < arg->count; i++) {
		if (i < 2) {
			remember(thread, session, handles[i], NULL);
			continue;
		}
		closing.handle = handles[i];
		call(thread, session->fd, REFSLAB_CLOSE, &closing);
	}
}

/* Of objects that were found, what they are; of types, likewise. */
static void learn_info(struct thread *thread, unsigned long request, struct attempt *attempt)
{
	const struct refslab_object_info *object = (void *)attempt->arg;
	const struct refslab_type_info *type = (void *)attempt->arg;
	struct known *known = attempt->object;
	const struct known_type what = {
		.type = type->type,
		.slots = type->slots,
		.payload = type->payload,
		.mapped = type->type_flags & REFSLAB_TYPE_FLAG_MAPPED,
	};

	if (request == REFSLAB_TYPE_INFO) {
		remember_type(thread, attempt->session, &what);
	} else if (request == REFSLAB_OBJECT_INFO && known && known->handle == object->handle) {
		known->type.slots = object->slots;
		known->type.payload = object->payload;
	}
}

static void learn(struct thread *thread, const struct shape *shape, struct attempt *attempt)
{
	unsigned int i, n = fields_of(shape);
	const struct field *field;
	uint64_t value;

	for (i = 0; i < n; i++) {
		field = &shape->fields[i];
		value = get(attempt, field);
		switch (field->meaning) {
		case NEW_HANDLE:
			remember(thread, attempt->session, value, attempt->type);
			break;
		case NEW_WEAK:
			remember_weak(thread, attempt->session, value);
			break;
		case NEW_TYPE:
			learn_type(thread, attempt, value);
			break;
		case NEW_FD:
			learn_file(thread, field, value);
			break;
		case NEW_HANDLES:
			learn_handles(thread, attempt);
			break;
		}
	}
	if (shape->request == REFSLAB_HEAP_CREATE || shape->request == REFSLAB_JOIN)
		attempt->session->bound = true;
	if (shape->request == REFSLAB_CLOSE && attempt->object)
		attempt->object->handle = 0;
	learn_info(thread, shape->request, attempt);
}

static void fuzz_shape(struct thread *thread, struct session *session,
		       const struct shape *shape)
{
	struct attempt attempt = { .session = session, .buffer = { .good = true } };
	size_t size = _IOC_SIZE(shape->request), known = size;
	struct random *random = &thread->random;
	unsigned long request = shape->request;
	struct refslab_heap_info before;
	bool wrong = false, looked, fails;
	struct place place;
	int err;

	if (size > ARG_MAX) {
		mistake("the structure of %s is larger than the fuzzer thinks", shape->name);
		return;
	}
	fill(thread, shape, &attempt);
	memcpy(attempt.arg, &(uint32_t){ size }, sizeof(uint32_t));
	if (one_in(random, 12)) {
		spoil(thread, shape, &attempt);
		wrong = true;
	}
	if (one_in(random, 24)) {
		size = resize(random, &attempt, size);
		wrong = true;
	}
	/* the size in the code of the call says nothing */
	if (one_in(random, 64))
		request = _IOC(random_below(random, 4), REFSLAB_IOC, _IOC_NR(request),
			       random_below(random, 1 << _IOC_SIZEBITS));
	memory_place(thread, MEMORY_ARG, size, !one_in(random, 16), &place);
	memset(place.set, 0, size);
	memcpy(place.set, attempt.arg, known);
	if (size > known && one_in(random, 4))
		((uint8_t *)place.set)[known + random_below(random, size - known)] = 1;
	memory_settle(thread, MEMORY_ARG, &place, size);

	fails = one_in(random, 32);
	looked = (wrong || fails || !place.good || !attempt.buffer.good) &&
		 oracle_look(thread, session, &before);
	if (fails)
		fault_arm(thread);
	err = call(thread, session->fd, request, (void *)(uintptr_t)place.address);
	if (fails)
		fault_disarm(thread);
	if (looked && err)
		oracle_compare(thread, session, request, err, &before);
	if (err) {
		session->read_only |= request == REFSLAB_TYPE_CREATE && err == EACCES;
		/* full for good, if its handles are forgotten */
		if (err == ENOSPC && one_in(random, 64))
			session_close(thread, session);
		return;
	}
	memcpy(attempt.arg, place.set, known);
	learn(thread, shape, &attempt);
}

void fuzz_call(struct thread *thread, struct session *session, unsigned long request)
{
	fuzz_shape(thread, session, &shapes[_IOC_NR(request)]);
}

void fuzz_any_call(struct thread *thread, struct session *session)
{
	static unsigned int sum;
	unsigned int i, total = 0, at;

	if (!sum) {
		for (i = 0; i < ARRAY_SIZE(shapes); i++)
			total += shapes[i].weight;
		sum = total;
	}
	at = random_below(&thread->random, sum);
	for (i = 0; at >= shapes[i].weight; i++)
		at -= shapes[i].weight;
	fuzz_shape(thread, session, &shapes[i]);
}

/* A call that there is not. */
void fuzz_unknown(struct thread *thread, struct session *session)
{
	struct random *random = &thread->random;
	unsigned long request;
	struct place place;
	int err;

	do {
		request = one_in(random, 2) ? random_next(random) :
			  _IOC(random_below(random, 4), REFSLAB_IOC, random_below(random, 256), 32);
	} while (_IOC_TYPE(request) == REFSLAB_IOC && call_name(_IOC_NR(request)));
	/* those that any file has would be done */
	if (_IOC_TYPE(request) == 'T' || _IOC_TYPE(request) == 'f' || !_IOC_TYPE(request))
		request ^= 0x8000;
	memory_place(thread, MEMORY_ARG, 64, true, &place);
	err = ioctl(session->fd, request, place.address) < 0 ? errno : 0;
	if (session->fd >= 0 && err != ENOTTY && err != EBADF)
		mistake("ioctl %lx: %s", request, err ? strerrorname_np(err) : "done");
	count(thread->counts, KIND_UNKNOWN, err == ENOTTY ? 0 : err);
}
