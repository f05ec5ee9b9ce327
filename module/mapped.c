// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped payloads: pages of their own, which programs can map.
 *
 * An object of such a type has a pointer in place of a payload. What it points
 * to is whole pages from the page allocator, zeroed, which nothing else of the
 * heap is on. So there is nothing but payload to be seen in a mapping, and no
 * use of the pages by us that a mapping could come too late for.
 *
 * A mapping is a file of its own that has a reference to the object, and keeps
 * the heap; a descriptor of it and each area of memory mapped by it keep the
 * file. So when the object dies nothing maps its pages any more, and what may
 * pin them still has its own references to them: see park.c.
 *
 * The pages come with the object. But objects can be found as soon as they are
 * there, before that: then whoever finds one first sees to it.
 */
#include "mapped.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/personality.h>
#include <linux/slab.h>

#include "heap.h"
#include "payer.h"
#include "payload.h"
#include "session_file.h"

static struct mapped **mapped_place(const struct refslab_type *type,
				    struct refslab_object *obj)
{
	return (void *)obj + payload_begin(type);
}

/* Counts pages against the heap's limit, having tried all that makes room. */
static int charge(struct refslab_heap *heap, u32 pages)
{
	int err = pool_charge(&heap->pool, pages);

	if (!err)
		return 0;
	if (trigger_pressed(heap)) {
		pool_drain(&heap->pool);
		err = pool_charge(&heap->pool, pages);
	}
	return err;
}

static void mapped_free(struct refslab_heap *heap, struct mapped *mapped)
{
	park_pages(&heap->park, mapped->pages, mapped->count, mapped->account);
	kfree(mapped);
}

static struct mapped *mapped_create(struct refslab_heap *heap, u32 count)
{
	struct mapped *mapped;
	int err;

	mapped = payer_zalloc(&heap->pool, struct_size(mapped, pages, count), GFP_KERNEL);
	if (!mapped)
		return ERR_PTR(-ENOMEM);
	err = charge(heap, count);
	if (err) {
		kfree(mapped);
		return ERR_PTR(err);
	}
	for (; mapped->count < count; mapped->count++) {
		mapped->pages[mapped->count] = pool_page(&heap->pool);
		if (!mapped->pages[mapped->count])
			goto err_free;
	}
	return mapped;

err_free:
	pool_uncharge(&heap->pool, count - mapped->count);
	mapped_free(heap, mapped);
	return ERR_PTR(-ENOMEM);
}

/**
 * mapped_get - the payload of an object
 * @type: its type, for which type_is_mapped()
 * @obj: the object; the caller holds a reference
 *
 * Context: May sleep.
 * Return: the payload, which stays as long as the object; -ENOSPC at the heap's
 *	limit, -ENOMEM, if it did not have one yet.
 */
struct mapped *mapped_get(const struct refslab_type *type,
			  struct refslab_object *obj)
{
	struct mapped **place = mapped_place(type, obj), *mapped, *other;

	/* of other types these bytes are payload, by speculation too no pointer */
	barrier_nospec();
	/* pairs with the cmpxchg below */
	mapped = smp_load_acquire(place);
	if (likely(mapped))
		return mapped;
	mapped = mapped_create(type->heap, payload_pages(type));
	if (IS_ERR(mapped))
		return mapped;
	/* full barrier: who finds it finds its pages */
	other = cmpxchg(place, NULL, mapped);
	if (!other)
		return mapped;
	mapped_free(type->heap, mapped);
	return other;
}

/**
 * mapped_owe - a dead object's pages go on counting on an account
 * @type: its type
 * @obj: the object, which has not been released yet
 * @account: the account's number
 *
 * Context: Any context.
 * Return: false if it has none.
 */
bool mapped_owe(const struct refslab_type *type, struct refslab_object *obj,
		u32 account)
{
	struct mapped *mapped;

	if (!type_is_mapped(type))
		return false;
	mapped = READ_ONCE(*mapped_place(type, obj));
	if (mapped)
		mapped->account = account;
	return mapped;
}

/**
 * mapped_release - the release of such types
 * @obj: a dead object
 *
 * Context: May sleep: they are of REFSLAB_TYPE_RELEASE_WORK, since an object may
 *	have many pages.
 */
void mapped_release(struct refslab_object *obj)
{
	struct refslab_type *type = refslab_type_of(obj);
	struct mapped *mapped = xchg(mapped_place(type, obj), NULL);

	if (mapped)
		mapped_free(type->heap, mapped);
	cond_resched();
}

/* --- mappings --- */

/**
 * struct mapping - the file by which a payload is mapped; all fixed
 * @heap: kept
 * @object: with a reference
 * @mapped: its payload
 */
struct mapping {
	struct user_heap *heap;
	struct refslab_object *object;
	struct mapped	*mapped;
};

static vm_fault_t mapping_fault(struct vm_fault *vmf)
{
	const struct mapping *mapping = vmf->vma->vm_file->private_data;
	const struct mapped *mapped = mapping->mapped;

	/* mremap() can make an area longer than mmap() would have */
	if (vmf->pgoff >= mapped->count)
		return VM_FAULT_SIGBUS;
	vmf->page = mapped->pages[array_index_nospec(vmf->pgoff, mapped->count)];
	/* the one way to a program that is not a copy, which KMSAN looks at itself */
	kmsan_check_memory(page_address(vmf->page), PAGE_SIZE);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct mapping_vm_ops = {
	.fault		= mapping_fault,
};

/* The file says whether one may write, and mmap() and mprotect() go by that. */
static int mapping_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct mapping *mapping = file->private_data;
	unsigned long count = mapping->mapped->count;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	/* as a file on a file system that is mounted noexec: data only, be it asked or implied */
	if (vma->vm_flags & VM_EXEC && !(current->personality & READ_IMPLIES_EXEC))
		return -EPERM;
	vm_flags_clear(vma, VM_EXEC | VM_MAYEXEC);
	if (vma->vm_pgoff >= count || vma_pages(vma) > count - vma->vm_pgoff)
		return -ENXIO;
	vma->vm_ops = &mapping_vm_ops;
	return 0;
}

static int mapping_release(struct inode *inode, struct file *file)
{
	struct mapping *mapping = file->private_data;

	refslab_put(mapping->object);
	user_heap_put(mapping->heap);
	kfree(mapping);
	return 0;
}

static const struct file_operations mapping_fops = {
	.owner		= THIS_MODULE,
	.mmap		= mapping_mmap,
	.release	= mapping_release,
	.llseek		= noop_llseek,
};

/* REFSLAB_MAP; session's mutex held */
int mapped_map(struct session *session, union session_data *data)
{
	struct refslab_map *arg = &data->file.map;
	bool read_only = arg->flags & REFSLAB_READ_ONLY;
	const struct refslab_type *type;
	struct refslab_object *object;
	struct mapping *mapping;
	struct mapped *mapped;
	int err;

	if (arg->reserved)
		return -EINVAL;
	object = handle_object_for(&session->handles, arg->handle, !read_only);
	if (IS_ERR(object))
		return PTR_ERR(object);
	type = refslab_type_of(object);
	if (!type_is_mapped(type))
		return -ENODEV;
	if (!session_may_get(object))
		return -EOVERFLOW;
	mapped = mapped_get(type, object);
	if (IS_ERR(mapped))
		return PTR_ERR(mapped);
	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL_ACCOUNT);
	if (!mapping)
		return -ENOMEM;
	refslab_get(object);
	mapping->heap = user_heap_get(session_user_heap(session));
	mapping->object = object;
	mapping->mapped = mapped;
	err = session_file_make(&data->file, "[refslab-payload]", &mapping_fops,
				mapping, read_only ? O_RDONLY : O_RDWR, &arg->fd);
	if (err) {
		refslab_put(object);
		user_heap_put(mapping->heap);
		kfree(mapping);
		return err;
	}
	arg->length = (u64)mapped->count << PAGE_SHIFT;
	return 0;
}
