// SPDX-License-Identifier: GPL-2.0
#include "calls.h"

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

static void fill_slot_cmpxchg(union argument *x, struct scene *scene)
{
	x->slot_cmpxchg.handle = scene->a;
	x->slot_cmpxchg.expected = scene->b;
	x->slot_cmpxchg.target = scene->a;
}

static void fill_io(union argument *x, struct scene *scene)
{
	x->io.handle = scene->a;
	x->io.length = sizeof(scene->behind.buffer);
	x->io.buffer = (uintptr_t)scene->behind.buffer;
}

static void fill_objects(union argument *x, struct scene *scene)
{
	x->objects.generation = REFSLAB_GENERATION_ANY;
	x->objects.count = ARRAY_SIZE(scene->behind.found);
	x->objects.handles = (uintptr_t)scene->behind.found;
}

static void fill_referrers(union argument *x, struct scene *scene)
{
	x->referrers.handle = scene->b;
	x->referrers.count = ARRAY_SIZE(scene->behind.found);
	x->referrers.handles = (uintptr_t)scene->behind.found;
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

static void fill_batch(union argument *x, struct scene *scene)
{
	scene->op = (struct refslab_op){ .code = REFSLAB_OP_DUP, .handle = scene->a };
	x->batch.count = 1;
	x->batch.ops = (uintptr_t)&scene->op;
	x->batch.results = (uintptr_t)scene->behind.result;
}

#define CALL(NAME, structure, first_size, reserved_at, known, filler) { \
	.name = #NAME, .request = REFSLAB_##NAME, \
	.size = sizeof(struct structure), .published = first_size, \
	.reserved = reserved_at, .flags = known, .fill = filler }
#define RESERVED(structure) offsetof(struct structure, reserved)

const struct call calls[] = {
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
	CALL(SLOT_CMPXCHG, refslab_slot_cmpxchg, 40, RESERVED(refslab_slot_cmpxchg), 0,
	     fill_slot_cmpxchg),
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
	CALL(BATCH, refslab_batch, 32, 0, REFSLAB_BATCH_STOP, fill_batch),
	{}
};

void scene_begin(struct scene *scene, const struct call *call, union argument *argument)
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

void scene_ask(const struct call *call, union argument *argument)
{
	if (call->fill == fill_thresholds || call->fill == fill_enable ||
	    call->fill == fill_freeze || call->fill == fill_quarantine ||
	    call->fill == fill_debug)
		memset(&argument->head.flags, 0, call->size - 4);
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

void scene_end(struct scene *scene)
{
	close(scene->fd);
	if (scene->given)
		close(scene->given);
}

void assert_refused(int err, const struct scene *scene, const struct call *call,
		    void *argument)
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

void assert_works(const struct scene *scene, const struct call *call,
		  unsigned long request, void *argument)
{
	if (ioctl(scene->fd, request, argument))
		fail_msg("%s: %s", call->name, strerror(errno));
}
