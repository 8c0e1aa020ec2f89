/* SPDX-License-Identifier: BSD-2-Clause */
/* survey.h — how connections are while they run, as a worker tells who asks for it (daemon/crew.h)
 *
 * Asking also brings all tallies up to date: what has gone since they were told last is told.
 */
#ifndef DAEMON_SURVEY_H
#define DAEMON_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "daemon/tally.h"

#define SURVEY_TEXT 264

struct survey_item {
	uint64_t conn;        /* its number, as in the log */
	const char *phase;    /* "looking", "connecting", "running", "ending" */
	const char *protocol; /* what it began with; NULL: nobody looked */
	uint64_t age_ms, idle_ms;
	enum shunt_engine engine; /* that moved most of its bytes, or would */
	struct moved moved;
	char client[ADDR_TEXT], listen[ADDR_TEXT], server[ADDR_TEXT]; /* server "": none yet */
	char backend[SURVEY_TEXT], sni[SURVEY_TEXT], host[SURVEY_TEXT];
};

/* Zeroed to begin with. */
struct survey {
	bool turn_only; /* a turn is all that is asked for: nothing is told */
	size_t most; /* how many connections are told of; 0: none, the tallies are all that matters */
	struct survey_item *item; /* the asker's to free */
	size_t count;
	size_t left_out; /* there were so many more */
	uint64_t worked; /* ns that the one of them took who took longest */
};

/* Room for one more, zeroed. NULL: no memory, or there are `most`; it is counted as left out. */
struct survey_item *survey_add(struct survey *s);

#endif
