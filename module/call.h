/* SPDX-License-Identifier: GPL-2.0 */
/* Calls: what a session can be asked to do. */
#ifndef _REFSLAB_CALL_H
#define _REFSLAB_CALL_H

#include <linux/err.h>
#include <uapi/linux/refslab.h>

#include "object.h"
#include "session.h"

struct batch;
struct file;

/**
 * struct session_inspect - what calls that look around are given
 * @objects: of REFSLAB_OBJECTS; the caller's structure, copied
 * @referrers: of REFSLAB_REFERRERS, likewise
 * @referents: of REFSLAB_REFERENTS, likewise
 * @made: the handles they made, between run and finish
 * @read_only: these are read-only
 */
struct session_inspect {
	union {
		struct refslab_objects objects;
		struct refslab_referrers referrers;
		struct refslab_referents referents;
	};
	u64	*made;
	bool	read_only;
};

/**
 * struct session_file - what calls that make a descriptor are given
 * @invite: of REFSLAB_INVITE; the caller's structure, copied
 * @export: of REFSLAB_EXPORT, likewise
 * @map: of REFSLAB_MAP, likewise
 * @file: what they made, between run and finish
 * @fd: the descriptor reserved for it
 */
struct session_file {
	union {
		struct refslab_invite invite;
		struct refslab_export export;
		struct refslab_map map;
	};
	struct file	*file;
	int		fd;
};

/**
 * struct session_batch - what REFSLAB_BATCH is given
 * @arg: the caller's structure, copied
 * @batch: the handles that it made, between run and finish
 */
struct session_batch {
	struct refslab_batch arg;
	struct batch	*batch;
};

/* What any call is given: the caller's structure, copied. */
union session_data {
	struct {
		u32 size, flags;
	};
	struct refslab_heap_create heap_create;
	struct refslab_heap_info heap_info;
	struct refslab_heap_limits heap_limits;
	struct session_file file;
	struct refslab_join join;
	struct refslab_import import;
	struct refslab_root_set root_set;
	struct refslab_root_get root_get;
	struct refslab_root_next root_next;
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
	struct refslab_slot_cmpxchg slot_cmpxchg;
	struct refslab_io io;
	struct refslab_object_info object_info;
	struct refslab_thresholds thresholds;
	struct refslab_enable enable;
	struct refslab_counts counts;
	struct refslab_stats stats;
	struct refslab_collect collect;
	struct refslab_freeze freeze;
	struct refslab_quarantine quarantine;
	struct refslab_debug debug;
	struct refslab_events events;
	struct session_inspect inspect;
	struct session_batch batch;
};

/* Which calls change something of the heap, and so are not for all sessions. */
enum call_changes {
	CHANGES_NOTHING,
	CHANGES_BY_FLAGS,	/* without a flag it only asks */
	CHANGES_HEAP,
};

/**
 * struct session_call - one of the ioctls
 * @run: does it
 * @finish: told afterwards, @run having returned 0, whether the caller got the
 *	result, of calls with @out; else takes back what was made. Or NULL
 * @size: of the structure, as this kernel knows it
 * @min_size: of the structure, as it was first published
 * @flags: those it knows
 * @changes: whether it is for read-only sessions. Calls that change something
 *	through a handle are refused because of the handle; enum call_changes
 * @words: @size in u64
 * @out: the structure is copied back
 * @locked: @run is called with the session's mutex held
 * @typed: likewise with the heap's types held for reading
 * @unbound: the session needs no heap
 */
struct session_call {
	int	(*run)(struct session *session, union session_data *data);
	void	(*finish)(struct session *session, union session_data *data,
			  bool copied);
	u16	size;
	u16	min_size;
	u32	flags;
	u8	changes;
	u8	words;
	bool	out;
	bool	locked;
	bool	typed;
	bool	unbound;
};

const struct session_call *session_find_call(unsigned int cmd);
int session_run(struct session *session, const struct session_call *call,
		union session_data *data);
long session_call_user(struct session *session, unsigned int cmd,
		       void __user *user);
long session_batch_user(struct session *session, void __user *user);

/* heap_call.c */
bool call_name_ends(const char name[REFSLAB_NAME_MAX]);
int call_heap_create(struct session *session, union session_data *data);
int call_heap_info(struct session *session, union session_data *data);
int call_heap_limits(struct session *session, union session_data *data);

/* type_call.c */
int call_type_create(struct session *session, union session_data *data);
void call_type_create_finish(struct session *session, union session_data *data,
			     bool copied);
int call_type_destroy(struct session *session, union session_data *data);
int call_type_info(struct session *session, union session_data *data);

/* handle_call.c */
int call_alloc(struct session *session, union session_data *data);
void call_alloc_finish(struct session *session, union session_data *data,
		       bool copied);
int call_dup(struct session *session, union session_data *data);
void call_dup_finish(struct session *session, union session_data *data,
		     bool copied);
int call_close(struct session *session, union session_data *data);
int call_weak(struct session *session, union session_data *data);
void call_weak_finish(struct session *session, union session_data *data,
		      bool copied);
int call_upgrade(struct session *session, union session_data *data);
void call_upgrade_finish(struct session *session, union session_data *data,
			 bool copied);
int call_object_info(struct session *session, union session_data *data);

/* slot_call.c */
int call_slot_set(struct session *session, union session_data *data);
int call_slot_load(struct session *session, union session_data *data);
void call_slot_load_finish(struct session *session, union session_data *data,
			   bool copied);
int call_slot_move(struct session *session, union session_data *data);
int call_slot_cmpxchg(struct session *session, union session_data *data);

/* sweep_call.c */
int call_thresholds(struct session *session, union session_data *data);
int call_enable(struct session *session, union session_data *data);
int call_counts(struct session *session, union session_data *data);
int call_stats(struct session *session, union session_data *data);
int call_collect(struct session *session, union session_data *data);
int call_freeze(struct session *session, union session_data *data);
int call_quarantine(struct session *session, union session_data *data);
int call_debug(struct session *session, union session_data *data);

/*
 * What calls and the entries of batches have in common; session's mutex held,
 * and for op_alloc() the heap's types for reading.
 */
int op_alloc_other(struct session *session, u32 type_id, u64 *handle);

static inline int op_alloc(struct session *session, u32 type_id, u64 *handle)
{
	struct refslab_type *type = session_known_type(session, type_id);
	struct refslab_object *object;
	int err;

	if (unlikely(!type))
		return op_alloc_other(session, type_id, handle);
	err = handle_reserve(&session->handles, handle);
	if (unlikely(err))
		return err;
	object = object_alloc(type, GFP_KERNEL);
	if (IS_ERR(object)) {
		handle_cancel(&session->handles, *handle);
		return PTR_ERR(object);
	}
	handle_install(&session->handles, *handle, object);
	return 0;
}

static inline int op_close(struct session *session, u64 handle)
{
	return session_drop(session, handle) ? 0 : -EBADF;
}

int op_dup(struct session *session, u64 handle, u32 flags, u64 *copy);
int op_weak(struct session *session, u64 handle, u64 *weak);
int op_upgrade(struct session *session, u64 weak, u64 *handle);
int op_slot_set(struct session *session, u64 handle, u32 slot, u64 target);
int op_slot_load(struct session *session, u64 handle, u32 slot, u64 *target);
int op_slot_move(struct session *session, u64 from, u32 from_slot, u64 to,
		 u32 to_slot);
int op_slot_cmpxchg(struct session *session, u64 handle, u32 slot, u64 expected,
		    u64 target);
int op_read(struct session *session, u64 handle, u32 offset, u32 length,
	    void *buffer);
int op_write(struct session *session, u64 handle, u32 offset, u32 length,
	     const void *buffer);

#endif /* _REFSLAB_CALL_H */
