/* SPDX-License-Identifier: GPL-2.0 */
/* What lists heaps: a table of all or of one, from the command line to the exit status. */
#ifndef REFSLAB_LISTER_H
#define REFSLAB_LISTER_H

#include "table.h"

struct lister {
	const char *name;	/* of the table in JSON */
	const struct column *columns;
	size_t n;
	const char *doc;	/* for --help, as argp has it */
	/* Adds the lines of one heap; 0 or a negative errno, and then none. */
	int (*add)(struct table *table, const char *heap);
};

/* Returns an exit status. */
int lister_run(const struct lister *lister, int argc, char **argv);

#endif
