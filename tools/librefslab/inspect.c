// SPDX-License-Identifier: GPL-2.0
#include "call.h"

passed_by_callers(refslab_object_info, 48);

int refslab_object_info(int session, uint64_t handle,
			struct refslab_object_info *info)
{
	struct refslab_object_info out = {
		.size = sizeof(out),
		.handle = handle,
	};
	int err = call(session, REFSLAB_OBJECT_INFO, &out);

	if (!err)
		*info = out;
	return err;
}

int refslab_objects(int session, uint32_t type, uint32_t generation,
		    uint64_t *cursor, uint64_t *handles, uint32_t *count)
{
	struct refslab_objects objects = {
		.size = sizeof(objects),
		.type = type,
		.generation = generation,
		.cursor = *cursor,
		.count = *count,
		.handles = (uintptr_t)handles,
	};
	int err = call(session, REFSLAB_OBJECTS, &objects);

	if (!err) {
		*cursor = objects.cursor;
		*count = objects.count;
	}
	return err;
}

/* Both calls about the neighbours of an object take the same structure. */
_Static_assert(sizeof(struct refslab_referrers) == sizeof(struct refslab_referents),
	       "referrers and referents differ");
_Static_assert(offsetof(struct refslab_referrers, handles) ==
	       offsetof(struct refslab_referents, handles),
	       "referrers and referents differ");

static int neighbours(int session, unsigned long request, uint64_t handle,
		      uint64_t *cursor, uint64_t *handles, uint32_t *count)
{
	struct refslab_referrers neighbours = {
		.size = sizeof(neighbours),
		.handle = handle,
		.cursor = *cursor,
		.count = *count,
		.handles = (uintptr_t)handles,
	};
	int err = call(session, request, &neighbours);

	if (!err) {
		*cursor = neighbours.cursor;
		*count = neighbours.count;
	}
	return err;
}

int refslab_referrers(int session, uint64_t handle, uint64_t *cursor,
		      uint64_t *handles, uint32_t *count)
{
	return neighbours(session, REFSLAB_REFERRERS, handle, cursor, handles, count);
}

int refslab_referents(int session, uint64_t handle, uint64_t *cursor,
		      uint64_t *handles, uint32_t *count)
{
	return neighbours(session, REFSLAB_REFERENTS, handle, cursor, handles, count);
}
