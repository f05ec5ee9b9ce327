// SPDX-License-Identifier: GPL-2.0
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lister.h"
#include "sysfs.h"

struct arguments {
	bool json;
	const char *heap;	/* NULL for all */
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
		if (state->arg_num)
			argp_error(state, "more than one heap: '%s'", arg);
		arguments->heap = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int lister_run(const struct lister *lister, int argc, char **argv)
{
	const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "[HEAP]",
		.doc = lister->doc,
	};
	struct arguments arguments = { 0 };
	int status = EXIT_SUCCESS, err;
	struct table table;
	char **heaps, **heap;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (sysfs_heaps(&heaps, arguments.heap))
		return EXIT_FAILURE;
	table_begin(&table, lister->name, lister->columns, lister->n, arguments.json);
	for (heap = heaps; *heap; heap++) {
		err = lister->add(&table, *heap);
		/* A heap that goes while all are listed is no fault. */
		if ((err == -ENOENT || err == -ENODEV) && !arguments.heap)
			continue;
		if (err) {
			warnx("heap %s: %s", *heap, strerror(-err));
			status = EXIT_FAILURE;
		}
	}
	sysfs_names_free(heaps);
	if (table_end(&table))
		status = EXIT_FAILURE;
	return status;
}
