/* SPDX-License-Identifier: BSD-2-Clause */
/* worker.c — the turn of a worker, as a list of calls
 *
 *   wait ─▶ events: sessions, doors, wishes, mail ─▶ timers ─▶ doors open or shut ─▶ counts published
 *
 * Others speak to it by wishes, which stay, and by mail, which is read once: new rules, and a question how
 * its connections are. Both wake it.
 */
#include "daemon/worker.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "daemon/signals.h"

enum { EVENTS = 128, MERCY_MS = 500, CROWD = 512 };

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
	atomic_fetch_sub(&w->common->limit.running, w->sessions.ended - *ended);
	*ended = w->sessions.ended;
	atomic_fetch_add_explicit(&w->turns, 1, memory_order_relaxed);
}

static void tell_daemon(struct worker *w)
{
	uint64_t one = 1;

	if (write(w->common->done, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_say(LOG_ERROR_LEVEL, "a worker could not tell what it has done");
}

/* -- what others want -- */

static void obey(struct worker *w, int wish)
{
	if (!atomic_load(&w->shut)) {
		doors_leave(&w->doors, wish == WISH_DRAIN);
		atomic_store(&w->shut, true);
		tell_daemon(w);
	}
	if (!atomic_load(&w->common->reset_grafts))
		sessions_leave(&w->sessions);
	if (wish == WISH_STOP) {
		sessions_cut(&w->sessions, WHY_STOP, true);
		mirrors_cut(&w->sessions.mirrors);
		w->cut_by = w->sessions.now + MERCY_MS;
	} else if (!w->drained_by) {
		uint64_t limit = w->sessions.rules->conf->timeouts.drain;

		w->drained_by = limit ? w->sessions.now + limit : UINT64_MAX;
	}
}

static void take_rules(struct worker *w, struct rules *rules)
{
	if (!atomic_load(&w->shut) && doors_exchange(&w->doors, rules) < 0) {
		log_say(LOG_ERROR_LEVEL, "no memory for new rules: a worker goes by the old ones");
		rules_unref(rules);
	} else {
		rules_unref(w->sessions.rules);
		w->sessions.rules = rules;
	}
	atomic_fetch_add(&w->generation, 1);
	tell_daemon(w);
}

static void read_mail(struct worker *w)
{
	struct worker_mail *m = &w->mail;
	struct rules *rules;

	pthread_mutex_lock(&m->lock);
	rules = m->rules;
	m->rules = NULL;
	if (m->survey) {
		sessions_survey(&w->sessions, m->survey);
		m->survey = NULL;
		pthread_cond_signal(&m->answered);
	}
	pthread_mutex_unlock(&m->lock);
	if (rules)
		take_rules(w, rules);
}

static void on_wake(struct worker *w)
{
	uint64_t n;
	int wish;

	if (read(w->wake, &n, sizeof(n)) <= 0)
		return;
	read_mail(w);
	wish = atomic_load(&w->wish);
	if (wish != WISH_RUN)
		obey(w, wish);
}

static void take(struct worker *w, const struct shunt_event *ev)
{
	switch (*(const enum thing *)ev->user) {
	case THING_SESSION: session_event(&w->sessions, ev); break;
	case THING_MIRROR: mirror_event(&w->sessions.mirrors, ev, w->sessions.now); break;
	case THING_LISTENER:
		if (ev->what == SHUNT_READY)
			doors_ready(&w->doors, ev->user);
		break;
	case THING_CONTROL: on_wake(w); break;
	}
}

/* -- its turns -- */

/* The soonest of all that must be done by time. */
static int wait_ms(struct worker *w)
{
	uint64_t due = sessions_due(&w->sessions);
	uint64_t mirrors = mirrors_due(&w->sessions.mirrors, w->sessions.now);

	due = mirrors < due ? mirrors : due;

	if (w->doors.closed && w->doors.open_again < due)
		due = w->doors.open_again;
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

/* What a crowd needed goes back to the system when three quarters of it have left: malloc would keep it, since
 * single blocks that stay lie between. */
static void give_back(struct worker *w)
{
	unsigned count = w->sessions.count;

	if (count > w->crowd)
		w->crowd = count;
	if (w->crowd < CROWD || count > w->crowd / 4)
		return;
	malloc_trim(0);
	w->crowd = count;
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
	give_back(w);
	doors_again(&w->doors);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	uint64_t ended = 0;

	while (atomic_load(&w->wish) == WISH_RUN || w->sessions.count > 0 ||
	       !list_empty(&w->sessions.mirrors.all))
		turn(w, &ended);
	atomic_store(&w->finished, true);
	tell_daemon(w);
	return NULL;
}

/* -- from outside -- */

static void mail_init(struct worker_mail *m)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->answered, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&m->lock, NULL);
}

int worker_open(struct worker *w, struct worker_common *common, struct rules *rules,
		unsigned number)
{
	static enum thing control = THING_CONTROL;
	const struct conf *c = rules->conf;
	struct shunt_options o = SHUNT_OPTIONS;
	struct sessions *ss = &w->sessions;
	struct shunt_end *end;

	*w = (struct worker){ .common = common, .number = number };
	o.engine = c->engine;
	o.unit = c->unit;
	o.receive_limit = c->receive_limit;
	o.copy_below = c->copy_below;
	o.graft = common->graft;
	ss->rules = rules_ref(rules);
	ss->tallies = common->tallies;
	ss->guests = common->guests;
	ss->brief = common->brief;
	w->doors = (struct doors){ .sessions = ss, .limit = &common->limit, .number = number };
	ss->now = clock_ms();
	list_init(&ss->all);
	timers_init(&ss->timers);
	mail_init(&w->mail);
	w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int r = w->wake < 0 ? -errno : shunt_open(&ss->s, &o);

	mirrors_init(&ss->mirrors, ss->s, common->tallies);

	if (r == 0)
		r = shunt_attach(ss->s, w->wake, SHUNT_WATCH, &control, &end);
	if (r == 0)
		r = doors_exchange(&w->doors, rules);
	return r == 0 && w->doors.closed ? -ENOMEM : r;
}

int worker_start(struct worker *w)
{
	int r = signals_thread(&w->thread, run, w);

	w->started = r == 0;
	return r;
}

void worker_nudge(struct worker *w)
{
	uint64_t one = 1;

	if (w->wake >= 0 && write(w->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_say(LOG_ERROR_LEVEL, "a worker could not be woken");
}

void worker_wish(struct worker *w, enum wish wish)
{
	atomic_store(&w->wish, wish);
	worker_nudge(w);
}

void worker_rules(struct worker *w, struct rules *rules)
{
	struct rules *unread;

	pthread_mutex_lock(&w->mail.lock);
	unread = w->mail.rules;
	w->mail.rules = rules_ref(rules);
	pthread_mutex_unlock(&w->mail.lock);
	if (unread) { /* it never saw those: they count as taken */
		rules_unref(unread);
		atomic_fetch_add(&w->generation, 1);
	}
	worker_nudge(w);
}

int worker_survey(struct worker *w, struct survey *s, uint64_t wait_ms)
{
	struct worker_mail *m = &w->mail;
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(wait_ms / 1000);
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&m->lock);
	m->survey = s;
	worker_nudge(w);
	while (m->survey && r == 0)
		r = pthread_cond_timedwait(&m->answered, &m->lock, &until);
	r = m->survey ? -ETIME : 0;
	m->survey = NULL;
	pthread_mutex_unlock(&m->lock);
	return r;
}

void worker_close(struct worker *w)
{
	doors_leave(&w->doors, false);
	shunt_close(w->sessions.s);
	mirrors_free(&w->sessions.mirrors);
	timers_free(&w->sessions.timers);
	rules_unref(w->mail.rules);
	rules_unref(w->sessions.rules);
	pthread_mutex_destroy(&w->mail.lock);
	pthread_cond_destroy(&w->mail.answered);
	if (w->wake >= 0)
		close(w->wake);
}
