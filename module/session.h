/* SPDX-License-Identifier: GPL-2.0 */
/* Sessions: open files of /dev/refslab. */
#ifndef _REFSLAB_SESSION_H
#define _REFSLAB_SESSION_H

#include <linux/mutex.h>
#include <linux/refcount.h>
#include <uapi/linux/refslab.h>

#include "handle.h"

/**
 * struct user_heap - a heap that sessions made
 * @sessions: those bound to it
 * @heap: the heap; fixed
 */
struct user_heap {
	refcount_t	sessions;
	struct refslab_heap *heap;
};

/**
 * struct session - an open file of the device
 * @mutex: held by what uses @handles or the objects they name. Never held where
 *	the caller's memory is touched: that may fault, and a fault may wait for
 *	as long as another program likes
 * @heap: what the session is bound to, or NULL; set once, under @mutex, by a
 *	release that session_heap() acquires
 * @handles: @mutex
 */
struct session {
	struct mutex	mutex;	/* the handles, for the time of a call */
	struct user_heap *heap;
	struct handle_table handles;
};

/**
 * struct session_inspect - what calls that look around are given
 * @objects: of REFSLAB_OBJECTS; the caller's structure, copied
 * @referrers: of REFSLAB_REFERRERS, likewise
 * @made: the handles they made, between run and finish
 */
struct session_inspect {
	union {
		struct refslab_objects objects;
		struct refslab_referrers referrers;
	};
	u64	*made;
};

/* What any call is given: the caller's structure, copied. */
union session_data {
	struct {
		u32 size, flags;
	};
	struct refslab_heap_create heap_create;
	struct refslab_heap_info heap_info;
	struct refslab_heap_limits heap_limits;
	struct refslab_type_create type_create;
	struct refslab_type_destroy type_destroy;
	struct refslab_type_info type_info;
	struct refslab_alloc alloc;
	struct refslab_dup dup;
	struct refslab_close close;
	struct refslab_weak_create weak;
	struct refslab_upgrade upgrade;
	struct refslab_slot_set slot_set;
	struct refslab_slot_load slot_load;
	struct refslab_slot_move slot_move;
	struct refslab_io io;
	struct refslab_object_info object_info;
	struct refslab_thresholds thresholds;
	struct refslab_enable enable;
	struct refslab_counts counts;
	struct refslab_stats stats;
	struct refslab_collect collect;
	struct refslab_freeze freeze;
	struct refslab_quarantine quarantine;
	struct session_inspect inspect;
};

/**
 * struct session_call - one of the ioctls
 * @run: does it
 * @finish: told afterwards, @run having returned 0, whether the caller got the
 *	result; else takes back what was made. Or NULL
 * @size: of the structure, as this kernel knows it
 * @min_size: of the structure, as it was first published
 * @flags: those it knows
 * @out: the structure is copied back
 * @locked: @run is called with the session's mutex held
 * @unbound: the session needs no heap
 */
struct session_call {
	int	(*run)(struct session *session, union session_data *data);
	void	(*finish)(struct session *session, union session_data *data,
			  bool copied);
	u16	size;
	u16	min_size;
	u32	flags;
	bool	out;
	bool	locked;
	bool	unbound;
};

static inline struct refslab_heap *session_heap(const struct session *session)
{
	/* pairs with the release in heap_create() */
	struct user_heap *heap = smp_load_acquire(&session->heap);

	return heap ? heap->heap : NULL;
}

struct session *session_create(void);
void session_destroy(struct session *session);
int session_lock(struct session *session);
struct refslab_type *session_find_type(struct session *session, u32 id);
bool session_may_get(const struct refslab_object *object);
bool session_drop(struct session *session, u64 handle);
const struct session_call *session_find_call(unsigned int cmd);
int session_run(struct session *session, const struct session_call *call,
		union session_data *data);

int session_init(void);
void session_exit(void);

#endif /* _REFSLAB_SESSION_H */
