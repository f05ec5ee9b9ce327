// SPDX-License-Identifier: GPL-2.0
/*
 * refslab replay: builds a graph as objects of a heap of its own, lets go of
 * all of them but the roots, and tells what the counts and the sweeper freed.
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <refslab.h>

#include "argument.h"
#include "command.h"
#include "edge_list.h"
#include "join.h"
#include "printable.h"
#include "progress.h"
#include "replay.h"
#include "table.h"

#define PAYLOAD_DEFAULT	32
#define SAMPLE		1024	/* nodes whose payload and count are looked at */
#define SETTLE_NS	10000000000ull	/* how long a deferred release may take */

/* Types by slots: none, 1, 2, 4, ... REFSLAB_SLOTS_MAX. */
#define CLASSES		12
_Static_assert(1 << (CLASSES - 2) == REFSLAB_SLOTS_MAX,
	       "the last class has REFSLAB_SLOTS_MAX slots");

struct arguments {
	const char *command;	/* ours, for messages */
	const char *file, *name;
	const char *offer;	/* the socket where others get at the heap */
	const char **root;
	unsigned int roots;
	uint64_t limit;
	uint32_t payload;
	uint32_t threshold[REFSLAB_GENERATIONS];
	bool thresholds, no_sweep, json, hold;
	replay_use *use;	/* what to do in place of a report */
	void *data;
};

struct replay {
	const struct arguments *arguments;
	struct graph graph;
	struct graph_fate fate;	/* what must happen */
	bool *root;
	uint64_t *handle;
	uint32_t type[CLASSES];
	int fd;
	bool wrong;		/* the heap did what it must not */

	struct refslab_heap_info empty, full, released, end;
	struct refslab_collect collect;
	uint64_t auto_runs, auto_freed;
	uint64_t build_ns, release_ns, collect_ns;
};

volatile int replay_stop;

static void on_signal(int signal)
{
	(void)signal;
	replay_stop = 1;
}

enum { OPTION_PAYLOAD = 256, OPTION_LIMIT, OPTION_THRESHOLDS, OPTION_NO_SWEEP,
	OPTION_HOLD, OPTION_OFFER };

static const struct argp_option options[] = {
	{ "root", 'r', "NAME", 0, "Keep the handle of this node; may be repeated", 0 },
	{ "payload", OPTION_PAYLOAD, "BYTES", 0,
	  "Payload of each object; it holds the node's name (default 32)", 0 },
	{ "limit", OPTION_LIMIT, "BYTES", 0,
	  "Limit of the heap; K, M or G may follow (default: the module's)", 0 },
	{ "thresholds", OPTION_THRESHOLDS, "T0,T1,T2", 0,
	  "Let the heap sweep by itself, with these thresholds (default: it does "
	  "not, so that counts and sweeper can be told apart)", 0 },
	{ "name", 'n', "HEAP", 0, "Name of the heap in sysfs", 0 },
	{ "no-sweep", OPTION_NO_SWEEP, NULL, 0,
	  "Do not collect after the handles are closed", 0 },
	{ "hold", OPTION_HOLD, NULL, 0,
	  "Keep the heap after the report until SIGINT or SIGTERM", 0 },
	{ "offer", OPTION_OFFER, "PATH", 0,
	  "Likewise, and offer the heap, to be looked at, on this UNIX socket: "
	  "graph and watch take --socket=PATH", 0 },
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

static void parse_thresholds(struct argp_state *state,
			     struct arguments *arguments, char *arg)
{
	char *number, *rest = arg;
	unsigned int i;

	for (i = 0; i < REFSLAB_GENERATIONS; i++) {
		number = strsep(&rest, ",");
		if (!number)
			argp_error(state, "--thresholds wants three numbers");
		arguments->threshold[i] = argument_number(state, number, "a threshold",
							  0, UINT32_MAX);
	}
	if (rest)
		argp_error(state, "--thresholds wants three numbers");
	arguments->thresholds = true;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'r':
		arguments->root = reallocarray(arguments->root,
					       arguments->roots + 1,
					       sizeof(*arguments->root));
		if (!arguments->root)
			argp_failure(state, EXIT_FAILURE, ENOMEM, "--root");
		arguments->root[arguments->roots++] = arg;
		return 0;
	case OPTION_PAYLOAD:
		arguments->payload = argument_bytes(state, arg, "a size of payloads",
						    REFSLAB_PAYLOAD_MAX, "K");
		if (!arguments->payload)
			argp_error(state, "--payload must not be 0: an object without edges would be empty");
		return 0;
	case OPTION_LIMIT:
		arguments->limit = argument_bytes(state, arg, "a limit",
						  INT64_MAX, "KMG");
		return 0;
	case OPTION_THRESHOLDS:
		parse_thresholds(state, arguments, arg);
		return 0;
	case 'n':
		if (strlen(arg) >= REFSLAB_NAME_MAX)
			argp_error(state, "--name: '%s' is longer than %u bytes",
				   arg, REFSLAB_NAME_MAX - 1);
		arguments->name = arg;
		return 0;
	case OPTION_NO_SWEEP:
		arguments->no_sweep = true;
		return 0;
	case OPTION_OFFER:
		arguments->offer = arg;
		/* fall through */
	case OPTION_HOLD:
		arguments->hold = true;
		return 0;
	case 'j':
		arguments->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "more than one file: '%s'", arg);
		arguments->file = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which file? ('-' for standard input)");
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE",
	.doc = "Reads a directed graph, builds it in a heap of its own with an object "
		"for each node and a filled slot for each edge, closes all handles but "
		"those of the roots, and tells what the counts freed at once and what "
		"a sweep of generation 2 freed after that."
		"\v"
		"FILE has a line `SOURCE TARGET' for each edge, or a lone `NODE' for a "
		"node without any. Names are separated by white space and have at most "
		"255 bytes; `#' at the beginning of a word starts a comment; `-' is "
		"standard input. The same edge twice is two edges, and a node may "
		"refer to itself. A node refers to at most 1024 others. If any line is "
		"wrong, nothing is built.\n\n"
		"A node's object is of the type whose number of slots is the next power "
		"of two; nodes that refer to nothing are of a leaf type. Its payload "
		"holds the node's name, cut to fit, and a sample is read back and "
		"compared before the handles are closed, roots also afterwards.\n\n"
		"The result is checked against what the graph says must happen: what a "
		"root reaches stays; of the rest, counts free what nothing refers to "
		"any more, again and again; a cycle, and what hangs from it, is left to "
		"the sweeper. If the heap did otherwise the exit status is 2. With "
		"--thresholds sweeps run between, and only the sum is checked.",
};

static bool failed(const char *what, int err)
{
	/* Ctrl-C is not a failure; whoever sees replay_stop says so once. */
	if (err == -EINTR && replay_stop)
		return false;
	warnx("%s: %s", what, refslab_strerror(err));
	return false;
}

static void __attribute__((format(printf, 2, 3)))
wrong(struct replay *replay, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "refslab %s: WRONG: ", replay->arguments->command);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	replay->wrong = true;
}

static unsigned int class_of(uint64_t outdegree)
{
	unsigned int class;

	if (!outdegree)
		return 0;
	for (class = 1; 1u << (class - 1) < outdegree; class++)
		;
	return class;
}

static bool find_roots(struct replay *replay)
{
	const struct arguments *arguments = replay->arguments;
	const struct graph *graph = &replay->graph;
	bool good = true;
	unsigned int i;
	uint32_t node;

	replay->root = calloc((size_t)graph->nodes + 1, sizeof(*replay->root));
	if (!replay->root)
		return failed("roots", -ENOMEM);
	for (i = 0; i < arguments->roots; i++) {
		if (graph_find(graph, arguments->root[i], &node)) {
			replay->root[node] = true;
		} else {
			fprintf(stderr, "%s: the root '%s' is no node of this graph\n",
				graph->file, printable(arguments->root[i]));
			good = false;
		}
	}
	for (node = 0; node < graph->nodes; node++) {
		if (graph_outdegree(graph, node) > REFSLAB_SLOTS_MAX) {
			fprintf(stderr, "%s: the node '%s' refers to %" PRIu64 " others; an object has at most %u slots\n",
				graph->file, printable(graph->name[node]),
				graph_outdegree(graph, node), REFSLAB_SLOTS_MAX);
			good = false;
		}
	}
	return good;
}

/* Only the types that the graph needs. */
static bool make_types(struct replay *replay)
{
	bool used[CLASSES] = { false };
	unsigned int class, slots;
	char name[REFSLAB_NAME_MAX];
	uint32_t node;
	int err;

	for (node = 0; node < replay->graph.nodes; node++)
		used[class_of(graph_outdegree(&replay->graph, node))] = true;
	for (class = 0; class < CLASSES; class++) {
		if (!used[class])
			continue;
		slots = class ? 1u << (class - 1) : 0;
		if (class)
			snprintf(name, sizeof(name), "node-%u", slots);
		else
			snprintf(name, sizeof(name), "leaf");
		err = refslab_type_create(replay->fd, name, slots,
					  replay->arguments->payload, 0,
					  &replay->type[class]);
		if (err)
			return failed("making a type", err);
	}
	return true;
}

static bool make_heap(struct replay *replay)
{
	const struct arguments *arguments = replay->arguments;
	int err;

	replay->fd = open_session(0);
	if (replay->fd < 0)
		return false;
	err = refslab_heap_create(replay->fd, arguments->name, arguments->limit);
	if (err)
		return failed("making the heap", err);
	if (arguments->thresholds) {
		err = refslab_thresholds_set(replay->fd, arguments->threshold);
		if (err)
			return failed("setting the thresholds", err);
	}
	err = refslab_enable_set(replay->fd, arguments->thresholds);
	if (err)
		return failed("switching automatic sweeps", err);
	if (!make_types(replay))
		return false;
	err = refslab_heap_info(replay->fd, &replay->empty);
	if (err)
		return failed("looking at the heap", err);
	if (replay->graph.nodes > replay->empty.handles_max) {
		warnx("%s: %u nodes, but a session has at most %llu handles",
		      replay->graph.file, replay->graph.nodes,
		      replay->empty.handles_max);
		return false;
	}
	return true;
}

/* What the payload of a node begins with. */
static uint32_t name_bytes(const struct replay *replay, uint32_t node)
{
	size_t length = strlen(replay->graph.name[node]) + 1;
	uint32_t payload = replay->arguments->payload;

	return length < payload ? length : payload;
}

static bool make_objects(struct replay *replay)
{
	const struct graph *graph = &replay->graph;
	uint32_t node;
	int err;

	progress_begin("making objects", graph->nodes);
	for (node = 0; node < graph->nodes && !replay_stop; node++) {
		err = refslab_alloc(replay->fd,
				    replay->type[class_of(graph_outdegree(graph, node))],
				    &replay->handle[node]);
		if (err)
			return failed("making an object", err);
		err = refslab_write(replay->fd, replay->handle[node], 0,
				    graph->name[node], name_bytes(replay, node));
		if (err)
			return failed("writing an object", err);
		progress_at(node);
	}
	progress_end();
	return !replay_stop;
}

static bool make_edges(struct replay *replay)
{
	const struct graph *graph = &replay->graph;
	uint32_t node;
	uint64_t edge;
	int err;

	progress_begin("filling slots", graph->edges);
	for (node = 0; node < graph->nodes; node++) {
		for (edge = graph->first[node];
		     edge < graph->first[node + 1] && !replay_stop; edge++) {
			err = refslab_slot_set(replay->fd, replay->handle[node],
					       edge - graph->first[node],
					       replay->handle[graph->target[edge]]);
			if (err)
				return failed("filling a slot", err);
			progress_at(edge);
		}
	}
	progress_end();
	return !replay_stop;
}

/* Reads a node back. @counted: one handle and all its edges are all it has. */
static bool check_node(struct replay *replay, uint32_t node, bool counted)
{
	const struct graph *graph = &replay->graph;
	char payload[GRAPH_NAME_MAX + 1];
	uint32_t length = name_bytes(replay, node);
	struct refslab_object_info info;
	int err;

	err = refslab_read(replay->fd, replay->handle[node], 0, payload, length);
	if (!err)
		err = refslab_object_info(replay->fd, replay->handle[node], &info);
	if (err)
		return failed("reading an object back", err);
	if (memcmp(payload, graph->name[node], length))
		wrong(replay, "the object of '%s' holds something else",
		      printable(graph->name[node]));
	if (counted && info.count != graph->indegree[node] + 1ull)
		wrong(replay, "the object of '%s' has a count of %llu, not %u",
		      printable(graph->name[node]), info.count, graph->indegree[node] + 1);
	return true;
}

static bool build(struct replay *replay)
{
	const struct graph *graph = &replay->graph;
	uint32_t node, step = graph->nodes / SAMPLE + 1;
	uint64_t begin = now_ns();
	int err;

	if (!make_objects(replay) || !make_edges(replay))
		return false;
	replay->build_ns = now_ns() - begin;
	for (node = 0; node < graph->nodes; node += step)
		if (!check_node(replay, node, true))
			return false;
	err = refslab_heap_info(replay->fd, &replay->full);
	if (err)
		return failed("looking at the heap", err);
	if (replay->full.objects != graph->nodes)
		wrong(replay, "%llu objects were made of %u nodes",
		      replay->full.objects, graph->nodes);
	return true;
}

/*
 * A long release goes on in the background, so the number of objects is waited
 * for: until it is what it must be, or for ten seconds.
 */
static bool settle(struct replay *replay, uint64_t objects,
		   struct refslab_heap_info *info)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t begin = now_ns();
	int err;

	for (;;) {
		err = refslab_heap_info(replay->fd, info);
		if (err)
			return failed("looking at the heap", err);
		if (info->objects <= objects || now_ns() - begin > SETTLE_NS)
			return !replay_stop;
		nanosleep(&pause, NULL);
		if (replay_stop)
			return false;
	}
}

static bool let_go(struct replay *replay)
{
	const struct graph *graph = &replay->graph;
	uint64_t begin = now_ns();
	uint32_t node;
	int err;

	progress_begin("closing handles", graph->nodes);
	for (node = 0; node < graph->nodes && !replay_stop; node++) {
		progress_at(node);
		if (replay->root[node])
			continue;
		err = refslab_close(replay->fd, replay->handle[node]);
		if (err)
			return failed("closing a handle", err);
	}
	progress_end();
	if (replay_stop || !settle(replay, replay->fate.kept + replay->fate.swept,
			    &replay->released))
		return false;
	replay->release_ns = now_ns() - begin;
	return true;
}

static bool sweep_totals(struct replay *replay, uint64_t *runs, uint64_t *freed)
{
	struct refslab_stats stats;
	unsigned int generation;
	int err;

	*runs = *freed = 0;
	for (generation = 0; generation < REFSLAB_GENERATIONS; generation++) {
		err = refslab_stats(replay->fd, generation, &stats);
		if (err)
			return failed("reading statistics", err);
		*runs += stats.runs;
		*freed += stats.freed;
	}
	return true;
}

static bool collect(struct replay *replay)
{
	uint64_t begin;
	int err;

	if (!sweep_totals(replay, &replay->auto_runs, &replay->auto_freed))
		return false;
	if (replay->arguments->no_sweep) {
		replay->end = replay->released;
		return true;
	}
	begin = now_ns();
	err = refslab_collect(replay->fd, 2, &replay->collect);
	if (err)
		return failed("sweeping", err);
	if (!settle(replay, replay->fate.kept, &replay->end))
		return false;
	replay->collect_ns = now_ns() - begin;
	return true;
}

static bool check(struct replay *replay)
{
	const struct arguments *arguments = replay->arguments;
	const struct graph_fate *fate = &replay->fate;
	uint64_t by_count = replay->full.objects - replay->released.objects;
	uint64_t by_sweep = replay->released.objects - replay->end.objects;
	uint32_t node;

	if (!arguments->thresholds && by_count != fate->counted)
		wrong(replay, "the counts freed %" PRIu64 " objects, not %u",
		      by_count, fate->counted);
	if (!arguments->thresholds && !arguments->no_sweep &&
	    by_sweep != fate->swept)
		wrong(replay, "the sweep freed %" PRIu64 " objects, not %u",
		      by_sweep, fate->swept);
	if (!arguments->no_sweep && replay->end.objects != fate->kept)
		wrong(replay, "%llu objects are left, not %u",
		      replay->end.objects, fate->kept);
	if (!arguments->thresholds && replay->auto_runs)
		wrong(replay, "%" PRIu64 " sweeps ran by themselves",
		      replay->auto_runs);
	for (node = 0; node < replay->graph.nodes; node++)
		if (replay->root[node] && !check_node(replay, node, false))
			return false;
	return true;
}

enum {
	NODES, EDGES, ROOTS, OBJECTS, BYTES_EMPTY, BYTES_FULL, BUILD_NS,
	BY_COUNT, RELEASE_NS, AUTO_SWEEPS, AUTO_FREED, BY_SWEEP, EXAMINED,
	SWEEP_NS, LEFT, BYTES_END, CACHED_END, RIGHT, RESULTS
};

static const struct column results[RESULTS] = {
	[NODES] = { "nodes", COLUMN_NUMBER },
	[EDGES] = { "edges", COLUMN_NUMBER },
	[ROOTS] = { "roots", COLUMN_NUMBER },
	[OBJECTS] = { "objects", COLUMN_NUMBER },
	[BYTES_EMPTY] = { "bytes_before", COLUMN_BYTES },
	[BYTES_FULL] = { "bytes_built", COLUMN_BYTES },
	[BUILD_NS] = { "build_ns", COLUMN_NUMBER },
	[BY_COUNT] = { "freed_by_counts", COLUMN_NUMBER },
	[RELEASE_NS] = { "release_ns", COLUMN_NUMBER },
	[AUTO_SWEEPS] = { "automatic_sweeps", COLUMN_NUMBER },
	[AUTO_FREED] = { "automatic_freed", COLUMN_NUMBER },
	[BY_SWEEP] = { "freed_by_sweep", COLUMN_NUMBER },
	[EXAMINED] = { "examined", COLUMN_NUMBER },
	[SWEEP_NS] = { "sweep_ns", COLUMN_NUMBER },
	[LEFT] = { "left", COLUMN_NUMBER },
	[BYTES_END] = { "bytes_after", COLUMN_BYTES },
	[CACHED_END] = { "cached_after", COLUMN_BYTES },
	[RIGHT] = { "right", COLUMN_BOOLEAN },
};

static void print_text(const struct replay *replay, const int64_t *value)
{
	const struct arguments *arguments = replay->arguments;
	char before[32], built[32], after[32], cached[32];

	printf("graph         %" PRId64 " nodes, %" PRId64 " edges, %" PRId64 " roots\n",
	       value[NODES], value[EDGES], value[ROOTS]);
	printf("built         %" PRId64 " objects in %.3f ms\n", value[OBJECTS],
	       value[BUILD_NS] / 1e6);
	printf("let go        %" PRId64 " freed by %s in %.3f ms\n",
	       value[BY_COUNT],
	       arguments->thresholds ? "counts and automatic sweeps" : "the counts at once",
	       value[RELEASE_NS] / 1e6);
	if (arguments->thresholds)
		printf("by itself     %" PRId64 " sweeps, %" PRId64 " freed by them\n",
		       value[AUTO_SWEEPS], value[AUTO_FREED]);
	if (!arguments->no_sweep)
		printf("swept         %" PRId64 " freed, %" PRId64 " examined in %.3f ms\n",
		       value[BY_SWEEP], value[EXAMINED], value[SWEEP_NS] / 1e6);
	printf("left          %" PRId64 " objects\n", value[LEFT]);
	printf("pool          %s before, %s built, %s after (%s of it cached)\n",
	       bytes_text(before, sizeof(before), value[BYTES_EMPTY]),
	       bytes_text(built, sizeof(built), value[BYTES_FULL]),
	       bytes_text(after, sizeof(after), value[BYTES_END]),
	       bytes_text(cached, sizeof(cached), value[CACHED_END]));
	printf("numbers       %s\n", value[RIGHT] ? "as they must be" : "WRONG");
}

static bool report(const struct replay *replay)
{
	int64_t value[RESULTS] = {
		[NODES] = replay->graph.nodes,
		[EDGES] = replay->graph.edges,
		[OBJECTS] = replay->full.objects,
		[BYTES_EMPTY] = replay->empty.bytes,
		[BYTES_FULL] = replay->full.bytes,
		[BUILD_NS] = replay->build_ns,
		[BY_COUNT] = replay->full.objects - replay->released.objects,
		[RELEASE_NS] = replay->release_ns,
		[AUTO_SWEEPS] = replay->auto_runs,
		[AUTO_FREED] = replay->auto_freed,
		[BY_SWEEP] = replay->released.objects - replay->end.objects,
		[EXAMINED] = replay->collect.examined,
		[SWEEP_NS] = replay->collect_ns,
		[LEFT] = replay->end.objects,
		[BYTES_END] = replay->end.bytes,
		[CACHED_END] = replay->end.cached,
		[RIGHT] = !replay->wrong,
	};
	struct libscols_line *line;
	struct table table;
	uint32_t node;
	int column;

	for (node = 0; node < replay->graph.nodes; node++)
		value[ROOTS] += replay->root[node];
	if (!replay->arguments->json) {
		print_text(replay, value);
		return !fflush(stdout);
	}
	table_begin(&table, "replay", results, RESULTS, true);
	line = table_line(&table);
	for (column = 0; column < RESULTS; column++)
		table_number(&table, line, column, value[column]);
	return !table_end(&table);
}

/* Until a signal comes. @offer: where others ask for invitations, or negative. */
static void hold(const struct replay *replay, int offer)
{
	static const struct timespec rest = { .tv_nsec = 100000000 };
	struct pollfd asked = { .fd = offer, .events = POLLIN };
	sigset_t signals, before;

	fprintf(stderr, "refslab replay: holding the heap %s until SIGINT or SIGTERM\n",
		replay->end.name);
	/* Looking at the flag and waiting must be one step. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	while (!replay_stop)
		if (ppoll(&asked, 1, NULL, &before) > 0 &&
		    refslab_offer_serve(offer, replay->fd, REFSLAB_READ_ONLY, 0) < 0)
			/* Who cannot be served is gone, or waits still: not all the time. */
			ppoll(NULL, 0, &rest, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static bool hold_and_offer(const struct replay *replay, const char *path)
{
	refslab_auto_fd offer = refslab_offer(path);

	if (offer < 0) {
		warnx("%s: %s", path, strerror(-offer));
		return false;
	}
	hold(replay, offer);
	unlink(path);
	return true;
}

static int run(struct replay *replay)
{
	const struct arguments *arguments = replay->arguments;
	int status = EXIT_SUCCESS;

	if (!graph_read(&replay->graph, arguments->file, &replay_stop) ||
	    !find_roots(replay))
		return EXIT_FAILURE;
	replay->handle = calloc((size_t)replay->graph.nodes + 1,
				sizeof(*replay->handle));
	if (!replay->handle ||
	    !graph_predict(&replay->graph, replay->root, &replay->fate)) {
		failed(replay->graph.file, -ENOMEM);
		return EXIT_FAILURE;
	}
	if (!make_heap(replay) || !build(replay) || !let_go(replay) ||
	    !collect(replay) || !check(replay))
		return EXIT_FAILURE;
	if (arguments->use)
		status = arguments->use(replay->fd, arguments->data);
	else if (!report(replay))
		return EXIT_FAILURE;
	if (arguments->offer && !hold_and_offer(replay, arguments->offer))
		return EXIT_FAILURE;
	if (arguments->hold && !arguments->offer)
		hold(replay, -1);
	return replay->wrong ? EXIT_MISMATCH : status;
}

void replay_catch(void)
{
	/* Without SA_RESTART a blocked read of standard input ends, too. */
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int replay_status(const char *command, int status)
{
	progress_end();
	if (!replay_stop || status != EXIT_FAILURE)
		return status;
	fprintf(stderr, "refslab %s: interrupted\n", command);
	return EXIT_INTERRUPTED;
}

static int start(const struct arguments *arguments)
{
	struct replay replay = { .arguments = arguments, .fd = -1 };
	int status;

	replay_catch();
	status = replay_status(arguments->command, run(&replay));
	/* The heap goes with its session. */
	if (replay.fd >= 0)
		close(replay.fd);
	graph_free(&replay.graph);
	free(replay.root);
	free(replay.handle);
	return status;
}

int replay_for(const struct replay_source *source, replay_use *use, void *data)
{
	const struct arguments arguments = {
		.command = source->command,
		.file = source->file,
		.root = source->root,
		.roots = source->roots,
		.no_sweep = !source->sweep,
		.payload = PAYLOAD_DEFAULT,
		.use = use,
		.data = data,
	};

	return start(&arguments);
}

int command_replay(int argc, char **argv)
{
	struct arguments arguments = {
		.command = "replay",
		.payload = PAYLOAD_DEFAULT,
	};
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	status = start(&arguments);
	free(arguments.root);
	return status;
}
