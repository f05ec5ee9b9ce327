// SPDX-License-Identifier: GPL-2.0
/* Descriptors over UNIX sockets: invitations, objects, payloads, or any other. */
#include <sys/socket.h>
#include <sys/uio.h>

#include "call.h"

union control {
	struct cmsghdr header;	/* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int))];
};

int refslab_send(int socket, int fd)
{
	char byte = 0;
	struct iovec data = { &byte, 1 };
	union control control = { 0 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int refslab_receive(int socket)
{
	char byte;
	struct iovec data = { &byte, 1 };
	union control control;
	/* Its padding would be room for a second descriptor that nobody closes. */
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	struct cmsghdr *rights;
	ssize_t length;
	int fd;

	while ((length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0)
		if (errno != EINTR)
			return -errno;
	rights = CMSG_FIRSTHDR(&message);
	/* One that came and found no number. */
	if (!rights && message.msg_flags & MSG_CTRUNC)
		return -EMFILE;
	if (!rights && !length)
		return -ECONNRESET;
	if (!rights || rights->cmsg_level != SOL_SOCKET ||
	    rights->cmsg_type != SCM_RIGHTS ||
	    rights->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -EBADMSG;
	memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
	/* A message of no bytes, as sockets of packets have them, is not refslab_send()'s. */
	if (!length || message.msg_flags & MSG_CTRUNC) {
		close(fd);
		return -EBADMSG;
	}
	return fd;
}
