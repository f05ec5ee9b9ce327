// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's log is everybody's: what programs may have told there is little,
 * and hides nothing of what root has asked for.
 */
#include "storm.h"

/* Lines a minute that are a program's doing: of a heap, and of a user's heaps. */
#define LINES		5
#define USER_LINES	10

static const char *text_of(int fd, const char *what)
{
	static char text[128];

	snprintf(text, sizeof(text), "refslab: heap %s: %s", info_of(fd).name, what);
	return text;
}

static void set_log_sweeps(int fd, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/refslab/%s/log_sweeps", info_of(fd).name);
	works(storm_write(path, value));
}

static void sweep_often(int fd, unsigned int n)
{
	while (n--)
		sweep(fd, 0);
}

/* DEBUG_STATS. */
static void test_program_asks(void **state)
{
	int a = session_with_heap(1 << 20), b = session_with_heap(1 << 20), log = log_open();
	uint32_t debug = 0;
	unsigned int n;

	(void)state;
	works(refslab_debug_set(a, REFSLAB_DEBUG_STATS));
	sweep_often(a, 200);
	n = logged(log, text_of(a, "sweep of"));
	assert_in_range(n, 1, LINES);
	/* Meanwhile another is root's to look at. */
	set_log_sweeps(b, "1");
	sweep_often(b, 20);
	assert_int_equal(logged(log, text_of(b, "sweep of")), 20);

	/* Root can have all of the first, too; and then it is root who ends it. */
	set_log_sweeps(a, "1");
	works(refslab_debug_set(a, 0));
	works(refslab_debug_get(a, &debug));
	assert_int_equal(debug, REFSLAB_DEBUG_STATS);
	sweep_often(a, 20);
	assert_int_equal(logged(log, text_of(a, "sweep of")), 20);
	set_log_sweeps(a, "0");
	works(refslab_debug_get(a, &debug));
	assert_int_equal(debug, 0);
	sweep(a, 0);
	assert_int_equal(logged(log, text_of(a, "sweep of")), 0);
	/* Also what the program has asked for. */
	works(refslab_debug_set(b, REFSLAB_DEBUG_STATS));
	set_log_sweeps(b, "0");
	works(refslab_debug_get(b, &debug));
	assert_int_equal(debug, 0);
	close(a);
	close(b);
	close(log);
}

/* A type that cannot be destroyed. */
static void test_type_stays(void **state)
{
	int fds[] = { session_with_heap(1 << 20), session_with_heap(1 << 20) };
	int log = log_open(), i, j;
	uint32_t types[2];

	(void)state;
	for (i = 0; i < 2; i++) {
		types[i] = type(fds[i], 1, PAYLOAD);
		make(fds[i], types[i]);
	}
	for (i = 0; i < 2; i++) {
		for (j = 0; j < 100; j++)
			fails(EBUSY, refslab_type_destroy(fds[i], types[i]));
		assert_in_range(logged(log, text_of(fds[i], "type ")), 1, LINES);
	}
	close(fds[0]);
	close(fds[1]);
	close(log);
}

/* It helps nothing to take one heap after the other. */
static void test_many_heaps(void **state)
{
	int log = log_open(), fd, i;
	unsigned int n;

	(void)state;
	count_root(true);
	for (i = 0; i < 3 * USER_LINES; i++) {
		fd = session_with_heap(1 << 20);
		works(refslab_debug_set(fd, REFSLAB_DEBUG_STATS));
		sweep(fd, 0);
		close(fd);
	}
	n = logged(log, ": sweep of generation 0");
	assert_in_range(n, 1, USER_LINES);
	fd = session_with_heap(1 << 20);
	set_log_sweeps(fd, "1");
	sweep(fd, 0);
	assert_int_equal(logged(log, text_of(fd, "sweep of")), 1);
	close(fd);
	count_root(false);
	close(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_asks),
		cmocka_unit_test(test_type_stays),
		cmocka_unit_test(test_many_heaps),
	};

	return run_as_tap(tests);
}
