/* SPDX-License-Identifier: BSD-2-Clause */
/* E8: what cannot be done is said at once; and a call that fails has changed nothing */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "stage.h"

/* The end goes on as if nothing had been asked. */
static void still_works(struct stage *st, struct part *p)
{
	uint64_t heard = p->peer.heard;
	unsigned char byte;

	stream_bytes(p->peer.hear_seed, heard, &byte, 1);
	assert_int_equal(shunt_insert(p->end, &byte, 1), 0);
	stage_until(st, p->peer.heard == heard + 1);
}

static void contexts(void **state)
{
	struct shunt_options o = SHUNT_OPTIONS;
	struct shunt *s = NULL;

	o.size = 3;
	assert_int_equal(shunt_open(&s, &o), -EINVAL);
	o = (struct shunt_options)SHUNT_OPTIONS;
	o.engine = SHUNT_ENGINES;
	assert_int_equal(shunt_open(&s, &o), -EINVAL);
	o.engine = (enum shunt_engine)77;
	assert_int_equal(shunt_open(&s, &o), -EINVAL);
	o = (struct shunt_options)SHUNT_OPTIONS;
	o.unit = SIZE_MAX;
	assert_int_equal(shunt_open(&s, &o), -EINVAL);
	assert_null(s);
	assert_int_equal(shunt_open(&s, NULL), 0);
	shunt_close(s);
	shunt_close(NULL);

	/* of a later version: fine while it asks for nothing that is not known here */
	struct {
		struct shunt_options known;
		size_t unknown;
	} later = { .known.size = sizeof(later) };

	assert_int_equal(shunt_open(&s, &later.known), 0);
	shunt_close(s);
	later.unknown = 1;
	assert_int_equal(shunt_open(&s, &later.known), -EINVAL);
	(void)state;
}

/* splice raises SIGPIPE. Who handles it keeps it. */
static void handler(int sig)
{
	(void)sig;
}

static void sigpipe(void **state)
{
	struct sigaction now, mine = { .sa_handler = handler };
	struct shunt *s;

	assert_int_equal(sigaction(SIGPIPE, &mine, NULL), 0);
	assert_int_equal(shunt_open(&s, NULL), 0);
	assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
	assert_true(now.sa_handler == handler);
	shunt_close(s);
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(shunt_open(&s, NULL), 0);
	assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
	assert_true(now.sa_handler == SIG_IGN);
	shunt_close(s);
	(void)state;
}

static void attaching(void **state)
{
	struct stage *st = *state;
	struct shunt_end *end = NULL;
	int p[2], listener, udp, fd[2], file;

	assert_int_equal(pipe(p), 0);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	file = open("/proc/self/exe", O_RDONLY);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(shunt_attach(st->s, -1, SHUNT_NONE, NULL, &end), -EINVAL);
	for (int i = 0; i < 2; i++) /* a pipe has no head to look at, and is never joined */
		assert_int_equal(shunt_attach(st->s, p[i], SHUNT_HEAD(1), NULL, &end), -EINVAL);
	assert_int_equal(shunt_attach(st->s, p[1], SHUNT_ALL, NULL, &end), -EINVAL);
	assert_int_equal(shunt_attach(st->s, udp, SHUNT_NONE, NULL, &end), -EPROTOTYPE);
	assert_int_equal(shunt_attach(st->s, listener, SHUNT_NONE, NULL, &end), -ENOTCONN);
	assert_int_equal(shunt_attach(st->s, 1 << 20, SHUNT_NONE, NULL, &end), -EBADF);
	assert_int_equal(shunt_attach(st->s, 1 << 30, SHUNT_WATCH, NULL, &end), -EBADF);
	assert_int_equal(shunt_attach(st->s, file, SHUNT_WATCH, NULL, &end),
			 -EPERM); /* epoll takes no files */
	wire_pair(st, TCP4, fd);
	assert_int_equal(shunt_attach(st->s, fd[0], SHUNT_NONE, NULL, NULL), -EINVAL);
	assert_null(end);
	assert_int_equal(shunt_attach(st->s, fd[0], SHUNT_NONE, NULL, &end), 0);
	struct shunt_end *first = end;

	assert_int_equal(shunt_attach(st->s, fd[0], SHUNT_ALL, NULL, &end), -EEXIST);
	assert_ptr_equal(end, first);
	assert_int_equal(shunt_detach(first), fd[0]);
	assert_int_equal(shunt_attach(st->s, fd[0], SHUNT_ALL, NULL, &end), 0);
	close(fd[1]);
	close(p[0]);
	close(p[1]);
	close(udp);
	close(listener);
	close(file);
}

/* A socket that failed before we saw it says why. */
static void attaching_what_has_failed(void **state)
{
	struct stage *st = *state;
	struct shunt_end *end;
	struct narrow door;
	int fd[2], refused;

	for (unsigned i = 0; i < 2; i++) {
		struct linger at_once = { .l_onoff = 1 };

		wire_pair(st, TCP4, fd);
		setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		close(fd[1]);
		assert_int_equal(shunt_attach(st->s, fd[0], i ? SHUNT_ALL : SHUNT_NONE, NULL, &end),
				 -ECONNRESET);
		close(fd[0]);
	}
	narrow_door(&door);
	narrow_free(&door);
	refused = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(refused, (struct sockaddr *)&door.at, sizeof(door.at)) < 0 &&
	    errno == EINPROGRESS)
		assert_int_equal(shunt_attach(st->s, refused, SHUNT_NONE, NULL, &end),
				 -ECONNREFUSED);
	close(refused);
}

static void connecting(void **state)
{
	struct stage *st = *state;
	struct shunt_end *end = NULL;
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct sockaddr_un nowhere = { .sun_family = AF_UNIX, .sun_path = "/nowhere/at/all" };

	assert_int_equal(shunt_connect(st->s, NULL, sizeof(at), NULL, SHUNT_NONE, NULL, &end),
			 -EINVAL);
	assert_int_equal(shunt_connect(st->s, (struct sockaddr *)&at, sizeof(at), NULL, SHUNT_NONE,
				       NULL, NULL),
			 -EINVAL);
	assert_int_equal(
		shunt_connect(st->s, (struct sockaddr *)&at, 1, NULL, SHUNT_NONE, NULL, &end),
		-EINVAL);
	assert_int_equal(shunt_connect(st->s, (struct sockaddr *)&at, sizeof(at), NULL, SHUNT_WATCH,
				       NULL, &end),
			 -EINVAL);
	assert_int_equal(shunt_connect(st->s, (struct sockaddr *)&nowhere, sizeof(nowhere), NULL,
				       SHUNT_NONE, NULL, &end),
			 -ENOENT);
	at.sin_family = 250;
	assert_int_equal(shunt_connect(st->s, (struct sockaddr *)&at, sizeof(at), NULL, SHUNT_NONE,
				       NULL, &end),
			 -EAFNOSUPPORT);
	assert_null(end);
}

static void waiting(void **state)
{
	struct stage *st = *state;
	struct shunt_event ev;

	assert_int_equal(shunt_wait(st->s, NULL, 1, 0), -EINVAL);
	assert_int_equal(shunt_wait(st->s, &ev, 0, 0), -EINVAL);
	assert_int_equal(shunt_wait(st->s, &ev, -1, 0), -EINVAL);
	assert_int_equal(shunt_wait(st->s, &ev, 1, 0), 0);
}

static struct shunt_buf *last;

static void hold_it(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	(void)p;
	if (ev->what == SHUNT_ARRIVED && !last) {
		last = ev->buf;
		assert_int_equal(shunt_hold(last), 0);
	}
}

static void ordering(void **state)
{
	struct stage *st = *state;
	struct shunt_options o = SHUNT_OPTIONS;
	struct part *a = part_new(st, TCP4, SHUNT_ALL), *b = part_new(st, TCP4, SHUNT_NONE);
	struct shunt *s;
	struct shunt_end *stranger;
	struct shunt_stat stat;
	int fd[2];

	last = NULL;
	st->on = hold_it;
	expect_each_other(a, b);
	actor_tell_stream(&a->peer, 10);
	stage_until(st, last);
	assert_int_equal(shunt_open(&s, &o), 0);
	wire_pair(st, TCP4, fd);
	assert_int_equal(shunt_attach(s, fd[0], SHUNT_NONE, NULL, &stranger), 0);

	/* not within the buffer */
	assert_int_equal(shunt_queue(b->end, last, 0, 11), -EINVAL);
	assert_int_equal(shunt_queue(b->end, last, 11, 0), -EINVAL);
	assert_int_equal(shunt_queue(b->end, last, 10, 1), -EINVAL);
	assert_int_equal(shunt_queue(b->end, last, SIZE_MAX, 2), -EINVAL);
	assert_int_equal(shunt_queue(b->end, last, 2, SIZE_MAX), -EINVAL);
	assert_int_equal(shunt_queue(b->end, last, 10, 0), 0); /* nothing, but within */
	/* of another context */
	assert_int_equal(shunt_queue(stranger, last, 0, 10), -EINVAL);
	assert_int_equal(shunt_join(b->end, stranger), -EINVAL);
	assert_int_equal(shunt_stat(st->s, stranger, &stat), -EINVAL);
	assert_int_equal(shunt_stat(st->s, b->end, NULL), -EINVAL);
	/* with itself */
	assert_int_equal(shunt_join(b->end, b->end), -EINVAL);
	/* no head */
	assert_int_equal(shunt_more(a->end, 100), -EINVAL);
	assert_int_equal(shunt_more(b->end, 100), -EINVAL);
	assert_int_equal(stat_of(b).queued, 0);
	still_works(st, b);
	assert_int_equal(shunt_release(last), 0);
	shunt_close(s);
	close(fd[1]);

	/* finished */
	assert_int_equal(shunt_finish(b->end), 0);
	assert_int_equal(shunt_finish(b->end), -EPIPE);
	assert_int_equal(shunt_insert(b->end, "x", 1), -EPIPE);
	assert_int_equal(shunt_join(a->end, b->end), -EPIPE);
	assert_int_equal(shunt_join(b->end, a->end), -EPIPE);
	still_works(st, a);
}

static void joined_ends_take_no_orders(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_HEAD(10)), *b = part_new(st, TCP4, SHUNT_NONE),
		    *c = part_new(st, TCP4, SHUNT_NONE);

	last = NULL;
	st->on = hold_it;
	expect_each_other(a, b);
	actor_tell_stream(&a->peer, 10);
	stage_until(st, last);
	assert_int_equal(shunt_queue(b->end, last, 0, 10), 0);
	assert_int_equal(shunt_join(a->end, b->end), 0);
	assert_int_equal(shunt_insert(a->end, "x", 1), -EBUSY);
	assert_int_equal(shunt_insert(b->end, "x", 1), -EBUSY);
	assert_int_equal(shunt_queue(b->end, last, 0, 10), -EBUSY);
	assert_int_equal(shunt_finish(a->end), -EBUSY);
	assert_int_equal(shunt_join(a->end, b->end), -EBUSY);
	assert_int_equal(shunt_join(b->end, a->end), -EBUSY);
	assert_int_equal(shunt_join(c->end, a->end), -EBUSY);
	assert_int_equal(shunt_detach(a->end), -EBUSY);
	assert_int_equal(shunt_more(a->end, 5000), -EBUSY);
	assert_int_equal(shunt_release(last), 0);
	actor_tell_stream(&a->peer, 10);
	stage_until(st, b->peer.heard == 20);
	assert_int_equal(shunt_more(a->end, 5000), -EBUSY);
	says(a, a->peer.said + 100);
	says(b, 100);
	stage_until(st, !a->end && a->peer.ended && b->peer.ended);
	assert_int_equal(a->peer.heard, 100);
	assert_int_equal(b->peer.heard, 120);
}

static void detaching(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_HEAD(10)), *b = part_new(st, TCP4, SHUNT_NONE);

	last = NULL;
	st->on = hold_it;
	expect_each_other(a, b);
	actor_tell_stream(&a->peer, 10);
	stage_until(st, last);
	assert_int_equal(shunt_detach(a->end), -EBUSY); /* a held head lies in it */
	assert_int_equal(shunt_queue(b->end, last, 0, 10), 0);
	assert_int_equal(shunt_release(last), 0);
	assert_int_equal(shunt_detach(a->end), -EBUSY); /* and now a queued one */
	assert_int_equal(shunt_detach(b->end), -EBUSY); /* bytes are queued on it */
	stage_until(st, b->peer.heard == 10);
	still_works(st, a);
	int fds[2] = { shunt_detach(a->end), shunt_detach(b->end) };

	a->end = b->end = NULL;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(close(fds[i]), 0);
	stage_idle(st, 2);
}

/* Between the call that ended it and GONE an end takes no orders, but may be asked. */
static void ends_that_are_ending(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_NONE), *b = part_new(st, TCP4, SHUNT_NONE);

	stage_turn(st);
	assert_int_equal(shunt_abort(a->end), 0);
	assert_int_equal(shunt_abort(a->end), -EINVAL);
	assert_int_equal(shunt_insert(a->end, "x", 1), -EPIPE);
	assert_int_equal(shunt_finish(a->end), -EPIPE);
	assert_int_equal(shunt_detach(a->end), -EINVAL);
	assert_int_equal(shunt_join(a->end, b->end), -EPIPE);
	assert_int_equal(shunt_join(b->end, a->end), -EPIPE);
	assert_int_equal(shunt_more(a->end, 3), -EINVAL);
	assert_int_equal(stat_of(a).out, 0);
	stage_until(st, !a->end);
	assert_int_equal(a->told[SHUNT_GONE], 1);
	b->peer.hear_seed = 1;
	still_works(st, b);
}

static void watching(void **state)
{
	struct stage *st = *state;
	struct part *w = part_empty(st), *a = part_new(st, TCP4, SHUNT_NONE);
	struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	uint64_t ticks;

	assert_int_equal(shunt_attach(st->s, timer, SHUNT_WATCH, w, &w->end), 0);
	assert_int_equal(shunt_insert(w->end, "x", 1), -EINVAL);
	assert_int_equal(shunt_finish(w->end), -EINVAL);
	assert_int_equal(shunt_abort(w->end), -EINVAL);
	assert_int_equal(shunt_join(w->end, a->end), -EINVAL);
	assert_int_equal(shunt_join(a->end, w->end), -EINVAL);
	assert_int_equal(shunt_more(w->end, 1), -EINVAL);
	stage_idle(st, 5);
	assert_int_equal(w->told[SHUNT_READY], 0);
	timerfd_settime(timer, 0, &soon, NULL);
	stage_until(st, w->told[SHUNT_READY] >= 3); /* as long as it is readable */
	assert_int_equal(read(timer, &ticks, sizeof(ticks)), sizeof(ticks));
	stage_wait(st, 0);
	unsigned ready = w->told[SHUNT_READY];

	stage_idle(st, 5);
	assert_int_equal(w->told[SHUNT_READY], ready);
	assert_int_equal(shunt_detach(w->end), timer);
	w->end = NULL;
	close(timer);
	stage_idle(st, 2);
}

/* Never more asked of memory than there can be. */
static void enormous(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_HEAD(4));

	last = NULL;
	st->on = hold_it;
	actor_tell_stream(&a->peer, 4);
	stage_until(st, last);
	assert_int_equal(shunt_insert(a->end, "x", SIZE_MAX), -ENOMEM);
	assert_int_equal(shunt_insert(a->end, "x", SIZE_MAX - 40), -ENOMEM);
	assert_int_equal(shunt_release(last), 0);
	assert_int_equal(shunt_more(a->end, SIZE_MAX / 2), -EINVAL);
	assert_int_equal(shunt_more(a->end, 0), -EINVAL);
	a->peer.hear_seed = 1;
	still_works(st, a);
	int fd[2];
	struct shunt_end *end;

	wire_pair(st, TCP4, fd);
	assert_int_equal(shunt_attach(st->s, fd[0], SHUNT_HEAD(SIZE_MAX / 2), NULL, &end), -EINVAL);
	close(fd[0]);
	close(fd[1]);
}

static void texts(void **state)
{
	(void)state;
	for (int i = -1; i < 20; i++) {
		assert_non_null(shunt_engine_text((enum shunt_engine)i));
		assert_non_null(shunt_why_text((enum shunt_why)i));
	}
	assert_string_equal(shunt_engine_text(SHUNT_SPLICE), "splice");
	assert_string_equal(shunt_engine_text(SHUNT_COPY), "copy");
	assert_string_equal(shunt_why_text(SHUNT_WHY_RESET), "reset");
	assert_string_equal(shunt_why_text(SHUNT_WHY_DONE), "done");
	assert_true(strchr(shunt_version(), '.') != NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(contexts),   stage_test(sigpipe),
		stage_test(attaching),  stage_test(attaching_what_has_failed),
		stage_test(connecting), stage_test(waiting),
		stage_test(ordering),   stage_test(joined_ends_take_no_orders),
		stage_test(detaching),  stage_test(ends_that_are_ending),
		stage_test(watching),   stage_test(enormous),
		stage_test(texts),
	};

	return stage_run(argc, argv, tests);
}
