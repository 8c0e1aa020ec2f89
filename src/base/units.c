/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"

/* Where the number "12" or "1.5" at the start of text ends; NULL: there is none. */
static const char *number_end(const char *text)
{
	size_t whole = strspn(text, DIGITS), part;

	if (whole == 0)
		return NULL;
	if (text[whole] != '.')
		return text + whole;
	part = strspn(text + whole + 1, DIGITS);
	return part == 0 ? NULL : text + whole + 1 + part;
}

/* The number text..end times unit, rounded down; unit is far below 2^60. */
static int times(const char *text, const char *end, uint64_t unit, uint64_t *out)
{
	const char *point = memchr(text, '.', (size_t)(end - text)), *p = text;
	uint64_t value = 0, part = 0;

	for (; p < (point ? point : end); p++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	if (__builtin_mul_overflow(value, unit, &value))
		return -ERANGE;
	/* From the last digit to the first, a tenth at a time: exact, however many digits there are. */
	for (p = end - 1; point && p > point; p--)
		part = ((uint64_t)(*p - '0') * unit + part) / 10;
	if (__builtin_add_overflow(value, part, &value))
		return -ERANGE;
	if (value == 0 && strcspn(text, "123456789") < (size_t)(end - text))
		return -ERANGE;
	*out = value;
	return 0;
}

/* 0: not a unit of size. */
static uint64_t size_unit(const char *unit)
{
	static const char letters[] = "kmgtKMGT";
	const char *letter = *unit ? strchr(letters, *unit) : NULL;

	if (!letter)
		return strcmp(unit, "") == 0 || strcmp(unit, "B") == 0;
	unit++;
	if (strcmp(unit, "") != 0 && strcmp(unit, "B") != 0 && strcmp(unit, "iB") != 0)
		return 0;
	return (uint64_t)1 << (10 * ((letter - letters) % 4 + 1));
}

int units_size(const char *text, uint64_t *bytes)
{
	const char *end = number_end(text);
	uint64_t unit = end ? size_unit(end) : 0;

	if (unit == 0)
		return -EINVAL;
	return times(text, end, unit, bytes);
}

/* The largest first, which is the order for printing. */
static const struct {
	const char *name;
	uint64_t ms;
} time_units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};
#define TIME_UNITS (sizeof(time_units) / sizeof(time_units[0]))

int units_time(const char *text, uint64_t *ms)
{
	const char *end = number_end(text);

	if (!end)
		return -EINVAL;
	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return 0;
	}
	for (size_t i = 0; i < TIME_UNITS; i++)
		if (strcmp(end, time_units[i].name) == 0)
			return times(text, end, time_units[i].ms, ms);
	return -EINVAL;
}

static int decimals(double v)
{
	return v < 9.995 ? 2 : v < 99.95 ? 1 : 0;
}

const char *units_size_text(uint64_t bytes, char buf[UNITS_TEXT])
{
	double v = (double)bytes;
	unsigned i = 0;

	for (; i < 4 && v >= (i ? 1023.5 : 1024); i++)
		v /= 1024;
	if (bytes % ((uint64_t)1 << (10 * i)) == 0)
		snprintf(buf, UNITS_TEXT, "%" PRIu64 "%.*s", bytes >> (10 * i), i > 0, &" KMGT"[i]);
	else
		snprintf(buf, UNITS_TEXT, "%.*f%c", decimals(v), v, " KMGT"[i]);
	return buf;
}

const char *units_rate_text(uint64_t bytes, uint64_t ms, char buf[UNITS_TEXT])
{
	static const char *const names[] = { "B/s", "kB/s", "MB/s", "GB/s", "TB/s" };
	double v = ms ? (double)bytes * 1000.0 / (double)ms : 0;
	unsigned i = 0;

	for (; i < 4 && v >= 999.5; i++)
		v /= 1000;
	if (ms == 0)
		snprintf(buf, UNITS_TEXT, "- B/s");
	else
		snprintf(buf, UNITS_TEXT, "%.*f %s", i ? decimals(v) : 0, v, names[i]);
	return buf;
}

const char *units_time_text(uint64_t ms, char buf[UNITS_TEXT])
{
	size_t i = 0;

	if (ms == 0) {
		snprintf(buf, UNITS_TEXT, "0");
		return buf;
	}
	while (ms % time_units[i].ms != 0)
		i++;
	snprintf(buf, UNITS_TEXT, "%" PRIu64 "%s", ms / time_units[i].ms, time_units[i].name);
	return buf;
}
