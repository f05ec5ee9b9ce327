// SPDX-License-Identifier: GPL-2.0
/*
 * Many objects at a time: what refslab_alloc() and refslab_put() do at their
 * shortest, for as many as have nothing else to them, with the magazine marked
 * once. The rest is left to these two.
 */
#include <linux/minmax.h>

#include "object.h"
#include "trace.h"
#include "type.h"

/* Objects that are looked at with preemption off. */
#define BULK_RUN	128

static unsigned int alloc_run(struct refslab_type *type, gfp_t gfp, unsigned int n,
			      struct refslab_object **objs)
{
	const long clear = gfp & __GFP_ZERO ? type->path.clear_all : type->path.clear;
	const u64 born = type->path.born;
	struct refslab_magazine *m;
	struct refslab_object *obj;
	unsigned int got;
	u32 count;

	if (trace_refslab_alloc_enabled() || type->path.hooks)
		return 0;
	preempt_disable();
	m = this_cpu_ptr(type->path.magazines);
	if (unlikely(__refslab_magazine_mark(m))) {
		preempt_enable();
		return 0;
	}
	count = m->count;
	for (got = 0; got < n && count; got++) {
		obj = m->objects[count - 1];
		/* refslab_alloc() reports it */
		if (unlikely(atomic64_read(&obj->word)))
			break;
		count--;
		refslab_kasan_unpoison(obj, type->layout.size);
		refslab_kmsan_poison((void *)obj + type->header, type->size - type->header);
		if (clear > -REFSLAB_CLEAR_LEAST)
			__refslab_zero(obj + 1, clear);
		/* see __refslab_publish() */
		atomic64_set_release(&obj->word, born);
		objs[got] = obj;
	}
	__refslab_magazine_done(m, count);
	preempt_enable();
	return got;
}

/**
 * refslab_alloc_bulk - allocate several objects
 * @type: their type
 * @gfp: as for kmalloc()
 * @n: how many
 * @objs: filled in
 *
 * Context: As refslab_alloc().
 * Return: @n; or, when memory or the heap's limit ran out, how many were
 *	allocated: they are the caller's.
 */
unsigned int refslab_alloc_bulk(struct refslab_type *type, gfp_t gfp,
				unsigned int n, struct refslab_object **objs)
{
	unsigned int got = 0;

	while (got < n) {
		got += alloc_run(type, gfp, min(n - got, BULK_RUN), objs + got);
		if (got == n)
			break;
		/* fills the magazine, too */
		objs[got] = refslab_alloc(type, gfp);
		if (!objs[got])
			break;
		got++;
	}
	return got;
}
EXPORT_SYMBOL_GPL(refslab_alloc_bulk);

static unsigned int put_run(struct refslab_type *type, unsigned int n,
			    struct refslab_object **objs)
{
	const bool plain = type->path.plain;
	const u32 size = READ_ONCE(type->path.magazine_size);
	struct refslab_object *obj, *rest = NULL;
	struct refslab_magazine *m;
	unsigned int i;
	u32 count;
	u64 old;

	preempt_disable();
	m = this_cpu_ptr(type->path.magazines);
	if (unlikely(__refslab_magazine_mark(m))) {
		preempt_enable();
		return 0;
	}
	count = m->count;
	for (i = 0; i < n && count < size; i++) {
		obj = objs[i];
		if (unlikely(slab_of(obj)->type != type))
			break;
		old = atomic64_fetch_add_release(REFSLAB_VERSION_ONE - REFSLAB_COUNT_ONE,
						 &obj->word);
		if ((s32)old >= (s32)(2 * REFSLAB_COUNT_ONE))
			continue;
		/* what others did before their puts comes before our release */
		smp_acquire__after_ctrl_dep();
		if (unlikely((old & (REFSLAB_COUNT_MASK | REFSLAB_PINNED)) !=
			     REFSLAB_COUNT_ONE) ||
		    !(plain || object_dies_alone(type, obj))) {
			rest = obj;
			i++;
			break;
		}
		atomic64_set_release(&obj->word, 0);
		if (REFSLAB_HOOKS_ALWAYS)
			object_undress(type, obj);
		m->objects[count++] = obj;
	}
	__refslab_magazine_done(m, count);
	preempt_enable();
	/* with the magazine free again: this may call anything */
	if (rest)
		__refslab_put_slow(rest, old);
	return i;
}

/**
 * refslab_put_bulk - give several references back
 * @n: how many
 * @objs: objects, of any types and heaps
 *
 * Context: As refslab_put().
 */
void refslab_put_bulk(unsigned int n, struct refslab_object **objs)
{
	struct refslab_type *type;
	unsigned int run;

	for (; n; n -= run, objs += run) {
		type = slab_of(*objs)->type;
		run = 0;
		if (type->path.quiet && !trace_refslab_free_enabled())
			run = put_run(type, min(n, BULK_RUN), objs);
		if (!run) {
			/* makes room in the magazine, too */
			refslab_put(*objs);
			run = 1;
		}
	}
}
EXPORT_SYMBOL_GPL(refslab_put_bulk);
