/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/bench_loop.h"

#include <errno.h>
#include <linux/time_types.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"
#include "cmd/bench_conn.h"
#include "cmd/bench_report.h"
#include "cmd/cmd.h"

#define MS      ((uint64_t)1000000) /* in ns */
#define TICK    (10 * MS)
#define QUIET   (1000 * MS)
#define BATCH   128
#define SIGNALS (UINT64_MAX - 1)

/* -- the end -- */

/* Time, a signal or long silence ends it. Told so for the second time, nothing is waited for. */
static void over(struct bench *b, enum bench_stop why)
{
	bool again = b->stop != BENCH_RUNS;

	if (!again)
		b->stop = why;
	b->to_open = b->again = 0;
	b->end_at = 0;
	b->active_at = b->now;
	if (b->tool->over && !again && why != BENCH_WAIT)
		b->tool->over(b);
	else
		b->stopped = true;
}

/* Have all come, or is it to be thought so? */
static bool all_came(const struct bench *b)
{
	const struct bench_asked *a = &b->asked;

	if (!a->listens)
		return b->to_open + b->again == 0;
	if (a->conns)
		return b->ended + b->failed >= a->conns;
	return b->up > 0 && a->for_ms == 0 && b->now - b->active_at >= QUIET;
}

static void is_it_done(struct bench *b)
{
	const struct bench_asked *a = &b->asked;
	bool silent = a->wait_ms && b->now - b->active_at >= a->wait_ms * MS;

	if (b->open == 0 && (b->stop != BENCH_RUNS || all_came(b))) {
		if (b->stop == BENCH_RUNS)
			b->stop = BENCH_DONE;
		b->stopped = true;
	} else if (b->end_at && b->now >= b->end_at) {
		over(b, BENCH_TIME);
	} else if (silent && b->connecting + b->proving > 0) {
		bench_conn_give_up(b);
		b->active_at = b->now;
	} else if (silent && (!b->tool->server || b->open == 0)) {
		over(b, BENCH_WAIT);
	}
}

/* -- the turn -- */

static void begin_time(struct bench *b)
{
	if (b->asked.for_ms && b->stop == BENCH_RUNS)
		b->end_at = b->now + b->asked.for_ms * MS;
}

static void are_all_up(struct bench *b)
{
	const struct bench_asked *a = &b->asked;

	if (b->all_up_at || b->up == 0 || b->stop != BENCH_RUNS)
		return;
	if (!a->listens && b->to_open + b->again + b->connecting + b->proving > 0)
		return;
	b->all_up_at = b->now;
	if (!b->tool->renew)
		begin_time(b);
	if (b->tool->all_up)
		b->tool->all_up(b);
}

static void on_signal(struct bench *b)
{
	struct signalfd_siginfo info;

	while (sys_read(b->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		over(b, BENCH_SIGNAL);
}

static void on_timers(struct bench *b)
{
	struct timer *t;

	while ((t = timers_due(&b->timers, b->now / 1000))) {
		struct bench_conn *c = (void *)((char *)t - offsetof(struct bench_conn, timer));

		b->tool->due(b, c);
	}
}

static void on_event(struct bench *b, const struct epoll_event *e)
{
	uint32_t fd = (uint32_t)e->data.u64;
	struct bench_conn *c;

	if (e->data.u64 == SIGNALS) {
		on_signal(b);
		return;
	}
	if (b->listener.count && fd == (uint32_t)b->listener.fd[0]) {
		bench_conn_accept(b);
		return;
	}
	c = &b->conn[fd];
	if (!c->open || c->generation != (uint32_t)(e->data.u64 >> 32))
		return;
	if (c->connecting)
		bench_conn_connected(b, c);
	else
		b->tool->event(b, c, e->events);
}

static int wait_until(const struct bench *b, struct epoll_event *events, uint64_t at)
{
	uint64_t now = clock_ns(), ns = at > now && !b->asked.spin ? at - now : 0;
	struct __kernel_timespec t = { .tv_sec = (long long)(ns / (1000 * MS)),
				       .tv_nsec = (long long)(ns % (1000 * MS)) };
	long n = syscall(SYS_epoll_pwait2, b->epoll, events, BATCH, &t, NULL, (size_t)0);

	return n < 0 && errno != EINTR ? -errno : n < 0 ? 0 : (int)n;
}

static int turn(struct bench *b)
{
	struct epoll_event events[BATCH];
	uint64_t next = timers_next(&b->timers);
	uint64_t at = next < b->tick_at / 1000 ? next * 1000 : b->tick_at;
	int n = wait_until(b, events, b->end_at && b->end_at < at ? b->end_at : at);

	b->now = clock_ns();
	for (int i = 0; i < n; i++)
		on_event(b, &events[i]);
	on_timers(b);
	if (b->now >= b->tick_at || b->open == 0 || (b->end_at && b->now >= b->end_at))
		is_it_done(b);
	if (b->now >= b->tick_at) {
		b->to_open += b->again;
		b->again = 0;
		b->tick_at = b->now + TICK;
		bench_report_progress(b);
	}
	bench_conn_open_some(b);
	are_all_up(b);
	return n < 0 ? n : 0;
}

/* -- beginning -- */

static int watch_signals(struct bench *b)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN); /* sendfile(2) has no MSG_NOSIGNAL */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	b->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (b->signals < 0)
		return -errno;
	return sys_epoll_ctl(b->epoll, EPOLL_CTL_ADD, b->signals, EPOLLIN, SIGNALS);
}

static int begin_listening(struct bench *b)
{
	char problem[512];
	int r = listen_open(&b->listener, &b->asked.listen, 1, problem, sizeof(problem));

	if (r < 0) {
		fprintf(stderr, "shunt bench %s: %s\n", b->tool->name, problem);
		return CMD_BIND;
	}
	r = sys_epoll_ctl(b->epoll, EPOLL_CTL_ADD, b->listener.fd[0], EPOLLIN,
			  (uint32_t)b->listener.fd[0]);
	fprintf(stderr, "listening %s\n", b->listener.text);
	return r < 0 ? CMD_FATAL : 0;
}

static int begin(struct bench *b)
{
	int r = bench_conn_room(b);

	b->epoll = r < 0 ? r : sys_epoll_create();
	if (b->epoll < 0)
		r = b->epoll;
	else
		r = watch_signals(b);
	if (r < 0) {
		fprintf(stderr, "shunt bench %s: cannot begin: %s\n", b->tool->name, strerror(-r));
		return CMD_FATAL;
	}
	b->started = b->now = b->active_at = clock_ns();
	b->tick_at = b->now + TICK;
	if (b->asked.listens)
		return begin_listening(b);
	b->to_open = b->asked.conns;
	if (b->tool->renew)
		begin_time(b);
	bench_conn_open_some(b);
	return 0;
}

int bench_loop_run(struct bench *b, const struct bench_tool *tool)
{
	int r;

	b->tool = tool;
	b->epoll = b->signals = -1;
	timers_init(&b->timers);
	r = begin(b);
	while (r == 0 && !b->stopped) {
		int rc = turn(b);

		if (rc < 0) {
			fprintf(stderr, "shunt bench %s: cannot wait for events: %s\n", tool->name,
				strerror(-rc));
			r = CMD_FATAL;
		}
	}
	b->now = clock_ns();
	bench_report_progress_end(b);
	bench_conn_close_all(b);
	listen_close(&b->listener);
	timers_free(&b->timers);
	sys_close(b->signals);
	sys_close(b->epoll);
	free(b->conn);
	b->conn = NULL;
	return r;
}
