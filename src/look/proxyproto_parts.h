/* SPDX-License-Identifier: BSD-2-Clause */
/* proxyproto_parts.h — what the rooms of the PROXY protocol share, and nobody else needs */
#ifndef LOOK_PROXYPROTO_PARTS_H
#define LOOK_PROXYPROTO_PARTS_H

#include <stdint.h>

#include "look/look.h"

struct addr;
struct proxy_facts;

#define PROXYPROTO_SIGNATURE_LEN 12
#define PROXYPROTO_HEADER        16 /* signature, version and command, family and protocol, length */
#define PROXYPROTO_V4            12 /* two addresses and two ports */
#define PROXYPROTO_V6            36
#define PROXYPROTO_UNIX          216

enum { PROXYPROTO_LOCAL = 0x20, PROXYPROTO_PROXY = 0x21 }; /* version 2 and the command */
enum {
	PROXYPROTO_UNSPEC = 0,
	PROXYPROTO_TCP4 = 0x11,
	PROXYPROTO_TCP6 = 0x21,
	PROXYPROTO_STREAM = 0x31
};

/* What version 2 begins with. */
extern const uint8_t proxyproto_signature[PROXYPROTO_SIGNATURE_LEN];

/* As look_proxy and look_proxy_begins, for version 2. `out` is empty. */
struct look proxyproto_binary(const uint8_t *bytes, size_t n, struct proxy_facts *out);
struct look proxyproto_binary_begins(const uint8_t *bytes, size_t n);

/* AF_INET or AF_INET6, the address as on the wire, the port in host order. */
void proxyproto_address(struct addr *a, int family, const uint8_t *ip, uint16_t port);

#endif
