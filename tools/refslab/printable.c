// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <stdio.h>

#include "printable.h"

#define ROOM	(4 * 255 + 1)	/* for a name of a graph's, whatever is in it */

/* The bytes of the character there that a terminal would obey; 0 if it is none. */
static unsigned int control(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;

	if (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] < 0xa0)
		return 2;
	return byte[0] < ' ' || byte[0] == 0x7f;
}

bool is_printable(const char *text)
{
	for (; *text; text++)
		if (control(text))
			return false;
	return true;
}

const char *printable(const char *text)
{
	static char room[ROOM];
	unsigned int bytes;
	size_t at = 0;

	/* An escaped character is 8 bytes at most. */
	while (*text && at + 8 < sizeof(room)) {
		bytes = control(text);
		if (!bytes)
			room[at++] = *text++;
		for (; bytes; bytes--)
			at += sprintf(room + at, "\\x%02x", (unsigned char)*text++);
	}
	room[at] = '\0';
	return room;
}
