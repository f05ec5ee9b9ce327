/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of /dev/refslab, one function each. All return 0 or a negative
 * errno, so that nothing between the call and its message can change errno.
 */
#ifndef REFSLAB_DEVICE_H
#define REFSLAB_DEVICE_H

#include <stddef.h>
#include <stdint.h>
#include <linux/refslab.h>

#define DEVICE_PATH	"/dev/refslab"

/* A new session; returns its descriptor or a negative errno. */
int device_open(void);

int device_heap_create(int fd, const char *name, uint64_t limit);
int device_heap_info(int fd, struct refslab_heap_info *info);
int device_heap_limits(int fd, struct refslab_heap_limits *limits);

int device_type_create(int fd, const char *name, uint32_t slots,
		       uint32_t payload, uint32_t align, uint32_t *type);
int device_type_destroy(int fd, uint32_t type);
int device_type_info(int fd, uint32_t type, uint32_t flags,
		     struct refslab_type_info *info);

int device_alloc(int fd, uint32_t type, uint64_t *handle);
int device_dup(int fd, uint64_t handle, uint64_t *copy);
int device_close(int fd, uint64_t handle);
int device_weak(int fd, uint64_t handle, uint64_t *weak);
int device_upgrade(int fd, uint64_t weak, uint64_t *handle);

int device_slot_set(int fd, uint64_t handle, uint32_t slot, uint64_t target);
int device_slot_load(int fd, uint64_t handle, uint32_t slot, uint64_t *target);
int device_slot_move(int fd, uint64_t from, uint32_t from_slot, uint64_t to,
		     uint32_t to_slot);

int device_read(int fd, uint64_t handle, uint32_t offset, void *buffer,
		uint32_t length);
int device_write(int fd, uint64_t handle, uint32_t offset, const void *buffer,
		 uint32_t length);
int device_object_info(int fd, uint64_t handle, struct refslab_object_info *info);

/*
 * Fill handles, which has room for *count, and say in *count how many there are.
 * From a cursor of 0 to one of 0.
 */
int device_objects(int fd, uint32_t type, uint32_t generation, uint64_t *cursor,
		   uint64_t *handles, uint32_t *count);
int device_referrers(int fd, uint64_t handle, uint64_t *cursor,
		     uint64_t *handles, uint32_t *count);

int device_thresholds_get(int fd, uint32_t threshold[REFSLAB_GENERATIONS]);
int device_thresholds_set(int fd, const uint32_t threshold[REFSLAB_GENERATIONS]);
int device_enable_get(int fd, uint32_t *enabled);
int device_enable_set(int fd, uint32_t enabled);
int device_counts(int fd, int64_t count[REFSLAB_GENERATIONS]);
int device_stats(int fd, uint32_t generation, struct refslab_stats *stats);
int device_collect(int fd, uint32_t generation, struct refslab_collect *collect);

/* One of REFSLAB_FREEZE_*, or 0 to ask. */
int device_freeze(int fd, uint32_t flags, uint64_t *objects);

/* The structure is used as it is but for its size; see there. */
int device_quarantine(int fd, struct refslab_quarantine *quarantine);

/* What a negative errno of these calls means, in words. */
const char *device_error(int err);

#endif
