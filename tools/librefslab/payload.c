// SPDX-License-Identifier: GPL-2.0
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
