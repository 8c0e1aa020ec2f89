/* SPDX-License-Identifier: BSD-2-Clause */
/* A client and a server are joined while the connection to the server is being made; bytes both ways at
 * once, each side finishes when it has sent all, and both see the other's end.
 */
#include "fault.h"

static void tell(struct world *w)
{
	uint16_t port;
	struct peer *client = peer_pair(w, "client", false);
	struct peer *server = peer_listens(w, "server", true, &port);

	peer_sends(client, 300000, END_FIN);
	peer_sends(server, 200000, END_FIN);
	struct actor *a = actor_attach(w, client, SHUNT_NONE);
	struct actor *b = actor_connect(w, server, port, SHUNT_JOIN);

	actor_join(w, a, b);
	play(w);
}

const struct story story_joined = {
	.name = "joined", .tell = tell, .least = 30, .connect_late = true
};
