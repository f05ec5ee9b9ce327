// SPDX-License-Identifier: GPL-2.0
/*
 * The calls that look around in a heap: handles of what is found.
 *
 * The handles go to an array of the caller's, which like all of its memory is
 * written without the session's mutex; until it is known that the caller got
 * structure and array both, we keep a list of what there is to take back.
 */
#include "inspect_call.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/uaccess.h>

#include "heap.h"

/* What all have in common is in the same place, so one will do for all. */
static_assert(offsetof(struct refslab_objects, cursor) ==
	      offsetof(struct refslab_referrers, cursor));
static_assert(offsetof(struct refslab_objects, count) ==
	      offsetof(struct refslab_referrers, count));
static_assert(offsetof(struct refslab_objects, reserved) ==
	      offsetof(struct refslab_referrers, reserved));
static_assert(offsetof(struct refslab_objects, handles) ==
	      offsetof(struct refslab_referrers, handles));
static_assert(offsetof(struct refslab_referents, handle) ==
	      offsetof(struct refslab_referrers, handle));
static_assert(offsetof(struct refslab_referents, cursor) ==
	      offsetof(struct refslab_referrers, cursor));
static_assert(offsetof(struct refslab_referents, count) ==
	      offsetof(struct refslab_referrers, count));
static_assert(offsetof(struct refslab_referents, reserved) ==
	      offsetof(struct refslab_referrers, reserved));
static_assert(offsetof(struct refslab_referents, handles) ==
	      offsetof(struct refslab_referrers, handles));
static_assert(REFSLAB_ANY_GENERATION == REFSLAB_GENERATION_ANY);

/*
 * Fills an array; session's mutex held. Returns how many, or an error. Says too
 * whether the handles are to be read-only: what one finds without having been
 * given it one may look at, unless the heap is one's own.
 */
typedef int find_fn(struct session *session, struct session_inspect *data,
		    struct refslab_object **objs);

static int find_objects(struct session *session, struct session_inspect *data,
			struct refslab_object **objs)
{
	struct refslab_objects *arg = &data->objects;
	struct refslab_type *type = NULL;

	if (arg->type) {
		type = session_find_type(session, arg->type);
		if (!type)
			return -ENOENT;
	}
	data->read_only = session->joined;
	return refslab_inspect_objects(session_heap(session), type,
				       arg->generation, &arg->cursor, objs,
				       arg->count);
}

static int find_referrers(struct session *session, struct session_inspect *data,
			  struct refslab_object **objs)
{
	struct refslab_referrers *arg = &data->referrers;
	struct refslab_object *object;

	object = handle_object(&session->handles, arg->handle);
	if (!object)
		return -EBADF;
	data->read_only = session->joined;
	return refslab_inspect_referrers(object, &arg->cursor, objs, arg->count);
}

static int find_referents(struct session *session, struct session_inspect *data,
			  struct refslab_object **objs)
{
	struct refslab_referents *arg = &data->referents;
	struct refslab_object *object;

	object = handle_object(&session->handles, arg->handle);
	if (!object)
		return -EBADF;
	/* as by SLOT_LOAD of each slot */
	data->read_only = handle_read_only(&session->handles, arg->handle);
	return refslab_inspect_referents(object, &arg->cursor, objs, arg->count);
}

/* Takes handles back, those of them that are there still. */
static void drop_handles(struct session *session, const u64 *handles, u32 n)
{
	u32 i;

	/* a put may release much */
	for (i = 0; i < n; i++) {
		session_drop(session, handles[i]);
		cond_resched();
	}
}

/*
 * Handles for objects, whose references are the handles' then, or gone. Those
 * that can have no more references are left out. Returns how many, or an error
 * and there are none.
 */
static int make_handles(struct session *session, struct refslab_object **objs,
			u32 n, u64 *handles, bool read_only)
{
	u32 i, made = 0;
	int err = 0;

	for (i = 0; i < n && !err; i++) {
		if (!session_may_get(objs[i])) {
			refslab_put(objs[i]);
			continue;
		}
		err = handle_reserve(&session->handles, &handles[made]);
		if (err) {
			refslab_put(objs[i]);
			continue;
		}
		handle_install(&session->handles, handles[made], objs[i]);
		handle_set_read_only(&session->handles, handles[made++],
				     read_only);
	}
	if (!err)
		return made;
	for (; i < n; i++) {
		refslab_put(objs[i]);
		cond_resched();
	}
	drop_handles(session, handles, made);
	return err;
}

static int find_locked(struct session *session, struct session_inspect *data,
		       find_fn *find, u64 *handles)
{
	struct user_heap *heap = session_user_heap(session);
	u32 room = data->objects.count;
	struct refslab_object **objs;
	int n;

	objs = kvmalloc_array(room, sizeof(*objs), GFP_PROGRAM);
	if (!objs)
		return -ENOMEM;
	n = session_lock(session);
	if (!n) {
		n = down_read_interruptible(&heap->types) ? -ERESTARTSYS : 0;
		if (!n) {
			n = find(session, data, objs);
			up_read(&heap->types);
		}
		if (n > 0)
			n = make_handles(session, objs, n, handles,
					 data->read_only);
		mutex_unlock(&session->mutex);
	}
	kvfree(objs);
	return n;
}

static void take_back(struct session *session, const u64 *handles, u32 n)
{
	mutex_lock(&session->mutex);
	drop_handles(session, handles, n);
	mutex_unlock(&session->mutex);
}

static int inspect(struct session *session, struct session_inspect *data,
		   find_fn *find)
{
	struct refslab_objects *arg = &data->objects;
	u64 *handles;
	int n;

	if (arg->reserved || !arg->count || arg->count > REFSLAB_INSPECT_MAX)
		return -EINVAL;
	handles = kvmalloc_array(arg->count, sizeof(*handles), GFP_PROGRAM);
	if (!handles)
		return -ENOMEM;
	n = find_locked(session, data, find, handles);
	if (n > 0 && copy_to_user(u64_to_user_ptr(arg->handles), handles,
				  n * sizeof(*handles))) {
		take_back(session, handles, n);
		n = -EFAULT;
	}
	if (n < 0) {
		kvfree(handles);
		return n;
	}
	arg->count = n;
	data->made = handles;
	return 0;
}

/* REFSLAB_OBJECTS */
int inspect_objects(struct session *session, union session_data *data)
{
	u32 generation = data->inspect.objects.generation;

	if (generation > REFSLAB_GENERATION_FROZEN &&
	    generation != REFSLAB_GENERATION_ANY)
		return -EINVAL;
	return inspect(session, &data->inspect, find_objects);
}

/* REFSLAB_REFERRERS */
int inspect_referrers(struct session *session, union session_data *data)
{
	return inspect(session, &data->inspect, find_referrers);
}

/* REFSLAB_REFERENTS */
int inspect_referents(struct session *session, union session_data *data)
{
	return inspect(session, &data->inspect, find_referents);
}

/* What all leave behind. */
void inspect_finish(struct session *session, union session_data *data,
		    bool copied)
{
	struct session_inspect *inspect = &data->inspect;

	if (!copied)
		take_back(session, inspect->made, inspect->objects.count);
	kvfree(inspect->made);
}
