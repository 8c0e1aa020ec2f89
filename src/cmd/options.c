/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/guess.h"
#include "base/units.h"

#define WIDTH   80
#define LABEL   26 /* where help texts begin, if their labels let them */
#define LONGEST 40 /* what is told of a word that we do not know */

/* -- what is wrong -- */

int options_wrong(const struct options *o, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", o->command);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, " (see %s --help)\n", o->command);
	return -EINVAL;
}

static int unknown(const struct options *o, const char *name, size_t n)
{
	struct guess g = { 0 };
	char word[LONGEST + 2];

	snprintf(word, sizeof(word), "%.*s", (int)(n < LONGEST + 1 ? n : LONGEST + 1), name);
	g.word = word;
	for (const struct option_row *r = o->rows; r->name; r++)
		guess_try(&g, r->name);
	guess_try(&g, "help");
	if (g.best)
		return options_wrong(o, "there is no option --%s; did you mean --%s?", word,
				     g.best);
	return options_wrong(o, "there is no option --%s", word);
}

/* -- values -- */

static bool takes_value(const struct option_row *r)
{
	return r->kind != OPTION_FLAG && r->kind != OPTION_COUNT;
}

/* Is it within min..max? Printed in its own unit if not. */
static int check_range(const struct options *o, const struct option_row *r, const char *value,
		       uint64_t n, const char *(*text)(uint64_t, char *))
{
	char buf[UNITS_TEXT];

	if (n < r->min)
		return options_wrong(o, "--%s %s is too small: %s is the least", r->name, value,
				     text(r->min, buf));
	if (r->max && n > r->max)
		return options_wrong(o, "--%s %s is too large: %s is the most", r->name, value,
				     text(r->max, buf));
	return 0;
}

static const char *number_text(uint64_t n, char *buf)
{
	snprintf(buf, UNITS_TEXT, "%llu", (unsigned long long)n);
	return buf;
}

static int read_size(const struct options *o, const struct option_row *r, const char *value)
{
	int rc = units_size(value, r->size);

	if (rc == -ERANGE)
		return options_wrong(o, "--%s %s is too much or too little to be counted", r->name,
				     value);
	if (rc < 0)
		return options_wrong(o,
				     "--%s %s is not a size: write it like 4096, 64k, 1M or 1.5G",
				     r->name, value);
	return check_range(o, r, value, *r->size, units_size_text);
}

static int read_time(const struct options *o, const struct option_row *r, const char *value)
{
	int rc = units_time(value, r->time);

	if (rc == -ERANGE)
		return options_wrong(o, "--%s %s is too much or too little to be counted", r->name,
				     value);
	if (rc < 0 && *value && value[strspn(value, "0123456789.")] == '\0')
		return options_wrong(o, "--%s %s: a time needs its unit: write %s%s or %sms",
				     r->name, value, value, "s", value);
	if (rc < 0)
		return options_wrong(
			o, "--%s %s is not a time: write it like 500ms, 3s, 10m, 2h or 1d", r->name,
			value);
	return check_range(o, r, value, *r->time, units_time_text);
}

static int read_number(const struct options *o, const struct option_row *r, const char *value)
{
	char *end;

	errno = 0;
	*r->number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end != '\0')
		return options_wrong(o, "--%s %s is not a whole number", r->name, value);
	if (errno == ERANGE)
		return options_wrong(o, "--%s %s is too much or too little to be counted", r->name,
				     value);
	return check_range(o, r, value, *r->number, number_text);
}

static int read_choice(const struct options *o, const struct option_row *r, const char *value)
{
	struct guess g = { .word = value };
	char all[WIDTH] = "";
	size_t n = 0;

	for (unsigned i = 0; r->choices[i]; i++) {
		if (strcmp(value, r->choices[i]) == 0) {
			*r->choice = i;
			return 0;
		}
		guess_try(&g, r->choices[i]);
		if (n < sizeof(all))
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "",
					      r->choices[i]);
	}
	if (g.best)
		return options_wrong(o, "--%s %s is not one of %s; did you mean %s?", r->name,
				     value, all, g.best);
	return options_wrong(o, "--%s %s is not one of %s", r->name, value, all);
}

/* False: it is full. */
static bool add(struct options_list *list, const char *value)
{
	if (list->count == OPTIONS_LIST_MAX)
		return false;
	list->item[list->count++] = value;
	return true;
}

static int add_value(const struct options *o, const struct option_row *r, const char *value)
{
	if (add(r->list, value))
		return 0;
	return options_wrong(o, "too many --%s: %d are the most", r->name, OPTIONS_LIST_MAX);
}

static int set(const struct options *o, const struct option_row *r, const char *value)
{
	switch (r->kind) {
	case OPTION_FLAG: *r->flag = true; return 0;
	case OPTION_COUNT: ++*r->count; return 0;
	case OPTION_TEXT: *r->text = value; return 0;
	case OPTION_LIST: return add_value(o, r, value);
	case OPTION_SIZE: return read_size(o, r, value);
	case OPTION_TIME: return read_time(o, r, value);
	case OPTION_NUMBER: return read_number(o, r, value);
	case OPTION_CHOICE: return read_choice(o, r, value);
	}
	return -EINVAL;
}

/* -- the command line -- */

/* Where in it we are. */
struct reading {
	const struct options *o;
	int argc, at;
	char **argv;
};

/* The next word, as the value of r. A word that looks like an option is one: whoever forgets a value
 * shall hear of that, and not of what happens when the next option became it. */
static int set_from_next(struct reading *in, const struct option_row *r)
{
	const char *value = in->at + 1 < in->argc ? in->argv[in->at + 1] : NULL;

	if (!value || (value[0] == '-' && value[1] != '\0'))
		return options_wrong(in->o, "--%s needs its %s: write --%s=%s", r->name,
				     r->argument, r->name, r->def ? r->def : r->argument);
	in->at++;
	return set(in->o, r, value);
}

static int long_option(struct reading *in, const char *name)
{
	const struct option_row *r = in->o->rows;
	const char *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);

	if (strcmp(name, "help") == 0) {
		options_help(in->o, stdout);
		return OPTIONS_HELPED;
	}
	while (r->name && (strncmp(r->name, name, n) != 0 || r->name[n] != '\0'))
		r++;
	if (!r->name)
		return unknown(in->o, name, n);
	if (takes_value(r))
		return equals ? set(in->o, r, equals + 1) : set_from_next(in, r);
	if (equals)
		return options_wrong(in->o, "--%s takes no value: write --%s alone", r->name,
				     r->name);
	return set(in->o, r, NULL);
}

/* One or more letters, as in -vv; the first that takes a value ends it, as in -n5. */
static int short_options(struct reading *in, const char *letters)
{
	for (; *letters; letters++) {
		const struct option_row *r = in->o->rows;
		int rc;

		if (*letters == 'h') {
			options_help(in->o, stdout);
			return OPTIONS_HELPED;
		}
		while (r->name && r->letter != *letters)
			r++;
		if (!r->name)
			return options_wrong(in->o, "there is no option -%.*s",
					     (unsigned char)*letters < 0x80 ? 1 : 4, letters);
		if (takes_value(r))
			return letters[1] ? set(in->o, r, letters + 1) : set_from_next(in, r);
		rc = set(in->o, r, NULL);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int positional(const struct options *o, const char *value)
{
	if (!o->rest)
		return options_wrong(o, "\"%s\" is not expected here: there are options only",
				     value);
	if (!add(o->rest, value))
		return options_wrong(o, "too many arguments: %d are the most", OPTIONS_LIST_MAX);
	return 0;
}

static int set_defaults(const struct options *o)
{
	for (const struct option_row *r = o->rows; r->name; r++) {
		int rc = r->def ? set(o, r, r->def) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}

int options_parse(const struct options *o, int argc, char **argv)
{
	struct reading in = { .o = o, .argc = argc, .argv = argv };
	bool only_arguments = false;
	int rc = set_defaults(o);

	for (in.at = 1; rc == 0 && in.at < argc; in.at++) {
		const char *word = argv[in.at];

		if (only_arguments || word[0] != '-' || word[1] == '\0')
			rc = positional(o, word);
		else if (strcmp(word, "--") == 0)
			only_arguments = true;
		else if (word[1] == '-')
			rc = long_option(&in, word + 2);
		else
			rc = short_options(&in, word + 1);
	}
	return rc;
}

/* -- help -- */

size_t options_wrap(FILE *to, const char *text, size_t at, size_t indent)
{
	while (*text) {
		size_t n = strcspn(text, " ");

		if (at + 1 + n > WIDTH && at > indent) {
			fprintf(to, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', to);
			at++;
		}
		fwrite(text, 1, n, to);
		at += n;
		text += n + strspn(text + n, " ");
	}
	return at;
}

/* " [10m]" */
static size_t def_width(const struct option_row *r)
{
	return r->def ? strlen(" []") + strlen(r->def) : 0;
}

/* A label that is too long has its help beside it if that fits, else below. */
static void help_row(FILE *to, const struct option_row *r)
{
	char label[WIDTH], letter[8] = "    ";
	size_t at;

	if (r->letter)
		snprintf(letter, sizeof(letter), "-%c, ", r->letter);
	snprintf(label, sizeof(label), "  %s--%s%s%s", letter, r->name, r->argument ? " " : "",
		 r->argument ? r->argument : "");
	at = (size_t)fprintf(to, "%-*s", LABEL - 2, label);
	if (at > LABEL - 2 && at + strlen(": ") + strlen(r->help) + def_width(r) > WIDTH) {
		fputc('\n', to);
		at = 0;
	}
	at += (size_t)fprintf(to, "%*s", at < LABEL - 1 ? (int)(LABEL - at) : 2, "");
	at = options_wrap(to, r->help, at, at);
	if (r->def) {
		char def[WIDTH];

		snprintf(def, sizeof(def), "[%s]", r->def);
		options_wrap(to, def, at, LABEL);
	}
	fputc('\n', to);
}

void options_help(const struct options *o, FILE *to)
{
	static const struct option_row help = { .name = "help", .letter = 'h', .help = "this" };
	char line[2 * WIDTH];
	size_t at;

	snprintf(line, sizeof(line), "%s: %s", o->command, o->summary);
	options_wrap(to, line, 0, 0);
	at = (size_t)fprintf(to, "\n\nusage: %s [OPTION...]", o->command) - 2;
	if (o->synopsis)
		options_wrap(to, o->synopsis, at, strlen("usage: "));
	fputs("\n\n", to);
	for (const struct option_row *r = o->rows; r->name; r++)
		help_row(to, r);
	help_row(to, &help);
	if (o->more)
		fprintf(to, "\n%s", o->more);
}
