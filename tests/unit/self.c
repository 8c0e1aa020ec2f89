/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/self.h"

static struct self look(void)
{
	struct self s = { 0 };

	assert_int_equal(self_read(&s), 0);
	return s;
}

static void descriptors_are_counted_and_looking_takes_none(void **state)
{
	struct self before = look();
	int fd[3];

	(void)state;
	assert_true(before.open_fds >= 1 && before.open_fds <= before.max_fds);
	for (int i = 0; i < 3; i++)
		fd[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(look().open_fds, before.open_fds + 3);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	assert_int_equal(look().open_fds, before.open_fds);
}

static void memory_grows_by_what_is_used(void **state)
{
	const size_t size = 32 << 20;
	struct self before = look(), after;
	char *p = malloc(size);

	(void)state;
	assert_non_null(p);
	memset(p, 1, size);
	assert_int_equal(p[size - 1], 1);
	after = look();
	free(p);
	assert_true(before.resident > 0 && before.virtual >= before.resident);
	assert_true(after.resident >= before.resident + size / 2);
}

static void it_began_a_moment_ago_and_always_at_the_same_one(void **state)
{
	struct self first = look();
	uint64_t now = (uint64_t)time(NULL) * 1000;

	(void)state;
	assert_true(first.started_ms <= now + 2000);
	assert_true(first.started_ms + 120000 > now);
	usleep(20000);
	assert_true(look().started_ms == first.started_ms);
}

/* proc(5): a name may have brackets and blanks. */
static void no_name_misleads(void **state)
{
	struct self before = look(), after;

	(void)state;
	prctl(PR_SET_NAME, ") S 1 (x) 2");
	after = look();
	assert_true(after.resident > before.resident / 2);
	assert_true(after.virtual >= before.virtual / 2 && after.virtual < 2 * before.virtual);
}

static void processor_time_goes_on(void **state)
{
	struct self before = look();
	volatile unsigned n = 0;
	clock_t until = clock() + CLOCKS_PER_SEC / 10;

	(void)state;
	while (clock() < until)
		n++;
	assert_true(look().cpu_ms >= before.cpu_ms + 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_are_counted_and_looking_takes_none),
		cmocka_unit_test(memory_grows_by_what_is_used),
		cmocka_unit_test(it_began_a_moment_ago_and_always_at_the_same_one),
		cmocka_unit_test(no_name_misleads),
		cmocka_unit_test(processor_time_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
