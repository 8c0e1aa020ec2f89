/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

/* What was asked for in the same words, or leads to the same place. */
static bool same(const struct listeners_item *i, const struct conf_address *a)
{
	struct addr addr;
	const char *problem;

	if (a->fd >= 0 || i->wanted.fd >= 0)
		return a->fd == i->wanted.fd;
	if (strcmp(a->text, i->wanted.text) == 0)
		return true;
	return a->name.kind != ADDR_NAME && (a->name.port || a->name.kind == ADDR_UNIX) &&
	       addr_resolve(&a->name, &addr, 1, &problem) == 1 &&
	       addr_same(&addr, &i->listener->addr);
}

static struct listeners_item *find(const struct listeners *ls, const struct conf_address *a)
{
	for (size_t i = 0; i < ls->count; i++)
		if (same(&ls->item[i], a))
			return &ls->item[i];
	return NULL;
}

static bool grow(struct listeners *ls)
{
	struct listeners_item *more =
		realloc(ls->item, (ls->count + 1) * sizeof(*more)); /* few, and seldom */

	if (more)
		ls->item = more;
	return more != NULL;
}

static int add(struct listeners *ls, const struct conf_address *a, unsigned workers, char *problem,
	       size_t size)
{
	struct listener *l = grow(ls) ? sys_alloc(sizeof(*l)) : NULL;
	int r;

	if (!l) {
		snprintf(problem, size, "cannot listen on %s: no memory", a->text);
		return -ENOMEM;
	}
	r = a->fd >= 0 ? listen_inherit(l, a->fd, workers, problem, size)
		       : listen_open(l, &a->name, workers, problem, size);
	if (r < 0) {
		free(l);
		return r;
	}
	ls->item[ls->count++] = (struct listeners_item){ .listener = l, .wanted = *a };
	return 0;
}

static void drop(struct listeners_item *i)
{
	listen_close(i->listener);
	free(i->listener);
	conf_unref(i->conf);
}

void listeners_claim(struct listeners *ls, const struct conf *c)
{
	for (size_t i = 0; i < c->listeners; i++) {
		struct listeners_item *at = find(ls, &c->listener[i]->address);

		if (!at)
			continue;
		conf_unref(at->conf);
		at->conf = conf_ref(c);
		at->wanted = c->listener[i]->address;
	}
}

int listeners_take(struct listeners *ls, const struct conf *c, unsigned workers,
		   struct listener **out, char *problem, size_t size)
{
	size_t before = ls->count;
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->listeners; i++)
		if (!find(ls, &c->listener[i]->address))
			r = add(ls, &c->listener[i]->address, workers, problem, size);
	while (r < 0 && ls->count > before)
		drop(&ls->item[--ls->count]);
	if (r < 0)
		return r;
	listeners_claim(ls, c);
	for (size_t i = 0; i < c->listeners; i++)
		out[i] = find(ls, &c->listener[i]->address)->listener;
	return 0;
}

void listeners_keep(struct listeners *ls, const struct conf *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < ls->count; i++) {
		if (c && ls->item[i].conf == c)
			ls->item[kept++] = ls->item[i];
		else
			drop(&ls->item[i]);
	}
	ls->count = kept;
	if (kept == 0) {
		free(ls->item);
		ls->item = NULL;
	}
}
