/* SPDX-License-Identifier: BSD-2-Clause */
/* squeeze.h — a join that is to become a graft is brought to stand still */
#ifndef LIB_SQUEEZE_H
#define LIB_SQUEEZE_H

#include "lib/context.h"

/* The pair was made: when is it to begin? */
void squeeze_plan(struct join *j);
/* Are bytes lent (engine/lend.h) instead of pumped? */
bool squeeze_lends(const struct join *j);
/* Does way i have bytes in its socket that are to stay there? */
bool squeeze_keeps(const struct join *j, int i);
/* Begin, go on, or give it up, as it is time for. True: all that was lent can be taken, with squeeze_take,
 * which tells its sender to go on. On a short way his next packet comes before that call is over, so the pair is
 * to be armed before it: of what is taken nothing is held, and until it is taken there are bytes unread
 * and no cut. */
bool squeeze_work(struct join *j);
/* 0, or -errno: not all of it could be. */
int squeeze_take(struct join *j);
/* After how many ms the join is to be looked at again, or UINT64_MAX. */
uint64_t squeeze_again(const struct join *j);
/* For this time, or because it is never to be a graft. */
void squeeze_stop(struct join *j);

#endif
