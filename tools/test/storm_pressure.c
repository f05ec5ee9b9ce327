// SPDX-License-Identifier: GPL-2.0
/*
 * The system short of memory again and again, while clients build and drop large
 * structures: the shrinker gives back what pools keep, and nobody meets more than
 * ENOMEM.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "storm.h"

#define MIB	(1 << 20)
#define STORE	(16 << 20)
#define HOGS	2048

enum { ROUNDS = 30, CLIENTS = 2, RINGS = 30, RING = 500, BYTES = 1000 };

struct scene {
	_Atomic uint64_t rings, refused, wrong;
	uint64_t random;
};

/* One ring of 500 KB, as much of it as there is memory for; 0 if there is none. */
static uint64_t one_ring(int fd, uint32_t knot, struct scene *scene)
{
	uint64_t first = 0, last = 0, next;
	unsigned int i;
	int err = 0;

	for (i = 0; i < RING; i++) {
		err = refslab_alloc(fd, knot, &next);
		if (err)
			break;
		if (!first) {
			first = next;
		} else {
			child_must(!refslab_slot_set(fd, last, 0, next));
			if (last != first)
				child_must(!refslab_close(fd, last));
		}
		last = next;
	}
	if (first) {
		child_must(!refslab_slot_set(fd, last, 0, first));
		if (last != first)
			child_must(!refslab_close(fd, last));
	}
	if (!err)
		scene->rings++;
	else if (err == -ENOMEM)
		scene->refused++;
	else
		scene->wrong++;
	return first;
}

/* The pool gives nothing back but to the shrinker. */
static int keep_all(int fd)
{
	const struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_HIGH, .high = 256 << 20,
	};

	return refslab_heap_limits(fd, &limits);
}

static void work(void *argument)
{
	struct scene *scene = argument;
	int fd = refslab_open(0), i;
	uint64_t rings[RINGS];
	uint32_t knot;

	child_must(fd >= 0);
	child_must(!refslab_heap_create(fd, "", 256 << 20));
	child_must(!keep_all(fd));
	child_must(!refslab_type_create(fd, "knot", 1, BYTES, 0, &knot));
	for (;;) {
		for (i = 0; i < RINGS; i++)
			rings[i] = one_ring(fd, knot, scene);
		for (i = 0; i < RINGS; i++)
			if (rings[i])
				child_must(!refslab_close(fd, rings[i]));
	}
}

/* What the shrinker took from all heaps that there are. */
static unsigned long long shrunk(void)
{
	DIR *directory = opendir("/sys/kernel/refslab");
	char path[512], text[32];
	unsigned long long sum = 0;
	struct dirent *entry;

	assert_non_null(directory);
	while ((entry = readdir(directory))) {
		snprintf(path, sizeof(path), "/sys/kernel/refslab/%s/pool/shrunk", entry->d_name);
		if (!storm_read(path, text, sizeof(text)))
			sum += strtoull(text, NULL, 10);
	}
	closedir(directory);
	return sum;
}

static uint64_t pool_value(int fd, const char *name)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/kernel/refslab/%s/pool/%s", info_of(fd).name, name);
	works(storm_read(path, text, sizeof(text)));
	return strtoull(text, NULL, 10);
}

/* Our own pool has something to give: the system need not kill anybody. */
static void store(int fd, uint32_t knot)
{
	uint64_t head = make(fd, knot), next;
	unsigned int i;

	for (i = 0; i < STORE / BYTES; i++) {
		next = make(fd, knot);
		fill(fd, next, 0, head);
		drop(fd, head);
		head = next;
	}
	drop(fd, head);
	assert_objects(fd, 0);
	assert_true(eventually(pool_value(fd, "cached") >= STORE));
}

/* Takes memory until our pool gives half of it, holds it for a moment, lets go. */
static unsigned int squeeze(int fd)
{
	uint64_t enough = pool_value(fd, "shrunk") + STORE / 2;
	static void *hog[HOGS];
	unsigned int n = 0, taken;

	while (n < HOGS && pool_value(fd, "shrunk") < enough) {
		hog[n] = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (hog[n] == MAP_FAILED)
			break;
		n++;
	}
	taken = 2 * n;
	usleep(200000);
	while (n--)
		munmap(hog[n], 2 * MIB);
	assert_true(pool_value(fd, "shrunk") >= enough);
	return taken;
}

static void test_squeezed(void **state)
{
	struct scene *scene = storm_shared(sizeof(*scene));
	unsigned int rounds = storm_share(ROUNDS, 1), i, mib = 0;
	unsigned long long given = 0, now;
	int fd = session_with_heap(2 * STORE);
	uint32_t knot = type(fd, 1, BYTES);
	uint64_t began = now_ns();
	pid_t child[CLIENTS];

	(void)state;
	works(keep_all(fd));
	for (i = 0; i < CLIENTS; i++)
		child[i] = storm_fork(work, scene);
	assert_true(eventually(scene->rings > 2 * CLIENTS * RINGS));
	for (i = 0; i < rounds; i++) {
		store(fd, knot);
		mib += squeeze(fd);
		now = shrunk();
		given = now > given ? now : given;
	}
	for (i = 0; i < CLIENTS; i++) {
		int status = storm_kill(child[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
			fail_msg("a client ended by itself, with status 0x%x", status);
	}
	storm_wait_heaps(1);
	storm_validate(fd);
	close(fd);
	storm_says("%u times %u MiB were taken, in %llu s: pools gave back %llu MiB; clients made %llu rings and were refused %llu times, %llu times wrongly",
		   rounds, mib / rounds, (unsigned long long)((now_ns() - began) / SECOND),
		   given / MIB, (unsigned long long)scene->rings,
		   (unsigned long long)scene->refused, (unsigned long long)scene->wrong);
	assert_int_equal(scene->wrong, 0);
	assert_true(given > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_squeezed),
	};

	return run_storm(tests);
}
