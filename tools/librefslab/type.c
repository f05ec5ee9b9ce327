// SPDX-License-Identifier: GPL-2.0
#include "call.h"

passed_by_callers(refslab_type_info, 80);

static int create_type(int session, struct refslab_type_create *create,
		       const char *name, uint32_t *type)
{
	int err;

	create->size = sizeof(*create);
	if (!set_name(create->name, name))
		return -EINVAL;
	err = call(session, REFSLAB_TYPE_CREATE, create);
	if (!err)
		*type = create->type;
	return err;
}

int refslab_type_create(int session, const char *name, uint32_t slots,
			uint32_t payload, uint32_t align, uint32_t *type)
{
	return create_type(session, &(struct refslab_type_create) {
			.slots = slots,
			.payload = payload,
			.align = align,
		}, name, type);
}

int refslab_type_create_mapped(int session, const char *name, uint32_t slots,
			       uint32_t payload, uint32_t *type)
{
	return create_type(session, &(struct refslab_type_create) {
			.flags = REFSLAB_TYPE_MAPPED,
			.slots = slots,
			.payload = payload,
		}, name, type);
}

int refslab_type_destroy(int session, uint32_t type)
{
	struct refslab_type_destroy destroy = {
		.size = sizeof(destroy),
		.type = type,
	};

	return call(session, REFSLAB_TYPE_DESTROY, &destroy);
}

static int type_info(int session, uint32_t type, uint32_t flags,
		     struct refslab_type_info *info)
{
	struct refslab_type_info out = {
		.size = sizeof(out),
		.flags = flags,
		.type = type,
	};
	int err = call(session, REFSLAB_TYPE_INFO, &out);

	if (!err)
		*info = out;
	return err;
}

int refslab_type_info(int session, uint32_t type, struct refslab_type_info *info)
{
	return type_info(session, type, 0, info);
}

int refslab_type_next(int session, uint32_t type, struct refslab_type_info *info)
{
	return type_info(session, type, REFSLAB_TYPE_INFO_NEXT, info);
}
