/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/sys.h"
#include "base/timer.h"

#define MANY 1000

/* The heap's own law, which every call has to keep. */
static void lawful(const struct timers *ts)
{
	assert_true(ts->armed <= ts->room);
	for (size_t i = 1; i <= ts->armed; i++) {
		assert_int_equal(ts->heap[i]->place, i);
		if (i > 1)
			assert_true(ts->heap[i / 2]->due <= ts->heap[i]->due);
	}
}

static uint64_t noise(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static void none_is_armed(void **state)
{
	struct timers ts;

	(void)state;
	timers_init(&ts);
	assert_true(timers_next(&ts) == UINT64_MAX);
	assert_null(timers_due(&ts, UINT64_MAX));
	timers_free(&ts);
	timers_free(&ts);
}

static void the_soonest_comes_first(void **state)
{
	struct timer t[MANY] = { 0 }, *got;
	struct timers ts;
	uint64_t seed = 1, last = 0;
	size_t n = 0;

	(void)state;
	timers_init(&ts);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(timer_arm(&ts, &t[i], noise(&seed) % 500), 0);
		lawful(&ts);
	}
	for (; (got = timers_due(&ts, UINT64_MAX)); n++) {
		assert_true(got->due >= last);
		assert_false(timer_armed(got));
		last = got->due;
		lawful(&ts);
	}
	assert_int_equal(n, MANY);
	timers_free(&ts);
}

static void only_what_is_due_comes(void **state)
{
	struct timer a = { 0 }, b = { 0 };
	struct timers ts;

	(void)state;
	timers_init(&ts);
	timer_arm(&ts, &a, 100);
	timer_arm(&ts, &b, 200);
	assert_true(timers_next(&ts) == 100);
	assert_null(timers_due(&ts, 99));
	assert_ptr_equal(timers_due(&ts, 100), &a);
	assert_null(timers_due(&ts, 199));
	assert_true(timers_next(&ts) == 200);
	assert_ptr_equal(timers_due(&ts, 1000), &b);
	assert_true(timers_next(&ts) == UINT64_MAX);
	timers_free(&ts);
}

static void arming_again_moves(void **state)
{
	struct timer a = { 0 }, b = { 0 }, c = { 0 };
	struct timers ts;

	(void)state;
	timers_init(&ts);
	timer_arm(&ts, &a, 10);
	timer_arm(&ts, &b, 20);
	timer_arm(&ts, &c, 30);
	timer_arm(&ts, &a, 40);
	assert_int_equal(ts.armed, 3);
	lawful(&ts);
	assert_true(timers_next(&ts) == 20);
	timer_arm(&ts, &c, 5);
	lawful(&ts);
	assert_ptr_equal(timers_due(&ts, UINT64_MAX), &c);
	assert_ptr_equal(timers_due(&ts, UINT64_MAX), &b);
	assert_ptr_equal(timers_due(&ts, UINT64_MAX), &a);
	timers_free(&ts);
}

static void disarming_is_idempotent(void **state)
{
	struct timer a = { 0 }, b = { 0 };
	struct timers ts;

	(void)state;
	timers_init(&ts);
	timer_disarm(&ts, &a);
	timer_arm(&ts, &a, 1);
	timer_arm(&ts, &b, 2);
	timer_disarm(&ts, &a);
	timer_disarm(&ts, &a);
	assert_false(timer_armed(&a));
	assert_true(timer_armed(&b));
	assert_true(timers_next(&ts) == 2);
	timer_arm(&ts, &a, 1);
	assert_ptr_equal(timers_due(&ts, 1), &a);
	timers_free(&ts);
}

/* One that has come out may be armed again at once, even by what it woke. */
static void a_timer_may_be_armed_again_when_it_came(void **state)
{
	struct timer a = { 0 };
	struct timers ts;

	(void)state;
	timers_init(&ts);
	timer_arm(&ts, &a, 1);
	for (uint64_t now = 1; now < 100; now++) {
		assert_ptr_equal(timers_due(&ts, now), &a);
		assert_int_equal(timer_arm(&ts, &a, now + 1), 0);
		assert_null(timers_due(&ts, now));
	}
	timers_free(&ts);
	assert_false(timer_armed(&a));
}

/* Against a plain list of what is armed: whatever is done, in whatever order. */
static void it_agrees_with_a_plain_list(void **state)
{
	struct timer t[64] = { 0 };
	struct timers ts;
	uint64_t seed = 7;

	(void)state;
	timers_init(&ts);
	for (int step = 0; step < 20000; step++) {
		struct timer *one = &t[noise(&seed) % 64], *got;
		uint64_t next = UINT64_MAX, now = noise(&seed) % 1000;
		size_t armed = 0;

		switch (noise(&seed) % 4) {
		case 0:
		case 1: assert_int_equal(timer_arm(&ts, one, noise(&seed) % 1000), 0); break;
		case 2: timer_disarm(&ts, one); break;
		default:
			got = timers_due(&ts, now);
			for (size_t i = 0; i < 64; i++)
				if (timer_armed(&t[i]))
					assert_true(t[i].due >= (got ? got->due : now + 1));
			assert_true(!got || got->due <= now);
		}
		lawful(&ts);
		for (size_t i = 0; i < 64; i++) {
			armed += timer_armed(&t[i]);
			if (timer_armed(&t[i]) && t[i].due < next)
				next = t[i].due;
		}
		assert_int_equal(ts.armed, armed);
		assert_true(timers_next(&ts) == next);
	}
	timers_free(&ts);
}

static void reserved_room_is_not_left(void **state)
{
	struct timer *t = calloc(MANY, sizeof(*t));
	struct timer **heap;
	struct timers ts;

	(void)state;
	timers_init(&ts);
	assert_int_equal(timers_reserve(&ts, MANY), 0);
	assert_true(ts.room >= MANY);
	heap = ts.heap;
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(timer_arm(&ts, &t[i], i), 0);
	assert_ptr_equal(ts.heap, heap);
	assert_int_equal(timers_reserve(&ts, 1), 0);
	assert_ptr_equal(ts.heap, heap);
	timers_free(&ts);
	free(t);
}

static void too_much_is_refused_and_changes_nothing(void **state)
{
	struct timer a = { 0 };
	struct timers ts;

	(void)state;
	timers_init(&ts);
	timer_arm(&ts, &a, 5);
	assert_int_equal(timers_reserve(&ts, SIZE_MAX), -ENOMEM);
	assert_int_equal(timers_reserve(&ts, SIZE_MAX / 2 + 1), -ENOMEM);
	assert_int_equal(timers_reserve(&ts, SIZE_MAX / sizeof(void *)), -ENOMEM);
	assert_true(timers_next(&ts) == 5);
	lawful(&ts);
	timers_free(&ts);
}

static void without_memory_nothing_changes(void **state)
{
	struct timer t[40] = { 0 };
	struct timers ts;
	size_t n = 0;

	(void)state;
	timers_init(&ts);
	sys_fault_at(1, 0, 0);
	assert_int_equal(timer_arm(&ts, &t[0], 1), -ENOMEM);
	assert_false(timer_armed(&t[0]));
	assert_true(timers_next(&ts) == UINT64_MAX);
	assert_int_equal(timer_arm(&ts, &t[0], 1), 0);
	for (n = 1; n < ts.room; n++)
		assert_int_equal(timer_arm(&ts, &t[n], 100 - n), 0);
	assert_true(n < 40);
	sys_fault_at(1, 0, SYS_FAULT_STAYS);
	assert_int_equal(timer_arm(&ts, &t[n], 0), -ENOMEM);
	assert_false(timer_armed(&t[n]));
	/* What is armed can still be moved. */
	assert_int_equal(timer_arm(&ts, &t[0], 50), 0);
	lawful(&ts);
	sys_fault_at(0, 0, 0);
	assert_int_equal(timer_arm(&ts, &t[n], 0), 0);
	assert_ptr_equal(timers_due(&ts, 0), &t[n]);
	timers_free(&ts);
}

static void the_ends_of_time_are_times(void **state)
{
	struct timer a = { 0 }, b = { 0 };
	struct timers ts;

	(void)state;
	timers_init(&ts);
	timer_arm(&ts, &a, UINT64_MAX);
	timer_arm(&ts, &b, 0);
	assert_ptr_equal(timers_due(&ts, 0), &b);
	assert_null(timers_due(&ts, UINT64_MAX - 1));
	assert_ptr_equal(timers_due(&ts, UINT64_MAX), &a);
	timers_free(&ts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_armed),
		cmocka_unit_test(the_soonest_comes_first),
		cmocka_unit_test(only_what_is_due_comes),
		cmocka_unit_test(arming_again_moves),
		cmocka_unit_test(disarming_is_idempotent),
		cmocka_unit_test(a_timer_may_be_armed_again_when_it_came),
		cmocka_unit_test(it_agrees_with_a_plain_list),
		cmocka_unit_test(reserved_room_is_not_left),
		cmocka_unit_test(too_much_is_refused_and_changes_nothing),
		cmocka_unit_test(without_memory_nothing_changes),
		cmocka_unit_test(the_ends_of_time_are_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
