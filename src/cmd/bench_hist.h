/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_hist.h — how often a time was seen, to within 1/256 of it
 *
 * Each power of two of nanoseconds is cut into 128 buckets of the same width, as HDR histograms do:
 * a time is told as the middle of its bucket, at most 0.4 % away. What is longer than MOST counts as
 * MOST. The size is fixed, and adding is a shift and an increment.
 */
#ifndef CMD_BENCH_HIST_H
#define CMD_BENCH_HIST_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_HIST_BITS    7
#define BENCH_HIST_MOST    (((uint64_t)1 << 41) - 1) /* ns: 36 minutes */
#define BENCH_HIST_BUCKETS ((size_t)(41 - BENCH_HIST_BITS + 1) << BENCH_HIST_BITS)

struct bench_hist {
	uint64_t count, sum, min, max; /* ns; exact */
	uint64_t bucket[BENCH_HIST_BUCKETS];
};

void bench_hist_add(struct bench_hist *h, uint64_t ns);

/* The time that share (0..1) of all were not longer than; 0 when there are none. */
uint64_t bench_hist_share(const struct bench_hist *h, double share);

/* The longest time that falls into bucket i. */
uint64_t bench_hist_top(size_t i);

#endif
