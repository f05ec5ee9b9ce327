/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of sharing share: its calls, and descriptors on their way. */
#ifndef REFSLAB_TEST_SHARING_H
#define REFSLAB_TEST_SHARING_H

#include "client.h"

/* The calls; descriptors or negative errors where they make one. */
int invite(int fd, uint32_t flags, uint64_t limit);
int join(int fd, int invitation);
int export_of(int fd, uint64_t handle, uint32_t flags);
int import(int fd, int exported, uint64_t *handle);
int root_set(int fd, const char *name, uint64_t handle, uint32_t flags);
int root_get(int fd, const char *name, uint64_t *handle);
int root_next(int fd, char name[REFSLAB_NAME_MAX]);
int dup_flags(int fd, uint64_t handle, uint32_t flags, uint64_t *copy);
int cmpxchg(int fd, uint64_t handle, uint32_t slot, uint64_t expected,
	    uint64_t target);

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

/* Descriptors over a UNIX socket. */
int send_fds(int socket, const int *fds, unsigned int n);
int receive_fd(int socket);		/* -1 if the other end is gone */

/* How many descriptors this process has. */
unsigned int open_fds(void);

/* Whether a heap of that name is there. */
bool heap_exists(const char *name);

#endif
