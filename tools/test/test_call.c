// SPDX-License-Identifier: GPL-2.0
/*
 * What is the same for every call: sizes, flags, reserved fields, pointers, and
 * that a call that fails has changed nothing.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sharing.h"

/* Room for any structure, and for one of a page and a bit. */
union argument {
	struct { __u32 size, flags; } head;
	struct refslab_heap_create heap_create;
	struct refslab_heap_limits heap_limits;
	struct refslab_invite invite;
	struct refslab_join join;
	struct refslab_export export;
	struct refslab_import import;
	struct refslab_map map;
	struct refslab_root_set root_set;
	struct refslab_root_get root_get;
	struct refslab_type_create type_create;
	struct refslab_type_destroy type_destroy;
	struct refslab_type_info type_info;
	struct refslab_alloc alloc;
	struct refslab_dup dup;
	struct refslab_close close;
	struct refslab_weak_create weak;
	struct refslab_upgrade upgrade;
	struct refslab_slot_set slot_set;
	struct refslab_slot_load slot_load;
	struct refslab_slot_move slot_move;
	struct refslab_io io;
	struct refslab_object_info object_info;
	struct refslab_objects objects;
	struct refslab_referrers referrers;
	struct refslab_thresholds thresholds;
	struct refslab_enable enable;
	struct refslab_counts counts;
	struct refslab_stats stats;
	struct refslab_collect collect;
	struct refslab_freeze freeze;
	struct refslab_quarantine quarantine;
	struct refslab_debug debug;
	struct refslab_events events;
	unsigned char bytes[8192];
};

/* The heap that a call is tried on: objects a -> b, weak of a, and a type without any. */
struct scene {
	int fd;
	uint32_t type, spare;
	uint64_t a, b, weak;
	int given;	/* what a call is to be given, or 0 */
	char buffer[PAYLOAD];
	uint64_t found[4];
};

struct call {
	const char *name;
	unsigned long request;
	size_t size;
	size_t published;	/* its first size, for good */
	size_t reserved;	/* offset of the reserved field, 0 for none */
	uint32_t flags;		/* those it knows */
	void (*fill)(union argument *argument, struct scene *scene);
};

static void fill_heap_create(union argument *x, struct scene *scene)
{
	/* Only a session without a heap may, and must not find the name taken. */
	close(scene->fd);
	scene->fd = session();
	strcpy(x->heap_create.name, "test-call");
}

static void fill_nothing(union argument *x, struct scene *scene)
{
	(void)x;
	(void)scene;
}

static void fill_join(union argument *x, struct scene *scene)
{
	scene->given = x->join.fd = refslab_invite(scene->fd, 0, 0);
	close(scene->fd);
	scene->fd = session();
}

static void fill_import(union argument *x, struct scene *scene)
{
	scene->given = x->import.fd = refslab_export(scene->fd, scene->a, 0);
}

static void fill_root_set(union argument *x, struct scene *scene)
{
	x->root_set.handle = scene->a;
	strcpy(x->root_set.name, "root");
}

static void fill_root_get(union argument *x, struct scene *scene)
{
	works(refslab_root_set(scene->fd, "root", scene->b, 0));
	strcpy(x->root_get.name, "root");
}

static void fill_root_next(union argument *x, struct scene *scene)
{
	(void)x;
	works(refslab_root_set(scene->fd, "root", scene->b, 0));
}

static void fill_map(union argument *x, struct scene *scene)
{
	x->map.handle = make(scene->fd, mapped_type(scene->fd, 0, PAYLOAD));
}

static void fill_heap_limits(union argument *x, struct scene *scene)
{
	(void)scene;
	x->heap_limits.flags = REFSLAB_LIMITS_LIMIT;
	x->heap_limits.limit = 32 << 20;
}

static void fill_type_create(union argument *x, struct scene *scene)
{
	(void)scene;
	x->type_create.slots = 1;
	x->type_create.payload = 8;
	strcpy(x->type_create.name, "test-call");
}

static void fill_type_destroy(union argument *x, struct scene *scene)
{
	x->type_destroy.type = scene->spare;
}

static void fill_type_info(union argument *x, struct scene *scene)
{
	x->type_info.type = scene->type;
}

static void fill_alloc(union argument *x, struct scene *scene)
{
	x->alloc.type = scene->type;
}

static void fill_handle(union argument *x, struct scene *scene)
{
	/* Here the handle stands in the same place in all that have one. */
	x->dup.handle = scene->a;
}

static void fill_weak(union argument *x, struct scene *scene)
{
	x->upgrade.weak = scene->weak;
}

static void fill_slot_set(union argument *x, struct scene *scene)
{
	x->slot_set.handle = scene->a;
	x->slot_set.slot = 1;
	x->slot_set.target = scene->b;
}

static void fill_slot_move(union argument *x, struct scene *scene)
{
	x->slot_move.from = x->slot_move.to = scene->a;
	x->slot_move.to_slot = 1;
}

static void fill_io(union argument *x, struct scene *scene)
{
	x->io.handle = scene->a;
	x->io.length = sizeof(scene->buffer);
	x->io.buffer = (uintptr_t)scene->buffer;
}

static void fill_objects(union argument *x, struct scene *scene)
{
	x->objects.generation = REFSLAB_GENERATION_ANY;
	x->objects.count = ARRAY_SIZE(scene->found);
	x->objects.handles = (uintptr_t)scene->found;
}

static void fill_referrers(union argument *x, struct scene *scene)
{
	x->referrers.handle = scene->b;
	x->referrers.count = ARRAY_SIZE(scene->found);
	x->referrers.handles = (uintptr_t)scene->found;
}

static void fill_referents(union argument *x, struct scene *scene)
{
	/* Where REFERRERS has it. */
	fill_referrers(x, scene);
	x->referrers.handle = scene->a;
}

static void fill_thresholds(union argument *x, struct scene *scene)
{
	(void)scene;
	x->thresholds.flags = REFSLAB_THRESHOLDS_SET;
	x->thresholds.threshold[0] = 12345;
}

static void fill_enable(union argument *x, struct scene *scene)
{
	(void)scene;
	x->enable.flags = REFSLAB_ENABLE_SET;
	x->enable.enabled = 1;
}

static void fill_freeze(union argument *x, struct scene *scene)
{
	(void)scene;
	x->freeze.flags = REFSLAB_FREEZE_ON;
}

static void fill_quarantine(union argument *x, struct scene *scene)
{
	(void)scene;
	x->quarantine.flags = REFSLAB_QUARANTINE_SET;
	x->quarantine.enabled = 1;
}

static void fill_debug(union argument *x, struct scene *scene)
{
	(void)scene;
	x->debug.flags = REFSLAB_DEBUG_SET;
	x->debug.debug = REFSLAB_DEBUG_SAVEALL;
}

static void fill_events(union argument *x, struct scene *scene)
{
	(void)scene;
	x->events.flags = REFSLAB_EVENTS_SWEEPS | REFSLAB_EVENTS_WEAK;
	x->events.room = 16;
}

#define CALL(NAME, structure, first_size, reserved_at, known, filler) { \
	.name = #NAME, .request = REFSLAB_##NAME, \
	.size = sizeof(struct structure), .published = first_size, \
	.reserved = reserved_at, .flags = known, .fill = filler }
#define RESERVED(structure) offsetof(struct structure, reserved)

static const struct call calls[] = {
	CALL(HEAP_CREATE, refslab_heap_create, 48, 0, 0, fill_heap_create),
	CALL(HEAP_INFO, refslab_heap_info, 128, 0, 0, fill_nothing),
	CALL(HEAP_LIMITS, refslab_heap_limits, 40, 0, 15, fill_heap_limits),
	CALL(INVITE, refslab_invite, 24, RESERVED(refslab_invite),
	     REFSLAB_READ_ONLY, fill_nothing),
	CALL(JOIN, refslab_join, 16, RESERVED(refslab_join), 0, fill_join),
	CALL(EXPORT, refslab_export, 24, RESERVED(refslab_export),
	     REFSLAB_READ_ONLY, fill_handle),
	CALL(IMPORT, refslab_import, 24, RESERVED(refslab_import), 0, fill_import),
	CALL(ROOT_SET, refslab_root_set, 48, 0, REFSLAB_ROOT_NEW, fill_root_set),
	CALL(ROOT_GET, refslab_root_get, 48, 0, 0, fill_root_get),
	CALL(ROOT_NEXT, refslab_root_next, 40, 0, 0, fill_root_next),
	CALL(TYPE_CREATE, refslab_type_create, 56, 0, REFSLAB_TYPE_MAPPED,
	     fill_type_create),
	CALL(TYPE_DESTROY, refslab_type_destroy, 16, RESERVED(refslab_type_destroy),
	     0, fill_type_destroy),
	CALL(TYPE_INFO, refslab_type_info, 80, 0, REFSLAB_TYPE_INFO_NEXT,
	     fill_type_info),
	CALL(ALLOC, refslab_alloc, 24, RESERVED(refslab_alloc), 0, fill_alloc),
	CALL(DUP, refslab_dup, 24, 0, REFSLAB_READ_ONLY, fill_handle),
	CALL(CLOSE, refslab_close, 16, 0, 0, fill_handle),
	CALL(WEAK, refslab_weak_create, 24, 0, 0, fill_handle),
	CALL(UPGRADE, refslab_upgrade, 24, 0, 0, fill_weak),
	CALL(SLOT_SET, refslab_slot_set, 32, RESERVED(refslab_slot_set), 0,
	     fill_slot_set),
	CALL(SLOT_LOAD, refslab_slot_load, 32, RESERVED(refslab_slot_load), 0,
	     fill_handle),
	CALL(SLOT_MOVE, refslab_slot_move, 32, 0, 0, fill_slot_move),
	CALL(READ, refslab_io, 32, 0, 0, fill_io),
	CALL(WRITE, refslab_io, 32, 0, 0, fill_io),
	CALL(OBJECT_INFO, refslab_object_info, 40, 0, 0, fill_handle),
	CALL(OBJECTS, refslab_objects, 40, RESERVED(refslab_objects), 0,
	     fill_objects),
	CALL(REFERRERS, refslab_referrers, 40, RESERVED(refslab_referrers), 0,
	     fill_referrers),
	CALL(REFERENTS, refslab_referents, 40, RESERVED(refslab_referents), 0,
	     fill_referents),
	CALL(MAP, refslab_map, 32, RESERVED(refslab_map), REFSLAB_READ_ONLY, fill_map),
	CALL(THRESHOLDS, refslab_thresholds, 24, RESERVED(refslab_thresholds),
	     REFSLAB_THRESHOLDS_SET, fill_thresholds),
	CALL(ENABLE, refslab_enable, 16, RESERVED(refslab_enable),
	     REFSLAB_ENABLE_SET, fill_enable),
	CALL(COUNTS, refslab_counts, 32, 0, 0, fill_nothing),
	CALL(STATS, refslab_stats, 72, RESERVED(refslab_stats), 0, fill_nothing),
	CALL(COLLECT, refslab_collect, 48, RESERVED(refslab_collect), 0,
	     fill_nothing),
	CALL(FREEZE, refslab_freeze, 16, 0,
	     REFSLAB_FREEZE_ON | REFSLAB_FREEZE_OFF, fill_freeze),
	CALL(QUARANTINE, refslab_quarantine, 24, RESERVED(refslab_quarantine),
	     REFSLAB_QUARANTINE_SET | REFSLAB_QUARANTINE_DRAIN, fill_quarantine),
	CALL(DEBUG, refslab_debug, 16, RESERVED(refslab_debug), REFSLAB_DEBUG_SET,
	     fill_debug),
	CALL(EVENTS, refslab_events, 16, 0, REFSLAB_EVENTS_SWEEPS |
	     REFSLAB_EVENTS_WEAK | REFSLAB_EVENTS_FD, fill_events),
};

static bool is_out(const struct call *call)
{
	return _IOC_DIR(call->request) & _IOC_READ;
}

static void scene_begin(struct scene *scene, const struct call *call,
			union argument *argument)
{
	scene->fd = session_with_heap(0);
	scene->type = type(scene->fd, 2, PAYLOAD);
	scene->spare = type(scene->fd, 2, PAYLOAD);
	scene->a = make(scene->fd, scene->type);
	scene->b = make(scene->fd, scene->type);
	fill(scene->fd, scene->a, 0, scene->b);
	works(refslab_weak(scene->fd, scene->a, &scene->weak));
	memset(argument, 0, sizeof(*argument));
	scene->given = 0;
	call->fill(argument, scene);
	argument->head.size = call->size;
}

/* All that a call could have changed. */
struct picture {
	struct refslab_heap_info info;
	uint32_t threshold[REFSLAB_GENERATIONS], enabled;
	uint64_t count_a, count_b, runs, frozen;
	uint64_t quarantined;
	uint32_t quarantine;
	char payload[PAYLOAD];
	unsigned int fds;
	bool no_heap;
};

static void look(const struct scene *scene, struct picture *picture)
{
	memset(picture, 0, sizeof(*picture));
	picture->fds = open_fds();
	if (refslab_heap_info(scene->fd, &picture->info) == -ENXIO) {
		picture->no_heap = true;
		return;
	}
	works(refslab_heap_info(scene->fd, &picture->info));
	/* What the pool has in store may change by itself. */
	picture->info.bytes = picture->info.cached = 0;
	works(refslab_thresholds_get(scene->fd, picture->threshold));
	works(refslab_enable_get(scene->fd, &picture->enabled));
	picture->count_a = count_of(scene->fd, scene->a);
	picture->count_b = count_of(scene->fd, scene->b);
	picture->runs = runs_of(scene->fd);
	works(refslab_freeze_count(scene->fd, &picture->frozen));
	works(refslab_quarantine_get(scene->fd, &picture->quarantine,
				     &picture->quarantined));
	works(refslab_read(scene->fd, scene->a, 0, picture->payload, PAYLOAD));
}

static void scene_end(struct scene *scene)
{
	close(scene->fd);
	if (scene->given)
		close(scene->given);
}

static void assert_refused(int err, const struct scene *scene,
			   const struct call *call, void *argument)
{
	struct picture before, after;
	int got;

	look(scene, &before);
	got = ioctl(scene->fd, call->request, argument) < 0 ? errno : 0;
	if (got != err)
		fail_msg("%s: errno %d (%s), not %d", call->name, got,
			 strerror(got), err);
	look(scene, &after);
	if (memcmp(&before, &after, sizeof(before)))
		fail_msg("%s failed with errno %d, and changed something",
			 call->name, err);
}

static void assert_works(const struct scene *scene, const struct call *call,
			 unsigned long request, void *argument)
{
	if (ioctl(scene->fd, request, argument))
		fail_msg("%s: %s", call->name, strerror(errno));
}

#define for_each_call(call) \
	for (call = calls; call < calls + ARRAY_SIZE(calls); call++)

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
	assert_int_equal(tried, 18);
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

/* A page whose faults are told to us, and how many there were. */
struct told_page {
	int fd;
	unsigned long page;
	_Atomic unsigned int faults;
	_Atomic bool end;
	pthread_t thread;
};

static void *serve_faults(void *argument)
{
	struct told_page *told = argument;
	struct pollfd wait = { .fd = told->fd, .events = POLLIN };
	struct uffdio_zeropage zeroes = { .range = { told->page, sysconf(_SC_PAGESIZE) } };
	struct uffd_msg message;

	while (!told->end) {
		poll(&wait, 1, 10);
		if (read(told->fd, &message, sizeof(message)) != sizeof(message))
			continue;
		told->faults++;
		/* who faulted goes on */
		ioctl(told->fd, UFFDIO_ZEROPAGE, &zeroes);
	}
	return NULL;
}

/* False where there is no such thing. */
static bool told_page_begin(struct told_page *told, void *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (unsigned long)page, sysconf(_SC_PAGESIZE) },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	told->page = (unsigned long)page;
	told->faults = 0;
	told->end = false;
	told->fd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (told->fd < 0)
		return false;
	works(ioctl(told->fd, UFFDIO_API, &api));
	works(ioctl(told->fd, UFFDIO_REGISTER, &range));
	works(pthread_create(&told->thread, NULL, serve_faults, told));
	return true;
}

static void told_page_end(struct told_page *told)
{
	told->end = true;
	pthread_join(told->thread, NULL);
	close(told->fd);
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

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	if (!told_page_begin(&told, pages + page))
		skip();
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
		if (call->fill == fill_thresholds || call->fill == fill_enable ||
		    call->fill == fill_freeze || call->fill == fill_quarantine ||
		    call->fill == fill_debug)
			memset(&argument.head.flags, 0, call->size - 4);
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
	assert_int_equal(tried, 25);
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
	};

	return run_as_tap(tests);
}
