// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <refslab.h>

#include "happening.h"
#include "session_events.h"

#define ROOM	8192	/* events that may wait */
#define AT_ONCE	64

static bool failed(const char *what, int err)
{
	warnx("%s: %s", what, refslab_strerror(err));
	return false;
}

/* Knows an object by a weak handle; closes the handle. */
static bool add_mortal(struct session_events *events, uint64_t handle)
{
	struct mortal *mortal = &events->mortal[events->mortals];
	struct refslab_object_info info;
	struct refslab_type_info type;
	int err;

	err = refslab_object_info(events->session, handle, &info);
	if (!err)
		err = refslab_type_info(events->session, info.type, &type);
	if (!err)
		err = refslab_weak(events->session, handle, &mortal->weak);
	refslab_close(events->session, handle);
	/* Its owner may see to that, and is not to hide all others. */
	if (err == -EOVERFLOW) {
		events->crowded++;
		return true;
	}
	if (err)
		return failed("watching an object", err);
	mortal->object = info.object;
	memcpy(mortal->type, type.name, sizeof(mortal->type));
	events->mortals++;
	return true;
}

static bool add_mortals(struct session_events *events, const uint64_t *handles, uint32_t n)
{
	struct mortal *mortals;
	bool good = true;
	uint32_t i;

	mortals = reallocarray(events->mortal, events->mortals + n + 1, sizeof(*mortals));
	if (!mortals)
		return failed("watching objects", -ENOMEM);
	events->mortal = mortals;
	for (i = 0; i < n && good; i++)
		good = add_mortal(events, handles[i]);
	return good;
}

static int by_weak(const void *a, const void *b)
{
	const struct mortal *one = a, *other = b;

	return (one->weak > other->weak) - (one->weak < other->weak);
}

/* The handles that a failure leaves go with the session. */
static bool find_mortals(struct session_events *events)
{
	uint64_t handles[REFSLAB_INSPECT_MAX], cursor = 0;
	uint32_t count;
	int err;

	do {
		count = REFSLAB_INSPECT_MAX;
		err = refslab_objects(events->session, 0, REFSLAB_GENERATION_ANY, &cursor,
				      handles, &count);
		if (err)
			return failed("looking for objects", err);
		if (!add_mortals(events, handles, count))
			return false;
	} while (cursor);
	if (events->crowded)
		warnx("%zu objects have all weak handles they may have: their deaths are not shown",
		      events->crowded);
	qsort(events->mortal, events->mortals, sizeof(*events->mortal), by_weak);
	return true;
}

bool session_events_begin(struct session_events *events, int session, bool deaths)
{
	uint32_t flags = REFSLAB_EVENTS_SWEEPS | (deaths ? REFSLAB_EVENTS_WEAK : 0);
	struct refslab_heap_info info;
	int err;

	*events = (struct session_events) { .session = session };
	err = refslab_heap_info(session, &info);
	if (err)
		return failed("looking at the heap", err);
	memcpy(events->heap, info.name, sizeof(events->heap));
	/* First, so that who dies while we look for others is missed by nobody. */
	err = refslab_events(session, flags, ROOM, -1);
	if (err)
		return failed("asking for events", err);
	return !deaths || find_mortals(events);
}

static json_t *happening_of(const struct session_events *events,
			    const struct refslab_event *event)
{
	static const char *const kinds[] = {
		[REFSLAB_EVENT_LOST] = "lost",
		[REFSLAB_EVENT_SWEEP_START] = "sweep_start",
		[REFSLAB_EVENT_SWEEP_END] = "sweep_end",
		[REFSLAB_EVENT_WEAK_DEAD] = "weak_dead",
	};
	const struct mortal key = { .weak = event->handle }, *dead;
	json_t *happening;

	/* Of a kernel that knows more kinds, which nobody asked it for. */
	if (event->kind >= sizeof(kinds) / sizeof(kinds[0]))
		return NULL;
	happening = happening_new(event->time_ns / 1e9, kinds[event->kind], events->heap);
	switch (event->kind) {
	case REFSLAB_EVENT_LOST:
		happening_number(happening, "lost", event->lost);
		break;
	case REFSLAB_EVENT_SWEEP_END:
	case REFSLAB_EVENT_SWEEP_START:
		happening_number(happening, "generation", event->generation);
		if (event->kind == REFSLAB_EVENT_SWEEP_START)
			break;
		happening_number(happening, "examined", event->examined);
		happening_number(happening, "freed", event->freed);
		happening_number(happening, "unfreed", event->unfreed);
		happening_number(happening, "aborts", event->aborts);
		happening_number(happening, "time_ns", event->duration_ns);
		break;
	case REFSLAB_EVENT_WEAK_DEAD:
		dead = bsearch(&key, events->mortal, events->mortals, sizeof(key), by_weak);
		if (!dead)
			break;
		happening_text(happening, "type", dead->type);
		happening_number(happening, "object", dead->object);
		break;
	}
	return happening;
}

bool session_events_read(struct session_events *events,
			 bool (*show)(void *data, json_t *happening), void *data, bool *more)
{
	struct refslab_event event[AT_ONCE];
	json_t *happening;
	int n, i;

	/* Not to the end, which there may be none of: the caller looks for signals. */
	n = refslab_event_read(events->session, event, AT_ONCE);
	for (i = 0; i < n; i++) {
		happening = happening_of(events, &event[i]);
		if (happening && !show(data, happening)) {
			*more = false;
			return true;
		}
	}
	return n > 0 || n == -EAGAIN || n == -EINTR || failed("reading events", n);
}

void session_events_end(struct session_events *events)
{
	free(events->mortal);
}
