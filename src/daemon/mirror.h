/* SPDX-License-Identifier: BSD-2-Clause */
/* mirror.h — a third party hears what a client says to its server, and is never felt
 *
 * A tap of the library on the server's end: references to the same bytes, PROXY header included. A mirror that
 * cannot be reached, that falls behind its lag or breaks is cut, and counted; the connection goes on. What the
 * mirror says is thrown away. When a connection ends in order its mirror gets its last bytes and a FIN, else a
 * reset: what was cut off does not look complete there either.
 */
#ifndef DAEMON_MIRROR_H
#define DAEMON_MIRROR_H

#include <stdbool.h>

#include "base/list.h"
#include "base/timer.h"
#include "daemon/backend.h"
#include "daemon/tallies.h"
#include "daemon/thing.h"

struct mirror;

/* Those of one worker. */
struct mirrors {
	struct shunt *s;
	struct tallies *tallies;
	struct list all;
	struct timers timers;
};

void mirrors_init(struct mirrors *ms, struct shunt *s, struct tallies *tallies);
void mirrors_free(struct mirrors *ms); /* after shunt_close */

/* For the connection of that number: a server of this backend of bs is chosen and connected to. *owner is the
 * mirror, or NULL, as soon as it is gone as well. */
void mirror_begin(struct mirrors *ms, struct mirror **owner, uint64_t conn, struct backends *bs,
		  const struct conf_backend *conf, const struct addr *client, uint64_t now);

/* What goes out to this server from now on goes to the mirror, of which at most `lag` bytes may wait. */
void mirror_follow(struct mirror *m, struct shunt_end *server, size_t lag);

/* The connection has ended. The mirror gets what waits for it, if it does so soon, and is gone. */
void mirror_leave(struct mirrors *ms, struct mirror *m, bool complete, uint64_t now);

void mirror_event(struct mirrors *ms, const struct shunt_event *ev, uint64_t now);

/* Those whose time has come. Returns when the next is due, UINT64_MAX: none. */
uint64_t mirrors_due(struct mirrors *ms, uint64_t now);

/* All at once. */
void mirrors_cut(struct mirrors *ms);

#endif
