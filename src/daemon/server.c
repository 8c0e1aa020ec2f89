/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/sys.h"

enum { PAUSE_FIRST_MS = 1000, PAUSE_MOST_MS = 60000 };

/* -- who holds what -- */

struct server_home *server_home_new(const char *name)
{
	size_t n = strlen(name) + 1;
	struct server_home *h = sys_alloc(sizeof(*h) + n);

	if (!h)
		return NULL;
	atomic_init(&h->refs, 1);
	memcpy(h->name, name, n);
	return h;
}

struct server_home *server_home_ref(struct server_home *h)
{
	atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
	return h;
}

void server_home_unref(struct server_home *h)
{
	if (h && atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1)
		free(h);
}

bool server_home_enter(struct server_home *h, unsigned most)
{
	if (atomic_fetch_add_explicit(&h->counts.now, 1, memory_order_relaxed) < most || !most)
		return true;
	server_home_leave(h);
	return false;
}

void server_home_leave(struct server_home *h)
{
	atomic_fetch_sub_explicit(&h->counts.now, 1, memory_order_relaxed);
}

static uint64_t next_id(void)
{
	static _Atomic uint64_t last;

	return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

struct server *server_new(struct server_home *home, const char *name, const struct addr *addr)
{
	size_t n = strlen(name) + 1;
	struct server *s = sys_alloc(sizeof(*s) + n);
	char *copy = (char *)(s + 1);

	if (!s)
		return NULL;
	atomic_init(&s->refs, 1);
	s->home = server_home_ref(home);
	s->name = memcpy(copy, name, n);
	s->addr = *addr;
	addr_text(addr, s->text);
	s->id = next_id();
	s->hash = hash_bytes(s->text, strlen(s->text));
	atomic_init(&s->next_pause, PAUSE_FIRST_MS);
	return s;
}

struct server *server_ref(struct server *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void server_unref(struct server *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	server_home_unref(s->home);
	free(s);
}

/* -- how it is -- */

const char *server_state_text(enum server_state state)
{
	switch (state) {
	case SERVER_UP: return "up";
	case SERVER_TRIAL: return "trial";
	case SERVER_PASSED: return "passed_over";
	default: return "down";
	}
}

enum server_state server_state(const struct server *s, uint64_t now)
{
	uint64_t again = atomic_load_explicit(&s->again, memory_order_relaxed);

	if (atomic_load_explicit(&s->down, memory_order_relaxed))
		return SERVER_DOWN;
	if (again == 0)
		return SERVER_UP;
	return again <= now ? SERVER_TRIAL : SERVER_PASSED;
}

/* True: it was passed over until now. */
static bool forgive(struct server *s)
{
	/* Read first: what all workers read is not written for each connection. */
	if (atomic_load_explicit(&s->failed_in_row, memory_order_relaxed))
		atomic_store_explicit(&s->failed_in_row, 0, memory_order_relaxed);
	if (!atomic_load_explicit(&s->again, memory_order_relaxed))
		return false;
	atomic_store_explicit(&s->next_pause, PAUSE_FIRST_MS, memory_order_relaxed);
	return atomic_exchange(&s->again, 0) != 0;
}

bool server_blame(struct server *s, unsigned fall, bool checks, uint64_t now)
{
	uint64_t none = 0;
	uint64_t again = checks ? UINT64_MAX : now + PAUSE_FIRST_MS;

	atomic_fetch_add_explicit(&s->counts.failed, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->home->counts.failed, 1, memory_order_relaxed);
	if (atomic_fetch_add_explicit(&s->failed_in_row, 1, memory_order_relaxed) + 1 < fall)
		return false;
	/* Those that were under way when it was found out change nothing more. */
	return atomic_compare_exchange_strong(&s->again, &none, again);
}

void server_try(struct server *s, uint64_t now)
{
	uint64_t due = atomic_load_explicit(&s->again, memory_order_relaxed);
	uint64_t pause = atomic_load_explicit(&s->next_pause, memory_order_relaxed);

	pause = pause * 2 < PAUSE_MOST_MS ? pause * 2 : PAUSE_MOST_MS;
	if (due != 0 && due <= now && atomic_compare_exchange_strong(&s->again, &due, now + pause))
		atomic_store_explicit(&s->next_pause, pause, memory_order_relaxed);
}

bool server_mark(struct server *s, bool up)
{
	bool was = atomic_exchange(&s->down, !up);

	return up ? forgive(s) || was : !was;
}

void server_unmark(struct server *s)
{
	uint64_t never = UINT64_MAX;

	atomic_store(&s->down, false);
	atomic_compare_exchange_strong(&s->again, &never, 1); /* a trial is due */
}

/* -- a connection's story -- */

void server_begin(struct server *s)
{
	server_ref(s);
	tally_add(&s->counts.now, 1);
}

void server_connected(struct server *s)
{
	struct log_line l;

	tally_add(&s->counts.all, 1);
	tally_add(&s->home->counts.all, 1);
	if (!forgive(s))
		return;
	log_begin(&l, LOG_INFO_LEVEL);
	log_text(&l, "msg", "a server is back");
	log_text(&l, "backend", s->home->name);
	log_text(&l, "server", s->text);
	log_text(&l, "reason", "it took a connection");
	log_end(&l);
}

void server_moved(struct server *s, const struct moved *more)
{
	tally_moved(&s->counts, more);
	tally_moved(&s->home->counts, more);
}

void server_end(struct server *s)
{
	atomic_fetch_sub_explicit(&s->counts.now, 1, memory_order_relaxed);
	server_home_leave(s->home);
	server_unref(s);
}
