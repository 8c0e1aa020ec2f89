/* SPDX-License-Identifier: BSD-2-Clause */
/* A client's head is looked at, then it is joined to a server, and a tap hears all that the client says: a word put
 * before it, the head, what follows, an urgent byte in its place. A second tap, on the way back, begins in the middle,
 * just when an urgent byte may be on its way. Taps have no FIN of their own: they are told to finish with what they
 * are tapped from.
 *
 * Whatever one fault makes of a tap, what it is tapped from is whole.
 */
#include <string.h>

#include "fault.h"

enum { HEAD = 100, WORD = 9, BYTES = 60000, URGENT = 33000, BACK = 30000, BACK_URGENT = 17000 };

static struct {
	struct actor *client, *server, *copy, *late;
	bool begun;
} it;

/* To the server, and so to its tap. */
static void both(struct world *w, struct shunt_buf *b, size_t len)
{
	struct peer *client = it.client->peer;

	actor_insert(w, it.server, 99, 0, WORD);
	actor_queue(w, it.server, b, client->seed, 0, 0, len);
	peer_expects(it.copy->peer, 99, 0, WORD);
	peer_expects(it.copy->peer, client->seed, 0, len);
	it.client->arrived = len;
	if (actor_join(w, it.client, it.server) == 0)
		peer_expects(it.copy->peer, client->seed, len, client->to_send - len);
}

static void tap(struct actor *out, struct actor *copy)
{
	if (!out->end || !copy->end)
		return;
	if (shunt_tap(out->end, copy->end, 0) < 0) /* one of them is hurt already */
		actor_abort(copy);
}

/* What has gone out is gone; from there on the second tap hears it as well. */
static void turn(struct world *w)
{
	struct shunt_stat stat;
	struct peer *server = it.server->peer;

	if (it.begun || !it.client->end || !it.late->end ||
	    shunt_stat(w->s, it.client->end, &stat) < 0 || stat.out < BACK_URGENT)
		return;
	it.begun = true;
	peer_expects(it.late->peer, server->seed, (size_t)stat.out, BACK - (size_t)stat.out);
	tap(it.client, it.late);
}

/* A tap is over when what it is tapped from is. */
static void over(struct world *w, struct actor *copy, enum shunt_why why)
{
	if (why == SHUNT_WHY_DONE)
		actor_finish(w, copy);
	else
		actor_abort(copy);
}

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	if (ev->what == SHUNT_ARRIVED && a == it.client && a->end)
		both(w, ev->buf, ev->length);
	if (ev->what != SHUNT_GONE)
		return;
	if (a == it.server)
		over(w, it.copy, ev->why);
	if (a == it.client)
		over(w, it.late, ev->why);
	if ((a == it.client || a == it.server) && ev->why != SHUNT_WHY_DONE)
		abort_all(w);
}

static void tell(struct world *w)
{
	struct peer *client = peer_pair(w, "client", false), *server = peer_pair(w, "server", true);

	memset(&it, 0, sizeof(it));
	peer_sends(client, BYTES, END_FIN);
	client->urgent_at = URGENT;
	client->pace = 15000;
	peer_sends(server, BACK, END_FIN);
	server->urgent_at = BACK_URGENT;
	server->pace = 5000;
	it.copy = fan_listener(w, "copy", true);
	it.copy->peer->appetite = 9000;
	it.late = fan_listener(w, "late", false);
	it.server = actor_attach(w, server, SHUNT_JOIN);
	it.client = actor_attach(w, client, SHUNT_HEAD(HEAD));
	tap(it.server, it.copy);
	if (w->failed)
		abort_all(w);
	play(w);
	fan_judge_tap(it.copy, it.client, it.server);
	fan_judge_tap(it.late, it.client, it.server);
}

const struct story story_tapped = {
	.name = "tapped",
	.tell = tell,
	.event = event,
	.turn = turn,
	.least = 80,
	.options = { .unit = 8192 },
};
