/* SPDX-License-Identifier: BSD-2-Clause */
/* loop.c — one wait, as a list of calls
 *
 *   what the program had from the last wait ends      (buffers not held, ends that are gone)
 *   ┌▶ work: orders are carried out, ends settle what they wait for
 *   │  listen: epoll, which runs joins without telling the program
 *   └─ until there is something to tell, or the time is over
 *   hand out
 *
 * Joins that must be tried again by time alone (join.c) bound the wait; for programs that sleep in
 * a loop of their own on shunt_fd, a timer in our epoll wakes it.
 */
#include "lib/loop.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/sys.h"
#include "base/ticket.h"
#include "lib/buf.h"
#include "lib/end.h"
#include "lib/handover.h"
#include "lib/join.h"
#include "lib/news.h"
#include "lib/slots.h"

static void last_turn_ends(struct shunt *s)
{
	struct list *n;

	while ((n = list_first(&s->handed))) {
		list_remove(n);
		buf_unref(list_of(n, struct shunt_buf, handed));
	}
	while ((n = list_first(&s->graves))) {
		struct shunt_end *e = list_of(n, struct shunt_end, told);

		end_free(e);
	}
	s->gone_count = 0;
}

static void work_on(struct shunt_end *e)
{
	list_remove(&e->work);
	if (e->join)
		join_work(e);
	else
		end_work(e);
}

static void work(struct shunt *s)
{
	struct list *n;

	while ((n = list_first(&s->work)))
		work_on(list_of(n, struct shunt_end, work));
}

/* Wake loops that are not ours when the next join is due. */
static void set_timer(struct shunt *s, uint64_t due)
{
	if (due == UINT64_MAX)
		return;
	if (s->timer < 0) {
		s->timer = sys_timerfd();
		if (s->timer < 0)
			return;
		if (sys_epoll_ctl(s->epfd, EPOLL_CTL_ADD, s->timer, EPOLLIN | EPOLLET,
				  ticket_make(TICKET_TIMER, 0, 0)) < 0) {
			sys_close(s->timer);
			s->timer = -1;
			return;
		}
	}
	sys_timerfd_set(s->timer, due > s->now ? due - s->now : 1);
}

/* Work waits until all have been listened to, but that of a pair that is to become a graft: it is armed at once, or
 * where much goes on the next packet is always there before. */
static void dispatch(struct shunt *s, const struct epoll_event *ev)
{
	uint64_t ticket = ev->data.u64;

	if (ticket_kind(ticket) == TICKET_POST)
		news_take(s);
	if (ticket_kind(ticket) != TICKET_END)
		return;
	struct shunt_end *e = slots_find(s, ticket);

	if (!e)
		return;
	if (e->join)
		join_ready(e, ev->events);
	else
		end_ready(e, ev->events);
	if (e->join && e->join->pair)
		work_on(e);
}

static int listen_once(struct shunt *s, int timeout_ms)
{
	struct epoll_event ev[TURN_EVENTS];
	int n = sys_epoll_wait(s->epfd, ev, TURN_EVENTS, timeout_ms);

	s->now = clock_ms();
	for (int i = 0; i < n; i++)
		dispatch(s, &ev[i]);
	return n;
}

void loop_stat(const struct shunt_end *e, struct shunt_stat *stat)
{
	const struct source *src = e->join ? &e->join->way[e->side].src : &e->src;

	*stat = e->stat;
	if (e->join)
		join_stat(e, stat);
	stat->queued += e->out.queued;
	stat->pipe_refused += src->pipe_refused;
	stat->splice_refused += src->splice_refused;
	stat->ended = end_is(e, F_FIN_CAME) || stat->ended;
	stat->finished = end_is(e, F_FIN_WENT) || stat->finished;
	uint64_t last = hand_idle_since(e);

	stat->idle_ms = e->s->now > last ? e->s->now - last : 0;
	for (int i = 0; i < SHUNT_ENGINES; i++)
		if (stat->moved[i] > stat->moved[stat->engine])
			stat->engine = (enum shunt_engine)i;
}

static void fill(struct shunt_end *e, enum shunt_what what, struct shunt_event *ev)
{
	struct shunt *s = e->s;

	*ev = (struct shunt_event){
		.what = what, .end = e, .user = e->user, .engine = s->engine->id
	};
	if (what == SHUNT_ARRIVED) {
		struct shunt_buf *b = e->buf;

		assert(b); /* told of only while it is there */
		ev->buf = b;
		ev->view = b->view;
		ev->seen = b->seen;
		ev->length = b->length;
		list_add_tail(&s->handed, &b->handed);
		if (!b->lying)
			e->buf = NULL;
		end_touch(e);
	} else if (what == SHUNT_JOINED && end_is(e, F_GRAFT)) { /* its join may be over by now */
		ev->engine = SHUNT_GRAFT;
	} else if (what == SHUNT_BROKEN) {
		ev->why = e->why;
		ev->error = e->error;
	} else if (what == SHUNT_GONE) {
		ev->why = e->why;
		ev->error = e->error;
		ev->stat = &s->gone_stat[s->gone_count];
		loop_stat(e, &s->gone_stat[s->gone_count++]);
		ev->engine = ev->stat->engine;
	}
}

/* GONE needs a place for its counts: when they are used up, the rest waits for the next turn. */
static int hand_out(struct shunt *s, struct shunt_event *events, int max)
{
	int n = 0;
	struct list *l;

	while (n < max && s->gone_count < TURN_EVENTS && (l = list_first(&s->told))) {
		struct shunt_end *e = list_of(l, struct shunt_end, told);

		while (e->pending && n < max) {
			enum shunt_what what = (enum shunt_what)__builtin_ctz(e->pending);

			end_untell(e, what);
			fill(e, what, &events[n++]);
		}
		if (e->pending)
			break;
		list_remove(l);
		if (end_is(e, F_GONE))
			list_add_tail(&s->graves, l);
	}
	return n;
}

/* The sooner of the program's deadline and the next join's. */
static int time_left(const struct shunt *s, uint64_t deadline, uint64_t due)
{
	uint64_t until = deadline < due ? deadline : due;

	if (until == UINT64_MAX)
		return -1;
	if (until <= s->now)
		return 0;
	return until - s->now > INT32_MAX ? INT32_MAX : (int)(until - s->now);
}

int loop_wait(struct shunt *s, struct shunt_event *events, int max, int timeout_ms)
{
	s->now = clock_ms();
	uint64_t deadline = timeout_ms < 0 ? UINT64_MAX : s->now + (uint64_t)timeout_ms;
	int n;

	last_turn_ends(s);
	for (;;) {
		work(s);
		join_later(s);
		work(s);
		if (!list_empty(&s->told))
			deadline = 0;
		n = listen_once(s, time_left(s, deadline, join_due(s)));
		if (n < 0 && list_empty(&s->told))
			return n;
		if (!list_empty(&s->told) || s->now >= deadline)
			break;
	}
	work(s);
	if (!list_empty(&s->grafts))
		hand_sum(s);
	set_timer(s, join_due(s));
	return hand_out(s, events, max);
}
