// SPDX-License-Identifier: GPL-2.0
/* A process: what its threads share, and what they do one step at a time. */
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

static struct process process;
static struct thread threads[THREADS_MAX];

/* A session without a heap is of little use, and one without types of less. */
static bool prepare(struct thread *thread, struct session *session)
{
	struct random *random = &thread->random;

	if (session->fd < 0) {
		if (!one_in(random, 16))
			session_open(thread, session);
		return true;
	}
	if (one_in(random, session->read_only ? 2 : 8))
		return false;
	if (!session->bound) {
		/* heaps and types are dear to make, and more is met in few of them */
		if (some_file(thread, FILE_INVITATION) >= 0 && !one_in(random, 8)) {
			fuzz_call(thread, session, REFSLAB_JOIN);
			return true;
		}
		fuzz_call(thread, session, REFSLAB_HEAP_CREATE);
		fuzz_call(thread, session, REFSLAB_INVITE);
		return true;
	}
	if (!session->types[random_below(random, 2)].type) {
		/* who joined mostly finds some */
		fuzz_call(thread, session, session->read_only || !one_in(random, session->joined ? 8 : 2) ?
			  REFSLAB_TYPE_INFO : REFSLAB_TYPE_CREATE);
		return true;
	}
	if (!session->handles[random_below(random, HANDLES)].handle &&
	    !session->handles[random_below(random, HANDLES)].handle) {
		if (session->read_only)
			fuzz_call(thread, session, one_in(random, 2) ? REFSLAB_ROOT_GET :
				  REFSLAB_OBJECTS);
		else
			fuzz_call(thread, session, one_in(random, 8) ? REFSLAB_ROOT_GET :
				  REFSLAB_ALLOC);
		return true;
	}
	return false;
}

void process_step(struct thread *thread)
{
	struct random *random = &thread->random;
	struct session *session = &process.sessions[random_below(random, SESSIONS)];

	if (prepare(thread, session))
		return;
	switch (random_below(random, 64)) {
	case 0 ... 39:
		fuzz_any_call(thread, session);
		break;
	case 40 ... 48:
		fuzz_batch(thread, session);
		break;
	case 49 ... 50:
		fuzz_uring(thread, session);
		break;
	case 51 ... 55:
		fuzz_mapping(thread, session);
		break;
	case 56 ... 57:
		fuzz_event(thread, session);
		break;
	case 58 ... 61:
		fuzz_descriptor(thread, session);
		break;
	case 62:
		if (one_in(random, 4))
			fuzz_unknown(thread, session);
		break;
	default:
		if (process.alone && one_in(random, 6))
			fuzz_leak(thread, session);
		if (!process.alone && !thread->child)
			memory_scribble(thread, &threads[random_below(random, THREADS_MAX)]);
		break;
	}
}

static void on_alarm(int signal)
{
}

/* Whoever waits is woken before long, and interrupted at random points. */
static void alarm_begin(struct random *random)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGALRM,
		._sigev_un._tid = syscall(SYS_gettid),
	};
	long ns = (10 + random_below(random, 40)) * 1000000l;
	struct itimerspec often = { { 0, ns }, { 0, ns } };
	timer_t timer;

	if (!timer_create(CLOCK_MONOTONIC, &event, &timer))
		timer_settime(timer, 0, &often, NULL);
}

/* Up to where nothing new was reached any more. */
static void program_run(struct thread *thread, struct program *program)
{
	struct program kept = { 0 };
	bool keep = false;
	unsigned int i, n;

	thread->taste = program->taste;
	for (i = 0; i < ARRAY_SIZE(program->calls) && program->calls[i]; i++) {
		random_seed(&thread->random, program->seeds[i]);
		for (n = 1; n <= program->calls[i]; n++) {
			process_step(thread);
			if (!coverage_new(&thread->coverage))
				continue;
			keep = guided;
			kept = *program;
			kept.calls[i] = n;
			memset(&kept.calls[i + 1], 0, sizeof(kept.calls) - (i + 1) * sizeof(kept.calls[0]));
		}
	}
	if (keep)
		program_keep(&kept);
}

static bool next_program(struct thread *thread, struct program *program)
{
	if (__atomic_load_n(&arena->stop, __ATOMIC_RELAXED))
		return false;
	if (replaying)
		return replay_next(thread, program);
	program_choose(&thread->choice, program);
	return true;
}

static void *thread_run(void *arg)
{
	struct thread *thread = arg;
	struct program program;

	random_seed(&thread->choice, random_mix(random_mix(seed_of_all, process.number),
						1 + thread->number));
	alarm_begin(&thread->choice);
	coverage_begin(&thread->coverage);
	fault_begin(thread);
	while (next_program(thread, &program)) {
		replay_tell(thread, &program);
		program_run(thread, &program);
	}
	return NULL;
}

/* Root is counted nowhere, unless it lacks this capability. */
static void be_counted(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return;
	data[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective &= ~CAP_TO_MASK(CAP_SYS_RESOURCE);
	syscall(SYS_capset, &header, data);
}

static void process_init(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct rlimit limit = { .rlim_cur = FDS_MAX, .rlim_max = FDS_MAX };
	unsigned int i, kind;

	setrlimit(RLIMIT_NOFILE, &limit);
	/* without SA_RESTART */
	sigaction(SIGALRM, &action, NULL);
	signal(SIGCHLD, SIG_IGN);
	mapping_init();
	for (i = 0; i < SESSIONS; i++)
		process.sessions[i].fd = -1;
	for (kind = 0; kind < FILE_KINDS; kind++)
		for (i = 0; i < FILES; i++)
			process.files[kind][i] = -1;
	if (pipe2(process.pipe, O_NONBLOCK))
		_exit(1);
	process.pipe[0] = own_fd(process.pipe[0]);
	process.pipe[1] = own_fd(process.pipe[1]);
}

void process_run(uint64_t number, unsigned int place, unsigned int count, bool alone,
		 const int hub[2])
{
	pthread_t other[THREADS_MAX];
	unsigned int i;

	process.number = number;
	process.place = place;
	process.alone = alone;
	memcpy(process.hub, hub, sizeof(process.hub));
	process_init();
	if (number % 4 == 0)
		be_counted();
	if (alone)
		count = 1;
	for (i = 0; i < count; i++) {
		threads[i].process = &process;
		threads[i].number = i;
		threads[i].counts = &arena->counts[place][i];
		threads[i].counted = threads[i].counts->total;
		if (!memory_init(&threads[i])) {
			perror("memory");
			_exit(1);
		}
	}
	for (i = 1; i < count; i++)
		if (pthread_create(&other[i], NULL, thread_run, &threads[i]))
			_exit(1);
	thread_run(&threads[0]);
	for (i = 1; i < count; i++)
		pthread_join(other[i], NULL);
	_exit(0);
}
