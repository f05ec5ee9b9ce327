// SPDX-License-Identifier: GPL-2.0
/* A heap on offer: who may connect to a UNIX socket is given an invitation. */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "call.h"

#define WAITING	16	/* who connect before they are served */

/* A socket, and the address that a file has; a descriptor or a negative errno. */
static int unix_socket(const char *path, int flags, struct sockaddr_un *address)
{
	size_t length = strlen(path);
	int fd;

	/* An empty one would be a name that is no file's, for everybody. */
	if (!length)
		return -ENOENT;
	if (length >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	memcpy(address->sun_path, path, length);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	return fd < 0 ? -errno : fd;
}

int refslab_offer(const char *path)
{
	struct sockaddr_un address;
	int fd = unix_socket(path, SOCK_NONBLOCK, &address), err;

	if (fd < 0)
		return fd;
	/* The file is made with the socket's mode: never is it open to others. */
	if (!fchmod(fd, 0600) && !bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		if (!listen(fd, WAITING))
			return fd;
		err = -errno;
		unlink(path);
	} else {
		err = -errno;
	}
	close(fd);
	return err;
}

int refslab_offer_serve(int offer, int session, uint32_t flags, uint64_t limit)
{
	refslab_auto_fd client = accept4(offer, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return -errno;

	refslab_auto_fd invitation = refslab_invite(session, flags, limit);

	return invitation < 0 ? invitation : refslab_send(client, invitation);
}

int refslab_offer_take(const char *path)
{
	struct sockaddr_un address;
	refslab_auto_fd fd = unix_socket(path, 0, &address);

	if (fd < 0)
		return fd;
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		if (errno != EINTR)
			return -errno;
	return refslab_receive(fd);
}
