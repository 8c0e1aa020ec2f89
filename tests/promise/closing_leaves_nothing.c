/* SPDX-License-Identifier: BSD-2-Clause */
/* E7: closing leaves no descriptor, pipe, buffer or memory behind, whatever was under way
 *
 * stage_down() counts the descriptors after every test of every promise; under AddressSanitizer the memory
 * is counted as well. Here all that can be under way is under way at once.
 */
#include "stage.h"

static unsigned holds;

static void hold_some(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)p;
	if (ev->what == SHUNT_ARRIVED && random_below(st, 2)) {
		assert_int_equal(shunt_hold(ev->buf), 0);
		holds++;
	}
	if (ev->what == SHUNT_ARRIVED && p->other && random_below(st, 2))
		shunt_queue(p->other->end, ev->buf, 0, ev->length);
}

static void scene(struct stage *st, enum wire w)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_HEAD(20), SHUNT_ALL, SHUNT_JOIN };

	st->small = w == TCP6 ? 4096 : 0;
	for (unsigned d = 0; d < 4; d++) {
		struct part *a = part_new(st, w, depths[d]), *b = part_new(st, w, SHUNT_JOIN);

		a->other = b;
		b->peer.deaf = true;
		actor_keeps(&a->peer, 4);
		a->peer.say = 300 * KB;
		shunt_insert(b->end, "first", 5);
		shunt_insert(a->end, "back", 4);
	}
	for (unsigned i = 0; i < 4; i++) {
		struct part *a = joined_pair(st, w, w);

		a->other->peer.deaf = i & 1;
		a->peer.deaf = i & 2;
		a->peer.say = a->other->peer.say = 8 * MB;
		if (i == 1)
			a->peer.finishes = true;
		if (i == 3)
			a->peer.say = 1000;
	}
}

/* Closed before the first wait, in the midst of it, and with events that were never asked for. */
static void with_everything_in_flight(void **state)
{
	struct stage *st = *state;
	struct shunt_options o = SHUNT_OPTIONS;
	struct narrow door;

	for (unsigned turns = 0; turns < 200; turns = turns * 2 + 1) {
		struct part *late[2] = { part_empty(st), part_empty(st) };

		st->on = hold_some;
		st->max = turns % 2 ? 64 : 1;
		for (int w = 0; w < WIRES; w++)
			if (wire_works((enum wire)w))
				scene(st, (enum wire)w);
		narrow_door(&door);
		for (unsigned i = 0; i < 2; i++) {
			struct part *a = part_new(st, TCP4, i ? SHUNT_NONE : SHUNT_HEAD(10));

			a->peer.say = 50000;
			assert_int_equal(shunt_connect(st->s, (struct sockaddr *)&door.at,
						       sizeof(door.at), NULL, SHUNT_NONE, late[i],
						       &late[i]->end),
					 0);
			assert_int_equal(shunt_join(a->end, late[i]->end), 0);
		}
		struct part *reset = joined_pair(st, TCP4, TCP4);

		reset->other->peer.deaf = true;
		reset->peer.say = 200 * KB;
		reset->peer.resets = true;
		for (unsigned i = 0; i < turns; i++)
			stage_turn(st);
		if (turns > 20)
			assert_true(holds > 0);
		stage_reopen(st, o); /* closes the one before */
		for (unsigned i = 0; i < st->count; i++) {
			actor_close(&st->parts[i]->peer);
			free(st->parts[i]->peer.kept);
			free(st->parts[i]);
		}
		st->count = 0;
		narrow_free(&door);
		/* the new context's epoll, and its post */
		assert_int_equal(count_fds_settled(st->fds + 1 + (engine == SHUNT_GRAFT)),
				 st->fds + 1 + (engine == SHUNT_GRAFT));
	}
}

/* Connections that came and went leave an idle context as small as it was, but for a few pooled pipes. */
static void after_many_connections(void **state)
{
	struct stage *st = *state;
	int most = 0;

	for (unsigned i = 0; i < 300; i++) {
		struct part *a = joined_pair(st, i % 7 ? TCP4 : UNIX, i % 5 ? TCP4 : UNIX);

		says(a, random_below(st, 60 * KB));
		says(a->other, random_below(st, 60 * KB));
		while (a->end || a->other->end)
			stage_turn(st);
		actor_close(&a->peer);
		actor_close(&a->other->peer);
		if (i == 100)
			most = count_fds();
	}
	assert_true(count_fds() <= most + 4);
	assert_true(count_fds() <= st->fds + 2 + 2 * 16);
}

/* An idle joined connection costs its two sockets and nothing else. */
static void two_descriptors_for_an_idle_pair(void **state)
{
	struct stage *st = *state;
	struct part *a[20];

	a[0] = joined_pair(st, TCP4, TCP4);
	says(a[0], 3 * MB);
	says(a[0]->other, 3 * MB);
	stage_until(st, !a[0]->end);
	stage_turn(st);
	int fds = count_fds();

	for (unsigned i = 1; i < 20; i++) {
		a[i] = joined_pair(st, TCP4, TCP4);
		a[i]->peer.say = a[i]->other->peer.say = 1 * MB;
		stage_until(st, a[i]->peer.heard == 1 * MB && a[i]->other->peer.heard == 1 * MB);
	}
	stage_idle(st, 5);
	if (engine == SHUNT_GRAFT) /* and those that were handed over have none of ours */
		assert_true(count_fds() <= fds + 19 * 4);
	else
		assert_int_equal(count_fds(), fds + 19 * 4); /* the peers' two and ours */
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(with_everything_in_flight),
		stage_test(after_many_connections),
		stage_test(two_descriptors_for_an_idle_pair),
	};

	return stage_run(argc, argv, tests);
}
