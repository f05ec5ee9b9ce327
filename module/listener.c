// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners: who is told of a heap's sweeps, as Python's gc.callbacks are.
 *
 * A sweep tells them when it begins and when it is over, by one mutex that
 * nobody else holds for longer than it takes to change a list. They are told in
 * the sweep, so they hold it up for as long as they like: user programs are not
 * among them, their events go to queues.
 */
#include "listener.h"

#include <linux/export.h>
#include <linux/sched.h>

#include "heap.h"

/**
 * refslab_listen - be told of a heap's sweeps from now on
 * @heap: the heap
 * @listener: who; not listening yet
 *
 * A sweep under way may be told of, or only its end.
 *
 * Context: May sleep. Not from a listener.
 */
void refslab_listen(struct refslab_heap *heap, struct refslab_listener *listener)
{
	struct listeners *listeners = &heap->listeners;

	mutex_lock(&listeners->mutex);
	list_add_tail(&listener->node, &listeners->list);
	mutex_unlock(&listeners->mutex);
}
EXPORT_SYMBOL_GPL(refslab_listen);

/**
 * refslab_unlisten - be told no more
 * @heap: the heap
 * @listener: who; it is not being told when this returns
 *
 * Context: May sleep; waits for listeners that are being told. Not from a
 *	listener.
 */
void refslab_unlisten(struct refslab_heap *heap, struct refslab_listener *listener)
{
	struct listeners *listeners = &heap->listeners;

	mutex_lock(&listeners->mutex);
	list_del_init(&listener->node);
	mutex_unlock(&listeners->mutex);
}
EXPORT_SYMBOL_GPL(refslab_unlisten);

/**
 * listeners_tell - a sweep begins, or is over
 * @listeners: of its heap
 * @generation: of the sweep
 * @result: what it did, or NULL where it begins
 *
 * Context: May sleep; sweep.mutex held.
 */
void listeners_tell(struct listeners *listeners, unsigned int generation,
		    const struct refslab_sweep_result *result)
{
	struct refslab_listener *listener;

	/* who comes just now is told of the next one */
	if (list_empty(&listeners->list))
		return;
	mutex_lock(&listeners->mutex);
	list_for_each_entry(listener, &listeners->list, node) {
		listener->sweep(listener, generation, result);
		cond_resched();
	}
	mutex_unlock(&listeners->mutex);
}

/**
 * listeners_validate - check the list of listeners
 * @heap: the heap
 *
 * Context: May sleep.
 * Return: 0, or -EUCLEAN after a WARN.
 */
int listeners_validate(struct refslab_heap *heap)
{
	struct refslab_listener *listener;
	unsigned int bad = 0;

	mutex_lock(&heap->listeners.mutex);
	list_for_each_entry(listener, &heap->listeners.list, node)
		bad += !listener->sweep || listener->node.next->prev != &listener->node;
	mutex_unlock(&heap->listeners.mutex);
	return WARN(bad, "refslab: heap %s: %u listeners are not as they should be\n",
		    heap->name, bad) ? -EUCLEAN : 0;
}

void listeners_init(struct listeners *listeners)
{
	mutex_init(&listeners->mutex);
	INIT_LIST_HEAD(&listeners->list);
}
