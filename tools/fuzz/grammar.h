/* SPDX-License-Identifier: GPL-2.0 */
/* What a call is made of: for grammar.c, check.c and the table in calls.c. */
#ifndef REFSLAB_FUZZ_GRAMMAR_H
#define REFSLAB_FUZZ_GRAMMAR_H

#include "fuzz.h"

enum meaning {
	END,
	FLAGS,			/* of those in detail */
	RESERVED,
	OUT,			/* ignored on entry */
	HANDLE,			/* detail: of an object to be mapped */
	TARGET,			/* a handle, or 0 */
	WEAK,
	TYPE,			/* detail: to be destroyed */
	SLOT,			/* of the last HANDLE before it */
	OFFSET,			/* likewise */
	LENGTH,			/* bytes of the next BUFFER */
	BUFFER,
	NUMBER,			/* below detail */
	MOSTLY_ZERO,		/* below detail, and mostly 0 */
	BITS,			/* of those in detail, and mostly none; not read without flags */
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
	FD,			/* of the kind in detail; seldom of another */
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
	uint8_t	weight;
	struct field fields[9];
};

enum { ARG_MAX = 256 };		/* larger than any structure */

/* A call under way. */
struct attempt {
	struct session *session;
	struct known *object;		/* the last HANDLE */
	uint64_t target;		/* the last TARGET */
	struct known_type *type;
	uint32_t flags, length;
	int	stranger;		/* a descriptor of a kind that is to be refused, if above 0 */
	struct place buffer;
	uint8_t arg[ARG_MAX] __attribute__((aligned(8)));
};

/* How a call was made, and what is to come of it. */
struct trial {
	unsigned long request;
	size_t	size;			/* bytes that the kernel is given */
	bool	resized, tail;		/* another than it knows; not zero beyond that */
	bool	invalid, wrong, fails;	/* must be refused; wrong in some way; memory cannot be had */
	struct place place;
};

enum { CALLS = _IOC_NR(REFSLAB_BATCH) + 1 };

extern const struct shape shapes[CALLS];

uint64_t field_get(const struct attempt *attempt, const struct field *field);
unsigned int fields_of(const struct shape *shape);
bool check_invalid(const struct shape *shape, const struct attempt *attempt);
void check_done(struct thread *thread, const struct shape *shape,
		const struct attempt *attempt, bool wrong);

#endif
