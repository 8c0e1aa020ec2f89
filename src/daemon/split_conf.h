/* SPDX-License-Identifier: BSD-2-Clause */
/* split_conf.h — what a splitter is told: one struct, whether a file or a command line fills it; never changed once
 * it is made */
#ifndef DAEMON_SPLIT_CONF_H
#define DAEMON_SPLIT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/conf_place.h"

enum { SPLIT_LISTENS = CONF_ADDRESSES, SPLIT_SOURCES = 16, SPLIT_LEAST_UNITS = 4 };

/* What becomes of a subscriber who is further behind than what is held. */
enum split_on_lag {
	SPLIT_SKIP,  /* he goes on at the live point */
	SPLIT_CLOSE, /* he is reset */
	SPLIT_WAIT,  /* he never is: the source waits for him */
	SPLIT_ON_LAGS
};

/* What becomes of subscribers when their source ends. */
enum split_on_end {
	SPLIT_STAY, /* they wait for the next one */
	SPLIT_LEAVE,
	SPLIT_ON_ENDS
};

struct split_conf {
	struct conf_place place;
	struct conf_source source;
	struct conf_addresses listen; /* where subscribers come; one at least */
	const char *type;             /* Content-Type of the answers; NULL: no HTTP */
	uint64_t lag, burst;
	uint64_t align; /* bytes of a packet; 1: none */
	enum split_on_lag on_lag;
	enum split_on_end on_source_end;
	bool takeover; /* a second source takes the first one's place */
	uint64_t source_timeout, retry, idle_timeout; /* ms; 0: never */
	unsigned max_subscribers;                     /* 0: what the limit of descriptors allows */
	uint64_t
		unit; /* bytes moved at a time, of which lag and burst have LEAST_UNITS; 0: as fits */
	size_t bind; /* in conf.bind: the first of `listen`; behind them a source that comes */
};

/* How many addresses it listens at. */
static inline size_t split_conf_binds(const struct split_conf *c)
{
	return c->listen.count + c->source.comes;
}

#endif
