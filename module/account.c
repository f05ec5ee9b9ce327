// SPDX-License-Identifier: GPL-2.0
/*
 * Accounts: what living objects take, by those who allocated them.
 *
 * Sessions that joined a heap may have a limit each; what counts against it is
 * an object's life, whoever keeps it and whoever puts it last. Whose an object
 * is stands beside the heap, not in it, so that objects of those who have no
 * limit cost nothing. The bit that sends a death to the weak references sends it
 * here as well. Pages of its own that somebody pins outlive an object, and stay on
 * the account as they stay on the heap's bill; see park.c.
 */
#include "account.h"

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "heap.h"
#include "mapped.h"
#include "payload.h"

#define GRANULES	BIT(CHUNK_GRANULES_SHIFT)

static u32 granule_of(const struct refslab_object *obj)
{
	return ((unsigned long)obj & (REFSLAB_CHUNK_SIZE - 1)) >> GRANULE_SHIFT;
}

/* What an object takes, its pages included. */
static u64 bytes_of(const struct refslab_type *type)
{
	return type->layout.size + ((u64)payload_pages(type) << PAGE_SHIFT);
}

static struct account_book *book_of(struct refslab_heap *heap)
{
	/* pairs with the cmpxchg in book_get() */
	return smp_load_acquire(&heap->accounts);
}

static struct account_book *book_get(struct refslab_heap *heap)
{
	struct account_book *book = book_of(heap), *other;

	if (book)
		return book;
	book = kvzalloc(sizeof(*book), GFP_PROGRAM);
	if (!book)
		return NULL;
	mutex_init(&book->lock);
	xa_init(&book->owners);
	/* full barrier: who finds it finds it initialised */
	other = cmpxchg(&heap->accounts, NULL, book);
	if (!other)
		return book;
	mutex_destroy(&book->lock);
	kvfree(book);
	return other;
}

/**
 * account_open - get an account
 * @heap: the heap
 *
 * Context: May sleep.
 * Return: its number; -ENOSPC if all are open, or have objects that live still,
 *	-ENOMEM.
 */
int account_open(struct refslab_heap *heap)
{
	struct account_book *book = book_get(heap);
	struct account *account;
	int number, err = -ENOSPC;

	if (!book)
		return -ENOMEM;
	mutex_lock(&book->lock);
	for (number = 1; number < ACCOUNTS_MAX; number++) {
		account = &book->account[number];
		if (!account->open && !atomic64_read(&account->bytes)) {
			account->open = true;
			err = number;
			break;
		}
	}
	mutex_unlock(&book->lock);
	return err;
}

/* Nobody allocates on it any more; its objects may live on. */
void account_close(struct refslab_heap *heap, u32 number)
{
	struct account_book *book = book_of(heap);

	mutex_lock(&book->lock);
	book->account[number].open = false;
	mutex_unlock(&book->lock);
}

/* What its objects take; for information. */
u64 account_bytes(struct refslab_heap *heap, u32 number)
{
	return atomic64_read(&book_of(heap)->account[number].bytes);
}

static u16 *owners_of(struct account_book *book, u32 chunk)
{
	u16 *owners = xa_load(&book->owners, chunk);
	int err;

	if (owners)
		return owners;
	owners = kcalloc(GRANULES, sizeof(*owners), GFP_KERNEL_ACCOUNT);
	if (!owners)
		return NULL;
	err = xa_insert(&book->owners, chunk, owners, GFP_KERNEL_ACCOUNT);
	if (!err)
		return owners;
	kfree(owners);
	/* another was faster */
	return err == -EBUSY ? xa_load(&book->owners, chunk) : NULL;
}

static bool has_room(const struct account *account, u64 bytes, u64 limit)
{
	return atomic64_read(&account->bytes) + bytes <= limit;
}

/* Whether there is room, having tried all that makes some. */
static bool make_room(struct refslab_heap *heap, const struct account *account,
		      u64 bytes, u64 limit)
{
	if (has_room(account, bytes, limit))
		return true;
	/* what would not fit if all went is not worth a sweep */
	if (bytes > limit || !trigger_garbage(heap))
		return false;
	park_reap(&heap->park);
	return has_room(account, bytes, limit);
}

/**
 * account_alloc - allocate an object on an account
 * @type: its type, with REFSLAB_TYPE_WEAK
 * @number: the account, which is open; one allocates on it at a time
 * @limit: most bytes of all its objects
 *
 * Context: May sleep.
 * Return: the object; -ENOSPC beyond @limit, else as object_alloc().
 */
struct refslab_object *account_alloc(struct refslab_type *type, u32 number,
				     u64 limit)
{
	struct account_book *book = book_of(type->heap);
	struct account *account = &book->account[number];
	u64 bytes = bytes_of(type);
	struct refslab_object *obj;
	struct slab *slab;
	u16 *owners;

	if (unlikely(!make_room(type->heap, account, bytes, limit)))
		return ERR_PTR(-ENOSPC);
	for (;;) {
		obj = magazine_take(type) ?: magazine_alloc_slow(type, GFP_KERNEL);
		if (IS_ERR(obj))
			return obj;
		slab = slab_of(obj);
		owners = owners_of(book, slab->chunk.number);
		if (!owners) {
			magazine_free(type, obj);
			return ERR_PTR(-ENOMEM);
		}
		/* first: from the moment it lives others can find and keep it */
		atomic64_add(bytes, &account->bytes);
		/* read by account_dead(), after the last put */
		WRITE_ONCE(owners[granule_of(obj)], number);
		set_bit(slab_index(slab, obj), slab_weak(slab));
		if (likely(object_make(type, obj, GFP_KERNEL)))
			return obj;
		clear_bit(slab_index(slab, obj), slab_weak(slab));
		WRITE_ONCE(owners[granule_of(obj)], 0);
		account_give(type->heap, number, bytes);
	}
}

/**
 * account_give - something is not taken any more
 * @heap: the heap
 * @number: the account, or 0
 * @bytes: as much was counted on it
 *
 * Context: Any context.
 */
void account_give(struct refslab_heap *heap, u32 number, u64 bytes)
{
	if (number)
		atomic64_sub(bytes, &book_of(heap)->account[number].bytes);
}

/**
 * account_dead - an object has died
 * @type: its type
 * @obj: the object, whose memory has not been given back
 *
 * Its pages, if it has some of its own, count until they are given back.
 *
 * Context: Any context.
 */
void account_dead(struct refslab_type *type, struct refslab_object *obj)
{
	struct account_book *book = book_of(type->heap);
	u16 *owners, number;

	if (!book)
		return;
	owners = xa_load(&book->owners, slab_of(obj)->chunk.number);
	if (!owners)
		return;
	number = READ_ONCE(owners[granule_of(obj)]);
	if (!number)
		return;
	WRITE_ONCE(owners[granule_of(obj)], 0);
	account_give(type->heap, number, mapped_owe(type, obj, number) ?
					 type->layout.size : bytes_of(type));
}

/* The heap goes, and nobody uses it any more. */
void account_destroy(struct refslab_heap *heap)
{
	struct account_book *book = heap->accounts;
	unsigned long chunk;
	u16 *owners;

	if (!book)
		return;
	xa_for_each(&book->owners, chunk, owners)
		kfree(owners);
	xa_destroy(&book->owners);
	mutex_destroy(&book->lock);
	kvfree(book);
}

/**
 * account_validate - check that accounts say what their objects take
 * @heap: a heap that nobody uses meanwhile
 *
 * Context: May sleep.
 * Return: 0; -EUCLEAN after a WARN, -ENOMEM.
 */
int account_validate(struct refslab_heap *heap)
{
	struct account_book *book = book_of(heap);
	unsigned long chunk;
	struct slab *slab;
	struct page *page;
	bool bad = false;
	u32 i, number;
	u16 *owners;
	s64 *bytes;

	if (!book)
		return 0;
	bytes = kvcalloc(ACCOUNTS_MAX, sizeof(*bytes), GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;
	xa_for_each(&book->owners, chunk, owners) {
		rcu_read_lock();
		slab = slab_walk(&heap->pool, chunk);
		for (i = 0; i < GRANULES; i++) {
			number = owners[i];
			if (!number)
				continue;
			if (!slab || number >= ACCOUNTS_MAX)
				bad = true;
			else
				bytes[number] += bytes_of(slab->type);
		}
		rcu_read_unlock();
	}
	mutex_lock(&heap->park.lock);
	list_for_each_entry(page, &heap->park.pages, lru)
		bytes[page_private(page) % ACCOUNTS_MAX] += PAGE_SIZE;
	mutex_unlock(&heap->park.lock);
	for (number = 1; number < ACCOUNTS_MAX; number++)
		bad |= bytes[number] != atomic64_read(&book->account[number].bytes);
	kvfree(bytes);
	return WARN(bad, "refslab: heap %s: accounts are not what their objects take\n",
		    heap->name) ? -EUCLEAN : 0;
}
