// SPDX-License-Identifier: GPL-2.0
/*
 * Clients killed at random points of whatever they do: some have a heap of their
 * own, some have joined one that stays. Nothing of them may be left.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "module.h"
#include "sharing.h"
#include "storm.h"

enum { CLIENTS = 10000, AT_ONCE = 6, DYING = 24, KEPT = 100, OWN = 16, ROOTS = 8 };

/* In memory that all have. */
struct arena {
	_Atomic uint64_t opened, owners, joiners, calls, wrong;
	int invitation;
	uint64_t random;
};

struct victim {
	struct arena *arena;
	uint64_t random;
	int fd;
	bool owner;
	uint32_t leaf, two, mapped;
	uint64_t own[OWN];
};

/* What a client may be told that does nothing wrong itself. */
static void may(struct victim *victim, int err, const char *what)
{
	victim->arena->calls++;
	switch (err) {
	case 0:
	case -ENOMEM:
	case -ENOSPC:
	case -EAGAIN:	/* a slot that another changed; no event */
	case -ENOENT:	/* a root that is not there */
	case -EBADF:	/* a handle that could not be made */
	case -EINVAL:	/* a leaf has no slots */
	case -ENODEV:	/* and cannot be mapped */
	case -EOVERFLOW: /* weak handles that nobody closed */
		return;
	}
	/* descriptors, entries of a batch */
	if (err > 0)
		return;
	if (!victim->arena->wrong++)
		fprintf(stderr, "# %s: %s\n", what, strerror(-err));
}

#define try(call) may(victim, call, #call)

static void begin(struct victim *victim)
{
	struct arena *arena = victim->arena;

	victim->fd = refslab_open(O_NONBLOCK);
	child_must(victim->fd >= 0);
	arena->opened++;
	victim->owner = storm_random(&victim->random, 5) < 3;
	if (victim->owner) {
		child_must(!refslab_heap_create(victim->fd, "", 8 << 20));
		arena->owners++;
	} else {
		child_must(!refslab_join(victim->fd, arena->invitation));
		arena->joiners++;
	}
	if (!victim->owner) {
		struct refslab_type_info info;

		child_must(!refslab_type_next(victim->fd, 0, &info));
		victim->leaf = info.type;
		child_must(!refslab_type_next(victim->fd, victim->leaf, &info));
		victim->two = info.type;
		child_must(!refslab_type_next(victim->fd, victim->two, &info));
		victim->mapped = info.type;
		return;
	}
	try(refslab_type_create(victim->fd, "leaf", 0, 200, 0, &victim->leaf));
	try(refslab_type_create(victim->fd, "two", 2, 64, 0, &victim->two));
	try(refslab_type_create_mapped(victim->fd, "mapped", 1, 8192, &victim->mapped));
}

static void touch(struct victim *victim, uint64_t handle)
{
	struct refslab_mapping mapping;
	int err = refslab_map_payload(victim->fd, handle, 0, &mapping);

	try(err);
	if (err)
		return;
	memset(mapping.address, 0x5a, mapping.length);
	/* now and then it dies with its process */
	if (storm_random(&victim->random, 4))
		refslab_unmap_payload(&mapping);
}

static void pass_around(struct victim *victim, uint64_t handle)
{
	int exported = refslab_export(victim->fd, handle, 0), invitation;
	uint64_t again = 0;

	try(exported);
	if (exported < 0)
		return;
	try(refslab_import(victim->fd, exported, &again));
	if (again)
		try(refslab_close(victim->fd, again));
	invitation = refslab_invite(victim->fd, 0, 1 << 20);
	try(invitation);
	if (invitation >= 0) {
		int other = refslab_open(0);

		try(refslab_join(other, invitation));
		if (!refslab_alloc(other, victim->two, &again))
			try(refslab_close(other, again));
		close(other);
		close(invitation);
	}
	close(exported);
}

static void batch(struct victim *victim)
{
	struct refslab_builder *builder;
	uint64_t last, next;
	int i;

	if (refslab_builder_new(64, &builder))
		return;
	last = refslab_add_alloc(builder, victim->two);
	for (i = 0; i < 15; i++) {
		next = refslab_add_alloc(builder, victim->two);
		refslab_add_slot_set(builder, next, 0, last);
		refslab_add_close(builder, last);
		last = next;
	}
	refslab_add_slot_set(builder, last, 1, last);
	refslab_add_close(builder, last);
	try(refslab_builder_submit(builder, victim->fd, 0));
	refslab_builder_free(builder);
}

static void act(struct victim *victim)
{
	uint64_t *own = &victim->own[storm_random(&victim->random, OWN)];
	uint64_t *other = &victim->own[storm_random(&victim->random, OWN)], made = 0;
	uint32_t types[] = { victim->leaf, victim->two, victim->two, victim->two, victim->mapped };
	const uint32_t threshold[] = { storm_random(&victim->random, 200), 3, 3 };
	struct refslab_collect collect;
	struct refslab_event events[8];
	char bytes[64] = "", name[16];

	snprintf(name, sizeof(name), "root-%u", storm_random(&victim->random, ROOTS));
	switch (storm_random(&victim->random, 24)) {
	case 0 ... 5:
		if (*own)
			try(refslab_close(victim->fd, *own));
		*own = 0;
		try(refslab_alloc(victim->fd, types[storm_random(&victim->random, ARRAY_SIZE(types))],
				  own));
		break;
	case 6 ... 9:
		try(refslab_slot_set(victim->fd, *own, storm_random(&victim->random, 2), *other));
		break;
	case 10:
		try(refslab_slot_load(victim->fd, *own, 0, &made));
		if (made)
			try(refslab_close(victim->fd, made));
		break;
	case 11:
		try(refslab_slot_move(victim->fd, *own, 0, *other, 1));
		break;
	case 12:
		try(refslab_weak(victim->fd, *own, &made));
		if (made && !refslab_upgrade(victim->fd, made, own))
			try(refslab_close(victim->fd, made));
		break;
	case 13:
		try(refslab_write(victim->fd, *own, 0, bytes, sizeof(bytes)));
		try(refslab_read(victim->fd, *own, 0, bytes, sizeof(bytes)));
		break;
	case 14:
		touch(victim, *own);
		break;
	case 15:
		pass_around(victim, *own);
		break;
	case 16:
	case 17:
		batch(victim);
		break;
	case 18:
		try(refslab_root_set(victim->fd, name, *own, 0));
		try(refslab_root_get(victim->fd, name, &made));
		if (made)
			try(refslab_close(victim->fd, made));
		break;
	case 19:
		try(refslab_events(victim->fd, REFSLAB_EVENTS_SWEEPS | REFSLAB_EVENTS_WEAK, 16, -1));
		break;
	case 20:
		/* ENXIO where nothing was asked for */
		refslab_event_read(victim->fd, events, ARRAY_SIZE(events));
		break;
	case 21:
		if (!victim->owner)
			break;
		try(refslab_freeze(victim->fd, &made));
		try(refslab_unfreeze(victim->fd, &made));
		break;
	case 22:
		if (victim->owner)
			try(refslab_thresholds_set(victim->fd, threshold));
		break;
	default:
		try(refslab_collect(victim->fd, storm_random(&victim->random, 3), &collect));
	}
}

static void live(void *argument)
{
	struct arena *arena = argument;
	struct victim victim = { .arena = arena, .random = arena->random };

	begin(&victim);
	for (;;)
		act(&victim);
}

/* A heap that stays, with a ring that must live and types for who joins. */
static int stage(struct arena *arena, uint64_t *kept)
{
	int fd = session();
	uint32_t leaf, two, mapped;

	works(refslab_heap_create(fd, "storm", 64 << 20));
	works(refslab_type_create(fd, "leaf", 0, 200, 0, &leaf));
	works(refslab_type_create(fd, "two", 2, 64, 0, &two));
	works(refslab_type_create_mapped(fd, "mapped", 1, 8192, &mapped));
	assert_true(leaf < two && two < mapped);
	*kept = ring(fd, two, KEPT);
	arena->invitation = refslab_invite(fd, 0, 0);
	assert_true(arena->invitation >= 0);
	return fd;
}

/* Nobody but us is left: the ring is, and nothing else. */
static void strike(struct arena *arena, int fd)
{
	char name[16];
	int i;

	close(arena->invitation);
	storm_wait_heaps(1);
	assert_true(eventually(info_of(fd).sessions == 1));
	for (i = 0; i < ROOTS; i++) {
		snprintf(name, sizeof(name), "root-%d", i);
		refslab_root_set(fd, name, 0, 0);
	}
	for (i = 0; i < 3; i++)
		sweep(fd, 2);
	assert_objects(fd, KEPT);
	storm_validate(fd);
	close(fd);
	storm_wait_heaps(0);
}

/* The end of one that was killed; false if none is there yet. */
static bool bury(bool wait)
{
	int status;
	pid_t child = waitpid(-1, &status, wait ? 0 : WNOHANG);

	if (!child)
		return false;
	assert_true(child > 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("a client ended by itself, with status 0x%x", status);
	return true;
}

static void clients(struct arena *arena, unsigned int n)
{
	unsigned int i, at, dying = 0;
	pid_t child[AT_ONCE] = { 0 };
	uint64_t kept;
	int fd = stage(arena, &kept);

	for (i = 0; i < n; i++) {
		at = storm_random(&arena->random, AT_ONCE);
		if (child[at]) {
			kill(child[at], SIGKILL);
			dying++;
		}
		/* its heap goes meanwhile, beside others' */
		while (dying && bury(dying > DYING))
			dying--;
		child[at] = storm_fork(live, arena);
		usleep(storm_random(&arena->random, 6000));
	}
	for (i = 0; i < AT_ONCE; i++) {
		if (child[i]) {
			kill(child[i], SIGKILL);
			dying++;
		}
	}
	while (dying--)
		bury(true);
	strike(arena, fd);
}

static long pages_without_module(void)
{
	long pages;

	assert_true(eventually(!module_unload()));
	pages = free_pages();
	works(module_load());
	assert_true(eventually(!access(REFSLAB_DEVICE, R_OK)));
	return pages;
}

static void test_killed(void **state)
{
	unsigned int n = storm_share(CLIENTS, 150), first = n / 20 + 10;
	struct arena *arena = storm_shared(sizeof(*arena));
	uint64_t began = now_ns();
	long before, missing;

	(void)state;
	arena->random = storm_seed();
	/* the first ones pay for what is only ever made once */
	clients(arena, first);
	before = pages_without_module();
	clients(arena, n - first);
	missing = before - pages_without_module();
	storm_says("%u clients killed in %llu s, %llu had a session, %llu a heap, %llu had joined one, %llu calls, %llu wrong, no heap and no object left, %ld pages missing",
		   n, (unsigned long long)((now_ns() - began) / SECOND),
		   (unsigned long long)arena->opened, (unsigned long long)arena->owners,
		   (unsigned long long)arena->joiners, (unsigned long long)arena->calls,
		   (unsigned long long)arena->wrong, missing);
	assert_int_equal(arena->wrong, 0);
	/* who was killed before it had anything proves nothing */
	assert_true(arena->owners + arena->joiners > n / 2);
	/* less than a page for every twentieth client */
	assert_true(missing < 384 + (long)n / 20 + storm_kept());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
	};

	return run_storm(tests);
}
