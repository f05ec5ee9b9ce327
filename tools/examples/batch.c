// SPDX-License-Identifier: GPL-2.0
/*
 * A chain of a hundred objects in one call instead of four hundred: entries
 * refer to what earlier ones make.
 */
#include <stdio.h>

#include "example.h"

#define LENGTH	100

int main(void)
{
	refslab_auto_fd session = must(refslab_open(0));
	refslab_auto_builder batch = NULL;
	struct refslab_heap_info info;
	uint64_t first, last, next;
	uint32_t type, i;

	must(refslab_heap_create(session, "batch", 0));
	must(refslab_type_create(session, "link", 1, sizeof(i), 0, &type));
	must(refslab_builder_new(4 * LENGTH, &batch));

	first = last = refslab_add_alloc(batch, type);
	for (i = 1; i < LENGTH; i++) {
		next = refslab_add_alloc(batch, type);
		refslab_add_write(batch, next, 0, &i, sizeof(i));
		refslab_add_slot_set(batch, last, 0, next);
		if (last != first)
			refslab_add_close(batch, last);
		last = next;
	}
	refslab_add_close(batch, last);

	printf("entries done: %d\n",
	       must(refslab_builder_submit(batch, session, REFSLAB_BATCH_STOP)));
	must(refslab_heap_info(session, &info));
	printf("objects: %llu, handles: %llu\n", info.objects, info.handles);

	/* The first one is all that keeps the others. */
	must(refslab_close(session, refslab_result_handle(batch, first)));
	must(refslab_heap_info(session, &info));
	printf("after closing the first: %llu\n", info.objects);
	return 0;
}
