/* SPDX-License-Identifier: BSD-2-Clause */
/* crew.h — all workers together, and the rules they go by */
#ifndef DAEMON_CREW_H
#define DAEMON_CREW_H

#include <stdbool.h>

#include "daemon/worker.h"

struct crew_totals {
	uint64_t running, ended, in, out;
	uint64_t moved[SHUNT_ENGINES];
};

struct crew {
	struct worker_common common;
	struct worker *worker;
	unsigned workers, opened;
	pthread_mutex_t lock; /* of rules */
	struct rules *rules;  /* in force; held */
	unsigned generation;
};

/* What workers share and do not make themselves. */
struct crew_options {
	unsigned workers;
	struct tallies *tallies;
	struct shunt_graft *graft; /* NULL: none */
	bool brief;                /* lines of the log name no backend */
};

/* Threads are not started yet. 0 or -errno; crew_close is due even then. */
int crew_open(struct crew *c, struct rules *rules, const struct crew_options *options);
int crew_start(struct crew *c);
/* Readable when a worker has done what was wished; crew_heard takes note of it. */
int crew_fd(const struct crew *c);
void crew_heard(struct crew *c);

void crew_limit(struct crew *c, uint64_t connections);
void crew_wish(struct crew *c, enum wish wish);
/* All of them go by these from now on, new connections that is. */
void crew_rules(struct crew *c, struct rules *rules);
/* Has the last crew_rules come to all of them? */
bool crew_settled(const struct crew *c);
bool crew_shut(const struct crew *c);     /* no listening socket is in their hands */
bool crew_finished(const struct crew *c); /* nor is anything else */

/* The rules in force, held for the caller. Any thread may. */
struct rules *crew_hold_rules(struct crew *c);

/* As of the last turn of each, which may be long ago: the library brings bytes from end to end without one. */
void crew_totals(const struct crew *c, struct crew_totals *out);
/* A turn of each, soon. */
void crew_nudge(struct crew *c);

/* Ask all of them how their connections are. One thread at a time may. 0, or -ETIME: some did not answer, for about
 * a second in all. */
int crew_survey(struct crew *c, struct survey *s);

/* Has each of them made a turn since this was asked last, or ended? For a watchdog. */
bool crew_lives(struct crew *c);

/* Stops them, and waits for them. */
void crew_close(struct crew *c);

#endif
