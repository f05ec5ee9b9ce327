// SPDX-License-Identifier: GPL-2.0
/* refslab status: a line for each heap. */
#include <errno.h>

#include "command.h"
#include "lister.h"
#include "sysfs.h"

enum {
	NAME, OBJECTS, BYTES, CACHED, LIMIT, ENABLED, COUNT0, COUNT1, COUNT2,
	SWEEPS, FREED, COLUMNS
};

static const struct column columns[COLUMNS] = {
	[NAME] = { "heap", COLUMN_TEXT },
	[OBJECTS] = { "objects", COLUMN_NUMBER },
	[BYTES] = { "bytes", COLUMN_BYTES },
	[CACHED] = { "cached", COLUMN_BYTES },
	[LIMIT] = { "limit", COLUMN_BYTES },
	[ENABLED] = { "enabled", COLUMN_BOOLEAN },
	[COUNT0] = { "count0", COLUMN_NUMBER },
	[COUNT1] = { "count1", COLUMN_NUMBER },
	[COUNT2] = { "count2", COLUMN_NUMBER },
	[SWEEPS] = { "sweeps", COLUMN_NUMBER },
	[FREED] = { "freed", COLUMN_NUMBER },
};

static const struct {
	int column;
	const char *file;
} files[] = {
	{ OBJECTS, "objects" },
	{ BYTES, "pool/bytes" },
	{ CACHED, "pool/cached" },
	{ LIMIT, "pool/limit" },
	{ ENABLED, "enabled" },
	{ COUNT0, "count0" },
	{ COUNT1, "count1" },
	{ COUNT2, "count2" },
};

static int read_heap(const char *heap, int64_t value[COLUMNS])
{
	struct refslab_stats stats;
	unsigned int generation;
	size_t i;
	int err;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		err = sysfs_read(&value[files[i].column], "%s/%s", heap,
				 files[i].file);
		if (err)
			return err;
	}
	value[SWEEPS] = value[FREED] = 0;
	for (generation = 0; generation < REFSLAB_GENERATIONS; generation++) {
		err = sysfs_stats(heap, generation, &stats);
		if (err)
			return err;
		value[SWEEPS] += stats.runs;
		value[FREED] += stats.freed;
	}
	return 0;
}

static int add_heap(struct table *table, const char *heap)
{
	int64_t value[COLUMNS];
	struct libscols_line *line;
	int column, err;

	err = read_heap(heap, value);
	if (err)
		return err;
	line = table_line(table);
	table_text(table, line, NAME, heap);
	for (column = NAME + 1; column < COLUMNS; column++)
		table_number(table, line, column, value[column]);
	return 0;
}

static const struct lister lister = {
	.name = "heaps",
	.columns = columns,
	.n = COLUMNS,
	.add = add_heap,
	.doc = "Prints a line for each heap, or for HEAP."
		"\v"
		"  objects         objects alive\n"
		"  bytes           bytes the heap's pool holds\n"
		"  cached          of these, in empty chunks ready for use\n"
		"  limit           most bytes it may hold\n"
		"  enabled         whether it sweeps by itself\n"
		"  count0          allocations minus frees since the last sweep\n"
		"  count1, count2  sweeps of the next younger generation since the\n"
		"                  last one of this\n"
		"  sweeps, freed   sweeps of all generations, and what they freed",
};

int command_status(int argc, char **argv)
{
	return lister_run(&lister, argc, argv);
}
