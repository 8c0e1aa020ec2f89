/* SPDX-License-Identifier: BSD-2-Clause */
/* split_worker.c — the turn of a worker
 *
 *   an arrival, from the source or from the first worker:
 *     what nobody needs any more is let go, and the newest chunk put in its place ─▶ the arrival is
 *     added ─▶ while too much is held, the oldest chunk goes, and those who have not sent it yet hear of
 *     it before; or, if nobody is to lose anything, reading stops ─▶ all outputs are fed
 *
 * Orders are carried out at the next wait, so all outputs send before the next arrival is read.
 */
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

/* -- the stream -- */

static uint64_t needed(struct split_worker *w)
{
	uint64_t least = split_subs_needed(&w->subs);

	for (unsigned i = 0; i < w->links; i++) {
		const struct split_out *o = &w->link[i].out;
		uint64_t sent = o->end ? split_out_sent(o, w->s) : UINT64_MAX;

		if (sent < least)
			least = sent;
	}
	return least;
}

/* A newcomer may begin so far back. */
static uint64_t kept(const struct split_worker *w)
{
	uint64_t ready = w->ring.ready;

	return ready > w->conf->burst ? ready - w->conf->burst : 0;
}

static void pause_reading(struct split_worker *w, bool paused)
{
	w->paused = paused;
	split_source_pause(&w->source, paused);
	if (w->in)
		shunt_limit(w->in, paused ? 0 : SIZE_MAX);
}

static void make_room(struct split_worker *w)
{
	bool wait = w->conf->on_lag == SPLIT_WAIT;

	while (split_ring_over(&w->ring)) {
		uint64_t until = split_ring_oldest(&w->ring);

		if (wait && needed(w) < until) {
			pause_reading(w, true);
			return;
		}
		split_subs_mind(&w->subs, until);
		for (unsigned i = 0; i < w->links; i++)
			split_link_mind(&w->link[i], &w->ring, until);
		split_ring_release(&w->ring, until);
	}
	if (w->paused)
		pause_reading(w, false);
}

static void arrived(struct split_worker *w, struct shunt_buf *buf)
{
	uint64_t least = needed(w), keep = kept(w);

	split_ring_settle(&w->ring, least < keep ? least : keep);
	split_ring_add(&w->ring, buf);
	make_room(w);
	split_subs_feed(&w->subs);
	for (unsigned i = 0; i < w->links; i++)
		split_link_feed(&w->link[i], &w->ring);
}

/* Somebody may have caught up. */
static void go_on(struct split_worker *w)
{
	uint64_t least = needed(w), keep = kept(w);

	split_ring_release(&w->ring, least < keep ? least : keep);
	make_room(w);
}

static void source_began(struct split_worker *w)
{
	split_ring_begin(&w->ring, w->ring.ready);
}

static void source_ended(struct split_worker *w, bool cut_off)
{
	if (!w->conf->close_at_end && !w->left)
		return;
	split_subs_finish(&w->subs, cut_off);
	for (unsigned i = 0; i < w->links; i++)
		split_link_end(&w->link[i], &w->ring, cut_off);
}

static void source_said(struct split_worker *w, enum split_said said, const struct shunt_event *ev)
{
	if (said == SAID_BYTES)
		arrived(w, ev->buf);
	if (said == SAID_ENDED || said == SAID_BROKEN)
		source_ended(w, said == SAID_BROKEN);
	if (said == SAID_BEGAN || (said == SAID_BROKEN && w->source.here)) /* taken over */
		source_began(w);
}

/* -- from the first worker -- */

static void read_note(struct split_worker *w, const struct split_note *n)
{
	if (n->kind != NOTE_STRETCH) {
		split_subs_finish(&w->subs, n->kind == NOTE_CUT);
		return;
	}
	split_ring_begin(&w->ring, n->at);
	if (shunt_attach(w->s, n->fd, SHUNT_NONE, &w->feed, &w->in) < 0) {
		w->in = NULL;
		sys_close(n->fd);
	}
}

static void read_notes(struct split_worker *w)
{
	struct split_note *n;

	while (!w->in && (n = split_mail_take(&w->mail))) {
		read_note(w, n);
		free(n);
	}
}

static void fed(struct split_worker *w, const struct shunt_event *ev)
{
	if (ev->end != w->in)
		return;
	if (ev->what == SHUNT_ARRIVED)
		arrived(w, ev->buf);
	if (ev->what == SHUNT_ENDED || ev->what == SHUNT_BROKEN) {
		w->in = NULL;
		read_notes(w);
	}
}

/* -- doors -- */

static void shut_doors(struct split_worker *w)
{
	for (size_t i = 0; i < w->doors; i++)
		if (w->door[i].end) {
			shunt_detach(w->door[i].end);
			w->door[i].end = NULL;
		}
	w->shut = true;
	w->open_again = w->subs.now + SHUT_MS;
}

static void open_doors(struct split_worker *w)
{
	w->shut = false;
	for (size_t i = 0; i < w->doors; i++) {
		struct split_door *d = &w->door[i];

		if (!d->end && shunt_attach(w->s, d->fd, SHUNT_WATCH, d, &d->end) < 0) {
			w->shut = true;
			w->open_again = w->subs.now + SHUT_MS;
		}
	}
}

static void say_once(struct split_worker *w, const char *what)
{
	static _Thread_local struct log_limit limit = LOG_LIMIT(1, 10000);
	uint64_t held;

	if (log_may(&limit, w->subs.now, &held)) {
		struct log_line l;

		log_begin(&l, LOG_WARN_LEVEL);
		log_text(&l, "msg", what);
		log_number(&l, "subscribers", atomic_load(w->running_in_all));
		log_held(&l, held);
		log_end(&l);
	}
}

static void let_in(struct split_worker *w, struct split_door *d)
{
	for (int i = 0; i < ACCEPTS; i++) {
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
		if (atomic_load(w->running_in_all) >= w->conf->max_subscribers) {
			say_once(w, "the limit of subscribers is reached: one more is refused");
			split_sub_refuse(&w->subs, fd);
			continue;
		}
		atomic_fetch_add(w->running_in_all, 1);
		split_sub_begin(&w->subs, fd, &from, d->text);
	}
}

/* -- wishes -- */

static void drain(struct split_worker *w)
{
	uint64_t limit = w->conf->drain_timeout;

	w->drained_by = limit ? w->subs.now + limit : UINT64_MAX;
	if (w->number != 0)
		return; /* the first worker's note tells when the source has ended */
	if (w->source.here) {
		w->source.closed = true;
	} else {
		split_source_close(&w->source);
		source_ended(w, false);
	}
}

static void obey(struct split_worker *w)
{
	int wish = atomic_load(&w->wish);

	if (wish == SPLIT_RUN)
		return;
	if (!w->left) {
		shut_doors(w);
		w->doors = 0;
		w->shut = false;
		w->left = true;
	}
	if (wish == SPLIT_STOP) {
		split_subs_cut(&w->subs, WHY_STOP);
		if (w->number == 0)
			split_source_close(&w->source);
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
	case SPLIT_SUB: split_sub_event(&w->subs, ev); break;
	case SPLIT_DOOR:
		if (ev->what == SHUNT_READY)
			let_in(w, ev->user);
		break;
	case SPLIT_SOURCE: source_said(w, split_source_event(&w->source, ev), ev); break;
	case SPLIT_SOURCE_DOOR:
		if (ev->what == SHUNT_READY)
			source_said(w, split_source_knock(&w->source), ev);
		break;
	case SPLIT_LINK: split_link_event(link_of(ev), ev, &w->ring); break;
	case SPLIT_FEED: fed(w, ev); break;
	case SPLIT_MAIL:
		split_mail_woken(&w->mail);
		read_notes(w);
		break;
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
	uint64_t now = w->subs.now, due = split_source_due(&w->source);

	if (w->subs.count > 0 || w->conf->admin)
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

	shunt_stat(w->s, NULL, &st);
	split_subs_sum(&w->subs, &sum);
	atomic_store_explicit(&c->running, w->subs.count, memory_order_relaxed);
	atomic_store_explicit(&c->ended, w->subs.ended, memory_order_relaxed);
	atomic_store_explicit(&c->in, w->source.bytes_before + w->source.bytes,
			      memory_order_relaxed);
	atomic_store_explicit(&c->sources, w->source.number, memory_order_relaxed);
	atomic_store_explicit(&c->source_here, w->source.here, memory_order_relaxed);
	atomic_store_explicit(&c->out, st.out, memory_order_relaxed);
	atomic_store_explicit(&c->skips, sum.skips, memory_order_relaxed);
	atomic_store_explicit(&c->skipped, sum.skipped, memory_order_relaxed);
	atomic_store_explicit(&c->lag, w->subs.lag, memory_order_relaxed);
	atomic_store_explicit(&c->held, w->ring.footprint, memory_order_relaxed);
	for (int i = 0; i < SHUNT_ENGINES; i++)
		atomic_store_explicit(&c->moved[i], st.moved[i], memory_order_relaxed);
}

/* For who shows them; without memory he sees those who were there before. */
static void show_subs(struct split_worker *w)
{
	struct split_seen *seen = &w->seen;
	struct list *n;

	pthread_mutex_lock(&seen->lock);
	if (w->subs.count > seen->room) {
		struct split_seen_sub *more = sys_alloc(2 * w->subs.count * sizeof(*more));

		if (more) {
			free(seen->sub);
			seen->sub = more;
			seen->room = 2 * w->subs.count;
		}
	}
	seen->count = 0;
	list_each(n, &w->subs.all) {
		const struct split_sub *sub = list_of(n, struct split_sub, in);

		if (sub->state != SUB_LIVE || seen->count == seen->room)
			continue;
		struct split_seen_sub *s = &seen->sub[seen->count++];

		s->number = sub->number;
		s->lag = sub->out.skipping ? 0 : w->ring.ready - split_out_sent(&sub->out, w->s);
		s->skips = sub->out.skips;
		memcpy(s->client, sub->client, sizeof(s->client));
	}
	pthread_mutex_unlock(&seen->lock);
}

static void by_time(struct split_worker *w)
{
	if (w->number == 0) {
		enum split_said said = split_source_tick(&w->source, w->subs.now);

		source_said(w, said, NULL);
	}
	if (w->subs.now >= w->swept + SWEEP_MS) {
		w->swept = w->subs.now;
		split_subs_sweep(&w->subs);
		publish(w);
		if (w->conf->admin)
			show_subs(w);
	}
	if (w->drained_by && w->subs.now >= w->drained_by)
		split_subs_cut(&w->subs, WHY_DRAIN);
	if (w->shut && w->subs.now >= w->open_again)
		open_doors(w);
	if (w->paused)
		go_on(w);
}

static void turn(struct split_worker *w)
{
	struct shunt_event ev[EVENTS];
	int n = shunt_wait(w->s, ev, EVENTS, wait_ms(w));

	w->subs.now = w->source.now = clock_ms();
	for (int i = 0; i < n; i++)
		take(w, &ev[i]);
	by_time(w);
	if (w->subs.ended != w->told_ended) {
		atomic_fetch_sub(w->running_in_all, w->subs.ended - w->told_ended);
		w->told_ended = w->subs.ended;
		publish(w);
	}
}

/* Draining, the first worker stays until all have had their stream. */
static bool is_over(const struct split_worker *w)
{
	int wish = atomic_load(&w->wish);

	if (wish == SPLIT_RUN || w->subs.count > 0)
		return false;
	return wish == SPLIT_STOP || w->number != 0 || atomic_load(w->running_in_all) == 0;
}

static void *run(void *arg)
{
	struct split_worker *w = arg;
	uint64_t one = 1;

	while (!is_over(w))
		turn(w);
	if (w->number == 0)
		split_source_close(&w->source);
	publish(w);
	atomic_store(&w->finished, true);
	if (write(w->done, &one, sizeof(one)) < 0)
		log_say(LOG_ERROR_LEVEL, "a worker could not tell what it has done");
	return NULL;
}

/* -- beginning and end -- */

int split_worker_open(struct split_worker *w, const struct split_conf *conf, unsigned number,
		      struct listener *listeners, int done, _Atomic uint64_t *running_in_all)
{
	static enum split_thing control = SPLIT_CONTROL;
	struct shunt_options o = SHUNT_OPTIONS;
	struct shunt_end *end;

	*w = (struct split_worker){ .conf = conf,
				    .number = number,
				    .done = done,
				    .running_in_all = running_in_all,
				    .feed = SPLIT_FEED,
				    .source = { .due = UINT64_MAX } };
	pthread_mutex_init(&w->seen.lock, NULL);
	o.engine = conf->engine;
	o.unit = conf->unit;
	o.queue_limit = split_out_queue_limit(conf->align);
	o.outstanding = SIZE_MAX; /* what is held is the ring's to limit */
	w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int r = w->wake < 0 ? -errno : shunt_open(&w->s, &o);

	if (r == 0)
		r = shunt_attach(w->s, w->wake, SHUNT_WATCH, &control, &end);
	if (r == 0)
		r = split_ring_open(&w->ring, conf->lag + conf->burst, conf->unit, conf->align);
	if (r == 0 && number != 0)
		r = split_mail_open(&w->mail);
	if (r == 0 && number != 0)
		r = shunt_attach(w->s, w->mail.wake, SHUNT_WATCH, &w->mail, &end);
	if (r < 0)
		return r;
	split_subs_init(&w->subs, w->s, conf, &w->ring);
	w->subs.now = w->source.now = w->swept = clock_ms();
	for (size_t i = 0; i < conf->listens; i++)
		w->door[w->doors++] = (struct split_door){ .thing = SPLIT_DOOR,
							   .fd = listeners[i].fd[number],
							   .text = listeners[i].text };
	open_doors(w);
	return w->shut ? -ENOMEM : 0;
}

int split_worker_connect(struct split_worker *w, const struct split_ways *ways)
{
	w->link = ways->count ? sys_alloc(ways->count * sizeof(*w->link)) : NULL;
	if (ways->count && !w->link)
		return -ENOMEM;
	for (; w->links < ways->count; w->links++)
		split_link_init(&w->link[w->links], w->s, &ways->others[w->links].mail,
				w->conf->unit);
	return split_source_open(&w->source, w->s, w->conf, ways->source_door);
}

int split_worker_start(struct split_worker *w)
{
	int r = signals_thread(&w->thread, run, w);

	w->started = r == 0;
	return r;
}

void split_worker_wish(struct split_worker *w, enum split_wish wish)
{
	uint64_t one = 1;

	atomic_store(&w->wish, wish);
	if (write(w->wake, &one, sizeof(one)) < 0)
		log_say(LOG_ERROR_LEVEL, "a worker could not be woken");
}

void split_worker_close(struct split_worker *w)
{
	if (w->ring.chunk)
		split_ring_close(&w->ring);
	if (w->subs.s)
		split_subs_free(&w->subs);
	shunt_close(w->s);
	split_mail_close(&w->mail);
	pthread_mutex_destroy(&w->seen.lock);
	free(w->seen.sub);
	free(w->link);
	if (w->wake >= 0)
		close(w->wake);
}
