/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * librefslab: the calls of /dev/refslab as functions. See librefslab(3).
 *
 * A session is a descriptor, closed by close(2). A handle is a number that means
 * something in its session only; 0 is no object. Functions return 0, or where
 * it says so a number or a descriptor, or a negative errno; what the errors of
 * each call are <linux/refslab.h> says. What a pointer is to be filled with is
 * left alone on error. Flags are those of the calls; what is not said is 0.
 *
 * The library keeps nothing between calls: threads may use all of it at once,
 * also on one session.
 */
#ifndef REFSLAB_H
#define REFSLAB_H

#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <linux/refslab.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- sessions and heaps: refslab_session(3) --- */

#define REFSLAB_DEVICE	"/dev/refslab"

/* -> descriptor; flags: 0 or O_NONBLOCK, which matters to events only. */
int refslab_open(int flags);

/* name: NULL or empty for one made by the kernel; limit: 0 for the default. */
int refslab_heap_create(int session, const char *name, uint64_t limit);
int refslab_heap_info(int session, struct refslab_heap_info *info);

/* limits->size need not be set. */
int refslab_heap_limits(int session, const struct refslab_heap_limits *limits);

/* What an error of these functions means, in words; never NULL. */
const char *refslab_strerror(int error);

/* --- types: refslab_type(3) --- */

int refslab_type_create(int session, const char *name, uint32_t slots,
			uint32_t payload, uint32_t align, uint32_t *type);

/* Payloads can be mapped. */
int refslab_type_create_mapped(int session, const char *name, uint32_t slots,
			       uint32_t payload, uint32_t *type);
int refslab_type_destroy(int session, uint32_t type);
int refslab_type_info(int session, uint32_t type, struct refslab_type_info *info);

/* The type with the next higher number; -ENOENT after the last. */
int refslab_type_next(int session, uint32_t type, struct refslab_type_info *info);

/* --- handles: refslab_handle(3), refslab_weak(3) --- */

int refslab_alloc(int session, uint32_t type, uint64_t *handle);

/* flags: REFSLAB_READ_ONLY. */
int refslab_dup(int session, uint64_t handle, uint32_t flags, uint64_t *copy);
int refslab_close(int session, uint64_t handle);
int refslab_weak(int session, uint64_t handle, uint64_t *weak);

/* A handle of 0 if the object is dead. */
int refslab_upgrade(int session, uint64_t weak, uint64_t *handle);

/* --- slots: refslab_slot(3) --- */

int refslab_slot_set(int session, uint64_t handle, uint32_t slot,
		     uint64_t target);
int refslab_slot_load(int session, uint64_t handle, uint32_t slot,
		      uint64_t *target);
int refslab_slot_move(int session, uint64_t from, uint32_t from_slot,
		      uint64_t to, uint32_t to_slot);

/* -EAGAIN if the slot refers to something else than expected. */
int refslab_slot_cmpxchg(int session, uint64_t handle, uint32_t slot,
			 uint64_t expected, uint64_t target);

/* --- payload: refslab_payload(3) --- */

int refslab_read(int session, uint64_t handle, uint32_t offset, void *buffer,
		 uint32_t length);
int refslab_write(int session, uint64_t handle, uint32_t offset,
		  const void *buffer, uint32_t length);

/* -> descriptor for mmap(2); flags: REFSLAB_READ_ONLY; length may be NULL. */
int refslab_map(int session, uint64_t handle, uint32_t flags, uint64_t *length);

struct refslab_mapping {
	void *address;
	size_t length;
};

/* Maps a whole payload; the mapping is a reference to the object. */
int refslab_map_payload(int session, uint64_t handle, uint32_t flags,
			struct refslab_mapping *mapping);
int refslab_unmap_payload(struct refslab_mapping *mapping);

/* --- inspection: refslab_inspect(3) --- */

int refslab_object_info(int session, uint64_t handle,
			struct refslab_object_info *info);

/*
 * Fill handles, which has room for *count, and say in *count how many there are.
 * From a cursor of 0 to one of 0.
 */
int refslab_objects(int session, uint32_t type, uint32_t generation,
		    uint64_t *cursor, uint64_t *handles, uint32_t *count);
int refslab_referrers(int session, uint64_t handle, uint64_t *cursor,
		      uint64_t *handles, uint32_t *count);
int refslab_referents(int session, uint64_t handle, uint64_t *cursor,
		      uint64_t *handles, uint32_t *count);

/* --- sweeps: refslab_sweep(3) --- */

int refslab_thresholds_get(int session, uint32_t threshold[REFSLAB_GENERATIONS]);
int refslab_thresholds_set(int session,
			   const uint32_t threshold[REFSLAB_GENERATIONS]);
int refslab_enable_get(int session, uint32_t *enabled);
int refslab_enable_set(int session, uint32_t enabled);
int refslab_counts(int session, int64_t count[REFSLAB_GENERATIONS]);
int refslab_stats(int session, uint32_t generation, struct refslab_stats *stats);
int refslab_collect(int session, uint32_t generation,
		    struct refslab_collect *collect);

/* How many were frozen, are no longer, and are. */
int refslab_freeze(int session, uint64_t *objects);
int refslab_unfreeze(int session, uint64_t *objects);
int refslab_freeze_count(int session, uint64_t *objects);

int refslab_quarantine_get(int session, uint32_t *enabled, uint64_t *objects);
int refslab_quarantine_set(int session, uint32_t enabled);
int refslab_quarantine_drain(int session, uint64_t *objects);

/* REFSLAB_DEBUG_*. */
int refslab_debug_get(int session, uint32_t *debug);
int refslab_debug_set(int session, uint32_t debug);

/* --- sharing: refslab_share(3), refslab_root(3) --- */

/* -> descriptor; flags: REFSLAB_READ_ONLY; limit: for each who joins, 0 for none. */
int refslab_invite(int session, uint32_t flags, uint64_t limit);
int refslab_join(int session, int invitation);

/* -> descriptor; flags: REFSLAB_READ_ONLY. */
int refslab_export(int session, uint64_t handle, uint32_t flags);
int refslab_import(int session, int object, uint64_t *handle);

/* A descriptor over a UNIX socket, with a byte of data; the second -> descriptor. */
int refslab_send(int socket, int fd);
int refslab_receive(int socket);

/*
 * A heap on offer: a socket with a file of mode 0600, which the caller removes.
 * -> descriptor, not blocking, to be waited for until somebody comes.
 */
int refslab_offer(const char *path);

/* Gives the next who came an invitation, made as by refslab_invite(). */
int refslab_offer_serve(int offer, int session, uint32_t flags, uint64_t limit);

/* -> the invitation, of who offers his heap there. */
int refslab_offer_take(const char *path);

/* A handle of 0 takes the root away; flags: REFSLAB_ROOT_NEW. */
int refslab_root_set(int session, const char *name, uint64_t handle,
		     uint32_t flags);
int refslab_root_get(int session, const char *name, uint64_t *handle);

/* From an empty name; the next root's takes its place, -ENOENT after the last. */
int refslab_root_next(int session, char name[REFSLAB_NAME_MAX]);

/* --- events: refslab_event(3) --- */

/* flags: REFSLAB_EVENTS_SWEEPS, _WEAK; room: 0 for 256; eventfd: -1 for none. */
int refslab_events(int session, uint32_t flags, uint32_t room, int eventfd);

/* -> events read; waits for the first unless the session is O_NONBLOCK. */
int refslab_event_read(int session, struct refslab_event *events,
		       unsigned int count);

/*
 * -> events read, 0 after so many milliseconds without; -1 waits for ever.
 * -ENXIO where none were asked for, or no longer.
 */
int refslab_event_wait(int session, struct refslab_event *events,
		       unsigned int count, int timeout);

/* --- batches: refslab_batch(3) --- */

/* -> entries done; flags: REFSLAB_BATCH_STOP. */
int refslab_batch(int session, const struct refslab_op *ops,
		  struct refslab_result *results, unsigned int count,
		  uint32_t flags);

struct io_uring_sqe;

/*
 * The entry of io_uring's becomes this batch, which has to stay until the
 * completion; what that says is entries done, or a negative errno. user_data
 * is left alone, all else is the caller's to set afterwards.
 */
void refslab_batch_prepare(struct io_uring_sqe *sqe, int session,
			   struct refslab_batch *batch);

/* A batch in the making, for one thread at a time. */
struct refslab_builder;

int refslab_builder_new(unsigned int room, struct refslab_builder **builder);
void refslab_builder_free(struct refslab_builder *builder);
void refslab_builder_clear(struct refslab_builder *builder);

/*
 * Each adds an entry and returns a number that stands for it: where a later
 * entry wants a handle, for the one that this entry makes. What cannot be added
 * returns 0, and refslab_builder_submit() says why and does nothing.
 */
uint64_t refslab_add_alloc(struct refslab_builder *builder, uint32_t type);
uint64_t refslab_add_dup(struct refslab_builder *builder, uint64_t handle,
			 uint32_t flags);
uint64_t refslab_add_close(struct refslab_builder *builder, uint64_t handle);
uint64_t refslab_add_weak(struct refslab_builder *builder, uint64_t handle);
uint64_t refslab_add_upgrade(struct refslab_builder *builder, uint64_t weak);
uint64_t refslab_add_slot_set(struct refslab_builder *builder, uint64_t handle,
			      uint32_t slot, uint64_t target);
uint64_t refslab_add_slot_load(struct refslab_builder *builder, uint64_t handle,
			       uint32_t slot);
uint64_t refslab_add_slot_move(struct refslab_builder *builder, uint64_t from,
			       uint32_t from_slot, uint64_t to, uint32_t to_slot);
uint64_t refslab_add_slot_cmpxchg(struct refslab_builder *builder,
				  uint64_t handle, uint32_t slot,
				  uint64_t expected, uint64_t target);
uint64_t refslab_add_read(struct refslab_builder *builder, uint64_t handle,
			  uint32_t offset, uint32_t length);
uint64_t refslab_add_write(struct refslab_builder *builder, uint64_t handle,
			   uint32_t offset, const void *data, uint32_t length);

/* -> entries done; flags: REFSLAB_BATCH_STOP. */
int refslab_builder_submit(struct refslab_builder *builder, int session,
			   uint32_t flags);

/*
 * The same by io_uring: the builder is left alone until the completion. On error
 * the entry becomes one that does nothing.
 */
int refslab_builder_prepare(struct refslab_builder *builder,
			    struct io_uring_sqe *sqe, int session,
			    uint32_t flags);

/* What came of an entry that was submitted; NULL if it was not done. */
const struct refslab_result *refslab_result(const struct refslab_builder *builder,
					    uint64_t entry);

/* The handle that an entry made; 0 if it made none, for whatever reason. */
uint64_t refslab_result_handle(const struct refslab_builder *builder,
			       uint64_t entry);

/* --- what goes at the end of its scope: refslab_auto(3) --- */

/* A handle and its session: a counted reference that knows its way home. */
struct refslab_ref {
	int session;
	uint64_t handle;
};

/* The handle, which is the caller's from now on. */
static inline uint64_t refslab_ref_take(struct refslab_ref *ref)
{
	uint64_t handle = ref->handle;

	ref->handle = 0;
	return handle;
}

/* Give the reference back now. */
static inline int refslab_ref_drop(struct refslab_ref *ref)
{
	uint64_t handle = refslab_ref_take(ref);

	return handle ? refslab_close(ref->session, handle) : 0;
}

static inline void refslab_auto_close_ref(struct refslab_ref *ref)
{
	refslab_ref_drop(ref);
}

static inline void refslab_auto_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void refslab_auto_unmap(struct refslab_mapping *mapping)
{
	refslab_unmap_payload(mapping);
}

static inline void refslab_auto_free_builder(struct refslab_builder **builder)
{
	refslab_builder_free(*builder);
}

#define refslab_auto_fd \
	__attribute__((__cleanup__(refslab_auto_close_fd))) int
#define refslab_auto_ref \
	__attribute__((__cleanup__(refslab_auto_close_ref))) struct refslab_ref
#define refslab_auto_mapping \
	__attribute__((__cleanup__(refslab_auto_unmap))) struct refslab_mapping
#define refslab_auto_builder \
	__attribute__((__cleanup__(refslab_auto_free_builder))) struct refslab_builder *

#ifdef __cplusplus
}
#endif

#endif /* REFSLAB_H */
