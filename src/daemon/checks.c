/* SPDX-License-Identifier: BSD-2-Clause */
/* checks.c — whom to ask, when, and what follows from the answers
 *
 *   due ──▶ asked ──▶ good, bad, late: daemon/health.h
 *    ▲        │ lack           │
 *    └────────┴── every ───────┘
 *
 * A server that is new here is asked within a second, the second time somewhere in the later half of `every`
 * and then by it: so those that were begun at once are spread over the time between. What we lack ourselves
 * (descriptors, ports) says nothing of a server.
 *
 * A check belongs to a server, and finds it by the id that no other has: an event for a server that has gone
 * meanwhile finds nobody. All checks lie in the order of these ids.
 */
#include "daemon/checks.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/sys.h"
#include "base/timer.h"
#include "daemon/ask.h"
#include "daemon/health.h"

enum { FIRST_MS = 1000 };

struct check {
	struct server *server;
	const struct conf_backend *backend; /* of the configuration that is followed */
	const struct conf_target *target;
	struct timer timer; /* when it is asked; or is late */
	bool asking, spread;
	uint64_t began; /* 0: it was not asked yet */
	struct ask ask;
};

struct row {
	struct check *check;
	const struct conf_backend *backend;
	const struct conf_target *target;
	bool fresh;
};

struct rows {
	struct row *row;
	size_t count, room;
};

struct checks {
	int epfd;
	struct backends *bs;  /* held; NULL: nobody was followed yet */
	struct check **check; /* by their servers' ids */
	size_t count;
	unsigned *version; /* of each backend */
	struct timers timers;
	uint64_t random;
};

struct checks *checks_new(int epfd)
{
	struct checks *cs = sys_alloc(sizeof(*cs));

	if (!cs)
		return NULL;
	cs->epfd = epfd;
	cs->random = clock_ns();
	timers_init(&cs->timers);
	return cs;
}

/* -- asking -- */

static uint64_t below(struct checks *cs, uint64_t n)
{
	return n ? hash_mix(++cs->random) % n : 0;
}

/* There is room for one timer of each. */
static void ask_again(struct checks *cs, struct check *c, uint64_t now)
{
	uint64_t every = c->backend->check.every, after = every;

	if (!c->spread)
		after = every / 2 + below(cs, every / 2);
	c->spread = true;
	timer_arm(&cs->timers, &c->timer, c->began + after > now ? c->began + after : now + 1);
}

static void end(struct checks *cs, struct check *c, enum ask_answer is, uint64_t now)
{
	if (is == ASK_WAIT)
		return;
	ask_end(&c->ask);
	c->asking = false;
	ask_again(cs, c, now);
	if (is == ASK_LACK)
		health_unknown(c->server, c->ask.why, now);
	else if (is == ASK_GOOD)
		health_good(c->server, &c->backend->check, now);
	else
		health_bad(c->server, &c->backend->check, c->ask.why, now);
}

/* What a server made from a name takes for its own name. */
static const char *host(const struct check *c)
{
	if (c->target->kind == CONF_TARGET_NAME)
		return c->target->text;
	return c->server->addr.ss.ss_family == AF_UNIX ? "localhost" : c->server->text;
}

static void begin(struct checks *cs, struct check *c, uint64_t now)
{
	struct ask_question q = {
		.to = &c->server->addr,
		.proxy = c->backend->send_proxy,
		.http = c->backend->check.http,
		.host = host(c),
	};

	c->began = now;
	c->asking = true;
	timer_arm(&cs->timers, &c->timer, now + c->backend->check.timeout);
	end(cs, c, ask_begin(&c->ask, &q, cs->epfd, c->server->id), now);
}

uint64_t checks_next(const struct checks *cs)
{
	return timers_next(&cs->timers);
}

void checks_due(struct checks *cs, uint64_t now)
{
	struct timer *t;

	while ((t = timers_due(&cs->timers, now))) {
		struct check *c = list_of(t, struct check, timer);

		if (c->asking) {
			ask_late(&c->ask);
			end(cs, c, ASK_BAD, now);
		} else {
			begin(cs, c, now);
		}
	}
}

static int by_id(const void *id, const void *check)
{
	uint64_t a = *(const uint64_t *)id;
	uint64_t b = (*(struct check *const *)check)->server->id;

	return (a > b) - (a < b);
}

static struct check *find(const struct checks *cs, uint64_t id)
{
	struct check **found = NULL;

	if (cs->count > 0)
		found = bsearch(&id, cs->check, cs->count, sizeof(*cs->check), by_id);
	return found ? *found : NULL;
}

void checks_ready(struct checks *cs, uint64_t ticket, uint64_t now)
{
	struct check *c = find(cs, ticket);

	if (c && c->asking)
		end(cs, c, ask_go_on(&c->ask, ticket), now);
}

/* -- whom -- */

static void check_free(struct checks *cs, struct check *c)
{
	timer_disarm(&cs->timers, &c->timer);
	if (c->asking)
		ask_end(&c->ask);
	server_unref(c->server);
	free(c);
}

static bool rows_add(struct rows *rows, const struct checks *cs, const struct backend_seat *seat,
		     const struct conf_backend *backend)
{
	struct row *r;

	if (rows->count == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 64;

		r = realloc(rows->row, room * sizeof(*r));
		if (!r)
			return false;
		rows->row = r;
		rows->room = room;
	}
	r = &rows->row[rows->count];
	*r = (struct row){ find(cs, seat->server->id), backend, &seat->conf->address, false };
	if (!r->check) {
		r->check = sys_alloc(sizeof(*r->check));
		if (!r->check)
			return false;
		r->check->server = server_ref(seat->server);
		r->fresh = true;
	}
	rows->count++;
	return true;
}

static int rows_of(struct rows *rows, const struct checks *cs, struct backend *b)
{
	struct backend_list list;
	int r = backend_list(b, &list);

	for (size_t i = 0; r == 0 && i < list.count; i++)
		if (!rows_add(rows, cs, &list.seat[i], backend_conf(b)))
			r = -ENOMEM;
	backend_list_free(&list);
	return r;
}

static void rows_drop(struct checks *cs, struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->row[i].fresh)
			check_free(cs, rows->row[i].check);
	free(rows->row);
}

static int row_order(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	return by_id(&a->check->server->id, &b->check);
}

/* A server that two seats share is asked once. */
static void rows_sort(struct checks *cs, struct rows *rows)
{
	size_t kept = 0;

	if (rows->count > 1)
		qsort(rows->row, rows->count, sizeof(*rows->row), row_order);
	for (size_t i = 0; i < rows->count; i++) {
		struct row *r = &rows->row[i];

		if (kept && rows->row[kept - 1].check->server == r->check->server) {
			if (r->fresh)
				check_free(cs, r->check);
			continue;
		}
		rows->row[kept++] = *r;
	}
	rows->count = kept;
}

/* When it is next asked, or is late, by the configuration that is followed now. */
static void set_timer(struct checks *cs, struct check *c, uint64_t now)
{
	const struct conf_check *conf = &c->backend->check;
	uint64_t due = c->began + (c->asking ? conf->timeout : conf->every);

	if (!timer_armed(&c->timer))
		due = now + below(cs, conf->every < FIRST_MS ? conf->every : FIRST_MS);
	else if (!c->began || c->timer.due <= due)
		return;
	timer_arm(&cs->timers, &c->timer, due);
}

/* From now on these, and no others. */
static void take(struct checks *cs, const struct rows *rows, struct check **into, uint64_t now)
{
	size_t old = 0;

	for (size_t i = 0; i < rows->count; i++) {
		struct row *r = &rows->row[i];
		struct check *c = into[i] = r->check;

		while (old < cs->count && cs->check[old]->server->id < c->server->id)
			check_free(cs, cs->check[old++]);
		old += !r->fresh;
		c->backend = r->backend;
		c->target = r->target;
		set_timer(cs, c, now);
	}
	while (old < cs->count)
		check_free(cs, cs->check[old++]);
	free(cs->check);
	cs->check = into;
	cs->count = rows->count;
}

static struct backend *backend_at(struct backends *bs, size_t i)
{
	return backends_get(bs, backends_conf(bs)->backend[i]);
}

static int fill(struct checks *cs, struct backends *bs, struct rows *rows, unsigned *version)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < backends_conf(bs)->backends; i++) {
		struct backend *b = backend_at(bs, i);

		version[i] = backend_version(b);
		if (backend_conf(b)->check.on)
			r = rows_of(rows, cs, b);
	}
	return r;
}

int checks_follow(struct checks *cs, struct backends *bs, uint64_t now)
{
	unsigned *version = sys_alloc((backends_conf(bs)->backends + 1) * sizeof(*version));
	struct rows rows = { .row = NULL };
	int r = version ? fill(cs, bs, &rows, version) : -ENOMEM;
	struct check **into = NULL;

	if (r == 0) {
		rows_sort(cs, &rows);
		into = sys_alloc((rows.count + 1) * sizeof(struct check *));
		r = into ? timers_reserve(&cs->timers, cs->count + rows.count) : -ENOMEM;
	}
	if (r < 0) {
		rows_drop(cs, &rows);
		free(into);
		free(version);
		return r;
	}
	take(cs, &rows, into, now);
	free(rows.row);
	free(cs->version);
	cs->version = version;
	backends_ref(bs);
	backends_unref(cs->bs);
	cs->bs = bs;
	checks_forget(bs);
	return 0;
}

void checks_look(struct checks *cs, uint64_t now)
{
	for (size_t i = 0; cs->bs && i < backends_conf(cs->bs)->backends; i++)
		if (backend_version(backend_at(cs->bs, i)) != cs->version[i]) {
			checks_follow(cs, cs->bs, now); /* if not now, then at the next look */
			return;
		}
}

void checks_free(struct checks *cs)
{
	if (!cs)
		return;
	for (size_t i = 0; i < cs->count; i++)
		check_free(cs, cs->check[i]);
	timers_free(&cs->timers);
	free(cs->check);
	free(cs->version);
	backends_unref(cs->bs);
	free(cs);
}

bool checks_wanted(struct backends *bs)
{
	for (size_t i = 0; i < backends_conf(bs)->backends; i++)
		if (backends_conf(bs)->backend[i]->check.on)
			return true;
	return false;
}

void checks_forget(struct backends *bs)
{
	for (size_t i = 0; i < backends_conf(bs)->backends; i++) {
		struct backend *b = backend_at(bs, i);
		struct backend_list list;

		if (backend_conf(b)->check.on || backend_list(b, &list) < 0)
			continue;
		for (size_t k = 0; k < list.count; k++)
			server_unmark(list.seat[k].server);
		backend_list_free(&list);
	}
}
