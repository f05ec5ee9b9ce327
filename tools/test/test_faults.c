// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation and each copy that a call makes fails once, for all calls:
 * then the call fails and nothing of it is left, or it did without. Needs a kernel with fault
 * injection, as the debug guest's is.
 */
#include <fcntl.h>

#include "module.h"
#include "sharing.h"
#include "storm.h"

/* The n-th thing of this thread that can fail does; 0 for none. */
static int fail_nth = -1;

static void set_fail(unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	/* What fails may be this. */
	while (pwrite(fail_nth, text, length, 0) != length)
		assert_int_equal(errno, EFAULT);
}

/* Whether it has come to that; none fails afterwards. */
static bool has_failed(void)
{
	char text[16] = "";
	/* If what fails is this, the call had not come so far. */
	bool failed = pread(fail_nth, text, sizeof(text) - 1, 0) > 0 && !atoi(text);

	set_fail(0);
	return failed;
}

static void set_knob(const char *kind, const char *knob, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kind, knob);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

static int group_setup(void **state)
{
	(void)state;
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	if (fail_nth < 0)
		return 0;
	/* Allocations that may sleep too, and of a page as well. */
	set_knob("failslab", "ignore-gfp-wait", "N");
	set_knob("fail_page_alloc", "ignore-gfp-wait", "N");
	set_knob("fail_page_alloc", "min-order", "0");
	/* A trace of each would look like a complaint. */
	set_knob("failslab", "verbose", "0");
	set_knob("fail_page_alloc", "verbose", "0");
	set_knob("fail_usercopy", "verbose", "0");
	return 0;
}

/* What calls are tried on: a heap with a root, an object, a type. */
struct scene {
	int fd, other;		/* it made the heap; it has no heap */
	int invitation, exported;
	uint32_t type, mapped_type, made_type;
	uint64_t a, mapped, weak, made;
	int made_fd;
};

static void scene_begin(struct scene *scene)
{
	*scene = (struct scene){ .fd = session_with_heap(0), .made_fd = -1 };
	scene->type = type(scene->fd, 2, PAYLOAD);
	scene->a = make(scene->fd, scene->type);
	scene->mapped_type = mapped_type(scene->fd, 1, 3 * 4096);
	scene->mapped = make(scene->fd, scene->mapped_type);
	works(refslab_root_set(scene->fd, "old", scene->a, 0));
	scene->invitation = refslab_invite(scene->fd, 0, 1 << 20);
	scene->exported = refslab_export(scene->fd, scene->a, 0);
	scene->other = session();
	assert_true(scene->invitation >= 0 && scene->exported >= 0);
}

static void scene_end(struct scene *scene)
{
	if (scene->made_fd >= 0)
		close(scene->made_fd);
	close(scene->exported);
	close(scene->invitation);
	close(scene->other);
	close(scene->fd);
}

struct picture {
	uint64_t count, mapped_count, objects, held, handles, types;
	uint32_t sessions;
	unsigned int fds, heaps;
	char names[64];
};

static void look(struct scene *scene, struct picture *picture)
{
	struct refslab_heap_info info = info_of(scene->fd);
	char name[REFSLAB_NAME_MAX] = "";

	memset(picture, 0, sizeof(*picture));
	picture->count = count_of(scene->fd, scene->a);
	picture->mapped_count = count_of(scene->fd, scene->mapped);
	picture->objects = info.objects;
	/* Pages come and go by threes; chunks are cached, or more than that. */
	picture->held = (info.bytes >> 12) % 8;
	picture->handles = info.handles;
	picture->types = info.types;
	picture->sessions = info.sessions;
	picture->fds = open_fds();
	picture->heaps = storm_heaps();
	while (!refslab_root_next(scene->fd, name))
		strncat(picture->names, name,
			sizeof(picture->names) - strlen(picture->names) - 1);
}

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

static int try_import(struct scene *scene)
{
	return refslab_import(scene->fd, scene->exported, &scene->made);
}

static int try_root_set(struct scene *scene)
{
	return refslab_root_set(scene->fd, "new", scene->a, 0);
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

/* The next handle is the first of a page of them. */
static int prepare_full(struct scene *scene)
{
	while (info_of(scene->fd).handles % 256)
		dup_of(scene->fd, scene->a);
	return 0;
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

static int try_heap_info(struct scene *scene)
{
	struct refslab_heap_info info;

	return refslab_heap_info(scene->fd, &info);
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

static int try_events(struct scene *scene)
{
	return refslab_events(scene->fd, REFSLAB_EVENTS_SWEEPS | REFSLAB_EVENTS_WEAK,
			      REFSLAB_EVENTS_MAX, -1);
}

/* A batch of which an entry fails is done all the same, and says which. */
static int try_batch(struct scene *scene)
{
	struct refslab_op ops[] = {
		{ .code = REFSLAB_OP_ALLOC, .index = scene->type },
		{ .code = REFSLAB_OP_CLOSE, .handle = REFSLAB_RESULT(0) },
	};
	struct refslab_result results[ARRAY_SIZE(ops)] = { 0 };
	int n = refslab_batch(scene->fd, ops, results, ARRAY_SIZE(ops), 0);

	return n < 0 ? n : -(int)results[0].error;
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

static const struct {
	const char *name;
	int (*prepare)(struct scene *scene);
	int (*call)(struct scene *scene);
	unsigned int least;	/* things that must have failed */
	bool logged;		/* the kernel says in its log which allocation it was */
} tries[] = {
	{ "open", NULL, try_open, 3, false },
	{ "HEAP_CREATE", NULL, try_heap_create, 8, true },
	{ "HEAP_INFO", NULL, try_heap_info, 2, false },
	{ "HEAP_LIMITS", NULL, try_heap_limits, 2, false },
	{ "TYPE_CREATE", NULL, try_type_create, 5, true },
	{ "TYPE_CREATE, mapped", NULL, try_type_create_mapped, 5, true },
	{ "TYPE_DESTROY", prepare_type, try_type_destroy, 1, false },
	{ "TYPE_INFO", NULL, try_type_info, 2, false },
	{ "ALLOC, the first", prepare_type, try_alloc, 3, false },
	{ "DUP", prepare_full, try_dup, 3, false },
	{ "CLOSE", prepare_dup, try_close, 1, false },
	{ "WEAK", prepare_full, try_weak, 4, false },
	{ "UPGRADE", prepare_weak, try_upgrade, 3, false },
	{ "SLOT_SET", NULL, try_slot_set, 1, false },
	{ "SLOT_LOAD", prepare_slot, try_slot_load, 3, false },
	{ "SLOT_MOVE", prepare_slot, try_slot_move, 1, false },
	{ "SLOT_CMPXCHG", NULL, try_slot_cmpxchg, 1, false },
	{ "READ", NULL, try_read, 2, false },
	{ "WRITE", NULL, try_write, 2, false },
	{ "OBJECT_INFO", NULL, try_object_info, 2, false },
	{ "OBJECTS", prepare_full, try_objects, 3, false },
	{ "REFERRERS", prepare_slot, try_referrers, 3, false },
	{ "REFERENTS", prepare_slot, try_referents, 3, false },
	{ "THRESHOLDS", NULL, try_thresholds, 3, false },
	{ "ENABLE", NULL, try_enable, 3, false },
	{ "COUNTS, STATS", NULL, try_counts, 3, false },
	{ "COLLECT", NULL, try_collect, 2, false },
	{ "FREEZE", NULL, try_freeze, 3, false },
	{ "QUARANTINE", NULL, try_quarantine, 3, false },
	{ "DEBUG", NULL, try_debug, 3, false },
	{ "ROOT_NEXT", NULL, try_root_next, 2, false },
	{ "EVENTS", NULL, try_events, 2, false },
	{ "BATCH", NULL, try_batch, 3, false },
	{ "INVITE", NULL, try_invite, 2, false },
	/* What it allocates can be had in two ways. */
	{ "JOIN", NULL, try_join, 0, false },
	{ "EXPORT", NULL, try_export, 2, false },
	{ "IMPORT", prepare_full, try_import, 1, false },
	{ "ROOT_SET", NULL, try_root_set, 1, false },
	{ "ROOT_GET", prepare_full, try_root_get, 1, false },
	{ "MAP", NULL, try_map, 2, false },
	{ "ALLOC, mapped", NULL, try_alloc_mapped, 3, false },
	{ "ALLOC, counted", prepare_join, try_alloc_counted, 1, false },
};

static void test_faults(void **state)
{
	struct picture before, after;
	struct scene scene;
	unsigned int n, failed;
	size_t i;
	int err;
	bool hit;

	(void)state;
	if (fail_nth < 0)
		skip();
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		failed = 0;
		if (tries[i].logged)
			storm_expect("kobject_add_internal failed");
		for (n = 1; ; n++) {
			scene_begin(&scene);
			if (tries[i].prepare)
				works(tries[i].prepare(&scene));
			look(&scene, &before);
			set_fail(n);
			err = tries[i].call(&scene);
			hit = has_failed();
			if (err) {
				if (!hit || (err != -ENOMEM && err != -EFAULT &&
					     err != -ENFILE && err != -EMFILE))
					fail_msg("%s, fault %u: %s", tries[i].name,
						 n, strerror(-err));
				look(&scene, &after);
				if (memcmp(&before, &after, sizeof(before)))
					fail_msg("%s, fault %u: %s, and left something",
						 tries[i].name, n, strerror(-err));
				/* And it would have worked. */
				works(tries[i].call(&scene));
				failed++;
			}
			scene_end(&scene);
			if (!hit)
				break;
			assert_true(n < 2000);
		}
		if (tries[i].logged)
			storm_unexpect();
		print_message("# %s: %u of %u faults were its end\n", tries[i].name,
			      failed, n - 1);
		assert_true(failed >= tries[i].least);
	}
}

/* The module is loaded, or nothing of it is there. */
static void test_load(void **state)
{
	unsigned int n, failed = 0;
	bool hit = true;
	int err;

	(void)state;
	if (fail_nth < 0 || !module_file())
		skip();
	/* of pages, and of files and directories */
	storm_expect("page allocation failure|kobject_add_internal failed|Call Trace|vmalloc error");
	for (n = 1; hit; n++) {
		assert_true(eventually(!module_unload()));
		set_fail(n);
		err = module_load();
		hit = has_failed();
		if (err) {
			failed++;
			if (!hit || (err != -ENOMEM && err != -EFAULT && err != -ENFILE))
				fail_msg("loading, fault %u: %s", n, strerror(-err));
			assert_int_equal(access("/sys/kernel/refslab", F_OK), -1);
			assert_int_equal(access("/sys/module/refslab", F_OK), -1);
			assert_int_equal(access("/sys/kernel/debug/refslab", F_OK), -1);
			assert_int_equal(access(REFSLAB_DEVICE, F_OK), -1);
			works(module_load());
		}
		/* it works, whatever it did without */
		assert_true(eventually(!access(REFSLAB_DEVICE, R_OK)));
		if (n % 16 == 0 || !hit) {
			int fd = session_with_heap(0);

			drop(fd, ring(fd, type(fd, 1, 8), 3));
			assert_int_equal(sweep(fd, 2), 3);
			close(fd);
		}
	}
	storm_unexpect();
	print_message("# loading: %u of %u faults were its end\n", failed, n - 2);
	assert_true(failed > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_load),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("test_faults", tests, group_setup, NULL);
}
