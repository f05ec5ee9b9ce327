/* SPDX-License-Identifier: GPL-2.0 */
/*
 * refslab: typed object heaps with reference counts and a cycle collector.
 *
 * The words used here and everywhere:
 *
 *	heap	page pool, types and sweeper; nothing crosses heaps
 *	pool	the heap's private pages, handed out as chunks
 *	chunk	naturally aligned pages, REFSLAB_CHUNK_SIZE bytes
 *	type	what objects are of; owns one cache of slabs
 *	slab	a chunk carved into objects of one type
 *	magazine a CPU's small stack of free objects of one type
 *	object	header, slots, payload
 *	word	the 64-bit atomic at the start of the header
 *	slot	a place in an object that holds a counted reference to another
 *		object of the heap; an edge is a filled slot
 *	leaf	a type without slots; sweeps never look at its objects
 *	sweep	one run of the cycle finder
 *
 * How to use it, in short::
 *
 *	struct node {
 *		struct refslab_linked	link;		// header, 16 bytes
 *		struct refslab_slot	next, prev;	// slots
 *		int			value;		// payload
 *	};
 *
 *	heap = refslab_heap_create(&(struct refslab_heap_args){
 *				.name = "example" });
 *	type = refslab_type_create(heap, &(struct refslab_type_args){
 *				.name = "node", .size = sizeof(struct node),
 *				.slots = 2,
 *				.slot_offset = offsetof(struct node, next) });
 *	obj = refslab_alloc(type, GFP_KERNEL);
 *	a = container_of(obj, struct node, link.object);
 *	refslab_slot_set(&a->next, &b->link.object);	// takes a reference
 *	refslab_put(obj);				// yours; may be the last
 */
#ifndef _LINUX_REFSLAB_H
#define _LINUX_REFSLAB_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct refslab_heap;
struct refslab_type;

#define REFSLAB_CHUNK_ORDER	3
#define REFSLAB_CHUNK_SIZE	(PAGE_SIZE << REFSLAB_CHUNK_ORDER)

/* Largest object, header included: two to a slab. */
#define REFSLAB_OBJECT_MAX	16000

/* No heap is larger than this: objects are numbered with 29 bits. */
#define REFSLAB_HEAP_MAX	(8ULL << 30)

/*
 * The word.
 *
 *	bit  0		LISTED		a coming sweep is to look at it
 *	bit  1		GATHERED	the sweep under way owns its scratch
 *					state and its memory
 *	bit  2		CLAIMED		member of what that sweep is about to
 *					free, if its commit succeeds
 *	bit  3		RELEASED	count 0, release done, memory left to
 *					the sweep
 *	bits 4 - 30	reference count
 *	bit  31		saturated: pinned until the heap is destroyed
 *	bits 32 - 63	version: counts gets and puts, not zero says touched
 *			since the sweep cleared it
 *
 * A carry or a borrow of the count can only run into the version, never into a
 * flag. With the count 0 the version half is unused and links the objects that
 * wait for their release. A free object's word is 0.
 */
#define REFSLAB_LISTED		BIT_ULL(0)
#define REFSLAB_GATHERED	BIT_ULL(1)
#define REFSLAB_CLAIMED		BIT_ULL(2)
#define REFSLAB_RELEASED	BIT_ULL(3)
#define REFSLAB_FLAGS		GENMASK_ULL(3, 0)
#define REFSLAB_COUNT_SHIFT	4
#define REFSLAB_COUNT_ONE	BIT_ULL(4)
#define REFSLAB_COUNT_MASK	GENMASK_ULL(31, 4)
#define REFSLAB_SATURATED	BIT_ULL(31)
/* Where a saturated count is put: 2^26 gets or puts away from either edge. */
#define REFSLAB_COUNT_PINNED	(BIT_ULL(31) | BIT_ULL(30))
#define REFSLAB_VERSION_ONE	BIT_ULL(32)
#define REFSLAB_VERSION_MASK	GENMASK_ULL(63, 32)
#define REFSLAB_VERSION_TOP	BIT_ULL(63)

/**
 * struct refslab_object - header of an object of a leaf type, and the first
 *	member of every other header
 * @word: reference count, flags, version; touched by refslab only
 */
struct refslab_object {
	atomic64_t word;
};

/**
 * struct refslab_linked - header of an object with slots
 * @object: the common part
 * @sweep: what a sweep notes about the object; written by the sweep while the
 *	word says GATHERED, at other times by the allocation, before the object
 *	is published
 */
struct refslab_linked {
	struct refslab_object	object;
	u64			sweep;
};

/**
 * struct refslab_slot - a place that holds a counted reference
 * @target: the object, or NULL; changed by xchg and cmpxchg only
 */
struct refslab_slot {
	struct refslab_object *target;
};

/**
 * struct refslab_weak - a weak reference: it does not keep its object alive
 * @target: the object, or NULL; refslab's
 * @node: in the heap's table; refslab's
 * @heap: whose table that is; refslab's
 * @bucket: where in it; refslab's
 * @dead: called when the object has died, or NULL; fixed. Called where
 *	refslab_put() was or by a sweep, with interrupts off and a raw lock
 *	held: short, and without refslab. Must not free the weak reference but
 *	by RCU. Not called after refslab_weak_clear().
 */
struct refslab_weak {
	struct refslab_object	*target;
	struct hlist_node	node;
	struct refslab_heap	*heap;
	u32			bucket;
	void			(*dead)(struct refslab_weak *weak);
};

/* Flags of a type. */
#define REFSLAB_TYPE_ZERO	BIT(0)	/* payload of a fresh object is zero */
#define REFSLAB_TYPE_RELEASE_WORK BIT(1) /* release runs from the workqueue */
#define REFSLAB_TYPE_WEAK	BIT(2)	/* weak references to its objects */
#define REFSLAB_TYPE_FLAGS	(BIT(3) - 1)

/**
 * struct refslab_type_args - what a type is
 * @name: shown in sysfs, unique in the heap, copied; letters, digits, '-',
 *	'_' and '.', at most 31
 * @size: bytes of an object with its header, at most REFSLAB_OBJECT_MAX
 * @align: alignment of the object in bytes, a power of two, at most PAGE_SIZE;
 *	0 for 16, which is also the least
 * @align_offset: byte of the object that @align speaks of, a multiple of 16;
 *	the payload, say
 * @slots: number of slots; 0 with no @traverse makes a leaf type
 * @slot_offset: byte where the array of @slots slots begins; 0 for right
 *	behind the header
 * @slot_offsets: or, bytes where each of @slots slots is, if they do not lie
 *	in an array, none twice; copied
 * @traverse: or, returns the address of the slot that *@cursor tells and moves
 *	*@cursor on; NULL after the last, no slot twice. The cursor starts as 0.
 *	It must depend only on what was fixed before the object was published, stay within the
 *	object, go on working after @release, and take bounded time. Called in
 *	RCU read sections.
 * @ctor: makes a fresh object ready before anybody sees it; its slots are NULL.
 *	Called where refslab_alloc() is, with preemption enabled if it is there.
 * @release: called once when the object has died, with its slots empty and no
 *	lock held, before the memory goes back. By default it is called where
 *	the last reference was put, with preemption disabled, so it must not
 *	sleep (on PREEMPT_RT it is called from a workqueue). May put and, not
 *	sleeping, allocate.
 * @finalize: called when a sweep has found the object to be garbage, before
 *	anything happens to it: slots are filled, and it may be brought back to
 *	life by taking references. At most once per object; not when it dies by
 *	its count. Types with slots only. Called where sweeps run: may sleep,
 *	put and allocate.
 * @priv: for the owner, see refslab_type_priv()
 * @flags: REFSLAB_TYPE_ZERO, REFSLAB_TYPE_RELEASE_WORK, REFSLAB_TYPE_WEAK
 */
struct refslab_type_args {
	const char	*name;
	size_t		size;
	size_t		align;
	size_t		align_offset;
	unsigned int	slots;
	unsigned int	slot_offset;
	const u16	*slot_offsets;
	struct refslab_slot *(*traverse)(struct refslab_object *obj,
					 unsigned long *cursor);
	void		(*ctor)(struct refslab_object *obj);
	void		(*release)(struct refslab_object *obj);
	void		(*finalize)(struct refslab_object *obj);
	void		*priv;
	unsigned int	flags;
};

/* Flags of a heap. */
#define REFSLAB_HEAP_ACCOUNT	BIT(0)	/* charge the creator's memory cgroup */
#define REFSLAB_HEAP_FLAGS	(BIT(1) - 1)

/**
 * struct refslab_heap_args - what a heap is
 * @name: shown in sysfs, unique, copied; as a type's. NULL for a made-up one.
 * @limit: most bytes the pool may take from the system; 0 for the default
 * @reserve: bytes taken at once and never given back before the heap goes
 * @low: bytes of cached empty chunks below which the pool fills up in the
 *	background
 * @high: bytes of cached empty chunks above which it gives back; 0 for the
 *	default
 * @flags: REFSLAB_HEAP_ACCOUNT
 *
 * All are rounded up to chunks.
 */
struct refslab_heap_args {
	const char	*name;
	u64		limit;
	u64		reserve;
	u64		low;
	u64		high;
	unsigned int	flags;
};

/**
 * struct refslab_sweep_result - what one sweep did
 * @candidates: objects it began with
 * @examined: objects gathered
 * @freed: objects freed by the sweep itself
 * @unfreed: objects that looked like garbage and were left to a later sweep
 * @aborts: commits given up because an object was touched meanwhile
 * @time_ns: nanoseconds from start to end
 */
struct refslab_sweep_result {
	u64	candidates;
	u64	examined;
	u64	freed;
	u64	unfreed;
	u64	aborts;
	u64	time_ns;
};

/* heap.c */
struct refslab_heap *refslab_heap_create(const struct refslab_heap_args *args);
unsigned long refslab_heap_destroy(struct refslab_heap *heap);

/* type.c */
struct refslab_type *refslab_type_create(struct refslab_heap *heap,
					 const struct refslab_type_args *args);
int refslab_type_destroy(struct refslab_type *type);
void *refslab_type_priv(const struct refslab_type *type);
unsigned long refslab_type_objects(const struct refslab_type *type);
struct refslab_type *refslab_type_of(const struct refslab_object *obj);
struct refslab_heap *refslab_heap_of(const struct refslab_object *obj);

/* object.c */
struct refslab_object *refslab_alloc(struct refslab_type *type, gfp_t gfp)
	__malloc;
unsigned int refslab_alloc_bulk(struct refslab_type *type, gfp_t gfp,
				unsigned int n, struct refslab_object **objs);
void refslab_put_bulk(unsigned int n, struct refslab_object **objs);

/* slot.c */
struct refslab_object *refslab_slot_load(struct refslab_slot *slot);
void refslab_slot_set(struct refslab_slot *slot, struct refslab_object *target);
void refslab_slot_clear(struct refslab_slot *slot);
void refslab_slot_move(struct refslab_slot *to, struct refslab_slot *from);
bool refslab_slot_cmpxchg(struct refslab_slot *slot, struct refslab_object *old,
			  struct refslab_object *target);

/* weak.c */
int refslab_weak_set(struct refslab_weak *weak, struct refslab_object *obj);
struct refslab_object *refslab_weak_get(struct refslab_weak *weak);
void refslab_weak_clear(struct refslab_weak *weak);

/* trigger.c */
int refslab_collect(struct refslab_heap *heap, unsigned int generation,
		    struct refslab_sweep_result *result);
int refslab_set_thresholds(struct refslab_heap *heap, const u32 threshold[3]);
void refslab_get_thresholds(struct refslab_heap *heap, u32 threshold[3]);
void refslab_get_counts(struct refslab_heap *heap, s64 count[3]);
void refslab_set_enabled(struct refslab_heap *heap, bool enabled);
bool refslab_is_enabled(struct refslab_heap *heap);

/* inspect.c */
#define REFSLAB_ANY_GENERATION	(~0U)

unsigned int refslab_inspect_objects(struct refslab_heap *heap,
				     const struct refslab_type *type,
				     unsigned int generation, u64 *cursor,
				     struct refslab_object **objs,
				     unsigned int n);
unsigned int refslab_inspect_referrers(struct refslab_object *obj, u64 *cursor,
				       struct refslab_object **objs,
				       unsigned int n);

/* freeze.c */
long refslab_freeze(struct refslab_heap *heap);
long refslab_unfreeze(struct refslab_heap *heap);
unsigned long refslab_frozen(struct refslab_heap *heap);
void refslab_set_quarantine(struct refslab_heap *heap, bool on);
bool refslab_get_quarantine(struct refslab_heap *heap);
long refslab_drain_quarantine(struct refslab_heap *heap);
unsigned long refslab_quarantined(struct refslab_heap *heap);

/* object.c; called by the inline functions below, not by others */
void __refslab_get_slow(struct refslab_object *obj, u64 old);
void __refslab_put_slow(struct refslab_object *obj, u64 old);
bool __refslab_tryget_slow(struct refslab_object *obj);

/**
 * refslab_weak_init - make a weak reference that refers to nothing
 * @weak: the weak reference
 * @dead: see &struct refslab_weak; may be NULL
 *
 * Context: Any context.
 */
static inline void refslab_weak_init(struct refslab_weak *weak,
				     void (*dead)(struct refslab_weak *weak))
{
	*weak = (struct refslab_weak){ .dead = dead };
}

/**
 * refslab_count - how many references an object has
 * @obj: an object the caller holds a reference to
 *
 * For information: the number may be old when the caller reads it.
 *
 * Context: Any context.
 * Return: The count; U32_MAX if it is saturated.
 */
static inline u32 refslab_count(const struct refslab_object *obj)
{
	u64 word = atomic64_read(&obj->word);

	if (word & REFSLAB_SATURATED)
		return U32_MAX;
	return (word & REFSLAB_COUNT_MASK) >> REFSLAB_COUNT_SHIFT;
}

/**
 * refslab_get - take one more reference
 * @obj: an object the caller holds a reference to, or has just read from a slot
 *	that cannot change
 *
 * A count that would overflow saturates: WARNs once, and the object stays until
 * its heap is destroyed. So does one that was 0.
 *
 * Context: Any context. No ordering, like kref_get().
 */
static inline void refslab_get(struct refslab_object *obj)
{
	u64 old = atomic64_fetch_add_relaxed(REFSLAB_VERSION_ONE +
					     REFSLAB_COUNT_ONE, &obj->word);

	/* one signed compare: count 0, and saturated, which is negative */
	if (unlikely((s32)old < (s32)REFSLAB_COUNT_ONE))
		__refslab_get_slow(obj, old);
}

/**
 * refslab_put - give a reference back
 * @obj: an object the caller holds a reference to, and has no more afterwards
 *
 * The last reference frees the object: its slots are emptied, its type's
 * release is called and its memory goes back before refslab_put() returns,
 * unless the type is released from the workqueue, more objects go with it than
 * the caller should wait for, or refslab_put() was called by a release: then it
 * happens soon. A put that leaves references behind may make the object a
 * candidate of a coming sweep.
 *
 * Context: Any context that the releases of the types involved can be called
 *	in. Release ordering; acquire if it was the last reference.
 */
static inline void refslab_put(struct refslab_object *obj)
{
	u64 old;

	/*
	 * The object may be gone right after the subtraction, and its memory a
	 * grace period later: listing it has to be over by then.
	 */
	preempt_disable();
	old = atomic64_fetch_add_release(REFSLAB_VERSION_ONE -
					 REFSLAB_COUNT_ONE, &obj->word);
	/*
	 * The rare cases: last reference, underflow, saturated (the compare),
	 * first put since a sweep looked at it (the flags), and a version that
	 * is about to wrap (the sign).
	 */
	if (unlikely((s32)old < (s32)(2 * REFSLAB_COUNT_ONE) || (s64)old < 0 ||
		     !(old & (REFSLAB_LISTED | REFSLAB_GATHERED))))
		__refslab_put_slow(obj, old);
	preempt_enable();
}

/**
 * refslab_tryget - take a reference unless the object is dead
 * @obj: an object; the caller need not hold a reference, but must be in the RCU
 *	read section in which it learnt the address from somewhere that the
 *	object's release clears
 *
 * Context: Any context, within rcu_read_lock() or with preemption disabled.
 *	Acquire ordering on success.
 * Return: true if the caller has a reference now.
 */
static inline bool __must_check refslab_tryget(struct refslab_object *obj)
{
	u64 old = atomic64_read(&obj->word);

	do {
		if (unlikely((s32)old < (s32)REFSLAB_COUNT_ONE ||
			     old & REFSLAB_CLAIMED))
			return __refslab_tryget_slow(obj);
	} while (!atomic64_try_cmpxchg_acquire(&obj->word, (s64 *)&old,
					       old + REFSLAB_VERSION_ONE +
					       REFSLAB_COUNT_ONE));
	return true;
}

#endif /* _LINUX_REFSLAB_H */
