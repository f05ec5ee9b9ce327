/* SPDX-License-Identifier: GPL-2.0 */
/* Mapped payloads: pages of their own, which programs can map. */
#ifndef _REFSLAB_MAPPED_H
#define _REFSLAB_MAPPED_H

#include <linux/nospec.h>

#include "call.h"
#include "type.h"

/**
 * struct mapped - the payload of one object; freed with it, else fixed
 * @count: pages
 * @account: what these count on from the object's death on, or 0; set by that
 * @pages: each with our reference
 */
struct mapped {
	u32		count;
	u32		account;
	struct page	*pages[];
};

void mapped_release(struct refslab_object *obj);

/* Whether objects of a type have such a payload; in the object there is a pointer. */
static inline bool type_is_mapped(const struct refslab_type *type)
{
	return type->release == mapped_release;
}

bool mapped_owe(const struct refslab_type *type, struct refslab_object *obj,
		u32 account);
struct mapped *mapped_get(const struct refslab_type *type,
			  struct refslab_object *obj);
int mapped_map(struct session *session, union session_data *data);

#endif /* _REFSLAB_MAPPED_H */
