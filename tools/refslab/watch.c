// SPDX-License-Identifier: GPL-2.0
/* refslab watch: what happens in heaps, as it happens. */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <refslab.h>

#include "argument.h"
#include "command.h"
#include "happening.h"
#include "join.h"
#include "session_events.h"
#include "sysfs.h"
#include "trace.h"

struct arguments {
	struct join_arguments join;
	const char *heap;
	const char **event;	/* of tracefs, without refslab_ */
	size_t events;
	uint64_t times;		/* events to show, 0 for no end */
	bool deaths, json;
};

struct watch {
	const struct arguments *arguments;
	uint64_t shown;
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

static const struct argp_option options[] = {
	{ "deaths", 'd', NULL, 0, "Watch also for the deaths of the objects that there are "
	  "at the beginning, in a running program's heap", 0 },
	{ "event", 'e', "EVENT", 0,
	  "Watch for this tracepoint (alloc, free, slab_create, ...; default: sweep_start "
	  "and sweep_end); may be repeated", 0 },
	{ "events", 'n', "N", 0, "End after N events", 0 },
	{ "json", 'j', NULL, 0, "Print a line of JSON for each event", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->join;
		return 0;
	case 'd':
		arguments->deaths = true;
		return 0;
	case 'e':
		arguments->event = reallocarray(arguments->event,
						arguments->events + 1,
						sizeof(*arguments->event));
		if (!arguments->event)
			argp_failure(state, EXIT_FAILURE, ENOMEM, "--event");
		arguments->event[arguments->events++] = arg;
		return 0;
	case 'n':
		arguments->times = argument_number(state, arg, "a number of events",
						   1, UINT64_MAX);
		return 0;
	case 'j':
		arguments->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "more than one heap: '%s'", arg);
		arguments->heap = arg;
		return 0;
	case ARGP_KEY_END:
		if (arguments->join.given && arguments->heap)
			argp_error(state, "one heap, by its name, --fd or --socket");
		if (arguments->join.given && arguments->events)
			argp_error(state, "--event is for tracepoints, and --fd and --socket do without");
		if (arguments->deaths && !arguments->join.given)
			argp_error(state, "--deaths is for a heap by --fd or --socket");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &join_argp, 0, "Without tracepoints, the sweeps of a running program's heap:", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.args_doc = "[HEAP]\n--fd=FD\n--socket=PATH",
	.doc = "Prints the sweeps of all heaps, or of HEAP, as they begin and end, from "
		"the kernel's tracepoints, which takes root; or of a running program's heap, "
		"from a session of it. Ends with SIGINT, SIGTERM or after N events."
		"\v"
		"Each line has the time by CLOCK_MONOTONIC in seconds, what happened, in "
		"which heap, and figures by the names that `refslab stats' explains. "
		"`lost' says that events came faster than they were read. `weak_dead' "
		"is the death of an object, whose type and number follow.\n\n"
		"A running program's heap is kept while it is watched.",
};

/* Returns false when that was the last one, or cannot be told. */
static bool show(void *data, json_t *happening)
{
	struct watch *watch = data;
	const struct arguments *arguments = watch->arguments;

	happening_print(happening, arguments->json);
	json_decref(happening);
	if (fflush(stdout) || ferror(stdout)) {
		warnx("the output could not be written");
		stop = 1;
		return false;
	}
	watch->shown++;
	return !arguments->times || watch->shown < arguments->times;
}

/* From here on they come while we wait and not else, so that none is missed. */
static void hold_signals(sigset_t *before)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t signals;
	size_t i;

	sigemptyset(&signals);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&signals, ends[i]);
	sigprocmask(SIG_BLOCK, &signals, before);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		sigaction(ends[i], &action, NULL);
		sigdelset(before, ends[i]);
	}
}

/* Waits until there is something to read; false when a signal ends that. */
static bool wait_for(int fd, const sigset_t *signals)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	const struct timespec at_once = { 0 };

	/* Where there is something to read ppoll(2) lets none in, and there may always be. */
	ppoll(NULL, 0, &at_once, signals);
	while (!stop) {
		if (ppoll(&pollfd, 1, NULL, signals) > 0)
			return true;
		if (errno != EINTR) {
			warn("waiting for events");
			return false;
		}
	}
	return false;
}

static int watch_trace(struct watch *watch)
{
	static const char *const sweeps[] = { "sweep_start", "sweep_end" };
	const struct arguments *arguments = watch->arguments;
	struct trace trace;
	sigset_t signals;
	bool more = true;
	int err;

	if (arguments->heap && sysfs_heap_check(arguments->heap))
		return EXIT_FAILURE;
	/* What is set up in tracefs is to be taken down then as well. */
	hold_signals(&signals);
	if (arguments->events)
		err = trace_begin(&trace, arguments->event, arguments->events,
				  arguments->heap);
	else
		err = trace_begin(&trace, sweeps, 2, arguments->heap);
	while (!err && more && wait_for(trace.fd, &signals))
		err = trace_read(&trace, show, watch, &more);
	trace_end(&trace);
	if (!err)
		return EXIT_SUCCESS;
	if (err != -ECANCELED)
		warnx("reading events: %s", strerror(-err));
	return EXIT_FAILURE;
}

static int watch_session(struct watch *watch)
{
	refslab_auto_fd session = join_session(&watch->arguments->join, O_NONBLOCK);
	struct session_events events;
	bool more = true, good;
	sigset_t signals;

	if (session < 0)
		return EXIT_FAILURE;
	good = session_events_begin(&events, session, watch->arguments->deaths);
	/* Until now, which is as long as others like, nothing had to be taken down. */
	hold_signals(&signals);
	while (good && more && wait_for(session, &signals))
		good = session_events_read(&events, show, watch, &more);
	session_events_end(&events);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_watch(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct watch watch = { .arguments = &arguments };
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	/* Who reads no more ends it by an error, and what is set up is taken down. */
	signal(SIGPIPE, SIG_IGN);
	status = arguments.join.given ? watch_session(&watch) : watch_trace(&watch);
	free(arguments.event);
	return status;
}
