// SPDX-License-Identifier: GPL-2.0
/*
 * Faults beside the calls of the device: mapped payloads, events that are read,
 * a heap on offer, the files of sysfs and debugfs, and the loading of the module.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

#include "faults.h"
#include "module.h"
#include "storm.h"

/* --- mapped payloads --- */

enum { MAPPED = 3 * 4096 };

static int prepare_map(struct scene *scene)
{
	scene->made_fd = map_of(scene->fd, scene->mapped, 0, NULL);
	return scene->made_fd < 0 ? scene->made_fd : 0;
}

/* Undoing it can fail as well, and be done again. */
static void unmap(void *memory)
{
	while (munmap(memory, MAPPED))
		assert_int_equal(errno, ENOMEM);
}

/* All its pages; who has no memory for his tables tries again. */
static int try_mmap(struct scene *scene)
{
	char *memory = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED,
			    scene->made_fd, 0);
	size_t i;

	if (memory == MAP_FAILED)
		return -errno;
	for (i = 0; i < MAPPED; i += 4096)
		memory[i] = 'x';
	unmap(memory);
	return 0;
}

/* The kernel's own copy to memory that is not there yet, as read(2) into it does. */
static int try_copy_to_map(struct scene *scene)
{
	char *memory = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED,
			    scene->made_fd, 0);
	int err;

	if (memory == MAP_FAILED)
		return -errno;
	err = refslab_read(scene->fd, scene->a, 0, memory + 4096, PAYLOAD);
	unmap(memory);
	return err;
}

static int try_map_payload(struct scene *scene)
{
	struct refslab_mapping mapping;
	int err = refslab_map_payload(scene->fd, scene->mapped, 0, &mapping);

	if (err)
		return err;
	while ((err = refslab_unmap_payload(&mapping)))
		assert_int_equal(err, -ENOMEM);
	return 0;
}

/* --- events --- */

static int prepare_events(struct scene *scene)
{
	works(refslab_events(scene->fd, REFSLAB_EVENTS_SWEEPS, 16, -1));
	sweep(scene->fd, 2);
	return 0;
}

/* What cannot be copied is lost, and that is an event. */
static int try_event_wait(struct scene *scene)
{
	struct refslab_event events[4];
	int n = refslab_event_wait(scene->fd, events, ARRAY_SIZE(events), 1000);

	if (n < 0)
		return n;
	assert_true(n > 0);
	return 0;
}

/* --- a heap on offer --- */

#define OFFER	"/tmp/test-faults-offer"

static int prepare_no_offer(struct scene *scene)
{
	(void)scene;
	unlink(OFFER);
	return 0;
}

static int try_offer(struct scene *scene)
{
	scene->made_fd = refslab_offer(OFFER);
	return scene->made_fd < 0 ? scene->made_fd : 0;
}

static void serve_all(void *argument)
{
	const struct scene *scene = argument;
	struct pollfd asked = { .fd = scene->made_fd, .events = POLLIN };

	while (poll(&asked, 1, -1) == 1)
		refslab_offer_serve(scene->made_fd, scene->fd, 0, 0);
}

static int prepare_take(struct scene *scene)
{
	works(prepare_no_offer(scene));
	works(try_offer(scene));
	scene->child = storm_fork(serve_all, scene);
	return 0;
}

static int try_take(struct scene *scene)
{
	int fd = refslab_offer_take(OFFER);

	(void)scene;
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void take_one(void *argument)
{
	(void)argument;
	while (refslab_offer_take(OFFER) < 0)
		sleep_ms(1);
	pause();
}

static int prepare_serve(struct scene *scene)
{
	works(prepare_no_offer(scene));
	works(try_offer(scene));
	scene->child = storm_fork(take_one, scene);
	return 0;
}

/* Somebody has come, or comes again. */
static int try_serve(struct scene *scene)
{
	struct pollfd asked = { .fd = scene->made_fd, .events = POLLIN };
	int n = poll(&asked, 1, 10000);

	if (n < 0)
		return -errno;
	assert_int_equal(n, 1);
	return refslab_offer_serve(scene->made_fd, scene->fd, 0, 0);
}

/* --- files --- */

static int read_file(const char *path)
{
	static char text[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, text, sizeof(text))) > 0)
		;
	if (n < 0)
		err = -errno;
	close(fd);
	return err;
}

static const char *heap_name(const struct scene *scene)
{
	static char name[REFSLAB_NAME_MAX];

	memcpy(name, info_of(scene->fd).name, sizeof(name));
	return name;
}

static char heap_of_files[REFSLAB_NAME_MAX], sysfs_file[128];
static char debugfs_traces[128], debugfs_object[128], debugfs_check[128];

static int prepare_files(struct scene *scene)
{
	const char *name = heap_name(scene);

	snprintf(sysfs_file, sizeof(sysfs_file), "/sys/kernel/refslab/%s/pool/reserve", name);
	snprintf(heap_of_files, sizeof(heap_of_files), "%s", name);
	snprintf(debugfs_traces, sizeof(debugfs_traces),
		 "/sys/kernel/debug/refslab/heaps/%s/alloc_traces", name);
	snprintf(debugfs_object, sizeof(debugfs_object),
		 "/sys/kernel/debug/refslab/heaps/%s/object", name);
	snprintf(debugfs_check, sizeof(debugfs_check),
		 "/sys/kernel/debug/refslab/heaps/%s/validate", name);
	return 0;
}

static int try_sysfs_read(struct scene *scene)
{
	(void)scene;
	return read_file(sysfs_file);
}

/* Each that can be written, with what is there, or what does something. */
#define TRY_SYSFS(name, file, text)						\
static int try_sysfs_##name(struct scene *scene)				\
{										\
	char path[128];								\
										\
	snprintf(path, sizeof(path), "/sys/kernel/refslab/%s/" file, heap_of_files); \
	(void)scene;								\
	return storm_write(path, text);						\
}

TRY_SYSFS(reserve, "pool/reserve", "1048576")
TRY_SYSFS(low, "pool/low", "65536")
TRY_SYSFS(high, "pool/high", "1048576")
TRY_SYSFS(limit, "pool/limit", "8388608")
TRY_SYSFS(threshold0, "threshold0", "500")
TRY_SYSFS(threshold1, "threshold1", "5")
TRY_SYSFS(threshold2, "threshold2", "5")
TRY_SYSFS(enabled, "enabled", "0")
TRY_SYSFS(collect, "collect", "2")
TRY_SYSFS(frozen, "frozen", "0")
TRY_SYSFS(quarantine, "quarantine", "0")
TRY_SYSFS(quarantined, "quarantined", "0")
TRY_SYSFS(log_sweeps, "log_sweeps", "0")
#undef TRY_SYSFS

static char type_file[160];

static int prepare_type_file(struct scene *scene, const char *file)
{
	struct refslab_type_info info;

	works(refslab_type_info(scene->fd, scene->type, &info));
	snprintf(type_file, sizeof(type_file), "/sys/kernel/refslab/%s/types/%s/%s",
		 heap_name(scene), info.name, file);
	return 0;
}

static int prepare_magazine(struct scene *scene)
{
	return prepare_type_file(scene, "magazine_size");
}

static int try_magazine(struct scene *scene)
{
	(void)scene;
	return storm_write(type_file, "16");
}

static int prepare_shrink(struct scene *scene)
{
	return prepare_type_file(scene, "shrink");
}

static int try_shrink(struct scene *scene)
{
	(void)scene;
	return storm_write(type_file, "1");
}

#define DEBUG	"/sys/module/refslab/parameters/debug"

static int prepare_debug(struct scene *scene)
{
	(void)scene;
	return storm_write(DEBUG, "");
}

/* For a heap that is not there. */
static int try_debug(struct scene *scene)
{
	(void)scene;
	return storm_write(DEBUG, "U,nowhere/*;P,nowhere/a");
}

static int try_debugfs_types(struct scene *scene)
{
	(void)scene;
	return read_file("/sys/kernel/debug/refslab/types");
}

static int try_debugfs_traces(struct scene *scene)
{
	(void)scene;
	return read_file(debugfs_traces);
}

/* Owner traces are on, so that there is something to show. */
static int prepare_traces(struct scene *scene)
{
	works(prepare_files(scene));
	works(storm_write(DEBUG, "U"));
	scene->made_type = type(scene->fd, 1, 8);
	works(storm_write(DEBUG, ""));
	drop(scene->fd, ring(scene->fd, scene->made_type, 10));
	return 0;
}

static int prepare_owned(struct scene *scene)
{
	works(storm_write(DEBUG, "U"));
	scene->made_type = type(scene->fd, 1, 8);
	return storm_write(DEBUG, "");
}

static int try_alloc(struct scene *scene)
{
	return refslab_alloc(scene->fd, scene->made_type, &scene->made);
}

static int try_debugfs_object(struct scene *scene)
{
	struct refslab_object_info info;
	char text[16];
	int err = refslab_object_info(scene->fd, scene->a, &info);

	if (err)
		return err;
	snprintf(text, sizeof(text), "%u", info.object);
	return storm_write(debugfs_object, text) ?: read_file(debugfs_object);
}

static int try_debugfs_validate(struct scene *scene)
{
	(void)scene;
	return storm_write(debugfs_check, "1");
}

static const struct try others[] = {
	{ "mmap", prepare_map, try_mmap, 2, 0, {} },
	{ "READ into a mapping", prepare_map, try_copy_to_map, 2, 0, { EFAULT } },
	{ "refslab_map_payload", NULL, try_map_payload, 4, 0, {} },
	{ "events read", prepare_events, try_event_wait, 0, 0, {} },
	/* socket(2), bind(2), listen(2), accept(2), sendmsg(2), recvmsg(2) */
	{ "refslab_offer", prepare_no_offer, try_offer, 6, 0, { ENFILE, ENOBUFS, ENOSPC } },
	{ "refslab_offer_take", prepare_take, try_take, 5, 0, { ENFILE, ENOBUFS, EBADMSG } },
	{ "refslab_offer_serve", prepare_serve, try_serve, 5, 0, { ENFILE, ENOBUFS } },
	{ "ALLOC with owner traces", prepare_owned, try_alloc, 0, 1, {} },
	{ "sysfs, read", prepare_files, try_sysfs_read, 3, 0, {} },
	{ "sysfs, a reserve", prepare_files, try_sysfs_reserve, 8, 0, {} },
	{ "sysfs, low", prepare_files, try_sysfs_low, 3, 0, {} },
	{ "sysfs, high", prepare_files, try_sysfs_high, 3, 0, {} },
	{ "sysfs, limit", prepare_files, try_sysfs_limit, 3, 0, {} },
	{ "sysfs, threshold0", prepare_files, try_sysfs_threshold0, 3, 0, {} },
	{ "sysfs, threshold1", prepare_files, try_sysfs_threshold1, 3, 0, {} },
	{ "sysfs, threshold2", prepare_files, try_sysfs_threshold2, 3, 0, {} },
	{ "sysfs, enabled", prepare_files, try_sysfs_enabled, 3, 0, {} },
	{ "sysfs, collect", prepare_files, try_sysfs_collect, 3, 0, {} },
	{ "sysfs, frozen", prepare_files, try_sysfs_frozen, 3, 0, {} },
	{ "sysfs, quarantine", prepare_files, try_sysfs_quarantine, 3, 0, {} },
	{ "sysfs, quarantined", prepare_files, try_sysfs_quarantined, 3, 0, {} },
	{ "sysfs, log_sweeps", prepare_files, try_sysfs_log_sweeps, 3, 0, {} },
	{ "sysfs, magazine_size", prepare_magazine, try_magazine, 3, 0, {} },
	{ "sysfs, shrink", prepare_shrink, try_shrink, 3, 0, {} },
	{ "the parameter debug", prepare_debug, try_debug, 3, 0, {} },
	{ "debugfs, types", prepare_files, try_debugfs_types, 3, 0, {} },
	{ "debugfs, alloc_traces", prepare_traces, try_debugfs_traces, 8, 4, {} },
	{ "debugfs, object", prepare_files, try_debugfs_object, 6, 0, {} },
	{ "debugfs, validate", prepare_files, try_debugfs_validate, 3, 0, {} },
};

static void test_others(void **state)
{
	(void)state;
	faults_try(others, ARRAY_SIZE(others));
	unlink(OFFER);
	works(storm_write(DEBUG, ""));
}

/* --- loading --- */

static void must_be_gone(const char *path, unsigned int n)
{
	if (!access(path, F_OK))
		fail_msg("loading, fault %u: it failed and left %s", n, path);
}

/* Whether it is told of processors that go. */
static bool has_cpu_state(void)
{
	char line[128];
	bool found = false;
	FILE *file = fopen("/sys/devices/system/cpu/hotplug/states", "re");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		found |= strstr(line, "refslab") != NULL;
	fclose(file);
	return found;
}

/*
 * The module is loaded, or nothing of it is there. What fails is its own: the
 * kernel's loader is not up to that everywhere, and says so in its log.
 */
static void test_load(void **state)
{
	unsigned int n, failed = 0;
	bool hit = true;
	int err;

	(void)state;
	if (!module_file())
		fail_msg("there is no refslab.ko to load");
	for (n = 1; hit; n++) {
		assert_true(eventually(!module_unload()));
		fault_set_init(n);
		err = module_load();
		hit = fault_hit();
		if (err) {
			failed++;
			if (!hit || err != -ENOMEM)
				fail_msg("loading, fault %u: %s", n, strerror(-err));
			must_be_gone("/sys/kernel/refslab", n);
			must_be_gone("/sys/module/refslab", n);
			must_be_gone("/sys/kernel/debug/refslab", n);
			must_be_gone("/sys/class/misc/refslab", n);
			must_be_gone(REFSLAB_DEVICE, n);
			if (has_cpu_state())
				fail_msg("loading, fault %u: it failed and minds processors", n);
			works(module_load());
		}
		assert_true(has_cpu_state());
		/* it works, whatever it did without */
		assert_true(eventually(!access(REFSLAB_DEVICE, R_OK)));
		if (n % 16 == 0 || !hit) {
			int fd = session_with_heap(0);

			drop(fd, ring(fd, type(fd, 1, 8), 3));
			assert_int_equal(sweep(fd, 2), 3);
			close(fd);
		}
	}
	print_message("# loading: %u of %u faults were its end\n", failed, n - 2);
	assert_true(failed > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		faults_test(test_others),
		faults_test(test_load),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("test_faults_other", tests, faults_setup,
					   faults_teardown);
}
