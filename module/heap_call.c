// SPDX-License-Identifier: GPL-2.0
/*
 * The calls about heaps as a whole.
 */
#include "call.h"

#include <linux/err.h>
#include <linux/string.h>

#include "account.h"
#include "heap.h"

/* A name as it comes from outside may lack its end. */
bool call_name_ends(const char name[REFSLAB_NAME_MAX])
{
	return strnlen(name, REFSLAB_NAME_MAX) < REFSLAB_NAME_MAX;
}

int call_heap_create(struct session *session, union session_data *data)
{
	const struct refslab_heap_create *arg = &data->heap_create;
	struct refslab_heap_args args = {
		.name = arg->name[0] ? arg->name : NULL,
		.limit = arg->limit,
		.flags = REFSLAB_HEAP_ACCOUNT,
	};
	struct user_heap *heap;

	if (session->heap)
		return -EBUSY;
	if (!call_name_ends(arg->name))
		return -EINVAL;
	heap = user_heap_create(&args);
	if (IS_ERR(heap))
		return PTR_ERR(heap);
	session_bind(session, heap);
	return 0;
}

int call_heap_info(struct session *session, union session_data *data)
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
		.sessions = atomic_read(&session_user_heap(session)->sessions),
		.session_flags = (session->joined ? REFSLAB_SESSION_JOINED : 0) |
				 (session->read_only ? REFSLAB_SESSION_READ_ONLY : 0),
		.session_limit = session->limit,
	};
	if (session->account)
		arg->session_bytes = account_bytes(heap, session->account);
	strscpy(arg->name, heap->name, sizeof(arg->name));
	return 0;
}

int call_heap_limits(struct session *session, union session_data *data)
{
	const struct refslab_heap_limits *arg = &data->heap_limits;
	const u64 bytes[POOL_LIMITS] = {
		[POOL_LIMIT] = arg->limit,
		[POOL_RESERVE] = arg->reserve,
		[POOL_LOW] = arg->low,
		[POOL_HIGH] = arg->high,
	};
	int i;

	/* it pays */
	if (session->joined)
		return -EACCES;
	/* flags are the pool's bits; checked where the table is */
	for (i = 0; i < POOL_LIMITS; i++)
		if (bytes[i] && !(arg->flags & BIT(i)))
			return -EINVAL;
	return pool_set_limits(&session_heap(session)->pool, arg->flags, bytes);
}
