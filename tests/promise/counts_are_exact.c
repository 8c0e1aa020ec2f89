/* SPDX-License-Identifier: BSD-2-Clause */
/* What the counts say is what the kernel was asked for: bytes in, out, by which engine, looked at */
#include "stage.h"

static uint64_t by_all(const struct shunt_stat *stat)
{
	uint64_t sum = 0;

	for (int i = 0; i < SHUNT_ENGINES; i++)
		sum += stat->moved[i];
	return sum;
}

static void adds_up(struct part *a, uint64_t said_by_a, uint64_t said_by_b)
{
	struct part *b = a->other;

	assert_int_equal(a->stat.in, said_by_a);
	assert_int_equal(b->stat.in, said_by_b);
	assert_int_equal(a->stat.out, said_by_b);
	assert_int_equal(b->stat.out, said_by_a);
	assert_int_equal(by_all(&a->stat), a->stat.out);
	assert_int_equal(by_all(&b->stat), b->stat.out);
	assert_int_equal(a->stat.viewed + b->stat.viewed, 0);
	assert_int_equal(a->stat.queued + b->stat.queued, 0);
	assert_int_equal(a->stat.outstanding + b->stat.outstanding, 0);
	assert_int_equal(a->told[SHUNT_GONE] + b->told[SHUNT_GONE], 2);
	assert_int_equal(a->told[SHUNT_JOINED], 1);
	assert_int_equal(b->told[SHUNT_JOINED], 0);
}

/* Bulk goes by splice but for its beginning and its end; small transfers go by copy. */
static void joined(struct stage *st, enum wire w, uint64_t up, uint64_t down)
{
	struct part *a = joined_pair(st, w, w), *b = a->other;
	struct shunt_stat before, after;

	assert_int_equal(shunt_stat(st->s, NULL, &before), 0);
	calls = (struct calls){ 0 };
	says(a, up);
	says(b, down);
	stage_until(st, !a->end && !b->end && a->peer.ended && b->peer.ended);
	adds_up(a, up, down);
	uint64_t spliced = a->stat.moved[SHUNT_SPLICE] + b->stat.moved[SHUNT_SPLICE];
	uint64_t copied = a->stat.moved[SHUNT_COPY] + b->stat.moved[SHUNT_COPY];

	assert_int_equal(calls.spliced, 2 * spliced); /* in and out */
	assert_int_equal(calls.copied, copied);
	if (engine == SHUNT_COPY) {
		assert_int_equal(calls.splices + calls.pipes + calls.tees, 0);
		assert_int_equal(spliced, 0);
	} else if (up + down > 100 * KB) {
		assert_true(copied < 60 * KB);
		assert_int_equal((up > down ? b : a)->stat.engine, SHUNT_SPLICE);
		assert_int_equal((up > down ? b : a)->engine, SHUNT_SPLICE);
	}
	assert_int_equal(shunt_stat(st->s, NULL, &after), 0);
	assert_int_equal(after.in - before.in, up + down);
	assert_int_equal(after.out - before.out, up + down);
	assert_int_equal(by_all(&after), after.out);
}

static void of_joins(void **state)
{
	for (int w = 0; w < WIRES; w++) {
		if (!wire_works((enum wire)w))
			continue;
		joined(*state, (enum wire)w, 12 * MB, 0);
		joined(*state, (enum wire)w, 1, 0);
		joined(*state, (enum wire)w, 0, 0);
		joined(*state, (enum wire)w, 4000, 3 * MB);
	}
}

/* A few KB, in and done, pay for no pipe. */
static void small_transfers_take_no_pipe(void **state)
{
	struct stage *st = *state;

	for (unsigned i = 0; i < 50; i++) {
		struct part *a = joined_pair(st, TCP4, TCP4);

		actor_tell_stream(&a->peer, 1 + random_below(st, 4000));
		says(a->other, 1 + random_below(st, 4000));
		says(a, a->peer.said);
		stage_until(st, !a->end && a->other->peer.ended);
		assert_int_equal(a->stat.moved[SHUNT_SPLICE] + a->other->stat.moved[SHUNT_SPLICE],
				 0);
		assert_int_equal(a->other->engine, SHUNT_COPY);
	}
	assert_int_equal(calls.pipes + calls.splices, 0);
}

/* While a bulk transfer runs no payload is copied, and a call moves much. */
static void bulk_is_never_copied(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, TCP4);

	if (engine != SHUNT_SPLICE)
		skip();
	a->peer.say = 8 * MB;
	stage_until(st, a->other->peer.heard == 8 * MB);
	calls = (struct calls){ 0 };
	a->peer.say = 72 * MB;
	stage_until(st, a->other->peer.heard == 72 * MB);
	assert_int_equal(calls.spliced, 2 * 64 * MB);
	assert_int_equal(calls.recvs + calls.sends, 0);
	assert_true(calls.spliced / calls.splices > 32 * KB);
	assert_true(calls.pipes <= 1);
}

/* -- what was looked at -- */

static void pass_on(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what == SHUNT_ARRIVED)
		assert_int_equal(shunt_queue(p->other->end, ev->buf, 0, ev->length), 0);
	if (ev->what == SHUNT_ENDED)
		assert_int_equal(shunt_finish(p->other->end), 0);
}

static void of_what_was_seen(void **state)
{
	struct stage *st = *state;
	const size_t depths[] = { SHUNT_NONE, SHUNT_ALL, SHUNT_HEAD(100) };

	st->on = pass_on;
	for (int w = 0; w < WIRES; w++) {
		if (!wire_works((enum wire)w))
			continue;
		for (unsigned d = 0; d < 3; d++) {
			struct part *a = part_new(st, (enum wire)w, depths[d]),
				    *b = part_new(st, (enum wire)w, SHUNT_NONE);

			expect_each_other(a, b);
			calls = (struct calls){ 0 };
			says(a, 2 * MB);
			b->peer.finishes = true;
			stage_until(st, !a->end && !b->end);
			assert_int_equal(a->stat.in, 2 * MB);
			assert_int_equal(b->stat.out, 2 * MB);
			assert_int_equal(by_all(&b->stat), 2 * MB);
			assert_int_equal(b->stat.viewed, 0);
			if (depths[d] == SHUNT_NONE)
				assert_int_equal(a->stat.viewed, 0);
			else if (depths[d] == SHUNT_ALL)
				assert_int_equal(a->stat.viewed, 2 * MB);
			else
				assert_true(a->stat.viewed > 0 &&
					    a->stat.viewed <= 100 * a->told[SHUNT_ARRIVED]);
			if (depths[d] == SHUNT_ALL || engine == SHUNT_COPY)
				assert_int_equal(b->stat.moved[SHUNT_COPY], 2 * MB);
			else
				assert_true(b->stat.moved[SHUNT_SPLICE] > 1 * MB);
			assert_int_equal(calls.spliced, 2 * b->stat.moved[SHUNT_SPLICE]);
		}
	}
}

/* Splice copies nothing for the second and the third output either. */
static void split_on(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what == SHUNT_ARRIVED)
		for (struct part *o = p->other; o; o = o->other)
			assert_int_equal(shunt_queue(o->end, ev->buf, 0, ev->length), 0);
}

static void of_a_splitter(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_NONE), *out[3];

	for (unsigned i = 0; i < 3; i++) {
		out[i] = part_new(st, TCP4, SHUNT_JOIN);
		out[i]->peer.hear_seed = a->peer.say_seed;
		out[i]->other = i ? out[i - 1] : NULL;
	}
	a->other = out[2];
	st->on = split_on;
	calls = (struct calls){ 0 };
	a->peer.say = 6 * MB;
	for (unsigned i = 0; i < 3; i++)
		stage_until(st, out[i]->peer.heard == 6 * MB);
	struct shunt_stat stat;

	assert_int_equal(shunt_stat(st->s, NULL, &stat), 0);
	assert_int_equal(stat.out, 3 * 6 * MB);
	assert_int_equal(stat.viewed, 0);
	if (engine != SHUNT_COPY)
		assert_true(calls.copied < 60 * KB && stat.moved[SHUNT_COPY] < 180 * KB &&
			    calls.tees > 0);
	else
		assert_int_equal(calls.splices + calls.tees, 0);
}

/* Counts live: while it runs, in the end, and of one that is still there. */
static void while_it_runs(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, TCP4);

	a->peer.say = 1 * MB;
	stage_until(st, a->other->peer.heard == 1 * MB);
	assert_int_equal(stat_of(a).in, 1 * MB);
	assert_int_equal(stat_of(a->other).out, 1 * MB);
	assert_true(stat_of(a).idle_ms < 1000);
	usleep(30000);
	stage_wait(st, 0);
	assert_true(stat_of(a).idle_ms >= 20);
	assert_true(stat_of(a->other).idle_ms >= 20);
	a->other->peer.say = 1;
	stage_until(st, a->peer.heard == 1);
	assert_true(stat_of(a).idle_ms < 20000 && !stat_of(a).ended && !stat_of(a).finished);
	a->peer.finishes = true;
	stage_until(st, a->other->peer.ended);
	assert_true(stat_of(a).ended && stat_of(a->other).finished);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(of_joins),
		stage_test(small_transfers_take_no_pipe),
		stage_test(bulk_is_never_copied),
		stage_test(of_what_was_seen),
		stage_test(of_a_splitter),
		stage_test(while_it_runs),
	};

	return stage_run(argc, argv, tests);
}
