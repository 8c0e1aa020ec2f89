/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/conf_report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define KEPT 200 /* messages: nobody reads more at once */

/* "file:3:5: warning: WHAT", to be freed; NULL: no memory. */
static char *whole(const struct conf_place *at, bool warning, const char *fmt, va_list args)
{
	char *what, *text;
	int n = vasprintf(&what, fmt, args);

	if (n < 0)
		return NULL;
	if (at->line)
		n = asprintf(&text, "%s:%u:%u: %s%s", at->source, at->line, at->column,
			     warning ? "warning: " : "", what);
	else
		n = asprintf(&text, "%s: %s%s", at->source, warning ? "warning: " : "", what);
	free(what);
	return n < 0 ? NULL : text;
}

static void say(struct conf_report *r, const struct conf_place *at, bool warning, const char *fmt,
		va_list args)
{
	struct conf_message *m = r->message;

	if (!m && r->lost == 0)
		r->message = m = calloc(KEPT, sizeof(*m));
	if (m && r->messages < KEPT) {
		m += r->messages;
		m->text = whole(at, warning, fmt, args);
		m->line = at->line;
		m->column = at->column;
		m->order = r->messages;
		m->warning = warning;
	}
	if (!m || r->messages == KEPT || !m->text)
		r->lost++;
	else
		r->messages++;
}

void conf_error(struct conf_report *r, const struct conf_place *at, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(r, at, false, fmt, args);
	va_end(args);
	r->errors++;
}

void conf_warning(struct conf_report *r, const struct conf_place *at, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(r, at, true, fmt, args);
	va_end(args);
	r->warnings++;
}

static int by_place(const void *one, const void *other)
{
	const struct conf_message *a = one, *b = other;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

void conf_report_sort(struct conf_report *r)
{
	if (r->messages)
		qsort(r->message, r->messages, sizeof(*r->message), by_place);
}

void conf_report_print(const struct conf_report *r, FILE *to)
{
	for (size_t i = 0; i < r->messages; i++)
		fprintf(to, "%s\n", r->message[i].text);
	if (r->lost)
		fprintf(to, "... and %zu more\n", r->lost);
}

void conf_report_clear(struct conf_report *r)
{
	for (size_t i = 0; i < r->messages; i++)
		free(r->message[i].text);
	free(r->message);
	*r = (struct conf_report){ 0 };
}

const char *conf_quoted(const char *text, char buf[CONF_QUOTED])
{
	static const char cut[] = "...\"";
	size_t n = 0;

	buf[n++] = '"';
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (n + strlen("\\xff") + sizeof(cut) > CONF_QUOTED) {
			memcpy(buf + n, cut, sizeof(cut));
			return buf;
		}
		if (c == '"' || c == '\\')
			buf[n++] = '\\';
		if (c >= ' ' && c <= '~')
			buf[n++] = (char)c;
		else
			n += (size_t)snprintf(buf + n, CONF_QUOTED - n, "\\x%02x", c);
	}
	buf[n++] = '"';
	buf[n] = '\0';
	return buf;
}

const char *conf_meant(const struct guess *g, char buf[CONF_MEANT])
{
	if (g->best)
		snprintf(buf, CONF_MEANT, "; did you mean \"%s\"?", g->best);
	else
		buf[0] = '\0';
	return buf;
}

const char *conf_where(const struct conf_place *place, char buf[CONF_WHERE])
{
	if (place->line)
		snprintf(buf, CONF_WHERE, " of line %u", place->line);
	else
		buf[0] = '\0';
	return buf;
}
