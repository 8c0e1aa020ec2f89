/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_port.h"

#include <string.h>

#include "base/clock.h"
#include "engine/graft_reserve.h"

int graft_ports_open(struct graft_ports *p, uint16_t first, uint16_t last, int notes, char *problem,
		     size_t size)
{
	int rc;

	memset(p, 0, sizeof(*p));
	p->first = first;
	p->last = last;
	rc = graft_reserve(first, last, notes, problem, size);
	if (rc < 0)
		return rc;
	p->reserved = rc == 1;
	/* Not where the last process began: its ports may linger at the other end in TIME_WAIT. */
	atomic_init(&p->cursor, (uint32_t)(clock_ns() / 1000));
	return 0;
}

static bool inside(const struct graft_ports *p, uint16_t port)
{
	return port >= p->first && port <= p->last;
}

bool graft_port_mark(struct graft_ports *p, uint16_t port)
{
	const uint64_t bit = 1ull << port % 64;

	return inside(p, port) && !(atomic_fetch_or(&p->used[port / 64], bit) & bit);
}

uint16_t graft_port_take(struct graft_ports *p)
{
	const uint32_t count = (uint32_t)(p->last - p->first) + 1;

	for (uint32_t tries = 0; tries < count; tries++) {
		uint16_t port = (uint16_t)(p->first + atomic_fetch_add(&p->cursor, 1) % count);

		if (graft_port_mark(p, port))
			return port;
	}
	return 0;
}

void graft_port_give(struct graft_ports *p, uint16_t port)
{
	if (inside(p, port))
		atomic_fetch_and(&p->used[port / 64], ~(1ull << port % 64));
}

unsigned graft_ports_used(const struct graft_ports *p)
{
	unsigned n = 0;

	for (size_t i = 0; i < PORT_WORDS; i++)
		n += (unsigned)__builtin_popcountll(atomic_load(&p->used[i]));
	return n;
}
