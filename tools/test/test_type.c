// SPDX-License-Identifier: GPL-2.0
/* Types: making, looking at and removing them; what a fresh object is like. */
#include "client.h"

static struct refslab_type_info type_info(int fd, uint32_t type)
{
	struct refslab_type_info info;

	works(refslab_type_info(fd, type, &info));
	return info;
}

static void test_create(void **state)
{
	struct client *client = *state;
	struct refslab_type_info info;
	uint32_t number = 0;

	works(refslab_type_create(client->fd, "T-1_x.y", 3, 100, 64, &number));
	assert_int_not_equal(number, 0);
	info = type_info(client->fd, number);
	assert_int_equal(info.type, number);
	assert_int_equal(info.type_flags, 0);
	assert_int_equal(info.slots, 3);
	assert_int_equal(info.payload, 100);
	assert_string_equal(info.name, "T-1_x.y");
	/* Header, slots and payload must fit into an object, objects into a slab. */
	assert_true(info.object_size >= 8 + 3 * 8 + 100);
	assert_true(info.slab_objects >= 1);
	assert_true((uint64_t)info.slab_objects * info.object_size <=
		    info_of(client->fd).chunk_bytes);
	assert_int_equal(info.objects, 0);
	assert_int_equal(info_of(client->fd).types, 6);
}

static void test_leaf(void **state)
{
	struct client *client = *state;
	struct refslab_type_info leaf = type_info(client->fd, client->leaf);
	struct refslab_type_info one = type_info(client->fd, client->one);

	assert_int_equal(leaf.type_flags, REFSLAB_TYPE_FLAG_LEAF);
	assert_int_equal(leaf.slots, 0);
	assert_int_equal(one.type_flags, 0);
	/* It has no slot to pay for, at the least. */
	assert_true(leaf.object_size + 8 <= one.object_size);
}

/* What 16 bytes of header and all slots leave of the largest object. */
#define MOST_BESIDE_SLOTS (REFSLAB_OBJECT_BYTES_MAX - 16 - 8 * REFSLAB_SLOTS_MAX)

static void test_bounds(void **state)
{
	static const struct { uint32_t slots, payload, align; } good[] = {
		{ 0, 1, 0 }, { 1, 0, 0 }, { 0, REFSLAB_PAYLOAD_MAX, 0 },
		{ REFSLAB_SLOTS_MAX, 0, 0 },
		{ REFSLAB_SLOTS_MAX, MOST_BESIDE_SLOTS, 0 },
		{ 1, 1, 1 }, { 1, 8, 2 }, { 1, 8, 4096 },
	}, bad[] = {
		{ 0, 0, 0 }, { REFSLAB_SLOTS_MAX + 1, 8, 0 },
		{ REFSLAB_SLOTS_MAX, MOST_BESIDE_SLOTS + 1, 0 },
		{ REFSLAB_SLOTS_MAX, REFSLAB_PAYLOAD_MAX, 4096 },
		{ 1, REFSLAB_PAYLOAD_MAX + 1, 0 }, { UINT32_MAX, 8, 0 },
		{ 1, UINT32_MAX, 0 }, { UINT32_MAX, UINT32_MAX, 0 },
		{ 1, 8, 3 }, { 1, 8, 24 }, { 1, 8, 8192 },
		{ 1, 8, 1u << 31 }, { 1, 8, UINT32_MAX },
	};
	struct client *client = *state;
	struct refslab_object_info info;
	char name[REFSLAB_NAME_MAX];
	uint64_t handle;
	uint32_t type;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		fails(EINVAL, refslab_type_create(client->fd, "bad", bad[i].slots,
						  bad[i].payload, bad[i].align,
						  &type));
	assert_int_equal(info_of(client->fd).types, 5);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(name, sizeof(name), "good-%zu", i);
		works(refslab_type_create(client->fd, name, good[i].slots,
					  good[i].payload, good[i].align, &type));
		handle = make(client->fd, type);
		works(refslab_object_info(client->fd, handle, &info));
		assert_int_equal(info.type, type);
		assert_int_equal(info.slots, good[i].slots);
		assert_int_equal(info.payload, good[i].payload);
		drop(client->fd, handle);
	}
}

static void test_names(void **state)
{
	static const char *const bad[] = {
		"", "a/b", "a b", "a\n", "\x80", ".", "..", "a:b", "\x7f",
	};
	struct refslab_type_create create = {
		.size = sizeof(create), .slots = 1,
	};
	struct client *client = *state;
	char name[REFSLAB_NAME_MAX];
	uint32_t type;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		fails(EINVAL, refslab_type_create(client->fd, bad[i], 1, 8, 0, &type));
	memset(create.name, 'n', sizeof(create.name));
	assert_int_equal(ioctl(client->fd, REFSLAB_TYPE_CREATE, &create), -1);
	assert_int_equal(errno, EINVAL);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	works(refslab_type_create(client->fd, name, 1, 8, 0, &type));
	assert_string_equal(type_info(client->fd, type).name, name);
	fails(EEXIST, refslab_type_create(client->fd, name, 2, 16, 0, &type));
	works(refslab_type_destroy(client->fd, type));
	works(refslab_type_create(client->fd, name, 2, 16, 0, &type));
	assert_int_equal(type_info(client->fd, type).slots, 2);
}

static void test_destroy(void **state)
{
	struct client *client = *state;
	struct refslab_type_info info;
	uint64_t handle = make(client->fd, client->one), unused;

	fails(EBUSY, refslab_type_destroy(client->fd, client->one));
	/* It is as usable as before. */
	drop(client->fd, make(client->fd, client->one));
	drop(client->fd, handle);
	works(refslab_type_destroy(client->fd, client->one));
	fails(ENOENT, refslab_type_destroy(client->fd, client->one));
	fails(ENOENT, refslab_type_info(client->fd, client->one, &info));
	fails(ENOENT, refslab_alloc(client->fd, client->one, &unused));
	assert_int_equal(info_of(client->fd).types, 4);
	assert_int_equal(info_of(client->fd).objects, 0);
	assert_int_equal(info_of(client->fd).handles, 0);
}

/* Garbage keeps its type until it is swept. */
static void test_destroy_after_sweep(void **state)
{
	struct client *client = *state;

	drop(client->fd, ring(client->fd, client->one, 10));
	fails(EBUSY, refslab_type_destroy(client->fd, client->one));
	assert_int_equal(sweep(client->fd, 2), 10);
	works(refslab_type_destroy(client->fd, client->one));
}

static void test_no_such_type(void **state)
{
	static const uint32_t none[] = { 0, 77777, 1u << 31, UINT32_MAX };
	struct client *client = *state;
	struct refslab_type_info info;
	uint64_t handle;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(none); i++) {
		fails(ENOENT, refslab_alloc(client->fd, none[i], &handle));
		fails(ENOENT, refslab_type_destroy(client->fd, none[i]));
		fails(ENOENT, refslab_type_info(client->fd, none[i], &info));
	}
}

static void test_next(void **state)
{
	struct client *client = *state;
	uint32_t seen[8], type = 0;
	struct refslab_type_info info;
	size_t n = 0, i;
	int err;

	works(refslab_type_destroy(client->fd, client->two));
	while (!(err = refslab_type_next(client->fd, type, &info))) {
		assert_true(info.type > type);
		assert_true(n < ARRAY_SIZE(seen));
		assert_string_equal(info.name, type_info(client->fd, info.type).name);
		seen[n++] = type = info.type;
	}
	assert_int_equal(err, -ENOENT);
	assert_int_equal(n, 4);
	for (i = 0; i < n; i++)
		assert_int_not_equal(seen[i], client->two);
	fails(ENOENT, refslab_type_next(client->fd, UINT32_MAX, &info));
}

static void test_objects_of_type(void **state)
{
	struct client *client = *state;
	uint64_t handle[100];
	int i;

	for (i = 0; i < 100; i++)
		handle[i] = make(client->fd, i % 4 ? client->one : client->leaf);
	assert_int_equal(type_info(client->fd, client->one).objects, 75);
	assert_int_equal(type_info(client->fd, client->leaf).objects, 25);
	assert_int_equal(type_info(client->fd, client->two).objects, 0);
	assert_true(type_info(client->fd, client->one).slabs >= 1);
	for (i = 0; i < 100; i++)
		drop(client->fd, handle[i]);
	assert_int_equal(type_info(client->fd, client->one).objects, 0);
	assert_int_equal(type_info(client->fd, client->leaf).objects, 0);
}

/* Memory that another object had must not show through. */
static void test_fresh_is_empty(void **state)
{
	unsigned char dirt[PAYLOAD], payload[PAYLOAD];
	struct client *client = *state;
	uint64_t handle[512], target = make(client->fd, client->leaf);
	unsigned int round, i, slot;
	size_t byte;

	memset(dirt, 0xdb, sizeof(dirt));
	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(handle); i++) {
			handle[i] = make(client->fd, client->four);
			memset(payload, 0xff, sizeof(payload));
			works(refslab_read(client->fd, handle[i], 0, payload, PAYLOAD));
			for (byte = 0; byte < PAYLOAD; byte++)
				assert_int_equal(payload[byte], 0);
			for (slot = 0; slot < 4; slot++)
				assert_true(load(client->fd, handle[i], slot) == 0);
		}
		for (i = 0; i < ARRAY_SIZE(handle); i++) {
			works(refslab_write(client->fd, handle[i], 0, dirt, PAYLOAD));
			for (slot = 0; slot < 4; slot++)
				fill(client->fd, handle[i], slot, target);
			drop(client->fd, handle[i]);
		}
	}
	assert_int_equal(count_of(client->fd, target), 1);
}

static void test_too_many(void **state)
{
	struct client *client = *state;
	char name[REFSLAB_NAME_MAX];
	uint32_t number = 0, last = 0, made;
	int err = 0;

	for (made = 0; made < 100000; made++) {
		snprintf(name, sizeof(name), "many-%u", made);
		err = refslab_type_create(client->fd, name, 1, 8, 0, &number);
		if (err)
			break;
		last = number;
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(info_of(client->fd).types, made + 5);
	/* Room for one is room for one. */
	works(refslab_type_destroy(client->fd, last));
	works(refslab_type_create(client->fd, "again", 1, 8, 0, &number));
	fails(ENOSPC, refslab_type_create(client->fd, "more", 1, 8, 0, &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_create),
		client_test(test_leaf),
		client_test(test_bounds),
		client_test(test_names),
		client_test(test_destroy),
		client_test(test_destroy_after_sweep),
		client_test(test_no_such_type),
		client_test(test_next),
		client_test(test_objects_of_type),
		client_test(test_fresh_is_empty),
		client_test(test_too_many),
	};

	return run_as_tap(tests);
}
