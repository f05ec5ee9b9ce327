/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * refslab: events of a session. Included by <linux/refslab.h>.
 *
 * A session that asks for them (REFSLAB_EVENTS) gets events by read(2), whole
 * structures of this header, as many as there are and fit. poll(2) says
 * POLLIN while some wait, and POLLERR of a session that has not asked, or no
 * longer asks. The queue is bounded: what finds it full is counted
 * and lost, and REFSLAB_EVENT_LOST says so where it is missing. Events never
 * hold a sweep up.
 *
 * Of a session with several readers, processes that inherited it for example,
 * each event is read by one. Who has asked for events and reads them knows of
 * all sweeps of its heap, and of the deaths of its own weak handles.
 *
 * read(2): EAGAIN where none waits and the descriptor is O_NONBLOCK, or the call
 * preadv2(2) with RWF_NOWAIT; EINVAL if the buffer is smaller than one event,
 * ENXIO if no events were asked for. What cannot be copied (EFAULT) counts as
 * lost.
 */
#ifndef _UAPI_LINUX_REFSLAB_EVENT_H
#define _UAPI_LINUX_REFSLAB_EVENT_H

#include <linux/types.h>

#define REFSLAB_EVENT_LOST		0
#define REFSLAB_EVENT_SWEEP_START	1
#define REFSLAB_EVENT_SWEEP_END		2
#define REFSLAB_EVENT_WEAK_DEAD		3

/**
 * struct refslab_event - something that happened
 * @kind: REFSLAB_EVENT_*
 * @generation: SWEEP_*: of the sweep
 * @time_ns: when, by CLOCK_MONOTONIC
 * @handle: WEAK_DEAD: the weak handle, which may have been closed since
 * @lost: LOST, in place of @handle: how many events were lost here, the first
 *	of them at @time_ns
 * @examined: SWEEP_END: as in &struct refslab_stats, of this sweep
 * @freed: likewise
 * @unfreed: likewise
 * @aborts: likewise
 * @duration_ns: likewise
 *
 * What a kind does not use is zero.
 */
struct refslab_event {
	__u32	kind;
	__u32	generation;
	__u64	time_ns;
	union {
		__u64	handle;
		__u64	lost;
	};
	__u64	examined;
	__u64	freed;
	__u64	unfreed;
	__u64	aborts;
	__u64	duration_ns;
};

#define REFSLAB_EVENTS_SWEEPS	(1U << 0)	/* SWEEP_START, SWEEP_END */
#define REFSLAB_EVENTS_WEAK	(1U << 1)	/* WEAK_DEAD, of this session's */
#define REFSLAB_EVENTS_FD	(1U << 2)	/* @eventfd is to be signalled */

#define REFSLAB_EVENTS_MAX	65536

/**
 * struct refslab_events - ask for events
 * @size: sizeof(struct refslab_events)
 * @flags: REFSLAB_EVENTS_*: what is asked for; 0 for no more events
 * @room: how many events may wait, 2 to REFSLAB_EVENTS_MAX; 0 for 256, or with
 *	flags 0
 * @eventfd: with REFSLAB_EVENTS_FD: descriptor of an eventfd(2) that is
 *	signalled when an event comes and none waits; so read until EAGAIN. The
 *	session does not keep the descriptor open. Without it 0. EBADF if it is
 *	no eventfd
 *
 * REFSLAB_EVENTS_FD alone asks for nothing: EINVAL.
 *
 * Replaces what was asked for before; what waits then is dropped. Who waits in
 * read(2) when no more events are asked for gets ENXIO, in poll(2) POLLERR.
 */
struct refslab_events {
	__u32	size;
	__u32	flags;
	__u32	room;
	__s32	eventfd;
};

#endif /* _UAPI_LINUX_REFSLAB_EVENT_H */
