/* SPDX-License-Identifier: BSD-2-Clause */
/* names.c — what becomes of a name server's answers: good ones, bad ones, none; when names are asked for again
 *
 * Time is what the tests say it is, but for the patience of c-ares.
 */
#include "daemon/names.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/care.h"
#include "daemon/dns.h"
#include "make.h"
#include "zone.h"

#define S 1000u

static struct names *ns;
static int epfd, fds_before;

static int count_of(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int fds(void)
{
	return count_of("/proc/self/fd");
}

/* Until nothing is under way any more: c-ares has no sockets then. */
static void quiet(uint64_t now)
{
	struct epoll_event e[16];

	for (unsigned i = 0; i < 2000; i++) {
		int n = epoll_wait(epfd, e, 16, i ? 10 : 0);

		for (int k = 0; k < n; k++)
			names_ready(ns, e[k].data.u64, e[k].events, now);
		names_due(ns, now);
		if (fds() == fds_before)
			return;
	}
	fail_msg("questions that never end");
}

static void follow(struct backends *bs, uint64_t now)
{
	if (!ns) {
		epfd = epoll_create1(EPOLL_CLOEXEC);
		fds_before = fds();
		ns = names_new(epfd);
		assert_non_null(ns);
	}
	assert_int_equal(names_follow(ns, bs, now), 0);
	quiet(now);
}

static void forget(struct backends *bs)
{
	names_free(ns);
	assert_int_equal(fds(), fds_before);
	close(epfd);
	ns = NULL;
	backends_unref(bs);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The servers that there are, sorted. */
static const char *servers(struct backends *bs)
{
	static char all[2048], text[16][ADDR_TEXT];
	struct backend_list list;

	assert_int_equal(backend_list(the_one(bs), &list), 0);
	assert_in_range(list.count, 0, 16);
	for (size_t i = 0; i < list.count; i++)
		strcpy(text[i], list.seat[i].server->text);
	qsort(text, list.count, sizeof(text[0]), compare);
	all[0] = '\0';
	for (size_t i = 0; i < list.count; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "",
			 text[i]);
	backend_list_free(&list);
	return all;
}

static int begin_empty(void **state)
{
	(void)state;
	zone_clear();
	zone_resolv_conf("nameserver 127.0.0.1\n");
	zone_hosts("127.0.0.1 localhost\n::1 localhost\n");
	return 0;
}

/* -- hosts -- */

static void all_addresses_are_used_until_their_time_is_over(void **state)
{
	struct backends *bs = made("servers: [\"a.t:80\"]", NULL);

	(void)state;
	zone_add("a.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.1", 2);
	zone_add("a.t", ZONE_AAAA, ZONE_TELLS, 30, "fd00::1", 1);
	follow(bs, 0);
	assert_true(names_answered(ns));
	assert_null(names_problem(ns, the_one(bs), 0));
	assert_string_equal(servers(bs), "10.0.0.1:80 10.0.0.2:80 [fd00::1]:80");
	assert_int_equal(names_next(ns, 0), 30 * S);
	assert_int_equal(zone_asked(), 2);
	names_due(ns, 30 * S - 1);
	assert_int_equal(zone_asked(), 2);
	zone_clear();
	zone_add("a.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.2", 2);
	quiet(30 * S);
	assert_string_equal(servers(bs), "10.0.0.2:80 10.0.0.3:80");
	assert_int_equal(zone_asked(), 2);
	assert_int_equal(names_next(ns, 30 * S), 90 * S);
	forget(bs);
}

static void times_to_live_have_bounds(void **state)
{
	static const struct {
		uint32_t ttl, alias;
		uint64_t due;
	} row[] = {
		{ 0, 9, 1 * S },       { 1, 9, 1 * S },          { 86400, 86400, 300 * S },
		{ 200, 100, 100 * S }, { 0x80000000, 9, 1 * S },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct backends *bs = made("servers: [\"alias.t:80\"]", NULL);

		zone_clear();
		zone_add("alias.t", ZONE_CNAME, ZONE_TELLS, row[i].alias, "a.t", 1);
		zone_add("a.t", ZONE_A, ZONE_TELLS, row[i].ttl, "10.0.0.1", 1);
		follow(bs, 5 * S);
		assert_string_equal(servers(bs), "10.0.0.1:80");
		assert_int_equal(names_next(ns, 5 * S), 5 * S + row[i].due);
		forget(bs);
	}
}

static void a_shuffled_answer_changes_nothing(void **state)
{
	struct backends *bs = made("servers: [\"a.t:80\"]", NULL);

	(void)state;
	zone_add("a.t", ZONE_A, ZONE_TELLS, 1, "10.0.0.1", 1);
	zone_add("a.t", ZONE_A, ZONE_TELLS, 1, "10.0.0.2", 1);
	zone_add("a.t", ZONE_A, ZONE_TELLS, 1, "10.0.0.2", 1);
	follow(bs, 0);
	assert_int_equal(backend_version(the_one(bs)), 1);
	zone_clear();
	zone_add("a.t", ZONE_A, ZONE_TELLS, 1, "10.0.0.2", 1);
	zone_add("a.t", ZONE_A, ZONE_TELLS, 1, "10.0.0.1", 1);
	quiet(1 * S);
	assert_int_equal(zone_asked(), 2);
	assert_int_equal(backend_version(the_one(bs)), 1);
	assert_string_equal(servers(bs), "10.0.0.1:80 10.0.0.2:80");
	forget(bs);
}

static void a_name_that_fails_keeps_its_addresses(void **state)
{
	static const uint64_t pause[] = { 1, 2, 4, 8, 16, 30, 30 };
	struct backends *bs = made("servers: [\"a.t:80\"]", NULL);
	uint64_t now = 10 * S;

	(void)state;
	zone_add("a.t", ZONE_A, ZONE_TELLS, 10, "10.0.0.1", 1);
	follow(bs, 0);
	zone_clear();
	for (size_t i = 0; i < sizeof(pause) / sizeof(pause[0]); i++) {
		quiet(now);
		assert_int_equal(zone_asked(), 2 * (i + 1));
		assert_string_equal(servers(bs), "10.0.0.1:80");
		assert_null(names_problem(ns, the_one(bs), 0));
		assert_int_equal(names_next(ns, now), now + pause[i] * S);
		now += pause[i] * S;
	}
	zone_add("a.t", ZONE_A, ZONE_TELLS, 10, "10.0.0.7", 1);
	quiet(now);
	assert_string_equal(servers(bs), "10.0.0.7:80");
	assert_int_equal(names_next(ns, now), now + 10 * S);
	zone_clear();
	quiet(now + 10 * S);
	assert_int_equal(names_next(ns, now + 10 * S), now + 11 * S); /* from the shortest again */
	forget(bs);
}

static void what_one_family_lost_stays_and_the_other_goes_on(void **state)
{
	struct backends *bs = made("servers: [\"a.t:80\"]", NULL);

	(void)state;
	zone_add("a.t", ZONE_A, ZONE_TELLS, 10, "10.0.0.1", 1);
	zone_add("a.t", ZONE_AAAA, ZONE_TELLS, 10, "fd00::1", 1);
	follow(bs, 0);
	zone_clear();
	zone_add("a.t", ZONE_A, ZONE_TELLS, 10, "10.0.0.2", 1);
	zone_add("a.t", ZONE_AAAA, ZONE_FAILS, 10, "fd00::2", 1);
	quiet(10 * S);
	assert_string_equal(servers(bs), "10.0.0.2:80 [fd00::1]:80");
	assert_int_equal(names_next(ns, 10 * S), 11 * S);
	zone_clear();
	zone_add("a.t", ZONE_A, ZONE_TELLS, 10, "10.0.0.2", 1);
	quiet(11 * S);
	assert_string_equal(servers(bs), "10.0.0.2:80");
	assert_int_equal(names_next(ns, 11 * S), 21 * S);
	forget(bs);
}

static void problems_are_told_in_words(void **state)
{
	struct backends *bs = made("servers: [\"no.t:1\", \"empty.t:1\", \"fails.t:1\", "
				   "\"torn.t:1\", \"10.0.0.1:1\", _x._tcp.none.t]",
				   NULL);
	static const char *const words[] = {
		"there is no such name",
		"the name has no address",
		"no name server gave an answer",
		"what the name server answered is torn",
		NULL,
		"the name has no address",
	};

	(void)state;
	zone_add("empty.t", ZONE_CNAME, ZONE_TELLS, 10, "e.t", 1);
	zone_add("e.t", ZONE_SRV, ZONE_TELLS, 10, "0 0 1 .", 1);
	zone_add("fails.t", ZONE_A, ZONE_FAILS, 10, "10.0.0.1", 1);
	zone_add("fails.t", ZONE_AAAA, ZONE_FAILS, 10, "fd00::1", 1);
	zone_add("torn.t", ZONE_A, ZONE_TORN, 10, "10.0.0.1", 1);
	zone_add("torn.t", ZONE_AAAA, ZONE_TORN, 10, "fd00::1", 1);
	zone_add("_x._tcp.none.t", ZONE_SRV, ZONE_TELLS, 10, "0 0 1 .", 1);
	follow(bs, 0);
	assert_true(names_answered(ns));
	for (size_t i = 0; i < 6; i++) {
		const char *problem = names_problem(ns, the_one(bs), i);

		if (words[i])
			assert_string_equal(problem, words[i]);
		else
			assert_null(problem);
	}
	forget(bs);
}

static void hundreds_of_addresses_come_over_tcp(void **state)
{
	struct backends *bs = made("servers: [\"a.t:80\"]", NULL);
	struct backend_list list;

	(void)state;
	zone_add("a.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.1", 600);
	follow(bs, 0);
	assert_int_equal(zone_asked_by_tcp(), 1);
	assert_int_equal(backend_list(the_one(bs), &list), 0);
	assert_int_equal(list.count, 600);
	backend_list_free(&list);
	zone_clear();
	zone_add("a.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.1", 2000);
	quiet(60 * S);
	assert_int_equal(backend_list(the_one(bs), &list), 0);
	assert_int_equal(list.count, 1024);
	backend_list_free(&list);
	forget(bs);
}

static void hosts_are_asked_first(void **state)
{
	struct backends *bs = made("servers: [\"localhost:1\", \"h.t:2\"]", NULL);

	(void)state;
	zone_hosts("127.0.0.1 localhost\n::1 localhost\n10.0.0.1 x h.t\n10.0.0.2 H.T\n");
	zone_add("h.t", ZONE_A, ZONE_TELLS, 60, "10.9.9.9", 1);
	follow(bs, 0);
	assert_string_equal(servers(bs), "10.0.0.1:2 10.0.0.2:2 127.0.0.1:1 [::1]:1");
	assert_int_equal(zone_asked(), 0);
	assert_int_equal(names_next(ns, 0), 5 * S);
	zone_hosts("127.0.0.1 localhost\n::1 localhost\n10.0.0.3 h.t\n");
	quiet(5 * S);
	assert_string_equal(servers(bs), "10.0.0.3:2 127.0.0.1:1 [::1]:1");
	forget(bs);
}

static void a_name_of_many_servers_is_asked_for_once(void **state)
{
	struct backends *bs = made("servers: [\"a.t:80\", \"A.T:81\"]", NULL);
	struct zone_row *row;

	(void)state;
	row = zone_add("a.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.1", 1);
	follow(bs, 0);
	assert_int_equal(atomic_load(&row->asked), 1);
	assert_string_equal(servers(bs), "10.0.0.1:80 10.0.0.1:81");
	forget(bs);
}

static void short_names_are_searched(void **state)
{
	struct backends *bs = made("servers: [\"a:80\"]", NULL);

	(void)state;
	zone_resolv_conf("nameserver 127.0.0.1\nsearch d.t e.t\n");
	zone_add("a.e.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.1", 1);
	follow(bs, 0);
	assert_string_equal(servers(bs), "10.0.0.1:80");
	forget(bs);
}

/* -- SRV -- */

static void srv_records_bring_ports_and_priorities(void **state)
{
	struct backends *bs = made("servers: [_x._tcp.t]", NULL);
	struct backend_list list;
	struct zone_row *row;
	unsigned weights = 0;

	(void)state;
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_TELLS, 60, "10 30 8080 a.t", 1);
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_TELLS, 60, "10 10 8081 A.t", 1);
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_TELLS, 60, "20 5 8080 b.t", 1);
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_TELLS, 60, "20 0 8080 gone.t", 1);
	row = zone_add("a.t", ZONE_A, ZONE_TELLS, 40, "10.0.0.1", 1);
	zone_add("b.t", ZONE_AAAA, ZONE_TELLS, 50, "fd00::1", 1);
	follow(bs, 0);
	assert_string_equal(servers(bs), "10.0.0.1:8080 10.0.0.1:8081 [fd00::1]:8080");
	assert_int_equal(atomic_load(&row->asked), 1);
	assert_int_equal(names_next(ns, 0), 40 * S);
	assert_int_equal(backend_list(the_one(bs), &list), 0);
	for (size_t i = 0; i < list.count; i++) {
		weights += list.seat[i].weight;
		assert_int_equal(list.seat[i].priority,
				 list.seat[i].server->addr.ss.ss_family == AF_INET ? 10 : 20);
	}
	assert_int_equal(weights, 45);
	backend_list_free(&list);
	forget(bs);
}

static void targets_are_whole_names_but_hosts_count(void **state)
{
	struct backends *bs = made("servers: [_x._tcp.t]", NULL);

	(void)state;
	zone_resolv_conf("nameserver 127.0.0.1\nsearch d.t\n");
	zone_hosts("10.0.0.5 one.t\n");
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_TELLS, 60, "1 1 80 two.t", 1);
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_TELLS, 60, "1 1 80 one.t", 1);
	zone_add("two.t.d.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.6", 1);
	follow(bs, 0);
	assert_string_equal(servers(bs), "10.0.0.5:80");
	forget(bs);
}

static void a_target_that_is_lost_keeps_what_it_had(void **state)
{
	struct backends *bs = made("servers: [_x._tcp.t]", NULL);

	(void)state;
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_TELLS, 10, "1 1 80 a.t", 1);
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_TELLS, 10, "1 1 80 b.t", 1);
	zone_add("a.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.1", 1);
	zone_add("b.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.2", 1);
	follow(bs, 0);
	assert_string_equal(servers(bs), "10.0.0.1:80 10.0.0.2:80");
	zone_clear();
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_TELLS, 10, "1 1 80 a.t", 1);
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_TELLS, 10, "1 1 80 b.t", 1);
	zone_add("a.t", ZONE_A, ZONE_FAILS, 60, "10.0.0.1", 1);
	zone_add("b.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.3", 1);
	quiet(10 * S);
	assert_string_equal(servers(bs), "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80");
	assert_int_equal(names_next(ns, 10 * S), 11 * S);
	zone_clear();
	quiet(11 * S);
	assert_string_equal(servers(bs), "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80");
	forget(bs);
}

/* -- name servers -- */

static void a_name_server_that_is_down_changes_nothing(void **state)
{
	struct backends *bs = made("servers: [\"a.t:80\", \"b.t:80\"]", NULL), *next;

	(void)state;
	zone_add("a.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.1", 1);
	follow(bs, 0);
	zone_resolv_conf("nameserver 127.0.0.9\n"); /* nobody is there */
	next = made("servers: [\"a.t:80\", \"b.t:80\"]", bs);
	follow(next, 5 * S); /* whom to ask is read anew */
	backends_unref(bs);
	assert_true(names_answered(ns));
	assert_string_equal(servers(next), "10.0.0.1:80");
	assert_null(names_problem(ns, the_one(next), 0));
	assert_string_equal(names_problem(ns, the_one(next), 1), "no name server gave an answer");
	assert_int_equal(names_next(ns, 5 * S), 6 * S);
	forget(next);
}

static void silence_has_an_end(void **state)
{
	struct backends *bs = made("servers: [\"a.t:80\", _x._tcp.t]", NULL);

	(void)state;
	zone_add("a.t", ZONE_A, ZONE_SILENT, 60, "10.0.0.1", 1);
	zone_add("a.t", ZONE_AAAA, ZONE_TELLS, 60, "fd00::1", 1);
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_SILENT, 60, "1 1 1 a.t", 1);
	follow(bs, 0);
	assert_string_equal(servers(bs), "[fd00::1]:80");
	assert_string_equal(names_problem(ns, the_one(bs), 1), "no name server answered in time");
	assert_int_equal(zone_asked(), 7); /* three times what was silent */
	forget(bs);
}

static void what_is_under_way_ends_with_us(void **state)
{
	struct backends *bs = made("servers: [\"a.t:80\", _x._tcp.t]", NULL);

	(void)state;
	zone_add("a.t", ZONE_A, ZONE_SILENT, 60, "10.0.0.1", 1);
	zone_add("_x._tcp.t", ZONE_SRV, ZONE_SILENT, 60, "1 1 1 a.t", 1);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	fds_before = fds();
	ns = names_new(epfd);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(names_follow(ns, bs, i), 0);
	assert_false(names_answered(ns));
	assert_string_equal(names_problem(ns, the_one(bs), 0), "no name server has answered yet");
	assert_true(names_next(ns, 7) <= 7 + 1001);
	forget(bs);
}

/* -- by the thread -- */

static void *nothing(void *arg)
{
	return arg;
}

static void first_clients_find_names_resolved(void **state)
{
	struct backends *bs = made("servers: [\"a.t:80\", \"localhost:81\", \"no.t:82\"]", NULL);
	struct backends *next;
	int threads, before = fds();
	pthread_t first;
	struct care *c;

	(void)state;
	pthread_create(&first, NULL, nothing,
		       NULL); /* sanitizers begin a thread of theirs with it */
	pthread_join(first, NULL);
	usleep(100000);
	threads = count_of("/proc/self/task");
	zone_add("a.t", ZONE_A, ZONE_TELLS, 1, "10.0.0.1", 1);
	assert_int_equal(care_open(&c), 0);
	assert_true(care_answered(c, 0));
	assert_int_equal(care_follow(c, bs), 0);
	assert_true(care_answered(c, 10 * S));
	assert_string_equal(servers(bs), "10.0.0.1:80 127.0.0.1:81 [::1]:81");
	assert_null(care_problem(c, the_one(bs), 0));
	assert_null(care_problem(c, the_one(bs), 1));
	assert_string_equal(care_problem(c, the_one(bs), 2), "there is no such name");
	assert_int_equal(count_of("/proc/self/task"), threads + 1);
	zone_clear();
	zone_add("a.t", ZONE_A, ZONE_TELLS, 1, "10.0.0.2", 1);
	for (unsigned i = 0; i < 1000 && !strstr(servers(bs), "10.0.0.2"); i++)
		usleep(10000);
	assert_string_equal(servers(bs), "10.0.0.2:80 127.0.0.1:81 [::1]:81");
	next = made("servers: [\"10.0.0.1:1\"]", bs); /* no names: no thread */
	assert_int_equal(care_follow(c, next), 0);
	for (unsigned i = 0; i < 1000 && count_of("/proc/self/task") > threads; i++)
		usleep(10000); /* one that is joined may still be listed */
	assert_int_equal(count_of("/proc/self/task"), threads);
	assert_int_equal(fds(), before);
	backends_unref(bs);
	backends_unref(next);
	care_close(c);
}

static void a_reload_waits_for_what_is_new_alone(void **state)
{
	struct backends *bs = made("servers: [\"a.t:80\"]", NULL), *next, *last;
	struct care *c;

	(void)state;
	zone_add("a.t", ZONE_A, ZONE_TELLS, 60, "10.0.0.1", 1);
	assert_int_equal(care_open(&c), 0);
	assert_int_equal(care_follow(c, bs), 0);
	assert_true(care_answered(c, 10 * S));
	zone_clear();
	zone_add("a.t", ZONE_A, ZONE_SILENT, 60, "10.0.0.1", 1);
	zone_add("b.t", ZONE_A, ZONE_SILENT, 60, "10.0.0.1", 1);
	next = made("servers: [\"a.t:80\", \"a.t:90\"]", bs);
	assert_int_equal(care_follow(c, next), 0);
	backends_unref(bs);
	assert_true(care_answered(c, 0));
	assert_string_equal(servers(next), "10.0.0.1:80 10.0.0.1:90");
	last = made("servers: [\"a.t:80\", \"b.t:90\"]", next);
	assert_int_equal(care_follow(c, last), 0);
	backends_unref(next);
	assert_false(care_answered(c, 20));
	assert_string_equal(care_problem(c, the_one(last), 1), "no name server has answered yet");
	care_close(c);
	backends_unref(last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_addresses_are_used_until_their_time_is_over,
				       begin_empty),
		cmocka_unit_test_setup(times_to_live_have_bounds, begin_empty),
		cmocka_unit_test_setup(a_shuffled_answer_changes_nothing, begin_empty),
		cmocka_unit_test_setup(a_name_that_fails_keeps_its_addresses, begin_empty),
		cmocka_unit_test_setup(what_one_family_lost_stays_and_the_other_goes_on,
				       begin_empty),
		cmocka_unit_test_setup(problems_are_told_in_words, begin_empty),
		cmocka_unit_test_setup(hundreds_of_addresses_come_over_tcp, begin_empty),
		cmocka_unit_test_setup(hosts_are_asked_first, begin_empty),
		cmocka_unit_test_setup(a_name_of_many_servers_is_asked_for_once, begin_empty),
		cmocka_unit_test_setup(short_names_are_searched, begin_empty),
		cmocka_unit_test_setup(srv_records_bring_ports_and_priorities, begin_empty),
		cmocka_unit_test_setup(targets_are_whole_names_but_hosts_count, begin_empty),
		cmocka_unit_test_setup(a_target_that_is_lost_keeps_what_it_had, begin_empty),
		cmocka_unit_test_setup(a_name_server_that_is_down_changes_nothing, begin_empty),
		cmocka_unit_test_setup(silence_has_an_end, begin_empty),
		cmocka_unit_test_setup(what_is_under_way_ends_with_us, begin_empty),
		cmocka_unit_test_setup(first_clients_find_names_resolved, begin_empty),
		cmocka_unit_test_setup(a_reload_waits_for_what_is_new_alone, begin_empty),
	};
	int failed;

	if (!zone_enter()) {
		fprintf(stderr, "a network, user or mount namespace of its own is missing\n");
		return 77;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	zone_leave();
	return failed;
}
