/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.h — time that only goes forward (CLOCK_MONOTONIC); it does not stop for a change of date */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
	struct timespec t;

	/* Cannot fail: the clock exists since 2.6 and t is ours. */
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_ms(void)
{
	return clock_ns() / 1000000u;
}

#endif
