/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_connect.c — `shunt bench connect`: short connections, one after the other, many at a time
 *
 *     connect · request ▶ · ◀ answer · ◀ FIN · close
 *
 * Who closes first keeps the connection's two ports in TIME_WAIT for a minute. Were it the client,
 * its 28,000 ports towards one address would be used up within seconds, or the kernel would search
 * for free ones, and that would be what is measured. So the server closes first (`shunt bench echo
 * --close`) and the relay towards us: there TIME_WAIT lies on the listening port, costs little, and a
 * new SYN from the same port may take its place. With --close-by reset nothing is left anywhere, but a
 * relay's handling of resets is measured with it.
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

#define MOST ((uint64_t)1 << 20)

static const char *const closers[] = { "server", "client", "reset", NULL };
enum closer { BY_SERVER, BY_CLIENT, BY_RESET };

enum step { ASKING, ANSWERED };

struct connect {
	struct bench b;
	struct bench_hist connected, answered; /* since connect() was called */
	uint8_t *request, *answer;
	uint64_t request_size, answer_size;
	uint64_t answers; /* more than connections that ended: it waits for the server to close */
	unsigned close_by;
};

static struct connect *connect_of(struct bench *b)
{
	return (struct connect *)b;
}

static void push(struct bench *b, struct bench_conn *c)
{
	struct connect *k = connect_of(b);
	ssize_t n = sys_send(c->fd, k->request + c->out, (size_t)(k->request_size - c->out), 0);

	if (n < 0 && n != -EAGAIN) {
		bench_conn_end(b, c, (int)n);
		return;
	}
	c->out += n > 0 ? (uint64_t)n : 0;
	bench_conn_wait_for(b, c, c->out < k->request_size ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void up(struct bench *b, struct bench_conn *c)
{
	bench_hist_add(&connect_of(b)->connected, clock_ns() - c->began);
	push(b, c);
}

static void done(struct bench *b, struct bench_conn *c)
{
	if (connect_of(b)->close_by == BY_RESET)
		sys_reset_at_close(c->fd);
	bench_load_count(b, 1);
	bench_conn_end(b, c, 0);
}

static void answered(struct bench *b, struct bench_conn *c)
{
	struct connect *k = connect_of(b);

	c->step = ANSWERED;
	k->answers++;
	bench_hist_add(&k->answered, clock_ns() - c->began);
	if (k->close_by != BY_SERVER)
		done(b, c);
}

/* One turn takes what there is: the answer, and the end if it came with it. */
static void event(struct bench *b, struct bench_conn *c, uint32_t events)
{
	struct connect *k = connect_of(b);
	ssize_t n = 1;

	if (events & EPOLLOUT)
		push(b, c);
	while (c->open && n > 0) {
		n = sys_recv(c->fd, k->answer, (size_t)(k->answer_size - c->in) + 1, 0);
		if (n == 0 && c->step == ANSWERED)
			done(b, c);
		else if (n == 0 || (n < 0 && n != -EAGAIN))
			bench_conn_end(b, c, n < 0 ? (int)n : -EPIPE);
		else if (n > 0 && c->in + (uint64_t)n > k->answer_size)
			bench_conn_end(b, c, -EPROTO);
		else if (n > 0 && (c->in += (uint64_t)n) == k->answer_size)
			answered(b, c);
	}
}

/* Nothing new is begun; what is under way is waited for. */
static void over(struct bench *b)
{
	(void)b;
}

static const struct bench_tool tool = {
	.name = "connect",
	.up = up,
	.event = event,
	.over = over,
	.unit = "connections",
	.renew = true,
};

/* -- the command -- */

static int read_args(struct connect *k, int argc, char **argv)
{
	struct bench_words w = { .asked = &k->b.asked };
	const struct option_row rows[] = {
		BENCH_ROW_CONNS(&w, "at a time; one that ends is followed by another", "1"),
		{ "request", 0, "SIZE", OPTION_SIZE, .size = &k->request_size, .min = 1,
		  .max = MOST, .def = "64", .help = "what is sent" },
		{ "answer", 0, "SIZE", OPTION_SIZE, .size = &k->answer_size, .min = 1, .max = MOST,
		  .def = "64", .help = "what must come back" },
		{ "close-by", 0, "WHO", OPTION_CHOICE, .choice = &k->close_by, .choices = closers,
		  .def = "server",
		  .help = "who ends it: server (as shunt bench echo --close does), client, or the "
			  "client by a reset" },
		BENCH_ROW_FROM(&w),
		BENCH_ROWS(&w, "so long", "3s"),
		{ 0 },
	};
	const struct options o = {
		"shunt bench connect",
		"ADDR",
		"Connect to ADDR, send a little, read a little, close, and again.",
		rows,
		&w.rest,
		bench_more,
	};
	int rc = options_parse(&o, argc, argv);

	if (rc == 0)
		rc = bench_args(&o, &w, BENCH_CONNECTS);
	if (rc == 0 && !k->b.asked.for_ms)
		return options_wrong(&o, "--for 0 is no time to measure");
	return rc;
}

static void hints(const struct connect *k)
{
	const struct bench *b = &k->b;

	for (size_t i = 0; i < BENCH_ERRORS && b->errors[i].count; i++)
		if (b->errors[i].error == -EADDRNOTAVAIL)
			fputs("shunt bench connect: no local port was free: give more addresses by "
			      "--from, or let the server close first\n",
			      stderr);
	if (k->answers > 0 && b->count == 0 && k->close_by == BY_SERVER)
		fputs("shunt bench connect: the server does not close: use shunt bench echo "
		      "--close, or --close-by client\n",
		      stderr);
}

static int report(const struct connect *k)
{
	const struct bench *b = &k->b;
	const struct bench_hist *h = &k->answered;
	double took = (double)(b->last_at - b->started) / 1e9;
	double rate = b->count ? (double)b->count / took : 0;

	hints(k);
	if (b->asked.json) {
		bench_report_open(b);
		printf(",\"request\":%" PRIu64 ",\"answer\":%" PRIu64 ",\"close_by\":\"%s\""
		       ",\"done\":%" PRIu64 ",\"seconds\":%.6f,\"per_second\":%.3f",
		       k->request_size, k->answer_size, closers[k->close_by], b->count,
		       b->count ? took : 0.0, rate);
		bench_report_hist("connect_us", &k->connected);
		bench_report_hist("latency_us", h);
		bench_report_close(b);
	} else if (b->count == 0) {
		fputs("connect: no connection was made, answered and closed", stdout);
		bench_report_failures(b);
	} else {
		printf("connect: %" PRIu64 " connections in %.2f s, %.0f/s, answered after: ",
		       b->count, took, rate);
		bench_report_latency(h);
		bench_report_failures(b);
	}
	return b->count ? bench_report_code(b) : CMD_FATAL;
}

int bench_connect(int argc, char **argv)
{
	static struct connect k;
	int rc = read_args(&k, argc, argv);

	if (rc != 0)
		return rc == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	k.request = calloc(1, (size_t)k.request_size);
	k.answer = malloc((size_t)k.answer_size + 1);
	if (k.request && k.answer) {
		rc = bench_loop_run(&k.b, &tool);
	} else {
		fputs("shunt bench connect: no memory\n", stderr);
		rc = CMD_FATAL;
	}
	free(k.request);
	free(k.answer);
	return rc ? rc : report(&k);
}
