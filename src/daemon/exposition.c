/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/exposition.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"

void exposition_head(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Between quotes: three characters are escaped, what is no character is U+FFFD. */
static void put_value(FILE *to, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	size_t left = strlen(value), n;

	for (; left > 0; s += n, left -= n) {
		size_t len = utf8_character(s, left);

		n = len ? len : 1;
		if (len == 0)
			fputs(UTF8_UNKNOWN, to);
		else if (*s == '\n')
			fputs("\\n", to);
		else if (*s == '\\' || *s == '"')
			fprintf(to, "\\%c", *s);
		else
			fwrite(s, 1, n, to);
	}
}

static void put_name(FILE *to, const char *name, const struct exposition_label *labels)
{
	const char *before = "{";

	fputs(name, to);
	for (; labels && labels->name; labels++) {
		fprintf(to, "%s%s=\"", before, labels->name);
		put_value(to, labels->value);
		putc('"', to);
		before = ",";
	}
	fputs(*before == ',' ? "} " : " ", to);
}

void exposition_sample(FILE *to, const char *name, const struct exposition_label *labels,
		       uint64_t value)
{
	put_name(to, name, labels);
	fprintf(to, "%" PRIu64 "\n", value);
}

/* Not by %f: the point would be what a locale takes for one. */
void exposition_thousandths(FILE *to, const char *name, const struct exposition_label *labels,
			    uint64_t value)
{
	unsigned part = (unsigned)(value % 1000);
	int digits = 3;

	put_name(to, name, labels);
	fprintf(to, "%" PRIu64, value / 1000);
	for (; part && part % 10 == 0; part /= 10)
		digits--;
	if (part)
		fprintf(to, ".%0*u", digits, part);
	putc('\n', to);
}

void exposition_one(FILE *to, const char *name, const char *type, const char *help, uint64_t value)
{
	exposition_head(to, name, type, help);
	exposition_sample(to, name, NULL, value);
}
