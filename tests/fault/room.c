/* SPDX-License-Identifier: BSD-2-Clause */
/* A source that is faster than the output takes: when the queue is at its limit the program holds what it
 * could not queue, and goes on when it is told that there is room. What the source has outstanding is
 * limited as well, so it is held back meanwhile.
 */
#include <string.h>

#include "fault.h"

enum { BYTES = 120000, LIMIT = 20000, WAITING = 4096 };

static struct {
	struct actor *from, *to;
	struct waiting {
		struct shunt_buf *buf;
		size_t at;
	} waiting[WAITING];
	unsigned first, count;
	bool ended;
} it;

static bool queue_first(struct world *w)
{
	struct waiting *x = &it.waiting[it.first];
	struct shunt_stat stat;

	if (it.to->end && shunt_stat(w->s, it.to->end, &stat) == 0 && stat.queued >= LIMIT) {
		if (shunt_queue(it.to->end, x->buf, 0, shunt_length(x->buf)) == 0)
			wrong("a queue at its limit takes more");
		return false;
	}
	actor_queue(w, it.to, x->buf, it.from->peer->seed, x->at, 0, shunt_length(x->buf));
	shunt_release(x->buf);
	it.first++;
	return true;
}

static void go_on(struct world *w)
{
	while (it.first < it.count && queue_first(w))
		;
	if (it.ended && it.first == it.count && !it.to->aborted) {
		actor_finish(w, it.to);
		actor_finish(w, it.from);
		it.ended = false;
	}
}

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	if (ev->what == SHUNT_ARRIVED && a == it.from) {
		must(it.count < WAITING, "room for what waits");
		shunt_hold(ev->buf);
		it.waiting[it.count++] = (struct waiting){ ev->buf, a->arrived };
		a->arrived += ev->length;
		go_on(w);
	}
	if (ev->what == SHUNT_ENDED && a == it.from)
		it.ended = true;
	if (ev->what == SHUNT_ROOM || ev->what == SHUNT_ENDED)
		go_on(w);
	if (ev->what == SHUNT_GONE && ev->why != SHUNT_WHY_DONE)
		abort_all(w);
}

static void tell(struct world *w)
{
	struct fan fan = { .outputs = 0 };

	memset(&it, 0, sizeof(it));
	it.from = fan_source(w, &fan, BYTES);
	it.to = fan_listener(w, "to", true);
	it.to->peer->appetite = 9000;
	if (!it.from->end || !it.to->end)
		abort_all(w);
	play(w);
	while (it.first < it.count)
		shunt_release(it.waiting[it.first++].buf);
}

const struct story story_room = {
	.name = "room",
	.tell = tell,
	.event = event,
	.least = 40,
	.options = { .unit = 10000, .queue_limit = LIMIT, .outstanding = 3 * LIMIT },
};
