/* SPDX-License-Identifier: GPL-2.0 */
/* Calls that io_uring brings. */
#ifndef _REFSLAB_URING_H
#define _REFSLAB_URING_H

struct io_uring_cmd;

int uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);

#endif /* _REFSLAB_URING_H */
