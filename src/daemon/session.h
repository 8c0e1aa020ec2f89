/* SPDX-License-Identifier: BSD-2-Clause */
/* session.h — the story of each relayed connection */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include "daemon/sessions.h"
#include "daemon/survey.h"

/* A client came in by a gate of the rules in force. Takes over fd. */
void session_begin(struct sessions *ss, int fd, const struct addr *client, const struct gate *gate);

/* An event of one of a session's ends. */
void session_event(struct sessions *ss, const struct shunt_event *ev);

/* Those whose time has come. Returns when the next is due, UINT64_MAX: none. */
uint64_t sessions_due(struct sessions *ss);

/* Tell the tallies what has moved by now, and who asks how they all are. */
void sessions_survey(struct sessions *ss, struct survey *s);

/* Leave those that are grafts to the kernel, and those that become grafts from now on. */
void sessions_leave(struct sessions *ss);

/* Cut all that run, for this reason; but those that are about to be left get a moment, if `mercy`. */
void sessions_cut(struct sessions *ss, enum why why, bool mercy);

#endif
