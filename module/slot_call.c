// SPDX-License-Identifier: GPL-2.0
/*
 * The calls about slots.
 */
#include "call.h"

#include <linux/err.h>
#include <linux/nospec.h>

#include "heap.h"

/* User types have their slots in one array. */
static struct refslab_slot *slot_find(struct session *session, u64 handle,
				      u32 index, bool write)
{
	struct refslab_object *object;
	const struct refslab_type *type;
	struct refslab_slot *slots;

	object = handle_object_for(&session->handles, handle, write);
	if (IS_ERR(object))
		return ERR_CAST(object);
	type = refslab_type_of(object);
	if (index >= type->slots)
		return ERR_PTR(-EINVAL);
	slots = (void *)object + type->slot_offset;
	/* none by speculation, rather than the first: where there are none that is payload */
	return (void *)((unsigned long)&slots[index] &
			array_index_mask_nospec(index, type->slots));
}

/* What a slot may be made to refer to: the object, NULL for 0, an error. */
static struct refslab_object *target_find(struct session *session, u64 handle)
{
	struct refslab_object *target;

	if (!handle)
		return NULL;
	/* else a store would give rights that the session has not got */
	target = handle_object_for(&session->handles, handle, true);
	if (IS_ERR(target))
		return target;
	if (refslab_heap_of(target) != session_heap(session))
		return ERR_PTR(-EXDEV);
	if (!session_may_get(target))
		return ERR_PTR(-EOVERFLOW);
	return target;
}

int op_slot_set(struct session *session, u64 handle, u32 index, u64 to)
{
	struct refslab_object *target;
	struct refslab_slot *slot;

	slot = slot_find(session, handle, index, true);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	target = target_find(session, to);
	if (IS_ERR(target))
		return PTR_ERR(target);
	refslab_slot_set(slot, target);
	return 0;
}

int call_slot_set(struct session *session, union session_data *data)
{
	const struct refslab_slot_set *arg = &data->slot_set;

	if (arg->reserved)
		return -EINVAL;
	return op_slot_set(session, arg->handle, arg->slot, arg->target);
}

int op_slot_load(struct session *session, u64 handle, u32 index, u64 *target)
{
	struct refslab_slot *slot;
	int err;

	slot = slot_find(session, handle, index, false);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	err = handle_reserve(&session->handles, target);
	if (err)
		return err;
	return session_fill(session, target, refslab_slot_load(slot),
			    handle_read_only(&session->handles, handle));
}

int call_slot_load(struct session *session, union session_data *data)
{
	struct refslab_slot_load *arg = &data->slot_load;

	if (arg->reserved)
		return -EINVAL;
	return op_slot_load(session, arg->handle, arg->slot, &arg->target);
}

void call_slot_load_finish(struct session *session, union session_data *data,
			   bool copied)
{
	u64 handle = data->slot_load.target;

	if (!copied && handle)
		session_take_back(session, handle);
}

int op_slot_move(struct session *session, u64 from_handle, u32 from_index,
		 u64 to_handle, u32 to_index)
{
	struct refslab_slot *from, *to;

	from = slot_find(session, from_handle, from_index, true);
	if (IS_ERR(from))
		return PTR_ERR(from);
	to = slot_find(session, to_handle, to_index, true);
	if (IS_ERR(to))
		return PTR_ERR(to);
	refslab_slot_move(to, from);
	return 0;
}

int call_slot_move(struct session *session, union session_data *data)
{
	const struct refslab_slot_move *arg = &data->slot_move;

	return op_slot_move(session, arg->from, arg->from_slot, arg->to,
			    arg->to_slot);
}

int op_slot_cmpxchg(struct session *session, u64 handle, u32 index, u64 expected,
		    u64 to)
{
	struct refslab_object *old = NULL, *target;
	struct refslab_slot *slot;

	slot = slot_find(session, handle, index, true);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (expected) {
		old = handle_object(&session->handles, expected);
		if (!old)
			return -EBADF;
	}
	target = target_find(session, to);
	if (IS_ERR(target))
		return PTR_ERR(target);
	return refslab_slot_cmpxchg(slot, old, target) ? 0 : -EAGAIN;
}

int call_slot_cmpxchg(struct session *session, union session_data *data)
{
	const struct refslab_slot_cmpxchg *arg = &data->slot_cmpxchg;

	if (arg->reserved)
		return -EINVAL;
	return op_slot_cmpxchg(session, arg->handle, arg->slot, arg->expected,
			       arg->target);
}
