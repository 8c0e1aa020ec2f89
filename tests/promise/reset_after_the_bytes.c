/* SPDX-License-Identifier: BSD-2-Clause */
/* E4: a reset goes through as a reset, after the bytes before it; a cut-off stream never looks complete */
#include <pthread.h>

#include "stage.h"

static const enum wire tcp[] = { TCP4, TCP6 };

#define EACH_TCP(i) for (unsigned i = 0; i < 2 && wire_works(tcp[i]); i++)

/* a's peer was reset; b's peer got all n bytes and then the reset. */
static void came_through(struct part *a, uint64_t n)
{
	struct part *b = a->other;

	stage_until(a->stage, !a->end && !b->end && (b->peer.error || b->peer.ended));
	assert_false(b->peer.ended);
	assert_int_equal(b->peer.error, ECONNRESET);
	assert_int_equal(b->peer.heard, n);
	assert_int_equal(a->told[SHUNT_BROKEN], 1);
	assert_int_equal(a->broken, SHUNT_WHY_RESET);
	assert_int_equal(a->why, SHUNT_WHY_RESET);
	assert_int_equal(b->why, SHUNT_WHY_OTHER_END);
	assert_int_equal(b->told[SHUNT_BROKEN], 0);
	assert_int_equal(b->stat.out, n);
}

static void reset_after(struct stage *st, struct part *a, uint64_t n)
{
	(void)st;
	a->peer.say = n;
	a->peer.resets = true;
}

static void with_nothing_before(void **state)
{
	EACH_TCP(i)
	{
		struct part *a = joined_pair(*state, tcp[i], tcp[i]);

		stage_idle(*state, 5);
		reset_after(*state, a, 0);
		came_through(a, 0);
	}
}

static void with_bytes_before(void **state)
{
	EACH_TCP(i)
	{
		for (uint64_t n = 1; n < 3 * MB; n *= 11) {
			struct part *a = joined_pair(*state, tcp[i], tcp[i]);

			reset_after(*state, a, n);
			came_through(a, n);
		}
	}
}

/* All of it, the reset included, was there before the join was given. */
static void with_all_of_it_waiting(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_JOIN), *b = part_new(st, TCP4, SHUNT_JOIN);

	expect_each_other(a, b);
	actor_tell_stream(&a->peer, 30000);
	assert_int_equal(shunt_join(a->end, b->end), 0);
	actor_reset(&a->peer);
	came_through(a, 30000);
}

/* The reader takes his time; nothing but time tells when he has it all. */
static void with_a_slow_reader(void **state)
{
	struct stage *st = *state;

	st->small = 4096;
	struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;

	b->peer.sip = 4000;
	b->peer.rests = 2;
	reset_after(st, a, 300 * KB);
	came_through(a, 300 * KB);
}

/* The same, where nothing else happens in the program: it sleeps in shunt_wait until GONE. */
static void *read_slowly(void *arg)
{
	struct actor *a = arg;

	usleep(30000);
	while (!a->ended && !a->error) {
		actor_step(a);
		usleep(1000);
	}
	return NULL;
}

static void while_we_sleep(void **state)
{
	struct stage *st = *state;
	pthread_t reader;

	struct part *a = part_new(st, TCP4, SHUNT_NONE);

	st->small = 4096;
	struct part *b = part_new(st, TCP4, SHUNT_NONE);

	expect_each_other(a, b);
	assert_int_equal(shunt_join(a->end, b->end), 0);

	struct actor slow = b->peer;

	b->peer.fd = -1;
	slow.sip = 3000;
	reset_after(st, a, 60 * KB);
	while (a->peer.fd >= 0)
		stage_turn(st);
	assert_int_equal(pthread_create(&reader, NULL, read_slowly, &slow), 0);
	while (a->end || b->end)
		stage_wait(st, -1);
	pthread_join(reader, NULL);
	assert_int_equal(slow.heard, 60 * KB);
	assert_int_equal(slow.error, ECONNRESET);
	close(slow.fd);
}

/* One is reset while what the other says to it is stuck. */
static void while_the_other_way_is_blocked(void **state)
{
	EACH_TCP(i)
	{
		struct stage *st = *state;
		struct part *a = joined_pair(st, tcp[i], tcp[i]);

		a->peer.deaf = true;
		a->other->peer.say = 64 * MB;
		stage_idle(st, 50);
		reset_after(st, a, 1 * MB);
		came_through(a, 1 * MB);
	}
}

/* Both ways blocked; the reset lies behind bytes that cannot go out for now. */
static void while_both_ways_are_blocked(void **state)
{
	struct stage *st = *state;

	st->small = 8192;
	struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;

	a->peer.deaf = b->peer.deaf = true;
	a->peer.say = b->peer.say = 20 * KB;
	stage_until(st, a->peer.said == a->peer.say && b->peer.said == b->peer.say);
	while (stat_of(b).queued == 0) {
		a->peer.say += 4 * KB;
		stage_until(st, a->peer.said == a->peer.say);
		stage_idle(st, 3);
	}
	reset_after(st, a, a->peer.said);
	stage_until(st, a->peer.fd < 0);
	stage_idle(st, 20);
	assert_non_null(b->end);
	b->peer.deaf = false;
	came_through(a, a->peer.say);
}

/* Our own sending meets the reset first and takes the error from the socket. Then reading it says 0,
 * like an orderly end. */
static void met_by_a_send_first(void **state)
{
	EACH_TCP(i)
	{
		struct stage *st = *state;
		struct part *a = joined_pair(st, tcp[i], tcp[i]), *b = a->other;

		a->peer.say = 5000;
		stage_until(st, b->peer.heard == 5000);
		/* both in one wait: bytes from b for a, and a's reset */
		actor_tell_stream(&b->peer, 100);
		actor_reset(&a->peer);
		came_through(a, 5000);
	}
}

/* After a FIN, too: the peer that has finished resets, for it does not want our bytes. */
static void after_a_half_close(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;

	says(a, 100);
	stage_until(st, b->peer.ended);
	b->peer.say = 1 * MB;
	stage_until(st, a->peer.heard == 1 * MB);
	actor_reset(&a->peer);
	stage_until(st, !a->end && !b->end);
	assert_int_equal(a->why, SHUNT_WHY_RESET);
	assert_int_equal(b->why, SHUNT_WHY_OTHER_END);
}

static void to_and_from_unix_sockets(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, UNIX), *b = a->other;

	a->peer.say = 300 * KB;
	a->peer.resets = true;
	stage_until(st, !a->end && !b->end && (b->peer.ended || b->peer.error));
	assert_int_equal(b->peer.heard, 300 * KB);
	assert_int_equal(a->why, SHUNT_WHY_RESET);

	/* a Unix socket that is closed with bytes unread resets its peer */
	a = joined_pair(st, UNIX, TCP4);
	b = a->other;
	a->peer.deaf = true;
	actor_tell_stream(&b->peer, 10);
	actor_tell_stream(&a->peer, 5000);
	stage_until(st, b->peer.heard == 5000);
	actor_close(&a->peer);
	came_through(a, 5000);
}

/* -- ends that are not joined -- */

static uint64_t arrived;

static void count_bytes(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	(void)p;
	if (ev->what == SHUNT_ARRIVED)
		arrived += ev->length;
}

static void bytes_arrive_then_broken(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_HEAD(20), SHUNT_ALL };
	struct stage *st = *state;

	st->on = count_bytes;
	EACH_TCP(i)
	{
		for (unsigned d = 0; d < 3; d++) {
			struct part *a = part_new(st, tcp[i], depths[d]);

			arrived = 0;
			a->peer.say = 900 * KB;
			a->peer.resets = true;
			stage_until(st, !a->end);
			assert_int_equal(arrived, 900 * KB);
			assert_int_equal(a->stat.in, 900 * KB);
			assert_int_equal(a->told[SHUNT_BROKEN], 1);
			assert_int_equal(a->told[SHUNT_ENDED], 0);
			assert_int_equal(a->why, SHUNT_WHY_RESET);
			assert_int_equal(a->error, ECONNRESET);
		}
	}
}

/* Queued bytes meet the reset before any reading does. */
static void a_failing_send_is_no_end(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_HEAD(20), SHUNT_ALL };
	struct stage *st = *state;

	st->on = count_bytes;
	for (unsigned d = 0; d < 3; d++) {
		struct part *a = part_new(st, TCP4, depths[d]);

		arrived = 0;
		stage_turn(st);
		actor_tell_stream(&a->peer, 3000);
		actor_reset(&a->peer);
		assert_int_equal(shunt_insert(a->end, "never heard", 11), 0);
		stage_until(st, !a->end);
		assert_int_equal(a->told[SHUNT_ENDED], 0);
		assert_int_equal(a->told[SHUNT_BROKEN], 1);
		assert_int_equal(a->why, SHUNT_WHY_RESET);
		assert_int_equal(arrived, 3000);
	}
}

/* The head is in the program's hands when the reset comes, and the rest behind it. */
static struct shunt_buf *holding;

static void hold_first(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	if (ev->what == SHUNT_ARRIVED && !holding) {
		holding = ev->buf;
		assert_int_equal(shunt_hold(holding), 0);
	}
	count_bytes(st, p, ev);
}

static void while_a_head_is_held(void **state)
{
	struct stage *st = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct part *a = part_new(st, TCP4, i ? SHUNT_HEAD(20) : SHUNT_ALL),
			    *out = part_new(st, TCP4, SHUNT_JOIN);

		holding = NULL;
		arrived = 0;
		st->on = hold_first;
		a->peer.say = 900;
		stage_until(st, holding);
		a->peer.say = 30 * KB;
		a->peer.resets = true;
		stage_until(st, a->peer.fd < 0);
		stage_idle(st, 10);
		size_t length = shunt_length(holding);

		out->peer.hear_seed = a->peer.say_seed;
		assert_int_equal(shunt_queue(out->end, holding, 0, length), 0);
		assert_int_equal(shunt_finish(out->end), 0);
		assert_int_equal(shunt_release(holding), 0);
		stage_until(st, !a->end && out->peer.ended);
		assert_int_equal(out->peer.heard, length);
		assert_int_equal(arrived, 30 * KB);
		assert_int_equal(a->why, SHUNT_WHY_RESET);
	}
}

/* The same, and then it is joined: head, rest and reset go over. */
static void joined_after_the_reset(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_HEAD(20)), *b = part_new(st, TCP4, SHUNT_JOIN);

	expect_each_other(a, b);
	holding = NULL;
	st->on = hold_first;
	a->peer.say = 900;
	stage_until(st, holding);
	a->peer.say = 30 * KB;
	a->peer.resets = true;
	stage_until(st, a->peer.fd < 0);
	stage_idle(st, 10);
	assert_int_equal(shunt_queue(b->end, holding, 0, shunt_length(holding)), 0);
	assert_int_equal(shunt_release(holding), 0);
	assert_int_equal(shunt_join(a->end, b->end), 0);
	came_through(a, 30 * KB);
}

/* An end that waits to be joined is told all the same. */
static void while_waiting_to_be_joined(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_JOIN);

	actor_tell_stream(&a->peer, 100);
	stage_idle(st, 5);
	actor_reset(&a->peer);
	stage_until(st, !a->end);
	assert_int_equal(a->why, SHUNT_WHY_RESET);
	assert_int_equal(a->told[SHUNT_BROKEN], 1);
	assert_int_equal(a->told[SHUNT_ARRIVED], 0);
}

/* -- our own resets -- */

static void abort_is_a_reset(void **state)
{
	EACH_TCP(i)
	{
		struct stage *st = *state;
		struct part *a = part_new(st, tcp[i], SHUNT_NONE);

		stage_turn(st);
		assert_int_equal(shunt_insert(a->end, "dropped", 7), 0);
		assert_int_equal(shunt_abort(a->end), 0);
		assert_int_equal(shunt_abort(a->end), -EINVAL);
		stage_until(st, !a->end && a->peer.error);
		assert_int_equal(a->peer.error, ECONNRESET);
		assert_int_equal(a->why, SHUNT_WHY_ABORTED);
		assert_int_equal(a->told[SHUNT_BROKEN], 0);

		a = joined_pair(st, tcp[i], tcp[i]);
		a->peer.say = 3 * MB;
		stage_until(st, a->other->peer.heard > 0);
		assert_int_equal(shunt_abort(i ? a->end : a->other->end), 0);
		stage_until(st, !a->end && !a->other->end && a->peer.error && a->other->peer.error);
		assert_int_equal(a->why, SHUNT_WHY_ABORTED);
		assert_int_equal(a->other->why, SHUNT_WHY_ABORTED);
		assert_int_equal(a->other->peer.error, ECONNRESET);
		assert_int_equal(a->peer.error, ECONNRESET);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(with_nothing_before),
		stage_test(with_bytes_before),
		stage_test(with_all_of_it_waiting),
		stage_test(with_a_slow_reader),
		stage_test(while_we_sleep),
		stage_test(while_the_other_way_is_blocked),
		stage_test(while_both_ways_are_blocked),
		stage_test(met_by_a_send_first),
		stage_test(after_a_half_close),
		stage_test(to_and_from_unix_sockets),
		stage_test(bytes_arrive_then_broken),
		stage_test(a_failing_send_is_no_end),
		stage_test(while_a_head_is_held),
		stage_test(joined_after_the_reset),
		stage_test(while_waiting_to_be_joined),
		stage_test(abort_is_a_reset),
	};

	return stage_run(argc, argv, tests);
}
