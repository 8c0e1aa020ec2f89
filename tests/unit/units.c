/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

static const uint64_t K = 1024, M = 1048576, G = 1073741824, T = 1099511627776;

static void size_is(const char *text, uint64_t want)
{
	uint64_t got = ~want;

	if (units_size(text, &got) != 0 || got != want)
		fail_msg("\"%s\": %llu instead of %llu", text, (unsigned long long)got,
			 (unsigned long long)want);
}

static void size_fails(const char *text, int want)
{
	uint64_t got = 4711;
	int rc = units_size(text, &got);

	if (rc != want || got != 4711)
		fail_msg("\"%s\": %d instead of %d, value %llu", text, rc, want,
			 (unsigned long long)got);
}

static void time_is(const char *text, uint64_t want)
{
	uint64_t got = ~want;

	if (units_time(text, &got) != 0 || got != want)
		fail_msg("\"%s\": %llu instead of %llu", text, (unsigned long long)got,
			 (unsigned long long)want);
}

static void time_fails(const char *text, int want)
{
	uint64_t got = 4711;
	int rc = units_time(text, &got);

	if (rc != want || got != 4711)
		fail_msg("\"%s\": %d instead of %d, value %llu", text, rc, want,
			 (unsigned long long)got);
}

static void sizes_are_read(void **state)
{
	(void)state;
	size_is("0", 0);
	size_is("1", 1);
	size_is("007", 7);
	size_is("4096", 4096);
	size_is("4096B", 4096);
	size_is("64k", 64 * K);
	size_is("64K", 64 * K);
	size_is("64KB", 64 * K);
	size_is("64kiB", 64 * K);
	size_is("1m", M);
	size_is("1M", M);
	size_is("3MiB", 3 * M);
	size_is("2g", 2 * G);
	size_is("2GB", 2 * G);
	size_is("5t", 5 * T);
	size_is("5TiB", 5 * T);
	size_is("0G", 0);
	size_is("0.0G", 0);
}

static void fractions_of_sizes_are_cut(void **state)
{
	(void)state;
	size_is("1.5G", G + G / 2);
	size_is("0.5k", 512);
	size_is("1.25T", T + T / 4);
	size_is("1.0009765625K", 1025); /* exactly 1 + 1/1024 */
	size_is("1.00097656249999999999999K", 1024);
	size_is("1.00097656250000000000000000000000000000K", 1025);
	size_is("0.1k", 102);
	size_is("1.9B", 1);
	size_is("1.9", 1);
	size_is("0.000000000000909494701772928237915039062500000000T", 1);
	size_is("1.99999999999999999999999999999999999999999k", 2047);
}

static void sizes_end_at_64_bits(void **state)
{
	(void)state;
	size_is("18446744073709551615", UINT64_MAX);
	size_fails("18446744073709551616", -ERANGE);
	size_fails("18446744073709551615k", -ERANGE);
	size_fails("99999999999999999999999999999999", -ERANGE);
	size_is("16777215T", 16777215 * T);
	size_is("16777215.999999999999T", UINT64_MAX - 1);
	size_fails("16777216T", -ERANGE);
	size_is("17179869183G", 17179869183 * G);
	size_fails("17179869184G", -ERANGE);
}

static void less_than_a_byte_is_not_nothing(void **state)
{
	(void)state;
	size_fails("0.5", -ERANGE);
	size_fails("0.0001k", -ERANGE);
	size_fails("0.0000000000000000000000001T", -ERANGE);
}

static void what_is_no_size_is_refused(void **state)
{
	static const char *const texts[] = {
		"",      " ",        "k",     "B",    "iB",  ".",    ".5",   "1.",   "1.k",
		"1.5.5", "-1",       "+1",    " 1",   "1 ",  "1 k",  "0x10", "1e3",  "1kk",
		"1kb",   "1kib",     "1iB",   "1Ki",  "1P",  "1KBB", "1,5G", "1kBs", "ten",
		"1\n",   "\xc2\xb2", "1.5.G", "1..5", "inf", "nan",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		size_fails(texts[i], -EINVAL);
}

static void times_are_read(void **state)
{
	(void)state;
	time_is("0", 0);
	time_is("0s", 0);
	time_is("1ms", 1);
	time_is("500ms", 500);
	time_is("3s", 3000);
	time_is("10m", 600000);
	time_is("2h", 7200000);
	time_is("1d", 86400000);
	time_is("1.5s", 1500);
	time_is("0.25h", 900000);
	time_is("1.9999s", 1999);
}

static void times_need_their_unit(void **state)
{
	(void)state;
	time_fails("10", -EINVAL);
	time_fails("1.5", -EINVAL);
	time_fails("00", -EINVAL);
	time_fails("0.0", -EINVAL);
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = {
		"",     "s",     "ms",  "-1s", "+1s",  " 1s",  "1s ",  "1 s",
		"1S",   "1M",    "1D",  "1us", "1min", "1sec", "1w",   "1m30s",
		"1mss", "10s\n", ".5s", "1.s", "s1",   "1e3s", "0x1s", "never",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		time_fails(texts[i], -EINVAL);
}

static void times_end_at_64_bits(void **state)
{
	(void)state;
	time_is("18446744073709551615ms", UINT64_MAX);
	time_fails("18446744073709551616ms", -ERANGE);
	time_is("213503982334d", (uint64_t)213503982334 * 86400000);
	time_fails("213503982335d", -ERANGE);
	time_fails("0.5ms", -ERANGE);
	time_fails("0.0001s", -ERANGE);
}

static void sizes_are_printed(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ 1000, "1000" },
		{ 1023, "1023" },
		{ 1024, "1K" },
		{ 1025, "1.00K" },
		{ 1536, "1.50K" },
		{ 65536, "64K" },
		{ 10 * 1024 + 512, "10.5K" },
		{ 100 * 1024 + 512, "100K" },
		{ 1000 * 1024 + 1, "1000K" },
		{ 1023 * 1024, "1023K" },
		{ 1024 * 1024 - 1, "1.00M" },
		{ 1024 * 1024, "1M" },
		{ 1610612736, "1.50G" },
		{ 1099511627776, "1T" },
		{ UINT64_MAX, "16777216T" },
	};
	char buf[UNITS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(units_size_text(rows[i].bytes, buf), rows[i].text);
}

static void rates_are_printed(void **state)
{
	static const struct {
		uint64_t bytes, ms;
		const char *text;
	} rows[] = {
		{ 0, 1000, "0 B/s" },
		{ 5, 0, "- B/s" },
		{ 999, 1000, "999 B/s" },
		{ 9994, 10000, "999 B/s" },
		{ 9996, 10000, "1.00 kB/s" },
		{ 1000, 1000, "1.00 kB/s" },
		{ 9994, 1000, "9.99 kB/s" },
		{ 9996, 1000, "10.0 kB/s" },
		{ 950000, 1000, "950 kB/s" },
		{ 999600, 1000, "1.00 MB/s" },
		{ 342, 1, "342 kB/s" },
		{ 3420000000, 1000, "3.42 GB/s" },
		{ 7000000000000, 1000, "7.00 TB/s" },
		{ UINT64_MAX, 1000, "18446744 TB/s" },
	};
	char buf[UNITS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(units_rate_text(rows[i].bytes, rows[i].ms, buf), rows[i].text);
	assert_true(strlen(units_rate_text(UINT64_MAX, 1, buf)) < UNITS_TEXT - 1);
}

static void times_are_printed_so_that_they_read_back(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "0" },         { 1, "1ms" },
		{ 1500, "1500ms" }, { 3000, "3s" },
		{ 90000, "90s" },   { 600000, "10m" },
		{ 3600000, "1h" },  { 5400000, "90m" },
		{ 86400000, "1d" }, { UINT64_MAX, "18446744073709551615ms" },
	};
	char buf[UNITS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(units_time_text(rows[i].ms, buf), rows[i].text);
		time_is(buf, rows[i].ms);
	}
}

static void round_sizes_read_back(void **state)
{
	char buf[UNITS_TEXT];

	(void)state;
	for (unsigned shift = 0; shift < 64; shift++)
		size_is(units_size_text((uint64_t)1 << shift, buf), (uint64_t)1 << shift);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(fractions_of_sizes_are_cut),
		cmocka_unit_test(sizes_end_at_64_bits),
		cmocka_unit_test(less_than_a_byte_is_not_nothing),
		cmocka_unit_test(what_is_no_size_is_refused),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(times_need_their_unit),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(times_end_at_64_bits),
		cmocka_unit_test(sizes_are_printed),
		cmocka_unit_test(rates_are_printed),
		cmocka_unit_test(times_are_printed_so_that_they_read_back),
		cmocka_unit_test(round_sizes_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
