/* SPDX-License-Identifier: BSD-2-Clause */
#include "swarm_plan.h"

#include <string.h>

static const char *const kinds[] = { "talk", "early", "served", "duplex", "break-c", "break-s" };

static uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 1 to most, each order of magnitude as likely as the others. */
static uint64_t some(uint64_t *state, uint64_t most)
{
	uint64_t upper = 1;

	while (upper < most && mix(state) % 8)
		upper *= 4;
	return 1 + mix(state) % (upper < most ? upper : most);
}

void plan_make(struct plan *p, uint64_t seed, uint64_t number, uint64_t most)
{
	uint64_t state = seed * 1000003 + number;

	memset(p, 0, sizeof(*p));
	p->seed = seed << 32 | number << 1;
	p->number = number;
	p->kind = mix(&state) % 10 < 4 ? TALK : mix(&state) % KINDS;
	p->waits = mix(&state) % 3 == 0;
	p->rounds = p->kind == TALK || p->kind == SERVED ? 1 + mix(&state) % ROUNDS : 1;
	p->all_up = HELLO;
	p->all_down = GREETING;
	for (unsigned i = 0; i < p->rounds; i++) {
		p->all_up += p->up[i] = some(&state, p->kind == TALK ? most / 4 + 1 : most);
		p->all_down += p->down[i] = some(&state, most);
	}
}

const char *plan_kind(const struct plan *p)
{
	return kinds[p->kind];
}
