/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

static bool is_any_port(const struct conf_address *a)
{
	return a->fd < 0 && a->name.kind != ADDR_UNIX && a->name.port == 0;
}

/* What was asked for in the same words, or leads to the same place. Any port that was had for something else is
 * another one. */
static bool same(const struct listeners_item *i, const struct conf_bind *b)
{
	const struct conf_address *a = b->address;
	struct addr addr;
	const char *problem;

	if (i->single != b->single || (is_any_port(a) && strcmp(i->key, b->key) != 0))
		return false;
	if (a->fd >= 0 || i->wanted.fd >= 0)
		return a->fd == i->wanted.fd;
	if (strcmp(a->text, i->wanted.text) == 0)
		return true;
	return a->name.kind != ADDR_NAME && (a->name.port || a->name.kind == ADDR_UNIX) &&
	       addr_resolve(&a->name, &addr, 1, &problem) == 1 &&
	       addr_same(&addr, &i->listener->addr);
}

static bool is_among(struct listener *const *all, size_t n, const struct listener *l)
{
	for (size_t i = 0; i < n; i++)
		if (all[i] == l)
			return true;
	return false;
}

/* One that is none of `taken`: two that ask for any port are two. */
static struct listener *find(const struct listeners *ls, const struct conf_bind *b,
			     struct listener *const *taken, size_t n)
{
	for (size_t i = 0; i < ls->count; i++)
		if (same(&ls->item[i], b) && !is_among(taken, n, ls->item[i].listener))
			return ls->item[i].listener;
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

static int add(struct listeners *ls, const struct conf_bind *b, unsigned workers,
	       struct listener **out, char *problem, size_t size)
{
	const struct conf_address *a = b->address;
	struct listener *l = grow(ls) ? sys_alloc(sizeof(*l)) : NULL;
	unsigned sockets = b->single ? 1 : workers;
	int r;

	if (!l) {
		snprintf(problem, size, "cannot listen on %s: no memory", a->text);
		return -ENOMEM;
	}
	r = a->fd >= 0 ? listen_inherit(l, a->fd, sockets, problem, size)
		       : listen_open(l, &a->name, sockets, problem, size);
	if (r < 0) {
		free(l);
		return r;
	}
	ls->item[ls->count++] = (struct listeners_item){
		.listener = l, .wanted = *a, .key = b->key, .single = b->single
	};
	*out = l;
	return 0;
}

static void drop(struct listeners_item *i)
{
	listen_close(i->listener);
	free(i->listener);
	conf_unref(i->conf);
}

void listeners_claim(struct listeners *ls, const struct conf *c, struct listener *const *held)
{
	for (size_t i = 0; i < c->binds; i++)
		for (size_t k = 0; k < ls->count; k++)
			if (ls->item[k].listener == held[i]) {
				conf_unref(ls->item[k].conf);
				ls->item[k].conf = conf_ref(c);
				ls->item[k].wanted = *c->bind[i].address;
			}
}

int listeners_take(struct listeners *ls, const struct conf *c, unsigned workers,
		   struct listener **out, char *problem, size_t size)
{
	size_t before = ls->count;
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->binds; i++) {
		if (!out[i])
			out[i] = find(ls, &c->bind[i], out, c->binds);
		if (!out[i])
			r = add(ls, &c->bind[i], workers, &out[i], problem, size);
	}
	while (r < 0 && ls->count > before)
		drop(&ls->item[--ls->count]);
	if (r == 0)
		listeners_claim(ls, c, out);
	return r;
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
