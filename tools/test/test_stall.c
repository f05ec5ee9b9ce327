// SPDX-License-Identifier: GPL-2.0
/*
 * Who stalls where the kernel copies from or to his memory stalls nobody else: other
 * threads of the session and other sessions of the heap go on meanwhile, he can be
 * killed, and nothing of his call is left.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "calls.h"
#include "storm.h"
#include "told_page.h"

#define BOUND	(30 * SECOND)	/* for others' calls, also in an emulator that has much to do */
#define BIG	4096u		/* bytes of a payload that go through no buffer in between */

/* A call with a pointer, and what that points to. */
struct behind {
	const char *name;
	unsigned long request;
	size_t pointer;
	enum told what;
	uint32_t length;	/* of a payload, which is larger then; 0: as in the table */
	bool mapped;
};

#define BEHIND(NAME, structure, field, told, ...) { .name = #NAME ", " #field, \
	.request = REFSLAB_##NAME, .pointer = offsetof(struct structure, field), \
	.what = TOLD_##told, __VA_ARGS__ }

static const struct behind behind[] = {
	BEHIND(READ, refslab_io, buffer, WRITTEN),
	BEHIND(READ, refslab_io, buffer, WRITTEN, .length = BIG),
	BEHIND(READ, refslab_io, buffer, WRITTEN, .length = BIG, .mapped = true),
	BEHIND(WRITE, refslab_io, buffer, MISSING),
	BEHIND(WRITE, refslab_io, buffer, MISSING, .length = BIG),
	BEHIND(WRITE, refslab_io, buffer, MISSING, .length = BIG, .mapped = true),
	BEHIND(OBJECTS, refslab_objects, handles, WRITTEN),
	BEHIND(REFERRERS, refslab_referrers, handles, WRITTEN),
	BEHIND(REFERENTS, refslab_referents, handles, WRITTEN),
	BEHIND(BATCH, refslab_batch, ops, MISSING),
	BEHIND(BATCH, refslab_batch, results, WRITTEN),
};

/* Who stalls, and what he and those beside him tell each other. */
struct stall {
	const char *name;
	const struct call *call;
	const struct behind *behind;	/* NULL: it is the call's structure */
	enum told what;
	int err;			/* of the call, when it can go on */
	struct scene scene;
	int joined;			/* another session of the heap */
	union argument argument;
	bool events;			/* they are read, it is no call */
	bool goes_on;			/* or is killed */
	_Atomic bool stalled, beside;
};

static struct stall *stall;

/* --- others --- */

static void use_handles(int fd, uint32_t type)
{
	uint64_t a, b, copy, weak, loaded, cursor = 0, found[2];
	struct refslab_object_info info;
	uint32_t count = 1;
	char bytes[PAYLOAD];

	child_must(!refslab_alloc(fd, type, &a));
	child_must(!refslab_alloc(fd, type, &b));
	child_must(!refslab_dup(fd, a, 0, &copy));
	child_must(!refslab_weak(fd, a, &weak));
	child_must(!refslab_upgrade(fd, weak, &loaded) && loaded);
	child_must(!refslab_close(fd, loaded));
	child_must(!refslab_slot_set(fd, a, 0, b));
	child_must(!refslab_slot_load(fd, a, 0, &loaded) && loaded);
	child_must(!refslab_close(fd, loaded));
	child_must(!refslab_slot_move(fd, a, 0, a, 1));
	child_must(!refslab_referrers(fd, b, &cursor, found, &count));
	if (count)
		child_must(!refslab_close(fd, found[0]));
	count = 1;
	cursor = 0;
	child_must(!refslab_referents(fd, a, &cursor, found, &count) && count == 1);
	child_must(!refslab_close(fd, found[0]));
	count = 1;
	cursor = 0;
	child_must(!refslab_objects(fd, 0, REFSLAB_GENERATION_ANY, &cursor, found, &count));
	if (count)
		child_must(!refslab_close(fd, found[0]));
	child_must(!refslab_slot_cmpxchg(fd, a, 1, b, 0));
	child_must(!refslab_write(fd, a, 0, bytes, sizeof(bytes)));
	child_must(!refslab_read(fd, a, 0, bytes, sizeof(bytes)));
	child_must(!refslab_object_info(fd, a, &info));
	child_must(!refslab_close(fd, weak));
	child_must(!refslab_close(fd, copy));
	child_must(!refslab_close(fd, a));
	child_must(!refslab_close(fd, b));
}

static void use_mapped(int fd, const char *name)
{
	struct refslab_mapping mapping;
	uint32_t type;
	uint64_t a;

	child_must(!refslab_type_create_mapped(fd, name, 0, 4096, &type));
	child_must(!refslab_alloc(fd, type, &a));
	child_must(!refslab_map_payload(fd, a, 0, &mapping));
	*(char *)mapping.address = 'x';
	child_must(!refslab_unmap_payload(&mapping));
	child_must(!refslab_close(fd, a));
	/* its last reference goes a little later */
	child_must(eventually(!refslab_type_destroy(fd, type)));
}

static void use_heap(int fd, const char *name)
{
	const struct refslab_op op = { .code = REFSLAB_OP_ALLOC, .index = stall->scene.type };
	uint32_t threshold[REFSLAB_GENERATIONS], value, type;
	char root[REFSLAB_NAME_MAX] = "";
	struct refslab_collect collect;
	struct refslab_result result;
	struct refslab_heap_info info;
	struct refslab_type_info about;
	struct refslab_stats stats;
	int64_t count[REFSLAB_GENERATIONS];
	uint64_t n, a;
	int made, other;

	child_must(!refslab_heap_info(fd, &info));
	child_must(!refslab_type_create(fd, name, 2, 8, 0, &type));
	child_must(!refslab_type_info(fd, type, &about));
	child_must(!refslab_type_destroy(fd, type));
	child_must(refslab_batch(fd, &op, &result, 1, 0) == 1 && !result.error);
	a = result.handle;
	child_must(!refslab_root_set(fd, name, a, 0));
	child_must(!refslab_root_next(fd, root));
	child_must(!refslab_root_get(fd, name, &n) && !refslab_close(fd, n));
	child_must(!refslab_root_set(fd, name, 0, 0));
	made = refslab_export(fd, a, 0);
	child_must(made >= 0 && !refslab_close(fd, a) && !refslab_import(fd, made, &a));
	child_must(!close(made) && !refslab_close(fd, a));
	made = refslab_invite(fd, 0, 0);
	other = refslab_open(0);
	child_must(made >= 0 && other >= 0 && !refslab_join(other, made));
	child_must(!close(made) && !close(other));
	child_must(!refslab_thresholds_get(fd, threshold));
	child_must(!refslab_enable_get(fd, &value) && !refslab_enable_set(fd, value));
	child_must(!refslab_counts(fd, count) && !refslab_stats(fd, 0, &stats));
	child_must(!refslab_collect(fd, 2, &collect));
	child_must(!refslab_freeze_count(fd, &n));
	child_must(!refslab_quarantine_get(fd, &value, &n));
	child_must(!refslab_debug_get(fd, &value));
	child_must(!refslab_events(fd, REFSLAB_EVENTS_SWEEPS, 8, -1));
	child_must(!refslab_events(fd, 0, 0, -1));
}

static void use_all(int fd, const char *name)
{
	use_handles(fd, stall->scene.type);
	use_mapped(fd, name);
	use_heap(fd, name);
}

/* In a thread of who stalls: what that session is used for meanwhile. */
static void beside(void *argument)
{
	const struct refslab_heap_limits limits = {
		.flags = REFSLAB_LIMITS_LOW | REFSLAB_LIMITS_HIGH, .high = 1 << 20,
	};
	int fd = stall->scene.fd;

	(void)argument;
	stall->stalled = true;
	if (stall->goes_on)
		return;
	use_all(fd, "beside");
	child_must(!refslab_heap_limits(fd, &limits));
	stall->beside = true;
	pause();
}

static void another_session(void *argument)
{
	(void)argument;
	use_all(stall->joined, "another");
}

/* --- who stalls --- */

static int stalled_call(void *page)
{
	union argument *argument = &stall->argument;

	if (stall->events)
		return read(stall->scene.fd, page, sizeof(struct refslab_event)) < 0 ? -errno : 0;
	if (!stall->behind)
		argument = page;
	else
		memcpy(argument->bytes + stall->behind->pointer, &page, sizeof(page));
	return call(stall->scene.fd, stall->call->request, argument);
}

static void stalled_client(void *argument)
{
	void *page = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct told_page told;
	int err;

	(void)argument;
	child_must(page != MAP_FAILED);
	/* what can be read must be there */
	if (stall->what == TOLD_WRITTEN)
		memcpy(page, &stall->argument, sizeof(struct refslab_heap_info));
	child_must(!told_page_begin(&told, page, stall->what, beside, NULL));
	err = stalled_call(page);
	if (err != stall->err) {
		fprintf(stderr, "# %s: %s\n", stall->name, strerror(-err));
		_exit(1);
	}
	child_must(stall->stalled);
}

/* --- */

/* What a call that did not come to its end must have left as it was. */
struct picture {
	uint64_t objects, types, handles, count_a, count_b;
};

static bool looks_like(const struct picture *before, struct picture *now)
{
	const struct scene *scene = &stall->scene;
	struct refslab_heap_info info = info_of(scene->fd);

	*now = (struct picture){
		info.objects, info.types, info.handles,
		count_of(scene->fd, scene->a), count_of(scene->fd, scene->b),
	};
	return before && !memcmp(before, now, sizeof(*now));
}

/* Payloads that are copied in pieces, or straight from where they are. */
static void fill_big(const struct behind *row)
{
	int fd = stall->scene.fd;

	if (!row->length)
		return;
	stall->argument.io.handle = make(fd, row->mapped ? mapped_type(fd, 0, row->length) :
							   type(fd, 0, row->length));
	stall->argument.io.length = row->length;
}

static void stall_begin(const struct call *call, const struct behind *row, enum told what)
{
	memset(stall, 0, sizeof(*stall));
	stall->call = call;
	stall->behind = row;
	stall->what = what;
	stall->name = row ? row->name : call->name;
	/* a structure of zeroes */
	stall->err = what == TOLD_MISSING && !row ? -EINVAL : 0;
	scene_begin(&stall->scene, call ?: calls, &stall->argument);
	if (row)
		fill_big(row);
	if (call->request == REFSLAB_EVENTS && what == TOLD_WRITTEN) {
		stall->events = true;
		works(refslab_events(stall->scene.fd, REFSLAB_EVENTS_SWEEPS, 8, -1));
		sweep(stall->scene.fd, 2);
	}
}

/* False if it does not end in time; then it is killed. */
static bool ends_in_time(pid_t child, int *status)
{
	uint64_t end = now_ns() + BOUND;

	while (!waitpid(child, status, WNOHANG)) {
		if (now_ns() > end) {
			storm_kill(child);
			return false;
		}
		sleep_ms(1);
	}
	return true;
}

static bool comes_in_time(const _Atomic bool *flag)
{
	uint64_t end = now_ns() + BOUND;

	while (!*flag && now_ns() < end)
		sleep_ms(1);
	return *flag;
}

/* Others do what they like meanwhile; then he is killed, and the session ends. */
static void others_go_on(void)
{
	struct picture before, now;
	const char *wrong = NULL;
	pid_t client, other;
	int status;

	stall->joined = joined(stall->scene.fd, 0, 0);
	looks_like(NULL, &before);
	client = storm_fork(stalled_client, NULL);
	if (!comes_in_time(&stall->stalled))
		wrong = "does not stall";
	else if (!comes_in_time(&stall->beside))
		wrong = "stalls its session";
	if (!wrong) {
		other = storm_fork(another_session, NULL);
		if (!ends_in_time(other, &status) || status)
			wrong = "stalls another session";
	}
	kill(client, SIGKILL);
	if (!ends_in_time(client, &status) || !WIFSIGNALED(status))
		wrong = wrong ?: "cannot be killed";
	if (wrong)
		fail_msg("%s: %s", stall->name, wrong);
	if (!eventually(looks_like(&before, &now)))
		fail_msg("%s: killed, and left something", stall->name);
	scene_end(&stall->scene);
	if (!eventually(info_of(stall->joined).sessions == 1))
		fail_msg("%s: killed, and its session goes on", stall->name);
	close(stall->joined);
}

/* He does what he is about when he is let go. */
static void goes_on(void)
{
	pid_t client;
	int status;

	stall->goes_on = true;
	client = storm_fork(stalled_client, NULL);
	if (!ends_in_time(client, &status) || status)
		fail_msg("%s: does not go on", stall->name);
	scene_end(&stall->scene);
}

static bool has_heap(void)
{
	struct refslab_heap_info info;

	return !refslab_heap_info(stall->scene.fd, &info);
}

static void try_stall(const struct call *call, const struct behind *row, enum told what)
{
	stall_begin(call, row, what);
	if (!has_heap()) {
		scene_end(&stall->scene);
		return;
	}
	others_go_on();
	stall_begin(call, row, what);
	goes_on();
}

/* The structure of each call. */
static void test_arguments(void **state)
{
	const struct call *call;

	(void)state;
	for_each_call(call)
		try_stall(call, NULL, TOLD_MISSING);
}

static void test_results(void **state)
{
	const struct call *call;

	(void)state;
	for_each_call(call)
		if (is_out(call))
			try_stall(call, NULL, TOLD_WRITTEN);
}

static void test_behind(void **state)
{
	const struct call *call;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(behind); i++)
		for_each_call(call)
			if (call->request == behind[i].request)
				try_stall(call, &behind[i], behind[i].what);
}

/* read(2), which is no call. */
static void test_events(void **state)
{
	const struct call *call;

	(void)state;
	for_each_call(call)
		if (call->request == REFSLAB_EVENTS)
			try_stall(call, NULL, TOLD_WRITTEN);
}

static int setup(void **state)
{
	(void)state;
	stall = storm_shared(sizeof(*stall));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_events),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("test_stall", tests, setup, NULL);
}
