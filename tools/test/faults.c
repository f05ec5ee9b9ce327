// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include "faults.h"
#include "module.h"
#include "storm.h"

#define MODULE_KNOB	"/sys/kernel/debug/refslab_fault"
#define EXPEDITED	"/sys/kernel/rcu_expedited"

/*
 * What both knobs are like: the number of things to come that can fail is
 * written, and how many are still to come is read. The kernel has one for each
 * thread, refslab_fault.ko one for all, which is told the thread.
 */
static int own_knob = -1, armed_knob = -1;

/*
 * The kernel's, for all that follow: the chance that an allocation fails which is of
 * a thread marked so, when there is nothing to be counted any more; and the mark.
 */
static const char * const allocating[] = { "failslab", "fail_page_alloc" };
static int chance[ARRAY_SIZE(allocating)], mark = -1;

static bool of_module, of_copy;
static long long copies;

static void write_knob(int knob, const char *text)
{
	/* What fails may be this. */
	while (write(knob, text, strlen(text)) != (ssize_t)strlen(text))
		assert_int_equal(errno, EFAULT);
}

static void set_kernel(const char *kind, const char *knob, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kind, knob);
	works(storm_write(path, value));
}

static int open_kernel(const char *kind, const char *knob)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kind, knob);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Where a function of the kernel begins and ends. */
static unsigned long address_of(const char *function, unsigned long *end)
{
	unsigned long start = 0, address;
	char line[256], name[128];
	FILE *file = fopen("/proc/kallsyms", "re");

	assert_non_null(file);
	*end = ULONG_MAX;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx %*c %127s", &address, name) != 2)
			continue;
		if (!strcmp(name, function))
			start = address;
	}
	/* the lines are in no order that one could rely on */
	rewind(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx", &address) == 1 && address > start && address < *end)
			*end = address;
	fclose(file);
	assert_true(start);
	return start;
}

/* vmalloc() warns where both of its attempts at this fail (tools/fault). */
static void spare_vmap_area(const char *kind)
{
	unsigned long end, start = address_of("alloc_vmap_area", &end);
	char text[32];

	set_kernel(kind, "stacktrace-depth", "32");
	snprintf(text, sizeof(text), "0x%lx", start);
	set_kernel(kind, "reject-start", text);
	snprintf(text, sizeof(text), "0x%lx", end);
	set_kernel(kind, "reject-end", text);
}

int faults_setup(void **state)
{
	size_t i;
	int err;

	(void)state;
	/* What a heap's end waits for is most of the time that all this takes. */
	works(storm_write(EXPEDITED, "1"));
	own_knob = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (own_knob >= 0) {
		/* Allocations that may sleep too, of a page as well, and those of vmalloc(). */
		for (i = 0; i < ARRAY_SIZE(allocating); i++) {
			set_kernel(allocating[i], "ignore-gfp-wait", "N");
			set_kernel(allocating[i], "task-filter", "Y");
			set_kernel(allocating[i], "times", "-1");
			spare_vmap_area(allocating[i]);
			chance[i] = open_kernel(allocating[i], "probability");
		}
		set_kernel("fail_page_alloc", "ignore-gfp-highmem", "N");
		set_kernel("fail_page_alloc", "min-order", "0");
		/* A trace of each would look like a complaint. */
		set_kernel("failslab", "verbose", "0");
		set_kernel("fail_page_alloc", "verbose", "0");
		set_kernel("fail_usercopy", "verbose", "0");
		/* Which kind has failed is seen by these becoming less. */
		set_kernel("fail_usercopy", "times", "1000000");
		return 0;
	}
	of_module = true;
	err = module_load_other("refslab_fault");
	own_knob = open(MODULE_KNOB, O_RDWR | O_CLOEXEC);
	if (own_knob >= 0)
		return 0;
	print_error("no fault injection: neither the kernel's nor refslab_fault.ko (%s)\n",
		    strerror(err ? -err : errno));
	return -1;
}

int faults_teardown(void **state)
{
	(void)state;
	works(storm_write(EXPEDITED, "0"));
	if (own_knob >= 0)
		close(own_knob);
	if (of_module)
		module_unload_other("refslab_fault");
	return 0;
}

/* What the kernel's copies to fail are, less those that have: where there are none, -1. */
static long long copies_left(void)
{
	return of_module ? -1 : storm_value("/sys/kernel/debug/fail_usercopy/times", "");
}

bool fault_of_copy(void)
{
	return of_copy;
}

/* What the kernel counts comes first; that it is set makes nothing fail before. */
static void set_all_that_follow(pid_t thread)
{
	char path[64];
	size_t i;

	snprintf(path, sizeof(path), "/proc/self/task/%d/make-it-fail", thread ?: gettid());
	mark = open(path, O_RDWR | O_CLOEXEC);
	assert_true(mark >= 0);
	for (i = 0; i < ARRAY_SIZE(allocating); i++)
		write_knob(chance[i], "100");
	write_knob(mark, "1");
}

static void clear_all_that_follow(void)
{
	size_t i;

	if (mark < 0)
		return;
	write_knob(mark, "0");
	close(mark);
	mark = -1;
	for (i = 0; i < ARRAY_SIZE(allocating); i++)
		write_knob(chance[i], "0");
}

void fault_set(unsigned int n, unsigned int times, pid_t thread)
{
	char text[64], path[64];

	copies = copies_left();
	armed_knob = own_knob;
	if (of_module) {
		snprintf(text, sizeof(text), "%u %d %u", n, thread ?: gettid(), times);
	} else {
		snprintf(text, sizeof(text), "%u", n);
		if (thread) {
			snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth", thread);
			armed_knob = open(path, O_RDWR | O_CLOEXEC);
			assert_true(armed_knob >= 0);
		}
		if (times > 1)
			set_all_that_follow(thread);
	}
	write_knob(armed_knob, text);
}

/* What a module does to begin with has this function below it. */
static void set_kernel_init(bool init)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	unsigned long start = 0, end = ULONG_MAX;
	char text[32];
	size_t i;

	if (init)
		start = address_of("do_one_initcall", &end);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		set_kernel(kinds[i], "stacktrace-depth", "32");
		snprintf(text, sizeof(text), "0x%lx", start);
		set_kernel(kinds[i], "require-start", text);
		snprintf(text, sizeof(text), "0x%lx", end);
		set_kernel(kinds[i], "require-end", text);
	}
}

void fault_set_init(unsigned int n)
{
	char text[64];

	if (!of_module) {
		set_kernel_init(true);
		fault_set(n, 1, 0);
		return;
	}
	armed_knob = own_knob;
	snprintf(text, sizeof(text), "%u %d 1 1", n, gettid());
	write_knob(armed_knob, text);
}

int faults_test_teardown(void **state)
{
	(void)state;
	write_knob(own_knob, "0");
	clear_all_that_follow();
	if (!of_module)
		set_kernel_init(false);
	return 0;
}

bool fault_hit(void)
{
	char text[16] = "";
	/* If what fails is this, it had not come so far. */
	bool hit = pread(armed_knob, text, sizeof(text) - 1, 0) > 0 && !atoi(text);

	write_knob(armed_knob, "0");
	clear_all_that_follow();
	if (armed_knob != own_knob)
		close(armed_knob);
	of_copy = hit && copies_left() < copies;
	return hit;
}

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
	if (scene->child) {
		kill(scene->child, SIGKILL);
		assert_int_equal(waitpid(scene->child, NULL, 0), scene->child);
	}
	if (scene->made_fd >= 0)
		close(scene->made_fd);
	close(scene->exported);
	close(scene->invitation);
	close(scene->other);
	close(scene->fd);
}

int prepare_full(struct scene *scene)
{
	while (info_of(scene->fd).handles % 256)
		dup_of(scene->fd, scene->a);
	return 0;
}

/* All that a call which failed must have left as it was. */
struct picture {
	uint64_t count, mapped_count, objects, used, handles, types;
	uint32_t sessions;
	unsigned int fds, heaps;
	char names[64];
};

/* Bytes of the pool that somebody has: no chunk that is ready or will be. */
static uint64_t used_bytes(int fd)
{
	struct refslab_heap_info info = info_of(fd);
	long long before, after;
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/refslab/%s/pool/waiting", info.name);
	/* What waits becomes ready meanwhile, in the background. */
	do {
		before = storm_value(path, "");
		info = info_of(fd);
		after = storm_value(path, "");
	} while (before != after);
	assert_true(before >= 0);
	return info.bytes - info.cached - before;
}

static void look(const struct scene *scene, struct picture *picture)
{
	struct refslab_heap_info info = info_of(scene->fd);
	char name[REFSLAB_NAME_MAX] = "";

	memset(picture, 0, sizeof(*picture));
	picture->count = count_of(scene->fd, scene->a);
	picture->mapped_count = count_of(scene->fd, scene->mapped);
	/* with garbage about, which a call may sweep away */
	if (!scene->garbage) {
		picture->objects = info.objects;
		picture->used = used_bytes(scene->fd);
	}
	picture->handles = info.handles;
	picture->types = info.types;
	picture->sessions = info.sessions;
	picture->fds = open_fds();
	picture->heaps = storm_heaps();
	while (!refslab_root_next(scene->fd, name))
		strncat(picture->names, name,
			sizeof(picture->names) - strlen(picture->names) - 1);
}

static bool looks_like(const struct scene *scene, const struct picture *before,
		       struct picture *after)
{
	look(scene, after);
	return !memcmp(before, after, sizeof(*before));
}

/*
 * Some of what goes does so in the background. A call that failed is to leave what
 * was before, one that did without what it leaves without faults.
 */
static void compare(const struct scene *scene, const char *what, unsigned int n, int err,
		    const struct picture *before)
{
	struct picture now, *after = &now;

	if (eventually(looks_like(scene, before, after)))
		return;
#define tell(field) do {							\
	if (before->field != after->field)					\
		print_message("# " #field ": %llu, not %llu\n",		\
			      (unsigned long long)after->field,			\
			      (unsigned long long)before->field);		\
} while (0)
	tell(count);
	tell(mapped_count);
	tell(objects);
	tell(used);
	tell(handles);
	tell(types);
	tell(sessions);
	tell(fds);
	tell(heaps);
#undef tell
	if (strcmp(before->names, after->names))
		print_message("# names: %s, not %s\n", after->names, before->names);
	fail_msg("%s, fault %u: %s, and left something", what, n,
		 err ? strerror(-err) : "did without");
}

/* It goes on working: what is made is all there, and what a sweep is to find it finds. */
static void assert_usable(const struct scene *scene)
{
	uint64_t objects;

	/* waits for releases that are still to come */
	fails(ENOENT, refslab_type_destroy(scene->fd, UINT32_MAX));
	sweep(scene->fd, 2);
	objects = info_of(scene->fd).objects;
	drop(scene->fd, ring(scene->fd, scene->type, 2));
	assert_int_equal(info_of(scene->fd).objects, objects + 2);
	assert_int_equal(sweep(scene->fd, 2), 2);
	assert_objects(scene->fd, objects);
	storm_validate(scene->fd);
}

/*
 * What all calls fail with when the kernel has no memory or cannot copy: ERRORS
 * of refslab(4). EMFILE and ENFILE, which are there too, are no answer to that.
 */
static bool documented(const struct try *try, int err)
{
	size_t i;

	if (err == -ENOMEM || (err == -EFAULT && fault_of_copy()))
		return true;
	for (i = 0; i < ARRAY_SIZE(try->also); i++)
		if (try->also[i] && err == -try->also[i])
			return true;
	return false;
}

static void ready(const struct try *try, struct scene *scene, struct picture *picture)
{
	scene_begin(scene);
	if (try->prepare)
		works(try->prepare(scene));
	look(scene, picture);
}

/* When what goes in the background has gone. */
static void look_settled(const struct scene *scene, struct picture *picture)
{
	struct picture now;
	unsigned int i;

	for (i = 0; i < 500; i++) {
		look(scene, picture);
		sleep_ms(20);
		if (looks_like(scene, picture, &now))
			break;
	}
}

/* What the call leaves without faults. */
static void look_after(const struct try *try, struct picture *after)
{
	struct scene scene;

	ready(try, &scene, after);
	works(try->call(&scene));
	/* or it is not that which was to be tried */
	if (scene.garbage)
		assert_true(runs_of(scene.fd) > 0);
	look_settled(&scene, after);
	scene_end(&scene);
}

/*
 * So many faults, from the n-th on. Whether they came; what came of them is @err. It
 * looks like @before then, or like @after if it did without.
 */
static bool try_once(const struct try *try, struct scene *scene, const struct picture *before,
		     const struct picture *after, unsigned int n, unsigned int times, int *err)
{
	bool hit;

	fault_set(n, times, scene->worker);
	*err = try->call(scene);
	hit = fault_hit();
	if (*err) {
		if (!hit || !documented(try, *err))
			fail_msg("%s, fault %u: %s", try->name, n, strerror(-*err));
		compare(scene, try->name, n, *err, before);
	} else if (hit) {
		compare(scene, try->name, n, 0, after);
	}
	return hit;
}

/* It did without, perhaps because it asked again: with nothing but faults. */
static bool fails_at_last(const struct try *try, const struct picture *after, unsigned int n)
{
	struct picture before;
	struct scene scene;
	int err;

	ready(try, &scene, &before);
	try_once(try, &scene, &before, after, n, 1000, &err);
	if (err)
		works(try->call(&scene));
	assert_usable(&scene);
	scene_end(&scene);
	return err;
}

/* So many faults one after the other, @chain, are of one call tried again. */
static unsigned int try_round(const struct try *try, unsigned int chain,
			      unsigned int *all_failed, unsigned int *all_at_last)
{
	unsigned int n = 0, failed = 0, survived = 0, at_last = 0;
	struct picture before, after;
	struct scene scene;
	bool hit;
	int err;

	look_after(try, &after);
	do {
		ready(try, &scene, &before);
		/* What has failed has changed nothing. */
		do {
			hit = try_once(try, &scene, &before, &after, ++n, 1, &err);
			failed += !!err;
			assert_true(n < 2000);
		} while (err && n % chain);
		/* And would have worked. */
		if (err)
			works(try->call(&scene));
		assert_usable(&scene);
		scene_end(&scene);
		/* by the kernel's own injection it takes long */
		if (hit && !err && (of_module || try->at_last)) {
			survived++;
			at_last += fails_at_last(try, &after, n);
		}
	} while (hit);
	n--;
	print_message("# %s: %u faults, of which %u were its end", try->name, n, failed);
	if (survived)
		print_message("; of %u with all that follow, %u", survived, at_last);
	print_message("\n");
	*all_failed += failed;
	*all_at_last += at_last;
	return n + survived;
}

/*
 * What a call that failed has got and kept, it does not ask for again: then the
 * next in turn is passed over, as where a cache took a page on the way. If too
 * little was tried, each fault is of a call of its own.
 */
static unsigned int try_all(const struct try *try)
{
	unsigned int n = 0, failed = 0, at_last = 0, round;
	bool enough = false;

	for (round = 0; round < 4 && !enough; round++) {
		n += try_round(try, round ? 1 : 8, &failed, &at_last);
		enough = failed >= try->least && at_last >= try->at_last;
	}
	assert_true(enough);
	return n;
}

void faults_try(const struct try *tries, size_t count)
{
	unsigned int all = 0;
	size_t i;

	for (i = 0; i < count; i++)
		all += try_all(&tries[i]);
	/* io_uring may have a file for a moment when its answer is there */
	storm_wait_heaps(0);
	print_message("# %u faults\n", all);
}
