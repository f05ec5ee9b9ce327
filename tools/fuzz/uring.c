// SPDX-License-Identifier: GPL-2.0
/* Batches by io_uring, some of which nobody waits for. */
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz.h"

enum { ENTRIES = 8 };

static int enter(const struct uring *uring, unsigned int submit, unsigned int wait)
{
	int n = syscall(__NR_io_uring_enter, uring->fd, submit, wait,
			wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);

	return n < 0 ? -errno : n;
}

static bool ring_begin(struct thread *thread)
{
	struct uring *uring = &thread->uring;
	struct io_uring_params params = { .flags = IORING_SETUP_SUBMIT_ALL };
	size_t cq_bytes;

	uring->fd = own_fd(syscall(__NR_io_uring_setup, ENTRIES, &params));
	if (uring->fd < 0) {
		uring->fd = 0;
		return false;
	}
	uring->ring_bytes = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
	cq_bytes = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
	if (cq_bytes > uring->ring_bytes)
		uring->ring_bytes = cq_bytes;
	uring->sqes_bytes = params.sq_entries * sizeof(struct io_uring_sqe);
	uring->ring = mmap(NULL, uring->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			   uring->fd, IORING_OFF_SQ_RING);
	uring->sqes = mmap(NULL, uring->sqes_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			   uring->fd, IORING_OFF_SQES);
	if (uring->ring == MAP_FAILED || (void *)uring->sqes == MAP_FAILED)
		_exit(1);
	uring->sq_tail = uring->ring + params.sq_off.tail;
	uring->sq_array = uring->ring + params.sq_off.array;
	uring->sq_mask = params.sq_entries - 1;
	uring->cq_head = uring->ring + params.cq_off.head;
	uring->cq_tail = uring->ring + params.cq_off.tail;
	uring->cq_mask = params.cq_entries - 1;
	uring->cqes = uring->ring + params.cq_off.cqes;
	uring->pending = 0;
	uring->queued = 0;
	return true;
}

static void ring_end(struct uring *uring)
{
	munmap(uring->sqes, uring->sqes_bytes);
	munmap(uring->ring, uring->ring_bytes);
	close(uring->fd);
	uring->fd = 0;
}

static void add(struct thread *thread, struct session *session, uint64_t batch, bool linked)
{
	struct uring *uring = &thread->uring;
	uint32_t tail = *uring->sq_tail, at = tail & uring->sq_mask;
	struct refslab_batch_cmd cmd = { .batch = batch };
	struct random *random = &thread->random;
	struct io_uring_sqe *sqe = &uring->sqes[at];

	if (one_in(random, 24))
		cmd.reserved = hostile(random, 0);
	if (one_in(random, 24))
		cmd.batch = no_address(random);
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = one_in(random, 24) ? some_stranger(thread, FILE_SESSION) : session->fd;
	sqe->flags = (linked ? IOSQE_IO_LINK : 0) | (one_in(random, 4) ? IOSQE_ASYNC : 0);
	if (one_in(random, 24))
		sqe->uring_cmd_flags = hostile(random, 0);
	sqe->cmd_op = one_in(random, 24) ? random_next(random) : REFSLAB_BATCH;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	uring->sq_array[at] = at;
	__atomic_store_n(uring->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

/* Takes what is done; returns the last result. */
static int take(struct thread *thread)
{
	struct uring *uring = &thread->uring;
	uint32_t head = *uring->cq_head;
	int result = 0;

	for (; head != __atomic_load_n(uring->cq_tail, __ATOMIC_ACQUIRE); head++) {
		result = uring->cqes[head & uring->cq_mask].res;
		count(thread->counts, KIND_URING, result < 0 ? -result : 0);
		if (uring->pending)
			uring->pending--;
	}
	__atomic_store_n(uring->cq_head, head, __ATOMIC_RELEASE);
	return result;
}

/* Whether a batch of ours may be under way. */
bool uring_busy(struct thread *thread)
{
	if (thread->uring.pending)
		take(thread);
	return thread->uring.pending || thread->uring.queued;
}

/* What could not be told to the kernel is told next time. */
static void submit(struct uring *uring, unsigned int n, bool wait)
{
	int told;

	uring->queued += n;
	told = enter(uring, uring->queued, wait ? uring->pending + uring->queued : 0);
	if (told > 0) {
		uring->queued -= told;
		uring->pending += told;
	}
}

void fuzz_uring(struct thread *thread, struct session *session)
{
	struct random *random = &thread->random;
	struct uring *uring = &thread->uring;
	unsigned int i, n = one_in(random, 4) ? 1 + random_below(random, 3) : 1;
	struct place place, results = { 0 };
	struct refslab_batch *batch = NULL;
	/* what is checked is not to be changed meanwhile */
	bool wait = thread->process->alone || !one_in(random, 8), first, fails = one_in(random, 16);
	int result;

	if (!uring->fd && !ring_begin(thread))
		return;
	/* else what comes back may be of one before it */
	first = !uring_busy(thread);
	for (i = 0; i < n; i++) {
		memory_place(thread, MEMORY_ARG, sizeof(*batch), !one_in(random, 32), &place);
		batch = place.set;
		batch_fill(thread, session, batch, &results);
		thread->ops_address = batch->ops;
		memory_settle(thread, MEMORY_ARG, &place, sizeof(*batch));
		add(thread, session, place.address, i + 1 < n && one_in(random, 2));
	}
	/* no alarm comes while a fault is armed, so that does not wait */
	if (fails) {
		fault_arm(thread);
		submit(uring, n, false);
		fault_disarm(thread);
	}
	submit(uring, fails ? 0 : n, wait);
	result = take(thread);
	if (wait && n == 1 && first && !uring_busy(thread) && result > 0)
		batch_learn(thread, session, &results, result, thread->process->alone);
	if (uring->pending > ENTRIES || uring->queued > ENTRIES / 2 || one_in(random, 256)) {
		/* and nobody will tell when that is over */
		if (uring_busy(thread))
			thread->process->alone = false;
		ring_end(uring);
	}
}
