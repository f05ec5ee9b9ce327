/* SPDX-License-Identifier: GPL-2.0 */
/* What the examples do about errors: say so, and end. */
#ifndef REFSLAB_EXAMPLE_H
#define REFSLAB_EXAMPLE_H

#include <err.h>
#include <stdlib.h>
#include <refslab.h>

#define must(call)	must_do(call, #call)

static inline int must_do(int result, const char *call)
{
	if (result < 0)
		errx(EXIT_FAILURE, "%s: %s", call, refslab_strerror(result));
	return result;
}

#endif
