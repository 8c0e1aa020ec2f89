/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_relay.h — a configuration from the words of `shunt relay`, without a file */
#ifndef DAEMON_CONF_RELAY_H
#define DAEMON_CONF_RELAY_H

#include "daemon/conf_draft.h"

/* Words, as the command line has them. */
struct conf_words {
	const char *const *item;
	size_t count;
};

struct conf_relay {
	struct conf_words listen;    /* addresses; one at least */
	struct conf_words otherwise; /* --default, TARGET...: who gets what nobody below gets */
	struct conf_words sni;       /* NAME=ADDR */
	struct conf_words http_host; /* NAME=ADDR */
	struct conf_words ssh, tls;  /* addresses */
	struct conf_words mirror;    /* addresses: who gets a copy of what clients say */
	enum conf_proxy send_proxy;  /* to each server */
	bool accept_proxy;           /* at each listener */
};

/* Puts listeners, routes and backends into a draft that was just begun; what is left (timeouts, limits,
 * engine) is the caller's to set in draft->conf, before he finishes it. What is wrong goes into the
 * draft's report, where "--sni a.example" stands in the place of a file and a line.
 *
 * Several addresses for one thing are tried in the order given, as `shunt relay` always did: the first
 * is the server, the others are its backups. Names come first, then hosts, then ssh, then tls. A client
 * that says nothing goes to ssh, if there is one, else to the default. */
void conf_relay_put(struct conf_draft *d, const struct conf_relay *r);

#endif
