/* SPDX-License-Identifier: BSD-2-Clause */
/* join.c — two ends, two ways, until both are over
 *
 *   end 0 ──way 0──▶ end 1        way i runs when end i and end !i are up, nothing of end i is in
 *   end 0 ◀──way 1── end 1        the program's hands, and nothing is queued on end !i any more
 *
 * A way is over when its source's FIN has been passed on. Both over: the join is done.
 *
 * An end that is hurt (reset, timed out) ends differently: what it sent before is brought to the other
 * end first; then, when the other's peer has acknowledged every byte (a reset throws away what is still
 * in the send queue), the other end is reset as well. No event tells of that moment, so it is asked for
 * at growing intervals (`later`). Meanwhile neither end is in epoll's sight.
 *
 * If an end fails to connect, the join comes undone and the other end is as it was.
 */
#include "lib/join.h"

#include <errno.h>
#include <stdlib.h>

#include "base/sys.h"
#include "engine/lend.h"
#include "lib/buf.h"
#include "lib/end.h"
#include "lib/handover.h"
#include "lib/squeeze.h"
#include "lib/stream.h"

enum { AGAIN_MOST_MS = 64, NO_MEMORY_MS = 10 };

static bool alive(const struct shunt_end *e)
{
	return !end_is(e, F_HURT | F_BROKEN | F_GONE);
}

static bool way_may_run(const struct join *j, int i)
{
	const struct shunt_end *from = j->end[i], *to = j->end[!i];

	return !j->over[i] && !end_is(from, F_CONNECTING | F_LOST | F_GONE) && !from->buf &&
	       alive(to) && !end_is(to, F_CONNECTING) && stream_empty(to);
}

static void try_later(struct join *j, uint64_t after_ms)
{
	struct shunt *s = j->end[0]->s;

	j->due = s->now + after_ms;
	if (list_empty(&j->later))
		list_add_tail(&s->later, &j->later);
}

void join_again(struct join *j)
{
	uint64_t wait = j->tries < 6 ? 1u << j->tries : AGAIN_MOST_MS;

	j->tries++;
	try_later(j, wait);
}

static int check(const struct shunt_end *a, const struct shunt_end *b)
{
	if (a == b || a->s != b->s || a->kind >= END_PIPE || b->kind >= END_PIPE)
		return -EINVAL;
	if (a->join || b->join)
		return -EBUSY;
	/* one that is merely hurt may be joined: what it sent before is still to be brought over */
	if (end_is(a, F_BROKEN | F_GONE | F_LOST | F_FINISH) ||
	    end_is(b, F_BROKEN | F_GONE | F_LOST | F_FINISH))
		return -EPIPE;
	return 0;
}

/* What the program was not told yet of end i it will not be told: it goes the way of all that
 * follows. Bytes in the socket are simply left there; bytes that were taken out wait for the way. */
static void keep_back(struct join *j, int i)
{
	struct shunt_end *e = j->end[i];

	j->ended[i] = end_will_tell(e, SHUNT_ENDED);
	end_untell(e, SHUNT_ENDED);
	end_untell(e, SHUNT_UNJOINED);
	if (!end_will_tell(e, SHUNT_ARRIVED))
		return;
	end_untell(e, SHUNT_ARRIVED);
	if (!e->buf->lying) {
		j->unseen[i] = true;
		return;
	}
	struct shunt_buf *b = e->buf;

	buf_put_back(b);
	buf_unref(b);
}

/* The other end is up: the bytes that waited are queued on it. */
static void pass_unseen(struct join *j, int i)
{
	struct shunt_end *from = j->end[i], *to = j->end[!i];

	if (!j->unseen[i] || !alive(to) || end_is(to, F_CONNECTING))
		return;
	if (stream_add(to, from->buf, 0, from->buf->length) < 0) {
		try_later(j, NO_MEMORY_MS);
		return;
	}
	struct shunt_buf *b = from->buf;

	j->unseen[i] = false;
	from->buf = NULL;
	buf_unref(b);
}

/* What way i has taken and not sent yet, the held run or the urgent byte, goes to the tap of its output. */
static void copy_taken(struct join *j, int i)
{
	struct way *w = &j->way[i];

	stream_copy(j->end[!i], &w->held);
	if (w->urgent >= 0)
		stream_copy_byte(j->end[!i], (unsigned char)w->urgent);
}

static void taken(struct way *w, uint32_t n)
{
	(void)n;
	copy_taken(w->told, w->side);
}

/* End i has a tap: nothing goes by it any more. */
static void tell_tap(struct join *j, int i)
{
	struct way *w = &j->way[!i];

	j->never = true; /* a graft's bytes pass below us */
	w->tell = taken;
	w->told = j;
	w->side = !i;
}

int join_may_tap(const struct join *j)
{
	return j->pair ? -EBUSY : 0;
}

void join_tapped(struct join *j, int i)
{
	size_t length = j->way[!i].held.length;

	tell_tap(j, i);
	copy_taken(j, !i);
	if (j->way[!i].held.length != length)
		end_lost(j->end[!i], EIO);
}

int join_new(struct shunt_end *a, struct shunt_end *b)
{
	int r = check(a, b);

	if (r < 0)
		return r;
	struct join *j = sys_alloc(sizeof(*j));

	if (!j)
		return -ENOMEM;
	list_init(&j->later);
	list_init(&j->grafted);
	j->born = a->s->now;
	j->dry[0] = j->dry[1] = true;
	j->end[0] = a;
	j->end[1] = b;
	for (int i = 0; i < 2; i++) {
		struct shunt_end *e = j->end[i];

		way_init(&j->way[i], e->src.fd, j->end[!i]->src.fd);
		j->way[i].src = e->src;
		e->join = j;
		e->side = i;
		keep_back(j, i);
		buf_low_water(e, 1);
		end_touch(e);
	}
	for (int i = 0; i < 2; i++)
		if (j->end[i]->tap)
			tell_tap(j, i);
	return 0;
}

/* -- its end -- */

void join_undo(struct join *j)
{
	for (int i = 0; i < 2; i++) {
		join_stat(j->end[i], &j->end[i]->stat);
		j->end[i]->src = j->way[i].src;
	}
	for (int i = 0; i < 2; i++) {
		way_drop(&j->end[0]->s->kit, &j->way[i]);
		j->end[i]->join = NULL;
		if (j->unseen[i])
			end_tell(j->end[i], SHUNT_ARRIVED);
		if (j->ended[i])
			end_tell(j->end[i], SHUNT_ENDED);
		end_touch(j->end[i]);
	}
	list_remove(&j->later);
	list_remove(&j->grafted);
	free(j);
}

void join_gone(struct join *j, enum shunt_why why0, enum shunt_why why1, bool reset)
{
	struct shunt_end *a = j->end[0], *b = j->end[1];
	struct pair *p = j->pair;

	join_undo(j);
	hand_part(a, b, p, reset);
	end_gone(a, why0, reset);
	end_gone(b, why1, reset);
}

void join_abort(struct join *j, enum shunt_why why)
{
	join_gone(j, why, why, true);
}

/* Bytes that a reset would throw away. A Unix socket's bytes lie with its peer already. */
static bool unsent(const struct shunt_end *e)
{
	return alive(e) && e->kind == END_TCP && sys_unsent(e->src.fd) > 0;
}

/* Has everything that end i sent before it was hurt reached the other's peer? */
static void finish_hurt(struct join *j, int i)
{
	struct shunt_end *other = j->end[!i];

	if (!j->over[i])
		return;
	if (unsent(other)) {
		join_again(j);
		return;
	}
	enum shunt_why why[2];

	why[i] = j->end[i]->why;
	why[!i] = alive(other) ? SHUNT_WHY_OTHER_END : other->why;
	join_gone(j, why[0], why[1], true);
}

/* Undo a join of which end i never came up. */
void join_come_undone(struct join *j, int i)
{
	struct shunt_end *other = j->end[!i];

	join_undo(j);
	if (alive(other))
		end_tell(other, SHUNT_UNJOINED);
}

/* An end is hurt: what is on its way to it has nowhere to go. */
static void note_hurt(struct join *j, int i)
{
	struct shunt_end *e = j->end[i];

	if (!end_is(e, F_BROKEN)) {
		e->facts |= F_BROKEN;
		end_tell(e, SHUNT_BROKEN);
	}
	way_drop(&e->s->kit, &j->way[!i]);
	j->over[!i] = true;
	j->full[!i] = false;
}

/* -- its life -- */

static uint64_t progress(const struct kit *k)
{
	uint64_t sum = k->taken;

	for (int i = 0; i < SHUNT_ENGINES; i++)
		sum += k->moved[i];
	return sum;
}

static enum flow move(struct join *j, int i, int *error)
{
	struct shunt *s = j->end[i]->s;

	if (squeeze_lends(j)) {
		enum flow f = lend(&s->kit, &j->way[i], error);

		if (f != FLOW_TURN)
			return f;
		squeeze_stop(j);
	}
	return pump(&s->kit, s->engine, &j->way[i], error);
}

/* Move what can be moved from end i. */
static void run(struct join *j, int i)
{
	struct shunt_end *from = j->end[i], *to = j->end[!i];
	struct way *w = &j->way[i];
	struct shunt *s = from->s;
	uint64_t before = progress(&s->kit);
	int error = 0;

	if (!way_may_run(j, i))
		return;
	/* epoll is silent about a hurt end: only its queue's end is the end */
	if (end_is(from, F_HURT))
		w->src.ending = w->src.hurt = true;
	enum flow f = move(j, i, &error);

	if (progress(&s->kit) != before)
		from->last = to->last = s->now;
	j->full[i] = f == FLOW_FULL;
	j->dry[i] = f == FLOW_DRY || f == FLOW_END;
	j->starved[i] = f == FLOW_NO_MEMORY;
	if (f == FLOW_FULL)
		run_trim(&s->kit, &w->held);
	else if (f == FLOW_NO_MEMORY)
		try_later(j, NO_MEMORY_MS);
	else if (f == FLOW_TURN && end_is(from, F_HURT))
		try_later(j, 0); /* epoll won't tell of it any more */
	else if (f == FLOW_OUT_BROKEN)
		end_hurt(to, error);
	else if (f == FLOW_IN_BROKEN)
		end_hurt(from, error);
	if (f == FLOW_IN_BROKEN || f == FLOW_END || (f == FLOW_DRY && end_is(from, F_HURT)))
		j->over[i] = true;
	if (f == FLOW_END && !end_is(from, F_HURT)) {
		hand_fin(j, i);
		from->last = to->last = s->now;
		from->facts |= F_FIN_CAME;
		to->facts |= F_FINISH;
		if (j->over[!i] &&
		    stream_empty(to)) /* the last FIN: closing, which follows, sends it */
			to->facts |= F_FIN_WENT;
		else
			end_push(to);
	}
}

/* What epoll should watch end i for. */
static void settle(struct join *j, int i)
{
	struct shunt_end *e = j->end[i];
	uint32_t events = 0;

	if (!alive(e))
		return;
	if (end_is(e, F_CONNECTING)) {
		events = EPOLLOUT;
	} else {
		/* with the other end hurt, way_may_run says no: nothing more is read */
		if (way_may_run(j, i) && !j->full[i] && !j->starved[i] && !squeeze_keeps(j, i))
			events |= END_INPUT | (j->way[i].src.urgent ? 0 : EPOLLPRI);
		if (j->full[!i] || end_is(e, F_FULL))
			events |= EPOLLOUT;
	}
	end_watch(e, events);
}

static void tell_joined(struct join *j)
{
	struct shunt_end *a = j->end[0], *b = j->end[1];

	if (j->told || end_is(a, F_CONNECTING) || end_is(b, F_CONNECTING) || a->buf || b->buf ||
	    !stream_empty(a) || !stream_empty(b))
		return;
	j->told = true;
	end_tell(a, SHUNT_JOINED);
}

void join_work(struct shunt_end *e)
{
	struct join *j = e->join;

	if (!hand_hold(j))
		return;
	for (int i = 0; i < 2; i++) {
		pass_unseen(j, !i);
		end_push(j->end[i]);
		if (end_is(j->end[i], F_LOST))
			end_hurt(j->end[i], j->end[i]->error);
	}
	for (int i = 0; i < 2; i++) {
		if (alive(j->end[i]))
			continue;
		if (end_is(j->end[i], F_CONNECTING)) {
			join_come_undone(j, i);
			return;
		}
		note_hurt(j, i);
	}
	for (int i = 0; i < 2; i++) {
		if (end_is(j->end[i], F_HURT) && way_may_run(j, i) && !j->full[i])
			run(j, i); /* epoll tells no more of this end */
	}
	for (int i = 0; i < 2; i++) {
		if (alive(j->end[i]))
			continue;
		/* bytes that can go nowhere keep nobody waiting */
		if (!alive(j->end[!i]) || end_is(j->end[!i], F_CONNECTING) ||
		    end_is(j->end[i], F_LOST))
			j->over[i] = true;
		finish_hurt(j, i);
		if (!e->join)
			return;
		break;
	}
	if (j->over[0] && j->over[1] && alive(j->end[0]) && alive(j->end[1])) {
		join_gone(j, SHUNT_WHY_DONE, SHUNT_WHY_DONE, false);
		return;
	}
	tell_joined(j);
	hand_ready(j);
	settle(j, 0);
	settle(j, 1);
	uint64_t after = hand_settle(j);

	if (after != HAND_NOTHING)
		try_later(j, after);
}

void join_ready(struct shunt_end *e, uint32_t events)
{
	struct join *j = e->join;
	int i = e->side;

	if (!alive(e) || !hand_hold(j))
		return;
	end_touch(e);
	if (end_is(e, F_CONNECTING)) {
		end_check_connect(e, events);
		return;
	}
	end_note(e, events);
	j->way[i].src.urgent |= e->src.urgent;
	j->way[i].src.ending |= e->src.ending;
	e->src.urgent = false;
	if ((events & EPOLLOUT) && alive(e)) {
		end_push(e);
		run(j, !i);
	}
	j->way[i].src.fresh = (events & EPOLLIN) != 0;
	if (events & (END_INPUT | EPOLLPRI | EPOLLHUP))
		run(j, i);
	j->way[i].src.fresh = false;
}

void join_later(struct shunt *s)
{
	struct list *n, *keep;

	list_each_safe(n, keep, &s->later) {
		struct join *j = list_of(n, struct join, later);

		if (j->due > s->now)
			continue;
		list_remove(&j->later);
		if (!hand_hold(j))
			continue;
		for (int i = 0; i < 2; i++)
			if (alive(j->end[i]) && !j->full[i] && way_may_run(j, i))
				run(j, i);
		end_touch(j->end[0]);
	}
}

uint64_t join_due(const struct shunt *s)
{
	uint64_t next = UINT64_MAX;
	struct list *n;

	list_each(n, &s->later) {
		struct join *j = list_of(n, struct join, later);

		next = j->due < next ? j->due : next;
	}
	return next;
}

void join_stat(const struct shunt_end *e, struct shunt_stat *stat)
{
	const struct join *j = e->join;
	const struct way *from = &j->way[e->side], *to = &j->way[!e->side];

	*stat = e->stat;
	stat->in += from->taken;
	for (int i = 0; i < SHUNT_ENGINES; i++) {
		stat->moved[i] += to->moved[i];
		stat->out += to->moved[i];
	}
	stat->queued += to->held.length;
	stat->urgent += from->urgents;
	hand_stat(e, stat);
}
