// SPDX-License-Identifier: GPL-2.0
/* refslab top: heaps and types as they change. */
#include <argp.h>
#include <curses.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "argument.h"
#include "command.h"
#include "progress.h"
#include "view.h"

#define DELAY_MIN	0.1	/* seconds */
#define DELAY_MAX	86400
#define BATCH_COLUMNS	80
#define PAGE		10	/* lines that Page Up and Page Down scroll */

struct arguments {
	const char *heap;
	bool batch, json;
	double delay;		/* seconds */
	uint64_t times;		/* samples to show, 0 for no end */
	enum view_sort sort;
	bool reverse;
};

struct top {
	const struct arguments *arguments;
	struct view view;
	struct sample sample;
	int row;		/* where the next line of the screen goes */
	bool help;
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

static const struct argp_option options[] = {
	{ "batch", 'b', NULL, 0, "Print to standard output, one sample after the other", 0 },
	{ "iterations", 'n', "N", 0, "End after N samples", 0 },
	{ "delay", 'd', "SECONDS", 0, "From one sample to the next, and before the first (default 2)", 0 },
	{ "sort", 's', "KEY", 0,
	  "Order: objects (default), bytes, change, sweeps, freed, busy or name", 0 },
	{ "reverse", 'r', NULL, 0, "The other way round", 0 },
	{ "json", 'j', NULL, 0, "As -b, with a line of JSON for each sample", 0 },
	{ 0 }
};

static void parse_sort(struct argp_state *state, const char *name)
{
	struct arguments *arguments = state->input;
	unsigned int sort;

	for (sort = 0; sort < SORTS; sort++) {
		if (!strcmp(name, view_sort_names[sort])) {
			arguments->sort = sort;
			return;
		}
	}
	argp_error(state, "'%s' is no order; see --help", name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	char *end;

	switch (key) {
	case 'b':
		arguments->batch = true;
		return 0;
	case 'j':
		arguments->batch = arguments->json = true;
		return 0;
	case 'r':
		arguments->reverse = true;
		return 0;
	case 's':
		parse_sort(state, arg);
		return 0;
	case 'n':
		arguments->times = argument_number(state, arg, "a number of samples",
						   1, UINT64_MAX);
		return 0;
	case 'd':
		arguments->delay = strtod(arg, &end);
		if (end == arg || *end || !(arguments->delay >= DELAY_MIN) ||
		    arguments->delay > DELAY_MAX)
			argp_error(state, "'%s' is not a number of seconds from %.1f to %d",
				   arg, DELAY_MIN, DELAY_MAX);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "more than one heap: '%s'", arg);
		arguments->heap = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[HEAP]",
	.doc = "Shows the heaps, or HEAP, and their types as they change, until `q' is "
		"typed."
		"\v"
		"  +-/S     objects more or less, a second\n"
		"  SWEEP/S, FREED/S  sweeps, and objects they freed, a second\n"
		"  BUSY     part of the time that the heap was swept\n"
		"  USE      objects alive, of those that the slabs have room for\n"
		"  SIZE     bytes an object takes in its slab\n"
		"Last sweeps are those that ended between two samples: the sum of those "
		"of the oldest generation among them.\n\n"
		"Keys: o b c s f u n sort by objects, bytes, change, sweeps, freed, busy, "
		"name; r reverses that; Tab chooses whether the arrow keys, Page Up, Page "
		"Down and Home scroll heaps or types; Space samples at once; h helps; q "
		"quits.\n\n"
		"Batch mode waits before the first sample as well, so that it has rates.",
};

/* Takes the place of the last sample; 0 or a negative errno. */
static int take(struct top *top)
{
	struct sample before = top->sample, now;
	struct view by_name = { .sort = SORT_NAME };
	int err = sample_take(&now, top->arguments->heap);

	if (err)
		return err;
	if (before.ns) {
		view_sort(&by_name, &before);
		sample_compare(&now, &before);
	}
	sample_free(&before);
	view_sort(&top->view, &now);
	top->sample = now;
	return 0;
}

/* --- batch --- */

static void print_line(void *data, enum view_style style, const char *line)
{
	(void)data;
	(void)style;
	puts(line);
}

/* A signal ends it early. */
static void pause_for(double seconds)
{
	struct timespec left = {
		.tv_sec = seconds,
		.tv_nsec = fmod(seconds, 1) * 1e9,
	};

	nanosleep(&left, NULL);
}

static bool print(struct top *top)
{
	json_t *json;

	if (!top->arguments->json) {
		view_show(&top->view, &top->sample);
		putchar('\n');
	} else {
		json = view_json(&top->sample);
		json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
		putchar('\n');
		json_decref(json);
	}
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	warn("the output could not be written");
	return false;
}

static int batch(struct top *top)
{
	const struct arguments *arguments = top->arguments;
	const char *columns = getenv("COLUMNS");
	uint64_t i;

	top->view.columns = columns ? strtoul(columns, NULL, 10) : 0;
	if (!top->view.columns)
		top->view.columns = BATCH_COLUMNS;
	top->view.put = print_line;
	for (i = 0; !arguments->times || i < arguments->times; i++) {
		pause_for(arguments->delay);
		if (stop)
			return EXIT_INTERRUPTED;
		if (take(top) || !print(top))
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* --- on a terminal --- */

static void draw_line(void *data, enum view_style style, const char *line)
{
	static const attr_t attributes[] = {
		[STYLE_PLAIN] = A_NORMAL,
		[STYLE_TITLE] = A_BOLD,
		[STYLE_HEADING] = A_REVERSE,
		[STYLE_ACTIVE] = A_REVERSE | A_BOLD,
	};
	struct top *top = data;

	if (top->row >= LINES)
		return;
	attrset(attributes[style]);
	if (style == STYLE_HEADING || style == STYLE_ACTIVE)
		mvhline(top->row, 0, ' ', COLS);
	mvaddnstr(top->row++, 0, line, COLS);
	attrset(A_NORMAL);
}

static void draw_help(struct top *top)
{
	static const char *const lines[] = {
		"refslab top: keys",
		"",
		"  o  sort by objects         s  by sweeps a second",
		"  b  by bytes                f  by objects freed by sweeps a second",
		"  c  by change of objects    u  by how busy the sweeps are",
		"  n  by name                 r  the other way round",
		"",
		"  Tab                        the arrow keys scroll heaps, or types",
		"  Up, Down, PgUp, PgDn, Home scroll",
		"  Space                      take a sample at once",
		"  h, ?                       this page, and back",
		"  q                          quit",
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		draw_line(top, i ? STYLE_PLAIN : STYLE_TITLE, lines[i]);
}

static void draw(struct top *top)
{
	erase();
	top->row = 0;
	top->view.rows = LINES;
	top->view.columns = COLS;
	if (top->help)
		draw_help(top);
	else
		view_show(&top->view, &top->sample);
	refresh();
}

static void scroll_by(struct top *top, int lines)
{
	size_t *first = &top->view.first[top->view.active];

	/* The end is corrected where it is known, when the lines are shown. */
	if (lines < 0 && *first < (size_t)-lines)
		*first = 0;
	else
		*first += lines;
}

static void sort_by(struct top *top, enum view_sort sort)
{
	top->view.sort = sort;
	view_sort(&top->view, &top->sample);
}

/* Returns false for what is no key of ours. */
static bool on_key(struct top *top, int key, uint64_t *next)
{
	static const char keys[SORTS + 1] = {
		[SORT_OBJECTS] = 'o', [SORT_BYTES] = 'b', [SORT_CHANGE] = 'c',
		[SORT_SWEEPS] = 's', [SORT_FREED] = 'f', [SORT_BUSY] = 'u',
		[SORT_NAME] = 'n',
	};
	const char *sort = key > 0 && key < 128 ? strchr(keys, key) : NULL;

	if (sort) {
		sort_by(top, sort - keys);
		return true;
	}
	switch (key) {
	case 'q':
		stop = 1;
		return true;
	case 'h':
	case '?':
		top->help = !top->help;
		return true;
	case 'r':
		top->view.reverse = !top->view.reverse;
		view_sort(&top->view, &top->sample);
		return true;
	case ' ':
		*next = now_ns();
		return true;
	case '\t':
		top->view.active = !top->view.active;
		return true;
	case KEY_UP:
		scroll_by(top, -1);
		return true;
	case KEY_DOWN:
		scroll_by(top, 1);
		return true;
	case KEY_PPAGE:
		scroll_by(top, -PAGE);
		return true;
	case KEY_NPAGE:
		scroll_by(top, PAGE);
		return true;
	case KEY_HOME:
		top->view.first[top->view.active] = 0;
		return true;
	case KEY_RESIZE:
		return true;
	}
	return false;
}

/* Shows samples until the user or a signal ends it; 0 or a negative errno. */
static int watch_keys(struct top *top)
{
	const struct arguments *arguments = top->arguments;
	uint64_t shown = 0, now, next = now_ns();
	int key, err;

	for (;;) {
		now = now_ns();
		if (now >= next) {
			if (arguments->times && shown == arguments->times)
				return 0;
			err = take(top);
			if (err)
				return err;
			shown++;
			next = now + arguments->delay * 1e9;
		}
		draw(top);
		/* A timeout of 0 would not wait for the last fraction. */
		timeout((next - now) / 1000000 + 1);
		key = getch();
		if (key != ERR && !on_key(top, key, &next))
			beep();
		if (stop)
			return 0;
	}
}

static int interactive(struct top *top)
{
	SCREEN *screen;
	int err;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		warnx("this is no terminal; -b prints to a file or pipe");
		return EXIT_FAILURE;
	}
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		warnx("the terminal '%s' is not known; -b needs none",
		      getenv("TERM") ? getenv("TERM") : "");
		return EXIT_FAILURE;
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	top->view.put = draw_line;
	top->view.data = top;
	err = watch_keys(top);
	endwin();
	delscreen(screen);
	if (!err)
		return EXIT_SUCCESS;
	/* What was said before is gone with the screen. */
	warnx("%s: %s", top->arguments->heap ? top->arguments->heap : "the heaps",
	      strerror(-err));
	return EXIT_FAILURE;
}

int command_top(int argc, char **argv)
{
	struct arguments arguments = { .delay = 2 };
	struct top top = { .arguments = &arguments };
	struct sigaction action = { .sa_handler = on_signal };
	int status = EXIT_FAILURE;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	top.view.sort = arguments.sort;
	top.view.reverse = arguments.reverse;
	top.view.active = PANE_TYPES;
	/* Complaints come before the terminal changes. */
	if (!take(&top)) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
		status = arguments.batch ? batch(&top) : interactive(&top);
	}
	sample_free(&top.sample);
	return status;
}
