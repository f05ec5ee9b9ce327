// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "happening.h"

static void set(json_t *happening, const char *key, json_t *value)
{
	if (!value || json_object_set_new(happening, key, value)) {
		fputs("refslab: no memory for an event\n", stderr);
		exit(EXIT_FAILURE);
	}
}

json_t *happening_new(double time, const char *event, const char *heap)
{
	json_t *happening = json_object();

	set(happening, "time", json_real(time));
	happening_text(happening, "event", event);
	set(happening, "heap", heap ? json_string(heap) : json_null());
	return happening;
}

void happening_text(json_t *happening, const char *key, const char *value)
{
	set(happening, key, json_string(value));
}

void happening_number(json_t *happening, const char *key, int64_t value)
{
	set(happening, key, json_integer(value));
}

void happening_print(const json_t *happening, bool json)
{
	const char *key, *heap;
	json_t *value;

	if (json) {
		/* Microseconds of a clock that counts years. */
		json_dumpf(happening, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
		putchar('\n');
		return;
	}
	heap = json_string_value(json_object_get(happening, "heap"));
	printf("%12.6f %-11s %-15s",
	       json_real_value(json_object_get(happening, "time")),
	       json_string_value(json_object_get(happening, "event")),
	       heap ? heap : "-");
	json_object_foreach((json_t *)happening, key, value) {
		if (!strcmp(key, "time") || !strcmp(key, "event") || !strcmp(key, "heap"))
			continue;
		if (json_is_integer(value))
			printf(" %s=%" JSON_INTEGER_FORMAT, key, json_integer_value(value));
		else
			printf(" %s=%s", key, json_string_value(value));
	}
	putchar('\n');
}
