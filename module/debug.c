// SPDX-License-Identifier: GPL-2.0
/*
 * Debugging: poison, red zones and owner traces of types that ask for them.
 *
 *	object | red zone | tracks | red zone
 *
 * The payload of a free object is poison, and is looked at when the object is
 * allocated: another byte was written after the release. A red zone has the
 * same bytes whether the object lives or not, so that it can be looked at any
 * time, which is when the object is freed and by validators. Tracks say who
 * allocated and who freed. All this is space behind the object that the type
 * got when it was made, and one static key keeps other types' paths as they
 * are.
 *
 * KASAN has the payload of a free object out of bounds, and KMSAN has it
 * uninitialised, so what looks at poison opens it for that long. What lies behind
 * the object is always open to them.
 */
#include "debug.h"

#include <linux/align.h>
#include <linux/glob.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/poison.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/stacktrace.h>

#include "heap.h"
#include "report.h"

DEFINE_STATIC_KEY_FALSE(debug_key);

/* Least bytes of a red zone, and the alignment of tracks. */
#define ZONE		sizeof(u64)
#define STACK_DEPTH	16

/* --- which types: the parameter --- */

#define RULES_MAX	8
#define RULES_TEXT	256

/**
 * struct rule - a part of the parameter
 * @flags: for types
 * @pattern: whose heap/type is like this; a place in the text, or -1 for any
 */
struct rule {
	unsigned int	flags;
	int		pattern;
};

/**
 * struct rules - the parameter
 * @text: cut up into the patterns
 * @rule: of these
 * @count: so many
 */
struct rules {
	char		text[RULES_TEXT];
	struct rule	rule[RULES_MAX];
	unsigned int	count;
};

static DEFINE_MUTEX(rules_mutex);
/* both @rules_mutex */
static struct rules rules;
static char rules_text[RULES_TEXT];

static int rule_parse(struct rules *in, struct rule *rule, char *text)
{
	char *letter = strsep(&text, ",");

	if (!*letter)
		rule->flags = DEBUG_FLAGS;
	for (; *letter; letter++) {
		switch (*letter) {
		case 'Z':
			rule->flags |= REFSLAB_TYPE_RED_ZONE;
			break;
		case 'P':
			rule->flags |= REFSLAB_TYPE_POISON;
			break;
		case 'U':
			rule->flags |= REFSLAB_TYPE_TRACE;
			break;
		default:
			return -EINVAL;
		}
	}
	rule->pattern = text && *text ? text - in->text : -1;
	return 0;
}

/**
 * debug_set_rules - what the module's parameter debug= does
 * @value: flags, comma, pattern; several with semicolons
 *
 * Context: May sleep.
 * Return: 0; -EINVAL after a sentence, and nothing has changed.
 */
int debug_set_rules(const char *value)
{
	static struct rules new;	/* rules_mutex */
	char *rest = new.text, *part;
	int err = -EINVAL;

	mutex_lock(&rules_mutex);
	memset(&new, 0, sizeof(new));
	if (strscpy(new.text, value, sizeof(new.text)) < 0)
		goto out;
	strim(new.text);
	if (!*new.text)
		rest = NULL;
	while ((part = strsep(&rest, ";"))) {
		err = -EINVAL;
		if (new.count == RULES_MAX)
			goto out;
		err = rule_parse(&new, &new.rule[new.count++], part);
		if (err)
			goto out;
	}
	err = 0;
	strscpy(rules_text, value, sizeof(rules_text));
	strim(rules_text);
	rules = new;
out:
	mutex_unlock(&rules_mutex);
	if (err)
		pr_err("refslab: debug=%s: not [ZPU][,heap/type][;...]\n", value);
	return err;
}

static int debug_set(const char *value, const struct kernel_param *param)
{
	return debug_set_rules(value);
}

static int debug_get(char *buffer, const struct kernel_param *param)
{
	int n;

	mutex_lock(&rules_mutex);
	n = sysfs_emit(buffer, "%s\n", rules_text);
	mutex_unlock(&rules_mutex);
	return n;
}

static const struct kernel_param_ops debug_ops = {
	.set	= debug_set,
	.get	= debug_get,
};

module_param_cb(debug, &debug_ops, NULL, 0644);
MODULE_PARM_DESC(debug, "for types made from now on: Z red zones, P poison, U owner traces, then a comma and which heap/type, with * and ?; several with ;");

static bool like(const struct rule *rule, const char *name)
{
	const char *pattern = rules.text + rule->pattern;

	if (rule->pattern < 0)
		return true;
	if (IS_ENABLED(CONFIG_GLOB))
		return glob_match(pattern, name);
	return !strcmp(pattern, name);
}

/**
 * debug_type_flags - what the parameter says of a type
 * @heap: name of its heap
 * @type: its name
 *
 * Context: May sleep.
 * Return: REFSLAB_TYPE_*, of %DEBUG_FLAGS.
 */
unsigned int debug_type_flags(const char *heap, const char *type)
{
	char name[2 * sizeof_field(struct refslab_heap, name)];
	unsigned int flags = 0, i;

	snprintf(name, sizeof(name), "%s/%s", heap, type);
	mutex_lock(&rules_mutex);
	for (i = 0; i < rules.count; i++)
		if (like(&rules.rule[i], name))
			flags |= rules.rule[i].flags;
	mutex_unlock(&rules_mutex);
	return flags;
}

/* --- types --- */

/**
 * debug_layout - place what lies behind the objects of a type
 * @type: with flags and size; its debug layout is filled in
 *
 * Return: bytes that an object takes with it.
 */
u32 debug_layout(struct refslab_type *type)
{
	u32 size = type->size;

	if (type->flags & REFSLAB_TYPE_RED_ZONE)
		size = ALIGN(size, ZONE) + ZONE;
	if (type->flags & REFSLAB_TYPE_TRACE) {
		size = ALIGN(size, ZONE);
		type->debug.tracks = size;
		size += TRACKS * sizeof(struct track);
		if (type->flags & REFSLAB_TYPE_RED_ZONE)
			size += ZONE;
	}
	return size;
}

/**
 * debug_begin - a type with flags is about to have objects
 * @type: the type
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM.
 */
int debug_begin(struct refslab_type *type)
{
	if (!(type->flags & DEBUG_FLAGS))
		return 0;
	if (type->flags & REFSLAB_TYPE_TRACE && stack_depot_init())
		return -ENOMEM;
	static_branch_inc(&debug_key);
	type->debug.counted = true;
	return 0;
}

/* The objects of a type are no more. May sleep. */
void debug_end(struct refslab_type *type)
{
	if (type->debug.counted)
		static_branch_dec(&debug_key);
}

/* --- objects --- */

/* The red zone's two parts: 0 before the tracks, 1 behind them. */
static u32 zone_start(const struct refslab_type *type, unsigned int part)
{
	if (!part)
		return type->size;
	return type->debug.tracks ? type->debug.tracks + TRACKS * sizeof(struct track) :
				    type->layout.size;
}

static u32 zone_end(const struct refslab_type *type, unsigned int part)
{
	return !part && type->debug.tracks ? type->debug.tracks : type->layout.size;
}

/* Bytes of payload that KASAN is told of: it goes by eight. */
static u32 payload_closed(const struct refslab_type *type)
{
	return ALIGN_DOWN(type->size - type->header, sizeof(u64));
}

static void payload_close(struct refslab_type *type, struct refslab_object *obj)
{
	refslab_kasan_poison((void *)obj + type->header, payload_closed(type));
	refslab_kmsan_poison((void *)obj + type->header, type->size - type->header);
}

static void payload_open(struct refslab_type *type, struct refslab_object *obj)
{
	refslab_kasan_unpoison((void *)obj + type->header, payload_closed(type));
	kmsan_unpoison_memory((void *)obj + type->header, type->size - type->header);
}

static void poison(struct refslab_type *type, struct refslab_object *obj)
{
	memset((void *)obj + type->header, POISON_FREE, type->size - type->header);
}

static void draw_zones(struct refslab_type *type, struct refslab_object *obj)
{
	unsigned int part;

	for (part = 0; part < 2; part++)
		memset((void *)obj + zone_start(type, part), SLUB_RED_ACTIVE,
		       zone_end(type, part) - zone_start(type, part));
}

/* Tells of what was written beyond the object. */
static bool check_zones(struct refslab_type *type, struct refslab_object *obj)
{
	unsigned int part;

	for (part = 0; part < 2; part++) {
		u32 start = zone_start(type, part), size = zone_end(type, part) - start;

		if (!memchr_inv((void *)obj + start, SLUB_RED_ACTIVE, size))
			continue;
		report_red_zone(type, obj, start, size);
		return false;
	}
	return true;
}

/* Tells of what was written into a free object, which is open to KASAN. */
static bool check_poison(struct refslab_type *type, struct refslab_object *obj)
{
	u32 size = type->size - type->header;

	if (!memchr_inv((void *)obj + type->header, POISON_FREE, size))
		return true;
	report_poison(type, obj, type->header, size);
	return false;
}

static struct track *tracks_of(const struct refslab_type *type,
			       struct refslab_object *obj)
{
	return (void *)obj + type->debug.tracks;
}

/*
 * noinline, so that there is something to skip. Where a raw lock may be held the
 * depot takes what room it has: an allocation that may sleep makes some.
 */
static noinline void set_track(struct refslab_type *type, struct refslab_object *obj,
			       unsigned int which)
{
	struct track *track = &tracks_of(type, obj)[which];
	depot_stack_handle_t stack = 0;

#if defined(CONFIG_STACKDEPOT) && defined(CONFIG_STACKTRACE)
	unsigned long entries[STACK_DEPTH];
	unsigned int n = stack_trace_save(entries, STACK_DEPTH, 2);

	stack = refslab_stack_save(entries, n, preemptible());
#endif
	/* a dump of the heap reads it any time: each word by itself is true */
	WRITE_ONCE(track->stack, stack);
	WRITE_ONCE(track->pid, current->pid);
	WRITE_ONCE(track->cpu, raw_smp_processor_id());
	/* 0 says that nobody did */
	WRITE_ONCE(track->when, jiffies ?: ULONG_MAX);
}

/**
 * debug_setup - make an object of a fresh slab what a free one is
 * @type: its type
 * @obj: the object, nobody's yet
 *
 * Context: Any context.
 */
void debug_setup(struct refslab_type *type, struct refslab_object *obj)
{
	refslab_kasan_unpoison(obj, type->layout.size);
	if (type->flags & REFSLAB_TYPE_TRACE)
		memset(tracks_of(type, obj), 0, TRACKS * sizeof(struct track));
	if (type->flags & REFSLAB_TYPE_RED_ZONE)
		draw_zones(type, obj);
	if (type->flags & REFSLAB_TYPE_POISON)
		poison(type, obj);
	payload_close(type, obj);
}

/**
 * debug_alloc - look at a free object that is about to be handed out
 * @type: its type, with debug flags
 * @obj: the object, the caller's
 *
 * Context: Any context.
 * Return: false if somebody writes to it still: then it must not be used.
 */
bool debug_alloc(struct refslab_type *type, struct refslab_object *obj)
{
	bool good = true;

	if (type->flags & REFSLAB_TYPE_POISON) {
		payload_open(type, obj);
		good = check_poison(type, obj);
		if (!good)
			poison(type, obj);
		payload_close(type, obj);
	}
	/* its neighbour's doing, or its own before: that is no reason to lose it */
	if (type->flags & REFSLAB_TYPE_RED_ZONE && !check_zones(type, obj))
		draw_zones(type, obj);
	if (good && type->flags & REFSLAB_TYPE_TRACE)
		set_track(type, obj, TRACK_ALLOC);
	return good;
}

/**
 * debug_clear_tail - make the end of a fresh object zero
 * @type: its type, with debug flags
 * @obj: the object, zero but for what does not fill a word at its end
 *
 * Where the word goes on with the red zone, that must not be written to at any
 * time: a validator may be at it.
 *
 * Context: Any context.
 */
void debug_clear_tail(struct refslab_type *type, struct refslab_object *obj)
{
	u32 end = ALIGN_DOWN(type->size, sizeof(u64));

	memset((void *)obj + end, 0, type->size - end);
}

/**
 * debug_free - look at an object that is about to be free
 * @type: its type, with debug flags
 * @obj: the object, dead and the caller's
 *
 * Context: Any context.
 */
void debug_free(struct refslab_type *type, struct refslab_object *obj)
{
	/* the caller closed all of it */
	refslab_kasan_unpoison((void *)obj + type->header,
			       type->layout.size - type->header);
	if (type->flags & REFSLAB_TYPE_RED_ZONE && !check_zones(type, obj))
		draw_zones(type, obj);
	if (type->flags & REFSLAB_TYPE_TRACE)
		set_track(type, obj, TRACK_FREE);
	if (type->flags & REFSLAB_TYPE_POISON)
		poison(type, obj);
	payload_close(type, obj);
}

/**
 * debug_track - who did something to an object last
 * @type: its type
 * @obj: the object, of a slab in use; the caller is in a read section or has it
 * @which: %TRACK_ALLOC or %TRACK_FREE
 * @track: filled in
 *
 * Context: Any context.
 * Return: false if nobody did, or the type has no traces.
 */
bool debug_track(struct refslab_type *type, struct refslab_object *obj,
		 unsigned int which, struct track *track)
{
	const struct track *from = &tracks_of(type, obj)[which];

	if (!debug_on(type) || !(type->flags & REFSLAB_TYPE_TRACE))
		return false;
	/* pairs with the WRITE_ONCE() of set_track(): perhaps two owners mixed */
	*track = (struct track){
		.when = READ_ONCE(from->when), .stack = READ_ONCE(from->stack),
		.pid = READ_ONCE(from->pid), .cpu = READ_ONCE(from->cpu),
	};
	return track->when;
}

/**
 * debug_validate - look at all objects of a slab
 * @slab: of a type with debug flags, its node's lock held
 *
 * Red zones of all, poison of those that are in the slab. Others may be on their
 * way.
 *
 * Return: 0, or -EUCLEAN after a report.
 */
int debug_validate(struct slab *slab)
{
	struct refslab_type *type = slab->type;
	int err = 0;
	u32 i;

	for (i = 0; i < slab->layout->objects; i++) {
		struct refslab_object *obj = slab_object(slab, i);

		if (type->flags & REFSLAB_TYPE_RED_ZONE && !check_zones(type, obj))
			err = -EUCLEAN;
		if (!(type->flags & REFSLAB_TYPE_POISON) || !slab_is_free(slab, i))
			continue;
		payload_open(type, obj);
		if (!check_poison(type, obj))
			err = -EUCLEAN;
		payload_close(type, obj);
	}
	return err;
}
