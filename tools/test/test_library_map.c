// SPDX-License-Identifier: GPL-2.0
/* librefslab's mappings of payloads. */
#include <fcntl.h>
#include <sys/mman.h>

#include "client.h"

#define BYTES	10000		/* no whole number of pages */

static uint64_t page_up(uint64_t bytes)
{
	uint64_t page = sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static uint64_t make_mapped(int fd)
{
	uint32_t type;

	works(refslab_type_create_mapped(fd, "mapped", 1, BYTES, &type));
	return make(fd, type);
}

/* A descriptor, and what one maps with it. */
static void test_map(void **state)
{
	struct client *client = *state;
	uint64_t handle = make_mapped(client->fd), length = 0;
	int fd = refslab_map(client->fd, handle, 0, &length), other;
	char bytes[8] = "";
	char *address;

	assert_in_range(fd, 0, INT32_MAX);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(length, page_up(BYTES));
	other = refslab_map(client->fd, handle, 0, NULL);
	assert_in_range(other, 0, INT32_MAX);
	address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(address, MAP_FAILED);
	memcpy(address + BYTES - 8, "written", 8);
	works(refslab_read(client->fd, handle, BYTES - 8, bytes, 8));
	assert_string_equal(bytes, "written");
	munmap(address, length);
	close(fd);
	close(other);
}

static void test_map_mistakes(void **state)
{
	struct client *client = *state;
	uint64_t handle = make_mapped(client->fd), length = 4711, copy;
	uint64_t unmapped = make(client->fd, client->one);
	struct refslab_mapping mapping = { client, 4711 };

	assert_int_equal(refslab_map(client->fd, 4711, 0, &length), -EBADF);
	assert_int_equal(refslab_map(client->fd, handle, 1U << 31, &length), -EINVAL);
	assert_int_equal(refslab_map(client->fd, unmapped, 0, &length), -ENODEV);
	works(refslab_dup(client->fd, handle, REFSLAB_READ_ONLY, &copy));
	assert_int_equal(refslab_map(client->fd, copy, 0, &length), -EACCES);
	fails(EACCES, refslab_map_payload(client->fd, copy, 0, &mapping));
	fails(ENODEV, refslab_map_payload(client->fd, unmapped, 0, &mapping));
	assert_int_equal(length, 4711);
	assert_true(mapping.address == client && mapping.length == 4711);
}

/* The mapping is all that is left, and is the reference. */
static void test_map_payload(void **state)
{
	struct client *client = *state;
	uint64_t handle = make_mapped(client->fd);
	struct refslab_mapping mapping;
	char bytes[8] = "";

	works(refslab_map_payload(client->fd, handle, 0, &mapping));
	assert_int_equal(mapping.length, page_up(BYTES));
	assert_int_equal(*(char *)mapping.address, 0);
	memcpy(mapping.address, "written", 8);
	works(refslab_read(client->fd, handle, 0, bytes, 8));
	assert_string_equal(bytes, "written");
	drop(client->fd, handle);
	assert_objects(client->fd, 1);
	assert_string_equal(mapping.address, "written");

	works(refslab_unmap_payload(&mapping));
	assert_objects(client->fd, 0);
	assert_null(mapping.address);
	assert_int_equal(mapping.length, 0);
	/* None is none. */
	works(refslab_unmap_payload(&mapping));
	mapping.address = (char *)1;
	mapping.length = 1;
	fails(EINVAL, refslab_unmap_payload(&mapping));
}

static void test_map_payload_read_only(void **state)
{
	struct client *client = *state;
	uint64_t handle = make_mapped(client->fd);
	struct refslab_mapping mapping;

	works(refslab_write(client->fd, handle, 0, "written", 8));
	works(refslab_map_payload(client->fd, handle, REFSLAB_READ_ONLY, &mapping));
	assert_string_equal(mapping.address, "written");
	assert_int_equal(mprotect(mapping.address, mapping.length,
				  PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	works(refslab_unmap_payload(&mapping));
}

static void test_scope(void **state)
{
	struct client *client = *state;
	uint64_t handle = make_mapped(client->fd);

	{
		refslab_auto_mapping none = { 0 };
		refslab_auto_mapping mapping = { 0 };

		works(refslab_map_payload(client->fd, handle, 0, &mapping));
		drop(client->fd, handle);
		assert_objects(client->fd, 1);
		assert_null(none.address);
	}
	assert_objects(client->fd, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_map),
		client_test(test_map_mistakes),
		client_test(test_map_payload),
		client_test(test_map_payload_read_only),
		client_test(test_scope),
	};

	return run_as_tap(tests);
}
