/* SPDX-License-Identifier: BSD-2-Clause */
/* tallies.c — tallies, and the surveys that bring them up to date */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/survey.h"
#include "daemon/tallies.h"

static void one_for_each_text(void **state)
{
	struct tallies ts;
	char listener[] = "127.0.0.1:80", route[] = "sni=a.test";

	(void)state;
	tallies_init(&ts);
	struct tally *a = tallies_get(&ts, listener, NULL);
	struct tally *r = tallies_get(&ts, listener, route);
	struct tally *b = tallies_get(&ts, "127.0.0.1:81", route);

	assert_true(a && r && b && a != r && r != b && a != b);
	listener[0] = route[0] = 'x'; /* the texts were copied */
	assert_ptr_equal(tallies_get(&ts, "127.0.0.1:80", NULL), a);
	assert_ptr_equal(tallies_get(&ts, "127.0.0.1:80", "sni=a.test"), r);
	assert_ptr_equal(tallies_get(&ts, "127.0.0.1:81", "sni=a.test"), b);
	tallies_free(&ts);
}

static void listed_in_their_order(void **state)
{
	struct tallies ts;
	char text[32];
	size_t n = 0;

	(void)state;
	tallies_init(&ts);
	assert_null(tallies_first(&ts));
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "l%d", i);
		tallies_get(&ts, text, i % 2 ? "r" : NULL);
	}
	for (const struct tallies_item *i = tallies_first(&ts); i; i = i->next, n++) {
		snprintf(text, sizeof(text), "l%zu", n);
		assert_string_equal(i->listener, text);
		assert_int_equal(i->route != NULL, n % 2);
	}
	assert_int_equal(n, 100);
	tallies_free(&ts);
}

static void bytes_by_way_and_engine(void **state)
{
	struct tally t = { 0 };
	struct moved m = { { { 0 } } };

	(void)state;
	tally_begin(&t);
	tally_begin(&t);
	m.by[TALLY_UP][SHUNT_COPY] = 5;
	m.by[TALLY_UP][SHUNT_SPLICE] = 70;
	m.by[TALLY_DOWN][SHUNT_GRAFT] = 900;
	tally_moved(&t, &m);
	tally_moved(&t, &m);
	tally_end(&t);
	assert_int_equal(tally_get(&t.now), 1);
	assert_int_equal(tally_get(&t.all), 2);
	assert_int_equal(tally_bytes(&t, TALLY_UP), 150);
	assert_int_equal(tally_bytes(&t, TALLY_DOWN), 1800);
	assert_int_equal(moved_bytes(&m, TALLY_UP), 75);
}

static void *get_many(void *arg)
{
	char text[32];

	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "l%d", i);
		tally_begin(tallies_get(arg, text, NULL));
	}
	return NULL;
}

static void threads_get_the_same(void **state)
{
	struct tallies ts;
	pthread_t t[4];
	size_t n = 0;

	(void)state;
	tallies_init(&ts);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, get_many, &ts), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (const struct tallies_item *i = tallies_first(&ts); i; i = i->next, n++)
		assert_int_equal(tally_get(&i->tally.all), 4);
	assert_int_equal(n, 500);
	tallies_free(&ts);
}

static void a_survey_has_room_for_so_many(void **state)
{
	static const size_t most[] = { 0, 1, 63, 64, 65, 1000 };

	(void)state;
	for (size_t k = 0; k < sizeof(most) / sizeof(most[0]); k++) {
		struct survey s = { .most = most[k] };

		for (size_t i = 0; i < 1100; i++) {
			struct survey_item *item = survey_add(&s);

			assert_int_equal(item != NULL, i < most[k]);
			if (!item)
				continue;
			assert_true(item->conn == 0 && item->phase == NULL && item->sni[0] == '\0');
			memset(item, 0xff, sizeof(*item));
			item->conn = i;
		}
		assert_int_equal(s.count, most[k]);
		assert_int_equal(s.left_out, 1100 - most[k]);
		for (size_t i = 0; i < s.count; i++)
			assert_int_equal(s.item[i].conn, i);
		free(s.item);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_for_each_text),
		cmocka_unit_test(listed_in_their_order),
		cmocka_unit_test(bytes_by_way_and_engine),
		cmocka_unit_test(threads_get_the_same),
		cmocka_unit_test(a_survey_has_room_for_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
