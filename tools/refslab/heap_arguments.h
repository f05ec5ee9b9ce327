/* SPDX-License-Identifier: GPL-2.0 */
/* The command line of what lists heaps: --json and [HEAP]. */
#ifndef REFSLAB_HEAP_ARGUMENTS_H
#define REFSLAB_HEAP_ARGUMENTS_H

#include <argp.h>
#include <stdbool.h>

struct heap_arguments {
	bool json;
	const char *heap;	/* NULL for all */
};

extern const struct argp_option heap_arguments_options[];
/* With a struct heap_arguments as input. */
error_t heap_arguments_parse(int key, char *arg, struct argp_state *state);

#endif
