/* SPDX-License-Identifier: BSD-2-Clause */
/* care.c — the thread that checks and names hang on
 *
 *   lock     all below it: the thread has it but while it waits in its epoll; who comes in from outside
 *            changes what he wants, and wakes it, for it may be waiting too long now. Nothing under it
 *            waits for anybody: sockets do not block, and servers and backends never knock here
 *   change   one who follows at a time: he may have to begin the thread, or to see its end
 *
 * The thread and its descriptors are there while somebody is to be asked.
 */
#include "daemon/care.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"
#include "daemon/checks.h"
#include "daemon/dns.h"
#include "daemon/names.h"

#define WAKE UINT64_MAX /* a ticket */

enum { EVENTS = 64 };

struct care {
	pthread_mutex_t change, lock;
	pthread_cond_t answered; /* names may have been */
	bool running, stop;
	pthread_t thread;
	int epfd, wake;
	struct checks *checks;
	struct names *names;
};

int care_open(struct care **out)
{
	struct care *c = sys_alloc(sizeof(*c));
	pthread_condattr_t monotonic;

	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->change, NULL);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&c->answered, &monotonic);
	pthread_condattr_destroy(&monotonic);
	c->epfd = c->wake = -1;
	*out = c;
	return 0;
}

/* -- the thread -- */

static void handle(struct care *c, const struct epoll_event *e, uint64_t now)
{
	uint64_t count, ticket = e->data.u64;

	if (ticket == WAKE)
		sys_read(c->wake, &count, sizeof(count));
	else if (ticket & DNS_TICKET)
		names_ready(c->names, ticket, e->events, now);
	else
		checks_ready(c->checks, ticket, now);
}

/* How long to wait: rounded up, or the last millisecond would be waited for in turns of nothing. */
static int patience(struct care *c, uint64_t now)
{
	uint64_t a = checks_next(c->checks), b = names_next(c->names, now);
	uint64_t next = a < b ? a : b;

	if (next <= now)
		return 0;
	return next - now < INT32_MAX ? (int)(next - now) : INT32_MAX;
}

static void *run(void *arg)
{
	struct epoll_event event[EVENTS];
	struct care *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		int n, timeout = patience(c, clock_ms());
		uint64_t now;

		pthread_mutex_unlock(&c->lock);
		n = sys_epoll_wait(c->epfd, event, EVENTS, timeout);
		pthread_mutex_lock(&c->lock);
		now = clock_ms();
		for (int i = 0; i < n && !c->stop; i++)
			handle(c, &event[i], now);
		names_due(c->names, now);
		checks_look(c->checks, now);
		checks_due(c->checks, now);
		pthread_cond_broadcast(&c->answered);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void wake(struct care *c)
{
	uint64_t one = 1;

	/* It fails when it would overflow: then it is awake. */
	if (write(c->wake, &one, sizeof(one)) < 0)
		return;
}

/* -- its beginning and its end -- */

static void clean(struct care *c)
{
	checks_free(c->checks);
	names_free(c->names);
	sys_close(c->wake);
	sys_close(c->epfd);
	c->checks = NULL;
	c->names = NULL;
	c->epfd = c->wake = -1;
}

static int prepare(struct care *c)
{
	int r;

	c->epfd = sys_epoll_create();
	if (c->epfd < 0)
		return c->epfd;
	c->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (c->wake < 0)
		return -errno;
	r = sys_epoll_ctl(c->epfd, EPOLL_CTL_ADD, c->wake, EPOLLIN, WAKE);
	if (r < 0)
		return r;
	c->checks = checks_new(c->epfd);
	c->names = names_new(c->epfd);
	return c->checks && c->names ? 0 : -ENOMEM;
}

/* Signals are for those who wait for them. */
static int begin_thread(struct care *c)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	c->stop = false;
	r = pthread_create(&c->thread, NULL, run, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return -r;
	pthread_setname_np(c->thread, "shunt-care");
	c->running = true;
	return 0;
}

static void end_thread(struct care *c)
{
	if (c->running) {
		pthread_mutex_lock(&c->lock);
		c->stop = true;
		wake(c);
		pthread_mutex_unlock(&c->lock);
		pthread_join(c->thread, NULL);
	}
	pthread_mutex_lock(&c->lock);
	c->running = false;
	clean(c);
	pthread_mutex_unlock(&c->lock);
}

void care_close(struct care *c)
{
	if (!c)
		return;
	end_thread(c);
	pthread_cond_destroy(&c->answered);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->change);
	free(c);
}

/* -- whom to look after -- */

static int follow(struct care *c, struct backends *bs)
{
	uint64_t now = clock_ms();
	int names = names_follow(c->names, bs, now);
	int checks = checks_follow(c->checks, bs, now);

	return names < 0 ? names : checks;
}

/* The thread is not there. */
static int follow_first(struct care *c, struct backends *bs)
{
	int r = prepare(c);

	if (r == 0)
		r = follow(c, bs);
	if (r == 0)
		r = begin_thread(c);
	if (r < 0)
		clean(c);
	return r;
}

int care_follow(struct care *c, struct backends *bs)
{
	int r = 0;

	pthread_mutex_lock(&c->change);
	if (!checks_wanted(bs) && !names_wanted(bs)) {
		end_thread(c);
		checks_forget(bs);
	} else {
		pthread_mutex_lock(&c->lock);
		r = c->running ? follow(c, bs) : follow_first(c, bs);
		if (c->running)
			wake(c);
		pthread_mutex_unlock(&c->lock);
	}
	pthread_mutex_unlock(&c->change);
	return r;
}

/* -- what is known -- */

static bool answered(const struct care *c)
{
	return !c->names || names_answered(c->names);
}

bool care_answered(struct care *c, uint64_t timeout_ms)
{
	uint64_t until = clock_ns() + timeout_ms * 1000000;
	struct timespec t = { .tv_sec = (time_t)(until / 1000000000),
			      .tv_nsec = (long)(until % 1000000000) };
	bool all;

	pthread_mutex_lock(&c->lock);
	while (!answered(c))
		if (pthread_cond_timedwait(&c->answered, &c->lock, &t) != 0)
			break;
	all = answered(c);
	pthread_mutex_unlock(&c->lock);
	return all;
}

const char *care_problem(struct care *c, const struct backend *b, size_t index)
{
	const char *problem;

	pthread_mutex_lock(&c->lock);
	problem = c->names ? names_problem(c->names, b, index) : NULL;
	pthread_mutex_unlock(&c->lock);
	return problem;
}
