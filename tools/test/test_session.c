// SPDX-License-Identifier: GPL-2.0
/* Sessions and their heaps: making them, what they say of themselves, their end. */
#include <fcntl.h>
#include <sys/stat.h>

#include "client.h"

static void test_device(void **state)
{
	struct stat st;

	(void)state;
	works(stat(REFSLAB_DEVICE, &st));
	assert_true(S_ISCHR(st.st_mode));
	/* Nobody but root, unless the administrator says so. */
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_create(void **state)
{
	struct refslab_heap_info info;
	int fd = session();

	(void)state;
	fails(ENXIO, refslab_heap_info(fd, &info));
	works(refslab_heap_create(fd, "a-Heap_1.x", 8 << 20));
	info = info_of(fd);
	assert_string_equal(info.name, "a-Heap_1.x");
	assert_int_equal(info.limit, 8 << 20);
	assert_int_equal(info.objects, 0);
	assert_int_equal(info.types, 0);
	assert_int_equal(info.handles, 0);
	assert_true(info.handles_max > 0);
	assert_true(info.chunk_bytes >= 4096);
	assert_int_equal(info.chunk_bytes & (info.chunk_bytes - 1), 0);
	assert_true(info.low <= info.high);
	assert_true(info.reserve <= info.limit);
	assert_true(info.bytes <= info.limit);
	assert_true(info.cached <= info.bytes);
	/* A session has one heap, for good. */
	fails(EBUSY, refslab_heap_create(fd, "another", 0));
	fails(EBUSY, refslab_heap_create(fd, "", 0));
	assert_string_equal(info_of(fd).name, "a-Heap_1.x");
	close(fd);
}

static void test_info_counts(void **state)
{
	struct client *client = *state;
	uint64_t a, b, c;

	assert_int_equal(info_of(client->fd).types, 5);
	a = make(client->fd, client->two);
	b = make(client->fd, client->leaf);
	assert_int_equal(info_of(client->fd).objects, 2);
	assert_int_equal(info_of(client->fd).handles, 2);
	c = dup_of(client->fd, a);
	assert_int_equal(info_of(client->fd).objects, 2);
	assert_int_equal(info_of(client->fd).handles, 3);
	assert_true(info_of(client->fd).bytes >= info_of(client->fd).chunk_bytes);
	drop(client->fd, a);
	drop(client->fd, b);
	assert_int_equal(info_of(client->fd).objects, 1);
	assert_int_equal(info_of(client->fd).handles, 1);
	drop(client->fd, c);
	assert_int_equal(info_of(client->fd).objects, 0);
	assert_int_equal(info_of(client->fd).handles, 0);
}

static void test_limit_rounds_up(void **state)
{
	uint64_t chunk, limit;
	int fd = session();

	(void)state;
	works(refslab_heap_create(fd, "", 0));
	chunk = info_of(fd).chunk_bytes;
	limit = info_of(fd).limit;
	/* The module's default is a whole number of chunks, too. */
	assert_true(limit > 0);
	assert_int_equal(limit % chunk, 0);
	close(fd);
	fd = session();
	works(refslab_heap_create(fd, "", 10 * chunk + 1));
	assert_int_equal(info_of(fd).limit, 11 * chunk);
	close(fd);
}

static void test_names(void **state)
{
	static const char *const bad[] = {
		"a/b", "a b", "a\n", "\x80", "a:b", "a%s", "*", "..", ".",
		"\x01", "{}", "a\\b", "~",
	};
	struct refslab_heap_create create = { .size = sizeof(create) };
	int fd = session(), other = session();
	char name[REFSLAB_NAME_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		fails(EINVAL, refslab_heap_create(fd, bad[i], 0));
	/* No end in sight. */
	memset(create.name, 'n', sizeof(create.name));
	assert_int_equal(ioctl(fd, REFSLAB_HEAP_CREATE, &create), -1);
	assert_int_equal(errno, EINVAL);
	/* The longest one. */
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	works(refslab_heap_create(fd, name, 0));
	assert_string_equal(info_of(fd).name, name);
	/* Taken; the session that was refused may try another. */
	fails(EEXIST, refslab_heap_create(other, name, 0));
	fails(ENXIO, refslab_collect(other, 0, &(struct refslab_collect) { 0 }));
	works(refslab_heap_create(other, "another", 0));
	/* Free again as soon as the heap is gone. */
	close(fd);
	fd = session();
	assert_true(eventually(!refslab_heap_create(fd, name, 0)));
	close(fd);
	close(other);
}

static void test_made_up_names(void **state)
{
	int a = session_with_heap(0), b = session_with_heap(0);
	struct refslab_heap_info first = info_of(a), second = info_of(b);
	static const char *const ours[] = { "heap-1", "heap-0", "heap-999999", "heap-7x" };
	int c = session();
	size_t i;

	(void)state;
	assert_true(strlen(first.name) > 0);
	assert_true(strlen(second.name) > 0);
	assert_string_not_equal(first.name, second.name);
	/* Nobody takes them before they are made up. */
	for (i = 0; i < ARRAY_SIZE(ours); i++)
		fails(EEXIST, refslab_heap_create(c, ours[i], 0));
	works(refslab_heap_create(c, "heap-x", 0));
	close(a);
	close(b);
	close(c);
}

/* Garbage after the name's zero is not part of the name. */
static void test_name_rest(void **state)
{
	struct refslab_heap_create create = { .size = sizeof(create) };
	struct refslab_heap_info info;
	int fd = session();
	size_t i;

	(void)state;
	memset(create.name, 0xff, sizeof(create.name));
	strcpy(create.name, "rest");
	if (!ioctl(fd, REFSLAB_HEAP_CREATE, &create)) {
		info = info_of(fd);
		for (i = 4; i < sizeof(info.name); i++)
			assert_int_equal(info.name[i], 0);
	} else {
		assert_int_equal(errno, EINVAL);
	}
	close(fd);
}

static void test_heaps_apart(void **state)
{
	int a = session_with_heap(0), b = session_with_heap(0);
	uint32_t type_a = type(a, 2, 8), type_b = type(b, 2, 8);
	uint64_t x = make(a, type_a), y;

	(void)state;
	assert_int_equal(info_of(a).objects, 1);
	assert_int_equal(info_of(b).objects, 0);
	/* The same name is another type in another heap. */
	works(refslab_type_create(a, "same", 1, 8, 0, &type_a));
	works(refslab_type_create(b, "same", 2, 8, 0, &type_b));
	fill(a, x, 0, x);
	drop(a, x);
	assert_int_equal(sweep(b, 2), 0);
	assert_objects(a, 1);
	y = make(b, type_b);
	assert_int_equal(sweep(a, 2), 1);
	assert_objects(a, 0);
	assert_objects(b, 1);
	close(a);
	/* One heap's end is not another's. */
	assert_objects(b, 1);
	assert_int_equal(count_of(b, y), 1);
	close(b);
}

static void test_inherited_descriptor(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one);
	int other = dup(client->fd);

	/* Two descriptors of one open file are one session. */
	assert_true(other >= 0);
	assert_int_equal(count_of(other, a), 1);
	drop(other, a);
	assert_objects(client->fd, 0);
	a = make(other, client->one);
	close(other);
	assert_int_equal(count_of(client->fd, a), 1);
}

static void test_plain_io_refused(void **state)
{
	struct client *client = *state;
	char byte = 0;

	assert_int_equal(read(client->fd, &byte, 1), -1);
	assert_int_equal(write(client->fd, &byte, 1), -1);
}

/* Sessions come and go without leaving anything. */
static void test_many_sessions(void **state)
{
	uint32_t one;
	int i, fd;

	(void)state;
	for (i = 0; i < 100; i++) {
		fd = session_with_heap(0);
		one = type(fd, 1, 8);
		drop(fd, ring(fd, one, 3));
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_create),
		client_test(test_info_counts),
		cmocka_unit_test(test_limit_rounds_up),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_made_up_names),
		cmocka_unit_test(test_name_rest),
		cmocka_unit_test(test_heaps_apart),
		client_test(test_inherited_descriptor),
		client_test(test_plain_io_refused),
		cmocka_unit_test(test_many_sessions),
	};

	return run_as_tap(tests);
}
