// SPDX-License-Identifier: GPL-2.0
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "ring.h"

int ring_enter(const struct ring *ring, unsigned int submit, unsigned int wait,
	       unsigned int flags)
{
	int n = syscall(__NR_io_uring_enter, ring->fd, submit, wait, flags, NULL, 0);

	return n < 0 ? -errno : n;
}

void ring_begin(struct ring *ring, uint32_t flags)
{
	struct io_uring_params params = { .flags = flags, .sq_thread_idle = 10 };
	size_t cq_size;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(__NR_io_uring_setup, RING_ENTRIES, &params);
	if (ring->fd < 0)
		fail_msg("io_uring_setup: %s", strerror(errno));
	ring->entry_size = flags & IORING_SETUP_SQE128 ? 128 : 64;
	ring->polled = flags & IORING_SETUP_SQPOLL;
	ring->size = params.sq_off.array + params.sq_entries * sizeof(unsigned int);
	cq_size = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
	if (cq_size > ring->size)
		ring->size = cq_size;
	assert_true(params.features & IORING_FEAT_SINGLE_MMAP);
	ring->memory = mmap(NULL, ring->size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQ_RING);
	assert_ptr_not_equal(ring->memory, MAP_FAILED);
	ring->entries_size = params.sq_entries * ring->entry_size;
	ring->entries = mmap(NULL, ring->entries_size, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
	assert_ptr_not_equal(ring->entries, MAP_FAILED);
	ring->sq_tail = ring->memory + params.sq_off.tail;
	ring->sq_flags = ring->memory + params.sq_off.flags;
	ring->sq_array = ring->memory + params.sq_off.array;
	ring->sq_mask = *(unsigned int *)(ring->memory + params.sq_off.ring_mask);
	ring->cq_head = ring->memory + params.cq_off.head;
	ring->cq_tail = ring->memory + params.cq_off.tail;
	ring->cq_mask = *(unsigned int *)(ring->memory + params.cq_off.ring_mask);
	ring->cqes = ring->memory + params.cq_off.cqes;
}

void ring_end(struct ring *ring)
{
	munmap(ring->entries, ring->entries_size);
	munmap(ring->memory, ring->size);
	close(ring->fd);
}

struct io_uring_sqe *ring_entry(struct ring *ring)
{
	unsigned int tail = *ring->sq_tail, index = tail & ring->sq_mask;
	struct io_uring_sqe *sqe = (void *)(ring->entries + index * ring->entry_size);

	/* As if it had been used before; what is zero must be written. */
	memset(sqe, 0xa5, ring->entry_size);
	ring->sq_array[index] = index;
	return sqe;
}

void ring_done(struct ring *ring)
{
	atomic_fetch_add(ring->sq_tail, 1);
}

struct io_uring_sqe *ring_add(struct ring *ring, int fd, struct refslab_batch *batch,
			      uint64_t data)
{
	struct io_uring_sqe *sqe = ring_entry(ring);

	sqe->user_data = data;
	refslab_batch_prepare(sqe, fd, batch);
	return sqe;
}

void ring_submit(struct ring *ring, unsigned int n)
{
	if (ring->polled) {
		if (atomic_load(ring->sq_flags) & IORING_SQ_NEED_WAKEUP)
			assert_true(ring_enter(ring, n, 0, IORING_ENTER_SQ_WAKEUP) >= 0);
		return;
	}
	assert_int_equal(ring_enter(ring, n, 0, 0), n);
}

int ring_wait(struct ring *ring, uint64_t *data)
{
	unsigned int head = *ring->cq_head;
	struct io_uring_cqe *cqe;
	int result, err;

	while (head == atomic_load(ring->cq_tail)) {
		err = ring_enter(ring, 0, 1, IORING_ENTER_GETEVENTS);
		assert_true(err >= 0 || err == -EINTR);
	}
	cqe = &ring->cqes[head & ring->cq_mask];
	result = cqe->res;
	if (data)
		*data = cqe->user_data;
	atomic_store(ring->cq_head, head + 1);
	return result;
}

int ring_go(struct ring *ring)
{
	ring_done(ring);
	ring_submit(ring, 1);
	return ring_wait(ring, NULL);
}
