/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "daemon/guests.h"

static struct addr made(const char *text)
{
	struct addr_name name;
	const char *problem;
	struct addr a;

	assert_int_equal(addr_parse(text, ADDR_TARGET, &name, &problem), 0);
	assert_int_equal(addr_resolve(&name, &a, 1, &problem), 1);
	return a;
}

static bool enters(struct guests *g, const char *text, unsigned most)
{
	const struct addr a = made(text);
	bool counted, in = guests_enter(g, &a, most, &counted);

	assert_int_equal(counted, in);
	return in;
}

static void leaves(struct guests *g, const char *text)
{
	const struct addr a = made(text);

	guests_leave(g, &a);
}

static void so_many_and_no_more(void **state)
{
	struct guests *g = guests_new();

	(void)state;
	assert_true(enters(g, "192.0.2.1:1", 2));
	assert_true(enters(g, "192.0.2.1:2", 2));
	assert_false(enters(g, "192.0.2.1:3", 2));
	assert_true(enters(g, "192.0.2.2:3", 2));
	leaves(g, "192.0.2.1:2");
	assert_true(enters(g, "192.0.2.1:4", 2));
	assert_false(enters(g, "192.0.2.1:5", 2));
	assert_true(enters(g, "192.0.2.1:5", 3)); /* a reload has raised it */
	guests_free(g);
}

static void who_left_wholly_comes_anew(void **state)
{
	struct guests *g = guests_new();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_true(enters(g, "[2001:db8::1]:1", 1));
		assert_false(enters(g, "[2001:db8::1]:2", 1));
		leaves(g, "[2001:db8::1]:1");
	}
	leaves(g, "[2001:db8::1]:1"); /* once too often does no harm */
	guests_free(g);
}

static void mapped_is_the_same(void **state)
{
	struct guests *g = guests_new();

	(void)state;
	assert_true(enters(g, "192.0.2.1:1", 1));
	assert_false(enters(g, "[::ffff:192.0.2.1]:1", 1));
	leaves(g, "[::ffff:192.0.2.1]:1");
	assert_true(enters(g, "192.0.2.1:1", 1));
	guests_free(g);
}

static void unix_clients_are_not_counted(void **state)
{
	struct guests *g = guests_new();
	const struct addr a = made("unix:/run/x");
	bool counted;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(guests_enter(g, &a, 1, &counted));
		assert_false(counted);
	}
	guests_free(g);
}

/* More than there are buckets, so that they have to share. */
static void many_addresses_are_told_apart(void **state)
{
	struct guests *g = guests_new();
	char text[ADDR_TEXT];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 20000; i++) {
			snprintf(text, sizeof(text), "10.0.%u.%u:1", i / 256, i % 256);
			assert_int_equal(enters(g, text, 1), round == 0);
		}
	}
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u:1", i / 256, i % 256);
		leaves(g, text);
		assert_true(enters(g, text, 1));
	}
	guests_free(g);
}

enum { PLACES = 2, THREADS = 4, TIMES = 5000 };

static _Atomic unsigned inside;

/* So often as each is to get in, however long others who have a place are kept from running. Returns how many have
 * been too many. */
static void *come_and_go(void *arg)
{
	struct guests *g = arg;
	const struct addr a = made("192.0.2.1:1");
	uintptr_t wrong = 0;
	bool counted;

	for (int in = 0; in < TIMES;) {
		if (!guests_enter(g, &a, PLACES, &counted)) {
			sched_yield();
			continue;
		}
		wrong += atomic_fetch_add(&inside, 1) >= PLACES;
		atomic_fetch_sub(&inside, 1);
		guests_leave(g, &a);
		in++;
	}
	return (void *)wrong;
}

static void by_many_threads(void **state)
{
	struct guests *g = guests_new();
	pthread_t t[THREADS];
	void *wrong;

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, come_and_go, g), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], &wrong), 0);
		assert_int_equal((uintptr_t)wrong, 0);
	}
	assert_true(enters(g, "192.0.2.1:1", 1)); /* all have gone again */
	guests_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_and_no_more),
		cmocka_unit_test(who_left_wholly_comes_anew),
		cmocka_unit_test(mapped_is_the_same),
		cmocka_unit_test(unix_clients_are_not_counted),
		cmocka_unit_test(many_addresses_are_told_apart),
		cmocka_unit_test(by_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
