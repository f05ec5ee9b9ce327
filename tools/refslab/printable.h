/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text that others chose, on its way to a terminal, which obeys some characters:
 * ASCII's controls, and those that in UTF-8 are of two bytes.
 */
#ifndef REFSLAB_PRINTABLE_H
#define REFSLAB_PRINTABLE_H

#include <stdbool.h>

bool is_printable(const char *text);

/*
 * What there is room for of a text, with the bytes of such characters as \xNN, in
 * a buffer that is the next call's then.
 */
const char *printable(const char *text);

#endif
