/* SPDX-License-Identifier: GPL-2.0 */
/* Events of a session's heap: sweeps, and deaths of objects that it knows. */
#ifndef REFSLAB_SESSION_EVENTS_H
#define REFSLAB_SESSION_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>
#include <linux/refslab.h>

struct mortal {
	uint64_t weak;
	uint32_t object;	/* its number in the heap */
	char type[REFSLAB_NAME_MAX];
};

struct session_events {
	int session;		/* not blocking; to be waited for */
	char heap[REFSLAB_NAME_MAX];
	struct mortal *mortal;	/* by weak handle */
	size_t mortals;
	size_t crowded;		/* objects that are not among them */
};

/*
 * Asks for sweeps, and if @deaths for those of all objects that there are. Says
 * what is wrong and returns false, if something is; session_events_end() is to
 * be called either way.
 */
bool session_events_begin(struct session_events *events, int session, bool deaths);
/*
 * Reads what is there and gives each event to @show, which owns it then, until
 * that returns false and so sets *@more. Returns false after saying why.
 */
bool session_events_read(struct session_events *events,
			 bool (*show)(void *data, json_t *happening), void *data, bool *more);
void session_events_end(struct session_events *events);

#endif
