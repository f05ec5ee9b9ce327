/* SPDX-License-Identifier: GPL-2.0 */
/* What a replay built, for others to use while it is there. */
#ifndef REFSLAB_REPLAY_H
#define REFSLAB_REPLAY_H

#include <stdbool.h>

/* What is done with the session @fd of the heap; returns an exit status. */
typedef int replay_use(int fd, void *data);

struct replay_source {
	const char *command;	/* the sub-command's name, for messages */
	const char *file;
	const char **root;
	unsigned int roots;
	bool sweep;
};

/* Becomes non-zero at SIGINT or SIGTERM while a replay is under way. */
extern volatile int replay_stop;

/*
 * The same without a replay: from now on; and the exit status of what was done
 * then, if that failed because it was stopped.
 */
void replay_catch(void);
int replay_status(const char *command, int status);

/* Builds the graph, lets go of all but the roots, and calls @use in place of a report. */
int replay_for(const struct replay_source *source, replay_use *use, void *data);

#endif
