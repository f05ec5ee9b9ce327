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
 *	depot	a NUMA node's larger one, between magazines and slabs
 *	object	header, slots, payload
 *	word	the 64-bit atomic at the start of the header
 *	slot	a place in an object that holds a counted reference to another
 *		object of the heap; an edge is a filled slot
 *	leaf	a type without slots; sweeps never look at its objects
 *	sweep	one run of the cycle finder
 *
 * How to use it, in short; heap and type are ERR_PTR()s where they could not be
 * made, an object is NULL::
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
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/tracepoint-defs.h>
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
 *	bit  0		PINNED		its count overflowed or was used after it
 *					was 0: stays until the heap is destroyed
 *	bit  1		GATHERED	the sweep under way owns its scratch
 *					state and its memory
 *	bit  2		CLAIMED		member of what that sweep is about to
 *					free, if its commit succeeds
 *	bit  3		RELEASED	count 0, release done, memory left to
 *					the sweep; or PINNED, release done
 *	bits 4 - 30	reference count
 *	bit  31		UNLISTED	no coming sweep is to look at it. An
 *					object is LISTED where this is clear
 *	bits 32 - 63	version: counts gets and puts, not zero says touched
 *			since the sweep cleared it
 *
 * LISTED is the bit's absence, so that one compare of the low half tells put and
 * get whether there is anything to do beyond the addition. A get that finds the
 * count's top bit set pins the object: 2^26 gets from a carry into UNLISTED, and
 * that is where the count of a pinned object is kept. With the count 0 the
 * version half is unused and links the objects that wait for their release. A
 * free object's word is 0.
 */
#define REFSLAB_PINNED		BIT_ULL(0)
#define REFSLAB_GATHERED	BIT_ULL(1)
#define REFSLAB_CLAIMED		BIT_ULL(2)
#define REFSLAB_RELEASED	BIT_ULL(3)
#define REFSLAB_COUNT_SHIFT	4
#define REFSLAB_COUNT_ONE	BIT_ULL(4)
#define REFSLAB_COUNT_MASK	GENMASK_ULL(30, 4)
#define REFSLAB_COUNT_TOP	BIT_ULL(30)
#define REFSLAB_UNLISTED	BIT_ULL(31)
#define REFSLAB_VERSION_ONE	BIT_ULL(32)
#define REFSLAB_VERSION_MASK	GENMASK_ULL(63, 32)

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
 *	refslab_put() was, by a sweep, by the workqueue, or, if it is still set
 *	then, by refslab_heap_destroy(); with interrupts off and a raw lock held:
 *	short, and without refslab. Must not free the weak reference but by RCU.
 *	Not called after refslab_weak_clear().
 */
struct refslab_weak {
	struct refslab_object	*target;
	struct hlist_node	node;
	struct refslab_heap	*heap;
	u32			bucket;
	void			(*dead)(struct refslab_weak *weak);
};

/**
 * struct refslab_magazine - a CPU's small stack of free objects of one type
 * @count: objects in it
 * @busy: 1 while somebody on this CPU is at it: an interrupt goes to the
 *	depot or the slabs then
 * @state: both, to end that by one store
 * @objects: the last freed one last
 *
 * By its own CPU with preemption off, or with the CPU gone.
 */
struct refslab_magazine {
	union {
		struct {
			u16	count;
			u16	busy;
		};
		u32		state;
	};
	struct refslab_object	*objects[];
};

/**
 * struct refslab_path - what the usual way of an allocation and of a release
 *	needs to know of a type; refslab's, begins every type
 * @magazines: per CPU; fixed
 * @born: word of a fresh object; fixed
 * @hooks: not 0 if there is more to do to a fresh object, a ctor or debugging;
 *	fixed
 * @clear: bytes of a fresh object that become zero, from behind its word, whole
 *	u64; less REFSLAB_CLEAR_LEAST; fixed
 * @clear_all: the same for __GFP_ZERO; fixed
 * @magazine_size: objects a magazine holds at most; may change any time
 * @plain: a leaf type, and nothing at all is to be done when its objects die;
 *	fixed
 * @quiet: nothing is to be done when its objects die but for what they refer to
 *	and who refers to them weakly; fixed
 */
struct refslab_path {
	struct refslab_magazine __percpu *magazines;
	u64		born;
	u64		hooks;
	long		clear;
	long		clear_all;
	u32		magazine_size;
	bool		plain;
	bool		quiet;
};

#define REFSLAB_CLEAR_LEAST	(4 * (long)sizeof(u64))

/* Flags of a type. */
#define REFSLAB_TYPE_ZERO	BIT(0)	/* payload of a fresh object is zero */
#define REFSLAB_TYPE_RELEASE_WORK BIT(1) /* release may sleep: by work, sweep */
#define REFSLAB_TYPE_WEAK	BIT(2)	/* weak references to its objects */
#define REFSLAB_TYPE_POISON	BIT(3)	/* debug: writes after release are seen */
#define REFSLAB_TYPE_RED_ZONE	BIT(4)	/* debug: writes beyond the end are seen */
#define REFSLAB_TYPE_TRACE	BIT(5)	/* debug: who allocated, who freed */
#define REFSLAB_TYPE_FLAGS	(BIT(6) - 1)

/**
 * struct refslab_type_args - what a type is
 * @name: shown in sysfs, unique in the heap, copied; letters, digits, '-',
 *	'_' and '.', which it does not begin with, at most 31
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
 *	Called where refslab_alloc() is, with preemption enabled if it is there;
 *	and where refslab_alloc_reserved() is: there perhaps with preemption or
 *	interrupts off, or a raw lock held, and on PREEMPT_RT no spinlock_t may
 *	be taken then.
 * @release: called once when the object has died, with its slots empty, before
 *	the memory goes back. By default it is called where the last reference
 *	was put, with preemption disabled, so it must not sleep (on PREEMPT_RT,
 *	and with REFSLAB_TYPE_RELEASE_WORK, it is called from a workqueue and
 *	may). May put and, not sleeping, allocate. For what a sweep frees it is
 *	called by who sweeps, the workqueue, refslab_collect(), or an allocation
 *	with GFP_KERNEL that would else be refused; for what lives at the end by
 *	refslab_heap_destroy(). So it takes no lock under which the same heap
 *	allocates sleeping.
 * @finalize: called when a sweep has found the object to be garbage, before
 *	anything happens to it: slots are filled, and it may be brought back to
 *	life by taking references. At most once per object; not when it dies by
 *	its count. Types with slots only. Called where sweeps run: may sleep,
 *	put and allocate; also from another heap, whose finalizers then must not
 *	allocate from this one: before it is refused, who allocates sweeps.
 * @priv: for the owner, see refslab_type_priv()
 * @flags: REFSLAB_TYPE_ZERO, REFSLAB_TYPE_RELEASE_WORK, REFSLAB_TYPE_WEAK; for
 *	debugging REFSLAB_TYPE_POISON, REFSLAB_TYPE_RED_ZONE, REFSLAB_TYPE_TRACE,
 *	which the module's parameter debug= may add to any type
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

/*
 * Flags of a heap.
 *
 * REFSLAB_HEAP_ACCOUNT charges the creator's memory cgroup. It is taken for a heap
 * that programs fill: automatic sweeps rest three times as long as they ran, and the
 * log is told as little of it as of those.
 */
#define REFSLAB_HEAP_ACCOUNT	BIT(0)
#define REFSLAB_HEAP_FLAGS	(BIT(1) - 1)

/**
 * struct refslab_heap_args - what a heap is
 * @name: shown in sysfs, unique, copied; as a type's. NULL for a made-up one,
 *	"heap-" and a number. Otherwise "version", and what begins with "heap-"
 *	and a digit, are taken
 * @limit: most bytes the pool may take from the system; 0 for 1 GiB
 * @reserve: bytes taken at once and never given back before the heap goes
 * @low: bytes of cached empty chunks below which the pool fills up in the
 *	background
 * @high: bytes of cached empty chunks above which it gives back; 0 for 2 MiB,
 *	or @low if that is more
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
 * @aborts: commits given up because an object was touched or looked up meanwhile
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

/**
 * struct refslab_listener - who wants to know of a heap's sweeps
 * @sweep: called where a sweep of that generation begins, with a @result of
 *	NULL, and where it is over. In the sweep, which waits for it: so it takes
 *	no lock under which the same heap allocates sleeping. Its own allocations
 *	from the heap start no sweep, and a request for one answers EDEADLK. May
 *	sleep
 * @node: refslab's
 */
struct refslab_listener {
	void			(*sweep)(struct refslab_listener *listener,
					 unsigned int generation,
					 const struct refslab_sweep_result *result);
	struct list_head	node;
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

/* bulk.c */
unsigned int refslab_alloc_bulk(struct refslab_type *type, gfp_t gfp,
				unsigned int n, struct refslab_object **objs);
void refslab_put_bulk(unsigned int n, struct refslab_object **objs);

/* reserve.c */
struct refslab_reserve;

struct refslab_reserve *refslab_prefill(struct refslab_type *type, unsigned int n,
					gfp_t gfp);
struct refslab_object *refslab_alloc_reserved(struct refslab_reserve *reserve);
unsigned int refslab_reserve_left(struct refslab_reserve *reserve);
int refslab_reserve_refill(struct refslab_reserve *reserve, gfp_t gfp);
void refslab_reserve_destroy(struct refslab_reserve *reserve);

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
#define REFSLAB_FROZEN_GENERATION 3	/* of what is frozen or in quarantine */

unsigned int refslab_inspect_objects(struct refslab_heap *heap,
				     const struct refslab_type *type,
				     unsigned int generation, u64 *cursor,
				     struct refslab_object **objs,
				     unsigned int n);
unsigned int refslab_inspect_referrers(struct refslab_object *obj, u64 *cursor,
				       struct refslab_object **objs,
				       unsigned int n);
unsigned int refslab_inspect_referents(struct refslab_object *obj, u64 *cursor,
				       struct refslab_object **objs,
				       unsigned int n);
bool refslab_is_tracked(struct refslab_object *obj);
bool refslab_is_finalized(struct refslab_object *obj);

/* freeze.c */
long refslab_freeze(struct refslab_heap *heap);
long refslab_unfreeze(struct refslab_heap *heap);
unsigned long refslab_frozen(struct refslab_heap *heap);
void refslab_set_quarantine(struct refslab_heap *heap, bool on);
bool refslab_get_quarantine(struct refslab_heap *heap);
long refslab_drain_quarantine(struct refslab_heap *heap);
unsigned long refslab_quarantined(struct refslab_heap *heap);

/* listener.c */
void refslab_listen(struct refslab_heap *heap, struct refslab_listener *listener);
void refslab_unlisten(struct refslab_heap *heap, struct refslab_listener *listener);

/* report.c */
void refslab_set_logging(struct refslab_heap *heap, bool on);
bool refslab_get_logging(struct refslab_heap *heap);

/* object.c; called by the inline functions below, not by others */
struct refslab_object *__refslab_alloc_slow(struct refslab_type *type, gfp_t gfp);
struct refslab_object *__refslab_alloc_hooks(struct refslab_type *type,
					     struct refslab_object *obj, gfp_t gfp);
void __refslab_get_slow(struct refslab_object *obj, u64 old);
void __refslab_put_slow(struct refslab_object *obj, u64 old);
bool __refslab_tryget_slow(struct refslab_object *obj);

DECLARE_TRACEPOINT(refslab_alloc);

/* KASAN and KMSAN have to be told of each object's beginning and end. */
#define REFSLAB_HOOKS_ALWAYS	(IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_KMSAN))

/*
 * Marks a magazine of this CPU busy; true if it was. An interrupt comes before
 * or after that one instruction, and leaves behind what it finds: from here on
 * plain accesses in program order are enough.
 */
static __always_inline bool __refslab_magazine_mark(struct refslab_magazine *m)
{
	bool busy;
#ifdef __x86_64__
	asm volatile("btsw $0, %0" : "+m" (m->busy), "=@ccc" (busy) : : "memory");
#else
	unsigned long flags;

	raw_local_irq_save(flags);
	busy = READ_ONCE(m->busy);
	WRITE_ONCE(m->busy, 1);
	raw_local_irq_restore(flags);
#endif
	return busy;
}

/* It is not busy any more, and holds @count objects. */
static __always_inline void __refslab_magazine_done(struct refslab_magazine *m, u32 count)
{
	barrier();
	/* read by other CPUs, to tell it */
#ifdef __x86_64__
	WRITE_ONCE(m->state, count);
#else
	WRITE_ONCE(m->count, count);
	barrier();
	WRITE_ONCE(m->busy, 0);
#endif
}

/*
 * Makes whole words zero that others may be looking at, @clear and
 * REFSLAB_CLEAR_LEAST bytes.
 */
static __always_inline void __refslab_zero(void *p, long clear)
{
	u64 *words, *end;

	if (clear < 0) {
		for (clear += REFSLAB_CLEAR_LEAST; clear > 0; clear -= sizeof(u64))
			WRITE_ONCE(*(u64 *)(p + clear - sizeof(u64)), 0);
		return;
	}
	/* computed here and not before the test */
	OPTIMIZER_HIDE_VAR(clear);
	words = p;
	end = p + clear;
	do {
		WRITE_ONCE(words[0], 0);
		WRITE_ONCE(words[1], 0);
		WRITE_ONCE(words[2], 0);
		WRITE_ONCE(words[3], 0);
		words += 4;
	} while (words < end);
	/* some of them twice, which costs less than to find out */
	WRITE_ONCE(end[0], 0);
	WRITE_ONCE(end[1], 0);
	WRITE_ONCE(end[2], 0);
	WRITE_ONCE(end[3], 0);
}

/* Makes a fresh object of one that was taken. */
static __always_inline struct refslab_object *
__refslab_publish(struct refslab_type *type, struct refslab_object *obj, gfp_t gfp)
{
	const struct refslab_path *path = (const struct refslab_path *)type;
	long clear = gfp & __GFP_ZERO ? path->clear_all : path->clear;

	/* its word is 0, as it was freed, and nothing else is to be done to it */
	if (unlikely(REFSLAB_HOOKS_ALWAYS || tracepoint_enabled(refslab_alloc) ||
		     atomic64_read(&obj->word) | path->hooks))
		return __refslab_alloc_hooks(type, obj, gfp);
	__refslab_zero(obj + 1, clear);
	/*
	 * Who finds the object by a CAS on its word, in a hint or a slot, finds
	 * it initialised; pairs with the acquire of refslab_tryget() and of the
	 * sweep's gathering.
	 */
	atomic64_set_release(&obj->word, path->born);
	/* never so: it takes the caller's test for NULL away */
	if (!obj)
		__builtin_unreachable();
	return obj;
}

/* An object without detours, or NULL. */
static __always_inline struct refslab_object *
__refslab_alloc_fast(struct refslab_type *type, gfp_t gfp)
{
	const struct refslab_path *path = (const struct refslab_path *)type;
	struct refslab_object *obj;
	struct refslab_magazine *m;
	unsigned long count;

	preempt_disable();
	m = this_cpu_ptr(path->magazines);
	if (unlikely(__refslab_magazine_mark(m)))
		goto busy;
	if (unlikely(__builtin_sub_overflow((unsigned long)m->count, 1UL, &count)))
		goto empty;
	obj = m->objects[count];
	__refslab_magazine_done(m, count);
	preempt_enable();
	return __refslab_publish(type, obj, gfp);
empty:
	__refslab_magazine_done(m, 0);
busy:
	preempt_enable();
	return NULL;
}

/**
 * refslab_alloc - allocate an object
 * @type: its type
 * @gfp: as for kmalloc(); __GFP_ZERO clears the payload
 *
 * The caller has the one reference. Slots are empty; the payload is zero if the
 * type or the kernel's init_on_alloc says so, else undefined. Before an allocation
 * with GFP_KERNEL is refused, at the heap's limit or because the system has no
 * memory, it waits for memory on its way back and runs a sweep, and with it
 * releases: no lock may be held that these take. Not so within a release.
 *
 * Context: Any context that @gfp allows, but NMI; on PREEMPT_RT, as kmalloc(),
 *	not with preemption or interrupts off or a raw lock held, where
 *	refslab_alloc_reserved() can be called.
 * Return: the object; NULL if there is no memory, or the heap's limit is
 *	reached.
 */
static __always_inline struct refslab_object * __must_check
refslab_alloc(struct refslab_type *type, gfp_t gfp)
{
	return __refslab_alloc_fast(type, gfp) ?: __refslab_alloc_slow(type, gfp);
}

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
 * Return: The count; U32_MAX if it is pinned.
 */
static inline u32 refslab_count(const struct refslab_object *obj)
{
	u64 word = atomic64_read(&obj->word);

	if (word & REFSLAB_PINNED)
		return U32_MAX;
	return (word & REFSLAB_COUNT_MASK) >> REFSLAB_COUNT_SHIFT;
}

/**
 * refslab_get - take one more reference
 * @obj: an object the caller holds a reference to, or has just read from a slot
 *	that cannot change
 *
 * A count that overflows, or was 0, is pinned: the log is told, and the object stays
 * until its heap is destroyed. The reference will be given back, perhaps as one
 * of several: so this is where an object becomes a candidate of a coming sweep.
 *
 * Context: Any context but NMI: it may list the object. No ordering, like
 *	kref_get().
 */
static inline void refslab_get(struct refslab_object *obj)
{
	u64 old = atomic64_fetch_add_relaxed(REFSLAB_VERSION_ONE +
					     REFSLAB_COUNT_ONE, &obj->word);

	/* one compare: count 0, UNLISTED, and a count half way to running over */
	if (unlikely((u32)(old - REFSLAB_COUNT_ONE) >=
		     (u32)(REFSLAB_COUNT_TOP - REFSLAB_COUNT_ONE)))
		__refslab_get_slow(obj, old);
}

/**
 * refslab_put - give a reference back
 * @obj: an object the caller holds a reference to, and has no more afterwards
 *
 * The last reference frees the object: its slots are emptied, its type's
 * release is called and its memory goes back before refslab_put() returns,
 * unless the type is released from the workqueue, more objects go with it than
 * the caller should wait for, or refslab_put() was called by a release or in an
 * interrupt that came upon one: then it happens soon. Of what a sweep looks at just
 * then the memory goes back when the sweep is done with it. A put that leaves
 * references behind may make the object a candidate of a coming sweep.
 *
 * Context: Any context but NMI that the releases of the types involved can be
 *	called in. Release ordering; acquire if it was the last reference.
 */
static inline void refslab_put(struct refslab_object *obj)
{
	u64 old = atomic64_fetch_add_release(REFSLAB_VERSION_ONE -
					     REFSLAB_COUNT_ONE, &obj->word);

	/*
	 * From here on the object may be gone. One signed compare: the last
	 * reference, or none, and UNLISTED, which is negative.
	 */
	if (unlikely((s32)old < (s32)(2 * REFSLAB_COUNT_ONE)))
		__refslab_put_slow(obj, old);
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
		if (unlikely(!(old & REFSLAB_COUNT_MASK) ||
			     old & (REFSLAB_CLAIMED | REFSLAB_COUNT_TOP)))
			return __refslab_tryget_slow(obj);
	} while (!atomic64_try_cmpxchg_acquire(&obj->word, (s64 *)&old,
					       old + REFSLAB_VERSION_ONE +
					       REFSLAB_COUNT_ONE));
	return true;
}

#endif /* _LINUX_REFSLAB_H */
