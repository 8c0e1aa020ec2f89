/* SPDX-License-Identifier: BSD-2-Clause */
/* keys.c — the table of a configuration's keys, as scdoc has them: the reference part of shunt.conf(5) */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "daemon/conf_keys.h"

/* What scdoc would take for bold or underlined is escaped. */
static void put(const char *text)
{
	for (; *text; text++) {
		if (strchr("*_\\", *text))
			putchar('\\');
		putchar(*text);
	}
}

static void put_number(const struct conf_key *k, uint64_t n)
{
	char buf[UNITS_TEXT];

	if (k->type == &value_time)
		units_time_text(n, buf);
	else if (k->type == &value_size)
		units_size_text(n, buf);
	else
		snprintf(buf, sizeof(buf), "%llu", (unsigned long long)n);
	put(buf);
}

static void put_kind(const struct conf_key *k)
{
	static const char *const kinds[] = {
		[CONF_ONE] = "section",
		[CONF_LISTED] = "list of sections",
		[CONF_NAMED] = "sections by name",
	};

	printf(" _%s_", k->type ? k->type->word : kinds[k->section->many]);
}

static void put_words(const struct conf_key *k)
{
	const char *word, *before = k->type->list ? " Any of " : " One of ";

	for (unsigned i = 0; (word = k->choice(i)); i++)
		if (*word) {
			printf("%s*", before);
			put(word);
			putchar('*');
			before = ", ";
		}
	putchar('.');
}

static void put_range(const struct conf_key *k)
{
	putchar(' ');
	if (k->or_zero)
		fputs("0, or ", stdout);
	put_number(k, k->min);
	fputs(" to ", stdout);
	put_number(k, k->max);
	putchar('.');
}

static void put_default(const struct conf_key *k)
{
	if (!k->def && k->unless) {
		printf(" Required, unless there is *%s*.", k->unless);
	} else if (!k->def) {
		fputs(" Required.", stdout);
	} else if (*k->def) {
		fputs(" Default: *", stdout);
		put(k->def);
		fputs("*.", stdout);
	}
}

static void put_key(const char *path, const struct conf_key *k)
{
	char help[256];

	snprintf(help, sizeof(help), "%s", k->help);
	help[0] = (char)toupper((unsigned char)help[0]);
	putchar('*');
	put(path);
	putchar('*');
	put_kind(k);
	fputs("\n\t", stdout);
	put(help);
	putchar('.');
	if (k->choice)
		put_words(k);
	if (k->max)
		put_range(k);
	put_default(k);
	fputs("\n\n", stdout);
}

/* Calls itself as deep as sections lie in one another. */
static void put_section(const char *before, const struct conf_section *s)
{
	for (const struct conf_key *k = s->keys; k->name; k++) {
		char path[128];

		snprintf(path, sizeof(path), "%s%s", before, k->name);
		put_key(path, k);
		if (!k->section)
			continue;
		snprintf(path, sizeof(path), "%s%s.%s", before, k->name,
			 k->section->many == CONF_NAMED ? "NAME." : "");
		put_section(path, k->section);
	}
}

int main(void)
{
	put_section("", &conf_file);
	return 0;
}
