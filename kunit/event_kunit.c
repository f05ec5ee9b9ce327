// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the queue of events: what is told and what is lost, in which order.
 * Waiting, polling and copying are tested from user space.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "fixture.h"
#include "call.h"

#define SWEEPS	REFSLAB_EVENTS_SWEEPS
#define WEAK	REFSLAB_EVENTS_WEAK

static int ask(struct session *session, u32 flags, u32 room)
{
	const struct session_call *call = session_find_call(REFSLAB_EVENTS);
	union session_data data = {
		.events = {
			.size = sizeof(data.events),
			.flags = flags,
			.room = room,
		},
	};

	return session_run(session, call, &data);
}

static struct session *bound_session(struct kunit *test)
{
	const struct session_call *call = session_find_call(REFSLAB_HEAP_CREATE);
	struct session *session = session_create();
	union session_data data = {
		.heap_create = {
			.size = sizeof(data.heap_create),
			.limit = SZ_1M,
		},
	};

	KUNIT_ASSERT_NOT_NULL(test, session);
	KUNIT_ASSERT_EQ(test, session_run(session, call, &data), 0);
	refslab_set_enabled(session_heap(session), false);
	return session;
}

static int event_test_init(struct kunit *test)
{
	test->priv = bound_session(test);
	return 0;
}

static void event_test_exit(struct kunit *test)
{
	struct session *session = test->priv;

	KUNIT_EXPECT_EQ(test, event_queue_validate(&session->events), 0);
	KUNIT_EXPECT_EQ(test, heap_validate(session_heap(session)), 0);
	session_destroy(session);
}

static void add(struct event_queue *queue, u64 time)
{
	const struct refslab_event event = {
		.kind = REFSLAB_EVENT_WEAK_DEAD,
		.time_ns = time,
		.handle = time,
	};

	event_add(queue, WEAK, &event);
}

/* The next one is of that kind and time; its handle, or how many were lost. */
static u64 next(struct kunit *test, struct event_queue *queue, u32 kind, u64 time)
{
	struct refslab_event event = { };

	KUNIT_EXPECT_TRUE(test, event_take(queue, &event));
	KUNIT_EXPECT_EQ(test, event.kind, kind);
	KUNIT_EXPECT_EQ(test, event.time_ns, time);
	return event.handle;
}

static void test_only_what_was_asked_for(struct kunit *test)
{
	struct session *session = test->priv;
	struct event_queue *queue = &session->events;
	struct refslab_event event;

	add(queue, 1);
	KUNIT_EXPECT_FALSE(test, event_take(queue, &event));
	KUNIT_EXPECT_EQ(test, ask(session, SWEEPS, 0), 0);
	add(queue, 2);
	KUNIT_EXPECT_FALSE(test, event_take(queue, &event));
	KUNIT_EXPECT_EQ(test, ask(session, WEAK, 0), 0);
	add(queue, 3);
	KUNIT_EXPECT_EQ(test, refslab_collect(session_heap(session), 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_WEAK_DEAD, 3), 3);
	KUNIT_EXPECT_FALSE(test, event_take(queue, &event));
	add(queue, 4);
	KUNIT_EXPECT_EQ(test, ask(session, 0, 0), 0);
	KUNIT_EXPECT_FALSE(test, event_take(queue, &event));
}

static void test_sweeps(struct kunit *test)
{
	struct session *session = test->priv;
	struct refslab_event event;

	KUNIT_EXPECT_EQ(test, ask(session, SWEEPS | WEAK, 0), 0);
	KUNIT_EXPECT_EQ(test, refslab_collect(session_heap(session), 2, NULL), 0);
	KUNIT_ASSERT_TRUE(test, event_take(&session->events, &event));
	KUNIT_EXPECT_EQ(test, event.kind, REFSLAB_EVENT_SWEEP_START);
	KUNIT_EXPECT_EQ(test, event.generation, 2);
	KUNIT_ASSERT_TRUE(test, event_take(&session->events, &event));
	KUNIT_EXPECT_EQ(test, event.kind, REFSLAB_EVENT_SWEEP_END);
	KUNIT_EXPECT_EQ(test, event.generation, 2);
	KUNIT_EXPECT_FALSE(test, event_take(&session->events, &event));
}

static void test_lost_is_told_in_place(struct kunit *test)
{
	struct session *session = test->priv;
	struct event_queue *queue = &session->events;
	struct refslab_event event;
	u64 i;

	KUNIT_EXPECT_EQ(test, ask(session, WEAK, 3), 0);
	for (i = 1; i <= 6; i++)
		add(queue, i);
	KUNIT_EXPECT_EQ(test, event_queue_validate(queue), 0);
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_WEAK_DEAD, 1), 1);
	/* a place is free, but behind the one that tells: so it goes on telling */
	add(queue, 7);
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_WEAK_DEAD, 2), 2);
	add(queue, 8);
	KUNIT_EXPECT_EQ(test, event_queue_validate(queue), 0);
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_WEAK_DEAD, 3), 3);
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_LOST, 4), 4);
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_WEAK_DEAD, 8), 8);
	KUNIT_EXPECT_FALSE(test, event_take(queue, &event));
}

static void lose(struct kunit *test, struct event_queue *queue)
{
	struct refslab_event event;

	KUNIT_EXPECT_TRUE(test, event_take(queue, &event));
	event_lose(queue, &event);
	KUNIT_EXPECT_EQ(test, event_queue_validate(queue), 0);
}

static void test_not_copied(struct kunit *test)
{
	struct session *session = test->priv;
	struct event_queue *queue = &session->events;
	struct refslab_event event;
	u64 i;

	KUNIT_EXPECT_EQ(test, ask(session, WEAK, 2), 0);
	add(queue, 1);
	lose(test, queue);
	add(queue, 2);
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_LOST, 1), 1);
	/* and what tells of it is not copied either */
	event_lose(queue, &(struct refslab_event){
		.kind = REFSLAB_EVENT_LOST, .time_ns = 1, .lost = 1,
	});
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_LOST, 1), 1);
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_WEAK_DEAD, 2), 2);

	/* full when it comes back: the next one gives its place */
	add(queue, 3);
	KUNIT_EXPECT_TRUE(test, event_take(queue, &event));
	for (i = 4; i <= 7; i++)
		add(queue, i);
	event_lose(queue, &event);
	KUNIT_EXPECT_EQ(test, event_queue_validate(queue), 0);
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_LOST, 3), 2);
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_WEAK_DEAD, 5), 5);
	KUNIT_EXPECT_EQ(test, next(test, queue, REFSLAB_EVENT_LOST, 6), 2);
	KUNIT_EXPECT_FALSE(test, event_take(queue, &event));

	/* asked for no more meanwhile */
	add(queue, 8);
	KUNIT_EXPECT_TRUE(test, event_take(queue, &event));
	KUNIT_EXPECT_EQ(test, ask(session, 0, 0), 0);
	event_lose(queue, &event);
	KUNIT_EXPECT_FALSE(test, event_take(queue, &event));
}

/* Whatever happens, all are told or counted, and in their order. */
static void test_at_random(struct kunit *test)
{
	struct session *session = test->priv;
	struct event_queue *queue = &session->events;
	struct refslab_event event;
	struct rnd_state rnd;
	u64 added = 0, accounted = 0, last = 0;
	unsigned int i, round, wrong = 0;

	prandom_seed_state(&rnd, 4711);
	for (round = 0; round < 20; round++) {
		KUNIT_ASSERT_EQ(test, ask(session, WEAK, 2 + round), 0);
		added = 0;
		accounted = 0;
		last = 0;
		for (i = 0; i < 2000; i++) {
			switch (prandom_u32_state(&rnd) % 8) {
			case 0 ... 3:
				add(queue, ++added);
				break;
			case 4 ... 6:
				if (!event_take(queue, &event))
					break;
				wrong += event.time_ns != accounted + 1;
				accounted += event.kind == REFSLAB_EVENT_LOST ?
					     event.lost : 1;
				wrong += event.time_ns <= last;
				last = event.time_ns;
				break;
			case 7:
				if (!event_take(queue, &event))
					break;
				while (prandom_u32_state(&rnd) % 4)
					add(queue, ++added);
				event_lose(queue, &event);
				break;
			}
			wrong += !!event_queue_validate(queue);
		}
		while (event_take(queue, &event))
			accounted += event.kind == REFSLAB_EVENT_LOST ?
				     event.lost : 1;
		KUNIT_EXPECT_EQ(test, accounted, added);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* Deaths come under raw locks, with interrupts off. */
static void test_under_raw_locks(struct kunit *test)
{
	static DEFINE_RAW_SPINLOCK(lock);
	struct session *session = test->priv;
	unsigned long flags;
	int i;

	KUNIT_EXPECT_EQ(test, ask(session, WEAK, 2), 0);
	raw_spin_lock_irqsave(&lock, flags);
	for (i = 1; i <= 4; i++)
		add(&session->events, i);
	raw_spin_unlock_irqrestore(&lock, flags);
	KUNIT_EXPECT_EQ(test, next(test, &session->events, REFSLAB_EVENT_WEAK_DEAD, 1), 1);
}

/**
 * struct duel - two processors that tell of events
 * @queue: where
 * @entry: woken for events, as who reads or polls
 * @seen: how many there were when it was woken last
 * @stage: 1 the other is to tell, 2 it has, and has interrupts off, 3 they are on
 */
struct duel {
	struct event_queue *queue;
	struct wait_queue_entry entry;
	u32 seen;
	unsigned int stage;
};

static int duel_woken(struct wait_queue_entry *entry, unsigned int mode, int sync, void *key)
{
	struct duel *duel = container_of(entry, struct duel, entry);

	WRITE_ONCE(duel->seen, READ_ONCE(duel->queue->count));
	return 0;
}

static void duel_enter(struct duel *duel, unsigned int stage)
{
	/* pairs with the acquire in duel_stage() */
	smp_store_release(&duel->stage, stage);
}

static unsigned int duel_stage(struct duel *duel)
{
	/* pairs with the release in duel_enter() */
	return smp_load_acquire(&duel->stage);
}

static void duel_pause(unsigned int loops)
{
	while (loops--)
		cpu_relax();
}

static int duel_main(void *data)
{
	struct duel *duel = data;
	unsigned int round = 0;

	while (!kthread_should_stop()) {
		if (duel_stage(duel) != 1) {
			cond_resched();
			continue;
		}
		local_irq_disable();
		add(duel->queue, 1);
		duel_enter(duel, 2);
		duel_pause(round++ % 61);
		local_irq_enable();
		duel_enter(duel, 3);
	}
	return 0;
}

/*
 * The wake-up for one event may be pending on a processor that has interrupts off
 * when the next one comes: it must find that one.
 */
static void test_none_sleeps_on_an_event(struct kunit *test)
{
	struct session *session = test->priv;
	struct event_queue *queue = &session->events;
	struct duel duel = { .queue = queue };
	unsigned long end = jiffies + 3 * HZ / 4;
	unsigned int cpu, round, lost = 0;
	struct refslab_event event;
	struct task_struct *task;

	KUNIT_ASSERT_EQ(test, ask(session, WEAK, 2), 0);
	migrate_disable();
	cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
	if (cpu >= nr_cpu_ids) {
		migrate_enable();
		kunit_skip(test, "one processor");
	}
	task = kthread_create(duel_main, &duel, "refslab-kunit");
	if (IS_ERR(task)) {
		migrate_enable();
		KUNIT_FAIL(test, "no thread");
		return;
	}
	kthread_bind(task, cpu);
	init_waitqueue_func_entry(&duel.entry, duel_woken);
	add_wait_queue(&queue->wait, &duel.entry);
	wake_up_process(task);
	for (round = 0; time_before(jiffies, end); round++) {
		duel_enter(&duel, 1);
		while (duel_stage(&duel) < 2)
			cond_resched();
		event_take(queue, &event);
		/* no wake-up at all is none that finds it */
		WRITE_ONCE(duel.seen, 0);
		duel_pause(round % 67);
		add(queue, 2);
		while (duel_stage(&duel) < 3)
			cond_resched();
		irq_work_sync(&queue->wake);
		lost += !READ_ONCE(duel.seen);
		while (event_take(queue, &event))
			;
	}
	kthread_stop(task);
	migrate_enable();
	remove_wait_queue(&queue->wait, &duel.entry);
	KUNIT_EXPECT_EQ_MSG(test, lost, 0, "in %u rounds", round);
}

/**
 * struct stay - a wake-up that takes long, on two processors
 * @queue: whose
 * @entry: woken
 * @calls: how often
 * @told: the other processor is about to tell of an event
 * @inside: the second wake-up is under way
 * @leave: it may end
 */
struct stay {
	struct event_queue *queue;
	struct wait_queue_entry entry;
	atomic_t calls;
	bool told;
	bool inside;
	bool leave;
};

/* With interrupts off, and the lock of those who wait. */
static int stay_woken(struct wait_queue_entry *entry, unsigned int mode, int sync, void *key)
{
	struct stay *stay = container_of(entry, struct stay, entry);
	int call = atomic_inc_return(&stay->calls), ms;

	if (call == 1) {
		for (ms = 0; ms < 500 && !READ_ONCE(stay->told); ms++)
			mdelay(1);
		/* it is asked for there, and begins */
		mdelay(20);
	} else if (call == 2) {
		WRITE_ONCE(stay->inside, true);
		for (ms = 0; ms < 10000 && !READ_ONCE(stay->leave); ms++)
			mdelay(1);
	}
	return 0;
}

static int stay_main(void *data)
{
	struct stay *stay = data;
	struct refslab_event event;

	while (!atomic_read(&stay->calls) && !kthread_should_stop())
		cond_resched();
	event_take(stay->queue, &event);
	WRITE_ONCE(stay->told, true);
	add(stay->queue, 2);
	while (!kthread_should_stop())
		usleep_range(500, 1000);
	return 0;
}

/*
 * What wakes may be at it on two processors, and the memory of a session that goes
 * stays for both; KASAN tells.
 */
static void test_memory_stays(struct kunit *test)
{
	struct session *session = bound_session(test);
	/* the end of a heap waits by itself */
	struct user_heap *heap = user_heap_get(session->heap);
	struct stay stay = { .queue = &session->events };
	struct task_struct *task;
	unsigned int cpu;
	int ms;

	KUNIT_ASSERT_EQ(test, ask(session, WEAK, 2), 0);
	migrate_disable();
	cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
	task = cpu < nr_cpu_ids ? kthread_create(stay_main, &stay, "refslab-kunit") : NULL;
	if (IS_ERR_OR_NULL(task)) {
		migrate_enable();
		session_destroy(session);
		user_heap_put(heap);
		kunit_skip(test, "one processor");
	}
	kthread_bind(task, cpu);
	init_waitqueue_func_entry(&stay.entry, stay_woken);
	add_wait_queue(&stay.queue->wait, &stay.entry);
	wake_up_process(task);
	add(stay.queue, 1);
	for (ms = 0; ms < 5000 && !READ_ONCE(stay.inside); ms++)
		mdelay(1);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(stay.inside));
	session_destroy(session);
	WRITE_ONCE(stay.leave, true);
	kthread_stop(task);
	migrate_enable();
	user_heap_put(heap);
}

static void test_refused(struct kunit *test)
{
	struct session *session = test->priv;

	KUNIT_EXPECT_EQ(test, ask(session, SWEEPS, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, ask(session, SWEEPS, REFSLAB_EVENTS_MAX + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, ask(session, 0, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, ask(session, REFSLAB_EVENTS_FD, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, ask(session, SWEEPS, REFSLAB_EVENTS_MAX), 0);
	KUNIT_EXPECT_EQ(test, event_queue_validate(&session->events), 0);
}

static void test_validator_notices(struct kunit *test)
{
	struct session *session = test->priv;
	struct event_queue *queue = &session->events;

	KUNIT_EXPECT_EQ(test, ask(session, WEAK, 2), 0);
	add(queue, 1);
	queue->count = 4;
	expect_in_log("refslab: a queue of 4 events, room for 2, is not as it should be");
	KUNIT_EXPECT_EQ(test, event_queue_validate(queue), -EUCLEAN);
	unexpect_in_log();
	queue->count = 1;
}

static struct kunit_case event_cases[] = {
	KUNIT_CASE(test_only_what_was_asked_for),
	KUNIT_CASE(test_sweeps),
	KUNIT_CASE(test_lost_is_told_in_place),
	KUNIT_CASE(test_not_copied),
	KUNIT_CASE(test_at_random),
	KUNIT_CASE(test_under_raw_locks),
	KUNIT_CASE(test_none_sleeps_on_an_event),
	KUNIT_CASE(test_memory_stays),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_validator_notices),
	{}
};

static struct kunit_suite event_suite = {
	.name = "refslab_event",
	.init = event_test_init,
	.exit = event_test_exit,
	.test_cases = event_cases,
};

kunit_test_suites(&event_suite);
