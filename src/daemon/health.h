/* SPDX-License-Identifier: BSD-2-Clause */
/* health.h — what follows from a check: `rise` good ones in a row bring a server back, `fall` bad ones take
 * it out
 *
 * The first of all takes it out alone: a server that was never seen well gets no clients. Each change
 * is logged. For the one thread that checks.
 */
#ifndef DAEMON_HEALTH_H
#define DAEMON_HEALTH_H

#include <stdint.h>

#include "daemon/conf.h"
#include "daemon/server.h"

void health_good(struct server *s, const struct conf_check *check, uint64_t now);
void health_bad(struct server *s, const struct conf_check *check, const char *why, uint64_t now);

/* It could not be asked, for want of something of ours: that is logged, once in a while. */
void health_unknown(const struct server *s, const char *why, uint64_t now);

#endif
