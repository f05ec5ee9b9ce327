// SPDX-License-Identifier: GPL-2.0
/*
 * Threads on one session, with sweeps in the background.
 *
 * Every object carries a canary made from its number. Each thread has objects
 * that only it changes, and remembers what the first slot of each refers to,
 * by number: whatever other threads and sweeps do, that is what a load must
 * find, intact. Second slots and a board of handles are everybody's: what is
 * found there may be any object, but a whole one. In the end nothing is held,
 * so nothing may be left.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "client.h"

enum { THREADS = 4, OWN = 48, BOARD = 32 };

struct canary {
	uint64_t number;
	uint64_t check[PAYLOAD / sizeof(uint64_t) - 1];
};

struct own {
	uint64_t handle, number;
	uint64_t target;	/* number of what slot 0 refers to, or 0 */
};

struct race {
	int fd;
	uint32_t type[2];	/* of 2 and of 4 slots */
	_Atomic uint64_t board[BOARD];
	_Atomic uint64_t numbers;
	atomic_bool stop;
	_Atomic(const char *) failure;
	_Atomic uint64_t operations;
};

struct racer {
	struct race *race;
	uint64_t random;
	struct own own[OWN];
};

static uint64_t random_of(struct racer *racer)
{
	/* xorshift64: the same threads make the same choices each time. */
	racer->random ^= racer->random << 13;
	racer->random ^= racer->random >> 7;
	racer->random ^= racer->random << 17;
	return racer->random >> 16;
}

/* The first failure is the one to tell; all threads stop at it. */
static bool wrong(struct race *race, const char *what)
{
	const char *none = NULL;

	atomic_compare_exchange_strong(&race->failure, &none, what);
	atomic_store(&race->stop, true);
	return false;
}

#define must(condition) do {						\
	if (!(condition))						\
		return wrong(race, #condition);				\
} while (0)

static void paint(struct canary *canary, uint64_t number)
{
	size_t i;

	canary->number = number;
	for (i = 0; i < ARRAY_SIZE(canary->check); i++)
		canary->check[i] = number * 0x9e3779b97f4a7c15ull + i;
}

/* The number of a whole object, 0 of any other. */
static uint64_t number_of(struct race *race, uint64_t handle, int *err)
{
	struct canary canary, wanted;

	*err = refslab_read(race->fd, handle, 0, &canary, sizeof(canary));
	if (*err)
		return 0;
	paint(&wanted, canary.number);
	return memcmp(&canary, &wanted, sizeof(canary)) ? 0 : canary.number;
}

static bool make_own(struct racer *racer, struct own *own)
{
	struct race *race = racer->race;
	struct canary canary;

	own->number = atomic_fetch_add(&race->numbers, 1) + 1;
	own->target = 0;
	paint(&canary, own->number);
	must(!refslab_alloc(race->fd, race->type[own->number % 2], &own->handle));
	must(!refslab_write(race->fd, own->handle, 0, &canary, sizeof(canary)));
	return true;
}

static bool check_own(struct racer *racer, struct own *own)
{
	struct race *race = racer->race;
	int err;

	must(number_of(race, own->handle, &err) == own->number);
	return true;
}

/* What slot 0 refers to is what this thread put there. */
static bool check_target(struct racer *racer, struct own *own)
{
	struct race *race = racer->race;
	uint64_t target;
	int err;

	must(!refslab_slot_load(race->fd, own->handle, 0, &target));
	must(!target == !own->target);
	if (target) {
		must(number_of(race, target, &err) == own->target);
		must(!refslab_close(race->fd, target));
	}
	return true;
}

/* Follows second slots for a while: every object on the way is whole. */
static bool walk(struct racer *racer, uint64_t handle)
{
	struct race *race = racer->race;
	uint64_t next;
	int steps, err;

	for (steps = 0; handle && steps < 8; steps++) {
		must(number_of(race, handle, &err) != 0);
		must(!refslab_slot_load(race->fd, handle, 1, &next));
		must(!refslab_close(race->fd, handle));
		handle = next;
	}
	if (handle)
		must(!refslab_close(race->fd, handle));
	return true;
}

/* Puts a handle on the board and takes down what was there. */
static bool post(struct racer *racer, struct own *own)
{
	struct race *race = racer->race;
	uint64_t copy, old;

	must(!refslab_dup(race->fd, own->handle, 0, &copy));
	old = atomic_exchange(&race->board[random_of(racer) % BOARD], copy);
	if (old)
		must(!refslab_close(race->fd, old));
	return true;
}

/* A handle on the board may be closed by another thread at any time. */
static bool use_board(struct racer *racer, struct own *own)
{
	struct race *race = racer->race;
	uint64_t posted = atomic_load(&race->board[random_of(racer) % BOARD]);
	uint64_t copy;
	int err;

	if (!posted)
		return true;
	err = refslab_dup(race->fd, posted, 0, &copy);
	must(!err || err == -EBADF);
	if (err)
		return true;
	must(!refslab_slot_set(race->fd, own->handle, 1, copy));
	/* It may be closed on the way, never be another object. */
	must(!refslab_slot_set(race->fd, copy, 1, own->handle));
	return walk(racer, copy);
}

static bool step(struct racer *racer)
{
	struct own *own = &racer->own[random_of(racer) % OWN];
	struct own *other = &racer->own[random_of(racer) % OWN];
	struct race *race = racer->race;
	uint64_t copy;

	switch (random_of(racer) % 12) {
	case 0:
	case 1:
		/* Slots with it, and so it may become garbage in a cycle. */
		must(!refslab_close(race->fd, own->handle));
		return make_own(racer, own);
	case 2:
	case 3:
	case 4:
		must(!refslab_slot_set(race->fd, own->handle, 0, other->handle));
		own->target = other->number;
		return true;
	case 5:
		must(!refslab_slot_set(race->fd, own->handle, 0, 0));
		own->target = 0;
		return true;
	case 6:
		must(!refslab_slot_move(race->fd, own->handle, 0, other->handle, 0));
		if (own != other) {
			other->target = own->target;
			own->target = 0;
		}
		return true;
	case 7:
		return post(racer, own);
	case 8:
	case 9:
		return use_board(racer, own);
	case 10:
		must(!refslab_dup(race->fd, own->handle, 0, &copy));
		return walk(racer, copy);
	default:
		return check_own(racer, own) && check_target(racer, other);
	}
}

static void *run_racer(void *argument)
{
	struct racer *racer = argument;
	struct race *race = racer->race;
	uint64_t operations = 0;
	bool good = true;
	int i;

	for (i = 0; i < OWN && good; i++)
		good = make_own(racer, &racer->own[i]);
	while (good && !atomic_load(&race->stop)) {
		good = step(racer);
		operations++;
	}
	for (i = 0; i < OWN && good; i++)
		good = check_own(racer, &racer->own[i]) &&
		       check_target(racer, &racer->own[i]);
	for (i = 0; i < OWN && good; i++)
		if (refslab_close(race->fd, racer->own[i].handle))
			good = wrong(race, "closing at the end");
	atomic_fetch_add(&race->operations, operations);
	return NULL;
}

static void *run_sweeper(void *argument)
{
	struct race *race = argument;
	struct refslab_collect collect;
	uint32_t generation = 0;
	int err;

	while (!atomic_load(&race->stop)) {
		err = refslab_collect(race->fd, generation++ % 3, &collect);
		if (err)
			wrong(race, "collecting");
		sleep_ms(3);
	}
	return NULL;
}

/* How long, in seconds; more of it is what a soak is. */
static unsigned int seconds(void)
{
	const char *text = getenv("REFSLAB_TEST_SECONDS");

	return text ? atoi(text) : 8;
}

static void run(uint32_t threshold0, bool sweeper)
{
	const uint32_t threshold[REFSLAB_GENERATIONS] = { threshold0, 3, 3 };
	struct racer *racer = calloc(THREADS, sizeof(*racer));
	struct race *race = calloc(1, sizeof(*race));
	uint64_t end = now_ns() + seconds() * SECOND;
	pthread_t thread[THREADS + 1];
	int i;

	assert_non_null(race);
	assert_non_null(racer);
	race->fd = session_with_heap(0);
	race->type[0] = type(race->fd, 2, PAYLOAD);
	race->type[1] = type(race->fd, 4, PAYLOAD);
	works(refslab_thresholds_set(race->fd, threshold));
	works(refslab_enable_set(race->fd, threshold0 != 0));
	for (i = 0; i < THREADS; i++) {
		racer[i].race = race;
		racer[i].random = 0x853c49e6748fea9bull + i;
		works(pthread_create(&thread[i], NULL, run_racer, &racer[i]));
	}
	if (sweeper)
		works(pthread_create(&thread[i++], NULL, run_sweeper, race));
	while (now_ns() < end && !atomic_load(&race->stop))
		sleep_ms(20);
	atomic_store(&race->stop, true);
	while (i--)
		works(pthread_join(thread[i], NULL));
	if (atomic_load(&race->failure))
		fail_msg("not true: %s", atomic_load(&race->failure));
	/* Threads that do nothing would find nothing wrong. */
	assert_true(atomic_load(&race->operations) > 1000);
	if (threshold0)
		assert_true(stats_of(race->fd, 0).runs > 0);

	works(refslab_enable_set(race->fd, 0));
	for (i = 0; i < BOARD; i++)
		if (race->board[i])
			drop(race->fd, race->board[i]);
	assert_int_equal(info_of(race->fd).handles, 0);
	sweep(race->fd, 2);
	assert_objects(race->fd, 0);
	close(race->fd);
	free(race);
	free(racer);
}

/* Sweeps only at the end: mutators against each other. */
static void test_no_sweeps(void **state)
{
	(void)state;
	run(0, false);
}

static void test_automatic_sweeps(void **state)
{
	(void)state;
	run(50, false);
}

static void test_sweeps_all_the_time(void **state)
{
	(void)state;
	run(200, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_sweeps),
		cmocka_unit_test(test_automatic_sweeps),
		cmocka_unit_test(test_sweeps_all_the_time),
	};

	return run_as_tap(tests);
}
