// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation and each copy that a call makes fails once: then the call
 * fails and nothing of it is left, or it did without. Needs a kernel with fault
 * injection, as the debug guest's is.
 */
#include <fcntl.h>

#include "sharing.h"

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
	uint32_t type, mapped_type;
	uint64_t a, mapped, made;
	int made_fd;
};

static void scene_begin(struct scene *scene)
{
	*scene = (struct scene){ .fd = session_with_heap(0), .made_fd = -1 };
	scene->type = type(scene->fd, 2, PAYLOAD);
	scene->a = make(scene->fd, scene->type);
	scene->mapped_type = mapped_type(scene->fd, 1, 3 * 4096);
	scene->mapped = make(scene->fd, scene->mapped_type);
	works(root_set(scene->fd, "old", scene->a, 0));
	scene->invitation = invite(scene->fd, 0, 1 << 20);
	scene->exported = export_of(scene->fd, scene->a, 0);
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
	unsigned int fds;
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
	while (!root_next(scene->fd, name))
		strncat(picture->names, name,
			sizeof(picture->names) - strlen(picture->names) - 1);
}

static int try_invite(struct scene *scene)
{
	scene->made_fd = invite(scene->fd, REFSLAB_READ_ONLY, 0);
	return scene->made_fd < 0 ? scene->made_fd : 0;
}

static int try_join(struct scene *scene)
{
	return join(scene->other, scene->invitation);
}

static int try_export(struct scene *scene)
{
	scene->made_fd = export_of(scene->fd, scene->a, 0);
	return scene->made_fd < 0 ? scene->made_fd : 0;
}

static int try_import(struct scene *scene)
{
	return import(scene->fd, scene->exported, &scene->made);
}

static int try_root_set(struct scene *scene)
{
	return root_set(scene->fd, "new", scene->a, 0);
}

static int try_root_get(struct scene *scene)
{
	return root_get(scene->fd, "old", &scene->made);
}

/* A session with a limit, whose first object makes its account's pages. */
static int try_alloc_counted(struct scene *scene)
{
	return device_alloc(scene->other, scene->type, &scene->made);
}

static int try_map(struct scene *scene)
{
	scene->made_fd = map_of(scene->fd, scene->mapped, 0, NULL);
	return scene->made_fd < 0 ? scene->made_fd : 0;
}

static int try_alloc_mapped(struct scene *scene)
{
	return device_alloc(scene->fd, scene->mapped_type, &scene->made);
}

static int prepare_join(struct scene *scene)
{
	return join(scene->other, scene->invitation);
}

/* The next handle is the first of a page of them. */
static int prepare_full(struct scene *scene)
{
	while (info_of(scene->fd).handles % 256)
		dup_of(scene->fd, scene->a);
	return 0;
}

static const struct {
	const char *name;
	int (*prepare)(struct scene *scene);
	int (*call)(struct scene *scene);
	unsigned int least;	/* things that must have failed */
} tries[] = {
	{ "INVITE", NULL, try_invite, 2 },
	/* What it allocates can be had in two ways. */
	{ "JOIN", NULL, try_join, 0 },
	{ "EXPORT", NULL, try_export, 2 },
	{ "IMPORT", prepare_full, try_import, 1 },
	{ "ROOT_SET", NULL, try_root_set, 1 },
	{ "ROOT_GET", prepare_full, try_root_get, 1 },
	{ "MAP", NULL, try_map, 2 },
	{ "ALLOC, mapped", NULL, try_alloc_mapped, 3 },
	{ "ALLOC, counted", prepare_join, try_alloc_counted, 1 },
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
			assert_true(n < 200);
		}
		print_message("# %s: %u of %u faults were its end\n", tries[i].name,
			      failed, n - 1);
		assert_true(failed >= tries[i].least);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("test_faults", tests, group_setup, NULL);
}
