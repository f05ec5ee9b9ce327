// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel log is told. Objects are named by their number in the heap:
 * addresses are nobody's business.
 */
#include "report.h"

#include <linux/export.h>
#include <linux/ratelimit.h>

#include "heap.h"

/* Survivors that a refused destruction shows. */
#define SURVIVORS_SHOWN	8

#define NAMING		"heap %s, type %s, object %u"

/* A text of its own for each mistake: the first of one must not hide another. */

/**
 * report_overflow - a reference count has no room for more
 * @obj: the object
 *
 * Context: Any context.
 */
void report_overflow(struct refslab_object *obj)
{
	struct refslab_type *type = slab_of(obj)->type;

	WARN_ONCE(1, "refslab: reference count overflow; leaked: " NAMING "\n",
		  type->heap->name, type->name, slab_number(obj));
}

/**
 * report_dead_get - somebody took a reference to an object without any
 * @obj: the object
 *
 * Context: Any context.
 */
void report_dead_get(struct refslab_object *obj)
{
	struct refslab_type *type = slab_of(obj)->type;

	WARN_ONCE(1, "refslab: get of a dead object; leaked: " NAMING "\n",
		  type->heap->name, type->name, slab_number(obj));
}

/**
 * report_dead_put - somebody gave back a reference that nobody had
 * @obj: the object
 *
 * Context: Any context.
 */
void report_dead_put(struct refslab_object *obj)
{
	struct refslab_type *type = slab_of(obj)->type;

	WARN_ONCE(1, "refslab: put of a dead object; leaked: " NAMING "\n",
		  type->heap->name, type->name, slab_number(obj));
}

/**
 * report_bad_word - a free object's word has changed
 * @type: its type
 * @obj: the object, which leaks
 *
 * Context: Any context.
 */
void report_bad_word(struct refslab_type *type, struct refslab_object *obj)
{
	WARN_ONCE(1, "refslab: a free object's word is %#llx: used after its release, leaked: "
		  NAMING "\n",
		  (u64)atomic64_read(&obj->word), type->heap->name, type->name,
		  slab_number(obj));
}

/**
 * report_bad_free - an object came back to its slab that was there, or is
 *	another type's
 * @type: the type it was freed as
 * @obj: the object; nothing happens to it
 *
 * Context: Any context, raw locks held.
 */
void report_bad_free(struct refslab_type *type, struct refslab_object *obj)
{
	WARN_ONCE(1, "refslab: double free, or free into the wrong type: " NAMING "\n",
		  type->heap->name, type->name, slab_number(obj));
}

/**
 * report_survivors - a type cannot be destroyed
 * @type: the type
 *
 * Context: May sleep; heap->lock held.
 */
void report_survivors(struct refslab_type *type)
{
	/* user programs can ask for it as often as they like */
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 5);
	struct pool *pool = &type->heap->pool;
	unsigned int shown = 0;
	u32 number, i;

	if (!__ratelimit(&limit))
		return;

	pr_info("refslab: heap %s: type %s stays, %lu of its objects live\n",
		type->heap->name, type->name, refslab_type_objects(type));
	for (number = 0; number < READ_ONCE(pool->next_number); number++) {
		struct slab *slab;

		rcu_read_lock();
		slab = slab_walk(pool, number);
		if (slab && slab->type == type) {
			for (i = 0; i < type->layout.objects; i++) {
				struct refslab_object *obj = slab_object(slab, i);
				u32 count = refslab_count(obj);

				if (!count)
					continue;
				if (shown++ < SURVIVORS_SHOWN)
					pr_info("refslab:   object %u, count %u\n",
						slab_number(obj), count);
			}
		}
		rcu_read_unlock();
		if (shown > SURVIVORS_SHOWN)
			break;
	}
}

/**
 * report_sweep_broken - a sweep found what cannot be; it was the last
 * @heap: the heap, which goes on by reference counts alone
 * @obj: the object
 * @word: its word
 *
 * Context: Any context.
 */
void report_sweep_broken(struct refslab_heap *heap, struct refslab_object *obj,
			 u64 word)
{
	bool first = !READ_ONCE(heap->sweep.broken);

	WRITE_ONCE(heap->sweep.broken, true);
	WARN(first, "refslab: heap %s stops sweeping and goes on by reference counts: object %u of type %s, committed, has the word %#llx\n",
	     heap->name, slab_number(obj), slab_of(obj)->type->name, word);
}

/**
 * report_sweep - a sweep is over, and its heap is to log that
 * @heap: the heap
 * @generation: of the sweep
 * @result: what it did
 *
 * Context: Any context.
 */
void report_sweep(struct refslab_heap *heap, unsigned int generation,
		  const struct refslab_sweep_result *result)
{
	/* programs can sweep as often as they like */
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 50);

	if (__ratelimit(&limit))
		pr_info("refslab: heap %s: sweep of generation %u: %llu candidates, %llu examined, %llu freed, %llu unfreed, %llu ns\n",
			heap->name, generation, result->candidates,
			result->examined, result->freed, result->unfreed,
			result->time_ns);
}

/**
 * refslab_set_logging - tell the kernel's log of each sweep
 * @heap: the heap
 * @on: from now on
 *
 * A line for each sweep, not more often than the log likes.
 *
 * Context: Any context.
 */
void refslab_set_logging(struct refslab_heap *heap, bool on)
{
	/* pairs with the READ_ONCE() at the end of a sweep; one late or early does not matter */
	WRITE_ONCE(heap->sweep.log, on);
}
EXPORT_SYMBOL_GPL(refslab_set_logging);

/**
 * refslab_get_logging - whether the kernel's log is told of each sweep
 * @heap: the heap
 *
 * Context: Any context.
 * Return: as it was set last; false in a new heap.
 */
bool refslab_get_logging(struct refslab_heap *heap)
{
	return READ_ONCE(heap->sweep.log);
}
EXPORT_SYMBOL_GPL(refslab_get_logging);
