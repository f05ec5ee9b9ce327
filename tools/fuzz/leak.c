// SPDX-License-Identifier: GPL-2.0
/*
 * References that nobody has. A heap's end takes all objects with it, whatever
 * counts they have, and a count that is too high keeps nothing else from going on:
 * nobody would tell. So a process that shares with nobody gives back all it has of
 * a heap, but for one session that is new to it, and then nothing may be left
 * there.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

/* Seconds: processors are few, sweeps slow where KASAN looks on, and others write to files of sysfs. */
enum { PATIENCE = 60 };

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Not counted among the calls: how many there are depends on the time. */
static bool ask(int fd, unsigned long request, void *arg)
{
	return !ioctl(fd, request, arg);
}

/* One more session of a heap, away from the descriptors that go; or -1. */
static int join(int of)
{
	struct refslab_invite invite = { .size = sizeof(invite) };
	struct refslab_join join = { .size = sizeof(join) };
	int fd;

	if (!ask(of, REFSLAB_INVITE, &invite))
		return -1;
	fd = own_fd(open(DEVICE, O_RDWR | O_CLOEXEC));
	join.fd = invite.fd;
	if (fd >= 0 && !ask(fd, REFSLAB_JOIN, &join)) {
		close(fd);
		fd = -1;
	}
	close(invite.fd);
	return fd;
}

static void give_all_back(struct process *process)
{
	unsigned int i, kind;

	munmap((void *)WINDOW, (size_t)WINDOW_PLACES * WINDOW_BYTES);
	close_range(STDERR_FILENO + 1, OWN_FDS - 1, 0);
	memset(process->mapped, 0, sizeof(process->mapped));
	memset(process->sessions, 0, sizeof(process->sessions));
	for (i = 0; i < SESSIONS; i++)
		process->sessions[i].fd = -1;
	for (kind = 0; kind < FILE_KINDS; kind++)
		for (i = 0; i < FILES; i++)
			process->files[kind][i] = -1;
}

static void take_names_away(int fd)
{
	struct refslab_root_next next = { .size = sizeof(next) };
	struct refslab_root_set none = { .size = sizeof(none) };

	while (memset(next.name, 0, sizeof(next.name)), ask(fd, REFSLAB_ROOT_NEXT, &next)) {
		memcpy(none.name, next.name, sizeof(none.name));
		if (!ask(fd, REFSLAB_ROOT_SET, &none))
			break;
	}
}

/* What nothing refers to any more goes; who writes to files of sysfs may hinder it. */
static void sweep_all(int fd)
{
	struct refslab_quarantine off = { .size = sizeof(off), .flags = REFSLAB_QUARANTINE_SET };
	struct refslab_quarantine drain = { .size = sizeof(drain), .flags = REFSLAB_QUARANTINE_DRAIN };
	struct refslab_freeze thaw = { .size = sizeof(thaw), .flags = REFSLAB_FREEZE_OFF };
	struct refslab_collect collect = { .size = sizeof(collect), .generation = 2 };

	ask(fd, REFSLAB_QUARANTINE, &off);
	ask(fd, REFSLAB_QUARANTINE, &drain);
	ask(fd, REFSLAB_FREEZE, &thaw);
	ask(fd, REFSLAB_COLLECT, &collect);
}

void fuzz_leak(struct thread *thread, struct session *session)
{
	bool *compares = &arena->compares[thread->process->place];
	struct refslab_heap_info info = { .size = sizeof(info) };
	struct timespec pause = { 0, 1000000 };
	const struct rlimit all = { .rlim_cur = FDS_MAX, .rlim_max = FDS_MAX };
	time_t end;
	int fd;

	if (!thread->process->alone || uring_busy(thread) || !session->bound || session->fd < 0)
		return;
	/* or there is none for what is the fuzzer's own */
	setrlimit(RLIMIT_NOFILE, &all);
	fd = join(session->fd);
	count(thread->counts, KIND_LEAK, fd < 0 ? EAGAIN : 0);
	if (fd < 0)
		return;
	give_all_back(thread->process);
	take_names_away(fd);
	__atomic_store_n(compares, true, __ATOMIC_RELAXED);
	end = seconds() + PATIENCE;
	while (ask(fd, REFSLAB_HEAP_INFO, &info) && info.objects && seconds() < end) {
		sweep_all(fd);
		nanosleep(&pause, NULL);
	}
	if (info.objects)
		mistake("process %lu: all that was had of a heap is given back, and %llu objects are left",
			thread->process->number, info.objects);
	__atomic_store_n(compares, false, __ATOMIC_RELAXED);
	close(fd);
}
