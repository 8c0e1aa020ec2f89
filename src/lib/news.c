/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/news.h"

#include <errno.h>

#include "lib/end.h"
#include "lib/handover.h"
#include "lib/join.h"
#include "lib/slots.h"

static void over(struct join *j)
{
	j->end[0]->facts |= F_FIN_CAME | F_FIN_WENT;
	j->end[1]->facts |= F_FIN_CAME | F_FIN_WENT;
	join_gone(j, SHUNT_WHY_DONE, SHUNT_WHY_DONE, false);
}

static void was_reset(struct join *j)
{
	int x = pair_reset_by(j->pair);
	enum shunt_why why[2];

	why[x] = SHUNT_WHY_RESET;
	why[!x] = SHUNT_WHY_OTHER_END;
	j->end[x]->error = ECONNRESET;
	j->end[x]->why = SHUNT_WHY_RESET;
	end_tell(j->end[x], SHUNT_BROKEN);
	join_gone(j, why[0], why[1], j->pair->state != PAIR_ALONE);
}

static void come_back(struct join *j, bool stuck)
{
	struct pair *p = j->pair;

	p->state = PAIR_CUT;
	for (int i = 0; i < 2; i++) {
		slots_take_back(j->end[i], p->fd[i]);
		j->way[i].src.fd = p->fd[i];
		p->fd[i] = -1;
		end_touch(j->end[i]);
	}
	if (stuck) /* it stays a graft with sockets */
		hand_decline(j, GD_RETIRE);
	join_again(j);
}

static void take_news(struct join *j, unsigned news)
{
	struct pair *p = j->pair;

	if (news & NEWS_CUT) {
		hand_hold(j);
		end_touch(j->end[0]);
	}
	if (news & NEWS_BACK)
		come_back(j, news & NEWS_STUCK);
	if (news & NEWS_ALONE) {
		p->state = PAIR_ALONE;
		end_tell(j->end[0], SHUNT_JOINED);
	}
	if (news & NEWS_RESET)
		was_reset(j);
	else if (p->state != PAIR_ALONE)
		end_touch(j->end[0]); /* if it is over, it can be retired at once */
	else if (slot_state(p->slot) == SLOT_CLOSED)
		over(j);
}

void news_take(struct shunt *s)
{
	struct pair *p;
	unsigned news;

	while ((p = graft_post_next(s->graft, &s->post, &news)))
		take_news(p->user, news);
}
