// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/refslab/<heap>/types: a directory for each type. Files are called
 * as in /sys/kernel/slab where they mean the same.
 */
#include "sysfs.h"

#include <linux/kobject.h>
#include <linux/nodemask.h>
#include <linux/sysfs.h>

#include "heap.h"

static struct refslab_type *to_type(struct kobject *kobj)
{
	return container_of(kobj, struct refslab_type, kobj);
}

#define TYPE_ATTR(_name, _value)					\
	static ssize_t _name##_show(struct kobject *kobj,		\
				    struct kobj_attribute *attr, char *buf) \
	{								\
		const struct refslab_type *type __maybe_unused = to_type(kobj); \
									\
		return sysfs_emit(buf, "%lu\n", (unsigned long)(_value)); \
	}								\
	static struct kobj_attribute _name##_attr = __ATTR_RO_MODE(_name, 0400)

TYPE_ATTR(object_size, type->size);
TYPE_ATTR(slab_size, type->layout.size);
/* what all addresses from layout.first on in steps of layout.size share */
TYPE_ATTR(align, BIT(__ffs(type->layout.first | type->layout.size)));
TYPE_ATTR(slots, type->slots);
TYPE_ATTR(order, REFSLAB_CHUNK_ORDER);
TYPE_ATTR(objs_per_slab, type->layout.objects);
TYPE_ATTR(slabs, type_sum(type, slabs));
TYPE_ATTR(partial, type_sum(type, partial_count));
TYPE_ATTR(objects, refslab_type_objects(type));
TYPE_ATTR(total_objects, type_sum(type, slabs) * type->layout.objects);
TYPE_ATTR(alloc_slowpath, counter_sum(type->counters, ALLOC_SLOWPATH));
TYPE_ATTR(alloc_refill, counter_sum(type->counters, ALLOC_REFILL));
TYPE_ATTR(alloc_busy, counter_sum(type->counters, ALLOC_BUSY));
TYPE_ATTR(alloc_slab, counter_sum(type->counters, ALLOC_SLAB));
TYPE_ATTR(free_slowpath, counter_sum(type->counters, FREE_SLOWPATH));
TYPE_ATTR(free_flush, counter_sum(type->counters, FREE_FLUSH));
TYPE_ATTR(free_busy, counter_sum(type->counters, FREE_BUSY));
TYPE_ATTR(free_slab, counter_sum(type->counters, FREE_SLAB));

static ssize_t magazine_size_show(struct kobject *kobj, struct kobj_attribute *attr,
				  char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(to_type(kobj)->path.magazine_size));
}

static ssize_t magazine_size_store(struct kobject *kobj, struct kobj_attribute *attr,
				   const char *buf, size_t count)
{
	u64 value;
	int err;

	err = sysfs_parse(buf, U32_MAX, &value);
	if (err)
		return err;
	return magazine_set_size(to_type(kobj), value) ?: count;
}

static struct kobj_attribute magazine_size_attr = __ATTR_RW(magazine_size);

static ssize_t shrink_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	struct refslab_type *type = to_type(kobj);
	u64 value;
	int err;

	err = sysfs_parse(buf, 1, &value);
	if (err || !value)
		return -EINVAL;
	if (!magazine_try_drain(type))
		return -EAGAIN;
	slab_shrink(type);
	return count;
}

static struct kobj_attribute shrink_attr = __ATTR(shrink, 0200, NULL, shrink_store);

static struct attribute *type_attrs[] = {
	&object_size_attr.attr,
	&slab_size_attr.attr,
	&align_attr.attr,
	&slots_attr.attr,
	&order_attr.attr,
	&objs_per_slab_attr.attr,
	&slabs_attr.attr,
	&partial_attr.attr,
	&objects_attr.attr,
	&total_objects_attr.attr,
	&magazine_size_attr.attr,
	&alloc_slowpath_attr.attr,
	&alloc_refill_attr.attr,
	&alloc_busy_attr.attr,
	&alloc_slab_attr.attr,
	&free_slowpath_attr.attr,
	&free_flush_attr.attr,
	&free_busy_attr.attr,
	&free_slab_attr.attr,
	&shrink_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(type);

static void type_release(struct kobject *kobj)
{
	type_free(to_type(kobj));
}

static const struct kobj_type type_ktype = {
	.release	= type_release,
	.sysfs_ops	= &kobj_sysfs_ops,
	.default_groups	= type_groups,
};

/**
 * sysfs_add_type - show a type
 * @type: ready for use; its name is not taken in the heap
 *
 * From here on the type's memory goes by kobject_put(&type->kobj), also if this
 * fails.
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM.
 */
int sysfs_add_type(struct refslab_type *type)
{
	kobject_init(&type->kobj, &type_ktype);
	return kobject_add(&type->kobj, type->heap->types_kobj, "%s", type->name);
}

/**
 * sysfs_remove_type - show a type no more
 * @type: of which nobody allocates any more
 *
 * When it returns no file of the type is being read or written, nor will be.
 *
 * Context: May sleep; waits for those at a file.
 */
void sysfs_remove_type(struct refslab_type *type)
{
	kobject_del(&type->kobj);
}
