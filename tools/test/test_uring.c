// SPDX-License-Identifier: GPL-2.0
/* Batches by io_uring, as the library prepares them. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "ring.h"

#define op(name, ...)	{ .code = REFSLAB_OP_##name, __VA_ARGS__ }

#define batch_of(ops_, results_) { \
	.size = sizeof(struct refslab_batch), .count = ARRAY_SIZE(ops_), \
	.done = 4711, .ops = (uintptr_t)(ops_), .results = (uintptr_t)(results_) }

static void one_batch(struct client *client, uint32_t ring_flags, uint8_t entry_flags)
{
	const struct refslab_op ops[] = {
		op(ALLOC, .index = client->two),
		op(SLOT_SET, .handle = REFSLAB_RESULT(0), .target = REFSLAB_RESULT(0)),
		op(CLOSE, .handle = 0),
		op(SLOT_SET, .handle = REFSLAB_RESULT(0)),
	};
	struct refslab_result results[ARRAY_SIZE(ops)];
	struct refslab_batch batch = batch_of(ops, results);
	struct io_uring_sqe *sqe;
	struct ring ring;

	memset(results, 0xff, sizeof(results));
	ring_begin(&ring, ring_flags);
	sqe = ring_add(&ring, client->fd, &batch, 0);
	sqe->flags = entry_flags;
	assert_int_equal(ring_go(&ring), 4);
	assert_int_equal(batch.done, 4);
	assert_int_equal(results[0].error, 0);
	assert_int_equal(count_of(client->fd, results[0].handle), 1);
	assert_int_equal(results[1].error, 0);
	assert_int_equal(results[2].error, EBADF);
	assert_int_equal(results[3].error, 0);

	/* It ends with the first that fails, and says so. */
	batch.flags = REFSLAB_BATCH_STOP;
	batch.done = 4711;
	sqe = ring_add(&ring, client->fd, &batch, 0);
	sqe->flags = entry_flags;
	assert_int_equal(ring_go(&ring), 3);
	assert_int_equal(batch.done, 3);
	ring_end(&ring);
}

static void test_batch(void **state)
{
	one_batch(*state, 0, 0);
}

/* By io_uring's worker at once. */
static void test_async(void **state)
{
	one_batch(*state, 0, IOSQE_ASYNC);
}

static void test_polled(void **state)
{
	one_batch(*state, IORING_SETUP_SQPOLL, 0);
}

static void test_large_entries(void **state)
{
	one_batch(*state, IORING_SETUP_SQE128, 0);
	one_batch(*state, IORING_SETUP_SQE128, IOSQE_ASYNC);
}

static void test_mistakes(void **state)
{
	struct client *client = *state;
	const struct refslab_op ops[] = { op(ALLOC, .index = client->leaf) };
	struct refslab_result results[1];
	struct refslab_batch batch = batch_of(ops, results);
	const uint32_t unknown[] = {
		0, REFSLAB_ALLOC, REFSLAB_HEAP_INFO, REFSLAB_EVENTS,
		_IOWR('x', 0x60, struct refslab_batch), UINT32_MAX,
	};
	struct io_uring_sqe *sqe;
	int other = session();
	struct ring ring;
	size_t i;

	ring_begin(&ring, 0);
	for (i = 0; i < 2 * ARRAY_SIZE(unknown); i++) {
		sqe = ring_add(&ring, client->fd, &batch, 0);
		sqe->cmd_op = unknown[i / 2];
		sqe->flags = i % 2 ? IOSQE_ASYNC : 0;
		assert_int_equal(ring_go(&ring), -ENOTTY);
	}
	for (i = 0; i < 2; i++) {
		sqe = ring_add(&ring, client->fd, &batch, 0);
		sqe->cmd[8 + 7 * i] = 1;
		assert_int_equal(ring_go(&ring), -EINVAL);
	}
	for (i = 0; i < 32; i++) {
		sqe = ring_add(&ring, client->fd, &batch, 0);
		sqe->uring_cmd_flags = 1u << i;
		/* Buffers that are not there are io_uring's own matter. */
		assert_true(ring_go(&ring) < 0);
	}
	ring_add(&ring, client->fd, (struct refslab_batch *)8, 0);
	assert_int_equal(ring_go(&ring), -EFAULT);
	ring_add(&ring, client->fd, NULL, 0);
	assert_int_equal(ring_go(&ring), -EFAULT);
	ring_add(&ring, other, &batch, 0);
	assert_int_equal(ring_go(&ring), -ENXIO);
	ring_add(&ring, -1, &batch, 0);
	assert_int_equal(ring_go(&ring), -EBADF);
	batch.size = 8;
	ring_add(&ring, client->fd, &batch, 0);
	assert_int_equal(ring_go(&ring), -EINVAL);
	batch.size = sizeof(batch);
	batch.flags = 1u << 31;
	ring_add(&ring, client->fd, &batch, 0);
	assert_int_equal(ring_go(&ring), -EINVAL);
	batch.flags = 0;
	batch.count = 0;
	ring_add(&ring, client->fd, &batch, 0);
	assert_int_equal(ring_go(&ring), -EINVAL);
	batch.count = 1;
	batch.results = 8;
	ring_add(&ring, client->fd, &batch, 0);
	assert_int_equal(ring_go(&ring), -EFAULT);
	assert_int_equal(info_of(client->fd).objects, 0);
	assert_int_equal(info_of(client->fd).handles, 0);
	batch.results = (uintptr_t)results;
	ring_add(&ring, client->fd, &batch, 0);
	assert_int_equal(ring_go(&ring), 1);
	ring_end(&ring);
	close(other);
}

static void builders(struct client *client, uint32_t ring_flags)
{
	enum { N = 3 };
	struct refslab_builder *builder[N], *wrong;
	uint64_t a[N], b[N], weak[N], data, done;
	struct io_uring_sqe *sqe;
	struct ring ring;
	int i, round;

	ring_begin(&ring, ring_flags);
	for (i = 0; i < N; i++) {
		works(refslab_builder_new(5, &builder[i]));
		a[i] = refslab_add_alloc(builder[i], client->one);
		b[i] = refslab_add_alloc(builder[i], client->one);
		refslab_add_slot_set(builder[i], a[i], 0, b[i]);
		weak[i] = refslab_add_weak(builder[i], b[i]);
		refslab_add_close(builder[i], b[i]);
	}
	/* What was submitted once can be again, by a call too. */
	for (round = 0; round < 2; round++) {
		for (i = 0; i < N; i++) {
			sqe = ring_entry(&ring);
			sqe->user_data = i;
			works(refslab_builder_prepare(builder[i], sqe, client->fd,
						      REFSLAB_BATCH_STOP));
			assert_null(refslab_result(builder[i], a[i]));
			ring_done(&ring);
		}
		ring_submit(&ring, N);
		for (i = 0, done = 0; i < N; i++) {
			assert_int_equal(ring_wait(&ring, &data), 5);
			done |= 1u << data;
			assert_int_equal(refslab_result(builder[data], a[data])->error, 0);
			assert_true(upgrade(client->fd, refslab_result_handle(builder[data],
									      weak[data])));
		}
		assert_int_equal(done, (1u << N) - 1);
	}
	assert_int_equal(info_of(client->fd).objects, 4 * N);
	assert_int_equal(refslab_builder_submit(builder[0], client->fd, 0), 5);

	/* A batch that fails as a whole has no results, whatever there was before. */
	sqe = ring_entry(&ring);
	works(refslab_builder_prepare(builder[0], sqe, -1, 0));
	assert_int_equal(ring_go(&ring), -EBADF);
	assert_null(refslab_result(builder[0], a[0]));

	/* One with a mistake in it is told at once, and the entry does nothing. */
	works(refslab_builder_new(1, &wrong));
	a[0] = refslab_add_alloc(wrong, client->leaf);
	refslab_add_alloc(wrong, client->leaf);
	sqe = ring_entry(&ring);
	sqe->user_data = 4711;
	fails(ENOBUFS, refslab_builder_prepare(wrong, sqe, client->fd, 0));
	ring_done(&ring);
	ring_submit(&ring, 1);
	assert_int_equal(ring_wait(&ring, &data), 0);
	assert_int_equal(data, 4711);
	assert_null(refslab_result(wrong, a[0]));
	assert_int_equal(info_of(client->fd).objects, 4 * N + 2);

	refslab_builder_free(wrong);
	for (i = 0; i < N; i++)
		refslab_builder_free(builder[i]);
	ring_end(&ring);
}

static void test_builder(void **state)
{
	builders(*state, 0);
}

static void test_builder_large_entries(void **state)
{
	builders(*state, IORING_SETUP_SQE128);
}

/* Once it is submitted the entry may be used for the next. */
static void test_entry_used_again(void **state)
{
	struct client *client = *state;
	const struct refslab_op ops[] = { op(ALLOC, .index = client->leaf) };
	struct refslab_result results[RING_ENTRIES];
	struct refslab_batch batches[RING_ENTRIES];
	struct ring ring;
	unsigned int i, round;

	ring_begin(&ring, 0);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < RING_ENTRIES; i++) {
			batches[i] = (struct refslab_batch) batch_of(ops, &results[i]);
			results[i] = (struct refslab_result) { .error = 4711 };
			ring_add(&ring, client->fd, &batches[i], i);
			ring_done(&ring);
		}
		ring_submit(&ring, RING_ENTRIES);
		memset(ring.entries, 0x80 | round, ring.entries_size);
		for (i = 0; i < RING_ENTRIES; i++)
			assert_int_equal(ring_wait(&ring, NULL), 1);
		for (i = 0; i < RING_ENTRIES; i++) {
			assert_int_equal(batches[i].done, 1);
			assert_int_equal(results[i].error, 0);
			drop(client->fd, results[i].handle);
		}
	}
	assert_int_equal(info_of(client->fd).objects, 0);
	ring_end(&ring);
}

/* One after the other, and what an entry refers to is in its own batch. */
static void test_linked(void **state)
{
	struct client *client = *state;
	const struct refslab_op first[] = { op(ALLOC, .index = client->two) };
	struct refslab_result made[1], result[2];
	const struct refslab_op second[] = {
		op(DUP, .handle = REFSLAB_RESULT(0)),
		op(CLOSE, .handle = REFSLAB_RESULT(0)),
	};
	struct refslab_batch a = batch_of(first, made), b = batch_of(second, result);
	uint64_t data;
	struct ring ring;

	ring_begin(&ring, 0);
	ring_add(&ring, client->fd, &a, 1)->flags = IOSQE_IO_LINK;
	ring_done(&ring);
	ring_add(&ring, client->fd, &b, 2);
	ring_done(&ring);
	ring_submit(&ring, 2);
	assert_int_equal(ring_wait(&ring, &data), 1);
	assert_int_equal(data, 1);
	assert_int_equal(ring_wait(&ring, &data), 2);
	assert_int_equal(data, 2);
	assert_int_equal(result[0].error, EINVAL);
	assert_int_equal(result[1].error, ECANCELED);

	/* A batch that fails as a whole ends the chain. */
	a.count = 0;
	ring_add(&ring, client->fd, &a, 1)->flags = IOSQE_IO_LINK;
	ring_done(&ring);
	ring_add(&ring, client->fd, &b, 2);
	ring_done(&ring);
	ring_submit(&ring, 2);
	assert_int_equal(ring_wait(&ring, &data), -EINVAL);
	assert_int_equal(ring_wait(&ring, &data), -ECANCELED);
	ring_end(&ring);
}

/* The session is closed as soon as the batches are submitted. */
static void test_close_in_flight(void **state)
{
	enum { N = 32, COUNT = 512 };
	static struct refslab_result results[N][COUNT];
	static struct refslab_op ops[COUNT];
	struct refslab_batch batches[N];
	char path[256];
	struct ring ring;
	uint32_t leaf;
	int fd, i, n, round;

	(void)state;
	ring_begin(&ring, 0);
	for (round = 0; round < 4; round++) {
		fd = session_with_heap(0);
		snprintf(path, sizeof(path), "/sys/kernel/refslab/%s", info_of(fd).name);
		leaf = type(fd, 0, 8);
		for (i = 0; i < COUNT; i++)
			ops[i] = (struct refslab_op) op(ALLOC, .index = leaf);
		for (n = 0; n < N; n++) {
			batches[n] = (struct refslab_batch) batch_of(ops, results[n]);
			ring_add(&ring, fd, &batches[n], n);
			ring_done(&ring);
		}
		ring_submit(&ring, N);
		close(fd);
		for (n = 0; n < N; n++)
			assert_int_equal(ring_wait(&ring, NULL), COUNT);
		assert_true(eventually(access(path, F_OK)));
	}
	ring_end(&ring);
}

/* The process dies with batches in flight; nothing of it stays. */
static void test_killed_in_flight(void **state)
{
	enum { COUNT = 4096 };
	static struct refslab_result results[8][COUNT];
	static struct refslab_op ops[COUNT];
	struct refslab_batch batches[8];
	char path[256] = "";
	struct ring ring;
	int round, status, pipes[2];
	pid_t child;

	(void)state;
	for (round = 0; round < 10; round++) {
		works(pipe(pipes));
		child = fork();
		assert_true(child >= 0);
		if (!child) {
			int fd = session_with_heap(0), n;
			uint32_t leaf = type(fd, 0, 8);

			snprintf(path, sizeof(path), "/sys/kernel/refslab/%s",
				 info_of(fd).name);
			if (write(pipes[1], path, sizeof(path)) != sizeof(path))
				_exit(1);
			for (n = 0; n < COUNT; n++)
				ops[n] = (struct refslab_op) op(ALLOC, .index = leaf);
			ring_begin(&ring, round % 2 ? IORING_SETUP_SQPOLL : 0);
			for (n = 0; n < 8; n++) {
				batches[n] = (struct refslab_batch) batch_of(ops, results[n]);
				ring_add(&ring, fd, &batches[n], n);
				ring_done(&ring);
			}
			ring_submit(&ring, 8);
			sleep_ms(round);
			_exit(0);
		}
		assert_int_equal(read(pipes[0], path, sizeof(path)), sizeof(path));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		assert_true(eventually(access(path, F_OK)));
		close(pipes[0]);
		close(pipes[1]);
	}
}

struct caller {
	pthread_t thread;
	struct client *client;
	_Atomic bool *stop;
	uint64_t batches;
};

static void *call_often(void *argument)
{
	struct caller *caller = argument;
	const struct refslab_op ops[] = {
		op(ALLOC, .index = caller->client->two),
		op(SLOT_SET, .handle = REFSLAB_RESULT(0), .target = REFSLAB_RESULT(0)),
		op(WEAK, .handle = REFSLAB_RESULT(0)),
		op(CLOSE, .handle = REFSLAB_RESULT(0)),
		op(CLOSE, .handle = REFSLAB_RESULT(2)),
	};
	struct refslab_result results[4][ARRAY_SIZE(ops)];
	struct refslab_batch batches[4];
	struct ring ring;
	unsigned int i;

	ring_begin(&ring, 0);
	while (!*caller->stop) {
		for (i = 0; i < 4; i++) {
			batches[i] = (struct refslab_batch) batch_of(ops, results[i]);
			ring_add(&ring, caller->client->fd, &batches[i], i);
			ring_done(&ring);
		}
		ring_submit(&ring, 4);
		for (i = 0; i < 4; i++)
			assert_int_equal(ring_wait(&ring, NULL), ARRAY_SIZE(ops));
		caller->batches += 4;
	}
	ring_end(&ring);
	return NULL;
}

/* Rings and calls on one session at once. */
static void test_against_calls(void **state)
{
	struct client *client = *state;
	struct caller callers[2];
	_Atomic bool stop = false;
	uint64_t end = now_ns() + 2 * SECOND, calls = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(callers); i++) {
		callers[i] = (struct caller) { .client = client, .stop = &stop };
		works(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]));
	}
	while (now_ns() < end) {
		drop(client->fd, ring(client->fd, client->two, 3));
		sweep(client->fd, 2);
		calls++;
	}
	stop = true;
	for (i = 0; i < ARRAY_SIZE(callers); i++) {
		works(pthread_join(callers[i].thread, NULL));
		assert_true(callers[i].batches > 0);
	}
	assert_true(calls > 0);
	sweep(client->fd, 2);
	sweep(client->fd, 2);
	assert_objects(client->fd, 0);
	assert_int_equal(info_of(client->fd).handles, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_batch),
		client_test(test_async),
		client_test(test_polled),
		client_test(test_large_entries),
		client_test(test_mistakes),
		client_test(test_builder),
		client_test(test_builder_large_entries),
		client_test(test_entry_used_again),
		client_test(test_linked),
		client_test(test_close_in_flight),
		client_test(test_killed_in_flight),
		client_test(test_against_calls),
	};

	return run_as_tap(tests);
}
