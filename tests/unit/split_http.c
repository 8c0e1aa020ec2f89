/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/split_http.h"

static struct split_answer ask(const char *text)
{
	struct split_answer a = { .status = 0 };
	struct look l = split_http_ask(text, strlen(text), 0, "video/mp2t", &a);

	assert_true(l.verdict != LOOK_MORE);
	assert_int_equal(a.length, strlen(a.head));
	assert_memory_equal(a.head + a.length - 4, "\r\n\r\n", 4);
	return a;
}

static void what_there_is(void **state)
{
	static const char *const targets[] = { "/",           "/?a=/b",      "http://host/",
					       "http://host", "HTTP://h/?x", "http://host?x=/y" };
	char text[200];

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: host\r\n\r\n", targets[i]);
		struct split_answer a = ask(text);

		assert_int_equal(a.status, 200);
		assert_true(a.live);
		assert_non_null(strstr(a.head, "\r\nContent-Type: video/mp2t\r\n"));
		assert_non_null(strstr(a.head, "\r\nConnection: close\r\n"));
		assert_null(strstr(a.head, "Content-Length")); /* it has no end */
	}
	assert_false(ask("HEAD / HTTP/1.0\r\n\r\n").live);
	(void)state;
}

static void what_there_is_not(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
	} cases[] = {
		{ "GET /x HTTP/1.1\r\nHost: h\r\n\r\n", 404 },
		{ "GET //h HTTP/1.1\r\nHost: h\r\n\r\n", 404 },
		{ "GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n", 404 },
		{ "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 405 },
		{ "OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n", 405 },
		{ "DELETE /x HTTP/1.1\r\nHost: h\r\n\r\n", 404 },
		{ "GET / HTTP/9\r\n\r\n", 400 },
		{ "\x16\x03\x01", 400 },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct split_answer a = ask(cases[i].text);

		assert_int_equal(a.status, cases[i].status);
		assert_false(a.live);
		assert_non_null(strstr(a.head, "\r\nContent-Length: 0\r\n"));
		assert_true((a.status == 405) ==
			    (strstr(a.head, "\r\nAllow: GET, HEAD\r\n") != NULL));
	}
	(void)state;
}

/* Every part of a request wants more, and no part is answered. */
static void a_part(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: host\r\nUser-Agent: x\r\n\r\n";
	struct split_answer a;

	for (size_t n = 0; n + 1 < sizeof(text) - 1; n++) {
		struct look l = split_http_ask(text, n, 0, "a/b", &a);

		assert_int_equal(l.verdict, LOOK_MORE);
		assert_true(l.need > n);
	}
	(void)state;
}

static void refusals(void **state)
{
	struct split_answer a;

	split_http_refuse(&a, 503);
	assert_non_null(strstr(a.head, "HTTP/1.1 503 Service Unavailable\r\n"));
	assert_non_null(strstr(a.head, "\r\nRetry-After: "));
	split_http_refuse(&a, 408);
	assert_non_null(strstr(a.head, "HTTP/1.1 408 Request Timeout\r\n"));
	assert_false(a.live);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_there_is),
		cmocka_unit_test(what_there_is_not),
		cmocka_unit_test(a_part),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
