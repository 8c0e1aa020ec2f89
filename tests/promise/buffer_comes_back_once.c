/* SPDX-License-Identifier: BSD-2-Clause */
/* E6: a buffer comes back exactly once, and not before the kernel let go of it; until then its bytes
 * never change, wherever and how often they are sent */
#include "stage.h"

static struct shunt_buf *held[1024];
static uint64_t held_at[1024], arrived;
static unsigned holds;

static void hold_all(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what != SHUNT_ARRIVED || p->other)
		return;
	assert_true(holds < sizeof(held) / sizeof(held[0]));
	assert_int_equal(shunt_hold(ev->buf), 0);
	held_at[holds] = arrived;
	held[holds++] = ev->buf;
	arrived += ev->length;
}

static struct part *source(struct stage *st, enum wire w, size_t depth)
{
	holds = 0;
	arrived = 0;
	st->on = hold_all;
	return part_new(st, w, depth);
}

/* Bursts apart from each other, so that there are several buffers. */
static void fill(struct stage *st, struct part *a, unsigned bursts, size_t most)
{
	for (unsigned i = 0; i < bursts; i++) {
		a->peer.say += 1 + random_below(st, most);
		stage_until(st, arrived == a->peer.say);
	}
}

static void release_all(void)
{
	for (unsigned i = 0; i < holds; i++)
		assert_int_equal(shunt_release(held[i]), 0);
	holds = 0;
}

/* One to five outputs, some of them slow; each gets every buffer whole. */
static void split(struct stage *st, enum wire w, size_t depth, unsigned outs)
{
	struct part *a = source(st, w, depth), *out[5];

	for (unsigned o = 0; o < outs; o++) {
		st->small = o % 2 ? 4096 : 0;
		out[o] = part_new(st, w, SHUNT_JOIN);
		out[o]->peer.hear_seed = a->peer.say_seed;
		out[o]->peer.sip = o % 2 ? 5000 : 0;
		out[o]->peer.rests = o;
	}
	st->small = 0;
	fill(st, a, 5, 60 * KB);
	for (unsigned i = 0; i < holds; i++)
		for (unsigned o = 0; o < outs; o++)
			assert_int_equal(
				shunt_queue(out[o]->end, held[i], 0, shunt_length(held[i])), 0);
	stage_turn(st);
	release_all(); /* long before the slow ones have it all */
	for (unsigned o = 0; o < outs; o++)
		assert_int_equal(shunt_finish(out[o]->end), 0);
	for (unsigned o = 0; o < outs; o++) {
		stage_until(st, out[o]->peer.ended);
		assert_int_equal(out[o]->peer.heard, arrived);
		assert_int_equal(stat_of(out[o]).out, arrived);
	}
	assert_int_equal(stat_of(a).outstanding, 0);
	assert_int_equal(stat_of(a).in, arrived);
}

static void one_source_many_outputs(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_ALL };

	for (unsigned outs = 1; outs <= 5; outs++)
		for (unsigned d = 0; d < 2; d++) {
			split(*state, TCP4, depths[d], outs);
			split(*state, UNIX, depths[d], outs);
		}
}

/* A head goes to many as well: lifted once, by the first. */
static void split_head_on(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	if (ev->what != SHUNT_ARRIVED)
		return;
	for (struct part *o = p->other; o; o = o->other)
		assert_int_equal(shunt_queue(o->end, ev->buf, 0, ev->length), 0);
	(void)st;
}

static void heads_to_many(void **state)
{
	struct stage *st = *state;

	for (int w = 0; w < WIRES; w++) {
		if (!wire_works((enum wire)w))
			continue;
		struct part *a = part_new(st, (enum wire)w, SHUNT_HEAD(32)), *last = NULL, *out[3];

		for (unsigned o = 0; o < 3; o++) {
			out[o] = part_new(st, (enum wire)w, SHUNT_JOIN);
			out[o]->peer.hear_seed = a->peer.say_seed;
			out[o]->other = last;
			last = out[o];
		}
		a->other = last;
		st->on = split_head_on;
		a->peer.say = 900 * KB;
		for (unsigned o = 0; o < 3; o++)
			stage_until(st, out[o]->peer.heard == 900 * KB);
		assert_int_equal(stat_of(a).outstanding, 0);
	}
}

/* Held over many turns and much traffic, in view or not; released in any order, each once. */
static void held_for_long(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_ALL };
	struct stage *st = *state;

	for (unsigned d = 0; d < 2; d++) {
		struct part *a = source(st, TCP4, depths[d]), *busy;

		fill(st, a, 8, 40 * KB);
		busy = joined_pair(st, TCP4, TCP4);
		says(busy, 20 * MB);
		says(busy->other, 20 * MB);
		stage_until(st, !busy->end && busy->other->peer.ended);
		struct part *out = part_new(st, TCP4, SHUNT_JOIN);
		uint64_t sum = 0;
		size_t lengths = 0;

		actor_keeps(&out->peer, arrived);
		for (unsigned i = holds; i-- > 0;) {
			size_t seen;
			const void *view = shunt_view(held[i], &seen);

			assert_int_equal(seen, depths[d] == SHUNT_ALL ? shunt_length(held[i]) : 0);
			if (seen)
				assert_true(stream_is(a->peer.say_seed, held_at[i], view, seen));
			assert_int_equal(shunt_queue(out->end, held[i], 0, shunt_length(held[i])),
					 0);
			lengths += shunt_length(held[i]);
		}
		assert_int_equal(lengths, arrived);
		stage_until(st, out->peer.heard == arrived);
		for (unsigned i = holds; i-- > 0;) {
			assert_true(stream_is(a->peer.say_seed, held_at[i], out->peer.kept + sum,
					      shunt_length(held[i])));
			sum += shunt_length(held[i]);
		}
		for (unsigned left = holds; left > 0; left--) { /* in any order */
			unsigned i = (unsigned)random_below(st, left);
			size_t length = shunt_length(held[i]), before = stat_of(a).outstanding;

			assert_int_equal(shunt_release(held[i]), 0);
			stage_wait(st, 0);
			assert_int_equal(stat_of(a).outstanding, before - length);
			held[i] = held[left - 1];
		}
		assert_int_equal(stat_of(a).outstanding, 0);
		holds = 0;
	}
}

/* Each hold needs its release; one too many is refused while the buffer is there. */
static void as_many_releases_as_holds(void **state)
{
	struct stage *st = *state;
	struct part *a = source(st, TCP4, SHUNT_ALL), *out = part_new(st, TCP4, SHUNT_JOIN);

	fill(st, a, 1, 100);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(shunt_hold(held[0]), 0);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(shunt_release(held[0]), 0);
	assert_int_equal(stat_of(a).outstanding, arrived);
	out->peer.deaf = true;
	assert_int_equal(shunt_queue(out->end, held[0], 0, 1),
			 0); /* not carried out before the next wait */
	assert_int_equal(shunt_release(held[0]), 0);
	assert_int_equal(shunt_release(held[0]), -EINVAL); /* what is left is the queue's */
	stage_wait(st, 0);
	stage_wait(st, 0);
	assert_int_equal(stat_of(a).outstanding, 0);
}

/* The same bytes on one end, over and over. */
static void twice_on_the_same_end(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_ALL, SHUNT_HEAD(16) };
	struct stage *st = *state;

	for (unsigned d = 0; d < 3; d++) {
		struct part *a = source(st, TCP4, depths[d]), *out = part_new(st, TCP4, SHUNT_JOIN);

		a->peer.say = 30 * KB;
		stage_until(st, holds > 0);
		size_t n = shunt_length(held[0]);

		actor_keeps(&out->peer, 4 * n);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(shunt_queue(out->end, held[0], 0, n), 0);
		stage_until(st, out->peer.heard == 4 * n);
		for (unsigned i = 0; i < 4; i++)
			assert_true(stream_is(a->peer.say_seed, 0, out->peer.kept + i * n, n));
		release_all();
		stage_until(st, arrived == 30 * KB);
		release_all();
	}
}

/* The source is gone; what is held of it can still be sent, also a head that lay in its socket. */
static void outliving_its_source(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_ALL, SHUNT_HEAD(16) };
	struct stage *st = *state;

	for (unsigned how = 0; how < 3; how++) {
		for (unsigned d = 0; d < 3; d++) {
			struct part *a = source(st, TCP4, depths[d]),
				    *out = part_new(st, TCP4, SHUNT_JOIN);

			actor_tell_stream(&a->peer, 20000);
			stage_until(st, holds > 0);
			if (how == 0) {
				assert_int_equal(shunt_abort(a->end), 0);
				stage_until(st, !a->end);
			} else if (how == 1) {
				actor_reset(&a->peer);
				stage_idle(st, 5);
			} else if (depths[d] != SHUNT_HEAD(16)) {
				a->end = (assert_int_equal(close(shunt_detach(a->end)), 0), NULL);
			} else {
				assert_int_equal(shunt_detach(a->end), -EBUSY);
			}
			size_t n = shunt_length(held[0]);

			out->peer.hear_seed = a->peer.say_seed;
			assert_int_equal(shunt_queue(out->end, held[0], 0, n), 0);
			stage_until(st, out->peer.heard == n);
			release_all();
			if (how > 0)
				stage_idle(st, 3);
			release_all();
		}
	}
}

/* An output that breaks, or is aborted, lets go of what was queued on it. */
static void outputs_that_break(void **state)
{
	struct stage *st = *state;
	struct part *a = source(st, TCP4, SHUNT_NONE), *out[4];

	fill(st, a, 4, 50 * KB);
	for (unsigned o = 0; o < 4; o++) {
		st->small = 4096;
		out[o] = part_new(st, TCP4, SHUNT_JOIN);
		out[o]->peer.deaf = true;
		for (unsigned i = 0; i < holds; i++)
			assert_int_equal(
				shunt_queue(out[o]->end, held[i], 0, shunt_length(held[i])), 0);
	}
	stage_idle(st, 5);
	release_all();
	assert_true(stat_of(a).outstanding > 0);
	actor_reset(&out[0]->peer);
	stage_until(st, !out[0]->end);
	assert_int_equal(out[0]->why, SHUNT_WHY_RESET);
	assert_int_equal(shunt_abort(out[1]->end), 0);
	actor_close(&out[2]->peer);
	stage_until(st, !out[1]->end && !out[2]->end);
	assert_int_equal(stat_of(out[3]).queued + out[3]->stat.out + stat_of(out[3]).out, arrived);
	assert_int_equal(shunt_abort(out[3]->end), 0);
	stage_until(st, stat_of(a).outstanding == 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(one_source_many_outputs), stage_test(heads_to_many),
		stage_test(held_for_long),           stage_test(as_many_releases_as_holds),
		stage_test(twice_on_the_same_end),   stage_test(outliving_its_source),
		stage_test(outputs_that_break),
	};

	return stage_run(argc, argv, tests);
}
