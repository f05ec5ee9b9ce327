// SPDX-License-Identifier: GPL-2.0
/*
 * The calls about sweeps: when they run, what they did, and what they leave be.
 */
#include "call.h"

#include <linux/nospec.h>
#include <linux/string.h>

#include "heap.h"
#include "report.h"

int call_thresholds(struct session *session, union session_data *data)
{
	struct refslab_heap *heap = session_heap(session);
	struct refslab_thresholds *arg = &data->thresholds;

	if (arg->reserved)
		return -EINVAL;
	if (arg->flags & REFSLAB_THRESHOLDS_SET)
		return refslab_set_thresholds(heap, arg->threshold);
	refslab_get_thresholds(heap, arg->threshold);
	return 0;
}

int call_enable(struct session *session, union session_data *data)
{
	struct refslab_heap *heap = session_heap(session);
	struct refslab_enable *arg = &data->enable;

	if (arg->reserved)
		return -EINVAL;
	if (arg->flags & REFSLAB_ENABLE_SET) {
		if (arg->enabled > 1)
			return -EINVAL;
		refslab_set_enabled(heap, arg->enabled);
	} else {
		arg->enabled = refslab_is_enabled(heap);
	}
	return 0;
}

int call_counts(struct session *session, union session_data *data)
{
	s64 count[REFSLAB_GENERATIONS];

	refslab_get_counts(session_heap(session), count);
	memcpy(data->counts.count, count, sizeof(count));
	return 0;
}

int call_stats(struct session *session, union session_data *data)
{
	struct refslab_stats *arg = &data->stats;
	const struct sweep_stats *stats;
	u32 generation = arg->generation;

	if (arg->reserved || generation >= REFSLAB_GENERATIONS)
		return -EINVAL;
	generation = array_index_nospec(generation, REFSLAB_GENERATIONS);
	stats = &session_heap(session)->sweep.stats[generation];
	arg->runs = READ_ONCE(stats->runs);
	arg->examined = READ_ONCE(stats->examined);
	arg->freed = READ_ONCE(stats->freed);
	arg->unfreed = READ_ONCE(stats->unfreed);
	arg->aborts = READ_ONCE(stats->aborts);
	arg->time_ns = READ_ONCE(stats->time_ns);
	arg->longest_ns = READ_ONCE(stats->longest_ns);
	arg->candidates = READ_ONCE(stats->candidates);
	return 0;
}

int call_collect(struct session *session, union session_data *data)
{
	struct refslab_collect *arg = &data->collect;
	struct refslab_sweep_result result;
	int err;

	if (arg->reserved || arg->generation >= REFSLAB_GENERATIONS)
		return -EINVAL;
	err = refslab_collect(session_heap(session), arg->generation, &result);
	if (err)
		return err;
	arg->examined = result.examined;
	arg->freed = result.freed;
	arg->unfreed = result.unfreed;
	arg->time_ns = result.time_ns;
	return 0;
}

int call_freeze(struct session *session, union session_data *data)
{
	struct refslab_heap *heap = session_heap(session);
	struct refslab_freeze *arg = &data->freeze;
	long n;

	switch (arg->flags) {
	case 0:
		n = refslab_frozen(heap);
		break;
	case REFSLAB_FREEZE_ON:
		n = refslab_freeze(heap);
		break;
	case REFSLAB_FREEZE_OFF:
		n = refslab_unfreeze(heap);
		break;
	default:
		return -EINVAL;
	}
	if (n < 0)
		return n;
	arg->objects = n;
	return 0;
}

int call_quarantine(struct session *session, union session_data *data)
{
	struct refslab_heap *heap = session_heap(session);
	struct refslab_quarantine *arg = &data->quarantine;
	long n = 0;

	if (arg->reserved)
		return -EINVAL;
	switch (arg->flags) {
	case 0:
		n = refslab_quarantined(heap);
		break;
	case REFSLAB_QUARANTINE_SET:
		if (arg->enabled > 1)
			return -EINVAL;
		refslab_set_quarantine(heap, arg->enabled);
		break;
	case REFSLAB_QUARANTINE_DRAIN:
		n = refslab_drain_quarantine(heap);
		break;
	default:
		return -EINVAL;
	}
	if (n < 0)
		return n;
	if (arg->flags != REFSLAB_QUARANTINE_SET)
		arg->enabled = refslab_get_quarantine(heap);
	arg->objects = n;
	return 0;
}

int call_debug(struct session *session, union session_data *data)
{
	const u32 known = REFSLAB_DEBUG_STATS | REFSLAB_DEBUG_SAVEALL;
	struct refslab_heap *heap = session_heap(session);
	struct refslab_debug *arg = &data->debug;

	if (arg->reserved)
		return -EINVAL;
	if (arg->flags & REFSLAB_DEBUG_SET) {
		if (arg->debug & ~known)
			return -EINVAL;
		report_program_asks(heap, arg->debug & REFSLAB_DEBUG_STATS);
		refslab_set_quarantine(heap, arg->debug & REFSLAB_DEBUG_SAVEALL);
		return 0;
	}
	arg->debug = (refslab_get_logging(heap) ? REFSLAB_DEBUG_STATS : 0) |
		     (refslab_get_quarantine(heap) ? REFSLAB_DEBUG_SAVEALL : 0);
	return 0;
}
