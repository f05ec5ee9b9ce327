// SPDX-License-Identifier: GPL-2.0
/*
 * Thresholds and the switch of automatic sweeps rewritten as fast as it goes, by
 * calls and through sysfs, while sweeps run and threads make garbage.
 */
#include <fcntl.h>
#include <pthread.h>

#include "storm.h"

enum { SECONDS = 30, BOARD = 16 };

struct storm {
	int fd;
	uint32_t knot;
	char name[REFSLAB_NAME_MAX];
	_Atomic uint64_t writes, rings, sweeps;
	_Atomic(const char *) failure;
	_Atomic bool stop;
	uint64_t random;
};

#define must(storm, condition) do {					\
	if (!(condition)) {						\
		(storm)->failure = #condition;				\
		(storm)->stop = true;					\
		return NULL;						\
	}								\
} while (0)

/* The largest, none, and small ones: sweeps at once, never, all the time. */
static const uint32_t values[] = { 0, 1, 2, 50, 700, INT32_MAX };

static bool is_value(uint32_t value)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		if (values[i] == value)
			return true;
	/* what a heap begins with */
	return value == 10;
}

static void *call_writer(void *argument)
{
	uint32_t threshold[REFSLAB_GENERATIONS], i;
	struct storm *storm = argument;
	uint64_t random = storm->random + 1;

	while (!storm->stop) {
		for (i = 0; i < REFSLAB_GENERATIONS; i++)
			threshold[i] = values[storm_random(&random, ARRAY_SIZE(values))];
		must(storm, !refslab_thresholds_set(storm->fd, threshold));
		must(storm, !refslab_thresholds_get(storm->fd, threshold));
		for (i = 0; i < REFSLAB_GENERATIONS; i++)
			must(storm, is_value(threshold[i]));
		must(storm, !refslab_enable_set(storm->fd, storm_random(&random, 4) != 0));
		storm->writes++;
	}
	return NULL;
}

static void *file_writer(void *argument)
{
	static const char *const names[] = { "threshold0", "threshold1", "threshold2", "enabled" };
	struct storm *storm = argument;
	uint64_t random = storm->random + 2;
	int file[ARRAY_SIZE(names)], length;
	char path[128], text[16];
	uint32_t i, value;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/refslab/%s/%s", storm->name, names[i]);
		file[i] = open(path, O_RDWR | O_CLOEXEC);
		must(storm, file[i] >= 0);
	}
	while (!storm->stop) {
		i = storm_random(&random, ARRAY_SIZE(names));
		value = i == 3 ? storm_random(&random, 2) :
			values[storm_random(&random, ARRAY_SIZE(values))];
		length = snprintf(text, sizeof(text), "%u\n", value);
		must(storm, pwrite(file[i], text, length, 0) == length);
		storm->writes += i != 3;
		length = pread(file[i], text, sizeof(text) - 1, 0);
		must(storm, length > 0);
		text[length] = '\0';
		must(storm, i == 3 || is_value(strtoul(text, NULL, 10)));
	}
	for (i = 0; i < ARRAY_SIZE(names); i++)
		close(file[i]);
	return NULL;
}

static void *mutator(void *argument)
{
	uint64_t board[BOARD] = { 0 }, first, second, other;
	struct storm *storm = argument;
	uint64_t random = storm->random + 3 + (uintptr_t)pthread_self();
	unsigned int i;

	while (!storm->stop) {
		i = storm_random(&random, BOARD);
		must(storm, !refslab_alloc(storm->fd, storm->knot, &first));
		must(storm, !refslab_alloc(storm->fd, storm->knot, &second));
		must(storm, !refslab_slot_set(storm->fd, first, 0, second));
		must(storm, !refslab_slot_set(storm->fd, second, 0, first));
		must(storm, !refslab_close(storm->fd, second));
		/* the ring that was here before is whole, whoever swept meanwhile */
		if (board[i]) {
			must(storm, !refslab_slot_load(storm->fd, board[i], 0, &other));
			must(storm, other && !refslab_slot_load(storm->fd, other, 0, &second));
			must(storm, second != 0);
			must(storm, !refslab_close(storm->fd, second));
			must(storm, !refslab_close(storm->fd, other));
			must(storm, !refslab_close(storm->fd, board[i]));
		}
		board[i] = first;
		storm->rings++;
	}
	for (i = 0; i < BOARD; i++)
		if (board[i])
			must(storm, !refslab_close(storm->fd, board[i]));
	return NULL;
}

static void *sweeper(void *argument)
{
	struct storm *storm = argument;
	struct refslab_collect collect;
	uint32_t generation = 0;

	for (; !storm->stop; storm->sweeps++)
		must(storm, !refslab_collect(storm->fd, generation++ % 3, &collect));
	return NULL;
}

static void test_rewritten(void **state)
{
	void *(*const work[])(void *) = { call_writer, file_writer, mutator, mutator, sweeper };
	unsigned int seconds = storm_share(SECONDS, 3), i;
	struct storm storm = { .random = storm_seed() };
	pthread_t thread[ARRAY_SIZE(work)];
	uint64_t began = now_ns(), took;

	(void)state;
	storm.fd = session_with_heap(0);
	storm.knot = type(storm.fd, 2, 32);
	strcpy(storm.name, info_of(storm.fd).name);
	for (i = 0; i < ARRAY_SIZE(work); i++)
		works(pthread_create(&thread[i], NULL, work[i], &storm));
	while (!storm.stop && now_ns() - began < seconds * SECOND)
		sleep_ms(20);
	storm.stop = true;
	for (i = 0; i < ARRAY_SIZE(work); i++)
		works(pthread_join(thread[i], NULL));
	took = now_ns() - began;
	if (storm.failure)
		fail_msg("not true: %s", storm.failure);
	works(refslab_enable_set(storm.fd, 0));
	sweep(storm.fd, 2);
	assert_objects(storm.fd, 0);
	storm_says("%llu writes of thresholds in %llu s, %llu a second, beside %llu rings and %llu sweeps, %llu of them asked for; no object left",
		   (unsigned long long)storm.writes, (unsigned long long)(took / SECOND),
		   (unsigned long long)(storm.writes * SECOND / took),
		   (unsigned long long)storm.rings,
		   (unsigned long long)runs_of(storm.fd), (unsigned long long)storm.sweeps);
	storm_validate(storm.fd);
	/* a tenth or less of what an emulated processor on a busy machine does */
	assert_true(storm.writes * SECOND / took > 2000);
	assert_true(storm.rings > 0 && storm.sweeps > 0);
	close(storm.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rewritten),
	};

	return run_storm(tests);
}
