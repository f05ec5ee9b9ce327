// SPDX-License-Identifier: GPL-2.0
/*
 * Calls: what a session can be asked to do.
 *
 * include/uapi/linux/refslab.h says what the calls do. Each is a function that
 * works on a copy of the caller's structure, an entry of the table below, and
 * nothing else: sizes, flags, locking and copying are the same for all and done
 * in one place. A call whose result cannot be copied out is undone.
 */
#include "call.h"

#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "batch.h"
#include "heap.h"
#include "inspect_call.h"
#include "mapped.h"
#include "payload.h"
#include "session_file.h"
#include "share.h"
#include "words.h"

#define LIMITS_FLAGS	(BIT(POOL_LIMITS) - 1)

static_assert(BIT(POOL_LIMIT) == REFSLAB_LIMITS_LIMIT);
static_assert(BIT(POOL_RESERVE) == REFSLAB_LIMITS_RESERVE);
static_assert(BIT(POOL_LOW) == REFSLAB_LIMITS_LOW);
static_assert(BIT(POOL_HIGH) == REFSLAB_LIMITS_HIGH);
static_assert(GENERATIONS == (REFSLAB_GENERATIONS));
static_assert(GENERATION_FROZEN == (REFSLAB_GENERATION_FROZEN));

/*
 * The number is the size of the structure when it was first published. It stays
 * when the structure grows: programs go on passing it.
 */
#define CALL(name, size_published, function, ...)			\
	[_IOC_NR(REFSLAB_##name)] = {					\
		.run = (function),					\
		.size = _IOC_SIZE(REFSLAB_##name),			\
		/* copy_in() takes it that there are two */		\
		.words = _IOC_SIZE(REFSLAB_##name) / sizeof(u64) +	\
			 BUILD_BUG_ON_ZERO(_IOC_SIZE(REFSLAB_##name) < 2 * sizeof(u64)), \
		.min_size = (size_published),				\
		.out = !!(_IOC_DIR(REFSLAB_##name) & _IOC_READ),	\
		__VA_ARGS__						\
	}

static const struct session_call calls[] = {
	CALL(HEAP_CREATE, 48, call_heap_create, .locked = true, .unbound = true),
	CALL(HEAP_INFO, 128, call_heap_info),
	CALL(HEAP_LIMITS, 40, call_heap_limits, .flags = LIMITS_FLAGS,
	     .changes = CHANGES_HEAP),
	CALL(INVITE, 24, share_invite, .finish = session_file_finish,
	     .flags = REFSLAB_READ_ONLY),
	CALL(JOIN, 16, share_join, .locked = true, .unbound = true),
	CALL(ROOT_SET, 48, share_root_set, .flags = REFSLAB_ROOT_NEW,
	     .changes = CHANGES_HEAP, .locked = true),
	CALL(ROOT_GET, 48, share_root_get, .finish = share_root_get_finish,
	     .locked = true),
	CALL(ROOT_NEXT, 40, share_root_next),
	CALL(TYPE_CREATE, 56, call_type_create, .finish = call_type_create_finish,
	     .flags = REFSLAB_TYPE_MAPPED, .changes = CHANGES_HEAP),
	CALL(TYPE_DESTROY, 16, call_type_destroy, .changes = CHANGES_HEAP,
	     .locked = true),
	CALL(TYPE_INFO, 80, call_type_info, .flags = REFSLAB_TYPE_INFO_NEXT,
	     .locked = true, .typed = true),
	CALL(ALLOC, 24, call_alloc, .finish = call_alloc_finish,
	     .locked = true, .typed = true),
	CALL(DUP, 24, call_dup, .finish = call_dup_finish,
	     .flags = REFSLAB_READ_ONLY, .locked = true),
	CALL(CLOSE, 16, call_close, .locked = true),
	CALL(WEAK, 24, call_weak, .finish = call_weak_finish, .locked = true),
	CALL(UPGRADE, 24, call_upgrade, .finish = call_upgrade_finish,
	     .locked = true),
	CALL(EXPORT, 24, share_export, .finish = session_file_finish,
	     .flags = REFSLAB_READ_ONLY, .locked = true),
	CALL(IMPORT, 24, share_import, .finish = share_import_finish,
	     .locked = true),
	CALL(SLOT_SET, 32, call_slot_set, .locked = true),
	CALL(SLOT_LOAD, 32, call_slot_load, .finish = call_slot_load_finish,
	     .locked = true),
	CALL(SLOT_MOVE, 32, call_slot_move, .locked = true),
	CALL(SLOT_CMPXCHG, 40, call_slot_cmpxchg, .locked = true),
	CALL(READ, 32, payload_read),
	CALL(WRITE, 32, payload_write),
	CALL(OBJECT_INFO, 40, call_object_info, .locked = true),
	CALL(OBJECTS, 40, inspect_objects, .finish = inspect_finish),
	CALL(REFERRERS, 40, inspect_referrers, .finish = inspect_finish),
	CALL(REFERENTS, 40, inspect_referents, .finish = inspect_finish),
	CALL(MAP, 32, mapped_map, .finish = session_file_finish,
	     .flags = REFSLAB_READ_ONLY, .locked = true),
	CALL(THRESHOLDS, 24, call_thresholds, .flags = REFSLAB_THRESHOLDS_SET,
	     .changes = CHANGES_BY_FLAGS),
	CALL(ENABLE, 16, call_enable, .flags = REFSLAB_ENABLE_SET,
	     .changes = CHANGES_BY_FLAGS),
	CALL(COUNTS, 32, call_counts),
	CALL(STATS, 72, call_stats),
	CALL(COLLECT, 48, call_collect, .changes = CHANGES_HEAP),
	CALL(FREEZE, 16, call_freeze, .changes = CHANGES_BY_FLAGS,
	     .flags = REFSLAB_FREEZE_ON | REFSLAB_FREEZE_OFF),
	CALL(QUARANTINE, 24, call_quarantine, .changes = CHANGES_BY_FLAGS,
	     .flags = REFSLAB_QUARANTINE_SET | REFSLAB_QUARANTINE_DRAIN),
	CALL(DEBUG, 16, call_debug, .flags = REFSLAB_DEBUG_SET,
	     .changes = CHANGES_BY_FLAGS),
	CALL(EVENTS, 16, call_events, .locked = true,
	     .flags = REFSLAB_EVENTS_SWEEPS | REFSLAB_EVENTS_WEAK |
		      REFSLAB_EVENTS_FD),
	CALL(BATCH, 32, batch_run, .finish = batch_finish,
	     .flags = REFSLAB_BATCH_STOP),
};

/* By type and number alone: the size in the code changes as structures grow. */
const struct session_call *session_find_call(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);

	if (_IOC_TYPE(cmd) != REFSLAB_IOC || nr >= ARRAY_SIZE(calls))
		return NULL;
	nr = array_index_nospec(nr, ARRAY_SIZE(calls));
	return calls[nr].run ? &calls[nr] : NULL;
}

static __always_inline int run_locked(struct session *session,
				      const struct session_call *call,
				      union session_data *data)
{
	struct user_heap *heap = session_user_heap(session);
	int err = session_lock(session);

	if (err)
		return err;
	if (call->typed)
		err = down_read_interruptible(&heap->types) ? -ERESTARTSYS : 0;
	if (!err) {
		err = call->run(session, data);
		if (call->typed)
			up_read(&heap->types);
	}
	mutex_unlock(&session->mutex);
	return err;
}

/* Whether the session is one that may not do this; it has a heap. */
static bool refused(const struct session *session, const struct session_call *call,
		    u32 flags)
{
	return session->read_only && call->changes &&
	       (call->changes == CHANGES_HEAP || flags);
}

/* A call, without the copying. */
static __always_inline int run(struct session *session,
			       const struct session_call *call,
			       union session_data *data)
{
	if (data->flags & ~call->flags)
		return -EINVAL;
	if (!call->unbound) {
		if (!session_user_heap(session))
			return -ENXIO;
		if (unlikely(refused(session, call, data->flags)))
			return -EACCES;
	}
	return call->locked ? run_locked(session, call, data) :
			      call->run(session, data);
}

/* The same for tests. */
int session_run(struct session *session, const struct session_call *call,
		union session_data *data)
{
	return run(session, call, data);
}

/* A structure that is shorter or longer than this kernel knows it, or unreadable. */
static noinline int copy_in_other(const struct session_call *call,
				  union session_data *data, void __user *user)
{
	u32 size;
	int err;

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < call->min_size || size > PAGE_SIZE)
		return -EINVAL;
	err = copy_struct_from_user(data, call->size, user, size);
	/* another thread may have changed it since */
	data->size = size;
	return err;
}

static __always_inline int copy_in(const struct session_call *call,
				   union session_data *data, void __user *user)
{
	/* as this kernel knows it: the usual case */
	if (likely(sized_from_user((u64 *)data, user, call->words, call->size)))
		return 0;
	return copy_in_other(call, data, user);
}

static __always_inline bool copy_out(const struct session_call *call,
				     const union session_data *data, void __user *user)
{
	if (likely(data->size == call->size))
		return words_to_user(user, (const u64 *)data, call->words, 1);
	return !copy_to_user(user, data, min_t(size_t, data->size, call->size));
}

static __always_inline long call_user(struct session *session,
				      const struct session_call *call,
				      union session_data *data, void __user *user)
{
	bool copied;
	int err;

	err = copy_in(call, data, user);
	if (err)
		return err;
	err = run(session, call, data);
	if (err || !call->out)
		return err;
	copied = copy_out(call, data, user);
	if (call->finish)
		call->finish(session, data, copied);
	return copied ? 0 : -EFAULT;
}

/**
 * session_call_user - a call, with the copying
 * @session: the session
 * @cmd: which call
 * @user: the caller's structure
 *
 * Context: May sleep; in the caller's memory.
 * Return: 0, or an error.
 */
long session_call_user(struct session *session, unsigned int cmd,
		       void __user *user)
{
	const struct session_call *call = session_find_call(cmd);
	/* copied in; what follows the caller's structure is set by run() for finish() */
	union session_data data __uninitialized;

	/* else its address is computed from the number at each use */
	OPTIMIZER_HIDE_VAR(call);
	return call ? call_user(session, call, &data, user) : -ENOTTY;
}

/**
 * session_batch_user - REFSLAB_BATCH, for those who want to know what was done
 * @session: the session
 * @user: the caller's structure
 *
 * Context: May sleep; in the caller's memory.
 * Return: entries done, or an error.
 */
long session_batch_user(struct session *session, void __user *user)
{
	union session_data data __uninitialized;
	long err;

	err = call_user(session, &calls[_IOC_NR(REFSLAB_BATCH)], &data, user);
	return err ?: data.batch.arg.done;
}
