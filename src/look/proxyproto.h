/* SPDX-License-Identifier: BSD-2-Clause */
/* proxyproto.h — the PROXY protocol, versions 1 and 2: who is it really? Read and written
 *
 * As in HAProxy's proxy-protocol.txt. Whether a header comes must be agreed on beforehand: he
 * who asks whether there may be one lets anybody claim to be anybody.
 */
#ifndef LOOK_PROXYPROTO_H
#define LOOK_PROXYPROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "look/look.h"

#define PROXYPROTO_MOST 232 /* the longest header that is written: version 2 between Unix sockets */

/* Filled in when look_proxy says YES, and of no meaning else. */
struct proxy_facts {
	unsigned version; /* 1 or 2 */
	bool local; /* version 2's LOCAL: the sender speaks for himself, such as a health check */
	bool known; /* the two addresses below were told; if not, those of the socket are meant */
	struct addr from; /* the client */
	struct addr to;   /* whom the client had connected to */
	size_t size;      /* of the header: the stream that it tells of begins after it */
};

/* A header at the beginning of the view? YES when all of it is there.
 * Known are addresses of TCP over IPv4 and IPv6; UNKNOWN, LOCAL, UNSPEC, UDP and Unix sockets are
 * taken without. What a version 2 header holds beyond its addresses must be TLVs that fit, a CRC32C
 * among them must be right, and all of it is left out. */
struct look look_proxy(const uint8_t *bytes, size_t n, struct proxy_facts *out);

/* Does it begin as one? YES after "PROXY " or after the 12 bytes and the version. */
struct look look_proxy_begins(const uint8_t *bytes, size_t n);

/* The header of that version (1 or 2) for a connection between these two, into out. Returns its
 * length. An IPv4 address mapped into IPv6 goes out as IPv4 if both are that, and an IPv4 address
 * beside an IPv6 one as mapped. What the version has no words for, a Unix socket in version 1 for
 * one, is UNKNOWN or UNSPEC; without from and to (NULL) it is version 2's LOCAL. */
size_t proxyproto_build(unsigned version, const struct addr *from, const struct addr *to,
			uint8_t out[PROXYPROTO_MOST]);

#endif
