/* SPDX-License-Identifier: BSD-2-Clause */
/* E2: nothing is lost and nothing comes twice, also across join and step down */
#include <sys/resource.h>

#include "stage.h"

static void all_of_it_came(struct part *a, uint64_t n)
{
	struct part *b = a->other;

	stage_until(a->stage, !a->end && !b->end && b->peer.ended && a->peer.ended);
	assert_int_equal(b->peer.heard, n);
	assert_int_equal(b->stat.out, n);
	assert_int_equal(a->stat.in, n);
	assert_int_equal(a->why, SHUNT_WHY_DONE);
	assert_int_equal(b->why, SHUNT_WHY_DONE);
}

/* -- join -- */

/* The door is narrow: the connection stands only after a second, and the client has spoken before. */
static void joined_before_connected(void **state)
{
	struct stage *st = *state;
	struct narrow door;
	struct part *a = part_new(st, TCP4, SHUNT_NONE), *b = part_empty(st);

	narrow_door(&door);
	expect_each_other(a, b);
	says(a, 3 * MB);
	assert_int_equal(shunt_connect(st->s, (struct sockaddr *)&door.at, sizeof(door.at), NULL,
				       SHUNT_NONE, b, &b->end),
			 0);
	assert_int_equal(shunt_insert(b->end, "", 0), 0);
	assert_int_equal(shunt_join(a->end, b->end), 0);
	stage_idle(st, 20);
	assert_int_equal(b->told[SHUNT_CONNECTED] + a->told[SHUNT_JOINED], 0);
	b->peer.fd = narrow_open_up(&door, st);
	b->peer.finishes = true;
	all_of_it_came(a, 3 * MB);
	assert_int_equal(b->told[SHUNT_CONNECTED], 1);
	assert_int_equal(a->told[SHUNT_JOINED], 1);
	assert_int_equal(a->told[SHUNT_ARRIVED], 0);
	narrow_free(&door);
}

/* Bytes queued for one that is not there yet wait for it, and come first. */
static void queued_before_connected(void **state)
{
	struct stage *st = *state;
	struct narrow door;
	struct part *b = part_empty(st);

	narrow_door(&door);
	assert_int_equal(shunt_connect(st->s, (struct sockaddr *)&door.at, sizeof(door.at), NULL,
				       SHUNT_NONE, b, &b->end),
			 0);
	assert_int_equal(shunt_insert(b->end, "first ", 6), 0);
	stage_turn(st);
	assert_int_equal(shunt_insert(b->end, "second", 6), 0);
	assert_int_equal(shunt_finish(b->end), 0);
	actor_keeps(&b->peer, 12);
	b->peer.fd = narrow_open_up(&door, st);
	b->peer.finishes = true;
	stage_until(st, !b->end && b->peer.ended);
	assert_memory_equal(b->peer.kept, "first second", 12);
	narrow_free(&door);
}

/* A client whose server refuses is as it was: the next server gets every byte. */
static struct part *next_server;

static void try_the_next(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what == SHUNT_UNJOINED)
		assert_int_equal(shunt_join(p->end, next_server->end), 0);
}

static void refused_and_joined_again(void **state)
{
	struct stage *st = *state;
	struct narrow door;
	struct part *a = part_new(st, TCP4, SHUNT_JOIN), *b = part_empty(st);

	narrow_door(&door);
	says(a, 200 * KB);
	assert_int_equal(shunt_connect(st->s, (struct sockaddr *)&door.at, sizeof(door.at), NULL,
				       SHUNT_NONE, b, &b->end),
			 0);
	a->other = b;
	b->other = a;
	assert_int_equal(shunt_join(a->end, b->end), 0);
	next_server = part_new(st, TCP4, SHUNT_NONE);
	next_server->peer.hear_seed = a->peer.say_seed;
	a->peer.hear_seed = next_server->peer.say_seed;
	says(next_server, 10);
	st->on = try_the_next;
	stage_idle(st, 20);
	narrow_shut(&door);
	stage_until(st, !b->end);
	assert_int_equal(b->why, SHUNT_WHY_REFUSED);
	assert_int_equal(b->error, ECONNREFUSED);
	assert_int_equal(b->told[SHUNT_BROKEN], 1);
	a->other = next_server;
	all_of_it_came(a, 200 * KB);
	assert_int_equal(a->told[SHUNT_UNJOINED], 1);
	assert_int_equal(b->told[SHUNT_UNJOINED], 0);
	assert_int_equal(a->told[SHUNT_ARRIVED], 0); /* it was never for the program to see */
	assert_int_equal(a->told[SHUNT_BROKEN], 0);
	narrow_free(&door);
}

/* Left alone, it goes on as an end of its own. */
static void refused_and_left_alone(void **state)
{
	struct stage *st = *state;
	struct narrow door;
	struct part *a = part_new(st, TCP4, SHUNT_HEAD(5)), *b = part_empty(st);

	narrow_door(&door);
	assert_int_equal(shunt_connect(st->s, (struct sockaddr *)&door.at, sizeof(door.at), NULL,
				       SHUNT_NONE, b, &b->end),
			 0);
	assert_int_equal(shunt_join(a->end, b->end), 0);
	actor_tells(&a->peer, "hello");
	stage_idle(st, 20);
	narrow_shut(&door);
	stage_until(st, !b->end && a->told[SHUNT_ARRIVED] > 0);
	assert_int_equal(a->told[SHUNT_UNJOINED], 1);
	actor_keeps(&a->peer, 3);
	assert_int_equal(shunt_insert(a->end, "bye", 3), 0);
	assert_int_equal(shunt_finish(a->end), 0);
	a->peer.finishes = true;
	stage_until(st, !a->end && a->peer.ended);
	assert_memory_equal(a->peer.kept, "bye", 3);
	assert_int_equal(a->why, SHUNT_WHY_DONE);
	narrow_free(&door);
}

static void nobody_there_is_said(void **state)
{
	struct stage *st = *state;
	struct narrow door;
	struct part *b = part_empty(st);

	narrow_door(&door);
	narrow_free(&door);
	int r = shunt_connect(st->s, (struct sockaddr *)&door.at, sizeof(door.at), NULL, SHUNT_NONE,
			      b, &b->end);

	if (r == 0)
		stage_until(st, !b->end);
	assert_true(r == -ECONNREFUSED || (r == 0 && b->why == SHUNT_WHY_REFUSED));
}

/* Bytes and ends of the two that have arrived, and were not handed out, for somebody came first. */
static void unseen(struct stage *st, enum wire w, struct part *a, struct part *b)
{
	struct part *first = part_new(st, w, SHUNT_NONE);

	actor_tells(&first->peer, "x");
	stage_until(st, first->told[SHUNT_ARRIVED]);
	actor_tells(&first->peer, "y"); /* who was ready first is told of first */
	actor_tell_stream(&a->peer, 20 * KB);
	if (b) {
		actor_tell_stream(&b->peer, 3);
		shutdown(b->peer.fd, SHUT_WR);
		b->peer.finished = true;
	}
	st->max = 1;
	stage_wait(st, 100);
	st->max = 64;
	assert_int_equal(first->told[SHUNT_ARRIVED], 2);
	assert_int_equal(a->told[SHUNT_ARRIVED], 0);
}

/* They go the way of all that follows. */
static void arrived_before_the_join(struct stage *st, enum wire w, size_t depth)
{
	struct part *a = part_new(st, w, depth), *b = part_new(st, w, depth);

	expect_each_other(a, b);
	unseen(st, w, a, b);
	assert_int_equal(shunt_join(a->end, b->end), 0);
	a->peer.finishes = true;
	all_of_it_came(a, 20 * KB);
	assert_int_equal(a->peer.heard, 3);
	assert_int_equal(a->told[SHUNT_ARRIVED] + b->told[SHUNT_ARRIVED] + b->told[SHUNT_ENDED], 0);
}

/* Where the join comes undone they are handed out after all. */
static uint64_t handed_out;

static void count_bytes(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	(void)p;
	if (ev->what == SHUNT_ARRIVED)
		handed_out += ev->length;
}

static void undone_with_unseen_bytes(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_HEAD(8), SHUNT_ALL };
	struct part *a[3], *b[3];
	struct stage *st = *state;
	struct narrow door;

	narrow_door(&door);
	for (unsigned i = 0; i < 3; i++) {
		a[i] = part_new(st, TCP4, depths[i]);
		unseen(st, TCP4, a[i], NULL);
		b[i] = part_empty(st);
		assert_int_equal(shunt_connect(st->s, (struct sockaddr *)&door.at, sizeof(door.at),
					       NULL, SHUNT_JOIN, b[i], &b[i]->end),
				 0);
		assert_int_equal(shunt_join(a[i]->end, b[i]->end), 0);
	}
	stage_idle(st, 5);
	handed_out = 0;
	st->on = count_bytes;
	narrow_shut(&door);
	for (unsigned i = 0; i < 3; i++) {
		a[i]->peer.finishes = true;
		stage_until(st, !b[i]->end && a[i]->told[SHUNT_ENDED]);
		assert_int_equal(a[i]->told[SHUNT_UNJOINED], 1);
	}
	assert_int_equal(handed_out, 3 * 20 * KB);
	narrow_free(&door);
}

static void joined_with_unseen_bytes(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_HEAD(8), SHUNT_ALL };

	for (unsigned i = 0; i < 3; i++) {
		arrived_before_the_join(*state, TCP4, depths[i]);
		arrived_before_the_join(*state, UNIX, depths[i]);
	}
}

static void two_hundred_pairs(void **state)
{
	struct stage *st = *state;
	struct part *a[200];

	for (unsigned i = 0; i < 200; i++) {
		a[i] = joined_pair(st, i % 10 ? TCP4 : UNIX, TCP4);
		a[i]->peer.piece = a[i]->other->peer.piece = 1 + random_below(st, 60000);
		says(a[i], 1 + random_below(st, 150 * KB));
		says(a[i]->other, 1 + random_below(st, 50 * KB));
	}
	for (unsigned i = 0; i < 200; i++) {
		all_of_it_came(a[i], a[i]->peer.say);
		assert_int_equal(a[i]->peer.heard, a[i]->other->peer.say);
	}
}

/* -- what is dropped -- */

static unsigned char seen[64 * 1024];
static size_t seen_length, last_length;
static unsigned arrivals;

static void look_only(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	(void)p;
	if (ev->what != SHUNT_ARRIVED)
		return;
	arrivals++;
	last_length = ev->length;
	memcpy(seen, ev->view, ev->seen);
	seen_length = ev->seen;
}

/* A head released without being queued takes its bytes along, these and no others. */
static void dropped_exactly(struct stage *st, enum wire w, size_t depth)
{
	struct part *a = part_new(st, w, depth);
	uint64_t at = 0;

	st->on = look_only;
	for (unsigned i = 0; i < 20; i++) {
		unsigned before = arrivals;

		actor_tell_stream(&a->peer, 1 + random_below(st, 9000));
		while (at < a->peer.said) {
			before = arrivals;
			stage_until(st, arrivals > before);
			assert_true(stream_is(a->peer.say_seed, at, seen, seen_length));
			at += last_length;
		}
	}
	assert_int_equal(at, a->peer.said);
	stage_idle(st, 5);
	assert_int_equal(stat_of(a).in, at);
	assert_int_equal(stat_of(a).outstanding, 0);
	st->on = NULL;
}

static void released_bytes_are_dropped(void **state)
{
	dropped_exactly(*state, TCP4, SHUNT_HEAD(10));
	dropped_exactly(*state, UNIX, SHUNT_HEAD(10));
	dropped_exactly(*state, TCP4, SHUNT_ALL);
}

/* A part of a head that still lies in its socket. */
static void queue_a_part(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what != SHUNT_ARRIVED)
		return;
	last_length = ev->length;
	assert_true(ev->length >= 20);
	assert_int_equal(shunt_queue(p->other->end, ev->buf, 5, 15), 0);
	assert_int_equal(shunt_join(p->end, p->other->end), 0);
}

static void part_of_a_head(struct stage *st, enum wire w, size_t n)
{
	struct part *a = part_new(st, w, SHUNT_HEAD(20)), *b = part_new(st, w, SHUNT_NONE);

	expect_each_other(a, b);
	actor_keeps(&b->peer, n);
	actor_tell_stream(&a->peer, n);
	a->peer.finishes = b->peer.finishes = true;
	st->on = queue_a_part;
	stage_until(st, b->peer.ended && !a->end);
	assert_int_equal(b->peer.heard, 15 + n - last_length);
	assert_true(stream_is(a->peer.say_seed, 5, b->peer.kept, 15));
	assert_true(stream_is(a->peer.say_seed, last_length, b->peer.kept + 15, n - last_length));
	st->on = NULL;
}

static void parts_of_heads(void **state)
{
	part_of_a_head(*state, TCP4, 20);
	part_of_a_head(*state, TCP4, 3000);
	part_of_a_head(*state, TCP4, 50 * KB);
	part_of_a_head(*state, UNIX, 20);
	part_of_a_head(*state, UNIX, 50 * KB);
}

/* -- step down -- */

static void fds_at_most(int n, struct rlimit *before)
{
	struct rlimit now;

	getrlimit(RLIMIT_NOFILE, before);
	now = (struct rlimit){ .rlim_cur = (rlim_t)n, .rlim_max = before->rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
}

static void without_descriptors(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, TCP4);
	struct rlimit before;
	int probe = dup(0);

	close(probe);
	fds_at_most(probe, &before); /* the next one would be too many */
	says(a, 8 * MB);
	a->other->peer.finishes = true;
	all_of_it_came(a, 8 * MB);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(a->other->stat.moved[SHUNT_SPLICE], 0);
	assert_int_equal(calls.spliced, 0);
	if (engine == SHUNT_SPLICE)
		assert_true(a->stat.pipe_refused > 0);

	/* and when there are descriptors again, it goes by splice again */
	usleep(5000);
	a = joined_pair(st, TCP4, TCP4);
	says(a, 8 * MB);
	a->other->peer.finishes = true;
	all_of_it_came(a, 8 * MB);
	if (engine == SHUNT_SPLICE)
		assert_true(a->other->stat.moved[SHUNT_SPLICE] > 6 * MB);
}

static void step_down(struct stage *st, enum wire w, int in, int out)
{
	struct part *a = joined_pair(st, w, w);

	says(a, 6 * MB);
	a->other->peer.finishes = true;
	a->other->peer.deaf = true; /* so that bytes wait in pipes when it happens */
	stage_idle(st, 20);
	refuse_splice_in = in;
	refuse_splice_out = out;
	a->other->peer.deaf = false;
	all_of_it_came(a, 6 * MB);
	refuse_splice_in = refuse_splice_out = 0;
	if (engine == SHUNT_SPLICE) {
		assert_true(a->stat.splice_refused + a->other->stat.splice_refused > 0);
		assert_true(a->other->stat.moved[SHUNT_COPY] > 0);
	}
}

static void splice_refused(void **state)
{
	step_down(*state, TCP4, -1, 0);
	step_down(*state, TCP4, 0, -1);
	step_down(*state, TCP4, -1, -1);
	step_down(*state, TCP4, 1, 0);
	step_down(*state, TCP4, 0, 1);
	step_down(*state, UNIX, -1, 0);
	step_down(*state, UNIX, 0, -1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(joined_before_connected),    stage_test(queued_before_connected),
		stage_test(refused_and_joined_again),   stage_test(refused_and_left_alone),
		stage_test(nobody_there_is_said),       stage_test(joined_with_unseen_bytes),
		stage_test(undone_with_unseen_bytes),   stage_test(two_hundred_pairs),
		stage_test(released_bytes_are_dropped), stage_test(parts_of_heads),
		stage_test(without_descriptors),        stage_test(splice_refused),
	};

	return stage_run(argc, argv, tests);
}
