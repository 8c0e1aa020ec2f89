/* SPDX-License-Identifier: BSD-2-Clause */
/* An urgent byte in the middle of one stream, and one as the last byte of the other. Peers take urgent
 * bytes in line, so one that was lost or moved is a hole in what they get.
 */
#include "fault.h"

enum { UNIT = 4096 };

static void tell(struct world *w)
{
	struct peer *left = peer_pair(w, "left", false), *right = peer_pair(w, "right", false);

	peer_sends(left, 90000, END_FIN);
	left->urgent_at = 12 * UNIT; /* a run ends just before it */
	left->pace = 25000;
	peer_sends(right, 3000, END_FIN);
	right->urgent_at = 2999;
	struct actor *a = actor_attach(w, left, SHUNT_NONE),
		     *b = actor_attach(w, right, SHUNT_NONE);

	actor_join(w, a, b);
	play(w);
}

const struct story story_urgent_byte = {
	.name = "urgent_byte", .tell = tell, .least = 30, .options = { .unit = UNIT }
};
