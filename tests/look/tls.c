/* SPDX-License-Identifier: BSD-2-Clause */
/* tls.c — ClientHellos: recorded ones, and made ones for what nobody says by himself */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hello.h"
#include "look/name.h"
#include "look/tls.h"
#include "sample.h"

/* Far too large for a stack. */
static struct hello message, stream;

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[SAMPLE_TOLD])
{
	char sni[NAME_TEXT], alpn[300];
	struct tls_facts f;
	struct look l = look_tls(bytes, n, &f);
	int len;

	(void)seen;
	if (l.verdict != LOOK_YES)
		return l;
	assert_int_equal(f.sni[f.sni_len], '\0');
	len = snprintf(told, SAMPLE_TOLD, "sni=%s alpn=%s%s ech=%d hello=%04x versions=",
		       name_text(f.sni, f.sni_len, sni), tls_alpn_text(&f, alpn, sizeof(alpn)),
		       f.alpn_cut ? "+" : "", f.ech, f.legacy_version);
	for (size_t i = 0; i < f.n_versions; i++)
		len += snprintf(told + len, SAMPLE_TOLD - (size_t)len, "%s%04x", i ? "," : "",
				f.versions[i]);
	return l;
}

static const struct {
	const char *file, *facts;
} recorded[] = {
	{ "openssl-tls13",
	  "sni=a.test alpn=h2,http/1.1 ech=0 hello=0303 versions=0304,0303,0302,0301" },
	{ "openssl-tls12", "sni=www.a.test alpn= ech=0 hello=0303 versions=0303" },
	{ "openssl-tls10", "sni=old.test alpn= ech=0 hello=0301 versions=0301" },
	{ "openssl-noname", "sni= alpn= ech=0 hello=0303 versions=0304,0303,0302,0301" },
	{ "gnutls", "sni=b.test alpn=h2 ech=0 hello=0303 versions=0304,0303,0302,0301" },
	{ "curl-https",
	  "sni=c.test alpn=h2,http/1.1 ech=0 hello=0303 versions=0304,0303,0302,0301" },
	{ "node", "sni=e.test alpn=acme-tls/1 ech=0 hello=0303 versions=0304,0303" },
	{ "chromium", "sni=d.test alpn=h2,http/1.1 ech=1 hello=0303 versions=0304,0303" },
};
#define RECORDED (sizeof(recorded) / sizeof(recorded[0]))

static void real_clients_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDED; i++) {
		size_t n;
		const uint8_t *bytes = sample_file(recorded[i].file, &n);

		sample_taken(recorded[i].file, tell, bytes, n, recorded[i].facts);
	}
}

static void a_record_of_version_3_0_carries_a_tls_hello(void **state)
{
	uint8_t copy[4096];
	size_t n;

	(void)state;
	memcpy(copy, sample_file("gnutls", &n), sizeof(copy));
	copy[2] = 0;
	sample_taken("record 3.0", tell, copy, n, recorded[4].facts);
}

static void a_hello_may_be_cut_over_any_records(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 7, 64, 100, 1000 };

	(void)state;
	for (size_t i = 0; i < RECORDED; i++) {
		size_t n;
		const uint8_t *bytes = sample_file(recorded[i].file, &n);

		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
			char name[64];

			/* Each byte in a record of its own is tried whole with the short ones alone. */
			if (pieces[k] < 7 && n > 600)
				continue;
			snprintf(name, sizeof(name), "%s in pieces of %zu", recorded[i].file,
				 pieces[k]);
			hello_records(&stream, bytes + 5, n - 5, pieces[k]);
			sample_taken(name, tell, stream.bytes, stream.n, recorded[i].facts);
		}
	}
}

/* A message with this name, an ALPN list or not, and padding of some bytes (0: none). */
static void make(const char *name, size_t name_len, size_t padding)
{
	static const uint8_t zeroes[65535];
	struct hello_marks marks;

	message.n = 0;
	marks = hello_begin(&message, 0x0303);
	/* Not to be believed at first sight: what a browser sends to keep everybody used to it. */
	hello_extension(&message, 0x1a1a, "", 0);
	if (name)
		hello_name(&message, name, name_len);
	if (padding > 0)
		hello_extension(&message, 21, zeroes, padding);
	hello_end(&message, marks);
}

static void the_name_is_found_where_records_cut_it(void **state)
{
	size_t at;

	(void)state;
	make("cut.here.test", 13, 0);
	at = (size_t)((uint8_t *)memmem(message.bytes, message.n, "cut.here", 8) - message.bytes);
	/* Three records, both cuts inside the name. */
	stream.n = 0;
	for (unsigned i = 0; i < 3; i++) {
		const size_t cuts[] = { 0, at + 3, at + 9, message.n };

		hello_number(&stream, 1, 22);
		hello_number(&stream, 2, 0x0303);
		hello_number(&stream, 2, cuts[i + 1] - cuts[i]);
		hello_put(&stream, message.bytes + cuts[i], cuts[i + 1] - cuts[i]);
	}
	sample_taken("cut in the name", tell, stream.bytes, stream.n,
		     "sni=cut.here.test alpn= ech=0 hello=0303 versions=0303");
}

static void up_to_64k_in_all(void **state)
{
	struct sample_answer a;

	(void)state;
	make("large.test", 10, 60000);
	hello_records(&stream, message.bytes, message.n, 16384);
	a = sample_watch("60 KB", tell, stream.bytes, stream.n, 97);
	assert_int_equal(a.look.verdict, LOOK_YES);
	assert_true(strncmp(a.told, "sni=large.test ", 15) == 0);

	/* To the byte: the rest of this one is 75 bytes of message and four headers of records. */
	make("large.test", 10, 1);
	make("large.test", 10, 65536 - 4 * 5 - (message.n - 1));
	hello_records(&stream, message.bytes, message.n, 16384);
	assert_int_equal(stream.n, 65536);
	a = sample_watch("64 KB", tell, stream.bytes, stream.n, 997);
	assert_int_equal(a.look.verdict, LOOK_YES);
	assert_int_equal(a.at, 65536);

	make("large.test", 10, 1);
	make("large.test", 10, 65536 - 4 * 5 - (message.n - 1) + 1);
	hello_records(&stream, message.bytes, message.n, 16384);
	sample_refused("64 KB and one", tell, stream.bytes, 100, "longer than 64 KB", 9);
}

static void too_long_is_said_at_the_length(void **state)
{
	/* A hello of 100,000 bytes: no more than its length has to arrive. */
	static const uint8_t bytes[] = "\x16\x03\x01\x40\x00\x01\x01\x86\xa0\x03\x03";

	(void)state;
	sample_refused("100 KB", tell, bytes, sizeof(bytes) - 1, "impossible length", 7);
}

static void many_records_count_as_well(void **state)
{
	struct sample_answer a;

	(void)state;
	/* Thirteen thousand bytes of message make 78,000 of them. */
	make("large.test", 10, 13000);
	hello_records(&stream, message.bytes, message.n, 1);
	a = sample_watch("records of one byte", tell, stream.bytes, stream.n, 331);
	assert_int_equal(a.look.verdict, LOOK_NO);
	assert_non_null(strstr(a.look.why, "longer than 64 KB"));
	assert_true(a.at <= 65536 + 331);
}

/* A caller who waits for `need` bytes is not kept busy by someone who sends byte by byte. */
static void needs_few_looks(void **state)
{
	static const size_t pieces[] = { 16384, 100, 1 };
	static const unsigned most[] = { 8, 20, 120 };

	(void)state;
	make("large.test", 10, 10000);
	for (size_t i = 0; i < 3; i++) {
		struct tls_facts f;
		unsigned looks = 0;
		struct look l = { .verdict = LOOK_MORE, .need = 1 };

		hello_records(&stream, message.bytes, message.n, pieces[i]);
		for (; l.verdict == LOOK_MORE; looks++) {
			assert_true(l.need <= stream.n);
			l = look_tls(stream.bytes, l.need, &f);
		}
		assert_int_equal(l.verdict, LOOK_YES);
		if (looks > most[i])
			fail_msg("%u looks for records of %zu bytes", looks, pieces[i]);
	}
}

static void odd_names_are_told_and_match_nothing(void **state)
{
	static const char *const names[] = {
		"a.test\0.evil",     "a.test\0......", "a test.....",
		"\xc3\xa4.test....", "a.test\n.....",  "*.test......"
	};
	struct tls_facts f;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		make(names[i], 12, 0);
		hello_records(&stream, message.bytes, message.n, 16384);
		assert_int_equal(look_tls(stream.bytes, stream.n, &f).verdict, LOOK_YES);
		assert_int_equal(f.sni_len, 12);
		assert_memory_equal(f.sni, names[i], 12);
		assert_false(name_match("a.test", f.sni, f.sni_len));
		assert_false(name_match("*.test", f.sni, f.sni_len));
		assert_false(name_match("*.evil", f.sni, f.sni_len));
	}
	make("Mixed.CASE.test", 15, 0);
	hello_records(&stream, message.bytes, message.n, 16384);
	sample_taken("case", tell, stream.bytes, stream.n,
		     "sni=mixed.case.test alpn= ech=0 hello=0303 versions=0303");
	assert_int_equal(look_tls(stream.bytes, stream.n, &f).verdict, LOOK_YES);
	assert_true(name_match("mixed.Case.test", f.sni, f.sni_len));
}

static void the_longest_name_fits(void **state)
{
	char name[256];
	struct tls_facts f;

	(void)state;
	memset(name, 'n', sizeof(name));
	make(name, 255, 0);
	hello_records(&stream, message.bytes, message.n, 50);
	assert_int_equal(look_tls(stream.bytes, stream.n, &f).verdict, LOOK_YES);
	assert_int_equal(f.sni_len, 255);
	make(name, 256, 0);
	hello_records(&stream, message.bytes, message.n, 16384);
	sample_refused("256", tell, stream.bytes, stream.n, "server name", 0);
}

/* A hello with these extensions alone, in one record. */
static void with_extensions(const void *bytes, size_t n)
{
	struct hello_marks marks;

	message.n = 0;
	marks = hello_begin(&message, 0x0303);
	hello_put(&message, bytes, n);
	hello_end(&message, marks);
	hello_records(&stream, message.bytes, message.n, 16384);
}

static void alpn_is_kept_as_it_was_said(void **state)
{
	uint8_t bytes[4 + 2 + 600] = { 0, 16, 2, 90, 2, 88 }; /* 600 bytes of protocols */
	static const uint8_t few[] = { 0,   16,  0,    15, 0,    13, 2,   'h', '2', 3,
				       'H', '2', '\0', 1,  '\n', 3,  'x', 'y', 'z' };
	struct tls_facts f;

	(void)state;
	with_extensions(few, sizeof(few));
	sample_taken("alpn", tell, stream.bytes, stream.n,
		     "sni= alpn=h2,H2?,?,xyz ech=0 hello=0303 versions=0303");
	assert_int_equal(look_tls(stream.bytes, stream.n, &f).verdict, LOOK_YES);
	assert_true(tls_offers(&f, "h2"));
	assert_true(tls_offers(&f, "xyz"));
	assert_false(tls_offers(&f, "H2")); /* what is offered is "H2\0" */
	assert_false(tls_offers(&f, "xy"));
	assert_false(tls_offers(&f, ""));

	for (unsigned i = 0; i < 100; i++)
		memcpy(bytes + 6 + i * 6, "\5proto", 6);
	memcpy(bytes + 6 + 594, "\5later", 6);
	with_extensions(bytes, sizeof(bytes));
	assert_int_equal(look_tls(stream.bytes, stream.n, &f).verdict, LOOK_YES);
	assert_true(f.alpn_cut);
	assert_int_equal(f.alpn_len, TLS_ALPN / 6 * 6);
	assert_true(tls_offers(&f, "proto"));
	assert_false(tls_offers(&f, "later"));
}

static void versions_without_grease(void **state)
{
	static const uint8_t ext[] = { 0, 43, 0, 7, 6, 0x7a, 0x7a, 3, 4, 0x7f, 0x1c };

	(void)state;
	with_extensions(ext, sizeof(ext));
	sample_taken("versions", tell, stream.bytes, stream.n,
		     "sni= alpn= ech=0 hello=0303 versions=0304,7f1c");
}

static void extensions_may_be_missing(void **state)
{
	(void)state;
	message.n = 0;
	struct hello_marks marks = hello_begin(&message, 0x0301);
	hello_close(&message, marks.message, 3);
	hello_records(&stream, message.bytes, message.n, 16384);
	assert_int_equal(stream.n, 50); /* the shortest hello there is */
	sample_taken("none", tell, stream.bytes, stream.n,
		     "sni= alpn= ech=0 hello=0301 versions=0301");
	with_extensions("", 0);
	sample_taken("empty", tell, stream.bytes, stream.n,
		     "sni= alpn= ech=0 hello=0303 versions=0303");
}

static void what_follows_the_hello_is_not_looked_at(void **state)
{
	uint8_t copy[8192];
	size_t n;

	(void)state;
	memcpy(copy, sample_file("openssl-tls13", &n), 4096);
	memset(copy + n, 0xee, 1000);
	sample_taken("early data", tell, copy, n + 1000, recorded[0].facts);
}

/* The byte of that offset in the recorded hello is another one. */
static const struct {
	const char *name;
	size_t at;
	uint8_t byte;
	const char *word;
	size_t refused_at;
} wrong_bytes[] = {
	{ "an alert", 0, 21, "not a TLS handshake", 1 },
	{ "an SSLv2 hello", 0, 0x80, "not a TLS handshake", 1 },
	{ "a request of HTTP", 0, 'G', "not a TLS handshake", 1 },
	{ "a record of version 2", 1, 2, "not a record of any TLS version", 2 },
	{ "a record over 16 KB", 3, 0x41, "longer than 16 KB", 4 },
	{ "a ServerHello", 5, 2, "begins otherwise", 6 },
	{ "a length over 64 KB", 6, 1, "impossible length", 7 }, /* 0x010141 bytes */
	{ "SSLv3", 10, 0, "older than TLS 1.0", 11 },
	{ "version 2.x", 9, 2, "older than TLS 1.0", 10 },
	{ "a session of 33", 43, 33, "session", 44 },
	{ "ciphers over the end", 76, 0xff, "ciphers", 77 },
	{ "ciphers of odd length", 77, 0x3f, "ciphers", 78 },
};

static void the_first_impossible_byte_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_bytes) / sizeof(wrong_bytes[0]); i++) {
		uint8_t copy[4096];
		size_t n;

		memcpy(copy, sample_file("openssl-tls13", &n), sizeof(copy));
		assert_int_not_equal(copy[wrong_bytes[i].at], wrong_bytes[i].byte);
		copy[wrong_bytes[i].at] = wrong_bytes[i].byte;
		sample_refused(wrong_bytes[i].name, tell, copy, n, wrong_bytes[i].word,
			       wrong_bytes[i].refused_at);
	}
	sample_refused("an empty record", tell, (const uint8_t *)"\x16\3\1\0\0", 5, "empty", 5);
	sample_refused("16 KB and one", tell, (const uint8_t *)"\x16\3\1\x40\1", 5,
		       "longer than 16 KB", 5);
	/* An alert where the hello should go on. */
	make("a.test", 6, 0);
	hello_records(&stream, message.bytes, message.n, 20);
	stream.bytes[25] = 21;
	sample_refused("an alert within", tell, stream.bytes, stream.n, "another kind of record",
		       26);
}

#define EXT(text, word, at)                                                                        \
	{                                                                                          \
		text, sizeof(text) - 1, word, at                                                   \
	}
/* Extensions begin at byte 52 of the stream: record 5, message 4, version to compression 41, length 2. */
static const struct {
	const char *bytes;
	size_t n;
	const char *word;
	size_t at;
} wrong_extensions[] = {
	EXT("\0\0\0\0", "names nobody", 56),
	EXT("\0\0\0\2\0\0", "names nobody", 56),
	EXT("\0\0\0\7\0\5\0\0\3abc", "extension of impossible length",
	    56), /* three bytes are left over */
	EXT("\0\0\0\10\0\7\0\0\3abc", "list of server names", 58),
	EXT("\0\0\0\10\0\6\0\0\0abc", "server name of impossible length", 61),
	EXT("\0\0\0\10\0\6\0\0\4abc", "server name of impossible length", 61),
	EXT("\0\0\0\14\0\12\0\0\2ab\0\0\2cd", "two server names", 64),
	EXT("\0\0\0\6\0\4\0\0\1a\0\0\0\6\0\4\0\0\1b", "twice", 64),
	EXT("\0\20\0\4\0\2\1a\0\20\0\4\0\2\1a", "twice", 62),
	EXT("\0\20\0\3\0\1\0", "ALPN", 56),
	EXT("\0\20\0\4\0\2\0a", "ALPN", 59),
	EXT("\0\20\0\4\0\2\2a", "ALPN", 59),
	EXT("\0\20\0\5\0\3\1a\1", "ALPN", 59), /* one byte is left: no protocol */
	EXT("\0\53\0\2\1\3", "versions", 56),
	EXT("\0\53\0\3\4\3\4", "versions", 57),
	EXT("\x12\x34\0\5abcd", "extension of impossible length", 56),
	EXT("\x12\x34\0\2abcd", "",
	    0), /* two bytes are left over: an extension of four is the least */
};

static void extensions_are_read_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_extensions) / sizeof(wrong_extensions[0]); i++) {
		char name[32];

		snprintf(name, sizeof(name), "extension %zu", i);
		with_extensions(wrong_extensions[i].bytes, wrong_extensions[i].n);
		sample_refused(name, tell, stream.bytes, stream.n, wrong_extensions[i].word,
			       wrong_extensions[i].at);
	}
}

static void names_of_other_types_are_stepped_over(void **state)
{
	static const char ext[] = "\0\0\0\16\0\14\7\0\3xyz\0\0\3abc";

	(void)state;
	with_extensions(ext, sizeof(ext) - 1);
	sample_taken("types", tell, stream.bytes, stream.n,
		     "sni=abc alpn= ech=0 hello=0303 versions=0303");
}

/* The same throws in every run: a number below `sides`. */
static unsigned dice(unsigned sides)
{
	static uint32_t state = 20000901;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % sides;
}

/* Six hundred hellos in which some bytes are others, are missing or are there twice: every promise
 * holds, and nothing is made of them that was not in them. */
static void mutated_hellos(void **state)
{
	unsigned verdicts[3] = { 0 };

	(void)state;
	for (unsigned round = 0; round < 600; round++) {
		static uint8_t copy[8192];
		size_t n;
		struct sample_answer a;

		memcpy(copy, sample_file(recorded[round % RECORDED].file, &n), 4096);
		for (unsigned changes = 1 + dice(4); changes > 0; changes--) {
			/* Half of them in the first 150 bytes, where the lengths are. */
			size_t at = dice((unsigned)(dice(2) && n > 150 ? 150 : n));
			size_t len = 1 + dice(8);

			switch (dice(4)) {
			case 0: copy[at] = (uint8_t)dice(256); break;
			case 1: copy[at] ^= (uint8_t)(1 << dice(8)); break;
			case 2:
				len = len < n - at ? len : n - at;
				memmove(copy + at, copy + at + len, n - at - len);
				n -= len;
				break;
			default:
				memmove(copy + at + len, copy + at, n - at);
				n += len;
				break;
			}
		}
		a = sample_watch("mutated", tell, copy, n, 1 + n / 200);
		verdicts[a.look.verdict]++;
	}
	/* Else it has not tried what it is for. */
	assert_true(verdicts[LOOK_YES] > 100);
	assert_true(verdicts[LOOK_NO] > 100);
	assert_true(verdicts[LOOK_MORE] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_clients_are_understood),
		cmocka_unit_test(a_record_of_version_3_0_carries_a_tls_hello),
		cmocka_unit_test(a_hello_may_be_cut_over_any_records),
		cmocka_unit_test(the_name_is_found_where_records_cut_it),
		cmocka_unit_test(up_to_64k_in_all),
		cmocka_unit_test(too_long_is_said_at_the_length),
		cmocka_unit_test(many_records_count_as_well),
		cmocka_unit_test(needs_few_looks),
		cmocka_unit_test(odd_names_are_told_and_match_nothing),
		cmocka_unit_test(the_longest_name_fits),
		cmocka_unit_test(alpn_is_kept_as_it_was_said),
		cmocka_unit_test(versions_without_grease),
		cmocka_unit_test(extensions_may_be_missing),
		cmocka_unit_test(what_follows_the_hello_is_not_looked_at),
		cmocka_unit_test(the_first_impossible_byte_decides),
		cmocka_unit_test(extensions_are_read_strictly),
		cmocka_unit_test(names_of_other_types_are_stepped_over),
		cmocka_unit_test(mutated_hellos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
