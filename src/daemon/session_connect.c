/* SPDX-License-Identifier: BSD-2-Clause */
/* session_connect.c — from a backend to a server that answers
 *
 * What a server gets first is queued on it before it has answered: a PROXY header, scraps of the head, then
 * the head itself, by reference, out of the client's socket where it still lies. A server that fails has
 * taken nothing of it.
 */
#include <errno.h>

#include "daemon/session_parts.h"

enum { FDS_AGAIN_MS = 50 };

static bool no_fds(int error)
{
	return error == -EMFILE || error == -ENFILE;
}

/* Is this our own lack, for which no server is to blame? */
static bool ours(int error)
{
	return no_fds(error) || error == -ENOMEM || error == -ENOBUFS;
}

/* Why no server was reached, said of the last one if all fail. A full backlog (EAGAIN of a Unix
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

/* Why none was tried. */
static enum why why_nobody(enum backend_answer answer)
{
	switch (answer) {
	case BACKEND_FULL: return WHY_BACKEND_FULL;
	case BACKEND_DOWN: return WHY_SERVERS_DOWN;
	case BACKEND_UNRESOLVED: return WHY_UNRESOLVED;
	default: return WHY_REFUSED;
	}
}

/* -- what goes first -- */

static int queue_proxy(const struct session *x)
{
	enum conf_proxy kind = backend_conf(x->backend)->send_proxy;
	uint8_t header[PROXYPROTO_MOST];

	if (kind == CONF_PROXY_NONE)
		return 0;
	return shunt_insert(
		x->server, header,
		proxyproto_build(kind == CONF_PROXY_V1 ? 1 : 2, &x->from, x->to, header));
}

static int queue_head(const struct session *x)
{
	size_t scraps = x->heard ? x->heard->scraps : 0, at = x->head_at;
	int r = 0;

	if (!x->head)
		return 0;
	if (at < scraps) {
		r = shunt_insert(x->server, x->heard->scrap + at, scraps - at);
		at = scraps;
	}
	at -= scraps;
	return r < 0 ? r : shunt_queue(x->server, x->head, at, shunt_length(x->head) - at);
}

/* It hears what the server hears, whichever that will be. */
static void mirror(struct sessions *ss, struct session *x)
{
	const struct conf_listener *c = x->gate->conf;

	if (c->mirror.backend && !x->mirrored)
		mirror_begin(&ss->mirrors, &x->mirror, x->id, x->rules->backends, c->mirror.backend,
			     &x->from, ss->now);
	x->mirrored = true;
	if (x->mirror)
		mirror_follow(x->mirror, x->server, c->mirror_lag);
}

static int try_server(struct sessions *ss, struct session *x)
{
	const struct addr *to = &x->at->addr;
	int r = shunt_connect(ss->s, (const struct sockaddr *)&to->ss, to->len, x->client,
			      SHUNT_JOIN, x, &x->server);

	if (r < 0)
		return r;
	mirror(ss, x);
	r = queue_proxy(x);
	if (r == 0)
		r = queue_head(x);
	if (r == 0)
		r = shunt_join(x->client, x->server);
	if (r < 0)
		shunt_abort(x->server);
	else
		shunt_graft_name(x->client, x->id);
	return r;
}

/* -- one after the other -- */

/* Descriptors may come back as long as a connect may take. */
static bool may_wait(const struct sessions *ss, const struct session *x)
{
	uint64_t most = x->rules->conf->timeouts.connect;
	uint64_t since = x->decided ? x->decided : x->began;

	return most == 0 || ss->now - since < most;
}

static enum backend_answer choose(struct sessions *ss, struct session *x)
{
	enum backend_answer answer = backend_pick(x->backend, &x->from, &x->tries, ss->now, &x->at);

	if (answer == BACKEND_CHOSEN) {
		server_unref(x->last);
		x->last = server_ref(x->at);
	}
	return answer;
}

/* The one that was chosen is given back. */
static void give_back(struct sessions *ss, struct session *x, int error)
{
	struct server *s = x->at;

	x->at = NULL;
	if (ours(error))
		server_end(s);
	else
		backend_failed(x->backend, s, &x->tries, -error, ss->now);
}

/* On from the last one, which failed with this error (0: there was none), until one may answer. */
static void connect_on(struct sessions *ss, struct session *x, int error)
{
	enum backend_answer answer;

	while ((answer = choose(ss, x)) == BACKEND_CHOSEN) {
		error = try_server(ss, x);
		ss->short_of_fds = no_fds(error);
		session_say_step(x, "connecting", -error);
		if (error == 0) {
			x->tried = ss->now;
			if (x->rules->conf->timeouts.connect)
				session_arm(ss, x, x->rules->conf->timeouts.connect);
			return;
		}
		if (x->server) { /* it is not joined: the client has just been found dead */
			session_cut(x, error == -EPIPE ? WHY_CLIENT_GONE : why_not(error), -error);
			return;
		}
		give_back(ss, x, error);
		if (no_fds(error) && may_wait(ss, x)) {
			session_arm(ss, x, FDS_AGAIN_MS);
			return;
		}
		if (ours(error))
			break;
	}
	session_cut(x, error ? why_not(error) : why_nobody(answer), -error);
}

void session_bring(struct sessions *ss, struct session *x, const struct conf_use *use,
		   struct tally *route)
{
	x->phase = CONNECTING;
	x->route = route;
	tally_begin(route);
	if (!use->backend) {
		session_cut(x, WHY_NO_ROUTE, 0);
		return;
	}
	x->backend = backends_get(x->rules->backends, use->backend);
	connect_on(ss, x, 0);
}

void session_connect(struct sessions *ss, struct session *x)
{
	connect_on(ss, x, 0);
}

void session_connected(struct sessions *ss, struct session *x)
{
	x->connected = ss->now;
	server_connected(x->at);
	if (x->head)
		shunt_release(x->head); /* what is queued of it has a hold of its own */
	x->head = NULL;
}

void session_failed(struct sessions *ss, struct session *x, int error)
{
	session_say_step(x, "the server failed", error);
	if (x->at)
		give_back(ss, x, -error);
	connect_on(ss, x, -error);
}
