/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect.h — what a daemon shows of itself at its admin endpoint
 *
 *	/metrics       counts, for Prometheus (daemon/metrics.h)
 *	/connections   those that run now, as JSON (daemon/connections.h); ?limit=N: at most N of them
 *	/healthz       200 "ok" while all workers make their turns and, where there are splits alone, a source is
 *	               here; else 503 and why not
 *
 * Where it shows that is the configuration's to say, and a reload may say otherwise:
 *
 *	inspect_open(in, conf, ...)      the address that conf has, beside the one in use: it may fail
 *	inspect_start(in, ...)           clients are answered there; so may this
 *	inspect_settle(in, true)         that is the one, and the old one is closed; or, with false, the
 *	                                 other way round
 */
#ifndef DAEMON_INSPECT_H
#define DAEMON_INSPECT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/admin.h"
#include "daemon/conf.h"
#include "daemon/metrics.h"

struct inspect_door {
	struct admin *admin;     /* NULL: there is none */
	const struct conf *conf; /* which wants it so; held; NULL with none */
};

struct inspect {
	struct metrics_of of;
	pthread_mutex_t lock; /* of the crew's survey: one at a time */
	bool whole;           /* all workers told what they have moved, when they were asked last */
	uint64_t again;       /* ns of base/clock.h: they are left alone until then */
	_Atomic(const char *) leaving;
	struct inspect_door now, next;
	bool stays; /* the next one is the one there is */
};

/* `of` is copied; what it points at is needed once a door is started. */
void inspect_init(struct inspect *in, const struct metrics_of *of);

/* 0, or -errno with a sentence for people in problem: nothing has changed then. */
int inspect_open(struct inspect *in, const struct conf *c, char *problem, size_t size);
/* The same; after an error, inspect_settle(in, false) is due. */
int inspect_start(struct inspect *in, char *problem, size_t size);
void inspect_settle(struct inspect *in, bool taken);

/* From now on it is not healthy: "draining", "stopping". Text that stays. */
void inspect_leaving(struct inspect *in, const char *how);

/* Nothing is shown any more, and the address is free. */
void inspect_shut(struct inspect *in);

/* Before what it shows goes. */
void inspect_close(struct inspect *in);

#endif
