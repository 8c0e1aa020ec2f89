/* SPDX-License-Identifier: BSD-2-Clause */
/* worker.c — the turn of a worker, as a list of calls
 *
 *   wait ─▶ events: sessions, doors, wishes ─▶ timers ─▶ doors open or shut ─▶ counts published
 *
 * The doors are shut at --max-connections and when the process runs out of descriptors: clients then
 * wait in the kernel's backlog, and a door that stays ready spins nothing, since it is not watched.
 * Shut doors are tried again after a moment, for it may be another worker that lets go.
 */
#include "daemon/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"

enum { EVENTS = 128, ACCEPTS = 64, BACKLOG = 4096, SHUT_MS = 100, MERCY_MS = 500 };

static void shut_doors(struct worker *w)
{
	for (size_t i = 0; i < w->doors; i++)
		if (w->door[i].end) {
			shunt_detach(w->door[i].end);
			w->door[i].end = NULL;
		}
	w->closed = true;
	w->open_again = w->sessions.now + SHUT_MS;
}

static bool at_limit(const struct worker *w)
{
	return atomic_load(w->running_in_all) >= w->conf->max_connections;
}

static void open_doors(struct worker *w)
{
	w->closed = false;
	w->sessions.short_of_fds = false; /* try, and see */
	for (size_t i = 0; i < w->doors; i++) {
		struct door *d = &w->door[i];

		if (!d->end && shunt_attach(w->sessions.s, d->fd, SHUNT_WATCH, d, &d->end) < 0) {
			w->closed = true;
			w->open_again = w->sessions.now + SHUT_MS;
		}
	}
}

static void too_many(struct worker *w, const char *what)
{
	static _Thread_local struct log_limit limit = LOG_LIMIT(1, 10000);
	uint64_t held;

	shut_doors(w);
	if (log_may(&limit, w->sessions.now, &held)) {
		struct log_line l;

		log_begin(&l, LOG_WARN_LEVEL);
		log_format(&l, "msg", "%s: new clients wait until some have gone", what);
		log_number(&l, "connections", w->sessions.count);
		log_held(&l, held);
		log_end(&l);
	}
}

/* Is this the process's lack, and not the client's fault? */
static bool lack(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

/* What is in the way of one more client, or NULL. */
static const char *obstacle(const struct worker *w)
{
	if (w->sessions.short_of_fds)
		return "no file descriptors left";
	return at_limit(w) ? "the limit of connections is reached" : NULL;
}

/* One client. 0, -EAGAIN: nobody waits, or what accept said. */
static int let_one_in(struct worker *w, const struct door *d)
{
	struct addr from = { .len = sizeof(from.ss) };
	int fd = sys_accept(d->fd, &from.ss, &from.len);

	if (fd < 0)
		return fd;
	atomic_fetch_add(w->running_in_all, 1);
	session_begin(&w->sessions, fd, &from, d->text);
	return 0;
}

static void let_in(struct worker *w, struct door *d)
{
	for (int i = 0; i < ACCEPTS; i++) {
		const char *what = obstacle(w);
		int r = what ? 0 : let_one_in(w, d);

		if (lack(r))
			what = "no file descriptors or memory left";
		if (what) {
			too_many(w, what);
			return;
		}
		if (r == -EAGAIN)
			return; /* any other failure is one client's, who has left again */
	}
}

static void publish(struct worker *w, uint64_t *ended)
{
	struct shunt_stat st;
	struct worker_counts *c = &w->counts;

	shunt_stat(w->sessions.s, NULL, &st);
	atomic_store_explicit(&c->running, w->sessions.count, memory_order_relaxed);
	atomic_store_explicit(&c->ended, w->sessions.ended, memory_order_relaxed);
	atomic_store_explicit(&c->in, st.in, memory_order_relaxed);
	atomic_store_explicit(&c->out, st.out, memory_order_relaxed);
	for (int i = 0; i < SHUNT_ENGINES; i++)
		atomic_store_explicit(&c->moved[i], st.moved[i], memory_order_relaxed);
	atomic_fetch_sub(w->running_in_all, w->sessions.ended - *ended);
	*ended = w->sessions.ended;
}

static void tell_daemon(struct worker *w, _Atomic bool *what)
{
	uint64_t one = 1;

	atomic_store(what, true);
	if (write(w->done, &one, sizeof(one)) < 0)
		log_say(LOG_ERROR_LEVEL, "a worker could not tell what it has done");
}

/* For good: the daemon closes the sockets, and the port is free. Who has come already and waits in
 * the backlog would be reset then; when draining they are let in first, beyond any limit of ours. */
static void leave_doors(struct worker *w, bool let_in_first)
{
	for (size_t i = 0; i < w->doors; i++) {
		for (int n = 0; let_in_first && n < BACKLOG; n++) {
			int r = let_one_in(w, &w->door[i]);

			if (r == -EAGAIN || lack(r))
				break;
		}
		if (w->door[i].end)
			shunt_detach(w->door[i].end);
		w->door[i].end = NULL;
	}
	w->doors = 0;
	w->closed = false;
	tell_daemon(w, &w->shut);
}

static void obey(struct worker *w)
{
	int wish = atomic_load(&w->wish);

	if (wish == WISH_RUN)
		return;
	if (!atomic_load(&w->shut))
		leave_doors(w, wish == WISH_DRAIN);
	if (!w->conf->reset_grafts)
		sessions_leave(&w->sessions);
	if (wish == WISH_STOP) {
		sessions_cut(&w->sessions, WHY_STOP, true);
		w->cut_by = w->sessions.now + MERCY_MS;
	} else if (!w->drained_by) {
		uint64_t limit = w->conf->drain_timeout;

		w->drained_by = limit ? w->sessions.now + limit : UINT64_MAX;
	}
}

static void take(struct worker *w, const struct shunt_event *ev)
{
	switch (*(const enum thing *)ev->user) {
	case THING_SESSION: session_event(&w->sessions, ev); break;
	case THING_LISTENER:
		if (ev->what == SHUNT_READY)
			let_in(w, ev->user);
		break;
	case THING_CONTROL: {
		uint64_t n;

		if (read(w->wake, &n, sizeof(n)) > 0)
			obey(w);
		break;
	}
	}
}

/* The soonest of all that must be done by time. */
static int wait_ms(struct worker *w)
{
	uint64_t due = sessions_due(&w->sessions);

	if (w->closed && w->open_again < due)
		due = w->open_again;
	if (w->drained_by && w->drained_by < due)
		due = w->drained_by;
	if (w->cut_by && w->cut_by < due)
		due = w->cut_by;
	if (due == UINT64_MAX)
		return -1;
	if (due <= w->sessions.now)
		return 0;
	return due - w->sessions.now > INT32_MAX ? INT32_MAX : (int)(due - w->sessions.now);
}

static void turn(struct worker *w, uint64_t *ended)
{
	struct shunt_event ev[EVENTS];
	struct sessions *ss = &w->sessions;
	int n = shunt_wait(ss->s, ev, EVENTS, wait_ms(w));

	ss->now = clock_ms();
	for (int i = 0; i < n; i++)
		take(w, &ev[i]);
	if (w->drained_by && ss->now >= w->drained_by)
		sessions_cut(ss, WHY_DRAIN, false);
	if (w->cut_by && ss->now >= w->cut_by)
		sessions_cut(ss, WHY_STOP, false);
	publish(w, ended);
	if (w->closed && ss->now >= w->open_again) {
		if (at_limit(w)) /* another worker may let go: look again after a moment */
			w->open_again = ss->now + SHUT_MS;
		else
			open_doors(w);
	}
}

static void *run(void *arg)
{
	struct worker *w = arg;
	uint64_t ended = 0;

	while (atomic_load(&w->wish) == WISH_RUN || w->sessions.count > 0)
		turn(w, &ended);
	tell_daemon(w, &w->finished);
	return NULL;
}

int worker_open(struct worker *w, const struct relay_conf *conf, unsigned number,
		struct listener *listeners, struct shunt_graft *graft, int done,
		_Atomic uint64_t *running_in_all)
{
	static enum thing control = THING_CONTROL;
	struct shunt_options o = SHUNT_OPTIONS;
	struct sessions *ss = &w->sessions;
	struct shunt_end *end;

	*w = (struct worker){
		.conf = conf, .number = number, .done = done, .running_in_all = running_in_all
	};
	o.engine = conf->engine;
	o.unit = conf->unit;
	o.receive_limit = conf->receive_limit;
	o.graft = graft;
	ss->conf = conf;
	ss->now = clock_ms();
	list_init(&ss->all);
	timers_init(&ss->timers);
	w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int r = w->wake < 0 ? -errno : shunt_open(&ss->s, &o);

	if (r == 0)
		r = shunt_attach(ss->s, w->wake, SHUNT_WATCH, &control, &end);
	for (size_t i = 0; r == 0 && i < conf->listens; i++)
		w->door[w->doors++] = (struct door){ .thing = THING_LISTENER,
						     .fd = listeners[i].fd[number],
						     .text = listeners[i].text };
	if (r == 0)
		open_doors(w);
	return r == 0 && w->closed ? -ENOMEM : r;
}

/* Signals are the main thread's. */
int worker_start(struct worker *w)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&w->thread, NULL, run, w);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->started = r == 0;
	return -r;
}

void worker_wish(struct worker *w, enum wish wish)
{
	uint64_t one = 1;

	atomic_store(&w->wish, wish);
	if (write(w->wake, &one, sizeof(one)) < 0)
		log_say(LOG_ERROR_LEVEL, "a worker could not be woken");
}

void worker_close(struct worker *w)
{
	shunt_close(w->sessions.s);
	timers_free(&w->sessions.timers);
	if (w->wake >= 0)
		close(w->wake);
}
