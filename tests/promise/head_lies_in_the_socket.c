/* SPDX-License-Identifier: BSD-2-Clause */
/* A head is looked at where it lies: it takes no descriptor and no pipe, nothing else arrives before it is
 * dealt with, and waiting for more of it wakes nobody */
#include "stage.h"

static unsigned char seen[300 * 1024];
static size_t seen_length, last_length;
static struct shunt_buf *last;
static bool keep;

static void look(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what != SHUNT_ARRIVED)
		return;
	size_t n;

	assert_ptr_equal(shunt_view(ev->buf, &n), ev->view);
	assert_int_equal(n, ev->seen);
	assert_int_equal(shunt_length(ev->buf), ev->length);
	assert_true(ev->seen <= ev->length);
	assert_true(ev->seen <= sizeof(seen));
	memcpy(seen, ev->view, ev->seen);
	seen_length = ev->seen;
	last_length = ev->length;
	last = ev->buf;
	if (keep)
		assert_int_equal(shunt_hold(ev->buf), 0);
	(void)p;
}

/* It has been told of so many, and of no more because of what it waits for. */
static void arrived_are(const struct part *a, unsigned n)
{
	if (a->told[SHUNT_ARRIVED] != n)
		skip_if_kernel_is_short();
	assert_int_equal(a->told[SHUNT_ARRIVED], n);
}

static const enum wire wires[] = { TCP4, TCP6, UNIX };

#define EACH_WIRE(i)                                                                               \
	for (unsigned i = 0; i < 3; i++)                                                           \
		if (wire_works(wires[i]))

static void no_descriptor_no_pipe(void **state)
{
	struct stage *st = *state;

	st->on = look;
	keep = true;
	EACH_WIRE(i)
	{
		struct part *a = part_new(st, wires[i], SHUNT_HEAD(100));
		int fds = count_fds();
		unsigned pipes = calls.pipes;
		uint64_t copied = calls.copied;

		actor_tell_stream(&a->peer, 50000);
		stage_until(st, a->told[SHUNT_ARRIVED]);
		assert_int_equal(seen_length, 100);
		assert_true(stream_is(a->peer.say_seed, 0, seen, 100));
		assert_int_equal(last_length, 50000);
		assert_int_equal(count_fds(), fds);
		assert_int_equal(calls.pipes, pipes);
		assert_int_equal(calls.copied, copied);
		assert_int_equal(stat_of(a).in, 0);
		assert_int_equal(stat_of(a).viewed, 100);

		actor_tell_stream(&a->peer, 1000); /* nothing arrives behind it */
		unsigned waits = calls.waits;

		stage_wait(st, 50);
		assert_true(calls.waits - waits < 5);
		arrived_are(a, 1);
		struct shunt_buf *first = last;

		assert_int_equal(shunt_release(first), 0);
		stage_until(st, a->told[SHUNT_ARRIVED] == 2);
		assert_true(stream_is(a->peer.say_seed, 50000, seen, 100));
		assert_int_equal(last_length, 1000);
		assert_int_equal(stat_of(a).in, 50000);
		assert_int_equal(shunt_release(last), 0);
		stage_wait(st, 0);
	}
}

/* A head that comes byte by byte: ARRIVED for the first, and then once, when all are there. (A Unix
 * peer's buffer takes less than 300 single bytes.) */
static void byte_by_byte(void **state)
{
	struct stage *st = *state;

	keep = false;
	st->on = look;
	EACH_WIRE(i)
	{
		struct part *a = part_new(st, wires[i], SHUNT_HEAD(1000));

		actor_tell_stream(&a->peer, 1);
		stage_until(st, a->told[SHUNT_ARRIVED]);
		assert_int_equal(seen_length, 1);
		assert_int_equal(shunt_more(a->end, 200), 0);
		unsigned waits = calls.waits, peeks = calls.peeks;

		for (unsigned n = 1; n < 199; n++) {
			actor_tell_stream(&a->peer, 1);
			stage_wait(st, 1);
			arrived_are(a, 1);
		}
		if (wires[i] !=
		    UNIX) { /* a Unix socket wakes us at each arrival, but no more often */
			assert_true(calls.waits - waits <= 2 * 200);
			assert_true(calls.peeks - peeks < 10);
		} else {
			assert_true(calls.waits - waits <= 3 * 200);
			assert_true(calls.peeks - peeks <= 2 * 200);
		}
		waits = calls.waits;
		stage_wait(st, 50);
		assert_true(calls.waits - waits < 5);
		actor_tell_stream(&a->peer, 1);
		stage_until(st, a->told[SHUNT_ARRIVED] == 2);
		assert_int_equal(seen_length, 200);
		assert_true(stream_is(a->peer.say_seed, 0, seen, 200));
	}
}

/* More and more of it, to beyond what the first depth was; then the depth is as before. */
static void more_and_more(void **state)
{
	struct stage *st = *state;

	keep = false;
	st->on = look;
	EACH_WIRE(i)
	{
		struct part *a = part_new(st, wires[i], SHUNT_HEAD(8));
		unsigned arrived = 1;

		actor_tell_stream(&a->peer, 150 * KB);
		stage_until(st, a->told[SHUNT_ARRIVED] == 1);
		assert_int_equal(seen_length, 8);
		for (size_t want = 9; want <= 100 * KB; want *= 3) {
			assert_int_equal(shunt_more(a->end, want), 0);
			arrived++;
			stage_until(st, a->told[SHUNT_ARRIVED] == arrived);
			assert_int_equal(seen_length, want);
			assert_true(stream_is(a->peer.say_seed, 0, seen, want));
		}
		size_t gone = last_length;

		stage_wait(st, 0); /* dropped */
		while (gone < 150 * KB) {
			stage_until(st, a->told[SHUNT_ARRIVED] == arrived + 1);
			arrived++;
			assert_true(seen_length <= 8);
			assert_true(stream_is(a->peer.say_seed, gone, seen, seen_length));
			gone += last_length;
			stage_wait(st, 0);
		}
		assert_int_equal(stat_of(a).in, 150 * KB);
	}
}

/* The peer finishes, or resets, before it has said so much. */
static void fewer_than_wanted(void **state)
{
	struct stage *st = *state;

	keep = false;
	st->on = look;
	EACH_WIRE(i)
	{
		for (unsigned how = 0; how < (wires[i] == UNIX ? 1 : 2); how++) {
			struct part *a = part_new(st, wires[i], SHUNT_HEAD(64));

			actor_tell_stream(&a->peer, 10);
			stage_until(st, a->told[SHUNT_ARRIVED] == 1);
			assert_int_equal(shunt_more(a->end, 40), 0);
			stage_turn(st);
			actor_tell_stream(&a->peer, 10);
			stage_idle(st, 5);
			arrived_are(a, 1);
			if (how == 0)
				a->peer.finishes = true;
			else
				a->peer.resets = true;
			stage_until(st, a->told[SHUNT_ARRIVED] == 2);
			assert_int_equal(seen_length, 20);
			assert_true(stream_is(a->peer.say_seed, 0, seen, 20));
			stage_until(st, a->told[SHUNT_ENDED] + a->told[SHUNT_BROKEN] == 1);
			assert_int_equal(a->told[SHUNT_BROKEN], how);
			assert_int_equal(stat_of(a).in, 20);
		}
	}
}

/* The window holds no more: said by ARRIVED with fewer, not by silence. */
static void more_than_the_window(void **state)
{
	struct stage *st = *state;

	keep = false;
	st->on = look;
	st->small = 4096;
	for (unsigned i = 0; i < 2 && wire_works(wires[i]); i++) {
		struct part *a = part_new(st, wires[i], SHUNT_HEAD(64));

		a->peer.say = 200 * KB;
		stage_until(st, a->told[SHUNT_ARRIVED] == 1);
		assert_int_equal(shunt_more(a->end, 200 * KB), 0);
		stage_until(st, a->told[SHUNT_ARRIVED] == 2);
		assert_true(seen_length > 64 && seen_length < 200 * KB);
		assert_true(stream_is(a->peer.say_seed, 0, seen, seen_length));
	}
}

/* Put back, its bytes come again, and the buffer itself is good for nothing but a last look. */
static void put_back(void **state)
{
	struct stage *st = *state;

	keep = false;
	st->on = look;
	EACH_WIRE(i)
	{
		struct part *a = part_new(st, wires[i], SHUNT_HEAD(4)),
			    *b = part_new(st, wires[i], SHUNT_NONE);

		actor_tell_stream(&a->peer, 4);
		stage_until(st, a->told[SHUNT_ARRIVED]);
		assert_int_equal(shunt_more(a->end, 6), 0);
		assert_int_equal(shunt_queue(b->end, last, 0, 1), -EINVAL);
		assert_true(stream_is(a->peer.say_seed, 0, shunt_view(last, NULL), 4));
		assert_int_equal(shunt_more(a->end, 6), -EINVAL);
		stage_turn(st);
		arrived_are(a, 1);
		actor_tell_stream(&a->peer, 2);
		stage_until(st, a->told[SHUNT_ARRIVED] == 2);
		b->peer.hear_seed = a->peer.say_seed;
		assert_int_equal(shunt_queue(b->end, last, 0, 6), 0);
		assert_int_equal(shunt_more(a->end, 8), -EBUSY);
		stage_until(st, b->peer.heard == 6);
	}
}

/* Half-sent heads cost nothing while they wait, and a join given meanwhile goes on with all of it. */
static void join_instead_of_waiting(void **state)
{
	struct stage *st = *state;

	keep = false;
	st->on = look;
	EACH_WIRE(i)
	{
		struct part *a = part_new(st, wires[i], SHUNT_HEAD(64)),
			    *b = part_new(st, wires[i], SHUNT_JOIN);

		expect_each_other(a, b);
		actor_tell_stream(&a->peer, 10);
		stage_until(st, a->told[SHUNT_ARRIVED]);
		assert_int_equal(shunt_more(a->end, 5000), 0);
		stage_turn(st);
		arrived_are(a, 1);
		assert_int_equal(shunt_join(a->end, b->end), 0);
		stage_until(st, b->peer.heard == 10);
		for (unsigned n = 11; n < 30; n++) {
			actor_tell_stream(&a->peer, 1);
			stage_until(st, b->peer.heard == n);
		}
		arrived_are(a, 1);
	}
}

/* ... and so does the end that is given back. */
static void detached_untouched(void **state)
{
	struct stage *st = *state;
	const size_t depths[] = { SHUNT_HEAD(64), SHUNT_JOIN };
	unsigned char bytes[20];

	keep = false;
	st->on = look;
	EACH_WIRE(i)
	{
		for (unsigned d = 0; d < 2; d++) {
			for (unsigned how = 0; how < 3; how++) {
				struct part *a = part_new(st, wires[i], depths[d]);

				actor_tell_stream(&a->peer, 20);
				if (how > 0 && d == 0)
					stage_until(st, a->told[SHUNT_ARRIVED]);
				if (how > 1 && d == 0)
					assert_int_equal(shunt_more(a->end, 3000), 0);
				stage_turn(st);
				if (how == 1 && d == 0)
					continue; /* dropped by now */
				int fd = shunt_detach(a->end);

				assert_true(fd >= 0);
				a->end = NULL;
				uint64_t late = now_ms() + 5000;

				while (recv(fd, bytes, 20, MSG_PEEK) < 20 && now_ms() < late)
					;
				assert_int_equal(read(fd, bytes, sizeof(bytes)), 20);
				assert_true(stream_is(a->peer.say_seed, 0, bytes, 20));
				int lowat = 0;
				socklen_t len = sizeof(lowat);

				assert_int_equal(
					getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, &len), 0);
				assert_int_equal(lowat, 1);
				close(fd);
				stage_idle(st, 2);
				assert_int_equal(a->told[SHUNT_GONE], 0);
			}
		}
	}
}

/* In the turn of its event a head can be given back, and when it was never handed out as well. */
static void detach_in_turn(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what != SHUNT_ARRIVED)
		return;
	p->error = shunt_detach(p->end);
	p->end = NULL;
}

static void detached_in_its_turn(void **state)
{
	struct stage *st = *state;
	char bytes[8];

	st->on = detach_in_turn;
	EACH_WIRE(i)
	{
		struct part *a = part_new(st, wires[i], SHUNT_HEAD(3));

		actor_tells(&a->peer, "hello");
		stage_until(st, !a->end);
		assert_true(a->error >= 0);
		assert_int_equal(read(a->error, bytes, sizeof(bytes)), 5);
		assert_memory_equal(bytes, "hello", 5);
		close(a->error);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(no_descriptor_no_pipe),   stage_test(byte_by_byte),
		stage_test(more_and_more),           stage_test(fewer_than_wanted),
		stage_test(more_than_the_window),    stage_test(put_back),
		stage_test(join_instead_of_waiting), stage_test(detached_untouched),
		stage_test(detached_in_its_turn),
	};

	return stage_run(argc, argv, tests);
}
