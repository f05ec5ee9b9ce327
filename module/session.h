/* SPDX-License-Identifier: GPL-2.0 */
/* Sessions: open files of /dev/refslab. */
#ifndef _REFSLAB_SESSION_H
#define _REFSLAB_SESSION_H

#include <linux/mutex.h>

#include "event.h"
#include "handle.h"
#include "user_heap.h"

struct batch;

/**
 * struct session - an open file of the device
 * @mutex: held by what uses @handles or the objects they name. Never held where
 *	the caller's memory is touched: that may fault, and a fault may wait for
 *	as long as another program likes
 * @heap: what the session is bound to, or NULL; set once, under @mutex, by a
 *	release that session_user_heap() acquires
 * @joined: it joined the heap, and did not make it; fixed by @heap's release, as
 *	are the next three
 * @read_only: it changes nothing of the heap, and all its handles are read-only
 * @limit: most bytes its objects may take, 0 for no limit of its own
 * @account: where these are counted, or 0
 * @handles: @mutex
 * @type: the type that was found last, if no type was destroyed since, and if
 *	there is nothing to its allocation but the object; @mutex
 * @type_id: its number, or 0; @mutex
 * @type_gone: how many had been destroyed then; @mutex
 * @events: what it can read and poll
 * @batch: room for a batch, kept from the last one, or NULL; xchg
 * @owner: the user who bound it to @heap, or opened it; as @heap
 * @end: ends it
 * @rcu: its memory is read by event_wake() for so long
 */
struct session {
	struct mutex	mutex;	/* the handles, for the time of a call */
	struct user_heap *heap;
	bool		joined;
	bool		read_only;
	u32		account;
	u64		limit;
	struct handle_table handles;
	struct refslab_type *type;
	u32		type_id;
	u64		type_gone;
	struct event_queue events;
	struct batch	*batch;
	kuid_t		owner;
	struct work_struct end;
	struct rcu_head	rcu;
};

static inline struct user_heap *session_user_heap(const struct session *session)
{
	/* pairs with the release in session_bind() */
	return smp_load_acquire(&session->heap);
}

static inline struct refslab_heap *session_heap(const struct session *session)
{
	struct user_heap *heap = session_user_heap(session);

	return heap ? heap->heap : NULL;
}

/* Nothing has been done yet where it fails: the call is started again. */
static inline int session_lock(struct session *session)
{
	return mutex_lock_interruptible(&session->mutex) ? -ERESTARTSYS : 0;
}

struct session *session_create(void);
void session_destroy(struct session *session);
void session_bind(struct session *session, struct user_heap *heap);
struct refslab_type *session_find_type(struct session *session, u32 id);
void session_learn_type(struct session *session, struct refslab_type *type);
bool session_may_get(const struct refslab_object *object);
int session_fill(struct session *session, u64 *handle,
		 struct refslab_object *object, bool read_only);
void session_take_back(struct session *session, u64 handle);

/* The type if it is the one that session_learn_type() was given, else NULL. */
static inline struct refslab_type *session_known_type(struct session *session, u32 id)
{
	if (likely(id && id == session->type_id &&
		   session->type_gone == session->heap->types_gone))
		return session->type;
	return NULL;
}

/* Ends a handle of either kind; false if there is no such. */
static inline bool session_drop(struct session *session, u64 handle)
{
	struct refslab_object *object = handle_close(&session->handles, handle);

	if (unlikely(!object))
		return handle_close_weak(&session->handles, handle);
	refslab_put(object);
	return true;
}

int session_init(void);
void session_exit(void);

#endif /* _REFSLAB_SESSION_H */
