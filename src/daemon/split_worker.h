/* SPDX-License-Identifier: BSD-2-Clause */
/* split_worker.h — one thread, one loop: its doors, and the stream on its way to its subscribers; the first one has
 * the source, and a link to each of the others */
#ifndef DAEMON_SPLIT_WORKER_H
#define DAEMON_SPLIT_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/listen.h"
#include "daemon/split_flow.h"

enum split_wish { SPLIT_RUN, SPLIT_DRAIN, SPLIT_STOP };

/* What others may read while the worker runs. */
struct split_counts {
	_Atomic uint64_t running, ended, in, out, skips, skipped, lag, held, sources;
	_Atomic uint64_t moved[SHUNT_ENGINES];
	_Atomic bool source_here;
};

/* How each subscriber was when he was looked after last, for the thread that shows it. */
struct split_seen_sub {
	uint64_t number, lag, skips;
	char client[ADDR_TEXT];
};

struct split_seen {
	pthread_mutex_t lock;
	struct split_seen_sub *sub;
	size_t count, room;
};

struct split_door {
	enum split_thing thing; /* SPLIT_DOOR */
	int fd;
	const char *text;
	struct shunt_end *end; /* NULL while nobody is let in */
};

struct split_worker {
	struct split_shared *shared;
	unsigned number;
	pthread_t thread;
	bool started;
	_Atomic int wish;
	_Atomic bool left; /* no listening socket is in its hands any more */
	_Atomic bool finished;
	int wake; /* eventfd: the wish has changed */
	struct split_flow flow;
	struct split_door door[SPLIT_LISTENS];
	size_t doors;
	bool shut;
	uint64_t open_again, swept, drained_by;
	uint64_t told_ended; /* of subs.ended, those that shared->running knows of */
	struct split_counts counts;
	struct split_seen seen;
};

/* Where the first worker's source comes, or NULL; mails of the others, who must be open by then. */
struct split_ways {
	const struct listener *source_door;
	struct split_worker *others;
	unsigned count;
};

/* Everything that can fail at the start does so here: 0 or -errno. */
int split_worker_open(struct split_worker *w, struct split_shared *shared, unsigned number,
		      struct listener *const *listener);
/* For the first worker, when all are open. */
int split_worker_connect(struct split_worker *w, const struct split_ways *ways);
int split_worker_start(struct split_worker *w);
void split_worker_wish(struct split_worker *w, enum split_wish wish);
/* A turn, soon. */
void split_worker_nudge(struct split_worker *w);
/* After the thread has ended, or was never started. */
void split_worker_close(struct split_worker *w);

#endif
