/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sys.h"
#include "engine/run.h"

#define LENGTH ((size_t)250000) /* more than a Unix socket takes at once */

static struct kit kit;
static unsigned char want[LENGTH];
static uint64_t moved[SHUNT_ENGINES];

static int set_up(void **state)
{
	kit_init(&kit, (size_t)1 << 20, BLOCK_UNIT);
	memset(moved, 0, sizeof(moved));
	for (size_t i = 0; i < LENGTH; i++)
		want[i] = (unsigned char)(i * 7 + i / 251);
	(void)state;
	return 0;
}

/* Nothing may be left borrowed. */
static int tear_down(void **state)
{
	unsigned out = kit.pipes.out;

	kit_free(&kit);
	(void)state;
	return out != 0;
}

/* The same bytes in a block or in a pipe, there in many pieces. */
static struct run fresh(enum where where)
{
	struct run r = { .where = where, .length = LENGTH };

	if (where == RUN_BLOCK) {
		r.block = block_take(&kit.blocks, BLOCK_UNIT);
		assert_non_null(r.block);
		memcpy(r.block->bytes + 5, want, LENGTH);
		r.at = 5;
		return r;
	}
	assert_int_equal(pipe_take(&kit.pipes, &r.pipe), 0);
	for (size_t at = 0, n; at < LENGTH; at += n) {
		n = at + 9000 < LENGTH ? 9000 : LENGTH - at;
		assert_int_equal(write(r.pipe.wr, want + at, n), n);
	}
	return r;
}

/* All that is left of the run comes out of a socket, and is want[off, off + len). */
static void gives(struct run *r, size_t off, size_t len)
{
	static unsigned char got[LENGTH];
	size_t heard = 0;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(r->length, len);
	while (r->where != RUN_NOWHERE) {
		ssize_t n = run_give(&kit, r, fd[0], moved, false);

		assert_true(n > 0 || n == -EAGAIN);
		for (ssize_t m; (m = recv(fd[1], got + heard, LENGTH - heard, MSG_DONTWAIT)) > 0;)
			heard += (size_t)m;
	}
	assert_int_equal(heard, len);
	assert_memory_equal(got, want + off, len);
	assert_int_equal(run_give(&kit, r, fd[0], moved, false), 0);
	close(fd[0]);
	close(fd[1]);
}

static void each_place(void (*story)(enum where))
{
	story(RUN_BLOCK);
	story(RUN_PIPE);
}

static void give_it(enum where where)
{
	struct run r = fresh(where);

	memset(moved, 0, sizeof(moved));
	gives(&r, 0, LENGTH);
	assert_int_equal(moved[where == RUN_PIPE ? SHUNT_SPLICE : SHUNT_COPY], LENGTH);
	assert_int_equal(moved[SHUNT_SPLICE] + moved[SHUNT_COPY], LENGTH);
}

static void giving(void **state)
{
	each_place(give_it);
	assert_int_equal(kit.moved[SHUNT_SPLICE], LENGTH);
	assert_int_equal(kit.moved[SHUNT_COPY], LENGTH);
	(void)state;
}

/* What a full socket did not take stays, from its front on. */
static void give_a_part(enum where where)
{
	struct run r = fresh(where);
	static unsigned char got[LENGTH];
	int fd[2];
	size_t sent = 0, heard = 0;
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	while ((n = run_give(&kit, &r, fd[0], moved, false)) > 0)
		sent += (size_t)n;
	assert_int_equal(n, -EAGAIN);
	assert_true(sent > 0 && sent < LENGTH);
	while ((n = recv(fd[1], got + heard, LENGTH - heard, 0)) > 0)
		heard += (size_t)n;
	assert_int_equal(heard, sent);
	assert_memory_equal(got, want, sent);
	gives(&r, sent, LENGTH - sent);
	close(fd[0]);
	close(fd[1]);
}

static void giving_in_parts(void **state)
{
	each_place(give_a_part);
	(void)state;
}

static void share_it(enum where where)
{
	const size_t parts[][2] = {
		{ 0, LENGTH },  { 0, 1 },        { LENGTH - 1, 1 }, { 999, 2 },
		{ 1000, 1000 }, { 1001, 20000 }, { 0, LENGTH },
	};
	struct run r = fresh(where);

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct run s = { .where = RUN_NOWHERE };

		assert_int_equal(run_share(&kit, &r, parts[i][0], parts[i][1], &s), 0);
		assert_int_equal(s.where, where);
		gives(&s, parts[i][0], parts[i][1]);
		assert_int_equal(r.length, LENGTH);
	}
	gives(&r, 0, LENGTH);
}

static void sharing(void **state)
{
	each_place(share_it);
	assert_int_equal(kit.viewed, 0);
	(void)state;
}

/* A pipe that is too small for so many pieces: all go into memory, counted, and nothing is missing. */
static void sharing_without_slots(void **state)
{
	struct run r = fresh(RUN_PIPE), s = { .where = RUN_NOWHERE };
	struct pipe small;

	kit.pipes.want = PIPE_LEAST;
	assert_int_equal(pipe_take(&kit.pipes, &small), 0);
	assert_true(fcntl(small.wr, F_SETPIPE_SZ, 4096) > 0);
	pipe_give(&kit.pipes, &small, 0); /* the next that is taken */
	assert_int_equal(run_share(&kit, &r, 100, 20000, &s), 0);
	assert_int_equal(s.where, RUN_BLOCK);
	assert_int_equal(r.where, RUN_BLOCK);
	assert_true(kit.splice_refused > 0);
	gives(&s, 100, 20000);
	gives(&r, 0, LENGTH);
	(void)state;
}

static void folding(void **state)
{
	struct run r = fresh(RUN_PIPE), s = { .where = RUN_NOWHERE };

	assert_int_equal(run_fold(&kit, &r), 0);
	assert_int_equal(r.where, RUN_BLOCK);
	assert_int_equal(run_fold(&kit, &r), 0); /* it is there already */
	gives(&r, 0, LENGTH);
	assert_int_equal(run_fold(&kit, &s), 0); /* and nothing is nothing */
	(void)state;
}

static void trimming(void **state)
{
	struct run r = fresh(RUN_BLOCK), s = { .where = RUN_NOWHERE }, p = fresh(RUN_PIPE);

	assert_int_equal(run_share(&kit, &r, 10, 100, &s), 0);
	run_trim(&kit, &s); /* others hold the block: moving would free nothing */
	assert_ptr_equal(s.block, r.block);
	run_drop(&kit, &s);
	run_trim(&kit, &r); /* too long to be worth it */
	assert_int_equal(r.block->size, BLOCK_UNIT);
	r.length = 1000;
	run_trim(&kit, &r);
	assert_true(r.block->size < 2000);
	assert_int_equal(r.at, 0);
	run_trim(&kit, &r);
	gives(&r, 0, 1000);
	run_trim(&kit, &p);
	gives(&p, 0, LENGTH);
	run_trim(&kit, &p); /* empty */
	(void)state;
}

static void dropping(void **state)
{
	struct run b = fresh(RUN_BLOCK), p = fresh(RUN_PIPE);
	int rd = p.pipe.rd;

	run_drop(&kit, &b);
	run_drop(&kit, &p);
	assert_int_equal(b.where, RUN_NOWHERE);
	assert_int_equal(p.where, RUN_NOWHERE);
	assert_int_equal(fcntl(rd, F_GETFD), -1); /* never pooled with bytes in it */
	run_drop(&kit, &b);
	(void)state;
}

/* A place that takes no splice: the bytes go by copy, and it is counted. */
static void giving_where_splice_is_refused(void **state)
{
	struct run r = fresh(RUN_PIPE);
	char path[] = "/tmp/shunt-unit-run-XXXXXX";
	int fd = mkstemp(path), append = open(path, O_WRONLY | O_APPEND);

	unlink(path);
	assert_true(fd >= 0 && append >= 0);
	/* splice says EINVAL for a file opened to append, send that it is no socket; so they are written */
	assert_int_equal(run_give(&kit, &r, append, moved, false), LENGTH);
	assert_int_equal(kit.splice_refused, 1);
	assert_int_equal(r.where, RUN_NOWHERE);
	assert_int_equal(moved[SHUNT_COPY], LENGTH);
	close(fd);
	close(append);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(giving, set_up, tear_down),
		cmocka_unit_test_setup_teardown(giving_in_parts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sharing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sharing_without_slots, set_up, tear_down),
		cmocka_unit_test_setup_teardown(folding, set_up, tear_down),
		cmocka_unit_test_setup_teardown(trimming, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dropping, set_up, tear_down),
		cmocka_unit_test_setup_teardown(giving_where_splice_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
