/* SPDX-License-Identifier: GPL-2.0 */
/* A page of which is told when somebody touches it, who waits meanwhile (userfaultfd). */
#ifndef REFSLAB_TEST_TOLD_PAGE_H
#define REFSLAB_TEST_TOLD_PAGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "client.h"

/* It is not there yet; it can be read, and is to be written. */
enum told { TOLD_MISSING, TOLD_WRITTEN };

/* @faults: how often that was told */
struct told_page {
	int fd;
	unsigned long page;
	enum told what;
	void (*late)(void *argument);
	void *argument;
	_Atomic unsigned int faults;
	_Atomic bool end;
	pthread_t thread;
};

/*
 * Who touches it goes on, with zeroes where it was missing, when @late, if there
 * is that, has returned; it runs in a thread of its own. 0 or a negative error.
 */
int told_page_begin(struct told_page *told, void *page, enum told what,
		    void (*late)(void *argument), void *argument);
void told_page_end(struct told_page *told);

#endif
