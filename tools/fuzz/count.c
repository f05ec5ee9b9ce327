// SPDX-License-Identifier: GPL-2.0
/* What was called, and what came of it. */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

static const char * const other_names[KINDS - KIND_OTHER] = {
	[KIND_URING - KIND_OTHER]		= "io_uring BATCH",
	[KIND_UNKNOWN - KIND_OTHER]		= "no such call",
	[KIND_OPEN - KIND_OTHER]		= "open",
	[KIND_CLOSE_SESSION - KIND_OTHER]	= "close a session",
	[KIND_CLOSE_FILE - KIND_OTHER]		= "close a descriptor",
	[KIND_DUP_SESSION - KIND_OTHER]		= "dup a session",
	[KIND_SEND - KIND_OTHER]		= "send a descriptor",
	[KIND_RECEIVE - KIND_OTHER]		= "receive one",
	[KIND_FORK - KIND_OTHER]		= "fork",
	[KIND_LIMIT_FDS - KIND_OTHER]		= "limit descriptors",
	[KIND_EVENTFD - KIND_OTHER]		= "eventfd",
	[KIND_READ_EVENTFD - KIND_OTHER]	= "read an eventfd",
	[KIND_READ_EVENTS - KIND_OTHER]		= "read events",
	[KIND_POLL - KIND_OTHER]		= "poll",
	[KIND_MMAP - KIND_OTHER]		= "mmap",
	[KIND_MUNMAP - KIND_OTHER]		= "munmap",
	[KIND_MREMAP - KIND_OTHER]		= "mremap",
	[KIND_MPROTECT - KIND_OTHER]		= "mprotect",
	[KIND_MADVISE - KIND_OTHER]		= "madvise",
	[KIND_TOUCH - KIND_OTHER]		= "touch",
	[KIND_FAULT - KIND_OTHER]		= "fault injected",
	[KIND_PIN - KIND_OTHER]			= "pin a page",
	[KIND_UNPIN - KIND_OTHER]		= "unpin pages",
	[KIND_LEAK - KIND_OTHER]		= "all given back",
	[KIND_SYSFS_WRITE - KIND_OTHER]		= "write sysfs",
	[KIND_SYSFS_READ - KIND_OTHER]		= "read sysfs",
	[KIND_DEBUGFS - KIND_OTHER]		= "debugfs",
	[KIND_PARAMETER - KIND_OTHER]		= "module parameter",
	[KIND_CPU - KIND_OTHER]			= "CPU on or off",
	[KIND_DROP_CACHES - KIND_OTHER]		= "drop caches",
};

void count(struct counts *counts, enum kind kind, int err)
{
	if (err < 0 || err >= ERRNOS)
		err = ERRNOS - 1;
	/* a child of fork() counts in the same place */
	__atomic_fetch_add(&counts->n[kind][err], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&counts->total, 1, __ATOMIC_RELAXED);
}

const char *kind_name(enum kind kind)
{
	if (kind >= KIND_OTHER)
		return other_names[kind - KIND_OTHER];
	return kind >= KIND_OP ? op_name(kind - KIND_OP) : call_name(kind);
}

static uint64_t sum(const struct counts *counts, unsigned int from, unsigned int to)
{
	uint64_t n = 0;
	unsigned int kind, err;

	for (kind = from; kind < to; kind++)
		for (err = 0; err < ERRNOS; err++)
			n += __atomic_load_n(&counts->n[kind][err], __ATOMIC_RELAXED);
	return n;
}

uint64_t count_calls(const struct counts *counts)
{
	return sum(counts, 0, KIND_OP) + sum(counts, KIND_OTHER, KINDS);
}

uint64_t count_entries(const struct counts *counts)
{
	return sum(counts, KIND_OP, KIND_OTHER);
}

static void report_kind(const struct counts *counts, enum kind kind, const char *name)
{
	uint64_t total = sum(counts, kind, kind + 1);
	unsigned int err;

	printf("# %-22s %9lu %9lu", name, total, counts->n[kind][0]);
	for (err = 1; err < ERRNOS; err++)
		if (counts->n[kind][err])
			printf("  %s %lu", strerrorname_np(err) ? strerrorname_np(err) : "other",
			       counts->n[kind][err]);
	printf("\n");
}

/* How often a kind is to be tried at least: seldom, if others stand still for it or have less then. */
static unsigned int least_tries(enum kind kind)
{
	switch (kind) {
	case KIND_CPU:
	case KIND_DROP_CACHES:
	case KIND_PARAMETER:
	case KIND_FORK:
	case KIND_LIMIT_FDS:
	case KIND_LEAK:
		return 2;
	default:
		return 8;
	}
}

/* What is wrong with what was tried of a kind; NULL: nothing. */
static const char *lacks(const struct counts *counts, enum kind kind)
{
	if (!counts->n[kind][0])
		return "never succeeded, so this tested nothing of it";
	return sum(counts, kind, kind + 1) < least_tries(kind) ? "hardly tried" : NULL;
}

/* How many kinds that are to be had were hardly tried, or never seen to work. */
unsigned int count_lacking(const struct counts *counts, const bool *absent)
{
	unsigned int kind, n = 0;

	for (kind = 0; kind < KINDS; kind++)
		n += kind_name(kind) && !absent[kind] && lacks(counts, kind);
	return n;
}

/* The table. */
void count_report(const struct counts *counts, const bool *absent)
{
	unsigned int kind;

	printf("# %-22s %9s %9s  errors\n", "kind", "calls", "succeeded");
	for (kind = 0; kind < KINDS; kind++) {
		if (!kind_name(kind))
			continue;
		if (absent[kind]) {
			printf("# %-22s is not to be had on this kernel\n", kind_name(kind));
			continue;
		}
		report_kind(counts, kind, kind_name(kind));
		if (lacks(counts, kind))
			printf("# %s: %s\n", kind_name(kind), lacks(counts, kind));
	}
}
