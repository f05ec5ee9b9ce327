// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "argument.h"

/* strtoull() would take a sign and what is too large as well. */
static bool number_of(const char *arg, uint64_t *number, char **end)
{
	errno = 0;
	*number = strtoull(arg, end, 10);
	return !errno && arg[0] >= '0' && arg[0] <= '9';
}

uint64_t argument_number(struct argp_state *state, const char *arg,
			 const char *what, uint64_t least, uint64_t most)
{
	uint64_t number;
	char *end;

	if (!number_of(arg, &number, &end) || *end || number < least || number > most)
		argp_error(state, "'%s' is not %s from %" PRIu64 " to %" PRIu64,
			   arg, what, least, most);
	return number;
}

uint64_t argument_bytes(struct argp_state *state, const char *arg,
			const char *what, uint64_t most, const char *suffixes)
{
	unsigned int shift = 0;
	const char *suffix;
	uint64_t number;
	bool is_number;
	char *end;

	is_number = number_of(arg, &number, &end);
	suffix = is_number && *end ? strchr(suffixes, *end) : NULL;
	if (suffix) {
		shift = 10 * (suffix - suffixes + 1);
		end++;
	}
	if (!is_number || *end || number > most >> shift)
		argp_error(state, "'%s' is not %s from 0 to %" PRIu64, arg, what, most);
	return number << shift;
}
