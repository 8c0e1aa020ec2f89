/* SPDX-License-Identifier: BSD-2-Clause */
/* split.h — a splitter: a source, those who subscribe to it, the workers between them
 *
 *	split_open     all that may fail is had; nobody is served yet
 *	split_begin    its workers run
 *	split_drain    nobody is let in any more; it ends with its source, or when the time is over
 *	split_stop     all are reset, and it ends
 *
 * Who runs it waits at an eventfd, `done`, which is written to whenever a worker has let go of its listening sockets
 * or has ended. Signals, the admin endpoint and the sockets that listen are his.
 */
#ifndef DAEMON_SPLIT_H
#define DAEMON_SPLIT_H

#include "daemon/listen.h"
#include "daemon/split_conf.h"
#include "shunt.h"

struct split;

struct split_options {
	unsigned workers;
	enum shunt_engine engine;
	bool labelled; /* there may be others beside it: it is called by its first address */
	int done;
};

struct split_totals {
	uint64_t running, ended, in, out, skips, skipped, lag, held, sources;
	uint64_t memory; /* what may be held at most */
	uint64_t moved[SHUNT_ENGINES];
	bool source_here;
};

/* The listeners are conf->listen's, and behind them the one where its source comes; the caller's, as conf is, until
 * split_shut. Asks a resolver where the source is: -EDESTADDRREQ: nowhere. 0, or -errno with a sentence in problem. */
int split_open(struct split **out, const struct split_conf *conf, const struct split_options *o,
	       struct listener *const *listener, char *problem, size_t size);
/* 0 or -errno; split_free is due even then. */
int split_begin(struct split *x);

/* How many descriptors it needs; 0: as many as it may have. How many it may have: so many subscribers are let in. */
uint64_t split_needs(const struct split *x);
void split_limit(struct split *x, uint64_t descriptors);
/* May somebody ask how each subscriber is? */
void split_show(struct split *x, bool shown);

/* A line for each of its addresses. */
void split_say(const struct split *x);

void split_drain(struct split *x, uint64_t limit_ms);
void split_stop(struct split *x);
bool split_is_shut(const struct split *x); /* no listening socket is in its hands */
bool split_is_finished(const struct split *x);

/* NULL: it is the only one. */
const char *split_label(const struct split *x);
void split_totals(const struct split *x, struct split_totals *out);
struct split_worker *split_workers(const struct split *x, unsigned *count);

/* Stops it, and waits for it. NULL is fine. */
void split_free(struct split *x);

#endif
