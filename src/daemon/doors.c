/* SPDX-License-Identifier: BSD-2-Clause */
/* doors.c — who is let in, and when nobody is
 *
 * The doors are shut at the limit of connections and when the process runs out of descriptors: clients then
 * wait in the kernel's backlog, and a door that stays ready spins nothing, since it is not watched.
 * Shut doors are tried again after a moment, for it may be another worker that lets go.
 *
 * Before a listening socket is closed, who waits in its backlog is let in, beyond any limit of ours: closing
 * would reset them.
 */
#include "daemon/doors.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/sys.h"

enum { ACCEPTS = 64, BACKLOG = 4096, SHUT_MS = 100 };

/* What a listening socket's end points at. */
struct door {
	enum thing thing; /* THING_LISTENER */
	struct door *next;
	int fd;
	const struct gate *gate; /* of the rules in force */
	struct shunt_end *end;   /* NULL while nobody is let in */
};

static bool at_limit(const struct doors *ds)
{
	return atomic_load(&ds->limit->running) >= atomic_load(&ds->limit->most);
}

static void unwatch(struct door *d)
{
	if (d->end)
		shunt_detach(d->end);
	d->end = NULL;
}

static void shut(struct doors *ds)
{
	for (struct door *d = ds->first; d; d = d->next)
		unwatch(d);
	ds->closed = true;
	ds->open_again = ds->sessions->now + SHUT_MS;
	tally_add(&ds->sessions->tallies->accept_paused, 1);
}

/* Open those that can be; those that cannot be are tried again after a moment. */
static void open_all(struct doors *ds)
{
	ds->closed = false;
	ds->sessions->short_of_fds = false; /* try, and see */
	for (struct door *d = ds->first; d; d = d->next)
		if (!d->end && shunt_attach(ds->sessions->s, d->fd, SHUNT_WATCH, d, &d->end) < 0) {
			ds->closed = true;
			ds->open_again = ds->sessions->now + SHUT_MS;
		}
}

void doors_again(struct doors *ds)
{
	if (!ds->closed || ds->sessions->now < ds->open_again)
		return;
	if (at_limit(ds)) /* another worker may let go: look again after a moment */
		ds->open_again = ds->sessions->now + SHUT_MS;
	else
		open_all(ds);
}

static void too_many(struct doors *ds, const char *what)
{
	static _Thread_local struct log_limit limit = LOG_LIMIT(1, 10000);
	uint64_t held;

	shut(ds);
	if (log_may(&limit, ds->sessions->now, &held)) {
		struct log_line l;

		log_begin(&l, LOG_WARN_LEVEL);
		log_format(&l, "msg", "%s: new clients wait until some have gone", what);
		log_number(&l, "connections", ds->sessions->count);
		log_held(&l, held);
		log_end(&l);
	}
}

/* Is this the process's lack, and not the client's fault? */
static bool lack(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

/* What is in the way of one more client, or NULL. */
static const char *obstacle(const struct doors *ds)
{
	if (ds->sessions->short_of_fds)
		return "no file descriptors left";
	return at_limit(ds) ? "the limit of connections is reached" : NULL;
}

/* One client. 0, -EAGAIN: nobody waits, or what accept said. */
static int let_one_in(struct doors *ds, const struct door *d)
{
	struct addr from = { .len = sizeof(from.ss) };
	int fd = sys_accept(d->fd, &from.ss, &from.len);

	if (fd < 0)
		return fd;
	atomic_fetch_add(&ds->limit->running, 1);
	session_begin(ds->sessions, fd, &from, d->gate);
	return 0;
}

void doors_ready(struct doors *ds, void *user)
{
	struct door *d = user;

	for (int i = 0; i < ACCEPTS; i++) {
		const char *what = obstacle(ds);
		int r = what ? 0 : let_one_in(ds, d);

		if (lack(r))
			what = "no file descriptors or memory left";
		if (what) {
			too_many(ds, what);
			return;
		}
		if (r == -EAGAIN)
			return; /* any other failure is one client's, who has left again */
	}
}

static void leave(struct doors *ds, struct door *d, bool let_in_first)
{
	for (int n = 0; let_in_first && n < BACKLOG; n++) {
		int r = let_one_in(ds, d);

		if (r == -EAGAIN || lack(r))
			break;
	}
	unwatch(d);
	free(d);
}

void doors_leave(struct doors *ds, bool let_in_first)
{
	while (ds->first) {
		struct door *d = ds->first;

		ds->first = d->next;
		leave(ds, d, let_in_first);
	}
	ds->closed = false;
}

/* -- others -- */

static struct door *door_new(const struct doors *ds, const struct gate *g)
{
	struct door *d = sys_alloc(sizeof(*d));

	if (!d)
		return NULL;
	d->thing = THING_LISTENER;
	d->gate = g;
	d->fd = g->listener->fd[ds->number];
	return d;
}

static struct door *at_gate(struct door *list, const struct gate *g)
{
	while (list && list->gate->listener != g->listener)
		list = list->next;
	return list;
}

static const struct gate *gate_of(const struct rules *rules, const struct door *d)
{
	for (size_t i = 0; i < rules->gates; i++)
		if (rules->gate[i].listener == d->gate->listener)
			return &rules->gate[i];
	return NULL;
}

/* Doors for the gates that have none yet. False: no memory. */
static bool make_missing(struct doors *ds, const struct rules *rules, struct door **made)
{
	for (size_t i = 0; i < rules->gates; i++) {
		struct door *d;

		if (at_gate(ds->first, &rules->gate[i]))
			continue;
		d = door_new(ds, &rules->gate[i]);
		if (!d)
			return false;
		d->next = *made;
		*made = d;
	}
	return true;
}

static void drop(struct door *list)
{
	while (list) {
		struct door *d = list;

		list = d->next;
		free(d);
	}
}

int doors_exchange(struct doors *ds, const struct rules *rules)
{
	struct door *made = NULL, **at = &ds->first;

	if (!make_missing(ds, rules, &made)) {
		drop(made);
		return -ENOMEM;
	}
	while (*at) {
		struct door *d = *at;
		const struct gate *g = gate_of(rules, d);

		if (g) {
			d->gate = g;
			at = &d->next;
		} else {
			*at = d->next;
			leave(ds, d, true);
		}
	}
	*at = made;
	if (!ds->closed)
		open_all(ds);
	return 0;
}
