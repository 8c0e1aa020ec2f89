/* SPDX-License-Identifier: BSD-2-Clause */
/* tls.h — whom does this TLS client want, and what does he speak? */
#ifndef LOOK_TLS_H
#define LOOK_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "look/look.h"
#include "look/name.h"

#define TLS_ALPN     256 /* bytes of the list of protocols that are kept */
#define TLS_VERSIONS 8   /* versions that are kept */

/* Filled in when look_tls says YES, and of no meaning else. Nothing points into the view. */
struct tls_facts {
	char sni[NAME_MOST + 1]; /* in small letters, any byte may be in it; then a NUL */
	size_t sni_len;          /* 0: the client names nobody */
	uint8_t alpn[TLS_ALPN];  /* as on the wire: length, protocol, length, protocol, ... */
	size_t alpn_len;         /* 0: the client offers none */
	bool alpn_cut;           /* there were more than fit into it */
	uint16_t legacy_version; /* of the hello itself: 0x0301 or later */
	uint16_t versions[TLS_VERSIONS]; /* what is offered, in the client's order, without GREASE:
					  * supported_versions, or the one above if there is none */
	size_t n_versions;
	bool ech; /* encrypted_client_hello is there: the name may be a public one for another */
};

/* A ClientHello at the beginning of the view? YES when all of it is there. Its own version decides
 * whether it is TLS: of its records' version only the "3." must be. What follows it is not looked at. */
struct look look_tls(const uint8_t *bytes, size_t n, struct tls_facts *out);

/* Does the client offer this protocol? To the letter, as RFC 7301 has it. */
bool tls_offers(const struct tls_facts *facts, const char *protocol);

/* The offered protocols with commas between them, odd bytes as '?', cut off if they do not fit. Into
 * buf of `size` bytes (at least 1), which is returned. */
const char *tls_alpn_text(const struct tls_facts *facts, char *buf, size_t size);

#endif
