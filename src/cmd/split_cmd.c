/* SPDX-License-Identifier: BSD-2-Clause */
/* split_cmd.c — `shunt split`: one stream in, the same stream out to many */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "daemon/signals.h"
#include "daemon/split.h"

static const char *const engines[] = { "auto", "copy", "splice", NULL }; /* enum shunt_engine */
static const char *const formats[] = { "logfmt", "json", NULL };         /* enum log_format */
static const char *const lags[] = { "skip", "close", "wait", NULL };     /* enum split_on_lag */
static const char *const ends[] = { "wait", "close", NULL };

#define LAG_LEAST  ((uint64_t)1 << 20)
#define LAG_MOST   ((uint64_t)1 << 30)
#define ALIGN_MOST ((uint64_t)64 << 10)
#define UNIT_LEAST ((uint64_t)64 << 10)
#define UNIT_MOST  ((uint64_t)1 << 20)
#define DEF_TYPE   "application/octet-stream"
#define COMES      "listen:"

struct split_args {
	struct options_list listen, rest;
	const char *source, *admin;
	unsigned engine, format, verbose, on_lag, on_end;
	uint64_t lag, burst, align, unit, workers;
	struct split_conf conf;
	uint64_t last_in, last_out, last_at; /* of the live line */
};

static int read_listens(const struct options *o, struct split_args *a)
{
	const char *problem;

	if (a->listen.count > SPLIT_LISTENS)
		return options_wrong(o, "more than %d addresses to listen on", SPLIT_LISTENS);
	for (size_t i = 0; i < a->listen.count; i++)
		if (addr_parse(a->listen.item[i], ADDR_LISTEN, &a->conf.listen[i], &problem) < 0)
			return options_wrong(o, "--listen %s: %s", a->listen.item[i], problem);
	a->conf.listens = a->listen.count;
	return 0;
}

static int read_source(const struct options *o, struct split_args *a)
{
	struct split_conf *c = &a->conf;
	struct addr_name name;
	const char *problem;

	c->source_comes = strncmp(a->source, COMES, strlen(COMES)) == 0;
	if (c->source_comes) {
		if (addr_parse(a->source + strlen(COMES), ADDR_LISTEN, &c->source_listen,
			       &problem) < 0)
			return options_wrong(o, "--source %s: %s", a->source, problem);
		return 0;
	}
	if (c->takeover)
		return options_wrong(o,
				     "--takeover is for a source that comes: --source listen:ADDR");
	if (addr_parse(a->source, ADDR_TARGET, &name, &problem) < 0)
		return options_wrong(o, "--source %s: %s", a->source, problem);
	int n = addr_resolve(&name, c->source, SPLIT_SOURCES, &problem);

	if (n < 0)
		return options_wrong(o, "--source %s: %s", a->source, problem);
	c->sources = (size_t)n;
	return 0;
}

static int read_admin(const struct options *o, struct split_args *a)
{
	const char *problem;

	a->conf.admin = a->admin != NULL;
	if (a->admin && addr_parse(a->admin, ADDR_LISTEN, &a->conf.admin_listen, &problem) < 0)
		return options_wrong(o, "--admin %s: %s", a->admin, problem);
	return 0;
}

/* The type goes into a head as it is. */
static int read_type(const struct options *o, const struct split_args *a)
{
	const char *type = a->conf.type;

	if (!type)
		return 0;
	if (!strchr(type, '/') || strlen(type) > 100)
		return options_wrong(o, "--http %s: a type is like video/mp2t", type);
	for (; *type; type++)
		if (*type < ' ' || *type > '~')
			return options_wrong(o, "--http: a type has no such byte as %#x",
					     (unsigned char)*type);
	return 0;
}

static int read_sizes(const struct options *o, struct split_args *a)
{
	struct split_conf *c = &a->conf;
	char least[UNITS_TEXT];

	c->lag = (size_t)a->lag;
	c->burst = (size_t)a->burst;
	c->align = (size_t)a->align;
	c->unit = (size_t)a->unit;
	if (c->unit && c->lag + c->burst < split_least(c->unit))
		return options_wrong(o, "--unit %zuK: lag and burst must be %s together at least",
				     c->unit >> 10, units_size_text(split_least(c->unit), least));
	return 0;
}

static unsigned cpus(void)
{
	cpu_set_t ours;
	int n = sched_getaffinity(0, sizeof(ours), &ours) < 0 ? 1 : CPU_COUNT(&ours);

	return n < 1 ? 1 : n > SPLIT_WORKERS ? SPLIT_WORKERS : (unsigned)n;
}

static int read_args(struct split_args *a, int argc, char **argv)
{
	struct split_conf *c = &a->conf;
	const struct option_row rows[] = {
		{ "source", 's', "ADDR", OPTION_TEXT, .text = &a->source,
		  .help = "where the stream is; listen:ADDR: where it comes" },
		{ "listen", 'l', "ADDR", OPTION_LIST, .list = &a->listen,
		  .help = "where subscribers come" },
		{ "http", 0, "TYPE", OPTION_TEXT, .text = &c->type,
		  .help = "speak HTTP to them, with this Content-Type" },
		{ "lag", 0, "SIZE", OPTION_SIZE, .size = &a->lag, .min = LAG_LEAST, .max = LAG_MOST,
		  .def = "8M", .help = "how far a subscriber may be behind" },
		{ "on-lag", 0, "WHAT", OPTION_CHOICE, .choice = &a->on_lag, .choices = lags,
		  .def = "skip", .help = "skip to live, close, or let the source wait" },
		{ "burst", 0, "SIZE", OPTION_SIZE, .size = &a->burst, .max = LAG_MOST, .def = "0",
		  .help = "so far before the live point one begins" },
		{ "align", 0, "BYTES", OPTION_SIZE, .size = &a->align, .min = 1, .max = ALIGN_MOST,
		  .def = "1", .help = "begin and skip at borders of packets" },
		{ "on-source-end", 0, "WHAT", OPTION_CHOICE, .choice = &a->on_end, .choices = ends,
		  .def = "wait", .help = "subscribers wait for the next one, or close as well" },
		{ "source-timeout", 0, "TIME", OPTION_TIME, .time = &c->source_timeout,
		  .def = "10s", .help = "give up a source silent so long; 0: never" },
		{ "retry", 0, "TIME", OPTION_TIME, .time = &c->retry, .min = 1, .def = "1s",
		  .help = "before the source is tried again; from failure to failure doubled" },
		{ "takeover", 0, NULL, OPTION_FLAG, .flag = &c->takeover,
		  .help = "a second source takes the first one's place" },
		{ "idle-timeout", 0, "TIME", OPTION_TIME, .time = &c->idle_timeout, .def = "60s",
		  .help = "end a subscriber who takes no byte for so long; 0: never" },
		{ "drain-timeout", 0, "TIME", OPTION_TIME, .time = &c->drain_timeout, .def = "30s",
		  .help = "how long draining waits; 0: for ever" },
		{ "max-subscribers", 0, "N", OPTION_NUMBER, .number = &c->max_subscribers, .min = 0,
		  .def = "0", .help = "more are refused; 0: what the limit of descriptors allows" },
		{ "engine", 'e', "ENGINE", OPTION_CHOICE, .choice = &a->engine, .choices = engines,
		  .def = "auto", .help = "splice, copy, or auto: the best that works here" },
		{ "unit", 'u', "SIZE", OPTION_SIZE, .size = &a->unit, .min = UNIT_LEAST,
		  .max = UNIT_MOST, .help = "bytes moved at a time; 1M, less for small lags" },
		{ "workers", 'w', "N", OPTION_NUMBER, .number = &a->workers, .min = 0,
		  .max = SPLIT_WORKERS, .def = "0", .help = "threads; 0: one for each CPU" },
		{ "admin", 0, "ADDR", OPTION_TEXT, .text = &a->admin,
		  .help = "tell metrics and health over HTTP there" },
		{ "log", 0, "FORMAT", OPTION_CHOICE, .choice = &a->format, .choices = formats,
		  .def = "logfmt", .help = "to stderr, one line for each subscriber" },
		{ "verbose", 'v', NULL, OPTION_COUNT, .count = &a->verbose, .help = "say more" },
		{ 0 },
	};
	const struct options o = {
		"shunt split",
		NULL,
		"Take one live stream, and give it to all who come.",
		rows,
		NULL,
		"ADDR: host:port, :port, [v6]:port, unix:/path\n"
		"signals: SIGTERM, SIGINT, SIGHUP stop; SIGUSR1: no new ones, end with the source\n"
		"exit codes: 0 fine, 1 usage, 2 cannot bind or no permission, 3 fatal at run time\n"
	};
	int r = options_parse(&o, argc, argv);

	if (r != 0)
		return r;
	if (!a->source)
		return options_wrong(&o, "the source is missing: --source 10.0.0.7:9000, or "
					 "--source listen::9000 if it comes");
	if (a->listen.count == 0)
		return options_wrong(&o, "where subscribers come is missing: --listen :8000");
	r = read_listens(&o, a);
	if (r == 0)
		r = read_source(&o, a);
	if (r == 0)
		r = read_admin(&o, a);
	if (r == 0)
		r = read_type(&o, a);
	return r < 0 ? r : read_sizes(&o, a);
}

static void live_line(const struct split_totals *t, void *arg)
{
	struct split_args *a = arg;
	char in[UNITS_TEXT], out[UNITS_TEXT], lag[UNITS_TEXT], held[UNITS_TEXT];
	uint64_t now = clock_ms(), ms = now - a->last_at;

	printf("\r\033[K%s %s | %llu subscribers %s | lag %s, %llu skips | held %s\r",
	       t->source_here ? "source" : "no source", units_rate_text(t->in - a->last_in, ms, in),
	       (unsigned long long)t->running, units_rate_text(t->out - a->last_out, ms, out),
	       units_size_text(t->lag, lag), (unsigned long long)t->skips,
	       units_size_text(t->held, held));
	fflush(stdout);
	a->last_in = t->in;
	a->last_out = t->out;
	a->last_at = now;
}

int cmd_split(int argc, char **argv)
{
	struct split_args a = { .last_at = clock_ms() };
	bool terminal = isatty(STDOUT_FILENO), bound;
	struct split *x;
	char problem[512];
	int r = read_args(&a, argc, argv);

	if (r != 0)
		return r == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	log_setup(STDERR_FILENO, a.verbose ? LOG_DEBUG_LEVEL : LOG_INFO_LEVEL,
		  a.format ? LOG_JSON : LOG_LOGFMT);
	a.conf.engine = (enum shunt_engine)a.engine;
	a.conf.on_lag = (enum split_on_lag)a.on_lag;
	a.conf.close_at_end = a.on_end == 1;
	a.conf.workers = a.workers ? (unsigned)a.workers : cpus();
	signals_block();
	r = split_start(&x, &a.conf, problem, sizeof(problem), &bound);
	if (r < 0) {
		fprintf(stderr, "shunt split: %s\n", problem);
		return bound ? CMD_FATAL : CMD_BIND;
	}
	r = split_run(x, terminal ? live_line : NULL, &a);
	if (terminal)
		putchar('\n');
	if (r < 0) { /* a thread that hangs can't be joined: leave without it */
		log_say(LOG_ERROR_LEVEL, "a worker does not stop: %s", strerror(-r));
		_exit(CMD_FATAL);
	}
	split_free(x);
	return CMD_FINE;
}
