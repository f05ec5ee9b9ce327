// SPDX-License-Identifier: GPL-2.0
/*
 * What calls must keep to, whatever they are given: errors are those of the
 * uapi header, nothing tells where the kernel has its things, and a call that
 * fails has changed nothing. The latter is looked at by processes that share
 * their heaps with nobody, else others change them too; so is that payloads are
 * what was written to them.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

/* As the uapi header has them: any call's first, then those of some. */
static bool documented(unsigned long request, int err)
{
	switch (err) {
	case 0:
	case ENOTTY:
	case EINVAL:
	case E2BIG:
	case EFAULT:
	case ENXIO:
	case EOVERFLOW:
	case EBADF:
	case EACCES:
	case ENOENT:
	case ENOSPC:
	case EMFILE:
	case ENOMEM:
	case EINTR:
		return true;
	case EBUSY:
		return request == REFSLAB_HEAP_CREATE || request == REFSLAB_JOIN ||
		       request == REFSLAB_TYPE_DESTROY;
	case EEXIST:
		return request == REFSLAB_HEAP_CREATE || request == REFSLAB_TYPE_CREATE ||
		       request == REFSLAB_ROOT_SET;
	case EDQUOT:
		return request == REFSLAB_HEAP_CREATE;
	case EXDEV:
		return request == REFSLAB_IMPORT;
	case EAGAIN:
		return request == REFSLAB_SLOT_CMPXCHG;
	case ENODEV:
		return request == REFSLAB_MAP;
	case EOPNOTSUPP:
		return request == REFSLAB_COLLECT;
	default:
		return false;
	}
}

void oracle_errno(struct thread *thread, unsigned long request, int err)
{
	/* size and direction in the code may be any */
	if (!documented(call_request(_IOC_NR(request)), err))
		mistake("process %lu: %s fails with %s", thread->process->number,
			call_name(_IOC_NR(request)), strerrorname_np(err));
}

static bool look_again(struct thread *thread, const struct session *session, struct look *look)
{
	struct refslab_object_info *object;
	unsigned int i;

	look->free_fd = fcntl(thread->process->pipe[0], F_DUPFD, 0);
	if (look->free_fd >= 0)
		close(look->free_fd);
	look->heap = (struct refslab_heap_info){ .size = sizeof(look->heap) };
	if (call(thread, session->fd, REFSLAB_HEAP_INFO, &look->heap))
		return false;
	for (i = 0; i < ARRAY_SIZE(look->objects); i++) {
		object = &look->objects[i];
		object->size = sizeof(*object);
		if (object->handle && call(thread, session->fd, REFSLAB_OBJECT_INFO, object))
			object->handle = 0;
	}
	return true;
}

/*
 * How a heap is, and up to two objects that a call is about; false if others may
 * change it meanwhile.
 */
bool oracle_look(struct thread *thread, const struct session *session,
		 uint64_t handle, uint64_t target, struct look *look)
{
	/* a batch under way is another who changes it */
	if (!thread->process->alone || uring_busy(thread) || session->fd < 0)
		return false;
	*look = (struct look){ .objects = { { .handle = handle }, { .handle = target } } };
	return look_again(thread, session, look);
}

/*
 * What goes by a workqueue, or is held by a sweep, is counted until then. Objects
 * of the heap are fuzz_leak()'s: how many they are is a guess while some move
 * from a CPU's magazine.
 */
static bool settled(const struct look *before, const struct look *after)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(after->objects); i++)
		if (after->objects[i].handle && after->objects[i].count > before->objects[i].count)
			return false;
	return after->heap.session_bytes <= before->heap.session_bytes;
}

/* A call failed: whether all is as it was before. */
void oracle_compare(struct thread *thread, const struct session *session,
		    unsigned long request, int err, const struct look *before)
{
	const struct refslab_heap_info *was = &before->heap, *is;
	bool *compares = &arena->compares[thread->process->place];
	struct timespec pause = { 0, 1000000 };
	bool batch = request == REFSLAB_BATCH;
	struct look after = *before;
	unsigned int tries = 10000;

	if (!look_again(thread, session, &after))
		return;
	is = &after.heap;
	/* what was closed or stored stays so, and the handles that were made go */
	if (batch && is->handles <= was->handles)
		return;
	__atomic_store_n(compares, true, __ATOMIC_RELAXED);
	/* handles and types are counted at once, and are not waited for */
	while (!batch && is->handles == was->handles && is->types == was->types &&
	       !settled(before, &after) && tries--) {
		nanosleep(&pause, NULL);
		look_again(thread, session, &after);
	}
	if (is->handles != was->handles || is->types != was->types || !settled(before, &after))
		mistake("process %lu: %s failed with %s and left %llu handles, %llu types, %llu objects of %llu, %llu, %llu, %llu and %llu references of %llu and %llu",
			thread->process->number, call_name(_IOC_NR(request)), strerrorname_np(err),
			is->handles, is->types, is->objects, was->handles, was->types,
			was->objects, after.objects[0].count, after.objects[1].count,
			before->objects[0].count, before->objects[1].count);
	if (after.free_fd != before->free_fd)
		mistake("process %lu: %s failed with %s and left a descriptor: %d is free, not %d",
			thread->process->number, call_name(_IOC_NR(request)), strerrorname_np(err),
			after.free_fd, before->free_fd);
	__atomic_store_n(compares, false, __ATOMIC_RELAXED);
}

/* A call went well: whether it made and ended as many as it is to. */
void oracle_counted(struct thread *thread, const struct session *session, const char *name,
		    int handles, int types, const struct look *before)
{
	const struct refslab_heap_info *was = &before->heap;
	struct refslab_heap_info is = { .size = sizeof(is) };

	if (call(thread, session->fd, REFSLAB_HEAP_INFO, &is))
		return;
	if (is.handles != was->handles + handles || is.types != was->types + types)
		mistake("process %lu: %s went well and left %llu handles of %llu, %llu types of %llu",
			thread->process->number, name, is.handles, was->handles, is.types, was->types);
	if (is.session_limit && is.session_bytes > is.session_limit)
		mistake("process %lu: %s went well, and %llu bytes of %llu are had",
			thread->process->number, name, is.session_bytes, is.session_limit);
}

/*
 * Addresses of the kernel that it has by itself: of all memory, of vmalloc(), of
 * what processors have each, of struct page, of code.
 */
static bool is_secret(uint64_t word)
{
	uint32_t high = word >> 32;

	if ((word & OWN_ADDRESS_MASK) == (OWN_ADDRESS & OWN_ADDRESS_MASK))
		return false;
	return high == 0xffff8880 || high == 0xffffc900 || high == 0xffffe8ff ||
	       high == 0xffffea00 ||
	       (word >= 0xffffffff80000000ull && word < 0xffffffffd0000000ull);
}

/* One word in so many bytes that came from the kernel; not one that it was told. */
static void look_for_secret(struct thread *thread, const char *name, const void *memory,
			    const void *told, size_t bytes, unsigned int step)
{
	const uint8_t *byte = memory;
	uint64_t word;
	size_t at;

	/* others change what it was told */
	if (!thread->process->alone)
		step = sizeof(word);
	for (at = 0; at + sizeof(word) <= bytes; at += step) {
		/* they all begin so */
		if (byte[at + 7] != 0xff)
			continue;
		memcpy(&word, byte + at, sizeof(word));
		if (!is_secret(word) || (told && !memcmp((const char *)told + at, &word, sizeof(word))))
			continue;
		mistake("process %lu: %s gave %lx away, at %zu of %zu bytes",
			thread->process->number, name, word, at, bytes);
		return;
	}
}

/*
 * What came from the kernel has nothing of what it keeps to itself, but for what
 * it was told, if that is still where it was. A small negative number and what is
 * beside it may look like an address if it is taken apart, so only whole fields
 * are put together.
 */
void oracle_secret(struct thread *thread, const char *name, const void *memory,
		   const void *told, size_t bytes)
{
	look_for_secret(thread, name, memory, told, bytes, sizeof(uint32_t));
}

/* Nor has a payload, at any byte: what is written there looks like no address. */
void oracle_payload(struct thread *thread, const void *memory, size_t bytes)
{
	look_for_secret(thread, "READ", memory, NULL, bytes, 1);
}

/* Nor has text: sixteen digits, or the twenty that a number as large has. */
void oracle_text(const char *name, const char *text)
{
	size_t digits;

	for (; *text; text += digits ? digits : 1) {
		digits = strspn(text, "0123456789abcdefABCDEF");
		if ((digits != 16 || !is_secret(strtoull(text, NULL, 16))) &&
		    (digits != 20 || !is_secret(strtoull(text, NULL, 10))))
			continue;
		mistake("%s tells %.*s", name, (int)digits, text);
		return;
	}
}

/* A payload, read to where nothing else is; NULL if that fails. */
static const char *read_payload(struct thread *thread, const struct session *session,
				uint64_t handle, uint32_t offset, uint32_t length)
{
	struct memory *memory = &thread->memory[MEMORY_RESULTS];
	struct refslab_io io = {
		.size = sizeof(io), .handle = handle, .offset = offset, .length = length,
		.buffer = (uintptr_t)memory->view,
	};

	if (length > memory->part)
		return NULL;
	return call(thread, session->fd, REFSLAB_READ, &io) ? NULL : memory->all;
}

/* What was written can be read. */
void oracle_written(struct thread *thread, const struct session *session,
		    const struct refslab_io *written, const void *what)
{
	const char *read = read_payload(thread, session, written->handle, written->offset,
					written->length);

	if (read && memcmp(read, what, written->length))
		mistake("process %lu: %u bytes written at %u are not what is read",
			thread->process->number, written->length, written->offset);
}

/* A fresh payload is zero. */
void oracle_fresh(struct thread *thread, const struct session *session, uint64_t handle)
{
	struct refslab_object_info info = { .size = sizeof(info), .handle = handle };
	const char *read;
	uint32_t i;

	if (call(thread, session->fd, REFSLAB_OBJECT_INFO, &info))
		return;
	read = read_payload(thread, session, handle, 0, info.payload);
	for (i = 0; read && i < info.payload; i++) {
		if (!read[i])
			continue;
		mistake("process %lu: byte %u of %u of a fresh payload is %02x",
			thread->process->number, i, info.payload, (uint8_t)read[i]);
		return;
	}
}

/* A handle that was closed names nothing. */
void oracle_closed(struct thread *thread, struct session *session, uint64_t handle)
{
	struct refslab_object_info info = { .size = sizeof(info), .handle = handle };
	struct refslab_dup dup = { .size = sizeof(dup) };
	struct known *known = some_handle(thread, session);

	/* who opens one next mostly gets its place */
	dup.handle = known->handle;
	if (!call(thread, session->fd, REFSLAB_DUP, &dup))
		remember(thread, session, dup.copy, &known->type);
	if (!call(thread, session->fd, REFSLAB_OBJECT_INFO, &info))
		mistake("process %lu: a closed handle is open", thread->process->number);
}
