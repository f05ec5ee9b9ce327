// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/refslab: what is there, what it says, what it takes, when it goes. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "client.h"

#define ROOT "/sys/kernel/refslab"
#define DEBUG "/sys/kernel/debug/refslab"

static const char *const heap_read_write[] = {
	"threshold0", "threshold1", "threshold2", "enabled", "frozen",
	"quarantine", "quarantined", "log_sweeps",
	"pool/limit", "pool/reserve", "pool/low", "pool/high",
};

static const char *const heap_read_only[] = {
	"count0", "count1", "count2", "objects", "broken", "pool/chunk_bytes",
	"pool/bytes", "pool/cached", "pool/waiting", "pool/shrunk",
};

static const char *const generation_read_only[] = {
	"runs", "candidates", "examined", "freed", "unfreed", "aborts", "time_ns",
	"longest_ns",
};

static const char *const type_read_only[] = {
	"object_size", "slab_size", "align", "slots", "order", "objs_per_slab",
	"slabs", "partial", "objects", "total_objects", "alloc_slowpath",
	"alloc_refill", "alloc_busy", "alloc_slab", "free_slowpath",
	"free_flush", "free_busy", "free_slab",
};

/* The path of a file of the client's heap. */
static const char *path_of(int fd, const char *file)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s/%s", ROOT, info_of(fd).name, file);
	return path;
}

static int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t length;
	int err;

	if (fd < 0)
		return -errno;
	length = read(fd, text, size - 1);
	err = length < 0 ? -errno : 0;
	close(fd);
	if (!err)
		text[length] = '\0';
	return err;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = -errno;
	close(fd);
	return err;
}

/* One number and a newline, nothing else. */
static long long value_of(int fd, const char *file)
{
	char text[128], again[128];
	long long value;
	int err = read_text(path_of(fd, file), text, sizeof(text));

	if (err)
		fail_msg("%s: %s", file, strerror(-err));
	value = strtoll(text, NULL, 10);
	snprintf(again, sizeof(again), "%lld\n", value);
	assert_string_equal(text, again);
	return value;
}

static void put_value(int fd, const char *file, long long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld\n", value);
	works(write_text(path_of(fd, file), text));
}

static unsigned int mode_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		fail_msg("%s: %s", path, strerror(errno));
	return st.st_mode & 07777;
}

static unsigned int entries_of(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned int n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void test_version(void **state)
{
	char text[128];

	(void)state;
	works(read_text(ROOT "/version", text, sizeof(text)));
	assert_true(text[0] >= '0' && text[0] <= '9');
	assert_int_equal(mode_of(ROOT "/version"), 0444);
}

static void test_all_there(void **state)
{
	struct client *client = *state;
	struct refslab_type_info type;
	char file[256];
	size_t i;
	int gen;

	for (i = 0; i < ARRAY_SIZE(heap_read_write); i++) {
		value_of(client->fd, heap_read_write[i]);
		/* two of them walk the heap to be read */
		assert_int_equal(mode_of(path_of(client->fd, heap_read_write[i])),
				 !strcmp(heap_read_write[i], "frozen") ||
				 !strcmp(heap_read_write[i], "quarantined") ? 0600 : 0644);
	}
	for (i = 0; i < ARRAY_SIZE(heap_read_only); i++) {
		value_of(client->fd, heap_read_only[i]);
		assert_int_equal(mode_of(path_of(client->fd, heap_read_only[i])), 0444);
	}
	for (gen = 0; gen < REFSLAB_GENERATIONS; gen++) {
		for (i = 0; i < ARRAY_SIZE(generation_read_only); i++) {
			snprintf(file, sizeof(file), "generation%d/%s", gen,
				 generation_read_only[i]);
			assert_int_equal(value_of(client->fd, file), 0);
			assert_int_equal(mode_of(path_of(client->fd, file)), 0444);
		}
	}
	assert_int_equal(mode_of(path_of(client->fd, "collect")), 0200);
	works(refslab_type_info(client->fd, client->two, &type));
	for (i = 0; i < ARRAY_SIZE(type_read_only); i++) {
		snprintf(file, sizeof(file), "types/%s/%s", type.name,
			 type_read_only[i]);
		value_of(client->fd, file);
		assert_int_equal(mode_of(path_of(client->fd, file)), 0400);
	}
	snprintf(file, sizeof(file), "types/%s/shrink", type.name);
	assert_int_equal(mode_of(path_of(client->fd, file)), 0200);
	assert_int_equal(entries_of(path_of(client->fd, "types")), 5);
}

/* For root alone. */
static void test_debugfs(void **state)
{
	static const struct {
		const char *file;
		unsigned int mode;
	} files[] = { { "object", 0600 }, { "alloc_traces", 0400 }, { "validate", 0200 } };
	struct client *client = *state;
	char path[512];
	size_t i;

	assert_int_equal(mode_of(DEBUG "/types"), 0400);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/heaps/%s/%s", DEBUG, info_of(client->fd).name,
			 files[i].file);
		assert_int_equal(mode_of(path), files[i].mode);
	}
}

/* Both windows show the same. */
static void test_agrees(void **state)
{
	struct client *client = *state;
	struct refslab_heap_info info;
	struct refslab_stats stats;
	int64_t count[REFSLAB_GENERATIONS];

	make(client->fd, client->two);
	drop(client->fd, ring(client->fd, client->one, 30));
	works(refslab_counts(client->fd, count));
	assert_int_equal(value_of(client->fd, "count0"), 31);
	assert_int_equal(count[0], 31);
	info = info_of(client->fd);
	assert_int_equal(value_of(client->fd, "objects"), 31);
	assert_int_equal(value_of(client->fd, "pool/chunk_bytes"), info.chunk_bytes);
	assert_int_equal(value_of(client->fd, "pool/limit"), info.limit);
	assert_int_equal(value_of(client->fd, "pool/reserve"), info.reserve);
	assert_int_equal(value_of(client->fd, "pool/low"), info.low);
	assert_int_equal(value_of(client->fd, "pool/high"), info.high);
	assert_int_equal(value_of(client->fd, "pool/bytes"), info.bytes);
	assert_int_equal(sweep(client->fd, 1), 30);
	stats = stats_of(client->fd, 1);
	assert_int_equal(value_of(client->fd, "generation1/runs"), 1);
	assert_int_equal(value_of(client->fd, "generation1/examined"), stats.examined);
	assert_int_equal(value_of(client->fd, "generation1/freed"), 30);
	assert_int_equal(value_of(client->fd, "generation1/unfreed"), 0);
	assert_int_equal(value_of(client->fd, "generation1/time_ns"), stats.time_ns);
	assert_int_equal(value_of(client->fd, "generation1/longest_ns"), stats.longest_ns);
	assert_int_equal(value_of(client->fd, "generation0/runs"), 0);
	assert_int_equal(value_of(client->fd, "generation2/runs"), 0);
	assert_int_equal(value_of(client->fd, "count0"), 0);
	assert_int_equal(value_of(client->fd, "count2"), 1);
}

static void test_types(void **state)
{
	struct client *client = *state;
	struct refslab_type_info info;
	char file[256];
	uint64_t a;
	int i;

#define TYPE_VALUE(name) (snprintf(file, sizeof(file), "types/some/%s", name), \
			  value_of(client->fd, file))
	works(refslab_type_create(client->fd, "some", 3, 40, 64, &info.type));
	a = make(client->fd, info.type);
	for (i = 0; i < 99; i++)
		make(client->fd, info.type);
	works(refslab_type_info(client->fd, info.type, &info));
	assert_int_equal(TYPE_VALUE("slots"), 3);
	assert_int_equal(TYPE_VALUE("objects"), 100);
	assert_int_equal(TYPE_VALUE("objs_per_slab"), info.slab_objects);
	assert_int_equal(TYPE_VALUE("slabs"), info.slabs);
	assert_int_equal(TYPE_VALUE("total_objects"), info.slabs * info.slab_objects);
	assert_int_equal(TYPE_VALUE("slab_size"), info.object_size);
	assert_true(TYPE_VALUE("object_size") <= info.object_size);
	assert_true(TYPE_VALUE("object_size") >= 3 * 8 + 40);
	/* what half a magazine at a time is good for */
	assert_true(TYPE_VALUE("alloc_slowpath") >= 1);
	assert_true(TYPE_VALUE("alloc_slowpath") <= 100 / 8);
	assert_true(TYPE_VALUE("alloc_refill") >= 1);
	assert_int_equal(TYPE_VALUE("alloc_slab"), info.slabs);
	assert_int_equal(TYPE_VALUE("free_slowpath"), 0);
	assert_true(TYPE_VALUE("magazine_size") > 0);
	assert_int_equal(mode_of(path_of(client->fd, file)), 0644);
	works(write_text(path_of(client->fd, file), "2\n"));
	assert_int_equal(TYPE_VALUE("magazine_size"), 2);
	fails(EINVAL, write_text(path_of(client->fd, file), "1\n"));
	fails(EINVAL, write_text(path_of(client->fd, file), "257\n"));
	fails(EINVAL, write_text(path_of(client->fd, file), "4294967298\n"));
	assert_int_equal(TYPE_VALUE("magazine_size"), 2);
	assert_int_equal(4096ll << TYPE_VALUE("order"), info_of(client->fd).chunk_bytes);
	drop(client->fd, a);
	assert_int_equal(TYPE_VALUE("objects"), 99);
	/* Shrinking takes nothing that lives. */
	snprintf(file, sizeof(file), "types/some/shrink");
	works(write_text(path_of(client->fd, file), "1\n"));
	fails(EINVAL, write_text(path_of(client->fd, file), "0\n"));
	fails(EINVAL, write_text(path_of(client->fd, file), "x\n"));
	assert_int_equal(TYPE_VALUE("objects"), 99);
	/* A type that goes, goes here too. */
	works(refslab_type_create(client->fd, "none", 1, 8, 0, &info.type));
	assert_int_equal(access(path_of(client->fd, "types/none/slots"), F_OK), 0);
	works(refslab_type_destroy(client->fd, info.type));
	assert_int_equal(access(path_of(client->fd, "types/none"), F_OK), -1);
}

/* Empty slabs go when they are asked to. */
static void test_shrink(void **state)
{
	struct client *client = *state;
	uint64_t handle[2000];
	uint32_t some;
	size_t i;

	works(refslab_type_create(client->fd, "some", 1, 200, 0, &some));
	for (i = 0; i < ARRAY_SIZE(handle); i++)
		handle[i] = make(client->fd, some);
	for (i = 0; i < ARRAY_SIZE(handle); i++)
		drop(client->fd, handle[i]);
	works(write_text(path_of(client->fd, "types/some/shrink"), "1"));
	assert_int_equal(value_of(client->fd, "types/some/slabs"), 0);
	assert_int_equal(value_of(client->fd, "types/some/total_objects"), 0);
	assert_int_equal(value_of(client->fd, "types/some/partial"), 0);
}

static void test_write(void **state)
{
	uint32_t threshold[REFSLAB_GENERATIONS], enabled;
	struct client *client = *state;
	long long chunk = value_of(client->fd, "pool/chunk_bytes");

	put_value(client->fd, "threshold0", 123);
	put_value(client->fd, "threshold1", 45);
	put_value(client->fd, "threshold2", 6);
	works(refslab_thresholds_get(client->fd, threshold));
	assert_int_equal(threshold[0], 123);
	assert_int_equal(threshold[1], 45);
	assert_int_equal(threshold[2], 6);
	assert_int_equal(value_of(client->fd, "threshold1"), 45);
	put_value(client->fd, "enabled", 1);
	works(refslab_enable_get(client->fd, &enabled));
	assert_int_equal(enabled, 1);
	put_value(client->fd, "enabled", 0);
	works(refslab_enable_get(client->fd, &enabled));
	assert_int_equal(enabled, 0);
	put_value(client->fd, "pool/limit", 64 * chunk + 1);
	assert_int_equal(info_of(client->fd).limit, 65 * chunk);
	put_value(client->fd, "pool/high", 7 * chunk);
	put_value(client->fd, "pool/low", 3 * chunk);
	put_value(client->fd, "pool/reserve", 2 * chunk);
	assert_int_equal(value_of(client->fd, "pool/high"), 7 * chunk);
	assert_int_equal(value_of(client->fd, "pool/low"), 3 * chunk);
	assert_int_equal(value_of(client->fd, "pool/reserve"), 2 * chunk);
	/* Without its newline, as printf(1) has it. */
	works(write_text(path_of(client->fd, "threshold0"), "9"));
	assert_int_equal(value_of(client->fd, "threshold0"), 9);
}

static void test_bad_values(void **state)
{
	static const char *const bad[] = {
		"", "\n", " ", "-1\n", "x\n", "1x\n", "1 2\n", "0x10\n", "1.5\n",
		"99999999999999999999\n", "+\n", "1\n2\n", "on\n", "--\n",
	};
	struct client *client = *state;
	long long before;
	size_t i, j;
	int err;

	for (i = 0; i < ARRAY_SIZE(heap_read_write); i++) {
		before = value_of(client->fd, heap_read_write[i]);
		/* An empty write(2) does not reach the file. */
		for (j = 1; j < ARRAY_SIZE(bad); j++) {
			err = write_text(path_of(client->fd, heap_read_write[i]), bad[j]);
			if (err != -EINVAL)
				fail_msg("%s took '%s': %d", heap_read_write[i],
					 bad[j], err);
			assert_int_equal(value_of(client->fd, heap_read_write[i]), before);
		}
	}
	fails(EINVAL, write_text(path_of(client->fd, "enabled"), "2\n"));
	fails(EINVAL, write_text(path_of(client->fd, "frozen"), "2\n"));
	fails(EINVAL, write_text(path_of(client->fd, "quarantine"), "2\n"));
	fails(EINVAL, write_text(path_of(client->fd, "quarantined"), "1\n"));
	fails(EINVAL, write_text(path_of(client->fd, "log_sweeps"), "2\n"));
	fails(EINVAL, write_text(path_of(client->fd, "threshold0"), "4294967296\n"));
	fails(EINVAL, write_text(path_of(client->fd, "threshold0"), "4294967295\n"));
	fails(EINVAL, write_text(path_of(client->fd, "pool/limit"), "0\n"));
	fails(EINVAL, write_text(path_of(client->fd, "pool/limit"), "18446744073709551615\n"));
	fails(EINVAL, write_text(path_of(client->fd, "pool/reserve"), "18446744073709551615\n"));
	fails(EINVAL, write_text(path_of(client->fd, "pool/low"), "18446744073709551615\n"));
	fails(EINVAL, write_text(path_of(client->fd, "pool/low"), "18446744073709551615\n"));
	fails(EINVAL, write_text(path_of(client->fd, "collect"), "3\n"));
	fails(EINVAL, write_text(path_of(client->fd, "collect"), "-1\n"));
	fails(EINVAL, write_text(path_of(client->fd, "collect"), "x\n"));
	assert_int_equal(runs_of(client->fd), 0);
	/* low above high */
	put_value(client->fd, "pool/high", 1 << 20);
	put_value(client->fd, "pool/low", 1 << 20);
	fails(EINVAL, write_text(path_of(client->fd, "pool/high"), "1\n"));
	assert_int_equal(value_of(client->fd, "pool/high"), 1 << 20);
}

static void test_collect(void **state)
{
	struct client *client = *state;
	int gen;

	for (gen = 0; gen < REFSLAB_GENERATIONS; gen++) {
		char file[32];

		drop(client->fd, ring(client->fd, client->one, 10));
		put_value(client->fd, "collect", gen);
		assert_objects(client->fd, 0);
		snprintf(file, sizeof(file), "generation%d/freed", gen);
		assert_int_equal(value_of(client->fd, file), 10);
		snprintf(file, sizeof(file), "generation%d/runs", gen);
		assert_int_equal(value_of(client->fd, file), 1);
	}
}

/* A threshold that is written to a file is what the heap goes by. */
static void test_frozen(void **state)
{
	struct client *client = *state;
	uint64_t objects = 0;

	drop(client->fd, ring(client->fd, client->two, 3));
	make(client->fd, client->leaf);
	assert_int_equal(value_of(client->fd, "frozen"), 0);
	put_value(client->fd, "frozen", 1);
	assert_int_equal(value_of(client->fd, "frozen"), 3);
	works(refslab_freeze_count(client->fd, &objects));
	assert_int_equal(objects, 3);
	put_value(client->fd, "collect", 2);
	assert_objects(client->fd, 4);
	put_value(client->fd, "frozen", 0);
	assert_int_equal(value_of(client->fd, "frozen"), 0);
	put_value(client->fd, "collect", 2);
	assert_objects(client->fd, 1);
}

static void test_quarantine(void **state)
{
	struct client *client = *state;

	put_value(client->fd, "quarantine", 1);
	assert_int_equal(value_of(client->fd, "quarantine"), 1);
	drop(client->fd, ring(client->fd, client->two, 3));
	put_value(client->fd, "collect", 2);
	assert_int_equal(value_of(client->fd, "quarantined"), 3);
	assert_int_equal(value_of(client->fd, "frozen"), 0);
	assert_int_equal(value_of(client->fd, "objects"), 3);
	put_value(client->fd, "quarantine", 0);
	put_value(client->fd, "quarantined", 0);
	assert_int_equal(value_of(client->fd, "quarantined"), 0);
	put_value(client->fd, "collect", 2);
	assert_objects(client->fd, 0);
}

static void test_threshold_works(void **state)
{
	struct client *client = *state;
	int i;

	put_value(client->fd, "threshold0", 0);
	put_value(client->fd, "enabled", 1);
	for (i = 0; i < 1000; i++)
		drop(client->fd, ring(client->fd, client->one, 2));
	sleep_ms(300);
	assert_int_equal(value_of(client->fd, "generation0/runs"), 0);
	put_value(client->fd, "threshold0", 20);
	for (i = 0; i < 1000; i++)
		drop(client->fd, ring(client->fd, client->one, 2));
	assert_true(eventually(value_of(client->fd, "generation0/runs") > 0));
}

static void test_gone_with_heap(void **state)
{
	struct client *client = *state;
	char directory[256], text[64];
	int file;

	snprintf(directory, sizeof(directory), "%s/%s", ROOT, info_of(client->fd).name);
	file = open(path_of(client->fd, "objects"), O_RDONLY);
	assert_true(file >= 0);
	assert_true(read(file, text, sizeof(text)) > 0);
	close(client->fd);
	assert_true(eventually(access(directory, F_OK) == -1));
	/* Whoever has a file open does not hold the heap, nor reads its memory. */
	assert_int_equal(pread(file, text, sizeof(text), 0), -1);
	assert_int_equal(errno, ENODEV);
	close(file);
	client->fd = session();
}

/* A heap cannot hide what is there, nor sit in its place. */
static void test_reserved_name(void **state)
{
	char text[64];
	int fd = session();

	(void)state;
	fails(EEXIST, refslab_heap_create(fd, "version", 0));
	works(read_text(ROOT "/version", text, sizeof(text)));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),
		client_test(test_all_there),
		client_test(test_debugfs),
		client_test(test_agrees),
		client_test(test_types),
		client_test(test_shrink),
		client_test(test_write),
		client_test(test_bad_values),
		client_test(test_collect),
		client_test(test_frozen),
		client_test(test_quarantine),
		client_test(test_threshold_works),
		client_test(test_gone_with_heap),
		cmocka_unit_test(test_reserved_name),
	};

	return run_as_tap(tests);
}
