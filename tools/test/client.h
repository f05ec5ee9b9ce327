/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests share: a client of /dev/refslab that takes errors as failures
 * of the test, and cmocka with the headers it wants before it.
 */
#ifndef REFSLAB_TEST_CLIENT_H
#define REFSLAB_TEST_CLIENT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cmocka.h>
#include <refslab.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define SECOND			1000000000ull	/* nanoseconds */

#define PAYLOAD			64	/* of the fixture's types */

/*
 * What most tests start from: a session with a heap that does not sweep by
 * itself, and types with 0, 1, 2, 4 and 64 slots.
 */
struct client {
	int fd;
	uint32_t leaf, one, two, four, wide;
};

/* For cmocka_unit_test_setup_teardown(). */
int client_setup(void **state);
int client_teardown(void **state);
#define client_test(function) \
	cmocka_unit_test_setup_teardown(function, client_setup, client_teardown)

/* Any call; 0 or a negative error. */
static inline int call(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 ? -errno : 0;
}

/* Runs the tests as one group and prints TAP. */
#define run_as_tap(tests) (cmocka_set_message_output(CM_OUTPUT_TAP), \
	cmocka_run_group_tests_name(program_invocation_short_name, tests, \
				    NULL, NULL))

/* A call that must succeed, and one that must fail with this errno. */
#define works(call)		assert_int_equal(call, 0)
#define fails(errno, call)	assert_int_equal(call, -(errno))

int session(void);			/* without a heap */
int session_with_heap(uint64_t limit);	/* automatic sweeps are off */
uint32_t type(int fd, uint32_t slots, uint32_t payload);
uint64_t make(int fd, uint32_t type);
uint64_t dup_of(int fd, uint64_t handle);
uint64_t weak_of(int fd, uint64_t handle);
uint64_t upgrade(int fd, uint64_t weak);	/* 0: it is dead */
void drop(int fd, uint64_t handle);
void fill(int fd, uint64_t handle, uint32_t slot, uint64_t target);
uint64_t load(int fd, uint64_t handle, uint32_t slot);
uint64_t count_of(int fd, uint64_t handle);
uint32_t generation_of(int fd, uint64_t handle);
struct refslab_heap_info info_of(int fd);
struct refslab_stats stats_of(int fd, uint32_t generation);
uint64_t runs_of(int fd);		/* sweeps of all generations */

/* What a sweep says it freed. */
uint64_t sweep(int fd, uint32_t generation);

/*
 * Objects alive. A long release goes on in the background, so more of them
 * than wanted are waited for; fewer are a failure at once.
 */
#define assert_objects(fd, wanted) \
	_assert_objects(fd, wanted, __FILE__, __LINE__)
void _assert_objects(int fd, uint64_t wanted, const char *file, int line);

/* A ring of n objects of a type with a slot; returns a handle of one of them. */
uint64_t ring(int fd, uint32_t type, unsigned int n);

/* The kernel's log from here on; and lines in it that have come since and hold a text. */
int log_open(void);
unsigned int logged(int log, const char *text);

/* Whether heaps that root makes count for it, as they do for who may less. */
void count_root(bool count);

/* Waits up to ten seconds for an expression to become true. */
#define eventually(expression) ({				\
	uint64_t _end = now_ns() + 10 * SECOND;			\
	bool _true;						\
	while (!(_true = (expression)) && now_ns() < _end)	\
		sleep_ms(2);					\
	_true; })

uint64_t now_ns(void);
void sleep_ms(unsigned int ms);

#endif
