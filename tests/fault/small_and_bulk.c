/* SPDX-License-Identifier: BSD-2-Clause */
/* A few words, then much at once to a slow reader, then words again until the engine takes them for what
 * they are; the other way likewise, but all at once. So both engines' ways of moving meet in one stream,
 * and residues of both kinds lie before blocked sockets.
 */
#include "fault.h"

enum { WORDS = 3000, BULK = 150000, AGAIN = 15000 };

static void talk(struct world *w, struct peer *p, size_t until, size_t pace)
{
	p->to_send = until;
	p->pace = pace;
	for (unsigned i = 0; i < 2000 && p->sent < until && !p->write_failed; i++)
		play_turns(w, 1);
}

static void tell(struct world *w)
{
	struct peer *talker = peer_pair(w, "talker", true), *slow = peer_pair(w, "slow", true);

	peer_sends(talker, WORDS + BULK + AGAIN, END_OPEN);
	peer_sends(slow, 40000, END_FIN);
	struct actor *a = actor_attach(w, talker, SHUNT_NONE),
		     *b = actor_attach(w, slow, SHUNT_NONE);

	talker->then = END_FIN;
	actor_join(w, a, b);
	talker->waits = true;
	play_turns(w, 3);
	talker->then = END_OPEN;
	talker->waits = false;
	talk(w, talker, WORDS, 1000);
	slow->appetite = 30000;
	talk(w, talker, WORDS + BULK, 0);
	slow->appetite = SIZE_MAX;
	talk(w, talker, WORDS + BULK + AGAIN, 500);
	talker->to_send = WORDS + BULK + AGAIN;
	talker->then = END_FIN;
	play(w);
}

const struct story story_small_and_bulk = { .name = "small_and_bulk", .tell = tell, .least = 80 };
