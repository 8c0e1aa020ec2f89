/* SPDX-License-Identifier: BSD-2-Clause */
/* names.h — servers that are host names or SRV names: asked for, again and again, and fed to their backends
 *
 * Belongs to one thread at a time, which waits in its epoll until names_next, hands over what comes
 * with tickets of daemon/dns.h, and lets be done what is due (daemon/care.h).
 */
#ifndef DAEMON_NAMES_H
#define DAEMON_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/backend.h"

struct names;

/* NULL: no memory. What is waited for is watched in epfd. */
struct names *names_new(int epfd);
void names_free(struct names *ns); /* nobody is asked any more; NULL is fine */

/* Is there a server that is a name? */
bool names_wanted(struct backends *bs);

/* From now on the names of these, which are held. All are asked for anew, as /etc/resolv.conf says now; those
 * that are known keep their addresses meanwhile. 0; -ENOMEM, -EIO: it is those from before. */
int names_follow(struct names *ns, struct backends *bs, uint64_t now);

/* When something is due; UINT64_MAX: nothing. */
uint64_t names_next(struct names *ns, uint64_t now);
void names_due(struct names *ns, uint64_t now);

/* An event came with this ticket. */
void names_ready(struct names *ns, uint64_t ticket, uint32_t events, uint64_t now);

/* Has each been answered once, or failed? */
bool names_answered(const struct names *ns);

/* Why the index-th server of b has no address, in words that stay; NULL: it has one, or is no name. */
const char *names_problem(const struct names *ns, const struct backend *b, size_t index);

#endif
