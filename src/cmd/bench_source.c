/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_source.c — `shunt bench source`: pushes bytes, and waits until the far end has them all
 *
 * Each connection sends a stream of its own (bench_bytes.h), as fast as it is taken, or a piece every
 * so often, in which case the connections' phases lie evenly over that time. Then comes the FIN, and
 * then the far end's: who closes only when it has read everything, as `shunt bench sink` does, says
 * with it that all was delivered. So the seconds told are those of delivery, whatever buffers lie
 * between.
 *
 * A piece that is due while the former is not yet gone is late, and is sent behind it: the load stays
 * what was asked for, on the average, as long as it can be borne at all.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>

#include "base/clock.h"
#include "base/sys.h"
#include "cmd/bench_args.h"
#include "cmd/bench_conn.h"
#include "cmd/bench_loop.h"
#include "cmd/bench_report.h"
#include "cmd/bench_say.h"
#include "cmd/bench_tools.h"
#include "cmd/cmd.h"

#define UNIT   ((size_t)1 << 20) /* of one call */
#define CALLS  4                 /* then it is the next connection's turn */
#define UNTOLD UINT64_MAX        /* as much as the time allows */

static const char *const hows[] = { "sendfile", "write", NULL }; /* enum bench_region */

enum step { PUSHING, FINISHED };

struct source {
	struct bench b;
	struct bench_bytes bytes;
	uint64_t each, total, piece, every; /* ms */
	unsigned how;
	uint64_t pieces, late, retransmits;
	char congestion[16];
	bool cut, over, stamp;
	const char *say_file;
	struct bench_say say;
};

static struct source *source_of(struct bench *b)
{
	return (struct source *)b;
}

/* -- pushing -- */

static void finish(struct bench *b, struct bench_conn *c)
{
	int rc = sys_shutdown_write(c->fd);

	timer_disarm(&b->timers, &c->timer);
	c->step = FINISHED;
	if (rc < 0)
		bench_conn_end(b, c, rc);
	else
		bench_conn_wait_for(b, c, EPOLLIN | EPOLLRDHUP);
}

static ssize_t push_once(struct source *s, struct bench_conn *c, size_t want)
{
	size_t offset, n = bench_bytes_next(&c->place, want, &offset);
	off_t at = (off_t)offset;
	ssize_t sent;

	if (s->stamp && c->out % s->piece == 0 && want >= BENCH_SAY_STAMP)
		return bench_say_stamp(c->fd, clock_ns());
	if (s->how == BENCH_BUFFER)
		return sys_send(c->fd, s->bytes.map + offset, n, 0);
	do
		sent = sendfile(c->fd, s->bytes.memfd, &at, n);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

/* How much it may send now. */
static size_t allowed(const struct source *s, const struct bench_conn *c)
{
	uint64_t n = s->piece && c->owed < c->left ? c->owed : c->left;

	return n < UNIT ? (size_t)n : UNIT;
}

static void push(struct source *s, struct bench_conn *c)
{
	size_t want = allowed(s, c);
	ssize_t n = 0;

	for (int i = 0; i < CALLS && want > 0 && n >= 0; i++, want = allowed(s, c)) {
		n = push_once(s, c, want);
		if (n <= 0)
			break;
		bench_bytes_pass(&c->place, (size_t)n);
		bench_load_count(&s->b, (uint64_t)n);
		c->out += (uint64_t)n;
		if (c->left != UNTOLD)
			c->left -= (uint64_t)n;
		if (s->piece)
			c->owed -= (uint64_t)n;
	}
	if (n < 0 && n != -EAGAIN)
		bench_conn_end(&s->b, c, (int)n);
	else if (c->left == 0)
		finish(&s->b, c);
	else
		bench_conn_wait_for(&s->b, c, EPOLLIN | EPOLLRDHUP | (want > 0 ? EPOLLOUT : 0));
}

/* The far end has nothing to tell us but that it has closed. */
static void hear(struct bench *b, struct bench_conn *c)
{
	uint8_t bytes[4096];
	ssize_t n = sys_recv(c->fd, bytes, sizeof(bytes), 0);

	if (n == 0)
		bench_conn_end(b, c, c->step == FINISHED ? 0 : -EPIPE);
	else if (n < 0 && n != -EAGAIN)
		bench_conn_end(b, c, (int)n);
}

static void event(struct bench *b, struct bench_conn *c, uint32_t events)
{
	if (events & ~(uint32_t)EPOLLOUT) {
		hear(b, c);
		if (!c->open)
			return;
	}
	if (events & EPOLLOUT)
		push(source_of(b), c);
}

/* A piece is due. */
static void due(struct bench *b, struct bench_conn *c)
{
	struct source *s = source_of(b);

	s->pieces++;
	s->late += c->owed > 0;
	c->owed += s->piece;
	c->due += s->every * 1000000;
	if (bench_conn_wake(b, c, c->due) < 0)
		bench_conn_end(b, c, -ENOMEM);
	else
		push(s, c);
}

/* -- the course of it -- */

static uint64_t share(const struct source *s, uint32_t number)
{
	uint64_t n = s->b.asked.conns;

	if (s->total)
		return s->total / n + (number < s->total % n);
	return s->each ? s->each : UNTOLD;
}

static void start(struct source *s, struct bench_conn *c)
{
	uint64_t every = s->every * 1000000;
	int rc = bench_say(&s->say, c->fd);

	if (rc < 0) {
		bench_conn_end(&s->b, c, rc);
		return;
	}
	c->place = bench_bytes_begin((enum bench_region)s->how, c->number);
	c->left = share(s, c->number);
	if (s->over)
		c->left = 0;
	if (!s->piece || c->left == 0) {
		push(s, c);
		return;
	}
	/* Steps of the golden section spread any number of phases evenly. */
	c->due = s->b.now + (uint64_t)((double)every * ((c->number * 2654435769u) / 4294967296.0));
	bench_conn_wait_for(&s->b, c, EPOLLIN | EPOLLRDHUP);
	if (bench_conn_wake(&s->b, c, c->due) < 0)
		bench_conn_end(&s->b, c, -ENOMEM);
}

static void up(struct bench *b, struct bench_conn *c)
{
	struct source *s = source_of(b);
	socklen_t len = sizeof(s->congestion);

	if (!s->congestion[0])
		getsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, s->congestion, &len);
	if (b->asked.listens)
		start(s, c);
	else
		bench_conn_wait_for(b, c, EPOLLRDHUP); /* all begin together */
}

static void all_up(struct bench *b)
{
	if (b->asked.listens)
		return;
	b->first_at = b->now;
	for (struct bench_conn *c = NULL; (c = bench_conn_each(b, c));)
		start(source_of(b), c);
}

/* What is under way is lost. With thousands of connections it may be gigabytes. */
static void cut(struct bench *b, struct bench_conn *c)
{
	sys_reset_at_close(c->fd);
	bench_conn_end(b, c, 0);
}

static void over(struct bench *b)
{
	struct source *s = source_of(b);

	s->over = true;
	for (struct bench_conn *c = NULL; (c = bench_conn_each(b, c));) {
		c->left = 0;
		if (c->connecting)
			bench_conn_end(b, c, -ECANCELED);
		else if (s->cut)
			cut(b, c);
		else if (c->step == PUSHING)
			finish(b, c);
	}
}

/* What had to be sent again shows where the way itself, and not the relay, was measured. */
static void closing(struct bench *b, struct bench_conn *c)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	b->last_at = b->now;
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
		source_of(b)->retransmits += info.tcpi_total_retrans;
}

static const struct bench_tool tool = {
	.name = "source",
	.up = up,
	.all_up = all_up,
	.event = event,
	.due = due,
	.over = over,
	.closing = closing,
	.unit = "bytes",
};

/* -- the command -- */

static int check(const struct options *o, struct source *s)
{
	struct bench_asked *a = &s->b.asked;

	if (s->each && s->total)
		return options_wrong(o,
				     "--bytes is for each connection, --total for all: take one");
	if (s->total && a->listens && !a->conns)
		return options_wrong(o, "--total needs -n, to be divided by");
	if (!s->piece != !s->every)
		return options_wrong(o, "--piece and --every go together");
	if (s->stamp && s->piece < 2 * BENCH_SAY_STAMP)
		return options_wrong(o, "--stamp needs a --piece that it fits into");
	int rc = s->say_file ? bench_say_read(&s->say, s->say_file) : 0;

	if (rc < 0)
		return options_wrong(o, "--say %s: %s", s->say_file, strerror(-rc));
	if (!s->each && !s->total && !a->for_ms)
		a->for_ms = 3000;
	if (a->wait_ms && a->wait_ms < 2 * s->every)
		a->wait_ms = 2 * s->every;
	return 0;
}

static int read_args(struct source *s, int argc, char **argv)
{
	struct bench_words w = { .asked = &s->b.asked };
	const struct option_row rows[] = {
		BENCH_ROW_CONNS(
			&w,
			"connections, 1 if not told; with --listen: end when so many have ended",
			NULL),
		{ "bytes", 0, "SIZE", OPTION_SIZE, .size = &s->each,
		  .help = "what each connection sends" },
		{ "total", 0, "SIZE", OPTION_SIZE, .size = &s->total,
		  .help = "what all send together, in equal parts" },
		{ "how", 0, "HOW", OPTION_CHOICE, .choice = &s->how, .choices = hows,
		  .def = "sendfile",
		  .help = "sendfile: from a file of 32M in memory; write: from a buffer of 1M" },
		{ "piece", 0, "SIZE", OPTION_SIZE, .size = &s->piece,
		  .help = "thin streams: send so much at a time" },
		{ "every", 0, "TIME", OPTION_TIME, .time = &s->every,
		  .help = "and so often; phases are spread" },
		{ "stamp", 0, NULL, OPTION_FLAG, .flag = &s->stamp,
		  .help = "begin each piece with the time, for sink --stamps" },
		{ "say", 0, "FILE", OPTION_TEXT, .text = &s->say_file,
		  .help = "send what it holds first, for servers that want a request" },
		{ "cut", 0, NULL, OPTION_FLAG, .flag = &s->cut,
		  .help = "when the time is over, reset what has not ended" },
		BENCH_ROW_LISTEN(&w),
		BENCH_ROW_FROM(&w),
		BENCH_ROWS(&w, "push for so long; 3s if no size is told", NULL),
		{ 0 },
	};
	const struct options o = {
		"shunt bench source",
		"ADDR",
		"Push bytes through connections to ADDR, then wait until the far end has closed.",
		rows,
		&w.rest,
		bench_more,
	};
	int rc = options_parse(&o, argc, argv);

	if (rc == 0)
		rc = bench_args(&o, &w, BENCH_CONNECTS);
	return rc == 0 ? check(&o, s) : rc;
}

static int report(const struct source *s)
{
	const struct bench *b = &s->b;
	double took = bench_report_seconds(b),
	       gbps = took > 0 ? (double)b->count * 8 / 1e9 / took : 0;
	char bytes[BENCH_TEXT];

	if (b->asked.json) {
		bench_report_open(b);
		printf(",\"how\":\"%s\",\"bytes\":%" PRIu64 ",\"seconds\":%.6f,\"gbps\":%.6f",
		       hows[s->how], b->count, took, gbps);
		printf(",\"pieces\":%" PRIu64 ",\"late_pieces\":%" PRIu64
		       ",\"retransmits\":%" PRIu64,
		       s->pieces, s->late, s->retransmits);
		bench_report_text("congestion", s->congestion[0] ? s->congestion : NULL);
		bench_report_close(b);
	} else {
		printf("source: %" PRIu64 " connections sent %s in %.2f s: %.2f Gb/s", b->up,
		       bench_report_bytes(b->count, bytes), took, gbps);
		if (s->late)
			printf(", %" PRIu64 " of %" PRIu64 " pieces were late", s->late, s->pieces);
		bench_report_failures(b);
	}
	return bench_report_code(b);
}

int bench_source(int argc, char **argv)
{
	static struct source s;
	int rc = read_args(&s, argc, argv);

	if (rc != 0)
		return rc == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	rc = bench_bytes_make(&s.bytes);
	if (rc < 0) {
		fprintf(stderr, "shunt bench source: no memory to send from: %s\n", strerror(-rc));
		return CMD_FATAL;
	}
	rc = bench_loop_run(&s.b, &tool);
	bench_bytes_free(&s.bytes);
	return rc ? rc : report(&s);
}
