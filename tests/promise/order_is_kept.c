/* SPDX-License-Identifier: BSD-2-Clause */
/* E1: bytes leave in the order in which they came, or in which they were ordered */
#include "stage.h"

/* Random sizes and pauses, both ways at once, through sockets that hold next to nothing or much. */
static void both_ways(struct stage *st, enum wire a_wire, enum wire b_wire, unsigned small,
		      size_t n)
{
	if (!wire_works(a_wire) || !wire_works(b_wire))
		return;
	st->small = small;
	struct part *a = joined_pair(st, a_wire, b_wire), *b = a->other;

	says(a, n);
	says(b, n / 2);
	while (a->end || b->end) {
		struct actor *who = random_below(st, 2) ? &a->peer : &b->peer;

		who->piece = 1 + random_below(st, small ? 4000 : 200000);
		who->sip = 1 + random_below(st, small ? 4000 : 100000);
		who->resting = (unsigned)random_below(st, 3);
		if (random_below(st, 50) == 0)
			who->resting = 40;
		stage_turn(st);
	}
	stage_until(st, a->peer.ended && b->peer.ended);
	assert_int_equal(b->peer.heard, n);
	assert_int_equal(a->peer.heard, n / 2);
	assert_int_equal(a->why, SHUNT_WHY_DONE);
}

static void joined_over_tcp(void **state)
{
	both_ways(*state, TCP4, TCP4, 0, 6 * MB);
	both_ways(*state, TCP6, TCP6, 0, 2 * MB);
	both_ways(*state, TCP4, TCP6, 0, 2 * MB);
}

static void joined_over_unix_sockets(void **state)
{
	both_ways(*state, UNIX, UNIX, 0, 4 * MB);
	both_ways(*state, UNIX, TCP4, 0, 2 * MB);
	both_ways(*state, TCP4, UNIX, 0, 2 * MB);
}

static void joined_through_tiny_buffers(void **state)
{
	both_ways(*state, TCP4, TCP4, 2048, 300 * KB);
	both_ways(*state, UNIX, UNIX, 2048, 300 * KB);
	both_ways(*state, TCP6, UNIX, 2048, 200 * KB);
}

/* One byte at a time, there and back. */
static void ping_pong(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;

	for (unsigned i = 0; i < 300; i++) {
		a->peer.say = i + 1;
		stage_until(st, b->peer.heard == i + 1);
		b->peer.say = i + 1;
		stage_until(st, a->peer.heard == i + 1);
	}
	a->peer.finishes = b->peer.finishes = true;
	stage_until(st, !a->end && !b->end);
}

/* A head is put before what follows: inserted bytes, the head itself, and then the join's. */
static void head_first_on(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what != SHUNT_ARRIVED)
		return;
	assert_int_equal(shunt_insert(p->other->end, "before ", 7), 0);
	assert_int_equal(shunt_queue(p->other->end, ev->buf, 0, ev->length), 0);
	assert_int_equal(shunt_insert(p->other->end, "after", 5), 0);
	assert_int_equal(shunt_join(p->end, p->other->end), 0);
}

static void head_then_join(struct stage *st, enum wire w, size_t depth, size_t n)
{
	struct part *a = part_new(st, w, depth), *b = part_new(st, w, SHUNT_NONE);

	expect_each_other(a, b);
	actor_keeps(&b->peer, n + 12);
	st->on = head_first_on;
	says(a, n);
	b->peer.finishes = true;
	stage_until(st, !a->end && !b->end);
	stage_until(st, b->peer.ended);

	const unsigned char *kept = b->peer.kept;
	uint64_t first; /* how long the head was: until "after" */

	assert_int_equal(b->peer.heard, n + 12);
	assert_memory_equal(kept, "before ", 7);
	first = (uint64_t)((const unsigned char *)memmem(kept + 7, n + 5, "after", 5) - kept) - 7;
	assert_true(stream_is(a->peer.say_seed, 0, kept + 7, first));
	assert_true(stream_is(a->peer.say_seed, first, kept + 12 + first, n - first));
	assert_int_equal(a->told[SHUNT_JOINED], 1);
	st->on = NULL;
}

static void head_before_a_join(void **state)
{
	for (int w = 0; w < WIRES; w++) {
		if (!wire_works((enum wire)w))
			continue;
		head_then_join(*state, (enum wire)w, SHUNT_HEAD(16), 3 * MB);
		head_then_join(*state, (enum wire)w, SHUNT_HEAD(16), 10);
		head_then_join(*state, (enum wire)w, SHUNT_HEAD(100 * KB), 1 * MB);
		head_then_join(*state, (enum wire)w, SHUNT_NONE, 3 * MB);
		head_then_join(*state, (enum wire)w, SHUNT_ALL, 3 * MB);
	}
}

/* Whatever order the parts of held buffers are queued in, that is the order in which they come. */
struct script {
	unsigned char *want;
	size_t length;
};
static struct script script;
static struct shunt_buf *held[64];
static uint64_t held_at[64], arrived;
static unsigned holds;

static void hold_on(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what != SHUNT_ARRIVED)
		return;
	assert_true(holds < 64);
	assert_int_equal(shunt_hold(ev->buf), 0);
	held_at[holds] = arrived;
	held[holds++] = ev->buf;
	arrived += ev->length;
	(void)p;
}

static void order_part(struct stage *st, struct part *a, struct part *out, unsigned which)
{
	size_t length = shunt_length(held[which]), off = random_below(st, length);
	size_t n = random_below(st, 4) ? 1 + random_below(st, length - off) : length;
	char text[32];

	if (n == length)
		off = 0;
	assert_int_equal(shunt_queue(out->end, held[which], off, n), 0);
	stream_bytes(a->peer.say_seed, held_at[which] + off, script.want + script.length, n);
	script.length += n;
	if (random_below(st, 2)) {
		int m = snprintf(text, sizeof(text), "<%u>", which);

		assert_int_equal(shunt_insert(out->end, text, (size_t)m), 0);
		memcpy(script.want + script.length, text, (size_t)m);
		script.length += (size_t)m;
	}
}

static void parts_in_any_order(struct stage *st, enum wire w, size_t depth)
{
	struct part *a = part_new(st, w, depth), *out = part_new(st, w, SHUNT_NONE);

	holds = 0;
	arrived = 0;
	script = (struct script){ .want = malloc(64 * MB) };
	st->on = hold_on;
	for (unsigned i = 0; i < 6; i++) {
		a->peer.say += 1 + random_below(st, i % 2 ? 90 * KB : 5 * KB);
		stage_until(st, arrived == a->peer.say);
	}
	for (unsigned i = 0; i < 40; i++)
		order_part(st, a, out, (unsigned)random_below(st, holds));
	actor_keeps(&out->peer, script.length);
	assert_int_equal(shunt_finish(out->end), 0);
	stage_until(st, out->peer.ended);
	assert_int_equal(out->peer.heard, script.length);
	assert_memory_equal(out->peer.kept, script.want, script.length);
	for (unsigned i = 0; i < holds; i++)
		assert_int_equal(shunt_release(held[i]), 0);
	free(script.want);
	st->on = NULL;
}

static void ordered_in_parts(void **state)
{
	parts_in_any_order(*state, TCP4, SHUNT_NONE);
	parts_in_any_order(*state, TCP4, SHUNT_ALL);
	parts_in_any_order(*state, UNIX, SHUNT_NONE);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(joined_over_tcp),
		stage_test(joined_over_unix_sockets),
		stage_test(joined_through_tiny_buffers),
		stage_test(ping_pong),
		stage_test(head_before_a_join),
		stage_test(ordered_in_parts),
	};

	return stage_run(argc, argv, tests);
}
