/* SPDX-License-Identifier: BSD-2-Clause */
/* A tap that does not read breaks when more waits on it than may; then another one takes its place, in the middle of
 * what is under way. The connection feels neither.
 */
#include <string.h>

#include "fault.h"

enum { BYTES = 200000, MOST = 30000 };

static struct {
	struct actor *client, *server, *slow, *next;
} it;

/* From what has gone out by now. */
static void tap(struct world *w, struct actor *copy, size_t most)
{
	struct peer *client = it.client->peer;
	struct shunt_stat stat;

	if (!it.server->end || !copy->end || shunt_stat(w->s, it.server->end, &stat) < 0)
		return;
	peer_expects(copy->peer, client->seed, (size_t)stat.out, BYTES - (size_t)stat.out);
	if (shunt_tap(it.server->end, copy->end, most) < 0)
		actor_abort(copy);
}

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	if (ev->what == SHUNT_GONE && a == it.slow && ev->why == SHUNT_WHY_BEHIND)
		tap(w, it.next, 0);
	if (ev->what == SHUNT_GONE && a == it.server && ev->why == SHUNT_WHY_DONE) {
		actor_finish(w, it.next);
		actor_abort(it.slow);
	}
	if (ev->what == SHUNT_GONE && (a == it.client || a == it.server) &&
	    ev->why != SHUNT_WHY_DONE)
		abort_all(w);
}

static void tell(struct world *w)
{
	struct peer *client = peer_pair(w, "client", false), *server = peer_pair(w, "server", true);

	memset(&it, 0, sizeof(it));
	peer_sends(client, BYTES, END_FIN);
	peer_sends(server, 1, END_FIN);
	server->appetite = 20000;
	it.slow = fan_listener(w, "slow", true);
	it.slow->peer->appetite = 100;
	it.slow->peer->part_will_do = true;
	it.slow->peer->want = END_RESET;
	it.next = fan_listener(w, "next", false);
	it.server = actor_attach(w, server, SHUNT_JOIN);
	it.client = actor_attach(w, client, SHUNT_JOIN);
	actor_join(w, it.client, it.server);
	tap(w, it.slow, MOST);
	if (w->failed)
		abort_all(w);
	play(w);
	fan_judge_tap(it.next, it.client, it.server);
}

const struct story story_tap_left_behind = {
	.name = "tap_left_behind",
	.tell = tell,
	.event = event,
	.least = 60,
};
