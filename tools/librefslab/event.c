// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <poll.h>
#include <sys/uio.h>
#include <time.h>

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

/* Bytes that so many events take, and that one read returns at most. */
static size_t size_of(unsigned int count)
{
	if (count > INT_MAX / sizeof(struct refslab_event))
		count = INT_MAX / sizeof(struct refslab_event);
	return count * sizeof(struct refslab_event);
}

static int events_in(ssize_t length)
{
	return length < 0 ? -errno : (int)(length / sizeof(struct refslab_event));
}

int refslab_event_read(int session, struct refslab_event *events,
		       unsigned int count)
{
	return events_in(read(session, events, size_of(count)));
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

int refslab_event_wait(int session, struct refslab_event *events,
		       unsigned int count, int timeout)
{
	struct iovec place = { .iov_base = events, .iov_len = size_of(count) };
	int64_t end = timeout > 0 ? now_ms() + timeout : 0, left = timeout;
	struct pollfd wait = { .fd = session, .events = POLLIN };
	int n;

	if (!count)
		return -EINVAL;
	for (;;) {
		n = poll(&wait, 1, (int)left);
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		n = events_in(preadv2(session, &place, 1, -1, RWF_NOWAIT));
		if (n != -EAGAIN)
			return n;
		/* another thread took it: what is left of the time */
		if (timeout > 0) {
			left = end - now_ms();
			left = left > 0 ? left : 0;
		}
	}
}
