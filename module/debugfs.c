// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: tables and dumps for people who look for a mistake.
 *
 *	refslab/types			all types in one table
 *	refslab/heaps/<heap>/object	write an object's number, read what it is
 *	refslab/heaps/<heap>/alloc_traces who allocated what lives
 *	refslab/heaps/<heap>/validate	write 1: look at all slabs
 *
 * Nothing here is an interface. Objects go by their numbers, payloads are not
 * shown: kernel addresses are nobody's business. A heap's files go before it
 * does, and whoever is at one is waited for.
 */
#include "debugfs.h"

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "heap.h"

static struct dentry *root, *heaps_dir;

/* --- types --- */

static void show_type(struct seq_file *m, struct refslab_type *type)
{
	unsigned long slabs = type_sum(type, slabs);
	unsigned long partial = type_sum(type, partial_count);
	char flags[4], *letter = flags;

	if (type->flags & REFSLAB_TYPE_RED_ZONE)
		*letter++ = 'Z';
	if (type->flags & REFSLAB_TYPE_POISON)
		*letter++ = 'P';
	if (type->flags & REFSLAB_TYPE_TRACE)
		*letter++ = 'U';
	if (letter == flags)
		*letter++ = '-';
	*letter = '\0';
	seq_printf(m, "%-31s %-31s %-5s %10lu %10lu %11u %9u %8u %8lu %8lu %8u %14lu %13lu\n",
		   type->heap->name, type->name, flags, refslab_type_objects(type),
		   slabs * type->layout.objects, type->size, type->layout.size,
		   type->layout.objects, slabs, partial, READ_ONCE(type->path.magazine_size),
		   counter_sum(type->counters, ALLOC_SLOWPATH),
		   counter_sum(type->counters, FREE_SLOWPATH));
}

/* The list of heaps is locked: not to wait for what one of them is busy with. */
static void show_heap(struct refslab_heap *heap, void *arg)
{
	struct refslab_type *type;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&heap->types, id, type) {
		/* it is all done again with more room */
		if (seq_has_overflowed(arg))
			break;
		show_type(arg, type);
	}
	rcu_read_unlock();
}

static int types_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%-31s %-31s %-5s %10s %10s %11s %9s %8s %8s %8s %8s %14s %13s\n",
		   "heap", "type", "debug", "objects", "total", "object_size",
		   "slab_size", "per_slab", "slabs", "partial", "magazine",
		   "alloc_slowpath", "free_slowpath");
	heap_for_each(show_heap, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(types);

/* --- object --- */

/* In a read section, as long as that lasts. NULL if it is no object's number. */
static struct refslab_object *object_numbered(struct refslab_heap *heap, u32 number)
{
	u32 chunk = number >> CHUNK_GRANULES_SHIFT;
	struct refslab_object *obj;
	struct slab *slab;

	if (chunk >= CHUNKS_MAX)
		return NULL;
	slab = slab_walk(&heap->pool, array_index_nospec(chunk, CHUNKS_MAX));
	if (!slab)
		return NULL;
	obj = (void *)slab + ((number & (BIT(CHUNK_GRANULES_SHIFT) - 1)) << GRANULE_SHIFT);
	return slab_has(slab, obj) ? obj : NULL;
}

static void show_track(struct seq_file *m, const struct track *track, const char *what)
{
	seq_printf(m, "%s %llu ms ago by task %u on CPU %u\n", what,
		   jiffies64_to_msecs(jiffies - track->when), track->pid, track->cpu);
}

static void show_stack(struct seq_file *m, depot_stack_handle_t stack)
{
#ifdef CONFIG_STACKDEPOT
	unsigned long *entries;
	unsigned int i, n = stack ? stack_depot_fetch(stack, &entries) : 0;

	for (i = 0; i < n; i++)
		seq_printf(m, "  %pS\n", (void *)entries[i]);
#endif
}

static void show_tracks(struct seq_file *m, struct refslab_type *type,
			struct refslab_object *obj)
{
	struct track track;

	if (debug_track(type, obj, TRACK_ALLOC, &track)) {
		show_track(m, &track, "allocated");
		show_stack(m, track.stack);
	}
	if (debug_track(type, obj, TRACK_FREE, &track)) {
		show_track(m, &track, "freed");
		show_stack(m, track.stack);
	}
}

static void show_slots(struct seq_file *m, struct refslab_type *type,
		       struct refslab_object *obj)
{
	struct refslab_object *target;
	struct refslab_slot *slot;
	unsigned long cursor = 0;
	unsigned int i;

	for (i = 0; (slot = type_next_slot(type, obj, &cursor)); i++) {
		/* it may change any time; the target's memory is readable */
		target = READ_ONCE(slot->target);
		if (target)
			seq_printf(m, "slot %u: object %u\n", i, slab_number(target));
	}
}

static void show_word(struct seq_file *m, struct slab *slab, struct refslab_object *obj)
{
	u64 word = atomic64_read(&obj->word);

	if (slab_is_free(slab, slab_index(slab, obj)))
		seq_puts(m, "free, in its slab\n");
	else if (!word)
		seq_puts(m, "free, in a magazine, a depot or a reserve\n");
	else if (word & REFSLAB_PINNED)
		seq_puts(m, "pinned\n");
	else if (!(word & REFSLAB_COUNT_MASK))
		seq_puts(m, "dead\n");
	else
		seq_printf(m, "alive, count %llu, version %llu\n",
			   (word & REFSLAB_COUNT_MASK) >> REFSLAB_COUNT_SHIFT, word >> 32);
	seq_printf(m, "flags:%s%s%s%s\n",
		   word & REFSLAB_COUNT_MASK && !(word & REFSLAB_UNLISTED) ? " LISTED" : "",
		   word & REFSLAB_GATHERED ? " GATHERED" : "",
		   word & REFSLAB_CLAIMED ? " CLAIMED" : "",
		   word & REFSLAB_RELEASED ? " RELEASED" : "");
}

static int object_show(struct seq_file *m, void *unused)
{
	struct refslab_heap *heap = m->private;
	u32 number = READ_ONCE(heap->debugfs_object);
	struct refslab_object *obj;
	struct refslab_type *type;
	bool held;

	rcu_read_lock();
	obj = object_numbered(heap, number);
	if (!obj) {
		rcu_read_unlock();
		seq_printf(m, "no object %u\n", number);
		return 0;
	}
	type = slab_of(obj)->type;
	seq_printf(m, "heap %s, type %s, object %u\n", heap->name, type->name, number);
	show_word(m, slab_of(obj), obj);
	held = refslab_tryget(obj);
	if (held && !type->leaf) {
		if (object_generation(obj) == GENERATION_FROZEN)
			seq_puts(m, "frozen\n");
		else
			seq_printf(m, "generation %u\n", object_generation(obj));
		show_slots(m, type, obj);
	}
	show_tracks(m, type, obj);
	rcu_read_unlock();
	/* perhaps the last: a place where releases run */
	if (held)
		refslab_put(obj);
	return 0;
}

static int object_open(struct inode *inode, struct file *file)
{
	return single_open(file, object_show, inode->i_private);
}

static ssize_t object_write(struct file *file, const char __user *user, size_t length,
			    loff_t *offset)
{
	struct refslab_heap *heap = file_inode(file)->i_private;
	bool found;
	u32 number;
	int err;

	err = kstrtou32_from_user(user, length, 10, &number);
	if (err)
		return err;
	rcu_read_lock();
	found = object_numbered(heap, number);
	rcu_read_unlock();
	if (!found)
		return -ENOENT;
	/* pairs with the READ_ONCE() in object_show() */
	WRITE_ONCE(heap->debugfs_object, number);
	return length;
}

static const struct file_operations object_fops = {
	.owner		= THIS_MODULE,
	.open		= object_open,
	.read		= seq_read,
	.write		= object_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

/* --- alloc_traces --- */

/**
 * struct site - where objects of a type were allocated
 * @type: the number of the type
 * @name: its name
 * @stack: the place
 * @objects: of these, alive
 * @age_min: in jiffies
 * @age_max: in jiffies
 * @age_sum: in jiffies
 * @pid_min: of the tasks
 * @pid_max: of the tasks
 * @cpus: where
 */
struct site {
	u32		type;
	char		name[32];
	depot_stack_handle_t stack;
	unsigned long	objects;
	unsigned long	age_min, age_max, age_sum;
	u32		pid_min, pid_max;
	struct cpumask	cpus;
};

/* One slab's tracks, copied in a read section, in which sites cannot be made. */
#define TRACKS_MAX	(REFSLAB_CHUNK_SIZE >> GRANULE_SHIFT)

struct tracks {
	u32		type;
	char		name[32];
	unsigned int	count;
	struct track	track[TRACKS_MAX];
};

static void copy_tracks(struct refslab_heap *heap, u32 number, struct tracks *tracks)
{
	struct slab *slab;
	u32 i;

	tracks->count = 0;
	rcu_read_lock();
	slab = slab_walk(&heap->pool, number);
	for (i = 0; slab && i < slab->layout->objects; i++) {
		struct refslab_object *obj = slab_object(slab, i);

		if (!(atomic64_read(&obj->word) & REFSLAB_COUNT_MASK) ||
		    !debug_track(slab->type, obj, TRACK_ALLOC, &tracks->track[tracks->count]))
			continue;
		tracks->count++;
	}
	if (tracks->count) {
		tracks->type = slab->type->id;
		strscpy(tracks->name, slab->type->name, sizeof(tracks->name));
	}
	rcu_read_unlock();
}

static struct site *site_of(struct xarray *sites, const struct tracks *tracks,
			    const struct track *track)
{
	unsigned long key = (unsigned long)tracks->type << 32 | track->stack;
	struct site *site = xa_load(sites, key);

	if (site)
		return site;
	site = kzalloc(sizeof(*site), GFP_KERNEL);
	if (!site)
		return NULL;
	site->type = tracks->type;
	strscpy(site->name, tracks->name, sizeof(site->name));
	site->stack = track->stack;
	site->age_min = ULONG_MAX;
	site->pid_min = U32_MAX;
	if (xa_err(xa_store(sites, key, site, GFP_KERNEL))) {
		kfree(site);
		return NULL;
	}
	return site;
}

static int site_add(struct xarray *sites, const struct tracks *tracks,
		    const struct track *track)
{
	struct site *site = site_of(sites, tracks, track);
	unsigned long age = jiffies - track->when;

	if (!site)
		return -ENOMEM;
	site->objects++;
	site->age_min = min(site->age_min, age);
	site->age_max = max(site->age_max, age);
	site->age_sum += age;
	site->pid_min = min(site->pid_min, track->pid);
	site->pid_max = max(site->pid_max, track->pid);
	if (track->cpu < nr_cpu_ids)
		cpumask_set_cpu(track->cpu, &site->cpus);
	return 0;
}

static int more_objects(const void *a, const void *b)
{
	const struct site *const *left = a, *const *right = b;

	return (*left)->objects < (*right)->objects ? 1 :
	       (*left)->objects > (*right)->objects ? -1 : 0;
}

static int show_sites(struct seq_file *m, struct xarray *sites)
{
	unsigned long key, n = 0, i = 0;
	struct site *site, **sorted;

	xa_for_each(sites, key, site)
		n++;
	if (!n) {
		seq_puts(m, "no traces\n");
		return 0;
	}
	sorted = kvmalloc_array(n, sizeof(*sorted), GFP_KERNEL | __GFP_NOWARN);
	if (!sorted)
		return -ENOMEM;
	xa_for_each(sites, key, site)
		sorted[i++] = site;
	sort(sorted, n, sizeof(*sorted), more_objects, NULL);
	for (i = 0; i < n; i++) {
		site = sorted[i];
		seq_printf(m, "%lu of type %s, age %llu/%llu/%llu ms, tasks %u-%u, CPUs %*pbl\n",
			   site->objects, site->name, jiffies64_to_msecs(site->age_min),
			   jiffies64_to_msecs(site->age_sum / site->objects),
			   jiffies64_to_msecs(site->age_max), site->pid_min, site->pid_max,
			   cpumask_pr_args(&site->cpus));
		show_stack(m, site->stack);
	}
	kvfree(sorted);
	return 0;
}

static int alloc_traces_show(struct seq_file *m, void *unused)
{
	struct refslab_heap *heap = m->private;
	struct tracks *tracks;
	unsigned long key;
	struct xarray sites;
	struct site *site;
	unsigned int i;
	u32 number;
	int err = 0;

	tracks = kvmalloc(sizeof(*tracks), GFP_KERNEL | __GFP_NOWARN);
	if (!tracks)
		return -ENOMEM;
	xa_init(&sites);
	for (number = 0; !err && number < READ_ONCE(heap->pool.next_number); number++) {
		copy_tracks(heap, number, tracks);
		for (i = 0; !err && i < tracks->count; i++)
			err = site_add(&sites, tracks, &tracks->track[i]);
		cond_resched();
	}
	kvfree(tracks);
	if (!err)
		err = show_sites(m, &sites);
	xa_for_each(&sites, key, site)
		kfree(site);
	xa_destroy(&sites);
	return err;
}
DEFINE_SHOW_ATTRIBUTE(alloc_traces);

/* --- validate --- */

static int validate_set(void *data, u64 value)
{
	return value == 1 ? slabs_validate(data) : -EINVAL;
}
DEFINE_DEBUGFS_ATTRIBUTE(validate_fops, NULL, validate_set, "%llu\n");

/* --- beginning and end --- */

/* Context: May sleep. */
void debugfs_add_heap(struct refslab_heap *heap)
{
	heap->debugfs = debugfs_create_dir(heap->name, heaps_dir);
	debugfs_create_file("object", 0600, heap->debugfs, heap, &object_fops);
	debugfs_create_file("alloc_traces", 0400, heap->debugfs, heap, &alloc_traces_fops);
	debugfs_create_file_unsafe("validate", 0200, heap->debugfs, heap, &validate_fops);
}

/**
 * debugfs_remove_heap - show a heap no more
 * @heap: the heap
 *
 * When it returns nobody is at one of its files.
 *
 * Context: May sleep; waits for those at a file, so hold no lock of a heap.
 */
void debugfs_remove_heap(struct refslab_heap *heap)
{
	debugfs_remove(heap->debugfs);
}

void debugfs_init(void)
{
	root = debugfs_create_dir("refslab", NULL);
	debugfs_create_file("types", 0400, root, NULL, &types_fops);
	heaps_dir = debugfs_create_dir("heaps", root);
}

void debugfs_exit(void)
{
	debugfs_remove(root);
}
