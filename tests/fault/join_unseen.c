/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends are joined while something has arrived at each that the program was not told yet: it goes the way of
 * all that follows, be it taken out already or still lying in the socket. Events are taken one at a time, and
 * the first of them is a bell.
 */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fault.h"

static struct {
	struct actor *bell, *a, *b, *c, *d;
	struct peer nobody;
	bool rang;
} it;

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	if (ev->what == SHUNT_ARRIVED) /* the bell was late: dropped, before the join */
		a->arrived += ev->length;
	if (a != it.bell || ev->what != SHUNT_READY || it.rang)
		return;
	it.rang = true;
	actor_abort(a);
	actor_join(w, it.a, it.b);
	actor_join(w, it.c, it.d);
}

static struct actor *talker(struct world *w, const char *name, size_t bytes, size_t depth)
{
	struct peer *p = peer_pair(w, name, false);

	peer_sends(p, bytes, END_FIN);
	peer_step(p);
	return actor_attach(w, p, depth);
}

static void tell(struct world *w)
{
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	must(fd >= 0, "eventfd");
	memset(&it, 0, sizeof(it));
	it.nobody = (struct peer){ .name = "nobody", .fd = -1, .other = fd };
	it.bell = actor_watch(w, &it.nobody);
	it.a = talker(w, "a", 20000, SHUNT_NONE);
	it.b = talker(w, "b", 3000, SHUNT_NONE);
	it.c = talker(w, "c", 15000, SHUNT_HEAD(100));
	it.d = talker(w, "d", 10000, SHUNT_ALL);
	if (w->failed)
		abort_all(w);
	play(w);
	if (!it.bell->gone) /* with GONE it was closed */
		close(fd);
}

const struct story story_join_unseen = {
	.name = "join_unseen", .tell = tell, .event = event, .least = 40, .events = 1
};
