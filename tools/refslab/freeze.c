// SPDX-License-Identifier: GPL-2.0
/* refslab freeze: put the objects of a heap out of its sweeps' sight, or back. */
#include <argp.h>
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "sysfs.h"
#include "table.h"

struct arguments {
	const char *heap;
	bool unfreeze, count, json;
};

static const struct argp_option options[] = {
	{ "unfreeze", 'u', NULL, 0,
	  "Make what is frozen candidates of the oldest generation", 0 },
	{ "count", 'c', NULL, 0, "Change nothing, only say how many are frozen", 0 },
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'u':
		arguments->unfreeze = true;
		return 0;
	case 'c':
		arguments->count = true;
		return 0;
	case 'j':
		arguments->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "more than one heap: '%s'", arg);
		arguments->heap = arg;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->heap)
			argp_error(state, "which heap?");
		if (arguments->unfreeze && arguments->count)
			argp_error(state, "--unfreeze or --count, not both");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "HEAP",
	.doc = "Freezes all objects with slots that HEAP has now, and prints how many "
		"are frozen then."
		"\v"
		"For what is built once and stays: sweeps spend no more time on it. What "
		"is frozen is still freed when its last reference goes, but a garbage "
		"cycle with a frozen object in it is not found. Objects made later are "
		"not frozen.",
};

static const struct column columns[] = {
	{ "heap", COLUMN_TEXT },
	{ "frozen", COLUMN_NUMBER },
};

int command_freeze(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct libscols_line *line;
	struct table table;
	int64_t frozen;
	int err = 0;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (sysfs_heap_check(arguments.heap))
		return EXIT_FAILURE;
	if (!arguments.count)
		err = sysfs_write(!arguments.unfreeze, "%s/frozen", arguments.heap);
	if (!err)
		err = sysfs_read(&frozen, "%s/frozen", arguments.heap);
	if (err) {
		warnx("heap %s: %s", arguments.heap, strerror(-err));
		return EXIT_FAILURE;
	}
	if (!arguments.json) {
		printf("%" PRId64 " objects are frozen\n", frozen);
		if (!fflush(stdout) && !ferror(stdout))
			return EXIT_SUCCESS;
		warnx("the output could not be written");
		return EXIT_FAILURE;
	}
	table_begin(&table, "freeze", columns, 2, true);
	line = table_line(&table);
	table_text(&table, line, 0, arguments.heap);
	table_number(&table, line, 1, frozen);
	return table_end(&table) ? EXIT_FAILURE : EXIT_SUCCESS;
}
