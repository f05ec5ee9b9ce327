// SPDX-License-Identifier: GPL-2.0
/*
 * litter HEAP: makes a heap of that name, then for each number it reads that
 * many cycles of two objects, let go of at once. Answers each with the number
 * of objects alive. It never asks for a sweep.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <refslab.h>

static void check(int error, const char *what)
{
	if (error < 0)
		errx(EXIT_FAILURE, "%s: %s", what, refslab_strerror(error));
}

static void make_cycle(int fd, uint32_t type)
{
	uint64_t a, b;

	check(refslab_alloc(fd, type, &a), "making an object");
	check(refslab_alloc(fd, type, &b), "making an object");
	check(refslab_slot_set(fd, a, 0, b), "filling a slot");
	check(refslab_slot_set(fd, b, 0, a), "filling a slot");
	check(refslab_close(fd, a), "closing a handle");
	check(refslab_close(fd, b), "closing a handle");
}

int main(int argc, char **argv)
{
	struct refslab_heap_info info;
	unsigned int cycles;
	uint32_t type;
	int fd;

	if (argc != 2)
		errx(EXIT_FAILURE, "usage: litter HEAP");
	fd = refslab_open(0);
	check(fd, REFSLAB_DEVICE);
	check(refslab_heap_create(fd, argv[1], 0), "making the heap");
	check(refslab_type_create(fd, "half", 1, 64, 0, &type), "making the type");
	while (scanf("%u", &cycles) == 1) {
		while (cycles--)
			make_cycle(fd, type);
		check(refslab_heap_info(fd, &info), "looking at the heap");
		printf("%llu\n", info.objects);
		fflush(stdout);
	}
	return EXIT_SUCCESS;
}
