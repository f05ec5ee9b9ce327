// SPDX-License-Identifier: GPL-2.0
/*
 * An object as a descriptor. To take it the receiver has to be in the heap, here
 * by a read-only invitation: so he can read this object and, by looking around,
 * every other one, and write none. What he is not to see belongs in another heap.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "example.h"

/* A session of the heap, by a read-only invitation, and the object itself. */
static void receiver(int socket)
{
	refslab_auto_fd session = must(refslab_open(0));
	refslab_auto_fd invitation = must(refslab_receive(socket));
	refslab_auto_fd object = must(refslab_receive(socket));
	char text[32];
	uint64_t handle;
	int error;

	must(refslab_join(session, invitation));
	must(refslab_import(session, object, &handle));
	must(refslab_read(session, handle, 0, text, sizeof(text)));
	printf("received: %s\n", text);
	error = refslab_write(session, handle, 0, "mine now", 9);
	printf("written: %s\n", error ? refslab_strerror(error) : "yes");
}

static void sender(int socket)
{
	refslab_auto_fd session = must(refslab_open(0));
	char text[32] = "a letter";
	uint64_t handle;
	uint32_t type;

	must(refslab_heap_create(session, "passed-object", 0));
	must(refslab_type_create(session, "letter", 0, sizeof(text), 0, &type));
	must(refslab_alloc(session, type, &handle));
	must(refslab_write(session, handle, 0, text, sizeof(text)));

	refslab_auto_fd invitation = must(refslab_invite(session, REFSLAB_READ_ONLY, 0));
	refslab_auto_fd object = must(refslab_export(session, handle, REFSLAB_READ_ONLY));

	must(refslab_send(socket, invitation));
	must(refslab_send(socket, object));
	/* What is on its way is a reference, and keeps the heap: this may end. */
}

int main(void)
{
	int sockets[2], status;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		err(EXIT_FAILURE, "socketpair");
	child = fork();
	if (child < 0)
		err(EXIT_FAILURE, "fork");
	if (!child) {
		/* So that a parent that fails is the end of the socket. */
		close(sockets[0]);
		receiver(sockets[1]);
		return 0;
	}
	sender(sockets[0]);
	close(sockets[0]);
	if (waitpid(child, &status, 0) < 0 || status)
		errx(EXIT_FAILURE, "the receiver failed");
	return 0;
}
