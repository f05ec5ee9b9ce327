/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel log is told. The texts are tested. */
#ifndef _REFSLAB_REPORT_H
#define _REFSLAB_REPORT_H

#include <linux/ratelimit_types.h>
#include <linux/types.h>

struct refslab_heap;
struct refslab_object;
struct refslab_sweep_result;
struct refslab_type;

/**
 * struct reports - how often the log is told of a heap; these lock themselves
 * @sweeps: of its sweeps, where root or a module wants that
 * @survivors: of types that a module cannot destroy
 * @refused: of allocations that a module's heap had no room for
 * @few: of either, where it is a program's doing
 */
struct reports {
	struct ratelimit_state sweeps;
	struct ratelimit_state survivors;
	struct ratelimit_state refused;
	struct ratelimit_state few;
};

void reports_init(struct reports *reports);

void report_overflow(struct refslab_object *obj);
void report_dead_get(struct refslab_object *obj);
void report_stale_slot(struct refslab_object *obj);
void report_dead_put(struct refslab_object *obj);
void report_bad_word(struct refslab_type *type, struct refslab_object *obj);
void report_bad_free(struct refslab_type *type, struct refslab_object *obj);
void report_poison(struct refslab_type *type, struct refslab_object *obj,
		   u32 start, u32 size);
void report_red_zone(struct refslab_type *type, struct refslab_object *obj,
		     u32 start, u32 size);
void report_survivors(struct refslab_type *type);
void report_left(struct refslab_heap *heap);
void report_refused(struct refslab_type *type);
void report_sweep_broken(struct refslab_heap *heap, struct refslab_object *obj,
			 u64 word);
void report_sweep(struct refslab_heap *heap, unsigned int generation,
		  const struct refslab_sweep_result *result);
void report_program_asks(struct refslab_heap *heap, bool on);

#endif /* _REFSLAB_REPORT_H */
