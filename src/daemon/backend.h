/* SPDX-License-Identifier: BSD-2-Clause */
/* backend.h — which server takes a connection
 *
 *	struct backends ──┬─ conf
 *	                  └─ backend ── table: server, its weight, its rank
 *
 * Made anew from each configuration; the servers in it are those of the configuration before, where
 * they are the same (daemon/server.h). Shared by all threads.
 *
 * A connection:
 *
 *	struct backend_tries tries = { 0 };
 *	while ((answer = backend_pick(b, &client, &tries, now, &s)) == BACKEND_CHOSEN) {
 *		connect to s->addr;
 *		if (it refuses, or does not answer in time)
 *			backend_failed(b, s, &tries, error, now);       takes s: on to the next
 *		else
 *			server_connected(s), server_moved(s, &more)..., server_end(s);
 *	}
 *	backend_tries_free(&tries);
 *
 * Each server that was chosen is given back once: by backend_failed, or by server_end, which it may
 * be at any time (the client has gone, there were no descriptors).
 *
 * Ranks: the lowest that has a server to offer is asked. Servers have rank 0; within an SRV name a higher
 * priority value is a higher rank; backups come after all others, one after another in the order they are
 * written: one server and its backups are "the first that takes it".
 *
 * Of those that may be chosen, in this order: UP and TRIAL; PASSED, if there are no others: failed
 * connections alone never leave a client without a try. What checks found DOWN is not chosen.
 */
#ifndef DAEMON_BACKEND_H
#define DAEMON_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "daemon/conf.h"
#include "daemon/seats.h"
#include "daemon/server.h"

struct backends;
struct backend;

/* All backends of c, which is held. Servers that are in `previous` too (NULL: there is none) are the
 * same ones; names have the addresses they had there, new ones none yet. 0, or -ENOMEM. */
int backends_open(struct backends **out, const struct conf *c, struct backends *previous);

/* Any thread may. The last unref frees all that nobody else holds; NULL is fine. */
struct backends *backends_ref(struct backends *bs);
void backends_unref(struct backends *bs);

const struct conf *backends_conf(const struct backends *bs);

/* Of a backend in the configuration that bs was made from. */
struct backend *backends_get(struct backends *bs, const struct conf_backend *conf);

const struct conf_backend *backend_conf(const struct backend *b);

/* Of the backend by that name, over all configurations. */
const struct tally *backend_counts(const struct backend *b);

/* -- choosing -- */

enum backend_answer {
	BACKEND_CHOSEN,
	BACKEND_FULL,       /* it has max_connections */
	BACKEND_TRIED,      /* all that could take it were tried */
	BACKEND_DOWN,       /* checks found all of them down */
	BACKEND_UNRESOLVED, /* none of its names has an address yet */
};

/* In words, for a log: "no server of it is up". */
const char *backend_answer_text(enum backend_answer answer);

/* Whom one connection has tried; zeroed at its beginning. */
struct backend_tries {
	uint64_t *id;
	unsigned count, room;
	bool over; /* no memory to remember more: there will be no more */
};

void backend_tries_free(struct backend_tries *t);

/* A server for a client at that address: in *out, counted and held. */
enum backend_answer backend_pick(struct backend *b, const struct addr *client,
				 const struct backend_tries *tries, uint64_t now,
				 struct server **out);

/* A chosen server was not reached: `error` says why, as an errno. It is given back, and not chosen
 * again for these tries. If it fails too often, that is logged. */
void backend_failed(struct backend *b, struct server *s, struct backend_tries *tries, int error,
		    uint64_t now);

/* -- looking at it -- */

struct backend_seat {
	struct server *server;
	const struct conf_server *conf; /* which made it; lives as long as the configuration */
	unsigned weight, priority;      /* of SRV; 0, 0: of anything else */
};

/* All servers that there are now. They are held until backend_list_free. 0 or -ENOMEM. */
struct backend_list {
	struct backend_seat *seat;
	size_t count;
};
int backend_list(struct backend *b, struct backend_list *out);
void backend_list_free(struct backend_list *list);

/* -- names -- */

/* Another number after each change of the servers that there are. */
unsigned backend_version(const struct backend *b);

/* The `count` addresses that the name of b's index-th server has from now on. Those that it had keep their
 * state; connections to those that it lost go on. True: they are others than before; *error is 0, or
 * -ENOMEM and all is as it was. */
bool backend_feed(struct backend *b, size_t index, const struct seats_address *addr, size_t count,
		  int *error);

#endif
