// SPDX-License-Identifier: GPL-2.0
/*
 * A heap's limit reached and left again and again: by closing handles, by garbage
 * that a sweep has to find first, by a higher limit, and by several threads at
 * once. What could be had once can be had each time.
 */
#include <pthread.h>

#include "storm.h"

enum { ROUNDS = 1000, LIMIT = 1 << 20, MORE = 64 << 10, BIG = 4000,
       ROOM = 2 * LIMIT / BIG, THREADS = 2 };

struct filler {
	int fd;
	uint32_t type;
	uint64_t handle[ROOM];
	unsigned int n;
	int err;
};

static void *fill_up(void *argument)
{
	struct filler *filler = argument;

	filler->err = 0;
	for (filler->n = 0; filler->n < ROOM; filler->n++) {
		filler->err = refslab_alloc(filler->fd, filler->type,
					    &filler->handle[filler->n]);
		if (filler->err)
			break;
		/* found by nobody but a sweep when it is closed */
		refslab_slot_set(filler->fd, filler->handle[filler->n], 0,
				 filler->handle[filler->n]);
	}
	return NULL;
}

static void set_limit(int fd, uint64_t bytes)
{
	const struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_LIMIT, .limit = bytes,
	};

	works(refslab_heap_limits(fd, &limits));
}

static unsigned int leave(struct filler *filler, bool garbage)
{
	unsigned int i, n = filler->n;

	for (i = 0; i < n; i++) {
		if (!garbage)
			fill(filler->fd, filler->handle[i], 0, 0);
		drop(filler->fd, filler->handle[i]);
	}
	return n;
}

static void test_limit(void **state)
{
	unsigned int rounds = storm_share(ROUNDS, 20), i, j, n, least = ~0u, most = 0;
	struct filler *filler = calloc(THREADS, sizeof(*filler));
	uint64_t objects = 0, refused = 0, began = now_ns(), more;
	int fd = session_with_heap(LIMIT);
	uint32_t knot = type(fd, 1, BIG);
	pthread_t thread[THREADS];
	int err;

	(void)state;
	assert_non_null(filler);
	for (i = 0; i < THREADS; i++)
		filler[i] = (struct filler){ .fd = fd, .type = knot };
	for (i = 0; i < rounds; i++) {
		unsigned int threads = i % 8 == 7 ? THREADS : 1;

		for (j = 0; j < threads; j++)
			works(pthread_create(&thread[j], NULL, fill_up, &filler[j]));
		for (n = j = 0; j < threads; j++) {
			works(pthread_join(thread[j], NULL));
			assert_int_equal(filler[j].err, -ENOSPC);
			n += filler[j].n;
			refused++;
		}
		least = n < least ? n : least;
		most = n > most ? n : most;
		objects += n;
		assert_int_equal(info_of(fd).objects, n);
		/* a chunk that came by the higher limit stays while it is in use */
		assert_true(info_of(fd).bytes <= LIMIT + MORE);
		if (i % 4 == 3) {
			/* a little more is a little more, where it is not in use since the last time */
			set_limit(fd, LIMIT + MORE);
			err = refslab_alloc(fd, knot, &more);
			if (!err)
				drop(fd, more);
			else
				assert_true(err == -ENOSPC && info_of(fd).bytes == LIMIT + MORE);
			set_limit(fd, LIMIT);
		}
		for (j = 0; j < threads; j++)
			leave(&filler[j], i % 2);
		if (i % 2 == 0)
			assert_objects(fd, 0);
	}
	storm_says("the limit was reached and left %u times in %llu s, with %u to %u objects, %llu in all, %llu refusals and %llu sweeps",
		   rounds, (unsigned long long)((now_ns() - began) / SECOND), least, most,
		   (unsigned long long)objects, (unsigned long long)refused,
		   (unsigned long long)runs_of(fd));
	/* what a processor has in its magazine is another's want */
	assert_true(least >= most * 9 / 10);
	assert_true(runs_of(fd) > 0);
	sweep(fd, 2);
	assert_objects(fd, 0);
	storm_validate(fd);
	close(fd);
	free(filler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
	};

	return run_storm(tests);
}
