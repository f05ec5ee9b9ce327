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
		{ EBADF, "no such handle in this session" },
		{ EACCES, "the handle or the session is read-only" },
		{ EOVERFLOW, "the object has all references or weak handles it may have" },
		{ ENOENT, "no such type or root in this heap" },
		{ ENOSPC, "the heap's limit, or that of its handles or types, is reached" },
		{ ENOMEM, "the kernel or the memory cgroup has no memory left" },
		{ EEXIST, "the name is taken" },
		{ EXDEV, "the object is of another heap" },
		{ ENODEV, "objects of this type cannot be mapped" },
		{ ECANCELED, "what the entry refers to failed" },
		{ EOPNOTSUPP, "the heap's sweeper has stopped after an internal error" },
	};
	const char *text;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].error == -error)
			return texts[i].text;
	/* Not strerror(3): that is not for threads. */
	text = strerrordesc_np(-error);
	return text ? text : "an unknown error";
}
