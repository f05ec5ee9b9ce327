// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel log is told. Objects are named by their number in the heap:
 * addresses are nobody's business.
 */
#include "report.h"

#include <linux/err.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/poison.h>
#include <linux/ratelimit.h>
#include <linux/stackdepot.h>

#include "heap.h"
#include "tenant.h"

/* Survivors that a refused destruction shows. */
#define SURVIVORS_SHOWN	8

/* Types that the end of a heap shows. */
#define TYPES_SHOWN	8

/* Lines a minute that are the doing of programs, of a heap and of all users' heaps. */
#define FEW		5
#define FEW_OF_ALL	60

#define NAMING		"heap %s, type %s, object %u"

/* Bytes that a report shows in a line. */
#define LINE_BYTES	16

#define RULE "=================================================================="

/* --- reports of types with debug flags --- */

static bool report_begin(struct refslab_type *type, struct refslab_object *obj,
			 const char *what)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 20);

	if (!__ratelimit(&limit))
		return false;
	pr_err(RULE "\n");
	/* the kernel has been written to where it should not */
	add_taint(TAINT_BAD_PAGE, LOCKDEP_STILL_OK);
	pr_err("BUG: refslab: %s: " NAMING "\n", what, type->heap->name, type->name,
	       slab_number(obj));
	return true;
}

/* Ages are as of @now: the log may be slow. */
static void report_track(struct refslab_type *type, struct refslab_object *obj,
			 unsigned int which, const char *what, unsigned long now)
{
	struct track track;

	if (!debug_track(type, obj, which, &track))
		return;
	pr_err("%s %llu ms ago by task %u on CPU %u:\n", what,
	       jiffies64_to_msecs(now - track.when), track.pid, track.cpu);
#ifdef CONFIG_STACKDEPOT
	if (track.stack)
		stack_depot_print(track.stack);
#endif
}

static void report_tracks(struct refslab_type *type, struct refslab_object *obj)
{
	unsigned long now = jiffies;

	report_track(type, obj, TRACK_ALLOC, "allocated", now);
	report_track(type, obj, TRACK_FREE, "freed", now);
}

static void report_end(struct refslab_type *type, struct refslab_object *obj,
		       const char *advice)
{
	report_tracks(type, obj);
	if (!(type->flags & REFSLAB_TYPE_TRACE))
		pr_err("With traces (debug=U,%s/%s) this would say who allocated and freed it.\n",
		       type->heap->name, type->name);
	pr_err("%s\n", advice);
	pr_err(RULE "\n");
}

/*
 * The bytes that are not as they should be. What they are is for those who have
 * said no_hash_pointers: they may be an address.
 */
static void report_bytes(const u8 *obj, u32 start, u32 size, u8 should)
{
	const u8 *bad = memchr_inv(obj + start, should, size);
	u32 first, from, i, n = 0, at = 0;
	char line[3 * LINE_BYTES + 1];

	if (!bad)
		return;
	first = bad - obj;
	for (i = first; i < start + size; i++)
		n += obj[i] != should;
	pr_err("%u wrong from byte %u on, where 0x%02x was left:\n", n, first, should);
	from = max(start, first - min_t(u32, first, 4));
	for (i = from; i < min(from + LINE_BYTES, start + size); i++)
		if (obj[i] == should)
			at += scnprintf(line + at, sizeof(line) - at, " .");
		else if (no_hash_pointers)
			at += scnprintf(line + at, sizeof(line) - at, " %02x", obj[i]);
		else
			at += scnprintf(line + at, sizeof(line) - at, " !");
	pr_err("  byte %u:%s\n", from, line);
}

/**
 * report_poison - a free object's payload has changed
 * @type: its type
 * @obj: the object; open to KASAN
 * @start: byte where the payload begins
 * @size: of the payload
 *
 * Context: Any context, raw locks held.
 */
void report_poison(struct refslab_type *type, struct refslab_object *obj,
		   u32 start, u32 size)
{
	if (!report_begin(type, obj, "written to after its release"))
		return;
	report_bytes((const u8 *)obj, start, size, POISON_FREE);
	report_end(type, obj, "Somebody kept its address beyond the last put. It is not used again.");
}

/**
 * report_red_zone - somebody wrote beyond an object's end
 * @type: its type
 * @obj: the object
 * @start: byte where the red zone begins
 * @size: of the red zone
 *
 * Context: Any context, raw locks held.
 */
void report_red_zone(struct refslab_type *type, struct refslab_object *obj,
		     u32 start, u32 size)
{
	if (!report_begin(type, obj, "written to beyond its end"))
		return;
	pr_err("It has %u bytes.\n", type->size);
	report_bytes((const u8 *)obj, start, size, SLUB_RED_ACTIVE);
	/* where it was found tells of how long it went on */
	dump_stack();
	report_end(type, obj, "Its owner has used a size or an index that is too large, or the owner of the next object one below 0.");
}

/* --- mistakes that are found anyway --- */

enum mistake { OVERFLOW, DEAD_GET, DEAD_PUT, STALE_SLOT, BAD_WORD, DOUBLE_FREE, WRONG_TYPE };

static const char *const mistakes[] = {
	[OVERFLOW] = "reference count overflow; leaked",
	[DEAD_GET] = "get of a dead object; leaked",
	[DEAD_PUT] = "put of a dead object; leaked",
	[STALE_SLOT] = "a slot refers to a dead object",
	[BAD_WORD] = "a free object's word has changed; leaked",
	[DOUBLE_FREE] = "double free",
	[WRONG_TYPE] = "free into the wrong type",
};

/* What follows a WARN, where reports have report_end(). */
static void report_advice(struct refslab_type *type, const char *advice)
{
	if (type->flags & REFSLAB_TYPE_TRACE)
		pr_err("refslab: %s\n", advice);
	else
		pr_err("refslab: %s Traces (debug=U,%s/%s) tell who allocated and freed it.\n",
		       advice, type->heap->name, type->name);
}

/* In place of a WARN, where it is known who had the object. */
static bool report_traced(struct refslab_object *obj, enum mistake mistake,
			  const char *advice)
{
	struct refslab_type *type = slab_of(obj)->type;

	if (!debug_on(type) || !(type->flags & REFSLAB_TYPE_TRACE))
		return false;
	if (!report_begin(type, obj, mistakes[mistake]))
		return true;
	dump_stack();
	report_end(type, obj, advice);
	return true;
}

/*
 * The first of each has the stack of who found it; the others must not fill the
 * log, but are another object's, or another heap's, and have a line.
 */
static void report_mistake(struct refslab_object *obj, enum mistake mistake,
			   const char *advice)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 20);
	struct refslab_type *type = slab_of(obj)->type;
	const char *what = mistakes[mistake];
	static unsigned long told;

	if (report_traced(obj, mistake, advice))
		return;
	if (!test_and_set_bit(mistake, &told))
		WARN(1, "refslab: %s: " NAMING "\n", what, type->heap->name, type->name,
		     slab_number(obj));
	else if (__ratelimit(&limit))
		pr_err("refslab: %s: " NAMING "\n", what, type->heap->name, type->name,
		       slab_number(obj));
	else
		return;
	report_advice(type, advice);
}

/**
 * report_overflow - a reference count has no room for more
 * @obj: the object
 *
 * Context: Any context.
 */
void report_overflow(struct refslab_object *obj)
{
	report_mistake(obj, OVERFLOW, "Somebody gets it again and again, and does not put it.");
}

/**
 * report_dead_get - somebody took a reference to an object without any
 * @obj: the object
 *
 * Context: Any context.
 */
void report_dead_get(struct refslab_object *obj)
{
	report_mistake(obj, DEAD_GET,
		       "The caller has no reference: refslab_tryget() is for that.");
}

/**
 * report_stale_slot - a slot refers to an object that is dead
 * @obj: the object, or the next one at its address; NULL if there is none any more
 *
 * Context: Any context; within a read section.
 */
void report_stale_slot(struct refslab_object *obj)
{
	if (obj)
		report_mistake(obj, STALE_SLOT,
			       "Somebody has put once too often what the slot counts on.");
	else
		WARN_ONCE(1, "refslab: a slot refers to what was an object\n");
}

/**
 * report_dead_put - somebody gave back a reference that nobody had
 * @obj: the object
 *
 * Context: Any context.
 */
void report_dead_put(struct refslab_object *obj)
{
	report_mistake(obj, DEAD_PUT,
		       "The caller, or somebody before, has put once too often.");
}

#define WORD_TEXT	24

/*
 * What overwrote a word may have been an address of the kernel's, which are for
 * those who have said no_hash_pointers. A put too many leaves what is none.
 */
static const char *word_text(char text[WORD_TEXT], u64 word)
{
	if ((s64)word < 0 && !IS_ERR_VALUE(word) && !no_hash_pointers)
		return "(perhaps an address)";
	snprintf(text, WORD_TEXT, "%#llx", word);
	return text;
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
	static const char advice[] = "Somebody got or put it after its release.";
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 10);
	char text[WORD_TEXT];

	/* one a leaked object */
	if (report_traced(obj, BAD_WORD, advice) || !__ratelimit(&limit))
		return;
	WARN(1, "refslab: a free object's word is %s: used after its release, leaked: "
	     NAMING "\n", word_text(text, atomic64_read(&obj->word)), type->heap->name,
	     type->name, slab_number(obj));
	report_advice(type, advice);
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
	char advice[96];

	if (slab_of(obj)->type == type) {
		report_mistake(obj, DOUBLE_FREE,
			       "It was free already. Nothing has happened to it.");
		return;
	}
	snprintf(advice, sizeof(advice),
		 "It was freed as one of type %s. Nothing has happened to it.", type->name);
	report_mistake(obj, WRONG_TYPE, advice);
}

/**
 * reports_init - the log has not been told of a heap
 * @reports: the heap's
 */
void reports_init(struct reports *reports)
{
	ratelimit_state_init(&reports->sweeps, 5 * HZ, 50);
	ratelimit_state_init(&reports->survivors, 5 * HZ, 5);
	ratelimit_state_init(&reports->refused, 60 * HZ, 1);
	ratelimit_state_init(&reports->few, 60 * HZ, FEW);
	/* without a line for those that were not told */
	ratelimit_set_flags(&reports->refused, RATELIMIT_MSG_ON_RELEASE);
	ratelimit_set_flags(&reports->few, RATELIMIT_MSG_ON_RELEASE);
}

/* Whether the log is told what is a program's doing, which it can do all the time. */
static bool program_may_tell(struct refslab_heap *heap)
{
	/* who may have many user ids is as many users */
	static DEFINE_RATELIMIT_STATE(limit, 60 * HZ, FEW_OF_ALL);

	return __ratelimit(&heap->reports.few) && tenant_may_say(heap->pool.tenant) &&
	       __ratelimit(&limit);
}

/**
 * struct survivor - an object that lives, as the log is told of it
 * @number: the object's
 * @count: its references
 * @traced: @track is known
 * @track: who allocated it
 */
struct survivor {
	u32		number;
	u32		count;
	bool		traced;
	struct track	track;
};

/* Those of the slab with a number, if it is the type's; returns how many are there now. */
static unsigned int find_survivors(struct refslab_type *type, u32 number,
				   struct survivor *survivors, unsigned int n)
{
	struct slab *slab;
	u32 i;

	rcu_read_lock();
	slab = slab_walk(&type->heap->pool, number);
	if (slab && slab->type != type)
		slab = NULL;
	for (i = 0; slab && i < type->layout.objects && n < SURVIVORS_SHOWN; i++) {
		struct refslab_object *obj = slab_object(slab, i);
		struct survivor *survivor = &survivors[n];

		survivor->count = refslab_count(obj);
		if (!survivor->count)
			continue;
		survivor->number = slab_number(obj);
		survivor->traced = debug_track(type, obj, TRACK_ALLOC, &survivor->track);
		n++;
	}
	rcu_read_unlock();
	return n;
}

static void show_survivor(const struct survivor *survivor, unsigned long now)
{
	const struct track *track = &survivor->track;
#ifdef CONFIG_STACKDEPOT
	unsigned long *entries;
	unsigned int i, n;
#endif

	pr_info("refslab:   object %u, count %u\n", survivor->number, survivor->count);
	if (!survivor->traced)
		return;
	pr_info("refslab:   allocated %llu ms ago by task %u on CPU %u:\n",
		jiffies64_to_msecs(now - track->when), track->pid, track->cpu);
#ifdef CONFIG_STACKDEPOT
	n = track->stack ? stack_depot_fetch(track->stack, &entries) : 0;
	for (i = 0; i < n; i++)
		pr_info("refslab:    %pS\n", (void *)entries[i]);
#endif
}

/* The first objects of a type that live, and who allocated them where that is known. */
static void show_survivors(struct refslab_type *type)
{
	struct pool *pool = &type->heap->pool;
	struct survivor survivors[SURVIVORS_SHOWN];
	unsigned long now = jiffies;
	unsigned int i, n = 0;
	u32 number;

	for (number = 0; number < READ_ONCE(pool->next_number) && n < SURVIVORS_SHOWN; number++) {
		n = find_survivors(type, number, survivors, n);
		cond_resched();
	}
	/* not in the read section: a console may be slow */
	for (i = 0; i < n; i++)
		show_survivor(&survivors[i], now);
	if (n && !(type->flags & REFSLAB_TYPE_TRACE))
		pr_info("refslab: traces (debug=U,%s/%s) tell who allocated them\n",
			type->heap->name, type->name);
}

/**
 * report_survivors - a type cannot be destroyed
 * @type: the type
 *
 * Context: May sleep; the type stays.
 */
void report_survivors(struct refslab_type *type)
{
	bool programs = type->heap->flags & REFSLAB_HEAP_ACCOUNT;

	if (programs ? !program_may_tell(type->heap) :
		       !__ratelimit(&type->heap->reports.survivors))
		return;

	pr_info("refslab: heap %s: type %s stays, %lu of its objects live, %lu are in %u reserves\n",
		type->heap->name, type->name, refslab_type_objects(type),
		atomic_long_read(&type->reserved), atomic_read(&type->reserves));
	/* these have REFSLAB_OBJECTS, and are not to hold the lock for a long walk */
	if (!programs)
		show_survivors(type);
}

/**
 * report_left - a heap ends while objects of it live
 * @heap: the heap, which nobody uses any more; its objects have not been released yet
 *
 * For programs that is how their heaps end.
 *
 * Context: May sleep.
 */
void report_left(struct refslab_heap *heap)
{
	/* a module may end a heap with each file that is closed */
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 5);
	unsigned int shown = 0, others = 0;
	struct refslab_type *type;
	unsigned long id, n;

	if (heap->flags & REFSLAB_HEAP_ACCOUNT || !__ratelimit(&limit))
		return;
	xa_for_each(&heap->types, id, type) {
		n = refslab_type_objects(type);
		if (!n)
			continue;
		if (shown++ >= TYPES_SHOWN) {
			others++;
			continue;
		}
		pr_info("refslab: heap %s ends while %lu objects of its type %s live\n",
			heap->name, n, type->name);
		show_survivors(type);
	}
	if (others)
		pr_info("refslab: heap %s ends while objects of %u more types live\n",
			heap->name, others);
}

/**
 * report_refused - an allocation failed at a heap's limit
 * @type: what was to be allocated
 *
 * Programs set their heaps' limits themselves, and are told by the error.
 *
 * Context: Any context.
 */
void report_refused(struct refslab_type *type)
{
	struct refslab_heap *heap = type->heap;
	struct pool_usage usage;

	if (heap->flags & REFSLAB_HEAP_ACCOUNT || !__ratelimit(&heap->reports.refused))
		return;
	pool_usage(&heap->pool, &usage);
	pr_notice("refslab: heap %s has all that its pool/limit allows, %llu KiB: an object of type %s was refused. Raise it, or see in debugfs refslab/types what has the memory.\n",
		  heap->name, usage.limit[POOL_LIMIT] >> 10, type->name);
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
	struct refslab_type *type = slab_of(obj)->type;
	bool first = !READ_ONCE(heap->sweep.broken);
	char text[WORD_TEXT];

	WRITE_ONCE(heap->sweep.broken, true);
	if (!first)
		return;
	WARN(1, "refslab: heap %s stops sweeping and goes on by reference counts: object %u of type %s, committed, has the word %s\n",
	     heap->name, slab_number(obj), type->name, word_text(text, word));
	report_tracks(type, obj);
	report_advice(type, "Cycles stay until the heap goes. Somebody got the object without a reference, or overwrote it.");
}

/**
 * report_sweep - a sweep is over; told if that is asked for
 * @heap: the heap
 * @generation: of the sweep
 * @result: what it did
 *
 * Context: Any context.
 */
void report_sweep(struct refslab_heap *heap, unsigned int generation,
		  const struct refslab_sweep_result *result)
{
	if (!refslab_get_logging(heap))
		return;
	if (READ_ONCE(heap->sweep.log) ? __ratelimit(&heap->reports.sweeps) :
					 program_may_tell(heap))
		pr_info("refslab: heap %s: sweep of generation %u: %llu candidates, %llu examined, %llu freed, %llu unfreed, %llu ns\n",
			heap->name, generation, result->candidates,
			result->examined, result->freed, result->unfreed,
			result->time_ns);
}

/**
 * report_program_asks - a program wants each sweep in the log, or not
 * @heap: the heap
 * @on: from now on; what root wants stays
 *
 * Context: Any context.
 */
void report_program_asks(struct refslab_heap *heap, bool on)
{
	/* pairs with the READ_ONCE() at the end of a sweep */
	WRITE_ONCE(heap->sweep.log_few, on);
}

/**
 * refslab_set_logging - tell the kernel's log of each sweep
 * @heap: the heap
 * @on: from now on
 *
 * A line for each sweep, 50 in five seconds at most. What programs asked for
 * ends with it as well.
 *
 * Context: Any context.
 */
void refslab_set_logging(struct refslab_heap *heap, bool on)
{
	/* pairs with the READ_ONCE() at the end of a sweep; one late or early does not matter */
	WRITE_ONCE(heap->sweep.log, on);
	if (!on)
		report_program_asks(heap, false);
}
EXPORT_SYMBOL_GPL(refslab_set_logging);

/**
 * refslab_get_logging - whether the kernel's log is told of each sweep
 * @heap: the heap
 *
 * Context: Any context.
 * Return: as it was set last, or a program asks for it; false in a new heap.
 */
bool refslab_get_logging(struct refslab_heap *heap)
{
	return READ_ONCE(heap->sweep.log) || READ_ONCE(heap->sweep.log_few);
}
EXPORT_SYMBOL_GPL(refslab_get_logging);
