/* SPDX-License-Identifier: GPL-2.0 */
/* Magazines: a CPU's small stack of free objects of one type. */
#ifndef _REFSLAB_MAGAZINE_H
#define _REFSLAB_MAGAZINE_H

#include <linux/refslab.h>

/**
 * struct magazine - one per CPU and type
 * @busy: somebody on this CPU is at it: an interrupt goes to the slabs instead
 * @count: objects in it
 * @objects: type->magazine_size of them, the last freed one last
 *
 * All by its own CPU with preemption off, or with the CPU gone.
 */
struct magazine {
	u32	busy;
	u32	count;
	void	*objects[];
};

unsigned int magazine_size(size_t object_size);
struct magazine __percpu *magazine_create(unsigned int size, gfp_t gfp);
void magazine_destroy(struct magazine __percpu *magazines);

struct refslab_object *magazine_alloc(struct refslab_type *type, gfp_t gfp);
unsigned int magazine_alloc_bulk(struct refslab_type *type, unsigned int n,
				 void **objects);
void magazine_free(struct refslab_type *type, struct refslab_object *object);
void magazine_drain_local(struct refslab_type *type);
void magazine_drain(struct refslab_type *type);
unsigned long magazine_objects(struct refslab_type *type);
int magazine_validate(struct refslab_type *type);

#endif /* _REFSLAB_MAGAZINE_H */
