// SPDX-License-Identifier: GPL-2.0
/* Mapped payloads: what is seen through them, what keeps what, and pinned pages. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "sharing.h"

#define PAGE	4096u

/* Maps all of an object's payload; the descriptor is closed again. */
static unsigned char *map(int fd, uint64_t handle, uint32_t flags)
{
	uint64_t length;
	void *memory;
	int mapping = map_of(fd, handle, flags, &length);

	assert_true(mapping >= 0);
	memory = mmap(NULL, length, flags & REFSLAB_READ_ONLY ? PROT_READ :
		      PROT_READ | PROT_WRITE, MAP_SHARED, mapping, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	close(mapping);
	return memory;
}

static void assert_all(const unsigned char *bytes, unsigned char wanted, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (bytes[i] != wanted)
			fail_msg("byte %zu is %u, not %u", i, bytes[i], wanted);
}

static void test_types(void **state)
{
	struct client *client = *state;
	struct refslab_type_info info;
	struct refslab_object_info object;
	uint64_t a;
	uint32_t t;

	fails(EINVAL, mapped_type_create(client->fd, 0, 0, &t));
	fails(EINVAL, mapped_type_create(client->fd, 1, 0, &t));
	fails(EINVAL, mapped_type_create(client->fd, 0, REFSLAB_MAPPED_MAX + 1, &t));
	fails(EINVAL, mapped_type_create(client->fd, REFSLAB_SLOTS_MAX + 1, 8, &t));
	t = mapped_type(client->fd, REFSLAB_SLOTS_MAX, REFSLAB_MAPPED_MAX);
	works(refslab_type_info(client->fd, t, &info));
	assert_int_equal(info.type_flags, REFSLAB_TYPE_FLAG_MAPPED);
	assert_int_equal(info.payload, REFSLAB_MAPPED_MAX);
	assert_int_equal(info.slots, REFSLAB_SLOTS_MAX);
	t = mapped_type(client->fd, 0, 1);
	works(refslab_type_info(client->fd, t, &info));
	assert_int_equal(info.type_flags, REFSLAB_TYPE_FLAG_MAPPED | REFSLAB_TYPE_FLAG_LEAF);
	a = make(client->fd, t);
	works(refslab_object_info(client->fd, a, &object));
	assert_int_equal(object.payload, 1);
	fails(EBUSY, refslab_type_destroy(client->fd, t));
	drop(client->fd, a);
	works(refslab_type_destroy(client->fd, t));
}

/* By call, across pages, without a mapping. */
static void test_read_write(void **state)
{
	struct client *client = *state;
	const uint32_t size = 3 * PAGE + 100;
	static unsigned char in[4 * PAGE], out[4 * PAGE];
	uint64_t a = make(client->fd, mapped_type(client->fd, 1, size));
	static const uint32_t spans[][2] = {
		{ 0, 3 * PAGE + 100 }, { 0, 1 }, { PAGE - 1, 2 }, { PAGE - 8, 16 },
		{ PAGE - 100, 200 }, { PAGE - 300, 2 * PAGE }, { 3 * PAGE, 100 },
		{ 3 * PAGE + 100, 0 }, { 3 * PAGE + 99, 1 },
	};
	size_t i, j;

	works(refslab_read(client->fd, a, 0, out, size));
	assert_all(out, 0, size);
	for (i = 0; i < ARRAY_SIZE(spans); i++) {
		for (j = 0; j < spans[i][1]; j++)
			in[spans[i][0] + j] = i * 31 + j * 7 + j / 256;
		works(refslab_write(client->fd, a, spans[i][0], in + spans[i][0],
				   spans[i][1]));
		works(refslab_read(client->fd, a, 0, out, size));
		assert_memory_equal(in, out, size);
		memset(out, 0, sizeof(out));
		works(refslab_read(client->fd, a, spans[i][0], out, spans[i][1]));
		assert_memory_equal(in + spans[i][0], out, spans[i][1]);
	}
	fails(EINVAL, refslab_read(client->fd, a, 0, out, size + 1));
	fails(EINVAL, refslab_write(client->fd, a, size, out, 1));
	fails(EINVAL, refslab_write(client->fd, a, UINT32_MAX, out, 2));
	fails(EFAULT, refslab_read(client->fd, a, 0, (void *)8, size));
	fill(client->fd, a, 0, a);
	fill(client->fd, a, 0, 0);
}

static void test_map(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, mapped_type(client->fd, 2, 2 * PAGE + 5));
	unsigned char *one, *two, *part, bytes[2 * PAGE + 5];
	uint64_t length;
	int mapping, status;
	pid_t pid;

	one = map(client->fd, a, 0);
	assert_all(one, 0, 3 * PAGE);
	two = map(client->fd, a, REFSLAB_READ_ONLY);
	memset(one, 'a', 3 * PAGE);
	assert_all(two, 'a', 3 * PAGE);
	works(refslab_read(client->fd, a, 0, bytes, sizeof(bytes)));
	assert_all(bytes, 'a', sizeof(bytes));
	works(refslab_write(client->fd, a, PAGE - 2, "bcde", 4));
	assert_memory_equal(two + PAGE - 3, "abcdea", 6);

	/* Another process's is the same memory. */
	pid = fork();
	if (!pid) {
		one[7] = 'x';
		_exit(two[PAGE] != 'd');
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(two[7], 'x');

	mapping = map_of(client->fd, a, 0, &length);
	assert_int_equal(length, 3 * PAGE);
	part = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, mapping, PAGE);
	assert_ptr_not_equal(part, MAP_FAILED);
	assert_memory_equal(part, "dea", 3);
	/* What the kernel forgets of a mapping, the object does not. */
	assert_int_equal(madvise(one, 3 * PAGE, MADV_DONTNEED), 0);
	assert_int_equal(one[7], 'x');
	munmap(part, PAGE);
	munmap(one, 3 * PAGE);
	munmap(two, 3 * PAGE);
	close(mapping);
	assert_int_equal(count_of(client->fd, a), 1);
}

/* Whether the area that begins there is, as the kernel tells. */
static bool executable(const void *memory)
{
	unsigned long start;
	char line[256], mode[8];
	bool found = false;
	FILE *file = fopen("/proc/self/maps", "re");

	assert_non_null(file);
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%lx-%*x %7s", &start, mode) == 2 &&
			start == (unsigned long)memory;
	fclose(file);
	assert_true(found);
	return mode[2] == 'x';
}

static void test_map_refused(void **state)
{
	struct client *client = *state;
	uint32_t t = mapped_type(client->fd, 1, 2 * PAGE);
	uint64_t a = make(client->fd, t), plain = make(client->fd, client->one), ro;
	uint64_t weak = weak_of(client->fd, a);
	int mapping, fd;
	void *memory;
	char path[64];

	fails(ENODEV, map_of(client->fd, plain, 0, NULL));
	fails(EBADF, map_of(client->fd, 0, 0, NULL));
	fails(EBADF, map_of(client->fd, weak, 0, NULL));
	fails(EINVAL, map_of(client->fd, a, 2, NULL));
	works(refslab_dup(client->fd, a, REFSLAB_READ_ONLY, &ro));
	fails(EACCES, map_of(client->fd, ro, 0, NULL));
	fails(EACCES, refslab_write(client->fd, ro, 0, "x", 1));
	fd = joined(client->fd, REFSLAB_READ_ONLY, 0);
	works(refslab_root_set(client->fd, "a", a, 0));
	fails(EACCES, map_of(fd, root(fd, "a"), 0, NULL));
	close(fd);

	mapping = map_of(client->fd, ro, REFSLAB_READ_ONLY, NULL);
	assert_true(mapping >= 0);
	assert_int_equal(fcntl(mapping, F_GETFD), FD_CLOEXEC);
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mapping, 0),
			 MAP_FAILED);
	assert_int_equal(errno, EACCES);
	memory = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, mapping, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(mprotect(memory, PAGE, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	/* Nor by the way that debuggers write. */
	fd = open("/proc/self/mem", O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "x", 1, (uintptr_t)memory), -1);
	assert_int_equal(pread(fd, path, 1, (uintptr_t)memory), 1);
	assert_int_equal(path[0], 0);
	close(fd);
	/* Nor by a descriptor that is opened anew. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mapping);
	assert_int_equal(open(path, O_RDWR), -1);
	munmap(memory, PAGE);
	close(mapping);

	mapping = map_of(client->fd, a, 0, NULL);
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, mapping, 0), MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	/* data only */
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, mapping, 0), MAP_FAILED);
	assert_int_equal(errno, EPERM);
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mapping, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(mprotect(memory, PAGE, PROT_READ | PROT_EXEC), -1);
	assert_int_equal(errno, EACCES);
	munmap(memory, PAGE);
	/* old programs have it added to what they ask for */
	assert_int_equal(personality(READ_IMPLIES_EXEC), 0);
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, mapping, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	works(mprotect(memory, PAGE, PROT_READ));
	assert_false(executable(memory));
	assert_int_equal(personality(0), READ_IMPLIES_EXEC);
	munmap(memory, PAGE);
	assert_ptr_equal(mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, mapping, 0), MAP_FAILED);
	assert_int_equal(errno, ENXIO);
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, mapping, 2 * PAGE), MAP_FAILED);
	assert_int_equal(errno, ENXIO);
	assert_ptr_equal(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, mapping, PAGE), MAP_FAILED);
	assert_int_equal(errno, ENXIO);
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, mapping, 1ull << 60), MAP_FAILED);
	/* A session and an exported object cannot be mapped at all. */
	assert_ptr_equal(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, client->fd, 0), MAP_FAILED);
	close(mapping);
}

static sigjmp_buf fault_jump;

static void on_fault(int signal)
{
	siglongjmp(fault_jump, signal);
}

/* Whether a byte can be read. */
static bool readable(const volatile unsigned char *byte)
{
	struct sigaction action = { .sa_handler = on_fault }, old[2];
	volatile bool ok = false;

	sigaction(SIGBUS, &action, &old[0]);
	sigaction(SIGSEGV, &action, &old[1]);
	if (!sigsetjmp(fault_jump, 1)) {
		(void)*byte;
		ok = true;
	}
	sigaction(SIGBUS, &old[0], NULL);
	sigaction(SIGSEGV, &old[1], NULL);
	return ok;
}

/* Behind the payload there is nothing, however one gets there. */
static void test_beyond(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, mapped_type(client->fd, 0, PAGE));
	unsigned char *memory = map(client->fd, a, 0), *longer;
	unsigned int page;

	longer = mremap(memory, PAGE, 16 * PAGE, MREMAP_MAYMOVE);
	if (longer == MAP_FAILED) {
		munmap(memory, PAGE);
		return;
	}
	assert_true(readable(longer));
	for (page = 1; page < 16; page++)
		assert_false(readable(longer + page * PAGE));
	munmap(longer, 16 * PAGE);
}

/* The mapping alone keeps the object; the session is not kept. */
static void test_what_keeps(void **state)
{
	struct client *client = *state;
	uint32_t t = mapped_type(client->fd, 1, PAGE);
	uint64_t a = make(client->fd, t), weak = weak_of(client->fd, a), b;
	unsigned char *memory = map(client->fd, a, 0);
	int mapping, fd, sessions;
	uint64_t other;

	fill(client->fd, a, 0, a);
	memory[0] = 'k';
	drop(client->fd, a);
	assert_int_equal(sweep(client->fd, 2), 0);
	b = upgrade(client->fd, weak);
	assert_true(b != 0);
	/* The descriptor too, when nothing is mapped yet. */
	mapping = map_of(client->fd, b, REFSLAB_READ_ONLY, NULL);
	munmap(memory, PAGE);
	drop(client->fd, b);
	assert_int_equal(sweep(client->fd, 2), 0);
	close(mapping);
	assert_true(eventually(sweep(client->fd, 2) == 1));
	assert_true(upgrade(client->fd, weak) == 0);

	/* A heap of which there is nothing left but mapped memory. */
	fd = session();
	works(refslab_heap_create(fd, "test-mapped", 0));
	other = make(fd, mapped_type(fd, 0, PAGE));
	memory = map(fd, other, 0);
	memory[1] = 'l';
	close(fd);
	assert_true(heap_exists("test-mapped"));
	assert_int_equal(memory[1], 'l');
	munmap(memory, PAGE);
	assert_true(eventually(!heap_exists("test-mapped")));

	/* It does not count as a session. */
	a = make(client->fd, t);
	memory = map(client->fd, a, 0);
	sessions = info_of(client->fd).sessions;
	assert_int_equal(sessions, 1);
	munmap(memory, PAGE);
}

/* Pages are given out zeroed, whoever had them. */
static void test_fresh(void **state)
{
	struct client *client = *state;
	uint32_t t = mapped_type(client->fd, 0, 8 * PAGE);
	unsigned char *memory;
	uint64_t a;
	int i;

	for (i = 0; i < 100; i++) {
		a = make(client->fd, t);
		memory = map(client->fd, a, 0);
		assert_all(memory, 0, 8 * PAGE);
		memset(memory, 0xa5, 8 * PAGE);
		munmap(memory, 8 * PAGE);
		drop(client->fd, a);
	}
}

/* What such objects hold beside their chunks. */
static uint64_t bytes_of(int fd)
{
	struct refslab_heap_info info = info_of(fd);

	return info.bytes - info.cached;
}

/* --- pinned pages --- */

enum { PINNED = 8 };

/* Fills as much of the heap as there is with what is no business of others. */
static void write_elsewhere(int fd, uint32_t t)
{
	unsigned char *memory;
	uint64_t handle;
	int i;

	for (i = 0; i < 200; i++) {
		handle = make(fd, t);
		memory = map(fd, handle, 0);
		assert_all(memory, 0, PINNED * PAGE);
		memset(memory, 's', PINNED * PAGE);
		munmap(memory, PINNED * PAGE);
		if (i % 2)
			drop(fd, handle);
	}
}

static void read_pinned(int pipe, const char *why)
{
	unsigned char bytes[PINNED * PAGE];
	size_t done = 0;
	ssize_t n;

	while (done < sizeof(bytes)) {
		n = read(pipe, bytes + done, sizeof(bytes) - done);
		assert_true(n > 0);
		done += n;
	}
	for (done = 0; done < sizeof(bytes); done++)
		if (bytes[done] != 'o' && bytes[done])
			fail_msg("%s: byte %zu is '%c'", why, done, bytes[done]);
}

/* In a pipe, by reference: the object dies, the heap goes on being written to. */
static void pinned(unsigned int flags)
{
	const uint64_t size = PINNED * PAGE;
	int fd = session_with_heap(0), pipes[2];
	uint32_t t = mapped_type(fd, 0, size);
	uint64_t a = make(fd, t), weak = weak_of(fd, a);
	unsigned char *memory = map(fd, a, 0);
	struct iovec span = { memory, size };

	assert_int_equal(pipe(pipes), 0);
	memset(memory, 'o', size);
	assert_int_equal(vmsplice(pipes[1], &span, 1, flags), size);
	/* It is the pages that are in there: what is written now shows. */
	memory[0] = 0;
	munmap(memory, size);
	drop(fd, a);
	assert_true(upgrade(fd, weak) == 0);
	assert_objects(fd, 0);
	write_elsewhere(fd, t);
	assert_objects(fd, 100);
	/* They count until they are let go, and nobody else gets them. */
	assert_true(bytes_of(fd) >= 101 * size);
	sleep_ms(600);
	assert_true(bytes_of(fd) >= 101 * size);
	read_pinned(pipes[0], flags ? "a gift" : "pinned");
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
}

static void test_pinned(void **state)
{
	(void)state;
	pinned(0);
	pinned(SPLICE_F_GIFT);
}

/* The pages come back to the limit some time after the last pin. */
static void test_pinned_let_go(void **state)
{
	struct client *client = *state;
	uint32_t t = mapped_type(client->fd, 0, PINNED * PAGE);
	uint64_t a = make(client->fd, t), before;
	unsigned char *memory = map(client->fd, a, 0);
	struct iovec span = { memory, PINNED * PAGE };
	int pipes[2];

	memset(memory, 'o', PINNED * PAGE);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(vmsplice(pipes[1], &span, 1, 0), PINNED * PAGE);
	munmap(memory, PINNED * PAGE);
	before = bytes_of(client->fd);
	drop(client->fd, a);
	sleep_ms(1000);
	assert_true(bytes_of(client->fd) == before);
	read_pinned(pipes[0], "pinned");
	assert_true(eventually(bytes_of(client->fd) + PINNED * PAGE <= before));
	close(pipes[0]);
	close(pipes[1]);
}

/* The heap goes while its pages are in a pipe. */
static void test_pinned_outlive_the_heap(void **state)
{
	int fd = session_with_heap(0), other, pipes[2];
	uint32_t t = mapped_type(fd, 0, PINNED * PAGE);
	uint64_t a = make(fd, t);
	unsigned char *memory = map(fd, a, 0);
	struct iovec span = { memory, PINNED * PAGE };

	(void)state;
	memset(memory, 'o', PINNED * PAGE);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(vmsplice(pipes[1], &span, 1, 0), PINNED * PAGE);
	munmap(memory, PINNED * PAGE);
	close(fd);
	other = session_with_heap(0);
	write_elsewhere(other, mapped_type(other, 0, PINNED * PAGE));
	read_pinned(pipes[0], "of a heap that is gone");
	close(pipes[0]);
	close(pipes[1]);
	close(other);
}

/* Locked, forked, moved and given advice about, it is the same memory, and goes. */
static void test_memory_calls(void **state)
{
	static const int advice[] = {
		MADV_DONTFORK, MADV_DOFORK, MADV_COLD, MADV_PAGEOUT, MADV_MERGEABLE,
		MADV_HUGEPAGE, MADV_REMOVE, MADV_FREE, MADV_DONTNEED, MADV_POPULATE_WRITE,
	};
	struct client *client = *state;
	uint32_t t = mapped_type(client->fd, 0, 2 * PAGE);
	unsigned char *memory, *moved, byte;
	struct iovec here, there;
	int i, status;
	size_t j;
	pid_t pid;

	for (i = 0; i < 20; i++) {
		uint64_t a = make(client->fd, t);

		memory = map(client->fd, a, 0);
		assert_all(memory, 0, 2 * PAGE);
		assert_int_equal(mlock(memory, 2 * PAGE), 0);
		memset(memory, 'm', 2 * PAGE);
		pid = fork();
		if (!pid) {
			memory[1] = 'f';
			if (mlock(memory, 2 * PAGE))
				_exit(1);
			/* The parent's too, by the way that debuggers go. */
			here = (struct iovec){ &byte, 1 };
			there = (struct iovec){ memory + 1, 1 };
			if (process_vm_readv(getppid(), &here, 1, &there, 1, 0) != 1)
				_exit(2);
			_exit(byte != 'f');
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		if (i % 2)
			assert_int_equal(munlock(memory, 2 * PAGE), 0);
		for (j = 0; j < ARRAY_SIZE(advice); j++) {
			madvise(memory, 2 * PAGE, advice[j]);
			assert_int_equal(memory[1], 'f');
			assert_int_equal(memory[PAGE], 'm');
		}
		moved = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_ptr_equal(mremap(memory, 2 * PAGE, 2 * PAGE,
					MREMAP_MAYMOVE | MREMAP_FIXED, moved), moved);
		assert_int_equal(moved[1], 'f');
		drop(client->fd, a);
		assert_objects(client->fd, 1);
		munmap(moved, 2 * PAGE);
		assert_objects(client->fd, 0);
	}
}

/* --- limits --- */

static void test_limit(void **state)
{
	int fd = session_with_heap(2 << 20), pipes[2], n = 0;
	uint32_t t = mapped_type(fd, 1, 64 * 1024), small = mapped_type(fd, 0, 1);
	uint64_t handles[64], more;
	unsigned char *memory;
	struct iovec span;

	(void)state;
	while (n < 64 && !refslab_alloc(fd, t, &handles[n]))
		n++;
	assert_in_range(n, 24, 31);
	fails(ENOSPC, refslab_alloc(fd, t, &more));
	assert_int_equal(info_of(fd).handles, n);
	assert_objects(fd, n);
	assert_true(info_of(fd).bytes <= 2 << 20);
	/* One for one, again and again, without waiting. */
	for (int i = 0; i < 200; i++) {
		drop(fd, handles[i % n]);
		handles[i % n] = make(fd, t);
	}
	/* Garbage makes room too. */
	fill(fd, handles[0], 0, handles[0]);
	drop(fd, handles[0]);
	handles[0] = make(fd, t);
	/* Pinned pages do not. */
	memory = map(fd, handles[0], 0);
	assert_int_equal(pipe(pipes), 0);
	assert_true(fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20) >= 64 * 1024);
	span = (struct iovec){ memory, 64 * 1024 };
	assert_int_equal(vmsplice(pipes[1], &span, 1, 0), 64 * 1024);
	munmap(memory, 64 * 1024);
	drop(fd, handles[0]);
	fails(ENOSPC, refslab_alloc(fd, t, &handles[0]));
	close(pipes[0]);
	close(pipes[1]);
	handles[0] = make(fd, t);
	while (n)
		drop(fd, handles[--n]);
	assert_objects(fd, 0);
	/* Small ones take a page each. */
	while (!refslab_alloc(fd, small, &more))
		n++;
	assert_in_range(n, 300, 512);
	close(fd);
}

/* A joiner's own limit has the pages in it. */
static void test_session_limit(void **state)
{
	struct client *client = *state;
	uint32_t t = mapped_type(client->fd, 0, 4 * PAGE);
	int fd = joined(client->fd, 0, 10 * 4 * PAGE);
	uint64_t handles[10], more;
	int i;

	for (i = 0; i < 9; i++)
		handles[i] = make(fd, t);
	assert_true(info_of(fd).session_bytes > 9 * 4 * PAGE);
	fails(ENOSPC, refslab_alloc(fd, t, &more));
	for (i = 0; i < 9; i++)
		drop(fd, handles[i]);
	assert_true(eventually(info_of(fd).session_bytes == 0));
	close(fd);
}

/* What hangs on garbage goes with it, before anybody is refused. */
static void test_session_limit_garbage(void **state)
{
	enum { N = 15 };
	struct client *client = *state;
	int fd = joined(client->fd, 0, (N << 20) + (64 << 10));
	uint32_t node = type(client->fd, N + 1, 0), t = mapped_type(client->fd, 0, 1 << 20), i;
	uint64_t a = make(fd, node), b = make(fd, node), more;

	fill(fd, a, N, b);
	fill(fd, b, N, a);
	for (i = 0; i < N; i++) {
		more = make(fd, t);
		fill(fd, a, i, more);
		drop(fd, more);
	}
	fails(ENOSPC, refslab_alloc(fd, t, &more));
	drop(fd, a);
	drop(fd, b);
	works(refslab_alloc(fd, t, &more));
	assert_objects(fd, 1);
	close(fd);
}

/* Nor does who pins what he frees have more than his limit. */
static void test_session_limit_pinned(void **state)
{
	struct client *client = *state;
	uint32_t t = mapped_type(client->fd, 0, PINNED * PAGE);
	int fd = joined(client->fd, 0, (PINNED + PINNED / 2) * PAGE), pipes[2];
	uint64_t a = make(fd, t), more;
	unsigned char *memory = map(fd, a, 0);
	struct iovec span = { memory, PINNED * PAGE };

	memset(memory, 'o', PINNED * PAGE);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(vmsplice(pipes[1], &span, 1, 0), PINNED * PAGE);
	munmap(memory, PINNED * PAGE);
	drop(fd, a);
	assert_objects(client->fd, 0);
	fails(ENOSPC, refslab_alloc(fd, t, &more));
	assert_int_equal(info_of(fd).session_bytes, PINNED * PAGE);
	/* It is nobody else's business. */
	drop(client->fd, make(client->fd, t));
	read_pinned(pipes[0], "on a session's account");
	drop(fd, make(fd, t));
	assert_true(eventually(info_of(fd).session_bytes == 0));

	/* Nor has one more by leaving with pages pinned, nor the next on that account. */
	a = make(fd, t);
	memory = map(fd, a, 0);
	span.iov_base = memory;
	memset(memory, 'o', PINNED * PAGE);
	assert_int_equal(vmsplice(pipes[1], &span, 1, 0), PINNED * PAGE);
	munmap(memory, PINNED * PAGE);
	close(fd);
	fd = joined(client->fd, 0, (PINNED + PINNED / 2) * PAGE);
	assert_int_equal(info_of(fd).session_bytes, 0);
	drop(fd, make(fd, t));
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
}

/* --- all at once --- */

struct storm {
	int fd;
	uint32_t type;
	atomic_bool stop;
	_Atomic(const char *) failure;
	_Atomic uint64_t maps, finds;
};

static void storm_failed(struct storm *storm, const char *what)
{
	const char *none = NULL;

	atomic_compare_exchange_strong(&storm->failure, &none, what);
	storm->stop = true;
}

static void *map_and_drop(void *arg)
{
	struct storm *storm = arg;
	uint64_t handle, length;
	unsigned char *memory;
	int mapping;

	while (!storm->stop) {
		if (refslab_alloc(storm->fd, storm->type, &handle)) {
			storm_failed(storm, "alloc");
			break;
		}
		mapping = map_of(storm->fd, handle, 0, &length);
		refslab_close(storm->fd, handle);
		memory = mapping < 0 ? MAP_FAILED :
			 mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, mapping, 0);
		close(mapping);
		if (memory == MAP_FAILED || memory[0] || memory[length - 1]) {
			storm_failed(storm, "a fresh object is not zero");
			break;
		}
		memset(memory, 'm', length);
		munmap(memory, length);
		storm->maps++;
	}
	return NULL;
}

/* Finds objects wherever they are in their lives, and reads them. */
static void *find_and_read(void *arg)
{
	struct storm *storm = arg;
	uint64_t cursor = 0, found[16];
	unsigned char byte;
	uint32_t n, i;

	while (!storm->stop) {
		n = ARRAY_SIZE(found);
		if (refslab_objects(storm->fd, storm->type, REFSLAB_GENERATION_ANY,
				   &cursor, found, &n)) {
			storm_failed(storm, "objects");
			break;
		}
		for (i = 0; i < n; i++) {
			if (refslab_read(storm->fd, found[i], 5, &byte, 1) ||
			    (byte && byte != 'm'))
				storm_failed(storm, "what was found is not an object's");
			refslab_close(storm->fd, found[i]);
			storm->finds++;
		}
	}
	return NULL;
}

static void test_storm(void **state)
{
	struct client *client = *state;
	struct storm storm = { .fd = client->fd };
	pthread_t threads[4];
	int i;

	storm.type = mapped_type(client->fd, 0, 2 * PAGE);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						i < 2 ? map_and_drop : find_and_read,
						&storm), 0);
	/* Four seconds; longer where the machine is busy with something else. */
	for (i = 0; i < 600 && !storm.stop; i++) {
		if (i >= 40 && storm.maps > 50 && storm.finds > 5)
			break;
		sleep_ms(100);
	}
	storm.stop = true;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	if (storm.failure)
		fail_msg("%s", storm.failure);
	print_message("# %lu mapped, %lu found\n", (unsigned long)storm.maps,
		      (unsigned long)storm.finds);
	assert_true(storm.maps > 50 && storm.finds > 5);
	assert_objects(client->fd, 0);
	works(refslab_type_destroy(client->fd, storm.type));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(test_types),
		client_test(test_read_write),
		client_test(test_map),
		client_test(test_map_refused),
		client_test(test_beyond),
		client_test(test_what_keeps),
		client_test(test_fresh),
		cmocka_unit_test(test_pinned),
		client_test(test_pinned_let_go),
		cmocka_unit_test(test_pinned_outlive_the_heap),
		client_test(test_memory_calls),
		cmocka_unit_test(test_limit),
		client_test(test_session_limit),
		client_test(test_session_limit_garbage),
		client_test(test_session_limit_pinned),
		client_test(test_storm),
	};

	return run_as_tap(tests);
}
