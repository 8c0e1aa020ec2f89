/* SPDX-License-Identifier: BSD-2-Clause */
/* proxyproto_build.c — a PROXY protocol header for a connection of which two addresses are known */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "look/proxyproto.h"
#include "look/proxyproto_parts.h"

/* An address of IPv4 or IPv6 in the clothing of IPv6; false: it is neither. */
static bool as_v6(const struct addr *a, struct in6_addr *ip)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (a->ss.ss_family == AF_INET6) {
		memcpy(&sin6, &a->ss, sizeof(sin6));
		*ip = sin6.sin6_addr;
		return true;
	}
	if (a->ss.ss_family != AF_INET)
		return false;
	memcpy(&sin, &a->ss, sizeof(sin));
	*ip = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(&ip->s6_addr[12], &sin.sin_addr, sizeof(sin.sin_addr));
	return true;
}

/* Where the four bytes of IPv4 are. */
static const uint8_t *v4_of(const struct in6_addr *ip)
{
	return ip->s6_addr + 12;
}

static size_t word_v4(const struct in6_addr ip[2], char *out)
{
	const uint8_t *a = v4_of(&ip[0]), *b = v4_of(&ip[1]);

	return (size_t)sprintf(out, "PROXY TCP4 %u.%u.%u.%u %u.%u.%u.%u", a[0], a[1], a[2], a[3],
			       b[0], b[1], b[2], b[3]);
}

/* Eight groups, always: inet_ntop(3) would write some addresses with dots, which not all read. */
static size_t word_v6(const struct in6_addr ip[2], char *out)
{
	char *p = out + sprintf(out, "PROXY TCP6");

	for (unsigned side = 0; side < 2; side++)
		for (unsigned i = 0; i < 16; i += 2)
			p += sprintf(p, "%c%x", i == 0 ? ' ' : ':',
				     (unsigned)ip[side].s6_addr[i] << 8 | ip[side].s6_addr[i + 1]);
	return (size_t)(p - out);
}

static void be16_to(uint8_t *p, size_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* Version 2's header before the addresses; returns where these go. */
static uint8_t *header(uint8_t *out, unsigned command, unsigned family, size_t len)
{
	memcpy(out, proxyproto_signature, PROXYPROTO_SIGNATURE_LEN);
	out[12] = (uint8_t)command;
	out[13] = (uint8_t)family;
	be16_to(out + 14, len);
	return out + PROXYPROTO_HEADER;
}

static size_t bytes_of_ip(const struct in6_addr ip[2], bool v4, const uint16_t ports[2],
			  uint8_t *out)
{
	size_t each = v4 ? 4 : 16;
	uint8_t *p =
		header(out, PROXYPROTO_PROXY, v4 ? PROXYPROTO_TCP4 : PROXYPROTO_TCP6, 2 * each + 4);

	for (unsigned side = 0; side < 2; side++, p += each)
		memcpy(p, v4 ? v4_of(&ip[side]) : ip[side].s6_addr, each);
	be16_to(p, ports[0]);
	be16_to(p + 2, ports[1]);
	return (size_t)(p + 4 - out);
}

static size_t bytes_of_unix(const struct addr *sides[2], uint8_t *out)
{
	const size_t path = offsetof(struct sockaddr_un, sun_path);
	const size_t each = PROXYPROTO_UNIX / 2;
	uint8_t *p = header(out, PROXYPROTO_PROXY, PROXYPROTO_STREAM, PROXYPROTO_UNIX);

	memset(p, 0, PROXYPROTO_UNIX);
	for (unsigned side = 0; side < 2; side++) {
		size_t len = sides[side]->len > path ? sides[side]->len - path : 0;

		memcpy(p + side * each, (const uint8_t *)&sides[side]->ss + path,
		       len < each ? len : each);
	}
	return PROXYPROTO_HEADER + PROXYPROTO_UNIX;
}

size_t proxyproto_build(unsigned version, const struct addr *from, const struct addr *to,
			uint8_t out[PROXYPROTO_MOST])
{
	const struct addr *sides[2] = { from, to };
	struct in6_addr ip[2];
	bool v4;

	if (from && to && as_v6(from, &ip[0]) && as_v6(to, &ip[1])) {
		const uint16_t ports[2] = { addr_port(from), addr_port(to) };
		size_t len;

		v4 = IN6_IS_ADDR_V4MAPPED(&ip[0]) && IN6_IS_ADDR_V4MAPPED(&ip[1]);
		if (version == 2)
			return bytes_of_ip(ip, v4, ports, out);
		len = v4 ? word_v4(ip, (char *)out) : word_v6(ip, (char *)out);
		return len + (size_t)sprintf((char *)out + len, " %u %u\r\n", ports[0], ports[1]);
	}
	if (version == 1)
		return (size_t)sprintf((char *)out, "PROXY UNKNOWN\r\n");
	if (from && to && from->ss.ss_family == AF_UNIX && to->ss.ss_family == AF_UNIX)
		return bytes_of_unix(sides, out);
	header(out, from && to ? PROXYPROTO_PROXY : PROXYPROTO_LOCAL, PROXYPROTO_UNSPEC, 0);
	return PROXYPROTO_HEADER;
}
