/* SPDX-License-Identifier: GPL-2.0 */
/* A ring of io_uring. */
#ifndef REFSLAB_TEST_RING_H
#define REFSLAB_TEST_RING_H

#include <linux/io_uring.h>

#include "client.h"

#define RING_ENTRIES	64

/* Submission and completion, each by one thread. */
struct ring {
	int fd;
	unsigned int sq_mask, cq_mask, entry_size;
	_Atomic unsigned int *sq_tail, *cq_head, *cq_tail, *sq_flags;
	unsigned int *sq_array;
	struct io_uring_cqe *cqes;
	char *entries;
	void *memory;
	size_t size, entries_size;
	bool polled;
};

void ring_begin(struct ring *ring, uint32_t flags);
void ring_end(struct ring *ring);

/* The system call; what it returns, or a negative error. */
int ring_enter(const struct ring *ring, unsigned int submit, unsigned int wait,
	       unsigned int flags);

/* Room for the next entry, which is one when ring_done() has been called. */
struct io_uring_sqe *ring_entry(struct ring *ring);
void ring_done(struct ring *ring);

/* The next entry: a batch, as the library prepares it. */
struct io_uring_sqe *ring_add(struct ring *ring, int fd, struct refslab_batch *batch,
			      uint64_t data);

void ring_submit(struct ring *ring, unsigned int n);

/* What came of the next one to be done. */
int ring_wait(struct ring *ring, uint64_t *data);

/* An entry that is ready, all the way. */
int ring_go(struct ring *ring);

#endif
