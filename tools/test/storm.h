/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What storms share. A storm does one rude thing very often; what it saw is its
 * last line. REFSLAB_STORM says how much of it, in percent; REFSLAB_SEED, which
 * is told, makes the same choices again.
 */
#ifndef REFSLAB_TEST_STORM_H
#define REFSLAB_TEST_STORM_H

#include <sys/types.h>

#include "client.h"

/* So much of what the whole storm is, and never less than @least. */
unsigned int storm_share(unsigned int whole, unsigned int least);

/* A seed, for storm_random(). */
uint64_t storm_seed(void);

static inline unsigned int storm_random(uint64_t *random, unsigned int below)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (*random >> 16) % below;
}

/* What the last line says; several are joined. */
void storm_says(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What main() returns: runs the tests, then tells. */
int _storm_end(int failed);
#define run_storm(tests)	_storm_end(run_as_tap(tests))

/* A child that runs @work; it ends by _exit() or by a signal. */
pid_t storm_fork(void (*work)(void *argument), void *argument);

/* Kills a child whatever it does; its status. */
int storm_kill(pid_t child);

/* In a child: what must be true; the first that is not is told. */
#define child_must(condition) do {					\
	if (!(condition)) {						\
		fprintf(stderr, "# %s:%d: child: %s (errno %d)\n",	\
			__FILE__, __LINE__, #condition, errno);		\
		_exit(1);						\
	}								\
} while (0)

/* Zeroed memory that children share with their parent. */
void *storm_shared(size_t size);

/* A file of one line; what is read ends without a newline. 0 or -errno. */
int storm_write(const char *path, const char *text);
int storm_read(const char *path, char *text, size_t size);
/* The number behind @name in a file, or -1. */
long long storm_value(const char *path, const char *name);

/* How many heaps sysfs shows; and that there are no more than these, soon. */
unsigned int storm_heaps(void);
void storm_wait_heaps(unsigned int wanted);

/* Whether the kernel was built with a function. */
bool storm_kernel_has(const char *function);

/* Pages of what was freed that the kernel keeps: of KASAN's quarantine. */
long storm_kept(void);

/* The kernel looks at all slabs of a session's heap. */
void storm_validate(int fd);

/*
 * What the kernel's log says until storm_unexpect() is meant, and must come:
 * tools/vm/log-gate.
 */
void storm_expect(const char *regex);
void storm_unexpect(void);

#endif
