/* SPDX-License-Identifier: BSD-2-Clause */
/* options.h — one table per command: parsing, --help, type checks, and "did you mean"
 *
 *	struct options_list targets = { 0 };
 *	uint64_t idle;
 *	const struct option_row rows[] = {
 *		{ "target", 0, "ADDR", OPTION_LIST, .list = &targets, .help = "where to" },
 *		{ "idle-timeout", 0, "TIME", OPTION_TIME, .time = &idle, .def = "10m",
 *		  .help = "end what is silent so long" },
 *		{ "verbose", 'v', NULL, OPTION_COUNT, .count = &verbose, .help = "say more" },
 *		{ 0 }
 *	};
 *	const struct options o = { "shunt relay", "[LISTEN TARGET...]", "relay connections", rows, &rest };
 *	int rc = options_parse(&o, argc, argv);
 *	if (rc)
 *		return rc == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
 *
 * A default is a text and is read like one from the command line, so what --help says is what is used.
 * Written as --name=value, --name value, -n value or -nvalue; "--" ends options; options may stand
 * behind positional arguments. The texts stored are those of argv. --help and -h come by themselves.
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OPTIONS_LIST_MAX 64
#define OPTIONS_HELPED   1

enum option_kind {
	OPTION_FLAG,   /* *flag = true */
	OPTION_COUNT,  /* *count += 1 each time */
	OPTION_TEXT,   /* *text */
	OPTION_LIST,   /* list, in order; repeated for more */
	OPTION_SIZE,   /* *size in bytes, see units_size */
	OPTION_TIME,   /* *time in ms, see units_time */
	OPTION_NUMBER, /* *number: a whole number, min..max */
	OPTION_CHOICE, /* *choice = index into choices, which ends with NULL */
};

struct options_list {
	const char *item[OPTIONS_LIST_MAX];
	size_t count;
};

struct option_row {
	const char *name;     /* without dashes; NULL ends the table */
	char letter;          /* 0: none */
	const char *argument; /* the word for it in --help; NULL with flag and count */
	enum option_kind kind;
	union {
		bool *flag;
		unsigned *count;
		const char **text;
		struct options_list *list;
		uint64_t *size;
		uint64_t *time;
		uint64_t *number;
		unsigned *choice;
	};
	const char *help;
	const char *def; /* default, as one would write it; NULL: leave the value alone */
	const char *const *choices; /* OPTION_CHOICE */
	uint64_t min, max;          /* of size, time and number; max 0: no limit */
};

struct options {
	const char *command;  /* "shunt relay" */
	const char *synopsis; /* "[LISTEN TARGET...]", or NULL */
	const char *summary;  /* one sentence; --help begins with it */
	const struct option_row *rows;
	struct options_list *rest; /* positional arguments; NULL: none are allowed */
	const char *more;          /* printed as it is behind the options, or NULL */
};

/* Read argv[1..]. 0: everything is set; OPTIONS_HELPED: help was asked for and printed; -EINVAL: a line
 * on stderr has told what is wrong and what to do. */
int options_parse(const struct options *o, int argc, char **argv);

/* At most 80 columns wide. */
void options_help(const struct options *o, FILE *to);

/* The words of text, from column `at` on; those of further lines begin at column `indent`. Returns the
 * column behind the last. */
size_t options_wrap(FILE *to, const char *text, size_t at, size_t indent);

/* "shunt relay: WHAT", then where help is to be had; for what a command itself finds wrong with its
 * arguments. Returns -EINVAL. */
int options_wrong(const struct options *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
