/* SPDX-License-Identifier: GPL-2.0 */
/* Tenants: users who have heaps, and what all heaps of one may take together. */
#ifndef _REFSLAB_TENANT_H
#define _REFSLAB_TENANT_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/ratelimit.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

/* What the workqueue does for user programs rests so many times as long as it took. */
#define REST_FACTOR	3

struct tenant_turn;

/**
 * struct tenant - a user who has heaps
 * @uid: who; fixed
 * @heaps: how many they are, each of which keeps the tenant; the table's lock
 * @pages: what their pools hold, in pages; atomic
 * @lock: whose turn it is
 * @turns: those who wait for theirs, in the order they came; @lock
 * @now: who has it, or NULL; @lock
 * @rest_until: nobody has it before; ns of ktime_get(); @lock to write
 * @end: frees a tenant that has had no heaps for a minute, when it has rested
 * @said_heaps: how often the log is told that there are too many; own lock
 * @said_memory: the same of memory; own lock
 * @said_lines: how often it is told what the user's programs are free to have told
 *	there; own lock
 */
struct tenant {
	kuid_t		uid;
	unsigned int	heaps;
	atomic_long_t	pages;
	spinlock_t	lock;	/* whose turn it is */
	struct list_head turns;
	struct tenant_turn *now;
	u64		rest_until;
	struct delayed_work end;
	struct ratelimit_state said_heaps;
	struct ratelimit_state said_memory;
	struct ratelimit_state said_lines;
};

/**
 * struct tenant_turn - background work that is done when its tenant's turn comes
 * @tenant: whose, or NULL: it is its turn always; fixed
 * @work: queued when it is; fixed
 * @link: tenant->turns; tenant->lock
 * @closed: its turn never comes again; tenant->lock
 * @waits: @work will be queued in any case, nobody else need do so; WRITE_ONCE
 */
struct tenant_turn {
	struct tenant	*tenant;
	struct delayed_work *work;
	struct list_head link;
	bool		closed;
	bool		waits;
};

extern unsigned int tenant_heaps_max;
extern unsigned long tenant_memory_max;

/* Jiffies until @ns of ktime_get(), 0 if that has been. */
static inline unsigned long jiffies_until(u64 ns)
{
	u64 now = ns ? ktime_get_ns() : 0;

	return ns > now ? nsecs_to_jiffies(ns - now) + 1 : 0;
}

bool tenant_wanted(void);
struct tenant *tenant_join(kuid_t uid);
void tenant_leave(struct tenant *tenant);
void tenant_exit(void);

bool tenant_charge(struct tenant *tenant, unsigned long pages);
void tenant_uncharge(struct tenant *tenant, unsigned long pages);
bool tenant_is_over(const struct tenant *tenant);
void tenant_say_full(struct tenant *tenant, const char *heap);
bool tenant_may_say(struct tenant *tenant);

void tenant_turn_init(struct tenant_turn *turn, struct tenant *tenant,
		      struct delayed_work *work);
bool tenant_turn_begin(struct tenant_turn *turn);
void tenant_turn_end(struct tenant_turn *turn, u64 ns);
void tenant_turn_leave(struct tenant_turn *turn);
void tenant_turn_close(struct tenant_turn *turn);

/* Whether the work comes to its turn by itself; said until tenant_turn_came(). */
static inline bool tenant_turn_waits(const struct tenant_turn *turn)
{
	return READ_ONCE(turn->waits);
}

/*
 * The work runs: what is there to do from here on has to queue it again. It looks
 * at what that is after this.
 */
static inline void tenant_turn_came(struct tenant_turn *turn)
{
	WRITE_ONCE(turn->waits, false);
	/* pairs with the counting, by a full barrier, before tenant_turn_waits() */
	smp_mb();
}

#endif /* _REFSLAB_TENANT_H */
