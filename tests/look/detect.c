/* SPDX-License-Identifier: BSD-2-Clause */
/* detect.c — what a client speaks, by his first bytes */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "look/detect.h"
#include "sample.h"

#define ALL (LOOK_SET(LOOK_PROTOCOLS) - 1)

static unsigned set;

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[SAMPLE_TOLD])
{
	enum look_protocol p = LOOK_PROTOCOLS;
	struct look l = look_detect(bytes, n, set, &p);

	(void)seen;
	if (l.verdict == LOOK_YES)
		snprintf(told, SAMPLE_TOLD, "%s", look_protocol_text(p));
	return l;
}

static void real_clients_are_told_apart(void **state)
{
	static const struct {
		const char *file, *is;
		size_t at;
	} recorded[] = {
		{ "openssl-tls13", "tls", 6 },
		{ "openssl-tls10", "tls", 6 },
		{ "gnutls", "tls", 6 },
		{ "chromium", "tls", 6 },
		{ "node", "tls", 6 },
		{ "curl-http", "http", 5 },
		{ "curl-http10", "http", 5 },
		{ "curl-h2c", "http", 24 },
		{ "curl-proxied", "http", 11 },
		{ "curl-connect", "http", 9 },
		{ "ssh", "ssh", 8 },
		{ "curl-haproxy", "proxy", 6 },
		{ "haproxy-v1-tcp6", "proxy", 6 },
		{ "haproxy-v2-tcp4", "proxy", 13 },
	};

	(void)state;
	set = ALL;
	for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++) {
		size_t n;
		const uint8_t *bytes = sample_file(recorded[i].file, &n);
		struct sample_answer a = sample_watch(recorded[i].file, tell, bytes, n, 1);

		assert_int_equal(a.look.verdict, LOOK_YES);
		assert_string_equal(a.told, recorded[i].is);
		if (a.at != recorded[i].at)
			fail_msg("%s: known at %zu, expected at %zu", recorded[i].file, a.at,
				 recorded[i].at);
	}
}

#define BYTES(text) (const uint8_t *)text, sizeof(text) - 1

static void each_by_its_first_bytes(void **state)
{
	(void)state;
	set = ALL;
	sample_taken("SSH 2", tell, BYTES("SSH-2.0-OpenSSH_9.2\r\n"), "ssh");
	sample_taken("SSH 1.99", tell, BYTES("SSH-1.99-old\r\n"), "ssh");
	/* P_CONTROL_HARD_RESET_CLIENT_V2, bare (14 bytes) and with tls-auth and SHA512 (86). */
	sample_taken("OpenVPN", tell, BYTES("\x00\x0e\x38SESSION!\0\0\0\0\0"), "openvpn");
	sample_taken("OpenVPN, tls-auth", tell, BYTES("\x00\x56\x38SESSION!"), "openvpn");
	sample_taken("OpenVPN, tls-crypt-v2", tell, BYTES("\x01\x70\x50SESSION!"), "openvpn");
	sample_taken("a POST, not a PROXY", tell, BYTES("POST / HTTP/1.1\r\n"), "http");
	sample_taken("a PROPFIND, not a PROXY", tell, BYTES("PROPFIND /x HTTP/1.1\r\n"), "http");
}

static void what_is_none_of_them_is_unknown(void **state)
{
	(void)state;
	set = ALL;
	sample_refused("SSH without a number", tell, BYTES("SSH-x"), "none of the protocols", 5);
	sample_refused("SSH 3", tell, BYTES("SSH-3.0-x"), "none of the protocols", 5);
	sample_refused("SMTP", tell, BYTES("EHLO a\r\n"), "none of the protocols", 1);
	sample_refused("IMAP", tell, BYTES("a1 LOGIN"), "none of the protocols", 1);
	sample_refused("RTSP", tell, BYTES("OPTIONS rtsp://a/ RTSP/1.0\r\n"),
		       "none of the protocols", 9);
	sample_refused("an alert of TLS", tell, BYTES("\x15\x03\x01\x00\x02\x02\x28"),
		       "none of the protocols", 1);
	sample_refused("an SSLv2 hello", tell, BYTES("\x80\x2e\x01\x00\x02"),
		       "none of the protocols", 1);
	sample_refused("a packet too short for OpenVPN", tell, BYTES("\x00\x0d\x38"),
		       "none of the protocols", 2);
	sample_refused("one too long", tell, BYTES("\x04\xff\x50"), "none of the protocols", 2);
	sample_refused("one between the two", tell, BYTES("\x01\x00"), "none of the protocols", 2);
	sample_refused("another word of OpenVPN", tell, BYTES("\x00\x0e\x40"),
		       "none of the protocols", 3);
	sample_refused("a reset with key 1", tell, BYTES("\x00\x0e\x39"), "none of the protocols",
		       3);
	sample_refused("a short tls-crypt-v2", tell, BYTES("\x00\x0e\x50"), "none of the protocols",
		       3);
	sample_refused("PROXY 3", tell, BYTES("\r\n\r\n\0\r\nQUIT\n\x31"), "none of the protocols",
		       13);
	sample_refused("zeroes", tell, BYTES("\0\0\0\0\0\0\0\0"), "none of the protocols", 2);
}

static void only_those_of_the_set_are_asked(void **state)
{
	struct look l;
	enum look_protocol p;

	(void)state;
	set = LOOK_SET(LOOK_SSH) | LOOK_SET(LOOK_TLS);
	sample_refused("HTTP", tell, BYTES("GET / HTTP/1.1\r\n"), "none of the protocols", 1);
	sample_taken("SSH", tell, BYTES("SSH-2.0-x\r\n"), "ssh");
	set = 0;
	sample_refused("nothing", tell, BYTES("SSH-2.0-x\r\n"), "none of the protocols", 1);
	/* What is asked for is the least that one of them can do with. */
	l = look_detect((const uint8_t *)"", 0, LOOK_SET(LOOK_TLS), &p);
	assert_int_equal(l.need, 6);
	l = look_detect((const uint8_t *)"P", 1, ALL, &p);
	assert_int_equal(l.need, 2);
	l = look_detect((const uint8_t *)"PROX", 4, ALL, &p);
	assert_int_equal(l.need, 6);
}

/* No first bytes belong to two protocols: then the order of the table would decide. */
static void no_two_say_yes(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 1 << 16; first++) {
		for (unsigned third = 0; third < 256; third += 8) {
			const uint8_t bytes[] = {
				(uint8_t)(first >> 8), (uint8_t)first, (uint8_t)third, 0, 10, 1
			};
			enum look_protocol p;
			unsigned yes = 0;

			for (unsigned i = 0; i < LOOK_PROTOCOLS; i++)
				yes += look_detect(bytes, sizeof(bytes), LOOK_SET(i), &p).verdict ==
				       LOOK_YES;
			assert_true(yes <= 1);
		}
	}
}

static void names_go_both_ways(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LOOK_PROTOCOLS; i++)
		assert_int_equal(look_protocol_of(look_protocol_text((enum look_protocol)i)),
				 (int)i);
	assert_int_equal(look_protocol_of("TLS"), -ENOENT);
	assert_int_equal(look_protocol_of(""), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_clients_are_told_apart),
		cmocka_unit_test(each_by_its_first_bytes),
		cmocka_unit_test(what_is_none_of_them_is_unknown),
		cmocka_unit_test(only_those_of_the_set_are_asked),
		cmocka_unit_test(no_two_say_yes),
		cmocka_unit_test(names_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
