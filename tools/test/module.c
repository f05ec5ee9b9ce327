// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "client.h"
#include "module.h"

const char *module_file(void)
{
	const char *file = getenv("REFSLAB_MODULE");

	if (!file)
		file = "/refslab.ko";
	return access(file, R_OK) ? NULL : file;
}

static int load_file(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	close(fd);
	return err;
}

int module_unload(void)
{
	return module_unload_other("refslab");
}

int module_load_with(const char *parameters)
{
	return load_file(module_file(), parameters);
}

int module_load(void)
{
	return module_load_with("");
}

int module_unload_other(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

int module_load_other(const char *name)
{
	struct utsname kernel;
	char path[256];

	uname(&kernel);
	snprintf(path, sizeof(path), "/lib/modules/%s/updates/%s.ko", kernel.release, name);
	return load_file(path, "");
}

/* What lines of a file have behind @name, added up. */
static long sum_of(const char *path, const char *name)
{
	char format[64], line[128];
	FILE *file = fopen(path, "r");
	long sum = 0, value;

	assert_non_null(file);
	snprintf(format, sizeof(format), " %s %%ld", name);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, format, &value) == 1)
			sum += value;
	fclose(file);
	return sum;
}

long free_pages(void)
{
	long pages = sum_of("/proc/vmstat", "nr_free_pages");

	assert_true(pages > 0);
	/* processors keep thousands on lists of their own, which are free as well */
	return pages + sum_of("/proc/zoneinfo", "count:");
}
