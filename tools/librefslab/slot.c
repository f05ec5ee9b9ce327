// SPDX-License-Identifier: GPL-2.0
#include "call.h"

int refslab_slot_set(int session, uint64_t handle, uint32_t slot,
		     uint64_t target)
{
	struct refslab_slot_set set = {
		.size = sizeof(set),
		.handle = handle,
		.slot = slot,
		.target = target,
	};

	return call(session, REFSLAB_SLOT_SET, &set);
}

int refslab_slot_load(int session, uint64_t handle, uint32_t slot,
		      uint64_t *target)
{
	struct refslab_slot_load load = {
		.size = sizeof(load),
		.handle = handle,
		.slot = slot,
	};
	int err = call(session, REFSLAB_SLOT_LOAD, &load);

	if (!err)
		*target = load.target;
	return err;
}

int refslab_slot_move(int session, uint64_t from, uint32_t from_slot,
		      uint64_t to, uint32_t to_slot)
{
	struct refslab_slot_move move = {
		.size = sizeof(move),
		.from = from,
		.to = to,
		.from_slot = from_slot,
		.to_slot = to_slot,
	};

	return call(session, REFSLAB_SLOT_MOVE, &move);
}

int refslab_slot_cmpxchg(int session, uint64_t handle, uint32_t slot,
			 uint64_t expected, uint64_t target)
{
	struct refslab_slot_cmpxchg cmpxchg = {
		.size = sizeof(cmpxchg),
		.handle = handle,
		.slot = slot,
		.expected = expected,
		.target = target,
	};

	return call(session, REFSLAB_SLOT_CMPXCHG, &cmpxchg);
}
