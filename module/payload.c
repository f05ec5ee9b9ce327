// SPDX-License-Identifier: GPL-2.0
/*
 * Payloads: the bytes of objects that user programs read and write.
 *
 * Copies race with each other like accesses to shared memory do: who wants more
 * than bytes that were written at some time has to agree on it with the others.
 *
 * The copy itself goes on without the session's mutex, because the caller's
 * memory may be somebody's who takes his time with a fault. A short one goes by
 * way of the stack, and the mutex keeps the object. For a long one the object
 * gets a reference, whose put makes a candidate of it: too high a price for
 * eight bytes, a small one for a kilobyte.
 */
#include "payload.h"

#include <linux/align.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "heap.h"

/**
 * payload_offset - where the payload of a user type begins
 * @slots: slots of the type
 * @align: alignment of the payload
 *
 * Return: the byte of the object. An alignment above that of objects is up to
 *	the type, which places objects by it.
 */
u32 payload_offset(u32 slots, u32 align)
{
	u32 header = slots ? sizeof(struct refslab_linked) :
			     sizeof(struct refslab_object);

	return ALIGN(header + slots * (u32)sizeof(struct refslab_slot),
		     clamp_t(u32, align, sizeof(u64), BIT(GRANULE_SHIFT)));
}

/* Its offset is what a user type keeps in its priv. */
static u32 type_payload(const struct refslab_type *type)
{
	return (uintptr_t)READ_ONCE(type->priv);
}

/* Bytes of payload of each object of a user type. */
u32 payload_size(const struct refslab_type *type)
{
	return type->size - type_payload(type);
}

/* The object, and where the bytes asked for begin; session's mutex held. */
static struct refslab_object *payload_find(struct session *session, u64 handle,
					   u32 offset, u32 length, bool write,
					   void **bytes)
{
	struct refslab_object *object;
	struct refslab_type *type;
	u32 size;

	object = handle_object_for(&session->handles, handle, write);
	if (IS_ERR(object))
		return object;
	type = refslab_type_of(object);
	size = payload_size(type);
	/* usercopy checks no more than that the bytes are within the chunk */
	if ((u64)offset + length > size)
		return ERR_PTR(-EINVAL);
	offset = array_index_nospec(offset, size + 1);
	*bytes = (void *)object + type_payload(type) + offset;
	return object;
}

/* The same with a reference, for what goes on without the mutex. */
static struct refslab_object *payload_get(struct session *session,
					  const struct refslab_io *io,
					  bool write, void **bytes)
{
	struct refslab_object *object;
	int err = session_lock(session);

	if (err)
		return ERR_PTR(err);
	object = payload_find(session, io->handle, io->offset, io->length, write,
			      bytes);
	if (!IS_ERR(object))
		refslab_get(object);
	mutex_unlock(&session->mutex);
	return object;
}

int op_read(struct session *session, u64 handle, u32 offset, u32 length,
	    void *buffer)
{
	struct refslab_object *object;
	void *bytes;

	object = payload_find(session, handle, offset, length, false, &bytes);
	if (IS_ERR(object))
		return PTR_ERR(object);
	/* races with copies that hold no mutex, as said above */
	data_race(memcpy(buffer, bytes, length));
	return 0;
}

int op_write(struct session *session, u64 handle, u32 offset, u32 length,
	     const void *buffer)
{
	struct refslab_object *object;
	void *bytes;

	object = payload_find(session, handle, offset, length, true, &bytes);
	if (IS_ERR(object))
		return PTR_ERR(object);
	/* likewise */
	data_race(memcpy(bytes, buffer, length));
	return 0;
}

/* Bytes of an object to or from @buffer, by the kernel itself. */
static int payload_move(struct session *session, const struct refslab_io *io,
			void *buffer, bool write)
{
	int err = session_lock(session);

	if (err)
		return err;
	err = write ? op_write(session, io->handle, io->offset, io->length, buffer) :
		      op_read(session, io->handle, io->offset, io->length, buffer);
	mutex_unlock(&session->mutex);
	return err;
}

/* REFSLAB_READ */
int payload_read(struct session *session, union session_data *data)
{
	const struct refslab_io *io = &data->io;
	void __user *user = u64_to_user_ptr(io->buffer);
	struct refslab_object *object;
	u8 small[PAYLOAD_SMALL];
	void *bytes;
	int err;

	if (io->length <= sizeof(small)) {
		err = payload_move(session, io, small, false);
		if (err)
			return err;
		return copy_to_user(user, small, io->length) ? -EFAULT : 0;
	}
	object = payload_get(session, io, false, &bytes);
	if (IS_ERR(object))
		return PTR_ERR(object);
	/* races with other copies, as said above */
	err = data_race(copy_to_user(user, bytes, io->length)) ? -EFAULT : 0;
	refslab_put(object);
	return err;
}

/* REFSLAB_WRITE */
int payload_write(struct session *session, union session_data *data)
{
	const struct refslab_io *io = &data->io;
	const void __user *user = u64_to_user_ptr(io->buffer);
	struct refslab_object *object;
	u8 small[PAYLOAD_SMALL];
	void *bytes;
	int err;

	if (io->length <= sizeof(small)) {
		if (copy_from_user(small, user, io->length))
			return -EFAULT;
		return payload_move(session, io, small, true);
	}
	object = payload_get(session, io, true, &bytes);
	if (IS_ERR(object))
		return PTR_ERR(object);
	/* races with other copies, as said above */
	err = data_race(copy_from_user(bytes, user, io->length)) ? -EFAULT : 0;
	refslab_put(object);
	return err;
}
