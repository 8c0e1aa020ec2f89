/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_routes.c — routes that no connection would ever take
 *
 * Two ways to write such a route. Its conditions cannot hold: nobody looks for what it asks, or it asks
 * for a TLS name and an HTTP host at once. That is an error. Or another one before it takes all of its
 * connections. A route covers another if each of its conditions follows from the other's; that it is
 * behind one which covers it is told as a warning, since a reordering may be half done.
 */
#include "daemon/conf_routes.h"

#include <string.h>

/* Comparing each route with each is quadratic: no more names than this at a listener. */
#define COMPARED 2000

#define ANY      (LOOK_SET(LOOK_PROTOCOLS) - 1)

/* -- conditions that cannot hold -- */

/* What a connection that takes this route may begin with. */
static unsigned protocols_of(const struct conf_route *r)
{
	unsigned set = r->protocols ? r->protocols : ANY;

	if (r->sni.count || r->alpn.count)
		set &= LOOK_SET(LOOK_TLS);
	if (r->host.count)
		set &= LOOK_SET(LOOK_HTTP);
	return set;
}

static bool has_condition(const struct conf_route *r)
{
	return r->sni.count || r->alpn.count || r->host.count || r->protocols;
}

/* The protocol of a set that is not looked for; NULL: each one is. */
static const char *not_looked_for(unsigned set, unsigned look)
{
	for (unsigned i = 0; i < LOOK_PROTOCOLS; i++)
		if (set & ~look & LOOK_SET(i))
			return conf_protocol_text(i);
	return NULL;
}

static void check_conditions(const struct conf_route *r, unsigned look, struct conf_report *report)
{
	unsigned set = protocols_of(r);
	const char *missing;

	if (!has_condition(r)) {
		conf_error(
			report, &r->place,
			"this route has no condition: who gets all the rest is said by `default`");
		return;
	}
	if (!set) {
		conf_error(report, &r->place,
			   "the conditions of this route are never true of one connection");
		return;
	}
	missing = set == ANY ? NULL : not_looked_for(set, look);
	if (missing)
		conf_error(report, &r->place,
			   "this route asks for %s, which is not among what its listener looks for",
			   missing);
}

/* -- routes behind one that takes all of theirs -- */

/* A pattern covers each name that ends with what follows its star, and the patterns of such names. */
static bool pattern_covers(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	if (strcmp(a, b) == 0)
		return true;
	return a[0] == '*' && m > n - 1 && strcmp(a + 1, b + m - (n - 1)) == 0;
}

static bool text_covers(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* Is each of b among a? An empty a is no condition; an empty b is none either, so nothing follows. */
static bool list_covers(const struct conf_list *a, const struct conf_list *b,
			bool (*covers)(const char *, const char *))
{
	if (a->count == 0)
		return true;
	for (size_t i = 0; i < b->count; i++) {
		size_t k = 0;

		while (k < a->count && !covers(a->item[k], b->item[i]))
			k++;
		if (k == a->count)
			return false;
	}
	return b->count > 0;
}

static bool route_covers(const struct conf_route *a, const struct conf_route *b)
{
	return (protocols_of(b) & ~protocols_of(a)) == 0 &&
	       list_covers(&a->sni, &b->sni, pattern_covers) &&
	       list_covers(&a->host, &b->host, pattern_covers) &&
	       list_covers(&a->alpn, &b->alpn, text_covers);
}

/* Does it have conditions, none of which is in doubt? */
static bool is_clear(const struct conf_route *r)
{
	return has_condition(r) && !r->place.wrong;
}

static void check_order(const struct conf_listener *l, struct conf_report *report)
{
	char where[CONF_WHERE];
	size_t names = l->routes;

	for (size_t i = 0; i < l->routes; i++)
		names += l->route[i]->sni.count + l->route[i]->host.count + l->route[i]->alpn.count;
	for (size_t i = 1; i < l->routes && names <= COMPARED; i++) {
		size_t k = 0;

		while (k < i && !(is_clear(l->route[k]) && route_covers(l->route[k], l->route[i])))
			k++;
		if (k < i && is_clear(l->route[i]))
			conf_warning(
				report, &l->route[i]->place,
				"this route is never taken: the one%s takes all of its connections",
				conf_where(&l->route[k]->place, where));
	}
}

/* -- the listener -- */

static void check_blind(const struct conf_listener *l, struct conf_report *report)
{
	if (l->routes)
		conf_error(report, &l->route[0]->place,
			   "this listener looks at nothing: say what may come, like look: [tls]");
	else if (!l->otherwise.name)
		conf_error(
			report, &l->place,
			"this listener looks at nothing: it needs its \"default\", which gets all");
	if (l->on_silence.name)
		conf_error(
			report, &l->on_silence.place,
			"on_silence: this listener looks at nothing, so it waits for nobody to speak");
}

void conf_check_routes(const struct conf_listener *l, struct conf_report *report)
{
	bool judged = !l->place.wrong; /* else who knows what he wanted to look for */

	if (judged && !l->look) {
		check_blind(l, report);
		return;
	}
	if (judged && !l->routes && !l->otherwise.name)
		conf_error(
			report, &l->place,
			"this listener has neither routes nor a \"default\": it would close all");
	for (size_t i = 0; i < l->routes; i++)
		if (!l->route[i]->place.wrong)
			check_conditions(l->route[i], judged ? l->look : ANY, report);
	check_order(l, report);
}
