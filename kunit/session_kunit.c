// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the calls of /dev/refslab behind the copying: the structures are in
 * the kernel's memory here. What copying does is tested from user space.
 */
#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "call.h"
#include "heap.h"
#include "mapped.h"
#include "payload.h"

/* A call as the ioctl makes it, but that the result always, or never, gets there. */
static int session_do(struct session *session, unsigned int cmd,
		      union session_data *data, bool copied)
{
	const struct session_call *call = session_find_call(cmd);
	int err;

	if (!call)
		return -ENOTTY;
	data->size = call->size;
	err = session_run(session, call, data);
	if (!err && call->finish)
		call->finish(session, data, copied);
	return err;
}

static int do_call(struct session *session, unsigned int cmd,
		   union session_data *data)
{
	return session_do(session, cmd, data, true);
}

/* For calls that are expected to succeed and whose result does not matter. */
#define DO(test, session, name, member, ...) do {			\
	union session_data _data = { .member = { __VA_ARGS__ } };	\
									\
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_##name, &_data), 0); \
} while (0)

/* For calls that are expected to fail. */
#define FAIL(test, error, session, name, member, ...) do {		\
	union session_data _data = { .member = { __VA_ARGS__ } };	\
									\
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_##name, &_data), error); \
} while (0)

static struct session *bound_session(struct kunit *test)
{
	struct session *session = session_create();

	KUNIT_ASSERT_NOT_NULL(test, session);
	DO(test, session, HEAP_CREATE, heap_create, .limit = SZ_16M);
	KUNIT_ASSERT_NOT_NULL(test, session->heap);
	return session;
}

static u32 new_type(struct kunit *test, struct session *session,
		    const char *name, u32 slots, u32 payload, u32 align)
{
	union session_data data = {
		.type_create = {
			.slots = slots,
			.payload = payload,
			.align = align,
		},
	};

	strscpy(data.type_create.name, name, sizeof(data.type_create.name));
	KUNIT_ASSERT_EQ(test, do_call(session, REFSLAB_TYPE_CREATE, &data), 0);
	return data.type_create.type;
}

static u64 new_object(struct kunit *test, struct session *session, u32 type)
{
	union session_data data = { .alloc = { .type = type } };

	KUNIT_ASSERT_EQ(test, do_call(session, REFSLAB_ALLOC, &data), 0);
	KUNIT_ASSERT_NE(test, data.alloc.handle, 0);
	return data.alloc.handle;
}

static u64 load(struct kunit *test, struct session *session, u64 handle, u32 slot)
{
	union session_data data = {
		.slot_load = { .handle = handle, .slot = slot },
	};

	KUNIT_ASSERT_EQ(test, do_call(session, REFSLAB_SLOT_LOAD, &data), 0);
	return data.slot_load.target;
}

static u64 count_of(struct kunit *test, struct session *session, u64 handle)
{
	union session_data data = { .object_info = { .handle = handle } };

	KUNIT_ASSERT_EQ(test, do_call(session, REFSLAB_OBJECT_INFO, &data), 0);
	return data.object_info.count;
}

static void end_session(struct kunit *test, struct session *session)
{
	KUNIT_EXPECT_EQ(test, handle_table_validate(&session->handles), 0);
	if (session->heap)
		KUNIT_EXPECT_EQ(test, heap_validate(session_heap(session)), 0);
	session_destroy(session);
}

/* The code's size and direction do not matter, its type and number do. */
static void test_find_call(struct kunit *test)
{
	const struct session_call *call = session_find_call(REFSLAB_ALLOC);

	KUNIT_ASSERT_NOT_NULL(test, call);
	KUNIT_EXPECT_PTR_EQ(test, session_find_call(_IO(REFSLAB_IOC, 0x20)), call);
	KUNIT_EXPECT_NULL(test, session_find_call(_IO(REFSLAB_IOC + 1, 0x20)));
	KUNIT_EXPECT_NULL(test, session_find_call(_IO(REFSLAB_IOC, 0x0f)));
	KUNIT_EXPECT_NULL(test, session_find_call(_IO(REFSLAB_IOC, 0x5f)));
	KUNIT_EXPECT_NULL(test, session_find_call(_IO(REFSLAB_IOC, 0xff)));
	KUNIT_EXPECT_NULL(test, session_find_call(0));
}

/* A structure that grows must go on being accepted as it was published. */
static void test_published_sizes(struct kunit *test)
{
	const struct session_call *call;
	unsigned int nr, calls = 0;

	for (nr = 0; nr < 256; nr++) {
		call = session_find_call(_IO(REFSLAB_IOC, nr));
		if (!call)
			continue;
		calls++;
		KUNIT_EXPECT_GE(test, call->min_size, 16);
		KUNIT_EXPECT_LE(test, call->min_size, call->size);
		KUNIT_EXPECT_LE(test, call->size, sizeof(union session_data));
		KUNIT_EXPECT_EQ(test, call->min_size % 8, 0);
		KUNIT_EXPECT_EQ(test, call->words * 8, call->size);
		/* those that return nothing have nothing to take back */
		KUNIT_EXPECT_TRUE(test, call->out || !call->finish);
	}
	KUNIT_EXPECT_EQ(test, calls, 39);
	KUNIT_EXPECT_EQ(test, session_find_call(REFSLAB_ALLOC)->min_size, 24);
	KUNIT_EXPECT_EQ(test, session_find_call(REFSLAB_HEAP_INFO)->min_size, 128);
}

/* All calls: a flag that none knows, a session that has no heap. */
static void test_what_all_calls_refuse(struct kunit *test)
{
	struct session *session = session_create();
	const struct session_call *call;
	union session_data data;
	unsigned int nr;

	KUNIT_ASSERT_NOT_NULL(test, session);
	for (nr = 0; nr < 256; nr++) {
		call = session_find_call(_IO(REFSLAB_IOC, nr));
		if (!call)
			continue;
		memset(&data, 0, sizeof(data));
		data.flags = BIT(31);
		KUNIT_EXPECT_EQ(test, session_run(session, call, &data), -EINVAL);
		data.flags = 0;
		if (!call->unbound)
			KUNIT_EXPECT_EQ(test, session_run(session, call, &data),
					-ENXIO);
	}
	end_session(test, session);
}

static void test_heap(struct kunit *test)
{
	struct session *session = session_create(), *other = session_create();
	union session_data data = { };

	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_ASSERT_NOT_NULL(test, other);
	FAIL(test, -EINVAL, session, HEAP_CREATE, heap_create, .name = "a/b");
	FAIL(test, -EINVAL, session, HEAP_CREATE, heap_create, .name = "..");
	FAIL(test, -EINVAL, session, HEAP_CREATE, heap_create,
	     .limit = REFSLAB_HEAP_MAX + 1);
	memset(data.heap_create.name, 'a', sizeof(data.heap_create.name));
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_HEAP_CREATE, &data), -EINVAL);
	DO(test, session, HEAP_CREATE, heap_create, .name = "kunit-session",
	   .limit = SZ_1M);
	FAIL(test, -EBUSY, session, HEAP_CREATE, heap_create, .name = "again");
	FAIL(test, -EEXIST, other, HEAP_CREATE, heap_create,
	     .name = "kunit-session");
	FAIL(test, -EEXIST, other, HEAP_CREATE, heap_create, .name = "version");

	memset(&data, 0xff, sizeof(data));
	data.flags = 0;
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_HEAP_INFO, &data), 0);
	KUNIT_EXPECT_STREQ(test, data.heap_info.name, "kunit-session");
	KUNIT_EXPECT_EQ(test, data.heap_info.limit, SZ_1M);
	KUNIT_EXPECT_EQ(test, data.heap_info.chunk_bytes, REFSLAB_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, data.heap_info.objects, 0);
	KUNIT_EXPECT_EQ(test, data.heap_info.types, 0);
	KUNIT_EXPECT_EQ(test, data.heap_info.handles, 0);
	end_session(test, session);
	/* and with the session its heap */
	DO(test, other, HEAP_CREATE, heap_create, .name = "kunit-session");
	end_session(test, other);
}

static void test_limits(struct kunit *test)
{
	struct session *session = bound_session(test);
	struct pool_usage usage;

	DO(test, session, HEAP_LIMITS, heap_limits,
	   .flags = REFSLAB_LIMITS_LIMIT | REFSLAB_LIMITS_HIGH,
	   .limit = SZ_2M, .high = SZ_1M);
	/* a field that its flag does not announce */
	FAIL(test, -EINVAL, session, HEAP_LIMITS, heap_limits,
	     .flags = REFSLAB_LIMITS_LIMIT, .limit = SZ_4M, .low = 1);
	FAIL(test, -EINVAL, session, HEAP_LIMITS, heap_limits,
	     .flags = REFSLAB_LIMITS_RESERVE, .reserve = SZ_4M);
	FAIL(test, -EINVAL, session, HEAP_LIMITS, heap_limits,
	     .flags = REFSLAB_LIMITS_LOW, .low = SZ_2M);
	pool_usage(&session_heap(session)->pool, &usage);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_LIMIT], SZ_2M);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_RESERVE], 0);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_LOW], 0);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_HIGH], SZ_1M);
	end_session(test, session);
}

static void test_type_numbers_out_of_range(struct kunit *test)
{
	struct session *session = bound_session(test);
	union session_data data = { .type_create = { .slots = 1 } };

	FAIL(test, -EINVAL, session, TYPE_CREATE, type_create, .name = "x");
	FAIL(test, -EINVAL, session, TYPE_CREATE, type_create, .slots = 1);
	FAIL(test, -EINVAL, session, TYPE_CREATE, type_create, .slots = 1,
	     .name = "x y");
	FAIL(test, -EINVAL, session, TYPE_CREATE, type_create,
	     .slots = REFSLAB_SLOTS_MAX + 1, .name = "x");
	FAIL(test, -EINVAL, session, TYPE_CREATE, type_create,
	     .slots = U32_MAX, .name = "x");
	FAIL(test, -EINVAL, session, TYPE_CREATE, type_create,
	     .payload = REFSLAB_PAYLOAD_MAX + 1, .name = "x");
	FAIL(test, -EINVAL, session, TYPE_CREATE, type_create, .slots = 1,
	     .align = 24, .name = "x");
	FAIL(test, -EINVAL, session, TYPE_CREATE, type_create, .slots = 1,
	     .align = 8192, .name = "x");
	memset(data.type_create.name, 'a', sizeof(data.type_create.name));
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_TYPE_CREATE, &data), -EINVAL);
	new_type(test, session, "x", 1, 0, 0);
	FAIL(test, -EEXIST, session, TYPE_CREATE, type_create, .slots = 1,
	     .name = "x");
	end_session(test, session);
}

/* Where the payload is: behind the slots, aligned, inside the object, its own. */
static void test_payload_place(struct kunit *test)
{
	static const u32 aligns[] = { 0, 1, 8, 16, 64, 512, 4096 };
	static const u32 slots[] = { 0, 1, 2, 3, 100 };
	struct session *session = bound_session(test);
	struct refslab_object *object;
	struct refslab_type *type;
	unsigned int i, j, k;
	u64 handle;
	u32 id;

	for (i = 0; i < ARRAY_SIZE(aligns); i++) {
		for (j = 0; j < ARRAY_SIZE(slots); j++) {
			u32 offset = payload_offset(slots[j], aligns[i]);
			u32 align = max(aligns[i], 8U);

			id = new_type(test, session, "x", slots[j], 24, aligns[i]);
			type = type_find(session_heap(session), id);
			KUNIT_EXPECT_EQ(test, payload_size(type), 24);
			KUNIT_EXPECT_LE(test, offset + 24, type->layout.size);
			if (slots[j])
				KUNIT_EXPECT_GE(test, offset, type->slot_offset +
						slots[j] * sizeof(struct refslab_slot));
			for (k = 0; k < 3; k++) {
				handle = new_object(test, session, id);
				object = handle_object(&session->handles, handle);
				KUNIT_EXPECT_EQ(test, ((uintptr_t)object + offset) %
						align, 0);
				KUNIT_EXPECT_NULL(test,
						  memchr_inv((void *)object + offset,
							     0, 24));
				/* whoever comes next must find it clean */
				memset((void *)object + offset, 0xff, 24);
				DO(test, session, CLOSE, close, .handle = handle);
			}
			DO(test, session, TYPE_DESTROY, type_destroy, .type = id);
		}
	}
	end_session(test, session);
}

static void test_type_info(struct kunit *test)
{
	struct session *session = bound_session(test);
	union session_data data = { };
	u32 a, b;

	FAIL(test, -ENOENT, session, TYPE_INFO, type_info,
	     .flags = REFSLAB_TYPE_INFO_NEXT);
	a = new_type(test, session, "a", 2, 100, 0);
	b = new_type(test, session, "b", 0, 100, 0);
	new_object(test, session, b);
	KUNIT_EXPECT_NE(test, a, 0);

	data.type_info.type = b;
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_TYPE_INFO, &data), 0);
	KUNIT_EXPECT_STREQ(test, data.type_info.name, "b");
	KUNIT_EXPECT_EQ(test, data.type_info.type_flags, REFSLAB_TYPE_FLAG_LEAF);
	KUNIT_EXPECT_EQ(test, data.type_info.payload, 100);
	KUNIT_EXPECT_EQ(test, data.type_info.objects, 1);
	KUNIT_EXPECT_EQ(test, data.type_info.slabs, 1);
	KUNIT_EXPECT_GE(test, data.type_info.object_size, 108);

	data.flags = REFSLAB_TYPE_INFO_NEXT;
	data.type_info.type = 0;
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_TYPE_INFO, &data), 0);
	KUNIT_EXPECT_EQ(test, data.type_info.type, min(a, b));
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_TYPE_INFO, &data), 0);
	KUNIT_EXPECT_EQ(test, data.type_info.type, max(a, b));
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_TYPE_INFO, &data), -ENOENT);

	DO(test, session, TYPE_DESTROY, type_destroy, .type = a);
	FAIL(test, -ENOENT, session, TYPE_INFO, type_info, .type = a);
	FAIL(test, -ENOENT, session, TYPE_DESTROY, type_destroy, .type = a);
	FAIL(test, -ENOENT, session, ALLOC, alloc, .type = a);
	FAIL(test, -ENOENT, session, ALLOC, alloc, .type = U32_MAX);
	FAIL(test, -EBUSY, session, TYPE_DESTROY, type_destroy, .type = b);
	FAIL(test, -EINVAL, session, TYPE_DESTROY, type_destroy, .type = b,
	     .reserved = 1);
	end_session(test, session);
}

/* Nobody was told: nothing is left of it. */
static void test_taken_back(struct kunit *test)
{
	struct session *session = bound_session(test);
	u32 type = new_type(test, session, "x", 1, 8, 0);
	u64 handle = new_object(test, session, type);
	union session_data data;

	DO(test, session, SLOT_SET, slot_set, .handle = handle, .target = handle);

	data = (union session_data){ .alloc = { .type = type } };
	KUNIT_EXPECT_EQ(test, session_do(session, REFSLAB_ALLOC, &data, false), 0);
	data = (union session_data){ .dup = { .handle = handle } };
	KUNIT_EXPECT_EQ(test, session_do(session, REFSLAB_DUP, &data, false), 0);
	data = (union session_data){ .slot_load = { .handle = handle } };
	KUNIT_EXPECT_EQ(test, session_do(session, REFSLAB_SLOT_LOAD, &data, false), 0);
	data = (union session_data){ .weak = { .handle = handle } };
	KUNIT_EXPECT_EQ(test, session_do(session, REFSLAB_WEAK, &data, false), 0);
	KUNIT_EXPECT_EQ(test, session->handles.count, 1);
	data = (union session_data){ .weak = { .handle = handle } };
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_WEAK, &data), 0);
	data = (union session_data){ .upgrade = { .weak = data.weak.weak } };
	KUNIT_EXPECT_EQ(test, session_do(session, REFSLAB_UPGRADE, &data, false), 0);
	KUNIT_EXPECT_EQ(test, session->handles.count, 2);
	KUNIT_EXPECT_EQ(test, count_of(test, session, handle), 2);
	KUNIT_EXPECT_EQ(test, heap_objects(session_heap(session)), 1);

	data = (union session_data){ .type_create = { .slots = 1, .name = "y" } };
	KUNIT_EXPECT_EQ(test, session_do(session, REFSLAB_TYPE_CREATE, &data, false), 0);
	KUNIT_EXPECT_EQ(test, session_heap(session)->type_count, 1);
	new_type(test, session, "y", 1, 0, 0);
	end_session(test, session);
}

/* Between its making and its number being told, a type cannot be found. */
static void test_type_not_told_yet(struct kunit *test)
{
	const struct session_call *call = session_find_call(REFSLAB_TYPE_CREATE);
	struct session *session = bound_session(test);
	union session_data data = { .type_create = { .slots = 1, .name = "x" } };
	u32 id;

	KUNIT_ASSERT_EQ(test, session_run(session, call, &data), 0);
	id = data.type_create.type;
	FAIL(test, -ENOENT, session, ALLOC, alloc, .type = id);
	FAIL(test, -ENOENT, session, TYPE_DESTROY, type_destroy, .type = id);
	FAIL(test, -ENOENT, session, TYPE_INFO, type_info, .type = id);
	FAIL(test, -ENOENT, session, TYPE_INFO, type_info,
	     .flags = REFSLAB_TYPE_INFO_NEXT);
	call->finish(session, &data, true);
	new_object(test, session, id);
	end_session(test, session);
}

static void test_handles(struct kunit *test)
{
	struct session *session = bound_session(test);
	u32 type = new_type(test, session, "x", 0, 8, 0);
	u64 handle = new_object(test, session, type);
	union session_data data = { .dup = { .handle = handle } };

	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_DUP, &data), 0);
	KUNIT_EXPECT_NE(test, data.dup.copy, handle);
	KUNIT_EXPECT_EQ(test, count_of(test, session, handle), 2);
	DO(test, session, CLOSE, close, .handle = handle);
	KUNIT_EXPECT_EQ(test, count_of(test, session, data.dup.copy), 1);

	/* closed, never there, none */
	FAIL(test, -EBADF, session, CLOSE, close, .handle = handle);
	FAIL(test, -EBADF, session, CLOSE, close, .handle = U64_MAX);
	FAIL(test, -EBADF, session, CLOSE, close, .handle = 0);
	FAIL(test, -EBADF, session, DUP, dup, .handle = handle);
	FAIL(test, -EBADF, session, OBJECT_INFO, object_info, .handle = handle);
	FAIL(test, -EBADF, session, SLOT_LOAD, slot_load, .handle = handle);
	FAIL(test, -EBADF, session, READ, io, .handle = handle);
	FAIL(test, -EBADF, session, WRITE, io, .handle = handle);

	DO(test, session, CLOSE, close, .handle = data.dup.copy);
	KUNIT_EXPECT_EQ(test, heap_objects(session_heap(session)), 0);
	end_session(test, session);
}

static void test_handle_limit(struct kunit *test)
{
	struct session *session = bound_session(test);
	u32 type = new_type(test, session, "x", 1, 8, 0);
	u64 handle;

	session->handles.max = 2;
	handle = new_object(test, session, type);
	DO(test, session, SLOT_SET, slot_set, .handle = handle, .target = handle);
	new_object(test, session, type);
	FAIL(test, -ENOSPC, session, ALLOC, alloc, .type = type);
	FAIL(test, -ENOSPC, session, DUP, dup, .handle = handle);
	FAIL(test, -ENOSPC, session, SLOT_LOAD, slot_load, .handle = handle);
	KUNIT_EXPECT_EQ(test, heap_objects(session_heap(session)), 2);
	KUNIT_EXPECT_EQ(test, count_of(test, session, handle), 2);
	end_session(test, session);
}

static void test_slots(struct kunit *test)
{
	struct session *session = bound_session(test);
	u32 type = new_type(test, session, "x", 2, 0, 0);
	u64 a = new_object(test, session, type);
	u64 b = new_object(test, session, type);
	u64 loaded;

	KUNIT_EXPECT_EQ(test, load(test, session, a, 0), 0);
	DO(test, session, SLOT_SET, slot_set, .handle = a, .slot = 1, .target = b);
	KUNIT_EXPECT_EQ(test, count_of(test, session, b), 2);
	loaded = load(test, session, a, 1);
	KUNIT_EXPECT_PTR_EQ(test, handle_object(&session->handles, loaded),
			    handle_object(&session->handles, b));
	DO(test, session, CLOSE, close, .handle = loaded);

	DO(test, session, SLOT_MOVE, slot_move, .from = a, .from_slot = 1,
	   .to = b, .to_slot = 0);
	KUNIT_EXPECT_EQ(test, load(test, session, a, 1), 0);
	KUNIT_EXPECT_EQ(test, count_of(test, session, b), 2);
	/* to itself: nothing; from an empty one: emptied */
	DO(test, session, SLOT_MOVE, slot_move, .from = b, .to = b);
	KUNIT_EXPECT_EQ(test, count_of(test, session, b), 2);
	DO(test, session, SLOT_MOVE, slot_move, .from = a, .to = b);
	KUNIT_EXPECT_EQ(test, count_of(test, session, b), 1);

	FAIL(test, -EINVAL, session, SLOT_SET, slot_set, .handle = a, .slot = 2);
	FAIL(test, -EINVAL, session, SLOT_SET, slot_set, .handle = a,
	     .slot = U32_MAX);
	FAIL(test, -EINVAL, session, SLOT_SET, slot_set, .handle = a,
	     .reserved = 1);
	FAIL(test, -EBADF, session, SLOT_SET, slot_set, .handle = a,
	     .target = 1);
	FAIL(test, -EINVAL, session, SLOT_LOAD, slot_load, .handle = a, .slot = 2);
	FAIL(test, -EINVAL, session, SLOT_LOAD, slot_load, .handle = a,
	     .reserved = 1);
	FAIL(test, -EINVAL, session, SLOT_MOVE, slot_move, .from = a, .to = b,
	     .from_slot = 2);
	FAIL(test, -EINVAL, session, SLOT_MOVE, slot_move, .from = a, .to = b,
	     .to_slot = 2);
	FAIL(test, -EBADF, session, SLOT_MOVE, slot_move, .from = a, .to = 1);
	end_session(test, session);
}

/* What belongs to one session is no handle in another. */
static void test_no_way_across(struct kunit *test)
{
	struct session *a = bound_session(test), *b = bound_session(test);
	u64 mine = new_object(test, a, new_type(test, a, "x", 1, 8, 0));
	u64 other = new_object(test, b, new_type(test, b, "x", 1, 8, 0));

	/* both drew the same tag: once in 2^32 runs */
	KUNIT_ASSERT_NE(test, mine, other);
	FAIL(test, -EBADF, a, SLOT_SET, slot_set, .handle = mine, .target = other);
	FAIL(test, -EBADF, a, CLOSE, close, .handle = other);
	/* a reference smuggled in by the kernel still does not link */
	handle_install(&a->handles, mine, handle_object(&b->handles, other));
	FAIL(test, -EXDEV, a, SLOT_SET, slot_set, .handle = mine, .target = mine);
	session_destroy(a);
	session_destroy(b);
}

static void test_payload_bounds(struct kunit *test)
{
	struct session *session = bound_session(test);
	u64 handle = new_object(test, session,
				new_type(test, session, "x", 1, 1000, 0));
	static const unsigned int cmds[] = { REFSLAB_READ, REFSLAB_WRITE };
	static const struct { u32 offset, length; int err; } ranges[] = {
		{ 0, 0, 0 },
		{ 1000, 0, 0 },
		{ 1001, 0, -EINVAL },
		{ 1000, 1, -EINVAL },
		{ 0, 1001, -EINVAL },
		{ 999, 2, -EINVAL },
		{ U32_MAX, 0, -EINVAL },
		{ U32_MAX, 1, -EINVAL },	/* no sum in 32 bits */
		{ 0, U32_MAX, -EINVAL },
		{ 2, U32_MAX, -EINVAL },
		{ U32_MAX, U32_MAX, -EINVAL },
		/* beyond the kernel's own stack buffer, not beyond the payload */
		{ 0, PAYLOAD_SMALL + 1, -EFAULT },
		{ 0, 1000, -EFAULT },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		for (j = 0; j < ARRAY_SIZE(ranges); j++) {
			union session_data data = {
				.io = {
					.handle = handle,
					.offset = ranges[j].offset,
					.length = ranges[j].length,
					/* no program's memory */
					.buffer = U64_MAX - SZ_8K,
				},
			};
			int err = do_call(session, cmds[i], &data);

			/* a short write looks at the buffer first */
			if (err == -EFAULT && ranges[j].length &&
			    ranges[j].length <= PAYLOAD_SMALL)
				continue;
			KUNIT_EXPECT_EQ_MSG(test, err, ranges[j].err,
					    "%s, offset %u, length %u",
					    i ? "write" : "read",
					    ranges[j].offset, ranges[j].length);
		}
	}
	KUNIT_EXPECT_EQ(test, count_of(test, session, handle), 1);
	end_session(test, session);
}

static void test_sweeps(struct kunit *test)
{
	struct session *session = bound_session(test);
	u32 type = new_type(test, session, "x", 1, 8, 0);
	u64 a = new_object(test, session, type);
	u64 b = new_object(test, session, type);
	union session_data data = { };

	DO(test, session, ENABLE, enable, .flags = REFSLAB_ENABLE_SET);
	DO(test, session, SLOT_SET, slot_set, .handle = a, .target = b);
	DO(test, session, SLOT_SET, slot_set, .handle = b, .target = a);
	DO(test, session, CLOSE, close, .handle = a);
	DO(test, session, CLOSE, close, .handle = b);
	KUNIT_EXPECT_EQ(test, heap_objects(session_heap(session)), 2);

	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_COUNTS, &data), 0);
	KUNIT_EXPECT_EQ(test, data.counts.count[0], 2);
	KUNIT_EXPECT_EQ(test, data.counts.count[1], 0);

	data = (union session_data){ .collect = { .generation = 0 } };
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_COLLECT, &data), 0);
	KUNIT_EXPECT_EQ(test, data.collect.freed, 2);
	KUNIT_EXPECT_GE(test, data.collect.examined, 2);
	KUNIT_EXPECT_EQ(test, heap_objects(session_heap(session)), 0);

	data = (union session_data){ .stats = { .generation = 0 } };
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_STATS, &data), 0);
	KUNIT_EXPECT_EQ(test, data.stats.runs, 1);
	KUNIT_EXPECT_EQ(test, data.stats.freed, 2);

	FAIL(test, -EINVAL, session, COLLECT, collect, .generation = 3);
	FAIL(test, -EINVAL, session, COLLECT, collect, .generation = U32_MAX);
	FAIL(test, -EINVAL, session, COLLECT, collect, .reserved = 1);
	FAIL(test, -EINVAL, session, STATS, stats, .generation = 3);
	FAIL(test, -EINVAL, session, STATS, stats, .reserved = 1);
	end_session(test, session);
}

static void test_thresholds(struct kunit *test)
{
	struct session *session = bound_session(test);
	union session_data data = { };

	DO(test, session, THRESHOLDS, thresholds,
	   .flags = REFSLAB_THRESHOLDS_SET, .threshold = { 1, 2, 3 });
	FAIL(test, -EINVAL, session, THRESHOLDS, thresholds,
	     .flags = REFSLAB_THRESHOLDS_SET, .threshold = { 4, 5, U32_MAX });
	FAIL(test, -EINVAL, session, THRESHOLDS, thresholds, .reserved = 1);
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_THRESHOLDS, &data), 0);
	KUNIT_EXPECT_EQ(test, data.thresholds.threshold[0], 1);
	KUNIT_EXPECT_EQ(test, data.thresholds.threshold[1], 2);
	KUNIT_EXPECT_EQ(test, data.thresholds.threshold[2], 3);

	FAIL(test, -EINVAL, session, ENABLE, enable, .flags = REFSLAB_ENABLE_SET,
	     .enabled = 2);
	FAIL(test, -EINVAL, session, ENABLE, enable, .reserved = 1);
	/* without the flag the field is no request */
	data = (union session_data){ .enable = { .enabled = 2 } };
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_ENABLE, &data), 0);
	KUNIT_EXPECT_EQ(test, data.enable.enabled, 1);
	DO(test, session, ENABLE, enable, .flags = REFSLAB_ENABLE_SET);
	KUNIT_EXPECT_EQ(test, do_call(session, REFSLAB_ENABLE, &data), 0);
	KUNIT_EXPECT_EQ(test, data.enable.enabled, 0);
	end_session(test, session);
}

/* While another session uses the heap, references have to go back one by one. */
static void test_shared_heap(struct kunit *test)
{
	struct session *a = bound_session(test), *b = session_create();
	u32 type = new_type(test, a, "x", 0, 8, 0);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, b);
	session_bind(b, user_heap_get(a->heap));
	for (i = 0; i < 300; i++)
		new_object(test, a, type);
	new_object(test, b, type);
	KUNIT_EXPECT_EQ(test, heap_objects(session_heap(b)), 301);
	session_destroy(a);
	KUNIT_EXPECT_EQ(test, heap_objects(session_heap(b)), 1);
	end_session(test, b);
}

/*
 * Weak handles end with their session: those of dead objects and of live ones,
 * in a heap that goes and in one that stays.
 */
static void test_weak_end(struct kunit *test)
{
	struct session *a = bound_session(test), *b = session_create();
	u32 type = new_type(test, a, "x", 1, 8, 0);
	union session_data data;
	u64 handle, weak;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, b);
	session_bind(b, user_heap_get(a->heap));
	for (i = 0; i < 600; i++) {
		handle = new_object(test, i % 2 ? a : b, type);
		data = (union session_data){ .weak = { .handle = handle } };
		KUNIT_ASSERT_EQ(test, do_call(i % 2 ? a : b, REFSLAB_WEAK, &data), 0);
		weak = data.weak.weak;
		if (i % 3)
			DO(test, i % 2 ? a : b, CLOSE, close, .handle = handle);
		data = (union session_data){ .upgrade = { .weak = weak } };
		KUNIT_ASSERT_EQ(test, do_call(i % 2 ? a : b, REFSLAB_UPGRADE, &data), 0);
		KUNIT_EXPECT_EQ(test, !data.upgrade.handle, !!(i % 3));
	}
	KUNIT_EXPECT_EQ(test, handle_table_validate(&a->handles), 0);
	session_destroy(a);
	KUNIT_EXPECT_EQ(test, heap_objects(session_heap(b)), 100);
	end_session(test, b);
}

/* A page that somebody pins counts until he lets go, and is nobody's meanwhile. */
static void test_mapped(struct kunit *test)
{
	struct session *session = bound_session(test);
	struct refslab_heap *heap = session_heap(session);
	union session_data data = { .type_create = {
		.flags = REFSLAB_TYPE_MAPPED, .slots = 1, .payload = 2 * PAGE_SIZE + 1,
		.name = "mapped" } };
	struct refslab_object *object;
	struct mapped *mapped;
	struct page *page;
	u64 handle;

	KUNIT_ASSERT_EQ(test, do_call(session, REFSLAB_TYPE_CREATE, &data), 0);
	handle = new_object(test, session, data.type_create.type);
	object = handle_object(&session->handles, handle);
	KUNIT_EXPECT_TRUE(test, type_is_mapped(refslab_type_of(object)));
	mapped = mapped_get(refslab_type_of(object), object);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mapped));
	KUNIT_EXPECT_EQ(test, mapped->count, 3);
	KUNIT_EXPECT_PTR_EQ(test, mapped_get(refslab_type_of(object), object), mapped);
	KUNIT_EXPECT_EQ(test, heap->pool.pages, 3);
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);
	page = mapped->pages[1];
	get_page(page);
	DO(test, session, CLOSE, close, .handle = handle);
	releaser_flush(&heap->releaser);
	KUNIT_EXPECT_EQ(test, heap->pool.pages, 1);
	KUNIT_EXPECT_EQ(test, page_count(page), 2);
	KUNIT_EXPECT_EQ(test, heap_validate(heap), 0);
	park_reap(&heap->park);
	KUNIT_EXPECT_EQ(test, heap->pool.pages, 1);
	put_page(page);
	park_reap(&heap->park);
	KUNIT_EXPECT_EQ(test, heap->pool.pages, 0);
	end_session(test, session);
}

static struct kunit_case session_cases[] = {
	KUNIT_CASE(test_find_call),
	KUNIT_CASE(test_published_sizes),
	KUNIT_CASE(test_what_all_calls_refuse),
	KUNIT_CASE(test_heap),
	KUNIT_CASE(test_limits),
	KUNIT_CASE(test_type_numbers_out_of_range),
	KUNIT_CASE(test_payload_place),
	KUNIT_CASE(test_type_info),
	KUNIT_CASE(test_taken_back),
	KUNIT_CASE(test_type_not_told_yet),
	KUNIT_CASE(test_handles),
	KUNIT_CASE(test_handle_limit),
	KUNIT_CASE(test_slots),
	KUNIT_CASE(test_no_way_across),
	KUNIT_CASE(test_payload_bounds),
	KUNIT_CASE(test_sweeps),
	KUNIT_CASE(test_thresholds),
	KUNIT_CASE(test_shared_heap),
	KUNIT_CASE(test_weak_end),
	KUNIT_CASE(test_mapped),
	{}
};

static struct kunit_suite session_suite = {
	.name = "refslab_session",
	.test_cases = session_cases,
};

kunit_test_suites(&session_suite);
