/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/health.h"

#include <string.h>

#include "base/log.h"

static void say(struct log_line *l, const struct server *s, enum log_level level, const char *what)
{
	log_begin(l, level);
	log_text(l, "msg", what);
	log_text(l, "backend", s->home->name);
	log_text(l, "server", s->text);
	if (strcmp(s->name, s->text) != 0)
		log_text(l, "name", s->name);
}

static void say_back(const struct server *s, bool was_down, uint64_t now)
{
	const struct server_checked *k = &s->checked;
	struct log_line l;

	say(&l, s, LOG_INFO_LEVEL, "a server is back");
	if (k->good == 1)
		log_text(&l, "reason", "a check was good");
	else
		log_format(&l, "reason", "%u checks in a row were good", k->good);
	if (was_down)
		log_number(&l, "down_ms", now - k->since);
	log_end(&l);
}

static void say_down(const struct server *s, const char *why)
{
	struct log_line l;

	say(&l, s, LOG_WARN_LEVEL, "a server is down");
	if (s->checked.bad == 1)
		log_text(&l, "reason", "a check failed");
	else
		log_format(&l, "reason", "%u checks in a row failed", s->checked.bad);
	log_text(&l, "error", why);
	log_end(&l);
}

void health_good(struct server *s, const struct conf_check *check, uint64_t now)
{
	struct server_checked *k = &s->checked;
	enum server_state state = server_state(s, now);
	bool passed = state == SERVER_PASSED || state == SERVER_TRIAL;

	if (passed && !k->passed)
		k->good = 0; /* from before it failed */
	k->passed = passed;
	k->ever = true;
	k->bad = 0;
	k->good += k->good < UINT32_MAX;
	if (state != SERVER_UP && k->good >= check->rise && server_mark(s, true))
		say_back(s, state == SERVER_DOWN, now);
}

void health_bad(struct server *s, const struct conf_check *check, const char *why, uint64_t now)
{
	struct server_checked *k = &s->checked;
	bool enough = !k->ever;

	k->ever = true;
	k->good = 0;
	k->bad += k->bad < UINT32_MAX;
	enough = enough || k->bad >= check->fall;
	if (!enough || !server_mark(s, false))
		return;
	k->since = now;
	say_down(s, why);
}

void health_unknown(const struct server *s, const char *why, uint64_t now)
{
	static _Thread_local struct log_limit limit = LOG_LIMIT(1, 10000);
	struct log_line l;
	uint64_t held;

	if (!log_may(&limit, now, &held))
		return;
	say(&l, s, LOG_WARN_LEVEL, "a server could not be asked how it is");
	log_text(&l, "error", why);
	log_held(&l, held);
	log_end(&l);
}
