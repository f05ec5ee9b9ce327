// SPDX-License-Identifier: GPL-2.0
/* What Python's gc module can be asked, asked of a heap. */
#include <fcntl.h>

#include "client.h"

static uint32_t debug_of(int fd)
{
	struct refslab_debug debug = { .size = sizeof(debug), .debug = -1 };

	works(call(fd, REFSLAB_DEBUG, &debug));
	return debug.debug;
}

static int set_debug(int fd, uint32_t flags)
{
	struct refslab_debug debug = {
		.size = sizeof(debug),
		.flags = REFSLAB_DEBUG_SET,
		.debug = flags,
	};

	return call(fd, REFSLAB_DEBUG, &debug);
}

static int referents(int fd, uint64_t handle, uint64_t *cursor, uint64_t *handles,
		     uint32_t *count)
{
	struct refslab_referents referents = {
		.size = sizeof(referents),
		.handle = handle,
		.cursor = *cursor,
		.count = *count,
		.handles = (uintptr_t)handles,
	};
	int err = call(fd, REFSLAB_REFERENTS, &referents);

	if (!err) {
		*cursor = referents.cursor;
		*count = referents.count;
	}
	return err;
}

static void number(int fd, uint64_t handle, uint32_t number)
{
	works(device_write(fd, handle, 0, &number, sizeof(number)));
}

static uint32_t number_of(int fd, uint64_t handle)
{
	uint32_t number = 0;

	works(device_read(fd, handle, 0, &number, sizeof(number)));
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
			works(referents(client->fd, hub, &cursor, handles, &count));
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

	works(referents(client->fd, leaf, &cursor, handles, &count));
	assert_int_equal(count, 0);
	assert_int_equal(cursor, 0);
	count = 4;
	works(referents(client->fd, two, &cursor, handles, &count));
	assert_int_equal(count, 0);
	/* Itself, twice. */
	fill(client->fd, two, 0, two);
	fill(client->fd, two, 1, two);
	count = 4;
	works(referents(client->fd, two, &cursor, handles, &count));
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
	fails(EBADF, referents(client->fd, 0, &cursor, handles, &count));
	fails(EBADF, referents(client->fd, weak, &cursor, handles, &count));
	fails(EBADF, referents(client->fd, two + 1, &cursor, handles, &count));
	count = 0;
	fails(EINVAL, referents(client->fd, two, &cursor, handles, &count));
	count = REFSLAB_INSPECT_MAX + 1;
	fails(EINVAL, referents(client->fd, two, &cursor, handles, &count));
	count = 4;
	fails(EFAULT, referents(client->fd, two, &cursor, (uint64_t *)8, &count));
	assert_int_equal(count_of(client->fd, two), 2);

	/* Any number will do as a cursor, and finds nothing beyond the end. */
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		cursor = far[i];
		count = 4;
		works(referents(client->fd, two, &cursor, handles, &count));
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
	fails(ENOSPC, referents(fd, two, &cursor, handles, &count));
	assert_int_equal(info_of(fd).handles, 3);
	assert_int_equal(count_of(fd, two), 5);
	drop(fd, last);
	works(referents(fd, two, &cursor, handles, &count));
	assert_int_equal(count, 2);
	close(fd);
}

/* set_debug(), get_debug() */
static void test_debug(void **state)
{
	struct client *client = *state;
	struct refslab_quarantine quarantine = { 0 };
	struct refslab_debug arg = { .size = sizeof(arg) };

	assert_int_equal(debug_of(client->fd), 0);
	works(set_debug(client->fd, REFSLAB_DEBUG_SAVEALL));
	assert_int_equal(debug_of(client->fd), REFSLAB_DEBUG_SAVEALL);
	/* The same as the quarantine, both ways. */
	works(device_quarantine(client->fd, &quarantine));
	assert_int_equal(quarantine.enabled, 1);
	drop(client->fd, ring(client->fd, client->two, 3));
	assert_int_equal(sweep(client->fd, 2), 0);
	assert_int_equal(stats_of(client->fd, 2).unfreed, 3);
	works(set_debug(client->fd, REFSLAB_DEBUG_STATS));
	assert_int_equal(debug_of(client->fd), REFSLAB_DEBUG_STATS);
	quarantine = (struct refslab_quarantine) {
		.flags = REFSLAB_QUARANTINE_SET, .enabled = 1,
	};
	works(device_quarantine(client->fd, &quarantine));
	assert_int_equal(debug_of(client->fd),
			 REFSLAB_DEBUG_STATS | REFSLAB_DEBUG_SAVEALL);

	/* Python's others: not here, and nothing is changed. */
	fails(EINVAL, set_debug(client->fd, 1 << 1));
	fails(EINVAL, set_debug(client->fd, 1 << 2));
	fails(EINVAL, set_debug(client->fd, 1u << 31));
	arg.flags = 2;
	fails(EINVAL, call(client->fd, REFSLAB_DEBUG, &arg));
	arg.flags = REFSLAB_DEBUG_SET;
	arg.reserved = 1;
	fails(EINVAL, call(client->fd, REFSLAB_DEBUG, &arg));
	assert_int_equal(debug_of(client->fd),
			 REFSLAB_DEBUG_STATS | REFSLAB_DEBUG_SAVEALL);
	works(set_debug(client->fd, 0));
	assert_int_equal(debug_of(client->fd), 0);
}

/* Lines in the kernel's log that have come since, and hold this text. */
static unsigned int logged(int log, const char *text)
{
	char record[8192];
	unsigned int n = 0;
	ssize_t length;

	for (;;) {
		length = read(log, record, sizeof(record) - 1);
		if (length < 0 && errno == EPIPE)
			continue;
		if (length < 0) {
			assert_int_equal(errno, EAGAIN);
			return n;
		}
		record[length] = '\0';
		n += !!strstr(record, text);
	}
}

/* DEBUG_STATS: each sweep of this heap and of no other is in the log. */
static void test_debug_stats(void **state)
{
	struct client *client = *state;
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	int other = session_with_heap(0);
	char text[128];

	assert_true(log >= 0);
	lseek(log, 0, SEEK_END);
	snprintf(text, sizeof(text), "refslab: heap %s: sweep of generation",
		 info_of(client->fd).name);
	sweep(client->fd, 1);
	assert_int_equal(logged(log, text), 0);
	works(set_debug(client->fd, REFSLAB_DEBUG_STATS));
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
	works(set_debug(client->fd, 0));
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

	works(device_object_info(fd, handle, &info));
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
	works(device_freeze(client->fd, REFSLAB_FREEZE_ON, &objects));
	assert_int_equal(object_flags(client->fd, two) & REFSLAB_OBJECT_TRACKED, 0);
	works(device_freeze(client->fd, REFSLAB_FREEZE_OFF, &objects));
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

	works(device_enable_get(client->fd, &enabled));
	assert_int_equal(enabled, 0);
	works(device_thresholds_get(client->fd, threshold));
	assert_int_equal(threshold[0], 700);
	assert_int_equal(threshold[1], 10);
	assert_int_equal(threshold[2], 10);
	works(device_thresholds_set(client->fd, wanted));
	works(device_thresholds_get(client->fd, threshold));
	assert_memory_equal(threshold, wanted, sizeof(wanted));

	make(client->fd, client->two);
	make(client->fd, client->two);
	make(client->fd, client->leaf);
	works(device_counts(client->fd, count));
	assert_int_equal(count[0], 2);
	assert_int_equal(count[1], 0);
	sweep(client->fd, 0);
	sweep(client->fd, 0);
	works(device_counts(client->fd, count));
	assert_int_equal(count[0], 0);
	assert_int_equal(count[1], 2);
	assert_int_equal(count[2], 0);
	sweep(client->fd, 1);
	works(device_counts(client->fd, count));
	assert_int_equal(count[1], 0);
	assert_int_equal(count[2], 1);

	works(device_enable_set(client->fd, 1));
	works(device_enable_get(client->fd, &enabled));
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
