// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of /dev/refslab: what their fields may be set to, and what is learnt
 * from the answer. What is wrong on purpose is made so after all has been set
 * right, so that it is the only thing wrong.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "grammar.h"

enum { PAGE = 4096 };

int call(struct thread *thread, int fd, unsigned long request, void *arg)
{
	int err = ioctl(fd, request, arg) < 0 ? errno : 0;

	count(thread->counts, KIND_OF(request), err);
	oracle_errno(thread, request, err);
	return err;
}

uint64_t field_get(const struct attempt *attempt, const struct field *field)
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
	attempt->object = mapped && !one_in(&thread->random, 16) ?
			  some_mapped(thread, attempt->session) :
			  some_handle(thread, attempt->session);
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

static int some_fd(struct thread *thread, struct attempt *attempt, enum file_kind kind)
{
	if (!one_in(&thread->random, 16))
		return some_file(thread, kind);
	attempt->stranger = some_stranger(thread, kind);
	return attempt->stranger;
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
		attempt->target = one_in(random, 4) ? 0 :
				  some_handle(thread, attempt->session)->handle;
		return attempt->target;
	case WEAK:
		return some_weak(thread, attempt->session);
	case TYPE:
		attempt->type = field->detail ? some_unused_type(thread, attempt->session) :
						some_type(thread, attempt->session);
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
	case BITS:
		return one_in(random, 4) ? random_next(random) & field->detail : 0;
	case LIMIT:
		/* an invitation may be without one */
		if (field->detail && one_in(random, 2))
			return 0;
		return (1ull + random_below(random, one_in(random, 16) ? 8 : 512)) << 15;
	case RESERVE:
		return random_below(random, 8) << 15;
	case SLOTS:
		return one_in(random, 4) ? 0 :
		       random_below(random, 1u << random_below(random, one_in(random, 32) ? 11 : 7));
	case PAYLOAD:
		return some_payload(random, attempt);
	case ALIGN:
		return one_in(random, 2) ? 0 : 1u << random_below(random, 13);
	case CURSOR:
		return one_in(random, 4) ? attempt->session->cursor : 0;
	case COUNT:
		attempt->length = 1 + some_bytes(random, REFSLAB_INSPECT_MAX - 1) /
				  (one_in(random, 16) ? 1 : 16);
		return attempt->length;
	case NEW_HANDLES:
		return some_buffer(thread, attempt, attempt->length * sizeof(uint64_t));
	case GENERATION:
		return one_in(random, 2) ? REFSLAB_GENERATION_ANY : random_below(random, 4);
	case ROOM:
		return attempt->flags ? 2 + some_bytes(random, 4096) : 0;
	case FD:
		return some_fd(thread, attempt, field->detail);
	case THRESHOLDS:
		some_thresholds(random, attempt, field);
		return field_get(attempt, field);
	case NAME:
		some_name(random, (char *)attempt->arg + field->offset, names[field->detail], false);
		return field_get(attempt, field);
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

unsigned int fields_of(const struct shape *shape)
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

/* What must be zero is easily forgotten by who is to see to it. */
static const struct field *some_field(struct random *random, const struct shape *shape,
				      unsigned int n)
{
	unsigned int tries = one_in(random, 3) ? 2 * n : 0;
	const struct field *field;

	do {
		field = &shape->fields[random_below(random, n)];
	} while (field->meaning != RESERVED && tries--);
	return field;
}

/* One field goes wrong, or two. */
static void spoil(struct thread *thread, const struct shape *shape, struct attempt *attempt)
{
	struct random *random = &thread->random;
	unsigned int n = fields_of(shape), times = 1 + one_in(random, 4);
	const struct field *field;
	uint64_t value;

	while (n && times--) {
		field = some_field(random, shape, n);
		value = hostile(random, field_get(attempt, field));
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
	const uint64_t *handles = attempt->buffer.set;
	uint32_t i;

	session->cursor = arg->cursor;
	if (!attempt->buffer.good || arg->count > REFSLAB_INSPECT_MAX)
		return;
	for (i = 0; i < arg->count && i < 2; i++)
		remember(thread, session, handles[i], NULL);
	if (i < arg->count)
		batch_close(thread, session, handles + i, arg->count - i);
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

static void learn(struct thread *thread, const struct shape *shape, struct attempt *attempt,
		  bool resized)
{
	unsigned int i, n = fields_of(shape);
	const struct field *field;
	uint64_t value;

	for (i = 0; i < n; i++) {
		field = &shape->fields[i];
		value = field_get(attempt, field);
		switch (field->meaning) {
		case NEW_HANDLE:
			remember(thread, attempt->session, value,
				 shape->request == REFSLAB_DUP ? &attempt->object->type : attempt->type);
			break;
		case NEW_WEAK:
			remember_weak(thread, attempt->session, value);
			break;
		case NEW_TYPE:
			learn_type(thread, attempt, value);
			break;
		case NEW_FD:
			/* else it may be what it was before the call */
			if (!resized)
				learn_file(thread, field, value);
			break;
		case NEW_HANDLES:
			learn_handles(thread, attempt);
			break;
		}
	}
	if (shape->request == REFSLAB_HEAP_CREATE || shape->request == REFSLAB_JOIN)
		attempt->session->bound = true;
	attempt->session->joined |= shape->request == REFSLAB_JOIN;
	if (shape->request == REFSLAB_CLOSE && attempt->object)
		attempt->object->handle = 0;
	if (shape->request == REFSLAB_TYPE_DESTROY)
		attempt->type->type = 0;
	if (shape->request == REFSLAB_ALLOC)
		attempt->type->used = true;
	/* before it has objects, or hardly any is ever destroyed */
	if (shape->request == REFSLAB_TYPE_CREATE && one_in(&thread->random, 6))
		fuzz_call(thread, attempt->session, REFSLAB_TYPE_DESTROY);
	learn_info(thread, shape->request, attempt);
}

/*
 * Each try of a full heap to find room takes long. It is full for good if its
 * handles are forgotten.
 */
static void make_room(struct thread *thread, struct session *session)
{
	uint64_t handles[HANDLES];
	unsigned int i;

	if (one_in(&thread->random, 16)) {
		session_close(thread, session);
	} else if (one_in(&thread->random, 2)) {
		for (i = 0; i < HANDLES; i++) {
			handles[i] = session->handles[i].handle;
			session->handles[i].handle = 0;
		}
		batch_close(thread, session, handles, HANDLES);
	}
}

/* What is written is known: what is read is not to have more than that. */
static void fill_buffer(struct thread *thread, const struct shape *shape, struct attempt *attempt)
{
	/* nothing that oracle_payload() takes for an address */
	if (shape->request == REFSLAB_WRITE && attempt->length <= 60 * PAGE)
		memset(attempt->buffer.set, random_next(&thread->random) & 0x7f, attempt->length);
}

/* Makes a call right, then sometimes wrong. */
static void prepare(struct thread *thread, const struct shape *shape, struct attempt *attempt,
		    struct trial *trial)
{
	size_t known = _IOC_SIZE(shape->request);
	struct random *random = &thread->random;
	struct place *place = &trial->place;

	*trial = (struct trial){ .request = shape->request, .size = known };
	fill(thread, shape, attempt);
	fill_buffer(thread, shape, attempt);
	memcpy(attempt->arg, &(uint32_t){ known }, sizeof(uint32_t));
	if (one_in(random, 8)) {
		spoil(thread, shape, attempt);
		trial->wrong = true;
	}
	trial->invalid = check_invalid(shape, attempt);
	if (one_in(random, 24)) {
		trial->size = resize(random, attempt, known);
		trial->resized = trial->wrong = true;
	}
	/* the size in the code of the call says nothing */
	if (one_in(random, 64))
		trial->request = _IOC(random_below(random, 4), REFSLAB_IOC, _IOC_NR(shape->request),
				      random_below(random, 1 << _IOC_SIZEBITS));
	memory_place(thread, MEMORY_ARG, trial->size, !one_in(random, 12), place);
	memset(place->set, 0, trial->size);
	memcpy(place->set, attempt->arg, known);
	trial->tail = trial->size > known && one_in(random, 4);
	if (trial->tail)
		((uint8_t *)place->set)[known + random_below(random, trial->size - known)] = 1;
	memory_settle(thread, MEMORY_ARG, place, trial->size);
	trial->fails = one_in(random, 16);
}

/* What a call that went well has made, by its own word. */
static void counted(struct thread *thread, const struct shape *shape,
		    const struct attempt *attempt, const struct look *before)
{
	unsigned int i, n = fields_of(shape);
	int handles = 0, types = 0, room = 0;

	for (i = 0; i < n; i++) {
		switch (shape->fields[i].meaning) {
		case NEW_HANDLE:
		case NEW_WEAK:
			handles += field_get(attempt, &shape->fields[i]) != 0;
			break;
		case COUNT:
			room = field_get(attempt, &shape->fields[i]);
			break;
		case NEW_HANDLES:
			handles += room;
			break;
		case NEW_TYPE:
			types++;
			break;
		default:
			break;
		}
	}
	handles -= shape->request == REFSLAB_CLOSE;
	types -= shape->request == REFSLAB_TYPE_DESTROY;
	oracle_counted(thread, attempt->session, shape->name, handles, types, before);
}

static void fuzz_shape(struct thread *thread, struct session *session,
		       const struct shape *shape)
{
	struct attempt attempt = { .session = session, .buffer = { .good = true } };
	size_t known = _IOC_SIZE(shape->request);
	struct trial trial;
	struct look before;
	uint8_t told[ARG_MAX];
	int err, fd = session->fd;
	bool looked;

	if (known > ARG_MAX) {
		mistake("the structure of %s is larger than the fuzzer thinks", shape->name);
		return;
	}
	prepare(thread, shape, &attempt, &trial);
	looked = (trial.wrong || trial.fails || !trial.place.good || !attempt.buffer.good ||
		  one_in(&thread->random, 4)) &&
		 oracle_look(thread, session, attempt.object ? attempt.object->handle : 0,
			     attempt.target, &before);
	if (one_in(&thread->random, 64)) {
		fd = some_stranger(thread, FILE_SESSION);
		trial.invalid = true;
	}
	if (trial.fails)
		fault_arm(thread);
	err = call(thread, fd, trial.request, (void *)(uintptr_t)trial.place.address);
	if (trial.fails)
		fault_disarm(thread);
	if (looked && err)
		oracle_compare(thread, session, shape->request, err, &before);
	if (err) {
		session->read_only |= err == EACCES && (shape->request == REFSLAB_TYPE_CREATE ||
							shape->request == REFSLAB_ALLOC);
		session->bound |= err == EBUSY && shape->request != REFSLAB_TYPE_DESTROY;
		if (err == ENOSPC)
			make_room(thread, session);
		return;
	}
	/* where no other thread changes what is asked for */
	if (thread->process->alone && trial.place.good &&
	    ((trial.invalid && !trial.resized) || trial.tail))
		mistake("process %lu: %s was to be refused", thread->process->number, shape->name);
	memcpy(told, attempt.arg, known);
	memcpy(attempt.arg, trial.place.set, known);
	if (looked && trial.place.good && !trial.resized)
		counted(thread, shape, &attempt, &before);
	/* a field that is cut in two is half what was told */
	if (trial.place.good && !trial.resized)
		oracle_secret(thread, shape->name, attempt.arg, told, known);
	if (shape->request == REFSLAB_READ && attempt.buffer.good)
		oracle_payload(thread, attempt.buffer.set, attempt.length);
	if (trial.place.good && !trial.resized)
		check_done(thread, shape, &attempt, trial.wrong);
	learn(thread, shape, &attempt, trial.resized);
}

void fuzz_call(struct thread *thread, struct session *session, unsigned long request)
{
	fuzz_shape(thread, session, &shapes[_IOC_NR(request)]);
}

void fuzz_any_call(struct thread *thread, struct session *session)
{
	fuzz_shape(thread, session, &shapes[some_weighted(thread, &shapes[0].weight,
							  sizeof(shapes[0]), CALLS)]);
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
