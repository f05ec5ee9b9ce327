// SPDX-License-Identifier: GPL-2.0
/*
 * All processes and freezable kernel threads stopped, as for a suspend, and woken
 * again, while clients sweep, wait for events and wait for each other. Each of
 * them must stop soon enough, and go on where it was.
 */
#include <signal.h>
#include <sys/wait.h>

#include "storm.h"

#define PM_TEST	"/sys/power/pm_test"
#define DELAY	"/sys/module/suspend/parameters/pm_test_delay"

enum { ROUNDS = 20, SWEEPERS = 2, OBJECTS = 20000 };

struct scene {
	_Atomic uint64_t sweeps, events, calls, wrong;
	int fd;
};

/* All on one heap, so that they wait for each other's sweeps. */
static void keep_sweeping(void *argument)
{
	struct scene *scene = argument;
	struct refslab_collect collect;
	int err;

	for (;; scene->sweeps++) {
		err = refslab_collect(scene->fd, 2, &collect);
		/* a frozen call begins anew, or says that it was interrupted */
		if (err && err != -EINTR)
			scene->wrong++;
	}
}

static void keep_listening(void *argument)
{
	struct scene *scene = argument;
	struct refslab_event event[8];
	int n;

	for (;;) {
		n = refslab_event_wait(scene->fd, event, ARRAY_SIZE(event), -1);
		if (n < 0 && n != -EINTR)
			scene->wrong++;
		scene->events += n > 0 ? n : 0;
	}
}

static void keep_allocating(void *argument)
{
	struct scene *scene = argument;
	int fd = refslab_open(0);
	uint32_t knot;
	uint64_t a;

	child_must(fd >= 0);
	child_must(!refslab_heap_create(fd, "", 4 << 20));
	child_must(!refslab_type_create(fd, "knot", 1, 500, 0, &knot));
	for (;; scene->calls++) {
		child_must(!refslab_alloc(fd, knot, &a));
		child_must(!refslab_slot_set(fd, a, 0, a));
		child_must(!refslab_close(fd, a));
	}
}

static bool can_freeze(void)
{
	char text[256];

	return !storm_read(PM_TEST, text, sizeof(text)) && strstr(text, "freezer") &&
	       !storm_read("/sys/power/state", text, sizeof(text)) && strstr(text, "freeze");
}

static void test_frozen(void **state)
{
	void (*const work[])(void *) = {
		keep_sweeping, keep_sweeping, keep_listening, keep_allocating,
	};
	struct scene *scene = storm_shared(sizeof(*scene));
	unsigned int rounds = storm_share(ROUNDS, 1), i;
	uint64_t began = now_ns(), start, longest = 0;
	pid_t child[ARRAY_SIZE(work)];
	uint32_t knot;

	(void)state;
	if (!can_freeze()) {
		print_message("# this kernel has no /sys/power/pm_test with freezer\n");
		skip();
	}
	scene->fd = session_with_heap(0);
	knot = type(scene->fd, 1, 16);
	ring(scene->fd, knot, OBJECTS);
	works(refslab_events(scene->fd, REFSLAB_EVENTS_SWEEPS, 64, -1));
	for (i = 0; i < ARRAY_SIZE(work); i++)
		child[i] = storm_fork(work[i], scene);
	assert_true(eventually(scene->sweeps > 2 && scene->events && scene->calls));
	works(storm_write(PM_TEST, "freezer"));
	storm_write(DELAY, "1");
	for (i = 0; i < rounds; i++) {
		uint64_t sweeps, events, calls;

		start = now_ns();
		works(storm_write("/sys/power/state", "freeze"));
		if (now_ns() - start > longest)
			longest = now_ns() - start;
		sweeps = scene->sweeps;
		events = scene->events;
		calls = scene->calls;
		assert_true(eventually(scene->sweeps > sweeps + 1 && scene->events > events &&
				       scene->calls > calls));
	}
	works(storm_write(PM_TEST, "none"));
	for (i = 0; i < ARRAY_SIZE(work); i++)
		if (!WIFSIGNALED(storm_kill(child[i])))
			fail_msg("a client ended by itself");
	storm_wait_heaps(1);
	assert_objects(scene->fd, OBJECTS);
	storm_validate(scene->fd);
	storm_says("frozen for a second and woken %u times in %llu s, which took %.1f s at most; %llu sweeps, %llu events, %llu rounds of calls, %llu errors",
		   rounds, (unsigned long long)((now_ns() - began) / SECOND),
		   (double)longest / SECOND, (unsigned long long)scene->sweeps,
		   (unsigned long long)scene->events, (unsigned long long)scene->calls,
		   (unsigned long long)scene->wrong);
	assert_int_equal(scene->wrong, 0);
	close(scene->fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frozen),
	};

	return run_storm(tests);
}
