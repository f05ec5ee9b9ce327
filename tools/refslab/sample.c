// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"
#include "sample.h"
#include "sysfs.h"

static bool gone(int err)
{
	return err == -ENOENT || err == -ENODEV;
}

static int read_heap(struct sample_heap *heap)
{
	const struct {
		const char *file;
		int64_t *value;
	} files[] = {
		{ "objects", &heap->objects },
		{ "pool/bytes", &heap->bytes },
		{ "pool/cached", &heap->cached },
		{ "pool/limit", &heap->limit },
		{ "enabled", &heap->enabled },
	};
	unsigned int generation;
	size_t i;
	int err;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		err = sysfs_read(files[i].value, "%s/%s", heap->name, files[i].file);
		if (err)
			return err;
	}
	for (generation = 0; generation < REFSLAB_GENERATIONS; generation++) {
		err = sysfs_stats(heap->name, generation, &heap->stats[generation]);
		if (err)
			return err;
		heap->sweeps += heap->stats[generation].runs;
		heap->freed += heap->stats[generation].freed;
	}
	return 0;
}

static int read_type(struct sample_type *type)
{
	const struct {
		const char *file;
		int64_t *value;
	} files[] = {
		{ "objects", &type->objects },
		{ "total_objects", &type->total_objects },
		{ "slabs", &type->slabs },
		{ "slots", &type->slots },
		{ "slab_size", &type->slab_size },
		{ "order", &type->order },
	};
	size_t i;
	int err;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		err = sysfs_read(files[i].value, "%s/types/%s/%s", type->heap,
				 type->name, files[i].file);
		if (err)
			return err;
	}
	type->bytes = type->slabs * (sysconf(_SC_PAGESIZE) << type->order);
	return 0;
}

static int add_type(struct sample *sample, const char *heap, const char *name)
{
	struct sample_type *types, *type;
	int err;

	types = reallocarray(sample->type, sample->types + 1, sizeof(*types));
	if (!types)
		return -ENOMEM;
	sample->type = types;
	type = &types[sample->types];
	*type = (struct sample_type) {
		.heap = strdup(heap),
		.name = strdup(name),
	};
	err = type->heap && type->name ? read_type(type) : -ENOMEM;
	if (!err) {
		sample->types++;
		return 0;
	}
	free(type->heap);
	free(type->name);
	return gone(err) ? 0 : err;
}

static int add_heap(struct sample *sample, const char *name)
{
	struct sample_heap *heaps, *heap;
	char **types, **type;
	int err;

	heaps = reallocarray(sample->heap, sample->heaps + 1, sizeof(*heaps));
	if (!heaps)
		return -ENOMEM;
	sample->heap = heaps;
	heap = &heaps[sample->heaps];
	*heap = (struct sample_heap) { .name = strdup(name) };
	err = heap->name ? read_heap(heap) : -ENOMEM;
	if (err) {
		free(heap->name);
		return err;
	}
	sample->heaps++;
	err = sysfs_names(&types, "%s/types", name);
	if (err)
		return gone(err) ? 0 : err;
	for (type = types; *type && !err; type++)
		err = add_type(sample, name, *type);
	sysfs_names_free(types);
	return err;
}

int sample_take(struct sample *sample, const char *heap)
{
	char **names, **name;
	int err;

	*sample = (struct sample) { .ns = now_ns() };
	err = sysfs_heaps(&names, heap);
	if (err)
		return err;
	for (name = names; *name && !err; name++) {
		err = add_heap(sample, *name);
		/* One that goes while all are looked at is no fault. */
		if (gone(err) && !heap)
			err = 0;
		if (err)
			fprintf(stderr, "refslab: heap %s: %s\n", *name,
				strerror(-err));
	}
	sysfs_names_free(names);
	if (err)
		sample_free(sample);
	return err;
}

/* What ran between two samples; of several generations the oldest is told. */
static void compare_sweeps(struct sample_heap *heap,
			   const struct sample_heap *before, uint64_t ns)
{
	unsigned int generation;

	heap->last = before->last;
	for (generation = 0; generation < REFSLAB_GENERATIONS; generation++) {
		const struct refslab_stats *now = &heap->stats[generation];
		const struct refslab_stats *then = &before->stats[generation];

		if (now->runs <= then->runs)
			continue;
		heap->last = (struct sample_sweeps) {
			.at_ns = ns,
			.generation = generation,
			.runs = now->runs - then->runs,
			.examined = now->examined - then->examined,
			.freed = now->freed - then->freed,
			.unfreed = now->unfreed - then->unfreed,
			.time_ns = now->time_ns - then->time_ns,
		};
	}
}

static uint64_t swept_ns(const struct sample_heap *heap)
{
	unsigned int generation;
	uint64_t ns = 0;

	for (generation = 0; generation < REFSLAB_GENERATIONS; generation++)
		ns += heap->stats[generation].time_ns;
	return ns;
}

static void compare_heap(struct sample_heap *heap,
			 const struct sample_heap *before, uint64_t ns,
			 double seconds)
{
	/* Another heap of the same name has fewer sweeps behind it, or none. */
	if (heap->sweeps < before->sweeps)
		return;
	heap->change = (heap->objects - before->objects) / seconds;
	heap->sweep_rate = (heap->sweeps - before->sweeps) / seconds;
	heap->freed_rate = (heap->freed - before->freed) / seconds;
	heap->busy = (swept_ns(heap) - swept_ns(before)) / (seconds * 1e9);
	/* A sweep is counted when it ends, however long ago it began. */
	if (heap->busy > 1)
		heap->busy = 1;
	compare_sweeps(heap, before, ns);
}

static int order_of(const struct sample_type *a, const struct sample_type *b)
{
	int order = strcmp(a->heap, b->heap);

	return order ? order : strcmp(a->name, b->name);
}

/* Both are sorted, so one walk through both finds what is in both. */
void sample_compare(struct sample *sample, const struct sample *before)
{
	double seconds = (sample->ns - before->ns) / 1e9;
	size_t i, j;
	int order;

	for (i = j = 0; i < sample->heaps && j < before->heaps;) {
		order = strcmp(sample->heap[i].name, before->heap[j].name);
		if (!order)
			compare_heap(&sample->heap[i], &before->heap[j],
				     sample->ns, seconds);
		i += order <= 0;
		j += order >= 0;
	}
	for (i = j = 0; i < sample->types && j < before->types;) {
		order = order_of(&sample->type[i], &before->type[j]);
		if (!order)
			sample->type[i].change = (sample->type[i].objects -
				before->type[j].objects) / seconds;
		i += order <= 0;
		j += order >= 0;
	}
}

void sample_free(struct sample *sample)
{
	size_t i;

	for (i = 0; i < sample->heaps; i++)
		free(sample->heap[i].name);
	for (i = 0; i < sample->types; i++) {
		free(sample->type[i].heap);
		free(sample->type[i].name);
	}
	free(sample->heap);
	free(sample->type);
	*sample = (struct sample) { 0 };
}
