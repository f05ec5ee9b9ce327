// SPDX-License-Identifier: GPL-2.0
/*
 * Types: what objects are of, and the cache that each has to itself.
 */
#include "type.h"

#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "depot.h"
#include "heap.h"
#include "report.h"
#include "sysfs.h"

/* Checks what can be checked of slots, and copies the offsets. */
static int type_set_slots(struct refslab_type *type,
			  const struct refslab_type_args *args)
{
	DECLARE_BITMAP(seen, REFSLAB_OBJECT_MAX / sizeof(struct refslab_slot)) = { };
	unsigned int i;
	u16 *offsets;

	type->leaf = !args->slots && !args->traverse;
	type->header = type->leaf ? sizeof(struct refslab_object) :
				    sizeof(struct refslab_linked);
	if (args->finalize && type->leaf)
		return -EINVAL;
	if (args->size < type->header || args->size > REFSLAB_OBJECT_MAX)
		return -EINVAL;
	if (args->traverse) {
		if (args->slots || args->slot_offset || args->slot_offsets)
			return -EINVAL;
		type->traverse = args->traverse;
		return 0;
	}
	type->slots = args->slots;
	if (args->slot_offsets) {
		if (!args->slots || args->slot_offset)
			return -EINVAL;
		for (i = 0; i < args->slots; i++) {
			u32 offset = args->slot_offsets[i];

			if (offset < type->header ||
			    offset % sizeof(struct refslab_slot) ||
			    offset + sizeof(struct refslab_slot) > args->size)
				return -EINVAL;
			/* a slot twice would be an edge counted twice */
			if (__test_and_set_bit(offset / sizeof(struct refslab_slot),
					       seen))
				return -EINVAL;
		}
		offsets = kmemdup(args->slot_offsets,
				  args->slots * sizeof(*offsets), GFP_KERNEL);
		if (!offsets)
			return -ENOMEM;
		type->slot_offsets = offsets;
		return 0;
	}
	type->slot_offset = args->slot_offset ?: type->header;
	if (type->slot_offset < type->header ||
	    type->slot_offset % sizeof(struct refslab_slot) ||
	    args->slots > REFSLAB_OBJECT_MAX / sizeof(struct refslab_slot) ||
	    type->slot_offset + args->slots * sizeof(struct refslab_slot) >
	    args->size)
		return -EINVAL;
	return 0;
}

/* Slots that a put of the last reference looks at before it goes a longer way. */
#define QUIET_SLOTS	8

/*
 * What the usual path needs. Leaf objects are born LISTED: put takes no detour
 * to list them and no sweep ever looks. Of a fresh object what a sweep notes is
 * cleared, and without init_on_alloc or REFSLAB_TYPE_ZERO just the slots beyond
 * that; where nobody can tell where the slots are, all of it.
 */
static void type_set_path(struct refslab_type *type)
{
	const u32 word = sizeof(struct refslab_object);
	struct refslab_path *path = &type->path;
	long all, fresh = 0;

	path->born = type->leaf ? REFSLAB_COUNT_ONE :
				  REFSLAB_COUNT_ONE | REFSLAB_UNLISTED;
	/* objects are multiples of 16 bytes apart; but a red zone is not cleared */
	all = (type->flags & REFSLAB_TYPE_RED_ZONE ? ALIGN_DOWN(type->size, sizeof(u64)) :
						     ALIGN(type->size, sizeof(u64))) - word;
	/* the kernel's init_on_alloc and init_on_free are those it was booted with */
	if (want_init_on_alloc(0) || type->flags & REFSLAB_TYPE_ZERO ||
	    type->traverse || type->slot_offsets)
		fresh = all;
	else if (!type->leaf)
		fresh = type->slot_offset - word + type->slots * sizeof(struct refslab_slot);
	path->clear = fresh - REFSLAB_CLEAR_LEAST;
	path->clear_all = all - REFSLAB_CLEAR_LEAST;
	path->hooks = type->ctor || type->flags & DEBUG_FLAGS;
	path->quiet = !type->release && !type->traverse && !type->slot_offsets &&
		      type->slots <= QUIET_SLOTS && !(type->flags & DEBUG_FLAGS) &&
		      !want_init_on_free();
	path->plain = path->quiet && type->leaf && !(type->flags & REFSLAB_TYPE_WEAK);
	path->magazine_size = magazine_size(type->layout.size);
}

static bool type_name_taken(struct refslab_heap *heap, const char *name)
{
	struct refslab_type *type;
	unsigned long id;

	lockdep_assert_held(&heap->lock);
	xa_for_each(&heap->types, id, type)
		if (!strcmp(type->name, name))
			return true;
	return false;
}

#define TYPE_FILES_BYTES	SZ_4K	/* a kobject, some twenty kernfs nodes and their names */

/* What a type takes that is counted for its heap's tenant. */
static unsigned long type_pages(const struct refslab_type *type)
{
	size_t magazine = struct_size((struct refslab_magazine *)NULL, objects,
				      type->magazine_room);

	return DIV_ROUND_UP(TYPE_FILES_BYTES + num_possible_cpus() * magazine, PAGE_SIZE);
}

/* Counts what no limit of the heap's bounds, having tried all that makes room. */
static int charge(struct refslab_type *type)
{
	struct refslab_heap *heap = type->heap;
	struct tenant *tenant = heap->pool.tenant;
	unsigned long pages = type_pages(type);

	type->charged = tenant_charge(tenant, pages);
	if (!type->charged && trigger_pressed(heap)) {
		pool_drain(&heap->pool);
		type->charged = tenant_charge(tenant, pages);
	}
	if (type->charged)
		return 0;
	tenant_say_full(tenant, heap->name);
	return -ENOSPC;
}

static void uncharge(struct refslab_type *type)
{
	if (type->charged)
		tenant_uncharge(type->heap->pool.tenant, type_pages(type));
}

/**
 * refslab_type_create - make a type
 * @heap: the heap its objects live in
 * @args: what it is; copied
 *
 * Context: May sleep.
 * Return: the type, or an ERR_PTR(): -EINVAL for arguments that make no sense,
 *	-EEXIST if the heap has a type of that name, -ENOSPC if it has as many
 *	types as it may or all heaps of its user have the memory that they may
 *	have, -EDEADLK within a release, a finalizer or a listener, -EINTR if the
 *	caller was killed while it waited, -ENOMEM.
 */
struct refslab_type *refslab_type_create(struct refslab_heap *heap,
					 const struct refslab_type_args *args)
{
	gfp_t gfp = heap->flags & REFSLAB_HEAP_ACCOUNT ? GFP_KERNEL_ACCOUNT : GFP_KERNEL;
	struct refslab_type *type;
	int nid, err;

	if (!heap_name_valid(args->name) || args->flags & ~REFSLAB_TYPE_FLAGS ||
	    (args->align && !is_power_of_2(args->align)) ||
	    args->align > PAGE_SIZE || args->align_offset > REFSLAB_OBJECT_MAX ||
	    args->align_offset % BIT(GRANULE_SHIFT))
		return ERR_PTR(-EINVAL);
	if (object_in_release(heap))
		return ERR_PTR(-EDEADLK);

	type = kzalloc(sizeof(*type), gfp);
	if (!type)
		return ERR_PTR(-ENOMEM);
	type->heap = heap;
	type->size = args->size;
	type->ctor = args->ctor;
	type->release = args->release;
	type->finalize = args->finalize;
	type->priv = args->priv;
	type->flags = args->flags | debug_type_flags(heap->name, args->name);
	strscpy(type->name, args->name, sizeof(type->name));

	err = type_set_slots(type, args);
	if (err)
		goto err_free;
	type->scattered = type->traverse || type->slot_offsets;
	type->tells = type->release || type->flags & REFSLAB_TYPE_WEAK;
	err = slab_layout(&type->layout, debug_layout(type), args->align,
			  args->align_offset, !type->leaf,
			  type->flags & REFSLAB_TYPE_WEAK);
	if (err)
		goto err_free;
	err = debug_begin(type);
	if (err)
		goto err_free;

	err = -ENOMEM;
	type->nodes = kcalloc(nr_node_ids, sizeof(*type->nodes), gfp);
	if (!type->nodes)
		goto err_free;
	for (nid = 0; nid < nr_node_ids; nid++)
		slab_node_init(&type->nodes[nid]);
	err = depot_create(type, gfp);
	if (err)
		goto err_free;
	err = -ENOMEM;
	type->counters = alloc_percpu_gfp(struct counters, gfp | __GFP_NOWARN);
	if (!type->counters)
		goto err_free;
	type_set_path(type);
	type->magazine_room = magazine_room(type->layout.size);
	err = charge(type);
	if (err)
		goto err_free;
	err = -ENOMEM;
	type->path.magazines = magazine_create(type->magazine_room, gfp);
	if (!type->path.magazines)
		goto err_free;
	err = magazine_watch_cpus(type);
	if (err)
		goto err_free;

	if (mutex_lock_killable(&heap->lock)) {
		err = -EINTR;
		goto err_free;
	}
	if (type_name_taken(heap, type->name))
		err = -EEXIST;
	else if (heap->type_count >= TYPES_MAX)
		err = -ENOSPC;
	else
		err = xa_alloc(&heap->types, &type->id, NULL,
			       XA_LIMIT(1, 2 * TYPES_MAX), GFP_KERNEL);
	if (err)
		goto err_unlock;
	err = sysfs_add_type(type);
	if (err)
		goto err_kobject;
	/* last: who finds it may use it. There is room, so nothing is allocated */
	xa_store(&heap->types, type->id, type, GFP_KERNEL);
	heap->type_count++;
	if (type->finalize)
		WRITE_ONCE(heap->sweep.finalizers, true);
	mutex_unlock(&heap->lock);
	return type;

err_kobject:
	xa_release(&heap->types, type->id);
	mutex_unlock(&heap->lock);
	type_put(type);
	return ERR_PTR(err);
err_unlock:
	mutex_unlock(&heap->lock);
err_free:
	uncharge(type);
	type_free(type);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(refslab_type_create);

/* Called by the last kobject_put(), or where a type has no kobject yet. */
void type_free(struct refslab_type *type)
{
	if (type->path.magazines) {
		magazine_forget_cpus(type);
		magazine_destroy(type->path.magazines);
	}
	debug_end(type);
	free_percpu(type->counters);
	if (type->nodes)
		depot_destroy(type);
	kfree(type->nodes);
	kfree(type->slot_offsets);
	kfree(type);
}

/* It is gone from its heap; who reads a file of it may have its memory for longer. */
void type_put(struct refslab_type *type)
{
	uncharge(type);
	kobject_put(&type->kobj);
}

/**
 * type_settle - wait until what has died by now does not count any more
 * @heap: the heap
 *
 * The last objects of a type may be left to the workqueue, or a sweep may have their
 * memory.
 *
 * Context: May sleep.
 * Return: 0; -EDEADLK within a release, a finalizer or a listener, -EINTR if the
 *	caller was killed.
 */
int type_settle(struct refslab_heap *heap)
{
	int err;

	if (releaser_wait(&heap->releaser))
		return -EINTR;
	err = sweep_lock(heap);
	if (!err)
		mutex_unlock(&heap->sweep.mutex);
	return err;
}

/* Both: a sweep may hold memory of what has died; it gives it back. */
static int lock_types(struct refslab_heap *heap, bool killable)
{
	if (!killable) {
		mutex_lock(&heap->lock);
		mutex_lock(&heap->sweep.mutex);
		return 0;
	}
	if (mutex_lock_killable(&heap->lock))
		return -EINTR;
	if (mutex_lock_killable(&heap->sweep.mutex)) {
		mutex_unlock(&heap->lock);
		return -EINTR;
	}
	return 0;
}

/**
 * type_destroy - refslab_type_destroy() that a signal may end
 * @type: the type
 * @killable: who is killed waits no longer
 *
 * Context: May sleep.
 * Return: as that; -EINTR.
 */
int type_destroy(struct refslab_type *type, bool killable)
{
	struct refslab_heap *heap = type->heap;
	unsigned int tries;
	int err;

	if (object_in_release(heap))
		return -EDEADLK;
	/*
	 * What the workqueue has of it; not what others leave there meanwhile, for
	 * whom a call may not be kept waiting.
	 */
	if (refslab_type_objects(type)) {
		if (!killable)
			releaser_flush(&heap->releaser);
		else if (releaser_wait(&heap->releaser))
			return -EINTR;
	}
	for (tries = 0;; tries++) {
		err = lock_types(heap, killable);
		if (err)
			return err;
		/* emptying magazines interrupts CPUs: not in vain */
		/* acquire: pairs with refslab_reserve_destroy(), which is done with the type */
		if (refslab_type_objects(type) || atomic_read_acquire(&type->reserves) ||
		    tries == 100) {
			mutex_unlock(&heap->sweep.mutex);
			report_survivors(type);
			err = -EBUSY;
			break;
		}
		if (!type_sum(type, out)) {
			slab_shrink(type);
			xa_erase(&heap->types, type->id);
			heap->type_count--;
			mutex_unlock(&heap->sweep.mutex);
			sysfs_remove_type(type);
			break;
		}
		mutex_unlock(&heap->sweep.mutex);
		mutex_unlock(&heap->lock);
		/*
		 * It waits for those who bring up CPUs, who may allocate and wait for
		 * one of the two. A magazine that is at work just now, with a put that
		 * came before we were called, is left alone: once more then.
		 */
		if (tries)
			usleep_range(50, 100);
		magazine_drain(type);
	}
	mutex_unlock(&heap->lock);
	if (err)
		return err;

	/*
	 * Its slabs wait in the pool, where readers still find the type through
	 * them, and where the next type at this address must not.
	 */
	synchronize_rcu();
	pool_wait(&heap->pool);
	type_put(type);
	return 0;
}

/**
 * refslab_type_destroy - remove a type
 * @type: a type that nobody allocates from any more
 *
 * Refused while objects of the type live or it has reserves, empty ones too; then
 * the kernel log says how many and shows the first of them, and the type goes on as
 * before. Objects that wait for the workqueue to release them are waited for.
 *
 * Context: May sleep.
 * Return: 0; -EBUSY; -EDEADLK within a release, a finalizer or a listener.
 */
int refslab_type_destroy(struct refslab_type *type)
{
	return type_destroy(type, false);
}
EXPORT_SYMBOL_GPL(refslab_type_destroy);

/**
 * refslab_type_priv - what the owner gave as @priv
 * @type: the type
 *
 * Context: Any context.
 * Return: it.
 */
void *refslab_type_priv(const struct refslab_type *type)
{
	/* pairs with the WRITE_ONCE() in call_type_create_finish() */
	return READ_ONCE(type->priv);
}
EXPORT_SYMBOL_GPL(refslab_type_priv);

/**
 * refslab_type_objects - how many objects of a type live
 * @type: the type
 *
 * Objects that have died but whose memory a sweep under way still holds count.
 *
 * Context: Any context.
 * Return: the number; approximate while others allocate and free.
 */
unsigned long refslab_type_objects(const struct refslab_type *type)
{
	unsigned long in = magazine_objects((struct refslab_type *)type) + depot_objects(type);
	unsigned long out = type_sum(type, out);

	/* set aside: neither lives nor in a magazine */
	in += atomic_long_read(&type->reserved);

	return out > in ? out - in : 0;
}
EXPORT_SYMBOL_GPL(refslab_type_objects);

/**
 * refslab_type_of - the type of an object
 * @obj: an object the caller holds a reference to
 *
 * Context: Any context.
 * Return: the type.
 */
struct refslab_type *refslab_type_of(const struct refslab_object *obj)
{
	return slab_of(obj)->type;
}
EXPORT_SYMBOL_GPL(refslab_type_of);

/**
 * refslab_heap_of - the heap of an object
 * @obj: an object the caller holds a reference to
 *
 * Context: Any context.
 * Return: the heap.
 */
struct refslab_heap *refslab_heap_of(const struct refslab_object *obj)
{
	return slab_of(obj)->heap;
}
EXPORT_SYMBOL_GPL(refslab_heap_of);

/* The type with a number; heap->lock keeps it, or whoever has objects of it. */
struct refslab_type *type_find(struct refslab_heap *heap, u32 id)
{
	return xa_load(&heap->types, id);
}

/* The type with the lowest number above @id, or NULL; heap->lock held. */
struct refslab_type *type_next(struct refslab_heap *heap, u32 id)
{
	unsigned long index = id;

	return xa_find_after(&heap->types, &index, ULONG_MAX, XA_PRESENT);
}

/**
 * type_validate - check a type's cache
 * @type: a type that nobody uses meanwhile
 *
 * Context: May sleep.
 * Return: 0, or -EUCLEAN after a WARN.
 */
int type_validate(struct refslab_type *type)
{
	unsigned long slabs, partial, empty, out, flags;
	int nid, err = magazine_validate(type) ?: depot_validate(type);
	struct slab_node *node;
	struct slab *slab;
	u32 number;

	for_each_node_state(nid, N_MEMORY) {
		node = &type->nodes[nid];
		slabs = 0;
		partial = 0;
		empty = 0;
		out = 0;
		raw_spin_lock_irqsave(&node->lock, flags);
		list_for_each_entry(slab, &node->partial, list) {
			slabs++;
			partial++;
			empty += slab->free == slab->layout->objects;
			out += slab->layout->objects - slab->free;
			if (slab->type != type || !slab->free || slab_validate(slab))
				err = -EUCLEAN;
		}
		/* the others are on no list */
		for (number = 0; number < READ_ONCE(type->heap->pool.next_number); number++) {
			slab = slab_walk(&type->heap->pool, number);
			/* first whose it is: the lock is that of the node */
			if (!slab || slab->type != type ||
			    slab->chunk.nid != nid || slab->free)
				continue;
			slabs++;
			out += slab->layout->objects;
			if (slab_validate(slab))
				err = -EUCLEAN;
		}
		if (slabs != node->slabs || partial != node->partial_count ||
		    empty != node->empty || out != node->out)
			err = -EUCLEAN;
		raw_spin_unlock_irqrestore(&node->lock, flags);
	}
	WARN(err, "refslab: heap %s: the cache of type %s is not as its books say\n",
	     type->heap->name, type->name);
	return err;
}
