/* SPDX-License-Identifier: GPL-2.0 */
/* What all heaps and types were like at one time, and how fast it changed. */
#ifndef REFSLAB_SAMPLE_H
#define REFSLAB_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/refslab.h>

struct sample_type {
	char *heap, *name;
	int64_t objects, total_objects, slabs, slots, slab_size, order;
	int64_t bytes;		/* of its slabs */
	double change;		/* objects a second */
};

/* The sweeps of one heap and generation between two samples. */
struct sample_sweeps {
	uint64_t at_ns;		/* of the sample that saw them; 0 for none yet */
	unsigned int generation;
	uint64_t runs, examined, freed, unfreed, time_ns;
};

struct sample_heap {
	char *name;
	int64_t objects, bytes, cached, limit, enabled;
	int64_t sweeps, freed;	/* of all generations */
	struct refslab_stats stats[REFSLAB_GENERATIONS];
	double change;		/* objects a second */
	double sweep_rate, freed_rate;	/* a second */
	double busy;		/* part of the time that it swept, 0 to 1 */
	struct sample_sweeps last;	/* sweeps seen, from one sample to the next */
};

struct sample {
	uint64_t ns;
	struct sample_heap *heap;	/* by name */
	struct sample_type *type;	/* by heap and name */
	size_t heaps, types;
};

/*
 * Reads all heaps, or the one that is called @heap. Says what is wrong and
 * returns a negative errno, if something is.
 */
int sample_take(struct sample *sample, const char *heap);
/* Fills in what comes from the difference to an earlier one. */
void sample_compare(struct sample *sample, const struct sample *before);
void sample_free(struct sample *sample);

#endif
