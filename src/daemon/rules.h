/* SPDX-License-Identifier: BSD-2-Clause */
/* rules.h — one configuration in force: what connections that begin now go by
 *
 *	struct rules ──┬─ backends ── conf
 *	               └─ gate ── conf_listener, where it listens, tallies of it and of its routes
 *
 * Made whole, never changed, held by all who go by it: a reload makes another, and each connection keeps
 * the rules under which it began.
 */
#ifndef DAEMON_RULES_H
#define DAEMON_RULES_H

#include "daemon/backend.h"
#include "daemon/conf.h"
#include "daemon/listen.h"
#include "daemon/tallies.h"

struct gate {
	const struct conf_listener *conf;
	struct listener *listener; /* as long as these rules are in force */
	char text[ADDR_TEXT];      /* its address */
	struct tally *tally;
	struct tally **route; /* of conf->route[i]; then of `default`, then of on_silence */
};

struct rules {
	atomic_uint refs;
	struct backends *backends;
	const struct conf *conf; /* the backends' */
	bool sends_proxy;        /* some server is sent a PROXY header */
	size_t gates;
	struct gate *gate; /* as conf->listener */
};

/* Of the configuration of bs, which is held, with the listeners in its order. NULL: no memory. */
struct rules *rules_new(struct backends *bs, struct listener *const *listener, struct tallies *ts);
struct rules *rules_ref(struct rules *r);
void rules_unref(struct rules *r); /* any thread may; NULL is fine */

/* What a route asks for, in a few words: "sni=a.example,*.b.example". Cut off where it does not fit. */
#define RULES_ROUTE_TEXT 512
const char *rules_route_text(const struct conf_route *route, char buf[RULES_ROUTE_TEXT]);

#endif
