// SPDX-License-Identifier: GPL-2.0
/* What Python's gc module can be asked, asked of a heap. */
#include <fcntl.h>

#include "client.h"

static uint32_t debug_of(int fd)
{
	uint32_t debug = -1;

	works(refslab_debug_get(fd, &debug));
	return debug;
}

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

/* get_referents(): the slots in their order, whatever the size of the bites. */
static void test_referents(void **state)
{
	static const uint32_t slots[] = { 0, 1, 5, 6, 40, 63 };
	static const uint32_t rooms[] = { 1, 2, 5, 6, 7, 1024 };
	enum { N = ARRAY_SIZE(slots) };
	struct client *client = *state;
	uint64_t hub = make(client->fd, client->wide), leaf, handles[1024], cursor;
	uint32_t i, n, count, room;

	for (i = 0; i < N; i++) {
		leaf = make(client->fd, client->leaf);
		number(client->fd, leaf, slots[i]);
		fill(client->fd, hub, slots[i], leaf);
		drop(client->fd, leaf);
	}
	for (room = 0; room < ARRAY_SIZE(rooms); room++) {
		cursor = 0;
		n = 0;
		do {
			count = rooms[room];
			works(refslab_referents(client->fd, hub, &cursor, handles, &count));
			assert_true(count <= rooms[room]);
			for (i = 0; i < count; i++) {
				assert_true(n < N);
				assert_int_equal(number_of(client->fd, handles[i]),
						 slots[n++]);
				drop(client->fd, handles[i]);
			}
		} while (cursor);
		assert_int_equal(n, N);
	}
	assert_int_equal(info_of(client->fd).handles, 1);
}

static void test_referents_of_little(void **state)
{
	struct client *client = *state;
	uint64_t leaf = make(client->fd, client->leaf);
	uint64_t two = make(client->fd, client->two), handles[4], cursor = 0;
	uint32_t count = 4;

	works(refslab_referents(client->fd, leaf, &cursor, handles, &count));
	assert_int_equal(count, 0);
	assert_int_equal(cursor, 0);
	count = 4;
	works(refslab_referents(client->fd, two, &cursor, handles, &count));
	assert_int_equal(count, 0);
	/* Itself, twice. */
	fill(client->fd, two, 0, two);
	fill(client->fd, two, 1, two);
	count = 4;
	works(refslab_referents(client->fd, two, &cursor, handles, &count));
	assert_int_equal(count, 2);
	assert_int_equal(count_of(client->fd, two), 5);
	drop(client->fd, handles[0]);
	drop(client->fd, handles[1]);
}

static void test_referents_mistakes(void **state)
{
	struct client *client = *state;
	uint64_t two = make(client->fd, client->two), weak = weak_of(client->fd, two);
	struct refslab_referents arg = { .size = sizeof(arg) };
	static const uint64_t far[] = { 2, 3, 1u << 31, 1ull << 32, -1ull };
	uint64_t handles[4], cursor = 0;
	uint32_t count = 4;
	size_t i;

	fill(client->fd, two, 0, two);
	fails(EBADF, refslab_referents(client->fd, 0, &cursor, handles, &count));
	fails(EBADF, refslab_referents(client->fd, weak, &cursor, handles, &count));
	fails(EBADF, refslab_referents(client->fd, two + 1, &cursor, handles, &count));
	count = 0;
	fails(EINVAL, refslab_referents(client->fd, two, &cursor, handles, &count));
	count = REFSLAB_INSPECT_MAX + 1;
	fails(EINVAL, refslab_referents(client->fd, two, &cursor, handles, &count));
	count = 4;
	fails(EFAULT, refslab_referents(client->fd, two, &cursor, (uint64_t *)8, &count));
	assert_int_equal(count_of(client->fd, two), 2);

	/* Any number will do as a cursor, and finds nothing beyond the end. */
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		cursor = far[i];
		count = 4;
		works(refslab_referents(client->fd, two, &cursor, handles, &count));
		assert_int_equal(count, 0);
		assert_int_equal(cursor, 0);
	}
	arg.handle = two;
	arg.count = 1;
	arg.handles = (uintptr_t)handles;
	arg.reserved = 1;
	fails(EINVAL, call(client->fd, REFSLAB_REFERENTS, &arg));
	arg.reserved = 0;
	arg.flags = 1;
	fails(EINVAL, call(client->fd, REFSLAB_REFERENTS, &arg));
	assert_int_equal(count_of(client->fd, two), 2);
	assert_int_equal(info_of(client->fd).handles, 2);
}

static void set_handles_max(const char *text)
{
	int fd = open("/sys/module/refslab/parameters/handles_max", O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* All that is found or nothing: the session may have no more handles. */
static void test_referents_no_room(void **state)
{
	uint64_t handles[4], cursor = 0, two, last;
	uint32_t count = 4;
	int fd;

	(void)state;
	set_handles_max("4");
	fd = session_with_heap(0);
	set_handles_max("1048576");
	two = make(fd, type(fd, 2, 8));
	fill(fd, two, 0, two);
	fill(fd, two, 1, two);
	dup_of(fd, two);
	last = dup_of(fd, two);
	fails(ENOSPC, refslab_referents(fd, two, &cursor, handles, &count));
	assert_int_equal(info_of(fd).handles, 3);
	assert_int_equal(count_of(fd, two), 5);
	drop(fd, last);
	works(refslab_referents(fd, two, &cursor, handles, &count));
	assert_int_equal(count, 2);
	close(fd);
}

/* set_debug(), get_debug() */
static void test_debug(void **state)
{
	struct client *client = *state;
	uint32_t quarantine = 0;
	uint64_t objects;
	struct refslab_debug arg = { .size = sizeof(arg) };

	assert_int_equal(debug_of(client->fd), 0);
	works(refslab_debug_set(client->fd, REFSLAB_DEBUG_SAVEALL));
	assert_int_equal(debug_of(client->fd), REFSLAB_DEBUG_SAVEALL);
	/* The same as the quarantine, both ways. */
	works(refslab_quarantine_get(client->fd, &quarantine, &objects));
	assert_int_equal(quarantine, 1);
	drop(client->fd, ring(client->fd, client->two, 3));
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_int_equal(stats_of(client->fd, 2).unfreed, 3);
	works(refslab_debug_set(client->fd, REFSLAB_DEBUG_STATS));
	assert_int_equal(debug_of(client->fd), REFSLAB_DEBUG_STATS);
	works(refslab_quarantine_set(client->fd, 1));
	assert_int_equal(debug_of(client->fd),
			 REFSLAB_DEBUG_STATS | REFSLAB_DEBUG_SAVEALL);

	/* Python's others: not here, and nothing is changed. */
	fails(EINVAL, refslab_debug_set(client->fd, 1 << 1));
	fails(EINVAL, refslab_debug_set(client->fd, 1 << 2));
	fails(EINVAL, refslab_debug_set(client->fd, 1u << 31));
	arg.flags = 2;
	fails(EINVAL, call(client->fd, REFSLAB_DEBUG, &arg));
	arg.flags = REFSLAB_DEBUG_SET;
	arg.reserved = 1;
	fails(EINVAL, call(client->fd, REFSLAB_DEBUG, &arg));
	assert_int_equal(debug_of(client->fd),
			 REFSLAB_DEBUG_STATS | REFSLAB_DEBUG_SAVEALL);
	works(refslab_debug_set(client->fd, 0));
	assert_int_equal(debug_of(client->fd), 0);
}

/* DEBUG_STATS: each sweep of this heap and of no other is in the log. */
static void test_debug_stats(void **state)
{
	struct client *client = *state;
	int log = log_open();
	int other = session_with_heap(0);
	char text[128];

	snprintf(text, sizeof(text), "refslab: heap %s: sweep of generation",
		 info_of(client->fd).name);
	sweep(client->fd, 1);
	assert_int_equal(logged(log, text), 0);
	works(refslab_debug_set(client->fd, REFSLAB_DEBUG_STATS));
	sweep(other, 1);
	drop(client->fd, ring(client->fd, client->two, 3));
	sweep(client->fd, 1);
	snprintf(text, sizeof(text),
		 "refslab: heap %s: sweep of generation 1: 3 candidates, 3 examined, 3 freed, 0 unfreed",
		 info_of(client->fd).name);
	assert_int_equal(logged(log, text), 1);
	snprintf(text, sizeof(text), "refslab: heap %s: sweep", info_of(other).name);
	sweep(client->fd, 0);
	sweep(other, 0);
	assert_int_equal(logged(log, text), 0);
	works(refslab_debug_set(client->fd, 0));
	snprintf(text, sizeof(text), "refslab: heap %s: sweep",
		 info_of(client->fd).name);
	logged(log, text);
	sweep(client->fd, 0);
	assert_int_equal(logged(log, text), 0);
	close(other);
	close(log);
}

/* get_stats(): candidates, collected, uncollectable, duration. */
static void test_stats(void **state)
{
	struct client *client = *state;
	struct refslab_stats stats;
	uint64_t kept = ring(client->fd, client->two, 4);

	drop(client->fd, ring(client->fd, client->two, 3));
	drop(client->fd, dup_of(client->fd, kept));
	sweep(client->fd, 1);
	stats = stats_of(client->fd, 1);
	assert_int_equal(stats.runs, 1);
	/* All have lost a handle, or a reference of the ring's making. */
	assert_int_equal(stats.candidates, 7);
	assert_int_equal(stats.examined, 7);
	assert_int_equal(stats.freed, 3);
	assert_int_equal(stats.unfreed, 0);
	assert_int_equal(stats.longest_ns, stats.time_ns);
	sweep(client->fd, 1);
	assert_int_equal(stats_of(client->fd, 1).runs, 2);
	assert_true(stats_of(client->fd, 1).candidates >= stats.candidates);
	assert_true(stats_of(client->fd, 1).time_ns >= stats.time_ns);
	assert_int_equal(stats_of(client->fd, 0).candidates, 0);
	assert_int_equal(stats_of(client->fd, 2).candidates, 0);
}

static uint32_t object_flags(int fd, uint64_t handle)
{
	struct refslab_object_info info;

	works(refslab_object_info(fd, handle, &info));
	return info.object_flags;
}

/* is_tracked(): leaves are not, and nothing that is frozen. */
static void test_is_tracked(void **state)
{
	struct client *client = *state;
	uint64_t two = make(client->fd, client->two), objects;
	uint64_t leaf = make(client->fd, client->leaf);

	assert_int_equal(object_flags(client->fd, two) & REFSLAB_OBJECT_TRACKED,
			 REFSLAB_OBJECT_TRACKED);
	assert_int_equal(object_flags(client->fd, leaf) & REFSLAB_OBJECT_TRACKED, 0);
	works(refslab_freeze(client->fd, &objects));
	assert_int_equal(object_flags(client->fd, two) & REFSLAB_OBJECT_TRACKED, 0);
	works(refslab_unfreeze(client->fd, &objects));
	assert_int_equal(object_flags(client->fd, two) & REFSLAB_OBJECT_TRACKED,
			 REFSLAB_OBJECT_TRACKED);
}

/* enable(), disable(), isenabled(); get_threshold(), set_threshold(); get_count() */
static void test_tuning(void **state)
{
	struct client *client = *state;
	const uint32_t wanted[REFSLAB_GENERATIONS] = { 1, 2147483647, 0 };
	uint32_t threshold[REFSLAB_GENERATIONS], enabled = -1;
	int64_t count[REFSLAB_GENERATIONS];

	works(refslab_enable_get(client->fd, &enabled));
	assert_int_equal(enabled, 0);
	works(refslab_thresholds_get(client->fd, threshold));
	assert_int_equal(threshold[0], 700);
	assert_int_equal(threshold[1], 10);
	assert_int_equal(threshold[2], 10);
	works(refslab_thresholds_set(client->fd, wanted));
	works(refslab_thresholds_get(client->fd, threshold));
	assert_memory_equal(threshold, wanted, sizeof(wanted));

	make(client->fd, client->two);
	make(client->fd, client->two);
	make(client->fd, client->leaf);
	works(refslab_counts(client->fd, count));
	assert_int_equal(count[0], 2);
	assert_int_equal(count[1], 0);
	sweep(client->fd, 0);
	sweep(client->fd, 0);
	works(refslab_counts(client->fd, count));
	assert_int_equal(count[0], 0);
	assert_int_equal(count[1], 2);
	assert_int_equal(count[2], 0);
	sweep(client->fd, 1);
	works(refslab_counts(client->fd, count));
	assert_int_equal(count[1], 0);
	assert_int_equal(count[2], 1);

	works(refslab_enable_set(client->fd, 1));
	works(refslab_enable_get(client->fd, &enabled));
	assert_int_equal(enabled, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_referents),
		client_test(test_referents_of_little),
		client_test(test_referents_mistakes),
		cmocka_unit_test(test_referents_no_room),
		client_test(test_debug),
		client_test(test_debug_stats),
		client_test(test_stats),
		client_test(test_is_tracked),
		client_test(test_tuning),
	};

	return run_as_tap(tests);
}
