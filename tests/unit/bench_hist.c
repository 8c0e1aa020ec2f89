/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cmd/bench_hist.h"
#include "cmd/bench_pace.h"

#define MANY 20000

static struct bench_hist hist;
static struct bench_pace pace;

static int empty(void **state)
{
	(void)state;
	hist = (struct bench_hist){ 0 };
	pace = (struct bench_pace){ 0 };
	return 0;
}

static void nothing_has_no_times(void **state)
{
	struct bench_hist *h = &hist;

	(void)state;
	assert_int_equal(bench_hist_share(h, 0.5), 0);
	assert_int_equal(bench_hist_share(h, 1), 0);
}

static void buckets_follow_one_another(void **state)
{
	(void)state;
	for (size_t i = 1; i < BENCH_HIST_BUCKETS; i++)
		assert_true(bench_hist_top(i) > bench_hist_top(i - 1));
	assert_true(bench_hist_top(BENCH_HIST_BUCKETS - 1) == BENCH_HIST_MOST);
}

/* Each bucket's first and last time fall into it, and no bucket is wider than 1/128 of its times. */
static void a_time_falls_into_its_bucket(void **state)
{
	struct bench_hist *h = &hist;

	(void)state;
	for (size_t i = 0; i < BENCH_HIST_BUCKETS; i++) {
		uint64_t first = i ? bench_hist_top(i - 1) + 1 : 0, last = bench_hist_top(i);

		bench_hist_add(h, first);
		bench_hist_add(h, last);
		assert_int_equal(h->bucket[i], 2);
		assert_true((last - first) * 128 <= first);
	}
	assert_int_equal(h->count, 2 * BENCH_HIST_BUCKETS);
}

static void what_is_too_long_counts_as_the_longest(void **state)
{
	struct bench_hist *h = &hist;

	(void)state;
	bench_hist_add(h, UINT64_MAX);
	assert_int_equal(h->bucket[BENCH_HIST_BUCKETS - 1], 1);
	assert_true(h->max == BENCH_HIST_MOST);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Beside the times themselves, in order. */
static void shares_are_within_half_a_percent(void **state)
{
	static const double shares[] = { 0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1 };
	struct bench_hist *h = &hist;
	uint64_t *times = test_calloc(MANY, sizeof(*times)), seed = 7, sum = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		times[i] = seed >> (24 + (seed >> 8) % 30);
		sum += times[i];
		bench_hist_add(h, times[i]);
	}
	qsort(times, MANY, sizeof(*times), by_size);
	assert_true(h->sum == sum);
	assert_true(h->min == times[0] && h->max == times[MANY - 1]);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		size_t rank = (size_t)(shares[i] * MANY);
		uint64_t is = times[rank ? rank - 1 : 0], told = bench_hist_share(h, shares[i]);
		uint64_t off = told > is ? told - is : is - told;

		assert_true(off * 200 <= is);
	}
	test_free(times);
}

/* However long it takes, nothing is lost, and what came late stands late. */
static void a_long_run_gets_coarser(void **state)
{
	struct bench_pace *p = &pace;
	uint64_t began = 12345, step = BENCH_PACE_MS * (uint64_t)1000000, sum = 0;

	(void)state;
	for (uint64_t i = 0; i < 5 * BENCH_PACE_STEPS; i++)
		bench_pace_add(p, began + i * step, i % 3);
	for (size_t i = 0; i < p->used; i++)
		sum += p->count[i];
	assert_true(sum == 5 * BENCH_PACE_STEPS);
	assert_int_equal(p->step_ns, 8 * step);
	assert_int_equal(p->used, (5 * BENCH_PACE_STEPS + 7) / 8);
	assert_int_equal(p->count[1], 2 + 0 + 1 + 2 + 0 + 1 + 2 + 0); /* steps 8 to 15 */
	bench_pace_add(p, began + 1000 * BENCH_PACE_STEPS * step, 42);
	assert_true(p->used <= BENCH_PACE_STEPS);
	assert_int_equal(p->count[p->used - 1], 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_has_no_times, empty),
		cmocka_unit_test(buckets_follow_one_another),
		cmocka_unit_test_setup(a_time_falls_into_its_bucket, empty),
		cmocka_unit_test_setup(what_is_too_long_counts_as_the_longest, empty),
		cmocka_unit_test_setup(shares_are_within_half_a_percent, empty),
		cmocka_unit_test_setup(a_long_run_gets_coarser, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
