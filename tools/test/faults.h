/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults: the n-th allocation of a task fails, for n = 1, 2, ... until there are
 * no more. Where the kernel injects faults they are its own, and copies from and
 * to user memory fail as well; on others they are those of refslab_fault.ko.
 */
#ifndef REFSLAB_TEST_FAULTS_H
#define REFSLAB_TEST_FAULTS_H

#include <sys/types.h>

#include "sharing.h"

/* For a group of tests: what makes things fail. */
int faults_setup(void **state);
int faults_teardown(void **state);

/* A test of it, after which nothing fails whatever became of it. */
int faults_test_teardown(void **state);
#define faults_test(function)	cmocka_unit_test_teardown(function, faults_test_teardown)

/*
 * The n-th thing that can fail does; if @times is more than 1, so many from that on,
 * by the kernel's injection all that are allocations: of this thread, or another if
 * that is not 0.
 */
void fault_set(unsigned int n, unsigned int times, pid_t thread);

/* The n-th of this thread when it loads a module, in what the module does then. */
void fault_set_init(unsigned int n);

/* Whether it has come to that; none fails afterwards. */
bool fault_hit(void);

/* Whether it was a copy that failed, no allocation. */
bool fault_of_copy(void);

/* What calls are tried on: a heap with a root, objects, types, and others. */
struct scene {
	int fd, other;		/* it made the heap; it has no heap */
	int invitation, exported;
	uint32_t type, mapped_type, made_type;
	uint64_t a, mapped, weak, made;
	int made_fd;		/* closed in the end, unless -1 */
	pid_t child;		/* killed in the end, unless 0 */
	pid_t worker;		/* whose faults they are, unless 0 */
	bool garbage;		/* there is some, which a call may sweep away */
};

/**
 * struct try - something that is done with each fault
 * @name: how it is told
 * @prepare: made ready for that, without faults
 * @call: 0 or a negative error
 * @least: faults that must have been its end, or something has not been tried
 * @at_last: likewise of those that it survived, with all that follow
 * @also: errors beside those of all calls, as documented
 */
struct try {
	const char *name;
	int (*prepare)(struct scene *scene);
	int (*call)(struct scene *scene);
	unsigned int least, at_last;
	int also[3];
};

/*
 * Each fails as it is documented, leaves nothing and works afterwards, or does
 * without, whatever has failed. Tells how often, and in all.
 */
void faults_try(const struct try *tries, size_t n);

/* The next handle is the first of a page of them. */
int prepare_full(struct scene *scene);

#endif
