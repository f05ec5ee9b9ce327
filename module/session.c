// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions: open files of /dev/refslab.
 *
 * include/uapi/linux/refslab.h says what the calls do. Each is a function that
 * works on a copy of the caller's structure, an entry of the table at the end,
 * and nothing else: sizes, flags, locking and copying are the same for all and
 * done in one place.
 *
 * A call whose result cannot be copied out is undone. What it made was never
 * named to anybody, so there is little that could happen to it meanwhile; yet a
 * program can guess handles, and for that the undoing looks again.
 */
#include "session.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "heap.h"
#include "inspect_call.h"
#include "payload.h"

#define ALIGN_MAX	4096

static unsigned int handles_max = 1U << 20;
module_param(handles_max, uint, 0644);
MODULE_PARM_DESC(handles_max, "Most handles a session opened from now on may have");

/* --- sessions and their heaps --- */

struct session *session_create(void)
{
	struct session *session = kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);

	if (!session)
		return NULL;
	mutex_init(&session->mutex);
	handle_table_init(&session->handles, READ_ONCE(handles_max));
	return session;
}

/*
 * The last session takes the heap with it, objects and all. Only while others
 * go on using the heap do handles have to be closed one by one; they could not
 * appear now, since who joins a heap does so through a session of it. Weak
 * handles leave the heap's tables either way, so the heap goes after them.
 */
void session_destroy(struct session *session)
{
	struct user_heap *heap = session->heap;

	handle_table_destroy(&session->handles,
			     heap && refcount_read(&heap->sessions) > 1);
	if (heap && refcount_dec_and_test(&heap->sessions)) {
		refslab_heap_destroy(heap->heap);
		kfree(heap);
	}
	mutex_destroy(&session->mutex);
	kfree(session);
}

/* Nothing has been done yet where it fails: the call is started again. */
int session_lock(struct session *session)
{
	return mutex_lock_interruptible(&session->mutex) ? -ERESTARTSYS : 0;
}

/* A name as it comes from outside may lack its end. */
static bool name_ends(const char name[REFSLAB_NAME_MAX])
{
	return strnlen(name, REFSLAB_NAME_MAX) < REFSLAB_NAME_MAX;
}

static int heap_create(struct session *session, union session_data *data)
{
	const struct refslab_heap_create *arg = &data->heap_create;
	struct refslab_heap_args args = {
		.name = arg->name[0] ? arg->name : NULL,
		.limit = arg->limit,
		.flags = REFSLAB_HEAP_ACCOUNT,
	};
	struct user_heap *heap;
	int err;

	if (session->heap)
		return -EBUSY;
	if (!name_ends(arg->name))
		return -EINVAL;
	heap = kzalloc(sizeof(*heap), GFP_KERNEL_ACCOUNT);
	if (!heap)
		return -ENOMEM;
	refcount_set(&heap->sessions, 1);
	heap->heap = refslab_heap_create(&args);
	if (IS_ERR(heap->heap)) {
		err = PTR_ERR(heap->heap);
		kfree(heap);
		return err;
	}
	/* pairs with the acquire in session_heap() */
	smp_store_release(&session->heap, heap);
	return 0;
}

static int heap_info(struct session *session, union session_data *data)
{
	struct refslab_heap *heap = session_heap(session);
	struct refslab_heap_info *arg = &data->heap_info;
	struct pool_usage usage;

	pool_usage(&heap->pool, &usage);
	*arg = (struct refslab_heap_info){
		.size = arg->size,
		.chunk_bytes = REFSLAB_CHUNK_SIZE,
		.limit = usage.limit[POOL_LIMIT],
		.reserve = usage.limit[POOL_RESERVE],
		.low = usage.limit[POOL_LOW],
		.high = usage.limit[POOL_HIGH],
		.bytes = usage.held,
		.cached = usage.cached,
		.objects = heap_objects(heap),
		/* for information: not worth the lock */
		.types = data_race(READ_ONCE(heap->type_count)),
		.handles = READ_ONCE(session->handles.count),
		.handles_max = session->handles.max,
	};
	strscpy(arg->name, heap->name, sizeof(arg->name));
	return 0;
}

static int heap_limits(struct session *session, union session_data *data)
{
	const struct refslab_heap_limits *arg = &data->heap_limits;
	const u64 bytes[POOL_LIMITS] = {
		[POOL_LIMIT] = arg->limit,
		[POOL_RESERVE] = arg->reserve,
		[POOL_LOW] = arg->low,
		[POOL_HIGH] = arg->high,
	};
	int i;

	/* flags are the pool's bits; checked where the table is */
	for (i = 0; i < POOL_LIMITS; i++)
		if (bytes[i] && !(arg->flags & BIT(i)))
			return -EINVAL;
	return pool_set_limits(&session_heap(session)->pool, arg->flags, bytes);
}

/* --- types --- */

/*
 * A type of which nobody has been told yet has no priv, and calls do not find
 * it: so it can be taken back without asking whether it is in use.
 */
static bool type_told(const struct refslab_type *type)
{
	return type && READ_ONCE(type->priv);
}

/*
 * The type with a number, or NULL. Types of a user heap are destroyed by calls,
 * under the session's mutex: that keeps what is found.
 */
struct refslab_type *session_find_type(struct session *session, u32 id)
{
	struct refslab_type *type;

	lockdep_assert_held(&session->mutex);
	/* of a type that is being taken back the memory must stay */
	rcu_read_lock();
	type = type_find(session_heap(session), id);
	if (!type_told(type))
		type = NULL;
	rcu_read_unlock();
	return type;
}

/* The same for the lowest number above. */
static struct refslab_type *type_get_next(struct session *session, u32 id)
{
	struct refslab_type *type;

	lockdep_assert_held(&session->mutex);
	rcu_read_lock();
	do {
		type = type_next(session_heap(session), id);
		if (type)
			id = type->id;
	} while (type && !type_told(type));
	rcu_read_unlock();
	return type;
}

static int type_create(struct session *session, union session_data *data)
{
	struct refslab_type_create *arg = &data->type_create;
	struct refslab_type_args args = {
		.name = arg->name,
		.slots = arg->slots,
		.flags = REFSLAB_TYPE_ZERO | REFSLAB_TYPE_WEAK,
	};
	struct refslab_type *type;
	u32 offset;

	if (arg->slots > REFSLAB_SLOTS_MAX || arg->payload > REFSLAB_PAYLOAD_MAX ||
	    (!arg->slots && !arg->payload) || arg->align > ALIGN_MAX ||
	    (arg->align && !is_power_of_2(arg->align)) || !arg->name[0] ||
	    !name_ends(arg->name))
		return -EINVAL;
	offset = payload_offset(arg->slots, arg->align);
	args.size = offset + arg->payload;
	if (arg->align > sizeof(u64)) {
		args.align = arg->align;
		args.align_offset = offset;
	}
	type = refslab_type_create(session_heap(session), &args);
	if (IS_ERR(type))
		return PTR_ERR(type);
	arg->type = type->id;
	return 0;
}

static void type_create_finish(struct session *session, union session_data *data,
			       bool copied)
{
	const struct refslab_type_create *arg = &data->type_create;
	struct refslab_type *type = type_find(session_heap(session), arg->type);
	u32 offset = payload_offset(arg->slots, arg->align);

	if (copied)
		WRITE_ONCE(type->priv, (void *)(uintptr_t)offset);
	else
		WARN_ON_ONCE(refslab_type_destroy(type));
}

static int type_destroy(struct session *session, union session_data *data)
{
	const struct refslab_type_destroy *arg = &data->type_destroy;
	struct refslab_type *type;

	if (arg->reserved)
		return -EINVAL;
	type = session_find_type(session, arg->type);
	return type ? refslab_type_destroy(type) : -ENOENT;
}

static u64 type_slabs(const struct refslab_type *type)
{
	u64 slabs = 0;
	int nid;

	for_each_node_state(nid, N_MEMORY)
		/* for information: not worth the node's lock */
		slabs += data_race(READ_ONCE(type->nodes[nid].slabs));
	return slabs;
}

static int type_info(struct session *session, union session_data *data)
{
	struct refslab_type_info *arg = &data->type_info;
	struct refslab_type *type;

	type = arg->flags & REFSLAB_TYPE_INFO_NEXT ?
	       type_get_next(session, arg->type) : session_find_type(session, arg->type);
	if (!type)
		return -ENOENT;
	*arg = (struct refslab_type_info){
		.size = arg->size,
		.flags = arg->flags,
		.type = type->id,
		.type_flags = type->leaf ? REFSLAB_TYPE_FLAG_LEAF : 0,
		.slots = type->slots,
		.payload = payload_size(type),
		.object_size = type->layout.size,
		.slab_objects = type->layout.objects,
		.objects = refslab_type_objects(type),
		.slabs = type_slabs(type),
	};
	strscpy(arg->name, type->name, sizeof(arg->name));
	return 0;
}

/* --- handles --- */

static int object_create(struct session *session, union session_data *data)
{
	struct refslab_alloc *arg = &data->alloc;
	struct refslab_object *object;
	struct refslab_type *type;
	int err;

	if (arg->reserved)
		return -EINVAL;
	type = session_find_type(session, arg->type);
	if (!type)
		return -ENOENT;
	err = handle_reserve(&session->handles, &arg->handle);
	if (err)
		return err;
	object = object_alloc(type, GFP_KERNEL);
	if (IS_ERR(object)) {
		handle_cancel(&session->handles, arg->handle);
		return PTR_ERR(object);
	}
	handle_install(&session->handles, arg->handle, object);
	return 0;
}

/* Ends a handle of either kind; false if there is no such. */
bool session_drop(struct session *session, u64 handle)
{
	struct refslab_object *object = handle_close(&session->handles, handle);

	if (!object)
		return handle_close_weak(&session->handles, handle);
	refslab_put(object);
	return true;
}

/* Takes a handle back that could not be told, if it is there still. */
static void handle_finish(struct session *session, u64 handle, bool copied)
{
	if (copied || !handle)
		return;
	mutex_lock(&session->mutex);
	session_drop(session, handle);
	mutex_unlock(&session->mutex);
}

static void object_create_finish(struct session *session,
				 union session_data *data, bool copied)
{
	handle_finish(session, data->alloc.handle, copied);
}

/*
 * The count saturates at twice as many, with a WARN: that is for mistakes in
 * the kernel, not for programs with much memory. So many at once cannot race.
 */
#define REFERENCES_MAX	BIT(26)

bool session_may_get(const struct refslab_object *object)
{
	return refslab_count(object) < REFERENCES_MAX;
}

static int handle_dup(struct session *session, union session_data *data)
{
	struct refslab_dup *arg = &data->dup;
	struct refslab_object *object;
	int err;

	object = handle_object(&session->handles, arg->handle);
	if (!object)
		return -EBADF;
	if (!session_may_get(object))
		return -EOVERFLOW;
	err = handle_reserve(&session->handles, &arg->copy);
	if (err)
		return err;
	refslab_get(object);
	handle_install(&session->handles, arg->copy, object);
	return 0;
}

static void handle_dup_finish(struct session *session, union session_data *data,
			      bool copied)
{
	handle_finish(session, data->dup.copy, copied);
}

static int handle_end(struct session *session, union session_data *data)
{
	return session_drop(session, data->close.handle) ? 0 : -EBADF;
}

static int weak_create(struct session *session, union session_data *data)
{
	struct refslab_weak_create *arg = &data->weak;
	struct refslab_object *object;
	struct refslab_weak *weak;
	int err;

	object = handle_object(&session->handles, arg->handle);
	if (!object)
		return -EBADF;
	err = handle_reserve(&session->handles, &arg->weak);
	if (err)
		return err;
	weak = kmalloc(sizeof(*weak), GFP_KERNEL_ACCOUNT);
	err = -ENOMEM;
	if (!weak)
		goto err_cancel;
	refslab_weak_init(weak, NULL);
	err = refslab_weak_set(weak, object);
	if (err)
		goto err_free;
	handle_install_weak(&session->handles, arg->weak, weak);
	return 0;

err_free:
	kfree(weak);
err_cancel:
	handle_cancel(&session->handles, arg->weak);
	return err;
}

static void weak_create_finish(struct session *session,
			       union session_data *data, bool copied)
{
	handle_finish(session, data->weak.weak, copied);
}

/* Lets a reserved handle name what was got, which may be nothing or too much. */
static int handle_fill(struct session *session, u64 *handle,
		       struct refslab_object *object)
{
	if (object && session_may_get(object)) {
		handle_install(&session->handles, *handle, object);
		return 0;
	}
	handle_cancel(&session->handles, *handle);
	*handle = 0;
	if (!object)
		return 0;
	refslab_put(object);
	return -EOVERFLOW;
}

static int weak_upgrade(struct session *session, union session_data *data)
{
	struct refslab_upgrade *arg = &data->upgrade;
	struct refslab_weak *weak;
	int err;

	weak = handle_weak(&session->handles, arg->weak);
	if (!weak)
		return -EBADF;
	err = handle_reserve(&session->handles, &arg->handle);
	if (err)
		return err;
	return handle_fill(session, &arg->handle, refslab_weak_get(weak));
}

static void weak_upgrade_finish(struct session *session,
				union session_data *data, bool copied)
{
	handle_finish(session, data->upgrade.handle, copied);
}

static int object_info(struct session *session, union session_data *data)
{
	struct refslab_object_info *arg = &data->object_info;
	const struct refslab_type *type;
	struct refslab_object *object;

	object = handle_object(&session->handles, arg->handle);
	if (!object)
		return -EBADF;
	type = refslab_type_of(object);
	arg->type = type->id;
	arg->generation = type->leaf ? 0 : object_generation(object);
	arg->count = refslab_count(object);
	arg->slots = type->slots;
	arg->payload = payload_size(type);
	arg->object_flags = 0;
	arg->reserved = 0;
	if (!type->leaf && arg->generation < GENERATIONS)
		arg->object_flags |= REFSLAB_OBJECT_TRACKED;
	if (!type->leaf && object_quarantined(object))
		arg->object_flags |= REFSLAB_OBJECT_QUARANTINED;
	return 0;
}

/* --- slots --- */

/* User types have their slots in one array. */
static struct refslab_slot *slot_find(struct session *session, u64 handle,
				      u32 index)
{
	struct refslab_object *object;
	const struct refslab_type *type;
	struct refslab_slot *slots;

	object = handle_object(&session->handles, handle);
	if (!object)
		return ERR_PTR(-EBADF);
	type = refslab_type_of(object);
	if (index >= type->slots)
		return ERR_PTR(-EINVAL);
	slots = (void *)object + type->slot_offset;
	return &slots[array_index_nospec(index, type->slots)];
}

static int slot_set(struct session *session, union session_data *data)
{
	const struct refslab_slot_set *arg = &data->slot_set;
	struct refslab_object *target = NULL;
	struct refslab_slot *slot;

	if (arg->reserved)
		return -EINVAL;
	slot = slot_find(session, arg->handle, arg->slot);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (arg->target) {
		target = handle_object(&session->handles, arg->target);
		if (!target)
			return -EBADF;
		if (refslab_heap_of(target) != session_heap(session))
			return -EXDEV;
		if (!session_may_get(target))
			return -EOVERFLOW;
	}
	refslab_slot_set(slot, target);
	return 0;
}

static int slot_load(struct session *session, union session_data *data)
{
	struct refslab_slot_load *arg = &data->slot_load;
	struct refslab_slot *slot;
	int err;

	if (arg->reserved)
		return -EINVAL;
	slot = slot_find(session, arg->handle, arg->slot);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	err = handle_reserve(&session->handles, &arg->target);
	if (err)
		return err;
	return handle_fill(session, &arg->target, refslab_slot_load(slot));
}

static void slot_load_finish(struct session *session, union session_data *data,
			     bool copied)
{
	handle_finish(session, data->slot_load.target, copied);
}

static int slot_move(struct session *session, union session_data *data)
{
	const struct refslab_slot_move *arg = &data->slot_move;
	struct refslab_slot *from, *to;

	from = slot_find(session, arg->from, arg->from_slot);
	if (IS_ERR(from))
		return PTR_ERR(from);
	to = slot_find(session, arg->to, arg->to_slot);
	if (IS_ERR(to))
		return PTR_ERR(to);
	refslab_slot_move(to, from);
	return 0;
}

/* --- sweeps --- */

static int thresholds(struct session *session, union session_data *data)
{
	struct refslab_heap *heap = session_heap(session);
	struct refslab_thresholds *arg = &data->thresholds;

	if (arg->reserved)
		return -EINVAL;
	if (arg->flags & REFSLAB_THRESHOLDS_SET)
		return refslab_set_thresholds(heap, arg->threshold);
	refslab_get_thresholds(heap, arg->threshold);
	return 0;
}

static int enable(struct session *session, union session_data *data)
{
	struct refslab_heap *heap = session_heap(session);
	struct refslab_enable *arg = &data->enable;

	if (arg->reserved)
		return -EINVAL;
	if (arg->flags & REFSLAB_ENABLE_SET) {
		if (arg->enabled > 1)
			return -EINVAL;
		refslab_set_enabled(heap, arg->enabled);
	} else {
		arg->enabled = refslab_is_enabled(heap);
	}
	return 0;
}

static int counts(struct session *session, union session_data *data)
{
	s64 count[REFSLAB_GENERATIONS];

	refslab_get_counts(session_heap(session), count);
	memcpy(data->counts.count, count, sizeof(count));
	return 0;
}

static int stats(struct session *session, union session_data *data)
{
	struct refslab_stats *arg = &data->stats;
	const struct sweep_stats *stats;
	u32 generation = arg->generation;

	if (arg->reserved || generation >= REFSLAB_GENERATIONS)
		return -EINVAL;
	generation = array_index_nospec(generation, REFSLAB_GENERATIONS);
	stats = &session_heap(session)->sweep.stats[generation];
	arg->runs = READ_ONCE(stats->runs);
	arg->examined = READ_ONCE(stats->examined);
	arg->freed = READ_ONCE(stats->freed);
	arg->unfreed = READ_ONCE(stats->unfreed);
	arg->aborts = READ_ONCE(stats->aborts);
	arg->time_ns = READ_ONCE(stats->time_ns);
	arg->longest_ns = READ_ONCE(stats->longest_ns);
	arg->candidates = READ_ONCE(stats->candidates);
	return 0;
}

static int collect(struct session *session, union session_data *data)
{
	struct refslab_collect *arg = &data->collect;
	struct refslab_sweep_result result;
	int err;

	if (arg->reserved || arg->generation >= REFSLAB_GENERATIONS)
		return -EINVAL;
	err = refslab_collect(session_heap(session), arg->generation, &result);
	if (err)
		return err;
	arg->examined = result.examined;
	arg->freed = result.freed;
	arg->unfreed = result.unfreed;
	arg->time_ns = result.time_ns;
	return 0;
}

static int freeze(struct session *session, union session_data *data)
{
	struct refslab_heap *heap = session_heap(session);
	struct refslab_freeze *arg = &data->freeze;
	long n;

	switch (arg->flags) {
	case 0:
		n = refslab_frozen(heap);
		break;
	case REFSLAB_FREEZE_ON:
		n = refslab_freeze(heap);
		break;
	case REFSLAB_FREEZE_OFF:
		n = refslab_unfreeze(heap);
		break;
	default:
		return -EINVAL;
	}
	if (n < 0)
		return n;
	arg->objects = n;
	return 0;
}

static int quarantine(struct session *session, union session_data *data)
{
	struct refslab_heap *heap = session_heap(session);
	struct refslab_quarantine *arg = &data->quarantine;
	long n = 0;

	if (arg->reserved)
		return -EINVAL;
	switch (arg->flags) {
	case 0:
		n = refslab_quarantined(heap);
		break;
	case REFSLAB_QUARANTINE_SET:
		if (arg->enabled > 1)
			return -EINVAL;
		refslab_set_quarantine(heap, arg->enabled);
		break;
	case REFSLAB_QUARANTINE_DRAIN:
		n = refslab_drain_quarantine(heap);
		break;
	default:
		return -EINVAL;
	}
	if (n < 0)
		return n;
	if (arg->flags != REFSLAB_QUARANTINE_SET)
		arg->enabled = refslab_get_quarantine(heap);
	arg->objects = n;
	return 0;
}

/* --- the table, and what all calls have in common --- */

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
		.min_size = (size_published),				\
		.out = !!(_IOC_DIR(REFSLAB_##name) & _IOC_READ),	\
		__VA_ARGS__						\
	}

static const struct session_call calls[] = {
	CALL(HEAP_CREATE, 48, heap_create, .locked = true, .unbound = true),
	CALL(HEAP_INFO, 128, heap_info),
	CALL(HEAP_LIMITS, 40, heap_limits, .flags = LIMITS_FLAGS),
	CALL(TYPE_CREATE, 56, type_create, .finish = type_create_finish),
	CALL(TYPE_DESTROY, 16, type_destroy, .locked = true),
	CALL(TYPE_INFO, 80, type_info, .flags = REFSLAB_TYPE_INFO_NEXT,
	     .locked = true),
	CALL(ALLOC, 24, object_create, .finish = object_create_finish,
	     .locked = true),
	CALL(DUP, 24, handle_dup, .finish = handle_dup_finish, .locked = true),
	CALL(CLOSE, 16, handle_end, .locked = true),
	CALL(WEAK, 24, weak_create, .finish = weak_create_finish, .locked = true),
	CALL(UPGRADE, 24, weak_upgrade, .finish = weak_upgrade_finish,
	     .locked = true),
	CALL(SLOT_SET, 32, slot_set, .locked = true),
	CALL(SLOT_LOAD, 32, slot_load, .finish = slot_load_finish,
	     .locked = true),
	CALL(SLOT_MOVE, 32, slot_move, .locked = true),
	CALL(READ, 32, payload_read),
	CALL(WRITE, 32, payload_write),
	CALL(OBJECT_INFO, 40, object_info, .locked = true),
	CALL(OBJECTS, 40, inspect_objects, .finish = inspect_finish),
	CALL(REFERRERS, 40, inspect_referrers, .finish = inspect_finish),
	CALL(THRESHOLDS, 24, thresholds, .flags = REFSLAB_THRESHOLDS_SET),
	CALL(ENABLE, 16, enable, .flags = REFSLAB_ENABLE_SET),
	CALL(COUNTS, 32, counts),
	CALL(STATS, 72, stats),
	CALL(COLLECT, 48, collect),
	CALL(FREEZE, 16, freeze,
	     .flags = REFSLAB_FREEZE_ON | REFSLAB_FREEZE_OFF),
	CALL(QUARANTINE, 24, quarantine,
	     .flags = REFSLAB_QUARANTINE_SET | REFSLAB_QUARANTINE_DRAIN),
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

/* A call, without the copying. */
int session_run(struct session *session, const struct session_call *call,
		union session_data *data)
{
	int err;

	if (data->flags & ~call->flags)
		return -EINVAL;
	if (!call->unbound && !session_heap(session))
		return -ENXIO;
	if (!call->locked)
		return call->run(session, data);

	err = session_lock(session);
	if (err)
		return err;
	err = call->run(session, data);
	mutex_unlock(&session->mutex);
	return err;
}

static long session_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct session_call *call = session_find_call(cmd);
	struct session *session = file->private_data;
	void __user *user = (void __user *)arg;
	union session_data data;
	bool copied = true;
	u32 size;
	int err;

	if (!call)
		return -ENOTTY;
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < call->min_size || size > PAGE_SIZE)
		return -EINVAL;
	err = copy_struct_from_user(&data, call->size, user, size);
	if (err)
		return err;
	/* another thread may have changed it since */
	data.size = size;

	err = session_run(session, call, &data);
	if (err)
		return err;
	if (call->out)
		copied = !copy_to_user(user, &data, min_t(size_t, size, call->size));
	if (call->finish)
		call->finish(session, &data, copied);
	return copied ? 0 : -EFAULT;
}

static int session_open(struct inode *inode, struct file *file)
{
	file->private_data = session_create();
	return file->private_data ? 0 : -ENOMEM;
}

static int session_release(struct inode *inode, struct file *file)
{
	session_destroy(file->private_data);
	return 0;
}

static const struct file_operations session_fops = {
	.owner		= THIS_MODULE,
	.open		= session_open,
	.release	= session_release,
	.unlocked_ioctl	= session_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice session_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "refslab",
	.mode	= 0600,
	.fops	= &session_fops,
};

int session_init(void)
{
	return misc_register(&session_device);
}

void session_exit(void)
{
	misc_deregister(&session_device);
}
