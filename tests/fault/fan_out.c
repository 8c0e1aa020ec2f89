/* SPDX-License-Identifier: BSD-2-Clause */
/* One source, never looked at, to three outputs: one gets each buffer whole, one in two parts, one a part of
 * it only and reads slowly. Buffers are held for some turns. An output that breaks is left behind; when the
 * source breaks, all outputs are cut off, and none may look complete.
 */
#include <string.h>

#include "fault.h"

enum { BYTES = 400000, HELD = 6 };

static struct {
	struct actor *source, *whole, *parts, *slow;
	struct shunt_buf *held[HELD];
	unsigned count;
} it;

static void let_go(void)
{
	while (it.count > 0)
		shunt_release(it.held[--it.count]);
}

static void arrived(struct world *w, const struct shunt_event *ev)
{
	size_t at = it.source->arrived, n = ev->length, cut = n / 3;
	unsigned seed = it.source->peer->seed;

	if (ev->view || ev->seen)
		wrong("a buffer of depth none is seen");
	actor_queue(w, it.whole, ev->buf, seed, at, 0, n);
	actor_queue(w, it.parts, ev->buf, seed, at, 0, cut);
	actor_queue(w, it.parts, ev->buf, seed, at, cut, n - cut);
	actor_queue(w, it.slow, ev->buf, seed, at, cut, n - cut);
	it.source->arrived += n;
	if (it.count < HELD && w->turn % 3 == 0) {
		shunt_hold(ev->buf);
		it.held[it.count++] = ev->buf;
	}
}

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	if (ev->what == SHUNT_ARRIVED && a == it.source)
		arrived(w, ev);
	if (ev->what == SHUNT_ENDED && a == it.source) {
		actor_finish(w, it.whole);
		actor_finish(w, it.parts);
		actor_finish(w, it.slow);
		actor_finish(w, it.source);
	}
	if (ev->what == SHUNT_GONE && a == it.source && ev->why != SHUNT_WHY_DONE)
		abort_all(w);
	if (w->turn % 10 == 0)
		let_go();
}

static struct actor *output(struct world *w, const char *name, bool narrow)
{
	struct peer *p = peer_pair(w, name, narrow);

	peer_sends(p, 0, END_FIN);
	return actor_attach(w, p, SHUNT_NONE);
}

static void tell(struct world *w)
{
	struct peer *source = peer_pair(w, "source", false);

	memset(&it, 0, sizeof(it));
	it.whole = output(w, "whole", false);
	it.parts = output(w, "parts", false);
	it.slow = output(w, "slow", true);
	it.slow->peer->appetite = 200000;
	peer_sends(source, BYTES, END_FIN);
	it.source = actor_attach(w, source, SHUNT_NONE);
	if (!it.source->end)
		abort_all(w);
	play(w);
	let_go();
}

const struct story story_fan_out = { .name = "fan_out", .tell = tell, .event = event, .least = 80 };
