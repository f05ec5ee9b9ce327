// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "printable.h"
#include "sysfs.h"

const char *sysfs_root(void)
{
	const char *root = getenv("REFSLAB_SYSFS");

	return root && *root ? root : "/sys/kernel/refslab";
}

static int make_path(char **path, const char *format, va_list arguments)
{
	char *below;
	int err = 0;

	if (vasprintf(&below, format, arguments) < 0)
		return -ENOMEM;
	if (asprintf(path, "%s/%s", sysfs_root(), below) < 0)
		err = -ENOMEM;
	free(below);
	return err;
}

int sysfs_read(int64_t *value, const char *format, ...)
{
	char text[64], *path, *end;
	va_list arguments;
	ssize_t length;
	int err, fd;

	va_start(arguments, format);
	err = make_path(&path, format, arguments);
	va_end(arguments);
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : 0;
	free(path);
	if (err)
		return err;
	length = read(fd, text, sizeof(text) - 1);
	err = length < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[length] = '\0';
	errno = 0;
	*value = strtoll(text, &end, 10);
	if (errno || end == text || (*end && *end != '\n'))
		return -EPROTO;
	return 0;
}

int sysfs_write(int64_t value, const char *format, ...)
{
	char text[32], *path;
	va_list arguments;
	int err, fd, length;

	va_start(arguments, format);
	err = make_path(&path, format, arguments);
	va_end(arguments);
	if (err)
		return err;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : 0;
	free(path);
	if (err)
		return err;
	length = snprintf(text, sizeof(text), "%" PRId64 "\n", value);
	/* A kernel file takes a value in one write or not at all. */
	if (write(fd, text, length) != length)
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

static bool is_directory(int dir, const struct dirent *entry)
{
	struct stat st;

	/* Of a tree copied from elsewhere: no heap or type is called so. */
	if (entry->d_name[0] == '.' || !is_printable(entry->d_name))
		return false;
	return !fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(st.st_mode);
}

int sysfs_names(char ***names, const char *format, ...)
{
	struct dirent **entries;
	va_list arguments;
	char *path;
	int err, dir, all, i, n = 0;

	va_start(arguments, format);
	err = make_path(&path, format, arguments);
	va_end(arguments);
	if (err)
		return err;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = dir < 0 ? -errno : 0;
	free(path);
	if (err)
		return err;
	all = scandirat(dir, ".", &entries, NULL, alphasort);
	if (all < 0) {
		err = -errno;
		close(dir);
		return err;
	}
	*names = calloc(all + 1, sizeof(**names));
	if (!*names)
		err = -ENOMEM;
	for (i = 0; i < all; i++) {
		if (!err && is_directory(dir, entries[i])) {
			(*names)[n] = strdup(entries[i]->d_name);
			if (!(*names)[n++])
				err = -ENOMEM;
		}
		free(entries[i]);
	}
	free(entries);
	close(dir);
	if (err && *names)
		sysfs_names_free(*names);
	return err;
}

void sysfs_names_free(char **names)
{
	char **name;

	for (name = names; *name; name++)
		free(*name);
	free(names);
}

/* A name with a slash in it would lead out of the tree. */
int sysfs_heap_check(const char *heap)
{
	int64_t objects;
	int err = -ENOENT;

	if (*heap && *heap != '.' && !strchr(heap, '/'))
		err = sysfs_read(&objects, "%s/objects", heap);
	if (err == -ENOENT && access(sysfs_root(), F_OK))
		fprintf(stderr, "refslab: %s is missing: the module is not loaded\n",
			sysfs_root());
	else if (err == -ENOENT)
		fprintf(stderr, "refslab: no heap is called '%s'\n", heap);
	else if (err)
		fprintf(stderr, "refslab: %s/%s: %s\n", sysfs_root(), heap,
			strerror(-err));
	return err;
}

int sysfs_heaps(char ***names, const char *heap)
{
	int err;

	if (!heap) {
		err = sysfs_names(names, ".");
		if (err == -ENOENT)
			fprintf(stderr, "refslab: %s is missing: the module is not loaded\n",
				sysfs_root());
		else if (err)
			fprintf(stderr, "refslab: %s: %s\n", sysfs_root(),
				strerror(-err));
		return err;
	}
	err = sysfs_heap_check(heap);
	if (err)
		return err;
	*names = calloc(2, sizeof(**names));
	if (*names)
		**names = strdup(heap);
	if (!*names || !**names) {
		free(*names);
		fprintf(stderr, "refslab: %s\n", strerror(ENOMEM));
		return -ENOMEM;
	}
	return 0;
}

int sysfs_stats(const char *heap, unsigned int generation,
		struct refslab_stats *stats)
{
	const struct {
		const char *file;
		__u64 *value;
	} files[] = {
		{ "runs", &stats->runs },
		{ "examined", &stats->examined },
		{ "freed", &stats->freed },
		{ "unfreed", &stats->unfreed },
		{ "aborts", &stats->aborts },
		{ "time_ns", &stats->time_ns },
		{ "longest_ns", &stats->longest_ns },
	};
	int64_t value;
	size_t i;
	int err;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		err = sysfs_read(&value, "%s/generation%u/%s", heap, generation,
				 files[i].file);
		if (err)
			return err;
		*files[i].value = value;
	}
	return 0;
}
