// SPDX-License-Identifier: GPL-2.0
/*
 * What is the same for every call: sizes, flags, reserved fields, pointers, that
 * a call that fails has changed nothing, and what one writes that works.
 */
#include <sys/mman.h>

#include "calls.h"
#include "storm.h"
#include "told_page.h"

static void test_all_succeed(void **state)
{
	const struct call *call;
	union argument argument;
	struct scene scene;

	(void)state;
	for_each_call(call) {
		scene_begin(&scene, call, &argument);
		assert_works(&scene, call, call->request, &argument);
		scene_end(&scene);
	}
}

/*
 * As a 32-bit program calls; @argument is where such a program has memory. 1 where
 * there are no such programs.
 */
static int call_32(int fd, unsigned long request, void *argument)
{
#ifdef __x86_64__
	int result;

	asm volatile("int $0x80" : "=a" (result) :
		     "a" (54), "b" (fd), "c" ((uint32_t)request),
		     "d" ((uint32_t)(uintptr_t)argument) :
		     "memory", "cc", "r8", "r9", "r10", "r11");
	return result;
#else
	(void)fd, (void)request, (void)argument;
	return 1;
#endif
}

/* The structures are the same for programs of any width. */
static void test_32_bit(void **state)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, fd = session(), err;
	union argument *argument = mmap(NULL, sizeof(*argument), PROT_READ | PROT_WRITE,
					flags, -1, 0);
	const struct call *call;
	struct scene scene;

	(void)state;
	assert_ptr_not_equal(argument, MAP_FAILED);
	/* to try where there are none is a fault that the kernel's log is told of */
	if (!storm_kernel_has("__ia32_compat_sys_ioctl"))
		skip();
	memset(argument, 0, sizeof(*argument));
	argument->head.size = sizeof(argument->heap_create);
	err = call_32(fd, REFSLAB_HEAP_CREATE, &argument->heap_create);
	close(fd);
	if (err == 1)
		skip();
	assert_int_equal(err, 0);
	for_each_call(call) {
		scene_begin(&scene, call, argument);
		err = call_32(scene.fd, call->request, argument);
		if (err)
			fail_msg("%s: %s", call->name, strerror(-err));
		scene_end(&scene);
	}
	munmap(argument, sizeof(*argument));
}

static void test_unknown(void **state)
{
	static const unsigned int unknown[] = { 0x08, 0x0f, 0x13, 0x27, 0x34, 0x47, 0x59, 0xff };
	struct client *client = *state;
	union argument argument = { 0 };
	size_t i;

	argument.head.size = 32;
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		errno = 0;
		assert_int_equal(ioctl(client->fd, _IOC(_IOC_READ | _IOC_WRITE, REFSLAB_IOC, unknown[i], 32),
				       &argument), -1);
		assert_int_equal(errno, ENOTTY);
	}
	/* Another device's letter, with a number we have. */
	assert_int_equal(ioctl(client->fd, _IOWR('x', 0x20, struct refslab_alloc),
			       &argument), -1);
	assert_int_equal(errno, ENOTTY);
}

static void test_bad_size(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 4, 7, 4097, 8192, 1 << 20, UINT32_MAX };
	const struct call *call;
	union argument argument;
	struct scene scene;
	size_t i;

	(void)state;
	for_each_call(call) {
		scene_begin(&scene, call, &argument);
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			argument.head.size = sizes[i];
			assert_refused(EINVAL, &scene, call, &argument);
		}
		argument.head.size = call->published - 1;
		assert_refused(EINVAL, &scene, call, &argument);
		scene_end(&scene);
	}
}

/* A program built with the oldest header knows no more than that. */
static void test_published_size(void **state)
{
	const struct call *call;
	union argument argument;
	struct scene scene;

	(void)state;
	for_each_call(call) {
		scene_begin(&scene, call, &argument);
		argument.head.size = call->published;
		memset(argument.bytes + call->published, 0xa5, 8);
		assert_works(&scene, call, call->request, &argument);
		assert_int_equal(argument.bytes[call->published], 0xa5);
		scene_end(&scene);
	}
}

/* A program built with a newer header: its structures go on, in zeroes. */
static void test_longer(void **state)
{
	const struct call *call;
	union argument argument;
	struct scene scene;
	size_t size, i;

	(void)state;
	for_each_call(call) {
		for (i = 0; i < 3; i++) {
			size = (size_t []){ call->size + 8, call->size + 64, 4096 }[i];
			scene_begin(&scene, call, &argument);
			argument.head.size = size;
			memset(argument.bytes + size, 0xa5, 8);
			assert_works(&scene, call, call->request, &argument);
			/* What it was not given it does not write. */
			assert_int_equal(argument.bytes[size], 0xa5);
			scene_end(&scene);
		}
	}
}

/* The number of a call has the size of its structure in it, which then grew. */
static void test_longer_number(void **state)
{
	const struct call *call;
	union argument argument;
	struct scene scene;

	(void)state;
	for_each_call(call) {
		scene_begin(&scene, call, &argument);
		argument.head.size = call->size + 16;
		assert_works(&scene, call,
			     _IOC(_IOC_DIR(call->request), REFSLAB_IOC,
				  _IOC_NR(call->request), call->size + 16),
			     &argument);
		scene_end(&scene);
	}
}

static void test_longer_unknown(void **state)
{
	const struct call *call;
	union argument argument;
	struct scene scene;
	size_t more;

	(void)state;
	for_each_call(call) {
		scene_begin(&scene, call, &argument);
		for (more = 1; more <= 64; more *= 4) {
			argument.head.size = call->size + more;
			argument.bytes[call->size + more - 1] = 1;
			assert_refused(E2BIG, &scene, call, &argument);
			argument.bytes[call->size + more - 1] = 0;
		}
		scene_end(&scene);
	}
}

static void test_flags(void **state)
{
	const struct call *call;
	union argument argument;
	struct scene scene;
	unsigned int bit;
	uint32_t flags;

	(void)state;
	for_each_call(call) {
		scene_begin(&scene, call, &argument);
		flags = argument.head.flags;
		for (bit = 0; bit < 32; bit++) {
			if (call->flags & 1u << bit)
				continue;
			argument.head.flags = flags | 1u << bit;
			assert_refused(EINVAL, &scene, call, &argument);
		}
		scene_end(&scene);
	}
}

static void test_reserved(void **state)
{
	const struct call *call;
	union argument argument;
	unsigned int tried = 0;
	struct scene scene;
	int byte;

	(void)state;
	for_each_call(call) {
		if (!call->reserved)
			continue;
		scene_begin(&scene, call, &argument);
		for (byte = 0; byte < 4; byte++) {
			argument.bytes[call->reserved + byte] = 0x80;
			assert_refused(EINVAL, &scene, call, &argument);
			argument.bytes[call->reserved + byte] = 0;
		}
		scene_end(&scene);
		tried++;
	}
	assert_int_equal(tried, 19);
}

static void test_no_heap(void **state)
{
	const struct call *call;
	union argument argument;
	struct scene scene;
	int fd = session();

	(void)state;
	for_each_call(call) {
		if (call->request == REFSLAB_HEAP_CREATE ||
		    call->request == REFSLAB_JOIN)
			continue;
		scene_begin(&scene, call, &argument);
		errno = 0;
		if (ioctl(fd, call->request, &argument) != -1 || errno != ENXIO)
			fail_msg("%s: errno %d, not ENXIO", call->name, errno);
		scene_end(&scene);
	}
	close(fd);
}

/* Two pages, of which the second cannot be touched. */
static unsigned char *torn_page(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	return pages;
}

static void test_bad_pointer(void **state)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *pages = torn_page();
	const struct call *call;
	union argument argument;
	struct scene scene;
	size_t inside;

	(void)state;
	for_each_call(call) {
		scene_begin(&scene, call, &argument);
		assert_refused(EFAULT, &scene, call, NULL);
		assert_refused(EFAULT, &scene, call, pages + page);
		/* A kernel address. */
		assert_refused(EFAULT, &scene, call, (void *)0xffff888000000000);
		/* The size can be read, the end cannot. */
		for (inside = 4; inside < call->size; inside += 4) {
			memcpy(pages + page - inside, &argument, inside);
			assert_refused(EFAULT, &scene, call,
				       pages + page - inside);
		}
		memcpy(pages + page - call->size, &argument, call->size);
		assert_works(&scene, call, call->request,
			     pages + page - call->size);
		scene_end(&scene);
	}
	munmap(pages, 2 * page);
}

/* The next page may be a device's, or somebody's who takes his time with a fault. */
static void test_no_further(void **state)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct call *call;
	struct told_page told;
	union argument argument;
	struct scene scene;
	int err;

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	err = told_page_begin(&told, pages + page, TOLD_MISSING, NULL, NULL);
	if (err == -ENOSYS)
		skip();
	works(err);
	for_each_call(call) {
		scene_begin(&scene, call, &argument);
		/* Too short for any. */
		argument.head.size = 8;
		memcpy(pages + page - 8, &argument, 8);
		assert_refused(EINVAL, &scene, call, pages + page - 8);
		/* As it was at first; some have grown since. */
		argument.head.size = call->published;
		memcpy(pages + page - call->published, &argument, call->published);
		assert_works(&scene, call, call->request, pages + page - call->published);
		if (told.faults)
			fail_msg("%s: read beyond its end", call->name);
		scene_end(&scene);
	}
	/* It would have been told. */
	((volatile unsigned char *)pages)[page] = 1;
	assert_int_equal(told.faults, 1);
	told_page_end(&told);
	munmap(pages, 2 * page);
}

/* What cannot be told to the caller must not have happened. */
static void test_read_only(void **state)
{
	size_t page = sysconf(_SC_PAGESIZE);
	const struct call *call;
	union argument argument;
	unsigned int tried = 0;
	struct scene scene;
	void *memory;

	(void)state;
	for_each_call(call) {
		/* A sweep that has run cannot be taken back. */
		if (!is_out(call) || call->request == REFSLAB_COLLECT)
			continue;
		scene_begin(&scene, call, &argument);
		/* What was set stays, so it is asking that must fail. */
		scene_ask(call, &argument);
		memory = mmap(NULL, page, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(memory, MAP_FAILED);
		memcpy(memory, &argument, call->size);
		assert_int_equal(mprotect(memory, page, PROT_READ), 0);
		assert_refused(EFAULT, &scene, call, memory);
		munmap(memory, page);
		scene_end(&scene);
		tried++;
	}
	assert_int_equal(tried, 26);
}

/* Again and again: what is taken back must be whole, and not run out. */
static void test_read_only_often(void **state)
{
	struct client *client = *state;
	uint64_t a = make(client->fd, client->two);
	struct refslab_alloc alloc = { .size = sizeof(alloc), .type = client->two };
	struct refslab_dup dup = { .size = sizeof(dup), .handle = a };
	struct refslab_slot_load load = { .size = sizeof(load), .handle = a };
	struct refslab_weak_create weak = { .size = sizeof(weak), .handle = a };
	struct refslab_upgrade upgrade = { .size = sizeof(upgrade) };
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *memory;
	int i;

	fill(client->fd, a, 0, a);
	works(refslab_weak(client->fd, a, (uint64_t *)&upgrade.weak));
	memory = mmap(NULL, page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	memcpy(memory, &alloc, sizeof(alloc));
	memcpy(memory + 256, &dup, sizeof(dup));
	memcpy(memory + 512, &load, sizeof(load));
	memcpy(memory + 768, &weak, sizeof(weak));
	memcpy(memory + 1024, &upgrade, sizeof(upgrade));
	assert_int_equal(mprotect(memory, page, PROT_READ), 0);
	for (i = 0; i < 2000; i++) {
		assert_int_equal(ioctl(client->fd, REFSLAB_ALLOC, memory), -1);
		assert_int_equal(errno, EFAULT);
		assert_int_equal(ioctl(client->fd, REFSLAB_DUP, memory + 256), -1);
		assert_int_equal(errno, EFAULT);
		assert_int_equal(ioctl(client->fd, REFSLAB_SLOT_LOAD, memory + 512), -1);
		assert_int_equal(errno, EFAULT);
		/* More often than an object may have weak handles at a time. */
		assert_int_equal(ioctl(client->fd, REFSLAB_WEAK, memory + 768), -1);
		assert_int_equal(errno, EFAULT);
		assert_int_equal(ioctl(client->fd, REFSLAB_UPGRADE, memory + 1024), -1);
		assert_int_equal(errno, EFAULT);
	}
	munmap(memory, page);
	assert_objects(client->fd, 1);
	assert_int_equal(info_of(client->fd).handles, 2);
	assert_int_equal(count_of(client->fd, a), 2);
}

/* A structure may lie anywhere: the caller's alignment is its own affair. */
static void test_unaligned(void **state)
{
	const struct call *call;
	union argument argument;
	unsigned char memory[4096 + 8];
	struct scene scene;

	(void)state;
	for_each_call(call) {
		scene_begin(&scene, call, &argument);
		memcpy(memory + 3, &argument, call->size);
		assert_works(&scene, call, call->request, memory + 3);
		scene_end(&scene);
	}
}

/* The fields of a result, from one to another. */
struct result {
	unsigned long request;
	size_t from, to;
	bool given;	/* it is also what the call was given */
};

#define _RESULT(NAME, structure, first, last, also_given) {			\
	.request = REFSLAB_##NAME, .from = offsetof(struct structure, first),	\
	.to = offsetof(struct structure, last) + sizeof(((struct structure *)0)->last), \
	.given = also_given }
#define RESULT(NAME, structure, first, last)	_RESULT(NAME, structure, first, last, false)
#define CHANGED(NAME, structure, first, last)	_RESULT(NAME, structure, first, last, true)

static const struct result results[] = {
	RESULT(HEAP_INFO, refslab_heap_info, name, session_bytes),
	RESULT(INVITE, refslab_invite, fd, fd),
	RESULT(EXPORT, refslab_export, fd, fd),
	RESULT(IMPORT, refslab_import, handle, handle),
	RESULT(ROOT_GET, refslab_root_get, handle, handle),
	CHANGED(ROOT_NEXT, refslab_root_next, name, name),
	RESULT(TYPE_CREATE, refslab_type_create, type, type),
	RESULT(TYPE_INFO, refslab_type_info, type_flags, name),
	RESULT(ALLOC, refslab_alloc, handle, handle),
	RESULT(DUP, refslab_dup, copy, copy),
	RESULT(WEAK, refslab_weak_create, weak, weak),
	RESULT(UPGRADE, refslab_upgrade, handle, handle),
	RESULT(SLOT_LOAD, refslab_slot_load, target, target),
	RESULT(OBJECT_INFO, refslab_object_info, type, object),
	CHANGED(OBJECTS, refslab_objects, cursor, count),
	CHANGED(REFERRERS, refslab_referrers, cursor, count),
	CHANGED(REFERENTS, refslab_referents, cursor, count),
	RESULT(MAP, refslab_map, length, fd),
	RESULT(THRESHOLDS, refslab_thresholds, threshold, threshold),
	RESULT(ENABLE, refslab_enable, enabled, enabled),
	RESULT(COUNTS, refslab_counts, count, count),
	RESULT(STATS, refslab_stats, runs, candidates),
	RESULT(COLLECT, refslab_collect, examined, time_ns),
	RESULT(FREEZE, refslab_freeze, objects, objects),
	RESULT(QUARANTINE, refslab_quarantine, enabled, enabled),
	RESULT(QUARANTINE, refslab_quarantine, objects, objects),
	RESULT(DEBUG, refslab_debug, debug, debug),
	RESULT(BATCH, refslab_batch, done, done),
};

/* What a byte of a call's structure is, NULL if only given. */
static const struct result *result_at(const struct call *call, size_t at)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(results); i++)
		if (results[i].request == call->request &&
		    at >= results[i].from && at < results[i].to)
			return &results[i];
	return NULL;
}

static bool is_all(const void *memory, size_t size, unsigned char byte)
{
	const unsigned char *bytes = memory;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i] != byte)
			return false;
	return true;
}

static bool zero_from_its_end(const char name[REFSLAB_NAME_MAX])
{
	size_t length = strnlen(name, REFSLAB_NAME_MAX);

	return length && is_all(name + length, REFSLAB_NAME_MAX - length, 0);
}

/* Beside its structure it writes what it says there, all of that and no more. */
static void assert_behind(const struct call *call, const union argument *x,
			  const struct scene *scene, unsigned char mark)
{
	size_t bytes = 0, handles = 0, entries = 0, i;

	switch (call->request) {
	case REFSLAB_READ:
		bytes = x->io.length;
		assert_true(is_all(scene->behind.buffer, bytes, 0));
		break;
	case REFSLAB_OBJECTS:
	case REFSLAB_REFERRERS:
	case REFSLAB_REFERENTS:
		handles = x->objects.count;
		/* a, which refers to b */
		assert_int_equal(handles, call->request == REFSLAB_OBJECTS ? 2 : 1);
		assert_true(x->objects.cursor == 0);
		for (i = 0; i < handles; i++)
			works(refslab_close(scene->fd, scene->behind.found[i]));
		break;
	case REFSLAB_BATCH:
		entries = x->batch.done;
		assert_int_equal(entries, 1);
		assert_int_equal(scene->behind.result->error, 0);
		assert_int_equal(scene->behind.result->reserved, 0);
		assert_true(is_all(scene->behind.result->data + 8, 8, 0));
		works(refslab_close(scene->fd, scene->behind.result->handle));
		break;
	}
	assert_true(is_all(scene->behind.buffer + bytes, PAYLOAD - bytes, mark));
	assert_true(is_all(scene->behind.found + handles,
			   sizeof(scene->behind.found) - handles * sizeof(uint64_t), mark));
	assert_true(is_all(scene->behind.result + entries,
			   sizeof(scene->behind.result) -
			   entries * sizeof(struct refslab_result), mark));
}

/*
 * Everything that is a result is written, whatever was there before, and nothing
 * else: neither what was given nor what follows.
 */
static void test_results(void **state)
{
	static const unsigned char marks[] = { 0xa5, 0x5a, 0x3c, 0xc3 };
	unsigned int left[sizeof(union argument)];
	union argument argument, given;
	const struct result *result;
	const struct call *call;
	struct scene scene;
	size_t run, i;

	(void)state;
	for_each_call(call) {
		memset(left, 0, sizeof(left));
		for (run = 0; run < ARRAY_SIZE(marks); run++) {
			memset(&scene.behind, marks[run], sizeof(scene.behind));
			scene_begin(&scene, call, &argument);
			scene_ask(call, &argument);
			argument.head.size = call->size;
			if (call->request == REFSLAB_READ)
				argument.io.length -= 8;
			for (i = 0; i < sizeof(argument); i++) {
				result = result_at(call, i);
				if (i >= call->size || (result && !result->given))
					argument.bytes[i] = marks[run];
			}
			given = argument;
			assert_works(&scene, call, call->request, &argument);
			for (i = 0; i < sizeof(argument); i++) {
				if (!result_at(call, i) && argument.bytes[i] != given.bytes[i])
					fail_msg("%s: byte %zu is not the call's", call->name, i);
				left[i] += argument.bytes[i] == marks[run];
			}
			if (call->request == REFSLAB_HEAP_INFO)
				assert_true(zero_from_its_end(argument.heap_info.name));
			if (call->request == REFSLAB_TYPE_INFO)
				assert_true(zero_from_its_end(argument.type_info.name));
			if (call->request == REFSLAB_ROOT_NEXT)
				assert_true(zero_from_its_end(argument.root_next.name));
			assert_behind(call, &argument, &scene, marks[run]);
			scene_end(&scene);
		}
		/* what is there by chance once is not each time */
		for (i = 0; i < call->size; i++) {
			result = result_at(call, i);
			if (result && !result->given && left[i] == ARRAY_SIZE(marks))
				fail_msg("%s: byte %zu is not written", call->name, i);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_succeed),
		cmocka_unit_test(test_32_bit),
		client_test(test_unknown),
		cmocka_unit_test(test_bad_size),
		cmocka_unit_test(test_published_size),
		cmocka_unit_test(test_longer),
		cmocka_unit_test(test_longer_number),
		cmocka_unit_test(test_longer_unknown),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_no_heap),
		cmocka_unit_test(test_bad_pointer),
		cmocka_unit_test(test_no_further),
		cmocka_unit_test(test_read_only),
		client_test(test_read_only_often),
		cmocka_unit_test(test_unaligned),
		cmocka_unit_test(test_results),
	};

	return run_as_tap(tests);
}
