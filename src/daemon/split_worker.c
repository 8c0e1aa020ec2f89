/* SPDX-License-Identifier: BSD-2-Clause */
/* split_worker.c — the turn of a worker: doors, wishes, what is done by time; what becomes of the stream is
 * told in daemon/split_flow.c */
#include "daemon/split_worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "daemon/signals.h"

enum { EVENTS = 256, ACCEPTS = 64, SHUT_MS = 100, SWEEP_MS = 1000, PATIENCE_MS = 100 };

/* -- doors -- */

static void shut_doors(struct split_worker *w)
{
	for (size_t i = 0; i < w->doors; i++)
		if (w->door[i].end) {
			shunt_detach(w->door[i].end);
			w->door[i].end = NULL;
		}
	w->shut = true;
	w->open_again = w->flow.subs.now + SHUT_MS;
}

static void open_doors(struct split_worker *w)
{
	w->shut = false;
	for (size_t i = 0; i < w->doors; i++) {
		struct split_door *d = &w->door[i];

		if (!d->end && shunt_attach(w->flow.s, d->fd, SHUNT_WATCH, d, &d->end) < 0) {
			w->shut = true;
			w->open_again = w->flow.subs.now + SHUT_MS;
		}
	}
}

static void say_once(struct split_worker *w, const char *what)
{
	static _Thread_local struct log_limit limit = LOG_LIMIT(1, 10000);
	uint64_t held;

	if (log_may(&limit, w->flow.subs.now, &held)) {
		struct log_line l;

		log_begin(&l, LOG_WARN_LEVEL);
		log_text(&l, "msg", what);
		log_text(&l, "split", w->shared->label);
		log_number(&l, "subscribers", atomic_load(&w->shared->running));
		log_held(&l, held);
		log_end(&l);
	}
}

static void let_in(struct split_worker *w, struct split_door *d)
{
	for (int i = 0; d->end && i < ACCEPTS; i++) {
		struct addr from = { .len = sizeof(from.ss) };
		int fd = sys_accept(d->fd, &from.ss, &from.len);

		if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
			say_once(w, "no file descriptors or memory left: new subscribers wait");
			shut_doors(w);
			return;
		}
		if (fd == -EAGAIN)
			return; /* any other failure is one client's, who has left again */
		if (fd < 0)
			continue;
		if (atomic_load(&w->shared->running) >= atomic_load(&w->shared->most)) {
			say_once(w, "the limit of subscribers is reached: one more is refused");
			split_sub_refuse(&w->flow.subs, fd);
			continue;
		}
		atomic_fetch_add(&w->shared->running, 1);
		split_sub_begin(&w->flow.subs, fd, &from, d->text);
	}
}

/* -- wishes -- */

static void drain(struct split_worker *w)
{
	uint64_t limit = atomic_load(&w->shared->drain_ms);

	w->drained_by = limit ? w->flow.subs.now + limit : UINT64_MAX;
	if (w->number == 0) /* to the others its note tells when the source has ended */
		split_flow_last(&w->flow);
}

static void tell_daemon(struct split_worker *w)
{
	uint64_t one = 1;

	if (write(w->shared->done, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_say(LOG_ERROR_LEVEL, "a worker could not tell what it has done");
}

/* For good. */
static void leave_doors(struct split_worker *w)
{
	shut_doors(w);
	w->doors = 0;
	w->shut = false;
	if (w->number == 0)
		split_source_shut(&w->flow.source);
	atomic_store(&w->left, true);
	tell_daemon(w);
}

static void obey(struct split_worker *w)
{
	int wish = atomic_load(&w->wish);

	if (wish == SPLIT_RUN)
		return;
	if (!w->left)
		leave_doors(w);
	if (wish == SPLIT_STOP) {
		split_subs_cut(&w->flow.subs, WHY_STOP);
		if (w->number == 0)
			split_source_close(&w->flow.source);
	} else if (!w->drained_by) {
		drain(w);
	}
}

/* -- the turn -- */

static struct split_link *link_of(const struct shunt_event *ev)
{
	return ev->user;
}

static void take(struct split_worker *w, const struct shunt_event *ev)
{
	uint64_t n;

	switch (*(const enum split_thing *)ev->user) {
	case SPLIT_SUB: split_sub_event(&w->flow.subs, ev); break;
	case SPLIT_DOOR:
		if (ev->what == SHUNT_READY)
			let_in(w, ev->user);
		break;
	case SPLIT_SOURCE:
		split_flow_said(&w->flow, split_source_event(&w->flow.source, ev), ev);
		break;
	case SPLIT_SOURCE_DOOR:
		if (ev->what == SHUNT_READY)
			split_flow_said(&w->flow, split_source_knock(&w->flow.source), ev);
		break;
	case SPLIT_LINK: split_link_event(link_of(ev), ev, &w->flow.ring); break;
	case SPLIT_FEED: split_flow_fed(&w->flow, ev); break;
	case SPLIT_MAIL: split_flow_noted(&w->flow); break;
	case SPLIT_CONTROL:
		if (read(w->wake, &n, sizeof(n)) > 0)
			obey(w);
		break;
	case SPLIT_PASSING: break;
	}
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int wait_ms(const struct split_worker *w)
{
	uint64_t now = w->flow.subs.now, due = split_source_due(&w->flow.source);

	if (w->flow.subs.count > 0 || atomic_load(&w->shared->shown))
		due = sooner(due, w->swept + SWEEP_MS);
	if (w->shut)
		due = sooner(due, w->open_again);
	if (w->left)
		due = sooner(due, now + PATIENCE_MS);
	if (due == UINT64_MAX)
		return -1;
	if (due <= now)
		return 0;
	return due - now > INT32_MAX ? INT32_MAX : (int)(due - now);
}

static void publish(struct split_worker *w)
{
	struct split_counts *c = &w->counts;
	struct split_sum sum;
	struct shunt_stat st;

	shunt_stat(w->flow.s, NULL, &st);
	split_subs_sum(&w->flow.subs, &sum);
	atomic_store_explicit(&c->running, w->flow.subs.count, memory_order_relaxed);
	atomic_store_explicit(&c->ended, w->flow.subs.ended, memory_order_relaxed);
	atomic_store_explicit(&c->in, w->flow.source.bytes_before + w->flow.source.bytes,
			      memory_order_relaxed);
	atomic_store_explicit(&c->sources, w->flow.source.number, memory_order_relaxed);
	atomic_store_explicit(&c->source_here, w->flow.source.here, memory_order_relaxed);
	atomic_store_explicit(&c->out, st.out, memory_order_relaxed);
	atomic_store_explicit(&c->skips, sum.skips, memory_order_relaxed);
	atomic_store_explicit(&c->skipped, sum.skipped, memory_order_relaxed);
	atomic_store_explicit(&c->lag, w->flow.subs.lag, memory_order_relaxed);
	atomic_store_explicit(&c->held, w->flow.ring.footprint, memory_order_relaxed);
	for (int i = 0; i < SHUNT_ENGINES; i++)
		atomic_store_explicit(&c->moved[i], st.moved[i], memory_order_relaxed);
}

/* For who shows them; without memory he sees those who were there before. */
static void show_subs(struct split_worker *w)
{
	struct split_seen *seen = &w->seen;
	struct list *n;

	pthread_mutex_lock(&seen->lock);
	if (w->flow.subs.count > seen->room) {
		struct split_seen_sub *more = sys_alloc(2 * w->flow.subs.count * sizeof(*more));

		if (more) {
			free(seen->sub);
			seen->sub = more;
			seen->room = 2 * w->flow.subs.count;
		}
	}
	seen->count = 0;
	list_each(n, &w->flow.subs.all) {
		const struct split_sub *sub = list_of(n, struct split_sub, in);

		if (sub->state != SUB_LIVE || seen->count == seen->room)
			continue;
		struct split_seen_sub *s = &seen->sub[seen->count++];

		s->number = sub->number;
		s->lag = sub->out.skipping
				 ? 0
				 : w->flow.ring.ready - split_out_sent(&sub->out, w->flow.s);
		s->skips = sub->out.skips;
		memcpy(s->client, sub->client, sizeof(s->client));
	}
	pthread_mutex_unlock(&seen->lock);
}

static void by_time(struct split_worker *w)
{
	if (w->number == 0) {
		enum split_said said = split_source_tick(&w->flow.source, w->flow.subs.now);

		split_flow_said(&w->flow, said, NULL);
	}
	if (w->flow.subs.now >= w->swept + SWEEP_MS) {
		w->swept = w->flow.subs.now;
		split_subs_sweep(&w->flow.subs);
		publish(w);
		if (atomic_load(&w->shared->shown))
			show_subs(w);
	}
	if (w->drained_by && w->flow.subs.now >= w->drained_by)
		split_subs_cut(&w->flow.subs, WHY_DRAIN);
	if (w->shut && w->flow.subs.now >= w->open_again)
		open_doors(w);
	split_flow_again(&w->flow);
}

static void turn(struct split_worker *w)
{
	struct shunt_event ev[EVENTS];
	int n = shunt_wait(w->flow.s, ev, EVENTS, wait_ms(w));

	w->flow.subs.now = w->flow.source.now = clock_ms();
	for (int i = 0; i < n; i++)
		take(w, &ev[i]);
	by_time(w);
	if (w->flow.subs.ended != w->told_ended) {
		atomic_fetch_sub(&w->shared->running, w->flow.subs.ended - w->told_ended);
		w->told_ended = w->flow.subs.ended;
		publish(w);
	}
}

/* Draining, the first worker stays until all have had their stream. */
static bool is_over(const struct split_worker *w)
{
	int wish = atomic_load(&w->wish);

	if (wish == SPLIT_RUN || w->flow.subs.count > 0)
		return false;
	return wish == SPLIT_STOP || w->number != 0 || atomic_load(&w->shared->running) == 0;
}

static void *run(void *arg)
{
	struct split_worker *w = arg;

	while (!is_over(w))
		turn(w);
	if (w->number == 0)
		split_source_close(&w->flow.source);
	publish(w);
	atomic_store(&w->finished, true);
	tell_daemon(w);
	return NULL;
}

/* -- beginning and end -- */

int split_worker_open(struct split_worker *w, struct split_shared *shared, unsigned number,
		      struct listener *const *listener)
{
	static enum split_thing control = SPLIT_CONTROL;
	struct split_flow *f = &w->flow;
	struct shunt_end *end;

	*w = (struct split_worker){ .shared = shared, .number = number };
	pthread_mutex_init(&w->seen.lock, NULL);
	w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int r = w->wake < 0 ? -errno : split_flow_open(f, shared);

	if (r == 0)
		r = shunt_attach(f->s, w->wake, SHUNT_WATCH, &control, &end);
	if (r == 0 && number != 0)
		r = split_flow_mail(f);
	if (r < 0)
		return r;
	f->subs.now = f->source.now = w->swept = clock_ms();
	while (w->doors < shared->conf->listen.count) {
		size_t i = w->doors++;

		w->door[i] = (struct split_door){ .thing = SPLIT_DOOR,
						  .fd = listener[i]->fd[number],
						  .text = shared->text[i] };
	}
	open_doors(w);
	return w->shut ? -ENOMEM : 0;
}

int split_worker_connect(struct split_worker *w, const struct split_ways *ways)
{
	int r = split_flow_first(&w->flow, ways->source_door, ways->count);

	for (unsigned i = 0; r == 0 && i < ways->count; i++)
		split_flow_link(&w->flow, &ways->others[i].flow);
	return r;
}

int split_worker_start(struct split_worker *w)
{
	int r = signals_thread(&w->thread, run, w);

	w->started = r == 0;
	return r;
}

void split_worker_nudge(struct split_worker *w)
{
	uint64_t one = 1;

	if (write(w->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_say(LOG_ERROR_LEVEL, "a worker could not be woken");
}

void split_worker_wish(struct split_worker *w, enum split_wish wish)
{
	atomic_store(&w->wish, wish);
	split_worker_nudge(w);
}

void split_worker_close(struct split_worker *w)
{
	split_flow_close(&w->flow);
	pthread_mutex_destroy(&w->seen.lock);
	free(w->seen.sub);
	if (w->wake >= 0)
		close(w->wake);
}
