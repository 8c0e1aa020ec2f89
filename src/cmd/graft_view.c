/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/graft_view.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "engine/graft_end.h"

enum { NS_PER_MS = 1000000 };

const char *view_state_text(enum view_state s)
{
	static const char *const texts[VIEW_STATES] = { "making", "draining", "live", "over" };

	return texts[s];
}

static bool state_of(const struct graft_slot *slot, enum view_state *s)
{
	const uint32_t state = slot_state(slot);

	if (state == SLOT_FREE)
		return false;
	if (state < SLOT_GRAFTED)
		*s = VIEW_MAKING;
	else if (graft_is_over(slot))
		*s = VIEW_OVER;
	else
		*s = slot->final ? VIEW_LIVE : VIEW_DRAINING;
	return true;
}

static void write_address(const struct graft_slot *slot, const uint32_t at[4], uint16_t port,
			  char text[ADDR_TEXT])
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = port };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = port };
	struct addr a = { .len = slot->flags & SLOT_V6 ? sizeof(v6) : sizeof(v4) };

	v4.sin_addr.s_addr = at[0];
	memcpy(&v6.sin6_addr, at, sizeof(v6.sin6_addr));
	if (slot->flags & SLOT_V6)
		memcpy(&a.ss, &v6, sizeof(v6));
	else
		memcpy(&a.ss, &v4, sizeof(v4));
	addr_text(&a, text);
}

static uint64_t since_ms(uint64_t then_ns, uint64_t now_ns)
{
	return then_ns && now_ns > then_ns ? (now_ns - then_ns) / NS_PER_MS : 0;
}

static uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool view_graft(struct view *v, const struct graft_slot *slot)
{
	struct graft_slot was = *slot;
	enum view_state s;

	memset(v, 0, sizeof(*v));
	if (!state_of(&was, &v->state) || !state_of(slot, &s) || slot->life != was.life)
		return false;
	const struct graft_side *side = was.side;

	v->conn = was.conn;
	v->age_ms = since_ms(was.began, wall_ns());
	for (int i = 0; i < 2; i++) {
		write_address(&was, side[i].peer, side[i].peer_port, v->peer[i]);
		write_address(&was, side[i].self, side[i].self_port, v->self[i]);
		v->before[i] = was.before[!i];
		if (v->state == VIEW_MAKING) /* its counts are of what was watched */
			continue;
		v->bytes[i] = side[i].bytes;
		v->packets[i] = side[i].packets;
		v->idle_ms = since_ms(side[0].last > side[1].last ? side[0].last : side[1].last,
				      clock_ns());
	}
	return true;
}

bool view_count(const struct graft_kernel *k, unsigned count[VIEW_STATES])
{
	enum view_state s;

	memset(count, 0, VIEW_STATES * sizeof(*count));
	for (uint32_t i = 0; k->slot && i < k->slots; i++)
		if (state_of(&k->slot[i], &s))
			count[s]++;
	return k->slot != NULL;
}

/* -- folders -- */

static int by_ports(const void *a, const void *b)
{
	const struct graft_folder *x = a, *y = b;

	return x->first != y->first ? x->first - y->first : x->last - y->last;
}

static int read_folders(const char *bpffs, struct graft_folder **f)
{
	int most, n = graft_folders(bpffs, NULL, 0);

	do {
		most = n;
		free(*f);
		*f = n > 0 ? calloc((size_t)n, sizeof(**f)) : NULL;
		if (n > 0 && !*f)
			return -ENOMEM;
		n = graft_folders(bpffs, *f, most);
	} while (n > most); /* one more came meanwhile */
	return n;
}

int view_folders(const struct view_where *w, struct graft_folder **f, char *problem, size_t size)
{
	int all, n = 0;
	int rc = graft_folder_check(w->bpffs, problem, size);

	*f = NULL;
	if (rc < 0)
		return rc;
	all = read_folders(w->bpffs, f);
	if (all < 0) {
		snprintf(problem, size, "%s/shunt: %s%s", w->bpffs, strerror(-all),
			 all == -EACCES ? " (run it as root)" : "");
		free(*f);
		*f = NULL;
		return all;
	}
	for (int i = 0; i < all; i++)
		if (!w->first || ((*f)[i].first == w->first && (*f)[i].last == w->last))
			(*f)[n++] = (*f)[i];
	if (n)
		qsort(*f, (size_t)n, sizeof(**f), by_ports);
	return n;
}

const char *view_user(const struct graft_folder *f, char text[32])
{
	if (f->user > 0)
		snprintf(text, 32, "process %d", (int)f->user);
	else
		snprintf(text, 32, f->user ? "another process" : "nobody");
	return text;
}
