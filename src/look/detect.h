/* SPDX-License-Identifier: BSD-2-Clause */
/* detect.h — what does this client speak?
 *
 * Only protocols whose client speaks first can be detected. One that waits for the server's greeting
 * (SMTP, MySQL, FTP) says nothing at all: it is known by its silence, and a timeout is the caller's.
 */
#ifndef LOOK_DETECT_H
#define LOOK_DETECT_H

#include <stddef.h>
#include <stdint.h>

#include "look/look.h"

/* Another protocol: one row here, as name, text for people and configurations, and function in
 * detect.c that says how it begins. */
#define LOOK_PROTOCOL_LIST(X)                                                                      \
	X(TLS, "tls", tls_begins)                                                                  \
	X(HTTP, "http", http_begins)                                                               \
	X(SSH, "ssh", ssh_begins)                                                                  \
	X(OPENVPN, "openvpn", openvpn_begins)                                                      \
	X(PROXY, "proxy", look_proxy_begins)

enum look_protocol {
#define LOOK_PROTOCOL_ENUM(name, text, begins) LOOK_##name,
	LOOK_PROTOCOL_LIST(LOOK_PROTOCOL_ENUM)
#undef LOOK_PROTOCOL_ENUM
		LOOK_PROTOCOLS /* how many there are */
};

#define LOOK_SET(protocol) (1u << (protocol))

/* Which protocol of the set begins so? YES with *out; NO when it is none of them, which is what
 * "unknown" means; MORE as long as one of them is possible. A YES says how the stream begins, in a
 * few bytes (never over 34): the protocol's own looker has to say whether the rest is well formed. */
struct look look_detect(const uint8_t *bytes, size_t n, unsigned set, enum look_protocol *out);

/* "tls", ... */
const char *look_protocol_text(enum look_protocol protocol);

/* The protocol of that text, or -ENOENT. */
int look_protocol_of(const char *text);

#endif
