/* SPDX-License-Identifier: BSD-2-Clause */
/* health.h — asks servers how they are, on a thread of its own
 *
 * A server that was never asked before is up until it is asked, and down at the first bad answer; after that `rise` and
 * `fall` count. Each change is logged, with the reason.
 */
#ifndef DAEMON_HEALTH_H
#define DAEMON_HEALTH_H

#include "daemon/backend.h"

struct health;

/* 0 or -errno. Nothing runs before there is something to check. */
int health_open(struct health **out);

/* From now on the servers of bs, which is held, as its configuration says; no others any more. 0, or
 * -errno and nothing has changed. One thread may call this at a time. */
int health_use(struct health *h, struct backends *bs);

/* Stops asking and waits for the thread. NULL is fine. */
void health_close(struct health *h);

#endif
