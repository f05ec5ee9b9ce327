// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what sharing rests on: accounts, roots, rights of handles. What needs
 * descriptors is tested from user space.
 */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "account.h"
#include "fixture.h"
#include "handle.h"
#include "root.h"

#define LIMIT	(100 * sizeof(struct knot))

static struct refslab_type *counted_type(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type;

	type = refslab_type_create(f->heap, &(struct refslab_type_args){
			.name = "counted", .size = sizeof(struct knot), .slots = 2,
			.slot_offset = offsetof(struct knot, slot),
			.flags = REFSLAB_TYPE_WEAK });
	KUNIT_ASSERT_FALSE(test, IS_ERR(type));
	return type;
}

static u32 new_account(struct kunit *test)
{
	struct fixture *f = test->priv;
	int number = account_open(f->heap);

	KUNIT_ASSERT_GT(test, number, 0);
	KUNIT_ASSERT_LT(test, number, ACCOUNTS_MAX);
	return number;
}

static struct refslab_object *counted(struct kunit *test, struct refslab_type *type,
				      u32 account)
{
	struct refslab_object *obj = account_alloc(type, account, LIMIT);

	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	return obj;
}

static void test_account(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = counted_type(test);
	u32 a = new_account(test), b = new_account(test);
	const u64 one = type->layout.size;
	struct refslab_object *objs[100], *more;
	unsigned int i, n = LIMIT / one;

	KUNIT_EXPECT_NE(test, a, b);
	KUNIT_EXPECT_EQ(test, account_bytes(f->heap, a), 0);
	for (i = 0; i < n; i++)
		objs[i] = counted(test, type, a);
	KUNIT_EXPECT_EQ(test, account_bytes(f->heap, a), n * one);
	more = account_alloc(type, a, LIMIT);
	KUNIT_EXPECT_PTR_EQ(test, more, ERR_PTR(-ENOSPC));
	/* neither another's, nor what is on none */
	more = counted(test, type, b);
	KUNIT_EXPECT_EQ(test, account_bytes(f->heap, b), one);
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);
	refslab_put(more);
	KUNIT_EXPECT_EQ(test, account_bytes(f->heap, b), 0);
	more = refslab_alloc(type, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, more);
	refslab_put(more);
	KUNIT_EXPECT_EQ(test, account_bytes(f->heap, a), n * one);
	for (i = 0; i < n; i++) {
		refslab_put(objs[i]);
		KUNIT_EXPECT_EQ(test, account_bytes(f->heap, a), (n - i - 1) * one);
	}
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);
}

/* By sweep, by a chain, and with weak references to it. */
static void test_account_deaths(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = counted_type(test);
	u32 account = new_account(test);
	struct refslab_object *a, *b;
	struct refslab_weak weak;
	struct refslab_sweep_result result;

	a = counted(test, type, account);
	b = counted(test, type, account);
	refslab_slot_set(&knot_of(a)->slot[0], b);
	refslab_slot_set(&knot_of(b)->slot[0], a);
	refslab_weak_init(&weak, NULL);
	KUNIT_ASSERT_EQ(test, refslab_weak_set(&weak, b), 0);
	refslab_put(b);
	refslab_put(a);
	KUNIT_EXPECT_EQ(test, account_bytes(f->heap, account), 2 * type->layout.size);
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);
	KUNIT_ASSERT_EQ(test, refslab_collect(f->heap, 2, &result), 0);
	KUNIT_EXPECT_EQ(test, result.freed, 2);
	KUNIT_EXPECT_EQ(test, account_bytes(f->heap, account), 0);
	KUNIT_EXPECT_NULL(test, refslab_weak_get(&weak));

	a = counted(test, type, account);
	b = counted(test, type, account);
	refslab_slot_set(&knot_of(a)->slot[1], b);
	refslab_put(b);
	refslab_put(a);
	KUNIT_EXPECT_EQ(test, account_bytes(f->heap, account), 0);
	KUNIT_EXPECT_EQ(test, heap_validate(f->heap), 0);
}

/* A number is given again when its objects are gone, not before. */
static void test_account_numbers(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = counted_type(test);
	u32 first = new_account(test);
	struct refslab_object *obj;
	int number = 0, n;

	for (n = 1; n < ACCOUNTS_MAX - 1; n++)
		new_account(test);
	KUNIT_EXPECT_EQ(test, account_open(f->heap), -ENOSPC);
	obj = counted(test, type, first);
	account_close(f->heap, first);
	KUNIT_EXPECT_EQ(test, account_open(f->heap), -ENOSPC);
	refslab_put(obj);
	number = account_open(f->heap);
	KUNIT_EXPECT_EQ(test, number, first);
	account_close(f->heap, first);
}

static void test_roots(struct kunit *test)
{
	static const char *const names[] = { "d", "b", "a", "c" };
	struct fixture *f = test->priv;
	struct refslab_object *a = refslab_alloc(f->leaf, GFP_KERNEL), *got;
	struct root_table table = { };
	char name[32] = "";
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, a);
	root_init(&table);
	KUNIT_EXPECT_EQ(test, root_set(&table, "a", NULL, false), -ENOENT);
	KUNIT_EXPECT_NULL(test, root_get(&table, "a"));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		KUNIT_EXPECT_EQ(test, root_set(&table, names[i], a, true), 0);
		KUNIT_EXPECT_EQ(test, root_validate(&table), 0);
	}
	KUNIT_EXPECT_EQ(test, refslab_count(a), 5);
	KUNIT_EXPECT_EQ(test, root_set(&table, "b", a, true), -EEXIST);
	KUNIT_EXPECT_EQ(test, root_set(&table, "b", a, false), 0);
	KUNIT_EXPECT_EQ(test, refslab_count(a), 5);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		KUNIT_EXPECT_EQ(test, root_next(&table, name, sizeof(name)), 0);
		KUNIT_EXPECT_EQ(test, name[0], 'a' + i);
	}
	KUNIT_EXPECT_EQ(test, root_next(&table, name, sizeof(name)), -ENOENT);
	got = root_get(&table, "c");
	KUNIT_EXPECT_PTR_EQ(test, got, a);
	KUNIT_EXPECT_EQ(test, refslab_count(a), 6);
	refslab_put(got);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		KUNIT_EXPECT_EQ(test, root_set(&table, names[i], NULL, false), 0);
		KUNIT_EXPECT_EQ(test, root_validate(&table), 0);
	}
	KUNIT_EXPECT_EQ(test, refslab_count(a), 1);
	root_destroy(&table);
	refslab_put(a);
}

/* The validators must be able to fail, or their other uses mean nothing. */
static void test_validators_notice(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = counted_type(test);
	u32 a = new_account(test), b = new_account(test);
	struct refslab_object *obj = counted(test, type, a);
	struct park *park = &f->heap->park;
	struct root_table table = { };

	KUNIT_EXPECT_EQ(test, account_validate(f->heap), 0);
	atomic64_add(8, &f->heap->accounts->account[b].bytes);
	expect_in_log("refslab: heap kunit: accounts are not what their objects take");
	KUNIT_EXPECT_EQ(test, account_validate(f->heap), -EUCLEAN);
	unexpect_in_log();
	atomic64_sub(8, &f->heap->accounts->account[b].bytes);
	KUNIT_EXPECT_EQ(test, account_validate(f->heap), 0);

	root_init(&table);
	KUNIT_EXPECT_EQ(test, root_set(&table, "a", obj, true), 0);
	table.count++;
	expect_in_log("refslab: 1 roots found, 2 in the books");
	KUNIT_EXPECT_EQ(test, root_validate(&table), -EUCLEAN);
	unexpect_in_log();
	table.count--;
	KUNIT_EXPECT_EQ(test, root_set(&table, "a", NULL, false), 0);
	root_destroy(&table);

	KUNIT_EXPECT_EQ(test, park_validate(park), 0);
	park->count++;
	expect_in_log("refslab: heap kunit: 0 pages parked, 1 in the books");
	KUNIT_EXPECT_EQ(test, park_validate(park), -EUCLEAN);
	unexpect_in_log();
	park->count--;
	refslab_put(obj);
	account_close(f->heap, a);
	account_close(f->heap, b);
}

/* Read-only is the handle's, not the entry's. */
static void test_handle_rights(struct kunit *test)
{
	struct refslab_object object;
	struct handle_table table;
	u64 a, b;

	handle_table_init(&table, 10);
	KUNIT_ASSERT_EQ(test, handle_reserve(&table, &a), 0);
	handle_install(&table, a, &object);
	KUNIT_EXPECT_PTR_EQ(test, handle_object_for(&table, a, true), &object);
	handle_set_read_only(&table, a, true);
	KUNIT_EXPECT_TRUE(test, handle_read_only(&table, a));
	KUNIT_EXPECT_PTR_EQ(test, handle_object_for(&table, a, false), &object);
	KUNIT_EXPECT_PTR_EQ(test, handle_object_for(&table, a, true),
			    ERR_PTR(-EACCES));
	KUNIT_EXPECT_PTR_EQ(test, handle_object(&table, a), &object);
	KUNIT_EXPECT_EQ(test, handle_table_validate(&table), 0);
	KUNIT_EXPECT_PTR_EQ(test, handle_close(&table, a), &object);
	KUNIT_EXPECT_PTR_EQ(test, handle_object_for(&table, a, false),
			    ERR_PTR(-EBADF));
	KUNIT_ASSERT_EQ(test, handle_reserve(&table, &b), 0);
	KUNIT_EXPECT_EQ(test, lower_32_bits(a), lower_32_bits(b));
	handle_install(&table, b, &object);
	KUNIT_EXPECT_PTR_EQ(test, handle_object_for(&table, b, true), &object);
	handle_table_destroy(&table, false);
}

static struct kunit_case share_cases[] = {
	KUNIT_CASE(test_account),
	KUNIT_CASE(test_account_deaths),
	KUNIT_CASE(test_account_numbers),
	KUNIT_CASE(test_roots),
	KUNIT_CASE(test_validators_notice),
	KUNIT_CASE(test_handle_rights),
	{}
};

static struct kunit_suite share_suite = {
	.name = "refslab_share",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = share_cases,
};

kunit_test_suites(&share_suite);
