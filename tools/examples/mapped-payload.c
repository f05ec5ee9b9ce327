// SPDX-License-Identifier: GPL-2.0
/* A payload in one's own memory: written by pointer, read by call. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "example.h"

#define BYTES	65536

int main(void)
{
	refslab_auto_fd session = must(refslab_open(0));
	refslab_auto_mapping picture = { 0 };
	struct refslab_heap_info info;
	uint64_t handle;
	uint32_t type;
	char text[8];

	must(refslab_heap_create(session, "mapped-payload", 0));
	must(refslab_type_create_mapped(session, "picture", 0, BYTES, &type));
	must(refslab_alloc(session, type, &handle));
	must(refslab_map_payload(session, handle, 0, &picture));

	memcpy((char *)picture.address + 40000, "a pixel", 8);
	must(refslab_read(session, handle, 40000, text, sizeof(text)));
	printf("%zu bytes, read by call: %s\n", picture.length, text);

	/* The mapping is a reference: the object lives without a handle. */
	must(refslab_close(session, handle));
	must(refslab_heap_info(session, &info));
	printf("handles: %llu, objects: %llu\n", info.handles, info.objects);
	must(refslab_unmap_payload(&picture));
	/* its release gives pages back, and that is left to a worker */
	do {
		usleep(1000);
		must(refslab_heap_info(session, &info));
	} while (info.objects);
	printf("after unmapping: %llu\n", info.objects);
	return 0;
}
