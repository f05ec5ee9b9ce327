/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Structures of whole u64 to and from the caller's memory, without a call:
 * for sizes at which finding the best way to copy costs more than copying.
 */
#ifndef _REFSLAB_WORDS_H
#define _REFSLAB_WORDS_H

#include <linux/types.h>
#include <linux/uaccess.h>

/*
 * @n records of @words, a constant, from @from; false if not all of them could be
 * read.
 */
static __always_inline bool words_from_user(u64 *to, const u64 __user *from,
					    size_t n, size_t words)
{
	size_t i, w;

	if (!user_read_access_begin(from, n * words * sizeof(*from)))
		return false;
	for (i = 0; i < n; i++, to += words, from += words)
#pragma GCC unroll 8
		for (w = 0; w < words; w++)
			unsafe_get_user(to[w], &from[w], fault);
	user_read_access_end();
	return true;
fault:
	user_read_access_end();
	return false;
}

/*
 * A structure of @n words, two at least, that begins with its size; false if
 * that is not @size, and then no more was looked at, or if it could not be read.
 */
static __always_inline bool sized_from_user(u64 *to, const u64 __user *from,
					    size_t n, u32 size)
{
	size_t i;

	if (!user_read_access_begin(from, n * sizeof(*from)))
		return false;
	unsafe_get_user(to[0], &from[0], fault);
	if (unlikely(*(u32 *)to != size))
		goto fault;
	unsafe_get_user(to[1], &from[1], fault);
	for (i = 2; i < n; i++)
		unsafe_get_user(to[i], &from[i], fault);
	user_read_access_end();
	return true;
fault:
	user_read_access_end();
	return false;
}

/* @n records of @words, a constant, to @to; false as above. */
static __always_inline bool words_to_user(u64 __user *to, const u64 *from,
					  size_t n, size_t words)
{
	size_t i, w;

	if (!user_write_access_begin(to, n * words * sizeof(*to)))
		return false;
	for (i = 0; i < n; i++, to += words, from += words)
#pragma GCC unroll 8
		for (w = 0; w < words; w++)
			unsafe_put_user(from[w], &to[w], fault);
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}

#endif /* _REFSLAB_WORDS_H */
