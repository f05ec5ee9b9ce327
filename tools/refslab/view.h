/* SPDX-License-Identifier: GPL-2.0 */
/* A sample as lines of text: what `refslab top' shows. */
#ifndef REFSLAB_VIEW_H
#define REFSLAB_VIEW_H

#include <jansson.h>

#include "sample.h"

enum view_sort {
	SORT_OBJECTS, SORT_BYTES, SORT_CHANGE, SORT_SWEEPS, SORT_FREED, SORT_BUSY,
	SORT_NAME, SORTS
};

extern const char *const view_sort_names[SORTS];

enum view_pane { PANE_HEAPS, PANE_TYPES, PANES };

enum view_style { STYLE_PLAIN, STYLE_TITLE, STYLE_HEADING, STYLE_ACTIVE };

struct view {
	enum view_sort sort;
	bool reverse;
	size_t rows, columns;	/* of the screen; no rows for no end to it */
	enum view_pane active;	/* the pane that scrolls */
	size_t first[PANES];	/* lines of it that are above its top */
	size_t shown[PANES];	/* out: lines of it that are there */
	void (*put)(void *data, enum view_style style, const char *line);
	void *data;
};

/* Puts the heaps and types of a sample in order. */
void view_sort(const struct view *view, struct sample *sample);
/* Puts all lines of a sorted sample. Corrects @first to what there is. */
void view_show(struct view *view, const struct sample *sample);

/* The same as one object; ends the program when there is no memory. */
json_t *view_json(const struct sample *sample);

#endif
