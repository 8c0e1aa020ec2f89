/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_end.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"
#include "engine/graft_pair.h"
#include "engine/graft_reset.h"
#include "engine/graft_seat.h"

enum {
	CLOSED_MS = 2000, /* a FIN that has to be acknowledged once more comes within some RTOs */
	RESET_MS = 1000,
	ALIVE_NS = 100000000, /* packets of his that were under way with the reset come no later */
	AGAIN_MS = 100,
	NS_PER_MS = 1000000
};

bool graft_is_over(const struct graft_slot *slot)
{
	return slot_state(slot) == SLOT_CLOSED ||
	       ((slot->side[0].seen | slot->side[1].seen) & SIDE_RST);
}

static uint64_t last_ms(const struct graft_slot *slot)
{
	uint64_t a = slot->side[0].last, b = slot->side[1].last;

	return (a > b ? a : b) / NS_PER_MS;
}

/* -- those that were adopted are told of by us, for nobody else knows them -- */

static void address_of(const struct graft_slot *slot, const uint32_t at[4], uint16_t port,
		       struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = port };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = port };

	memset(out, 0, sizeof(*out));
	v4.sin_addr.s_addr = at[0];
	memcpy(&v6.sin6_addr, at, sizeof(v6.sin6_addr));
	if (slot->flags & SLOT_V6)
		memcpy(out, &v6, sizeof(v6));
	else
		memcpy(out, &v4, sizeof(v4));
}

static void tell_ended(struct shunt_graft *g, uint32_t index, enum shunt_why why)
{
	struct graft_slot *slot = graft_slot(g, index);
	struct graft_ended *e = sys_alloc(sizeof(*e));
	struct timespec wall;
	uint64_t one = 1;

	g->seat[index].adopted = false;
	if (!e)
		return;
	clock_gettime(CLOCK_REALTIME, &wall);
	uint64_t now = (uint64_t)wall.tv_sec * 1000000000u + (uint64_t)wall.tv_nsec;

	list_init(&e->in);
	for (int i = 0; i < 2; i++) {
		const struct graft_side *side = &slot->side[i];

		address_of(slot, side->peer, side->peer_port, &e->end.peer[i]);
		address_of(slot, side->self, side->self_port, &e->end.self[i]);
		e->end.grafted[i] = slot->side[!i].bytes;
		e->end.before[i] = slot->before[i];
	}
	e->end.conn = slot->conn;
	e->end.age_ms = slot->began && now > slot->began ? (now - slot->began) / NS_PER_MS : 0;
	e->end.why = why;
	e->end.reset_by = graft_reset_by(slot);
	list_add_tail(&g->ended, &e->in);
	(void)!write(g->ended_fd, &one, sizeof(one));
}

/* -- ends -- */

void graft_over(struct shunt_graft *g, uint32_t index, uint64_t now)
{
	struct graft_slot *slot = graft_slot(g, index);
	struct seat *seat = &g->seat[index];
	bool closed = slot_state(slot) == SLOT_CLOSED;

	if (closed && seat->owner)
		pair_tell(seat->owner, NEWS_CLOSED);
	if (closed && seat->adopted)
		tell_ended(g, index, SHUNT_WHY_DONE);
	if (!closed && !slot->final && seat->owner)
		pair_tell(seat->owner, NEWS_CUT); /* its sockets can go now, whatever they hold */
	seat_linger(g, index, now, closed ? CLOSED_MS : RESET_MS);
}

/* Does he who is said to have reset it go on? */
static bool lives(const struct graft_slot *slot)
{
	for (int i = 0; i < 2; i++) {
		const struct graft_side *side = &slot->side[i];

		if ((side->seen & SIDE_RST) && side->last > side->rst_at + ALIVE_NS)
			return true;
	}
	return false;
}

static void let_go(struct shunt_graft *g, uint32_t index, uint64_t now)
{
	struct graft_slot *slot = graft_slot(g, index);
	struct seat *seat = &g->seat[index];

	if (slot_state(slot) == SLOT_GRAFTED && lives(slot)) {
		for (int i = 0; i < 2; i++)
			__atomic_fetch_and(&slot->side[i].seen, ~(uint32_t)SIDE_RST,
					   __ATOMIC_SEQ_CST);
		list_remove(&seat->in);
		return;
	}
	if (seat->adopted)
		tell_ended(g, index, SHUNT_WHY_RESET);
	if (seat->owner) {
		pair_tell(seat->owner, NEWS_RESET); /* he counts it, and forgets it */
		seat->due = now + AGAIN_MS;
		return;
	}
	seat_give(g, index, true);
}

void graft_let_go(struct shunt_graft *g, uint64_t now)
{
	struct list *n, *keep;

	pthread_mutex_lock(&g->lock);
	list_each_safe(n, keep, &g->lingering) {
		struct seat *seat = list_of(n, struct seat, in);

		if (seat->due <= now)
			let_go(g, (uint32_t)(seat - g->seat), now);
	}
	pthread_mutex_unlock(&g->lock);
}

void graft_kill(struct shunt_graft *g, uint32_t index)
{
	pthread_mutex_lock(&g->lock);
	seat_leave(g, index);
	pthread_mutex_unlock(&g->lock);
	for (int x = 0; x < 2; x++)
		graft_reset(graft_slot(g, index), x);
	pthread_mutex_lock(&g->lock);
	seat_give(g, index, true);
	pthread_mutex_unlock(&g->lock);
}

/* -- found at the start -- */

void graft_adopt(struct shunt_graft *g, uint32_t index, uint64_t now)
{
	struct graft_slot *slot = graft_slot(g, index);
	struct seat *seat = &g->seat[index];
	uint32_t state = slot_state(slot);

	if (state != SLOT_GRAFTED && state != SLOT_CLOSED) { /* never cut: its sockets are gone */
		pthread_mutex_lock(&g->lock);
		seat_give(g, index, false);
		pthread_mutex_unlock(&g->lock);
		return;
	}
	for (int x = 0; x < 2; x++) {
		uint16_t port = ntohs(slot->side[x].self_port);

		if (port >= g->ports.first && port <= g->ports.last)
			graft_port_mark(&g->ports, port);
	}
	if (!slot->final && !graft_is_over(slot)) { /* caught between cut and retiring */
		graft_kill(g, index);
		return;
	}
	pthread_mutex_lock(&g->lock);
	seat->adopted = g->adopted = true;
	if (graft_is_over(slot))
		graft_over(g, index, now);
	pthread_mutex_unlock(&g->lock);
}

void graft_idle(struct shunt_graft *g, uint64_t now)
{
	for (uint32_t i = 0; g->idle_ms && g->adopted && i < g->kernel.slots; i++) {
		struct graft_slot *slot = graft_slot(g, i);

		if (!g->seat[i].adopted || slot_state(slot) != SLOT_GRAFTED ||
		    last_ms(slot) + g->idle_ms > now)
			continue;
		pthread_mutex_lock(&g->lock);
		tell_ended(g, i, SHUNT_WHY_TIMEOUT);
		pthread_mutex_unlock(&g->lock);
		graft_kill(g, i);
	}
}
