// SPDX-License-Identifier: GPL-2.0
/* Batches: what entries do, what they refer to, and what faults leave behind. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "client.h"

#define op(name, ...)	{ .code = REFSLAB_OP_##name, __VA_ARGS__ }

/* How many entries were done, or a negative error. */
static int batch(int fd, uint32_t flags, const struct refslab_op *ops,
		 struct refslab_result *results, uint32_t count)
{
	return refslab_batch(fd, ops, results, count, flags);
}

static void test_all_kinds(void **state)
{
	struct client *client = *state;
	const struct refslab_op ops[] = {
		op(ALLOC, .index = client->two),
		op(ALLOC, .index = client->two),
		op(SLOT_SET, .handle = REFSLAB_RESULT(0), .target = REFSLAB_RESULT(1)),
		op(SLOT_LOAD, .handle = REFSLAB_RESULT(0)),
		op(SLOT_LOAD, .handle = REFSLAB_RESULT(0), .index = 1),
		op(SLOT_MOVE, .handle = REFSLAB_RESULT(0),
		   .target = REFSLAB_RESULT(0), .other = 1),
		op(SLOT_CMPXCHG, .handle = REFSLAB_RESULT(0), .index = 1,
		   .expected = REFSLAB_RESULT(1), .target = REFSLAB_RESULT(0)),
		op(SLOT_CMPXCHG, .handle = REFSLAB_RESULT(0), .index = 1,
		   .expected = REFSLAB_RESULT(1)),
		op(WRITE, .handle = REFSLAB_RESULT(1), .index = 3, .length = 5,
		   .data = "hello"),
		op(READ, .handle = REFSLAB_RESULT(3), .index = 2, .length = 7),
		op(WEAK, .handle = REFSLAB_RESULT(1)),
		op(UPGRADE, .handle = REFSLAB_RESULT(10)),
		op(DUP, .handle = REFSLAB_RESULT(11)),
		op(CLOSE, .handle = REFSLAB_RESULT(12)),
		op(CLOSE, .handle = REFSLAB_RESULT(11)),
		op(CLOSE, .handle = REFSLAB_RESULT(3)),
		op(CLOSE, .handle = REFSLAB_RESULT(1)),
		op(UPGRADE, .handle = REFSLAB_RESULT(10)),
		/* Nothing was found: stored, it empties; as an object it is none. */
		op(SLOT_SET, .handle = REFSLAB_RESULT(0), .index = 1,
		   .target = REFSLAB_RESULT(17)),
		op(DUP, .handle = REFSLAB_RESULT(17)),
		op(CLOSE, .handle = REFSLAB_RESULT(10)),
		op(CLOSE, .handle = REFSLAB_RESULT(0)),
	};
	const uint32_t errors[] = {
		0, 0, 0, 0, 0, 0, 0, EAGAIN, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		EBADF, 0, 0,
	};
	const bool makes[] = {
		1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	const uint8_t seven[16] = "\0hello";
	struct refslab_result results[ARRAY_SIZE(ops)];
	size_t i;

	memset(results, 0xff, sizeof(results));
	assert_int_equal(batch(client->fd, 0, ops, results, ARRAY_SIZE(ops)),
			 ARRAY_SIZE(ops));
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		if (results[i].error != errors[i])
			fail_msg("entry %zu: %s", i, strerror(results[i].error));
		assert_int_equal(results[i].reserved, 0);
		if (i != 9)
			assert_int_equal(results[i].handle != 0, makes[i]);
	}
	assert_memory_equal(results[9].data, seven, sizeof(seven));
	assert_objects(client->fd, 0);
	assert_int_equal(info_of(client->fd).handles, 0);
}

/* What an entry fails with, alone in a batch. */
static uint32_t error_of(int fd, struct refslab_op one)
{
	struct refslab_result result = { .error = 4711 };

	assert_int_equal(batch(fd, 0, &one, &result, 1), 1);
	assert_true(result.handle == 0);
	return result.error;
}

#define refuses(error, fd, ...) \
	assert_int_equal(error_of(fd, (struct refslab_op)__VA_ARGS__), error)

static void test_refused(void **state)
{
	struct client *client = *state;
	int fd = client->fd;
	uint64_t a = make(fd, client->two), weak = weak_of(fd, a);
	uint32_t code, field;

	for (code = 0; code < 0x10000; code++) {
		struct refslab_op one = { .code = code, .flags = 0x8000 };

		assert_int_equal(error_of(fd, one), EINVAL);
	}
	refuses(EINVAL, fd, { .code = 0 });
	refuses(EINVAL, fd, { .code = 0x3f, .handle = a });
	/* Each field that a code does not use. */
	for (field = 0; field < 7; field++) {
		const struct {
			uint16_t code;
			uint8_t uses;	/* bits by @field */
		} codes[] = {
			{ REFSLAB_OP_ALLOC, 1 << 1 }, { REFSLAB_OP_DUP, 1 << 2 },
			{ REFSLAB_OP_CLOSE, 1 << 2 }, { REFSLAB_OP_WEAK, 1 << 2 },
			{ REFSLAB_OP_UPGRADE, 1 << 2 },
			{ REFSLAB_OP_SLOT_SET, 0xe }, { REFSLAB_OP_SLOT_LOAD, 0x6 },
			{ REFSLAB_OP_SLOT_MOVE, 0x4e },
			{ REFSLAB_OP_SLOT_CMPXCHG, 0x1e },
			{ REFSLAB_OP_READ, 0x26 }, { REFSLAB_OP_WRITE, 0x3e },
		};
		size_t i;

		for (i = 0; i < ARRAY_SIZE(codes); i++) {
			struct refslab_op one = {
				.code = codes[i].code,
				.handle = codes[i].code == REFSLAB_OP_UPGRADE ? weak :
					  codes[i].code == REFSLAB_OP_ALLOC ? 0 : a,
			};

			if (codes[i].uses & 1 << field)
				continue;
			if (codes[i].code == REFSLAB_OP_ALLOC)
				one.index = client->two;
			if (codes[i].code == REFSLAB_OP_SLOT_MOVE)
				one.target = a;
			if (codes[i].uses & 1 << 5)
				one.length = 1;
			switch (field) {
			case 0: one.flags = 0x4000; break;
			case 1: one.index = 1; break;
			case 2: one.handle = a; break;
			case 3: one.target = a; break;
			case 4: one.expected = a; break;
			case 5: one.length = 1; break;
			case 6: one.other = 1; break;
			}
			if (error_of(fd, one) != EINVAL)
				fail_msg("code %#x, field %u", one.code, field);
		}
	}
	refuses(ENOENT, fd, op(ALLOC, .index = 0));
	refuses(ENOENT, fd, op(ALLOC, .index = 0xffffffff));
	refuses(EBADF, fd, op(DUP, .handle = weak));
	refuses(EBADF, fd, op(UPGRADE, .handle = a));
	refuses(EBADF, fd, op(CLOSE, .handle = 0));
	refuses(EBADF, fd, op(CLOSE, .handle = UINT64_MAX));
	refuses(EBADF, fd, op(SLOT_SET, .handle = a, .target = weak));
	refuses(EINVAL, fd, op(SLOT_SET, .handle = a, .index = 2));
	refuses(EINVAL, fd, op(SLOT_LOAD, .handle = a, .index = 0xffffffff));
	refuses(EINVAL, fd, op(SLOT_MOVE, .handle = a, .target = a, .other = 2));
	refuses(EBADF, fd, op(SLOT_MOVE, .handle = a, .target = weak));
	refuses(EBADF, fd, op(SLOT_CMPXCHG, .handle = a, .expected = weak));
	refuses(EBADF, fd, op(SLOT_CMPXCHG, .handle = a, .target = weak));
	refuses(EINVAL, fd, op(SLOT_CMPXCHG, .handle = a, .index = 2));
	refuses(EINVAL, fd, op(READ, .handle = a, .length = 0));
	refuses(EINVAL, fd, op(READ, .handle = a, .length = 17));
	refuses(EINVAL, fd, op(READ, .handle = a, .index = PAYLOAD, .length = 1));
	refuses(EINVAL, fd, op(READ, .handle = a, .index = 0xffffffff, .length = 2));
	refuses(EINVAL, fd, op(WRITE, .handle = a, .length = 0));
	refuses(EINVAL, fd, op(WRITE, .handle = a, .length = 17));
	refuses(EINVAL, fd, op(WRITE, .handle = a, .length = 1, .data = "ab"));
	/* Itself, and later ones; in each place where a handle can be. */
	refuses(EINVAL, fd, op(CLOSE, .handle = REFSLAB_RESULT(0)));
	refuses(EINVAL, fd, op(CLOSE, .handle = REFSLAB_RESULT(1)));
	refuses(EINVAL, fd, op(CLOSE, .handle = REFSLAB_RESULT(REFSLAB_BATCH_MAX - 1)));
	refuses(EBADF, fd, op(CLOSE, .handle = REFSLAB_RESULT(REFSLAB_BATCH_MAX)));
	refuses(EINVAL, fd, op(SLOT_SET, .handle = a, .target = REFSLAB_RESULT(0)));
	refuses(EINVAL, fd, op(SLOT_MOVE, .handle = a, .target = REFSLAB_RESULT(0)));
	refuses(EINVAL, fd, op(SLOT_CMPXCHG, .handle = a, .target = REFSLAB_RESULT(0)));
	refuses(EINVAL, fd, op(SLOT_CMPXCHG, .handle = a, .expected = REFSLAB_RESULT(0)));
	assert_int_equal(count_of(fd, a), 1);
	assert_int_equal(info_of(fd).handles, 2);
}

/* What an entry has no use for must be zero, also where it would become that. */
static void test_refused_nothing(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two);
	const struct refslab_op ops[] = {
		op(SLOT_LOAD, .handle = a),
		op(ALLOC, .index = client->two, .handle = REFSLAB_RESULT(0)),
		op(ALLOC, .index = client->two, .target = REFSLAB_RESULT(0)),
		op(SLOT_LOAD, .handle = a, .target = REFSLAB_RESULT(0)),
	};
	struct refslab_result results[ARRAY_SIZE(ops)];
	size_t i;

	assert_int_equal(batch(client->fd, 0, ops, results, ARRAY_SIZE(ops)), ARRAY_SIZE(ops));
	assert_int_equal(results[0].error, 0);
	assert_int_equal(results[0].handle, 0);
	for (i = 1; i < ARRAY_SIZE(ops); i++)
		assert_int_equal(results[i].error, EINVAL);
	assert_int_equal(info_of(client->fd).handles, 1);
}

static void test_arguments(void **state)
{
	struct client *client = *state;
	struct refslab_op one = op(ALLOC, .index = client->two);
	struct refslab_result result;
	struct refslab_batch arg = { .size = sizeof(arg) };

	fails(EINVAL, batch(client->fd, 0, &one, &result, 0));
	fails(EINVAL, batch(client->fd, 0, &one, &result, REFSLAB_BATCH_MAX + 1));
	fails(EINVAL, batch(client->fd, 0, &one, &result, UINT32_MAX));
	fails(EINVAL, batch(client->fd, 1u << 1, &one, &result, 1));
	fails(EINVAL, batch(client->fd, 1u << 31, &one, &result, 1));
	fails(EFAULT, batch(client->fd, 0, NULL, &result, 1));
	fails(EFAULT, batch(client->fd, 0, &one, NULL, 1));
	fails(EFAULT, batch(client->fd, 0, (void *)UINTPTR_MAX, &result, 1));
	fails(EFAULT, batch(client->fd, 0, &one, (void *)UINTPTR_MAX, 1));
	arg.size -= 8;
	fails(EINVAL, call(client->fd, REFSLAB_BATCH, &arg));
	assert_objects(client->fd, 0);
	assert_int_equal(info_of(client->fd).handles, 0);
}

/* After a failure: the rest is done, or not; what refers to it fails. */
static void test_stop_and_go(void **state)
{
	struct client *client = *state;
	const struct refslab_op ops[] = {
		op(ALLOC, .index = client->two),
		op(ALLOC, .index = 4711),
		op(DUP, .handle = REFSLAB_RESULT(1)),
		op(SLOT_SET, .handle = REFSLAB_RESULT(0), .target = REFSLAB_RESULT(1)),
		op(SLOT_SET, .handle = REFSLAB_RESULT(0)),
		op(DUP, .handle = REFSLAB_RESULT(4)),
		op(DUP, .handle = REFSLAB_RESULT(0)),
	};
	const uint32_t errors[] = { 0, ENOENT, ECANCELED, ECANCELED, 0, EINVAL, 0 };
	struct refslab_result results[ARRAY_SIZE(ops)];
	size_t i;

	memset(results, 0xff, sizeof(results));
	assert_int_equal(batch(client->fd, REFSLAB_BATCH_STOP, ops, results,
			       ARRAY_SIZE(ops)), 2);
	assert_int_equal(results[0].error, 0);
	assert_int_equal(results[1].error, ENOENT);
	assert_int_equal(results[2].error, UINT32_MAX);
	drop(client->fd, results[0].handle);
	assert_int_equal(batch(client->fd, 0, ops, results, ARRAY_SIZE(ops)),
			 ARRAY_SIZE(ops));
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		assert_int_equal(results[i].error, errors[i]);
	assert_int_equal(info_of(client->fd).handles, 2);
	drop(client->fd, results[0].handle);
	drop(client->fd, results[6].handle);
	assert_objects(client->fd, 0);
}

/* A failure at each place of a batch of several chunks. */
static void test_stop_everywhere(void **state)
{
	enum { N = 200 };
	struct client *client = *state;
	struct refslab_op ops[N];
	struct refslab_result results[N];
	int bad, i, done;

	for (bad = 0; bad < N; bad++) {
		memset(ops, 0, sizeof(ops));
		for (i = 0; i < N; i++) {
			ops[i].code = REFSLAB_OP_ALLOC;
			ops[i].index = i == bad ? 4711 : client->leaf;
		}
		done = batch(client->fd, REFSLAB_BATCH_STOP, ops, results, N);
		assert_int_equal(done, bad + 1);
		assert_int_equal(results[bad].error, ENOENT);
		assert_int_equal(info_of(client->fd).handles, bad);
		for (i = 0; i < bad; i++)
			drop(client->fd, results[i].handle);
	}
	assert_objects(client->fd, 0);
}

static size_t page;

/* @bytes that end where memory does. */
static void *at_the_edge(size_t bytes)
{
	size_t length = (bytes + page - 1) / page * page;
	char *memory = mmap(NULL, length + page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	assert_int_equal(munmap(memory + length, page), 0);
	return memory + length - bytes;
}

/*
 * Memory that ends at each place, of the entries and of the results: what is
 * reported was done, and of what is not no handle is left.
 */
static void test_faults_everywhere(void **state)
{
	enum { N = 150 };
	struct client *client = *state;
	struct refslab_op all[N] = { };
	struct refslab_result answers[N];
	uint64_t victim, before;
	int there, i, done;

	page = sysconf(_SC_PAGESIZE);
	for (i = 0; i < N; i++) {
		all[i].code = REFSLAB_OP_ALLOC;
		all[i].index = client->leaf;
	}
	for (there = 0; there < N; there++) {
		struct refslab_op *ops = at_the_edge(there * sizeof(*ops) + 1);

		memcpy(ops, all, there * sizeof(*ops));
		done = batch(client->fd, 0, ops, answers, N);
		if (done < 0)
			assert_int_equal(done, -EFAULT);
		else
			assert_in_range(done, 1, there);
		assert_int_equal(info_of(client->fd).handles, done < 0 ? 0 : done);
		for (i = 0; i < done; i++)
			drop(client->fd, answers[i].handle);
		assert_int_equal(info_of(client->fd).objects, 0);
		munmap((void *)((uintptr_t)ops & -page),
		       there * sizeof(*ops) + 1 + page);
	}
	for (there = 0; there < N; there++) {
		struct refslab_result *results =
			at_the_edge(there * sizeof(*results) + 1);

		done = batch(client->fd, 0, all, results, N);
		if (done < 0)
			assert_int_equal(done, -EFAULT);
		else
			assert_in_range(done, 1, there);
		assert_int_equal(info_of(client->fd).handles, done < 0 ? 0 : done);
		for (i = 0; i < done; i++)
			drop(client->fd, results[i].handle);
		assert_int_equal(info_of(client->fd).objects, 0);
		munmap((void *)((uintptr_t)results & -page),
		       there * sizeof(*results) + 1 + page);
	}
	/* What was closed or stored stays so, although nobody was told. */
	victim = make(client->fd, client->one);
	before = info_of(client->fd).handles;
	memset(all, 0, sizeof(all[0]) * 2);
	all[0].code = REFSLAB_OP_SLOT_SET;
	all[0].handle = victim;
	all[0].target = victim;
	all[1].code = REFSLAB_OP_DUP;
	all[1].handle = victim;
	fails(EFAULT, batch(client->fd, 0, all, NULL, 2));
	assert_int_equal(info_of(client->fd).handles, before);
	assert_int_equal(count_of(client->fd, victim), 2);
}

/* The structure itself cannot be written: all handles are taken back. */
static void test_fault_of_the_answer(void **state)
{
	enum { N = 100 };
	struct client *client = *state;
	struct refslab_result results[N];
	struct refslab_op ops[N] = { };
	struct refslab_batch *arg;
	int i;

	page = sysconf(_SC_PAGESIZE);
	arg = mmap(NULL, page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(arg != MAP_FAILED);
	for (i = 0; i < N; i++) {
		ops[i].code = REFSLAB_OP_ALLOC;
		ops[i].index = client->leaf;
	}
	*arg = (struct refslab_batch) {
		.size = sizeof(*arg),
		.count = N,
		.ops = (uintptr_t)ops,
		.results = (uintptr_t)results,
	};
	assert_int_equal(mprotect(arg, page, PROT_READ), 0);
	fails(EFAULT, call(client->fd, REFSLAB_BATCH, arg));
	assert_objects(client->fd, 0);
	assert_int_equal(info_of(client->fd).handles, 0);
	munmap(arg, page);
}

static void test_largest(void **state)
{
	enum { N = REFSLAB_BATCH_MAX };
	struct client *client = *state;
	struct refslab_op *ops = calloc(N, sizeof(*ops));
	struct refslab_result *results = calloc(N, sizeof(*results));
	int i, round;

	assert_non_null(ops);
	assert_non_null(results);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < N; i++)
			ops[i] = i % 2 ?
				(struct refslab_op)op(CLOSE, .handle = REFSLAB_RESULT(i - 1)) :
				(struct refslab_op)op(ALLOC, .index = client->four);
		/* The last refers to the first. */
		ops[1] = (struct refslab_op)op(DUP, .handle = REFSLAB_RESULT(0));
		ops[N - 1].handle = REFSLAB_RESULT(0);
		assert_int_equal(batch(client->fd, 0, ops, results, N), N);
		for (i = 0; i < N; i++)
			assert_int_equal(results[i].error, 0);
		assert_int_equal(info_of(client->fd).handles, 2);
		drop(client->fd, results[1].handle);
		drop(client->fd, results[N - 2].handle);
		assert_objects(client->fd, 0);
	}
	free(ops);
	free(results);
}

static void test_limit(void **state)
{
	struct client *client = *state;
	int fd = session_with_heap(0), i, none = session();
	uint32_t leaf = type(fd, 0, 8000);
	struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_LIMIT,
		.limit = info_of(fd).chunk_bytes,
	};
	struct refslab_op ops[8];
	struct refslab_result results[8];

	works(refslab_heap_limits(fd, &limits));
	for (i = 0; i < 8; i++)
		ops[i] = (struct refslab_op)op(ALLOC, .index = leaf);
	assert_int_equal(batch(fd, 0, ops, results, 8), 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(results[i].error, i < 4 ? 0 : ENOSPC);
	close(fd);
	fails(ENXIO, batch(none, 0, ops, results, 8));
	close(none);
	(void)client;
}

static void nothing(int signal)
{
	(void)signal;
}

static void *annoyer(void *argument)
{
	pthread_t *victim = argument;
	int i;

	for (i = 0; i < 3000; i++) {
		pthread_kill(*victim, SIGUSR1);
		usleep(200);
	}
	return NULL;
}

/* Signals in the middle: the count is right, and nothing is lost. */
static void test_signals(void **state)
{
	enum { N = REFSLAB_BATCH_MAX };
	struct client *client = *state;
	struct refslab_op *ops = calloc(N, sizeof(*ops));
	struct refslab_result *results = calloc(N, sizeof(*results));
	struct sigaction action = { .sa_handler = nothing };
	uint64_t end = now_ns() + SECOND, partial = 0;
	pthread_t self = pthread_self(), thread;
	int i, done;

	assert_non_null(ops);
	assert_non_null(results);
	sigaction(SIGUSR1, &action, NULL);
	for (i = 0; i < N; i++)
		ops[i] = (struct refslab_op)op(ALLOC, .index = client->wide);
	assert_int_equal(pthread_create(&thread, NULL, annoyer, &self), 0);
	while (now_ns() < end) {
		done = batch(client->fd, 0, ops, results, N);
		if (done < 0) {
			assert_int_equal(done, -EINTR);
			done = 0;
		}
		partial += done < N;
		assert_int_equal(info_of(client->fd).handles, done);
		for (i = 0; i < done; i++) {
			assert_int_equal(results[i].error, 0);
			drop(client->fd, results[i].handle);
		}
	}
	pthread_join(thread, NULL);
	printf("# %llu batches interrupted\n", (unsigned long long)partial);
	assert_true(partial > 0);
	assert_objects(client->fd, 0);
	free(ops);
	free(results);
}

struct crowd {
	struct client *client;
	atomic_uint errors;
};

static void *member(void *argument)
{
	struct crowd *crowd = argument;
	int fd = crowd->client->fd, i, round;
	struct refslab_result results[256];
	struct refslab_op ops[256];

	for (round = 0; round < 200; round++) {
		for (i = 0; i < 256; i++)
			ops[i] = i % 2 ?
				(struct refslab_op)op(CLOSE, .handle = REFSLAB_RESULT(i - 1)) :
				(struct refslab_op)op(ALLOC, .index = crowd->client->two);
		if (batch(fd, 0, ops, results, 256) != 256)
			crowd->errors++;
		for (i = 0; i < 256; i++)
			crowd->errors += results[i].error != 0;
	}
	return NULL;
}

/* Several threads' batches on one session. */
static void test_threads(void **state)
{
	struct crowd crowd = { .client = *state };
	pthread_t thread[4];
	int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, member, &crowd), 0);
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(crowd.errors, 0);
	assert_objects(crowd.client->fd, 0);
	assert_int_equal(info_of(crowd.client->fd).handles, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_all_kinds),
		client_test(test_refused),
		client_test(test_refused_nothing),
		client_test(test_arguments),
		client_test(test_stop_and_go),
		client_test(test_stop_everywhere),
		client_test(test_faults_everywhere),
		client_test(test_fault_of_the_answer),
		client_test(test_largest),
		client_test(test_limit),
		client_test(test_signals),
		client_test(test_threads),
	};

	return run_as_tap(tests);
}
