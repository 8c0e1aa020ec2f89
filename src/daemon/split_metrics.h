/* SPDX-License-Identifier: BSD-2-Clause */
/* split_metrics.h — what a splitter shows at its admin endpoint: /metrics and /healthz */
#ifndef DAEMON_SPLIT_METRICS_H
#define DAEMON_SPLIT_METRICS_H

#include "daemon/admin.h"
#include "daemon/split_worker.h"

struct split_metrics {
	struct split_worker *worker;
	unsigned workers;
	uint64_t memory; /* what may be held at most */
};

/* The pages; their arg is a struct split_metrics. */
extern const struct admin_page split_metrics_pages[];

#endif
