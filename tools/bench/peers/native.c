// SPDX-License-Identifier: GPL-2.0
/*
 * What locked instructions cost a sweep natively, since user-mode Linux, of one
 * processor, has none: the passes of a sweep in plain C, with those
 * instructions on the words where the module has them and nothing else. No
 * peer, and not the module: no slabs, hints, read sections, generations.
 *
 *	native OBJECTS REPETITIONS
 *
 * Prints "SHAPE live|garbage NS" for each object: the median.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS		3
#define LISTED		1ull
#define GATHERED	2ull
#define CLAIMED		4ull
#define COUNT_ONE	16ull
#define COUNT_MASK	0xfffffff0ull
#define VERSIONS	(~0ull << 32)

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

struct node {
	uint64_t	word;
	uint32_t	next;		/* of the gathered, 1 + index */
	uint32_t	scratch;
	struct node	*slot[];
};

static size_t node_size;
static unsigned int slots, n;
static char *memory;

static struct node *node(uint32_t i)
{
	return (struct node *)(memory + i * node_size);
}

static uint32_t index_of(const struct node *x)
{
	return ((const char *)x - memory) / node_size;
}

static void point(uint32_t from, unsigned int slot, uint32_t to)
{
	node(from)->slot[slot] = node(to);
	node(to)->word += COUNT_ONE;
}

static void join_pairs(void)
{
	for (uint32_t i = 0; i < n; i += 2) {
		point(i, 0, i + 1);
		point(i + 1, 0, i);
	}
}

static void join_ring(void)
{
	for (uint32_t i = 0; i < n; i++)
		point(i, 0, (i + 1) % n);
}

static void join_list(void)
{
	for (uint32_t i = 0; i + 1 < n; i++) {
		point(i, 0, i + 1);
		point(i + 1, 1, i);
	}
}

static void join_tree(void)
{
	for (uint32_t i = 1; i < n; i++) {
		point((i - 1) / 2, (i - 1) % 2, i);
		point(i, 2, (i - 1) / 2);
	}
}

static const struct shape {
	const char	*name;
	unsigned int	slots;
	uint32_t	roots;		/* one in how many is held */
	void		(*join)(void);
} shapes[] = {
	{ "pairs", 2, 2, join_pairs },
	{ "ring", 2, UINT32_MAX, join_ring },
	{ "list", 2, UINT32_MAX, join_list },
	{ "tree", 3, UINT32_MAX, join_tree },
};

static void build(const struct shape *shape, int hold)
{
	memset(memory, 0, n * node_size);
	for (uint32_t i = 0; i < n; i++)
		node(i)->word = LISTED;
	shape->join();
	for (uint32_t i = 0; hold && i < n; i += shape->roots) {
		node(i)->word += COUNT_ONE;
		if (shape->roots > n)
			break;
	}
}

static int change(struct node *x, uint64_t *old, uint64_t new)
{
	return __atomic_compare_exchange_n(&x->word, old, new, 0, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static uint32_t first, *last;

static void gather_one(struct node *x)
{
	uint64_t old = __atomic_load_n(&x->word, __ATOMIC_ACQUIRE);

	do {
		if (old & GATHERED || !(old & COUNT_MASK))
			return;
	} while (!change(x, &old, ((old & ~VERSIONS) | GATHERED) & ~LISTED));
	x->next = 0;
	x->scratch = 0;
	*last = index_of(x) + 1;
	last = &x->next;
}

static void gather(void)
{
	uint32_t i;

	first = 0;
	last = &first;
	for (i = 0; i < n; i++)
		if (node(i)->word & LISTED)
			gather_one(node(i));
	for (i = first; i; i = node(i - 1)->next)
		for (unsigned int s = 0; s < slots; s++)
			if (node(i - 1)->slot[s])
				gather_one(node(i - 1)->slot[s]);
}

static void count(void)
{
	for (uint32_t i = first; i; i = node(i - 1)->next)
		for (unsigned int s = 0; s < slots; s++)
			if (node(i - 1)->slot[s])
				node(i - 1)->slot[s]->scratch++;
}

/* Live ones lose GATHERED; returns whether there are others. */
static int scan(void)
{
	static uint32_t *stack;
	uint32_t i, depth = 0, tentative = 0;

	if (!stack)
		stack = malloc(n * sizeof(*stack));
	if (!stack)
		err(1, "memory");
	for (i = first; i; i = node(i - 1)->next) {
		struct node *x = node(i - 1);

		tentative++;
		if (!(x->word & GATHERED) ||
		    (x->word & COUNT_MASK) / COUNT_ONE == x->scratch)
			continue;
		__atomic_and_fetch(&x->word, ~GATHERED, __ATOMIC_SEQ_CST);
		stack[depth++] = i;
		while (depth) {
			x = node(stack[--depth] - 1);
			tentative--;
			for (unsigned int s = 0; s < slots; s++) {
				struct node *y = x->slot[s];

				if (!y || !(y->word & GATHERED))
					continue;
				__atomic_and_fetch(&y->word, ~GATHERED, __ATOMIC_SEQ_CST);
				stack[depth++] = index_of(y) + 1;
			}
		}
	}
	return tentative != 0;
}

static uint32_t claim_and_free(void)
{
	uint32_t i, next, freed = 0;

	for (i = first; i; i = node(i - 1)->next) {
		uint64_t old = GATHERED | node(i - 1)->scratch * COUNT_ONE;

		if (!change(node(i - 1), &old, old | CLAIMED))
			errx(1, "a claim failed");
	}
	for (i = first; i; i = next) {
		next = node(i - 1)->next;
		for (unsigned int s = 0; s < slots; s++)
			node(i - 1)->slot[s] = NULL;
		__atomic_exchange_n(&node(i - 1)->word, 0, __ATOMIC_SEQ_CST);
		freed++;
	}
	return freed;
}

static double sweep(const struct shape *shape, int hold)
{
	struct timespec start, end;
	uint32_t freed = 0;

	build(shape, hold);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	gather();
	count();
	if (scan())
		freed = claim_and_free();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	if (freed != (hold ? 0 : n))
		errx(1, "%u of %u objects were freed", freed, n);
	return ((end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec)) / n;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(const struct shape *shape, int hold, unsigned int times)
{
	double took[times];

	for (unsigned int i = 0; i < times; i++)
		took[i] = sweep(shape, hold);
	qsort(took, times, sizeof(*took), compare);
	return took[times / 2];
}

int main(int argc, char **argv)
{
	unsigned int times;

	if (argc != 3)
		errx(2, "usage: native OBJECTS REPETITIONS");
	n = strtoul(argv[1], NULL, 10);
	times = strtoul(argv[2], NULL, 10);
	memory = malloc(n * (sizeof(struct node) + (SLOTS + 1) * sizeof(struct node *)));
	if (!n || !times || !memory)
		errx(2, "how many?");
	for (unsigned int i = 0; i < ARRAY_SIZE(shapes); i++) {
		slots = shapes[i].slots;
		/* to 16 bytes, as the module has it */
		node_size = sizeof(struct node) + (slots + 1) / 2 * 16;
		printf("%s live %.2f\n", shapes[i].name, median(&shapes[i], 1, times));
		printf("%s garbage %.2f\n", shapes[i].name, median(&shapes[i], 0, times));
	}
	return 0;
}
