/* SPDX-License-Identifier: BSD-2-Clause */
/* announce.h — a line for each listener: where, for whom, by which engine, and why not by a better one */
#ifndef DAEMON_ANNOUNCE_H
#define DAEMON_ANNOUNCE_H

#include "daemon/grafts.h"
#include "daemon/rules.h"

struct announcement {
	const struct grafts *grafts;
	unsigned workers;
	uint64_t connections; /* at most */
	bool brief;
};

void announce(const struct announcement *a, const struct rules *r, const struct gate *gate);

/* What workers and grafts were made with stays, whatever the new configuration says: warnings tell what differs. */
void announce_lasting(const struct conf *old, const struct conf *c);

#endif
