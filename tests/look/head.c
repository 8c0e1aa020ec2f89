/* SPDX-License-Identifier: BSD-2-Clause */
/* head.c — PROXY headers with what follows them, one behind the other, by real and made clients */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "look/head.h"
#include "sample.h"

#define ALL (LOOK_SET(LOOK_TLS) | LOOK_SET(LOOK_HTTP) | LOOK_SET(LOOK_SSH))

/* What the looker below looks for: a wrapper has no argument for it. */
static struct head_wish wish;

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[SAMPLE_TOLD])
{
	char from[ADDR_TEXT], name[NAME_TEXT] = "";
	struct head_facts f;
	struct look l = look_head(&wish, bytes, n, seen, &f);

	if (l.verdict == LOOK_NO)
		assert_int_equal(f.proxy.size, wish.proxy ? f.proxy.size : 0);
	if (l.verdict != LOOK_YES)
		return l;
	if (f.protocol == LOOK_TLS)
		name_text(f.tls.sni, f.tls.sni_len, name);
	else if (f.protocol == LOOK_HTTP)
		name_text(f.http.host, f.http.host_len, name);
	snprintf(told, SAMPLE_TOLD, "%zu %s %s %s", f.proxy.size,
		 f.proxy.size && f.proxy.known ? addr_text(&f.proxy.from, from) : "-",
		 f.protocol < LOOK_PROTOCOLS ? look_protocol_text((enum look_protocol)f.protocol)
					     : "unknown",
		 name);
	return l;
}

static void want(bool proxy, unsigned set)
{
	wish = (struct head_wish){ proxy, set };
}

/* -- streams -- */

#define V1  "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define V2  SIG "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\xdc\4\1\xbb"

static uint8_t stream[2 * SAMPLE_FILE];

/* `before`, then a recorded client. */
static size_t behind(const void *before, size_t n, const char *file)
{
	size_t more;
	const uint8_t *bytes = sample_file(file, &more);

	memcpy(stream, before, n);
	memcpy(stream + n, bytes, more);
	return n + more;
}

static const struct {
	const char *file, *facts;
} clients[] = {
	{ "chromium", "tls d.test" },
	{ "gnutls", "tls b.test" },
	{ "openssl-tls13", "tls a.test" },
	{ "openssl-noname", "tls " },
	{ "curl-http10", NULL },
	{ "curl-http", NULL },
	{ "ssh", "ssh " },
};

/* What its own looker says, if that is not said above. */
static const char *facts_of(size_t i, char buf[SAMPLE_TOLD])
{
	struct http_facts f;
	size_t n;
	const uint8_t *bytes = sample_file(clients[i].file, &n);

	if (clients[i].facts)
		return clients[i].facts;
	assert_int_equal(look_http((const char *)bytes, n, 0, &f).verdict, LOOK_YES);
	snprintf(buf, SAMPLE_TOLD, "http %s", f.host);
	return buf;
}

static void each_client_behind(const char *before, size_t size, const char *says)
{
	char facts[2 * SAMPLE_TOLD], own[SAMPLE_TOLD];

	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		snprintf(facts, sizeof(facts), "%s %s", says, facts_of(i, own));
		sample_taken(clients[i].file, tell, stream, behind(before, size, clients[i].file),
			     facts);
	}
}

static void clients_alone(void **state)
{
	(void)state;
	want(false, ALL);
	each_client_behind("", 0, "0 -");
}

static void clients_behind_a_header(void **state)
{
	(void)state;
	want(true, ALL);
	each_client_behind(V1, sizeof(V1) - 1, "45 192.0.2.1:56324");
	each_client_behind(V2, sizeof(V2) - 1, "28 192.0.2.1:56324");
	each_client_behind("PROXY UNKNOWN\r\n", 15, "15 -");
	each_client_behind(SIG "\x20\0\0\0", 16, "16 -");
}

#define BYTES(text)        (const uint8_t *)text, sizeof(text) - 1
#define TAKEN(text, facts) sample_taken(text, tell, BYTES(text), facts)

static void a_header_is_all_that_is_wanted(void **state)
{
	(void)state;
	want(true, 0);
	TAKEN(V1, "45 192.0.2.1:56324 unknown ");
	TAKEN(V1 "whatever \0\1\2", "45 192.0.2.1:56324 unknown ");
	TAKEN(V2 "\x16\x03\x01", "28 192.0.2.1:56324 unknown ");
}

static void what_is_not_looked_for_is_unknown(void **state)
{
	(void)state;
	want(false, LOOK_SET(LOOK_SSH));
	TAKEN("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "0 - unknown ");
	TAKEN("\x16\x03\x01\0\x05\1\0\0\1\0", "0 - unknown ");
	TAKEN("SSH-2.0-x\r\n", "0 - ssh ");
	want(false, ALL);
	TAKEN("\0\1\2\3", "0 - unknown ");
	want(true, ALL);
	TAKEN(V1 "\0\1\2\3", "45 192.0.2.1:56324 unknown ");
}

static void nothing_is_wanted(void **state)
{
	struct head_facts f;

	(void)state;
	want(false, 0);
	assert_int_equal(look_head(&wish, stream, 0, 0, &f).verdict, LOOK_YES);
	assert_int_equal(f.protocol, HEAD_UNKNOWN);
	assert_int_equal(f.proxy.size, 0);
}

static void a_missing_or_second_header_is_refused(void **state)
{
	(void)state;
	want(true, ALL);
	sample_refused("none", tell, BYTES("GET / HTTP/1.1\r\n"), "not a PROXY header", 1);
	sample_refused("tls", tell, BYTES("\x16\x03\x01\x02\0\1"), "not a PROXY header", 1);
	TAKEN(V1 V1, "45 192.0.2.1:56324 unknown "); /* nobody looks for it there */
	want(true, ALL | LOOK_SET(LOOK_PROXY));
	TAKEN(V1 V1, "45 192.0.2.1:56324 proxy ");
}

static void what_begins_well_and_goes_on_badly_is_refused(void **state)
{
	(void)state;
	want(true, ALL);
	sample_refused("two hosts", tell,
		       BYTES(V1 "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n"), "", 0);
	sample_refused("no hello", tell, BYTES(V2 "\x16\x03\x01\0\x20\1\0\0\x1c\3\0"), "", 0);
}

/* The header is told of as soon as it is there, while more is asked for. */
static void the_header_is_known_before_the_rest(void **state)
{
	static const uint8_t bytes[] = V1 "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
	struct head_facts f;

	(void)state;
	want(true, ALL);
	for (size_t n = 0; n < sizeof(bytes) - 1; n++) {
		struct look l = look_head(&wish, bytes, n, n ? n - 1 : 0, &f);

		assert_int_equal(l.verdict, LOOK_MORE);
		assert_true(l.need > n && l.need <= sizeof(bytes) - 1);
		assert_int_equal(f.proxy.size, n < 45 ? 0 : 45);
		if (n >= 45)
			assert_int_equal(addr_port(&f.proxy.from), 56324);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_alone),
		cmocka_unit_test(clients_behind_a_header),
		cmocka_unit_test(a_header_is_all_that_is_wanted),
		cmocka_unit_test(what_is_not_looked_for_is_unknown),
		cmocka_unit_test(nothing_is_wanted),
		cmocka_unit_test(a_missing_or_second_header_is_refused),
		cmocka_unit_test(what_begins_well_and_goes_on_badly_is_refused),
		cmocka_unit_test(the_header_is_known_before_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
