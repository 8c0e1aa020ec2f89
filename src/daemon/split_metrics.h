/* SPDX-License-Identifier: BSD-2-Clause */
/* split_metrics.h — what splitters count, as Prometheus reads it */
#ifndef DAEMON_SPLIT_METRICS_H
#define DAEMON_SPLIT_METRICS_H

#include <stdio.h>

#include "daemon/split.h"

/* Of these, each with its label. Nothing, if there are none. */
void split_metrics_print(const struct split *const *split, size_t count, FILE *to);

#endif
