/* SPDX-License-Identifier: BSD-2-Clause */
/* session.c — the life of a relayed connection
 *
 *              another target ┌──────┐
 *   accept ──▶ CONNECTING ────┴──────▶ RUNNING ──▶ ENDING ──▶ one line in the log
 *                  │ no target left, client gone,    ▲
 *                  └──────── timeout ────────────────┘
 *
 * The client is joined to a target that is still connecting. A target that fails leaves the client
 * as it was, not a byte of it read, and the next one is tried at once. With no file descriptor left
 * for a target the session waits and tries again, as long as the connect timeout lasts.
 *
 * One timer serves all timeouts. While the connection runs nothing is done for it per byte or event:
 * when the timer is due, the library is asked how long nothing has moved.
 */
#include "daemon/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"

enum { FDS_AGAIN_MS = 50 };

enum phase { CONNECTING, RUNNING, ENDING };

struct session {
	enum thing thing; /* THING_SESSION */
	enum phase phase;
	enum why why;
	int error;
	struct list all;
	struct timer timer;
	struct shunt_end *client, *server; /* NULL once gone */
	const char *listen;
	struct addr from;
	size_t target;                        /* which one is tried or was taken */
	uint64_t id, began, tried, connected; /* connected 0: never */
	uint64_t up, down;
	uint64_t moved[SHUNT_ENGINES];
	uint32_t pipe_refused, splice_refused, urgent;
};

static uint64_t next_id(void)
{
	static uint64_t last; /* of all workers */

	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

/* -- the line -- */

static enum log_level level_of(enum why why)
{
	switch (why) {
	case WHY_REFUSED:
	case WHY_UNREACHABLE:
	case WHY_CONNECT_TIMEOUT:
	case WHY_NO_FDS:
	case WHY_NO_MEMORY:
	case WHY_ERROR: return LOG_WARN_LEVEL;
	default: return LOG_INFO_LEVEL;
	}
}

/* By what most bytes went; what is configured, if none did. */
static enum shunt_engine engine_of(const struct sessions *ss, const struct session *x)
{
	struct shunt_stat all;

	shunt_stat(ss->s, NULL, &all);
	enum shunt_engine most = all.engine;

	for (int i = 0; i < SHUNT_ENGINES; i++)
		if (x->moved[i] > x->moved[most])
			most = (enum shunt_engine)i;
	return most;
}

static void number_if(struct log_line *l, const char *key, uint64_t n)
{
	if (n > 0)
		log_number(l, key, n);
}

static void say_end(const struct sessions *ss, const struct session *x)
{
	const struct addr *server =
		&ss->conf->target[x->target < ss->conf->targets ? x->target : 0];
	char client[ADDR_TEXT], target[ADDR_TEXT];
	enum shunt_engine engine = engine_of(ss, x);
	struct log_line l;

	log_begin(&l, level_of(x->why));
	log_number(&l, "conn", x->id);
	log_text(&l, "client", addr_text(&x->from, client));
	log_text(&l, "listen", x->listen);
	log_text(&l, "server", addr_text(server, target));
	log_number(&l, "connect_ms", x->connected ? x->connected - x->tried : 0);
	log_number(&l, "dur_ms", ss->now - x->began);
	log_number(&l, "up", x->up);
	log_number(&l, "down", x->down);
	log_text(&l, "engine", shunt_engine_text(engine));
	for (int i = 0; i < SHUNT_ENGINES; i++) /* what went by another way, by its name */
		if (i != (int)engine && x->moved[i] > 0)
			log_number(&l, shunt_engine_text((enum shunt_engine)i), x->moved[i]);
	number_if(&l, "pipe_refused", x->pipe_refused);
	number_if(&l, "splice_refused", x->splice_refused);
	number_if(&l, "urgent", x->urgent);
	log_text(&l, "end", why_text(x->why));
	if (x->error)
		log_text(&l, "error", strerror(x->error));
	log_end(&l);
}

/* For those who ask to be told more. */
static void say_step(const struct sessions *ss, const struct session *x, const char *msg, int error)
{
	char text[ADDR_TEXT];
	struct log_line l;

	if (!log_wants(LOG_DEBUG_LEVEL))
		return;
	log_begin(&l, LOG_DEBUG_LEVEL);
	log_text(&l, "msg", msg);
	log_number(&l, "conn", x->id);
	if (x->target < ss->conf->targets)
		log_text(&l, "server", addr_text(&ss->conf->target[x->target], text));
	if (error)
		log_text(&l, "error", strerror(error));
	log_end(&l);
}

/* -- its end -- */

static void session_over(struct sessions *ss, struct session *x)
{
	if (x->client || x->server)
		return;
	timer_disarm(&ss->timers, &x->timer);
	list_remove(&x->all);
	ss->count--;
	ss->ended++;
	ss->up += x->up;
	ss->down += x->down;
	say_end(ss, x);
	free(x);
}

/* The first reason counts: what follows is its consequence. */
static void because(struct session *x, enum why why, int error)
{
	if (x->why != WHY_NONE)
		return;
	x->why = why;
	if (why == WHY_ERROR || why == WHY_NO_MEMORY || why == WHY_UNREACHABLE)
		x->error = error;
}

static void cut(struct session *x, enum why why, int error)
{
	because(x, why, error);
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
		because(x, WHY_LEFT, 0);
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

/* -- connecting -- */

static void arm(struct sessions *ss, struct session *x, uint64_t after_ms)
{
	if (timer_arm(&ss->timers, &x->timer, ss->now + after_ms) < 0)
		log_say(LOG_WARN_LEVEL, "no memory for a timer: a connection has no timeout");
}

static int try_target(struct sessions *ss, struct session *x)
{
	const struct addr *to = &ss->conf->target[x->target];
	int r = shunt_connect(ss->s, (const struct sockaddr *)&to->ss, to->len, x->client,
			      SHUNT_JOIN, x, &x->server);

	if (r < 0)
		return r;
	r = shunt_join(x->client, x->server);
	if (r < 0)
		shunt_abort(x->server);
	else
		shunt_graft_name(x->client, x->id);
	return r;
}

static bool no_fds(int error)
{
	return error == -EMFILE || error == -ENFILE;
}

/* Why a target was not reached, said of the last one if all fail. A full backlog (EAGAIN of a Unix
 * socket) is a refusal as well. */
static enum why why_not(int error)
{
	switch (-error) {
	case ECONNREFUSED:
	case ENOENT:
	case EAGAIN: return WHY_REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN: return WHY_UNREACHABLE;
	case EMFILE:
	case ENFILE: return WHY_NO_FDS;
	case ENOMEM:
	case ENOBUFS: return WHY_NO_MEMORY;
	case ETIMEDOUT: return WHY_CONNECT_TIMEOUT;
	default: return WHY_ERROR;
	}
}

/* Descriptors may come back as long as a connect may take. */
static bool may_wait(const struct sessions *ss, const struct session *x)
{
	uint64_t most = ss->conf->connect_timeout;

	return most == 0 || ss->now - x->began < most;
}

/* From x->target on, until one takes. */
static void connect_on(struct sessions *ss, struct session *x, int error)
{
	for (; x->target < ss->conf->targets; x->target++) {
		error = try_target(ss, x);
		ss->short_of_fds = no_fds(error);
		say_step(ss, x, "connecting", -error);
		if (error == 0) {
			x->tried = ss->now;
			if (ss->conf->connect_timeout)
				arm(ss, x, ss->conf->connect_timeout);
			return;
		}
		if (x->server) /* not joined: the client has just been found dead */
			break;
		if (no_fds(error) && may_wait(ss, x)) {
			arm(ss, x, FDS_AGAIN_MS);
			return;
		}
	}
	if (x->target == ss->conf->targets)
		x->target--; /* the one to name in the log */
	cut(x, x->server && error == -EPIPE ? WHY_CLIENT_GONE : why_not(error), -error);
}

static void target_failed(struct sessions *ss, struct session *x, int error)
{
	if (x->phase != CONNECTING || !x->client)
		return;
	say_step(ss, x, "the target failed", error);
	x->target++;
	connect_on(ss, x, -error);
}

void session_begin(struct sessions *ss, int fd, const struct addr *client, const char *listen)
{
	struct session *x = sys_alloc(sizeof(*x));
	int r = x ? shunt_attach(ss->s, fd, SHUNT_JOIN, x, &x->client) : -ENOMEM;

	if (!x) {
		log_say(LOG_WARN_LEVEL, "no memory for a connection");
		sys_reset_at_close(fd);
		sys_close(fd);
		ss->ended++;
		return;
	}
	x->thing = THING_SESSION;
	x->id = next_id();
	x->from = *client;
	x->listen = listen;
	x->began = x->tried = ss->now;
	list_add_tail(&ss->all, &x->all);
	ss->count++;
	if (r < 0) { /* the client had gone before we saw it */
		x->client = NULL;
		because(x, r == -ENOMEM ? WHY_NO_MEMORY : WHY_CLIENT_GONE, -r);
		sys_close(fd);
		session_over(ss, x);
		return;
	}
	connect_on(ss, x, 0);
}

/* -- running -- */

/* How long until something may be due; 0: it is due now, for the reason *why. */
static uint64_t time_left(const struct sessions *ss, const struct session *x, enum why *why)
{
	const struct relay_conf *c = ss->conf;
	struct shunt_stat a, b;

	shunt_stat(ss->s, x->client, &a);
	shunt_stat(ss->s, x->server, &b);
	uint64_t idle = a.idle_ms < b.idle_ms ? a.idle_ms : b.idle_ms;
	uint64_t least = UINT64_MAX;

	if (c->idle_timeout)
		least = c->idle_timeout > idle ? c->idle_timeout - idle : 0;
	*why = WHY_IDLE;
	if (c->half_closed_timeout && (a.ended || b.ended)) {
		uint64_t left = c->half_closed_timeout > idle ? c->half_closed_timeout - idle : 0;

		if (left < least) {
			least = left;
			*why = WHY_HALF_CLOSED_TIMEOUT;
		}
	} else if (c->half_closed_timeout && least > c->half_closed_timeout) {
		least = c->half_closed_timeout; /* one side may finish until then */
	}
	return least;
}

static void watch_idle(struct sessions *ss, struct session *x)
{
	enum why why;
	uint64_t left = time_left(ss, x, &why);

	if (left == 0)
		cut(x, why, 0);
	else if (left != UINT64_MAX)
		arm(ss, x, left);
	else
		timer_disarm(&ss->timers, &x->timer);
}

static void on_timer(struct sessions *ss, struct session *x)
{
	if (x->phase == RUNNING) {
		watch_idle(ss, x);
	} else if (x->phase == CONNECTING && x->server) {
		shunt_abort(x->server); /* its GONE tries the next one */
	} else if (x->phase == CONNECTING) {
		connect_on(ss, x, 0); /* there may be descriptors again */
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

static void add_stat(struct session *x, const struct shunt_stat *st, bool client)
{
	if (client)
		x->down += st->out;
	else
		x->up += st->out;
	for (int i = 0; i < SHUNT_ENGINES; i++)
		x->moved[i] += st->moved[i];
	x->pipe_refused += st->pipe_refused;
	x->splice_refused += st->splice_refused;
	x->urgent += st->urgent;
}

static void on_gone(struct sessions *ss, struct session *x, const struct shunt_event *ev)
{
	bool client = ev->end == x->client;

	add_stat(x, ev->stat, client);
	if (client)
		x->client = NULL;
	else
		x->server = NULL;
	if (x->phase == CONNECTING && !client && x->client) {
		/* aborted by our own timer, or by what the system says */
		target_failed(ss, x, ev->why == SHUNT_WHY_ABORTED ? ETIMEDOUT : ev->error);
		return;
	}
	if (x->phase == CONNECTING)
		because(x, WHY_CLIENT_GONE, 0);
	else if (ev->why != SHUNT_WHY_OTHER_END && ev->why != SHUNT_WHY_ABORTED)
		because(x, why_of(ev->why, client), ev->error);
	x->phase = ENDING;
	session_over(ss, x);
}

void session_event(struct sessions *ss, const struct shunt_event *ev)
{
	struct session *x = ev->user;

	switch (ev->what) {
	case SHUNT_CONNECTED:
		x->connected = ss->now;
		say_step(ss, x, "connected", 0);
		if (x->phase == CONNECTING) {
			x->phase = RUNNING;
			watch_idle(ss, x);
		}
		break;
	case SHUNT_JOINED: /* says nothing new, but for one that has become a graft */
		say_step(ss, x, shunt_engine_text(ev->engine), 0);
		if (ss->leaving)
			leave(x);
		break;
	case SHUNT_GONE: on_gone(ss, x, ev); break;
	default: /* after BROKEN comes GONE, and says why */ break;
	}
}

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
			cut(x, why, 0);
	}
}
