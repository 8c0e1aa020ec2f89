/* SPDX-License-Identifier: BSD-2-Clause */
/* One source, never looked at, to three outputs: one gets each buffer whole, one in two parts, one a part of
 * it only and reads slowly. Buffers are held for some turns. An output that breaks is left behind; when the
 * source breaks, all outputs are cut off, and none may look complete.
 */
#include <string.h>

#include "fault.h"

enum { BYTES = 400000, HELD = 6 };

static struct {
	struct fan fan;
	struct actor *whole, *parts, *slow;
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
	struct actor *source = it.fan.source;
	size_t at = source->arrived, n = ev->length, cut = n / 3;
	unsigned seed = source->peer->seed;

	if (ev->view || ev->seen)
		wrong("a buffer of depth none is seen");
	actor_queue(w, it.whole, ev->buf, seed, at, 0, n);
	actor_queue(w, it.parts, ev->buf, seed, at, 0, cut);
	actor_queue(w, it.parts, ev->buf, seed, at, cut, n - cut);
	actor_queue(w, it.slow, ev->buf, seed, at, cut, n - cut);
	source->arrived += n;
	if (it.count < HELD && w->turn % 3 == 0) {
		shunt_hold(ev->buf);
		it.held[it.count++] = ev->buf;
	}
}

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	if (ev->what == SHUNT_ARRIVED && a == it.fan.source)
		arrived(w, ev);
	fan_event(w, &it.fan, ev, a);
	if (w->turn % 10 == 0)
		let_go();
}

static void tell(struct world *w)
{
	memset(&it, 0, sizeof(it));
	it.whole = fan_output(w, &it.fan, "whole", false);
	it.parts = fan_output(w, &it.fan, "parts", false);
	it.slow = fan_output(w, &it.fan, "slow", true);
	it.slow->peer->appetite = 200000;
	if (!fan_source(w, &it.fan, BYTES)->end)
		abort_all(w);
	play(w);
	let_go();
}

const struct story story_fan_out = { .name = "fan_out", .tell = tell, .event = event, .least = 80 };
