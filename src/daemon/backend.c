/* SPDX-License-Identifier: BSD-2-Clause */
/* backend.c — tables of servers, and a choice among them
 *
 *   lock     the table: which one it is, and what a choice writes in it. Held for a walk over
 *            the seats, in which nothing waits and nothing is asked of the kernel
 *   change   who makes a new table: one at a time, beside those who choose from the present one
 *
 * A server's own state is atomic, and belongs to no table.
 */
#include "daemon/backend.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "daemon/seats.h"

enum { FALL = 3 }; /* where there are no checks that say how many */

struct backend {
	const struct conf_backend *conf;
	struct server_home *home;
	pthread_mutex_t lock, change;
	struct seats *seats;
	uint64_t random;
	atomic_uint version;
};

struct backends {
	atomic_uint refs;
	const struct conf *conf;
	size_t count;
	struct backend backend[]; /* as conf->backend */
};

/* -- making them -- */

static struct backend *find(struct backends *bs, const char *name)
{
	for (size_t i = 0; bs && i < bs->count; i++)
		if (strcmp(bs->backend[i].conf->name, name) == 0)
			return &bs->backend[i];
	return NULL;
}

/* The table of a backend, after that of the same one in another configuration. */
static struct seats *seats_after(struct backend *b, struct backend *before)
{
	struct seats *t;

	if (!before)
		return seats_new(b->conf, b->home, NULL, SIZE_MAX, NULL, 0);
	pthread_mutex_lock(&before->change);
	t = seats_new(b->conf, b->home, before->seats, SIZE_MAX, NULL, 0);
	if (t) {
		pthread_mutex_lock(&before->lock);
		seats_inherit(t, before->seats);
		pthread_mutex_unlock(&before->lock);
	}
	pthread_mutex_unlock(&before->change);
	return t;
}

static int open_one(struct backend *b, const struct conf_backend *conf, struct backend *before)
{
	b->conf = conf;
	b->random = clock_ns();
	pthread_mutex_init(&b->lock, NULL);
	pthread_mutex_init(&b->change, NULL);
	b->home = before ? server_home_ref(before->home) : server_home_new(conf->name);
	if (!b->home)
		return -ENOMEM;
	b->seats = seats_after(b, before);
	for (size_t i = 0; b->seats && !conf->check.on && i < b->seats->count; i++)
		server_unmark(b->seats->seat[i].server);
	return b->seats ? 0 : -ENOMEM;
}

int backends_open(struct backends **out, const struct conf *c, struct backends *previous)
{
	struct backends *bs = sys_alloc(sizeof(*bs) + c->backends * sizeof(bs->backend[0]));
	int r = 0;

	if (!bs)
		return -ENOMEM;
	atomic_init(&bs->refs, 1);
	bs->conf = conf_ref(c);
	while (r == 0 && bs->count < c->backends) {
		const struct conf_backend *conf = c->backend[bs->count];

		r = open_one(&bs->backend[bs->count++], conf, find(previous, conf->name));
	}
	if (r < 0)
		backends_unref(bs);
	else
		*out = bs;
	return r;
}

struct backends *backends_ref(struct backends *bs)
{
	atomic_fetch_add_explicit(&bs->refs, 1, memory_order_relaxed);
	return bs;
}

void backends_unref(struct backends *bs)
{
	if (!bs || atomic_fetch_sub_explicit(&bs->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < bs->count; i++) {
		struct backend *b = &bs->backend[i];

		seats_free(b->seats);
		server_home_unref(b->home);
		pthread_mutex_destroy(&b->lock);
		pthread_mutex_destroy(&b->change);
	}
	conf_unref(bs->conf);
	free(bs);
}

const struct conf *backends_conf(const struct backends *bs)
{
	return bs->conf;
}

struct backend *backends_get(struct backends *bs, const struct conf_backend *conf)
{
	return &bs->backend[conf->index];
}

const struct conf_backend *backend_conf(const struct backend *b)
{
	return b->conf;
}

const struct tally *backend_counts(const struct backend *b)
{
	return &b->home->counts;
}

/* -- choosing -- */

const char *backend_answer_text(enum backend_answer answer)
{
	switch (answer) {
	case BACKEND_CHOSEN: return "chosen";
	case BACKEND_FULL: return "the backend has max_connections";
	case BACKEND_TRIED: return "all servers that are up were tried";
	case BACKEND_DOWN: return "checks found all servers down";
	default: return "no server's name has an address yet";
	}
}

void backend_tries_free(struct backend_tries *t)
{
	free(t->id);
	*t = (struct backend_tries){ .id = NULL };
}

static void tries_add(struct backend_tries *t, uint64_t id)
{
	if (t->count == t->room) {
		unsigned room = t->room ? 2 * t->room : 4;
		uint64_t *more = realloc(t->id, room * sizeof(*more));

		if (!more) {
			t->over = true;
			return;
		}
		t->id = more;
		t->room = room;
	}
	t->id[t->count++] = id;
}

static bool tried(const struct backend_tries *t, const struct server *s)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->id[i] == s->id)
			return true;
	return false;
}

/* Leaves `may` with those that may be chosen and are of the lowest rank. With `passed`, they are those
 * that are passed over. False: there are none. */
static bool offer(struct seats *t, const struct backend_tries *tries, bool passed, uint64_t now)
{
	uint32_t lowest = UINT32_MAX;
	bool first_may = false; /* of a pair, the one before this */

	for (size_t i = 0; i < t->count; i++) {
		const struct server *s = t->seat[i].server;
		enum server_state state = server_state(s, now);
		bool may = passed ? state == SERVER_PASSED : state <= SERVER_TRIAL;

		may = may && !tried(tries, s) && !(t->note[i].second && first_may);
		t->seat[i].may = first_may = may;
		if (may && t->note[i].rank < lowest)
			lowest = t->note[i].rank;
	}
	for (size_t i = 0; i < t->count; i++)
		if (t->note[i].rank != lowest)
			t->seat[i].may = false;
	return lowest != UINT32_MAX;
}

/* Why there is nobody. */
static enum backend_answer nobody(const struct seats *t, uint64_t now)
{
	for (size_t i = 0; i < t->count; i++)
		if (server_state(t->seat[i].server, now) != SERVER_DOWN)
			return BACKEND_TRIED;
	return t->count ? BACKEND_DOWN : BACKEND_UNRESOLVED;
}

static enum backend_answer choose(struct backend *b, const struct addr *client,
				  const struct backend_tries *tries, uint64_t now,
				  struct server **out)
{
	struct seats *t = b->seats;

	if (!offer(t, tries, false, now) && !offer(t, tries, true, now))
		return nobody(t, now);
	if (!server_home_enter(b->home, b->conf->max_connections))
		return BACKEND_FULL;
	*out = t->seat[balance_choose(b->conf->balance, t->seat, t->count, client, &b->random)]
		       .server;
	server_begin(*out);
	server_try(*out, now);
	return BACKEND_CHOSEN;
}

enum backend_answer backend_pick(struct backend *b, const struct addr *client,
				 const struct backend_tries *tries, uint64_t now,
				 struct server **out)
{
	enum backend_answer answer;

	*out = NULL;
	if (tries->over)
		return BACKEND_TRIED;
	pthread_mutex_lock(&b->lock);
	answer = choose(b, client, tries, now, out);
	pthread_mutex_unlock(&b->lock);
	return answer;
}

static void say_passed(const struct backend *b, const struct server *s, unsigned fall, int error)
{
	struct log_line l;

	log_begin(&l, LOG_WARN_LEVEL);
	log_text(&l, "msg", "a server is passed over");
	log_text(&l, "backend", b->conf->name);
	log_text(&l, "server", s->text);
	log_format(&l, "reason", "%u connections in a row failed", fall);
	log_text(&l, "error", strerror(error));
	log_end(&l);
}

void backend_failed(struct backend *b, struct server *s, struct backend_tries *tries, int error,
		    uint64_t now)
{
	const struct conf_check *check = &b->conf->check;
	unsigned fall = check->on ? check->fall : FALL;

	tries_add(tries, s->id);
	if (server_blame(s, fall, check->on, now))
		say_passed(b, s, fall, error);
	server_end(s);
}

/* -- looking at it -- */

int backend_list(struct backend *b, struct backend_list *out)
{
	int r = 0;

	*out = (struct backend_list){ .seat = NULL };
	pthread_mutex_lock(&b->change);
	out->seat = sys_alloc((b->seats->count + 1) * sizeof(*out->seat));
	if (!out->seat)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < b->seats->count; i++)
		out->seat[out->count++] = (struct backend_seat){
			.server = server_ref(b->seats->seat[i].server),
			.conf = b->conf->server[b->seats->note[i].index],
			.weight = b->seats->note[i].weight,
			.priority = b->seats->note[i].priority,
		};
	pthread_mutex_unlock(&b->change);
	return r;
}

void backend_list_free(struct backend_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		server_unref(list->seat[i].server);
	free(list->seat);
	*list = (struct backend_list){ .seat = NULL };
}

/* -- names -- */

unsigned backend_version(const struct backend *b)
{
	return atomic_load(&b->version);
}

bool backend_feed(struct backend *b, size_t index, const struct seats_address *addr, size_t count,
		  int *error)
{
	struct seats *fresh, *old;
	bool same;

	pthread_mutex_lock(&b->change);
	old = b->seats;
	fresh = seats_new(b->conf, b->home, old, index, addr, count);
	*error = fresh ? 0 : -ENOMEM;
	same = !fresh || seats_same(fresh, old);
	if (same) {
		old = fresh;
	} else {
		pthread_mutex_lock(&b->lock);
		seats_inherit(fresh, old);
		b->seats = fresh;
		pthread_mutex_unlock(&b->lock);
		atomic_fetch_add(&b->version, 1);
	}
	pthread_mutex_unlock(&b->change);
	seats_free(old);
	return !same;
}
