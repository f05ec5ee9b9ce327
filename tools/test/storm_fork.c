// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors inherited: trees of processes that all use one session, and a
 * mapping, and end in any order, by themselves or killed. The session is there
 * for the last of them, and its heap not longer.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "sharing.h"
#include "storm.h"

enum { TREES = 300, CHILDREN = 5, GRANDCHILDREN = 2, BOARD = 24, BYTES = 8192 };

/* What a tree of processes has in common. */
struct tree {
	_Atomic uint64_t board[BOARD];	/* handles */
	_Atomic uint64_t calls, processes;
	pid_t parent;
	int fd, exported;
	uint32_t knot;
	volatile unsigned char *mapped;
	uint64_t random;
};

static int act(struct tree *tree, uint64_t *random)
{
	_Atomic uint64_t *a = &tree->board[storm_random(random, BOARD)];
	_Atomic uint64_t *b = &tree->board[storm_random(random, BOARD)];
	uint64_t made = 0, old;
	struct refslab_collect collect;
	int err;

	tree->calls++;
	switch (storm_random(random, 8)) {
	case 0:
	case 1:
		err = refslab_alloc(tree->fd, tree->knot, &made);
		if (err)
			return err;
		old = atomic_exchange(a, made);
		return old ? refslab_close(tree->fd, old) : 0;
	case 2:
	case 3:
		/* another process may have closed it on the way */
		err = refslab_slot_set(tree->fd, *a, storm_random(random, 2), *b);
		return err == -EBADF ? 0 : err;
	case 4:
		err = refslab_slot_load(tree->fd, *a, 0, &made);
		if (err == -EBADF)
			return 0;
		return !err && made ? refslab_close(tree->fd, made) : err;
	case 5:
		err = refslab_import(tree->fd, tree->exported, &made);
		return err ? err : refslab_close(tree->fd, made);
	case 6:
		tree->mapped[storm_random(random, BYTES)] = 0x5a;
		return 0;
	default:
		return refslab_collect(tree->fd, storm_random(random, 3), &collect);
	}
}

/* A process of the tree: works for a while, and ends in one of several ways. */
static void live(struct tree *tree, unsigned int depth, uint64_t random)
{
	unsigned int children = depth == 2 ? CHILDREN : depth == 1 ? GRANDCHILDREN : 0, i, n;
	int err;

	tree->processes++;
	for (i = 0; i < children; i++) {
		pid_t child = fork();

		child_must(child >= 0);
		if (!child) {
			live(tree, depth - 1, random * 31 + i + 1);
			_exit(0);
		}
	}
	n = 20 + storm_random(&random, 100);
	for (i = 0; i < n; i++) {
		err = act(tree, &random);
		if (err) {
			fprintf(stderr, "# a call of an inherited session: %s\n", strerror(-err));
			kill(tree->parent, SIGUSR1);
			_exit(1);
		}
	}
	switch (storm_random(&random, 3)) {
	case 0:
		kill(getpid(), SIGKILL);
		break;
	case 1:
		/* the others have theirs */
		close(tree->fd);
		break;
	}
}

static void begin(struct tree *tree)
{
	struct refslab_mapping mapping;
	uint64_t object;
	unsigned int i;

	tree->fd = session();
	works(refslab_heap_create(tree->fd, "tree", 16 << 20));
	works(refslab_type_create(tree->fd, "knot", 2, 32, 0, &tree->knot));
	object = make(tree->fd, mapped_type(tree->fd, 1, BYTES));
	tree->exported = refslab_export(tree->fd, object, 0);
	assert_true(tree->exported >= 0);
	works(refslab_map_payload(tree->fd, object, 0, &mapping));
	assert_int_equal(mapping.length, BYTES);
	tree->mapped = mapping.address;
	memset(tree->board, 0, sizeof(tree->board));
	for (i = 0; i < BOARD; i++)
		tree->board[i] = make(tree->fd, tree->knot);
}

static volatile sig_atomic_t complained;

static void complain(int signal)
{
	(void)signal;
	complained = 1;
}

static void test_trees(void **state)
{
	struct tree *tree = storm_shared(sizeof(*tree));
	unsigned int trees = storm_share(TREES, 6), i, fds = open_fds();
	uint64_t random = storm_seed(), began = now_ns();
	pid_t top;

	(void)state;
	works(prctl(PR_SET_CHILD_SUBREAPER, 1));
	signal(SIGUSR1, complain);
	tree->parent = getpid();
	for (i = 0; i < trees; i++) {
		begin(tree);
		fflush(NULL);
		top = fork();
		assert_true(top >= 0);
		if (!top) {
			live(tree, 2, random + i);
			_exit(0);
		}
		/* ours goes while they work, or before they have begun */
		usleep(storm_random(&random, 3000));
		if (munmap((void *)tree->mapped, BYTES) || close(tree->fd) ||
		    close(tree->exported))
			fail_msg("closing: %s", strerror(errno));
		/* orphans are ours, too */
		while (wait(NULL) > 0)
			;
		assert_int_equal(errno, ECHILD);
		storm_wait_heaps(0);
		assert_int_equal(open_fds(), fds);
		if (complained)
			fail_msg("a call failed");
	}
	storm_says("%u trees of %llu processes in %llu s, %llu calls, no heap left",
		   trees, (unsigned long long)tree->processes,
		   (unsigned long long)((now_ns() - began) / SECOND),
		   (unsigned long long)tree->calls);
	assert_true(tree->processes == trees * (1ull + CHILDREN + CHILDREN * GRANDCHILDREN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),
	};

	return run_storm(tests);
}
