/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All calls of the device, each with an argument that is right, and a heap that
 * it is tried on: for what is the same for every call.
 */
#ifndef REFSLAB_TEST_CALLS_H
#define REFSLAB_TEST_CALLS_H

#include "sharing.h"

/* Room for any structure, and for one of a page and a bit. */
union argument {
	struct { __u32 size, flags; } head;
	struct refslab_heap_create heap_create;
	struct refslab_heap_info heap_info;
	struct refslab_heap_limits heap_limits;
	struct refslab_invite invite;
	struct refslab_join join;
	struct refslab_export export;
	struct refslab_import import;
	struct refslab_map map;
	struct refslab_root_set root_set;
	struct refslab_root_get root_get;
	struct refslab_root_next root_next;
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
	struct refslab_slot_cmpxchg slot_cmpxchg;
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
	struct refslab_batch batch;
	unsigned char bytes[8192];
};

/* The heap that a call is tried on: objects a -> b, weak of a, and a type without any. */
struct scene {
	int fd;
	uint32_t type, spare;
	uint64_t a, b, weak;
	int given;	/* what a call is to be given, or 0 */
	struct refslab_op op;
	/* where calls put what does not fit into their structure */
	struct {
		char buffer[PAYLOAD];
		uint64_t found[4];
		struct refslab_result result[2];
	} behind;
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

/* Up to one without a name. */
extern const struct call calls[];

#define for_each_call(call) \
	for (call = calls; call->name; call++)

/* Whether it has a result in its structure. */
static inline bool is_out(const struct call *call)
{
	return _IOC_DIR(call->request) & _IOC_READ;
}

/* A heap, and the argument of a call on it that will work. */
void scene_begin(struct scene *scene, const struct call *call, union argument *argument);
void scene_end(struct scene *scene);

/* What would be set is asked for, where one call does both. */
void scene_ask(const struct call *call, union argument *argument);

/* It fails with this errno and has changed nothing. */
void assert_refused(int err, const struct scene *scene, const struct call *call,
		    void *argument);
void assert_works(const struct scene *scene, const struct call *call,
		  unsigned long request, void *argument);

#endif
