/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_seat.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "engine/graft_tuple.h"

int seats_init(struct shunt_graft *g)
{
	g->seat = sys_alloc(g->kernel.slots * sizeof(*g->seat));
	if (!g->seat)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->kernel.slots; i++) {
		list_init(&g->seat[i].in);
		if (slot_state(graft_slot(g, i)) == SLOT_FREE)
			list_add_tail(&g->free, &g->seat[i].in);
	}
	return 0;
}

bool seat_take(struct shunt_graft *g, uint32_t *index)
{
	bool found = false;

	pthread_mutex_lock(&g->lock);
	struct list *n = list_first(&g->free);
	struct seat *seat = n ? list_of(n, struct seat, in) : NULL;

	if (seat && seat->due <= clock_ms()) {
		list_remove(n);
		*index = (uint32_t)(seat - g->seat);
		found = true;
	}
	pthread_mutex_unlock(&g->lock);
	if (!found)
		return false;
	struct graft_slot *slot = graft_slot(g, *index);
	uint32_t life = slot->life + 1;

	memset(slot, 0, sizeof(*slot));
	slot->life = life;
	atomic_fetch_add(&g->made, 1);
	return true;
}

/* The key of packets from the peer of this side. */
static void *key_of(const struct graft_slot *slot, int x, struct graft_key4 *k4,
		    struct graft_key6 *k6)
{
	const struct graft_side *s = &slot->side[x];

	if (slot->flags & SLOT_V6) {
		memcpy(k6->from, s->peer, sizeof(k6->from));
		memcpy(k6->to, s->self, sizeof(k6->to));
		k6->from_port = s->peer_port;
		k6->to_port = s->self_port;
		return k6;
	}
	*k4 = (struct graft_key4){ s->peer[0], s->self[0], s->peer_port, s->self_port };
	return k4;
}

static int table_of(const struct shunt_graft *g, const struct graft_slot *slot)
{
	return slot->flags & SLOT_V6 ? g->kernel.t6 : g->kernel.t4;
}

int seat_enter(struct shunt_graft *g, uint32_t index)
{
	struct graft_slot *slot = graft_slot(g, index);
	struct graft_key4 k4;
	struct graft_key6 k6;

	for (int x = 0; x < 2; x++) {
		uint32_t ref = index << 1 | (uint32_t)x;
		int r = tuple_enter(table_of(g, slot), key_of(slot, x, &k4, &k6), ref);

		if (r < 0) {
			seat_leave(g, index);
			return r;
		}
	}
	return 0;
}

void seat_leave(struct shunt_graft *g, uint32_t index)
{
	struct graft_slot *slot = graft_slot(g, index);
	struct graft_key4 k4;
	struct graft_key6 k6;

	for (int x = 0; x < 2; x++) {
		void *key = key_of(slot, x, &k4, &k6);
		int table = table_of(g, slot);
		uint32_t ref;

		if (tuple_find(table, key, &ref) == 0 && ref >> 1 == index)
			tuple_leave(table, key);
	}
}

void seat_give(struct shunt_graft *g, uint32_t index, bool port)
{
	struct graft_slot *slot = graft_slot(g, index);
	struct seat *seat = &g->seat[index];

	seat_leave(g, index);
	for (int x = 0; x < 2 && port; x++) {
		uint16_t p = ntohs(slot->side[x].self_port);

		if (p >= g->ports.first && p <= g->ports.last) {
			g->kernel.strip[p] = 0;
			graft_port_give(&g->ports, p);
		}
	}
	__atomic_store_n(&slot->state, SLOT_FREE, __ATOMIC_SEQ_CST);
	list_remove(&seat->in);
	seat->owner = NULL;
	seat->adopted = false;
	seat->due = clock_ms() + SEAT_REST_MS;
	list_add_tail(&g->free, &seat->in);
}

void seat_linger(struct shunt_graft *g, uint32_t index, uint64_t now, uint64_t ms)
{
	struct seat *seat = &g->seat[index];

	seat->due = now + ms;
	list_remove(&seat->in);
	list_add_tail(&g->lingering, &seat->in);
}
