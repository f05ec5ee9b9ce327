// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of /sys/kernel/refslab: what files there are, what they say and take.
 * They are read and written as sysfs does it, but without opening them.
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "fixture.h"
#include "report.h"
#include "sysfs.h"

struct sysfs_file {
	const char *group, *name;
	umode_t mode;
};

static const struct sysfs_file heap_files[] = {
	{ NULL, "threshold0", 0644 },
	{ NULL, "threshold1", 0644 },
	{ NULL, "threshold2", 0644 },
	{ NULL, "count0", 0444 },
	{ NULL, "count1", 0444 },
	{ NULL, "count2", 0444 },
	{ NULL, "enabled", 0644 },
	{ NULL, "collect", 0200 },
	{ NULL, "frozen", 0600 },
	{ NULL, "quarantine", 0644 },
	{ NULL, "quarantined", 0600 },
	{ NULL, "objects", 0444 },
	{ NULL, "broken", 0444 },
	{ "generation0", "runs", 0444 },
	{ "generation0", "examined", 0444 },
	{ "generation0", "freed", 0444 },
	{ "generation0", "unfreed", 0444 },
	{ "generation0", "aborts", 0444 },
	{ "generation0", "time_ns", 0444 },
	{ "generation0", "longest_ns", 0444 },
	{ "generation1", "runs", 0444 },
	{ "generation2", "longest_ns", 0444 },
	{ "pool", "limit", 0644 },
	{ "pool", "reserve", 0644 },
	{ "pool", "low", 0644 },
	{ "pool", "high", 0644 },
	{ "pool", "chunk_bytes", 0444 },
	{ "pool", "bytes", 0444 },
	{ "pool", "cached", 0444 },
	{ "pool", "waiting", 0444 },
	{ "pool", "peak", 0444 },
	{ "pool", "shrunk", 0444 },
};

static const struct sysfs_file type_files[] = {
	{ NULL, "object_size", 0400 },
	{ NULL, "slab_size", 0400 },
	{ NULL, "align", 0400 },
	{ NULL, "slots", 0400 },
	{ NULL, "order", 0400 },
	{ NULL, "objs_per_slab", 0400 },
	{ NULL, "slabs", 0400 },
	{ NULL, "partial", 0400 },
	{ NULL, "objects", 0400 },
	{ NULL, "total_objects", 0400 },
	{ NULL, "magazine_size", 0644 },
	{ NULL, "alloc_slowpath", 0400 },
	{ NULL, "alloc_refill", 0400 },
	{ NULL, "alloc_busy", 0400 },
	{ NULL, "alloc_slab", 0400 },
	{ NULL, "free_slowpath", 0400 },
	{ NULL, "free_flush", 0400 },
	{ NULL, "free_busy", 0400 },
	{ NULL, "free_slab", 0400 },
	{ NULL, "shrink", 0200 },
};

static struct attribute *find(struct kobject *kobj, const char *group,
			      const char *name)
{
	const struct attribute_group **g = kobj->ktype->default_groups;
	struct attribute **attr;

	for (; *g; g++) {
		if (strcmp((*g)->name ?: "", group ?: ""))
			continue;
		for (attr = (*g)->attrs; *attr; attr++)
			if (!strcmp((*attr)->name, name))
				return *attr;
	}
	return NULL;
}

/* A file's number, U64_MAX for what is none. */
static u64 show(struct kunit *test, struct kobject *kobj, const char *group,
		const char *name)
{
	struct attribute *attr = find(kobj, group, name);
	char *page = (char *)__get_free_page(GFP_KERNEL);
	u64 value = U64_MAX;
	ssize_t n = 0;

	KUNIT_ASSERT_NOT_NULL(test, page);
	if (attr)
		n = kobj->ktype->sysfs_ops->show(kobj, attr, page);
	/* one value and the end of the line */
	if (n < 2 || page[n - 1] != '\n' || kstrtou64(page, 10, &value))
		KUNIT_FAIL(test, "%s: \"%.*s\"", name, n > 0 ? (int)n : 0, page);
	free_page((unsigned long)page);
	return value;
}

static ssize_t store(struct kobject *kobj, const char *group, const char *name,
		     const char *text)
{
	struct attribute *attr = find(kobj, group, name);

	if (!attr)
		return -ENOENT;
	return kobj->ktype->sysfs_ops->store(kobj, attr, text, strlen(text));
}

#define EXPECT_SHOW(test, kobj, group, name, value) \
	KUNIT_EXPECT_EQ(test, show(test, kobj, group, name), (u64)(value))

static void expect_files(struct kunit *test, struct kobject *kobj,
			 const struct sysfs_file *file, size_t n)
{
	const struct attribute *attr;

	for (; n--; file++) {
		attr = find(kobj, file->group, file->name);
		if (!attr) {
			KUNIT_FAIL(test, "no file %s", file->name);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, attr->mode, file->mode, "%s", file->name);
		if (attr->mode & 0444)
			show(test, kobj, file->group, file->name);
	}
}

static bool exists(struct kobject *parent, const char *name)
{
	struct kernfs_node *kn = kernfs_find_and_get(parent->sd, name);

	kernfs_put(kn);
	return kn;
}

static void test_files(struct kunit *test)
{
	struct fixture *f = test->priv;

	expect_files(test, &f->heap->kobj, heap_files, ARRAY_SIZE(heap_files));
	expect_files(test, &f->knot->kobj, type_files, ARRAY_SIZE(type_files));
	KUNIT_EXPECT_TRUE(test, exists(f->heap->types_kobj, "knot"));
	KUNIT_EXPECT_TRUE(test, exists(f->heap->kobj.parent, f->heap->name));
	KUNIT_EXPECT_TRUE(test, exists(f->heap->kobj.parent, "version"));
	KUNIT_EXPECT_STREQ(test, kobject_name(f->heap->kobj.parent), "refslab");
}

static void test_parse(struct kunit *test)
{
	static const char * const bad[] = {
		"", "\n", "x", "-1", "1x", "0x1", "1 ", " 1", "1\n\n", "1 2",
		"101", "18446744073709551616", "99999999999999999999999999",
	};
	unsigned int i;
	u64 value = 7;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, sysfs_parse(bad[i], 100, &value), -EINVAL,
				    "\"%s\"", bad[i]);
		KUNIT_EXPECT_EQ(test, value, 7);
	}
	KUNIT_EXPECT_EQ(test, sysfs_parse("100", 100, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 100);
	KUNIT_EXPECT_EQ(test, sysfs_parse("0\n", 100, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 0);
	KUNIT_EXPECT_EQ(test, sysfs_parse("18446744073709551615", U64_MAX, &value), 0);
	KUNIT_EXPECT_EQ(test, value, U64_MAX);
}

static void test_thresholds(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct kobject *kobj = &f->heap->kobj;
	u32 threshold[GENERATIONS];

	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "threshold0", "11\n"), 3);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "threshold1", "22"), 2);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "threshold2", "2147483647"), 10);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "threshold2", "2147483648"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "threshold2", "4294967296"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "threshold1", "many"), -EINVAL);
	refslab_get_thresholds(f->heap, threshold);
	KUNIT_EXPECT_EQ(test, threshold[0], 11);
	KUNIT_EXPECT_EQ(test, threshold[1], 22);
	KUNIT_EXPECT_EQ(test, threshold[2], INT_MAX);
	EXPECT_SHOW(test, kobj, NULL, "threshold0", 11);
	EXPECT_SHOW(test, kobj, NULL, "threshold1", 22);
	EXPECT_SHOW(test, kobj, NULL, "threshold2", INT_MAX);
}

static void test_enabled(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct kobject *kobj = &f->heap->kobj;

	EXPECT_SHOW(test, kobj, NULL, "enabled", 0);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "enabled", "1"), 1);
	KUNIT_EXPECT_TRUE(test, refslab_is_enabled(f->heap));
	EXPECT_SHOW(test, kobj, NULL, "enabled", 1);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "enabled", "2"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "enabled", "off"), -EINVAL);
	KUNIT_EXPECT_TRUE(test, refslab_is_enabled(f->heap));
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "enabled", "0\n"), 2);
	KUNIT_EXPECT_FALSE(test, refslab_is_enabled(f->heap));
}

/* A cycle and a sweep of it, seen through the files. */
static void test_collect(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct kobject *kobj = &f->heap->kobj;
	struct knot *a = knot_make(test, f->knot), *b = knot_make(test, f->knot);

	knot_edge(a, 0, b);
	knot_edge(b, 0, a);
	knot_put(a);
	knot_put(b);
	EXPECT_SHOW(test, kobj, NULL, "objects", 2);
	EXPECT_SHOW(test, kobj, NULL, "count0", 2);

	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "collect", "3"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "collect", "-1"), -EINVAL);
	EXPECT_SHOW(test, kobj, "generation0", "runs", 0);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "collect", "0\n"), 2);
	EXPECT_SHOW(test, kobj, "generation0", "runs", 1);
	EXPECT_SHOW(test, kobj, "generation0", "examined", 2);
	EXPECT_SHOW(test, kobj, "generation0", "freed", 2);
	EXPECT_SHOW(test, kobj, "generation0", "unfreed", 0);
	EXPECT_SHOW(test, kobj, "generation0", "aborts", 0);
	KUNIT_EXPECT_EQ(test, show(test, kobj, "generation0", "time_ns"),
			show(test, kobj, "generation0", "longest_ns"));
	EXPECT_SHOW(test, kobj, "generation1", "runs", 0);
	EXPECT_SHOW(test, kobj, "generation2", "runs", 0);
	EXPECT_SHOW(test, kobj, NULL, "objects", 0);
	EXPECT_SHOW(test, kobj, NULL, "count1", 1);

	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "collect", "2"), 1);
	EXPECT_SHOW(test, kobj, "generation2", "runs", 1);
	EXPECT_SHOW(test, kobj, "generation0", "runs", 1);
}

/* Who looks can tell that a heap sweeps no more. */
static void test_broken(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct knot *a = knot_make(test, f->knot);

	EXPECT_SHOW(test, &f->heap->kobj, NULL, "broken", 0);
	KUNIT_EXPECT_EQ(test, store(&f->heap->kobj, NULL, "collect", "2"), 1);
	expect_in_log("refslab: heap kunit stops sweeping");
	report_sweep_broken(f->heap, &a->link.object, 0);
	unexpect_in_log();
	EXPECT_SHOW(test, &f->heap->kobj, NULL, "broken", 1);
	KUNIT_EXPECT_EQ(test, store(&f->heap->kobj, NULL, "collect", "2"), -EOPNOTSUPP);
	knot_put(a);
}

static void test_pool(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct kobject *kobj = &f->heap->kobj;
	struct pool_usage usage;

	EXPECT_SHOW(test, kobj, "pool", "chunk_bytes", REFSLAB_CHUNK_SIZE);
	KUNIT_EXPECT_EQ(test, store(kobj, "pool", "limit", "1048576"), 7);
	KUNIT_EXPECT_EQ(test, store(kobj, "pool", "high", "262144"), 6);
	KUNIT_EXPECT_EQ(test, store(kobj, "pool", "low", "32768"), 5);
	/* up to whole chunks */
	KUNIT_EXPECT_EQ(test, store(kobj, "pool", "reserve", "32769"), 5);
	EXPECT_SHOW(test, kobj, "pool", "limit", SZ_1M);
	EXPECT_SHOW(test, kobj, "pool", "high", SZ_256K);
	EXPECT_SHOW(test, kobj, "pool", "low", SZ_32K);
	EXPECT_SHOW(test, kobj, "pool", "reserve", SZ_64K);
	KUNIT_EXPECT_GE(test, show(test, kobj, "pool", "bytes"), SZ_64K);
	KUNIT_EXPECT_GE(test, show(test, kobj, "pool", "peak"), SZ_64K);

	KUNIT_EXPECT_EQ(test, store(kobj, "pool", "limit", "0"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, "pool", "limit", "1M"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, "pool", "limit",
				    "18446744073709551615"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, "pool", "reserve", "1048577"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, "pool", "low", "262145"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, "pool", "high", "1"), 1);
	pool_usage(&f->heap->pool, &usage);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_LIMIT], SZ_1M);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_RESERVE], SZ_64K);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_LOW], SZ_32K);
	KUNIT_EXPECT_EQ(test, usage.limit[POOL_HIGH], SZ_32K);
}

static void test_type(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct kobject *kobj = &f->knot->kobj;
	u32 per_slab = f->knot->layout.objects;
	struct knot *knots[3];
	unsigned int i;

	EXPECT_SHOW(test, kobj, NULL, "object_size", sizeof(struct knot));
	EXPECT_SHOW(test, kobj, NULL, "slab_size", f->knot->layout.size);
	EXPECT_SHOW(test, kobj, NULL, "slots", 2);
	EXPECT_SHOW(test, kobj, NULL, "order", REFSLAB_CHUNK_ORDER);
	EXPECT_SHOW(test, kobj, NULL, "objs_per_slab", per_slab);
	EXPECT_SHOW(test, kobj, NULL, "magazine_size", f->knot->path.magazine_size);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "magazine_size", "1"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "magazine_size", "1000000"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "magazine_size", "-1"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "magazine_size", "2"), 1);
	EXPECT_SHOW(test, kobj, NULL, "magazine_size", 2);
	EXPECT_SHOW(test, &f->leaf->kobj, NULL, "slots", 0);
	EXPECT_SHOW(test, kobj, NULL, "slabs", 0);
	EXPECT_SHOW(test, kobj, NULL, "total_objects", 0);

	/* all of one node */
	fixture_stay(test);
	for (i = 0; i < ARRAY_SIZE(knots); i++)
		knots[i] = knot_make(test, f->knot);
	EXPECT_SHOW(test, kobj, NULL, "objects", ARRAY_SIZE(knots));
	EXPECT_SHOW(test, kobj, NULL, "slabs", 1);
	EXPECT_SHOW(test, kobj, NULL, "partial", 1);
	EXPECT_SHOW(test, kobj, NULL, "total_objects", per_slab);
	EXPECT_SHOW(test, &f->leaf->kobj, NULL, "objects", 0);
	for (i = 0; i < ARRAY_SIZE(knots); i++)
		KUNIT_EXPECT_EQ(test, (uintptr_t)knots[i] %
				show(test, kobj, NULL, "align"), 0);

	/* what is empty goes, what is in use stays */
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "shrink", "0"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "shrink", "2"), -EINVAL);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "shrink", "1"), 1);
	EXPECT_SHOW(test, kobj, NULL, "slabs", 1);
	EXPECT_SHOW(test, kobj, NULL, "objects", ARRAY_SIZE(knots));
	for (i = 0; i < ARRAY_SIZE(knots); i++)
		knot_put(knots[i]);
	KUNIT_EXPECT_EQ(test, store(kobj, NULL, "shrink", "1\n"), 2);
	EXPECT_SHOW(test, kobj, NULL, "slabs", 0);
	EXPECT_SHOW(test, kobj, NULL, "objects", 0);
}

/* What is shown comes and goes with types and heaps, also with types in it. */
static void test_come_and_go(struct kunit *test)
{
	const struct refslab_heap_args heap_args = { .name = "kunit-sysfs" };
	const struct refslab_type_args type_args = { .name = "t", .size = 64 };
	struct fixture *f = test->priv;
	struct kobject *root = f->heap->kobj.parent;
	struct refslab_heap *heap = fixture_heap(test, &heap_args);
	struct refslab_type *type = fixture_type(test, heap, &type_args);
	struct kobject *kobj;

	KUNIT_EXPECT_TRUE(test, exists(root, "kunit-sysfs"));
	KUNIT_EXPECT_TRUE(test, exists(&heap->kobj, "types"));
	KUNIT_EXPECT_TRUE(test, exists(heap->types_kobj, "t"));
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(type), 0);
	KUNIT_EXPECT_FALSE(test, exists(heap->types_kobj, "t"));
	type = fixture_type(test, heap, &type_args);

	/* the last reference, not the end of the heap, frees its memory */
	kobj = kobject_get(&type->kobj);
	KUNIT_EXPECT_EQ(test, refslab_heap_destroy(heap), 0);
	KUNIT_EXPECT_FALSE(test, exists(root, "kunit-sysfs"));
	KUNIT_EXPECT_STREQ(test, kobject_name(kobj), "t");
	kobject_put(kobj);
}

static struct kunit_case sysfs_cases[] = {
	KUNIT_CASE(test_files),
	KUNIT_CASE(test_parse),
	KUNIT_CASE(test_thresholds),
	KUNIT_CASE(test_enabled),
	KUNIT_CASE(test_collect),
	KUNIT_CASE(test_broken),
	KUNIT_CASE(test_pool),
	KUNIT_CASE(test_type),
	KUNIT_CASE(test_come_and_go),
	{}
};

static struct kunit_suite sysfs_suite = {
	.name = "refslab_sysfs",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = sysfs_cases,
};

kunit_test_suites(&sysfs_suite);
