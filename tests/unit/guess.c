/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/guess.h"

static const char *guessed(const char *word)
{
	static const char *const words[] = { "relay", "check", "demo", "help" };
	struct guess g = { .word = word };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		guess_try(&g, words[i]);
	return g.best;
}

static void guesses_are_near_or_none(void **state)
{
	(void)state;
	assert_string_equal(guessed("relay"), "relay");
	assert_string_equal(guessed("realy"), "relay");
	assert_string_equal(guessed("rely"), "relay");
	assert_string_equal(guessed("relayy"), "relay");
	assert_string_equal(guessed("rel"), "relay");
	assert_string_equal(guessed("chekc"), "check");
	assert_string_equal(guessed("dmeo"), "demo");
	assert_null(guessed("serve"));
	assert_null(guessed("x"));
	assert_null(guessed(""));
	assert_null(guessed(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guesses_are_near_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
