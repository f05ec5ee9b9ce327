// SPDX-License-Identifier: GPL-2.0
#include "heap_arguments.h"

const struct argp_option heap_arguments_options[] = {
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

error_t heap_arguments_parse(int key, char *arg, struct argp_state *state)
{
	struct heap_arguments *arguments = state->input;

	switch (key) {
	case 'j':
		arguments->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "more than one heap: '%s'", arg);
		arguments->heap = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}
