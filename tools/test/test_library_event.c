// SPDX-License-Identifier: GPL-2.0
/* librefslab's ways to wait for events. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "client.h"

#define ROOM	8

/* The next event of the kind; there must be one within ten seconds. */
static struct refslab_event next(int fd, uint32_t kind)
{
	struct refslab_event event = { .kind = UINT32_MAX };

	while (event.kind != kind)
		assert_int_equal(refslab_event_wait(fd, &event, 1, 10000), 1);
	return event;
}

static void test_wait(void **state)
{
	struct client *client = *state;
	struct refslab_event events[ROOM];
	uint64_t handle = ring(client->fd, client->one, 3), weak, began;
	int fd = client->fd;

	works(refslab_events(fd, REFSLAB_EVENTS_SWEEPS | REFSLAB_EVENTS_WEAK, 0, -1));
	began = now_ns();
	assert_int_equal(refslab_event_wait(fd, events, ROOM, 30), 0);
	assert_true(now_ns() - began >= 29 * SECOND / 1000);
	assert_int_equal(refslab_event_wait(fd, events, ROOM, 0), 0);

	weak = weak_of(fd, handle);
	drop(fd, handle);
	assert_int_equal(sweep(fd, 2), 3);
	assert_true(next(fd, REFSLAB_EVENT_WEAK_DEAD).handle == weak);
	assert_int_equal(sweep(fd, 0), 0);
	assert_int_equal(next(fd, REFSLAB_EVENT_SWEEP_START).generation, 0);
	assert_int_equal(next(fd, REFSLAB_EVENT_SWEEP_END).freed, 0);
}

/* Several at once, as many as there is room for. */
static void test_read(void **state)
{
	struct client *client = *state;
	struct refslab_event events[ROOM];
	int fd = client->fd, i;

	works(refslab_events(fd, REFSLAB_EVENTS_SWEEPS, 0, -1));
	for (i = 0; i < 3; i++)
		sweep(fd, i);
	assert_int_equal(refslab_event_read(fd, events, 4), 4);
	assert_int_equal(events[0].kind, REFSLAB_EVENT_SWEEP_START);
	assert_int_equal(events[3].kind, REFSLAB_EVENT_SWEEP_END);
	assert_int_equal(events[3].generation, 1);
	assert_int_equal(refslab_event_read(fd, events, ROOM), 2);
	assert_int_equal(events[1].generation, 2);
}

static void test_mistakes(void **state)
{
	struct client *client = *state;
	struct refslab_event event;
	int fd = client->fd, file = open("/dev/null", O_RDONLY), bare = session();

	fails(ENXIO, refslab_events(bare, 0, 0, -1));
	fails(ENXIO, refslab_event_wait(bare, &event, 1, 10000));
	fails(ENXIO, refslab_event_wait(fd, &event, 1, 10000));
	fails(ENXIO, refslab_event_read(fd, &event, 1));
	fails(EINVAL, refslab_events(fd, 1U << 31, 0, -1));
	fails(EINVAL, refslab_events(fd, REFSLAB_EVENTS_WEAK, 1, -1));
	fails(EINVAL, refslab_events(fd, REFSLAB_EVENTS_WEAK, REFSLAB_EVENTS_MAX + 1, -1));
	fails(EINVAL, refslab_events(fd, 0, ROOM, -1));
	fails(EBADF, refslab_events(fd, REFSLAB_EVENTS_WEAK, 0, 4711));
	fails(EBADF, refslab_events(fd, REFSLAB_EVENTS_WEAK, 0, file));
	fails(EINVAL, refslab_events(fd, 0, 0, file));
	works(refslab_events(fd, REFSLAB_EVENTS_WEAK, 0, -1));
	fails(EINVAL, refslab_event_read(fd, &event, 0));
	fails(EINVAL, refslab_event_wait(fd, &event, 0, 0));
	works(refslab_events(fd, 0, 0, -1));
	fails(ENXIO, refslab_event_read(fd, &event, 1));
	fails(ENXIO, refslab_event_wait(fd, &event, 1, 10000));
	close(file);
	close(bare);
}

static void test_nonblock(void **state)
{
	struct refslab_event event;
	int fd = refslab_open(O_NONBLOCK);

	(void)state;
	works(refslab_heap_create(fd, NULL, 0));
	works(refslab_enable_set(fd, 0));
	works(refslab_events(fd, REFSLAB_EVENTS_SWEEPS, 0, -1));
	fails(EAGAIN, refslab_event_read(fd, &event, 1));
	sweep(fd, 2);
	assert_int_equal(refslab_event_read(fd, &event, 1), 1);
	close(fd);
}

static void test_eventfd(void **state)
{
	struct client *client = *state;
	int eventfd_of = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	uint64_t count = 0;

	works(refslab_events(client->fd, REFSLAB_EVENTS_SWEEPS, 0, eventfd_of));
	sweep(client->fd, 2);
	assert_true(eventually(read(eventfd_of, &count, sizeof(count)) > 0));
	assert_true(count > 0);
	close(eventfd_of);
}

static void nothing(int signal)
{
	(void)signal;
}

/**
 * struct interrupted - who is sent signals until one has come while he waits
 * @thread: he
 * @done: it has
 */
struct interrupted {
	pthread_t thread;
	_Atomic bool done;
};

static void *interrupt(void *argument)
{
	struct interrupted *interrupted = argument;

	while (!interrupted->done) {
		sleep_ms(50);
		pthread_kill(interrupted->thread, SIGUSR1);
	}
	return NULL;
}

/* A signal ends the wait, also where it restarts calls. */
static void test_signal(void **state)
{
	struct client *client = *state;
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	/* what a thread uses that goes on where this fails has to stay */
	static struct interrupted self;
	struct refslab_event event;
	pthread_t thread;
	int err;

	self.thread = pthread_self();
	sigaction(SIGUSR1, &action, NULL);
	works(refslab_events(client->fd, REFSLAB_EVENTS_WEAK, 0, -1));
	assert_int_equal(pthread_create(&thread, NULL, interrupt, &self), 0);
	err = refslab_event_wait(client->fd, &event, 1, 10000);
	self.done = true;
	pthread_join(thread, NULL);
	assert_int_equal(err, -EINTR);
}

static void *ask_for_none(void *client)
{
	sleep_ms(50);
	return refslab_events(((struct client *)client)->fd, 0, 0, -1) ? client : NULL;
}

/* Who waits is told when none will come any more. */
static void test_no_longer_asked(void **state)
{
	struct client *client = *state;
	struct refslab_event event;
	pthread_t thread;
	void *failed;

	works(refslab_events(client->fd, REFSLAB_EVENTS_WEAK, 0, -1));
	assert_int_equal(pthread_create(&thread, NULL, ask_for_none, client), 0);
	fails(ENXIO, refslab_event_wait(client->fd, &event, 1, 10000));
	pthread_join(thread, &failed);
	assert_null(failed);
}

enum { WAITERS = 4, WAIT = 100 /* ms */ };

/* Threads that wait for events of one session at once. */
struct waiters {
	pthread_barrier_t begin;
	int fd, timeout;
	_Atomic unsigned int got, bad, done;
};

static void *wait_for_one(void *argument)
{
	struct waiters *waiters = argument;
	struct refslab_event events[ROOM];
	int n;

	pthread_barrier_wait(&waiters->begin);
	n = refslab_event_wait(waiters->fd, events, ROOM, waiters->timeout);
	if (n > 0)
		waiters->got += n;
	else if (n)
		waiters->bad++;
	waiters->done++;
	return NULL;
}

/*
 * One event for several: one gets it, and the others do not wait longer for that.
 * Whether it came before their time was over; on a busy machine it may not have.
 */
static bool wait_together(struct waiters *waiters, uint64_t handle, uint64_t *longest)
{
	uint64_t weak = weak_of(waiters->fd, handle), began, took;
	pthread_t thread[WAITERS];
	bool in_time;
	int i;

	waiters->got = waiters->bad = waiters->done = 0;
	for (i = 0; i < WAITERS; i++)
		works(pthread_create(&thread[i], NULL, wait_for_one, waiters));
	began = now_ns();
	pthread_barrier_wait(&waiters->begin);
	sleep_ms(WAIT / 5);
	drop(waiters->fd, handle);
	in_time = now_ns() - began < WAIT * 1000000ull;
	drop(waiters->fd, weak);
	if (!eventually(waiters->done == WAITERS))
		fail_msg("%u of %u wait still", WAITERS - waiters->done, WAITERS);
	took = now_ns() - began;
	*longest = took > *longest ? took : *longest;
	for (i = 0; i < WAITERS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(waiters->bad, 0);
	assert_true(waiters->got <= 1);
	if (in_time)
		assert_int_equal(waiters->got, 1);
	return in_time;
}

static void test_several_wait(void **state)
{
	/* what threads use that wait for ever has to stay */
	static struct waiters waiters;
	struct client *client = *state;
	uint64_t longest = 0;
	int i, in_time = 0;

	pthread_barrier_init(&waiters.begin, NULL, WAITERS + 1);
	for (i = 0; i < 200 && in_time < 40; i++) {
		/* the same where read(2) does not wait */
		waiters.fd = i % 4 == 3 ? refslab_open(O_NONBLOCK) : client->fd;
		waiters.timeout = WAIT;
		if (waiters.fd == client->fd) {
			works(refslab_events(client->fd, REFSLAB_EVENTS_WEAK, 0, -1));
			in_time += wait_together(&waiters, make(client->fd, client->one), &longest);
			continue;
		}
		works(refslab_heap_create(waiters.fd, NULL, 0));
		works(refslab_events(waiters.fd, REFSLAB_EVENTS_WEAK, 0, -1));
		in_time += wait_together(&waiters, make(waiters.fd, type(waiters.fd, 1, 8)),
					 &longest);
		close(waiters.fd);
	}
	assert_int_equal(in_time, 40);
	pthread_barrier_destroy(&waiters.begin);
	print_message("# the longest wait of %u ms: %llu ms\n", WAIT,
		      (unsigned long long)(longest / 1000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_wait),
		client_test(test_read),
		client_test(test_mistakes),
		cmocka_unit_test(test_nonblock),
		client_test(test_eventfd),
		client_test(test_signal),
		client_test(test_no_longer_asked),
		client_test(test_several_wait),
	};

	return run_as_tap(tests);
}
