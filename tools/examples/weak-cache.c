// SPDX-License-Identifier: GPL-2.0
/*
 * A cache that keeps nothing alive: while somebody uses a square it is found,
 * when nobody does it is gone, and computed again when it is wanted again.
 */
#include <stdio.h>

#include "example.h"

#define ENTRIES	16

static int session;
static uint32_t type;
static uint64_t cache[ENTRIES];		/* weak handles */

/* A handle of the object with the square of n, which the caller closes. */
static uint64_t square(unsigned int n)
{
	unsigned int value = n * n;
	uint64_t handle = 0;

	if (cache[n]) {
		must(refslab_upgrade(session, cache[n], &handle));
		if (handle) {
			printf("%u: found\n", n);
			return handle;
		}
		must(refslab_close(session, cache[n]));
	}
	must(refslab_alloc(session, type, &handle));
	must(refslab_write(session, handle, 0, &value, sizeof(value)));
	must(refslab_weak(session, handle, &cache[n]));
	printf("%u: computed\n", n);
	return handle;
}

static void use(unsigned int n)
{
	refslab_auto_ref ref = { session, square(n) };
	refslab_auto_ref again = { session, square(n) };
	unsigned int value;

	must(refslab_read(session, again.handle, 0, &value, sizeof(value)));
	printf("%u: %u\n", n, value);
}

int main(void)
{
	session = must(refslab_open(0));
	must(refslab_heap_create(session, "weak-cache", 0));
	must(refslab_type_create(session, "square", 0, sizeof(unsigned int), 0,
				 &type));
	use(7);
	use(7);
	return 0;
}
