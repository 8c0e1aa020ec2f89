/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.h — all that a daemon counts, as Prometheus reads it; doc/metrics.md is its table */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <stdbool.h>
#include <stdio.h>

#include "daemon/crew.h"
#include "daemon/splits.h"

struct metrics_of {
	struct crew *crew;
	struct tallies *tallies;
	struct splits *splits;
	struct shunt_graft *graft; /* NULL: there are none */
	uint64_t began;            /* clock_ms() at the start */
};

/* What the tallies say now; `whole`: all workers have told them what they know. 0 or -ENOMEM. */
int metrics_print(const struct metrics_of *m, bool whole, FILE *to);

#endif
