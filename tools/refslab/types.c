// SPDX-License-Identifier: GPL-2.0
/* refslab types: a line for each type. */
#include <errno.h>

#include "command.h"
#include "lister.h"
#include "sysfs.h"

/* From SLOTS on, a column is called as its file. */
enum {
	HEAP, NAME, SLOTS, OBJECT_SIZE, SLAB_SIZE, ALIGN, ORDER, OBJS_PER_SLAB,
	SLABS, PARTIAL, OBJECTS, TOTAL_OBJECTS, MAGAZINE, COLUMNS
};

static const struct column columns[COLUMNS] = {
	[HEAP] = { "heap", COLUMN_TEXT },
	[NAME] = { "type", COLUMN_TEXT },
	[SLOTS] = { "slots", COLUMN_NUMBER },
	[OBJECT_SIZE] = { "object_size", COLUMN_NUMBER },
	[SLAB_SIZE] = { "slab_size", COLUMN_NUMBER },
	[ALIGN] = { "align", COLUMN_NUMBER },
	[ORDER] = { "order", COLUMN_NUMBER },
	[OBJS_PER_SLAB] = { "objs_per_slab", COLUMN_NUMBER },
	[SLABS] = { "slabs", COLUMN_NUMBER },
	[PARTIAL] = { "partial", COLUMN_NUMBER },
	[OBJECTS] = { "objects", COLUMN_NUMBER },
	[TOTAL_OBJECTS] = { "total_objects", COLUMN_NUMBER },
	[MAGAZINE] = { "magazine_size", COLUMN_NUMBER },
};

/* Adds the types of one heap. */
static int add_heap(struct table *table, const char *heap)
{
	int64_t value[COLUMNS];
	struct libscols_line *line;
	char **types, **type;
	int column, err;

	err = sysfs_names(&types, "%s/types", heap);
	if (err)
		return err;
	for (type = types; *type; type++) {
		for (column = SLOTS; column < COLUMNS && !err; column++)
			err = sysfs_read(&value[column], "%s/types/%s/%s", heap,
					 *type, columns[column].name);
		if (err == -ENOENT || err == -ENODEV) {
			/* It went, or the heap did. */
			err = 0;
			continue;
		}
		if (err)
			break;
		line = table_line(table);
		table_text(table, line, HEAP, heap);
		table_text(table, line, NAME, *type);
		for (column = SLOTS; column < COLUMNS; column++)
			table_number(table, line, column, value[column]);
	}
	sysfs_names_free(types);
	return err;
}

static const struct lister lister = {
	.name = "types",
	.columns = columns,
	.n = COLUMNS,
	.add = add_heap,
	.doc = "Prints a line for each type of each heap, or of HEAP."
		"\v"
		"  slots           slots of each object; a type without is a leaf type\n"
		"  object_size     bytes of an object: header, slots and payload\n"
		"  slab_size       bytes an object takes in its slab\n"
		"  align           every object begins at a multiple of this\n"
		"  order           pages of a slab, as a power of two\n"
		"  objs_per_slab   objects a slab holds\n"
		"  slabs, partial  slabs in use, and those of them with free objects\n"
		"  objects         objects alive\n"
		"  total_objects   objects all slabs hold, alive and free\n"
		"  magazine_size   free objects a processor keeps at hand",
};

int command_types(int argc, char **argv)
{
	return lister_run(&lister, argc, argv);
}
