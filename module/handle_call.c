// SPDX-License-Identifier: GPL-2.0
/*
 * The calls about handles.
 */
#include "call.h"

#include <linux/err.h>
#include <linux/slab.h>

#include "account.h"
#include "heap.h"
#include "mapped.h"
#include "payload.h"

static void finish(struct session *session, u64 handle, bool copied)
{
	if (!copied && handle)
		session_take_back(session, handle);
}

/* A fresh object, on the session's account if it has one, with its payload. */
static struct refslab_object *alloc_whole(struct session *session,
					  struct refslab_type *type)
{
	struct refslab_object *object;
	struct mapped *mapped;

	object = session->account ?
		 account_alloc(type, session->account, session->limit) :
		 object_alloc(type, GFP_KERNEL);
	if (IS_ERR(object) || !type_is_mapped(type))
		return object;
	mapped = mapped_get(type, object);
	if (!IS_ERR(mapped))
		return object;
	refslab_put(object);
	return ERR_CAST(mapped);
}

/* The same as op_alloc(), for what that does not know to be simple. */
int op_alloc_other(struct session *session, u32 type_id, u64 *handle)
{
	struct refslab_object *object;
	struct refslab_type *type;
	int err;

	if (session->read_only)
		return -EACCES;
	type = session_find_type(session, type_id);
	if (!type)
		return -ENOENT;
	err = handle_reserve(&session->handles, handle);
	if (err)
		return err;
	object = alloc_whole(session, type);
	if (IS_ERR(object)) {
		handle_cancel(&session->handles, *handle);
		return PTR_ERR(object);
	}
	handle_install(&session->handles, *handle, object);
	if (!session->account && !type_is_mapped(type))
		session_learn_type(session, type);
	return 0;
}

int call_alloc(struct session *session, union session_data *data)
{
	struct refslab_alloc *arg = &data->alloc;

	if (arg->reserved)
		return -EINVAL;
	return op_alloc(session, arg->type, &arg->handle);
}

void call_alloc_finish(struct session *session, union session_data *data,
		       bool copied)
{
	finish(session, data->alloc.handle, copied);
}

int op_dup(struct session *session, u64 handle, u32 flags, u64 *copy)
{
	struct refslab_object *object;
	int err;

	object = handle_object(&session->handles, handle);
	if (!object)
		return -EBADF;
	if (!session_may_get(object))
		return -EOVERFLOW;
	err = handle_reserve(&session->handles, copy);
	if (err)
		return err;
	refslab_get(object);
	handle_install(&session->handles, *copy, object);
	handle_set_read_only(&session->handles, *copy,
			     flags & REFSLAB_READ_ONLY ||
			     handle_read_only(&session->handles, handle));
	return 0;
}

int call_dup(struct session *session, union session_data *data)
{
	struct refslab_dup *arg = &data->dup;

	return op_dup(session, arg->handle, arg->flags, &arg->copy);
}

void call_dup_finish(struct session *session, union session_data *data,
		     bool copied)
{
	finish(session, data->dup.copy, copied);
}

int call_close(struct session *session, union session_data *data)
{
	return op_close(session, data->close.handle);
}

int op_weak(struct session *session, u64 handle, u64 *weak_handle)
{
	struct refslab_object *object;
	struct weak_handle *weak;
	int err;

	object = handle_object(&session->handles, handle);
	if (!object)
		return -EBADF;
	err = handle_reserve(&session->handles, weak_handle);
	if (err)
		return err;
	weak = kmalloc(sizeof(*weak), GFP_KERNEL_ACCOUNT);
	err = -ENOMEM;
	if (!weak)
		goto err_cancel;
	weak->handle = *weak_handle;
	weak->session = session;
	refslab_weak_init(&weak->weak, event_weak_dead);
	err = refslab_weak_set(&weak->weak, object);
	if (err)
		goto err_free;
	handle_install_weak(&session->handles, *weak_handle, &weak->weak);
	handle_set_read_only(&session->handles, *weak_handle,
			     handle_read_only(&session->handles, handle));
	return 0;

err_free:
	kfree(weak);
err_cancel:
	handle_cancel(&session->handles, *weak_handle);
	return err;
}

int call_weak(struct session *session, union session_data *data)
{
	struct refslab_weak_create *arg = &data->weak;

	return op_weak(session, arg->handle, &arg->weak);
}

void call_weak_finish(struct session *session, union session_data *data,
		      bool copied)
{
	finish(session, data->weak.weak, copied);
}

int op_upgrade(struct session *session, u64 weak_handle, u64 *handle)
{
	struct refslab_weak *weak;
	int err;

	weak = handle_weak(&session->handles, weak_handle);
	if (!weak)
		return -EBADF;
	err = handle_reserve(&session->handles, handle);
	if (err)
		return err;
	return session_fill(session, handle, refslab_weak_get(weak),
			    handle_read_only(&session->handles, weak_handle));
}

int call_upgrade(struct session *session, union session_data *data)
{
	struct refslab_upgrade *arg = &data->upgrade;

	return op_upgrade(session, arg->weak, &arg->handle);
}

void call_upgrade_finish(struct session *session, union session_data *data,
			 bool copied)
{
	finish(session, data->upgrade.handle, copied);
}

int call_object_info(struct session *session, union session_data *data)
{
	struct refslab_object_info *arg = &data->object_info;
	const struct refslab_type *type;
	struct refslab_object *object;

	object = handle_object(&session->handles, arg->handle);
	if (!object)
		return -EBADF;
	type = refslab_type_of(object);
	arg->type = type->id;
	arg->generation = type->leaf ? 0 : object_generation(object);
	arg->count = refslab_count(object);
	arg->slots = type->slots;
	arg->payload = payload_size(type);
	arg->object_flags = 0;
	arg->reserved = 0;
	if (refslab_is_tracked(object))
		arg->object_flags |= REFSLAB_OBJECT_TRACKED;
	if (handle_read_only(&session->handles, arg->handle))
		arg->object_flags |= REFSLAB_OBJECT_READ_ONLY;
	if (!type->leaf && object_quarantined(object))
		arg->object_flags |= REFSLAB_OBJECT_QUARANTINED;
	return 0;
}
