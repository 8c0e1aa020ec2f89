/* SPDX-License-Identifier: BSD-2-Clause */
/* tallies.h — all that is counted beside backends and their servers: by listener, by route, and of the whole
 *
 * A tally goes by what it counts, not by where that stands in a configuration: a listener by its address,
 * a route by its conditions. So counts go on over a reload. None is ever taken away.
 */
#ifndef DAEMON_TALLIES_H
#define DAEMON_TALLIES_H

#include <pthread.h>

#include "base/why.h"
#include "daemon/tally.h"

/* One of many, in the order in which they came. */
struct tallies_item {
	struct tally tally;
	struct tallies_item *next;
	const char *listener, *route; /* route: NULL for the listener's own */
};

/* Zeroed to begin with. */
struct tallies {
	pthread_mutex_t lock; /* of `first` and every `next`; what is in the list stays */
	struct tallies_item *first;
	_Atomic uint64_t end[WHYS];                            /* connections, by why they ended */
	_Atomic uint64_t pipe_refused, splice_refused, urgent; /* steps down, of those that ended */
	_Atomic uint64_t
		accept_paused; /* nobody was let in for a while: no descriptors, or at a limit */
	_Atomic uint64_t reloads, reloads_failed;
	_Atomic uint64_t mirrors, mirrors_cut; /* all that were begun; those that were cut off */
};

void tallies_init(struct tallies *ts);
void tallies_free(struct tallies *ts);

/* The one that counts this; made if there is none. NULL: no memory. */
struct tally *tallies_get(struct tallies *ts, const char *listener, const char *route);

/* The first of those that there are now; their `next` may be followed as long as `ts` lives. */
const struct tallies_item *tallies_first(struct tallies *ts);

#endif
