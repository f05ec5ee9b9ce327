/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events of the module's tracepoints, by an instance of tracefs of our own, so
 * that nobody else's tracing is disturbed. REFSLAB_TRACEFS in the environment
 * names another place for tracefs.
 */
#ifndef REFSLAB_TRACE_H
#define REFSLAB_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

struct trace {
	char *instance;		/* its directory */
	int fd;			/* its trace_pipe, to be waited for */
	char text[8192];	/* read and not yet a whole line */
	size_t length;
};

/*
 * Begins to trace events of these names, which are without "refslab_", of all
 * heaps or of one. Returns 0 or, after saying what is wrong, -ECANCELED;
 * trace_end() is to be called either way.
 */
int trace_begin(struct trace *trace, const char *const *events, size_t n, const char *heap);
/*
 * Reads what is there and gives each event to @show, which owns it then, until
 * that returns false and so sets *@more. Returns 0 or a negative errno.
 */
int trace_read(struct trace *trace, bool (*show)(void *data, json_t *happening),
	       void *data, bool *more);
void trace_end(struct trace *trace);

#endif
