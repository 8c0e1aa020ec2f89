/* SPDX-License-Identifier: BSD-2-Clause */
/* A client is joined to a server that does not come up in time: the program gives that up, the join comes
 * undone, and the client, of which nothing was read, goes to the next server. So often as servers fail.
 */
#include <string.h>

#include "fault.h"

enum { TRIES = 4, CLIENT = 50000, SERVER = 30000 };

static struct {
	struct actor *client, *server[TRIES];
	unsigned tries;
} it;

static void try_next(struct world *w)
{
	uint16_t port;
	struct peer *p = peer_listens(w, "server", false, &port);

	peer_sends(p, SERVER, END_FIN);
	peer_expects_nothing(it.client->peer);
	w->failed = false;
	struct actor *server = actor_connect(w, p, port, SHUNT_JOIN);

	it.server[it.tries++] = server;
	if (server->end)
		actor_join(w, it.client, server);
	else
		actor_abort(it.client);
}

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	if (ev->what != SHUNT_GONE || a == it.client || a->connected || !it.client->end ||
	    it.client->aborted)
		return;
	peer_forgets(a->peer);
	peer_expects_nothing(a->peer);
	a->peer->want = END_RESET; /* it was never told anything */
	if (a->peer->end == END_OPEN)
		a->peer->end = END_RESET;
	if (it.tries < TRIES)
		try_next(w);
	else
		actor_abort(it.client);
}

static void tell(struct world *w)
{
	memset(&it, 0, sizeof(it));
	struct peer *client = peer_pair(w, "client", false);

	peer_sends(client, CLIENT, END_FIN);
	it.client = actor_attach(w, client, SHUNT_JOIN);
	if (it.client->end)
		try_next(w);
	if (it.tries > 0)
		actor_abort(it.server[0]);
	play(w);
}

const struct story story_second_try = {
	.name = "second_try", .tell = tell, .event = event, .least = 38, .connect_late = true
};
