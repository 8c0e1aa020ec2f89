/* SPDX-License-Identifier: BSD-2-Clause */
/* Every byte is seen and sent back on the same end, in two halves; at the end a word that we add. One
 * buffer in three is held for a few turns more. An urgent byte is stepped over, that one and no other.
 */
#include <string.h>

#include "fault.h"

enum { BYTES = 60000, URGENT = 21000, WORD = 5, HELD = 4 };

static struct {
	struct shunt_buf *held[HELD];
	unsigned count;
} it;

static void let_go(void)
{
	while (it.count > 0)
		if (shunt_release(it.held[--it.count]) < 0)
			wrong("a buffer that was held can't be released");
}

static void arrived(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	const unsigned char *view = ev->view;

	size_t one = 1;

	if (a->arrived == URGENT && *view != *noise(a->peer->seed, URGENT, &one))
		a->arrived++; /* else it stayed in line: better there than a gap nobody knows of */
	if (ev->seen != ev->length)
		wrong("%zu of %zu are seen, not all", ev->seen, ev->length);
	for (size_t at = 0; at < ev->length;) {
		size_t n = ev->length - at;
		const unsigned char *want = noise(a->peer->seed, a->arrived + at, &n);

		if (memcmp(view + at, want, n))
			wrong("a wrong byte is seen in [%zu, %zu)", a->arrived + at,
			      a->arrived + at + n);
		at += n;
	}
	actor_queue(w, a, ev->buf, a->peer->seed, a->arrived, 0, ev->length / 2);
	actor_queue(w, a, ev->buf, a->peer->seed, a->arrived, ev->length / 2,
		    ev->length - ev->length / 2);
	a->arrived += ev->length;
	if (w->turn % 3 == 0 && it.count < HELD && shunt_hold(ev->buf) == 0)
		it.held[it.count++] = ev->buf;
}

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	if (ev->what == SHUNT_ARRIVED && a->end)
		arrived(w, ev, a);
	if (ev->what == SHUNT_ENDED) {
		actor_insert(w, a, 99, 0, WORD);
		actor_finish(w, a);
	}
	if (w->turn % 7 == 0)
		let_go();
}

static void tell(struct world *w)
{
	struct peer *p = peer_pair(w, "caller", true);

	it.count = 0;
	peer_sends(p, BYTES, END_FIN);
	p->urgent_at = URGENT;
	p->appetite = 9000;
	p->pace = 7000;
	actor_attach(w, p, SHUNT_ALL);
	play(w);
	let_go();
}

const struct story story_echo = { .name = "echo", .tell = tell, .event = event, .least = 40 };
