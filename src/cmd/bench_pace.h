/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_pace.h — how much was done in each tenth of a second
 *
 * When the run gets long, two steps become one, again and again: there are never more than STEPS.
 */
#ifndef CMD_BENCH_PACE_H
#define CMD_BENCH_PACE_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_PACE_STEPS 600
#define BENCH_PACE_MS    100

struct bench_pace {
	uint64_t began, step_ns; /* step_ns 0: nothing was added yet */
	size_t used;
	uint64_t count[BENCH_PACE_STEPS];
};

static inline void bench_pace_add(struct bench_pace *p, uint64_t now, uint64_t n)
{
	size_t i;

	if (p->step_ns == 0) {
		p->began = now;
		p->step_ns = BENCH_PACE_MS * (uint64_t)1000000;
	}
	while ((now - p->began) / p->step_ns >= BENCH_PACE_STEPS) {
		for (i = 0; i < BENCH_PACE_STEPS; i++) {
			uint64_t both = i < BENCH_PACE_STEPS / 2
						? p->count[2 * i] + p->count[2 * i + 1]
						: 0;

			p->count[i] = both;
		}
		p->used = (p->used + 1) / 2;
		p->step_ns *= 2;
	}
	i = (size_t)((now - p->began) / p->step_ns);
	p->count[i] += n;
	if (i >= p->used)
		p->used = i + 1;
}

#endif
