/* SPDX-License-Identifier: GPL-2.0 */
/* Where a long piece of work stands: on stderr, for people only. */
#ifndef REFSLAB_PROGRESS_H
#define REFSLAB_PROGRESS_H

#include <stdint.h>

void progress_begin(const char *what, uint64_t total);
/* Cheap enough for every object. */
void progress_at(uint64_t done);
void progress_end(void);

/* Nanoseconds of a clock that never goes back. */
uint64_t now_ns(void);

#endif
