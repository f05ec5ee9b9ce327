// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>

#include "call.h"

passed_by_callers(refslab_heap_info, 152);
passed_by_callers(refslab_heap_limits, 40);

int refslab_open(int flags)
{
	int fd;

	if (flags & ~O_NONBLOCK)
		return -EINVAL;
	fd = open(REFSLAB_DEVICE, O_RDWR | O_CLOEXEC | flags);
	return fd < 0 ? -errno : fd;
}

int refslab_heap_create(int session, const char *name, uint64_t limit)
{
	struct refslab_heap_create create = {
		.size = sizeof(create),
		.limit = limit,
	};

	if (!set_name(create.name, name))
		return -EINVAL;
	return call(session, REFSLAB_HEAP_CREATE, &create);
}

int refslab_heap_info(int session, struct refslab_heap_info *info)
{
	struct refslab_heap_info out = { .size = sizeof(out) };
	int err = call(session, REFSLAB_HEAP_INFO, &out);

	if (!err)
		*info = out;
	return err;
}

int refslab_heap_limits(int session, const struct refslab_heap_limits *limits)
{
	struct refslab_heap_limits in = *limits;

	in.size = sizeof(in);
	return call(session, REFSLAB_HEAP_LIMITS, &in);
}
