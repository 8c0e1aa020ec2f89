/* SPDX-License-Identifier: BSD-2-Clause */
/* guests.h — how many connections each client address has, over all workers
 *
 * Asked only where limits.per_client is set, so that nobody else pays for it. An IPv4 address mapped into
 * IPv6 is the IPv4 address; a Unix socket's client has none and is not limited.
 */
#ifndef DAEMON_GUESTS_H
#define DAEMON_GUESTS_H

#include <stdbool.h>

#include "base/addr.h"

struct guests;

/* NULL: no memory. Any thread may call what follows. */
struct guests *guests_new(void);
void guests_free(struct guests *g);

/* One more, if there are fewer than `most`; then to be let go by guests_leave. Without memory to count it
 * is let in uncounted: *counted says so. */
bool guests_enter(struct guests *g, const struct addr *client, unsigned most, bool *counted);
void guests_leave(struct guests *g, const struct addr *client);

#endif
