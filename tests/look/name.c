/* SPDX-License-Identifier: BSD-2-Clause */
/* name.c — host names against patterns */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "look/name.h"

#define NAME(text) text, sizeof(text) - 1

static void matches(const char *pattern, const char *name, size_t len)
{
	if (!name_match(pattern, name, len))
		fail_msg("\"%s\" does not match \"%.*s\"", pattern, (int)len, name);
}

static void differs(const char *pattern, const char *name, size_t len)
{
	if (name_match(pattern, name, len))
		fail_msg("\"%s\" matches \"%.*s\"", pattern, (int)len, name);
}

static void whole_names(void **state)
{
	(void)state;
	matches("a.example", NAME("a.example"));
	matches("a.example", NAME("A.eXAMPLE"));
	matches("A.EXAMPLE", NAME("a.example"));
	matches("a.example", NAME("a.example."));
	matches("a_b-c.example", NAME("a_b-c.example"));
	matches("localhost", NAME("localhost"));
	matches("127.0.0.1", NAME("127.0.0.1"));
	differs("a.example", NAME("b.example"));
	differs("a.example", NAME("a.exampl"));
	differs("a.example", NAME("a.examplee"));
	differs("a.example", NAME("xa.example"));
	differs("a.example", NAME("x.a.example"));
	differs("a.example", NAME(""));
	differs("a.example", NAME("a.example.."));
	differs("", NAME(""));
	differs("", NAME("a"));
}

static void a_star_is_whole_labels(void **state)
{
	(void)state;
	matches("*.b.example", NAME("x.b.example"));
	matches("*.b.example", NAME("X.B.Example"));
	matches("*.b.example", NAME("y.x.b.example"));
	matches("*.b.example", NAME("x.b.example."));
	differs("*.b.example", NAME("b.example"));
	differs("*.b.example", NAME("xb.example"));
	differs("*.b.example", NAME(".b.example"));
	differs("*.b.example", NAME("..b.example"));
	differs("*.b.example", NAME(".x.b.example"));
	differs("*.b.example", NAME("x..b.example"));
	differs("*.b.example", NAME("x.b.example.evil"));
	differs("*.b.example", NAME("x.b.examples"));
	differs("*.b.example", NAME("*.b.example")); /* a star is no letter of a name */
}

static void odd_bytes_match_nothing(void **state)
{
	(void)state;
	differs("a.test", NAME("a.test\0"));
	differs("a.test", NAME("a.test\0.evil"));
	differs("*.evil", NAME("a.test\0.evil"));
	differs("*.evil", NAME("\0.evil"));
	differs("a.test", NAME("a\0test"));
	differs("a.test", NAME("a.test\n"));
	differs("a.test", NAME(" a.test"));
	differs("*.test", NAME("\xc3\xa4.test"));
	differs("*.test", NAME("a%2e.test"));
	differs("*.test", NAME("a/b.test"));
	differs("*.test", NAME("a:1.test"));
	/* Letters and what only looks so in another locale or after a bit has flipped. */
	differs("k.test", NAME("\xe2\x84\xaa.test")); /* KELVIN SIGN */
	differs("[.test", NAME("{.test"));
	differs("@.test", NAME("`.test"));
}

static void every_byte_by_itself(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char name[] = "x?y.test", pattern[] = "x?y.test";
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';

		name[1] = pattern[1] = (char)c;
		assert_int_equal(name_match("*.test", name, 8), good);
		assert_int_equal(name_match(pattern, name, 8), good);
	}
}

static void long_names(void **state)
{
	char name[300];

	(void)state;
	memset(name, 'a', sizeof(name));
	memcpy(name + 250, ".test", 5);
	matches("*.test", name, 255);
	memset(name, 'a', sizeof(name));
	memcpy(name + 251, ".test", 5);
	differs("*.test", name, 256);
}

static void addresses_in_brackets(void **state)
{
	(void)state;
	matches("[2001:db8::1]", NAME("[2001:db8::1]"));
	matches("[2001:DB8::1]", NAME("[2001:db8::1]"));
	differs("[2001:db8::1]", NAME("[2001:db8::2]"));
	differs("[::1]", NAME("::1"));
	differs("[::1]", NAME("[::1]\0"));
}

static void good(const char *pattern)
{
	const char *problem = NULL;

	if (name_check(pattern, &problem) != 0)
		fail_msg("\"%s\": %s", pattern, problem);
	assert_null(problem);
}

static void bad(const char *pattern, const char *word)
{
	const char *problem = NULL;

	if (name_check(pattern, &problem) != -EINVAL)
		fail_msg("\"%s\" was taken", pattern);
	assert_non_null(problem);
	if (!strstr(problem, word))
		fail_msg("\"%s\": \"%s\" does not speak of \"%s\"", pattern, problem, word);
}

static void patterns_are_checked(void **state)
{
	(void)state;
	good("a.example");
	good("*.b.example");
	good("localhost");
	good("xn--4ca.example");
	good("_sip.example");
	good("[2001:db8::1]");
	good("[::]");
	bad("", "missing");
	bad("*", "star alone");
	bad("*.", "dot at its end");
	bad("a.*.example", "at the front");
	bad("*a.example", "at the front");
	bad("*.*.example", "at the front");
	bad("a.example.", "dot at its end");
	bad("a..example", "single dots");
	bad(".example", "single dots");
	bad("a b", "letters");
	bad("a.example:443", "without a port");
	bad("::1", "[brackets]");
	bad("\xc3\xa4.example", "xn--");
	bad("[::1", "']'");
	bad("[]", "not an IPv6");
	bad("[1.2.3.4]", "not an IPv6");
	bad("[2001:db8:0::1]", "shortest");
	bad("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]", "not an IPv6");
	bad("https://a.example", "without a port");
	bad("a/b", "letters");
}

static void text_disturbs_nobody(void **state)
{
	char buf[NAME_TEXT], long_one[400];

	(void)state;
	assert_string_equal(name_text(NAME("a.test\0\033[31m\xff z"), buf), "a.test??[31m??z");
	assert_string_equal(name_text(NAME(""), buf), "");
	memset(long_one, 'x', sizeof(long_one));
	assert_int_equal(strlen(name_text(long_one, sizeof(long_one), buf)), NAME_MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_names),
		cmocka_unit_test(a_star_is_whole_labels),
		cmocka_unit_test(odd_bytes_match_nothing),
		cmocka_unit_test(every_byte_by_itself),
		cmocka_unit_test(long_names),
		cmocka_unit_test(addresses_in_brackets),
		cmocka_unit_test(patterns_are_checked),
		cmocka_unit_test(text_disturbs_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
