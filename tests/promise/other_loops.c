/* SPDX-License-Identifier: BSD-2-Clause */
/* However the program waits, it is told the same: one event at a time, or asleep in a loop of its own on shunt_fd */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/time.h>

#include "stage.h"

/* -- events one at a time -- */

static void pass_on(struct stage *st, struct part *p, const struct shunt_event *ev)
{
	(void)st;
	if (ev->what == SHUNT_ARRIVED)
		assert_int_equal(shunt_queue(p->other->end, ev->buf, 0, ev->length), 0);
	if (ev->what == SHUNT_ENDED)
		assert_int_equal(shunt_finish(p->other->end), 0);
}

static void one_at_a_time(void **state)
{
	const size_t depths[] = { SHUNT_NONE, SHUNT_HEAD(7), SHUNT_ALL };
	struct stage *st = *state;
	struct part *a[12];

	st->max = 1;
	st->on = pass_on;
	for (unsigned i = 0; i < 12; i++) {
		if (i % 4 == 3) {
			a[i] = joined_pair(st, TCP4, TCP4);
		} else {
			a[i] = part_new(st, i % 2 ? TCP4 : UNIX, depths[i % 3]);
			expect_each_other(a[i], part_new(st, TCP4, depths[(i + 1) % 3]));
		}
		says(a[i], 100 * KB);
		says(a[i]->other, 70 * KB);
	}
	for (unsigned i = 0; i < 12; i++) {
		stage_until(st, !a[i]->end && !a[i]->other->end);
		stage_until(st, a[i]->peer.ended && a[i]->other->peer.ended);
		assert_int_equal(a[i]->other->peer.heard, 100 * KB);
		assert_int_equal(a[i]->peer.heard, 70 * KB);
		assert_int_equal(a[i]->why, SHUNT_WHY_DONE);
		assert_int_equal(a[i]->told[SHUNT_JOINED], i % 4 == 3);
	}
}

/* Hundreds end in the same moment: each GONE comes, with its own counts. */
static void many_gone_at_once(void **state)
{
	struct stage *st = *state;
	struct part *a[150];

	for (unsigned i = 0; i < 150; i++) {
		a[i] = joined_pair(st, TCP4, UNIX);
		a[i]->peer.say = i;
		stage_until(st, a[i]->other->peer.heard == i);
	}
	for (unsigned i = 0; i < 150; i++)
		assert_int_equal(shunt_abort(i % 2 ? a[i]->end : a[i]->other->end), 0);
	for (unsigned i = 0; i < 150; i++) {
		stage_until(st, !a[i]->end && !a[i]->other->end);
		assert_int_equal(a[i]->stat.in, i);
		assert_int_equal(a[i]->other->stat.out, i);
	}
}

/* -- a loop of the program's own -- */

/* Sleep on shunt_fd; when it is readable, wait without waiting until there is nothing more. */
static void sleep_and_take(struct stage *st)
{
	struct pollfd p = { .fd = shunt_fd(st->s), .events = POLLIN };
	struct shunt_event ev[8];
	int n;

	assert_int_equal(poll(&p, 1, 15000), 1); /* nothing in it needs so long */
	while ((n = shunt_wait(st->s, ev, 8, 0)) > 0) {
		for (int i = 0; i < n; i++) {
			struct part *q = ev[i].user;

			q->told[ev[i].what]++;
			if (ev[i].what == SHUNT_GONE) {
				q->end = NULL;
				q->why = ev[i].why;
			}
			if (st->on)
				st->on(st, q, &ev[i]);
		}
	}
	assert_int_equal(n, 0);
}

static void *act(void *arg)
{
	struct actor *a = arg;

	while (a->fd >= 0 && !(a->ended && a->finished) && !a->error) {
		if (!actor_step(a))
			usleep(500);
		else if (a->rests)
			usleep(1000);
	}
	return NULL;
}

static void in_a_loop_of_its_own(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_HEAD(9)), *b = part_new(st, TCP4, SHUNT_NONE),
		    *c = joined_pair(st, TCP4, TCP4);
	struct part *all[] = { a, b, c, c->other };
	pthread_t t[4];
	struct shunt_event ev;

	expect_each_other(a, b);
	st->on = pass_on;
	stage_until(st, c->told[SHUNT_JOINED]);
	for (unsigned i = 0; i < 4; i++)
		says(all[i], 2 * MB);
	assert_int_equal(shunt_wait(st->s, &ev, 1, 0), 0); /* carries out what was ordered before */
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, act, &all[i]->peer), 0);
	while (a->end || b->end || c->end || c->other->end)
		sleep_and_take(st);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(all[i]->peer.heard, 2 * MB);
		assert_int_equal(all[i]->why, SHUNT_WHY_DONE);
	}
}

/* A reset that must wait until the bytes before it are acknowledged: no descriptor tells of that, our timer does. */
static void woken_by_time_alone(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_NONE);
	struct shunt_event ev;
	pthread_t reader;

	st->small = 4096;
	struct part *b = part_new(st, TCP4, SHUNT_NONE);

	expect_each_other(a, b);
	assert_int_equal(shunt_join(a->end, b->end), 0);
	b->peer.deaf = true;
	a->peer.say = 60 * KB;
	a->peer.resets = true;
	while (a->peer.fd >= 0)
		stage_turn(st);
	while (a->told[SHUNT_BROKEN] == 0)
		stage_turn(st);
	assert_int_equal(shunt_wait(st->s, &ev, 1, 0), 0);
	b->peer.deaf = false;
	b->peer.sip = 2000;
	b->peer.rests = 1;
	assert_int_equal(pthread_create(&reader, NULL, act, &b->peer), 0);
	while (a->end || b->end)
		sleep_and_take(st);
	pthread_join(reader, NULL);
	assert_int_equal(b->peer.heard, 60 * KB);
	assert_int_equal(b->peer.error, ECONNRESET);
	assert_int_equal(a->why, SHUNT_WHY_RESET);
}

/* Inside another epoll, and inside another context's as a watched descriptor. */
static void inside_another_context(void **state)
{
	struct stage *st = *state;
	struct part *a = part_new(st, TCP4, SHUNT_ALL), *w = part_empty(st);
	struct shunt *outer, *inner = st->s;
	struct shunt_event ev[4];

	assert_int_equal(shunt_open(&outer, NULL), 0);
	assert_int_equal(shunt_attach(outer, shunt_fd(inner), SHUNT_WATCH, w, &w->end), 0);
	assert_int_equal(shunt_wait(inner, ev, 4, 0), 0);
	assert_int_equal(shunt_wait(outer, ev, 4, 20), 0);
	actor_tells(&a->peer, "hello");
	assert_int_equal(shunt_wait(outer, ev, 4, 10000), 1);
	assert_int_equal(ev[0].what, SHUNT_READY);
	assert_int_equal(shunt_wait(inner, ev, 4, 0), 1);
	assert_int_equal(ev[0].what, SHUNT_ARRIVED);
	assert_int_equal(ev[0].length, 5);
	assert_int_equal(shunt_wait(inner, ev, 4, 0), 0);
	assert_int_equal(shunt_wait(outer, ev, 4, 20), 0);
	assert_int_equal(shunt_detach(w->end), shunt_fd(inner));
	shunt_close(outer);
}

/* -- how long it waits -- */

static void on_alarm(int sig)
{
	(void)sig;
}

static void a_signal_ends_the_wait(void **state)
{
	struct stage *st = *state;
	struct sigaction quiet = { .sa_handler = on_alarm }, before;
	struct itimerval soon = { .it_value.tv_usec = 30000 };
	struct shunt_event ev;

	assert_int_equal(sigaction(SIGALRM, &quiet, &before), 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(shunt_wait(st->s, &ev, 1, -1), -EINTR);
	sigaction(SIGALRM, &before, NULL);
	alarm(60);
}

/* Joins run inside of one wait, without the program; it is woken in between to hear that one became a graft, if it did. */
static void a_whole_transfer_in_one_wait(void **state)
{
	struct stage *st = *state;
	struct part *a = joined_pair(st, TCP4, TCP4);
	struct shunt_event ev[4];
	pthread_t t[2];
	int waits = 0, grafted = 0, gone = 0;

	stage_until(st, a->told[SHUNT_JOINED]);
	says(a, 5 * MB);
	says(a->other, 5 * MB);
	assert_int_equal(pthread_create(&t[0], NULL, act, &a->peer), 0);
	assert_int_equal(pthread_create(&t[1], NULL, act, &a->other->peer), 0);
	for (; gone < 2; waits++) {
		int n = shunt_wait(st->s, ev, 4, -1);

		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			if (ev[i].what == SHUNT_JOINED) {
				assert_int_equal(ev[i].engine, SHUNT_GRAFT);
				grafted++;
				continue;
			}
			assert_int_equal(ev[i].what, SHUNT_GONE);
			assert_int_equal(ev[i].stat->in, 5 * MB);
			gone++;
		}
	}
	assert_true(grafted <= 1 && waits <= 1 + grafted);
	a->end = a->other->end = NULL;
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	assert_int_equal(a->peer.heard, 5 * MB);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		stage_test(one_at_a_time),
		stage_test(many_gone_at_once),
		stage_test(in_a_loop_of_its_own),
		stage_test(woken_by_time_alone),
		stage_test(inside_another_context),
		stage_test(a_signal_ends_the_wait),
		stage_test(a_whole_transfer_in_one_wait),
	};

	return stage_run(argc, argv, tests);
}
