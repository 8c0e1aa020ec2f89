/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/bench_hist.h"

#define CUTS ((uint64_t)1 << BENCH_HIST_BITS)

/* Below CUTS each nanosecond has its bucket; above, the bits behind the highest one choose it. */
static size_t bucket_of(uint64_t ns)
{
	unsigned octave;

	if (ns < CUTS)
		return (size_t)ns;
	octave = 63 - (unsigned)__builtin_clzll(ns) - BENCH_HIST_BITS;
	return (size_t)((octave + 1) * CUTS + ((ns >> octave) & (CUTS - 1)));
}

static uint64_t bottom(size_t i)
{
	if (i < CUTS)
		return i;
	return (CUTS + i % CUTS) << (i / CUTS - 1);
}

uint64_t bench_hist_top(size_t i)
{
	return bottom(i + 1) - 1;
}

void bench_hist_add(struct bench_hist *h, uint64_t ns)
{
	if (ns > BENCH_HIST_MOST)
		ns = BENCH_HIST_MOST;
	if (h->count == 0 || ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
	h->count++;
	h->sum += ns;
	h->bucket[bucket_of(ns)]++;
}

static uint64_t within(const struct bench_hist *h, uint64_t ns)
{
	return ns < h->min ? h->min : ns > h->max ? h->max : ns;
}

uint64_t bench_hist_share(const struct bench_hist *h, double share)
{
	double rank = share * (double)h->count;
	uint64_t seen = 0;

	if (h->count == 0)
		return 0;
	for (size_t i = 0; i < BENCH_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (h->bucket[i] && (double)seen >= rank)
			return within(h, bottom(i) + (bench_hist_top(i) - bottom(i)) / 2);
	}
	return h->max;
}
