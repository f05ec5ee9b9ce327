/* SPDX-License-Identifier: GPL-2.0 */
/* Events: what sessions can read and poll. */
#ifndef _REFSLAB_EVENT_H
#define _REFSLAB_EVENT_H

#include <linux/irq_work.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <uapi/linux/refslab.h>

#include "listener.h"

struct eventfd_ctx;
struct iov_iter;
struct session;
union session_data;

/**
 * struct event_queue - the events of a session
 * @listener: for the sweeps of the heap
 * @listening: @listener is there; session's mutex
 * @lock: raw and irqsave, because deaths come under such; nothing is under it
 * @asked: REFSLAB_EVENTS_*, 0 for none; @lock to write, WRITE_ONCE
 * @room: events that may wait; @lock, as what follows
 * @first: index of the oldest in @ring
 * @count: how many there are; WRITE_ONCE
 * @ring: room for @room, and one to tell of those that were lost; NULL if
 *	none are asked for
 * @eventfd: what is signalled when the first event comes, or NULL; WRITE_ONCE,
 *	and a grace period passes before the old one goes
 * @wait: who waits for events; as long as the session, because epoll keeps it
 * @wake: wakes them: that takes locks that may not be taken where events come
 */
struct event_queue {
	struct refslab_listener listener;
	bool		listening;
	raw_spinlock_t	lock;
	u32		asked;
	u32		room;
	u32		first;
	u32		count;
	struct refslab_event *ring;
	struct eventfd_ctx *eventfd;
	wait_queue_head_t wait;
	struct irq_work	wake;
};

void event_queue_init(struct event_queue *queue);
void event_queue_destroy(struct event_queue *queue, struct refslab_heap *heap);
void event_queue_free(struct event_queue *queue);
int event_queue_validate(struct event_queue *queue);
void event_add(struct event_queue *queue, u32 asked,
	       const struct refslab_event *event);
bool event_take(struct event_queue *queue, struct refslab_event *event);
void event_lose(struct event_queue *queue, const struct refslab_event *event);
void event_weak_dead(struct refslab_weak *weak);

ssize_t event_read(struct event_queue *queue, struct iov_iter *to, bool nonblock);
__poll_t event_poll(struct event_queue *queue, struct file *file,
		    struct poll_table_struct *table);
int call_events(struct session *session, union session_data *data);

#endif /* _REFSLAB_EVENT_H */
