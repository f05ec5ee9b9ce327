/* SPDX-License-Identifier: GPL-2.0 */
/* A running program's heap: the options that name it, and the way into it. */
#ifndef REFSLAB_JOIN_H
#define REFSLAB_JOIN_H

#include <argp.h>
#include <stdbool.h>

struct join_arguments {
	bool given;
	const char *socket;	/* where it is offered; NULL: @fd */
	int fd;			/* an invitation */
};

/* --fd and --socket, for argp_child's; with a struct join_arguments as input. */
extern const struct argp join_argp;

/*
 * A session without a heap, and one of that heap; or after saying what is wrong a
 * negative number. @flags as for refslab_open().
 */
int open_session(int flags);
int join_session(const struct join_arguments *arguments, int flags);

#endif
