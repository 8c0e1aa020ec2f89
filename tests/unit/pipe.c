/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/sys.h"
#include "engine/pipe.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void has_the_room_it_says(void **state)
{
	const size_t wants[] = { 0, PIPE_LEAST, PIPE_MIDDLE, (size_t)1 << 20 };

	for (unsigned i = 0; i < 4; i++) {
		struct pipe_pool pool;
		struct pipe p;

		pipe_pool_init(&pool, wants[i]);
		assert_int_equal(pipe_take(&pool, &p), 0);
		assert_int_equal(fcntl(p.wr, F_GETPIPE_SZ), p.room);
		assert_true(p.room >= PIPE_LEAST);
		assert_int_equal(fcntl(p.rd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
		assert_int_equal(fcntl(p.wr, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		assert_int_equal(pool.out, 1);
		pipe_give(&pool, &p, 0);
		assert_int_equal(pool.out, 0);
		pipe_pool_free(&pool);
	}
	(void)state;
}

/* An empty one is kept and comes again; one with a residue is destroyed, for it would mix two streams. */
static void only_empty_ones_are_kept(void **state)
{
	struct pipe_pool pool;
	struct pipe p, again;

	pipe_pool_init(&pool, PIPE_LEAST);
	assert_int_equal(pipe_take(&pool, &p), 0);
	again = p;
	pipe_give(&pool, &p, 0);
	assert_int_equal(p.rd, -1);
	assert_int_equal(pipe_take(&pool, &p), 0);
	assert_int_equal(p.rd, again.rd);
	assert_int_equal(p.wr, again.wr);
	assert_int_equal(write(p.wr, "x", 1), 1);
	pipe_give(&pool, &p, 1);
	assert_int_equal(pool.kept, 0);
	assert_false(is_open(again.rd));
	assert_false(is_open(again.wr));
	pipe_pool_free(&pool);
	(void)state;
}

static void keeps_a_few(void **state)
{
	struct pipe p[3 * PIPE_KEEP];
	struct pipe_pool pool;
	unsigned open = 0;

	pipe_pool_init(&pool, PIPE_LEAST);
	for (unsigned i = 0; i < 3 * PIPE_KEEP; i++)
		assert_int_equal(pipe_take(&pool, &p[i]), 0);
	assert_int_equal(pool.out, 3 * PIPE_KEEP);
	for (unsigned i = 0; i < 3 * PIPE_KEEP; i++) {
		int rd = p[i].rd;

		pipe_give(&pool, &p[i], 0);
		open += is_open(rd);
	}
	assert_int_equal(pool.kept, PIPE_KEEP);
	assert_int_equal(open, PIPE_KEEP);
	struct pipe *idle = pool.idle;
	int rd = idle[0].rd;

	pipe_pool_free(&pool);
	assert_false(is_open(rd));
	(void)state;
}

/* No descriptors: said at once, and not asked again in the same millisecond; later there are some again. */
static void refusals_pass(void **state)
{
	struct rlimit before, none;
	struct pipe_pool pool;
	struct pipe p;

	pipe_pool_init(&pool, PIPE_LEAST);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int r = pipe_take(&pool, &p), again = pipe_take(&pool, &p);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(r, -EMFILE);
	assert_true(again == -EMFILE || again == -EPERM);
	assert_int_equal(pool.out, 0);
	for (uint64_t now = clock_ms(); clock_ms() <= now + 1;)
		;
	assert_int_equal(pipe_take(&pool, &p), 0);
	pipe_give(&pool, &p, 0);
	pipe_pool_free(&pool);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_room_it_says),
		cmocka_unit_test(only_empty_ones_are_kept),
		cmocka_unit_test(keeps_a_few),
		cmocka_unit_test(refusals_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
