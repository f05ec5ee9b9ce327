// SPDX-License-Identifier: GPL-2.0
#include "call.h"

const char *refslab_strerror(int error)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{ ENOTTY, "this kernel's refslab does not know the call" },
		{ EINVAL, "a value is out of its range" },
		{ E2BIG, "this kernel's refslab is older than this program" },
		{ ENXIO, "the session has no heap" },
		{ EBADF, "no such handle in this session, or no such descriptor" },
		{ EACCES, "this handle, session or user may not do that" },
		{ EOVERFLOW, "the object has all references or weak handles it may have" },
		{ ENOENT, "no such device, type or root" },
		{ ENOSPC, "the heap's limit, or that of its handles, types, roots, sessions or user, is reached" },
		{ ENOMEM, "the kernel or the memory cgroup has no memory left" },
		{ EEXIST, "the name is taken" },
		{ EDQUOT, "this user has all the heaps he may have" },
		{ EXDEV, "the object is of another heap" },
		{ EBUSY, "the session has a heap already, or objects of the type live" },
		{ EAGAIN, "the slot refers to something else, or there is nothing yet" },
		{ ENODEV, "objects of this type cannot be mapped" },
		{ ECANCELED, "what the entry refers to failed" },
		{ ENOBUFS, "the batch has no room for so many entries" },
		{ EBADMSG, "what came is not one descriptor" },
		{ EOPNOTSUPP, "the heap's sweeper has stopped after an internal error" },
	};
	const char *text;
	size_t i;

	/* Unsigned, for the least there is has none of the other sign. */
	error = -(unsigned int)error;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].error == error)
			return texts[i].text;
	/* Not strerror(3): that is not for threads. */
	text = strerrordesc_np(error);
	return text ? text : "an unknown error";
}
