/* SPDX-License-Identifier: BSD-2-Clause */
/* proxyproto.c — PROXY headers: recorded, made, broken, and built and read again */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "look/proxyproto.h"
#include "sample.h"

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[SAMPLE_TOLD])
{
	struct look begins = look_proxy_begins(bytes, n);
	char from[ADDR_TEXT], to[ADDR_TEXT];
	struct proxy_facts f;
	struct look l = look_proxy(bytes, n, &f);

	(void)seen;
	if (l.verdict == LOOK_YES)
		assert_int_equal(begins.verdict, LOOK_YES);
	if (begins.verdict == LOOK_NO)
		assert_int_equal(l.verdict, LOOK_NO);
	if (l.verdict == LOOK_YES)
		snprintf(told, SAMPLE_TOLD, "v%u%s %s > %s size=%zu", f.version,
			 f.local ? " local" : "", f.known ? addr_text(&f.from, from) : "-",
			 f.known ? addr_text(&f.to, to) : "-", f.size);
	return l;
}

#define BYTES(text)             (const uint8_t *)text, sizeof(text) - 1
#define TAKEN(text, facts)      sample_taken(text, tell, BYTES(text), facts)
#define REFUSED(text, word, at) sample_refused(text, tell, BYTES(text), word, at)

static void real_senders_are_understood(void **state)
{
	static const struct {
		const char *file, *facts;
	} recorded[] = {
		{ "curl-haproxy", "v1 127.0.0.1:55974 > 127.0.0.1:53089 size=44" },
		{ "haproxy-v1-tcp6", "v1 [::1]:44114 > [::1]:18443 size=32" },
		{ "haproxy-v2-tcp4",
		  "v2 127.0.0.1:41954 > 127.0.0.1:18441 size=38" }, /* CRC32C, UNIQUE_ID */
		{ "haproxy-v2-tcp6", "v2 [::1]:58790 > [::1]:18442 size=59" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++) {
		size_t n;
		const uint8_t *bytes = sample_file(recorded[i].file, &n);

		sample_taken(recorded[i].file, tell, bytes, n, recorded[i].facts);
	}
}

static void version_1_to_the_letter(void **state)
{
	(void)state;
	TAKEN("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n",
	      "v1 192.0.2.1:56324 > 198.51.100.1:443 size=45");
	TAKEN("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
	      "v1 255.255.255.255:65535 > 255.255.255.255:65535 size=56");
	TAKEN("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\nGET /", "v1 0.0.0.0:0 > 0.0.0.0:0 size=32");
	TAKEN("PROXY TCP6 2001:DB8::1 ::1 1 2\r\n", "v1 [2001:db8::1]:1 > [::1]:2 size=32");
	TAKEN("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	      "v1 [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 > "
	      "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 size=104");
	TAKEN("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n",
	      "v1 192.0.2.1:1 > 192.0.2.2:2 size=50");
}

static void unknown_takes_anything_before_its_crlf(void **state)
{
	(void)state;
	TAKEN("PROXY UNKNOWN\r\n", "v1 - > - size=15");
	TAKEN("PROXY UNKNOWN \r\n", "v1 - > - size=16");
	TAKEN("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\nSSH-2.0", "v1 - > - size=43");
	TAKEN("PROXY UNKNOWN  what\tever \0 \xff \r \n \r\r\n", "v1 - > - size=36");
	/* 107 bytes in all, and one more. */
	TAKEN("PROXY UNKNOWN ......................................................................................."
	      "....\r\n",
	      "v1 - > - size=107");
	REFUSED("PROXY UNKNOWN ......................................................................................."
		".....\r\n",
		"107 bytes", 107);
	REFUSED("PROXY UNKNOWNS\r\n", "unknown kind", 14);
	REFUSED("PROXY UNKNOWN\n", "unknown kind", 14);
	REFUSED("PROXY UNKNOWN\rx", "unknown kind", 15);
}

static void version_1_refuses_the_rest(void **state)
{
	(void)state;
	REFUSED("PROXZ", "not a PROXY header", 5);
	REFUSED("PROXY  TCP4", "unknown kind", 7);
	REFUSED("PROXY\tTCP4", "not a PROXY header", 6);
	REFUSED("PROXY UDP4", "unknown kind", 8);
	REFUSED("PROXY TCP5", "unknown kind", 10);
	REFUSED("PROXY TCP44", "unknown kind", 11);
	REFUSED("PROXY TCP4\r\n", "unknown kind", 11);
	REFUSED("PROXY tcp4 ", "unknown kind", 7);
	REFUSED("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", "address", 12);
	REFUSED("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", "address", 22);
	REFUSED("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", "address", 23);
	REFUSED("PROXY TCP4 192.0.02.1 192.0.2.2 1 2\r\n", "address", 22);
	REFUSED("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", "address", 19);
	REFUSED("PROXY TCP4 192.0.2.1. 192.0.2.2 1 2\r\n", "address", 22);
	REFUSED("PROXY TCP4 0x7f.0.0.1 192.0.2.2 1 2\r\n", "address", 13);
	REFUSED("PROXY TCP4 ::1 ::1 1 2\r\n", "address", 12);
	REFUSED("PROXY TCP4 1921.168.100.1000", "address", 27);
	REFUSED("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", "address", 21);
	REFUSED("PROXY TCP6 1::2::3 ::1 1 2\r\n", "address", 19);
	REFUSED("PROXY TCP6 [::1] ::1 1 2\r\n", "address", 12);
	REFUSED("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "address", 19);
	REFUSED("PROXY TCP6 12345::1 ::1 1 2\r\n", "address", 20);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", "port", 37);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 00 2\r\n", "port", 34);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "port", 34);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", "port", 32);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", "port", 32);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2  2\r\n", "port", 32);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n", "port", 34);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 100000", "port", 37);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "port", 33);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "port", 35);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "port", 35);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rx", "CR alone", 36);
	REFUSED("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n", "CR alone", 36);
	REFUSED("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n", "address", 21);
	REFUSED("GET / HTTP/1.1\r\n", "not a PROXY header", 1);
	REFUSED("\x16\x03\x01", "not a PROXY header", 1);
}

#define SIG     "\r\n\r\n\0\r\nQUIT\n"
#define V4      "\xc0\0\2\1\xc6\x33\x64\1\xdc\4\1\xbb"
#define V6      "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2\xdc\4\1\xbb"
#define PATH27  "aaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PATH108 PATH27 PATH27 PATH27 PATH27
#define TCP4_TO " 192.0.2.1:56324 > 198.51.100.1:443 "

static void version_2_to_the_letter(void **state)
{
	(void)state;
	TAKEN(SIG "\x21\x11\0\x0c" V4 "GET /", "v2" TCP4_TO "size=28");
	TAKEN(SIG "\x21\x21\0\x24" V6, "v2 [2001:db8::1]:56324 > [2001:db8::2]:443 size=52");
	/* Taken, and the socket's own addresses are meant. */
	TAKEN(SIG "\x20\0\0\0", "v2 local - > - size=16");
	TAKEN(SIG "\x20\x11\0\x0c" V4, "v2 local - > - size=28");
	TAKEN(SIG "\x20\xff\0\3xyz", "v2 local - > - size=19"); /* its family is ignored */
	TAKEN(SIG "\x21\0\0\0", "v2 - > - size=16");
	TAKEN(SIG "\x21\0\0\5abcde", "v2 - > - size=21");
	TAKEN(SIG "\x21\1\0\0", "v2 - > - size=16");
	TAKEN(SIG "\x21\x10\0\0", "v2 - > - size=16");
	TAKEN(SIG "\x21\x12\0\x0c" V4, "v2 - > - size=28");
	TAKEN(SIG "\x21\x22\0\x24" V6, "v2 - > - size=52");
	TAKEN(SIG "\x21\x31\0\xd8" PATH108 PATH108, "v2 - > - size=232");
	TAKEN(SIG "\x21\x32\0\xd8" PATH108 PATH108, "v2 - > - size=232");
	/* TLVs: NOOP, an authority, one that nobody knows, an empty one. */
	TAKEN(SIG "\x21\x11\0\x1c" V4 "\4\0\1x\2\0\3a.b\xee\0\0\x05\0\0", "v2" TCP4_TO "size=44");
}

static void version_2_refuses_the_rest(void **state)
{
	(void)state;
	REFUSED("\r\n\r\n\0\r\nQUIT\r", "not a PROXY header", 12);
	REFUSED("\r\n\r\nG", "not a PROXY header", 5);
	REFUSED(SIG "\x11", "unknown version", 13);
	REFUSED(SIG "\x31", "unknown version", 13);
	REFUSED(SIG "\x22", "unknown command", 13);
	REFUSED(SIG "\x21\x41", "unknown family", 14);
	REFUSED(SIG "\x21\x13", "unknown family", 14);
	REFUSED(SIG "\x21\x11\0\x0b", "impossible length", 16);
	REFUSED(SIG "\x21\x21\0\x23", "impossible length", 16);
	REFUSED(SIG "\x21\x31\0\xd7", "impossible length", 16);
	REFUSED(SIG "\x21\x11\xff\xf1", "impossible length", 16); /* over 64 KB in all */
	REFUSED(SIG "\x21\x11\0\x0d" V4 "\4", "TLV cut off", 29);
	REFUSED(SIG "\x21\x11\0\x0e" V4 "\4\0", "TLV cut off", 30);
	REFUSED(SIG "\x21\x11\0\x0f" V4 "\4\0\1", "TLV cut off", 31);
	REFUSED(SIG "\x21\x11\0\x13" V4 "\4\0\5abcd", "TLV cut off", 35);
	REFUSED(SIG "\x21\x11\0\x12" V4 "\3\0\3abc", "CRC that is none", 34);
	REFUSED(SIG "\x21\x11\0\x13" V4 "\3\0\4abcd", "CRC is wrong", 35);
}

static void a_crc_watches_over_every_byte(void **state)
{
	uint8_t copy[64];
	struct proxy_facts f;
	size_t n;

	(void)state;
	for (size_t at = 16; at < 38; at++) {
		if (at == 28)
			continue; /* the type of the TLV: without it there is no CRC */
		memcpy(copy, sample_file("haproxy-v2-tcp4", &n), sizeof(copy));
		copy[at] ^= 1;
		assert_int_equal(look_proxy(copy, 38, &f).verdict, LOOK_NO);
	}
}

static void read_again(unsigned version, const struct addr *from, const struct addr *to,
		       const char *facts)
{
	uint8_t out[PROXYPROTO_MOST + 8];
	size_t n;

	memset(out, 0x7e, sizeof(out));
	n = proxyproto_build(version, from, to, out);
	assert_true(n <= PROXYPROTO_MOST);
	sample_taken(facts, tell, out, n, facts);
}

static struct addr ip(const char *text)
{
	struct addr_name name;
	const char *problem;
	struct addr a;

	assert_int_equal(addr_parse(text, ADDR_LISTEN, &name, &problem), 0);
	assert_int_equal(addr_resolve(&name, &a, 1, &problem), 1);
	return a;
}

static void what_is_built_is_read(void **state)
{
	struct addr a = ip("192.0.2.1:56324"), b = ip("198.51.100.1:443");
	struct addr a6 = ip("[2001:db8::1]:1"), b6 = ip("[2001:db8::ffff]:65535");
	struct addr am = ip("[::ffff:192.0.2.1]:56324"), bm = ip("[::ffff:198.51.100.1]:443");
	struct addr u = ip("unix:/run/a.sock");

	(void)state;
	read_again(1, &a, &b, "v1" TCP4_TO "size=45");
	read_again(2, &a, &b, "v2" TCP4_TO "size=28");
	read_again(1, &am, &bm, "v1" TCP4_TO "size=45");
	read_again(2, &am, &bm, "v2" TCP4_TO "size=28");
	read_again(1, &am, &b, "v1" TCP4_TO "size=45");
	read_again(1, &a6, &b6, "v1 [2001:db8::1]:1 > [2001:db8::ffff]:65535 size=65");
	read_again(2, &a6, &b6, "v2 [2001:db8::1]:1 > [2001:db8::ffff]:65535 size=52");
	read_again(1, &a, &b6, "v1 192.0.2.1:56324 > [2001:db8::ffff]:65535 size=72");
	read_again(2, &a, &b6, "v2 192.0.2.1:56324 > [2001:db8::ffff]:65535 size=52");
	read_again(1, &u, &u, "v1 - > - size=15");
	read_again(2, &u, &u, "v2 - > - size=232");
	read_again(2, &a, &u, "v2 - > - size=16");
	read_again(1, NULL, NULL, "v1 - > - size=15");
	read_again(2, NULL, NULL, "v2 local - > - size=16");
}

static void built_as_the_spec_has_it(void **state)
{
	struct addr a = ip("192.0.2.1:56324"), b = ip("198.51.100.1:443"),
		    u = ip("unix:/run/a.sock");
	struct addr a6 = ip("[2001:db8::1]:1"), am = ip("[::ffff:192.0.2.1]:56324"),
		    nobody = { .len = 2 };
	uint8_t out[PROXYPROTO_MOST];
	size_t n;

	(void)state;
	nobody.ss.ss_family = AF_UNIX;
	n = proxyproto_build(1, &a, &b, out);
	assert_int_equal(n, 45);
	assert_memory_equal(out, "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", 45);
	/* Hexadecimal digits alone: no dots in what is told as IPv6. */
	n = proxyproto_build(1, &am, &a6, out);
	assert_int_equal(
		n, strlen("PROXY TCP6 0:0:0:0:0:ffff:c000:201 2001:db8:0:0:0:0:0:1 56324 1\r\n"));
	assert_memory_equal(
		out, "PROXY TCP6 0:0:0:0:0:ffff:c000:201 2001:db8:0:0:0:0:0:1 56324 1\r\n", n);
	n = proxyproto_build(2, &a, &b, out);
	assert_int_equal(n, 28);
	assert_memory_equal(out, SIG "\x21\x11\0\x0c" V4, 28);
	n = proxyproto_build(2, &nobody, &u, out);
	assert_int_equal(n, PROXYPROTO_MOST);
	assert_memory_equal(out, SIG "\x21\x31\0\xd8", 16);
	assert_string_equal((const char *)out + 16, "");
	assert_string_equal((const char *)out + 16 + 108, "/run/a.sock");
	assert_int_equal(out[PROXYPROTO_MOST - 1], 0);
}

/* From one version to the other and back, nothing is lost. */
static void in_and_out_keep_both_addresses(void **state)
{
	static const uint8_t in[] = SIG "\x21\x21\0\x24" V6;
	struct proxy_facts first, second;
	uint8_t out[PROXYPROTO_MOST];
	size_t n;

	(void)state;
	assert_int_equal(look_proxy(in, sizeof(in) - 1, &first).verdict, LOOK_YES);
	n = proxyproto_build(1, &first.from, &first.to, out);
	assert_int_equal(look_proxy(out, n, &second).verdict, LOOK_YES);
	assert_true(addr_same(&first.from, &second.from));
	assert_true(addr_same(&first.to, &second.to));
	n = proxyproto_build(2, &second.from, &second.to, out);
	assert_int_equal(n, sizeof(in) - 1);
	assert_memory_equal(out, in, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_senders_are_understood),
		cmocka_unit_test(version_1_to_the_letter),
		cmocka_unit_test(unknown_takes_anything_before_its_crlf),
		cmocka_unit_test(version_1_refuses_the_rest),
		cmocka_unit_test(version_2_to_the_letter),
		cmocka_unit_test(version_2_refuses_the_rest),
		cmocka_unit_test(a_crc_watches_over_every_byte),
		cmocka_unit_test(what_is_built_is_read),
		cmocka_unit_test(built_as_the_spec_has_it),
		cmocka_unit_test(in_and_out_keep_both_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
