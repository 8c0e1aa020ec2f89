/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon.h — a relay, or a splitter, that runs: from a configuration to an exit
 *
 *	SIGTERM, SIGINT   stop: what runs is cut
 *	SIGUSR1           drain: no new ones, then exit
 *	SIGHUP            with a file: read it again; without one: stop
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>

#include "daemon/conf.h"
#include "daemon/crew.h"
#include "daemon/split.h"

struct daemon;

struct daemon_options {
	const struct conf *conf;
	const char *file; /* where it came from, to be read again; NULL: nowhere */
	bool brief; /* one backend that nobody gave a name, and nothing is looked at; or one split */
};

/* Listen, say so in the log, and let the workers run. 0, or -errno with a sentence in problem:
 * nothing is left open then. *bound says whether all addresses had been had by then. */
int daemon_start(struct daemon **out, const struct daemon_options *options, char *problem,
		 size_t size, bool *bound);

/* Until a signal or `after_ms` (UINT64_MAX: for ever) ends it. `each_second` is called about once a second,
 * if given. 0, or -ETIME when a worker did not stop within five seconds. */
int daemon_run(struct daemon *d, uint64_t after_ms,
	       void (*each_second)(const struct crew_totals *, void *), void *arg);

/* The address of the i-th listener as it was bound at the start. */
const char *daemon_address(const struct daemon *d, size_t i);

/* Of all its splits. */
void daemon_split_totals(const struct daemon *d, struct split_totals *out);

void daemon_free(struct daemon *d);

#endif
