/* SPDX-License-Identifier: BSD-2-Clause */
/* handover.h — how a join becomes a graft, and how it ends as one */
#ifndef LIB_HANDOVER_H
#define LIB_HANDOVER_H

#include "lib/context.h"

/* Before anything touches the sockets. False: they are not ours (any more). */
bool hand_hold(struct join *j);
/* All that can be moved was: begin with it, if it pays, or make it stand still. What the ends are to be watched
 * for may have changed then. */
void hand_ready(struct join *j);
/* When all is done for now: arm, drain on, or retire. Returns after how many ms the join is to be
 * looked at again, whatever happens. */
#define HAND_NOTHING UINT64_MAX
uint64_t hand_settle(struct join *j);
/* It is never to be a graft, for this reason: counted, and kept for hand_stat. */
void hand_decline(struct join *j, enum graft_decline why);
/* The FIN of end i was taken, and is about to be sent. */
void hand_fin(struct join *j, int i);
/* The join is over; its pair, if it has one, is ended or, with `reset`, killed. */
void hand_part(struct shunt_end *a, struct shunt_end *b, struct pair *p, bool reset);

/* Add what went below TCP. */
void hand_stat(const struct shunt_end *e, struct shunt_stat *stat);
uint64_t hand_idle_since(const struct shunt_end *e);
/* Sum up what live grafts have passed on, if that was not done a moment ago. */
void hand_sum(struct shunt *s);

#endif
