/* SPDX-License-Identifier: BSD-2-Clause */
/* squeeze.c — how a stream that never rests is brought to stand still for a moment
 *
 *   fast peer ──▶ [ what he was allowed: lent, and stays here ] ──▶ [ unacknowledged ] ──▶ slow peer
 *       2. waits, for there is no room              1. drains as fast as he reads
 *
 *   3. all of it is acknowledged: the pair is armed, it is taken, and the fast peer told of a little room
 *   4. the first packet of what he sends then finds nothing unread, held or unacknowledged: cut
 *
 * Where one peer sends faster than the other reads, bytes wait here all the time, and whenever the last of them is
 * acknowledged others have come: there is no packet to cut on. So what comes is sent on and left in its
 * socket (engine/lend.h) until its sender has no room left. He waits; the slow peer loses nothing by
 * that, for it is he for whom everything waits. Then there is as much time as it takes.
 *
 * The room that he is told of is a little (window_small): no more may be promised to one peer than the other one
 * allows, or it would not be cut. What follows the cut obeys the slow peer's own window.
 *
 * If nobody has more to say there may be no packet for long. So both are asked, after a second of
 * silence, whether they are still there (SO_KEEPALIVE); the answer is a packet to cut on.
 *
 * Chance comes first: a question and its answer leave moments enough, and bytes that are lent would fill them. So
 * it begins when a good many bytes have gone by; where peers are far, not before some time, for to
 * them a pause of a round trip is a long one. It lasts while something is being acknowledged, and for some turns.
 * Given up, it is begun again after a while.
 */
#include "lib/squeeze.h"

#include <linux/tcp.h>
#include <netinet/in.h>

#include "base/sys.h"
#include "engine/lend.h"

enum {
	NEAR_MS = 5,
	PATIENCE_MS = 100,
	MANY = 64 * 1024,
	THROUGH_MS = 20, /* and four round trips: until what was allowed before has come */
	LOOK_MS = 500,   /* and two: without an acknowledgement for so long it is given up */
	MOST_MS = 10000,
	TURNS_MOST = 50,
	RELAX_MS = 250, /* to the next one, twice as long each time */
	RELAX_DOUBLED = 6,
	LENT_MS = 32, /* what is lent is looked after at least so often */
	LENT_MOST = 128 * 1024,
	ASK_AFTER_S = 1,
	ASK_MS = 5000,
	ASK_TIMES = 127 /* the most there is: nobody is to be given up for it */
};

static uint64_t now_of(const struct join *j)
{
	return j->end[0]->s->now;
}

static bool read_info(const struct shunt_end *e, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	return getsockopt(e->src.fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0;
}

static uint64_t gone_by(const struct join *j)
{
	return j->way[0].taken + j->way[1].taken;
}

/* From here on the buffers do not grow. */
static void narrow(struct join *j)
{
	struct squeeze *q = &j->squeeze;
	bool wide = false;

	q->narrow = true;
	for (int i = 0; i < 2; i++)
		wide |= window_narrow(j->end[i]->src.fd, &q->was[i]);
	q->lends = now_of(j) + (wide ? THROUGH_MS + 4 * q->rtt : 0);
}

void squeeze_plan(struct join *j)
{
	struct squeeze *q = &j->squeeze;
	struct tcp_info info;

	for (int i = 0; i < 2; i++) {
		uint64_t rtt = read_info(j->end[i], &info) ? info.tcpi_rtt / 1000 : 0;

		q->rtt = rtt > q->rtt ? rtt : q->rtt;
	}
	q->due = now_of(j) + (q->rtt <= NEAR_MS ? 0 : PATIENCE_MS);
	q->ask_at = now_of(j) + PATIENCE_MS;
	q->many = gone_by(j) + MANY;
	if (q->rtt <= NEAR_MS)
		narrow(j);
}

static uint64_t acked(const struct join *j)
{
	struct tcp_info info;
	uint64_t sum = 0;

	for (int i = 0; i < 2; i++)
		sum += read_info(j->end[i], &info) ? info.tcpi_bytes_acked : 0;
	return sum;
}

static void begin(struct join *j)
{
	struct squeeze *q = &j->squeeze;

	if (!q->narrow)
		narrow(j);
	q->on = true;
	q->times++;
	q->turns = 0;
	q->lent_since = 0;
	q->began = now_of(j);
	q->acked = acked(j);
	q->due = q->began + LOOK_MS + 2 * q->rtt;
}

void squeeze_stop(struct join *j)
{
	struct squeeze *q = &j->squeeze;
	unsigned doubled = q->times < RELAX_DOUBLED ? q->times : RELAX_DOUBLED;

	if (!q->on && !q->narrow)
		return;
	q->on = q->narrow = false;
	q->due = now_of(j) + ((uint64_t)RELAX_MS << doubled);
	q->many = gone_by(j) + MANY;
	for (int i = 0; i < 2; i++) {
		window_small(j->end[i]->src.fd, false);
		window_widen(j->end[i]->src.fd, &q->was[i]);
		j->way[i].src.bounded = false;
		way_take(&j->way[i]); /* if that fails, pump does it */
	}
}

bool squeeze_lends(const struct join *j)
{
	return j->squeeze.on && now_of(j) >= j->squeeze.lends;
}

bool squeeze_keeps(const struct join *j, int i)
{
	return squeeze_lends(j) && j->way[i].lent;
}

static bool all_acknowledged(const struct join *j)
{
	return sys_unsent(j->end[0]->src.fd) == 0 && sys_unsent(j->end[1]->src.fd) == 0;
}

/* Has all that came been lent, and is it acknowledged? */
static bool is_settled(const struct join *j)
{
	for (int i = 0; i < 2; i++)
		if (sys_waiting(j->way[i].src.fd) != (int)j->way[i].lent)
			return false;
	return all_acknowledged(j);
}

/* Is it time to take it? */
static bool may_take(struct join *j)
{
	struct squeeze *q = &j->squeeze;

	if (!j->way[0].lent && !j->way[1].lent)
		return false;
	if (!q->lent_since)
		q->lent_since = now_of(j);
	return is_settled(j);
}

int squeeze_take(struct join *j)
{
	int r = 0;

	for (int i = 0; i < 2; i++)
		window_small(j->end[i]->src.fd, true);
	for (int i = 0; i < 2 && r == 0; i++)
		r = way_take(&j->way[i]);
	j->squeeze.turns++;
	j->squeeze.lent_since = 0;
	return r;
}

/* A queue that is longer than what may be lent is pumped out first. */
static void wait_for_less(struct join *j)
{
	struct squeeze *q = &j->squeeze;

	for (int i = 0; i < 2; i++)
		if (sys_waiting(j->way[i].src.fd) > LENT_MOST)
			q->lends = now_of(j) + THROUGH_MS;
}

static void keep_alive(struct shunt_end *e, bool on)
{
	sys_setsockopt(e->src.fd, IPPROTO_TCP, TCP_KEEPIDLE, ASK_AFTER_S);
	sys_setsockopt(e->src.fd, IPPROTO_TCP, TCP_KEEPCNT, ASK_TIMES);
	sys_setsockopt(e->src.fd, SOL_SOCKET, SO_KEEPALIVE, on);
}

/* Nobody says anything? For a while then; whom a few answers do not help is left in peace. The program may have its
 * own mind about that, and then it stays. */
static void ask(struct join *j)
{
	struct squeeze *q = &j->squeeze;
	bool begin = !q->asks;

	if (begin && !is_settled(j)) {
		q->ask_at = now_of(j) + PATIENCE_MS;
		return;
	}
	for (int i = 0; i < 2; i++) {
		int on = 1;

		if (begin && sys_getsockopt(j->end[i]->src.fd, SOL_SOCKET, SO_KEEPALIVE, &on) == 0)
			q->asked[i] = !on;
		if (q->asked[i])
			keep_alive(j->end[i], begin);
	}
	q->asks = begin;
	q->ask_at = begin ? now_of(j) + ASK_MS : UINT64_MAX;
}

/* Does it still help? */
static void look(struct join *j)
{
	struct squeeze *q = &j->squeeze;
	uint64_t now = now_of(j), sum = acked(j);

	if (sum == q->acked || now - q->began >= MOST_MS || q->turns > TURNS_MOST) {
		squeeze_stop(j);
		return;
	}
	q->acked = sum;
	q->due = now + LOOK_MS + 2 * q->rtt;
}

bool squeeze_work(struct join *j)
{
	struct squeeze *q = &j->squeeze;
	uint64_t now = now_of(j);

	if (!q->on) {
		if (now >= q->ask_at)
			ask(j);
		if (now >= q->due && gone_by(j) >= q->many)
			begin(j);
		return false;
	}
	if (now >= q->due)
		look(j);
	if (q->on && now < q->lends && now + THROUGH_MS > q->lends)
		wait_for_less(j);
	return squeeze_lends(j) && may_take(j);
}

/* Soon, and then not so soon. */
static uint64_t part_of(uint64_t since)
{
	uint64_t part = since / 4;

	return part < 1 ? 1 : part > LENT_MS ? LENT_MS : part;
}

uint64_t squeeze_again(const struct join *j)
{
	const struct squeeze *q = &j->squeeze;
	uint64_t now = now_of(j), next = q->due;

	if (!q->on)
		return q->ask_at == UINT64_MAX ? UINT64_MAX : q->ask_at - now;
	if (now < q->lends)
		next = q->lends;
	else if (q->lent_since && now + part_of(now - q->lent_since) < next)
		next = now + part_of(now - q->lent_since);
	return next - now;
}
