// SPDX-License-Identifier: GPL-2.0
/*
 * Objects that know whether they live: canary, oracle, what they do when they
 * end, and the weak references to them.
 */
#include "torture.h"

#include <linux/mm.h>
#include <linux/slab.h>

unsigned int kinds[KINDS] = { 60, 20, 20 };
struct refslab_type *thing_type[KINDS], *leaf_type;
struct thing *board[BOARD];
struct name *names;
bool draining;

static struct thing *rescued[RESCUED];	/* a reference each; xchg */
static struct rnd_state finalizer_random; /* of the sweep under way */
static atomic64_t next_id = ATOMIC64_INIT(0);

static void early_death(struct thing *thing, const char *where)
{
	if (atomic_inc_return(&counts.early) <= 5)
		pr_err("refslab_torture: early death seen by %s: id %llu, canary %#llx, %d held\n",
		       where, thing->id, READ_ONCE(thing->canary),
		       atomic_read(&thing->external));
}

void check(struct thing *thing, const char *where)
{
	if (READ_ONCE(thing->canary) != (ALIVE ^ thing->id))
		early_death(thing, where);
}

u32 pick(struct rnd_state *random, u32 below)
{
	return prandom_u32_state(random) % below;
}

/* An index into @weights, as often as it says. */
unsigned int weighted(struct rnd_state *random, const unsigned int *weights,
		      unsigned int n)
{
	unsigned int i, sum = 0, at;

	for (i = 0; i < n; i++)
		sum += weights[i];
	at = pick(random, sum ?: 1);
	for (i = 0; i < n - 1 && at >= weights[i]; i++)
		at -= weights[i];
	return i;
}

/* Objects that have not been released, about. */
long things_live(void)
{
	return atomic64_read(&counts.made) - atomic64_read(&counts.released);
}

/* --- what objects do when they end --- */

static void thing_release(struct refslab_object *obj)
{
	struct thing *thing = to_thing(obj);
	struct refslab_object *found;

	check(thing, "release");
	if (atomic_read(&thing->external))
		early_death(thing, "release with references held");
	/* nobody finds it any more, whoever else has that name by now */
	if (!(thing->id % 16)) {
		found = refslab_weak_get(&names[thing->weak].weak);
		if (found == obj)
			early_death(thing, "a look-up in its release");
		else if (found)
			refslab_put(found);
	}
	WRITE_ONCE(thing->canary, DEAD);
	atomic64_inc(&counts.released);
}

static void leaf_release(struct refslab_object *obj)
{
	struct leaf *leaf = container_of(obj, struct leaf, object);

	if (READ_ONCE(leaf->canary) != ALIVE)
		atomic_inc(&counts.early);
	WRITE_ONCE(leaf->canary, DEAD);
	atomic64_inc(&counts.released);
}

static void weak_died(struct refslab_weak *weak)
{
	atomic64_inc(&counts.weak_deaths);
}

struct thing *thing_new(struct rnd_state *random)
{
	unsigned int kind = weighted(random, kinds, KINDS);
	struct refslab_object *obj = refslab_alloc(thing_type[kind], GFP_KERNEL);
	struct thing *thing;

	if (!obj)
		return NULL;
	thing = to_thing(obj);
	atomic_set(&thing->external, 0);
	thing->id = atomic64_inc_return(&next_id);
	thing->weak = pick(random, WEAK);
	thing->finalized = false;
	WRITE_ONCE(thing->canary, ALIVE ^ thing->id);
	atomic64_inc(&counts.made);
	return thing;
}

/* With a reference for the caller, or NULL. */
struct refslab_object *leaf_new(void)
{
	struct refslab_object *obj = refslab_alloc(leaf_type, GFP_KERNEL);

	if (!obj)
		return NULL;
	WRITE_ONCE(container_of(obj, struct leaf, object)->canary, ALIVE);
	atomic64_inc(&counts.made);
	return obj;
}

/* A cycle that is garbage at once. */
static void leave_garbage(struct rnd_state *random)
{
	struct thing *a = thing_new(random), *b = a ? thing_new(random) : NULL;

	if (a && b) {
		refslab_slot_set(&a->slot[0], &b->link.object);
		refslab_slot_set(&b->slot[0], &a->link.object);
	}
	if (a)
		refslab_put(&a->link.object);
	if (b)
		refslab_put(&b->link.object);
}

/* Lets go of a reference that the oracle knows of. */
void forget(struct thing *thing)
{
	check(thing, "put");
	atomic_dec(&thing->external);
	refslab_put(&thing->link.object);
}

static void thing_finalize(struct refslab_object *obj)
{
	struct rnd_state *random = &finalizer_random;
	struct thing *thing = to_thing(obj);

	check(thing, "finalize");
	if (thing->finalized)
		mistake("a finalizer ran twice");
	thing->finalized = true;
	atomic64_inc(&counts.finalized);
	if (READ_ONCE(draining))
		return;
	switch (pick(random, 12)) {
	case 0:
		/* handed over to a mutator */
		atomic_inc(&thing->external);
		refslab_get(obj);
		thing = xchg(&rescued[pick(random, RESCUED)], thing);
		if (thing)
			forget(thing);
		atomic64_inc(&counts.resurrected);
		break;
	case 1:
		/* hung from what lives */
		refslab_slot_set(&board[pick(random, BOARD)]->slot[0], obj);
		atomic64_inc(&counts.resurrected);
		break;
	case 2:
		refslab_slot_clear(&thing->slot[pick(random, SLOTS - 1)]);
		break;
	case 3:
		refslab_slot_move(&thing->slot[0], &thing->slot[1]);
		break;
	case 4:
		if (things_live() < (long)objects_max)
			leave_garbage(random);
		break;
	case 5:
		if (refslab_collect(heap, pick(random, 3), NULL) != -EDEADLK ||
		    refslab_freeze(heap) != -EDEADLK)
			mistake("a sweep within a sweep was not refused");
		break;
	}
}

/* One that a finalizer handed over, or NULL; the oracle knows of it. */
struct thing *rescued_take(unsigned int i)
{
	return xchg(&rescued[i], NULL);
}

/* --- all of them --- */

static int set_up_types(void)
{
	static const char * const thing_names[KINDS] = { "plain", "work", "mortal" };
	struct refslab_type_args args = {
		.size = sizeof(struct thing), .slots = SLOTS,
		.slot_offset = offsetof(struct thing, slot),
		.release = thing_release,
	};
	const struct refslab_type_args leaf_args = {
		.name = "leaf", .size = sizeof(struct leaf),
		.release = leaf_release,
	};
	unsigned int kind;

	for (kind = 0; kind < KINDS; kind++) {
		args.name = thing_names[kind];
		args.flags = REFSLAB_TYPE_WEAK |
			     (kind == KIND_WORK ? REFSLAB_TYPE_RELEASE_WORK : 0);
		args.finalize = kind == KIND_MORTAL ? thing_finalize : NULL;
		thing_type[kind] = refslab_type_create(heap, &args);
		if (IS_ERR(thing_type[kind]))
			return PTR_ERR(thing_type[kind]);
	}
	leaf_type = refslab_type_create(heap, &leaf_args);
	return PTR_ERR_OR_ZERO(leaf_type);
}

int things_set_up(unsigned long seed)
{
	struct rnd_state random;
	unsigned int i;
	int err;

	prandom_seed_state(&random, seed);
	prandom_seed_state(&finalizer_random, seed + 1);
	names = kvcalloc(WEAK, sizeof(*names), GFP_KERNEL);
	if (!names)
		return -ENOMEM;
	for (i = 0; i < WEAK; i++)
		refslab_weak_init(&names[i].weak, weak_died);
	err = set_up_types();
	for (i = 0; !err && i < BOARD; i++) {
		board[i] = thing_new(&random);
		if (!board[i])
			return -ENOMEM;
		atomic_set(&board[i]->external, 1);
	}
	return err;
}

/* Objects of which the heap knows. */
unsigned long things_left(void)
{
	unsigned long n = refslab_type_objects(leaf_type);
	unsigned int kind;

	for (kind = 0; kind < KINDS; kind++)
		n += refslab_type_objects(thing_type[kind]);
	return n;
}

/* No more references but those of slots; no mutator and no sweep is at work. */
void things_drop(void)
{
	struct thing *thing;
	unsigned int i;

	for (i = 0; i < BOARD; i++)
		if (board[i])
			forget(board[i]);
	for (i = 0; i < RESCUED; i++) {
		thing = rescued_take(i);
		if (thing)
			forget(thing);
	}
}

/* After the heap has gone. */
void things_tear_down(void)
{
	kvfree(names);
}
