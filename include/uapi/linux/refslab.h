/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * refslab: typed object heaps with reference counts and a cycle collector.
 * The interface of /dev/refslab.
 *
 * An open file of the device is a session. A session makes a heap
 * (REFSLAB_HEAP_CREATE), in it types (REFSLAB_TYPE_CREATE), and of these types
 * objects (REFSLAB_ALLOC). A session names an object by a handle: each handle
 * is one counted reference, as is each slot of an object that is filled. An
 * object whose last reference goes is freed at once; a cycle that nothing
 * outside reaches is found and freed by the heap's sweeper. When the last
 * descriptor of a session goes, by close(2) or because its process died, so do
 * its handles; when a heap's last descriptor of any kind goes, so does the heap:
 * either at once, or if another user than its maker has dropped it, soon after.
 * A session's maker is who has bound it to its heap.
 *
 *	session	HEAP_CREATE	bind this session to a new heap
 *	heap	HEAP_INFO	name, limits, use
 *		HEAP_LIMITS	set limit, reserve and watermarks
 *	sharing	INVITE		-> descriptor by which other sessions join
 *		JOIN		bind this session to the heap of an invitation
 *		EXPORT		-> descriptor of an object
 *		IMPORT		-> handle of an exported object
 *		ROOT_SET	let the heap keep an object under a name
 *		ROOT_GET	-> handle of what it keeps
 *		ROOT_NEXT	list the names
 *	types	TYPE_CREATE	-> type number
 *		TYPE_DESTROY	EBUSY while objects of the type live
 *		TYPE_INFO	look at one type, or at the next one
 *	handles	ALLOC		-> handle of a fresh object
 *		DUP		-> another handle of the same object
 *		CLOSE		give a handle's reference back
 *		WEAK		-> weak handle, which keeps nothing alive
 *		UPGRADE		-> handle of what a weak handle names
 *	slots	SLOT_SET	let a slot refer to an object, or to nothing
 *		SLOT_LOAD	-> handle of what a slot refers to
 *		SLOT_MOVE	move a reference from one slot to another
 *		SLOT_CMPXCHG	let a slot refer to another object if unchanged
 *	payload	READ, WRITE	copy bytes out of and into an object
 *		OBJECT_INFO	type, count, generation
 *		MAP		-> descriptor of a payload, for mmap(2)
 *	inspection OBJECTS	-> handles of objects that live
 *		REFERRERS	-> handles of objects that refer to one
 *		REFERENTS	-> handles of objects that one refers to
 *	sweeps	THRESHOLDS	get, or set, the three thresholds
 *		ENABLE		switch automatic sweeps on or off, or ask
 *		COUNTS		what the thresholds are compared with
 *		STATS		what sweeps of one generation have done
 *		COLLECT		sweep now
 *		FREEZE		put objects out of the sweeps' sight, or back
 *		QUARANTINE	keep what sweeps would free, for debugging
 *		DEBUG		that, and sweeps in the kernel's log, as flags
 *	many	BATCH		many operations in one call
 *	events	EVENTS		ask for sweeps and deaths by read(2) and poll(2)
 *
 * More about sharing, batches, events and mapped payloads is said in headers of
 * their own, refslab/share.h, batch.h, event.h and map.h.
 *
 * Every structure begins with its own size in bytes, which the caller sets to
 * sizeof(). A shorter structure than the kernel's is read as if it went on in
 * zeroes, and what the kernel has beyond it is not copied back; a longer one
 * is accepted if what the kernel does not know is zero. Fields marked "out"
 * are ignored on entry. Reserved fields and unknown flags must be zero.
 *
 * Errors, the same for every call:
 *
 *	ENOTTY	no such call
 *	EINVAL	size too small or unreasonable (more than a page), unknown
 *		flag, reserved field not zero, a number out of its range
 *	E2BIG	the caller's structure says something this kernel does not know
 *	EFAULT	a pointer does not point to the caller's memory
 *	ENXIO	the session has no heap yet
 *	EOVERFLOW the object has 2^25 references, or 1024 weak handles (with
 *		others that share its place in a table): no more for it
 *	EBADF	no such handle in this session, one closed already, or a weak
 *		one where another is wanted and the other way round; no such
 *		descriptor, or not of the kind wanted
 *	EACCES	the handle is read-only, or the session is
 *	ENOENT	no such type in this heap, no such root
 *	ENOSPC	the heap's limit, the session's, that of all heaps of the user
 *		together, or the limit of handles, types or roots, is reached
 *	EMFILE	the process has as many descriptors as it may
 *	ENFILE	the system has
 *	ENOMEM	the kernel or the memory cgroup has no memory
 *	EINTR	a signal came before anything was done
 *
 * and where a call says so:
 *
 *	EBUSY	HEAP_CREATE, JOIN: the session has a heap already; TYPE_DESTROY:
 *		objects of the type live
 *	EEXIST	HEAP_CREATE, TYPE_CREATE, ROOT_SET: the name is taken
 *	EDQUOT	HEAP_CREATE: the user has all the heaps that he may have
 *	EXDEV	IMPORT: the object is of another heap
 *	EAGAIN	SLOT_CMPXCHG: the slot refers to something else
 *	ENODEV	MAP: the type's payloads cannot be mapped
 *	ECANCELED in a BATCH: what the entry refers to failed
 *	EOPNOTSUPP COLLECT: the heap's sweeper stopped after an internal error
 *
 * A call that fails has changed nothing: where the result cannot be written
 * back (EFAULT), what was made is taken back. Exceptions are COLLECT, FREEZE
 * and QUARANTINE, and the setting of THRESHOLDS, ENABLE and DEBUG: what these
 * have done when only the answer gets lost stays done; and WRITE, which may have
 * written a part when it fails with EFAULT. BATCH says its own.
 *
 * Handles are 64-bit numbers, never zero; zero stands for "no object". They
 * mean nothing outside the session that got them. Weak handles are handles of
 * another kind: they count against the same limit and are closed by CLOSE, but
 * are no references, and of the other calls only UPGRADE takes them.
 */
#ifndef _UAPI_LINUX_REFSLAB_H
#define _UAPI_LINUX_REFSLAB_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/refslab/batch.h>
#include <linux/refslab/event.h>
#include <linux/refslab/map.h>
#include <linux/refslab/share.h>

#define REFSLAB_NAME_MAX	32	/* bytes of a name, with its final zero */
#define REFSLAB_GENERATIONS	3
#define REFSLAB_GENERATION_FROZEN 3	/* of objects that no sweep looks at */
#define REFSLAB_SLOTS_MAX	1024	/* slots of one object of a user heap */
#define REFSLAB_PAYLOAD_MAX	8192	/* payload bytes of one object, likewise */
#define REFSLAB_OBJECT_BYTES_MAX 16000	/* header, slots, padding and payload */

typedef __u64 refslab_handle_t;

/**
 * struct refslab_heap_create - make a heap and bind the session to it
 * @size: sizeof(struct refslab_heap_create)
 * @flags: zero
 * @limit: most bytes the heap may take from the system, rounded up to chunks;
 *	0 for the module's default
 * @name: shown in sysfs; letters, digits, '-', '_', and '.', which it does not
 *	begin with; empty for a name made by the kernel, "heap-" and a number.
 *	Otherwise "version", and what begins with "heap-" and a digit, count as
 *	taken
 *
 * Memory is charged to the caller's memory cgroup, also what other sessions of
 * the heap allocate later. The heap, and the memory of all heaps together, count
 * for his real user id, unless he has CAP_SYS_RESOURCE in the initial user
 * namespace: module parameters heaps_max and memory_max.
 */
struct refslab_heap_create {
	__u32	size;
	__u32	flags;
	__u64	limit;
	char	name[REFSLAB_NAME_MAX];
};

#define REFSLAB_SESSION_READ_ONLY (1U << 0)	/* it can change nothing */
#define REFSLAB_SESSION_JOINED	(1U << 1)	/* another one made the heap */

/**
 * struct refslab_heap_info - a heap's name, limits and use
 * @size: sizeof(struct refslab_heap_info)
 * @flags: zero
 * @name: out: as in sysfs
 * @chunk_bytes: out: size of a chunk
 * @limit: out: most bytes the pool may hold
 * @reserve: out: bytes the pool never goes below
 * @low: out: bytes of cached empty chunks below which the pool fills up
 * @high: out: bytes of cached empty chunks above which the pool gives back
 * @bytes: out: bytes the pool holds now
 * @cached: out: of these, in empty chunks ready for use
 * @objects: out: objects alive
 * @types: out: types in the heap
 * @handles: out: handles of this session
 * @handles_max: out: most handles this session may have
 * @sessions: out: sessions of the heap
 * @session_flags: out: REFSLAB_SESSION_*
 * @session_limit: out: most bytes for objects of this session, 0 for no limit
 * @session_bytes: out: bytes its living objects take; 0 without a limit
 */
struct refslab_heap_info {
	__u32	size;
	__u32	flags;
	char	name[REFSLAB_NAME_MAX];
	__u64	chunk_bytes;
	__u64	limit;
	__u64	reserve;
	__u64	low;
	__u64	high;
	__u64	bytes;
	__u64	cached;
	__u64	objects;
	__u64	types;
	__u64	handles;
	__u64	handles_max;
	__u32	sessions;
	__u32	session_flags;
	__u64	session_limit;
	__u64	session_bytes;
};

#define REFSLAB_LIMITS_LIMIT	(1U << 0)
#define REFSLAB_LIMITS_RESERVE	(1U << 1)
#define REFSLAB_LIMITS_LOW	(1U << 2)
#define REFSLAB_LIMITS_HIGH	(1U << 3)

/**
 * struct refslab_heap_limits - set a heap's limits
 * @size: sizeof(struct refslab_heap_limits)
 * @flags: which of the fields to set, REFSLAB_LIMITS_*; the others must be zero
 * @limit: bytes, at least @reserve; below what is held already it stops growth
 *	and gives back what is cached
 * @reserve: bytes, at most @limit; ENOMEM if they cannot be had, ENOSPC if all
 *	heaps of the user would have more than they may, or mapped payloads take
 *	what of the limit there is
 * @low: bytes, at most @high
 * @high: bytes
 */
struct refslab_heap_limits {
	__u32	size;
	__u32	flags;
	__u64	limit;
	__u64	reserve;
	__u64	low;
	__u64	high;
};

#define REFSLAB_TYPE_FLAG_LEAF	(1U << 0)	/* out: has no slots */
#define REFSLAB_TYPE_FLAG_MAPPED (1U << 1)	/* out: REFSLAB_TYPE_MAPPED */

/**
 * struct refslab_type_create - make a type
 * @size: sizeof(struct refslab_type_create)
 * @flags: REFSLAB_TYPE_MAPPED: payloads are on pages that can be mapped
 * @slots: slots of each object, 0 to REFSLAB_SLOTS_MAX
 * @payload: payload bytes of each object, 0 to REFSLAB_PAYLOAD_MAX; with
 *	REFSLAB_TYPE_MAPPED 1 to REFSLAB_MAPPED_MAX
 * @align: alignment of the payload, a power of two up to 4096, 0 for 8; with
 *	REFSLAB_TYPE_MAPPED, where payloads begin at a page, without effect
 * @type: out: the type's number in the heap, never 0
 * @name: shown in sysfs; not empty; letters, digits, '-', '_', and '.', which it
 *	does not begin with
 *
 * A fresh object's slots are empty and its payload is zero. @slots and
 * @payload must not both be 0, and an object of both, with 16 bytes of header
 * and what @align adds, must not exceed REFSLAB_OBJECT_BYTES_MAX; of a mapped
 * payload 8 bytes count.
 */
struct refslab_type_create {
	__u32	size;
	__u32	flags;
	__u32	slots;
	__u32	payload;
	__u32	align;
	__u32	type;
	char	name[REFSLAB_NAME_MAX];
};

/**
 * struct refslab_type_destroy - remove a type that has no objects
 * @size: sizeof(struct refslab_type_destroy)
 * @flags: zero
 * @type: its number
 * @reserved: zero
 */
struct refslab_type_destroy {
	__u32	size;
	__u32	flags;
	__u32	type;
	__u32	reserved;
};

#define REFSLAB_TYPE_INFO_NEXT	(1U << 0)

/**
 * struct refslab_type_info - look at a type
 * @size: sizeof(struct refslab_type_info)
 * @flags: REFSLAB_TYPE_INFO_NEXT: the type with the lowest number above @type,
 *	ENOENT when there is none; start from 0 to list all
 * @type: in and out: its number
 * @type_flags: out: REFSLAB_TYPE_FLAG_*
 * @slots: out: slots of each object
 * @payload: out: payload bytes of each object
 * @object_size: out: bytes from one object to the next, which sysfs calls
 *	slab_size
 * @slab_objects: out: objects a slab holds
 * @objects: out: objects alive
 * @slabs: out: slabs in use
 * @name: out
 */
struct refslab_type_info {
	__u32	size;
	__u32	flags;
	__u32	type;
	__u32	type_flags;
	__u32	slots;
	__u32	payload;
	__u32	object_size;
	__u32	slab_objects;
	__u64	objects;
	__u64	slabs;
	char	name[REFSLAB_NAME_MAX];
};

/**
 * struct refslab_alloc - allocate an object
 * @size: sizeof(struct refslab_alloc)
 * @flags: zero
 * @type: number of its type
 * @reserved: zero
 * @handle: out
 */
struct refslab_alloc {
	__u32	size;
	__u32	flags;
	__u32	type;
	__u32	reserved;
	__u64	handle;
};

/**
 * struct refslab_dup - make a second handle
 * @size: sizeof(struct refslab_dup)
 * @flags: REFSLAB_READ_ONLY: a read-only one
 * @handle: an open handle
 * @copy: out: the new one, of the same object
 */
struct refslab_dup {
	__u32	size;
	__u32	flags;
	__u64	handle;
	__u64	copy;
};

/**
 * struct refslab_close - give a handle back
 * @size: sizeof(struct refslab_close)
 * @flags: zero
 * @handle: an open handle, weak or not, closed afterwards
 */
struct refslab_close {
	__u32	size;
	__u32	flags;
	__u64	handle;
};

/**
 * struct refslab_weak_create - make a weak handle
 * @size: sizeof(struct refslab_weak_create)
 * @flags: zero
 * @handle: an open handle, not a weak one
 * @weak: out: a weak handle of the same object
 *
 * The object dies as if there were no weak handle. From that instant on, which
 * for a garbage cycle is the same for all its members, the weak handle is dead;
 * it stays open until it is closed.
 */
struct refslab_weak_create {
	__u32	size;
	__u32	flags;
	__u64	handle;
	__u64	weak;
};

/**
 * struct refslab_upgrade - get a handle of what a weak handle names
 * @size: sizeof(struct refslab_upgrade)
 * @flags: zero
 * @weak: an open weak handle; stays open
 * @handle: out: a new handle of the object, 0 if it is dead
 *
 * ENOSPC, if the session has all handles it may have, tells nothing about the
 * object.
 */
struct refslab_upgrade {
	__u32	size;
	__u32	flags;
	__u64	weak;
	__u64	handle;
};

/**
 * struct refslab_slot_set - fill or empty a slot
 * @size: sizeof(struct refslab_slot_set)
 * @flags: zero
 * @handle: the object that has the slot
 * @slot: number of the slot, from 0
 * @reserved: zero
 * @target: handle of the object to refer to, 0 to empty the slot
 *
 * What the slot referred to before loses that reference.
 */
struct refslab_slot_set {
	__u32	size;
	__u32	flags;
	__u64	handle;
	__u32	slot;
	__u32	reserved;
	__u64	target;
};

/**
 * struct refslab_slot_load - get a handle of what a slot refers to
 * @size: sizeof(struct refslab_slot_load)
 * @flags: zero
 * @handle: the object that has the slot
 * @slot: number of the slot, from 0
 * @reserved: zero
 * @target: out: a new handle, 0 if the slot is empty
 */
struct refslab_slot_load {
	__u32	size;
	__u32	flags;
	__u64	handle;
	__u32	slot;
	__u32	reserved;
	__u64	target;
};

/**
 * struct refslab_slot_move - move a reference from one slot to another
 * @size: sizeof(struct refslab_slot_move)
 * @flags: zero
 * @from: the object whose slot is emptied
 * @to: the object whose slot is filled; may be the same object
 * @from_slot: number of the slot to empty
 * @to_slot: number of the slot to fill; what it held loses that reference
 *
 * An empty @from_slot empties @to_slot. Moving a slot to itself does nothing.
 */
struct refslab_slot_move {
	__u32	size;
	__u32	flags;
	__u64	from;
	__u64	to;
	__u32	from_slot;
	__u32	to_slot;
};

/**
 * struct refslab_slot_cmpxchg - fill or empty a slot if it is as expected
 * @size: sizeof(struct refslab_slot_cmpxchg)
 * @flags: zero
 * @handle: the object that has the slot
 * @slot: number of the slot, from 0
 * @reserved: zero
 * @expected: handle of what the slot is to refer to now, 0 for nothing; may be
 *	a read-only one
 * @target: handle of the object to refer to, 0 to empty the slot
 *
 * One step, also among sessions that share the heap. EAGAIN if the slot refers
 * to something else. What @expected names cannot have gone and come back
 * meanwhile: the handle keeps it.
 */
struct refslab_slot_cmpxchg {
	__u32	size;
	__u32	flags;
	__u64	handle;
	__u32	slot;
	__u32	reserved;
	__u64	expected;
	__u64	target;
};

/**
 * struct refslab_io - copy payload
 * @size: sizeof(struct refslab_io)
 * @flags: zero
 * @handle: the object
 * @offset: first byte of the payload; @offset + @length must not be more than
 *	the type's payload, EINVAL
 * @length: bytes
 * @buffer: the caller's memory
 *
 * With EFAULT an unknown part of the destination has been written.
 */
struct refslab_io {
	__u32	size;
	__u32	flags;
	__u64	handle;
	__u32	offset;
	__u32	length;
	__u64	buffer;
};

#define REFSLAB_OBJECT_TRACKED	(1U << 0)	/* sweeps look at it */
#define REFSLAB_OBJECT_QUARANTINED (1U << 1)	/* a sweep would have freed it */
#define REFSLAB_OBJECT_READ_ONLY (1U << 2)	/* the handle is read-only */

/**
 * struct refslab_object_info - look at an object
 * @size: sizeof(struct refslab_object_info)
 * @flags: zero
 * @handle: the object
 * @type: out: number of its type
 * @generation: out: sweeps survived, at most 2; REFSLAB_GENERATION_FROZEN for
 *	what is frozen or in quarantine; 0 for leaf types
 * @count: out: references to it, from handles, slots and the kernel
 * @slots: out: slots it has
 * @payload: out: payload bytes it has
 * @object_flags: out: REFSLAB_OBJECT_*
 * @object: out: its number in the heap, never zero, as in tracepoints and in the
 *	kernel's log; another object's once it is dead
 *
 * Two open handles are of the same object if @object is the same.
 */
struct refslab_object_info {
	__u32	size;
	__u32	flags;
	__u64	handle;
	__u32	type;
	__u32	generation;
	__u64	count;
	__u32	slots;
	__u32	payload;
	__u32	object_flags;
	__u32	object;
};

#define REFSLAB_INSPECT_MAX	1024	/* handles that one call makes */
#define REFSLAB_GENERATION_ANY	0xffffffffU

/**
 * struct refslab_objects - get handles of the objects that live
 * @size: sizeof(struct refslab_objects)
 * @flags: zero
 * @type: only objects of this type; 0 for any
 * @generation: only objects of this generation, as REFSLAB_OBJECT_INFO says it;
 *	REFSLAB_GENERATION_ANY for any; EINVAL for what is neither
 * @cursor: in: 0 to begin, else what the call before gave; out: what the next
 *	call is to be given, 0 if there is none to be made
 * @count: in: room in @handles, 1 to REFSLAB_INSPECT_MAX; out: how many there
 *	are
 * @reserved: zero
 * @handles: array of __u64 in the caller's memory, for the new handles
 *
 * A call looks at a limited part of the heap, so it may give less than there is
 * room for, or nothing at all, and yet not be the last. Objects that live all
 * the time are found once; what comes, goes or changes its generation meanwhile
 * may be. Garbage that no sweep has found yet lives, and the handle keeps it.
 * Objects that have as many references as they may are left out.
 *
 * A call that fails, with ENOSPC because the session may not have that many
 * handles too, leaves none behind; with EFAULT part of @handles may have been
 * written.
 */
struct refslab_objects {
	__u32	size;
	__u32	flags;
	__u32	type;
	__u32	generation;
	__u64	cursor;
	__u32	count;
	__u32	reserved;
	__u64	handles;
};

/**
 * struct refslab_referrers - get handles of the objects that refer to one
 * @size: sizeof(struct refslab_referrers)
 * @flags: zero
 * @handle: an open handle of the one
 * @cursor: as in &struct refslab_objects, and likewise what follows
 * @count: in and out
 * @reserved: zero
 * @handles: array of __u64 in the caller's memory, for the new handles
 *
 * An object with several slots that refer to it is found once; so is the object
 * itself, if it has one. What handles there are of it does not show.
 */
struct refslab_referrers {
	__u32	size;
	__u32	flags;
	__u64	handle;
	__u64	cursor;
	__u32	count;
	__u32	reserved;
	__u64	handles;
};

/**
 * struct refslab_referents - get handles of the objects that one refers to
 * @size: sizeof(struct refslab_referents)
 * @flags: zero
 * @handle: an open handle of the one
 * @cursor: as in &struct refslab_objects, and likewise what follows
 * @count: in and out
 * @reserved: zero
 * @handles: array of __u64 in the caller's memory, for the new handles
 *
 * A handle for each slot that is filled, in the order of the slots.
 */
struct refslab_referents {
	__u32	size;
	__u32	flags;
	__u64	handle;
	__u64	cursor;
	__u32	count;
	__u32	reserved;
	__u64	handles;
};

#define REFSLAB_THRESHOLDS_SET	(1U << 0)

/**
 * struct refslab_thresholds - get or set the sweep thresholds
 * @size: sizeof(struct refslab_thresholds)
 * @flags: REFSLAB_THRESHOLDS_SET to set; without it @threshold is out
 * @threshold: [0]: allocations minus frees beyond which a sweep of generation 0
 *	starts, 0 never; [1]: sweeps of generation 0 beyond which one of
 *	generation 1 runs instead; [2]: likewise of generation 1 and 2; each at
 *	most 2147483647
 * @reserved: zero
 *
 * A heap that does nothing for some seconds is swept below its thresholds too,
 * unless [0] is 0.
 */
struct refslab_thresholds {
	__u32	size;
	__u32	flags;
	__u32	threshold[REFSLAB_GENERATIONS];
	__u32	reserved;
};

#define REFSLAB_ENABLE_SET	(1U << 0)

/**
 * struct refslab_enable - automatic sweeps
 * @size: sizeof(struct refslab_enable)
 * @flags: REFSLAB_ENABLE_SET to set; without it @enabled is out
 * @enabled: 1 on, 0 off; REFSLAB_COLLECT works either way
 * @reserved: zero
 */
struct refslab_enable {
	__u32	size;
	__u32	flags;
	__u32	enabled;
	__u32	reserved;
};

/**
 * struct refslab_counts - what the thresholds are compared with
 * @size: sizeof(struct refslab_counts)
 * @flags: zero
 * @count: out: [0]: allocations minus frees of objects with slots since the
 *	last sweep; [1], [2]: sweeps of the next younger generation since the
 *	last one of this
 */
struct refslab_counts {
	__u32	size;
	__u32	flags;
	__s64	count[REFSLAB_GENERATIONS];
};

/**
 * struct refslab_stats - what the sweeps of one generation have done
 * @size: sizeof(struct refslab_stats)
 * @flags: zero
 * @generation: 0 to 2
 * @reserved: zero
 * @runs: out: sweeps
 * @examined: out: objects gathered
 * @freed: out: objects freed as members of garbage cycles, or as what only
 *	these reached; not what was left to the kernel's workqueue: of what they
 *	reached, what is too much for a sweep, and objects with mapped payloads
 * @unfreed: out: objects that looked like garbage, were touched meanwhile and
 *	left to a later sweep
 * @aborts: out: commits given up because an object was touched or looked up
 *	meanwhile
 * @time_ns: out: nanoseconds spent
 * @longest_ns: out: nanoseconds of the longest one
 * @candidates: out: of the objects gathered, those that the sweeps began with
 *
 * What Python's gc.get_stats() calls collections, collected, uncollectable,
 * candidates and duration is @runs, @freed, @unfreed, @candidates and @time_ns.
 */
struct refslab_stats {
	__u32	size;
	__u32	flags;
	__u32	generation;
	__u32	reserved;
	__u64	runs;
	__u64	examined;
	__u64	freed;
	__u64	unfreed;
	__u64	aborts;
	__u64	time_ns;
	__u64	longest_ns;
	__u64	candidates;
};

/**
 * struct refslab_collect - sweep now
 * @size: sizeof(struct refslab_collect)
 * @flags: zero
 * @generation: 0 to 2; 2 looks at every candidate
 * @reserved: zero
 * @examined: out: as in &struct refslab_stats, of this sweep
 * @freed: out
 * @unfreed: out
 * @time_ns: out
 *
 * Runs in the caller's context; waits for a sweep under way first.
 */
struct refslab_collect {
	__u32	size;
	__u32	flags;
	__u32	generation;
	__u32	reserved;
	__u64	examined;
	__u64	freed;
	__u64	unfreed;
	__u64	time_ns;
};

#define REFSLAB_FREEZE_ON	(1U << 0)
#define REFSLAB_FREEZE_OFF	(1U << 1)

/**
 * struct refslab_freeze - put all objects out of the sweeps' sight, or back
 * @size: sizeof(struct refslab_freeze)
 * @flags: REFSLAB_FREEZE_ON: freeze the objects with slots that there are;
 *	REFSLAB_FREEZE_OFF: make all that are frozen candidates of the oldest
 *	generation; neither: only ask; both: EINVAL
 * @objects: out: how many were frozen, or unfrozen, or are frozen
 *
 * For what is built once and stays: sweeps spend no more time on it. A garbage
 * cycle with a frozen object is not found; counts go on working, so that a
 * frozen object whose last reference goes is freed at once. Objects made later
 * are not frozen. Looks at all objects of the heap, also to answer.
 *
 * Waits for a sweep under way first, if it is to change something.
 */
struct refslab_freeze {
	__u32	size;
	__u32	flags;
	__u64	objects;
};

#define REFSLAB_QUARANTINE_SET	(1U << 0)
#define REFSLAB_QUARANTINE_DRAIN (1U << 1)

/**
 * struct refslab_quarantine - keep what sweeps would free, for debugging
 * @size: sizeof(struct refslab_quarantine)
 * @flags: REFSLAB_QUARANTINE_SET: set @enabled; REFSLAB_QUARANTINE_DRAIN: make
 *	what is in quarantine candidates of the oldest generation; neither: only
 *	ask; both: EINVAL
 * @enabled: 1 on, 0 off; with REFSLAB_QUARANTINE_SET in, else out
 * @reserved: zero
 * @objects: out: how many are in quarantine, or were drained; with
 *	REFSLAB_QUARANTINE_SET 0
 *
 * While it is on, what a sweep finds to be garbage is frozen in place of being
 * freed, and counted as unfreed; nobody but REFSLAB_QUARANTINE_DRAIN unfreezes
 * it. Weak handles of it are alive. Drained with the quarantine off, what is
 * garbage still goes with the next sweep of generation 2. Asking and draining
 * look at all objects of the heap; draining waits for a sweep under way first.
 */
struct refslab_quarantine {
	__u32	size;
	__u32	flags;
	__u32	enabled;
	__u32	reserved;
	__u64	objects;
};

#define REFSLAB_DEBUG_SET	(1U << 0)

#define REFSLAB_DEBUG_STATS	(1U << 0)	/* sweeps in the kernel's log */
#define REFSLAB_DEBUG_SAVEALL	(1U << 5)	/* the quarantine */

/**
 * struct refslab_debug - debugging of the heap's sweeps
 * @size: sizeof(struct refslab_debug)
 * @flags: REFSLAB_DEBUG_SET to set; without it @debug is out
 * @debug: REFSLAB_DEBUG_STATS: a line in the kernel's log for each sweep, but a
 *	few a minute at most; log_sweeps in sysfs allows 50 in five seconds, and
 *	while it is 1 this is set; REFSLAB_DEBUG_SAVEALL: what REFSLAB_QUARANTINE
 *	switches on and off
 * @reserved: zero
 *
 * The numbers are those of Python's gc.set_debug(). Its DEBUG_COLLECTABLE and
 * DEBUG_UNCOLLECTABLE are not here: SAVEALL and OBJECTS show the same. Nor is
 * there a call for gc.is_finalized(): objects of user heaps have no finalizers.
 */
struct refslab_debug {
	__u32	size;
	__u32	flags;
	__u32	debug;
	__u32	reserved;
};

/* An unregistered letter; see Documentation/userspace-api/ioctl in the kernel */
#define REFSLAB_IOC		0xD7

#define REFSLAB_HEAP_CREATE	_IOW(REFSLAB_IOC, 0x00, struct refslab_heap_create)
#define REFSLAB_HEAP_INFO	_IOWR(REFSLAB_IOC, 0x01, struct refslab_heap_info)
#define REFSLAB_HEAP_LIMITS	_IOW(REFSLAB_IOC, 0x02, struct refslab_heap_limits)
#define REFSLAB_INVITE		_IOWR(REFSLAB_IOC, 0x03, struct refslab_invite)
#define REFSLAB_JOIN		_IOW(REFSLAB_IOC, 0x04, struct refslab_join)
#define REFSLAB_ROOT_SET	_IOW(REFSLAB_IOC, 0x05, struct refslab_root_set)
#define REFSLAB_ROOT_GET	_IOWR(REFSLAB_IOC, 0x06, struct refslab_root_get)
#define REFSLAB_ROOT_NEXT	_IOWR(REFSLAB_IOC, 0x07, struct refslab_root_next)
#define REFSLAB_TYPE_CREATE	_IOWR(REFSLAB_IOC, 0x10, struct refslab_type_create)
#define REFSLAB_TYPE_DESTROY	_IOW(REFSLAB_IOC, 0x11, struct refslab_type_destroy)
#define REFSLAB_TYPE_INFO	_IOWR(REFSLAB_IOC, 0x12, struct refslab_type_info)
#define REFSLAB_ALLOC		_IOWR(REFSLAB_IOC, 0x20, struct refslab_alloc)
#define REFSLAB_DUP		_IOWR(REFSLAB_IOC, 0x21, struct refslab_dup)
#define REFSLAB_CLOSE		_IOW(REFSLAB_IOC, 0x22, struct refslab_close)
#define REFSLAB_WEAK		_IOWR(REFSLAB_IOC, 0x23, struct refslab_weak_create)
#define REFSLAB_UPGRADE		_IOWR(REFSLAB_IOC, 0x24, struct refslab_upgrade)
#define REFSLAB_EXPORT		_IOWR(REFSLAB_IOC, 0x25, struct refslab_export)
#define REFSLAB_IMPORT		_IOWR(REFSLAB_IOC, 0x26, struct refslab_import)
#define REFSLAB_SLOT_SET	_IOW(REFSLAB_IOC, 0x30, struct refslab_slot_set)
#define REFSLAB_SLOT_LOAD	_IOWR(REFSLAB_IOC, 0x31, struct refslab_slot_load)
#define REFSLAB_SLOT_MOVE	_IOW(REFSLAB_IOC, 0x32, struct refslab_slot_move)
#define REFSLAB_SLOT_CMPXCHG	_IOW(REFSLAB_IOC, 0x33, struct refslab_slot_cmpxchg)
#define REFSLAB_READ		_IOW(REFSLAB_IOC, 0x40, struct refslab_io)
#define REFSLAB_WRITE		_IOW(REFSLAB_IOC, 0x41, struct refslab_io)
#define REFSLAB_OBJECT_INFO	_IOWR(REFSLAB_IOC, 0x42, struct refslab_object_info)
#define REFSLAB_OBJECTS		_IOWR(REFSLAB_IOC, 0x43, struct refslab_objects)
#define REFSLAB_REFERRERS	_IOWR(REFSLAB_IOC, 0x44, struct refslab_referrers)
#define REFSLAB_REFERENTS	_IOWR(REFSLAB_IOC, 0x45, struct refslab_referents)
#define REFSLAB_MAP		_IOWR(REFSLAB_IOC, 0x46, struct refslab_map)
#define REFSLAB_THRESHOLDS	_IOWR(REFSLAB_IOC, 0x50, struct refslab_thresholds)
#define REFSLAB_ENABLE		_IOWR(REFSLAB_IOC, 0x51, struct refslab_enable)
#define REFSLAB_COUNTS		_IOWR(REFSLAB_IOC, 0x52, struct refslab_counts)
#define REFSLAB_STATS		_IOWR(REFSLAB_IOC, 0x53, struct refslab_stats)
#define REFSLAB_COLLECT		_IOWR(REFSLAB_IOC, 0x54, struct refslab_collect)
#define REFSLAB_FREEZE		_IOWR(REFSLAB_IOC, 0x55, struct refslab_freeze)
#define REFSLAB_QUARANTINE	_IOWR(REFSLAB_IOC, 0x56, struct refslab_quarantine)
#define REFSLAB_DEBUG		_IOWR(REFSLAB_IOC, 0x57, struct refslab_debug)
#define REFSLAB_EVENTS		_IOW(REFSLAB_IOC, 0x58, struct refslab_events)
#define REFSLAB_BATCH		_IOWR(REFSLAB_IOC, 0x60, struct refslab_batch)

#endif /* _UAPI_LINUX_REFSLAB_H */
