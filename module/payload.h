/* SPDX-License-Identifier: GPL-2.0 */
/* Payloads: the bytes of objects that user programs read and write. */
#ifndef _REFSLAB_PAYLOAD_H
#define _REFSLAB_PAYLOAD_H

#include "call.h"

/* Copies up to this go by way of the stack; also known to the tests. */
#define PAYLOAD_SMALL	256

u32 payload_offset(u32 slots, u32 align);
u32 payload_begin(const struct refslab_type *type);
u32 payload_size(const struct refslab_type *type);
u32 payload_pages(const struct refslab_type *type);
void *payload_priv(u32 offset, u32 mapped);

int payload_read(struct session *session, union session_data *data);
int payload_write(struct session *session, union session_data *data);

#endif /* _REFSLAB_PAYLOAD_H */
