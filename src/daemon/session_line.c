/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/log.h"
#include "daemon/session_parts.h"

static enum log_level level_of(enum why why)
{
	switch (why) {
	case WHY_REFUSED:
	case WHY_UNREACHABLE:
	case WHY_CONNECT_TIMEOUT:
	case WHY_SERVERS_DOWN:
	case WHY_BACKEND_FULL:
	case WHY_UNRESOLVED:
	case WHY_NO_FDS:
	case WHY_NO_MEMORY:
	case WHY_ERROR: return LOG_WARN_LEVEL;
	default: return LOG_INFO_LEVEL;
	}
}

enum shunt_engine session_engine(const struct sessions *ss, const struct session *x)
{
	struct shunt_stat all;
	uint64_t by[SHUNT_ENGINES];

	shunt_stat(ss->s, NULL, &all);
	enum shunt_engine most = all.engine;

	for (int e = 0; e < SHUNT_ENGINES; e++)
		by[e] = x->moved.by[TALLY_UP][e] + x->moved.by[TALLY_DOWN][e];
	for (int e = 0; e < SHUNT_ENGINES; e++)
		if (by[e] > by[most])
			most = (enum shunt_engine)e;
	return most;
}

static void number_if(struct log_line *l, const char *key, uint64_t n)
{
	if (n > 0)
		log_number(l, key, n);
}

static void text_if(struct log_line *l, const char *key, const char *text)
{
	if (text && text[0])
		log_text(l, key, text);
}

/* What was heard of it, and what became of that. */
static void say_heard(struct log_line *l, const struct session *x)
{
	const struct heard *h = x->heard;

	if (!h)
		return;
	if (x->decided) {
		log_text(l, "proto",
			 h->protocol < LOOK_PROTOCOLS ? conf_protocol_text(h->protocol)
						      : "unknown");
		log_number(l, "head_ms", x->decided - x->began);
	}
	text_if(l, "sni", h->sni);
	text_if(l, "alpn", h->alpn);
	text_if(l, "host", h->host);
}

static void say_bytes(struct log_line *l, const struct sessions *ss, const struct session *x)
{
	enum shunt_engine engine = session_engine(ss, x);

	log_number(l, "up", moved_bytes(&x->moved, TALLY_UP));
	log_number(l, "down", moved_bytes(&x->moved, TALLY_DOWN));
	log_text(l, "engine", shunt_engine_text(engine));
	for (int e = 0; e < SHUNT_ENGINES; e++) /* what went by another way, by its name */
		if (e != (int)engine)
			number_if(l, shunt_engine_text((enum shunt_engine)e),
				  x->moved.by[TALLY_UP][e] + x->moved.by[TALLY_DOWN][e]);
	number_if(l, "pipe_refused", x->pipe_refused);
	number_if(l, "splice_refused", x->splice_refused);
	number_if(l, "urgent", x->urgent);
	text_if(l, "declined", x->declined);
}

void session_say_end(const struct sessions *ss, const struct session *x)
{
	char client[ADDR_TEXT];
	struct log_line l;

	log_begin(&l, level_of(x->why));
	log_number(&l, "conn", x->id);
	log_text(&l, "client", addr_text(&x->from, client));
	log_text(&l, "listen", x->gate->text);
	log_text(&l, "server", x->last ? x->last->text : "none");
	if (x->backend && !ss->brief)
		log_text(&l, "backend", backend_conf(x->backend)->name);
	say_heard(&l, x);
	log_number(&l, "connect_ms", x->connected ? x->connected - x->tried : 0);
	log_number(&l, "dur_ms", ss->now - x->began);
	say_bytes(&l, ss, x);
	log_text(&l, "end", why_text(x->why));
	if (x->heard && x->heard->no)
		log_text(&l, "reason", x->heard->no);
	if (x->error)
		log_text(&l, "error", strerror(x->error));
	log_end(&l);
}

void session_say_step(const struct session *x, const char *msg, int error)
{
	struct log_line l;

	if (!log_wants(LOG_DEBUG_LEVEL))
		return;
	log_begin(&l, LOG_DEBUG_LEVEL);
	log_text(&l, "msg", msg);
	log_number(&l, "conn", x->id);
	if (x->last)
		log_text(&l, "server", x->last->text);
	if (error)
		log_text(&l, "error", strerror(error));
	log_end(&l);
}

void session_say_refused(const struct sessions *ss, const struct session *x)
{
	static _Thread_local struct log_limit limit = LOG_LIMIT(5, 10000);
	char client[ADDR_TEXT];
	struct log_line l;
	uint64_t held;

	if (!log_may(&limit, ss->now, &held))
		return;
	log_begin(&l, LOG_WARN_LEVEL);
	log_text(&l, "msg",
		 x->why == WHY_BAD_HEAD ? "a head that is none" : "a client is too slow");
	log_number(&l, "conn", x->id);
	log_text(&l, "client", addr_text(&x->from, client));
	log_text(&l, "listen", x->gate->text);
	log_text(&l, "reason", x->heard->no);
	log_held(&l, held);
	log_end(&l);
}
