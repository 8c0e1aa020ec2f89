/* SPDX-License-Identifier: BSD-2-Clause */
/* status.c — what HTTP servers answer, and what is no answer of HTTP */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "look/status.h"
#include "sample.h"

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[SAMPLE_TOLD])
{
	unsigned status;
	struct look l = look_status((const char *)bytes, n, &status);

	(void)seen;
	if (l.verdict == LOOK_YES)
		snprintf(told, SAMPLE_TOLD, "%u", status);
	else
		assert_int_equal(status, 0);
	return l;
}

static void taken(const char *answer, const char *facts)
{
	sample_taken(answer, tell, (const uint8_t *)answer, strlen(answer), facts);
}

static void refused(const char *answer, size_t at)
{
	sample_refused(answer, tell, (const uint8_t *)answer, strlen(answer), "answer", at);
}

static void the_status_is_found(void **state)
{
	(void)state;
	taken("HTTP/1.1 200 OK\r\n", "200");
	taken("HTTP/1.0 200 OK\r\n", "200");
	taken("HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", "204");
	taken("HTTP/1.1 301 Moved Permanently\r\nLocation: /a\r\n\r\n", "301");
	taken("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 9\r\n\r\n<html>", "503");
	taken("HTTP/1.1 500 \r\n", "500");
	taken("HTTP/1.1 999 so be it\r\n", "999");
	taken("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
	      "101");
}

static void what_goes_before_is_read_over(void **state)
{
	(void)state;
	taken("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", "200");
	taken("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
	      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n",
	      "404");
	taken("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 None\r\n\r\n",
	      "204");
}

static void what_is_no_answer_is_refused_at_once(void **state)
{
	(void)state;
	refused("SSH-2.0-OpenSSH_9.2\r\n", 1);
	refused("<html>", 1);
	refused("HTTX/1.1 200 OK\r\n", 4);
	refused("HTTP/2.0 200 OK\r\n", 0);
	refused("HTTP/1.2 200 OK\r\n", 0);
	refused("HTTP/0.9 200 OK\r\n", 0);
	refused("HTTP/1.1 20 OK\r\n", 0);
	refused("HTTP/1.1 2000 OK\r\n", 13);
	refused("HTTP/1.1 -20 OK\r\n", 10);
	refused("HTTP/1.1 000 OK\r\n", 0);
	refused("220 mail.example ESMTP\r\n", 1);
	refused("\x16\x03\x01", 1);
}

static void hints_without_end_have_one(void **state)
{
	static const char hint[] = "HTTP/1.1 103 Early Hints\r\n\r\n";
	static uint8_t bytes[LOOK_MOST + 1000];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)hint[i % (sizeof(hint) - 1)];
	assert_int_equal(sample_watch("hints", tell, bytes, sizeof(bytes), 9973).look.verdict,
			 LOOK_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_is_found),
		cmocka_unit_test(what_goes_before_is_read_over),
		cmocka_unit_test(what_is_no_answer_is_refused_at_once),
		cmocka_unit_test(hints_without_end_have_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
