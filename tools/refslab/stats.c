// SPDX-License-Identifier: GPL-2.0
/* refslab stats: what the sweeps of each heap have done, a line a generation. */
#include <errno.h>

#include "command.h"
#include "lister.h"
#include "sysfs.h"

enum {
	HEAP, GENERATION, RUNS, EXAMINED, FREED, UNFREED, ABORTS, TIME, LONGEST,
	COLUMNS
};

static const struct column columns[COLUMNS] = {
	[HEAP] = { "heap", COLUMN_TEXT },
	[GENERATION] = { "generation", COLUMN_NUMBER },
	[RUNS] = { "runs", COLUMN_NUMBER },
	[EXAMINED] = { "examined", COLUMN_NUMBER },
	[FREED] = { "freed", COLUMN_NUMBER },
	[UNFREED] = { "unfreed", COLUMN_NUMBER },
	[ABORTS] = { "aborts", COLUMN_NUMBER },
	[TIME] = { "time_ns", COLUMN_NUMBER },
	[LONGEST] = { "longest_ns", COLUMN_NUMBER },
};

static int add_heap(struct table *table, const char *heap)
{
	struct refslab_stats stats[REFSLAB_GENERATIONS];
	struct libscols_line *line;
	unsigned int generation;
	int err;

	/* All or nothing: a heap may go between two files. */
	for (generation = 0; generation < REFSLAB_GENERATIONS; generation++) {
		err = sysfs_stats(heap, generation, &stats[generation]);
		if (err)
			return err;
	}
	for (generation = 0; generation < REFSLAB_GENERATIONS; generation++) {
		line = table_line(table);
		table_text(table, line, HEAP, heap);
		table_number(table, line, GENERATION, generation);
		table_number(table, line, RUNS, stats[generation].runs);
		table_number(table, line, EXAMINED, stats[generation].examined);
		table_number(table, line, FREED, stats[generation].freed);
		table_number(table, line, UNFREED, stats[generation].unfreed);
		table_number(table, line, ABORTS, stats[generation].aborts);
		table_number(table, line, TIME, stats[generation].time_ns);
		table_number(table, line, LONGEST, stats[generation].longest_ns);
	}
	return 0;
}

static const struct lister lister = {
	.name = "stats",
	.columns = columns,
	.n = COLUMNS,
	.add = add_heap,
	.doc = "Prints what the sweeps of each heap, or of HEAP, have done: a line for "
		"each generation."
		"\v"
		"  runs            sweeps\n"
		"  examined        objects they looked at\n"
		"  freed           objects they freed: garbage cycles, and what only these\n"
		"                  reached\n"
		"  unfreed         objects that looked like garbage, were touched\n"
		"                  meanwhile and left to a later sweep\n"
		"  aborts          commits given up because an object was touched or looked up\n"
		"                  meanwhile\n"
		"  time_ns         nanoseconds they took\n"
		"  longest_ns      nanoseconds the longest one took",
};

int command_stats(int argc, char **argv)
{
	return lister_run(&lister, argc, argv);
}
