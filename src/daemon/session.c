/* SPDX-License-Identifier: BSD-2-Clause */
/* session.c — the life of a relayed connection
 *
 *   phase        on                       then
 *   LOOKING      a view that is enough    route, choose a server, connect: CONNECTING
 *                more is needed           ask for it, once
 *                it can be no head        cut: bad-head
 *                timeouts.head            nothing said: on_silence has it; else cut: head-timeout
 *   CONNECTING   connected                RUNNING; the head goes first, then all that follows
 *                failed, or too late      the next server at once, with the same head; none left: cut
 *   RUNNING      idle too long            cut: idle, half-closed-timeout
 *   any          an end gone              ENDING; both gone: one line in the log
 *
 * A gate that looks at nothing begins with CONNECTING. The client is joined to a server that is still
 * connecting; one that fails leaves the client as it was, its head still in its socket. With no file
 * descriptor left for a server the session waits and tries again, as long as the connect timeout lasts.
 *
 * One timer serves all timeouts. While the connection runs nothing is done for it per byte or event:
 * when the timer is due, the library is asked how long nothing has moved.
 */
#include "daemon/session.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/sys.h"
#include "daemon/session_parts.h"

static uint64_t next_id(void)
{
	static uint64_t last; /* of all workers */

	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

/* -- its end -- */

static void session_free(struct session *x)
{
	if (x->head)
		shunt_release(x->head);
	if (x->heard)
		free(x->heard->scrap);
	free(x->heard);
	free(x->to);
	backend_tries_free(&x->tries);
	server_unref(x->last);
	rules_unref(x->rules);
	free(x);
}

static void session_over(struct sessions *ss, struct session *x)
{
	if (x->client || x->server)
		return;
	timer_disarm(&ss->timers, &x->timer);
	list_remove(&x->all);
	ss->count--;
	ss->ended++;
	tally_end(x->gate->tally);
	if (x->route)
		tally_end(x->route);
	tally_add(&ss->tallies->end[x->why], 1);
	tally_add(&ss->tallies->pipe_refused, x->pipe_refused);
	tally_add(&ss->tallies->splice_refused, x->splice_refused);
	tally_add(&ss->tallies->urgent, x->urgent);
	if (x->counted)
		guests_leave(ss->guests, &x->from);
	if (x->mirror)
		mirror_leave(&ss->mirrors, x->mirror, x->why == WHY_DONE, ss->now);
	if (x->at)
		server_end(x->at);
	x->at = NULL;
	session_say_end(ss, x); /* who reads it finds its places free */
	session_free(x);
}

void session_because(struct session *x, enum why why, int error)
{
	if (x->why != WHY_NONE)
		return;
	x->why = why;
	if (why == WHY_ERROR || why == WHY_NO_MEMORY || why == WHY_UNREACHABLE)
		x->error = error;
}

void session_cut(struct session *x, enum why why, int error)
{
	session_because(x, why, error);
	x->phase = ENDING;
	if (x->server)
		shunt_abort(x->server);
	if (x->client)
		shunt_abort(x->client); /* gone with the server already, if they were joined */
}

/* A graft goes on in the kernel. -EAGAIN: its sockets are just being closed; other errors: it is none. */
static int leave(struct session *x)
{
	int r = x->phase == RUNNING && x->client ? shunt_leave(x->client) : -EBUSY;

	if (r == 0) {
		session_because(x, WHY_LEFT, 0);
		x->phase = ENDING;
	}
	return r;
}

static enum why why_of(enum shunt_why why, bool client)
{
	switch (why) {
	case SHUNT_WHY_DONE: return WHY_DONE;
	case SHUNT_WHY_RESET: return client ? WHY_CLIENT_RESET : WHY_SERVER_RESET;
	case SHUNT_WHY_TIMEOUT: return client ? WHY_CLIENT_TIMEOUT : WHY_SERVER_TIMEOUT;
	case SHUNT_WHY_REFUSED: return WHY_REFUSED;
	case SHUNT_WHY_UNREACHABLE: return WHY_UNREACHABLE;
	case SHUNT_WHY_NO_MEMORY: return WHY_NO_MEMORY;
	case SHUNT_WHY_LEFT: return WHY_LEFT;
	default: return WHY_ERROR;
	}
}

/* -- its beginning -- */

/* What it needs beside its ends. False: no memory. */
static bool equip(struct session *x, int fd)
{
	const struct conf_listener *c = x->gate->conf;

	if (x->rules->sends_proxy) {
		x->to = sys_alloc(sizeof(*x->to));
		if (!x->to)
			return false;
		if (addr_of_self(fd, x->to) < 0)
			*x->to = x->gate->listener->addr;
	}
	if (c->look || c->accept_proxy) {
		x->heard = sys_alloc(sizeof(*x->heard));
		if (!x->heard)
			return false;
		x->heard->protocol = HEAD_UNKNOWN;
	}
	return true;
}

static void no_memory(struct sessions *ss, int fd)
{
	log_say(LOG_WARN_LEVEL, "no memory for a connection");
	sys_reset_at_close(fd);
	sys_close(fd);
	ss->ended++;
}

void session_turn_away(struct sessions *ss, struct session *x, int fd, enum why why, int error)
{
	x->client = NULL;
	session_because(x, why, error);
	sys_reset_at_close(fd);
	sys_close(fd);
	session_over(ss, x);
}

/* The address that counts for a limit is that of a PROXY header, where one comes. */
static bool is_welcome(struct sessions *ss, struct session *x)
{
	unsigned most = x->rules->conf->limits.per_client;

	return !most || x->gate->conf->accept_proxy ||
	       guests_enter(ss->guests, &x->from, most, &x->counted);
}

void session_begin(struct sessions *ss, int fd, const struct addr *client, const struct gate *gate)
{
	struct session *x = sys_alloc(sizeof(*x));

	if (!x) {
		no_memory(ss, fd);
		return;
	}
	x->thing = THING_SESSION;
	x->id = next_id();
	x->rules = rules_ref(ss->rules);
	x->gate = gate;
	x->from = *client;
	x->began = x->tried = ss->now;
	list_add_tail(&ss->all, &x->all);
	ss->count++;
	tally_begin(gate->tally);
	if (!equip(x, fd)) {
		session_turn_away(ss, x, fd, WHY_NO_MEMORY, ENOMEM);
	} else if (!is_welcome(ss, x)) {
		session_turn_away(ss, x, fd, WHY_PER_CLIENT, 0);
	} else {
		int r = shunt_attach(ss->s, fd, session_depth(gate), x, &x->client);

		if (r < 0) /* the client had gone before we saw it */
			session_turn_away(ss, x, fd, r == -ENOMEM ? WHY_NO_MEMORY : WHY_CLIENT_GONE,
					  -r);
		else
			session_look(ss, x);
	}
}

/* -- its timer -- */

void session_arm(struct sessions *ss, struct session *x, uint64_t after_ms)
{
	if (timer_arm(&ss->timers, &x->timer, ss->now + after_ms) == 0)
		return;
	log_say(LOG_WARN_LEVEL, "no memory for a timer: a connection has no timeout");
	if (x->phase == LOOKING) /* nothing else would ever end a client that says nothing */
		session_cut(x, WHY_NO_MEMORY, ENOMEM);
}

void session_disarm(struct sessions *ss, struct session *x)
{
	timer_disarm(&ss->timers, &x->timer);
}

/* How long until something may be due; 0: it is due now, for the reason *why. */
static uint64_t time_left(const struct sessions *ss, const struct session *x, enum why *why)
{
	uint64_t idle_most = x->rules->conf->timeouts.idle;
	uint64_t half_closed = x->rules->conf->timeouts.half_closed;
	struct shunt_stat a, b;

	shunt_stat(ss->s, x->client, &a);
	shunt_stat(ss->s, x->server, &b);
	uint64_t idle = a.idle_ms < b.idle_ms ? a.idle_ms : b.idle_ms;
	uint64_t least = UINT64_MAX;

	if (idle_most)
		least = idle_most > idle ? idle_most - idle : 0;
	*why = WHY_IDLE;
	if (half_closed && (a.ended || b.ended)) {
		uint64_t left = half_closed > idle ? half_closed - idle : 0;

		if (left < least) {
			least = left;
			*why = WHY_HALF_CLOSED_TIMEOUT;
		}
	} else if (half_closed && least > half_closed) {
		least = half_closed; /* one side may finish until then */
	}
	return least;
}

static void watch_idle(struct sessions *ss, struct session *x)
{
	enum why why;
	uint64_t left = time_left(ss, x, &why);

	if (left == 0)
		session_cut(x, why, 0);
	else if (left != UINT64_MAX)
		session_arm(ss, x, left);
	else
		session_disarm(ss, x);
}

static void on_timer(struct sessions *ss, struct session *x)
{
	switch (x->phase) {
	case LOOKING: session_head_late(ss, x); break;
	case RUNNING: watch_idle(ss, x); break;
	case CONNECTING:
		if (x->server)
			shunt_abort(x->server); /* its GONE tries the next one */
		else
			session_connect(ss, x);
		break;
	case ENDING: break;
	}
}

uint64_t sessions_due(struct sessions *ss)
{
	struct timer *t;

	while ((t = timers_due(&ss->timers, ss->now)))
		on_timer(ss, list_of(t, struct session, timer));
	return timers_next(&ss->timers);
}

/* -- events -- */

static void on_gone(struct sessions *ss, struct session *x, const struct shunt_event *ev)
{
	bool client = ev->end == x->client;

	session_count(x, client ? ev->stat : NULL, client ? NULL : ev->stat);
	if (client)
		x->client = NULL;
	else
		x->server = NULL;
	if (x->phase == CONNECTING && !client && x->client) {
		/* aborted by our own timer, or by what the system says */
		session_failed(ss, x, ev->why == SHUNT_WHY_ABORTED ? ETIMEDOUT : ev->error);
		return;
	}
	if (x->phase == LOOKING || x->phase == CONNECTING)
		session_because(x, WHY_CLIENT_GONE, 0);
	else if (ev->why != SHUNT_WHY_OTHER_END && ev->why != SHUNT_WHY_ABORTED)
		session_because(x, why_of(ev->why, client), ev->error);
	x->phase = ENDING;
	session_over(ss, x);
}

static void on_connected(struct sessions *ss, struct session *x)
{
	session_say_step(x, "connected", 0);
	if (x->phase != CONNECTING)
		return;
	session_connected(ss, x);
	x->phase = RUNNING;
	watch_idle(ss, x);
}

void session_event(struct sessions *ss, const struct shunt_event *ev)
{
	struct session *x = ev->user;

	switch (ev->what) {
	case SHUNT_ARRIVED: session_arrived(ss, x, ev); break;
	case SHUNT_ENDED: session_ended(ss, x); break;
	case SHUNT_CONNECTED: on_connected(ss, x); break;
	case SHUNT_JOINED: /* says nothing new, but for one that has become a graft */
		session_say_step(x, shunt_engine_text(ev->engine), 0);
		if (ss->leaving)
			leave(x);
		break;
	case SHUNT_GONE: on_gone(ss, x, ev); break;
	default: /* after BROKEN comes GONE, and says why */ break;
	}
}

/* -- all of them -- */

void sessions_leave(struct sessions *ss)
{
	struct list *n, *keep;

	ss->leaving = true;
	list_each_safe(n, keep, &ss->all) {
		struct session *x = list_of(n, struct session, all);

		leave(x);
	}
}

void sessions_cut(struct sessions *ss, enum why why, bool mercy)
{
	struct list *n, *keep;

	list_each_safe(n, keep, &ss->all) {
		struct session *x = list_of(n, struct session, all);

		if (!mercy || !ss->leaving || leave(x) != -EAGAIN)
			session_cut(x, why, 0);
	}
}
