/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "daemon/connections.h"

/* What is printed, read again. */
static json_t *print(const struct survey *s, bool whole)
{
	char *text;
	size_t length;
	FILE *to = open_memstream(&text, &length);
	json_t *read;

	assert_non_null(to);
	assert_int_equal(connections_print(s, whole, to), 0);
	fclose(to);
	read = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(read);
	assert_int_equal(text[length - 1], '\n');
	free(text);
	return read;
}

static const char *text_at(json_t *item, const char *key)
{
	return json_string_value(json_object_get(item, key));
}

static void none_is_a_list_too(void **state)
{
	struct survey s = { .most = 0, .left_out = 3 };
	json_t *all = print(&s, false);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(all, "count")), 3);
	assert_int_equal(json_integer_value(json_object_get(all, "left_out")), 3);
	assert_true(json_is_false(json_object_get(all, "whole")));
	assert_int_equal(json_array_size(json_object_get(all, "connections")), 0);
	json_decref(all);
}

static void numbers_are_whole_and_what_is_unknown_is_null(void **state)
{
	struct survey s = { .most = 2 };
	struct survey_item *i = survey_add(&s);

	(void)state;
	assert_non_null(i);
	i->conn = 7;
	i->phase = "running";
	i->engine = SHUNT_SPLICE;
	i->moved.by[TALLY_UP][SHUNT_COPY] = 100;
	i->moved.by[TALLY_DOWN][SHUNT_COPY] = 1;
	i->moved.by[TALLY_DOWN][SHUNT_SPLICE] = 9007199254740992u;
	strcpy(i->client, "192.0.2.7:50214");
	json_t *all = print(&s, true),
	       *item = json_array_get(json_object_get(all, "connections"), 0);

	assert_int_equal(json_integer_value(json_object_get(all, "count")), 1);
	assert_int_equal(json_integer_value(json_object_get(item, "conn")), 7);
	assert_int_equal(json_integer_value(json_object_get(item, "up")), 100);
	assert_true(json_integer_value(json_object_get(item, "down")) == 9007199254740993);
	assert_string_equal(text_at(item, "phase"), "running");
	assert_string_equal(text_at(item, "client"), "192.0.2.7:50214");
	assert_string_equal(text_at(item, "engine"), "splice");
	assert_true(json_is_null(json_object_get(item, "server")));
	assert_true(json_is_null(json_object_get(item, "protocol")));
	json_decref(all);
	free(s.item);
}

/* Names come from clients, paths from whoever made a socket. */
static void no_text_breaks_it(void **state)
{
	static const char *const odd[][2] = {
		{ "\"},\n\t\\", "\"},\n\t\\" },
		{ "\xff", "\xef\xbf\xbd" },
		{ "a\xc3", "a\xef\xbf\xbd" },
		{ "\xc3\xbc", "\xc3\xbc" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};
	char worst[SURVEY_TEXT];

	(void)state;
	for (size_t k = 0; k < sizeof(odd) / sizeof(odd[0]); k++) {
		struct survey s = { .most = 1 };
		struct survey_item *i = survey_add(&s);

		assert_non_null(i);
		i->phase = "looking";
		strcpy(i->sni, odd[k][0]);
		json_t *all = print(&s, true);

		assert_string_equal(
			text_at(json_array_get(json_object_get(all, "connections"), 0), "sni"),
			odd[k][1]);
		json_decref(all);
		free(s.item);
	}

	struct survey s = { .most = 1 };
	struct survey_item *i = survey_add(&s);

	assert_non_null(i);
	i->phase = "looking";
	memset(worst, 0xff, sizeof(worst));
	memcpy(i->host, worst, sizeof(i->host) - 1);
	json_t *all = print(&s, true);

	assert_int_equal(
		strlen(text_at(json_array_get(json_object_get(all, "connections"), 0), "host")),
		3 * (SURVEY_TEXT - 1));
	json_decref(all);
	free(s.item);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_a_list_too),
		cmocka_unit_test(numbers_are_whole_and_what_is_unknown_is_null),
		cmocka_unit_test(no_text_breaks_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
