/* SPDX-License-Identifier: BSD-2-Clause */
/* proxyproto.c — looker: a PROXY protocol header, in words
 *
 *     PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n
 *     PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n
 *     PROXY UNKNOWN whatever\r\n                            107 bytes at the most, all of them
 *
 * Version 2 is in proxyproto_binary.c, writing in proxyproto_build.c.
 */
#include "look/proxyproto.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "look/proxyproto_parts.h"

#define LINE_LEAST 15  /* "PROXY UNKNOWN\r\n" */
#define LINE_MOST  107 /* CRLF counted in */
#define V4_MOST    15
#define V6_MOST    39
#define PORT_MOST  5
#define V4_BYTES   "0123456789."
/* The dot is for addresses such as ::ffff:192.0.2.1: inet_ntop(3) writes them so, hence HAProxy. */
#define V6_BYTES   "0123456789abcdefABCDEF:."
#define PORT_BYTES "0123456789"

/* Reads along the line; the first thing that goes wrong sticks, as in records.h. */
struct line {
	const char *at;
	size_t left;
	bool dry;
	const char *no;
};

static bool stopped(const struct line *l)
{
	return l->dry || l->no;
}

static void refuse_line(struct line *l, const char *why)
{
	if (!stopped(l))
		l->no = why;
}

/* These bytes and no others. */
static void literal(struct line *l, const char *word, const char *why)
{
	for (; *word && !stopped(l); word++) {
		if (l->left == 0)
			l->dry = true;
		else if (*l->at != *word)
			refuse_line(l, why);
		else
			l->at++, l->left--;
	}
}

/* What stands before `stop`, made of `allowed` bytes and at most `most` of them, with a NUL. */
static void field(struct line *l, const char *allowed, char stop, size_t most, char *out,
		  const char *why)
{
	size_t len = 0;

	for (; !stopped(l); l->at++, l->left--) {
		if (l->left == 0) {
			l->dry = true;
		} else if (*l->at == stop) {
			break;
		} else if (*l->at == '\0' || !strchr(allowed, *l->at) || len == most) {
			refuse_line(l, why);
		} else {
			out[len++] = *l->at;
		}
	}
	out[len] = '\0';
	if (stopped(l))
		return;
	l->at++;
	l->left--;
}

static void address(struct line *l, int family, void *ip)
{
	static const char why[] = "a PROXY header with an address that is none";
	char text[V6_MOST + 1];

	if (family == AF_INET)
		field(l, V4_BYTES, ' ', V4_MOST, text, why);
	else
		field(l, V6_BYTES, ' ', V6_MOST, text, why);
	/* inet_pton takes four numbers without heading zeroes, or 128 bits with one "::" at most. */
	if (!stopped(l) && inet_pton(family, text, ip) != 1)
		l->no = why;
}

static uint16_t port(struct line *l, char stop)
{
	static const char why[] = "a PROXY header with a port that is none";
	char text[PORT_MOST + 1];
	uint32_t value = 0;

	field(l, PORT_BYTES, stop, PORT_MOST, text, why);
	if (stopped(l))
		return 0;
	for (const char *p = text; *p; p++)
		value = value * 10 + (uint32_t)(*p - '0');
	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0') || value > UINT16_MAX)
		l->no = why;
	return (uint16_t)value;
}

static void addresses(struct line *l, int family, struct proxy_facts *out)
{
	uint8_t ip[2][16] = { { 0 } };
	uint16_t ports[2];

	address(l, family, ip[0]);
	address(l, family, ip[1]);
	ports[0] = port(l, ' ');
	ports[1] = port(l, '\r');
	literal(l, "\n", "a PROXY header with a CR alone");
	if (stopped(l))
		return;
	proxyproto_address(&out->from, family, ip[0], ports[0]);
	proxyproto_address(&out->to, family, ip[1], ports[1]);
	out->known = true;
}

/* Whatever stands before the first CRLF; a CR or LF alone is no end of it and no matter either. */
static void unknown(struct line *l)
{
	const char *end;

	if (l->left > 0 && *l->at != ' ') {
		literal(l, "\r\n", "a PROXY header of an unknown kind");
		return;
	}
	end = memmem(l->at, l->left, "\r\n", 2);
	if (!end) {
		l->dry = true;
		return;
	}
	l->left -= (size_t)(end + 2 - l->at);
	l->at = end + 2;
}

static void kind(struct line *l, struct proxy_facts *out)
{
	static const char why[] = "a PROXY header of an unknown kind";

	if (l->left > 0 && *l->at == 'U') {
		literal(l, "UNKNOWN", why);
		if (!stopped(l))
			unknown(l);
		return;
	}
	literal(l, "TCP", why);
	if (!stopped(l) && l->left > 0 && *l->at == '6') {
		literal(l, "6 ", why);
		addresses(l, AF_INET6, out);
	} else {
		literal(l, "4 ", why);
		addresses(l, AF_INET, out);
	}
}

static struct look in_words(const char *bytes, size_t n, struct proxy_facts *out)
{
	struct line l = { .at = bytes, .left = n < LINE_MOST ? n : LINE_MOST };

	literal(&l, "PROXY ", "not a PROXY header");
	if (!stopped(&l))
		kind(&l, out);
	if (l.dry && n >= LINE_MOST)
		return look_no("a PROXY header longer than 107 bytes");
	if (l.no)
		return look_no(l.no);
	if (l.dry)
		return look_more(n < LINE_LEAST ? LINE_LEAST : n + 1);
	out->version = 1;
	out->size = (size_t)(l.at - bytes);
	return look_yes();
}

struct look look_proxy(const uint8_t *bytes, size_t n, struct proxy_facts *out)
{
	*out = (struct proxy_facts){ 0 };
	if (n == 0)
		return look_more(LINE_LEAST); /* the shorter of the two */
	if (bytes[0] == 'P')
		return in_words((const char *)bytes, n, out);
	return proxyproto_binary(bytes, n, out);
}

struct look look_proxy_begins(const uint8_t *bytes, size_t n)
{
	struct line l = { .at = (const char *)bytes, .left = n };

	if (n > 0 && bytes[0] != 'P')
		return proxyproto_binary_begins(bytes, n);
	literal(&l, "PROXY ", "not a PROXY header");
	if (l.no)
		return look_no(l.no);
	return l.dry ? look_more(sizeof("PROXY ") - 1) : look_yes();
}
