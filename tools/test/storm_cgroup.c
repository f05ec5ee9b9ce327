// SPDX-License-Identifier: GPL-2.0
/*
 * Clients in a memory cgroup with a tight limit. One is refused, or killed by the
 * kernel if it is its programs that want more; who shares its heap from outside
 * is refused too and kills nobody; who has nothing to do with it notices nothing;
 * and when it is gone, all that was charged to the cgroup is given back.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sharing.h"
#include "storm.h"

#define CGROUP	"/sys/fs/cgroup/storm"
#define VISITOR	CGROUP "-visitor"
#define LIMIT	(12 << 20)
/* What the kernel may keep of a cgroup's for a while: stocks of processors. */
#define CRUMBS	(512 << 10)

enum { ROUNDS = 60, BIG = 4000 };

struct scene {
	_Atomic uint64_t objects, refused, again;	/* of the poor */
	_Atomic uint64_t bystander, suffered;
	int out;		/* a socket, for an invitation and a byte */
	bool greedy;
};

/* A program that wants more than it may have. */
static void hungry(void)
{
	void *memory = mmap(NULL, 2 * LIMIT, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	child_must(memory != MAP_FAILED);
	memset(memory, 1, 2 * LIMIT);
}

/*
 * All that a process and a session need by the way is had before there is none:
 * who wants more for itself is killed, which is not what is tried here.
 */
static int prepare(struct scene *scene, uint32_t *big)
{
	enum { HANDLES = 2 * LIMIT / BIG };
	static uint64_t handle[HANDLES];
	int fd, invitation;
	uint32_t i;

	child_must(!mlockall(MCL_CURRENT | MCL_FUTURE));
	fd = refslab_open(0);
	child_must(fd >= 0);
	child_must(!refslab_heap_create(fd, "poor", 1 << 30));
	child_must(!refslab_type_create(fd, "big", 1, BIG, 0, big));
	child_must(!refslab_alloc(fd, *big, &handle[0]));
	for (i = 1; i < HANDLES; i++)
		child_must(!refslab_dup(fd, handle[0], 0, &handle[i]));
	for (i = 0; i < HANDLES; i++)
		child_must(!refslab_close(fd, handle[i]));
	invitation = refslab_invite(fd, 0, 0);
	child_must(invitation >= 0);
	child_must(!refslab_send(scene->out, invitation));
	close(invitation);
	return fd;
}

/* Fills a heap of its own up to what its cgroup may have. */
static void be_poor(void *argument)
{
	static uint64_t handle[2 * LIMIT / BIG];
	struct scene *scene = argument;
	uint32_t big, n, i;
	int fd, err;

	child_must(!storm_write(CGROUP "/cgroup.procs", "0"));
	fd = prepare(scene, &big);
	for (n = 0; !(err = refslab_alloc(fd, big, &handle[n])); n++)
		child_must(n < ARRAY_SIZE(handle) - 1);
	child_must(err == -ENOMEM);
	scene->objects += n;
	/* it lives, and what it gives back it can have again */
	for (i = 0; i < n / 2; i++)
		child_must(!refslab_close(fd, handle[i]));
	for (i = 0; i < n / 4; i++)
		child_must(!refslab_alloc(fd, big, &handle[i]));
	scene->again += i;
	while (!refslab_alloc(fd, big, &handle[0]))
		;
	scene->refused++;
	if (scene->greedy)
		hungry();
	for (;;)
		pause();
}

/* Works all the time in a heap of its own, outside. */
static void stand_by(void *argument)
{
	struct scene *scene = argument;
	int fd = refslab_open(0);
	uint64_t a, b;
	uint32_t knot;

	child_must(fd >= 0);
	child_must(!refslab_heap_create(fd, "bystander", 4 << 20));
	child_must(!refslab_type_create(fd, "knot", 1, 1000, 0, &knot));
	for (;; scene->bystander++) {
		if (refslab_alloc(fd, knot, &a) || refslab_alloc(fd, knot, &b) ||
		    refslab_slot_set(fd, a, 0, b) || refslab_slot_set(fd, b, 0, a) ||
		    refslab_close(fd, a) || refslab_close(fd, b))
			scene->suffered++;
	}
}

/* Joins the heap of the poor from outside: it is their cgroup that pays. */
static void join_from_outside(int in)
{
	int invitation = refslab_receive(in), fd = session(), err = 0;
	struct refslab_type_info info;
	unsigned int n;
	uint64_t handle;

	assert_true(invitation >= 0);
	works(refslab_join(fd, invitation));
	works(refslab_type_next(fd, 0, &info));
	for (n = 0; n < 2 * LIMIT / BIG && !err; n++)
		err = refslab_alloc(fd, info.type, &handle);
	assert_int_equal(err, -ENOMEM);
	close(invitation);
	close(fd);
}

static long long dying(void)
{
	return storm_value("/sys/fs/cgroup/cgroup.stat", "nr_dying_descendants");
}

static long long killed(void)
{
	return storm_value(CGROUP "/memory.events", "oom_kill");
}

/* Charged for a little on each CPU. */
static void visit(void *unused)
{
	cpu_set_t all, one;
	int cpu;

	(void)unused;
	child_must(!storm_write(VISITOR "/cgroup.procs", "0"));
	child_must(!sched_getaffinity(0, sizeof(all), &all));
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		child_must(!sched_setaffinity(0, sizeof(one), &one));
		child_must(mmap(NULL, CRUMBS, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) != MAP_FAILED);
	}
}

/*
 * A CPU knows the cgroup that was charged on it last, and keeps it if it is not
 * owed any pages any more, until another is charged there; the root never is. And
 * pages on their way to one of the kernel's lists keep theirs.
 */
static void let_go(void)
{
	int status;

	assert_true(waitpid(storm_fork(visit, NULL), &status, 0) > 0);
	assert_int_equal(status, 0);
	works(storm_write("/proc/sys/vm/drop_caches", "1"));
}

static void settle(long long dead)
{
	uint64_t end = now_ns() + 60 * SECOND;

	storm_wait_heaps(1);
	while (storm_value(CGROUP "/memory.stat", "kernel") > CRUMBS && now_ns() < end)
		sleep_ms(10);
	if (storm_value(CGROUP "/memory.stat", "kernel") > CRUMBS)
		fail_msg("%lld bytes are charged still",
			 storm_value(CGROUP "/memory.stat", "kernel"));
	/* a heap that stays holds its cgroup; what is charged for objects is the parent's by then */
	works(rmdir(CGROUP));
	while (dying() > dead && now_ns() < end) {
		sleep_ms(100);
		let_go();
	}
	assert_true(dying() <= dead);
}

static void one_round(struct scene *scene, long long *peak)
{
	uint64_t refused = scene->refused, before = scene->bystander;
	long long dead = dying(), charged;
	char limit[32];
	pid_t poor;
	int pair[2], status;

	works(mkdir(CGROUP, 0755));
	snprintf(limit, sizeof(limit), "%u", LIMIT);
	works(storm_write(CGROUP "/memory.max", limit));
	works(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	scene->out = pair[1];
	poor = storm_fork(be_poor, scene);
	close(pair[1]);
	assert_true(eventually(scene->refused > refused));
	if (scene->greedy) {
		/* the kernel's OOM killer ends it, with a trace in the log */
		assert_int_equal(waitpid(poor, &status, 0), poor);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_true(killed() > 0);
	} else {
		join_from_outside(pair[0]);
		charged = storm_value(CGROUP "/memory.stat", "kernel");
		*peak = charged > *peak ? charged : *peak;
		/* nobody was killed for what another wanted */
		assert_int_equal(killed(), 0);
		assert_int_equal(waitpid(poor, &status, WNOHANG), 0);
		storm_kill(poor);
	}
	close(pair[0]);
	/* nor was anybody kept from going on */
	assert_true(eventually(scene->bystander > before));
	settle(dead);
}

static void test_tight(void **state)
{
	struct scene *scene = storm_shared(sizeof(*scene));
	unsigned int rounds = storm_share(ROUNDS, 2), i, greedy = 0;
	uint64_t began = now_ns();
	long long peak = 0;
	pid_t bystander;

	(void)state;
	if (dying() < 0) {
		print_message("# no memory cgroups of version 2 here\n");
		skip();
	}
	works(mkdir(VISITOR, 0755));
	bystander = storm_fork(stand_by, scene);
	assert_true(eventually(scene->bystander > 0));
	/* the OOM killer shows who it was, but not always if there are many */
	storm_expect("Call Trace");
	scene->greedy = true;
	for (i = 0; i < rounds / 2; i++, greedy++)
		one_round(scene, &peak);
	storm_unexpect();
	scene->greedy = false;
	for (; i < rounds; i++)
		one_round(scene, &peak);
	storm_kill(bystander);
	works(rmdir(VISITOR));
	storm_says("%u rounds in %llu s: %llu refused with %.1f MiB charged of %u, %u killed, each with %llu objects, %llu had again after giving back; the bystander went on %llu times and failed %llu times; nothing charged in the end",
		   rounds, (unsigned long long)((now_ns() - began) / SECOND),
		   (unsigned long long)scene->refused, (double)peak / (1 << 20), LIMIT >> 20,
		   greedy, (unsigned long long)(scene->objects / rounds),
		   (unsigned long long)scene->again, (unsigned long long)scene->bystander,
		   (unsigned long long)scene->suffered);
	assert_int_equal(scene->suffered, 0);
	assert_int_equal(scene->refused, rounds);
	assert_true(peak > LIMIT / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tight),
	};

	return run_storm(tests);
}
