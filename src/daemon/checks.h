/* SPDX-License-Identifier: BSD-2-Clause */
/* checks.h — servers are asked whether they are well, and marked up or down by what they answer
 *
 * For backends that have `check`. Belongs to one thread at a time, which waits in its epoll until
 * checks_next, hands over what comes with tickets of checks, and lets be done what is due (daemon/care.h).
 */
#ifndef DAEMON_CHECKS_H
#define DAEMON_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/backend.h"

/* A ticket of checks is less than this; they are the ids of servers. */
#define CHECKS_TICKETS ((uint64_t)1 << 62)

struct checks;

/* NULL: no memory. What is asked is watched in epfd. */
struct checks *checks_new(int epfd);
void checks_free(struct checks *cs); /* nobody is asked any more; NULL is fine */

/* Is there a backend with checks? */
bool checks_wanted(struct backends *bs);

/* From now on the servers of these, which are held. Servers that stay keep what is known of them; what checks
 * said of those whose backend has none is forgotten. 0, or -ENOMEM: it is those from before. */
int checks_follow(struct checks *cs, struct backends *bs, uint64_t now);

/* The servers of a backend may have changed (backend_version). */
void checks_look(struct checks *cs, uint64_t now);

/* When something is due; UINT64_MAX: nothing. */
uint64_t checks_next(const struct checks *cs);
void checks_due(struct checks *cs, uint64_t now);

/* An event came with this ticket. */
void checks_ready(struct checks *cs, uint64_t ticket, uint64_t now);

/* What checks said is forgotten for all servers whose backends have none. */
void checks_forget(struct backends *bs);

#endif
