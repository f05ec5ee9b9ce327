// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <sys/socket.h>

#include "sharing.h"

int joined(int fd, uint32_t flags, uint64_t limit)
{
	int invitation = refslab_invite(fd, flags, limit), other = session();

	assert_true(invitation >= 0);
	works(refslab_join(other, invitation));
	close(invitation);
	return other;
}

uint64_t imported(int fd, int exported)
{
	uint64_t handle;

	works(refslab_import(fd, exported, &handle));
	assert_true(handle != 0);
	return handle;
}

int mapped_type_create(int fd, uint32_t slots, uint32_t payload, uint32_t *type)
{
	static unsigned int number;
	struct refslab_type_create arg = {
		.size = sizeof(arg),
		.flags = REFSLAB_TYPE_MAPPED,
		.slots = slots,
		.payload = payload,
	};
	int err;

	snprintf(arg.name, sizeof(arg.name), "mapped-%u", number++);
	err = call(fd, REFSLAB_TYPE_CREATE, &arg);
	*type = arg.type;
	return err;
}

uint32_t mapped_type(int fd, uint32_t slots, uint32_t payload)
{
	uint32_t type;

	works(mapped_type_create(fd, slots, payload, &type));
	return type;
}

int map_of(int fd, uint64_t handle, uint32_t flags, uint64_t *length)
{
	struct refslab_map arg = {
		.size = sizeof(arg),
		.flags = flags,
		.handle = handle,
		.fd = -1,
	};
	int err = call(fd, REFSLAB_MAP, &arg);

	if (length)
		*length = arg.length;
	return err ? err : arg.fd;
}

uint64_t root(int fd, const char *name)
{
	uint64_t handle;

	works(refslab_root_get(fd, name, &handle));
	assert_true(handle != 0);
	return handle;
}

bool is_read_only(int fd, uint64_t handle)
{
	struct refslab_object_info info;

	works(refslab_object_info(fd, handle, &info));
	return info.object_flags & REFSLAB_OBJECT_READ_ONLY;
}

int send_fds(int socket, const int *fds, unsigned int n)
{
	union {
		char bytes[CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte = 'x';
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(header), fds, n * sizeof(int));
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

unsigned int open_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(directory);
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}

bool heap_exists(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/refslab/%s", name);
	return !access(path, F_OK);
}
