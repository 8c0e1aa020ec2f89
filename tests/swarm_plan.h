/* SPDX-License-Identifier: BSD-2-Clause */
/* swarm_plan.h — what both ends of a connection of mixed kinds know of it (swarm_mixed.c) */
#ifndef SHUNT_TESTS_SWARM_PLAN_H
#define SHUNT_TESTS_SWARM_PLAN_H

#include <stdint.h>

enum kind { TALK, EARLY, SERVED, DUPLEX, BREAK_C, BREAK_S, KINDS };
enum { HELLO = 16, GREETING = 40, ROUNDS = 4 };

struct plan {
	uint64_t seed, number;
	enum kind kind;
	int waits; /* the client says its hello after the greeting */
	unsigned rounds;
	uint64_t up[ROUNDS], down[ROUNDS];
	uint64_t all_up, all_down; /* with hello and greeting */
};

/* Connection `number` of this seed, sizes up to `most`: always the same. */
void plan_make(struct plan *p, uint64_t seed, uint64_t number, uint64_t most);
const char *plan_kind(const struct plan *p);

#endif
