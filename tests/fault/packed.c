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
	struct actor *source, *fast, *slow;
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
	unsigned seed = it.source->peer->seed;

	actor_queue(w, it.fast, it.tail, seed, it.tail_at, off, len);
	actor_queue(w, it.slow, it.tail, seed, it.tail_at, off, len);
}

static void arrived(struct world *w, const struct shunt_event *ev)
{
	size_t at = it.source->arrived, moved = 0;

	it.source->arrived += ev->length;
	it.source->peer->pace = PACE;
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
	if (ev->what == SHUNT_ARRIVED && a == it.source)
		arrived(w, ev);
	if (ev->what == SHUNT_ENDED && a == it.source) {
		actor_finish(w, it.fast);
		actor_finish(w, it.source);
		if (it.slow->end)
			shunt_cut(it.slow->end, 100); /* or not: then more is dropped now */
		actor_abort(it.slow);
	}
	if (ev->what == SHUNT_GONE && a == it.source && ev->why != SHUNT_WHY_DONE)
		abort_all(w);
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
	it.fast = output(w, "fast", false);
	it.slow = output(w, "slow", true);
	it.slow->peer->appetite = 300;
	it.slow->peer->part_will_do = true;
	it.slow->peer->want = END_RESET;
	peer_sends(source, BYTES, END_FIN);
	source->pace = BYTES / 2;
	it.source = actor_attach(w, source, SHUNT_NONE);
	if (!it.source->end)
		abort_all(w);
	play(w);
	let_go();
}

const struct story story_packed = { .name = "packed", .tell = tell, .event = event, .least = 80 };
