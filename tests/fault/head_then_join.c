/* SPDX-License-Identifier: BSD-2-Clause */
/* What a proxy does: the head of a connection is looked at, a line is sent to the server before it, the
 * head goes there by order, and all that follows by a join. Events are taken one at a time, so that the
 * join finds some that were not told yet.
 */
#include <string.h>

#include "fault.h"

enum { HEAD = 100, LINE = 30, BYTES = 120000, ANSWER = 80000 };

static struct {
	struct actor *client, *server;
	bool joined;
} it;

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	if (ev->what == SHUNT_ARRIVED && a->end && !it.joined) {
		size_t n = ev->seen, take = ev->length / 2 + 1;

		if (a != it.client) { /* the server speaks first: what we do with it comes later */
			actor_queue(w, it.client, ev->buf, a->peer->seed, a->arrived, 0,
				    ev->length);
			a->arrived += ev->length;
			return;
		}
		if (!ev->view || memcmp(ev->view, noise(a->peer->seed, 0, &n), n))
			wrong("a wrong head is seen");
		actor_insert(w, it.server, 99, 0, LINE);
		actor_queue(w, it.server, ev->buf, a->peer->seed, 0, 0, take);
		if (take < ev->length)
			actor_queue(w, it.server, ev->buf, a->peer->seed, 0, take,
				    ev->length - take);
		a->arrived = ev->length;
		it.joined = actor_join(w, it.client, it.server) == 0;
	}
	if (ev->what == SHUNT_GONE && !it.joined)
		abort_all(w);
}

static void tell(struct world *w)
{
	uint16_t port;
	struct peer *client = peer_pair(w, "client", true);
	struct peer *server = peer_listens(w, "server", false, &port);

	memset(&it, 0, sizeof(it));
	peer_sends(client, BYTES, END_FIN);
	peer_sends(server, ANSWER, END_FIN);
	client->pace = server->pace = 40000;
	it.client = actor_attach(w, client, SHUNT_HEAD(HEAD));
	it.server = actor_connect(w, server, port, SHUNT_NONE);
	if (!it.client->end || !it.server->end)
		abort_all(w);
	play(w);
}

const struct story story_head_then_join = {
	.name = "head_then_join", .tell = tell, .event = event, .least = 50, .events = 1
};
