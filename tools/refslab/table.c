// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "table.h"

void table_begin(struct table *table, const char *name,
		 const struct column *columns, size_t n, bool json)
{
	struct libscols_column *column;
	size_t i;

	*table = (struct table) { .columns = columns, .n = n, .json = json };
	table->scols = scols_new_table();
	if (!table->scols || scols_table_set_name(table->scols, name) ||
	    scols_table_enable_json(table->scols, json))
		errx(EXIT_FAILURE, "no memory for a table");
	for (i = 0; i < n; i++) {
		column = scols_table_new_column(table->scols, columns[i].name, 0,
						columns[i].kind == COLUMN_TEXT ?
						0 : SCOLS_FL_RIGHT);
		if (!column)
			errx(EXIT_FAILURE, "no memory for a table");
		if (columns[i].kind == COLUMN_BOOLEAN)
			scols_column_set_json_type(column, SCOLS_JSON_BOOLEAN);
		else if (columns[i].kind != COLUMN_TEXT)
			scols_column_set_json_type(column, SCOLS_JSON_NUMBER);
	}
}

struct libscols_line *table_line(struct table *table)
{
	struct libscols_line *line = scols_table_new_line(table->scols, NULL);

	if (!line)
		errx(EXIT_FAILURE, "no memory for a table");
	return line;
}

void table_text(struct table *table, struct libscols_line *line, size_t column,
		const char *text)
{
	(void)table;
	if (scols_line_set_data(line, column, text))
		errx(EXIT_FAILURE, "no memory for a table");
}

const char *bytes_text(char *text, size_t size, int64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double scaled = bytes;
	size_t unit = 0;

	while (scaled >= 1024 && unit < sizeof(units) - 2) {
		scaled /= 1024;
		unit++;
	}
	if (!unit)
		snprintf(text, size, "%" PRId64, bytes);
	else if (scaled == (int64_t)scaled)
		snprintf(text, size, "%.0f%c", scaled, units[unit]);
	else
		snprintf(text, size, "%.1f%c", scaled, units[unit]);
	return text;
}

void table_number(struct table *table, struct libscols_line *line,
		  size_t column, int64_t value)
{
	char text[32];

	if (table->columns[column].kind == COLUMN_BOOLEAN && !table->json)
		table_text(table, line, column, value ? "on" : "off");
	else if (table->columns[column].kind == COLUMN_BYTES && !table->json)
		table_text(table, line, column,
			   bytes_text(text, sizeof(text), value));
	else {
		snprintf(text, sizeof(text), "%" PRId64, value);
		table_text(table, line, column, text);
	}
}

int table_end(struct table *table)
{
	int err = scols_print_table(table->scols);

	/* libsmartcols ends JSON, but not a table, with a newline. */
	scols_unref_table(table->scols);
	if (!err && (fflush(stdout) || ferror(stdout)))
		err = errno ? -errno : -EIO;
	if (err)
		warnx("the output could not be written");
	return err;
}
