// SPDX-License-Identifier: GPL-2.0
/*
 * Two processes, one graph. The child builds a list, names it as a root and is
 * gone; the parent, which joined by an invitation, finds and walks it.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "example.h"

static void build(int socket)
{
	int session = must(refslab_open(0));
	uint64_t head = 0, node;
	uint32_t type, i;

	must(refslab_heap_create(session, "shared-graph", 0));
	must(refslab_type_create(session, "node", 1, sizeof(i), 0, &type));
	for (i = 1; i <= 3; i++) {
		must(refslab_alloc(session, type, &node));
		must(refslab_write(session, node, 0, &i, sizeof(i)));
		must(refslab_slot_set(session, node, 0, head));
		if (head)
			must(refslab_close(session, head));
		head = node;
	}
	must(refslab_root_set(session, "list", head, 0));

	/* No limit, and it may change things. */
	must(refslab_send(socket, must(refslab_invite(session, 0, 0))));
}

static void walk(int invitation)
{
	refslab_auto_fd session = must(refslab_open(0));
	uint64_t node, next;
	uint32_t value;

	must(refslab_join(session, invitation));
	must(refslab_root_get(session, "list", &node));
	while (node) {
		must(refslab_read(session, node, 0, &value, sizeof(value)));
		printf("%u\n", value);
		must(refslab_slot_load(session, node, 0, &next));
		must(refslab_close(session, node));
		node = next;
	}
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
		build(sockets[1]);
		return 0;
	}
	/* So that a child that fails is the end of the socket. */
	close(sockets[1]);
	refslab_auto_fd invitation = must(refslab_receive(sockets[0]));

	/* The builder ends, and its handles with it: the root keeps the list. */
	waitpid(child, &status, 0);
	walk(invitation);
	return 0;
}
