// SPDX-License-Identifier: GPL-2.0
/*
 * Sharing: invitations, exported objects, and the calls about roots.
 *
 * Invitations and exported objects are files without a name, so that they travel
 * like any descriptor and end with the last one. Each keeps the heap; none is
 * kept by it.
 */
#include "share.h"

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "account.h"
#include "heap.h"
#include "session_file.h"

/**
 * struct invitation - by which sessions join; all fixed
 * @heap: kept
 * @limit: bytes for each session, 0 for none
 * @read_only: so are the sessions
 */
struct invitation {
	struct user_heap *heap;
	u64		limit;
	bool		read_only;
};

/**
 * struct exported - an object as a file; all fixed
 * @heap: kept
 * @object: with a reference
 * @read_only: handles made of it are
 */
struct exported {
	struct user_heap *heap;
	struct refslab_object *object;
	bool		read_only;
};

/* --- invitations --- */

static int invitation_release(struct inode *inode, struct file *file)
{
	struct invitation *invitation = file->private_data;

	user_heap_put(invitation->heap);
	kfree(invitation);
	return 0;
}

static const struct file_operations invitation_fops = {
	.owner		= THIS_MODULE,
	.release	= invitation_release,
	.llseek		= noop_llseek,
};

/* REFSLAB_INVITE */
int share_invite(struct session *session, union session_data *data)
{
	struct refslab_invite *arg = &data->file.invite;
	bool read_only = arg->flags & REFSLAB_READ_ONLY;
	struct invitation *invitation;
	int err;

	if (arg->reserved)
		return -EINVAL;
	if (session->read_only && !read_only)
		return -EACCES;
	invitation = kzalloc(sizeof(*invitation), GFP_KERNEL_ACCOUNT);
	if (!invitation)
		return -ENOMEM;
	invitation->heap = user_heap_get(session_user_heap(session));
	invitation->limit = min_not_zero(arg->limit, session->limit);
	invitation->read_only = read_only;
	err = session_file_make(&data->file, "[refslab-invitation]",
				&invitation_fops, invitation, O_RDONLY, &arg->fd);
	if (err) {
		user_heap_put(invitation->heap);
		kfree(invitation);
	}
	return err;
}

/* REFSLAB_JOIN; session's mutex held */
int share_join(struct session *session, union session_data *data)
{
	const struct refslab_join *arg = &data->join;
	const struct invitation *invitation;
	struct file *file;
	int account = 0;

	if (arg->reserved)
		return -EINVAL;
	if (session->heap)
		return -EBUSY;
	file = session_file_get(arg->fd, &invitation_fops);
	if (IS_ERR(file))
		return PTR_ERR(file);
	invitation = file->private_data;
	if (invitation->limit && !invitation->read_only) {
		account = account_open(invitation->heap->heap);
		if (account < 0) {
			fput(file);
			return account;
		}
	}
	session->joined = true;
	session->read_only = invitation->read_only;
	session->limit = invitation->limit;
	session->account = account;
	session_bind(session, user_heap_get(invitation->heap));
	fput(file);
	return 0;
}

/* --- objects --- */

static int exported_release(struct inode *inode, struct file *file)
{
	struct exported *exported = file->private_data;

	refslab_put(exported->object);
	user_heap_put(exported->heap);
	kfree(exported);
	return 0;
}

static const struct file_operations exported_fops = {
	.owner		= THIS_MODULE,
	.release	= exported_release,
	.llseek		= noop_llseek,
};

/* REFSLAB_EXPORT; session's mutex held */
int share_export(struct session *session, union session_data *data)
{
	struct refslab_export *arg = &data->file.export;
	bool read_only = arg->flags & REFSLAB_READ_ONLY;
	struct refslab_object *object;
	struct exported *exported;
	int err;

	if (arg->reserved)
		return -EINVAL;
	object = handle_object_for(&session->handles, arg->handle, !read_only);
	if (IS_ERR(object))
		return PTR_ERR(object);
	if (!session_may_get(object))
		return -EOVERFLOW;
	exported = kzalloc(sizeof(*exported), GFP_KERNEL_ACCOUNT);
	if (!exported)
		return -ENOMEM;
	refslab_get(object);
	exported->heap = user_heap_get(session_user_heap(session));
	exported->object = object;
	exported->read_only = read_only;
	err = session_file_make(&data->file, "[refslab-object]", &exported_fops,
				exported, O_RDONLY, &arg->fd);
	if (err) {
		refslab_put(object);
		user_heap_put(exported->heap);
		kfree(exported);
	}
	return err;
}

static int import(struct session *session, const struct exported *exported,
		  u64 *handle)
{
	int err;

	if (exported->heap != session_user_heap(session))
		return -EXDEV;
	err = handle_reserve(&session->handles, handle);
	if (err)
		return err;
	refslab_get(exported->object);
	return session_fill(session, handle, exported->object,
			    exported->read_only);
}

/* REFSLAB_IMPORT; session's mutex held */
int share_import(struct session *session, union session_data *data)
{
	struct refslab_import *arg = &data->import;
	struct file *file;
	int err;

	if (arg->reserved)
		return -EINVAL;
	file = session_file_get(arg->fd, &exported_fops);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = import(session, file->private_data, &arg->handle);
	fput(file);
	return err;
}

void share_import_finish(struct session *session, union session_data *data,
			 bool copied)
{
	if (!copied)
		session_take_back(session, data->import.handle);
}

/* --- roots --- */

/* REFSLAB_ROOT_SET; session's mutex held */
int share_root_set(struct session *session, union session_data *data)
{
	const struct refslab_root_set *arg = &data->root_set;
	struct refslab_object *object = NULL;

	if (!call_name_ends(arg->name) || !heap_name_valid(arg->name) ||
	    (!arg->handle && arg->flags))
		return -EINVAL;
	if (arg->handle) {
		object = handle_object_for(&session->handles, arg->handle, true);
		if (IS_ERR(object))
			return PTR_ERR(object);
		if (!session_may_get(object))
			return -EOVERFLOW;
	}
	return root_set(&session_user_heap(session)->roots, arg->name, object,
			arg->flags & REFSLAB_ROOT_NEW);
}

/* REFSLAB_ROOT_GET; session's mutex held */
int share_root_get(struct session *session, union session_data *data)
{
	struct refslab_root_get *arg = &data->root_get;
	struct refslab_object *object;
	int err;

	if (!call_name_ends(arg->name) || !heap_name_valid(arg->name))
		return -EINVAL;
	err = handle_reserve(&session->handles, &arg->handle);
	if (err)
		return err;
	object = root_get(&session_user_heap(session)->roots, arg->name);
	err = session_fill(session, &arg->handle, object, false);
	return object ? err : -ENOENT;
}

void share_root_get_finish(struct session *session, union session_data *data,
			   bool copied)
{
	if (!copied)
		session_take_back(session, data->root_get.handle);
}

/* REFSLAB_ROOT_NEXT */
int share_root_next(struct session *session, union session_data *data)
{
	struct refslab_root_next *arg = &data->root_next;

	if (!call_name_ends(arg->name))
		return -EINVAL;
	return root_next(&session_user_heap(session)->roots, arg->name,
			 sizeof(arg->name));
}
