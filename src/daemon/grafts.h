/* SPDX-License-Identifier: BSD-2-Clause */
/* grafts.h — the daemon's hold on grafts: opened once for all workers, or a reason why not; the rights that
 * it takes, and their end; lines for connections that an earlier process had handed over */
#ifndef DAEMON_GRAFTS_H
#define DAEMON_GRAFTS_H

#include <stdbool.h>

#include "daemon/backend.h"
#include "daemon/listen.h"

struct grafts {
	struct shunt_graft *graft; /* NULL: there are none */
	char why[512];             /* then: because */
};

/* As conf->engine asks: nothing at all, or try (AUTO), or insist (GRAFT). 0, or -errno with the problem
 * and its remedy in `why` when it was insisted on. */
int grafts_open(struct grafts *g, const struct conf *conf);
/* Give up the rights that only opening needs, for the calling thread and those it makes from now on. The
 * keeper has its own already. */
void grafts_drop_rights(const struct grafts *g);
/* Have clients of this listener send no larger packets than all servers take. */
void grafts_fit_listener(const struct grafts *g, struct backends *bs, const struct listener *l);
/* A descriptor to wait for, or -1; when it is readable: one line for each adopted graft that ended. */
int grafts_fd(const struct grafts *g);
void grafts_log_ended(const struct grafts *g);
void grafts_close(struct grafts *g);

#endif
