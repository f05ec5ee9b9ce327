/* SPDX-License-Identifier: GPL-2.0 */
/* Sessions: open files of /dev/refslab. */
#ifndef _REFSLAB_SESSION_H
#define _REFSLAB_SESSION_H

#include <linux/mutex.h>

#include "handle.h"
#include "user_heap.h"

struct batch;

/**
 * struct session - an open file of the device
 * @mutex: held by what uses @handles or the objects they name. Never held where
 *	the caller's memory is touched: that may fault, and a fault may wait for
 *	as long as another program likes
 * @heap: what the session is bound to, or NULL; set once, under @mutex, by a
 *	release that session_heap() acquires
 * @handles: @mutex
 * @batch: room for a batch, kept from the last one, or NULL; xchg
 */
struct session {
	struct mutex	mutex;	/* the handles, for the time of a call */
	struct user_heap *heap;
	struct handle_table handles;
	struct batch	*batch;
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

struct session *session_create(void);
void session_destroy(struct session *session);
int session_lock(struct session *session);
void session_bind(struct session *session, struct user_heap *heap);
struct refslab_type *session_find_type(struct session *session, u32 id);
bool session_may_get(const struct refslab_object *object);
int session_fill(struct session *session, u64 *handle,
		 struct refslab_object *object);
bool session_drop(struct session *session, u64 handle);
void session_take_back(struct session *session, u64 handle);

int session_init(void);
void session_exit(void);

#endif /* _REFSLAB_SESSION_H */
