/* SPDX-License-Identifier: BSD-2-Clause */
/* doors.h — a worker's listening sockets: watched, let go for a while, exchanged for others */
#ifndef DAEMON_DOORS_H
#define DAEMON_DOORS_H

#include "daemon/session.h"

/* How many there are over all workers, and how many there may be. */
struct doors_limit {
	_Atomic uint64_t running, most;
};

struct door;

struct doors {
	struct sessions *sessions; /* where who is let in goes to */
	struct doors_limit *limit;
	unsigned number; /* of the worker */
	struct door *first;
	bool closed; /* at the limit, or no descriptors */
	uint64_t open_again;
};

/* Somebody knocks: `user` is what the event has. */
void doors_ready(struct doors *ds, void *user);

/* Open them again, if they were shut and it is time. */
void doors_again(struct doors *ds);

/* Have the doors of these rules: those that stay are not touched; who waits at one that goes is let in
 * first, under the rules that he found. -ENOMEM: nothing has changed. */
int doors_exchange(struct doors *ds, const struct rules *rules);

/* For good. Who waits there already is let in first, if wanted. */
void doors_leave(struct doors *ds, bool let_in_first);

#endif
