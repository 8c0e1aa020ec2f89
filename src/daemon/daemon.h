/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon.h — a relay that runs: listeners, workers, signals */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>

#include "daemon/relay_conf.h"

struct daemon;

struct daemon_totals {
	uint64_t running, ended, in, out;
	uint64_t moved[SHUNT_ENGINES];
};

/* Listen, say so in the log, and let the workers run. 0, or -errno with a sentence in problem:
 * nothing is left open then. *bound says whether all addresses had been had by then. */
int daemon_start(struct daemon **out, const struct relay_conf *conf, char *problem, size_t size,
		 bool *bound);

/* How many connections `descriptors` carry: two each, beside what workers and pipes need. */
uint64_t daemon_connections(uint64_t descriptors, unsigned workers, size_t listens);

/* Until a signal or `after_ms` (UINT64_MAX: for ever) ends it: SIGTERM and SIGINT cut everything,
 * SIGUSR1 drains. `each_second` is called about once a second, if given. Blocks these signals. 0, or
 * -ETIME when a worker did not stop within five seconds. */
int daemon_run(struct daemon *d, uint64_t after_ms,
	       void (*each_second)(const struct daemon_totals *, void *), void *arg);

void daemon_totals(const struct daemon *d, struct daemon_totals *out);

/* Signals must be blocked before other threads are made, so that they come to daemon_run. */
void daemon_block_signals(void);

/* The address of the i-th listener as it was bound. */
const char *daemon_address(const struct daemon *d, size_t i);

void daemon_free(struct daemon *d);

#endif
