/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_value.c — values that are numbers or words; conf_address.c and conf_name.c have the others */
#include "daemon/conf_value.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/units.h"

#define DIGITS "0123456789"

/* -- texts -- */

/* The character at *p, past which *p is moved; -1: these bytes are none. */
static int32_t character(const char **p)
{
	static const int32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)*p;
	size_t more = s[0] < 0x80 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
	int32_t c = more ? s[0] & (0x3f >> more) : s[0];

	if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4)
		return -1;
	for (size_t i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -1;
	*p += more + 1;
	return c;
}

bool conf_is_clean(const char *text)
{
	while (*text) {
		int32_t c = character(&text);

		if (c < ' ' || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}

void conf_write_text(const char *text, FILE *to)
{
	fputc('"', to);
	while (*text) {
		int32_t c = character(&text);

		if (c < 0)
			break; /* cannot be: conf_is_clean has seen it */
		if (c == '"' || c == '\\')
			fputc('\\', to);
		if (c > '~')
			fprintf(to, "\\U%08" PRIX32, (uint32_t)c);
		else
			fputc((int)c, to);
	}
	fputc('"', to);
}

bool conf_refuse(const struct conf_reading *in, const char *text, const char *problem)
{
	char quoted[CONF_QUOTED];

	conf_error(in->report, &in->at, "%s: %s: %s", in->key->name, conf_quoted(text, quoted),
		   problem);
	return false;
}

/* -- true or false -- */

static bool bool_read(const struct conf_reading *in, void *field, const char *text)
{
	bool yes = strcmp(text, "true") == 0;
	char quoted[CONF_QUOTED];

	if (!yes && strcmp(text, "false") != 0) {
		conf_error(in->report, &in->at, "%s: %s is neither true nor false", in->key->name,
			   conf_quoted(text, quoted));
		return false;
	}
	*(bool *)field = yes;
	return true;
}

static void bool_write(const struct conf_key *key, const void *field, FILE *to)
{
	(void)key;
	fputs(*(const bool *)field ? "true" : "false", to);
}

const struct conf_type value_bool = { "true or false", false, bool_read, bool_write };

/* -- numbers, times, sizes -- */

/* The unit that divides it, the largest one, so that it reads back the very same. */
static const char *size_text(uint64_t bytes, char *buf)
{
	unsigned i = 0;

	while (bytes && i < 4 && bytes % 1024 == 0) {
		bytes /= 1024;
		i++;
	}
	snprintf(buf, UNITS_TEXT, "%" PRIu64 "%.*s", bytes, i > 0, &" KMGT"[i]);
	return buf;
}

static const char *number_text(uint64_t n, char *buf)
{
	snprintf(buf, UNITS_TEXT, "%" PRIu64, n);
	return buf;
}

static bool in_range(const struct conf_reading *in, const char *text, uint64_t n,
		     const char *(*print)(uint64_t, char *))
{
	const struct conf_key *k = in->key;
	char limit[UNITS_TEXT], quoted[CONF_QUOTED];

	if (n < k->min && !(n == 0 && k->or_zero))
		conf_error(in->report, &in->at, "%s: %s is too small: %s is the least", k->name,
			   conf_quoted(text, quoted), print(k->min, limit));
	else if (k->max && n > k->max)
		conf_error(in->report, &in->at, "%s: %s is too large: %s is the most", k->name,
			   conf_quoted(text, quoted), print(k->max, limit));
	else
		return true;
	return false;
}

/* What units_time or units_size said of a text. */
static bool is_read(const struct conf_reading *in, const char *text, int rc, const char *hint)
{
	char quoted[CONF_QUOTED];

	if (rc == -ERANGE)
		conf_error(in->report, &in->at, "%s: %s is too much or too little to be counted",
			   in->key->name, conf_quoted(text, quoted));
	else if (rc < 0)
		conf_error(in->report, &in->at, "%s: %s is not %s", in->key->name,
			   conf_quoted(text, quoted), hint);
	return rc == 0;
}

static bool number_read(const struct conf_reading *in, void *field, const char *text)
{
	uint64_t n = 0;
	int rc = *text && text[strspn(text, DIGITS)] == '\0' ? units_size(text, &n) : -EINVAL;

	if (rc == 0 && in->key->max == 0 && n > UINT32_MAX)
		rc = -ERANGE;
	if (!is_read(in, text, rc, "a whole number") || !in_range(in, text, n, number_text))
		return false;
	*(unsigned *)field = (unsigned)n;
	return true;
}

static void number_write(const struct conf_key *key, const void *field, FILE *to)
{
	(void)key;
	fprintf(to, "%u", *(const unsigned *)field);
}

static bool time_read(const struct conf_reading *in, void *field, const char *text)
{
	bool bare = *text && text[strspn(text, DIGITS ".")] == '\0';
	char quoted[CONF_QUOTED];
	uint64_t ms;
	int rc = units_time(text, &ms);

	if (rc == -EINVAL && bare) {
		conf_error(in->report, &in->at, "%s: %s needs its unit: write it like 500ms or 3s",
			   in->key->name, conf_quoted(text, quoted));
		return false;
	}
	if (!is_read(in, text, rc, "a time: write it like 500ms, 3s, 10m, 2h or 1d") ||
	    !in_range(in, text, ms, units_time_text))
		return false;
	*(uint64_t *)field = ms;
	return true;
}

static void time_write(const struct conf_key *key, const void *field, FILE *to)
{
	char buf[UNITS_TEXT];

	(void)key;
	fputs(units_time_text(*(const uint64_t *)field, buf), to);
}

static bool size_read(const struct conf_reading *in, void *field, const char *text)
{
	uint64_t bytes;

	if (!is_read(in, text, units_size(text, &bytes),
		     "a size: write it like 4096, 64k, 1M or 1.5G") ||
	    !in_range(in, text, bytes, size_text))
		return false;
	*(uint64_t *)field = bytes;
	return true;
}

static void size_write(const struct conf_key *key, const void *field, FILE *to)
{
	char buf[UNITS_TEXT];

	(void)key;
	fputs(size_text(*(const uint64_t *)field, buf), to);
}

const struct conf_type value_number = { "number", false, number_read, number_write };
const struct conf_type value_time = { "time", false, time_read, time_write };
const struct conf_type value_size = { "size", false, size_read, size_write };

/* -- a range of ports -- */

bool conf_ports_read(const char *text, struct conf_ports *out)
{
	unsigned first, last;
	char rest;

	if (strspn(text, DIGITS "-") != strlen(text) ||
	    sscanf(text, "%5u-%5u%c", &first, &last, &rest) != 2 || first < 1024 || first > last ||
	    last > UINT16_MAX)
		return false;
	*out = (struct conf_ports){ (uint16_t)first, (uint16_t)last };
	return true;
}

static bool ports_read(const struct conf_reading *in, void *field, const char *text)
{
	return conf_ports_read(text, field) ||
	       conf_refuse(in, text, "write a range from 1024 on, like 40000-49999");
}

static void ports_write(const struct conf_key *key, const void *field, FILE *to)
{
	const struct conf_ports *ports = field;

	(void)key;
	fprintf(to, "\"%u-%u\"", ports->first, ports->last);
}

const struct conf_type value_ports = { "ports", false, ports_read, ports_write };

/* -- one of some words, or several of them -- */

#define WORDS 160 /* all words of a choice, with commas */

static bool is_word(const char *word)
{
	return *word != '\0';
}

static void not_a_choice(const struct conf_reading *in, const char *text)
{
	char all[WORDS] = "", quoted[CONF_QUOTED], meant[CONF_MEANT];
	struct guess g = { .word = text };
	const char *word;
	size_t n = 0;

	for (unsigned i = 0; (word = in->key->choice(i)); i++) {
		if (!is_word(word))
			continue;
		guess_try(&g, word);
		if (n < sizeof(all))
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", n ? ", " : "",
					      word);
	}
	conf_error(in->report, &in->at, "%s: %s is not one of %s%s", in->key->name,
		   conf_quoted(text, quoted), all, conf_meant(&g, meant));
}

/* Which of the words it is; -1: none, and the report says so. */
static int chosen(const struct conf_reading *in, const char *text)
{
	const char *word;

	for (unsigned i = 0; (word = in->key->choice(i)); i++)
		if (is_word(word) && strcmp(word, text) == 0)
			return (int)i;
	not_a_choice(in, text);
	return -1;
}

static bool choice_read(const struct conf_reading *in, void *field, const char *text)
{
	int i = chosen(in, text);
	unsigned value = (unsigned)i;

	_Static_assert(sizeof(enum conf_balance) == sizeof(value), "an enum is an unsigned");
	if (i >= 0)
		memcpy(field, &value, sizeof(value));
	return i >= 0;
}

static void choice_write(const struct conf_key *key, const void *field, FILE *to)
{
	unsigned value;

	memcpy(&value, field, sizeof(value));
	fputs(key->choice(value), to);
}

static bool set_read(const struct conf_reading *in, void *field, const char *text)
{
	int i = chosen(in, text);

	if (i >= 0)
		*(unsigned *)field |= 1u << i;
	return i >= 0;
}

static void set_write(const struct conf_key *key, const void *field, FILE *to)
{
	const char *word, *comma = "";

	fputc('[', to);
	for (unsigned i = 0; (word = key->choice(i)); i++)
		if (*(const unsigned *)field & 1u << i) {
			fprintf(to, "%s%s", comma, word);
			comma = ", ";
		}
	fputc(']', to);
}

const struct conf_type value_choice = { "word", false, choice_read, choice_write };
const struct conf_type value_set = { "words", true, set_read, set_write };
