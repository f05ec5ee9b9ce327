/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * refslab: heaps that several sessions share. Included by <linux/refslab.h>.
 *
 * A session of a heap makes an invitation (REFSLAB_INVITE), a descriptor that
 * travels over a UNIX socket like any other; with it another session, not bound
 * yet, joins the heap (REFSLAB_JOIN). It has handles and a limit of its own. A
 * joiner finds the graph through the heap's roots (REFSLAB_ROOT_GET), names
 * under which the heap itself keeps references; or is given an object as a
 * descriptor (REFSLAB_EXPORT, REFSLAB_IMPORT), which lets nobody join. A heap
 * lives as long as a session, an invitation, an exported object or a mapping of
 * it does. None of these descriptors is held by an object, so none can keep
 * itself alive.
 *
 * Whoever dies takes his own handles along, and nothing else: what he stored
 * stays where it is, and what he had half built and only his handles kept goes.
 *
 * Rights only get less. A handle is read-only if it was made so, if it comes
 * from a read-only export, from another read-only handle (DUP, SLOT_LOAD, WEAK
 * and UPGRADE, REFERENTS), or if the session is read-only, as one is that
 * joined by a read-only invitation. Nothing is changed through a read-only
 * handle; it is not stored, neither in a slot nor as a root, and not exported
 * or mapped but read-only: EACCES. What one looks around and finds (OBJECTS,
 * REFERRERS) one gets read-only handles of, but for the session that made the
 * heap. A read-only session changes nothing of the heap: EACCES, from every
 * call that would. HEAP_LIMITS is for the session that made the heap: EACCES.
 */
#ifndef _UAPI_LINUX_REFSLAB_SHARE_H
#define _UAPI_LINUX_REFSLAB_SHARE_H

#include <linux/types.h>

/* Of DUP, INVITE, EXPORT and MAP: what is made is read-only. */
#define REFSLAB_READ_ONLY	(1U << 0)

/**
 * struct refslab_invite - make an invitation
 * @size: sizeof(struct refslab_invite)
 * @flags: REFSLAB_READ_ONLY: for read-only sessions
 * @limit: most bytes that the living objects allocated by one session that
 *	joins may take, with their headers, and with pages of dead ones that are
 *	pinned still; 0 for no limit but the heap's
 * @fd: out: the descriptor, closed on exec
 * @reserved: zero
 *
 * Any number of sessions may join by it. EACCES without REFSLAB_READ_ONLY in a
 * read-only session. A session that has a limit itself cannot give more: the
 * smaller one counts.
 */
struct refslab_invite {
	__u32	size;
	__u32	flags;
	__u64	limit;
	__s32	fd;
	__u32	reserved;
};

/**
 * struct refslab_join - bind the session to the heap of an invitation
 * @size: sizeof(struct refslab_join)
 * @flags: zero
 * @fd: the invitation; may be closed afterwards
 * @reserved: zero
 *
 * EBUSY if the session has a heap already. EBADF if @fd is no invitation.
 * ENOSPC if 1023 sessions with a limit are in the heap already: open ones, and
 * those whose objects live on. Read-only ones do not count.
 */
struct refslab_join {
	__u32	size;
	__u32	flags;
	__s32	fd;
	__u32	reserved;
};

/**
 * struct refslab_export - make a descriptor of an object
 * @size: sizeof(struct refslab_export)
 * @flags: REFSLAB_READ_ONLY: for read-only handles
 * @handle: an open handle
 * @fd: out: the descriptor, closed on exec; it is a reference to the object
 * @reserved: zero
 */
struct refslab_export {
	__u32	size;
	__u32	flags;
	__u64	handle;
	__s32	fd;
	__u32	reserved;
};

/**
 * struct refslab_import - get a handle of an exported object
 * @size: sizeof(struct refslab_import)
 * @flags: zero
 * @fd: the descriptor; may be closed afterwards
 * @reserved: zero
 * @handle: out: a new handle
 *
 * EXDEV if the object is of another heap than the session. EBADF if @fd is no
 * exported object.
 */
struct refslab_import {
	__u32	size;
	__u32	flags;
	__s32	fd;
	__u32	reserved;
	__u64	handle;
};

#define REFSLAB_ROOTS_MAX	1024	/* of one heap */
#define REFSLAB_ROOT_NEW	(1U << 0)

/**
 * struct refslab_root_set - let the heap keep an object under a name
 * @size: sizeof(struct refslab_root_set)
 * @flags: REFSLAB_ROOT_NEW: EEXIST if there is a root of that name
 * @handle: the object; 0 to take the root away, ENOENT if there is none
 * @name: not empty; letters, digits, '-', '_', and '.', which it does not begin
 *	with
 *
 * What the root referred to before loses that reference.
 */
struct refslab_root_set {
	__u32	size;
	__u32	flags;
	__u64	handle;
	char	name[32];
};

/**
 * struct refslab_root_get - get a handle of what the heap keeps under a name
 * @size: sizeof(struct refslab_root_get)
 * @flags: zero
 * @handle: out: a new handle
 * @name: ENOENT if there is no such root
 */
struct refslab_root_get {
	__u32	size;
	__u32	flags;
	__u64	handle;
	char	name[32];
};

/**
 * struct refslab_root_next - list the roots
 * @size: sizeof(struct refslab_root_next)
 * @flags: zero
 * @name: in: a name, which need not be a root's, or empty to begin; out: the
 *	next root's in the order of bytes, ENOENT when there is none
 */
struct refslab_root_next {
	__u32	size;
	__u32	flags;
	char	name[32];
};

#endif /* _UAPI_LINUX_REFSLAB_SHARE_H */
