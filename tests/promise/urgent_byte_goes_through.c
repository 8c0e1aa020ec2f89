/* SPDX-License-Identifier: BSD-2-Clause */
/* E2 and E8, for the one byte that stops splice(2): an urgent byte neither stops a stream nor is lost
 *
 * In a join it arrives as an urgent byte at its place. An end whose bytes the program sees steps over it, and
 * counts it.
 */
#include <poll.h>

#include "stage.h"

/* A peer that reads urgent bytes in line finds every byte at its place. */
static void in_line(struct actor *a)
{
	int one = 1;

	assert_int_equal(setsockopt(a->fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one)), 0);
}

static void tell_urgent(struct actor *a)
{
	unsigned char byte;

	stream_bytes(a->say_seed, a->said, &byte, 1);
	actor_tell(a, &byte, 1, MSG_OOB);
	a->said++;
	a->say = a->say < a->said ? a->said : a->say;
}

/* What goes below TCP goes as what it is, and nobody steps over it. */
static void were_counted(const struct part *a, unsigned urgent)
{
	if (engine == SHUNT_GRAFT && a->stat.urgent < urgent)
		assert_true(a->other->stat.moved[SHUNT_GRAFT] > 0);
	else
		assert_int_equal(a->stat.urgent, urgent);
}

static void joined_with_urgent_at(struct stage *st, enum wire w, size_t before, size_t after,
				  bool at_once)
{
	struct part *a = joined_pair(st, w, w), *b = a->other;

	in_line(&b->peer);
	if (before) {
		a->peer.say = before;
		stage_until(st, a->peer.said == before);
	}
	if (!at_once)
		stage_until(st, b->peer.heard == before);
	tell_urgent(&a->peer);
	if (!at_once)
		stage_until(st, b->peer.heard == before + 1);
	a->peer.say += after;
	a->peer.finishes = b->peer.finishes = true;
	stage_until(st, !a->end && b->peer.ended);
	assert_int_equal(b->peer.heard, before + 1 + after);
	assert_int_equal(a->stat.in, before + 1 + after);
	assert_int_equal(b->stat.out, before + 1 + after);
	were_counted(a, 1);
}

static void joined(void **state)
{
	const size_t sizes[] = { 0, 1, 10, 5000, 70000, 3 * MB };

	for (unsigned i = 0; i < 6; i++)
		for (unsigned j = 0; j < 6; j++)
			for (unsigned w = 0; w < 2; w++)
				if (wire_works(w ? TCP6 : TCP4))
					joined_with_urgent_at(*state, w ? TCP6 : TCP4, sizes[i],
							      sizes[j], (i + j) % 2);
}

/* Unix sockets know an urgent byte as well, some kernels' do. */
static void joined_over_unix_sockets(void **state)
{
	const size_t sizes[] = { 0, 1, 5000, 150000 };
	int fd[2];
	bool known;

	wire_pair(*state, UNIX, fd);
	known = send(fd[0], "!", 1, MSG_OOB) == 1;
	close(fd[0]);
	close(fd[1]);
	if (!known)
		skip();
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < 4; j++)
			joined_with_urgent_at(*state, UNIX, sizes[i], sizes[j], (i + j) % 2);
}

/* It is still urgent at the other side: told apart there, and at its place. */
static void it_stays_urgent(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;
	struct pollfd p = { .fd = b->peer.fd, .events = POLLPRI };
	char byte = 0;

	b->peer.deaf = true;
	actor_tells(&a->peer, "abc");
	actor_tell(&a->peer, "!", 1, MSG_OOB);
	actor_tells(&a->peer, "def");
	stage_until(st, stat_of(b).out == 7);
	stage_until(st, poll(&p, 1, 0) == 1);
	assert_int_equal(recv(b->peer.fd, &byte, 1, MSG_OOB), 1);
	assert_int_equal(byte, '!');
	actor_keeps(&b->peer, 6);
	b->peer.deaf = false;
	stage_until(st, b->peer.heard == 6);
	assert_memory_equal(b->peer.kept, "abcdef", 6);
	assert_int_equal(stat_of(a).urgent, 1);
}

/* After it the relay sleeps. */
static void nobody_spins(void **state)
{
	struct stage *st = *state;

	for (unsigned i = 0; i < 3; i++) {
		struct part *a = joined_pair(st, TCP4, TCP4);

		in_line(&a->other->peer);
		if (i > 0)
			a->peer.say = 200000;
		stage_until(st, a->other->peer.heard == a->peer.say);
		a->other->peer.deaf = i == 2;
		tell_urgent(&a->peer);
		stage_idle(st, 10);
		unsigned waits = calls.waits;

		stage_wait(st, 60);
		assert_true(calls.waits - waits < 5);
	}
}

/* Many of them, where the other side is slow, so that each may meet any state of the way. Not one byte
 * is missing or out of its place. */
static void many(void **state)
{
	struct stage *st = *state;

	for (unsigned round = 0; round < 8; round++) {
		st->small = round % 2 ? 8192 : 0;
		struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;
		unsigned urgent = 0;

		in_line(&b->peer);
		b->peer.sip = 3000;
		b->peer.rests = round % 3;
		for (unsigned i = 0; i < 40; i++) {
			a->peer.say += random_below(st, round % 4 < 2 ? 300 : 40000);
			stage_until(st, a->peer.said == a->peer.say);
			/* until the last one was taken: the kernel drops one that is overtaken by the next */
			stage_until(st, stat_of(a).in == a->peer.said);
			tell_urgent(&a->peer);
			urgent++;
			stage_until(st, stat_of(a).in >= a->peer.said);
		}
		says(a, a->peer.said + 10);
		b->peer.finishes = true;
		stage_until(st, !a->end && b->peer.ended);
		assert_int_equal(b->peer.heard, a->peer.said);
		were_counted(a, urgent);
	}
}

/* The output is full when it comes: nothing is watched then, and yet nobody steps over it. */
static void while_the_output_is_full(void **state)
{
	struct stage *st = *state;

	for (unsigned i = 0; i < 6; i++) {
		st->small = 8192;
		struct part *a = joined_pair(st, TCP4, TCP4), *b = a->other;

		in_line(&b->peer);
		b->peer.deaf = true;
		while (stat_of(b).queued == 0) {
			a->peer.say += 8 * KB;
			stage_until(st, a->peer.said == a->peer.say);
			stage_idle(st, 2);
		}
		a->peer.say += i * 700;
		stage_until(st, a->peer.said == a->peer.say);
		tell_urgent(&a->peer);
		stage_idle(st, 2);
		b->peer.deaf = false;
		says(a, a->peer.said + 1000 * i);
		b->peer.finishes = true;
		stage_until(st, !a->end && b->peer.ended);
		assert_int_equal(b->peer.heard, a->peer.said);
	}
}

/* -- ends that are not joined -- */

static uint64_t arrived;

static void pass_on(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what != SHUNT_ARRIVED)
		return;
	arrived += ev->length;
	assert_int_equal(shunt_queue(p->other->end, ev->buf, 0, ev->length), 0);
}

static void stepped_over(struct stage *st, size_t depth, size_t before, size_t after, bool at_once)
{
	struct part *a = part_new(st, TCP4, depth), *out = part_new(st, TCP4, SHUNT_JOIN);

	arrived = 0;
	a->other = out;
	out->peer.hear_seed = a->peer.say_seed;
	a->peer.say = before;
	stage_until(st, a->peer.said == before);
	if (!at_once)
		stage_until(st, arrived == before);
	actor_tell(&a->peer, "!", 1, MSG_OOB);
	if (!at_once)
		stage_idle(st, 2);
	says(a, before + after);
	stage_until(st, a->told[SHUNT_ENDED]);
	assert_int_equal(arrived, before + after);
	stage_until(st, out->peer.heard == before + after);
	assert_int_equal(stat_of(a).urgent, 1);
}

static void seen_ends_step_over_it(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_HEAD(10), SHUNT_ALL },
		     sizes[] = { 0, 1, 9, 20000, 500000 };
	struct stage *st = *state;

	st->on = pass_on;
	for (unsigned d = 0; d < 3; d++)
		for (unsigned i = 0; i < 5; i++)
			for (unsigned j = 0; j < 5; j++)
				stepped_over(st, depths[d], sizes[i], sizes[j], (i + j) % 2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(joined),
		stage_test(joined_over_unix_sockets),
		stage_test(it_stays_urgent),
		stage_test(nobody_spins),
		stage_test(many),
		stage_test(while_the_output_is_full),
		stage_test(seen_ends_step_over_it),
	};

	return stage_run(argc, argv, tests);
}
