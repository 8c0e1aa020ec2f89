/* SPDX-License-Identifier: BSD-2-Clause */
/* balance.c — the shares that each way of balancing gives, by counts */
#include "make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS = 10, CLIENTS = 10000 };

static const char ten[] =
	"servers: [\"10.0.0.0:1\", \"10.0.0.1:1\", \"10.0.0.2:1\", \"10.0.0.3:1\", "
	"\"10.0.0.4:1\", \"10.0.0.5:1\", \"10.0.0.6:1\", \"10.0.0.7:1\", "
	"\"10.0.0.8:1\", \"10.0.0.9:1\"], balance: ";

/* The last digit of 10.0.0.N:1. */
static unsigned digit(const struct server *s)
{
	return (unsigned)(s->text[7] - '0');
}

static struct backends *ten_by(const char *balance)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s", ten, balance);
	return made(text, NULL);
}

/* The i-th client of many. */
static const char *client(unsigned i)
{
	static char text[ADDR_TEXT];

	snprintf(text, sizeof(text), "172.16.%u.%u:%u", i / 250, i % 250, 1000 + i);
	return text;
}

static void round_robin_is_smooth(void **state)
{
	struct backends *bs =
		made("servers: [{address: \"10.0.0.1:1\", weight: 5}, \"10.0.0.2:1\", "
		     "\"10.0.0.3:1\"]",
		     NULL);
	char order[15] = "";

	(void)state;
	for (unsigned i = 0; i < 14; i++)
		order[i] = pick_text(the_one(bs), 0)[7];
	assert_string_equal(order, "11213111121311");
	backends_unref(bs);
}

/* Each server is given connections that stay, until there are n. */
static void fill(struct backend *b, unsigned n, unsigned counts[SERVERS], struct server **held)
{
	for (unsigned i = 0; i < n; i++) {
		held[i] = picked(b, client(i), NULL, 0);
		assert_non_null(held[i]);
		counts[digit(held[i])]++;
	}
}

static void least_connections_goes_by_what_is_open(void **state)
{
	struct backends *bs =
		made("servers: [{address: \"10.0.0.0:1\", weight: 3}, \"10.0.0.1:1\"], "
		     "balance: least_connections",
		     NULL);
	struct server *held[400], *more[30];
	unsigned counts[SERVERS] = { 0 };

	(void)state;
	fill(the_one(bs), 400, counts, held);
	assert_int_equal(counts[0], 300);
	assert_int_equal(counts[1], 100);
	for (unsigned i = 0, ended = 0; i < 400;
	     i++) /* thirty of the small one end: it gets them back */
		if (digit(held[i]) == 1 && ended < 30) {
			server_end(held[i]);
			held[i] = NULL;
			ended++;
		}
	memset(counts, 0, sizeof(counts));
	fill(the_one(bs), 30, counts, more);
	assert_int_equal(counts[1], 30);
	for (unsigned i = 0; i < 400; i++)
		if (held[i])
			server_end(held[i]);
	for (unsigned i = 0; i < 30; i++)
		server_end(more[i]);
	assert_int_equal(backend_counts(the_one(bs))->now, 0);
	backends_unref(bs);
}

static void idle_ones_take_turns(void **state)
{
	struct backends *bs = ten_by("least_connections");
	unsigned counts[SERVERS] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		counts[pick_text(the_one(bs), 0)[7] - '0']++;
	for (unsigned i = 0; i < SERVERS; i++)
		assert_int_equal(counts[i], 10);
	backends_unref(bs);
}

static void two_choices_leave_nobody_far_behind(void **state)
{
	struct backends *bs = ten_by("random");
	struct server **held = calloc(CLIENTS, sizeof(*held));
	unsigned counts[SERVERS] = { 0 };

	(void)state;
	assert_non_null(held);
	fill(the_one(bs), CLIENTS, counts, held);
	for (unsigned i = 0; i < SERVERS; i++) /* one choice would spread over 1000 +- 100 */
		assert_in_range(counts[i], CLIENTS / SERVERS - 20, CLIENTS / SERVERS + 20);
	for (unsigned i = 0; i < CLIENTS; i++)
		server_end(held[i]);
	free(held);
	backends_unref(bs);
}

static void random_keeps_weights(void **state)
{
	struct backends *bs =
		made("servers: [{address: \"10.0.0.0:1\", weight: 4}, \"10.0.0.1:1\", "
		     "\"10.0.0.2:1\"], balance: random",
		     NULL);
	struct server **held = calloc(CLIENTS, sizeof(*held));
	unsigned counts[SERVERS] = { 0 };

	(void)state;
	assert_non_null(held);
	fill(the_one(bs), 6000, counts, held);
	assert_in_range(counts[0], 3900, 4100);
	assert_in_range(counts[1], 900, 1100);
	for (unsigned i = 0; i < 6000; i++)
		server_end(held[i]);
	free(held);
	backends_unref(bs);
}

/* Which server each client gets; how many each server has. */
static void places(struct backend *b, unsigned char at[CLIENTS], unsigned counts[SERVERS])
{
	memset(counts, 0, SERVERS * sizeof(counts[0]));
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct server *s = picked(b, client(i), NULL, 0);

		assert_non_null(s);
		at[i] = (unsigned char)digit(s);
		counts[at[i]]++;
		server_end(s);
	}
}

static void a_client_stays_with_its_server(void **state)
{
	struct backends *bs = ten_by("source_hash");
	struct server *a = picked(the_one(bs), "172.16.0.9:1000", NULL, 0);
	struct server *b = picked(the_one(bs), "172.16.0.9:50000", NULL, 0);
	struct server *c = picked(the_one(bs), "[::ffff:172.16.0.9]:7", NULL, 0);

	(void)state;
	assert_ptr_equal(a, b);
	assert_ptr_equal(a, c);
	server_end(a);
	server_end(b);
	server_end(c);
	backends_unref(bs);
}

static void only_the_clients_of_a_server_that_goes_move(void **state)
{
	static unsigned char before[CLIENTS], after[CLIENTS];
	unsigned counts[SERVERS], later[SERVERS], moved = 0;
	struct backends *bs = ten_by("source_hash"), *next;
	char text[512], *gone;

	(void)state;
	places(the_one(bs), before, counts);
	for (unsigned i = 0; i < SERVERS; i++)
		assert_in_range(counts[i], 850, 1150);
	snprintf(text, sizeof(text), "%ssource_hash", ten);
	gone = strstr(text, "\"10.0.0.4:1\", ");
	memmove(gone, gone + 14, strlen(gone + 14) + 1);
	next = made(text, bs);
	places(the_one(next), after, later);
	for (unsigned i = 0; i < CLIENTS; i++) {
		assert_int_not_equal(after[i], 4);
		if (before[i] != 4)
			assert_int_equal(after[i], before[i]);
		else
			moved++;
	}
	assert_int_equal(moved, counts[4]);
	for (unsigned i = 0; i < SERVERS; i++) /* and they are spread over all that are left */
		if (i != 4)
			assert_in_range(later[i] - counts[i], 70, 160);
	backends_unref(bs);
	backends_unref(next);
}

static void source_hash_keeps_weights(void **state)
{
	static unsigned char at[CLIENTS];
	struct backends *bs =
		made("servers: [{address: \"10.0.0.0:1\", weight: 3}, \"10.0.0.1:1\"], "
		     "balance: source_hash",
		     NULL);
	unsigned counts[SERVERS];

	(void)state;
	places(the_one(bs), at, counts);
	assert_in_range(counts[0], 7300, 7700);
	backends_unref(bs);
}

/* Reckoned apart from this program: they must never change, or every client moves at an update. */
static void places_are_the_same_everywhere(void **state)
{
	static const char *const want[] = { "10.0.0.2:1", "10.0.0.0:1", "10.0.0.4:1" };
	static const char *const from[] = { "192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1" };
	struct backends *bs = ten_by("source_hash");

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct server *s = picked(the_one(bs), from[i], NULL, 0);

		assert_string_equal(s->text, want[i]);
		server_end(s);
	}
	backends_unref(bs);
}

static void clients_without_an_address_take_turns(void **state)
{
	struct backends *bs = ten_by("source_hash");
	struct addr nobody = { .ss.ss_family = AF_UNIX, .len = sizeof(sa_family_t) };
	struct backend_tries none = { 0 };
	unsigned counts[SERVERS] = { 0 };

	(void)state;
	for (unsigned i = 0; i < SERVERS; i++) {
		struct server *s;

		assert_int_equal(backend_pick(the_one(bs), &nobody, &none, 0, &s), BACKEND_CHOSEN);
		counts[digit(s)]++;
		server_end(s);
	}
	for (unsigned i = 0; i < SERVERS; i++)
		assert_int_equal(counts[i], 1);
	backends_unref(bs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_robin_is_smooth),
		cmocka_unit_test(least_connections_goes_by_what_is_open),
		cmocka_unit_test(idle_ones_take_turns),
		cmocka_unit_test(two_choices_leave_nobody_far_behind),
		cmocka_unit_test(random_keeps_weights),
		cmocka_unit_test(a_client_stays_with_its_server),
		cmocka_unit_test(only_the_clients_of_a_server_that_goes_move),
		cmocka_unit_test(source_hash_keeps_weights),
		cmocka_unit_test(places_are_the_same_everywhere),
		cmocka_unit_test(clients_without_an_address_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
