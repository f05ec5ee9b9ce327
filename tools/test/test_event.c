// SPDX-License-Identifier: GPL-2.0
/* Events: sweeps and deaths by read, poll and eventfd. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "ring.h"

#define SWEEPS	REFSLAB_EVENTS_SWEEPS
#define WEAK	REFSLAB_EVENTS_WEAK

static int ask(int fd, uint32_t flags, uint32_t room, int eventfd)
{
	struct refslab_events events = {
		.size = sizeof(events),
		.flags = flags,
		.room = room,
		.eventfd = eventfd,
	};

	return call(fd, REFSLAB_EVENTS, &events);
}

static void nonblock(int fd)
{
	works(fcntl(fd, F_SETFL, O_NONBLOCK));
}

/* No memory of ours; a variable, for compilers know so much of read(). */
static void *volatile nowhere = (void *)8;

/* Up to n events; how many, or a negative error. */
static int take(int fd, struct refslab_event *events, unsigned int n)
{
	ssize_t got = read(fd, events, n * sizeof(*events));

	if (got < 0)
		return -errno;
	assert_int_equal(got % sizeof(*events), 0);
	return got / sizeof(*events);
}

static short polled(int fd, int timeout)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&poll_fd, 1, timeout) ? poll_fd.revents : 0;
}

static void test_sweep(void **state)
{
	struct client *client = *state;
	struct refslab_event events[4];
	uint64_t before = now_ns();

	nonblock(client->fd);
	works(ask(client->fd, SWEEPS, 0, 0));
	fails(EAGAIN, take(client->fd, events, 4));
	assert_int_equal(polled(client->fd, 0), 0);
	drop(client->fd, ring(client->fd, client->two, 5));
	assert_int_equal(sweep(client->fd, 1), 5);
	assert_int_equal(polled(client->fd, 0), POLLIN);

	assert_int_equal(take(client->fd, events, 4), 2);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_SWEEP_START);
	assert_int_equal(events[0].generation, 1);
	/* The kernel's clock may be a coarse one. */
	assert_true(events[0].time_ns + SECOND >= before);
	assert_int_equal(events[0].handle | events[0].examined | events[0].freed |
			 events[0].unfreed | events[0].aborts |
			 events[0].duration_ns, 0);
	assert_int_equal(events[1].kind, REFSLAB_EVENT_SWEEP_END);
	assert_int_equal(events[1].generation, 1);
	assert_true(events[1].time_ns >= events[0].time_ns);
	assert_int_equal(events[1].examined, 5);
	assert_int_equal(events[1].freed, 5);
	assert_int_equal(events[1].unfreed, 0);
	assert_int_equal(events[1].aborts, 0);
	assert_int_equal(events[1].handle, 0);
	assert_int_equal(events[1].duration_ns, stats_of(client->fd, 1).time_ns);
	fails(EAGAIN, take(client->fd, events, 4));
	assert_int_equal(polled(client->fd, 0), 0);
}

/* Sweeps that start by themselves, as well as those asked for. */
static void test_automatic(void **state)
{
	const uint32_t threshold[REFSLAB_GENERATIONS] = { 10, 10, 10 };
	struct client *client = *state;
	struct refslab_event events[2];
	int i;

	works(ask(client->fd, SWEEPS, 0, 0));
	works(refslab_thresholds_set(client->fd, threshold));
	works(refslab_enable_set(client->fd, 1));
	for (i = 0; i < 1000; i++)
		drop(client->fd, ring(client->fd, client->two, 2));
	assert_int_equal(polled(client->fd, 10000), POLLIN);
	assert_true(take(client->fd, events, 1) == 1);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_SWEEP_START);
	assert_int_equal(events[0].generation, 0);
}

/* A heap's sweeps are nobody else's business. */
static void test_another_heap(void **state)
{
	struct client *client = *state;
	int other = session_with_heap(0);
	struct refslab_event event;

	nonblock(client->fd);
	works(ask(client->fd, SWEEPS | WEAK, 0, 0));
	sweep(other, 2);
	fails(EAGAIN, take(client->fd, &event, 1));
	close(other);
	fails(EAGAIN, take(client->fd, &event, 1));
}

static void test_mistakes(void **state)
{
	struct client *client = *state;
	struct refslab_events arg = { .size = sizeof(arg), .flags = SWEEPS };
	int other = session(), pipes[2], eventfd_fd = eventfd(0, 0);
	struct refslab_event event;

	works(pipe(pipes));
	nonblock(client->fd);
	nonblock(other);
	/* No heap, so no events of it. */
	fails(ENXIO, ask(other, SWEEPS, 0, 0));
	fails(ENXIO, take(other, &event, 1));
	assert_int_equal(polled(other, 0), POLLERR);
	/* Not asked for. */
	fails(ENXIO, take(client->fd, &event, 1));
	assert_int_equal(polled(client->fd, 0), POLLERR);

	fails(EINVAL, ask(client->fd, 8, 0, 0));
	fails(EINVAL, ask(client->fd, 1u << 31, 0, 0));
	fails(EINVAL, ask(client->fd, SWEEPS, 1, 0));
	fails(EINVAL, ask(client->fd, SWEEPS, REFSLAB_EVENTS_MAX + 1, 0));
	fails(EINVAL, ask(client->fd, SWEEPS, -1, 0));
	fails(EINVAL, ask(client->fd, 0, 16, 0));
	fails(EINVAL, ask(client->fd, 0, 0, eventfd_fd));
	fails(EINVAL, ask(client->fd, SWEEPS, 0, eventfd_fd));
	fails(EINVAL, ask(client->fd, REFSLAB_EVENTS_FD, 0, eventfd_fd));
	fails(EBADF, ask(client->fd, SWEEPS | REFSLAB_EVENTS_FD, 0, -1));
	fails(EBADF, ask(client->fd, SWEEPS | REFSLAB_EVENTS_FD, 0, 1000));
	fails(EBADF, ask(client->fd, SWEEPS | REFSLAB_EVENTS_FD, 0, pipes[0]));
	fails(EBADF, ask(client->fd, SWEEPS | REFSLAB_EVENTS_FD, 0, client->fd));
	fails(ENXIO, take(client->fd, &event, 1));

	/* What fails replaces nothing. */
	works(ask(client->fd, SWEEPS, REFSLAB_EVENTS_MAX, 0));
	sweep(client->fd, 0);
	fails(EINVAL, ask(client->fd, SWEEPS, 1, 0));
	fails(EBADF, ask(client->fd, WEAK | REFSLAB_EVENTS_FD, 0, pipes[0]));
	fails(EINVAL, read(client->fd, &event, sizeof(event) - 1) < 0 ? -errno : 0);
	fails(EINVAL, read(client->fd, &event, 0) < 0 ? -errno : 0);
	assert_int_equal(take(client->fd, &event, 1), 1);
	assert_int_equal(event.kind, REFSLAB_EVENT_SWEEP_START);

	/* Replaced: what waited is dropped. */
	works(ask(client->fd, SWEEPS, 0, 0));
	fails(EAGAIN, take(client->fd, &event, 1));
	works(ask(client->fd, 0, 0, 0));
	sweep(client->fd, 0);
	fails(ENXIO, take(client->fd, &event, 1));
	works(ask(client->fd, 0, 0, 0));
	/* It can be read, and nothing else. */
	assert_int_equal(write(client->fd, &event, sizeof(event)), -1);
	assert_int_equal(errno, EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	close(eventfd_fd);
	close(other);
}

static void test_weak(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->leaf), b = make(client->fd, client->two);
	uint64_t c = ring(client->fd, client->two, 3), weak[4];
	struct refslab_event events[8];

	nonblock(client->fd);
	weak[0] = weak_of(client->fd, a);
	weak[1] = weak_of(client->fd, b);
	weak[2] = weak_of(client->fd, b);
	weak[3] = weak_of(client->fd, c);
	works(ask(client->fd, WEAK, 0, 0));

	/* By its count. */
	drop(client->fd, a);
	assert_int_equal(take(client->fd, events, 8), 1);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_WEAK_DEAD);
	assert_int_equal(events[0].handle, weak[0]);
	assert_true(events[0].time_ns > 0);
	assert_int_equal(events[0].generation | events[0].examined |
			 events[0].freed | events[0].unfreed | events[0].aborts |
			 events[0].duration_ns, 0);
	assert_int_equal(upgrade(client->fd, weak[0]), 0);

	/* Not if it was closed before; each of several. */
	drop(client->fd, weak[1]);
	weak[1] = weak_of(client->fd, b);
	drop(client->fd, b);
	assert_int_equal(take(client->fd, events, 8), 2);
	assert_true((events[0].handle == weak[1] && events[1].handle == weak[2]) ||
		    (events[0].handle == weak[2] && events[1].handle == weak[1]));

	/* By a sweep, whose own events were not asked for. */
	drop(client->fd, c);
	fails(EAGAIN, take(client->fd, events, 8));
	assert_int_equal(sweep(client->fd, 2), 3);
	assert_int_equal(take(client->fd, events, 8), 1);
	assert_int_equal(events[0].handle, weak[3]);
	/* Dead ones are closed like any other. */
	drop(client->fd, weak[3]);
	fails(EAGAIN, take(client->fd, events, 8));
}

/* A death in a sweep comes between the sweep's two events. */
static void test_order(void **state)
{
	struct client *client = *state;
	uint64_t c = ring(client->fd, client->two, 3), weak;
	struct refslab_event events[8];

	weak = weak_of(client->fd, c);
	drop(client->fd, c);
	works(ask(client->fd, SWEEPS | WEAK, 0, 0));
	sweep(client->fd, 2);
	assert_int_equal(take(client->fd, events, 8), 3);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_SWEEP_START);
	assert_int_equal(events[1].kind, REFSLAB_EVENT_WEAK_DEAD);
	assert_int_equal(events[1].handle, weak);
	assert_int_equal(events[2].kind, REFSLAB_EVENT_SWEEP_END);
}

/* What finds no room is counted, and where it is missing one is told. */
static void test_overflow(void **state)
{
	struct client *client = *state;
	struct refslab_event events[16];
	int i;

	nonblock(client->fd);
	works(ask(client->fd, SWEEPS, 3, 0));
	for (i = 0; i < 5; i++)
		sweep(client->fd, 0);
	assert_int_equal(take(client->fd, events, 16), 4);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_SWEEP_START);
	assert_int_equal(events[1].kind, REFSLAB_EVENT_SWEEP_END);
	assert_int_equal(events[2].kind, REFSLAB_EVENT_SWEEP_START);
	assert_int_equal(events[3].kind, REFSLAB_EVENT_LOST);
	assert_int_equal(events[3].lost, 7);
	assert_true(events[3].time_ns >= events[2].time_ns);
	fails(EAGAIN, take(client->fd, events, 16));

	/* In the middle. */
	for (i = 0; i < 2; i++)
		sweep(client->fd, 0);
	assert_int_equal(take(client->fd, events, 2), 2);
	sweep(client->fd, 1);
	assert_int_equal(take(client->fd, events, 16), 4);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_SWEEP_START);
	assert_int_equal(events[0].generation, 0);
	assert_int_equal(events[1].kind, REFSLAB_EVENT_LOST);
	assert_int_equal(events[1].lost, 1);
	assert_int_equal(events[2].kind, REFSLAB_EVENT_SWEEP_START);
	assert_int_equal(events[2].generation, 1);
	assert_int_equal(events[3].kind, REFSLAB_EVENT_LOST);
	assert_int_equal(events[3].lost, 1);
}

/* A flood: every event was told or counted. */
static void test_flood(void **state)
{
	enum { N = 3000 };
	struct client *client = *state;
	struct refslab_event events[64];
	uint64_t told = 0, lost = 0, a[N];
	int i, n;

	nonblock(client->fd);
	works(ask(client->fd, WEAK, 64, 0));
	for (i = 0; i < N; i++) {
		a[i] = make(client->fd, client->leaf);
		weak_of(client->fd, a[i]);
	}
	for (i = 0; i < N; i++) {
		drop(client->fd, a[i]);
		if (i % 100)
			continue;
		n = take(client->fd, events, 1 + i % 50);
		while (n > 0) {
			n--;
			if (events[n].kind == REFSLAB_EVENT_LOST)
				lost += events[n].lost;
			else
				told++;
		}
	}
	while ((n = take(client->fd, events, 64)) > 0) {
		while (n--) {
			if (events[n].kind == REFSLAB_EVENT_LOST)
				lost += events[n].lost;
			else
				told++;
		}
	}
	assert_int_equal(n, -EAGAIN);
	assert_true(told > 64);
	assert_int_equal(told + lost, N);
}

/* What cannot be copied out is lost, and told so. */
static void test_fault(void **state)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct client *client = *state;
	struct refslab_event *edge, events[8];
	char *memory;

	nonblock(client->fd);
	memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	works(munmap(memory + page, page));
	works(ask(client->fd, SWEEPS, 16, 0));
	sweep(client->fd, 0);
	sweep(client->fd, 1);
	fails(EFAULT, take(client->fd, nowhere, 4));
	assert_int_equal(polled(client->fd, 0), POLLIN);
	/* One is copied, the next is lost. */
	edge = (struct refslab_event *)(memory + page) - 2;
	assert_int_equal(take(client->fd, edge, 4), 2);
	assert_int_equal(edge[0].kind, REFSLAB_EVENT_LOST);
	assert_int_equal(edge[0].lost, 1);
	assert_int_equal(edge[1].kind, REFSLAB_EVENT_SWEEP_END);
	assert_int_equal(take(client->fd, events, 8), 2);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_LOST);
	assert_int_equal(events[0].lost, 1);
	assert_int_equal(events[1].kind, REFSLAB_EVENT_SWEEP_END);

	/* The last one, and what told of it. */
	works(ask(client->fd, SWEEPS, 2, 0));
	sweep(client->fd, 0);
	sweep(client->fd, 0);
	fails(EFAULT, take(client->fd, nowhere, 1));
	fails(EFAULT, take(client->fd, nowhere, 1));
	assert_int_equal(take(client->fd, events, 8), 3);
	assert_int_equal(events[0].lost, 1);
	assert_int_equal(events[1].kind, REFSLAB_EVENT_SWEEP_END);
	assert_int_equal(events[2].lost, 2);
	sweep(client->fd, 0);
	assert_int_equal(take(client->fd, events, 1), 1);
	fails(EFAULT, take(client->fd, nowhere, 1));
	assert_int_equal(take(client->fd, events, 8), 1);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_LOST);
	assert_int_equal(events[0].lost, 1);
	munmap(memory, page);
}

struct reader {
	pthread_t thread;
	int fd;
	int result;
	struct refslab_event event;
	_Atomic bool waiting, done;
};

static void *read_one(void *argument)
{
	struct reader *reader = argument;

	reader->waiting = true;
	reader->result = take(reader->fd, &reader->event, 1);
	reader->done = true;
	return NULL;
}

static void reader_start(struct reader *reader, int fd)
{
	*reader = (struct reader) { .fd = fd };
	works(pthread_create(&reader->thread, NULL, read_one, reader));
	assert_true(eventually(reader->waiting));
	sleep_ms(50);
	assert_false(reader->done);
}

static void test_blocking_read(void **state)
{
	struct client *client = *state;
	struct reader readers[2];

	works(ask(client->fd, SWEEPS, 0, 0));
	reader_start(&readers[0], client->fd);
	reader_start(&readers[1], client->fd);
	/* Two events, one for each of them. */
	sweep(client->fd, 0);
	works(pthread_join(readers[0].thread, NULL));
	works(pthread_join(readers[1].thread, NULL));
	assert_int_equal(readers[0].result, 1);
	assert_int_equal(readers[1].result, 1);
	assert_int_equal(readers[0].event.kind + readers[1].event.kind,
			 REFSLAB_EVENT_SWEEP_START + REFSLAB_EVENT_SWEEP_END);

	/* Nothing is to be waited for any more. */
	reader_start(&readers[0], client->fd);
	works(ask(client->fd, 0, 0, 0));
	works(pthread_join(readers[0].thread, NULL));
	assert_int_equal(readers[0].result, -ENXIO);

	/* Asked for anew: what he waits for comes still. */
	works(ask(client->fd, SWEEPS, 0, 0));
	reader_start(&readers[0], client->fd);
	works(ask(client->fd, WEAK, 8, 0));
	sleep_ms(20);
	assert_false(readers[0].done);
	works(ask(client->fd, SWEEPS, 8, 0));
	sweep(client->fd, 2);
	works(pthread_join(readers[0].thread, NULL));
	assert_int_equal(readers[0].result, 1);
	assert_int_equal(readers[0].event.generation, 2);
}

static void on_signal(int signal)
{
	(void)signal;
}

/* A signal ends his read; one that came before he was in it does not. */
static void reader_interrupt(struct reader *reader)
{
	unsigned int i;

	for (i = 0; i < 100 && !reader->done; i++) {
		works(pthread_kill(reader->thread, SIGUSR1));
		sleep_ms(50);
	}
	works(pthread_join(reader->thread, NULL));
	assert_int_equal(reader->result, -EINTR);
}

static void test_interrupted(void **state)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct client *client = *state;
	struct reader reader;

	works(sigaction(SIGUSR1, &action, NULL));
	works(ask(client->fd, SWEEPS, 0, 0));
	reader_start(&reader, client->fd);
	reader_interrupt(&reader);
}

/* The read goes on until it has something to tell; then the session ends. */
static void test_close_while_reading(void **state)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct client *client = *state;
	char path[256];
	struct reader reader;
	int fd = session_with_heap(0);

	(void)client;
	works(sigaction(SIGUSR1, &action, NULL));
	snprintf(path, sizeof(path), "/sys/kernel/refslab/%s", info_of(fd).name);
	works(ask(fd, SWEEPS | WEAK, 0, 0));
	weak_of(fd, make(fd, type(fd, 1, 8)));
	reader_start(&reader, fd);
	close(fd);
	sleep_ms(50);
	assert_false(reader.done);
	assert_int_equal(access(path, F_OK), 0);
	reader_interrupt(&reader);
	assert_true(eventually(access(path, F_OK)));
}

/* Closed with events waiting, with weak handles that die with the session. */
static void test_close_with_events(void **state)
{
	uint64_t a, b;
	uint32_t two;
	int fd, i;

	(void)state;
	for (i = 0; i < 20; i++) {
		fd = session_with_heap(0);
		two = type(fd, 2, 8);
		works(ask(fd, SWEEPS | WEAK, 4, 0));
		a = make(fd, two);
		b = make(fd, two);
		weak_of(fd, a);
		weak_of(fd, b);
		drop(fd, a);
		sweep(fd, i % 3);
		close(fd);
	}
}

static void test_poll_wakes(void **state)
{
	struct client *client = *state;
	struct refslab_event event;
	pid_t child;
	int status;

	works(ask(client->fd, SWEEPS, 0, 0));
	assert_int_equal(polled(client->fd, 0), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		sleep_ms(100);
		_exit(refslab_collect(client->fd, 0, &(struct refslab_collect) { 0 }) ? 1 : 0);
	}
	assert_int_equal(polled(client->fd, 10000), POLLIN);
	assert_int_equal(take(client->fd, &event, 1), 1);
	works(waitpid(child, &status, 0) == child ? 0 : -errno);
	assert_int_equal(status, 0);
}

static void test_epoll(void **state)
{
	struct epoll_event wanted = { .events = EPOLLIN | EPOLLET }, got;
	struct client *client = *state;
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd = session_with_heap(0);
	struct refslab_event events[8];

	nonblock(client->fd);
	works(ask(fd, WEAK, 2, 0));
	works(epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &wanted));
	works(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted));
	/* Not asked for yet. */
	assert_int_equal(epoll_wait(epoll, &got, 1, 0), 1);
	assert_int_equal(got.events, EPOLLERR);
	works(ask(client->fd, SWEEPS, 0, 0));
	assert_int_equal(epoll_wait(epoll, &got, 1, 0), 0);
	sweep(client->fd, 0);
	assert_int_equal(epoll_wait(epoll, &got, 1, 10000), 1);
	assert_int_equal(got.events, EPOLLIN);
	assert_int_equal(take(client->fd, events, 8), 2);
	/* By the edge: again, since all was read. */
	sweep(client->fd, 0);
	assert_int_equal(epoll_wait(epoll, &got, 1, 10000), 1);
	/* The queue is replaced while epoll waits for it; a session goes. */
	works(ask(client->fd, SWEEPS, 2, 0));
	works(ask(fd, SWEEPS, 2, 0));
	close(fd);
	sweep(client->fd, 0);
	assert_int_equal(epoll_wait(epoll, &got, 1, 10000), 1);
	assert_int_equal(got.events, EPOLLIN);
	works(ask(client->fd, 0, 0, 0));
	assert_int_equal(epoll_wait(epoll, &got, 1, 0), 1);
	assert_int_equal(got.events, EPOLLERR);
	close(epoll);
}

static void test_eventfd(void **state)
{
	struct client *client = *state;
	int signalled = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);
	struct refslab_event events[8];
	uint64_t n = 0;

	nonblock(client->fd);
	works(ask(client->fd, SWEEPS | REFSLAB_EVENTS_FD, 0, signalled));
	assert_int_equal(polled(signalled, 0), POLLOUT);
	sweep(client->fd, 0);
	assert_int_equal(polled(signalled, 10000) & POLLIN, POLLIN);
	assert_int_equal(read(signalled, &n, sizeof(n)), sizeof(n));
	assert_true(n >= 1);
	/* All was read: again. */
	assert_int_equal(take(client->fd, events, 8), 2);
	sweep(client->fd, 0);
	assert_true(eventually(read(signalled, &n, sizeof(n)) == sizeof(n)));

	/* Another one in its place; the first hears no more. */
	works(ask(client->fd, SWEEPS | REFSLAB_EVENTS_FD, 0, other));
	sweep(client->fd, 0);
	assert_true(eventually(read(other, &n, sizeof(n)) == sizeof(n)));
	assert_int_equal(read(signalled, &n, sizeof(n)), -1);
	assert_int_equal(errno, EAGAIN);

	/* Its descriptor is not needed. */
	works(ask(client->fd, SWEEPS | REFSLAB_EVENTS_FD, 0, signalled));
	close(signalled);
	sweep(client->fd, 0);
	assert_int_equal(take(client->fd, events, 8), 2);
	works(ask(client->fd, 0, 0, 0));
	sweep(client->fd, 0);
	close(other);
}

/* Each event once, whoever of those who share a session reads it. */
static void test_fork(void **state)
{
	enum { SWEEPS_MADE = 50 };
	struct client *client = *state;
	struct refslab_event event;
	int pipes[2], n, status;
	unsigned char mine = 0, its = 0;
	pid_t child;

	works(pipe(pipes));
	nonblock(client->fd);
	works(ask(client->fd, SWEEPS, 4 * SWEEPS_MADE, 0));
	for (n = 0; n < SWEEPS_MADE; n++)
		sweep(client->fd, 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		while (take(client->fd, &event, 1) == 1)
			its++;
		_exit(write(pipes[1], &its, 1) != 1);
	}
	while (take(client->fd, &event, 1) == 1)
		mine++;
	assert_int_equal(read(pipes[0], &its, 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(mine + its, 2 * SWEEPS_MADE);
	close(pipes[0]);
	close(pipes[1]);
}

struct race {
	struct client *client;
	_Atomic bool stop;
	_Atomic uint64_t asked, read, swept, died;
};

static void *ask_often(void *argument)
{
	static const uint32_t flags[] = { SWEEPS, WEAK, SWEEPS | WEAK, 0 };
	struct race *race = argument;
	int fd = eventfd(0, EFD_NONBLOCK);
	unsigned int i;

	for (i = 0; !race->stop; i++) {
		uint32_t some = flags[i % ARRAY_SIZE(flags)];
		bool with = some && i % 3 == 0;

		works(ask(race->client->fd, some | (with ? REFSLAB_EVENTS_FD : 0),
			  some ? 2 + i % 7 : 0, with ? fd : 0));
		race->asked++;
	}
	close(fd);
	return NULL;
}

static void *read_often(void *argument)
{
	struct refslab_event events[8];
	struct race *race = argument;
	int n, i;

	while (!race->stop) {
		n = race->read % 5 ? take(race->client->fd, events, 8) :
				     take(race->client->fd, nowhere, 8);
		if (n == -ENXIO || n == -EAGAIN || n == -EFAULT) {
			race->read++;
			polled(race->client->fd, 1);
			continue;
		}
		assert_true(n > 0);
		for (i = 0; i < n; i++)
			assert_in_range(events[i].kind, REFSLAB_EVENT_LOST,
					REFSLAB_EVENT_WEAK_DEAD);
		race->read++;
	}
	return NULL;
}

static void *sweep_often(void *argument)
{
	struct race *race = argument;

	while (!race->stop) {
		sweep(race->client->fd, 2);
		race->swept++;
	}
	return NULL;
}

static void *die_often(void *argument)
{
	struct race *race = argument;
	int fd = race->client->fd;
	uint64_t a, weak;

	while (!race->stop) {
		a = race->died % 2 ? make(fd, race->client->leaf) :
				     ring(fd, race->client->two, 2);
		weak = weak_of(fd, a);
		drop(fd, a);
		drop(fd, weak);
		race->died++;
	}
	return NULL;
}

/* All at once, for the kernel's checks to find something wrong. */
static void test_all_at_once(void **state)
{
	void *(*const jobs[])(void *) = { ask_often, read_often, sweep_often, die_often };
	pthread_t threads[ARRAY_SIZE(jobs)];
	struct race race = { .client = *state };
	size_t i;

	nonblock(race.client->fd);
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		works(pthread_create(&threads[i], NULL, jobs[i], &race));
	sleep_ms(3000);
	race.stop = true;
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		works(pthread_join(threads[i], NULL));
	print_message("# %llu asked, %llu read, %llu sweeps, %llu deaths\n",
		      (unsigned long long)race.asked, (unsigned long long)race.read,
		      (unsigned long long)race.swept, (unsigned long long)race.died);
	assert_true(race.asked && race.read && race.swept && race.died);
}

/* To two places, without waiting; how many events, or a negative error. */
static int take_now(int fd, struct refslab_event *first, struct refslab_event *second)
{
	struct iovec places[] = {
		{ .iov_base = first, .iov_len = sizeof(*first) },
		{ .iov_base = second, .iov_len = sizeof(*second) },
	};
	ssize_t got = preadv2(fd, places, 2, -1, RWF_NOWAIT);

	return got < 0 ? -errno : got / (int)sizeof(*first);
}

/* RWF_NOWAIT does not wait, on a descriptor that does. */
static void test_nowait(void **state)
{
	struct client *client = *state;
	struct refslab_event events[3];

	fails(ENXIO, take_now(client->fd, &events[0], &events[1]));
	works(ask(client->fd, SWEEPS, 0, 0));
	fails(EAGAIN, take_now(client->fd, &events[0], &events[1]));
	sweep(client->fd, 1);
	sweep(client->fd, 2);
	assert_int_equal(take_now(client->fd, &events[2], &events[0]), 2);
	assert_int_equal(events[2].kind, REFSLAB_EVENT_SWEEP_START);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_SWEEP_END);
	assert_int_equal(take(client->fd, events, 1), 1);
	/* As many as there are is enough. */
	assert_int_equal(take_now(client->fd, &events[0], &events[1]), 1);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_SWEEP_END);
	assert_int_equal(events[0].generation, 2);
	fails(EAGAIN, take_now(client->fd, &events[0], &events[1]));

	/* What is not told is counted, and what was told before it is told. */
	sweep(client->fd, 0);
	assert_int_equal(take_now(client->fd, &events[0], nowhere), 1);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_SWEEP_START);
	assert_int_equal(take_now(client->fd, &events[0], &events[1]), 1);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_LOST);
	assert_int_equal(events[0].lost, 1);
}

/* What io_uring reads it waits for by poll, also where read(2) would not wait. */
static void test_uring_read(void **state)
{
	struct client *client = *state;
	struct refslab_event events[2];
	struct io_uring_sqe *sqe;
	struct ring ring;
	int i;

	works(ask(client->fd, SWEEPS, 0, 0));
	ring_begin(&ring, 0);
	for (i = 0; i < 4; i++) {
		if (i == 2)
			nonblock(client->fd);
		sqe = ring_entry(&ring);
		memset(sqe, 0, sizeof(*sqe));
		sqe->opcode = IORING_OP_READ;
		sqe->flags = i % 2 ? IOSQE_ASYNC : 0;
		sqe->fd = client->fd;
		sqe->off = -1;
		sqe->addr = (uintptr_t)events;
		sqe->len = sizeof(events);
		ring_done(&ring);
		ring_submit(&ring, 1);
		sleep_ms(20);
		assert_true(*ring.cq_head == *ring.cq_tail);
		sweep(client->fd, 2);
		assert_int_equal(ring_wait(&ring, NULL) % (int)sizeof(*events), 0);
		assert_int_equal(events[0].kind, REFSLAB_EVENT_SWEEP_START);
		nonblock(client->fd);
		while (take(client->fd, events, 1) == 1)
			;
		works(fcntl(client->fd, F_SETFL, i < 2 ? 0 : O_NONBLOCK));
	}
	ring_end(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_sweep),
		client_test(test_automatic),
		client_test(test_another_heap),
		client_test(test_mistakes),
		client_test(test_weak),
		client_test(test_order),
		client_test(test_overflow),
		client_test(test_flood),
		client_test(test_fault),
		client_test(test_blocking_read),
		client_test(test_interrupted),
		client_test(test_close_while_reading),
		client_test(test_close_with_events),
		client_test(test_poll_wakes),
		client_test(test_epoll),
		client_test(test_eventfd),
		client_test(test_fork),
		client_test(test_nowait),
		client_test(test_uring_read),
		client_test(test_all_at_once),
	};

	return run_as_tap(tests);
}
