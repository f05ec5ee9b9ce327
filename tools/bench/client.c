// SPDX-License-Identifier: GPL-2.0
/*
 * What the device costs a program, in instructions, beside an object of the
 * kernel's own that lives as short: an eventfd. Runs where the time stamp
 * counter counts instructions.
 *
 *	bench-client [B11] [B12]
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include <linux/refslab.h>

#define REPETITIONS	9
#define PAIRS		2048
#define BATCH		256
#define PAYLOAD		56	/* with the header, 64 bytes */

/* One repetition: what PAIRS objects took that came and went. */
typedef uint64_t (*once_fn)(void);

static int device;
static uint32_t type;

static uint64_t by_calls(void)
{
	struct refslab_alloc alloc = { .size = sizeof(alloc), .type = type };
	struct refslab_close close = { .size = sizeof(close) };
	uint64_t start = __rdtsc();
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
		if (ioctl(device, REFSLAB_ALLOC, &alloc))
			err(1, "REFSLAB_ALLOC");
		close.handle = alloc.handle;
		if (ioctl(device, REFSLAB_CLOSE, &close))
			err(1, "REFSLAB_CLOSE");
	}
	return __rdtsc() - start;
}

static uint64_t by_eventfd(void)
{
	uint64_t start = __rdtsc();
	unsigned int i;
	int fd;

	for (i = 0; i < PAIRS; i++) {
		fd = eventfd(0, 0);
		if (fd < 0)
			err(1, "eventfd");
		if (close(fd))
			err(1, "close");
	}
	return __rdtsc() - start;
}

static struct refslab_op ops[BATCH];
static struct refslab_result results[BATCH];

static void batch(void)
{
	struct refslab_batch batch = {
		.size = sizeof(batch),
		.count = BATCH,
		.ops = (uintptr_t)ops,
		.results = (uintptr_t)results,
	};

	if (ioctl(device, REFSLAB_BATCH, &batch) || batch.done != BATCH)
		err(1, "REFSLAB_BATCH");
}

/* Filling in the entries is part of it. */
static uint64_t by_batches(void)
{
	uint64_t start = __rdtsc();
	unsigned int i, j;

	for (i = 0; i < PAIRS; i += BATCH) {
		for (j = 0; j < BATCH; j++)
			ops[j] = (struct refslab_op){
				.code = REFSLAB_OP_ALLOC, .index = type,
			};
		batch();
		for (j = 0; j < BATCH; j++) {
			if (results[j].error)
				errx(1, "REFSLAB_OP_ALLOC: %s", strerror(results[j].error));
			ops[j] = (struct refslab_op){
				.code = REFSLAB_OP_CLOSE, .handle = results[j].handle,
			};
		}
		batch();
		for (j = 0; j < BATCH; j++)
			if (results[j].error)
				errx(1, "REFSLAB_OP_CLOSE: %s", strerror(results[j].error));
	}
	return __rdtsc() - start;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double measure(once_fn once)
{
	uint64_t took[REPETITIONS];
	unsigned int i;

	/* the first one fills caches */
	once();
	for (i = 0; i < REPETITIONS; i++)
		took[i] = once();
	qsort(took, REPETITIONS, sizeof(*took), compare);
	return (double)took[REPETITIONS / 2] / PAIRS;
}

static void report(const char *figure, const char *what, once_fn ours)
{
	double a = measure(ours), b = measure(by_eventfd);

	printf("refslab_bench: %s %s unit=insns ours=%.3f peer=%.3f\n", figure, what, a, b);
}

static void set_up(void)
{
	struct refslab_heap_create heap = { .size = sizeof(heap), .name = "bench-client" };
	struct refslab_type_create leaf = {
		.size = sizeof(leaf), .payload = PAYLOAD, .name = "leaf",
	};
	struct sched_param ahead = { .sched_priority = 50 };

	if (sched_setscheduler(0, SCHED_FIFO, &ahead) || mlockall(MCL_CURRENT | MCL_FUTURE))
		err(1, "real-time scheduling");
	device = open("/dev/refslab", O_RDWR | O_CLOEXEC);
	if (device < 0)
		err(1, "/dev/refslab");
	if (ioctl(device, REFSLAB_HEAP_CREATE, &heap))
		err(1, "REFSLAB_HEAP_CREATE");
	if (ioctl(device, REFSLAB_TYPE_CREATE, &leaf))
		err(1, "REFSLAB_TYPE_CREATE");
	type = leaf.type;
}

int main(int argc, char **argv)
{
	int i;

	set_up();
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "B11"))
			report("B11", "calls", by_calls);
		else if (!strcmp(argv[i], "B12"))
			report("B12", "batches-256", by_batches);
		else
			errx(2, "no figure %s here", argv[i]);
	}
	return 0;
}
