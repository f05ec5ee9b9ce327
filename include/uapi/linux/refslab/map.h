/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * refslab: payloads that programs map. Included by <linux/refslab.h>.
 *
 * Objects of a type made with REFSLAB_TYPE_MAPPED have their payload on pages
 * of their own, zero at first, which count against the heap's limit and the
 * session's. REFSLAB_MAP makes a descriptor of the payload of one object, for
 * mmap(2); it and the mappings are one reference to the object, and keep the
 * heap, not the session. The calls READ and WRITE work as well. They and MAP
 * may fail with ENOSPC or ENOMEM for an object that was found (OBJECTS) while
 * another session was still allocating it.
 *
 * mmap(2): MAP_SHARED, else EINVAL; PROT_WRITE of a read-only descriptor is
 * EACCES, then and by mprotect(2); PROT_EXEC is EPERM, and EACCES by mprotect(2);
 * beyond the last page of the payload, ENXIO. The rest of the last page, behind
 * the payload, belongs to the object too. An area made longer by mremap(2) has
 * nothing there: SIGBUS. futex(2) between processes does not take such memory:
 * EFAULT.
 *
 * The pages of an object that died go back to the system soon, but no page
 * before nobody pins it any more (O_DIRECT, vmsplice(2), io_uring's buffers);
 * it counts against the heap's limit, and that of the session that allocated the
 * object, until then, or until the heap goes.
 */
#ifndef _UAPI_LINUX_REFSLAB_MAP_H
#define _UAPI_LINUX_REFSLAB_MAP_H

#include <linux/types.h>

#define REFSLAB_TYPE_MAPPED	(1U << 0)	/* of TYPE_CREATE */
#define REFSLAB_MAPPED_MAX	(1U << 20)	/* payload bytes of one object */

/**
 * struct refslab_map - make a descriptor of an object's payload
 * @size: sizeof(struct refslab_map)
 * @flags: REFSLAB_READ_ONLY: for reading only
 * @handle: an open handle; ENODEV if its type is not REFSLAB_TYPE_MAPPED
 * @length: out: bytes that can be mapped, whole pages
 * @fd: out: the descriptor, closed on exec
 * @reserved: zero
 */
struct refslab_map {
	__u32	size;
	__u32	flags;
	__u64	handle;
	__u64	length;
	__s32	fd;
	__u32	reserved;
};

#endif /* _UAPI_LINUX_REFSLAB_MAP_H */
