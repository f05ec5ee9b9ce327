/* SPDX-License-Identifier: GPL-2.0 */
/* Magazines: a CPU's small stack of free objects of one type. */
#ifndef _REFSLAB_MAGAZINE_H
#define _REFSLAB_MAGAZINE_H

#include <linux/refslab.h>

/* A magazine of fewer could not be filled by half. */
#define MAGAZINE_LEAST	2

unsigned int magazine_size(size_t object_size);
unsigned int magazine_room(size_t object_size);
int magazine_set_size(struct refslab_type *type, unsigned int size);
struct refslab_magazine __percpu *magazine_create(unsigned int room, gfp_t gfp);
void magazine_destroy(struct refslab_magazine __percpu *magazines);

void *magazine_take(struct refslab_type *type);
void *magazine_alloc_slow(struct refslab_type *type, gfp_t gfp);
void magazine_free_bulk(struct refslab_type *type, unsigned int n, void **objects);
void magazine_free_slow(struct refslab_type *type, struct refslab_object *object);
void magazine_drain_local(struct refslab_type *type);
void magazine_drain(struct refslab_type *type);
bool magazine_try_drain(struct refslab_type *type);
unsigned long magazine_objects(struct refslab_type *type);
int magazine_validate(struct refslab_type *type);

int magazine_watch_cpus(struct refslab_type *type);
void magazine_forget_cpus(struct refslab_type *type);
int magazine_init(void);
void magazine_exit(void);

/**
 * magazine_free - give an object back
 * @type: its type
 * @object: the object, its word 0
 *
 * Context: Any context.
 */
static __always_inline void magazine_free(struct refslab_type *type,
					  struct refslab_object *object)
{
	const struct refslab_path *path = (const struct refslab_path *)type;
	struct refslab_magazine *m;
	u32 count;

	preempt_disable();
	m = this_cpu_ptr(path->magazines);
	if (unlikely(__refslab_magazine_mark(m)))
		goto busy;
	count = m->count;
	/*
	 * Compared in memory: READ_ONCE() would cost an instruction more. Once,
	 * and any value that magazine_set_size() has put there will do.
	 */
	if (unlikely(count >= data_race(path->magazine_size)))
		goto full;
	m->objects[count] = object;
	__refslab_magazine_done(m, count + 1);
	preempt_enable();
	return;
full:
	__refslab_magazine_done(m, count);
busy:
	preempt_enable();
	magazine_free_slow(type, object);
}

#endif /* _REFSLAB_MAGAZINE_H */
