/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_report.h — what is wrong with a configuration: all of it, in the order of the file
 *
 *	shunt.conf:3:5: unknown key "adress"; did you mean "address"?
 *	shunt.conf:9:3: warning: backend "old" is never used
 *	--sni a.example: write it like a.example=10.0.0.7:443
 *
 * A message is one line of printable text, whatever bytes the file has.
 */
#ifndef DAEMON_CONF_REPORT_H
#define DAEMON_CONF_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/guess.h"
#include "daemon/conf.h"

struct conf_message {
	char *text; /* with its place before it, without a newline */
	unsigned line, column;
	size_t order; /* in which it was said */
	bool warning;
};

/* Zeroed to begin with: struct conf_report r = { 0 }. Counts all; keeps the text of so many as a
 * person might read. */
struct conf_report {
	struct conf_message *message;
	size_t messages;
	size_t errors, warnings;
	size_t lost; /* messages that were not kept */
};

void conf_error(struct conf_report *r, const struct conf_place *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void conf_warning(struct conf_report *r, const struct conf_place *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Into the order of lines and columns; what stands at one place stays as it was said. */
void conf_report_sort(struct conf_report *r);

/* A line for each, and one more that counts those that were lost. */
void conf_report_print(const struct conf_report *r, FILE *to);

/* Frees what it holds and makes it empty. */
void conf_report_clear(struct conf_report *r);

/* A text of somebody else, to be told in a message: in quotes, what is not printable escaped, the end
 * of a long one cut. Returns buf. */
#define CONF_QUOTED 96
const char *conf_quoted(const char *text, char buf[CONF_QUOTED]);

/* Where something else was said, to be told in a message: " of line 12", or nothing on a command line.
 * Returns buf. */
#define CONF_WHERE 24
const char *conf_where(const struct conf_place *place, char buf[CONF_WHERE]);

/* What a message ends with: `; did you mean "address"?`, or nothing when there is no guess. Returns buf. */
#define CONF_MEANT 64
const char *conf_meant(const struct guess *g, char buf[CONF_MEANT]);

#endif
