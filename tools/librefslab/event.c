// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <poll.h>

#include "call.h"

passed_by_callers(refslab_event, 64);

int refslab_events(int session, uint32_t flags, uint32_t room, int eventfd)
{
	struct refslab_events events = {
		.size = sizeof(events),
		.flags = flags,
		.room = room,
	};

	if (eventfd >= 0) {
		events.flags |= REFSLAB_EVENTS_FD;
		events.eventfd = eventfd;
	}
	return call(session, REFSLAB_EVENTS, &events);
}

int refslab_event_read(int session, struct refslab_event *events,
		       unsigned int count)
{
	ssize_t length;

	if (count > INT_MAX / sizeof(*events))
		count = INT_MAX / sizeof(*events);
	length = read(session, events, count * sizeof(*events));
	return length < 0 ? -errno : (int)(length / sizeof(*events));
}

int refslab_event_wait(int session, struct refslab_event *events,
		       unsigned int count, int timeout)
{
	struct pollfd wait = { .fd = session, .events = POLLIN };
	int n = poll(&wait, 1, timeout);

	if (n < 0)
		return -errno;
	return n ? refslab_event_read(session, events, count) : 0;
}
