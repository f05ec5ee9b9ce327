// SPDX-License-Identifier: GPL-2.0
/* refslab collect: sweep a heap now. */
#include <argp.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "sysfs.h"
#include "table.h"

struct arguments {
	const char *heap;
	unsigned int generation;
	bool json;
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
		if (state->arg_num == 0) {
			arguments->heap = arg;
			return 0;
		}
		if (state->arg_num > 1)
			argp_error(state, "more than one generation: '%s'", arg);
		if (arg[0] < '0' || arg[0] >= '0' + REFSLAB_GENERATIONS || arg[1])
			argp_error(state, "'%s' is not a generation from 0 to %u",
				   arg, REFSLAB_GENERATIONS - 1);
		arguments->generation = arg[0] - '0';
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which heap?");
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "HEAP [GENERATION]",
	.doc = "Sweeps HEAP now, all generations up to GENERATION (2, so everything, "
		"if it is left out), and prints what the sweep did."
		"\v"
		"The numbers are what the statistics of that generation have grown by; "
		"a sweep that the heap starts by itself at the same time is in them.",
};

enum { HEAP, GENERATION, EXAMINED, FREED, UNFREED, TIME, COLUMNS };

static const struct column columns[COLUMNS] = {
	[HEAP] = { "heap", COLUMN_TEXT },
	[GENERATION] = { "generation", COLUMN_NUMBER },
	[EXAMINED] = { "examined", COLUMN_NUMBER },
	[FREED] = { "freed", COLUMN_NUMBER },
	[UNFREED] = { "unfreed", COLUMN_NUMBER },
	[TIME] = { "time_ns", COLUMN_NUMBER },
};

static int print(const struct arguments *arguments,
		 const struct refslab_stats *before,
		 const struct refslab_stats *after)
{
	struct libscols_line *line;
	struct table table;

	if (!arguments->json) {
		printf("examined %llu, freed %llu, left to a later sweep %llu, in %.3f ms\n",
		       after->examined - before->examined,
		       after->freed - before->freed,
		       after->unfreed - before->unfreed,
		       (after->time_ns - before->time_ns) / 1e6);
		return fflush(stdout);
	}
	table_begin(&table, "collect", columns, COLUMNS, true);
	line = table_line(&table);
	table_text(&table, line, HEAP, arguments->heap);
	table_number(&table, line, GENERATION, arguments->generation);
	table_number(&table, line, EXAMINED, after->examined - before->examined);
	table_number(&table, line, FREED, after->freed - before->freed);
	table_number(&table, line, UNFREED, after->unfreed - before->unfreed);
	table_number(&table, line, TIME, after->time_ns - before->time_ns);
	return table_end(&table);
}

int command_collect(int argc, char **argv)
{
	struct arguments arguments = { .generation = REFSLAB_GENERATIONS - 1 };
	struct refslab_stats before, after;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (sysfs_heap_check(arguments.heap))
		return EXIT_FAILURE;
	err = sysfs_stats(arguments.heap, arguments.generation, &before);
	if (!err)
		err = sysfs_write(arguments.generation, "%s/collect",
				  arguments.heap);
	if (!err)
		err = sysfs_stats(arguments.heap, arguments.generation, &after);
	if (err) {
		warnx("heap %s: %s", arguments.heap, strerror(-err));
		return EXIT_FAILURE;
	}
	if (print(&arguments, &before, &after))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
