// SPDX-License-Identifier: GPL-2.0
/*
 * What all heaps of one user may take together: how many they are, their memory,
 * and the processor time of their sweeps. Root, having CAP_SYS_RESOURCE, is counted
 * nowhere.
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sharing.h"
#include "storm.h"

#define PARAMETER(name)	"/sys/module/refslab/parameters/" name
#define HEAPS_MAX	PARAMETER("heaps_max")
#define MEMORY_MAX	PARAMETER("memory_max")

enum { ONE = 2001, ANOTHER = 2002, SECONDS = 6, HEAPS = 64 };

/* --- children of other users --- */

struct child {
	uid_t uid;
	void (*work)(void);
};

static void become(uid_t uid)
{
	child_must(!setgroups(0, NULL));
	child_must(!setresgid(uid, uid, uid));
	child_must(!setresuid(uid, uid, uid));
	/* whatever becomes of the test; not before, for this clears it */
	child_must(!prctl(PR_SET_PDEATHSIG, SIGKILL));
}

static void run_child(void *argument)
{
	const struct child *child = argument;

	become(child->uid);
	child->work();
	_exit(0);
}

static void ended(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Runs @work as a user and waits until it is done. */
static void as(uid_t uid, void (*work)(void))
{
	struct child child = { uid, work };

	ended(storm_fork(run_child, &child));
}

/* Has @work done by one who goes on having what he has, until let_go(). */
static atomic_int *held, *release;
static atomic_uint *sweeps;

static pid_t hold(uid_t uid, void (*work)(void))
{
	struct child child = { uid, work };
	pid_t pid;

	*held = 0;
	*release = 0;
	pid = storm_fork(run_child, &child);
	while (!*held && !waitpid(pid, NULL, WNOHANG))
		sleep_ms(2);
	assert_int_equal(*held, 1);
	return pid;
}

static void let_go(pid_t pid)
{
	*release = 1;
	ended(pid);
}

static void keep(void)
{
	*held = 1;
	while (!*release)
		sleep_ms(2);
}

/* A session, or a failed child; a heap, or why not. */
static int open_session(void)
{
	int fd = refslab_open(0);

	child_must(fd >= 0);
	return fd;
}

static int make_heap(int *fd)
{
	int err;

	*fd = open_session();
	err = refslab_heap_create(*fd, "", 0);
	if (err)
		close(*fd);
	return err;
}

/* --- how many --- */

static void three_heaps(void)
{
	struct refslab_heap_info info;
	int fd[3], more = open_session(), i;

	for (i = 0; i < 3; i++)
		child_must(!make_heap(&fd[i]));
	child_must(refslab_heap_create(more, "", 0) == -EDQUOT);
	/* Nothing has come of it. */
	child_must(refslab_heap_info(more, &info) == -ENXIO);
	child_must(refslab_heap_create(more, "", 0) == -EDQUOT);
	/* One goes, one comes. */
	close(fd[1]);
	child_must(!refslab_heap_create(more, "", 0));
	child_must(make_heap(&fd[1]) == -EDQUOT);
	/* What fails for another reason counts nothing. */
	close(fd[2]);
	fd[2] = open_session();
	child_must(refslab_heap_create(fd[2], "no name!", 0) == -EINVAL);
	child_must(refslab_heap_create(fd[2], "", UINT64_MAX) == -EINVAL);
	child_must(!refslab_heap_create(fd[2], "", 0));
	child_must(make_heap(&fd[1]) == -EDQUOT);
}

static void hold_heaps(void)
{
	int fd[3], i;

	for (i = 0; i < 3; i++)
		child_must(!make_heap(&fd[i]));
	child_must(make_heap(&i) == -EDQUOT);
	keep();
}

static void none_left(void)
{
	int fd;

	child_must(make_heap(&fd) == -EDQUOT);
}

static void one_left(void)
{
	int fd;

	child_must(!make_heap(&fd));
	child_must(make_heap(&fd) == -EDQUOT);
}

static void test_heaps(void **state)
{
	int fd[5], log;
	pid_t pid;
	size_t i;

	(void)state;
	works(storm_write(HEAPS_MAX, "3"));
	log = log_open();
	as(ONE, three_heaps);
	/* All were given back when he went. */
	as(ONE, three_heaps);
	/* He is told once, however often he tries, and comes and goes. */
	assert_int_equal(logged(log, "refslab: user 2001 has all the heaps that heaps_max allows, 3"), 1);
	close(log);
	pid = hold(ONE, hold_heaps);
	/* A process more does not make it more heaps, another user does. */
	as(ONE, none_left);
	as(ANOTHER, three_heaps);
	/* Root is not counted. */
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = session_with_heap(0);
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	/* At once. */
	works(storm_write(HEAPS_MAX, "4"));
	as(ONE, one_left);
	works(storm_write(HEAPS_MAX, "2"));
	as(ONE, none_left);
	let_go(pid);
	works(storm_write(HEAPS_MAX, "0"));
	as(ONE, none_left);
}

/* Heaps go with the last that keeps them, not with who made them. */
static void invite_and_go(void)
{
	int fd, more;

	child_must(!make_heap(&fd));
	more = refslab_invite(fd, 0, 0);
	child_must(more >= 0);
	close(fd);
	child_must(make_heap(&fd) == -EDQUOT);
	close(more);
	child_must(!make_heap(&fd));
}

static void test_kept(void **state)
{
	(void)state;
	works(storm_write(HEAPS_MAX, "1"));
	as(ONE, invite_and_go);
}

/* --- who it is --- */

static int inherited[2];

static void on_inherited(void)
{
	child_must(!refslab_heap_create(inherited[0], "", 0));
	child_must(refslab_heap_create(inherited[1], "", 0) == -EDQUOT);
}

static void one_and_no_more(void)
{
	int fd, more;

	child_must(!make_heap(&fd));
	child_must(make_heap(&more) == -EDQUOT);
}

static void without_capability(void)
{
	count_root(true);
	one_and_no_more();
}

static void in_namespace(void)
{
	/* All capabilities, over nothing. */
	child_must(!unshare(CLONE_NEWUSER));
	one_and_no_more();
}

/* As who runs a program that has another's set-user-id bit, beside his own. */
static void of_real_id(void *argument)
{
	(void)argument;
	child_must(!setresuid(ONE, ANOTHER, ANOTHER));
	none_left();
	_exit(0);
}

static void hold_heap(void)
{
	int fd;

	child_must(!make_heap(&fd));
	keep();
}

static void test_who(void **state)
{
	pid_t pid;
	int i;

	(void)state;
	works(storm_write(HEAPS_MAX, "1"));
	/* Who makes the heap, not who has opened the device. */
	for (i = 0; i < 2; i++)
		inherited[i] = session();
	as(ONE, on_inherited);
	for (i = 0; i < 2; i++)
		close(inherited[i]);
	/* another's last descriptor: a worker ends the heap */
	storm_wait_heaps(0);
	as(0, without_capability);
	as(ONE, in_namespace);
	pid = hold(ONE, hold_heap);
	ended(storm_fork(of_real_id, NULL));
	let_go(pid);
}

/* --- memory --- */

enum { MEMORY = 8 << 20 };

static int allocate(int fd, uint32_t type, unsigned int *n)
{
	uint64_t handle;
	int err;

	for (*n = 0; !(err = refslab_alloc(fd, type, &handle)); ++*n)
		;
	return err;
}

static uint64_t bytes_of(int fd)
{
	struct refslab_heap_info info;

	child_must(!refslab_heap_info(fd, &info));
	return info.bytes;
}

static uint32_t big_type(int fd, uint32_t slots)
{
	uint32_t type;

	child_must(!refslab_type_create(fd, "big", slots, 4000, 0, &type));
	return type;
}

static void fill_memory(void)
{
	struct refslab_heap_limits limits = { .flags = REFSLAB_LIMITS_RESERVE };
	uint32_t big_a, big_b, mapped;
	unsigned int n, first;
	uint64_t handle;
	int a, b;

	child_must(!make_heap(&a) && !make_heap(&b));
	big_a = big_type(a, 0);
	big_b = big_type(b, 0);
	child_must(!refslab_type_create_mapped(b, "mapped", 0, 65536, &mapped));
	child_must(!refslab_alloc(b, big_b, &handle));
	child_must(allocate(a, big_a, &first) == -ENOSPC);
	child_must(first > MEMORY / 4000 / 2);
	child_must(bytes_of(a) + bytes_of(b) <= MEMORY);
	child_must(bytes_of(a) + bytes_of(b) > MEMORY - (128 << 10));
	/* The other heap is far from its own limit, and has a chunk to go on with. */
	child_must(allocate(b, big_b, &n) == -ENOSPC);
	child_must(n <= 16);
	child_must(refslab_alloc(b, mapped, &handle) == -ENOSPC);
	limits.reserve = 1 << 20;
	child_must(refslab_heap_limits(b, &limits) == -ENOSPC);
	child_must(bytes_of(a) + bytes_of(b) <= MEMORY);
	/* What one gives back the other can have. */
	close(a);
	child_must(!refslab_heap_limits(b, &limits));
	child_must(!refslab_alloc(b, mapped, &handle));
	child_must(allocate(b, big_b, &n) == -ENOSPC);
	child_must(n > first / 2);
	child_must(bytes_of(b) <= MEMORY);
}

static void hold_memory(void)
{
	unsigned int n;
	int fd;

	child_must(!make_heap(&fd));
	child_must(allocate(fd, big_type(fd, 0), &n) == -ENOSPC);
	keep();
}

static void no_memory(void)
{
	uint64_t handle;
	uint32_t type;
	int fd, err;

	child_must(!make_heap(&fd));
	/* not for a type either, or if that found room, not for an object */
	err = refslab_type_create(fd, "big", 0, 4000, 0, &type);
	if (!err)
		err = refslab_alloc(fd, type, &handle);
	child_must(err == -ENOSPC);
}

static void memory_after_lowering(void)
{
	unsigned int n, more;
	uint32_t type, others;
	int fd, other;

	child_must(!make_heap(&fd) && !make_heap(&other));
	type = big_type(fd, 0);
	others = big_type(other, 0);
	child_must(allocate(fd, type, &n) == -ENOSPC);
	keep();
	/* Lowered meanwhile: what is there stays, and no more comes. */
	child_must(bytes_of(fd) > MEMORY / 2);
	child_must(allocate(other, others, &more) == -ENOSPC && !more);
}

/* Whoever has garbage is not full. */
static void garbage_makes_room(void)
{
	struct refslab_stats stats;
	uint64_t handle;
	uint32_t type;
	int fd, i;

	child_must(!make_heap(&fd));
	child_must(!refslab_enable_set(fd, 0));
	type = big_type(fd, 1);
	for (i = 0; i < 8 * MEMORY / 4000; i++) {
		child_must(!refslab_alloc(fd, type, &handle));
		child_must(!refslab_slot_set(fd, handle, 0, handle));
		child_must(!refslab_close(fd, handle));
	}
	child_must(!refslab_stats(fd, 2, &stats));
	child_must(stats.runs > 0);
	child_must(bytes_of(fd) <= MEMORY);
}

static void test_memory(void **state)
{
	uint64_t handle[64];
	char text[32];
	pid_t pid;
	size_t i;
	int fd, log;

	(void)state;
	works(storm_write(HEAPS_MAX, "128"));
	snprintf(text, sizeof(text), "%u", MEMORY);
	works(storm_write(MEMORY_MAX, text));
	log = log_open();
	as(ONE, fill_memory);
	assert_int_equal(logged(log, "refslab: heaps of user 2001 have all the memory that memory_max allows, 8192 KiB; heap "),
			 1);
	close(log);
	as(ONE, garbage_makes_room);
	pid = hold(ONE, hold_memory);
	as(ONE, no_memory);
	as(ANOTHER, fill_memory);
	/* Root is not counted. */
	fd = session_with_heap(64 << 20);
	works(storm_write(MEMORY_MAX, "32768"));
	for (i = 0; i < ARRAY_SIZE(handle); i++)
		handle[i] = make(fd, type(fd, 0, 8000));
	close(fd);
	works(storm_write(MEMORY_MAX, text));
	let_go(pid);
	pid = hold(ONE, memory_after_lowering);
	works(storm_write(MEMORY_MAX, "1048576"));
	let_go(pid);
	works(storm_write(MEMORY_MAX, "0"));
}

/* Types without objects are memory, too. */
static void many_types(void)
{
	int fd[2], err = 0;
	uint32_t type = 0, last = 0;
	unsigned int n, i;
	char name[16];

	for (i = 0; i < 2; i++)
		child_must(!make_heap(&fd[i]));
	for (n = 0; n < 2000; n++) {
		snprintf(name, sizeof(name), "t%u", n);
		err = refslab_type_create(fd[n & 1], name, 1, 8, 0, &type);
		if (err)
			break;
		last = type;
	}
	child_must(err == -ENOSPC);
	/* a page each, at least */
	child_must(n > 10 && n <= MEMORY / 4096);
	child_must(!refslab_type_destroy(fd[(n - 1) & 1], last));
	child_must(!refslab_type_create(fd[n & 1], "again", 1, 8, 0, &type));
	child_must(refslab_type_create(fd[n & 1], "more", 1, 8, 0, &type) == -ENOSPC);
}

static void test_types(void **state)
{
	char text[32];

	(void)state;
	snprintf(text, sizeof(text), "%u", MEMORY);
	works(storm_write(MEMORY_MAX, text));
	as(ONE, many_types);
	/* what they took is given back with their heaps */
	as(ONE, many_types);
}

/* --- processor time --- */

/* Those of the workqueue's threads that were there at the last look, and what they had used. */
static struct { pid_t pid; uint64_t ticks; } workers[256];
static unsigned int n_workers;

/* What a worker has used since then; it takes the place after @n others in this look. */
static uint64_t used_since(pid_t pid, uint64_t ticks, unsigned int *n)
{
	uint64_t before = 0;
	unsigned int i;

	assert_true(*n < ARRAY_SIZE(workers));
	for (i = *n; i < n_workers && workers[i].pid != pid; i++)
		;
	if (i < n_workers) {
		before = workers[i].ticks;
		workers[i] = workers[*n];
	} else {
		/* a new one */
		assert_true(n_workers < ARRAY_SIZE(workers));
		workers[n_workers++] = workers[*n];
	}
	workers[*n].pid = pid;
	workers[(*n)++].ticks = ticks;
	return ticks < before ? ticks : ticks - before;
}

/*
 * What the workqueue's threads have used so far, in nanoseconds; kernel threads are in no
 * process's time. Idle ones end, and do not take what they had used out of it.
 */
static uint64_t worker_ns(void)
{
	unsigned long user, system;
	DIR *proc = opendir("/proc");
	static uint64_t ticks;
	struct dirent *entry;
	unsigned int n = 0;
	char path[300], text[1024];

	assert_non_null(proc);
	while ((entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		if (storm_read(path, text, sizeof(text)) || !strstr(text, "(kworker/u"))
			continue;
		if (sscanf(strrchr(text, ')') + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			   &user, &system) == 2)
			ticks += used_since(atoi(entry->d_name), user + system, &n);
	}
	closedir(proc);
	n_workers = n;
	return ticks * (SECOND / sysconf(_SC_CLK_TCK));
}

/* So much garbage that a heap is due at any time, and far from any limit. */
enum { PLENTY = 200 };

static void garbage_for(int fd, uint32_t type)
{
	struct refslab_heap_info info;
	uint64_t handle;
	int n;

	child_must(!refslab_heap_info(fd, &info));
	for (n = 0; n < 4 && info.objects < PLENTY; n++) {
		child_must(!refslab_alloc(fd, type, &handle));
		child_must(!refslab_slot_set(fd, handle, 0, handle));
		child_must(!refslab_close(fd, handle));
	}
}

/* For all sweeps, which are such that started by themselves: none are asked for. */
static uint64_t swept_ns(int fd)
{
	struct refslab_stats stats;
	uint64_t ns = 0;
	uint32_t i;

	for (i = 0; i < REFSLAB_GENERATIONS; i++) {
		child_must(!refslab_stats(fd, i, &stats));
		ns += stats.time_ns;
	}
	return ns;
}

/* What sweeps cost much more than who makes their garbage. */
static void make_garbage(void)
{
	const uint32_t lowest[REFSLAB_GENERATIONS] = { 1, 0, 0 };
	uint64_t start, swept = 0;
	uint32_t type[HEAPS];
	int fd[HEAPS], i;

	for (i = 0; i < HEAPS; i++) {
		fd[i] = open_session();
		child_must(!refslab_heap_create(fd[i], "", 0));
		child_must(!refslab_thresholds_set(fd[i], lowest));
		child_must(!refslab_type_create(fd[i], "wide", REFSLAB_SLOTS_MAX, 8, 0, &type[i]));
	}
	start = now_ns();
	*held = 1;
	while (!*release)
		for (i = 0; i < HEAPS; i++)
			garbage_for(fd[i], type[i]);
	for (i = 0; i < HEAPS; i++)
		swept += swept_ns(fd[i]);
	*sweeps += swept * 1000 / (now_ns() - start);
}

/*
 * Parts of a thousand of one processor that workers take while @n users are at it;
 * in @sweeps, of time, what sweeps do, added up over the users.
 */
static unsigned int share(uid_t first, unsigned int n, void (*work)(void), const char *what)
{
	uint64_t start, worked;
	unsigned int i, part;
	pid_t pid[2];

	*sweeps = 0;
	for (i = 0; i < n; i++)
		pid[i] = hold(first + i, work);
	start = now_ns();
	worked = worker_ns();
	sleep_ms(SECONDS * 1000);
	worked = worker_ns() - worked;
	part = worked * 1000 / (now_ns() - start);
	*release = 1;
	for (i = 0; i < n; i++)
		ended(pid[i]);
	print_message("# %s: sweeps %u.%u %%, workers %u.%u %% of a processor\n", what,
		      *sweeps / 10, *sweeps % 10, part / 10, part % 10);
	return part;
}

/* A quarter of the time, and what the last sweep has taken and not yet rested for. */
#define MOST	(250 + 20)

/*
 * The same with what sweeps do at most @most: measured again if it was more, since
 * the last sweep of a time may have been kept from running for long.
 */
static unsigned int share_within(uid_t first, unsigned int n, unsigned int most, const char *what)
{
	unsigned int tries = 3, part;

	do {
		part = share(first, n, make_garbage, what);
	} while (*sweeps > most && --tries);
	assert_true(*sweeps <= most);
	return part;
}

/* What workers do around sweeps, measured in ticks: a quarter again. */
#define AROUND	250

static void test_sweeps(void **state)
{
	unsigned int part;

	(void)state;
	/* For root each heap may: this is what the others would like to. */
	share(0, 1, make_garbage, "64 heaps of root");
	assert_true(*sweeps > MOST);
	part = share_within(ONE, 1, MOST, "64 heaps of a user");
	assert_true(part <= *sweeps + AROUND);
	assert_true(*sweeps > 20);
	/* Each has his own. */
	part = share_within(ONE, 2, 2 * MOST, "64 heaps of each of two users");
	assert_true(part <= *sweeps + 2 * AROUND);
	assert_true(*sweeps > 2 * 20);
}

/* Heaps with so much garbage that each has something to do when its turn comes. */
static void swept_in_turn(void)
{
	const uint32_t lowest[REFSLAB_GENERATIONS] = { 1, 0, 0 };
	struct refslab_heap_info info;
	struct refslab_stats stats;
	int fd[HEAPS], i, n;
	uint64_t handle;
	uint32_t type;

	for (i = 0; i < HEAPS; i++) {
		child_must(!make_heap(&fd[i]));
		child_must(!refslab_thresholds_set(fd[i], lowest));
		child_must(!refslab_type_create(fd[i], "one", 1, 8, 0, &type));
		for (n = 0; n < 500; n++) {
			child_must(!refslab_alloc(fd[i], type, &handle));
			child_must(!refslab_slot_set(fd[i], handle, 0, handle));
			child_must(!refslab_close(fd[i], handle));
		}
	}
	for (i = 0; i < HEAPS; i++) {
		child_must(eventually(!refslab_heap_info(fd[i], &info) && !info.objects));
		child_must(!refslab_stats(fd[i], 0, &stats) && stats.runs > 0);
	}
}

/* None is forgotten, and ends when it is not its turn are none. */
static void test_all_swept(void **state)
{
	(void)state;
	as(ONE, swept_in_turn);
}

/* --- what else workers do --- */

static void set_watermarks(int fd, uint64_t low, uint64_t high)
{
	const struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_LOW | REFSLAB_LIMITS_HIGH, .low = low, .high = high,
	};

	child_must(!refslab_heap_limits(fd, &limits));
}

static void move_watermarks(void)
{
	int fd[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fd); i++)
		child_must(!make_heap(&fd[i]));
	*held = 1;
	while (!*release) {
		for (i = 0; i < ARRAY_SIZE(fd); i++)
			set_watermarks(fd[i], 16 << 20, 16 << 20);
		for (i = 0; i < ARRAY_SIZE(fd); i++)
			set_watermarks(fd[i], 0, 0);
	}
}

/* Who wants the cache larger, and smaller, makes it so himself. */
static void test_watermarks(void **state)
{
	(void)state;
	assert_true(share(ONE, 1, move_watermarks, "watermarks of 8 heaps") <= 50);
}

static void fail_reserve(void)
{
	struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_RESERVE,
		.reserve = 1 << 30,
	};
	int fd;

	child_must(!make_heap(&fd));
	*held = 1;
	while (!*release)
		child_must(refslab_heap_limits(fd, &limits) == -ENOSPC);
}

/* The same where it cannot be had. */
static void test_reserve(void **state)
{
	(void)state;
	works(storm_write(MEMORY_MAX, "67108864"));
	assert_true(share(ONE, 1, fail_reserve, "a reserve that is refused") <= 50);
	works(storm_write(MEMORY_MAX, "0"));
}

/* A list made in the cheapest way there is, with a reference to its head. */
static uint64_t make_list(int fd, uint32_t type, unsigned int n)
{
	enum { ROOM = REFSLAB_BATCH_MAX / 3 };
	static struct refslab_result results[3 * ROOM];
	static struct refslab_op ops[3 * ROOM];
	unsigned int some, i;
	uint64_t head = 0;

	for (; n; n -= some) {
		some = n < ROOM ? n : ROOM;
		for (i = 0; i < some; i++) {
			uint64_t next = i ? REFSLAB_RESULT(3 * (i - 1)) : head;

			ops[3 * i] = (struct refslab_op){ .code = REFSLAB_OP_ALLOC, .index = type };
			ops[3 * i + 1] = (struct refslab_op){ .code = REFSLAB_OP_SLOT_SET,
				.handle = REFSLAB_RESULT(3 * i), .target = next };
			/* the first has no next whose handle is to go */
			ops[3 * i + 2] = next ?
				(struct refslab_op){ .code = REFSLAB_OP_CLOSE, .handle = next } :
				ops[3 * i + 1];
		}
		assert_int_equal(refslab_batch(fd, ops, results, 3 * some, REFSLAB_BATCH_STOP),
				 3 * some);
		assert_int_equal(results[3 * some - 1].error, 0);
		head = results[3 * (some - 1)].handle;
	}
	return head;
}

/* A long list, which the workqueue releases when its head goes. */
static void release_list(uint32_t slots, unsigned int n)
{
	int fd = session_with_heap(0);
	uint32_t many = type(fd, slots, 8);
	uint64_t head, made, released;

	made = now_ns();
	head = make_list(fd, many, n);
	made = now_ns() - made;
	assert_int_equal(info_of(fd).objects, n);
	released = worker_ns();
	drop(fd, head);
	assert_objects(fd, 0);
	released = worker_ns() - released;
	close(fd);
	print_message("# a list of %u objects of %u slots: made in %lu ms, released by a worker in %lu\n",
		      n, slots, (unsigned long)(made / 1000000),
		      (unsigned long)(released / 1000000));
	/* about what it has cost its maker; both are kept from running by others */
	assert_true(released < 4 * made);
}

static void test_releases(void **state)
{
	(void)state;
	release_list(1, 1000000);
	release_list(64, 200000);
	release_list(REFSLAB_SLOTS_MAX, 20000);
	release_list(REFSLAB_SLOTS_MAX, 20000);
}

static int setup(void **state)
{
	(void)state;
	held = storm_shared(sizeof(*held));
	release = storm_shared(sizeof(*release));
	sweeps = storm_shared(sizeof(*sweeps));
	return chmod(REFSLAB_DEVICE, 0666);
}

static int teardown(void **state)
{
	(void)state;
	storm_write(HEAPS_MAX, "128");
	storm_write(MEMORY_MAX, "0");
	return chmod(REFSLAB_DEVICE, 0600);
}

#define tenant_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		tenant_test(test_heaps),
		tenant_test(test_kept),
		tenant_test(test_who),
		tenant_test(test_memory),
		tenant_test(test_types),
		tenant_test(test_sweeps),
		tenant_test(test_all_swept),
		tenant_test(test_watermarks),
		tenant_test(test_reserve),
		tenant_test(test_releases),
	};

	return run_as_tap(tests);
}
