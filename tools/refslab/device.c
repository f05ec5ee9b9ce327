// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "device.h"

static int call(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 ? -errno : 0;
}

/* A name that is too long must not become another, shorter one. */
static bool set_name(char to[REFSLAB_NAME_MAX], const char *from)
{
	size_t length = from ? strlen(from) : 0;

	if (length >= REFSLAB_NAME_MAX)
		return false;
	memcpy(to, from ? from : "", length + 1);
	return true;
}

int device_open(void)
{
	int fd = open(DEVICE_PATH, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int device_heap_create(int fd, const char *name, uint64_t limit)
{
	struct refslab_heap_create create = {
		.size = sizeof(create),
		.limit = limit,
	};

	if (!set_name(create.name, name))
		return -EINVAL;
	return call(fd, REFSLAB_HEAP_CREATE, &create);
}

int device_heap_info(int fd, struct refslab_heap_info *info)
{
	*info = (struct refslab_heap_info) { .size = sizeof(*info) };
	return call(fd, REFSLAB_HEAP_INFO, info);
}

int device_heap_limits(int fd, struct refslab_heap_limits *limits)
{
	limits->size = sizeof(*limits);
	return call(fd, REFSLAB_HEAP_LIMITS, limits);
}

int device_type_create(int fd, const char *name, uint32_t slots,
		       uint32_t payload, uint32_t align, uint32_t *type)
{
	struct refslab_type_create create = {
		.size = sizeof(create),
		.slots = slots,
		.payload = payload,
		.align = align,
	};
	int err;

	if (!set_name(create.name, name))
		return -EINVAL;
	err = call(fd, REFSLAB_TYPE_CREATE, &create);
	if (!err)
		*type = create.type;
	return err;
}

int device_type_destroy(int fd, uint32_t type)
{
	struct refslab_type_destroy destroy = {
		.size = sizeof(destroy),
		.type = type,
	};

	return call(fd, REFSLAB_TYPE_DESTROY, &destroy);
}

int device_type_info(int fd, uint32_t type, uint32_t flags,
		     struct refslab_type_info *info)
{
	*info = (struct refslab_type_info) {
		.size = sizeof(*info),
		.flags = flags,
		.type = type,
	};
	return call(fd, REFSLAB_TYPE_INFO, info);
}

int device_alloc(int fd, uint32_t type, uint64_t *handle)
{
	struct refslab_alloc alloc = { .size = sizeof(alloc), .type = type };
	int err = call(fd, REFSLAB_ALLOC, &alloc);

	if (!err)
		*handle = alloc.handle;
	return err;
}

int device_dup(int fd, uint64_t handle, uint64_t *copy)
{
	struct refslab_dup dup = { .size = sizeof(dup), .handle = handle };
	int err = call(fd, REFSLAB_DUP, &dup);

	if (!err)
		*copy = dup.copy;
	return err;
}

int device_close(int fd, uint64_t handle)
{
	struct refslab_close close = { .size = sizeof(close), .handle = handle };

	return call(fd, REFSLAB_CLOSE, &close);
}

int device_weak(int fd, uint64_t handle, uint64_t *weak)
{
	struct refslab_weak_create create = {
		.size = sizeof(create),
		.handle = handle,
	};
	int err = call(fd, REFSLAB_WEAK, &create);

	if (!err)
		*weak = create.weak;
	return err;
}

int device_upgrade(int fd, uint64_t weak, uint64_t *handle)
{
	struct refslab_upgrade upgrade = {
		.size = sizeof(upgrade),
		.weak = weak,
	};
	int err = call(fd, REFSLAB_UPGRADE, &upgrade);

	if (!err)
		*handle = upgrade.handle;
	return err;
}

int device_slot_set(int fd, uint64_t handle, uint32_t slot, uint64_t target)
{
	struct refslab_slot_set set = {
		.size = sizeof(set),
		.handle = handle,
		.slot = slot,
		.target = target,
	};

	return call(fd, REFSLAB_SLOT_SET, &set);
}

int device_slot_load(int fd, uint64_t handle, uint32_t slot, uint64_t *target)
{
	struct refslab_slot_load load = {
		.size = sizeof(load),
		.handle = handle,
		.slot = slot,
	};
	int err = call(fd, REFSLAB_SLOT_LOAD, &load);

	if (!err)
		*target = load.target;
	return err;
}

int device_slot_move(int fd, uint64_t from, uint32_t from_slot, uint64_t to,
		     uint32_t to_slot)
{
	struct refslab_slot_move move = {
		.size = sizeof(move),
		.from = from,
		.to = to,
		.from_slot = from_slot,
		.to_slot = to_slot,
	};

	return call(fd, REFSLAB_SLOT_MOVE, &move);
}

static int payload(int fd, unsigned long request, uint64_t handle,
		   uint32_t offset, const void *buffer, uint32_t length)
{
	struct refslab_io io = {
		.size = sizeof(io),
		.handle = handle,
		.offset = offset,
		.length = length,
		.buffer = (uintptr_t)buffer,
	};

	return call(fd, request, &io);
}

int device_read(int fd, uint64_t handle, uint32_t offset, void *buffer,
		uint32_t length)
{
	return payload(fd, REFSLAB_READ, handle, offset, buffer, length);
}

int device_write(int fd, uint64_t handle, uint32_t offset, const void *buffer,
		 uint32_t length)
{
	return payload(fd, REFSLAB_WRITE, handle, offset, buffer, length);
}

int device_object_info(int fd, uint64_t handle, struct refslab_object_info *info)
{
	*info = (struct refslab_object_info) {
		.size = sizeof(*info),
		.handle = handle,
	};
	return call(fd, REFSLAB_OBJECT_INFO, info);
}

int device_objects(int fd, uint32_t type, uint32_t generation, uint64_t *cursor,
		   uint64_t *handles, uint32_t *count)
{
	struct refslab_objects objects = {
		.size = sizeof(objects),
		.type = type,
		.generation = generation,
		.cursor = *cursor,
		.count = *count,
		.handles = (uintptr_t)handles,
	};
	int err = call(fd, REFSLAB_OBJECTS, &objects);

	if (!err) {
		*cursor = objects.cursor;
		*count = objects.count;
	}
	return err;
}

int device_referrers(int fd, uint64_t handle, uint64_t *cursor,
		     uint64_t *handles, uint32_t *count)
{
	struct refslab_referrers referrers = {
		.size = sizeof(referrers),
		.handle = handle,
		.cursor = *cursor,
		.count = *count,
		.handles = (uintptr_t)handles,
	};
	int err = call(fd, REFSLAB_REFERRERS, &referrers);

	if (!err) {
		*cursor = referrers.cursor;
		*count = referrers.count;
	}
	return err;
}

int device_thresholds_get(int fd, uint32_t threshold[REFSLAB_GENERATIONS])
{
	struct refslab_thresholds thresholds = { .size = sizeof(thresholds) };
	int err = call(fd, REFSLAB_THRESHOLDS, &thresholds);

	if (!err)
		memcpy(threshold, thresholds.threshold,
		       sizeof(thresholds.threshold));
	return err;
}

int device_thresholds_set(int fd, const uint32_t threshold[REFSLAB_GENERATIONS])
{
	struct refslab_thresholds thresholds = {
		.size = sizeof(thresholds),
		.flags = REFSLAB_THRESHOLDS_SET,
	};

	memcpy(thresholds.threshold, threshold, sizeof(thresholds.threshold));
	return call(fd, REFSLAB_THRESHOLDS, &thresholds);
}

int device_enable_get(int fd, uint32_t *enabled)
{
	struct refslab_enable enable = { .size = sizeof(enable) };
	int err = call(fd, REFSLAB_ENABLE, &enable);

	if (!err)
		*enabled = enable.enabled;
	return err;
}

int device_enable_set(int fd, uint32_t enabled)
{
	struct refslab_enable enable = {
		.size = sizeof(enable),
		.flags = REFSLAB_ENABLE_SET,
		.enabled = enabled,
	};

	return call(fd, REFSLAB_ENABLE, &enable);
}

int device_counts(int fd, int64_t count[REFSLAB_GENERATIONS])
{
	struct refslab_counts counts = { .size = sizeof(counts) };
	int err = call(fd, REFSLAB_COUNTS, &counts);

	if (!err)
		memcpy(count, counts.count, sizeof(counts.count));
	return err;
}

int device_stats(int fd, uint32_t generation, struct refslab_stats *stats)
{
	*stats = (struct refslab_stats) {
		.size = sizeof(*stats),
		.generation = generation,
	};
	return call(fd, REFSLAB_STATS, stats);
}

int device_collect(int fd, uint32_t generation, struct refslab_collect *collect)
{
	*collect = (struct refslab_collect) {
		.size = sizeof(*collect),
		.generation = generation,
	};
	return call(fd, REFSLAB_COLLECT, collect);
}

int device_freeze(int fd, uint32_t flags, uint64_t *objects)
{
	struct refslab_freeze freeze = { .size = sizeof(freeze), .flags = flags };
	int err = call(fd, REFSLAB_FREEZE, &freeze);

	if (!err)
		*objects = freeze.objects;
	return err;
}

int device_quarantine(int fd, struct refslab_quarantine *quarantine)
{
	quarantine->size = sizeof(*quarantine);
	return call(fd, REFSLAB_QUARANTINE, quarantine);
}

const char *device_error(int err)
{
	static const struct {
		int err;
		const char *text;
	} texts[] = {
		{ ENOTTY, "this kernel's refslab does not know the call" },
		{ EINVAL, "a value is out of its range" },
		{ E2BIG, "this kernel's refslab is older than this program" },
		{ ENXIO, "the session has no heap" },
		{ EBADF, "no such handle in this session" },
		{ EOVERFLOW, "the object has all references or weak handles it may have" },
		{ ENOENT, "no such type in this heap" },
		{ ENOSPC, "the heap's limit, or that of its handles or types, is reached" },
		{ ENOMEM, "the kernel or the memory cgroup has no memory left" },
		{ EEXIST, "the name is taken" },
		{ EXDEV, "the object is of another heap" },
		{ EOPNOTSUPP, "the heap's sweeper has stopped after an internal error" },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].err == -err)
			return texts[i].text;
	return strerror(-err);
}
