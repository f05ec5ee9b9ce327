// SPDX-License-Identifier: GPL-2.0
/*
 * Coverage by KCOV, on kernels that have it: programs that reached something
 * new are kept, up to the call that did, and go on in another way next time.
 *
 * A point is a place of the module's code, by its distance from where that
 * begins; each has a bit of its own, so there are no two for one. What workers
 * and interrupts do for us is not seen.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

enum { PCS = 16 << 10, SECTIONS_MAX = 16 };

#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_DISABLE	_IO('c', 101)
#define SECTIONS	"/sys/module/refslab/sections"

static struct {
	char	name[32];
	uint64_t begin;
} sections[SECTIONS_MAX];
static unsigned int section_count;

/* Where the module's code is; the lowest address is where points are counted from. */
void coverage_set_up(void)
{
	DIR *directory = opendir(SECTIONS);
	struct dirent *entry;
	char path[320];
	FILE *file;

	while (directory && section_count < SECTIONS_MAX && (entry = readdir(directory))) {
		if (!strstr(entry->d_name, "text"))
			continue;
		snprintf(path, sizeof(path), SECTIONS "/%s", entry->d_name);
		file = fopen(path, "r");
		if (file && fscanf(file, "%lx", &sections[section_count].begin) == 1) {
			snprintf(sections[section_count].name, sizeof(sections[0].name), "%.31s",
				 entry->d_name);
			/* what was for the load alone is gone, and may be anywhere */
			section_count += strncmp(entry->d_name, ".init", 5) != 0;
		}
		if (file)
			fclose(file);
	}
	if (directory)
		closedir(directory);
	arena->corpus.begin = UINT64_MAX;
	for (unsigned int i = 0; i < section_count; i++)
		if (sections[i].begin < arena->corpus.begin)
			arena->corpus.begin = sections[i].begin;
}

void coverage_begin(struct coverage *coverage)
{
	int fd = own_fd(open("/sys/kernel/debug/kcov", O_RDWR));

	if (fd < 0)
		return;
	if (!ioctl(fd, KCOV_INIT_TRACE, PCS)) {
		coverage->pcs = mmap(NULL, PCS * sizeof(uint64_t), PROT_READ | PROT_WRITE,
				     MAP_SHARED, fd, 0);
		if (coverage->pcs != MAP_FAILED && !ioctl(fd, KCOV_ENABLE, 0)) {
			coverage->fd = fd;
			return;
		}
	}
	close(fd);
}

/* How many points were reached since the last time that nobody had reached before. */
unsigned int coverage_new(struct coverage *coverage)
{
	struct corpus *corpus = &arena->corpus;
	uint64_t i, n, point, bit, old;
	unsigned int found = 0;

	if (!coverage->fd)
		return 0;
	n = __atomic_load_n(&coverage->pcs[0], __ATOMIC_RELAXED);
	for (i = 1; i <= n && i < PCS; i++) {
		point = coverage->pcs[i] - corpus->begin;
		if (point >= COVERAGE_BITS) {
			__atomic_fetch_add(&corpus->foreign, 1, __ATOMIC_RELAXED);
			continue;
		}
		bit = 1ull << point % 64;
		if (__atomic_load_n(&corpus->bits[point / 64], __ATOMIC_RELAXED) & bit)
			continue;
		old = __atomic_fetch_or(&corpus->bits[point / 64], bit, __ATOMIC_RELAXED);
		found += !(old & bit);
	}
	__atomic_store_n(&coverage->pcs[0], 0, __ATOMIC_RELAXED);
	__atomic_fetch_add(&corpus->covered, found, __ATOMIC_RELAXED);
	if (n >= PCS - 1)
		__atomic_fetch_add(&corpus->cut_off, 1, __ATOMIC_RELAXED);
	return found;
}

/* Whether there is any: the kernel can tell and the module, if it was built so, does. */
bool coverage_there(void)
{
	struct coverage coverage = { 0 };
	bool there;

	coverage_begin(&coverage);
	if (!coverage.fd)
		return false;
	close(open(DEVICE, O_RDWR));
	there = coverage_new(&coverage);
	ioctl(coverage.fd, KCOV_DISABLE, 0);
	munmap(coverage.pcs, PCS * sizeof(uint64_t));
	close(coverage.fd);
	return there;
}

/* The next program: a new one, or one that was kept, up to somewhere. */
void program_choose(struct random *random, struct program *program)
{
	uint32_t kept = __atomic_load_n(&arena->corpus.count, __ATOMIC_ACQUIRE);
	unsigned int i = 0;

	*program = (struct program){ .taste = one_in(random, 2) ? random_next(random) : 0 };
	if (kept && !one_in(random, 3)) {
		*program = arena->corpus.programs[random_below(random, kept > CORPUS ? CORPUS : kept)];
		i = 1 + random_below(random, ARRAY_SIZE(program->seeds) - 1);
		while (i && !program->calls[i - 1])
			i--;
		if (i && one_in(random, 2))
			program->calls[i - 1] = 1 + random_below(random, program->calls[i - 1]);
	}
	program->seeds[i] = random_next(random);
	program->calls[i] = 8 + random_below(random, 48);
	while (++i < ARRAY_SIZE(program->calls))
		program->calls[i] = 0;
}

bool program_likes(const struct thread *thread, unsigned int what)
{
	return !thread->taste || random_mix(thread->taste, what) & 1;
}

void program_keep(const struct program *program)
{
	uint32_t at = __atomic_fetch_add(&arena->corpus.count, 1, __ATOMIC_ACQ_REL);

	/* who reads it half written has one more new program */
	arena->corpus.programs[at % CORPUS] = *program;
}

static unsigned int section_of(uint64_t pc)
{
	unsigned int i, best = SECTIONS_MAX;

	for (i = 0; i < section_count; i++)
		if (sections[i].begin <= pc &&
		    (best == SECTIONS_MAX || sections[i].begin > sections[best].begin))
			best = i;
	return best;
}

/* All points that were reached, for tools/fuzz/reached. */
void coverage_report(void)
{
	const struct corpus *corpus = &arena->corpus;
	unsigned int section, last = SECTIONS_MAX, in_line = 0;
	uint64_t point;

	if (!corpus->covered)
		return;
	printf("# %lu points covered, %lu not of the module, %lu calls cut off\n",
	       corpus->covered, corpus->foreign, corpus->cut_off);
	for (point = 0; point < COVERAGE_BITS; point++) {
		if (!(corpus->bits[point / 64] >> point % 64 & 1))
			continue;
		section = section_of(corpus->begin + point);
		if (section != last || in_line++ == 32) {
			printf("%s# reached %s", last == SECTIONS_MAX ? "" : "\n", sections[section].name);
			last = section;
			in_line = 0;
		}
		printf(" %lx", corpus->begin + point - sections[section].begin);
	}
	printf("\n");
}
