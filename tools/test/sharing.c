// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <sys/socket.h>

#include "sharing.h"

int invite(int fd, uint32_t flags, uint64_t limit)
{
	struct refslab_invite arg = {
		.size = sizeof(arg),
		.flags = flags,
		.limit = limit,
		.fd = -1,
	};
	int err = call(fd, REFSLAB_INVITE, &arg);

	return err ? err : arg.fd;
}

int join(int fd, int invitation)
{
	struct refslab_join arg = { .size = sizeof(arg), .fd = invitation };

	return call(fd, REFSLAB_JOIN, &arg);
}

int joined(int fd, uint32_t flags, uint64_t limit)
{
	int invitation = invite(fd, flags, limit), other = session();

	assert_true(invitation >= 0);
	works(join(other, invitation));
	close(invitation);
	return other;
}

int export_of(int fd, uint64_t handle, uint32_t flags)
{
	struct refslab_export arg = {
		.size = sizeof(arg),
		.flags = flags,
		.handle = handle,
		.fd = -1,
	};
	int err = call(fd, REFSLAB_EXPORT, &arg);

	return err ? err : arg.fd;
}

int import(int fd, int exported, uint64_t *handle)
{
	struct refslab_import arg = { .size = sizeof(arg), .fd = exported };
	int err = call(fd, REFSLAB_IMPORT, &arg);

	*handle = arg.handle;
	return err;
}

uint64_t imported(int fd, int exported)
{
	uint64_t handle;

	works(import(fd, exported, &handle));
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

static void set_name(char to[REFSLAB_NAME_MAX], const char *name)
{
	memset(to, 0, REFSLAB_NAME_MAX);
	memcpy(to, name, strnlen(name, REFSLAB_NAME_MAX));
}

int root_set(int fd, const char *name, uint64_t handle, uint32_t flags)
{
	struct refslab_root_set arg = {
		.size = sizeof(arg),
		.flags = flags,
		.handle = handle,
	};

	set_name(arg.name, name);
	return call(fd, REFSLAB_ROOT_SET, &arg);
}

int root_get(int fd, const char *name, uint64_t *handle)
{
	struct refslab_root_get arg = { .size = sizeof(arg) };
	int err;

	set_name(arg.name, name);
	err = call(fd, REFSLAB_ROOT_GET, &arg);
	*handle = arg.handle;
	return err;
}

uint64_t root(int fd, const char *name)
{
	uint64_t handle;

	works(root_get(fd, name, &handle));
	assert_true(handle != 0);
	return handle;
}

int root_next(int fd, char name[REFSLAB_NAME_MAX])
{
	struct refslab_root_next arg = { .size = sizeof(arg) };
	int err;

	memcpy(arg.name, name, REFSLAB_NAME_MAX);
	err = call(fd, REFSLAB_ROOT_NEXT, &arg);
	memcpy(name, arg.name, REFSLAB_NAME_MAX);
	return err;
}

int dup_flags(int fd, uint64_t handle, uint32_t flags, uint64_t *copy)
{
	struct refslab_dup arg = {
		.size = sizeof(arg),
		.flags = flags,
		.handle = handle,
	};
	int err = call(fd, REFSLAB_DUP, &arg);

	*copy = arg.copy;
	return err;
}

int cmpxchg(int fd, uint64_t handle, uint32_t slot, uint64_t expected,
	    uint64_t target)
{
	struct refslab_slot_cmpxchg arg = {
		.size = sizeof(arg),
		.handle = handle,
		.slot = slot,
		.expected = expected,
		.target = target,
	};

	return call(fd, REFSLAB_SLOT_CMPXCHG, &arg);
}

bool is_read_only(int fd, uint64_t handle)
{
	struct refslab_object_info info;

	works(device_object_info(fd, handle, &info));
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

int receive_fd(int socket)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
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
