/* SPDX-License-Identifier: BSD-2-Clause */
/* detect.c — each protocol of a set is asked whether the stream begins as it would
 *
 * No two of them can say YES to the same bytes, so their order is of no matter: TLS begins with 0x16,
 * OpenVPN with a length below 0x0500, PROXY with a CR or "PROXY", SSH with "SSH-", HTTP with a method.
 */
#include "look/detect.h"

#include <errno.h>
#include <string.h>

#include "look/http1.h"
#include "look/proxyproto.h"
#include "look/tls.h"

/* Through the kind of the handshake message: the rest is for look_tls. */
static struct look tls_begins(const uint8_t *bytes, size_t n)
{
	const size_t enough = 6;
	struct tls_facts facts;
	struct look l = look_tls(bytes, n < enough ? n : enough, &facts);

	if (l.verdict == LOOK_NO)
		return l;
	return n < enough ? look_more(enough) : look_yes();
}

static struct look http_begins(const uint8_t *bytes, size_t n)
{
	return look_http_begins((const char *)bytes, n);
}

/* RFC 4253 4.2 and 5: a client's first line, of which 1.99 means that both 1 and 2 are spoken. */
static struct look ssh_begins(const uint8_t *bytes, size_t n)
{
	static const char *const firsts[] = { "SSH-2.0-", "SSH-1." };
	size_t need = 0;

	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		size_t len = strlen(firsts[i]);

		if (n > 0 && memcmp(bytes, firsts[i], n < len ? n : len) != 0)
			continue;
		if (n >= len)
			return look_yes();
		if (need == 0 || len < need)
			need = len;
	}
	return need > 0 ? look_more(need) : look_no("not SSH");
}

/* A packet of a length and the client's first word, P_CONTROL_HARD_RESET_CLIENT_V2 (7) or, with
 * tls-crypt-v2, _V3 (10), with key 0. The bounds of the length are those of OpenVPN's own port-share
 * (its ps.c), which has no more to go by either. */
static struct look openvpn_begins(const uint8_t *bytes, size_t n)
{
	size_t len;

	if (n > 0 && bytes[0] > 4)
		return look_no("not OpenVPN");
	if (n < 2)
		return look_more(3);
	len = (size_t)bytes[0] << 8 | bytes[1];
	if (len < 14 || (len > 255 && len < 336) || len >= 1024 + 255)
		return look_no("not OpenVPN");
	if (n < 3)
		return look_more(3);
	if ((bytes[2] == 7 << 3 && len <= 255) || (bytes[2] == 10 << 3 && len >= 336))
		return look_yes();
	return look_no("not OpenVPN");
}

static const struct {
	const char *text;
	struct look (*begins)(const uint8_t *bytes, size_t n);
} protocols[LOOK_PROTOCOLS] = {
#define LOOK_PROTOCOL_ROW(name, text, begins) [LOOK_##name] = { text, begins },
	LOOK_PROTOCOL_LIST(LOOK_PROTOCOL_ROW)
#undef LOOK_PROTOCOL_ROW
};

struct look look_detect(const uint8_t *bytes, size_t n, unsigned set, enum look_protocol *out)
{
	size_t need = 0;

	for (unsigned i = 0; i < LOOK_PROTOCOLS; i++) {
		struct look l;

		if (!(set & LOOK_SET(i)))
			continue;
		l = protocols[i].begins(bytes, n);
		if (l.verdict == LOOK_YES) {
			*out = (enum look_protocol)i;
			return l;
		}
		if (l.verdict == LOOK_MORE && (need == 0 || l.need < need))
			need = l.need;
	}
	return need > 0 ? look_more(need) : look_no("none of the protocols that may come");
}

const char *look_protocol_text(enum look_protocol protocol)
{
	return protocols[protocol].text;
}

int look_protocol_of(const char *text)
{
	for (unsigned i = 0; i < LOOK_PROTOCOLS; i++)
		if (strcmp(protocols[i].text, text) == 0)
			return (int)i;
	return -ENOENT;
}
