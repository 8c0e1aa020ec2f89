/* SPDX-License-Identifier: BSD-2-Clause */
/* worker.h — one thread, one loop, its own listening sockets and its own connections */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/doors.h"

enum wish { WISH_RUN, WISH_DRAIN, WISH_STOP };

/* What others may read while the worker runs. */
struct worker_counts {
	_Atomic uint64_t running, ended, in, out;
	_Atomic uint64_t moved[SHUNT_ENGINES];
};

/* What all workers share. */
struct worker_common {
	struct shunt_graft *graft;
	struct tallies *tallies;
	struct guests *guests;
	int done; /* eventfd: one of them has left its doors, taken new rules, answered, or finished */
	struct doors_limit limit;
	_Atomic bool reset_grafts; /* at the end, instead of leaving them to the kernel */
	bool brief;
};

struct worker {
	struct worker_common *common;
	unsigned number;
	pthread_t thread;
	bool started;
	_Atomic int wish;
	_Atomic bool shut; /* no listening socket is in our hands any more */
	_Atomic bool finished;
	_Atomic uint64_t turns; /* how often it went round: it lives */
	uint64_t turns_seen;    /* by who asked last */
	int wake;               /* eventfd: there is a wish, or mail */
	struct sessions sessions;
	struct doors doors;
	unsigned crowd; /* the most connections since memory was given back last */
	uint64_t drained_by;
	uint64_t cut_by; /* told to stop: who is still there then is cut */
	struct worker_counts counts;
	struct worker_mail {
		pthread_mutex_t lock;
		pthread_cond_t answered;
		struct rules *rules;   /* to go by from now on; held; NULL: none */
		struct survey *survey; /* to be filled in; NULL: none, or done */
	} mail;
	_Atomic unsigned generation; /* how many rules it has taken */
};

/* Everything that can fail at the start does so here: 0 or -errno. worker_close is due even then. */
int worker_open(struct worker *w, struct worker_common *common, struct rules *rules,
		unsigned number);
int worker_start(struct worker *w);
void worker_wish(struct worker *w, enum wish wish);

/* Go by these from now on; `generation` counts up when that has happened, and no door that they do not have
 * is in its hands any more. */
void worker_rules(struct worker *w, struct rules *rules);

/* Have it fill in s, for at most wait_ms. 0, or -ETIME: it did not answer, and will not touch s. */
int worker_survey(struct worker *w, struct survey *s, uint64_t wait_ms);

/* A turn, for who wants to see whether it lives. */
void worker_nudge(struct worker *w);

/* After the thread has ended, or was never started. */
void worker_close(struct worker *w);

#endif
