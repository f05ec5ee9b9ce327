// SPDX-License-Identifier: GPL-2.0
/*
 * What goes on around the programs: an administrator who writes to sysfs and
 * reads debugfs, processors that come and go, memory that is asked back.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define SYSFS	"/sys/kernel/refslab"
#define DEBUGFS	"/sys/kernel/debug/refslab"

enum value_kind { NUMBER_SMALL, NUMBER_BOOL, NUMBER_BYTES, NUMBER_MOSTLY_ZERO };

static const struct {
	const char *name;
	enum value_kind kind;
} heap_files[] = {
	{ "threshold0", NUMBER_SMALL },
	{ "threshold1", NUMBER_SMALL },
	{ "threshold2", NUMBER_SMALL },
	{ "enabled", NUMBER_BOOL },
	{ "collect", NUMBER_BOOL },
	{ "frozen", NUMBER_BOOL },
	{ "quarantine", NUMBER_MOSTLY_ZERO },
	{ "quarantined", NUMBER_MOSTLY_ZERO },
	{ "log_sweeps", NUMBER_MOSTLY_ZERO },
	{ "pool/limit", NUMBER_BYTES },
	{ "pool/reserve", NUMBER_BYTES },
	{ "pool/low", NUMBER_BYTES },
	{ "pool/high", NUMBER_BYTES },
};

static struct random random;
static struct counts *counts;

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

/* All of it, as far as there is room. */
static int read_fd(int fd, char *text, size_t bytes)
{
	size_t all = 0;
	ssize_t n = 1;

	while (n > 0 && all < bytes - 1) {
		n = pread(fd, text + all, bytes - 1 - all, all);
		all += n > 0 ? n : 0;
	}
	text[all] = 0;
	return n < 0 ? errno : 0;
}

static int read_file(const char *path, char *text, size_t bytes)
{
	int fd = open(path, O_RDONLY), err;

	if (fd < 0)
		return errno;
	err = read_fd(fd, text, bytes);
	close(fd);
	return err;
}

/* Nor does what only root may read tell where the kernel has its things. */
static int look_at_file(const char *path)
{
	static char text[1 << 16];
	int err = read_file(path, text, sizeof(text));

	oracle_text(path, err ? "" : text);
	return err;
}

/* What is in a directory of that kind; false if nothing is. Names of ours are short. */
static bool some_entry(const char *path, unsigned char type, char name[64])
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	unsigned int n = 0;

	if (!directory)
		return false;
	while ((entry = readdir(directory)))
		if (entry->d_type == type && entry->d_name[0] != '.' && one_in(&random, ++n))
			snprintf(name, 64, "%.63s", entry->d_name);
	closedir(directory);
	return n;
}

static bool some_directory(const char *path, char name[64])
{
	return some_entry(path, DT_DIR, name);
}

static void some_text(char *text, size_t bytes, enum value_kind kind)
{
	static const char * const wrongs[] = {
		"", "\n", "-1", "x", "0x10", " 1", "1 2", "18446744073709551615",
		"18446744073709551616", "4294967296", "2147483648", "99999999999999999999999",
	};
	uint64_t value;

	if (one_in(&random, 8)) {
		snprintf(text, bytes, "%s", wrongs[random_below(&random, ARRAY_SIZE(wrongs))]);
		return;
	}
	switch (kind) {
	case NUMBER_SMALL:
		value = random_below(&random, 1u << random_below(&random, 11));
		break;
	case NUMBER_BOOL:
		value = random_below(&random, 3);
		break;
	case NUMBER_BYTES:
		value = (uint64_t)random_below(&random, one_in(&random, 8) ? 8 : 512) << 15;
		break;
	default:
		value = one_in(&random, 8);
		break;
	}
	snprintf(text, bytes, "%lu\n", value);
}

static void write_sysfs(void)
{
	unsigned int i = random_below(&random, ARRAY_SIZE(heap_files));
	char heap[64], type[64], path[512], text[64];

	if (!some_directory(SYSFS, heap))
		return;
	if (one_in(&random, 4)) {
		snprintf(path, sizeof(path), SYSFS "/%s/types", heap);
		if (!some_directory(path, type))
			return;
		snprintf(path, sizeof(path), SYSFS "/%s/types/%s/%s", heap, type,
			 one_in(&random, 4) ? "shrink" : "magazine_size");
		some_text(text, sizeof(text), NUMBER_SMALL);
	} else {
		snprintf(path, sizeof(path), SYSFS "/%s/%s", heap, heap_files[i].name);
		some_text(text, sizeof(text), heap_files[i].kind);
	}
	count(counts, KIND_SYSFS_WRITE, write_file(path, text));
}

/* Any file, at most so deep. */
static void read_sysfs(void)
{
	char path[512] = SYSFS, name[64];
	unsigned int depth = 1 + random_below(&random, 3), level;
	size_t length = strlen(path);

	/* types have most */
	for (level = 0; level < depth && some_directory(path, name); level++)
		length += snprintf(path + length, sizeof(path) - length, "/%s",
				   level == 1 && one_in(&random, 2) ? "types" : name);
	if (!some_entry(path, DT_REG, name))
		return;
	snprintf(path + length, sizeof(path) - length, "/%s", name);
	count(counts, KIND_SYSFS_READ, look_at_file(path));
}

/* The number of an object is written and its state read by one descriptor. */
static int look_at_object(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDWR), err = 0;

	if (fd < 0)
		return errno;
	snprintf(text, sizeof(text), "%u", one_in(&random, 8) ? (uint32_t)random_next(&random) :
		 random_below(&random, 1u << random_below(&random, 18)));
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	else
		err = read_fd(fd, text, sizeof(text));
	oracle_text(path, err ? "" : text);
	close(fd);
	return err;
}

static void debugfs(void)
{
	char heap[64], path[512];
	int err;

	if (one_in(&random, 4)) {
		count(counts, KIND_DEBUGFS, look_at_file(DEBUGFS "/types"));
		return;
	}
	if (!some_directory(DEBUGFS "/heaps", heap))
		return;
	switch (random_below(&random, 3)) {
	case 0:
		snprintf(path, sizeof(path), DEBUGFS "/heaps/%s/validate", heap);
		err = write_file(path, "1");
		if (err == EUCLEAN)
			mistake("heap %s is not valid", heap);
		break;
	case 1:
		snprintf(path, sizeof(path), DEBUGFS "/heaps/%s/alloc_traces", heap);
		err = look_at_file(path);
		break;
	default:
		snprintf(path, sizeof(path), DEBUGFS "/heaps/%s/object", heap);
		err = look_at_object(path);
		break;
	}
	count(counts, KIND_DEBUGFS, err);
}

/* Not more often than once in so many seconds. */
static bool rarely(time_t *last, unsigned int seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - *last < seconds)
		return false;
	*last = now.tv_sec;
	return true;
}

/*
 * What rewrites code is rare: an emulator may run, on another processor, what
 * was there in between, long after it has gone.
 */
enum { PATCH_SECONDS = 10 };

/* What a limit is, and how small it may be set for a while. */
static const struct {
	const char *path;
	unsigned int usual, least;
} limits[] = {
	{ "/sys/module/refslab/parameters/handles_max", 1 << 20, 64 },
	{ "/sys/module/refslab/parameters/heaps_max", 128, 16 },
	{ "/sys/module/refslab/parameters/memory_max", 0, 1 << 20 },
};

static void parameter(void)
{
	static const char * const debugs[] = {
		"", "", "ZPU", "ZPU", "U", "Z,fuzz-1/*", "P,fuzz-2/type-?;U,fuzz-*/type-1", "?", "Z,;",
	};
	static time_t last;
	char text[64];
	size_t i;

	if (one_in(&random, 2) && rarely(&last, PATCH_SECONDS)) {
		count(counts, KIND_PARAMETER,
		      write_file("/sys/module/refslab/parameters/debug",
				 debugs[random_below(&random, ARRAY_SIZE(debugs))]));
		return;
	}
	i = random_below(&random, ARRAY_SIZE(limits));
	snprintf(text, sizeof(text), "%u", one_in(&random, 2) ? limits[i].usual :
		 random_below(&random, limits[i].least << random_below(&random, 8)));
	count(counts, KIND_PARAMETER, write_file(limits[i].path, text));
}

static void trace(void)
{
	static time_t last;
	char text[4096];

	/* more of it takes long */
	if (!read_file("/sys/kernel/tracing/trace", text, sizeof(text)))
		oracle_text("trace", text);
	if (rarely(&last, PATCH_SECONDS))
		write_file("/sys/kernel/tracing/events/refslab/enable",
			   one_in(&random, 2) ? "1" : "0");
}

static int set_cpu(unsigned int cpu, bool on)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	return write_file(path, on ? "1" : "0");
}

static unsigned int cpus(void)
{
	return sysconf(_SC_NPROCESSORS_CONF);
}

/* All others stand still meanwhile, and in an emulator for long. */
static void cpu(void)
{
	static time_t last;

	if (cpus() > 1 && rarely(&last, 4))
		count(counts, KIND_CPU,
		      set_cpu(1 + random_below(&random, cpus() - 1), random_below(&random, 3)));
}

static void step(void)
{
	switch (random_below(&random, 64)) {
	case 0:
		cpu();
		break;
	case 1:
		count(counts, KIND_DROP_CACHES, write_file("/proc/sys/vm/drop_caches", "2"));
		break;
	case 2 ... 3:
		parameter();
		break;
	case 4:
		trace();
		break;
	case 5 ... 8:
		debugfs();
		break;
	case 9 ... 20:
		read_sysfs();
		break;
	default:
		write_sysfs();
		break;
	}
}

void world_run(struct counts *of_world)
{
	struct timespec pause = { 0 };
	struct coverage coverage = { 0 };

	coverage_begin(&coverage);
	random_seed(&random, random_mix(seed_of_all, UINT32_MAX));
	counts = of_world;
	arena->absent[KIND_CPU] = access("/sys/devices/system/cpu/cpu1/online", F_OK);
	arena->absent[KIND_DEBUGFS] = access(DEBUGFS "/types", F_OK);
	for (;;) {
		step();
		coverage_new(&coverage);
		pause.tv_nsec = random_below(&random, 8) * 1000000l;
		nanosleep(&pause, NULL);
	}
}

/* As it was before. */
void world_end(void)
{
	unsigned int i;
	char text[16];

	for (i = 1; i < cpus(); i++)
		set_cpu(i, true);
	write_file("/sys/kernel/tracing/events/refslab/enable", "0");
	write_file("/sys/module/refslab/parameters/debug", "");
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		snprintf(text, sizeof(text), "%u", limits[i].usual);
		write_file(limits[i].path, text);
	}
}

/* Whether there is no heap, and nobody who uses the module. */
bool world_empty(void)
{
	char heap[64], text[64];

	return !some_directory(SYSFS, heap) &&
	       !read_file("/sys/module/refslab/refcnt", text, sizeof(text)) &&
	       !strcmp(text, "0\n");
}

/* Pages that the kernel takes for caches of drivers: ours are among them. */
uint64_t world_pages(void)
{
	char line[128];
	uint64_t pages = 0;
	FILE *file;

	/* what processors have counted for themselves is added first */
	read_file("/proc/sys/vm/stat_refresh", line, sizeof(line));
	file = fopen("/proc/vmstat", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "nr_kernel_misc_reclaimable %lu", &pages) == 1)
			break;
	if (file)
		fclose(file);
	return pages;
}
