/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

/* -- a route in words -- */

struct text {
	char *buf;
	size_t len;
};

static void put(struct text *t, const char *before, const char *word)
{
	int n = snprintf(t->buf + t->len, RULES_ROUTE_TEXT - t->len, "%s%s", before, word);

	if (n > 0)
		t->len += (size_t)n;
	if (t->len >= RULES_ROUTE_TEXT)
		t->len = RULES_ROUTE_TEXT - 1;
}

static void put_key(struct text *t, const char *key)
{
	put(t, t->len ? " " : "", key);
}

static void put_list(struct text *t, const char *key, const struct conf_list *list)
{
	if (list->count)
		put_key(t, key);
	for (size_t i = 0; i < list->count; i++)
		put(t, i ? "," : "=", list->item[i]);
}

const char *rules_route_text(const struct conf_route *route, char buf[RULES_ROUTE_TEXT])
{
	struct text t = { buf, 0 };
	const char *before = "=";

	buf[0] = '\0';
	put_list(&t, "sni", &route->sni);
	put_list(&t, "alpn", &route->alpn);
	put_list(&t, "host", &route->host);
	if (route->protocols)
		put_key(&t, "protocol");
	for (unsigned i = 0; i < LOOK_PROTOCOLS; i++)
		if (route->protocols & LOOK_SET(i)) {
			put(&t, before, conf_protocol_text(i));
			before = ",";
		}
	return buf;
}

/* -- making them -- */

static bool count_routes(struct gate *g, struct tallies *ts)
{
	size_t n = g->conf->routes;
	char buf[RULES_ROUTE_TEXT];

	g->route = sys_alloc((n + 2) * sizeof(*g->route));
	for (size_t i = 0; g->route && i < n + 2; i++) {
		const char *text = i < n    ? rules_route_text(g->conf->route[i], buf)
				   : i == n ? "default"
					    : "on_silence";

		g->route[i] = tallies_get(ts, g->text, text);
		if (!g->route[i])
			return false;
	}
	return g->route != NULL;
}

static bool open_gate(struct gate *g, const struct conf_listener *conf, struct listener *listener,
		      struct tallies *ts)
{
	g->conf = conf;
	g->listener = listener;
	memcpy(g->text, listener->text, sizeof(g->text));
	g->tally = tallies_get(ts, g->text, NULL);
	return g->tally && count_routes(g, ts);
}

struct rules *rules_new(struct backends *bs, struct listener *const *listener, struct tallies *ts)
{
	const struct conf *c = backends_conf(bs);
	struct rules *r = sys_alloc(sizeof(*r));
	bool good = true;

	if (!r)
		return NULL;
	atomic_init(&r->refs, 1);
	r->backends = backends_ref(bs);
	r->conf = c;
	for (size_t i = 0; i < c->backends; i++)
		r->sends_proxy |= c->backend[i]->send_proxy != CONF_PROXY_NONE;
	r->gate = sys_alloc((c->listeners + 1) * sizeof(*r->gate));
	good = r->gate != NULL;
	while (good && r->gates < c->listeners) {
		struct gate *g = &r->gate[r->gates];

		good = open_gate(g, c->listener[r->gates], listener[r->gates], ts);
		r->gates++;
	}
	if (good)
		return r;
	rules_unref(r);
	return NULL;
}

struct rules *rules_ref(struct rules *r)
{
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	return r;
}

void rules_unref(struct rules *r)
{
	if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < r->gates; i++)
		free(r->gate[i].route);
	free(r->gate);
	backends_unref(r->backends);
	free(r);
}
