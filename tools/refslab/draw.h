/* SPDX-License-Identifier: GPL-2.0 */
/* A walk through a heap as text for graphviz, or as JSON. */
#ifndef REFSLAB_DRAW_H
#define REFSLAB_DRAW_H

#include <stdio.h>

#include "walk.h"

void draw_dot(FILE *to, const struct walk *walk, const char *heap);
/* Returns false without memory. */
bool draw_json(FILE *to, const struct walk *walk, const char *heap);

#endif
