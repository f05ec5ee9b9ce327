/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that a seed repeats. */
#ifndef REFSLAB_FUZZ_RANDOM_H
#define REFSLAB_FUZZ_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* Spreads what differs in few bits: process 1 and 2 of one seed, say. */
static inline uint64_t random_mix(uint64_t a, uint64_t b)
{
	uint64_t x = a + (b + 1) * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static inline void random_seed(struct random *random, uint64_t seed)
{
	/* the one state that stays what it is */
	random->state = seed ? seed : 1;
}

static inline uint64_t random_next(struct random *random)
{
	uint64_t x = random->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	random->state = x;
	return x * 0x2545f4914f6cdd1dull;
}

static inline uint32_t random_below(struct random *random, uint32_t n)
{
	return (random_next(random) >> 32) * n >> 32;
}

static inline bool one_in(struct random *random, uint32_t n)
{
	return !random_below(random, n);
}

#endif
