// SPDX-License-Identifier: GPL-2.0
/*
 * Heaps: pool, types and sweeper together.
 */
#include "heap.h"

#include <linux/cpu.h>
#include <linux/ctype.h>
#include <linux/module.h>

#include "account.h"
#include "debugfs.h"
#include "pages.h"
#include "report.h"
#include "sysfs.h"

struct workqueue_struct *refslab_wq;

/* heaps and their names; heaps_lock protects both lists */
static DEFINE_MUTEX(heaps_lock);
static LIST_HEAD(heaps);
static unsigned long heaps_made;

/**
 * heap_name_valid - whether a heap or a type can have this name
 * @name: the name, or NULL
 *
 * It becomes a directory in sysfs.
 */
bool heap_name_valid(const char *name)
{
	size_t i, len = name ? strnlen(name, sizeof_field(struct refslab_heap, name)) : 0;

	if (!len || len == sizeof_field(struct refslab_heap, name) || name[0] == '.')
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || (!isalnum(name[i]) && !strchr("-_.", name[i])))
			return false;
	return true;
}

static bool heap_name_taken(const char *name)
{
	struct refslab_heap *heap;

	lockdep_assert_held(&heaps_lock);
	list_for_each_entry(heap, &heaps, link)
		if (!strcmp(heap->name, name))
			return true;
	return false;
}

/*
 * Names that nobody can give: of files beside the heaps, and those we make up. Who
 * could give many of the latter would have others look for one that is left.
 */
static bool heap_name_ours(const char *name)
{
	return !strcmp(name, "version") ||
	       (strstarts(name, "heap-") && isdigit(name[strlen("heap-")]));
}

static int heap_set_name(struct refslab_heap *heap, const char *name)
{
	lockdep_assert_held(&heaps_lock);
	if (!name) {
		snprintf(heap->name, sizeof(heap->name), "heap-%lu", ++heaps_made);
		return 0;
	}
	if (heap_name_ours(name) || heap_name_taken(name))
		return -EEXIST;
	strscpy(heap->name, name, sizeof(heap->name));
	return 0;
}

/* Called by the last kobject_put(), or where a heap has no kobject yet. */
void heap_free(struct refslab_heap *heap)
{
	xa_destroy(&heap->types);
	releaser_destroy(&heap->releaser);
	lockdep_unregister_key(&heap->listen_key);
	lockdep_unregister_key(&heap->lock_key);
	lockdep_unregister_key(&heap->sweep_key);
	lockdep_unregister_key(&heap->release_key);
	kfree(heap);
}

/* The pool's news for the layer above. */
static void heap_pressure(struct pool *pool)
{
	trigger_pressure(container_of(pool, struct refslab_heap, pool));
}

/**
 * heap_create - make a heap
 * @args: what it is; copied
 * @tenant: who has it, for longer than it is there; or NULL
 *
 * Context: May sleep.
 * Return: as refslab_heap_create().
 */
struct refslab_heap *heap_create(const struct refslab_heap_args *args,
				 struct tenant *tenant)
{
	gfp_t gfp = args->flags & REFSLAB_HEAP_ACCOUNT ? GFP_KERNEL_ACCOUNT : GFP_KERNEL;
	struct refslab_heap *heap;
	int err;

	if (args->flags & ~REFSLAB_HEAP_FLAGS ||
	    (args->name && !heap_name_valid(args->name)))
		return ERR_PTR(-EINVAL);

	heap = kzalloc(sizeof(*heap), gfp);
	if (!heap)
		return ERR_PTR(-ENOMEM);
	heap->flags = args->flags;
	mutex_init(&heap->lock);
	xa_init_flags(&heap->types, XA_FLAGS_ALLOC1 | (args->flags & REFSLAB_HEAP_ACCOUNT ?
						       XA_FLAGS_ACCOUNT : 0));
	INIT_LIST_HEAD(&heap->link);
	lockdep_register_key(&heap->release_key);
	lockdep_register_key(&heap->sweep_key);
	lockdep_register_key(&heap->lock_key);
	lockdep_register_key(&heap->listen_key);
	lockdep_init_map(&heap->release_map, "refslab_release", &heap->release_key, 0);
	sweep_init(&heap->sweep);
	/* a finalizer or listener of one heap may sweep another, or make types in it */
	lockdep_set_class(&heap->sweep.mutex, &heap->sweep_key);
	lockdep_set_class(&heap->lock, &heap->lock_key);
	trigger_init(&heap->trigger, tenant);
	listeners_init(&heap->listeners);
	lockdep_set_class(&heap->listeners.mutex, &heap->listen_key);
	park_init(&heap->park, &heap->pool);
	reports_init(&heap->reports);
	err = releaser_init(&heap->releaser, gfp);
	if (err)
		goto err_free;

	if (mutex_lock_killable(&heaps_lock)) {
		err = -EINTR;
		goto err_free;
	}
	err = heap_set_name(heap, args->name);
	if (err)
		goto err_unlock;
	heap->pool.tenant = tenant;
	err = pool_init(&heap->pool, heap->name, args);
	if (err)
		goto err_unlock;
	err = sysfs_add_heap(heap);
	if (err)
		goto err_kobject;
	debugfs_add_heap(heap);
	list_add_tail(&heap->link, &heaps);
	/*
	 * Only now: the shrinker is there already, and what it has queued nobody
	 * would cancel. Pairs with shrink_count().
	 */
	WRITE_ONCE(heap->pool.pressure, heap_pressure);
	mutex_unlock(&heaps_lock);
	return heap;

err_kobject:
	mutex_unlock(&heaps_lock);
	pool_close(&heap->pool);
	pool_destroy(&heap->pool);
	kobject_put(&heap->kobj);
	return ERR_PTR(err);
err_unlock:
	mutex_unlock(&heaps_lock);
err_free:
	heap_free(heap);
	return ERR_PTR(err);
}

/**
 * refslab_heap_create - make a heap
 * @args: what it is; copied
 *
 * Context: May sleep.
 * Return: the heap, or an ERR_PTR(): -EINVAL for arguments that make no sense,
 *	-EEXIST if there is a heap of that name, -EINTR if the caller was killed,
 *	-ENOMEM.
 */
struct refslab_heap *refslab_heap_create(const struct refslab_heap_args *args)
{
	return heap_create(args, NULL);
}
EXPORT_SYMBOL_GPL(refslab_heap_create);

typedef void object_fn(struct refslab_type *type, struct refslab_object *obj);

/* Calls @fn for each object that lives; nobody uses the heap any more. */
static unsigned long heap_call_objects(struct refslab_heap *heap, object_fn *fn)
{
	unsigned long n = 0;
	u32 number, i;

	/* releases left to the workqueue may make objects yet */
	for (number = 0; number < READ_ONCE(heap->pool.next_number); number++) {
		struct chunk *chunk = pool_find_chunk(&heap->pool, number);
		struct slab *slab = container_of(chunk, struct slab, chunk);

		if (!chunk || !chunk_is_carved(chunk))
			continue;
		for (i = 0; i < slab->layout->objects; i++) {
			struct refslab_object *obj = slab_object(slab, i);

			u64 word = atomic64_read(&obj->word);

			/* pinned ones too; in slab, depot or magazine it is 0 */
			if (!(word & REFSLAB_COUNT_MASK))
				continue;
			/* or used after its death, and where free ones are */
			n += !(word & REFSLAB_RELEASED);
			if (fn)
				fn(slab->type, obj);
		}
		cond_resched();
	}
	return n;
}

static void pin_object(struct refslab_type *type, struct refslab_object *obj)
{
	/* RELEASED: pinned because somebody used it when it was dead */
	atomic64_set(&obj->word, REFSLAB_PINNED | REFSLAB_UNLISTED | REFSLAB_COUNT_TOP |
				 (atomic64_read(&obj->word) & REFSLAB_RELEASED));
}

static void end_object(struct refslab_type *type, struct refslab_object *obj)
{
	struct refslab_slot *slot;
	unsigned long cursor = 0;

	/* what releases have allocated since goes without one */
	if (!type->release || (atomic64_read(&obj->word) &
			       (REFSLAB_PINNED | REFSLAB_RELEASED)) != REFSLAB_PINNED)
		return;
	while ((slot = type_next_slot(type, obj, &cursor)))
		WRITE_ONCE(slot->target, NULL);
	object_call_release(type, obj);
}

static bool heap_has_releases(struct refslab_heap *heap)
{
	struct refslab_type *type;
	unsigned long id;

	xa_for_each(&heap->types, id, type)
		if (type->release)
			return true;
	return false;
}

/**
 * refslab_heap_destroy - end a heap with all its types and objects
 * @heap: a heap that nobody uses any more, but for releases of its types
 *
 * Goes by slab, not by count: objects that live are released, whatever counts
 * they have, and their memory goes back. Nobody may have a reference any more.
 * What a release allocates meanwhile is freed without one.
 *
 * Context: May sleep.
 * Return: how many objects lived.
 */
unsigned long refslab_heap_destroy(struct refslab_heap *heap)
{
	struct refslab_type *type;
	unsigned long id, n;

	debugfs_remove_heap(heap);
	sysfs_remove_heap(heap);
	/* who goes through all heaps finds its types no longer */
	mutex_lock(&heaps_lock);
	list_del(&heap->link);
	mutex_unlock(&heaps_lock);
	trigger_close(&heap->trigger);
	releaser_flush(&heap->releaser);
	/* chunks stay where they are from here on: the walks take no lock */
	pool_close(&heap->pool);

	/* what is on its way from the magazines of a CPU that goes is counted nowhere */
	cpus_read_lock();
	n = heap_objects(heap);
	cpus_read_unlock();
	if (n)
		report_left(heap);
	if (heap_has_releases(heap)) {
		/* releases are within a sweep, in that they cannot start one */
		mutex_lock(&heap->sweep.mutex);
		WRITE_ONCE(heap->sweep.task, current);
		/*
		 * So that puts by the releases end nobody before its turn. Whatever
		 * the count says: magazines may have been emptied meanwhile, by a
		 * CPU that goes.
		 */
		n = max(n, heap_call_objects(heap, pin_object));
		heap_call_objects(heap, end_object);
		WRITE_ONCE(heap->sweep.task, NULL);
		mutex_unlock(&heap->sweep.mutex);
		releaser_flush(&heap->releaser);
	}
	weak_destroy(heap);
	park_destroy(&heap->park);

	/* a put that is late with listing what is long dead may look at us */
	pool_hide(&heap->pool);
	synchronize_rcu();
	/* it, or a release, may have asked for more since; nothing is left to release */
	trigger_close(&heap->trigger);
	flush_work(&heap->releaser.work);

	/* without heap->lock: nobody is left, and these wait for CPUs that come or go */
	xa_for_each(&heap->types, id, type) {
		xa_erase(&heap->types, id);
		sysfs_remove_type(type);
		type_put(type);
	}

	pool_destroy(&heap->pool);
	account_destroy(heap);
	kobject_put(&heap->kobj);
	return n;
}
EXPORT_SYMBOL_GPL(refslab_heap_destroy);

/**
 * heap_for_each - call a function for each heap there is
 * @fn: the function; may sleep
 * @arg: for it
 *
 * Context: May sleep; no lock of a heap held.
 */
void heap_for_each(void (*fn)(struct refslab_heap *heap, void *arg), void *arg)
{
	struct refslab_heap *heap;

	mutex_lock(&heaps_lock);
	list_for_each_entry(heap, &heaps, link) {
		fn(heap, arg);
		cond_resched();
	}
	mutex_unlock(&heaps_lock);
}

/**
 * heap_objects - how many objects of a heap live
 * @heap: the heap
 *
 * Context: Any context.
 * Return: the number; approximate while others allocate and free.
 */
unsigned long heap_objects(struct refslab_heap *heap)
{
	struct refslab_type *type;
	unsigned long id, n = 0;

	rcu_read_lock();
	xa_for_each(&heap->types, id, type)
		n += refslab_type_objects(type);
	rcu_read_unlock();
	return n;
}

/**
 * heap_validate - check all the books of a heap
 * @heap: a heap that nobody uses meanwhile
 *
 * Context: May sleep.
 * Return: 0, or -EUCLEAN after a WARN.
 */
int heap_validate(struct refslab_heap *heap)
{
	struct refslab_type *type;
	unsigned long id;
	int err;

	releaser_flush(&heap->releaser);
	flush_work(&heap->pool.work);
	mutex_lock(&heap->lock);
	mutex_lock(&heap->sweep.mutex);
	err = pool_validate(&heap->pool);
	xa_for_each(&heap->types, id, type)
		err = type_validate(type) ?: err;
	err = candidate_validate(heap) ?: err;
	err = weak_validate(heap) ?: err;
	err = account_validate(heap) ?: err;
	err = listeners_validate(heap) ?: err;
	err = park_validate(&heap->park) ?: err;
	mutex_unlock(&heap->sweep.mutex);
	mutex_unlock(&heap->lock);
	return err;
}

int heap_init(void)
{
	/* MEM_RECLAIM: what frees memory must go on when there is none */
	refslab_wq = alloc_workqueue("refslab", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return refslab_wq ? 0 : -ENOMEM;
}

void heap_exit(void)
{
	WARN_ON(!list_empty(&heaps));
	tenant_exit();
	destroy_workqueue(refslab_wq);
	pages_validate();
}
