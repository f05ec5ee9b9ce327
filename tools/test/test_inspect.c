// SPDX-License-Identifier: GPL-2.0
/* Looking around in a heap: all objects, and who refers to one. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "client.h"

#define ANY	REFSLAB_GENERATION_ANY

/* Every object of the fixtures has its number in its payload. */
static void number(int fd, uint64_t handle, uint32_t number)
{
	works(refslab_write(fd, handle, 0, &number, sizeof(number)));
}

static uint32_t number_of(int fd, uint64_t handle)
{
	uint32_t number = 0;

	works(refslab_read(fd, handle, 0, &number, sizeof(number)));
	return number;
}

/* A whole walk, room handles in each call. Fills what it found, returns how many. */
static uint32_t objects(int fd, uint32_t type, uint32_t generation,
			uint64_t *handles, uint32_t max, uint32_t room)
{
	uint64_t cursor = 0;
	uint32_t n = 0, count;

	do {
		count = room < max - n ? room : max - n;
		if (!count)
			return n;
		works(refslab_objects(fd, type, generation, &cursor, handles + n, &count));
		assert_true(count <= room);
		n += count;
	} while (cursor);
	return n;
}

static uint32_t referrers(int fd, uint64_t handle, uint64_t *handles,
			  uint32_t max, uint32_t room)
{
	uint64_t cursor = 0;
	uint32_t n = 0, count;

	do {
		count = room < max - n ? room : max - n;
		if (!count)
			return n;
		works(refslab_referrers(fd, handle, &cursor, handles + n, &count));
		assert_true(count <= room);
		n += count;
	} while (cursor);
	return n;
}

static void drop_all(int fd, const uint64_t *handles, uint32_t n)
{
	while (n)
		drop(fd, handles[--n]);
}

static void test_empty(void **state)
{
	struct client *client = *state;
	uint64_t handle;

	assert_int_equal(objects(client->fd, 0, ANY, &handle, 1, 1), 0);
	assert_int_equal(objects(client->fd, client->two, ANY, &handle, 1, 1), 0);
}

/* Each object once, however large the bites. */
static void test_each_once(void **state)
{
	enum { N = 500, MAX = 2000 };
	static const uint32_t rooms[] = { 1, 2, 7, 64, 1024 };
	static uint64_t handles[MAX];
	struct client *client = *state;
	uint32_t types[] = { client->leaf, client->one, client->wide };
	uint32_t i, n;
	unsigned char seen[N];
	size_t room;

	for (i = 0; i < N; i++)
		number(client->fd, make(client->fd, types[i % 3]), i);
	for (room = 0; room < ARRAY_SIZE(rooms); room++) {
		n = objects(client->fd, 0, ANY, handles, MAX, rooms[room]);
		assert_int_equal(n, N);
		memset(seen, 0, sizeof(seen));
		for (i = 0; i < n; i++) {
			assert_int_equal(count_of(client->fd, handles[i]), 2);
			seen[number_of(client->fd, handles[i])]++;
		}
		for (i = 0; i < N; i++)
			assert_int_equal(seen[i], 1);
		drop_all(client->fd, handles, n);
	}
	assert_int_equal(info_of(client->fd).handles, N);
}

static void test_filters(void **state)
{
	struct client *client = *state;
	uint64_t handles[16], frozen;
	struct refslab_object_info info;
	uint64_t done = 0, old, a;
	int i;

	old = make(client->fd, client->two);
	fill(client->fd, old, 0, old);
	drop(client->fd, dup_of(client->fd, old));
	sweep(client->fd, 0);
	assert_int_equal(generation_of(client->fd, old), 1);
	for (i = 0; i < 3; i++)
		make(client->fd, client->two);
	a = make(client->fd, client->leaf);
	make(client->fd, client->one);

	assert_int_equal(objects(client->fd, client->two, ANY, handles, 16, 16), 4);
	for (i = 0; i < 4; i++) {
		works(refslab_object_info(client->fd, handles[i], &info));
		assert_int_equal(info.type, client->two);
	}
	assert_int_equal(objects(client->fd, client->leaf, ANY, handles, 16, 16), 1);
	assert_int_equal(objects(client->fd, client->four, ANY, handles, 16, 16), 0);
	assert_int_equal(objects(client->fd, client->two, 1, handles, 16, 16), 1);
	assert_int_equal(objects(client->fd, 0, 1, handles, 16, 16), 1);
	assert_int_equal(objects(client->fd, 0, 0, handles, 16, 16), 5);
	assert_int_equal(objects(client->fd, 0, 2, handles, 16, 16), 0);
	works(refslab_freeze(client->fd, &done));
	assert_int_equal(done, 5);
	assert_int_equal(objects(client->fd, 0, REFSLAB_GENERATION_FROZEN, handles,
				 16, 16), 5);
	frozen = handles[0];
	assert_int_equal(generation_of(client->fd, frozen), REFSLAB_GENERATION_FROZEN);
	assert_int_equal(objects(client->fd, 0, 0, handles, 16, 16), 1);
	assert_int_equal(generation_of(client->fd, a), 0);
}

/* Found garbage is kept, and goes when it is let go. */
static void test_garbage(void **state)
{
	struct client *client = *state;
	uint64_t handles[16];
	uint32_t n;

	drop(client->fd, ring(client->fd, client->two, 5));
	n = objects(client->fd, client->two, ANY, handles, 16, 16);
	assert_int_equal(n, 5);
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_int_equal(count_of(client->fd, handles[0]), 2);
	drop_all(client->fd, handles, n);
	assert_int_equal(sweep(client->fd, 2), 5);
	assert_int_equal(objects(client->fd, 0, ANY, handles, 16, 16), 0);
}

static void test_referrers(void **state)
{
	struct client *client = *state;
	uint64_t target = make(client->fd, client->one), handles[16];
	uint64_t wide = make(client->fd, client->wide);
	uint64_t four = make(client->fd, client->four);
	uint32_t found = 0, n, i;

	number(client->fd, target, 1);
	number(client->fd, wide, 2);
	number(client->fd, four, 4);
	number(client->fd, make(client->fd, client->four), 8);
	assert_int_equal(referrers(client->fd, target, handles, 16, 16), 0);
	fill(client->fd, wide, 63, target);
	fill(client->fd, four, 1, target);
	fill(client->fd, four, 3, target);	/* twice, and found once */
	fill(client->fd, target, 0, target);
	n = referrers(client->fd, target, handles, 16, 1);
	assert_int_equal(n, 3);
	for (i = 0; i < n; i++)
		found |= number_of(client->fd, handles[i]);
	assert_int_equal(found, 7);
	drop_all(client->fd, handles, n);
	fill(client->fd, wide, 63, 0);
	fill(client->fd, four, 1, 0);
	fill(client->fd, target, 0, 0);
	assert_int_equal(referrers(client->fd, target, handles, 16, 16), 1);
	assert_int_equal(number_of(client->fd, handles[0]), 4);
	drop(client->fd, handles[0]);
	assert_int_equal(referrers(client->fd, wide, handles, 16, 16), 0);
}

/* A leaf is referred to as any. */
static void test_referrers_of_leaf(void **state)
{
	struct client *client = *state;
	uint64_t leaf = make(client->fd, client->leaf), one, handles[4];

	one = make(client->fd, client->one);
	fill(client->fd, one, 0, leaf);
	assert_int_equal(referrers(client->fd, leaf, handles, 4, 4), 1);
	assert_int_equal(count_of(client->fd, one), 2);
}

/* More than a call looks at: some calls come back with nothing, and go on. */
static void test_large_heap(void **state)
{
	enum { N = 40000 };
	struct client *client = *state;
	uint64_t target = make(client->fd, client->leaf), last = 0, cursor = 0;
	uint64_t handle = 0, found[4];
	uint32_t count, calls = 0, empty = 0, n = 0, i;

	for (i = 0; i < N; i++)
		last = make(client->fd, client->two);
	fill(client->fd, last, 1, target);
	do {
		count = 4;
		works(refslab_referrers(client->fd, target, &cursor, found, &count));
		calls++;
		empty += !count;
		if (count)
			handle = found[0];
		n += count;
	} while (cursor && calls < 100000);
	assert_int_equal(n, 1);
	assert_true(empty > 0);
	assert_int_equal(count_of(client->fd, handle), 2);
}

static void test_mistakes(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one), weak = weak_of(client->fd, a);
	uint64_t handles[4] = { 0 }, cursor;
	uint32_t count, i;
	static const uint32_t counts[] = { 0, REFSLAB_INSPECT_MAX + 1, UINT32_MAX };
	static const uint32_t generations[] = { 4, 5, INT32_MAX, UINT32_MAX - 1 };

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		cursor = 0;
		count = counts[i];
		fails(EINVAL, refslab_objects(client->fd, 0, ANY, &cursor, handles, &count));
		fails(EINVAL, refslab_referrers(client->fd, a, &cursor, handles, &count));
	}
	count = 4;
	for (i = 0; i < ARRAY_SIZE(generations); i++)
		fails(EINVAL, refslab_objects(client->fd, 0, generations[i], &cursor,
					      handles, &count));
	fails(ENOENT, refslab_objects(client->fd, 999, ANY, &cursor, handles, &count));
	fails(EBADF, refslab_referrers(client->fd, 0, &cursor, handles, &count));
	fails(EBADF, refslab_referrers(client->fd, weak, &cursor, handles, &count));
	fails(EBADF, refslab_referrers(client->fd, a + 1, &cursor, handles, &count));
	assert_int_equal(info_of(client->fd).handles, 2);
	assert_true(handles[0] == 0);
}

/* A cursor is anybody's invention: no harm, and an end. */
static void test_any_cursor(void **state)
{
	static const uint64_t cursors[] = {
		1, 2, 4095, 1u << 16, UINT32_MAX, 1ull << 32, 1ull << 32 | 77,
		1ull << 63, UINT64_MAX, 12345678901234567ull,
	};
	struct client *client = *state;
	uint64_t a = make(client->fd, client->one), handles[64], cursor;
	uint32_t i, count, calls;

	for (i = 0; i < 40; i++)
		make(client->fd, i % 2 ? client->wide : client->leaf);
	for (i = 0; i < ARRAY_SIZE(cursors) + 64; i++) {
		cursor = i < 64 ? 1ull << i : cursors[i - 64];
		for (calls = 0; calls < 10; calls++) {
			count = ARRAY_SIZE(handles);
			works(refslab_objects(client->fd, 0, ANY, &cursor, handles, &count));
			assert_true(count <= 41);
			drop_all(client->fd, handles, count);
			if (!cursor)
				break;
		}
		assert_true(!cursor);
		cursor = i < 64 ? 1ull << i : cursors[i - 64];
		count = ARRAY_SIZE(handles);
		works(refslab_referrers(client->fd, a, &cursor, handles, &count));
		assert_int_equal(count, 0);
	}
}

/* Nothing is left behind where the array or the limit does not allow it. */
static void test_nothing_half_done(void **state)
{
	struct client *client = *state;
	long page = sysconf(_SC_PAGESIZE);
	uint64_t a, b, *torn, cursor = 0, max = info_of(client->fd).handles_max;
	unsigned char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t count = 8, i;

	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	a = make(client->fd, client->one);
	b = make(client->fd, client->two);
	fill(client->fd, a, 0, a);
	fill(client->fd, b, 0, a);
	/* The first handle fits, the second does not. */
	torn = (uint64_t *)(pages + page) - 1;
	for (i = 0; i < 100; i++) {
		fails(EFAULT, refslab_objects(client->fd, 0, ANY, &cursor, torn, &count));
		fails(EFAULT, refslab_referrers(client->fd, a, &cursor, torn, &count));
		fails(EFAULT, refslab_objects(client->fd, 0, ANY, &cursor, NULL, &count));
	}
	assert_true(cursor == 0 && count == 8);
	assert_int_equal(info_of(client->fd).handles, 2);
	assert_int_equal(count_of(client->fd, a), 3);
	assert_int_equal(count_of(client->fd, b), 1);
	munmap(pages, 2 * page);

	if (max > 1 << 21)
		skip();
	torn = calloc(8, sizeof(*torn));
	for (i = 2; i < max - 1; i++)
		dup_of(client->fd, a);
	fails(ENOSPC, refslab_objects(client->fd, 0, ANY, &cursor, torn, &count));
	assert_int_equal(info_of(client->fd).handles, max - 1);
	assert_int_equal(count_of(client->fd, b), 1);
	count = 1;
	works(refslab_objects(client->fd, client->two, ANY, &cursor, torn, &count));
	assert_int_equal(count, 1);
	assert_int_equal(count_of(client->fd, b), 2);
	free(torn);
}

/* One heap's objects are not another's. */
static void test_another_heap(void **state)
{
	struct client *client = *state;
	int other = session_with_heap(0);
	uint64_t handles[4];

	make(client->fd, client->one);
	assert_int_equal(objects(other, 0, ANY, handles, 4, 4), 0);
	make(other, type(other, 1, PAYLOAD));
	assert_int_equal(objects(other, 0, ANY, handles, 4, 4), 1);
	close(other);
}

struct contest {
	int fd;
	uint32_t type;
	atomic_bool stop;
	_Atomic uint64_t made;
};

/* Rings come and go, by count and by sweep. */
static void *churner(void *argument)
{
	struct contest *contest = argument;
	uint64_t a, b, i;

	for (i = 0; !atomic_load(&contest->stop); i++) {
		if (refslab_alloc(contest->fd, contest->type, &a) ||
		    refslab_alloc(contest->fd, contest->type, &b))
			break;
		refslab_slot_set(contest->fd, a, 0, b);
		if (i % 2)
			refslab_slot_set(contest->fd, b, 0, a);
		refslab_close(contest->fd, a);
		refslab_close(contest->fd, b);
		contest->made += 2;
	}
	return NULL;
}

static void *sweeper(void *argument)
{
	struct refslab_collect collect;
	struct contest *contest = argument;

	while (!atomic_load(&contest->stop))
		refslab_collect(contest->fd, 2, &collect);
	return NULL;
}

static void test_against_others(void **state)
{
	enum { KEPT = 50 };
	struct client *client = *state;
	struct contest contest = { .fd = client->fd, .type = client->two };
	uint64_t handles[256], target, cursor, end = now_ns() + 3 * SECOND;
	uint32_t i, count, found;
	unsigned int walks = 0;
	pthread_t thread[2];

	target = make(client->fd, client->leaf);
	for (i = 0; i < KEPT; i++) {
		handles[0] = make(client->fd, client->two);
		fill(client->fd, handles[0], 1, target);
	}
	pthread_create(&thread[0], NULL, churner, &contest);
	pthread_create(&thread[1], NULL, sweeper, &contest);
	while (now_ns() < end) {
		/* What is there all the time is found, each time and once. */
		found = 0;
		cursor = 0;
		do {
			count = 16;
			works(refslab_referrers(client->fd, target, &cursor, handles, &count));
			found += count;
			drop_all(client->fd, handles, count);
		} while (cursor);
		assert_int_equal(found, KEPT);
		cursor = 0;
		do {
			count = ARRAY_SIZE(handles);
			works(refslab_objects(client->fd, 0, ANY, &cursor, handles, &count));
			drop_all(client->fd, handles, count);
		} while (cursor);
		walks++;
	}
	atomic_store(&contest.stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	printf("# %u walks, %llu objects meanwhile\n", walks,
	       (unsigned long long)contest.made);
	sweep(client->fd, 2);
	assert_objects(client->fd, KEPT + 1);
	assert_int_equal(info_of(client->fd).handles, KEPT + 1);
}

static uint32_t object_number(int fd, uint64_t handle)
{
	struct refslab_object_info info;

	works(refslab_object_info(fd, handle, &info));
	return info.object;
}

/* By its number one knows an object again, however one came by the handle. */
static void test_numbers(void **state)
{
	enum { N = 300 };
	struct client *client = *state;
	uint64_t made[N], other, target;
	uint32_t numbers[N], i, j;

	for (i = 0; i < N; i++) {
		made[i] = make(client->fd, i % 2 ? client->one : client->leaf);
		numbers[i] = object_number(client->fd, made[i]);
		assert_int_not_equal(numbers[i], 0);
		for (j = 0; j < i; j++)
			assert_int_not_equal(numbers[i], numbers[j]);
	}
	works(refslab_slot_set(client->fd, made[1], 0, made[2]));
	works(refslab_slot_load(client->fd, made[1], 0, &target));
	assert_int_not_equal(target, made[2]);
	assert_int_equal(object_number(client->fd, target), numbers[2]);
	works(refslab_dup(client->fd, made[0], 0, &other));
	assert_int_equal(object_number(client->fd, other), numbers[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_empty),
		client_test(test_each_once),
		client_test(test_filters),
		client_test(test_garbage),
		client_test(test_referrers),
		client_test(test_referrers_of_leaf),
		client_test(test_large_heap),
		client_test(test_mistakes),
		client_test(test_any_cursor),
		client_test(test_nothing_half_done),
		client_test(test_another_heap),
		client_test(test_numbers),
		client_test(test_against_others),
	};

	return run_as_tap(tests);
}
