/* SPDX-License-Identifier: BSD-2-Clause */
/* split.h — a splitter that runs: a source, doors, workers, signals */
#ifndef DAEMON_SPLIT_H
#define DAEMON_SPLIT_H

#include "daemon/split_conf.h"

struct split;

struct split_totals {
	uint64_t running, ended, in, out, skips, skipped, lag, held, sources;
	uint64_t moved[SHUNT_ENGINES];
	bool source_here;
};

/* What one worker moves at a time when nothing is said: the largest unit of which eight are within lag and burst, and
 * that this user's pipes may have. *why: the reason for a smaller one, or NULL. */
size_t split_unit(const struct split_conf *conf, const char **why);
/* The least that lag and burst must be together for a unit. */
size_t split_least(size_t unit);

/* Listen, say so in the log, and let the workers run. 0, or -errno with a sentence in problem:
 * nothing is left open then. *bound says whether all addresses had been had by then. */
int split_start(struct split **out, const struct split_conf *conf, char *problem, size_t size,
		bool *bound);

/* Until a signal ends it: SIGTERM and SIGINT cut everything, SIGUSR1 drains. `each_second` is called about
 * once a second, if given. 0, or -ETIME when a worker did not stop within five seconds. */
int split_run(struct split *x, void (*each_second)(const struct split_totals *, void *), void *arg);

void split_totals(const struct split *x, struct split_totals *out);

void split_free(struct split *x);

#endif
