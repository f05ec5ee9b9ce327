// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "happening.h"
#include "trace.h"

#define PREFIX	": refslab_"
#define NAME	16	/* the field of a line that a task's name is in */

static const char *root(void)
{
	const char *place = getenv("REFSLAB_TRACEFS");

	return place && *place ? place : "/sys/kernel/tracing";
}

/* Writes a line to a file of the instance; 0 or a negative errno. */
static int __attribute__((format(printf, 3, 4)))
put(const struct trace *trace, const char *text, const char *format, ...)
{
	va_list arguments;
	char *name, *path;
	int err = 0, fd;
	ssize_t length = strlen(text);

	va_start(arguments, format);
	if (vasprintf(&name, format, arguments) < 0)
		name = NULL;
	va_end(arguments);
	if (!name || asprintf(&path, "%s/%s", trace->instance, name) < 0) {
		free(name);
		return -ENOMEM;
	}
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		err = -errno;
	else if (write(fd, text, length) != length)
		err = errno ? -errno : -EIO;
	if (fd >= 0)
		close(fd);
	free(name);
	free(path);
	return err;
}

static int cannot(const char *what, const char *name, int err)
{
	warnx("%s%s%s: %s", what, name ? " " : "", name ? name : "", strerror(-err));
	return -ECANCELED;
}

static int make_instance(struct trace *trace)
{
	char *directory;
	int err = 0;

	if (asprintf(&directory, "%s/instances/refslab-%d", root(), getpid()) < 0)
		return cannot(root(), NULL, -ENOMEM);
	if (mkdir(directory, 0700)) {
		err = -errno;
		if (err == -ENOENT)
			warnx("%s is no tracefs: is it mounted?", root());
		else if (err == -EACCES || err == -EPERM)
			warnx("%s: only root may trace", root());
		else
			cannot(directory, NULL, err);
		free(directory);
		return -ECANCELED;
	}
	trace->instance = directory;
	return 0;
}

static int enable(const struct trace *trace, const char *event, const char *heap)
{
	char filter[128];
	int err = 0;

	/* A name that leads elsewhere is none of ours. */
	if (!*event || strchr(event, '/')) {
		warnx("there is no event '%s'", event);
		return -ECANCELED;
	}
	if (heap) {
		snprintf(filter, sizeof(filter), "heap == \"%s\"", heap);
		err = put(trace, filter, "events/refslab/refslab_%s/filter", event);
	}
	if (!err)
		err = put(trace, "1", "events/refslab/refslab_%s/enable", event);
	if (err == -ENOENT) {
		warnx("there is no event '%s'; those there are: %s/events/refslab", event,
		      root());
		return -ECANCELED;
	}
	return err ? cannot("event", event, err) : 0;
}

int trace_begin(struct trace *trace, const char *const *events, size_t n, const char *heap)
{
	char *path;
	int err;
	size_t i;

	*trace = (struct trace) { .fd = -1 };
	err = make_instance(trace);
	if (err)
		return err;
	if (asprintf(&path, "%s/events/refslab", trace->instance) < 0)
		return cannot(trace->instance, NULL, -ENOMEM);
	err = access(path, F_OK);
	free(path);
	if (err) {
		warnx("%s/events/refslab is missing: the module is not loaded", root());
		return -ECANCELED;
	}
	/* CLOCK_MONOTONIC, which does not depend on the processor. */
	err = put(trace, "mono", "trace_clock");
	if (err)
		return cannot("trace_clock", NULL, err);
	for (i = 0; i < n; i++) {
		err = enable(trace, events[i], heap);
		if (err)
			return err;
	}
	if (asprintf(&path, "%s/trace_pipe", trace->instance) < 0)
		return cannot(trace->instance, NULL, -ENOMEM);
	trace->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	err = trace->fd < 0 ? cannot(path, NULL, -errno) : 0;
	free(path);
	return err;
}

void trace_end(struct trace *trace)
{
	if (trace->fd >= 0)
		close(trace->fd);
	if (trace->instance && rmdir(trace->instance))
		warn("%s", trace->instance);
	free(trace->instance);
	trace->instance = NULL;
}

/* All of the line: a task's name that begins as one has no room for its end. */
static bool says_lost(const char *line, unsigned long long *number)
{
	int end = 0;

	if (sscanf(line, "CPU:%*d [LOST %llu EVENTS]%n", number, &end) != 1) {
		*number = 0;
		sscanf(line, "CPU:%*d [LOST EVENTS]%n", &end);
	}
	return end && !line[end];
}

/*
 * A line is "task-pid [cpu] flags time: refslab_event: key=value ...". A task may
 * call itself what it likes, also with a newline in it, which makes two lines: what
 * looks like ours is behind the field for the name, and the last place that does,
 * for names of heaps and types have no colon.
 */
static json_t *parse(char *line)
{
	char *found = NULL, *next, *time, *event, *heap = NULL, *pair, *value, *rest, *end;
	unsigned long long lost;
	json_t *happening;
	long long number;

	if (says_lost(line, &lost)) {
		happening = happening_new(0, "lost", NULL);
		happening_number(happening, "lost", lost);
		return happening;
	}
	for (next = strstr(line, PREFIX); next; next = strstr(next + 1, PREFIX))
		found = next;
	if (!found || found < line + NAME)
		return NULL;
	*found = '\0';
	time = strrchr(line, ' ');
	event = found + strlen(PREFIX);
	rest = strstr(event, ": ");
	if (!time || !rest)
		return NULL;
	*rest = '\0';
	rest += 2;
	if (!strncmp(rest, "heap=", 5)) {
		heap = strsep(&rest, " ");
		heap += 5;
	}
	happening = happening_new(strtod(time, NULL), event, heap);
	while ((pair = strsep(&rest, " "))) {
		value = strchr(pair, '=');
		if (!value)
			continue;
		*value++ = '\0';
		errno = 0;
		number = strtoll(value, &end, 10);
		/* A type may be called 12; what is a name stays text. */
		if (!strcmp(pair, "type") || errno || end == value || *end)
			happening_text(happening, pair, value);
		else
			happening_number(happening, pair, number);
	}
	return happening;
}

int trace_read(struct trace *trace, bool (*show)(void *data, json_t *happening),
	       void *data, bool *more)
{
	char *begin = trace->text, *end;
	json_t *happening;
	ssize_t n;

	n = read(trace->fd, trace->text + trace->length,
		 sizeof(trace->text) - trace->length);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	/* A file in the place of a pipe has an end. */
	*more = n > 0;
	trace->length += n;
	while ((end = memchr(begin, '\n', trace->text + trace->length - begin))) {
		*end = '\0';
		happening = parse(begin);
		begin = end + 1;
		if (happening && !show(data, happening)) {
			*more = false;
			break;
		}
	}
	trace->length -= begin - trace->text;
	/* No line of ours is that long. */
	if (trace->length == sizeof(trace->text))
		trace->length = 0;
	memmove(trace->text, begin, trace->length);
	return 0;
}
