// SPDX-License-Identifier: GPL-2.0
/*
 * The calls about types.
 */
#include "call.h"

#include <linux/log2.h>
#include <linux/nodemask.h>
#include <linux/string.h>

#include "heap.h"
#include "mapped.h"
#include "payload.h"
#include "report.h"

#define ALIGN_MAX	4096

/*
 * A type of which nobody has been told yet has no priv, and calls do not find
 * it: so it can be taken back without asking whether it is in use. Nor do they
 * find one that goes.
 */
static bool type_told(const struct refslab_type *type)
{
	return type && READ_ONCE(type->priv) && !READ_ONCE(type->going);
}

/*
 * The type with a number, or NULL. Types of a user heap are destroyed by calls
 * of its sessions, which hide them first, with the lock on the heap's types held
 * for writing: what is found stays as long as that is held.
 */
struct refslab_type *session_find_type(struct session *session, u32 id)
{
	struct refslab_type *type;

	lockdep_assert_held(&session_user_heap(session)->types);
	/* of a type that is being taken back the memory must stay */
	rcu_read_lock();
	type = type_find(session_heap(session), id);
	if (!type_told(type))
		type = NULL;
	rcu_read_unlock();
	return type;
}

/* Remembers what session_find_type() found for session_known_type(). */
void session_learn_type(struct session *session, struct refslab_type *type)
{
	session->type = type;
	session->type_id = type->id;
	session->type_gone = session_user_heap(session)->types_gone;
}

/* The same for the lowest number above. */
static struct refslab_type *type_get_next(struct session *session, u32 id)
{
	struct refslab_type *type;

	lockdep_assert_held(&session_user_heap(session)->types);
	rcu_read_lock();
	do {
		type = type_next(session_heap(session), id);
		if (type)
			id = type->id;
	} while (type && !type_told(type));
	rcu_read_unlock();
	return type;
}

/* Of a mapped payload there is a pointer in the object. */
static u32 type_offset(const struct refslab_type_create *arg)
{
	return payload_offset(arg->slots, arg->flags & REFSLAB_TYPE_MAPPED ?
			      sizeof(struct mapped *) : arg->align);
}

static bool payload_valid(const struct refslab_type_create *arg)
{
	if (arg->align > ALIGN_MAX || (arg->align && !is_power_of_2(arg->align)))
		return false;
	if (arg->flags & REFSLAB_TYPE_MAPPED)
		return arg->payload && arg->payload <= REFSLAB_MAPPED_MAX;
	return arg->payload <= REFSLAB_PAYLOAD_MAX && (arg->slots || arg->payload);
}

int call_type_create(struct session *session, union session_data *data)
{
	struct refslab_type_create *arg = &data->type_create;
	struct refslab_type_args args = {
		.name = arg->name,
		.slots = arg->slots,
		.flags = REFSLAB_TYPE_ZERO | REFSLAB_TYPE_WEAK,
	};
	struct refslab_type *type;
	u32 offset;

	if (arg->slots > REFSLAB_SLOTS_MAX || !payload_valid(arg) ||
	    !arg->name[0] || !call_name_ends(arg->name))
		return -EINVAL;
	offset = type_offset(arg);
	if (arg->flags & REFSLAB_TYPE_MAPPED) {
		args.size = offset + sizeof(struct mapped *);
		args.release = mapped_release;
		args.flags |= REFSLAB_TYPE_RELEASE_WORK;
	} else {
		args.size = offset + arg->payload;
	}
	if (arg->align > sizeof(u64) && !args.release) {
		args.align = arg->align;
		args.align_offset = offset;
	}
	type = refslab_type_create(session_heap(session), &args);
	if (IS_ERR(type))
		return PTR_ERR(type);
	arg->type = type->id;
	return 0;
}

void call_type_create_finish(struct session *session, union session_data *data,
			     bool copied)
{
	const struct refslab_type_create *arg = &data->type_create;
	struct refslab_type *type = type_find(session_heap(session), arg->type);
	u32 mapped = arg->flags & REFSLAB_TYPE_MAPPED ? arg->payload : 0;
	int err;

	if (copied) {
		WRITE_ONCE(type->priv, payload_priv(type_offset(arg), mapped));
		return;
	}
	/* of who is killed it stays, untold, until the heap goes */
	err = type_destroy(type, true);
	WARN_ON_ONCE(err && err != -EINTR);
}

int call_type_destroy(struct session *session, union session_data *data)
{
	const struct refslab_type_destroy *arg = &data->type_destroy;
	struct user_heap *heap = session_user_heap(session);
	struct refslab_type *type;
	int err;

	if (arg->reserved)
		return -EINVAL;
	err = type_settle(heap->heap);
	if (err)
		return err;
	/* who allocates waits for this lock, and is not to wait for a sweep by it */
	if (down_write_killable(&heap->types))
		return -EINTR;
	type = session_find_type(session, arg->type);
	if (!type) {
		up_write(&heap->types);
		return -ENOENT;
	}
	/* twice: what leaves a magazine counts for a moment where it was and where it goes */
	if (refslab_type_objects(type) || refslab_type_objects(type)) {
		downgrade_write(&heap->types);
		report_survivors(type);
		up_read(&heap->types);
		return -EBUSY;
	}
	WRITE_ONCE(type->going, true);
	heap->types_gone++;
	up_write(&heap->types);
	err = type_destroy(type, true);
	/* nobody but us can have destroyed what nobody finds */
	if (err)
		WRITE_ONCE(type->going, false);
	return err;
}

int call_type_info(struct session *session, union session_data *data)
{
	struct refslab_type_info *arg = &data->type_info;
	struct refslab_type *type;

	type = arg->flags & REFSLAB_TYPE_INFO_NEXT ?
	       type_get_next(session, arg->type) : session_find_type(session, arg->type);
	if (!type)
		return -ENOENT;
	*arg = (struct refslab_type_info){
		.size = arg->size,
		.flags = arg->flags,
		.type = type->id,
		.type_flags = (type->leaf ? REFSLAB_TYPE_FLAG_LEAF : 0) |
			      (type_is_mapped(type) ? REFSLAB_TYPE_FLAG_MAPPED : 0),
		.slots = type->slots,
		.payload = payload_size(type),
		.object_size = type->layout.size,
		.slab_objects = type->layout.objects,
		.objects = refslab_type_objects(type),
		.slabs = type_sum(type, slabs),
	};
	strscpy(arg->name, type->name, sizeof(arg->name));
	return 0;
}
