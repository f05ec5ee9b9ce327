// SPDX-License-Identifier: GPL-2.0
/*
 * Clients frozen by their cgroup in the middle of calls, and thawed. All of them
 * stop soon; nobody else waits for what they do: who shares their heap, who has
 * another, and the sweeps of both go on; who is killed while frozen leaves
 * nothing; the others go on where they were.
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sharing.h"
#include "storm.h"

#define CGROUP	"/sys/fs/cgroup/storm-frozen"

enum { ROUNDS = 200, OBJECTS = 10000, ENTRIES = 400, BIG = REFSLAB_PAYLOAD_MAX };
enum { COLLECT, BATCH, READ, TYPE_DESTROY, KINDS };

/* Who is not frozen: one shares the heap of those who are, the other has his own. */
enum { SHARER, OTHER, BYSTANDERS };

static const char *const names[] = { "COLLECT", "BATCH", "READ", "TYPE_DESTROY" };

/* In memory that all have. */
struct scene {
	_Atomic uint64_t calls[KINDS];	/* of the frozen */
	_Atomic bool inside[KINDS];	/* a call has begun and not returned */
	_Atomic uint64_t rounds[BYSTANDERS], asked, longest, wrong;
	int invitation, fd[BYSTANDERS];
	uint32_t knot, big;
};

struct client_args {
	struct scene *scene;
	unsigned int kind;
};

/* A frozen call begins anew, or says that it was interrupted. */
static void may(struct scene *scene, const char *what, int err)
{
	if (err >= 0 || err == -EINTR)
		return;
	if (!scene->wrong++)
		fprintf(stderr, "# %s: %s\n", what, strerror(-err));
}

static void batch(struct scene *scene, int fd, struct refslab_builder *builder)
{
	uint64_t last, next;
	int i;

	refslab_builder_clear(builder);
	last = refslab_add_alloc(builder, scene->knot);
	for (i = 0; i < ENTRIES / 3; i++) {
		next = refslab_add_alloc(builder, scene->knot);
		refslab_add_slot_set(builder, next, 0, last);
		refslab_add_close(builder, last);
		last = next;
	}
	refslab_add_close(builder, last);
	scene->inside[BATCH] = true;
	may(scene, names[BATCH], refslab_builder_submit(builder, fd, 0));
	scene->inside[BATCH] = false;
}

/* A type of its own, with a few objects that went by a sweep or wait in magazines. */
static void come_and_go(struct scene *scene, int fd)
{
	char name[REFSLAB_NAME_MAX];
	uint64_t handle;
	uint32_t type;
	int err, i;

	/* of who is killed its type stays */
	snprintf(name, sizeof(name), "frozen-%d", getpid());
	err = refslab_type_create(fd, name, 1, 100, 0, &type);
	may(scene, "TYPE_CREATE", err);
	if (err)
		return;
	for (i = 0; i < 50; i++) {
		if (refslab_alloc(fd, type, &handle))
			continue;
		may(scene, "CLOSE", refslab_close(fd, handle));
	}
	do {
		scene->inside[TYPE_DESTROY] = true;
		err = refslab_type_destroy(fd, type);
		scene->inside[TYPE_DESTROY] = false;
	} while (err == -EINTR);
	may(scene, names[TYPE_DESTROY], err);
}

/* One of those who are frozen; each does one thing all the time. */
static void be_frozen(void *argument)
{
	static char bytes[BIG];
	const struct client_args *args = argument;
	struct scene *scene = args->scene;
	struct refslab_builder *builder;
	struct refslab_collect collect;
	unsigned int kind = args->kind;
	uint64_t big;
	int fd;

	child_must(!storm_write(CGROUP "/cgroup.procs", "0"));
	fd = refslab_open(0);
	child_must(fd >= 0);
	child_must(!refslab_join(fd, scene->invitation));
	child_must(!refslab_alloc(fd, scene->big, &big));
	child_must(!refslab_builder_new(ENTRIES + 2, &builder));
	for (;; scene->calls[kind]++) {
		switch (kind) {
		case COLLECT:
			scene->inside[kind] = true;
			may(scene, names[kind], refslab_collect(fd, 2, &collect));
			scene->inside[kind] = false;
			break;
		case BATCH:
			batch(scene, fd, builder);
			break;
		case READ:
			scene->inside[kind] = true;
			may(scene, names[kind], refslab_read(fd, big, 0, bytes, sizeof(bytes)));
			scene->inside[kind] = false;
			break;
		case TYPE_DESTROY:
			come_and_go(scene, fd);
			break;
		}
	}
}

/* Does what they do, with a ring of garbage each time; nobody is to hold it up. */
static void stand_by(struct scene *scene, unsigned int who)
{
	struct refslab_collect collect;
	uint64_t began, took, a, b;
	int fd = scene->fd[who];
	uint32_t type;
	char byte;

	for (;; scene->rounds[who]++) {
		began = now_ns();
		child_must(!refslab_alloc(fd, scene->knot, &a));
		child_must(!refslab_alloc(fd, scene->knot, &b));
		child_must(!refslab_slot_set(fd, a, 0, b));
		child_must(!refslab_slot_set(fd, b, 0, a));
		child_must(!refslab_read(fd, a, 0, &byte, 1));
		child_must(!refslab_close(fd, b));
		child_must(!refslab_close(fd, a));
		if (scene->rounds[who] % 16 == 0) {
			child_must(!refslab_type_create(fd, "beside", 1, 100, 0, &type));
			child_must(!refslab_type_destroy(fd, type));
		}
		/* the other's sweeps are all automatic ones */
		if (who == SHARER && scene->rounds[who] % 64 == 0) {
			scene->asked++;
			child_must(!refslab_collect(fd, 2, &collect));
		}
		took = now_ns() - began;
		if (took > scene->longest)
			scene->longest = took;
	}
}

static void share(void *argument)
{
	stand_by(argument, SHARER);
}

static void be_other(void *argument)
{
	stand_by(argument, OTHER);
}

static bool is_frozen(void)
{
	return storm_value(CGROUP "/cgroup.events", "frozen") == 1;
}

static pid_t client(struct scene *scene, unsigned int kind)
{
	struct client_args args = { scene, kind };

	return storm_fork(be_frozen, &args);
}

/* Who is not frozen goes on, and sweeps that nobody asked for do. */
static void nobody_waits(struct scene *scene)
{
	uint64_t sharer = scene->rounds[SHARER], other = scene->rounds[OTHER];
	/* one may have been asked for and not be counted yet */
	int64_t wanted = runs_of(scene->fd[SHARER]) - scene->asked + 3;
	uint64_t runs = runs_of(scene->fd[OTHER]);

	assert_true(eventually(scene->rounds[SHARER] > sharer + 100));
	assert_true(eventually(scene->rounds[OTHER] > other + 100));
	assert_true(eventually(runs_of(scene->fd[OTHER]) >= runs + 2));
	assert_true(eventually((int64_t)(runs_of(scene->fd[SHARER]) - scene->asked) >= wanted));
}

/* A heap with a large ring that lives, that sweeps often. */
static int heap(struct scene *scene, uint64_t *kept)
{
	const uint32_t threshold[] = { 50, 2, 2 };
	int fd = session_with_heap(0);

	scene->knot = type(fd, 1, 16);
	works(refslab_type_create(fd, "big", 0, BIG, 0, &scene->big));
	*kept = ring(fd, scene->knot, OBJECTS);
	works(refslab_thresholds_set(fd, threshold));
	works(refslab_enable_set(fd, 1));
	return fd;
}

static bool all(const bool *seen)
{
	return seen[COLLECT] && seen[BATCH] && seen[READ] && seen[TYPE_DESTROY];
}

static void thaw(struct scene *scene)
{
	uint64_t calls[KINDS];
	unsigned int kind;

	for (kind = 0; kind < KINDS; kind++)
		calls[kind] = scene->calls[kind];
	works(storm_write(CGROUP "/cgroup.freeze", "0"));
	for (kind = 0; kind < KINDS; kind++)
		if (!eventually(scene->calls[kind] > calls[kind] + 1))
			fail_msg("%s does not go on", names[kind]);
}

static void test_frozen(void **state)
{
	struct scene *scene = storm_shared(sizeof(*scene));
	unsigned int rounds = storm_share(ROUNDS, 4), i, kind;
	uint64_t began = now_ns(), start, slowest = 0, kept[BYSTANDERS];
	pid_t child[KINDS], bystander[BYSTANDERS];
	unsigned int seen[KINDS] = { 0 };
	uint64_t random = storm_seed();
	bool found[KINDS] = { false };

	(void)state;
	if (mkdir(CGROUP, 0755) || access(CGROUP "/cgroup.freeze", W_OK)) {
		print_message("# no cgroups of version 2 here\n");
		skip();
	}
	/* their types have the same numbers */
	scene->fd[OTHER] = heap(scene, &kept[OTHER]);
	scene->fd[SHARER] = heap(scene, &kept[SHARER]);
	scene->invitation = refslab_invite(scene->fd[SHARER], 0, 0);
	assert_true(scene->invitation >= 0);
	for (kind = 0; kind < KINDS; kind++)
		child[kind] = client(scene, kind);
	bystander[SHARER] = storm_fork(share, scene);
	bystander[OTHER] = storm_fork(be_other, scene);
	for (kind = 0; kind < KINDS; kind++)
		assert_true(eventually(scene->calls[kind] > 1));
	assert_int_equal(info_of(scene->fd[SHARER]).sessions, 1 + KINDS);
	/* longer, until each was in the middle once */
	for (i = 0; i < rounds || (!all(found) && i < 20 * rounds); i++) {
		usleep(storm_random(&random, 20000));
		start = now_ns();
		works(storm_write(CGROUP "/cgroup.freeze", "1"));
		if (!eventually(is_frozen()))
			fail_msg("not frozen after ten seconds");
		if (now_ns() - start > slowest)
			slowest = now_ns() - start;
		for (kind = 0; kind < KINDS; kind++) {
			seen[kind] += scene->inside[kind];
			found[kind] = seen[kind];
		}
		nobody_waits(scene);
		/* death is the only thing that reaches them */
		kind = i % KINDS;
		assert_true(WIFSIGNALED(storm_kill(child[kind])));
		assert_true(eventually(info_of(scene->fd[SHARER]).sessions == KINDS));
		assert_true(is_frozen());
		scene->inside[kind] = false;
		works(storm_write(CGROUP "/cgroup.freeze", "0"));
		child[kind] = client(scene, kind);
		thaw(scene);
	}
	for (kind = 0; kind < KINDS; kind++)
		if (!WIFSIGNALED(storm_kill(child[kind])))
			fail_msg("%s ended by itself", names[kind]);
	for (kind = 0; kind < BYSTANDERS; kind++)
		if (!WIFSIGNALED(storm_kill(bystander[kind])))
			fail_msg("a bystander ended by itself");
	works(rmdir(CGROUP));
	storm_says("frozen and thawed %u times in %llu s, within %llu ms, in the middle of COLLECT %u, BATCH %u, READ %u, TYPE_DESTROY %u times; meanwhile %llu rounds in the same heap and %llu in another, none longer than %llu ms; %u killed while frozen; %llu errors",
		   i, (unsigned long long)((now_ns() - began) / SECOND),
		   (unsigned long long)(slowest / 1000000), seen[COLLECT], seen[BATCH],
		   seen[READ], seen[TYPE_DESTROY], (unsigned long long)scene->rounds[SHARER],
		   (unsigned long long)scene->rounds[OTHER],
		   (unsigned long long)(scene->longest / 1000000), i,
		   (unsigned long long)scene->wrong);
	assert_int_equal(scene->wrong, 0);
	assert_true(all(found));
	close(scene->invitation);
	for (kind = 0; kind < BYSTANDERS; kind++) {
		int fd = scene->fd[kind];

		assert_true(eventually(info_of(fd).sessions == 1));
		works(refslab_enable_set(fd, 0));
		sweep(fd, 2);
		sweep(fd, 2);
		/* handles that a killed bystander had are this session's */
		assert_in_range(info_of(fd).objects, OBJECTS, OBJECTS + 2);
		storm_validate(fd);
		drop(fd, kept[kind]);
		close(fd);
	}
	storm_wait_heaps(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frozen),
	};

	return run_storm(tests);
}
