/* SPDX-License-Identifier: GPL-2.0 */
/* User heaps: those that sessions made, and what keeps them. */
#ifndef _REFSLAB_USER_HEAP_H
#define _REFSLAB_USER_HEAP_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/refslab.h>
#include <linux/rwsem.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

#include "root.h"

/**
 * struct user_heap - a heap that sessions made
 * @users: sessions bound to it, and files that keep it: invitations, exported
 *	objects, mapped payloads
 * @sessions: of these, sessions; for information
 * @types: held for reading by who looks for a type, as long as he uses it
 *	without an object of it; for writing where one is hidden, to be destroyed.
 *	Within a session's mutex
 * @types_gone: types destroyed so far; @types
 * @roots: references by name; its own lock
 * @tenant: who has made it, or NULL; kept, fixed
 * @owner: the user who made it, tenant or not; fixed
 * @end: ends it
 * @heap: the heap; fixed
 */
struct user_heap {
	refcount_t	users;
	atomic_t	sessions;
	struct rw_semaphore types;
	u64		types_gone;
	struct root_table roots;
	struct tenant	*tenant;
	kuid_t		owner;
	struct work_struct end;
	struct refslab_heap *heap;
};

struct user_heap *user_heap_create(const struct refslab_heap_args *args);
struct user_heap *user_heap_get(struct user_heap *heap);
void user_heap_let_end(struct work_struct *work, kuid_t owner);
void user_heap_put(struct user_heap *heap);
bool user_heap_shared(struct user_heap *heap);
int user_heap_init(void);
void user_heap_exit(void);

#endif /* _REFSLAB_USER_HEAP_H */
