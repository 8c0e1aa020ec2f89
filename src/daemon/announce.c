/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/announce.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine/engine.h"

/* The one backend, by its first server: its address, where it is one. */
static void say_target(struct log_line *l, const struct conf_backend *b)
{
	const struct conf_target *t = &b->server[0]->address;
	char text[ADDR_TEXT];

	log_text(l, "target", t->addrs ? addr_text(&t->addr[0], text) : t->text);
	if (b->servers > 1)
		log_number(l, "more_targets", b->servers - 1);
}

static void say_protocols(struct log_line *l, unsigned set)
{
	char text[128] = "";
	size_t n = 0;

	for (unsigned i = 0; i < LOOK_PROTOCOLS; i++)
		if ((set & LOOK_SET(i)) && n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "," : "",
					      conf_protocol_text(i));
	if (n)
		log_text(l, "look", text);
}

static void say_where(struct log_line *l, const struct conf_listener *c)
{
	say_protocols(l, c->look);
	if (c->routes)
		log_number(l, "routes", c->routes);
	log_text(l, "default", c->otherwise.name ? c->otherwise.name : "none");
}

/* Why no better engine; nothing where there is none. */
static void say_reason(struct log_line *l, const struct grafts *g, const struct engine *e,
		       enum shunt_engine asked, const char *refused)
{
	const char *better = NULL;
	const struct engine *best = engine_pick(SHUNT_AUTO, &better);

	if (g->why[0] && e->id == SHUNT_COPY && asked == SHUNT_AUTO)
		log_format(l, "reason", "no splice: %s; no graft: %s", engine_splice.cannot(),
			   g->why);
	else if (g->why[0])
		log_format(l, "reason", "no graft: %s", g->why);
	else if (g->graft)
		; /* nothing better is to be had */
	else if (refused && e->id != asked && asked != SHUNT_AUTO)
		log_format(l, "reason", "no %s: %s", shunt_engine_text(asked), refused);
	else if (e != best)
		log_format(l, "reason", "asked for; %s would work", best->name);
	else if (e->id == SHUNT_COPY)
		log_format(l, "reason", "no splice: %s", engine_splice.cannot());
}

void announce(const struct announcement *a, const struct rules *r, const struct gate *gate)
{
	const struct conf_listener *c = gate->conf;
	const char *refused = NULL;
	const struct engine *e = engine_pick(r->conf->engine, &refused);
	struct log_line l;

	if (!e)
		e = &engine_copy;
	log_begin(&l, LOG_INFO_LEVEL);
	log_text(&l, "msg", "listening");
	log_text(&l, "listen", gate->text);
	if (a->brief)
		say_target(&l, c->otherwise.backend);
	else
		say_where(&l, c);
	if (a->grafts->graft)
		log_text(&l, "engine", shunt_engine_text(SHUNT_GRAFT));
	log_text(&l, a->grafts->graft ? "before" : "engine", e->name);
	say_reason(&l, a->grafts, e, r->conf->engine, refused);
	log_number(&l, "workers", a->workers);
	log_number(&l, "max_connections", a->connections);
	log_end(&l);
}

/* -- a reload -- */

static void note_lasting(const char *key, bool differs)
{
	if (differs)
		log_say(LOG_WARN_LEVEL, "%s: a change takes effect at the next start only", key);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

void announce_lasting(const struct conf *old, const struct conf *c)
{
	note_lasting("workers", old->workers != c->workers);
	note_lasting("engine", old->engine != c->engine);
	note_lasting("unit", old->unit != c->unit);
	note_lasting("receive_limit", old->receive_limit != c->receive_limit);
	note_lasting("copy_below", old->copy_below != c->copy_below);
	note_lasting("graft", old->graft.after != c->graft.after ||
				      old->graft.ports.first != c->graft.ports.first ||
				      old->graft.ports.last != c->graft.ports.last ||
				      old->graft.slots != c->graft.slots ||
				      !same_text(old->graft.bpffs, c->graft.bpffs));
}
