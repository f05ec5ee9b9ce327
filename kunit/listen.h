/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel's log was told, for suites that read it themselves. */
#ifndef _REFSLAB_KUNIT_LISTEN_H
#define _REFSLAB_KUNIT_LISTEN_H

#include <trace/events/printk.h>

#include "fixture.h"

static struct {
	raw_spinlock_t	lock;
	bool		on;
	const char	*expected;
	size_t		length;
	char		text[16384];
} said = { .lock = __RAW_SPIN_LOCK_UNLOCKED(said.lock) };

static inline void hear(void *ignore, const char *text, size_t length)
{
	unsigned long flags;

	if (!READ_ONCE(said.on))
		return;
	raw_spin_lock_irqsave(&said.lock, flags);
	if (said.on && said.length + length + 2 < sizeof(said.text)) {
		memcpy(said.text + said.length, text, length);
		said.length += length;
		said.text[said.length++] = '\n';
		said.text[said.length] = '\0';
	}
	raw_spin_unlock_irqrestore(&said.lock, flags);
}

static inline void listen_set(bool on)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&said.lock, flags);
	WRITE_ONCE(said.on, on);
	if (on) {
		/* every line has an end of line before it and behind it */
		strscpy(said.text, "\n", sizeof(said.text));
		said.length = 1;
	}
	raw_spin_unlock_irqrestore(&said.lock, flags);
}

/* @expected: what the log's gate is to see, or NULL if that is nothing. */
static inline void listen(const char *expected)
{
	said.expected = expected;
	if (expected)
		expect_in_log(expected);
	listen_set(true);
}

/* All of @lines, in this order; others in between are of no interest. Then nobody listens. */
static inline void expect_said(struct kunit *test, const char *const *lines, size_t n)
{
	char *from = said.text, *at;
	size_t i, length;

	listen_set(false);
	if (said.expected)
		unexpect_in_log();
	for (i = 0; i < n; i++) {
		at = strstr(from, lines[i]);
		if (!at) {
			KUNIT_FAIL(test, "not said, or not there: \"%s\"", lines[i]);
			continue;
		}
		/* the end of one line may be the one before the next */
		length = strlen(lines[i]);
		from = at + length - (length && lines[i][length - 1] == '\n');
	}
}

#define EXPECT_SAID(test, ...) do {					\
	const char *const _lines[] = { __VA_ARGS__ };			\
									\
	expect_said(test, _lines, ARRAY_SIZE(_lines));			\
} while (0)

/* What stands below "allocated" and "freed", on kernels that keep stacks. */
#define BY(function) (IS_ENABLED(CONFIG_STACKDEPOT) ? (function) : "")

/* After EXPECT_SAID(), of nothing perhaps. */
static inline bool was_said(const char *what)
{
	return strstr(said.text, what);
}

static inline unsigned int times_said(const char *what)
{
	unsigned int n = 0;
	char *at;

	for (at = strstr(said.text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

/* In a suite's init and exit. */
static inline int listen_init(void)
{
	return register_trace_console(hear, NULL);
}

static inline void listen_exit(void)
{
	unregister_trace_console(hear, NULL);
	tracepoint_synchronize_unregister();
}

#endif /* _REFSLAB_KUNIT_LISTEN_H */
