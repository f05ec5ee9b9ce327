// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on kernels that have no fault injection, as Debian's: the n-th
 * allocation that a task makes fails, whoever makes it on the task's behalf. For
 * tests; never installed, and refslab itself has nothing of it.
 *
 * A kprobe on each function that hands out memory makes it return NULL. The file
 * refslab_fault in debugfs is root's, and works like /proc/PID/fail-nth, which
 * kernels with fault injection have: "3" lets the third allocation from here on
 * fail, "3 PID" that of another task, "3 PID 100" that one and the 99 that
 * follow it, "3 PID 1 1" the third of those that a module makes when it is loaded
 * and not the loader, "0" none; what is read is how many are to go, 0 when it has
 * come to that.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/version.h>

/**
 * struct allocator - a function that hands out memory
 * @probe: what stops it
 * @gfp: which of its arguments are the flags
 */
struct allocator {
	struct kprobe probe;
	unsigned int gfp;
};

#define ALLOCATOR(name, argument) { .probe.symbol_name = name, .gfp = (argument) }

/* Each stands for those that are inline or call it; some fail twice that way. */
static struct allocator allocators[] = {
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	ALLOCATOR("__kmalloc_noprof", 1),
	ALLOCATOR("__kmalloc_node_noprof", 1 + IS_ENABLED(CONFIG_SLAB_BUCKETS)),
	ALLOCATOR("__kmalloc_node_track_caller_noprof", 1 + IS_ENABLED(CONFIG_SLAB_BUCKETS)),
	ALLOCATOR("__kmalloc_cache_noprof", 1),
	ALLOCATOR("__kmalloc_cache_node_noprof", 1),
	ALLOCATOR("kmem_cache_alloc_noprof", 1),
	ALLOCATOR("kmem_cache_alloc_lru_noprof", 2),
	ALLOCATOR("kmem_cache_alloc_node_noprof", 1),
	ALLOCATOR("kmem_cache_alloc_bulk_noprof", 1),
	ALLOCATOR("__alloc_pages_noprof", 0),
	ALLOCATOR("alloc_pages_bulk_noprof", 0),
	ALLOCATOR("pcpu_alloc_noprof", 3),
#else
	ALLOCATOR("__kmem_cache_alloc_node", 1),
	ALLOCATOR("kmem_cache_alloc", 1),
	ALLOCATOR("kmem_cache_alloc_lru", 2),
	ALLOCATOR("kmem_cache_alloc_node", 1),
	ALLOCATOR("kmem_cache_alloc_bulk", 1),
	ALLOCATOR("__alloc_pages", 0),
	ALLOCATOR("__alloc_pages_bulk", 0),
	ALLOCATOR("pcpu_alloc", 3),
#endif
};

static struct kprobe *probes[ARRAY_SIZE(allocators)];

static unsigned long in_use;		/* bit 0: the file is open */
static struct task_struct *failing;	/* whose allocations count; only compared */
/* That one's, set before @failing is: to go until one fails; failures to come. */
static unsigned int left, times;
static bool waiting;			/* likewise: for a module's init */

/*
 * Whether who asks is the vmalloc allocator, for what it takes care to have beforehand
 * and asks for again, without waiting, if there was none. That even a kernel short of
 * memory hardly ever refuses, and it warns where something does.
 */
static bool asked_twice(struct pt_regs *regs, gfp_t gfp)
{
	char caller[KSYM_NAME_LEN];

	if (gfp & __GFP_DIRECT_RECLAIM)
		return false;
	/* the probe is before all of the function: its return address is uppermost */
	snprintf(caller, sizeof(caller), "%ps", (void *)regs_get_kernel_stack_nth(regs, 0));
	return strstarts(caller, "alloc_vmap_area") || strstarts(caller, "pcpu_get_vm_areas");
}

/* What is jumped to in place of an allocator. */
static noinline void *no_memory(void)
{
	return NULL;
}

static int before(struct kprobe *probe, struct pt_regs *regs)
{
	struct allocator *allocator = container_of(probe, struct allocator, probe);
	gfp_t gfp = (__force gfp_t)regs_get_kernel_argument(regs, allocator->gfp);
	unsigned int n;

	/* pairs with the release in knob_write() */
	if (smp_load_acquire(&failing) != current || !in_task() || READ_ONCE(waiting))
		return 0;
	if (gfp & __GFP_NOFAIL || asked_twice(regs, gfp))
		return 0;
	n = READ_ONCE(left);
	if (n > 1) {
		WRITE_ONCE(left, n - 1);
		return 0;
	}
	WRITE_ONCE(left, 0);
	n = READ_ONCE(times) - 1;
	WRITE_ONCE(times, n);
	if (!n)
		WRITE_ONCE(failing, NULL);
	instruction_pointer_set(regs, (unsigned long)no_memory);
	return 1;
}

/* It being there keeps the probe from becoming a jump, which could not do that. */
static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static int before_init(struct kprobe *probe, struct pt_regs *regs)
{
	if (READ_ONCE(failing) == current)
		WRITE_ONCE(waiting, false);
	return 0;
}

static struct kprobe init_probe = {
	.symbol_name = "do_one_initcall",
	.pre_handler = before_init,
};

static int knob_open(struct inode *inode, struct file *file)
{
	return test_and_set_bit(0, &in_use) ? -EBUSY : 0;
}

static int knob_release(struct inode *inode, struct file *file)
{
	WRITE_ONCE(failing, NULL);
	clear_bit(0, &in_use);
	return 0;
}

static ssize_t knob_read(struct file *file, char __user *buffer, size_t size,
			 loff_t *offset)
{
	char text[16];
	int length;

	length = scnprintf(text, sizeof(text), "%u\n", READ_ONCE(left));
	return simple_read_from_buffer(buffer, size, offset, text, length);
}

static ssize_t knob_write(struct file *file, const char __user *buffer, size_t size,
			  loff_t *offset)
{
	struct task_struct *task = current;
	char text[32] = "";
	unsigned int n, most = 1, init = 0;
	int pid, given;

	if (size >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buffer, size))
		return -EFAULT;
	given = sscanf(text, "%u %d %u %u", &n, &pid, &most, &init);
	if (given < 1 || !most)
		return -EINVAL;
	if (given > 1) {
		rcu_read_lock();
		task = pid_task(find_vpid(pid), PIDTYPE_PID);
		rcu_read_unlock();
		if (!task)
			return -ESRCH;
	}
	WRITE_ONCE(failing, NULL);
	WRITE_ONCE(left, n);
	WRITE_ONCE(times, most);
	WRITE_ONCE(waiting, init);
	/* pairs with the acquire in before() */
	smp_store_release(&failing, n ? task : NULL);
	return size;
}

static const struct file_operations knob_fops = {
	.owner	 = THIS_MODULE,
	.open	 = knob_open,
	.release = knob_release,
	.read	 = knob_read,
	.write	 = knob_write,
};

static struct dentry *knob;

static int __init fault_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(allocators); i++) {
		probes[i] = &allocators[i].probe;
		probes[i]->pre_handler = before;
		probes[i]->post_handler = after;
	}
	err = register_kprobe(&init_probe);
	if (err)
		return err;
	err = register_kprobes(probes, ARRAY_SIZE(probes));
	if (err) {
		unregister_kprobe(&init_probe);
		return err;
	}
	knob = debugfs_create_file("refslab_fault", 0600, NULL, NULL, &knob_fops);
	return 0;
}

static void __exit fault_exit(void)
{
	debugfs_remove(knob);
	unregister_kprobes(probes, ARRAY_SIZE(probes));
	unregister_kprobe(&init_probe);
}

module_init(fault_init);
module_exit(fault_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Lets allocations of a task fail, for the tests of refslab");
