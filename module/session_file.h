/* SPDX-License-Identifier: GPL-2.0 */
/* Files that calls of sessions make: a descriptor, and how it is told. */
#ifndef _REFSLAB_SESSION_FILE_H
#define _REFSLAB_SESSION_FILE_H

#include "call.h"

int session_file_make(struct session_file *data, const char *name,
		      const struct file_operations *fops, void *priv, int flags,
		      __s32 *fd);
void session_file_finish(struct session *session, union session_data *data,
			 bool copied);
struct file *session_file_get(int fd, const struct file_operations *fops);

#endif /* _REFSLAB_SESSION_FILE_H */
