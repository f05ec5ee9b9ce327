// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/refslab: the directory, and one in it for each heap.
 * Documentation/ABI/testing/sysfs-kernel-refslab says what the files mean.
 *
 * The kobject is part of the heap, so the heap's memory goes with the kobject's
 * last reference. Adding and removing is about what can be seen; that reference
 * is the caller's to drop, also where adding failed.
 */
#include "sysfs.h"

#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "heap.h"

/**
 * struct heap_attr - a file of a heap
 * @attr: what sysfs knows of it
 * @index: which threshold, generation or limit it is about
 * @offset: byte of the field it shows
 */
struct heap_attr {
	struct kobj_attribute attr;
	u16	index;
	u16	offset;
};

#define HEAP_ATTR(_var, _name, _mode, _show, _store, ...)		\
	static struct heap_attr _var = {				\
		.attr = __ATTR(_name, _mode, _show, _store),		\
		__VA_ARGS__						\
	}

static struct kobject *root;

static struct refslab_heap *to_heap(struct kobject *kobj)
{
	return container_of(kobj, struct refslab_heap, kobj);
}

static const struct heap_attr *to_attr(struct kobj_attribute *attr)
{
	return container_of(attr, struct heap_attr, attr);
}

/* A decimal number and nothing else, or -EINVAL whatever is wrong with it. */
int sysfs_parse(const char *buf, u64 max, u64 *value)
{
	u64 parsed;

	if (kstrtou64(buf, 10, &parsed) || parsed > max)
		return -EINVAL;
	*value = parsed;
	return 0;
}

/* --- the heap's own files --- */

static ssize_t threshold_show(struct kobject *kobj, struct kobj_attribute *attr,
			      char *buf)
{
	u32 threshold[GENERATIONS];

	refslab_get_thresholds(to_heap(kobj), threshold);
	return sysfs_emit(buf, "%u\n", threshold[to_attr(attr)->index]);
}

static ssize_t threshold_store(struct kobject *kobj, struct kobj_attribute *attr,
			       const char *buf, size_t count)
{
	static DEFINE_MUTEX(lock);
	struct refslab_heap *heap = to_heap(kobj);
	u32 threshold[GENERATIONS];
	u64 value;
	int err;

	err = sysfs_parse(buf, U32_MAX, &value);
	if (err)
		return err;
	/* two writers of two files both get what they want */
	mutex_lock(&lock);
	refslab_get_thresholds(heap, threshold);
	threshold[to_attr(attr)->index] = value;
	err = refslab_set_thresholds(heap, threshold);
	mutex_unlock(&lock);
	return err ?: count;
}

static ssize_t count_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	s64 count[GENERATIONS];

	refslab_get_counts(to_heap(kobj), count);
	return sysfs_emit(buf, "%lld\n", count[to_attr(attr)->index]);
}

static ssize_t enabled_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%d\n", refslab_is_enabled(to_heap(kobj)));
}

static ssize_t enabled_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	u64 value;
	int err;

	err = sysfs_parse(buf, 1, &value);
	if (err)
		return err;
	refslab_set_enabled(to_heap(kobj), value);
	return count;
}

static ssize_t collect_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	u64 generation;
	int err;

	err = sysfs_parse(buf, GENERATIONS - 1, &generation);
	if (err)
		return err;
	return refslab_collect(to_heap(kobj), generation, NULL) ?: count;
}

static ssize_t frozen_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%lu\n", refslab_frozen(to_heap(kobj)));
}

static ssize_t frozen_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	struct refslab_heap *heap = to_heap(kobj);
	u64 value;
	long n;
	int err;

	err = sysfs_parse(buf, 1, &value);
	if (err)
		return err;
	n = value ? refslab_freeze(heap) : refslab_unfreeze(heap);
	return n < 0 ? n : count;
}

static ssize_t quarantine_show(struct kobject *kobj, struct kobj_attribute *attr,
			       char *buf)
{
	return sysfs_emit(buf, "%d\n", refslab_get_quarantine(to_heap(kobj)));
}

static ssize_t quarantine_store(struct kobject *kobj, struct kobj_attribute *attr,
				const char *buf, size_t count)
{
	u64 value;
	int err;

	err = sysfs_parse(buf, 1, &value);
	if (err)
		return err;
	refslab_set_quarantine(to_heap(kobj), value);
	return count;
}

static ssize_t quarantined_show(struct kobject *kobj, struct kobj_attribute *attr,
				char *buf)
{
	return sysfs_emit(buf, "%lu\n", refslab_quarantined(to_heap(kobj)));
}

static ssize_t quarantined_store(struct kobject *kobj,
				 struct kobj_attribute *attr,
				 const char *buf, size_t count)
{
	u64 value;
	long n;
	int err;

	err = sysfs_parse(buf, 0, &value);
	if (err)
		return err;
	n = refslab_drain_quarantine(to_heap(kobj));
	return n < 0 ? n : count;
}

static ssize_t log_sweeps_show(struct kobject *kobj, struct kobj_attribute *attr,
			       char *buf)
{
	return sysfs_emit(buf, "%d\n", refslab_get_logging(to_heap(kobj)));
}

static ssize_t log_sweeps_store(struct kobject *kobj, struct kobj_attribute *attr,
				const char *buf, size_t count)
{
	u64 value;
	int err;

	err = sysfs_parse(buf, 1, &value);
	if (err)
		return err;
	refslab_set_logging(to_heap(kobj), value);
	return count;
}

static ssize_t objects_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%lu\n", heap_objects(to_heap(kobj)));
}

static ssize_t broken_show(struct kobject *kobj, struct kobj_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_heap(kobj)->sweep.broken));
}

HEAP_ATTR(threshold0, threshold0, 0644, threshold_show, threshold_store,
	  .index = 0);
HEAP_ATTR(threshold1, threshold1, 0644, threshold_show, threshold_store,
	  .index = 1);
HEAP_ATTR(threshold2, threshold2, 0644, threshold_show, threshold_store,
	  .index = 2);
HEAP_ATTR(count0, count0, 0444, count_show, NULL, .index = 0);
HEAP_ATTR(count1, count1, 0444, count_show, NULL, .index = 1);
HEAP_ATTR(count2, count2, 0444, count_show, NULL, .index = 2);
HEAP_ATTR(enabled, enabled, 0644, enabled_show, enabled_store);
HEAP_ATTR(collect, collect, 0200, NULL, collect_store);
/* Reading one of these walks the heap. */
HEAP_ATTR(frozen, frozen, 0600, frozen_show, frozen_store);
HEAP_ATTR(quarantined, quarantined, 0600, quarantined_show, quarantined_store);
HEAP_ATTR(quarantine, quarantine, 0644, quarantine_show, quarantine_store);
HEAP_ATTR(log_sweeps, log_sweeps, 0644, log_sweeps_show, log_sweeps_store);
HEAP_ATTR(objects, objects, 0444, objects_show, NULL);
HEAP_ATTR(broken, broken, 0444, broken_show, NULL);

static struct attribute *heap_attrs[] = {
	&threshold0.attr.attr,
	&threshold1.attr.attr,
	&threshold2.attr.attr,
	&count0.attr.attr,
	&count1.attr.attr,
	&count2.attr.attr,
	&enabled.attr.attr,
	&collect.attr.attr,
	&frozen.attr.attr,
	&quarantine.attr.attr,
	&quarantined.attr.attr,
	&log_sweeps.attr.attr,
	&objects.attr.attr,
	&broken.attr.attr,
	NULL
};

static const struct attribute_group heap_group = {
	.attrs = heap_attrs,
};

/* --- generation0 to generation2 --- */

static ssize_t stat_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	const struct heap_attr *stat = to_attr(attr);
	const void *stats = &to_heap(kobj)->sweep.stats[stat->index];

	return sysfs_emit(buf, "%llu\n",
			  READ_ONCE(*(const u64 *)(stats + stat->offset)));
}

#define STAT_ATTR(_generation, _name)					\
	HEAP_ATTR(_name##_generation, _name, 0444, stat_show, NULL,	\
		  .index = _generation,					\
		  .offset = offsetof(struct sweep_stats, _name))

#define GENERATION_GROUP(_generation)					\
	STAT_ATTR(_generation, runs);					\
	STAT_ATTR(_generation, candidates);				\
	STAT_ATTR(_generation, examined);				\
	STAT_ATTR(_generation, freed);					\
	STAT_ATTR(_generation, unfreed);				\
	STAT_ATTR(_generation, aborts);					\
	STAT_ATTR(_generation, time_ns);				\
	STAT_ATTR(_generation, longest_ns);				\
									\
	static struct attribute *generation##_generation##_attrs[] = {	\
		&runs##_generation.attr.attr,				\
		&candidates##_generation.attr.attr,			\
		&examined##_generation.attr.attr,			\
		&freed##_generation.attr.attr,				\
		&unfreed##_generation.attr.attr,			\
		&aborts##_generation.attr.attr,				\
		&time_ns##_generation.attr.attr,			\
		&longest_ns##_generation.attr.attr,			\
		NULL							\
	};								\
									\
	static const struct attribute_group generation##_generation##_group = { \
		.name = "generation" #_generation,			\
		.attrs = generation##_generation##_attrs,		\
	}

GENERATION_GROUP(0);
GENERATION_GROUP(1);
GENERATION_GROUP(2);

/* --- pool --- */

static ssize_t limit_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	struct pool_usage usage;

	pool_usage(&to_heap(kobj)->pool, &usage);
	return sysfs_emit(buf, "%llu\n", usage.limit[to_attr(attr)->index]);
}

static ssize_t limit_store(struct kobject *kobj, struct kobj_attribute *attr,
			   const char *buf, size_t count)
{
	unsigned int index = to_attr(attr)->index;
	u64 bytes[POOL_LIMITS] = {};
	int err;

	err = sysfs_parse(buf, U64_MAX, &bytes[index]);
	if (err)
		return err;
	return pool_set_limits(&to_heap(kobj)->pool, BIT(index), bytes) ?: count;
}

static ssize_t usage_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	struct pool_usage usage;

	pool_usage(&to_heap(kobj)->pool, &usage);
	return sysfs_emit(buf, "%llu\n",
			  *(u64 *)((void *)&usage + to_attr(attr)->offset));
}

static ssize_t chunk_bytes_show(struct kobject *kobj,
				struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", REFSLAB_CHUNK_SIZE);
}

#define LIMIT_ATTR(_var, _name, _index)					\
	HEAP_ATTR(_var, _name, 0644, limit_show, limit_store, .index = _index)

#define USAGE_ATTR(_var, _name, _field)					\
	HEAP_ATTR(_var, _name, 0444, usage_show, NULL,			\
		  .offset = offsetof(struct pool_usage, _field))

LIMIT_ATTR(pool_limit, limit, POOL_LIMIT);
LIMIT_ATTR(pool_reserve, reserve, POOL_RESERVE);
LIMIT_ATTR(pool_low, low, POOL_LOW);
LIMIT_ATTR(pool_high, high, POOL_HIGH);
HEAP_ATTR(pool_chunk_bytes, chunk_bytes, 0444, chunk_bytes_show, NULL);
USAGE_ATTR(pool_bytes, bytes, held);
USAGE_ATTR(pool_cached, cached, cached);
USAGE_ATTR(pool_waiting, waiting, waiting);
USAGE_ATTR(pool_peak, peak, peak);
USAGE_ATTR(pool_shrunk, shrunk, shrunk);

static struct attribute *pool_attrs[] = {
	&pool_limit.attr.attr,
	&pool_reserve.attr.attr,
	&pool_low.attr.attr,
	&pool_high.attr.attr,
	&pool_chunk_bytes.attr.attr,
	&pool_bytes.attr.attr,
	&pool_cached.attr.attr,
	&pool_waiting.attr.attr,
	&pool_peak.attr.attr,
	&pool_shrunk.attr.attr,
	NULL
};

static const struct attribute_group pool_group = {
	.name = "pool",
	.attrs = pool_attrs,
};

/* --- heaps --- */

static const struct attribute_group *heap_groups[] = {
	&heap_group,
	&generation0_group,
	&generation1_group,
	&generation2_group,
	&pool_group,
	NULL
};

static void heap_release(struct kobject *kobj)
{
	heap_free(to_heap(kobj));
}

static const struct kobj_type heap_ktype = {
	.release	= heap_release,
	.sysfs_ops	= &kobj_sysfs_ops,
	.default_groups	= heap_groups,
};

/* --- the directory of the heaps --- */

static ssize_t version_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%s\n", REFSLAB_VERSION);
}

static struct kobj_attribute version_attr = __ATTR_RO(version);

static struct attribute *root_attrs[] = {
	&version_attr.attr,
	NULL
};

static const struct attribute_group root_group = {
	.attrs = root_attrs,
};

/**
 * sysfs_add_heap - show a heap
 * @heap: ready for use; nothing in the directory has its name, now or until this
 *	returns
 *
 * From here on the heap's memory goes by kobject_put(&heap->kobj), also if this
 * fails.
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM.
 */
int sysfs_add_heap(struct refslab_heap *heap)
{
	int err;

	kobject_init(&heap->kobj, &heap_ktype);
	err = kobject_add(&heap->kobj, root, "%s", heap->name);
	if (err)
		return err;
	heap->types_kobj = kobject_create_and_add("types", &heap->kobj);
	if (!heap->types_kobj) {
		kobject_del(&heap->kobj);
		return -ENOMEM;
	}
	return 0;
}

/**
 * sysfs_remove_heap - show a heap no more
 * @heap: the heap
 *
 * When it returns no file of the heap or of its types is being read or written,
 * nor will be. Types that are still shown are to be removed afterwards.
 *
 * Context: May sleep; waits for those at a file, so hold no lock that a sweep
 *	takes.
 */
void sysfs_remove_heap(struct refslab_heap *heap)
{
	kobject_del(heap->types_kobj);
	kobject_put(heap->types_kobj);
	heap->types_kobj = NULL;
	kobject_del(&heap->kobj);
}

int sysfs_init(void)
{
	int err;

	root = kobject_create_and_add("refslab", kernel_kobj);
	if (!root)
		return -ENOMEM;
	err = sysfs_create_group(root, &root_group);
	if (err)
		kobject_put(root);
	return err;
}

void sysfs_exit(void)
{
	sysfs_remove_group(root, &root_group);
	kobject_put(root);
}
