// SPDX-License-Identifier: GPL-2.0
/*
 * Tenants: users who have heaps, and what all heaps of one may take together.
 *
 * A heap has limits, and a user may have many heaps. So heaps are counted by the
 * user who made them, their memory is, and sweeps that start by themselves have to
 * wait for their turn: one of a user's heaps at a time, in the order they came, and
 * between two of them it is nobody's, for thrice as long as the first took. Who waits
 * is on a list and not in the workqueue, where he would keep others out.
 *
 * The user is the real user id of who makes the heap. Not of who opened the device:
 * an administrator may open it for others. Nor the effective id, which who runs
 * another's program has for a while; the kernel counts processes in the same way.
 *
 * Nobody counts what the kernel's modules have, or who may exceed limits anyway.
 */
#include "tenant.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "heap.h"

/* How long a tenant without heaps is known, and the log quiet about one. */
#define STAYS	(60 * HZ)

/* Lines a minute that programs of a user may have in the log. */
#define LINES	10

/* As inotify has it, for something of the same kind. */
unsigned int tenant_heaps_max = 128;
module_param_named(heaps_max, tenant_heaps_max, uint, 0644);
MODULE_PARM_DESC(heaps_max, "Most heaps that a user may have");

/* Half the memory is what a tmpfs may take, too. */
unsigned long tenant_memory_max;
module_param_named(memory_max, tenant_memory_max, ulong, 0644);
MODULE_PARM_DESC(memory_max, "Most bytes that all heaps of a user may take together; 0 for half the machine's memory");

/* by user id; its lock protects @heaps of each as well */
static DEFINE_XARRAY(tenants);

/* --- who has heaps --- */

/**
 * tenant_wanted - whether heaps that the caller makes are counted
 *
 * Context: May sleep.
 * Return: true unless he may exceed limits.
 */
bool tenant_wanted(void)
{
	return !ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
}

static unsigned long id_of(kuid_t uid)
{
	return __kuid_val(uid);
}

/*
 * The tenant has had no heaps for long enough; perhaps it has some again by now, or
 * has had some that are gone, and is to stay again.
 */
static void tenant_end(struct work_struct *work)
{
	struct tenant *tenant = container_of(to_delayed_work(work), struct tenant, end);
	bool unused;

	xa_lock(&tenants);
	unused = !tenant->heaps && !delayed_work_pending(&tenant->end);
	if (unused)
		__xa_erase(&tenants, id_of(tenant->uid));
	xa_unlock(&tenants);
	if (unused)
		kfree(tenant);
}

static void said_init(struct ratelimit_state *said, int lines)
{
	ratelimit_state_init(said, STAYS, lines);
	/* without a line for those that were not said */
	ratelimit_set_flags(said, RATELIMIT_MSG_ON_RELEASE);
}

static struct tenant *tenant_create(kuid_t uid)
{
	struct tenant *tenant = kzalloc(sizeof(*tenant), GFP_KERNEL_ACCOUNT);

	if (!tenant)
		return NULL;
	tenant->uid = uid;
	tenant->heaps = 1;
	spin_lock_init(&tenant->lock);
	INIT_LIST_HEAD(&tenant->turns);
	INIT_DELAYED_WORK(&tenant->end, tenant_end);
	said_init(&tenant->said_heaps, 1);
	said_init(&tenant->said_memory, 1);
	said_init(&tenant->said_lines, LINES);
	return tenant;
}

/* One heap more for who is a tenant already; NULL if he is none. */
static struct tenant *tenant_join_again(kuid_t uid)
{
	/* kstrtouint() stores parameters plainly */
	unsigned int most = data_race(READ_ONCE(tenant_heaps_max));
	struct tenant *tenant;
	bool say = false;

	xa_lock(&tenants);
	tenant = xa_load(&tenants, id_of(uid));
	if (tenant && tenant->heaps < most) {
		tenant->heaps++;
	} else if (tenant) {
		say = __ratelimit(&tenant->said_heaps);
		tenant = ERR_PTR(-EDQUOT);
	}
	xa_unlock(&tenants);
	if (say)
		pr_notice_ratelimited("refslab: user %u has all the heaps that heaps_max allows, %u\n",
				      __kuid_val(uid), most);
	return tenant;
}

/**
 * tenant_join - one heap more
 * @uid: of this user
 *
 * Context: May sleep.
 * Return: the user as a tenant; -EDQUOT if he has as many heaps as he may, -ENOMEM.
 */
struct tenant *tenant_join(kuid_t uid)
{
	struct tenant *tenant;
	int err;

	for (;;) {
		tenant = tenant_join_again(uid);
		if (tenant)
			return tenant;
		/* as above */
		if (!data_race(READ_ONCE(tenant_heaps_max)))
			return ERR_PTR(-EDQUOT);
		tenant = tenant_create(uid);
		if (!tenant)
			return ERR_PTR(-ENOMEM);
		err = xa_insert(&tenants, id_of(uid), tenant, GFP_KERNEL_ACCOUNT);
		if (!err)
			return tenant;
		kfree(tenant);
		/* or another was faster */
		if (err != -EBUSY)
			return ERR_PTR(err);
	}
}

/**
 * tenant_leave - one heap less
 * @tenant: whose, or NULL; the heap is gone
 *
 * A tenant without heaps stays until it has rested: else who ends his last heap after
 * each sweep, and makes another, would never rest. And for a minute, so that the log
 * says no more often what it says of him.
 *
 * Context: May sleep.
 */
void tenant_leave(struct tenant *tenant)
{
	if (!tenant)
		return;
	xa_lock(&tenants);
	/* within the lock, as tenant_end() asks both */
	if (!--tenant->heaps)
		mod_delayed_work(refslab_wq, &tenant->end,
				 max_t(unsigned long, STAYS,
				       jiffies_until(READ_ONCE(tenant->rest_until))));
	xa_unlock(&tenants);
}

/* No heap is left, nor will there be one; those who rest need not any more. */
void tenant_exit(void)
{
	struct tenant *tenant;
	unsigned long id;

	xa_lock(&tenants);
	xa_for_each(&tenants, id, tenant) {
		/* one that runs finds itself in the table when we are done */
		if (!cancel_delayed_work(&tenant->end))
			continue;
		__xa_erase(&tenants, id);
		kfree(tenant);
	}
	xa_unlock(&tenants);
	flush_workqueue(refslab_wq);
	WARN_ON(!xa_empty(&tenants));
}

/* --- memory --- */

static unsigned long pages_max(void)
{
	/* as kstrtoul() does */
	unsigned long bytes = data_race(READ_ONCE(tenant_memory_max));

	return bytes ? bytes >> PAGE_SHIFT : totalram_pages() / 2;
}

/**
 * tenant_charge - a heap is to hold more pages
 * @tenant: whose, or NULL
 * @pages: how many
 *
 * Context: Any context.
 * Return: false if all heaps together hold as many as they may.
 */
bool tenant_charge(struct tenant *tenant, unsigned long pages)
{
	long most, old;

	if (!tenant)
		return true;
	most = pages_max();
	old = atomic_long_read(&tenant->pages);
	do {
		/* lowered meanwhile, perhaps */
		if (old > most || pages > (unsigned long)(most - old))
			return false;
	} while (!atomic_long_try_cmpxchg_relaxed(&tenant->pages, &old, old + pages));
	return true;
}

/**
 * tenant_uncharge - a heap holds fewer
 * @tenant: whose, or NULL
 * @pages: how many
 *
 * Context: Any context.
 */
void tenant_uncharge(struct tenant *tenant, unsigned long pages)
{
	if (tenant)
		atomic_long_sub(pages, &tenant->pages);
}

/* Whether all its heaps hold more than they may by now. */
bool tenant_is_over(const struct tenant *tenant)
{
	return tenant && atomic_long_read(&tenant->pages) > (long)pages_max();
}

/* Tells the log which limit it was, and what heap has met it; any context. */
void tenant_say_full(struct tenant *tenant, const char *heap)
{
	if (__ratelimit(&tenant->said_memory))
		pr_notice_ratelimited("refslab: heaps of user %u have all the memory that memory_max allows, %lu KiB; heap %s wanted more\n",
				      __kuid_val(tenant->uid),
				      pages_max() << (PAGE_SHIFT - 10), heap);
}

/**
 * tenant_may_say - whether the log may be told one line more
 * @tenant: whose programs want that, or NULL
 *
 * They can make one heap after the other, each of which may say a little.
 *
 * Context: Any context.
 * Return: true; now and then.
 */
bool tenant_may_say(struct tenant *tenant)
{
	return !tenant || __ratelimit(&tenant->said_lines);
}

/* --- turns --- */

static struct tenant_turn *first_of(struct tenant *tenant)
{
	return list_first_entry_or_null(&tenant->turns, struct tenant_turn, link);
}

/* Who is first comes when the rest is over, or who has the turn says so. */
static void call_first(struct tenant *tenant)
{
	struct tenant_turn *first = first_of(tenant);

	lockdep_assert_held(&tenant->lock);
	if (first && !tenant->now)
		mod_delayed_work(refslab_wq, first->work,
				 jiffies_until(tenant->rest_until));
}

void tenant_turn_init(struct tenant_turn *turn, struct tenant *tenant,
		      struct delayed_work *work)
{
	turn->tenant = tenant;
	turn->work = work;
	INIT_LIST_HEAD(&turn->link);
}

/**
 * tenant_turn_begin - start background work, or wait for the turn
 * @turn: whose work runs
 *
 * Context: May sleep; called by the work.
 * Return: true if it may go on, until tenant_turn_end(); or the work is queued again
 *	when its turn has come, and then asks again, or leaves.
 */
bool tenant_turn_begin(struct tenant_turn *turn)
{
	struct tenant *tenant = turn->tenant;
	struct tenant_turn *first;
	bool ours = false;

	if (!tenant)
		return true;
	spin_lock(&tenant->lock);
	if (turn->closed)
		goto out;
	if (list_empty(&turn->link))
		list_add_tail(&turn->link, &tenant->turns);
	first = first_of(tenant);
	if (first == turn && !tenant->now && !jiffies_until(tenant->rest_until)) {
		list_del_init(&turn->link);
		tenant->now = turn;
		ours = true;
		goto out;
	}
	WRITE_ONCE(turn->waits, true);
	if (first == turn)
		call_first(tenant);
out:
	spin_unlock(&tenant->lock);
	return ours;
}

/**
 * tenant_turn_end - the work is done
 * @turn: who has begun
 * @ns: how long it took; 0 if there was nothing to do, or a coarse clock saw nothing
 *
 * Context: May sleep.
 */
void tenant_turn_end(struct tenant_turn *turn, u64 ns)
{
	struct tenant *tenant = turn->tenant;

	if (!tenant)
		return;
	spin_lock(&tenant->lock);
	tenant->now = NULL;
	WRITE_ONCE(tenant->rest_until, ktime_get_ns() + REST_FACTOR * ns);
	call_first(tenant);
	spin_unlock(&tenant->lock);
}

static void leave(struct tenant_turn *turn, bool closed)
{
	struct tenant *tenant = turn->tenant;
	bool first;

	if (!tenant)
		return;
	spin_lock(&tenant->lock);
	turn->closed |= closed;
	first = first_of(tenant) == turn;
	list_del_init(&turn->link);
	/* it has been called, and another is to be */
	if (first)
		call_first(tenant);
	WRITE_ONCE(turn->waits, false);
	spin_unlock(&tenant->lock);
}

/**
 * tenant_turn_leave - there is nothing to do, or it cannot be done now
 * @turn: who may be waiting
 *
 * Context: May sleep; called by the work.
 */
void tenant_turn_leave(struct tenant_turn *turn)
{
	leave(turn, false);
}

/**
 * tenant_turn_close - the heap goes
 * @turn: whose turn does not come any more; the work may be queued or run still
 *
 * Context: May sleep.
 */
void tenant_turn_close(struct tenant_turn *turn)
{
	leave(turn, true);
}
