// SPDX-License-Identifier: GPL-2.0
/*
 * Events: what sessions can read and poll.
 *
 * Events come from sweeps, and from puts in any context: so the queue is a ring
 * of fixed size under a raw lock, and who waits for it is woken from elsewhere.
 * What finds the ring full is counted in an event of its own, for which there is
 * one place more. It stands where the others are missing.
 */
#include "event.h"

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "call.h"
#include "heap.h"

#define ROOM_DEFAULT	256
#define ROOM_MIN	2

/* Read by programs of any bitness. */
static_assert(sizeof(struct refslab_event) == 64);

static struct refslab_event *event_at(struct event_queue *queue, u32 index)
{
	return &queue->ring[(queue->first + index) % (queue->room + 1)];
}

static void set_count(struct event_queue *queue, u32 count)
{
	bool first = count && !queue->count;

	/* pairs with the READ_ONCE() of those who wait or poll */
	WRITE_ONCE(queue->count, count);
	/*
	 * After: it may be pending on another processor, which runs it just now
	 * and is to find the event. To queue it is a full barrier, and so is
	 * what it begins with.
	 */
	if (first)
		irq_work_queue(&queue->wake);
}

/* Makes an event one that tells of @n lost ones, the first of them at that time. */
static void set_lost(struct refslab_event *event, u64 time_ns, u64 n)
{
	*event = (struct refslab_event){
		.kind = REFSLAB_EVENT_LOST,
		.time_ns = time_ns,
		.lost = n,
	};
}

/**
 * event_add - something has happened
 * @queue: the session's
 * @asked: added if one of these REFSLAB_EVENTS_* was asked for
 * @event: what
 *
 * Context: Any context but NMI; raw locks held.
 */
void event_add(struct event_queue *queue, u32 asked,
	       const struct refslab_event *event)
{
	struct refslab_event *last;
	unsigned long flags;

	/* asked for just now: too late */
	if (!(READ_ONCE(queue->asked) & asked))
		return;
	raw_spin_lock_irqsave(&queue->lock, flags);
	if (!(queue->asked & asked))
		goto out;
	if (queue->count < queue->room) {
		*event_at(queue, queue->count) = *event;
		set_count(queue, queue->count + 1);
		goto out;
	}
	last = event_at(queue, queue->count - 1);
	if (last->kind == REFSLAB_EVENT_LOST) {
		last->lost++;
		goto out;
	}
	set_lost(event_at(queue, queue->count), event->time_ns, 1);
	set_count(queue, queue->count + 1);
out:
	raw_spin_unlock_irqrestore(&queue->lock, flags);
}

/**
 * event_take - the oldest event
 * @queue: the session's
 * @event: filled in
 *
 * Context: Any context.
 * Return: false if there is none.
 */
bool event_take(struct event_queue *queue, struct refslab_event *event)
{
	unsigned long flags;
	bool any;

	raw_spin_lock_irqsave(&queue->lock, flags);
	any = queue->count;
	if (any) {
		*event = *event_at(queue, 0);
		queue->first = (queue->first + 1) % (queue->room + 1);
		set_count(queue, queue->count - 1);
	}
	raw_spin_unlock_irqrestore(&queue->lock, flags);
	return any;
}

/**
 * event_lose - an event that was taken could not be told
 * @queue: the session's
 * @event: the event
 *
 * Context: Any context.
 */
void event_lose(struct event_queue *queue, const struct refslab_event *event)
{
	u64 n = event->kind == REFSLAB_EVENT_LOST ? event->lost : 1;
	struct refslab_event *first;
	unsigned long flags;
	u32 room;

	raw_spin_lock_irqsave(&queue->lock, flags);
	/* asked for anew meanwhile: what waited is gone anyway */
	if (!queue->asked)
		goto out;
	/* the last place is for one that tells of lost ones, as it was before */
	room = queue->room;
	if (queue->count == room &&
	    event_at(queue, room - 1)->kind == REFSLAB_EVENT_LOST)
		room++;
	/* others came: the oldest of them gives its place */
	if (queue->count >= room &&
	    event_at(queue, 0)->kind != REFSLAB_EVENT_LOST) {
		queue->first = (queue->first + 1) % (queue->room + 1);
		set_count(queue, queue->count - 1);
		n++;
	}
	first = event_at(queue, 0);
	if (queue->count && first->kind == REFSLAB_EVENT_LOST) {
		set_lost(first, event->time_ns, n + first->lost);
	} else {
		queue->first = (queue->first + queue->room) % (queue->room + 1);
		set_lost(event_at(queue, 0), event->time_ns, n);
		set_count(queue, queue->count + 1);
	}
out:
	raw_spin_unlock_irqrestore(&queue->lock, flags);
}

static void event_wake(struct irq_work *work)
{
	struct event_queue *queue = container_of(work, struct event_queue, wake);
	struct eventfd_ctx *eventfd;

	/* on PREEMPT_RT this is a thread; elsewhere an interrupt, a read section itself */
	rcu_read_lock();
	wake_up_interruptible_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
	/* stays until we are done, as the queue does: see ask() */
	eventfd = READ_ONCE(queue->eventfd);
	if (eventfd)
		refslab_eventfd_signal(eventfd);
	rcu_read_unlock();
}

static void event_sweep(struct refslab_listener *listener, unsigned int generation,
			const struct refslab_sweep_result *result)
{
	struct event_queue *queue = container_of(listener, struct event_queue, listener);
	struct refslab_event event = {
		.kind = REFSLAB_EVENT_SWEEP_START,
		.generation = generation,
		.time_ns = ktime_get_ns(),
	};

	if (result) {
		event.kind = REFSLAB_EVENT_SWEEP_END;
		event.examined = result->examined;
		event.freed = result->freed;
		event.unfreed = result->unfreed;
		event.aborts = result->aborts;
		event.duration_ns = result->time_ns;
	}
	event_add(queue, REFSLAB_EVENTS_SWEEPS, &event);
}

/* What a session's weak handles have for a dead(). */
void event_weak_dead(struct refslab_weak *weak)
{
	struct weak_handle *handle = container_of(weak, struct weak_handle, weak);
	struct event_queue *queue = &handle->session->events;

	if (!(READ_ONCE(queue->asked) & REFSLAB_EVENTS_WEAK))
		return;
	event_add(queue, REFSLAB_EVENTS_WEAK, &(struct refslab_event){
		.kind = REFSLAB_EVENT_WEAK_DEAD,
		.time_ns = ktime_get_ns(),
		.handle = handle->handle,
	});
}

/* What is asked for from now on; what waits is dropped. Session's mutex held. */
static void ask(struct event_queue *queue, u32 asked, u32 room,
		struct refslab_event *ring, struct eventfd_ctx *eventfd)
{
	struct refslab_event *old_ring = queue->ring;

	raw_spin_lock_irq(&queue->lock);
	queue->ring = ring;
	queue->room = room;
	queue->first = 0;
	set_count(queue, 0);
	WRITE_ONCE(queue->eventfd, eventfd);
	/* pairs with the READ_ONCE() of those who have or want an event */
	WRITE_ONCE(queue->asked, asked);
	raw_spin_unlock_irq(&queue->lock);

	kvfree(old_ring);
	/*
	 * What was asked for has begun then; but it may run on two processors, of
	 * which the first to end says for both that it is over. Both are in read
	 * sections, for the end of which eventfd and session are kept. Not in vain:
	 * PREEMPT_RT waits for a grace period there.
	 */
	if (irq_work_is_busy(&queue->wake))
		irq_work_sync(&queue->wake);
}

static void set_listening(struct event_queue *queue, struct refslab_heap *heap,
			  bool listening)
{
	if (listening == queue->listening)
		return;
	queue->listening = listening;
	if (listening)
		refslab_listen(heap, &queue->listener);
	else
		refslab_unlisten(heap, &queue->listener);
}

static struct eventfd_ctx *find_eventfd(int fd)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(fd);

	/* a descriptor of something else, or of nothing */
	if (IS_ERR(eventfd) && PTR_ERR(eventfd) != -ENOMEM)
		return ERR_PTR(-EBADF);
	return eventfd;
}

/* REFSLAB_EVENTS; session's mutex held. */
int call_events(struct session *session, union session_data *data)
{
	const u32 kinds = REFSLAB_EVENTS_SWEEPS | REFSLAB_EVENTS_WEAK;
	struct event_queue *queue = &session->events;
	struct refslab_events *arg = &data->events;
	u32 room = arg->room ?: ROOM_DEFAULT;
	struct eventfd_ctx *eventfd = NULL, *old_eventfd = queue->eventfd;
	struct refslab_event *ring = NULL;

	if (arg->eventfd && !(arg->flags & REFSLAB_EVENTS_FD))
		return -EINVAL;
	if (!arg->flags) {
		if (arg->room)
			return -EINVAL;
		goto ask;
	}
	if (!(arg->flags & kinds) || room < ROOM_MIN || room > REFSLAB_EVENTS_MAX)
		return -EINVAL;
	if (arg->flags & REFSLAB_EVENTS_FD) {
		eventfd = find_eventfd(arg->eventfd);
		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
	}
	ring = kvmalloc_array(room + 1, sizeof(*ring), GFP_PROGRAM);
	if (!ring) {
		if (eventfd)
			eventfd_ctx_put(eventfd);
		return -ENOMEM;
	}
ask:
	ask(queue, arg->flags & kinds, room, ring, eventfd);
	if (old_eventfd) {
		/* pairs with the read section in event_wake() */
		synchronize_rcu();
		eventfd_ctx_put(old_eventfd);
	}
	set_listening(queue, session_heap(session), arg->flags & REFSLAB_EVENTS_SWEEPS);
	/* who waits for what is not asked for any more */
	wake_up_interruptible(&queue->wait);
	return 0;
}

/**
 * event_read - read(2) of a session
 * @queue: the session's
 * @to: the caller's memory
 * @nonblock: not to be waited for
 *
 * Context: May sleep; in the caller's memory.
 * Return: bytes, or an error as include/uapi/linux/refslab/event.h says.
 */
ssize_t event_read(struct event_queue *queue, struct iov_iter *to, bool nonblock)
{
	struct refslab_event event;
	size_t done = 0, copied;

	if (!READ_ONCE(queue->asked))
		return -ENXIO;
	if (iov_iter_count(to) < sizeof(event))
		return -EINVAL;
	for (;;) {
		while (iov_iter_count(to) >= sizeof(event) && event_take(queue, &event)) {
			copied = copy_to_iter(&event, sizeof(event), to);
			if (copied != sizeof(event)) {
				/* the caller takes it that it stands where we say */
				iov_iter_revert(to, copied);
				event_lose(queue, &event);
				return done ?: -EFAULT;
			}
			done += sizeof(event);
			if (signal_pending(current))
				break;
			cond_resched();
		}
		if (done)
			return done;
		if (!READ_ONCE(queue->asked))
			return -ENXIO;
		if (nonblock)
			return -EAGAIN;
		if (wait_event_interruptible(queue->wait, READ_ONCE(queue->count) ||
					     !READ_ONCE(queue->asked)))
			return -ERESTARTSYS;
	}
}

/* poll(2) of a session: who waits where none will come is told so. */
__poll_t event_poll(struct event_queue *queue, struct file *file,
		    struct poll_table_struct *table)
{
	poll_wait(file, &queue->wait, table);
	if (!READ_ONCE(queue->asked))
		return EPOLLERR;
	return READ_ONCE(queue->count) ? EPOLLIN | EPOLLRDNORM : 0;
}

void event_queue_init(struct event_queue *queue)
{
	queue->listener.sweep = event_sweep;
	raw_spin_lock_init(&queue->lock);
	init_waitqueue_head(&queue->wait);
	init_irq_work(&queue->wake, event_wake);
}

/**
 * event_queue_destroy - the session goes, and wants no more events
 * @queue: its queue; nobody reads or polls it
 * @heap: its heap, or NULL
 *
 * Weak handles may die still; wake-ups may be under way to the end of an RCU grace
 * period, after which event_queue_free() has the rest.
 *
 * Context: May sleep.
 */
void event_queue_destroy(struct event_queue *queue, struct refslab_heap *heap)
{
	set_listening(queue, heap, false);
	ask(queue, 0, 0, NULL, queue->eventfd);
}

/* A grace period after event_queue_destroy(). Context: Process or softirq. */
void event_queue_free(struct event_queue *queue)
{
	if (queue->eventfd)
		eventfd_ctx_put(queue->eventfd);
}

/**
 * event_queue_validate - check a queue
 * @queue: the session's
 *
 * Context: Any context.
 * Return: 0, or -EUCLEAN after a WARN.
 */
int event_queue_validate(struct event_queue *queue)
{
	u32 i, kind, last = U32_MAX, bad = 0;
	unsigned long flags;

	raw_spin_lock_irqsave(&queue->lock, flags);
	bad += !queue->asked != !queue->ring;
	bad += queue->count > queue->room + 1 || queue->first > queue->room;
	if (!queue->ring)
		bad += !!queue->count;
	for (i = 0; !bad && i < queue->count; i++, last = kind) {
		kind = event_at(queue, i)->kind;
		bad += kind > REFSLAB_EVENT_WEAK_DEAD;
		/* one tells of all that were lost in a row */
		bad += kind == REFSLAB_EVENT_LOST && last == REFSLAB_EVENT_LOST;
	}
	/* the place that is more than was asked for is for nothing else */
	if (!bad && queue->ring && queue->count > queue->room)
		bad += last != REFSLAB_EVENT_LOST;
	raw_spin_unlock_irqrestore(&queue->lock, flags);
	return WARN(bad, "refslab: a queue of %u events, room for %u, is not as it should be\n",
		    queue->count, queue->room) ? -EUCLEAN : 0;
}
