/* SPDX-License-Identifier: GPL-2.0 */
/* Handles: a session's numbers for the references it holds, weak ones too. */
#ifndef _REFSLAB_HANDLE_H
#define _REFSLAB_HANDLE_H

#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/refslab.h>

/* No table is larger, whatever its limit. */
#define HANDLES_MAX	((u32)BIT(26))

#define HANDLE_NONE	((u32)(BIT(30) - 1))

/**
 * struct handle_entry - a handle, or room for one
 * @named: what it names; NULL in a free or reserved entry
 * @object: if not @is_weak: the object, with a reference
 * @weak: if @is_weak: a weak reference of its own
 * @tag: upper half of the handle that this entry has now, or has next; not 0
 * @next: of a free entry, the next one, or %HANDLE_NONE
 * @read_only: nothing may be changed through the handle; never of a free entry
 * @is_weak: the handle is a weak one; never of a free or reserved entry
 */
struct handle_entry {
	union {
		void	*named;
		struct refslab_object *object;
		struct refslab_weak *weak;
	};
	u32	tag;
	u32	next : 30;
	u32	read_only : 1;
	u32	is_weak : 1;
};

struct session;

/**
 * struct weak_handle - what a weak handle names; all fixed once it is installed
 * @weak: a weak reference
 * @handle: itself, to tell which one it was
 * @session: whose
 */
struct weak_handle {
	struct refslab_weak weak;
	u64	handle;
	struct session *session;
};

#define HANDLES_PAGE	((u32)(PAGE_SIZE / sizeof(struct handle_entry)))

/**
 * struct handle_table - a session's handles; all by the session's mutex, and
 *	@count may be read without
 * @pages: index / HANDLES_PAGE -> page of entries
 * @room: how many pages @pages has room for
 * @size: entries there are, free ones included; whole pages
 * @free: first free entry, or %HANDLE_NONE
 * @count: entries that are not free
 * @max: most of these
 * @seed: tag that fresh entries start from
 */
struct handle_table {
	struct handle_entry **pages;
	u32	room;
	u32	size;
	u32	free;
	u32	count;
	u32	max;
	u32	seed;
};

void handle_table_init(struct handle_table *table, u32 max);
void handle_table_destroy(struct handle_table *table, bool put);
int handle_table_validate(const struct handle_table *table);

int handle_grow(struct handle_table *table);
struct refslab_weak *handle_weak(const struct handle_table *table, u64 handle);
bool handle_close_weak(struct handle_table *table, u64 handle);
void handle_install_weak(struct handle_table *table, u64 handle,
			 struct refslab_weak *weak);

static inline struct handle_entry *handle_entry_at(const struct handle_table *table,
						   u32 index)
{
	return &table->pages[index / HANDLES_PAGE][index % HANDLES_PAGE];
}

/* The entry that a handle is of, be it reserved or installed, or NULL. */
static inline struct handle_entry *handle_entry(const struct handle_table *table,
						u64 handle)
{
	u32 index = lower_32_bits(handle);
	struct handle_entry *entry;

	if (index >= table->size)
		return NULL;
	entry = handle_entry_at(table, array_index_nospec(index, table->size));
	return entry->tag == upper_32_bits(handle) ? entry : NULL;
}

/* What an entry names if it is of the kind wanted, else NULL. */
static inline void *handle_entry_named(const struct handle_entry *entry, bool weak)
{
	unsigned long other = entry->is_weak != weak;

	return (void *)((unsigned long)entry->named &
			array_index_mask_nospec(other, 1));
}

static inline void handle_entry_free(struct handle_table *table,
				     struct handle_entry *entry, u32 index)
{
	entry->named = NULL;
	entry->is_weak = false;
	entry->read_only = false;
	entry->tag = entry->tag + 1 ?: 1;
	entry->next = table->free;
	table->free = index;
	WRITE_ONCE(table->count, table->count - 1);
}

/**
 * handle_reserve - get a handle that names nothing yet
 * @table: the session's
 * @handle: set to it
 *
 * handle_install() or handle_cancel() must follow before the mutex is let go.
 *
 * Context: May sleep; session's mutex held.
 * Return: 0; -ENOSPC if the session has as many handles as it may, -ENOMEM.
 */
static inline int handle_reserve(struct handle_table *table, u64 *handle)
{
	struct handle_entry *entry;
	u32 index;
	int err;

	if (unlikely(table->count >= table->max))
		return -ENOSPC;
	if (unlikely(table->free == HANDLE_NONE)) {
		err = handle_grow(table);
		if (err)
			return err;
	}
	index = table->free;
	entry = handle_entry_at(table, index);
	table->free = entry->next;
	entry->next = HANDLE_NONE;
	WRITE_ONCE(table->count, table->count + 1);
	*handle = (u64)entry->tag << 32 | index;
	return 0;
}

/* A reserved handle is not needed after all. */
static inline void handle_cancel(struct handle_table *table, u64 handle)
{
	u32 index = lower_32_bits(handle);

	handle_entry_free(table, handle_entry_at(table, index), index);
}

/**
 * handle_install - let a reserved handle name an object
 * @table: the session's
 * @handle: from handle_reserve()
 * @object: the object; the caller's reference is the handle's from now on
 */
static inline void handle_install(struct handle_table *table, u64 handle,
				  struct refslab_object *object)
{
	handle_entry_at(table, lower_32_bits(handle))->object = object;
}

/**
 * handle_object - what a handle names
 * @table: the session's
 * @handle: any number
 *
 * Context: Session's mutex held; the object stays as long as it is.
 * Return: the object, or NULL if the session has no such handle, or a weak one.
 */
static inline struct refslab_object *handle_object(const struct handle_table *table,
						   u64 handle)
{
	struct handle_entry *entry = handle_entry(table, handle);

	return entry ? handle_entry_named(entry, false) : NULL;
}

/**
 * handle_object_for - what a handle names, if it is good for the purpose
 * @table: the session's
 * @handle: any number
 * @write: something is to be changed through it, or it is to be stored or
 *	handed on with all rights
 *
 * Context: Session's mutex held; the object stays as long as it is.
 * Return: the object; -EBADF as handle_object() NULL; -EACCES if it is read-only
 *	and that is not enough.
 */
static inline struct refslab_object *
handle_object_for(const struct handle_table *table, u64 handle, bool write)
{
	struct handle_entry *entry = handle_entry(table, handle);
	struct refslab_object *object;

	object = entry ? handle_entry_named(entry, false) : NULL;
	if (unlikely(!object))
		return ERR_PTR(-EBADF);
	return unlikely(write && entry->read_only) ? ERR_PTR(-EACCES) : object;
}

/* Whether a handle, of either kind, that the session has is read-only. */
static inline bool handle_read_only(const struct handle_table *table, u64 handle)
{
	/* the session has it, unless the branch that found so was mispredicted */
	return handle_entry_at(table, array_index_nospec(lower_32_bits(handle),
							 table->size))->read_only;
}

/* Makes a handle that was just installed read-only, if it is to be. */
static inline void handle_set_read_only(struct handle_table *table, u64 handle,
					bool read_only)
{
	handle_entry_at(table, lower_32_bits(handle))->read_only = read_only;
}

/**
 * handle_close - the end of a handle
 * @table: the session's
 * @handle: any number
 *
 * Context: Session's mutex held.
 * Return: the object, whose reference is the caller's now, or NULL if the
 *	session has no such handle, or a weak one.
 */
static inline struct refslab_object *handle_close(struct handle_table *table,
						  u64 handle)
{
	struct handle_entry *entry = handle_entry(table, handle);
	struct refslab_object *object;

	if (unlikely(!entry))
		return NULL;
	object = handle_entry_named(entry, false);
	if (likely(object))
		handle_entry_free(table, entry, lower_32_bits(handle));
	return object;
}

#endif /* _REFSLAB_HANDLE_H */
