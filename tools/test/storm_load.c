// SPDX-License-Identifier: GPL-2.0
/*
 * The module unloaded and loaded again and again: idle, beside processes that
 * open the device and read what sysfs and debugfs show, and right after a client
 * was killed in the middle of its work. What is in use is refused, and nothing
 * is left behind.
 */
#include <dirent.h>
#include <sys/wait.h>

#include "module.h"
#include "storm.h"

enum { ROUNDS = 1000, KNOCKERS = 2 };

struct hall {
	_Atomic uint64_t knocks, admitted, read;
	_Atomic bool idle;
	uint64_t random;
};

/* Uses the device whenever it is there; that it goes meanwhile is no mistake. */
static void knock(void *argument)
{
	struct hall *hall = argument;
	uint64_t random = hall->random + 17;
	struct refslab_collect collect;
	uint64_t object;
	uint32_t knot;
	int fd;

	for (;; usleep(storm_random(&random, 20000))) {
		if (hall->idle)
			continue;
		hall->knocks++;
		fd = refslab_open(0);
		if (fd < 0)
			continue;
		hall->admitted++;
		/* while it is open the module stays */
		child_must(!refslab_heap_create(fd, "", 1 << 20));
		child_must(!refslab_type_create(fd, "knot", 1, 100, 0, &knot));
		child_must(!refslab_alloc(fd, knot, &object));
		child_must(!refslab_slot_set(fd, object, 0, object));
		child_must(!refslab_close(fd, object));
		child_must(!refslab_collect(fd, 2, &collect));
		close(fd);
	}
}

static void read_tree(struct hall *hall, const char *path, unsigned int depth)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	char name[512], text[256];

	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%.200s", path, entry->d_name);
		if (entry->d_type == DT_DIR && depth)
			read_tree(hall, name, depth - 1);
		else if (!storm_read(name, text, sizeof(text)))
			hall->read++;
	}
	closedir(directory);
}

static void peep(void *argument)
{
	struct hall *hall = argument;

	for (;; usleep(5000)) {
		if (hall->idle)
			continue;
		read_tree(hall, "/sys/kernel/refslab", 3);
		read_tree(hall, "/sys/kernel/debug/refslab", 3);
		read_tree(hall, "/sys/module/refslab/parameters", 1);
		read_tree(hall, "/sys/kernel/tracing/events/refslab", 1);
	}
}

/* Sweeps and long releases all the time. */
static void toil(void *argument)
{
	const uint32_t threshold[] = { 50, 2, 2 };
	int fd = refslab_open(0);
	uint64_t first, last, next;
	uint32_t knot, i;

	(void)argument;
	child_must(fd >= 0);
	child_must(!refslab_heap_create(fd, "", 0));
	child_must(!refslab_thresholds_set(fd, threshold));
	child_must(!refslab_type_create(fd, "knot", 2, 40, 0, &knot));
	for (;;) {
		child_must(!refslab_alloc(fd, knot, &first));
		last = first;
		for (i = 0; i < 300; i++) {
			child_must(!refslab_alloc(fd, knot, &next));
			child_must(!refslab_slot_set(fd, next, 0, last));
			if (last != first)
				child_must(!refslab_close(fd, last));
			last = next;
		}
		if (storm_random(&next, 2))
			child_must(!refslab_slot_set(fd, first, 0, last));
		child_must(!refslab_close(fd, first));
		child_must(!refslab_close(fd, last));
	}
}

/* How often it was refused. */
static unsigned int unload_soon(void)
{
	uint64_t end = now_ns() + 60 * SECOND;
	unsigned int refused = 0;
	int err;

	while ((err = module_unload())) {
		if (err != -EAGAIN && err != -EBUSY)
			fail_msg("unloading: %s", strerror(-err));
		if (now_ns() > end)
			fail_msg("not unloaded in a minute");
		refused++;
		usleep(refused < 50 ? 200 : 2000);
	}
	return refused;
}

static void test_rounds(void **state)
{
	unsigned int rounds = storm_share(ROUNDS, 8), i, at_work = 0, beside = 0;
	struct hall *hall = storm_shared(sizeof(*hall));
	unsigned long long refused = 0;
	pid_t knocker[KNOCKERS + 1];
	long before = 0, missing;
	uint64_t began = now_ns();

	(void)state;
	if (!module_file())
		skip();
	hall->random = storm_seed();
	hall->idle = true;
	for (i = 0; i < KNOCKERS; i++)
		knocker[i] = storm_fork(knock, hall);
	knocker[KNOCKERS] = storm_fork(peep, hall);
	for (i = 0; i < rounds; i++) {
		hall->idle = i % 4 == 0;
		beside += !hall->idle;
		if (i % 4 >= 2) {
			pid_t worker = storm_fork(toil, NULL);
			int status;

			usleep(10000 + storm_random(&hall->random, 30000));
			status = storm_kill(worker);
			if (!WIFSIGNALED(status))
				fail_msg("a client ended by itself, with status 0x%x", status);
			at_work++;
		}
		refused += unload_soon();
		if (access(REFSLAB_DEVICE, F_OK) == 0 || access("/sys/kernel/refslab", F_OK) == 0)
			fail_msg("something of the module is left");
		/* the first rounds pay for what is only ever made once */
		if (i == rounds / 8)
			before = free_pages();
		works(module_load());
		assert_true(eventually(!access(REFSLAB_DEVICE, R_OK)));
	}
	for (i = 0; i <= KNOCKERS; i++)
		if (!WIFSIGNALED(storm_kill(knocker[i])))
			fail_msg("a process beside found something wrong");
	unload_soon();
	missing = before - free_pages();
	works(module_load());
	storm_says("%u rounds in %llu s, %u beside others that opened the device %llu times of %llu and read %llu files, %u after a client was killed at work, %llu refusals, %ld pages missing",
		   rounds, (unsigned long long)((now_ns() - began) / SECOND), beside,
		   (unsigned long long)hall->admitted, (unsigned long long)hall->knocks,
		   (unsigned long long)hall->read, at_work, refused, missing);
	assert_true(hall->admitted > 0 && hall->read > 0);
	assert_true(missing < 256 + (long)rounds / 2 + storm_kept());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
	};

	return run_storm(tests);
}
