/* SPDX-License-Identifier: BSD-2-Clause */
/* timer.h — what is to happen later, soonest first
 *
 * A binary heap of timers that live in their owners: arming, moving and disarming cost log n, asking
 * for the next costs nothing. A timer knows its place in the heap; place 0 is "not armed", so a
 * zeroed timer is ready for use. Times are milliseconds of whatever clock the caller keeps.
 * An armed timer must not be freed or moved in memory.
 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
	uint64_t due;
	size_t place; /* in the heap, from 1; 0: not armed */
};

struct timers {
	struct timer **heap; /* heap[1] is the soonest, heap[0] is not used */
	size_t armed;
	size_t room; /* how many timers fit without growing */
};

void timers_init(struct timers *ts);

/* Disarm all, give the memory back; ts is as after timers_init. */
void timers_free(struct timers *ts);

/* Room for `count` armed timers altogether: up to then timer_arm cannot fail. -ENOMEM. */
int timers_reserve(struct timers *ts, size_t count);

/* Due at `due`; if armed already, from then on at the new time. -ENOMEM: only where nothing was
 * reserved, and nothing has changed. */
int timer_arm(struct timers *ts, struct timer *t, uint64_t due);

/* Never mind. Harmless if it was not armed. */
void timer_disarm(struct timers *ts, struct timer *t);

static inline bool timer_armed(const struct timer *t)
{
	return t->place != 0;
}

/* When the next one is due; UINT64_MAX: none is armed. */
uint64_t timers_next(const struct timers *ts);

/* Take out one that is due at `now`, the soonest first; NULL: none. */
struct timer *timers_due(struct timers *ts, uint64_t now);

#endif
