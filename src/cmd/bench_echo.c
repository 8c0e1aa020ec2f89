/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_echo.c — `shunt bench echo`: the far end for ping, connect and idle
 *
 * Usually what came goes back. With --request and --answer it is a server that has read so much
 * before it says so much; with --close it closes after its first answer, before the client does. With
 * --sink a stream of `shunt bench source` is thrown away: so messages and a bulk transfer can share a
 * relay that has one target.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "cmd/bench_args.h"
#include "cmd/bench_bytes.h"
#include "cmd/bench_conn.h"
#include "cmd/bench_loop.h"
#include "cmd/bench_report.h"
#include "cmd/bench_tools.h"
#include "cmd/cmd.h"

#define BUFFER ((size_t)256 << 10)
#define DROP   ((size_t)4 << 20)

struct echo {
	struct bench b;
	uint8_t *buffer; /* what was read */
	uint8_t *zeros;  /* what is answered */
	uint64_t request, answer;
	bool close, sink;
	uint64_t answers;
};

enum step { OPEN, STREAM, ENDED }; /* STREAM: of bytes to be thrown away; ENDED: its end has come */

static struct echo *echo_of(struct bench *b)
{
	return (struct echo *)b;
}

/* -- back with what came -- */

/* What could not be sent at once is kept, and nothing is read until it is gone. */
static int keep(struct bench_conn *c, const uint8_t *bytes, size_t n)
{
	c->rest = malloc(n);
	if (!c->rest)
		return -ENOMEM;
	memcpy(c->rest, bytes, n);
	c->rest_at = 0;
	c->rest_size = n;
	return 0;
}

static int send_rest(struct bench_conn *c)
{
	ssize_t n = sys_send(c->fd, c->rest + c->rest_at, c->rest_size - c->rest_at, 0);

	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	c->rest_at += (size_t)n;
	if (c->rest_at == c->rest_size) {
		free(c->rest);
		c->rest = NULL;
	}
	return 0;
}

static int send_back(struct echo *e, struct bench_conn *c, size_t n)
{
	ssize_t sent = sys_send(c->fd, e->buffer, n, 0);

	if (sent < 0 && sent != -EAGAIN)
		return (int)sent;
	if (sent < 0)
		sent = 0;
	if ((size_t)sent == n)
		return 0;
	return keep(c, e->buffer + sent, n - (size_t)sent);
}

/* -- a server's answers -- */

/* c->left: of the request, still to come; c->owed: of answers, still to go. */
static void count_requests(struct echo *e, struct bench_conn *c, size_t n)
{
	while (n >= c->left) {
		n -= (size_t)c->left;
		c->left = e->request;
		c->owed += e->answer;
		e->answers++;
	}
	c->left -= n;
}

static int send_owed(struct echo *e, struct bench_conn *c)
{
	while (c->owed > 0) {
		ssize_t n =
			sys_send(c->fd, e->zeros, c->owed < BUFFER ? (size_t)c->owed : BUFFER, 0);

		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		c->owed -= (uint64_t)n;
	}
	return 0;
}

/* -- either way -- */

/* TCP throws away by itself what is not to be read. */
static ssize_t take(struct echo *e, struct bench_conn *c)
{
	if (c->step == STREAM && e->b.listener.addr.ss.ss_family != AF_UNIX)
		return sys_recv(c->fd, NULL, DROP, MSG_TRUNC);
	return sys_recv(c->fd, e->buffer, BUFFER, 0);
}

static int receive(struct echo *e, struct bench_conn *c)
{
	ssize_t n = take(e, c);

	if (n <= 0) {
		c->step = n == 0 ? ENDED : c->step;
		return n == -EAGAIN ? 0 : (int)n;
	}
	if (e->sink && c->in == 0 && bench_bytes_begins(e->buffer[0]))
		c->step = STREAM;
	c->in += (uint64_t)n;
	bench_load_count(&e->b, (uint64_t)n);
	if (c->step == STREAM)
		return 0;
	if (!e->request)
		return send_back(e, c, (size_t)n);
	count_requests(e, c, (size_t)n);
	return send_owed(e, c);
}

static bool answered_and_closed(const struct echo *e, const struct bench_conn *c)
{
	if (c->rest || c->owed)
		return false;
	if (c->step == ENDED)
		return true;
	return e->close && c->step != STREAM && c->in >= (e->request ? e->request : 1);
}

static void event(struct bench *b, struct bench_conn *c, uint32_t events)
{
	struct echo *e = echo_of(b);
	int rc;

	(void)events;
	if (c->rest)
		rc = send_rest(c);
	else if (c->owed)
		rc = send_owed(e, c);
	else
		rc = receive(e, c);
	if (rc < 0)
		bench_conn_end(b, c, rc);
	else if (answered_and_closed(e, c))
		bench_conn_end(b, c, 0);
	else
		bench_conn_wait_for(b, c, c->rest || c->owed ? EPOLLOUT : EPOLLIN);
}

static void up(struct bench *b, struct bench_conn *c)
{
	c->left = echo_of(b)->request;
	bench_conn_wait_for(b, c, EPOLLIN);
}

static const struct bench_tool tool = {
	.name = "echo",
	.up = up,
	.event = event,
	.unit = "bytes",
	.server = true,
};

/* -- the command -- */

static int read_args(struct echo *e, int argc, char **argv)
{
	struct bench_words w = { .asked = &e->b.asked };
	const struct option_row rows[] = {
		BENCH_ROW_CONNS(&w, "end when so many have ended", NULL),
		{ "request", 0, "SIZE", OPTION_SIZE, .size = &e->request, .max = 1 << 30,
		  .help = "answer when so much has come, and no echo" },
		{ "answer", 0, "SIZE", OPTION_SIZE, .size = &e->answer, .max = 1 << 30,
		  .help = "by so much; as much, if not told" },
		{ "close", 0, NULL, OPTION_FLAG, .flag = &e->close,
		  .help = "close after the first answer" },
		{ "sink", 0, NULL, OPTION_FLAG, .flag = &e->sink,
		  .help = "throw streams of shunt bench source away" },
		BENCH_ROWS(&w, "end so long after the first connection", NULL),
		{ 0 },
	};
	const struct options o = {
		"shunt bench echo",
		"ADDR",
		"Take connections at ADDR and send back what they bring. Without -n and --for it "
		"ends a second after the last of them.",
		rows,
		&w.rest,
		bench_more,
	};
	int rc = options_parse(&o, argc, argv);

	if (rc == 0)
		rc = bench_args(&o, &w, BENCH_LISTENS);
	if (rc == 0 && e->answer && !e->request)
		return options_wrong(&o, "--answer needs --request");
	if (e->request && !e->answer)
		e->answer = e->request;
	return rc;
}

static int report(const struct echo *e)
{
	const struct bench *b = &e->b;
	char bytes[BENCH_TEXT];

	if (b->asked.json) {
		bench_report_open(b);
		printf(",\"bytes\":%" PRIu64 ",\"answers\":%" PRIu64, b->count, e->answers);
		bench_report_close(b);
	} else {
		printf("echo: %" PRIu64 " connections brought %s", b->up,
		       bench_report_bytes(b->count, bytes));
		bench_report_failures(b);
	}
	return bench_report_code(b);
}

int bench_echo(int argc, char **argv)
{
	static struct echo e;
	int rc = read_args(&e, argc, argv);

	if (rc != 0)
		return rc == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	e.buffer = malloc(BUFFER);
	e.zeros = calloc(1, BUFFER);
	if (e.buffer && e.zeros) {
		rc = bench_loop_run(&e.b, &tool);
	} else {
		fputs("shunt bench echo: no memory\n", stderr);
		rc = CMD_FATAL;
	}
	free(e.buffer);
	free(e.zeros);
	return rc ? rc : report(&e);
}
