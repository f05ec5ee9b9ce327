// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes: of headers, and of slabs that are not objects. So many objects are
 * allocated that one slab at least is full, and the ones in that are counted.
 */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/sort.h>

#include "figures.h"
#include "harness.h"
#include "subject.h"

#define SIZE_STEP	16U
#define SIZE_MIN	32U
#define SIZE_MAX	1024U
#define ROOM		(8 * REFSLAB_CHUNK_SIZE)

struct place {
	unsigned long	start;
	unsigned long	bytes;
};

static struct place place_ours(const void *obj)
{
	return (struct place){ (unsigned long)obj & ~(REFSLAB_CHUNK_SIZE - 1),
			       REFSLAB_CHUNK_SIZE };
}

static struct place place_peer(const void *obj)
{
	struct page *page = virt_to_head_page(obj);

	return (struct place){ (unsigned long)page_address(page), page_size(page) };
}

static int compare(const void *a, const void *b)
{
	const unsigned long *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Thousandths of a percent of a full slab that are not objects of @size bytes. */
static s64 overhead(void **objs, unsigned int n, size_t size,
		    struct place (*place)(const void *obj))
{
	unsigned int i, run = 0, most = 0;
	struct place here, before = {};

	sort(objs, n, sizeof(*objs), compare, NULL);
	for (i = 0; i < n; i++) {
		here = place(objs[i]);
		run = here.start == before.start ? run + 1 : 1;
		most = max(most, run);
		before = here;
	}
	return n ? div_u64(100000 * (u64)(before.bytes - most * size), before.bytes) :
		   -ENOMEM;
}

static int layout(size_t size, unsigned int slots, void **objs, s64 *ours, s64 *peer)
{
	unsigned int n = ROOM / size, i;
	struct subject s;
	int err;

	err = subject_create(&s, size, slots, 0);
	if (err)
		goto out;
	for (i = 0; i < n; i++) {
		objs[i] = refslab_alloc(s.type, GFP_KERNEL);
		if (!objs[i])
			break;
	}
	if (i < n)
		err = -ENOMEM;
	*ours = overhead(objs, i, size, place_ours);
	while (i)
		refslab_put(objs[--i]);

	for (i = 0; i < n; i++) {
		objs[i] = peer_alloc();
		if (!objs[i])
			break;
	}
	if (i < n)
		err = -ENOMEM;
	*peer = overhead(objs, i, size, place_peer);
	while (i)
		peer_put(objs[--i]);
out:
	subject_destroy(&s);
	return err;
}

static void overheads(const char *figure, const char *what, const char *worst,
		      unsigned int slots)
{
	s64 ours, peer, most_ours = 0, most_peer = 0;
	size_t size;
	void **objs;
	int err = 0;

	objs = kvmalloc_array(ROOM / SIZE_MIN, sizeof(*objs), GFP_KERNEL);
	if (!objs)
		err = -ENOMEM;
	for (size = SIZE_MIN; size <= SIZE_MAX && !err; size += SIZE_STEP) {
		err = layout(size, slots, objs, &ours, &peer);
		if (err)
			break;
		most_ours = max(most_ours, ours);
		most_peer = max(most_peer, peer);
		/* powers of two are the usual sizes */
		if (!(size & (size - 1)))
			bench_report_number(figure, what, size, "percent",
					    ours, peer);
	}
	kvfree(objs);
	bench_report_unit(figure, worst, "percent", err ?: most_ours, err ?: most_peer);
}

void figure_layout(const char *figure)
{
	const s64 kref = 1000 * sizeof(struct kref);

	bench_report_unit(figure, "header-leaf", "bytes",
			  1000 * sizeof(struct refslab_object), kref);
	bench_report_unit(figure, "header-slots", "bytes",
			  1000 * sizeof(struct refslab_linked), kref);
	overheads(figure, "overhead-leaf", "overhead-leaf-worst", 0);
	overheads(figure, "overhead-slots", "overhead-slots-worst", 1);
}
