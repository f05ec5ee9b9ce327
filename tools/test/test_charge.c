// SPDX-License-Identifier: GPL-2.0
/* Who makes a heap pays for what is the heap's, whoever is the first to need it. */
#include <sys/stat.h>
#include <sys/wait.h>

#include "sharing.h"
#include "storm.h"

#define CGROUPS	"/sys/fs/cgroup"
#define MAKER	CGROUPS "/test-charge-maker"
#define VISITOR	CGROUPS "/test-charge-visitor"

/* So much that it is seen beside what the kernel keeps of a cgroup's for a while. */
enum { HEAPS = 24, WEAK_TABLE = 256 << 10 };

struct scene {
	int invitations[HEAPS];
};

static long long charged(const char *stat)
{
	return storm_value(stat, "kernel");
}

/* The first to make a weak handle in heaps that it may only look at. */
static void visit(void *argument)
{
	struct scene *scene = argument;
	uint64_t handle, weak;
	int fd, i;

	child_must(!storm_write(VISITOR "/cgroup.procs", "0"));
	for (i = 0; i < HEAPS; i++) {
		fd = refslab_open(0);
		child_must(fd >= 0);
		child_must(!refslab_join(fd, scene->invitations[i]));
		child_must(!refslab_root_get(fd, "root", &handle));
		child_must(!refslab_weak(fd, handle, &weak));
		close(fd);
	}
}

static void test_weak(void **state)
{
	int fds[HEAPS], status, i;
	struct scene scene;
	long long before;

	(void)state;
	if (storm_value(CGROUPS "/cgroup.stat", "nr_dying_descendants") < 0) {
		print_message("# no memory cgroups of version 2 here\n");
		skip();
	}
	works(mkdir(MAKER, 0755));
	works(mkdir(VISITOR, 0755));
	works(storm_write(MAKER "/cgroup.procs", "0"));
	for (i = 0; i < HEAPS; i++) {
		fds[i] = session_with_heap(1 << 20);
		works(refslab_root_set(fds[i], "root", make(fds[i], type(fds[i], 0, 8)), 0));
		scene.invitations[i] = refslab_invite(fds[i], REFSLAB_READ_ONLY, 0);
		assert_true(scene.invitations[i] >= 0);
	}
	before = charged(MAKER "/memory.stat");
	assert_true(before > 0);
	assert_true(waitpid(storm_fork(visit, &scene), &status, 0) > 0);
	assert_int_equal(status, 0);
	if (!eventually(charged(VISITOR "/memory.stat") < HEAPS * WEAK_TABLE / 4))
		fail_msg("%lld bytes are charged to who looked in",
			 charged(VISITOR "/memory.stat"));
	/* what it says may be behind by a few pages of each processor */
	assert_true(eventually(charged(MAKER "/memory.stat") - before >
			       HEAPS * WEAK_TABLE * 3 / 4));
	for (i = 0; i < HEAPS; i++) {
		close(scene.invitations[i]);
		close(fds[i]);
	}
	works(storm_write(CGROUPS "/cgroup.procs", "0"));
	works(rmdir(VISITOR));
	works(rmdir(MAKER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weak),
	};

	return run_as_tap(tests);
}
