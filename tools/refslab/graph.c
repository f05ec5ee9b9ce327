// SPDX-License-Identifier: GPL-2.0
/* refslab graph: the objects of a heap as a drawing. */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "argument.h"
#include "command.h"
#include <refslab.h>
#include "draw.h"
#include "join.h"
#include "progress.h"
#include "replay.h"
#include "walk.h"

#define MAX_DEFAULT	1000
#define MAX_MOST	100000000
#define SHELL_NOT_FOUND	127	/* exit status for a command that is not there */

struct arguments {
	struct replay_source source;
	struct join_arguments join;
	const char *output;
	uint32_t max;
	bool svg, json, numbers;
};

enum { OPTION_MAX = 256, OPTION_SVG, OPTION_SWEEP, OPTION_NUMBERS };

static const struct argp_option options[] = {
	{ "max", OPTION_MAX, "N", 0, "At most so many objects (default 1000)", 0 },
	{ "numbers", OPTION_NUMBERS, NULL, 0,
	  "Call objects by type and number, whatever they hold", 0 },
	{ "output", 'o', "FILE", 0, "Write there, not to standard output", 0 },
	{ "svg", OPTION_SVG, NULL, 0, "Print SVG, by graphviz's `dot'", 0 },
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ "root", 'r', "NAME", 0, "Keep the handle of this node of FILE; may be repeated", 0 },
	{ "sweep", OPTION_SWEEP, NULL, 0, "Sweep first", 0 },
	{ 0 }
};

static void add_root(struct argp_state *state, const char *name)
{
	struct replay_source *source = &((struct arguments *)state->input)->source;

	source->root = reallocarray(source->root, source->roots + 1,
				    sizeof(*source->root));
	if (!source->root)
		argp_failure(state, EXIT_FAILURE, ENOMEM, "--root");
	source->root[source->roots++] = name;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case OPTION_MAX:
		arguments->max = argument_number(state, arg, "a number of objects",
						 1, MAX_MOST);
		return 0;
	case OPTION_NUMBERS:
		arguments->numbers = true;
		return 0;
	case OPTION_SVG:
		arguments->svg = true;
		return 0;
	case OPTION_SWEEP:
		arguments->source.sweep = true;
		return 0;
	case 'j':
		arguments->json = true;
		return 0;
	case 'o':
		arguments->output = arg;
		return 0;
	case 'r':
		add_root(state, arg);
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->join;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "more than one file: '%s'", arg);
		arguments->source.file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->source.file == !arguments->join.given)
			argp_error(state, "which heap? A file's, or one by --fd or --socket");
		if (arguments->source.roots && !arguments->source.file)
			argp_error(state, "--root is for a file's heap");
		if (arguments->svg && arguments->json)
			argp_error(state, "--svg or --json, not both");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &join_argp, 0, "A running program's heap, in place of FILE:", 0 },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.args_doc = "FILE\n--fd=FD\n--socket=PATH",
	.doc = "Draws the objects of a heap and what they refer to, as text for graphviz: "
		"of a running program's heap, or of one that is built of FILE, as by `refslab "
		"replay', with what is left in it when all handles but the roots' have been "
		"closed, before or after a sweep."
		"\v"
		"A box is an object; it says what text its payload begins with, else type "
		"and number. What is in a cycle has the cycle's colour. A double border: "
		"references from outside, a handle for example, hold it. A dashed border: "
		"nothing that is held reaches it, so a sweep will free it. A name without "
		"a border is a root, which the heap holds.\n\n"
		"A heap that changes meanwhile is drawn as it was, part by part, at "
		"different times.\n\n"
		"When there are more objects than --max, "
		"nothing is said of what is held and what is garbage.",
};

static bool write_all(const struct arguments *arguments, FILE *to,
		      const struct walk *walk, const char *heap)
{
	bool good = true;

	if (arguments->json)
		good = draw_json(to, walk, heap);
	else
		draw_dot(to, walk, heap);
	if (good && !fflush(to) && !ferror(to))
		return true;
	warnx("the output could not be written");
	return false;
}

/* graphviz writes to our standard output. */
static bool write_svg(const struct arguments *arguments, const struct walk *walk,
		      const char *heap)
{
	FILE *dot = popen("exec dot -Tsvg", "we");
	bool good;
	int status;

	if (!dot) {
		warn("running dot");
		return false;
	}
	draw_dot(dot, walk, heap);
	good = !fflush(dot) && !ferror(dot);
	status = pclose(dot);
	if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) || !good) {
		if (WIFEXITED(status) && WEXITSTATUS(status) == SHELL_NOT_FOUND)
			warnx("SVG is made by 'dot', which is not here; it is in the package graphviz");
		else
			warnx("'dot' failed");
		if (arguments->output)
			unlink(arguments->output);
		return false;
	}
	return true;
}

static int draw(const struct arguments *arguments, int session, const char *heap)
{
	struct walk walk;
	bool good;

	good = walk_heap(&walk, session, arguments->max, arguments->numbers, &replay_stop);
	if (good && arguments->output && !freopen(arguments->output, "we", stdout)) {
		warn("%s", arguments->output);
		good = false;
	}
	if (good && arguments->svg)
		good = write_svg(arguments, &walk, heap);
	else if (good)
		good = write_all(arguments, stdout, &walk, heap);
	if (good && !walk.complete)
		fprintf(stderr, "refslab graph: there are more objects than the %u that are shown; see --max\n",
			arguments->max);
	walk_free(&walk);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int draw_session(int session, void *data)
{
	struct refslab_heap_info info;
	int err = refslab_heap_info(session, &info);

	if (!err)
		return draw(data, session, info.name);
	warnx("looking at the heap: %s", refslab_strerror(err));
	return EXIT_FAILURE;
}

static int draw_joined(struct arguments *arguments)
{
	refslab_auto_fd session = join_session(&arguments->join, 0);
	struct refslab_collect sweep;
	int err = 0;

	if (session < 0)
		return EXIT_FAILURE;
	if (arguments->source.sweep)
		err = refslab_collect(session, 2, &sweep);
	if (err) {
		warnx("sweeping: %s", refslab_strerror(err));
		return EXIT_FAILURE;
	}
	replay_catch();
	return replay_status("graph", draw_session(session, arguments));
}

int command_graph(int argc, char **argv)
{
	struct arguments arguments = {
		.source.command = "graph",
		.max = MAX_DEFAULT,
	};
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	/* A dot that is not there must not end us before we can say so. */
	signal(SIGPIPE, SIG_IGN);
	if (arguments.join.given)
		status = draw_joined(&arguments);
	else
		status = replay_for(&arguments.source, draw_session, &arguments);
	free(arguments.source.root);
	return status;
}
