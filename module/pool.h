/* SPDX-License-Identifier: GPL-2.0 */
/* The pool: a heap's private pages, handed out as chunks. */
#ifndef _REFSLAB_POOL_H
#define _REFSLAB_POOL_H

#include <linux/refslab.h>
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/siphash.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct mem_cgroup;
struct tenant;

#define CHUNK_SHIFT	(PAGE_SHIFT + REFSLAB_CHUNK_ORDER)
#define GRANULE_SHIFT	4	/* objects begin at multiples of 16 bytes */
#define CHUNK_GRANULES_SHIFT	(CHUNK_SHIFT - GRANULE_SHIFT)
#define CHUNKS_MAX	(REFSLAB_HEAP_MAX >> CHUNK_SHIFT)
#define CHUNKS_LEAF	512	/* chunks a page of the chunk table knows */

/* For what is as large as a program likes: it is told, and the log is not its. */
#define GFP_PROGRAM	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

enum chunk_state {
	CHUNK_CACHED,	/* in the pool, ready to be handed out */
	CHUNK_USED,	/* handed out */
	CHUNK_WAITING,	/* given back, a grace period to go */
};

/**
 * struct chunk - at the start of every chunk, whoever has it
 * @link: a node's cached or pool->waiting; pool->lock
 * @state: pool->lock
 * @number: index in the chunk table; fixed while the pool has the chunk
 * @nid: node of the pages; fixed
 * @grace: RCU state at the time it began to wait; pool->lock
 */
struct chunk {
	struct list_head link;
	enum chunk_state state;
	u32		number;
	int		nid;
	unsigned long	grace;
};

/**
 * struct pool_node - empty chunks of a NUMA node
 * @cached: the chunks; pool->lock
 * @count: how many; pool->lock to write
 */
struct pool_node {
	struct list_head cached;
	unsigned long	count;
};

/**
 * struct pool - a heap's pages; all sizes in chunks
 * @lock: raw and irqsave, because puts reach it; no page is allocated under it
 * @setting: one at a time sets limits, outside of @lock
 * @limit: most chunks the pool may hold, pages beside them included; lowered
 *	below what it holds it stops growth, and what comes back goes; @lock
 * @reserve: the pool never gives back below this many; @lock to
 *	write, WRITE_ONCE
 * @low: fewer cached than this are filled up by @work; @lock
 * @high: more cached than this are given back by @work; @lock
 * @held: chunks the pool holds, or is about to; @lock to write, WRITE_ONCE
 * @used: of these, handed out; @lock
 * @waiting_count: of these, waiting; @lock, or a guess
 * @cached_count: of these, cached; @lock
 * @pages: pages beside the chunks, of mapped payloads; @lock
 * @peak: most it ever held, pages included; @lock
 * @shrunk: chunks the shrinker gave back; @lock
 * @nodes: empty chunks per node
 * @waiting: chunks in the order they came back; @lock
 * @table: number -> chunk: leaves of CHUNKS_LEAF entries. Leaves are added
 *	under @lock and stay; an entry with bit 0 set is free and has the
 *	number of the next free one above it
 * @free_number: first of the free entries, CHUNKS_MAX for none; @lock to
 *	write, WRITE_ONCE
 * @next_number: entries from here on were never used; @lock to write, WRITE_ONCE
 * @work: trims, fills and ends waits
 * @shrinker: gives cached chunks back under pressure
 * @random: a secret, for the order of objects in slabs and the buckets of weak
 *	references; fixed
 * @memcg: whom pages are charged to, or NULL; fixed
 * @tenant: whose limit counts besides, or NULL; fixed
 * @name: of the heap; fixed
 * @pressure: told that memory is short, if not NULL; any context; WRITE_ONCE, once
 * @closing: no more work is to be queued; @lock
 * @kick: queues @work; tests put their own here; @lock held
 */
struct pool {
	raw_spinlock_t	lock;
	struct mutex	setting;	/* one sets limits at a time */
	unsigned long	limit;
	unsigned long	reserve;
	unsigned long	low;
	unsigned long	high;
	unsigned long	held;
	unsigned long	used;
	unsigned long	waiting_count;
	unsigned long	cached_count;
	unsigned long	pages;
	unsigned long	peak;
	unsigned long	shrunk;
	struct pool_node *nodes;
	struct list_head waiting;
	void		***table;
	u32		free_number;
	u32		next_number;
	struct work_struct work;
	struct shrinker	*shrinker;
	siphash_key_t	random;
	struct mem_cgroup *memcg;
	struct tenant	*tenant;
	const char	*name;
	bool		closing;
	void		(*kick)(struct pool *pool);
	void		(*pressure)(struct pool *pool);
};

enum pool_limit { POOL_LIMIT, POOL_RESERVE, POOL_LOW, POOL_HIGH, POOL_LIMITS };

struct pool_usage {
	u64 limit[POOL_LIMITS];		/* bytes, as the rest */
	u64 held;
	u64 used;
	u64 cached;
	u64 waiting;
	u64 peak;
	u64 shrunk;
};

int pool_init(struct pool *pool, const char *name,
	      const struct refslab_heap_args *args);
void pool_close(struct pool *pool);
void pool_hide(struct pool *pool);
void pool_destroy(struct pool *pool);
int pool_set_limits(struct pool *pool, unsigned int which,
		    const u64 bytes[POOL_LIMITS]);
void pool_usage(struct pool *pool, struct pool_usage *usage);
unsigned long pool_drain(struct pool *pool);
bool pool_wait(struct pool *pool);
int pool_validate(struct pool *pool);

struct chunk *pool_get_chunk(struct pool *pool, int nid, gfp_t gfp);
void pool_put_chunk(struct pool *pool, struct chunk *chunk);
struct chunk *pool_take_back(struct pool *pool,
			     bool (*match)(struct chunk *chunk, void *arg),
			     void *arg);

int pool_charge(struct pool *pool, unsigned long pages);
void pool_uncharge(struct pool *pool, unsigned long pages);
struct page *pool_page(struct pool *pool);

/*
 * Whether a chunk is carved: whoever has it has set it up, and readers may look.
 * Said in its page, where one can look without knowing whose memory it is; in
 * an RCU read section that began before, a chunk seen carved stays what it is.
 * So the mark goes before the grace period that ends with another use begins.
 */
extern const u8 chunk_mark;

static inline bool page_is_carved(const struct page *page)
{
	/*
	 * acquire: pairs with the release in chunk_set_carved(). Who else has the
	 * page by now stores there as he likes, and never the mark.
	 */
	return data_race(smp_load_acquire(&page->private)) == (unsigned long)&chunk_mark;
}

static inline bool chunk_is_carved(const struct chunk *chunk)
{
	return page_is_carved(virt_to_page(chunk));
}

static inline void chunk_set_carved(struct chunk *chunk, bool carved)
{
	/* release: who sees the mark sees what was set up */
	smp_store_release(&virt_to_page(chunk)->private,
			  carved ? (unsigned long)&chunk_mark : 0);
}

/* The chunk at an address whose memory may be anybody's, if it is carved. */
static inline struct chunk *chunk_find(const void *address)
{
	void *base = (void *)((unsigned long)address & ~(REFSLAB_CHUNK_SIZE - 1));
	/* memory can be unplugged, and its struct pages with it */
	struct page *page = pfn_to_online_page(PHYS_PFN(__pa(base)));

	return page && page_is_carved(page) ? base : NULL;
}

/* The chunk of a number that is known to be in use. */
static inline struct chunk *pool_chunk(const struct pool *pool, u32 number)
{
	return pool->table[number / CHUNKS_LEAF][number % CHUNKS_LEAF];
}

/* The same where the number may not be in use: NULL then. */
struct chunk *pool_find_chunk(struct pool *pool, u32 number);
struct chunk *pool_walk_chunk(struct pool *pool, u32 number);

#endif /* _REFSLAB_POOL_H */
