/* SPDX-License-Identifier: BSD-2-Clause */
/* E1, E2, E3 where an end is a pipe: what one context queues on its writing end comes out of its reading end in
 * another, in order, and by reference where the engine can; and the end comes after the last byte.
 */
#include <fcntl.h>
#include <unistd.h>

#include "stage.h"

/* A context of its own behind the pipe: what arrives there goes to an actor. */
struct beyond {
	struct shunt *s;
	struct shunt_end *in;
	struct part *out; /* its actor alone is used */
	struct shunt_end *to;
	uint64_t arrived;
	bool ended, gone;
	enum shunt_why why;
};

static void beyond_open(struct stage *st, struct beyond *b, int rd, uint64_t seed)
{
	struct shunt_options o = SHUNT_OPTIONS;
	int fd[2];

	*b = (struct beyond){ .out = part_empty(st) };
	o.engine = engine;
	assert_int_equal(shunt_open(&b->s, &o), 0);
	assert_int_equal(shunt_attach(b->s, rd, SHUNT_NONE, NULL, &b->in), 0);
	wire_pair(st, TCP4, fd);
	assert_int_equal(shunt_attach(b->s, fd[0], SHUNT_NONE, NULL, &b->to), 0);
	b->out->peer.fd = fd[1];
	b->out->peer.hear_seed = seed;
}

static void beyond_turn(struct beyond *b)
{
	struct shunt_event ev[16];
	int n = shunt_wait(b->s, ev, 16, 0);

	for (int i = 0; i < n; i++) {
		if (ev[i].end == b->in && ev[i].what == SHUNT_ARRIVED) {
			assert_int_equal(shunt_queue(b->to, ev[i].buf, 0, ev[i].length), 0);
			b->arrived += ev[i].length;
		}
		if (ev[i].end == b->in && ev[i].what == SHUNT_ENDED) {
			b->ended = true;
			assert_int_equal(shunt_finish(b->to), 0);
		}
		if (ev[i].end == b->in && ev[i].what == SHUNT_GONE) {
			b->gone = true;
			b->why = ev[i].why;
		}
	}
}

static struct shunt_end *writer;
static enum shunt_why writer_why;
static bool writer_gone;

static void pass_on(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->end == writer && ev->what == SHUNT_GONE) {
		writer_gone = true;
		writer_why = ev->why;
	}
	if (!p)
		return;
	if (ev->what == SHUNT_ARRIVED)
		assert_int_equal(shunt_queue(writer, ev->buf, 0, ev->length), 0);
	if (ev->what == SHUNT_ENDED) {
		assert_int_equal(shunt_finish(writer), 0);
		assert_int_equal(shunt_finish(p->end), 0);
	}
}

static void across(void **state)
{
	struct stage *st = *state;
	const uint64_t sizes[] = { 0, 1, 100, 300 * KB, 12 * MB };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct part *a = part_new(st, TCP4, SHUNT_NONE);
		struct beyond b;
		int p[2];

		writer_gone = false;
		st->on = pass_on;
		assert_int_equal(pipe2(p, O_CLOEXEC), 0);
		assert_int_equal(shunt_attach(st->s, p[1], SHUNT_NONE, NULL, &writer), 0);
		beyond_open(st, &b, p[0], a->peer.say_seed);
		uint64_t copied = calls.copied;

		says(a, sizes[i]);
		stage_until(st, (beyond_turn(&b), b.out->peer.ended));
		assert_int_equal(b.out->peer.heard, sizes[i]);
		assert_int_equal(b.arrived, sizes[i]);
		stage_until(st, (beyond_turn(&b), writer_gone && b.gone));
		assert_int_equal(writer_why, SHUNT_WHY_DONE);
		assert_int_equal(b.why, SHUNT_WHY_DONE);
		if (engine != SHUNT_COPY) /* only the beginning of the stream is */
			assert_true(calls.copied - copied <= 16 * KB);
		shunt_close(b.s);
	}
}

/* Who reads is gone: the writer hears of it, at once or with the next bytes. */
static void nobody_reads(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_NONE);
	int p[2];

	writer_gone = false;
	st->on = pass_on;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(shunt_attach(st->s, p[1], SHUNT_NONE, NULL, &writer), 0);
	close(p[0]);
	stage_until(st, writer_gone);
	assert_int_equal(writer_why, SHUNT_WHY_RESET);
	(void)a;
}

/* Full, the pipe slows who writes, and wakes him when it is drained. */
static void slow(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_NONE);
	struct shunt_stat stat;
	struct beyond b;
	int p[2];

	writer_gone = false;
	st->on = pass_on;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(shunt_attach(st->s, p[1], SHUNT_NONE, NULL, &writer), 0);
	a->peer.say = 64 * MB;
	for (uint64_t before = 1; before != a->peer.said;) {
		before = a->peer.said;
		stage_idle(st, 50);
	}
	assert_true(a->peer.said < 64 * MB);
	assert_int_equal(shunt_stat(st->s, writer, &stat), 0);
	assert_true(stat.queued > 0 && stat_of(a).outstanding <= 5 * MB);
	beyond_open(st, &b, p[0], a->peer.say_seed);
	says(a, a->peer.said);
	stage_until(st, (beyond_turn(&b), b.out->peer.ended));
	assert_int_equal(b.out->peer.heard, a->peer.said);
	shunt_close(b.s);
}

static void one_direction(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_NONE);
	struct shunt_end *rd, *wr;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(shunt_attach(st->s, p[0], SHUNT_NONE, NULL, &rd), 0);
	assert_int_equal(shunt_attach(st->s, p[1], SHUNT_NONE, NULL, &wr), 0);
	assert_int_equal(shunt_insert(rd, "x", 1), -EPIPE);
	assert_int_equal(shunt_finish(rd), -EPIPE);
	assert_int_equal(shunt_join(rd, a->end), -EINVAL);
	assert_int_equal(shunt_join(a->end, wr), -EINVAL);
	assert_int_equal(shunt_detach(rd), p[0]);
	assert_int_equal(shunt_detach(wr), p[1]);
	close(p[0]);
	close(p[1]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(across),
		stage_test(nobody_reads),
		stage_test(slow),
		stage_test(one_direction),
	};

	return stage_run(argc, argv, tests);
}
