// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions: open files of /dev/refslab.
 */
#include "session.h"

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "account.h"
#include "batch.h"
#include "call.h"
#include "heap.h"
#include "uring.h"

static unsigned int handles_max = 1U << 20;
module_param(handles_max, uint, 0644);
MODULE_PARM_DESC(handles_max, "Most handles a session opened from now on may have");

static void session_end(struct work_struct *work)
{
	session_destroy(container_of(work, struct session, end));
}

struct session *session_create(void)
{
	struct session *session = kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);

	if (!session)
		return NULL;
	mutex_init(&session->mutex);
	/* kstrtouint() stores parameters plainly */
	handle_table_init(&session->handles, data_race(READ_ONCE(handles_max)));
	event_queue_init(&session->events);
	INIT_WORK(&session->end, session_end);
	session->owner = current_uid();
	return session;
}

static void session_free(struct rcu_head *rcu)
{
	struct session *session = container_of(rcu, struct session, rcu);

	event_queue_free(&session->events);
	kfree(session);
}

/*
 * Handles are closed one by one while others go on using the heap; the last one
 * takes the heap with it, objects and all, and need not. Weak handles leave the
 * heap's tables either way, so the heap goes after them.
 */
void session_destroy(struct session *session)
{
	struct user_heap *heap = session->heap;

	event_queue_destroy(&session->events, heap ? heap->heap : NULL);
	handle_table_destroy(&session->handles, heap && user_heap_shared(heap));
	batch_free(session->batch);
	if (session->account)
		account_close(heap->heap, session->account);
	if (heap) {
		atomic_dec(&heap->sessions);
		user_heap_put(heap);
	}
	mutex_destroy(&session->mutex);
	/* who wakes may be at it still */
	call_rcu(&session->rcu, session_free);
}

/* For good: the caller's part in keeping @heap is the session's; mutex held. */
void session_bind(struct session *session, struct user_heap *heap)
{
	atomic_inc(&heap->sessions);
	session->owner = current_uid();
	/* pairs with the acquire in session_user_heap() */
	smp_store_release(&session->heap, heap);
}

/*
 * Takes a handle back that could not be told, if it is there still. It was never
 * named to anybody, so there is little that could have happened to it meanwhile;
 * yet a program can guess handles.
 */
void session_take_back(struct session *session, u64 handle)
{
	mutex_lock(&session->mutex);
	session_drop(session, handle);
	mutex_unlock(&session->mutex);
}

/*
 * At twice as many the count is pinned, with a WARN: that is for mistakes in the
 * kernel, not for programs with much memory. So many at once cannot race.
 */
#define REFERENCES_MAX	BIT(25)

bool session_may_get(const struct refslab_object *object)
{
	return refslab_count(object) < REFERENCES_MAX;
}

/* Lets a reserved handle name what was got, which may be nothing or too much. */
int session_fill(struct session *session, u64 *handle,
		 struct refslab_object *object, bool read_only)
{
	if (object && session_may_get(object)) {
		handle_install(&session->handles, *handle, object);
		handle_set_read_only(&session->handles, *handle,
				     read_only || session->read_only);
		return 0;
	}
	handle_cancel(&session->handles, *handle);
	*handle = 0;
	if (!object)
		return 0;
	refslab_put(object);
	return -EOVERFLOW;
}

static long session_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return session_call_user(file->private_data, cmd, (void __user *)arg);
}

static ssize_t session_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct session *session = file->private_data;

	return event_read(&session->events, to, file->f_flags & O_NONBLOCK ||
						iocb->ki_flags & IOCB_NOWAIT);
}

static __poll_t session_poll(struct file *file, struct poll_table_struct *table)
{
	struct session *session = file->private_data;

	return event_poll(&session->events, file, table);
}

static int session_open(struct inode *inode, struct file *file)
{
	file->private_data = session_create();
	/* each read can be told not to wait: RWF_NOWAIT */
	file->f_mode |= FMODE_NOWAIT;
	return file->private_data ? 0 : -ENOMEM;
}

static int session_release(struct inode *inode, struct file *file)
{
	struct session *session = file->private_data;

	/* of a heap that others keep each handle is put, and that may be a million */
	user_heap_let_end(&session->end, session->owner);
	return 0;
}

static const struct file_operations session_fops = {
	.owner		= THIS_MODULE,
	.open		= session_open,
	.release	= session_release,
	.read_iter	= session_read,
	.poll		= session_poll,
	.unlocked_ioctl	= session_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.uring_cmd	= uring_cmd,
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
