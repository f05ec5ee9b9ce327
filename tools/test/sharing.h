/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of sharing share. */
#ifndef REFSLAB_TEST_SHARING_H
#define REFSLAB_TEST_SHARING_H

#include "client.h"

/* A type with mapped payloads; a descriptor of the payload of one object. */
int mapped_type_create(int fd, uint32_t slots, uint32_t payload, uint32_t *type);
uint32_t mapped_type(int fd, uint32_t slots, uint32_t payload);
int map_of(int fd, uint64_t handle, uint32_t flags, uint64_t *length);

/* A session that has joined by an invitation which is closed again. */
int joined(int fd, uint32_t flags, uint64_t limit);

/* What must be there. */
uint64_t imported(int fd, int exported);
uint64_t root(int fd, const char *name);
bool is_read_only(int fd, uint64_t handle);

/* Several descriptors at once over a UNIX socket. */
int send_fds(int socket, const int *fds, unsigned int n);

/* How many descriptors this process has. */
unsigned int open_fds(void);

/* Whether a heap of that name is there. */
bool heap_exists(const char *name);

#endif
