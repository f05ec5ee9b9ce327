// SPDX-License-Identifier: GPL-2.0
/* refslab thresholds: read and set when a heap sweeps by itself. */
#include <argp.h>
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "argument.h"
#include "command.h"
#include "sysfs.h"
#include "table.h"

struct arguments {
	bool verb, set, json;
	const char *heap;
	int64_t threshold[REFSLAB_GENERATIONS];
	unsigned int given;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'j':
		arguments->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!arguments->heap && !arguments->verb &&
		    (!strcmp(arg, "get") || !strcmp(arg, "set"))) {
			arguments->verb = true;
			arguments->set = arg[0] == 's';
			return 0;
		}
		if (!arguments->heap) {
			arguments->heap = arg;
			return 0;
		}
		if (arguments->given == REFSLAB_GENERATIONS)
			argp_error(state, "more than three thresholds: '%s'", arg);
		arguments->threshold[arguments->given++] =
			argument_number(state, arg, "a threshold", 0, UINT32_MAX);
		return 0;
	case ARGP_KEY_END:
		if (!arguments->heap)
			argp_error(state, "which heap?");
		if (arguments->set && arguments->given != REFSLAB_GENERATIONS)
			argp_error(state, "three thresholds are needed to set them");
		if (!arguments->set && arguments->given)
			argp_error(state, "thresholds without 'set'");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[get] HEAP\nset HEAP T0 T1 T2",
	.doc = "Prints the three thresholds of HEAP, or sets them.\n\n"
		"A heap called `get' or `set' needs the word before it: "
		"`thresholds get set'."
		"\v"
		"T0: a sweep of generation 0 starts when allocations minus frees since "
		"the last one are more than this; 0 for never. T1: after more than so "
		"many sweeps of generation 0, one of generation 1 runs instead. T2: "
		"likewise of generation 1 and 2. When one of the three is refused, the "
		"others are put back.",
};

static int read_all(const char *heap, int64_t threshold[REFSLAB_GENERATIONS])
{
	int err = 0;
	unsigned int i;

	for (i = 0; i < REFSLAB_GENERATIONS && !err; i++)
		err = sysfs_read(&threshold[i], "%s/threshold%u", heap, i);
	return err;
}

static int set_all(const char *heap,
		   const int64_t threshold[REFSLAB_GENERATIONS])
{
	int64_t before[REFSLAB_GENERATIONS];
	unsigned int i;
	int err;

	err = read_all(heap, before);
	if (err)
		return err;
	for (i = 0; i < REFSLAB_GENERATIONS; i++) {
		err = sysfs_write(threshold[i], "%s/threshold%u", heap, i);
		if (err)
			break;
	}
	if (err)
		while (i--)
			sysfs_write(before[i], "%s/threshold%u", heap, i);
	return err;
}

static const struct column columns[] = {
	{ "heap", COLUMN_TEXT },
	{ "threshold0", COLUMN_NUMBER },
	{ "threshold1", COLUMN_NUMBER },
	{ "threshold2", COLUMN_NUMBER },
};

static int print(const struct arguments *arguments, const int64_t *threshold)
{
	struct libscols_line *line;
	struct table table;
	unsigned int i;

	if (!arguments->json) {
		printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", threshold[0],
		       threshold[1], threshold[2]);
		return fflush(stdout);
	}
	table_begin(&table, "thresholds", columns, 1 + REFSLAB_GENERATIONS, true);
	line = table_line(&table);
	table_text(&table, line, 0, arguments->heap);
	for (i = 0; i < REFSLAB_GENERATIONS; i++)
		table_number(&table, line, 1 + i, threshold[i]);
	return table_end(&table);
}

int command_thresholds(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	int64_t threshold[REFSLAB_GENERATIONS];
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (sysfs_heap_check(arguments.heap))
		return EXIT_FAILURE;
	if (arguments.set)
		err = set_all(arguments.heap, arguments.threshold);
	else
		err = read_all(arguments.heap, threshold);
	if (err) {
		warnx("the thresholds of heap %s: %s", arguments.heap,
		      strerror(-err));
		return EXIT_FAILURE;
	}
	if (!arguments.set && print(&arguments, threshold))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
