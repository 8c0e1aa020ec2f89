/* SPDX-License-Identifier: BSD-2-Clause */
/* What arrives is held and put together, as large as it gets, and each part of it goes to a fast output and to a
 * slow one. First it comes in bulk, then little by little, so that pipes take what was copied. When all has come,
 * the slow one is cut short.
 */
#include <errno.h>
#include <string.h>

#include "fault.h"

enum { BYTES = 90000, PACE = 2500 };

static struct {
	struct fan fan;
	struct actor *fast, *slow;
	struct shunt_buf *tail;
	size_t tail_at;
} it;

static void let_go(void)
{
	if (it.tail)
		shunt_release(it.tail);
	it.tail = NULL;
}

static void queue(struct world *w, size_t off, size_t len)
{
	unsigned seed = it.fan.source->peer->seed;

	actor_queue(w, it.fast, it.tail, seed, it.tail_at, off, len);
	actor_queue(w, it.slow, it.tail, seed, it.tail_at, off, len);
}

static void arrived(struct world *w, const struct shunt_event *ev)
{
	struct actor *source = it.fan.source;
	size_t at = source->arrived, moved = 0;

	source->arrived += ev->length;
	source->peer->pace = PACE;
	shunt_hold(ev->buf);
	if (it.tail) {
		size_t before = shunt_length(it.tail);
		ssize_t n = shunt_pack(it.tail, ev->buf, ev->length);

		if (n == -EIO) {
			shunt_release(ev->buf);
			abort_all(w);
			return;
		}
		moved = n > 0 ? (size_t)n : 0;
		if (moved > 0)
			queue(w, before, moved);
	}
	if (shunt_length(ev->buf) == 0) {
		shunt_release(ev->buf);
		return;
	}
	let_go();
	it.tail = ev->buf;
	it.tail_at = at + moved;
	queue(w, 0, shunt_length(it.tail));
}

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	if (ev->what == SHUNT_ARRIVED && a == it.fan.source)
		arrived(w, ev);
	fan_event(w, &it.fan, ev, a);
	if (ev->what == SHUNT_ENDED && a == it.fan.source) {
		if (it.slow->end)
			shunt_cut(it.slow->end, 100); /* or not: then more is dropped now */
		actor_abort(it.slow);
	}
}

static void tell(struct world *w)
{
	memset(&it, 0, sizeof(it));
	it.fast = fan_output(w, &it.fan, "fast", false);
	it.slow = fan_listener(w, "slow", true);
	it.slow->peer->appetite = 300;
	it.slow->peer->part_will_do = true;
	it.slow->peer->want = END_RESET;
	fan_source(w, &it.fan, BYTES)->peer->pace = BYTES / 2;
	if (!it.fan.source->end)
		abort_all(w);
	play(w);
	let_go();
}

const struct story story_packed = { .name = "packed", .tell = tell, .event = event, .least = 80 };
