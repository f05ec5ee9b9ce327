// SPDX-License-Identifier: GPL-2.0
/*
 * A session in an event loop: poll(2) on its descriptor, beside whatever else a
 * program waits for, here a timer that drops a cycle and asks for a sweep.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/timerfd.h>

#include "example.h"

/* An object that refers to itself, known by a weak handle only. */
static uint64_t litter(int session)
{
	uint64_t handle, weak;
	uint32_t type;

	must(refslab_type_create(session, "knot", 1, 8, 0, &type));
	must(refslab_alloc(session, type, &handle));
	must(refslab_slot_set(session, handle, 0, handle));
	must(refslab_weak(session, handle, &weak));
	must(refslab_close(session, handle));
	return weak;
}

/* Whether the weak handle died. */
static bool take_events(int session, uint64_t weak)
{
	struct refslab_event event[16];
	bool dead = false;
	int n, i;

	while ((n = refslab_event_read(session, event, 16)) > 0)
		for (i = 0; i < n; i++)
			switch (event[i].kind) {
			case REFSLAB_EVENT_SWEEP_END:
				printf("a sweep freed %llu\n", event[i].freed);
				break;
			case REFSLAB_EVENT_WEAK_DEAD:
				dead |= event[i].handle == weak;
				break;
			}
	if (n != -EAGAIN)
		must(n);
	return dead;
}

int main(void)
{
	refslab_auto_fd session = must(refslab_open(O_NONBLOCK));
	refslab_auto_fd timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	const struct itimerspec soon = { .it_value.tv_nsec = 50000000 };
	struct pollfd wait[] = {
		{ .fd = session, .events = POLLIN },
		{ .fd = timer, .events = POLLIN },
	};
	struct refslab_collect sweep;
	uint64_t weak, ticks;
	bool dead = false;

	must(refslab_heap_create(session, "event-loop", 0));
	must(refslab_enable_set(session, 0));
	must(refslab_events(session, REFSLAB_EVENTS_SWEEPS | REFSLAB_EVENTS_WEAK,
			    0, -1));
	weak = litter(session);
	if (timerfd_settime(timer, 0, &soon, NULL))
		err(EXIT_FAILURE, "timerfd_settime");

	while (!dead && poll(wait, 2, -1) >= 0) {
		if (wait[1].revents && read(timer, &ticks, sizeof(ticks)) > 0)
			must(refslab_collect(session, 2, &sweep));
		if (wait[0].revents)
			dead = take_events(session, weak);
	}
	printf("the object is dead\n");
	return 0;
}
