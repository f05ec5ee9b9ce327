/* SPDX-License-Identifier: GPL-2.0 */
/* Debugging: poison, red zones and owner traces of types that ask for them. */
#ifndef _REFSLAB_DEBUG_H
#define _REFSLAB_DEBUG_H

#include <linux/jump_label.h>
#include <linux/refslab.h>
#include <linux/stackdepot.h>

#define DEBUG_FLAGS	(REFSLAB_TYPE_POISON | REFSLAB_TYPE_RED_ZONE | \
			 REFSLAB_TYPE_TRACE)

struct slab;

/**
 * struct track - who did something to an object
 * @when: jiffies; 0 if nobody did
 * @stack: where, or 0
 * @pid: the task, or the one that was interrupted
 * @cpu: the CPU
 *
 * Behind the object; by who allocates or frees it.
 */
struct track {
	unsigned long	when;
	depot_stack_handle_t stack;
	u32		pid;
	u32		cpu;
	u32		unused;
};

enum { TRACK_ALLOC, TRACK_FREE, TRACKS };

/**
 * struct debug_layout - what lies behind an object of a type; fixed
 * @tracks: byte of the object where the tracks are, or 0. The red zone is what
 *	there is between the object and the tracks, and behind them.
 * @counted: the type is one of those that keep the static key on
 */
struct debug_layout {
	u32	tracks;
	bool	counted;
};

/* On while there is a type with one of these flags; a nop at other times. */
DECLARE_STATIC_KEY_FALSE(debug_key);

#define debug_on(type) \
	(static_branch_unlikely(&debug_key) && (type)->flags & DEBUG_FLAGS)

int debug_set_rules(const char *value);
unsigned int debug_type_flags(const char *heap, const char *type);
u32 debug_layout(struct refslab_type *type);
int debug_begin(struct refslab_type *type);
void debug_end(struct refslab_type *type);

void debug_setup(struct refslab_type *type, struct refslab_object *obj);
bool debug_alloc(struct refslab_type *type, struct refslab_object *obj);
void debug_clear_tail(struct refslab_type *type, struct refslab_object *obj);
void debug_free(struct refslab_type *type, struct refslab_object *obj);
bool debug_track(struct refslab_type *type, struct refslab_object *obj,
		 unsigned int which, struct track *track);
int debug_validate(struct slab *slab);

#endif /* _REFSLAB_DEBUG_H */
