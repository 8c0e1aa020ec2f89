/* SPDX-License-Identifier: BSD-2-Clause */
/* join.h — two ends become one connection */
#ifndef LIB_JOIN_H
#define LIB_JOIN_H

#include "lib/context.h"

/* 0, -ENOMEM, or what shunt_join says. */
int join_new(struct shunt_end *a, struct shunt_end *b);
/* epoll said so, of a joined end. */
void join_ready(struct shunt_end *e, uint32_t events);
/* What is due before the next wait. */
void join_work(struct shunt_end *e);
/* Try those again whose time has come. They may ask for another time at once, or when worked on. */
void join_later(struct shunt *s);
/* When the next is to be tried, or UINT64_MAX. */
uint64_t join_due(const struct shunt *s);
/* Two ends again, with their counts; what was between them is dropped. */
void join_undo(struct join *j);
/* End i does not come up: undo, and tell the other end. */
void join_come_undone(struct join *j, int i);
/* Reset both ends now. */
void join_abort(struct join *j, enum shunt_why why);
/* Look at it again after a while, longer each time. */
void join_again(struct join *j);
/* It is over: both ends are gone, for these reasons. `reset`: what is left of it is reset. */
void join_gone(struct join *j, enum shunt_why why0, enum shunt_why why1, bool reset);
/* May an end get a tap? -EBUSY: the join is becoming a graft. */
int join_may_tap(const struct join *j);
/* End i has one: what comes for it, and what was taken for it and is not out yet, goes there as well. */
void join_tapped(struct join *j, int i);
/* The counts of a joined end, its ways included. */
void join_stat(const struct shunt_end *e, struct shunt_stat *stat);

#endif
