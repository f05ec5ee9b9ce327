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
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "heap.h"
#include "mapped.h"

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

/* What a user type keeps in its priv: that, and how much is mapped instead. */
void *payload_priv(u32 offset, u32 mapped)
{
	return (void *)((u64)mapped << 32 | offset);
}

/* Where the payload of a user type begins, or the pointer to a mapped one is. */
u32 payload_begin(const struct refslab_type *type)
{
	return lower_32_bits((uintptr_t)READ_ONCE(type->priv));
}

static u32 payload_mapped(const struct refslab_type *type)
{
	return upper_32_bits((uintptr_t)READ_ONCE(type->priv));
}

/* Bytes of payload of each object of a user type. */
u32 payload_size(const struct refslab_type *type)
{
	return type_is_mapped(type) ? payload_mapped(type) :
				      type->size - payload_begin(type);
}

/* Pages of their own that payloads of a type are on, or 0. */
u32 payload_pages(const struct refslab_type *type)
{
	return type_is_mapped(type) ? DIV_ROUND_UP(payload_mapped(type), PAGE_SIZE) : 0;
}

/**
 * struct payload - some bytes of an object's payload
 * @object: the object
 * @bytes: where they begin, if the payload is in the object
 * @mapped: what they are in, or NULL
 * @offset: byte of that which they begin at
 * @length: how many they are
 */
struct payload {
	struct refslab_object *object;
	void		*bytes;
	struct mapped	*mapped;
	u32		offset;
	u32		length;
};

/*
 * Where the bytes from byte @at on are, and in @n how many of as many there are
 * in one place.
 */
static void *payload_at(const struct payload *payload, u32 at, u32 *n)
{
	const struct mapped *mapped = payload->mapped;
	u32 offset = payload->offset + at, page;

	if (likely(!mapped))
		return payload->bytes + at;
	page = array_index_nospec(offset / PAGE_SIZE, mapped->count);
	*n = min_t(u32, *n, PAGE_SIZE - offset_in_page(offset));
	return page_address(mapped->pages[page]) + offset_in_page(offset);
}

/* The bytes asked for, or an error; session's mutex held. */
static int payload_find(struct session *session, u64 handle, u32 offset,
			u32 length, bool write, struct payload *payload)
{
	struct refslab_object *object;
	struct refslab_type *type;
	u32 size;

	object = handle_object_for(&session->handles, handle, write);
	if (IS_ERR(object))
		return PTR_ERR(object);
	type = refslab_type_of(object);
	size = payload_size(type);
	/* usercopy checks no more than that the bytes are within the chunk */
	if ((u64)offset + length > size)
		return -EINVAL;
	offset = array_index_nospec(offset, size + 1);
	payload->object = object;
	payload->bytes = (void *)object + payload_begin(type) + offset;
	payload->mapped = NULL;
	payload->offset = offset;
	payload->length = array_index_nospec(length, size - offset + 1);
	if (type_is_mapped(type)) {
		payload->mapped = mapped_get(type, object);
		if (IS_ERR(payload->mapped))
			return PTR_ERR(payload->mapped);
	}
	return 0;
}

/* The same with a reference, for what goes on without the mutex. */
static int payload_get(struct session *session, const struct refslab_io *io,
		       bool write, struct payload *payload)
{
	int err = session_lock(session);

	if (err)
		return err;
	err = payload_find(session, io->handle, io->offset, io->length, write, payload);
	if (!err)
		refslab_get(payload->object);
	mutex_unlock(&session->mutex);
	return err;
}

int op_read(struct session *session, u64 handle, u32 offset, u32 length,
	    void *buffer)
{
	struct payload payload;
	u32 done, n;
	void *bytes;
	int err;

	err = payload_find(session, handle, offset, length, false, &payload);
	if (err)
		return err;
	for (done = 0; done < payload.length; done += n) {
		n = payload.length - done;
		bytes = payload_at(&payload, done, &n);
		/* races with copies that hold no mutex, as said above */
		data_race(memcpy(buffer + done, bytes, n));
	}
	return 0;
}

int op_write(struct session *session, u64 handle, u32 offset, u32 length,
	     const void *buffer)
{
	struct payload payload;
	u32 done, n;
	void *bytes;
	int err;

	err = payload_find(session, handle, offset, length, true, &payload);
	if (err)
		return err;
	for (done = 0; done < payload.length; done += n) {
		n = payload.length - done;
		bytes = payload_at(&payload, done, &n);
		/* likewise */
		data_race(memcpy(bytes, buffer + done, n));
	}
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

/* Bytes of an object to or from the caller's memory. */
static int payload_copy(struct session *session, const struct refslab_io *io,
			bool write)
{
	void __user *user = u64_to_user_ptr(io->buffer);
	struct payload payload;
	unsigned long left = 0;
	u32 done, n;
	void *bytes;
	int err;

	err = payload_get(session, io, write, &payload);
	if (err)
		return err;
	for (done = 0; done < payload.length && !left; done += n) {
		n = payload.length - done;
		bytes = payload_at(&payload, done, &n);
		if (write)
			/* races with other copies, as said above */
			left = data_race(copy_from_user(bytes, user + done, n));
		else
			/* likewise */
			left = data_race(copy_to_user(user + done, bytes, n));
	}
	refslab_put(payload.object);
	return left ? -EFAULT : 0;
}

/* REFSLAB_READ */
int payload_read(struct session *session, union session_data *data)
{
	struct refslab_io *io = &data->io;
	u8 small[PAYLOAD_SMALL];
	int err;

	if (io->length > sizeof(small))
		return payload_copy(session, io, false);
	io->length = array_index_nospec(io->length, sizeof(small) + 1);
	err = payload_move(session, io, small, false);
	if (err)
		return err;
	return copy_to_user(u64_to_user_ptr(io->buffer), small, io->length) ? -EFAULT : 0;
}

/* REFSLAB_WRITE */
int payload_write(struct session *session, union session_data *data)
{
	struct refslab_io *io = &data->io;
	u8 small[PAYLOAD_SMALL];

	if (io->length > sizeof(small))
		return payload_copy(session, io, true);
	io->length = array_index_nospec(io->length, sizeof(small) + 1);
	if (copy_from_user(small, u64_to_user_ptr(io->buffer), io->length))
		return -EFAULT;
	return payload_move(session, io, small, true);
}
