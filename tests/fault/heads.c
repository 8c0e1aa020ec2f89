/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages with heads: eight bytes are looked at, then more of them; a word is put before each, and the
 * rest goes without being seen. Of each message the first three bytes are cut off. Every fourth buffer is
 * thrown away, every fifth held for some turns before it is decided on.
 */
#include <string.h>

#include "fault.h"

enum { HEAD = 8, MORE = 20, CUT = 3, WORD = 6, BYTES = 20000 };

static struct {
	struct actor *out;
	struct shunt_buf *held;
	size_t held_at;
	unsigned count, held_turn;
	bool asked;
} it;

static void send_on(struct world *w, struct shunt_buf *b, size_t at)
{
	size_t len = shunt_length(b), seed = w->actors[0].peer->seed;

	actor_insert(w, it.out, 99, it.count, WORD);
	if (len > CUT)
		actor_queue(w, it.out, b, (unsigned)seed, at, CUT, len - CUT);
}

static void arrived(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	size_t n = ev->seen;

	if (!ev->view || memcmp(ev->view, noise(a->peer->seed, a->arrived, &n), n))
		wrong("a wrong head is seen at %zu", a->arrived);
	if (ev->seen < MORE && !it.asked) {
		it.asked = true;
		actor_more(w, a, MORE);
		return;
	}
	it.asked = false;
	it.count++;
	if (it.count % 5 == 0 && !it.held) {
		shunt_hold(ev->buf);
		it.held = ev->buf;
		it.held_at = a->arrived;
		it.held_turn = w->turn;
	} else if (it.count % 4 != 0) {
		send_on(w, ev->buf, a->arrived);
	}
	a->arrived += ev->length;
}

static void decide(struct world *w)
{
	send_on(w, it.held, it.held_at);
	shunt_release(it.held);
	it.held = NULL;
}

static void turn(struct world *w)
{
	if (it.held && w->turn - it.held_turn > 2)
		decide(w);
}

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	if (ev->what == SHUNT_ARRIVED && a == it.out)
		wrong("nothing was sent to the output");
	else if (ev->what == SHUNT_ARRIVED && a->end)
		arrived(w, ev, a);
	if (ev->what == SHUNT_ENDED && a != it.out) {
		if (it.held)
			decide(w);
		actor_finish(w, it.out);
		actor_finish(w, a);
	}
	if (ev->what == SHUNT_GONE && ev->why != SHUNT_WHY_DONE)
		abort_all(w);
}

static void tell(struct world *w)
{
	struct peer *from = peer_pair(w, "from", false), *to = peer_pair(w, "to", true);

	memset(&it, 0, sizeof(it));
	peer_sends(from, BYTES, END_FIN);
	peer_sends(to, 0, END_FIN);
	from->pace = 3000;
	to->appetite = 2500;
	struct actor *a = actor_attach(w, from, SHUNT_HEAD(HEAD));

	it.out = actor_attach(w, to, SHUNT_NONE);
	if (!a->end || !it.out->end)
		abort_all(w);
	play(w);
	if (it.held)
		shunt_release(it.held);
}

const struct story story_heads = {
	.name = "heads", .tell = tell, .event = event, .turn = turn, .least = 80
};
