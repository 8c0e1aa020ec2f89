/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/conf_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "daemon/conf_routes.h"

/* -- backends -- */

static void no_backend(const struct conf *c, const struct conf_use *use, struct conf_report *report)
{
	struct guess g = { .word = use->name };
	char quoted[CONF_QUOTED], meant[CONF_MEANT];

	for (size_t i = 0; i < c->backends; i++)
		guess_try(&g, c->backend[i]->name);
	conf_error(report, &use->place, "there is no backend %s%s", conf_quoted(use->name, quoted),
		   conf_meant(&g, meant));
}

static void find_backend(const struct conf *c, struct conf_use *use, bool *used,
			 struct conf_report *report)
{
	const struct conf_backend *b = use->name ? conf_find_backend(c, use->name) : NULL;

	if (use->name && !b)
		no_backend(c, use, report);
	if (b)
		used[b->index] = true;
	use->backend = b;
}

static int check_uses(const struct conf *c, struct conf_report *report)
{
	bool *used = calloc(c->backends + 1, sizeof(*used));
	char quoted[CONF_QUOTED];

	if (!used)
		return -ENOMEM;
	for (size_t i = 0; i < c->listeners; i++) {
		struct conf_listener *l = c->listener[i];

		find_backend(c, &l->otherwise, used, report);
		find_backend(c, &l->on_silence, used, report);
		find_backend(c, &l->mirror, used, report);
		for (size_t k = 0; k < l->routes; k++)
			find_backend(c, &l->route[k]->backend, used, report);
	}
	/* Where something is wrong, a backend may be meant there. */
	for (size_t i = 0; i < c->backends && report->errors == 0; i++)
		if (!used[i])
			conf_warning(report, &c->backend[i]->place, "backend %s is never used",
				     conf_quoted(c->backend[i]->name, quoted));
	free(used);
	return 0;
}

static void check_servers(const struct conf_backend *b, struct conf_report *report)
{
	char quoted[CONF_QUOTED];
	size_t backups = 0;

	for (size_t i = 0; i < b->servers; i++) {
		const struct conf_server *s = b->server[i];

		backups += s->backup;
		for (size_t k = 0; k < i && s->address.text; k++)
			if (b->server[k]->address.text &&
			    strcmp(b->server[k]->address.text, s->address.text) == 0) {
				conf_warning(report, &s->place,
					     "server %s is there twice: give it a weight instead",
					     conf_quoted(s->address.text, quoted));
				break;
			}
	}
	if (b->servers && backups == b->servers)
		conf_warning(report, &b->place, "all servers of backend %s are backups",
			     conf_quoted(b->name, quoted));
}

/* -- listeners that want the same place -- */

static bool is_ip(const struct conf_address *a)
{
	return a->fd < 0 && a->name.kind != ADDR_UNIX;
}

static bool same_name(const struct addr_name *a, const struct addr_name *b)
{
	return a->kind == b->kind && (a->kind == ADDR_UNIX ? strcmp(a->host, b->host)
							   : strcasecmp(a->host, b->host)) == 0;
}

/* Every address, as the relay listens: ":port" and "[::]:port" take IPv4 as well, "0.0.0.0" that alone. */
static bool takes(const struct addr_name *every, const struct addr_name *other)
{
	bool v4 = other->kind == ADDR_NUMBER && !strchr(other->host, ':');
	struct addr a;
	const char *problem;

	if (every->kind == ADDR_EVERY)
		return true;
	if (every->kind != ADDR_NUMBER || addr_resolve(every, &a, 1, &problem) != 1 ||
	    !addr_is_every(&a))
		return false;
	return a.ss.ss_family == AF_INET6 || v4 || other->kind == ADDR_NAME;
}

static bool same_number(const struct addr_name *a, const struct addr_name *b)
{
	struct addr one, other;
	const char *problem;

	return a->kind == ADDR_NUMBER && b->kind == ADDR_NUMBER &&
	       addr_resolve(a, &one, 1, &problem) == 1 &&
	       addr_resolve(b, &other, 1, &problem) == 1 && addr_same(&one, &other);
}

static bool overlap(const struct conf_address *a, const struct conf_address *b)
{
	if (!a->text || !b->text)
		return false;
	if (a->fd >= 0 || b->fd >= 0)
		return a->fd == b->fd;
	if (!is_ip(a) || !is_ip(b))
		return same_name(&a->name, &b->name);
	if (a->name.port != b->name.port || a->name.port == 0)
		return false;
	return same_name(&a->name, &b->name) || takes(&a->name, &b->name) ||
	       takes(&b->name, &a->name) || same_number(&a->name, &b->name);
}

/* Behind the first i addresses that we listen at. */
static void check_address(const struct conf *c, size_t i, const char *key,
			  const struct conf_address *a, struct conf_report *report)
{
	char quoted[CONF_QUOTED], taken[CONF_QUOTED], where[CONF_WHERE];

	for (size_t k = 0; k < i; k++) {
		const struct conf_address *other = c->bind[k].address;

		if (!overlap(a, other))
			continue;
		conf_error(report, &a->place, "%s: %s is taken by %s%s", key,
			   conf_quoted(a->text, quoted), conf_quoted(other->text, taken),
			   conf_where(&other->place, where));
		return;
	}
}

static void put_bind(struct conf *c, const struct conf_address *a, const char *key, bool single)
{
	c->bind[c->binds++] = (struct conf_bind){ a, key, single };
}

/* All addresses that we listen at, but the admin endpoint's. */
static int gather_binds(struct conf *c)
{
	size_t n = c->listeners;

	for (size_t i = 0; i < c->splits; i++)
		n += split_conf_binds(c->split[i]);
	c->bind = conf_alloc(c, (n + 1) * sizeof(*c->bind));
	if (!c->bind)
		return -ENOMEM;
	for (size_t i = 0; i < c->listeners; i++)
		put_bind(c, &c->listener[i]->address, "address", false);
	for (size_t i = 0; i < c->splits; i++) {
		struct split_conf *s = c->split[i];

		s->bind = c->binds;
		for (size_t k = 0; k < s->listen.count; k++)
			put_bind(c, s->listen.item[k], "listen", false);
		if (s->source.comes)
			put_bind(c, &s->source.at, "source", true);
	}
	return 0;
}

/* -- splits -- */

static void check_split(const struct split_conf *s, struct conf_report *report)
{
	char least[UNITS_TEXT], unit[UNITS_TEXT];

	if (s->takeover && !s->source.comes && s->source.at.text)
		conf_error(report, &s->source.at.place,
			   "source: takeover is for a source that comes: listen:ADDR");
	if (s->unit && s->lag + s->burst < SPLIT_LEAST_UNITS * s->unit && !s->place.wrong)
		conf_error(report, &s->place,
			   "unit: with units of %s, lag and burst must be %s together at least",
			   units_size_text(s->unit, unit),
			   units_size_text(SPLIT_LEAST_UNITS * s->unit, least));
}

/* -- all -- */

int conf_check(struct conf *c, struct conf_report *report)
{
	if (c->splits > CONF_SPLITS) {
		conf_error(report, &c->split[CONF_SPLITS]->place,
			   "more than %d splits are too many", CONF_SPLITS);
		c->splits = CONF_SPLITS;
	}
	if (gather_binds(c) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < c->binds; i++)
		check_address(c, i, c->bind[i].key, c->bind[i].address, report);
	if (c->admin.on)
		check_address(c, c->binds, "address", &c->admin.address, report);
	for (size_t i = 0; i < c->listeners; i++)
		conf_check_routes(c->listener[i], report);
	for (size_t i = 0; i < c->splits; i++)
		check_split(c->split[i], report);
	for (size_t i = 0; i < c->backends; i++)
		check_servers(c->backend[i], report);
	return check_uses(c, report);
}
