/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/addr.h"

static void reads(const char *text, enum addr_use use, enum addr_kind kind, const char *host,
		  unsigned port)
{
	struct addr_name name;
	const char *problem = NULL;

	if (addr_parse(text, use, &name, &problem) != 0)
		fail_msg("\"%s\": %s", text, problem);
	assert_int_equal(name.use, use);
	assert_int_equal(name.kind, kind);
	assert_string_equal(name.host, host);
	assert_int_equal(name.port, port);
	assert_null(problem);
}

/* Refused, and the problem says so with this word. */
static void refuses(const char *text, enum addr_use use, const char *word)
{
	struct addr_name name;
	const char *problem = NULL;

	if (addr_parse(text, use, &name, &problem) != -EINVAL)
		fail_msg("\"%s\" was taken", text);
	assert_non_null(problem);
	if (!strstr(problem, word))
		fail_msg("\"%s\": \"%s\" does not speak of \"%s\"", text, problem, word);
	assert_true(strlen(problem) < 100);
	assert_null(strchr(problem, '\n'));
}

/* The n-th address of a text, as text; NULL: there are fewer. */
static const char *nth(const char *text, enum addr_use use, int n, char buf[ADDR_TEXT])
{
	struct addr_name name;
	const char *problem;
	struct addr a[8];
	int count;

	assert_int_equal(addr_parse(text, use, &name, &problem), 0);
	count = addr_resolve(&name, a, 8, &problem);
	return n < count ? addr_text(&a[n], buf) : NULL;
}

static struct addr made(const char *text)
{
	struct addr_name name;
	const char *problem;
	struct addr a;

	if (addr_parse(text, ADDR_LISTEN, &name, &problem) != 0)
		fail_msg("\"%s\": %s", text, problem);
	assert_int_equal(addr_resolve(&name, &a, 1, &problem), 1);
	return a;
}

static struct addr mapped(const char *v6, unsigned port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct addr a = { .len = sizeof(sin6) };

	assert_int_equal(inet_pton(AF_INET6, v6, &sin6.sin6_addr), 1);
	memcpy(&a.ss, &sin6, sizeof(sin6));
	return a;
}

static void every_form_is_read(void **state)
{
	(void)state;
	reads(":80", ADDR_LISTEN, ADDR_EVERY, "", 80);
	reads(":80", ADDR_TARGET, ADDR_EVERY, "", 80);
	reads("1.2.3.4:65535", ADDR_LISTEN, ADDR_NUMBER, "1.2.3.4", 65535);
	reads("0.0.0.0:1", ADDR_LISTEN, ADDR_NUMBER, "0.0.0.0", 1);
	reads("[::1]:8080", ADDR_TARGET, ADDR_NUMBER, "::1", 8080);
	reads("[2001:db8::7]:80", ADDR_TARGET, ADDR_NUMBER, "2001:db8::7", 80);
	reads("[::ffff:1.2.3.4]:80", ADDR_TARGET, ADDR_NUMBER, "::ffff:1.2.3.4", 80);
	reads("[fe80::1%lo]:80", ADDR_TARGET, ADDR_NUMBER, "fe80::1%lo", 80);
	reads("localhost:80", ADDR_TARGET, ADDR_NAME, "localhost", 80);
	reads("my_db-1.example.com.:80", ADDR_TARGET, ADDR_NAME, "my_db-1.example.com.", 80);
	reads("1a.2b:80", ADDR_TARGET, ADDR_NAME, "1a.2b", 80);
	reads("4.example:80", ADDR_TARGET, ADDR_NAME, "4.example", 80);
	reads("xn--bcher-kva.example:00080", ADDR_TARGET, ADDR_NAME, "xn--bcher-kva.example", 80);
	reads("unix:/run/app.sock", ADDR_LISTEN, ADDR_UNIX, "/run/app.sock", 0);
	reads("unix:/a:80", ADDR_LISTEN, ADDR_UNIX, "/a:80", 0);
	reads("unix:@name", ADDR_TARGET, ADDR_UNIX, "@name", 0);
}

static void port_0_is_for_listening(void **state)
{
	(void)state;
	reads(":0", ADDR_LISTEN, ADDR_EVERY, "", 0);
	reads("127.0.0.1:0", ADDR_LISTEN, ADDR_NUMBER, "127.0.0.1", 0);
	refuses(":0", ADDR_TARGET, "port 0");
	refuses("[::1]:00000", ADDR_TARGET, "port 0");
}

static void wrong_ports_are_refused(void **state)
{
	static const char *const texts[] = { "",     " ",    "x",          "-1",
					     "+1",   "80x",  "80 ",        " 80",
					     "0x50", "http", "000080",     "999999",
					     "80/",  "8.0",  "4294967376", "99999999999999999999" };
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		snprintf(text, sizeof(text), "host:%s", texts[i]);
		refuses(text, ADDR_LISTEN, "port");
		snprintf(text, sizeof(text), "[::1]:%s", texts[i]);
		refuses(text, ADDR_TARGET, "port");
	}
	refuses(":65536", ADDR_LISTEN, "65535");
	refuses(":99999", ADDR_LISTEN, "65535");
}

static void the_remedy_is_named(void **state)
{
	(void)state;
	refuses("", ADDR_LISTEN, "HOST:PORT");
	refuses("8080", ADDR_LISTEN, ":8080");
	refuses("example.com", ADDR_TARGET, "HOST:PORT");
	refuses("1.2.3.4", ADDR_TARGET, "port is missing");
	refuses("http://example.com:80", ADDR_TARGET, "URL");
	refuses("http://example.com/", ADDR_TARGET, "URL");
	refuses("/run/app.sock", ADDR_TARGET, "unix:/");
	refuses("./app.sock", ADDR_TARGET, "unix:/");
	refuses("::1:80", ADDR_TARGET, "brackets");
	refuses("2001:db8::1", ADDR_TARGET, "brackets");
	refuses("::", ADDR_LISTEN, "brackets");
	refuses("*:80", ADDR_LISTEN, ":8080");
}

static void broken_brackets_are_refused(void **state)
{
	(void)state;
	refuses("[::1:80", ADDR_TARGET, "']'");
	refuses("[", ADDR_TARGET, "']'");
	refuses("[]:80", ADDR_TARGET, "not an IPv6");
	refuses("[::1]", ADDR_TARGET, "port is missing");
	refuses("[::1]80", ADDR_TARGET, "port is missing");
	refuses("[::1]]:80", ADDR_TARGET, "port is missing");
	refuses("[1.2.3.4]:80", ADDR_TARGET, "not an IPv6");
	refuses("[host]:80", ADDR_TARGET, "not an IPv6");
	refuses("[:::1]:80", ADDR_TARGET, "not an IPv6");
	refuses("[::12345]:80", ADDR_TARGET, "not an IPv6");
	refuses("[::1%lo]:80", ADDR_TARGET, "link-local");
	refuses("[fe80::1]:80", ADDR_TARGET, "interface");
	refuses("[fe80::1%]:80", ADDR_TARGET, "interface");
	refuses("[fe80::1%sixteen-letters-]:80", ADDR_TARGET, "interface");
}

/* The resolver would take these for numbers, and some for surprising ones. */
static void half_numbers_are_refused(void **state)
{
	static const char *const hosts[] = { "1",         "127.1",    "1.2.3",      "1.2.3.4.5",
					     "256.1.1.1", "1.2.3.-4", "010.0.0.1",  "0x7f000001",
					     "0X7f.1",    "a.0x1",    "2130706433", "example.1",
					     "1.2.3.04",  "1.2.3.4.", "0x1.",       "99999999999" };
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		snprintf(text, sizeof(text), "%s:80", hosts[i]);
		if (strcmp(hosts[i], "1.2.3.-4") == 0)
			reads(text, ADDR_TARGET, ADDR_NAME, hosts[i], 80);
		else
			refuses(text, ADDR_TARGET, "IPv4");
	}
}

static void names_have_bounds(void **state)
{
	char text[600], label[80], name[300] = "";

	(void)state;
	refuses("a b:80", ADDR_TARGET, "letters");
	refuses("b\xc3\xbc"
		"cher.example:80",
		ADDR_TARGET, "letters");
	refuses("a\nb:80", ADDR_TARGET, "letters");
	refuses("user@host:80", ADDR_TARGET, "letters");
	refuses(".example:80", ADDR_TARGET, "empty part");
	refuses("a..b:80", ADDR_TARGET, "empty part");
	refuses(".:80", ADDR_TARGET, "empty part");
	refuses("a..:80", ADDR_TARGET, "empty part");
	memset(label, 'a', sizeof(label));
	snprintf(text, sizeof(text), "%.63s.b:80", label);
	snprintf(name, sizeof(name), "%.63s.b", label);
	reads(text, ADDR_TARGET, ADDR_NAME, name, 80);
	snprintf(text, sizeof(text), "%.64s.b:80", label);
	refuses(text, ADDR_TARGET, "63");
	snprintf(name, sizeof(name), "%.63s.%.63s.%.63s.%.61s", label, label, label, label);
	snprintf(text, sizeof(text), "%s:80", name);
	reads(text, ADDR_TARGET, ADDR_NAME, name, 80);
	for (int more = 1; more < 60; more++) {
		snprintf(text, sizeof(text), "%s.%.*s:80", name, more, label);
		refuses(text, ADDR_TARGET, "253");
	}
	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 4, ":80", 4);
	refuses(text, ADDR_TARGET, "253");
	text[0] = '[';
	memcpy(text + sizeof(text) - 5, "]:80", 5);
	refuses(text, ADDR_TARGET, "']'");
}

static void unix_paths_have_bounds(void **state)
{
	char text[300];

	(void)state;
	refuses("unix:", ADDR_LISTEN, "unix:/");
	refuses("unix:run/x", ADDR_LISTEN, "absolute");
	refuses("unix:@", ADDR_LISTEN, "name");
	memset(text, 'x', sizeof(text));
	memcpy(text, "unix:/", 6);
	text[5 + 107] = '\0';
	reads(text, ADDR_LISTEN, ADDR_UNIX, text + 5, 0);
	text[5 + 107] = 'x';
	text[5 + 108] = '\0';
	refuses(text, ADDR_LISTEN, "107");
	text[5] = '@';
	refuses(text, ADDR_LISTEN, "107");
	text[5 + 108] = 'x';
	text[299] = '\0';
	refuses(text, ADDR_LISTEN, "107");
}

static void what_was_read_is_printed(void **state)
{
	static const char *const same[] = { "1.2.3.4:80", "[::1]:8080",    "[2001:db8::7]:1",
					    "[::]:0",     "0.0.0.0:65535", "unix:/run/app.sock",
					    "unix:@name", "unix:@with:80", "[fe80::1%1]:80" };
	char buf[ADDR_TEXT], longest[5 + 107 + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_string_equal(nth(same[i], ADDR_LISTEN, 0, buf), same[i]);
	assert_string_equal(nth("[::ffff:1.2.3.4]:80", ADDR_LISTEN, 0, buf), "1.2.3.4:80");
	assert_string_equal(nth("[2001:0DB8:0::0007]:0080", ADDR_LISTEN, 0, buf),
			    "[2001:db8::7]:80");
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "unix:/", 6);
	longest[5 + 107] = '\0';
	assert_string_equal(nth(longest, ADDR_LISTEN, 0, buf), longest);
	longest[5] = '@';
	assert_string_equal(nth(longest, ADDR_LISTEN, 0, buf), longest);
}

static void no_host_means_everywhere_or_here(void **state)
{
	char buf[ADDR_TEXT];
	struct addr_name name;
	const char *problem;
	struct addr a;
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	(void)state;
	assert_string_equal(nth(":80", ADDR_LISTEN, 0, buf), fd >= 0 ? "[::]:80" : "0.0.0.0:80");
	assert_null(nth(":80", ADDR_LISTEN, 1, buf));
	assert_string_equal(nth(":80", ADDR_TARGET, 0, buf), "127.0.0.1:80");
	assert_string_equal(nth(":80", ADDR_TARGET, 1, buf), "[::1]:80");
	assert_null(nth(":80", ADDR_TARGET, 2, buf));
	assert_int_equal(addr_parse(":80", ADDR_TARGET, &name, &problem), 0);
	assert_int_equal(addr_resolve(&name, &a, 1, &problem), 1);
	assert_int_equal(addr_resolve(&name, &a, 0, &problem), -EINVAL);
	close(fd);
}

static void interfaces_are_looked_up(void **state)
{
	struct addr_name name;
	const char *problem = NULL;
	struct addr a;
	char want[64], buf[ADDR_TEXT];

	(void)state;
	snprintf(want, sizeof(want), "[fe80::1%%%u]:80", if_nametoindex("lo"));
	assert_string_equal(nth("[fe80::1%lo]:80", ADDR_TARGET, 0, buf), want);
	assert_int_equal(addr_parse("[fe80::1%nosuchif]:80", ADDR_TARGET, &name, &problem), 0);
	assert_int_equal(addr_resolve(&name, &a, 1, &problem), -ENODEV);
	assert_non_null(strstr(problem, "interface"));
	assert_int_equal(addr_parse("[fe80::1%4294967296]:80", ADDR_TARGET, &name, &problem), 0);
	assert_int_equal(addr_resolve(&name, &a, 1, &problem), -ENODEV);
}

/* localhost stands in /etc/hosts, often more than once. */
static void names_are_resolved_each_address_once(void **state)
{
	struct addr_name name;
	const char *problem;
	struct addr a[8];
	int n;

	(void)state;
	assert_int_equal(addr_parse("localhost:80", ADDR_TARGET, &name, &problem), 0);
	n = addr_resolve(&name, a, 8, &problem);
	assert_in_range(n, 1, 8);
	for (int i = 0; i < n; i++) {
		assert_int_equal(addr_port(&a[i]), 80);
		for (int k = 0; k < i; k++)
			assert_false(addr_same(&a[i], &a[k]));
	}
	assert_int_equal(addr_resolve(&name, a, 1, &problem), 1);
}

/* Two dots in a row are no name to any resolver, so no name server is asked. */
static void a_host_that_is_not_there_is_told(void **state)
{
	struct addr_name name = { .kind = ADDR_NAME, .port = 80, .host = "no..such" };
	const char *problem = NULL;
	struct addr a;

	(void)state;
	assert_int_equal(addr_resolve(&name, &a, 1, &problem), -ENOENT);
	assert_non_null(strstr(problem, "name"));
}

static void sockets_tell_their_addresses(void **state)
{
	static const char *const hosts[] = { "127.0.0.1:0", "[::1]:0" };
	struct addr self, peer, seen;
	char buf[ADDR_TEXT], port[16];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct addr a = made(hosts[i]);
		int l = socket(a.ss.ss_family, SOCK_STREAM, 0), c, s;

		if (i == 1 && (l < 0 || bind(l, (struct sockaddr *)&a.ss, a.len) < 0)) {
			print_message("no IPv6 here: its half is skipped\n");
			close(l);
			return;
		}
		if (i == 0)
			assert_int_equal(bind(l, (struct sockaddr *)&a.ss, a.len), 0);
		assert_int_equal(listen(l, 1), 0);
		assert_int_equal(addr_of_self(l, &self), 0);
		c = socket(a.ss.ss_family, SOCK_STREAM, 0);
		assert_int_equal(connect(c, (struct sockaddr *)&self.ss, self.len), 0);
		s = accept(l, NULL, NULL);
		assert_int_equal(addr_of_peer(c, &peer), 0);
		assert_true(addr_same(&peer, &self));
		assert_int_equal(addr_of_peer(s, &peer), 0);
		assert_int_equal(addr_of_self(c, &seen), 0);
		assert_true(addr_same(&peer, &seen));
		snprintf(port, sizeof(port), ":%u", addr_port(&seen));
		assert_string_equal(strrchr(addr_text(&seen, buf), ':'), port);
		close(c);
		close(s);
		close(l);
	}
}

static void unnamed_unix_sockets_are_just_unix(void **state)
{
	char buf[ADDR_TEXT];
	struct addr a, b;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(addr_of_peer(fds[0], &a), 0);
	assert_int_equal(addr_of_self(fds[0], &b), 0);
	assert_string_equal(addr_text(&a, buf), "unix:");
	assert_true(addr_same(&a, &b));
	assert_int_equal(addr_port(&a), 0);
	close(fds[0]);
	close(fds[1]);
}

/* The kernel gives the path back as it was bound, with or without its NUL in the length. */
static void unix_sockets_tell_their_names(void **state)
{
	char dir[] = "/tmp/shunt-addr-XXXXXX", text[128], buf[ADDR_TEXT];
	struct addr a, seen;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (int abstract = 0; abstract < 2; abstract++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		snprintf(text, sizeof(text), abstract ? "unix:@%s/s" : "unix:%s/s", dir);
		a = made(text);
		assert_int_equal(bind(fd, (struct sockaddr *)&a.ss, a.len), 0);
		assert_int_equal(addr_of_self(fd, &seen), 0);
		assert_true(addr_same(&a, &seen));
		assert_string_equal(addr_text(&seen, buf), text);
		close(fd);
	}
	snprintf(text, sizeof(text), "%s/s", dir);
	assert_int_equal(unlink(text), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void asking_the_wrong_thing_is_told(void **state)
{
	struct addr a;
	int fd = open("/dev/null", O_RDONLY), s = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(addr_of_self(-1, &a), -EBADF);
	assert_int_equal(addr_of_peer(fd, &a), -ENOTSOCK);
	assert_int_equal(addr_of_peer(s, &a), -ENOTCONN);
	close(fd);
	close(s);
}

static void names_cannot_disturb_a_terminal(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/\x1b[2J\n\x7f\xc3\xbc" };
	struct addr a = { .len = sizeof(un) };
	char buf[ADDR_TEXT];

	(void)state;
	memcpy(&a.ss, &un, sizeof(un));
	assert_string_equal(addr_text(&a, buf), "unix:/?[2J????");
	memset(un.sun_path, 0, sizeof(un.sun_path));
	memcpy(&a.ss, &un, sizeof(un));
	assert_int_equal(strlen(addr_text(&a, buf)), 5 + sizeof(un.sun_path));
	assert_string_equal(strrchr(buf, ':'), strchr(buf, ':'));
	memset(un.sun_path, 'x', sizeof(un.sun_path));
	memcpy(&a.ss, &un, sizeof(un));
	assert_int_equal(strlen(addr_text(&a, buf)), 5 + sizeof(un.sun_path));
	a.len = sizeof(a.ss);
	assert_int_equal(strlen(addr_text(&a, buf)), 5 + sizeof(un.sun_path));
}

static void other_families_are_named(void **state)
{
	struct addr a = { .ss.ss_family = AF_NETLINK, .len = 2 }, b = a, none = { 0 };
	char buf[ADDR_TEXT], want[32];

	(void)state;
	snprintf(want, sizeof(want), "family-%d", AF_NETLINK);
	assert_string_equal(addr_text(&a, buf), want);
	assert_string_equal(addr_text(&none, buf), "family-0");
	assert_false(addr_same(&a, &b));
	assert_int_equal(addr_port(&a), 0);
	assert_false(addr_is_every(&a));
}

static void same_means_the_same_place(void **state)
{
	static const char *const all[] = {
		"1.2.3.4:80", "1.2.3.4:81",     "1.2.3.5:80",     "[::1]:80", "[::2]:80",
		"[::1]:81",   "[fe80::1%1]:80", "[fe80::1%2]:80", "unix:/a",  "unix:/ab",
		"unix:@a",    "unix:@ab",       "0.0.0.0:80",     "[::]:80",
	};
	struct addr a, b;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
			a = made(all[i]);
			b = made(all[k]);
			assert_int_equal(addr_same(&a, &b), i == k);
		}
	a = mapped("::ffff:1.2.3.4", 80);
	b = made("1.2.3.4:80");
	assert_true(addr_same(&a, &b));
	assert_true(addr_same(&b, &a));
	assert_int_equal(addr_port(&a), 80);
	b = made("[::1]:80");
	assert_false(addr_same(&a, &b));
}

static void a_port_is_set_where_there_is_one(void **state)
{
	struct addr a = made("1.2.3.4:80"), b = made("[::1]:80"), c = made("unix:/x");
	char text[ADDR_TEXT];

	(void)state;
	addr_set_port(&a, 65535);
	addr_set_port(&b, 1);
	addr_set_port(&c, 1);
	assert_string_equal(addr_text(&a, text), "1.2.3.4:65535");
	assert_string_equal(addr_text(&b, text), "[::1]:1");
	assert_string_equal(addr_text(&c, text), "unix:/x");
}

static void every_is_recognised(void **state)
{
	struct addr a;

	(void)state;
	a = made("0.0.0.0:80");
	assert_true(addr_is_every(&a));
	a = made("[::]:80");
	assert_true(addr_is_every(&a));
	a = mapped("::ffff:0.0.0.0", 80);
	assert_true(addr_is_every(&a));
	a = made("127.0.0.1:80");
	assert_false(addr_is_every(&a));
	a = made("[::1]:80");
	assert_false(addr_is_every(&a));
	a = made("unix:/a");
	assert_false(addr_is_every(&a));
}

/* Words made of the pieces that matter: nothing breaks, and what is taken is printed so that it is
 * taken for the same again. */
static void whatever_is_taken_prints_and_reads_back(void **state)
{
	static const char *const pieces[] = { ":",    "[",    "]",       "%",      ".",
					      "/",    "@",    "unix:",   "::",     "0",
					      "1",    "80",   "255",     "fe80",   "lo",
					      "ffff", "a",    "-",       "_",      "x",
					      " ",    "\xff", "1.2.3.4", "[::1]:", "*" };
	uint64_t seed = 42;
	int taken = 0;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		char text[128] = "", buf[ADDR_TEXT];
		struct addr_name name;
		const char *problem = NULL;
		struct addr a[2], b[2];

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		for (uint64_t n = 1 + (seed >> 60) % 7, i = 0; i < n; i++)
			strcat(text,
			       pieces[(seed >> (8 * i)) % (sizeof(pieces) / sizeof(pieces[0]))]);
		if (addr_parse(text, ADDR_LISTEN, &name, &problem) < 0) {
			assert_non_null(problem);
			continue;
		}
		taken++;
		if (name.kind == ADDR_NAME || addr_resolve(&name, a, 2, &problem) < 0)
			continue;
		if (addr_parse(addr_text(&a[0], buf), ADDR_LISTEN, &name, &problem) < 0) {
			/* Only a byte that was masked can change an address. */
			assert_non_null(strchr(buf, '?'));
			continue;
		}
		assert_int_equal(addr_resolve(&name, b, 2, &problem), 1);
		if (!strchr(buf, '?'))
			assert_true(addr_same(&a[0], &b[0]));
	}
	assert_true(taken > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_read),
		cmocka_unit_test(port_0_is_for_listening),
		cmocka_unit_test(wrong_ports_are_refused),
		cmocka_unit_test(the_remedy_is_named),
		cmocka_unit_test(broken_brackets_are_refused),
		cmocka_unit_test(half_numbers_are_refused),
		cmocka_unit_test(names_have_bounds),
		cmocka_unit_test(unix_paths_have_bounds),
		cmocka_unit_test(what_was_read_is_printed),
		cmocka_unit_test(no_host_means_everywhere_or_here),
		cmocka_unit_test(interfaces_are_looked_up),
		cmocka_unit_test(names_are_resolved_each_address_once),
		cmocka_unit_test(a_host_that_is_not_there_is_told),
		cmocka_unit_test(sockets_tell_their_addresses),
		cmocka_unit_test(unnamed_unix_sockets_are_just_unix),
		cmocka_unit_test(unix_sockets_tell_their_names),
		cmocka_unit_test(asking_the_wrong_thing_is_told),
		cmocka_unit_test(names_cannot_disturb_a_terminal),
		cmocka_unit_test(other_families_are_named),
		cmocka_unit_test(same_means_the_same_place),
		cmocka_unit_test(a_port_is_set_where_there_is_one),
		cmocka_unit_test(every_is_recognised),
		cmocka_unit_test(whatever_is_taken_prints_and_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
