/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/why.h"

/* Users search their logs for these: they may grow in number, but never change. */
static void the_words_are_those_of_the_manual(void **state)
{
	static const char *const words[] = {
		"done",           "client-reset",
		"server-reset",   "client-timeout",
		"server-timeout", "refused",
		"unreachable",    "connect-timeout",
		"idle",           "half-closed-timeout",
		"drain",          "stop",
		"left",           "client-gone",
		"no-route",       "bad-head",
		"head-timeout",   "silent",
		"per-client",     "servers-down",
		"backend-full",   "unresolved",
		"lag",            "source-lost",
		"no-fds",         "no-memory",
		"error",
	};

	(void)state;
	assert_string_equal(why_text(WHY_NONE), "none");
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_string_equal(why_text((enum why)(i + 1)), words[i]);
	assert_string_equal(why_text(WHY_HALF_CLOSED_TIMEOUT), "half-closed-timeout");
	assert_string_equal(why_text(WHY_ERROR), "error");
}

/* A word stands unquoted in a log line and as a label of a metric. */
static void each_word_is_plain_and_its_own(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WHYS; i++) {
		const char *text = why_text((enum why)i);

		assert_true(strlen(text) > 0);
		assert_int_equal(strspn(text, "abcdefghijklmnopqrstuvwxyz-"), strlen(text));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(text, why_text((enum why)k));
	}
}

static void each_is_explained_in_one_line(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WHYS; i++) {
		const char *text = why_explain((enum why)i);

		assert_true(strlen(text) > 10 && strlen(text) < 80);
		assert_null(strchr(text, '\n'));
	}
}

static void what_is_no_reason_is_none(void **state)
{
	(void)state;
	assert_string_equal(why_text(WHYS), "none");
	assert_string_equal(why_text((enum why)4711), "none");
	assert_string_equal(why_explain((enum why)4711), why_explain(WHY_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_words_are_those_of_the_manual),
		cmocka_unit_test(each_word_is_plain_and_its_own),
		cmocka_unit_test(each_is_explained_in_one_line),
		cmocka_unit_test(what_is_no_reason_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
