/* SPDX-License-Identifier: BSD-2-Clause */
/* resolve.h — keeps the addresses of names, as their backends have them, up to date
 *
 * On a thread of its own: each name is asked for at once, and again when what was said of it is too old
 * (its TTL). A name that cannot be resolved keeps the addresses that it had.
 */
#ifndef DAEMON_RESOLVE_H
#define DAEMON_RESOLVE_H

#include <stdint.h>

#include "daemon/backend.h"

struct resolve;

/* `name_servers`: "address:port,..." to ask instead of those of /etc/resolv.conf; NULL: those. 0 or -errno.
 * Nothing runs before there is a name to resolve. */
int resolve_open(struct resolve **out, const char *name_servers);

/* From now on the names of bs, which is held; no others any more. Waits until each has been answered, in
 * whatever way, but wait_ms at the most, and warns of those that have no address then: they get them
 * later. 0, or -errno and nothing has changed. One thread may call this at a time. */
int resolve_use(struct resolve *r, struct backends *bs, uint64_t wait_ms);

/* Stops asking and waits for the thread. NULL is fine. */
void resolve_close(struct resolve *r);

#endif
