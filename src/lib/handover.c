/* SPDX-License-Identifier: BSD-2-Clause */
/* handover.c — a join becomes a graft
 *
 *   splice ──▶ enough was relayed: a pair, its slot PAUSED ──▶ ARMED, whenever nothing is held
 *                                        ▲    a byte came: back │
 *                                        └──────────────────────┤
 *              cut, by the program, on a packet ◀───────────────┘
 *                │ what the sockets still have is drained, as ever, but noted before it is sent
 *                ▼
 *              clean: the keeper closes the sockets ──▶ alone: only the slot tells how it goes
 *
 * The rule that keeps bytes exact: while the slot is ARMED this thread holds no byte of the pair and
 * calls nothing on its sockets. hand_hold takes it back before anything does, hand_settle arms it when
 * everything is done; the join knows only these two.
 */
#include "lib/handover.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/sys.h"
#include "lib/end.h"
#include "lib/squeeze.h"

enum {
	AGAIN_MOST_MS = 64,
	REFUSALS_MOST = 20000, /* tries to cut that failed: it never stands still */
	STAYS_REFUSALS = 20,
	STAYS_MS = 3000,
	SUM_EVERY_MS = 200
};

/* -- arming -- */

static void note(struct way *w, uint32_t n)
{
	pair_note(w->told, w->side, n, false);
}

/* The program has cut it: whatever is taken from now on is noted. */
static void is_cut(struct join *j)
{
	struct shunt *s = j->end[0]->s;

	if (!list_empty(&j->grafted))
		return;
	for (int i = 0; i < 2; i++) {
		j->way[i].tell = note;
		j->way[i].told = j->pair;
		j->way[i].side = i;
	}
	j->squeeze.on = j->squeeze.narrow = false;
	j->end[0]->facts |= F_GRAFT;
	list_add_tail(&s->grafts, &j->grafted);
}

bool hand_hold(struct join *j)
{
	struct pair *p = j->pair;

	if (!p)
		return true;
	if (p->state == PAIR_KEEPER || p->state == PAIR_ALONE)
		return false;
	if (j->armed) {
		j->armed = false;
		if (!pair_take_back(p))
			is_cut(j);
	}
	return true;
}

static bool is_up(const struct shunt_end *e)
{
	return e->kind == END_TCP && e->src.fd >= 0 && !e->src.urgent &&
	       !end_is(e, F_CONNECTING | F_HURT | F_BROKEN | F_GONE | F_FIN_CAME | F_FINISH);
}

/* Nothing of the pair is in our hands. */
static bool stands_still(const struct join *j)
{
	for (int i = 0; i < 2; i++) {
		const struct way *w = &j->way[i];

		if (!j->dry[i] || j->full[i] || w->lent || w->held.where != RUN_NOWHERE ||
		    w->urgent >= 0 || w->src.urgent || j->end[i]->buf ||
		    !list_empty(&j->end[i]->out.pieces))
			return false;
	}
	return true;
}

void hand_decline(struct join *j, enum graft_decline why)
{
	j->never = true;
	j->declined = why;
	graft_decline(j->end[0]->s->graft, why);
}

static void give_up(struct join *j, enum graft_decline why)
{
	hand_decline(j, why);
	squeeze_stop(j);
	if (j->pair)
		pair_end(j->pair);
	j->pair = NULL;
}

static uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void begin(struct join *j)
{
	struct shunt *s = j->end[0]->s;
	int fd[2] = { j->end[0]->src.fd, j->end[1]->src.fd };
	enum graft_decline why = GD_FAMILY;

	if (j->end[0]->kind == END_TCP && j->end[1]->kind == END_TCP)
		why = pair_make(s->graft, fd, &s->post, j, &j->pair);
	if (why != GD_NONE) {
		give_up(j, why);
		return;
	}
	j->paired = s->now;
	squeeze_plan(j);
	j->pair->slot->conn = j->conn;
	j->pair->slot->began = wall_ns() - (s->now - j->born) * 1000000;
}

static bool pays(const struct join *j)
{
	return j->way[0].taken + j->way[1].taken >= j->end[0]->s->graft->least;
}

/* -- retiring -- */

/* For who adopts it: what went by us. */
static void write_down(struct join *j)
{
	for (int i = 0; i < 2; i++) {
		uint64_t sum = 0;

		for (int e = 0; e < SHUNT_ENGINES; e++)
			sum += j->way[!i].moved[e];
		j->pair->slot->before[i] = sum;
	}
}

static void retire(struct join *j)
{
	int fd[2];

	write_down(j);
	for (int i = 0; i < 2; i++) {
		fd[i] = end_lend(j->end[i]);
		j->way[i].src.fd = -1; /* or it would be closed once more with the end */
	}
	pair_retire(j->pair, fd);
}

static uint64_t drain_on(struct join *j)
{
	if (j->never || !stands_still(j))
		return HAND_NOTHING;
	if (!pair_is_clean(j->pair)) /* what was sent is not acknowledged yet */
		return j->tries < 6 ? 1u << j->tries++ : AGAIN_MOST_MS;
	retire(j);
	return HAND_NOTHING;
}

/* Is it there to stay, what the last cut was refused for? */
static enum graft_decline is_for_good(const struct join *j)
{
	const struct graft_slot *slot = j->pair->slot;
	bool long_since = j->end[0]->s->now - j->paired >= STAYS_MS;

	switch (slot->refusals ? slot->refusal : GC_COUNTS) {
	case GC_SEGMENT: return GD_MSS;
	case GC_SPECIAL: return GD_SPECIAL;
	case GC_ONE_SIDED:
	case GC_NO_DEVICE:
	case GC_NO_ROUTE:
		if (slot->refusals >= STAYS_REFUSALS && long_since)
			return GD_DEVICE;
	}
	return slot->refusals > REFUSALS_MOST ? GD_BUSY : GD_NONE;
}

static bool arm(struct join *j)
{
	enum graft_decline why = is_for_good(j);

	if (why != GD_NONE) {
		give_up(j, why);
		return false;
	}
	j->armed = true;
	pair_arm(j->pair);
	return true;
}

static bool may_be_cut(const struct join *j)
{
	return j->end[0]->s->graft && j->told && is_up(j->end[0]) && is_up(j->end[1]) &&
	       (j->pair ? j->pair->state == PAIR_OURS : !j->never);
}

void hand_ready(struct join *j)
{
	if (!may_be_cut(j)) {
		squeeze_stop(j);
		return;
	}
	if (!j->pair && pays(j))
		begin(j);
	if (j->pair && squeeze_work(j) && arm(j) && squeeze_take(j) < 0)
		hand_hold(j);
}

uint64_t hand_settle(struct join *j)
{
	if (j->pair && j->pair->state == PAIR_CUT)
		return drain_on(j);
	if (!j->pair || !may_be_cut(j))
		return HAND_NOTHING;
	if (!j->armed && stands_still(j))
		arm(j);
	return j->pair ? squeeze_again(j) : HAND_NOTHING;
}

void hand_fin(struct join *j, int i)
{
	if (j->pair && j->pair->state == PAIR_CUT)
		pair_note(j->pair, i, 1, true);
}

/* -- its end -- */

void hand_part(struct shunt_end *a, struct shunt_end *b, struct pair *p, bool reset)
{
	if (!p)
		return;
	bool cut = p->state != PAIR_OURS || !pair_take_back(p);

	if (cut) {
		a->s->grafted += pair_bytes(p, 0) + pair_bytes(p, 1);
		a->port = b->port = 0; /* the keeper gives it back when the slot is free */
	}
	if (cut && reset) {
		int fd[2] = { end_lend(a), end_lend(b) };

		pair_kill(p, fd);
	} else {
		pair_end(p);
	}
}

/* -- knowing -- */

/* Cut, whether we were told already or not. */
static bool is_graft(const struct join *j)
{
	return !list_empty(&j->grafted) ||
	       (j->pair && j->armed && slot_state(j->pair->slot) >= SLOT_GRAFTED);
}

void hand_stat(const struct shunt_end *e, struct shunt_stat *stat)
{
	const struct join *j = e->join;

	stat->declined = j->declined ? graft_decline_text(j->declined) : NULL;
	if (!is_graft(j))
		return;
	uint64_t out = pair_bytes(j->pair, !e->side);

	stat->in += pair_bytes(j->pair, e->side);
	stat->out += out;
	stat->moved[SHUNT_GRAFT] += out;
	stat->ended = stat->ended || pair_fin_came(j->pair, e->side);
	stat->finished = stat->finished || pair_fin_came(j->pair, !e->side);
}

uint64_t hand_idle_since(const struct shunt_end *e)
{
	const struct join *j = e->join;
	uint64_t last = j && is_graft(j) ? pair_last(j->pair) : 0;

	return last > e->last ? last : e->last;
}

void hand_sum(struct shunt *s)
{
	struct list *n;

	if (s->now - s->summed_at < SUM_EVERY_MS)
		return;
	s->summed_at = s->now;
	s->grafted_live = 0;
	list_each(n, &s->grafts) {
		const struct join *j = list_of(n, struct join, grafted);

		s->grafted_live += pair_bytes(j->pair, 0) + pair_bytes(j->pair, 1);
	}
}
