// SPDX-License-Identifier: GPL-2.0
#include "call.h"

int refslab_invite(int session, uint32_t flags, uint64_t limit)
{
	struct refslab_invite invite = {
		.size = sizeof(invite),
		.flags = flags,
		.limit = limit,
	};
	int err = call(session, REFSLAB_INVITE, &invite);

	return err ? err : invite.fd;
}

int refslab_join(int session, int invitation)
{
	struct refslab_join join = { .size = sizeof(join), .fd = invitation };

	return call(session, REFSLAB_JOIN, &join);
}

int refslab_export(int session, uint64_t handle, uint32_t flags)
{
	struct refslab_export export = {
		.size = sizeof(export),
		.flags = flags,
		.handle = handle,
	};
	int err = call(session, REFSLAB_EXPORT, &export);

	return err ? err : export.fd;
}

int refslab_import(int session, int object, uint64_t *handle)
{
	struct refslab_import import = { .size = sizeof(import), .fd = object };
	int err = call(session, REFSLAB_IMPORT, &import);

	if (!err)
		*handle = import.handle;
	return err;
}

int refslab_root_set(int session, const char *name, uint64_t handle,
		     uint32_t flags)
{
	struct refslab_root_set set = {
		.size = sizeof(set),
		.flags = flags,
		.handle = handle,
	};

	if (!set_name(set.name, name))
		return -EINVAL;
	return call(session, REFSLAB_ROOT_SET, &set);
}

int refslab_root_get(int session, const char *name, uint64_t *handle)
{
	struct refslab_root_get get = { .size = sizeof(get) };
	int err;

	if (!set_name(get.name, name))
		return -EINVAL;
	err = call(session, REFSLAB_ROOT_GET, &get);
	if (!err)
		*handle = get.handle;
	return err;
}

int refslab_root_next(int session, char name[REFSLAB_NAME_MAX])
{
	struct refslab_root_next next = { .size = sizeof(next) };
	int err;

	memcpy(next.name, name, sizeof(next.name));
	err = call(session, REFSLAB_ROOT_NEXT, &next);
	if (!err)
		memcpy(name, next.name, sizeof(next.name));
	return err;
}
