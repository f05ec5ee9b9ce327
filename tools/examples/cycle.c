// SPDX-License-Identifier: GPL-2.0
/* Two objects refer to each other; nobody else has them; a sweep frees them. */
#include <stdio.h>

#include "example.h"

int main(void)
{
	refslab_auto_fd session = must(refslab_open(0));
	struct refslab_collect sweep;
	struct refslab_heap_info info;
	uint64_t a, b;
	uint32_t type;

	must(refslab_heap_create(session, "cycle", 0));
	must(refslab_type_create(session, "knot", 1, 8, 0, &type));

	must(refslab_alloc(session, type, &a));
	must(refslab_alloc(session, type, &b));
	must(refslab_slot_set(session, a, 0, b));
	must(refslab_slot_set(session, b, 0, a));
	must(refslab_close(session, a));
	must(refslab_close(session, b));

	/* Each is still referred to by the other: counting alone would keep both. */
	must(refslab_heap_info(session, &info));
	printf("alive without a handle: %llu\n", info.objects);

	/* The heap's sweeper would find them in time; this does not wait for it. */
	must(refslab_collect(session, 2, &sweep));
	must(refslab_heap_info(session, &info));
	printf("freed by a sweep: %llu, alive: %llu\n", sweep.freed, info.objects);
	return 0;
}
