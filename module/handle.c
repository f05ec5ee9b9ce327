// SPDX-License-Identifier: GPL-2.0
/*
 * Handles: a session's numbers for the references it holds, weak ones too.
 *
 * A handle is the index of an entry in the low half and the entry's tag in the
 * high one. The tag changes when the handle is closed, so that a handle used
 * after its end names nothing, not somebody else's object; only after 2^32 - 1
 * uses of one entry does a handle come back. Tags start from a random number in
 * each session: the handles of one are not those of another.
 *
 * Entries live in pages that a directory finds; the free ones are a list
 * through the entries, the last closed first since it is the warmest. Pages
 * stay until the session ends: it pays for them, and what it had at once it may
 * have again.
 *
 * A weak handle is an entry like any other that names a struct refslab_weak in
 * place of an object. Which of them it is decides what the pointer is taken for,
 * so that is looked at without a branch that could be mispredicted.
 *
 * Whoever makes a handle reserves an entry first, so that all that can fail
 * comes before the object is touched.
 */
#include "handle.h"

#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "pool.h"

#define ROOM_FIRST	16

/**
 * handle_table_init - an empty table
 * @table: filled in; takes no memory yet
 * @max: most handles, brought into 1 to %HANDLES_MAX
 */
void handle_table_init(struct handle_table *table, u32 max)
{
	*table = (struct handle_table){
		.free = HANDLE_NONE,
		.max = clamp_t(u32, max, 1, HANDLES_MAX),
		.seed = get_random_u32() ?: 1,
	};
}

static void weak_free(struct refslab_weak *weak)
{
	/* nobody else has it: no grace period */
	refslab_weak_clear(weak);
	kfree(container_of(weak, struct weak_handle, weak));
}

static void entry_end(struct handle_entry *entry, bool put)
{
	if (entry->is_weak)
		weak_free(entry->weak);
	else if (put && entry->object)
		refslab_put(entry->object);
}

/**
 * handle_table_destroy - the end of a table
 * @table: nobody uses it any more; the heap it is about is there still, because
 *	weak references are in tables of the heap
 * @put: give the references back; not where the heap dies with the session,
 *	which frees its objects by the slab
 *
 * Context: May sleep, and takes its time without stalling others.
 */
void handle_table_destroy(struct handle_table *table, bool put)
{
	struct handle_entry *page;
	u32 i, j;

	for (i = 0; i < table->size / HANDLES_PAGE; i++) {
		page = table->pages[i];
		for (j = 0; j < HANDLES_PAGE; j++) {
			entry_end(&page[j], put);
			cond_resched();
		}
		free_page((unsigned long)page);
	}
	kvfree(table->pages);
	*table = (struct handle_table){ .free = HANDLE_NONE };
}

static int table_widen(struct handle_table *table)
{
	u32 room = table->room ? 2 * table->room : ROOM_FIRST;
	struct handle_entry **pages;

	pages = kvcalloc(room, sizeof(*pages), GFP_PROGRAM);
	if (!pages)
		return -ENOMEM;
	if (table->room)
		memcpy(pages, table->pages, table->room * sizeof(*pages));
	kvfree(table->pages);
	table->pages = pages;
	table->room = room;
	return 0;
}

/* One more page of entries, all of them free; -ENOMEM. */
int handle_grow(struct handle_table *table)
{
	struct handle_entry *page;
	u32 i;

	if (table->size == table->room * HANDLES_PAGE && table_widen(table))
		return -ENOMEM;
	page = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	for (i = 0; i < HANDLES_PAGE; i++)
		page[i] = (struct handle_entry){
			.tag = table->seed,
			.next = table->size + i + 1,
		};
	page[HANDLES_PAGE - 1].next = table->free;
	table->free = table->size;
	table->pages[table->size / HANDLES_PAGE] = page;
	table->size += HANDLES_PAGE;
	return 0;
}

/**
 * handle_install_weak - let a reserved handle be a weak one
 * @table: the session's
 * @handle: from handle_reserve()
 * @weak: that of a struct weak_handle from kmalloc(), the table's from now on
 */
void handle_install_weak(struct handle_table *table, u64 handle,
			 struct refslab_weak *weak)
{
	struct handle_entry *entry = handle_entry(table, handle);

	entry->weak = weak;
	entry->is_weak = true;
}

/**
 * handle_weak - the weak reference that a weak handle is
 * @table: the session's
 * @handle: any number
 *
 * Context: Session's mutex held; the weak reference stays as long as it is.
 * Return: the weak reference, or NULL if the session has no such weak handle.
 */
struct refslab_weak *handle_weak(const struct handle_table *table, u64 handle)
{
	struct handle_entry *entry = handle_entry(table, handle);

	return entry ? handle_entry_named(entry, true) : NULL;
}

/**
 * handle_close_weak - the end of a weak handle
 * @table: the session's
 * @handle: any number
 *
 * Context: May sleep; session's mutex held.
 * Return: false if the session has no such weak handle.
 */
bool handle_close_weak(struct handle_table *table, u64 handle)
{
	struct refslab_weak *weak = handle_weak(table, handle);

	if (!weak)
		return false;
	handle_entry_free(table, handle_entry(table, handle), lower_32_bits(handle));
	weak_free(weak);
	return true;
}

/**
 * handle_table_validate - check a table
 * @table: no handle is reserved and not installed; session's mutex held
 *
 * Context: May sleep.
 * Return: 0, or -EUCLEAN after a WARN.
 */
int handle_table_validate(const struct handle_table *table)
{
	u32 index, installed = 0, free = 0;
	const struct handle_entry *entry;
	bool bad = false;

	for (index = 0; index < table->size; index++) {
		entry = handle_entry_at(table, index);
		installed += !!entry->named;
		bad |= !entry->tag || (entry->is_weak && !entry->named);
		if (index % HANDLES_PAGE == 0)
			cond_resched();
	}
	/* bounded, should the list run in a circle */
	for (index = table->free; index != HANDLE_NONE && free <= table->size; free++) {
		if (index >= table->size) {
			bad = true;
			break;
		}
		entry = handle_entry_at(table, index);
		bad |= !!entry->named;
		index = entry->next;
	}
	bad |= installed != table->count || free + installed != table->size ||
	       table->count > table->max ||
	       table->size > table->room * HANDLES_PAGE;
	return WARN(bad, "refslab: a handle table of %u: %u installed, %u free, %u counted\n",
		    table->size, installed, free, table->count) ? -EUCLEAN : 0;
}
