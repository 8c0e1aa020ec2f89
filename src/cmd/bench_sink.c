/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_sink.c — `shunt bench sink`: takes bytes, as cheaply as the kernel can throw them away
 *
 * TCP's bytes are dropped inside the kernel by MSG_TRUNC; those of Unix sockets, and those that are
 * to be checked, have to be read. A connection is closed when its end has come, and not before: that
 * is how the source learns that all has arrived.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "cmd/bench_args.h"
#include "cmd/bench_conn.h"
#include "cmd/bench_loop.h"
#include "cmd/bench_report.h"
#include "cmd/bench_say.h"
#include "cmd/bench_tools.h"
#include "cmd/cmd.h"

#define READ     ((size_t)256 << 10)
#define DROP     ((size_t)4 << 20)
#define SLICES   100 /* --slow: reads in each second */
#define SECOND   1000000000u
#define READABLE ((uint32_t)EPOLLIN)

enum step { RIGHT, WRONG };

struct sink {
	struct bench b;
	struct bench_bytes bytes;
	uint8_t *buffer;
	bool verify, cut, stamps;
	const char *say_file;
	struct bench_say say;
	struct bench_hist ages;
	uint64_t each, slow;
	uint64_t wrong, wrong_conn, wrong_at; /* how many; which was the first, and where */
};

static struct sink *sink_of(struct bench *b)
{
	return (struct sink *)b;
}

static void is_wrong(struct sink *s, struct bench_conn *c, uint64_t at)
{
	c->step = WRONG;
	if (s->wrong++ > 0)
		return;
	s->wrong_conn = c->number;
	s->wrong_at = at;
}

static bool may_drop(const struct sink *s)
{
	const struct bench_asked *a = &s->b.asked;
	int family = a->listens ? s->b.listener.addr.ss.ss_family : a->to[s->b.target].ss.ss_family;

	return !s->verify && !s->stamps && family != AF_UNIX;
}

static ssize_t take(struct sink *s, struct bench_conn *c)
{
	bool drop = may_drop(s);
	size_t want = drop ? DROP : READ, right;
	ssize_t n;

	if (s->slow && s->slow / SLICES < want)
		want = s->slow < SLICES ? 1 : (size_t)(s->slow / SLICES);
	n = sys_recv(c->fd, drop ? NULL : s->buffer, want, drop ? MSG_TRUNC : 0);
	if (n > 0 && s->stamps)
		bench_say_find(s->buffer, (size_t)n, clock_ns(), &s->ages);
	if (n <= 0 || !s->verify || c->step == WRONG)
		return n;
	right = bench_bytes_check(&s->bytes, &c->place, s->buffer, (size_t)n);
	if (right < (size_t)n)
		is_wrong(s, c, c->in + right);
	return n;
}

static void ended(struct sink *s, struct bench_conn *c, int error)
{
	if (error == -ECONNRESET && s->cut)
		error = 0;
	if (error == 0 && s->each && c->in != s->each && c->step != WRONG)
		is_wrong(s, c, c->in);
	bench_conn_end(&s->b, c, error);
}

static void event(struct bench *b, struct bench_conn *c, uint32_t events)
{
	struct sink *s = sink_of(b);
	ssize_t n = take(s, c);

	(void)events;
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		ended(s, c, (int)n);
		return;
	}
	c->in += (uint64_t)n;
	bench_load_count(b, (uint64_t)n);
	if (!s->slow)
		return;
	bench_conn_wait_for(b, c, 0);
	if (bench_conn_wake(b, c, b->now + (uint64_t)((double)n * SECOND / (double)s->slow)) < 0)
		bench_conn_end(b, c, -ENOMEM);
}

static void up(struct bench *b, struct bench_conn *c)
{
	int rc = bench_say(&sink_of(b)->say, c->fd);

	if (rc < 0)
		bench_conn_end(b, c, rc);
	else
		bench_conn_wait_for(b, c, READABLE);
}

/* --slow: it may read again. */
static void due(struct bench *b, struct bench_conn *c)
{
	bench_conn_wait_for(b, c, READABLE);
}

static const struct bench_tool tool = {
	.name = "sink",
	.up = up,
	.event = event,
	.due = due,
	.unit = "bytes",
};

static int read_args(struct sink *s, int argc, char **argv)
{
	struct bench_words w = { .asked = &s->b.asked };
	const struct option_row rows[] = {
		BENCH_ROW_CONNS(
			&w,
			"end when so many have ended; with --connect: make so many, 1 if not told",
			NULL),
		{ "verify", 0, NULL, OPTION_FLAG, .flag = &s->verify,
		  .help = "check each byte: they must come from shunt bench source" },
		{ "bytes", 0, "SIZE", OPTION_SIZE, .size = &s->each,
		  .help = "a connection that brings more or less is wrong" },
		{ "slow", 0, "SIZE", OPTION_SIZE, .size = &s->slow,
		  .help = "read so much in a second, from each" },
		{ "stamps", 0, NULL, OPTION_FLAG, .flag = &s->stamps,
		  .help = "tell how old the stamps of source --stamp were" },
		{ "say", 0, "FILE", OPTION_TEXT, .text = &s->say_file,
		  .help = "send what it holds first, for servers that want a request" },
		{ "cut", 0, NULL, OPTION_FLAG, .flag = &s->cut,
		  .help = "a reset is an end like any other" },
		BENCH_ROW_CONNECT(&w),
		BENCH_ROW_FROM(&w),
		BENCH_ROWS(&w, "end so long after the first connection", NULL),
		{ 0 },
	};
	const struct options o = {
		"shunt bench sink",
		"ADDR",
		"Take connections at ADDR and discard what they bring. Without -n and --for it ends "
		"a second after the last of them.",
		rows,
		&w.rest,
		bench_more,
	};
	int rc = options_parse(&o, argc, argv);

	if (rc == 0)
		rc = bench_args(&o, &w, BENCH_LISTENS);
	if (rc == 0 && s->say_file) {
		int failed = bench_say_read(&s->say, s->say_file);

		if (failed < 0)
			return options_wrong(&o, "--say %s: %s", s->say_file, strerror(-failed));
	}
	return rc;
}

static int report(const struct sink *s)
{
	const struct bench *b = &s->b;
	double took = bench_report_seconds(b),
	       gbps = took > 0 ? (double)b->count * 8 / 1e9 / took : 0;
	char bytes[BENCH_TEXT];

	if (b->asked.json) {
		bench_report_open(b);
		printf(",\"bytes\":%" PRIu64 ",\"seconds\":%.6f,\"gbps\":%.6f", b->count, took,
		       gbps);
		printf(",\"verified\":%s,\"wrong\":%" PRIu64 ",\"first_wrong\":",
		       s->verify ? "true" : "false", s->wrong);
		if (s->wrong)
			printf("{\"connection\":%" PRIu64 ",\"at\":%" PRIu64 "}", s->wrong_conn,
			       s->wrong_at);
		else
			fputs("null", stdout);
		if (s->stamps)
			bench_report_hist("age_us", &s->ages);
		bench_report_close(b);
	} else {
		printf("sink: %" PRIu64 " connections brought %s in %.2f s: %.2f Gb/s", b->up,
		       bench_report_bytes(b->count, bytes), took, gbps);
		if (s->wrong)
			printf(", %" PRIu64 " WRONG, the first at byte %" PRIu64
			       " of connection %" PRIu64,
			       s->wrong, s->wrong_at, s->wrong_conn);
		else if (s->verify && b->count > 0)
			fputs(", every byte is right", stdout);
		if (s->stamps && s->ages.count) {
			fputs(", age ", stdout);
			bench_report_latency(&s->ages);
		}
		bench_report_failures(b);
	}
	return s->wrong ? CMD_FATAL : bench_report_code(b);
}

int bench_sink(int argc, char **argv)
{
	static struct sink s;
	int rc = read_args(&s, argc, argv);

	if (rc != 0)
		return rc == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	s.buffer = malloc(READ);
	rc = s.buffer ? 0 : -ENOMEM;
	if (rc == 0 && s.verify)
		rc = bench_bytes_make(&s.bytes);
	if (rc < 0)
		fprintf(stderr, "shunt bench sink: no memory to read into: %s\n", strerror(-rc));
	rc = rc < 0 ? CMD_FATAL : bench_loop_run(&s.b, &tool);
	bench_bytes_free(&s.bytes);
	free(s.buffer);
	return rc ? rc : report(&s);
}
