/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_dump.c — the table again, from field to text
 *
 * Listeners and backends get a line for each key, with their routes and servers one to a line; what
 * lies deeper, and the small sections, are written in braces. So nothing here calls itself.
 */
#include "daemon/conf_dump.h"

#include <stdlib.h>
#include <string.h>

static const void *field_of(const void *object, const struct conf_key *k)
{
	return (const char *)object + k->field;
}

static bool is_there(const struct conf_key *k, const void *object)
{
	return !k->optional || *(const bool *)((const char *)object + k->on);
}

/* {a: 1, b: 2} of values alone. */
static void write_braces(const struct conf_section *s, const void *object, FILE *to)
{
	const char *before = "{";

	for (const struct conf_key *k = s->keys; k->name; k++) {
		fprintf(to, "%s%s: ", before, k->name);
		k->type->write(k, field_of(object, k), to);
		before = ", ";
	}
	fputc('}', to);
}

static void write_listed(const struct conf_key *k, const void *object, FILE *to)
{
	size_t n = k->section->count(object);

	if (n == 0)
		fputs(" []", to);
	for (size_t i = 0; i < n; i++) {
		fputs("\n      - ", to);
		write_braces(k->section, k->section->get(object, i), to);
	}
}

/* What follows "key:". */
static void write_key(const struct conf_key *k, const void *object, FILE *to)
{
	const struct conf_section *s = k->section;

	if (s && s->many != CONF_ONE) {
		write_listed(k, object, to);
		return;
	}
	fputc(' ', to);
	if (!s)
		k->type->write(k, field_of(object, k), to);
	else if (is_there(k, object))
		write_braces(s, field_of(object, k), to);
	else
		fputs("none", to);
}

/* Each listener, each backend. */
static void write_many(const struct conf_key *many, const void *parent, FILE *to)
{
	const struct conf_section *s = many->section;
	size_t n = s->count(parent);

	if (n == 0)
		fputs(s->many == CONF_NAMED ? " {}" : " []", to);
	for (size_t i = 0; i < n; i++) {
		const void *object = s->get(parent, i);
		const char *before = "\n  - ";

		if (s->many == CONF_NAMED) {
			fputs("\n  ", to);
			conf_write_text(s->name(object), to);
			fputc(':', to);
			before = "\n    ";
		}
		for (const struct conf_key *k = s->keys; k->name; k++) {
			fprintf(to, "%s%s:", before, k->name);
			write_key(k, object, to);
			before = "\n    ";
		}
	}
}

/* What may be left out as another key is there, and is: an empty one could not be read again. */
static bool is_left_out(const struct conf *c, const struct conf_key *k)
{
	const struct conf_key *other = k->unless ? conf_key_find(&conf_file, k->unless) : NULL;

	return other && k->section->count(c) == 0 && other->section->count(c) > 0;
}

void conf_dump(const struct conf *c, FILE *to)
{
	for (const struct conf_key *k = conf_file.keys; k->name; k++) {
		if (is_left_out(c, k))
			continue;
		fprintf(to, "%s:", k->name);
		if (k->section && k->section->many != CONF_ONE)
			write_many(k, c, to);
		else
			write_key(k, c, to);
		fputc('\n', to);
	}
}

static char *braces(const struct conf_section *s, const void *object)
{
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	if (!to)
		return NULL;
	write_braces(s, object, to);
	fclose(to);
	return text;
}

bool conf_dump_same(const struct conf_section *s, const void *one, const void *other)
{
	char *a = braces(s, one), *b = braces(s, other);
	bool same = a && b && strcmp(a, b) == 0;

	free(a);
	free(b);
	return same;
}
