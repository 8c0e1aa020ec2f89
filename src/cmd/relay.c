/* SPDX-License-Identifier: BSD-2-Clause */
/* relay.c — `shunt relay`: take connections, connect on, move the bytes both ways */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "daemon/daemon.h"

static const char *const engines[] = { "auto", "copy", "splice", "graft",
				       NULL };                   /* enum shunt_engine */
static const char *const formats[] = { "logfmt", "json", NULL }; /* enum log_format */

static const char *const exits[] = { "keep", "reset", NULL };

#define UNIT_LEAST    ((uint64_t)4 << 10)
#define UNIT_MOST     ((uint64_t)64 << 20)
#define RECEIVE_LEAST ((uint64_t)256 << 10)
#define RECEIVE_MOST  ((uint64_t)1 << 30)

struct relay_args {
	struct options_list listen, target, rest;
	unsigned engine, format, verbose;
	uint64_t workers, unit, receive_limit, slots;
	const char *ports;
	unsigned on_exit;
	struct relay_conf conf;
};

/* LISTEN TARGET...: the first word is where to listen, unless --listen has said it. */
static int sort_words(const struct options *o, struct relay_args *a)
{
	size_t i = 0;

	if (a->listen.count == 0 && a->rest.count > 0)
		a->listen.item[a->listen.count++] = a->rest.item[i++];
	if (a->target.count + a->rest.count - i > OPTIONS_LIST_MAX)
		return options_wrong(o, "more than %d targets", OPTIONS_LIST_MAX);
	while (i < a->rest.count)
		a->target.item[a->target.count++] = a->rest.item[i++];
	return 0;
}

static int read_listens(const struct options *o, struct relay_args *a)
{
	const char *problem;

	for (size_t i = 0; i < a->listen.count; i++)
		if (addr_parse(a->listen.item[i], ADDR_LISTEN, &a->conf.listen[i], &problem) < 0)
			return options_wrong(o, "--listen %s: %s", a->listen.item[i], problem);
	a->conf.listens = a->listen.count;
	return 0;
}

static int read_targets(const struct options *o, struct relay_args *a)
{
	const char *problem;
	struct relay_conf *c = &a->conf;

	for (size_t i = 0; i < a->target.count; i++) {
		struct addr_name name;

		if (addr_parse(a->target.item[i], ADDR_TARGET, &name, &problem) < 0)
			return options_wrong(o, "--target %s: %s", a->target.item[i], problem);
		int n = addr_resolve(&name, &c->target[c->targets], RELAY_TARGETS - c->targets,
				     &problem);

		if (n < 0)
			return options_wrong(o, "--target %s: %s", a->target.item[i], problem);
		c->targets += (size_t)n;
		if (c->targets == RELAY_TARGETS && i + 1 < a->target.count)
			return options_wrong(o, "more than %d target addresses", RELAY_TARGETS);
	}
	return 0;
}

static int read_ports(const struct options *o, struct relay_args *a)
{
	unsigned first, last;
	char rest;

	if (sscanf(a->ports, "%u-%u%c", &first, &last, &rest) != 2 || first < 1024 ||
	    first > last || last > 65535)
		return options_wrong(o, "--graft-ports %s: must be like 40000-49999", a->ports);
	a->conf.graft_first = (uint16_t)first;
	a->conf.graft_last = (uint16_t)last;
	return 0;
}

static int read_args(struct relay_args *a, int argc, char **argv)
{
	struct relay_conf *c = &a->conf;
	const struct option_row rows[] = {
		{ "listen", 'l', "ADDR", OPTION_LIST, .list = &a->listen,
		  .help = "where clients come" },
		{ "target", 't', "ADDR", OPTION_LIST, .list = &a->target,
		  .help = "where they are brought; the first that takes the connection" },
		{ "engine", 'e', "ENGINE", OPTION_CHOICE, .choice = &a->engine, .choices = engines,
		  .def = "auto", .help = "graft, splice, copy, or auto: the best that works here" },
		{ "graft-after", 0, "SIZE", OPTION_SIZE, .size = &c->graft_after, .min = 1,
		  .def = "32K", .help = "bytes relayed before the kernel takes over" },
		{ "graft-ports", 0, "RANGE", OPTION_TEXT, .text = &a->ports, .def = "40000-49999",
		  .help = "ports that grafts go out from" },
		{ "graft-slots", 0, "N", OPTION_NUMBER, .number = &a->slots, .min = 1,
		  .max = 1 << 20, .def = "65536", .help = "how many grafts there can be" },
		{ "on-exit", 0, "WHAT", OPTION_CHOICE, .choice = &a->on_exit, .choices = exits,
		  .def = "keep", .help = "keep grafts, or reset them" },
		{ "bpffs", 0, "DIR", OPTION_TEXT, .text = &c->bpffs, .def = "/sys/fs/bpf",
		  .help = "the BPF file system that they are kept in" },
		{ "unit", 'u', "SIZE", OPTION_SIZE, .size = &a->unit, .min = UNIT_LEAST,
		  .max = UNIT_MOST, .help = "bytes moved at a time [splice 1M, copy 256K]" },
		{ "receive-limit", 0, "SIZE", OPTION_SIZE, .size = &a->receive_limit,
		  .min = RECEIVE_LEAST, .max = RECEIVE_MOST, .def = "6M",
		  .help = "how far a sender may run ahead in a socket's buffer" },
		{ "workers", 'w', "N", OPTION_NUMBER, .number = &a->workers, .min = 0,
		  .max = RELAY_WORKERS, .def = "0", .help = "threads; 0: one for each CPU" },
		{ "connect-timeout", 0, "TIME", OPTION_TIME, .time = &c->connect_timeout,
		  .def = "3s", .help = "for each target; 0: as long as the kernel tries" },
		{ "idle-timeout", 0, "TIME", OPTION_TIME, .time = &c->idle_timeout, .def = "10m",
		  .help = "end what moves no byte for so long; 0: never" },
		{ "half-closed-timeout", 0, "TIME", OPTION_TIME, .time = &c->half_closed_timeout,
		  .def = "60s", .help = "the same once one side has finished; 0: never" },
		{ "drain-timeout", 0, "TIME", OPTION_TIME, .time = &c->drain_timeout, .def = "30s",
		  .help = "how long draining waits; 0: for ever" },
		{ "max-connections", 0, "N", OPTION_NUMBER, .number = &c->max_connections, .min = 0,
		  .def = "0",
		  .help = "more wait outside; 0: what the limit of descriptors allows" },
		{ "log", 0, "FORMAT", OPTION_CHOICE, .choice = &a->format, .choices = formats,
		  .def = "logfmt", .help = "to stderr, one line for each connection" },
		{ "verbose", 'v', NULL, OPTION_COUNT, .count = &a->verbose, .help = "say more" },
		{ 0 },
	};
	const struct options o = {
		"shunt relay",
		"[LISTEN TARGET...]",
		"Take connections at LISTEN, connect to TARGET, move the bytes both ways.",
		rows,
		&a->rest,
		"ADDR: host:port, :port, [v6]:port, unix:/path\n"
		"signals: SIGTERM, SIGINT, SIGHUP stop; SIGUSR1 drains: no new ones, then exit\n"
		"exit codes: 0 fine, 1 usage, 2 cannot bind or no permission, 3 fatal at run time\n"
	};
	int r = options_parse(&o, argc, argv);

	if (r != 0)
		return r;
	r = sort_words(&o, a);
	if (r < 0)
		return r;
	if (a->listen.count == 0)
		return options_wrong(&o,
				     "where to listen is missing: shunt relay :8080 10.0.0.7:80");
	if (a->target.count == 0)
		return options_wrong(&o, "the target is missing: shunt relay %s 10.0.0.7:80",
				     a->listen.item[0]);
	r = read_listens(&o, a);
	if (r == 0)
		r = read_ports(&o, a);
	return r < 0 ? r : read_targets(&o, a);
}

static unsigned cpus(void)
{
	cpu_set_t ours;
	int n = sched_getaffinity(0, sizeof(ours), &ours) < 0 ? 1 : CPU_COUNT(&ours);

	return n < 1 ? 1 : n > RELAY_WORKERS ? RELAY_WORKERS : (unsigned)n;
}

int cmd_relay(int argc, char **argv)
{
	struct relay_args a = { .format = 0 };
	struct daemon *d;
	char problem[512];
	bool bound;
	int r = read_args(&a, argc, argv);

	if (r != 0)
		return r == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	log_setup(STDERR_FILENO, a.verbose ? LOG_DEBUG_LEVEL : LOG_INFO_LEVEL,
		  a.format ? LOG_JSON : LOG_LOGFMT);
	a.conf.engine = (enum shunt_engine)a.engine;
	a.conf.unit = (size_t)a.unit;
	a.conf.receive_limit = (size_t)a.receive_limit;
	a.conf.graft_slots = (uint32_t)a.slots;
	a.conf.reset_grafts = a.on_exit == 1;
	a.conf.workers = a.workers ? (unsigned)a.workers : cpus();
	daemon_block_signals();
	r = daemon_start(&d, &a.conf, problem, sizeof(problem), &bound);
	if (r < 0) {
		fprintf(stderr, "shunt relay: %s\n", problem);
		return bound ? CMD_FATAL : CMD_BIND;
	}
	r = daemon_run(d, UINT64_MAX, NULL, NULL);
	if (r < 0) { /* a thread that hangs can't be joined: leave without it */
		log_say(LOG_ERROR_LEVEL, "a worker does not stop: %s", strerror(-r));
		_exit(CMD_FATAL);
	}
	daemon_free(d);
	return CMD_FINE;
}
