/* SPDX-License-Identifier: BSD-2-Clause */
/* E6 for those who hold much for many: small buffers put together, an output cut short, and a source that is
 * not read for a while. No byte changes, none is lost, none comes twice.
 */
#include "stage.h"

enum { MOST = 4096 };
static struct shunt_buf *held[MOST];
static unsigned holds;
static uint64_t arrived;
static unsigned rooms;

static void hold_all(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what == SHUNT_ROOM)
		rooms++;
	if (ev->what != SHUNT_ARRIVED || p->other)
		return;
	assert_true(holds < MOST);
	assert_int_equal(shunt_hold(ev->buf), 0);
	held[holds++] = ev->buf;
	arrived += ev->length;
}

static struct part *source(struct stage *st, enum wire w)
{
	holds = rooms = 0;
	arrived = 0;
	st->on = hold_all;
	return part_new(st, w, SHUNT_NONE);
}

static void release_all(void)
{
	while (holds > 0)
		assert_int_equal(shunt_release(held[--holds]), 0);
}

/* Arrivals of many sizes, one after the other. */
static void fill(struct stage *st, struct part *a, uint64_t until, size_t most)
{
	while (a->peer.say < until) {
		a->peer.say += 1 + random_below(st, most);
		stage_until(st, arrived == a->peer.say);
	}
}

/* All of held[] into as few buffers as it takes. */
static void pack_all(void)
{
	unsigned kept = 0;

	for (unsigned i = 1; i < holds; i++) {
		size_t before = shunt_length(held[kept]), length = shunt_length(held[i]);
		ssize_t moved = shunt_pack(held[kept], held[i], length);

		assert_true(moved >= 0);
		assert_int_equal(shunt_length(held[kept]), before + (size_t)moved);
		assert_int_equal(shunt_length(held[i]), length - (size_t)moved);
		if (shunt_length(held[i]) > 0)
			held[++kept] = held[i];
		else
			assert_int_equal(shunt_release(held[i]), 0);
	}
	holds = kept + 1;
}

static void all_to(struct part *out)
{
	for (unsigned i = 0; i < holds; i++)
		assert_int_equal(shunt_queue(out->end, held[i], 0, shunt_length(held[i])), 0);
	assert_int_equal(shunt_finish(out->end), 0);
}

static struct part *output(struct stage *st, struct part *a, enum wire w)
{
	struct part *out = part_new(st, w, SHUNT_JOIN);

	out->peer.hear_seed = a->peer.say_seed;
	out->other = a;
	return out;
}

/* Small ones only, large ones only, and both. */
static void packed(void **state)
{
	struct stage *st = *state;
	const size_t sizes[] = { 200, 3 * KB, 60 * KB, 900 * KB };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int w = TCP4; w < WIRES; w += UNIX) {
			struct part *a = source(st, (enum wire)w), *out[3];

			fill(st, a, sizes[i] < KB ? 60 * KB : 2 * MB, sizes[i]);
			if (i == 2)
				fill(st, a, 3 * MB, 4 * KB);
			pack_all();
			assert_int_equal(stat_of(a).outstanding, arrived);
			assert_true(holds <= 20);
			for (unsigned o = 0; o < 3; o++) {
				out[o] = output(st, a, (enum wire)w);
				all_to(out[o]);
			}
			stage_turn(st);
			release_all();
			for (unsigned o = 0; o < 3; o++) {
				stage_until(st, out[o]->peer.ended);
				assert_int_equal(out[o]->peer.heard, arrived);
			}
			assert_int_equal(stat_of(a).outstanding, 0);
		}
}

/* Its footprint is what it takes: so many small ones take far more than one made of them. */
static void fewer_pages(void **state)
{
	struct stage *st = *state;
	struct part *a = source(st, TCP4);
	size_t before = 0, after = 0;

	fill(st, a, 1 * MB, 40 * KB);
	for (unsigned i = 0; i < holds; i++)
		before += shunt_footprint(held[i]);
	pack_all();
	for (unsigned i = 0; i < holds; i++) {
		assert_true(shunt_footprint(held[i]) >= shunt_length(held[i]));
		after += shunt_footprint(held[i]);
	}
	assert_true(before >= arrived);
	assert_true(after <= before || engine == SHUNT_COPY); /* there a byte takes a byte */
	assert_true(after <= 4 * arrived + 1 * MB);
	release_all();
}

/* What is on its way is not disturbed when more is put behind it; what waits may grow, and gives nothing. */
static void packed_on_the_way(void **state)
{
	struct stage *st = *state;

	st->small = 4096;
	struct part *a = source(st, TCP4), *slow = output(st, a, TCP4);

	slow->peer.deaf = true;
	fill(st, a, 700 * KB, 30 * KB);
	unsigned last = holds - 1;
	size_t grown = shunt_length(held[last - 1]);

	for (unsigned i = 0; i < last; i++)
		assert_int_equal(shunt_queue(slow->end, held[i], 0, shunt_length(held[i])), 0);
	for (unsigned i = 0; i < 5; i++)
		stage_turn(st);
	assert_int_equal(shunt_pack(held[last - 2], held[last - 1], 1), -EBUSY);
	ssize_t moved = shunt_pack(held[last - 1], held[last], SIZE_MAX);

	assert_true(moved > 0 && shunt_length(held[last - 1]) == grown + (size_t)moved);
	slow->peer.deaf = false;
	stage_until(st, slow->peer.heard + (size_t)moved + shunt_length(held[last]) == arrived);
	assert_int_equal(shunt_pack(held[last - 2], held[last - 1], 0), 0);
	assert_int_equal(shunt_queue(slow->end, held[last - 1], grown, (size_t)moved), 0);
	if (shunt_length(held[last]) > 0)
		assert_int_equal(shunt_queue(slow->end, held[last], 0, shunt_length(held[last])),
				 0);
	stage_until(st, slow->peer.heard == arrived);
	release_all();
	assert_int_equal(stat_of(a).outstanding, 0);
}

static void what_cannot_be_packed(void **state)
{
	struct stage *st = *state;
	struct part *a = source(st, TCP4), *b = part_new(st, TCP4, SHUNT_ALL);

	fill(st, a, 1, 1);
	b->peer.say = 10;
	stage_until(st, holds == 2);
	assert_int_equal(shunt_pack(held[0], held[0], 1), -EINVAL);
	assert_int_equal(shunt_pack(held[0], held[1], 1),
			 -EINVAL); /* seen: its view must not move */
	assert_int_equal(shunt_pack(held[1], held[0], 1), -EINVAL);
	release_all();
}

/* The first bytes go, the others do not, wherever they lie; what comes after follows at once. */
static void cut(void **state)
{
	struct stage *st = *state;

	for (unsigned round = 0; round < 12; round++) {
		st->small = 4096;
		struct part *a = source(st, TCP4), *slow = output(st, a, TCP4);

		slow->peer.deaf = true;
		actor_keeps(&slow->peer, 2 * MB);
		fill(st, a, 600 * KB, 100 * KB);
		for (unsigned i = 0; i < holds; i++)
			assert_int_equal(shunt_queue(slow->end, held[i], 0, shunt_length(held[i])),
					 0);
		for (unsigned i = 0; i < 5; i++)
			stage_turn(st);
		size_t queued = stat_of(slow).queued, out = (size_t)stat_of(slow).out;
		size_t keep = round == 0 ? 0 : round == 1 ? queued : random_below(st, queued);

		assert_true(queued > 0 && out + queued == arrived);
		assert_int_equal(shunt_cut(slow->end, keep), 0);
		assert_int_equal(stat_of(slow).queued, keep);
		assert_int_equal(shunt_queue(slow->end, held[0], 1, 1), 0);
		slow->peer.deaf = false;
		stage_until(st, slow->peer.heard == out + keep + 1);
		assert_true(stream_is(a->peer.say_seed, 0, slow->peer.kept, out + keep));
		assert_true(stream_is(a->peer.say_seed, 1, slow->peer.kept + out + keep, 1));
		release_all();
		assert_int_equal(stat_of(a).outstanding, 0);
		shunt_abort(slow->end);
		shunt_abort(a->end);
		stage_until(st, !slow->end && !a->end);
	}
}

/* Who was cut hears of room when the socket takes bytes again, not before. */
static void room_after_a_cut(void **state)
{
	struct stage *st = *state;
	struct shunt_options o = SHUNT_OPTIONS;

	o.queue_limit = 1;
	stage_reopen(st, o);
	st->small = 4096;
	struct part *a = source(st, TCP4), *slow = output(st, a, TCP4);

	slow->peer.deaf = true;
	fill(st, a, 200 * KB, 100 * KB);
	for (unsigned i = 0; i < holds; i++) {
		int r = shunt_queue(slow->end, held[i], 0, shunt_length(held[i]));

		assert_true(r == 0 || (r == -EAGAIN && i > 0));
		stage_turn(st);
	}
	stage_idle(st, 20);
	assert_true(stat_of(slow).queued > 0);
	rooms = 0;
	assert_int_equal(shunt_cut(slow->end, 0), 0);
	stage_idle(st, 20);
	assert_int_equal(rooms, 0);
	slow->peer.deaf = false;
	stage_until(st, rooms == 1);
	release_all();
}

/* Not read while its limit is 0; nothing was lost meanwhile. */
static void limited(void **state)
{
	struct stage *st = *state;

	for (int w = 0; w < WIRES; w++) {
		if (!wire_works((enum wire)w))
			continue;
		struct part *a = source(st, (enum wire)w);

		assert_int_equal(shunt_limit(a->end, 0), 0);
		a->peer.say = 100 * KB;
		stage_idle(st, 20);
		assert_int_equal(arrived, 0);
		assert_int_equal(shunt_limit(a->end, 1000), 0);
		stage_until(st, arrived >= 1000);
		stage_idle(st, 20);
		assert_int_equal(arrived, 1000);
		assert_int_equal(shunt_limit(a->end, SIZE_MAX), 0);
		stage_until(st, arrived == 100 * KB);
		release_all();
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(packed),
		stage_test(fewer_pages),
		stage_test(packed_on_the_way),
		stage_test(what_cannot_be_packed),
		stage_test(cut),
		stage_test(room_after_a_cut),
		stage_test(limited),
	};

	return stage_run(argc, argv, tests);
}
