/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_idle.c — `shunt bench idle`: holds connections that do nothing
 *
 * Each sends one byte and waits for its echo: then it is known to be up all the way. More such trips
 * bring it to where a relay that changes its ways after a few packets has changed them. When all are
 * up, stderr says "ready N"; they are held for a while, and those that the far end closes are lost.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/sys.h"
#include "cmd/bench_args.h"
#include "cmd/bench_conn.h"
#include "cmd/bench_loop.h"
#include "cmd/bench_report.h"
#include "cmd/bench_tools.h"
#include "cmd/cmd.h"

struct idle {
	struct bench b;
	uint64_t trips; /* that each makes */
	uint64_t held, lost;
};

static struct idle *idle_of(struct bench *b)
{
	return (struct idle *)b;
}

static void send_one(struct bench *b, struct bench_conn *c)
{
	ssize_t n = sys_send(c->fd, "", 1, 0);

	if (n < 0)
		bench_conn_end(b, c, (int)n);
	else
		bench_conn_wait_for(b, c, EPOLLIN);
}

static void event(struct bench *b, struct bench_conn *c, uint32_t events)
{
	struct idle *i = idle_of(b);
	char byte;
	ssize_t n = sys_recv(c->fd, &byte, 1, 0);

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n == 1 && c->proving && ++c->in < i->trips) {
		send_one(b, c);
		return;
	}
	if (n == 1 && c->proving) {
		bench_conn_proved(b, c);
		bench_load_count(b, 1);
		return;
	}
	i->lost += !c->proving;
	bench_conn_end(b, c, n < 0 ? (int)n : n == 0 ? -EPIPE : -EPROTO);
}

static void up(struct bench *b, struct bench_conn *c)
{
	bench_conn_prove(b, c);
	send_one(b, c);
}

static void all_up(struct bench *b)
{
	idle_of(b)->held = b->open;
	b->asked.wait_ms = 0; /* from now on silence is what is wanted */
	fprintf(stderr, "ready %" PRIu64 "\n", b->open);
}

static void over(struct bench *b)
{
	for (struct bench_conn *c = NULL; (c = bench_conn_each(b, c));)
		bench_conn_end(b, c, c->connecting || c->proving ? -ECANCELED : 0);
}

static const struct bench_tool tool = {
	.name = "idle",
	.up = up,
	.all_up = all_up,
	.event = event,
	.over = over,
	.unit = "connections",
};

static int read_args(struct idle *i, int argc, char **argv)
{
	struct bench_words w = { .asked = &i->b.asked };
	const struct option_row rows[] = {
		BENCH_ROW_CONNS(&w, "connections", "1"),
		BENCH_ROW_FROM(&w),
		{ "trips", 0, "N", OPTION_NUMBER, .number = &i->trips, .min = 1, .max = 1000,
		  .def = "1", .help = "bytes there and back on each, before it is idle" },
		BENCH_ROWS(&w, "hold them so long once all are up; 0: until a signal", "10s"),
		{ 0 },
	};
	const struct options o = {
		"shunt bench idle",
		"ADDR",
		"Hold connections to ADDR, which must echo one byte of each; stderr says when all are up.",
		rows,
		&w.rest,
		bench_more,
	};
	int rc = options_parse(&o, argc, argv);

	return rc ? rc : bench_args(&o, &w, BENCH_CONNECTS);
}

static int report(const struct idle *i)
{
	const struct bench *b = &i->b;
	double took = b->all_up_at ? (double)(b->all_up_at - b->started) / 1e9 : 0;

	if (b->asked.json) {
		bench_report_open(b);
		printf(",\"held\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"ready_seconds\":%.6f", i->held,
		       i->lost, took);
		bench_report_close(b);
	} else {
		printf("idle: %" PRIu64 " connections held, up after %.2f s, %" PRIu64 " lost",
		       i->held, took, i->lost);
		bench_report_failures(b);
	}
	return i->held ? bench_report_code(b) : CMD_FATAL;
}

int bench_idle(int argc, char **argv)
{
	static struct idle i;
	int rc = read_args(&i, argc, argv);

	if (rc != 0)
		return rc == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	rc = bench_loop_run(&i.b, &tool);
	return rc ? rc : report(&i);
}
