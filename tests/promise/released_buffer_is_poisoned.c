/* SPDX-License-Identifier: BSD-2-Clause */
/* A view that is read after its buffer was let go of dies at that line, under AddressSanitizer; and one that is
 * still held does not. Each deed is done in a child, so that its death can be looked at.
 */
#include <sys/wait.h>

#include "stage.h"

enum deed { HELD, RELEASED, NEVER_HELD, QUEUED_AND_GONE };

static struct shunt_buf *last;
static const volatile unsigned char *view;
static size_t seen;
static enum deed deed;

static void look(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what != SHUNT_ARRIVED || last)
		return;
	last = ev->buf;
	view = ev->view;
	seen = ev->seen;
	if (deed == HELD || deed == RELEASED)
		assert_int_equal(shunt_hold(last), 0);
	if (deed == QUEUED_AND_GONE)
		assert_int_equal(shunt_queue(p->other->end, last, 0, ev->length), 0);
}

static unsigned read_it(void)
{
	return view[0] + view[seen / 2] + view[seen - 1];
}

static void commit(struct stage *st, size_t depth, size_t n)
{
	struct part *a = part_new(st, TCP4, depth), *b = part_new(st, TCP4, SHUNT_JOIN);

	last = NULL;
	st->on = look;
	a->other = b;
	b->peer.hear_seed = a->peer.say_seed;
	a->peer.say = n;
	while (a->peer.said < n) /* as much as can be, at once */
		actor_step(&a->peer);
	stage_until(st, last);
	read_it(); /* in its turn it may be read, whoever holds it */
	if (deed == QUEUED_AND_GONE)
		stage_until(st, b->peer.heard >= seen);
	stage_wait(st, 0);
	stage_wait(st, 0);
	if (deed == RELEASED)
		assert_int_equal(shunt_release(last), 0);
	_exit(read_it() > 3 * 255);
}

/* What the child says when it dies, or "" when it lives. */
static void report_of(struct stage *st, size_t depth, size_t n, char *text, size_t size)
{
	int out[2], status;
	size_t got = 0;
	ssize_t r;

	assert_int_equal(pipe(out), 0);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		dup2(out[1], 2);
		commit(st, depth, n);
	}
	close(out[1]);
	while ((r = read(out[0], text + got, size - 1 - got)) > 0)
		got += (size_t)r;
	text[got] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WIFEXITED(status) && WEXITSTATUS(status) == 0, got == 0);
}

static void each_deed(struct stage *st, size_t depth, size_t n)
{
	static char text[64 * 1024];

	for (deed = HELD; deed <= QUEUED_AND_GONE; deed++) {
		report_of(st, depth, n, text, sizeof(text));
		if (deed == HELD) {
			assert_string_equal(text, "");
		} else {
			assert_non_null(strstr(text, "AddressSanitizer"));
			assert_true(strstr(text, "use-after-poison") ||
				    strstr(text, "heap-use-after-free"));
			assert_non_null(strstr(text, "read_it"));
		}
	}
}

static void seen_in_whole(void **state)
{
	each_deed(*state, SHUNT_ALL, 100);        /* in memory made to measure */
	each_deed(*state, SHUNT_ALL, 100 * 1024); /* in memory that is pooled: freed it is not */
}

static void seen_as_a_head(void **state)
{
	each_deed(*state, SHUNT_HEAD(64), 100);
	each_deed(*state, SHUNT_HEAD(64 * 1024), 64 * 1024);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(seen_in_whole),
		stage_test(seen_as_a_head),
	};

	return stage_run(argc, argv, tests);
}
