// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <sys/syscall.h>

#include "client.h"
#include "module.h"

const char *module_file(void)
{
	const char *file = getenv("REFSLAB_MODULE");

	if (!file)
		file = "/refslab.ko";
	return access(file, R_OK) ? NULL : file;
}

int module_unload(void)
{
	return syscall(SYS_delete_module, "refslab", O_NONBLOCK) ? -errno : 0;
}

int module_load(void)
{
	int fd = open(module_file(), O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return err;
}

long free_pages(void)
{
	char line[128];
	FILE *file = fopen("/proc/vmstat", "r");
	long pages = -1;

	assert_non_null(file);
	while (pages < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "nr_free_pages %ld", &pages);
	fclose(file);
	assert_true(pages > 0);
	return pages;
}
