/* SPDX-License-Identifier: GPL-2.0 */
/*
 * refslab-fuzz: calls of /dev/refslab that are right most of the time and wrong
 * in every way the rest, from processes and threads that share what they have.
 *
 *	main		processes are started, killed, started anew; the verdict
 *	process		what the threads of one process share; programs
 *	calls		what each field of the calls means
 *	grammar		how it is set, and how it goes wrong
 *	check		what must be refused, and what must not have been done
 *	oracle		what calls must keep to
 *	fault		allocations and copies that fail
 *	value		what fields may be set to
 *	batch		many in one, by ioctl and by io_uring
 *	descriptor	sessions and descriptors opened, passed on, closed, inherited
 *	leak		all given back: what is left of a heap then
 *	mapping		payloads in memory
 *	event		events waited for and read
 *	memory		addresses to give to the kernel
 *	world		sysfs, debugfs, processors, caches
 *	coverage	programs that reached something new are tried again, changed
 *	replay		which programs ran, and they again
 *	count		what was called and what came of it
 *
 * and for those who read what it says:
 *
 *	reached		what of the module was, by source files and lines
 *	planted		bugs for tools/vm/planted, which it must find
 *
 * Threads of a process share its tables without locks: what is torn or stale is
 * one more wrong value.
 */
#ifndef REFSLAB_FUZZ_H
#define REFSLAB_FUZZ_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/refslab.h>

#include "random.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define DEVICE			"/dev/refslab"

enum {
	PROCESSES_MAX	= 8,	/* at a time */
	THREADS_MAX	= 4,	/* of a process */
	SESSIONS	= 4,	/* that a process remembers, and so on */
	HANDLES		= 24,
	WEAKS		= 8,
	TYPES		= 8,
	FILES		= 8,
	OWN_FDS		= 600,	/* descriptors from here on are the fuzzer's own */
	FDS_MAX		= 700,
};

/* --- count.c --- */

enum kind {
	KIND_CALL,			/* + number of the ioctl */
	KIND_OP		= 0x80,		/* + code of the entry */
	KIND_OTHER	= 0x100,
	KIND_URING	= KIND_OTHER,
	KIND_UNKNOWN,
	KIND_OPEN,
	KIND_CLOSE_SESSION,
	KIND_CLOSE_FILE,
	KIND_DUP_SESSION,
	KIND_SEND,
	KIND_RECEIVE,
	KIND_FORK,
	KIND_LIMIT_FDS,
	KIND_EVENTFD,
	KIND_READ_EVENTFD,
	KIND_READ_EVENTS,
	KIND_POLL,
	KIND_MMAP,
	KIND_MUNMAP,
	KIND_MREMAP,
	KIND_MPROTECT,
	KIND_MADVISE,
	KIND_TOUCH,
	KIND_FAULT,
	KIND_PIN,
	KIND_UNPIN,
	KIND_LEAK,
	KIND_SYSFS_WRITE,
	KIND_SYSFS_READ,
	KIND_DEBUGFS,
	KIND_PARAMETER,
	KIND_CPU,
	KIND_DROP_CACHES,
	KINDS
};

#define KIND_OF(request)	((enum kind)(KIND_CALL + _IOC_NR(request)))
#define ERRNOS			134

/* How often each kind came to each end, in memory that all processes have. */
struct counts {
	uint64_t total;
	uint64_t n[KINDS][ERRNOS];	/* [0]: went well */
};

void count(struct counts *counts, enum kind kind, int err);
const char *kind_name(enum kind kind);		/* NULL: there is none */
uint64_t count_calls(const struct counts *counts);
uint64_t count_entries(const struct counts *counts);
unsigned int count_lacking(const struct counts *counts, const bool *absent);
void count_report(const struct counts *counts, const bool *absent);

/* --- what all processes have --- */

enum { CORPUS = 4096, COVERAGE_BITS = 4 << 20 };

/*
 * A program: calls by a seed, up to one where another seed goes on. One with a
 * taste does without half of the kinds: so the others come together more often.
 */
struct program {
	uint64_t taste;
	uint64_t seeds[4];
	uint16_t calls[4];		/* that follow each; 0: no more */
};

struct corpus {
	uint32_t count;
	struct program programs[CORPUS];
	uint64_t begin;			/* of the module's code; fixed */
	uint64_t covered;		/* points, and a bit for each */
	uint64_t foreign, cut_off;	/* not of the module; more than there was room for */
	uint64_t bits[COVERAGE_BITS / 64];
};

struct arena {
	struct counts counts[PROCESSES_MAX][THREADS_MAX];
	struct corpus corpus;
	bool absent[KINDS];		/* not to be had on this kernel */
	bool compares[PROCESSES_MAX];	/* who does at that place, and is not to be killed */
	uint32_t mistakes;
	bool stop;
};

extern struct arena *arena;
extern uint64_t seed_of_all;
extern bool guided;			/* programs are kept; fixed */

/* The fuzzer or the module is wrong: said at once, and the run fails. */
void mistake(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- what a process has --- */

struct known_type {
	uint32_t type, slots, payload;
	bool mapped;
	bool used;			/* objects of it were made */
};

struct known {
	uint64_t handle;
	struct known_type type;
};

struct session {
	int	fd;
	bool	bound, joined, read_only;
	uint64_t cursor;
	struct known handles[HANDLES];
	uint64_t weaks[WEAKS];
	struct known_type types[TYPES];
};

enum file_kind {
	FILE_INVITATION,
	FILE_OBJECT,
	FILE_MAP,
	FILE_EVENTFD,
	FILE_KINDS,
	FILE_SESSION = FILE_KINDS	/* not among the files */
};

/* Places of the window, at fixed addresses that nothing else is mapped to. */
enum { WINDOW_PLACES = 16, WINDOW_BYTES = 2 << 20 };
#define WINDOW	0x2000000000ull

struct process {
	uint64_t number;
	unsigned int place;		/* among those that run now */
	bool	alone;			/* shares with nobody, and is checked */
	int	hub[2];			/* to and from other processes */
	int	pipe[2];		/* keeps pages pinned */
	unsigned int pinned;
	struct session sessions[SESSIONS];
	int	files[FILE_KINDS][FILES];
	uint32_t mapped[WINDOW_PLACES];	/* bytes mapped at each place */
};

enum memory_use {
	MEMORY_ARG,
	MEMORY_OPS,
	MEMORY_RESULTS,
	MEMORY_DATA,
	MEMORY_USES
};

struct memory {
	char	*all, *view;
	size_t	part;
	int	fd;
};

struct uring {
	int	fd;
	uint32_t pending, queued;	/* under way; not told to the kernel yet */
	uint32_t *sq_tail, *cq_head, *cq_tail, *sq_array;
	uint32_t sq_mask, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	void	*ring;
	size_t	ring_bytes, sqes_bytes;
};

struct coverage {
	int	fd;
	uint64_t *pcs;
};

struct thread {
	struct process *process;
	struct counts *counts;
	uint64_t counted;		/* calls at its place before it began */
	size_t	replayed;		/* where in what is run again */
	struct random choice;		/* of programs */
	struct random random;		/* of a program */
	uint64_t taste;			/* likewise */
	unsigned int number;
	bool	child;			/* of fork(), without other threads */
	struct memory memory[MEMORY_USES];
	uint64_t ops_address;		/* of the batch made last */
	struct uring uring;
	struct coverage coverage;
	int	fault_fd;		/* 0: faults cannot be injected */
};

/* --- memory.c --- */

/* Where to put what the kernel is to read, and the address to tell it. */
struct place {
	void	*set;
	uint64_t address;
	bool	good;			/* all of it can be read and written */
};

bool memory_init(struct thread *thread);
bool memory_init_child(struct thread *thread);
uint64_t no_address(struct random *random);
void memory_place(struct thread *thread, enum memory_use use, size_t bytes,
		  bool good, struct place *place);
void memory_settle(struct thread *thread, enum memory_use use,
		   const struct place *place, size_t bytes);
void memory_scribble(struct thread *thread, const struct thread *other);

/* By these bits are known, of addresses of the kernel, those that the fuzzer made up. */
enum { OWN_ADDRESS = 0xb90, OWN_ADDRESS_MASK = 0xfc0 };

/* --- value.c --- */

uint64_t hostile(struct random *random, uint64_t value);
unsigned int some_weighted(struct thread *thread, const uint8_t *weight, size_t stride,
			   unsigned int n);
uint32_t some_bytes(struct random *random, uint32_t max);
void some_name(struct random *random, char *name, const char *what, bool wrong);
struct known *some_handle(struct thread *thread, struct session *session);
struct known *some_mapped(struct thread *thread, struct session *session);
struct known_type *some_type(struct thread *thread, struct session *session);
struct known_type *some_unused_type(struct thread *thread, struct session *session);
const struct known_type *known_type(const struct session *session, uint32_t number);
uint64_t some_weak(struct thread *thread, struct session *session);
uint32_t some_slot(struct random *random, const struct known *known);
void remember(struct thread *thread, struct session *session, uint64_t handle,
	      const struct known_type *type);
void remember_weak(struct thread *thread, struct session *session, uint64_t handle);
void remember_type(struct thread *thread, struct session *session,
		   const struct known_type *type);
void remember_file(struct thread *thread, enum file_kind kind, int fd);
int some_file(struct thread *thread, enum file_kind kind);
int some_stranger(struct thread *thread, enum file_kind kind);

/* --- grammar.c, calls.c --- */

int call(struct thread *thread, int fd, unsigned long request, void *arg);
void fuzz_call(struct thread *thread, struct session *session, unsigned long request);
void fuzz_any_call(struct thread *thread, struct session *session);
void fuzz_unknown(struct thread *thread, struct session *session);
const char *call_name(unsigned int nr);
unsigned long call_request(unsigned int nr);	/* 0: there is none */

/* --- oracle.c --- */

/* How a heap was, and up to two of its objects. */
struct look {
	struct refslab_heap_info heap;
	int free_fd;				/* the lowest descriptor that is free */
	struct refslab_object_info objects[2];	/* handle is 0: none */
};

void oracle_errno(struct thread *thread, unsigned long request, int err);
bool oracle_look(struct thread *thread, const struct session *session,
		 uint64_t handle, uint64_t target, struct look *look);
void oracle_compare(struct thread *thread, const struct session *session,
		    unsigned long request, int err, const struct look *before);
void oracle_counted(struct thread *thread, const struct session *session, const char *name,
		    int handles, int types, const struct look *before);
void oracle_secret(struct thread *thread, const char *name, const void *memory,
		   const void *told, size_t bytes);
void oracle_payload(struct thread *thread, const void *memory, size_t bytes);
void oracle_text(const char *name, const char *text);
void oracle_written(struct thread *thread, const struct session *session,
		    const struct refslab_io *written, const void *what);
void oracle_closed(struct thread *thread, struct session *session, uint64_t handle);
void oracle_fresh(struct thread *thread, const struct session *session, uint64_t handle);

/* --- fault.c --- */

void fault_set_up(void);
void fault_begin(struct thread *thread);
void fault_arm(struct thread *thread);
void fault_disarm(struct thread *thread);
bool fault_was_rseq(const siginfo_t *info);

/* --- batch.c --- */

uint32_t batch_fill(struct thread *thread, struct session *session,
		    struct refslab_batch *batch, struct place *results);
void batch_learn(struct thread *thread, struct session *session,
		 const struct place *results, uint32_t done, bool checked);
void batch_close(struct thread *thread, struct session *session, const uint64_t *handles,
		 uint32_t n);
const char *op_name(unsigned int code);
void fuzz_batch(struct thread *thread, struct session *session);

/* --- uring.c --- */

bool uring_busy(struct thread *thread);
void fuzz_uring(struct thread *thread, struct session *session);

/* --- leak.c --- */

void fuzz_leak(struct thread *thread, struct session *session);

/* --- descriptor.c --- */

bool session_open(struct thread *thread, struct session *session);
void session_close(struct thread *thread, struct session *session);
void fuzz_descriptor(struct thread *thread, struct session *session);
int own_fd(int fd);

/* --- mapping.c --- */

void fuzz_mapping(struct thread *thread, struct session *session);
void mapping_init(void);

/* --- event.c --- */

void fuzz_event(struct thread *thread, struct session *session);

/* --- process.c --- */

void process_run(uint64_t number, unsigned int place, unsigned int threads,
		 bool alone, const int hub[2]) __attribute__((noreturn));
void process_step(struct thread *thread);

/* --- coverage.c --- */

void coverage_set_up(void);
void coverage_begin(struct coverage *coverage);
unsigned int coverage_new(struct coverage *coverage);
bool coverage_there(void);
void coverage_report(void);
void program_choose(struct random *random, struct program *program);
bool program_likes(const struct thread *thread, unsigned int what);
void program_keep(const struct program *program);

/* --- replay.c --- */

extern bool replaying;			/* what ran once, and nothing else; fixed */

void replay_tell_all(void);
void replay_tell(const struct thread *thread, const struct program *program);
bool replay_load(const char *path);
uint64_t replay_number(uint64_t from);
unsigned int replay_threads(uint64_t number);
bool replay_next(struct thread *thread, struct program *program);

/* --- world.c --- */

void world_run(struct counts *counts) __attribute__((noreturn));
void world_end(void);
bool world_empty(void);
uint64_t world_pages(void);

#endif
