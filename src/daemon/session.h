/* SPDX-License-Identifier: BSD-2-Clause */
/* session.h — the story of each relayed connection, and all of one worker's stories together */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include <stdbool.h>

#include "base/list.h"
#include "base/timer.h"
#include "base/why.h"
#include "daemon/relay_conf.h"
#include "shunt.h"

/* What a `user` pointer of an end points at begins with this. */
enum thing { THING_CONTROL, THING_LISTENER, THING_SESSION };

struct sessions {
	const struct relay_conf *conf;
	struct shunt *s;
	struct timers timers;
	struct list all;
	uint64_t now;
	unsigned count;    /* running now */
	uint64_t ended;    /* since the start */
	uint64_t up, down; /* bytes of those that have ended */
	bool leaving;      /* grafts are left to the kernel from now on */
	bool short_of_fds; /* the last try to connect found no descriptor */
};

/* A client came in by the socket named `listen`. Takes over fd. */
void session_begin(struct sessions *ss, int fd, const struct addr *client, const char *listen);

/* An event of one of a session's ends. */
void session_event(struct sessions *ss, const struct shunt_event *ev);

/* Those whose time has come. Returns when the next is due, UINT64_MAX: none. */
uint64_t sessions_due(struct sessions *ss);

/* Leave those that are grafts to the kernel, and those that become grafts from now on. */
void sessions_leave(struct sessions *ss);

/* Cut all that run, for this reason; but those that are about to be left get a moment, if `mercy`. */
void sessions_cut(struct sessions *ss, enum why why, bool mercy);

#endif
