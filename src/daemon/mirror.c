/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"

enum { LEAVE_MS = 10000 };

struct mirror {
	enum thing thing; /* THING_MIRROR */
	struct list all;
	struct timer timer;
	struct shunt_end *end;
	struct mirror **owner;     /* NULL: the connection has ended */
	struct backends *backends; /* held */
	struct backend *backend;   /* of these */
	struct server *server;     /* chosen, to be given back */
	uint64_t conn;
	bool connected, cut; /* cut: by our own will */
};

void mirrors_init(struct mirrors *ms, struct shunt *s, struct tallies *tallies)
{
	*ms = (struct mirrors){ .s = s, .tallies = tallies };
	list_init(&ms->all);
	timers_init(&ms->timers);
}

static void say_cut(const struct mirror *m, const char *reason, uint64_t now)
{
	static _Thread_local struct log_limit limit = LOG_LIMIT(5, 10000);
	struct log_line l;
	uint64_t held;

	if (!log_may(&limit, now, &held))
		return;
	log_begin(&l, LOG_WARN_LEVEL);
	log_text(&l, "msg", "a mirror is cut; its connection goes on");
	log_number(&l, "conn", m->conn);
	log_text(&l, "backend", backend_conf(m->backend)->name);
	if (m->server)
		log_text(&l, "server", m->server->text);
	log_text(&l, "reason", reason);
	log_held(&l, held);
	log_end(&l);
}

static void mirror_free(struct mirrors *ms, struct mirror *m)
{
	timer_disarm(&ms->timers, &m->timer);
	list_remove(&m->all);
	if (m->owner)
		*m->owner = NULL;
	if (m->server)
		server_end(m->server);
	backends_unref(m->backends);
	free(m);
}

void mirrors_free(struct mirrors *ms)
{
	struct list *n;

	while ((n = list_first(&ms->all)))
		mirror_free(ms, list_of(n, struct mirror, all));
	timers_free(&ms->timers);
}

static void never_began(struct mirrors *ms, struct mirror *m, const char *reason, uint64_t now)
{
	tally_add(&ms->tallies->mirrors_cut, 1);
	say_cut(m, reason, now);
	mirror_free(ms, m);
}

void mirror_begin(struct mirrors *ms, struct mirror **owner, uint64_t conn, struct backends *bs,
		  const struct conf_backend *conf, const struct addr *client, uint64_t now)
{
	uint64_t connect_ms = backends_conf(bs)->timeouts.connect;
	const struct backend_tries none = { .id = NULL };
	struct mirror *m = sys_alloc(sizeof(*m));
	enum backend_answer answer;
	int r;

	tally_add(&ms->tallies->mirrors, 1);
	if (!m) {
		tally_add(&ms->tallies->mirrors_cut, 1);
		return;
	}
	*m = (struct mirror){ .thing = THING_MIRROR, .owner = owner, .conn = conn };
	m->backends = backends_ref(bs);
	m->backend = backends_get(bs, conf);
	list_add_tail(&ms->all, &m->all);
	answer = backend_pick(m->backend, client, &none, now, &m->server);
	if (answer != BACKEND_CHOSEN) {
		never_began(ms, m, backend_answer_text(answer), now);
		return;
	}
	r = shunt_connect(ms->s, (const struct sockaddr *)&m->server->addr.ss, m->server->addr.len,
			  NULL, SHUNT_NONE, m, &m->end);
	if (r < 0) {
		never_began(ms, m, strerror(-r), now);
		return;
	}
	if (connect_ms)
		timer_arm(&ms->timers, &m->timer, now + connect_ms);
	*owner = m;
}

void mirror_follow(struct mirror *m, struct shunt_end *server, size_t lag)
{
	shunt_tap(server, m->end, lag); /* refused: it is broken, and its own event tells */
}

void mirror_leave(struct mirrors *ms, struct mirror *m, bool complete, uint64_t now)
{
	m->owner = NULL;
	if (complete && shunt_finish(m->end) == 0 &&
	    timer_arm(&ms->timers, &m->timer, now + LEAVE_MS) == 0)
		return;
	m->cut = !complete;
	shunt_abort(m->end);
}

/* -- events -- */

static void count_bytes(const struct mirror *m, const struct shunt_stat *st)
{
	struct moved moved = { { { 0 } } };

	memcpy(moved.by[TALLY_UP], st->moved, sizeof(moved.by[TALLY_UP]));
	server_moved(m->server, &moved);
}

static void on_gone(struct mirrors *ms, struct mirror *m, const struct shunt_event *ev,
		    uint64_t now)
{
	struct backend_tries tries = { .id = NULL };
	struct server *s = m->server;

	count_bytes(m, ev->stat);
	if (!m->cut && ev->why != SHUNT_WHY_DONE) {
		tally_add(&ms->tallies->mirrors_cut, 1);
		say_cut(m,
			ev->why == SHUNT_WHY_ABORTED ? "it was too slow" : shunt_why_text(ev->why),
			now);
	}
	if (!m->connected && !m->cut && ev->why != SHUNT_WHY_BEHIND) {
		m->server = NULL;
		backend_failed(m->backend, s, &tries, ev->error ? ev->error : ETIMEDOUT, now);
		backend_tries_free(&tries);
	}
	mirror_free(ms, m);
}

void mirror_event(struct mirrors *ms, const struct shunt_event *ev, uint64_t now)
{
	struct mirror *m = ev->user;

	if (ev->what == SHUNT_GONE) {
		on_gone(ms, m, ev, now);
	} else if (ev->what == SHUNT_CONNECTED) {
		m->connected = true;
		server_connected(m->server);
		if (m->owner)
			timer_disarm(&ms->timers, &m->timer);
	}
}

uint64_t mirrors_due(struct mirrors *ms, uint64_t now)
{
	struct timer *t;

	while ((t = timers_due(&ms->timers, now)))
		shunt_abort(list_of(t, struct mirror, timer)->end);
	return timers_next(&ms->timers);
}

void mirrors_cut(struct mirrors *ms)
{
	struct list *n, *keep;

	list_each_safe(n, keep, &ms->all) {
		struct mirror *m = list_of(n, struct mirror, all);

		m->cut = true;
		shunt_abort(m->end);
	}
}
