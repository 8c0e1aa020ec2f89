/* SPDX-License-Identifier: BSD-2-Clause */
/* tls.c — looker: ClientHello
 *
 * Reads straight down as RFC 8446 4.1.2 has it (RFC 5246 7.4.1.2 is the same where there are no
 * extensions), server_name as RFC 6066 3, ALPN as RFC 7301 3.1, supported_versions as RFC 8446 4.2.1.
 *
 *     1 length:3 | version:2 random:32 <session:1> <ciphers:2> <compressions:1> <extensions:2>
 *                                                                       └ type:2 <data:2> ...
 *
 * Every length must leave room for what has to come after it: that is what makes a hello that cannot
 * be one end at the length that lies. What an unknown extension holds is stepped over, which makes
 * GREASE, ECH and key shares of any size no matter at all. No cipher, group or key is judged: the
 * server does that.
 */
#include "look/tls.h"

#include <string.h>

#include "look/records.h"

#define CLIENT_HELLO           1
#define MESSAGE_HEADER         4
#define RANDOM                 32
#define HELLO_LEAST            (2 + RANDOM + 1 + 2 + 2 + 1 + 1) /* no session, one cipher, one compression */
#define HELLO_MOST             (LOOK_MOST - RECORDS_HEADER - MESSAGE_HEADER)

#define SERVER_NAME            0
#define ALPN                   16
#define SUPPORTED_VERSIONS     43
#define ENCRYPTED_CLIENT_HELLO 0xfe0d

#define HOST_NAME              0

/* What is left of the message up to `end`, an offset into it. */
static size_t room(const struct records *r, size_t end)
{
	return end - r->at;
}

/* A part of `len` bytes comes next; what follows it up to `end` is nothing, or an entry of so many
 * bytes at least. Returns where the part ends. */
static size_t part(struct records *r, size_t len, size_t end, size_t least, const char *why)
{
	if (records_stopped(r))
		return r->at;
	if (room(r, end) - len > 0 && room(r, end) - len < least)
		records_refuse(r, why);
	return r->at + len;
}

static void one_name(struct records *r, size_t end, struct tls_facts *out)
{
	static const char why[] = "a server name of impossible length";
	size_t type = records_number(r, 1, 0, UINT8_MAX, why);
	size_t most = type == HOST_NAME ? NAME_MOST : UINT16_MAX;
	size_t len, stop;

	if (records_stopped(r))
		return;
	if (most > room(r, end) - 2)
		most = room(r, end) - 2;
	if (type == HOST_NAME && out->sni_len > 0) {
		records_refuse(r, "two server names");
		return;
	}
	len = records_number(r, 2, 1, most, why);
	stop = part(r, len, end, 1 + 2 + 1, why);
	if (type != HOST_NAME || records_stopped(r)) {
		records_take(r, NULL, room(r, stop));
		return;
	}
	records_take(r, (uint8_t *)out->sni, len);
	out->sni_len = len;
}

static void server_name(struct records *r, size_t end, struct tls_facts *out)
{
	static const char why[] = "a list of server names of impossible length";

	if (room(r, end) < 2 + 1 + 2 + 1) {
		records_refuse(r, "a server name that names nobody");
		return;
	}
	records_number(r, 2, room(r, end) - 2, room(r, end) - 2, why);
	while (!records_stopped(r) && r->at < end)
		one_name(r, end, out);
	for (size_t i = 0; i < out->sni_len; i++)
		if (out->sni[i] >= 'A' && out->sni[i] <= 'Z')
			out->sni[i] = (char)(out->sni[i] - 'A' + 'a');
}

static void alpn(struct records *r, size_t end, struct tls_facts *out)
{
	static const char why[] = "a list of ALPN protocols of impossible length";

	if (room(r, end) < 2 + 1 + 1) {
		records_refuse(r, why);
		return;
	}
	records_number(r, 2, room(r, end) - 2, room(r, end) - 2, why);
	while (!records_stopped(r) && r->at < end) {
		size_t len = records_number(r, 1, 1, room(r, end) - 1, why);
		size_t stop = part(r, len, end, 1 + 1, why);

		if (out->alpn_len + 1 + len > sizeof(out->alpn)) {
			out->alpn_cut = true;
			records_take(r, NULL, room(r, stop));
		} else if (!records_stopped(r)) {
			out->alpn[out->alpn_len] = (uint8_t)len;
			records_take(r, out->alpn + out->alpn_len + 1, len);
			out->alpn_len += 1 + len;
		}
	}
}

/* RFC 8701: values that mean nothing, to keep everybody used to what he does not know. */
static bool is_grease(size_t version)
{
	return (version & 0x0f0f) == 0x0a0a && version >> 8 == (version & 0xff);
}

static void versions(struct records *r, size_t end, struct tls_facts *out)
{
	static const char why[] = "a list of TLS versions of impossible length";

	if (room(r, end) < 1 + 2 || room(r, end) > 1 + 254 || room(r, end) % 2 == 0) {
		records_refuse(r, why);
		return;
	}
	records_number(r, 1, room(r, end) - 1, room(r, end) - 1, why);
	out->n_versions = 0;
	while (!records_stopped(r) && r->at < end) {
		size_t version = records_number(r, 2, 0, UINT16_MAX, why);

		if (!records_stopped(r) && !is_grease(version) && out->n_versions < TLS_VERSIONS)
			out->versions[out->n_versions++] = (uint16_t)version;
	}
}

/* Which of those that are read: their data and nothing else is at stake if one comes twice. */
static unsigned bit_of(size_t type)
{
	switch (type) {
	case SERVER_NAME: return 1;
	case ALPN: return 2;
	case SUPPORTED_VERSIONS: return 4;
	case ENCRYPTED_CLIENT_HELLO: return 8;
	default: return 0;
	}
}

static void extension(struct records *r, unsigned *seen, struct tls_facts *out)
{
	static const char why[] = "a TLS extension of impossible length";
	size_t type = records_number(r, 2, 0, UINT16_MAX, why);
	size_t len, end;

	if (records_stopped(r))
		return;
	if (*seen & bit_of(type)) {
		records_refuse(r, "a TLS extension that comes twice");
		return;
	}
	*seen |= bit_of(type);
	len = records_number(r, 2, 0, room(r, r->whole) - 2, why);
	end = part(r, len, r->whole, 2 + 2, why);
	if (records_stopped(r))
		return;
	switch (type) {
	case SERVER_NAME: server_name(r, end, out); break;
	case ALPN: alpn(r, end, out); break;
	case SUPPORTED_VERSIONS: versions(r, end, out); break;
	case ENCRYPTED_CLIENT_HELLO: out->ech = true; break;
	default: break;
	}
	records_take(r, NULL, room(r, end));
}

static void extensions(struct records *r, struct tls_facts *out)
{
	static const char why[] = "TLS extensions that do not fill the ClientHello";
	size_t rest = room(r, r->whole);
	unsigned seen = 0;

	if (records_stopped(r) || rest == 0)
		return; /* a hello of the old kind, without any */
	records_number(r, 2, rest - 2, rest - 2, why);
	while (!records_stopped(r) && r->at < r->whole)
		extension(r, &seen, out);
}

/* Everything between the header of the message and the extensions. */
static void hello(struct records *r, struct tls_facts *out)
{
	static const char ciphers[] = "a list of ciphers of impossible length";
	static const char compressions[] = "a list of compressions of impossible length";
	size_t len, most, rest;

	out->legacy_version =
		(uint16_t)records_number(r, 2, 0x0301, 0x03ff, "a ClientHello older than TLS 1.0");
	out->versions[0] = out->legacy_version;
	out->n_versions = 1;
	records_take(r, NULL, RANDOM);
	if (records_stopped(r))
		return;

	/* Room must be left for two lengths, one cipher of two bytes and one compression. */
	most = room(r, r->whole) - 1 - (2 + 2 + 1 + 1);
	len = records_number(r, 1, 0, most < 32 ? most : 32, "a TLS session of impossible length");
	records_take(r, NULL, len);
	if (records_stopped(r))
		return;

	len = records_number(r, 2, 2, room(r, r->whole) - 2 - (1 + 1), ciphers);
	if (len % 2 != 0)
		records_refuse(r, ciphers);
	records_take(r, NULL, len);
	if (records_stopped(r))
		return;

	len = records_number(r, 1, 1, room(r, r->whole) - 1, compressions);
	if (records_stopped(r))
		return;
	rest = room(r, r->whole) - len;
	if (rest != 0 && rest != 2 && rest < 2 + 2 + 2)
		records_refuse(r, compressions); /* neither no extensions, nor none, nor one */
	records_take(r, NULL, len);
}

struct look look_tls(const uint8_t *bytes, size_t n, struct tls_facts *out)
{
	struct records r;
	size_t len;

	*out = (struct tls_facts){ 0 };
	records_open(&r, bytes, n, MESSAGE_HEADER + HELLO_LEAST);
	records_number(&r, 1, CLIENT_HELLO, CLIENT_HELLO, "a TLS handshake that begins otherwise");
	len = records_number(&r, 3, HELLO_LEAST, HELLO_MOST, "a ClientHello of impossible length");
	records_whole(&r, MESSAGE_HEADER + len);
	hello(&r, out);
	extensions(&r, out);
	if (r.no)
		return look_no(r.no);
	return r.need > 0 ? look_more(r.need) : look_yes();
}

bool tls_offers(const struct tls_facts *facts, const char *protocol)
{
	size_t len = strlen(protocol);

	for (size_t i = 0; i < facts->alpn_len; i += 1u + facts->alpn[i])
		if (facts->alpn[i] == len && memcmp(facts->alpn + i + 1, protocol, len) == 0)
			return true;
	return false;
}

const char *tls_alpn_text(const struct tls_facts *facts, char *buf, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < facts->alpn_len; i += 1u + facts->alpn[i]) {
		for (size_t k = 0; k < facts->alpn[i] && used + 1 < size; k++) {
			uint8_t c = facts->alpn[i + 1 + k];

			buf[used++] = c > ' ' && c <= '~' && c != ',' ? (char)c : '?';
		}
		if (i + 1u + facts->alpn[i] < facts->alpn_len && used + 1 < size)
			buf[used++] = ',';
	}
	buf[used] = '\0';
	return buf;
}
