/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/exposition.h"

static char *text;
static size_t length;
static FILE *to;

static int begin(void **state)
{
	(void)state;
	to = open_memstream(&text, &length);
	return to ? 0 : -1;
}

/* What was written is this, and is over. */
static void wrote(const char *want)
{
	fclose(to);
	assert_string_equal(text, want);
	assert_int_equal(length, strlen(want));
	free(text);
}

static void value_reads(const char *value, const char *want)
{
	const struct exposition_label labels[] = { { "a", value }, { .name = NULL } };
	char line[256];

	begin(NULL);
	exposition_sample(to, "m", labels, 1);
	snprintf(line, sizeof(line), "m{a=\"%s\"} 1\n", want);
	wrote(line);
}

static void no_value_breaks_out_of_its_line(void **state)
{
	(void)state;
	value_reads("", "");
	value_reads("127.0.0.1:443", "127.0.0.1:443");
	value_reads("sni=*.b.example,c", "sni=*.b.example,c");
	value_reads("a\"} 7\nm 1", "a\\\"} 7\\nm 1");
	value_reads("\\", "\\\\");
	value_reads("\\n", "\\\\n");
	value_reads("unix:/run/{x},y z", "unix:/run/{x},y z");
	value_reads("gr\xc3\xbc\xc3\x9f\x65", "gr\xc3\xbc\xc3\x9f\x65");
}

static void what_is_no_character_is_marked(void **state)
{
	(void)state;
	value_reads("a\xff"
		    "b",
		    "a\xef\xbf\xbd"
		    "b");
	value_reads("\xc3", "\xef\xbf\xbd");
	value_reads("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	value_reads("\xc3\"", "\xef\xbf\xbd\\\"");
}

static void whole_numbers_keep_every_digit(void **state)
{
	(void)state;
	exposition_sample(to, "m", NULL, 0);
	exposition_sample(to, "m", NULL, 9007199254740993u);
	exposition_sample(to, "m", NULL, UINT64_MAX);
	wrote("m 0\nm 9007199254740993\nm 18446744073709551615\n");
}

static void thousandths_have_a_point_where_they_need_one(void **state)
{
	static const uint64_t n[] = { 0, 1, 10, 100, 120, 999, 1000, 1001, 61500, 1796060636123u };

	(void)state;
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++)
		exposition_thousandths(to, "m", NULL, n[i]);
	wrote("m 0\nm 0.001\nm 0.01\nm 0.1\nm 0.12\nm 0.999\nm 1\nm 1.001\nm 61.5\nm 1796060636.123\n");
}

static void labels_stand_in_their_order(void **state)
{
	const struct exposition_label none[] = { { .name = NULL } };
	const struct exposition_label three[] = {
		{ "backend", "web" }, { "server", "[::1]:80" }, { "name", ":80" }, { .name = NULL }
	};

	(void)state;
	exposition_head(to, "m_total", "counter", "What it counts.");
	exposition_sample(to, "m_total", none, 1);
	exposition_sample(to, "m_total", three, 2);
	wrote("# HELP m_total What it counts.\n# TYPE m_total counter\nm_total 1\n"
	      "m_total{backend=\"web\",server=\"[::1]:80\",name=\":80\"} 2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_value_breaks_out_of_its_line),
		cmocka_unit_test(what_is_no_character_is_marked),
		cmocka_unit_test_setup(whole_numbers_keep_every_digit, begin),
		cmocka_unit_test_setup(thousandths_have_a_point_where_they_need_one, begin),
		cmocka_unit_test_setup(labels_stand_in_their_order, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
