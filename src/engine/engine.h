/* SPDX-License-Identifier: BSD-2-Clause */
/* engine.h — the contract between those who know what bytes belong to and those who move them
 *
 * An engine takes bytes out of a socket into a run (run.h); how a run leaves again follows from
 * where it lies. An engine knows no end, no event and no session, and returns facts.
 *
 * What every engine promises (a test each, tests/promise/, run for each engine):
 *   E1  order is kept
 *   E2  nothing is lost, nothing comes twice, also across join and step down
 *   E3  the end of a stream goes out after its last byte, once; half-close is passed on
 *   E4  a reset goes through as a reset, after the bytes before it
 *   E5  a slow reader slows the writer, and what we hold stays under its limit
 *   E6  a buffer comes back exactly once, and not before the kernel let go of it
 *   E7  closing leaves no descriptor, pipe, buffer or memory behind
 *   E8  what cannot be done is said at once, or steps down and is counted; never later in silence
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>

#include "engine/run.h"

/* What an engine remembers about a socket it takes from. */
struct source {
	int fd;
	bool urgent;    /* the kernel told of an urgent byte that was not reached yet */
	bool fresh;     /* epoll spoke of it just now, and would have told of an urgent byte */
	bool ending;    /* the kernel told that the peer has finished: what is there is the last */
	bool hurt;      /* it has failed: what is there is the last, and no FIN follows */
	bool dry;       /* set by take: after this run nothing was left a moment ago */
	bool bulk;      /* much came lately */
	uint8_t thin;   /* small runs in a row */
	bool pipe;      /* it is none but a pipe's reading end */
	bool no_splice; /* this pair of sockets cannot be spliced */
	bool bounded;   /* its receive buffer has been seen to (window.h) */
	uint32_t since; /* bytes taken before that */
	uint32_t pipe_refused, splice_refused; /* steps down to copy */
};

struct engine {
	const char *name;
	enum shunt_engine id;
	/* Why it can't run on this machine for this user; NULL: it can. */
	const char *(*cannot)(void);
	/* Take up to max bytes into the empty run. > 0: bytes; 0: the stream has ended; -EAGAIN: nothing
	 * there now; -errno: the socket's error. A run that is returned was taken by the best way there
	 * was; steps down are counted in the source. */
	ssize_t (*take)(struct kit *k, struct source *s, struct run *r, size_t max);
};

extern const struct engine engine_copy, engine_splice;

/* The engine `wanted`, or the best that can run when AUTO. NULL with *why set: it cannot. */
const struct engine *engine_pick(enum shunt_engine wanted, const char **why);
const char *engine_text(enum shunt_engine id);

/* Take by recv, into a block of at most max bytes: what every engine steps down to. */
ssize_t copy_take(struct kit *k, struct source *s, struct run *r, size_t max);

#endif
