/* SPDX-License-Identifier: BSD-2-Clause */
/* http1.c — heads of HTTP/1: recorded ones, and the doubtful ones that servers read in two ways */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "look/http1.h"
#include "look/name.h"
#include "sample.h"

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[SAMPLE_TOLD])
{
	struct look begins = look_http_begins((const char *)bytes, n);
	struct http_facts f;
	struct look l = look_http((const char *)bytes, n, seen, &f);
	char host[NAME_TEXT];

	/* The first words never say otherwise than the whole. */
	if (l.verdict == LOOK_YES)
		assert_int_equal(begins.verdict, LOOK_YES);
	if (begins.verdict == LOOK_NO)
		assert_int_equal(l.verdict, LOOK_NO);
	if (l.verdict != LOOK_YES)
		return l;
	if (f.http2) {
		snprintf(told, SAMPLE_TOLD, "http2 size=%zu", f.size);
		return l;
	}
	assert_int_equal(f.host[f.host_len], '\0');
	snprintf(told, SAMPLE_TOLD, "%s %.*s 1.%u host=%s size=%zu", f.method, (int)f.target_len,
		 f.target, f.minor, name_text(f.host, f.host_len, host), f.size);
	return l;
}

static void taken(const char *head, const char *facts)
{
	sample_taken(head, tell, (const uint8_t *)head, strlen(head), facts);
}

static void refused(const char *head, size_t n, const char *word, size_t at)
{
	sample_refused(head, tell, (const uint8_t *)head, n, word, at);
}

static void real_clients_are_understood(void **state)
{
	static const struct {
		const char *file, *facts;
	} recorded[] = {
		{ "curl-http", "GET /x?y=1 1.1 host=c.test size=81" },
		{ "curl-http10", "GET / 1.0 host=127.0.0.1 size=79" },
		{ "curl-h2c", "http2 size=24" },
		{ "curl-h2c-upgrade", "GET / 1.1 host=c.test size=169" },
		{ "curl-proxied", "GET http://c.test:8080/p 1.1 host=c.test size=124" },
		{ "curl-connect", "CONNECT c.test:443 1.1 host=c.test size=104" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++) {
		size_t n;
		const uint8_t *bytes = sample_file(recorded[i].file, &n);

		sample_taken(recorded[i].file, tell, bytes, n, recorded[i].facts);
	}
}

static void the_host_is_found(void **state)
{
	(void)state;
	taken("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "GET / 1.1 host=a.test size=32");
	taken("GET / HTTP/1.1\r\nHost: A.Test:8080\r\n\r\nbody", "GET / 1.1 host=a.test size=37");
	taken("GET / HTTP/1.1\r\nhOsT:\t a.test \t\r\n\r\n", "GET / 1.1 host=a.test size=35");
	taken("GET / HTTP/1.1\r\nHost: a.test.:\r\n\r\n", "GET / 1.1 host=a.test. size=34");
	taken("GET / HTTP/1.1\r\nX-Host: b\r\nHost: a\r\nHostage: c\r\n\r\n",
	      "GET / 1.1 host=a size=50");
	taken("GET / HTTP/1.1\r\nHost: [2001:DB8:0::1]:443\r\n\r\n",
	      "GET / 1.1 host=[2001:db8::1] size=45");
	taken("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", "GET / 1.1 host=[::1] size=31");
	taken("GET / HTTP/1.1\r\nHost: a%20b!\r\n\r\n", "GET / 1.1 host=a%20b! size=32");
	/* It is due with 1.1 alone, and may be empty where there is no authority. */
	taken("GET / HTTP/1.0\r\n\r\n", "GET / 1.0 host= size=18");
	taken("GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / 1.1 host= size=25");
	taken("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * 1.1 host=a size=31");
	/* One empty line before it, as after a body that was longer than told. */
	taken("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / 1.1 host=a size=29");
	/* A request and the next one, which is none, in the few bytes that begin it. */
	taken("GET / HTTP/1.0\r\n\r\nGETS\r\n", "GET / 1.0 host= size=18");
	taken("\nM-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH / 1.1 host=a size=33");
}

static void the_target_comes_before_host(void **state)
{
	(void)state;
	taken("GET http://a.test/b HTTP/1.1\r\nHost: c\r\n\r\n",
	      "GET http://a.test/b 1.1 host=a.test size=41");
	taken("GET HTTPS://A:1?b HTTP/1.1\r\nHost: c\r\n\r\n",
	      "GET HTTPS://A:1?b 1.1 host=a size=39");
	taken("GET http://a HTTP/1.0\r\n\r\n", "GET http://a 1.0 host=a size=25");
	taken("GET http://[::1]:80/ HTTP/1.1\r\nHost: c\r\n\r\n",
	      "GET http://[::1]:80/ 1.1 host=[::1] size=42");
	taken("GET /http://b/ HTTP/1.1\r\nHost: c\r\n\r\n", "GET /http://b/ 1.1 host=c size=36");
	taken("CONNECT a.test:443 HTTP/1.1\r\nHost: c\r\n\r\n",
	      "CONNECT a.test:443 1.1 host=a.test size=40");
	taken("CONNECT [::1]:443 HTTP/1.1\r\nHost: c\r\n\r\n",
	      "CONNECT [::1]:443 1.1 host=[::1] size=39");
}

#define HEAD(text, word, at)                                                                       \
	{                                                                                          \
		text, sizeof(text) - 1, word, at                                                   \
	}
static const struct {
	const char *bytes;
	size_t n;
	const char *word;
	size_t at;
} wrong[] = {
	/* Whom does he want? */
	HEAD("GET / HTTP/1.1\r\nAccept: a\r\n\r\n", "without a Host", 29),
	HEAD("GET http://a/ HTTP/1.1\r\n\r\n", "without a Host", 26),
	HEAD("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "more than one Host", 30),
	HEAD("GET / HTTP/1.1\r\nHost: a\r\nHOST: a\r\n\r\n", "more than one Host", 30),
	HEAD("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "more than one Host", 30),
	HEAD("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "more than one Host", 38),
	HEAD("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "Host that is none", 24),
	HEAD("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "Host that is none", 24),
	HEAD("GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", "", 0),
	HEAD("GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: a:1x\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: [1.2.3.4]\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: []\r\n\r\n", "Host that is none", 0),
	HEAD("GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", "Host that is none", 0),
	HEAD("GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", "Host that is none", 0),
	HEAD("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "target whose host is none", 0),
	HEAD("GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n", "target whose host is none", 0),
	HEAD("GET http://a:b/ HTTP/1.1\r\nHost: a\r\n\r\n", "", 0),
	/* A name is counted: what comes after a NUL belongs to it, and makes it none. */
	HEAD("GET / HTTP/1.1\r\nHost: a.test\0.evil\r\n\r\n", "", 29),
	/* Lines that some join and some do not. */
	HEAD("GET / HTTP/1.1\r\nHost: a.te\r\n st\r\n\r\n", "folded", 29),
	HEAD("GET / HTTP/1.1\r\nHost:\r\n a.test\r\n\r\n", "folded", 0),
	HEAD("GET / HTTP/1.1\r\nX: y\r\n Host: b\r\nHost: a\r\n\r\n", "folded", 23),
	HEAD("GET / HTTP/1.1\r\n Host: a\r\n\r\n", "not a head", 17),
	HEAD("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "not a head", 21),
	HEAD("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "not a head", 25),
	HEAD("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "not a head", 0),
	HEAD("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
	     "not a head", 0),
	HEAD("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
	     "not a head", 0),
	/* Not HTTP/1. */
	HEAD("GET /\r\n\r\n", "HTTP/0.9", 0),
	HEAD("GET / HTTP/0.9\r\n\r\n", "neither HTTP/1.0", 0),
	HEAD("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "neither HTTP/1.0", 0),
	HEAD("GET / HTTP/1.2\r\nHost: a\r\n\r\n", "", 14),
	HEAD("GET / RTSP/1.0\r\n\r\n", "not HTTP", 0),
	HEAD("OPTIONS rtsp://a/b RTSP/1.0\r\n\r\n", "target that is none", 9),
	HEAD("OPTIONS sip:a@b SIP/2.0\r\n\r\n", "target that is none", 9),
	HEAD("DESCRIBE / RTSP/1.0\r\n\r\n", "no method", 8),
	HEAD("PRI / HTTP/1.1\r\nHost: a\r\n\r\n", "no method", 5),
	HEAD("PRI * HTTP/2.0\r\n\r\nSX", "no method", 20),
	HEAD("GETS / HTTP/1.1\r\n", "no blank", 4),
	HEAD("GEX", "no method", 3),
	HEAD("get / HTTP/1.1\r\n", "not HTTP", 1),
	HEAD("GET  / HTTP/1.1\r\n", "target that is none", 5),
	HEAD("CONNECT  a:1 HTTP/1.1\r\n", "target that is none", 9),
	HEAD("GET hxtp://", "target that is none", 6),
	HEAD("\r\n\r\n", "not HTTP", 3),
	HEAD("\r\n\r\n\0\r\nQUIT\n\x21", "not HTTP", 3),
	HEAD("\rG", "not HTTP", 2),
	HEAD("\x16\x03\x01", "not HTTP", 1),
	HEAD("SSH-2.0-x\r\n", "no method", 2),
	HEAD("\0", "not HTTP", 1),
};

static void doubt_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(wrong[i].bytes, wrong[i].n, wrong[i].word, wrong[i].at);
}

static char head[SAMPLE_MOST];

/* "GET /aaa... HTTP/1.1", so that with its end the head is n bytes long. */
static void long_head(size_t n)
{
	static const char end[] = " HTTP/1.1\r\nHost: a.test\r\n\r\n";

	memset(head, 'a', n);
	memcpy(head, "GET /", 5);
	memcpy(head + n - (sizeof(end) - 1), end, sizeof(end) - 1);
}

static void up_to_64k(void **state)
{
	struct http_facts f;
	struct sample_answer a;

	(void)state;
	long_head(65536);
	assert_int_equal(look_http(head, 65536, 0, &f).verdict, LOOK_YES);
	assert_string_equal(f.host, "a.test");
	assert_int_equal(f.target_len, 65536 - 4 - 27);
	long_head(65537);
	assert_int_equal(look_http(head, 65535, 0, &f).verdict, LOOK_MORE);
	a = sample_watch("64 KB and one", tell, (const uint8_t *)head, 65537, 1024);
	assert_int_equal(a.look.verdict, LOOK_NO);
	assert_int_equal(a.at, 65536);
	assert_non_null(strstr(a.look.why, "longer than 64 KB"));
}

static void the_longest_host_fits(void **state)
{
	char text[512], host[NAME_MOST + 2];
	struct http_facts f;

	(void)state;
	memset(host, 'h', sizeof(host));
	host[NAME_MOST] = '\0';
	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s:1\r\n\r\n", host);
	assert_int_equal(look_http(text, strlen(text), 0, &f).verdict, LOOK_YES);
	assert_string_equal(f.host, host);
	host[NAME_MOST] = 'h';
	host[NAME_MOST + 1] = '\0';
	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	refused(text, strlen(text), "Host that is none", 0);
}

/* Byte by byte a head is not parsed at each of them: an impossible byte beyond the first 2 KB is
 * noticed only when another 2 KB came, or the end of a head. The end itself is never missed. */
static void a_dribbled_head_costs_little(void **state)
{
	struct http_facts f;
	struct look l = look_more(1);
	size_t n = 0, seen = 0, noticed = 0;

	(void)state;
	long_head(20000);
	for (; l.verdict == LOOK_MORE; seen = n++)
		l = look_http(head, n, seen, &f);
	assert_int_equal(l.verdict, LOOK_YES);
	assert_int_equal(seen, 20000);

	head[5000] = '\x01';
	assert_int_equal(look_http(head, 5001, 0, &f).verdict, LOOK_NO);
	for (n = 0, seen = 0, l = look_more(1); l.verdict == LOOK_MORE; seen = n++)
		l = look_http(head, n, seen, &f);
	noticed = seen;
	assert_int_equal(l.verdict, LOOK_NO);
	assert_int_equal(noticed, 6144);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_clients_are_understood),
		cmocka_unit_test(the_host_is_found),
		cmocka_unit_test(the_target_comes_before_host),
		cmocka_unit_test(doubt_is_refused),
		cmocka_unit_test(up_to_64k),
		cmocka_unit_test(the_longest_host_fits),
		cmocka_unit_test(a_dribbled_head_costs_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
