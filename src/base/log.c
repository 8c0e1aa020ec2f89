/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c — a line is built in its own buffer, field by field, and leaves at once
 *
 *   |<------------------- LOG_LINE ------------------->|
 *   | time= level= key= "val…"          |     TAIL     |
 *
 * Kept true after every call: fields begin before the tail, and the tail has room for all that may
 * have to follow: the "…" and the quote of a value that was cut, the mark that fields were left out,
 * the brace and the newline. Values are cut between two characters.
 *
 * Never: more than one write(2) per line, or a loop around it. What the reader of the log does not
 * take at once (a full pipe that does not block) is lost rather than torn or waited for.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

#define CUT          "\xe2\x80\xa6" /* … */
#define DROPPED_JSON ",\"" CUT "\":true"
#define TAIL         (sizeof(CUT "\"" DROPPED_JSON "}\n"))

/* Set before there are threads, read by all of them: the one thing that every line needs and no
 * caller has. */
static struct {
	int fd;
	enum log_level level;
	enum log_format format;
} log_to = { STDERR_FILENO, LOG_INFO_LEVEL, LOG_LOGFMT };

void log_setup(int fd, enum log_level level, enum log_format format)
{
	log_to.fd = fd;
	log_to.level = level;
	log_to.format = format;
}

bool log_wants(enum log_level level)
{
	return level <= log_to.level;
}

/* Does it end before the tail? */
static bool fits(const struct log_line *l, size_t n)
{
	return l->len + n <= LOG_LINE - TAIL;
}

/* The caller has seen that it fits, or that it is what the tail is for. */
static void put(struct log_line *l, const void *bytes, size_t n)
{
	memcpy(l->buf + l->len, bytes, n);
	l->len += n;
}

/* Control characters, which terminals obey: C0 and DEL in one byte, C1 in two. */
static bool control(const unsigned char *s)
{
	return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

/* The character at s as it stands between quotes, into out; *taken is what it was long. The escapes
 * are those of JSON. */
static size_t escape(const unsigned char *s, size_t n, char out[8], size_t *taken)
{
	static const char from[] = "\"\\\n\r\t", to[] = "\"\\nrt";
	size_t len = utf8_character(s, n);
	const char *found;

	*taken = len ? len : 1;
	if (len == 0) {
		memcpy(out, UTF8_UNKNOWN, sizeof(UTF8_UNKNOWN) - 1);
		return sizeof(UTF8_UNKNOWN) - 1;
	}
	found = s[0] ? strchr(from, s[0]) : NULL;
	if (found) {
		out[0] = '\\';
		out[1] = to[found - from];
		return 2;
	}
	if (control(s))
		return (size_t)snprintf(out, 8, "\\u%04x", len == 1 ? s[0] : s[1]);
	memcpy(out, s, len);
	return len;
}

/* May it stand in a logfmt line without quotes? */
static bool plain(const unsigned char *s, size_t n)
{
	size_t len;

	if (n == 0)
		return false;
	for (; n > 0; s += len, n -= len) {
		len = utf8_character(s, n);
		if (len == 0 || control(s) || (s[0] < 0x80 && strchr(" \"=\\", s[0])))
			return false;
	}
	return true;
}

/* How much of it, from its start, stands in any line as it is: nearly all that is ever logged. */
static size_t harmless(const unsigned char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] > ' ' && s[i] < 0x7f && s[i] != '"' && s[i] != '\\' && s[i] != '=')
		i++;
	return i;
}

/* False: no room even to begin. */
static bool put_key(struct log_line *l, const char *key)
{
	size_t n = strlen(key);

	if (!fits(l, n + sizeof(",\"\":\""))) {
		l->dropped = true;
		return false;
	}
	put(l, l->json ? ",\"" : " ", l->json ? 2 : 1);
	put(l, key, n);
	put(l, l->json ? "\":" : "=", l->json ? 2 : 1);
	return true;
}

void log_bytes(struct log_line *l, const char *key, const void *value, size_t n)
{
	const unsigned char *s = value;
	size_t taken;
	bool quoted;
	char out[8];

	if (l->off || !put_key(l, key))
		return;
	size_t easy = harmless(s, n);

	quoted = l->json || n == 0 || (easy < n && !plain(s, n));
	if (quoted)
		put(l, "\"", 1);
	if (fits(l, easy)) {
		put(l, s, easy);
		s += easy;
		n -= easy;
	}
	for (; n > 0; s += taken, n -= taken) {
		size_t len = escape(s, n, out, &taken);

		if (!fits(l, len)) {
			put(l, CUT, sizeof(CUT) - 1);
			break;
		}
		put(l, out, len);
	}
	if (quoted)
		put(l, "\"", 1);
}

void log_text(struct log_line *l, const char *key, const char *value)
{
	if (value)
		log_bytes(l, key, value, strlen(value));
}

void log_number(struct log_line *l, const char *key, uint64_t value)
{
	char digits[24], *first = digits + sizeof(digits);

	if (l->off)
		return;
	do
		*--first = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	size_t n = (size_t)(digits + sizeof(digits) - first);

	/* Half a number would be a wrong one. */
	if (!fits(l, strlen(key) + sizeof(",\"\":\"") + n))
		l->dropped = true;
	else if (put_key(l, key))
		put(l, first, n);
}

static void format(struct log_line *l, const char *key, const char *fmt, va_list args)
{
	char text[LOG_LINE];
	int n = vsnprintf(text, sizeof(text), fmt, args);

	/* What vsnprintf cut off would not fit into the line either: log_bytes shows that. */
	if (n >= 0)
		log_bytes(l, key, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void log_format(struct log_line *l, const char *key, const char *fmt, ...)
{
	va_list args;

	if (l->off)
		return;
	va_start(args, fmt);
	format(l, key, fmt, args);
	va_end(args);
}

/* "2026-11-23T10:22:21": made once in a second by each thread. */
static const char *second_text(time_t second)
{
	static _Thread_local char text[64];
	static _Thread_local time_t of = -1;
	struct tm t;

	if (second != of) {
		gmtime_r(&second, &t);
		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d", t.tm_year + 1900,
			 t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
		of = second;
	}
	return text;
}

void log_begin(struct log_line *l, enum log_level level)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	struct timespec now;

	l->off = !log_wants(level);
	l->json = log_to.format == LOG_JSON;
	l->dropped = false;
	l->len = 0;
	if (l->off)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	long ms = now.tv_nsec / 1000000;
	char fraction[] = { '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
			    (char)('0' + ms % 10), 'Z' };
	const char *second = second_text(now.tv_sec), *name = names[level];

	put(l, l->json ? "{\"time\":\"" : "time=", l->json ? 9 : 5);
	put(l, second, strlen(second));
	put(l, fraction, sizeof(fraction));
	put(l, l->json ? "\",\"level\":\"" : " level=", l->json ? 11 : 7);
	put(l, name, strlen(name));
	put(l, "\"", l->json ? 1 : 0);
}

void log_end(struct log_line *l)
{
	ssize_t n;

	if (l->off)
		return;
	if (l->dropped && l->json)
		put(l, DROPPED_JSON, sizeof(DROPPED_JSON) - 1);
	else if (l->dropped)
		put(l, " " CUT, sizeof(" " CUT) - 1);
	put(l, l->json ? "}\n" : "\n", l->json ? 2 : 1);
	do
		n = write(log_to.fd, l->buf, l->len);
	while (n < 0 && errno == EINTR);
	l->off = true;
}

void log_say(enum log_level level, const char *fmt, ...)
{
	struct log_line l;
	va_list args;

	log_begin(&l, level);
	if (l.off)
		return;
	va_start(args, fmt);
	format(&l, "msg", fmt, args);
	va_end(args);
	log_end(&l);
}

bool log_may(struct log_limit *limit, uint64_t now_ms, uint64_t *held)
{
	if (limit->since == UINT64_MAX || now_ms - limit->since >= limit->every_ms) {
		limit->since = now_ms;
		limit->used = 0;
	}
	if (limit->used >= limit->burst) {
		limit->held++;
		return false;
	}
	limit->used++;
	*held = limit->held;
	limit->held = 0;
	return true;
}

void log_held(struct log_line *l, uint64_t held)
{
	if (held > 0)
		log_number(l, "held_back", held);
}
