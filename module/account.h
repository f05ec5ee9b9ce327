/* SPDX-License-Identifier: GPL-2.0 */
/* Accounts: what living objects take, by those who allocated them. */
#ifndef _REFSLAB_ACCOUNT_H
#define _REFSLAB_ACCOUNT_H

#include <linux/mutex.h>
#include <linux/refslab.h>
#include <linux/xarray.h>

#define ACCOUNTS_MAX	1024	/* of one heap; number 0 is none */

/**
 * struct account - one who has a limit
 * @bytes: what the objects take that it allocated and that live, and those of
 *	their pages that are parked; atomic
 * @open: it may allocate more; the book's lock
 */
struct account {
	atomic64_t	bytes;
	bool		open;
};

/**
 * struct account_book - a heap's accounts, made with the first of them
 * @lock: opening and closing accounts
 * @owners: chunk number -> array of u16, an account's number per granule:
 *	whose object begins there. Arrays are added as needed and stay; their
 *	entries are written by who allocates and cleared by the object's death
 * @account: by number
 */
struct account_book {
	struct mutex	lock;	/* opening and closing accounts */
	struct xarray	owners;
	struct account	account[ACCOUNTS_MAX];
};

int account_open(struct refslab_heap *heap);
void account_close(struct refslab_heap *heap, u32 number);
u64 account_bytes(struct refslab_heap *heap, u32 number);
struct refslab_object *account_alloc(struct refslab_type *type, u32 number,
				     u64 limit);
void account_give(struct refslab_heap *heap, u32 number, u64 bytes);
void account_dead(struct refslab_type *type, struct refslab_object *obj);
void account_destroy(struct refslab_heap *heap);
int account_validate(struct refslab_heap *heap);

#endif /* _REFSLAB_ACCOUNT_H */
