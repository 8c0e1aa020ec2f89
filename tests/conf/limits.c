/* SPDX-License-Identifier: BSD-2-Clause */
/* limits.c — files that are large, deep or round are refused, and at once */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Beginning, then `what` so many times ("%u" in it counts), then the end. To be freed. */
static char *many(const char *beginning, const char *what, unsigned times, const char *end)
{
	char *text;
	size_t n;
	FILE *to = open_memstream(&text, &n);
	const char *u = strstr(what, "%u");

	assert_non_null(to);
	fputs(beginning, to);
	for (unsigned i = 0; i < times; i++)
		if (u)
			fprintf(to, "%.*s%u%s", (int)(u - what), what, i, u + 2);
		else
			fputs(what, to);
	fputs(end, to);
	fclose(to);
	return text;
}

/* Bad, first of all because of what it says; within seconds, where it could be minutes. */
static void says(char *text, const char *first)
{
	struct conf_report report = { 0 };
	const struct conf *c = NULL;
	clock_t begin = clock();

	assert_int_equal(conf_load_bytes("x.conf", text, strlen(text), &c, &report), -EINVAL);
	assert_true(report.messages > 0);
	assert_string_equal(report.message[0].text, first);
	assert_true(clock() - begin < 20 * CLOCKS_PER_SEC);
	conf_report_clear(&report);
	free(text);
}

static void too_many_splits_are_refused(void **state)
{
	(void)state;
	says(many("split:\n", "- {source: \"10.0.0.1:1\", listen: \":1%u\"}\n", 65, ""),
	     "x.conf:66:3: more than 64 splits are too many");
	says(many("split:\n", "- {source: \"10.0.0.1:1\", listen: \"127.0.0.1:1\"} # %u\n", 4000,
		  ""),
	     "x.conf:3:34: listen: \"127.0.0.1:1\" is taken by \"127.0.0.1:1\" of line 2");
}

static void deep_ones_are_refused(void **state)
{
	static const char *const deep[] = { "[", "{a: ", "- ", "? ", "[{" };

	(void)state;
	for (size_t i = 0; i < sizeof(deep) / sizeof(deep[0]); i++) {
		size_t level = strlen(deep[i]);
		char want[100];

		/* The seventeenth bracket. "[{" has two for its length, "{a: " one. */
		snprintf(want, sizeof(want),
			 "x.conf:1:%zu: lists and sections lie too deep in one another",
			 strcmp(deep[i], "[{") == 0 ? 17 : 16 * level + 1);
		says(many("", deep[i], 200000, ""), want);
	}
}

static void large_ones_are_refused(void **state)
{
	(void)state;
	says(many("", "# 0123456789abcdef\n", 60000, LISTEN_B BACKEND_B),
	     "x.conf: the file is larger than 1M");
}

static void anchors_are_few(void **state)
{
	(void)state;
	says(many("listen:\n", "- &a%u x\n", 50000, BACKEND_B),
	     "x.conf:102:3: more than 100 anchors are too many");
}

static void lists_are_bounded(void **state)
{
	(void)state;
	says(many("listen: [", "{address: \":%u\", default: b},", 4097, "]\n" BACKEND_B),
	     "x.conf:1:9: listen: more than 4096 are too many");
	says(many(LISTEN_B "backend: {", "b%u: {},", 4097, "}\n"),
	     "x.conf:1:35: there is no backend \"b\"");
	says(many("listen: [{address: \":1\", default: b, look: [", "tls,", 4097,
		  "]}]\n" BACKEND_B),
	     "x.conf:1:44: look: more than 4096 are too many");
}

/* Three lists of 2000 aliases in one another would be 8 * 10^9 texts. */
static void aliases_are_bounded(void **state)
{
	char *sni = many(
		"listen:\n- address: \":1\"\n  look: [tls]\n  routes:\n  - &r {backend: b, sni: [&n a.example,",
		"*n,", 2000, "]}\n");
	char *routes = many(sni, "  - *r\n", 2000, BACKEND_B);

	(void)state;
	free(sni);
	says(routes, "x.conf: its aliases stand for too much");
}

static void many_routes_are_fine(void **state)
{
	char *text = many("listen:\n- address: \":1\"\n  look: [tls]\n  routes:\n",
			  "  - {sni: [a%u.example], backend: b}\n", 4000, BACKEND_B);
	const struct conf *c = good_file(text);

	(void)state;
	assert_int_equal(c->listener[0]->routes, 4000);
	assert_string_equal(c->listener[0]->route[3999]->sni.item[0], "a3999.example");
	conf_unref(c);
	free(text);
}

static void messages_are_counted_beyond_what_is_kept(void **state)
{
	char *text = many(LISTEN_B BACKEND_B, "k%u: 1\n", 300, ""), *report_says;
	struct conf_report report = { 0 };
	const struct conf *c = NULL;

	(void)state;
	assert_int_equal(conf_load_bytes("x.conf", text, strlen(text), &c, &report), -EINVAL);
	assert_int_equal(report.errors, 300);
	assert_int_equal(report.messages, 200);
	report_says = report_text(&report);
	assert_non_null(strstr(report_says, "\n... and 100 more\n"));
	free(report_says);
	conf_report_clear(&report);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_many_splits_are_refused),
		cmocka_unit_test(deep_ones_are_refused),
		cmocka_unit_test(large_ones_are_refused),
		cmocka_unit_test(anchors_are_few),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(aliases_are_bounded),
		cmocka_unit_test(many_routes_are_fine),
		cmocka_unit_test(messages_are_counted_beyond_what_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
