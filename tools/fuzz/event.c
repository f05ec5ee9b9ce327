// SPDX-License-Identifier: GPL-2.0
/* Events, waited for and read. */
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz.h"

static void read_events(struct thread *thread, struct session *session)
{
	struct random *random = &thread->random;
	/* seldom a file of ours that has none */
	int fd = one_in(random, 16) ? some_file(thread, random_below(random, FILE_EVENTFD)) : session->fd;
	bool fails = one_in(random, 16);
	size_t bytes = sizeof(struct refslab_event) * random_below(random, 1u << random_below(random, 8));
	struct place place;
	struct iovec to;
	ssize_t n;
	int err;

	if (one_in(random, 16))
		bytes = some_bytes(random, 4096);
	memory_place(thread, MEMORY_DATA, bytes, !one_in(random, 8), &place);
	to = (struct iovec){ (void *)(uintptr_t)place.address, bytes };
	/* no alarm comes while a fault is armed, so it may not wait */
	if (fails)
		fault_arm(thread);
	n = fails ? preadv2(fd, &to, 1, -1, RWF_NOWAIT) : read(fd, to.iov_base, bytes);
	err = n < 0 ? errno : 0;
	if (fails)
		fault_disarm(thread);
	count(thread->counts, KIND_READ_EVENTS, err);
	if (n > 0 && place.good)
		oracle_secret(thread, "read events", place.set, NULL, n);
	/* none were asked for */
	if (err == ENXIO && one_in(random, 2))
		fuzz_call(thread, session, REFSLAB_EVENTS);
}

static void wait_events(struct thread *thread, struct session *session)
{
	struct session *other = &thread->process->sessions[random_below(&thread->random, SESSIONS)];
	struct pollfd fds[] = {
		{ .fd = session->fd, .events = POLLIN | POLLOUT },
		{ .fd = other->fd, .events = POLLIN },
		{ .fd = some_file(thread, FILE_EVENTFD), .events = POLLIN },
		{ .fd = some_stranger(thread, FILE_EVENTFD), .events = POLLIN },
	};

	count(thread->counts, KIND_POLL,
	      poll(fds, ARRAY_SIZE(fds), one_in(&thread->random, 8) ? 2 : 0) < 0 ? errno : 0);
}

static void read_eventfd(struct thread *thread)
{
	int fd = some_file(thread, FILE_EVENTFD);
	uint64_t value;

	if (fd >= 0)
		count(thread->counts, KIND_READ_EVENTFD,
		      read(fd, &value, sizeof(value)) < 0 ? errno : 0);
}

void fuzz_event(struct thread *thread, struct session *session)
{
	switch (random_below(&thread->random, 10)) {
	case 0 ... 3:
		read_events(thread, session);
		break;
	case 4 ... 5:
		wait_events(thread, session);
		break;
	case 6 ... 7:
		read_eventfd(thread);
		break;
	default:
		fuzz_call(thread, session, REFSLAB_EVENTS);
		break;
	}
}
