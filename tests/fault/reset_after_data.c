/* SPDX-License-Identifier: BSD-2-Clause */
/* One side sends and resets while the other, slow to read, still has most of it before it: all of it comes
 * through, and then a reset. A second pair ends the other way round: a FIN first, then a reset.
 */
#include "fault.h"

static void tell(struct world *w)
{
	struct peer *one = peer_pair(w, "one", false), *slow = peer_pair(w, "slow", true);
	struct peer *two = peer_pair(w, "two", false), *hard = peer_pair(w, "hard", false);

	peer_sends(one, 150000, END_RESET);
	one->want = slow->want = END_RESET;
	slow->appetite = 30000;
	peer_sends(two, 20000, END_FIN);
	two->want = END_RESET;
	peer_sends(hard, 30000, END_RESET);
	hard->waits = true; /* until it has seen the FIN */
	struct actor *a = actor_attach(w, one, SHUNT_NONE), *b = actor_attach(w, slow, SHUNT_NONE);
	struct actor *c = actor_attach(w, two, SHUNT_NONE), *d = actor_attach(w, hard, SHUNT_NONE);

	actor_join(w, a, b);
	actor_join(w, c, d);
	for (unsigned i = 0; i < 50 && !peer_over(hard); i++)
		play_turns(w, 1);
	hard->waits = false;
	play(w);
}

const struct story story_reset_after_data = {
	.name = "reset_after_data", .tell = tell, .least = 50, .options = { .unit = 6000 }
};
