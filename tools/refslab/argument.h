/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers on the command line. */
#ifndef REFSLAB_ARGUMENT_H
#define REFSLAB_ARGUMENT_H

#include <argp.h>
#include <stdint.h>

/*
 * The decimal number that @arg is. If it is none, or not from @least to @most, the
 * program ends and says that it is not @what: "a number of events".
 */
uint64_t argument_number(struct argp_state *state, const char *arg,
			 const char *what, uint64_t least, uint64_t most);

/* The same of bytes, from 0, which may end in K, M or G: in one of @suffixes, "KMG". */
uint64_t argument_bytes(struct argp_state *state, const char *arg,
			const char *what, uint64_t most, const char *suffixes);

#endif
