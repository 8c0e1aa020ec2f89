/* SPDX-License-Identifier: BSD-2-Clause */
/* handover.h — how a join becomes a graft, and how it ends as one */
#ifndef LIB_HANDOVER_H
#define LIB_HANDOVER_H

#include "lib/context.h"

/* -- before the connection -- */

/* Make a new socket of ours such that it can be grafted with `like`: a port of the range, options and
 * segment size that like's peer has as well. Returns the port, 0 if there is none. */
uint16_t hand_prepare(struct shunt *s, int fd, const struct shunt_end *like, int family);
void hand_port_free(struct shunt *s, uint16_t port);
void hand_port_back(struct shunt_end *e);

/* -- while joined -- */

/* Before anything touches the sockets. False: they are not ours (any more). */
bool hand_hold(struct join *j);
/* When all is done for now: begin, arm, drain on, or retire. */
void hand_settle(struct join *j);
/* The FIN of end i was taken, and is about to be sent. */
void hand_fin(struct join *j, int i);
/* The join is over; its pair, if it has one, is ended or, with `reset`, killed. */
void hand_part(struct shunt_end *a, struct shunt_end *b, struct pair *p, bool reset);

/* What the keeper has to say. */
void hand_news(struct shunt *s);

/* Add what went below TCP. */
void hand_stat(const struct shunt_end *e, struct shunt_stat *stat);
uint64_t hand_idle_since(const struct shunt_end *e);
/* Sum up what live grafts have passed on, if that was not done a moment ago. */
void hand_sum(struct shunt *s);

#endif
