// SPDX-License-Identifier: GPL-2.0
/* refslab: looks at, tunes and tries out the heaps of the refslab module. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "sysfs.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "status", command_status },
	{ "types", command_types },
	{ "stats", command_stats },
	{ "thresholds", command_thresholds },
	{ "collect", command_collect },
	{ "freeze", command_freeze },
	{ "top", command_top },
	{ "watch", command_watch },
	{ "replay", command_replay },
	{ "graph", command_graph },
};

/* There is one version, the module's; the command only talks to it. */
static void print_version(FILE *to, struct argp_state *state)
{
	char path[4096], version[64] = "";
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/version", sysfs_root());
	file = fopen(path, "re");
	if (file) {
		if (!fgets(version, sizeof(version), file))
			version[0] = '\0';
		fclose(file);
		version[strcspn(version, "\n")] = '\0';
	}
	if (version[0])
		fprintf(to, "refslab, module version %s\n", version);
	else
		fprintf(to, "refslab, module not loaded\n");
}

void (*argp_program_version_hook)(FILE *, struct argp_state *) = print_version;

/* The sub-command and what follows it are its own to parse. */
struct rest {
	int argc;
	char **argv;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct rest *rest = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_ARG:
		rest->argc = state->argc - state->next + 1;
		rest->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Looks at, tunes and tries out the object heaps of the refslab "
		"kernel module.\n\n"
		"  status [HEAP]           heaps, their memory and their sweeps\n"
		"  types [HEAP]            the types in them, their slabs and objects\n"
		"  stats [HEAP]            what the sweeps of each generation have done\n"
		"  top [HEAP]              heaps and types as they change\n"
		"  watch [HEAP]            sweeps and other events as they come\n"
		"  thresholds [get] HEAP   print the three thresholds of a heap\n"
		"  thresholds set HEAP T0 T1 T2\n"
		"                          set them\n"
		"  collect HEAP [GENERATION]\n"
		"                          sweep now, and say what it did\n"
		"  freeze HEAP             put objects out of the sweeps' sight, or back\n"
		"  replay FILE             build a graph as objects, let go of it, and\n"
		"                          say what was freed, and how\n"
		"  graph FILE              draw the objects that such a graph leaves, or\n"
		"                          those of a running program's heap\n\n"
		"`refslab COMMAND --help' says more of each."
		"\v"
		"Heaps are read and tuned through /sys/kernel/refslab (or where "
		"REFSLAB_SYSFS in the environment says); only replay, graph, and watch "
		"of a running program's heap open /dev/refslab. Numbers of bytes are exact with --json, and rounded "
		"for people without it.\n\n"
		"Exit status: 0 all is well; 1 it could not be done; 2 a replay was "
		"done and the numbers are wrong; 64 the command line is wrong; 130 "
		"interrupted.",
};

int main(int argc, char **argv)
{
	struct rest rest = { 0 };
	char *name;
	size_t i;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &rest);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(rest.argv[0], commands[i].name))
			continue;
		/* So that messages and --help show the whole name. */
		if (asprintf(&name, "refslab %s", commands[i].name) < 0)
			return EXIT_FAILURE;
		rest.argv[0] = name;
		return commands[i].run(rest.argc, rest.argv);
	}
	fprintf(stderr, "refslab: no command is called '%s'; see refslab --help\n",
		rest.argv[0]);
	return EX_USAGE;
}
