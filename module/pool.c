// SPDX-License-Identifier: GPL-2.0
/*
 * The pool: a heap's private pages, handed out as chunks.
 *
 * A chunk is used (a slab), waiting (given back less than a grace period ago)
 * or cached (empty, ready). Only from the cache is a chunk handed out anew or
 * returned to the system, so that code which looks at objects in RCU read
 * sections never sees memory become something else. Pages are allocated and
 * freed without the lock, by allocators that asked for it and by the pool's
 * work; what runs below a put only moves chunks between lists.
 */
#include "pool.h"

#include <linux/kmemleak.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "chunk_table.h"
#include "heap.h"
#include "pages.h"
#include "tenant.h"
#include "trace.h"

#define CHUNK_PAGES	BIT(REFSLAB_CHUNK_ORDER)
#define LIMIT_DEFAULT	SZ_1G
#define HIGH_DEFAULT	SZ_2M
/* Chunks moved while interrupts are off. */
#define BATCH		64

static_assert(REFSLAB_CHUNK_SIZE == SZ_32K);
static_assert(ilog2(CHUNKS_MAX) + CHUNK_GRANULES_SHIFT == NUMBER_BITS);

/* Its address marks pages; nobody else has a reason to keep that. */
const u8 chunk_mark;

static unsigned long to_chunks(u64 bytes)
{
	if (bytes > REFSLAB_HEAP_MAX)
		return CHUNKS_MAX + 1;
	return DIV_ROUND_UP_ULL(bytes, REFSLAB_CHUNK_SIZE);
}

/* --- pages --- */

static void tell_reclaimable(int nid, long chunks)
{
	mod_node_page_state(NODE_DATA(nid), NR_KERNEL_MISC_RECLAIMABLE,
			    chunks * (long)CHUNK_PAGES);
}

static void count_cached(struct pool *pool, struct chunk *chunk, int sign)
{
	lockdep_assert_held(&pool->lock);
	pool->cached_count += sign;
	/* pairs with the READ_ONCE() in shrink_count() */
	WRITE_ONCE(pool->nodes[chunk->nid].count, pool->nodes[chunk->nid].count + sign);
	if (!pool->reserve)
		tell_reclaimable(chunk->nid, sign);
}

/*
 * Nobody can reclaim a reserve, and which of the chunks are the reserve nothing
 * says: so where there is one no chunk counts as reclaimable.
 */
static void set_reserve(struct pool *pool, unsigned long reserve)
{
	int nid;

	lockdep_assert_held(&pool->lock);
	if (!reserve != !pool->reserve)
		for_each_node_state(nid, N_MEMORY)
			tell_reclaimable(nid, reserve ? -(long)pool->nodes[nid].count :
						(long)pool->nodes[nid].count);
	WRITE_ONCE(pool->reserve, reserve);
}

static void cache_add(struct pool *pool, struct chunk *chunk)
{
	chunk->state = CHUNK_CACHED;
	list_add(&chunk->link, &pool->nodes[chunk->nid].cached);
	count_cached(pool, chunk, 1);
}

static struct chunk *cache_take(struct pool *pool, int nid)
{
	struct chunk *chunk;

	chunk = list_first_entry_or_null(&pool->nodes[nid].cached, struct chunk, link);
	if (chunk) {
		list_del_init(&chunk->link);
		count_cached(pool, chunk, -1);
	}
	return chunk;
}

/* Pages beside the chunks, in chunks; pool->lock held. */
static unsigned long beside(const struct pool *pool)
{
	return DIV_ROUND_UP(pool->pages, BIT(REFSLAB_CHUNK_ORDER));
}

/* What counts against the limit, in chunks; pool->lock held. */
static unsigned long counted(const struct pool *pool)
{
	return pool->held + beside(pool);
}

/* One chunk more is to be held; false if a limit is reached. */
static bool hold(struct pool *pool)
{
	lockdep_assert_held(&pool->lock);
	if (counted(pool) >= pool->limit || !tenant_charge(pool->tenant, CHUNK_PAGES))
		return false;
	/* pairs with the READ_ONCE() in shrink_count(), as in unhold() */
	WRITE_ONCE(pool->held, pool->held + 1);
	pool->peak = max(pool->peak, counted(pool));
	return true;
}

static void unhold(struct pool *pool)
{
	lockdep_assert_held(&pool->lock);
	WRITE_ONCE(pool->held, pool->held - 1);
	tenant_uncharge(pool->tenant, CHUNK_PAGES);
}

static struct chunk *chunk_alloc(struct pool *pool, int nid, gfp_t gfp)
{
	struct chunk *chunk;
	struct page *page;

	gfp = (gfp & ~(__GFP_ZERO | __GFP_HIGHMEM)) | __GFP_COMP;
	page = pages_get(pool, nid, gfp, REFSLAB_CHUNK_ORDER);
	if (!page)
		return NULL;

	chunk = page_address(page);
	INIT_LIST_HEAD(&chunk->link);
	chunk->state = CHUNK_USED;
	chunk->nid = page_to_nid(page);
	chunk->grace = 0;
	/*
	 * Scanned, so that what only objects point to is not taken for a leak;
	 * never itself reported as one: the pool knows what it holds.
	 */
	kmemleak_alloc(chunk, REFSLAB_CHUNK_SIZE, 0, gfp & ~__GFP_ACCOUNT);
	return chunk;
}

static void chunk_free(struct chunk *chunk)
{
	chunk_set_carved(chunk, false);
	refslab_kasan_unpoison(chunk, REFSLAB_CHUNK_SIZE);
	kmemleak_free(chunk);
	pages_put(virt_to_page(chunk), REFSLAB_CHUNK_ORDER);
}

static void chunk_free_list(struct list_head *list)
{
	struct chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, list, link) {
		chunk_free(chunk);
		cond_resched();
	}
	INIT_LIST_HEAD(list);
}

/* One more chunk from the system, in no state yet; the caller has counted it. */
static struct chunk *chunk_create(struct pool *pool, int nid, gfp_t gfp)
{
	struct chunk *chunk;
	unsigned long flags;
	bool done;

	chunk = chunk_alloc(pool, nid, gfp);
	if (!chunk)
		return NULL;
	do {
		if (chunk_table_prepare(pool, gfp)) {
			chunk_free(chunk);
			return NULL;
		}
		raw_spin_lock_irqsave(&pool->lock, flags);
		done = chunk_table_insert(pool, chunk);
		raw_spin_unlock_irqrestore(&pool->lock, flags);
	} while (!done);
	trace_refslab_chunk_alloc(pool, chunk);
	return chunk;
}

/* Takes a cached chunk out of the pool's books; it is freed without the lock. */
static void chunk_forget(struct pool *pool, struct chunk *chunk,
			 struct list_head *list)
{
	lockdep_assert_held(&pool->lock);
	chunk_table_remove(pool, chunk);
	unhold(pool);
	trace_refslab_chunk_free(pool, chunk);
	list_add(&chunk->link, list);
}

/* --- waiting for readers --- */

/* Moves chunks that nobody looks at any more to the cache. True for more. */
static bool end_waits(struct pool *pool)
{
	unsigned int batch = BATCH;
	struct chunk *chunk;

	lockdep_assert_held(&pool->lock);
	while ((chunk = list_first_entry_or_null(&pool->waiting, struct chunk, link))) {
		if (!batch--)
			return true;
		if (!poll_state_synchronize_rcu(chunk->grace))
			break;
		list_del(&chunk->link);
		pool->waiting_count--;
		cache_add(pool, chunk);
	}
	return false;
}

/**
 * pool_wait - wait until waiting chunks can be used again
 * @pool: the pool
 *
 * Context: May sleep for a grace period.
 * Return: true if there were any.
 */
bool pool_wait(struct pool *pool)
{
	struct chunk *last;
	unsigned long grace;
	bool any, more;

	raw_spin_lock_irq(&pool->lock);
	last = list_empty(&pool->waiting) ? NULL :
	       list_last_entry(&pool->waiting, struct chunk, link);
	grace = last ? last->grace : 0;
	any = last;
	raw_spin_unlock_irq(&pool->lock);
	if (!any)
		return false;

	cond_synchronize_rcu(grace);
	do {
		raw_spin_lock_irq(&pool->lock);
		more = end_waits(pool);
		raw_spin_unlock_irq(&pool->lock);
	} while (more);
	return true;
}

/* --- chunks for slabs --- */

/**
 * pool_get_chunk - take a chunk
 * @pool: the pool
 * @nid: preferred NUMA node, or NUMA_NO_NODE
 * @gfp: how hard to try; with __GFP_DIRECT_RECLAIM it may sleep, with
 *	__GFP_THISNODE no other node will do
 *
 * Context: As @gfp allows; no raw spinlock held.
 * Return: the chunk; -ENOSPC at the pool's limit or its tenant's, -ENOMEM.
 */
struct chunk *pool_get_chunk(struct pool *pool, int nid, gfp_t gfp)
{
	bool waited = false, held, ours;
	struct chunk *chunk = NULL;
	unsigned long flags;
	int n;

	if (nid == NUMA_NO_NODE)
		nid = numa_mem_id();
again:
	raw_spin_lock_irqsave(&pool->lock, flags);
	end_waits(pool);
	chunk = cache_take(pool, nid);
	held = !chunk && hold(pool);
	if (!chunk && !held && !(gfp & __GFP_THISNODE)) {
		/* far memory is better than none */
		for_each_node_state(n, N_MEMORY) {
			chunk = cache_take(pool, n);
			if (chunk)
				break;
		}
	}
	/* also where there was none: nobody else may come to say so */
	if ((chunk || held) && pool->cached_count < pool->low)
		pool->kick(pool);
	if (chunk) {
		chunk->state = CHUNK_USED;
		pool->used++;
		raw_spin_unlock_irqrestore(&pool->lock, flags);
		return chunk;
	}
	if (!held) {
		ours = counted(pool) >= pool->limit;
		raw_spin_unlock_irqrestore(&pool->lock, flags);
		if (!waited && gfpflags_allow_blocking(gfp)) {
			waited = true;
			if (pool_wait(pool))
				goto again;
		}
		if (!ours)
			tenant_say_full(pool->tenant, pool->name);
		return ERR_PTR(-ENOSPC);
	}
	pool->used++;
	raw_spin_unlock_irqrestore(&pool->lock, flags);

	chunk = chunk_create(pool, nid, gfp);
	if (chunk)
		return chunk;

	raw_spin_lock_irqsave(&pool->lock, flags);
	unhold(pool);
	pool->used--;
	for_each_node_state(n, N_MEMORY) {
		chunk = n == nid || !(gfp & __GFP_THISNODE) ? cache_take(pool, n) : NULL;
		if (chunk) {
			chunk->state = CHUNK_USED;
			pool->used++;
			break;
		}
	}
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	if (chunk)
		return chunk;
	if (!waited && gfpflags_allow_blocking(gfp)) {
		waited = true;
		if (pool_wait(pool))
			goto again;
	}
	return ERR_PTR(-ENOMEM);
}

/**
 * pool_put_chunk - give a chunk back
 * @pool: the pool
 * @chunk: from pool_get_chunk(), carved no more; readers may still look at it
 *
 * Context: Any context; the caller may hold raw spinlocks.
 */
void pool_put_chunk(struct pool *pool, struct chunk *chunk)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	chunk->state = CHUNK_WAITING;
	chunk->grace = get_state_synchronize_rcu();
	list_add_tail(&chunk->link, &pool->waiting);
	pool->used--;
	pool->waiting_count++;
	pool->kick(pool);
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * pool_take_back - take a waiting chunk without waiting
 * @pool: the pool
 * @match: says whether the caller had this one before, for the same purpose, so
 *	that readers find what they expect
 * @arg: for @match
 *
 * Context: Any context; the caller may hold raw spinlocks.
 * Return: the chunk, used again; or NULL.
 */
struct chunk *pool_take_back(struct pool *pool,
			     bool (*match)(struct chunk *chunk, void *arg),
			     void *arg)
{
	struct chunk *chunk, *found = NULL;
	unsigned int tries = 8;
	unsigned long flags;

	/* the common case is one type that comes and goes; a guess without the lock */
	if (!data_race(READ_ONCE(pool->waiting_count)))
		return NULL;
	raw_spin_lock_irqsave(&pool->lock, flags);
	/* what comes back above a limit that was lowered goes */
	if (counted(pool) > pool->limit)
		goto out;
	list_for_each_entry_reverse(chunk, &pool->waiting, link) {
		if (match(chunk, arg)) {
			found = chunk;
			break;
		}
		if (!--tries)
			break;
	}
	if (found) {
		list_del_init(&found->link);
		found->state = CHUNK_USED;
		pool->waiting_count--;
		pool->used++;
	}
out:
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	return found;
}

/* --- pages beside the chunks --- */

/**
 * pool_charge - count pages against the pool's limit, and its tenant's
 * @pool: the pool
 * @pages: how many
 *
 * Context: Any context.
 * Return: 0; -ENOSPC at one of them.
 */
int pool_charge(struct pool *pool, unsigned long pages)
{
	bool ours, full = false;
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	pool->pages += pages;
	ours = counted(pool) > pool->limit;
	if (ours || !tenant_charge(pool->tenant, pages)) {
		pool->pages -= pages;
		full = true;
	}
	pool->peak = max(pool->peak, counted(pool));
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	if (full && !ours)
		tenant_say_full(pool->tenant, pool->name);
	return full ? -ENOSPC : 0;
}

/**
 * pool_uncharge - count them no longer
 * @pool: the pool
 * @pages: how many
 *
 * Context: Any context.
 */
void pool_uncharge(struct pool *pool, unsigned long pages)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	pool->pages -= pages;
	tenant_uncharge(pool->tenant, pages);
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * pool_page - a page of its own, paid for by who pays for the pool
 * @pool: the pool, which pool_charge() has counted the page against
 *
 * Context: May sleep.
 * Return: the page, zeroed, for pages_put(); or NULL.
 */
struct page *pool_page(struct pool *pool)
{
	return pages_get(pool, numa_mem_id(), GFP_KERNEL | __GFP_ZERO, 0);
}

/* --- background --- */

/* Chunks above what is to stay cached go to @list; at most @most. */
static unsigned long trim(struct pool *pool, unsigned long keep, int nid,
			  unsigned long most, struct list_head *list)
{
	unsigned long n = 0;
	struct chunk *chunk;

	lockdep_assert_held(&pool->lock);
	while (n < most && pool->cached_count > keep &&
	       pool->held > pool->reserve) {
		chunk = cache_take(pool, nid);
		if (!chunk)
			break;
		chunk_forget(pool, chunk, list);
		n++;
	}
	return n;
}

/* Gives back what is cached above @keep. May sleep. */
static unsigned long trim_all(struct pool *pool, unsigned long keep)
{
	unsigned long n = 0, batch;
	LIST_HEAD(list);
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		do {
			raw_spin_lock_irq(&pool->lock);
			batch = trim(pool, keep, nid, BATCH, &list);
			raw_spin_unlock_irq(&pool->lock);
			chunk_free_list(&list);
			n += batch;
		} while (batch);
	}
	return n;
}

/*
 * Brings @held up to @reserve and the cache up to @low, as far as limits go; -ENOMEM,
 * -EINTR, -ENOSPC if that leaves the reserve short.
 */
static int fill(struct pool *pool, gfp_t gfp)
{
	struct chunk *chunk;
	int err;

	for (;;) {
		/* it may be most of the machine's memory */
		if (fatal_signal_pending(current))
			return -EINTR;
		raw_spin_lock_irq(&pool->lock);
		err = pool->held < pool->reserve ? -ENOSPC : 0;
		if ((pool->held >= pool->reserve &&
		     pool->cached_count + pool->waiting_count >= pool->low) ||
		    !hold(pool)) {
			raw_spin_unlock_irq(&pool->lock);
			return err;
		}
		raw_spin_unlock_irq(&pool->lock);

		chunk = chunk_create(pool, NUMA_NO_NODE, gfp);
		raw_spin_lock_irq(&pool->lock);
		if (chunk)
			cache_add(pool, chunk);
		else
			unhold(pool);
		raw_spin_unlock_irq(&pool->lock);
		if (!chunk)
			return -ENOMEM;
		cond_resched();
	}
}

/* Brings the cache to where the watermarks and limits want it; comfort, for @gfp. */
static void settle(struct pool *pool, gfp_t gfp)
{
	unsigned long over, keep;

	raw_spin_lock_irq(&pool->lock);
	over = counted(pool) > pool->limit ? counted(pool) - pool->limit : 0;
	if (tenant_is_over(pool->tenant))
		over = pool->held;
	keep = min(pool->high, pool->cached_count - min(over, pool->cached_count));
	raw_spin_unlock_irq(&pool->lock);
	trim_all(pool, keep);
	fill(pool, gfp);
}

static void pool_work(struct work_struct *work)
{
	struct pool *pool = container_of(work, struct pool, work);

	pool_wait(pool);
	/* not worth reclaiming for, least of all on behalf of a client at his cgroup's limit */
	settle(pool, GFP_NOWAIT | __GFP_NOWARN);
}

static void pool_kick(struct pool *pool)
{
	lockdep_assert_held(&pool->lock);
	if (!pool->closing)
		queue_work(refslab_wq, &pool->work);
}

/**
 * pool_drain - give all cached chunks above the reserve back to the system
 * @pool: the pool
 *
 * Context: May sleep.
 * Return: chunks given back.
 */
unsigned long pool_drain(struct pool *pool)
{
	pool_wait(pool);
	return trim_all(pool, 0);
}

static unsigned long shrink_count(struct shrinker *shrinker,
				  struct shrink_control *sc)
{
	struct pool *pool = refslab_shrinker_private(shrinker);
	void (*pressure)(struct pool *pool) = READ_ONCE(pool->pressure);
	unsigned long held, cached, reserve;

	/* what is garbage may become chunks; not now, and not by us */
	if (pressure)
		pressure(pool);
	held = READ_ONCE(pool->held);
	cached = READ_ONCE(pool->nodes[sc->nid].count);
	reserve = READ_ONCE(pool->reserve);
	return held > reserve ? min(cached, held - reserve) * CHUNK_PAGES : 0;
}

static unsigned long shrink_scan(struct shrinker *shrinker,
				 struct shrink_control *sc)
{
	struct pool *pool = refslab_shrinker_private(shrinker);
	unsigned long flags, n;
	LIST_HEAD(list);

	raw_spin_lock_irqsave(&pool->lock, flags);
	n = trim(pool, 0, sc->nid,
		 min(DIV_ROUND_UP(sc->nr_to_scan, CHUNK_PAGES), 2UL * BATCH), &list);
	pool->shrunk += n;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	if (!n)
		return SHRINK_STOP;
	chunk_free_list(&list);
	/*
	 * Reclaim counts what page and slab caches free; what goes back by
	 * __free_pages() it has to be told, or it believes nothing was freed.
	 */
	mm_account_reclaimed_pages(n * CHUNK_PAGES);
	return n * CHUNK_PAGES;
}

/* --- limits --- */

/**
 * pool_set_limits - set some of the limits
 * @pool: the pool
 * @which: BIT(POOL_LIMIT) and so on
 * @bytes: the values; rounded up to chunks
 *
 * Context: May sleep.
 * Return: 0; -EINVAL if the limit is 0 or above REFSLAB_HEAP_MAX, the reserve
 *	above the limit, or low above high; -ENOMEM if the reserve cannot be had,
 *	-ENOSPC if the tenant's limit leaves no room for it, or pages beside the
 *	chunks leave none below the pool's, -EINTR if the caller was killed
 *	meanwhile. Then nothing has changed.
 */
int pool_set_limits(struct pool *pool, unsigned int which,
		    const u64 bytes[POOL_LIMITS])
{
	unsigned long new[POOL_LIMITS], old[POOL_LIMITS];
	int i, err = 0;

	/* what cannot be had is undone, but not what others have set since */
	if (mutex_lock_killable(&pool->setting))
		return -EINTR;
	raw_spin_lock_irq(&pool->lock);
	old[POOL_LIMIT] = pool->limit;
	old[POOL_RESERVE] = pool->reserve;
	old[POOL_LOW] = pool->low;
	old[POOL_HIGH] = pool->high;
	for (i = 0; i < POOL_LIMITS; i++)
		new[i] = which & BIT(i) ? to_chunks(bytes[i]) : old[i];
	if (!new[POOL_LIMIT] || new[POOL_LIMIT] > CHUNKS_MAX ||
	    new[POOL_RESERVE] > new[POOL_LIMIT] || new[POOL_LOW] > new[POOL_HIGH] ||
	    new[POOL_HIGH] > CHUNKS_MAX) {
		err = -EINVAL;
	} else if (new[POOL_RESERVE] > max(old[POOL_RESERVE], pool->held) &&
		   new[POOL_RESERVE] + beside(pool) > new[POOL_LIMIT]) {
		/* not filled up first, for others to be refused meanwhile */
		err = -ENOSPC;
	}
	if (err) {
		raw_spin_unlock_irq(&pool->lock);
		mutex_unlock(&pool->setting);
		return err;
	}
	pool->limit = new[POOL_LIMIT];
	set_reserve(pool, new[POOL_RESERVE]);
	pool->low = new[POOL_LOW];
	pool->high = new[POOL_HIGH];
	raw_spin_unlock_irq(&pool->lock);

	if (new[POOL_RESERVE] > old[POOL_RESERVE])
		err = fill(pool, GFP_KERNEL);

	raw_spin_lock_irq(&pool->lock);
	if (err) {
		pool->limit = old[POOL_LIMIT];
		set_reserve(pool, old[POOL_RESERVE]);
		pool->low = old[POOL_LOW];
		pool->high = old[POOL_HIGH];
	}
	/* who was killed is to go */
	if (err == -EINTR)
		pool->kick(pool);
	raw_spin_unlock_irq(&pool->lock);
	/* by the caller, not the workqueue: it may be as much as he likes, and again */
	if (err != -EINTR)
		settle(pool, GFP_KERNEL | __GFP_NORETRY);
	mutex_unlock(&pool->setting);
	return err;
}

/**
 * pool_usage - what the pool holds
 * @pool: the pool
 * @usage: filled in, of one instant
 *
 * Context: Any context.
 */
void pool_usage(struct pool *pool, struct pool_usage *usage)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	usage->limit[POOL_LIMIT] = (u64)pool->limit << CHUNK_SHIFT;
	usage->limit[POOL_RESERVE] = (u64)pool->reserve << CHUNK_SHIFT;
	usage->limit[POOL_LOW] = (u64)pool->low << CHUNK_SHIFT;
	usage->limit[POOL_HIGH] = (u64)pool->high << CHUNK_SHIFT;
	usage->held = ((u64)pool->held << CHUNK_SHIFT) + ((u64)pool->pages << PAGE_SHIFT);
	usage->used = ((u64)pool->used << CHUNK_SHIFT) + ((u64)pool->pages << PAGE_SHIFT);
	usage->cached = (u64)pool->cached_count << CHUNK_SHIFT;
	usage->waiting = (u64)pool->waiting_count << CHUNK_SHIFT;
	usage->peak = (u64)pool->peak << CHUNK_SHIFT;
	usage->shrunk = (u64)pool->shrunk << CHUNK_SHIFT;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * pool_validate - check the pool's books
 * @pool: the pool; no chunk is on its way between system and pool
 *
 * Context: Any context; takes the pool's lock for as long as it has chunks.
 * Return: 0, or -EUCLEAN after a WARN.
 */
int pool_validate(struct pool *pool)
{
	unsigned long cached = 0, waiting = 0, used = 0, before, flags;
	struct chunk *chunk;
	u32 number;
	int nid, err = 0;

	raw_spin_lock_irqsave(&pool->lock, flags);
	for (number = 0; number < pool->next_number; number++) {
		chunk = pool_find_chunk(pool, number);
		if (chunk && chunk->number != number)
			err = -EUCLEAN;
		if (chunk && chunk->state == CHUNK_USED)
			used++;
	}
	for_each_node_state(nid, N_MEMORY) {
		before = cached;
		list_for_each_entry(chunk, &pool->nodes[nid].cached, link) {
			cached++;
			if (chunk->state != CHUNK_CACHED || chunk->nid != nid ||
			    pool_find_chunk(pool, chunk->number) != chunk)
				err = -EUCLEAN;
		}
		if (cached - before != pool->nodes[nid].count)
			err = -EUCLEAN;
	}
	list_for_each_entry(chunk, &pool->waiting, link) {
		waiting++;
		if (chunk->state != CHUNK_WAITING ||
		    pool_find_chunk(pool, chunk->number) != chunk)
			err = -EUCLEAN;
	}
	if (cached != pool->cached_count || waiting != pool->waiting_count ||
	    used != pool->used || cached + waiting + used != pool->held)
		err = -EUCLEAN;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	WARN(err, "refslab: pool of %s: %lu cached, %lu waiting, %lu used found; %lu, %lu, %lu of %lu in the books\n",
	     pool->name, cached, waiting, used, pool->cached_count,
	     pool->waiting_count, pool->used, pool->held);
	return err;
}

/* --- beginning and end --- */

int pool_init(struct pool *pool, const char *name,
	      const struct refslab_heap_args *args)
{
	const u64 bytes[POOL_LIMITS] = {
		[POOL_LIMIT] = args->limit ?: LIMIT_DEFAULT,
		[POOL_RESERVE] = args->reserve,
		[POOL_LOW] = args->low,
		[POOL_HIGH] = args->high ?: max_t(u64, HIGH_DEFAULT, args->low),
	};
	gfp_t gfp = args->flags & REFSLAB_HEAP_ACCOUNT ? GFP_KERNEL_ACCOUNT : GFP_KERNEL;
	int nid, err = -ENOMEM;

	raw_spin_lock_init(&pool->lock);
	mutex_init(&pool->setting);
	INIT_LIST_HEAD(&pool->waiting);
	INIT_WORK(&pool->work, pool_work);
	pool->kick = pool_kick;
	pool->name = name;
	get_random_bytes(&pool->random, sizeof(pool->random));
	pool->free_number = CHUNKS_MAX;
	/* set first: pool_set_limits() checks each against the others */
	pool->limit = CHUNKS_MAX;
	pool->high = CHUNKS_MAX;

	pool->table = kcalloc(CHUNKS_MAX / CHUNKS_LEAF, sizeof(*pool->table), gfp);
	pool->nodes = kcalloc(nr_node_ids, sizeof(*pool->nodes), gfp);
	if (!pool->table || !pool->nodes)
		goto err_free;
	for (nid = 0; nid < nr_node_ids; nid++)
		INIT_LIST_HEAD(&pool->nodes[nid].cached);
	if (args->flags & REFSLAB_HEAP_ACCOUNT)
		pool->memcg = get_mem_cgroup_from_mm(current->mm);

	pool->shrinker = refslab_shrinker_create(name, shrink_count, shrink_scan, pool);
	if (!pool->shrinker)
		goto err_memcg;
	err = pool_set_limits(pool, BIT(POOL_LIMITS) - 1, bytes);
	if (err)
		goto err_close;
	return 0;

err_close:
	pool_close(pool);
	pool_destroy(pool);
	return err;
err_memcg:
	if (pool->memcg)
		mem_cgroup_put(pool->memcg);
err_free:
	kfree(pool->nodes);
	kfree(pool->table);
	return err;
}

/**
 * pool_close - stop all that the pool does in the background
 * @pool: the pool
 *
 * Context: May sleep.
 */
void pool_close(struct pool *pool)
{
	raw_spin_lock_irq(&pool->lock);
	pool->closing = true;
	raw_spin_unlock_irq(&pool->lock);
	refslab_shrinker_destroy(pool->shrinker);
	cancel_work_sync(&pool->work);
}

/**
 * pool_hide - no chunk is carved any more
 * @pool: a closed pool; nobody carves any more
 *
 * After a grace period nobody looks at what is in the chunks.
 *
 * Context: May sleep.
 */
void pool_hide(struct pool *pool)
{
	struct chunk *chunk;
	u32 number;

	for (number = 0; number < pool->next_number; number++) {
		chunk = pool_find_chunk(pool, number);
		if (chunk)
			chunk_set_carved(chunk, false);
		cond_resched();
	}
}

/**
 * pool_destroy - give everything back, whatever state it is in
 * @pool: a closed pool; nobody looks at its objects any more
 *
 * Context: May sleep.
 */
void pool_destroy(struct pool *pool)
{
	struct chunk *chunk;
	u32 number;

	for (number = 0; number < pool->next_number; number++) {
		chunk = pool_find_chunk(pool, number);
		if (!chunk)
			continue;
		if (chunk->state == CHUNK_CACHED) {
			raw_spin_lock_irq(&pool->lock);
			count_cached(pool, chunk, -1);
			raw_spin_unlock_irq(&pool->lock);
		}
		trace_refslab_chunk_free(pool, chunk);
		chunk_free(chunk);
		cond_resched();
	}
	for (number = 0; number < CHUNKS_MAX / CHUNKS_LEAF; number++)
		kfree(pool->table[number]);
	tenant_uncharge(pool->tenant, pool->held * CHUNK_PAGES);
	if (pool->memcg)
		mem_cgroup_put(pool->memcg);
	kfree(pool->nodes);
	kfree(pool->table);
}
