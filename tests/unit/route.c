/* SPDX-License-Identifier: BSD-2-Clause */
/* route.c — which route takes a head, in words from files; and how the rules name it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/conf_load.h"
#include "daemon/route.h"
#include "daemon/rules.h"

static const struct conf *read_conf(const char *routes)
{
	struct conf_report report = { 0 };
	const struct conf *c = NULL;
	char file[4096];
	int n = snprintf(
		file, sizeof(file),
		"listen: [{address: \":1\", look: [tls, http, ssh, openvpn], routes: [%s]}]\n"
		"backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
		routes);

	assert_int_equal(conf_load_bytes("x.conf", file, (size_t)n, &c, &report), 0);
	conf_report_clear(&report);
	return c;
}

static struct head_facts tls(const char *sni, const char *alpn)
{
	struct head_facts f = { .protocol = LOOK_TLS };
	size_t n = strlen(alpn);

	f.tls.sni_len = strlen(sni);
	memcpy(f.tls.sni, sni, f.tls.sni_len + 1);
	if (n) {
		f.tls.alpn[0] = (uint8_t)n;
		memcpy(f.tls.alpn + 1, alpn, n);
		f.tls.alpn_len = n + 1;
	}
	return f;
}

static struct head_facts http(const char *host)
{
	struct head_facts f = { .protocol = LOOK_HTTP };

	f.http.host_len = strlen(host);
	memcpy(f.http.host, host, f.http.host_len + 1);
	return f;
}

static struct head_facts other(unsigned protocol)
{
	struct head_facts f;

	memset(&f, 0x41, sizeof(f)); /* nothing of it means anything */
	memset(&f.proxy, 0, sizeof(f.proxy));
	f.protocol = protocol;
	return f;
}

static void goes(const struct conf *c, struct head_facts f, size_t where)
{
	assert_int_equal(route_find(c->listener[0], &f), where);
}

static void the_first_that_holds(void **state)
{
	const struct conf *c = read_conf("{alpn: [acme-tls/1], backend: b},"
					 "{sni: [a.test, \"*.b.test\"], backend: b},"
					 "{sni: [a.test, c.test], alpn: [h2], backend: b},"
					 "{host: [a.test, \"*.b.test\"], backend: b},"
					 "{protocol: [ssh, openvpn], backend: b},"
					 "{protocol: tls, sni: [d.test], backend: b}");

	(void)state;
	goes(c, tls("a.test", ""), 1);
	goes(c, tls("a.test", "acme-tls/1"), 0);
	goes(c, tls("a.test", "ACME-TLS/1"), 1);
	goes(c, tls("x.b.test", ""), 1);
	goes(c, tls("y.x.b.test", ""), 1);
	goes(c, tls("b.test", ""), 6);
	goes(c, tls("xb.test", ""), 6);
	goes(c, tls("c.test", "h2"), 2);
	goes(c, tls("c.test", "h3"), 6);
	goes(c, tls("d.test", ""), 5);
	goes(c, tls("", ""), 6);
	goes(c, http("a.test"), 3);
	goes(c, http("x.b.test"), 3);
	goes(c, http("c.test"), 6);
	goes(c, http(""), 6);
	goes(c, other(LOOK_SSH), 4);
	goes(c, other(LOOK_OPENVPN), 4);
	goes(c, other(HEAD_UNKNOWN), 6);
	conf_unref(c);
}

/* A name holds any bytes; beyond a NUL they count as before it. */
static void bytes_that_are_in_no_name(void **state)
{
	const struct conf *c = read_conf("{sni: [a.test, \"*.b.test\"], backend: b}");
	static const struct {
		const char *name;
		size_t n;
	} bad[] = {
		{ "a.test\0.evil", 12 }, { "a.test\0", 7 },    { "a.test..", 8 },
		{ "evil\0.b.test", 12 }, { "x/y.b.test", 10 }, { "a\xc3\xa9.b.test", 10 },
		{ ".b.test", 7 },        { "a..b.test", 9 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct head_facts f = tls("", "");

		memcpy(f.tls.sni, bad[i].name, bad[i].n);
		f.tls.sni_len = bad[i].n;
		goes(c, f, 1);
	}
	conf_unref(c);
}

static void in_words(void **state)
{
	const struct conf *c = read_conf("{sni: [A.test, \"*.b.test\"], alpn: h2, backend: b},"
					 "{host: c.test, protocol: [http], backend: b},"
					 "{protocol: [ssh, openvpn], backend: b}");
	char buf[RULES_ROUTE_TEXT];

	(void)state;
	assert_string_equal(rules_route_text(c->listener[0]->route[0], buf),
			    "sni=a.test,*.b.test alpn=h2");
	assert_string_equal(rules_route_text(c->listener[0]->route[1], buf),
			    "host=c.test protocol=http");
	assert_string_equal(rules_route_text(c->listener[0]->route[2], buf),
			    "protocol=ssh,openvpn");
	conf_unref(c);
}

static void long_words_are_cut(void **state)
{
	char routes[3000] = "{backend: b, sni: [", buf[RULES_ROUTE_TEXT + 1];
	const struct conf *c;

	(void)state;
	for (int i = 0; i < 40; i++)
		snprintf(routes + strlen(routes), sizeof(routes) - strlen(routes),
			 "%dabcdefghijklmnopqrstuvwxyzabcdef.test,", i);
	strcat(routes, "z.test]}");
	c = read_conf(routes);
	buf[RULES_ROUTE_TEXT] = 'x';
	rules_route_text(c->listener[0]->route[0], buf);
	assert_int_equal(strlen(buf), RULES_ROUTE_TEXT - 1);
	assert_int_equal(buf[RULES_ROUTE_TEXT], 'x');
	conf_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_holds),
		cmocka_unit_test(bytes_that_are_in_no_name),
		cmocka_unit_test(in_words),
		cmocka_unit_test(long_words_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
