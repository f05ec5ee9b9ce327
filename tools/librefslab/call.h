/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the functions share.
 *
 * A structure that grows changes what a function fills in: programs compiled
 * before have less room. So the sizes of those that callers pass are fixed here;
 * who changes one gives its function a new symbol version and leaves the old one.
 */
#ifndef REFSLAB_CALL_H
#define REFSLAB_CALL_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "refslab.h"

#define passed_by_callers(structure, bytes) \
	_Static_assert(sizeof(struct structure) == (bytes), #structure " has another size")

static inline int call(int session, unsigned long request, void *argument)
{
	return ioctl(session, request, argument) < 0 ? -errno : 0;
}

/* A name that is too long must not become another, shorter one. */
static inline bool set_name(char to[REFSLAB_NAME_MAX], const char *from)
{
	size_t length = from ? strlen(from) : 0;

	if (length >= REFSLAB_NAME_MAX)
		return false;
	memcpy(to, from ? from : "", length + 1);
	return true;
}

#endif
