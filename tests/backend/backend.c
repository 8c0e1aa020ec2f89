/* SPDX-License-Identifier: BSD-2-Clause */
/* backend.c — who may be chosen, who is passed over, and what a reload keeps */
#include "make.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define TWO "servers: [\"10.0.0.1:1\", \"10.0.0.2:1\"]"

/* A connection to 10.0.0.1 and one to 10.0.0.2 fail. */
static void fail_both(struct backend *b, uint64_t now)
{
	fail_once(b, now);
	fail_once(b, now);
}

static void backups_wait_for_their_turn(void **state)
{
	struct backends *bs =
		made("servers: [\"10.0.0.1:1\", {address: \"10.0.0.2:1\", backup: true}, "
		     "{address: \"10.0.0.3:1\", backup: true}]",
		     NULL);
	struct backend_tries tries = { 0 };
	char order[5] = "";

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct server *s = picked(the_one(bs), "192.0.2.1:1", &tries, 0);

		order[i] = s ? s->text[7] : '-';
		if (s)
			backend_failed(the_one(bs), s, &tries, ECONNREFUSED, 0);
	}
	assert_string_equal(order, "123-");
	backend_tries_free(&tries);
	assert_string_equal(pick_text(the_one(bs), 0), "10.0.0.1:1");
	backends_unref(bs);
}

static void three_failures_in_a_row_pass_a_server_over(void **state)
{
	struct backends *bs = made(TWO, NULL);
	struct backend *b = the_one(bs);
	struct backend_list list;

	(void)state;
	for (unsigned i = 0; i < 3; i++) { /* the turns: 1 fails, 2 takes it */
		struct server *s;

		fail_once(b, 1000);
		s = picked(b, "192.0.2.1:1", NULL, 1000);
		assert_string_equal(s->text, "10.0.0.2:1");
		server_connected(s);
		server_end(s);
	}
	assert_int_equal(backend_list(b, &list), 0);
	assert_int_equal(server_state(list.seat[0].server, 1000), SERVER_PASSED);
	assert_int_equal(server_state(list.seat[0].server, 1999), SERVER_PASSED);
	assert_int_equal(server_state(list.seat[0].server, 2000), SERVER_TRIAL);
	assert_int_equal(server_state(list.seat[1].server, 1000), SERVER_UP);
	assert_int_equal(list.seat[0].server->counts.failed, 3);
	assert_int_equal(list.seat[1].server->counts.all, 3);
	for (unsigned i = 0; i < 10; i++)
		assert_string_equal(pick_text(b, 1500), "10.0.0.2:1");
	backend_list_free(&list);
	backends_unref(bs);
}

/* When, from `now` on, is the first server tried again? */
static uint64_t next_trial(struct backend *b, uint64_t now)
{
	for (;; now += 500) {
		struct server *a = picked(b, "192.0.2.1:1", NULL, now);
		struct server *c = picked(b, "192.0.2.1:1", NULL, now);
		bool first = a->text[7] == '1' || c->text[7] == '1';

		server_end(a);
		server_end(c);
		if (first)
			return now;
	}
}

static void pauses_grow_until_it_is_back(void **state)
{
	struct backends *bs =
		made("servers: [\"10.0.0.1:1\", {address: \"10.0.0.2:1\", backup: true}]", NULL);
	struct backend *b = the_one(bs);
	struct server *s;
	uint64_t now = 1000, pause[9];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		fail_once(b, now);
	for (unsigned i = 0; i < 9; i++) {
		uint64_t next = next_trial(b, now);

		pause[i] = next - now;
		now = next;
	}
	assert_int_equal(pause[0], 1000);
	assert_int_equal(pause[1], 2000);
	assert_int_equal(pause[2], 4000);
	assert_int_equal(pause[8], 60000);
	now = 1000000;
	s = picked(b, "192.0.2.1:1", NULL, now);
	assert_string_equal(s->text, "10.0.0.1:1");
	assert_string_equal(pick_text(b, now), "10.0.0.2:1"); /* one trial at a time */
	server_connected(s);
	server_end(s);
	assert_string_equal(pick_text(b, now), "10.0.0.1:1");
	for (unsigned i = 0; i < 3; i++)
		fail_once(b, now);
	assert_int_equal(next_trial(b, now), now + 1000); /* and from the shortest again */
	backends_unref(bs);
}

static void success_between_forgives(void **state)
{
	struct backends *bs = made("servers: [\"10.0.0.1:1\"]", NULL);
	struct backend *b = the_one(bs);
	struct server *s;

	(void)state;
	fail_both(b, 1000);
	s = picked(b, "192.0.2.1:1", NULL, 1000);
	server_connected(s);
	fail_both(b, 1000);
	assert_int_equal(server_state(s, 1000), SERVER_UP);
	server_end(s);
	backends_unref(bs);
}

static void all_passed_over_are_tried_all_the_same(void **state)
{
	struct backends *bs = made(TWO, NULL);
	struct backend *b = the_one(bs);
	struct backend_tries tries = { 0 };
	struct server *x, *y, *z;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		fail_both(b, 1000);
	x = picked(b, "192.0.2.1:1", &tries, 1001);
	backend_failed(b, server_ref(x), &tries, ECONNREFUSED, 1001);
	y = picked(b, "192.0.2.1:1", &tries, 1001);
	assert_ptr_not_equal(x, y);
	backend_failed(b, server_ref(y), &tries, ECONNREFUSED, 1001);
	assert_int_equal(backend_pick(b, &(struct addr){ .len = 0 }, &tries, 1001, &z),
			 BACKEND_TRIED);
	server_unref(x);
	server_unref(y);
	backend_tries_free(&tries);
	backends_unref(bs);
}

static void what_checks_find_down_is_not_chosen(void **state)
{
	struct backends *bs = made(TWO ", check: {fall: 2}", NULL), *next;
	struct backend *b = the_one(bs);
	struct backend_list list;

	(void)state;
	assert_int_equal(backend_list(b, &list), 0);
	assert_true(server_mark(list.seat[0].server, false));
	assert_false(server_mark(list.seat[0].server, false));
	for (unsigned i = 0; i < 4; i++)
		assert_string_equal(pick_text(b, 0), "10.0.0.2:1");
	fail_both(b, 1000); /* with checks nobody is sent there to try */
	assert_int_equal(server_state(list.seat[1].server, 1000000), SERVER_PASSED);
	assert_string_equal(pick_text(b, 1000000), "10.0.0.2:1"); /* but for want of others */
	server_mark(list.seat[1].server, false);
	assert_string_equal(pick_text(b, 0), backend_answer_text(BACKEND_DOWN));
	next = made(TWO, bs); /* a configuration without checks believes none */
	assert_int_equal(server_state(list.seat[0].server, 1000), SERVER_UP);
	assert_int_equal(server_state(list.seat[1].server, 1000), SERVER_TRIAL);
	backend_list_free(&list);
	backends_unref(bs);
	backends_unref(next);
}

static void max_connections_is_for_all_servers(void **state)
{
	struct backends *bs = made(TWO ", max_connections: 3", NULL);
	struct backend *b = the_one(bs);
	struct server *held[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		held[i] = picked(b, "192.0.2.1:1", NULL, 0);
	assert_string_equal(pick_text(b, 0), backend_answer_text(BACKEND_FULL));
	server_end(held[1]);
	assert_int_equal(strncmp(pick_text(b, 0), "10.", 3), 0);
	server_end(held[0]);
	server_end(held[2]);
	assert_int_equal(backend_counts(b)->now, 0);
	backends_unref(bs);
}

static void a_reload_keeps_what_stays(void **state)
{
	struct backends *bs = made(TWO, NULL), *next;
	struct server *first, *s;
	struct backend_list list;

	(void)state;
	first = picked(the_one(bs), "192.0.2.1:1", NULL, 0);
	server_connected(first);
	server_moved(first, &(struct moved){ { { 4, 6 }, { 20 } } });
	for (unsigned i = 0; i < 3; i++) {
		fail_once(the_one(bs), 1000); /* 10.0.0.2 */
		s = picked(the_one(bs), "192.0.2.1:1", NULL, 1000);
		server_connected(s);
		server_end(s);
	}
	next = made(
		"servers: [\"10.0.0.3:1\", {address: \"10.0.0.2:1\", weight: 9}, \"10.0.0.1:1\"]",
		bs);
	backends_unref(bs); /* the connection outlives it */
	assert_int_equal(backend_list(the_one(next), &list), 0);
	assert_int_equal(list.count, 3);
	assert_int_equal(server_state(list.seat[0].server, 1000), SERVER_UP);
	assert_int_equal(server_state(list.seat[1].server, 1000), SERVER_PASSED);
	assert_ptr_equal(list.seat[2].server, first);
	assert_int_equal(first->counts.now, 1);
	assert_int_equal(first->counts.all, 4);
	assert_int_equal(tally_bytes(&first->counts, TALLY_UP), 10);
	assert_int_equal(first->counts.by[TALLY_UP][SHUNT_COPY], 6);
	assert_int_equal(backend_counts(the_one(next))->all, 4);
	assert_int_equal(tally_bytes(backend_counts(the_one(next)), TALLY_DOWN), 20);
	assert_int_equal(backend_counts(the_one(next))->failed, 3);
	server_end(first);
	assert_int_equal(backend_counts(the_one(next))->now, 0);
	backend_list_free(&list);
	backends_unref(next);
}

static void a_port_of_this_machine_is_asked_by_its_second_address_last(void **state)
{
	struct backends *bs = made("servers: [\":7\", \"10.0.0.1:1\"]", NULL);
	struct backend *b = the_one(bs);
	struct backend_tries tries = { 0 };

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		assert_string_not_equal(pick_text(b, 0), "[::1]:7");
	for (unsigned i = 0; i < 3; i++) {
		struct server *s = picked(b, "192.0.2.1:1", &tries, 0);

		assert_non_null(s);
		backend_failed(b, s, &tries, ECONNREFUSED, 0);
	}
	backend_tries_free(&tries);
	backends_unref(bs);
}

static struct seats_address srv(const char *text, unsigned priority, unsigned weight)
{
	return (struct seats_address){ .addr = address(text),
				       .priority = priority,
				       .weight = weight };
}

static void names_bring_addresses(void **state)
{
	struct backends *bs =
		made("servers: [{address: \"x.example:1\", weight: 2}, \"10.0.0.9:1\"]", NULL);
	struct backends *alone = made("servers: [\"x.example:1\"]", NULL), *next;
	struct seats_address a[] = { srv("10.0.0.1:1", 0, 0), srv("10.0.0.2:1", 0, 0) };
	unsigned counts[10] = { 0 };
	struct server *s;
	int error;

	(void)state;
	assert_string_equal(pick_text(the_one(alone), 0), backend_answer_text(BACKEND_UNRESOLVED));
	assert_string_equal(pick_text(the_one(bs), 0), "10.0.0.9:1");
	assert_true(backend_feed(the_one(bs), 0, a, 2, &error));
	assert_false(backend_feed(the_one(bs), 0, a, 2, &error));
	assert_int_equal(backend_version(the_one(bs)), 1);
	for (unsigned i = 0; i < 50; i++)
		counts[pick_text(the_one(bs), 0)[7] - '0']++;
	assert_int_equal(counts[1], 20);
	assert_int_equal(counts[2], 20);
	assert_int_equal(counts[9], 10);
	do
		s = picked(the_one(bs), "192.0.2.1:1", NULL, 0);
	while (s->text[7] != '1' && (server_end(s), true));
	next = made("servers: [\"10.0.0.9:1\", \"x.example:1\"]",
		    bs); /* a reload asks nobody anew */
	assert_true(backend_feed(the_one(next), 1, a + 1, 1, &error));
	assert_int_equal(s->counts.now, 1); /* it has gone from the name, not from us */
	server_end(s);
	for (unsigned i = 0; i < 4; i++)
		assert_string_not_equal(pick_text(the_one(next), 0), "10.0.0.1:1");
	assert_true(backend_feed(the_one(next), 1, NULL, 0, &error));
	assert_string_equal(pick_text(the_one(next), 0), "10.0.0.9:1");
	backends_unref(bs);
	backends_unref(next);
	backends_unref(alone);
}

static void srv_records_have_priorities_and_weights(void **state)
{
	struct backends *bs =
		made("servers: [_x._tcp.example, {address: \"10.0.0.9:1\", backup: true}]", NULL);
	struct backend *b = the_one(bs);
	struct seats_address a[] = { srv("10.0.0.1:1", 10, 30), srv("10.0.0.2:1", 10, 10),
				     srv("10.0.0.3:1", 20, 0) };
	struct backend_tries tries = { 0 };
	unsigned counts[10] = { 0 };
	char order[6] = "";
	int error;

	(void)state;
	assert_true(backend_feed(b, 0, a, 3, &error));
	for (unsigned i = 0; i < 40; i++)
		counts[pick_text(b, 0)[7] - '0']++;
	assert_int_equal(counts[1], 30);
	assert_int_equal(counts[2], 10);
	for (unsigned i = 0; i < 5; i++) {
		struct server *s = picked(b, "192.0.2.1:1", &tries, 0);

		order[i] = s ? s->text[7] : '-';
		if (s)
			backend_failed(b, s, &tries, ECONNREFUSED, 0);
	}
	assert_string_equal(order + 2, "39-");
	backend_tries_free(&tries);
	backends_unref(bs);
}

/* -- all at once -- */

enum { THREADS = 4, ROUNDS = 3000 };

static void *live(void *arg)
{
	struct backends *bs = arg;
	struct backend *b = the_one(bs);

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct backend_tries tries = { 0 };
		struct server *s;

		while ((s = picked(b, "192.0.2.7:9", &tries, i)) && i % 3 == 0)
			backend_failed(b, s, &tries, ECONNREFUSED, i);
		if (s) {
			server_connected(s);
			server_moved(s, &(struct moved){ { { 1 }, { 2 } } });
			server_end(s);
		}
		backend_tries_free(&tries);
	}
	return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
	struct backends *bs = made("servers: [\"10.0.0.1:1\", \"x.example:1\"]", NULL);
	struct seats_address a[] = { srv("10.0.0.2:1", 0, 0), srv("10.0.0.3:1", 0, 0) };
	const struct tally *counts = backend_counts(the_one(bs));
	pthread_t thread[THREADS];
	int error;

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, live, bs), 0);
	for (unsigned i = 0; i < 300; i++) {
		struct backend_list list;
		struct backends *next;

		backend_feed(the_one(bs), 1, a + i % 2, 2 - i % 2, &error);
		assert_int_equal(backend_list(the_one(bs), &list), 0);
		server_mark(list.seat[0].server, i % 2);
		backend_list_free(&list);
		next = made("servers: [\"10.0.0.1:1\", \"x.example:1\"]", bs);
		backends_unref(next);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(counts->now, 0);
	assert_int_equal(tally_bytes(counts, TALLY_UP) * 2, tally_bytes(counts, TALLY_DOWN));
	assert_int_equal(tally_bytes(counts, TALLY_UP), counts->all);
	backends_unref(bs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backups_wait_for_their_turn),
		cmocka_unit_test(three_failures_in_a_row_pass_a_server_over),
		cmocka_unit_test(pauses_grow_until_it_is_back),
		cmocka_unit_test(success_between_forgives),
		cmocka_unit_test(all_passed_over_are_tried_all_the_same),
		cmocka_unit_test(what_checks_find_down_is_not_chosen),
		cmocka_unit_test(max_connections_is_for_all_servers),
		cmocka_unit_test(a_reload_keeps_what_stays),
		cmocka_unit_test(a_port_of_this_machine_is_asked_by_its_second_address_last),
		cmocka_unit_test(names_bring_addresses),
		cmocka_unit_test(srv_records_have_priorities_and_weights),
		cmocka_unit_test(threads_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
