// SPDX-License-Identifier: GPL-2.0
#include "call.h"

int refslab_alloc(int session, uint32_t type, uint64_t *handle)
{
	struct refslab_alloc alloc = { .size = sizeof(alloc), .type = type };
	int err = call(session, REFSLAB_ALLOC, &alloc);

	if (!err)
		*handle = alloc.handle;
	return err;
}

int refslab_dup(int session, uint64_t handle, uint32_t flags, uint64_t *copy)
{
	struct refslab_dup dup = {
		.size = sizeof(dup),
		.flags = flags,
		.handle = handle,
	};
	int err = call(session, REFSLAB_DUP, &dup);

	if (!err)
		*copy = dup.copy;
	return err;
}

int refslab_close(int session, uint64_t handle)
{
	struct refslab_close close = { .size = sizeof(close), .handle = handle };

	return call(session, REFSLAB_CLOSE, &close);
}

int refslab_weak(int session, uint64_t handle, uint64_t *weak)
{
	struct refslab_weak_create create = {
		.size = sizeof(create),
		.handle = handle,
	};
	int err = call(session, REFSLAB_WEAK, &create);

	if (!err)
		*weak = create.weak;
	return err;
}

int refslab_upgrade(int session, uint64_t weak, uint64_t *handle)
{
	struct refslab_upgrade upgrade = {
		.size = sizeof(upgrade),
		.weak = weak,
	};
	int err = call(session, REFSLAB_UPGRADE, &upgrade);

	if (!err)
		*handle = upgrade.handle;
	return err;
}
