// SPDX-License-Identifier: GPL-2.0
/*
 * What runs, told to the log of the kernel before it does, and run again from
 * there. Where programs are kept, what a process chooses depends on what all
 * others have reached, and so on time; no seed repeats that. The log of the
 * kernel still has it when the kernel has died, in order with what that said.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define MARK	"refslab-fuzz: "

/* One program of a log, and who ran it. */
struct step {
	uint64_t number;
	unsigned int thread;
	struct program program;
};

bool replaying;

static struct step *steps;
static size_t step_count;
static int log_fd = -1;

/* Programs are told from here on. */
void replay_tell_all(void)
{
	log_fd = own_fd(open("/dev/kmsg", O_WRONLY));
}

/* Also how many calls there were before it, by which two runs can be compared. */
void replay_tell(const struct thread *thread, const struct program *program)
{
	char text[256];
	unsigned int i;
	int n;

	if (log_fd < 0)
		return;
	n = snprintf(text, sizeof(text), "<6>" MARK "%lu.%u after %lu calls: %lx",
		     thread->process->number, thread->number,
		     thread->counts->total - thread->counted, program->taste);
	for (i = 0; i < ARRAY_SIZE(program->calls) && program->calls[i]; i++)
		n += snprintf(text + n, sizeof(text) - n, " %u*%lx", program->calls[i],
			      program->seeds[i]);
	n += snprintf(text + n, sizeof(text) - n, ";\n");
	n = write(log_fd, text, n);
}

/* A line that was cut short has no end. */
static bool parse(const char *line, struct step *step)
{
	struct program *program = &step->program;
	const char *at = strstr(line, MARK);
	unsigned int i;
	int n = 0;

	*step = (struct step){ 0 };
	if (!at || sscanf(at, MARK "%lu.%u after %*u calls: %lx%n", &step->number, &step->thread,
			  &program->taste, &n) != 3)
		return false;
	at += n;
	for (i = 0; i < ARRAY_SIZE(program->calls); i++) {
		if (sscanf(at, " %hu*%lx%n", &program->calls[i], &program->seeds[i], &n) != 2)
			break;
		at += n;
	}
	return i && *at == ';' && step->number && step->thread < THREADS_MAX;
}

/* Whether there is any program in a log. */
bool replay_load(const char *path)
{
	FILE *file = fopen(path, "r");
	struct step step;
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		if (!parse(line, &step))
			continue;
		if (!(step_count & (step_count - 1)))
			steps = realloc(steps, (2 * step_count + 1) * sizeof(step));
		if (!steps)
			abort();
		steps[step_count++] = step;
	}
	if (file)
		fclose(file);
	replaying = step_count;
	return replaying;
}

/* The least number of a process from @from on; 0: there is none. */
uint64_t replay_number(uint64_t from)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < step_count; i++)
		if (steps[i].number >= from && (!number || steps[i].number < number))
			number = steps[i].number;
	return number;
}

/* How many threads a process had. */
unsigned int replay_threads(uint64_t number)
{
	unsigned int threads = 1;
	size_t i;

	for (i = 0; i < step_count; i++)
		if (steps[i].number == number && steps[i].thread >= threads)
			threads = steps[i].thread + 1;
	return threads;
}

/* What a thread ran next; false: nothing. */
bool replay_next(struct thread *thread, struct program *program)
{
	const struct step *step;

	while (thread->replayed < step_count) {
		step = &steps[thread->replayed++];
		if (step->number != thread->process->number || step->thread != thread->number)
			continue;
		*program = step->program;
		return true;
	}
	return false;
}
