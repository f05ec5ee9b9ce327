// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table.h"
#include "view.h"

#define LINE_MAX_BYTES	512
#define SWEEPS_MAX	4	/* lines of last sweeps on a screen */
#define SWEEPS_ROWS	18	/* that a screen must have to have them */
#define NUMBER		24	/* bytes of a number's text */

/* Columns beside the names, which get what is left of the line. */
#define HEAP_COLUMNS	66
#define TYPE_COLUMNS	53
#define NAME_MIN	12
#define NAME_MAX_SHOWN	(REFSLAB_NAME_MAX - 1)

const char *const view_sort_names[SORTS] = {
	[SORT_OBJECTS] = "objects",
	[SORT_BYTES] = "bytes",
	[SORT_CHANGE] = "change",
	[SORT_SWEEPS] = "sweeps",
	[SORT_FREED] = "freed",
	[SORT_BUSY] = "busy",
	[SORT_NAME] = "name",
};

static double heap_key(const struct sample_heap *heap, enum view_sort sort)
{
	switch (sort) {
	case SORT_BYTES:
		return heap->bytes;
	case SORT_CHANGE:
		return heap->change < 0 ? -heap->change : heap->change;
	case SORT_SWEEPS:
		return heap->sweep_rate;
	case SORT_FREED:
		return heap->freed_rate;
	case SORT_BUSY:
		return heap->busy;
	case SORT_NAME:
		return 0;
	default:
		return heap->objects;
	}
}

/* A type does not sweep; by what it has no number for, it goes by its objects. */
static double type_key(const struct sample_type *type, enum view_sort sort)
{
	switch (sort) {
	case SORT_BYTES:
		return type->bytes;
	case SORT_CHANGE:
		return type->change < 0 ? -type->change : type->change;
	case SORT_NAME:
		return 0;
	default:
		return type->objects;
	}
}

/* The largest first; names where that leaves two equal. */
static int by_key(double a, double b, int by_name, const struct view *view)
{
	int order = a < b ? 1 : a > b ? -1 : by_name;

	return view->reverse ? -order : order;
}

static int compare_heaps(const void *a, const void *b, void *data)
{
	const struct sample_heap *one = a, *other = b;
	const struct view *view = data;

	return by_key(heap_key(one, view->sort), heap_key(other, view->sort),
		      strcmp(one->name, other->name), view);
}

static int compare_types(const void *a, const void *b, void *data)
{
	const struct sample_type *one = a, *other = b;
	const struct view *view = data;
	int by_name = strcmp(one->heap, other->heap);

	if (!by_name)
		by_name = strcmp(one->name, other->name);
	return by_key(type_key(one, view->sort), type_key(other, view->sort),
		      by_name, view);
}

void view_sort(const struct view *view, struct sample *sample)
{
	qsort_r(sample->heap, sample->heaps, sizeof(*sample->heap),
		compare_heaps, (void *)view);
	qsort_r(sample->type, sample->types, sizeof(*sample->type),
		compare_types, (void *)view);
}

static void __attribute__((format(printf, 3, 4)))
put(struct view *view, enum view_style style, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (view->columns < sizeof(line))
		line[view->columns] = '\0';
	/* Golden text and pipes want no blanks at the end. */
	length = strlen(line);
	while (length && line[length - 1] == ' ')
		line[--length] = '\0';
	view->put(view->data, style, line);
}

/* Exact as long as that is short. */
static const char *rate_text(char text[NUMBER], double rate, bool sign)
{
	double size = rate < 0 ? -rate : rate;
	const char *plus = sign && rate > 0 ? "+" : "";

	if (size < 0.05)
		snprintf(text, NUMBER, "0");
	else if (size < 9.95)
		snprintf(text, NUMBER, "%s%.1f", plus, rate);
	else if (size < 99999.5)
		snprintf(text, NUMBER, "%s%.0f", plus, rate);
	else if (size < 9999500)
		snprintf(text, NUMBER, "%s%.0fk", plus, rate / 1e3);
	else
		snprintf(text, NUMBER, "%s%.0fM", plus, rate / 1e6);
	return text;
}

static const char *time_text(char text[NUMBER], uint64_t ns)
{
	if (ns < 10000000000ull)
		snprintf(text, NUMBER, "%.3f ms", ns / 1e6);
	else
		snprintf(text, NUMBER, "%.1f s", ns / 1e9);
	return text;
}

static int name_width(const struct view *view, int fixed)
{
	int left = (int)view->columns - fixed;

	if (left < NAME_MIN)
		return NAME_MIN;
	return left < NAME_MAX_SHOWN ? left : NAME_MAX_SHOWN;
}

static void show_title(struct view *view, const struct sample *sample)
{
	char change[NUMBER], sweeps[NUMBER], freed[NUMBER], bytes[NUMBER],
		limit[NUMBER], clock[NUMBER] = "";
	double changes = 0, rates = 0, frees = 0, busy = 0;
	int64_t objects = 0, used = 0, limits = 0;
	time_t now = time(NULL);
	struct tm tm;
	size_t i;

	for (i = 0; i < sample->heaps; i++) {
		const struct sample_heap *heap = &sample->heap[i];

		objects += heap->objects;
		used += heap->bytes;
		limits += heap->limit;
		changes += heap->change;
		rates += heap->sweep_rate;
		frees += heap->freed_rate;
		busy += heap->busy;
	}
	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	put(view, STYLE_TITLE, "refslab top %s  %zu heap%s, %zu type%s, %" PRId64 " objects (%s/s), %s of %s",
	    clock, sample->heaps, sample->heaps == 1 ? "" : "s", sample->types,
	    sample->types == 1 ? "" : "s", objects,
	    rate_text(change, changes, true),
	    bytes_text(bytes, sizeof(bytes), used),
	    bytes_text(limit, sizeof(limit), limits));
	put(view, STYLE_PLAIN, "sweeps %s/s, freed by them %s/s, %.1f %% of a CPU; by %s%s",
	    rate_text(sweeps, rates, false), rate_text(freed, frees, false),
	    busy * 100, view_sort_names[view->sort],
	    view->reverse ? ", reversed" : "");
}

static void show_heap(struct view *view, const struct sample_heap *heap, int width)
{
	char change[NUMBER], bytes[NUMBER], cached[NUMBER], limit[NUMBER],
		sweeps[NUMBER], freed[NUMBER];

	put(view, STYLE_PLAIN, "%-*.*s %9" PRId64 " %8s %7s %7s %7s %7s %8s %4.1f%%",
	    width, width, heap->name, heap->objects,
	    rate_text(change, heap->change, true),
	    bytes_text(bytes, sizeof(bytes), heap->bytes),
	    bytes_text(cached, sizeof(cached), heap->cached),
	    bytes_text(limit, sizeof(limit), heap->limit),
	    rate_text(sweeps, heap->sweep_rate, false),
	    rate_text(freed, heap->freed_rate, false), heap->busy * 100);
}

static void show_type(struct view *view, const struct sample_type *type,
		      int type_width, int heap_width)
{
	char change[NUMBER], bytes[NUMBER];
	double use = type->total_objects > 0 ?
		100.0 * type->objects / type->total_objects : 0;

	put(view, STYLE_PLAIN, "%-*.*s %-*.*s %9" PRId64 " %8s %3.0f%% %7" PRId64 " %7s %5" PRId64 " %5" PRId64,
	    type_width, type_width, type->name, heap_width, heap_width,
	    type->heap, type->objects, rate_text(change, type->change, true),
	    use, type->slabs, bytes_text(bytes, sizeof(bytes), type->bytes),
	    type->slab_size, type->slots);
}

static void show_sweeps(struct view *view, const struct sample *sample,
			const struct sample_heap *heap, int width)
{
	const struct sample_sweeps *last = &heap->last;
	char time[NUMBER];

	put(view, STYLE_PLAIN, "%-*.*s %6.0fs %3u %6" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %13s",
	    width, width, heap->name, (sample->ns - last->at_ns) / 1e9,
	    last->generation, last->runs, last->examined, last->freed,
	    last->unfreed, time_text(time, last->time_ns));
}

/* How many lines of a pane fit, and that it does not scroll beyond its end. */
static size_t fit(struct view *view, enum view_pane pane, size_t lines, size_t room)
{
	size_t shown = lines < room ? lines : room;

	if (view->first[pane] > lines - shown)
		view->first[pane] = lines - shown;
	view->shown[pane] = shown;
	return shown;
}

static enum view_style heading(const struct view *view, enum view_pane pane)
{
	return view->active == pane ? STYLE_ACTIVE : STYLE_HEADING;
}

/* The newest @n of the last sweeps; few, so looking for each is cheap enough. */
static void show_last(struct view *view, const struct sample *sample, size_t n,
		      int width)
{
	const struct sample_heap *newest, *before = NULL;
	size_t i;

	while (n--) {
		newest = NULL;
		for (i = 0; i < sample->heaps; i++) {
			const struct sample_heap *heap = &sample->heap[i];

			if (!heap->last.at_ns ||
			    (before && (heap->last.at_ns > before->last.at_ns ||
					(heap->last.at_ns == before->last.at_ns &&
					 heap <= before))))
				continue;
			if (!newest || heap->last.at_ns > newest->last.at_ns)
				newest = heap;
		}
		if (!newest)
			return;
		show_sweeps(view, sample, newest, width);
		before = newest;
	}
}

void view_show(struct view *view, const struct sample *sample)
{
	size_t endless = sample->heaps + sample->types + 1, swept = 0;
	size_t room = view->rows ? view->rows : endless * 3 + 16;
	int width = name_width(view, HEAP_COLUMNS), type_width, heap_width;
	size_t heaps, types, i;

	for (i = 0; i < sample->heaps; i++)
		swept += !!sample->heap[i].last.at_ns;
	if (view->rows && swept > SWEEPS_MAX)
		swept = SWEEPS_MAX;
	if (view->rows && view->rows < SWEEPS_ROWS)
		swept = 0;

	/* Title, blank line and heading; then a third of what is left. */
	room -= room < 4 ? room : 4;
	room -= swept ? swept + 2 : 0;
	heaps = !view->rows || room < 8 ? room : (room - 2) / 3;
	if (room >= 8 && sample->types + 2 < room - heaps)
		heaps = room - 2 - sample->types;
	heaps = fit(view, PANE_HEAPS, sample->heaps, heaps);
	room -= heaps;
	types = fit(view, PANE_TYPES, sample->types, room > 2 ? room - 2 : 0);

	show_title(view, sample);
	put(view, STYLE_PLAIN, "%s", "");
	put(view, heading(view, PANE_HEAPS), "%-*s %9s %8s %7s %7s %7s %7s %8s %5s",
	    width, "HEAP", "OBJECTS", "+-/S", "BYTES", "CACHED", "LIMIT",
	    "SWEEP/S", "FREED/S", "BUSY");
	for (i = 0; i < heaps; i++)
		show_heap(view, &sample->heap[view->first[PANE_HEAPS] + i], width);
	if (room > 2) {
		heap_width = name_width(view, TYPE_COLUMNS + NAME_MIN + 2);
		type_width = name_width(view, TYPE_COLUMNS + heap_width + 1);
		put(view, STYLE_PLAIN, "%s", "");
		put(view, heading(view, PANE_TYPES), "%-*s %-*s %9s %8s %4s %7s %7s %5s %5s",
		    type_width, "TYPE", heap_width, "OF HEAP", "OBJECTS", "+-/S",
		    "USE", "SLABS", "BYTES", "SIZE", "SLOTS");
		for (i = 0; i < types; i++)
			show_type(view, &sample->type[view->first[PANE_TYPES] + i],
				  type_width, heap_width);
	}
	if (!swept)
		return;
	put(view, STYLE_PLAIN, "%s", "");
	put(view, STYLE_HEADING, "%-*s %7s %3s %6s %9s %9s %9s %13s", width,
	    "LAST SWEEPS", "AGO", "GEN", "RUNS", "EXAMINED", "FREED", "UNFREED",
	    "TIME");
	show_last(view, sample, swept, width);
}

static json_t *need(json_t *json)
{
	if (json)
		return json;
	fputs("refslab: no memory for JSON\n", stderr);
	exit(EXIT_FAILURE);
}

static void add(json_t *array, json_t *object)
{
	if (json_array_append_new(array, need(object)))
		need(NULL);
}

static json_t *sweeps_json(const struct sample *sample, const struct sample_sweeps *last)
{
	if (!last->at_ns)
		return json_null();
	return json_pack("{s:f, s:i, s:I, s:I, s:I, s:I, s:I}",
			 "seconds_ago", (sample->ns - last->at_ns) / 1e9,
			 "generation", (int)last->generation,
			 "runs", (json_int_t)last->runs,
			 "examined", (json_int_t)last->examined,
			 "freed", (json_int_t)last->freed,
			 "unfreed", (json_int_t)last->unfreed,
			 "time_ns", (json_int_t)last->time_ns);
}

json_t *view_json(const struct sample *sample)
{
	json_t *heaps = need(json_array()), *types = need(json_array());
	size_t i;

	for (i = 0; i < sample->heaps; i++) {
		const struct sample_heap *heap = &sample->heap[i];

		add(heaps, json_pack("{s:s, s:I, s:f, s:I, s:I, s:I, s:b, s:I, s:f, s:I, s:f, s:f, s:o}",
				     "heap", heap->name,
				     "objects", (json_int_t)heap->objects,
				     "objects_rate", heap->change,
				     "bytes", (json_int_t)heap->bytes,
				     "cached", (json_int_t)heap->cached,
				     "limit", (json_int_t)heap->limit,
				     "enabled", !!heap->enabled,
				     "sweeps", (json_int_t)heap->sweeps,
				     "sweeps_rate", heap->sweep_rate,
				     "freed", (json_int_t)heap->freed,
				     "freed_rate", heap->freed_rate,
				     "busy", heap->busy,
				     "last_sweeps", sweeps_json(sample, &heap->last)));
	}
	for (i = 0; i < sample->types; i++) {
		const struct sample_type *type = &sample->type[i];

		add(types, json_pack("{s:s, s:s, s:I, s:f, s:I, s:I, s:I, s:I, s:I}",
				     "heap", type->heap, "type", type->name,
				     "objects", (json_int_t)type->objects,
				     "objects_rate", type->change,
				     "total_objects", (json_int_t)type->total_objects,
				     "slabs", (json_int_t)type->slabs,
				     "bytes", (json_int_t)type->bytes,
				     "slab_size", (json_int_t)type->slab_size,
				     "slots", (json_int_t)type->slots));
	}
	return need(json_pack("{s:o, s:o}", "heaps", heaps, "types", types));
}
