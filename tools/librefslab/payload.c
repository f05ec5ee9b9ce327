// SPDX-License-Identifier: GPL-2.0
#include <sys/mman.h>

#include "call.h"

static int copy(int session, unsigned long request, uint64_t handle,
		uint32_t offset, const void *buffer, uint32_t length)
{
	struct refslab_io io = {
		.size = sizeof(io),
		.handle = handle,
		.offset = offset,
		.length = length,
		.buffer = (uintptr_t)buffer,
	};

	return call(session, request, &io);
}

int refslab_read(int session, uint64_t handle, uint32_t offset, void *buffer,
		 uint32_t length)
{
	return copy(session, REFSLAB_READ, handle, offset, buffer, length);
}

int refslab_write(int session, uint64_t handle, uint32_t offset,
		  const void *buffer, uint32_t length)
{
	return copy(session, REFSLAB_WRITE, handle, offset, buffer, length);
}

int refslab_map(int session, uint64_t handle, uint32_t flags, uint64_t *length)
{
	struct refslab_map map = {
		.size = sizeof(map),
		.flags = flags,
		.handle = handle,
	};
	int err = call(session, REFSLAB_MAP, &map);

	if (err)
		return err;
	if (length)
		*length = map.length;
	return map.fd;
}

int refslab_map_payload(int session, uint64_t handle, uint32_t flags,
			struct refslab_mapping *mapping)
{
	int protection = PROT_READ | (flags & REFSLAB_READ_ONLY ? 0 : PROT_WRITE);
	uint64_t length;
	void *address;
	int fd, err;

	fd = refslab_map(session, handle, flags, &length);
	if (fd < 0)
		return fd;
	address = mmap(NULL, length, protection, MAP_SHARED, fd, 0);
	err = address == MAP_FAILED ? -errno : 0;
	/* The mapping is a reference of its own. */
	close(fd);
	if (!err)
		*mapping = (struct refslab_mapping) { address, length };
	return err;
}

int refslab_unmap_payload(struct refslab_mapping *mapping)
{
	/* without memory for its books the kernel leaves it, and can be asked again */
	if (mapping->length && munmap(mapping->address, mapping->length))
		return -errno;
	*mapping = (struct refslab_mapping) { 0 };
	return 0;
}
