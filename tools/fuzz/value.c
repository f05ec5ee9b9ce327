// SPDX-License-Identifier: GPL-2.0
/* What fields may be set to, and what is remembered to set them to. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

/* Something near the value, at the edge of a range, or anything. */
uint64_t hostile(struct random *random, uint64_t value)
{
	static const uint64_t edges[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x3ff, 0x400, 0xfff, 0x1000,
		0x1001, 0x2000, 0x2001, 0x3e80, 0x3e81, 0x7fff, 0x8000, 0xffff,
		0x10000, 0x10001, 0x100000, 0x100001, 0x7fffffff, 0x80000000,
		0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
		0xffffffffffff8000, 0xffffffffffffffff,
	};

	switch (random_below(random, 8)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return value + 1;
	case 3:
		return value - 1;
	case 4:
		return value ^ 1ull << random_below(random, 64);
	case 5:
		return random_next(random);
	default:
		return edges[random_below(random, ARRAY_SIZE(edges))];
	}
}

/*
 * One of @n things, the first of whose weights is at @weight and the next @stride
 * bytes on, that the program has a liking for.
 */
unsigned int some_weighted(struct thread *thread, const uint8_t *weight, size_t stride,
			   unsigned int n)
{
	unsigned int i, sum = 0, at, tries = 16;

	for (i = 0; i < n; i++)
		sum += weight[i * stride];
	do {
		at = random_below(&thread->random, sum);
		for (i = 0; at >= weight[i * stride]; i++)
			at -= weight[i * stride];
	} while (!program_likes(thread, i) && tries--);
	return i;
}

/* Mostly few, sometimes all. */
uint32_t some_bytes(struct random *random, uint32_t max)
{
	uint32_t n = random_below(random, 1u << random_below(random, 15));

	return n > max ? max : n;
}

void some_name(struct random *random, char *name, const char *what, bool wrong)
{
	static const char * const wrongs[] = {
		"", ".", "..", "a/b", "version", "types", "pool", "generation0", "a b",
		"\xc3\xa9", "%s%n", "0123456789012345678901234567890", "threshold0",
	};

	memset(name, 0, REFSLAB_NAME_MAX);
	if (!wrong) {
		/* heaps may have none; with few names they meet each other's */
		if (what[0] != 'f' || one_in(random, 2))
			snprintf(name, REFSLAB_NAME_MAX, "%s-%u", what,
				 random_below(random, what[0] != 'r' ? 48 :
					      one_in(random, 8) ? 2 * REFSLAB_ROOTS_MAX : 12));
	} else if (one_in(random, 8)) {
		memset(name, 'x', REFSLAB_NAME_MAX);
	} else {
		strncpy(name, wrongs[random_below(random, ARRAY_SIZE(wrongs))],
			REFSLAB_NAME_MAX - 1);
	}
}

/* Mostly one that there is. */
struct known *some_handle(struct thread *thread, struct session *session)
{
	unsigned int i, at = random_below(&thread->random, HANDLES);
	struct known *known = &session->handles[at];

	for (i = 0; i < HANDLES && !known->handle && !one_in(&thread->random, 64); i++)
		known = &session->handles[(at + i) % HANDLES];
	return known;
}

/* Likewise, of a type whose payloads can be mapped. */
struct known *some_mapped(struct thread *thread, struct session *session)
{
	struct known *known = some_handle(thread, session);
	unsigned int i, at = known - session->handles;

	for (i = 0; i < HANDLES && !(known->handle && known->type.mapped); i++)
		known = &session->handles[(at + i) % HANDLES];
	return known;
}

struct known_type *some_type(struct thread *thread, struct session *session)
{
	unsigned int i, at = random_below(&thread->random, TYPES);
	struct known_type *type = &session->types[at];

	for (i = 0; i < TYPES && !type->type && !one_in(&thread->random, 64); i++)
		type = &session->types[(at + i) % TYPES];
	return type;
}

/* To be destroyed: mostly one that has no objects of ours. */
struct known_type *some_unused_type(struct thread *thread, struct session *session)
{
	struct known_type *type = some_type(thread, session);
	unsigned int i, at = type - session->types;

	for (i = 0; i < TYPES && (!type->type || type->used); i++)
		type = &session->types[(at + i) % TYPES];
	return type;
}

/* A type by its number, as far as it is known. */
const struct known_type *known_type(const struct session *session, uint32_t number)
{
	unsigned int i;

	for (i = 0; i < TYPES; i++)
		if (number && session->types[i].type == number)
			return &session->types[i];
	return NULL;
}

uint64_t some_weak(struct thread *thread, struct session *session)
{
	unsigned int i, at = random_below(&thread->random, WEAKS);

	for (i = 0; i < WEAKS - 1 && !session->weaks[at]; i++)
		at = (at + 1) % WEAKS;
	return session->weaks[at];
}

uint32_t some_slot(struct random *random, const struct known *known)
{
	uint32_t slots = known->type.slots;

	/* of those that were found we do not know */
	return random_below(random, slots ? slots : 3);
}

static void forget(struct thread *thread, struct session *session, uint64_t handle)
{
	struct refslab_close arg = { .size = sizeof(arg), .handle = handle };

	/* some stay open that nobody knows of */
	if (handle && !one_in(&thread->random, 16))
		call(thread, session->fd, REFSLAB_CLOSE, &arg);
}

void remember(struct thread *thread, struct session *session, uint64_t handle,
	      const struct known_type *type)
{
	struct known *known = &session->handles[random_below(&thread->random, HANDLES)];
	uint64_t old = known->handle;

	if (!handle)
		return;
	known->handle = handle;
	known->type = type ? *type : (struct known_type){ 0 };
	forget(thread, session, old);
}

void remember_weak(struct thread *thread, struct session *session, uint64_t handle)
{
	uint64_t *weak = &session->weaks[random_below(&thread->random, WEAKS)], old = *weak;

	*weak = handle;
	forget(thread, session, old);
}

void remember_type(struct thread *thread, struct session *session,
		   const struct known_type *type)
{
	unsigned int i;

	for (i = 0; i < TYPES; i++)
		if (!session->types[i].type || session->types[i].type == type->type)
			break;
	if (i == TYPES)
		i = random_below(&thread->random, TYPES);
	session->types[i] = *type;
}

void remember_file(struct thread *thread, enum file_kind kind, int fd)
{
	int old = __atomic_exchange_n(&thread->process->files[kind][random_below(&thread->random, FILES)],
				      fd, __ATOMIC_RELAXED);

	if (old >= 0)
		count(thread->counts, KIND_CLOSE_FILE, close(old) ? errno : 0);
}

int some_file(struct thread *thread, enum file_kind kind)
{
	unsigned int i, at = random_below(&thread->random, FILES);
	const int *files = thread->process->files[kind];

	for (i = 0; i < FILES - 1 && files[at] < 0; i++)
		at = (at + 1) % FILES;
	return files[at];
}

/* An open descriptor that is no file of a kind; -1 if there is none just now. */
int some_stranger(struct thread *thread, enum file_kind kind)
{
	const struct process *process = thread->process;
	/* the last two can be mapped: over what is the fuzzer's own */
	const int others[] = {
		process->hub[0], process->pipe[0], thread->memory[MEMORY_DATA].fd, thread->uring.fd,
	};
	unsigned int other = random_below(&thread->random, FILE_KINDS + 2);

	if (other == kind)
		other = FILE_KINDS + 1;
	if (other < FILE_KINDS)
		return some_file(thread, other);
	if (other == FILE_SESSION)
		return process->sessions[random_below(&thread->random, SESSIONS)].fd;
	return others[random_below(&thread->random, kind == FILE_MAP ? 2 : ARRAY_SIZE(others))];
}
