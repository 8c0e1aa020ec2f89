/* SPDX-License-Identifier: BSD-2-Clause */
/* E1, E2 and E5, for a tap: it gets every byte that goes out, in order, and whatever becomes of it, nothing of
 * that is felt by what it is tapped from */
#include "stage.h"

/* What b's peer hears, the tap's peer hears as well. The tap's end is its own part. */
static struct part *tapped(struct stage *st, struct part *b, enum wire w, size_t most)
{
	struct part *t = part_new(st, w, SHUNT_NONE);

	t->peer.hear_seed = b->peer.hear_seed;
	assert_int_equal(shunt_tap(b->end, t->end, most), 0);
	return t;
}

static void finish_tap(struct stage *st, struct part *t)
{
	assert_int_equal(shunt_finish(t->end), 0);
	t->peer.finishes = true;
	stage_until(st, !t->end && t->peer.ended);
}

static void a_join_is_copied(struct stage *st, enum wire join, enum wire tap, unsigned small,
			     size_t n)
{
	if (!wire_works(join) || !wire_works(tap))
		return;
	st->small = small;
	struct part *a = joined_pair(st, join, join), *b = a->other;
	struct part *t = tapped(st, b, tap, 0);

	says(a, n);
	says(b, n / 3);
	while (a->end || b->end) {
		a->peer.piece = 1 + random_below(st, small ? 4000 : 200000);
		b->peer.sip = 1 + random_below(st, small ? 4000 : 100000);
		stage_turn(st);
	}
	stage_until(st, a->peer.ended && b->peer.ended && t->peer.heard == n);
	assert_int_equal(b->peer.heard, n);
	assert_int_equal(b->stat.moved[SHUNT_GRAFT], 0);
	finish_tap(st, t);
	assert_int_equal(t->stat.out, n);
}

static void all_wires(void **state)
{
	for (int join = 0; join < WIRES; join++)
		for (int tap = 0; tap < WIRES; tap++)
			a_join_is_copied(*state, (enum wire)join, (enum wire)tap, 0, MB);
	a_join_is_copied(*state, TCP4, TCP4, 2048, 200 * KB);
	a_join_is_copied(*state, TCP4, TCP4, 0, 8 * MB);
}

/* What is queued and inserted on the way to a join comes first. */
static void head_on(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what != SHUNT_ARRIVED || !p->other)
		return;
	assert_int_equal(shunt_insert(p->other->end, "before ", 7), 0);
	assert_int_equal(shunt_queue(p->other->end, ev->buf, 0, ev->length), 0);
	assert_int_equal(shunt_join(p->end, p->other->end), 0);
}

static void queued_inserted_and_joined(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_HEAD(5)), *b = part_new(st, TCP4, SHUNT_JOIN);
	struct part *t = part_new(st, TCP4, SHUNT_NONE);

	a->other = b;
	st->on = head_on;
	actor_keeps(&b->peer, 100);
	actor_keeps(&t->peer, 100);
	assert_int_equal(shunt_tap(b->end, t->end, 0), 0);
	actor_tells(&a->peer, "head, ");
	stage_until(st, b->peer.heard == 13);
	actor_tells(&a->peer, "and what follows");
	stage_until(st, b->peer.heard == 29 && t->peer.heard == 29);
	assert_memory_equal(b->peer.kept, "before head, and what follows", 29);
	assert_memory_equal(t->peer.kept, "before head, and what follows", 29);
}

/* A tap that does not read breaks when its limit waits, and not a byte later is missing. */
static void one_that_does_not_read(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;

	st->small = 4096;
	struct part *t = tapped(st, b, TCP4, 256 * KB);

	t->peer.deaf = true;
	says(a, 8 * MB);
	says(b, 1);
	stage_until(st, !t->end);
	assert_int_equal(t->broken, SHUNT_WHY_BEHIND);
	stage_until(st, a->peer.ended && b->peer.ended);
	assert_int_equal(b->peer.heard, 8 * MB);
	assert_int_equal(a->why, SHUNT_WHY_DONE);
}

/* What waits there is never more than it may. */
static void it_holds_no_more_than_its_limit(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;

	st->small = 4096;
	struct part *t = tapped(st, b, TCP4, MB);

	t->peer.sip = 1000;
	says(a, 4 * MB);
	says(b, 1);
	while (a->end || b->end) {
		if (t->end)
			assert_true(stat_of(t).queued <= MB);
		stage_turn(st);
	}
	stage_until(st, b->peer.ended);
	assert_int_equal(b->peer.heard, 4 * MB);
}

static void one_that_goes_away(struct stage *st, bool reset)
{
	struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;
	struct part *t = tapped(st, b, TCP4, 0);

	a->peer.say = 500 * KB;
	stage_until(st, b->peer.heard == 500 * KB && t->peer.heard == 500 * KB);
	if (reset)
		actor_reset(&t->peer);
	else
		actor_close(&t->peer);
	says(a, 3 * MB);
	says(b, 10);
	stage_until(st, a->peer.ended && b->peer.ended);
	assert_int_equal(b->peer.heard, 3 * MB);
	stage_until(st, !a->end && !b->end);
	if (t->end)
		assert_int_equal(shunt_abort(t->end), 0);
	stage_until(st, !t->end);
}

static void ones_that_go_away(void **state)
{
	one_that_goes_away(*state, true);
	one_that_goes_away(*state, false);
}

/* An urgent byte comes at its place. */
static void urgent_bytes_come_in_line(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;
	struct part *t = tapped(st, b, TCP4, 0);

	actor_keeps(&b->peer, 100);
	actor_keeps(&t->peer, 100);
	actor_tells(&a->peer, "one ");
	stage_until(st, t->peer.heard == 4);
	actor_tell(&a->peer, "!", 1, MSG_OOB);
	stage_until(st, t->peer.heard == 5);
	actor_tells(&a->peer, " two");
	stage_until(st, t->peer.heard == 9);
	assert_memory_equal(t->peer.kept, "one ! two", 9);
}

/* The same tap, for one output after the other. */
static void the_next_output(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_NONE), *b = part_new(st, TCP4, SHUNT_NONE);
	struct part *t = part_new(st, TCP4, SHUNT_NONE);

	actor_keeps(&t->peer, 100);
	actor_keeps(&a->peer, 100);
	actor_keeps(&b->peer, 100);
	assert_int_equal(shunt_tap(a->end, t->end, 0), 0);
	assert_int_equal(shunt_tap(b->end, t->end, 0), -EBUSY);
	assert_int_equal(shunt_insert(a->end, "first ", 6), 0);
	stage_until(st, t->peer.heard == 6);
	assert_int_equal(shunt_abort(a->end), 0);
	stage_until(st, !a->end);
	assert_int_equal(shunt_tap(b->end, t->end, 0), 0);
	assert_int_equal(shunt_insert(b->end, "second", 6), 0);
	stage_until(st, t->peer.heard == 12);
	assert_memory_equal(t->peer.kept, "first second", 12);
}

/* Another tap, for an output in the middle of a piece that the first one has had: it gets what is left of it. */
static void one_after_another(void **state)
{
	enum { MUCH = 256 * 1024 };
	struct stage *st = *state;
	static unsigned char bytes[MUCH];

	st->small = 4096;
	struct part *b = part_new(st, TCP4, SHUNT_NONE), *t = part_new(st, TCP4, SHUNT_NONE);
	struct part *next = part_new(st, TCP4, SHUNT_NONE);

	stream_bytes(7, 0, bytes, MUCH);
	b->peer.hear_seed = t->peer.hear_seed = next->peer.hear_seed = 7;
	b->peer.deaf = true;
	assert_int_equal(shunt_tap(b->end, t->end, 0), 0);
	assert_int_equal(shunt_insert(b->end, bytes, MUCH), 0);
	stage_until(st, t->peer.heard == MUCH);
	assert_int_equal(shunt_abort(t->end), 0);
	stage_until(st, !t->end);
	next->peer.heard = stat_of(b).out;
	assert_true(next->peer.heard < MUCH);
	assert_int_equal(shunt_tap(b->end, next->end, 0), 0);
	b->peer.deaf = false;
	stage_until(st, b->peer.heard == MUCH && next->peer.heard == MUCH);
}

static void what_cannot_be_is_said(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_NONE), *b = part_new(st, TCP4, SHUNT_NONE);
	struct part *c = joined_pair(st, TCP4, TCP4);

	assert_int_equal(shunt_tap(a->end, a->end, 0), -EINVAL);
	assert_int_equal(shunt_tap(a->end, c->end, 0), -EBUSY);
	assert_int_equal(shunt_finish(b->end), 0);
	assert_int_equal(shunt_tap(a->end, b->end, 0), -EPIPE);
	assert_int_equal(shunt_tap(b->end, a->end, 0), -EPIPE);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(all_wires),
		stage_test(queued_inserted_and_joined),
		stage_test(one_that_does_not_read),
		stage_test(it_holds_no_more_than_its_limit),
		stage_test(ones_that_go_away),
		stage_test(urgent_bytes_come_in_line),
		stage_test(the_next_output),
		stage_test(one_after_another),
		stage_test(what_cannot_be_is_said),
	};

	return stage_run(argc, argv, tests);
}
