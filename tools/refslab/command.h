/* SPDX-License-Identifier: GPL-2.0 */
/* The sub-commands. Each takes its own name as argv[0] and returns an exit status. */
#ifndef REFSLAB_COMMAND_H
#define REFSLAB_COMMAND_H

int command_collect(int argc, char **argv);
int command_freeze(int argc, char **argv);
int command_graph(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_stats(int argc, char **argv);
int command_status(int argc, char **argv);
int command_thresholds(int argc, char **argv);
int command_top(int argc, char **argv);
int command_types(int argc, char **argv);
int command_watch(int argc, char **argv);

/* Exit statuses beside EXIT_SUCCESS, EXIT_FAILURE and argp's EX_USAGE. */
#define EXIT_MISMATCH		2	/* the heap did not do what it must */
#define EXIT_INTERRUPTED	130	/* as a shell has it for SIGINT */

#endif
