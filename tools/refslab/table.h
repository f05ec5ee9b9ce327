/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of numbers, for people or as JSON. A thin cover over libsmartcols
 * that ends the program when there is no memory for a table.
 */
#ifndef REFSLAB_TABLE_H
#define REFSLAB_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libsmartcols/libsmartcols.h>

enum column_kind { COLUMN_TEXT, COLUMN_NUMBER, COLUMN_BYTES, COLUMN_BOOLEAN };

struct column {
	const char *name;	/* the heading, and the key in JSON */
	enum column_kind kind;
};

struct table {
	struct libscols_table *scols;
	const struct column *columns;
	size_t n;
	bool json;
};

void table_begin(struct table *table, const char *name,
		 const struct column *columns, size_t n, bool json);
struct libscols_line *table_line(struct table *table);
void table_text(struct table *table, struct libscols_line *line, size_t column,
		const char *text);
/* Bytes are printed exactly in JSON, and as 1.5M for people. */
void table_number(struct table *table, struct libscols_line *line,
		  size_t column, int64_t value);
/* Prints the table and frees it. Returns 0 or a negative errno. */
int table_end(struct table *table);

/* "1.5M"; exact below 1024. */
const char *bytes_text(char *text, size_t size, int64_t bytes);

#endif
