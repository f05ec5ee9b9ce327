// SPDX-License-Identifier: GPL-2.0
/*
 * What calls must keep to, whatever they are given: errors are those of the
 * uapi header, and a call that fails has changed nothing. The latter is looked at
 * by processes that share their heaps with nobody, else others change them too.
 */
#include <string.h>
#include <time.h>

#include "fuzz.h"

/* As the uapi header has them: any call's first, then those of some. */
static bool documented(unsigned long request, int err)
{
	switch (err) {
	case 0:
	case ENOTTY:
	case EINVAL:
	case E2BIG:
	case EFAULT:
	case ENXIO:
	case EOVERFLOW:
	case EBADF:
	case EACCES:
	case ENOENT:
	case ENOSPC:
	case EMFILE:
	case ENOMEM:
	case EINTR:
		return true;
	case EBUSY:
		return request == REFSLAB_HEAP_CREATE || request == REFSLAB_JOIN ||
		       request == REFSLAB_TYPE_DESTROY;
	case EEXIST:
		return request == REFSLAB_HEAP_CREATE || request == REFSLAB_TYPE_CREATE ||
		       request == REFSLAB_ROOT_SET;
	case EXDEV:
		return request == REFSLAB_IMPORT;
	case EAGAIN:
		return request == REFSLAB_SLOT_CMPXCHG;
	case ENODEV:
		return request == REFSLAB_MAP;
	case EOPNOTSUPP:
		return request == REFSLAB_COLLECT;
	default:
		return false;
	}
}

void oracle_errno(struct thread *thread, unsigned long request, int err)
{
	/* size and direction in the code may be any */
	if (!documented(call_request(_IOC_NR(request)), err))
		mistake("process %lu: %s fails with %s", thread->process->number,
			call_name(_IOC_NR(request)), strerrorname_np(err));
}

/* How a heap is; false if others may change it meanwhile. */
bool oracle_look(struct thread *thread, const struct session *session,
		 struct refslab_heap_info *info)
{
	/* a batch under way is another who changes it */
	if (!thread->process->alone || thread->uring.pending || session->fd < 0)
		return false;
	*info = (struct refslab_heap_info){ .size = sizeof(*info) };
	return !call(thread, session->fd, REFSLAB_HEAP_INFO, info);
}

/* A call failed: whether all is as it was before. */
void oracle_compare(struct thread *thread, const struct session *session,
		    unsigned long request, int err, const struct refslab_heap_info *before)
{
	struct timespec pause = { 0, 1000000 };
	struct refslab_heap_info after;
	unsigned int tries = 10000;
	bool batch = request == REFSLAB_BATCH;

	if (!oracle_look(thread, session, &after))
		return;
	/* what was closed or stored stays so, and the handles that were made go */
	if (batch && after.handles <= before->handles)
		return;
	/* what goes by the workqueue is counted until then */
	while (!batch && after.objects > before->objects && tries--) {
		nanosleep(&pause, NULL);
		oracle_look(thread, session, &after);
	}
	if (after.handles != before->handles || after.types != before->types ||
	    after.objects > before->objects)
		mistake("process %lu: %s failed with %s and left %llu handles, %llu types, %llu objects of %llu, %llu, %llu",
			thread->process->number, call_name(_IOC_NR(request)), strerrorname_np(err),
			after.handles, after.types, after.objects, before->handles,
			before->types, before->objects);
}
