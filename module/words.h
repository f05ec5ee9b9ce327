/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Small structures of whole u64 to and from the caller's memory, without a call:
 * for sizes at which finding the best way to copy costs more than copying.
 */
#ifndef _REFSLAB_WORDS_H
#define _REFSLAB_WORDS_H

#include <linux/types.h>
#include <linux/uaccess.h>

/* @n words from @from; false if not all of them could be read. */
static __always_inline bool words_from_user(u64 *to, const u64 __user *from,
					    size_t n)
{
	size_t i;

	if (!user_read_access_begin(from, n * sizeof(*from)))
		return false;
	for (i = 0; i < n; i++)
		unsafe_get_user(to[i], &from[i], fault);
	user_read_access_end();
	return true;
fault:
	user_read_access_end();
	return false;
}

/* @n words to @to; false if not all of them could be written. */
static __always_inline bool words_to_user(u64 __user *to, const u64 *from,
					  size_t n)
{
	size_t i;

	if (!user_write_access_begin(to, n * sizeof(*to)))
		return false;
	for (i = 0; i < n; i++)
		unsafe_put_user(from[i], &to[i], fault);
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}

#endif /* _REFSLAB_WORDS_H */
