// SPDX-License-Identifier: GPL-2.0
/* What debugfs shows, of types that the module's parameter debug= is about. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "sharing.h"

#define ROOT		"/sys/kernel/debug/refslab"
#define PARAMETER	"/sys/module/refslab/parameters/debug"

static char text[1 << 16];

static void read_file(const char *path)
{
	size_t length;
	FILE *file = fopen(path, "r");

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
}

static int write_file(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, what, strlen(what)) != (ssize_t)strlen(what))
		err = -errno;
	close(fd);
	return err;
}

static const char *path_of(int fd, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), ROOT "/heaps/%s/%s", info_of(fd).name, name);
	return path;
}

static void has(const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in:\n%s", what, text);
}

static void has_not(const char *what)
{
	if (strstr(text, what))
		fail_msg("\"%s\" is in:\n%s", what, text);
}

static void test_parameter(void **state)
{
	(void)state;
	fails(EINVAL, write_file(PARAMETER, "ZQ\n"));
	fails(EINVAL, write_file(PARAMETER, "Z,a/*;Q,b\n"));
	works(write_file(PARAMETER, "ZP,a/*;U,b/c\n"));
	read_file(PARAMETER);
	assert_string_equal(text, "ZP,a/*;U,b/c\n");
	fails(EINVAL, write_file(PARAMETER, "Q\n"));
	read_file(PARAMETER);
	assert_string_equal(text, "ZP,a/*;U,b/c\n");
	works(write_file(PARAMETER, "\n"));
}

static void test_types(void **state)
{
	int fd = session_with_heap(1 << 20);
	uint32_t plain, watched;
	char line[256];

	(void)state;
	works(refslab_type_create(fd, "plain", 1, 40, 0, &plain));
	works(write_file(PARAMETER, "ZPU,*/watched\n"));
	works(refslab_type_create(fd, "watched", 1, 40, 0, &watched));
	works(write_file(PARAMETER, "\n"));
	make(fd, watched);
	read_file(ROOT "/types");
	snprintf(line, sizeof(line), "%-31s %-31s %-5s %10u ", info_of(fd).name, "watched",
		 "ZPU", 1);
	has(line);
	snprintf(line, sizeof(line), "%-31s %-31s %-5s %10u ", info_of(fd).name, "plain", "-", 0);
	has(line);
	close(fd);
	read_file(ROOT "/types");
	has_not("watched");
}

/* The number of an object with something in slot 1; the heap has few chunks. */
static unsigned int find_object(int fd)
{
	char line[64];
	unsigned int n;

	for (n = 0; n < 8192; n++) {
		snprintf(line, sizeof(line), "%u", n);
		if (write_file(path_of(fd, "object"), line))
			continue;
		read_file(path_of(fd, "object"));
		if (strstr(text, "slot 1: object "))
			return n;
	}
	fail_msg("no object refers to another");
	return 0;
}

/* A type with all that debug= can ask for. */
static uint32_t watched_type(int fd)
{
	uint32_t type;

	works(write_file(PARAMETER, "ZPU\n"));
	works(refslab_type_create(fd, "watched", 2, 40, 0, &type));
	works(write_file(PARAMETER, "\n"));
	return type;
}

static void test_traces(void **state)
{
	int fd = session_with_heap(1 << 20), i;
	uint64_t a, b;
	uint32_t type;
	char line[64];

	(void)state;
	read_file(path_of(fd, "alloc_traces"));
	assert_string_equal(text, "no traces\n");
	type = watched_type(fd);
	a = make(fd, type);
	b = make(fd, type);
	fill(fd, a, 1, b);
	for (i = 0; i < 10; i++)
		drop(fd, make(fd, type));

	read_file(path_of(fd, "alloc_traces"));
	has(" of type watched, age ");
	has("session_call_user");
	has_not("ffff");

	fails(EINVAL, write_file(path_of(fd, "object"), "x"));
	fails(ENOENT, write_file(path_of(fd, "object"), "4294967295"));
	fails(ENOENT, write_file(path_of(fd, "object"), "1"));
	snprintf(line, sizeof(line), "type watched, object %u\n", find_object(fd));
	has(line);
	has("alive, count 1");
	has("generation 0\n");
	has("allocated ");
	has_not("ffff");
	drop(fd, a);
	read_file(path_of(fd, "object"));
	has("free, in a magazine, a depot or a reserve\n");
	has("freed ");
	close(fd);
}

static void test_validate(void **state)
{
	int fd = session_with_heap(1 << 24), i;
	uint32_t type;

	(void)state;
	works(write_file(PARAMETER, "ZPU\n"));
	works(refslab_type_create(fd, "watched", 1, 40, 0, &type));
	works(write_file(PARAMETER, "\n"));
	for (i = 0; i < 3000; i++)
		if (i % 3)
			make(fd, type);
		else
			drop(fd, make(fd, type));
	fails(EINVAL, write_file(path_of(fd, "validate"), "0"));
	works(write_file(path_of(fd, "validate"), "1"));
	sweep(fd, 2);
	works(write_file(path_of(fd, "validate"), "1"));
	close(fd);
}

/* Hexadecimal, or as a number with a sign or without; the largest is no limit. */
static bool is_address(const char *word)
{
	unsigned long long value;
	char *end;

	if (strspn(word, "0123456789abcdefABCDEF") == 16 && !strncasecmp(word, "ffff", 4))
		return true;
	errno = 0;
	value = strtoull(word, &end, 10);
	return end != word && !errno && value != ULLONG_MAX && value >= 0xffff800000000000ull &&
	       (*word != '-' || value < 0xffffff0000000000ull);
}

/* All that can be read below @path. What a file has for who writes first, it has. */
static unsigned int assert_no_addresses(const char *path)
{
	DIR *directory = opendir(path);
	unsigned int files = 0;
	struct dirent *entry;
	struct stat status;
	const char *at;
	char name[512];

	assert_non_null(directory);
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%.200s", path, entry->d_name);
		works(lstat(name, &status));
		if (S_ISDIR(status.st_mode))
			files += assert_no_addresses(name);
		if (!S_ISREG(status.st_mode) || !(status.st_mode & 0444))
			continue;
		read_file(name);
		files++;
		for (at = text; *at; at++)
			if ((at == text || !isalnum(at[-1])) && is_address(at))
				fail_msg("%s has what looks like an address: %.60s", name, at);
	}
	closedir(directory);
	return files;
}

/* Of a heap in use, watched types in it, a sweep behind it. */
static void test_no_addresses(void **state)
{
	static const char *const bad[] = {
		"ffff888012345678", "FFFFC90000000000 ", "18446612682070000000", "-131391634153472",
	};
	static const char *const good[] = {
		"4294967295", "18446744073709551615", "-4096", "ffffffff", "ffff", "0", "",
		"session_call_user+0x1a/0x30", "-1073741823",
	};
	int fd = session_with_heap(1 << 24), payload;
	uint32_t type, mapped;
	uint64_t a, b, length;
	char line[32];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_true(is_address(bad[i]));
	for (i = 0; i < ARRAY_SIZE(good); i++)
		assert_false(is_address(good[i]));
	type = watched_type(fd);
	a = make(fd, type);
	b = make(fd, type);
	fill(fd, a, 0, a);
	fill(fd, a, 1, b);
	weak_of(fd, b);
	works(refslab_root_set(fd, "root", a, 0));
	mapped = mapped_type(fd, 1, 8192);
	payload = map_of(fd, make(fd, mapped), 0, &length);
	drop(fd, ring(fd, type, 20));
	sweep(fd, 2);
	snprintf(line, sizeof(line), "%u", find_object(fd));
	works(write_file(path_of(fd, "object"), line));
	/* a directory for the heap and each type in one, four files in the other */
	assert_true(assert_no_addresses("/sys/kernel/refslab") > 30);
	assert_true(assert_no_addresses(ROOT) >= 3);
	assert_true(assert_no_addresses("/sys/module/refslab/parameters") >= 5);
	close(payload);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameter),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_validate),
		cmocka_unit_test(test_no_addresses),
	};

	return run_as_tap(tests);
}
