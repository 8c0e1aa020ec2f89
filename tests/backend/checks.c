/* SPDX-License-Identifier: BSD-2-Clause */
/* checks.c — when servers are asked: time is what the test says it is */
#include "daemon/checks.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "make.h"

enum { SERVERS = 100, ROUNDS = 6, EVERY = 10000, FIRST = 1000 };

/* 127.0.0.1 to 127.0.0.100, at a port where nobody is: each answer is bad, and counted. */
static struct backends *many(struct backends *previous)
{
	char text[4096] = "servers: [";

	for (unsigned i = 0; i < SERVERS; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "\"127.0.0.%u:1\"%s",
			 i + 1, i + 1 < SERVERS ? ", " : "], check: {every: 10s}");
	return made(text, previous);
}

/* When each was asked, for the first ROUNDS times. */
static uint64_t asked[SERVERS][ROUNDS];

static void note(const struct backend_list *list, uint64_t now)
{
	for (size_t i = 0; i < SERVERS; i++) {
		unsigned bad = list->seat[i].server->checked.bad;

		if (bad > 0 && bad <= ROUNDS && !asked[i][bad - 1])
			asked[i][bad - 1] = now;
	}
}

static void run(struct checks *cs, int epfd, const struct backend_list *list, uint64_t until)
{
	uint64_t now;

	while ((now = checks_next(cs)) <= until) {
		struct epoll_event e[SERVERS];
		int n;

		checks_due(cs, now);
		n = epoll_wait(epfd, e, SERVERS, 0);
		for (int i = 0; i < n; i++)
			checks_ready(cs, e[i].data.u64, now);
		note(list, now);
	}
}

static void checks_are_spread_over_their_interval(void **state)
{
	struct backends *bs = many(NULL);
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	struct checks *cs = checks_new(epfd);
	unsigned fullest = 0, together[2 * EVERY / 500] = { 0 };
	struct backend_list list;

	(void)state;
	assert_non_null(cs);
	assert_int_equal(backend_list(the_one(bs), &list), 0);
	assert_int_equal(checks_follow(cs, bs, 1000), 0);
	run(cs, epfd, &list, 1000 + ROUNDS * EVERY);
	for (unsigned i = 0; i < SERVERS; i++) {
		unsigned *at = &together[(asked[i][1] - 1000) / 500];

		assert_in_range(asked[i][0], 1000, 1000 + FIRST);
		assert_in_range(asked[i][1] - asked[i][0], EVERY / 2, EVERY);
		for (unsigned k = 2; k < ROUNDS; k++)
			assert_int_equal(asked[i][k] - asked[i][k - 1], EVERY);
		fullest = ++*at > fullest ? *at : fullest;
	}
	assert_in_range(fullest, 1, 30); /* of 100 in half a second; 10 in the mean */
	checks_free(cs);
	backend_list_free(&list);
	backends_unref(bs);
	close(epfd);
}

static void a_reload_leaves_their_times_alone(void **state)
{
	struct backends *bs = many(NULL), *next;
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	struct checks *cs = checks_new(epfd);
	struct backend_list list;

	(void)state;
	memset(asked, 0, sizeof(asked));
	assert_int_equal(backend_list(the_one(bs), &list), 0);
	assert_int_equal(checks_follow(cs, bs, 1000), 0);
	for (uint64_t now = 1000; now < 40000; now += 300) {
		run(cs, epfd, &list, now);
		next = many(bs);
		assert_int_equal(checks_follow(cs, next, now), 0);
		backends_unref(bs);
		bs = next;
	}
	for (unsigned i = 0; i < SERVERS; i++)
		for (unsigned k = 2; k < 4; k++)
			assert_int_equal(asked[i][k] - asked[i][k - 1], EVERY);
	checks_free(cs);
	backend_list_free(&list);
	backends_unref(bs);
	close(epfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_are_spread_over_their_interval),
		cmocka_unit_test(a_reload_leaves_their_times_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
