// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <refslab.h>

#include "argument.h"
#include "join.h"

enum { OPTION_FD = 256, OPTION_SOCKET };

static const struct argp_option options[] = {
	{ "fd", OPTION_FD, "FD", 0,
	  "Of the heap that this descriptor, inherited, is an invitation to", 0 },
	{ "socket", OPTION_SOCKET, "PATH", 0,
	  "Of the heap that is offered on this UNIX socket", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct join_arguments *arguments = state->input;

	switch (key) {
	case OPTION_FD:
	case OPTION_SOCKET:
		if (arguments->given)
			argp_error(state, "one heap, by --fd or --socket");
		arguments->given = true;
		if (key == OPTION_FD)
			arguments->fd = argument_number(state, arg, "a descriptor",
							STDIN_FILENO, INT_MAX);
		else
			arguments->socket = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp join_argp = { .options = options, .parser = parse };

static bool join_offered(int session, const char *socket)
{
	refslab_auto_fd invitation = refslab_offer_take(socket);
	int err = invitation < 0 ? invitation : refslab_join(session, invitation);

	/* Not in refslab's words: it is the socket that is not there. */
	if (invitation < 0 && err != -EBADMSG)
		warnx("%s: %s", socket, strerror(-err));
	else if (err == -EBADF || err == -EBADMSG)
		warnx("%s: what is offered there is no invitation to a heap", socket);
	else if (err)
		warnx("%s: %s", socket, refslab_strerror(err));
	return !err;
}

static bool join_inherited(int session, int invitation)
{
	int err = refslab_join(session, invitation);

	if (err == -EBADF)
		warnx("descriptor %d is no invitation to a heap", invitation);
	else if (err)
		warnx("descriptor %d: %s", invitation, refslab_strerror(err));
	return !err;
}

int open_session(int flags)
{
	int session = refslab_open(flags);

	if (session < 0)
		warnx("%s: %s%s", REFSLAB_DEVICE, strerror(-session),
		      session == -ENOENT ? ": is the module loaded?" : "");
	return session;
}

int join_session(const struct join_arguments *arguments, int flags)
{
	int session = open_session(flags);

	if (session < 0)
		return session;
	if (arguments->socket ? join_offered(session, arguments->socket) :
				join_inherited(session, arguments->fd))
		return session;
	close(session);
	return -1;
}
