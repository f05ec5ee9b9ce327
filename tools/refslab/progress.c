// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"

#define STEP_NS		200000000ull	/* between two lines, and before the first */
#define LOOK_EVERY	256		/* steps between two looks at the clock */

static const char *title;
static uint64_t goal, last;
static bool shown;

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

void progress_begin(const char *what, uint64_t total)
{
	title = isatty(STDERR_FILENO) ? what : NULL;
	goal = total;
	last = now_ns();
}

void progress_at(uint64_t done)
{
	uint64_t now;

	if (!title || done % LOOK_EVERY)
		return;
	now = now_ns();
	if (now - last < STEP_NS)
		return;
	last = now;
	shown = true;
	if (goal)
		fprintf(stderr, "\r\033[K%s: %" PRIu64 " of %" PRIu64 " (%" PRIu64 " %%)",
			title, done, goal, done * 100 / goal);
	else
		fprintf(stderr, "\r\033[K%s: %" PRIu64, title, done);
	fflush(stderr);
}

void progress_end(void)
{
	if (shown)
		fputs("\r\033[K", stderr);
	shown = false;
	title = NULL;
}
