/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_ping.c — `shunt bench ping`: how long a message takes there and back
 *
 * Each connection has one message under way. The first of each is not counted: it shows that the
 * connection is up all the way, which a relay may have made only then. Then all begin together.
 *
 * Without --every the next message leaves when the answer has come: as many messages are always under
 * way as there are connections, and with many of them what is seen is mostly their waiting for one
 * another. With --every a connection sends at fixed times, spread evenly; when an answer is late, the
 * next message leaves late, and is measured from when it should have left: a stall is seen by all
 * whom it would have hit.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/sys.h"
#include "cmd/bench_args.h"
#include "cmd/bench_conn.h"
#include "cmd/bench_loop.h"
#include "cmd/bench_report.h"
#include "cmd/bench_tools.h"
#include "cmd/cmd.h"

struct ping {
	struct bench b;
	struct bench_hist hist;
	uint8_t *message, *answer;
	uint64_t size, every, late;
};

/* Due: between messages; it has to wait for its time. */
enum step { DUE, UNDER_WAY };

static struct ping *ping_of(struct bench *b)
{
	return (struct ping *)b;
}

/* c->out: of the message, gone; c->in: of the answer, come. */
static void push(struct bench *b, struct bench_conn *c)
{
	struct ping *p = ping_of(b);
	ssize_t n = sys_send(c->fd, p->message + c->out, (size_t)(p->size - c->out), 0);

	if (n < 0 && n != -EAGAIN) {
		bench_conn_end(b, c, (int)n);
		return;
	}
	c->out += n > 0 ? (uint64_t)n : 0;
	bench_conn_wait_for(b, c, c->out < p->size ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* began: when it leaves, or should have left. */
static void send_one(struct bench *b, struct bench_conn *c, uint64_t began)
{
	c->step = UNDER_WAY;
	c->began = began;
	c->in = c->out = 0;
	push(b, c);
}

static void due(struct bench *b, struct bench_conn *c)
{
	send_one(b, c, c->due);
}

static void next(struct bench *b, struct bench_conn *c, uint64_t now)
{
	struct ping *p = ping_of(b);

	c->step = DUE;
	if (!p->every) {
		send_one(b, c, clock_ns());
		return;
	}
	c->due += p->every * 1000000;
	if (c->due <= now) {
		p->late++;
		send_one(b, c, c->due);
	} else if (bench_conn_wake(b, c, c->due) < 0) {
		bench_conn_end(b, c, -ENOMEM);
	}
}

static void answered(struct bench *b, struct bench_conn *c)
{
	uint64_t now = clock_ns();

	if (c->proving) {
		c->step = DUE;
		bench_conn_proved(b, c);
		return;
	}
	bench_hist_add(&ping_of(b)->hist, now > c->began ? now - c->began : 0);
	bench_load_count(b, 1);
	if (b->stop == BENCH_RUNS)
		next(b, c, now);
	else
		bench_conn_end(b, c, 0);
}

static void event(struct bench *b, struct bench_conn *c, uint32_t events)
{
	struct ping *p = ping_of(b);
	ssize_t n;

	if (events & EPOLLOUT) {
		push(b, c);
		if (!c->open || events == EPOLLOUT)
			return;
	}
	/* One byte more than is to come: more than was sent is no answer. */
	n = sys_recv(c->fd, p->answer, (size_t)(c->out - c->in) + 1, 0);
	if (n == -EAGAIN)
		return;
	if (n <= 0 || (uint64_t)n > c->out - c->in || c->step == DUE) {
		bench_conn_end(b, c, n < 0 ? (int)n : n == 0 ? -EPIPE : -EPROTO);
		return;
	}
	c->in += (uint64_t)n;
	if (c->in == p->size)
		answered(b, c);
}

static void up(struct bench *b, struct bench_conn *c)
{
	bench_conn_prove(b, c);
	send_one(b, c, b->now);
}

static void all_up(struct bench *b)
{
	struct ping *p = ping_of(b);
	uint64_t every = p->every * 1000000;

	b->first_at = clock_ns();
	for (struct bench_conn *c = NULL; (c = bench_conn_each(b, c));) {
		double phase = (c->number * 2654435769u) / 4294967296.0; /* as in bench_source.c */

		c->due = b->first_at + (uint64_t)((double)every * phase);
		if (!every)
			send_one(b, c, clock_ns());
		else if (bench_conn_wake(b, c, c->due) < 0)
			bench_conn_end(b, c, -ENOMEM);
	}
}

/* Answers that are still to come are waited for: the slowest must not be left out. */
static void over(struct bench *b)
{
	for (struct bench_conn *c = NULL; (c = bench_conn_each(b, c));)
		if (c->connecting || c->proving)
			bench_conn_end(b, c, -ECANCELED);
		else if (c->step == DUE)
			bench_conn_end(b, c, 0);
}

static const struct bench_tool tool = {
	.name = "ping",
	.up = up,
	.all_up = all_up,
	.event = event,
	.due = due,
	.over = over,
	.unit = "round trips",
};

/* -- the command -- */

static int read_args(struct ping *p, int argc, char **argv)
{
	struct bench_words w = { .asked = &p->b.asked };
	const struct option_row rows[] = {
		BENCH_ROW_CONNS(&w, "connections", "1"),
		{ "size", 's', "SIZE", OPTION_SIZE, .size = &p->size, .min = 1, .max = 1 << 30,
		  .def = "1", .help = "of a message" },
		{ "every", 0, "TIME", OPTION_TIME, .time = &p->every,
		  .help = "a message so often from each; if not told, when the answer has come" },
		{ "spin", 0, NULL, OPTION_FLAG, .flag = &w.asked->spin,
		  .help = "never sleep: takes a CPU, and saves the time of waking up" },
		BENCH_ROW_FROM(&w),
		BENCH_ROWS(&w, "so long, from when all are up", "3s"),
		{ 0 },
	};
	const struct options o = {
		"shunt bench ping",
		"ADDR",
		"Send small messages to ADDR, which sends them back, and tell how long each takes.",
		rows,
		&w.rest,
		bench_more,
	};
	int rc = options_parse(&o, argc, argv);

	if (rc == 0)
		rc = bench_args(&o, &w, BENCH_CONNECTS);
	if (rc == 0 && !p->b.asked.for_ms)
		return options_wrong(&o, "--for 0 is no time to measure");
	if (p->b.asked.wait_ms && p->b.asked.wait_ms < 2 * p->every)
		p->b.asked.wait_ms = 2 * p->every;
	return rc;
}

static int report(const struct ping *p)
{
	const struct bench *b = &p->b;
	const struct bench_hist *h = &p->hist;
	double took = bench_report_seconds(b), rate = took > 0 ? (double)h->count / took : 0;

	if (b->asked.json) {
		bench_report_open(b);
		printf(",\"size\":%" PRIu64 ",\"every\":%.3f,\"round_trips\":%" PRIu64
		       ",\"late\":%" PRIu64 ",\"seconds\":%.6f,\"per_second\":%.3f",
		       p->size, (double)p->every / 1000, h->count, p->late, took, rate);
		bench_report_hist("latency_us", h);
		bench_report_close(b);
	} else if (h->count == 0) {
		fputs("ping: no answer came", stdout);
		bench_report_failures(b);
	} else {
		printf("ping: %" PRIu64 " connections made %" PRIu64
		       " round trips in %.2f s, %.0f/s: ",
		       b->up, h->count, took, rate);
		bench_report_latency(h);
		bench_report_failures(b);
	}
	return h->count ? bench_report_code(b) : CMD_FATAL;
}

int bench_ping(int argc, char **argv)
{
	static struct ping p;
	int rc = read_args(&p, argc, argv);

	if (rc != 0)
		return rc == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	p.message = calloc(1, (size_t)p.size);
	p.answer = malloc((size_t)p.size + 1);
	if (p.message && p.answer) {
		rc = bench_loop_run(&p.b, &tool);
	} else {
		fputs("shunt bench ping: no memory for such a message\n", stderr);
		rc = CMD_FATAL;
	}
	free(p.message);
	free(p.answer);
	return rc ? rc : report(&p);
}
