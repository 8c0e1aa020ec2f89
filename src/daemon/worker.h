/* SPDX-License-Identifier: BSD-2-Clause */
/* worker.h — one thread, one loop, its own listening sockets and its own connections */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/listen.h"
#include "daemon/session.h"

enum wish { WISH_RUN, WISH_DRAIN, WISH_STOP };

/* What others may read while the worker runs. */
struct worker_counts {
	_Atomic uint64_t running, ended, in, out;
	_Atomic uint64_t moved[SHUNT_ENGINES];
};

/* What a listening socket's end points at. */
struct door {
	enum thing thing; /* THING_LISTENER */
	int fd;
	const char *text;
	struct shunt_end *end; /* NULL while nobody is let in */
};

struct worker {
	const struct relay_conf *conf;
	unsigned number;
	pthread_t thread;
	bool started;
	_Atomic int wish;
	_Atomic bool shut; /* no listening socket is in our hands any more */
	_Atomic bool finished;
	int wake; /* eventfd: the wish has changed */
	int done; /* eventfd of the daemon: we are shut, we have finished */
	_Atomic uint64_t *running_in_all;
	struct sessions sessions;
	struct door door[RELAY_LISTENS];
	size_t doors;
	bool closed; /* the doors are: at the limit, or no descriptors */
	uint64_t open_again;
	uint64_t drained_by;
	uint64_t cut_by; /* told to stop: who is still there then is cut */
	struct worker_counts counts;
};

/* Everything that can fail at the start does so here: 0 or -errno. `done` is written to when the
 * worker has shut its doors for good, and when it has finished. */
int worker_open(struct worker *w, const struct relay_conf *conf, unsigned number,
		struct listener *listeners, struct shunt_graft *graft, int done, _Atomic uint64_t *running_in_all);
int worker_start(struct worker *w);
void worker_wish(struct worker *w, enum wish wish);
/* After the thread has ended, or was never started. */
void worker_close(struct worker *w);

#endif
