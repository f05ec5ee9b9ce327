// SPDX-License-Identifier: GPL-2.0
/*
 * A module that uses refslab and cannot be loaded without memory: it calls all
 * in-kernel functions that allocate. Tests load it with one allocation after the
 * other failing, on kernels that have no KUnit; never installed.
 */
#include <linux/module.h>
#include <linux/refslab.h>
#include <linux/sizes.h>

/**
 * struct bead - an object with two slots
 * @link: header
 * @slot: slots
 */
struct bead {
	struct refslab_linked	link;
	struct refslab_slot	slot[2];
};

#define OBJECTS	64

static struct refslab_heap *heap;
static struct refslab_type *beads, *large;
static struct refslab_reserve *reserve;
static struct refslab_object *objects[OBJECTS], *taken[OBJECTS];
static unsigned int n_objects, n_taken;
static struct refslab_weak weak;

static void weak_died(struct refslab_weak *weak)
{
}

static int make_heap(void)
{
	const struct refslab_heap_args args = {
		.name = "caller", .limit = SZ_4M, .reserve = SZ_128K,
	};

	heap = refslab_heap_create(&args);
	return PTR_ERR_OR_ZERO(heap);
}

static int make_types(void)
{
	static const u16 offsets[] = {
		offsetof(struct bead, slot[0]), offsetof(struct bead, slot[1]),
	};
	const struct refslab_type_args bead_args = {
		.name = "bead", .size = sizeof(struct bead), .slots = ARRAY_SIZE(offsets),
		.slot_offsets = offsets,
		.flags = REFSLAB_TYPE_ZERO | REFSLAB_TYPE_WEAK | REFSLAB_TYPE_TRACE |
			 REFSLAB_TYPE_RED_ZONE | REFSLAB_TYPE_POISON,
	};
	const struct refslab_type_args large_args = { .name = "large", .size = 8000 };

	beads = refslab_type_create(heap, &bead_args);
	if (IS_ERR(beads))
		return PTR_ERR(beads);
	large = refslab_type_create(heap, &large_args);
	return PTR_ERR_OR_ZERO(large);
}

static int make_reserve(void)
{
	/* what vmalloc() has to say is not what is looked for */
	reserve = refslab_prefill(large, OBJECTS, GFP_KERNEL | __GFP_NOWARN);
	if (IS_ERR(reserve))
		return PTR_ERR(reserve);
	while (n_taken < OBJECTS) {
		taken[n_taken] = refslab_alloc_reserved(reserve);
		if (WARN_ON(!taken[n_taken]))
			return -EIO;
		n_taken++;
	}
	return refslab_reserve_refill(reserve, GFP_KERNEL);
}

static int make_objects(void)
{
	struct bead *bead;
	unsigned int i;

	objects[0] = refslab_alloc(beads, GFP_KERNEL);
	if (!objects[0])
		return -ENOMEM;
	n_objects = 1 + refslab_alloc_bulk(beads, GFP_KERNEL, OBJECTS - 1, objects + 1);
	/* one circle of all: what is left to do about it is the sweep's */
	for (i = 0; i < n_objects; i++) {
		bead = container_of(objects[i], struct bead, link.object);
		refslab_slot_set(&bead->slot[0], objects[(i + 1) % n_objects]);
	}
	if (n_objects < OBJECTS)
		return -ENOMEM;
	refslab_weak_init(&weak, weak_died);
	return refslab_weak_set(&weak, objects[0]);
}

static void unmake(void)
{
	unsigned long left;

	if (IS_ERR_OR_NULL(heap))
		return;
	refslab_weak_clear(&weak);
	refslab_put_bulk(n_objects, objects);
	refslab_put_bulk(n_taken, taken);
	if (!IS_ERR_OR_NULL(reserve))
		refslab_reserve_destroy(reserve);
	refslab_collect(heap, 2, NULL);
	left = refslab_heap_destroy(heap);
	WARN(left, "refslab_caller: %lu objects were left\n", left);
}

static int __init caller_init(void)
{
	int err = make_heap() ?: make_types() ?: make_reserve() ?: make_objects();

	if (err)
		unmake();
	return err;
}

static void __exit caller_exit(void)
{
	unmake();
}

module_init(caller_init);
module_exit(caller_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Uses refslab, for tests of faults");
