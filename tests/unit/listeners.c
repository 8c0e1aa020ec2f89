/* SPDX-License-Identifier: BSD-2-Clause */
/* listeners.c — sockets over several configurations; how many connections they are good for */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/conf_load.h"
#include "daemon/limits.h"
#include "daemon/listeners.h"

enum { WORKERS = 3, MOST = 8 };

static char problem[512];

/* Listeners at these addresses, given as items of a list. */
static const struct conf *at(const char *fmt, ...)
{
	struct conf_report report = { 0 };
	const struct conf *c = NULL;
	char file[2048] = "backend: {b: {servers: [\"10.0.0.1:1\"]}}\nlisten:\n";
	char list[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(list, sizeof(list), fmt, args);
	va_end(args);
	for (char *rest, *one = strtok_r(list, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
		snprintf(file + strlen(file), sizeof(file) - strlen(file),
			 "- {address: \"%s\", default: b}\n", one);
	assert_int_equal(conf_load_bytes("x.conf", file, strlen(file), &c, &report), 0);
	conf_report_clear(&report);
	return c;
}

static unsigned fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int take(struct listeners *ls, const struct conf *c, struct listener **out)
{
	problem[0] = '\0';
	return listeners_take(ls, c, WORKERS, out, problem, sizeof(problem));
}

static void those_that_stay_are_the_same(void **state)
{
	struct listeners ls = { 0 };
	struct listener *one[MOST] = { NULL }, *two[MOST] = { NULL };
	unsigned before = fds();
	const struct conf *c = at("127.0.0.1:0 unix:@shunt-listeners-%d", getpid()), *d;

	(void)state;
	assert_int_equal(take(&ls, c, one), 0);
	/* one has the other's place, and is said by the port it has got */
	d = at("unix:@shunt-listeners-%d %s [::1]:0", getpid(), one[0]->text);
	assert_int_equal(take(&ls, d, two), 0);
	assert_ptr_equal(two[0], one[1]);
	assert_ptr_equal(two[1], one[0]);
	assert_int_equal(ls.count, 3);
	conf_unref(c);
	listeners_keep(&ls, d);
	assert_int_equal(ls.count, 3);
	listeners_keep(&ls, NULL);
	conf_unref(d);
	assert_int_equal(fds(), before);
}

static void those_that_go_are_closed_when_they_may(void **state)
{
	struct listeners ls = { 0 };
	struct listener *one[MOST] = { NULL }, *two[MOST] = { NULL };
	unsigned before = fds();
	const struct conf *c = at("127.0.0.1:0 127.0.0.2:0"), *d;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct addr gone;

	(void)state;
	assert_int_equal(take(&ls, c, one), 0);
	gone = one[0]->addr;
	d = at("%s", one[1]->text);
	assert_int_equal(take(&ls, d, two), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&gone.ss, gone.len), 0);
	close(fd);
	listeners_keep(&ls, d);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&gone.ss, gone.len), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	listeners_keep(&ls, NULL);
	conf_unref(c);
	conf_unref(d);
	assert_int_equal(fds(), before);
}

/* Any port is another port each time; and who has one already keeps it, whatever comes before it. */
static void two_of_a_kind_are_two(void **state)
{
	struct listeners ls = { 0 };
	struct listener *one[MOST] = { NULL }, *two[MOST] = { NULL };
	unsigned before = fds();
	const struct conf *c = at("127.0.0.1:0 127.0.0.1:0"), *d = at("127.0.0.1:0 [::1]:0");

	(void)state;
	assert_int_equal(take(&ls, c, one), 0);
	assert_ptr_not_equal(one[0], one[1]);
	two[0] = one[1];
	assert_int_equal(take(&ls, d, two), 0);
	assert_ptr_equal(two[0], one[1]);
	listeners_keep(&ls, d);
	assert_int_equal(ls.count, 2);
	conf_unref(c);
	conf_unref(d);
	listeners_keep(&ls, NULL);
	assert_int_equal(fds(), before);
}

/* A source is one: it may not come to a socket that nobody looks at. */
static void a_source_has_one_socket(void **state)
{
	static const char file[] =
		"split: [{source: \"listen:127.0.0.1:0\", listen: \"127.0.0.1:0\"}]\n";
	struct listeners ls = { 0 };
	struct listener *one[MOST] = { NULL };
	struct conf_report report = { 0 };
	const struct conf *c = NULL;

	(void)state;
	assert_int_equal(conf_load_bytes("x.conf", file, strlen(file), &c, &report), 0);
	assert_int_equal(take(&ls, c, one), 0);
	assert_int_equal(one[0]->count, WORKERS);
	assert_int_equal(one[1]->count, 1);
	conf_unref(c);
	listeners_keep(&ls, NULL);
}

/* The third address is held: the second is not kept, and the first is what it was. */
static void all_or_nothing(void **state)
{
	struct listeners ls = { 0 };
	struct listener *one[MOST] = { NULL }, *two[MOST] = { NULL };
	unsigned before = fds(), between;
	struct sockaddr_in in = { AF_INET, 0, { htonl(INADDR_LOOPBACK) }, { 0 } };
	socklen_t len = sizeof(in);
	int holder = socket(AF_INET, SOCK_STREAM, 0);
	const struct conf *c = at("127.0.0.1:0"), *d;

	(void)state;
	assert_int_equal(bind(holder, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(holder, 1), 0);
	assert_int_equal(getsockname(holder, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(take(&ls, c, one), 0);
	between = fds();
	d = at("%s 127.0.0.2:0 127.0.0.1:%u", one[0]->text, ntohs(in.sin_port));
	assert_int_equal(take(&ls, d, two), -EADDRINUSE);
	assert_non_null(strstr(problem, "held by"));
	conf_unref(d);
	assert_int_equal(ls.count, 1);
	assert_ptr_equal(ls.item[0].listener, one[0]);
	assert_ptr_equal(ls.item[0].conf, c);
	assert_int_equal(fds(), between);
	conf_unref(c);
	listeners_keep(&ls, NULL);
	close(holder);
	assert_int_equal(fds(), before);
}

static void inherited_ones_are_one_for_all_workers(void **state)
{
	struct listeners ls = { 0 };
	struct listener *one[MOST] = { NULL }, *two[MOST] = { NULL };
	struct sockaddr_in in = { AF_INET, 0, { htonl(INADDR_LOOPBACK) }, { 0 } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	unsigned before = fds() - 1;
	const struct conf *c, *d;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	c = at("fd:%d", fd);
	assert_int_equal(take(&ls, c, one), -EINVAL); /* it does not listen */
	assert_non_null(strstr(problem, "not a listening stream socket"));
	assert_int_equal(ls.count, 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(take(&ls, c, one), 0);
	assert_int_equal(one[0]->count, WORKERS);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(one[0]->fd[i], fd);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_string_not_equal(one[0]->text, "");
	d = at("fd:%d 127.0.0.1:0", fd);
	assert_int_equal(take(&ls, d, two), 0);
	assert_ptr_equal(two[0], one[0]);
	conf_unref(c);
	conf_unref(d);
	listeners_keep(&ls, NULL);
	assert_int_equal(fds(), before);
}

static void a_closed_one_cannot_be_inherited(void **state)
{
	struct listeners ls = { 0 };
	struct listener *one[MOST] = { NULL };
	const struct conf *c = at("fd:%d", 999);

	(void)state;
	assert_int_equal(take(&ls, c, one), -EBADF);
	assert_non_null(strstr(problem, "fd:999"));
	conf_unref(c);
	listeners_keep(&ls, NULL);
}

/* -- limits -- */

static void connections_fit_the_descriptors(void **state)
{
	(void)state;
	for (uint64_t descriptors = 1; descriptors < 1u << 20; descriptors += 1 + descriptors / 3)
		for (unsigned workers = 1; workers <= 64; workers *= 4) {
			uint64_t n = limits_connections(descriptors, workers, 2);

			assert_true(n >= 2);
			assert_true(n == 2 || 2 * n + 10 + workers * 5 <= descriptors);
		}
	assert_true(limits_connections(20000, 2, 1) > 9800);
}

static void what_is_asked_for_is_had_if_it_fits(void **state)
{
	uint64_t all = limits_descriptors(false), most = limits_allowed(0, 1, 1, all);

	(void)state;
	assert_int_equal(limits_allowed(2, 1, 1, all), 2);
	assert_int_equal(limits_allowed(most, 1, 1, all), most);
	assert_int_equal(limits_allowed(most + 1, 1, 1, all), most);
	assert_true(limits_allowed(0, 1, 1, limits_descriptors(true)) <= most);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_stay_are_the_same),
		cmocka_unit_test(those_that_go_are_closed_when_they_may),
		cmocka_unit_test(two_of_a_kind_are_two),
		cmocka_unit_test(a_source_has_one_socket),
		cmocka_unit_test(all_or_nothing),
		cmocka_unit_test(inherited_ones_are_one_for_all_workers),
		cmocka_unit_test(a_closed_one_cannot_be_inherited),
		cmocka_unit_test(connections_fit_the_descriptors),
		cmocka_unit_test(what_is_asked_for_is_had_if_it_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
