// SPDX-License-Identifier: GPL-2.0
/*
 * Faults in each call of the device, each entry of a batch, and batches by
 * io_uring: the call fails as documented and nothing of it is left, or it did
 * without.
 */
#include <dirent.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "faults.h"
#include "ring.h"

static int try_invite(struct scene *scene)
{
	scene->made_fd = refslab_invite(scene->fd, REFSLAB_READ_ONLY, 0);
	return scene->made_fd < 0 ? scene->made_fd : 0;
}

static int try_join(struct scene *scene)
{
	return refslab_join(scene->other, scene->invitation);
}

static int try_export(struct scene *scene)
{
	scene->made_fd = refslab_export(scene->fd, scene->a, 0);
	return scene->made_fd < 0 ? scene->made_fd : 0;
}

static int try_export_read_only(struct scene *scene)
{
	scene->made_fd = refslab_export(scene->fd, scene->a, REFSLAB_READ_ONLY);
	return scene->made_fd < 0 ? scene->made_fd : 0;
}

static int try_import(struct scene *scene)
{
	return refslab_import(scene->fd, scene->exported, &scene->made);
}

static int try_root_set(struct scene *scene)
{
	return refslab_root_set(scene->fd, "new", scene->a, 0);
}

/* What was there goes. */
static int try_root_set_over(struct scene *scene)
{
	return refslab_root_set(scene->fd, "old", scene->mapped, 0);
}

static int try_root_get(struct scene *scene)
{
	return refslab_root_get(scene->fd, "old", &scene->made);
}

/* A session with a limit, whose first object makes its account's pages. */
static int try_alloc_counted(struct scene *scene)
{
	return refslab_alloc(scene->other, scene->type, &scene->made);
}

static int try_map(struct scene *scene)
{
	scene->made_fd = map_of(scene->fd, scene->mapped, 0, NULL);
	return scene->made_fd < 0 ? scene->made_fd : 0;
}

static int try_alloc_mapped(struct scene *scene)
{
	return refslab_alloc(scene->fd, scene->mapped_type, &scene->made);
}

static int prepare_join(struct scene *scene)
{
	return refslab_join(scene->other, scene->invitation);
}

static int try_open(struct scene *scene)
{
	scene->made_fd = refslab_open(0);
	return scene->made_fd < 0 ? scene->made_fd : 0;
}

static int try_heap_create(struct scene *scene)
{
	return refslab_heap_create(scene->other, "new", 0);
}

/* By who has no heap that counts yet. */
static int try_heap_create_counted(struct scene *scene)
{
	int err;

	count_root(true);
	err = try_heap_create(scene);
	count_root(false);
	return err;
}

static int try_heap_info(struct scene *scene)
{
	struct refslab_heap_info info;

	return refslab_heap_info(scene->fd, &info);
}

static int try_limit(struct scene *scene)
{
	const struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_LIMIT, .limit = 4 << 20,
	};

	return refslab_heap_limits(scene->fd, &limits);
}

/* Chunks are got ready, as far as there is memory, */
static int try_watermarks(struct scene *scene)
{
	const struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_LOW | REFSLAB_LIMITS_HIGH,
		.low = 1 << 20, .high = 1 << 20,
	};

	return refslab_heap_limits(scene->fd, &limits);
}

/* and given back. */
static int try_no_watermarks(struct scene *scene)
{
	const struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_LOW | REFSLAB_LIMITS_HIGH,
	};

	return refslab_heap_limits(scene->fd, &limits);
}

/* A reserve is memory. */
static int try_heap_limits(struct scene *scene)
{
	const struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_RESERVE, .reserve = 1 << 20,
	};

	return refslab_heap_limits(scene->fd, &limits);
}

static int try_type_create(struct scene *scene)
{
	return refslab_type_create(scene->fd, "new", 3, 100, 64, &scene->made_type);
}

static int try_type_create_mapped(struct scene *scene)
{
	return refslab_type_create_mapped(scene->fd, "new", 1, 8192, &scene->made_type);
}

static int try_type_destroy(struct scene *scene)
{
	return refslab_type_destroy(scene->fd, scene->made_type);
}

static int try_type_info(struct scene *scene)
{
	struct refslab_type_info info;

	return refslab_type_info(scene->fd, scene->type, &info);
}

/* The first of its type, for which there is no slab yet. */
static int try_alloc(struct scene *scene)
{
	return refslab_alloc(scene->fd, scene->made_type, &scene->made);
}

static int try_dup(struct scene *scene)
{
	return refslab_dup(scene->fd, scene->a, 0, &scene->made);
}

static int try_dup_read_only(struct scene *scene)
{
	return refslab_dup(scene->fd, scene->a, REFSLAB_READ_ONLY, &scene->made);
}

static int try_close(struct scene *scene)
{
	return refslab_close(scene->fd, scene->made);
}

static int try_weak(struct scene *scene)
{
	return refslab_weak(scene->fd, scene->a, &scene->made);
}

static int try_upgrade(struct scene *scene)
{
	return refslab_upgrade(scene->fd, scene->weak, &scene->made);
}

static int try_slot_set(struct scene *scene)
{
	return refslab_slot_set(scene->fd, scene->a, 1, scene->mapped);
}

static int try_slot_load(struct scene *scene)
{
	return refslab_slot_load(scene->fd, scene->a, 0, &scene->made);
}

static int try_slot_move(struct scene *scene)
{
	return refslab_slot_move(scene->fd, scene->a, 0, scene->a, 1);
}

static int try_slot_cmpxchg(struct scene *scene)
{
	return refslab_slot_cmpxchg(scene->fd, scene->a, 1, 0, scene->mapped);
}

static int try_read(struct scene *scene)
{
	char bytes[PAYLOAD];

	return refslab_read(scene->fd, scene->a, 0, bytes, sizeof(bytes));
}

static int try_write(struct scene *scene)
{
	char bytes[PAYLOAD] = "new";

	return refslab_write(scene->fd, scene->a, 0, bytes, sizeof(bytes));
}

static int try_object_info(struct scene *scene)
{
	struct refslab_object_info info;

	return refslab_object_info(scene->fd, scene->a, &info);
}

static int try_objects(struct scene *scene)
{
	uint64_t cursor = 0, handle[8];
	uint32_t count = ARRAY_SIZE(handle);

	return refslab_objects(scene->fd, scene->type, REFSLAB_GENERATION_ANY, &cursor,
			       handle, &count);
}

static int try_referrers(struct scene *scene)
{
	uint64_t cursor = 0, handle[8];
	uint32_t count = ARRAY_SIZE(handle);

	return refslab_referrers(scene->fd, scene->mapped, &cursor, handle, &count);
}

static int try_referents(struct scene *scene)
{
	uint64_t cursor = 0, handle[8];
	uint32_t count = ARRAY_SIZE(handle);

	return refslab_referents(scene->fd, scene->a, &cursor, handle, &count);
}

static int try_thresholds(struct scene *scene)
{
	uint32_t threshold[REFSLAB_GENERATIONS];

	return refslab_thresholds_get(scene->fd, threshold) ?:
	       refslab_thresholds_set(scene->fd, threshold);
}

static int try_enable(struct scene *scene)
{
	uint32_t enabled;

	return refslab_enable_get(scene->fd, &enabled) ?: refslab_enable_set(scene->fd, enabled);
}

static int try_counts(struct scene *scene)
{
	struct refslab_stats stats;
	int64_t count[REFSLAB_GENERATIONS];

	return refslab_counts(scene->fd, count) ?: refslab_stats(scene->fd, 1, &stats);
}

static int try_collect(struct scene *scene)
{
	struct refslab_collect collect;

	return refslab_collect(scene->fd, 2, &collect);
}

static int try_freeze(struct scene *scene)
{
	uint64_t n;

	return refslab_freeze(scene->fd, &n) ?: refslab_unfreeze(scene->fd, &n);
}

static int try_quarantine(struct scene *scene)
{
	uint64_t n;

	return refslab_quarantine_set(scene->fd, 0) ?: refslab_quarantine_drain(scene->fd, &n);
}

static int try_debug(struct scene *scene)
{
	uint32_t debug;

	return refslab_debug_get(scene->fd, &debug) ?: refslab_debug_set(scene->fd, debug);
}

static int try_root_next(struct scene *scene)
{
	char name[REFSLAB_NAME_MAX] = "";

	return refslab_root_next(scene->fd, name);
}

/* Few, for which a page is enough; many; and told by another descriptor too. */
static int try_events_few(struct scene *scene)
{
	return refslab_events(scene->fd, REFSLAB_EVENTS_SWEEPS, 8, -1);
}

static int prepare_eventfd(struct scene *scene)
{
	scene->made_fd = eventfd(0, EFD_CLOEXEC);
	return scene->made_fd < 0 ? -errno : 0;
}

static int try_events_fd(struct scene *scene)
{
	return refslab_events(scene->fd, REFSLAB_EVENTS_WEAK, 8, scene->made_fd);
}

static int try_events(struct scene *scene)
{
	return refslab_events(scene->fd, REFSLAB_EVENTS_SWEEPS | REFSLAB_EVENTS_WEAK,
			      REFSLAB_EVENTS_MAX, -1);
}

static int try_no_events(struct scene *scene)
{
	return refslab_events(scene->fd, 0, 0, -1);
}

/* A type and a handle that the call is about to end. */
static int prepare_type(struct scene *scene)
{
	return try_type_create(scene);
}

static int prepare_dup(struct scene *scene)
{
	return try_dup(scene);
}

static int prepare_weak(struct scene *scene)
{
	int err = refslab_weak(scene->fd, scene->a, &scene->weak);

	return err ? err : prepare_full(scene);
}

static int prepare_slot(struct scene *scene)
{
	return refslab_slot_set(scene->fd, scene->a, 0, scene->mapped) ?: prepare_full(scene);
}

/* An object whose last reference the call is to give back, with another below it. */
static uint64_t make_last(struct scene *scene)
{
	uint64_t last = make(scene->fd, scene->type), below = make(scene->fd, scene->type);

	fill(scene->fd, last, 0, below);
	drop(scene->fd, below);
	return last;
}

static int prepare_last(struct scene *scene)
{
	scene->made = make_last(scene);
	return 0;
}

static int prepare_last_slot(struct scene *scene)
{
	works(prepare_last(scene));
	fill(scene->fd, scene->a, 1, scene->made);
	return try_close(scene);
}

static int try_slot_clear(struct scene *scene)
{
	return refslab_slot_set(scene->fd, scene->a, 1, 0);
}

static int prepare_last_root(struct scene *scene)
{
	works(prepare_last(scene));
	works(refslab_root_set(scene->fd, "last", scene->made, 0));
	return try_close(scene);
}

static int try_root_clear(struct scene *scene)
{
	return refslab_root_set(scene->fd, "last", 0, 0);
}

/* As many as can be asked for at once. */
static int try_objects_many(struct scene *scene)
{
	static uint64_t handle[REFSLAB_INSPECT_MAX];
	uint32_t count = ARRAY_SIZE(handle);
	uint64_t cursor = 0;

	return refslab_objects(scene->fd, 0, REFSLAB_GENERATION_ANY, &cursor, handle, &count);
}

/* --- descriptors that are closed: the last of each --- */

static int close_fd(int *fd)
{
	int err = close(*fd) ? -errno : 0;

	*fd = -1;
	return err;
}

/* A session with objects that nobody else has. */
static int prepare_session(struct scene *scene)
{
	works(prepare_join(scene));
	make(scene->other, scene->type);
	return refslab_events(scene->other, REFSLAB_EVENTS_SWEEPS, 8, -1);
}

static int try_close_session(struct scene *scene)
{
	return close_fd(&scene->other);
}

/* One that has a heap for itself, which goes, too. */
static int prepare_other_heap(struct scene *scene)
{
	works(try_heap_create(scene));
	make(scene->other, type(scene->other, 1, 8));
	return 0;
}

static int try_close_invitation(struct scene *scene)
{
	return close_fd(&scene->invitation);
}

static int try_close_exported(struct scene *scene)
{
	return close_fd(&scene->exported);
}

static int try_close_map(struct scene *scene)
{
	return close_fd(&scene->made_fd);
}

/* The heap is full, of garbage: an allocation sweeps first. */
static int prepare_limit(struct scene *scene)
{
	struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_LIMIT, .limit = info_of(scene->fd).bytes + (64 << 10),
	};
	uint32_t large = type(scene->fd, 1, 8000);
	uint64_t handle[64];
	unsigned int n = 0;

	works(prepare_type(scene));
	works(refslab_heap_limits(scene->fd, &limits));
	while (!refslab_alloc(scene->fd, large, &handle[n]))
		assert_true(++n < ARRAY_SIZE(handle));
	assert_true(n > 0);
	while (n--) {
		fill(scene->fd, handle[n], 0, handle[n]);
		drop(scene->fd, handle[n]);
	}
	scene->garbage = true;
	return 0;
}

static const struct try calls[] = {
	{ "open", NULL, try_open, 3, 0, {} },
	{ "HEAP_CREATE", NULL, try_heap_create, 80, 0, {} },
	{ "HEAP_CREATE, counted", NULL, try_heap_create_counted, 82, 0, {} },
	{ "HEAP_INFO", NULL, try_heap_info, 0, 0, {} },
	{ "HEAP_LIMITS", NULL, try_heap_limits, 5, 0, {} },
	{ "HEAP_LIMITS, limit", NULL, try_limit, 0, 0, {} },
	{ "HEAP_LIMITS, low and high", NULL, try_watermarks, 0, 0, {} },
	{ "HEAP_LIMITS, high", try_watermarks, try_no_watermarks, 0, 0, {} },
	{ "TYPE_CREATE", NULL, try_type_create, 30, 0, {} },
	{ "TYPE_CREATE, mapped", NULL, try_type_create_mapped, 30, 0, {} },
	{ "TYPE_DESTROY", prepare_type, try_type_destroy, 0, 0, {} },
	{ "TYPE_INFO", NULL, try_type_info, 0, 0, {} },
	{ "ALLOC, the first", prepare_type, try_alloc, 0, 1, {} },
	{ "DUP", prepare_full, try_dup, 1, 0, {} },
	{ "DUP, read-only", prepare_full, try_dup_read_only, 1, 0, {} },
	{ "CLOSE", prepare_dup, try_close, 0, 0, {} },
	{ "CLOSE, the last", prepare_last, try_close, 0, 0, {} },
	{ "WEAK", prepare_full, try_weak, 1, 1, {} },
	{ "UPGRADE", prepare_weak, try_upgrade, 1, 0, {} },
	{ "SLOT_SET", NULL, try_slot_set, 0, 0, {} },
	{ "SLOT_SET, the last", prepare_last_slot, try_slot_clear, 0, 0, {} },
	{ "SLOT_LOAD", prepare_slot, try_slot_load, 1, 0, {} },
	{ "SLOT_MOVE", prepare_slot, try_slot_move, 0, 0, {} },
	{ "SLOT_CMPXCHG", NULL, try_slot_cmpxchg, 0, 0, {} },
	{ "READ", NULL, try_read, 0, 0, {} },
	{ "WRITE", NULL, try_write, 0, 0, {} },
	{ "OBJECT_INFO", NULL, try_object_info, 0, 0, {} },
	{ "OBJECTS", prepare_full, try_objects, 3, 0, {} },
	{ "OBJECTS, many", prepare_full, try_objects_many, 1, 0, {} },
	{ "REFERRERS", prepare_slot, try_referrers, 3, 0, {} },
	{ "REFERENTS", prepare_slot, try_referents, 3, 0, {} },
	{ "THRESHOLDS", NULL, try_thresholds, 0, 0, {} },
	{ "ENABLE", NULL, try_enable, 0, 0, {} },
	{ "COUNTS, STATS", NULL, try_counts, 0, 0, {} },
	{ "COLLECT", NULL, try_collect, 0, 0, {} },
	{ "FREEZE", NULL, try_freeze, 0, 0, {} },
	{ "QUARANTINE", NULL, try_quarantine, 0, 0, {} },
	{ "DEBUG", NULL, try_debug, 0, 0, {} },
	{ "ROOT_NEXT", NULL, try_root_next, 0, 0, {} },
	{ "EVENTS", NULL, try_events, 0, 2, {} },
	{ "EVENTS, few", NULL, try_events_few, 1, 0, {} },
	{ "EVENTS, eventfd", prepare_eventfd, try_events_fd, 1, 0, {} },
	{ "EVENTS, off", try_events, try_no_events, 0, 0, {} },
	{ "INVITE", NULL, try_invite, 2, 0, {} },
	{ "JOIN", NULL, try_join, 0, 1, {} },
	{ "EXPORT", NULL, try_export, 2, 0, {} },
	{ "EXPORT, read-only", NULL, try_export_read_only, 2, 0, {} },
	{ "IMPORT", prepare_full, try_import, 1, 0, {} },
	{ "ROOT_SET", NULL, try_root_set, 1, 0, {} },
	{ "ROOT_SET, over another", NULL, try_root_set_over, 0, 0, {} },
	{ "ROOT_SET, the last", prepare_last_root, try_root_clear, 0, 0, {} },
	{ "ROOT_GET", prepare_full, try_root_get, 1, 0, {} },
	{ "MAP", NULL, try_map, 2, 0, {} },
	{ "ALLOC, mapped", NULL, try_alloc_mapped, 3, 0, {} },
	{ "ALLOC, mapped, at the limit", prepare_limit, try_alloc_mapped, 3, 0, {} },
	{ "ALLOC, counted", prepare_join, try_alloc_counted, 1, 0, {} },
	{ "close a session", prepare_session, try_close_session, 0, 0, {} },
	{ "close a session, with its heap", prepare_other_heap, try_close_session, 0, 0, {} },
	{ "close an invitation", NULL, try_close_invitation, 0, 0, {} },
	{ "close an exported object", NULL, try_close_exported, 0, 0, {} },
	{ "close what can be mapped", try_map, try_close_map, 0, 0, {} },
};

static void test_calls(void **state)
{
	(void)state;
	faults_try(calls, ARRAY_SIZE(calls));
}

/* A batch of one entry, or by more than one what it needs. */
static int try_batch(struct scene *scene, const struct refslab_op *op)
{
	struct refslab_result result = { 0 };
	int n = refslab_batch(scene->fd, op, &result, 1, 0);

	if (n < 0)
		return n;
	assert_int_equal(n, 1);
	if (result.handle)
		scene->made = result.handle;
	return -(int)result.error;
}

#define TRY_BATCH(name, ...)							\
static int try_batch_##name(struct scene *scene)				\
{										\
	const struct refslab_op op = { .code = REFSLAB_OP_##name, __VA_ARGS__ };	\
										\
	return try_batch(scene, &op);						\
}

TRY_BATCH(ALLOC, .index = scene->made_type)
TRY_BATCH(DUP, .handle = scene->a)
TRY_BATCH(CLOSE, .handle = scene->made)
TRY_BATCH(WEAK, .handle = scene->a)
TRY_BATCH(UPGRADE, .handle = scene->weak)
TRY_BATCH(SLOT_SET, .handle = scene->a, .index = 1, .target = scene->mapped)
TRY_BATCH(SLOT_LOAD, .handle = scene->a)
TRY_BATCH(SLOT_MOVE, .handle = scene->a, .target = scene->a, .other = 1)
TRY_BATCH(SLOT_CMPXCHG, .handle = scene->a, .index = 1, .target = scene->mapped)
TRY_BATCH(READ, .handle = scene->a, .length = REFSLAB_BATCH_DATA)
TRY_BATCH(WRITE, .handle = scene->a, .length = REFSLAB_BATCH_DATA, .data = "new")
#undef TRY_BATCH

/* So many entries that there is no room for them yet, nor in one page. */
static int try_batch_long(struct scene *scene)
{
	enum { COUNT = 4096 };
	static struct refslab_result results[COUNT];
	static struct refslab_op ops[COUNT];
	int i, n;

	for (i = 0; i < COUNT; i++)
		ops[i] = (struct refslab_op) {
			.code = REFSLAB_OP_SLOT_SET, .handle = scene->a,
			.index = i % 2, .target = scene->mapped,
		};
	memset(results, 0xff, sizeof(results));
	n = refslab_batch(scene->fd, ops, results, COUNT, 0);
	if (n < 0)
		return n;
	assert_int_equal(n, COUNT);
	for (i = 0; i < n; i++)
		assert_int_equal(results[i].error, 0);
	return 0;
}

static const struct try batches[] = {
	{ "ALLOC in a batch", prepare_type, try_batch_ALLOC, 0, 2, {} },
	{ "DUP in a batch", prepare_full, try_batch_DUP, 0, 1, {} },
	{ "CLOSE in a batch", prepare_dup, try_batch_CLOSE, 0, 1, {} },
	{ "WEAK in a batch", prepare_full, try_batch_WEAK, 0, 2, {} },
	{ "UPGRADE in a batch", prepare_weak, try_batch_UPGRADE, 0, 1, {} },
	{ "SLOT_SET in a batch", NULL, try_batch_SLOT_SET, 0, 1, {} },
	{ "SLOT_LOAD in a batch", prepare_slot, try_batch_SLOT_LOAD, 0, 1, {} },
	{ "SLOT_MOVE in a batch", prepare_slot, try_batch_SLOT_MOVE, 0, 1, {} },
	{ "SLOT_CMPXCHG in a batch", NULL, try_batch_SLOT_CMPXCHG, 0, 1, {} },
	{ "READ in a batch", NULL, try_batch_READ, 0, 1, {} },
	{ "WRITE in a batch", NULL, try_batch_WRITE, 0, 1, {} },
	{ "a long batch", NULL, try_batch_long, 0, 1, {} },
};

static void test_batches(void **state)
{
	(void)state;
	faults_try(batches, ARRAY_SIZE(batches));
}

/* The ring, and the thread of the kernel's that runs what sleeps. */
static struct ring uring;

static pid_t find_worker(void)
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	pid_t worker = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)))
		if (atoi(entry->d_name) && atoi(entry->d_name) != gettid())
			worker = atoi(entry->d_name);
	closedir(directory);
	return worker;
}

/* One that is there: it would be another's fault if it could not be made. */
static int prepare_uring(struct scene *scene)
{
	struct io_uring_sqe *sqe = ring_entry(&uring);

	memset(sqe, 0, uring.entry_size);
	sqe->opcode = IORING_OP_NOP;
	sqe->flags = IOSQE_ASYNC;
	works(ring_go(&uring));
	assert_true(find_worker() > 0);
	return prepare_full(scene);
}

static int prepare_worker(struct scene *scene)
{
	works(prepare_uring(scene));
	scene->worker = find_worker();
	return 0;
}

static int try_uring(struct scene *scene)
{
	const struct refslab_op op = {
		.code = REFSLAB_OP_DUP, .handle = scene->a,
	};
	struct refslab_result result = { 0 };
	struct refslab_batch batch = {
		.size = sizeof(batch), .count = 1,
		.ops = (uintptr_t)&op, .results = (uintptr_t)&result,
	};
	int n;

	ring_add(&uring, scene->fd, &batch, 0);
	ring_done(&uring);
	n = ring_enter(&uring, 1, 0, 0);
	if (n != 1) {
		/* it is not taken */
		atomic_fetch_sub(uring.sq_tail, 1);
		return n < 0 ? n : -EAGAIN;
	}
	n = ring_wait(&uring, NULL);
	return n < 0 ? n : -(int)result.error;
}

static const struct try urings[] = {
	{ "a batch by io_uring", prepare_worker, try_uring, 0, 1, {} },
	/* io_uring_enter(2) */
	{ "its submission", prepare_uring, try_uring, 1, 0, { EAGAIN } },
};

static void test_uring(void **state)
{
	(void)state;
	ring_begin(&uring, 0);
	faults_try(urings, ARRAY_SIZE(urings));
	ring_end(&uring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		faults_test(test_calls),
		faults_test(test_batches),
		faults_test(test_uring),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("test_faults", tests, faults_setup,
					   faults_teardown);
}
