/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that differs between the kernels refslab builds on, so that the rest reads
 * as if there were one. Included by force before every file. Keyed on names
 * where the name is a macro, because stable kernels get backports; on versions
 * where it is not.
 */
#ifndef _REFSLAB_COMPAT_H
#define _REFSLAB_COMPAT_H

#include <linux/version.h>

#include "kernel.h"

#if !REFSLAB_KERNEL_TAKEN(LINUX_VERSION_CODE) && !defined(REFSLAB_ANY_KERNEL)
#error "refslab is for Linux 6.1 to 6.12; make REFSLAB_ANY_KERNEL=1 tries another"
#endif
#ifndef CONFIG_64BIT
#error "refslab needs a 64-bit kernel: its reference counts are 64-bit words"
#endif

#include <linux/eventfd.h>
#include <linux/gfp.h>
#include <linux/kasan.h>
#include <linux/kmsan-checks.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/string.h>

typedef unsigned long refslab_shrink_fn(struct shrinker *shrinker,
					struct shrink_control *sc);

/* 6.7: shrinkers are allocated and carry private_data. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define refslab_shrinker_private(shrinker) ((shrinker)->private_data)

static inline struct shrinker *
refslab_shrinker_create(const char *name, refslab_shrink_fn *count,
			refslab_shrink_fn *scan, void *private)
{
	struct shrinker *s = shrinker_alloc(SHRINKER_NUMA_AWARE, "refslab:%s", name);

	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	s->seeks = DEFAULT_SEEKS;
	s->private_data = private;
	shrinker_register(s);
	return s;
}

static inline void refslab_shrinker_destroy(struct shrinker *s)
{
	shrinker_free(s);
}
#else
struct refslab_shrinker {
	struct shrinker	shrinker;
	void		*private;
};

#define refslab_shrinker_private(s) \
	(container_of(s, struct refslab_shrinker, shrinker)->private)

static inline struct shrinker *
refslab_shrinker_create(const char *name, refslab_shrink_fn *count,
			refslab_shrink_fn *scan, void *private)
{
	struct refslab_shrinker *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->shrinker.count_objects = count;
	s->shrinker.scan_objects = scan;
	s->shrinker.seeks = DEFAULT_SEEKS;
	s->shrinker.flags = SHRINKER_NUMA_AWARE;
	s->private = private;
	if (register_shrinker(&s->shrinker, "refslab:%s", name)) {
		kfree(s);
		return NULL;
	}
	return &s->shrinker;
}

static inline void refslab_shrinker_destroy(struct shrinker *s)
{
	if (!s)
		return;
	unregister_shrinker(s);
	kfree(container_of(s, struct refslab_shrinker, shrinker));
}
#endif

/* 6.4: what a shrinker frees itself is reported by a call. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
static inline void mm_account_reclaimed_pages(unsigned long pages)
{
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += pages;
}
#endif

/*
 * The only export of KASAN that changes the shadow; declared in mm/kasan.
 * Generic KASAN only: a value of 0 makes memory accessible, others not.
 */
#ifdef CONFIG_KASAN_GENERIC
void kasan_poison(const void *addr, size_t size, u8 value, bool init);
#define REFSLAB_KASAN_FREE	0xFB	/* reported as a use after free */
#define refslab_kasan_poison(addr, size) \
	kasan_poison(addr, size, REFSLAB_KASAN_FREE, false)
#define refslab_kasan_unpoison(addr, size) \
	kasan_poison(addr, size, 0, false)
#else
static inline void refslab_kasan_poison(const void *addr, size_t size) { }
static inline void refslab_kasan_unpoison(const void *addr, size_t size) { }
#endif

/*
 * KMSAN knows what comes from the page allocator for uninitialised, and is to be
 * told that what comes round again is so too. From any context: it saves a stack.
 */
static inline void refslab_kmsan_poison(const void *addr, size_t size)
{
	kmsan_poison_memory(addr, size, GFP_NOWAIT | __GFP_NOWARN);
}

/*
 * Saves a stack from where no page may be allocated, unless @can_alloc. Flags
 * came with 6.8.
 */
#if defined(CONFIG_STACKDEPOT) && defined(CONFIG_STACKTRACE)
#include <linux/stackdepot.h>

static inline depot_stack_handle_t
refslab_stack_save(unsigned long *entries, unsigned int n, bool can_alloc)
{
	const gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN;

#ifdef STACK_DEPOT_FLAG_CAN_ALLOC
	return stack_depot_save_flags(entries, n, gfp,
				      can_alloc ? STACK_DEPOT_FLAG_CAN_ALLOC : 0);
#else
	return __stack_depot_save(entries, n, 0, gfp, can_alloc);
#endif
}
#endif

/* 6.6 declares it; before, whoever wanted it did. */
extern bool no_hash_pointers;

/* 6.8: what modules may use of io_uring has a header of its own. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif

/* 6.5: a command has its whole entry. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define refslab_uring_payload(ioucmd)	io_uring_sqe_cmd((ioucmd)->sqe)
#else
#define refslab_uring_payload(ioucmd)	((ioucmd)->cmd)
#endif

/* 6.17 marks a command so that it calls again. Here nobody uses that bit. */
#ifdef IORING_URING_CMD_REISSUE
#define REFSLAB_URING_AGAIN	IORING_URING_CMD_REISSUE
#else
#define REFSLAB_URING_AGAIN	BIT(31)
#endif

/* 6.8: an eventfd is signalled by 1. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define refslab_eventfd_signal(ctx)	eventfd_signal(ctx)
#else
#define refslab_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#endif

/* 6.10: a trace event's string knows its source. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define refslab_assign_str(field, string)	__assign_str(field)
#else
#define refslab_assign_str(field, string)	__assign_str(field, string)
#endif

/* 6.3: flags of an area are written by functions. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define vm_flags_clear(vma, flags)	((vma)->vm_flags &= ~(flags))
#endif

/* 6.6: a variable that CONFIG_INIT_STACK_ALL_* leaves alone. */
#ifndef __uninitialized
#define __uninitialized		__attribute__((__uninitialized__))
#endif

#endif /* _REFSLAB_COMPAT_H */
