/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/split_sub.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/sys.h"
#include "daemon/split_http.h"

enum {
	HEAD = 1024,       /* of a request, to begin with */
	ASK_MS = 10000,    /* for all of it */
	LEAVE_MS = 5000,   /* until the client has finished as well */
	KEEP_IDLE_S = 30,  /* a peer that is gone without a word is asked after so long, */
	KEEP_EVERY_S = 10, /* again and again, */
	KEEP_TRIES = 3,
};

static _Atomic uint64_t numbers;

void split_subs_init(struct split_subs *ss, struct shunt *s, const struct split_conf *conf,
		     struct split_ring *ring)
{
	*ss = (struct split_subs){ .s = s, .conf = conf, .ring = ring };
	list_init(&ss->all);
}

static void forget(struct split_subs *ss, struct split_sub *sub)
{
	list_remove(&sub->in);
	ss->count--;
	ss->ended++;
	free(sub);
}

void split_subs_free(struct split_subs *ss)
{
	struct list *n;

	while ((n = list_first(&ss->all)))
		forget(ss, list_of(n, struct split_sub, in));
}

/* -- the beginning -- */

static void go_live(struct split_subs *ss, struct split_sub *sub)
{
	sub->state = SUB_LIVE;
	split_out_start(&sub->out, split_ring_before(ss->ring, ss->conf->burst));
	split_out_feed(&sub->out, ss->s, ss->ring);
}

static void watch_over(int fd)
{
	sys_setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	sys_setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
	sys_setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY_S);
	sys_setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_TRIES);
}

void split_sub_begin(struct split_subs *ss, int fd, const struct addr *from, const char *listen)
{
	size_t depth = ss->conf->type ? SHUNT_HEAD(HEAD) : SHUNT_NONE;
	struct split_sub *sub = sys_alloc(sizeof(*sub));
	int r = sub ? shunt_attach(ss->s, fd, depth, sub, &sub->out.end) : -ENOMEM;

	if (r < 0) { /* gone again, or no memory: nothing was begun that could be told of */
		free(sub);
		sys_close(fd);
		return;
	}
	if (from->ss.ss_family != AF_UNIX)
		watch_over(fd);
	sub->thing = SPLIT_SUB;
	sub->number = atomic_fetch_add(&numbers, 1) + 1;
	sub->born = ss->now;
	sub->due = ss->now + ASK_MS;
	sub->listen = listen;
	addr_text(from, sub->client);
	list_add_tail(&ss->all, &sub->in);
	ss->count++;
	if (!ss->conf->type)
		go_live(ss, sub);
}

/* -- the end -- */

static void leave(struct split_sub *sub, enum why why)
{
	sub->state = SUB_LEAVING;
	sub->why = why;
	shunt_finish(sub->out.end);
}

static void cut(struct split_sub *sub, enum why why)
{
	if (sub->why == WHY_NONE)
		sub->why = why;
	sub->state = SUB_LEAVING;
	shunt_abort(sub->out.end);
}

static enum why why_of(enum shunt_why why)
{
	switch (why) {
	case SHUNT_WHY_DONE: return WHY_DONE;
	case SHUNT_WHY_RESET: return WHY_CLIENT_RESET;
	case SHUNT_WHY_TIMEOUT:
	case SHUNT_WHY_UNREACHABLE: return WHY_CLIENT_TIMEOUT;
	case SHUNT_WHY_NO_MEMORY: return WHY_NO_MEMORY;
	default: return WHY_ERROR;
	}
}

static void say_gone(const struct split_subs *ss, const struct split_sub *sub,
		     const struct shunt_stat *st, enum shunt_why told, int error)
{
	enum why why = sub->why != WHY_NONE ? sub->why : why_of(told);
	struct log_line l;

	log_begin(&l, LOG_INFO_LEVEL);
	log_number(&l, "sub", sub->number);
	log_text(&l, "client", sub->client);
	log_text(&l, "listen", sub->listen);
	log_number(&l, "dur_ms", ss->now - sub->born);
	if (sub->status)
		log_number(&l, "status", sub->status);
	log_number(&l, "bytes", st->out);
	log_number(&l, "skips", sub->out.skips);
	log_number(&l, "skipped", sub->out.skipped);
	log_number(&l, "lag", sub->most_lag);
	log_text(&l, "engine", shunt_engine_text(st->engine));
	for (int e = SHUNT_COPY; e <= SHUNT_SPLICE; e++)
		if (st->moved[e] && e != (int)st->engine)
			log_number(&l, shunt_engine_text((enum shunt_engine)e), st->moved[e]);
	if (st->pipe_refused)
		log_number(&l, "pipe_refused", st->pipe_refused);
	if (st->splice_refused)
		log_number(&l, "splice_refused", st->splice_refused);
	if (why == WHY_ERROR)
		log_number(&l, "error", (uint64_t)error);
	log_text(&l, "end", why_text(why));
	log_end(&l);
}

static void gone(struct split_subs *ss, struct split_sub *sub, const struct shunt_stat *st,
		 enum shunt_why told, int error)
{
	say_gone(ss, sub, st, told, error);
	ss->gone.skips += sub->out.skips;
	ss->gone.skipped += sub->out.skipped;
	forget(ss, sub);
}

/* All has been given to the kernel, which will bring it to him: we need not wait until he has finished too. */
static void let_go(struct split_subs *ss, struct split_sub *sub, const struct shunt_stat *st)
{
	int fd = shunt_detach(sub->out.end);

	if (fd < 0)
		return; /* it has failed: GONE follows */
	sys_close(fd);
	gone(ss, sub, st, SHUNT_WHY_DONE, 0);
}

/* Its last byte is queued: an orderly end goes behind it. A cut-off one waits until it has left, for a reset
 * overtakes it. */
static void end_of_stream(struct split_subs *ss, struct split_sub *sub)
{
	if (sub->state != SUB_LIVE || !split_out_is_over(&sub->out))
		return;
	if (!sub->cut_off)
		leave(sub, WHY_DONE);
	else if (split_out_sent(&sub->out, ss->s) >= sub->out.pos)
		cut(sub, WHY_SOURCE_LOST);
}

static void feed(struct split_subs *ss, struct split_sub *sub)
{
	if (sub->state != SUB_LIVE)
		return;
	split_out_feed(&sub->out, ss->s, ss->ring);
	end_of_stream(ss, sub);
}

/* -- a request -- */

static void answer(struct split_subs *ss, struct split_sub *sub, const struct split_answer *a)
{
	sub->status = a->status;
	if (shunt_insert(sub->out.end, a->head, a->length) < 0) {
		cut(sub, WHY_NO_MEMORY);
		return;
	}
	if (a->live)
		go_live(ss, sub);
	else
		leave(sub, WHY_NONE);
}

static void asked(struct split_subs *ss, struct split_sub *sub, const struct shunt_event *ev)
{
	struct split_answer a;
	struct look l = split_http_ask(ev->view, ev->seen, sub->seen, ss->conf->type, &a);

	if (l.verdict == LOOK_MORE) {
		bool grew = ev->seen > sub->seen;

		sub->seen = ev->seen;
		if (grew && shunt_more(sub->out.end, l.need) == 0)
			return;
		split_http_refuse(&a, 400); /* no more can come of it */
	}
	answer(ss, sub, &a);
}

void split_sub_refuse(struct split_subs *ss, int fd)
{
	static enum split_thing passing = SPLIT_PASSING;
	struct split_answer a;
	struct shunt_end *end;

	if (!ss->conf->type || shunt_attach(ss->s, fd, SHUNT_NONE, &passing, &end) < 0) {
		sys_close(fd);
		return;
	}
	split_http_refuse(&a, 503);
	if (shunt_insert(end, a.head, a.length) < 0 || shunt_finish(end) < 0)
		shunt_abort(end);
}

void split_sub_event(struct split_subs *ss, const struct shunt_event *ev)
{
	struct split_sub *sub = ev->user;

	switch (ev->what) {
	case SHUNT_ARRIVED:
		if (sub->state == SUB_ASKED)
			asked(ss, sub, ev);
		break;
	case SHUNT_ENDED:
		if (sub->state == SUB_ASKED)
			leave(sub, WHY_CLIENT_GONE);
		break;
	case SHUNT_ROOM:
		sub->out.stuck = false;
		feed(ss, sub);
		break;
	case SHUNT_GONE: gone(ss, sub, ev->stat, ev->why, ev->error); break;
	default: break;
	}
}

/* -- all of them -- */

void split_subs_feed(struct split_subs *ss)
{
	struct list *n;

	list_each(n, &ss->all)
		feed(ss, list_of(n, struct split_sub, in));
}

void split_subs_mind(struct split_subs *ss, uint64_t until)
{
	struct list *n;

	list_each(n, &ss->all) {
		struct split_sub *sub = list_of(n, struct split_sub, in);

		if (sub->state != SUB_LIVE || sub->out.skipping ||
		    split_out_sent(&sub->out, ss->s) >= until)
			continue;
		if (ss->conf->on_lag == SPLIT_CLOSE)
			cut(sub, WHY_LAG);
		else
			split_out_skip(&sub->out, ss->s, ss->ring);
	}
}

uint64_t split_subs_needed(struct split_subs *ss)
{
	uint64_t least = UINT64_MAX;
	struct list *n;

	ss->lag = 0;
	list_each(n, &ss->all) {
		struct split_sub *sub = list_of(n, struct split_sub, in);

		if (sub->state != SUB_LIVE || sub->out.skipping)
			continue;
		uint64_t sent = split_out_sent(&sub->out, ss->s), lag = ss->ring->ready - sent;

		if (lag > sub->most_lag)
			sub->most_lag = lag;
		if (lag > ss->lag)
			ss->lag = lag;
		if (sent < least)
			least = sent;
	}
	return least;
}

void split_subs_finish(struct split_subs *ss, bool cut_off)
{
	struct list *n;

	list_each(n, &ss->all) {
		struct split_sub *sub = list_of(n, struct split_sub, in);

		if (sub->state != SUB_LIVE)
			continue;
		sub->out.last = ss->ring->ready;
		sub->cut_off = cut_off;
		if (sub->out.skipping) { /* there is nothing that he could go on with */
			sub->out.skipped += sub->out.last - sub->out.pos;
			sub->out.pos = sub->out.last;
		}
		end_of_stream(ss, sub);
	}
}

void split_subs_cut(struct split_subs *ss, enum why why)
{
	struct list *n;

	list_each(n, &ss->all)
		cut(list_of(n, struct split_sub, in), why);
}

static void look_after(struct split_subs *ss, struct split_sub *sub)
{
	uint64_t patience = ss->conf->idle_timeout;
	struct shunt_stat st;
	struct split_answer a;

	if (shunt_stat(ss->s, sub->out.end, &st) < 0)
		return;
	if (sub->state == SUB_ASKED && ss->now >= sub->due) {
		split_http_refuse(&a, 408);
		answer(ss, sub, &a);
	} else if (patience && (st.queued > 0 || sub->out.skipping) && st.idle_ms >= patience) {
		cut(sub, WHY_IDLE);
	} else if (sub->state == SUB_LEAVING && st.queued == 0 && st.idle_ms >= LEAVE_MS) {
		let_go(ss, sub, &st);
	} else if (sub->state == SUB_LIVE) {
		feed(ss, sub); /* what there was no memory for may be had now */
	}
}

void split_subs_sweep(struct split_subs *ss)
{
	struct list *n, *next;

	list_each_safe(n, next, &ss->all)
		look_after(ss, list_of(n, struct split_sub, in));
}

void split_subs_sum(const struct split_subs *ss, struct split_sum *sum)
{
	struct list *n;

	*sum = ss->gone;
	list_each(n, &ss->all) {
		const struct split_sub *sub = list_of(n, struct split_sub, in);

		sum->skips += sub->out.skips;
		sum->skipped += sub->out.skipped;
	}
}
