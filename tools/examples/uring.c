// SPDX-License-Identifier: GPL-2.0
/*
 * A batch by io_uring: the program goes on while the kernel works at it. The
 * ring here is as plain as can be; with liburing it is three calls.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>

#include "example.h"

#define OBJECTS	100

struct ring {
	int fd;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	unsigned int *array, sq_mask, cq_mask;
	_Atomic unsigned int *sq_tail, *cq_head, *cq_tail;
};

static void *map(int fd, size_t length, off_t what)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, what);

	if (memory == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	return memory;
}

static void set_up(struct ring *ring)
{
	struct io_uring_params params = { 0 };
	char *memory;

	ring->fd = syscall(SYS_io_uring_setup, 4, &params);
	if (ring->fd < 0)
		err(EXIT_FAILURE, "io_uring_setup");
	memory = map(ring->fd, params.cq_off.cqes + params.cq_entries * sizeof(*ring->cqes),
		     IORING_OFF_SQ_RING);
	ring->sqes = map(ring->fd, params.sq_entries * sizeof(*ring->sqes), IORING_OFF_SQES);
	ring->cqes = (void *)(memory + params.cq_off.cqes);
	ring->array = (void *)(memory + params.sq_off.array);
	ring->sq_mask = params.sq_entries - 1;
	ring->cq_mask = params.cq_entries - 1;
	ring->sq_tail = (void *)(memory + params.sq_off.tail);
	ring->cq_head = (void *)(memory + params.cq_off.head);
	ring->cq_tail = (void *)(memory + params.cq_off.tail);
}

static void enter(const struct ring *ring, unsigned int submit, unsigned int wait)
{
	if (syscall(SYS_io_uring_enter, ring->fd, submit, wait, IORING_ENTER_GETEVENTS,
		    NULL, 0) < 0)
		err(EXIT_FAILURE, "io_uring_enter");
}

int main(void)
{
	refslab_auto_fd session = must(refslab_open(0));
	refslab_auto_builder batch = NULL;
	struct io_uring_cqe *cqe;
	struct ring ring;
	unsigned int tail, head;
	uint64_t first;
	uint32_t type;
	int i;

	must(refslab_heap_create(session, "uring", 0));
	must(refslab_type_create(session, "leaf", 0, 8, 0, &type));
	must(refslab_builder_new(OBJECTS, &batch));
	first = refslab_add_alloc(batch, type);
	for (i = 1; i < OBJECTS; i++)
		refslab_add_alloc(batch, type);
	set_up(&ring);

	/* With liburing: io_uring_get_sqe(), this, and io_uring_submit(). */
	tail = *ring.sq_tail;
	must(refslab_builder_prepare(batch, &ring.sqes[tail & ring.sq_mask], session, 0));
	ring.array[tail & ring.sq_mask] = tail & ring.sq_mask;
	*ring.sq_tail = tail + 1;
	enter(&ring, 1, 0);
	printf("submitted\n");

	/* And io_uring_wait_cqe(), io_uring_cqe_seen(). */
	head = *ring.cq_head;
	while (head == *ring.cq_tail)
		enter(&ring, 0, 1);
	cqe = &ring.cqes[head & ring.cq_mask];
	printf("entries done: %d\n", must(cqe->res));
	*ring.cq_head = head + 1;

	must(refslab_close(session, refslab_result_handle(batch, first)));
	return 0;
}
