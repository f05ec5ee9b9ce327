// SPDX-License-Identifier: GPL-2.0
/*
 * Coverage by KCOV, on kernels that have it: programs that reached something
 * new are kept, and tried again with another end.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

enum { PCS = 32 << 10 };

#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)

void coverage_begin(struct thread *thread)
{
	struct coverage *coverage = &thread->coverage;
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

/* What was reached before does not count. */
void coverage_start(struct thread *thread)
{
	if (thread->coverage.fd)
		__atomic_store_n(&thread->coverage.pcs[0], 0, __ATOMIC_RELAXED);
}

/* Whether something was reached that nobody had reached before. */
bool coverage_new(struct thread *thread)
{
	struct corpus *corpus = &arena->corpus;
	uint64_t i, n, bit, old, found = 0;

	if (!thread->coverage.fd)
		return false;
	n = __atomic_load_n(&thread->coverage.pcs[0], __ATOMIC_RELAXED);
	for (i = 1; i <= n && i < PCS; i++) {
		bit = random_mix(thread->coverage.pcs[i], 0) % COVERAGE_BITS;
		if (corpus->bits[bit / 64] >> bit % 64 & 1)
			continue;
		old = __atomic_fetch_or(&corpus->bits[bit / 64], 1ull << bit % 64, __ATOMIC_RELAXED);
		found += !(old >> bit % 64 & 1);
	}
	__atomic_fetch_add(&corpus->covered, found, __ATOMIC_RELAXED);
	return found;
}

/* The next program: a new one, or one that was kept, up to somewhere. */
void program_choose(struct thread *thread, struct program *program)
{
	struct random *random = &thread->choice;
	uint32_t kept = __atomic_load_n(&arena->corpus.count, __ATOMIC_ACQUIRE);
	unsigned int i = 0;

	*program = (struct program){ 0 };
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

void program_keep(const struct program *program)
{
	uint32_t at = __atomic_fetch_add(&arena->corpus.count, 1, __ATOMIC_ACQ_REL);

	/* who reads it half written has one more new program */
	arena->corpus.programs[at % CORPUS] = *program;
}
