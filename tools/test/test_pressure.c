// SPDX-License-Identifier: GPL-2.0
/*
 * Memory goes back: after a peak down to the high watermark, and the rest when
 * the system is short of it. Prints what it saw.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "client.h"

#define MIB		(1024 * 1024ull)
#define PEAK		1000000	/* objects, of 64 bytes */
#define SECOND_PEAK	300000
#define PATIENCE	(240 * SECOND)
/* One object in use keeps a chunk: magazines, and one slab that a type keeps. */
#define LEFT_CHUNKS	64

static uint64_t file_value(const char *path, const char *name)
{
	char line[256], format[64];
	unsigned long long value = 0;
	FILE *file = fopen(path, "r");

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	snprintf(format, sizeof(format), "%s%%llu", name);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, format, &value) == 1)
			break;
	fclose(file);
	return value;
}

static uint64_t pool_value(int fd, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/kernel/refslab/%s/pool/%s", info_of(fd).name, name);
	return file_value(path, "");
}

/* A chain, so that one handle keeps it and one put frees it. */
static uint64_t chain(int fd, uint32_t type, unsigned int n)
{
	uint64_t head = make(fd, type), next;

	while (--n) {
		next = make(fd, type);
		fill(fd, next, 0, head);
		drop(fd, head);
		head = next;
	}
	return head;
}

static void wait_until_free(int fd)
{
	uint64_t end = now_ns() + PATIENCE;

	while (info_of(fd).objects && now_ns() < end)
		sleep_ms(20);
	assert_int_equal(info_of(fd).objects, 0);
}

/* Waits for the pool to have no more than @most cached. */
static void wait_until_cached(int fd, uint64_t most)
{
	uint64_t end = now_ns() + PATIENCE;

	while ((pool_value(fd, "cached") > most || pool_value(fd, "waiting")) &&
	       now_ns() < end)
		sleep_ms(20);
	assert_true(pool_value(fd, "cached") <= most);
}

static void say(int fd, const char *when)
{
	print_message("# %-28s pool %6.1f MiB, cached %6.1f, shrunk %6.1f\n", when,
		      (double)pool_value(fd, "bytes") / MIB,
		      (double)pool_value(fd, "cached") / MIB,
		      (double)pool_value(fd, "shrunk") / MIB);
}

static void test_peak(void **state)
{
	int fd = session_with_heap(1 << 30);
	uint32_t knot = type(fd, 1, 40);
	uint64_t head, high, peak, chunk = info_of(fd).chunk_bytes;

	(void)state;
	high = pool_value(fd, "high");
	head = chain(fd, knot, PEAK);
	assert_int_equal(info_of(fd).objects, PEAK);
	say(fd, "1,000,000 objects");
	peak = pool_value(fd, "bytes");
	assert_true(peak >= PEAK * 64ull);
	assert_true(peak <= PEAK * 64ull * 104 / 100);
	drop(fd, head);
	wait_until_free(fd);
	wait_until_cached(fd, high);
	say(fd, "freed");
	assert_true(pool_value(fd, "bytes") <= high + LEFT_CHUNKS * chunk);
	assert_int_equal(pool_value(fd, "peak"), peak);
	close(fd);
}

static void set_high(int fd, uint64_t bytes)
{
	struct refslab_heap_limits limits = {
		.size = sizeof(limits), .flags = REFSLAB_LIMITS_HIGH, .high = bytes,
	};

	works(refslab_heap_limits(fd, &limits));
}

/*
 * In ten thousandths of the memory, how far above what is left for emergencies kswapd
 * begins. What it was before.
 */
static uint64_t set_watermarks(uint64_t scale)
{
	static const char path[] = "/proc/sys/vm/watermark_scale_factor";
	uint64_t before = file_value(path, "");
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fprintf(file, "%llu", (unsigned long long)scale);
	assert_int_equal(fclose(file), 0);
	return before;
}

/*
 * Takes memory until the pool has given its cache back: long before there is none, or
 * what another is just giving back may come too late for the system not to kill us.
 */
static void test_shrinker(void **state)
{
	uint64_t scale = set_watermarks(1000);
	uint64_t total = file_value("/proc/meminfo", "MemTotal: ") * 1024, taken, before;
	int fd = session_with_heap(1 << 30);
	uint32_t knot = type(fd, 1, 40);
	void **hog, *more;
	unsigned int n = 0;

	(void)state;
	set_high(fd, 1 << 30);
	drop(fd, chain(fd, knot, SECOND_PEAK));
	wait_until_free(fd);
	wait_until_cached(fd, 1 << 30);
	say(fd, "freed, with a high watermark");
	before = pool_value(fd, "cached");
	assert_true(before >= SECOND_PEAK * 64ull * 9 / 10);

	hog = calloc(total / MIB, sizeof(*hog));
	assert_non_null(hog);
	for (taken = 0; taken < total - MIB; taken += MIB) {
		more = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (more == MAP_FAILED)
			break;
		hog[n++] = more;
		if (pool_value(fd, "cached") <= before / 10)
			break;
	}
	print_message("# %u MiB of %llu were taken\n", n, (unsigned long long)(total / MIB));
	say(fd, "under pressure");
	while (n)
		munmap(hog[--n], MIB);
	free(hog);
	set_watermarks(scale);
	assert_true(pool_value(fd, "cached") <= before / 10);
	assert_true(pool_value(fd, "shrunk") >= before * 9 / 10);
	/* And it goes on as before. */
	drop(fd, chain(fd, knot, 1000));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peak),
		cmocka_unit_test(test_shrinker),
	};

	return run_as_tap(tests);
}
