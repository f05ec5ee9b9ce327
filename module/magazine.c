// SPDX-License-Identifier: GPL-2.0
/*
 * Magazines: a CPU's small stack of free objects of one type.
 *
 * The stack is used with preemption off and marked busy meanwhile; an interrupt
 * that finds it so goes to the depot or the slabs, whose locks are irqsave. So the
 * usual path, which is inline (refslab_alloc(), magazine_free()), neither
 * disables interrupts nor has an atomic step. Empty magazines are filled, and
 * full ones emptied, by half, so that an object to and fro does not go further
 * each time: to the node's depot, and beyond it to the slabs.
 */
#include "magazine.h"

#include <linux/cpu.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "depot.h"
#include "heap.h"
#include "report.h"

/**
 * magazine_size - how many objects a magazine of a type holds
 * @object_size: bytes of an object
 *
 * Half of it is what goes to the slabs at a time: 64 small objects, which keeps
 * the slow path rare, and of large ones so few that a CPU sits on two chunks at
 * most.
 */
unsigned int magazine_size(size_t object_size)
{
	return clamp_t(unsigned int, SZ_32K / object_size, 4, 128) & ~1U;
}

/**
 * magazine_room - how many objects a magazine of a type can be made to hold
 * @object_size: bytes of an object
 *
 * Room is there from the beginning, so that a size is a number that the fast
 * path compares with and nothing else: nobody need be stopped to change it. The
 * price is what is not used of it, 1 KiB for each CPU and type where objects
 * are small.
 */
unsigned int magazine_room(size_t object_size)
{
	return min(4 * magazine_size(object_size), 256U);
}

struct refslab_magazine __percpu *magazine_create(unsigned int room, gfp_t gfp)
{
	return __alloc_percpu_gfp(struct_size((struct refslab_magazine *)NULL, objects, room),
				  sizeof(void *), gfp | __GFP_NOWARN);
}

void magazine_destroy(struct refslab_magazine __percpu *magazines)
{
	free_percpu(magazines);
}

/* How many objects are in a magazine that is ours until it is done; or -1. */
static int magazine_begin(struct refslab_magazine *m)
{
	return likely(!__refslab_magazine_mark(m)) ? m->count : -1;
}

/* Fills an empty magazine by half, or else gets one object from the slabs. */
static void *take_one(struct refslab_type *type, int nid)
{
	struct refslab_magazine *m;
	unsigned int taken = 0;
	void *object = NULL;
	int count;

	preempt_disable();
	m = this_cpu_ptr(type->path.magazines);
	count = magazine_begin(m);
	if (count >= 0) {
		if (!count) {
			count = READ_ONCE(type->path.magazine_size) / 2;
			taken = depot_take(type, nid, count, (void **)m->objects) ?:
				slab_take(type, nid, count, (void **)m->objects);
			if (taken)
				counter_inc(type, ALLOC_REFILL);
			count = taken;
		}
		if (count)
			object = m->objects[--count];
		__refslab_magazine_done(m, count);
	} else {
		taken = depot_take(type, nid, 1, &object) ?:
			slab_take(type, nid, 1, &object);
		if (taken)
			counter_inc(type, ALLOC_BUSY);
	}
	/*
	 * Not before the magazine shows them: to live_objects() they would be
	 * in use, and a sweep come too early.
	 */
	if (taken && !type->leaf)
		trigger_taken(type->heap, taken);
	preempt_enable();
	return object;
}

/* Objects of other nodes' slabs, rather than a new slab on another node. */
static void *take_far(struct refslab_type *type, int local)
{
	void *object = NULL;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		if (nid != local)
			object = take_one(type, nid);
		if (object)
			break;
	}
	return object;
}

/**
 * magazine_alloc_slow - take a free object when the magazine is empty, or busy
 * @type: its type
 * @gfp: how hard to try
 *
 * Context: As @gfp allows.
 * Return: the object, as it was freed; -ENOSPC at the pool's limit, -ENOMEM.
 */
void *magazine_alloc_slow(struct refslab_type *type, gfp_t gfp)
{
	int local = numa_mem_id(), nid;
	bool pressed = false;
	void *object;

	/* who holds a file system's lock has said so by a scope, perhaps */
	gfp = current_gfp_context(gfp);
	counter_inc(type, ALLOC_SLOWPATH);
	for (;;) {
		object = take_one(type, local);
		if (object)
			return object;
		if (nr_online_nodes > 1) {
			/* near, if it can be had without trouble */
			nid = slab_grow(type, local, GFP_NOWAIT | __GFP_THISNODE);
			if (nid == local)
				continue;
			object = take_far(type, local);
			if (object)
				return object;
		}
		nid = slab_grow(type, local, gfp);
		if (nid >= 0) {
			/* another CPU may have been faster */
			object = take_one(type, nid);
			if (object)
				return object;
			continue;
		}
		/* before an allocation is refused, what is garbage goes */
		if (pressed || (gfp & GFP_KERNEL) != GFP_KERNEL)
			break;
		if (!trigger_pressed(type->heap))
			break;
		pressed = true;
	}
	if (nid == -ENOSPC && !(gfp & __GFP_NOWARN))
		report_refused(type);
	return ERR_PTR(nid);
}

/**
 * magazine_take - take a free object if this CPU has one at hand
 * @type: its type
 *
 * Context: Any context.
 * Return: the object, or NULL: then magazine_alloc_slow() may have one.
 */
void *magazine_take(struct refslab_type *type)
{
	struct refslab_magazine *m;
	void *object = NULL;
	int count;

	preempt_disable();
	m = this_cpu_ptr(type->path.magazines);
	count = magazine_begin(m);
	if (count > 0)
		object = m->objects[--count];
	if (count >= 0)
		__refslab_magazine_done(m, count);
	preempt_enable();
	return object;
}

/**
 * magazine_free_bulk - give objects back
 * @type: their type
 * @n: how many
 * @objects: the objects, their words 0
 *
 * Context: Any context.
 */
void magazine_free_bulk(struct refslab_type *type, unsigned int n, void **objects)
{
	/* read once: it may change meanwhile, and a magazine may hold more */
	int size = READ_ONCE(type->path.magazine_size), keep = size / 2;
	unsigned int some, gone;
	struct refslab_magazine *m;
	bool told = false;
	int count;

	preempt_disable();
	m = this_cpu_ptr(type->path.magazines);
	count = magazine_begin(m);
	if (count < 0) {
		counter_add(type, FREE_SLOWPATH, n);
		counter_add(type, FREE_BUSY, n);
		slab_give(type, n, objects);
		preempt_enable();
		return;
	}
	for (;;) {
		some = min_t(unsigned int, n, max(size - count, 0));
		memcpy(m->objects + count, objects, some * sizeof(*objects));
		count += some;
		objects += some;
		n -= some;
		if (!n)
			break;
		if (!told)
			counter_add(type, FREE_SLOWPATH, n);
		told = true;
		counter_inc(type, FREE_FLUSH);
		/* the bottom half has been here longest */
		gone = count - keep;
		some = depot_give(type, gone, (void **)m->objects);
		if (some < gone)
			slab_give(type, gone - some, (void **)m->objects + some);
		count = keep;
		move_objects((void **)m->objects, (void **)m->objects + gone, count);
	}
	__refslab_magazine_done(m, count);
	preempt_enable();
}

/* magazine_free() when the magazine is full, or busy. */
void magazine_free_slow(struct refslab_type *type, struct refslab_object *object)
{
	void *one = object;

	magazine_free_bulk(type, 1, &one);
}

static DEFINE_MUTEX(drain_mutex);

static void drain_one(struct refslab_type *type, struct refslab_magazine *m)
{
	int count = magazine_begin(m);

	if (count < 0)
		return;
	slab_give(type, count, (void **)m->objects);
	__refslab_magazine_done(m, 0);
}

/* A CPU that has nothing is left in peace. */
static bool has_objects(int cpu, void *type)
{
	struct refslab_type *t = type;

	return READ_ONCE(per_cpu_ptr(t->path.magazines, cpu)->count);
}

static void drain_here(void *type)
{
	drain_one(type, this_cpu_ptr(((struct refslab_type *)type)->path.magazines));
}

/**
 * magazine_drain_local - empty this CPU's magazine of a type, and the depots,
 *	into its slabs
 * @type: the type
 *
 * Context: Any context.
 */
void magazine_drain_local(struct refslab_type *type)
{
	preempt_disable();
	drain_here(type);
	preempt_enable();
	depot_pour(type);
}

/* CPUs neither come nor go. */
static void drain_all(struct refslab_type *type)
{
	int cpu;

	/* in an interrupt on its own CPU, which finds busy what it must not touch */
	on_each_cpu_cond(has_objects, drain_here, type, 1);
	/*
	 * A CPU that is half off: its magazine has not been emptied yet. By one of us
	 * only; all heaps have this mutex, so nothing is waited for with it.
	 */
	mutex_lock(&drain_mutex);
	for_each_possible_cpu(cpu)
		if (!cpu_online(cpu))
			drain_one(type, per_cpu_ptr(type->path.magazines, cpu));
	mutex_unlock(&drain_mutex);
	depot_pour(type);
}

/**
 * magazine_drain - empty the magazines and depots of a type into its slabs
 * @type: the type
 *
 * A magazine at work at the moment is left alone.
 *
 * Context: May sleep.
 */
void magazine_drain(struct refslab_type *type)
{
	might_sleep();
	cpus_read_lock();
	drain_all(type);
	cpus_read_unlock();
}

/**
 * magazine_try_drain - the same unless CPUs come or go
 * @type: the type
 *
 * For allocations, which may be of those who bring a CPU up or take it down; and
 * for writes to the type's files, for which its removal waits with heap->lock held,
 * which these may want.
 *
 * Context: May sleep.
 * Return: false if nothing was done.
 */
bool magazine_try_drain(struct refslab_type *type)
{
	might_sleep();
	if (!cpus_read_trylock())
		return false;
	drain_all(type);
	cpus_read_unlock();
	return true;
}

/**
 * magazine_set_size - change how many objects a magazine holds at most
 * @type: the type
 * @size: from MAGAZINE_LEAST to type->magazine_room
 *
 * Magazines that hold more are emptied; if CPUs come or go, as they are used.
 *
 * Context: May sleep.
 * Return: 0, or -EINVAL.
 */
int magazine_set_size(struct refslab_type *type, unsigned int size)
{
	if (size < MAGAZINE_LEAST || size > type->magazine_room)
		return -EINVAL;
	/* pairs with the reads of refill, free and flush, of which each is one */
	if (size < xchg(&type->path.magazine_size, size))
		magazine_try_drain(type);
	return 0;
}

/**
 * magazine_objects - how many free objects the magazines of a type hold
 * @type: the type
 *
 * For information: others go on meanwhile.
 *
 * Context: Any context.
 */
unsigned long magazine_objects(struct refslab_type *type)
{
	unsigned long n = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		n += READ_ONCE(per_cpu_ptr(type->path.magazines, cpu)->count);
	return n;
}

/**
 * magazine_validate - check the magazines of a type that nobody uses meanwhile
 * @type: the type
 *
 * Return: 0, or -EUCLEAN after a WARN.
 */
int magazine_validate(struct refslab_type *type)
{
	int cpu, err = 0;
	u32 i;

	for_each_possible_cpu(cpu) {
		struct refslab_magazine *m = per_cpu_ptr(type->path.magazines, cpu);

		if (m->busy || m->count > type->magazine_room)
			err = -EUCLEAN;
		for (i = 0; i < m->count && !err; i++)
			if (!slab_is_out(type, m->objects[i]))
				err = -EUCLEAN;
	}
	WARN(err, "refslab: heap %s: a magazine of type %s holds what it should not\n",
	     type->heap->name, type->name);
	return err;
}

/* --- CPUs that go --- */

static enum cpuhp_state cpu_state;

/* The CPU is gone, and CPUs neither come nor go meanwhile. */
static int cpu_dead(unsigned int cpu, struct hlist_node *node)
{
	struct refslab_type *type = hlist_entry_safe(node, struct refslab_type, cpu_node);

	drain_one(type, per_cpu_ptr(type->path.magazines, cpu));
	/* it has no more than there is elsewhere */
	depot_settle(type);
	return 0;
}

/**
 * magazine_watch_cpus - see to it that a type's objects do not go with a CPU
 * @type: the type
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM.
 */
int magazine_watch_cpus(struct refslab_type *type)
{
	return cpuhp_state_add_instance_nocalls(cpu_state, &type->cpu_node);
}

void magazine_forget_cpus(struct refslab_type *type)
{
	/* its place in the list changes as others come and go, that it has one does not */
	if (!hlist_unhashed_lockless(&type->cpu_node))
		cpuhp_state_remove_instance_nocalls(cpu_state, &type->cpu_node);
}

int magazine_init(void)
{
	int state = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN, "refslab:dead",
					    NULL, cpu_dead);

	if (state < 0)
		return state;
	cpu_state = state;
	return 0;
}

void magazine_exit(void)
{
	cpuhp_remove_multi_state(cpu_state);
}
