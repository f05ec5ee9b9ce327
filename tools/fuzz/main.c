// SPDX-License-Identifier: GPL-2.0
/*
 * refslab-fuzz [--seed N] [--seconds N] [--processes N] [--threads N] [--first N] [--no-world] [--unguided] [--stop]
 *		[--replay LOG]
 *
 * Starts processes that fuzz the device, kills them at random points, starts
 * others in their place. Each has a number; what it does depends on the seed,
 * its number, and what it is answered. In the end, when all are dead, nothing of
 * theirs may be left. --unguided does not look at coverage, --stop ends with
 * what is found first.
 *
 * Without coverage --first N --processes 1 does again what process N did. With
 * it that depends on all others, too, so programs are told to the kernel's log,
 * and --replay runs all of them again, by the same processes, --processes of
 * them side by side; each ends with its last program.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define CGROUP	"/sys/fs/cgroup/refslab-fuzz"

enum { ALONE_EVERY = 2, WAIT_SECONDS = 60, REPORT_SECONDS = 15, WORLD = PROCESSES_MAX - 1,
       EXTRA_SECONDS = 300, CHARGE_MAX = 4 << 20 };

struct arena *arena;
uint64_t seed_of_all = 1;
bool guided = true;

static unsigned int processes = 4, threads = 2, seconds = 30;
static uint64_t next_number = 1, kills;
static bool world = true, stop;
static bool some;			/* of what it does: not all kinds are called for */
static int hub[2];
static pid_t world_pid;

static struct {
	pid_t	pid;
	uint64_t number;
	bool	killed;
} running[PROCESSES_MAX];

void mistake(const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = snprintf(text, sizeof(text), "# MISTAKE: ");
	n += vsnprintf(text + n, sizeof(text) - n - 1, format, args);
	va_end(args);
	if (n > (int)sizeof(text) - 2)
		n = sizeof(text) - 2;
	text[n++] = '\n';
	/* a few are enough */
	if (__atomic_fetch_add(&arena->mistakes, 1, __ATOMIC_RELAXED) < 20)
		n = write(STDOUT_FILENO, text, n);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

static bool write_cgroup(const char *file, const char *text)
{
	char path[128];
	int fd, n;

	snprintf(path, sizeof(path), CGROUP "/%s", file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n > 0;
}

/* A number that a file begins with, or 0. */
static uint64_t read_number(const char *path)
{
	uint64_t value = 0;
	FILE *stream;

	stream = fopen(path, "r");
	if (!stream)
		return 0;
	if (fscanf(stream, "%lu", &value) != 1)
		value = 0;
	fclose(stream);
	return value;
}

/* A process that is in the cgroup, or 0. */
static uint64_t still_there(void)
{
	return read_number(CGROUP "/cgroup.procs");
}

/* The kernel is tainted by what it complains of, most of it. */
static uint64_t taint(void)
{
	return read_number("/proc/sys/kernel/tainted");
}

/*
 * Bytes of pages that the kernel took for us as they are, which is what pools
 * do. Freed objects of slabs are not asked for: KASAN keeps them for a while.
 */
static int64_t charged_pages(void)
{
	static const char * const others[] = {
		"kernel_stack", "pagetables", "sec_pagetables", "percpu", "vmalloc",
		"slab_reclaimable", "slab_unreclaimable",
	};
	int64_t value, bytes = 0;
	char name[64];
	unsigned int i;
	FILE *stream;

	stream = fopen(CGROUP "/memory.stat", "r");
	if (!stream)
		return 0;
	while (fscanf(stream, "%63s %ld", name, &value) == 2) {
		if (!strcmp(name, "kernel"))
			bytes += value;
		for (i = 0; i < ARRAY_SIZE(others); i++)
			if (!strcmp(name, others[i]))
				bytes -= value;
	}
	fclose(stream);
	return bytes;
}

static pid_t start(unsigned int place, uint64_t number, bool is_world)
{
	pid_t pid;

	/* memory may be short just now; to kill -1 would be to kill all */
	while ((pid = fork()) < 0)
		usleep(10000);
	if (pid)
		return pid;
	if (!write_cgroup("cgroup.procs", "0"))
		_exit(1);
	if (is_world)
		world_run(&arena->counts[WORLD][0]);
	process_run(number, place, replaying ? replay_threads(number) : threads,
		    number % ALONE_EVERY == 0, hub);
}

static void start_at(unsigned int place)
{
	uint64_t number = replaying ? replay_number(next_number) : next_number;

	if (!number)
		return;
	next_number = number + 1;
	fflush(stdout);
	printf("# process %lu\n", number);
	fflush(stdout);
	running[place].number = number;
	running[place].killed = false;
	__atomic_store_n(&arena->compares[place], false, __ATOMIC_RELAXED);
	running[place].pid = start(place, number, false);
}

/* Those that died by themselves, or of us, are replaced. */
static void reap(bool replace)
{
	unsigned int place;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (place = 0; place < processes; place++)
			if (running[place].pid == pid)
				break;
		if (place == processes)
			continue;
		running[place].pid = 0;
		if (!running[place].killed && (!WIFEXITED(status) || WEXITSTATUS(status)))
			mistake("process %lu ended by itself: status %x", running[place].number, status);
		if (replace)
			start_at(place);
	}
}

static void kill_one(struct random *random)
{
	unsigned int place = random_below(random, processes);

	/* whoever has begun to compare may have found something, and says so soon */
	if (!running[place].pid || __atomic_load_n(&arena->compares[place], __ATOMIC_RELAXED))
		return;
	running[place].killed = true;
	kill(running[place].pid, SIGKILL);
	kills++;
}

/* By how much is done and not by the clock, which is too fast for a slow kernel. */
static uint64_t work_done(void)
{
	unsigned int place, thread;
	uint64_t n = 0;

	for (place = 0; place < processes; place++)
		for (thread = 0; thread < threads; thread++)
			n += __atomic_load_n(&arena->counts[place][thread].total, __ATOMIC_RELAXED);
	return n;
}

static struct counts *sum_up(void)
{
	static struct counts sum;
	unsigned int place, thread, i;
	const uint64_t *from;
	uint64_t *to = sum.n[0];

	memset(&sum, 0, sizeof(sum));
	for (place = 0; place < PROCESSES_MAX; place++)
		for (thread = 0; thread < THREADS_MAX; thread++) {
			from = arena->counts[place][thread].n[0];
			for (i = 0; i < KINDS * ERRNOS; i++)
				to[i] += from[i];
		}
	return &sum;
}

static void progress(uint64_t begin)
{
	struct counts *counts = sum_up();
	uint64_t ms = now_ms() - begin;

	printf("# after %lu s: %lu calls, %lu entries, %lu a second, %lu kills, %u programs kept, %lu points covered\n",
	       ms / 1000, count_calls(counts), count_entries(counts),
	       (count_calls(counts) + count_entries(counts)) * 1000 / (ms ? ms : 1), kills,
	       arena->corpus.count, arena->corpus.covered);
	fflush(stdout);
}

/* Whether something was found; said when, and who ran then, since the log of the kernel has no calls. */
static bool found(uint64_t begin)
{
	static uint64_t looked, before = UINT64_MAX;
	static bool said;
	uint64_t now = now_ms();
	unsigned int place;

	if (said || (!arena->mistakes && now - looked < 200))
		return said;
	looked = now;
	if (before == UINT64_MAX)
		before = taint();
	said = arena->mistakes || taint() != before;
	if (said) {
		printf("# found after %lu s: %s, beside processes", (now - begin) / 1000,
		       arena->mistakes ? "a mistake" : "the kernel complains");
		for (place = 0; place < processes; place++)
			if (running[place].pid)
				printf(" %lu", running[place].number);
		printf("\n");
		progress(begin);
	}
	return said;
}

/* Whether nobody has anything left to run again. */
static bool all_ran(void)
{
	unsigned int place;

	for (place = 0; place < processes; place++)
		if (running[place].pid)
			return false;
	return true;
}

/* Whether time is up, and each kind was tried and seen to work; a slow machine has more time for that. */
static bool done(uint64_t ms)
{
	static uint64_t looked;

	if (replaying)
		return all_ran();
	if (ms < seconds * 1000ull || ms >= (seconds + EXTRA_SECONDS) * 1000ull || some)
		return ms >= seconds * 1000ull;
	if (ms - looked < 1000)
		return false;
	looked = ms;
	return !count_lacking(sum_up(), arena->absent);
}

static void run(void)
{
	uint64_t begin = now_ms(), told = begin, next_kill = 1000, now;
	struct timespec pause = { 0, 2000000 };
	struct random random;
	unsigned int place;

	random_seed(&random, random_mix(seed_of_all, 0));
	for (place = 0; place < processes; place++)
		start_at(place);
	if (world)
		world_pid = start(0, 0, true);
	while (!done((now = now_ms()) - begin) && !(found(begin) && stop)) {
		nanosleep(&pause, NULL);
		if (work_done() >= next_kill && !replaying) {
			kill_one(&random);
			/* all at once, so that heaps go too */
			if (one_in(&random, 32))
				for (place = 0; place < 4 * processes; place++)
					kill_one(&random);
			next_kill = work_done() + 100 + random_below(&random, 1u << random_below(&random, 18));
		}
		reap(true);
		if (now - told >= REPORT_SECONDS * 1000) {
			told = now;
			progress(begin);
		}
	}
	progress(begin);
}

static bool eventually(bool (*condition)(void))
{
	uint64_t end = now_ms() + WAIT_SECONDS * 1000;
	struct timespec pause = { 0, 20000000 };

	while (!condition()) {
		if (now_ms() > end)
			return false;
		nanosleep(&pause, NULL);
		reap(false);
	}
	return true;
}

static bool all_dead(void)
{
	return !still_there();
}

/* Others take some too, pipes say; a chunk that each heap leaves is more. */
static bool little_charged(void)
{
	return charged_pages() <= CHARGE_MAX;
}

/* All are killed in the middle of what they do, children and world too. */
static void finish(uint64_t pages)
{
	unsigned int place;
	int64_t charge;

	/* each by itself too: one that has just begun may not be in the cgroup yet */
	for (place = 0; place < processes; place++) {
		running[place].killed = true;
		if (running[place].pid > 0)
			kill(running[place].pid, SIGKILL);
	}
	if (world_pid > 0)
		kill(world_pid, SIGKILL);
	if (!write_cgroup("cgroup.kill", "1"))
		mistake("processes cannot be killed: %s", strerror(errno));
	if (!eventually(all_dead))
		mistake("process %lu does not die", still_there());
	reap(false);
	close(hub[0]);
	close(hub[1]);
	world_end();
	if (!eventually(world_empty))
		mistake("all processes are dead, and heaps are left");
	if (world_pages() > pages)
		mistake("pools have left %lu pages", world_pages() - pages);
	/* the kernel sums up what processors have counted every two seconds */
	eventually(little_charged);
	charge = charged_pages();
	printf("# pages charged to the memory cgroup in the end: %ld bytes\n", charge);
	if (charge > CHARGE_MAX)
		mistake("all processes are dead, and pages of %ld bytes are charged to them", charge);
}

static bool set_up(void)
{
	int buffer = 1 << 20;

	arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (arena == MAP_FAILED || (mkdir(CGROUP, 0755) && errno != EEXIST))
		return false;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, hub))
		return false;
	setsockopt(hub[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	fault_set_up();
	coverage_set_up();
	guided = guided && !replaying && coverage_there();
	if (guided || replaying)
		replay_tell_all();
	hub[0] = own_fd(hub[0]);
	hub[1] = own_fd(hub[1]);
	if (!world) {
		enum kind kind;

		for (kind = KIND_SYSFS_WRITE; kind < KINDS; kind++)
			arena->absent[kind] = true;
	}
	return hub[0] >= 0 && hub[1] >= 0;
}

static bool parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "processes", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 'n' },
		{ "first", required_argument, NULL, 'f' },
		{ "no-world", no_argument, NULL, 'w' },
		{ "unguided", no_argument, NULL, 'u' },
		{ "stop", no_argument, NULL, 'x' },
		{ "replay", required_argument, NULL, 'r' },
		{ }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			seed_of_all = strtoull(optarg, NULL, 0);
			break;
		case 't':
			seconds = atoi(optarg);
			break;
		case 'p':
			processes = atoi(optarg);
			break;
		case 'n':
			threads = atoi(optarg);
			break;
		case 'f':
			next_number = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			world = false;
			break;
		case 'u':
			guided = false;
			break;
		case 'x':
			stop = true;
			break;
		case 'r':
			if (replay_load(optarg))
				break;
			fprintf(stderr, "%s: no programs in it\n", optarg);
			return false;
		default:
			return false;
		}
	}
	some = replaying || next_number != 1 || processes == 1;
	/* the last place is the world's */
	return processes && processes < PROCESSES_MAX && threads && threads <= THREADS_MAX &&
	       optind == argc;
}

int main(int argc, char **argv)
{
	struct counts *counts;
	unsigned int kind, kinds = 0;
	uint64_t pages;
	bool good;

	if (!parse(argc, argv)) {
		fprintf(stderr, "usage: %s [--seed N] [--seconds N] [--processes 1-%d] [--threads 1-%d] [--first N] [--no-world] [--unguided] [--stop] [--replay LOG]\n",
			argv[0], PROCESSES_MAX - 1, THREADS_MAX);
		return 2;
	}
	if (!set_up()) {
		perror("refslab-fuzz");
		return 2;
	}
	printf("# refslab-fuzz --seed %lu --seconds %u --processes %u --threads %u\n",
	       seed_of_all, seconds, processes, threads);
	pages = world_pages();
	run();
	finish(pages);
	counts = sum_up();
	coverage_report();
	count_report(counts, arena->absent);
	good = some || !count_lacking(counts, arena->absent);
	for (kind = 0; kind < KINDS; kind++)
		kinds += kind_name(kind) && counts->n[kind][0];
	printf("fuzz: %lu calls, %lu entries of batches, %u kinds, %lu kills, %u mistakes\n",
	       count_calls(counts), count_entries(counts), kinds, kills, arena->mistakes);
	return good && !arena->mistakes ? 0 : 1;
}
