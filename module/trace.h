/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints. An object goes by its number in the heap, a chunk or slab by
 * that of the chunk: kernel addresses are nobody's business. Numbers are used
 * again, so that of an object names it from its alloc to its free only.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM refslab

#if !defined(_REFSLAB_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _REFSLAB_TRACE_H

#include <linux/tracepoint.h>

#include "heap.h"

DECLARE_EVENT_CLASS(refslab_object,
	TP_PROTO(const struct refslab_type *type, const void *obj),

	TP_ARGS(type, obj),

	TP_STRUCT__entry(
		__string(heap, type->heap->name)
		__string(type, type->name)
		__field(u32, object)
	),

	TP_fast_assign(
		refslab_assign_str(heap, type->heap->name);
		refslab_assign_str(type, type->name);
		__entry->object = slab_number(obj);
	),

	TP_printk("heap=%s type=%s object=%u", __get_str(heap), __get_str(type),
		  __entry->object)
);

DEFINE_EVENT(refslab_object, refslab_alloc,
	TP_PROTO(const struct refslab_type *type, const void *obj),
	TP_ARGS(type, obj));

DEFINE_EVENT(refslab_object, refslab_free,
	TP_PROTO(const struct refslab_type *type, const void *obj),
	TP_ARGS(type, obj));

DECLARE_EVENT_CLASS(refslab_slab,
	TP_PROTO(const struct refslab_type *type, const struct slab *slab),

	TP_ARGS(type, slab),

	TP_STRUCT__entry(
		__string(heap, type->heap->name)
		__string(type, type->name)
		__field(u32, chunk)
		__field(int, nid)
		__field(u32, objects)
	),

	TP_fast_assign(
		refslab_assign_str(heap, type->heap->name);
		refslab_assign_str(type, type->name);
		__entry->chunk = slab->chunk.number;
		__entry->nid = slab->chunk.nid;
		__entry->objects = type->layout.objects;
	),

	TP_printk("heap=%s type=%s chunk=%u nid=%d objects=%u",
		  __get_str(heap), __get_str(type), __entry->chunk,
		  __entry->nid, __entry->objects)
);

DEFINE_EVENT(refslab_slab, refslab_slab_create,
	TP_PROTO(const struct refslab_type *type, const struct slab *slab),
	TP_ARGS(type, slab));

DEFINE_EVENT(refslab_slab, refslab_slab_retire,
	TP_PROTO(const struct refslab_type *type, const struct slab *slab),
	TP_ARGS(type, slab));

DECLARE_EVENT_CLASS(refslab_chunk,
	TP_PROTO(const struct pool *pool, const struct chunk *chunk),

	TP_ARGS(pool, chunk),

	TP_STRUCT__entry(
		__string(heap, pool->name)
		__field(u32, chunk)
		__field(int, nid)
	),

	TP_fast_assign(
		refslab_assign_str(heap, pool->name);
		__entry->chunk = chunk->number;
		__entry->nid = chunk->nid;
	),

	TP_printk("heap=%s chunk=%u nid=%d", __get_str(heap), __entry->chunk,
		  __entry->nid)
);

/* From and to the page allocator, not from and to the pool's cache. */
DEFINE_EVENT(refslab_chunk, refslab_chunk_alloc,
	TP_PROTO(const struct pool *pool, const struct chunk *chunk),
	TP_ARGS(pool, chunk));

DEFINE_EVENT(refslab_chunk, refslab_chunk_free,
	TP_PROTO(const struct pool *pool, const struct chunk *chunk),
	TP_ARGS(pool, chunk));

TRACE_EVENT(refslab_sweep_start,
	TP_PROTO(const struct refslab_heap *heap, unsigned int generation),

	TP_ARGS(heap, generation),

	TP_STRUCT__entry(
		__string(heap, heap->name)
		__field(unsigned int, generation)
	),

	TP_fast_assign(
		refslab_assign_str(heap, heap->name);
		__entry->generation = generation;
	),

	TP_printk("heap=%s generation=%u", __get_str(heap),
		  __entry->generation)
);

TRACE_EVENT(refslab_sweep_end,
	TP_PROTO(const struct refslab_heap *heap, unsigned int generation,
		 const struct refslab_sweep_result *result),

	TP_ARGS(heap, generation, result),

	TP_STRUCT__entry(
		__string(heap, heap->name)
		__field(unsigned int, generation)
		__field(u64, examined)
		__field(u64, freed)
		__field(u64, unfreed)
		__field(u64, aborts)
		__field(u64, time_ns)
	),

	TP_fast_assign(
		refslab_assign_str(heap, heap->name);
		__entry->generation = generation;
		__entry->examined = result->examined;
		__entry->freed = result->freed;
		__entry->unfreed = result->unfreed;
		__entry->aborts = result->aborts;
		__entry->time_ns = result->time_ns;
	),

	TP_printk("heap=%s generation=%u examined=%llu freed=%llu unfreed=%llu aborts=%llu time_ns=%llu",
		  __get_str(heap), __entry->generation, __entry->examined,
		  __entry->freed, __entry->unfreed, __entry->aborts,
		  __entry->time_ns)
);

#endif /* _REFSLAB_TRACE_H */

/* Found through the -I of Kbuild: the kernel looks from include/trace. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
