/* SPDX-License-Identifier: BSD-2-Clause */
/* split_shared.h — what the workers of one split share and do not make themselves */
#ifndef DAEMON_SPLIT_SHARED_H
#define DAEMON_SPLIT_SHARED_H

#include <stdatomic.h>

#include "daemon/split_conf.h"
#include "shunt.h"

struct split_shared {
	const struct split_conf *conf;
	const char *label; /* in the log and in metrics; NULL: it is the only one */
	char text[SPLIT_LISTENS][ADDR_TEXT]; /* of the addresses that it listens at, as bound */
	struct addr source[SPLIT_SOURCES];   /* where we go to, in this order; none: it comes */
	size_t sources;
	unsigned workers;
	enum shunt_engine engine;
	size_t unit;
	int done;                       /* eventfd: something that was wished has been done */
	_Atomic uint64_t running, most; /* subscribers: now, and at once */
	_Atomic uint64_t drain_ms;      /* how long draining waits; 0: for ever */
	_Atomic bool shown;             /* somebody may ask how each subscriber is */
};

#endif
