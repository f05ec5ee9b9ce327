/* SPDX-License-Identifier: GPL-2.0 */
/* Candidates: objects that may be part of a cycle cut loose, and where they are. */
#ifndef _REFSLAB_CANDIDATE_H
#define _REFSLAB_CANDIDATE_H

#include <linux/refslab.h>

#include "slab.h"

struct sweep;

void candidate_list(struct refslab_object *obj);
void candidate_list_late(struct refslab_object *obj);
void candidate_hint(struct slab *slab, struct refslab_object *obj,
		    unsigned int generation);
void candidate_retire(struct slab *slab);
bool candidate_any(struct sweep *sweep, unsigned int generation);

#endif /* _REFSLAB_CANDIDATE_H */
