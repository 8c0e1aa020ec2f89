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
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/sys.h"
#include "lib/end.h"

enum {
	AGAIN_MOST_MS = 64,
	REFUSALS_MOST = 20000, /* tries to cut that failed: it never stands still */
	STAYS_REFUSALS = 20,
	STAYS_MS = 3000,
	SUM_EVERY_MS = 200,
	NEAR_MS = 5,
	PATIENCE_MS = 100,
	SQUEEZE_MS = 100,
	SQUEEZE_AGAIN_MS = 1000,
	REST_MS = 20,
	RELAX_MS = 1000,
	SQUEEZED_SEGMENTS = 4, /* with fewer the sender waits for a timer */
	RELAXED = 1 << 30
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

		if (!j->dry[i] || j->full[i] || w->held.where != RUN_NOWHERE || w->urgent >= 0 ||
		    w->src.urgent || j->end[i]->buf || !list_empty(&j->end[i]->out.pieces))
			return false;
	}
	return true;
}

static void clamp(struct join *j, int window)
{
	for (int i = 0; i < 2; i++)
		sys_setsockopt(j->end[i]->src.fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, window);
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
	if (j->squeezed)
		clamp(j, RELAXED);
	j->squeezed = false;
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

/* How far the farther peer is, and what is a small window to him. */
static void measure(struct join *j)
{
	for (int i = 0; i < 2; i++) {
		struct tcp_info info;
		socklen_t len = sizeof(info);

		if (getsockopt(j->end[i]->src.fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
			continue;
		uint64_t rtt = info.tcpi_rtt / 1000;

		j->rtt = rtt > j->rtt ? rtt : j->rtt;
		j->squeeze_to = SQUEEZED_SEGMENTS * (int)info.tcpi_advmss;
	}
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
	measure(j);
	j->paired = s->now;
	j->squeeze_due = s->now + (j->rtt <= NEAR_MS ? 0 : PATIENCE_MS);
	j->pair->slot->conn = j->conn;
	j->pair->slot->began = wall_ns() - (s->now - j->born) * 1000000;
}

static uint64_t squeeze_length(const struct join *j)
{
	return 2 * j->rtt + (j->squeezes > 1 ? SQUEEZE_AGAIN_MS : SQUEEZE_MS);
}

/* No byte has moved for longer than a small window makes one wait. */
static bool rests(const struct join *j)
{
	return j->end[0]->s->now - j->end[0]->last >= REST_MS + 2 * j->rtt;
}

/* Where one peer sends faster than the other reads, bytes wait in our sockets all the time, and there is no
 * moment to cut. With small windows towards both peers, what waits waits at the sender: then what
 * we hold drains, and there is one. At once, where both peers are near and little has piled up yet; where
 * they are far, chance comes first, for to them a pause of a round trip is a long one. While nothing moves
 * nothing can be cut, and nobody is held up: then it lasts until something has moved for as long. */
static void squeeze(struct join *j)
{
	uint64_t now = j->end[0]->s->now;

	if (j->squeeze_due == UINT64_MAX && !rests(j))
		j->squeeze_due = now + squeeze_length(j);
	if (now < j->squeeze_due || j->squeeze_due == UINT64_MAX)
		return;
	if (j->squeezed && rests(j)) {
		j->squeeze_due = UINT64_MAX;
		return;
	}
	j->squeezed = !j->squeezed;
	if (j->squeezed) {
		j->squeezes++;
		j->squeeze_due = now + squeeze_length(j);
	} else {
		j->squeeze_due = now + ((uint64_t)RELAX_MS << (j->squeezes < 6 ? j->squeezes : 6));
	}
	clamp(j, j->squeezed ? j->squeeze_to : RELAXED);
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

static void try_to_arm(struct join *j)
{
	enum graft_decline why = is_for_good(j);

	if (why != GD_NONE) {
		give_up(j, why);
		return;
	}
	j->armed = true;
	pair_arm(j->pair);
}

uint64_t hand_settle(struct join *j)
{
	const struct shunt *s = j->end[0]->s;

	if (!s->graft || (j->never && !j->pair))
		return HAND_NOTHING;
	if (j->pair && j->pair->state == PAIR_CUT)
		return drain_on(j);
	if (!j->told || !is_up(j->end[0]) || !is_up(j->end[1]))
		return HAND_NOTHING;
	if (!j->pair && pays(j))
		begin(j);
	if (!j->pair)
		return HAND_NOTHING;
	squeeze(j);
	if (stands_still(j))
		try_to_arm(j);
	if (!j->pair || !j->squeezed || j->squeeze_due == UINT64_MAX)
		return HAND_NOTHING;
	return j->squeeze_due - s->now;
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

void hand_stat(const struct shunt_end *e, struct shunt_stat *stat)
{
	const struct join *j = e->join;

	stat->declined = j->declined ? graft_decline_text(j->declined) : NULL;
	if (list_empty(&j->grafted))
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
	uint64_t last = j && !list_empty(&j->grafted) ? pair_last(j->pair) : 0;

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
