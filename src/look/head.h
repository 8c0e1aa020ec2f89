/* SPDX-License-Identifier: BSD-2-Clause */
/* head.h — all that a listener looks at, in the order in which it comes
 *
 *	[PROXY header] [TLS hello | HTTP head | SSH ... | anything else] the rest, which nobody looks at
 *
 * One looker made of the others: what look.h promises holds for it as well.
 */
#ifndef LOOK_HEAD_H
#define LOOK_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "look/detect.h"
#include "look/http1.h"
#include "look/look.h"
#include "look/proxyproto.h"
#include "look/tls.h"

/* What a stream begins with, if it is none of the protocols that were looked for. */
#define HEAD_UNKNOWN LOOK_PROTOCOLS

/* What is wanted. */
struct head_wish {
	bool proxy;   /* a PROXY header has to come first */
	unsigned set; /* LOOK_SET(...): what is told apart behind it; 0: nothing */
};

/* With YES all of it is filled in; with MORE, the PROXY header is if it is there (proxy.size > 0). */
struct head_facts {
	struct proxy_facts proxy; /* size 0: there is none */
	unsigned protocol;        /* enum look_protocol, or HEAD_UNKNOWN */
	union {
		struct tls_facts tls;   /* LOOK_TLS */
		struct http_facts http; /* LOOK_HTTP */
	};
};

/* `seen` as with look_http: how long the last view was that got MORE, or 0. NO: the PROXY header is none,
 * or what began like TLS or HTTP went on as neither. */
struct look look_head(const struct head_wish *wish, const uint8_t *bytes, size_t n, size_t seen,
		      struct head_facts *out);

#endif
