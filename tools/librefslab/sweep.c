// SPDX-License-Identifier: GPL-2.0
#include "call.h"

passed_by_callers(refslab_stats, 80);
passed_by_callers(refslab_collect, 48);

int refslab_thresholds_get(int session, uint32_t threshold[REFSLAB_GENERATIONS])
{
	struct refslab_thresholds thresholds = { .size = sizeof(thresholds) };
	int err = call(session, REFSLAB_THRESHOLDS, &thresholds);

	if (!err)
		memcpy(threshold, thresholds.threshold,
		       sizeof(thresholds.threshold));
	return err;
}

int refslab_thresholds_set(int session,
			   const uint32_t threshold[REFSLAB_GENERATIONS])
{
	struct refslab_thresholds thresholds = {
		.size = sizeof(thresholds),
		.flags = REFSLAB_THRESHOLDS_SET,
	};

	memcpy(thresholds.threshold, threshold, sizeof(thresholds.threshold));
	return call(session, REFSLAB_THRESHOLDS, &thresholds);
}

int refslab_enable_get(int session, uint32_t *enabled)
{
	struct refslab_enable enable = { .size = sizeof(enable) };
	int err = call(session, REFSLAB_ENABLE, &enable);

	if (!err)
		*enabled = enable.enabled;
	return err;
}

int refslab_enable_set(int session, uint32_t enabled)
{
	struct refslab_enable enable = {
		.size = sizeof(enable),
		.flags = REFSLAB_ENABLE_SET,
		.enabled = enabled,
	};

	return call(session, REFSLAB_ENABLE, &enable);
}

int refslab_counts(int session, int64_t count[REFSLAB_GENERATIONS])
{
	struct refslab_counts counts = { .size = sizeof(counts) };
	int err = call(session, REFSLAB_COUNTS, &counts);

	if (!err)
		memcpy(count, counts.count, sizeof(counts.count));
	return err;
}

int refslab_stats(int session, uint32_t generation, struct refslab_stats *stats)
{
	struct refslab_stats out = {
		.size = sizeof(out),
		.generation = generation,
	};
	int err = call(session, REFSLAB_STATS, &out);

	if (!err)
		*stats = out;
	return err;
}

int refslab_collect(int session, uint32_t generation,
		    struct refslab_collect *collect)
{
	struct refslab_collect out = {
		.size = sizeof(out),
		.generation = generation,
	};
	int err = call(session, REFSLAB_COLLECT, &out);

	if (!err)
		*collect = out;
	return err;
}

static int freeze(int session, uint32_t flags, uint64_t *objects)
{
	struct refslab_freeze freeze = { .size = sizeof(freeze), .flags = flags };
	int err = call(session, REFSLAB_FREEZE, &freeze);

	if (!err)
		*objects = freeze.objects;
	return err;
}

int refslab_freeze(int session, uint64_t *objects)
{
	return freeze(session, REFSLAB_FREEZE_ON, objects);
}

int refslab_unfreeze(int session, uint64_t *objects)
{
	return freeze(session, REFSLAB_FREEZE_OFF, objects);
}

int refslab_freeze_count(int session, uint64_t *objects)
{
	return freeze(session, 0, objects);
}

int refslab_quarantine_get(int session, uint32_t *enabled, uint64_t *objects)
{
	struct refslab_quarantine quarantine = { .size = sizeof(quarantine) };
	int err = call(session, REFSLAB_QUARANTINE, &quarantine);

	if (!err) {
		*enabled = quarantine.enabled;
		*objects = quarantine.objects;
	}
	return err;
}

int refslab_quarantine_set(int session, uint32_t enabled)
{
	struct refslab_quarantine quarantine = {
		.size = sizeof(quarantine),
		.flags = REFSLAB_QUARANTINE_SET,
		.enabled = enabled,
	};

	return call(session, REFSLAB_QUARANTINE, &quarantine);
}

int refslab_quarantine_drain(int session, uint64_t *objects)
{
	struct refslab_quarantine quarantine = {
		.size = sizeof(quarantine),
		.flags = REFSLAB_QUARANTINE_DRAIN,
	};
	int err = call(session, REFSLAB_QUARANTINE, &quarantine);

	if (!err)
		*objects = quarantine.objects;
	return err;
}

int refslab_debug_get(int session, uint32_t *debug)
{
	struct refslab_debug get = { .size = sizeof(get) };
	int err = call(session, REFSLAB_DEBUG, &get);

	if (!err)
		*debug = get.debug;
	return err;
}

int refslab_debug_set(int session, uint32_t debug)
{
	struct refslab_debug set = {
		.size = sizeof(set),
		.flags = REFSLAB_DEBUG_SET,
		.debug = debug,
	};

	return call(session, REFSLAB_DEBUG, &set);
}
