// SPDX-License-Identifier: GPL-2.0
/*
 * Mutators: threads that build, link, relink, look up and drop.
 */
#include "torture.h"

#include <linux/bitops.h>
#include <linux/kthread.h>
#include <linux/sched.h>

static void hold(struct mutator *m, struct thing *thing)
{
	atomic_inc(&thing->external);
	check(thing, "hold");
	m->held[m->count++] = thing;
}

static void put_in_irq(struct irq_work *work)
{
	struct mutator *m = container_of(work, struct mutator, irq);

	refslab_put(m->irq_put);
}

static void let_go(struct mutator *m, unsigned int i)
{
	struct thing *thing = m->held[i];
	unsigned long flags;

	m->held[i] = m->held[--m->count];
	switch (pick(&m->random, 16)) {
	case 0:
		break;
	case 1:
		raw_spin_lock_irqsave(&m->lock, flags);
		forget(thing);
		raw_spin_unlock_irqrestore(&m->lock, flags);
		return;
	default:
		forget(thing);
		return;
	}
	check(thing, "put");
	atomic_dec(&thing->external);
	irq_work_sync(&m->irq);
	m->irq_put = &thing->link.object;
	irq_work_queue(&m->irq);
}

/* The name goes to @thing, if it is free or can be taken from who has it. */
static void give_name(struct mutator *m, struct thing *thing)
{
	struct name *name = &names[thing->weak];
	int err;

	if (test_and_set_bit_lock(0, &name->busy))
		return;
	err = refslab_weak_set(&name->weak, &thing->link.object);
	if (err == -EBUSY && !pick(&m->random, 4)) {
		refslab_weak_clear(&name->weak);
		err = refslab_weak_set(&name->weak, &thing->link.object);
	}
	if (err && err != -EBUSY && err != -ENOMEM)
		mistake("a weak reference was refused");
	clear_bit_unlock(0, &name->busy);
}

static void make(struct mutator *m)
{
	struct refslab_object *leaf;
	struct thing *thing;

	if (things_live() > (long)objects_max) {
		/* garbage is the sweeper's to free: give it the CPU */
		cond_resched();
		return;
	}
	thing = thing_new(&m->random);
	if (!thing)
		return;
	hold(m, thing);
	if (pick(&m->random, 4))
		give_name(m, thing);

	if (pick(&m->random, 4))
		return;
	leaf = leaf_new();
	if (!leaf)
		return;
	/* the last slot is the one for leaves */
	refslab_slot_set(&thing->slot[SLOTS - 1], leaf);
	refslab_put(leaf);
}

static void look_up(struct mutator *m)
{
	u32 index = pick(&m->random, WEAK);
	struct refslab_object *obj = refslab_weak_get(&names[index].weak);

	if (!obj)
		return;
	atomic64_inc(&counts.upgraded);
	hold(m, to_thing(obj));
	if (to_thing(obj)->weak != index)
		mistake("a weak reference led to another object");
}

static void adopt(struct mutator *m)
{
	struct thing *thing = rescued_take(pick(&m->random, RESCUED));

	if (!thing)
		return;
	/* the oracle knows already */
	check(thing, "adopt");
	m->held[m->count++] = thing;
}

static void replace(struct refslab_slot *slot, struct thing *thing)
{
	struct refslab_object *old = refslab_slot_load(slot);

	refslab_slot_cmpxchg(slot, old, &thing->link.object);
	if (old)
		refslab_put(old);
}

/* What allocates nothing and waits for nothing. */
static void act_anywhere(struct mutator *m, unsigned int op, struct refslab_slot *slot,
			 struct thing *b)
{
	struct refslab_object *obj;

	switch (op) {
	case OP_SET:
		refslab_slot_set(slot, &b->link.object);
		break;
	case OP_CLEAR:
		refslab_slot_clear(slot);
		break;
	case OP_MOVE:
		refslab_slot_move(slot, &b->slot[pick(&m->random, SLOTS - 1)]);
		break;
	case OP_CMPXCHG:
		replace(slot, b);
		break;
	case OP_LOAD:
		obj = refslab_slot_load(slot);
		if (obj)
			hold(m, to_thing(obj));
		break;
	case OP_LOOKUP:
		look_up(m);
		break;
	case OP_GET:
		refslab_get(&b->link.object);
		hold(m, b);
		break;
	default:
		adopt(m);
	}
}

static void act(struct mutator *m, unsigned int op, struct refslab_slot *slot,
		struct thing *b)
{
	unsigned long flags;

	if (op == OP_MAKE) {
		make(m);
	} else if (op == OP_DROP) {
		let_go(m, pick(&m->random, m->count));
	} else if (pick(&m->random, 8)) {
		act_anywhere(m, op, slot, b);
	} else {
		raw_spin_lock_irqsave(&m->lock, flags);
		act_anywhere(m, op, slot, b);
		raw_spin_unlock_irqrestore(&m->lock, flags);
	}
}

static void step(struct mutator *m)
{
	struct rnd_state *random = &m->random;
	struct refslab_slot *slot;
	struct thing *a, *b;
	unsigned int op;

	WRITE_ONCE(m->ops, m->ops + 1);
	if (m->count < 2) {
		make(m);
		if (m->count < held)
			look_up(m);
		return;
	}
	a = m->held[pick(random, m->count)];
	b = m->held[pick(random, m->count)];
	if (pick(random, 100) >= local)
		a = board[pick(random, BOARD)];
	check(a, "use");
	slot = &a->slot[pick(random, SLOTS - 1)];
	op = weighted(random, mix, OPS);
	/* no room for another reference */
	if (m->count >= held && op >= OP_LOAD && op != OP_DROP)
		return;
	act(m, op, slot, b);
}

int mutate(void *arg)
{
	struct mutator *m = arg;

	while (!kthread_should_stop()) {
		step(m);
		if (!(m->ops % 64))
			cond_resched();
		/* a request beside the sweeper's */
		if (!(m->ops % 100000))
			refslab_collect(heap, 0, NULL);
	}
	irq_work_sync(&m->irq);
	while (m->count)
		let_go(m, m->count - 1);
	irq_work_sync(&m->irq);
	return 0;
}

void mutator_init(struct mutator *m, unsigned long seed)
{
	prandom_seed_state(&m->random, seed);
	raw_spin_lock_init(&m->lock);
	/* in an interrupt on PREEMPT_RT too */
	m->irq = IRQ_WORK_INIT_HARD(put_in_irq);
}
