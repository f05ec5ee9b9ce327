// SPDX-License-Identifier: GPL-2.0
/*
 * Processors taken off and put back while the torture module is at work, which
 * says in the kernel's log whether an object was lost or died early.
 */
#include <sys/klog.h>
#include <sys/wait.h>

#include "storm.h"

enum { SECONDS = 120, CPUS = 64, LOG = 1 << 18 };

static const char *online(unsigned int cpu)
{
	static char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	return path;
}

static void torture(void *argument)
{
	char seconds[32], seed[32];

	snprintf(seconds, sizeof(seconds), "seconds=%u", *(unsigned int *)argument);
	snprintf(seed, sizeof(seed), "seed=%u", (unsigned int)getpid());
	execlp("modprobe", "modprobe", "refslab_torture", seconds, seed, NULL);
	_exit(127);
}

/* What the log has of torture, from a mark on. */
static char *verdict(const char *mark)
{
	char *log = calloc(1, LOG + 1), *line;
	int length = klogctl(3, log, LOG);

	assert_true(length > 0);
	line = strstr(log, mark);
	assert_non_null(line);
	for (line = strstr(line, "refslab_torture: "); line; line = strstr(line + 1, "refslab_torture: "))
		if (strstr(line, " leaks: ") && strstr(line, " leaks: ") < strchrnul(line, '\n'))
			break;
	if (!line)
		fail_msg("torture has said nothing");
	*strchrnul(line, '\n') = '\0';
	return line;
}

static void test_cpus(void **state)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF), cpu;
	unsigned int seconds = storm_share(SECONDS, 5), off = 0, refused = 0;
	uint64_t random = storm_seed();
	bool is_off[CPUS] = { false };
	char mark[64];
	int status = 0, err;
	const char *said;
	pid_t child;

	(void)state;
	if (cpus < 2) {
		print_message("# one processor, which cannot be taken off\n");
		skip();
	}
	assert_true(cpus <= CPUS);
	snprintf(mark, sizeof(mark), "storm_cpu begins %d\n", (int)getpid());
	works(storm_write("/dev/kmsg", mark));
	child = storm_fork(torture, &seconds);
	while (!waitpid(child, &status, WNOHANG)) {
		cpu = 1 + storm_random(&random, cpus - 1);
		err = storm_write(online(cpu), is_off[cpu] ? "1" : "0");
		/* the kernel may be in the middle of another change */
		if (err)
			refused++;
		else
			off += is_off[cpu] = !is_off[cpu];
		usleep(storm_random(&random, 30000));
	}
	for (cpu = 1; cpu < cpus; cpu++)
		if (is_off[cpu])
			works(storm_write(online(cpu), "1"));
	assert_int_equal(sysconf(_SC_NPROCESSORS_ONLN), cpus);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("torture did not run: status 0x%x", status);
	mark[strlen(mark) - 1] = '\0';
	said = verdict(mark);
	storm_says("%u times one of %ld processors was taken off in %u s (%u refusals); %s",
		   off, cpus, seconds, refused, said + strlen("refslab_torture: "));
	works(system("rmmod refslab_torture"));
	assert_non_null(strstr(said, ": PASS"));
	assert_true(off >= seconds / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpus),
	};

	return run_storm(tests);
}
