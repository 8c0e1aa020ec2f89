/* SPDX-License-Identifier: BSD-2-Clause */
/* session_count.c — what has moved is told while it moves
 *
 * Both ends know what has left for them, by engine: for the server's end that is what went up. What was told
 * before is known, so that the difference is told, to the gate, the route, the server and its backend.
 */
#include <stdio.h>

#include "base/clock.h"
#include "daemon/session.h"
#include "daemon/session_parts.h"

static void difference(struct moved *more, struct moved *told, enum tally_way way,
		       const struct shunt_stat *st)
{
	for (int e = 0; st && e < SHUNT_ENGINES; e++)
		if (st->moved[e] > told->by[way][e]) {
			more->by[way][e] = st->moved[e] - told->by[way][e];
			told->by[way][e] = st->moved[e];
		}
}

static void tell(struct session *x, const struct shunt_stat *client,
		 const struct shunt_stat *server)
{
	struct moved more = { { { 0 } } };

	difference(&more, &x->moved, TALLY_UP, server);
	difference(&more, &x->moved, TALLY_DOWN, client);
	tally_moved(x->gate->tally, &more);
	if (x->route)
		tally_moved(x->route, &more);
	if (x->at)
		server_moved(x->at, &more);
}

static void add_steps(struct session *x, const struct shunt_stat *st)
{
	x->pipe_refused += st ? st->pipe_refused : 0;
	x->splice_refused += st ? st->splice_refused : 0;
	x->urgent += st ? st->urgent : 0;
	if (st && st->declined)
		x->declined = st->declined;
}

void session_count(struct session *x, const struct shunt_stat *client,
		   const struct shunt_stat *server)
{
	tell(x, client, server);
	add_steps(x, client);
	add_steps(x, server);
}

void session_count_now(struct sessions *ss, struct session *x)
{
	struct shunt_stat client, server;
	bool has_client = x->client && shunt_stat(ss->s, x->client, &client) == 0;
	bool has_server = x->server && shunt_stat(ss->s, x->server, &server) == 0;

	tell(x, has_client ? &client : NULL, has_server ? &server : NULL);
}

/* -- a survey -- */

static void keep_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static const char *phase_text(enum phase phase)
{
	static const char *const texts[] = { "looking", "connecting", "running", "ending" };

	return texts[phase];
}

static uint64_t idle_of(const struct sessions *ss, const struct session *x)
{
	const struct shunt_end *end[] = { x->client, x->server };
	uint64_t least = ss->now - x->began;
	struct shunt_stat st;

	for (int i = 0; i < 2; i++)
		if (end[i] && shunt_stat(ss->s, end[i], &st) == 0 && st.idle_ms < least)
			least = st.idle_ms;
	return least;
}

static void describe(const struct sessions *ss, const struct session *x, struct survey_item *i)
{
	const struct heard *h = x->heard;

	i->conn = x->id;
	i->phase = phase_text(x->phase);
	i->age_ms = ss->now - x->began;
	i->idle_ms = idle_of(ss, x);
	i->engine = session_engine(ss, x);
	i->moved = x->moved;
	addr_text(&x->from, i->client);
	keep_text(i->listen, sizeof(i->listen), x->gate->text);
	keep_text(i->server, sizeof(i->server), x->last ? x->last->text : NULL);
	keep_text(i->backend, sizeof(i->backend),
		  x->backend ? backend_conf(x->backend)->name : NULL);
	if (!h)
		return;
	if (x->decided)
		i->protocol =
			h->protocol < LOOK_PROTOCOLS ? conf_protocol_text(h->protocol) : "unknown";
	keep_text(i->sni, sizeof(i->sni), h->sni);
	keep_text(i->host, sizeof(i->host), h->host);
}

void sessions_survey(struct sessions *ss, struct survey *s)
{
	uint64_t began = clock_ns(), worked;
	struct list *n;

	if (s->turn_only)
		return;
	list_each(n, &ss->all) {
		struct session *x = list_of(n, struct session, all);
		struct survey_item *item;

		session_count_now(ss, x);
		item = survey_add(s);
		if (item)
			describe(ss, x, item);
	}
	worked = clock_ns() - began;
	s->worked = worked > s->worked ? worked : s->worked;
}
