/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Something that happened in a heap, as an object of JSON: time, event, heap and
 * what else is known, in that order.
 */
#ifndef REFSLAB_HAPPENING_H
#define REFSLAB_HAPPENING_H

#include <stdbool.h>
#include <stdint.h>
#include <jansson.h>

/* Ends the program when there is no memory. */
json_t *happening_new(double time, const char *event, const char *heap);
void happening_text(json_t *happening, const char *key, const char *value);
void happening_number(json_t *happening, const char *key, int64_t value);

/* A line for people, or of JSON. */
void happening_print(const json_t *happening, bool json);

#endif
