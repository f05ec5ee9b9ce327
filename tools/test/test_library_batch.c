// SPDX-License-Identifier: GPL-2.0
/* librefslab's builder of batches. */
#include "client.h"

static struct refslab_builder *builder(unsigned int room)
{
	struct refslab_builder *builder = NULL;

	works(refslab_builder_new(room, &builder));
	assert_non_null(builder);
	return builder;
}

/* An entry's error. */
static uint32_t error_of(const struct refslab_builder *batch, uint64_t entry)
{
	const struct refslab_result *result = refslab_result(batch, entry);

	assert_non_null(result);
	return result->error;
}

static void test_room(void **state)
{
	struct refslab_builder *batch = NULL;

	(void)state;
	fails(EINVAL, refslab_builder_new(0, &batch));
	fails(EINVAL, refslab_builder_new(REFSLAB_BATCH_MAX + 1, &batch));
	assert_null(batch);
	refslab_builder_free(builder(1));
	refslab_builder_free(builder(REFSLAB_BATCH_MAX));
	refslab_builder_free(NULL);
}

/* Each entry does what the function of its name does. */
static void test_every_entry(void **state)
{
	struct client *client = *state;
	struct refslab_builder *batch = builder(32);
	uint64_t a, b, copy, weak, up, loaded, moved, same, other, text, gone;
	int fd = client->fd;

	a = refslab_add_alloc(batch, client->two);
	b = refslab_add_alloc(batch, client->two);
	refslab_add_slot_set(batch, a, 0, b);
	loaded = refslab_add_slot_load(batch, a, 0);
	moved = refslab_add_slot_move(batch, a, 0, b, 1);
	same = refslab_add_slot_cmpxchg(batch, b, 1, b, a);
	other = refslab_add_slot_cmpxchg(batch, b, 1, b, 0);
	refslab_add_write(batch, loaded, 3, "hello", 5);
	text = refslab_add_read(batch, b, 2, 7);
	weak = refslab_add_weak(batch, b);
	up = refslab_add_upgrade(batch, weak);
	copy = refslab_add_dup(batch, a, 0);
	gone = refslab_add_close(batch, up);
	assert_true(gone != 0);

	assert_int_equal(refslab_builder_submit(batch, fd, 0), 13);
	assert_int_equal(error_of(batch, moved), 0);
	assert_int_equal(error_of(batch, same), 0);
	assert_int_equal(error_of(batch, other), EAGAIN);
	assert_int_equal(error_of(batch, gone), 0);
	assert_memory_equal(refslab_result(batch, text)->data, "\0hello\0", 7);
	assert_true(refslab_result_handle(batch, text) == 0);
	assert_true(refslab_result_handle(batch, gone) == 0);
	assert_true(refslab_result_handle(batch, other) == 0);
	assert_true(refslab_result_handle(batch, 0) == 0);
	assert_null(refslab_result(batch, 0));
	assert_null(refslab_result(batch, gone + 1));
	assert_null(refslab_result(batch, UINT64_MAX));

	assert_true(load(fd, refslab_result_handle(batch, a), 0) == 0);
	assert_int_equal(count_of(fd, refslab_result_handle(batch, copy)), 3);
	fails(EBADF, refslab_close(fd, refslab_result_handle(batch, up)));
	drop(fd, refslab_result_handle(batch, loaded));
	drop(fd, refslab_result_handle(batch, b));
	assert_true(upgrade(fd, refslab_result_handle(batch, weak)) == 0);
	drop(fd, refslab_result_handle(batch, weak));
	drop(fd, refslab_result_handle(batch, copy));
	drop(fd, refslab_result_handle(batch, a));
	assert_objects(fd, 0);
	assert_int_equal(info_of(fd).handles, 0);
	refslab_builder_free(batch);
}

/* What cannot be added is told when it is submitted, and nothing is done. */
static void test_refused(void **state)
{
	struct client *client = *state;
	struct refslab_builder *batch = builder(2);
	char bytes[REFSLAB_BATCH_DATA + 1] = "";
	uint64_t a;

	fails(EINVAL, refslab_builder_submit(batch, client->fd, 0));
	refslab_add_alloc(batch, client->one);
	refslab_add_alloc(batch, client->one);
	assert_true(refslab_add_alloc(batch, client->one) == 0);
	assert_true(refslab_add_write(batch, 1, 0, bytes, sizeof(bytes)) == 0);
	fails(ENOBUFS, refslab_builder_submit(batch, client->fd, 0));
	assert_objects(client->fd, 0);

	refslab_builder_clear(batch);
	assert_true(refslab_add_write(batch, 1, 0, bytes, sizeof(bytes)) == 0);
	fails(EINVAL, refslab_builder_submit(batch, client->fd, 0));
	refslab_builder_clear(batch);
	assert_true(refslab_add_dup(batch, 1, 1 << 16) == 0);
	fails(EINVAL, refslab_builder_submit(batch, client->fd, 0));

	/* Room for as many again. */
	refslab_builder_clear(batch);
	a = refslab_add_alloc(batch, client->one);
	refslab_add_close(batch, a);
	assert_int_equal(refslab_builder_submit(batch, client->fd, 0), 2);
	/* And the same once more. */
	assert_int_equal(refslab_builder_submit(batch, client->fd, 0), 2);
	assert_int_equal(error_of(batch, a), 0);
	assert_objects(client->fd, 0);
	fails(EBADF, refslab_builder_submit(batch, -1, 0));
	assert_null(refslab_result(batch, a));
	refslab_builder_free(batch);
}

static void test_stop(void **state)
{
	struct client *client = *state;
	refslab_auto_builder batch = builder(3);
	uint64_t a, bad, c;

	a = refslab_add_alloc(batch, client->one);
	bad = refslab_add_alloc(batch, 4711);
	c = refslab_add_dup(batch, bad, 0);
	assert_int_equal(refslab_builder_submit(batch, client->fd,
						REFSLAB_BATCH_STOP), 2);
	assert_int_equal(error_of(batch, bad), ENOENT);
	assert_true(refslab_result_handle(batch, bad) == 0);
	assert_null(refslab_result(batch, c));
	drop(client->fd, refslab_result_handle(batch, a));
	assert_int_equal(refslab_builder_submit(batch, client->fd, 0), 3);
	assert_int_equal(error_of(batch, c), ECANCELED);
	fails(EINVAL, refslab_builder_submit(batch, client->fd, 1 << 31));
}

/* Plain arrays do as well. */
static void test_plain(void **state)
{
	struct client *client = *state;
	const struct refslab_op ops[] = {
		{ .code = REFSLAB_OP_ALLOC, .index = client->one },
		{ .code = REFSLAB_OP_CLOSE, .handle = REFSLAB_RESULT(0) },
	};
	struct refslab_result results[2];

	assert_int_equal(refslab_batch(client->fd, ops, results, 2, 0), 2);
	assert_int_equal(results[0].error, 0);
	assert_int_equal(results[1].error, 0);
	fails(EINVAL, refslab_batch(client->fd, ops, results, 0, 0));
	assert_objects(client->fd, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),
		client_test(test_every_entry),
		client_test(test_refused),
		client_test(test_stop),
		client_test(test_plain),
	};

	return run_as_tap(tests);
}
