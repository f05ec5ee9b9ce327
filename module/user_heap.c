// SPDX-License-Identifier: GPL-2.0
/*
 * User heaps: those that sessions made, and what keeps them.
 *
 * Whatever has a descriptor and can lead to the heap keeps it: sessions,
 * invitations, exported objects, mapped payloads. Objects keep no files, so
 * nothing in a heap can keep the heap.
 */
#include "user_heap.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "heap.h"

/* What others than those who made them would have to end. */
static struct workqueue_struct *end_wq;

static void user_heap_end(struct work_struct *work)
{
	struct user_heap *heap = container_of(work, struct user_heap, end);

	root_destroy(&heap->roots);
	refslab_heap_destroy(heap->heap);
	tenant_leave(heap->tenant);
	kfree(heap);
}

/**
 * user_heap_create - make a heap for user programs
 * @args: what it is
 *
 * Context: May sleep; called by who is to have it.
 * Return: the heap, which the caller keeps as a session; -EDQUOT if he has as many
 *	as he may, else as refslab_heap_create().
 */
struct user_heap *user_heap_create(const struct refslab_heap_args *args)
{
	struct user_heap *heap = kzalloc(sizeof(*heap), GFP_KERNEL_ACCOUNT);
	int err;

	if (!heap)
		return ERR_PTR(-ENOMEM);
	refcount_set(&heap->users, 1);
	init_rwsem(&heap->types);
	root_init(&heap->roots);
	INIT_WORK(&heap->end, user_heap_end);
	heap->owner = current_uid();
	if (tenant_wanted()) {
		heap->tenant = tenant_join(heap->owner);
		if (IS_ERR(heap->tenant)) {
			err = PTR_ERR(heap->tenant);
			goto err_free;
		}
	}
	heap->heap = heap_create(args, heap->tenant);
	if (IS_ERR(heap->heap)) {
		err = PTR_ERR(heap->heap);
		goto err_tenant;
	}
	return heap;

err_tenant:
	tenant_leave(heap->tenant);
err_free:
	root_destroy(&heap->roots);
	kfree(heap);
	return ERR_PTR(err);
}

/* One more that keeps it; the caller does so already. */
struct user_heap *user_heap_get(struct user_heap *heap)
{
	refcount_inc(&heap->users);
	return heap;
}

/**
 * user_heap_let_end - end what may take long
 * @work: ends it
 * @owner: the user who made it
 *
 * There may be a sweep under way, and gigabytes. Who was handed the last descriptor
 * and drops it, and the worker that closes for all what was in flight, are not to
 * wait for that: it is left to a workqueue.
 *
 * Context: May sleep.
 */
void user_heap_let_end(struct work_struct *work, kuid_t owner)
{
	if (current->flags & PF_WQ_WORKER || !uid_eq(current_uid(), owner))
		queue_work(end_wq, work);
	else
		work->func(work);
}

/**
 * user_heap_put - keep it no longer
 * @heap: the heap; the last one takes it with him, objects and all
 *
 * Context: May sleep.
 */
void user_heap_put(struct user_heap *heap)
{
	if (refcount_dec_and_test(&heap->users))
		user_heap_let_end(&heap->end, heap->owner);
}

/*
 * Whether others keep it. If not, none can come: who joins a heap does so
 * through something that keeps it.
 */
bool user_heap_shared(struct user_heap *heap)
{
	return refcount_read(&heap->users) > 1;
}

int user_heap_init(void)
{
	/* MEM_RECLAIM: it frees memory */
	end_wq = alloc_workqueue("refslab_end", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return end_wq ? 0 : -ENOMEM;
}

/*
 * No session can be opened, and no file keeps a heap. Ends of sessions and heaps may
 * be under way, of which the former ask for the latter.
 */
void user_heap_exit(void)
{
	destroy_workqueue(end_wq);
	/* sessions' memory */
	rcu_barrier();
}
