/* SPDX-License-Identifier: BSD-2-Clause */
/* E5: a slow reader slows the writer, and what we hold stays under its limit */
#include "stage.h"

static void says_until_it_stops(struct stage *st, struct part *a)
{
	uint64_t before;

	a->peer.say = UINT64_C(1) << 40;
	do {
		before = a->peer.said;
		stage_idle(st, 40);
	} while (a->peer.said > before);
}

/* The sockets hold what the kernel allows them; we hold one unit. */
static void joined(void **state)
{
	struct stage *st = *state;

	for (int w = 0; w < WIRES; w++) {
		if (!wire_works((enum wire)w))
			continue;
		st->small = 32768;
		struct part *a = joined_pair(st, (enum wire)w, (enum wire)w), *b = a->other;

		b->peer.deaf = true;
		says_until_it_stops(st, a);
		assert_true(a->peer.said < 4 * MB);
		assert_true(stat_of(a).in - stat_of(b).out <= 1 * MB);
		assert_int_equal(stat_of(b).queued, stat_of(a).in - stat_of(b).out);
		unsigned waits = calls.waits;

		stage_wait(st, 50);
		assert_true(calls.waits - waits < 5);
		says(a, a->peer.said);
		says(b, 0);
		b->peer.deaf = false;
		stage_until(st, !a->end && !b->end && b->peer.ended);
		assert_int_equal(b->peer.heard, a->peer.said);
	}
}

/* As they come, sockets grow; still it stops. */
static void joined_through_large_buffers(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;

	b->peer.deaf = true;
	says_until_it_stops(st, a);
	assert_true(stat_of(a).in - stat_of(b).out <= 1 * MB);
	says(a, a->peer.said);
	says(b, 0);
	b->peer.deaf = false;
	stage_until(st, !a->end && !b->end && b->peer.ended);
	assert_int_equal(b->peer.heard, a->peer.said);
}

/* One slow connection slows nobody else. */
static void others_go_on(void **state)
{
	struct stage *st = *state;
	struct part *slow = joined_pair(st, TCP4, TCP4), *quick;

	slow->other->peer.deaf = true;
	slow->peer.say = 64 * MB;
	stage_idle(st, 50);
	quick = joined_pair(st, TCP4, TCP4);
	says(quick, 5 * MB);
	says(quick->other, 5 * MB);
	stage_until(st, !quick->end && quick->other->peer.ended);
	assert_int_equal(quick->other->peer.heard, 5 * MB);
	assert_non_null(slow->end);
}

/* -- outstanding: what a source has in the program's hands -- */

static struct shunt_buf *held[4096];
static unsigned holds;
static uint64_t held_bytes;

static void hold_all(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	(void)p;
	if (ev->what != SHUNT_ARRIVED)
		return;
	assert_true(holds < sizeof(held) / sizeof(held[0]));
	assert_int_equal(shunt_hold(ev->buf), 0);
	held[holds++] = ev->buf;
	held_bytes += ev->length;
}

static void held_buffers_stop_the_reading(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_ALL };
	struct shunt_options o = SHUNT_OPTIONS;
	struct stage *st = *state;

	o.outstanding = 300 * KB;
	stage_reopen(st, o);
	st->on = hold_all;
	for (int w = 0; w < WIRES; w++) {
		if (!wire_works((enum wire)w))
			continue;
		for (unsigned d = 0; d < 2; d++) {
			struct part *a = part_new(st, (enum wire)w, depths[d]);
			uint64_t given = 0;

			holds = 0;
			held_bytes = 0;
			says(a, 2 * MB);
			while (!a->told[SHUNT_ENDED]) {
				stage_idle(st, 10);
				assert_int_equal(stat_of(a).outstanding, held_bytes - given);
				assert_true(held_bytes - given <= 300 * KB);
				for (unsigned i = 0; i < holds; i++) {
					given += shunt_length(held[i]);
					assert_int_equal(shunt_release(held[i]), 0);
				}
				holds = 0;
			}
			assert_int_equal(held_bytes, 2 * MB);
			assert_int_equal(shunt_finish(a->end), 0);
			stage_until(st, !a->end);
		}
	}
}

/* While it is stopped, nobody is woken for what lies there. */
static void stopped_reading_does_not_spin(void **state)
{
	struct shunt_options o = SHUNT_OPTIONS;
	struct stage *st = *state;

	o.outstanding = 10 * KB;
	stage_reopen(st, o);
	st->on = hold_all;
	struct part *a = part_new(st, TCP4, SHUNT_NONE);

	holds = 0;
	says(a, 100 * KB);
	stage_idle(st, 30);
	unsigned waits = calls.waits;

	stage_wait(st, 50);
	assert_true(calls.waits - waits < 5);
	for (unsigned i = 0; i < holds; i++)
		shunt_release(held[i]);
}

/* Queued buffers count as well: a blocked output stops its source. */
static void queue_it(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what != SHUNT_ARRIVED || !p->other)
		return;
	assert_int_equal(shunt_queue(p->other->end, ev->buf, 0, ev->length), 0);
}

static void a_blocked_output_stops_its_source(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_ALL, SHUNT_HEAD(10) };
	struct shunt_options o = SHUNT_OPTIONS;
	struct stage *st = *state;

	o.outstanding = 500 * KB;
	stage_reopen(st, o);
	st->on = queue_it;
	st->small = 16384;
	for (unsigned d = 0; d < 3; d++) {
		struct part *a = part_new(st, TCP4, depths[d]), *b = part_new(st, TCP4, SHUNT_NONE);

		expect_each_other(a, b);
		b->peer.deaf = true;
		says_until_it_stops(st, a);
		assert_true(stat_of(a).outstanding <= 500 * KB);
		assert_true(stat_of(b).queued <= 500 * KB);
		assert_true(a->peer.said < 2 * MB);
		b->peer.deaf = false;
		a->peer.say = a->peer.said;
		stage_until(st, b->peer.heard == a->peer.said);
		stage_until(st, stat_of(a).outstanding == 0);
		assert_int_equal(stat_of(b).queued, 0);
	}
}

/* -- queue_limit: what waits on one end -- */

static void full_queue_says_again_then_room(void **state)
{
	struct shunt_options o = SHUNT_OPTIONS;
	struct stage *st = *state;
	static unsigned char bytes[10000];
	uint64_t given = 0;
	unsigned rooms = 0;

	o.queue_limit = 100000;
	stage_reopen(st, o);
	st->small = 8192;
	struct part *a = part_new(st, TCP4, SHUNT_NONE);

	a->peer.hear_seed = 3;
	a->peer.deaf = true;
	for (unsigned round = 0; round < 10; round++) {
		int r;

		for (;;) {
			stream_bytes(3, given, bytes, sizeof(bytes));
			r = shunt_insert(a->end, bytes, sizeof(bytes));
			if (r < 0)
				break;
			given += sizeof(bytes);
		}
		assert_int_equal(r, -EAGAIN);
		struct shunt_stat stat = stat_of(a);

		assert_true(stat.queued >= 100000 && stat.queued < 110000);
		stage_idle(st, 5);
		assert_int_equal(a->told[SHUNT_ROOM], rooms);
		a->peer.deaf = false;
		rooms++;
		stage_until(st, a->told[SHUNT_ROOM] == rooms);
		a->peer.deaf = true;
		assert_true(stat_of(a).queued <= 50000);
	}
	assert_int_equal(shunt_finish(a->end), 0);
	a->peer.deaf = false;
	stage_until(st, a->peer.ended);
	assert_int_equal(a->peer.heard, given);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(joined),
		stage_test(joined_through_large_buffers),
		stage_test(others_go_on),
		stage_test(held_buffers_stop_the_reading),
		stage_test(stopped_reading_does_not_spin),
		stage_test(a_blocked_output_stops_its_source),
		stage_test(full_queue_says_again_then_room),
	};

	return stage_run(argc, argv, tests);
}
