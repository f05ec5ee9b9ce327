// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses to give to the kernel.
 *
 * The same memory is mapped twice: once so that we can always write it, and
 * once in parts that can be written, only be read, be written again, and not
 * be used at all. So what the kernel reads half of, or can read and not write
 * back, is whole on our side, and no system call is needed to prepare it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fuzz.h"

enum { PAGE = 4096 };

static const size_t part_bytes[MEMORY_USES] = {
	[MEMORY_ARG]	 = 4 * PAGE,
	[MEMORY_OPS]	 = 64 * PAGE,
	[MEMORY_RESULTS] = 64 * PAGE,
	[MEMORY_DATA]	 = 64 * PAGE,
};

static bool init_one(struct memory *memory, size_t part)
{
	size_t bytes = 4 * part;
	int fd = own_fd(memfd_create("fuzz", 0));

	memory->fd = fd;
	memory->part = part;
	if (fd < 0 || ftruncate(fd, bytes))
		return false;
	memory->all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memory->view = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return memory->all != MAP_FAILED && memory->view != MAP_FAILED &&
	       !mprotect(memory->view + part, part, PROT_READ) &&
	       !mprotect(memory->view + 3 * part, part, PROT_NONE);
}

bool memory_init(struct thread *thread)
{
	unsigned int use;

	for (use = 0; use < MEMORY_USES; use++)
		if (!init_one(&thread->memory[use], part_bytes[use]))
			return false;
	return true;
}

/* A child's own: what its parent is just telling the kernel would be written over, and said to be the kernel's. */
bool memory_init_child(struct thread *thread)
{
	const struct rlimit all = { .rlim_cur = FDS_MAX, .rlim_max = FDS_MAX };
	struct memory *memory;
	unsigned int use;

	/* or there is no descriptor for it */
	setrlimit(RLIMIT_NOFILE, &all);
	for (use = 0; use < MEMORY_USES; use++) {
		memory = &thread->memory[use];
		munmap(memory->all, 4 * memory->part);
		munmap(memory->view, 4 * memory->part);
		close(memory->fd);
	}
	return memory_init(thread);
}

/* Nowhere that the fuzzer itself has anything. The kernel's have a mark: oracle_secret(). */
uint64_t no_address(struct random *random)
{
	switch (random_below(random, 6)) {
	case 0:
		return 0;
	case 1:
		return random_below(random, 2 * PAGE);
	case 2:
		return (0xffff888000000000ull + (random_next(random) & 0x3ffff000)) | OWN_ADDRESS;
	case 3:
		return (0xffffffff81000000ull + (random_next(random) & 0xffff000)) | OWN_ADDRESS;
	case 4:
		return (1ull << 47) - PAGE - random_below(random, 64);
	default:
		return random_next(random);
	}
}

/* Memory for @bytes that the kernel is to read, to write, or both. */
void memory_place(struct thread *thread, enum memory_use use, size_t bytes,
		  bool good, struct place *place)
{
	struct memory *memory = &thread->memory[use];
	struct random *random = &thread->random;
	size_t part = memory->part, at;

	place->good = good;
	at = random_below(random, 64) * 8;
	if (good || bytes > part - PAGE) {
		place->good = bytes <= part - PAGE;
		at = place->good ? at : 0;
		goto in_view;
	}
	switch (random_below(random, 12)) {
	/* what was done has to be undone */
	case 0 ... 5:
		at += part;
		break;
	case 6:
		at = part - random_below(random, bytes + 1);
		break;
	case 7:
		at = 3 * part - random_below(random, bytes + 1);
		break;
	case 8:
		at += 3 * part;
		break;
	case 9:
		at |= 1 + random_below(random, 7);
		break;
	case 10:
		place->set = memory->all + at;
		place->address = WINDOW + (uint64_t)random_below(random, WINDOW_PLACES) * WINDOW_BYTES +
				 random_below(random, 4) * PAGE - random_below(random, 64);
		return;
	default:
		place->set = memory->all + at;
		place->address = no_address(random);
		return;
	}
in_view:
	place->set = memory->all + at;
	place->address = (uintptr_t)memory->view + at;
}

/* What was set reaches a place that is no other view of it, if it can. */
void memory_settle(struct thread *thread, enum memory_use use,
		   const struct place *place, size_t bytes)
{
	struct memory *memory = &thread->memory[use];
	ssize_t n;

	if (place->address - WINDOW >= (uint64_t)WINDOW_PLACES * WINDOW_BYTES)
		return;
	n = pread(memory->fd, (void *)(uintptr_t)place->address, bytes,
		  (char *)place->set - memory->all);
	(void)n;
}

/*
 * Beside a word of ones a word like this is an address of the kernel's: marked as ours
 * then, since of what changes under way nobody can say whether the kernel was told it.
 */
static uint32_t own_word(uint32_t word)
{
	if (word < 0x80000000u)
		return word;
	return (word & ~OWN_ADDRESS_MASK) | OWN_ADDRESS;
}

/* Changes what another thread is just telling the kernel. */
void memory_scribble(struct thread *thread, const struct thread *other)
{
	struct random *random = &thread->random;
	const struct memory *memory = &other->memory[random_below(random, 2)];
	unsigned int n = 1 + random_below(random, 32);
	volatile uint32_t *word;

	if (!memory->all)
		return;
	while (n--) {
		word = (uint32_t *)memory->all + random_below(random, 256);
		*word = own_word(one_in(random, 2) ? *word + 1 : random_next(random));
	}
}
