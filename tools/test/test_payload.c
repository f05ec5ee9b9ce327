// SPDX-License-Identifier: GPL-2.0
/* Payloads: what is written is read, and nothing beside it. */
#include <sys/mman.h>

#include "client.h"

static void test_round_trip(void **state)
{
	static const uint32_t sizes[] = { 1, 7, 8, 63, 64, 100, 4095, 4096, 4097, REFSLAB_PAYLOAD_MAX };
	unsigned char *out = malloc(REFSLAB_PAYLOAD_MAX);
	unsigned char *in = malloc(REFSLAB_PAYLOAD_MAX);
	struct client *client = *state;
	uint64_t a;
	uint32_t i;
	size_t n;

	assert_non_null(out);
	assert_non_null(in);
	for (n = 0; n < ARRAY_SIZE(sizes); n++) {
		a = make(client->fd, type(client->fd, n % 2, sizes[n]));
		for (i = 0; i < sizes[n]; i++)
			out[i] = i * 31 + n;
		works(refslab_write(client->fd, a, 0, out, sizes[n]));
		memset(in, 0, sizes[n]);
		works(refslab_read(client->fd, a, 0, in, sizes[n]));
		assert_memory_equal(in, out, sizes[n]);
		/* Byte by byte it is the same. */
		for (i = 0; i < sizes[n]; i += sizes[n] / 16 + 1) {
			works(refslab_read(client->fd, a, i, in, 1));
			assert_int_equal(in[0], out[i]);
		}
		drop(client->fd, a);
	}
	free(out);
	free(in);
}

static void test_part(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one);
	unsigned char in[PAYLOAD];
	int i;

	works(refslab_write(client->fd, a, 10, "middle", 6));
	works(refslab_write(client->fd, a, PAYLOAD - 3, "end", 3));
	works(refslab_read(client->fd, a, 0, in, PAYLOAD));
	for (i = 0; i < 10; i++)
		assert_int_equal(in[i], 0);
	assert_memory_equal(in + 10, "middle", 6);
	for (i = 16; i < PAYLOAD - 3; i++)
		assert_int_equal(in[i], 0);
	assert_memory_equal(in + PAYLOAD - 3, "end", 3);
	/* A read writes no more than it was asked for. */
	memset(in, 0xee, sizeof(in));
	works(refslab_read(client->fd, a, 10, in, 6));
	assert_memory_equal(in, "middle", 6);
	assert_int_equal(in[6], 0xee);
}

static void test_out_of_range(void **state)
{
	static const struct { uint32_t offset, length; } bad[] = {
		{ 0, PAYLOAD + 1 }, { 1, PAYLOAD }, { PAYLOAD, 1 },
		{ PAYLOAD + 1, 0 }, { UINT32_MAX, 1 }, { UINT32_MAX, 0 },
		{ 1, UINT32_MAX }, { UINT32_MAX, UINT32_MAX },
		{ 8, UINT32_MAX - 7 }, { 1u << 31, 1u << 31 },
	};
	unsigned char buffer[2 * PAYLOAD], seen[PAYLOAD], zero[PAYLOAD] = { 0 };
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one);
	size_t i, byte;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(buffer, 0xee, sizeof(buffer));
		fails(EINVAL, refslab_write(client->fd, a, bad[i].offset, buffer,
					    bad[i].length));
		fails(EINVAL, refslab_read(client->fd, a, bad[i].offset, buffer,
					   bad[i].length));
		for (byte = 0; byte < sizeof(buffer); byte++)
			assert_int_equal(buffer[byte], 0xee);
	}
	works(refslab_read(client->fd, a, 0, seen, PAYLOAD));
	assert_memory_equal(seen, zero, PAYLOAD);
	/* Nothing at the very end is within. */
	works(refslab_write(client->fd, a, PAYLOAD, buffer, 0));
	works(refslab_read(client->fd, a, PAYLOAD, buffer, 0));
	works(refslab_read(client->fd, a, 0, NULL, 0));
}

static void fill_all(int fd, uint32_t of, uint32_t payload, unsigned int n)
{
	static unsigned char pattern[REFSLAB_PAYLOAD_MAX];
	static uint64_t handle[4000];
	unsigned int i;

	memset(pattern, 0xa5, sizeof(pattern));
	for (i = 0; i < n; i++) {
		handle[i] = make(fd, of);
		works(refslab_write(fd, handle[i], 0, pattern, payload));
	}
	for (i = 0; i < n; i++)
		drop(fd, handle[i]);
}

static const uint32_t sizes[] = { 8, 24, 64, 200, 1000, 4000, REFSLAB_PAYLOAD_MAX };

/* Objects of types with these sizes, and slots that differ by @slots, are zero. */
static void assert_zeroed(int fd, unsigned int slots)
{
	static const unsigned char zero[REFSLAB_PAYLOAD_MAX];
	static unsigned char seen[REFSLAB_PAYLOAD_MAX];
	unsigned int i, k;
	uint64_t handle;
	uint32_t of;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		of = type(fd, (i + slots) % 3, sizes[i]);
		for (k = 0; k < 1000000 / (sizes[i] + 1000); k++) {
			/* kept: the next is another */
			handle = make(fd, of);
			memset(seen, 0xee, sizeof(seen));
			works(refslab_read(fd, handle, 0, seen, sizes[i]));
			assert_memory_equal(seen, zero, sizes[i]);
		}
	}
}

/*
 * Memory that was full of a pattern, in objects of all sizes, comes back as
 * objects of the same type, of other types, and of other heaps: zeroed.
 */
static void test_nothing_left_over(void **state)
{
	struct client *client = *state;
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		fill_all(client->fd, type(client->fd, i % 3, sizes[i]), sizes[i],
			 4000000 / (sizes[i] + 1000));
	assert_zeroed(client->fd, 0);
	assert_zeroed(client->fd, 1);
	fd = session_with_heap(0);
	fill_all(fd, type(fd, 0, 4000), 4000, 1000);
	/* with its heap it goes back to the system */
	close(fd);
	fd = session_with_heap(0);
	assert_zeroed(fd, 2);
	close(fd);
}

static void test_none(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, type(client->fd, 1, 0));
	char byte = 0;

	fails(EINVAL, refslab_write(client->fd, a, 0, &byte, 1));
	fails(EINVAL, refslab_read(client->fd, a, 0, &byte, 1));
	works(refslab_read(client->fd, a, 0, &byte, 0));
}

/* Neither neighbours nor slots are the payload's to change. */
static void test_neighbours(void **state)
{
	unsigned char pattern[PAYLOAD], seen[PAYLOAD];
	struct client *client = *state;
	uint64_t handle[300], target = make(client->fd, client->leaf);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(handle); i++) {
		handle[i] = make(client->fd, client->two);
		fill(client->fd, handle[i], 1, target);
	}
	for (i = 0; i < ARRAY_SIZE(handle); i++) {
		memset(pattern, i, sizeof(pattern));
		works(refslab_write(client->fd, handle[i], 0, pattern, PAYLOAD));
	}
	for (i = 0; i < ARRAY_SIZE(handle); i++) {
		memset(pattern, i, sizeof(pattern));
		works(refslab_read(client->fd, handle[i], 0, seen, PAYLOAD));
		assert_memory_equal(seen, pattern, PAYLOAD);
		assert_true(load(client->fd, handle[i], 0) == 0);
		assert_int_equal(count_of(client->fd, handle[i]), 1);
		fill(client->fd, handle[i], 1, 0);
		/* And a slot's change is not the payload's. */
		works(refslab_read(client->fd, handle[i], 0, seen, PAYLOAD));
		assert_memory_equal(seen, pattern, PAYLOAD);
	}
	assert_int_equal(count_of(client->fd, target), 1);
}

static void test_bad_buffer(void **state)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct client *client = *state;
	uint64_t a = make(client->fd, type(client->fd, 1, 4096));
	unsigned char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *torn = pages + page - 100;
	unsigned char seen[4096];
	size_t i;

	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	memset(torn, 0x77, 100);
	fails(EFAULT, refslab_write(client->fd, a, 0, NULL, 8));
	fails(EFAULT, refslab_read(client->fd, a, 0, NULL, 8));
	fails(EFAULT, refslab_write(client->fd, a, 0, (void *)0xffff888000000000, 8));
	fails(EFAULT, refslab_read(client->fd, a, 0, (void *)0xffff888000000000, 8));
	fails(EFAULT, refslab_write(client->fd, a, 0, torn, 200));
	fails(EFAULT, refslab_read(client->fd, a, 0, torn, 200));
	/* How much of it was copied is open; beyond the length nothing was. */
	works(refslab_read(client->fd, a, 0, seen, sizeof(seen)));
	for (i = 200; i < sizeof(seen); i++)
		assert_int_equal(seen[i], 0);
	/* A write needs to read the buffer only, a read needs to write it. */
	assert_int_equal(mprotect(pages, page, PROT_READ), 0);
	works(refslab_write(client->fd, a, 0, pages, 100));
	fails(EFAULT, refslab_read(client->fd, a, 0, pages, 100));
	munmap(pages, 2 * page);
	assert_int_equal(count_of(client->fd, a), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_round_trip),
		client_test(test_part),
		client_test(test_out_of_range),
		client_test(test_nothing_left_over),
		client_test(test_none),
		client_test(test_neighbours),
		client_test(test_bad_buffer),
	};

	return run_as_tap(tests);
}
