// SPDX-License-Identifier: GPL-2.0
/*
 * Payloads in memory. They are mapped within a window at an address that the
 * kernel gives to nothing else: what is unmapped by mistake is never the
 * fuzzer's own.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "fuzz.h"

enum { PAGE = 4096 };

/* Set and taken back where the compiler sees nobody who could look at it. */
static __thread sigjmp_buf *volatile faulted;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *where = context;

	if (fault_was_rseq(info))
		return;
	if (faulted)
		siglongjmp(*faulted, 1);
	mistake("the fuzzer itself: signal %d at %p for %p, which begins at %p", signal,
		(void *)where->uc_mcontext.gregs[REG_RIP], info->si_addr, (void *)mapping_init);
	_exit(100 + signal);
}

void mapping_init(void)
{
	struct sigaction action = {
		.sa_sigaction = on_fault, .sa_flags = SA_NODEFER | SA_SIGINFO,
	};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

static unsigned int some_place(struct thread *thread)
{
	unsigned int place, tries = 4;

	do {
		place = random_below(&thread->random, WINDOW_PLACES);
	} while (!thread->process->mapped[place] && --tries);
	return place;
}

static char *address_of(unsigned int place)
{
	return (char *)WINDOW + (size_t)place * WINDOW_BYTES;
}

/* Bytes at a place, mostly those that are mapped. */
static size_t some_length(struct thread *thread, unsigned int place)
{
	struct random *random = &thread->random;
	size_t bytes = thread->process->mapped[place];

	if (bytes && !one_in(random, 4))
		return bytes;
	return (1 + (size_t)random_below(random, one_in(random, 8) ? 300 : 4)) * PAGE;
}

static int some_rights(struct random *random)
{
	switch (random_below(random, 6)) {
	case 0:
		return PROT_READ;
	case 1:
		return one_in(random, 2) ? PROT_NONE : PROT_READ | PROT_EXEC;
	default:
		return PROT_READ | PROT_WRITE;
	}
}

static void map(struct thread *thread, struct session *session)
{
	struct random *random = &thread->random;
	unsigned int place = random_below(random, WINDOW_PLACES);
	size_t bytes = (1 + random_below(random, one_in(random, 4) ? 16 : 1)) * PAGE;
	int flags = MAP_FIXED | (one_in(random, 16) ? MAP_PRIVATE : MAP_SHARED);
	off_t offset = one_in(random, 4) ? random_below(random, 4) * PAGE : 0;
	int fd = some_file(thread, FILE_MAP), err;
	bool stranger = one_in(random, 16), fails = one_in(random, 16);
	void *address;

	if (fd < 0 && !one_in(random, 16)) {
		fuzz_call(thread, session, REFSLAB_MAP);
		return;
	}
	if (one_in(random, 16))
		flags |= MAP_POPULATE;
	if (one_in(random, 32))
		offset = hostile(random, 0) & -PAGE;
	if (stranger)
		fd = some_stranger(thread, FILE_MAP);
	if (fails)
		fault_arm(thread);
	address = mmap(address_of(place), bytes, some_rights(random), flags, fd, offset);
	err = address == MAP_FAILED ? errno : 0;
	if (fails)
		fault_disarm(thread);
	count(thread->counts, KIND_MMAP, err);
	if (err)
		return;
	thread->process->mapped[place] = bytes;
	if (stranger && thread->process->alone)
		mistake("process %lu: what has no payload is mapped", thread->process->number);
}

static void unmap(struct thread *thread)
{
	unsigned int place = some_place(thread);
	size_t bytes = some_length(thread, place), from = 0;

	if (one_in(&thread->random, 4))
		from = random_below(&thread->random, 4) * PAGE;
	count(thread->counts, KIND_MUNMAP, munmap(address_of(place) + from, bytes) ? errno : 0);
	if (!from)
		thread->process->mapped[place] = 0;
}

static void remap(struct thread *thread)
{
	struct random *random = &thread->random;
	unsigned int from = some_place(thread), to = random_below(random, WINDOW_PLACES);
	size_t bytes = one_in(random, 2) ? some_length(thread, to) : some_length(thread, from);
	void *address;

	address = mremap(address_of(from), one_in(random, 8) ? 0 : some_length(thread, from), bytes,
			 MREMAP_MAYMOVE | MREMAP_FIXED | (one_in(random, 4) ? MREMAP_DONTUNMAP : 0),
			 address_of(to));
	count(thread->counts, KIND_MREMAP, address == MAP_FAILED ? errno : 0);
	if (address == MAP_FAILED)
		return;
	thread->process->mapped[from] = 0;
	thread->process->mapped[to] = bytes;
}

static void protect(struct thread *thread)
{
	unsigned int place = some_place(thread);

	count(thread->counts, KIND_MPROTECT,
	      mprotect(address_of(place), some_length(thread, place),
		       some_rights(&thread->random)) ? errno : 0);
}

static void advise(struct thread *thread)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_REMOVE, MADV_WILLNEED, MADV_DONTFORK, MADV_DOFORK,
		MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_HUGEPAGE,
		MADV_MERGEABLE, MADV_FREE,
	};
	unsigned int place = some_place(thread);
	int advice = advices[random_below(&thread->random, ARRAY_SIZE(advices))];

	count(thread->counts, KIND_MADVISE,
	      madvise(address_of(place), some_length(thread, place), advice) ? errno : 0);
}

/* Of program's own hand: faults that the kernel has to serve. */
static void touch(struct thread *thread)
{
	struct random *random = &thread->random;
	unsigned int place = some_place(thread), n = 1 + random_below(random, 4);
	bool writes = one_in(random, 2);
	size_t bytes = some_length(thread, place);
	sigjmp_buf back;
	volatile char *byte;

	if (sigsetjmp(back, 0)) {
		faulted = NULL;
		count(thread->counts, KIND_TOUCH, EFAULT);
		return;
	}
	faulted = &back;
	while (n--) {
		byte = address_of(place) + random_below(random, bytes);
		if (writes)
			*byte = *byte + 1;
		else
			(void)*byte;
	}
	faulted = NULL;
	count(thread->counts, KIND_TOUCH, 0);
}

/* A pipe keeps pages that nobody maps any more. */
static void pin(struct thread *thread)
{
	unsigned int place = some_place(thread);
	struct iovec page = {
		.iov_base = address_of(place) + random_below(&thread->random, 64),
		.iov_len = 1 + random_below(&thread->random, PAGE - 64),
	};

	count(thread->counts, KIND_PIN,
	      vmsplice(thread->process->pipe[1], &page, 1, SPLICE_F_NONBLOCK) < 0 ? errno : 0);
}

static void unpin(struct thread *thread)
{
	static char nowhere[16 * PAGE];

	count(thread->counts, KIND_UNPIN,
	      read(thread->process->pipe[0], nowhere, sizeof(nowhere)) < 0 ? errno : 0);
}

void fuzz_mapping(struct thread *thread, struct session *session)
{
	switch (random_below(&thread->random, 32)) {
	case 0 ... 7:
		map(thread, session);
		break;
	case 8 ... 10:
		unmap(thread);
		break;
	case 11 ... 12:
		remap(thread);
		break;
	case 13 ... 14:
		protect(thread);
		break;
	case 15 ... 16:
		advise(thread);
		break;
	case 17 ... 18:
		pin(thread);
		break;
	case 19:
		unpin(thread);
		break;
	default:
		touch(thread);
		break;
	}
}
