/* SPDX-License-Identifier: BSD-2-Clause */
/* E3: the end of a stream goes out after its last byte, once; half-close is passed on */
#include "stage.h"

static const enum wire wires[][2] = {
	{ TCP4, TCP4 }, { TCP6, TCP6 }, { UNIX, UNIX }, { TCP4, UNIX }, { UNIX, TCP4 }
};

#define EACH_WIRE(i)                                                                               \
	for (unsigned i = 0; i < sizeof(wires) / sizeof(wires[0]); i++)                            \
		if (wire_works(wires[i][0]) && wire_works(wires[i][1]))

static void is_done(struct part *a)
{
	struct part *b = a->other;

	stage_until(a->stage, !a->end && !b->end && a->peer.ended && b->peer.ended);
	assert_int_equal(a->why, SHUNT_WHY_DONE);
	assert_int_equal(b->why, SHUNT_WHY_DONE);
	assert_int_equal(a->told[SHUNT_BROKEN] + b->told[SHUNT_BROKEN], 0);
	assert_int_equal(a->peer.error + b->peer.error, 0);
	assert_true(a->stat.ended && a->stat.finished && b->stat.ended && b->stat.finished);
}

/* The question is finished, then comes the whole answer. */
static void one_side_finishes_first(void **state)
{
	EACH_WIRE(i)
	{
		struct stage *st = *state;
		struct part *a = joined_pair(st, wires[i][0], wires[i][1]), *b = a->other;

		says(a, 1000);
		stage_until(st, b->peer.ended);
		assert_int_equal(b->peer.heard, 1000);
		stage_idle(st, 5);
		assert_non_null(a->end);
		assert_false(a->peer.ended);
		assert_true(stat_of(a).ended && !stat_of(a).finished);
		assert_true(stat_of(b).finished && !stat_of(b).ended);
		says(b, 2 * MB);
		stage_until(st, a->peer.ended);
		assert_int_equal(a->peer.heard, 2 * MB);
		is_done(a);
	}
}

static void nothing_but_the_end(void **state)
{
	EACH_WIRE(i)
	{
		struct part *a = joined_pair(*state, wires[i][0], wires[i][1]);

		says(a, 0);
		stage_until(*state, a->other->peer.ended);
		assert_int_equal(a->other->peer.heard, 0);
		says(a->other, 0);
		is_done(a);
	}
}

static void ends_cross(void **state)
{
	EACH_WIRE(i)
	{
		struct part *a = joined_pair(*state, wires[i][0], wires[i][1]);

		actor_tell_stream(&a->peer, 3000);
		actor_tell_stream(&a->other->peer, 20 * KB);
		shutdown(a->peer.fd, SHUT_WR);
		shutdown(a->other->peer.fd, SHUT_WR);
		is_done(a);
		assert_int_equal(a->peer.heard, 20 * KB);
		assert_int_equal(a->other->peer.heard, 3000);
	}
}

/* All is said and finished before the reader reads at all: pipes are full, the writer's end waits behind. */
static void end_behind_a_blocked_pipe(void **state)
{
	EACH_WIRE(i)
	{
		struct stage *st = *state;

		st->small = 8192;
		struct part *a = joined_pair(st, wires[i][0], wires[i][1]);

		a->other->peer.deaf = true;
		says(a, 800 * KB);
		stage_idle(st, 30);
		assert_false(stat_of(a->other).finished);
		a->other->peer.deaf = false;
		stage_until(st, a->other->peer.ended);
		assert_int_equal(a->other->peer.heard, 800 * KB);
		says(a->other, 1);
		is_done(a);
	}
}

/* Orders: finish right behind a queue longer than any socket takes. */
static void finish_after_a_long_queue(void **state)
{
	EACH_WIRE(i)
	{
		struct stage *st = *state;
		struct part *a = part_new(st, wires[i][0], SHUNT_NONE);
		static unsigned char bytes[1024 * 1024];

		a->peer.hear_seed = 7;
		a->peer.deaf = true;
		for (unsigned n = 0; n < 6; n++) {
			stream_bytes(7, n * sizeof(bytes), bytes, sizeof(bytes));
			assert_int_equal(shunt_insert(a->end, bytes, sizeof(bytes)), 0);
		}
		assert_int_equal(shunt_finish(a->end), 0);
		assert_int_equal(shunt_insert(a->end, "x", 1), -EPIPE);
		stage_idle(st, 10);
		assert_false(stat_of(a).finished);
		assert_true(stat_of(a).queued > 0);
		a->peer.deaf = false;
		stage_until(st, a->peer.ended);
		assert_int_equal(a->peer.heard, 6 * sizeof(bytes));
		assert_true(stat_of(a).finished);
		assert_int_equal(stat_of(a).queued, 0);
		a->peer.finishes = true;
		stage_until(st, !a->end);
		assert_int_equal(a->why, SHUNT_WHY_DONE);
	}
}

/* ENDED comes once, after all ARRIVED; the other direction still works. */
static void ended_is_told_once(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_HEAD(10), SHUNT_ALL };

	EACH_WIRE(i)
	{
		for (unsigned d = 0; d < 3; d++) {
			struct stage *st = *state;
			struct part *a = part_new(st, wires[i][0], depths[d]);

			says(a, 30 * KB);
			stage_until(st, a->told[SHUNT_ENDED]);
			assert_int_equal(stat_of(a).in, 30 * KB);
			unsigned arrived = a->told[SHUNT_ARRIVED];

			assert_true(arrived > 0);
			actor_keeps(&a->peer, 5);
			assert_int_equal(shunt_insert(a->end, "later", 5), 0);
			stage_until(st, a->peer.heard == 5);
			stage_idle(st, 3);
			assert_int_equal(a->told[SHUNT_ENDED], 1);
			assert_int_equal(a->told[SHUNT_ARRIVED], arrived);
			assert_int_equal(a->told[SHUNT_GONE], 0);
			assert_int_equal(shunt_finish(a->end), 0);
			assert_int_equal(shunt_finish(a->end), -EPIPE);
			stage_until(st, !a->end && a->peer.ended);
			assert_int_equal(a->why, SHUNT_WHY_DONE);
		}
	}
}

/* The peer had finished before the join was given. */
static void joined_after_the_end(void **state)
{
	EACH_WIRE(i)
	{
		struct stage *st = *state;
		struct part *a = part_new(st, wires[i][0], SHUNT_NONE),
			    *b = part_new(st, wires[i][1], SHUNT_NONE);

		expect_each_other(a, b);
		a->peer.finishes = true;
		stage_until(st, a->told[SHUNT_ENDED]);
		assert_int_equal(shunt_join(a->end, b->end), 0);
		says(b, 100 * KB);
		is_done(a);
		assert_int_equal(a->peer.heard, 100 * KB);
	}
}

/* One side has finished and reads no more, the other's end comes while our socket to it is full: what is left to
 * be told of it, a hang-up, must not wake us again and again. */
static void hang_up_does_not_spin(void **state)
{
	EACH_WIRE(i)
	{
		struct stage *st = *state;
		struct part *a = joined_pair(st, wires[i][0], wires[i][1]), *b = a->other;

		a->peer.deaf = true;
		says(a, 10);
		stage_until(st, b->peer.ended);
		while (stat_of(a).queued == 0) {
			b->peer.say += 16 * KB;
			stage_until(st, b->peer.said == b->peer.say);
			stage_idle(st, 3);
		}
		says(b, b->peer.said + 1000);
		stage_idle(st, 50);
		unsigned waits = calls.waits;

		stage_wait(st, 100);
		assert_true(calls.waits - waits < 5);
		a->peer.deaf = false;
		is_done(a);
		assert_int_equal(a->peer.heard, b->peer.say);
	}
}

static struct shunt_buf *holding;

static void hold_it(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	(void)p;
	if (ev->what != SHUNT_ARRIVED)
		return;
	holding = ev->buf;
	assert_int_equal(shunt_hold(holding), 0);
}

/* The same for a head that lies in a socket whose peer has gone. */
static void hang_up_under_a_head_does_not_spin(void **state)
{
	EACH_WIRE(i)
	{
		struct stage *st = *state;
		struct part *a = part_new(st, wires[i][0], SHUNT_HEAD(4));

		holding = NULL;
		st->on = hold_it;
		actor_tells(&a->peer, "bytes");
		stage_until(st, holding);
		assert_int_equal(shunt_finish(a->end), 0);
		stage_until(st, a->peer.ended);
		actor_close(&a->peer);
		stage_idle(st, 10);
		unsigned waits = calls.waits;

		stage_wait(st, 100);
		assert_true(calls.waits - waits < 5);
		assert_int_equal(shunt_release(holding), 0);
		stage_until(st, !a->end);
		assert_int_equal(a->why, SHUNT_WHY_DONE);
		st->on = NULL;
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(one_side_finishes_first),
		stage_test(nothing_but_the_end),
		stage_test(ends_cross),
		stage_test(end_behind_a_blocked_pipe),
		stage_test(finish_after_a_long_queue),
		stage_test(ended_is_told_once),
		stage_test(joined_after_the_end),
		stage_test(hang_up_does_not_spin),
		stage_test(hang_up_under_a_head_does_not_spin),
	};

	return stage_run(argc, argv, tests);
}
