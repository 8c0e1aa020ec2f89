/* SPDX-License-Identifier: BSD-2-Clause */
/* sessions.h — all of one worker's connections, and what they have in common */
#ifndef DAEMON_SESSIONS_H
#define DAEMON_SESSIONS_H

#include <stdbool.h>

#include "base/list.h"
#include "base/timer.h"
#include "daemon/guests.h"
#include "daemon/mirror.h"
#include "daemon/rules.h"
#include "daemon/tallies.h"
#include "shunt.h"

struct sessions {
	struct rules *rules; /* for those that begin now; held */
	struct tallies *tallies;
	struct guests *guests;
	struct shunt *s;
	struct timers timers;
	struct mirrors mirrors;
	struct list all;
	uint64_t now;
	unsigned count; /* running now */
	uint64_t ended; /* since the start */
	bool brief;   /* lines do not name backends: there is but one, and nobody gave it a name */
	bool leaving; /* grafts are left to the kernel from now on */
	bool short_of_fds; /* the last try to connect found no descriptor */
};

#endif
