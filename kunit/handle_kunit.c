// SPDX-License-Identifier: GPL-2.0
/* Tests of handle tables. */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "fixture.h"
#include "handle.h"

/*
 * The table does not look into objects: for most tests these need not be real,
 * only as many different addresses.
 */
static struct refslab_object fake[4];

static u64 handle_new(struct kunit *test, struct handle_table *table,
		      struct refslab_object *object)
{
	u64 handle = 0;

	KUNIT_ASSERT_EQ(test, handle_reserve(table, &handle), 0);
	handle_install(table, handle, object);
	return handle;
}

static void test_names_its_object(struct kunit *test)
{
	struct handle_table table;
	u64 a, b;

	handle_table_init(&table, 10);
	a = handle_new(test, &table, &fake[0]);
	b = handle_new(test, &table, &fake[1]);
	KUNIT_EXPECT_NE(test, a, 0);
	KUNIT_EXPECT_NE(test, a, b);
	KUNIT_EXPECT_PTR_EQ(test, handle_object(&table, a), &fake[0]);
	KUNIT_EXPECT_PTR_EQ(test, handle_object(&table, b), &fake[1]);
	KUNIT_EXPECT_EQ(test, table.count, 2);
	KUNIT_EXPECT_EQ(test, handle_table_validate(&table), 0);
	handle_table_destroy(&table, false);
}

/* Two handles of one object are two: closing one leaves the other. */
static void test_same_object_twice(struct kunit *test)
{
	struct handle_table table;
	u64 a, b;

	handle_table_init(&table, 10);
	a = handle_new(test, &table, &fake[0]);
	b = handle_new(test, &table, &fake[0]);
	KUNIT_EXPECT_NE(test, a, b);
	KUNIT_EXPECT_PTR_EQ(test, handle_close(&table, a), &fake[0]);
	KUNIT_EXPECT_PTR_EQ(test, handle_object(&table, b), &fake[0]);
	handle_table_destroy(&table, false);
}

static void test_numbers_that_are_no_handles(struct kunit *test)
{
	struct handle_table table;
	u64 handle;

	handle_table_init(&table, 10);
	/* there is no entry at all yet */
	KUNIT_EXPECT_NULL(test, handle_object(&table, 0));
	KUNIT_EXPECT_NULL(test, handle_close(&table, U64_MAX));

	handle = handle_new(test, &table, &fake[0]);
	KUNIT_EXPECT_NULL(test, handle_object(&table, 0));
	KUNIT_EXPECT_NULL(test, handle_object(&table, U64_MAX));
	KUNIT_EXPECT_NULL(test, handle_object(&table, lower_32_bits(handle)));
	/* a free entry under the tag that it will have */
	KUNIT_EXPECT_NULL(test, handle_object(&table, handle + 1));
	/* another tag, an index beyond the table */
	KUNIT_EXPECT_NULL(test, handle_object(&table, handle ^ BIT_ULL(32)));
	KUNIT_EXPECT_NULL(test, handle_object(&table, handle | U32_MAX));
	KUNIT_EXPECT_NULL(test, handle_close(&table, handle | BIT_ULL(31)));
	KUNIT_EXPECT_EQ(test, handle_table_validate(&table), 0);
	handle_table_destroy(&table, false);
}

static void test_closed_handle_is_stale(struct kunit *test)
{
	struct handle_table table;
	u64 old, new;

	handle_table_init(&table, 10);
	old = handle_new(test, &table, &fake[0]);
	KUNIT_EXPECT_PTR_EQ(test, handle_close(&table, old), &fake[0]);
	KUNIT_EXPECT_NULL(test, handle_object(&table, old));
	KUNIT_EXPECT_NULL(test, handle_close(&table, old));

	/* the same entry, another handle */
	new = handle_new(test, &table, &fake[1]);
	KUNIT_EXPECT_EQ(test, lower_32_bits(new), lower_32_bits(old));
	KUNIT_EXPECT_NE(test, new, old);
	KUNIT_EXPECT_NULL(test, handle_object(&table, old));
	KUNIT_EXPECT_PTR_EQ(test, handle_object(&table, new), &fake[1]);
	handle_table_destroy(&table, false);
}

/* The tag wraps without ever being 0, which would make a handle of 0. */
static void test_tag_wraps(struct kunit *test)
{
	struct handle_table table;
	u64 handle;

	handle_table_init(&table, 10);
	table.seed = U32_MAX;
	handle = handle_new(test, &table, &fake[0]);
	KUNIT_EXPECT_EQ(test, upper_32_bits(handle), U32_MAX);
	handle_close(&table, handle);
	handle = handle_new(test, &table, &fake[0]);
	KUNIT_EXPECT_EQ(test, upper_32_bits(handle), 1);
	KUNIT_EXPECT_EQ(test, handle_table_validate(&table), 0);
	handle_table_destroy(&table, false);
}

static void test_reserved_handle_names_nothing(struct kunit *test)
{
	struct handle_table table;
	u64 handle;

	handle_table_init(&table, 10);
	KUNIT_ASSERT_EQ(test, handle_reserve(&table, &handle), 0);
	KUNIT_EXPECT_NULL(test, handle_object(&table, handle));
	KUNIT_EXPECT_NULL(test, handle_close(&table, handle));
	KUNIT_EXPECT_EQ(test, table.count, 1);
	handle_cancel(&table, handle);
	KUNIT_EXPECT_EQ(test, table.count, 0);
	KUNIT_EXPECT_NULL(test, handle_object(&table, handle));
	KUNIT_EXPECT_EQ(test, handle_table_validate(&table), 0);
	handle_table_destroy(&table, false);
}

static void test_limit(struct kunit *test)
{
	struct handle_table table;
	u64 first, handle;

	handle_table_init(&table, 3);
	first = handle_new(test, &table, &fake[0]);
	handle_new(test, &table, &fake[0]);
	handle_new(test, &table, &fake[0]);
	KUNIT_EXPECT_EQ(test, handle_reserve(&table, &handle), -ENOSPC);
	KUNIT_EXPECT_EQ(test, table.count, 3);
	handle_close(&table, first);
	KUNIT_EXPECT_EQ(test, handle_reserve(&table, &handle), 0);
	handle_cancel(&table, handle);
	handle_table_destroy(&table, false);

	/* whatever the module parameter says, a table can be used */
	handle_table_init(&table, 0);
	KUNIT_EXPECT_EQ(test, table.max, 1);
	handle_table_init(&table, U32_MAX);
	KUNIT_EXPECT_EQ(test, table.max, HANDLES_MAX);
}

/* What is a handle in one session means nothing in another. */
static void test_sessions_differ(struct kunit *test)
{
	struct handle_table a, b;
	u64 handle;

	handle_table_init(&a, 10);
	handle_table_init(&b, 10);
	/* by chance they are the same once in 2^32 runs */
	KUNIT_EXPECT_NE(test, a.seed, b.seed);
	handle = handle_new(test, &a, &fake[0]);
	handle_new(test, &b, &fake[1]);
	KUNIT_EXPECT_NULL(test, handle_object(&b, handle));
	handle_table_destroy(&a, false);
	handle_table_destroy(&b, false);
}

/* Beyond the first directory, and back down to nothing. */
static void test_many(struct kunit *test)
{
	const u32 n = 40000;
	struct handle_table table;
	u64 *handles;
	u32 i, wrong = 0;

	handles = kvmalloc_array(n, sizeof(*handles), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, handles);
	handle_table_init(&table, n);
	for (i = 0; i < n; i++)
		handles[i] = handle_new(test, &table, &fake[i % 4]);
	KUNIT_EXPECT_EQ(test, table.count, n);
	KUNIT_EXPECT_EQ(test, handle_table_validate(&table), 0);
	for (i = 0; i < n; i++)
		wrong += handle_object(&table, handles[i]) != &fake[i % 4];
	KUNIT_EXPECT_EQ(test, wrong, 0);
	for (i = 0; i < n; i++)
		wrong += handle_close(&table, handles[i]) != &fake[i % 4];
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, table.count, 0);
	KUNIT_EXPECT_EQ(test, handle_table_validate(&table), 0);

	/* memory that is there is used again */
	i = table.size;
	handle_new(test, &table, &fake[0]);
	KUNIT_EXPECT_EQ(test, table.size, i);
	handle_table_destroy(&table, false);
	kvfree(handles);
}

/* A random walk, compared with an array that holds what should be there. */
static void test_churn(struct kunit *test)
{
	enum { N = 2000, STEPS = 50000 };
	struct refslab_object *object;
	struct rnd_state random;
	struct handle_table table;
	u32 step, i, count = 0, wrong = 0;
	u64 *handles;

	handles = kvcalloc(N, sizeof(*handles), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, handles);
	prandom_seed_state(&random, 1);
	handle_table_init(&table, N);
	for (step = 0; step < STEPS; step++) {
		i = prandom_u32_state(&random) % N;
		object = &fake[i % 4];
		if (!handles[i]) {
			handles[i] = handle_new(test, &table, object);
			count++;
		} else if (step % 3) {
			wrong += handle_close(&table, handles[i]) != object;
			wrong += !!handle_object(&table, handles[i]);
			handles[i] = 0;
			count--;
		} else {
			wrong += handle_object(&table, handles[i]) != object;
		}
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, table.count, count);
	KUNIT_EXPECT_EQ(test, handle_table_validate(&table), 0);
	handle_table_destroy(&table, false);
	kvfree(handles);
}

/* The validator must be able to fail, or its other uses mean nothing. */
static void test_validator_notices(struct kunit *test)
{
	struct handle_table table;

	handle_table_init(&table, 10);
	handle_new(test, &table, &fake[0]);
	table.count++;
	expect_in_log("refslab: a handle table of");
	KUNIT_EXPECT_EQ(test, handle_table_validate(&table), -EUCLEAN);
	unexpect_in_log();
	table.count--;
	KUNIT_EXPECT_EQ(test, handle_table_validate(&table), 0);
	handle_table_destroy(&table, false);
}

/* With real objects: the end of a table gives all references back. */
static void test_destroy_puts(struct kunit *test)
{
	struct refslab_object *kept;
	struct handle_table table;
	struct fixture *f;
	int i;

	KUNIT_ASSERT_EQ(test, fixture_init(test), 0);
	f = test->priv;
	handle_table_init(&table, 1000);
	kept = obj_make(test, f->leaf);
	refslab_get(kept);
	handle_new(test, &table, kept);
	for (i = 0; i < 500; i++)
		handle_new(test, &table, obj_make(test, f->leaf));
	EXPECT_OBJECTS(test, f->leaf, 501);
	handle_table_destroy(&table, true);
	EXPECT_OBJECTS(test, f->leaf, 1);
	KUNIT_EXPECT_EQ(test, refslab_count(kept), 1);
	refslab_put(kept);
	fixture_exit(test);
}

static struct kunit_case handle_cases[] = {
	KUNIT_CASE(test_names_its_object),
	KUNIT_CASE(test_same_object_twice),
	KUNIT_CASE(test_numbers_that_are_no_handles),
	KUNIT_CASE(test_closed_handle_is_stale),
	KUNIT_CASE(test_tag_wraps),
	KUNIT_CASE(test_reserved_handle_names_nothing),
	KUNIT_CASE(test_limit),
	KUNIT_CASE(test_sessions_differ),
	KUNIT_CASE(test_many),
	KUNIT_CASE(test_churn),
	KUNIT_CASE(test_validator_notices),
	KUNIT_CASE(test_destroy_puts),
	{}
};

static struct kunit_suite handle_suite = {
	.name = "refslab_handle",
	.test_cases = handle_cases,
};

kunit_test_suites(&handle_suite);
