/* SPDX-License-Identifier: BSD-2-Clause */
/* split_conf.h — what a splitter is told: one struct, whoever fills it; shared by all workers, never changed
 * once they run */
#ifndef DAEMON_SPLIT_CONF_H
#define DAEMON_SPLIT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "shunt.h"

enum { SPLIT_LISTENS = 16, SPLIT_SOURCES = 16, SPLIT_WORKERS = 256 };

/* What becomes of a subscriber who is further behind than what is held. */
enum split_on_lag {
	SPLIT_SKIP,  /* he goes on at the live point */
	SPLIT_CLOSE, /* he is reset */
	SPLIT_WAIT   /* he never is: the source waits for him */
};

struct split_conf {
	struct addr_name listen[SPLIT_LISTENS]; /* where subscribers come */
	size_t listens;
	struct addr source[SPLIT_SOURCES]; /* tried in this order */
	size_t sources;
	bool source_comes; /* it connects to us, at source_listen, and there is none of the above */
	struct addr_name source_listen;
	bool admin; /* metrics are told over HTTP, at admin_listen */
	struct addr_name admin_listen;
	bool takeover;    /* a second one takes the first one's place */
	const char *type; /* Content-Type of the answers; NULL: no HTTP */
	size_t lag, burst;
	size_t align; /* bytes of a packet; 1: none */
	enum split_on_lag on_lag;
	bool close_at_end; /* subscribers end with their source */
	enum shunt_engine engine;
	size_t unit; /* bytes moved at a time; 0: see split_limits */
	unsigned workers;
	uint64_t max_subscribers; /* 0: what the limit of descriptors allows */
	/* milliseconds; 0: never */
	uint64_t source_timeout, retry, idle_timeout, drain_timeout;
};

#endif
