/* SPDX-License-Identifier: GPL-2.0 */
/* Handles: a session's numbers for the references it holds, weak ones too. */
#ifndef _REFSLAB_HANDLE_H
#define _REFSLAB_HANDLE_H

#include <linux/refslab.h>

/* No table is larger, whatever its limit. */
#define HANDLES_MAX	((u32)BIT(26))

/**
 * struct handle_entry - a handle, or room for one
 * @named: what it names; NULL in a free or reserved entry
 * @object: if not @is_weak: the object, with a reference
 * @weak: if @is_weak: a weak reference of its own
 * @tag: upper half of the handle that this entry has now, or has next; not 0
 * @next: of a free entry, the next one, or %HANDLE_NONE
 * @is_weak: the handle is a weak one; never of a free or reserved entry
 */
struct handle_entry {
	union {
		void	*named;
		struct refslab_object *object;
		struct refslab_weak *weak;
	};
	u32	tag;
	u32	next : 31;
	u32	is_weak : 1;
};

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

int handle_reserve(struct handle_table *table, u64 *handle);
void handle_cancel(struct handle_table *table, u64 handle);
void handle_install(struct handle_table *table, u64 handle,
		    struct refslab_object *object);
void handle_install_weak(struct handle_table *table, u64 handle,
			 struct refslab_weak *weak);
struct refslab_object *handle_object(const struct handle_table *table,
				     u64 handle);
struct refslab_weak *handle_weak(const struct handle_table *table, u64 handle);
struct refslab_object *handle_close(struct handle_table *table, u64 handle);
bool handle_close_weak(struct handle_table *table, u64 handle);

#endif /* _REFSLAB_HANDLE_H */
