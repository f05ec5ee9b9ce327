// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: what counts do at their edges, and that what has died is released
 * once, wherever and with however much that dies with it.
 */
#include <linux/irq_work.h>
#include <linux/slab.h>

#include "fixture.h"

static u64 word(struct refslab_object *obj)
{
	return atomic64_read(&obj->word);
}

static u32 version(struct refslab_object *obj)
{
	return word(obj) >> 32;
}

/* --- counts --- */

static void test_counts(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->knot);
	int i;

	KUNIT_EXPECT_EQ(test, refslab_count(obj), 1);
	for (i = 0; i < 100; i++)
		refslab_get(obj);
	KUNIT_EXPECT_EQ(test, refslab_count(obj), 101);
	KUNIT_EXPECT_EQ(test, version(obj), 100);
	for (i = 0; i < 100; i++)
		refslab_put(obj);
	KUNIT_EXPECT_EQ(test, refslab_count(obj), 1);
	KUNIT_EXPECT_EQ(test, version(obj), 200);
	rcu_read_lock();
	KUNIT_EXPECT_TRUE(test, refslab_tryget(obj));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, refslab_count(obj), 2);
	KUNIT_EXPECT_EQ(test, version(obj), 201);
	refslab_put(obj);
	EXPECT_OBJECTS(test, f->knot, 1);
	refslab_put(obj);
	EXPECT_OBJECTS(test, f->knot, 0);
	KUNIT_EXPECT_EQ(test, word(obj), 0);
}

/* A put that leaves references makes a candidate of what has slots, once. */
static void test_put_lists(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->knot);
	struct refslab_object *leaf = obj_make(test, f->leaf);
	struct slab *slab = slab_of(obj);

	KUNIT_EXPECT_TRUE(test, word(obj) & REFSLAB_UNLISTED);
	KUNIT_EXPECT_FALSE(test, candidate_any(&f->heap->sweep, GENERATIONS - 1));
	refslab_get(leaf);
	refslab_put(leaf);
	KUNIT_EXPECT_FALSE(test, candidate_any(&f->heap->sweep, GENERATIONS - 1));
	rcu_read_lock();
	KUNIT_EXPECT_TRUE(test, refslab_tryget(obj));
	rcu_read_unlock();
	KUNIT_EXPECT_TRUE(test, word(obj) & REFSLAB_UNLISTED);
	refslab_put(obj);
	KUNIT_EXPECT_FALSE(test, word(obj) & REFSLAB_UNLISTED);
	KUNIT_EXPECT_TRUE(test, test_bit(slab_index(slab, obj), slab_hints(slab, 0)));
	KUNIT_EXPECT_TRUE(test, candidate_any(&f->heap->sweep, GENERATIONS - 1));
	refslab_put(obj);
	refslab_put(leaf);
	KUNIT_EXPECT_EQ(test, word(obj), 0);
}

/*
 * Beside a sweep, the first get or put of an object makes it a candidate again:
 * however often it is got and put then, it does not look untouched.
 */
static void test_touched_for_good(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->knot);

	mutex_lock(&f->heap->sweep.mutex);
	refslab_get(obj);
	KUNIT_ASSERT_TRUE(test, sweep_own(obj, 0));
	KUNIT_EXPECT_EQ(test, word(obj), REFSLAB_UNLISTED | REFSLAB_GATHERED |
					 2 * REFSLAB_COUNT_ONE);
	refslab_put(obj);
	KUNIT_EXPECT_FALSE(test, word(obj) & REFSLAB_UNLISTED);
	KUNIT_EXPECT_EQ(test, version(obj), 1);
	/* 2^32 of them */
	atomic64_andnot(REFSLAB_VERSION_MASK, &obj->word);
	KUNIT_EXPECT_FALSE(test, word(obj) & REFSLAB_UNLISTED);
	sweep_disown(obj, 0, false);
	KUNIT_EXPECT_FALSE(test, word(obj) & (REFSLAB_UNLISTED | REFSLAB_GATHERED));

	KUNIT_ASSERT_TRUE(test, sweep_own(obj, 0));
	refslab_get(obj);
	KUNIT_EXPECT_FALSE(test, word(obj) & REFSLAB_UNLISTED);
	sweep_disown(obj, 0, false);
	mutex_unlock(&f->heap->sweep.mutex);
	refslab_put(obj);
	refslab_put(obj);
	EXPECT_OBJECTS(test, f->knot, 0);
}

static bool is_pinned(struct refslab_object *obj)
{
	return (word(obj) & ~REFSLAB_VERSION_MASK) == PINNED_WORD;
}

static void test_overflow(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->knot);
	int i;

	/* what is reached without overflow is a count like any other */
	atomic64_set(&obj->word, REFSLAB_UNLISTED |
				 (REFSLAB_COUNT_TOP - REFSLAB_COUNT_ONE));
	KUNIT_EXPECT_EQ(test, refslab_count(obj), BIT(26) - 1);
	refslab_get(obj);
	KUNIT_EXPECT_EQ(test, refslab_count(obj), BIT(26));
	atomic64_or(REFSLAB_UNLISTED, &obj->word);
	expect_in_log("refslab: reference count overflow; leaked: heap kunit, type knot, object");
	refslab_get(obj);
	unexpect_in_log();
	KUNIT_EXPECT_TRUE(test, is_pinned(obj));

	/* pinned: once told, and there to stay */
	for (i = 0; i < 1000; i++)
		refslab_put(obj);
	KUNIT_EXPECT_EQ(test, refslab_count(obj), U32_MAX);
	for (i = 0; i < 2000; i++)
		refslab_get(obj);
	KUNIT_EXPECT_TRUE(test, is_pinned(obj));
	rcu_read_lock();
	KUNIT_EXPECT_TRUE(test, refslab_tryget(obj));
	rcu_read_unlock();
	refslab_put(obj);
	KUNIT_EXPECT_TRUE(test, is_pinned(obj));
	EXPECT_OBJECTS(test, f->knot, 1);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 2), 0);
	f->left = 1;
}

/* The usual path sees it of LISTED objects too, long before the count runs over. */
static void test_overflow_listed(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *got = obj_make(test, f->leaf);
	struct refslab_object *tried = obj_make(test, f->leaf);

	atomic64_set(&got->word, REFSLAB_COUNT_TOP - REFSLAB_COUNT_ONE);
	refslab_get(got);
	KUNIT_EXPECT_EQ(test, refslab_count(got), BIT(26));
	refslab_put(got);
	refslab_get(got);
	KUNIT_EXPECT_EQ(test, refslab_count(got), BIT(26));
	expect_in_log("refslab: reference count overflow; leaked: heap kunit, type leaf, object");
	refslab_get(got);
	KUNIT_EXPECT_TRUE(test, is_pinned(got));
	KUNIT_EXPECT_EQ(test, refslab_count(got), U32_MAX);

	atomic64_set(&tried->word, REFSLAB_COUNT_TOP);
	rcu_read_lock();
	KUNIT_EXPECT_TRUE(test, refslab_tryget(tried));
	rcu_read_unlock();
	unexpect_in_log();
	KUNIT_EXPECT_TRUE(test, is_pinned(tried));
	f->left = 2;
}

/* Whether @obj is in what @type's magazines and slabs have to give, and more. */
static bool comes_again(struct kunit *test, struct refslab_type *type,
			struct refslab_object *obj)
{
	unsigned int i, n = 4 * type->layout.objects;
	struct refslab_object **objs;
	bool found = false;

	objs = kunit_kcalloc(test, n, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	KUNIT_EXPECT_EQ(test, refslab_alloc_bulk(type, GFP_KERNEL, n, objs), n);
	for (i = 0; i < n; i++)
		found |= objs[i] == obj;
	refslab_put_bulk(n, objs);
	return found;
}

static void test_put_of_dead(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj;

	fixture_stay(test);
	obj = obj_make(test, f->leaf);
	refslab_put(obj);
	KUNIT_EXPECT_EQ(test, word(obj), 0);
	expect_in_log("refslab: put of a dead object; leaked: heap kunit, type leaf, object");
	refslab_put(obj);
	unexpect_in_log();
	KUNIT_EXPECT_EQ(test, refslab_count(obj), U32_MAX);

	/* it lies among the free ones and must not be handed out */
	expect_in_log("refslab: a free object's word is 0x.*: used after its release, leaked: heap kunit, type leaf, object");
	KUNIT_EXPECT_FALSE(test, comes_again(test, f->leaf, obj));
	unexpect_in_log();
	EXPECT_OBJECTS(test, f->leaf, 1);
	f->left = 1;
}

static void test_get_of_dead(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj;

	fixture_stay(test);
	obj = obj_make(test, f->knot);
	refslab_put(obj);
	expect_in_log("refslab: get of a dead object; leaked: heap kunit, type knot, object");
	refslab_get(obj);
	unexpect_in_log();
	KUNIT_EXPECT_EQ(test, refslab_count(obj), U32_MAX);
	refslab_put(obj);
	/* told of each object that leaks so */
	expect_in_log("refslab: a free object's word is 0x.*: used after its release, leaked: heap kunit, type knot, object");
	KUNIT_EXPECT_FALSE(test, comes_again(test, f->knot, obj));
	unexpect_in_log();
	EXPECT_OBJECTS(test, f->knot, 1);
	f->left = 1;
}

/* --- tryget --- */

static bool try(struct refslab_object *obj)
{
	bool got;

	rcu_read_lock();
	got = refslab_tryget(obj);
	rcu_read_unlock();
	return got;
}

static struct refslab_object *kept;
static bool clings;

static void keep_self(struct refslab_object *obj)
{
	if (!clings)
		return;
	refslab_get(obj);
	kept = obj;
	clings = false;
}

/* A release that keeps its object keeps its memory, whoever found it dead. */
static void test_get_in_release(struct kunit *test)
{
	struct fixture *f = test->priv;
	const struct refslab_type_args args = {
		.name = "clinging", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .release = keep_self,
	};
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	struct knot *knot;

	expect_in_log("refslab: get of a dead object; leaked: heap kunit, type clinging, object");
	clings = true;
	refslab_put(obj_make(test, type));
	KUNIT_EXPECT_EQ(test, refslab_count(kept), U32_MAX);
	KUNIT_EXPECT_FALSE(test, comes_again(test, type, kept));

	clings = true;
	knot = knot_of(obj_make(test, type));
	knot_edge(knot, 0, knot);
	knot_put(knot);
	fixture_collect(test, 2);
	unexpect_in_log();
	KUNIT_EXPECT_PTR_EQ(test, kept, &knot->link.object);
	KUNIT_EXPECT_EQ(test, refslab_count(kept), U32_MAX);
	KUNIT_EXPECT_FALSE(test, comes_again(test, type, kept));
	EXPECT_OBJECTS(test, type, 2);
	f->left = 2;
}

static void test_tryget_of_dead(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->knot);

	refslab_put(obj);
	KUNIT_EXPECT_FALSE(test, try(obj));
	KUNIT_EXPECT_EQ(test, word(obj), 0);
}

/* A sweep's claim against a tryget, with the commit in each state it can have. */
static void test_tryget_of_claimed(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *obj = obj_make(test, f->knot);
	atomic64_t *commit = &f->heap->sweep.commit;
	const u64 claimed = REFSLAB_UNLISTED | REFSLAB_COUNT_ONE |
			    REFSLAB_GATHERED | REFSLAB_CLAIMED;
	const u64 number = 7 * COMMIT_NUMBER;

	/* committed: dead, and the word is left alone */
	atomic64_set(&obj->word, claimed);
	atomic64_set(commit, number | COMMIT_COMMITTED);
	KUNIT_EXPECT_FALSE(test, try(obj));
	KUNIT_EXPECT_EQ(test, word(obj), claimed);
	KUNIT_EXPECT_EQ(test, atomic64_read(commit), number | COMMIT_COMMITTED);

	/* pending: the claim is called off */
	atomic64_set(commit, number | COMMIT_PENDING);
	KUNIT_EXPECT_TRUE(test, try(obj));
	KUNIT_EXPECT_EQ(test, atomic64_read(commit), number | COMMIT_ABORTED);
	KUNIT_EXPECT_EQ(test, word(obj), claimed + REFSLAB_COUNT_ONE + REFSLAB_VERSION_ONE);

	/* aborted: as if it were not claimed */
	KUNIT_EXPECT_TRUE(test, try(obj));
	KUNIT_EXPECT_EQ(test, atomic64_read(commit), number | COMMIT_ABORTED);
	KUNIT_EXPECT_EQ(test, refslab_count(obj), 3);

	/* not claimed: whatever the state */
	atomic64_set(&obj->word, REFSLAB_COUNT_ONE | REFSLAB_GATHERED);
	atomic64_set(commit, number | COMMIT_PENDING);
	KUNIT_EXPECT_TRUE(test, try(obj));
	KUNIT_EXPECT_EQ(test, atomic64_read(commit), number | COMMIT_PENDING);
	atomic64_set(commit, number | COMMIT_COMMITTED);
	KUNIT_EXPECT_TRUE(test, try(obj));

	/* count 0, its release still to come: dead */
	atomic64_set(&obj->word, REFSLAB_GATHERED);
	KUNIT_EXPECT_FALSE(test, try(obj));
	KUNIT_EXPECT_EQ(test, word(obj), REFSLAB_GATHERED);

	/* listing leaves a claimed object to its sweep */
	atomic64_set(&obj->word, claimed);
	candidate_list(obj);
	KUNIT_EXPECT_EQ(test, word(obj), claimed);

	atomic64_set(commit, number);
	atomic64_set(&obj->word, REFSLAB_COUNT_ONE | REFSLAB_UNLISTED);
	refslab_put(obj);
}

/* --- release --- */

static void test_release_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_knots(test, f->heap, "told", &f->releases, 0);
	struct knot *a = knot_make(test, type), *b = knot_make(test, type);
	struct knot *c = knot_make(test, f->knot);

	knot_edge(a, 0, b);
	knot_edge(a, 1, c);
	knot_edge(b, 0, c);
	knot_put(b);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 0);
	KUNIT_EXPECT_EQ(test, knot_count(c), 3);
	/* takes b along, before it returns */
	knot_put(a);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.here), 2);
	EXPECT_OBJECTS(test, type, 0);
	KUNIT_EXPECT_EQ(test, knot_count(c), 1);
	knot_put(c);
}

/* What the stack and the caller of put must not feel: the length of a chain. */
static void test_long_chain(struct kunit *test)
{
	/* KMSAN would need a quarter of an hour */
	enum { LENGTH = IS_ENABLED(CONFIG_KMSAN) ? 50000 : 1000000 };
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_knots(test, f->heap, "told", &f->releases, 0);
	struct knot *head = NULL, *knot;
	int i;

	for (i = 0; i < LENGTH; i++) {
		knot = knot_make(test, type);
		if (head) {
			/* moved into the slot: one word less to touch */
			WRITE_ONCE(knot->slot[i & 1].target, &head->link.object);
		}
		head = knot;
	}
	EXPECT_OBJECTS(test, type, LENGTH);
	knot_put(head);
	/* the rest is left to the workqueue */
	KUNIT_EXPECT_GE(test, atomic_read(&f->releases.here), 1);
	KUNIT_EXPECT_LE(test, atomic_read(&f->releases.here), 1024);
	releaser_flush(&f->heap->releaser);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), LENGTH);
	KUNIT_EXPECT_LE(test, atomic_read(&f->releases.here), 1024);
	EXPECT_OBJECTS(test, type, 0);
}

/* A chain through payloads, which only the releases know. */
struct bead {
	struct refslab_object	object;
	struct refslab_object	*next;
	struct beads		*beads;
};

struct beads {
	struct task_struct *task;
	atomic_t	count;
	int		depth, deepest;		/* in @task */
	unsigned long	stack_low, stack_high;	/* in @task */
};

static noinline void bead_release(struct refslab_object *obj)
{
	struct bead *bead = container_of(obj, struct bead, object);
	unsigned long frame = (unsigned long)__builtin_frame_address(0);
	struct beads *beads = bead->beads;
	bool mine = current == beads->task;

	atomic_inc(&beads->count);
	if (mine) {
		beads->deepest = max(beads->deepest, ++beads->depth);
		beads->stack_low = min(beads->stack_low, frame);
		beads->stack_high = max(beads->stack_high, frame);
	}
	if (bead->next)
		refslab_put(bead->next);
	if (mine)
		beads->depth--;
}

static void test_release_puts(struct kunit *test)
{
	enum { LENGTH = 20000 };
	const struct refslab_type_args args = {
		.name = "bead", .size = sizeof(struct bead), .release = bead_release,
	};
	struct fixture *f = test->priv;
	struct beads beads = { .task = current, .stack_low = ULONG_MAX };
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	struct refslab_object *head = NULL;
	struct bead *bead;
	int i;

	for (i = 0; i < LENGTH; i++) {
		bead = container_of(obj_make(test, type), struct bead, object);
		bead->next = head;
		bead->beads = &beads;
		head = &bead->object;
	}
	refslab_put(head);
	releaser_flush(&f->heap->releaser);
	KUNIT_EXPECT_EQ(test, atomic_read(&beads.count), LENGTH);
	/* a put in a release only queues */
	KUNIT_EXPECT_EQ(test, beads.deepest, 1);
	KUNIT_EXPECT_LT(test, beads.stack_high - beads.stack_low, 512);
	EXPECT_OBJECTS(test, type, 0);
}

/* Every release makes one or two of what it releases, up to a number. */
struct hydra {
	struct refslab_object	object;
	struct hydras		*hydras;
};

struct hydras {
	struct refslab_type *type;
	int heads;
	atomic_t left, released, failed;
};

static void hydra_release(struct refslab_object *obj)
{
	struct hydras *hydras = container_of(obj, struct hydra, object)->hydras;
	int i;

	atomic_inc(&hydras->released);
	for (i = 0; i < hydras->heads; i++) {
		struct refslab_object *head;

		if (atomic_dec_return(&hydras->left) < 0)
			return;
		head = refslab_alloc(hydras->type, GFP_ATOMIC);
		if (!head) {
			atomic_inc(&hydras->failed);
			return;
		}
		container_of(head, struct hydra, object)->hydras = hydras;
		refslab_put(head);
	}
}

static void test_release_allocates(struct kunit *test)
{
	const struct refslab_type_args args = {
		.name = "hydra", .size = sizeof(struct hydra), .release = hydra_release,
	};
	struct fixture *f = test->priv;
	struct hydras hydras = { .heads = 2, .left = ATOMIC_INIT(5000) };
	struct refslab_object *obj;

	hydras.type = fixture_type(test, f->heap, &args);
	obj = obj_make(test, hydras.type);
	container_of(obj, struct hydra, object)->hydras = &hydras;
	refslab_put(obj);
	releaser_flush(&f->heap->releaser);
	KUNIT_EXPECT_EQ(test, atomic_read(&hydras.failed), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&hydras.released), 5001);
	EXPECT_OBJECTS(test, hydras.type, 0);
}

/* Who waits for what is due does not wait for what comes of it, on and on. */
static void test_wait_for_releases(struct kunit *test)
{
	enum { LENGTH = 20000 };
	const struct refslab_type_args args = {
		.name = "hydra", .size = sizeof(struct hydra), .release = hydra_release,
		.flags = REFSLAB_TYPE_RELEASE_WORK,
	};
	struct fixture *f = test->priv;
	struct hydras hydras = { .heads = 1, .left = ATOMIC_INIT(LENGTH) };
	struct refslab_object *obj;

	hydras.type = fixture_type(test, f->heap, &args);
	obj = obj_make(test, hydras.type);
	container_of(obj, struct hydra, object)->hydras = &hydras;
	refslab_put(obj);
	releaser_wait(&f->heap->releaser);
	KUNIT_EXPECT_GE(test, atomic_read(&hydras.released), 1);
	KUNIT_EXPECT_GT(test, atomic_read(&hydras.left), 0);
	releaser_flush(&f->heap->releaser);
	KUNIT_EXPECT_EQ(test, atomic_read(&hydras.failed), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&hydras.released), LENGTH + 1);
	EXPECT_OBJECTS(test, hydras.type, 0);
}

static void sleepy_release(struct refslab_object *obj)
{
	might_sleep();
	msleep(20);
	knot_release(obj);
}

static void test_release_from_workqueue(struct kunit *test)
{
	struct fixture *f = test->priv;
	const struct refslab_type_args args = {
		.name = "sleepy", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot), .ctor = knot_ctor,
		.release = sleepy_release, .priv = &f->releases,
		.flags = REFSLAB_TYPE_RELEASE_WORK,
	};
	struct refslab_type *type = fixture_type(test, f->heap, &args);
	struct knot *a = knot_make(test, type), *b = knot_make(test, f->knot);
	struct knot *c = knot_make(test, type), *d = knot_make(test, f->knot);

	/* the slots are emptied by the workqueue too, by c's what hangs on it */
	knot_edge(a, 0, b);
	knot_edge(b, 0, c);
	knot_edge(c, 0, d);
	knot_put(b);
	knot_put(c);
	preempt_disable();
	knot_put(a);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.here), 0);
	releaser_flush(&f->heap->releaser);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.here), 0);
	EXPECT_OBJECTS(test, type, 0);
	KUNIT_EXPECT_EQ(test, knot_count(d), 1);
	knot_put(d);
	/* type_destroy() waits for the workqueue */
	knot_put(knot_make(test, type));
	KUNIT_EXPECT_EQ(test, refslab_type_destroy(type), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 3);
}

struct collecting {
	struct refslab_heap *heap;
	int err;
	int calls;
};

static void collecting_release(struct refslab_object *obj)
{
	struct collecting *c = refslab_type_priv(refslab_type_of(obj));

	c->err = refslab_collect(c->heap, 2, NULL);
	c->calls++;
}

static struct refslab_type *collecting_type(struct kunit *test, struct collecting *c,
					    unsigned int flags)
{
	const struct refslab_type_args args = {
		.name = "collecting", .size = sizeof(struct knot), .slots = 2,
		.slot_offset = offsetof(struct knot, slot),
		.release = collecting_release, .priv = c, .flags = flags,
	};

	return fixture_type(test, c->heap, &args);
}

/* A sweep cannot be asked for in a release: called by put, or by a sweep. */
static void test_collect_in_release(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct collecting c = { .heap = f->heap };
	struct refslab_type *type = collecting_type(test, &c, 0);
	struct knot *knot;

	knot_put(knot_make(test, type));
	KUNIT_EXPECT_EQ(test, c.calls, 1);
	KUNIT_EXPECT_EQ(test, c.err, -EDEADLK);

	c.err = 0;
	knot = knot_make(test, type);
	knot_edge(knot, 0, knot);
	knot_put(knot);
	KUNIT_EXPECT_EQ(test, fixture_collect(test, 0), 1);
	KUNIT_EXPECT_EQ(test, c.calls, 2);
	KUNIT_EXPECT_EQ(test, c.err, -EDEADLK);
	/* and afterwards it can */
	KUNIT_EXPECT_EQ(test, refslab_collect(f->heap, 2, NULL), 0);
}

static void test_collect_in_release_work(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct collecting c = { .heap = f->heap };
	struct refslab_type *type = collecting_type(test, &c, REFSLAB_TYPE_RELEASE_WORK);

	knot_put(knot_make(test, type));
	releaser_flush(&f->heap->releaser);
	KUNIT_EXPECT_EQ(test, c.calls, 1);
	KUNIT_EXPECT_EQ(test, c.err, -EDEADLK);
}

/* One object with slots for all that fits, each of which dies with it. */
static void test_wide_object(struct kunit *test)
{
	enum { SLOTS = (REFSLAB_OBJECT_MAX - sizeof(struct refslab_linked)) /
		       sizeof(struct refslab_slot) };
	const struct refslab_type_args args = {
		.name = "wide", .size = REFSLAB_OBJECT_MAX, .slots = SLOTS,
	};
	struct fixture *f = test->priv;
	struct refslab_type *wide = fixture_type(test, f->heap, &args);
	struct refslab_type *told = fixture_knots(test, f->heap, "told", &f->releases, 0);
	struct refslab_object *obj = obj_make(test, wide);
	struct refslab_slot *slot = (void *)obj + sizeof(struct refslab_linked);
	struct knot *knot;
	int i;

	for (i = 0; i < SLOTS; i++) {
		knot = knot_make(test, told);
		refslab_slot_set(&slot[i], &knot->link.object);
		knot_put(knot);
	}
	EXPECT_OBJECTS(test, told, SLOTS);
	refslab_put(obj);
	KUNIT_EXPECT_LE(test, atomic_read(&f->releases.here), 1024);
	releaser_flush(&f->heap->releaser);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), SLOTS);
	EXPECT_OBJECTS(test, told, 0);
	EXPECT_OBJECTS(test, wide, 0);
}

/* --- interrupts --- */

struct interrupt {
	struct irq_work work;
	struct refslab_object *obj;
	bool done;
};

static void interrupt_put(struct irq_work *work)
{
	struct interrupt *interrupt = container_of(work, struct interrupt, work);

	refslab_put(interrupt->obj);
	/* pairs with interrupt_here() */
	smp_store_release(&interrupt->done, true);
}

/* Raises the interrupt on this CPU and waits until it was; preemption is off. */
static bool interrupt_here(struct interrupt *interrupt, struct refslab_object *obj)
{
	u64 end = ktime_get_ns() + NSEC_PER_SEC;

	init_irq_work(&interrupt->work, interrupt_put);
	interrupt->obj = obj;
	interrupt->done = false;
	irq_work_queue(&interrupt->work);
	/* pairs with interrupt_put() */
	while (!smp_load_acquire(&interrupt->done)) {
		if (ktime_get_ns() > end)
			return false;
		cpu_relax();
	}
	return true;
}

static void test_put_in_interrupt(struct kunit *test)
{
	enum { LENGTH = 3000 };
	struct fixture *f = test->priv;
	struct refslab_type *type = fixture_knots(test, f->heap, "told", &f->releases, 0);
	struct interrupt interrupt;
	struct knot *head = NULL, *knot;
	bool raised;
	int i;

	for (i = 0; i < LENGTH; i++) {
		knot = knot_make(test, type);
		knot_edge(knot, 0, head);
		if (head)
			knot_put(head);
		head = knot;
	}
	preempt_disable();
	raised = interrupt_here(&interrupt, &head->link.object);
	preempt_enable();
	irq_work_sync(&interrupt.work);
	KUNIT_EXPECT_TRUE(test, raised);
	releaser_flush(&f->heap->releaser);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), LENGTH);
	EXPECT_OBJECTS(test, type, 0);
}

/* A release that is interrupted by the last put of another object. */
struct interrupted {
	struct interrupt interrupt;
	struct refslab_object *other;
	struct releases *releases;
	int before, after;
	bool raised;
};

static void interrupted_release(struct refslab_object *obj)
{
	struct interrupted *i = refslab_type_priv(refslab_type_of(obj));

	i->before = atomic_read(&i->releases->count);
	i->raised = interrupt_here(&i->interrupt, i->other);
	i->after = atomic_read(&i->releases->count);
}

static void test_put_in_interrupt_of_release(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct interrupted interrupted = { .releases = &f->releases };
	const struct refslab_type_args args = {
		.name = "interrupted", .size = 32, .release = interrupted_release,
		.priv = &interrupted,
	};
	struct refslab_type *told = fixture_knots(test, f->heap, "told", &f->releases, 0);
	struct refslab_type *type = fixture_type(test, f->heap, &args);

	interrupted.other = &knot_make(test, told)->link.object;
	refslab_put(obj_make(test, type));
	irq_work_sync(&interrupted.interrupt.work);
	KUNIT_EXPECT_TRUE(test, interrupted.raised);
	/* releases are not nested, and none is forgotten */
	KUNIT_EXPECT_EQ(test, interrupted.before, 0);
	KUNIT_EXPECT_EQ(test, interrupted.after, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->releases.count), 1);
	EXPECT_OBJECTS(test, told, 0);
	EXPECT_OBJECTS(test, type, 0);
}

/* --- allocation --- */

static void test_alloc_atomic(struct kunit *test)
{
	struct refslab_object *objs[200];
	struct fixture *f = test->priv;
	unsigned long flags;
	unsigned int i, n = 0;

	local_irq_save(flags);
	for (i = 0; i < ARRAY_SIZE(objs); i++) {
		objs[n] = refslab_alloc(f->leaf, GFP_ATOMIC);
		n += !!objs[n];
	}
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, n, ARRAY_SIZE(objs));
	refslab_put_bulk(n, objs);
	EXPECT_OBJECTS(test, f->leaf, 0);
}

#ifdef CONFIG_KASAN_GENERIC
static u8 shadow(const void *address)
{
	return *(u8 *)kasan_mem_to_shadow(address);
}

/* What a use after free would read is what KASAN has been told about. */
static void test_freed_is_poisoned(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct refslab_object *objs[] = {
		obj_make(test, f->knot), obj_make(test, f->leaf)
	};
	unsigned int i, byte, wrong;

	for (i = 0; i < ARRAY_SIZE(objs); i++) {
		struct refslab_type *type = refslab_type_of(objs[i]);
		void *obj = objs[i];

		wrong = 0;
		for (byte = 0; byte < type->size; byte += 8)
			wrong += shadow(obj + byte) != 0;
		KUNIT_EXPECT_EQ(test, wrong, 0);
		refslab_put(obj);
		for (byte = 0; byte < type->size; byte += 8)
			wrong += shadow(obj + byte) !=
				 (byte < type->header ? 0 : REFSLAB_KASAN_FREE);
		KUNIT_EXPECT_EQ(test, wrong, 0);
		/* who looks without a reference reads the header, unreported */
		KUNIT_EXPECT_EQ(test, word(obj), 0);
	}
}

/* In a task of its own: KASAN fails the test whose task it catches. */
struct late_reader {
	struct work_struct	work;
	struct refslab_object	*obj;
};

static noinline void read_late(struct work_struct *work)
{
	struct late_reader *reader = container_of(work, struct late_reader, work);

	READ_ONCE(((u8 *)reader->obj)[sizeof(*reader->obj)]);
}

/* The guest's KASAN has kasan_multi_shot, so that this report is not the last. */
static void test_use_after_put_is_reported(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct late_reader reader = { .obj = obj_make(test, f->leaf) };

	INIT_WORK_ONSTACK(&reader.work, read_late);
	refslab_put(reader.obj);
	expect_in_log("BUG: KASAN: .* in read_late");
	schedule_work(&reader.work);
	flush_work(&reader.work);
	unexpect_in_log();
	destroy_work_on_stack(&reader.work);
}
#endif

static struct kunit_case object_cases[] = {
	KUNIT_CASE(test_counts),
	KUNIT_CASE(test_put_lists),
	KUNIT_CASE(test_touched_for_good),
	KUNIT_CASE(test_overflow),
	KUNIT_CASE(test_overflow_listed),
	KUNIT_CASE(test_put_of_dead),
	KUNIT_CASE(test_get_of_dead),
	KUNIT_CASE(test_get_in_release),
	KUNIT_CASE(test_tryget_of_dead),
	KUNIT_CASE(test_tryget_of_claimed),
	KUNIT_CASE(test_release_once),
	KUNIT_CASE(test_long_chain),
	KUNIT_CASE(test_release_puts),
	KUNIT_CASE(test_release_allocates),
	KUNIT_CASE(test_wait_for_releases),
	KUNIT_CASE(test_release_from_workqueue),
	KUNIT_CASE(test_collect_in_release),
	KUNIT_CASE(test_collect_in_release_work),
	KUNIT_CASE(test_wide_object),
	KUNIT_CASE(test_put_in_interrupt),
	KUNIT_CASE(test_put_in_interrupt_of_release),
	KUNIT_CASE(test_alloc_atomic),
#ifdef CONFIG_KASAN_GENERIC
	KUNIT_CASE(test_freed_is_poisoned),
	KUNIT_CASE(test_use_after_put_is_reported),
#endif
	{}
};

static struct kunit_suite object_suite = {
	.name = "refslab_object",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = object_cases,
};

kunit_test_suites(&object_suite);
