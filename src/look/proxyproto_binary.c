/* SPDX-License-Identifier: BSD-2-Clause */
/* proxyproto_binary.c — looker: a PROXY protocol header, in bytes
 *
 *     \r\n\r\n\0\r\nQUIT\n | 2:command | family:protocol | length:2 | addresses | TLV TLV ...
 *                                                                   └──── length bytes ────┘
 */
#include <netinet/in.h>
#include <string.h>

#include "look/proxyproto.h"
#include "look/proxyproto_parts.h"

#define TLV_HEADER 3
#define TLV_CRC32C 3

const uint8_t proxyproto_signature[] = { '\r', '\n', '\r', '\n', '\0', '\r',
					 '\n', 'Q',  'U',  'I',  'T',  '\n' };

void proxyproto_address(struct addr *a, int family, const uint8_t *ip, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };

	*a = (struct addr){ 0 };
	if (family == AF_INET) {
		memcpy(&sin.sin_addr, ip, sizeof(sin.sin_addr));
		memcpy(&a->ss, &sin, sizeof(sin));
		a->len = sizeof(sin);
	} else {
		memcpy(&sin6.sin6_addr, ip, sizeof(sin6.sin6_addr));
		memcpy(&a->ss, &sin6, sizeof(sin6));
		a->len = sizeof(sin6);
	}
}

static size_t be16(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/* RFC 4960, appendix B. Bit by bit: it comes once in a connection, if at all. */
static uint32_t crc32c(const uint8_t *bytes, size_t n, const uint8_t *hole)
{
	uint32_t crc = UINT32_MAX;

	for (const uint8_t *p = bytes; p < bytes + n; p++) {
		crc ^= p >= hole && p < hole + 4 ? 0 : *p; /* the sum itself counts as zeroes */
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* The TLVs end where the header ends; returns what is wrong with them. */
static const char *tlvs(const uint8_t *bytes, size_t size, size_t at)
{
	const uint8_t *sum = NULL;

	while (at < size) {
		size_t len;

		if (size - at < TLV_HEADER)
			return "a PROXY header with a TLV cut off";
		len = be16(bytes + at + 1);
		if (len > size - at - TLV_HEADER)
			return "a PROXY header with a TLV cut off";
		if (bytes[at] == TLV_CRC32C) {
			if (len != 4 || sum)
				return "a PROXY header with a CRC that is none";
			sum = bytes + at + TLV_HEADER;
		}
		at += TLV_HEADER + len;
	}
	if (sum &&
	    crc32c(bytes, size, sum) != ((uint32_t)be16(sum) << 16 | (uint32_t)be16(sum + 2)))
		return "a PROXY header whose CRC is wrong";
	return NULL;
}

/* How many bytes of addresses this family has. LOCAL says nothing by its family (0). */
static size_t addresses_of(unsigned command, unsigned family)
{
	if (command == PROXYPROTO_LOCAL || (family & 0x0f) == PROXYPROTO_UNSPEC)
		return 0;
	switch (family >> 4) {
	case 1: return PROXYPROTO_V4;
	case 2: return PROXYPROTO_V6;
	case 3: return PROXYPROTO_UNIX;
	default: return 0;
	}
}

static bool is_family(unsigned family)
{
	return family >> 4 <= 3 && (family & 0x0f) <= 2;
}

/* Each byte of the header is judged as soon as it is there. */
static const char *header_problem(const uint8_t *bytes, size_t n)
{
	size_t cmp = n < PROXYPROTO_SIGNATURE_LEN ? n : PROXYPROTO_SIGNATURE_LEN;
	size_t want, most = LOOK_MOST - PROXYPROTO_HEADER;

	if (memcmp(bytes, proxyproto_signature, cmp) != 0)
		return "not a PROXY header";
	if (n > 12 && bytes[12] != PROXYPROTO_LOCAL && bytes[12] != PROXYPROTO_PROXY)
		return bytes[12] >> 4 == 2 ? "a PROXY header with an unknown command"
					   : "a PROXY header of an unknown version";
	if (n <= 13)
		return NULL;
	if (bytes[12] == PROXYPROTO_PROXY && !is_family(bytes[13]))
		return "a PROXY header with an unknown family";
	want = addresses_of(bytes[12], bytes[13]);
	if (n > 14 && (((size_t)bytes[14] << 8 | 0xff) < want || (size_t)bytes[14] << 8 > most))
		return "a PROXY header of impossible length";
	if (n > 15 && (be16(bytes + 14) < want || be16(bytes + 14) > most))
		return "a PROXY header of impossible length";
	return NULL;
}

/* TCP, whose addresses are known. */
static void take(struct proxy_facts *out, unsigned family, const uint8_t *p)
{
	int af = family == PROXYPROTO_TCP4 ? AF_INET : AF_INET6;
	size_t ip = af == AF_INET ? 4 : 16;

	if (family != PROXYPROTO_TCP4 && family != PROXYPROTO_TCP6)
		return;
	proxyproto_address(&out->from, af, p, (uint16_t)be16(p + 2 * ip));
	proxyproto_address(&out->to, af, p + ip, (uint16_t)be16(p + 2 * ip + 2));
	out->known = true;
}

struct look proxyproto_binary(const uint8_t *bytes, size_t n, struct proxy_facts *out)
{
	const char *no = header_problem(bytes, n);
	size_t size, addresses;

	if (no)
		return look_no(no);
	if (n < PROXYPROTO_HEADER)
		return look_more(PROXYPROTO_HEADER);
	size = PROXYPROTO_HEADER + be16(bytes + 14);
	if (n < size)
		return look_more(size);
	addresses = addresses_of(bytes[12], bytes[13]);
	/* Where the family is not known, nobody knows where TLVs would begin. */
	if (addresses > 0)
		no = tlvs(bytes, size, PROXYPROTO_HEADER + addresses);
	if (no)
		return look_no(no);
	out->version = 2;
	out->local = bytes[12] == PROXYPROTO_LOCAL;
	out->size = size;
	if (!out->local)
		take(out, bytes[13], bytes + PROXYPROTO_HEADER);
	return look_yes();
}

struct look proxyproto_binary_begins(const uint8_t *bytes, size_t n)
{
	const char *no = header_problem(bytes, n < 13 ? n : 13);

	if (no)
		return look_no(no);
	return n < 13 ? look_more(13) : look_yes();
}
