// SPDX-License-Identifier: GPL-2.0
/*
 * Files that calls of sessions make: invitations, exported objects, payloads.
 *
 * They have no name, so that they travel like any descriptor and end with the
 * last one. Opening one anew by way of /proc gives nothing.
 */
#include "session_file.h"

#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>

/**
 * session_file_make - make a file, and reserve a descriptor for it
 * @data: where session_file_finish() finds both
 * @name: shown in /proc
 * @fops: its operations; the release is called if the call fails later on
 * @priv: the file's
 * @flags: O_RDONLY or O_RDWR
 * @fd: set to the descriptor
 *
 * Nobody can use the descriptor before the caller has been told it.
 *
 * Context: May sleep.
 * Return: 0; an error, and then @priv is still the caller's.
 */
int session_file_make(struct session_file *data, const char *name,
		      const struct file_operations *fops, void *priv, int flags,
		      __s32 *fd)
{
	int number = get_unused_fd_flags(O_CLOEXEC);
	struct file *file;

	if (number < 0)
		return number;
	file = anon_inode_getfile(name, fops, priv, flags);
	if (IS_ERR(file)) {
		put_unused_fd(number);
		return PTR_ERR(file);
	}
	data->file = file;
	data->fd = number;
	*fd = number;
	return 0;
}

void session_file_finish(struct session *session, union session_data *data,
			 bool copied)
{
	struct session_file *made = &data->file;

	if (copied) {
		fd_install(made->fd, made->file);
		return;
	}
	put_unused_fd(made->fd);
	fput(made->file);
}

/**
 * session_file_get - the file of a descriptor
 * @fd: any number
 * @fops: of the kind that is wanted
 *
 * Context: May sleep.
 * Return: the file, to be given to fput(); -EBADF if there is none of the kind.
 */
struct file *session_file_get(int fd, const struct file_operations *fops)
{
	struct file *file = fget(fd);

	if (file && file->f_op == fops)
		return file;
	if (file)
		fput(file);
	return ERR_PTR(-EBADF);
}
