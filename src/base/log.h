/* SPDX-License-Identifier: BSD-2-Clause */
/* log.h — one line of text for one thing that happened
 *
 *   time=2026-03-01T12:00:00.000Z level=info conn=7 client=10.0.0.1:4242 up=512 end=done
 *   {"time":"2026-03-01T12:00:00.000Z","level":"info","conn":7,"client":"10.0.0.1:4242",...}
 *
 * A line leaves in one write(2), so that lines of several threads never mix, and is never longer
 * than LOG_LINE: what is too long is cut, and a "…" shows it. No value, wherever it came from, can
 * break out of its line: blanks, quotes and control bytes are quoted, bytes that are not UTF-8 become
 * U+FFFD. Nothing is allocated.
 *
 *	struct log_line l;
 *	log_begin(&l, LOG_INFO_LEVEL);
 *	log_text(&l, "client", text);
 *	log_number(&l, "up", bytes);
 *	log_end(&l);
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE 4096 /* bytes, the newline included; no more than PIPE_BUF, or lines could mix */

enum log_level {
	LOG_ERROR_LEVEL,
	LOG_WARN_LEVEL,
	LOG_INFO_LEVEL,
	LOG_DEBUG_LEVEL,
};

enum log_format {
	LOG_LOGFMT,
	LOG_JSON,
};

/* Once, before there are threads. Without it: stderr, info, logfmt. */
void log_setup(int fd, enum log_level level, enum log_format format);

/* Would a line of this level be written? Saves the work of collecting its values. */
bool log_wants(enum log_level level);

struct log_line {
	size_t len;
	bool off; /* its level is not wanted: everything below does nothing */
	bool json;
	bool dropped; /* whole fields did not fit */
	char buf[LOG_LINE];
};

/* Keys are ours: lower case letters, digits and '_'. A NULL value leaves the field out. */
void log_begin(struct log_line *l, enum log_level level);
void log_text(struct log_line *l, const char *key, const char *value);
void log_bytes(struct log_line *l, const char *key, const void *value, size_t len);
void log_number(struct log_line *l, const char *key, uint64_t value);
void log_format(struct log_line *l, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void log_end(struct log_line *l);

/* A line with nothing but msg=. */
void log_say(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Hold back what would flood the log: at most `burst` lines in `every_ms`. One thread's own.
 *
 *	static _Thread_local struct log_limit limit = LOG_LIMIT(5, 10000);
 *	uint64_t held;
 *	if (log_may(&limit, clock_ms(), &held)) {
 *		log_begin(...); ...; log_held(&l, held); log_end(&l);
 *	}
 */
struct log_limit {
	unsigned burst;
	uint64_t every_ms;
	uint64_t since; /* when this interval began; UINT64_MAX: none yet */
	unsigned used;
	uint64_t held;
};
#define LOG_LIMIT(n, ms)                                                                           \
	{                                                                                          \
		.burst = (n), .every_ms = (ms), .since = UINT64_MAX                                \
	}

/* May a line be written now? If so, *held is how many were not, since the last that was. */
bool log_may(struct log_limit *limit, uint64_t now_ms, uint64_t *held);

/* The field held_back=, if there is something to tell. */
void log_held(struct log_line *l, uint64_t held);

#endif
