// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "storm.h"

#define SYSFS	"/sys/kernel/refslab"

static char figures[1024];

unsigned int storm_share(unsigned int whole, unsigned int least)
{
	const char *text = getenv("REFSLAB_STORM");
	unsigned long long share = (unsigned long long)whole * (text ? atoi(text) : 100) / 100;

	return share < least ? least : share;
}

uint64_t storm_seed(void)
{
	const char *text = getenv("REFSLAB_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : now_ns() ^ (uint64_t)getpid() << 32;

	print_message("# REFSLAB_SEED=%llu\n", (unsigned long long)seed);
	/* what comes from a seed of 0 is nothing but 0 */
	return seed ? seed : 1;
}

void storm_says(const char *format, ...)
{
	size_t length = strlen(figures);
	va_list arguments;

	if (length && length + 2 < sizeof(figures))
		length += snprintf(figures + length, sizeof(figures) - length, ", ");
	va_start(arguments, format);
	vsnprintf(figures + length, sizeof(figures) - length, format, arguments);
	va_end(arguments);
}

int _storm_end(int failed)
{
	printf("# %s: %s%s\n", program_invocation_short_name,
	       *figures ? figures : "no figures", failed ? ", FAILED" : "");
	return failed;
}

pid_t storm_fork(void (*work)(void *argument), void *argument)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		/* a test that fails leaves nobody behind, who would hold its output open */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work(argument);
		_exit(0);
	}
	return child;
}

int storm_kill(pid_t child)
{
	int status = 0;

	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

void *storm_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

int storm_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = -errno;
	close(fd);
	return err;
}

int storm_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;
	int err;

	*text = '\0';
	if (fd < 0)
		return -errno;
	length = read(fd, text, size - 1);
	err = length < 0 ? -errno : 0;
	close(fd);
	if (length > 0)
		text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return err;
}

long long storm_value(const char *path, const char *name)
{
	char line[256], format[64];
	long long value = -1;
	FILE *file = fopen(path, "re");

	if (!file)
		return -1;
	snprintf(format, sizeof(format), "%s %%lld", name);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, format, &value) == 1)
			break;
	fclose(file);
	return value;
}

unsigned int storm_heaps(void)
{
	DIR *directory = opendir(SYSFS);
	struct dirent *entry;
	unsigned int n = 0;

	if (!directory)
		return 0;
	while ((entry = readdir(directory)))
		n += entry->d_name[0] != '.' && entry->d_type == DT_DIR;
	closedir(directory);
	return n;
}

void storm_wait_heaps(unsigned int wanted)
{
	uint64_t end = now_ns() + 60 * SECOND;

	while (storm_heaps() != wanted && now_ns() < end)
		sleep_ms(10);
	assert_int_equal(storm_heaps(), wanted);
}

bool storm_kernel_has(const char *function)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[256], name[128];
	bool found = false;

	assert_non_null(file);
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*x %*c %127s", name) == 1 && !strcmp(name, function);
	fclose(file);
	return found;
}

long storm_kept(void)
{
	/* a 32nd of all memory, mm/kasan/quarantine.c */
	return storm_kernel_has("kasan_quarantine_put") ? sysconf(_SC_PHYS_PAGES) / 32 : 0;
}

void storm_validate(int fd)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/refslab/heaps/%s/validate",
		 info_of(fd).name);
	works(storm_write(path, "1"));
}

void storm_expect(const char *regex)
{
	char line[128];

	snprintf(line, sizeof(line), "<6>refslab-test: expect %s\n", regex);
	works(storm_write("/dev/kmsg", line));
}

void storm_unexpect(void)
{
	works(storm_write("/dev/kmsg", "<6>refslab-test: unexpect\n"));
}
